"""Which runs failed, and which never came back."""

from __future__ import annotations

from pipeline.findings.failures.figures import Figures, StudyFailures
from pipeline.findings.places import Place, short_names, tuned_names
from pipeline.findings.summary import Summary
from pipeline.findings.tuned.figures import Figures as Tuned
from pipeline.page.blocks import Block, Section, Table, Text
from pipeline.wording import counted, points, share

HEADS = ("Cell", "Experiment", "Arm", "Runs", "Came back", "Failed", "of these, loss not finite")


def section(summary: Summary) -> Section:
    """Return the studies in which a run failed or is missing, then all of them."""
    blocks: list[Block] = [
        Text(
            "A run fails when its loss is not finite, or when its validation accuracy ends under "
            "half of the median, over the runs of its study, of the best accuracy that each "
            "reached. A failed run is a result: it is counted, never dropped and never averaged in."
        )
    ]
    found = summary.of(Figures).studies
    if not found:
        blocks.append(Text("Nothing to show: this profile plans no runs."))
    else:
        spoiled = [each for each in found if each.failures.failed or _lost(each)]
        failed = sum(each.failures.failed for each in found)
        lost = sum(map(_lost, found))
        runs = sum(each.failures.runs for each in found)
        count = f"{failed:,} of {counted(runs, 'run')} failed"
        blocks.append(Text(f"{count}; {lost:,} that were planned are missing."))
        names = short_names([Place("", each.dataset, each.model, each.optimizer) for each in found])
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
    if differences := _differences(summary):
        heads = (
            "Cell",
            "Arm",
            f"Share above {summary.analysis.reference}'s, points",
            "McNemar's p",
        )
        blocks.append(Table("Confirmed runs that failed", heads, differences, labels=2))
    return Section("failures", "Failures", "Failures", tuple(blocks))


def _lost(found: StudyFailures) -> int:
    return max(0, found.planned - found.failures.runs)


def _row(name: str, found: StudyFailures) -> tuple[str, ...]:
    return (
        name,
        found.experiment,
        found.arm,
        "the sweep's" if found.phase == "sweep" else "the winner's",
        f"{found.failures.runs} of {found.planned}",
        share(found.failures.failed, found.failures.runs),
        share(found.failures.diverged, found.failures.runs),
    )


def _differences(summary: Summary) -> tuple[tuple[str, ...], ...]:
    names = tuned_names(summary)
    return tuple(
        (
            names[figures.name],
            figures.study.arm,
            points(figures.comparison.failures.points),
            f"{figures.comparison.failures.mcnemar:.2g}",
        )
        for figures in summary.of(Tuned).studies
        if figures.comparison is not None and figures.comparison.failures is not None
    )
