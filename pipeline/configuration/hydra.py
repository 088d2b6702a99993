"""Hydra's grammar and its composition: the only file that knows Hydra.

What the grammar has and conf/ has no use for is refused in one line that names the place and
the way out. `${...}` names keys and calls nothing.
"""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import ClassVar

from hydra import compose, initialize_config_dir
from hydra.conf import HydraConf
from hydra.core.config_search_path import ConfigSearchPath
from hydra.core.config_store import ConfigStore
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import (
    Glob,
    IntervalSweep,
    Quote,
    QuotedString,
    Sweep,
)
from hydra.core.override_parser.types import Override as Override  # named by others, too
from hydra.core.plugins import Plugins
from hydra.errors import HydraException
from hydra.plugins.search_path_plugin import SearchPathPlugin
from omegaconf import DictConfig, OmegaConf
from omegaconf._utils import get_yaml_loader
from omegaconf.errors import OmegaConfBaseException

from pipeline.configuration import files, folders
from pipeline.configuration.messages import brief, shown
from pipeline.configuration.sections import Plain
from pipeline.errors import Refusal

# Its own groups (launchers, logging, help) are for its command line, and are two thirds of the
# files that a composition would read.
ConfigStore.instance().store("config", HydraConf(defaults=[]), group="hydra", provider="hydra")

READING = get_yaml_loader().yaml_implicit_resolvers  # which texts are numbers, true, null
LONGEST = 10_000  # characters of an override: Hydra's parser takes seconds over more
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


class Further(SearchPathPlugin):
    """Lets Hydra look into further folders for what the first one does not say."""

    folders: ClassVar[list[Path]] = []

    def manipulate_search_path(self, search_path: ConfigSearchPath) -> None:
        """Add them behind the first."""
        for folder in self.folders:
            search_path.append("normbench", f"file://{folder.resolve()}")


Plugins.instance().register(Further)


@dataclass(frozen=True)
class Told:
    """Overrides and the place where they stand: the command line or a file."""

    place: str
    overrides: tuple[str, ...]


@lru_cache(maxsize=512)
def overrides_of(told: Told) -> tuple[Override, ...]:
    """Return the overrides as Hydra reads them, each of them one that may be said here."""
    return tuple(_read(text, told.place) for text in told.overrides)


def _read(text: str, place: str) -> Override:
    if len(text) > LONGEST:
        raise Refusal(
            f"{place}: {shown(text)} has {len(text)} characters, at most {LONGEST} are read; say "
            "it in a file of conf/"
        )
    override = _parsed(text)
    if override is None:
        key, _, value = text.partition("=")
        quoted = choosing(key, value)
        way = f", text within quotes: {shown(quoted)}" if _parsed(quoted) else ""
        raise Refusal(f"{place}: {shown(text)} is not an override; write key=value{way}")
    said, key = f"{place}: {brief(text)}", override.key_or_group
    if override.is_delete():
        raise Refusal(
            f"{said}: a key cannot be taken away, every value is said in conf/; set it instead"
        )
    if override.package is not None:
        raise Refusal(f"{said}: a group has one place, its own; write {brief(key)}=NAME")
    if key.partition(".")[0].partition("/")[0] in ("", "hydra"):
        raise Refusal(f"{said}: {brief(key) or 'nothing'} is not a known key")
    return override


@lru_cache(maxsize=4_096)
def _parsed(text: str) -> Override | None:
    try:
        [override] = OverridesParser.create().parse_overrides([text])
    # besides its own exception: a whole number of 4,300 digits, a list within a thousand lists
    except (HydraException, ValueError, RecursionError):
        return None
    return override


def choosing(key: str, text: str) -> str:
    """Return the override that sets a key to a text, or chooses a file, whatever it holds."""
    return f"{key}={QuotedString(text=text, quote=Quote.single).with_quotes()}"


def is_plain(override: Override) -> bool:
    """Tell whether an override sets a key that is there, or chooses a file: key=value."""
    is_added = override.is_add() or override.is_force_add()
    return not (override.is_sweep_override() or is_added or override.is_delete())


