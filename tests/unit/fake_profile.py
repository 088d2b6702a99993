"""A made-up profile in which every section of a report has something to show.

The tuned comparison of fake_answers.py, and beside it fixed settings in the small for
the claims of conf/claim, answered by fake_results.py. Experiments have the names that
the claims bind to; a claim whose experiment is not here is not tested.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml
from fake_answers import (
    BATCH,
    DIGEST,
    ENVIRONMENT,
    LAYERS,
    PROBES,
    FakeRuns,
    fake_runs,
    norm_of,
    study_of,
)
from fake_results import fake_result

from pipeline.claims.claim import Claim
from pipeline.components import build
from pipeline.configuration.claim import claim_fields
from pipeline.content import content_digest
from pipeline.records import Answer, Environment, Result
from pipeline.search.factorial import Factorial
from pipeline.search.questions import question
from pipeline.statistics.step_costs import ArmCost, Costs, StepCost, TrainingClock
from pipeline.studies import Plan, Study

CONF = Path(__file__).parents[2] / "conf"
RATES = (0.01, 0.0316, 0.1, 0.316, 1.0, 3.16)
CURVES = {"statistics_curves": ["batch", "recalibrated"]}
RATE = "optimizer.learning_rate"
OWN = (0.001, 0.003, 0.01)
CHOOSING = 3  # seeds
MODELS = ("mlp", "cnn_small")
BUILT_AS = {"cnn_small": "cnn", "mlp_narrow": "mlp", "mlp_residual": "mlp"}
ALL_ARMS = ("none", "batch", "batch_after", "batch_no_center", "batch_no_scale", "layer")
VARIANTS: dict[str, dict[str, Any]] = {
    "batch_after": {"placement": "after"},
    "batch_no_center": {"center": False},
    "batch_no_scale": {"scale": False},
    "batch_sabotaged": {"target": "pipeline.models.sabotage.FrozenGammaBatchNormalization"},
}
# experiment -> arms, models, optimizers, axes, and what else its studies say
EXPERIMENTS: dict[str, tuple[Sequence[str], Sequence[str], Sequence[str], Any, Any]] = {
    "norms_mlp": (
        ALL_ARMS,
        ("mlp",),
        ("adam",),
        {},
        {"epochs": 9, "steps_per_epoch": 50}
        | {"probes": PROBES | CURVES | {"independence_examples": 64}},
    ),
    "speed_mlp": (
        ("none", "batch", "layer"),
        ("mlp",),
        ("adam",),
        {"optimizer.learning_rate": OWN},
        {"epochs": 9, "steps_per_epoch": 50, "probes": PROBES | CURVES},
    ),
    "rates_mlp": (
        ("none", "batch", "layer"),
        ("mlp",),
        ("adam", "sgd"),
        {"optimizer.learning_rate": RATES},
        {},
    ),
    "moving_averages": (
        ("batch",),
        MODELS,
        ("adam",),
        {},
        {"epochs": 6, "steps_per_epoch": [10, 10, 30, 50, 100, 300]}
        | {"probes": PROBES | CURVES | {"shadow_momenta": [0.5, 0.9, 0.99, 0.999]}},
    ),
    "cnn_and_mlp": (
        ("none", "batch", "batch_after"),
        MODELS,
        ("adam",),
        {"optimizer.learning_rate": OWN},
        {"steps_per_epoch": 30, "probes": PROBES | CURVES},
    ),
    "epsilon_mlp": (
        ("batch",),
        ("mlp",),
        ("adam",),
        {"model.input_scale": [1.0, 0.01], "norm.epsilon": [0.001, 0.01, 0.1]},
        {},
    ),
    "batch_sizes_mlp": (
        ("none", "batch", "layer"),
        ("mlp",),
        ("adam",),
        {"batch_size": [2, 4, 8, 32], "optimizer.learning_rate": OWN},
        {},
    ),
    "depth_mlp": (
        ("none", "batch"),
        ("mlp_narrow", "mlp_residual"),
        ("adam",),
        {"model.depth": [2, 6, 20], "optimizer.learning_rate": OWN},
        {},
    ),
    "controls_mlp": (
        ("none", "batch", "batch_sabotaged"),
        ("mlp",),
        ("adam",),
        {},
        {"seeds": list(range(1, 17)), "probes": PROBES | {"single_examples": 100}},
    ),
}
SPACE = {
    "optimizer.learning_rate": {"low": 1e-4, "high": 0.3, "scale": "log", "points": None},
    "batch_size": {"low": 8, "high": 256, "scale": "powers_of_two", "points": None},
}


def fake_profile(
    *, names: dict[str, str] | None = None, seeds: tuple[int, ...] = (1, 2, 3, 4, 5, 6, 7, 8)
) -> FakeRuns:
    """Draw a profile's plan and answers.

    Args:
        names: Arms, models, datasets or claims' statements to call something else.
        seeds: Of the fixed settings.
    """
    called = names or {}
    tuned = fake_runs(names=names)
    fixed = {study.name: study for study in _studies(called, seeds)}
    claims = {name: _called(claim, called) for name, claim in shipped_claims().items()}
    plan = tuned.plan.plain()
    plan["studies"] |= {name: study.plain() for name, study in fixed.items()}
    plan |= {"claims": claims, "claims_digest": content_digest(claims)}
    plan |= {"situations": shipped_situations()}
    plan |= {"studies_digest": content_digest(plan["studies"])}
    return replace(
        tuned,
        plan=Plan.parse(plan),
        swept=(*tuned.swept, *(answer for each in fixed.values() for answer in answers_of(each))),
        costs=fake_costs(list(fixed.values())),
    )


def shipped_claims() -> dict[str, dict[str, Any]]:
    """Return conf/claim as a plan holds it."""
    shared = yaml.safe_load((CONF / "claim.yaml").read_text())["claim"]
    found = {}
    for file in sorted((CONF / "claim").glob("*.yaml")):
        own = _over_defaults(file)
        part = {"part": shared["part"] | own.get("part", {})}
        found[file.stem] = claim_fields(shared | own | part, file.stem)
    return {name: Claim.parse(fields).plain() for name, fields in found.items()}


def _over_defaults(file: Path) -> dict[str, Any]:
    """Return a file over the one that it names as its default, as Hydra does."""
    own = yaml.safe_load(file.read_text())
    for name in own.pop("defaults", ["_self_"])[:-1]:
        own = yaml.safe_load(file.with_stem(name).read_text()) | own
    return own


def shipped_situations() -> dict[str, dict[str, Any]]:
    """Return conf/situation as a plan holds it."""
    shared = yaml.safe_load((CONF / "situation.yaml").read_text())["situation"]
    return {
        file.stem: shared | yaml.safe_load(file.read_text()) | {"name": file.stem}
        for file in sorted((CONF / "situation").glob("*.yaml"))
    }


def _called(claim: dict[str, Any], called: dict[str, str]) -> dict[str, Any]:
    """Rename the arms and models that a claim looks for, and its statement."""
    claim = claim | {"statement": called.get(claim["name"], claim["statement"])}
    for group in ("parts", "beside"):
        claim[group] = [
            part
            | {
                side: part[side]
                and {name: _renamed(value, called) for name, value in part[side].items()}
                for side in ("treatment", "control", "where")
            }
            for part in claim[group]
        ]
    return claim


def _renamed(value: Any, called: dict[str, str]) -> Any:
    return called.get(value, value) if isinstance(value, str) else value


def answers_of(study: Study) -> Iterator[Answer]:
    """Answer all that a study without a winner asks."""
    proposer, results = build(study.design.proposer, study), list[Result]()
    for index in range(study.design.trials):
        trial = question(
            study.placed(proposer.propose(results).values),
            data_digest=DIGEST,
            environment=Environment.parse(ENVIRONMENT),
            seed=study.seed_of(index),
            split="validation",
        )
        result = fake_result(trial)
        results.append(result)
        yield Answer(study=study.name, index=index, key=trial.key, trial=trial, result=result)


def fake_costs(studies: Sequence[Study]) -> Costs:
    """Return made-up clock readings for every cell of two experiments."""
    cells: dict[str, list[Study]] = {}
    for study in studies:
        if study.experiment in ("speed_mlp", "cnn_and_mlp"):
            cells.setdefault(study.cell_name, []).append(study)
    return Costs(
        costs=tuple(_cost(own) for own in cells.values()),
        clock=TrainingClock(
            swept=100,
            confirmed=40,
            trials=130,
            without_clock=1,
            wall_seconds=512.0,
            commits=("0a1b2c3d" * 5,),
            uncommitted=0,
            hosts=1,
            started="2026-01-02T03:04:05+00:00",
            ended="2026-01-02T03:12:45+00:00",
        ),
    )


def _cost(studies: Sequence[Study]) -> StepCost:
    first = studies[0]
    return StepCost(
        experiment=first.experiment,
        dataset=first.dataset,
        model=first.model_name,
        optimizer=first.optimizer_name,
        batch_size=first.batch_size,
        arms={
            study.arm: ArmCost(
                steps=100,
                wall_seconds=tuple(
                    0.001 * (1 + 0.2 * place) * (1 + 0.01 * place * n) for n in range(5)
                ),
                cpu_seconds=(0.001,) * 5,
                kernels={"norm": "fused" if place else "none", "optimizer": "raw"},
            )
            for place, study in enumerate(studies)
        },
    )


def _studies(called: dict[str, str], seeds: tuple[int, ...]) -> Iterator[Study]:
    for experiment, (arms, models, optimizers, axes, more) in EXPERIMENTS.items():
        for model in models:
            for optimizer in optimizers:
                for arm in arms:
                    fields = _fields(experiment, model, arm, optimizer, called, seeds)
                    yield _factorial(fields | {"axes": axes} | more)
    for arm in ("none", "batch_default"):
        fields = _fields("map_mlp", "mlp", arm, "adam", called, seeds)
        design = {"proposer": {"target": "pipeline.search.sobol.Sobol", "arguments": {}}}
        design |= {"trials": 32, "lag": 1000, "seed": 0, "searches": True, "has_winner": False}
        design |= {"seeds": "own", "own": None}
        yield Study.parse(fields | {"design": design, "space": SPACE})


def _fields(
    experiment: str,
    model: str,
    arm: str,
    optimizer: str,
    called: dict[str, str],
    seeds: tuple[int, ...],
) -> dict[str, Any]:
    dataset = called.get("mnist_5k", "mnist_5k")
    usual = arm if arm in LAYERS else "batch_default"
    fields = study_of(dataset, BUILT_AS.get(model, model), usual, called, ())
    norm: Any = norm_of(usual, {})
    if (variant := VARIANTS.get(arm)) is not None:
        own = {name: value for name, value in variant.items() if name in ("center", "scale")}
        arguments = norm["layer"]["arguments"] | own
        layer = {"target": variant.get("target", BATCH), "arguments": arguments}
        norm = {"layer": layer, "placement": variant.get("placement", "before")}
    optimizers = {"adam": "keras.optimizers.Adam", "sgd": "keras.optimizers.SGD"}
    component = {"target": optimizers[optimizer], "arguments": {"learning_rate": 1e-3}}
    return fields | {
        "experiment": experiment,
        "model_name": called.get(model, model),
        "arm": called.get(arm, arm),
        "norm": norm,
        "optimizer_name": optimizer,
        "optimizer": component,
        "space": {},
        "seeds": list(seeds),
        "confirm_seeds": [],
    }


def _factorial(fields: dict[str, Any]) -> Study:
    design = {"proposer": {"target": "pipeline.search.factorial.Factorial", "arguments": {}}}
    design |= {"lag": 1000, "seed": 0, "searches": False, "has_winner": False, "seeds": "every"}
    own = None
    if fields["axes"].get(RATE) == OWN:
        own = {
            "axis": RATE,
            "choosing": CHOOSING,
            "target": None,
            "evaluations": 1,
            "statistics": "recalibrated",
            "beside": OWN[0],
        }
        last = fields["seeds"][-1]
        fields = fields | {"seeds": [*fields["seeds"], *range(last + 1, last + 1 + CHOOSING)]}
    made = Study.parse(fields | {"design": design | {"trials": 1, "own": own}})
    return Study.parse(fields | {"design": design | {"trials": Factorial.size(made), "own": own}})
