"""Composed sections: plain data as conf/ has them, on the way to records.

A group's section is flat: `_target_` names the code and the rest are its
arguments, except for keys such as `search`, which say something else.
"""

from __future__ import annotations

from typing import Any, TypeVar

from pydantic import ValidationError

from pipeline import modules
from pipeline.configuration.messages import Invalid, invalid, shown
from pipeline.content import Record

Plain = dict[str, Any]
R = TypeVar("R", bound=Record)

MOST_WHOLE = 2**63 - 1


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
    """Return a record of plain data, `below` the section whose keys these are.

    Raises:
        Invalid: The first thing that is wrong, named by its key in conf/.
    """
    try:
        return kind.parse(content)
    except ValidationError as error:
        raise invalid(error, below) from None


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


def component(section: Plain, key: str, *others: str) -> Plain:
    """Return a flat section as a component's fields; `others` are none of its arguments.

    Raises:
        Invalid: It names no code.
    """
    if "_target_" not in section:
        raise Invalid(f"{key}._target_", "is missing")
    taken = {"_target_", *others}
    arguments = {name: value for name, value in section.items() if name not in taken}
    return {"target": section["_target_"], "arguments": arguments}


def check_module(key: str, target: str) -> None:
    """Check that the code which a section names is there, without importing it.

    Raises:
        Invalid: It is not, or could not be part of a trial's identity.
    """
    if problem := modules.trouble(target):
        raise Invalid(f"{key}._target_", problem)
