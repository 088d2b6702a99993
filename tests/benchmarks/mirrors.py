"""What a trial costs in the mirrors, on SQLite: made-up answers with four curves of six epochs."""

from __future__ import annotations

import os
import tempfile
import time
from dataclasses import replace
from itertools import cycle, islice
from pathlib import Path
from unittest.mock import patch

from fake_answers import fake_runs

from pipeline.records import Answer
from pipeline.tracking.mirrors import all_mirrors
from pipeline.tracking.snapshot import Snapshot


def mirror_rows(count: int) -> list[list[str]]:
    """Write trials into each mirror in one call, and once more, unchanged.

    The database is made before: MLflow's first migration takes seconds, once.

    Args:
        count: Trials; over the eight studies of the made-up profile.

    Returns:
        Rows of what, trials, seconds, milliseconds a trial.
    """
    snapshot = _snapshot(count)
    trials = len(snapshot.swept)
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        places = {
            "MLFLOW_TRACKING_URI": f"sqlite:///{Path(folder) / 'mlflow.db'}",
            "NORMBENCH_OPTUNA": f"sqlite:///{Path(folder) / 'optuna.db'}",
        }
        with patch.dict(os.environ, places):
            for name, mirror in all_mirrors().items():
                mirror(replace(snapshot, swept=()))
                for what in (name, f"{name} again, unchanged"):
                    began = time.perf_counter()
                    mirror(snapshot)
                    seconds = time.perf_counter() - began
                    rows.append(
                        [what, f"{trials}", f"{seconds:.2f}", f"{1000 * seconds / trials:.2f}"]
                    )
    return rows


def _snapshot(count: int) -> Snapshot:
    """Return made-up answers, each question asked again with other seeds until there are enough."""
    runs = fake_runs()
    studies = list(runs.plan.studies.values())
    swept = [
        _again(answer, index)
        for study in studies
        for index, answer in enumerate(
            islice(
                cycle(one for one in runs.swept if one.study == study.name), count // len(studies)
            )
        )
    ]
    return Snapshot(runs.plan, tuple(swept), (), {}, runs.manifests, {}, {}, {}, {})


def _again(answer: Answer, index: int) -> Answer:
    trial = answer.trial.model_copy(update={"seed": index})
    return answer.model_copy(update={"index": index, "key": trial.key, "trial": trial})
