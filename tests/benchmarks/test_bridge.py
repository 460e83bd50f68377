"""The bridge against transformers in one run: adaptors on logits of a large vocabulary, and generation.

One thread; both sides are given the same logits, or the same random Llama of 20 million parameters.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from simulations.bridge.generate import generate
from simulations.bridge.sorted_rows import SortedRows
from theory.adaptors import Chain, chain

torch = pytest.importorskip("torch", reason="torch is not installed")
transformers = pytest.importorskip("transformers", reason="transformers is not installed")

VOCABULARY, ROWS = 32_000, 512
SETTINGS: list[tuple[str, list[str]]] = [
    ("temperature", ["1/2", "4/5", "5/4"]),
    ("top_k", ["1", "5", "10", "50", "200"]),
    ("nucleus", ["1/2", "7/10", "9/10", "19/20", "99/100"]),
    ("typical", ["1/5", "1/2", "9/10", "19/20"]),
    ("epsilon", ["1/10000", "3/10000", "1/1000", "1/100"]),
    ("eta", ["1/10000", "3/10000", "1/1000", "1/100"]),
    ("min_p", ["1/100", "1/50", "1/20", "1/10", "1/5"]),
]
CHAINS: list[Chain] = [chain((name, value)) for name, values in SETTINGS for value in values]


def warper(name: str, value: float) -> Any:
    """The same adaptor of transformers."""
    made: dict[str, Callable[[float], Any]] = {
        "temperature": transformers.TemperatureLogitsWarper,
        "top_k": lambda k: transformers.TopKLogitsWarper(int(k)),
        "nucleus": transformers.TopPLogitsWarper,
        "typical": transformers.TypicalLogitsWarper,
        "epsilon": transformers.EpsilonLogitsWarper,
        "eta": lambda e: transformers.EtaLogitsWarper(e, device="cpu"),
        "min_p": transformers.MinPLogitsWarper,
    }
    return made[name](value)


@pytest.fixture(autouse=True)
def one_thread() -> Any:
    """Both sides on one thread."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def seconds(work: Callable[[], Any], rounds: int) -> float:
    """The best of so many rounds."""
    best = np.inf
    for _ in range(rounds):
        start = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - start)
    return float(best)


@pytest.mark.benchmark(group="30 adaptors on 512 x 32,000 logits: log w of a token and log c")
def test_adaptors(benchmark: Any) -> None:
    """One sort for all, against the warpers of transformers in turn, each followed by a log-softmax."""
    assert len(CHAINS) == 30
    rng = np.random.default_rng(1)
    logits = (3 * rng.standard_normal((ROWS, VOCABULARY))).astype(np.float32)
    tokens = logits.argmax(axis=1)

    def ours() -> float:
        total = 0.0
        for low in range(0, ROWS, 256):
            rows = SortedRows.of(logits[low : low + 256])
            rank = rows.rank(tokens[low : low + 256])
            for steps in CHAINS:
                window = rows.window(steps)
                total += float((rows.log_weight(window, tokens[low : low + 256], rank) - window.log_total).sum())
        return total

    given, picked = torch.tensor(logits), torch.tensor(tokens)[:, None]

    def theirs() -> float:
        total = 0.0
        for steps in CHAINS:
            warped = warper(steps[0].name, float(steps[0].value.p) / float(steps[0].value.q))(None, given.clone())
            total += float(torch.log_softmax(warped, dim=-1).gather(1, picked).sum())
        return total

    found = benchmark.pedantic(ours, rounds=3, warmup_rounds=1)
    assert found == pytest.approx(theirs(), rel=1e-4)
    fast, slow = seconds(ours, 3), seconds(theirs, 1)
    benchmark.extra_info["times_faster"] = round(slow / fast)
    print(f"\n30 adaptors: {slow / fast:,.0f} times faster ({fast:.3g} s against {slow:.3g} s)")


def llama() -> Any:
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


@pytest.mark.benchmark(group="generation: 32 strings of 48 tokens, 32,000 tokens to choose from")
def test_generation(benchmark: Any) -> None:
    """With every log-probability, against transformers' generate without."""
    from simulations.bridge.models import TorchDecoder

    model = llama()
    size = sum(p.numel() for p in model.parameters())
    assert 18e6 < size < 22e6
    prompts = np.random.default_rng(2).integers(0, VOCABULARY, (32, 4))
    decoder = TorchDecoder(model, VOCABULARY)  # an id that is never drawn: every string has 48 tokens
    rng = np.random.default_rng(3)
    ids = torch.tensor(prompts)
    settings = {"do_sample": True, "top_k": 0, "top_p": 1.0, "temperature": 1.0, "max_new_tokens": 48}

    def theirs() -> Any:
        with torch.inference_mode():
            return model.generate(ids, attention_mask=torch.ones_like(ids), pad_token_id=0, **settings)

    assert theirs().shape == (32, 52)
    found = benchmark.pedantic(generate, args=(decoder, prompts, (), 48), kwargs={"rng": rng}, rounds=3)
    assert (found.length == 48).all()
    fast, slow = seconds(lambda: generate(decoder, prompts, (), 48, rng=rng), 3), seconds(theirs, 3)
    benchmark.extra_info["times_faster"] = round(slow / fast, 2)
    tokens = 32 * 48
    print(f"\ngeneration: {slow / fast:.2f} times faster ({tokens / fast:,.0f} tokens/s against {tokens / slow:,.0f})")
