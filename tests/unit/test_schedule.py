"""`normbench schedule`: entries with fake engines, and runs with fake stages."""

import json
import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml
from fake_analysis import edited, fake_analysis

from pipeline.__main__ import main
from pipeline.commands import STAGES
from pipeline.execution.lock import holder
from pipeline.stages import scheduled_run

CONF = Path("conf").resolve()
TABLE = """\
#!/bin/sh
[ "$1" = -l ] || {{ cp "$1" {file}; exit; }}
[ -e {file} ] || {{ echo "no {name} for me" >&2; exit 1; }}
cat {file}
"""
SBATCH = """\
#!/bin/sh
for word in "$@"; do printf '%s\\n' "$word"; done > {folder}/$$.submitted
echo "Submitted batch job $$"
"""
SQUEUE = """\
#!/bin/sh
for file in {folder}/*.submitted; do [ -e "$file" ] && basename "$file" .submitted; done
exit 0
"""
SCANCEL = """\
#!/bin/sh
for job in "$@"; do rm {folder}/$job.submitted; done
"""
STAGE = """\
#!/bin/sh
echo "$*" >> {folder}/calls
[ "$5" != "$(cat {folder}/failing 2>/dev/null)" ] || exit 1
[ "$5" != analyze ] || cp {folder}/new.json reports/quick/analysis.json
"""


@pytest.fixture(autouse=True)
def checkout(tmp_path, monkeypatch) -> Path:
    """A folder with conf/, and a PATH with engines that only write down what they are told."""
    root, programs = tmp_path / "checkout", tmp_path / "bin"
    (root / "reports" / "quick").mkdir(parents=True)
    programs.mkdir()
    for name in ("crontab", "scrontab"):
        program(programs / name, TABLE.format(file=tmp_path / name, name=name))
    for name, text in (("sbatch", SBATCH), ("squeue", SQUEUE), ("scancel", SCANCEL)):
        program(programs / name, text.format(folder=tmp_path))
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.delenv("NORMBENCH_CLUSTER", raising=False)
    monkeypatch.chdir(root)
    Path("conf").symlink_to(CONF)
    return root


def program(file: Path, text: str) -> Path:
    file.write_text(text)
    file.chmod(0o755)
    return file


def schedule(*words: str, code: int = 0) -> None:
    assert main(["schedule", *words]) == code


NIGHTLY = ("0 2 * * *", "profile=quick", "cluster=local workers=2")


def test_installing_twice_leaves_one_entry_and_all_other_lines(checkout, tmp_path, capsys):
    (tmp_path / "crontab").write_text("# mine\n5 5 * * * true")
    schedule(*NIGHTLY)
    schedule("30 3 * * 1", *NIGHTLY[1:])
    script = checkout / "artifacts/schedule/quick/run.sh"
    assert (tmp_path / "crontab").read_text().splitlines() == [
        "# mine",
        "5 5 * * * true",
        f"# begin normbench quick in {checkout}",
        f"30 3 * * 1 /bin/sh {script}",
        f"# end normbench quick in {checkout}",
    ]
    assert {stat.S_IMODE(each.stat().st_mode) for each in script.parent.iterdir()} == {0o600}
    capsys.readouterr()
    schedule("list")
    assert capsys.readouterr().out.splitlines() == [
        "quick: 30 3 * * 1, quick on local workers=2",
        "  cron: in crontab",
        "  no run is done",
    ]
    schedule("remove", "quick")
    assert (tmp_path / "crontab").read_text() == "# mine\n5 5 * * * true\n"
    schedule("list")
    assert "nothing is scheduled here" in capsys.readouterr().out
    schedule("remove", "quick", code=2)
    assert "there is no entry 'quick' here" in capsys.readouterr().err


def test_two_checkouts_leave_each_others_entries_alone(checkout, tmp_path, monkeypatch):
    schedule(*NIGHTLY)
    other = tmp_path / "other"
    other.mkdir()
    monkeypatch.chdir(other)
    Path("conf").symlink_to(CONF)
    schedule(*NIGHTLY)
    schedule("remove", "quick")
    table = (tmp_path / "crontab").read_text()
    assert f"normbench quick in {checkout}\n" in table
    assert str(other) not in table


