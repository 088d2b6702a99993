"""`normbench show KEY`: the question, its places, the answer, and where it came from."""

import json
import shutil
import subprocess
import sys
from types import SimpleNamespace

import pytest
from fake_answers import fake_runs

from pipeline.errors import Refusal
from pipeline.execution.provenance import asked_here
from pipeline.execution.store import Clock, Store
from pipeline.records import Answer, Result
from pipeline.stages import show
from pipeline.stages.files import write_answers
from pipeline.stages.places import Places

CLOCK = Clock(started=0.0, wall_seconds=2.5, commit="c" * 40, dirty="", host="a-host")


@pytest.fixture(scope="module")
def runs():
    return fake_runs()


@pytest.fixture
def checkout(tmp_path, monkeypatch, runs) -> SimpleNamespace:
    """A folder with one swept and one confirmed trial, stored and sealed; git says `here`."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("NORMBENCH_STORE", raising=False)
    monkeypatch.setattr(show, "checkout", lambda: ("here" * 10, ""))
    swept, confirmed = runs.swept[-1], runs.confirmed[-1]
    for answer in (swept, confirmed):
        Store.open().put(answer.trial, answer.result, CLOCK)
    write_answers(Places("quick").studies, [swept])
    write_answers(Places("quick").confirmed, [confirmed])
    return SimpleNamespace(swept=swept, confirmed=confirmed)


def shown(answer: Answer, capsys) -> str:
    show.run(answer.key[:8], as_json=False)
    return capsys.readouterr().out


def asked_from_here(answer: Answer, clock: Clock) -> Answer:
    """Store the same question with this machine's environment and this checkout's code."""
    trial = asked_here(answer.trial)
    Store.open().put(trial, answer.result, clock)
    return answer.model_copy(update={"key": trial.key, "trial": trial})


def test_a_reader_sees_what_was_asked_and_what_came_out(checkout, capsys):
    text = shown(checkout.swept, capsys)
    trial, result = checkout.swept.trial, checkout.swept.result
    for part in (
        f"trial {trial.key}",
        "keras.layers.LayerNormalization(epsilon=",
        "before the activation",
        f"keras.optimizers.Adam(learning_rate={trial.optimizer.arguments['learning_rate']})",
        f"{trial.batch_size}\n",
        "ok after 6 of 6 epochs",
        str(result.metrics["validation_loss"]),
        result.weights_digest,
        "a-host",
        "1970-01-01 00:00:00 UTC, in 2.5 s",
    ):
        assert part in text
    assert "steps per epoch" in text
    assert "once through the examples" in text
    curve = [line for line in text.splitlines() if line.split()[:1] == ["6"]]
    assert f"{result.curves['validation_score'][-1]:.4f}" in curve[0]


def test_it_is_said_where_a_trial_stands(checkout, capsys):
    text = shown(checkout.swept, capsys)
    swept, confirmed = checkout.swept, checkout.confirmed
    assert f"{swept.study} trial {swept.index} (artifacts/quick/studies.jsonl:1)" in text
    text = shown(checkout.confirmed, capsys)
    assert f"{confirmed.study} winner, seed {confirmed.trial.seed}, with test data" in text


def test_a_confirmed_trial_says_how_many_examples_were_right_and_shows_no_bits(checkout, capsys):
    result = checkout.confirmed.result
    text = shown(checkout.confirmed, capsys)
    right = round(1000 * result.metrics["test_score"])
    (line,) = (line for line in text.splitlines() if "test examples" in line)
    assert line.split(maxsplit=2)[2] == f"{right} right"
    assert result.outcomes["test"][:16] not in text
    assert "test examples" not in shown(checkout.swept, capsys)


def test_a_trial_in_no_sealed_output_says_so(checkout, capsys):
    Places("quick").studies.unlink()
    assert "no sealed output" in shown(checkout.swept, capsys)


def test_a_sealed_line_that_says_otherwise_calls_for_attention(checkout, capsys):
    metrics = checkout.swept.result.metrics | {"validation_loss": 0.0}
    planted = checkout.swept.result.model_copy(update={"metrics": metrics})
    write_answers(Places("quick").studies, [checkout.swept.model_copy(update={"result": planted})])
    assert "does not say what the store says" in shown(checkout.swept, capsys)


@pytest.mark.parametrize("status", ["diverged", "pruned"])
def test_a_run_that_ended_early_says_after_how_many_epochs(checkout, capsys, runs, status):
    whole = "ok" if status == "pruned" else status
    answer = next(each for each in runs.swept if each.result.status == whole)
    plain = answer.result.plain()
    plain["curves"] = {name: curve[:2] for name, curve in plain["curves"].items()}
    Store.open().put(answer.trial, Result.parse(plain), CLOCK)
    text = shown(answer, capsys)
    assert f"{status} after 2 of 6 epochs" in text
    assert ("not finite" in text) == (status == "diverged")


def test_another_environment_is_named_figure_by_figure(checkout, capsys):
    text = shown(checkout.swept, capsys)
    assert "x86_64 avx512f (here " in text
    assert f"{'c0de' * 16} (here " in text
    assert "threads     1 (the same here)" in text
    assert "this machine's environment is another one: " in text


def test_other_code_from_another_commit_is_checked_out_first(checkout, capsys):
    lines = shown(checkout.swept, capsys).partition("\nreproduce\n")[2].splitlines()
    assert lines[0] == f"  git checkout {CLOCK.commit}"
    assert lines[1] == f"  normbench verify {checkout.swept.key[:12]}"


@pytest.mark.parametrize("commit", ["here" * 10, "c" * 40, ""])
def test_the_same_code_in_the_same_environment_needs_one_command(checkout, capsys, commit):
    clock = CLOCK.model_copy(update={"commit": commit})
    text = shown(asked_from_here(checkout.swept, clock), capsys)
    assert "  git checkout" not in text
    assert "another one" not in text
    assert text.count("(the same here)") == 6


def test_uncommitted_changes_are_told(checkout, capsys, runs):
    clock = CLOCK.model_copy(update={"dirty": "d" * 64})
    Store.open().put(runs.swept[0].trial, runs.swept[0].result, clock)
    text = shown(runs.swept[0], capsys)
    assert "with uncommitted changes dddddddddddd" in text
    assert "which no commit has" in text


def test_a_model_that_is_not_here_is_shown_all_the_same(checkout, capsys, runs):
    plain = runs.swept[0].trial.plain() | {"model": {"target": "gone.model", "arguments": {}}}
    trial = type(runs.swept[0].trial).parse(plain)
    Store.open().put(trial, runs.swept[0].result, CLOCK)
    show.run(trial.key, as_json=False)
    text = capsys.readouterr().out
    assert "(not from here: gone.model: no module 'gone' can be imported)" in text
    assert "(unknown here)" in text


def test_the_outcomes_of_a_task_that_is_not_here_are_not_read(checkout, capsys, runs):
    plain = runs.confirmed[0].trial.plain() | {"task": {"target": "gone.Task", "arguments": {}}}
    trial = type(runs.confirmed[0].trial).parse(plain)
    Store.open().put(trial, runs.confirmed[0].result, CLOCK)
    show.run(trial.key, as_json=False)
    text = capsys.readouterr().out
    assert "not readable here" in text
    assert "(not from here: gone.Task: no module 'gone'" in text


def test_lost_clock_readings_are_told(checkout, capsys):
    next(Store.open().root.rglob(f"{checkout.swept.key}.clock.json")).unlink()
    assert "its readings are lost" in shown(checkout.swept, capsys)


def test_the_records_come_back_from_json(checkout, capsys):
    show.run(checkout.swept.key, as_json=True)
    content = json.loads(capsys.readouterr().out)
    assert content["trial"] == checkout.swept.trial.plain()
    assert Result.parse(content["result"]) == checkout.swept.result
    assert content["status"] == "ok"
    assert Clock.parse(content["clock"]) == CLOCK
    [place] = content["stands_in"]
    assert (place["profile"], place["study"], place["index"]) == (
        "quick",
        checkout.swept.study,
        checkout.swept.index,
    )


def test_a_damaged_answer_is_refused_and_stays_where_it_is(checkout):
    file = next(Store.open().root.rglob(f"{checkout.swept.key}.json"))
    file.write_text(file.read_text().replace('"steps":100', '"steps":101'))
    with pytest.raises(Refusal, match="does not match its own digest"):
        show.run(checkout.swept.key, as_json=False)
    assert file.exists()


def test_after_a_pull_the_sealed_output_answers_what_no_store_holds(checkout, capsys):
    shutil.rmtree(Store.open().root)
    text = shown(checkout.swept, capsys)
    assert f"trial {checkout.swept.key}" in text
    assert "its readings are lost" in text
    with pytest.raises(Refusal, match="holds no answers"):
        show.run("0123456789", as_json=False)


def test_it_imports_no_heavy_library(checkout):
    script = (
        "import sys\n"
        "from pipeline.stages.show import run\n"
        "run(sys.argv[1], as_json=False)\n"
        "heavy = {'tensorflow', 'keras', 'mlflow', 'optuna', 'hydra', 'pandas'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
    )
    command = [sys.executable, "-c", script, checkout.swept.key]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    assert checkout.swept.key in done.stdout
