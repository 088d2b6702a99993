"""The grammar of `normbench diagnose`: apart from what it does, so that help comes at once."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pipeline.errors import Refusal

DIAGNOSES = """\
Say what ails a finished Keras model's normalization: layer, number, why it matters, and the line
of Keras that mends it. With examples also: is it the moving averages, and whose?

Exit code 0 when nothing was found, 1 when something was, 2 when the model can't be looked at.
"""
DIAGNOSED = """\
examples:
  normbench diagnose model.keras --steps 200
  normbench diagnose model.h5 --examples mine.npz --batch-size 8 --html model.html
  normbench diagnose my_project.models:build --data mnist_5k --json
  normbench diagnose model.keras --examples mine.npz --recalibrate mended.keras

mine.npz holds x and y of training (numpy.savez("mine.npz", x=x, y=y)), and may hold x_validation
and y_validation, which are scored then.
"""


def add(commands: Any, count: Callable[[str], int]) -> None:
    """Add the command; `count` reads a whole number from 1."""
    diagnose = commands.add_parser(
        "diagnose",
        help="say what ails a finished Keras model's normalization, and mend it",
        description=DIAGNOSES,
        epilog=DIAGNOSED,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    diagnose.add_argument("model", nargs="?", help=".keras, .h5, or package.module:function")
    given = diagnose.add_mutually_exclusive_group()
    given.add_argument("--data", metavar="DATASET", help="a file of conf/dataset")
    given.add_argument("--examples", type=Path, metavar="FILE.npz", help="arrays x and y of yours")
    diagnose.add_argument("--batch-size", type=count, default=32, help="in training (default: 32)")
    diagnose.add_argument("--steps", type=count, metavar="N", help="of training, if you know")
    diagnose.add_argument(
        "--module", dest="modules", action="append", default=[], help="that registers your layers"
    )
    diagnose.add_argument("--trust", action="store_true", help="let code in the file run (Lambda)")
    diagnose.add_argument("--json", action="store_true", help="print all of it for a script")
    diagnose.add_argument("--schema", action="store_true", help="print the JSON's schema instead")
    diagnose.add_argument("--html", type=Path, metavar="FILE", help="write a page, too")
    diagnose.add_argument(
        "--recalibrate",
        dest="mended",
        type=Path,
        metavar="OUT.keras",
        help="write the model with population statistics, and say its score before and after",
    )


def carry_out(stage: Any, asked: argparse.Namespace) -> int:
    """Call the stage with what was asked, and return the exit code.

    Raises:
        Refusal: Something cannot be done as asked.
    """
    if asked.schema:
        print(stage.schema())
        return 0
    if asked.model is None:
        raise Refusal("names no model (see: normbench diagnose --help)")
    found = stage.run(
        asked.model,
        conf=asked.conf,
        data=asked.data,
        examples=asked.examples,
        batch_size=asked.batch_size,
        steps=asked.steps,
        modules=asked.modules,
        trust=asked.trust,
        as_json=asked.json,
        html=asked.html,
        mended=asked.mended,
    )
    return 1 if found else 0
