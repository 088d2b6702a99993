"""A .keras file as a folder MLflow can load, written without TensorFlow.

The layout is the one of `mlflow.keras.save_model`, which wants the model in
memory: MLmodel, data/model.keras, and the environment in MLflow's three forms.
`mlflow.keras.load_model` and `mlflow.pyfunc.load_model` read it.
"""

from __future__ import annotations

import platform
import shutil
from dataclasses import dataclass
from pathlib import Path

import yaml
from mlflow import pyfunc
from mlflow.entities import LoggedModel
from mlflow.models import Model, ModelSignature
from mlflow.types import Schema, TensorSpec
from numpy import dtype

from pipeline.records import Environment, Manifest


@dataclass(frozen=True)
class SavedModel:
    """A .keras file and what its folder says about it."""

    file: Path
    manifest: Manifest
    environment: Environment


def example_schema(manifest: Manifest) -> Schema:
    """Return what a model takes: float32 examples, shape (batch, ...)."""
    return Schema([TensorSpec(dtype("float32"), (-1, *manifest.shape))])


def write_folder(saved: SavedModel, logged: LoggedModel, folder: Path) -> None:
    """Write the folder of a logged model.

    Args:
        saved: The archive and what is known of it.
        logged: The model as MLflow has registered it: its id, run and place.
        folder: An empty folder.
    """
    data = folder / "data"
    data.mkdir()
    shutil.copyfile(saved.file, data / "model.keras")
    (data / "keras_module.txt").write_text("keras")
    _write_environment(saved.environment, folder)
    outputs = TensorSpec(dtype("float32"), (-1, saved.manifest.outputs))
    model = Model(
        artifact_path=logged.artifact_location,
        run_id=logged.source_run_id,
        model_uuid=logged.model_id,
        model_id=logged.model_id,
        signature=ModelSignature(example_schema(saved.manifest), Schema([outputs])),
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


def _write_environment(environment: Environment, folder: Path) -> None:
    requirements = [
        f"{name}=={getattr(environment, name)}" for name in ("tensorflow", "keras", "numpy")
    ]
    python = platform.python_version()
    conda = {
        "name": "mlflow-env",
        "channels": ["conda-forge"],
        "dependencies": [f"python={python}", "pip", {"pip": requirements}],
    }
    virtualenv = {
        "python": python,
        "build_dependencies": ["pip"],
        "dependencies": ["-r requirements.txt"],
    }
    (folder / "requirements.txt").write_text("\n".join(requirements) + "\n")
    (folder / "conda.yaml").write_text(yaml.safe_dump(conda, sort_keys=False))
    (folder / "python_env.yaml").write_text(yaml.safe_dump(virtualenv, sort_keys=False))
