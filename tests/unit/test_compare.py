"""`normbench compare OLD NEW`: what is read, what is said, and the exit code."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from fake_analysis import edited, fake_analysis, without_figures

from pipeline.__main__ import main
from pipeline.findings.origins.figures import Figures as Origins
from pipeline.findings.summary import Summary
from pipeline.findings.tuned.figures import Figures as Tuned
from pipeline.stages import compare


@pytest.fixture(scope="module")
def summary() -> Summary:
    return fake_analysis()


@pytest.fixture(autouse=True)
def checkout(tmp_path, monkeypatch, summary) -> Path:
    """A folder in which `quick` was analyzed, and `smoke` only composed."""
    monkeypatch.chdir(tmp_path)
    written("reports/quick/analysis.json", summary)
    Path("reports/smoke").mkdir()
    return tmp_path


def written(name: str, summary: Summary) -> str:
    Path(name).parent.mkdir(parents=True, exist_ok=True)
    Path(name).write_text(summary.text())
    return name


def said(capsys, *names: str, code: int) -> list[str]:
    assert main(["compare", *names]) == code
    return capsys.readouterr().out.splitlines()


@pytest.mark.parametrize("old", ["reports/quick/analysis.json", "reports/quick", "quick"])
def test_the_same_analysis_is_said_to_be_the_same_whatever_it_is_called(old, capsys):
    (line,) = said(capsys, old, "quick", code=0)
    assert line.startswith("compare: the same to the last digit, ")
    assert line.endswith(" figures")


@pytest.mark.parametrize(
    ("edits", "end"),
    [
        ({"findings.origins.clock.clock.hosts": 9}, "; only clock readings differ"),
        (
            {"findings.origins.versions.processor": ["other"]},
            "; only where they ran differs (processor)",
        ),
        (
            {
                "findings.origins.clock.clock.hosts": 9,
                "findings.origins.versions.keras": ["4"],
                "findings.origins.digests": {"studies.jsonl": "d"},
            },
            "; only clock readings and where they ran differ "
            "(keras, digest of confirmed.jsonl, digest of studies.jsonl)",
        ),
    ],
)
def test_what_differs_and_is_no_digit_is_said_as_such(summary, edits, end, capsys):
    new = summary
    for place, value in edits.items():
        new = edited(new, place, value)
    line = said(capsys, "quick", written("new.json", new), code=0)[-1]
    assert line.startswith("compare: the same to the last digit, ")
    assert line.endswith(end)


def test_another_verdict_is_told_under_its_heading_and_the_exit_code_is_1(summary, capsys):
    old = edited(summary, "findings.verdicts.claims.T2.judgement.verdict.word", "refuted")
    new = edited(summary, "findings.verdicts.claims.T2.judgement.verdict.word", "supported")
    lines = said(capsys, written("old.json", old), written("new.json", new), code=1)
    assert lines[0] == "old.json -> new.json"
    assert lines[2:4] == ["verdicts", "  T2 training-time  refuted -> supported"]
    assert lines[-1].startswith("compare: 1 claim's verdict changed (of ")


def test_an_effect_beyond_its_interval_is_told_with_both_intervals(summary, capsys):
    place = "findings.tuned.comparisons.1.points"
    ends = {"value": 5.0, "low": 4.0, "high": 6.0}
    old = new = summary
    for end, value in ends.items():
        old, new = edited(old, f"{place}.{end}", value), edited(new, f"{place}.{end}", value + 3)
    lines = said(capsys, written("old.json", old), written("new.json", new), code=1)
    assert lines[2:4] == [
        "tuned comparisons",
        f"  {summary.of(Tuned).comparisons[1].label}, points  5 [4, 6] -> 8 [7, 9]",
    ]
    assert lines[-1].startswith("compare: 1 effect changed beyond its interval (of ")


def test_what_moved_within_its_interval_is_counted_and_no_failure(summary, capsys):
    low = summary.of(Tuned).comparisons[1].points.low
    new = edited(summary, "findings.tuned.comparisons.1.points.low", low - 0.25)
    new = edited(new, "findings.origins.counts.planned", 7)
    lines = said(capsys, "quick", written("new.json", new), code=0)
    assert lines[3] == "  (1 moved within its interval)"
    planned = str(summary.of(Origins).counts.planned)
    assert lines[6].split() == ["origins,", "counts,", "planned", planned, "->", "7"]
    assert lines[-1].startswith(
        "compare: nothing changed beyond its interval; 1 moved within its interval; "
        "1 figure without an interval differs (of "
    )


def test_what_only_one_of_them_has_appeared_or_disappeared(summary, capsys):
    fewer = written("fewer.json", edited(summary, "findings.tuned.comparisons.1.crossed", None))
    lines = said(capsys, "quick", fewer, code=1)
    assert "crossed  disappeared: " in lines[3]
    assert lines[-1].startswith("compare: 1 disappeared (of ")
    lines = said(capsys, fewer, "quick", code=1)
    assert "crossed  appeared: " in lines[3]
    assert lines[-1].startswith("compare: 1 appeared (of ")


def test_a_long_listing_is_cut_and_says_how_much_is_left(summary, capsys):
    none = without_figures(summary)
    lines = said(capsys, "quick", written("none.json", none), code=1)
    assert sum(line.startswith("  ... and ") for line in lines) >= 3
    assert len(lines) < 7 * (compare.LISTED + 4)


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("nowhere.json", "nowhere.json: no such file; name an analysis.json, a folder"),
        (".", ". holds no analysis.json; name an analysis.json, a folder"),
        ("smoke", "reports/smoke/analysis.json is missing; run: normbench analyze smoke"),
        ("text.json", "text.json is no analysis of this version (Invalid JSON"),
        ("other.json", "other.json is no analysis of this version (profile: Field required)"),
    ],
)
def test_what_is_no_analysis_is_refused_in_one_line(name, says, capsys):
    Path("text.json").write_text("# A page")
    Path("other.json").write_text("{}")
    for names in ([name, "quick"], ["quick", name]):
        assert main(["compare", *names]) == 2
        told = capsys.readouterr()
        assert told.out == ""
        assert told.err.startswith(f"normbench compare: {says}")
        assert len(told.err.splitlines()) == 1


def test_it_imports_no_heavy_library():
    script = (
        "import sys\n"
        "from pipeline.__main__ import main\n"
        "assert main(['compare', 'quick', 'quick']) == 0\n"
        "heavy = {'tensorflow', 'keras', 'mlflow', 'optuna', 'hydra', 'altair'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
