"""From conf/ to validated records: the only file that knows Hydra.

Whatever is unknown, mistyped, missing or out of range is refused in one line
that names the place, the key and the way out.
"""

from __future__ import annotations

import itertools
import math
import shlex
import warnings
from collections.abc import Iterator, Mapping, Sequence
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

from pipeline import conf_files, modules, sections
from pipeline.analysis.claims import Claim, check_arms, check_claim
from pipeline.components import build, resolve
from pipeline.content import content_digest
from pipeline.errors import Refusal, nearest
from pipeline.records import Cell, CellFields, Cluster, Dataset, Plan, Study

Plain = dict[str, Any]
COMMAND_LINE = "command line"
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
            for override in _parsed(told):
                said = override.key_or_group
                if said in self.choices:
                    continue
                if key == said or key.startswith(f"{said}.") or said.startswith(f"{key}."):
                    return told.place
        section, _, rest = key.partition(".")
        if section in self.choices:
            return str(conf_files.home(self.conf / section / f"{self.choices[section]}.yaml", rest))
        return str(conf_files.home(self.conf / f"{self.root}.yaml", key))


@dataclass(frozen=True)
class Asked:
    """One composed request for a training run, and the overrides that made it."""

    overrides: tuple[str, ...]
    dataset: Dataset
    cell: Cell
    summary: bool


def compose_cells(conf: Path, overrides: Sequence[str], *, multirun: bool) -> list[Asked]:
    """Compose conf/train.yaml, once for each combination of the overrides' values.

    Args:
        conf: The folder of configuration groups.
        overrides: From the command line, in Hydra's grammar.
        multirun: Whether an override may list several values.

    Raises:
        Refusal: Something in the configuration or the overrides is not valid.
    """
    return [
        _asked(_composed(conf, "train", [Told(COMMAND_LINE, chosen)]))
        for chosen in _combinations(conf, Told(COMMAND_LINE, tuple(overrides)), multirun=multirun)
    ]


def _asked(composed: Composed) -> Asked:
    with composed.refusing():
        content = dict(composed.content)
        _check_nothing_is_searched(composed.told)
        known = {*Cell.model_fields, "search", "summary"} - {"arm", "model_name", "optimizer_name"}
        for name in content:
            if name not in known:
                raise sections.Invalid(name, f"is not a known key{nearest(name, known)}")
        dataset = sections.dataset(content)
        cell = sections.parsed(Cell, sections.cell_fields(content, composed.choices))
        sections.check_fit(dataset, cell)
        _check_modules(dataset, cell)
        summary = content.get("summary")
        if not isinstance(summary, bool):
            raise sections.Invalid(
                "summary", f"must be true or false, got {sections.shown(summary)}"
            )
    return Asked(composed.told[0].overrides, dataset, cell, summary)


def _check_nothing_is_searched(told: Sequence[Told]) -> None:
    for override in itertools.chain.from_iterable(_parsed(each) for each in told):
        key = override.key_or_group
        if key == "model.grid" or key.startswith("model.grid.") or "search" in key.split(".")[:2]:
            raise sections.Invalid(key, "says what a sweep searches; train takes single values")


def _check_modules(dataset: Dataset, cell: CellFields) -> None:
    """Check that the code which conf/ names is there, without importing it."""
    named = {
        "dataset.source": dataset.source,
        "model": cell.model,
        "norm": cell.norm.layer,
        "optimizer": cell.optimizer,
    }
    for section, component in named.items():
        problem = modules.trouble(component.target) if component else None
        if problem:
            raise sections.Invalid(f"{section}._target_", problem)


def compose_plan(conf: Path, profile: str) -> Plan:
    """Compose a profile: its experiments' studies, their datasets, the claims, and the analysis.

    Raises:
        Refusal: Something in the configuration is not valid.
    """
    lists = ("experiments", "overrides")
    content = _listed(conf, "profile", profile, COMMAND_LINE, lists=lists, others=("analysis",))
    own = Told(str(conf / "profile" / f"{profile}.yaml"), tuple(content["overrides"]))
    datasets: dict[str, Dataset] = {}
    studies: dict[str, Study] = {}
    for experiment in content["experiments"]:
        for study, dataset in _studies(conf, experiment, own):
            if study.name in studies:
                raise Refusal(
                    f"{own.place}: {study.name} is asked for twice; each experiment, dataset, "
                    "model, optimizer and norm is named once, and no override chooses another"
                )
            if datasets.setdefault(study.dataset, dataset) != dataset:
                raise Refusal(
                    f"{own.place}: experiments want {study.dataset} split in different ways; "
                    "give one of them a dataset file of its own"
                )
            studies[study.name] = study
    claims = _claims(conf, studies)
    asked = {name: study.plain() for name, study in studies.items()}
    try:
        plan = sections.parsed(
            Plan,
            {
                "profile": profile,
                "datasets": {name: dataset.plain() for name, dataset in datasets.items()},
                "studies": asked,
                "studies_digest": content_digest(asked),
                "claims": claims,
                "claims_digest": content_digest(claims),
                "analysis": content.get("analysis"),
            },
        )
        arms = {study.arm for study in studies.values()}
        _check_named("analysis.reference", plan.analysis.reference, arms, "an arm of")
        for name in plan.analysis.cost_experiments:
            known = set(content["experiments"])
            _check_named("analysis.cost_experiments", name, known, "one of")
        return plan
    except sections.Invalid as invalid:
        raise Refusal(f"{own.place}: {invalid}") from None


