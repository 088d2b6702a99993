"""A process that trains trials one way and says how long they took: python worker.py WAY.

Reads one JSON line per request, {"folder": ..., "trials": [...]}, trains the
trials, and answers with one JSON line, {"seconds": ..., "rss_bytes": ...}. The
ways: engine, fit (the twin), and what people write: keras (a loop of default
`fit`), keras_epoch (with steps_per_execution), keras_tuner (RandomSearch).
"""

import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import psutil

from pipeline.components import build
from pipeline.records import Trial
from pipeline.training.determinism import configure

Way = Callable[[Sequence[Trial], Path], object]


def engine(trials: Sequence[Trial], folder: Path) -> None:
    from pipeline.training.engine import train

    for trial in trials:
        train(trial, folder)


def fit(trials: Sequence[Trial], folder: Path) -> None:
    from pipeline.training.fit import train

    for trial in trials:
        train(trial, folder)


def compiled(trial: Trial, steps: int):
    """The trial's model as a user compiles it."""
    import keras

    from pipeline.models.norms import norm_factory

    keras.utils.set_random_seed(trial.seed)
    model = build(trial.model, (28, 28, 1), 10, norm_factory(trial.norm))
    model.compile(
        optimizer=build(trial.optimizer),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
        steps_per_execution=steps,
    )
    return model


def keras(trials: Sequence[Trial], folder: Path, *, whole: bool = False) -> list[float]:
    """Return what each trial's validation accuracy was in the end."""
    import keras as library

    scores = []
    for trial in trials:
        library.utils.clear_session()
        steps = trial.examples // trial.batch_size if whole else 1
        history = fitted(compiled(trial, steps), trial, folder).history
        scores.append(float(history["val_accuracy"][-1]))
    return scores


def keras_epoch(trials: Sequence[Trial], folder: Path) -> None:
    keras(trials, folder, whole=True)


def keras_tuner(trials: Sequence[Trial], folder: Path) -> None:
    """RandomSearch draws a number for each trial, which is then trained as all ways train it.

    Were it to draw among the trials themselves, it would give up after some collisions.
    """
    import keras_tuner as library

    class Cells(library.HyperModel):
        fits = 0

        def build(self, hp):  # once more than it fits: the space is looked at first
            hp.Float("drawn", 0.0, 1.0)
            return compiled(trials[self.fits], 1)

        def fit(self, _, model, *arguments, **named):
            self.fits += 1
            return fitted(model, trials[self.fits - 1], folder, callbacks=named["callbacks"])

    with tempfile.TemporaryDirectory() as scratch:
        tuner = library.RandomSearch(
            Cells(),
            objective="val_accuracy",
            max_trials=len(trials),
            seed=0,
            directory=scratch,
            project_name="bench",
        )
        tuner.search(verbose=0)
        done = len(tuner.oracle.trials)
    assert done == len(trials), f"keras-tuner ran {done} of {len(trials)} trials"


def fitted(model, trial: Trial, folder: Path, **more):
    """Fit a compiled model to the trial's data as a user does, and return the history."""
    from pipeline.training.setting import arrays

    images, labels = arrays(folder, trial.data_digest, "train")
    return model.fit(
        images[: trial.examples],
        labels[: trial.examples],
        batch_size=trial.batch_size,
        epochs=trial.epochs,
        validation_data=arrays(folder, trial.data_digest, "validation"),
        verbose=0,
        **more,
    )


WAYS: dict[str, Way] = {way.__name__: way for way in (engine, fit, keras, keras_epoch, keras_tuner)}


def main() -> None:
    way, threads = WAYS[sys.argv[1]], int(sys.argv[2])
    answers = os.fdopen(os.dup(1), "w", buffering=1)  # libraries may print on theirs
    os.dup2(2, 1)
    if threads == 1:
        configure("cpu", threads=1)
    print(json.dumps({"ready": True}), file=answers)
    for line in sys.stdin:
        asked = json.loads(line)
        trials = [Trial.parse(plain) for plain in asked["trials"]]
        started = time.perf_counter()
        way(trials, Path(asked["folder"]))
        seconds = time.perf_counter() - started
        held = psutil.Process().memory_info().rss
        print(json.dumps({"seconds": seconds, "rss_bytes": held}), file=answers)


if __name__ == "__main__":
    main()
