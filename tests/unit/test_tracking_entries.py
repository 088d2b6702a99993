"""The runs that should exist, from the made-up answers in fake_answers.py."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from fake_answers import EPOCHS, SEEDS, TRIALS, FakeRuns, fake_runs
from fixed_runs import answers as fixed_answers
from fixed_runs import fixed_study

from pipeline.records import Answer, Result
from pipeline.tracking.entries import entries, unplanned
from pipeline.tracking.entry import Entry, Identity, winner_identity
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
    nothing = Snapshot(runs.plan, runs.swept, runs.confirmed, {}, runs.manifests, {}, {}, {})
    return replace(nothing, **changes)


def of_kind(kind: str, found: tuple[Entry, ...], study: str = STUDY) -> list[Entry]:
    return [
        entry
        for entry in found
        if entry.identity.kind == kind and entry.identity.study in (study, "")
    ]


def answered(answer: Answer, **changes: object) -> Answer:
    result = Result.parse({**answer.result.plain(), **changes})
    return answer.model_copy(update={"result": result})


def test_each_study_trial_winner_and_seed_is_one_run_and_the_pages_one_more(runs):
    found = entries(snapshot(runs, pages={"report.md": Path("report.md")}))
    kinds = Counter(entry.identity.kind for entry in found)
    assert kinds == {
        "study": 8,
        "trial": 8 * TRIALS,
        "winner": 8,
        "seed": 8 * len(SEEDS),
        "report": 1,
    }
    assert len({entry.identity for entry in found}) == len(found)


def test_parents_come_before_their_children(runs):
    seen: set[Identity] = set()
    for entry in entries(snapshot(runs)):
        assert entry.parent is None or entry.parent in seen
        seen.add(entry.identity)
    assert len(seen) == 8 * (1 + TRIALS + 1 + len(SEEDS))


def test_a_trial_shows_its_question_under_the_fields_names(runs):
    first = next(answer for answer in runs.swept if answer.study == STUDY)
    params = of_kind("trial", entries(snapshot(runs)))[0].params
    norm, optimizer = first.trial.norm.layer.arguments, first.trial.optimizer.arguments
    assert float(params["learning_rate"]) == optimizer["learning_rate"]
    assert float(params["momentum"]) == norm["momentum"]
    assert float(params["epsilon"]) == norm["epsilon"]
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
    assert float(params["momentum"]) == answer.trial.norm.layer.arguments["momentum"]


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
    assert not {"momentum", "epsilon"} & plain.keys()


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


def test_a_study_shows_its_best_trial_and_the_means_under_its_trials_names(runs):
    three = [answer for answer in runs.swept if answer.study == STUDY][:3]
    scores = [0.5, 0.9, 0.1]  # mean 0.5
    trials = tuple(
        answered(answer, metrics={"validation_score": score})
        for answer, score in zip(three, scores, strict=True)
    )
    study = of_kind("study", entries(snapshot(runs, swept=trials, confirmed=())))[0]
    metrics = {point.metric: point.value for point in study.points}
    assert metrics == {
        "validation_score": 0.9,
        "validation_score_mean": 0.5,
        "trials": 3,
        "diverged": 0,
        "pruned": 0,
    }


def test_a_mean_is_over_the_trials_that_have_the_metric(runs):
    two = [answer for answer in runs.swept if answer.study == STUDY][:2]
    with_loss = answered(two[0], metrics={"validation_score": 0.5, "validation_loss": 2.0})
    without = answered(two[1], metrics={"validation_score": 0.1})
    found = entries(snapshot(runs, swept=(with_loss, without), confirmed=()))
    metrics = {point.metric: point.value for point in of_kind("study", found)[0].points}
    assert metrics["validation_loss_mean"] == 2.0
    assert metrics["validation_score_mean"] == pytest.approx(0.3)


def test_a_winner_has_the_mean_over_its_seeds_and_its_model(runs):
    model = Path("batch.keras")
    found = entries(snapshot(runs, models={STUDY: model}))
    winner, seeds = of_kind("winner", found)[0], of_kind("seed", found)
    own = [answer for answer in runs.confirmed if answer.study == STUDY]
    total = math.fsum(answer.result.metrics["test_score"] for answer in own)
    metrics = {point.metric: point.value for point in winner.points}
    assert metrics["test_score"] == pytest.approx(total / len(own))
    assert winner.model == model
    assert winner.params["confirm_seeds"] == "101 102 103 104 105"
    assert [seed.params["seed"] for seed in seeds] == [str(seed) for seed in SEEDS]
    assert {seed.parent for seed in seeds} == {winner.identity}


def test_a_winner_has_no_model_before_its_last_seed(runs):
    fewer = tuple(answer for answer in runs.confirmed if answer.index < 4)
    found = entries(snapshot(runs, models={STUDY: Path("batch.keras")}, confirmed=fewer))
    assert of_kind("winner", found)[0].model is None


def test_the_seeds_of_one_configuration_have_one_winner(runs):
    own = [answer for answer in runs.confirmed if answer.study == STUDY]
    assert len({answer.key for answer in own}) == len(SEEDS)
    assert len({winner_identity(answer) for answer in own}) == 1


def test_clocks_date_a_run_and_its_parent_and_name_the_commit(runs):
    own = [answer for answer in runs.swept if answer.study == STUDY][:2]
    clocks = {
        own[0].key: FakeClock(started=100.0, wall_seconds=5.0),
        own[1].key: FakeClock(started=103.0, wall_seconds=9.0, dirty="d1"),
    }
    found = entries(snapshot(runs, swept=tuple(own), confirmed=(), clocks=clocks))
    study, trials = of_kind("study", found)[0], of_kind("trial", found)
    assert [trial.span for trial in trials] == [(100.0, 105.0), (103.0, 112.0)]
    assert study.span == (100.0, 112.0)
    assert trials[0].tags["mlflow.source.git.commit"] == "c0ffee"
    assert "normbench.dirty" not in trials[0].tags
    assert trials[1].tags["normbench.dirty"] == "d1"


def test_a_lost_clock_leaves_the_run_undated(runs):
    entry = of_kind("trial", entries(snapshot(runs)))[0]
    assert entry.span == (None, None)
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
    return Snapshot(plan, tuple(swept), (), {}, {}, {}, {}, {})


def test_a_study_of_fixed_settings_shows_its_axes_and_its_trials_their_values(fixed):
    study, *trials = entries(fixed)
    assert study.params["axes.model.width"] == "8, 16"
    assert study.params["axes.norm.epsilon"] == "0.001, 0.1"
    assert (study.params["seeds"], study.params["steps_per_epoch"]) == ("1 2 3 4", "[1,2]")
    assert "confirm_seeds" not in study.params
    shown = [(each.params["model.width"], each.params["epsilon"]) for each in trials]
    assert shown == [(width, epsilon) for width in ("8", "16") for epsilon in ("0.001", "0.1")
                     for _ in range(4)]  # fmt: skip


def test_a_study_without_a_winner_shows_means_and_no_best_trial(fixed):
    study, *others = entries(fixed)
    assert {each.identity.kind for each in others} == {"trial"}
    metrics = {point.metric: point.value for point in study.points}
    assert metrics["validation_score_mean"] == pytest.approx(0.25)
    assert metrics["trials"] == 16
    assert "validation_score" not in metrics


def test_the_report_has_the_headline_figures_as_metrics_and_verdicts_as_tags(runs):
    figures = {
        "claims.T4 steps to 90%, CNN.effect": 0.25,
        "claims.T4.verdict": "supported",
        f"tuned.{STUDY}.points": -1.0,
        "verdicts.supported": 3,
    }
    pages = {"report.md": Path("report.md")}
    report = of_kind("report", entries(snapshot(runs, pages=pages, figures=figures)))[0]
    assert report.points == (
        ("claims.T4 steps to 90 CNN.effect", 0.25, 0),  # MLflow takes no such signs in names
        (f"tuned.{STUDY}.points", -1.0, 0),
        ("verdicts.supported", 3, 0),
    )
    assert report.tags["claims.T4.verdict"] == "supported"
    assert report.refreshable
