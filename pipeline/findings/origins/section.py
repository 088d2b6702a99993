"""How it was run: data, versions, seeds, commits, hours, and what fixes the claims."""

from __future__ import annotations

from pipeline.arguments import ARGUMENTS
from pipeline.findings.origins.figures import Figures
from pipeline.findings.summary import Summary
from pipeline.findings.tuned.figures import ArmFigures
from pipeline.findings.tuned.figures import Figures as Tuned
from pipeline.page.blocks import Block, Command, Section, Table, Text
from pipeline.statistics.step_costs import TrainingClock
from pipeline.wording import MISSING, argument, counted, listed, place_of, ranges

SPLITS = ("train", "validation", "test")


def section(summary: Summary) -> Section:
    """Return what stands behind the figures."""
    blocks: list[Block] = [
        Text(
            "Runs are paired: the same split, order of examples and initial weights of the shared "
            "layers for each seed. Errors are compared by their logs, paired by seed and taken "
            "back. Intervals are t intervals over seeds; where values are bounds, or all seeds "
            "agree, they are those of the median. Every setting of every run is in config.yaml "
            "beside this page, and what each claim says in conf/claim."
        ),
        _run(summary),
        _data(summary),
    ]
    if summary.of(Tuned).arms:
        blocks.append(_settings(summary))
    blocks += [_origins(summary), Command(summary.commands["everything"])]
    return Section("how", "How it was run", tuple(blocks))


def described(figures: ArmFigures) -> str:
    """Return what an arm is: its layer, its place, and the well-known arguments left fixed."""
    layer = figures.study.norm.layer
    if layer is None:
        return "no normalization"
    fixed = {
        name: value
        for name, value in sorted(layer.arguments.items())
        if name in ARGUMENTS and f"norm.{name}" not in figures.study.space
    }
    kept = ", ".join(f"{name} {argument(value)}" for name, value in fixed.items())
    place = f"{layer.target}, {place_of(figures.study.norm.placement)}"
    return f"{place} ({kept})" if kept else place


def _run(summary: Summary) -> Table:
    counts = summary.of(Figures).counts
    rows = [
        ("Studies", str(counts.studies)),
        ("Runs planned", f"{counts.planned:,}"),
        ("Runs of the sweep", f"{counts.swept:,}"),
        ("Runs that confirm winners", f"{counts.confirmed:,}"),
        ("Seeds", ranges(counts.seeds)),
    ]
    clock = summary.of(Figures).clock
    rows += _clock(clock.clock) if clock else [("Hours of training", MISSING)]
    rows.append(
        (
            "Digest of the claims, fixed before the runs",
            summary.of(Figures).claims_digest,
        )
    )
    return Table("The run", ("What", "Value"), tuple(rows), labels=1)


def _clock(clock: TrainingClock) -> list[tuple[str, str]]:
    rows = [
        ("Different trials trained", f"{clock.trials:,}"),
        ("Hours of training, added up", f"{clock.wall_seconds / 3600:.2f}"),
        ("First started, last ended", f"{clock.started or MISSING}, {clock.ended or MISSING}"),
        ("Machines", str(clock.hosts)),
        ("Commits", listed(clock.commits) or "none known"),
    ]
    if clock.without_clock:
        rows.append(("Trials whose clock is not known", f"{clock.without_clock:,}"))
    if clock.uncommitted:
        changed = f"{counted(clock.uncommitted, 'trial')} trained from a changed checkout"
        rows.append(("Uncommitted changes", changed))
    return rows


def _settings(summary: Summary) -> Table:
    cells, rows = summary.of(Tuned).names, []
    for figures in summary.of(Tuned).arms:
        study = figures.study
        rows.append(
            (
                cells[figures.name],
                study.arm,
                described(figures),
                study.optimizer.target.rpartition(".")[2],
                str(study.examples),
                str(study.epochs),
                f"{study.design.proposer.target.rpartition('.')[2]}, seed {study.design.seed}",
                str(figures.searches),
                ranges(study.confirm_seeds),
            )
        )
    heads = (
        "Data and model",
        "Arm",
        "Normalization",
        "Optimizer",
        "Training examples",
        "Epochs",
        "Proposer, first search",
        "Searches",
        "Fresh seeds of the first",
    )
    return Table("The tuned arms", heads, tuple(rows), labels=2, folded=True)


def _data(summary: Summary) -> Table:
    rows = tuple(
        (
            found.name,
            found.source,
            found.license,
            " x ".join(str(size) for size in found.shape),
            str(found.labels) if found.labels else "none: numbers",
            _examples(found.examples),
            found.digest,
        )
        for found in summary.of(Figures).data
    )
    heads = ("Dataset", "Source", "License", "Shape", "Labels", "Examples", "SHA-256")
    return Table("Data", heads, rows, labels=1)


def _examples(examples: dict[str, int]) -> str:
    """In the order of use, whatever the order of keys."""
    names = [*SPLITS, *sorted(examples.keys() - set(SPLITS))]
    return ", ".join(f"{examples[name]:,} {name}" for name in names if name in examples)


def _origins(summary: Summary) -> Table:
    versions = [
        (name, ", ".join(values)) for name, values in sorted(summary.of(Figures).versions.items())
    ]
    rows = [*versions, *sorted(summary.of(Figures).digests.items())]
    return Table("Versions and digests", ("What", "Value"), tuple(rows), labels=1)
