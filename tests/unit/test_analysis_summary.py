"""The whole analysis over made-up runs with planted effects."""

from __future__ import annotations

import statistics
from dataclasses import replace

import pytest
from fake_answers import SEEDS, TRIALS, FakeRuns, fake_runs

from pipeline.findings.analyzing import analyze
from pipeline.findings.open_questions.figures import Figures as Left
from pipeline.findings.summary import Summary
from pipeline.findings.tuned.curves import mean_curve
from pipeline.findings.tuned.figures import Figures as Tuned
from pipeline.findings.tuned.figures import StudyFigures
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


def _study(summary: Summary, name: str) -> StudyFigures:
    return next(figures for figures in summary.of(Tuned).studies if figures.name == name)


def _metric(runs: FakeRuns, study: str, name: str) -> list[float]:
    return [answer.result.metrics[name] for answer in runs.confirmed if answer.study == study]


def test_every_study_has_its_place_and_the_reference_comes_first(summary: Summary) -> None:
    arms = [figures.study.arm for figures in summary.of(Tuned).studies]
    assert arms == 2 * ["none", "batch", "batch_default", "layer"]
    assert all(
        figures.is_reference == (figures.study.arm == "none")
        for figures in summary.of(Tuned).studies
    )


def test_a_paired_difference_is_the_mean_of_differences_by_seed(
    runs: FakeRuns, summary: Summary
) -> None:
    arm = _metric(runs, "tuned/mnist_5k/mlp/adam/layer", "test_score")
    plain = _metric(runs, "tuned/mnist_5k/mlp/adam/none", "test_score")
    differences = [100 * (a - b) for a, b in zip(arm, plain, strict=True)]
    found = _study(summary, "tuned/mnist_5k/mlp/adam/layer").comparisons["moving"]
    assert found.points is not None
    assert found.points.value == pytest.approx(statistics.mean(differences))
    assert found.points.spread == pytest.approx(statistics.stdev(differences))
    assert (found.blocks, found.missing_seeds, found.failures) == (len(SEEDS), (), None)


def test_the_planted_collapse_is_found_in_the_gap_and_gone_with_recalibration(
    runs: FakeRuns, summary: Summary
) -> None:
    name = "tuned/mnist_5k/cnn/adam/batch_default"
    gap, comparisons = _study(summary, name).gap, _study(summary, name).comparisons
    assert gap is not None
    assert gap.batch_minus_moving is not None
    planted = statistics.mean(_metric(runs, name, "gap_batch")) - statistics.mean(
        _metric(runs, name, "gap_moving")
    )
    assert gap.batch_minus_moving.value == pytest.approx(100 * planted)
    assert gap.batch_minus_moving.reading == "higher"
    moving, recalibrated = (comparisons[kind].points for kind in ("moving", "recalibrated"))
    assert comparisons["moving"].reading == "lower"
    assert moving is not None
    assert recalibrated is not None
    assert (recalibrated.value or 0) > (moving.value or 0) + 10
    assert name in summary.of(Tuned).headline.gap_costs
    assert name in summary.of(Tuned).headline.disagreeing


def test_an_arm_without_batch_statistics_has_no_gap(summary: Summary) -> None:
    layer = _study(summary, "tuned/mnist_5k/cnn/adam/layer")
    assert not layer.has_batch_statistics
    assert layer.gap is None
    assert set(layer.comparisons) == {"moving"}


def test_the_diverged_trial_is_counted_and_kept_as_a_point(summary: Summary) -> None:
    plain = _study(summary, "tuned/mnist_5k/cnn/adam/none")
    assert (plain.swept.failed, plain.swept.diverged) == (1, 1)
    assert [trial.failed for trial in plain.search.trials].count(True) == 1
    assert len(plain.search.trials) == TRIALS


