"""Files of conf/ that cannot be meant: each is named, with its line, and nothing is guessed."""

import shutil
from pathlib import Path

import pytest

from pipeline.configuration.cell import compose_cells
from pipeline.configuration.cluster import compose_cluster
from pipeline.configuration.plan import compose_plan
from pipeline.errors import Refusal

CONF = Path("conf")


@pytest.fixture
def conf(tmp_path) -> Path:
    """A copy of conf/ with a profile of one study, to spoil."""
    conf = Path(shutil.copytree(CONF, tmp_path / "conf"))
    (conf / "experiment" / "one.yaml").write_text(
        "datasets: [mnist_5k]\nmodels: [mlp]\nnorms: [batch]\noptimizers: [adam]\n"
        "design: tpe\naxes: {}\n"
        "overrides: [searches=8]\n"
    )
    (conf / "profile" / "one.yaml").write_text(
        "experiments: [one]\noverrides: []\nanalysis: {reference: batch, level: 0.95, minimum: 8,\n"
        "  margin: 1.1, cost_experiments: []}\n"
    )
    return conf


def spoil(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))


SEED = "line 13: "  # where conf/cell.yaml says the seed
# what stands in the place of `seed: 0` in conf/cell.yaml -> what the line says of it
SPOILED = {
    "seed: 010": f"{SEED}010 reads as 8; write 8, or '010' for text",
    "seed: 1:30": f"{SEED}1:30 reads as 90; write 90, or '1:30' for text",
    "seed: [1": "line 14: did not find expected ',' or ']'",
    "seed: 0\nseed: 1": "line 14: the key seed is there twice",
    "seed: 0\n1: 0": "1 is not a known key",
    "seed: 0\n[a]: 0": "line 14: a key must be text",
    "seed: !!binary aGVsbG8=": "seed must be a number, text, true, false, null or a list, got b",
    "seed: !!python/object/apply:os.system [ls]": f"{SEED}could not determine a constructor",
    "seed: &a [*a]": "is nested more than 50 levels deep, or contains itself",
    f"seed: {'[' * 900}{']' * 900}": "is nested more than 50 levels deep, or contains itself",
    f"seed: {'9' * 5000}": "holds a value that cannot be read",
    "seed: ${seed}": "Recursive interpolation detected (seed)",
    "seed: ${oc.env:HOME}": "names another key of conf/ and calls nothing",
    "seed: on": "seed must be a whole number, got True",
    "seed: 2024-01-01": "seed must be a whole number, got '2024-01-01'",
}


@pytest.mark.parametrize("text", SPOILED)
def test_a_spoiled_file_is_named_with_its_line(text, conf):
    spoil(conf / "cell.yaml", "seed: 0", text)
    with pytest.raises(Refusal) as refused:
        compose_cells(conf, [], multirun=False)
    assert SPOILED[text] in str(refused.value)
    place = conf / ("train.yaml" if text.endswith("1: 0") else "cell.yaml")
    assert str(refused.value).startswith(f"{place}: ")


@pytest.mark.parametrize(
    ("content", "says"),
    [(b"\xff\xfe", "is not text in UTF-8"), (b"[1, 2]", "must hold keys and values")],
)
def test_a_file_that_is_no_mapping_in_utf_8_is_named(content, says, conf):
    (conf / "cell.yaml").write_bytes(content)
    with pytest.raises(Refusal, match=rf"cell\.yaml: {says}"):
        compose_cells(conf, [], multirun=False)


def test_a_folder_in_the_place_of_a_file_is_no_choice(conf):
    (conf / "norm" / "odd.yaml").mkdir()
    with pytest.raises(Refusal, match=r"there is no .*/norm/odd\.yaml"):
        compose_cells(conf, ["norm=odd"], multirun=False)


def test_somebody_elses_broken_file_breaks_nothing(conf):
    (conf / "model" / "theirs.yaml").write_text("width: [1")
    assert compose_cells(conf, ["model=mlp"], multirun=False)


def test_a_group_that_the_defaults_leave_out_is_missing(conf):
    spoil(conf / "cell.yaml", "  - model: mlp\n", "")
    with pytest.raises(Refusal, match="model is missing"):
        compose_cells(conf, [], multirun=False)


