"""Optuna's TPE with a lag: the same proposals whoever works, in whatever order.

Proposal n is a function of the study, n, and the results 0 .. n - lag. Each
proposal has a sampler of its own, seeded by (design seed, study name, n), and
the pending trials are always exactly the last lag - 1.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from functools import partial

import numpy as np
import optuna

from pipeline.records import Dimension, Result, Study
from pipeline.search.objective import objective
from pipeline.search.space import bounds, is_whole, value

optuna.logging.set_verbosity(optuna.logging.WARNING)


class LaggedTpe:
    """Proposals of one study, in index order; results are told in index order too."""

    def __init__(
        self,
        study: Study,
        *,
        startup_trials: int,
        candidates: int,
        multivariate: bool,
        group: bool,
        constant_liar: bool,
    ) -> None:
        """Begin at proposal 0.

        Args:
            study: Whose space is searched.
            startup_trials: How many are drawn at random before the estimator is used.
            candidates: How many draws the estimator chooses among.
            multivariate: Whether dimensions are estimated jointly.
            group: Whether a joint estimate splits a space that varies from trial to trial.
            constant_liar: Whether pending trials count as bad ones.
        """
        self._study = study
        self._sampler = partial(
            optuna.samplers.TPESampler,
            n_startup_trials=startup_trials,
            n_ei_candidates=candidates,
            multivariate=multivariate,
            group=group,
            constant_liar=constant_liar,
        )
        self._space = {name: _distribution(d) for name, d in sorted(study.space.items())}
        self._optuna = optuna.create_study(direction="maximize")
        self._asked = 0
        self._told = 0

    def propose(self, results: Sequence[Result]) -> dict[str, float | int]:
        """Return the hyperparameters of the next trial, by dimension name.

        Args:
            results: At least the results 0 .. n - lag of this study, in index
                order, where n is how often this was called before. Later ones
                are not looked at.
        """
        while self._told <= self._asked - self._study.design.lag:
            self._optuna.tell(self._told, objective(results[self._told]))
            self._told += 1
        self._optuna.sampler = self._sampler(seed=self._seed())
        drawn = self._optuna.ask(self._space).params
        self._asked += 1
        return {name: value(self._study.space[name], drawn[name]) for name in self._space}

    def _seed(self) -> int:
        name = zlib.crc32(self._study.name.encode())
        sequence = np.random.SeedSequence([self._study.design.seed, name, self._asked])
        return int(sequence.generate_state(1)[0])


def _distribution(dimension: Dimension) -> optuna.distributions.BaseDistribution:
    low, high = bounds(dimension)
    if is_whole(dimension):
        return optuna.distributions.IntDistribution(round(low), round(high))
    return optuna.distributions.FloatDistribution(low, high)