def texts(override: Override) -> list[str]:
    """Return what Hydra is told: to set a key to {} is to empty it, where Hydra would merge."""
    key = override.key_or_group
    if is_plain(override) and override.value() == {}:
        return [f"~{key}", f"+{key}={{}}"]
    return [override.input_line or ""]


def listed(conf: Path, override: Override, said: str, most: int) -> list[str]:
    """Return the values that an override lists, at most one more than `most`.

    Raises:
        Refusal: It lists none, or values without end.
    """
    values, group = override.value(), override.key_or_group
    if isinstance(values, IntervalSweep):
        raise Refusal(f"{said} has values without end; list some of them: KEY=A,B,C")
    if isinstance(values, Glob) and group not in folders.groups(conf):
        raise Refusal(f"{said}: glob chooses among files, and conf/ has no group {group}")
    if isinstance(values, Sweep) and getattr(values, "shuffle", False):
        raise Refusal(f"{said}: runs keep the order in which they are listed; leave out shuffle")
    try:
        found = (
            [str(name) for name in values.filter(folders.names(conf, group))]
            if isinstance(values, Glob)
            else list(itertools.islice(override.sweep_string_iterator(), most + 1))
        )
    except (HydraException, ValueError, ArithmeticError) as error:  # a step of 0, an end of nan
        raise Refusal(f"{said} cannot be listed: {_line(error)}") from None
    if not found:
        raise Refusal(f"{said} lists no value at all")
    return found


@contextmanager
def composing(conf: Path) -> Iterator[None]:
    """Let conf/ be composed, and ${...} name keys and call nothing."""
    first, *Further.folders = folders.folders(conf)
    with initialize_config_dir(str(first.resolve()), version_base="1.3"):
        for name in RESOLVERS:
            OmegaConf.clear_resolver(name)
        try:
            yield
        finally:
            OmegaConf.clear_resolvers()  # OmegaConf's own are back; Hydra brings its own each time


def tree(
    conf: Path, root: str, overrides: Sequence[Override], place: str = ""
) -> tuple[DictConfig, dict[str, str]]:
    """Return a root file under overrides, references unresolved, and the chosen files by group."""
    told = [text for override in overrides for text in texts(override)]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            found = compose(root, overrides=told, return_hydra_config=True)
    # Hydra asserts, recurses and lets through whatever a file makes it stumble over; nothing of
    # ours runs in there, so whatever it raises is about conf/ or the overrides
    except Exception as error:
        raise Refusal(files.damaged(conf) or f"{place or conf}: {_line(error)}") from None
    choices = OmegaConf.to_container(found.hydra.runtime.choices)
    assert isinstance(choices, dict)
    OmegaConf.set_struct(found, False)
    del found["hydra"]
    return found, {str(group): name for group, name in choices.items() if isinstance(name, str)}


def keys(found: DictConfig) -> object:
    """Return a tree as plain data, for its keys."""
    return OmegaConf.to_container(found, resolve=False)


def resolved(found: DictConfig, home: Callable[[str], str]) -> Plain:
    """Return a tree as plain data, each ${...} replaced by what it names.

    Args:
        found: Of `tree`.
        home: Says which file has the last word on a key.
    """
    try:
        content = OmegaConf.to_container(found, resolve=True, throw_on_missing=True)
    except OmegaConfBaseException as error:
        raise Refusal(f"{home(error.full_key or '')}: {_line(error)}") from None
    assert isinstance(content, dict)
    return {str(name): value for name, value in content.items()}


def _line(error: Exception) -> str:
    """Return an exception of Hydra's or OmegaConf's as a clause, with the key it is about."""
    first, *rest = [line.strip() for line in str(error).strip().splitlines()] or [""]
    if first.endswith("raised while composing config:") and rest:  # In 'GROUP/NAME': TypeError ...
        first = f"{first.partition(':')[0]}: {rest[0]}"
        first = first.replace("DictConfig", "a group of keys").replace("ListConfig", "a list")
    key = next((line for line in rest if line.startswith("full_key: ")), "")
    where = f" ({brief(key.removeprefix('full_key: '))})" if key else ""
    said = f"{brief(first)}{where}"
    if "Unsupported interpolation type" in first:
        return f"{said}: ${{...}} names another key of conf/ and calls nothing"
    return said or type(error).__name__
