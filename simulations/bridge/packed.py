"""Large matrices of a model in the layout in which oneDNN multiplies them, packed once and not at every product.

torch keeps the weights of a linear layer row by row. Products with few rows at a time, as in sampling, then spend much
of their time on bringing them into another order. On a CPU in float32 the packed matrices stand in their place; only
rounding changes, and that is compared with the model as it was. It grows: oneDNN adds up the products of a whole row of
the matrix, where torch adds them in shorter pieces.
"""

from __future__ import annotations

import copy

import numpy as np
import torch

from simulations.bridge.decoder import Logits, TorchDecoder, probe
from simulations.bridge.self_check import BOUNDS, LIKELY
from simulations.sampling.adaptors import log_softmax

LARGE = 1 << 18
"""Weights of the smallest matrix that is packed: smaller ones stay in a core's cache, and gain nothing."""


class PackedLinear(torch.nn.Linear):
    """A linear layer whose weight is an opaque tensor of oneDNN; it has no gradient."""

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        """x W^T + b: shapes (..., I) to (..., O)."""
        found: torch.Tensor = torch.ops.mkldnn._linear_pointwise(input, self.weight, self.bias, "none", [], "")
        return found

    def __deepcopy__(self, memo: dict[int, object]) -> torch.nn.Linear:
        """A plain layer of the same numbers, which may go to another dtype or device: opaque tensors cannot."""
        found = torch.nn.Linear(self.in_features, self.out_features, bias=False, device="meta")
        found.weight = torch.nn.Parameter(self.weight.to_dense(), requires_grad=False)
        found.bias = copy.deepcopy(self.bias, memo)
        return found.train(self.training)


def pack(decoder: TorchDecoder) -> bool:
    """Pack the large linear layers of a decoder's model in place; True where some are packed now.

    A matrix that is an embedding as well stays as it is for that, and has a packed copy for the products. A model
    whose likely tokens move by more than rounding is put back as it was.

    Args:
        decoder: of a model on any device and in any dtype; only float32 on a CPU is packed.
    """
    model = decoder.model
    if packed(decoder):
        return True
    large = [one for one in model.modules() if type(one) is torch.nn.Linear and one.weight.numel() >= LARGE]
    if not large or not torch.backends.mkldnn.is_available():
        return False
    if any(one.weight.device.type != "cpu" or one.weight.dtype != torch.float32 for one in large):
        return False
    before = probe(decoder)
    for one in large:
        _exchange(one, PackedLinear, torch.ops.mkldnn._reorder_linear_weight(one.weight.detach(), _ROWS))
    if _apart(before, decoder) <= BOUNDS["float32"]:
        return True
    for one in large:
        _exchange(one, torch.nn.Linear, one.weight.to_dense())
    model.tie_weights()
    return False


def packed(decoder: TorchDecoder) -> bool:
    """Whether a layer of the decoder's model has a packed matrix."""
    return any(type(layer) is PackedLinear for layer in decoder.model.modules())


def _exchange(layer: torch.nn.Linear, kind: type[torch.nn.Linear], weight: torch.Tensor) -> None:
    layer.weight = torch.nn.Parameter(weight, requires_grad=False)
    layer.__class__ = kind


def _apart(before: Logits, decoder: TorchDecoder) -> float:
    """By how much a likely token's log-probability has moved, nats; infinite where the model cannot be read now."""
    try:
        first, second = log_softmax(before), log_softmax(probe(decoder))
    except Exception:  # whatever a model raises that reads a layer's weight by itself
        return np.inf
    likely = np.maximum(first, second) > np.log(LIKELY)
    return float(np.abs(first - second)[likely].max(initial=0.0))


_ROWS = 32
"""Rows that the layout is made for; it is as fast for more, and for fewer but one."""

__all__ = ["LARGE", "PackedLinear", "pack", "packed"]
