"""Lines of sealed outputs: where a trial stands, and what they say it answered."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import Refusal
from pipeline.records import Answer


@dataclass(frozen=True)
class Line:
    """One line; `answer` is none where the line is not one that this version reads."""

    file: Path
    number: int
    answer: Answer | None

    @property
    def place(self) -> str:
        """The file and the line's number, counted from 1."""
        return f"{self.file}:{self.number}"

    @property
    def profile(self) -> str:
        """The profile whose output it is: its folder's name."""
        return self.file.parent.name

    @property
    def name(self) -> str:
        """What a reader knows the trial by: its study, and its place there."""
        if self.answer is None:
            return self.place
        trial = self.answer.trial  # test data are read to confirm a winner, and never else
        place = (
            f"winner, seed {trial.seed}" if trial.split == "test" else f"trial {self.answer.index}"
        )
        return f"{self.answer.study} {place}"


def standing(patterns: Iterable[Path], key: str) -> list[Line]:
    """Return the lines that name a trial in all the files that match a pattern."""
    files = [file for pattern in patterns for file in sorted(Path().glob(str(pattern)))]
    return [line for file in files for line in lines(file, key)]


def lines(file: Path, key: str = "") -> Iterator[Line]:
    """Yield the lines that name a trial, or all of them; none where the file does not exist.

    Raises:
        Refusal: The file cannot be read.
    """
    try:
        text = file.read_text(errors="replace")
    except FileNotFoundError:
        return
    except OSError as error:
        raise Refusal(f"{file}: {error.strerror or error}") from error
    for number, line in enumerate(text.splitlines(), start=1):
        if key in line:
            yield Line(file, number, _answer(line))


def _answer(line: str) -> Answer | None:
    try:
        return Answer.parse(json.loads(line))
    except (ValueError, RecursionError):  # pydantic's errors are ValueErrors too
        return None
