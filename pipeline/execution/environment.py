"""What decides the digits besides the question: versions, processor, and the code that trains.

The code's digest covers `pipeline.training`, `pipeline.models` and `pipeline.tasks` as far
as this trial uses them, and what they import of their own package, as normalized syntax
trees: formatting, comments and docstrings change nothing, nor does a module
that the trial does not name. Data are covered by the digest of their arrays.
"""

from __future__ import annotations

import ast
import hashlib
import platform
import subprocess
from collections.abc import Iterable, Iterator
from functools import cache
from importlib import metadata
from pathlib import Path

from pipeline import modules
from pipeline.errors import Refusal
from pipeline.records import Component, Environment

CARTPOLE = "gymnasium.envs.classic_control.cartpole"  # what it steps by decides digits as we do
FOLLOWED = (
    *("pipeline.training", "pipeline.models", "pipeline.tasks", "pipeline.components"),
    CARTPOLE,
)
SETTINGS = "pipeline.training.determinism"  # decides the digits, whatever trains
VERSIONED = ("keras", "tensorflow")  # covered by their version
FLAGS = ("sse4_2", "fma", "avx", "avx2", "avx_vnni", "avx512", "amx", "asimd", "sve", "bf16")


def environment(parts: Iterable[Component], trainer: str) -> Environment:
    """Return what decides the digits of a trial that is built from these components.

    `trainer` is the module of `pipeline.training` that trains it.

    Raises:
        Refusal: A component's module cannot be found.
    """
    named = {
        _module(component.target)
        for component in parts
        if component.target.partition(".")[0] not in VERSIONED
    }
    return Environment(
        tensorflow=_version("tensorflow"),
        keras=_version("keras"),
        numpy=_version("numpy"),
        processor=processor(),
        threads=1,
        code=code_digest(frozenset({*named, f"pipeline.training.{trainer}"})),
    )


_version = cache(metadata.version)


@cache
def processor() -> str:
    """Return the kind of processor: architecture, family and vector instructions."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except FileNotFoundError:  # not Linux
        return f"{platform.machine()} {_sysctl_brand() or platform.processor()}".strip()
    fields = {
        name.strip(): value.strip() for name, _, value in (line.partition(":") for line in lines)
    }
    flags = (fields.get("flags") or fields.get("Features", "")).split()
    vector = sorted(flag for flag in flags if flag.startswith(FLAGS))
    family = [fields.get(name, "") for name in ("vendor_id", "cpu family", "model")]
    return " ".join([platform.machine(), *filter(None, family), *vector])


def _sysctl_brand() -> str:
    try:
        done = subprocess.run(
            ["sysctl", "-n", "machdep.cpu.brand_string"],
            capture_output=True,
            text=True,
            check=False,
        )
    except FileNotFoundError:
        return ""
    return done.stdout.strip()


def _module(target: str) -> str:
    found = modules.module(target)
    if found is None:
        raise Refusal(f"{target}: no module {target.rpartition('.')[0]!r} can be imported")
    return found


@cache
def code_digest(named: frozenset[str]) -> str:
    """Return the SHA-256 of the syntax trees that train a trial of these modules.

    A user's own modules are followed within their own package.
    """
    return digest_of_modules(frozenset({SETTINGS, *named}))


def digest_of_modules(named: Iterable[str]) -> str:
    """Return the SHA-256 of the syntax trees of modules, and of what they import of their own."""
    wanted, seen = list(named), dict[str, str]()
    while wanted:
        name = wanted.pop()
        file = modules.source(name)
        if name in seen or file is None:
            continue
        package = name if file.name == "__init__.py" else name.rpartition(".")[0]
        seen[name], imported = _read(file.read_bytes(), package)
        if name == CARTPOLE:  # alone: what it imports draws pictures and checks actions
            continue
        followed = FOLLOWED if name.startswith("pipeline.") else (name.partition(".")[0],)
        wanted += [found for found in imported if found.startswith(followed)]
    text = "".join(f"{name}\n{code}\n" for name, code in sorted(seen.items()))
    return hashlib.sha256(text.encode()).hexdigest()


def own_code(targets: Iterable[str]) -> dict[str, str]:
    """Return the digest of each module of a user's own that dotted paths lead to, by its name.

    This package's own modules, and libraries that a version covers, are left out.

    Raises:
        Refusal: A module cannot be found.
    """
    others = {path for path in targets if path.partition(".")[0] not in ("pipeline", *VERSIONED)}
    return {name: digest_of_modules([name]) for name in sorted({_module(path) for path in others})}


@cache
def _read(source: bytes, package: str) -> tuple[str, tuple[str, ...]]:
    """Return a module's code, normalized, and what it imports; once for all trials that use it."""
    tree = ast.parse(source)
    return normalized(tree), tuple(_imported(tree, package))


def normalized(tree: ast.Module) -> str:
    """Return source text of the tree without comments, docstrings and formatting."""
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
            and ast.get_docstring(node, clean=False) is not None
        ):
            node.body = node.body[1:] or [ast.Pass()]
    return ast.unparse(tree)


def _imported(tree: ast.Module, package: str) -> Iterator[str]:
    """Yield the full names of the modules, or names in modules, that code in `package` imports."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parents = package.split(".")
            above = parents[: len(parents) - node.level + 1] if node.level else []
            start = ".".join([*above, *filter(None, [node.module])])
            yield start
            yield from (f"{start}.{alias.name}" for alias in node.names)
