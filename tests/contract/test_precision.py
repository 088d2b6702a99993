"""Precision as a part of the question: what is in half precision, what stays in single."""

import numpy as np
import pytest
from cases import ARMS, MODELS, fits, overrides, partly

HALF = "precision=bfloat16"
ANYWAY = "allow_slow_precision=true"
PAIRS = [
    (model, arm)
    for model in MODELS
    for arm in ARMS
    if fits(model, arm) and model not in ("keras_application", "q_network")
]
QUICK = [
    ("mlp", "none"),
    ("mlp", "batch"),
    ("mlp", "layer"),
    ("cnn", "batch"),
    ("variant", "batch"),
]


@pytest.mark.parametrize(("model", "arm"), partly(PAIRS, QUICK))
def test_the_engine_trains_in_half_precision_as_plain_keras_does(model, arm, asked, folder):
    """Products have 8 bits: where kernels sum otherwise, losses agree to a hundredth."""
    from pipeline.training import engine, fit

    case = [*overrides(model, arm, "sgd"), HALF, ANYWAY, "epochs=3"]
    mine, twin = (
        each.train(asked(*case, f"trainer={name}"), folder)
        for each, name in ((engine, "engine"), (fit, "fit"))
    )
    assert all(weight.dtype == "float32" for weight in mine.trained.trainable_variables)
    losses = [each.result.curves["training_loss"] for each in (mine, twin)]
    np.testing.assert_allclose(*losses, rtol=1e-2)


def test_precision_is_another_question_with_its_own_graph(asked, folder):
    from pipeline.training import engine

    engine._graphs.clear()
    plain = asked("norm=batch")
    half = asked("norm=batch", HALF, ANYWAY)
    assert plain.key != half.key
    results = [engine.train(trial, folder).result for trial in (plain, half, plain)]
    assert len(engine._graphs) == 2
    assert results[0] == results[2]
    assert results[0].weights_digest != results[1].weights_digest


def test_products_are_in_half_precision_and_a_norm_s_statistics_in_single(asked, folder):
    """Averages of bfloat16 would be multiples of 2^-8 of their size; these have more digits."""
    from pipeline.training import engine

    trial = asked("norm=batch", HALF, ANYWAY)
    model = engine.train(trial, folder).trained
    assert model.get_layer("dense_0").compute_dtype == "bfloat16"
    variance = model.get_layer("norm_0").moving_variance
    assert variance.dtype == "float32"
    bits = variance.numpy().view(np.uint32)
    assert (bits & 0xFFFF).any()


def test_a_saved_model_answers_in_its_precision(asked, folder, tmp_path):
    from pipeline.training import engine
    from pipeline.training.saved import answers, save_model
    from pipeline.training.setting import arrays

    trial = asked("norm=batch", HALF, ANYWAY)
    trained = engine.train(trial, folder)
    path = tmp_path / "half.keras"
    save_model(trained.model(), path)
    examples, _ = arrays(folder, trial.data_digest, "validation")
    said = answers(path, examples, examples.shape[1:], 10)
    np.testing.assert_allclose(said, engine.engine_of(trial, folder).subject.infer(examples))


def test_xla_takes_half_precision_too(asked, folder):
    from pipeline.training import compiled, engine

    case = ["norm=batch", HALF, ANYWAY, "optimizer=sgd"]
    mine = engine.train(asked(*case), folder).result
    other = compiled.train(asked(*case, "trainer=compiled"), folder).result
    losses = [each.curves["training_loss"] for each in (mine, other)]
    np.testing.assert_allclose(*losses, rtol=1e-2)
