"""A chart's specification as one static, deterministic SVG, drawn without a network.

Text and rules are drawn in `currentColor`, so that a page's own style decides
them, in light and in dark; `on_white` fixes them for a file that stands alone.
"""

from __future__ import annotations

import re
from typing import Any

import vl_convert
from markupsafe import escape

INK = "#1f2328"
VERSION = "6.4"  # of Vega-Lite, bundled with vl-convert; fixed, so that the drawing is too
TAG = re.compile(r"<[^>]*>")  # no text of ours holds one: Vega and markupsafe escape the sign
ROLE = re.compile(r' (?:role|aria-[a-z]+)="[^"]*"')
DEFAULT = re.compile(r' (?:opacity="1"|pointer-events="none")')  # of a drawing that nobody clicks
ID = re.compile(r'\bid="([^"]+)"')

THEME: dict[str, Any] = {
    "background": None,
    "aria": False,
    "font": "Helvetica, Arial, sans-serif",
    "view": {"stroke": "currentColor", "strokeOpacity": 0.25},
    "axis": {
        "labelColor": "currentColor",
        "titleColor": "currentColor",
        "domainColor": "currentColor",
        "tickColor": "currentColor",
        "gridColor": "currentColor",
        "gridOpacity": 0.12,
        "domainOpacity": 0.4,
        "tickOpacity": 0.4,
        "labelFontSize": 12,
        "titleFontSize": 12,
        "titleFontWeight": "normal",
        "titlePadding": 8,
    },
    "header": {
        "labelColor": "currentColor",
        "titleColor": "currentColor",
        "labelFontSize": 13,
        "labelFontWeight": "bold",
    },
    "legend": {
        "orient": "top",
        "labelColor": "currentColor",
        "titleColor": "currentColor",
        "symbolStrokeColor": "currentColor",
        "labelFontSize": 12,
        "titleFontSize": 12,
        "titleFontWeight": "normal",
        "symbolSize": 80,
        "symbolOpacity": 1,
    },
    "text": {"color": "currentColor", "fontSize": 12},
    "rule": {"color": "currentColor"},
}


def draw(specification: dict[str, Any], *, name: str, description: str) -> str:
    """Draw a specification.

    Args:
        specification: Vega-Lite, with its data inside.
        name: Prefix of the drawing's ids, unique within a page.
        description: What a reader who can't see the drawing is told.
    """
    drawn: str = vl_convert.vegalite_to_svg(
        {**specification, "config": THEME}, vl_version=VERSION, allowed_base_urls=[]
    )
    return _described(_renamed(drawn, name), description)


def on_white(drawing: str) -> str:
    """Return the drawing with dark ink on a white ground, for a file of its own."""

    def inked(tag: re.Match[str]) -> str:
        return re.sub(r'(fill|stroke)="currentColor"', rf'\1="{INK}"', tag[0])

    ground = '<rect width="100%" height="100%" fill="#ffffff"/>'
    return re.sub(r"(<svg [^>]*>)", rf"\1{ground}", TAG.sub(inked, drawing), count=1) + "\n"


def _renamed(drawing: str, name: str) -> str:
    # Vega numbers ids by what the process has drawn before, and pages hold several drawings.
    old = dict.fromkeys(each for tag in TAG.findall(drawing) for each in ID.findall(tag))
    new = {each: f"{name}-{place}" for place, each in enumerate(old)}

    def renamed(tag: re.Match[str]) -> str:
        # The whole drawing is one image with one description.
        plain = DEFAULT.sub("", ROLE.sub("", tag[0]))
        named = ID.sub(lambda found: f'id="{new[found[1]]}"', plain)
        return re.sub(r"url\(#([^)]+)\)", lambda f: f"url(#{new.get(f[1], f[1])})", named)

    return TAG.sub(renamed, drawing)


def _described(drawing: str, description: str) -> str:
    head = f'<svg role="img" aria-label="{escape(description)}" '
    return drawing.replace("<svg ", head, 1)
