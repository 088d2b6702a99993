"""make bench: what a sweep costs around its trials, written to reports/benchmarks_sweep.md."""

from pathlib import Path

import pytest
from pages import publish, table

pytestmark = [
    pytest.mark.bench,
    pytest.mark.timeout(3600),
    # MLflow's own: it uses what SQLAlchemy is about to remove
    pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy:DeprecationWarning"),
]

PAGE, TITLE = Path("reports/benchmarks_sweep.md"), "The sweep, measured"


def test_the_rate_of_short_trials():
    from scheduling import rates

    rows = rates()
    publish(
        PAGE,
        TITLE,
        1,
        "Trials that sleep 0.2 s, two workers",
        table(["trials", "seconds", "ideal", "share of the ideal rate"], rows),
        about="A Sobol design; each answer is stored. Without the workers' start.",
    )
    assert len(rows) == 3


def test_the_price_of_a_trial():
    from scheduling import prices

    rows = prices()
    publish(
        PAGE,
        TITLE,
        2,
        "Asking, storing and telling",
        table(["trial", "ms"], rows),
        about="TPE with lag 8; trials take no time. Mean of the 40 trials up to each.",
    )
    assert len(rows) == 4


def test_what_a_lag_buys_and_costs():
    from scheduling import lags

    rows = lags()
    publish(
        PAGE,
        TITLE,
        3,
        "What a lag buys and costs",
        table(["lag", "workers busy", "best score after 64 trials"], rows),
        about="Simulated: 8 studies of 64 TPE trials, 64 workers; a trial takes ten times as long "
        "at the smallest batch as at the largest. Best score: mean over 32 searches of one "
        "surface, with its standard error.",
    )
    assert len(rows) == 6


def test_mirrors_of_a_thousand_trials():
    from mirrors import mirror_rows

    rows = mirror_rows(1000)
    publish(
        PAGE,
        TITLE,
        4,
        "Mirrors, on SQLite",
        table(["what", "trials", "seconds", "ms a trial"], rows),
        about="In one call.",
    )
    assert len(rows) == 4


def test_a_site_of_a_thousand_workers():
    from scheduling import scale

    rows = scale()
    head = ["trials", "workers", "seconds a trial", "lag", "busy", "CPU, ms a trial", "KiB a trial"]
    publish(
        PAGE,
        TITLE,
        5,
        "Up to 1,000 workers",
        table(head, rows),
        about="Simulated time, the real loop: 8 studies of a random design; a trial takes half to "
        "one and a half times its average, and what the coordinator computes meanwhile is measured "
        "and waited for. Without a network, mirrors and a store's disk. The last row hands all "
        "trials out at once.",
    )
    assert len(rows) == 21


def test_stages_with_nothing_to_do(tmp_path):
    from idle import PROFILE, STAGES, idle_rows, is_reproduced

    if not is_reproduced():
        pytest.skip("asks for what make reproduce leaves behind")
    rows = idle_rows(tmp_path, rounds=3)
    publish(
        PAGE,
        TITLE,
        7,
        "Stages with nothing to do",
        f"The whole of profile {PROFILE}, everything answered, written and mirrored. A first call "
        "looks at each run in MLflow, and draws each chart; later ones see that nobody has "
        "written since.\n\n"
        + table(["stage", "first call, s", "again, s", "again, processor s"], rows),
    )
    assert [row[0] for row in rows] == [*STAGES]
