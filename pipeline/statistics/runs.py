"""The runs' table: one row per run, one column per setting and per figure.

Settings are what tells runs apart: their place, their seed, and the arguments that vary. Figures
are what came out. A curve's column ends in `_curve` and holds a tuple with a value per epoch;
`steps` says after which step each of them was taken. A figure that a run does not have (the
recalibrated score of an arm without batch statistics, the loss of a diverged run) is NaN.
`task` is what scores a run, `phase` says whether it is of the sweep or confirms a winner,
`failed` and `failed_recalibrated` whether it failed: no other place decides that. `is_own`: it is
judged at a value that its arm chose; `is_shared`: at one that files fix for all arms.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

import pandas as pd

from pipeline.records import (
    Answer,
    Manifest,
    Result,
    Trial,
)
from pipeline.statistics.failures import marked
from pipeline.statistics.pairs import RECALIBRATED
from pipeline.studies import CellFields, Study
from pipeline.tasks.scoring import scoring_of

PLACE = ("experiment", "dataset", "model", "optimizer", "arm", "study", "seed")
SCORED = ("score", "error", "loss", "score_recalibrated", "error_recalibrated")
RATE = "optimizer.learning_rate"
MARKS = ("diverged", "steps", "index", "phase", "task", "is_own", "is_shared")
Phase = Literal["sweep", "confirm"]
SWEEP: Phase = "sweep"
CONFIRM: Phase = "confirm"

STATISTICS_CURVES = {
    "batch": "validation_score_batch_curve",
    "recalibrated": "validation_score_curve_recalibrated",
}


def runs_table(
    swept: Iterable[Answer],
    studies: Mapping[str, Study],
    manifests: Mapping[str, Manifest],
    *,
    confirmed: Iterable[Answer] = (),
) -> pd.DataFrame:
    """One row per answer, the sweep's first, in (study, index) order.

    Args:
        swept: Answers of the sweep.
        studies: By name; says where each answer belongs.
        manifests: By dataset; says how many examples stand behind a score.
        confirmed: Answers of winners on fresh seeds.

    Raises:
        ValueError: An answer belongs to no study, or a place is taken twice.
    """
    tasks = {name: scoring_of(study.task.scoring) for name, study in studies.items()}
    rows: list[dict[str, object]] = []
    places: set[tuple[str, str, int]] = set()
    asked: dict[tuple[str, str, str], dict[str, object]] = {}
    for phase, answers in ((SWEEP, swept), (CONFIRM, confirmed)):
        for answer in sorted(answers, key=lambda each: (each.study, each.index)):
            if answer.study not in studies:
                raise ValueError(f"an answer belongs to {answer.study}, which is not in the plan")
            if (place := (phase, answer.study, answer.index)) in places:
                raise ValueError(f"{answer.study}: index {answer.index} is answered twice")
            places.add(place)
            study = studies[answer.study]
            marks = {"phase": phase, "task": tasks[study.name], **_roles(study, answer.index)}
            if (twin := asked.get((phase, study.name, answer.key))) and study.design.own:
                twin["is_own"] = True  # an arm chose the value at which all stand
                continue
            row = {**marks, **_row(answer, study, manifests[study.dataset])}
            asked[phase, study.name, answer.key] = row
            rows.append(row)
    every = {name for of in (settings, figures, curves) for name in of(studies.values())}
    table = _frame(rows)
    missing = [name for name in (*sorted(every), *MARKS) if name not in table]
    return marked(table.reindex(columns=[*table.columns, *missing]).copy())


def planned_runs(studies: Iterable[Study]) -> pd.DataFrame:
    """One row per run that fixed settings and seeds ask for, with the columns of its settings.

    Of a study with a winner, the runs that confirm it; what it was tuned to is not
    known beforehand and has no columns. Of a search without one, nothing: what it
    asks for is up to its design. A value that an arm chooses is not known either, and
    stands as the cell has it.
    """
    rows: list[dict[str, object]] = []
    for study in studies:
        if study.design.has_winner:
            rows += [_place(study, seed) for seed in study.confirm_seeds]
        elif not study.design.searches:
            for index, asked in enumerate(study.asked):
                place = {**_place(study, asked.seed), **_roles(study, index)}
                rows.append({**place, **varied(study.placed(asked.values))})
    return _frame(rows) if rows else pd.DataFrame(columns=list(PLACE))


def _frame(rows: Sequence[Mapping[str, object]]) -> pd.DataFrame:
    """Return a table whose texts are plain objects: rows are taken from it thousands of times."""
    table = pd.DataFrame(rows)
    return table.astype(dict.fromkeys(table.select_dtypes("str"), object))


def settings(studies: Iterable[Study]) -> list[str]:
    """Every column by which runs are told apart, sorted."""
    named = itertools.chain.from_iterable((*varied(study), *study.axes) for study in studies)
    return sorted({*PLACE, *named})


def figures(studies: Iterable[Study]) -> list[str]:
    """Every column that holds one figure, as far as the studies' probes measure it, sorted."""
    found: set[str] = set()
    for study in studies:
        splits = ["validation", *["test"] * study.design.has_winner]
        found |= {f"{split}_{name}" for split in splits for name in SCORED}
        found |= {f"{split}_examples" for split in splits}
        found |= {"best_validation_score", f"best_validation_score{RECALIBRATED}", "parameters"}
        found |= {"gap_batch", "gap_moving", "gap_recalibrated"}
        found |= {"unmoved_layers", "low_variances"}
        if study.probes.independence_examples:
            found |= {"output_change_training", "output_change_inference"}
        if study.probes.single_examples:
            found |= {f"validation_score_{kind}" for kind in ("single", "sorted", "leaked")}
    return sorted(found)