def test_an_entry_of_scrontab_has_a_line_for_slurm(checkout, tmp_path):
    schedule(*NIGHTLY, "--engine", "scrontab", "--directive=--time=12:00:00")
    begin, options, line, end = (tmp_path / "scrontab").read_text().splitlines()
    assert options.startswith("#SCRON --job-name=normbench-quick-")
    assert options.endswith("--open-mode=append --time=12:00:00")
    assert line == f"0 2 * * * /bin/sh {checkout}/artifacts/schedule/quick/run.sh"
    assert begin.startswith("# begin normbench quick")
    assert end.startswith("# end normbench quick")


def test_a_job_that_submits_itself_waits_once(checkout, tmp_path, capsys):
    for _ in range(2):
        schedule(*NIGHTLY, "--engine", "sbatch")
    [submitted] = tmp_path.glob("*.submitted")
    job, begin, *rest = submitted.read_text().splitlines()
    assert job.startswith("--job-name=normbench-quick-")
    assert begin.startswith("--begin=20")
    assert begin.endswith("T02:00:00")
    assert rest == [
        "--dependency=singleton",
        f"--output={checkout}/artifacts/schedule/quick/log.txt",
        "--open-mode=append",
        "--no-requeue",
        f"{checkout}/artifacts/schedule/quick/run.sh",
    ]
    schedule(*NIGHTLY)  # by cron from now on
    assert list(tmp_path.glob("*.submitted")) == []


def test_a_dry_run_changes_nothing(checkout, tmp_path, capsys):
    for engine in ("cron", "scrontab", "sbatch"):
        schedule(*NIGHTLY, "--engine", engine, "--dry-run")
        assert "pipeline schedule run quick" in capsys.readouterr().out
    assert not Path("artifacts").exists()
    assert not (tmp_path / "crontab").exists()
    assert list(tmp_path.glob("*.submitted")) == []


def test_kubernetes_is_given_a_manifest_without_secrets(checkout, monkeypatch, capsys):
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "planted")
    schedule(*NIGHTLY, "--engine", "kubernetes", code=2)
    assert "needs --image" in capsys.readouterr().err
    schedule(*NIGHTLY, "--engine", "kubernetes", "--image", "site/normbench", "--claim", "work")
    manifest = yaml.safe_load(capsys.readouterr().out)
    assert (manifest["kind"], manifest["spec"]["schedule"]) == ("CronJob", "0 2 * * *")
    assert manifest["spec"]["concurrencyPolicy"] == "Forbid"
    pod = manifest["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    assert pod["containers"][0]["command"][-3:] == ["schedule", "run", "quick"]
    assert pod["volumes"][0]["persistentVolumeClaim"] == {"claimName": "work"}
    said = [each.read_text() for each in Path("artifacts/schedule/quick").iterdir()]
    assert not [text for text in said if "planted" in text]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["0 2 * *", "profile=quick"], "says no time"),
        (["0 2 * * *"], "names no profile"),
        (["0 2 * * *", "profil=quick"], "did you mean 'profile'?"),
        (["0 2 * * *", "profile=quik"], "did you mean 'quick'?"),
        (["0 2 * * *", "profile=quick", "cluster=locl"], "did you mean 'local'?"),
        (["0 2 * * *", "profile=quick", "--name", "../x"], "letters, digits, - and _ alone"),
        (["remove"], "remove takes one entry's name"),
        (["run", "quick"], "there is no entry 'quick' here"),
    ],
)
def test_what_cannot_be_meant_is_refused_in_one_line(words, says, capsys):
    schedule(*words, code=2)
    err = capsys.readouterr().err
    assert says in err
    assert len(err.splitlines()) == 1


