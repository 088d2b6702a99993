"""Where MLflow is, and what to say when it is not there.

MLFLOW_TRACKING_URI names a server or a database; without it, runs go to
mlflow.db and artifacts to mlartifacts/ in the current folder. MLflow is
imported here and below, only when a mirror is asked for: it takes seconds.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mlflow import MlflowClient

LOCAL_DATABASE = "sqlite:///mlflow.db"
LOCAL_ARTIFACTS = "mlartifacts"
LONGEST_REASON = 300  # characters; MLflow quotes whole SQL statements

# Read by MLflow when it is imported or connects; a user's own settings win.
QUIET = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_LOGGING_LEVEL": "WARNING",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",  # else two lines per run
}
SHORT_WAITS = {
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "20",
}

NOTE = (
    "A mirror: nothing reads it, and it can be deleted. `normbench mirror {profile}` writes "
    "what is missing. Each study is a run with its trials below it; its own metrics are those "
    "of its best trial (`..._mean`: over its trials), its `test_...` the mean over the winner's "
    "fresh seeds."
)


class MirrorUnreachable(Exception):
    """MLflow could not be read or written; `str(error)` is one line saying where and why."""


def tracking_uri() -> str:
    """Return where runs are mirrored to."""
    return os.environ.get("MLFLOW_TRACKING_URI") or LOCAL_DATABASE


@contextmanager
def connected() -> Iterator[MlflowClient]:
    """Hand out a client, with telemetry off and short waits for a server that is down.

    Raises:
        MirrorUnreachable: Instead of what MLflow, its database or the network
            raise; everything else is a mistake of ours and passes.
    """
    uri = tracking_uri()
    is_server = uri.startswith(("http:", "https:"))
    for name, value in (QUIET | (SHORT_WAITS if is_server else {})).items():
        os.environ.setdefault(name, value)

    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import DBAPIError

    try:
        yield MlflowClient(tracking_uri=uri)
    except (MlflowException, DBAPIError, sqlite3.Error, OSError) as error:
        place = _without_password(uri)
        reason = " ".join(str(error).replace(uri, place).split()) or type(error).__name__
        shown = reason if len(reason) <= LONGEST_REASON else f"{reason[:LONGEST_REASON]}..."
        raise MirrorUnreachable(f"MLflow at {place}: {shown}") from error


def open_experiment(client: MlflowClient, profile: str) -> str:
    """Return the id of the profile's experiment: created, or restored where it was deleted."""
    name = f"normbench/{profile}"
    known = client.get_experiment_by_name(name)
    if known is None:
        folder = f"{LOCAL_ARTIFACTS}/{profile}" if tracking_uri().startswith("sqlite:") else None
        note = {"mlflow.note.content": NOTE.format(profile=profile)}
        return str(client.create_experiment(name, artifact_location=folder, tags=note))
    if known.lifecycle_stage == "deleted":
        client.restore_experiment(known.experiment_id)
    return str(known.experiment_id)


def _without_password(uri: str) -> str:
    scheme, separator, rest = uri.partition("://")
    return f"{scheme}{separator}{rest.rpartition('@')[2]}"
