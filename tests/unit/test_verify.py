"""`normbench verify`: what is compared, what is found, and what stays untouched. Nobody trains."""

import json
import platform
from types import SimpleNamespace

import numpy as np
import pytest
from fake_answers import fake_runs

from pipeline.content import canonical_json, content_digest
from pipeline.data import arrays
from pipeline.data.source import Source
from pipeline.errors import Contradiction, Refusal
from pipeline.execution.provenance import asked_here, clock
from pipeline.execution.store import Clock, Store
from pipeline.execution.verification import compared, figures
from pipeline.records import (
    Answer,
    Component,
    Result,
    Trial,
)
from pipeline.stages import verify
from pipeline.stages.files import write_answers
from pipeline.stages.places import Places
from pipeline.studies import Dataset
from pipeline.tasks.classification import Classification
from pipeline.tasks.regression import Regression

SCORING = Classification()
PLACES = Places("quick")
STUDY = "tuned/mnist_5k/mlp/adam/batch"
CLOCK = Clock(started=1.0, wall_seconds=2.0, commit="c", dirty="", host="h")
SOURCE = Source(
    examples=np.zeros((12, 2, 2, 1), np.uint8),
    targets=np.arange(12) % 2,
    labels=("even", "odd"),
    test_examples=None,
    test_targets=None,
    scale=1.0,
    source="twelve black images",
    license="none",
)
SPLIT = Dataset(
    task="classification",
    source=Component(target="made.up", arguments={}),
    train=8,
    validation=2,
    test=2,
    seed=0,
)


@pytest.fixture(scope="module")
def drawn() -> tuple[list[Answer], list[Answer]]:
    """Three swept and two confirmed answers of one study, with made-up figures."""
    runs = fake_runs()
    swept, confirmed = (
        [answer for answer in answers if answer.study == STUDY]
        for answers in (runs.swept, runs.confirmed)
    )
    return swept[:3], confirmed[:2]


@pytest.fixture
def profile(tmp_path, monkeypatch, drawn) -> SimpleNamespace:
    """Five trials, stored and sealed, asked in this environment about arrays that are here.

    Training gives what was stored when the fixture was made, and is counted in `asked`.
    """
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("NORMBENCH_STORE", raising=False)
    digest = arrays.write(SOURCE, SPLIT, "mnist_5k", PLACES.arrays / "mnist_5k").digest
    swept, confirmed = ([_here(each, digest) for each in answers] for answers in drawn)
    for answer in (*swept, *confirmed):
        Store.open().put(answer.trial, answer.result, CLOCK)
    write_answers(PLACES.studies, swept)
    write_answers(PLACES.confirmed, confirmed)
    truth = {_question(answer.trial): answer.result for answer in (*swept, *confirmed)}
    asked: list[Trial] = []

    def answer(trial, store, folder, *, watch, start):
        assert folder == PLACES.arrays / "mnist_5k"
        assert store.root != Store.open().root
        assert start is None
        asked.append(trial)
        watch(0, {})
        return truth[_question(trial)]

    monkeypatch.setattr(verify, "answer", answer)
    return SimpleNamespace(swept=swept, confirmed=confirmed, asked=asked, root=tmp_path)


def _here(answer: Answer, data_digest: str) -> Answer:
    trial = asked_here(Trial.parse(answer.trial.plain() | {"data_digest": data_digest}))
    return answer.model_copy(update={"key": trial.key, "trial": trial})


def _question(trial: Trial) -> str:
    """What is asked, wherever it is."""
    return canonical_json(trial.plain() | {"environment": None})


def run(key=None, *, sample=None, everything=False, profile="quick", seed=0) -> None:
    verify.run(key, sample=sample, everything=everything, profile=profile, seed=seed)


def all_of_it(capsys) -> str:
    with pytest.raises(Contradiction):
        run(everything=True)
    return capsys.readouterr().out


def stored(answer: Answer):
    return Store.open().root / answer.key[:2] / f"{answer.key}.json"


