"""Configuration and arrays -> studies.jsonl: every arm's search, sealed in study order."""

from __future__ import annotations

from pathlib import Path

from pipeline.execution.lock import held
from pipeline.execution.queues import Search, starts_of
from pipeline.records import Answer
from pipeline.stages.files import read_plan, write_answers
from pipeline.stages.mirror import snapshot
from pipeline.stages.places import Places
from pipeline.stages.questions import asker
from pipeline.stages.running import carry_through


def run(profile: str, *, conf: Path, cluster: str) -> None:
    """Answer every study's trials, seal them, and print the studies' digest."""
    plan, places = read_plan(profile), Places(profile)

    def seal(answers: list[Answer]) -> None:
        digest = write_answers(places.studies, answers)
        print(f"{places.studies}: {len(answers)} trials, digest {digest}", flush=True)

    with held(places.lock):
        ask = asker(plan)
        started_from = {name: plan.start_of(study) for name, study in plan.studies.items()}
        starts = {
            start.name: starts_of(start, ask, places.dataset)
            for start in started_from.values()
            if start is not None
        }
        queues = [
            Search(
                study,
                ask,
                places.dataset,
                starts=starts[start.name] if start is not None else None,
                keep_models=name in starts,
            )
            for (name, start), study in zip(
                started_from.items(), plan.studies.values(), strict=True
            )
        ]
        carry_through(
            "sweep",
            profile,
            queues,
            conf=conf,
            cluster=cluster,
            snapshot=lambda found: snapshot(profile, plan=plan, swept=found),
            seal=seal,
        )
