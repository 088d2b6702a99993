"""The tuned comparison: every arm at its own best settings, on test examples."""

from __future__ import annotations

from pipeline.findings.drawing import figure
from pipeline.findings.summary import Summary
from pipeline.findings.tuned import descriptions as tuned_descriptions
from pipeline.findings.tuned import tables as tuned_tables
from pipeline.findings.tuned.budget_chart import budget_chart
from pipeline.findings.tuned.comparisons import Comparison
from pipeline.findings.tuned.curves_chart import curves_chart
from pipeline.findings.tuned.effects_chart import effects_chart
from pipeline.findings.tuned.figures import Figures
from pipeline.findings.tuned.gap_chart import gap_chart
from pipeline.findings.tuned.sweep_chart import sweep_chart
from pipeline.findings.tuned.words import effect
from pipeline.page.blocks import Block, Heading, Nothing, Section, Text
from pipeline.wording import capital, counted, listed, percentage, points, span

NAMED = 4  # arms that a sentence names before it only counts them


def section(summary: Summary) -> Section:
    """Return the comparisons, the gap at inference, and the searches."""
    blocks: tuple[Block, ...] = (Nothing("Nothing to show: this profile tunes nothing."),)
    if summary.of(Figures).arms:
        blocks = (*_comparison(summary), *_gap(summary), *_search(summary))
    return Section("tuned", "Tuned arms on test examples", blocks)


def comparison(summary: Summary) -> str:
    """Return how the tuned arms compare, in one sentence."""
    task = summary.task(Figures)
    found = summary.of(Figures).comparisons
    measured = [each for each in found if each.log_error_ratio is not None]
    if not measured:
        return "At this scale, no two arms that were tuned and confirmed can be compared."
    error = task.error
    words = {
        "helps": f"has {error.less} {error.noun} for",
        "hurts": f"has {error.more} {error.noun} for",
        "no practical difference": "makes no practical difference for",
    }
    parts = [
        f"{said} {_named(summary, own, with_effect=word != 'no practical difference')}"
        for word, said in words.items()
        if (own := [each for each in measured if each.word == word])
    ]
    begin = "At this scale, with each arm tuned for itself, "
    undecided = [each for each in measured if each.word == "can't tell"]
    if not parts:
        return (
            f"{begin}none of the {counted(len(measured), 'comparison')} can be told: every "
            "interval over searches reaches over the margin, a factor of "
            f"{summary.analysis.margin:g} in {task.error.noun}."
        )
    told = f"{begin}normalization {listed(parts)}"
    if not undecided:
        return f"{told}."
    return f"{told}; it can't be told for {_named(summary, undecided, with_effect=False)}."


def gap(summary: Summary) -> str:
    """Return what the winners' moving statistics cost, in one sentence; empty without any."""
    arms = [(each.name, each.gap) for each in summary.of(Figures).arms if each.gap]
    differences = {
        name: found.batch_minus_moving
        for name, found in arms
        if found.batch_minus_moving is not None
    }
    if not differences:
        return ""
    costs = [name for name, found in differences.items() if found.reading == "higher"]
    gains = [name for name, found in differences.items() if found.reading == "lower"]
    if not costs and not gains:
        return (
            "Between the moving statistics, which a user gets, and the batch's own no difference "
            "can be told for any arm."
        )
    parts = []
    if costs:
        parts.append(f"cost {summary.task(Figures).score} for {_gaps(summary, costs)}")
    if gains:
        parts.append(f"gain some for {_gaps(summary, gains)}")
    return (
        f"At inference the moving statistics, which a user gets, {listed(parts)}, measured "
        "against the batch's own on the same validation examples."
    )


def spoilers(summary: Summary) -> str:
    """Return what spoils the tuned comparison, in one sentence; empty without anything."""
    found, parts = summary.of(Figures), []
    failing = [each for each in found.comparisons if each.failed or each.failed_against]
    if failing:
        named = _named(summary, failing, with_effect=False)
        parts.append(f"confirmed runs failed for {named}, and count with the errors they make")
    missing = [each for each in found.comparisons if each.log_error_ratio is None]
    if missing:
        named = _named(summary, missing, with_effect=False)
        parts.append(f"there is no comparison for {named}")
    wrong = [each for each in found.same_arm if not each.passed]
    if wrong:
        parts.append(
            "the control is off: "
            + listed([f"{each.arm} differs from itself in {each.outside:.0%}" for each in wrong])
            + " of its splits"
        )
    return f"Of the tuned arms: {'; '.join(parts)}." if parts else ""


def _named(summary: Summary, found: list[Comparison], *, with_effect: bool) -> str:
    """List comparisons by arm and cell."""
    cells = tuned_tables.cells(summary)
    shown = []
    for each in found[:NAMED]:
        with_its = (
            f", {effect(each.log_error_ratio, summary.task(Figures).error)}" if with_effect else ""
        )
        shown.append(f"{each.arm} against {each.against} ({cells[each.label]}{with_its})")
    if len(found) > NAMED:
        shown.append(f"{len(found) - NAMED} more")
    return listed(shown)


