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
MIXED: dict[str, Any] = {"layer_types": ["sliding_attention", "full_attention"], "sliding_window": 4}
RECURRENT: dict[str, Any] = {"hidden_size": 32, "state_size": 4, "num_hidden_layers": 2}
MAMBA: dict[str, Any] = {"mamba_n_heads": 8, "mamba_d_head": 8, "mamba_d_state": 4, "mamba_chunk_size": 4}
LATENT: dict[str, Any] = {
    "kv_lora_rank": 8,
    "q_lora_rank": 8,
    "qk_rope_head_dim": 8,
    "qk_nope_head_dim": 8,
    "v_head_dim": 16,
    "num_key_value_heads": 2,
    "n_routed_experts": 4,
    "num_experts_per_tok": 2,
    "moe_intermediate_size": 32,
    "first_k_dense_replace": 1,
}
LLAMA_4: dict[str, Any] = HEADS | {"intermediate_size_mlp": 64, "num_local_experts": 2, "num_hidden_layers": 4}
GPT_NEO: dict[str, Any] = {"hidden_size": 32, "num_layers": 2, "num_heads": 2, "max_position_embeddings": 64}
LINEAR: dict[str, Any] = {
    "linear_num_value_heads": 2,
    "linear_num_key_heads": 2,
    "linear_key_head_dim": 8,
    "linear_value_head_dim": 8,
    "shared_expert_intermediate_size": 32,
}

