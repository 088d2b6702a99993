"""Winners' models in MLflow: logged without TensorFlow, registered, the last one `champion`.

A folder has the layout of `mlflow.keras.save_model`, which wants the model in
memory: MLmodel, data/model.keras, the environment in MLflow's three forms, and
an example of its input. Beside the model lies its dataset's manifest, so that
`normbench predict` reads files for it. `mlflow.keras.load_model` and
`mlflow.pyfunc.load_model` read it.
"""

from __future__ import annotations

import json
import platform
import shutil
import tempfile
from pathlib import Path

import numpy as np
import yaml
from mlflow import MlflowClient, pyfunc
from mlflow.entities import LoggedModel, LoggedModelOutput, LoggedModelStatus
from mlflow.models import Model, ModelSignature
from mlflow.types import Schema, TensorSpec

from pipeline.data.arrays import write_manifest
from pipeline.records import Environment, Manifest
from pipeline.tracking.entry import MODEL_DIGEST, Entry, SavedModel

CHAMPION = "champion"


def example_schema(manifest: Manifest) -> Schema:
    """Return what a model takes: float32 examples, shape (batch, ...)."""
    return Schema([TensorSpec(np.dtype("float32"), (-1, *manifest.shape))])


def log_model(
    client: MlflowClient, experiment_id: str, run_id: str, entry: Entry, saved: SavedModel
) -> str:
    """Return the id of a run's logged model: the one that is there, completed, or a new one."""
    digest = entry.digests[MODEL_DIGEST]
    logged = next(iter(_logged(client, experiment_id, run_id, digest)), None)
    if logged is None:
        tags = {MODEL_DIGEST: digest, "normbench.run": entry.name}
        params = dict(entry.params)
        logged = client.create_logged_model(
            experiment_id, name=saved.registered, source_run_id=run_id, tags=tags, params=params
        )
    if logged.status != LoggedModelStatus.READY:
        client.log_outputs(run_id, [LoggedModelOutput(logged.model_id, step=0)])
        with tempfile.TemporaryDirectory() as folder:
            write_folder(saved, logged, Path(folder))
            client.log_model_artifacts(logged.model_id, folder)
        client.finalize_logged_model(logged.model_id, "READY")
    return str(logged.model_id)


def register(client: MlflowClient, experiment_id: str, run_id: str, entry: Entry) -> None:
    """Make an entry's model the champion among the versions of its registered model.

    Raises:
        MlflowException: There is no registry, or it does not take this.
    """
    if entry.model is None:
        return
    name, digest = entry.model.registered, entry.digests[MODEL_DIGEST]
    known = client.search_registered_models(f"name = '{name}'")
    if known and known[0].tags.get(MODEL_DIGEST) == digest and CHAMPION in known[0].aliases:
        return
    if not known:
        client.create_registered_model(name)
    model_id = _logged(client, experiment_id, run_id, digest)[0].model_id
    made = client.search_model_versions(f"name = '{name}'")
    version = next((each for each in made if each.tags.get(MODEL_DIGEST) == digest), None)
    version = version or client.create_model_version(
        name,
        f"models:/{model_id}",
        run_id=run_id,
        model_id=model_id,
        tags={MODEL_DIGEST: digest},
    )
    client.set_registered_model_alias(name, CHAMPION, version.version)
    client.set_registered_model_tag(name, MODEL_DIGEST, digest)


def _logged(
    client: MlflowClient, experiment_id: str, run_id: str, digest: str
) -> list[LoggedModel]:
    found = client.search_logged_models(
        [experiment_id], filter_string=f"source_run_id = '{run_id}'"
    )
    return [model for model in found if model.tags.get(MODEL_DIGEST) == digest]


def write_folder(saved: SavedModel, logged: LoggedModel, folder: Path) -> None:
    """Write the folder of a logged model.

    Args:
        saved: The archive and what is known of it.
        logged: The model as MLflow has it: its id, run and place.
        folder: An empty folder.
    """
    data = folder / "data"
    data.mkdir()
    shutil.copyfile(saved.file, data / "model.keras")
    write_manifest(data / "model.json", saved.manifest)
    (data / "keras_module.txt").write_text("keras")
    _write_environment(saved.environment, folder)
    outputs = TensorSpec(np.dtype("float32"), (-1, saved.manifest.outputs))
    model = Model(
        artifact_path=logged.artifact_location,
        run_id=logged.source_run_id,
        model_uuid=logged.model_id,
        model_id=logged.model_id,
        signature=ModelSignature(example_schema(saved.manifest), Schema([outputs])),
        saved_input_example_info=_write_example(saved, folder),
    )
    model.add_flavor(
        "keras",
        data="data",
        keras_version=saved.environment.keras,
        keras_backend="tensorflow",
        save_exported_model=False,
    )
    pyfunc.add_to_model(
        model,
        loader_module="mlflow.keras",
        conda_env="conda.yaml",
        python_env="python_env.yaml",
    )
    model.model_size_bytes = saved.file.stat().st_size
    model.save(str(folder / "MLmodel"))


def _write_example(saved: SavedModel, folder: Path) -> dict[str, str] | None:
    """Write an example as the model sees it, and return what MLmodel says of it."""
    if saved.examples is None:
        return None
    stored = np.load(saved.examples, mmap_mode="r", allow_pickle=False)[:1]
    seen = np.multiply(stored, np.float32(saved.manifest.scale), dtype=np.float32)
    served = {"inputs": seen.tolist()}
    (folder / "input_example.json").write_text(json.dumps(served["inputs"]))
    (folder / "serving_input_example.json").write_text(json.dumps(served))
    return {
        "artifact_path": "input_example.json",
        "serving_input_path": "serving_input_example.json",
        "type": "ndarray",
        "format": "tf-serving",
    }


def _write_environment(environment: Environment, folder: Path) -> None:
    pinned = [f"{name}=={getattr(environment, name)}" for name in ("tensorflow", "keras", "numpy")]
    python = platform.python_version()
    packages = [f"python={python}", "pip", {"pip": pinned}]
    conda = {"name": "mlflow-env", "channels": ["conda-forge"], "dependencies": packages}
    needed = {"build_dependencies": ["pip"], "dependencies": ["-r requirements.txt"]}
    (folder / "requirements.txt").write_text("\n".join(pinned) + "\n")
    (folder / "conda.yaml").write_text(yaml.safe_dump(conda, sort_keys=False))
    (folder / "python_env.yaml").write_text(yaml.safe_dump({"python": python, **needed}))