def curves(studies: Iterable[Study]) -> list[str]:
    """Every column that holds a curve, as far as the studies' probes measure it, sorted."""
    splits = ("training", "validation")
    found = {f"{split}_{name}_curve" for split in splits for name in ("score", "loss")}
    for study in studies:
        found |= {
            f"validation_score_momentum_{momentum:g}_curve"
            for momentum in study.probes.shadow_momenta
        }
        found |= {STATISTICS_CURVES[kind] for kind in study.probes.statistics_curves}
    return sorted(found)


def varied(cell: CellFields | Trial) -> dict[str, Any]:
    """Return what an experiment may vary of a cell or a trial, by the names that conf/ has."""
    sections = {"model": cell.model, "norm": cell.norm.layer, "optimizer": cell.optimizer}
    return {
        **{
            f"{section}.{name}": value
            for section, component in sections.items()
            if component
            for name, value in component.arguments.items()
        },
        "batch_size": cell.batch_size,
        "examples": cell.examples,
        "epochs": cell.epochs,
        "precision": cell.precision,
    }


def steps_after(trial: Trial) -> tuple[int, ...]:
    """Return after how many steps each epoch ends, were it to run through."""
    each = trial.steps_per_epoch or trial.examples // trial.batch_size
    lengths = each if isinstance(each, tuple) else (each,) * trial.epochs
    return tuple(itertools.accumulate(lengths))


def of_study(runs: pd.DataFrame, study: str, phase: Phase | None = None) -> pd.DataFrame:
    """Return the rows of one study, or of one of its phases, in order; maybe none."""
    own = runs["study"] == study
    return runs[own if phase is None else own & (runs["phase"] == phase)].reset_index(drop=True)


def judged(runs: pd.DataFrame, studies: Mapping[str, Study]) -> pd.DataFrame:
    """Return the runs that claims are judged by: all of fixed settings, and confirmed winners."""
    tuned = [name for name, study in studies.items() if study.design.has_winner]
    is_trial = runs["study"].isin(tuned) & (runs["phase"] == SWEEP)
    return runs[~is_trial].reset_index(drop=True)


def _roles(study: Study, index: int) -> dict[str, object]:
    is_own = not study.design.searches and study.asked[index].role == "own"
    return {"is_own": is_own, "is_shared": not is_own}


def _place(study: Study, seed: int) -> dict[str, object]:
    return {
        "experiment": study.experiment,
        "dataset": study.dataset,
        "model": study.model_name,
        "optimizer": study.optimizer_name,
        "arm": study.arm,
        "study": study.name,
        "seed": seed,
    }


def _row(answer: Answer, study: Study, manifest: Manifest) -> dict[str, object]:
    trial, result = answer.trial, answer.result
    metrics, curves = result.metrics, result.curves
    return {
        **_place(study, trial.seed),
        **varied(trial),
        "index": answer.index,
        "diverged": result.status == "diverged" or "validation_loss" not in metrics,
        "steps": steps_after(trial),
        **{f"{split}_examples": count for split, count in manifest.examples.items()},
        **metrics,
        **{_curve(name): tuple(values) for name, values in curves.items()},
        **_best(result),
    }


def _best(result: Result) -> dict[str, float]:
    """Return the best score of a run, at any time; recalibrated, by either kind of statistics."""
    found: dict[str, float] = {}
    for name in ("validation_score", f"validation_score{RECALIBRATED}"):
        if name in result.metrics:
            reached = [value for value in result.curves.get(name, ()) if value is not None]
            found[f"best_{name}"] = max([*reached, result.metrics[name], *found.values()])
    return found


def _curve(name: str) -> str:
    """Name a curve's column; recalibrated scores keep their ending, for `with_statistics`."""
    if name.endswith(RECALIBRATED):
        return f"{name.removesuffix(RECALIBRATED)}_curve{RECALIBRATED}"
    return f"{name}_curve"


def sequence(value: object) -> Sequence[float | None]:
    """Return a curve's values; none where the run has no such curve."""
    return value if isinstance(value, tuple) else ()
