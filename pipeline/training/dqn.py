"""One trial by deep Q-learning (Mnih et al., 2015): a network that acts, and learns from it.

A step acts once in each actor's environment, by the network or at random, writes what came of it
into the replay, and updates the network once on a batch drawn from there, towards what the actions
earned and the best next action is worth to the target network, a copy that is a while old. An
epoch is one graph, which calls Python for nothing but the environment's own step.

Which statistics normalize is what such a network hangs on. In an update the network runs in
training mode: by those of its batch. Whoever acts infers: the policy, in training episodes and in
those that score it, and the target network, by its own copy of the moving averages. An arm that
asks for a joint batch (CrossQ; Bhatt et al., 2024) has no target network: the network itself values
the next states, in training mode and in one batch with the current ones, and no gradient passes
there.
"""

from __future__ import annotations

import gc
from collections import OrderedDict
from collections.abc import Callable, Sequence
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from pipeline.content import content_digest
from pipeline.errors import Refusal
from pipeline.records import Result, Trial
from pipeline.tasks.control import Control
from pipeline.tasks.scoring import scoring_of
from pipeline.training.builder import kernels_beside
from pipeline.training.cartpole import STATE, STEPPED, Actors, Episodes
from pipeline.training.evaluation import (
    CHUNK,
    Forward,
    batchwise,
    kept,
    outputs_of,
    recalibrate,
    with_moving_statistics,
)
from pipeline.training.loss import loss_of
from pipeline.training.measure import Trained, result_of, trained_on, validated
from pipeline.training.private_keras import layers_of
from pipeline.training.probes import RECALIBRATION, Subject, inert_marks, marks_of
from pipeline.training.replay import ROW, Drawing, Draws, batch, random_actions, rows
from pipeline.training.setting import (
    Watch,
    arrays,
    built,
    component_without,
    decayed,
    is_over,
    output_count,
    permutation,
    shape_of,
    steps_of,
)
from pipeline.training.steps import RUNTIME, step
from pipeline.training.weights import draw_weights, is_drawn

GRAPHS_KEPT = 12