def forge(answer: Answer, change) -> None:
    """Change a stored figure and put the digest right again."""
    content = json.loads(stored(answer).read_text())
    content.pop("digest")
    change(content)
    stored(answer).write_text(canonical_json({**content, "digest": content_digest(content)}))


def test_when_all_is_the_same_nothing_is_raised(profile, capsys):
    run(everything=True)
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1] == "verify: 5 trials, 5 the same"
    assert lines[0] == f"{profile.swept[0].key[:12]}  {STUDY} trial 0: the same"
    assert lines[4].endswith("winner, seed 102: the same")
    assert len(profile.asked) == 5


def test_neither_store_nor_outputs_are_changed(profile, capsys):
    stored(profile.swept[1]).write_text("{")
    before = {file: file.read_bytes() for file in profile.root.rglob("*") if file.is_file()}
    all_of_it(capsys)
    assert before == {f: f.read_bytes() for f in profile.root.rglob("*") if f.is_file()}


def test_a_forged_figure_is_found_though_its_digest_was_recomputed(profile, capsys):
    forge(profile.swept[1], lambda content: content["result"]["metrics"].update(gap_batch=0.75))
    true = profile.swept[1].result.metrics["gap_batch"]
    text = all_of_it(capsys)
    assert f"metric gap_batch: 0.75 stored, {true} here ({true - 0.75:+.3g})" in text
    assert "artifacts/quick/studies.jsonl:2 does not say what the store says" in text
    assert "verify: 5 trials, 4 the same" in text


def test_a_forged_figure_in_a_sealed_output_is_found(profile, capsys):
    file = PLACES.confirmed
    file.write_text(file.read_text().replace('"test_loss":', '"test_loss":1', 1))
    text = all_of_it(capsys)
    assert "artifacts/quick/confirmed.jsonl:1 does not say what the store says" in text
    assert "metric test_loss: 1" in text


def test_a_figure_forged_alike_in_both_places_is_found(profile, capsys):
    forged = {"weights_digest": "f" * 64}
    forge(profile.swept[0], lambda content: content["result"].update(forged))
    result = profile.swept[0].result.model_copy(update=forged)
    planted = profile.swept[0].model_copy(update={"result": result})
    write_answers(PLACES.studies, [planted, *profile.swept[1:]])
    text = all_of_it(capsys)
    assert f"weights_digest: {'f' * 64} stored, {'0' * 64} here" in text
    assert "does not say" not in text
    assert text.count("f" * 64) == 1  # store and sealed line are told together


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (lambda text: text[:100], "was cut short"),
        (lambda text: text.replace('"steps":100', '"steps":101'), "does not match its own digest"),
        (lambda text: "[]", "is no answer"),
    ],
)
def test_a_damaged_answer_is_reported_and_compared_with_what_is_sealed(
    profile, damage, says, capsys
):
    stored(profile.swept[1]).write_text(damage(stored(profile.swept[1]).read_text()))
    text = all_of_it(capsys)
    assert says in text
    assert "the figures are the same, but" in text
    assert "verify: 5 trials, 4 the same" in text
    assert len(profile.asked) == 5


def test_a_damaged_answer_that_is_sealed_nowhere_cannot_be_asked_again(profile, capsys):
    PLACES.studies.unlink()
    stored(profile.swept[1]).write_text("")
    with pytest.raises(Contradiction):
        run(profile.swept[1].key)
    assert "cannot be asked again" in capsys.readouterr().out


def test_a_question_that_was_changed_under_its_key_is_found(profile, capsys):
    forge(profile.swept[1], lambda content: content["trial"].update(batch_size=7))
    lines = PLACES.studies.read_text().splitlines()
    content = json.loads(lines[0])
    content["trial"]["seed"] = 7
    PLACES.studies.write_text("\n".join([canonical_json(content), *lines[1:]]))
    text = all_of_it(capsys)
    assert "it answers another question than its name says" in text
    assert "studies.jsonl:1: asks another question than its key says" in text


