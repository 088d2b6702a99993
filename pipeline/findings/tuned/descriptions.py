"""What the charts of the tuned arms show, for readers who can't see them."""

from __future__ import annotations

from pipeline.findings.summary import Summary
from pipeline.findings.tuned.curves import Curve
from pipeline.findings.tuned.figures import Figures
from pipeline.wording import MISSING, counted


def sweep(summary: Summary) -> str:
    """Describe the scatter of trials."""
    names = summary.of(Figures).names
    found = [
        f"{names[figures.name]}, {figures.study.arm}: {counted(len(best), 'trial')}, "
        f"best {best[-1]:.1%}, {figures.swept.failed} failed"
        for figures in summary.of(Figures).studies
        if (best := figures.search.best_so_far)
    ]
    return f"Scatter of validation {summary.score} over learning rate. {'; '.join(found)}."


def curves(summary: Summary) -> str:
    """Describe the learning curves."""
    names = summary.of(Figures).names
    found = [
        f"{names[figures.name]}, {figures.study.arm}: "
        f"training {_last(figures.curves.get('training_score'))}, "
        f"validation {_last(figures.curves.get('validation_score'))}"
        for figures in summary.of(Figures).studies
        if figures.curves
    ]
    return f"Lines over epochs, one panel per study. After the last epoch: {'; '.join(found)}."


def _last(curve: Curve | None) -> str:
    last = curve.mean[-1] if curve and curve.mean else None
    return MISSING if last is None else f"{last:.1%}"
