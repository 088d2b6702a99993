"""Figures as words: how a number, an interval and a missing value read."""

from __future__ import annotations

from pipeline.analysis.effects import Effect, Ratio
from pipeline.analysis.summary import Summary
from pipeline.arguments import Argument

MISSING = "missing"
MINUS = "\N{MINUS SIGN}"
TIE = "\N{NO-BREAK SPACE}"  # keeps an interval on one line


def signed(value: float) -> str:
    """Two places and a sign, a real minus; zero has none."""
    shown = f"{value:.2f}"
    return shown.lstrip("-") if float(shown) == 0 else f"{value:+.2f}".replace("-", MINUS)


def points(effect: Effect | None) -> str:
    """A difference in points and its interval."""
    if effect is None:
        return MISSING
    if effect.low is None or effect.high is None:
        return f"{signed(effect.estimate)} [no{TIE}interval]"
    return f"{signed(effect.estimate)} [{signed(effect.low)},{TIE}{signed(effect.high)}]"


def accuracy(effect: Effect | None) -> str:
    """A mean share and its interval, in percent."""
    if effect is None:
        return MISSING
    if effect.low is None or effect.high is None:
        return f"{effect.estimate:.2%} [no{TIE}interval]"
    return f"{effect.estimate:.2%} [{effect.low:.2%},{TIE}{effect.high:.2%}]"


def ratio(found: Ratio | None) -> str:
    """A ratio and its interval."""
    if found is None:
        return MISSING
    if found.low is None or found.high is None:
        return f"{found.estimate:.2f} [no{TIE}interval]"
    return f"{found.estimate:.2f} [{found.low:.2f},{TIE}{found.high:.2f}]"


def argument(value: Argument) -> str:
    """A hyperparameter's value, floats to three digits."""
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def arguments(values: dict[str, Argument]) -> str:
    """Hyperparameters in one line, by the last part of their names where that says which."""
    short = [name.rpartition(".")[2] for name in values]
    return ", ".join(
        f"{last if short.count(last) == 1 else name}{TIE}{argument(value)}"
        for last, (name, value) in zip(short, values.items(), strict=True)
    )


def listed(items: list[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    if len(items) < 2:
        return "".join(items)
    return f"{', '.join(items[:-1])} and {items[-1]}"


def counted(number: int, noun: str) -> str:
    """`1 seed`, `5 seeds`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def span(numbers: tuple[int, ...]) -> str:
    """`5` or `5 to 8`."""
    low, high = min(numbers), max(numbers)
    return str(low) if low == high else f"{low} to {high}"


def cell_names(summary: Summary) -> dict[str, str]:
    """Name each study's cell: dataset and model, and the experiment where two share them."""
    homes: dict[tuple[str, str], set[str]] = {}
    for figures in summary.studies:
        study = figures.study
        homes.setdefault((study.dataset, study.model_name), set()).add(study.experiment)
    names = {}
    for figures in summary.studies:
        study = figures.study
        parts = [study.dataset, study.model_name]
        if len(homes[study.dataset, study.model_name]) > 1:
            parts.insert(0, study.experiment)
        names[figures.name] = f"{TIE}· ".join(parts)
    return names
