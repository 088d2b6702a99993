"""Configuration: what composes, and what is refused in one line that names the place."""

import shutil
from pathlib import Path

import pytest

from pipeline.__main__ import main
from pipeline.configuration.cell import compose_cells
from pipeline.configuration.plan import compose_plan
from pipeline.content import content_digest
from pipeline.errors import Refusal
from pipeline.studies import Plan

CONF = Path("conf")

# override -> what its line must say: place, key, value or what is allowed, nearest valid name
REFUSED = {
    "modle=cnn": ["command line", "modle is not a known key", "did you mean 'model'?"],
    "model=cn": ["command line", "there is no conf/model/cn.yaml", "did you mean 'cnn'?", "mlp"],
    "model=null": ["model=null", "must name one file of conf/model"],
    "model=[cnn]": ["must name one file of conf/model"],
    "optimizer.learning_rate=fast": ["optimizer.learning_rate must be a number, got 'fast'"],
    "optimizer.learning_rate=0": ["optimizer.learning_rate must be greater than 0, got 0"],
    "optimizer.learning_rate=-0.1": ["optimizer.learning_rate must be greater than 0, got -0.1"],
    "optimizer.learning_rate=inf": ["optimizer.learning_rate", "finite"],
    "optimizer.learning_rat=1": ["did you mean 'optimizer.learning_rate'?"],
    "norm.momentum=1": ["norm.momentum must be less than 1, got 1"],
    "norm.momentum=-0.1": ["norm.momentum must be at least 0, got -0.1"],
    "norm.epsilon=0": ["norm.epsilon must be greater than 0, got 0"],
    "norm.placement=between": [
        "norm.placement must be 'before', 'after' or 'inside', got 'between'"
    ],
    "norm.center=1": ["norm.center must be true or false, got 1"],
    "batch_size=0": ["batch_size must be at least 1, got 0"],
    "batch_size=2.5": ["batch_size must be a whole number, got 2.5"],
    "batch_size=3001": ["batch_size must be at most the 3000 training examples, got 3001"],
    "examples=3001": ["examples must be at most the training split's 3000, got 3001"],
    "epochs=0": ["epochs must be at least 1, got 0"],
    "seed=x": ["seed must be a whole number, got 'x'"],
    "device=tpu": ["device must be cpu or gpu:N, got 'tpu'"],
    "probes=3": ["probes must be a group of keys, got 3"],
    "model.width=0": ["model.width must be at least 1, got 0"],
    "model.initializer=he": ["model.initializer must be 'glorot_normal'", "got 'he'"],
    "dataset.source._target_=mnist": ["dataset.source._target_ must be a dotted path"],
    "dataset.train=???": ["Missing mandatory value"],
    "examples=${nothing}": ["Interpolation key 'nothing' not found"],
    "norm=none,batch": ["lists several values", "add -m"],
    "~optimizer.learning_rate": ["a key cannot be taken away"],
    "+foo=1": ["foo is not a known key"],
    "hydra.run.dir=elsewhere": ["hydra.run.dir is not a known key"],
    "seed=[1": ["is not an override", "write key=value"],
    "summary=3": ["summary must be true or false, got 3"],
    "seed=4294967296": ["seed must be at most 4294967295"],
    "seed=99999999999999999999": ["seed must be between -2^63 and 2^63"],
    "seed=0x10": ["seed must be a whole number, got '0x10'"],
    "norm=../norm/batch": ["there is no conf/norm/../norm/batch.yaml"],
    "norm@optimizer=batch": ["a group has one place, its own"],
    "+norm=batch": ["choose without +"],
    "+hydra={run: {dir: x}}": ["hydra is not a known key"],
    "norm._target_=null": ["belongs to no layer: the arm is plain"],
    "search.batch_size.low=8": ["search.batch_size.low says what a sweep searches"],
    "norm.search={}": ["norm.search says what a sweep searches"],
    "model.grid=3": ["model.grid says what a sweep searches"],
    "model._target_=nobodys.build": ["model._target_ names 'nobodys.build'", "no module 'nobodys'"],
    "optimizer._target_=math.sqrt": ["math is compiled or built into Python"],
    "dataset.source.digest=${oc.env:HOME}": [
        "oc.env",
        "names another key of conf/ and calls nothing",
    ],
    "dataset.source.digest=${oc.select:x,3}": ["oc.select", "calls nothing"],
    "dataset.source.digest=${now:%Y}": ["now", "calls nothing"],
    "dataset.source.digest=${dataset.source.digest}": ["Recursive interpolation"],
    "seed=interval(0,1)": ["has values without end"],
}
# likewise, of one file's arguments
REFUSED_ARGUMENTS = {
    ("model=rnn", "model.cell=elman"): ["model.cell must be 'gru' or 'lstm', got 'elman'"],
    ("model=rnn", "model.rows_per_step=0"): ["model.rows_per_step must be at least 1, got 0"],
    ("model=resnet", "model.preactivation=1"): ["model.preactivation must be true or false, got 1"],
    ("model=resnet", "model.zero_gamma=no"): ["model.zero_gamma must be true or false, got 'no'"],
    ("model=resnet", "model.skips=0"): ["model.skips must be true or false, got 0"],
    ("model=resnet", "model.scaled_branches=2"): [
        "model.scaled_branches must be true or false, got 2"
    ],
    ("model=keras_application", "model.frozen_norms=1"): [
        "model.frozen_norms must be true or false"
    ],
    ("model=keras_application", "model.side=0"): ["model.side must be at least 1, got 0"],
    ("model=keras_application", "model.alpha=0"): ["model.alpha must be greater than 0, got 0"],
    ("model=keras_application", "model.application=5"): [
        "model.application must be a string, got 5"
    ],
    ("model=keras_application", "model.pretrained=1"): ["model.pretrained must be a string, got 1"],
    ("model=variant", "model.source=5"): ["model.source must be a dotted path", "got 5"],
    ("model=variant", "model.source=network"): ["model.source must be a dotted path"],
    ("model=variant", "model.source=no.where"): ["model.source names 'no.where'", "module 'no'"],
    ("norm=batch_inside", "norm.gamma=-1"): ["norm.gamma must be at least 0, got -1"],
}
# likewise, with -m
REFUSED_SEVERAL = {
    "norm=glob(zz*)": ["norm=glob(zz*) lists no value at all"],
    "seed=glob(*)": ["conf/ has no group seed"],
    "seed=range(4,1)": ["lists no value at all"],
    "seed=range(0,5,0)": ["cannot be listed", "must not be zero"],
    "seed=range(0,1000000000000)": ["asks for more than 10000 runs"],
    "seed=shuffle(1,2)": ["leave out shuffle"],
    "norm=batch,nothing": ["there is no conf/norm/nothing.yaml"],
}


