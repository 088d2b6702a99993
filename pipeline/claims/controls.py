"""Does the rule call different what is the same, and harmful what is broken?

Three controls are run for real; a fourth needs no training: real differences
whose signs are flipped at random are differences of nothing.
"""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
from numpy.random import Generator

from pipeline.arguments import Count, Proportion
from pipeline.claims.rules import IntervalRule, word_of
from pipeline.claims.verdict import Verdict
from pipeline.content import Record
from pipeline.statistics.intervals import Level
from pipeline.statistics.ranks import ranked_limits
from pipeline.statistics.samples import Sample, cluster_means

FLIPS = 2_000
LUCK = 3  # standard errors of a share among so many flips


class EmpiricalError(Record):
    """How often the rule errs on differences of nothing.

    `called_different`: the verdict is supported or refuted. `zero_outside`: the
    interval alone excludes zero, which it should in 1 - level of the flips.
    """

    flips: Count
    clusters: Count
    level: Level
    called_different: Proportion
    zero_outside: Proportion

    @property
    def exceeds(self) -> bool:
        """Whether it errs more often than its level leaves, by more than the flips' own luck."""
        rare = 1 - self.level
        return self.zero_outside > rare + LUCK * math.sqrt(rare * self.level / self.flips)


class Control(Record):
    """One control and whether the rule passes it."""

    kind: Literal["negative", "positive", "sabotage"]
    passed: bool
    verdict: Verdict

    def repeats(self) -> tuple[str, ...]:
        """Return the fields that say again what others say."""
        return ("verdict",)


def empirical_error(
    sample: Sample, rule: IntervalRule, *, level: float, generator: Generator, flips: int = FLIPS
) -> EmpiricalError | None:
    """Flip the sign of each cluster's mean difference at random, and judge again.

    Args:
        sample: A claim's blocks.
        rule: Its rule; one of a direction, else `called_different` has no meaning.
        level: Of its interval.
        generator: Where the signs come from.
        flips: How often.

    Returns:
        None with fewer than two clusters, and where values are only bounded.
    """
    if sample.is_censored or len(set(sample.seeds)) < 2:
        return None
    means, _ = cluster_means(sample)
    count = len(means)
    flipped = means * generator.choice([-1.0, 1.0], (flips, count))
    lows, highs = ranked_limits(flipped, flipped, level=level)
    pairs = zip(lows.tolist(), highs.tolist(), strict=True)
    different = [word_of(rule, low, high) in ("supported", "refuted") for low, high in pairs]
    return EmpiricalError(
        flips=flips,
        clusters=count,
        level=level,
        called_different=float(np.mean(different)),
        zero_outside=float(np.mean((lows > 0) | (highs < 0))),
    )


def judge_control(kind: Literal["negative", "positive", "sabotage"], verdict: Verdict) -> Control:
    """Say whether the rule passes a control.

    Args:
        kind: A copy of the plain arm on other seeds, batch norm in training mode
            at batch 1, or batch norm whose gamma is frozen at zero.
        verdict: Of what is known: that the copy is equivalent within a margin, which too
            few or too noisy seeds can't show, or that the other two are harmful. It must be
            supported.
    """
    return Control(kind=kind, passed=verdict.word == "supported", verdict=verdict)
