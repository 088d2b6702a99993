"""Small tasks that a model learns in seconds, and small models."""

import keras
import numpy as np
from keras import layers

LOSS = keras.losses.SparseCategoricalCrossentropy(from_logits=True)


def pictures(count: int, *, seed: int = 0, scale: float = 1.0):
    """Pictures of 8x8 of four kinds, told apart by where they are bright; and their labels."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 4, count)
    examples = rng.normal(0.0, 0.3, (count, 8, 8, 1))
    for number, label in enumerate(labels):
        row, column = divmod(int(label), 2)
        examples[number, 4 * row : 4 * row + 4, 4 * column : 4 * column + 4] += 1.0
    return (scale * examples).astype("float32"), labels


def network(momentum: float = 0.99, *, norm=None, dropout: float = 0.0) -> keras.Model:
    """A convolutional network with two norms, `norm_0` and `norm_1`; the same weights each time."""
    keras.utils.set_random_seed(0)
    inputs = keras.Input((8, 8, 1))
    x = layers.Conv2D(8, 3, use_bias=False, name="conv")(inputs)
    x = layers.ReLU()(
        norm(x) if norm else layers.BatchNormalization(momentum=momentum, name="norm_0")(x)
    )
    x = layers.Flatten()(x)
    x = layers.Dense(
        16, use_bias=False, name="dense", kernel_regularizer="l2" if dropout else None
    )(x)
    x = layers.ReLU()(layers.BatchNormalization(momentum=momentum, name="norm_1")(x))
    x = layers.Dropout(dropout, seed=1)(x) if dropout else x
    return keras.Model(inputs, layers.Dense(4, name="logits")(x))


def fitted(model: keras.Model, x, y, *, batch_size=8, epochs=3, rate=1e-2, **options):
    """Compile, fit, and return the model and its history."""
    compiling = {
        name: options.pop(name)
        for name in ("jit_compile", "steps_per_execution")
        if name in options
    }
    model.compile(
        keras.optimizers.Adam(rate),
        LOSS,
        metrics=["accuracy"],
        **{"jit_compile": False, **compiling},
    )
    history = model.fit(x, y, batch_size=batch_size, epochs=epochs, verbose=0, **options)
    return model, history.history