@pytest.mark.parametrize("override", REFUSED)
def test_a_bad_override_is_refused_in_one_line_with_exit_code_2(override, capsys):
    assert main(["train", override]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert len(err.splitlines()) == 1
    for part in ["normbench train: ", *REFUSED[override]]:
        assert part in err


@pytest.mark.parametrize("overrides", REFUSED_ARGUMENTS)
def test_a_bad_argument_of_a_file_is_refused_in_one_line_with_exit_code_2(overrides, capsys):
    assert main(["train", *overrides]) == 2
    out, err = capsys.readouterr()
    assert (out, len(err.splitlines())) == ("", 1)
    for part in ["normbench train: ", *REFUSED_ARGUMENTS[overrides]]:
        assert part in err


@pytest.mark.parametrize("override", REFUSED_SEVERAL)
def test_a_bad_list_of_values_is_refused_in_one_line_with_exit_code_2(override, capsys):
    assert main(["train", "-m", override]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert len(err.splitlines()) == 1
    for part in REFUSED_SEVERAL[override]:
        assert part in err


def test_a_very_long_override_is_shown_without_its_middle():
    with pytest.raises(
        Refusal, match=r"x \.\.\. x.*has 20022 characters, at most 10000"
    ) as refused:
        compose_cells(CONF, [f"norm.beta_initializer={'x' * 20_000}"], multirun=False)
    assert len(str(refused.value)) < 300


@pytest.fixture
def conf(tmp_path) -> Path:
    """A copy of conf/ to spoil."""
    return Path(shutil.copytree(CONF, tmp_path / "conf"))


def spoil(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


def test_a_bad_value_in_a_group_file_names_the_file(conf):
    spoil(conf / "model" / "mlp.yaml", "width: 256", "width: 0")
    with pytest.raises(Refusal, match=r"conf/model/mlp\.yaml: model\.width must be at least 1"):
        compose_cells(conf, [], multirun=False)


def test_a_bad_value_in_a_file_that_another_starts_from_names_the_one_that_says_it(conf):
    spoil(conf / "norm" / "batch_default.yaml", "momentum: 0.99 ", "momentum: 1.99 ")
    with pytest.raises(Refusal, match=r"conf/norm/batch_default\.yaml: norm\.momentum must be"):
        compose_cells(conf, ["norm=batch_after"], multirun=False)


def test_a_bad_value_in_an_experiment_names_the_experiment(conf):
    spoil(conf / "experiment" / "tuned_mlp.yaml", "epochs=3", "epochs=-3")
    with pytest.raises(Refusal, match=r"experiment/tuned_mlp\.yaml: epochs must be at least 1"):
        compose_plan(conf, "quick")


def test_a_profile_that_names_a_missing_experiment_is_refused_with_the_nearest(conf):
    spoil(conf / "profile" / "quick.yaml", "- tuned_mlp\n", "- tuned_mpl\n")
    with pytest.raises(Refusal, match=r"profile/quick\.yaml.*tuned_mpl.*did you mean 'tuned_mlp'"):
        compose_plan(conf, "quick")


def test_a_missing_key_of_a_root_file_is_refused(conf):
    spoil(conf / "cell.yaml", "epochs: 5", "")
    with pytest.raises(Refusal, match=r"epochs is missing"):
        compose_cells(conf, [], multirun=False)


def test_an_unknown_key_of_a_root_file_is_refused_with_the_nearest(conf):
    spoil(conf / "cell.yaml", "epochs: 5", "epochs: 5\nepoch: 5")
    with pytest.raises(Refusal, match=r"epoch is not a known key; did you mean 'epochs'\?"):
        compose_cells(conf, [], multirun=False)


def test_a_file_that_is_no_yaml_is_refused(conf):
    (conf / "model" / "mlp.yaml").write_text("width: [1")
    with pytest.raises(Refusal) as refused:
        compose_cells(conf, [], multirun=False)
    assert "\n" not in str(refused.value)


def test_a_search_of_an_argument_that_the_layer_lacks_is_refused(conf):
    spoil(conf / "norm" / "batch.yaml", "  momentum: {low", "  momentun: {low")
    with pytest.raises(Refusal, match=r"norm\.search\.momentun.*did you mean 'momentum'\?"):
        compose_plan(conf, "quick")


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("low: 16", "low: 512", "low must be less than high"),
        ("low: 16", "low: 17", "must be powers of two"),
        ("high: 256", "high: 4096", "must be at most the 3000 training examples"),
        ("scale: powers_of_two", "scale: linear", "must be 'log'"),
        ("low: 16", "low: 0", "must be greater than 0"),
    ],
)
def test_a_bad_searched_range_is_refused(conf, old, new, says):
    spoil(conf / "cell.yaml", old, new)
    with pytest.raises(Refusal, match=says) as refused:
        compose_plan(conf, "quick")
    assert "search.batch_size" in str(refused.value)


MINE = """\
_target_: mine.build
width: 0.5
scale: 2.0
depth: [2, 2, 4]
search: {width: {low: 0.25, high: 4.0, scale: log, points: null}}
grid: {}
"""


@pytest.fixture
def mine(conf, monkeypatch) -> Path:
    """The copy of conf/ with a model of a user's own, whose arguments mean what they like."""
    (conf / "mine.py").write_text("def build(shape, outputs, norm, **arguments): ...\n")
    (conf / "model" / "mine.yaml").write_text(MINE)
    (conf / "model" / "mine_fixed.yaml").write_text("defaults: [mine, _self_]\n")
    monkeypatch.syspath_prepend(conf)
    return conf


def test_a_model_of_ones_own_takes_what_it_likes(mine):
    [asked] = compose_cells(mine, ["model=mine"], multirun=False)
    assert asked.cell.model.arguments == {"width": 0.5, "scale": 2.0, "depth": (2, 2, 4)}
    with pytest.raises(Refusal, match=r"optimizer\.learning_rate must be greater than 0"):
        compose_cells(mine, ["model=mine", "optimizer.learning_rate=-1"], multirun=False)


def test_a_model_of_ones_own_is_searched_and_varied_as_it_likes(mine):
    spoil(mine / "experiment" / "tuned_mlp.yaml", "models: [mlp]", "models: [mine]")
    # a situation names what the experiment has
    spoil(mine / "situation" / "small-mlp.yaml", "model: mlp", "model: mine")
    plan = compose_plan(mine, "quick")
    [searched] = {
        study.space["model.width"].low
        for study in plan.studies.values()
        if study.experiment == "tuned_mlp"
    }
    assert searched == 0.25
    rates = mine / "experiment" / "rates_mlp.yaml"
    spoil(rates, "models: [mlp]", "models: [mine]")
    spoil(rates, "axes:", "axes:\n  model.width: [0.5, 2.5]")
    varied = [each for each in compose_plan(mine, "quick").studies.values() if each.axes]
    assert (0.5, 2.5) in {study.axes.get("model.width") for study in varied}


def test_an_override_by_an_empty_group_empties_it(conf):
    spoil(
        conf / "experiment" / "tuned_mlp.yaml",
        "- epochs=3",
        '- epochs=3\n  - "optimizer.search={}"',
    )
    for study in compose_plan(conf, "quick").studies.values():
        if study.experiment == "tuned_mlp":
            assert "optimizer.learning_rate" not in study.space


def test_a_file_that_empties_what_it_starts_from_is_refused(conf):
    (conf / "norm" / "mine.yaml").write_text("defaults: [batch, _self_]\nsearch: {}\n")
    with pytest.raises(
        Refusal, match=r"norm/mine\.yaml: search: \{\} takes nothing away.*norm/batch\.yaml"
    ):
        compose_cells(conf, ["norm=mine"], multirun=False)


@pytest.mark.parametrize("path", ["größe.npz", "图片.npz", "~/mine.npz", "mine (2).npz", "a=3.npz"])
def test_text_that_is_no_word_of_hydra_s_is_shown_as_it_must_be_written(path):
    with pytest.raises(Refusal, match="is not an override") as refused:
        compose_cells(CONF, [f"dataset.source.digest={path}"], multirun=False)
    written = f"dataset.source.digest='{path}'"
    assert str(refused.value).endswith(f'"{written}"')
    [asked] = compose_cells(CONF, [written], multirun=False)
    assert asked.dataset.source.arguments["digest"] == path


def test_two_experiments_that_split_one_dataset_differently_are_refused(conf):
    spoil(conf / "experiment" / "tuned_cnn.yaml", "- epochs=3", "- epochs=3\n  - dataset.seed=1")
    with pytest.raises(Refusal, match="split in different ways"):
        compose_plan(conf, "smoke")


def test_multirun_trains_every_combination_in_order():
    asked = compose_cells(CONF, ["norm=none,batch", "seed=0,1"], multirun=True)
    assert [each.overrides for each in asked] == [
        ("norm=none", "seed=0"),
        ("norm=none", "seed=1"),
        ("norm=batch", "seed=0"),
        ("norm=batch", "seed=1"),
    ]
    assert [each.cell.norm.layer is None for each in asked] == [True, True, False, False]


@pytest.fixture(scope="module")
def quick():
    return compose_plan(CONF, "quick")


def cells(plan):
    """The studies of each cell: what is compared with each other."""
    found = {}
    for study in plan.studies.values():
        found.setdefault(f"{study.cell_name}, search {study.search}", []).append(study)
    return found


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("searches=8", "searches=0", "searches must be a number of searches, 1 or more, got 0"),
        ("searches=8", "searches=many", "searches must be a number of searches"),
        ("again=none", "again=nona", "searched_again must be an arm .* did you mean 'none'"),
        ("[101,102]", "[101,1102]", "confirm_seeds must lie within 1000 of each other"),
    ],
)
def test_searches_that_cannot_be_are_refused(conf, old, new, said):
    spoil(conf / "experiment" / "tuned_mlp.yaml", old, new)
    with pytest.raises(Refusal, match=said):
        compose_plan(conf, "quick")


