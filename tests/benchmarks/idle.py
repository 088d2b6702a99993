"""What a stage costs that has nothing to do: every answer stored, every output and mirror right.

Commands of their own, as a user calls them, in a copy of what `make reproduce` leaves behind.
"""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
import time
from pathlib import Path
from statistics import median

PROFILE = "quick"
STAGES = ("compose", "inputs", "sweep", "confirm", "cost", "analyze", "report", "mirror")
LEFT_BEHIND = (f"artifacts/{PROFILE}", f"reports/{PROFILE}", "store", "mlflow.db", "optuna.db")


def is_reproduced() -> bool:
    """Tell whether the profile has run to its end here."""
    return all(Path(each).exists() for each in (*LEFT_BEHIND, f"reports/{PROFILE}/report.html"))


def idle_rows(folder: Path, rounds: int) -> list[list[str]]:
    """Call each stage, and again with nothing left to do.

    Args:
        folder: An empty one.
        rounds: How often each is called again.

    Returns:
        Rows of the stage, seconds of its first call, then seconds and processor seconds of the
        median one. The first call finds databases that somebody wrote, and no notes of its own.
    """
    for each in map(Path, LEFT_BEHIND):
        (folder / each).parent.mkdir(parents=True, exist_ok=True)
        (shutil.copytree if each.is_dir() else shutil.copy2)(each, folder / each)
    first = {stage: _called(folder, stage)[0] for stage in STAGES}
    again = {stage: [_called(folder, stage) for _ in range(rounds)] for stage in STAGES}
    return [
        [stage, f"{first[stage]:.1f}"]
        + [f"{median(call[part] for call in again[stage]):.1f}" for part in (0, 1)]
        for stage in STAGES
    ]


def _called(folder: Path, stage: str) -> tuple[float, float]:
    """Return the seconds of a call, and those of the processor."""
    here = Path.cwd()
    command = [sys.executable, "-m", "pipeline", "--conf", str(here / "conf"), stage, PROFILE]
    variables = {**os.environ, "PYTHONPATH": str(here)}
    for name in ("NORMBENCH_STORE", "MLFLOW_TRACKING_URI", "NORMBENCH_OPTUNA"):
        variables.pop(name, None)
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(command, cwd=folder, env=variables, check=True, capture_output=True)
    seconds, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
    return seconds, used
