"""A table of one's own, CSV or Parquet: a row is an example, one of its columns the target.

What is learned from rows (means, deviations, imputed values, categories) is
learned from the training split alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from pipeline.data.columns import Numbers, in_order, numbers, texts
from pipeline.data.features import MISSING, Features, check_complete, standardized
from pipeline.data.paths import one_form, shown
from pipeline.data.source import Integers, Source, Targets, predicts_numbers
from pipeline.data.table_file import Table, read_table
from pipeline.errors import Refusal, nearest

PLACE = "dataset.source"
ROW_NUMBERS = ("", "__index_level_0__")  # what pandas calls their column


@dataclass(frozen=True, eq=False)
class Rows:
    """What a table's file says, before anything is learned from it.

    Attributes:
        features: What the target is predicted from.
        targets: Positions in `labels`; or, where there are none, numbers in their own unit.
        labels: The classes' names.
        source: The file and the target.
        license: The terms they are under.
    """

    features: Features
    targets: Integers | Numbers
    labels: tuple[str, ...]
    source: str
    license: str

    def fitted(self, train: Integers) -> Source:
        """Return the source whose features, and numeric targets, are fitted on some rows."""
        targets: Targets = np.asarray(self.targets, np.int64)
        unit, said = None, ""
        if not self.labels:
            found, mean, deviation = standardized(np.asarray(self.targets, np.float64), train)
            targets = found.astype(np.float32)
            unit = (mean, deviation)
            said = f" (less {mean:.6g} and over {deviation:.6g}, as in the training split)"
        return Source(
            examples=self.features.encoded(train),
            targets=targets,
            labels=self.labels,
            test_examples=None,
            test_targets=None,
            scale=1.0,
            source=f"{self.source}{said}",
            license=self.license,
            columns=self.features.learned(train),
            unit=unit,
        )


def load(
    *,
    path: str | None,
    task: str,
    target: str | None,
    numeric: Sequence[str] | None,
    categorical: Sequence[str],
    missing: str,
    standardize: bool,
    license: str,  # noqa: A002
) -> Source:
    """Return the table's rows as examples, shape (n, d): numbers first, then categories as 0 and 1.

    For regression, targets are taken less their mean and over their deviation in
    the training split, so that a learning rate means the same in any unit: the mean
    squared error is in units of the training split's variance.

    Args:
        path: The file, CSV in UTF-8 with a header, or Parquet.
        task: `classification` of texts or whole numbers, or `regression` of numbers.
        target: The column to be predicted.
        numeric: Columns of numbers; None for all that are not named elsewhere.
        categorical: Columns of categories, each of which becomes a column of its own.
        missing: What a missing feature becomes: one of `features.MISSING`.
        standardize: Whether numeric columns are brought to mean 0 and deviation 1.
        license: The terms they are under, for the report.

    Raises:
        Refusal: The file, one of its values or one of the arguments is not of this form.
    """
    if missing not in MISSING:
        raise Refusal(f"{PLACE}.missing: is {missing!r}{nearest(str(missing), MISSING)}")
    if not isinstance(standardize, bool):
        raise Refusal(f"{PLACE}.standardize: must be true or false, got {standardize!r}")
    table = read_table(path)
    return predicting(
        table,
        task=task,
        target=_target(target),
        numeric=None if numeric is None else _names("numeric", numeric),
        categorical=_names("categorical", categorical),
        missing=missing,
        standardize=standardize,
        source=f"table {shown(table.file.name)}, target {target!r}",
        license=str(license),
    )


def predicting(
    table: Table,
    *,
    task: str,
    target: str,
    numeric: Sequence[str] | None,
    categorical: Sequence[str],
    missing: str,
    standardize: bool,
    source: str,
    license: str,  # noqa: A002
) -> Source:
    """Return a table's rows as `load` does; `source` says where they come from.

    Raises:
        Refusal: The table has no such columns, or others than that.
    """
    counted = _rest(table, (target, *categorical)) if numeric is None else numeric
    _check_apart(target, counted, categorical)
    others = "name those that count in" if numeric is None else "take it out of"
    way_out = f"name the column in {PLACE}.categorical, or {others} {PLACE}.numeric"
    targets, labels = _targets(table, target, task)
    features = Features(
        table=table,
        categorical={each: texts(table, each, f"{PLACE}.categorical") for each in categorical},
        numeric={each: numbers(table, each, f"{PLACE}.numeric", way_out) for each in counted},
        missing=missing,
        standardize=standardize,
    )
    rows = Rows(features, targets, labels, source, license)
    return replace(rows.fitted(np.arange(len(table))), fitted=rows.fitted)


def _targets(table: Table, name: str, task: str) -> tuple[Integers | Numbers, tuple[str, ...]]:
    """Return each row's target, and the classes' names if there are classes."""
    key, incomplete = f"{PLACE}.target", "fill it in, or remove these rows"
    if predicts_numbers(task):
        values = numbers(
            table, name, key, "name another target, or say dataset.task=classification"
        )
        check_complete(table, name, values, incomplete)
        return values, ()
    words = texts(table, name, key)
    check_complete(table, name, words, incomplete)
    labels = in_order(set(words))
    positions = {label: position for position, label in enumerate(labels)}
    return np.array([positions[word] for word in words], np.int64), tuple(labels)


def _target(target: object) -> str:
    if target is None or target == "":
        raise Refusal(f"{PLACE}.target: names nothing; add {PLACE}.target=COLUMN to predict it")
    if not isinstance(target, str):
        raise Refusal(f"{PLACE}.target: columns are named by text, got {target!r}; quote it")
    return one_form(target.strip())


def _names(key: str, names: object) -> tuple[str, ...]:
    if isinstance(names, str) or not isinstance(names, Sequence):
        raise Refusal(f"{PLACE}.{key}: must be a list of columns, got {names!r}; write [{names}]")
    for name in names:
        if not isinstance(name, str):
            raise Refusal(f"{PLACE}.{key}: columns are named by text, got {name!r}; quote it")
    return tuple(one_form(name.strip()) for name in names)


def _rest(table: Table, named: Sequence[str]) -> tuple[str, ...]:
    """Return all columns that are not named, which may not be the numbers of rows."""
    rest = tuple(name for name in table.names if name not in named)
    for name in ROW_NUMBERS:
        if name in rest:
            raise Refusal(
                f"{table.place(name)}: looks like the numbers of rows; save the table without "
                f"them, or name the columns that count in {PLACE}.numeric"
            )
    return rest


def _check_apart(target: str, numeric: Sequence[str], categorical: Sequence[str]) -> None:
    """Refuse a column that is named twice, and a target that is to be predicted from itself."""
    if not numeric and not categorical:
        raise Refusal(
            f"{PLACE}.numeric: there are no columns to predict {target!r} from; name some"
        )
    seen: dict[str, str] = {target: "target"}
    for key, names in (("numeric", numeric), ("categorical", categorical)):
        for name in names:
            if name in seen:
                raise Refusal(
                    f"{PLACE}.{key}: column {name!r} is named in {PLACE}.{seen[name]} already; "
                    "take it out of one of them"
                )
            seen[name] = key
