"""One stored trial: what was asked, where it stands, what came out, and where that came from."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from pipeline.errors import Refusal
from pipeline.execution.keys import SHOWN, the_one
from pipeline.execution.provenance import checkout, environment_here
from pipeline.execution.sealed import Line, standing
from pipeline.execution.store import Clock, Store
from pipeline.execution.verification import (
    Claim,
    Difference,
    compared,
    disagreements,
)
from pipeline.records import Answer, Environment, Result, Trial
from pipeline.stages.places import Places
from pipeline.tasks.scoring import scoring_of
from pipeline.wording import place_of

EVERY = Places("*")
Rows = Iterator[tuple[str, str]]


@dataclass(frozen=True)
class Shown:
    """All that is known about one trial.

    Attributes:
        clock: None where the readings are lost.
        stands: Its lines in sealed outputs.
        here: What would decide its digits if it were asked here; none where it cannot be.
        obstacle: Why it cannot be asked here; empty where it can.
    """

    trial: Trial
    result: Result
    clock: Clock | None
    stands: tuple[Line, ...]
    here: Environment | None
    obstacle: str

    @property
    def elsewhere(self) -> tuple[Difference, ...]:
        """What of the environment is not the same here."""
        here = self.here or self.trial.environment
        return compared(self.trial.environment.plain(), here.plain())


def run(key: str, *, as_json: bool) -> None:
    """Print a stored trial.

    Args:
        key: The first digits of its key.
        as_json: Whether to print the records instead of what a reader wants to know.

    Raises:
        Refusal: There is no such trial, there are several, or its file is damaged.
    """
    shown = _shown(key)
    if as_json:
        print(json.dumps(_records(shown), indent=2))
        return
    trial, result = shown.trial, shown.result
    print(f"trial {trial.key}")
    _section("question", _question(trial))
    _section("stands in", _places(shown))
    _section("answer", _answer(trial, result))
    print()
    Console().print(_curves(result), highlight=False)
    _section("provenance", _provenance(shown))
    print("\nreproduce")
    for line in _reproduction(shown):
        print(f"  {line}")


def _shown(key: str) -> Shown:
    store = Store.open()
    try:
        found = store.find(key)
    except Refusal:
        made = _made_elsewhere(key)
        if made is None:
            raise
        found, trial, result = made.key, made.trial, made.result
    else:
        trial, result = store.read(found)
    here, obstacle = None, ""
    try:
        here = environment_here(trial)
    except Refusal as refusal:  # its model is not on this machine; what was answered still is
        obstacle = str(refusal)
    stands = standing((EVERY.studies, EVERY.confirmed), found)
    return Shown(trial, result, store.clock(found), tuple(stands), here, obstacle)


def _made_elsewhere(key: str) -> Answer | None:
    """Return an answer of a sealed output whose trial was trained in another checkout, if any."""
    start = f'"key":"{key.strip().lower()}'
    found = {
        line.answer.key: line.answer
        for line in standing((EVERY.studies, EVERY.confirmed), start)
        if line.answer
    }
    return found[the_one(key, sorted(found), EVERY.artifacts)] if found else None


def _records(shown: Shown) -> dict[str, Any]:
    commit, dirty = checkout()
    return {
        "key": shown.trial.key,
        "trial": shown.trial.plain(),
        "result": shown.result.plain(),
        "status": shown.result.status,
        "clock": shown.clock.plain() if shown.clock else None,
        "stands_in": [
            {
                "profile": line.profile,
                "file": str(line.file),
                "line": line.number,
                "study": line.answer.study if line.answer else None,
                "index": line.answer.index if line.answer else None,
            }
            for line in shown.stands
        ],
        "here": {
            "commit": commit,
            "dirty": dirty,
            "environment": shown.here.plain() if shown.here else None,
        },
    }


def _section(title: str, rows: Iterable[tuple[str, str]]) -> None:
    listed = list(rows)
    width = max(len(name) for name, _ in listed)
    print(f"\n{title}")
    for name, text in listed:
        print(f"  {name:{width}}  {text}".rstrip())


def _question(trial: Trial) -> Rows:
    for name, value in trial.plain().items():
        if name == "norm":
            layer, place = value["layer"], place_of(value["placement"])
            yield "arm", f"{_text(layer)} {place}" if layer else "no norm"
        elif name == "steps_per_epoch":
            yield "steps per epoch", "once through the examples" if value is None else _text(value)
        elif name != "environment":  # stands under provenance
            yield name.replace("_", " "), _text(value)


def _text(value: object) -> str:
    match value:
        case {"target": target, "arguments": dict(arguments)}:
            return f"{target}({', '.join(_named(arguments))})"
        case dict():
            return ", ".join(_named(value))
        case list():
            return ", ".join(map(_text, value)) or "none"
        case None | True | False:
            return {None: "none", True: "yes", False: "no"}[value]
        case _:
            return str(value)


def _named(values: dict[str, object]) -> list[str]:
    return [f"{name}={_text(value)}" for name, value in values.items()]


def _places(shown: Shown) -> Rows:
    for line in shown.stands:
        is_test = line.answer is not None and shown.trial.split == "test"
        yield line.profile, f"{line.name}{', with test data' * is_test} ({line.place})"
    if not shown.stands:
        yield "no sealed output", "(asked by normbench train, or by a plan that has changed since)"
    claims = [Claim(line.place, line.answer.result) for line in shown.stands if line.answer]
    for contradiction in disagreements([Claim("the store", shown.result), *claims]):
        yield "attention", f"{contradiction}; normbench verify says which is right"


def _answer(trial: Trial, result: Result) -> Rows:
    epochs = max((len(curve) for curve in result.curves.values()), default=0)
    yield "status", f"{result.status} after {epochs} of {trial.epochs} epochs, {result.steps} steps"
    for name, value in result.metrics.items():
        yield name.replace("_", " "), str(value)
    for split, text in result.outcomes.items():
        yield f"{split} examples", _total(trial, text)
    for name, kernel in result.kernels.items():
        yield f"{name} kernel", kernel
    yield "weights", result.weights_digest


def _total(trial: Trial, text: str) -> str:
    try:
        name, total = scoring_of(trial.task).total(text)
    except Refusal:  # its task is not on this machine
        return "not readable here"
    return f"{total} {name}"


def _curves(result: Result) -> Table:
    table = Table("epoch", title=None, box=None, header_style="dim")
    for name in result.curves:
        table.add_column(escape(name.replace("_", " ")), justify="right")
    for epoch, values in enumerate(zip(*result.curves.values(), strict=True), start=1):
        shown = ["not finite" if value is None else f"{value:.4f}" for value in values]
        table.add_row(str(epoch), *shown)
    return table


def _provenance(shown: Shown) -> Rows:
    clock, (commit, dirty) = shown.clock, checkout()
    if clock is None:
        yield "clock", "its readings are lost"
    else:
        changes = f", with uncommitted changes {clock.dirty[:SHOWN]}" if clock.dirty else ""
        yield "commit", (clock.commit or "none: not a git checkout") + changes
        is_same = (clock.commit, clock.dirty) == (commit, dirty)
        changed = f", with uncommitted changes {dirty[:SHOWN]}" if dirty else ""
        yield "", "the same here" if is_same else f"here {commit or 'none'}{changed}"
        yield "host", clock.host
        started = datetime.fromtimestamp(clock.started, tz=UTC)
        yield "when", f"{started:%Y-%m-%d %H:%M:%S} UTC, in {clock.wall_seconds:.1f} s"
    other = {each.figure: each.found for each in shown.elsewhere}
    for name, value in shown.trial.environment.plain().items():
        same = "the same here" if shown.here else "unknown here"
        yield name, f"{value} ({f'here {other[name]}' if name in other else same})"


def _reproduction(shown: Shown) -> Iterator[str]:
    """Yield the commands, then what a reader must know about them."""
    clock, (commit, _) = shown.clock, checkout()
    names = [each.figure for each in shown.elsewhere]
    has_other_code = "code" in names or shown.here is None
    is_elsewhere = clock is not None and clock.commit not in ("", commit)
    if clock is not None and has_other_code and is_elsewhere:
        yield f"git checkout {clock.commit}"
    yield f"normbench verify {shown.trial.key[:SHOWN]}"
    if shown.obstacle:
        yield f"(not from here: {shown.obstacle})"
    if has_other_code and clock is not None and clock.dirty:
        yield "(the code that trained it had uncommitted changes, which no commit has)"
    elif "code" in names and not is_elsewhere:
        yield "(the code that trains it has changed here since)"
    if is_elsewhere and not has_other_code:
        yield "(the commit is another, but the code that trains it is the same here)"
    if machine := [name for name in names if name != "code"]:
        yield f"(this machine's environment is another one: {', '.join(machine)})"
