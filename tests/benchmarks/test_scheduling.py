"""make bench: what a sweep costs around its trials, written to reports/benchmarks_sweep.md."""

import os
import platform
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pipeline.execution.environment import processor

pytestmark = [pytest.mark.bench, pytest.mark.timeout(3600)]

PAGE = Path("reports/benchmarks_sweep.md")


def table(header: list[str], rows: list[list[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def test_the_sweep_is_measured():
    from mirrors import mirror_rows
    from scheduling import lags, prices, rates

    rate_rows, price_rows, lag_rows = rates(), prices(), lags()
    mirror_table = mirror_rows(1000)
    PAGE.write_text(
        "# The sweep, measured\n\n"
        f"{datetime.now(UTC):%Y-%m-%d}, {processor().split(' avx')[0]}, {os.cpu_count()} cores, "
        f"Python {platform.python_version()}. `make bench` writes this page.\n\n"
        "## Trials that sleep 0.2 s, two workers\n\nA Sobol design; each answer is stored.\n\n"
        + table(["trials", "seconds", "ideal", "share of the ideal rate"], rate_rows)
        + "\n## Asking, storing and telling\n\nTPE with lag 8; trials take no time.\n\n"
        + table(["trial", "ms"], price_rows)
        + "\n## What a lag buys and costs\n\nSimulated: 8 studies of 64 TPE trials, 64 workers; "
        "a trial takes ten times as long at the smallest batch as at the largest. "
        "Best score: mean over 32 searches of one surface, with its standard error.\n\n"
        + table(["lag", "workers busy", "best score after 64 trials"], lag_rows)
        + "\n## Mirrors, on SQLite\n\n"
        + table(["what", "trials", "seconds", "ms a trial"], mirror_table)
    )
    assert len(rate_rows) == 3
    assert len(lag_rows) == 6
