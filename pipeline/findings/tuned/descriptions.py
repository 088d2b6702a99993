"""What the charts of the tuned arms show, for readers who can't see them, and what they can't."""

from __future__ import annotations

from pipeline.findings.summary import Summary
from pipeline.findings.tuned.curves import Curve
from pipeline.findings.tuned.figures import Figures
from pipeline.wording import MISSING, counted, listed, percentage


def same_arm(summary: Summary) -> str:
    """Say how often one arm's searches are called different from its own."""
    told = [
        f"over {each.splits} random splits of the {each.searches} searches of {each.arm} "
        f"({each.model}) into two sides, the {percentage(each.level)} interval of one side against "
        f"the other excludes zero in {each.outside:.1%} (right is {1 - each.level:.0%}), and "
        f"the rule of this page calls them different in {each.called:.1%}"
        for each in summary.of(Figures).same_arm
    ]
    return f"The control, an arm against itself: {listed(told)}."


def sweep(summary: Summary) -> str:
    """Describe the scatter of trials."""
    task = summary.task(Figures)
    names = summary.of(Figures).names
    found = [
        f"{names[figures.name]}, {figures.study.arm}: {counted(figures.swept.runs, 'trial')}, "
        f"best {max(best):.1%}, {figures.swept.failed} failed"
        for figures in summary.of(Figures).arms
        if (best := [own.best_so_far[-1] for own in figures.search if own.best_so_far])
    ]
    return f"Scatter of validation {task.score} over learning rate. {'; '.join(found)}."


def budget(summary: Summary) -> str:
    """Describe the best against the budget."""
    names = summary.of(Figures).names
    found = [
        f"{names[figures.name]}, {figures.study.arm}: {known.expected_best[0]:.1%} with one "
        f"trial, {known.expected_best[-1]:.1%} with {len(known.expected_best)}"
        for figures in summary.of(Figures).arms
        if (known := figures.budget)
    ]
    return f"Lines over the number of random trials. {'; '.join(found)}."


def importance(summary: Summary) -> str:
    """Say why no importance of the searched settings is shown."""
    arms = summary.of(Figures).arms
    draws = [each.budget.trials for each in arms if each.budget]
    of = f"{min(draws)} to {max(draws)} an arm" if draws else "none"
    return (
        "How much each searched setting matters is not shown: an analysis of variance (fANOVA) "
        f"needs independent draws, here {of}, and some hundreds of them to tell two settings "
        "apart; the other trials stand where the search looked, which is no fair sample."
    )


def curves(summary: Summary) -> str:
    """Describe the learning curves."""
    names = summary.of(Figures).names
    found = [
        f"{names[figures.name]}, {figures.study.arm}: "
        f"training {_last(figures.curves.get('training_score'))}, "
        f"validation {_last(figures.curves.get('validation_score'))}"
        for figures in summary.of(Figures).arms
        if figures.curves
    ]
    return f"Lines over epochs, one panel per arm. After the last epoch: {'; '.join(found)}."


def _last(curve: Curve | None) -> str:
    last = curve.mean[-1] if curve and curve.mean else None
    return MISSING if last is None else f"{last:.1%}"
