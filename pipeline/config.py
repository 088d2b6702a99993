"""From conf/ to validated records: the only file that knows Hydra.

Whatever is unknown, mistyped, missing or out of range is refused in one line
that names the place, the key and the way out.
"""

from __future__ import annotations

import itertools
import shlex
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hydra import compose, initialize_config_dir
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from pipeline import sections
from pipeline.components import build, resolve
from pipeline.errors import Refusal, nearest
from pipeline.records import Cell, Cluster, Dataset, Plan, Study

Plain = dict[str, Any]
COMMAND_LINE = "command line"


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
            return _home(self.conf / section / f"{self.choices[section]}.yaml", rest)
        return _home(self.conf / f"{self.root}.yaml", key)


def _home(file: Path, key: str) -> str:
    """Return the file that says `key`: this one, or one that it starts from."""
    content = OmegaConf.load(file)
    if key and isinstance(content, DictConfig) and OmegaConf.select(content, key) is None:
        for base in content.get("defaults", []):
            if isinstance(base, str) and base != "_self_":
                return _home(file.with_name(f"{base}.yaml"), key)
    return str(file)


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
        for chosen in _combinations(Told(COMMAND_LINE, tuple(overrides)), multirun=multirun)
    ]


def _asked(composed: Composed) -> Asked:
    with composed.refusing():
        content = dict(composed.content)
        known = {*Cell.model_fields, "search", "summary"} - {"arm", "model_name"}
        for name in content:
            if name not in known:
                raise sections.Invalid(name, f"is not a known key{nearest(name, known)}")
        dataset = sections.dataset(content)
        cell = sections.parsed(Cell, sections.cell_fields(content, composed.choices))
        sections.check_fit(dataset, cell)
        summary = content.get("summary")
        if not isinstance(summary, bool):
            raise sections.Invalid("summary", f"must be true or false, got {summary!r}")
    return Asked(composed.told[0].overrides, dataset, cell, summary)


def compose_plan(conf: Path, profile: str) -> Plan:
    """Compose a profile: its experiments' studies, their datasets, and the analysis.

    Raises:
        Refusal: Something in the configuration is not valid.
    """
    content = _listed(conf, "profile", profile, COMMAND_LINE, lists=("experiments", "overrides"))
    own = Told(str(conf / "profile" / f"{profile}.yaml"), tuple(content["overrides"]))
    datasets: dict[str, Dataset] = {}
    studies: dict[str, Study] = {}
    for experiment in content["experiments"]:
        for study, dataset in _studies(conf, experiment, own):
            if datasets.setdefault(study.dataset, dataset) != dataset:
                raise Refusal(
                    f"{own.place}: experiments want {study.dataset} split in different ways; "
                    "give one of them a dataset file of its own"
                )
            studies[study.name] = study
    try:
        return sections.parsed(
            Plan,
            {
                "profile": profile,
                "datasets": {name: dataset.plain() for name, dataset in datasets.items()},
                "studies": {name: study.plain() for name, study in studies.items()},
                "analysis": content.get("analysis"),
            },
        )
    except sections.Invalid as invalid:
        raise Refusal(f"{own.place}: {invalid}") from None


def compose_cluster(conf: Path, asked: str) -> Cluster:
    """Compose who works: a file of conf/cluster, and values of it.

    Args:
        conf: The folder of configuration groups.
        asked: The file's name, then `KEY=VALUE` words: `local workers=4`.

    Raises:
        Refusal: There is no such file, or something in it or in the words is not valid.
    """
    name, *words = shlex.split(asked) or [""]
    place = f"cluster {asked!r}"
    _check_choice(conf, "cluster", name, place)
    for word in words:
        if "=" not in word:
            raise Refusal(f"{place}: {word!r} is not KEY=VALUE")
    told = Told(place, tuple(f"cluster.{word}" for word in words))
    composed = _composed(conf, f"cluster/{name}", [told])
    with composed.refusing():
        section = sections.mapping(composed.content, "cluster")
        limits = section.pop("limits", None)
        pool = sections.component(section, "cluster")
        return sections.parsed(Cluster, {"pool": pool, "limits": limits}, below="cluster")


def _studies(conf: Path, experiment: str, profile: Told) -> Iterator[tuple[Study, Dataset]]:
    lists = ("datasets", "models", "norms", "overrides")
    content = _listed(conf, "experiment", experiment, profile.place, lists=lists)
    place = str(conf / "experiment" / f"{experiment}.yaml")
    fixed = [f"{group}={content.get(group)}" for group in ("optimizer", "design")]
    for dataset, model, norm in itertools.product(*(content[axis] for axis in lists[:3])):
        axes = [f"dataset={dataset}", f"model={model}", f"norm={norm}", *fixed]
        own = Told(place, (*axes, *content["overrides"]))
        composed = _composed(conf, "study", [own, profile])
        with composed.refusing():
            found = sections.dataset(composed.content)
            fields = sections.study_fields(composed.content, composed.choices, experiment)
            study = _designed(fields)
            sections.check_fit(found, study)
        yield study, found


