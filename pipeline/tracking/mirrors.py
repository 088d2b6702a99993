"""Every mirror of a snapshot, one after the other: what stops one does not stop the next."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pipeline.tracking.connection import check_address
from pipeline.tracking.mirror import MlflowMirror
from pipeline.tracking.optuna_mirror import OptunaMirror
from pipeline.tracking.outage import MirrorUnreachable
from pipeline.tracking.snapshot import Snapshot

Mirror = Callable[[Snapshot], str]  # returns a line about all its passes so far


def all_mirrors() -> dict[str, Mirror]:
    """Return every mirror, by name, for one stage: each remembers what it has done."""
    return {"MLflow": MlflowMirror(), "Optuna": OptunaMirror()}


def usable_mirrors(profile: str) -> dict[str, Mirror]:
    """Return the mirrors that a stage can write, and print a warning about each other one.

    Raises:
        Refusal: MLflow's address is none.
    """
    mirrors = all_mirrors()
    try:
        check_address()
    except MirrorUnreachable as outage:
        print(warning(profile, outage), flush=True)
        del mirrors["MLflow"]
    return mirrors


@dataclass(frozen=True)
class Mirrored:
    """Lines about the mirrors that were written, and about those that could not be."""

    done: tuple[str, ...]
    outages: tuple[str, ...]


def mirror_everywhere(snapshot: Snapshot) -> Mirrored:
    """Write a snapshot into every mirror. Mistakes of ours are still raised."""
    done, outages = [], []
    for write in all_mirrors().values():
        try:
            done.append(write(snapshot))
        except MirrorUnreachable as outage:
            outages.append(str(outage))
    return Mirrored(tuple(done), tuple(outages))


def warning(profile: str, reason: object) -> str:
    """Return the line of a stage that goes on without a mirror: what is lost, and the way out."""
    return f"warning: not mirrored, catch up with `normbench mirror {profile}`: {reason}"
