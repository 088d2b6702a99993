"""A table's file is read whole, or refused in a line that says what is wrong with it."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest
from data_permissions import somewhere, unprivileged
from pyarrow import parquet

from pipeline.data.table_file import read_table
from pipeline.errors import Refusal


def refused(path: object) -> str:
    with pytest.raises(Refusal) as refusal:
        read_table(path)
    assert "\n" not in str(refusal.value)
    return str(refusal.value)


def csv(folder: Path, content: bytes) -> str:
    file = folder / "t.csv"
    file.write_bytes(content)
    return str(file)


@pytest.mark.parametrize(
    "content",
    [
        b"a,b\n1,x y\n2,z\n",
        b"\xef\xbb\xbfa,b\n1,x y\n2,z\n",  # with a byte order mark
        b"a,b\r\n1,x y\r\n2,z\r\n",
        b'"a","b"\n1,"x y"\n2,"z"',
    ],
)
def test_values_of_a_csv_file_are_text(tmp_path: Path, content: bytes) -> None:
    found = read_table(csv(tmp_path, content))
    assert found.columns.to_pydict() == {"a": ["1", "2"], "b": ["x y", "z"]}
    assert len(found) == 2


def test_values_in_quotes_may_hold_commas_lines_and_quotes(tmp_path: Path) -> None:
    found = read_table(csv(tmp_path, b'a,b\n1,"x,\n""y"""\n'))
    assert found.columns.to_pydict()["b"] == ['x,\n"y"']


def test_rows_are_counted_as_a_spreadsheet_does(tmp_path: Path) -> None:
    assert read_table(csv(tmp_path, b"a,b\n1,2\n")).place("b", 0).endswith("column 'b', row 2")
    file = tmp_path / "t.parquet"
    parquet.write_table(pa.table({"a": [1]}), file)
    assert read_table(str(file)).place("a", 0).endswith("column 'a', row 1")


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (b"", "is empty; name a table, CSV or Parquet"),
        (b" \n\n", "is empty; name a table, CSV or Parquet"),
        (b"a,b\n", "holds no rows; name a table, CSV or Parquet, that has some"),
        (
            b"a,b\n1,2\n3\n",
            "row 3 has 1 values, the header names 2 columns; put quotes around values with "
            "commas, and give every row as many",
        ),
        (
            b"a,b\n1,2\n3,4,5\n",
            "row 3 has 3 values, the header names 2 columns; put quotes around values with "
            "commas, and give every row as many",
        ),
        (b"a,b\n1,caf\xe9\n", "line 2 is not UTF-8; save the table as CSV in UTF-8"),
        (b"\xff\xfea\x00,\x00", "line 1 is not UTF-8; save the table as CSV in UTF-8"),
        (b"a,b\n1,\0\n", "holds zero bytes, so it is no CSV table; name a table, CSV or Parquet"),
        (b'a,b\n1,"2\n3,4\n', "a quote is opened and never closed; write it twice"),
        (b"a, a\n1,2\n", "2 columns are called 'a'; rename all but one"),
        (
            b"a;b\n1;2,5\n",
            "columns are separated by ';'; save it with commas, and with points in numbers",
        ),
        (b"PK\x03\x04", "is packed (zip, as Excel's files are); unpack it, or save it as CSV"),
        (b"\x1f\x8b\x08", "is packed (gzip); unpack it, or save it as CSV"),
    ],
)
def test_what_is_no_csv_table_is_refused(tmp_path: Path, content: bytes, line: str) -> None:
    path = csv(tmp_path, content)
    assert refused(path) == f"{path}: {line}"


def test_a_damaged_parquet_file_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "t.parquet"
    parquet.write_table(pa.table({"a": list(range(1000))}), file)
    file.write_bytes(file.read_bytes()[:-20])
    line = refused(str(file))
    assert line.startswith(f"{file}: is truncated or damaged (")
    assert line.endswith("; fetch it again")
    file.write_bytes(b"a,b\n1,2\n")
    assert refused(str(file)) == f"{file}: is truncated or no Parquet file; fetch it again"


def test_a_path_that_leads_nowhere_is_refused(tmp_path: Path) -> None:
    assert refused(None) == (
        "dataset.source.path: names nothing; add dataset.source.path=PATH to name a table, CSV "
        "or Parquet"
    )
    assert (
        refused(str(tmp_path / "absent")) == f"{tmp_path}/absent: does not exist; correct the path"
    )
    assert refused(str(tmp_path)).startswith(f"{tmp_path}: is a folder; name a table,")


def test_a_file_that_may_not_be_read_is_refused() -> None:
    with somewhere() as folder:
        file = folder / "t.csv"
        file.write_bytes(b"a\n1\n")
        file.chmod(0)
        with unprivileged():
            assert refused(str(file)) == (
                f"{file}: cannot be read: Permission denied; correct the path or its permissions"
            )
