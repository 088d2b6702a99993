"""Experiments and claims as files: what cannot be meant is refused in one line."""

import shutil
from pathlib import Path

import pytest
import yaml

from pipeline.claims.claim import Claim
from pipeline.configuration.plan import compose_plan
from pipeline.content import content_digest
from pipeline.errors import Refusal

CONF = Path("conf")
ONE = """\
datasets: [mnist_5k]
models: [mlp]
optimizers: [adam]
norms: [none, batch]
design: factorial
axes: {}
overrides: ["seeds=[1,2,3]"]
"""
PROFILE = """\
experiments: [one]
overrides: []
analysis: {reference: none, level: 0.95, minimum: null, margin: 1.1, cost_experiments: []}
"""


@pytest.fixture
def conf(tmp_path) -> Path:
    """A copy of conf/ with a profile of one experiment and one claim, to spoil."""
    conf = Path(shutil.copytree(CONF, tmp_path / "conf"))
    shutil.rmtree(conf / "situation")  # which name the shipped claims
    for file in (conf / "claim").glob("*.yaml"):
        if file.stem != "before-activation":
            file.unlink()
    (conf / "experiment" / "one.yaml").write_text(ONE)
    (conf / "profile" / "one.yaml").write_text(PROFILE)
    file = conf / "claim" / "before-activation.yaml"
    mine = yaml.safe_load(file.read_text()) | {"experiment": "one"}
    del mine["beside"]
    part = mine.pop("part") | mine["parts"][0] | {"control": {"arm": "none"}}
    del part["own"], part["where"]
    mine["parts"] = [part]
    file.rename(conf / "claim" / "mine.yaml").write_text(yaml.safe_dump(mine, sort_keys=False))
    return conf


def spoil(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))


def refused(conf: Path) -> str:
    with pytest.raises(Refusal) as refusal:
        compose_plan(conf, "one")
    said = str(refusal.value)
    assert "\n" not in said
    return said


def test_axes_are_laid_out_for_every_arm_and_a_norm_s_own_for_those_that_have_it(conf):
    axes = (
        "{optimizer.learning_rate: [0.1, 0.01], norm.momentum: [0.9, 0.99, 0.5], batch_size: [4]}"
    )
    spoil(conf / "experiment" / "one.yaml", "axes: {}", f"axes: {axes}")
    studies = compose_plan(conf, "one").studies
    plain = studies["one/mnist_5k/mlp/adam/none"]
    batch = studies["one/mnist_5k/mlp/adam/batch"]
    assert (plain.design.trials, batch.design.trials) == (2 * 3, 2 * 3 * 3)
    assert list(batch.axes) == ["optimizer.learning_rate", "norm.momentum", "batch_size"]
    assert {values["norm.momentum"] for values in batch.combinations()} == {0.9, 0.99, 0.5}
    assert not plain.space
    assert not plain.confirm_seeds


