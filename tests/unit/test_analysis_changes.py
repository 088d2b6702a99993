"""Two analyses side by side: made-up profiles, edited figure by figure."""

from __future__ import annotations

import types
from collections.abc import Iterator
from typing import Any, get_args, get_origin, get_type_hints

import pytest
from fake_analysis import edited, fake_analysis, with_figures

from pipeline.content import Record
from pipeline.findings import FINDINGS
from pipeline.findings.changes import CellChange, changes, overlap
from pipeline.findings.map.figures import Figures as Maps
from pipeline.findings.summary import Summary, figures_module
from pipeline.findings.tuned.figures import Figures as Tuned
from pipeline.findings.verdicts.figures import ClaimFigures
from pipeline.findings.verdicts.figures import Figures as Claims
from pipeline.statistics.intervals import Estimate
from pipeline.statistics.step_costs import StepCost

INFINITE = (None, None)
AGREED: dict[str, Any] = {"method": "ranks", "spread": 0.0}


@pytest.fixture(scope="module")
def summary() -> Summary:
    return fake_analysis()


def only(old: Summary, new: Summary) -> CellChange:
    (cell,) = changes(old, new).cells
    return cell


def test_an_analysis_is_the_same_as_itself_to_the_last_digit(summary):
    found = changes(summary, Summary.model_validate_json(summary.text()))
    assert found.same_digits
    assert (found.beyond, found.origins, found.clocks) == ((), (), 0)
    assert found.compared > 1000


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("findings.origins.clock.clock.wall_seconds", 1.5),
        ("findings.origins.clock.costs.0.arms.none.steps", 7),
        ("findings.time_to_target.cells.0.arms.1.median_seconds", 2.5),
        ("findings.time_to_target.cells.0.arms.1.seconds_ratio.value", 0.25),
        ("findings.time_to_target.cells.0.arms.1.norm_kernel", "other"),
        ("findings.verdicts.claims.T2.seconds", {}),
    ],
)
def test_clock_readings_are_no_digits(summary, place, value):
    found = changes(summary, edited(summary, place, value))
    assert found.same_digits
    assert found.clocks > 0


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("findings.origins.versions.processor", ["x86_64 avx2"]),
        ("findings.origins.digests", {"studies.jsonl": "0" * 64}),
        ("findings.origins.claims_digest", "0" * 64),
    ],
)
def test_what_says_where_an_analysis_was_made_is_no_digit(summary, place, value):
    found = changes(summary, edited(summary, place, value))
    assert (found.same_digits, found.clocks) == (True, 0)
    assert {each.place[1] for each in found.origins} == {place.split(".")[2]}


def test_another_word_is_beyond_whatever_the_interval(summary):
    cell = only(
        summary, edited(summary, "findings.verdicts.claims.T2.judgement.verdict.word", "refuted")
    )
    assert (cell.group, cell.beyond) == ("verdicts", True)
    assert cell.place == ("verdicts", "claims", "T2 training-time", "judgement")
    assert (cell.new.word, cell.old.found) == ("refuted", None)


@pytest.mark.parametrize(("shift", "beyond"), [(0.0, None), (0.5, False), (2.5, True)])
def test_an_effect_changed_beyond_when_its_intervals_do_not_overlap(summary, shift, beyond):
    """Shifted by so many half-widths: two intervals of one width part at two."""
    place = "findings.verdicts.claims.T16.judgement.parts.0.estimate"
    found = summary.plain()
    path = ("findings", "verdicts", "claims", _index(summary, "T16"))
    for name in (*path, "judgement", "parts", 0, "estimate"):
        found = found[name]
    by = shift * (found["high"] - found["low"]) / 2
    moved = summary
    for end in ("low", "value", "high"):
        moved = edited(moved, f"{place}.{end}", found[end] + by)
    if beyond is None:
        assert changes(summary, moved).same_digits
        return
    cell = only(summary, moved)
    assert (cell.group, cell.beyond) == ("effects", beyond)
    assert cell.place[-2:] == (
        "parts",
        summary.of(Claims).claims[_index(summary, "T16")].claim.parts[0].name,
    )


@pytest.mark.parametrize(
    ("place", "value", "group"),
    [
        ("findings.verdicts.claims.T2.judgement.other.word", "refuted", "verdicts"),
        ("findings.verdicts.claims.T2.judgement.beside.0.verdict.word", "refuted", "effects"),
        ("findings.tuned.comparisons.1.points.low", 1e6, "tuned"),
        ("findings.tuned.comparisons.1.crossed.low", 1e6, "tuned"),
        ("findings.tuned.comparisons.1.log_error_ratio.low", 1e6, "tuned"),
        ("findings.map.maps.0.tiles.0.reading", "hurts", "maps"),
        ("findings.map.maps.0.tiles.60.gain", None, "maps"),
        ("findings.stability.cells.0.arms.1.decades.low", 1e6, "other"),
        ("findings.tuned.arms.1.test_score.low", 1e6, "other"),
    ],
)
def test_changes_are_sorted_by_what_they_are_about(summary, place, value, group):
    cell = only(summary, edited(summary, place, value))
    assert (cell.group, cell.beyond) == (group, True)


