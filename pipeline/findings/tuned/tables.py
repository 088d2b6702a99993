"""Tables of the tuned arms: what the winners score, the gap at inference, the searches."""

from __future__ import annotations

from statistics import mean

from pipeline.findings.places import Place, short_names
from pipeline.findings.summary import Summary
from pipeline.findings.tuned.figures import ArmFigures, Figures
from pipeline.findings.tuned.gap import STATISTICS
from pipeline.findings.tuned.same_arm import EXPECTED
from pipeline.findings.tuned.searches import best_winner
from pipeline.findings.tuned.words import effect
from pipeline.findings.tuned.words import searches as done
from pipeline.page.blocks import Table
from pipeline.wording import ABSENT, MISSING, arguments, percent, percentage, points, share


def cells(summary: Summary) -> dict[str, str]:
    """Return a short name of each comparison's cell, by the comparison's label."""
    found = summary.of(Figures).comparisons
    places = [
        Place(
            experiment=each.experiment,
            dataset=each.dataset,
            model=each.model,
            optimizer=each.optimizer,
            batch_size=None,
        )
        for each in found
    ]
    return dict(zip((each.label for each in found), short_names(places), strict=True))


def comparisons(summary: Summary) -> Table:
    """One row per comparison: what it says, by how much, and over how many searches."""
    task = summary.task(Figures)
    places, level = cells(summary), percentage(summary.of(Figures).level)
    rows = tuple(
        (
            places[found.label],
            f"{found.arm} against {found.against}",
            found.word,
            effect(found.log_error_ratio, task.error),
            points(found.points),
            points(found.crossed),
            effect(found.recalibrated, task.error) if found.is_recalibrated else ABSENT,
            done(found),
            share(found.failed, found.runs),
        )
        for found in summary.of(Figures).comparisons
    )
    heads = (
        "Data and model",
        "Arms",
        "Reads",
        f"Test {task.error.noun} [{level} over searches]",
        f"Test {task.score}, points",
        "Points [over searches and test examples]",
        f"Recalibrated: test {task.error.noun}",
        "Searches",
        "Failed runs",
    )
    return Table("Tuned arms against each other", heads, rows, labels=2)


def results(summary: Summary) -> Table:
    """One row per arm: what its winners score."""
    task = summary.task(Figures)
    names, level = summary.of(Figures).names, percentage(summary.analysis.level)
    rows = tuple(
        (
            names[figures.name],
            figures.study.arm,
            percent(figures.test_score),
            _recalibrated(figures, percent(figures.test_score_recalibrated)),
            str(figures.searches),
            f"{figures.runs} of {figures.planned}",
        )
        for figures in summary.of(Figures).arms
    )
    heads = (
        "Data and model",
        "Arm",
        f"Test {task.score} [{level}]",
        f"Recalibrated: test {task.score}",
        "Searches",
        "Confirmed runs",
    )
    caption = "Winners on test examples, mean over searches with moving statistics"
    return Table(caption, heads, rows, labels=2)


def same_arm(summary: Summary) -> Table:
    """One row per arm that is compared with itself."""
    rows = tuple(
        (
            f"{found.dataset}, {found.model}",
            found.arm,
            str(found.searches),
            str(found.splits),
            f"{found.outside:.1%}",
            f"{found.called:.1%}",
            "as it must" if found.passed else "NOT as it must",
        )
        for found in summary.of(Figures).same_arm
    )
    low, high = (f"{end:.0%}" for end in EXPECTED)
    heads = (
        "Data and model",
        "Arm against itself",
        "Searches",
        "Splits",
        "Zero outside the interval",
        "Called different",
        f"Came out ({low} to {high})",
    )
    return Table("Control: one arm's searches against its own", heads, rows, labels=2)


def gaps(summary: Summary) -> Table:
    """Scores with each kind of statistics, for the arms that have batch statistics."""
    task = summary.task(Figures)
    names, rows = summary.of(Figures).names, []
    for figures in summary.of(Figures).arms:
        if not figures.has_batch_statistics:
            continue
        gap = figures.gap
        rows.append(
            (
                names[figures.name],
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
        f"Validation {task.score} of the same shuffled examples with three kinds of statistics"
    )
    return Table(caption, heads, tuple(rows), labels=2)


def searches(summary: Summary) -> Table:
    """What the searches of each arm found; the winner is the best one's."""
    names, rows = summary.of(Figures).names, []
    for figures in summary.of(Figures).arms:
        ended = [each for each in figures.search if each.best_so_far]
        half = [each.best_so_far[(len(each.best_so_far) - 1) // 2] for each in ended]
        best = [each.best_so_far[-1] for each in ended]
        rows.append(
            (
                names[figures.name],
                figures.study.arm,
                str(figures.searches),
                f"{figures.swept.runs} of {figures.searches * figures.study.design.trials}",
                f"{mean(half):.2%}" if half else MISSING,
                f"{mean(best):.2%}" if best else MISSING,
                f"{min(best):.2%} to {max(best):.2%}" if best else MISSING,
                share(figures.swept.failed, figures.swept.runs),
                _settings(figures),
            )
        )
    heads = (
        "Data and model",
        "Arm",
        "Searches",
        "Trials",
        f"Best validation {summary.task(Figures).score} after half, mean",
        "After all, mean",
        "Least to most",
        "Failed",
        "What was searched, at the best search's winner",
    )
    return Table("The searches", heads, tuple(rows), labels=2)


def _settings(figures: ArmFigures) -> str:
    best = best_winner(figures.search)
    return MISSING if best is None else arguments(best.hyperparameters) or ABSENT


def _recalibrated(figures: ArmFigures, shown: str) -> str:
    return shown if figures.has_batch_statistics else ABSENT
