"""When something is to run: the five fields of cron, read and asked for the next time.

A pure function of the fields and a moment. As in cron, a day has to fit the day of the month or the
day of the week where both are restricted.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from pipeline.errors import Refusal

FIELDS = (
    ("minute", 0, 59),
    ("hour", 0, 23),
    ("day of the month", 1, 31),
    ("month", 1, 12),
    ("day of the week", 0, 7),
)
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
NAMES = {"month": {name: n for n, name in enumerate(MONTHS, 1)}}
NAMES["day of the week"] = {name: n for n, name in enumerate(DAYS)}
SHORT = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
}
PART = re.compile(r"(?P<low>\*|\w+)(?:-(?P<high>\w+))?(?:/(?P<step>\d+))?")
HORIZON_DAYS = 366 * 8 + 1  # 29 February comes again within eight years


@dataclass(frozen=True)
class Timetable:
    """The moments that five fields name.

    Attributes:
        text: The fields, as they were given; short forms by what they stand for.
        allowed: The values of each field.
        either_day: Whether a day fits by either of its two fields.
    """

    text: str
    allowed: tuple[frozenset[int], ...]
    either_day: bool

    @classmethod
    def parse(cls, text: str) -> Timetable:
        """Read five fields, or a short form such as `@daily`.

        Raises:
            Refusal: A field cannot be meant, or no day ever fits.
        """
        given = SHORT.get(text.strip(), text)
        words = given.split()
        if len(words) != len(FIELDS):
            raise Refusal(
                f"{text!r}: says no time; write minute, hour, day of the month, month and day of "
                'the week, as in "0 2 * * *" for two o\'clock each night'
            )
        allowed = [_values(word, *field, text) for word, field in zip(words, FIELDS, strict=True)]
        allowed[4] = frozenset(day % 7 for day in allowed[4])
        found = cls(" ".join(words), tuple(allowed), not {"*"} & {words[2][0], words[4][0]})
        found.after(datetime(2000, 1, 1))  # noqa: DTZ001 - any moment
        return found

    def after(self, moment: datetime) -> datetime:
        """Return the first moment that fits and is later.

        Raises:
            Refusal: There is none, such as a 31 February.
        """
        minutes, hours, *_ = map(sorted, self.allowed)
        start = moment.replace(second=0, microsecond=0) + timedelta(minutes=1)
        for days in range(HORIZON_DAYS):
            midnight = start.replace(hour=0, minute=0) + timedelta(days=days)
            if not self._fits(midnight):
                continue
            for hour in hours:
                for minute in minutes:
                    found = midnight.replace(hour=hour, minute=minute)
                    if found >= start:
                        return found
        raise Refusal(f"{self.text!r}: never comes")

    def _fits(self, day: datetime) -> bool:
        _, _, days, months, weekdays = self.allowed
        fits = (day.day in days, day.isoweekday() % 7 in weekdays)
        return day.month in months and (any(fits) if self.either_day else all(fits))


def _values(word: str, name: str, lowest: int, highest: int, text: str) -> frozenset[int]:
    found: set[int] = set()
    for part in word.split(","):
        match = PART.fullmatch(part)
        if match is None:
            raise Refusal(f"{text!r}: {part!r} is no {name}")
        step = int(match["step"] or 1)
        if match["low"] == "*":
            low, high = lowest, highest
            bad = match["high"] is not None
        else:
            low = _value(match["low"], name, text)
            last = highest if match["step"] else low
            high = _value(match["high"], name, text) if match["high"] else last
            bad = False
        if bad or step < 1 or not lowest <= low <= high <= highest:
            raise Refusal(f"{text!r}: {part!r} is no {name}: from {lowest} to {highest}")
        found |= set(range(low, high + 1, step))
    return frozenset(found)


def _value(word: str, name: str, text: str) -> int:
    named = NAMES.get(name, {}).get(word.lower())
    if named is not None:
        return named
    if not word.isascii() or not word.isdigit():
        raise Refusal(f"{text!r}: {word!r} is no {name}")
    return int(word)
