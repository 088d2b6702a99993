"""Every mirror of a snapshot, one after the other: what stops one does not stop the next."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from pipeline.tracking.mirror import mirror
from pipeline.tracking.optuna_mirror import mirror_studies
from pipeline.tracking.outage import MirrorUnreachable
from pipeline.tracking.snapshot import Snapshot


class Done(Protocol):
    """What a pass over a mirror did; as text, one line to print."""

    def after(self, earlier: Any) -> Any:
        """Return what two passes over one mirror did, one after the other."""
        ...


Mirror = Callable[[Snapshot], Done]

MIRRORS: Mapping[str, Mirror] = {"MLflow": mirror, "Optuna": mirror_studies}


@dataclass(frozen=True)
class Mirrored:
    """Lines about the mirrors that were written, and about those that could not be."""

    done: tuple[str, ...]
    outages: tuple[str, ...]


def mirror_everywhere(snapshot: Snapshot, mirrors: Mapping[str, Mirror] = MIRRORS) -> Mirrored:
    """Write a snapshot into every mirror. Mistakes of ours are still raised."""
    done, outages = [], []
    for write in mirrors.values():
        try:
            done.append(str(write(snapshot)))
        except MirrorUnreachable as outage:
            outages.append(str(outage))
    return Mirrored(tuple(done), tuple(outages))


def warning(profile: str, reason: object) -> str:
    """Return the line of a stage that goes on without a mirror: what is lost, and the way out."""
    return f"warning: not mirrored, catch up with `normbench mirror {profile}`: {reason}"
