"""Checks of what examples told: each a function of the figures."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from pipeline.diagnosis.finding import WHOLE, Finding
from pipeline.diagnosis.measured import Measured

LARGE = 0.05  # of the score: what a reader would not take for noise
SURE = 3.0  # standard errors
FAR = 1.0  # standard deviations of the median channel
WIDE = 3.0  # ratio of standard deviations
SAME = 0.01  # of the outputs' standard deviation: rounding is below it

RECALIBRATE = "recalibrate(model, training_examples)  # normbench diagnose --recalibrate OUT.keras"


def ruined_by_averages(told: Measured) -> Iterator[Finding]:
    """Inference loses what batch statistics have: by its averages, or for good."""
    if told.moving is None or told.batch is None or told.recalibrated is None:
        return
    lost = told.batch.score - told.moving.score
    regained = told.recalibrated.score - told.moving.score
    margin = max(LARGE, SURE * told.uncertain)
    numbers = {
        "moving": told.moving.score,
        "batch": told.batch.score,
        "recalibrated": told.recalibrated.score,
    }
    scores = ", ".join(f"{value:.4f} {name}" for name, value in numbers.items())
    if regained > margin:
        worst = told.drifts[0]
        yield Finding(
            layer=worst.layer,
            code="averages-ruin-inference",
            rank="harm",
            says=f"the moving averages cost {100 * regained:.1f} points of {told.word} ({scores}); "
            f"most is this layer's, whose means are up to {worst.mean:.2g} deviations off and its "
            f"deviations up to {worst.deviation:.2g} times",
            numbers=numbers
            | {"blame": worst.blame, "drift": worst.mean, "deviation": worst.deviation},
            why="the weights are fine: it is the statistics that inference normalizes by",
            line=RECALIBRATE,
        )
    elif lost > margin:
        yield Finding(
            layer=WHOLE,
            code="relies-on-its-batch",
            rank="harm",
            says=f"inference lacks {100 * lost:.1f} points of {told.word} that training has, and "
            f"population statistics don't bring them back ({scores})",
            numbers=numbers,
            why="the network has learned to use what the others of its batch tell",
            line="keras.layers.GroupNormalization(groups=8)  # or larger, well mixed batches",
        )


def drifted(told: Measured) -> Iterator[Finding]:
    """Averages far from the population's, where nobody knows what that costs."""
    if told.moving is not None:
        return  # the score tells whether it matters
    for each in told.drifts:
        if each.typical > FAR or each.deviation > WIDE:
            yield Finding(
                layer=each.layer,
                code="averages-drifted",
                rank="warning",
                says=f"its moving means are {each.typical:.2g} deviations from the population's in "
                f"the median channel, its deviations up to {each.deviation:.2g} times",
                numbers={"mean": each.mean, "typical": each.typical, "deviation": each.deviation},
                why="inference normalizes by statistics that these examples do not have",
                line=RECALIBRATE,
            )


def moved_by_inference(told: Measured) -> Iterator[Finding]:
    """The averages move while the model is only asked."""
    yield from _moved(
        told.moved_by_inference,
        "evaluate-moves-averages",
        "evaluate and predict move its averages",
        "norm(x)  # without training=True: Keras passes it on",
    )


def moved_by_validation(told: Measured) -> Iterator[Finding]:
    """The averages move while a user's own loop validates."""
    yield from _moved(
        told.moved_by_validation,
        "validation-moves-averages",
        "your validation moves its averages",
        "outputs = model(examples, training=False)  # in the validation step",
    )


def depends_on_mates(told: Measured) -> Iterator[Finding]:
    """An answer depends on which other examples are asked about at once."""
    if told.mates_at_inference <= SAME:
        return
    yield Finding(
        layer=(*told.moved_by_inference, WHOLE)[0],
        code="answer-depends-on-batch-mates",
        rank="harm",
        says=f"an example's outputs change by {told.mates_at_inference:.2g} deviations with the "
        "others of its batch, at inference",
        numbers={"change": told.mates_at_inference},
        why="the same example gets another answer in other company",
        line="outputs = model(examples, training=False)",
    )


def _moved(layers: tuple[str, ...], code: str, says: str, line: str) -> Iterator[Finding]:
    if not layers:
        return
    others = f", and those of {len(layers) - 1} others" if len(layers) > 1 else ""
    yield Finding(
        layer=layers[0],
        code=code,
        rank="harm",
        says=f"{says}{others}",
        numbers={"layers": len(layers)},
        why="scores depend on how often and on what was asked, and examples kept apart leak in",
        line=line,
    )


CHECKS: tuple[Callable[[Measured], Iterable[Finding]], ...] = (
    ruined_by_averages,
    drifted,
    moved_by_inference,
    moved_by_validation,
    depends_on_mates,
)


def findings_in(told: Measured) -> Iterator[Finding]:
    """Yield what the figures tell."""
    for check in CHECKS:
        yield from check(told)
