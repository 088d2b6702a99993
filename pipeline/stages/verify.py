"""Stored answers, trained again and compared to the last bit. The store stays as it is."""

from __future__ import annotations

import re
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import groupby
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from pipeline.content import content_digest
from pipeline.data.arrays import read_manifest
from pipeline.errors import Contradiction, Refusal
from pipeline.execution.digested import Damaged
from pipeline.execution.keys import SHOWN
from pipeline.execution.provenance import asked_here, clock
from pipeline.execution.sealed import Line, lines, standing
from pipeline.execution.store import Clock, Store
from pipeline.execution.verification import (
    Case,
    Claim,
    Difference,
    Verdict,
    compared,
    disagreements,
    judged,
)
from pipeline.execution.work import Watch, answer
from pipeline.records import Trial
from pipeline.stages.places import Places
from pipeline.stages.starting import start_again

EVERY = Places("*")
LISTED = 3
Say = Callable[[str], None]


def run(key: str | None, *, sample: int | None, everything: bool, profile: str, seed: int) -> None:
    """Train stored trials again in this process, and say of each whether the same came out.

    Args:
        key: One trial of the store, by the first digits of its key.
        sample: Instead, how many to draw from the profile's sealed outputs.
        everything: Instead, all of them.
        profile: Whose outputs those are.
        seed: Of the draw.

    Raises:
        Refusal: It is not said which trials, or one cannot be trained here.
        Contradiction: An answer is damaged, is not what a sealed output says, or came out
            otherwise. What and where has been printed.
    """
    if (key is not None) + (sample is not None) + everything != 1:
        raise Refusal("say which trials: a KEY, --sample N, or --all")
    store = Store.open()
    if key is not None:
        found = store.find(key)
        stands = standing((EVERY.studies, EVERY.confirmed), found)
        cases = [_case(found, store, stands)]
        remedy = f"prepare {stands[0].profile}" if stands else "train dataset={dataset}"
    else:
        cases = _of_profile(profile, store, sample, seed)
        remedy = f"prepare {profile}"
    folders = _folders([case.trial for case in cases if case.trial is not None], remedy)

    verdicts: list[Verdict] = []
    with _progress(cases) as (say, watch):
        for case in cases:
            verdicts.append(_verdict(case, folders, watch, store))
            say("\n".join([*_report(verdicts[-1]), *_origin(verdicts[-1], store)]))
    _close(verdicts)


def _of_profile(profile: str, store: Store, sample: int | None, seed: int) -> list[Case]:
    places = Places(profile)
    if not places.studies.exists():
        raise Refusal(f"{places.studies} is missing; run: normbench sweep {profile}")
    stands: dict[str, list[Line]] = {}
    unreadable: list[Line] = []
    for line in (*lines(places.studies), *lines(places.confirmed)):
        if line.answer is None:
            unreadable.append(line)
        else:
            stands.setdefault(line.answer.key, []).append(line)
    if not stands and not unreadable:
        raise Refusal(f"{places.studies}: holds no answers; run: normbench sweep {profile}")
    chosen = set(stands)
    if sample is not None:
        if sample < 1:
            raise Refusal(f"--sample must be at least 1, got {sample}")
        # a trial's place in the draw hangs on itself alone: new ones do not shift the others
        ranked = sorted(stands, key=lambda each: content_digest({"seed": seed, "key": each}))
        chosen = set(ranked[:sample])
        print(f"verify: {len(chosen)} of {len(stands)} trials, drawn with seed {seed}", flush=True)
    return [
        *(_case(each, store, stands[each]) for each in stands if each in chosen),
        *(Case(line.place, None, (), (_unreadable(line),)) for line in unreadable),
    ]


def _case(key: str, store: Store, stands: Sequence[Line]) -> Case:
    """Return a trial with everything that claims to be its answer, the store first."""
    trial: Trial | None = None
    claims: list[Claim] = []
    faults: list[str] = []
    if store.holds(key):
        try:
            trial, result = store.read(key)
            claims.append(Claim("the store", result))
        except Damaged as damage:
            faults.append(str(damage))
    for line in stands:
        if line.answer is None:
            faults.append(_unreadable(line))
        elif line.answer.trial.key != key:
            faults.append(f"{line.place}: asks another question than its key says")
        else:
            trial = trial or line.answer.trial
            claims.append(Claim(line.place, line.answer.result))
    name = "  ".join([key[:SHOWN], *(line.name for line in stands[:1])])
    return Case(name, trial, tuple(claims), (*faults, *disagreements(claims)))


def _unreadable(line: Line) -> str:
    return f"{line.place}: is damaged, or was written by another version"


def _folders(trials: Sequence[Trial], remedy: str = "train dataset={dataset}") -> dict[str, Path]:
    """Return the folder of arrays for each digest of data that the trials ask about.

    Raises:
        Refusal: There is none for one of them.
    """
    found: dict[str, Path] = {}
    unusable: list[str] = []
    for manifest in sorted(Path().glob(str(EVERY.arrays / "*" / "manifest.json"))):
        try:
            found.setdefault(read_manifest(manifest.parent).digest, manifest.parent)
        except Refusal as refusal:  # matters only where its arrays are needed
            unusable.append(str(refusal))
    for trial in trials:
        if trial.data_digest not in found:
            command = f"normbench {remedy.format(dataset=trial.dataset)}"
            also = f" ({unusable[0]})" if unusable else ""
            raise Refusal(
                f"{EVERY.arrays}: nowhere are the arrays {trial.data_digest[:SHOWN]} of "
                f"{trial.dataset} that trial {trial.key[:SHOWN]} asks about{also}; run: {command}"
            )
    return found


