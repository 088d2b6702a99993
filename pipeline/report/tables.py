"""The report's tables: figures as rows of text, the same for both pages."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.analysis.comparisons import Contrast
from pipeline.analysis.summary import StudyFigures, Summary
from pipeline.report.answer import described
from pipeline.report.wording import (
    MISSING,
    accuracy,
    arguments,
    cell_names,
    points,
    ratio,
)

ABSENT = "\N{EM DASH}"  # does not apply, as opposed to missing


@dataclass(frozen=True)
class Table:
    """A caption, column heads, and rows whose first `labels` cells name the row."""

    caption: str
    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    labels: int


def results(summary: Summary) -> Table:
    """One row per study: what it scores, against the reference, and with what settings."""
    cells, level = cell_names(summary), f"{summary.analysis.level:.0%}"
    reference = summary.analysis.reference
    rows = []
    for figures in summary.studies:
        moving = figures.comparison.moving if figures.comparison else None
        other = figures.comparison.recalibrated if figures.comparison else None
        rows.append(
            (
                cells[figures.name],
                figures.study.arm,
                accuracy(figures.test_accuracy),
                _against(figures, moving),
                "reference"
                if figures.is_reference
                else ratio(moving.error_ratio if moving else None),
                _recalibrated(figures, accuracy(figures.test_accuracy_recalibrated)),
                _recalibrated(figures, points(other.points if other else None)),
                f"{len(figures.seeds_confirmed)} of {len(figures.study.confirm_seeds)}",
                _share(figures.sweep_failures.failed, figures.sweep_failures.runs),
                arguments(figures.search.winner.hyperparameters)
                if figures.search.winner
                else MISSING,
            )
        )
    heads = (
        "Data and model",
        "Arm",
        f"Test accuracy [{level}]",
        f"Above {reference}, points [{level}]",
        f"Error ratio to {reference} [{level}]",
        "Recalibrated: test accuracy",
        f"Recalibrated: above {reference}",
        "Seeds",
        "Failed in the sweep",
        "Winner's settings",
    )
    caption = "Winners on test images, mean over fresh seeds with moving statistics"
    return Table(caption, heads, tuple(rows), labels=2)


def gaps(summary: Summary) -> Table:
    """Accuracy with each kind of statistics, for the arms that have batch statistics."""
    cells, rows = cell_names(summary), []
    for figures in summary.studies:
        if not figures.has_batch_statistics:
            continue
        gap = figures.gap
        kinds = ("batch", "moving", "recalibrated")
        rows.append(
            (
                cells[figures.name],
                figures.study.arm,
                *(accuracy(gap.accuracy.get(kind) if gap else None) for kind in kinds),
                points(gap.batch_minus_moving if gap else None),
                points(gap.recalibrated_minus_moving if gap else None),
                str(gap.runs) if gap else "0",
            )
        )
    heads = (
        "Data and model",
        "Arm",
        "Batch",
        "Moving",
        "Recalibrated",
        "Batch minus moving, points",
        "Recalibrated minus moving, points",
        "Runs",
    )
    caption = "Validation accuracy of the same shuffled images with three kinds of statistics"
    return Table(caption, heads, tuple(rows), labels=2)


def searches(summary: Summary) -> Table:
    """What each search found."""
    cells, rows = cell_names(summary), []
    for figures in summary.studies:
        best, winner = figures.search.best_so_far, figures.search.winner
        half = best[(len(best) - 1) // 2] if best else None
        rows.append(
            (
                cells[figures.name],
                figures.study.arm,
                f"{len(best)} of {figures.study.design.trials}",
                MISSING if half is None else f"{half:.2%}",
                f"{best[-1]:.2%}" if best else MISSING,
                MISSING if winner is None or winner.index is None else str(winner.index),
                ", ".join(figures.study.space) or ABSENT,
            )
        )
    heads = (
        "Data and model",
        "Arm",
        "Trials",
        "Best validation accuracy after half",
        "After all",
        "Winning trial",
        "Searched",
    )
    return Table("The searches", heads, tuple(rows), labels=2)


def failures(summary: Summary) -> Table:
    """How many runs failed, in the sweep and among the confirmed."""
    cells, rows = cell_names(summary), []
    for figures in summary.studies:
        sweep, confirmed = figures.sweep_failures, figures.confirmed_failures
        found = figures.comparison.failures if figures.comparison else None
        difference = (
            f"{points(found.points)}, McNemar's exact p {found.mcnemar:.2g}" if found else ABSENT
        )
        rows.append(
            (
                cells[figures.name],
                figures.study.arm,
                _share(sweep.failed, sweep.runs),
                str(sweep.diverged),
                _share(confirmed.failed, confirmed.runs),
                str(confirmed.diverged),
                difference,
            )
        )
    heads = (
        "Data and model",
        "Arm",
        "Failed in the sweep",
        "of these, loss not finite",
        "Failed when confirmed",
        "of these, loss not finite",
        f"Share above {summary.analysis.reference}'s, points",
    )
    return Table("Failures", heads, tuple(rows), labels=2)


def settings(summary: Summary) -> Table:
    """How each study was trained."""
    cells, rows = cell_names(summary), []
    for figures in summary.studies:
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
                ", ".join(str(seed) for seed in study.confirm_seeds),
            )
        )
    heads = (
        "Data and model",
        "Arm",
        "Normalization",
        "Optimizer",
        "Training images",
        "Epochs",
        "Proposer",
        "Fresh seeds",
    )
    return Table("Settings", heads, tuple(rows), labels=2)


def data(summary: Summary) -> Table:
    """Where the images come from."""
    rows = tuple(
        (
            found.name,
            found.source,
            found.license,
            " x ".join(str(size) for size in found.shape),
            str(found.classes),
            ", ".join(f"{count} {split}" for split, count in found.examples.items()),
            found.digest,
        )
        for found in summary.data
    )
    heads = ("Dataset", "Source", "License", "Shape", "Classes", "Images", "SHA-256")
    return Table("Data", heads, rows, labels=1)


def origins(summary: Summary) -> Table:
    """What decides the digits, and the files that the figures come from."""
    versions = [(name, ", ".join(values)) for name, values in summary.versions.items()]
    rows = [*versions, *sorted(summary.digests.items())]
    return Table("Versions and digests", ("What", "Value"), tuple(rows), labels=1)


def _against(figures: StudyFigures, contrast: Contrast | None) -> str:
    if figures.is_reference:
        return "reference"
    shown = points(contrast.points if contrast else None)
    found = figures.comparison
    if contrast is None or found is None or found.trained_blocks == found.blocks:
        return shown
    return f"{shown}, over the {found.trained_blocks} of {found.blocks} seeds where both trained"


def _recalibrated(figures: StudyFigures, shown: str) -> str:
    if not figures.has_batch_statistics:
        return ABSENT
    return shown


def _share(count: int, total: int) -> str:
    return f"{count} of {total}" if total else MISSING
