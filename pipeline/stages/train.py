"""One training run from the command line: curves, the train/inference gap, the weights' digest."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path

import yaml
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from pipeline.configuration import folders
from pipeline.configuration.cell import COMMAND_LINE, Asked, compose_cells
from pipeline.configuration.composition import composition, written
from pipeline.configuration.hydra import Told
from pipeline.content import content_digest
from pipeline.data.arrays import read_manifest, write_manifest
from pipeline.data.files import state_of_files
from pipeline.data.prepared import is_prepared, prepare
from pipeline.errors import Refusal
from pipeline.execution.environment import own_code
from pipeline.execution.lock import held
from pipeline.execution.precision import environment_of
from pipeline.execution.store import Store
from pipeline.execution.work import answer, describe, weights_of
from pipeline.records import Result, Task, Trial
from pipeline.search.questions import components, question
from pipeline.stages.advice import advice, inert, shared_norms, started
from pipeline.stages.comparison import (
    NARROW,
    Run,
    as_csv,
    as_json,
    as_table,
    differing,
    named,
    settings_of,
)
from pipeline.stages.files import beside
from pipeline.stages.named_code import told_in_one_line
from pipeline.stages.places import Places
from pipeline.tasks.scoring import scoring_of
from pipeline.tracking.beside import WriterBeside
from pipeline.tracking.leaves import run_entry
from pipeline.tracking.mirror import address_warning
from pipeline.training.checkpoint import Weights

STATISTICS = ("batch", "moving", "recalibrated")


def run(
    conf: Path,
    overrides: Sequence[str],
    *,
    multirun: bool,
    form: str = "",
    save: Path | None = None,
) -> None:
    """Train each asked cell and print what came out; with several, compare them at the end.

    Args:
        conf: The folder of configuration groups.
        overrides: From the command line, in Hydra's grammar.
        multirun: Whether an override may list several values.
        form: "json" or "csv" prints the runs for a script, and nothing else on standard output.
        save: Where the trained model goes, a .keras file; its dataset's manifest goes beside it.

    Raises:
        Refusal: Something in what was asked is not valid, or cannot be done.
    """
    console = Console(stderr=bool(form))
    asked = compose_cells(conf, overrides, multirun=multirun)
    if save is not None:
        _check_place(save, len(asked))
    unreachable = address_warning()
    if unreachable:
        _say(console, unreachable)
    told = [settings_of(each.overrides) for each in asked]
    runs = []
    with nullcontext() if unreachable else WriterBeside() as writer:
        for number, each in enumerate(asked):
            if len(asked) > 1:
                what = named(told[number], differing(told))
                _say(console, f"\nrun {number + 1} of {len(asked)}: {what}")
            runs.append(_train(each, console, writer, save=save))
    if form:
        print({"json": as_json, "csv": as_csv}[form](runs))
    elif len(asked) > 1:
        print(f"\n{as_table(runs, max(console.width, NARROW))}")


def arrays_of(conf: Path, dataset: str) -> Path:
    """Return the folder of a dataset's arrays, prepared if they were not."""
    return _prepared(compose_cells(conf, [f"dataset={dataset}"], multirun=False)[0])


def show_configuration(conf: Path, overrides: Sequence[str], *, resolve: bool) -> None:
    """Print what conf/ and the overrides come to, and train nothing."""
    content = written(conf, "train", [Told(COMMAND_LINE, tuple(overrides))], resolve=resolve)
    print(yaml.safe_dump(content, sort_keys=False, allow_unicode=True), end="")


def show_choices(conf: Path, overrides: Sequence[str]) -> None:
    """Print each group's file that the overrides choose, and all that could be chosen."""
    composed = composition(conf, "train", [Told(COMMAND_LINE, tuple(overrides))])
    for group, choice in composed.choices.items():
        if group not in folders.groups(conf):  # Hydra's own
            continue
        others = ", ".join(name for name in folders.names(conf, group) if name != choice)
        file = folders.found(conf, group, f"{choice}.yaml")
        print(f"{group}: {file} (or: {others})")
    for override in overrides:
        print(f"command line: {override}")