def test_the_searches_of_an_arm_share_no_seed_and_pair_over_arms(quick):
    arms = {}
    for study in quick.studies.values():
        if study.experiment == "tuned_mlp":
            arms.setdefault(study.arm, []).append(study)
    assert {arm: len(searches) for arm, searches in arms.items()} == {
        "none": 16,
        "batch": 8,
        "batch_default": 8,
        "layer": 8,
    }
    for searches in arms.values():
        seeds = [seed for each in searches for seed in (*each.seeds, *each.confirm_seeds)]
        assert len(set(seeds)) == len(seeds)
        for ours, theirs in zip(searches, arms["none"], strict=False):
            assert ours.search == theirs.search
            assert (ours.seeds, ours.confirm_seeds) == (theirs.seeds, theirs.confirm_seeds)


def test_a_task_is_the_same_whatever_trains_a_model(quick):
    """A reader sees its words only where all runs agree on it."""
    assert {study.task.error.noun for study in quick.studies.values()} == {"errors"}
    assert len({study.task.model_dump_json() for study in quick.studies.values()}) == 1


def test_every_arm_of_a_cell_gets_the_same_trials_and_the_same_seeds(quick):
    compared = cells(quick)
    assert len(compared) == 31
    for studies in compared.values():
        assert len({study.design.trials for study in studies}) == 1
        assert len({study.seeds for study in studies}) == 1
        assert len({study.confirm_seeds for study in studies}) == 1
        assert all(not {*study.seeds} & {*study.confirm_seeds} for study in studies)


