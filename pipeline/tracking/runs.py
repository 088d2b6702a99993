"""Runs in MLflow, found and written in place: created with its name, finished last.

Whatever a crash leaves behind is recognized by its name, is not finished, and
is completed. One `log_batch` per run instead of the fluent calls, which cost
ten times as much.
"""

from __future__ import annotations

import gc
import json
import math
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from mlflow import MlflowClient
from mlflow.data.schema import TensorDatasetSchema
from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param, RunTag

from pipeline.records import Manifest
from pipeline.tracking.difference import Found, lacking_tags
from pipeline.tracking.entry import Entry, Point
from pipeline.tracking.models import example_schema, log_model
from pipeline.tracking.origin import origin

NAME, KIND, DATA = "normbench.run", "normbench.kind", "normbench.dataset"
PARENT = "mlflow.parentRunId"

# MLflow's limits: 1,000 values a call in all, 100 params and 100 tags among them
METRICS_PER_CALL, OTHERS_PER_CALL = 800, 100
DATASET_DIGEST_CHARACTERS = 16  # of at most 36
RUNS_PER_PAGE = 5000


def find(client: MlflowClient, experiment_id: str, name: str = "") -> Iterator[tuple[str, Found]]:
    """Yield every run that a mirror has written and nobody has deleted, or those of one name."""
    wanted = f"tags.`{NAME}` = '{name}'" if name else ""
    token = None
    while True:
        with _uncollected():
            page = client.search_runs(
                [experiment_id], wanted, max_results=RUNS_PER_PAGE, page_token=token
            )
        for run in page:
            data, finished = run.data, run.info.status == "FINISHED"
            if NAME in data.tags:
                found = Found(run.info.run_id, finished, data.params, data.tags, data.metrics)
                yield data.tags[NAME], found
        token = page.token
        if not token:
            return


@contextmanager
def _uncollected() -> Iterator[None]:
    """Let Python look for no garbage among a hundred thousand rows: it took half of the time."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def tags_of(entry: Entry, parent_id: str) -> dict[str, str]:
    """Return the tags of an entry whose parent is this run, but for those that are written last."""
    data = {DATA: _digest(entry.dataset[0])} if entry.dataset else {}
    return {**entry.tags, **data, **({PARENT: parent_id} if parent_id else {})}


def write(
    client: MlflowClient,
    experiment_id: str,
    entry: Entry,
    tags: Mapping[str, str],
    run: Found | None,
) -> Found:
    """Give a run all that it lacks, from its creation to its end, and return it as it is then."""
    new = run is None
    run = run or _create(client, experiment_id, entry, tags)
    if run.finished and not entry.complete:
        given = lacking_tags(entry, tags, run)
        client.log_batch(run.run_id, tags=[RunTag(*tag) for tag in given.items()])
        return Found(run.run_id, True, run.params, {**run.tags, **given}, run.metrics)
    if entry.dataset and (new or run.tags.get(DATA) != tags[DATA]):
        client.log_inputs(run.run_id, [_dataset_input(*entry.dataset)])
    for path, file in entry.files.items() if not entry.digests.items() <= run.tags.items() else ():
        folder = Path(path).parent.as_posix()
        client.log_artifact(run.run_id, str(file), None if folder == "." else folder)
    measured = {}
    if entry.model and entry.dataset:
        measured = {
            "model_id": log_model(client, experiment_id, run.run_id, entry, entry.model),
            "dataset_name": entry.dataset[0].name,
            "dataset_digest": _digest(entry.dataset[0]),
        }
    stamp = _milliseconds(entry.ended if entry.settled else None)
    points = entry.points if new else _lacking_points(client, entry, run)
    missing = entry.params.items() - run.params.items()
    _log(
        client,
        run.run_id,
        [Metric(name, value, stamp, step, **measured) for name, value, step in points],
        [Param(name, value) for name, value in sorted(missing)],
        [RunTag(*tag) for tag in sorted({**tags, **entry.digests}.items() - run.tags.items())],
    )
    if entry.complete != run.finished:
        client.set_terminated(run.run_id, end_time=_milliseconds(entry.ended))
    return Found(
        run.run_id,
        entry.complete,
        entry.params,
        {**run.tags, **tags, **entry.digests},
        {**run.metrics, **entry.metrics},
    )


def _create(
    client: MlflowClient, experiment_id: str, entry: Entry, tags: Mapping[str, str]
) -> Found:
    born = {NAME: entry.name, KIND: entry.name.partition(" ")[0], "mlflow.source.type": "LOCAL"}
    born |= {**origin(entry.tags.get("mlflow.source.git.commit", "")), **tags}
    run = client.create_run(
        experiment_id,
        start_time=_milliseconds(entry.started),
        tags=born,
        run_name=entry.title,
    )
    return Found(run.info.run_id, False, {}, born, {})


def _lacking_points(client: MlflowClient, entry: Entry, run: Found) -> list[Point]:
    """Return the points that a run does not show: of several values at a step, the latest one."""
    lacking: list[Point] = []
    for metric, value in entry.metrics.items():
        if run.finished and run.metrics.get(metric) == value:
            continue
        known: dict[int, tuple[int, float]] = {}
        for one in client.get_metric_history(run.run_id, metric) if metric in run.metrics else ():
            latest = (one.timestamp, one.value)
            known[one.step] = max(latest, known.get(one.step, latest))
        lacking += [
            point
            for point in entry.points
            if point.metric == metric
            and (point.step not in known or known[point.step][1] != point.value)
        ]
    return lacking


def _log(
    client: MlflowClient,
    run_id: str,
    metrics: list[Metric],
    params: list[Param],
    tags: list[RunTag],
) -> None:
    shares = (
        len(metrics) / METRICS_PER_CALL,
        *(len(each) / OTHERS_PER_CALL for each in (params, tags)),
    )
    for call in range(math.ceil(max(shares))):
        first, few = (
            call * METRICS_PER_CALL,
            slice(call * OTHERS_PER_CALL, (call + 1) * OTHERS_PER_CALL),
        )
        client.log_batch(run_id, metrics[first : first + METRICS_PER_CALL], params[few], tags[few])


def _dataset_input(manifest: Manifest, split: str) -> DatasetInput:
    is_web = manifest.source.startswith(("http:", "https:"))
    rows = sum(manifest.examples.values())
    schema = TensorDatasetSchema(features=example_schema(manifest))
    dataset = Dataset(
        name=manifest.name,
        digest=_digest(manifest),
        source_type="http" if is_web else "local",
        source=json.dumps({"url" if is_web else "uri": manifest.source}),
        schema=json.dumps(schema.to_dict()),
        profile=json.dumps({"num_rows": rows, "examples": manifest.examples}),
    )
    return DatasetInput(dataset, [InputTag("mlflow.data.context", split)])


def _digest(manifest: Manifest) -> str:
    return manifest.digest[:DATASET_DIGEST_CHARACTERS]


def _milliseconds(seconds: float | None) -> int:
    return round(1000 * (time.time() if seconds is None else seconds))
