"""Sealed answers -> every figure that the report prints."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from pipeline.claims.rules import Word
from pipeline.content import code_digest_with, content_digest, file_digest
from pipeline.data.arrays import read_manifest
from pipeline.errors import Refusal
from pipeline.execution.environment import own_code
from pipeline.records import Answer, Manifest, targets_within
from pipeline.stages.files import read_answers, read_costs, read_plan
from pipeline.stages.made import made_once
from pipeline.stages.places import Places
from pipeline.studies import Plan

COMPUTED_BY = ("numpy", "pandas", "pyarrow", "pydantic", "scipy")
COLUMNS: dict[Word, str] = {  # of `dvc metrics show`: five and a path in 100 characters
    "supported": "supported",
    "refuted": "refuted",
    "no practical difference": "no_difference",
    "inconclusive": "inconclusive",
    "not tested here": "not_tested",
}


def run(profile: str) -> None:
    """Write the profile's analysis.

    What was made of these answers, by this code, stays as it is.

    Raises:
        Refusal: A file is missing or damaged, or the answers are not the plan's.
    """
    places, plan = Places(profile), read_plan(profile)
    manifests = {name: read_manifest(places.arrays / name) for name in plan.datasets}
    read = [places.studies, places.confirmed, places.costs]
    made_of = content_digest(
        [
            code_digest_with(COMPUTED_BY),
            own_code(targets_within(plan.plain())),
            plan.plain(),
            {name: manifest.plain() for name, manifest in manifests.items()},
            [file_digest(file) if file.exists() else "" for file in read],
        ]
    )
    told = made_once(
        places.made("analysis"),
        made_of,
        lambda: [places.analysis, places.metrics, places.verdicts],
        lambda: _write(places, plan, manifests),
    )
    print(told)


def _write(places: Places, plan: Plan, manifests: Mapping[str, Manifest]) -> str:
    from pipeline.findings.analyzing import analyze  # imports what computes: seconds
    from pipeline.findings.metrics import metrics_text
    from pipeline.findings.verdicts.figures import Figures as Claims

    profile = places.profile
    swept = _answers(places.studies, plan, f"normbench sweep {profile}")
    confirmed = _answers(places.confirmed, plan, f"normbench confirm {profile}")
    costs = read_costs(profile)
    digests = {file.name: file_digest(file) for file in (places.studies, places.confirmed)}
    summary = analyze(plan, swept, confirmed, manifests, costs=costs, digests=digests)
    places.analysis.parent.mkdir(parents=True, exist_ok=True)
    places.analysis.write_text(summary.text())
    places.metrics.write_text(metrics_text(summary))
    words = Counter(found.judgement.verdict.word for found in summary.of(Claims).claims)
    counts = {column: words[word] for word, column in COLUMNS.items()}
    places.verdicts.write_text(json.dumps(counts, indent=2) + "\n")
    verdicts = ", ".join(f"{count} {word}" for word, count in sorted(words.items()))
    return f"{places.analysis}: {len(plan.studies)} studies; claims: {verdicts or 'none'}"


def _answers(file: Path, plan: Plan, command: str) -> list[Answer]:
    answers = read_answers(file, command)
    known = {study.name for study in plan.studies.values()}
    stray = sorted({answer.study for answer in answers} - known)
    if stray:
        raise Refusal(f"{file}: {stray[0]} is not a study of the composed plan; run: {command}")
    return answers