def _check_named(key: str, name: str, known: set[str], what: str) -> None:
    if name not in known:
        raise sections.Invalid(
            key, f"must be {what} the experiments, got {sections.shown(name)}{nearest(name, known)}"
        )


def _claims(conf: Path, studies: Mapping[str, Study]) -> dict[str, Plain]:
    """Return every claim of conf/claim as plain data, checked against its experiments.

    Of an experiment that the profile does not run, only the arms are looked at.
    """
    homes: dict[str, list[Study]] = {}
    for study in studies.values():
        homes.setdefault(study.experiment, []).append(study)
    claims: dict[str, Plain] = {}
    ids: dict[str, str] = {}
    for name in conf_files.names(conf, "claim"):
        composed = _composed(conf, f"claim/{name}", [])
        place = str(conf / "claim" / f"{name}.yaml")
        with composed.refusing():
            section = sections.mapping(composed.content, "claim")
            claim = sections.parsed(Claim, sections.claim_fields(section, name), below="claim")
        if (twin := ids.setdefault(claim.id, place)) != place:
            raise Refusal(f"{place}: id {claim.id} is also that of {twin}")
        for experiment in (claim.experiment, *claim.specifications.values()):
            if experiment in homes:
                check_claim(claim, experiment, homes[experiment], place=place)
            else:
                arms = _experiment(conf, experiment, place)["norms"]
                check_arms(claim, experiment, arms, place=place)
        claims[name] = claim.plain()
    return claims


def _experiment(conf: Path, experiment: str, place: str) -> Plain:
    lists = ("datasets", "models", "optimizers", "norms", "overrides")
    return _listed(conf, "experiment", experiment, place, lists=lists, others=("design", "axes"))


def compose_cluster(conf: Path, asked: str) -> Cluster:
    """Compose who works: a file of conf/cluster, and values of it.

    Args:
        conf: The folder of configuration groups.
        asked: The file's name, then `KEY=VALUE` words: `local workers=4`.

    Raises:
        Refusal: There is no such file, or something in it or in the words is not valid.
    """
    place = f"cluster {sections.shown(asked)}"
    try:
        name, *words = shlex.split(asked) or [""]
    except ValueError:
        raise Refusal(f"{place}: a quote is not closed") from None
    _check_choice(conf, "cluster", name, place)
    for word in words:
        if "=" not in word:
            raise Refusal(f"{place}: {sections.shown(word)} is not KEY=VALUE")
    told = Told(place, tuple(f"cluster.{word}" for word in words))
    composed = _composed(conf, f"cluster/{name}", [told])
    with composed.refusing():
        section = sections.mapping(composed.content, "cluster")
        limits = section.pop("limits", None)
        pool = sections.component(section, "cluster")
        cluster = sections.parsed(Cluster, {"pool": pool, "limits": limits}, below="cluster")
        if problem := modules.trouble(cluster.pool.target):
            raise sections.Invalid("cluster._target_", problem)
        return cluster


