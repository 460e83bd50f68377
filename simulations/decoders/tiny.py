"""Real transformers models small enough to enumerate: every string, every probability, through the same forward pass.

The weights are random, from a seed, and large enough that next-token laws are far from uniform; the aligned model is
the prior with its weights moved. Nothing about them is meaningful except that everything about them is known.
"""

from __future__ import annotations

import copy
import functools
from dataclasses import dataclass
from typing import Literal

import torch
from transformers import GPT2Config, GPT2LMHeadModel, LlamaConfig, LlamaForCausalLM, PreTrainedModel

from simulations.bridge.models import TorchDecoder
from simulations.decoders.pair import Pair

END = 0
Kind = Literal["llama", "gpt2"]


@dataclass(frozen=True, slots=True)
class Size:
    """How large a tiny model is: V ids (id 0 ends a string) and T tokens at most."""

    vocabulary: int = 6
    length: int = 5


def model(kind: Kind, size: Size, seed: int, device: str = "cpu") -> PreTrainedModel:
    """A causal language model of two layers with random float32 weights.

    Args:
        kind: "llama" (LlamaForCausalLM) or "gpt2" (GPT2LMHeadModel).
        size: how large.
        seed: of the weights.
        device: where it is.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        if kind == "llama":
            found: PreTrainedModel = LlamaForCausalLM(
                LlamaConfig(
                    vocab_size=size.vocabulary,
                    hidden_size=16,
                    intermediate_size=32,
                    num_hidden_layers=2,
                    num_attention_heads=2,
                    num_key_value_heads=1,
                    max_position_embeddings=64,
                    initializer_range=0.3,
                    bos_token_id=None,
                    eos_token_id=END,
                    pad_token_id=None,
                )
            )
        else:
            found = GPT2LMHeadModel(
                GPT2Config(
                    vocab_size=size.vocabulary,
                    n_positions=64,
                    n_embd=16,
                    n_layer=2,
                    n_head=2,
                    initializer_range=0.3,
                    bos_token_id=END,
                    eos_token_id=END,
                    resid_pdrop=0.0,
                    embd_pdrop=0.0,
                    attn_pdrop=0.0,
                )
            )
    return found.to(device=device, dtype=torch.float32).eval()


def moved(prior: PreTrainedModel, seed: int, share: float = 0.15) -> PreTrainedModel:
    """A copy of a model with every weight moved by a normal draw of this share of its tensor's deviation."""
    found = copy.deepcopy(prior)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for weight in found.parameters():
            noise = torch.randn(weight.shape, generator=generator).to(weight.device)
            weight.add_(noise * share * (weight.std() if weight.numel() > 1 else 1.0))
    return found


@functools.lru_cache(maxsize=8)
def pair(kind: Kind, size: Size, device: str = "cpu") -> Pair:
    """A tiny prior and a tiny aligned model, with two prompts of one token each."""
    prior = model(kind, size, 1, device)
    aligned = moved(prior, 2)
    decoders = TorchDecoder(prior, END), TorchDecoder(aligned, END)
    return Pair(f"tiny {kind}", *decoders, ((1,), (2,)), size.length, 1e-4)


__all__ = ["END", "Kind", "Size", "model", "moved", "pair"]
