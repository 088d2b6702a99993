"""Cron's five fields: which moment is next, and what is no time."""

from datetime import datetime, timedelta

import pytest

from pipeline.errors import Refusal
from pipeline.execution.timetable import Timetable

START = datetime(2026, 11, 27, 19, 30, 12)  # noqa: DTZ001 - a Friday, anywhere


@pytest.mark.parametrize(
    ("fields", "moments"),
    [
        ("0 2 * * *", ["2026-11-28 02:00", "2026-11-29 02:00"]),
        ("@daily", ["2026-11-28 00:00", "2026-11-29 00:00"]),
        ("* * * * *", ["2026-11-27 19:31", "2026-11-27 19:32"]),
        ("*/20 19-20 * * *", ["2026-11-27 19:40", "2026-11-27 20:00", "2026-11-27 20:20"]),
        ("30 19 * * *", ["2026-11-28 19:30"]),
        ("5,10 3 1 jan *", ["2027-01-01 03:05", "2027-01-01 03:10", "2028-01-01 03:05"]),
        ("0 0 * * mon-wed", ["2026-11-30 00:00", "2026-12-01 00:00", "2026-12-02 00:00"]),
        ("0 0 * * 7", ["2026-11-29 00:00", "2026-12-06 00:00"]),
        ("0 0 13 * fri", ["2026-12-04 00:00", "2026-12-11 00:00", "2026-12-13 00:00"]),
        ("0 0 */10 * fri", ["2026-12-11 00:00"]),  # a step of all days restricts them too
        ("0 0 29 2 *", ["2028-02-29 00:00", "2032-02-29 00:00"]),
        ("0 12/6 * * *", ["2026-11-28 12:00", "2026-11-28 18:00"]),
    ],
)
def test_the_next_moments_are_crons(fields, moments):
    table, now, found = Timetable(fields), START, []
    for _ in moments:
        now = table.after(now)
        found.append(f"{now:%Y-%m-%d %H:%M}")
    assert found == moments


def test_every_minute_that_a_table_names_is_found_once():
    table = Timetable("7-59/13 */5 * 11,12 1,3")
    now, end, found = START, START + timedelta(days=20), []
    while (now := table.after(now)) < end:
        found.append(now)
    minutes = (START.replace(second=0) + timedelta(minutes=n) for n in range(1, 20 * 24 * 60))
    assert found == [
        each
        for each in minutes
        if each.minute in (7, 20, 33, 46, 59)
        and each.hour in (0, 5, 10, 15, 20)
        and each.isoweekday() in (1, 3)
        and each.month in (11, 12)
    ]


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ("0 2 * *", "says no time"),
        ("", "says no time"),
        ("@reboot", "says no time"),
        ("0 0 2 * * *", "says no time"),
        ("60 2 * * *", "Bad minute"),
        ("0 2 0 * *", "Bad day-of-month"),
        ("0 2 * jen *", "Bad month"),
        ("0 2 * * 5-1", "Bad day-of-week"),
        ("0 2 31 2 *", "Bad day-of-month"),
        ("0 2 L * *", "'L' is unknown to cron"),
        ("0 2 * * 1,5#2", "'5#2' is unknown to cron"),
        ("\u00b2 2 * * *", "Bad minute"),
    ],
)
def test_what_is_no_time_is_refused_in_one_line(fields, says):
    with pytest.raises(Refusal) as refused:
        Timetable(fields)
    assert says in str(refused.value)
    assert "\n" not in str(refused.value)
