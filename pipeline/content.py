"""Frozen records of plain data, and their identity: the digest of their content."""

from __future__ import annotations

import hashlib
import json
from typing import Any, Self

from pydantic import BaseModel, ConfigDict


class Record(BaseModel):
    """Immutable, strictly typed, closed to unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

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
