"""conf/ and overrides composed to plain data: the only file that knows Hydra.

What Hydra's grammar has and conf/ has no use for is refused, and so is a key or
a choice that is not there, in one line that names the place and the way out.
"""

from __future__ import annotations

import itertools
import math
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from hydra import compose, initialize_config_dir
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import (
    Glob,
    IntervalSweep,
    Override,
    Quote,
    QuotedString,
    Sweep,
)
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from pipeline.configuration import files as conf_files
from pipeline.configuration import sections
from pipeline.errors import Refusal, nearest

Plain = dict[str, Any]
LONGEST = 10_000  # characters of an override: Hydra's parser takes seconds over more
MOST_RUNS = 10_000  # of one command line
# What ${...} may not call. A value from the environment, the clock or a fallback would be one that
# conf/ does not show; what is left is to name another key.
RESOLVERS = (
    "hydra",
    "now",
    "oc.create",
    "oc.decode",
    "oc.deprecated",
    "oc.dict.keys",
    "oc.dict.values",
    "oc.env",
    "oc.select",
    "python_version",
)


@dataclass(frozen=True)
class Told:
    """Overrides and the place where they stand: the command line or a file."""

    place: str
    overrides: tuple[str, ...]


@dataclass(frozen=True)
class Composed:
    """A composed root file as plain data, and where each of its keys came from."""

    conf: Path
    root: str
    content: Plain
    choices: dict[str, str]
    told: tuple[Told, ...]

    @contextmanager
    def refusing(self) -> Iterator[None]:
        """Turn an invalid key into a line that names the place where it was said."""
        try:
            yield
        except sections.Invalid as invalid:
            raise Refusal(f"{self.place(invalid.key)}: {invalid}") from None

    def place(self, key: str) -> str:
        """Return the file, or the command line, that has the last word on a dotted key."""
        for told in reversed(self.told):
            for override in overrides_of(told):
                said = override.key_or_group
                if said in self.choices:
                    continue
                if key == said or key.startswith(f"{said}.") or said.startswith(f"{key}."):
                    return told.place
        section, _, rest = key.partition(".")
        if section in self.choices:
            return str(conf_files.home(self.conf / section / f"{self.choices[section]}.yaml", rest))
        return str(conf_files.home(self.conf / f"{self.root}.yaml", key))


def composition(conf: Path, root: str, told: Sequence[Told]) -> Composed:
    """Compose a root file under overrides, the later ones having the last word.

    Raises:
        Refusal: A file is damaged, or an override is not one, or names what is not there.
    """
    groups = {folder.name for folder in conf.iterdir() if folder.is_dir()}
    chosen, values = [], []
    for source in told:
        for override in overrides_of(source):
            if override.key_or_group in groups:
                _check_group(conf, override, source.place)
                chosen.append(override)
            elif override.is_sweep_override():
                said = sections.brief(override.input_line or "")
                raise Refusal(f"{source.place}: {said} lists several values; say one of them")
            else:
                values.append((source.place, override))
    place = ", ".join(source.place for source in told)
    with initialize_config_dir(str(conf.resolve()), version_base="1.3"), _no_resolvers():
        try:
            tree = _compose(conf, root, [text for each in told for text in each.overrides], place)
        except Refusal:
            alone = _compose(conf, root, [override.input_line or "" for override in chosen])
            for source_place, override in values:
                if not (override.is_add() or override.is_force_add()):
                    _check_key(alone, override.key_or_group, source_place)
            raise
        choices = OmegaConf.to_container(tree.hydra.runtime.choices)
        OmegaConf.set_struct(tree, False)
        del tree["hydra"]
        assert isinstance(choices, dict)
        composed = Composed(
            conf=conf,
            root=root,
            content={},
            choices={str(group): name for group, name in choices.items() if isinstance(name, str)},
            told=tuple(told),
        )
        content = _resolved(tree, composed)
    chosen_files = (conf / group / f"{name}.yaml" for group, name in composed.choices.items())
    if misread := conf_files.disguised([conf / f"{root}.yaml", *chosen_files]):
        raise Refusal(misread)
    with composed.refusing():
        sections.check_plain(content)
    return replace(composed, content=content)


def combinations(conf: Path, told: Told, *, multirun: bool) -> list[tuple[str, ...]]:
    """Return every combination of the values that the overrides list, one value of each.

    Raises:
        Refusal: They list values without `multirun`, too many, or none.
    """
    choices: list[list[str]] = []
    for override in overrides_of(told):
        if not override.is_sweep_override():
            choices.append([override.input_line or ""])
            continue
        said = f"{told.place}: {sections.brief(override.input_line or '')}"
        if isinstance(override.value(), IntervalSweep):
            raise Refusal(f"{said} has values without end; list some of them: KEY=A,B,C")
        if not multirun:
            raise Refusal(f"{said} lists several values; add -m to run each of them")
        listed = _values(conf, override, said)
        if not listed:
            raise Refusal(f"{said} lists no value at all")
        choices.append([f"{override.get_key_element()}={value}" for value in listed])
    runs = math.prod(len(each) for each in choices)
    if runs > MOST_RUNS:
        raise Refusal(f"{told.place}: asks for more than {MOST_RUNS} runs; ask for fewer")
    return list(itertools.product(*choices))


def choosing(group: str, name: str) -> str:
    """Return the override that chooses a file of a group, whatever characters its name has."""
    return f"{group}={QuotedString(text=name, quote=Quote.single).with_quotes()}"