class Agent:
    """Network, target network, replay and optimizer in one graph. `restart` prepares it."""

    def __init__(self, trial: Trial, control: Control, outputs: int) -> None:
        self.model = built(trial, (STATE,), outputs)
        given = [each for each in self.model.variables if not is_drawn(each)]
        self._first = [(variable, variable.numpy()) for variable in given]
        joins = any(getattr(each, "joins_next_states", False) for each in layers_of(self.model))
        self._target = None if joins else built(trial, (STATE,), outputs)
        self.layers = with_moving_statistics(self.model)
        weights = self.model.trainable_variables
        self._step = step(trial.optimizer, weights, decayed(trial, self.model))
        self._control = control
        self._loss = loss_of(control.loss)
        self._replay = tf.Variable(tf.zeros((control.replay_capacity, ROW)), trainable=False)
        self._states = tf.Variable(tf.zeros((control.actors, STATE)), trainable=False)
        self.actors: Actors | None = None
        self._episodes = Episodes(control.episode_steps)
        self.kernels = {
            **kernels_beside(trial, self.model),
            "norm": "keras" if trial.norm.layer else "none",
            "optimizer": self._step.kernel,
            "target": "none" if joins else "copy",
        }
        whole = tf.TensorSpec((), tf.int64)
        pairs = tf.TensorSpec((None, None), tf.int64)
        forced = tf.TensorSpec((None, control.actors), tf.int64)
        row = tf.TensorSpec((None,), tf.int64)
        self._epoch = tf.function(self._traced_epoch, input_signature=[row, forced, pairs, whole])
        state = tf.TensorSpec((None, STATE), tf.float32)
        self._play = tf.function(self._traced_play, input_signature=[state])
        self._by_batch: Forward | None = None

    def restart(self, trial: Trial, actors: Actors) -> None:
        """Put every variable where a fresh agent would have it, and play the warm-up at random."""
        for variable, value in self._first:
            variable.assign(value)
        draw_weights(self.model, trial.seed)
        self._copy()
        self._step.reset(trial.optimizer)
        self.actors = actors
        actions = random_actions(trial, self._control, self._outputs)
        states, stepped = zip(
            *((actors.states, actors.step(each)) for each in actions), strict=True
        )
        actors.returns()  # nobody's: the warm-up is no training
        seen = rows(np.concatenate(states), actions.ravel(), np.concatenate(stepped))
        left = self._control.replay_capacity - len(seen)
        self._replay.assign(tf.pad(seen, [[0, left], [0, 0]]))
        self._states.assign(actors.states)

    def epoch(self, draws: Draws, done: int) -> NDArray[np.float32]:
        """Train as many steps as were drawn; return the loss of each. `done` came before."""
        drawn = (draws.places, draws.forced, draws.chosen)
        return self._epoch(*map(tf.constant, drawn), tf.constant(done, tf.int64)).numpy()

    def play(self, states: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return what the policy earns in episodes from these states, shape (n, 1)."""
        self._episodes.start(states)
        return self._play(tf.constant(states)).numpy()

    def recalibrated(
        self, trial: Trial, filled: int, splits: Sequence[str], folder: Path
    ) -> dict[str, float]:
        """Return scores and errors under statistics of what the replay holds, and put them back.

        Examples are only where episodes start, so that the population is the replay's states.
        """
        if not self.layers:
            return {}
        count = min(trial.probes.recalibration_examples, filled)
        chosen = permutation(trial.seed, RECALIBRATION, filled)[:count]
        states = self._replay.numpy()[chosen, :STATE]
        with kept(self.model.non_trainable_variables):
            if self._by_batch is None:
                self._by_batch = batchwise(self.model, self.layers)
            size = min(trial.probes.recalibration_batch_size, count)
            recalibrate(self._by_batch, self.layers, states, size)
            found: dict[str, float] = {}
            for split in splits:
                examples, _ = arrays(folder, trial.data_digest, split)
                earned = outputs_of(self.play, examples, CHUNK)
                found |= marks_of(trial, folder, split, earned, "_recalibrated")
        return found

    @property
    def _outputs(self) -> int:
        return int(self.model.output_shape[-1])

    def _act(self, states: tf.Tensor) -> tf.Tensor:
        return tf.argmax(self.model(states, training=False), axis=-1)

    def _copy(self) -> None:
        if self._target is not None:
            for old, new in zip(self._target.variables, self.model.variables, strict=True):
                old.assign(new.value)

    def _stepped(self, actions: NDArray[np.int64]) -> NDArray[np.float32]:
        assert self.actors is not None
        return self.actors.step(actions)

    def _traced_epoch(
        self, places: tf.Tensor, forced: tf.Tensor, chosen: tf.Tensor, done: tf.Tensor
    ) -> tf.Tensor:
        steps = tf.size(places)
        losses = tf.TensorArray(tf.float32, steps)
        beside = tf.range(self._control.actors, dtype=tf.int64)
        for i in tf.range(steps):
            states = self._states.read_value()
            actions = tf.where(forced[i] < 0, self._act(states), forced[i])
            stepped = tf.ensure_shape(
                tf.numpy_function(self._stepped, [actions], tf.float32), (None, STEPPED)
            )
            seen = rows(states, actions, stepped)
            self._replay.scatter_update(tf.IndexedSlices(seen, places[i] + beside))
            self._states.assign(stepped[:, -STATE:])
            losses = losses.write(i, self._traced_update(tf.gather(self._replay, chosen[i])))
            if (done + tf.cast(i, tf.int64) + 1) % self._control.target_period == 0:
                self._copy()
        return losses.stack()

    def _traced_update(self, chosen: tf.Tensor) -> tf.Tensor:
        states, actions, rewards, successors, ended = batch(chosen)
        if self._target is not None:
            ahead = self._target(successors, training=False)
        with tf.GradientTape() as tape:
            if self._target is None:
                both = self.model(tf.concat([states, successors], axis=0), training=True)
                values, ahead = tf.split(both, 2)
            else:
                values = self.model(states, training=True)
            best = tf.stop_gradient(tf.reduce_max(ahead, axis=-1))
            wanted = rewards + self._control.discount * (1.0 - ended) * best
            taken = tf.one_hot(actions, self._outputs)
            value = tf.reduce_sum(values * taken, axis=-1)
            count = tf.cast(tf.size(actions), tf.float32)
            loss = self._loss(wanted[:, tf.newaxis], value[:, tf.newaxis], count)
            if self.model.losses:  # regularizers
                loss += tf.add_n(self.model.losses)
            scaled = self._step.scaled(loss)
        self._step.apply(tape.gradient(scaled, [w.value for w in self.model.trainable_variables]))
        return loss

    def _traced_play(self, states: tf.Tensor) -> tf.Tensor:
        goes_on = tf.ones_like(states[:, 0])
        earned = tf.zeros_like(goes_on)
        for _ in tf.range(self._control.episode_steps):
            if not tf.reduce_any(goes_on > 0):
                break
            stepped = tf.numpy_function(self._episodes.step, [self._act(states)], tf.float32)
            stepped = tf.ensure_shape(stepped, (None, STATE + 1))
            earned += goes_on
            goes_on *= 1.0 - stepped[:, STATE]
            states = stepped[:, :STATE]
        return earned[:, tf.newaxis]


def train(trial: Trial, folder: Path, watch: Watch | None = None) -> Trained:
    """Answer a trial whose examples are the states in which episodes start.

    `determinism.configure` must have been called in this process.

    Args:
        trial: The question.
        folder: The dataset's folder, as `prepare` wrote it.
        watch: Called after each epoch with its index and the values of the curves.

    Raises:
        Refusal: The arrays are not those of the trial, a probe is asked for that makes no sense
            here, or the model cannot be built.
    """
    _check_probes(trial)
    control = scoring_of(trial.task)
    shape = shape_of(folder, trial.data_digest)
    if not isinstance(control, Control) or shape != (STATE,):
        raise Refusal(
            f"trainer=dqn: acts in CartPole, whose states are {STATE} numbers, and "
            f"{trial.dataset} has examples of shape {shape}; take dataset=cartpole"
        )
    outputs = output_count(folder, trial.data_digest)
    agent = _agent_for(trial, control, outputs)
    actors = Actors(control.actors, control.episode_steps, _starts(trial, folder))
    agent.restart(trial, actors)
    drawing = Drawing(trial, control, outputs)
    curves: list[dict[str, float]] = []
    done = 0
    for epoch in range(trial.epochs):
        steps = steps_of(trial, epoch)
        losses = agent.epoch(drawing.epoch(steps), done)
        done += steps
        missed = control.episode_steps - float(np.mean(actors.returns()))
        values = {
            **trained_on(trial, folder, float(np.mean(losses, dtype=np.float64)), missed),
            **validated(trial, folder, agent.play),
        }
        curves.append(values)
        if watch is not None:
            watch(epoch, values)
        if is_over(trial, epoch, values):
            break

    result = _result(trial, folder, agent, curves, drawing.rows_seen)
    return Trained(result, lambda: _plain(agent.model, trial))


_kept: OrderedDict[str, Agent] = OrderedDict()


def _agent_for(trial: Trial, control: Control, outputs: int) -> Agent:
    """Return the agent of the trial's graph: kept from an earlier trial, or compiled now."""
    layer, optimizer = trial.norm.layer, trial.optimizer
    key = content_digest(
        {
            "task": trial.task.plain(),
            "model": trial.model.plain(),
            "layer": layer.plain() if layer else None,
            "placement": trial.norm.placement,
            "optimizer": component_without(optimizer, *RUNTIME).plain(),
            "decay": optimizer.arguments.get("weight_decay") is not None,
            "decays": trial.decay_norm_weights,
            "outputs": outputs,
        }
    )
    if key not in _kept:
        while len(_kept) >= GRAPHS_KEPT:
            _kept.popitem(last=False)
            gc.collect()
        _kept[key] = Agent(trial, control, outputs)
    _kept.move_to_end(key)
    return _kept[key]


def _starts(trial: Trial, folder: Path) -> Callable[[int], NDArray[np.float32]]:
    """Return what gives the n-th episode's first state: passes over the examples, shuffled."""
    examples, _ = arrays(folder, trial.data_digest, "train")
    count = trial.examples

    def start(number: int) -> NDArray[np.float32]:
        return examples[permutation(trial.seed, number // count, count)[number % count]]

    return start


def _result(
    trial: Trial, folder: Path, agent: Agent, curves: Sequence[dict[str, float]], filled: int
) -> Result:
    """Return the result; what depends on which statistics normalize is measured here."""
    subject = Subject(agent.model, agent.play, _no_batches, (), agent.kernels)
    result = result_of(trial, folder, subject, curves)
    if result.status == "diverged":
        return result
    splits = ["validation"] + ["test"] * (trial.split == "test")
    further = agent.recalibrated(trial, filled, splits, folder) | inert_marks(agent.layers)
    return result.model_copy(update={"metrics": result.metrics | further})


def _no_batches() -> None:
    raise AssertionError("an episode has no batch whose statistics could normalize it")


def _check_probes(trial: Trial) -> None:
    """Refuse what compares batches of examples: here they are only where episodes start."""
    probes = trial.probes
    asked = {
        "shadow_momenta": bool(probes.shadow_momenta),
        "statistics_curves": probes.statistics_curves,
        "independence_examples": probes.independence_examples > 0,
        "single_examples": probes.single_examples > 0,
    }
    for name, is_asked in asked.items():
        if is_asked:
            raise Refusal(
                f"probes.{name}: is of batches of examples, and trainer=dqn's are states in which "
                "episodes start; leave it out"
            )


def _plain(model: keras.Model, trial: Trial) -> keras.Model:
    """Return a model of its own with the weights of the agent's, which is trained on."""
    plain = built(trial, (STATE,), int(model.output_shape[-1]))
    for variable, trained in zip(plain.variables, model.variables, strict=True):
        variable.assign(trained.numpy())
    return plain
