"""Questions and answers for tests: small, valid, and cheap to vary."""

from pipeline.records import Result, Trial
from pipeline.studies import Study

TASK = {
    "scoring": {"target": "pipeline.tasks.classification.Classification", "arguments": {}},
    "trainers": ["engine", "fit"],
    "score": "accuracy",
    "error": {"noun": "errors", "less": "fewer", "more": "more"},
}
QUESTION = {
    "dataset": "digits",
    "data_digest": "d" * 64,
    "task": TASK["scoring"],
    "model": {"target": "models.mlp.build", "arguments": {"width": 8}},
    "norm": {
        "layer": {"target": "layers.Norm", "arguments": {"momentum": 0.9, "epsilon": 0.001}},
        "placement": "before",
    },
    "optimizer": {"target": "optimizers.Adam", "arguments": {"learning_rate": 0.001}},
    "batch_size": 32,
    "epochs": 2,
    "steps_per_epoch": None,
    "examples": 100,
    "start": None,
    "seed": 0,
    "device": "cpu",
    "trainer": "engine",
    "precision": "float32",
    "decay_norm_weights": False,
    "split": "validation",
    "thresholds": [],
    "probes": {
        "recalibration_examples": 100,
        "recalibration_batch_size": 50,
        "shadow_momenta": [],
        "statistics_curves": [],
        "independence_examples": 0,
        "single_examples": 0,
    },
    "environment": {
        "tensorflow": "1",
        "keras": "1",
        "numpy": "1",
        "processor": "p",
        "threads": 1,
        "code": "c",
    },
}
CELL = (
    "dataset",
    "model",
    "norm",
    "optimizer",
    "batch_size",
    "epochs",
    "steps_per_epoch",
    "examples",
    "device",
    "trainer",
    "precision",
    "decay_norm_weights",
)
STUDY = {name: QUESTION[name] for name in (*CELL, "seed", "probes")} | {
    "allow_slow_precision": False,
    "task": TASK,
    "experiment": "tuned",
    "start": None,
    "search": 1,
    "model_name": "mlp",
    "arm": "batch",
    "optimizer_name": "adam",
    "design": {
        "proposer": {
            "target": "pipeline.search.tpe.LaggedTpe",
            "arguments": {
                "startup_trials": 4,
                "candidates": 24,
                "multivariate": True,
                "group": False,
                "constant_liar": True,
                "prune_quantile": None,
                "prune_after": 1,
                "prune_minimum": 4,
            },
        },
        "trials": 12,
        "lag": 1,
        "seed": 0,
        "searches": True,
        "has_winner": True,
        "seeds": "first",
        "own": None,
    },
    "space": {
        "batch_size": {"low": 16, "high": 256, "scale": "powers_of_two", "points": None},
        "norm.epsilon": {"low": 1e-5, "high": 0.1, "scale": "log", "points": 5},
        "norm.momentum": {"low": 0.5, "high": 0.999, "scale": "log_complement", "points": None},
        "optimizer.learning_rate": {"low": 1e-4, "high": 1e-1, "scale": "log", "points": None},
    },
    "axes": {},
    "seeds": [0],
    "confirm_seeds": [101, 102],
}


def trial(**changes) -> Trial:
    return Trial.parse(QUESTION | changes)


def study(*, lag: int = 1, trials: int = 12, **changes) -> Study:
    design = STUDY["design"] | {"lag": lag, "trials": trials}
    return Study.parse(STUDY | {"design": design} | changes)


def result(score: float, *, loss: float = 0.5, weights: str = "w") -> Result:
    return Result.parse(
        {
            "steps": 6,
            "epochs_asked": 2,
            "metrics": {
                "validation_score": score,
                "validation_error": 1 - score,
                "validation_loss": loss,
            },
            "curves": {"training_loss": [0.9, loss], "validation_score": [0.1, score]},
            "outcomes": {},
            "weights_digest": weights,
            "kernels": {},
        }
    )