def test_a_search_s_winner_is_confirmed_and_fixed_settings_have_none(quick):
    for study in quick.studies.values():
        assert bool(study.confirm_seeds) == study.design.has_winner
        assert bool(study.space) == study.design.searches
    tuned = {study.experiment for study in quick.studies.values() if study.design.has_winner}
    assert tuned == {"tuned_mlp"}


def test_only_the_tuned_batch_arm_searches_momentum_and_epsilon(quick):
    plain = {"batch_size", "optimizer.learning_rate"}
    for study in quick.studies.values():
        if study.design.searches:
            own = {"norm.momentum", "norm.epsilon"} if study.arm == "batch" else set()
            assert set(study.space) == plain | own


def test_the_cnn_takes_epsilon_from_a_grid_of_five_and_the_mlp_does_not():
    studies = compose_plan(CONF, "smoke").studies
    assert studies["tuned_cnn/mnist_5k/cnn_small/adam/batch"].space["norm.epsilon"].points == 5
    assert studies["tuned_mlp/mnist_5k/mlp/adam/batch"].space["norm.epsilon"].points is None


def test_a_plan_is_read_back_as_it_was_written(quick):
    assert Plan.parse(quick.plain()) == quick
    assert quick.studies_digest == content_digest(quick.plain()["studies"])


def test_smoke_and_quick_are_parts_of_claims_and_smoke_is_shrunk(quick):
    claims, smoke = compose_plan(CONF, "claims"), compose_plan(CONF, "smoke")
    assert quick.studies.keys() | smoke.studies.keys() < claims.studies.keys()
    for name, study in smoke.studies.items():
        assert study.model == claims.studies[name].model
        assert study.design.trials < claims.studies[name].design.trials
