"""What training took: the store's clock records of a profile's trials, added up."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime

from pipeline.execution.store import Store
from pipeline.statistics.step_costs import TrainingClock


def training_clock(swept: Sequence[str], confirmed: Sequence[str], store: Store) -> TrainingClock:
    """Return when, how long and from which code trials were trained.

    Args:
        swept: Keys of the sweep's answers, one per line of the sealed output.
        confirmed: Keys of the winners' answers on fresh seeds.
        store: Where the clock records lie.

    Raises:
        Refusal: The store cannot be read.
    """
    keys = sorted({*swept, *confirmed})
    known = [clock for clock in map(store.clock, keys) if clock is not None]
    return TrainingClock(
        swept=len(swept),
        confirmed=len(confirmed),
        trials=len(keys),
        without_clock=len(keys) - len(known),
        wall_seconds=math.fsum(clock.wall_seconds for clock in known),
        commits=tuple(sorted({clock.commit for clock in known} - {""})),
        uncommitted=sum(clock.dirty != "" for clock in known),
        hosts=len({clock.host for clock in known}),
        started=_date(min((clock.started for clock in known), default=None)),
        ended=_date(max((clock.started + clock.wall_seconds for clock in known), default=None)),
    )


def _date(seconds: float | None) -> str | None:
    if seconds is None:
        return None
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