def _verdict(case: Case, folders: Mapping[str, Path], watch: Watch, store: Store) -> Verdict:
    if case.trial is None:
        return Verdict(case, (), ())
    trial, start = asked_here(case.trial), None
    with tempfile.TemporaryDirectory(prefix="normbench-verify-") as folder:
        scratch = Store(Path(folder))
        if trial.start is not None:
            start = start_again(trial.start, store, scratch, _folders)
            if start is None:
                fault = f"starts from trial {trial.start[:SHOWN]}, which came out otherwise here"
                return Verdict(replace(case, claims=(), faults=(*case.faults, fault)), (), ())
        found = answer(trial, scratch, folders[trial.data_digest], watch=watch, start=start)
    return judged(case, case.trial, found, trial.environment)


@contextmanager
def _progress(cases: Sequence[Case]) -> Iterator[tuple[Say, Watch]]:
    """Show how far the epochs are, where somebody looks.

    Yields:
        What prints a text above the bar, and what is to be told of each epoch.
    """
    console = Console(stderr=True)
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeElapsedColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
        redirect_stdout=False,  # the listing may go to a file
    )
    epochs = [case.trial.epochs if case.trial is not None else 0 for case in cases]
    task = bar.add_task("verify", total=sum(epochs))
    done = 0

    def say(text: str) -> None:
        nonlocal done
        done += 1
        bar.update(task, completed=sum(epochs[:done]))  # a run that ended early counts as whole
        if console.is_terminal and sys.stdout.isatty():
            bar.console.print(text, markup=False, highlight=False, soft_wrap=True)
        else:
            print(text, flush=True)

    def watch(epoch: int, _: dict[str, float]) -> None:
        bar.update(
            task,
            completed=sum(epochs[:done]) + epoch + 1,
            description=f"verify {done + 1} of {len(cases)}",
        )

    with bar:
        yield say, watch


def _report(verdict: Verdict) -> Iterator[str]:
    case = verdict.case
    most = max((len(each) for each in verdict.differences), default=0)
    if not case.claims:
        outcome = "cannot be asked again"
    elif most:
        outcome = f"{most} {'figure differs' if most == 1 else 'figures differ'}"
    else:
        outcome = "the figures are the same, but" if case.faults else "the same"
    yield f"{case.name}: {outcome}{', asked in another environment' * bool(verdict.environment)}"
    yield from (f"    {fault}" for fault in case.faults)
    agree = len(set(verdict.differences)) <= 1
    for claim, differences in zip(case.claims, verdict.differences, strict=True):
        if differences and not agree:
            yield f"    against {claim.place}:"
        yield from (f"    {line}" for line in _shortened(differences))
        if agree:
            break
    yield from (
        f"    environment: {each.figure} was {each.claimed}, here {each.found}"
        for each in verdict.environment
    )


def _origin(verdict: Verdict, store: Store) -> Iterator[str]:
    """Yield where an answer was made that came out otherwise in what should be its environment."""
    trial = verdict.case.trial
    made = store.clock(trial.key) if trial is not None else None
    if made is None or verdict.environment or not any(verdict.differences):
        return
    told = [_place(each) for each in (made, clock(time.time()))]
    found = compared(*told)
    yield from (f"    {each.figure} was {each.claimed}, here {each.found}" for each in found)
    if not found:
        yield f"    {', '.join(told[0])} and environment are the same here"


def _place(found: Clock) -> dict[str, str]:
    return {
        "host": found.host or "unknown",
        "commit": found.commit[:SHOWN] or "unknown",
        "changes": found.dirty[:SHOWN] or "none",
    }


def _shortened(differences: Sequence[Difference]) -> Iterator[str]:
    """Yield a line per figure; the first that differs of a curve or split stands for the rest."""
    by_owner = groupby(differences, lambda each: re.split(", (?:epoch|example) ", each.figure)[0])
    for _, group in by_owner:
        first, *rest = group
        distance = "" if first.distance is None else f" ({first.distance:+.3g})"
        further = f"; and {len(rest)} later" if rest else ""
        yield f"{first.figure}: {first.claimed} stored, {first.found} here{distance}{further}"


def _close(verdicts: Sequence[Verdict]) -> None:
    """Print the summary.

    Raises:
        Contradiction: Not all were the same.
    """
    others = [verdict for verdict in verdicts if not verdict.is_the_same]
    elsewhere = sum(bool(verdict.environment) for verdict in verdicts)
    summary = f"verify: {_trials(len(verdicts))}, {len(verdicts) - len(others)} the same"
    note = f", {elsewhere} of them asked in another environment" if elsewhere else ""
    print(f"{summary}{note}", flush=True)
    if not others:
        return
    listed = ", ".join(other.case.name.split()[0] for other in others[:LISTED])
    more = ", ..." if len(others) > LISTED else ""
    excuse = (
        "; in another environment other last digits are to be expected"
        if all(other.environment and not other.case.faults for other in others)
        else ""
    )
    raise Contradiction(f"not the same: {listed}{more}{excuse}")


def _trials(count: int) -> str:
    return f"{count} trial" if count == 1 else f"{count} trials"
