"""What a worker must see: this store, these arrays, and no other folder of the same name."""

from dataclasses import replace

import numpy as np
import pytest

from pipeline.data.arrays import write
from pipeline.data.source import Source
from pipeline.errors import Refusal
from pipeline.execution.sight import look, missed
from pipeline.execution.store import Store
from pipeline.records import Component
from pipeline.studies import Dataset


def arrays(folder, scale=255.0):
    source = Source(
        examples=np.zeros((12, 2, 2, 1), np.uint8),
        targets=np.arange(12) % 2,
        labels=("a", "b"),
        test_examples=None,
        test_targets=None,
        scale=scale,
        source="made",
        license="none",
    )
    made = Component(target="made.up", arguments={})
    counts = {"train": 4, "validation": 4, "test": 4, "seed": 0}
    write(source, Dataset(task="classification", source=made, **counts), "made", folder)
    return folder


def test_a_process_that_shares_the_folders_misses_nothing(tmp_path):
    sight = look(Store(tmp_path / "store"), [arrays(tmp_path / "arrays")])
    assert missed(sight) == ""
    sight.end()
    assert list((tmp_path / "store").iterdir()) == []


def test_each_folder_that_is_another_one_is_named(tmp_path):
    store, folder = tmp_path / "store", arrays(tmp_path / "arrays")
    sight = look(Store(store), [folder])
    elsewhere = replace(sight, store=tmp_path / "none")
    assert missed(elsewhere) == f"sees no store {tmp_path}/none"
    (tmp_path / "empty").mkdir()
    empty = replace(sight, store=tmp_path / "empty")
    assert missed(empty) == f"sees another folder in the place of the store {tmp_path}/empty"
    sight.file.write_text("another word")
    assert missed(sight) == f"sees another folder in the place of the store {store}"
    sight.file.write_text(sight.word)
    nothing = replace(sight, arrays=((tmp_path / "empty", "digest"),))
    assert missed(nothing).startswith("does not see the arrays")
    others = replace(sight, arrays=((arrays(tmp_path / "others", scale=1.0), sight.arrays[0][1]),))
    assert missed(others) == f"sees other arrays than the sweep in {tmp_path}/others"


def test_arrays_that_the_sweep_itself_does_not_see_are_refused(tmp_path):
    with pytest.raises(Refusal, match="run prepare again"):
        look(Store(tmp_path / "store"), [tmp_path / "arrays"])
