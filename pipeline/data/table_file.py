"""A table's file, CSV or Parquet: its columns by name, or what is wrong with the file in a line."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import csv, parquet

from pipeline.data.paths import file_at, one_form, shown, unreadable
from pipeline.errors import Refusal, nearest

DUE = "a table, CSV or Parquet"
PARQUET = b"PAR1"
PACKED = {b"\x1f\x8b": "gzip", b"PK": "zip, as Excel's files are", b"BZ": "bzip2"}
BLOCK_BYTES = (1 << 16, (1 << 31) - 1)  # least and most that pyarrow reads at once


@dataclass(frozen=True, eq=False)
class Table:
    """Columns as they are stored; those of a CSV file are text.

    Attributes:
        file: Where they lie.
        columns: A pyarrow table whose columns have different names.
        first_row: Number of the first row in messages: a CSV file's header is row 1, as
            spreadsheets count.
    """

    file: Path
    columns: pa.Table
    first_row: int

    @property
    def names(self) -> list[str]:
        """The columns' names, in the file's order."""
        return [str(name) for name in self.columns.schema.names]

    def __len__(self) -> int:
        return int(self.columns.num_rows)

    def column(self, name: str, key: str) -> Any:
        """Return a column, a pyarrow array.

        Args:
            name: The column's.
            key: The argument that names it, for the message.

        Raises:
            Refusal: There is none of that name.
        """
        if name not in self.names:
            raise Refusal(
                f"{shown(self.file)}: holds no column {name!r} of {key}{nearest(name, self.names)}"
            )
        return self.columns.column(name)

    def place(self, name: str, row: int | None = None) -> str:
        """Return the start of a message about a column, or about its value in one row."""
        where = "" if row is None else f", row {row + self.first_row}"
        return f"{shown(self.file)}: column {name!r}{where}"


def read_table(path: object) -> Table:
    """Return the table of a file, whole, in memory.

    Raises:
        Refusal: It is missing, empty, damaged, neither CSV nor Parquet, or two of
            its columns have one name.
    """
    file = file_at(path, DUE)
    try:
        content = file.read_bytes()
    except OSError as error:
        raise unreadable(file, error) from None
    is_parquet = content.startswith(PARQUET)
    columns = _parquet(content, file) if is_parquet else _csv(content, file)
    if not columns.num_rows:
        raise Refusal(f"{shown(file)}: holds no rows; name {DUE}, that has some")
    columns = columns.rename_columns([one_form(name.strip()) for name in columns.schema.names])
    for name, count in Counter(columns.schema.names).items():
        if count > 1:
            raise Refusal(f"{shown(file)}: {count} columns are called {name!r}; rename all but one")
    return Table(file, columns, first_row=1 if is_parquet else 2)


def _parquet(content: bytes, file: Path) -> pa.Table:
    try:
        return parquet.ParquetFile(pa.BufferReader(content)).read()
    except (pa.ArrowException, OSError) as error:
        reason = str(error).splitlines()[0]
        raise Refusal(
            f"{shown(file)}: is truncated or damaged ({reason}); fetch it again"
        ) from None


def _csv(content: bytes, file: Path) -> pa.Table:
    _check_text(content, file)
    wrong: list[Any] = []

    def remember(row: Any) -> str:
        wrong.append(row)
        return "error"

    once = csv.ReadOptions(
        use_threads=False, block_size=min(max(BLOCK_BYTES[0], len(content) + 1), BLOCK_BYTES[1])
    )
    try:
        names = csv.open_csv(
            pa.BufferReader(content), once, _parsing(lambda _: "skip")
        ).schema.names
        _check_separator(names, file)
        as_text = csv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False
        )
        return csv.read_csv(pa.BufferReader(content), once, _parsing(remember), as_text)
    except pa.ArrowException as error:
        if wrong:
            raise Refusal(
                f"{shown(file)}: row {wrong[0].number} has {wrong[0].actual_columns} values, the "
                f"header names {wrong[0].expected_columns} columns; put quotes around values with "
                "commas, and give every row as many"
            ) from None
        reason = str(error).splitlines()[0]
        raise Refusal(f"{shown(file)}: is no CSV table ({reason}); name {DUE}") from None


def _parsing(invalid_row_handler: Any) -> csv.ParseOptions:
    return csv.ParseOptions(newlines_in_values=True, invalid_row_handler=invalid_row_handler)


def _check_text(content: bytes, file: Path) -> None:
    """Refuse what pyarrow would take for a table, or complain about at length."""
    if not content.strip():
        raise Refusal(f"{shown(file)}: is empty; name {DUE}")
    if file.suffix.lower() in (".parquet", ".pq"):
        raise Refusal(f"{shown(file)}: is truncated or no Parquet file; fetch it again")
    for start, kind in PACKED.items():
        if content.startswith(start):
            raise Refusal(f"{shown(file)}: is packed ({kind}); unpack it, or save it as CSV")
    try:
        content.decode()
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise Refusal(
            f"{shown(file)}: line {line} is not UTF-8; save the table as CSV in UTF-8"
        ) from None
    if b"\0" in content:
        raise Refusal(f"{shown(file)}: holds zero bytes, so it is no CSV table; name {DUE}")
    if content.count(b'"') % 2:
        raise Refusal(f"{shown(file)}: a quote is opened and never closed; write it twice")


def _check_separator(names: list[str], file: Path) -> None:
    for separator in (";", "\t"):
        if len(names) == 1 and separator in names[0]:
            raise Refusal(
                f"{shown(file)}: columns are separated by {separator!r}; save it with commas, and "
                "with points in numbers"
            )
