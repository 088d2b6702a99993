"""`normbench verify` on trials that were really trained, in processes of their own."""

import json
import math
import os
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.content import canonical_json, content_digest

ANSWER = """
import sys
from pathlib import Path
from pipeline.components import build
from pipeline.configuration.cell import compose_cells
from pipeline.data.arrays import write
from pipeline.execution.environment import environment
from pipeline.execution.store import Store
from pipeline.execution.work import answer
from pipeline.records import Answer
from pipeline.search.questions import components, question
from pipeline.stages.files import write_answers
from pipeline.stages.places import Places

TINY = ("dataset.train=256", "dataset.validation=100", "dataset.test=100", "epochs=2")
places, answers = Places("smoke"), []
for index, split, thresholds in (
    (0, "validation", ()),
    (1, "validation", (1.0,)),  # nobody is that good after an epoch: pruned
    (0, "test", ()),
):
    [asked] = compose_cells(Path(sys.argv[1]), [*TINY, "norm=batch"], multirun=False)
    folder = places.arrays / asked.cell.dataset
    manifest = write(build(asked.dataset.source), asked.dataset, asked.cell.dataset, folder)
    trial = question(
        asked.cell,
        data_digest=manifest.digest,
        environment=environment(components(asked.cell), asked.cell.trainer),
        seed=index,
        split=split,
        thresholds=thresholds,
    )
    result = answer(trial, Store.open(), folder)
    answers.append(Answer(study="tiny", index=index, key=trial.key, trial=trial, result=result))
assert [each.result.status for each in answers] == ["ok", "pruned", "ok"]
write_answers(places.studies, answers[:2])
write_answers(places.confirmed, answers[2:])
"""
VERIFY = """
import sys
from pipeline.stages.verify import run
key = sys.argv[1] if len(sys.argv) > 1 else None
run(key, sample=None, everything=key is None, profile="smoke", seed=0)
"""


def python(script: str, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {name: os.environ[name] for name in os.environ if name != "NORMBENCH_STORE"}
    command = [sys.executable, "-c", script, *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A checkout in which two tiny trials were swept, one of them pruned, and one confirmed."""
    folder = tmp_path_factory.mktemp("trained")
    done = python(ANSWER, folder, str(Path("conf").resolve()))
    assert done.returncode == 0, done.stderr
    return folder


def test_trials_come_out_the_same_in_another_process(folder):
    before = {file: file.read_bytes() for file in folder.rglob("*") if file.is_file()}
    done = python(VERIFY, folder)
    assert done.returncode == 0, done.stdout + done.stderr
    *listed, summary = done.stdout.splitlines()
    assert [line.partition("  ")[2] for line in listed] == [
        "tiny trial 0: the same",
        "tiny trial 1: the same",
        "tiny winner, seed 0: the same",
    ]
    assert summary == "verify: 3 trials, 3 the same"
    assert done.stderr == ""
    assert before == {file: file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def test_one_planted_bit_is_found_whoever_recomputed_the_digests(folder):
    sealed = folder / "artifacts/smoke/studies.jsonl"
    line, *others = map(json.loads, sealed.read_text().splitlines())
    [file] = (folder / "store").rglob(f"{line['key']}.json")
    true = line["result"]["curves"]["training_loss"][1]
    planted = math.nextafter(true, math.inf)
    line["result"]["curves"]["training_loss"][1] = planted
    sealed.write_text("".join(canonical_json(each) + "\n" for each in (line, *others)))
    content = json.loads(file.read_text())
    content.pop("digest")
    content["result"] = line["result"]
    file.write_text(canonical_json({**content, "digest": content_digest(content)}))

    done = python(VERIFY, folder, line["key"][:6])
    assert done.returncode == 1
    assert "1 figure differs" in done.stdout
    assert f"curve training_loss, epoch 2: {planted} stored, {true} here" in done.stdout
    assert "verify: 1 trial, 0 the same" in done.stdout
    assert "Contradiction" in done.stderr.splitlines()[-1]
