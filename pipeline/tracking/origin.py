"""Who writes a run, and from which checkout: said when it is created, and never changed."""

from __future__ import annotations

import getpass
from functools import cache

from pipeline.git import git
from pipeline.tracking.outage import shown


def origin(commit: str) -> dict[str, str]:
    """Return MLflow's tags for user, repository, and branch where the run is of its last commit."""
    head, tags = _checkout()
    return {
        name: value
        for name, value in {**tags, "mlflow.user": _user()}.items()
        if value and not (name.endswith("branch") and commit and commit != head)
    }


@cache
def _checkout() -> tuple[str, dict[str, str]]:
    return git("rev-parse", "HEAD"), {
        "mlflow.source.git.branch": git("branch", "--show-current"),
        "mlflow.source.git.repoURL": shown(git("remote", "get-url", "origin")),
    }


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # nobody has this number
        return ""
