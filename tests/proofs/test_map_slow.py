"""What the map promises, measured on planted surfaces; each prints its figures."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy.stats import qmc

from pipeline.statistics.near_failures import nearest, one_sided, threshold
from pipeline.statistics.samples import Floats
from pipeline.statistics.surface import fitted

pytestmark = pytest.mark.slow

DRAWS, POINTS = 1_000, 128  # as the shipped map has
OVER = np.array([((r + 0.5) / 20, (b + 0.5) / 6) for b in range(6) for r in range(20)])
PLANTED: dict[str, Callable[[Floats], Floats]] = {
    "flat": lambda at: 0 * at[:, 0],
    "slope": lambda at: 0.5 * at[:, 0] - 0.3 * at[:, 1],
    "curved": lambda at: at[:, 0] ** 2 - 0.4 * at[:, 0] * at[:, 1],
    "step": lambda at: 0.8 / (1 + np.exp((0.7 - at[:, 0]) / 0.08)),
}


def _places(draw: int) -> Floats:
    places = qmc.Sobol(2, rng=np.random.default_rng(draw)).random(POINTS)
    places[:, 1] = (np.floor(6 * places[:, 1]) + 0.5) / 6
    return np.asarray(places, np.float64)


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("name", PLANTED)
def test_the_band_covers_a_planted_surface_everywhere_at_once(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    truth, covered, false = PLANTED[name](OVER), 0, 0.0
    for draw in range(DRAWS):
        places, generator = _places(draw), np.random.default_rng([draw, 1])
        noise = (0.1 + 0.25 * places[:, 0]) * generator.normal(size=POINTS)
        surface = fitted(places, PLANTED[name](places) + noise, over=OVER, level=0.95)
        assert surface is not None
        _, low, high = surface.band(OVER)
        covered += bool(((low <= truth) & (truth <= high)).all())
        false += float((((low > 0) & (truth <= 0)) | ((high < 0) & (truth >= 0))).mean())
    with capsys.disabled():
        said = f"covered {100 * covered / DRAWS:.1f}%, false {100 * false / DRAWS:.2f}% of the area"
        print(f"\nsurface, {name}: {said}")
    # ten terms don't follow a steep step: there the band promises no more than hardly a false word
    assert (0.88 if name == "step" else 0.93) <= covered / DRAWS <= 0.97
    assert false / DRAWS < 0.05


@pytest.mark.parametrize("density", [1.0, 0.6, 0.3])
def test_where_failures_are_alike_hardly_a_map_has_a_false_word(
    density: float, capsys: pytest.CaptureFixture[str]
) -> None:
    false, draws = 0, 200
    for draw in range(draws):
        near, generator = nearest(_places(draw), OVER), np.random.default_rng([draw, 2])
        signs = generator.choice([-1, 1], POINTS) * (generator.random(POINTS) < density)
        more, fewer = near @ (signs > 0), near @ (signs < 0)
        least = np.minimum(one_sided(more, fewer), one_sided(fewer, more))
        false += bool((least <= threshold(near, error=0.05)).any())
    with capsys.disabled():
        print(f"\nfailures alike, density {density}: a false word in {100 * false / draws:.1f}%")
    assert false / draws <= 0.09