def _gaps(summary: Summary, names: list[str]) -> str:
    arms = {figures.name: figures for figures in summary.of(Figures).arms}
    cells = summary.of(Figures).names
    shown = []
    for name in names[:NAMED]:
        measured = arms[name].gap
        effect = points(measured.batch_minus_moving if measured else None)
        shown.append(f"{arms[name].study.arm} ({cells[name]}, batch minus moving {effect})")
    if len(names) > NAMED:
        shown.append(f"{len(names) - NAMED} more")
    return listed(shown)


def _comparison(summary: Summary) -> tuple[Block, ...]:
    task = summary.task(Figures)
    found = summary.of(Figures)
    level, single = percentage(summary.analysis.level), percentage(found.level)
    studies = [figures.study for figures in found.arms]
    return (
        Text(
            f"Each arm was searched {span([figures.own for figures in found.arms])} times, with "
            "other seeds each time and with the same rule and "
            f"{span([study.design.trials for study in studies])} trials for every arm; each "
            "search's winner was trained again on "
            f"{span([len(study.confirm_seeds) for study in studies])} fresh seeds, and only then "
            "scored on test examples. The same seeds serve every arm, so that searches pair. "
            "What a search happens to find is thus in the intervals: they are t intervals over "
            f"searches, each at {single}, so that all {counted(len(found.comparisons), 'reading')} "
            f"hold together at {level}. Helps and hurts mean beyond a factor of "
            f"{summary.analysis.margin:g} in {task.error.noun}."
        ),
        Heading("Winners against each other"),
        Text(comparison(summary)),
        figure(
            summary,
            "effects",
            effects_chart,
            caption=f"Test {task.error.noun} of one arm in hundredths of another one's, a mean "
            f"of ratios over paired searches with {single} t intervals. Circles: moving "
            "statistics, which a user gets; squares: statistics recalibrated over training "
            "examples, which decide nothing. Between the dotted lines a difference has no "
            "practical weight.",
            described=f"Points with intervals, one panel per model. {comparison(summary)}",
            stage="confirmed",
        ),
        tuned_tables.comparisons(summary),
        tuned_tables.results(summary),
        *_control(summary),
    )


def _control(summary: Summary) -> tuple[Block, ...]:
    if not summary.of(Figures).same_arm:
        return ()
    return (Text(tuned_descriptions.same_arm(summary)), tuned_tables.same_arm(summary))


def _gap(summary: Summary) -> tuple[Block, ...]:
    task = summary.task(Figures)
    level = percentage(summary.analysis.level)
    return (
        Heading("Training against inference, for the winners"),
        *((Text(found),) if (found := gap(summary)) else ()),
        figure(
            summary,
            "gap",
            gap_chart,
            caption=f"{capital(task.score)} of the winners on the same shuffled validation "
            "examples when batch normalization uses each batch's own statistics, the moving "
            "averages that a user gets, or statistics recalibrated over training examples: means "
            f"over searches with {level} t intervals. The panels have scales of their own.",
            described=f"Points with intervals, three for each arm. {gap(summary)}",
            stage="confirmed",
        ),
        tuned_tables.gaps(summary),
    )


def _search(summary: Summary) -> tuple[Block, ...]:
    task = summary.task(Figures)
    level = percentage(summary.analysis.level)
    return (
        Heading("What the searches saw"),
        figure(
            summary,
            "sweep",
            sweep_chart,
            caption=f"Validation {task.score} of every trial of the paired searches against its "
            "learning rate; other hyperparameters vary along. Hollow marks are failed trials, "
            "rings the winners. The search looks more often where it found something, so that "
            "the marks are no fair sample of the range.",
            described=tuned_descriptions.sweep(summary),
            stage="sweep",
        ),
        figure(
            summary,
            "budget",
            budget_chart,
            caption=f"Best against budget: the best validation {task.score} to expect of so "
            "many random trials, from those that the searches draw before they begin to learn, "
            f"with {level} bands over searches. Up to a quarter of the trials: beyond, a few "
            "lucky ones decide.",
            described=tuned_descriptions.budget(summary),
            stage="sweep",
        ),
        Text(tuned_descriptions.importance(summary)),
        tuned_tables.searches(summary),
        Heading("Learning curves of the winners"),
        figure(
            summary,
            "curves",
            curves_chart,
            caption=f"{capital(task.score)} of the winners after each epoch on training "
            "examples (dashed) and on validation examples (solid): mean over the searches' fresh "
            "seeds, with a band of one standard deviation.",
            described=tuned_descriptions.curves(summary),
            stage="confirmed",
        ),
    )
