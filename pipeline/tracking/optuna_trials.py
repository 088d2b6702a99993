"""An answer as a trial of Optuna: the values it was given, its score, and its curve."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pipeline.arguments import Scalar
from pipeline.records import Answer, Trial
from pipeline.search.objective import objective
from pipeline.search.space import bounds, value
from pipeline.studies import Dimension
from pipeline.tracking.snapshot import Clock

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution
    from optuna.trial import FrozenTrial

KEY = "normbench.key"


def frozen_trial(
    answer: Answer,
    space: Mapping[str, Dimension],
    choices: Mapping[str, tuple[Scalar, ...]],
    clock: Clock | None,
) -> FrozenTrial:
    """Return the finished trial, its validation score per epoch counted from 1.

    Args:
        answer: A trial of the study and its result.
        space: What its study searches.
        choices: What its study lists by value; a trial that has another has no such parameter.
        clock: When it ran; without one, the trial is dated now.
    """
    from optuna.distributions import CategoricalDistribution
    from optuna.trial import TrialState, create_trial

    states: dict[str, TrialState] = {
        "ok": TrialState.COMPLETE,
        "diverged": TrialState.COMPLETE,  # scored as if it knew nothing: a result
        "pruned": TrialState.PRUNED,
    }
    numbers = {
        name: number
        for name, dimension in space.items()
        if (number := _shown(dimension, _given(answer.trial, name))) is not None
    }
    chosen = {
        name: given
        for name, values in choices.items()
        if (given := _given(answer.trial, name)) in values
    }
    curve = answer.result.curves.get("validation_score", ())
    trial = create_trial(
        state=states[answer.result.status],
        value=objective(answer.result),
        params={**numbers, **chosen},
        distributions={
            **{name: _distribution(space[name], number) for name, number in numbers.items()},
            **{name: CategoricalDistribution(choices[name]) for name in chosen},
        },
        intermediate_values={
            epoch: score for epoch, score in enumerate(curve, start=1) if score is not None
        },
        user_attrs={
            KEY: answer.key,
            "normbench.status": answer.result.status,
            "normbench.weights_digest": answer.result.weights_digest,
        },
    )
    if clock is not None:
        trial.datetime_start = _local(clock.started)
        trial.datetime_complete = _local(clock.started + clock.wall_seconds)
    return trial


def _given(trial: Trial, name: str) -> object:
    """Return what a trial was given for a dimension: `search.questions.placed`, backwards."""
    section, _, argument = name.partition(".")
    if not argument:
        return getattr(trial, section)
    part = trial.norm.layer if section == "norm" else getattr(trial, section)
    return part.arguments.get(argument) if part is not None else None


def _shown(dimension: Dimension, given: object) -> float | int | None:
    """Return a value that Optuna can show on a dimension's scale; a design may propose others."""
    if isinstance(given, bool) or not isinstance(given, int | float):
        return None
    if dimension.scale == "powers_of_two":
        return given if isinstance(given, int) and given >= 1 else None
    return given if dimension.scale != "log" or given > 0 else None


def _distribution(dimension: Dimension, number: float) -> BaseDistribution:
    """Return a dimension as Optuna knows it: a range of values, whatever they are drawn from.

    So a grid's points stand on an axis, and a momentum is shown as it is. The
    ends are rounded as values are, and give way to a value outside.
    """
    from optuna.distributions import FloatDistribution, IntDistribution

    first, last = (value(dimension, end) for end in bounds(dimension))
    low, high = min(first, last, number), max(first, last, number)
    if dimension.scale == "powers_of_two":
        return IntDistribution(int(low), int(high), log=True)
    return FloatDistribution(low, high, log=dimension.scale == "log")


def _local(seconds: float) -> datetime:
    """Return a time as Optuna writes it: local, and without a time zone."""
    return datetime.fromtimestamp(seconds, UTC).astimezone().replace(tzinfo=None)
