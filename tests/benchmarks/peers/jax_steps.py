"""Epochs of JAX as its users write them: a compiled `lax.scan` over the steps, batches by index."""

import jax
import jax.numpy as jnp
import numpy as np
from serving import Task, given, serve

MOVING = ("moving_mean", "moving_variance")


def norm(task: Task, weights: dict, averages: dict, name: str, x: jax.Array) -> jax.Array:
    """Normalize, if the arm does, update the moving averages, and activate."""
    if f"{name}/gamma" in weights:
        momentum, axes = float(task["momentum"]), tuple(range(x.ndim - 1))
        found = jnp.mean(x, axes), jnp.var(x, axes)
        for moving, value in zip(MOVING, found, strict=True):
            kept = averages[f"{name}/{moving}"] * momentum
            averages[f"{name}/{moving}"] = kept + jax.lax.stop_gradient(value) * (1 - momentum)
        scale = weights[f"{name}/gamma"] * jax.lax.rsqrt(found[1] + float(task["epsilon"]))
        x = (x - found[0]) * scale + weights[f"{name}/beta"]
    return jax.nn.relu(x)


def dense(weights: dict, name: str, x: jax.Array) -> jax.Array:
    return x @ weights[f"{name}/kernel"] + weights[f"{name}/bias"]


def convolution(weights: dict, name: str, x: jax.Array) -> jax.Array:
    layout = ("NHWC", "HWIO", "NHWC")
    kernel = weights[f"{name}/kernel"]
    return (
        jax.lax.conv_general_dilated(x, kernel, (1, 1), "SAME", dimension_numbers=layout)
        + weights[f"{name}/bias"]
    )


def pool(x: jax.Array) -> jax.Array:
    window = (1, 2, 2, 1)
    return jax.lax.reduce_window(x, -jnp.inf, jax.lax.max, window, window, "VALID")


def forward(task: Task, weights: dict, averages: dict, x: jax.Array) -> tuple[jax.Array, dict]:
    averages = dict(averages)
    names = ("dense_0", "dense_1")
    if "conv_0/kernel" in weights:
        for place in (0, 1):
            x = convolution(weights, f"conv_{place}", x)
            x = pool(norm(task, weights, averages, f"norm_{place}", x))
        names = (None, None, "dense")
    x = x.reshape(len(x), -1)
    for place, name in enumerate(names):
        if name:
            x = norm(task, weights, averages, f"norm_{place}", dense(weights, name, x))
    return dense(weights, "logits", x), averages


def adam(task: Task, state: tuple, slopes: dict, count: jax.Array) -> tuple:
    """Return weights and both moments after an update, by Keras's formula."""
    beta_1, beta_2 = float(task["beta_1"]), float(task["beta_2"])
    rate = float(task["learning_rate"]) * jnp.sqrt(1 - beta_2**count) / (1 - beta_1**count)
    weights, first, second = state
    first = jax.tree.map(lambda m, g: m + (g - m) * (1 - beta_1), first, slopes)
    second = jax.tree.map(lambda v, g: v + (g * g - v) * (1 - beta_2), second, slopes)
    epsilon = float(task["adam_epsilon"])
    moved = jax.tree.map(
        lambda w, m, v: w - rate * m / (jnp.sqrt(v) + epsilon), weights, first, second
    )
    return moved, first, second


def main() -> None:
    task = given()
    images, labels = jnp.asarray(task["images"]), jnp.asarray(task["labels"])
    variables = {name: jnp.asarray(value) for name, value in task.items() if "/" in name}
    averages = {name: value for name, value in variables.items() if name.endswith(MOVING)}
    weights = {name: value for name, value in variables.items() if name not in averages}
    zeros = jax.tree.map(jnp.zeros_like, weights)

    def loss_of(weights: dict, averages: dict, x: jax.Array, targets: jax.Array):
        logits, averages = forward(task, weights, averages, x)
        logs = jax.nn.log_softmax(logits)
        loss = -jnp.mean(jnp.take_along_axis(logs, targets[:, None], axis=1))
        return loss, (averages, jnp.sum(jnp.argmax(logits, 1) == targets))

    def step(state: tuple, rows: jax.Array) -> tuple:
        *updated, averages, count = state
        arguments = (updated[0], averages, images[rows], labels[rows])
        (loss, (averages, hits)), slopes = jax.value_and_grad(loss_of, has_aux=True)(*arguments)
        return (*adam(task, updated, slopes, count + 1), averages, count + 1), (loss, hits)

    compiled = jax.jit(lambda state, chosen: jax.lax.scan(step, state, chosen), donate_argnums=0)
    state = (weights, zeros, jax.tree.map(jnp.copy, zeros), averages, jnp.zeros(()))

    def epoch(chosen: np.ndarray) -> tuple[np.ndarray, int]:
        nonlocal state
        state, (losses, hits) = compiled(state, chosen)
        return np.asarray(losses), int(hits.sum())

    def moving_mean() -> np.ndarray | None:
        found = state[3].get("norm_0/moving_mean")
        return None if found is None else np.array(found)

    serve(task, epoch, moving_mean, jax.__version__)


if __name__ == "__main__":
    main()
