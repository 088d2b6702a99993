"""Runs of a profile at set times: installed, listed, taken away; `run` is what an engine starts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pipeline.configuration.cluster import compose_cluster
from pipeline.configuration.composition import check_choice
from pipeline.errors import Refusal, nearest
from pipeline.execution.timetable import Timetable
from pipeline.stages import scheduled_run
from pipeline.stages.schedule_engines import engine_of
from pipeline.stages.schedule_entry import FOLDER, Entry, here, read_entry

KEYS = ("profile", "cluster")


def install(
    when: str,
    words: Sequence[str],
    *,
    conf: Path,
    default_cluster: str,
    engine: str,
    name: str | None,
    on_change: str | None,
    directives: Sequence[str],
    image: str | None,
    claim: str | None,
    dry_run: bool,
) -> None:
    """Hand an entry to an engine, in the place of the one of its name.

    Args:
        when: Five fields of cron.
        words: `profile=NAME`, and `cluster=NAME` with its values.
        conf: The folder of configuration.
        default_cluster: Who works, where the words do not say.
        engine: Who starts it.
        name: The entry's; nothing takes the profile's.
        on_change: What a changed verdict runs, by the shell.
        directives: Slurm's, for the job of the run itself.
        image: Kubernetes's container.
        claim: Kubernetes's volume.
        dry_run: Whether to say what would be done instead.

    Raises:
        Refusal: It cannot be meant, or the engine does not take it.
    """
    given = _given(words)
    if "profile" not in given:
        raise Refusal(f"names no profile; as in: normbench schedule {when!r} profile=quick")
    table = Timetable(when)
    check_choice(conf, "profile", given["profile"], "schedule")
    cluster = given.get("cluster", default_cluster)
    compose_cluster(conf, cluster)
    entry = Entry(
        name=name or given["profile"],
        when=table.text,
        engine=engine,
        profile=given["profile"],
        cluster=cluster,
        conf=str(conf),
        on_change=on_change,
        directives=tuple(directives),
    )
    starter = engine_of(engine, image, claim)
    if dry_run:
        print(f"{entry.script}:\n{entry.text(here())}\n{engine}:\n{starter.shown(entry)}", end="")
        return
    shown = starter.shown(entry)  # refuses before anything is written
    _leave(entry)
    entry.save(here())
    starter.install(entry)
    if engine == "kubernetes":
        return
    print(f"{entry.name}: {engine} runs {entry.profile} on {entry.cluster}; told:\n{shown}", end="")


def show(words: Sequence[str], *, engine: str | None) -> None:
    """Print the entries of this checkout, and how each stands with its engine."""
    if words:
        raise Refusal(f"list takes no {words[0]!r}")
    entries = [read_entry(file.parent.name) for file in sorted(FOLDER.glob("*/entry.json"))]
    shown = [entry for entry in entries if engine in (None, entry.engine)]
    for entry in shown:
        try:
            standing = engine_of(entry.engine).standing(entry) or "not there any more"
        except Refusal as refusal:
            standing = str(refusal)
        print(f"{entry.name}: {entry.when}, {entry.profile} on {entry.cluster}")
        print(f"  {entry.engine}: {standing}")
        print(f"  {scheduled_run.last(entry)}")
    if not shown:
        print("nothing is scheduled here")


def remove(words: Sequence[str], *, engine: str | None, dry_run: bool) -> None:
    """Take an entry away; what its runs left stays.

    Raises:
        Refusal: There is none of that name.
    """
    entry = read_entry(_name(words, "remove"))
    if engine not in (None, entry.engine):
        raise Refusal(f"{entry.name} is not of {engine}, but of {entry.engine}")
    if dry_run:
        print(f"would take {entry.name} from {entry.engine}")
        return
    was_there = engine_of(entry.engine).remove(entry)
    (entry.folder / "entry.json").unlink()
    entry.script.unlink(missing_ok=True)
    print(
        f"{entry.name}: {'taken from' if was_there else 'was not in'} {entry.engine}; its "
        f"analyses stay in {entry.folder}"
    )


def run(words: Sequence[str]) -> int:
    """Run an entry's stages now, and return the exit code.

    Raises:
        Refusal: There is no such entry.
    """
    return scheduled_run.run(read_entry(_name(words, "run")))


def _leave(entry: Entry) -> None:
    """Take an entry of the same name from another engine, that had it before."""
    try:
        before = read_entry(entry.name)
    except Refusal:
        return
    if before.engine != entry.engine:
        engine_of(before.engine).remove(before)


def _given(words: Sequence[str]) -> dict[str, str]:
    given = {}
    for word in words:
        key, equals, value = word.partition("=")
        if not equals or key not in KEYS or not value:
            raise Refusal(f"{word!r} is not profile=NAME or cluster=NAME{nearest(key, KEYS)}")
        given[key] = value
    return given


def _name(words: Sequence[str], command: str) -> str:
    if len(words) != 1:
        raise Refusal(f"{command} takes one entry's name; see: normbench schedule list")
    return words[0]
