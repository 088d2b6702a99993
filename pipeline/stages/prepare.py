"""The plan's datasets -> artifacts/PROFILE/arrays: checked, split, ready to be memory-mapped."""

from __future__ import annotations

import yaml
from pydantic import ValidationError

from pipeline.data.digest import SHOWN
from pipeline.data.prepared import prepare
from pipeline.errors import Refusal
from pipeline.execution.lock import held
from pipeline.records import Manifest
from pipeline.stages.places import Places
from pipeline.studies import Dataset


def run(profile: str) -> None:
    """Prepare each dataset of a profile's plan, and print a line about it.

    Of the plan, only the section `datasets` is read.

    Raises:
        Refusal: The plan is missing or damaged, or a dataset cannot be had as asked.
    """
    places = Places(profile)
    with held(places.arrays.with_name(".arrays.lock"), patient=True):  # beside what DVC keeps
        for name, dataset in _datasets(profile).items():
            print(_line(prepare(dataset, name, places.arrays / name)))


def _datasets(profile: str) -> dict[str, Dataset]:
    file = Places(profile).plan
    again = f"run: normbench compose {profile}"
    try:
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
        section = content["datasets"]
        return {name: Dataset.parse(plain) for name, plain in section.items()}
    except FileNotFoundError:
        raise Refusal(f"{file} is missing; {again}") from None
    except (yaml.YAMLError, ValidationError, LookupError, TypeError, AttributeError):
        raise Refusal(f"{file}: its section datasets is damaged or old; {again}") from None


def _line(manifest: Manifest) -> str:
    counts = ", ".join(f"{split} {count}" for split, count in manifest.examples.items())
    shape = "x".join(str(length) for length in manifest.shape)
    return f"{manifest.name}: {counts} of {shape}, digest {manifest.digest[:SHOWN]}"
