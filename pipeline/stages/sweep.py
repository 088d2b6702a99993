"""Configuration and arrays -> studies.jsonl: every arm's search, sealed in study order."""

from __future__ import annotations

from pathlib import Path

from pipeline.execution.lock import held
from pipeline.execution.queues import Search
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
        queues = [Search(study, ask, places.dataset) for study in plan.studies.values()]
        carry_through(
            "sweep",
            profile,
            queues,
            conf=conf,
            cluster=cluster,
            snapshot=lambda found: snapshot(profile, plan=plan, swept=found),
            seal=seal,
        )
