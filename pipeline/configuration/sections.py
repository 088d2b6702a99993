"""From composed sections, plain data as conf/ has them, to records.

A group's section is flat: `_target_` names the code and the rest are its
arguments, except for what this file takes out of it: `search` (its searched
dimensions), `grid` and `placement`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

from pydantic import ValidationError

from pipeline.content import Record
from pipeline.errors import nearest
from pipeline.records import Cell, CellFields, Dataset, Study, Task

Plain = dict[str, Any]
R = TypeVar("R", bound=Record)

UNION = re.compile(r"constrained-\w+|tuple\[.*\]")  # pydantic names the branch it tried
WORDING = {
    "a valid ": "a ",
    "an object": "a group of keys",
    "greater than or equal to": "at least",
    "less than or equal to": "at most",
    "a boolean": "true or false",
    "a integer": "a whole number",
    "a tuple": "a list",
    "match pattern '^(cpu|gpu:\\d+)$'": "be cpu or gpu:N",
}
SEARCHED = ("optimizer", "norm", "model")
MOST_SHOWN = 80  # characters of a key or a value in a message
MOST_POINTS = 10_000  # of a searched dimension: a grid lays out all of them
MOST_SEED = 2**32 - 1  # what NumPy and TensorFlow take
MOST_WHOLE = 2**63 - 1


class Invalid(Exception):
    """A key's value is not valid; `problem` follows the key in a sentence."""

    def __init__(self, key: str, problem: str) -> None:
        super().__init__(f"{brief(key)} {problem}")
        self.key = key
        self.problem = problem


def brief(text: str) -> str:
    """Return text as a message shows it: printable, and without its middle where it is long."""
    shown = text if text.isprintable() else ascii(text)[1:-1]
    if len(shown) <= MOST_SHOWN:
        return shown
    return f"{shown[: MOST_SHOWN - 25]} ... {shown[-20:]}"


def shown(value: object) -> str:
    """Return a value as a message shows it."""
    return brief(repr(value))


def check_plain(content: object, key: str = "") -> None:
    """Check that composed content is plain data: groups of keys, lists, text and numbers.

    Raises:
        Invalid: A key is no text, or a value is something else, such as bytes.
    """
    if isinstance(content, dict):
        for name, value in content.items():
            below = f"{key}.{name}" if key else str(name)
            if not isinstance(name, str):
                raise Invalid(below, f"is not a known key: it is no text, but {shown(name)}")
            check_plain(value, below)
    elif isinstance(content, list):
        for value in content:
            check_plain(value, key)
    elif isinstance(content, str):
        if not content.isprintable() and content != content.encode(errors="replace").decode():
            raise Invalid(key, f"must be valid Unicode text, got {shown(content)}")
    elif isinstance(content, int):  # true and false are whole numbers too
        if abs(content) > MOST_WHOLE:
            raise Invalid(key, f"must be between -2^63 and 2^63, got {shown(content)}")
    elif not isinstance(content, float | None):
        kind = type(content).__name__
        raise Invalid(key, f"must be a number, text, true, false, null or a list, got {kind}")


def parsed(kind: type[R], content: Plain, *, below: str = "") -> R:
    """Return a record of plain data.

    Args:
        kind: The record's class.
        content: Its fields.
        below: The section whose keys these are, if they do not stand at the top.

    Raises:
        Invalid: The first thing that is wrong, named by its key in conf/.
    """
    try:
        return kind.parse(content)
    except ValidationError as error:
        raise _first(error, below) from None


