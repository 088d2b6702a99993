"""The whole analysis over made-up runs with planted effects."""

from __future__ import annotations

import statistics
from dataclasses import replace

import pytest
from fake_answers import SEARCHES, SEEDS, TRIALS, FakeRuns, fake_runs

from pipeline.findings.analyzing import analyze
from pipeline.findings.open_questions.figures import Figures as Left
from pipeline.findings.summary import Summary
from pipeline.findings.tuned.comparisons import Comparison
from pipeline.findings.tuned.curves import mean_curve
from pipeline.findings.tuned.figures import ArmFigures
from pipeline.findings.tuned.figures import Figures as Tuned
from pipeline.records import Answer
from pipeline.studies import Plan

DIGESTS = {"findings.tuned.studies.jsonl": "5" * 64, "confirmed.jsonl": "c" * 64}


def _analyze(runs: FakeRuns) -> Summary:
    return analyze(
        runs.plan, runs.swept, runs.confirmed, runs.manifests, costs=None, digests=DIGESTS
    )


@pytest.fixture(scope="module")
def runs() -> FakeRuns:
    return fake_runs()


@pytest.fixture(scope="module")
def summary(runs: FakeRuns) -> Summary:
    return _analyze(runs)


def _arm(summary: Summary, name: str) -> ArmFigures:
    return next(figures for figures in summary.of(Tuned).arms if figures.name == name)


def _metric(runs: FakeRuns, study: str, name: str) -> list[float]:
    return [answer.result.metrics[name] for answer in runs.confirmed if answer.study == study]


def test_every_study_has_its_place_and_the_reference_comes_first(summary: Summary) -> None:
    arms = [figures.study.arm for figures in summary.of(Tuned).arms]
    assert arms == 2 * ["none", "batch", "batch_default", "layer"]
    assert all(
        figures.is_reference == (figures.study.arm == "none") for figures in summary.of(Tuned).arms
    )


def _against(summary: Summary, name: str, other: str = "none") -> Comparison:
    *_, model, _, arm = name.split("/")
    return next(
        each
        for each in summary.of(Tuned).comparisons
        if (each.model, each.arm, each.against) == (model, arm, other)
    )


def test_the_unit_of_a_comparison_is_the_search(runs: FakeRuns, summary: Summary) -> None:
    differences = []
    for end in ("", "/2", "/3", "/4"):
        arm, plain = (
            _metric(runs, f"tuned/mnist_5k/mlp/adam/{name}{end}", "test_score")
            for name in ("layer", "none")
        )
        differences.append(100 * (statistics.mean(arm) - statistics.mean(plain)))
    found = _against(summary, "tuned/mnist_5k/mlp/adam/layer")
    assert found.points is not None
    assert found.points.value == pytest.approx(statistics.mean(differences))
    assert found.points.spread == pytest.approx(statistics.stdev(differences))
    assert found.points.clusters == SEARCHES
    assert (found.planned, found.runs) == (SEARCHES, SEARCHES * len(SEEDS))


def test_batch_is_compared_with_layer_directly_and_all_readings_are_one_family(
    summary: Summary,
) -> None:
    found = summary.of(Tuned)
    pairs = {(each.arm, each.against) for each in found.comparisons}
    against_none = {(arm, "none") for arm in ("batch", "batch_default", "layer")}
    assert pairs == against_none | {("batch", "layer"), ("batch_default", "layer")}
    assert len(found.comparisons) == 10
    assert found.level == pytest.approx(1 - 0.05 / 10)
    assert {each.log_error_ratio.level for each in found.comparisons if each.log_error_ratio} == {
        found.level
    }


def test_the_planted_collapse_hurts_and_is_gone_with_recalibration(
    runs: FakeRuns, summary: Summary
) -> None:
    name = "tuned/mnist_5k/cnn/adam/batch_default"
    found, gap = _against(summary, name), _arm(summary, name).gap
    assert found.word == "hurts"
    assert gap is not None
    assert gap.batch_minus_moving is not None
    assert gap.batch_minus_moving.reading == "higher"
    assert found.log_error_ratio is not None
    assert found.recalibrated is not None
    assert (found.recalibrated.value or 0) < (found.log_error_ratio.value or 0) - 1


def test_an_arm_without_batch_statistics_has_no_gap(summary: Summary) -> None:
    name = "tuned/mnist_5k/cnn/adam/layer"
    assert not _arm(summary, name).has_batch_statistics
    assert _arm(summary, name).gap is None
    assert not _against(summary, name).is_recalibrated


def test_the_plain_arm_is_compared_with_itself(summary: Summary) -> None:
    found = summary.of(Tuned).same_arm
    assert [(each.model, each.arm, each.searches) for each in found] == [
        ("mlp", "none", 2 * SEARCHES),
        ("cnn", "none", 2 * SEARCHES),
    ]
    assert all(0 <= each.called <= each.outside <= 0.2 for each in found)


