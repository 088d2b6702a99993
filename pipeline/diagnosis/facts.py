"""What is known of one normalization layer, and of where it stands: plain values, no Keras.

The checks read these alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.floating[Any]]
HALF = ("float16", "bfloat16")


@dataclass(frozen=True)
class Neighbour:
    """A layer before or behind a norm.

    Attributes:
        path: Of the layer within the model.
        kind: The name of its class, as `Conv2D`.
        activation: By Keras's name; empty where it has none, or a linear one.
        use_bias: Whether it adds a bias.
        channels_last: False where it says channels_first; None where it does not say.
        serves: To how many layers its output goes.
    """

    path: str
    kind: str
    activation: str = ""
    use_bias: bool = False
    channels_last: bool | None = None
    serves: int = 1


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """What a check must know of the whole model and of what was asked.

    Attributes:
        batch_size: In training, as far as it was told.
        steps: Of training, where they were told.
        replicas: On which the model runs.
        optimizer_decay: The optimizer's weight decay; 0 without.
        is_trained: Whether any normalization layer shows that it was trained.
    """

    batch_size: int | None = None
    steps: int | None = None
    replicas: int = 1
    optimizer_decay: float = 0.0
    is_trained: bool = True


@dataclass(frozen=True, kw_only=True)
class LayerFacts:
    """One normalization layer, as it is and where it stands.

    `moving_mean` and `moving_variance` are absent where a layer normalizes by the example alone.

    Attributes:
        path: Within the model.
        home: Path of the model that it is a layer of; empty for the outermost.
        kind: The name of its class.
        axis: Of the channels, from the front where the rank is known.
        rank: Of its inputs, the batch included; None where it was never called on any.
        positions: Values of a channel in one example; None where the shape is open.
        momentum: Of the moving averages.
        epsilon: Added to the variance.
        gamma: Absent where there is none; so is `beta`.
        is_trainable: Whether the layer trains: one that does not uses its averages in training.
        gamma_is_trainable: Whether gamma does, by itself.
        gamma_decay: Strength of a regularizer on gamma; 0 without.
        renorm: Batch renormalization.
        synchronized: Statistics over replicas.
        compute_dtype: Of what comes in.
        variable_dtype: Of its weights and averages.
        mask_lost: The layer that lost a sequence's mask on the way here; empty where none did.
        before: What its inputs come from.
        behind: Where its outputs go.
        upstream: The nearest layer before it that says where channels are.
    """

    path: str
    home: str = ""
    kind: str = "BatchNormalization"
    axis: int | None = None
    rank: int | None = None
    positions: int | None = None
    momentum: float | None = None
    epsilon: float | None = None
    gamma: Values | None = None
    beta: Values | None = None
    moving_mean: Values | None = None
    moving_variance: Values | None = None
    is_trainable: bool = True
    gamma_is_trainable: bool = True
    gamma_decay: float = 0.0
    renorm: bool = False
    synchronized: bool = False
    compute_dtype: str = "float32"
    variable_dtype: str = "float32"
    mask_lost: str = ""
    before: tuple[Neighbour, ...] = ()
    behind: tuple[Neighbour, ...] = ()
    upstream: Neighbour | None = None

    @property
    def is_by_batch(self) -> bool:
        """Whether it normalizes by batch in training and by moving averages at inference."""
        return self.moving_mean is not None and self.moving_variance is not None

    @property
    def is_at_start(self) -> bool:
        """Whether its moving averages are where Keras starts them: exactly mean 0, variance 1."""
        if self.moving_mean is None or self.moving_variance is None:
            return False
        return bool(np.all(self.moving_mean == 0) and np.all(self.moving_variance == 1))

    @property
    def has_learned(self) -> bool:
        """Whether gamma, beta or the averages are of more than one value: training moved them."""
        values = (self.gamma, self.beta, self.moving_mean, self.moving_variance)
        return any(each is not None and each.size > 1 and np.ptp(each) > 0 for each in values)
