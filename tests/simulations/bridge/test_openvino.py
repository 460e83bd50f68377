"""Passes by OpenVINO: the numbers of the model in torch within rounding, checked at every start; the key names it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")
pytest.importorskip("openvino")

from simulations.bridge.decoder import TorchDecoder
from simulations.bridge.openvino_engine import OpenVinoEngine, openvino_engine
from simulations.bridge.self_check import BOUNDS, self_check
from simulations.sampling.generate import Tokens, generate
from tests.simulations.bridge.architectures import ARCHITECTURES
from tests.simulations.bridge.making import (
    analysed,
    float64_scores,
    key,
    llama,
    pair,
    refused,
    rows,
    run_file,
    sampled,
)
from theory.adaptors.exact import Chain

MODELS = 'prior = "prior"\naligned = "aligned"\nbackend = "openvino"'
PROMPT: Tokens = np.array([0, 2, 3, 4, 5], dtype=np.int64)


def converted(model: Any) -> TorchDecoder:
    decoder = TorchDecoder(model, 1)
    decoder.engine = openvino_engine(decoder, "it", 1)
    return decoder


def tokens_of(count: int) -> Tokens:
    return np.random.default_rng(3).integers(2, 6, (count, 4))


def test_a_run(tmp_path: Path) -> None:
    """Stored log p of every string against float64 passes, prior and aligned; the key names the backend."""
    pair(tmp_path)
    sampled(run_file(tmp_path, models=MODELS))
    prompts = key(tmp_path)["prompt_ids"]
    for row in rows(tmp_path):
        for name, seed in (("log_prior", 11), ("log_aligned", 12)):
            exact = float64_scores(llama(seed), prompts[row["prompt"]], row["tokens"])
            assert np.abs(np.array(row[name]) - exact).max() < 1e-4
    assert key(tmp_path)["models"]["backend"]["name"] == "openvino"
    assert analysed(tmp_path)["device"] == "cpu"
    there = (tmp_path / "run" / "key.json").read_bytes()
    refused(run_file(tmp_path))  # the same folder is not gone on with in torch
    assert (tmp_path / "run" / "key.json").read_bytes() == there


def test_torch_is_not_in_the_key(tmp_path: Path) -> None:
    """Saying the default is saying nothing: the key of runs that are older than the choice."""
    pair(tmp_path)
    sampled(run_file(tmp_path, models=MODELS.replace("openvino", "torch")))
    assert "backend" not in key(tmp_path)["models"]
    there = (tmp_path / "run" / "key.json").read_bytes()
    sampled(run_file(tmp_path))
    assert (tmp_path / "run" / "key.json").read_bytes() == there


@pytest.mark.parametrize("name", ["Llama", "Qwen3", "GPT-2", "Granite"])
def test_numbers_of_the_model(name: str) -> None:
    """One pass, through the cache, and behind a shared prompt, several times in turn; rows are copied, not shared."""
    decoder = converted(ARCHITECTURES[name].make(5))
    plain = TorchDecoder(decoder.model, 1)
    prompts, tokens = np.array([PROMPT, PROMPT[::-1], PROMPT]), tokens_of(3)
    expected = plain.logits(prompts, tokens)
    decoder.shared, decoder.spared = False, 0
    for shared in (False, True, False):
        decoder.shared = shared
        assert np.abs(decoder.logits(prompts, tokens) - expected).max() <= BOUNDS["float32"]
        steps = [decoder.begin(prompts)] + [decoder.advance(column) for column in tokens.T[:-1]]
        assert np.abs(np.stack(steps, axis=1) - expected).max() <= BOUNDS["float32"]


def test_the_same_strings_are_drawn() -> None:
    """Rounding apart the laws are one, and so are the random numbers."""
    decoder = converted(llama(7))
    prompts = np.tile(PROMPT, (20, 1))
    one, two = (
        generate(d, prompts, Chain(), 6, rng=np.random.default_rng(1))
        for d in (decoder, TorchDecoder(decoder.model, 1))
    )
    assert (one.tokens == two.tokens).all()
    assert np.abs(one.log_prob - two.log_prob).max() <= 1e-5


@pytest.mark.parametrize("name", ["Mistral, a window of 4", "Mamba"])
def test_architectures_that_cannot_be_converted(name: str) -> None:
    """In one line, with the architecture and what to do."""
    model = ARCHITECTURES[name].make(5)
    with pytest.raises(ValueError, match="cannot be converted for OpenVINO") as caught:
        converted(model)
    assert type(model).__name__ in str(caught.value)
    assert "leave [models] backend out" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_engine_with_other_weights_is_refused() -> None:
    """The self-check asks the model itself, too, so that what is consistently wrong is noticed."""
    decoder = TorchDecoder(llama(7), 1)
    decoder.engine = openvino_engine(TorchDecoder(llama(8), 1), "it", 1)
    with pytest.raises(ValueError, match="its backend gives other numbers than the model"):
        self_check(decoder, "it", PROMPT, tokens_of(4))


def test_its_rounding_is_in_the_self_check(monkeypatch: pytest.MonkeyPatch) -> None:
    """An engine that rounds more makes the measured rounding larger."""
    decoder = converted(llama(7))
    calm = self_check(decoder, "it", PROMPT, tokens_of(4))
    read = OpenVinoEngine.read

    def rough(self: Any, ids: Any, cache: Any, keep: int) -> Any:
        logits, live = read(self, ids, cache, keep)
        logits[..., 2] += 5e-5
        return logits, live

    monkeypatch.setattr(OpenVinoEngine, "read", rough)
    assert calm.token < 1e-5 < self_check(decoder, "it", PROMPT, tokens_of(4)).token < 1e-4


def test_only_what_was_read_last_is_gone_on_from() -> None:
    """There is one cache; another string's is not taken for it."""
    engine = converted(llama(7)).engine
    assert engine is not None
    _, first = engine.read(PROMPT[None], None, 1)
    engine.read(PROMPT[None], None, 1)
    for call in (
        lambda: engine.read(PROMPT[None], first, 1),
        lambda: engine.spread(first, np.zeros(2, dtype=np.int64)),
    ):
        with pytest.raises(ValueError, match="only from what it has read last"):
            call()


REFUSED = {
    'dtype = "bfloat16"': 'backend = "openvino" computes in float32, not bfloat16; leave dtype out',
    "": "needs the package openvino; install probqual[openvino]",
}


@pytest.mark.parametrize("line", REFUSED)
def test_runs_that_are_refused(line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What OpenVINO is not asked for here, and OpenVINO where it is not installed."""
    pair(tmp_path)
    if not line:
        monkeypatch.setitem(sys.modules, "openvino", None)
    assert REFUSED[line] in refused(run_file(tmp_path, models=f"{MODELS}\n{line}"))


def test_devices_and_names(tmp_path: Path) -> None:
    """A GPU is torch's, and there are two backends."""
    pair(tmp_path)
    path = run_file(tmp_path, models=MODELS)
    path.write_text(path.read_text("utf-8").replace('device = "cpu"', 'device = "cuda"'), "utf-8")
    assert "runs on the CPU, not on cuda; leave device out" in refused(path)
    assert "backend" in refused(run_file(tmp_path, models=MODELS.replace("openvino", "vllm")))
