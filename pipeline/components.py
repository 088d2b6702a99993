"""Classes and functions by dotted path: found, and built with their flat arguments.

The path is written in conf/, so a path that leads nowhere, or an argument that
nobody takes, is a user's mistake and is refused with the nearest valid name.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

from pipeline.errors import Refusal, nearest, reason_of
from pipeline.prints import in_one_line
from pipeline.records import Component

LIBRARIES = ("keras", "tensorflow", "numpy")


def resolve(path: str) -> object:
    """Return what a dotted path such as `package.module.name` leads to.

    Raises:
        Refusal: A module does not import, or a name does not exist.
    """
    parts = path.split(".")
    found: object = _imported(parts[0], path)
    for depth, part in enumerate(parts[1:], start=2):
        if not hasattr(found, part) and hasattr(found, "__path__"):
            found = _imported(".".join(parts[:depth]), path, found)
        elif hasattr(found, part):
            found = getattr(found, part)
        else:
            place = ".".join(parts[: depth - 1])
            raise Refusal(f"{path}: {place} has no {part!r}{nearest(part, _names(found))}")
    return found


def build(component: Component, *positional: Any, **more: Any) -> Any:
    """Call a component with its own arguments and with those only the caller has.

    A class that refuses its arguments with a TypeError or ValueError is a
    Refusal; an exception from inside a function is that function's own.

    Raises:
        Refusal: The path leads nowhere or to nothing callable, an argument is
            unknown, given twice or missing, or a class refuses a value.
    """
    target = callable_of(component, *positional, **more)
    arguments = {**component.arguments, **more}
    try:
        with in_one_line(component.target):
            return target(*positional, **arguments)
    except (TypeError, ValueError) as error:
        if not inspect.isclass(target):
            raise
        named = _named_parameters(target)
        unknown = [name for name in component.arguments if named and name not in named]
        hint = nearest(unknown[0], named) if unknown else ""
        raise Refusal(f"{component.target}: refuses its arguments: {error}{hint}") from error


def callable_of(component: Component, *positional: Any, **more: Any) -> Callable[..., Any]:
    """Return what `build` would call, once it is known to take these arguments.

    Raises:
        Refusal: The path leads nowhere or to nothing callable, or an argument is
            unknown, given twice or missing.
    """
    target = resolve(component.target)
    if not callable(target):
        raise Refusal(f"{component.target}: is a {type(target).__name__}, not a class or function")
    if twice := sorted(component.arguments.keys() & more.keys()):
        raise Refusal(f"{component.target}: {twice[0]} is set by the caller; remove it from conf/")
    _check_call(component.target, target, positional, {**component.arguments, **more})
    return target


def is_from_library(found: object) -> bool:
    """Tell whether a function or class is Python's or a library's: nobody's own."""
    module = str(getattr(found, "__module__", "")).partition(".")[0]
    return module in LIBRARIES or module in sys.stdlib_module_names


def _signature(target: Any) -> inspect.Signature | None:
    try:
        return inspect.signature(target.__init__ if inspect.isclass(target) else target)
    except ValueError:  # written in C, without a signature
        return None


def _named_parameters(target: Any) -> list[str]:
    signature = _signature(target)
    if signature is None:
        return []
    kinds = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    named = [name for name, parameter in signature.parameters.items() if parameter.kind in kinds]
    return named[1:] if inspect.isclass(target) else named


def _check_call(path: str, target: Any, positional: tuple[Any, ...], given: dict[str, Any]) -> None:
    signature = _signature(target)
    if signature is None:
        return
    if inspect.Parameter.VAR_KEYWORD not in {each.kind for each in signature.parameters.values()}:
        named = _named_parameters(target)
        for name in given:
            if name not in named:
                raise Refusal(f"{path}: takes no argument {name!r}{nearest(name, named)}")
    try:
        signature.bind(*([None] if inspect.isclass(target) else []), *positional, **given)
    except TypeError as error:
        raise Refusal(f"{path}: cannot be called with {sorted(given)}: {error}") from None


def _imported(module: str, path: str, parent: object = None) -> ModuleType:
    try:
        with in_one_line(path):
            return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name != module:
            raise Refusal(f"{path}: {module} needs {error.name!r}; install it") from error
        if parent is None:
            raise Refusal(f"{path}: no module {module!r}; install it or correct the path") from None
        place, _, name = module.rpartition(".")
        raise Refusal(f"{path}: {place} has no {name!r}{nearest(name, _names(parent))}") from None
    except (Exception, SystemExit) as error:  # its code may do anything
        raise Refusal(f"{path}: {module} does not import: {reason_of(error)}") from error


def _names(found: object) -> list[str]:
    """Return the public names that a path could go on with."""
    inside = [
        module.name for module in pkgutil.iter_modules(getattr(found, "__path__", None) or [])
    ]
    offered = [name for name in dir(found) if callable(getattr(found, name, None))]
    return [name for name in inside + offered if not name.startswith("_")]
