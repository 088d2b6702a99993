"""`diagnose`: a Keras model, and examples if there are any -> a diagnosis."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import keras

from pipeline.diagnosis.checks import findings_of
from pipeline.diagnosis.checks.with_data import findings_in
from pipeline.diagnosis.diagnosis import Diagnosis
from pipeline.diagnosis.examples import Data, Examples, checked
from pipeline.diagnosis.finding import by_harm
from pipeline.diagnosis.measured import Measured, Scored
from pipeline.diagnosis.measuring import Measuring, chosen
from pipeline.diagnosis.passes import all_outputs, by_averages
from pipeline.diagnosis.reading import batch_norms_of, facts_of, norms_of, surroundings_of
from pipeline.diagnosis.recalibration import recalibrate
from pipeline.diagnosis.scoring import Score
from pipeline.errors import Refusal, reason_of
from pipeline.training.evaluation import CHUNK


def diagnose(
    model: keras.Model,
    x: Any = None,
    y: Any = None,
    *,
    scored: tuple[Any, Any] | None = None,
    batch_size: int = 32,
    steps: int | None = None,
    validate: Callable[[], object] | None = None,
    name: str = "",
) -> Diagnosis:
    """Say what ails a model's normalization. The model is left as it was, to the bit.

    Args:
        model: Any Keras model, whoever trained it.
        x: Training examples, shape (n, ...); without them only the model itself is looked at.
        y: Their targets: labels, one-hot rows, or numbers.
        scored: Examples and targets that scores are computed on; else on x and y.
        batch_size: In training.
        steps: Of training.
        validate: Your own validation, called once: whether it moves the averages is told.
        name: What to call the model; else its own name.

    Returns:
        Findings, what does most harm first, and figures.

    Raises:
        Refusal: Model and examples don't fit.
    """
    data = None
    if x is not None:
        training = checked(model, Examples(x, y))
        data = Data(training, checked(model, Examples(*scored)) if scored else training)
    _build(model, data)
    facts = facts_of(model)
    size = min(batch_size, len(data.training.examples)) if data else batch_size
    known = surroundings_of(model, facts, batch_size=size, steps=steps)
    findings = list(findings_of(facts, known))
    measured = _measured(model, data, size, validate)
    if measured is not None:
        findings += findings_in(measured)
    return Diagnosis(
        form=1,
        model=name or model.name,
        norms=dict(Counter(each.kind for each in facts)),
        findings=by_harm(findings),
        measured=measured,
        mended=None,
    )


def mend(model: keras.Model, found: Diagnosis, data: Data, *, batch_size: int) -> Scored:
    """Put population statistics into a model and return what it scores then.

    Raises:
        Refusal: It has no batch normalization, or its examples no targets.
    """
    if found.measured is None or found.measured.moving is None or data.scored.targets is None:
        raise Refusal("the model has no batch normalization to recalibrate")
    recalibrate(model, checked(model, data.training).examples, batch_size=batch_size)
    scored = chosen(checked(model, data.scored))
    outputs = all_outputs(by_averages(model, scored.examples), scored.examples, CHUNK)
    assert scored.targets is not None
    held = Score(scored.targets, outputs)
    return Scored(score=held.score(outputs), loss=held.loss(outputs))


def _measured(
    model: keras.Model, data: Data | None, batch_size: int, validate: Callable[[], object] | None
) -> Measured | None:
    layers = batch_norms_of(model)
    if data is None or not layers:
        return None
    return Measuring(model, layers, data, batch_size).measured(validate)


def _build(model: keras.Model, data: Data | None) -> None:
    """Let a model without weights make them, on an example.

    Raises:
        Refusal: It has none, and there is no example; or it cannot be called on one.
    """
    known = model.built or bool(getattr(model, "inputs", None))
    if known and all(layer.built for layer in norms_of(model).values()):
        return
    if data is None:
        raise Refusal(
            "the model has no weights yet, because it was never called: give it examples "
            "(--examples FILE.npz), or an Input"
        )
    try:
        model(data.scored.examples[:2])
    except Exception as error:  # a user's model may fail in any way
        raise Refusal(f"the model cannot be called on the examples: {reason_of(error)}") from None
