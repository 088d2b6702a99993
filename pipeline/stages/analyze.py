"""Sealed answers -> every figure that the report prints."""

from __future__ import annotations

import hashlib
from pathlib import Path

import yaml
from pydantic import ValidationError

from pipeline.analysis.summary import analyze
from pipeline.errors import Refusal
from pipeline.records import Answer, Manifest, Plan
from pipeline.stages.places import Places


def run(profile: str) -> None:
    """Write the profile's analysis.

    Raises:
        Refusal: A file is missing or broken, or the answers are not the plan's.
    """
    places = Places(profile)
    plan_text = _content(places.plan, f"normbench compose {profile}").decode()
    try:
        plan = Plan.parse(yaml.safe_load(plan_text))
    except (ValidationError, yaml.YAMLError):
        raise Refusal(f"{places.plan}: not a plan; run normbench compose {profile}") from None
    manifests = {name: _manifest(places, name) for name in plan.datasets}
    swept = _answers(places.studies, plan, f"normbench sweep {profile}")
    confirmed = _answers(places.confirmed, plan, f"normbench confirm {profile}")
    sealed = (places.studies, places.confirmed)
    digests = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sealed}
    summary = analyze(plan, swept, confirmed, manifests, digests=digests)
    places.analysis.parent.mkdir(parents=True, exist_ok=True)
    places.analysis.write_text(summary.text())


def _content(path: Path, command: str) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise Refusal(f"{path}: not found; run {command} first") from None


def _manifest(places: Places, dataset: str) -> Manifest:
    path = places.arrays / dataset / "manifest.json"
    command = f"normbench prepare {places.profile}"
    try:
        return Manifest.model_validate_json(_content(path, command))
    except ValidationError:
        raise Refusal(f"{path}: not a manifest; run {command} again") from None


def _answers(path: Path, plan: Plan, command: str) -> tuple[Answer, ...]:
    known = {study.name for study in plan.studies.values()}
    answers = []
    for number, line in enumerate(_content(path, command).splitlines(), start=1):
        try:
            answer = Answer.model_validate_json(line)
        except ValidationError:
            raise Refusal(f"{path}, line {number}: not an answer; run {command} again") from None
        if answer.study not in known:
            raise Refusal(
                f"{path}, line {number}: {answer.study} is not a study of the composed plan; "
                f"run {command} again"
            )
        answers.append(answer)
    return tuple(answers)
