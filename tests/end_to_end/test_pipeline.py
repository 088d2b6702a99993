"""The whole pipeline by DVC, on the shipped configuration shrunk: the smoke profile."""

import html
import json
import re
import shutil
from collections import Counter

import pytest
from checkout import OUTPUTS, PROFILE, Checkout

from pipeline.commands import STAGES

SECRETS = {
    name: f"planted-{number}-{name.lower()}"
    for number, name in enumerate(
        ("MLFLOW_TRACKING_PASSWORD", "MLFLOW_TRACKING_TOKEN", "AWS_SECRET_ACCESS_KEY")
    )
}


@pytest.fixture(scope="module")
def checkout(tmp_path_factory) -> Checkout:
    """A checkout in which the pipeline has run once."""
    made = Checkout(tmp_path_factory.mktemp("checkout"), NORMBENCH_CLUSTER="local", **SECRETS)
    said = made.repro()
    assert made.ran(said) == list(STAGES)
    assert not [secret for secret in SECRETS.values() if secret in said]
    return made


def test_the_pipeline_ends_with_a_page_about_real_digits(checkout):
    page = (checkout.root / f"reports/{PROFILE}/report.html").read_text()
    analysis = json.loads((checkout.root / f"reports/{PROFILE}/analysis.json").read_text())
    for arm in ("none", "batch", "batch_default", "layer"):
        assert arm in page
    assert not re.search(r"(src|href)=.?https?:", page)  # it needs no network
    assert analysis["profile"] == PROFILE
    claims = analysis["findings"]["verdicts"]["claims"]
    tested = [
        each["claim"]
        for each in claims
        if each["judgement"]["verdict"]["word"] != "not tested here"
    ]
    assert {claim["id"] for claim in tested} >= {"T5", "T7", "T14", "C3"}
    assert all(claim["statement"] in html.unescape(page) for claim in tested)


def test_no_file_of_a_run_holds_a_secret_of_its_environment(checkout):
    files = [file for file in checkout.root.rglob("*") if file.is_file()]
    assert {"mlflow.db", "optuna.db", "config.yaml", "report.html"} <= {file.name for file in files}
    told = [
        (file, secret)
        for file in files
        for secret in SECRETS.values()
        if secret.encode() in file.read_bytes()
    ]
    assert told == []


def test_every_section_counts_the_same_failures(checkout):
    file = checkout.root / f"reports/{PROFILE}/analysis.json"
    findings = json.loads(file.read_text())["findings"]
    counted = {
        (each["study"], each["phase"]): Counter(each["outcomes"])
        for each in findings["failures"]["studies"]
    }
    found: dict[tuple[str, str], Counter[str]] = {}
    for cell in findings["settings"]["cells"]:
        place = "/".join(
            cell["place"][name] for name in ("experiment", "dataset", "model", "optimizer")
        )
        for each in cell["settings"]:
            own = found.setdefault((f"{place}/{each['arm']}", "sweep"), Counter())
            own.update(each["outcomes"])
    for each in findings["tuned"]["arms"]:
        found[each["name"], "sweep"] = Counter(each["swept"])
        found[each["name"], "confirm"] = Counter(each["confirmed"])
        failed = sum(trial["failed"] for found in each["search"] for trial in found["trials"])
        assert failed == each["swept"]["failed"]
    assert len(found) == 24  # 10 fixed, 7 tuned arms twice; but for the three of the map
    assert found == {name: counted[name] for name in found}
    for drawn in findings["map"]["maps"]:
        for side in ("arm", "against"):
            lost = sum(spot["failed"] in (side, "both") for spot in drawn["spots"])
            own = counted[f"map_mlp/mnist_5k/mlp/adam/{drawn[side]}", "sweep"]
            assert lost == own["failed_recalibrated"]


def test_every_search_has_the_same_number_of_trials_and_confirmations(checkout):
    for name, studies, each in (("studies", 29, 2), ("confirmed", 16, 1)):
        lines = (checkout.root / f"artifacts/{PROFILE}/{name}.jsonl").read_text().splitlines()
        counts: dict[str, int] = {}
        for line in lines:
            study = json.loads(line)["study"]
            counts[study] = counts.get(study, 0) + 1
        assert len(counts) == studies
        assert set(counts.values()) == {each}
    assert len(list((checkout.root / f"artifacts/{PROFILE}/models").rglob("*.keras"))) == 7


def test_nothing_runs_again_when_nothing_changed(checkout):
    before = checkout.outputs()
    assert checkout.ran(checkout.repro()) == []
    assert checkout.outputs() == before


def test_deleted_outputs_come_back_without_training(checkout):
    before = checkout.outputs()
    for folder in OUTPUTS:
        shutil.rmtree(checkout.root / folder)
    output = checkout.repro()
    assert "trained now" not in output
    assert checkout.outputs() == before


@pytest.mark.slow
def test_without_cache_the_store_gives_the_same_bytes_without_training(checkout):
    before = checkout.outputs()
    for folder in (*OUTPUTS, ".dvc/cache"):
        shutil.rmtree(checkout.root / folder)
    output = checkout.repro()
    assert "sweep: 58 trials, 0 of them trained now" in output
    assert "confirm: 16 trials, 0 of them trained now" in output
    assert checkout.outputs() == before


def test_a_changed_template_runs_only_the_report_again(checkout):
    checkout.edit("pipeline/page/templates/report.css", "", "\n")
    assert checkout.ran(checkout.repro()) == ["report"]


def test_dvc_finds_the_profiles_that_it_leaves_out_by_default(checkout):
    said = checkout.run("dvc", "repro", "--dry", "reports/dvc.yaml:profile@claims")
    assert "python -m pipeline sweep claims" in said


def test_mlflow_has_one_finished_run_per_trial_seed_winner_and_study(checkout):
    script = (
        "import json\n"
        "from mlflow import MlflowClient\n"
        "client = MlflowClient('sqlite:///mlflow.db')\n"
        f"experiment = client.get_experiment_by_name('normbench/{PROFILE}')\n"
        "runs = client.search_runs([experiment.experiment_id], max_results=1000)\n"
        "print(json.dumps([[r.data.tags['normbench.kind'], r.info.status] for r in runs]))\n"
    )
    runs = json.loads(checkout.run("python", "-c", script).splitlines()[-1])
    kinds = [kind for kind, _ in runs]
    assert {status for _, status in runs} == {"FINISHED"}
    assert {kind: kinds.count(kind) for kind in set(kinds)} == {
        "study": 29,
        "trial": 58,
        "winner": 16,
        "seed": 16,
        "report": 1,
    }


@pytest.mark.slow
def test_more_trials_train_only_what_is_new(checkout):
    checkout.edit(f"conf/profile/{PROFILE}.yaml", "budget=2", "budget=3")
    assert "sweep: 77 trials, 19 of them trained now" in checkout.run(
        "dvc", "repro", f"sweep@{PROFILE}"
    )