def _studies(conf: Path, experiment: str, profile: Told) -> Iterator[tuple[Study, Dataset]]:
    content = _experiment(conf, experiment, profile.place)
    place = str(conf / "experiment" / f"{experiment}.yaml")
    axes = _axes(content, place)
    used: set[str] = set()
    groups = ("dataset", "model", "optimizer", "norm")
    for chosen in itertools.product(*(content[f"{group}s"] for group in groups)):
        files = [*zip(groups, chosen, strict=True)]
        files.append(("design", str(content.get("design"))))
        for group, name in files:
            _check_choice(conf, group, name, place)
        quoted = [
            f"{group}={QuotedString(text=name, quote=Quote.single).with_quotes()}"
            for group, name in files
        ]
        own = Told(place, (*quoted, *content["overrides"]))
        composed = _composed(conf, "study", [own, profile])
        with composed.refusing():
            found = sections.dataset(composed.content)
            try:
                fields = sections.study_fields(composed.content, composed.choices, experiment, axes)
                study = _designed(fields)
                sections.check_axes(study)
                sections.check_fit(found, study)
            except sections.Invalid as invalid:
                if invalid.key.startswith("axes"):  # no override: they stand in the experiment
                    raise Refusal(f"{place}: {invalid}") from None
                raise
            _check_modules(found, study)
        used |= study.axes.keys()
        yield study, found
    if unused := sorted(axes.keys() - used):
        raise Refusal(
            f"{place}: axes.{sections.brief(unused[0])} is an argument of none of its arms"
        )


def _axes(content: Plain, place: str) -> dict[str, list[Any]]:
    """Return an experiment's axes: lists of values by the settings' full names."""
    axes = content.get("axes")
    if not isinstance(axes, dict):
        raise Refusal(f"{place}: axes must be a group of keys, got {sections.shown(axes)}")
    for name, values in axes.items():
        if not isinstance(values, list) or not values:
            raise Refusal(
                f"{place}: axes.{sections.brief(name)} must be a list of values, "
                f"got {sections.shown(values)}"
            )
        if len({str(value) for value in values}) < len(values):
            raise Refusal(f"{place}: axes.{sections.brief(name)} lists a value twice")
    return axes


def _designed(fields: Plain) -> Study:
    """Return a study whose design has a number of trials and a proposer that takes its space."""
    design = fields["design"]
    is_open = isinstance(design, dict) and design.get("trials", 0) is None
    if is_open:
        fields = {**fields, "design": {**design, "trials": 1}}
    study = sections.parsed(Study, fields)
    proposer = study.design.proposer
    if is_open:
        if not hasattr(resolve(proposer.target), "size"):
            raise sections.Invalid("design.trials", "must be a number: this design has no end")
        size = proposer.model_copy(update={"target": f"{proposer.target}.size"})
        try:
            trials = build(size, study)
        except Refusal as refusal:
            raise sections.Invalid("design.proposer", f"cannot be used: {refusal}") from None
        study = sections.parsed(Study, {**fields, "design": {**design, "trials": trials}})
    try:
        build(proposer, study)
    except Refusal as refusal:
        raise sections.Invalid("design.proposer", f"cannot be used: {refusal}") from None
    return study


def _listed(
    conf: Path, group: str, choice: str, place: str, *, lists: Sequence[str], others: Sequence[str]
) -> Plain:
    """Return the file of a group that is composed by itself; the named keys hold lists of text."""
    _check_choice(conf, group, choice, place)
    file = str(conf / group / f"{choice}.yaml")
    composed = _composed(conf, f"{group}/{choice}", [])
    with composed.refusing():
        content = sections.mapping(composed.content, group)
    for name in content:
        if name not in (*lists, *others):
            known = nearest(name, {*lists, *others})
            raise Refusal(f"{file}: {sections.brief(name)} is not a known key{known}")
    for name in lists:
        value = content.get(name)
        if not isinstance(value, list) or not all(isinstance(entry, str) for entry in value):
            raise Refusal(
                f"{file}: {name} must be a list of names, got {sections.shown(value)}; "
                "a name such as no or 1 is written in quotes"
            )
    return content


@lru_cache(maxsize=64)
def _parsed(told: Told) -> tuple[Override, ...]:
    """Return the overrides, each of them one that may be said here."""
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


def _combinations(conf: Path, told: Told, *, multirun: bool) -> list[tuple[str, ...]]:
    """Return every combination of the values that the overrides list."""
    choices: list[list[str]] = []
    for override in _parsed(told):
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


def _composed(conf: Path, root: str, told: Sequence[Told]) -> Composed:
    """Compose a root file under overrides, the later ones having the last word."""
    groups = {folder.name for folder in conf.iterdir() if folder.is_dir()}
    chosen, values = [], []
    for source in told:
        for override in _parsed(source):
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
    _check_choice(conf, group, value, place)


def _check_choice(conf: Path, group: str, choice: str, place: str) -> None:
    valid = conf_files.names(conf, group)
    if choice not in valid:
        name = sections.brief(choice)
        raise Refusal(
            f"{place}: {group}={name}: there is no {conf / group}/{name}.yaml"
            f"{nearest(choice, valid)}"
        )


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
