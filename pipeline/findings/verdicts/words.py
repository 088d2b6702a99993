"""A claim's parts in words: what is compared, by which rule, and what came out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from pipeline.arguments import Argument
from pipeline.claims import units
from pipeline.claims.claim import Claim, Part
from pipeline.claims.judgement import FailureJudgement, Judgement, PartJudgement
from pipeline.claims.kind import reads_as
from pipeline.claims.rules import Amount, Band, Direction, Equivalence, Exact, Word
from pipeline.claims.verdict import Verdict
from pipeline.page.blocks import Mark
from pipeline.records import Task
from pipeline.statistics.intervals import scaled
from pipeline.wording import ABSENT, argument, counted, listed, number, percentage, points, settings

MARKS: dict[Word, Mark] = {
    "supported": Mark("supported", "\N{CHECK MARK}", "supported"),
    "refuted": Mark("refuted", "\N{BALLOT X}", "refuted"),
    "no practical difference": Mark("no practical difference", "\N{ALMOST EQUAL TO}", "same"),
    "inconclusive": Mark("inconclusive", "?", "open"),
    "not tested here": Mark("not tested here", "\N{WHITE CIRCLE}", "untested"),
}

OF_PARTS: dict[Word, str] = {"no practical difference": "without a practical difference"}


def compared(part: Part) -> str:
    """Which runs stand against which."""
    named = settings({*part.treatment, *(part.control or {}), *part.where})
    text = _side(part.treatment, named)
    if part.control is not None:
        text += f" against {_side(part.control, named)}"
    if part.own is not None:
        text += f", each at its own {settings([part.own])[part.own]}"
    return f"{text}, at {_settings(part.where, named)}" if part.where else text


def rule(part: Part, task: Task) -> str:
    """When a part is supported and when refuted, in its own units."""
    found = part.rule

    def at(value: float) -> str:
        return units.at(part, value, task).whole

    if isinstance(found, Exact):
        some = "every value is" if found.asserts == "within" else "some value is not"
        place = f"within {number(found.tolerance)} of" if found.tolerance else "exactly"
        place += f" {number(found.value)}"
        return f"supported if {some} {place}, else refuted"
    if isinstance(found, Direction):
        return (
            f"supported if the whole interval is beyond {at(found.margin)}, refuted if beyond "
            f"{at(-found.margin)}; in between, no practical difference"
        )
    if isinstance(found, Amount):
        return (
            f"claimed are {at(found.amount)}: supported if the whole interval is at "
            f"{at(found.amount - found.margin)} or beyond, refuted if it falls short of it"
        )
    low, high = (
        (found.low - found.margin, found.high + found.margin)
        if isinstance(found, Band)
        else (-found.margin, found.margin)
    )
    claimed = "" if isinstance(found, Equivalence) else f"claimed {_band(part, found, task)}: "
    return (
        f"{claimed}supported if the interval lies between {at(low)} and {at(high)}, refuted if "
        "it lies outside"
    )


def outcome(part: Part, judged: PartJudgement, task: Task) -> str:
    """What a part came to, with its interval."""
    if isinstance(part.rule, Exact):
        return _exact(part.rule, judged.largest_departure)
    return units.effect(part, judged.estimate, task)


def in_points(part: Part, judged: PartJudgement) -> str:
    """The same difference in points of the score, treatment's minus control's."""
    found = units.points(part, judged.points)
    return ABSENT if found is None else points(found)


def failures(part: Part, judged: FailureJudgement | None) -> str:
    """Treatment's share of failures minus control's."""
    if judged is None:
        return "none"
    share = units.points(part, judged.estimate)
    assert share is not None
    text = f"{points(scaled(share, 100))} {reads_as(part.effect.target).failures}"
    if part.control is not None:
        more, fewer = judged.more, judged.fewer
        if part.asserts == "less":
            more, fewer = fewer, more
        text += f" (more in {counted(more, 'seed')}, fewer in {fewer:,})"
    return text if judged.mcnemar is None else f"{text}, McNemar's exact p {judged.mcnemar:.2g}"


def reason(verdict: Verdict) -> str:
    """Why a verdict is not more than it is, and how many seeds would settle it."""
    parts = [verdict.reason] if verdict.reason else []
    if verdict.direction_settled:
        parts.append("the direction is settled, the margin is not")
    if verdict.direction is not None:
        parts.append(f"the direction alone: {verdict.direction}")
    if needed := seeds_needed(verdict):
        parts.append(f"{needed} would settle it")
    return "; ".join(parts)


def parts_told(judgement: Judgement) -> str:
    """Count the words of a claim's parts: `2 of its 5 parts are supported, 3 inconclusive`."""
    counts = Counter(part.verdict.word for part in judgement.parts)
    said = [f"{counts[word]} {OF_PARTS.get(word, word)}" for word in MARKS if counts[word]]
    number, _, first = said[0].partition(" ")
    verb = "is" if number == "1" else "are"
    said[0] = f"{number} of its {len(judgement.parts)} parts {verb} {first}"
    return ", ".join(said)