def test_a_damaged_line_is_reported_also_when_others_are_drawn(profile, capsys):
    PLACES.studies.write_text("{\n" + PLACES.studies.read_text())
    with pytest.raises(Contradiction):
        run(sample=1)
    text = capsys.readouterr().out
    assert "artifacts/quick/studies.jsonl:1: cannot be asked again" in text
    assert "verify: 2 trials, 1 the same" in text


def test_an_answer_that_the_store_lost_is_compared_with_its_sealed_line(profile, capsys):
    stored(profile.swept[1]).unlink()
    run(everything=True)
    assert capsys.readouterr().out.splitlines()[-1] == "verify: 5 trials, 5 the same"


def test_another_environment_is_named_and_the_trial_is_asked_in_this_one(profile, capsys):
    old = profile.swept[0].trial
    elsewhere = old.environment.model_copy(update={"keras": "3.0.0"})
    trial = Trial.parse(old.plain() | {"environment": elsewhere.plain()})
    Store.open().put(trial, profile.swept[0].result, CLOCK)
    run(trial.key[:10])
    text = capsys.readouterr().out
    assert "the same, asked in another environment" in text
    assert f"environment: keras was 3.0.0, here {old.environment.keras}" in text
    assert text.endswith("verify: 1 trial, 1 the same, 1 of them asked in another environment\n")
    assert profile.asked == [old]


def test_other_figures_in_another_environment_are_excused_but_count(profile, capsys):
    old = profile.swept[0]
    elsewhere = old.trial.environment.model_copy(update={"keras": "3.0.0"})
    trial = Trial.parse(old.trial.plain() | {"environment": elsewhere.plain()})
    result = old.result.model_copy(update={"weights_digest": "f" * 64})
    Store.open().put(trial, result, CLOCK)
    with pytest.raises(Contradiction, match="other last digits are to be expected"):
        run(trial.key)
    assert "1 figure differs, asked in another environment" in capsys.readouterr().out


@pytest.mark.parametrize("host", ["elsewhere", platform.node()])
def test_other_figures_in_the_same_environment_say_where_they_were_made(host, profile, capsys):
    old, here = profile.swept[0], clock(0.0)
    made = here.model_copy(update={"host": host})
    result = old.result.model_copy(update={"weights_digest": "f" * 64})
    stored(old).unlink()
    Store.open().put(old.trial, result, made)
    with pytest.raises(Contradiction):
        run(old.trial.key)
    lines = capsys.readouterr().out.splitlines()
    if host == here.host:
        assert "    host, commit, changes and environment are the same here" in lines
    else:
        assert f"    host was elsewhere, here {here.host}" in lines
    assert not [line for line in lines if line.startswith("    commit was")]


def test_a_sample_is_drawn_by_its_seed(profile, capsys):
    def drawn(seed: int) -> list[str]:
        profile.asked.clear()
        run(sample=2, seed=seed)
        return [trial.key for trial in profile.asked]

    assert drawn(0) == drawn(0)
    assert len({tuple(drawn(seed)) for seed in range(6)}) > 1
    assert "verify: 2 of 5 trials, drawn with seed 3" in capsys.readouterr().out
    run(sample=100)
    assert "verify: 5 trials, 5 the same" in capsys.readouterr().out


def test_before_the_winners_are_confirmed_the_sweep_is_all_there_is(profile, capsys):
    PLACES.confirmed.unlink()
    run(everything=True)
    assert "verify: 3 trials, 3 the same" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("request_", "says"),
    [
        ({}, "a KEY, --sample N, or --all"),
        ({"key": "abcd", "everything": True}, "a KEY, --sample N, or --all"),
        ({"sample": 0}, "at least 1"),
        ({"sample": 3, "profile": "large"}, "run: normbench sweep large"),
        ({"key": "abc"}, "at least 4"),
        ({"key": "nothing"}, "is no key"),
    ],
)
def test_a_request_that_cannot_be_met_is_refused(profile, request_, says):
    with pytest.raises(Refusal, match=says):
        run(**request_)
    assert profile.asked == []


