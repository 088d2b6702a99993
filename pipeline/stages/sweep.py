"""Configuration and arrays -> studies.jsonl: every arm's search, sealed in study order."""

from __future__ import annotations

from pipeline.execution.lock import held
from pipeline.execution.loop import search_study
from pipeline.execution.store import Store
from pipeline.execution.work import answer
from pipeline.stages.files import read_plan, write_answers
from pipeline.stages.mirror import mirror_profile
from pipeline.stages.places import Places
from pipeline.stages.questions import asker, progress


def run(profile: str) -> None:
    """Answer every study's trials, seal them, and print the studies' digest."""
    plan, places, store = read_plan(profile), Places(profile), Store.open()
    with held(places.lock):
        ask = asker(plan)
        total = sum(study.design.trials for study in plan.studies.values())
        with progress(total, "sweep") as tell:
            answers = [
                found
                for study in plan.studies.values()
                for found in search_study(
                    study,
                    ask,
                    lambda trial: answer(trial, store, places.arrays / trial.dataset),
                    store,
                    tell,
                )
            ]
        digest = write_answers(places.studies, answers)
        print(f"{places.studies}: {len(answers)} trials, digest {digest}")
        print(mirror_profile(profile))
