"""What holds peers to the same task: losses, moving averages, scores."""

from dataclasses import replace

import numpy as np
import peer_sweeps
import pytest
from libraries import Said, check_same
from peer_sweeps import BASELINE, OURS, check_scores, scores_in

SAID = Said(np.array([2.0, 1.0]), np.array([0.5, -0.5]), np.array([1.0, 0.5, 0.2]))


def test_rounding_is_the_same_task():
    check_same("JAX", SAID, replace(SAID, losses=SAID.losses * 1.001))


@pytest.mark.parametrize(
    ("other", "told"),
    [
        ({"first": SAID.first * 1.001}, "the first loss is 1.0e-03 off"),
        ({"first": SAID.first * [1, 1.2]}, "the mean loss of the first steps"),
        ({"moving_mean": SAID.moving_mean * 10}, "the moving mean after the first steps"),
        ({"losses": SAID.losses * 0.9}, "the mean loss of an epoch is 1.0e-01 off"),
        ({"losses": SAID.losses * np.nan}, "the mean loss of an epoch is nan off"),
    ],
)
def test_other_losses_or_averages_are_another_task(other, told):
    with pytest.raises(RuntimeError, match=f"JAX: another task: {told}"):
        check_same("JAX", SAID, replace(SAID, **other))


def test_a_trial_without_a_score_is_missed(tmp_path):
    (tmp_path / "1").write_text("0.5")
    with pytest.raises(RuntimeError, match=r"2 trials were asked, scored were \[1\]"):
        scores_in(tmp_path, 2)
    (tmp_path / "0").write_text("0.25")
    assert scores_in(tmp_path, 2) == [0.25, 0.5]


def test_all_that_train_by_fit_must_come_to_the_same_scores():
    tool = next(name for name in peer_sweeps.WAYS if name not in (OURS, BASELINE))
    check_scores({OURS: [0.7], BASELINE: [0.5], tool: [0.5]})
    with pytest.raises(RuntimeError, match=f"{tool}: other scores than {BASELINE}"):
        check_scores({BASELINE: [0.5], tool: [0.6]})
