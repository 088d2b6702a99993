"""Several training runs side by side: what differs between them, and what came out."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.records import Result

NARROW = 80  # columns of a terminal, a pipe or a log that a table must be readable in


@dataclass(frozen=True)
class Run:
    """One run of several.

    Attributes:
        overrides: What the command line said of it: `KEY=VALUE`.
        score: The word of its task's score.
        key: Its trial's.
    """

    overrides: tuple[str, ...]
    score: str
    key: str
    result: Result

    @property
    def settings(self) -> dict[str, str]:
        """Its overrides by key."""
        return settings_of(self.overrides)

    @property
    def gap(self) -> float | None:
        """Points of score that batch statistics have over moving ones; none without them."""
        metrics = self.result.metrics
        if "gap_batch" not in metrics:
            return None
        return 100 * (metrics["gap_batch"] - metrics["gap_moving"])


def settings_of(overrides: Sequence[str]) -> dict[str, str]:
    """Return the values of `KEY=VALUE` words by key."""
    pairs = (each.lstrip("+").partition("=") for each in overrides)
    return {key: value for key, _, value in pairs}


def differing(told: Sequence[Mapping[str, str]]) -> list[str]:
    """Return the keys whose values are not the same in all runs."""
    keys = dict.fromkeys(key for settings in told for key in settings)
    return [key for key in keys if len({settings.get(key) for settings in told}) > 1]


def named(settings: Mapping[str, str], keys: Sequence[str]) -> str:
    """Return what a run says of these keys, as `KEY=VALUE` words."""
    return " ".join(f"{key}={settings[key]}" for key in keys if key in settings)


def as_json(runs: Sequence[Run]) -> str:
    """Return the runs for a script: all that was set, and every metric."""
    return json.dumps([_record(run) for run in runs], indent=2, ensure_ascii=False)


def as_csv(runs: Sequence[Run]) -> str:
    """Return the runs for a script, one line each under a line of names."""
    flat = []
    for run in runs:
        record = _record(run)
        flat.append(record.pop("settings") | record.pop("metrics") | record)
    names = list(dict.fromkeys(name for row in flat for name in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, names, lineterminator="\n")
    writer.writeheader()
    writer.writerows(flat)
    return text.getvalue().rstrip("\n")


def as_table(runs: Sequence[Run], width: int = NARROW) -> str:
    """Return the runs for a reader: a column for each key that differs between them.

    Where that is too wide, the runs are numbered, and a line each says what they are.
    """
    told = [run.settings for run in runs]
    differ = differing(told)
    columns = [
        [short, *(settings.get(key, "-") for settings in told)]
        for key, short in zip(differ, _short(differ), strict=True)
    ]
    outcomes = _outcomes(runs)
    table = _aligned([*columns, *outcomes], left=len(columns))
    if columns and max(map(len, table)) <= width:
        return "\n".join(table)
    numbers = [str(number) for number in range(1, len(runs) + 1)]
    lines = [
        f"{number}  {named(settings, differ)}"
        for number, settings in zip(numbers, told, strict=True)
    ]
    table = _aligned([["run", *numbers], *outcomes], left=1)
    return "\n".join([*(lines if differ else []), *table])


def _outcomes(runs: Sequence[Run]) -> list[list[str]]:
    words = " or ".join(dict.fromkeys(run.score for run in runs))
    return [
        ["status", *(run.result.status for run in runs)],
        [f"validation\n{words}", *(_score(run) for run in runs)],
        ["gap in\npoints", *("-" if run.gap is None else f"{run.gap:+.1f}" for run in runs)],
        ["weights", *(run.result.weights_digest[:12] for run in runs)],
    ]


def _score(run: Run) -> str:
    return f"{run.result.metrics['validation_score']:.4f}"


def _record(run: Run) -> dict[str, Any]:
    return {
        "settings": run.settings,
        "status": run.result.status,
        "metrics": dict(run.result.metrics),
        "weights": run.result.weights_digest,
        "trial": run.key,
    }


def _short(keys: Sequence[str]) -> list[str]:
    """Return the last part of each key, where that says which one is meant."""
    last = [key.rpartition(".")[2] for key in keys]
    known = Counter(last)
    return [key if known[short] > 1 else short for key, short in zip(keys, last, strict=True)]


def _aligned(columns: Sequence[Sequence[str]], *, left: int) -> list[str]:
    """Return lines of columns whose heads may have two; the first `left` begin at the left."""
    heads = [["", *column[0].split("\n")][-2:] for column in columns]
    cells = [[*head, *column[1:]] for head, column in zip(heads, columns, strict=True)]
    widths = [max(map(len, column)) for column in cells]
    rows = [
        "  ".join(
            text.ljust(width) if place < left else text.rjust(width)
            for place, (text, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in zip(*cells, strict=True)
    ]
    return rows if rows[0] else rows[1:]
