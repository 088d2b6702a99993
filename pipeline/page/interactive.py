"""What lets a page draw its charts again where scripts run: libraries, data, and their policy.

Vega, Vega-Lite and Vega-Embed lie inside the page, which asks nobody for anything. Its policy
names the two scripts by their digests and forbids to make code from text: expressions are read by
Vega's interpreter.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import vl_convert

from pipeline.page.blocks import Figure
from pipeline.page.escaping import json_in_script
from pipeline.page.svg import THEME, VERSION

TEMPLATES = Path(__file__).parent / "templates"
SNIPPET = "window.vegaEmbed = vegaEmbed;"  # the one name that the page's own script needs


@cache
def libraries() -> str:
    """Return the libraries as one script, with their licenses in front."""
    licenses = (TEMPLATES / "licenses.txt").read_text()
    bundled: str = vl_convert.javascript_bundle(SNIPPET, VERSION)
    return _in_element(f"/*!\n{licenses}*/\n{bundled}\n")


@cache
def behaviour() -> str:
    """Return the page's own script."""
    return _in_element((TEMPLATES / "report.js").read_text())


def chart_data(figures: Sequence[Figure]) -> str:
    """Return every chart's specifications and rows as JSON for a script element."""
    charts = {
        figure.name: {**figure.specifications, "rows": figure.rows}
        for figure in figures
        if figure.specifications
    }
    return json_in_script({"theme": THEME, "charts": charts})


@cache
def policy() -> str:
    """Return the page's Content-Security-Policy."""
    scripts = " ".join(f"'sha256-{_digest(script)}'" for script in (libraries(), behaviour()))
    return f"default-src 'none'; style-src 'unsafe-inline'; img-src data:; script-src {scripts}"


def _digest(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()


def _in_element(script: str) -> str:
    """Keep a script from ending its own element."""
    return script.replace("</script", "<\\/script").replace("<!--", "<\\!--")