def test_the_winner_is_the_confirmed_configuration_with_its_score_in_the_sweep(
    runs: FakeRuns, summary: Summary
) -> None:
    name = "tuned/mnist_5k/mlp/adam/batch"
    search = _study(summary, name).search
    scores = {
        answer.index: answer.result.metrics["validation_score"]
        for answer in runs.swept
        if answer.study == name
    }
    assert search.winner is not None
    assert search.winner.validation_score == max(scores.values())
    assert scores[search.winner.index or 0] == max(scores.values())
    assert set(search.winner.hyperparameters) == set(_study(summary, name).study.space)
    assert list(search.best_so_far) == [max(list(scores.values())[: n + 1]) for n in range(TRIALS)]


def test_an_arm_without_answers_is_missing_and_never_zero(runs: FakeRuns) -> None:
    name = "tuned/mnist_5k/mlp/adam/batch"
    summary = _analyze(runs.without(name))
    figures = _study(summary, name)
    assert figures.test_score is None
    assert figures.comparisons["moving"].points is None
    assert figures.comparisons["moving"].missing_seeds == SEEDS
    assert figures.search.winner is None
    assert summary.of(Tuned).headline.missing == (name,)


def test_without_the_reference_every_arm_of_its_cell_is_missing(runs: FakeRuns) -> None:
    summary = _analyze(runs.without("tuned/mnist_5k/mlp/adam/none"))
    assert summary.of(Tuned).headline.missing == tuple(
        f"tuned/mnist_5k/mlp/adam/{arm}" for arm in ("batch", "batch_default", "layer")
    )


def test_a_cell_that_the_plan_leaves_out_is_named(runs: FakeRuns) -> None:
    name = "tuned/mnist_5k/cnn/adam/layer"
    plain = runs.plan.plain()
    del plain["studies"][name]
    summary = _analyze(replace(runs.without(name), plan=Plan.parse(plain)))
    assert summary.of(Left).unplanned == (name,)


def test_a_seed_that_only_one_arm_has_is_said_to_be_missing(runs: FakeRuns) -> None:
    name = "tuned/mnist_5k/mlp/adam/layer"
    kept = tuple(a for a in runs.confirmed if (a.study, a.trial.seed) != (name, SEEDS[1]))
    found = _study(_analyze(replace(runs, confirmed=kept)), name).comparisons["moving"]
    assert found.points is not None
    assert found.missing_seeds == (SEEDS[1],)
    assert found.points.blocks == len(SEEDS) - 1


def test_a_failed_confirmed_run_is_counted_beside_the_difference_not_in_it(
    runs: FakeRuns,
) -> None:
    name = "tuned/mnist_5k/mlp/adam/layer"
    first = next(answer for answer in runs.confirmed if answer.study == name)
    metrics = {"validation_score": 0.1, "test_score": 0.1}
    curves = {**first.result.curves, "training_loss": (None,) * 6}
    result = first.result.model_copy(update={"metrics": metrics, "curves": curves})
    diverged = first.model_copy(update={"result": result})
    confirmed = tuple(diverged if answer is first else answer for answer in runs.confirmed)
    figures = _study(_analyze(replace(runs, confirmed=confirmed)), name)
    found = figures.comparisons["moving"]
    assert figures.confirmed.failed == 1
    assert found.points is not None
    assert found.failures is not None
    assert (found.trained_blocks, found.blocks) == (4, 5)
    assert found.failures.value == pytest.approx(0.2)  # 1 of 5 against 0 of 5
    assert found.mcnemar == 1  # one discordant pair says nothing
    assert (found.points.value or 0) > 0
    assert figures.test_score is not None
    assert figures.test_score.blocks == 5


def test_under_twenty_seeds_the_profile_is_a_screening(summary: Summary) -> None:
    assert summary.of(Tuned).headline.fewest_clusters == len(SEEDS)
    assert summary.of(Tuned).headline.is_screening
    many = fake_runs(seeds=tuple(range(200, 220)))
    assert not _analyze(many).of(Tuned).headline.is_screening


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
