"""Runs side by side: what differs has a column, in 80 columns; scripts get every figure."""

import csv
import io
import json

from questions import result

from pipeline.records import Component
from pipeline.stages.advice import advice, inert
from pipeline.stages.comparison import Run, as_csv, as_json, as_table

SHARED = ("epochs=1", "model.initializer=glorot_uniform")
GAP = {"gap_batch": 0.92, "gap_moving": 0.59, "gap_recalibrated": 0.9}


def run(*overrides, score=0.5, gap=False):
    made = result(score, weights="0123456789abcdef")
    if gap:
        made = made.model_copy(update={"metrics": made.metrics | GAP})
    return Run((*SHARED, *overrides), "accuracy", "k" * 64, made)


def test_the_table_has_a_column_for_what_differs_and_none_for_what_is_shared():
    runs = [
        run("norm=batch", "optimizer.learning_rate=0.001", score=0.5, gap=True),
        run("norm=none", "optimizer.learning_rate=0.01", score=0.25),
    ]
    assert as_table(runs).splitlines() == [
        "                              validation  gap in",
        "norm   learning_rate  status    accuracy  points       weights",
        "batch  0.001              ok      0.5000   +33.0  0123456789ab",
        "none   0.01               ok      0.2500       -  0123456789ab",
    ]


def test_keys_with_the_same_last_part_keep_their_whole_names():
    runs = [run("model.width=1", "norm.width=2"), run("model.width=2", "norm.width=3")]
    assert "model.width  norm.width" in as_table(runs)


def test_a_table_that_would_be_too_wide_numbers_its_runs():
    keys = [f"model.argument_number_{number}" for number in range(6)]
    runs = [run(*(f"{key}={value}" for key in keys)) for value in (1, 2)]
    lines = as_table(runs).splitlines()
    assert lines[1] == "2  " + " ".join(f"{key}=2" for key in keys)
    assert [line.split()[0] for line in lines[-2:]] == ["1", "2"]
    assert max(map(len, lines[2:])) <= 80


def test_runs_that_were_told_the_same_are_numbered():
    assert as_table([run(), run()]).splitlines()[-1].split()[0] == "2"


def test_scripts_get_every_setting_and_every_metric():
    runs = [run("norm=batch", gap=True), run("+norm=none")]
    first, second = json.loads(as_json(runs))
    assert first["settings"] == {
        "epochs": "1",
        "model.initializer": "glorot_uniform",
        "norm": "batch",
    }
    assert second["settings"]["norm"] == "none"
    assert first["metrics"]["gap_moving"] == 0.59
    assert (first["status"], first["trial"]) == ("ok", "k" * 64)
    rows = list(csv.DictReader(io.StringIO(as_csv(runs))))
    assert [row["norm"] for row in rows] == ["batch", "none"]
    assert [row["gap_moving"] for row in rows] == ["0.59", ""]
    assert [row["validation_score"] for row in rows] == ["0.5", "0.5"]


def layer(**arguments):
    return Component(target="keras.layers.BatchNormalization", arguments=arguments)


def test_averages_that_have_not_settled_are_told_with_the_way_out():
    told = advice("R2", layer(momentum=0.99), run(gap=True).result)
    assert told == (
        "inference loses 33 points of R2 that training has: the moving averages had not settled "
        "after 6 steps; try norm.momentum=0.9 (now 0.99), more steps, or recalibrate them "
        "(R2 0.9000)"
    )
    assert "norm.momentum" not in advice("R2", layer(momentum=0.9), run(gap=True).result)


def test_a_gap_that_recalibrating_does_not_close_has_another_advice():
    found = run(gap=True).result
    found = found.model_copy(update={"metrics": found.metrics | {"gap_recalibrated": 0.6}})
    assert "try a larger batch_size" in advice("accuracy", layer(momentum=0.99), found)


def test_norms_that_do_nothing_are_told():
    found = run().result
    assert inert(found) == ""
    marks = dict(found.metrics)
    asleep = found.model_copy(update={"metrics": marks | {"unmoved_layers": 0.5}})
    assert inert(asleep).startswith("moving averages of 50% of the norms never moved")
    low = found.model_copy(update={"metrics": marks | {"low_variances": 0.8}})
    assert "80% of the normalized channels" in inert(low)
    assert "lower norm.epsilon" in inert(low)


def test_a_small_gap_and_none_at_all_need_no_advice():
    found = run(gap=True).result
    close = found.model_copy(update={"metrics": found.metrics | {"gap_moving": 0.9}})
    assert advice("accuracy", layer(momentum=0.99), close) == ""
    assert advice("accuracy", None, run().result) == ""
