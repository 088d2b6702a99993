"""Studies that start from other studies' trials, held to what that needs.

Which trial another one starts from is known before anything is trained: a key is the digest of a
question, so the question must hang on no answer.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from pipeline.configuration import folders
from pipeline.errors import Refusal, nearest
from pipeline.studies import Study, starts_for


def check_starts(conf: Path, studies: Collection[Study], profile: str) -> None:
    """Check every start that the studies name.

    Args:
        conf: The folder of configuration groups.
        studies: All of a profile.
        profile: Its file.

    Raises:
        Refusal: One is not there, or cannot be what others start from.
    """
    for study in studies:
        if study.start is not None:
            place = folders.found(conf, "experiment", f"{study.experiment}.yaml")
            if problem := _problem(study, studies, profile):
                raise Refusal(f"{place}: start={study.start}: {problem}")


def _problem(study: Study, studies: Collection[Study], profile: str) -> str:
    """Return what is wrong with a study's start; nothing where all is well."""
    run = {each.experiment for each in studies}
    if study.start not in run:
        known = nearest(str(study.start), run - {study.experiment})
        return f"is no experiment of {profile}; name it there{known}"
    found = starts_for(study, studies)
    if len(found) != 1:
        return (
            f"has {len(found)} studies of model {study.model_name}; one is needed, of one dataset, "
            "optimizer and norm"
        )
    [start] = found
    if (
        start.start
        or start.design.own
        or start.design.seeds != "every"
        or len(start.combinations()) != 1
    ):
        return "must itself start from nothing, and run one setting with each seed (factorial)"
    if study.design.seeds != "every" or study.design.has_winner:
        return f"needs a design of fixed settings without a winner, and {study.experiment} has none"
    if missing := sorted(set(study.seeds) - set(start.seeds)):
        return f"has no seed {missing[0]}; give both experiments the same seeds"
    if any(study.placed(each).model != start.model for each in study.combinations()):
        return f"has other arguments of model {study.model_name}; they must be the same"
    return ""
