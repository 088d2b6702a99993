"""The two stages over a profile's files: what they write, and what they refuse."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest
import yaml
from fake_answers import fake_runs
from fake_profile import fake_costs

from pipeline.errors import Refusal
from pipeline.records import Answer
from pipeline.stages import analyze, report
from pipeline.stages.places import Places

PLACES = Places("quick")


def _sealed(path: Path, answers: Iterable[Answer]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{answer.model_dump_json()}\n" for answer in answers))


@pytest.fixture(autouse=True)
def profile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A profile's files up to the confirmed winners, in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(report, "mirror_report", lambda profile: f"mirrored {profile}")
    runs = fake_runs()
    PLACES.plan.parent.mkdir(parents=True)
    PLACES.plan.write_text(yaml.safe_dump(runs.plan.plain()))
    _sealed(PLACES.studies, runs.swept)
    _sealed(PLACES.confirmed, runs.confirmed)
    PLACES.costs.write_text(fake_costs([]).text())
    for name, manifest in runs.manifests.items():
        (PLACES.arrays / name).mkdir(parents=True)
        (PLACES.arrays / name / "manifest.json").write_text(manifest.model_dump_json())


def _files() -> dict[str, bytes]:
    return {str(p): p.read_bytes() for p in sorted(PLACES.reports.rglob("*")) if p.is_file()}


def test_both_stages_run_twice_write_the_same_bytes(capsys: pytest.CaptureFixture[str]) -> None:
    analyze.run("quick")
    report.run("quick")
    once = _files()
    analyze.run("quick")
    for path in (PLACES.studies, PLACES.confirmed, PLACES.costs):
        path.unlink()  # the report reads the analysis alone
    (PLACES.reports / "charts" / "of-another-plan.svg").write_text("")
    report.run("quick")
    assert _files() == once
    assert "reports/quick/charts/sweep.svg" in once
    last = capsys.readouterr().out.splitlines()[-2:]
    assert last == ["The page: reports/quick/report.html", "mirrored quick"]


@pytest.mark.parametrize(
    ("path", "command"),
    [
        (PLACES.plan, "compose"),
        (PLACES.studies, "sweep"),
        (PLACES.confirmed, "confirm"),
        (PLACES.costs, "cost"),
    ],
)
def test_a_missing_input_is_refused_with_the_command_to_run_first(path: Path, command: str) -> None:
    path.unlink()
    with pytest.raises(Refusal) as refusal:
        analyze.run("quick")
    assert str(refusal.value) == f"{path} is missing; run: normbench {command} quick"


def test_truncated_answers_are_refused_by_name() -> None:
    PLACES.studies.write_text(PLACES.studies.read_text()[:-50])
    with pytest.raises(Refusal, match=r"studies\.jsonl:\d+: is damaged"):
        analyze.run("quick")


def test_answers_of_another_plan_are_refused_by_name() -> None:
    text = PLACES.confirmed.read_text().replace('"tuned/mnist_5k/cnn/adam/layer"', '"tuned/old"')
    PLACES.confirmed.write_text(text)
    with pytest.raises(Refusal, match="tuned/old is not a study of the composed plan"):
        analyze.run("quick")


def test_a_broken_plan_or_manifest_is_refused_by_name() -> None:
    manifest = PLACES.arrays / "mnist_5k" / "manifest.json"
    manifest.write_text("{}")
    with pytest.raises(Refusal, match=r"mnist_5k/manifest\.json: is damaged"):
        analyze.run("quick")
    manifest.unlink()
    with pytest.raises(Refusal, match=r"mnist_5k/manifest\.json: is missing"):
        analyze.run("quick")
    PLACES.plan.write_text("profile: [")
    with pytest.raises(Refusal, match=r"config\.yaml is damaged or old; run: normbench compose"):
        analyze.run("quick")


def test_a_report_without_its_analysis_is_refused() -> None:
    with pytest.raises(Refusal, match=r"analysis\.json is missing; run: normbench analyze quick"):
        report.run("quick")
    PLACES.analysis.write_text("{}")
    with pytest.raises(Refusal, match=r"analysis\.json is damaged or old; run: normbench analyze"):
        report.run("quick")


def test_the_answer_in_short_lies_where_it_is_asked_for_and_leads_to_the_report() -> None:
    analyze.run("quick")
    short = Path("reports/README.md")
    report.run("quick", short)
    text = short.read_text()
    assert "(quick/report.html)" in text
    assert text.startswith("# Where batch normalization helps")
    report.run("quick", short)
    assert short.read_text() == text
    with pytest.raises(
        Refusal, match=r"--brief nowhere/README\.md: cannot be written .No such file"
    ):
        report.run("quick", Path("nowhere/README.md"))
