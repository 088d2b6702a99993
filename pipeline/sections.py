"""From composed sections, plain data as conf/ has them, to records.

A group's section is flat: `_target_` names the code and the rest are its
arguments, except for what this file takes out of it: `search` (its searched
dimensions), `grid` and `placement`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeVar

from pydantic import ValidationError

from pipeline.content import Record
from pipeline.errors import nearest
from pipeline.records import Cell, CellFields, Dataset, Study

Plain = dict[str, Any]
R = TypeVar("R", bound=Record)

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


class Invalid(Exception):
    """A key's value is not valid; `problem` follows the key in a sentence."""

    def __init__(self, key: str, problem: str) -> None:
        super().__init__(f"{key} {problem}")
        self.key = key
        self.problem = problem


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
    path = [str(part) for part in found["loc"]]
    if "arguments" in path and found["type"] not in ("argument", "finite_number"):
        found["msg"] = "Input should be a number, text, true, false, null or a list of these"
    if "arguments" in path:
        end = path.index("arguments")
        path = [*path[:end], *path[end + 1 : end + 2], *filter(None, [context.get("argument")])]
    if path[:1] == ["space"]:  # space, norm.epsilon, low -> norm.search.epsilon.low
        section, _, name = path[1].rpartition(".")
        path = [*filter(None, [section]), "search", name, *path[2:]]
    names = {"layer": None, "pool": None, "target": "_target_"}
    shown = [names.get(part, part) for part in ([below] if below else []) + path]
    key = ".".join(part for part in shown if part)
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
        return Invalid(key, f"must {wanted}, got {value!r}")
    return Invalid(key, message)


def mapping(sections: Plain, name: str) -> Plain:
    """Return the section `name`.

    Raises:
        Invalid: It is missing, or not a mapping.
    """
    if name not in sections:
        raise Invalid(name, "is missing")
    if not isinstance(sections[name], dict):
        raise Invalid(name, f"must be a group of keys, got {sections[name]!r}")
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


def cell_fields(sections: Plain, choices: dict[str, str]) -> Plain:
    """Return what the sections say of a cell.

    Args:
        sections: Composed sections; those that are no part of a cell are passed over.
        choices: The chosen file of each group.
    """
    norm = mapping(sections, "norm")
    placement = norm.pop("placement", None)
    plain = norm.get("_target_", "") is None
    fields = {name: sections[name] for name in sections if name in CellFields.model_fields}
    fields |= {
        "dataset": choices["dataset"],
        "model_name": choices["model"],
        "arm": choices["norm"],
        "norm": {
            "layer": None if plain else component(_without(norm, "search"), "norm"),
            "placement": placement,
        },
        "model": component(_without(mapping(sections, "model"), "search", "grid"), "model"),
        "optimizer": component(_without(mapping(sections, "optimizer"), "search"), "optimizer"),
    }
    return fields


def study_fields(sections: Plain, choices: dict[str, str], experiment: str) -> Plain:
    """Return what the sections say of a study: its cell, design and space."""
    design = mapping(sections, "design")
    if isinstance(design.get("proposer"), dict):
        design["proposer"] = component(design["proposer"], "design.proposer")
    return cell_fields(sections, choices) | {
        "experiment": experiment,
        "design": design,
        "space": dict(_dimensions(sections)),
        "confirm_seeds": sections.get("confirm_seeds"),
    }


def _dimensions(sections: Plain) -> Iterator[tuple[str, Plain]]:
    grid = mapping(sections, "model").get("grid") or {}
    for name, dimension in mapping(sections, "search").items():
        yield name, dimension
    for section in SEARCHED:
        content = mapping(sections, section)
        for name, dimension in mapping(content, "search").items():
            if name not in content:
                raise Invalid(
                    f"{section}.search.{name}",
                    f"searches an argument that {section} does not have"
                    + nearest(name, set(content) - {"_target_", "search", "grid", "placement"}),
                )
            full = f"{section}.{name}"
            points = {"points": grid[full]} if full in grid and isinstance(dimension, dict) else {}
            yield full, {**dimension, **points} if points else dimension


def check_fit(found: Dataset, cell: Cell | Study) -> None:
    """Check that examples and batches fit into the training split.

    Raises:
        Invalid: They do not, now or somewhere in the searched range.
    """
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
    searched = cell.space.get("batch_size") if isinstance(cell, Study) else None
    if searched is not None and searched.high > cell.examples:
        raise Invalid(
            "search.batch_size.high",
            f"must be at most the {cell.examples} training examples, got {searched.high:g}",
        )


def _without(section: Plain, *names: str) -> Plain:
    return {name: value for name, value in section.items() if name not in names}