def _designed(fields: Plain) -> Study:
    """Return a study whose design has a number of trials and a proposer that takes its space."""
    design = fields["design"]
    is_open = isinstance(design, dict) and design.get("trials", 0) is None
    if is_open:
        fields = {**fields, "design": {**design, "trials": 1}}
    study = sections.parsed(Study, fields)
    proposer = study.design.proposer
    if is_open:
        size = getattr(resolve(proposer.target), "size", None)
        if size is None:
            raise sections.Invalid("design.trials", "must be a number: this design has no end")
        trials = size(study, **proposer.arguments)
        study = sections.parsed(Study, {**fields, "design": {**design, "trials": trials}})
    try:
        build(proposer, study)
    except Refusal as refusal:
        raise sections.Invalid("design.proposer", f"cannot be used: {refusal}") from None
    return study


def _listed(conf: Path, group: str, choice: str, place: str, *, lists: Sequence[str]) -> Plain:
    """Return the file of a group that is composed by itself; the named keys hold lists of text."""
    _check_choice(conf, group, choice, place)
    file = str(conf / group / f"{choice}.yaml")
    content = _composed(conf, f"{group}/{choice}", []).content[group]
    for name in lists:
        value = content.get(name)
        if not isinstance(value, list) or not all(isinstance(entry, str) for entry in value):
            raise Refusal(f"{file}: {name} must be a list of names, got {value!r}")
    return dict(content)


def _parsed(told: Told) -> list[Override]:
    parsed = []
    for text in told.overrides:
        try:
            parsed += OverridesParser.create().parse_overrides([text])
        except HydraException:
            raise Refusal(
                f"{told.place}: {text!r} is not an override; write key=value, with quotes "
                "around text that holds spaces or commas"
            ) from None
    return parsed


def _combinations(told: Told, *, multirun: bool) -> list[tuple[str, ...]]:
    """Return every combination of the values that the overrides list."""
    choices: list[list[str]] = []
    for override in _parsed(told):
        text = override.input_line or ""
        if not override.is_sweep_override():
            choices.append([text])
        elif multirun and override.is_discrete_sweep():
            choices.append(
                [f"{override.key_or_group}={v}" for v in override.sweep_string_iterator()]
            )
        else:
            raise Refusal(f"{told.place}: {text} lists several values; add -m to run each of them")
    return list(itertools.product(*choices))


def _composed(conf: Path, root: str, told: Sequence[Told]) -> Composed:
    """Compose a root file under overrides, the later ones having the last word."""
    groups = {folder.name for folder in conf.iterdir() if folder.is_dir()}
    chosen, values = [], []
    for source in told:
        for override in _parsed(source):
            name = override.key_or_group
            if override.is_delete():
                raise Refusal(
                    f"{source.place}: {override.input_line}: a key cannot be taken away, "
                    "every value is said in conf/; set it instead"
                )
            if name in groups:
                if not isinstance(override.value(), str):
                    valid = [file.stem for file in (conf / name).glob("*.yaml")]
                    raise Refusal(
                        f"{source.place}: {override.input_line}: must name one file of "
                        f"{conf / name}{nearest(str(override.value()), valid)}"
                    )
                _check_choice(conf, name, str(override.value()), source.place)
                chosen.append(override)
            else:
                values.append((source.place, override))
    with initialize_config_dir(str(conf.resolve()), version_base="1.3"):
        tree = _compose(conf, root, [override.input_line or "" for override in chosen])
        for place, override in values:
            if override.is_hydra_override() or not (override.is_add() or override.is_force_add()):
                _check_key(tree, override.key_or_group, place)
        texts = [text for source in told for text in source.overrides]
        tree = _compose(conf, root, texts, ", ".join(source.place for source in told))
    try:
        choices = OmegaConf.to_container(tree.hydra.runtime.choices)
        OmegaConf.set_struct(tree, False)
        del tree["hydra"]
        content = OmegaConf.to_container(tree, resolve=True, throw_on_missing=True)
    except OmegaConfBaseException as error:
        raise Refusal(f"{conf / root}.yaml: {_line(error)}") from None
    assert isinstance(content, dict)
    assert isinstance(choices, dict)
    return Composed(
        conf=conf,
        root=root,
        content={str(name): value for name, value in content.items()},
        choices={str(name): str(choice) for name, choice in choices.items()},
        told=tuple(told),
    )


def _compose(conf: Path, root: str, overrides: list[str], place: str = "") -> DictConfig:
    try:
        return compose(root, overrides=overrides, return_hydra_config=True)
    except (HydraException, OmegaConfBaseException, YAMLError) as error:
        raise Refusal(f"{place or conf}: {_line(error)}") from None


def _line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]


def _check_choice(conf: Path, group: str, choice: str, place: str) -> None:
    if not (conf / group / f"{choice}.yaml").is_file():
        valid = [file.stem for file in (conf / group).glob("*.yaml")]
        raise Refusal(
            f"{place}: {group}={choice}: there is no {conf / group / choice}.yaml"
            f"{nearest(choice, valid)}"
        )


def _check_key(tree: DictConfig, key: str, place: str) -> None:
    node: Any = tree
    walked: list[str] = []
    for part in key.split("."):
        known = [str(name) for name in node] if isinstance(node, DictConfig) else []
        known = [name for name in known if walked or name != "hydra"]
        if part not in known:
            valid = [".".join([*walked, name]) for name in known]
            raise Refusal(f"{place}: {key} is not a known key{nearest(key, valid)}")
        walked.append(part)
        node = node[part] if not OmegaConf.is_missing(node, part) else None
