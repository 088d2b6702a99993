"""The files of conf/: what a group offers, who says a key, and what reads other than it looks.

Hydra composes them; here they are looked at one by one, to name the one that a mistake stands in.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from pipeline.configuration import folders
from pipeline.configuration.moment import once

TEXT, MERGE = "tag:yaml.org,2002:str", "tag:yaml.org,2002:merge"
ABSENT = object()
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
# YAML 1.1 reads 010 as eight and 1:30 as ninety, which nobody means
MOST_BYTES = 1 << 20  # of a file
MOST_VALUES = 10_000  # of a file, its aliases written out
DEEPEST = 50  # levels of a file, well below where Hydra recurses too deeply
DISGUISED = re.compile(r"[-+]?(0[0-9_]+|[0-9][0-9_]*(:[0-5]?[0-9])+)")


def home(conf: Path, file: Path, key: str) -> Path | None:
    """Return the file that says a dotted key: this one, one that it starts from, or none."""
    chain = _chain(conf, file)
    return next((each for each in chain if _at(_content(each), key) is not ABSENT), None)


def chained(conf: Path, files: Sequence[Path]) -> list[Path]:
    """Return readable files and those that they start from, each once."""
    return list(dict.fromkeys(each for named in files for each in _chain(conf, named)))


def text_of(file: Path) -> str | None:
    """Return a file's text, or nothing where there is none to read."""
    return _look(file)[0] if _is_file(file) else None


def flaw(text: str) -> str | None:
    """Return what is wrong with a file of this text, or nothing."""
    return _read(text)[0]


def damaged(conf: Path) -> str | None:
    """Return what is wrong with the first file that is no YAML, or nothing."""
    return next((said for file in folders.every(conf) if (said := _damage(file))), None)


@once
def swollen(conf: Path) -> str | None:
    """Return the first file that is no configuration but a bomb, or nothing.

    A file of few lines whose aliases name one another composes for hours.
    """
    for file in folders.every(conf):
        try:
            if file.stat().st_size > MOST_BYTES:
                return f"{file}: is larger than {MOST_BYTES >> 10} KiB; a configuration is shorter"
            text = _look(file)[0] or ""
            node = yaml.compose(text, Loader=LOADER) if "*" in text and "&" in text else None
            if node is not None and _size(node, {}) > MOST_VALUES:
                return f"{file}: its aliases (*) make more than {MOST_VALUES} values; write fewer"
        except (OSError, ValueError, RecursionError, yaml.YAMLError):  # told where it is read
            continue
    return None


def _size(node: yaml.Node, known: dict[int, int]) -> int:
    """Return how many values a node comes to when its aliases are written out."""
    if id(node) not in known:
        known[id(node)] = 0  # where it contains itself, which is told where it is read
        below: list[yaml.Node] = []
        if isinstance(node, yaml.SequenceNode):
            below = node.value
        elif isinstance(node, yaml.MappingNode):
            below = [each for pair in node.value for each in pair]
        known[id(node)] = 1 + sum(_size(each, known) for each in below)
    return known[id(node)]


def disguised(conf: Path, files: Sequence[Path]) -> str | None:
    """Return where a number stands that reads other than it looks, or nothing.

    Args:
        conf: The folder of configuration groups.
        files: Readable files; those that they start from are looked at too.
    """
    found = ((file, _disguised(_text(file))) for file in chained(conf, files))
    return next((f"{file}: {said}" for file, said in found if said), None)


@lru_cache(maxsize=1_000)
def _disguised(text: str) -> str | None:
    for token in yaml.scan(text, Loader=LOADER):
        if isinstance(token, yaml.ScalarToken) and token.plain:
            value = yaml.safe_load(token.value) if DISGUISED.fullmatch(token.value) else None
            if isinstance(value, int):
                line = token.start_mark.line + 1
                return (
                    f"line {line}: {token.value} reads as {value}; "
                    f"write {value}, or '{token.value}' for text"
                )
    return None


