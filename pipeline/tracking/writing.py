"""One run in MLflow: found, created, filled, finished, removed.

A run is created with its identity, and finished last: whatever a crash leaves
behind is recognized and is not finished. One `log_batch` per run instead of
the fluent calls, which cost ten times as much.
"""

from __future__ import annotations

import json
import math
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, fields
from pathlib import Path

from mlflow import MlflowClient
from mlflow.data.schema import TensorDatasetSchema
from mlflow.entities import (
    Dataset,
    DatasetInput,
    InputTag,
    LoggedModelOutput,
    Metric,
    Param,
    Run,
)
from mlflow.types import Schema, TensorSpec
from numpy import dtype

from pipeline.records import Manifest
from pipeline.tracking.entry import Entry, Identity, Point
from pipeline.tracking.fingerprint import Fingerprint
from pipeline.tracking.keras_flavor import SavedModel, example_schema, write_folder
from pipeline.tracking.reconcile import Found

PARENT = "mlflow.parentRunId"
FIXED = "normbench.fixed_digest"
POINTS = "normbench.points_digest"

# MLflow's limits: 1,000 values a call in all, 100 params among them; 36 characters of digest.
METRICS_PER_CALL, PARAMS_PER_CALL = 900, 100
DATASET_DIGEST_CHARACTERS = 16
RUNS_PER_PAGE = 1000


def find(client: MlflowClient, experiment_id: str) -> Iterator[Found]:
    """Yield every run that a mirror has written and nobody has deleted."""
    token = None
    while True:
        page = client.search_runs(
            [experiment_id],
            "tags.`normbench.kind` != ''",
            max_results=RUNS_PER_PAGE,
            page_token=token,
        )
        yield from map(_found, page)
        token = page.token
        if not token:
            return


def _found(run: Run) -> Found:
    tags = run.data.tags
    return Found(
        run_id=run.info.run_id,
        identity=Identity(*(tags.get(f"normbench.{field.name}", "") for field in fields(Identity))),
        finished=run.info.status == "FINISHED",
        fingerprint=Fingerprint(tags.get(FIXED, ""), tags.get(POINTS, "")),
        metrics=frozenset(run.data.metrics),
        parent=tags.get(PARENT, ""),
    )


def write(
    client: MlflowClient,
    experiment_id: str,
    entry: Entry,
    prints: Fingerprint,
    *,
    parent: str | None,
    manifests: Mapping[str, Manifest],
) -> str:
    """Write one run from its creation to its end, and return its id."""
    started, ended = map(_milliseconds, entry.span)
    identity = {f"normbench.{name}": value for name, value in asdict(entry.identity).items()}
    tags = {name: value for name, value in identity.items() if value}
    tags |= {"mlflow.source.type": "LOCAL", FIXED: prints.fixed, POINTS: prints.points}
    tags |= entry.tags | ({PARENT: parent} if parent else {})
    run = client.create_run(experiment_id, start_time=started, tags=tags, run_name=entry.name)
    run_id: str = run.info.run_id
    manifest = _manifest(entry, manifests)
    if entry.dataset and manifest:
        client.log_inputs(run_id, [_dataset_input(manifest, entry.dataset[1])])
    origin: dict[str, str] = {}
    if entry.model and entry.environment and manifest:
        saved = SavedModel(entry.model, manifest, entry.environment)
        origin = {
            "model_id": _write_model(client, experiment_id, run_id, entry, saved),
            "dataset_name": manifest.name,
            "dataset_digest": manifest.digest[:DATASET_DIGEST_CHARACTERS],
        }
    metrics = [_metric(point, ended, **origin) for point in entry.points]
    _log(client, run_id, metrics, [Param(name, value) for name, value in entry.params.items()])
    for path, file in entry.files.items():
        folder = Path(path).parent.as_posix()
        client.log_artifact(run_id, str(file), None if folder == "." else folder)
    client.set_terminated(run_id, end_time=ended)
    return run_id


def refresh(client: MlflowClient, run_id: str, entry: Entry, prints: Fingerprint) -> None:
    """Give a run newer metrics: at one step, MLflow shows the value with the latest timestamp."""
    _log(client, run_id, [_metric(point, _milliseconds(None)) for point in entry.points], [])
    client.set_terminated(run_id, end_time=_milliseconds(entry.span.ended))
    client.set_tag(run_id, POINTS, prints.points)


def remove(client: MlflowClient, experiment_id: str, run: Found) -> None:
    """Delete a run, and the model it logged, which MLflow would keep."""
    if run.identity.kind == "winner":
        source = f"source_run_id = '{run.run_id}'"
        for model in client.search_logged_models([experiment_id], filter_string=source):
            client.delete_logged_model(model.model_id)
    client.delete_run(run.run_id)


def _log(
    client: MlflowClient, run_id: str, metrics: Sequence[Metric], params: Sequence[Param]
) -> None:
    calls = max(len(metrics) / METRICS_PER_CALL, len(params) / PARAMS_PER_CALL)
    for call in range(math.ceil(calls)):
        client.log_batch(
            run_id,
            metrics=metrics[call * METRICS_PER_CALL : (call + 1) * METRICS_PER_CALL],
            params=params[call * PARAMS_PER_CALL : (call + 1) * PARAMS_PER_CALL],
        )


def _metric(point: Point, timestamp: int, **origin: str) -> Metric:
    return Metric(point.metric, point.value, timestamp, point.step, **origin)


def _write_model(
    client: MlflowClient, experiment_id: str, run_id: str, entry: Entry, saved: SavedModel
) -> str:
    """Log the model of a run and return its id; MLflow forbids some signs in its name."""
    name = "".join("-" if sign in "/:.%\"'" else sign for sign in entry.identity.study)
    tags = {"normbench.study": entry.identity.study, "normbench.key": entry.identity.key}
    logged = client.create_logged_model(
        experiment_id, name=name, source_run_id=run_id, tags=tags, params=entry.params
    )
    client.log_outputs(run_id, [LoggedModelOutput(logged.model_id, step=0)])
    with tempfile.TemporaryDirectory() as folder:
        write_folder(saved, logged, Path(folder))
        client.log_model_artifacts(logged.model_id, folder)
    client.finalize_logged_model(logged.model_id, "READY")
    return str(logged.model_id)


def _dataset_input(manifest: Manifest, split: str) -> DatasetInput:
    schema = TensorDatasetSchema(
        features=example_schema(manifest),
        targets=Schema([_target_spec(manifest)]),
    )
    rows = sum(manifest.examples.values())
    profile = {
        "num_rows": rows,
        "num_elements": rows * math.prod(manifest.shape),
        "examples": manifest.examples,
    }
    is_web = manifest.source.startswith(("http:", "https:"))
    dataset = Dataset(
        name=manifest.name,
        digest=manifest.digest[:DATASET_DIGEST_CHARACTERS],
        source_type="http" if is_web else "local",
        source=json.dumps({"url" if is_web else "uri": manifest.source}),
        schema=json.dumps(schema.to_dict()),
        profile=json.dumps(profile),
    )
    return DatasetInput(dataset, [InputTag("mlflow.data.context", split)])


def _target_spec(manifest: Manifest) -> TensorSpec:
    if manifest.labels:
        return TensorSpec(dtype("int64"), (-1,))
    return TensorSpec(dtype("float32"), (-1, manifest.outputs))


def _manifest(entry: Entry, manifests: Mapping[str, Manifest]) -> Manifest | None:
    return manifests.get(entry.dataset[0]) if entry.dataset else None


def _milliseconds(seconds: float | None) -> int:
    return round(1000 * (time.time() if seconds is None else seconds))
