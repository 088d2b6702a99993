"""The tuned comparison: every arm at its own best settings, on test examples."""

from __future__ import annotations

from pipeline.findings.drawing import figure
from pipeline.findings.summary import Summary
from pipeline.findings.tuned import descriptions as tuned_descriptions
from pipeline.findings.tuned import tables as tuned_tables
from pipeline.findings.tuned.curves_chart import curves_chart
from pipeline.findings.tuned.effects_chart import effects_chart
from pipeline.findings.tuned.figures import Figures
from pipeline.findings.tuned.gap_chart import gap_chart
from pipeline.findings.tuned.sweep_chart import sweep_chart
from pipeline.page.blocks import Block, Heading, Nothing, Section, Text
from pipeline.wording import capital, counted, listed, percentage, points, span

NAMED = 4  # studies that a sentence names before it only counts them


def section(summary: Summary) -> Section:
    """Return the comparison with the reference, the gap at inference, and the searches."""
    blocks: tuple[Block, ...] = (Nothing("Nothing to show: this profile tunes nothing."),)
    if summary.of(Figures).studies:
        blocks = (*_comparison(summary), *_gap(summary), *_search(summary))
    return Section("tuned", "Tuned arms", "Tuned arms on test examples", blocks)


def comparison(summary: Summary) -> str:
    """Return how the tuned arms compare with the reference, in one sentence."""
    found, reference = summary.of(Figures).headline, summary.analysis.reference
    total = len(found.higher) + len(found.lower) + len(found.undecided)
    if not total:
        return f"At this scale, nothing was compared: no arm and {reference} were both confirmed."
    parts = []
    if found.higher:
        parts.append(f"higher for {named(summary, found.higher, with_points=True)}")
    if found.lower:
        parts.append(f"lower for {named(summary, found.lower, with_points=True)}")
    settled = (
        f"At this scale, each arm tuned for itself, test {summary.score} against {reference} "
        f"came out {listed(parts)}"
    )
    if not found.undecided:
        return f"{settled}."
    if not parts:
        return (
            f"At this scale, each arm tuned for itself, no difference from {reference} in test "
            f"{summary.score} can be told for any of the {counted(total, 'comparison')}: every "
            "interval covers zero."
        )
    undecided = named(summary, found.undecided, with_points=False)
    return f"{settled}; no difference can be told for {undecided}, where the interval covers zero."


def gap(summary: Summary) -> str:
    """Return what the winners' moving statistics cost, in one sentence; empty without any."""
    found = summary.of(Figures).headline
    if not found.gap_measured:
        return ""
    if not found.gap_costs and not found.gap_gains:
        return (
            "Between the moving statistics, which a user gets, and the batch's own no difference "
            "can be told for any arm."
        )
    parts = []
    if found.gap_costs:
        parts.append(f"cost {summary.score} for {_gaps(summary, found.gap_costs)}")
    if found.gap_gains:
        parts.append(f"gain some for {_gaps(summary, found.gap_gains)}")
    return (
        f"At inference the moving statistics, which a user gets, {listed(parts)}, measured "
        "against the batch's own on the same validation examples."
    )


def spoilers(summary: Summary) -> str:
    """Return what spoils the tuned comparison, in one sentence; empty without anything."""
    found, parts = summary.of(Figures).headline, []
    if found.disagreeing:
        which = named(summary, found.disagreeing, with_points=False)
        parts.append(f"with recalibrated statistics the reading changes for {which}")
    if found.failing:
        which = named(summary, found.failing, with_points=False)
        parts.append(f"confirmed runs failed for {which} and are counted, not averaged in")
    if found.missing:
        which = named(summary, found.missing, with_points=False)
        parts.append(f"there is no comparison for {which}")
    return f"Of the tuned arms: {'; '.join(parts)}." if parts else ""


def named(summary: Summary, names: tuple[str, ...], *, with_points: bool) -> str:
    """List studies by arm and cell."""
    studies = {figures.name: figures for figures in summary.of(Figures).studies}
    cells = summary.of(Figures).names
    shown = []
    for name in names[:NAMED]:
        found = studies[name].comparisons.get("moving")
        arm = f"{studies[name].study.arm} ({cells[name]}"
        effect = found.points if with_points and found else None
        shown.append(f"{arm}, {points(effect)} points)" if effect else f"{arm})")
    if len(names) > NAMED:
        shown.append(f"{len(names) - NAMED} more")
    return listed(shown)


def _gaps(summary: Summary, names: tuple[str, ...]) -> str:
    studies = {figures.name: figures for figures in summary.of(Figures).studies}
    cells = summary.of(Figures).names
    shown = []
    for name in names[:NAMED]:
        measured = studies[name].gap
        effect = points(measured.batch_minus_moving if measured else None)
        shown.append(f"{studies[name].study.arm} ({cells[name]}, batch minus moving {effect})")
    if len(names) > NAMED:
        shown.append(f"{len(names) - NAMED} more")
    return listed(shown)


def _comparison(summary: Summary) -> tuple[Block, ...]:
    reference, level = summary.analysis.reference, percentage(summary.analysis.level)
    studies = [figures.study for figures in summary.of(Figures).studies]
    return (
        Text(
            "Each arm was tuned with the same rule and "
            f"{span([study.design.trials for study in studies])} trials on validation examples; "
            "its winner was trained again on "
            f"{span([len(study.confirm_seeds) for study in studies])} fresh seeds, and only then "
            "scored on test examples."
        ),
        Heading(f"Winners against {reference}"),
        Text(comparison(summary)),
        figure(
            summary,
            "effects",
            effects_chart,
            caption=f"Mean difference in test {summary.score} from {reference}, paired by seed, in "
            f"points, with {level} t intervals over seeds. Circles: moving statistics, which a "
            "user gets; squares: statistics recalibrated over training examples. An interval that "
            "crosses the dashed line tells no difference. The panels have scales of their own.",
            described=f"Points with intervals, one panel per model. {comparison(summary)}",
            stage="confirmed",
        ),
        tuned_tables.results(summary),
    )


def _gap(summary: Summary) -> tuple[Block, ...]:
    level = percentage(summary.analysis.level)
    return (
        Heading("Training against inference, for the winners"),
        *((Text(found),) if (found := gap(summary)) else ()),
        figure(
            summary,
            "gap",
            gap_chart,
            caption=f"{capital(summary.score)} of the winners on the same shuffled validation "
            "examples when batch normalization uses each batch's own statistics, the moving "
            "averages that a user gets, or statistics recalibrated over training examples: means "
            f"over seeds with {level} t intervals. The panels have scales of their own.",
            described=f"Points with intervals, three for each arm. {gap(summary)}",
            stage="confirmed",
        ),
        tuned_tables.gaps(summary),
    )


def _search(summary: Summary) -> tuple[Block, ...]:
    return (
        Heading("What the searches saw"),
        figure(
            summary,
            "sweep",
            sweep_chart,
            caption=f"Validation {summary.score} of every trial of the searches against its "
            "learning rate; other hyperparameters vary along. Hollow marks are failed trials, "
            "rings the winners. The search looks more often where it found something, so that "
            "the marks are no fair sample of the range.",
            described=tuned_descriptions.sweep(summary),
            stage="sweep",
        ),
        tuned_tables.searches(summary),
        Heading("Learning curves of the winners"),
        figure(
            summary,
            "curves",
            curves_chart,
            caption=f"{capital(summary.score)} of the winners after each epoch on training "
            "examples (dashed) and on validation examples (solid): mean over the fresh seeds, "
            "with a band of one standard deviation.",
            described=tuned_descriptions.curves(summary),
            stage="confirmed",
        ),
    )