@pytest.mark.parametrize(
    ("axes", "says"),
    [
        ("[1]", "axes must be a group of keys, got"),
        ("{batch_size: 4}", "axes.batch_size must be a list of values, got 4"),
        ("{batch_size: []}", "axes.batch_size must be a list of values"),
        ("{batch_size: [4, 4]}", "axes.batch_size lists a value twice"),
        ("{batch_size: [4, 0]}", "axes.batch_size must be at least 1, got 0"),
        ("{batch_size: [100000]}", "axes.batch_size must be at most the 3000 training examples"),
        ("{batch_siz: [4]}", "axes.batch_siz is no setting; did you mean 'batch_size'?"),
        ("{optimizer.rate: [0.1]}", "axes.optimizer.rate is no argument of optimizer"),
        (
            "{optimizer.learning_rate: [-1.0]}",
            "axes.optimizer.learning_rate must be greater than 0",
        ),
        ("{norm.momentun: [0.9]}", "axes.norm.momentun is an argument of none of its arms"),
        ("{model.width: [none]}", "axes.model.width must be a whole number, got 'none'"),
    ],
)
def test_axes_that_cannot_be_meant_are_refused(axes, says, conf):
    spoil(conf / "experiment" / "one.yaml", "axes: {}", f"axes: {axes}")
    said = refused(conf)
    assert says in said
    assert str(conf / "experiment" / "one.yaml") in said


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("axes: {}", "axis: {}", "axis is not a known key"),
        ("design: factorial", "design: tpe", "confirm|"),
        ("design: factorial", "design: factoral", "did you mean 'factorial'?"),
        ("seeds=[1,2,3]", "seeds=[1,1]", "seeds must differ from one another"),
        ("seeds=[1,2,3]", "seeds=[]", "seeds must have at least 1"),
        ("seeds=[1,2,3]", "seeds=[4294967296]", "seeds must be at most 4294967295"),
        (
            "seeds=[1,2,3]",
            "steps_per_epoch=[5]",
            "experiment/one.yaml: steps_per_epoch must be one number or one for each of 5 epochs, "
            "got 1",
        ),
        ("seeds=[1,2,3]", "steps_per_epoch=0", "steps_per_epoch must"),
        ("norms: [none, batch]", "norms: [batch]", "reference"),
    ],
)
def test_an_experiment_that_cannot_be_meant_is_refused(old, new, says, conf):
    if new == "design: tpe":  # a search has a space and no axes
        spoil(conf / "experiment" / "one.yaml", "axes: {}", "axes: {batch_size: [4]}")
        says = "axes belong to a design that searches nothing, such as factorial"
    if new == "norms: [batch]":
        (conf / "claim" / "mine.yaml").unlink()
        says = "analysis.reference must be an arm of the experiments, got 'none'"
    spoil(conf / "experiment" / "one.yaml", old, new)
    assert says in refused(conf)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("experiment: one", "experiment: won", "no conf/experiment/won.yaml|there is no"),
        (
            "arm: batch",
            "arm: bath",
            "claim.parts.0.treatment.arm names no arm of one: 'bath'; did you mean 'batch'?",
        ),
        ("log_error_ratio", "log_eror_ratio", "has no 'log_eror_ratio'"),
        (
            "asserts:",
            "where: {batchsize: 4}\n  asserts:",
            "claim.parts.0.where.batchsize names no setting of one: 'batchsize'; did you mean "
            "'batch_size'?",
        ),
        (
            "asserts:",
            "block: [seed, model.dept]\n  asserts:",
            "claim.parts.0.block names no setting of one: 'model.dept'; did you mean "
            "'model.depth'?",
        ),
        ("margin: 0.1", "margin: -0.1", "margin must be greater than 0, got -0.1"),
        ("kind: direction", "kind: direktion", "direktion"),
        ("statistics: recalibrated", "statistics: best", "claim.statistics must be 'moving' or"),
        ("level: 0.99", "", "a headline claim has a level of 0.99 or more"),
        ("minimum: 20", "minimum: 200", "minimum must not exceed clusters, got 200 of 30"),
        ("id: T10", "id: 10", "claim.id must be"),
        (
            "expected:",
            "beside: {}\nexpected:",
            "In 'claim/mine': Cannot merge a group of keys with a list",
        ),
        ("expected: inconclusive", "expected: maybe", "claim.expected must be 'supported'"),
        ("headline: true", "headline: true\ncolour: red", "claim.colour is not a known key"),
        ("source:", "sauce:", "claim.source is missing"),
    ],
)
def test_a_claim_that_cannot_be_meant_is_refused(old, new, says, conf):
    spoil(conf / "claim" / "mine.yaml", old, new)
    said = refused(conf)
    assert any(each in said for each in says.split("|")), said
    assert "claim/mine" in said


EFFECT = "_target_: pipeline.claims.kinds.errors.log_error_ratio\n    metric: validation_error"


