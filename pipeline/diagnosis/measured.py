"""What examples tell of a model's norms: figures, as they are printed and written."""

from __future__ import annotations

from pipeline.content import Record


class Scored(Record):
    """A score, and the mean loss, of the same examples: absent where it is not finite."""

    score: float
    loss: float | None


class AtBatchSize(Record):
    """Scores by batch statistics at a batch size: batches drawn at random, and sorted by target."""

    batch_size: int
    shuffled: Scored
    sorted: Scored | None


class Drift(Record):
    """How far a norm's moving averages are from the population's.

    Attributes:
        layer: Its path.
        mean: Distance of the means in the population's standard deviations: of the worst channel.
        typical: The same, of the median channel.
        deviation: Largest ratio of standard deviations, from 1.
        alone: What the score gains where this layer alone has population statistics.
        without: What it lacks where all others have them.
    """

    layer: str
    mean: float
    typical: float
    deviation: float
    alone: float | None
    without: float | None

    @property
    def blame(self) -> float:
        """How much of the lost score is this layer's: the mean of both ways to ask."""
        return ((self.alone or 0.0) + (self.without or 0.0)) / 2


class Measured(Record):
    """What examples told.

    Attributes:
        word: What a score is.
        examples: How many were scored.
        batch_size: Of the batch statistics in `batch`.
        moving: By moving averages, as the model is used.
        batch: By the batch's own statistics, as training saw it.
        recalibrated: By population statistics.
        uncertain: Standard error of the differences between these scores, paired by example.
        sizes: By batch statistics at several sizes.
        drifts: Of each norm, the most to blame first.
        mates_in_training: By how much an example's outputs change with the others of its batch,
            in the outputs' standard deviations, by batch statistics.
        mates_at_inference: The same as the model is used.
        moved_by_inference: Norms whose averages `evaluate` moves.
        moved_by_validation: Norms whose averages the function given as `validate` moves.
    """

    word: str
    examples: int
    batch_size: int
    moving: Scored | None
    batch: Scored | None
    recalibrated: Scored | None
    uncertain: float
    sizes: tuple[AtBatchSize, ...]
    drifts: tuple[Drift, ...]
    mates_in_training: float
    mates_at_inference: float
    moved_by_inference: tuple[str, ...]
    moved_by_validation: tuple[str, ...]
