"""Which layer feeds which, from a model's own public description of itself.

Nested models are walked, and what stands in them is connected with what stands outside. A
subclassed model does not say what its call does: its layers have no neighbours.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import keras

from pipeline.diagnosis.facts import Neighbour

PASSED = ("InputLayer", "Identity")  # nothing happens there
ENDS_SEQUENCES = ("Flatten", "Global")  # how layers begin that have no steps behind them


@dataclass
class Graph:
    """Layers by path, the first where one is shared, and what feeds them.

    Attributes:
        layers: An operation that is no layer stands there by its class's name.
        feeding: Paths that feed a path.
        homes: Path of the model that a layer is directly in; empty for the outermost.
        placed: Where inputs of what was added enter, and where they leave, by its id.
    """

    layers: dict[str, Any] = field(default_factory=dict)
    feeding: dict[str, list[str]] = field(default_factory=dict)
    homes: dict[str, str] = field(default_factory=dict)
    placed: dict[int, tuple[list[str], list[str]]] = field(default_factory=dict)

    def before(self, path: str) -> tuple[Neighbour, ...]:
        """Return what feeds a path, through inputs of nested models."""
        return tuple(self._neighbour(each) for each in self._sources(path))

    def behind(self, path: str) -> tuple[Neighbour, ...]:
        """Return what a path feeds."""
        fed = [each for each in self.layers if not self._is_passed(each)]
        return tuple(self._neighbour(each) for each in fed if path in self._sources(each))

    def upstream(self, path: str) -> Neighbour | None:
        """Return the nearest layer before a path that says where channels are."""
        seen, level = {path}, self._sources(path)
        while level:
            for each in level:
                found = self._neighbour(each)
                if found.kind in ("Reshape", "Permute"):
                    return None  # from here on nothing is known
                if found.channels_last is not None:
                    return found
            seen.update(level)
            level = [s for each in level for s in self._sources(each) if s not in seen]
        return None

    def mask_lost(self, path: str) -> str:
        """Return the layer at which a sequence's mask ended on its way to a path, or nothing."""
        carried, ended = self._mask(path, {})
        return "" if carried else ended

    def _mask(self, path: str, known: dict[str, tuple[bool, str]]) -> tuple[bool, str]:
        """Return whether a mask comes in at a path, and where one ended."""
        if path not in known:
            known[path] = (False, "")
            coming = [self._mask_behind(each, known) for each in self._sources(path)]
            ended = next((where for _, where in coming if where), "")
            known[path] = (any(carried for carried, _ in coming), ended)
        return known[path]

    def _mask_behind(self, path: str, known: dict[str, tuple[bool, str]]) -> tuple[bool, str]:
        layer = self.layers[path]
        if getattr(layer, "mask_zero", False) or isinstance(layer, keras.layers.Masking):
            return True, ""
        if _ends_sequences(layer):
            return False, ""
        carried, ended = self._mask(path, known)
        if carried and not getattr(layer, "supports_masking", False):
            return False, path
        return carried, ended

    def _sources(self, path: str) -> list[str]:
        found: list[str] = []
        for each in self.feeding.get(path, []):
            found += self._sources(each) if self._is_passed(each) else [each]
        return list(dict.fromkeys(found))

    def _is_passed(self, path: str) -> bool:
        return _kind(self.layers[path]) in PASSED and bool(self.feeding.get(path))

    def _neighbour(self, path: str) -> Neighbour:
        layer = self.layers[path]
        form = getattr(layer, "data_format", None)
        activation = getattr(getattr(layer, "activation", None), "__name__", "")
        serves = Counter(each for fed in self.feeding.values() for each in fed)[path]
        return Neighbour(
            path=path,
            kind=_kind(layer),
            activation="" if activation == "linear" else activation,
            use_bias=bool(getattr(layer, "use_bias", False)),
            channels_last=None if form is None else form == "channels_last",
            serves=serves,
        )

    def add(self, layer: Any, path: str, home: str) -> tuple[list[str], list[str]]:
        """Add a layer and what is in it; return the paths that its inputs enter and leave by."""
        if id(layer) in self.placed:
            return self.placed[id(layer)]
        if isinstance(layer, keras.layers.TimeDistributed):
            ends = self.add(layer.layer, f"{path}/{layer.layer.name}", home)
        elif isinstance(layer, keras.Sequential):
            ends = self._add_sequence(layer, path)
        elif (config := _described(layer)) is not None:
            ends = self._add_network(layer, path, config)
        else:
            self.layers[path], self.homes[path] = layer, home
            ends = [path], [path]
        self.placed[id(layer)] = ends
        return ends

    def _add_sequence(self, model: keras.Sequential, path: str) -> tuple[list[str], list[str]]:
        entries: list[str] = []
        leaving: list[str] = []
        for layer in model.layers:
            here, there = self.add(layer, _below(path, layer.name), path)
            self._connect(leaving, here)
            entries, leaving = entries or here, there
        return entries, leaving

    def _add_network(
        self, model: keras.Model, path: str, config: dict[str, Any]
    ) -> tuple[list[str], list[str]]:
        operations = {each.name: each for each in model.operations}
        ends = {
            each["name"]: self.add(
                operations.get(each["name"], each["class_name"]), _below(path, each["name"]), path
            )
            for each in config["layers"]
        }
        for each in config["layers"]:
            for node in each["inbound_nodes"]:
                for place, (name, _, tensor) in enumerate(_references(node)):
                    entries, leaving = ends[each["name"]][0], ends[name][1]
                    self._connect(_at(leaving, tensor), _at(entries, place))
        ends_of = [_listed(config[key]) for key in ("input_layers", "output_layers")]
        entries = [ends[name][0][0] for name, *_ in ends_of[0] if ends[name][0]]
        leaving = [e for name, _, tensor in ends_of[1] for e in _at(ends[name][1], tensor)]
        return entries, leaving

    def _connect(self, sources: list[str], targets: list[str]) -> None:
        for target in targets:
            known = self.feeding.setdefault(target, [])
            known += [each for each in sources if each not in known]


