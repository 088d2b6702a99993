"""Sealed answers and the store -> cost.json: what a training step costs, and what training took.

Clock readings, kept apart from every answer. Once measured they are looked up in
the store, so that the file is the same bytes whenever it is written.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from pipeline.data.arrays import read_manifest
from pipeline.execution.clocks import training_clock
from pipeline.execution.cost_cells import CostCell, cost_cells
from pipeline.execution.costs import CostStore, measured
from pipeline.execution.lock import held
from pipeline.execution.store import Store
from pipeline.execution.whole import write_whole
from pipeline.stages.files import read_answers, read_plan
from pipeline.stages.places import Places
from pipeline.statistics.cost_ratios import log_cost_ratio, step_milliseconds
from pipeline.statistics.step_costs import Costs, StepCost
from pipeline.studies import Analysis, Plan

IDLE_SHARE = 0.9  # of a core; with less of it, somebody else was at work
log = logging.getLogger("normbench")


def run(profile: str) -> None:
    """Measure what has not been measured, write the profile's costs, and print the arms' ratios.

    Raises:
        Refusal: A stage before this one is missing, or a cell cannot be measured as it stands.
    """
    plan, places, store = read_plan(profile), Places(profile), Store.open()
    swept = read_answers(places.studies, f"normbench sweep {profile}")
    confirmed = read_answers(places.confirmed, f"normbench confirm {profile}")
    with held(places.lock):
        costs, now = _costs(_cells(plan, places), places, store, plan.analysis)
        clock = training_clock(
            [answer.key for answer in swept], [answer.key for answer in confirmed], store
        )
        write_whole(places.costs, Costs(costs=costs, clock=clock).text())
    print(f"{places.costs}: {len(costs)} cells, {now} of them measured now", flush=True)


def _cells(plan: Plan, places: Places) -> list[CostCell]:
    wanted = plan.analysis.cost_experiments
    studies = [study for study in plan.studies.values() if study.experiment in wanted]
    datasets = {study.dataset for study in studies}
    digests = {name: read_manifest(places.dataset(name)).digest for name in sorted(datasets)}
    return cost_cells(studies, digests)


def _costs(
    cells: list[CostCell], places: Places, store: Store, analysis: Analysis
) -> tuple[tuple[StepCost, ...], int]:
    """Return the cost of each cell, and how many were measured now."""
    kept = CostStore(store.root / "costs")
    known = [kept.get(cell.questions) for cell in cells]
    missing = known.count(None)
    if missing:
        store.writable()
    costs: list[StepCost] = []
    now = 0
    for cell, arms in zip(cells, known, strict=True):
        if arms is not None:
            costs.append(cell.cost(arms))
        else:
            now += 1
            folder = places.dataset(cell.study.dataset)
            with _progress(f"cost {now} of {missing}: {cell.name}") as watch:
                costs.append(cell.cost(measured(cell.questions, folder, kept, watch)))
            _say_if_busy(cell, costs[-1], kept)
        print(f"{cell.name}: {_ratios(costs[-1], analysis)}", flush=True)
    return tuple(costs), now


@contextmanager
def _progress(text: str) -> Iterator[Callable[[float], None]]:
    """Show how far one measurement is, where somebody looks; yields what is to be told its share.

    Drawn between readings: a thread that draws would be measured along with the step.
    """
    console = Console(stderr=True)
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TimeElapsedColumn(),
        console=console,
        transient=True,
        auto_refresh=False,
        disable=not console.is_terminal,
    )
    with bar:
        task = bar.add_task(text, total=1.0)
        bar.refresh()
        yield lambda share: bar.update(task, completed=share, refresh=True)


def _say_if_busy(cell: CostCell, cost: StepCost, kept: CostStore) -> None:
    if cell.study.device == "cpu" and cost.core_share < IDLE_SHARE:
        log.warning(
            "%s: the machine was busy: %.0f%% of a core was left to measure on; for a narrower "
            "interval remove %s and run this again when nothing else runs",
            cell.name,
            100 * cost.core_share,
            kept.file(cell.questions),
        )


def _ratios(cost: StepCost, analysis: Analysis) -> str:
    """Return the reference's milliseconds, and each other arm's over it with its interval."""
    shown = []
    for arm in sorted(cost.arms, key=lambda each: (each != analysis.reference, each)):
        kernel = cost.arms[arm].kernels["norm"]
        name = arm if kernel == "none" else f"{arm} ({kernel})"
        ratio = log_cost_ratio(cost, arm, analysis.reference, level=analysis.level)
        if arm == analysis.reference or ratio is None or ratio.value is None:
            shown.append(f"{name} {step_milliseconds(cost, arm):.3g} ms")
            continue
        low, high = (math.exp(limit) for limit in ratio.limits)
        shown.append(f"{name} x {math.exp(ratio.value):.3f} [{low:.3f}, {high:.3f}]")
    return ", ".join(shown)
