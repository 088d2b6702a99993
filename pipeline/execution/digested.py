"""Files that carry their own digest: whole and unedited, or set aside.

Plain data as canonical JSON. What was cut short or changed is found when it is
read, whoever damaged it.
"""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

from pipeline.content import canonical_json, content_digest
from pipeline.errors import Refusal
from pipeline.execution.whole import write_whole

log = logging.getLogger("normbench")


class Damaged(Refusal):
    """A stored file cannot be taken as it stands; the line says where and why."""


def write_digested(file: Path, content: dict[str, Any]) -> None:
    """Write plain data durably, with their digest; the folder is made where it is missing.

    Raises:
        Refusal: The file cannot be written.
    """
    write_durably(file, {**content, "digest": content_digest(content)})


def write_durably(file: Path, content: dict[str, Any]) -> None:
    """Write plain data so that their file is whole or absent; its folder is made.

    Raises:
        Refusal: The file cannot be written.
    """
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        write_whole(file, canonical_json(content) + "\n")
    except OSError as error:
        raise Refusal(unusable(file, error)) from error


def read_digested(file: Path, kind: str) -> dict[str, Any]:
    """Return what a file says, without its digest, once it is known to be whole and unedited.

    Args:
        file: The file.
        kind: What it should hold, in a word.

    Raises:
        Damaged: It is not whole, or was edited.
        FileNotFoundError: There is no such file.
        Refusal: It cannot be read.
    """
    try:
        content: dict[str, Any] = json.loads(file.read_text())
        digest = content.pop("digest")
        found = content_digest(content)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise Refusal(unusable(file, error)) from error
    except (ValueError, KeyError, AttributeError, TypeError, RecursionError):
        raise Damaged(f"{file}: is damaged: it was cut short, or is no {kind}") from None
    if digest != found:
        raise Damaged(f"{file}: is damaged: its content does not match its own digest")
    return content


def set_aside(file: Path, consequence: str) -> None:
    """Rename a damaged file, so that its name is free again, and say so.

    Args:
        file: The file.
        consequence: What happens now, such as `the trial runs again`.

    Raises:
        Refusal: It cannot be renamed.
    """
    aside = file.with_suffix(".damaged")
    try:
        file.replace(aside)
    except FileNotFoundError:  # another process was faster
        return
    except OSError as error:
        raise Refusal(f"is damaged and cannot be set aside: {unusable(file, error)}") from error
    log.warning("%s was damaged; set aside as %s, %s", file, aside.name, consequence)


def unusable(file: Path, error: OSError) -> str:
    """Return what is wrong with a file or folder of the store, and the way out."""
    return (
        f"{file}: {error.strerror or error}; mend the folder or name another with NORMBENCH_STORE"
    )