def test_an_engine_that_is_not_here_is_told(monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("PATH", str(tmp_path))
    schedule(*NIGHTLY, code=2)
    assert "--engine cron: there is no crontab on the PATH" in capsys.readouterr().err


@pytest.fixture
def stages(tmp_path, monkeypatch):
    """A Python whose stages write down how they were called, and an analysis."""
    python = program(tmp_path / "python", STAGE.format(folder=tmp_path))
    schedule(*NIGHTLY, "--on-change", f"env > {tmp_path}/told")
    monkeypatch.setattr(scheduled_run.sys, "executable", str(python))
    stamps = iter(f"2026-11-{day:02}T02-00-00Z" for day in range(1, 30))
    monkeypatch.setattr(scheduled_run, "stamp", lambda: next(stamps))
    return tmp_path


def test_each_run_keeps_its_analysis_and_a_changed_verdict_has_a_code_of_its_own(stages, capsys):
    place = "findings.verdicts.claims.T2.judgement.verdict.word"
    summary = fake_analysis()
    for word, code in (("refuted", 0), ("refuted", 0), ("supported", 3)):
        (stages / "new.json").write_text(edited(summary, place, word).text())
        schedule("run", "quick", code=code)
        assert (stages / "told").exists() == (code == 3)
        if code == 3:
            told = (stages / "told").read_text().splitlines()
            (stages / "told").unlink()
    runs = "artifacts/schedule/quick/2026-11-0"
    assert "NORMBENCH_PROFILE=quick" in told
    assert f"NORMBENCH_OLD={runs}2T02-00-00Z/analysis.json" in told
    assert f"NORMBENCH_NEW={runs}3T02-00-00Z/analysis.json" in told
    said = capsys.readouterr().out
    assert said.count("compare: the same to the last digit") == 1
    assert "compare: 1 claim's verdict changed" in said
    kept = sorted(each.name for each in Path("artifacts/schedule/quick").glob("20*"))
    assert kept == [f"2026-11-0{day}T02-00-00Z" for day in (1, 2, 3)]
    calls = (stages / "calls").read_text().splitlines()
    assert len(calls) == 3 * len(STAGES)
    assert calls[0] == "-m pipeline --conf conf compose quick"
    assert calls[2] == "-m pipeline --conf conf sweep quick --cluster local workers=2"


def test_a_stage_that_fails_ends_the_run_with_its_code_and_keeps_no_analysis(stages, capsys):
    (stages / "failing").write_text("confirm")
    schedule("run", "quick", code=1)
    assert "quick: confirm ended with 1" in capsys.readouterr().out
    assert len((stages / "calls").read_text().splitlines()) == 4
    assert list(Path("artifacts/schedule/quick").glob("20*")) == []


def test_a_run_never_overlaps_its_predecessor_and_a_dead_one_holds_nothing(stages, capsys):
    lock = Path("artifacts/schedule/quick/lock")
    hold = (
        "import pathlib, sys, time; from pipeline.execution.lock import held\n"
        "with held(pathlib.Path(sys.argv[1])): time.sleep(60)"
    )
    python = str(Path(sys.prefix, "bin", "python"))
    process = subprocess.Popen(
        [python, "-c", hold, str(lock)], env=os.environ | {"PYTHONPATH": str(CONF.parent)}
    )
    deadline = time.monotonic() + 20
    while holder(lock) is None and time.monotonic() < deadline:
        time.sleep(0.05)
    schedule("run", "quick")
    assert f"the last run goes on (process {process.pid} on " in capsys.readouterr().out
    assert not (stages / "calls").exists()
    process.send_signal(signal.SIGKILL)
    process.wait()
    (stages / "new.json").write_text(fake_analysis().text())
    schedule("run", "quick")
    assert "the first one" in capsys.readouterr().out


def test_a_job_of_slurm_submits_its_successor_before_it_begins(stages):
    entry = Path("artifacts/schedule/quick/entry.json")
    entry.write_text(json.dumps(json.loads(entry.read_text()) | {"engine": "sbatch"}))
    (stages / "failing").write_text("compose")
    schedule("run", "quick", code=1)
    assert len(list(stages.glob("*.submitted"))) == 1
