"""Weights that a store keeps for others to start from: whole and those of their answer, or damaged.

They need no digest of their own: the answer they belong to has it.
"""

from __future__ import annotations

from pathlib import Path

from pipeline.errors import Refusal
from pipeline.execution.digested import Damaged, set_aside, unusable
from pipeline.training.checkpoint import Weights, digest_of, unpacked


def read_weights(file: Path, digest: str) -> Weights | None:
    """Return the weights in a file; nothing where there is none. What is damaged stays as it is.

    Args:
        file: What `checkpoint.packed` made.
        digest: That of the answer which ended with them.

    Raises:
        Damaged: They were cut short or changed, or are another answer's.
        Refusal: The file cannot be read.
    """
    try:
        found = unpacked(file.read_bytes())
    except FileNotFoundError:
        return None
    except OSError as error:
        raise Refusal(unusable(file, error)) from error
    except ValueError:
        raise Damaged(f"{file}: is damaged: it was cut short, or holds no weights") from None
    if digest_of(found) != digest:
        raise Damaged(f"{file}: is damaged: its weights are not those of the answer")
    return found


def whole_weights(file: Path, digest: str) -> Weights | None:
    """Return the weights in a file; damaged ones are set aside and count as none.

    Raises:
        Refusal: The file cannot be read, or what is damaged cannot be set aside.
    """
    try:
        return read_weights(file, digest)
    except Damaged:
        set_aside(file, "its trial runs again where others start from it")
        return None
