"""What Hydra makes of plain files, made without it, in a fraction of the time.

A plan asks for more than a hundred compositions, and nearly all of conf/ is said by few means:
files that start from one another by name, one choice from each group, values, a reference to
another key. These are merged here. Whatever else a file or an override says, and whatever is
wrong with it, is left to Hydra, which composes or refuses it. A contract test holds both to the
same values in the same order.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from pipeline.configuration import files, folders
from pipeline.configuration.hydra import READING, Override, is_plain
from pipeline.configuration.sections import Plain

NAME = re.compile(r"\w[\w-]*", re.ASCII)
KEY = re.compile(r"[A-Za-z_][\w-]*(\.[A-Za-z_][\w-]*)*", re.ASCII)
REFERENCE = re.compile(r"\$\{([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)\}", re.ASCII)
MOST_REFERENCES = 10  # that lead to one another
SELF, MISSING = "_self_", "???"


class Unusual(Exception):
    """Something that is Hydra's to compose, or to refuse."""


class Reader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """Reads values as OmegaConf reads them: 1e-3 is a number, a date is text."""

    yaml_implicit_resolvers = READING


def merged(
    conf: Path, root: str, overrides: Sequence[Override]
) -> tuple[Plain, dict[str, str]] | None:
    """Return a root file under overrides and the chosen files by group; None leaves it to Hydra."""
    try:
        return _merged(conf, root, overrides)
    except Unusual:
        return None


def _merged(conf: Path, root: str, overrides: Sequence[Override]) -> tuple[Plain, dict[str, str]]:
    parts = root.split("/")
    if len(parts) > 2 or not all(map(NAME.fullmatch, parts)) or "hydra" in folders.groups(conf):
        raise Unusual
    chosen: dict[str, Any] = {}
    values: list[tuple[str, Any]] = []
    for override in overrides:
        key = override.key_or_group
        if not is_plain(override) or not KEY.fullmatch(key) or key in chosen:
            raise Unusual
        if key in folders.groups(conf):
            chosen[key] = override.value()
        else:
            values.append((key, _copied(override.value())))
    tree = Tree(conf, chosen)
    tree.add(root)
    if chosen.keys() - tree.choices.keys():
        raise Unusual
    for key, value in values:
        _set(tree.content, key, value)
    choices = reversed(tree.choices.items())  # as Hydra lists them
    found = {group: name for group, name in choices if name is not None}
    return _resolved(tree.content, tree.content), found


class Tree:
    """A root file's content as far as it is merged, and what its groups chose."""

    def __init__(self, conf: Path, chosen: dict[str, Any]) -> None:
        self.content: Plain = {}
        self.choices: dict[str, str | None] = {}
        self._conf = conf
        self._chosen = chosen
        self._added = set[str]()

    def add(self, path: str) -> None:
        """Merge a file, with what it starts from and chooses, in the order of its defaults.

        Raises:
            Unusual: It says or names something else.
        """
        text = files.text_of(folders.found(self._conf, f"{path}.yaml"))
        if text is None or path in self._added:
            raise Unusual
        self._added.add(path)
        group = path.rpartition("/")[0]
        said = dict(_said(text))
        defaults = said.pop("defaults", [SELF])
        if not isinstance(defaults, list) or defaults.count(SELF) != 1 or "hydra" in said:
            raise Unusual
        for entry in defaults:
            if entry == SELF:
                _merge(self.content, {group: said} if group else said)
            elif isinstance(entry, str) and NAME.fullmatch(entry):
                self.add(f"{group}/{entry}" if group else entry)
            elif isinstance(entry, dict) and len(entry) == 1 and not group:
                [(below, name)] = entry.items()
                self._choose(below, name)
            else:
                raise Unusual

    def _choose(self, group: str, name: Any) -> None:
        name = self._chosen.get(group, name)
        is_file = isinstance(name, str) and NAME.fullmatch(name)
        if not NAME.fullmatch(group) or group in self.choices or not (name is None or is_file):
            raise Unusual
        self.choices[group] = name
        if name is not None:
            self.add(f"{group}/{name}")


@lru_cache(maxsize=1_000)
def _said(text: str) -> Plain:
    """Return what a file of this text says, its defaults among it."""
    is_printable = text.replace("\n", "").isprintable()  # two parsers might differ in the rest
    if not is_printable or "@package" in text or files.flaw(text):
        raise Unusual
    said: Plain = _copied(yaml.load(text, Loader=Reader) or {})  # noqa: S506
    return said


def _copied(value: Any) -> Any:
    """Return plain data as new groups of keys and lists."""
    if isinstance(value, dict):
        if not all(type(name) is str for name in value):
            raise Unusual
        return {name: _copied(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_copied(each) for each in value]
    if not (value is None or type(value) in (bool, int, float, str)) or value == MISSING:
        raise Unusual
    if isinstance(value, str) and "${" in value and not REFERENCE.fullmatch(value):
        raise Unusual
    return value


def _merge(into: Plain, said: Plain) -> None:
    """Merge groups of keys; any other value takes the place of the one before."""
    for name, value in said.items():
        before = into.get(name)
        if isinstance(before, dict) and isinstance(value, dict):
            _merge(before, value)
        elif name in into and not _replaces(before, value):
            raise Unusual
        else:
            into[name] = _copied(value)


def _replaces(before: object, value: object) -> bool:
    """Tell whether a value of this kind simply takes another one's place."""
    if isinstance(before, list) or isinstance(value, list):
        return isinstance(value, list) and not isinstance(before, dict)
    return before is None or not (isinstance(before, dict) or isinstance(value, dict))


def _set(content: Plain, key: str, value: Any) -> None:
    """Set a key that is there; {} empties it, and other groups of keys are merged with it.

    An override may say null in place of anything but a group of keys.
    """
    *above, last = key.split(".")
    for part in above:
        below = content.get(part)
        if not isinstance(below, dict):
            raise Unusual
        content = below
    if last not in content:
        raise Unusual
    before = content[last]
    if value == {} and isinstance(before, dict):
        del content[last]  # so that it stands last
        content[last] = {}
    elif value is None and isinstance(before, list):
        content[last] = None
    elif _is_within(before, value):
        _merge(content, {last: value})
    else:
        raise Unusual


def _is_within(before: object, value: object) -> bool:
    """Tell whether all keys of a group of keys are known ones; what is none has none."""
    if not (isinstance(before, dict) and isinstance(value, dict)):
        return True
    return all(name in before and _is_within(before[name], value[name]) for name in value)


def _resolved(value: Any, root: Plain, depth: int = 0) -> Any:
    """Return plain data, each reference replaced by the value that it names."""
    if isinstance(value, dict):
        return {name: _resolved(each, root) for name, each in value.items()}
    if isinstance(value, list):
        return [_resolved(each, root) for each in value]
    reference = REFERENCE.fullmatch(value) if isinstance(value, str) else None
    if reference is None:
        return value
    found: Any = root
    for part in reference[1].split("."):
        if not isinstance(found, dict) or part not in found:
            raise Unusual
        found = found[part]
    if isinstance(found, dict | list) or depth == MOST_REFERENCES:
        raise Unusual
    return _resolved(found, root, depth + 1)