def test_the_environment_chooses_no_file(conf, monkeypatch):
    monkeypatch.setenv("ARM", "layer")
    spoil(conf / "cell.yaml", "norm: batch", "norm: ${oc.env:ARM}")
    with pytest.raises(Refusal, match="resolving interpolation"):
        compose_cells(conf, [], multirun=False)


@pytest.mark.parametrize(
    ("file", "old", "new", "says"),
    [
        ("norm/none.yaml", "search: {}", "search: {}\nepsilon: 0.1", "norm.epsilon belongs to no"),
        ("model/mlp.yaml", "grid: {}", "grid: {model.wdth: 3}", "model.grid.model.wdth is no arg"),
        ("model/mlp.yaml", "grid: {}", "grid: 3", "model.grid must be a group of keys, got 3"),
        ("cell.yaml", "points: null", "points: 1000000000000", "points must be at most 10000"),
        (
            "study.yaml",
            "[101, 102, 103, 104, 105, 106, 107, 108]",
            "[4294967296]",
            "confirm_seeds must be at most 4294967295",
        ),
        ("profile/one.yaml", "reference: batch", "reference: batsch", "did you mean 'batch'"),
        ("profile/one.yaml", "overrides", "overides: []\noverrides", "overides is not a known"),
        ("profile/one.yaml", "overrides: []", "overrides: [seed=1,2]", "seed=1 lists|several|2"),
        ("profile/one.yaml", "overrides: []", "overrides: []\nchanges: 3", "changes must be a"),
        ("profile/one.yaml", "overrides: []", "overrides: []\nchanges: {ones: []}", "'one'"),
        ("profile/one.yaml", "overrides: []", "overrides: []\nchanges: {one: 3}", "must be a li"),
        ("profile/one.yaml", "overrides: []", "overrides: []\nchanges: {one: [sed=1]}", "sed is n"),
        ("experiment/one.yaml", "[batch]", "[batch, batch]", "is asked for twice"),
        ("experiment/one.yaml", "[batch]", "[no]", "norms must be a list of names, got .False."),
        ("experiment/one.yaml", "adam", "adm", "optimizer=adm.*did you mean 'adam'"),
        ("design/tpe.yaml", "startup_trials: 6", "startup_trials: few", "startup_trials must be"),
    ],
)
def test_a_profile_that_cannot_be_meant_is_refused(file, old, new, says, conf):
    if file == "norm/none.yaml":
        spoil(conf / "experiment" / "one.yaml", "[batch]", "[batch, none]")
    spoil(conf / file, old, new)
    with pytest.raises(Refusal, match=says) as refused:
        compose_plan(conf, "one")
    assert "\n" not in str(refused.value)


def test_a_profile_changes_one_experiment_and_no_other(conf):
    spoil(conf / "profile" / "one.yaml", "[one]", "[one, controls_mlp]")
    before = compose_plan(conf, "one").studies
    with (conf / "profile" / "one.yaml").open("a") as file:
        file.write("changes: {one: [epochs=7]}\n")
    after = compose_plan(conf, "one").studies
    changed = {name.partition("/")[0] for name in after if after[name] != before[name]}
    assert changed == {"one"}
    assert {study.epochs for study in after.values()} == {2, 7}


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ("local 'open", "a quote is not closed"),
        ("local workers=1,2", "lists several values"),
        ("local workers=${oc.env:HOME}", "calls nothing"),
        ("local _target_=nobodys.pool", "no module 'nobodys'"),
        ("../cluster/local", "there is no"),
        ("", "there is no"),
    ],
)
def test_cluster_words_that_cannot_be_meant_are_refused(asked, says):
    with pytest.raises(Refusal, match=r"^cluster ") as refused:
        compose_cluster(CONF, asked)
    assert says in str(refused.value)


def test_arms_of_ones_own_may_have_any_name_that_a_file_has(conf):
    shutil.copyfile(conf / "norm" / "layer.yaml", conf / "norm" / "größe 1.yaml")
    spoil(conf / "experiment" / "one.yaml", "[batch]", "[batch, größe 1]")
    assert {study.arm for study in compose_plan(conf, "one").studies.values()} == {
        "batch",
        "größe 1",
    }
