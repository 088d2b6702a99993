"""Colours and shapes that tell arms apart, to every eye, on white and on black.

The hues are Okabe and Ito's, without those that vanish on one of the grounds.
Six colours and seven shapes share no factor, so that 42 arms each get a pair
of their own and colour is never the only channel.
"""

from __future__ import annotations

from collections.abc import Sequence

import altair as alt

COLORS = ("#7f7f7f", "#0b7fc2", "#d55e00", "#009e73", "#c2679b", "#b37f00")
SHAPES = ("circle", "square", "triangle-up", "diamond", "cross", "triangle-down", "triangle-right")
GREY, BLUE, ORANGE = COLORS[:3]


def colors(names: Sequence[str], *, of: Sequence[str] | None = None) -> alt.Scale:
    """Give each name a colour, in order, round and round; that of its place in `of` if given."""
    return _scale(names, of, COLORS)


def shapes(names: Sequence[str], *, of: Sequence[str] | None = None) -> alt.Scale:
    """Give each name a shape, in order, round and round; that of its place in `of` if given."""
    return _scale(names, of, SHAPES)


def _scale(names: Sequence[str], of: Sequence[str] | None, looks: Sequence[str]) -> alt.Scale:
    places = {name: place for place, name in enumerate(names if of is None else of)}
    return alt.Scale(domain=list(names), range=[looks[places[name] % len(looks)] for name in names])
