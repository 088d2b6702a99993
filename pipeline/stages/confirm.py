"""studies.jsonl -> confirmed.jsonl and models/: the winners on fresh seeds, with test data."""

from __future__ import annotations

import shutil
from itertools import groupby
from pathlib import Path

from pipeline.data.arrays import read_manifest, write_manifest
from pipeline.errors import Refusal
from pipeline.execution.lock import held
from pipeline.execution.queues import Confirmation
from pipeline.execution.store import Store
from pipeline.records import Answer
from pipeline.stages.files import beside, read_answers, read_plan, write_answers
from pipeline.stages.mirror import snapshot
from pipeline.stages.places import Places
from pipeline.stages.questions import asker
from pipeline.stages.running import carry_through


def run(profile: str, *, conf: Path, cluster: str) -> None:
    """Train each study's winner on its fresh seeds; keep the first search's first model.

    Beside a model lies its dataset's manifest: how files are read, and what the labels mean.
    """
    plan, places, store = read_plan(profile), Places(profile), Store.open()
    swept = read_answers(places.studies, f"normbench sweep {profile}")
    by_study = {name: list(group) for name, group in groupby(swept, lambda each: each.study)}

    def seal(answers: list[Answer]) -> None:
        shutil.rmtree(places.models, ignore_errors=True)
        places.models.mkdir(parents=True)  # a plan without winners has none: DVC wants the folder
        for answer in answers:
            if answer.index == 0 and plan.studies[answer.study].keeps_model:
                saved = places.model(answer.study)
                saved.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(store.model(answer.key), saved)
                folder = places.dataset(answer.trial.dataset)
                write_manifest(beside(saved), read_manifest(folder))
        digest = write_answers(places.confirmed, answers)
        print(f"{places.confirmed}: {len(answers)} trials, digest {digest}", flush=True)

    missing = [
        study.name
        for study in plan.studies.values()
        if study.design.has_winner and len(by_study.get(study.name, [])) < study.design.trials
    ]
    if missing:
        raise Refusal(
            f"{places.studies}: answers too little of {missing[0]}; run: normbench sweep {profile}"
        )
    with held(places.lock):
        ask = asker(plan)
        queues = [
            Confirmation(study, by_study[study.name], ask, places.dataset)
            for study in plan.studies.values()
            if study.design.has_winner
        ]
        carry_through(
            "confirm",
            profile,
            queues,
            conf=conf,
            cluster=cluster,
            snapshot=lambda found: snapshot(profile, plan=plan, swept=swept, confirmed=found),
            seal=seal,
        )