@pytest.mark.parametrize(
    ("kind", "arguments", "says"),
    [
        (
            "errors.log_error_ratio",
            "{metric: validation_eror}",
            "effect.metric names no error of one: 'validation_eror'; did you mean "
            "'validation_error'?",
        ),
        (
            "errors.log_error_ratio",
            "{metric: validation_score}",
            "effect.metric names no error of one: 'validation_score'; did you mean "
            "'validation_error'?",
        ),
        (
            "figures.change",
            "{metric: validation_score, against: validation_acuracy, times: 100}",
            "effect.against names no figure of one: 'validation_acuracy'",
        ),
        (
            "largest_rate.largest_rate",
            "{rate: learning_rat}",
            "effect.rate names no setting of one: 'learning_rat'; did you mean "
            "'optimizer.learning_rate'?",
        ),
        (
            "depth.slope_per_doubling",
            "{metric: validation_error, axis: dept}",
            "effect.axis names no setting of one: 'dept'; did you mean 'model.depth'?",
        ),
        (
            "time_to_target.time_to_target",
            "{curve: validation_scor_curve, target: 0.9}",
            "effect.curve names no curve of one: 'validation_scor_curve'; did you mean "
            "'validation_score_curve'?",
        ),
        (
            "time_to_target.time_to_target",
            "{curve: validation_score_curve, target: soon}",
            "effect.target must be a number, got 'soon'",
        ),
        (
            "spreads.epoch_spread_ratio",
            "{curve: validation_score_curve, skip: 1.5, examples: validation_examples}",
            "effect.skip must be a whole number, got 1.5",
        ),
        (
            "errors.log_error_ratio",
            "{metrik: validation_error}",
            "takes no argument 'metrik'; did you mean 'metric'?",
        ),
        ("errors.log_error_ratio", "{}", "missing a required argument: 'metric'"),
        (
            "shadow_gap.shadow_gap",
            "{slow: validation_score_curve, fast: validation_score_curve, step: 20}",
            "too many positional arguments",  # it looks at one side
        ),
    ],
)
def test_an_effect_is_held_to_the_signature_of_its_kind(kind, arguments, says, conf):
    """`one` has no further probes; a name, a type or an argument is told before any run."""
    target = f"_target_: pipeline.claims.kinds.{kind}"
    effect = "{" + ", ".join(filter(None, [target, arguments[1:-1]])) + "}"
    spoil(conf / "claim" / "mine.yaml", f"effect:\n    {EFFECT}", f"effect: {effect}")
    if kind == "figures.change":  # of one arm
        spoil(conf / "claim" / "mine.yaml", "control:\n    arm: none", "control: null")
    said = refused(conf)
    assert said.startswith(f"{conf / 'claim' / 'mine.yaml'}: claim.parts.0.effect")
    assert says in said


def test_a_kind_of_ones_own_that_says_no_types_is_held_to_its_arguments_names(conf, monkeypatch):
    (conf / "mine.py").write_text(
        "from __future__ import annotations\n"
        "def gain(treatment, control, *, block, figure: Unknown): ...\n"
    )
    monkeypatch.syspath_prepend(conf)
    spoil(conf / "claim" / "mine.yaml", EFFECT, "_target_: mine.gain\n    figure: whatever")
    assert compose_plan(conf, "one").claims["mine"]
    spoil(conf / "claim" / "mine.yaml", "figure: whatever", "figur: whatever")
    assert "takes no argument 'figur'; did you mean 'figure'?" in refused(conf)


