"""What a stage made its outputs of: where nothing of it has changed, they stay as they are.

DVC runs no stage whose inputs are the same; who calls one by itself waits no longer for it. The
digest of what decides the outputs covers every byte of this package, so that any edit makes them
anew.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from pathlib import Path

from pipeline.content import canonical_json, file_digest


def made_once(
    note: Path, of: str, outputs: Callable[[], Iterable[Path]], make: Callable[[], str]
) -> str:
    """Make outputs, unless they lie there as they were made of the same; return the line to print.

    Args:
        note: Where it is noted what they were made of.
        of: A digest of all that decides them.
        outputs: Lists those that are there.
        make: Makes them, and returns the line.
    """
    known = _noted(note)
    if (known.get("of"), known.get("outputs")) == (of, _digests(outputs())):
        return str(known.get("told"))
    told = make()
    note.parent.mkdir(parents=True, exist_ok=True)
    note.write_text(canonical_json({"of": of, "outputs": _digests(outputs()), "told": told}))
    return told


def _noted(note: Path) -> dict[str, object]:
    try:
        content = json.loads(note.read_text())
    except (OSError, ValueError):  # no note, or a damaged one
        return {}
    return content if isinstance(content, dict) else {}


def _digests(files: Iterable[Path]) -> dict[str, str]:
    return {file.as_posix(): file_digest(file) for file in files if file.is_file()}