def test_the_winner_is_the_confirmed_configuration_with_its_score_in_the_sweep(
    runs: FakeRuns, summary: Summary
) -> None:
    name = "tuned/mnist_5k/mlp/adam/batch"
    search = _arm(summary, name).search[0]
    scores = {
        answer.index: answer.result.metrics["validation_score"]
        for answer in runs.swept
        if answer.study == name
    }
    assert search.winner is not None
    assert search.winner.validation_score == max(scores.values())
    assert scores[search.winner.index or 0] == max(scores.values())
    assert set(search.winner.hyperparameters) == set(_arm(summary, name).study.space)
    assert list(search.best_so_far) == [max(list(scores.values())[: n + 1]) for n in range(TRIALS)]


def test_an_arm_without_answers_is_missing_and_never_zero(runs: FakeRuns) -> None:
    name = "tuned/mnist_5k/mlp/adam/batch"
    summary = _analyze(runs.without(name))
    assert _arm(summary, name).test_score is None
    found = _against(summary, name)
    assert (found.log_error_ratio, found.points, found.runs) == (None, None, 0)
    assert found.word == "can't tell"


def test_a_cell_that_the_plan_leaves_out_is_named(runs: FakeRuns) -> None:
    name = "tuned/mnist_5k/cnn/adam/layer"
    plain = runs.plan.plain()
    for each in [each for each in plain["studies"] if each.startswith(name)]:
        del plain["studies"][each]
    summary = _analyze(replace(runs.without(name), plan=Plan.parse(plain)))
    assert summary.of(Left).unplanned == (name,)


def test_a_failed_confirmed_run_counts_with_the_errors_it_makes(
    runs: FakeRuns, summary: Summary
) -> None:
    name = "tuned/mnist_5k/mlp/adam/layer"
    first = next(answer for answer in runs.confirmed if answer.study == name)
    metrics = {"validation_score": 0.1, "test_score": 0.1, "test_error": 0.9}
    curves = {**first.result.curves, "training_loss": (None,) * 6}
    result = first.result.model_copy(update={"metrics": metrics, "curves": curves})
    diverged = first.model_copy(update={"result": result})
    confirmed = tuple(diverged if answer is first else answer for answer in runs.confirmed)
    worse = _against(_analyze(replace(runs, confirmed=confirmed)), name)
    found = _against(summary, name)
    assert (worse.failed, worse.failed_against, found.failed) == (1, 0, 0)
    assert worse.log_error_ratio is not None
    assert found.log_error_ratio is not None
    assert (worse.log_error_ratio.value or 0) > (found.log_error_ratio.value or 0)


def test_an_answer_out_of_place_is_refused(runs: FakeRuns) -> None:
    stray = runs.swept[0].model_copy(update={"study": "tuned/mnist_5k/mlp/adam/other"})
    with pytest.raises(ValueError, match="not in the plan"):
        _analyze(replace(runs, swept=(*runs.swept, stray)))
    with pytest.raises(ValueError, match="answered twice"):
        _analyze(replace(runs, swept=(*runs.swept, runs.swept[0])))


def test_a_seed_confirmed_twice_is_refused(runs: FakeRuns) -> None:
    again: Answer = runs.confirmed[0].model_copy(update={"index": len(SEEDS)})
    with pytest.raises(ValueError, match="two runs are in the block seed"):
        _analyze(replace(runs, confirmed=(*runs.confirmed, again)))


def test_the_same_answers_give_the_same_bytes_and_read_back(
    runs: FakeRuns, summary: Summary
) -> None:
    text = summary.text()
    assert _analyze(runs).text() == text
    assert text.endswith("}\n")
    assert Summary.model_validate_json(text) == summary


def test_the_order_of_answers_changes_nothing(runs: FakeRuns, summary: Summary) -> None:
    turned = replace(runs, swept=runs.swept[::-1], confirmed=runs.confirmed[::-1])
    assert _analyze(turned).text() == summary.text()


def test_a_mean_curve_skips_what_is_not_finite_and_says_how_many_are_left() -> None:
    curve = mean_curve([(0.2, 0.4, None), (0.4, None), (0.6, 0.6, None)])
    assert curve.mean == pytest.approx((0.4, 0.5, None))
    # Standard deviations of (0.2, 0.4, 0.6) and (0.4, 0.6): 0.2 and 0.1 * sqrt(2).
    assert curve.low == pytest.approx((0.2, 0.5 - 0.1 * 2**0.5, None))
    assert curve.high == pytest.approx((0.6, 0.5 + 0.1 * 2**0.5, None))
    assert curve.runs == (3, 2, 0)
