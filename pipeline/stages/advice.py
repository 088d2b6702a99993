"""Lines of advice: norms that do not act, a gap between training and inference, what was new."""

from __future__ import annotations

from pipeline.records import Component, Result, Trial

MANY = 0.5  # of the channels
LARGE = 0.05  # of the score: what a reader would not take for noise
SETTLED = 0.9  # a momentum from which averages settle within some tens of steps


def inert(result: Result) -> str:
    """Return a line on moving averages that never moved, or channels that are hardly normalized."""
    metrics = result.metrics
    unmoved, low = metrics.get("unmoved_layers", 0), metrics.get("low_variances", 0)
    if unmoved:
        return (
            f"moving averages of {unmoved:.0%} of the norms never moved: they were trained with "
            "training=False, or frozen; inference normalizes by mean 0 and variance 1"
        )
    if low > MANY:
        return (
            f"{low:.0%} of the normalized channels vary by less than ten times epsilon: the norm "
            "hardly acts on them; lower norm.epsilon, or scale what comes in"
        )
    return ""


def advice(score: str, layer: Component | None, result: Result) -> str:
    """Return what a large gap between batch and moving statistics means, and what to do.

    Args:
        score: The word of the task's score.
        layer: What normalized.
        result: What came out.

    Returns:
        One line; nothing where the gap is small or was not measured.
    """
    metrics = result.metrics
    if "gap_batch" not in metrics:
        return ""
    lost = metrics["gap_batch"] - metrics["gap_moving"]
    if lost < LARGE:
        return ""
    said = f"inference loses {100 * lost:.0f} points of {score} that training has"
    regained = metrics["gap_recalibrated"] - metrics["gap_moving"]
    if regained < lost / 2:
        return (
            f"{said}, and recalibrating does not regain them: the network relies on its own "
            "batch's statistics; try a larger batch_size, or norm=layer"
        )
    momentum = layer.arguments.get("momentum") if layer else None
    lower = (
        f"try norm.momentum={SETTLED:g} (now {momentum:g}), more steps,"
        if isinstance(momentum, float) and momentum > SETTLED
        else "try more steps,"
    )
    return (
        f"{said}: the moving averages had not settled after {result.steps} steps; {lower} "
        f"or recalibrate them ({score} {metrics['gap_recalibrated']:.4f})"
    )


def shared_norms(target: str, result: Result) -> str:
    """Return a line on layers that normalize in every arm alike; nothing where there are none.

    Args:
        target: The model's builder.
        result: What came out.
    """
    own = result.kernels.get("beside_norm", "")
    return own and (
        f"{target}: its model normalizes by layers of its own too ({own}), in every arm alike: "
        "arms differ elsewhere alone; write x = norm(x, name=...) there, if they should count"
    )


def started(trial: Trial, result: Result) -> str:
    """Return a line on what a trial took over from the one it starts from; nothing without one."""
    if trial.start is None:
        return ""
    new = result.kernels.get("new_layer", "")
    said = f"layer {new} is new, its shape is another; all others" if new else "all weights"
    return f"started from trial {trial.start[:12]}: {said}, moving averages too, are that trial's"
