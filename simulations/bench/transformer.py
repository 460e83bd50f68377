"""Adaptors on the logits of a large vocabulary, and generation, against transformers. One thread on both sides."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
import transformers
from numpy.typing import NDArray

from simulations.bench import machine
from simulations.bench.timing import FLOPS, SORTING, Benchmark, Disagreement, Limit, TwoWays, close, seconds, two_ways
from simulations.bridge.models import TorchDecoder
from simulations.sampling.generate import Sample, generate
from simulations.sampling.sorted_rows import SortedRows
from theory.adaptors.exact import Chain, chain
from theory.arithmetic.exact import to_float

VOCABULARY, ROWS_OF_LOGITS = 32_000, 512

SETTINGS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("temperature", ("1/2", "4/5", "5/4")),
    ("top_k", ("1", "5", "10", "50", "200")),
    ("nucleus", ("1/2", "7/10", "9/10", "19/20", "99/100")),
    ("typical", ("1/5", "1/2", "9/10", "19/20")),
    ("epsilon", ("1/10000", "3/10000", "1/1000", "1/100")),
    ("eta", ("1/10000", "3/10000", "1/1000", "1/100")),
    ("min_p", ("1/100", "1/50", "1/20", "1/10", "1/5")),
)
CHAINS: tuple[Chain, ...] = tuple(chain((name, value)) for name, values in SETTINGS for value in values)
"""Thirty adaptors."""

_WARPERS: dict[str, Callable[[float], transformers.LogitsProcessor]] = {
    "temperature": lambda v: transformers.TemperatureLogitsWarper(v),
    "top_k": lambda v: transformers.TopKLogitsWarper(int(v)),
    "nucleus": lambda v: transformers.TopPLogitsWarper(v),
    "typical": lambda v: transformers.TypicalLogitsWarper(v),
    "epsilon": lambda v: transformers.EpsilonLogitsWarper(v),
    "eta": lambda v: transformers.EtaLogitsWarper(v, device="cpu"),
    "min_p": lambda v: transformers.MinPLogitsWarper(v),
}


def logits_of(rows: int, vocabulary: int) -> NDArray[np.float32]:
    """Random logits of deviation 3."""
    return (3 * np.random.default_rng(1).standard_normal((rows, vocabulary))).astype(np.float32)


def all_adaptors(logits: NDArray[np.float32]) -> tuple[float, int]:
    """log w - log c of the most probable token of each row under thirty adaptors: (their sum, how many are cut off)."""
    tokens = logits.argmax(axis=1)
    rows = SortedRows.of(logits)
    rank = rows.rank(tokens)
    total, cut = 0.0, 0
    for steps in CHAINS:
        window = rows.window(steps)
        found = rows.log_weight(window, tokens, rank) - window.log_total
        kept = np.isfinite(found)
        total, cut = total + float(found[kept].sum()), cut + int((~kept).sum())
    return total, cut


def _adaptors() -> TwoWays:
    torch.set_num_threads(1)
    logits = logits_of(ROWS_OF_LOGITS, VOCABULARY)
    given, picked = torch.tensor(logits), torch.tensor(logits.argmax(axis=1))[:, None]

    def theirs() -> tuple[float, int]:
        total, cut = 0.0, 0
        for steps in CHAINS:
            warped = _WARPERS[steps[0].name](to_float(steps[0].value))(None, given.clone())
            found = torch.log_softmax(warped, dim=-1).gather(1, picked)
            kept = torch.isfinite(found)
            total, cut = total + float(found[kept].sum()), cut + int((~kept).sum())
        return total, cut

    sort = min(seconds(lambda: np.sort(logits, axis=1)) for _ in range(3))
    return two_ways(
        lambda: all_adaptors(logits), theirs, close(1e-4), limit=Limit("one sort of every row (numpy, SIMD)", sort)
    )


BATCH, LENGTH = 32, 48


def llama() -> transformers.LlamaForCausalLM:
    """A random Llama of 20 million parameters with a vocabulary of 32,000."""
    torch.manual_seed(0)
    config = transformers.LlamaConfig(
        vocab_size=VOCABULARY,
        hidden_size=256,
        intermediate_size=704,
        num_hidden_layers=4,
        num_attention_heads=8,
        num_key_value_heads=8,
        tie_word_embeddings=False,
        bos_token_id=None,
        eos_token_id=None,
        pad_token_id=None,
    )
    return transformers.LlamaForCausalLM(config).eval()


def writer(batch: int) -> Callable[[], Sample]:
    """What writes so many strings of 48 tokens, with every log-probability."""
    torch.set_num_threads(1)
    decoder = TorchDecoder(llama(), VOCABULARY)  # an id that is never drawn: every string has 48 tokens
    prompts = np.random.default_rng(2).integers(0, VOCABULARY, (batch, 4))
    rng = np.random.default_rng(3)
    return lambda: generate(decoder, prompts, Chain(), LENGTH, rng=rng)


def _generation() -> TwoWays:
    ours, model = writer(BATCH), llama()
    ids = torch.tensor(np.random.default_rng(2).integers(0, VOCABULARY, (BATCH, 4)))
    settings = {"do_sample": True, "top_k": 0, "top_p": 1.0, "temperature": 1.0, "max_new_tokens": LENGTH}

    def theirs() -> torch.Tensor:
        with torch.inference_mode():
            return model.generate(ids, attention_mask=torch.ones_like(ids), pad_token_id=0, **settings)

    def agree(found: Sample, other: torch.Tensor) -> None:
        if tuple(other.shape) != (BATCH, 4 + LENGTH) or not (found.length == LENGTH).all():
            raise Disagreement("a string has another length")

    used = sum(p.numel() for name, p in model.named_parameters() if "embed_tokens" not in name)
    flops = 2 * used * BATCH * LENGTH
    limit = Limit("the multiplications of the forward passes", flops / machine.float32_flops_per_second())
    return two_ways(ours, theirs, agree, limit=limit)


ROWS: tuple[Benchmark, ...] = (
    Benchmark(
        "adaptors",
        f"30 adaptors on {ROWS_OF_LOGITS} x {VOCABULARY:,} logits: log w of a token and log c",
        "transformers' warpers in turn, each with a log-softmax",
        100,
        ("numba",),
        _adaptors,
        (SORTING, SORTING),
    ),
    Benchmark(
        "generation",
        f"{BATCH} strings of {LENGTH} tokens, V = {VOCABULARY:,}, one thread, log-probabilities included",
        "transformers generate, without log-probabilities",
        1.8,
        ("numba",),
        _generation,
        (FLOPS, FLOPS),
    ),
)

__all__ = ["BATCH", "CHAINS", "LENGTH", "ROWS", "VOCABULARY", "all_adaptors", "llama", "logits_of", "writer"]