def graph_of(model: keras.Model) -> Graph:
    """Return what a model says of itself."""
    graph = Graph()
    graph.add(model, "", "")
    graph.layers.pop("", None)  # a subclassed model, which says nothing
    return graph


def _described(layer: Any) -> dict[str, Any] | None:
    """Return the description of a graph of layers; nothing where it is none, or has none."""
    if not isinstance(layer, keras.Model) or not hasattr(layer, "operations"):
        return None
    try:
        config = layer.get_config()
    except Exception:  # a user's layer may say in any way that it can't be described
        return None
    return config if {"input_layers", "output_layers", "layers"} <= set(config) else None


def _references(node: Any) -> Iterator[list[Any]]:
    """Yield `[layer, node, tensor]` of each tensor that a call was given."""
    if isinstance(node, dict):
        if node.get("class_name") == "__keras_tensor__":
            yield node["config"]["keras_history"]
            return
        node = list(node.values())
    if isinstance(node, list | tuple):
        for each in node:
            yield from _references(each)


def _listed(ends: Any) -> list[list[Any]]:
    """Return `[layer, node, tensor]` of each end; Keras says a single one without a list."""
    if isinstance(ends, dict):
        return [each for part in ends.values() for each in _listed(part)]
    if ends and isinstance(ends[0], str):
        return [list(ends)]
    return [each for part in ends for each in _listed(part)]


def _at(paths: list[str], place: int) -> list[str]:
    return paths[place : place + 1] if len(paths) > 1 else paths


def _below(path: str, name: str) -> str:
    return f"{path}/{name}" if path else name


def _kind(layer: Any) -> str:
    return layer if isinstance(layer, str) else type(layer).__name__


def _ends_sequences(layer: Any) -> bool:
    if isinstance(layer, keras.layers.RNN | keras.layers.Bidirectional):
        return not getattr(layer, "return_sequences", False)
    return _kind(layer).startswith(ENDS_SEQUENCES)
