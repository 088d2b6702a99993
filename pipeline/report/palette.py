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


def colors(names: Sequence[str]) -> alt.Scale:
    """Give each name a colour, in order, round and round."""
    return alt.Scale(domain=list(names), range=[COLORS[i % len(COLORS)] for i in range(len(names))])


def shapes(names: Sequence[str]) -> alt.Scale:
    """Give each name a shape, in order, round and round."""
    return alt.Scale(domain=list(names), range=[SHAPES[i % len(SHAPES)] for i in range(len(names))])
