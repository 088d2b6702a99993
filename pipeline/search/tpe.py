"""Optuna's TPE with a lag: the same proposals whoever works, in whatever order.

Proposal n is a function of the study, n, and the results 0 .. n - lag. Each
proposal has a sampler of its own, seeded by (design seed, study name, n), and
the pending trials are always exactly the last lag - 1.
"""

from __future__ import annotations

import zlib
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
import optuna

from pipeline.records import Result
from pipeline.search.objective import objective
from pipeline.search.proposal import Proposal
from pipeline.search.pruning import CURVE, thresholds
from pipeline.search.space import bounds, is_whole, value
from pipeline.studies import Dimension, Study

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
        prune_quantile: float | None,
        prune_after: int,
        prune_minimum: int,
    ) -> None:
        """Begin at proposal 0.

        Args:
            study: Whose space is searched.
            startup_trials: How many are drawn at random before the estimator is used.
            candidates: How many draws the estimator chooses among.
            multivariate: Whether dimensions are estimated jointly.
            group: Whether a joint estimate splits a space that varies from trial to trial.
            constant_liar: Whether pending trials count as bad ones.
            prune_quantile: Share of earlier trials that a trial must beat at each epoch to go
                on, in (0, 1); nothing lets every trial run to its end.
            prune_after: Epochs that every trial is given.
            prune_minimum: How many trials must have reached an epoch before one is stopped there.

        Raises:
            ValueError: A pruning argument is out of its range.
        """
        if prune_quantile is not None and not 0 < prune_quantile < 1:
            raise ValueError(f"prune_quantile must be between 0 and 1, got {prune_quantile}")
        if prune_after < 1 or prune_minimum < 1:
            raise ValueError("prune_after and prune_minimum must be at least 1")
        self._study = study
        self._thresholds: Callable[[Sequence[Result]], tuple[float | None, ...]] = lambda _: ()
        if prune_quantile is not None:
            self._thresholds = partial(
                thresholds,
                epochs=study.epochs,
                quantile=prune_quantile,
                after=prune_after,
                minimum=prune_minimum,
            )
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
        self._pending: deque[optuna.Trial] = deque()
        self._asked = 0
        self._told = 0

    def propose(self, results: Sequence[Result]) -> Proposal:
        """Return the next trial's hyperparameters and thresholds.

        Args:
            results: At least the results 0 .. n - lag of this study, in index
                order, where n is how often this was called before. Later ones
                are not looked at.
        """
        while self._told <= self._asked - self._study.design.lag:
            self._tell(results[self._told])
        self._optuna.sampler = self._sampler(seed=self._seed())
        asked = self._optuna.ask(self._space)
        self._pending.append(asked)
        self._asked += 1
        values = {name: value(self._study.space[name], asked.params[name]) for name in self._space}
        return Proposal(values, self._thresholds(results[: self._told]))

    def _tell(self, result: Result) -> None:
        trial = self._pending.popleft()
        self._told += 1
        if result.status != "pruned":
            self._optuna.tell(trial, objective(result))
            return
        reached = len(result.curves[CURVE])
        trial.report(objective(result), step=reached)
        self._optuna.tell(trial, state=optuna.trial.TrialState.PRUNED)

    def _seed(self) -> int:
        name = zlib.crc32(self._study.name.encode())
        sequence = np.random.SeedSequence([self._study.design.seed, name, self._asked])
        return int(sequence.generate_state(1)[0])


def _distribution(dimension: Dimension) -> optuna.distributions.BaseDistribution:
    low, high = bounds(dimension)
    if is_whole(dimension):
        return optuna.distributions.IntDistribution(round(low), round(high))
    return optuna.distributions.FloatDistribution(low, high)
