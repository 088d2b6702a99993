"""The runs that should exist, from the made-up answers in fake_answers.py."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from fake_answers import EPOCHS, SEEDS, STUDIES, TRIALS, FakeRuns, fake_runs
from fixed_runs import answers as fixed_answers
from fixed_runs import fixed_study

from pipeline.records import Answer, Result
from pipeline.studies import Cell
from pipeline.tracking.entries import entries, means, unplanned
from pipeline.tracking.entry import Entry
from pipeline.tracking.leaves import run_entry
from pipeline.tracking.notes import NOTE
from pipeline.tracking.snapshot import Snapshot

STUDY = "tuned/mnist_5k/mlp/adam/batch"


@dataclass(frozen=True)
class FakeClock:
    started: float
    wall_seconds: float
    commit: str = "c0ffee"
    dirty: str = ""
    host: str = "there"


@pytest.fixture(scope="module")
def runs() -> FakeRuns:
    return fake_runs()


def snapshot(runs: FakeRuns, **changes: object) -> Snapshot:
    nothing = Snapshot(runs.plan, runs.swept, runs.confirmed, {}, runs.manifests, {}, {}, {}, {})
    return replace(nothing, **changes)


def of_kind(kind: str, found: tuple[Entry, ...], study: str = STUDY) -> list[Entry]:
    return [entry for entry in found if entry.name.split(" ")[:2] in ([kind], [kind, study])]


def answered(answer: Answer, **changes: object) -> Answer:
    result = Result.parse({**answer.result.plain(), **changes})
    return answer.model_copy(update={"result": result})


@pytest.fixture
def pages(tmp_path) -> dict[str, Path]:
    (tmp_path / "report.md").write_text("# Ours")
    return {"report.md": tmp_path / "report.md"}


@pytest.fixture
def model(tmp_path) -> Path:
    (tmp_path / "batch.keras").write_bytes(b"weights")
    return tmp_path / "batch.keras"


def test_each_study_trial_winner_and_seed_is_one_run_and_the_pages_one_more(runs, pages):
    found = entries(snapshot(runs, pages=pages))
    kinds = Counter(entry.name.split(" ")[0] for entry in found)
    assert kinds == {
        "study": STUDIES,
        "trial": STUDIES * TRIALS,
        "winner": STUDIES,
        "seed": STUDIES * len(SEEDS),
        "report": 1,
    }
    assert len({entry.name for entry in found}) == len(found)


def test_parents_come_before_their_children(runs):
    seen = {""}
    for entry in entries(snapshot(runs)):
        assert entry.parent in seen
        seen.add(entry.name)
    assert len(seen) - 1 == STUDIES * (1 + TRIALS + 1 + len(SEEDS))


def test_a_trial_shows_its_question_under_the_fields_names(runs):
    first = next(answer for answer in runs.swept if answer.study == STUDY)
    params = of_kind("trial", entries(snapshot(runs)))[0].params
    norm, optimizer = first.trial.norm.layer.arguments, first.trial.optimizer.arguments
    assert float(params["optimizer.learning_rate"]) == optimizer["learning_rate"]
    assert float(params["norm.momentum"]) == norm["momentum"]
    assert float(params["norm.epsilon"]) == norm["epsilon"]
    assert params["batch_size"] == str(first.trial.batch_size)
    assert (params["epochs"], params["seed"], params["model.width"]) == (str(EPOCHS), "1", "64")
    assert (params["dataset"], params["model"], params["arm"]) == ("mnist_5k", "mlp", "batch")
    assert params["optimizer"] == "adam"


def test_an_optimizers_own_momentum_is_not_taken_for_the_norms(runs):
    answer = next(answer for answer in runs.swept if answer.study == STUDY)
    optimizer = answer.trial.optimizer.with_argument("momentum", 0.5)
    trial = answer.trial.model_copy(update={"optimizer": optimizer})
    odd = answer.model_copy(update={"trial": trial})
    params = of_kind("trial", entries(snapshot(runs, swept=(odd,))))[0].params
    assert params["optimizer.momentum"] == "0.5"
    assert float(params["norm.momentum"]) == answer.trial.norm.layer.arguments["momentum"]


def test_a_trial_that_may_be_stopped_shows_its_thresholds(runs):
    answer = next(answer for answer in runs.swept if answer.study == STUDY)
    trial = answer.trial.model_copy(update={"thresholds": (None, 0.5)})
    may_stop = answer.model_copy(update={"trial": trial})
    params = of_kind("trial", entries(snapshot(runs, swept=(may_stop,))))[0].params
    assert params["thresholds"] == "[null,0.5]"
    assert "thresholds" not in of_kind("trial", entries(snapshot(runs)))[0].params


def test_the_plain_arm_has_no_momentum_and_no_epsilon(runs):
    plain = of_kind("trial", entries(snapshot(runs)), "tuned/mnist_5k/mlp/adam/none")[0].params
    assert plain["norm.target"] == "none"
    assert not {"norm.momentum", "norm.epsilon"} & plain.keys()


def test_curves_become_series_over_epochs_that_end_in_the_final_metric(runs):
    answer = next(answer for answer in runs.swept if answer.study == STUDY)
    points = of_kind("trial", entries(snapshot(runs)))[0].points
    series = {point.step: point.value for point in points if point.metric == "validation_score"}
    curve = answer.result.curves["validation_score"]
    final = answer.result.metrics["validation_score"]
    assert series == dict(enumerate([*curve[:-1], final], start=1))
    assert len({(point.metric, point.step) for point in points}) == len(points)


def test_values_that_are_not_finite_are_left_out_of_a_series(runs):
    answer = next(answer for answer in runs.swept if answer.study == STUDY)
    curves = {"training_loss": [2.0, None, None, None, None, None]}
    broken = answered(answer, curves=curves, metrics={"validation_score": 0.1})
    entry = of_kind("trial", entries(snapshot(runs, swept=(broken,))))[0]
    assert entry.tags["normbench.status"] == "diverged"
    assert entry.points == (("training_loss", 2.0, 1), ("validation_score", 0.1, EPOCHS))


def test_the_series_of_a_stopped_trial_ends_where_it_was_stopped(runs):
    answer = next(answer for answer in runs.swept if answer.study == STUDY)
    curves = {"training_loss": [2.0, 1.0], "validation_score": [0.3, 0.4]}
    stopped = answered(answer, curves=curves, metrics={"validation_score": 0.4})
    entry = of_kind("trial", entries(snapshot(runs, swept=(stopped,))))[0]
    assert entry.tags["normbench.status"] == "pruned"
    assert max(point.step for point in entry.points) == 2
    assert ("validation_score", 0.4, 2) in entry.points


def a_study(runs: FakeRuns, scores: list[float], trials: int, **more: object) -> Entry:
    """A study of so many trials, some of them answered."""
    answers = [answer for answer in runs.swept if answer.study == STUDY][: len(scores)]
    swept = tuple(
        answered(answer, metrics={"validation_score": score})
        for answer, score in zip(answers, scores, strict=True)
    )
    study = runs.plan.studies[STUDY]
    design = study.design.model_copy(update={"trials": trials})
    plan = runs.plan.model_copy(
        update={"studies": {STUDY: study.model_copy(update={"design": design})}}
    )
    known = {"plan": plan, "swept": swept, "confirmed": ()} | more
    return of_kind("study", entries(snapshot(runs, **known)))[0]


def test_a_study_shows_its_best_score_so_far_then_its_best_trial_and_the_means(runs):
    study = a_study(runs, [0.5, 0.9, 0.1], trials=3)  # mean 0.5
    series = [point.value for point in study.points if point.metric == "validation_score"]
    assert series == [0.5, 0.9, 0.9]
    assert study.metrics == {
        "validation_score": 0.9,
        "validation_score_mean": 0.5,
        "trials": 3,
        "diverged": 0,
        "pruned": 0,
    }


def test_what_a_study_says_while_trials_are_missing_stays_true_when_they_come(runs):
    begun, whole = a_study(runs, [0.5, 0.9], trials=3), a_study(runs, [0.5, 0.9, 0.1], trials=3)
    assert (begun.complete, whole.complete) == (False, True)
    assert set(begun.points) < set(whole.points)
    assert begun.params == whole.params


def test_a_study_asks_and_answers_in_its_note(runs):
    begun, whole = a_study(runs, [0.5], trials=2), a_study(runs, [0.5, 0.9], trials=2)
    asked = (
        "Which `optimizer.learning_rate`, `norm.momentum`, `norm.epsilon`, `batch_size` suit `mlp` "
        "with `batch` on `mnist_5k`, trained by `adam`? 2 trials, proposed by "
        "`pipeline.search.tpe.LaggedTpe`."
    )
    assert begun.tags[NOTE] == asked
    assert f"{asked}\n\n**Answer:** trial 1 is best, validation accuracy 0.9000" in whole.tags[NOTE]
    confirmed = a_study(runs, [0.5, 0.9], trials=2, confirmed=runs.confirmed)
    mean = confirmed.metrics["test_score"]
    assert confirmed.tags[NOTE].endswith(
        f"**Confirmed:** test accuracy {mean:.4f}, the mean of 5 seeds."
    )


def test_a_mean_is_over_the_trials_that_have_the_metric(runs):
    two = [answer for answer in runs.swept if answer.study == STUDY][:2]
    with_loss = answered(two[0], metrics={"validation_score": 0.5, "validation_loss": 2.0})
    without = answered(two[1], metrics={"validation_score": 0.1})
    assert means([with_loss, without]) == {"validation_loss": 2.0, "validation_score": 0.3}


def test_scores_by_kind_of_statistics_are_called_so(runs):
    metrics = of_kind("trial", entries(snapshot(runs)))[0].metrics
    assert {f"score_{kind}_statistics" for kind in ("batch", "moving", "recalibrated")} < {*metrics}
    assert not [name for name in metrics if name.startswith("gap")]


def test_a_winner_has_the_mean_over_its_seeds_and_its_model(runs, model):
    found = entries(snapshot(runs, models={STUDY: model}))
    winner, seeds = of_kind("winner", found)[0], of_kind("seed", found)
    own = [answer for answer in runs.confirmed if answer.study == STUDY]
    total = math.fsum(answer.result.metrics["test_score"] for answer in own)
    assert winner.metrics["test_score"] == pytest.approx(total / len(own))
    assert (winner.model.file, winner.model.registered) == (
        model,
        "quick-tuned-mnist_5k-mlp-adam-batch",
    )
    assert winner.params["confirm_seeds"] == "101 102 103 104 105"
    assert [seed.params["seed"] for seed in seeds] == [str(seed) for seed in SEEDS]
    assert {seed.parent for seed in seeds} == {winner.name}


def test_a_winner_has_no_model_and_no_means_before_its_last_seed(runs, model):
    fewer = tuple(answer for answer in runs.confirmed if answer.index < 4)
    found = entries(snapshot(runs, models={STUDY: model}, confirmed=fewer))
    winner = of_kind("winner", found)[0]
    assert (winner.model, winner.metrics, winner.complete) == (None, {}, False)
    assert "test_score" not in of_kind("study", found)[0].metrics


def test_training_runs_that_differ_in_their_rate_have_names_that_do(runs):
    answer = next(answer for answer in runs.swept if answer.study == STUDY)
    study = runs.plan.studies[STUDY]
    fields = {name: getattr(study, name) for name in Cell.model_fields}
    cell, (manifest,) = Cell(**fields), runs.manifests.values()
    names = [
        run_entry(
            cell.placed({"optimizer.learning_rate": rate}),
            answer.trial,
            answer.result,
            None,
            manifest,
        ).title
        for rate in (0.1, 0.001)
    ]
    assert names[0].startswith("mlp/batch mnist_5k, adam, rate 0.1, batch ")
    assert names[1].startswith("mlp/batch mnist_5k, adam, rate 0.001, batch ")


def test_clocks_date_a_run_and_its_parent_and_name_the_commit(runs):
    own = [answer for answer in runs.swept if answer.study == STUDY][:2]
    clocks = {
        own[0].key: FakeClock(started=100.0, wall_seconds=5.0),
        own[1].key: FakeClock(started=103.0, wall_seconds=9.0, dirty="d1"),
    }
    found = entries(snapshot(runs, swept=tuple(own), confirmed=(), clocks=clocks))
    study, trials = of_kind("study", found)[0], of_kind("trial", found)
    assert [(trial.started, trial.ended) for trial in trials] == [(100.0, 105.0), (103.0, 112.0)]
    assert (study.started, study.ended) == (100.0, 112.0)
    assert trials[0].tags["mlflow.source.git.commit"] == "c0ffee"
    assert "normbench.dirty" not in trials[0].tags
    assert trials[1].tags["normbench.dirty"] == "d1"


def test_a_lost_clock_leaves_the_run_undated(runs):
    entry = of_kind("trial", entries(snapshot(runs)))[0]
    assert (entry.started, entry.ended) == (None, None)
    assert "mlflow.source.git.commit" not in entry.tags


def test_answers_of_studies_outside_the_plan_are_counted_and_left_out(runs):
    studies = {key: study for key, study in runs.plan.studies.items() if study.name != STUDY}
    smaller = snapshot(runs, plan=runs.plan.model_copy(update={"studies": studies}))
    assert unplanned(smaller) == TRIALS + len(SEEDS)
    assert of_kind("trial", entries(smaller)) == []


@pytest.fixture(scope="module")
def fixed(runs) -> Snapshot:
    """One factorial study: two depths, two epsilons, four seeds."""
    study = fixed_study(
        axes={"model.width": [8, 16], "norm.epsilon": [0.001, 0.1]}, steps_per_epoch=[1, 2]
    )
    swept = fixed_answers(study, lambda values, seed: {"validation_score": seed / 10})
    plan = runs.plan.model_copy(update={"studies": {study.name: study}})
    return Snapshot(plan, tuple(swept), (), {}, {}, {}, {}, {}, {})


def test_a_study_of_fixed_settings_shows_its_axes_and_its_trials_their_values(fixed):
    study, *trials = entries(fixed)
    assert study.params["axes.model.width"] == "8, 16"
    assert study.params["axes.norm.epsilon"] == "0.001, 0.1"
    assert (study.params["seeds"], study.params["steps_per_epoch"]) == ("1 2 3 4", "[1,2]")
    assert "confirm_seeds" not in study.params
    shown = [(each.params["model.width"], each.params["norm.epsilon"]) for each in trials]
    assert shown == [(width, epsilon) for width in ("8", "16") for epsilon in ("0.001", "0.1")
                     for _ in range(4)]  # fmt: skip


def test_a_study_without_a_winner_shows_means_and_no_best_trial(fixed):
    study, *others = entries(fixed)
    assert {each.name.split(" ")[0] for each in others} == {"trial"}
    assert study.metrics["validation_score_mean"] == pytest.approx(0.25)
    assert study.metrics["trials"] == 16
    assert "validation_score" not in study.metrics
    assert "validation accuracy 0.2500 on average" in study.tags[NOTE]


def test_the_report_has_the_headline_figures_as_metrics_and_verdicts_as_tags(runs, pages):
    figures = {
        "claims.T4 steps to 90%, CNN.effect": 0.25,
        "claims.T4.verdict": "supported",
        f"tuned.{STUDY}.points": -1.0,
        "verdicts.supported": 3,
    }
    report = of_kind("report", entries(snapshot(runs, pages=pages, figures=figures)))[0]
    assert report.points == (
        ("whole.claims.T4 steps to 90 CNN.effect", 0.25, 0),  # MLflow takes no such signs in names
        (f"whole.tuned.{STUDY}.points", -1.0, 0),
        ("whole.verdicts.supported", 3, 0),
    )
    assert report.tags["claims.T4.verdict"] == "supported"
