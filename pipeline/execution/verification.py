"""Is the answer still the same? Every figure of it, compared to the last bit. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pipeline.content import canonical_json
from pipeline.records import Environment, Result, Trial
from pipeline.tasks.scoring import Scoring, scoring_of

Figure = int | float | str
ABSENT = "absent"
NOT_FINITE = "not finite"
SINGULAR = {"metrics": "metric", "curves": "curve", "kernels": "kernel"}


@dataclass(frozen=True)
class Difference:
    """One figure, as it was claimed and as it was found."""

    figure: str
    claimed: Figure
    found: Figure

    @property
    def distance(self) -> float | None:
        """Found minus claimed; nothing where one of them is no number."""
        if isinstance(self.claimed, str) or isinstance(self.found, str):
            return None
        return self.found - self.claimed


@dataclass(frozen=True)
class Claim:
    """Somebody's word on what a trial's answer is: the store's, or a sealed line's."""

    place: str
    result: Result


@dataclass(frozen=True)
class Case:
    """A trial that is to be asked again.

    Attributes:
        name: What a reader knows it by.
        trial: The question; none where nothing that is left says it.
        claims: What it must be compared with.
        faults: What is wrong before anything is trained, a line each.
    """

    name: str
    trial: Trial | None
    claims: tuple[Claim, ...]
    faults: tuple[str, ...]


@dataclass(frozen=True)
class Verdict:
    """What came of asking again.

    Attributes:
        case: The trial and its claims.
        environment: What decides digits and is not the same here; empty where all is.
        differences: For each claim, the figures that came out otherwise.
    """

    case: Case
    environment: tuple[Difference, ...]
    differences: tuple[tuple[Difference, ...], ...]

    @property
    def is_the_same(self) -> bool:
        """Whether the trial was asked again and nothing at all speaks against its answer."""
        was_asked = bool(self.case.claims)
        return was_asked and not self.case.faults and not any(self.differences)


def judged(case: Case, trial: Trial, found: Result, here: Environment) -> Verdict:
    """Return the verdict on a case whose trial was trained again.

    Args:
        case: The trial and its claims.
        trial: The question, as it was put before.
        found: What came out.
        here: What decided its digits.
    """
    scoring = scoring_of(trial.task)
    return Verdict(
        case=case,
        environment=compared(trial.environment.plain(), here.plain()),
        differences=tuple(
            compared(figures(claim.result, scoring), figures(found, scoring))
            for claim in case.claims
        ),
    )


def disagreements(claims: Sequence[Claim]) -> tuple[str, ...]:
    """Return a line for each claim that is not what the first one says."""
    return tuple(
        f"{claim.place} does not say what {claims[0].place} says"
        for claim in claims[1:]
        if canonical_json(claims[0].result.plain()) != canonical_json(claim.result.plain())
    )


def figures(result: Result, scoring: Scoring) -> dict[str, Figure]:
    """Return every figure of an answer by name, its task's outcomes among them.

    The epochs of a curve count from 1, the examples of a split from 0, as in its arrays.
    """
    found: dict[str, Figure] = {}
    for field, value in result.plain().items():
        if field == "outcomes":
            for split, text in value.items():
                name, total = scoring.total(text)
                found[f"{split} examples {name}"] = total
                for number, outcome in enumerate(scoring.outcomes(text)):
                    found[f"{split} examples, example {number}"] = outcome
            continue
        parts = value if isinstance(value, dict) else {"": value}
        for name, part in parts.items():
            label = f"{SINGULAR.get(field, field)} {name}".strip()
            points = (
                {f"{label}, epoch {epoch}": each for epoch, each in enumerate(part, start=1)}
                if isinstance(part, list)
                else {label: part}
            )
            found |= {label: NOT_FINITE if p is None else p for label, p in points.items()}
    return found


def compared(claimed: Mapping[str, Figure], found: Mapping[str, Figure]) -> tuple[Difference, ...]:
    """Return the figures that are not the same to the last bit, in the order they are claimed."""
    names = [*claimed, *(name for name in found if name not in claimed)]
    pairs = [(name, claimed.get(name, ABSENT), found.get(name, ABSENT)) for name in names]
    # the shortest text of a number is its own: two numbers that differ in any bit differ in it
    return tuple(Difference(*pair) for pair in pairs if repr(pair[1]) != repr(pair[2]))