def test_what_appears_or_disappears_is_beyond(summary):
    without = edited(summary, "findings.tuned.comparisons.1.recalibrated", None)
    gone = changes(summary, without).cells
    assert {cell.place[-1] for cell in gone} == {"recalibrated"}
    assert all(cell.beyond and cell.new is None and cell.group == "tuned" for cell in gone)
    assert all(cell.old is None and cell.beyond for cell in changes(without, summary).cells)


def test_an_interval_that_is_missing_on_one_side_is_beyond(summary):
    cell = only(summary, edited(summary, "findings.map.maps.0.tiles.60.gain", None))
    assert (cell.beyond, cell.old.word, cell.new.found) == (True, cell.new.word, None)


def test_a_figure_without_an_interval_differs_and_is_not_beyond(summary):
    found = changes(summary, edited(summary, "findings.origins.counts.planned", 7))
    assert (found.cells, found.beyond, found.same_digits) == ((), (), False)
    (figure,) = found.figures
    assert (figure.place, figure.new) == (("origins", "counts", "planned"), "7")


def test_a_study_is_known_by_its_name_wherever_it_stands_in_the_list(summary):
    backwards = with_figures(summary, Tuned, arms=tuple(reversed(summary.of(Tuned).arms)))
    assert changes(summary, backwards).same_digits


def test_two_of_one_name_are_both_compared(summary):
    twice = with_figures(summary, Maps, maps=(*summary.of(Maps).maps, summary.of(Maps).maps[0]))
    cells = changes(summary, twice).cells
    assert {cell.place[2].endswith("(2)") for cell in cells} == {True}


def test_zeros_of_two_signs_are_not_the_same_digit(summary):
    place = "findings.tuned.arms.1.search.0.trials.0.validation_score"
    found = changes(edited(summary, place, 0.0), edited(summary, place, -0.0))
    assert [(each.old, each.new) for each in found.figures] == [("0.0", "-0.0")]


def estimate(value: float | None, low: float | None, high: float | None, **more: Any) -> Estimate:
    fields = {"known": "exactly", "method": "t", "level": 0.95, "spread": None} | more
    return Estimate(value=value, low=low, high=high, clusters=8, blocks=8, **fields)


@pytest.mark.parametrize(
    ("old", "new", "together"),
    [
        (estimate(0.5, 0, 1), estimate(1.5, 1, 2), True),
        (estimate(0.5, 0, 1), estimate(1.6, 1.1, 2), False),
        (estimate(0.5, 0, 1), estimate(5, -9, 9), True),
        # too few clusters that agree to say how far others stray: the value itself
        (estimate(0.5, *INFINITE, **AGREED), estimate(0.6, *INFINITE, **AGREED), False),
        (estimate(0.5, *INFINITE, **AGREED), estimate(0.6, 0.4, 0.8), True),
        (estimate(0.5, *INFINITE, **AGREED), estimate(0.5 + 1e-15, *INFINITE, **AGREED), True),
        (estimate(0.5, *INFINITE, **AGREED), estimate(0.5 + 1e-10, *INFINITE, **AGREED), False),
        # an estimate without a limit reaches to infinity, one without an interval does not
        (estimate(0.5, 0, None), estimate(9.0, 8, 10), True),
        (estimate(0.5, 0, None), estimate(-9.0, -10, -8), False),
        (estimate(0.5, *INFINITE, method="ranks"), estimate(9.0, 8, 10), True),
        (estimate(0.5, *INFINITE, method="none"), estimate(9.0, 8, 10), False),
        (estimate(0.5, *INFINITE, method="none", known="at least"), estimate(9.0, 8, 10), True),
        (estimate(0.5, *INFINITE, method="none", known="at most"), estimate(9.0, 8, 10), False),
        (estimate(None, *INFINITE, method="none", known="not at all"), estimate(9, 8, 10), True),
        (
            estimate(0.5, *INFINITE, method="ranks"),
            estimate(9.0, *INFINITE, method="ranks"),
            True,
        ),
    ],
)
def test_intervals_that_touch_overlap(old, new, together):
    assert overlap(old, new) == overlap(new, old) == together


def test_every_record_of_a_list_has_a_name_to_be_found_by():
    kinds = [module.Figures for name in FINDINGS if (module := figures_module(name))]
    listed = {each for kind in kinds for each in _listed(kind)}
    assert len(kinds) == 11
    nameless = {Estimate, StepCost}  # points of a line, in order; clock readings
    own = {ClaimFigures}
    assert {kind for kind in listed if not kind.named_by} == own | nameless


def _listed(record: type[Record], known: set[type] | None = None) -> Iterator[type[Record]]:
    """Every kind of record that stands in a list anywhere below."""
    seen = set() if known is None else known
    if record in seen:
        return
    seen.add(record)
    for hint in get_type_hints(record).values():
        for kind, in_list in _kinds(hint, in_list=False):
            if in_list:
                yield kind
            yield from _listed(kind, seen)


def _kinds(hint: Any, *, in_list: bool) -> Iterator[tuple[type[Record], bool]]:
    if isinstance(hint, type) and not isinstance(hint, types.GenericAlias):
        if issubclass(hint, Record):
            yield hint, in_list
        return
    for each in get_args(hint):
        yield from _kinds(each, in_list=in_list or get_origin(hint) is tuple)


def _index(summary: Summary, claim: str) -> int:
    return [figures.claim.id for figures in summary.of(Claims).claims].index(claim)
