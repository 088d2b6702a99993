"""Text that stays text: in Markdown, and inside a script element."""

from __future__ import annotations

import json
import re
from typing import Any

SPECIAL = re.compile(r"[\\`*_\[\]|~$#!]")
# What could end a script element or begin a comment in it; all that is not ASCII is escaped already
IN_SCRIPT = {code: f"\\u{code:04x}" for code in map(ord, "<>&")}


class Verbatim(str):
    """Text that a Markdown page takes as it is."""

    __slots__ = ()


def markdown_text(value: object) -> str:
    """Escape what Markdown or HTML would read as more than text; one line."""
    if isinstance(value, Verbatim):
        return str(value)
    text = " ".join(str(value).split())
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    text = SPECIAL.sub(lambda found: f"\\{found[0]}", text)
    return text.replace("://", "&#58;//").replace("www.", "www&#46;")


def json_in_script(content: Any) -> str:
    """Return JSON that an HTML page may hold in a script element, whatever its strings say.

    Raises:
        ValueError: A number is not finite.
    """
    plain = json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return plain.translate(IN_SCRIPT)
