"""Frozen records of plain data, and their identity: the digest of their content."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict


class Record(BaseModel):
    """Immutable, strictly typed, closed to unknown fields.

    Where two analyses are compared, a record in a list is known by the fields `named_by`. One that
    is a figure with a judgement says in `judged_by` which fields hold its word and its interval.
    `clock_fields` are readings of a clock, `origin_fields` say where it was made: no digits.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    named_by: ClassVar[tuple[str, ...]] = ()
    judged_by: ClassVar[tuple[str, str | None] | None] = None
    clock_fields: ClassVar[tuple[str, ...]] = ()
    origin_fields: ClassVar[tuple[str, ...]] = ()

    @property
    def label(self) -> str:
        """What it is called among others of its list; nothing where its place there says it."""
        return "/".join(filter(None, (_word(getattr(self, name)) for name in self.named_by)))

    def repeats(self) -> tuple[str, ...]:
        """Return the fields that say again what others say: a change would be told twice."""
        return ()

    @classmethod
    def parse(cls, content: object) -> Self:
        """Build the record from plain data (mappings, lists, numbers, text).

        Raises:
            pydantic.ValidationError: A field is unknown, missing, mistyped or out of range.
        """
        return cls.model_validate_json(json.dumps(content))

    def plain(self) -> dict[str, Any]:
        """Return the record as plain data, ready for JSON or YAML."""
        return self.model_dump(mode="json")


def canonical_json(content: object) -> str:
    """Return the one JSON text of plain data: sorted keys, shortest floats, no spaces.

    Raises:
        ValueError: A number is not finite.
    """
    return json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)


def content_digest(content: object) -> str:
    """Return the SHA-256 of the canonical JSON, 64 hexadecimal digits."""
    return hashlib.sha256(canonical_json(content).encode()).hexdigest()


def code_digest_with(libraries: Iterable[str]) -> str:
    """Return a digest of this package's code and of these libraries' versions."""
    return content_digest([_package(), [metadata.version(name) for name in libraries]])


@cache
def _package() -> str:
    """Return a digest of every byte of this package: its code, and its pages' templates."""
    package = Path(__file__).parent
    files = sorted(each for each in package.rglob("*") if each.suffix not in ("", ".pyc"))
    names = {each.relative_to(package).as_posix(): each for each in files}
    return content_digest({name: file_digest(each) for name, each in names.items()})


def file_digest(file: Path) -> str:
    """Return the SHA-256 of a file's bytes, 64 hexadecimal digits."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _word(value: object) -> str:
    match value:
        case None:
            return ""
        case dict():
            return ", ".join(f"{name}={each}" for name, each in sorted(value.items()))
        case float():
            return f"{value:g}"
        case Record():
            return value.label
    return str(value)
