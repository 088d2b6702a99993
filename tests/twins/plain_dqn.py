"""Deep Q-learning on CartPole in plain Keras and gymnasium: 15,000 steps, 3,750 updates.

    python plain_dqn.py 1 2 3    # a list for each seed: what 20 episodes earn on average, ten times

No code is shared with the pipeline, and no digits: only the recipe is the same.
"""

import json
import sys

import gymnasium
import keras
import numpy as np
from keras import layers

ACTORS, BATCH, EPOCHS, UPDATES, KEPT, WARMUP = 4, 64, 10, 375, 10_000, 1000


def network():
    dense = [layers.Dense(64, "relu", kernel_initializer="he_normal") for _ in range(2)]
    last = layers.Dense(2, kernel_initializer="he_normal")
    return keras.Sequential([keras.Input((4,)), *dense, last])


def policy(model, states):
    return np.argmax(model.predict_on_batch(states), axis=1)


def mean_return(model, seed):
    made = gymnasium.make_vec("CartPole-v1", num_envs=20, vectorization_mode="sync")
    (states, _), earned, goes_on = made.reset(seed=seed), np.zeros(20), np.ones(20, bool)
    while goes_on.any():
        states, _, ended, cut, _ = made.step(policy(model, states))
        earned += goes_on
        goes_on &= ~(ended | cut)
    return float(earned.mean())


def trained(seed, rate):
    keras.utils.set_random_seed(seed)
    rng, model, target = np.random.default_rng(seed), network(), network()
    target.set_weights(model.get_weights())
    model.compile(keras.optimizers.Adam(rate), keras.losses.Huber())
    made = [gymnasium.make("CartPole-v1") for _ in range(ACTORS)]
    states = [each.reset(seed=1000 * seed + n)[0] for n, each in enumerate(made)]
    replay, curve = [], []
    for step in range((WARMUP // ACTORS) + EPOCHS * UPDATES):
        update = step - WARMUP // ACTORS
        explored = max(0.05, 1 - 0.95 * max(0, update) * ACTORS / 6000)
        greedy = policy(model, np.array(states)) if update >= 0 else rng.integers(0, 2, ACTORS)
        actions = np.where(rng.random(ACTORS) < explored, rng.integers(0, 2, ACTORS), greedy)
        for n, (each, action) in enumerate(zip(made, actions, strict=True)):
            state, reward, ended, cut, _ = each.step(int(action))
            replay.append((states[n], action, reward, state, ended))
            states[n] = each.reset()[0] if ended or cut else state
        replay = replay[-KEPT:]
        if update < 0:
            continue
        rows = [replay[i] for i in rng.integers(0, len(replay), BATCH)]
        now, taken, rewards, ahead, ended = (np.array(column) for column in zip(*rows, strict=True))
        wanted = model.predict_on_batch(now)
        best = target.predict_on_batch(ahead).max(axis=1)
        wanted[np.arange(BATCH), taken] = rewards + 0.99 * (1 - ended) * best
        model.train_on_batch(now, wanted)  # the other action has no loss
        if (update + 1) % 200 == 0:
            target.set_weights(model.get_weights())
        if (update + 1) % UPDATES == 0:
            curve.append(mean_return(model, seed))
    return curve


if __name__ == "__main__":
    print(json.dumps([trained(int(seed), 0.001) for seed in sys.argv[1:]]))
