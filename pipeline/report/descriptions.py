"""What each chart shows, for readers who can't see it."""

from __future__ import annotations

from collections.abc import Callable

from pipeline.analysis.curves import Curve
from pipeline.analysis.summary import Summary
from pipeline.report.answer import comparison, gap
from pipeline.report.wording import MISSING, cell_names, counted


def _effects(summary: Summary) -> str:
    return f"Points with intervals, one panel per model. {comparison(summary)}"


def _gap(summary: Summary) -> str:
    return f"Points with intervals, three for each arm, one panel per model. {gap(summary)}"


def _sweep(summary: Summary) -> str:
    names = cell_names(summary)
    found = [
        f"{names[figures.name]}, {figures.study.arm}: {counted(len(best), 'trial')}, "
        f"best {best[-1]:.1%}, {figures.sweep_failures.failed} failed"
        for figures in summary.studies
        if (best := figures.search.best_so_far)
    ]
    return f"Scatter of validation accuracy over learning rate. {'; '.join(found)}."


def _curves(summary: Summary) -> str:
    names = cell_names(summary)
    found = [
        f"{names[figures.name]}, {figures.study.arm}: "
        f"training {_last(figures.curves.get('training_accuracy'))}, "
        f"validation {_last(figures.curves.get('validation_accuracy'))}"
        for figures in summary.studies
        if figures.curves
    ]
    return f"Lines over epochs, one panel per study. After the last epoch: {'; '.join(found)}."


def _last(curve: Curve | None) -> str:
    last = curve.mean[-1] if curve and curve.mean else None
    return MISSING if last is None else f"{last:.1%}"


DESCRIPTIONS: dict[str, Callable[[Summary], str]] = {
    "effects": _effects,
    "gap": _gap,
    "sweep": _sweep,
    "curves": _curves,
}
