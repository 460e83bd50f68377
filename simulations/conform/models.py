"""Models with known laws as folders and files: Hugging Face safetensors, and GGUF.

A llama without layers that do anything: attention and feed-forward weights are 0, so that the hidden state is the
embedding of the last token, which says its class; each column of the output layer is the logits of one class.
"""

from __future__ import annotations

import json
from pathlib import Path

import gguf
import numpy as np
import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from simulations.conform.law import END, SPECIAL, START, VOCABULARY, KnownModel, names

_WIDTH, _EPSILON, _POSITIONS = 64, 1e-6, 512


def _embedding(model: KnownModel) -> np.ndarray:
    """One-hot in the class of each token, shape (V, width)."""
    table = np.zeros((VOCABULARY, _WIDTH), dtype=np.float32)
    table[np.arange(VOCABULARY), model.classes] = 1.0
    return table


def _output(model: KnownModel) -> np.ndarray:
    """The logits of each class in its column, less what the norm of a one-hot row multiplies by, shape (V, width)."""
    scale = 1 / np.sqrt(1 / _WIDTH + _EPSILON)
    table = np.zeros((VOCABULARY, _WIDTH), dtype=np.float32)
    table[:, : len(model.weights)] = model.logits.T / scale
    return table


def write_folder(model: KnownModel, folder: Path) -> Path:
    """The model as a Hugging Face folder with its tokenizer."""
    config = LlamaConfig(
        vocab_size=VOCABULARY,
        hidden_size=_WIDTH,
        intermediate_size=_WIDTH,
        num_hidden_layers=1,
        num_attention_heads=1,
        num_key_value_heads=1,
        max_position_embeddings=_POSITIONS,
        rms_norm_eps=_EPSILON,
        bos_token_id=START,
        eos_token_id=END,
        pad_token_id=0,
        tie_word_embeddings=False,
    )
    own = LlamaForCausalLM(config).eval()
    with torch.no_grad():
        for name, weight in own.named_parameters():
            weight.fill_(1.0 if "norm" in name else 0.0)
        own.model.embed_tokens.weight.copy_(torch.from_numpy(_embedding(model)))
        own.lm_head.weight.copy_(torch.from_numpy(_output(model)))
    own.save_pretrained(folder)
    (folder / "generation_config.json").write_text(
        json.dumps({"bos_token_id": START, "eos_token_id": END, "pad_token_id": 0}) + "\n", encoding="utf-8"
    )
    known = Tokenizer(models.WordLevel({name: k for k, name in enumerate(names())}, unk_token=SPECIAL[0]))
    known.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    PreTrainedTokenizerFast(
        tokenizer_object=known, unk_token=SPECIAL[0], bos_token=SPECIAL[START], eos_token=SPECIAL[END]
    ).save_pretrained(folder)
    return folder


def write_gguf(model: KnownModel, path: Path) -> Path:
    """The model as a GGUF file with its vocabulary."""
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_name(f"probqual conform {model.name}")
    writer.add_context_length(_POSITIONS)
    writer.add_embedding_length(_WIDTH)
    writer.add_block_count(1)
    writer.add_feed_forward_length(_WIDTH)
    writer.add_head_count(1)
    writer.add_head_count_kv(1)
    writer.add_rope_dimension_count(_WIDTH)
    writer.add_layer_norm_rms_eps(_EPSILON)
    writer.add_file_type(gguf.LlamaFileType.ALL_F32)
    writer.add_tokenizer_model("llama")
    first = len(SPECIAL) + 256  # readers of a llama vocabulary look every byte up
    texts = [*SPECIAL, *(f"<0x{byte:02X}>" for byte in range(256)), *(f"▁{name}" for name in names()[first:])]
    writer.add_token_list(texts)
    writer.add_token_scores([0.0] * VOCABULARY)
    kinds = [gguf.TokenType.UNKNOWN, gguf.TokenType.CONTROL, gguf.TokenType.CONTROL]
    kinds += [gguf.TokenType.BYTE] * 256
    writer.add_token_types([*kinds, *([gguf.TokenType.NORMAL] * (VOCABULARY - first))])
    writer.add_bos_token_id(START)
    writer.add_eos_token_id(END)
    square = np.zeros((_WIDTH, _WIDTH), dtype=np.float32)
    ones = np.ones(_WIDTH, dtype=np.float32)
    writer.add_tensor("token_embd.weight", _embedding(model))
    for part in ("attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down"):
        writer.add_tensor(f"blk.0.{part}.weight", square)
    for norm in ("attn_norm", "ffn_norm"):
        writer.add_tensor(f"blk.0.{norm}.weight", ones)
    writer.add_tensor("output_norm.weight", ones)
    writer.add_tensor("output.weight", _output(model))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


__all__ = ["write_folder", "write_gguf"]