def unemptied(conf: Path, files: Sequence[Path]) -> str | None:
    """Return where {} stands for keys that a file starts from and keeps all the same, or nothing.

    Args:
        conf: The folder of configuration groups.
        files: Readable files; those that they start from are looked at too.
    """
    for file in chained(conf, files):
        bases = [each for each in _chain(conf, file) if each != file]
        for key in _emptied(_content(file)) if bases else ():
            for base in bases:
                if isinstance(kept := _at(_content(base), key), dict) and kept:
                    return (
                        f"{file}: {key}: {{}} takes nothing away, for keys are merged with "
                        f"those of {base}; start from a file without them"
                    )
    return None


def _damage(file: Path) -> str | None:
    text, trouble = _look(file)
    damage = trouble if text is None else flaw(text)
    return f"{file}: {damage}" if damage else None


@once
def _is_file(file: Path) -> bool:
    return file.is_file()


@once
def _look(file: Path) -> tuple[str | None, str | None]:
    """Return a file's text, or why it has none."""
    try:
        return file.read_text(encoding="utf-8"), None
    except UnicodeDecodeError:
        return None, "is not text in UTF-8"
    except OSError as error:
        return None, error.strerror


def _text(file: Path) -> str:
    """Return the text of a file that is readable."""
    text, _ = _look(file)
    assert text is not None
    return text


@lru_cache(maxsize=1_000)
def _read(text: str) -> tuple[str | None, dict[Any, Any]]:
    """Return what is wrong with a file of this text, or nothing, and what it holds, for reading.

    A plan asks a hundred times for the same files.
    """
    try:
        node = yaml.compose(text, Loader=LOADER)
        if node is not None and not isinstance(node, yaml.MappingNode):
            return "must hold keys and values", {}
        if odd := _odd(node):
            return odd, {}
        return None, yaml.load(text, Loader=LOADER) or {}  # noqa: S506
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        return f"line {line}: {error.problem or error.context}", {}
    except yaml.YAMLError:
        return "is not text in UTF-8", {}
    except ValueError as error:  # such as a whole number of 5,000 digits
        return f"holds a value that cannot be read: {error}", {}


def _odd(node: yaml.Node | None, depth: int = 0) -> str | None:
    """Return what YAML allows and a configuration does not, or nothing."""
    if depth > DEEPEST:
        return f"is nested more than {DEEPEST} levels deep, or contains itself"
    below: list[yaml.Node] = []
    if isinstance(node, yaml.SequenceNode):
        below = node.value
    elif isinstance(node, yaml.MappingNode):
        keys: set[str] = set()
        for key, value in node.value:
            place = f"line {key.start_mark.line + 1}"
            if key.tag not in (TEXT, MERGE):
                return f"{place}: a key must be text; write it in quotes"
            if key.value in keys:
                return f"{place}: the key {key.value} is there twice"
            keys.add(key.value)
            below.append(value)
    return next((odd for each in below if (odd := _odd(each, depth + 1))), None)


def _chain(conf: Path, file: Path, seen: frozenset[Path] = frozenset()) -> Iterator[Path]:
    """Yield a readable file and those that it starts from."""
    if file in seen or not _is_file(file) or _damage(file):
        return
    yield file
    for base in reversed(_bases(conf, file)):
        yield from _chain(conf, base, seen | {file})


def _bases(conf: Path, file: Path) -> list[Path]:
    """Return the files that a readable one starts from by name."""
    bases = _content(file).get("defaults")
    named = [each for each in bases if isinstance(each, str)] if isinstance(bases, list) else []
    group = str(folders.within(conf, file).parent)
    return [folders.found(conf, group, f"{base}.yaml") for base in named if base != "_self_"]


def _content(file: Path) -> dict[Any, Any]:
    return _read(_text(file))[1]


def _at(content: object, key: str) -> object:
    """Return what stands at a dotted key, or ABSENT."""
    for part in filter(None, key.split(".")):
        if not isinstance(content, dict) or part not in content:
            return ABSENT
        content = content[part]
    return content


def _emptied(content: dict[Any, Any], below: str = "") -> Iterator[str]:
    for name, value in content.items():
        if isinstance(value, dict):
            yield from _emptied(value, f"{below}{name}.") if value else [f"{below}{name}"]
