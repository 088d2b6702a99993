"""Where MLflow is, and what to say when it is not there.

MLFLOW_TRACKING_URI names a server or a database; without it, runs go to
mlflow.db and artifacts to mlartifacts/ in the current folder. MLflow is
imported here and below, only when a mirror is asked for: it takes seconds.
"""

from __future__ import annotations

import logging
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import entry_points
from typing import TYPE_CHECKING
from uuid import uuid4

from pipeline.errors import Refusal, nearest
from pipeline.tracking.one_writer import sqlite_file
from pipeline.tracking.outage import shown, unreachable

if TYPE_CHECKING:
    from mlflow import MlflowClient

LOCAL_DATABASE = "sqlite:///mlflow.db"
LOCAL_ARTIFACTS = "mlartifacts"

# They print every retry and a traceback for what is raised, and told, anyway.
TALKATIVE = ("mlflow.store.db.utils", "urllib3.connectionpool")

# Read by MLflow when it is imported or connects; a user's own settings win.
QUIET = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_LOGGING_LEVEL": "WARNING",
    "MLFLOW_ENABLE_SYSTEM_METRICS_LOGGING": "false",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",  # else two lines per run
}
SHORT_WAITS = {
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "20",
}

# A path, or what stands before the colon of an address that MLflow brings a store for.
DATABASES = ("postgresql", "mysql", "mssql", "sqlite")
SCHEMES = ("", "file", "http", "https", "databricks", "databricks-uc", "uc", *DATABASES)

NOTE = (
    "A mirror: nothing reads it, and it can be deleted. `normbench mirror {profile}` writes "
    "what is missing. Each study is a run with its trials below it; its own metrics are those "
    "of its best trial (`..._mean`: over its trials), its `test_...` the mean over the winner's "
    "fresh seeds. The run `report` has the pages, and the headline figures with their limits."
)


def tracking_uri() -> str:
    """Return where runs are mirrored to."""
    return os.environ.get("MLFLOW_TRACKING_URI") or LOCAL_DATABASE


def settle() -> None:
    """Say in the environment how MLflow behaves, before it is imported; a user's word wins."""
    is_server = tracking_uri().startswith(("http:", "https:"))
    for name, value in (QUIET | (SHORT_WAITS if is_server else {})).items():
        os.environ.setdefault(name, value)


def check_address() -> None:
    """See whether there is a store for the address at all; nothing is connected to.

    Raises:
        Refusal: MLflow has no store for its scheme.
        MirrorUnreachable: Its database's driver is not installed, or it is no address.
    """
    uri = tracking_uri()
    scheme, colon, _ = uri.partition(":")
    kind = scheme.partition("+")[0] if colon else ""
    if kind not in SCHEMES:
        plugins = [each.name for each in entry_points(group="mlflow.tracking_store")]
        if kind not in plugins:
            raise Refusal(
                f"MLFLOW_TRACKING_URI={shown(uri)}: MLflow has no store for {kind!r}"
                f"{nearest(kind, (*filter(None, SCHEMES), *plugins))}"
            )
    if kind not in DATABASES or uri.startswith("sqlite:///"):  # Python brings SQLite's driver
        return
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import SQLAlchemyError

    try:
        make_url(uri).get_dialect().import_dbapi()
    except (ImportError, SQLAlchemyError) as error:
        raise unreachable("MLflow", uri, error) from error


@contextmanager
def connected() -> Iterator[MlflowClient]:
    """Hand out a client, with telemetry off and short waits for a server that is down.

    Raises:
        Refusal: MLflow has no store for the address's scheme.
        MirrorUnreachable: Instead of what MLflow, its database or the network
            raise; everything else is a mistake of ours and passes.
    """
    check_address()
    uri = tracking_uri()
    settle()
    for name in TALKATIVE:
        logging.getLogger(name).setLevel(logging.CRITICAL)

    from alembic.util.exc import CommandError
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    try:
        _make_whole(uri)
        yield MlflowClient(tracking_uri=uri)
    except (MlflowException, SQLAlchemyError, CommandError, sqlite3.Error, OSError) as error:
        raise unreachable("MLflow", uri, error) from error


def _make_whole(uri: str) -> None:
    """Make a new SQLite database under a temporary name, so that it is whole or absent.

    MLflow's tables grow through dozens of migrations; a process that ends among
    them leaves a database that no later migration can mend.
    """
    from mlflow import MlflowClient

    database = sqlite_file(uri)
    if database is None or (database.exists() and database.stat().st_size > 0):
        return
    database.parent.mkdir(parents=True, exist_ok=True)
    prefix = f"{database.name}.new-"
    for left_behind in database.parent.glob(f"{prefix}*"):
        left_behind.unlink()
    temporary = database.with_name(f"{prefix}{uuid4().hex}")  # MLflow keeps stores by address
    MlflowClient(tracking_uri=f"sqlite:///{temporary}").search_experiments(max_results=1)
    temporary.replace(database)


def open_experiment(client: MlflowClient, profile: str) -> str:
    """Return the id of the profile's experiment: created, or restored where it was deleted."""
    name = f"normbench/{profile}"
    known = client.get_experiment_by_name(name)
    if known is None:
        folder = f"{LOCAL_ARTIFACTS}/{profile}" if tracking_uri().startswith("sqlite:") else None
        tags = {"mlflow.note.content": NOTE.format(profile=profile)}
        tags["mlflow.experimentKind"] = "custom_model_development"  # else the UI asks
        return str(client.create_experiment(name, artifact_location=folder, tags=tags))
    if known.lifecycle_stage == "deleted":
        client.restore_experiment(known.experiment_id)
    return str(known.experiment_id)
