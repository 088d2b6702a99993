"""A network as somebody has it who never heard of arms: what `model=variant` is made of as shipped.

Any function of yours like this one will do, in a module beside conf/.
"""

from __future__ import annotations

import keras
from keras import layers


def network(shape: tuple[int, ...], outputs: int) -> keras.Model:
    """Return two convolutions, around the second of which a shortcut leads, and their average.

    Args:
        shape: Of a picture: (h, w, c).
        outputs: How many numbers the model gives for one.
    """
    pictures = keras.Input(shape, name="pictures")
    x = layers.Conv2D(8, 3, strides=2, activation="relu", name="first")(pictures)
    y = layers.Conv2D(8, 3, padding="same", name="second")(x)
    x = layers.ReLU(name="relu")(layers.Add(name="sum")([x, y]))
    x = layers.GlobalAveragePooling2D(name="average")(x)
    return keras.Model(pictures, layers.Dense(outputs, name="logits")(x), name="finished")
