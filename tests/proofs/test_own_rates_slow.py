"""Arms at rates that 3 seeds chose, judged on 10 others: coverage and false alarms."""

from __future__ import annotations

import numpy as np
import pytest
from fixed_runs import fixed_study
from numpy.random import Generator
from questions import result

from pipeline.search.factorial import Factorial
from pipeline.statistics.intervals import ranked_estimate
from pipeline.statistics.samples import sample_of

pytestmark = pytest.mark.slow

DRAWS = 2_000
CHOOSING, JUDGED = 3, 10
RATE = "optimizer.learning_rate"
RATES = (0.001, 0.00316, 0.01, 0.0316)
# log errors above the best rate's, by rate: from a choice that anybody would make to none at all
SHAPES = {"clear": (0.5, 0.0, 0.4, 1.0), "close": (0.2, 0.05, 0.0, 0.15), "flat": (0.0,) * 4}
OWN = {
    "axis": RATE,
    "choosing": CHOOSING,
    "evaluations": 1,
    "target": None,
    "statistics": "recalibrated",
    "beside": RATES[0],
}
STUDY = fixed_study(axes={RATE: list(RATES)}, seeds=tuple(range(CHOOSING + JUDGED)), own=OWN)


def judged(
    generator: Generator, levels: dict[float, float], shared: np.ndarray
) -> tuple[float, np.ndarray]:
    """Return what one arm's rate costs, and the log errors of the seeds that are judged at it.

    Log errors spread by 0.15 over runs, by `shared` over seeds, which both arms have in common.
    """
    proposer, results, logs, rate = Factorial(STUDY), [], [], RATES[0]
    for asked in STUDY.asked:
        rate = float(proposer.propose(results).values[RATE])
        log = np.log(0.1) + levels[rate] + shared[asked.seed] + generator.normal(0, 0.15)
        results.append(result(1 - min(np.exp(log), 1)))
        if asked.role == "own":
            logs.append(log)
    return levels[rate], np.array(logs)


@pytest.mark.parametrize("effect", [-0.3, 0.0])
@pytest.mark.parametrize("shape", SHAPES)
def test_an_effect_at_each_arms_own_rate_is_covered_as_often_as_it_says(
    shape: str, effect: float, capsys: pytest.CaptureFixture[str]
) -> None:
    generator = np.random.default_rng([len(shape), int(100 * abs(effect)), 7])
    plain = dict(zip(RATES, SHAPES[shape], strict=True))
    moved = dict(zip(RATES, np.roll(SHAPES[shape], 1) + effect, strict=True))
    covered = best = 0
    for _ in range(DRAWS):
        shared = generator.normal(0, 0.1, CHOOSING + JUDGED)
        ours, theirs = (judged(generator, levels, shared) for levels in (moved, plain))
        sample = sample_of(ours[1] - theirs[1], seeds=np.arange(JUDGED))
        found = ranked_estimate(sample, level=0.95)
        assert found is not None
        low, high = found.limits
        covered += low <= ours[0] - theirs[0] <= high
        best += low <= effect <= high
    with capsys.disabled():
        print(
            f"\nown rates, {shape}, planted {effect:+.1f}: covered at the rates that were chosen "
            f"{100 * covered / DRAWS:.1f}%, at the best ones {100 * best / DRAWS:.1f}%"
        )
    assert 0.94 <= covered / DRAWS <= 0.98
    # of two rates that differ by 0.05 of the error, three seeds may choose the lesser one
    assert best / DRAWS >= (0.85 if shape == "close" else 0.93)
