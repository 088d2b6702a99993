"""Deep Q-learning: the same digits, whatever ran before; by which statistics it acts and learns."""

from pathlib import Path

import gymnasium
import numpy as np
import pytest

from pipeline.configuration.cell import compose_cells
from pipeline.data.prepared import prepare
from pipeline.errors import Refusal

SMALL = (
    *("dataset=cartpole", "dataset.train=256", "dataset.validation=8", "dataset.test=8"),
    *("model=q_network", "model.width=16", "batch_size=16", "epochs=3", "steps_per_epoch=60"),
    *("optimizer.learning_rate=0.01", "probes.recalibration_examples=200", "norm=batch_default"),
)


@pytest.fixture(scope="module")
def states(tmp_path_factory):
    found = compose_cells(Path("conf"), list(SMALL), multirun=False)[0].dataset
    folder = tmp_path_factory.mktemp("states") / "cartpole"
    prepare(found, "cartpole", folder)
    return folder


@pytest.fixture
def answered(asked, states):
    from pipeline.training import dqn

    def answer(*overrides, split="validation"):
        return dqn.train(asked(*SMALL, *overrides, of=states, split=split), states).result

    return answer


def test_a_trial_has_the_same_digits_on_a_fresh_graph_and_after_another_trial(answered):
    from pipeline.training import dqn

    dqn._graphs.clear()
    first = answered()
    other = answered("seed=1", "optimizer.learning_rate=0.001")
    assert answered() == first
    assert other.weights_digest != first.weights_digest
    dqn._graphs.clear()
    assert answered() == first


@pytest.mark.parametrize("arm", ["none", "layer", "batch_joint"])
def test_every_arm_is_trained_and_tells_its_target(arm, answered):
    result = answered(f"norm={arm}")
    assert result.status == "ok"
    assert result.steps == 180
    assert result.kernels["target"] == ("none" if arm == "batch_joint" else "copy")
    assert ("validation_score_recalibrated" in result.metrics) == (arm == "batch_joint")
    assert {len(curve) for curve in result.curves.values()} == {3}


def test_it_trains_in_half_precision_too(answered):
    half = answered("precision=bfloat16", "allow_slow_precision=true")
    assert half.status == "ok"
    assert half.weights_digest != answered().weights_digest


def test_where_epochs_end_changes_no_bit_of_the_training(answered):
    """Nor does an evaluation: 180 steps in three epochs, or in one."""
    one = answered("epochs=1", "steps_per_epoch=180")
    assert one.weights_digest == answered("steps_per_epoch=[20,100,60]").weights_digest


def test_the_test_episodes_are_packed_when_they_are_asked_for(answered):
    result = answered(split="test")
    returns = np.frombuffer(bytes.fromhex(result.outcomes["test"]), "<u2")
    assert len(returns) == 8
    assert result.metrics["test_score"] == pytest.approx(returns.mean() / 500)


def test_a_policy_that_blows_up_scores_what_random_actions_do(answered):
    result = answered("norm=none", "optimizer=sgd", "optimizer.learning_rate=1e30")
    assert result.status == "diverged"
    assert result.metrics["validation_score"] == 0.044


@pytest.mark.parametrize(
    ("probe", "value"),
    [
        ("shadow_momenta", "[0.5]"),
        ("statistics_curves", "[recalibrated]"),
        ("independence_examples", "4"),
        ("single_examples", "4"),
    ],
)
def test_a_probe_of_batches_of_examples_is_refused(probe, value, answered):
    with pytest.raises(Refusal, match=f"probes.{probe}: is of batches of examples") as refused:
        answered(f"probes.{probe}={value}")
    assert "\n" not in str(refused.value)


def test_examples_of_another_shape_are_refused(asked, folder):
    from pipeline.training import dqn

    with pytest.raises(Refusal, match=r"examples of shape \(28, 28, 1\); take dataset=cartpole"):
        dqn.train(asked("dataset.task=control", "model=q_network"), folder)


def test_actors_and_scored_episodes_step_as_gymnasium_s_cartpole_does():
    """The scored ones are gymnasium's vectors of environments, which round in other places."""
    from pipeline.training.cartpole import Actors, Episodes

    generator = np.random.default_rng(0)
    starts = generator.uniform(-0.05, 0.05, (2, 4)).astype(np.float32)
    actors, episodes = Actors(2, 500, lambda number: starts[number % 2]), Episodes(500)
    episodes.start(starts)
    made = [gymnasium.make("CartPole-v1") for _ in starts]
    for each, start in zip(made, starts, strict=True):
        each.reset(seed=0)
        each.unwrapped.state = start.astype(np.float64)
    for actions in generator.integers(0, 2, (8, 2)):
        found = [each.step(int(a))[0] for each, a in zip(made, actions, strict=True)]
        assert np.array_equal(actors.step(actions)[:, :4], found)
        assert episodes.step(actions)[:, :4] == pytest.approx(np.array(found), rel=1e-5, abs=1e-7)


def test_an_episode_is_cut_off_at_its_last_step_and_does_not_end_there():
    from pipeline.training.cartpole import Actors

    actors = Actors(1, 3, lambda _: np.zeros(4, np.float32))
    stepped = [actors.step(np.array([n % 2])) for n in range(3)]
    assert [float(each[0, 5]) for each in stepped] == [0.0, 0.0, 0.0]
    assert stepped[2][0, 6:].tolist() == [0.0] * 4  # the next one starts
    assert stepped[2][0, :4].tolist() != [0.0] * 4  # what is learned from goes on
    assert actors.returns() == [3]
    assert actors.returns() == [0]


def test_an_update_is_keras_s_own_step_on_the_rows_it_was_given(asked, states):
    """By plain Keras: Huber's loss towards r + discount * max Q_target(s'), of one batch."""
    import keras
    import tensorflow as tf

    from pipeline.tasks.scoring import scoring_of
    from pipeline.training.agent import Agent
    from pipeline.training.setting import built

    trial = asked(*SMALL, of=states)
    control = scoring_of(trial.task)
    agent = Agent(trial, control, 2)
    agent._step.set(trial.optimizer)
    plain, target = built(trial, (4,), 2), built(trial, (4,), 2)
    agent._copy()
    generator = np.random.default_rng(0)
    rows = generator.normal(size=(16, 11)).astype(np.float32)
    rows[:, 4], rows[:, 10] = np.arange(16) % 2, np.arange(16) % 3 == 0
    tf.function(agent._traced_update)(tf.constant(rows))

    ahead = target(rows[:, 6:10], training=False).numpy().max(axis=1)
    wanted = rows[:, 5] + 0.99 * (1 - rows[:, 10]) * ahead
    optimizer = keras.optimizers.Adam(0.01)
    with tf.GradientTape() as tape:
        values = plain(rows[:, :4], training=True)
        taken = tf.gather(values, rows[:, 4].astype(int), batch_dims=1)
        loss = tf.reduce_mean(keras.losses.huber(wanted[:, None], taken[:, None]))
    optimizer.apply(tape.gradient(loss, plain.trainable_variables), plain.trainable_variables)
    for ours, theirs in zip(agent.model.variables, plain.variables, strict=True):
        assert ours.numpy() == pytest.approx(theirs.numpy(), rel=1e-4, abs=1e-6), ours.path
