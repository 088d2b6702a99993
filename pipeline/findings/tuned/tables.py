"""Tables of the tuned arms: what the winners score, the gap at inference, the searches."""

from __future__ import annotations

from pipeline.findings.summary import Summary
from pipeline.findings.tuned.comparisons import Comparison
from pipeline.findings.tuned.figures import Figures, StudyFigures
from pipeline.findings.tuned.gap import STATISTICS
from pipeline.page.blocks import Table
from pipeline.wording import (
    ABSENT,
    MISSING,
    arguments,
    multiple,
    percent,
    percentage,
    points,
    share,
)

REFERENCE = "reference"


def results(summary: Summary) -> Table:
    """One row per study: what it scores, against the reference, and with what settings."""
    cells, level = summary.of(Figures).names, percentage(summary.analysis.level)
    reference = summary.analysis.reference
    rows = []
    for figures in summary.of(Figures).studies:
        moving = figures.comparisons.get("moving")
        other = figures.comparisons.get("recalibrated")
        is_reference = figures.is_reference
        rows.append(
            (
                cells[figures.name],
                figures.study.arm,
                percent(figures.test_score),
                _against(figures, moving),
                REFERENCE if is_reference else points(figures.crossed),
                REFERENCE if is_reference else multiple(moving.log_error_ratio if moving else None),
                _recalibrated(figures, percent(figures.test_score_recalibrated)),
                _recalibrated(figures, points(other.points if other else None)),
                f"{len(figures.seeds_confirmed)} of {len(figures.study.confirm_seeds)}",
            )
        )
    heads = (
        "Data and model",
        "Arm",
        f"Test {summary.score} [{level}]",
        f"Above {reference}, points [{level} over seeds]",
        "Above it, points [over seeds and test examples]",
        f"Error ratio to {reference} [{level}]",
        f"Recalibrated: test {summary.score}",
        f"Recalibrated: above {reference}",
        "Seeds",
    )
    caption = "Winners on test examples, mean over fresh seeds with moving statistics"
    return Table(caption, heads, tuple(rows), labels=2)


def gaps(summary: Summary) -> Table:
    """Scores with each kind of statistics, for the arms that have batch statistics."""
    cells, rows = summary.of(Figures).names, []
    for figures in summary.of(Figures).studies:
        if not figures.has_batch_statistics:
            continue
        gap = figures.gap
        rows.append(
            (
                cells[figures.name],
                figures.study.arm,
                *(percent(gap.scores.get(kind) if gap else None) for kind in STATISTICS),
                points(gap.batch_minus_moving if gap else None),
                points(gap.recalibrated_minus_moving if gap else None),
                str(gap.runs) if gap else "0",
                str(gap.diverged) if gap else MISSING,
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
        "Loss not finite",
    )
    caption = (
        f"Validation {summary.score} of the same shuffled examples with three kinds of statistics"
    )
    return Table(caption, heads, tuple(rows), labels=2)


def searches(summary: Summary) -> Table:
    """What each search found."""
    cells, rows = summary.of(Figures).names, []
    for figures in summary.of(Figures).studies:
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
                share(figures.swept.failed, figures.swept.runs),
                _settings(figures),
            )
        )
    heads = (
        "Data and model",
        "Arm",
        "Trials",
        f"Best validation {summary.score} after half",
        "After all",
        "Winning trial",
        "Failed",
        "What was searched, at the winner's values",
    )
    return Table("The searches", heads, tuple(rows), labels=2)


def _against(figures: StudyFigures, found: Comparison | None) -> str:
    if figures.is_reference:
        return REFERENCE
    shown = points(found.points if found else None)
    if found is None or found.points is None or found.trained_blocks == found.blocks:
        return shown
    return f"{shown}, over the {found.trained_blocks} of {found.blocks} seeds where both trained"


def _settings(figures: StudyFigures) -> str:
    if figures.search.winner is not None:
        return arguments(figures.search.winner.hyperparameters) or ABSENT
    return MISSING


def _recalibrated(figures: StudyFigures, shown: str) -> str:
    return shown if figures.has_batch_statistics else ABSENT
