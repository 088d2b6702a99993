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
from pipeline.records import Answer, Plan
from pipeline.stages.places import Places


def read_plan(profile: str) -> Plan:
    """Return a profile's composed configuration.

    Raises:
        Refusal: It has not been composed, or not by this version.
    """
    file = Places(profile).plan
    try:
        return Plan.parse(yaml.safe_load(file.read_text()))
    except FileNotFoundError:
        raise Refusal(f"{file} is missing; run: normbench compose {profile}") from None
    except (ValidationError, yaml.YAMLError, ValueError):
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
        return [Answer.parse(json.loads(line)) for line in file.read_text().splitlines()]
    except FileNotFoundError:
        raise Refusal(f"{file} is missing; run: {command}") from None
    except (ValueError, ValidationError):
        raise Refusal(f"{file} is damaged; remove it and run: {command}") from None
