"""The map: seeds that cannot alias, exact tests of failures, and the surface's regions."""

from __future__ import annotations

import math
import shutil
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import qmc

from pipeline.configuration.plan import compose_plan
from pipeline.errors import Refusal
from pipeline.findings.map.regions import read_map
from pipeline.findings.map.tiles import Axes, Tile, shares
from pipeline.statistics.near_failures import nearest, one_sided, threshold
from pipeline.statistics.surface import LEAST, fitted

AXES = Axes(np.geomspace(1e-4, 0.3, 21).tolist(), [2 ** (n - 0.5) for n in range(3, 10)])
MARGIN = math.log(1.1)


def points(count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Rates and batch sizes of a Sobol design over `AXES`."""
    unit = qmc.Sobol(2, rng=np.random.default_rng(seed)).random(64)[:count]
    return 1e-4 * 3000 ** unit[:, 0], 2.0 ** (3 + np.floor(unit[:, 1] * 6))


def tiles_of(gains, failures, *, count: int = 64, seeds=None) -> tuple[Tile, ...]:
    rates, sizes = points(count)
    labels = range(count) if seeds is None else seeds
    found, _ = read_map(
        rates, sizes, gains, failures, seeds=labels, axes=AXES, level=0.95, margin=MARGIN
    )
    return found


@pytest.mark.parametrize("profile", ["quick", "smoke", "maps", "tutorial"])
def test_every_judged_cell_holds_as_many_seeds_as_its_judgement_needs(profile):
    plan = compose_plan(Path("conf"), profile)
    least = plan.analysis.minimum or 10
    for study in plan.studies.values():
        if study.design.has_winner:
            same = [each for each in plan.studies.values() if each.arm_name == study.arm_name]
            assert len(same) >= least, study.name
            continue
        assert study.seeds_together >= least, study.name
        if study.design.seeds == "own":
            seeds = {study.seed_of(n) for n in range(study.design.trials)}
            assert len(seeds) == study.design.trials, study.name


def test_one_more_failure_never_makes_the_other_arm_look_worse():
    for fewer in range(9):
        p = [float(one_sided(np.array(n), np.array(fewer))) for n in range(9)]
        assert p == sorted(p, reverse=True)
    assert one_sided(np.array(8), np.array(0)) == pytest.approx(2**-8)
    assert one_sided(np.array(7), np.array(0)) == pytest.approx(2**-7)


def test_failures_are_decided_first_even_where_nothing_is_left_to_compare():
    rates, _ = points(64)
    lost = np.where(rates > 0.02, -1.0, 0.0)
    found = tiles_of(np.where(lost == 0, 0.0, math.nan), lost)
    high = [tile for tile in found if tile.rate_low > 0.05]
    assert {(tile.reading, tile.decided_by) for tile in high} == {("helps", "failures")}
    assert not any(tile.reading == "hurts" for tile in found)


def test_worse_evidence_by_failures_never_turns_a_tile_to_helps():
    generator = np.random.default_rng(3)
    lost = generator.choice([-1.0, 0.0, 1.0], 64, p=[0.4, 0.4, 0.2])
    gains = np.full(64, math.nan)  # failures alone decide
    before = tiles_of(gains, lost)
    for n in range(0, 64, 4):
        worse = lost.copy()
        worse[n] = 0.0 if lost[n] < 0 else 1.0
        for old, new in zip(before, tiles_of(gains, worse), strict=True):
            assert new.reading != "helps" or old.reading == "helps"
            assert old.reading != "hurts" or new.reading == "hurts"


def test_a_planted_surface_is_told_where_it_is_and_nowhere_else():
    generator = np.random.default_rng(1)
    rates, _ = points(64)
    truth = np.log(rates / 5e-3) / 3  # hurts below this rate, helps above it
    found = tiles_of(truth + 0.1 * generator.normal(size=64), np.zeros(64))
    for tile in found:
        assert tile.reading != "helps" or tile.rate_high > 5e-3
        assert tile.reading != "hurts" or tile.rate_low < 5e-3
    told = shares(found)
    assert told.helps > 0.2
    assert told.hurts > 0.2
    assert told.helps + told.hurts + told.no_difference + told.cant_tell == pytest.approx(1)


def test_a_gain_within_the_margin_makes_no_practical_difference():
    generator = np.random.default_rng(2)
    found = tiles_of(0.02 + 0.01 * generator.normal(size=64), np.zeros(64))
    assert shares(found).no_difference == 1


def test_points_that_share_a_seed_and_few_points_tell_nothing():
    assert shares(tiles_of(np.ones(64), np.zeros(64), seeds=[1] * 64)).cant_tell == pytest.approx(1)
    few = LEAST - 1
    assert shares(tiles_of(np.ones(few), np.zeros(few), count=few)).cant_tell == pytest.approx(1)


def test_further_points_are_named_where_they_would_tell_most():
    rates, sizes = points(64)
    gains = 0.25 + 0.15 * np.random.default_rng(5).normal(size=64)
    found, further = read_map(
        rates, sizes, gains, np.zeros(64), seeds=range(64), axes=AXES, level=0.95, margin=MARGIN
    )
    assert 0 < len(further) <= 3
    assert all(each.gain > 0 for each in further)
    assert sum(each.gain for each in further) <= shares(found).cant_tell + 1e-9


def test_a_point_outside_the_map_and_edges_in_disorder_are_refused():
    with pytest.raises(ValueError, match="outside the map"):
        AXES.places([0.5], [16])
    with pytest.raises(ValueError, match="edges increase"):
        Axes([1, 0.1], [1, 4])


def test_the_surface_covers_planted_ones_and_failures_tell_nothing_false():
    """A few draws of what the slow proof does in earnest."""
    covered, false = 0, 0
    over = AXES.middles()
    for draw in range(20):
        generator = np.random.default_rng(draw)
        places = AXES.places(*points(64, draw))
        truth = lambda at: 0.5 * at[:, 0] ** 2 - 0.2 * at[:, 1]  # noqa: E731
        noise = (0.1 + 0.2 * places[:, 0]) * generator.normal(size=64)
        surface = fitted(places, truth(places) + noise, over=over, level=0.95)
        assert surface is not None
        _, low, high = surface.band(over)
        covered += bool(((low <= truth(over)) & (truth(over) <= high)).all())
        near = nearest(places, over)
        signs = generator.choice([-1, 1], 64)
        more, fewer = near @ (signs > 0), near @ (signs < 0)
        limit = threshold(near, error=0.05)
        false += bool((np.minimum(one_sided(more, fewer), one_sided(fewer, more)) <= limit).any())
    assert covered >= 15
    assert false <= 4


def test_a_design_that_holds_fewer_seeds_than_are_needed_is_refused(tmp_path):
    conf = Path(shutil.copytree("conf", tmp_path / "conf"))
    file = conf / "profile" / "quick.yaml"
    file.write_text(file.read_text().replace("overrides: [] ", 'overrides: ["seeds=[1,2,3,4,5]"] '))
    with pytest.raises(
        Refusal, match=r"minimum asks for 8 seeds, but each cell of .* has 5; raise seeds"
    ):
        compose_plan(conf, "quick")
