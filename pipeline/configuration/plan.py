"""A profile's plan: its experiments' studies, their datasets, the claims, and the analysis.

From conf/ to validated records: whatever is unknown, mistyped, missing or out of range is
refused in one line that names the place, the key and the way out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from functools import cache, partial
from pathlib import Path

from pipeline.configuration import folders
from pipeline.configuration.claim import claims
from pipeline.configuration.composition import alone
from pipeline.configuration.hydra import Told
from pipeline.configuration.messages import Invalid, brief, shown
from pipeline.configuration.moment import at_one_moment
from pipeline.configuration.sections import Plain, parsed
from pipeline.configuration.situation import situations
from pipeline.configuration.starts import check_starts
from pipeline.configuration.study import studies
from pipeline.configuration.task import compose_task
from pipeline.content import content_digest
from pipeline.errors import Refusal, nearest
from pipeline.studies import Dataset, Plan, Study


@at_one_moment()
def compose_plan(conf: Path, profile: str) -> Plan:
    """Compose a profile.

    Raises:
        Refusal: Something in the configuration is not valid.
    """
    lists = ("experiments", "overrides")
    others = ("changes", "analysis")
    content = alone(conf, "profile", profile, "command line", lists=lists, others=others)
    own = Told(str(folders.found(conf, "profile", f"{profile}.yaml")), tuple(content["overrides"]))
    changes = _changes(content, own.place)
    datasets: dict[str, Dataset] = {}
    found: dict[str, Study] = {}
    task_of = cache(partial(compose_task, conf))
    for experiment in content["experiments"]:
        told = Told(own.place, (*own.overrides, *changes.get(experiment, ())))
        for study, dataset in studies(conf, experiment, told, task_of):
            if study.name in found:
                raise Refusal(
                    f"{own.place}: {study.name} is asked for twice; each experiment, dataset, "
                    "model, optimizer and norm is named once, and no override chooses another"
                )
            if datasets.setdefault(study.dataset, dataset) != dataset:
                raise Refusal(
                    f"{own.place}: experiments want {study.dataset} split in different ways; "
                    "give one of them a dataset file of its own"
                )
            found[study.name] = study
    check_starts(conf, found.values(), own.place)
    judged = claims(conf, found.values())
    asked = {name: study.plain() for name, study in found.items()}
    try:
        plan = parsed(
            Plan,
            {
                "profile": profile,
                "datasets": {name: dataset.plain() for name, dataset in datasets.items()},
                "studies": asked,
                "studies_digest": content_digest(asked),
                "claims": judged,
                "claims_digest": content_digest(judged),
                "situations": situations(conf, judged),
                "analysis": content.get("analysis"),
            },
        )
        arms = {study.arm for study in found.values()}
        _check_named("analysis.reference", [plan.analysis.reference], arms, "an arm of")
        cost = plan.analysis.cost_experiments
        _check_named("analysis.cost_experiments", cost, content["experiments"], "one of")
        for study in plan.studies.values():
            if study.experiment in cost and "engine" not in study.task.trainers:
                said = f"measures a step of the engine's, and {study.experiment} has none"
                raise Invalid("analysis.cost_experiments", said)
        searches = Counter(study.arm_name for study in plan.studies.values())
        for study in plan.studies.values():
            _check_clusters(study, searches[study.arm_name], plan.analysis.minimum)
        return plan
    except Invalid as invalid:
        raise Refusal(f"{own.place}: {invalid}") from None


def _changes(content: Plain, place: str) -> dict[str, list[str]]:
    """Return a profile's further overrides by the experiment that they change."""
    changes, known = content.get("changes", {}), content["experiments"]
    if not isinstance(changes, dict):
        raise Refusal(f"{place}: changes must be a group of keys, got {shown(changes)}")
    for name, overrides in changes.items():
        said = f"{place}: changes.{brief(name)}"
        if name not in known:
            raise Refusal(f"{said} names none of its experiments{nearest(name, known)}")
        if not isinstance(overrides, list) or not all(isinstance(each, str) for each in overrides):
            raise Refusal(f"{said} must be a list of overrides, got {shown(overrides)}")
    return changes


def _check_clusters(study: Study, searches: int, minimum: int | None) -> None:
    """Refuse what could never be judged: fewer clusters than judgement asks for.

    A cluster is a seed; of an arm that is tuned, one of its searches.
    """
    clusters = searches if study.design.has_winner else study.seeds_together
    if minimum is None or clusters >= minimum:
        return
    what, asked = "seeds", "budget" if study.design.seeds == "own" else "seeds"
    if study.design.has_winner:
        what = asked = "searches"
    raise Invalid(
        "analysis.minimum",
        f"asks for {minimum} {what}, but each cell of {study.arm_name} has {clusters}; "
        f"raise {asked}, or lower the minimum",
    )


def _check_named(key: str, names: Iterable[str], known: Iterable[str], what: str) -> None:
    for name in names:
        if name not in known:
            said = f"must be {what} the experiments, got {shown(name)}{nearest(name, known)}"
            raise Invalid(key, said)
