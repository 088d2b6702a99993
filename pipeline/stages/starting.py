"""What a stored trial started from, for whoever trains it again and leaves the store as it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from pipeline.errors import Refusal
from pipeline.execution.digested import Damaged
from pipeline.execution.kept import read_weights
from pipeline.execution.keys import SHOWN
from pipeline.execution.provenance import asked_here
from pipeline.execution.sealed import standing
from pipeline.execution.store import Store
from pipeline.execution.work import answer, weights_of
from pipeline.records import Result, Trial
from pipeline.stages.places import Places
from pipeline.training.checkpoint import Weights

EVERY = Places("*")
Folders = Callable[[Sequence[Trial]], Mapping[str, Path]]


def start_again(key: str, store: Store, scratch: Store, folders: Folders) -> Weights | None:
    """Return the weights that a trial ended with, as kept, or else trained again here.

    Args:
        key: The trial's.
        store: Where its answer and weights are looked for; it stays as it is.
        scratch: Where it may be answered again.
        folders: Finds the arrays of a trial.

    Returns:
        Nothing where it was trained again and came out otherwise.

    Raises:
        Refusal: Nothing that is left says what it asked, or it cannot be asked here.
    """
    trial, result = _answered(key, store)
    try:
        kept = read_weights(store.weights(key), result.weights_digest)
    except Damaged:
        kept = None
    if kept is not None:
        return kept
    again = asked_here(trial)
    found = answer(again, scratch, folders([again])[again.data_digest], keep_model=True)
    return weights_of(again.key, scratch) if found.weights_digest == result.weights_digest else None


def _answered(key: str, store: Store) -> tuple[Trial, Result]:
    """Return a question and its answer, from the store or a sealed output."""
    if store.holds(key):
        return store.read(key)
    for line in standing((EVERY.studies, EVERY.confirmed), key):
        if line.answer is not None and line.answer.key == key:
            return line.answer.trial, line.answer.result
    raise Refusal(
        f"{store.root}: holds no answer {key[:SHOWN]}, from which another trial starts; "
        "run the sweep that asked it again"
    )
