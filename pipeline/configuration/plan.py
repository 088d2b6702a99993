"""From conf/ to validated records.

Whatever is unknown, mistyped, missing or out of range is refused in one line
that names the place, the key and the way out.
"""

from __future__ import annotations

import itertools
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

from pipeline import modules
from pipeline.claims.claim import Claim, check_arms, check_claim
from pipeline.components import build, resolve
from pipeline.configuration import files as conf_files
from pipeline.configuration import sections
from pipeline.configuration.hydra import (
    Composed,
    Told,
    check_choice,
    choosing,
    combinations,
    composition,
    overrides_of,
)
from pipeline.content import content_digest
from pipeline.errors import Refusal, nearest
from pipeline.records import Cell, CellFields, Cluster, Dataset, Plan, Study, Task
from pipeline.tasks.scoring import scoring_of

Plain = dict[str, Any]
COMMAND_LINE = "command line"


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
        _asked(conf, composition(conf, "train", [Told(COMMAND_LINE, chosen)]))
        for chosen in combinations(conf, Told(COMMAND_LINE, tuple(overrides)), multirun=multirun)
    ]


def _asked(conf: Path, composed: Composed) -> Asked:
    with composed.refusing():
        content = dict(composed.content)
        _check_nothing_is_searched(composed.told)
        derived = {"arm", "model_name", "optimizer_name", "task"}
        known = {*Cell.model_fields, "search", "summary"} - derived
        for name in content:
            if name not in known:
                raise sections.Invalid(name, f"is not a known key{nearest(name, known)}")
        dataset = sections.dataset(content)
        task = _task(conf, dataset.task, composed.place("dataset.task"))
        cell = sections.parsed(Cell, sections.cell_fields(content, composed.choices, task))
        sections.check_fit(dataset, cell)
        _check_modules(dataset, cell)
        summary = content.get("summary")
        if not isinstance(summary, bool):
            raise sections.Invalid(
                "summary", f"must be true or false, got {sections.shown(summary)}"
            )
    return Asked(composed.told[0].overrides, dataset, cell, summary)


def _check_nothing_is_searched(told: Sequence[Told]) -> None:
    for override in itertools.chain.from_iterable(overrides_of(each) for each in told):
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
    task_of = cache(partial(_task, conf))
    for experiment in content["experiments"]:
        for study, dataset in _studies(conf, experiment, own, task_of):
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
        composed = composition(conf, f"claim/{name}", [])
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
    check_choice(conf, "cluster", name, place)
    for word in words:
        if "=" not in word:
            raise Refusal(f"{place}: {sections.shown(word)} is not KEY=VALUE")
    told = Told(place, tuple(f"cluster.{word}" for word in words))
    composed = composition(conf, f"cluster/{name}", [told])
    with composed.refusing():
        section = sections.mapping(composed.content, "cluster")
        limits = section.pop("limits", None)
        pool = sections.component(section, "cluster")
        cluster = sections.parsed(Cluster, {"pool": pool, "limits": limits}, below="cluster")
        if problem := modules.trouble(cluster.pool.target):
            raise sections.Invalid("cluster._target_", problem)
        return cluster


def _task(conf: Path, name: str, place: str) -> Task:
    """Compose what a dataset's task scores.

    Args:
        conf: The folder of configuration groups.
        name: A file of conf/task.
        place: Where it is named.

    Raises:
        Refusal: There is no such file, or something in it is not valid.
    """
    check_choice(conf, "task", name, place)
    composed = composition(conf, f"task/{name}", [])
    with composed.refusing():
        section = sections.mapping(composed.content, "task")
        fields = {name: section.pop(name) for name in ("score", "error") if name in section}
        fields["scoring"] = sections.component(section, "task")
        task = sections.parsed(Task, fields, below="task")
        if problem := modules.trouble(task.scoring.target):
            raise sections.Invalid("task._target_", problem)
        try:
            scoring_of(task.scoring)
        except Refusal as refusal:
            raise sections.Invalid("task", f"cannot be used: {refusal}") from None
    return task


def _studies(
    conf: Path, experiment: str, profile: Told, task_of: Callable[[str, str], Task]
) -> Iterator[tuple[Study, Dataset]]:
    content = _experiment(conf, experiment, profile.place)
    place = str(conf / "experiment" / f"{experiment}.yaml")
    axes = _axes(content, place)
    used: set[str] = set()
    groups = ("dataset", "model", "optimizer", "norm")
    for chosen in itertools.product(*(content[f"{group}s"] for group in groups)):
        files = [*zip(groups, chosen, strict=True)]
        files.append(("design", str(content.get("design"))))
        for group, name in files:
            check_choice(conf, group, name, place)
        chosen_files = (choosing(group, name) for group, name in files)
        own = Told(place, (*chosen_files, *content["overrides"]))
        composed = composition(conf, "study", [own, profile])
        with composed.refusing():
            found = sections.dataset(composed.content)
            task = task_of(found.task, composed.place("dataset.task"))
            try:
                fields = sections.study_fields(
                    composed.content, composed.choices, task, experiment, axes
                )
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
    check_choice(conf, group, choice, place)
    file = str(conf / group / f"{choice}.yaml")
    composed = composition(conf, f"{group}/{choice}", [])
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
