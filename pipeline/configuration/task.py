"""What a dataset's task scores: a file of conf/task, named by the dataset."""

from __future__ import annotations

from pathlib import Path

from pipeline.configuration.composition import check_choice, composition
from pipeline.configuration.messages import Invalid
from pipeline.configuration.sections import check_module, component, mapping, parsed
from pipeline.errors import Refusal
from pipeline.records import Task
from pipeline.tasks.scoring import scoring_of

BESIDE = ("trainers", "score", "error")  # what stands beside the scoring and its arguments


def compose_task(conf: Path, name: str, place: str) -> Task:
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
        section = mapping(composed.content, "task")
        words = {key: section.pop(key) for key in BESIDE if key in section}
        task = parsed(Task, {**words, "scoring": component(section, "task")}, below="task")
        check_module("task", task.scoring.target)
        try:
            scoring_of(task.scoring)
        except Refusal as refusal:
            raise Invalid("task", f"cannot be used: {refusal}") from None
    return task
