"""Each arm at its own value of one axis, such as the learning rate.

Some seeds of an experiment run every value and choose, in each cell of each arm; its other seeds
are judged at what was chosen (`pipeline/search/factorial.py`).
"""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from pipeline.arguments import Argument
from pipeline.content import Record
from pipeline.statistics.pairs import column

PLAIN = ("batch_size", "examples", "epochs")
SECTIONS = ("model.", "norm.", "optimizer.")
TOLD = ("dataset", "model", "optimizer")


class Chosen(Record):
    """What one arm of one cell was judged at.

    `where` are the settings by which the compared cells differ; `at_end` says that the value is
    the lowest or the highest that was tried: a better one may lie beyond.
    """

    named_by = ("arm", "where")

    arm: str
    where: dict[str, Argument]
    value: float
    at_end: bool

    @property
    def text(self) -> str:
        """Such as `batch at model.depth 20: 0.001`."""
        where = ", ".join(f"{name} {value}" for name, value in self.where.items())
        end = " (the grid's end)" if self.at_end else ""
        return f"{self.arm}{f' at {where}' if where else ''}: {self.value:g}{end}"


def own_runs(runs: pd.DataFrame) -> pd.DataFrame:
    """Return the runs at values that their arms chose; none of them chose."""
    return runs[runs["is_own"].astype(bool)]


def shared_runs(runs: pd.DataFrame) -> pd.DataFrame:
    """Return the runs at values that files fix, the same for all arms."""
    return runs[runs["is_shared"].astype(bool)]


def chosen(sides: Sequence[pd.DataFrame], axis: str, grid: Sequence[float]) -> tuple[Chosen, ...]:
    """Say which values the sides of a comparison came to.

    Args:
        sides: Rows out of `own_runs`.
        axis: Its column.
        grid: All values that were run.

    Raises:
        ValueError: The table has no such column.
    """
    rows = pd.concat(list(sides))
    names = [name for name in (*TOLD, *PLAIN, *_arguments(rows, axis)) if name in rows]
    told = [name for name in names if len(set(map(repr, rows[name].dropna()))) > 1]
    told = [name for name in told if not name.startswith("norm.")]  # the arm's name says it
    found: dict[str, Chosen] = {}
    ends = {min(grid), max(grid)} if len(grid) else set()
    for side in sides:
        for (_, first), value in zip(side.iterrows(), column(side, axis), strict=True):
            where = {name: _plain(first[name]) for name in told}
            arm, value = str(first["arm"]), float(value)
            one = Chosen(arm=arm, where=where, value=value, at_end=value in ends)
            found.setdefault(one.label, one)
    return tuple(found.values())


def _arguments(runs: pd.DataFrame, axis: str) -> list[str]:
    return [name for name in map(str, runs) if name.startswith(SECTIONS) and name != axis]


def _plain(value: object) -> Argument:
    item = getattr(value, "item", None)
    plain: Argument = item() if callable(item) else value  # type: ignore[assignment]
    return plain
