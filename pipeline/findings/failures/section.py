"""Which runs failed, and which never came back."""

from __future__ import annotations

from pipeline.findings.failures.figures import Figures, StudyFailures
from pipeline.findings.places import short_names
from pipeline.findings.summary import Summary
from pipeline.page.blocks import Block, Nothing, Section, Table, Text
from pipeline.statistics.failures import Outcomes
from pipeline.wording import counted, share

HEADS = (
    "Cell",
    "Experiment",
    "Arm",
    "Runs",
    "Came back",
    "Failed, moving statistics",
    "Failed, recalibrated",
    "of either, loss not finite",
)


def section(summary: Summary) -> Section:
    """Return the studies in which a run failed or is missing, then all of them."""
    task = summary.task(Figures)
    blocks: list[Block] = [
        Text(
            f"A run fails when its loss is not finite, or when its validation {task.score} ends "
            "under half of what its arm can do: the best that each seed reached over all the runs "
            "of its study, and the median over seeds. It is said by moving statistics and by "
            "recalibrated ones. A failed run is a result: it is counted, never dropped and never "
            "averaged in."
        )
    ]
    found = summary.of(Figures).studies
    if not found:
        blocks = [Nothing("Nothing to show: this profile plans no runs.")]
    else:
        spoiled = [each for each in found if _failed(each.outcomes) or _lost(each)]
        runs, failed, recalibrated, _ = (
            sum(getattr(each.outcomes, name) for each in found) for name in Outcomes.model_fields
        )
        lost = sum(map(_lost, found))
        count = (
            f"{failed:,} of {counted(runs, 'run')} failed by moving statistics, {recalibrated:,} "
            "by recalibrated ones"
        )
        blocks.append(Text(f"{count}; {lost:,} that were planned are missing."))
        names = short_names([each.place.model_copy(update={"experiment": ""}) for each in found])
        rows = {
            (each.study, each.phase): _row(name, each)
            for name, each in zip(names, found, strict=True)
        }
        if spoiled:
            own = tuple(rows[each.study, each.phase] for each in spoiled)
            blocks.append(
                Table("Studies with failed or missing runs", HEADS, own, labels=3, folded=True)
            )
        blocks.append(Table("All studies", HEADS, tuple(rows.values()), labels=3, folded=True))
    return Section("failures", "Failures", tuple(blocks))


def _lost(found: StudyFailures) -> int:
    return max(0, found.planned - found.outcomes.runs)


def _failed(found: Outcomes) -> int:
    return found.failed + found.failed_recalibrated


def _row(name: str, found: StudyFailures) -> tuple[str, ...]:
    return (
        name,
        found.place.experiment,
        found.arm,
        "the sweep's" if found.phase == "sweep" else "the winner's",
        f"{found.outcomes.runs} of {found.planned}",
        share(found.outcomes.failed, found.outcomes.runs),
        share(found.outcomes.failed_recalibrated, found.outcomes.runs),
        share(found.outcomes.diverged, found.outcomes.runs),
    )
