"""How much fits into some minutes: arithmetic on made-up seconds."""

import math

import pytest

from pipeline.errors import Refusal
from pipeline.stages.sizing import (
    CROWDED,
    FIXED_SECONDS,
    MOST_EPOCHS,
    MOST_SEARCHES,
    SEARCHES,
    Pace,
    Size,
    batch_sizes,
    seconds_of,
    sized,
)

QUICK = Pace(setup=2.0, run=0.5, epoch=0.1, step=0.001, example=0.0, graphs=1)
SLOW = Pace(setup=20.0, run=2.0, epoch=5.0, step=0.5, example=0.01, graphs=1)
ARMS = ("none", "batch")


def fitted(pace, minutes, *, examples=3000, workers=2):
    return sized(
        dict.fromkeys(ARMS, pace),
        examples=examples,
        seconds=60 * minutes,
        spent=0.0,
        workers=workers,
    )


@pytest.mark.parametrize(
    ("examples", "sizes"),
    [
        (60_000, [16, 32, 64, 128, 256]),
        (1000, [16, 32, 64, 128]),
        (100, [8, 16]),
        (16, [2, 4]),
    ],
)
def test_the_largest_batch_is_a_quarter_of_an_epoch(examples, sizes):
    assert list(batch_sizes(examples)) == sizes


def test_too_few_examples_are_refused():
    with pytest.raises(Refusal, match="15 training examples are too few"):
        list(batch_sizes(15))


def test_a_run_is_a_mean_over_the_batch_sizes_that_are_searched():
    # 16 and 8 of 100 examples: (100/8 + 100/16) / 2 = 9.375 steps an epoch
    pace = Pace(setup=9.0, run=1.0, epoch=0.5, step=0.1, example=0.01, graphs=1)
    assert pace.run_seconds(2, 100) == pytest.approx(1 + 2 * (0.5 + 0.9375 + 1.0))


def test_seconds_add_up():
    # 2 arms x 8 searches x 7 runs, on two workers; every graph twice; 12 rounds of 100 steps an arm
    run = QUICK.run_seconds(3, 3000)
    clock = 2 * (12 * 100 * 0.001 + 2.0)
    wanted = FIXED_SECONDS + 2 * (2 + 5) * 2.0 + CROWDED * 112 * run / 2 + clock
    paces = {"none": QUICK._replace(graphs=2), "batch": QUICK._replace(graphs=5)}
    assert seconds_of(paces, 8, 3, 3000, 2) == pytest.approx(wanted)


def test_more_minutes_buy_epochs_first_and_then_searches():
    found = [fitted(QUICK, minutes) for minutes in (3, 5, 10, 20, 60, 600)]
    assert [each.epochs for each in found] == sorted(each.epochs for each in found)
    assert found[0].searches == SEARCHES
    assert found[0].epochs < MOST_EPOCHS
    assert (found[-1].epochs, found[-1].searches) == (MOST_EPOCHS, MOST_SEARCHES)
    assert all(each.epochs == MOST_EPOCHS for each in found if each.searches > SEARCHES)
    assert all(each.examples == 3000 for each in found)
    for each, minutes in zip(found, (3, 5, 10, 20, 60, 600), strict=True):
        assert each.minutes <= minutes


def test_what_fits_is_as_much_as_fits():
    found = fitted(QUICK, 5)
    more = seconds_of(dict.fromkeys(ARMS, QUICK), found.searches, found.epochs + 1, 3000, 2)
    assert 60 * found.minutes <= 300 < more


def test_where_no_epoch_fits_there_are_fewer_examples_in_whole_batches():
    found = fitted(SLOW, 40)
    assert found.epochs == 1
    assert found.examples < 3000
    assert found.examples % 256 == 0
    assert "1 epoch on 1,024 of 3,000 examples" in found._replace(examples=1024).said(3000)


def test_where_nothing_fits_it_says_how_many_minutes_it_would_take():
    with pytest.raises(Refusal, match=r"256 of 3,000 examples: .* say --minutes \d+") as refused:
        fitted(SLOW, 2)
    asked = int(str(refused.value).partition("--minutes ")[2].split()[0])
    assert fitted(SLOW, asked).examples >= 256
    with pytest.raises(Refusal):
        fitted(SLOW, asked - 2)
    with pytest.raises(Refusal, match=f"--minutes {asked + 3} "):
        sized(dict.fromkeys(ARMS, SLOW), examples=3000, seconds=60, spent=180, workers=2)


def test_a_size_is_said_in_one_line():
    said = Size(arms=5, searches=8, epochs=4, examples=3000, minutes=17.2, workers=2).said(3000)
    assert said == "5 arms x 8 searches x 7 runs of 4 epochs: about 18 minutes on 2 cores"
    assert math.ceil(17.2) == 18
