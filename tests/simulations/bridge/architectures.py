"""Tiny models of many architectures, by the names of transformers' classes, with what is special about each."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import torch
import transformers

from tests.simulations.bridge.making import ENDS, spread

SIZES: dict[str, Any] = {
    "vocab_size": 6,
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "max_position_embeddings": 64,
    "pad_token_id": None,
}
GROUPED: dict[str, Any] = {"num_key_value_heads": 1}
HEADS: dict[str, Any] = GROUPED | {"head_dim": 16}
EXPERTS: dict[str, Any] = {"num_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 32}


def rope(kind: str, **fields: Any) -> dict[str, Any]:
    """Position embeddings of another kind."""
    return {"rope_parameters": {"rope_type": kind, "rope_theta": 10000.0} | fields}


def long_factors(switch: int) -> dict[str, Any]:
    """Phi-3's, which are others from ``switch`` tokens on."""
    fields = {"short_factor": [1.0] * 8, "long_factor": [4.0] * 8, "original_max_position_embeddings": switch}
    return rope("longrope", **fields) | {"original_max_position_embeddings": switch}


@dataclass(frozen=True, slots=True)
class Architecture:
    """How a model is made.

    Args:
        name: of transformers' configuration, without "Config".
        fields: of it; they are added to the usual sizes, and None takes one away.
        model: the class, where it is not the configuration's "ForCausalLM".
        bare: whether the usual sizes are left out, because this configuration names them differently.
    """

    name: str
    fields: dict[str, Any] = field(default_factory=dict)
    model: str = ""
    bare: bool = False

    def make(self, seed: int) -> Any:
        """The model with random weights."""
        sizes = {"vocab_size": 6} if self.bare else SIZES
        config = getattr(transformers, f"{self.name}Config")(**(sizes | ENDS | self.fields))
        torch.manual_seed(seed)
        kind = getattr(transformers, self.model or f"{self.name}ForCausalLM")
        return spread(kind(config), seed, 0.35)


GPT: dict[str, Any] = {"n_positions": 64, "n_embd": 32, "n_layer": 2, "n_head": 2}