ARCHITECTURES = {
    "Llama": Architecture("Llama", GROUPED),
    "Llama, rope scaled as Llama 3's": Architecture(
        "Llama",
        rope("llama3", factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0, original_max_position_embeddings=8),
    ),
    "Llama, rope scaled by YaRN": Architecture("Llama", rope("yarn", factor=4.0, original_max_position_embeddings=8)),
    "Llama, dynamic rope": Architecture("Llama", rope("dynamic", factor=2.0)),
    "Llama 4, chunked attention": Architecture(
        "Llama4Text", LLAMA_4 | {"attention_chunk_size": 4}, "Llama4ForCausalLM"
    ),
    "Llama 4, attention tuned by position": Architecture(
        "Llama4Text", LLAMA_4 | {"attn_temperature_tuning": True, "floor_scale": 4}, "Llama4ForCausalLM"
    ),
    "SmolLM3, layers without rope": Architecture("SmolLM3", GROUPED | {"no_rope_layer_interval": 2}),
    "Qwen2": Architecture("Qwen2", GROUPED),
    "Qwen3": Architecture("Qwen3", HEADS),
    "Qwen3 with experts": Architecture("Qwen3Moe", HEADS | EXPERTS),
    "Qwen3-Next, linear attention": Architecture("Qwen3Next", HEADS | EXPERTS | LINEAR | {"num_hidden_layers": 4}),
    "Gemma": Architecture("Gemma", HEADS),
    "Gemma 2, a window of 4": Architecture("Gemma2", HEADS | {"sliding_window": 4}),
    "Gemma 3, a window of 4": Architecture("Gemma3Text", HEADS | MIXED, "Gemma3ForCausalLM"),
    "RecurrentGemma": Architecture(
        "RecurrentGemma", GROUPED | {"lru_width": 32, "attention_window_size": 4, "num_hidden_layers": 3}
    ),
    "Phi": Architecture("Phi"),
    "Phi-3, long factors from 32 tokens on": Architecture("Phi3", long_factors(32)),
    "Phi-3, long factors from 8 tokens on": Architecture("Phi3", long_factors(8)),
    "Mistral, a window of 4": Architecture("Mistral", GROUPED | {"sliding_window": 4}),
    "Mixtral": Architecture("Mixtral", GROUPED | {"num_local_experts": 4}),
    "GPT-2": Architecture("GPT2", GPT, "GPT2LMHeadModel", bare=True),
    "GPT-Neo, local attention": Architecture(
        "GPTNeo", GPT_NEO | {"attention_types": [[["global", "local"], 1]], "window_size": 4}, bare=True
    ),
    "GPT-NeoX": Architecture("GPTNeoX"),
    "GPT-J": Architecture("GPTJ", GPT | {"rotary_dim": 8}, bare=True),
    "GPT-BigCode": Architecture("GPTBigCode", GPT, bare=True),
    "gpt-oss, attention sinks": Architecture(
        "GptOss", HEADS | {"num_local_experts": 4, "num_experts_per_tok": 2, "sliding_window": 4} | rope("default")
    ),
    "OPT": Architecture("OPT", {"ffn_dim": 64, "word_embed_proj_dim": 32, "pad_token_id": 1}),
    "BLOOM": Architecture("Bloom", {"hidden_size": 32, "n_layer": 2, "n_head": 2}, bare=True),
    "MPT": Architecture("Mpt", {"d_model": 32, "n_heads": 2, "n_layers": 2, "max_seq_len": 64}, bare=True),
    "Falcon": Architecture("Falcon"),
    "Falcon, ALiBi": Architecture("Falcon", {"alibi": True}),
    "Falcon-H1": Architecture("FalconH1", GROUPED | MAMBA | {"mamba_d_ssm": 64}),
    "Mamba": Architecture("Mamba", RECURRENT, bare=True),
    "Mamba 2": Architecture(
        "Mamba2", RECURRENT | {"num_heads": 8, "head_dim": 8, "n_groups": 1, "chunk_size": 4}, bare=True
    ),
    "Falcon-Mamba": Architecture("FalconMamba", RECURRENT, bare=True),
    "RWKV": Architecture("Rwkv", {"hidden_size": 32, "num_hidden_layers": 2, "context_length": 64}, bare=True),
    "Bamba": Architecture("Bamba", GROUPED | MAMBA | {"attn_layer_indices": [1]}),
    "LFM2, convolutions": Architecture(
        "Lfm2", GROUPED | {"layer_types": ["conv", "full_attention"], "block_auto_adjust_ff_dim": False}
    ),
    "OLMo 2": Architecture("Olmo2"),
    "Olmo 3, a window of 4": Architecture("Olmo3", MIXED),
    "Cohere 2, a window of 4": Architecture("Cohere2", HEADS | {"sliding_window": 4}),
    "StableLM": Architecture("StableLm", GROUPED),
    "StarCoder2, a window of 4": Architecture("Starcoder2", GROUPED | {"sliding_window": 4}),
    "Granite": Architecture("Granite"),
    "GLM-4": Architecture("Glm4", HEADS),
    "DeepSeek-V3, latent attention": Architecture("DeepseekV3", LATENT | {"n_group": 2, "topk_group": 1}),
    "MiniMax, linear attention": Architecture(
        "MiniMax",
        HEADS | {"num_local_experts": 4, "block_size": 4, "layer_types": ["linear_attention", "full_attention"]},
    ),
    "BART's decoder": Architecture(
        "Bart",
        {
            "d_model": 32,
            "decoder_layers": 2,
            "decoder_attention_heads": 2,
            "decoder_ffn_dim": 64,
            "max_position_embeddings": 64,
            "is_decoder": True,
        },
        "BartForCausalLM",
        bare=True,
    ),
    "BERT": Architecture("Bert", {"pad_token_id": 0}, "BertLMHeadModel"),
    "BERT as a decoder": Architecture("Bert", {"pad_token_id": 0, "is_decoder": True}, "BertLMHeadModel"),
    "XLNet": Architecture("XLNet", {"d_model": 32, "n_layer": 2, "n_head": 2, "d_inner": 64}, "XLNetLMHeadModel", True),
    "xLSTM": Architecture(
        "xLSTM", {"hidden_size": 32, "num_hidden_layers": 2, "num_heads": 2, "chunk_size": 4}, bare=True
    ),
}
