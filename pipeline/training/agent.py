"""A network that acts, and learns from it: one graph for the steps of an epoch, one for episodes.

Which statistics normalize is what such a network hangs on. In an update the network runs in
training mode: by those of its batch. Whoever acts infers: the policy, in training episodes and in
those that score it, and the target network, by its own copy of the moving averages. An arm that
asks for a joint batch (CrossQ; Bhatt et al., 2024) has no target network: the network itself values
the next states, in training mode and in one batch with the current ones. What they are worth passes
no gradient; the statistics that both share do.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from pipeline.records import Trial
from pipeline.tasks.control import Control
from pipeline.training.builder import kernels_beside
from pipeline.training.cartpole import STATE, STEPPED, Actors, Episodes
from pipeline.training.checkpoint import Weights
from pipeline.training.evaluation import (
    ByBatch,
    averages_of,
    batchwise,
    kept,
    population,
    with_moving_statistics,
)
from pipeline.training.loss import loss_of
from pipeline.training.outputs import RECALIBRATION
from pipeline.training.private_keras import layers_of
from pipeline.training.replay import ROW, Draws, batch, random_actions, rows
from pipeline.training.setting import built, decayed, permutation
from pipeline.training.start import begin
from pipeline.training.steps import step
from pipeline.training.weights import FirstWeights


class Agent:
    """Network, target network, replay and optimizer in one graph. `restart` prepares it."""

    def __init__(self, trial: Trial, control: Control, outputs: int) -> None:
        self.model = built(trial, (STATE,), outputs)
        joins = any(getattr(each, "joins_next_states", False) for each in layers_of(self.model))
        self._target = None if joins else built(trial, (STATE,), outputs)
        self.layers = with_moving_statistics(self.model)
        weights = self.model.trainable_variables
        self._step = step(trial.optimizer, weights, decayed(trial, self.model))
        self._first = FirstWeights(self.model, self._step.variables)
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
        self._by_batch: ByBatch | None = None

    def restart(self, trial: Trial, actors: Actors, start: Weights | None = None) -> dict[str, str]:
        """Put every variable where a fresh agent would have it, and play the warm-up at random.

        Returns:
            What a result tells of kernels, and of a start.

        Raises:
            Refusal: The trial starts from weights that do not fit.
        """
        self._first.draw(trial.seed)
        begun = begin(trial, self.model, start)
        self._copy()
        self._step.set(trial.optimizer)
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
        return {**self.kernels, **begun}

    def epoch(self, draws: Draws, done: int) -> NDArray[np.float32]:
        """Train as many steps as were drawn; return the loss of each. `done` came before."""
        drawn = (draws.places, draws.forced, draws.chosen)
        return self._epoch(*map(tf.constant, drawn), tf.constant(done, tf.int64)).numpy()

    def play(self, states: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return what the policy earns in episodes from these states, shape (n, 1)."""
        self._episodes.start(states)
        return self._play(tf.constant(states)).numpy()

    @contextmanager
    def recalibrated(self, trial: Trial, filled: int) -> Iterator[None]:
        """Lend statistics of the replay's states, of which it holds `filled`.

        Examples are only where episodes start: no population of what a policy meets.
        """
        count = min(trial.probes.recalibration_examples, filled)
        chosen = permutation(trial.seed, RECALIBRATION, filled)[:count]
        states = self._replay.numpy()[chosen, :STATE]
        with kept(self.model.non_trainable_variables):
            if self._by_batch is None:
                self._by_batch = batchwise(self.model, self.layers)
            size = min(trial.probes.recalibration_batch_size, count)
            statistics = self._by_batch(states[: count // size * size], size).statistics
            for average, value in zip(
                averages_of(self.layers), population(statistics), strict=True
            ):
                average.assign(value)
            yield

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
            ahead = _values(self._target, successors, training=False)
        with tf.GradientTape() as tape:
            if self._target is None:
                states_of_both = tf.concat([states, successors], axis=0)
                both = _values(self.model, states_of_both, training=True)
                values, ahead = tf.split(both, 2)
            else:
                values = _values(self.model, states, training=True)
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


def _values(network: keras.Model, states: tf.Tensor, *, training: bool) -> tf.Tensor:
    """Return a network's values of actions in float32, whatever it computes in."""
    return tf.cast(network(states, training=training), tf.float32)