def _train(
    asked: Asked, console: Console, writer: WriterBeside | None, *, save: Path | None
) -> Run:
    folder, cell = _prepared(asked), asked.cell
    manifest = read_manifest(folder)
    scoring_of(cell.task.scoring).check(manifest)
    store = Store.open()
    key = None if cell.start is None else store.find(cell.start)
    start = None if key is None else weights_of(key, store)
    trial = question(
        cell,
        data_digest=manifest.digest,
        environment=environment_of(cell),
        seed=cell.seed,
        split="validation",
        start=key,
    )
    with told_in_one_line(part.target for part in components(cell)):
        if asked.summary:
            _say(console, describe(trial, folder))
        result = _watched(trial, folder, cell.task.score, start, keep_model=save is not None)
    console.print(_curves(result, cell.task.score))
    run = Run(asked.overrides, cell.task.score, trial.key, result)
    _say(console, _closing(trial, run, cell.task))
    if save is not None:
        shutil.copyfile(store.model(trial.key), save)
        write_manifest(beside(save), manifest)
        _say(console, f"model  {save}; ask it: normbench predict {save} FILES...")
    clock = store.clock(trial.key)
    if writer:
        _say(console, writer.write(run_entry(cell, trial, result, clock, manifest)))
    for told in (
        inert(result) or advice(cell.task.score, cell.norm.layer, result),
        shared_norms(cell.model.target, result),
        started(trial, result),
    ):
        if told:
            _say(console, told)
    return run


def _say(console: Console, text: str) -> None:
    """Print a text as it is, its lines whole."""
    print(text, file=console.file, flush=True)


def _check_place(save: Path, runs: int) -> None:
    if runs > 1:
        raise Refusal(f"--save {save}: names one file, but {runs} runs are asked for; train one")
    if save.suffix != ".keras" or not save.parent.is_dir():
        raise Refusal(f"--save {save}: must be a file NAME.keras in a folder that exists")


def _prepared(asked: Asked) -> Path:
    """Return the folder of the cell's arrays, made now unless an earlier run made them."""
    source = asked.dataset.source
    behind = [state_of_files(source), *own_code([source.target]).values()]
    behind = [each for each in behind if each is not None]
    content = content_digest([asked.dataset.plain(), *behind])
    folder = Places("train").arrays / f"{asked.cell.dataset}-{content[:12]}"
    if not is_prepared(folder):  # or of an earlier version, or emptied by somebody
        with held(folder.with_name(f".{folder.name}.lock"), patient=True):
            if not is_prepared(folder):  # by another run that wanted the same
                prepare(asked.dataset, asked.cell.dataset, folder)
    return folder


def _watched(
    trial: Trial, folder: Path, word: str, start: Weights | None, *, keep_model: bool
) -> Result:
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

        store = Store.open()
        return answer(trial, store, folder, keep_model=keep_model, watch=watch, start=start)


def _curves(result: Result, word: str) -> Table:
    table = Table("epoch", title=None, box=None, header_style="dim")
    for name in result.curves:
        table.add_column(name.replace("_score", f" {word}").replace("_", " "), justify="right")
    for epoch, values in enumerate(zip(*result.curves.values(), strict=True), start=1):
        shown = ["not finite" if value is None else f"{value:.4f}" for value in values]
        table.add_row(str(epoch), *shown)
    return table


def _closing(trial: Trial, run: Run, task: Task) -> str:
    result, metrics = run.result, run.result.metrics
    score, error = metrics["validation_score"], metrics["validation_error"]
    lines = [
        ("status", f"{result.status} after {result.steps} steps"),
        (f"validation {task.score}", f"{score:.4f}"),
        (f"validation {task.error.noun}", f"{error:.4g}"),
    ]
    if run.gap is not None:
        shown = [f"{metrics[f'gap_{name}']:.4f} {name}" for name in STATISTICS]
        lines.append(("by statistics", ", ".join(shown)))
        lines.append(("train/inference gap", f"{run.gap:+.1f} points (batch minus moving)"))
    lines += [("weights", result.weights_digest), ("trial", trial.key)]
    width = max(len(name) for name, _ in lines)
    return "\n".join(f"{name:{width}}  {text}" for name, text in lines)
