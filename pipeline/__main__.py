"""The command line: `normbench COMMAND ...`, or `python -m pipeline COMMAND ...`.

A command's module is imported when it is called, so that help comes at once.
Exit codes: 0 done, 1 trials that failed or gave other digits than before,
figures that changed beyond their intervals, or something that `diagnose` found,
2 a request that cannot be carried out, told in one line, 3 a scheduled run in which
a verdict changed, 130 interrupted.
"""

from __future__ import annotations

import argparse
import importlib
import logging
import multiprocessing
import os
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

import shtab

from pipeline.commands import STAGES
from pipeline.errors import Contradiction, Refusal, Unfinished, nearest
from pipeline.execution.spared import spare_keras
from pipeline.stages import compare_arguments as comparing
from pipeline.stages import decide_arguments as deciding
from pipeline.stages import diagnose_arguments as diagnosing
from pipeline.stages import schedule_arguments as scheduling
from pipeline.training.surroundings import take_over_and_tell
from pipeline.version import VERSION

BESIDE = {
    "mirror": "bring MLflow and the Optuna dashboard up to date from what is on disk",
    "inputs": "tell DVC by digests what of a profile's data and code is your own",
    "status": "show how far a sweep or confirmation has come, from any terminal",
}
CONF = Path("conf")
PATIENCE_SECONDS = 10.0  # of a process that is done, with what does not let it end
KEPT = "what is finished is kept, the same command goes on from there"
LEFT = {"verify": "nothing was changed", "compare": "nothing was changed"}
RUNNING = ("sweep", "confirm")
CLUSTER = os.environ.get("NORMBENCH_CLUSTER") or "local"
TRAINING = ("train", "decide", "sweep", "confirm", "cost", "verify", "predict", "diagnose")
QUESTIONS = ("train", "decide", "show", "verify", "predict", "compare", "diagnose", "schedule")
SCRIPTED = "print what was set and every metric for a script, and the rest on standard error"
EPILOG = """\
examples:
  normbench decide --model my_project.net --data my_pictures --minutes 20
  normbench train model=cnn norm=batch optimizer.learning_rate=0.01
  normbench train -m norm=none,batch seed=0,1
  normbench sweep quick --cluster "local workers=4"

The whole of it, from raw data to report, in a checkout: make reproduce
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
    shtab.add_argument_to(top, "--print-completion", help="print a shell's completion script")
    top.add_argument("--version", action="version", version=f"%(prog)s {VERSION}")
    top.add_argument(
        "--conf",
        type=Path,
        default=CONF,
        help="your folder of configuration, over the files that come with this package "
        "(default: conf)",
    )
    commands = top.add_subparsers(dest="command", metavar="COMMAND", parser_class=Parser)
    train = commands.add_parser("train", help="train one model and show what came out")
    train.add_argument("-m", "--multirun", action="store_true", help="run each listed value")
    train.add_argument("--save", type=Path, metavar="FILE.keras", help="keep the trained model")
    form = train.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_const", const="json", dest="form", help=SCRIPTED)
    form.add_argument("--csv", action="store_const", const="csv", dest="form", help=SCRIPTED)
    only = train.add_mutually_exclusive_group()
    only.add_argument(
        "--cfg", choices=["job"], help="print the composed configuration instead of training"
    )
    only.add_argument(
        "--info", action="store_true", help="print which file each group chooses, and the others"
    )
    train.add_argument("--resolve", action="store_true", help="with --cfg: ${...} by its value")
    train.add_argument(
        "overrides",
        nargs="*",
        metavar="KEY=VALUE",
        help="a group's choice (norm=layer) or a value (epochs=3)",
    )
    deciding.add(commands, _count, CLUSTER)
    for name, summary in (STAGES | BESIDE).items():
        stage = commands.add_parser(name, help=summary, description=summary)
        stage.add_argument("profile", help="a file of conf/profile, such as quick")
        if name == "report":
            said = "write the answer in a few sentences and one table there, too, as Markdown"
            stage.add_argument("--brief", type=Path, metavar="FILE", help=said)
        if name in RUNNING:
            stage.add_argument(
                "--cluster",
                default=CLUSTER,
                metavar="NAME [KEY=VALUE ...]",
                help="who works: a file of conf/cluster and values of it, in one argument "
                "(default: NORMBENCH_CLUSTER, else local)",
            )
    _add_questions(commands)
    return top


def _add_questions(commands: Any) -> None:
    show = commands.add_parser("show", help="print a stored trial: question, answer, provenance")
    show.add_argument("key", help="the trial's key, or how it begins")
    show.add_argument("--json", action="store_true", help="print the record as JSON")
    verify = commands.add_parser("verify", help="train stored trials again and compare every bit")
    which = verify.add_mutually_exclusive_group(required=True)
    which.add_argument("key", nargs="?", help="one trial's key, or how it begins")
    which.add_argument("--sample", type=_count, metavar="N", help="N of the profile's trials")
    which.add_argument("--all", action="store_true", help="all of the profile's trials")
    verify.add_argument("--profile", default="quick", help="whose trials (default: quick)")
    verify.add_argument("--seed", type=int, default=0, help="of the sample (default: 0)")
    predict = commands.add_parser("predict", help="ask a saved model about files")
    predict.add_argument("model", type=Path, help="a .keras file of confirm or of train --save")
    predict.add_argument("files", nargs="+", help="pictures; CSV or Parquet tables; .npy, .npz")
    predict.add_argument(
        "--import",
        dest="modules",
        action="append",
        default=[],
        metavar="MODULE",
        help="a module of yours whose layers the model is made of, by its dotted path",
    )
    comparing.add(commands)
    diagnosing.add(commands, _count)
    scheduling.add(commands)


def _count(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"must be a whole number from 1, got {text!r}")
    return int(text)


def main(arguments: Sequence[str] | None = None) -> int:
    """Carry out a command line and return its exit code.

    Without arguments it is this process's own, which then ends, whoever still runs in it.
    """
    code = _code_of(list(sys.argv[1:] if arguments is None else arguments))
    if arguments is None:
        Leaving(code).start()
    return code


def _code_of(given: list[str]) -> int:
    logging.basicConfig(format="normbench: %(message)s", level=logging.WARNING)
    top = parser()
    known = [*QUESTIONS, *STAGES, *BESIDE]
    named = next((word for word in given if not word.startswith("-")), None)
    if not {"--conf", "--print-completion"} & {*given} and named is not None and named not in known:
        top.error(f"there is no command {named!r}{nearest(named, known)}")
    asked = top.parse_args(given)
    if asked.command is None:
        top.print_help()
        return 0
    try:
        return _carry_out(asked)
    except Refusal as refusal:
        print(f"normbench {asked.command}: {refusal}", file=sys.stderr)
        return 2
    except (Contradiction, Unfinished) as failure:
        print(f"normbench {asked.command}: {failure}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(
            f"normbench {asked.command}: interrupted; {LEFT.get(asked.command, KEPT)}",
            file=sys.stderr,
        )
        return 130


def _carry_out(asked: argparse.Namespace) -> int:
    if asked.conf != CONF and not asked.conf.is_dir():
        raise Refusal(f"--conf {asked.conf}: there is no such folder")
    _find_modules_of_the_current_folder()
    if asked.command in TRAINING and (told := take_over_and_tell()):
        print(f"normbench {asked.command}: {told}", file=sys.stderr)
    spare_keras()
    try:
        stage = importlib.import_module(f"pipeline.stages.{asked.command}")
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("pipeline"):
            raise
        raise Refusal(
            f"{sys.executable} has no {error.name!r}; in a checkout run make setup, "
            "then: source .venv/bin/activate"
        ) from error
    if asked.command == "train" and asked.cfg:
        stage.show_configuration(asked.conf, asked.overrides, resolve=asked.resolve)
    elif asked.command == "train" and asked.info:
        stage.show_choices(asked.conf, asked.overrides)
    elif asked.command == "train":
        stage.run(
            asked.conf,
            asked.overrides,
            multirun=asked.multirun,
            form=asked.form or "",
            save=asked.save,
        )
    elif asked.command == "compose":
        stage.run(asked.conf, asked.profile)
    elif asked.command in RUNNING:
        stage.run(asked.profile, conf=asked.conf, cluster=asked.cluster)
    elif asked.command == "report":
        stage.run(asked.profile, asked.brief)
    elif asked.command == "show":
        stage.run(asked.key, as_json=asked.json)
    elif asked.command == "verify":
        stage.run(
            asked.key,
            sample=asked.sample,
            everything=asked.all,
            profile=asked.profile,
            seed=asked.seed,
        )
    elif asked.command == "predict":
        stage.run(asked.model, asked.files, modules=asked.modules)
    elif asked.command == "decide":
        return deciding.carry_out(stage, asked)
    elif asked.command == "diagnose":
        return diagnosing.carry_out(stage, asked)
    elif asked.command == "schedule":
        return scheduling.carry_out(stage, asked, CLUSTER)
    elif asked.command == "compare":
        return 0 if stage.run(asked.old, asked.new) else 1
    else:
        stage.run(asked.profile)
    return 0


def _find_modules_of_the_current_folder() -> None:
    """Let a user's model or layer lie beside conf/: found by this process and by its workers.

    Last, so that nothing there stands in for a library; this package's own folder before it, so
    that worker processes, which are given the same list, take no other `pipeline` for this one.
    """
    if sys.flags.safe_path:  # Python was told to leave the current folder out
        return
    for folder in (Path(__file__).parents[1], Path.cwd()):
        if str(folder) not in sys.path:
            sys.path.append(str(folder))


class Leaving(threading.Thread):
    """Ends the process where a thread or a process that named code left would hold it."""

    def __init__(self, code: int) -> None:
        super().__init__(daemon=True)
        self._code = code

    def run(self) -> None:
        """Wait, and end it; ended by its own end otherwise."""
        time.sleep(PATIENCE_SECONDS)
        left = [each for each in threading.enumerate() if not each.daemon and each.is_alive()]
        left = [each for each in left if each is not threading.main_thread()]
        children = multiprocessing.active_children()
        found = [*(each.name for each in left), *(each.name for each in children)]
        names = ", ".join(found[:3]) or "something"
        print(
            f"normbench: ended while {names} still ran, left by code that was called",
            file=sys.stderr,
        )
        for child in children:
            child.kill()
        sys.stdout.flush()
        os._exit(self._code)


if __name__ == "__main__":
    sys.exit(main())
