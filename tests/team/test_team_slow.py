"""Two people's sweeps into one store and one MLflow server on PostgreSQL, which dies meanwhile."""

import time
from collections import Counter
from pathlib import Path

import pytest
from booted import wait
from checkout import Checkout
from services import Services, install
from tiny import PROFILE, checked_out

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
TRIALS = 20


@pytest.fixture(scope="module")
def services(tmp_path_factory):
    install()
    folder = tmp_path_factory.mktemp("services")
    for each in (folder, *folder.parents[:3]):
        each.chmod(0o755)  # PostgreSQL's own user looks in
    booted = Services(folder)
    try:
        booted.start()
        yield booted
    finally:
        booted.stop()


def runs_of(services: Services) -> list[dict]:
    """Return all runs of the profile's experiment, as MLflow tells them."""
    found = services.ask(f"experiments/get-by-name?experiment_name=normbench/{PROFILE}")
    ids = [found["experiment"]["experiment_id"]]
    return services.ask("runs/search", experiment_ids=ids, max_results=1000)["runs"]


def stored(store: Path) -> list[Path]:
    return [file for file in store.glob("*/*.json") if not file.name.endswith(".clock.json")]


def test_two_sweeps_at_once_share_store_and_server_which_dies_meanwhile(services, tmp_path):
    store = tmp_path / "store"
    people: list[Checkout] = [
        checked_out(tmp_path / name, NORMBENCH_STORE=str(store), **services.person(name))
        for name in ("ada", "grace")
    ]
    sweeps = [
        each.start_pipeline("sweep", PROFILE, "--cluster", "local workers=1") for each in people
    ]
    wait(lambda: len(stored(store)) >= 4, 120)
    services.kill_server()
    time.sleep(5)
    services.start_server()
    for sweep in sweeps:
        said, _ = sweep.communicate(timeout=300)
        print(said)
        assert sweep.returncode == 0
        assert "Traceback" not in said
    sealed = [(each.root / "artifacts" / PROFILE / "studies.jsonl").read_bytes() for each in people]
    assert sealed[0] == sealed[1]
    assert len(stored(store)) == TRIALS
    for each in people:
        print(each.pipeline("mirror", PROFILE))
    runs = runs_of(services)
    print(Counter(run["info"]["status"] for run in runs))
    assert {run["info"]["status"] for run in runs} == {"FINISHED"}
    names = Counter(
        tag["value"] for run in runs for tag in run["data"]["tags"] if tag["key"] == "normbench.run"
    )
    assert set(names.values()) == {1}
