"""DVC as a team uses it, on a profile of one's own: -S, comparisons, push and pull."""

import json
from pathlib import Path

import pytest
import yaml
from checkout import PROFILE, Checkout

from pipeline.commands import STAGES

FILES = {
    "shallow.py": """\
import keras


def build(shape, outputs, norm, *, width):
    rows = keras.Input(shape)
    x = norm(keras.layers.Dense(width, name="hidden")(rows), name="norm", activation="relu")
    return keras.Model(rows, keras.layers.Dense(outputs, name="logits")(x))
""",
    "conf/model/shallow.yaml": """\
_target_: shallow.build
width: 4
search: {}
grid: {}
""",
    "conf/dataset/animals.yaml": """\
defaults: [table, _self_]
source: {path: animals.csv, target: kind}
train: 60
validation: 20
test: 20
""",
    "conf/experiment/animals.yaml": """\
datasets: [animals]
models: [shallow]
optimizers: [adam]
norms: [none]
design: factorial
axes: {}
overrides: ["seeds=[1,2]", batch_size=20]
""",
    "conf/profile/animals.yaml": """\
defaults: [quick, _self_]
experiments: [animals]
overrides: [epochs=1]
analysis: {cost_experiments: [], minimum: 2}
""",
    "animals.csv": "\n".join(
        ["size,kind", *(f"{n},{'cat' if n % 3 else 'dog'}" for n in range(120))]
    ),
}
NAMED = {
    f"GIT_{who}_{what}": "a@b" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")
}
WIDTH = 100


@pytest.fixture(scope="module")
def team(tmp_path_factory) -> Checkout:
    """A checkout whose profile `animals`, a line in dvc.yaml, has run and was pushed."""
    made = Checkout(tmp_path_factory.mktemp("team") / "one", **NAMED)
    for name, text in FILES.items():
        (made.root / name).write_text(text)
    made.edit("dvc.yaml", "- smoke\n", "- smoke\n      - animals\n")
    made.run("dvc", "repro", "report@animals")
    made.run("dvc", "remote", "add", "--default", "box", str(made.root.parent / "box"))
    made.run("dvc", "push", "report@animals", "--with-deps")
    commit(made)
    return made


def commit(checkout: Checkout) -> None:
    checkout.run("git", "add", "--all")
    checkout.run("git", "commit", "--quiet", "--allow-empty", "--message", "as it is")


def ran(said: str) -> list[str]:
    begins = "Running stage '"
    lines = [line for line in said.splitlines() if line.startswith(begins)]
    return [line.removeprefix(begins).partition("@")[0] for line in lines]


def told(said: str) -> dict:
    """Return what a command prints as JSON, below DVC's line on a profile that has not run."""
    return json.loads(said.splitlines()[-1])


@pytest.mark.slow
def test_a_second_clone_pulls_and_trains_nothing(team):
    other = team.root.parent / "two"
    team.run("git", "clone", "--quiet", str(team.root), str(other))
    clone = object.__new__(Checkout)
    clone.root, clone.environment = other, NAMED | {"PYTHONPATH": str(other)}
    clone.run("dvc", "pull", "report@animals", "--with-deps")
    name = "artifacts/animals/studies.jsonl"
    assert (other / name).read_bytes() == (team.root / name).read_bytes()
    assert (other / "reports/animals/report.html").is_file()
    assert "came from elsewhere" in clone.run("python", "-m", "pipeline", "status", "animals")
    key = json.loads((other / name).read_text().splitlines()[0])["key"]
    assert f"trial {key}" in clone.run("python", "-m", "pipeline", "show", key[:8])
    assert ran(clone.run("dvc", "repro", "report@animals")) == ["inputs"]
    assert not (other / "store").exists()


@pytest.mark.slow
def test_what_changed_runs_and_what_was_changed_back_comes_from_the_cache(team):
    file = team.root / "animals.csv"
    before = file.read_text()
    file.write_text(before.replace("1,cat", "1,dog"))
    assert ran(team.run("dvc", "repro", "prepare@animals")) == ["inputs", "prepare"]
    file.write_text(before)
    assert ran(team.run("dvc", "repro", "sweep@animals")) == ["inputs"]
    team.edit("shallow.py", "Dense(width", "Dense(2 * width")
    said = team.run("dvc", "repro", "sweep@animals")
    assert ran(said) == ["inputs", "sweep"]
    assert "2 trials, 2 of them trained now" in said
    team.edit("shallow.py", "2 * width", "width")
    assert ran(team.run("dvc", "repro", "sweep@animals")) == ["inputs"]


@pytest.mark.slow
def test_an_experiment_by_set_param_is_compared_with_the_commit(team):
    team.run("dvc", "repro", "report@animals")
    commit(team)
    change = "conf/profile/animals.yaml:overrides=['epochs=2']"
    team.run("dvc", "exp", "run", "report@animals", "-S", change)
    lines = (team.root / "artifacts/animals/studies.jsonl").read_text().splitlines()
    assert {json.loads(line)["trial"]["epochs"] for line in lines} == {2}
    changed = told(team.run("dvc", "params", "diff", "--json"))
    assert changed["conf/profile/animals.yaml"]["overrides"] == {
        "old": "['epochs=1']",
        "new": "['epochs=2']",
    }
    counted = told(team.run("dvc", "metrics", "diff", "--all", "--json"))
    assert list(counted) == ["reports/animals/verdicts.json"]
    claims = len(list((team.root / "conf/claim").glob("*.yaml")))
    assert counted["reports/animals/verdicts.json"]["not_tested"] == {
        "old": claims,
        "new": claims,
        "diff": 0,
    }
    assert "overrides" in team.run("dvc", "exp", "show", "--csv")
    shown = team.run("dvc", "metrics", "show")
    assert max(map(len, shown.splitlines())) <= WIDTH


def test_every_shipped_profile_has_stages_and_quick_and_reference_run_unasked():
    stages = yaml.safe_load(Path("dvc.yaml").read_text())["stages"]
    unasked = stages["compose"]["foreach"]
    asked = yaml.safe_load(Path("reports/dvc.yaml").read_text())["stages"]["profile"]
    assert unasked == ["quick"]
    shipped = {file.stem for file in Path("conf/profile").glob("*.yaml")}
    # the tests' own is shrunk, to no purpose
    assert {*unasked, "reference", *asked["foreach"], PROFILE} == shipped
    assert asked["do"]["cmd"] == [f"python -m pipeline {name} ${{item}}" for name in STAGES]
    *others, last = stages["reference"]["cmd"]
    short = last.removesuffix(" --brief reports/README.md")
    assert [*others, short] == [f"python -m pipeline {name} reference" for name in STAGES]
    committed = [out for out in stages["reference"]["outs"] if isinstance(out, dict)]
    assert {"reports/README.md": {"cache": False}} in committed
