"""The answer in sentences, made from the figures, and what the figures don't say."""

from __future__ import annotations

from pipeline.analysis.summary import StudyFigures, Summary
from pipeline.arguments import ARGUMENTS
from pipeline.report.wording import cell_names, counted, listed, points, span

NAMED = 4  # studies that a sentence names before it only counts them


def title(summary: Summary) -> str:
    """Return the page's title."""
    return f"Where normalization helps and where it hurts: profile {summary.profile}"


def answer(summary: Summary) -> list[str]:
    """Return two to four sentences: the comparison, the gap, what spoils it, how far to trust."""
    sentences = [comparison(summary), gap(summary), _spoilers(summary), _trust(summary)]
    return [sentence for sentence in sentences if sentence]


def setting(summary: Summary) -> str:
    """Return in one line what stands behind the figures."""
    studies = [figures.study for figures in summary.studies]
    trials = span(tuple(study.design.trials for study in studies))
    seeds = span(tuple(len(study.confirm_seeds) for study in studies))
    return (
        f"Each arm was tuned with the same rule and {trials} trials on validation images; its "
        f"winner was trained again on {seeds} fresh seeds, and only then scored on test images."
    )


def described(figures: StudyFigures) -> str:
    """Return what an arm is: its layer, its place, and the well-known arguments left fixed."""
    layer = figures.study.norm.layer
    if layer is None:
        return "no normalization"
    fixed = {
        name: value
        for name, value in layer.arguments.items()
        if name in ARGUMENTS and f"norm.{name}" not in figures.study.space
    }
    kept = ", ".join(f"{name} {value}" for name, value in fixed.items())
    place = f"{layer.target}, {figures.study.norm.placement} the activation"
    return f"{place} ({kept})" if kept else place


def not_tested(summary: Summary) -> list[str]:
    """Return what this report leaves open, one sentence each."""
    studies = [figures.study for figures in summary.studies]
    optimizers = {study.optimizer.target.rpartition(".")[2] for study in studies}
    silent = [figures.name for figures in summary.studies if not figures.seeds_confirmed]
    lines = [
        f"No other datasets than {listed(sorted({study.dataset for study in studies}))}, no other "
        f"models than {listed(sorted({study.model_name for study in studies}))}, no other "
        f"optimizers than {listed(sorted(optimizers))}.",
        "No other lengths of training than the ones listed below: more epochs or more images may "
        "turn a difference around.",
        "One search per study. That another search might have chosen another winner is not in "
        "the intervals.",
        "Intervals are over seeds. That other test images might have been drawn is not in them.",
        f"Each interval holds at {summary.analysis.level:.0%} on its own; they are not adjusted "
        "for how many there are.",
    ]
    if summary.unplanned:
        lines.append(f"Not planned: {listed(list(summary.unplanned))}.")
    if silent:
        lines.append(f"Planned, but no winner was confirmed: {listed(silent)}.")
    return lines


def comparison(summary: Summary) -> str:
    """Return how the arms compare with the reference, in one sentence."""
    found, reference = summary.headline, summary.analysis.reference
    total = len(found.higher) + len(found.lower) + len(found.undecided)
    if not total:
        return f"At this scale, nothing was compared: no arm and {reference} were both confirmed."
    parts = []
    if found.higher:
        parts.append(f"higher for {_named(summary, found.higher, with_points=True)}")
    if found.lower:
        parts.append(f"lower for {_named(summary, found.lower, with_points=True)}")
    settled = f"At this scale, test accuracy against {reference} came out {listed(parts)}"
    if not found.undecided:
        return f"{settled}."
    if not parts:
        return (
            f"At this scale, no difference from {reference} in test accuracy can be told for any "
            f"of the {counted(total, 'comparison')}: every interval covers zero."
        )
    undecided = _named(summary, found.undecided, with_points=False)
    return f"{settled}; no difference can be told for {undecided}, where the interval covers zero."


def gap(summary: Summary) -> str:
    """Return what the moving statistics cost, in one sentence; empty where nothing has any."""
    found = summary.headline
    if not found.gap_measured:
        return ""
    if not found.gap_costs and not found.gap_gains:
        return (
            "Between the moving statistics, which a user gets, and the batch's own no difference "
            "can be told for any arm."
        )
    parts = []
    if found.gap_costs:
        parts.append(f"cost accuracy for {_gaps(summary, found.gap_costs)}")
    if found.gap_gains:
        parts.append(f"gain some for {_gaps(summary, found.gap_gains)}")
    return (
        f"At inference the moving statistics, which a user gets, {listed(parts)}, measured "
        "against the batch's own on the same validation images."
    )


def _named(summary: Summary, names: tuple[str, ...], *, with_points: bool) -> str:
    studies = {figures.name: figures for figures in summary.studies}
    cells = cell_names(summary)
    shown = []
    for name in names[:NAMED]:
        found = studies[name].comparison
        arm = f"{studies[name].study.arm} ({cells[name]}"
        effect = found.moving.points if with_points and found and found.moving else None
        shown.append(f"{arm}, {points(effect)} points)" if effect else f"{arm})")
    if len(names) > NAMED:
        shown.append(f"{len(names) - NAMED} more")
    return listed(shown)


def _gaps(summary: Summary, names: tuple[str, ...]) -> str:
    studies = {figures.name: figures for figures in summary.studies}
    cells = cell_names(summary)
    shown = []
    for name in names[:NAMED]:
        measured = studies[name].gap
        effect = points(measured.batch_minus_moving if measured else None)
        shown.append(f"{studies[name].study.arm} ({cells[name]}, batch minus moving {effect})")
    if len(names) > NAMED:
        shown.append(f"{len(names) - NAMED} more")
    return listed(shown)


def _spoilers(summary: Summary) -> str:
    found, parts = summary.headline, []
    if found.disagreeing:
        which = _named(summary, found.disagreeing, with_points=False)
        parts.append(f"with recalibrated statistics the reading changes for {which}")
    if found.failing:
        which = _named(summary, found.failing, with_points=False)
        parts.append(f"confirmed runs failed for {which} and are counted, not averaged in")
    if found.missing:
        which = _named(summary, found.missing, with_points=False)
        parts.append(f"there is no comparison for {which}")
    text = "; ".join(parts)
    return f"{text[:1].upper()}{text[1:]}." if text else ""


def _trust(summary: Summary) -> str:
    if not summary.headline.is_screening or summary.headline.fewest_clusters is None:
        return ""
    seeds = counted(summary.headline.fewest_clusters, "seed")
    return (
        f"This is a screening: with {seeds} per comparison, fewer than 20, it says what to "
        "measure next and settles nothing."
    )