def is_told_apart(judgement: Judgement) -> bool:
    """Tell whether each part came out, but not all alike: no further seed would settle more."""
    words = {part.verdict.word for part in judgement.parts}
    return len(words) > 1 and words <= {"supported", "refuted", "no practical difference"}


def seeds_needed(verdict: Verdict) -> str:
    """How many seeds would settle it, with the range that today's seeds leave; empty if unknown."""
    found = verdict.settled
    if found is None:
        return ""
    text = f"about {counted(found.likely, 'seed')}"
    if found.fewest == found.most:
        return text
    most = "more than can be said" if found.most is None else f"{found.most:,}"
    return f"{text} ({found.fewest:,} to {most})"


def clusters(claim: Claim, judged: PartJudgement, minimum: int) -> str:
    """How many seeds came back and how many are needed; runs where the rule has no interval."""
    if judged.estimate is not None:
        return f"{judged.estimate.clusters} ({minimum})"
    if isinstance(_part(claim, judged.name).rule, Exact) and judged.planned_blocks:
        return f"{judged.present_blocks} of {counted(judged.planned_blocks, 'run')}"
    return f"0 ({minimum})"


def basis(claim: Claim) -> str:
    """What decides a claim, and at which level."""
    rates = "rates are fixed by the file" if claim.selection == "fixed" else "rates are tuned"
    if any(part.own is not None for part in claim.parts):
        rates = "each arm's own settings were chosen on other seeds"
    level = percentage(claim.level)
    together = (
        "a headline claim's, so that any wrong one among five has at most 5%"
        if claim.headline
        else "a single claim's"
    )
    return f"{claim.statistics} statistics decide; {rates}; intervals at {level}, {together}"


def _part(claim: Claim, name: str) -> Part:
    return next(part for part in (*claim.parts, *claim.beside) if part.name == name)


def _side(values: Mapping[str, Argument], named: Mapping[str, str]) -> str:
    others = {name: value for name, value in values.items() if name != "arm"}
    arm = argument(values["arm"]) if "arm" in values else ""
    if not others:
        return arm or "all runs"
    return f"{arm} with {_settings(others, named)}" if arm else _settings(others, named)


def _settings(values: Mapping[str, Argument], named: Mapping[str, str]) -> str:
    return listed([f"{named[name]} {argument(values[name])}" for name in sorted(values)])


def _band(part: Part, found: Band, task: Task) -> str:
    low, high = (units.at(part, end, task).whole for end in (found.low, found.high))
    return low if found.low == found.high else f"{low} to {high}"


def _exact(found: Exact, departure: float | None) -> str:
    if departure is None:
        return "missing"
    if departure == 0:
        return f"exactly {number(found.value)}"
    return f"up to {number(departure)} away from {number(found.value)}"
