"""What the running stages share: questions about prepared data, and progress on the way."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from pipeline.data.arrays import read_manifest
from pipeline.execution.environment import environment
from pipeline.execution.loop import Ask, Tell
from pipeline.records import Answer, CellFields, Plan, Trial
from pipeline.search.questions import components, question
from pipeline.stages.places import Places


def asker(plan: Plan) -> Ask:
    """Return what turns a cell into a question about the profile's arrays.

    Raises:
        Refusal: A dataset has not been prepared.
    """
    arrays = Places(plan.profile).arrays
    digests = {name: read_manifest(arrays / name).digest for name in plan.datasets}

    def ask(cell: CellFields, *, seed: int, split: Literal["validation", "test"]) -> Trial:
        return question(
            cell,
            data_digest=digests[cell.dataset],
            environment=environment(components(cell), cell.trainer),
            seed=seed,
            split=split,
        )

    return ask


@contextmanager
def progress(total: int, verb: str) -> Iterator[Tell]:
    """Show how far the trials are: a bar on a terminal, else a line per study.

    Yields:
        What to call with each answer, and whether it is a new one.
    """
    console = Console(stderr=True)
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
        disable=not console.is_terminal,
    )
    trained: dict[str, int] = {}
    last: list[str] = []

    with bar:
        task = bar.add_task(verb, total=total)

        def tell(answer: Answer, fresh: bool) -> None:
            if not console.is_terminal and last[-1:] != [answer.study]:
                console.print(f"{verb} {answer.study}", highlight=False)
                last.append(answer.study)
            trained[answer.study] = trained.get(answer.study, 0) + fresh
            accuracy = answer.result.metrics["validation_accuracy"]
            bar.update(task, advance=1, description=f"{verb} {answer.study} {accuracy:.1%}")

        yield tell
    new = sum(trained.values())
    console.print(f"{verb}: {total} trials, {new} of them trained now", highlight=False)
