"""The files by which `normbench decide` asks: named, marked, and never written over somebody's."""

import shutil
from pathlib import Path

import pytest
import yaml

from pipeline.configuration.plan import compose_plan
from pipeline.errors import Refusal
from pipeline.stages import decide_files as files
from pipeline.stages.sizing import Size

REQUEST = "normbench decide --model cnn_small --data digits --minutes 5"
SIZE = Size(arms=4, searches=8, epochs=3, examples=512, minutes=4.2, workers=2)
ARMS = ("none", "batch", "batch_default", "layer")


@pytest.mark.parametrize(
    ("model", "name", "function"),
    [
        ("cnn_small", "cnn_small", None),
        ("pipeline.models.mlp", "pipeline_models_mlp", "pipeline.models.mlp.build"),
        ("pipeline.models.mlp.build", "pipeline_models_mlp", "pipeline.models.mlp.build"),
        ("pipeline.models.mlp:build", "pipeline_models_mlp", "pipeline.models.mlp.build"),
        (
            "pipeline.models.finished:network",
            "pipeline_models_finished_network",
            "pipeline.models.finished.network",
        ),
    ],
)
def test_a_model_is_a_file_or_a_function_in_a_module(model, name, function):
    assert files.named(model) == files.Model(name, function)


@pytest.mark.parametrize("model", ["nowhere.net", "pipeline.models:a-b", "nowhere:build"])
def test_a_module_that_is_not_there_is_refused(model):
    with pytest.raises(Refusal, match=f"--model {model}: "):
        files.named(model)


def test_a_file_is_ours_until_somebody_touches_it(tmp_path):
    file = tmp_path / "mine.yaml"
    assert files.state(file, REQUEST) == "absent"
    file.write_text(files.marked(REQUEST, "# a plan\nepochs: 3\n"))
    assert files.state(file, REQUEST) == "ours"
    assert files.state(file, REQUEST.replace("5", "6")) == "another"
    assert files.plan_in(file) == "a plan"
    file.write_text(file.read_text().replace("3", "4"))
    with pytest.raises(Refusal, match="was edited, and is left alone"):
        files.state(file, REQUEST)
    file.write_text("# somebody's own\nepochs: 3\n")
    with pytest.raises(Refusal, match="is not of normbench decide"):
        files.state(file, REQUEST)


def test_what_is_written_composes_to_the_size_that_was_said(tmp_path):
    conf = Path(shutil.copytree("conf", tmp_path / "conf"))
    name = files.profile_of("cnn_small", "digits")
    text = files.experiment_text("cnn_small", "digits", ARMS, SIZE, examples=1000)
    (conf / "experiment" / f"{name}.yaml").write_text(files.marked(REQUEST, text))
    text = files.profile_text(name, SIZE.said(1000))
    (conf / "profile" / f"{name}.yaml").write_text(files.marked(REQUEST, text))
    plan = compose_plan(conf, name)
    studies = list(plan.studies.values())
    assert len(studies) == 4 * 8
    assert {study.design.trials + len(study.confirm_seeds) for study in studies} == {SIZE.runs}
    assert {(study.epochs, study.examples) for study in studies} == {(3, 512)}
    assert {study.space["batch_size"].high for study in studies} == {128}
    assert plan.analysis.cost_experiments == (name,)
    assert plan.analysis.minimum == 8


def test_a_builder_is_named_as_it_is_and_another_function_is_wrapped():
    plain = yaml.safe_load(files.model_text("my.net.build", is_builder=True))
    assert plain["_target_"] == "my.net.build"
    assert "source" not in plain
    wrapped = yaml.safe_load(files.model_text("my.net.make", is_builder=False))
    assert wrapped["_target_"] == "pipeline.models.variants.build"
    assert wrapped["source"] == "my.net.make"
