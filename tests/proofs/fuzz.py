"""Bad input of every kind, in one process: fine, refused in one line, or anything else.

Run alone: python tests/proofs/fuzz.py --cases 500 [--seed 0] [--kind tables] [--keep FOLDER]

Each case is drawn from (seed, kind, number) in a folder of its own. What is neither fine nor
refused in one line (a traceback, several lines, more than a minute) is kept with its folder.
"""

from __future__ import annotations

import argparse
import io
import os
import random
import shutil
import signal
import sys
import tempfile
import traceback
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(Path(__file__).parent)]

from fuzz_inputs import MAKERS, saved_model  # noqa: E402

FINE, REFUSED, ELSE = "fine", "refused in one line", "anything else"
SAVED = "saved models"
KINDS = (*MAKERS, SAVED)
COMMAND_LINE_ONLY = ("overrides", "YAML of conf")
DATA = ("arrays (.npz)", "archives", "image folders", "tables")
TINY = (
    *("dataset.train=64", "dataset.validation=32", "dataset.test=32", "epochs=1", "batch_size=16"),
    *("model.width=4", "probes.recalibration_examples=32", "probes.recalibration_batch_size=16"),
)
SECONDS = 60
LONGEST_LINE = 1500


@dataclass(frozen=True)
class Case:
    """One input and what came of it."""

    kind: str
    number: int
    asked: tuple[str, ...]
    outcome: str
    said: str


def fuzz(count: int, seed: int, keep: Path, kinds: Sequence[str] = KINDS) -> Iterator[Case]:
    """Yield so many cases, the kinds in turn."""
    from pipeline.training.determinism import configure

    configure("cpu", 1)
    with tempfile.TemporaryDirectory(prefix="normbench-fuzz-") as scratch:
        place = Path(scratch)
        os.environ["NORMBENCH_STORE"] = str(place / "store")
        model = _model(place)
        for n in range(count):
            kind, number = kinds[n % len(kinds)], n // len(kinds)
            folder = place / f"{kind.partition(' ')[0]}-{n}"
            folder.mkdir()
            case = _tried(kind, number, folder, random.Random(f"{seed} {kind} {number}"), model)
            if case.outcome == ELSE:
                shutil.copytree(folder, keep / folder.name, symlinks=True, dirs_exist_ok=True)
                (keep / folder.name / "said.txt").write_text(f"{case.asked}\n{case.said}\n")
            shutil.rmtree(folder)
            yield case


def _model(place: Path) -> Path:
    from pipeline.stages import train

    model = place / "digits.keras"
    with _in(place), redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
        shutil.copytree(ROOT / "conf", place / "conf")
        [asked] = _composed(place / "conf", ["norm=batch"])
        train._train(asked, _console(), mirrored=False, save=model)
    return model


def _tried(kind: str, number: int, folder: Path, draw: random.Random, model: Path) -> Case:
    if kind == "YAML of conf":
        shutil.copytree(ROOT / "conf", folder / "conf")
    asked = saved_model(folder, draw, model) if kind == SAVED else MAKERS[kind](folder, draw)
    case = Case(kind, number, tuple(asked), FINE, "")
    said = io.StringIO()
    try:
        with _in(folder), _in_time(), warnings.catch_warnings():
            warnings.simplefilter("error" if kind in DATA else "ignore")
            with redirect_stdout(io.StringIO()), redirect_stderr(said):
                _carried_out(kind, asked, folder)
    except Exception as error:
        case = _outcome(case, error)
    extra = said.getvalue()
    if "Traceback" in extra or len(extra.splitlines()) > 3:
        return replace(case, outcome=ELSE, said=f"{case.said}\nbeside: {extra[:3000]}")
    return case


def _outcome(case: Case, error: Exception) -> Case:
    from pipeline.errors import Refusal

    line = str(error)
    if isinstance(error, Refusal) and line.isprintable() and 0 < len(line) < LONGEST_LINE:
        return replace(case, outcome=REFUSED, said=line)
    return replace(case, outcome=ELSE, said="".join(traceback.format_exception(error))[-6000:])


