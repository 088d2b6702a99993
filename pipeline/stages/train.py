"""One training run from the command line: curves, the train/inference gap, the weights' digest."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from pipeline.configuration.cell import Asked, compose_cells
from pipeline.content import content_digest
from pipeline.data.arrays import read_manifest
from pipeline.data.prepared import prepare, state_of_files
from pipeline.execution.environment import environment
from pipeline.execution.store import Store
from pipeline.execution.work import answer, describe
from pipeline.records import Result, Task, Trial
from pipeline.search.questions import components, question
from pipeline.stages.places import Places
from pipeline.tasks.scoring import scoring_of
from pipeline.tracking.mirror import address_warning, try_mirror_run

STATISTICS = ("batch", "moving", "recalibrated")


def run(conf: Path, overrides: Sequence[str], *, multirun: bool) -> None:
    """Train each asked cell and print what came out; with several, compare them at the end."""
    console = Console()
    asked = compose_cells(conf, overrides, multirun=multirun)
    unreachable = address_warning()
    if unreachable:
        print(unreachable, flush=True)
    results = []
    for each in asked:
        if len(asked) > 1:
            console.rule(" ".join(each.overrides), style="dim")
        results.append(_train(each, console, mirrored=not unreachable))
    if len(asked) > 1:
        console.print(_comparison(asked, results))


def _train(asked: Asked, console: Console, *, mirrored: bool) -> Result:
    folder, cell = _prepared(asked), asked.cell
    manifest = read_manifest(folder)
    scoring_of(cell.task.scoring).check(manifest)
    trial = question(
        cell,
        data_digest=manifest.digest,
        environment=environment(components(cell), cell.trainer),
        seed=cell.seed,
        split="validation",
    )
    if asked.summary:
        print(describe(trial, folder))
    result = _watched(trial, folder, cell.task.score)
    console.print(_curves(result, cell.task.score))
    print(_closing(trial, result, cell.task), flush=True)
    clock = Store.open().clock(trial.key)
    if mirrored:
        print(try_mirror_run(cell, trial, result, clock, manifest))
    return result


def _prepared(asked: Asked) -> Path:
    """Return the folder of the cell's arrays, made now unless an earlier run made them."""
    described, state = asked.dataset.plain(), state_of_files(asked.dataset.source)
    content = content_digest(described if state is None else [described, state])
    folder = Places("train").arrays / f"{asked.cell.dataset}-{content[:12]}"
    if not folder.exists():
        prepare(asked.dataset, asked.cell.dataset, folder)
    return folder


def _watched(trial: Trial, folder: Path, word: str) -> Result:
    errors = Console(stderr=True)
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("epochs"),
        TimeElapsedColumn(),
        console=errors,
        transient=True,
    )
    with bar if errors.is_terminal else nullcontext():
        task = bar.add_task("training", total=trial.epochs)

        def watch(epoch: int, values: dict[str, float]) -> None:
            said = f"validation {word} {values['validation_score']:.3f}"
            bar.update(task, completed=epoch + 1, description=said)

        return answer(trial, Store.open(), folder, watch=watch)


def _curves(result: Result, word: str) -> Table:
    table = Table("epoch", title=None, box=None, header_style="dim")
    for name in result.curves:
        table.add_column(name.replace("_score", f" {word}").replace("_", " "), justify="right")
    for epoch, values in enumerate(zip(*result.curves.values(), strict=True), start=1):
        shown = ["not finite" if value is None else f"{value:.4f}" for value in values]
        table.add_row(str(epoch), *shown)
    return table


def _closing(trial: Trial, result: Result, task: Task) -> str:
    metrics = result.metrics
    score, error = metrics["validation_score"], metrics["validation_error"]
    lines = [
        ("status", f"{result.status} after {result.steps} steps"),
        (f"validation {task.score}", f"{score:.4f}"),
        (f"validation {task.error.noun}", f"{error:.4g}"),
    ]
    if "gap_batch" in metrics:
        shown = [f"{metrics[f'gap_{name}']:.4f} {name}" for name in STATISTICS]
        lost = 100 * (metrics["gap_batch"] - metrics["gap_moving"])
        lines.append(("by statistics", ", ".join(shown)))
        lines.append(("train/inference gap", f"{lost:+.1f} points (batch minus moving)"))
    lines += [("weights", result.weights_digest), ("trial", trial.key)]
    width = max(len(name) for name, _ in lines)
    return "\n".join(f"{name:{width}}  {text}" for name, text in lines)


def _comparison(asked: Sequence[Asked], results: Sequence[Result]) -> Table:
    table = Table("run", title=None, box=None, header_style="dim")
    words = dict.fromkeys(each.cell.task.score for each in asked)
    for name in ("status", f"validation {' or '.join(words)}", "gap in points", "weights"):
        table.add_column(name, justify="right")
    for each, result in zip(asked, results, strict=True):
        metrics = result.metrics
        gap = (
            f"{100 * (metrics['gap_batch'] - metrics['gap_moving']):+.1f}"
            if "gap_batch" in metrics
            else "-"
        )
        table.add_row(
            " ".join(each.overrides),
            result.status,
            f"{metrics['validation_score']:.4f}",
            gap,
            result.weights_digest[:12],
        )
    return table
