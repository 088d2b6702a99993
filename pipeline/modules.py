"""Where the module of a dotted path lies: found without importing anything.

To import a model's module is to import TensorFlow, which workers alone do. So
a path in conf/ is looked up in the file system, and its file is parsed.
"""

from __future__ import annotations

import ast
import sys
from importlib import util
from importlib.machinery import ModuleSpec
from pathlib import Path
from sysconfig import get_path

STDLIB = get_path("stdlib")


def source(module: str) -> Path | None:
    """Return the file of a module, or nothing where there is none.

    It is a `.py` file, unless the module is built into Python or compiled.
    """
    top, *rest = module.split(".")
    spec = _spec(top)
    if spec is None:
        return None
    if not rest and spec.origin:
        return Path(spec.origin)
    for folder in spec.submodule_search_locations or ():
        place = Path(folder, *rest)
        for file in (place.with_suffix(".py"), place / "__init__.py"):
            if file.is_file():
                return file
    return None


def places(top: str) -> list[Path]:
    """Return where a top-level package or module lies: its folders, or its file; absolute."""
    spec = _spec(top)
    if spec is None:
        return []
    if spec.submodule_search_locations is not None:
        return [Path(each).absolute() for each in spec.submodule_search_locations]
    return [Path(spec.origin).absolute()] if spec.origin and spec.has_location else []


def tree(file: Path) -> ast.Module:
    """Return a module's file as a syntax tree, in the encoding that it says.

    Raises:
        SyntaxError: It is no Python.
    """
    return ast.parse(file.read_bytes())


def module(target: str) -> str | None:
    """Return the module of a dotted path: its longest prefix that has a file, or nothing."""
    parts = target.split(".")
    prefixes = (".".join(parts[:length]) for length in range(len(parts) - 1, 0, -1))
    return next((prefix for prefix in prefixes if source(prefix)), None)


def trouble(target: str) -> str | None:
    """Return why a dotted path's module cannot be used, or nothing.

    It is missing, Python's own (no piece of a model, whatever calling it would do), compiled (what
    it does could not be part of a trial's identity), or no Python. Whether it imports is not known
    before it does.
    """
    top = target.partition(".")[0]
    found = module(target)
    file = source(found) if found else None
    if file is None and _spec(top) is None:
        return (
            f"names {target!r}, but there is no module {top!r} among what is installed, "
            "in PYTHONPATH, or in the current folder"
        )
    if file is None:
        return f"names {target!r}, but there is no such module in {top!r}"
    if file.suffix != ".py":
        return (
            f"names {target!r}, but {top} is compiled or built into Python, so that its code "
            "cannot be part of a trial's identity; call it from a module of your own"
        )
    if top in sys.stdlib_module_names and file.is_relative_to(STDLIB):
        return (
            f"names {target!r}, but {top} is Python's own and nothing that a configuration calls; "
            "name a class or function of Keras's, of this package, or of yours"
        )
    try:
        tree(file)
    except SyntaxError as error:
        place = "" if error.lineno is None else f"line {error.lineno}: "
        return f"names {target!r}, but {file} is no Python: {place}{error.msg}"
    except (OSError, ValueError) as error:
        return f"names {target!r}, but {file} cannot be read: {error}"
    return None


def _spec(top: str) -> ModuleSpec | None:
    try:
        return util.find_spec(top)
    except ValueError:  # a module without a file, such as __main__
        return None
