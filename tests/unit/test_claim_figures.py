"""Whole claims over made-up runs of fixed settings: what was planned, what came back, how sure."""

from __future__ import annotations

from typing import Any

import pytest
from fixed_runs import ANALYSIS, MANIFESTS, answers, by_name, evidence_of, fixed_study
from test_analysis_fixed import TARGET

from pipeline.claims.claim import Claim
from pipeline.findings.verdicts.figures import ClaimFigures, figures, planned_blocks
from pipeline.statistics.runs import planned_runs, runs_table
from pipeline.studies import Analysis, Study

KINDS = "pipeline.claims.kinds"
EIGHT = tuple(range(1, 9))
RATIO = {
    "target": f"{KINDS}.errors.log_error_ratio",
    "arguments": {"metric": "validation_error"},
}


def _part(**changes: Any) -> dict[str, Any]:
    part = TARGET["parts"][0] | {"name": "error", "effect": RATIO}
    return part | {"rule": {"kind": "direction", "margin": 0.1}} | changes


def _claim(*parts: dict[str, Any], **changes: Any) -> Claim:
    return Claim.parse(
        TARGET | {"id": "T10", "clusters": 8, "minimum": 8, "parts": list(parts)} | changes
    )


def _studies(experiment: str = "fixed", **more: Any) -> list[Study]:
    return [
        fixed_study(arm, experiment=experiment, seeds=EIGHT, **more) for arm in ("none", "batch")
    ]


def _score(arm: str):
    """Plain errs on 100 of 1,000, batch on half of them; what seeds share cancels."""
    errors = {"none": 100, "batch": 50}.get(arm, 100)
    return lambda _, seed: {"validation_score": 1 - errors * (1 + seed % 3 / 100) / 1000}


def _runs(studies: list[Study], *, without: int = 0):
    found = [each for made in studies for each in answers(made, _score(made.arm))]
    return runs_table(found[: len(found) - without], by_name(*studies), MANIFESTS)


def _figures(
    claim: Claim, studies: list[Study], runs: Any = None, analysis: Analysis = ANALYSIS
) -> ClaimFigures:
    table = _runs(studies) if runs is None else runs
    evidence = evidence_of(table, studies, analysis=analysis, claims=[claim])
    [found] = figures(evidence).claims
    return found


def test_a_claim_is_judged_by_its_own_experiment_s_runs() -> None:
    studies = _studies()
    found = _figures(_claim(_part()), studies)
    part = found.judgement.parts[0]
    assert found.judgement.verdict.word == "supported"
    assert (part.planned_blocks, part.present_blocks) == (8, 8)
    assert part.points is not None
    assert part.points.value == pytest.approx(-5, abs=0.1)  # turned like the claim
    assert found.noise[0].floor.correlation == pytest.approx(1, abs=0.01)
    assert found.robustness.changed == {}
    assert found.error is not None
    assert found.error.called_different < 0.1  # of equal differences: 18 of 256 sign patterns


def test_runs_that_are_missing_make_it_inconclusive_and_say_how_many() -> None:
    studies = _studies()
    found = _figures(_claim(_part()), studies, _runs(studies, without=2))
    reason = str(found.judgement.verdict.reason)
    assert found.judgement.verdict.word == "inconclusive"
    assert "2 of 8 blocks are missing" in reason
    assert "6 of at least 8 clusters" in reason


def test_an_experiment_that_did_not_run_at_all_is_planned_and_missing() -> None:
    studies = _studies()
    other = _studies("other")
    found = _figures(_claim(_part()), [*studies, *other], _runs(other))
    assert found.judgement.verdict.word == "inconclusive"
    assert "no block ran in both arms" in str(found.judgement.verdict.reason)


def test_a_profile_without_the_experiment_does_not_test_the_claim() -> None:
    found = _figures(_claim(_part(), experiment="elsewhere"), _studies())
    assert found.judgement.verdict.word == "not tested here"
    assert (found.noise, found.error, found.control) == ((), None, None)
    assert found.judgement.as_expected is None


def test_a_profile_may_ask_for_fewer_clusters_and_says_so() -> None:
    claim = _claim(_part(), clusters=30, minimum=20)
    assert _figures(claim, _studies()).judgement.verdict.word == "inconclusive"
    screening = ANALYSIS.model_copy(update={"minimum": 8})
    found = _figures(claim, _studies(), analysis=screening)
    assert (found.minimum, found.judgement.verdict.word) == (8, "supported")


def test_further_specifications_are_counted_for_robustness() -> None:
    studies = [*_studies(), *_studies("other")]
    claim = _claim(_part(), specifications={"another dataset": "other", "tuned": "nowhere"})
    found = _figures(claim, studies)
    assert (found.robustness.same, found.robustness.tested) == (2, 2)
    assert found.robustness.untested == ("tuned",)


def test_arms_on_disjoint_seeds_are_planned_and_paired_by_rank() -> None:
    plain = fixed_study("none", seeds=tuple(range(1, 17)))
    part = _part(
        effect={**RATIO, "target": f"{KINDS}.disjoint.log_error_ratio"},
        treatment={"arm": "none", "seed": list(range(9, 17))},
        control={"arm": "none", "seed": list(range(1, 9))},
        asserts="greater",
        rule={"kind": "equivalence", "margin": 0.1},
    )
    claim = _claim(part, control="negative")
    assert planned_blocks(claim.parts[0], planned_runs([plain])) == 8
    found = _figures(claim, [plain])
    assert found.judgement.parts[0].present_blocks == 8
    assert found.control is not None
    assert found.control.passed


def test_a_harmful_control_passes_when_it_is_called_harmful() -> None:
    part = _part(asserts="greater", treatment={"arm": "none"}, control={"arm": "batch"})
    found = _figures(_claim(part, control="sabotage"), _studies())
    assert found.control is not None
    assert found.control.passed
    harmless = _part(asserts="greater")
    found = _figures(_claim(harmless, control="sabotage"), _studies())
    assert found.control is not None
    assert not found.control.passed


def test_planned_blocks_are_those_that_both_sides_have() -> None:
    axes = {"batch_size": [2, 4, 8]}
    studies = [fixed_study("none", axes=axes), fixed_study("batch", axes={"batch_size": [4, 8]})]
    part = Claim.parse(TARGET | {"parts": [_part(block=["seed", "batch_size"])]}).parts[0]
    assert planned_blocks(part, planned_runs(studies)) == 2 * 4
    assert planned_blocks(part, planned_runs(studies[:1])) == 0


def test_a_user_s_claim_about_a_model_of_their_own_is_judged_like_any_other() -> None:
    studies = _studies(model_name="mine")
    found = _figures(_claim(_part(where={"model": "mine"}), id="M1"), studies)
    assert found.judgement.verdict.word == "supported"
    assert _figures(_claim(_part(where={"model": "other"})), studies).judgement.verdict.word == (
        "not tested here"
    )