def test_parts_share_what_their_claim_says_once(conf):
    mine = conf / "claim" / "mine.yaml"
    claim = yaml.safe_load(mine.read_text())
    [part] = claim["parts"]
    shared = {key: part.pop(key) for key in ("effect", "treatment", "asserts", "rule")}
    other = part | {"name": "other", "effect": {"metric": "validation_error_recalibrated"}}
    other |= {"rule": {"kind": "equivalence", "margin": 0.2}}
    mine.write_text(yaml.safe_dump(claim | {"part": shared, "beside": [other]}))
    found = Claim.parse(compose_plan(conf, "one").claims["mine"])
    [first], [second] = found.parts, found.beside
    assert first.treatment == second.treatment == {"arm": "batch"}
    assert first.where == {}
    assert first.block == ("seed",)
    assert first.effect.target == second.effect.target
    assert (first.effect.arguments, second.effect.arguments) == (
        {"metric": "validation_error"},
        {"metric": "validation_error_recalibrated"},
    )
    assert (first.rule.kind, second.rule.kind) == ("direction", "equivalence")
    assert (found.level, found.failure_margin) == (0.99, 0.05)


def test_a_key_that_all_claims_share_is_named_by_its_file(conf):
    spoil(conf / "claim.yaml", "failure_margin: 0.05", "failure_margin: 2")
    with pytest.raises(Refusal, match=r"conf/claim\.yaml: claim\.failure_margin must be less"):
        compose_plan(conf, "one")


def test_two_claims_of_one_id_are_refused(conf):
    shutil.copy(conf / "claim" / "mine.yaml", conf / "claim" / "mine-again.yaml")
    assert "id T10 is also that of" in refused(conf)


def test_a_claim_about_another_profile_s_experiment_is_kept_and_its_arms_are_checked(conf):
    mine = conf / "claim" / "mine.yaml"
    spoil(mine, "experiment: one", "experiment: norms_mlp")
    assert compose_plan(conf, "one").claims["mine"]["experiment"] == "norms_mlp"
    spoil(mine, "arm: batch", "arm: group")
    assert "names no arm of norms_mlp: 'group'" in refused(conf)


def test_the_claims_digest_is_of_their_content_not_their_form(conf):
    before = compose_plan(conf, "one")
    mine = conf / "claim" / "mine.yaml"
    mine.write_text("# A comment, and the keys in another order.\n" + mine.read_text())
    assert compose_plan(conf, "one").claims_digest == before.claims_digest
    assert before.claims_digest == content_digest(before.claims)
    spoil(mine, "margin: 0.1", "margin: 0.2")
    assert compose_plan(conf, "one").claims_digest != before.claims_digest


def test_every_shipped_claim_names_what_its_experiment_has():
    plan = compose_plan(CONF, "quick")
    claims = [Claim.parse(each) for each in plan.claims.values()]
    assert len(claims) == 26
    assert len({claim.id for claim in claims}) == 26
    profiles = [yaml.safe_load(file.read_text()) for file in (CONF / "profile").glob("*.yaml")]
    run = {name for profile in profiles for name in profile["experiments"]}
    assert {claim.experiment for claim in claims} <= run
    here = {study.experiment for study in plan.studies.values()}
    elsewhere = {claim.id for claim in claims if claim.experiment not in here}
    assert elsewhere == {"P1", "T1", "T4l", "T6", "T9", "T9f", "T9l", "T12", "T13", "T16", "T16c"}


def test_the_reference_profile_runs_every_claim_with_the_clusters_that_its_file_plans():
    plan = compose_plan(CONF, "reference")
    for claim in (Claim.parse(each) for each in plan.claims.values()):
        asked = [each for each in plan.studies.values() if each.experiment == claim.experiment]
        assert asked, claim.id
        own = asked[0].design.own
        judged = len(asked[0].seeds) - (own.choosing if own is not None else 0)
        assert judged >= claim.clusters >= claim.minimum, claim.id


def test_full_mnist_s_experiment_composes_too(conf):
    profile = conf / "profile" / "one.yaml"
    spoil(profile, "[one]", "[mnist_mlp]")
    shutil.copy(CONF / "claim" / "accuracy-5-epochs.yaml", conf / "claim" / "mine.yaml")
    plan = compose_plan(conf, "one")
    assert {study.design.trials for study in plan.studies.values()} == {60}
