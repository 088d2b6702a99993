"""Each arm at its own rate: chosen on one half of the seeds, judged on the other.

A grid of values (of the learning rate, say) was run with every seed. Within each cell, what is
best on the mean over one half of the seeds is what the other half is judged at, and the other
way round: nothing is judged on what chose it, and every arm has the same budget, the grid.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from pipeline.arguments import Argument
from pipeline.content import Record
from pipeline.statistics.pairs import column, failed

FEWEST_SEEDS = 4  # two in each half: one alone would choose by its luck
CHOSEN_BY = "validation_error"
PLAIN = ("study", "batch_size", "examples", "epochs")
SECTIONS = ("model.", "norm.", "optimizer.")
TOLD = ("dataset", "model", "optimizer")


class Chosen(Record):
    """What one arm of one cell was judged at.

    `where` are the settings by which the compared cells differ, `values` the value for the
    first half of the seeds (chosen on the second) and for the second (chosen on the first),
    `at_end` says that one of them is the grid's lowest or highest: a better one may lie beyond.
    """

    named_by = ("arm", "where")

    arm: str
    where: dict[str, Argument]
    values: tuple[float, ...]
    at_end: bool

    @property
    def text(self) -> str:
        """Such as `batch at model.depth 20: 0.001 and 0.00316`."""
        where = ", ".join(f"{name} {value}" for name, value in self.where.items())
        values = " and ".join(f"{value:g}" for value in dict.fromkeys(self.values))
        end = " (the grid's end)" if self.at_end else ""
        return f"{self.arm}{f' at {where}' if where else ''}: {values}{end}"


def own_rates(runs: pd.DataFrame, axis: str) -> pd.DataFrame:
    """Return of each cell and seed the one run at the value that the other half's seeds chose.

    Best is what failed least often, among those the least mean validation error of the runs
    that stood, among those the smallest.

    Args:
        runs: Rows of the runs' table with the statistics that are judged by.
        axis: Column of the grid, such as `optimizer.learning_rate`.

    Raises:
        ValueError: The table has no such column.
    """
    seeds = sorted(set(runs["seed"]))
    half = runs["seed"].map({seed: place % 2 for place, seed in enumerate(seeds)})
    kept = np.zeros(len(runs), np.bool_)
    values, errors, lost = column(runs, axis), column(runs, CHOSEN_BY), failed(runs)
    halves = half.to_numpy(np.int64)
    for places in _cells(runs, axis):
        for judged in (0, 1):
            ours, others = places[halves[places] == judged], places[halves[places] != judged]
            if len(others):
                kept[ours[values[ours] == _best(values, errors, lost, others)]] = True
    return runs[kept]


def chosen(sides: Sequence[pd.DataFrame], axis: str, grid: Sequence[float]) -> tuple[Chosen, ...]:
    """Say which values the sides of a comparison came to.

    Args:
        sides: Rows out of `own_rates`.
        axis: Its column.
        grid: All values that were run.
    """
    rows = pd.concat(list(sides))
    names = [name for name in (*TOLD, *PLAIN[1:], *_arguments(rows, axis)) if name in rows]
    told = [name for name in names if len(set(map(repr, rows[name].dropna()))) > 1]
    told = [name for name in told if not name.startswith("norm.")]  # the arm's name says it
    found: dict[str, Chosen] = {}
    ends = {min(grid), max(grid)} if len(grid) else set()
    for side in sides:
        for places in _cells(side, axis):
            own = side.iloc[places].sort_values("seed")
            first = own.iloc[0]
            where = {name: _plain(first[name]) for name in told}
            values = tuple(dict.fromkeys(map(float, own[axis])))
            one = Chosen(
                arm=str(first["arm"]),
                where=where,
                values=values,
                at_end=bool(ends & set(values)),
            )
            found.setdefault(one.label, one)
    return tuple(found.values())


def _cells(runs: pd.DataFrame, axis: str) -> list[np.ndarray[tuple[int], np.dtype[np.int64]]]:
    """Places of the rows that differ in the axis and the seed alone, cell by cell."""
    names = [name for name in (*PLAIN, *_arguments(runs, axis)) if name in runs]
    keys: dict[str, list[int]] = {}
    for place, row in enumerate(runs[names].itertuples(index=False, name=None)):
        keys.setdefault(repr(row), []).append(place)  # an argument may be a list
    return [np.array(places, np.int64) for places in keys.values()]


def _arguments(runs: pd.DataFrame, axis: str) -> list[str]:
    return [name for name in map(str, runs) if name.startswith(SECTIONS) and name != axis]


def _best(
    values: np.ndarray[tuple[int], np.dtype[np.float64]],
    errors: np.ndarray[tuple[int], np.dtype[np.float64]],
    lost: np.ndarray[tuple[int], np.dtype[np.bool_]],
    places: np.ndarray[tuple[int], np.dtype[np.int64]],
) -> float:
    def badness(value: float) -> tuple[float, float, float]:
        own = places[values[places] == value]
        stood = own[~lost[own]]
        error = float(errors[stood].mean()) if len(stood) else np.inf
        return float(lost[own].mean()), error, value

    return min(map(float, np.unique(values[places])), key=badness)


def _plain(value: object) -> Argument:
    item = getattr(value, "item", None)
    plain: Argument = item() if callable(item) else value  # type: ignore[assignment]
    return plain
