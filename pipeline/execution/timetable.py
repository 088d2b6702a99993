"""When something is to run: the five fields of cron, and the next moment that they name."""

from __future__ import annotations

import re
from datetime import datetime

from cronsim import CronSim, CronSimError

from pipeline.errors import Refusal

FIELDS = 5
SHORT = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
}
LIBRARYS = re.compile(r"\d*L|LW|\w+#\d+", re.IGNORECASE)  # parts that cron itself does not know


class Timetable:
    """The moments that five fields name.

    Attributes:
        text: The fields, as they were given; short forms by what they stand for.
    """

    def __init__(self, text: str) -> None:
        """Read five fields, or a short form such as `@daily`.

        Raises:
            Refusal: A field cannot be meant, or no day ever fits.
        """
        self.text = " ".join(SHORT.get(text.strip(), text).split())
        words = self.text.split(" ")
        if len(words) != FIELDS:
            raise Refusal(
                f"{text!r}: says no time; write minute, hour, day of the month, month and day of "
                'the week, as in "0 2 * * *" for two o\'clock each night'
            )
        for part in ",".join(words).split(","):
            if LIBRARYS.fullmatch(part):
                raise Refusal(f"{text!r}: {part!r} is unknown to cron")
        try:
            self.after(datetime(2000, 1, 1))  # noqa: DTZ001 - any moment
        except CronSimError as error:
            raise Refusal(f"{text!r}: {error}") from None
        except StopIteration:
            raise Refusal(f"{text!r}: never comes") from None

    def after(self, moment: datetime) -> datetime:
        """Return the first moment that fits and is later."""
        return next(CronSim(self.text, moment))
