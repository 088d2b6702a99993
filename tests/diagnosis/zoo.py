"""Models with one fault planted each, and their healthy twins.

None is trained: `settled` gives norms what training would, so that a model costs milliseconds.
"""

import warnings
from collections.abc import Callable
from dataclasses import dataclass

import keras
import numpy as np
from keras import layers

from pipeline.diagnosis.reading import norms_of

Norm = layers.BatchNormalization


@dataclass(frozen=True)
class Fault:
    """A model with a fault, its twin without, and what is to be said of it."""

    code: str
    layer: str
    broken: Callable[[], keras.Model]
    healthy: Callable[[], keras.Model]
    options: dict


def settled(model: keras.Model) -> keras.Model:
    """Give every norm averages, gamma and beta that training could have left."""
    rng = np.random.default_rng(0)
    for layer in norms_of(model).values():
        for name, low, high in (
            ("moving_mean", -1.0, 1.0),
            ("moving_variance", 0.5, 2.0),
            ("gamma", 0.8, 1.2),
            ("beta", -0.2, 0.2),
        ):
            variable = getattr(layer, name, None)
            if variable is not None:
                variable.assign(rng.uniform(low, high, variable.shape))
    return model


def pictures(norm=None, *, conv=None, between=None, after=None, head=None, shape=(8, 8, 3)):
    """A small network of pictures with two norms: `first`, and the one that is given, `norm`."""
    inputs = keras.Input(shape)
    x = layers.Conv2D(4, 3, use_bias=False, padding="same", name="stem")(inputs)
    x = layers.ReLU()(Norm(name="first")(x))
    x = (conv or layers.Conv2D(6, 3, use_bias=False, padding="same", name="conv"))(x)
    x = between(x) if between else x
    x = (norm or Norm(name="norm"))(x)
    x = (after or layers.ReLU())(x)
    x = layers.GlobalAveragePooling2D()(x)
    return settled(keras.Model(inputs, (head or layers.Dense(3, name="logits"))(x)))


def planted(**values) -> keras.Model:
    """The healthy network, with these values in its second norm."""
    model = pictures()
    for name, value in values.items():
        variable = getattr(model.get_layer("norm"), name)
        variable.assign(np.where(np.arange(6) < 3, value, variable.numpy()))
    return model


def unmoved() -> keras.Model:
    model = pictures()
    model.get_layer("norm").moving_mean.assign(np.zeros(6))
    model.get_layer("norm").moving_variance.assign(np.ones(6))
    return model


def frozen(*names: str, gamma: bool = False) -> keras.Model:
    model = pictures()
    for name in names:
        layer = model.get_layer(name)
        if gamma:
            layer.gamma.trainable = False
        else:
            layer.trainable = False
    return model


def dense(*, softmax_norm: bool) -> keras.Model:
    inputs = keras.Input((5,))
    x = layers.Dense(6, use_bias=False)(inputs)
    x = layers.Dense(3, use_bias=False)(layers.ReLU()(Norm(name="first")(x)))
    x = Norm(name="norm")(x) if softmax_norm else x
    return settled(keras.Model(inputs, layers.Softmax(name="shares")(x)))


def sentences(*, convolved: bool) -> keras.Model:
    inputs = keras.Input((9,), dtype="int32")
    x = layers.Embedding(20, 4, mask_zero=True, name="words")(inputs)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Keras says it, too, while the model is built
        x = layers.Conv1D(4, 3, name="conv", use_bias=False)(x) if convolved else x
    x = Norm(name="norm")(x)
    return settled(keras.Model(inputs, layers.Dense(2)(layers.LSTM(3)(x))))


def timed(momentum: float) -> keras.Model:
    inputs = keras.Input((4, 5))
    x = layers.TimeDistributed(Norm(momentum=momentum, name="norm"), name="steps")(inputs)
    return settled(keras.Model(inputs, layers.Dense(2)(layers.LSTM(3)(x))))


def single(*, side: int) -> keras.Model:
    return pictures(conv=layers.Conv2D(6, side, use_bias=False, padding="valid", name="conv"))


