"""A cell: what `normbench train` asks, one record for each combination of its overrides' values."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.configuration.composition import Composed, combinations, composition
from pipeline.configuration.folders import names
from pipeline.configuration.hydra import Told, choosing, overrides_of
from pipeline.configuration.messages import Invalid, check_at_most, shown
from pipeline.configuration.moment import at_one_moment
from pipeline.configuration.sections import Plain, check_module, component, mapping, parsed
from pipeline.configuration.task import compose_task
from pipeline.errors import nearest
from pipeline.modules import trouble
from pipeline.records import WRAPPED, Component, Task
from pipeline.studies import Cell, CellFields, Dataset

COMMAND_LINE = "command line"
MOST_SEED = 2**32 - 1  # what NumPy and TensorFlow take
FIT = "the {} training examples"


@dataclass(frozen=True)
class Asked:
    """One composed request for a training run, and the overrides that made it."""

    overrides: tuple[str, ...]
    dataset: Dataset
    cell: Cell
    summary: bool


@at_one_moment()
def compose_cells(conf: Path, overrides: Sequence[str], *, multirun: bool) -> list[Asked]:
    """Compose conf/train.yaml, once for each combination of the overrides' values.

    Args:
        conf: The folder of configuration groups.
        overrides: From the command line, in Hydra's grammar.
        multirun: Whether an override may list several values.

    Raises:
        Refusal: Something in the configuration or the overrides is not valid.
    """
    told = Told(COMMAND_LINE, tuple(overrides))
    return [
        _asked(conf, composition(conf, "train", [Told(COMMAND_LINE, _by_task(conf, chosen))]))
        for chosen in combinations(conf, told, multirun=multirun)
    ]


def _by_task(conf: Path, overrides: tuple[str, ...]) -> tuple[str, ...]:
    """Return overrides in which a task of one dataset alone stands for that dataset."""
    found = list(overrides)
    for place, override in enumerate(overrides_of(Told(COMMAND_LINE, overrides))):
        if override.key_or_group == "task":
            own = [name for name in names(conf, "dataset") if _task(conf, name) == override.value()]
            found[place] = choosing("dataset", own[0]) if len(own) == 1 else overrides[place]
    return tuple(found)


def _task(conf: Path, dataset: str) -> object:
    content = composition(conf, f"dataset/{dataset}", []).content
    return mapping(content, "dataset").get("task")


def _asked(conf: Path, composed: Composed) -> Asked:
    with composed.refusing():
        content = composed.content
        _check_nothing_is_searched(composed.told)
        derived = {"arm", "model_name", "optimizer_name", "task"}
        known = {*Cell.model_fields, "search", "summary"} - derived
        for name in content:
            if name not in known:
                raise Invalid(name, f"is not a known key{nearest(name, known)}")
        found = dataset(content)
        task = compose_task(conf, found.task, composed.place("dataset.task"))
        start = content.get("start")
        if isinstance(start, int) and not isinstance(start, bool):  # digits of a key, none a letter
            start = str(start)
        cell = parsed(Cell, cell_fields(content, composed.choices, task) | {"start": start})
        check_cell(found, cell)
        summary = content.get("summary")
        if not isinstance(summary, bool):
            raise Invalid("summary", f"must be true or false, got {shown(summary)}")
    return Asked(composed.told[0].overrides, found, cell, summary)


def _check_nothing_is_searched(told: Sequence[Told]) -> None:
    for override in itertools.chain.from_iterable(overrides_of(each) for each in told):
        key = override.key_or_group
        if key == "model.grid" or key.startswith("model.grid.") or "search" in key.split(".")[:2]:
            raise Invalid(key, "says what a sweep searches; train takes single values")


def dataset(sections: Plain) -> Dataset:
    """Return the dataset section as a record."""
    section = mapping(sections, "dataset")
    if isinstance(section.get("source"), dict):
        section["source"] = component(section["source"], "dataset.source")
    return parsed(Dataset, section, below="dataset")


def cell_fields(sections: Plain, choices: dict[str, str], task: Task) -> Plain:
    """Return what the sections say of a cell.

    Args:
        sections: Composed sections; those that are no part of a cell are passed over.
        choices: The chosen file of each group.
        task: The dataset's.
    """
    for group in ("dataset", "model", "norm", "optimizer"):
        mapping(sections, group)
        if group not in choices:
            raise Invalid(group, f"has no file: name one in the defaults, such as {group}: NAME")
    norm = mapping(sections, "norm")
    plain = norm.get("_target_", "") is None
    left_over = sorted(norm.keys() - {"_target_", "search", "placement"}) if plain else []
    if left_over:
        raise Invalid(
            f"norm.{left_over[0]}", "belongs to no layer: the arm is plain, its _target_ is null"
        )
    layer = None if plain else component(norm, "norm", "search", "placement")
    model = sections["model"]
    compiles = model.get("compiles", True)
    if not isinstance(compiles, bool):
        raise Invalid("model.compiles", f"must be true or false, got {shown(compiles)}")
    trainer = task.trainers[0] if sections.get("trainer") is None else sections["trainer"]
    if trainer == "compiled" and not compiles:
        others = [each for each in task.trainers if each != trainer]
        raise _no_trainer(others, choices["model"], choices["dataset"], trainer)
    return {name: sections[name] for name in sections if name in CellFields.model_fields} | {
        "dataset": choices["dataset"],
        "task": task.plain(),
        "trainer": trainer,
        "model_name": choices["model"],
        "optimizer_name": choices["optimizer"],
        "arm": choices["norm"],
        "norm": {"layer": layer, "placement": norm.get("placement")},
        "model": component(model, "model", "search", "grid", "compiles"),
        "optimizer": component(sections["optimizer"], "optimizer", "search"),
    }


def _no_trainer(known: Sequence[str], model: str, dataset: str, got: str) -> Invalid:
    *others, last = known
    trainers = f"{', '.join(others)} or {last}" if others else last
    return Invalid("trainer", f"must be {trainers}, which train {model} on {dataset}, got {got}")


def check_wrapped(model: Component) -> None:
    """Check that the function is there whose model another one wraps.

    Raises:
        Invalid: It is not.
    """
    key = f"model.{WRAPPED}"
    try:
        found = model.wrapped
    except ValueError:
        said = shown(model.arguments[WRAPPED])
        raise Invalid(key, f"must be a dotted path such as my.module.name, got {said}") from None
    if found is not None and (problem := trouble(found.target)):
        raise Invalid(key, problem)


def check_cell(found: Dataset, cell: CellFields) -> None:
    """Check that examples, a batch and the seed fit, and that the code that is named is there.

    Raises:
        Invalid: They do not, or it is not.
    """
    if cell.trainer not in cell.task.trainers:
        raise _no_trainer(cell.task.trainers, cell.model_name, cell.dataset, cell.trainer)
    check_at_most("seed", cell.seed, MOST_SEED)
    check_at_most("examples", cell.examples, found.train, "the training split's {}")
    check_at_most("batch_size", cell.batch_size, cell.examples, FIT)
    check_module("dataset.source", found.source.target)
    check_module("model", cell.model.target)
    check_wrapped(cell.model)
    if cell.norm.layer:
        check_module("norm", cell.norm.layer.target)
    check_module("optimizer", cell.optimizer.target)
