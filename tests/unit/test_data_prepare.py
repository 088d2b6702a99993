"""`prepare` turns the plan's datasets into arrays; a new source is one module, nothing edited."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipeline.data.arrays import verify
from pipeline.errors import Refusal
from pipeline.stages.places import Places
from pipeline.stages.prepare import run

PLACES = Places("tiny")
MODULE = """
import numpy as np
from pipeline.data.source import Source

def load(*, side):
    return Source(
        examples=np.zeros((40, side, side, 3), np.float32),
        targets=np.arange(40) % 4,
        labels=("a", "b", "c", "d"),
        test_examples=None,
        test_targets=None,
        scale=1.0,
        source="made up",
        license="CC0",
    )

def other():
    return 1
"""


@pytest.fixture(autouse=True)
def _checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "my_source.py").write_text(MODULE)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)


def plan(target: str, **arguments: Any) -> None:
    source = {"target": target, "arguments": arguments}
    sizes = {"train": 20, "validation": 12, "test": 8}
    dataset = {"task": "classification", "source": source, **sizes, "seed": 0}
    PLACES.plan.parent.mkdir(parents=True, exist_ok=True)
    PLACES.plan.write_text(yaml.safe_dump({"datasets": {"mine": dataset}, "studies": "unread"}))


def test_a_source_of_ones_own_is_prepared(capsys: pytest.CaptureFixture[str]) -> None:
    plan("my_source.load", side=5)
    run("tiny")
    manifest = verify(PLACES.arrays / "mine")
    assert manifest.label_counts["validation"] == (3, 3, 3, 3)
    assert capsys.readouterr().out == (
        f"mine: train 20, validation 12, test 8 of 5x5x3, digest {manifest.digest[:12]}\n"
    )


def test_a_source_that_returns_something_else_is_refused() -> None:
    plan("my_source.other")
    with pytest.raises(Refusal, match=r"^dataset mine: my_source.other returned int; it must"):
        run("tiny")


@pytest.mark.parametrize(
    "target", ["fractions.Fraction", "os.system", "numpy.save", "subprocess.call"]
)
def test_what_is_no_source_is_refused_before_it_is_called(target: str) -> None:
    plan(target, command="touch called")
    with pytest.raises(Refusal, match=rf"^dataset mine: {target} is no source; that is a function"):
        run("tiny")


def test_an_unknown_argument_of_a_source_is_refused() -> None:
    plan("my_source.load", sid=5)
    with pytest.raises(Refusal, match=r"takes no argument 'sid'; did you mean 'side'\?"):
        run("tiny")


def test_a_missing_plan_says_to_compose() -> None:
    with pytest.raises(Refusal) as refusal:
        run("tiny")
    assert str(refusal.value) == "reports/tiny/config.yaml is missing; run: normbench compose tiny"


@pytest.mark.parametrize(
    "text", ["", "[", "studies: {}", "datasets: 3", "datasets: {a: 1}", "datasets: {a: {train: 1}}"]
)
def test_a_damaged_plan_says_to_compose(text: str) -> None:
    PLACES.plan.parent.mkdir(parents=True)
    PLACES.plan.write_text(text)
    with pytest.raises(Refusal, match=r"datasets is damaged or old; run: normbench compose tiny$"):
        run("tiny")


def test_two_at_once_prepare_one_after_the_other(capsys: pytest.CaptureFixture[str]) -> None:
    plan("my_source.load", side=200)
    with ThreadPoolExecutor(4) as all_at_once:
        list(all_at_once.map(run, ["tiny"] * 4))
    manifest = verify(PLACES.arrays / "mine")
    told = f"mine: train 20, validation 12, test 8 of 200x200x3, digest {manifest.digest[:12]}"
    assert capsys.readouterr().out.splitlines() == [told] * 4
    assert [each.name for each in PLACES.arrays.iterdir()] == ["mine"]