def _carried_out(kind: str, asked: list[str], folder: Path) -> None:
    """Do what a command does with the input, but for mirrors."""
    from pipeline.data.idx import read_idx
    from pipeline.stages import predict, train

    if kind == "arrays (idx)":
        read_idx(Path(asked[0]))
    elif kind == SAVED:
        predict.run(Path(asked[0]), asked[1:], modules=[])
    elif kind in COMMAND_LINE_ONLY:
        conf = folder / "conf" if kind == "YAML of conf" else ROOT / "conf"
        train.compose_cells(conf, asked, multirun=False)
    elif kind in DATA:
        [found] = train.compose_cells(ROOT / "conf", [*asked, "examples=32"], multirun=False)
        manifest = train.read_manifest(train._prepared(found))
        train.scoring_of(found.cell.task.scoring).check(manifest)
    else:
        sys.path.append(str(folder))
        try:
            [found] = _composed(ROOT / "conf", asked)
            train._train(found, _console(), mirrored=False, save=None)
        finally:
            sys.path.remove(str(folder))


def _composed(conf: Path, asked: Sequence[str]) -> Any:
    from pipeline.configuration.cell import compose_cells

    own = any(each.startswith("model._target_=") for each in asked)
    tiny = [each for each in TINY if not (own and each.startswith("model."))]
    tiny = [
        each for each in tiny if each.partition("=")[0] not in {a.partition("=")[0] for a in asked}
    ]
    removed = _without_arguments(conf, asked) if own else conf
    return compose_cells(removed, [*tiny, *asked], multirun=False)


def _without_arguments(conf: Path, asked: Sequence[str]) -> Path:
    """Return a copy of conf/ whose model has no arguments, as a builder of one's own has none."""
    copy = Path.cwd() / "conf"
    shutil.copytree(conf, copy)
    (copy / "model" / "mlp.yaml").write_text("_target_: x.build\nsearch: {}\ngrid: {}\n")
    return copy


def _console() -> Any:
    from rich.console import Console

    return Console(file=io.StringIO())


@contextmanager
def _in(folder: Path) -> Iterator[None]:
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


@contextmanager
def _in_time() -> Iterator[None]:
    def late(*_: object) -> None:
        raise TimeoutError(f"took more than {SECONDS} s")

    before: Any = signal.signal(signal.SIGALRM, late)
    signal.alarm(SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def table_of(cases: Sequence[Case]) -> str:
    """Return the outcomes by kind."""
    counts = Counter((case.kind, case.outcome) for case in cases)
    heads = (FINE, REFUSED, ELSE)
    lines = [f"{'kind':22}" + "".join(f"{head:>22}" for head in heads)]
    rows: list[tuple[str, Callable[[str], int]]] = [
        (kind, lambda head, kind=kind: counts[kind, head])  # type: ignore[misc]
        for kind in KINDS
        if any(case.kind == kind for case in cases)
    ]
    rows.append(("all", lambda head: sum(n for (_, each), n in counts.items() if each == head)))
    lines += [f"{name:22}" + "".join(f"{count(head):22}" for head in heads) for name, count in rows]
    return "\n".join(lines)


def main() -> int:
    """Carry out the cases that are asked for, and return 1 if one came to anything else."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--cases", type=int, default=500)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--kind", choices=KINDS, action="append")
    parser.add_argument("--keep", type=Path, default=Path(tempfile.gettempdir()) / "normbench-kept")
    parser.add_argument("--show", action="store_true", help="print every case")
    given = parser.parse_args()
    found = []
    for case in fuzz(given.cases, given.seed, given.keep, given.kind or KINDS):
        found.append(case)
        if given.show or case.outcome == ELSE:
            print(f"{case.kind} {case.number}: {case.outcome}: {case.said}", flush=True)
    print(table_of(found))
    if any(case.outcome == ELSE for case in found):
        print(f"kept in {given.keep}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