def backbone(norm) -> keras.Model:
    """A network within a network, called twice: the norms within are shared."""
    inside = keras.Sequential(
        [keras.Input((8, 8, 3)), layers.Conv2D(4, 3, use_bias=False), norm, layers.ReLU()],
        name="backbone",
    )
    first, second = keras.Input((8, 8, 3)), layers.Rescaling(0.5)
    x = layers.Concatenate()([inside(first), inside(second(first))])
    x = layers.GlobalAveragePooling2D()(x)
    x = layers.ReLU()(Norm(name="head_norm")(layers.Dense(4, use_bias=False)(x)))
    return settled(keras.Model(first, layers.Dense(2)(x)))


def compiled(optimizer) -> keras.Model:
    model = pictures()
    model.compile(optimizer, "mse")
    return model


def fault(code, broken, healthy=pictures, *, layer="norm", **options) -> Fault:
    return Fault(code, layer, broken, healthy, options)


FAULTS = [
    fault("averages-at-start", unmoved),
    fault(
        "averages-not-settled",
        lambda: pictures(Norm(name="norm", momentum=0.99)),
        lambda: pictures(Norm(name="norm", momentum=0.9)),
        layer="first",  # and "norm": both
        steps=100,
    ),
    fault("values-invalid", lambda: planted(moving_variance=-1.0)),
    fault("values-invalid", lambda: planted(moving_variance=np.inf)),
    fault("values-invalid", lambda: planted(moving_variance=np.nan)),
    fault("norm-switched-off", lambda: planted(moving_variance=1e-4)),
    fault("channels-dead", lambda: planted(gamma=0.0)),
    fault("channels-dead", lambda: planted(moving_variance=0.0)),
    fault("nothing-passes", lambda: planted_whole(gamma=0.0)),
    fault(
        "norm-after-activation",
        lambda: pictures(conv=layers.Conv2D(6, 3, use_bias=False, activation="relu", name="conv")),
    ),
    fault("norm-after-activation", lambda: pictures(between=layers.ReLU(name="bent"))),
    fault("bias-repeated", lambda: pictures(conv=layers.Conv2D(6, 3, name="conv"))),
    fault(
        "dropout-before-norm",
        lambda: pictures(between=layers.Dropout(0.5, name="dropped")),
        lambda: pictures(after=layers.Dropout(0.5, name="dropped")),
    ),
    fault("frozen-mixed", lambda: frozen("norm"), lambda: frozen("first", "norm")),
    fault("gamma-frozen-averages-move", lambda: frozen("norm", gamma=True)),
    fault("decay-on-gamma", lambda: pictures(Norm(name="norm", gamma_regularizer="l2"))),
    fault(
        "norm-before-softmax",
        lambda: dense(softmax_norm=True),
        lambda: dense(softmax_norm=False),
    ),
    fault("axis-not-channels", lambda: pictures(Norm(name="norm", axis=1))),
    fault("mask-ignored", lambda: sentences(convolved=True), lambda: sentences(convolved=False)),
    fault(
        "half-precision-epsilon",
        lambda: pictures(Norm(name="norm", epsilon=1e-7, dtype="mixed_float16")),
        lambda: pictures(Norm(name="norm", dtype="mixed_float16")),
    ),
    fault("half-precision-averages", lambda: pictures(Norm(name="norm", dtype="bfloat16"))),
    fault("renorm", lambda: pictures(Norm(name="norm", renorm=True))),
    fault("synchronized-alone", lambda: pictures(Norm(name="norm", synchronized=True))),
    fault("momentum-forgets", lambda: timed(0.0), lambda: timed(0.9), layer="steps/norm"),
    fault("momentum-never-moves", lambda: pictures(Norm(name="norm", momentum=1.0))),
    fault("one-value-per-channel", lambda: single(side=8), lambda: single(side=3), batch_size=1),
    fault("few-values-per-channel", lambda: single(side=8), lambda: single(side=3), batch_size=2),
    fault(
        "momentum-never-moves",
        lambda: backbone(Norm(name="norm", momentum=1.0)),
        lambda: backbone(Norm(name="norm")),
        layer="backbone/norm",
    ),
]


def planted_whole(**values) -> keras.Model:
    model = pictures()
    for name, value in values.items():
        variable = getattr(model.get_layer("norm"), name)
        variable.assign(np.full(variable.shape, value))
    return model
