"""studies.jsonl -> confirmed.jsonl and models/: the winners on fresh seeds, with test data."""

from __future__ import annotations

import shutil
from itertools import groupby

from pipeline.execution.lock import held
from pipeline.execution.loop import confirm_study
from pipeline.execution.store import Store
from pipeline.execution.work import answer
from pipeline.records import Answer, Result, Trial
from pipeline.stages.files import read_answers, read_plan, write_answers
from pipeline.stages.mirror import mirror_profile
from pipeline.stages.places import Places
from pipeline.stages.questions import asker, progress


def run(profile: str) -> None:
    """Train each study's winner on its fresh seeds; keep the first seed's model."""
    plan, places, store = read_plan(profile), Places(profile), Store.open()
    swept = {
        name: list(group)
        for name, group in groupby(
            read_answers(places.studies, f"normbench sweep {profile}"), lambda each: each.study
        )
    }

    def work(trial: Trial) -> Result:
        return answer(trial, store, places.arrays / trial.dataset, keep_model=True)

    with held(places.lock):
        ask = asker(plan)
        total = sum(len(study.confirm_seeds) for study in plan.studies.values())
        answers: list[Answer] = []
        shutil.rmtree(places.models, ignore_errors=True)
        with progress(total, "confirm") as tell:
            for name, study in plan.studies.items():
                confirmed = confirm_study(study, swept[name], ask, work, store, tell)
                answers += confirmed
                saved = places.model(study.name)
                saved.parent.mkdir(parents=True, exist_ok=True)
                if not store.model(confirmed[0].key).exists():
                    work(confirmed[0].trial)
                shutil.copyfile(store.model(confirmed[0].key), saved)
        digest = write_answers(places.confirmed, answers)
        print(f"{places.confirmed}: {len(answers)} trials, digest {digest}")
        print(mirror_profile(profile))