@lru_cache(maxsize=64)
def overrides_of(told: Told) -> tuple[Override, ...]:
    """Return the overrides as Hydra reads them, each of them one that may be said here."""
    parsed = []
    for text in told.overrides:
        if len(text) > LONGEST:
            raise Refusal(
                f"{told.place}: {sections.shown(text)} has {len(text)} characters, at most "
                f"{LONGEST} are read; say it in a file of conf/"
            )
        try:
            [override] = OverridesParser.create().parse_overrides([text])
        # besides its own exception: a whole number of 4,300 digits, a list within a thousand lists
        except (HydraException, ValueError, RecursionError):
            raise Refusal(
                f"{told.place}: {sections.shown(text)} is not an override; write key=value, with "
                "quotes around text that holds spaces or commas"
            ) from None
        _check_form(override, text, told.place)
        parsed.append(override)
    return tuple(parsed)


def check_choice(conf: Path, group: str, choice: str, place: str) -> None:
    """Refuse a choice that is no file of its group."""
    valid = conf_files.names(conf, group)
    if choice not in valid:
        name = sections.brief(choice)
        raise Refusal(
            f"{place}: {group}={name}: there is no {conf / group}/{name}.yaml"
            f"{nearest(choice, valid)}"
        )


def _check_form(override: Override, text: str, place: str) -> None:
    """Refuse what Hydra's grammar has and conf/ has no use for."""
    said = f"{place}: {sections.brief(text)}"
    key: str = override.key_or_group
    if override.is_delete():
        raise Refusal(
            f"{said}: a key cannot be taken away, every value is said in conf/; set it instead"
        )
    if override.package is not None:
        raise Refusal(f"{said}: a group has one place, its own; write {sections.brief(key)}=NAME")
    if override.key_or_group.partition(".")[0].partition("/")[0] in ("", "hydra"):
        raise Refusal(f"{said}: {sections.brief(key) or 'nothing'} is not a known key")


def _values(conf: Path, override: Override, said: str) -> list[str]:
    """Return the values that an override lists, at most one more than may be run."""
    listed, group = override.value(), override.key_or_group
    if isinstance(listed, Glob):
        if not (conf / group).is_dir():
            raise Refusal(f"{said}: glob chooses among files, and conf/ has no group {group}")
        return [str(name) for name in listed.filter(conf_files.names(conf, group))]
    if isinstance(listed, Sweep) and getattr(listed, "shuffle", False):
        raise Refusal(f"{said}: runs keep the order in which they are listed; leave out shuffle")
    try:
        return list(itertools.islice(override.sweep_string_iterator(), MOST_RUNS + 1))
    except (HydraException, ValueError, ArithmeticError) as error:  # a step of 0, an end of nan
        raise Refusal(f"{said} cannot be listed: {_line(error)}") from None


@contextmanager
def _no_resolvers() -> Iterator[None]:
    """Let ${...} name keys and call nothing."""
    for name in RESOLVERS:
        OmegaConf.clear_resolver(name)
    try:
        yield
    finally:
        OmegaConf.clear_resolvers()  # OmegaConf's own are back; Hydra brings its own each time


def _compose(conf: Path, root: str, overrides: list[str], place: str = "") -> DictConfig:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            return compose(root, overrides=overrides, return_hydra_config=True)
    # Hydra asserts, recurses and lets through whatever a file makes it stumble over; nothing of
    # ours runs in there, so whatever it raises is about conf/ or the overrides
    except Exception as error:
        raise Refusal(conf_files.damaged(conf) or f"{place or conf}: {_line(error)}") from None


def _resolved(tree: DictConfig, composed: Composed) -> Plain:
    """Return the tree as plain data, each ${...} replaced by what it names."""
    try:
        content = OmegaConf.to_container(tree, resolve=True, throw_on_missing=True)
    except OmegaConfBaseException as error:
        key = error.full_key or ""
        raise Refusal(f"{composed.place(key)}: {_line(error)}") from None
    assert isinstance(content, dict)
    return {str(name): value for name, value in content.items()}


def _line(error: Exception) -> str:
    """Return an exception of Hydra's or OmegaConf's as a clause, with the key it is about."""
    first, *rest = [line.strip() for line in str(error).strip().splitlines()] or [""]
    key = next((line for line in rest if line.startswith("full_key: ")), "")
    where = f" ({sections.brief(key.removeprefix('full_key: '))})" if key else ""
    said = f"{sections.brief(first)}{where}"
    if "Unsupported interpolation type" in first:
        return f"{said}: ${{...}} names another key of conf/ and calls nothing"
    return said or type(error).__name__


def _check_group(conf: Path, override: Override, place: str) -> None:
    """Refuse an override of a group's choice that does not name one of its files."""
    group, value = override.key_or_group, override.value()
    if override.is_add() or override.is_force_add():
        said = sections.brief(override.input_line or "")
        raise Refusal(f"{place}: {said}: choose without +, {group}=NAME")
    if not isinstance(value, str):
        valid = conf_files.names(conf, group)
        raise Refusal(
            f"{place}: {sections.brief(override.input_line or '')}: must name one file of "
            f"{conf / group}{nearest(str(value)[:LONGEST], valid)}"
        )
    check_choice(conf, group, value, place)


def _check_key(tree: DictConfig, key: str, place: str) -> None:
    node: Any = OmegaConf.to_container(tree, resolve=False)
    walked: list[str] = []
    for part in key.split("."):
        known = [str(name) for name in node] if isinstance(node, dict) else []
        known = [name for name in known if walked or name != "hydra"]
        if part not in known:
            valid = [".".join([*walked, name]) for name in known]
            raise Refusal(f"{place}: {sections.brief(key)} is not a known key{nearest(key, valid)}")
        walked.append(part)
        node = node[part]
