"""The command line: `normbench COMMAND ...`, or `python -m pipeline COMMAND ...`.

A command's module is imported when it is called, so that help comes at once.
Exit codes: 0 done, 1 an answer that contradicts an earlier one, 2 a request
that cannot be carried out, told in one line, 130 interrupted.
"""

from __future__ import annotations

import argparse
import importlib
import logging
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from pipeline.errors import Contradiction, Refusal, nearest

STAGES = {
    "compose": "turn conf/ into one validated file",
    "prepare": "write the datasets as arrays, split and checked",
    "sweep": "search each arm's best settings, every arm with the same budget",
    "confirm": "train the winners again on fresh seeds and read the test split once",
    "analyze": "compute every figure of the report",
    "report": "write the page: report.md, report.html and charts",
    "mirror": "bring MLflow up to date from what is on disk",
}
EPILOG = """\
examples:
  normbench train model=cnn norm=batch optimizer.learning_rate=0.01
  normbench train -m norm=none,batch seed=0,1
  normbench sweep quick

The whole of it, from raw data to report: make reproduce
"""


class Parser(argparse.ArgumentParser):
    """Refuses in one line, with the nearest valid command."""

    def error(self, message: str) -> NoReturn:
        """Print the line and exit with 2."""
        print(f"normbench: {message} (see: {self.prog} --help)", file=sys.stderr)
        raise SystemExit(2)


def parser() -> argparse.ArgumentParser:
    """Return the command line's grammar."""
    top = Parser(
        prog="normbench",
        description="Where batch normalization helps and where it hurts, settled by measurement.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument("--conf", type=Path, default=Path("conf"), help="folder of configuration")
    commands = top.add_subparsers(dest="command", metavar="COMMAND", parser_class=Parser)
    train = commands.add_parser("train", help="train one model and show what came out")
    train.add_argument("-m", "--multirun", action="store_true", help="run each listed value")
    train.add_argument(
        "overrides",
        nargs="*",
        metavar="KEY=VALUE",
        help="a group's choice (norm=layer) or a value (epochs=3)",
    )
    for name, summary in STAGES.items():
        stage = commands.add_parser(name, help=summary, description=summary)
        stage.add_argument("profile", help="a file of conf/profile, such as quick")
    return top


def main(arguments: Sequence[str] | None = None) -> int:
    """Carry out a command line and return its exit code."""
    logging.basicConfig(format="normbench: %(message)s", level=logging.WARNING)
    given = list(sys.argv[1:] if arguments is None else arguments)
    top = parser()
    known = ["train", *STAGES]
    named = next((word for word in given if not word.startswith("-")), None)
    if "--conf" not in given and named is not None and named not in known:
        top.error(f"there is no command {named!r}{nearest(named, known)}")
    asked = top.parse_args(given)
    if asked.command is None:
        top.print_help()
        return 0
    try:
        _carry_out(asked)
    except Refusal as refusal:
        print(f"normbench {asked.command}: {refusal}", file=sys.stderr)
        return 2
    except Contradiction as contradiction:
        print(f"normbench {asked.command}: {contradiction}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(
            f"normbench {asked.command}: interrupted; what is finished is kept, "
            "the same command goes on from there",
            file=sys.stderr,
        )
        return 130
    return 0


def _carry_out(asked: argparse.Namespace) -> None:
    stage = importlib.import_module(f"pipeline.stages.{asked.command}")
    if asked.command in ("train", "compose") and not asked.conf.is_dir():
        raise Refusal(f"{asked.conf}: no such folder; run from the checkout or name it with --conf")
    if asked.command == "train":
        stage.run(asked.conf, asked.overrides, multirun=asked.multirun)
    elif asked.command == "compose":
        stage.run(asked.conf, asked.profile)
    else:
        stage.run(asked.profile)


if __name__ == "__main__":
    sys.exit(main())
