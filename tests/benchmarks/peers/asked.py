"""What a sweep's script is asked: `python SCRIPT.py FOLDER`, where FOLDER/asked.json lists trials.

Each trial's last validation accuracy lands in FOLDER/scores, in a file of its own.
"""

import json
import sys
from functools import cache
from pathlib import Path

import worker

from pipeline.records import Trial
from pipeline.training.determinism import configure

WORKERS = 2


def folder() -> Path:
    return Path(sys.argv[1]).resolve()


@cache
def trials(asked: Path) -> tuple[list[Trial], Path]:
    """Return the trials, and the folder of their arrays."""
    plain = json.loads((asked / "asked.json").read_text())
    return [Trial.parse(each) for each in plain["trials"]], Path(plain["folder"])


def train(asked: Path, index: int) -> float:
    """Train one trial with Keras's fit on one thread, as its users do."""
    configure("cpu", threads=1)
    given, arrays = trials(asked)
    [score] = worker.keras([given[index]], arrays)
    note(asked, index, score)
    return score


def note(asked: Path, index: int, score: float) -> None:
    (asked / "scores" / str(index)).write_text(repr(score))
