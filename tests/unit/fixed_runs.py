"""Made-up runs of fixed settings: studies with axes and seeds, and answers with planted figures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

import pandas as pd
from fake_answers import errors, manifest_of
from questions import study
from simulated import HERE

from pipeline.claims.claim import Claim
from pipeline.records import Answer, Result
from pipeline.search.factorial import Factorial
from pipeline.search.questions import question
from pipeline.statistics.step_costs import StepCost
from pipeline.studies import Analysis, Study

SEEDS = (1, 2, 3, 4)
Figures = dict[str, Any]
NORMS = {
    "none": {"layer": None, "placement": "before"},
    "layer": {"layer": {"target": "layers.Layer", "arguments": {"epsilon": 0.001}}},
    "batch": {
        "layer": {"target": "layers.Batch", "arguments": {"epsilon": 0.001, "momentum": 0.9}}
    },
}


ANALYSIS = Analysis.parse(
    {
        "reference": "none",
        "level": 0.95,
        "minimum": None,
        "margin": 1.1,
        "cost_experiments": [],
    }
)


def fixed_study(arm: str = "batch", **changes: Any) -> Study:
    """A factorial study of an experiment `fixed`, 2 epochs of 3 steps unless said otherwise.

    `own` says how arms choose a value of one axis.
    """
    axes = changes.pop("axes", {})
    seeds = changes.pop("seeds", SEEDS)
    own = changes.pop("own", None)
    design = {
        "proposer": {"target": "pipeline.search.factorial.Factorial", "arguments": {}},
        "trials": 1,
        "lag": 1000,
        "seed": 0,
        "searches": False,
        "has_winner": False,
        "seeds": "every",
        "own": own,
    }
    norm = {"placement": "before"} | NORMS.get(arm, NORMS["batch"])
    base = {
        "experiment": "fixed",
        "search": 1,
        "arm": arm,
        "norm": norm,
        "design": changes.pop("design", design),
    }
    base |= {"space": changes.pop("space", {}), "axes": axes, "seeds": list(seeds)}
    made = study(**{**base, "confirm_seeds": [], **changes})
    if made.design.searches:
        return made
    trials = made.design.model_copy(update={"trials": Factorial.size(made)})
    return made.model_copy(update={"design": trials})


def mapped_study(arm: str, seeds: tuple[int, ...]) -> Study:
    """A study of eight Sobol points over rate and batch size, without a winner."""
    design = {
        "proposer": {"target": "pipeline.search.sobol.Sobol", "arguments": {}},
        "trials": 8,
        "lag": 8,
        "seed": 0,
        "searches": True,
        "has_winner": False,
        "seeds": "own",
        "own": None,
    }
    space = {
        "batch_size": {"low": 8, "high": 64, "scale": "powers_of_two", "points": None},
        "optimizer.learning_rate": {"low": 1e-3, "high": 0.1, "scale": "log", "points": None},
    }
    return fixed_study(arm, design=design, space=space, seeds=seeds)


def answers(made: Study, figures: Callable[[dict[str, Any], int], Figures]) -> list[Answer]:
    """One answer per run that a study asks for.

    Args:
        made: A factorial study.
        figures: Of a combination and a seed: metrics by name, and `curves` beside them.
    """
    proposer, found = Factorial(made), list[Answer]()
    for index, asked in enumerate(made.asked):
        values = dict(proposer.propose([each.result for each in found]).values)
        found.append(answer(made, index, values, asked.seed, figures(values, asked.seed)))
    return found


def answer(made: Study, index: int, values: dict[str, Any], seed: int, figures: Figures) -> Answer:
    """One answer with planted figures; an accuracy alone gives a flat curve of its own."""
    trial = question(
        made.placed(values), data_digest="d", environment=HERE, seed=seed, split="validation"
    )
    metrics = {"validation_score": 0.9, "validation_loss": 0.5, "parameters": 10.0}
    metrics |= {name: value for name, value in figures.items() if name != "curves"}
    metrics = errors(metrics) | metrics
    score = metrics["validation_score"]
    curves = {
        "training_loss": [0.9] * made.epochs,
        "validation_score": [score] * made.epochs,
        **figures.get("curves", {}),
    }
    result = Result.parse(
        {
            "steps": 6,
            "epochs_asked": made.epochs,
            "metrics": {name: value for name, value in metrics.items() if value is not None},
            "curves": curves,
            "outcomes": {},
            "weights_digest": "w",
            "kernels": {},
        }
    )
    return Answer(study=made.name, index=index, key=trial.key, trial=trial, result=result)


def by_name(*studies: Study) -> dict[str, Study]:
    """Studies as a plan has them."""
    return {each.name: each for each in studies}


MANIFESTS = {"digits": manifest_of("digits")}


def evidence_of(
    runs: pd.DataFrame,
    studies: Sequence[Study],
    *,
    analysis: Analysis = ANALYSIS,
    claims: Sequence[Claim] = (),
    costs: Sequence[StepCost] = (),
) -> Any:
    """Return runs and studies as findings are computed from them."""
    evidence = SimpleNamespace(
        runs=runs,
        studies=by_name(*studies),
        fixed=list(studies),
        claims=list(claims),
        costs=SimpleNamespace(costs=tuple(costs)),
        plan=SimpleNamespace(analysis=analysis),
        reference=analysis.reference,
        level=analysis.level,
    )
    evidence.of = lambda figures: figures(evidence)
    return evidence