def _first(error: ValidationError, below: str) -> Invalid:
    errors = error.errors()
    found = next((each for each in errors if each["type"] == "finite_number"), errors[0])
    context = found.get("ctx", {})
    path = [str(part) for part in found["loc"] if not UNION.fullmatch(str(part))]
    if "arguments" in path and found["type"] not in ("argument", "finite_number"):
        found["msg"] = "Input should be a number, text, true, false, null or a list of these"
    if "arguments" in path:
        end = path.index("arguments")
        path = [*path[:end], *path[end + 1 : end + 2], *filter(None, [context.get("argument")])]
    if path[:1] == ["space"]:  # space, norm.epsilon, low -> norm.search.epsilon.low
        section, _, name = path[1].rpartition(".")
        path = [*filter(None, [section]), "search", name, *path[2:]]
    names = {"layer": None, "pool": None, "scoring": None, "target": "_target_"}
    said = [names.get(part, part) for part in ([below] if below else []) + path]
    key = ".".join(part for part in said if part)
    value = context.get("value", found["input"])
    message = found["msg"].removeprefix("Value error, ")
    if found["type"] == "missing":
        return Invalid(key, "is missing")
    if found["type"] == "extra_forbidden":
        return Invalid(key, "is not a known key")
    if "should" in message:
        wanted = message.partition("should ")[2]
        for pydantic_says, plainly in WORDING.items():
            wanted = wanted.replace(pydantic_says, plainly)
        return Invalid(key, f"must {wanted}, got {shown(value)}")
    return Invalid(key, message)


def mapping(sections: Plain, name: str, *, below: str = "") -> Plain:
    """Return the section `name`, which stands `below` another one or at the top.

    Raises:
        Invalid: It is missing, or not a mapping.
    """
    key = f"{below}.{name}" if below else name
    if name not in sections:
        raise Invalid(key, "is missing")
    if not isinstance(sections[name], dict):
        raise Invalid(key, f"must be a group of keys, got {shown(sections[name])}")
    return dict(sections[name])


def component(section: Plain, key: str) -> Plain:
    """Return a flat section as a component's fields."""
    if "_target_" not in section:
        raise Invalid(f"{key}._target_", "is missing")
    arguments = {name: value for name, value in section.items() if name != "_target_"}
    return {"target": section["_target_"], "arguments": arguments}


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
    placement = norm.pop("placement", None)
    plain = norm.get("_target_", "") is None
    left_over = sorted(norm.keys() - {"_target_", "search"}) if plain else []
    if left_over:
        raise Invalid(
            f"norm.{left_over[0]}", "belongs to no layer: the arm is plain, its _target_ is null"
        )
    fields = {name: sections[name] for name in sections if name in CellFields.model_fields}
    fields |= {
        "dataset": choices["dataset"],
        "task": task.plain(),
        "model_name": choices["model"],
        "optimizer_name": choices["optimizer"],
        "arm": choices["norm"],
        "norm": {
            "layer": None if plain else component(_without(norm, "search"), "norm"),
            "placement": placement,
        },
        "model": component(_without(mapping(sections, "model"), "search", "grid"), "model"),
        "optimizer": component(_without(mapping(sections, "optimizer"), "search"), "optimizer"),
    }
    return fields


def study_fields(
    sections: Plain, choices: dict[str, str], task: Task, experiment: str, axes: Mapping[str, Any]
) -> Plain:
    """Return what the sections say of a study: its cell, design, space and axes.

    Args:
        sections: Composed sections.
        choices: The chosen file of each group.
        task: The dataset's.
        experiment: Its name.
        axes: The experiment's, by full names; those of a norm's argument that this
            arm does not have are no axes of its own.
    """
    design = mapping(sections, "design")
    if isinstance(design.get("proposer"), dict):
        design["proposer"] = component(design["proposer"], "design.proposer")
    own = {name: values for name, values in axes.items() if has_axis(sections, name)}
    return cell_fields(sections, choices, task) | {
        "experiment": experiment,
        "design": design,
        "space": dict(_dimensions(sections)) if design.get("searches") else {},
        "axes": own,
        "seeds": sections.get("seeds"),
        "confirm_seeds": sections.get("confirm_seeds") if design.get("has_winner") else [],
    }


