"""The grammar of `normbench decide`: apart from what it does, so that help comes at once."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

from pipeline.errors import Refusal

DECIDES = """\
Say which normalization to use, in five lines: which arm, with which learning rate and batch size,
what it buys, what it costs a step, what it risks, and what is not known yet.

With --model and --data it trains what it takes to know: each arm tuned and confirmed, within the
minutes that you give. It asks by files of conf/, so that every other command knows the runs; give
the same command again to go on after Ctrl-C. With a profile it says what that has found.
"""
DECIDED = """\
examples:
  normbench decide --model my_project.net --data my_pictures --minutes 20
  normbench decide --model cnn_small --data digits --minutes 5
  normbench decide decide_cnn_small_digits --json

A model is a file of conf/model, or package.module (its function build) or package.module:function:
a builder that takes shape, outputs and norm, or any function that returns a keras.Model; the arms'
norms are then put in the place of its own, or at its activations.

Exit code 0 when it is said, also that it can't be told yet; 2 when it can't be asked.
"""


def add(commands: Any, count: Callable[[str], int], cluster: str) -> None:
    """Add the command; `count` reads a whole number from 1, `cluster` is who works by default."""
    decide = commands.add_parser(
        "decide",
        help="your model, your data: which normalization to use, in five lines",
        description=DECIDES,
        epilog=DECIDED,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    decide.add_argument("profile", nargs="?", help="a profile that has been analyzed")
    decide.add_argument("--model", metavar="MODEL", help="what is to be normalized, see below")
    decide.add_argument("--data", metavar="DATASET", help="a file of conf/dataset")
    decide.add_argument(
        "--minutes", type=count, default=20, help="how long it may take (default: 20)"
    )
    decide.add_argument(
        "--cluster",
        default=cluster,
        metavar="NAME [KEY=VALUE ...]",
        help="who works, as for sweep (default: NORMBENCH_CLUSTER, else local)",
    )
    decide.add_argument("--json", action="store_true", help="print the answer for a script")


def carry_out(stage: Any, asked: argparse.Namespace) -> int:
    """Call the stage with what was asked, and return the exit code.

    Raises:
        Refusal: Something cannot be done as asked.
    """
    if asked.profile is not None and (asked.model or asked.data):
        raise Refusal("takes a profile, or --model and --data, not both")
    if asked.profile is not None:
        stage.run(asked.profile, as_json=asked.json)
        return 0
    if asked.model is None or asked.data is None:
        raise Refusal(
            "names no profile, and not both --model and --data (see: normbench decide --help)"
        )
    stage.find_out(
        asked.model,
        asked.data,
        minutes=asked.minutes,
        conf=asked.conf,
        cluster=asked.cluster,
        as_json=asked.json,
    )
    return 0
