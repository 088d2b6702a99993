"""Compiled graphs, kept for the trials that share them."""

from __future__ import annotations

import gc
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from pipeline.content import content_digest
from pipeline.records import Component, Trial
from pipeline.training.setting import component_without
from pipeline.training.steps import RUNTIME

GRAPHS_KEPT = 12  # bounds a worker's memory; a study of the quick profile comes back to most

Graph = TypeVar("Graph")


class Graphs(Generic[Graph]):
    """The last `GRAPHS_KEPT` graphs by their key; what was longest unused goes first."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, Graph] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    def find(self, key: str) -> Graph | None:
        """Return the graph of this key; None where none is kept."""
        if key in self._kept:
            self._kept.move_to_end(key)
        return self._kept.get(key)

    def add(self, make: Callable[[], tuple[str, Graph]]) -> Graph:
        """Make room, make a graph with its key, and keep it."""
        while len(self._kept) >= GRAPHS_KEPT:
            self._kept.popitem(last=False)
            gc.collect()
        key, graph = make()
        self._kept[key] = graph
        return graph

    def clear(self) -> None:
        """Forget all."""
        self._kept.clear()


def graph_key(trial: Trial, layer: Component | None, outputs: int, **more: Any) -> str:
    """Return the digest of what a trial's graph depends on.

    Args:
        trial: The question.
        layer: The arm's layer, without the arguments that are variables of the graph.
        outputs: How many numbers the model gives for an example.
        more: What else it depends on.
    """
    optimizer = trial.optimizer
    decays = optimizer.arguments.get("weight_decay") is not None
    return content_digest(
        {
            "task": trial.task.plain(),
            "model": trial.model.plain(),
            "layer": layer.plain() if layer else None,
            "placement": trial.norm.placement,
            "trainer": trial.trainer,
            "precision": trial.precision,
            "optimizer": component_without(optimizer, *RUNTIME).plain(),
            "decay": decays,
            "decays": decays and trial.decay_norm_weights,
            "outputs": outputs,
            **more,
        }
    )
