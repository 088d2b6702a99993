"""The reference run's pages, as they are committed: of these claims, and made of its analysis."""

import json
import re
from collections import Counter
from functools import cache
from pathlib import Path

from pipeline.configuration.plan import compose_plan
from pipeline.findings.brief import brief
from pipeline.findings.origins.figures import Figures as Origins
from pipeline.findings.summary import Summary
from pipeline.findings.verdicts.figures import Figures as Claims

REPORTS = Path("reports")
FOLDER = REPORTS / "reference"


@cache
def summary() -> Summary:
    return Summary.model_validate_json((FOLDER / "analysis.json").read_bytes())


def test_it_is_of_the_claims_and_the_plan_that_conf_has():
    plan = compose_plan(Path("conf"), "reference")
    origins = summary().of(Origins)
    assert summary().profile == plan.profile
    assert summary().analysis == plan.analysis
    assert origins.claims_digest == plan.claims_digest
    trials = sum(study.design.trials for study in plan.studies.values())
    confirmations = sum(len(study.confirm_seeds) for study in plan.studies.values())
    assert origins.counts.planned == trials + confirmations
    assert (origins.counts.swept, origins.counts.confirmed) == (trials, confirmations)


def test_every_claim_has_a_verdict_and_the_counts_are_theirs():
    found = summary().of(Claims).claims
    words = Counter(each.judgement.verdict.word for each in found)
    assert {f"T{number}" for number in range(1, 17)} <= {each.claim.id for each in found}
    assert "not tested here" not in words
    assert json.loads((FOLDER / "verdicts.json").read_text()) == {
        "supported": words["supported"],
        "refuted": words["refuted"],
        "no_difference": words["no practical difference"],
        "inconclusive": words["inconclusive"],
        "not_tested": 0,
    }


def test_what_is_said_in_short_is_what_the_analysis_says():
    assert (REPORTS / "README.md").read_text() == brief(summary(), "reference")


def test_its_drawings_are_those_that_its_page_shows():
    shown = re.findall(r"\(charts/([^)]+)\)", (FOLDER / "report.md").read_text())
    assert {file.name for file in (FOLDER / "charts").iterdir()} == set(shown)
