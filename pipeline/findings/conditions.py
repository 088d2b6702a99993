"""Under which settings something was measured: rates, batch sizes, lengths, examples."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from pipeline.arguments import Argument
from pipeline.claims.claim import Claim
from pipeline.claims.situation import OfClaim, Situation
from pipeline.content import Record
from pipeline.findings.evidence import Evidence
from pipeline.statistics.runs import RATE, varied
from pipeline.studies import CellFields, Study
from pipeline.wording import argument, counted, listed

BATCH = "batch_size"
FEW = 4  # values that are listed; of more, the ends are said


class Conditions(Record):
    """Every value that runs had, sorted; empty where a search chooses it.

    `epochs` is empty where files fix the number of steps; `chosen` says that each arm stands at
    its own best rate of those.
    """

    datasets: tuple[str, ...]
    models: tuple[str, ...]
    optimizers: tuple[str, ...]
    rates: tuple[float, ...]
    chosen: bool
    batch_sizes: tuple[int, ...]
    epochs: tuple[int, ...]
    steps: tuple[int, ...]
    examples: tuple[int, ...]


def conditions(situation: Situation, evidence: Evidence) -> Conditions | None:
    """Return the settings behind what decides a situation; None where nothing is planned."""
    claims = {claim.id: claim for claim in evidence.claims}
    asked: list[tuple[str, Mapping[str, Argument]]] = []
    for each in (*situation.against_none, *situation.against_other):
        if isinstance(each, OfClaim):
            claim = claims[each.claim]
            parts = (*claim.parts, *claim.beside)
            part = next(part for part in parts if part.name == each.part)
            asked.append((claim.experiment, part.where))
        else:
            asked.append((each.experiment, {"model": each.model}))
    return _conditions(asked, evidence.studies.values())


def of_claim(claim: Claim, studies: Iterable[Study]) -> Conditions | None:
    """Return the settings of the parts that decide a claim; None where nothing is planned."""
    return _conditions([(claim.experiment, part.where) for part in claim.parts], studies)


def said(found: Conditions) -> str:
    """Say them in one line."""
    parts = [
        f"{listed(found.models, last='or')} on {listed(found.datasets, last='or')}",
        f"{listed(found.optimizers, last='or')} at {_rates_said(found)}",
        f"batch {_whole(found.batch_sizes)}" if found.batch_sizes else "a tuned batch size",
    ]
    examples = f"{_whole(found.examples)} examples"
    if found.epochs:
        length = f"{_whole(found.epochs)} {'epoch' if found.epochs == (1,) else 'epochs'}"
        parts.append(f"{length} of {examples}")
        parts += [_steps_said(found.steps)] if found.steps else []
    else:
        parts.append(f"{_steps_said(found.steps)} on {examples}")
    return ", ".join(parts)


def _rates_said(found: Conditions) -> str:
    if not found.rates:
        return "a rate of its own"
    return f"{'the best rate of' if found.chosen else 'a rate of'} {_floats(found.rates)}"


def _conditions(
    asked: Iterable[tuple[str, Mapping[str, Argument]]], studies: Iterable[Study]
) -> Conditions | None:
    found = list(studies)
    cells = [
        (study, cell)
        for experiment, where in asked
        for study in found
        if study.experiment == experiment
        for cell in map(study.placed, study.combinations() or [{}])
        if _is_within(study, cell, where)
    ]
    if not cells:
        return None
    owns = [study.design.own for study, _ in cells]
    is_searched = {name: any(name in study.space for study, _ in cells) for name in (RATE, BATCH)}
    rates = {varied(cell).get(RATE) for _, cell in cells}
    are_passes = any(cell.steps_per_epoch is None for _, cell in cells)
    is_open = is_searched[BATCH] and are_passes  # whose steps the batch size decides
    return Conditions(
        datasets=tuple(sorted({study.dataset for study, _ in cells})),
        models=tuple(sorted({study.model_name for study, _ in cells})),
        optimizers=tuple(sorted({study.optimizer_name for study, _ in cells})),
        rates=() if is_searched[RATE] else tuple(sorted(float(each) for each in rates if each)),
        chosen=any(own is not None and own.axis == RATE for own in owns),
        batch_sizes=()
        if is_searched[BATCH]
        else tuple(sorted({cell.batch_size for _, cell in cells})),
        epochs=tuple(sorted({cell.epochs for _, cell in cells})) if are_passes else (),
        steps=() if is_open else tuple(sorted({_steps(cell) for _, cell in cells})),
        examples=tuple(sorted({cell.examples for _, cell in cells})),
    )


def _is_within(study: Study, cell: CellFields, where: Mapping[str, Argument]) -> bool:
    names = {"model": study.model_name, "optimizer": study.optimizer_name, "arm": study.arm}
    known = {**varied(cell), **names}
    return all(
        name not in known or known[name] in (value if isinstance(value, tuple) else (value,))
        for name, value in where.items()
    )


def _steps(cell: CellFields) -> int:
    each = cell.steps_per_epoch or cell.examples // cell.batch_size
    return sum(each) if isinstance(each, tuple) else each * cell.epochs


def _floats(values: tuple[float, ...]) -> str:
    shown = [argument(value) for value in values]
    return listed(shown) if len(shown) <= FEW else f"{shown[0]} to {shown[-1]}"


def _whole(values: tuple[int, ...]) -> str:
    shown = [f"{value:,}" for value in values]
    return listed(shown) if len(shown) <= FEW else f"{shown[0]} to {shown[-1]}"


def _steps_said(values: tuple[int, ...]) -> str:
    if len(values) == 1:
        return counted(values[0], "step")
    return f"{values[0]:,} to {values[-1]:,} steps"
