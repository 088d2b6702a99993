"""What a search maximizes, and which of its trials won."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.records import Result


def objective(result: Result) -> float:
    """Return the validation score with moving statistics: what a user of the model gets."""
    return result.metrics["validation_score"]


def winner(results: Sequence[Result]) -> int:
    """Return the index of the best result: highest score, then lowest loss, then first.

    A trial that was stopped early wins only over others that were.

    Raises:
        ValueError: There are no results.
    """

    def badness(index: int) -> tuple[bool, float, float, int]:
        result = results[index]
        loss = result.metrics.get("validation_loss", float("inf"))
        return result.status == "pruned", -objective(result), loss, index

    return min(range(len(results)), key=badness)