def has_axis(sections: Plain, name: str) -> bool:
    """Tell whether an arm has what an axis varies: every arm, but for arguments of norms.

    Raises:
        Invalid: It is no setting of any arm.
    """
    section, _, argument = name.partition(".")
    if name == "batch_size":
        return True
    content = sections.get(section) if section in SEARCHED else None
    if not isinstance(content, dict) or argument in ("", "_target_", "search", "grid"):
        known = {"batch_size", *(f"{each}.ARGUMENT" for each in SEARCHED)}
        raise Invalid(f"axes.{name}", f"is no setting{nearest(name, known)}")
    if argument not in content and section != "norm":
        known = set(content) - {"_target_", "search", "grid"}
        raise Invalid(f"axes.{name}", f"is no argument of {section}{nearest(argument, known)}")
    return argument in content


def check_axes(study: Study) -> None:
    """Check each value of each axis as if it stood in the configuration.

    Raises:
        Invalid: A value may not stand there.
    """
    for name, values in study.axes.items():
        for value in values:
            try:
                type(study).parse(study.placed({name: value}).plain())
            except ValidationError as error:
                raise Invalid(f"axes.{name}", _first(error, "").problem) from None


def claim_fields(section: Plain, name: str) -> Plain:
    """Return a claim's file as the record's fields; its name is the file's."""
    fields = dict(section)
    for group in ("parts", "beside"):
        listed = fields.get(group)
        if not isinstance(listed, list):
            raise Invalid(f"claim.{group}", f"must be a list, got {shown(listed)}")
        fields[group] = [_part(part, f"claim.{group}.{n}") for n, part in enumerate(listed)]
    return fields | {"name": name}


def _part(part: object, key: str) -> Plain:
    if not isinstance(part, dict):
        raise Invalid(key, f"must be a group of keys, got {shown(part)}")
    return {**part, "effect": component(mapping(part, "effect", below=key), f"{key}.effect")}


def _dimensions(sections: Plain) -> Iterator[tuple[str, Plain]]:
    grid = _grid(sections)
    for name, dimension in mapping(sections, "search").items():
        yield name, dimension
    for section in SEARCHED:
        content = mapping(sections, section)
        for name, dimension in mapping(content, "search", below=section).items():
            if name not in content:
                raise Invalid(
                    f"{section}.search.{name}",
                    f"searches an argument that {section} does not have"
                    + nearest(name, set(content) - {"_target_", "search", "grid", "placement"}),
                )
            full = f"{section}.{name}"
            points = {"points": grid[full]} if full in grid and isinstance(dimension, dict) else {}
            yield full, {**dimension, **points} if points else dimension


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


def check_fit(found: Dataset, cell: Cell | Study) -> None:
    """Check that examples and batches fit into the training split, and seeds into 32 bits.

    Raises:
        Invalid: They do not, now or somewhere in the searched range.
    """
    seeds: dict[str, tuple[int, ...]] = {"seed": (cell.seed,)}
    if isinstance(cell, Study):
        seeds |= {"seeds": cell.seeds, "confirm_seeds": cell.confirm_seeds}
        for name, dimension in cell.space.items():
            if dimension.points is not None and dimension.points > MOST_POINTS:
                raise Invalid(
                    f"search.{name}.points",
                    f"must be at most {MOST_POINTS}, got {dimension.points}",
                )
    for key, values in seeds.items():
        if max(values, default=0) > MOST_SEED:
            raise Invalid(key, f"must be at most {MOST_SEED}, got {max(values)}")
    if cell.examples > found.train:
        raise Invalid(
            "examples",
            f"must be at most the training split's {found.train}, got {cell.examples}",
        )
    if cell.batch_size > cell.examples:
        raise Invalid(
            "batch_size",
            f"must be at most the {cell.examples} training examples, got {cell.batch_size}",
        )
    if not isinstance(cell, Study):
        return
    largest = max(
        (size for size in cell.axes.get("batch_size", ()) if isinstance(size, int)), default=0
    )
    if largest > cell.examples:
        raise Invalid(
            "axes.batch_size",
            f"must be at most the {cell.examples} training examples, got {largest}",
        )
    searched = cell.space.get("batch_size")
    if searched is not None and searched.high > cell.examples:
        raise Invalid(
            "search.batch_size.high",
            f"must be at most the {cell.examples} training examples, got {searched.high:g}",
        )


def _without(section: Plain, *names: str) -> Plain:
    return {name: value for name, value in section.items() if name not in names}
