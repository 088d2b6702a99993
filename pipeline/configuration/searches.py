"""How often an arm is searched: independent searches, the same in every arm, so that they pair.

Search n of an arm differs from its first in the seed of its design, in the seeds it trains with
and in those that confirm its winner. One arm may be searched as often again: the two halves are
equal by construction, and what is said of their difference is the control.
"""

from __future__ import annotations

from collections.abc import Collection

from pipeline.configuration.messages import Invalid, check_at_most, shown
from pipeline.configuration.sections import Plain
from pipeline.errors import nearest

APART = 1000  # between the seeds of one search and the next one's
MOST_SEARCHES = 1000


def searches_of(sections: Plain, arm: str, arms: Collection[str], *, has_winner: bool) -> int:
    """Return how often an arm is searched; once where nothing is confirmed.

    Args:
        sections: Composed sections with `searches` and `searched_again`.
        arm: The arm.
        arms: All of the experiment.
        has_winner: Whether the design has one.

    Raises:
        Invalid: `searches` is no number from 1, or `searched_again` none of the arms.
    """
    if not has_winner:
        return 1
    searches, again = sections.get("searches"), sections.get("searched_again")
    if not isinstance(searches, int) or isinstance(searches, bool) or searches < 1:
        raise Invalid("searches", f"must be a number of searches, 1 or more, got {shown(searches)}")
    check_at_most("searches", searches, MOST_SEARCHES)
    if again is not None and again not in arms:
        known = nearest(str(again), arms)
        raise Invalid("searched_again", f"must be an arm of the experiment, got {again}{known}")
    return 2 * searches if arm == again else searches


def of_search(fields: Plain, number: int) -> Plain:
    """Return a study's fields as its search of this number has them; the first keeps its seeds.

    Raises:
        Invalid: The seeds that confirm lie so far apart that two searches may share one.
    """
    confirm = [each for each in fields["confirm_seeds"] if isinstance(each, int)]
    if confirm and max(confirm) - min(confirm) >= APART:
        raise Invalid(
            "confirm_seeds",
            f"must lie within {APART} of each other: each search adds {APART} to them",
        )
    design = fields["design"]
    return fields | {
        "search": number,
        "design": design | {"seed": design["seed"] + number - 1},
        "seeds": _moved(fields["seeds"], number),
        "confirm_seeds": _moved(fields["confirm_seeds"], number),
    }


def _moved(seeds: object, number: int) -> object:
    """Return the seeds of a search; what is no list of numbers is left to be refused as it is."""
    if not isinstance(seeds, list | tuple) or not all(isinstance(each, int) for each in seeds):
        return seeds
    return [seed + APART * (number - 1) for seed in seeds]
