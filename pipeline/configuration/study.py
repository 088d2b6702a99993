"""An experiment's studies: every arm of every cell, with its design, its space and its axes."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from pipeline.components import build, resolve
from pipeline.configuration import folders
from pipeline.configuration.cell import FIT, MOST_SEED, cell_fields, check_cell, dataset
from pipeline.configuration.composition import alone, check_choice, composition
from pipeline.configuration.hydra import Told, choosing
from pipeline.configuration.messages import Invalid, brief, check_at_most, invalid, searched, shown
from pipeline.configuration.searches import of_search, searches_of
from pipeline.configuration.sections import Plain, component, mapping, parsed
from pipeline.errors import Refusal, nearest
from pipeline.records import Task
from pipeline.studies import Dataset, Study

GROUPS = ("dataset", "model", "optimizer", "norm")
SEARCHED = ("optimizer", "norm", "model")
NO_ARGUMENTS = {"_target_", "search", "grid", "compiles", "placement"}  # keys of a section
OWN = ("batch_size", "precision")  # settings of a cell that are nothing's argument
MOST_POINTS = 10_000  # of a searched dimension: a grid lays out all of them


def experiment(conf: Path, name: str, place: str) -> Plain:
    """Return an experiment's file; `place` is who names it."""
    lists = (*(f"{group}s" for group in GROUPS), "overrides")
    return alone(conf, "experiment", name, place, lists=lists, others=("design", "axes", "start"))


def studies(
    conf: Path, name: str, profile: Told, task_of: Callable[[str, str], Task]
) -> Iterator[tuple[Study, Dataset]]:
    """Yield the studies of an experiment with their datasets, under a profile's overrides.

    `task_of` composes a dataset's task of its name, and the place that names it.

    Raises:
        Refusal: Something in the configuration is not valid.
    """
    content = experiment(conf, name, profile.place)
    place = str(folders.found(conf, "experiment", f"{name}.yaml"))
    axes = _axes(content, place)
    start = _start(content, place)
    used: set[str] = set()
    for chosen in itertools.product(*(content[f"{group}s"] for group in GROUPS)):
        files = [*zip(GROUPS, chosen, strict=True), ("design", str(content.get("design")))]
        for group, choice in files:
            check_choice(conf, group, choice, place)
        choices = (choosing(group, choice) for group, choice in files)
        composed = composition(
            conf, "study", [Told(place, (*choices, *content["overrides"])), profile]
        )
        with composed.refusing():
            found = dataset(composed.content)
            task = task_of(found.task, composed.place("dataset.task"))
            try:
                fields = _fields(composed.content, composed.choices, task, name, axes)
                fields["start"] = start
                found_searches = _searches(fields, composed.content, content["norms"])
                for study in found_searches:
                    _check_axes(study)
                    check_cell(found, study)
                    _check_fit(study)
            except Invalid as problem:
                if problem.key.startswith("axes"):  # no override: they stand in the experiment
                    raise Refusal(f"{place}: {problem}") from None
                raise
        used |= found_searches[0].axes.keys()
        yield from ((study, found) for study in found_searches)
    if unused := sorted(axes.keys() - used):
        raise Refusal(f"{place}: axes.{brief(unused[0])} is an argument of none of its arms")


def _axes(content: Plain, place: str) -> dict[str, list[Any]]:
    """Return an experiment's axes: lists of values by the settings' full names."""
    axes = content.get("axes")
    if not isinstance(axes, dict):
        raise Refusal(f"{place}: axes must be a group of keys, got {shown(axes)}")
    for name, values in axes.items():
        if not isinstance(values, list) or not values:
            raise Refusal(
                f"{place}: axes.{brief(name)} must be a list of values, got {shown(values)}"
            )
        if len({str(value) for value in values}) < len(values):
            raise Refusal(f"{place}: axes.{brief(name)} lists a value twice")
    return axes


def _start(content: Plain, place: str) -> str | None:
    """Return the experiment from whose trials an experiment's trials start, if it names one."""
    start = content.get("start")
    if start is not None and not isinstance(start, str):
        raise Refusal(f"{place}: start must be the name of an experiment, got {shown(start)}")
    return start


def _fields(
    sections: Plain, choices: dict[str, str], task: Task, experiment: str, axes: Mapping[str, Any]
) -> Plain:
    """Return what the sections say of a study; the axes of arguments it lacks are not its own."""
    design = mapping(sections, "design")
    if isinstance(design.get("proposer"), dict):
        design["proposer"] = component(design["proposer"], "design.proposer")
    return cell_fields(sections, choices, task) | {
        "experiment": experiment,
        "design": design,
        "space": dict(_dimensions(sections)) if design.get("searches") else {},
        "search": 1,
        "axes": {name: values for name, values in axes.items() if _has_axis(sections, name)},
        "seeds": sections.get("seeds"),
        "confirm_seeds": sections.get("confirm_seeds") if design.get("has_winner") else [],
    }


