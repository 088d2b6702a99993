"""conf/ -> reports/PROFILE/config.yaml: one validated file that the later stages read."""

from __future__ import annotations

from pathlib import Path

import yaml

from pipeline.configuration.plan import compose_plan
from pipeline.stages.places import Places

DUMPER = getattr(yaml, "CSafeDumper", yaml.SafeDumper)  # four times as fast where there is one
HEADER = "# Composed and validated; edit conf/ and compose again.\n"


def run(conf: Path, profile: str) -> None:
    """Compose a profile and print how much it asks for."""
    plan = compose_plan(conf, profile)
    file = Places(profile).plan
    file.parent.mkdir(parents=True, exist_ok=True)
    text = yaml.dump(plan.plain(), Dumper=DUMPER, sort_keys=False, allow_unicode=True)
    file.write_text(HEADER + text)
    trials = sum(study.design.trials for study in plan.studies.values())
    seeds = sum(len(study.confirm_seeds) for study in plan.studies.values())
    print(f"{file}: {len(plan.studies)} studies, {trials} trials, {seeds} confirmations")
