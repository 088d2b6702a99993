"""The files that stages hand to one another: the plan, and sealed answers."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path

import yaml
from pydantic import ValidationError

from pipeline.content import canonical_json
from pipeline.errors import Refusal
from pipeline.records import Answer
from pipeline.stages.places import Places
from pipeline.statistics.step_costs import Costs
from pipeline.studies import Plan

LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # ten times as fast where there is one
UNREADABLE = (ValueError, ValidationError, RecursionError)  # the last from hostile nesting


def read_plan(profile: str) -> Plan:
    """Return a profile's composed configuration.

    Raises:
        Refusal: It has not been composed, or not by this version.
    """
    file = Places(profile).plan
    try:
        return Plan.parse(yaml.load(file.read_text(), Loader=LOADER))  # noqa: S506 - a safe one
    except FileNotFoundError:
        raise Refusal(f"{file} is missing; run: normbench compose {profile}") from None
    except (yaml.YAMLError, *UNREADABLE):
        raise Refusal(f"{file} is damaged or old; run: normbench compose {profile}") from None


def write_answers(file: Path, answers: Iterable[Answer]) -> str:
    """Write a sealed output, one canonical line per answer, and return its SHA-256."""
    text = "".join(canonical_json(answer.plain()) + "\n" for answer in answers)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return hashlib.sha256(text.encode()).hexdigest()


def read_answers(file: Path, command: str) -> list[Answer]:
    """Return a sealed output.

    Raises:
        Refusal: It is missing or damaged; the line says to run `command`.
    """
    try:
        lines = file.read_text().splitlines()
    except FileNotFoundError:
        raise Refusal(f"{file} is missing; run: {command}") from None
    except ValueError:
        raise Refusal(f"{file} is damaged; remove it and run: {command}") from None
    answers: dict[tuple[str, int], Answer] = {}
    for number, line in enumerate(lines, start=1):
        try:
            answer = Answer.model_validate_json(line)
        except UNREADABLE:
            raise Refusal(
                f"{file}:{number}: is damaged; remove the file and run: {command}"
            ) from None
        if answers.setdefault((answer.study, answer.index), answer) is not answer:
            raise Refusal(
                f"{file}:{number}: answers {answer.study} trial {answer.index} a second time; "
                f"remove the file and run: {command}"
            )
    return list(answers.values())


def beside(model: Path) -> Path:
    """Return where a saved model's dataset is described: how files are read, what labels mean."""
    return model.with_suffix(".json")


def read_costs(profile: str) -> Costs:
    """Return what a profile's training steps cost, and what its training took.

    Raises:
        Refusal: It has not been measured, or the file is damaged.
    """
    file = Places(profile).costs
    try:
        return Costs.parse(json.loads(file.read_text()))
    except FileNotFoundError:
        raise Refusal(f"{file} is missing; run: normbench cost {profile}") from None
    except UNREADABLE:
        raise Refusal(f"{file} is damaged; remove it and run: normbench cost {profile}") from None


def read_metrics(profile: str) -> dict[str, float | str]:
    """Return an analysis's headline figures by dotted names, as `dvc metrics` has them.

    Raises:
        Refusal: They have not been written, or the file is damaged.
    """
    file = Places(profile).metrics
    try:
        return _flat(json.loads(file.read_text()))
    except FileNotFoundError:
        raise Refusal(f"{file} is missing; run: normbench analyze {profile}") from None
    except UNREADABLE:
        raise Refusal(f"{file} is damaged; run: normbench analyze {profile}") from None


def _flat(figures: object, name: str = "") -> dict[str, float | str]:
    """Return figures by dotted names, such as claims.T10.effect; what is null is left out."""
    match figures:
        case None:
            return {}
        case dict():
            found: dict[str, float | str] = {}
            for own, each in figures.items():
                found |= _flat(each, f"{name}.{own}" if name else str(own))
            return found
        case float() | int() | str() if name:
            return {name: figures}
    raise ValueError(f"{name or 'the whole'} is no figure")