def _searches(fields: Plain, sections: Plain, arms: list[str]) -> list[Study]:
    """Return the independent searches of an arm, or its one study."""
    first = _designed(fields)
    has_winner = first.design.has_winner
    count = searches_of(sections, first.arm, arms, has_winner=has_winner)
    if count == 1:
        return [first]
    return [_designed(of_search(fields, number)) for number in range(1, count + 1)]


def _has_axis(sections: Plain, name: str) -> bool:
    """Tell whether an arm has what an axis varies: every arm, but for arguments of norms."""
    section, _, argument = name.partition(".")
    if name in OWN:
        return True
    content = sections.get(section) if section in SEARCHED else None
    if not isinstance(content, dict) or argument in NO_ARGUMENTS | {""}:
        known = {*OWN, *(f"{each}.ARGUMENT" for each in SEARCHED)}
        raise Invalid(f"axes.{name}", f"is no setting{nearest(name, known)}")
    if argument not in content and section != "norm":
        known = set(content) - NO_ARGUMENTS
        raise Invalid(f"axes.{name}", f"is no argument of {section}{nearest(argument, known)}")
    return argument in content


def _dimensions(sections: Plain) -> Iterator[tuple[str, Plain]]:
    grid = _grid(sections)
    yield from mapping(sections, "search").items()
    for section in SEARCHED:
        content = mapping(sections, section)
        for name, dimension in mapping(content, "search", below=section).items():
            full = f"{section}.{name}"
            if name not in content:
                known = nearest(name, set(content) - NO_ARGUMENTS)
                raise Invalid(
                    searched(full), f"searches an argument that {section} does not have{known}"
                )
            has_points = full in grid and isinstance(dimension, dict)
            yield full, {**dimension, "points": grid[full]} if has_points else dimension


def _grid(sections: Plain) -> Plain:
    """Return how many values the model's grid has of dimensions, by their full names."""
    model = mapping(sections, "model")
    grid = mapping(model, "grid", below="model") if "grid" in model else {}
    for full in grid:
        section, _, name = full.partition(".")
        known = sections.get(section) if section in SEARCHED else None
        # an arm may lack what another one searches
        if not isinstance(known, dict) or (section != "norm" and name not in known):
            raise Invalid(f"model.grid.{full}", "is no argument of optimizer, norm or model")
    return grid


def _designed(fields: Plain) -> Study:
    """Return a study whose design has a number of trials and a proposer that takes its space."""
    design = fields["design"]
    is_open = design.get("trials", 0) is None
    study = parsed(Study, fields | {"design": design | {"trials": 1}} if is_open else fields)
    proposer = study.design.proposer
    try:
        if is_open:
            if not hasattr(resolve(proposer.target), "size"):
                raise Invalid("design.trials", "must be a number: this design has no end")
            size = proposer.model_copy(update={"target": f"{proposer.target}.size"})
            trials = build(size, study)
            study = parsed(Study, fields | {"design": design | {"trials": trials}})
        build(proposer, study)
    except Refusal as refusal:
        raise Invalid("design.proposer", f"cannot be used: {refusal}") from None
    return study


def _check_axes(study: Study) -> None:
    """Check each value of each axis as if it stood in the configuration."""
    for name, values in study.axes.items():
        for value in values:
            try:
                Study.parse(study.placed({name: value}).plain())
            except ValidationError as error:
                raise Invalid(f"axes.{name}", invalid(error).problem) from None


def _check_fit(study: Study) -> None:
    """Check that seeds fit into 32 bits, grids into memory, and batches into the examples."""
    last = study.seed_of(study.design.trials - 1)
    for key, seeds in {"seeds": (*study.seeds, last), "confirm_seeds": study.confirm_seeds}.items():
        check_at_most(key, max(seeds, default=0), MOST_SEED)
    for name, dimension in study.space.items():
        check_at_most(f"{searched(name)}.points", dimension.points or 0, MOST_POINTS)
    sizes: Sequence[Any] = study.axes.get("batch_size", ())
    check_at_most("axes.batch_size", max(sizes, default=0), study.examples, FIT)
    if sizes_searched := study.space.get("batch_size"):
        check_at_most("search.batch_size.high", sizes_searched.high, study.examples, FIT)
