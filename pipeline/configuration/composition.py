"""A root file of conf/ under overrides, as plain data that knows where each key was said."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from pipeline.configuration import files, folders, hydra
from pipeline.configuration.hints import meant, no_choice
from pipeline.configuration.hydra import LONGEST, Override, Told, overrides_of
from pipeline.configuration.merging import merged
from pipeline.configuration.messages import Invalid, brief, shown
from pipeline.configuration.sections import Plain, check_plain, mapping
from pipeline.errors import Refusal, nearest

MOST_RUNS = 10_000  # of one command line


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
        except Invalid as invalid:
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
        root = folders.found(self.conf, f"{self.root}.yaml")
        section, _, rest = key.partition(".")
        if section not in self.choices:
            return str(files.home(self.conf, root, key) or root)
        chosen = folders.found(self.conf, section, f"{self.choices[section]}.yaml")
        return str(
            files.home(self.conf, chosen, rest) or files.home(self.conf, root, key) or chosen
        )


def composition(conf: Path, root: str, told: Sequence[Told]) -> Composed:
    """Compose a root file under overrides, the later ones having the last word.

    Raises:
        Refusal: A file is damaged, or an override is not one, or names what is not there.
    """
    if bomb := files.swollen(conf):
        raise Refusal(bomb)
    said = [(source.place, each) for source in told for each in overrides_of(source)]
    for place, override in said:
        if override.key_or_group in folders.groups(conf):
            _check_group(conf, override, place)
        elif override.is_sweep_override():
            text = brief(override.input_line or "")
            raise Refusal(f"{place}: {text} lists several values; say one of them")
    composed = Composed(conf, root, {}, {}, tuple(told))
    found = merged(conf, root, [override for _, override in said])
    content, choices = _by_hydra(composed, said) if found is None else found
    named = [
        folders.found(conf, f"{root}.yaml"),
        *(folders.found(conf, group, f"{choices[group]}.yaml") for group in choices),
    ]
    if misread := files.disguised(conf, named) or files.unemptied(conf, named):
        raise Refusal(misread)
    composed = replace(composed, content=content, choices=choices)
    with composed.refusing():
        check_plain(content)
    return composed


def _by_hydra(
    composed: Composed, said: Sequence[tuple[str, Override]]
) -> tuple[Plain, dict[str, str]]:
    """Compose by Hydra; return what came out, and the chosen files by group."""
    conf, root = composed.conf, composed.root
    groups = folders.groups(conf)
    places = ", ".join(source.place for source in composed.told)
    with hydra.composing(conf):
        try:
            tree, choices = hydra.tree(conf, root, [override for _, override in said], places)
        except Refusal:
            _check_chosen(hydra.tree(conf, root, [])[1], said, groups - {root})
            chosen = [override for _, override in said if override.key_or_group in groups]
            known = hydra.keys(hydra.tree(conf, root, chosen)[0])
            for place, override in said:
                if not (override in chosen or override.is_add() or override.is_force_add()):
                    _check_key(known, override.key_or_group, place)
            raise
        return hydra.resolved(tree, replace(composed, choices=choices).place), choices


def written(conf: Path, root: str, told: Sequence[Told], *, resolve: bool) -> Plain:
    """Return a composed root file as it is written: with its ${...}, or with what they name.

    Raises:
        Refusal: A file is damaged, or an override is not one, or names what is not there.
    """
    composed = composition(conf, root, told)
    if resolve:
        return composed.content
    said = [override for source in told for override in overrides_of(source)]
    with hydra.composing(conf):
        found = hydra.keys(hydra.tree(conf, root, said)[0])
    return mapping({root: found}, root)


def alone(
    conf: Path, group: str, choice: str, place: str, *, lists: Sequence[str], others: Sequence[str]
) -> Plain:
    """Return a file of a group that is composed by itself; the keys `lists` hold lists of text.

    Raises:
        Refusal: There is no such file, or its keys are not these.
    """
    check_choice(conf, group, choice, place)
    file = str(folders.found(conf, group, f"{choice}.yaml"))
    composed = composition(conf, f"{group}/{choice}", [])
    with composed.refusing():
        content = mapping(composed.content, group)
    for name in content:
        if name not in (*lists, *others):
            known = nearest(name, {*lists, *others})
            raise Refusal(f"{file}: {brief(name)} is not a known key{known}")
    for name in lists:
        value = content.get(name)
        if not isinstance(value, list) or not all(isinstance(entry, str) for entry in value):
            raise Refusal(
                f"{file}: {name} must be a list of names, got {shown(value)}; "
                "a name such as no or 1 is written in quotes"
            )
    return content


def combinations(conf: Path, told: Told, *, multirun: bool) -> list[tuple[str, ...]]:
    """Return every combination of the values that the overrides list, one value of each.

    Raises:
        Refusal: They list values without `multirun`, too many, or none.
    """
    choices: list[list[str]] = []
    for override in overrides_of(told):
        text = override.input_line or ""
        if not override.is_sweep_override():
            choices.append([text])
            continue
        said = f"{told.place}: {brief(text)}"
        values = hydra.listed(conf, override, said, MOST_RUNS)
        if not multirun:
            raise Refusal(f"{said} lists several values; add -m to run each of them")
        choices.append([f"{override.get_key_element()}={value}" for value in values])
    if math.prod(len(each) for each in choices) > MOST_RUNS:
        raise Refusal(f"{told.place}: asks for more than {MOST_RUNS} runs; ask for fewer")
    return list(itertools.product(*choices))


def check_choice(conf: Path, group: str, choice: str, place: str) -> None:
    """Refuse a choice that is no file of its group."""
    valid = folders.names(conf, group)
    if choice not in valid:
        name = brief(choice)
        raise Refusal(
            f"{place}: {group}={name}: there is no {conf / group}/{name}.yaml"
            f"{nearest(choice, valid)}"
        )


def _check_group(conf: Path, override: Override, place: str) -> None:
    """Refuse an override of a group's choice that does not name one of its files."""
    group, value = override.key_or_group, override.value()
    said = f"{place}: {brief(override.input_line or '')}"
    if override.is_add() or override.is_force_add():
        raise Refusal(f"{said}: choose without +, {group}=NAME")
    if not isinstance(value, str):
        valid, text = folders.names(conf, group), (override.input_line or "").partition("=")[2]
        if text in valid:  # nan, true, 1
            way = f"write the name within quotes: {shown(hydra.choosing(group, text))}"
            raise Refusal(f"{said}: is read as no text; {way}")
        known = nearest(str(value)[:LONGEST], valid)
        raise Refusal(f"{said}: must name one file of {conf / group}{known}")
    check_choice(conf, group, value, place)


def _check_chosen(
    choices: dict[str, str], said: Sequence[tuple[str, Override]], groups: frozenset[str]
) -> None:
    """Refuse the choice of a group from which the root file chooses nothing.

    A root file of a group's own name leaves its choice open, and is not among these `groups`.
    """
    for place, override in said:
        group = override.key_or_group
        if group in groups and group not in choices:
            name, chosen = brief(str(override.value())), groups & choices.keys()
            raise Refusal(f"{place}: {group}={name}: {no_choice(group, name, chosen)}")


def _check_key(known: object, key: str, place: str) -> None:
    section = known
    walked: list[str] = []
    for part in key.split("."):
        walked.append(part)
        if not isinstance(section, dict) or part not in [str(name) for name in section]:
            missing = ".".join(walked)
            raise Refusal(f"{place}: {brief(key)} is not a known key{meant(missing, known)}")
        section = section[part]
