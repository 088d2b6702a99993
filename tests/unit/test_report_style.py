"""Colours that can be read: contrast by the Web Content Accessibility Guidelines' definition."""

from __future__ import annotations

import re

import pytest

from pipeline.page.interactive import TEMPLATES
from pipeline.page.palette import COLORS

STYLE = (TEMPLATES / "report.css").read_text()


def _themes() -> dict[str, dict[str, str]]:
    """The variables of the style sheet's `:root` blocks, light, dark and print."""
    blocks = re.findall(r":root \{([^}]*)\}", STYLE)
    found = [dict(re.findall(r"--([a-z]+): (#[0-9a-f]{6})", block)) for block in blocks]
    return dict(zip(("light", "dark", "print"), found, strict=True))


def _luminance(color: str) -> float:
    parts = [int(color[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def _contrast(one: str, other: str) -> float:
    dark, light = sorted(map(_luminance, (one, other)))
    return (light + 0.05) / (dark + 0.05)


def test_the_measure_is_the_guidelines() -> None:
    assert _contrast("#000000", "#ffffff") == pytest.approx(21)
    assert _contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.01)


@pytest.mark.parametrize("theme", ["light", "dark", "print"])
def test_text_can_be_read_on_both_grounds(theme: str) -> None:
    found = _themes()[theme]
    for ink in ("ink", "soft", "accent", "supported", "refuted", "same"):
        for ground in ("ground", "tint"):
            assert _contrast(found[ink], found[ground]) >= 4.5, (theme, ink, ground)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_marks_stand_out_from_the_ground(theme: str) -> None:
    ground = _themes()[theme]["ground"]
    assert min(_contrast(color, ground) for color in COLORS) >= 3


def test_what_narrow_windows_get_paper_does_not() -> None:
    narrow = re.findall(r"@media ([^{]*)\{", STYLE)
    assert all("screen" in each for each in narrow if "max-width" in each)
