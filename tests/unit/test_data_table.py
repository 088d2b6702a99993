"""A table of one's own becomes rows of numbers; what is wrong with it is told by column and row."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from pipeline.data import table
from pipeline.data.arrays import open_split, write
from pipeline.data.source import Source
from pipeline.errors import Refusal
from pipeline.records import Component, Manifest
from pipeline.studies import Dataset

HOUSES = """area,city,rooms,price
50,Rome,2,100
70,Oslo,3,200
90,Rome,3,300
"""
ARGUMENTS: dict[str, Any] = {
    "task": "regression",
    "target": "price",
    "numeric": None,
    "categorical": ("city",),
    "missing": "refuse",
    "standardize": True,
    "license": "CC0",
}
NAME_IT = (
    "name the column in dataset.source.categorical, or name those that count in "
    "dataset.source.numeric"
)
FILL_IT = (
    "fill or remove these rows, or let dataset.source.missing say mean, median or most_frequent"
)


def load(folder: Path, content: str | bytes | dict[str, Any], **changes: Any) -> Source:
    if isinstance(content, dict):
        file = folder / "houses.parquet"
        parquet.write_table(pa.table(content), file)
    else:
        file = folder / "houses.csv"
        file.write_bytes(content.encode() if isinstance(content, str) else content)
    return table.load(**{**ARGUMENTS, "path": str(file), **changes})


def refused(folder: Path, content: str | bytes | dict[str, Any], **changes: Any) -> str:
    with pytest.raises(Refusal) as refusal:
        load(folder, content, **changes)
    assert "\n" not in str(refusal.value)
    return str(refusal.value).replace(f"{folder}/", "")


def prepared(source: Source, folder: Path, **changes: Any) -> Manifest:
    component = Component(target="pipeline.data.table.load", arguments={})
    sizes = {"train": 6, "validation": 2, "test": 2}
    content = {"task": "regression", "source": component, **sizes, "seed": 0}
    return write(source, Dataset(**{**content, **changes}), "houses", folder / "arrays")


def test_numbers_are_standardized_and_categories_have_a_column_each(tmp_path: Path) -> None:
    source = load(tmp_path, HOUSES)
    # by hand: 50, 70, 90 have deviation sqrt(800 / 3); 2, 3, 3 have mean 8/3, deviation sqrt(2) / 3
    area, rooms = 20 / np.sqrt(800 / 3), 1 / np.sqrt(2)
    np.testing.assert_allclose(
        np.asarray(source.examples),
        [[-area, -2 * rooms, 0, 1], [0, rooms, 1, 0], [area, rooms, 0, 1]],
        rtol=1e-6,
    )
    np.testing.assert_allclose(source.targets, [-area, 0, area], rtol=1e-6)
    assert source.labels == ()
    assert source.source == (
        "table houses.csv, target 'price' (less 200 and over 81.6497, as in the training split)"
    )


def test_numbers_may_be_left_as_they_are_and_columns_left_out(tmp_path: Path) -> None:
    source = load(tmp_path, HOUSES, numeric=("rooms", "area"), categorical=(), standardize=False)
    assert np.asarray(source.examples).tolist() == [[2, 50], [3, 70], [3, 90]]


def test_a_parquet_file_gives_the_arrays_of_the_csv_file(tmp_path: Path) -> None:
    columns = {
        "area": np.array([50, 70, 90], np.int16),
        "city": pa.array(["Rome", "Oslo", "Rome"]).dictionary_encode(),
        "rooms": np.array([2.0, 3.0, 3.0]),
        "price": pa.array([100, 200, 300], pa.decimal128(5, 1)),
    }
    ours, theirs = load(tmp_path, columns), load(tmp_path, HOUSES)
    np.testing.assert_array_equal(ours.examples, theirs.examples)
    np.testing.assert_array_equal(ours.targets, theirs.targets)


def test_classes_are_texts_or_whole_numbers_in_their_order(tmp_path: Path) -> None:
    cities = load(tmp_path, HOUSES, task="classification", target="city", categorical=())
    assert cities.labels == ("Oslo", "Rome")
    assert cities.targets.tolist() == [1, 0, 1]
    prices = HOUSES.replace("100", "9")
    numbered = load(tmp_path, prices, task="classification")
    assert numbered.labels == ("9", "200", "300")


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_a_name_in_two_unicode_forms_is_one_name(tmp_path: Path, task: str) -> None:
    text = "caf\u00e9,x,y\n1,the\u0301,1\n2,th\u00e9,2\n3,no,3\n"
    target = {"classification": "x", "regression": "y"}[task]
    source = load(
        tmp_path,
        text,
        task=task,
        target=target,
        numeric=("cafe\u0301",),
        categorical=("x",) if target == "y" else (),
    )
    if task == "classification":
        assert source.labels == ("no", "th\u00e9")
    else:
        assert source.examples.shape == (3, 3)


def test_what_is_learned_is_learned_from_the_training_split_alone(tmp_path: Path) -> None:
    rows = [f"{n},{'ab'[n % 2]},{n * n}" for n in range(10)]
    source = load(tmp_path, "\n".join(["area,city,price", *rows]))
    manifest = prepared(source, tmp_path)
    for split in ("train", "validation", "test"):
        examples, targets = open_split(tmp_path / "arrays", split)
        assert examples.shape[1:] == manifest.shape == (3,)
        assert targets.shape[1:] == (1,)
        assert manifest.spread[split] == pytest.approx(targets.astype(float).var(), rel=1e-12)
        if split == "train":
            np.testing.assert_allclose(examples[:, 0].mean(), 0, atol=1e-6)
            np.testing.assert_allclose(examples[:, 0].std(), 1, rtol=1e-6)
            np.testing.assert_allclose([targets.mean(), targets.var()], [0, 1], atol=1e-6)
    assert manifest.outputs == 1
    assert (manifest.labels, manifest.label_counts) == ((), {})
    assert "less" in manifest.source


def test_what_is_missing_is_imputed_where_that_is_asked_for(tmp_path: Path) -> None:
    text = "area,city,price\n1,x,1\n1,,2\nNA,y,3\n4,x,4\n6,x,5\n"
    found = {
        word: np.asarray(load(tmp_path, text, missing=word, standardize=False).examples).tolist()
        for word in ("mean", "median", "most_frequent")
    }
    # by hand, of 1, 1, 4, 6; the missing city is the most frequent one, x
    assert [rows[2] for rows in found.values()] == [[3, 0, 1], [2.5, 0, 1], [1, 0, 1]]
    assert found["mean"][1] == [1, 1, 0]


def test_true_and_false_count_as_numbers_in_either_format(tmp_path: Path) -> None:
    csv = load(tmp_path, "new,price\nTrue,1\nfalse,2\n", categorical=(), standardize=False)
    columns = {"new": [True, False], "price": [1, 2]}
    other = load(tmp_path, columns, categorical=(), standardize=False)
    assert np.asarray(csv.examples).tolist() == np.asarray(other.examples).tolist() == [[1], [0]]


def test_a_constant_column_is_zero_and_no_error(tmp_path: Path) -> None:
    source = load(tmp_path, "area,price\n0.1,1\n0.1,2\n0.1,3\n", categorical=())
    assert np.asarray(source.examples).tolist() == [[0], [0], [0]]


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("50,", "many,", f"column 'area', row 2: 'many' is no number; {NAME_IT}"),
        ("50,", "2024-05-01,", f"column 'area', row 2: '2024-05-01' is no number; {NAME_IT}"),
        ("50,", "1_0,", f"column 'area', row 2: '1_0' is no number; {NAME_IT}"),
        ("90,", "inf,", "column 'area', row 4: 'inf' is infinite; repair it or leave it out"),
        ("90,", "-1e999,", "column 'area', row 4: '-1e999' is infinite; repair it or leave it out"),
        (
            "90,",
            "12345678901234567890,",
            "column 'area', row 4: '12345678901234567890' is a whole number that floating-point "
            "numbers can't tell from the next; repair it or leave it out",
        ),
        (
            "70,",
            "NA,",
            f"column 'area', row 3: the value is missing, one of 1 in 3 rows; {FILL_IT}",
        ),
        (
            "Rome",
            "",
            f"column 'city', row 2: the value is missing, one of 2 in 3 rows; {FILL_IT}",
        ),
        (
            ",300",
            ",",
            "column 'price', row 4: the value is missing, one of 1 in 3 rows; "
            "fill it in, or remove these rows",
        ),
        (
            ",300",
            ",dear",
            "column 'price', row 4: 'dear' is no number; name another target, or say "
            "dataset.task=classification",
        ),
    ],
)
def test_a_value_that_cannot_be_used_is_named_by_column_and_row(
    tmp_path: Path, old: str, new: str, line: str
) -> None:
    assert refused(tmp_path, HOUSES.replace(old, new)) == f"houses.csv: {line}"


@pytest.mark.parametrize("value", ["1e300", "1e39"])
def test_a_number_too_large_for_single_precision_is_refused(tmp_path: Path, value: str) -> None:
    line = refused(tmp_path, HOUSES.replace("90,", f"{value},"), standardize=False)
    assert line == (
        f"houses.csv: column 'area', row 4: {float(value):g} is too large for single precision; "
        "take its logarithm, or leave the column out"
    )


def test_one_class_only_is_refused(tmp_path: Path) -> None:
    text = HOUSES.replace("Oslo", "Rome")
    assert refused(tmp_path, text, task="classification", target="city", categorical=()) == (
        "table houses.csv, target 'city': a classifier needs at least two classes, found 'Rome'"
    )


def test_targets_that_are_all_the_same_are_refused(tmp_path: Path) -> None:
    rows = "\n".join(f"{n},5" for n in range(10))
    source = load(tmp_path, f"area,price\n{rows}", categorical=())
    with pytest.raises(Refusal) as refusal:
        prepared(source, tmp_path)
    assert str(refusal.value).startswith(
        "dataset houses: the targets of train are all the same, so that there is nothing to predict"
    )
    assert not (tmp_path / "arrays").exists()


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_too_few_rows_are_refused_with_the_counts(tmp_path: Path, task: str) -> None:
    source = load(tmp_path, HOUSES, task=task)
    with pytest.raises(Refusal) as refusal:
        prepared(source, tmp_path)
    assert str(refusal.value) == (
        "dataset houses: train 6, validation 2, test 2 make 10, but there are 3 examples; "
        "ask for fewer"
    )


def test_a_test_split_of_the_publishers_is_refused(tmp_path: Path) -> None:
    text = "area,price\n" + "\n".join(f"{n},{n}" for n in range(10))
    with pytest.raises(Refusal, match=r"brings no test split; give dataset\.test a number"):
        prepared(load(tmp_path, text, categorical=()), tmp_path, test="publisher")


def test_a_column_that_is_empty_in_the_training_split_is_refused(tmp_path: Path) -> None:
    text = "area,price\n" + "\n".join(f",{n}" for n in range(10))
    assert refused(tmp_path, text, missing="mean", categorical=()) == (
        "houses.csv: column 'area': is empty in the training rows; leave the column out"
    )


def test_the_numbers_of_rows_that_pandas_saves_are_no_feature(tmp_path: Path) -> None:
    text = HOUSES.replace("area,", ",area,").replace("\n5", "\n0,5").replace("\n7", "\n1,7")
    assert refused(tmp_path, text.replace("\n9", "\n2,9")) == (
        "houses.csv: column '': looks like the numbers of rows; save the table without them, or "
        "name the columns that count in dataset.source.numeric"
    )


@pytest.mark.parametrize("column", [[b"x", b"y", b"z"], [[1], [2], [3]]])
def test_a_column_of_neither_numbers_nor_text_is_refused(tmp_path: Path, column: Any) -> None:
    line = refused(tmp_path, {"area": column, "price": [1, 2, 3]}, categorical=())
    assert line.startswith("houses.parquet: column 'area': holds ")
    assert line.endswith("neither numbers nor text; turn it into numbers, or leave it out")


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        (
            {"target": None},
            "target: names nothing; add dataset.source.target=COLUMN to predict it",
        ),
        ({"target": 3}, "target: columns are named by text, got 3; quote it"),
        ({"numeric": "area"}, "numeric: must be a list of columns, got 'area'; write [area]"),
        ({"numeric": (1,)}, "numeric: columns are named by text, got 1; quote it"),
        (
            {"numeric": ("area", "price")},
            "numeric: column 'price' is named in dataset.source.target already; "
            "take it out of one of them",
        ),
        (
            {"numeric": ("area", "city")},
            "categorical: column 'city' is named in dataset.source.numeric already; "
            "take it out of one of them",
        ),
        (
            {"numeric": ("area", "area")},
            "numeric: column 'area' is named in dataset.source.numeric already; "
            "take it out of one of them",
        ),
        (
            {"numeric": (), "categorical": ()},
            "numeric: there are no columns to predict 'price' from; name some",
        ),
        ({"task": "ranking"}, "task: is 'ranking' (valid: classification, regression)"),
        (
            {"missing": "men"},
            "missing: is 'men'; did you mean 'mean'? (valid: mean, median, most_frequent, refuse)",
        ),
        ({"standardize": 1}, "standardize: must be true or false, got 1"),
    ],
)
def test_arguments_of_another_kind_are_refused(
    tmp_path: Path, changes: dict[str, Any], line: str
) -> None:
    assert refused(tmp_path, HOUSES, **changes) == f"dataset.source.{line}"


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"target": "prize"}, "'prize' of dataset.source.target; did you mean 'price'?"),
        ({"numeric": ("aera",)}, "'aera' of dataset.source.numeric; did you mean 'area'?"),
        ({"categorical": ("town",)}, "'town' of dataset.source.categorical (valid: area, city,"),
    ],
)
def test_an_unknown_column_is_refused_with_the_nearest_name(
    tmp_path: Path, changes: dict[str, Any], line: str
) -> None:
    changes = {"categorical": ("city",), **changes}
    assert refused(tmp_path, HOUSES, **changes).startswith(f"houses.csv: holds no column {line}")