def test_sealed_outputs_without_a_line_are_refused(profile):
    for file in (PLACES.studies, PLACES.confirmed):
        file.write_text("")
    with pytest.raises(Refusal, match="holds no answers"):
        run(everything=True)


def test_missing_arrays_are_refused_before_anything_is_trained(profile):
    (PLACES.arrays / "mnist_5k").rename(profile.root / "elsewhere")
    with pytest.raises(Refusal, match="run: normbench prepare quick"):
        run(everything=True)
    PLACES.studies.unlink()
    with pytest.raises(Refusal, match="run: normbench train dataset=mnist_5k"):
        run(profile.swept[0].key)
    assert profile.asked == []


def test_arrays_of_a_single_run_are_found_too(profile, monkeypatch, capsys):
    folder = Places("train").arrays / "mnist_5k-0123"
    folder.parent.mkdir(parents=True)
    (PLACES.arrays / "mnist_5k").rename(folder)
    damaged = PLACES.arrays / "other" / "manifest.json"
    damaged.parent.mkdir()
    damaged.write_text("{")
    folders = []

    def answer(trial, store, folder, *, watch, start):
        folders.append(folder)
        return profile.swept[0].result

    monkeypatch.setattr(verify, "answer", answer)
    run(profile.swept[0].key)
    assert folders == [folder]


def test_a_shorter_curve_is_told_epoch_by_epoch_and_shown_in_one_line():
    long = Result.parse(
        {
            "steps": 3,
            "metrics": {"a": 0.0},
            "curves": {"loss": [0.5, 0.25, None]},
            "epochs_asked": 3,
            "outcomes": {},
            "weights_digest": "w",
            "kernels": {"norm": "fused"},
        }
    )
    short = long.model_copy(update={"curves": {"loss": (0.5,)}, "metrics": {"a": -0.0}})
    found = compared(figures(long, SCORING), figures(short, SCORING))
    assert [(each.figure, each.claimed, each.found) for each in found] == [
        ("metric a", 0.0, -0.0),
        ("curve loss, epoch 2", 0.25, "absent"),
        ("curve loss, epoch 3", "not finite", "absent"),
    ]
    assert list(verify._shortened(found)) == [
        "metric a: 0.0 stored, -0.0 here (-0)",
        "curve loss, epoch 2: 0.25 stored, absent here; and 1 later",
    ]


def differing(stored: str, here: str, scoring) -> list[str]:
    result = fake_runs().confirmed[0].result
    sides = [result.model_copy(update={"outcomes": {"test": text}}) for text in (stored, here)]
    return list(verify._shortened(compared(*(figures(side, scoring) for side in sides))))


def test_examples_that_came_out_otherwise_are_counted_and_the_first_is_named():
    assert differing("f0", "d1", SCORING) == [
        "test examples, example 2: right stored, wrong here; and 1 later",
    ]
    assert differing("f0", "80", SCORING) == [
        "test examples right: 4 stored, 1 here (-3)",
        "test examples, example 1: right stored, wrong here; and 2 later",
    ]


def test_outcomes_that_are_numbers_are_compared_as_numbers():
    """0.25, 2 and 4 in single precision: 1/4 + 2 and 1/4 + 4 over two examples."""
    assert differing("0000803e" + "00000040", "0000803e" + "00008040", Regression()) == [
        "test examples unexplained: 1.125 stored, 2.125 here (+1)",
        "test examples, example 1: 2.0 stored, 4.0 here (+2)",
    ]


def test_outcomes_that_are_none_are_a_difference_and_no_accident():
    lines = differing("f?", "f0", SCORING)
    assert lines == ["test examples, example 4: unreadable stored, wrong here; and 3 later"]
    assert differing("0000803e?", "0000803e", Regression()) == [
        "test examples unexplained: unreadable stored, 0.25 here",
        "test examples, example 1: unreadable stored, absent here",
    ]
