"""What somebody may have meant stands in the line that refuses it."""

from pathlib import Path

import numpy as np
import pytest

from pipeline.configuration.cell import compose_cells
from pipeline.data.npz import load
from pipeline.errors import Refusal


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("optimizer.lr=0.1", "optimizer.learning_rate"),
        ("lr=0.1", "optimizer.learning_rate"),
        ("learning_rate=0.1", "optimizer.learning_rate"),
        ("model.learning_rate=0.1", "optimizer.learning_rate"),
        ("optimizer.decay=0.1", "optimizer.weight_decay"),
        ("norm.eps=0.1", "norm.epsilon"),
        ("norm.gamma=true", "norm.scale"),
        ("model.units=3", "model.width"),
        ("model.layers=3", "model.depth"),
        ("bs=32", "batch_size"),
        ("batchsize=32", "batch_size"),
        ("epoch=3", "epochs"),
        ("dataset.test_size=3", "dataset.test"),
        ("validation=3", "dataset.validation"),
        ("train.x=3", "dataset.train"),
        ("gpu=1", "device"),
    ],
)
def test_another_tools_word_leads_to_the_key_that_is_meant(said, meant):
    with pytest.raises(Refusal, match=rf"is not a known key; did you mean '{meant}'\? \(valid: "):
        compose_cells(Path("conf"), [said], multirun=False)


@pytest.mark.parametrize("said", ["model.dropout=0.5", "dropout=0.5", "norm.decay=0.9"])
def test_what_nothing_here_means_gets_no_guess(said):
    with pytest.raises(Refusal, match=r"is not a known key \(valid: "):
        compose_cells(Path("conf"), [said], multirun=False)


@pytest.mark.parametrize(
    ("said", "way"),
    [
        ("metric=f1", r"those of the dataset's task; others are a class .* dataset\.task=NAME"),
        ("loss=mse", r"dataset\.task=NAME"),
        ("task=classification", r"write dataset\.task=classification$"),
        ("design=tpe", r"is chosen elsewhere \(valid: dataset, model, norm, optimizer\)$"),
    ],
)
def test_what_is_said_elsewhere_is_told_where(said, way):
    with pytest.raises(Refusal, match=way):
        compose_cells(Path("conf"), [said], multirun=False)


TARGETS = {
    "whole": (np.arange(3.0), r"try astype\('int64'\)$"),
    "numbers": (np.array([0.0, 0.5, 2.0]), r"0\.5 is none; to predict numbers say dataset\.task="),
    "nothing": (np.array([0.0, np.nan, 2.0]), r"nan is none; .* numpy\.digitize"),
    "shares": (np.eye(3), r"try argmax\(axis=1\)$"),
    "texts": (np.array(["a", "b", "a"]), r"numpy\.unique\(array, return_inverse=True\)"),
    "truths": (np.array([True, False, True]), r"try astype\('int64'\)$"),
    "one": (np.array(3), "save one for each example$"),
    "blocks": (np.zeros((3, 2, 2)), "save one for each example$"),
}


@pytest.mark.parametrize("kind", TARGETS)
def test_targets_that_are_no_classes_are_told_what_to_do(kind, tmp_path):
    targets, way = TARGETS[kind]
    np.savez(tmp_path / "a.npz", x=np.zeros((3, 4), np.float32), y=targets)
    with pytest.raises(Refusal, match=rf"targets are whole numbers of shape \(n,\): .*{way}"):
        load(
            path=str(tmp_path / "a.npz"),
            task="classification",
            examples="x",
            three_axes="pictures",
            targets="y",
            test_examples=None,
            test_targets=None,
            labels=None,
            license="none",
        )
