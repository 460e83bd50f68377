"""The passes of a causal language model through OpenVINO, in float32 on a CPU; openvino is imported when one is asked.

The model is traced once with its cache of keys and values as inputs and outputs, which OpenVINO then keeps as states of
its own. That the numbers are the model's is checked at the start of every run, like those of any other way to ask it.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import warnings
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import DynamicCache, PreTrainedModel
from transformers.cache_utils import DynamicLayer

from simulations.bridge.decoder import TorchDecoder
from simulations.bridge.models import one_line, quietly
from simulations.sampling.generate import Tokens

Sizes = list[tuple[int, int, int]]
"""Heads, size of a key and size of a value, of every layer."""


class _Pass(torch.nn.Module):
    """A model with its cache as plain tensors: of ids, places whose logits are wanted, keys and values of layers."""

    def __init__(self, model: PreTrainedModel) -> None:
        super().__init__()
        self.model = model

    def forward(self, ids: torch.Tensor, places: torch.Tensor, *past: torch.Tensor) -> tuple[torch.Tensor, ...]:
        cache = DynamicCache()
        for keys, values in zip(past[::2], past[1::2], strict=True):
            layer = DynamicLayer()
            layer.dtype, layer.device, layer.is_initialized = keys.dtype, keys.device, True
            layer.keys, layer.values = keys, values
            cache.layers.append(layer)
        seen = past[0].shape[2]
        position = torch.arange(ids.shape[1]) + seen
        mask = torch.arange(seen + ids.shape[1])[None, :] <= position[:, None]
        found = self.model(
            input_ids=ids,
            position_ids=position[None].expand(ids.shape[0], -1),
            attention_mask=mask[None, None].expand(ids.shape[0], 1, -1, -1),
            past_key_values=cache,
            use_cache=True,
            logits_to_keep=places,
        )
        return (found.logits, *(kept for layer in cache.layers for kept in (layer.keys, layer.values)))


class _Port(Protocol):
    """An input or output of a converted model."""

    def get_tensor(self) -> _Named:
        """What has its name."""


class _Named(Protocol):
    def set_names(self, names: set[str]) -> None:
        """Name it."""


class _Graph(Protocol):
    """A converted model."""

    inputs: list[_Port]
    outputs: list[_Port]

    def reshape(self, shapes: dict[str, object]) -> None:
        """Fix the shapes of inputs, by name."""


@dataclass(slots=True, eq=False)
class OpenVinoEngine:
    """A compiled model with one request; its states are the cache that was read last.

    Args:
        request: of the compiled model.
        tensor: of openvino, from an array.
        states: of the request, keys and values of every layer.
        shapes: (heads, size) of each state.
    """

    request: Any
    tensor: Any
    states: list[Any]
    shapes: list[tuple[int, int]]
    _live: object = field(default=None)

    def read(self, ids: Tokens, cache: object | None, keep: int) -> tuple[torch.Tensor, object]:
        """As ``Engine`` says.

        Raises:
            ValueError: the cache is not of the last reading, nor made by ``spread``.
        """
        if cache is None:
            self._set([np.zeros((len(ids), heads, 0, size), dtype=np.float32) for heads, size in self.shapes])
        elif isinstance(cache, list):
            self._set(cache)
        elif cache is not self._live:
            raise ValueError("OpenVINO goes on only from what it has read last")
        places = np.arange(ids.shape[1] - keep, ids.shape[1])
        found = self.request.infer({0: np.ascontiguousarray(ids), 1: places})[0]
        self._live = object()
        return torch.from_numpy(found), self._live

    def spread(self, cache: object, rows: Tokens) -> object:
        """As ``Engine`` says: arrays of keys and values.

        Raises:
            ValueError: the cache is not of the last reading.
        """
        if isinstance(cache, list):
            return [kept[rows] for kept in cache]
        if cache is not self._live:
            raise ValueError("OpenVINO goes on only from what it has read last")
        return [np.array(state.state.data)[rows] for state in self.states]

    def _set(self, kept: list[NDArray[np.float32]]) -> None:
        for state, own in zip(self.states, kept, strict=True):
            state.state = self.tensor(np.ascontiguousarray(own))


def openvino_engine(decoder: TorchDecoder, name: str, threads: int) -> OpenVinoEngine:
    """The decoder's model, converted; takes some seconds and as much memory again as the weights.

    Args:
        decoder: of a model in float32 on a CPU, with its adapter on or off.
        name: of the model, for the message.
        threads: of OpenVINO.

    Raises:
        ValueError: openvino is not installed, or the model cannot be converted; names its architecture.
    """
    openvino = _openvino()
    try:
        with quietly(), warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore")
            model = decoder.ready()
            sizes = _sizes(model)
            past = [torch.zeros(2, heads, 3, size) for heads, *both in sizes for size in both]
            example = (torch.zeros(2, 4, dtype=torch.long), torch.arange(4), *past)
            made = openvino.convert_model(_Pass(model).eval(), example_input=example)
            return _compiled(openvino, made, sizes, threads)
    except Exception as error:  # whatever a model of another kind raises
        reason = one_line(error)
        raise ValueError(
            f"{name}: the architecture {decoder.architecture} cannot be converted for OpenVINO ({reason}); leave "
            "[models] backend out"
        ) from None


def _sizes(model: PreTrainedModel) -> Sizes:
    """What every layer keeps of a token.

    Raises:
        ValueError: a layer keeps something else than keys and values of all tokens.
    """
    cache = model(input_ids=torch.zeros((1, 2), dtype=torch.long), use_cache=True).past_key_values
    kinds = {type(layer).__name__ for layer in cache.layers if type(layer) is not DynamicLayer}
    if kinds:
        raise ValueError(f"it has layers with a cache of another kind, {', '.join(sorted(kinds))}")
    return [(layer.keys.shape[1], layer.keys.shape[3], layer.values.shape[3]) for layer in cache.layers]


def _compiled(openvino: ModuleType, made: _Graph, sizes: Sizes, threads: int) -> OpenVinoEngine:
    transformations = importlib.import_module("openvino._offline_transformations")
    shapes = [(heads, size) for heads, *both in sizes for size in both]
    pairs: dict[str, str] = {}
    wanted: dict[str, object] = {}
    for k, (heads, size) in enumerate(shapes):
        given, kept = f"past.{k}", f"present.{k}"
        made.inputs[2 + k].get_tensor().set_names({given})
        made.outputs[1 + k].get_tensor().set_names({kept})
        pairs[given], wanted[given] = kept, openvino.PartialShape([-1, heads, -1, size])
    made.reshape(wanted)
    transformations.apply_make_stateful_transformation(made, pairs)
    fixed = {
        "INFERENCE_PRECISION_HINT": "f32",
        "KV_CACHE_PRECISION": "f32",
        "INFERENCE_NUM_THREADS": threads,
        "NUM_STREAMS": 1,
    }
    request = openvino.Core().compile_model(made, "CPU", fixed).create_infer_request()
    states = {state.name: state for state in request.query_state()}
    return OpenVinoEngine(request, openvino.Tensor, [states[given + kept] for given, kept in pairs.items()], shapes)


def openvino_version() -> str:
    """Of the package that is installed.

    Raises:
        ValueError: none is.
    """
    _openvino()
    return importlib.metadata.version("openvino")


def _openvino() -> ModuleType:
    try:
        return importlib.import_module("openvino")
    except ImportError:
        raise ValueError(
            '[models] backend = "openvino" needs the package openvino; install probqual[openvino]'
        ) from None


__all__ = ["OpenVinoEngine", "openvino_engine", "openvino_version"]
