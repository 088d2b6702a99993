"""What `normbench compare` may be told."""

from __future__ import annotations

import argparse
from typing import Any

COMPARES = """\
Say which verdicts and effects of two analyses differ beyond their intervals, which
appeared or disappeared, or that the two are the same to the last digit. Clock readings,
and what describes where an analysis was made, are no part of the digits.

Exit code 1 when a verdict or an effect changed beyond its interval, 0 when none did.
"""
COMPARED = """\
examples:
  cp reports/quick/analysis.json before.json    # change something, make it again, then
  normbench compare before.json quick
"""


def add(commands: Any) -> None:
    """Add the command to the others."""
    compare = commands.add_parser(
        "compare",
        help="say what two analyses say differently, and whether beyond their intervals",
        description=COMPARES,
        epilog=COMPARED,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    what = "an analysis.json, a folder that holds one, or a profile such as quick"
    compare.add_argument("old", help=what)
    compare.add_argument("new", help="the same")
