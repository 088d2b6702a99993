"""Who writes a run, and from which checkout: said when it is created, and never changed."""

from __future__ import annotations

import getpass
import subprocess
from functools import cache
from pathlib import Path

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
    return _git("rev-parse", "HEAD"), {
        "mlflow.source.git.branch": _git("branch", "--show-current"),
        "mlflow.source.git.repoURL": shown(_git("remote", "get-url", "origin")),
    }


def _git(*arguments: str) -> str:
    """Return what git says of this code's checkout, empty where it says nothing."""
    here = Path(__file__).parents[2]
    if not (here / ".git").exists():  # installed, maybe within somebody else's checkout
        return ""
    try:
        done = subprocess.run(
            ["git", *arguments], cwd=here, capture_output=True, text=True, check=False
        )
    except FileNotFoundError:  # no git on this machine
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # nobody has this number
        return ""
