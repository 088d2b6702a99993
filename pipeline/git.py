"""What git says of the checkout that this code lies in."""

from __future__ import annotations

import subprocess
from pathlib import Path

HERE = Path(__file__).parents[1]


def git(*arguments: str) -> str:
    """Return what a command of git prints, without space around it; empty without a checkout."""
    if not (HERE / ".git").exists():  # installed, maybe within somebody else's checkout
        return ""
    try:
        done = subprocess.run(
            ["git", *arguments], cwd=HERE, capture_output=True, text=True, check=False
        )
    except FileNotFoundError:  # no git on this machine
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
