"""What a mirror decides to remove, refresh, write and move; no MLflow needed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from pipeline.tracking.entry import Entry, Identity, Point, Span
from pipeline.tracking.fingerprint import Fingerprint, fingerprint
from pipeline.tracking.reconcile import Found, difference, parents

STUDY = Identity("study", "s", "", "")
TRIAL = Identity("trial", "s", "0", "k0")
OLD_TRIAL = Identity("trial", "s", "0", "before")
PRINT, NEWER, OTHER = Fingerprint("f", "p"), Fingerprint("f", "p2"), Fingerprint("f2", "p")


def entry(identity: Identity, *metrics: str) -> Entry:
    return Entry(
        identity=identity,
        name="run",
        parent=None if identity == STUDY else STUDY,
        params={"batch_size": "32"},
        points=tuple(Point(metric, 0.5, 0) for metric in metrics),
        tags={},
        span=Span(None, None),
    )


def run(
    run_id: str,
    identity: Identity,
    *,
    finished: bool = True,
    prints: Fingerprint = PRINT,
    metrics: tuple[str, ...] = (),
    parent: str = "",
) -> Found:
    return Found(run_id, identity, finished, prints, frozenset(metrics), parent)


def wanted(*pairs: tuple[Entry, Fingerprint]) -> dict[Identity, tuple[Entry, Fingerprint]]:
    return {entry.identity: (entry, prints) for entry, prints in pairs}


def test_a_finished_run_that_says_what_it_should_is_kept():
    right = run("a", TRIAL)
    found = difference(wanted((entry(TRIAL), PRINT)), [right])
    assert found.kept == {TRIAL: right}
    assert (found.written, found.removed, found.refreshed, found.stale) == ((), (), (), ())


def test_a_half_written_run_is_removed_and_written_anew():
    half = run("a", TRIAL, finished=False)
    found = difference(wanted((entry(TRIAL), PRINT)), [half])
    assert found.removed == (half,)
    assert [missing.identity for missing in found.written] == [TRIAL]


def test_of_two_equal_runs_one_is_removed():
    first, second = run("a", TRIAL), run("b", TRIAL)
    found = difference(wanted((entry(TRIAL), PRINT)), [first, second])
    assert (found.kept, found.removed, found.written) == ({TRIAL: first}, (second,), ())


def test_of_a_half_written_and_a_whole_run_the_whole_one_stays():
    half, whole = run("a", TRIAL, finished=False), run("b", TRIAL)
    found = difference(wanted((entry(TRIAL), PRINT)), [half, whole])
    assert (found.kept, found.removed) == ({TRIAL: whole}, (half,))


def test_a_study_with_newer_metrics_is_refreshed_in_place():
    before = run("a", STUDY, metrics=("trials",))
    found = difference(wanted((entry(STUDY, "trials", "test_score"), NEWER)), [before])
    assert [changed.identity for changed in found.refreshed] == [STUDY]
    assert (found.kept, found.removed, found.written) == ({STUDY: before}, (), ())


def test_a_study_that_lost_a_metric_is_replaced_because_mlflow_cannot_forget_one():
    before = run("a", STUDY, metrics=("trials", "test_score"))
    found = difference(wanted((entry(STUDY, "trials"), NEWER)), [before])
    assert (found.removed, found.refreshed) == ((before,), ())
    assert [missing.identity for missing in found.written] == [STUDY]


def test_a_study_whose_parameters_changed_is_replaced():
    before = run("a", STUDY, prints=OTHER)
    found = difference(wanted((entry(STUDY), PRINT)), [before])
    assert (found.removed, found.refreshed) == ((before,), ())


def test_a_trial_is_never_refreshed():
    before = run("a", TRIAL)
    found = difference(wanted((entry(TRIAL), NEWER)), [before])
    assert (found.removed, found.refreshed) == ((before,), ())


def test_a_run_nobody_asks_for_any_more_is_left_alone():
    old = run("a", OLD_TRIAL)
    found = difference(wanted((entry(TRIAL), PRINT)), [old])
    assert (found.stale, found.removed) == ((old,), ())


def test_what_a_crash_left_of_a_run_nobody_asks_for_is_removed():
    old = run("a", OLD_TRIAL, finished=False)
    found = difference(wanted((entry(TRIAL), PRINT)), [old])
    assert (found.stale, found.removed) == ((), (old,))


def test_children_follow_when_their_study_was_replaced():
    current, stale = run("a", TRIAL, parent="gone"), run("b", OLD_TRIAL, parent="gone")
    both = [entry(STUDY), entry(TRIAL)]
    moves = parents(both, {STUDY: "new", TRIAL: "a"}, [current, stale])
    assert moves == {"a": "new", "b": "new"}


def test_a_stale_run_stays_below_a_parent_that_is_still_there():
    older = Identity("winner", "s", "", "w")
    winner, seed = run("w", older, parent="p"), run("b", OLD_TRIAL, parent="w")
    moves = parents([entry(STUDY)], {STUDY: "p"}, [winner, seed])
    assert moves == {}


def test_a_stale_run_whose_study_is_gone_hangs_below_nothing():
    assert parents([], {}, [run("b", OLD_TRIAL, parent="gone")]) == {"b": ""}


def test_a_stale_run_follows_the_one_that_is_left_of_two_equal_studies():
    left, child = run("p", STUDY), run("b", OLD_TRIAL, parent="removed")
    assert parents([], {}, [left, child]) == {"b": "p"}


def test_a_winner_grows_with_its_seeds_until_it_has_a_model():
    identity = Identity("winner", "s", "", "w")
    before = run("a", identity, metrics=("test_score",))
    growing = entry(identity, "test_score")
    with_model = replace(growing, model=Path("winner.keras"))
    assert difference(wanted((growing, NEWER)), [before]).refreshed == (growing,)
    assert difference(wanted((with_model, NEWER)), [before]).removed == (before,)


def test_a_changed_page_changes_what_is_fixed_and_a_metric_does_not(tmp_path: Path):
    page = tmp_path / "report.md"
    page.write_text("one")
    with_page = replace(entry(TRIAL, "loss"), files={"report.md": page})
    before = fingerprint(with_page, {})
    assert fingerprint(with_page, {}) == before
    page.write_text("two")
    after = fingerprint(with_page, {})
    assert (after.fixed != before.fixed, after.points == before.points) == (True, True)
    renamed = fingerprint(entry(TRIAL, "accuracy"), {})
    assert renamed.fixed == fingerprint(entry(TRIAL, "loss"), {}).fixed
    assert renamed.points != before.points


def test_the_order_in_which_a_worker_named_its_metrics_does_not_matter():
    one = entry(TRIAL, "loss", "accuracy")
    other = replace(one, points=tuple(reversed(one.points)))
    assert len(one.points) > 1
    assert fingerprint(one, {}) == fingerprint(other, {})
