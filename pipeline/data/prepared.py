"""A dataset of the configuration, from its source to checked arrays in a folder."""

from __future__ import annotations

import inspect
from pathlib import Path

from pipeline.components import build, is_from_library, resolve
from pipeline.data.arrays import SPLITS, examples_file, write
from pipeline.data.source import Source
from pipeline.errors import Refusal
from pipeline.records import Manifest
from pipeline.studies import Dataset


def is_prepared(folder: Path) -> bool:
    """Tell whether a folder has a dataset's manifest, and each split's examples and targets."""
    try:
        files = [examples_file(folder, split) for split in SPLITS]
    except Refusal:
        return False
    return all(file.is_file() for file in (*files, *(folder / f"{n}_targets.npy" for n in SPLITS)))


def prepare(dataset: Dataset, name: str, folder: Path) -> Manifest:
    """Build a dataset's source, split it and write its arrays to `folder`, which it replaces.

    Args:
        dataset: Where examples come from, and how they are split.
        name: The dataset's name in conf/dataset.
        folder: Where the arrays go.

    Raises:
        Refusal: The examples cannot be had, split or written as asked.
    """
    if inspect.isclass(found := resolve(dataset.source.target)) or is_from_library(found):
        raise Refusal(
            f"dataset {name}: {dataset.source.target} is no source; that is a function of "
            "yours or of pipeline.data, load(...) -> pipeline.data.source.Source"
        )
    source = build(dataset.source)
    if not isinstance(source, Source):
        raise Refusal(
            f"dataset {name}: {dataset.source.target} returned {type(source).__name__}; "
            "it must return a pipeline.data.source.Source"
        )
    return write(source, dataset, name, folder)
