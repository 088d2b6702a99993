"""How much fits into some minutes: from what a run is measured to take to a design that fits.

Functions of seconds and counts alone: no clock, no file.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from pipeline.errors import Refusal
from pipeline.wording import counted

SMALLEST, LARGEST = 16, 256  # batch sizes that are searched, where examples allow it
SEARCHES = 8  # of an arm: what the quick profile judges by
MOST_SEARCHES = 24  # where time is left over
BUDGET, AT_RANDOM = 5, 3  # trials of a search, and how many of them are drawn at random
CONFIRM = 2  # fresh seeds of a winner
MOST_EPOCHS = 30
FEWEST_EXAMPLES = 256  # under which no comparison is worth its minutes
FIXED_SECONDS = 45.0  # workers start twice and import TensorFlow, mirrors, analysis and page
CROWDED = 1.25  # how much longer a run takes where every core is at work, and what nobody foresees
ROUNDS, ROUND_SECONDS = 12, 0.1  # of the stage `cost`: training/cost.py


class Pace(NamedTuple):
    """What one arm's training takes on one core, in seconds.

    Attributes:
        setup: To build and compile its graph.
        run: Beside its epochs: weights drawn, and measures at the end.
        epoch: Beside its steps: validation.
        step: Beside its examples.
        example: Of a step's batch.
        graphs: How many it has: one for each epsilon that is tried, where that belongs to a graph.
    """

    setup: float
    run: float
    epoch: float
    step: float
    example: float
    graphs: int

    def run_seconds(self, epochs: int, examples: int) -> float:
        """Return what a run takes, as a mean over the batch sizes that are searched."""
        sizes = list(batch_sizes(examples))
        per_example = self.example + self.step * sum(1 / size for size in sizes) / len(sizes)
        return self.run + epochs * (self.epoch + examples * per_example)


class Size(NamedTuple):
    """How much is asked, and how many minutes it should take on so many workers."""

    arms: int
    searches: int
    epochs: int
    examples: int
    minutes: float
    workers: int

    @property
    def runs(self) -> int:
        """How many runs a search and its confirmation have."""
        return BUDGET + CONFIRM

    def said(self, of: int) -> str:
        """Say it in one line; `of` is how many training examples there are."""
        some = f" on {self.examples:,} of {of:,} examples" if self.examples < of else ""
        return (
            f"{self.arms} arms x {self.searches} searches x {self.runs} runs of "
            f"{self.epochs} epoch{'s' * (self.epochs > 1)}{some}: about "
            f"{counted(math.ceil(self.minutes), 'minute')} on {counted(self.workers, 'core')}"
        )


def batch_sizes(examples: int) -> Iterator[int]:
    """Yield the batch sizes that are searched: powers of two, the largest a quarter of an epoch.

    Raises:
        Refusal: There are too few examples to choose among any.
    """
    most = min(LARGEST, 2 ** int(math.log2(max(examples, 1))) // 4)
    if most < 4:
        raise Refusal(
            f"{examples} training examples are too few to tune a batch size on: 16 or more"
        )
    size = min(SMALLEST, most // 2)
    while size <= most:
        yield size
        size *= 2


def sized(
    paces: Mapping[str, Pace],
    *,
    examples: int,
    seconds: float,
    spent: float,
    workers: int,
) -> Size:
    """Return the largest design that fits: epochs first, then searches; else fewer examples.

    Args:
        paces: By arm.
        examples: Of the training split.
        seconds: That it may take, with what was spent before.
        spent: Seconds that are over.
        workers: How many runs go on at a time.

    Raises:
        Refusal: Not even the least fits; it says how many minutes that takes.
    """

    def size(searches: int, epochs: int, used: int) -> Size:
        took = seconds_of(paces, searches, epochs, used, workers)
        return Size(len(paces), searches, epochs, used, took / 60, workers)

    def fits(found: Size) -> bool:
        return spent + 60 * found.minutes <= seconds

    longest = [size(SEARCHES, epochs, examples) for epochs in range(1, MOST_EPOCHS + 1)]
    fitting = [each for each in longest if fits(each)]
    if len(fitting) == MOST_EPOCHS:
        more = (size(each, MOST_EPOCHS, examples) for each in range(SEARCHES, MOST_SEARCHES + 1))
        return [each for each in more if fits(each)][-1]
    if fitting:
        return fitting[-1]
    least = min(FEWEST_EXAMPLES, examples)
    for used in range(examples // LARGEST * LARGEST, least - 1, -LARGEST):
        if fits(found := size(SEARCHES, 1, used)):
            return found
    shortest = size(SEARCHES, 1, least)
    asked = math.ceil(shortest.minutes + spent / 60) + 1
    raise Refusal(
        f"the least that tells anything is {shortest.said(examples)}; say --minutes {asked} or "
        "more, or take a smaller model"
    )


def seconds_of(
    paces: Mapping[str, Pace],
    searches: int,
    epochs: int,
    examples: int,
    workers: int,
) -> float:
    """Return how long a design takes from its composed plan to its page."""
    runs = searches * (BUDGET + CONFIRM)
    training = sum(runs * pace.run_seconds(epochs, examples) for pace in paces.values())
    # every worker compiles every graph, for the sweep and again for the confirmation
    compiling = sum(2 * pace.graphs * pace.setup for pace in paces.values())
    return FIXED_SECONDS + compiling + CROWDED * training / workers + _timing(paces)


def _timing(paces: Mapping[str, Pace]) -> float:
    """Return how long the stage `cost` takes, at batches of 32."""
    steps = {arm: pace.step + 32 * pace.example for arm, pace in paces.items()}
    count = max(1, round(ROUND_SECONDS / min(steps.values())))
    return sum(ROUNDS * count * steps[arm] + pace.setup for arm, pace in paces.items())
