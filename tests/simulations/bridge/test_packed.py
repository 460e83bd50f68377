"""Packed matrices: the numbers of the model within rounding, whatever architecture, or the model as it was."""

from __future__ import annotations

import copy
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")
pytest.importorskip("peft")

import torch

from simulations.bridge import packed as module
from simulations.bridge.decoder import TorchDecoder, probe
from simulations.bridge.packed import PackedLinear, pack, packed
from simulations.bridge.self_check import BOUNDS, self_check
from tests.simulations.bridge.architectures import ARCHITECTURES
from tests.simulations.bridge.making import key, llama, pair, refused, rows, run_file, sampled, save
from tests.simulations.bridge.test_adapters import check_reward, lora, merged

PROMPT = np.array([0, 2, 3, 4, 5], dtype=np.int64)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every matrix is large enough."""
    monkeypatch.setattr(module, "LARGE", 1)


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("rows_", [1, 2, 31, 32, 33, 200])
def test_products(bias: bool, rows_: int) -> None:
    """x W^T + b against float64, within the rounding of a sum of 700 products."""
    generator = torch.Generator().manual_seed(rows_)
    layer = torch.nn.Linear(700, 500, bias=bias)
    x = torch.randn(2, rows_, 700, generator=generator)
    exact = x.double() @ layer.weight.detach().double().T + (layer.bias.detach().double() if bias else 0.0)
    model = torch.nn.ModuleList([layer])
    own = layer.weight.detach().clone()
    with torch.inference_mode():
        module._exchange(layer, PackedLinear, torch.ops.mkldnn._reorder_linear_weight(own, 32))
        found = model[0](x)
    size = x.double().abs() @ own.double().abs().T
    assert ((found.double() - exact).abs() <= 700 * 2.0**-24 * (size + 1.0)).all()
    assert torch.equal(layer.weight.to_dense(), own)


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_numbers_of_the_model(name: str, small: None) -> None:
    """One pass and every way of the self-check, against a copy that is not packed."""
    model = ARCHITECTURES[name].make(5)
    plain = TorchDecoder(copy.deepcopy(model), 1)
    decoder = TorchDecoder(model, 1)
    pack(decoder)
    assert np.abs(probe(decoder) - probe(plain)).max() <= BOUNDS["float32"]
    assert len(list(model.parameters())) >= len(list(plain.model.parameters()))
    assert decoder.width == plain.width


def test_every_way_of_reading_agrees(small: None) -> None:
    """Beside others and alone, in one pass and through the cache."""
    decoder = TorchDecoder(llama(7), 1)
    assert pack(decoder)
    tokens = np.random.default_rng(3).integers(2, 6, (4, 4))
    assert self_check(decoder, "it", PROMPT, tokens).token < 1e-5


def test_an_embedding_stays_as_it_is(small: None) -> None:
    """A matrix that is both an embedding and the head is packed for the head alone; asking again changes nothing."""
    model = llama(7, tie_word_embeddings=True)
    assert model.lm_head.weight is model.model.embed_tokens.weight
    table = model.model.embed_tokens.weight.detach().clone()
    decoder = TorchDecoder(model, 1)
    assert pack(decoder)
    head = model.lm_head.weight
    assert torch.equal(model.model.embed_tokens.weight, table)
    assert torch.equal(head.to_dense(), table)
    assert pack(decoder)
    assert model.lm_head.weight is head


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_other_dtypes_are_left_alone(dtype: str, small: None) -> None:
    """Packing is for float32."""
    decoder = TorchDecoder(llama(7).to(getattr(torch, dtype)), 1)
    assert not pack(decoder)
    assert not packed(decoder)


def test_small_models_are_left_alone() -> None:
    """A matrix of a core's cache gains nothing."""
    decoder = TorchDecoder(llama(7), 1)
    before = probe(decoder)
    assert not pack(decoder)
    assert np.array_equal(probe(decoder), before)


@pytest.mark.parametrize("name", ["Llama", "GPT-NeoX", "Qwen3"])
def test_a_copy_is_plain(name: str, small: None) -> None:
    """The numbers of the model before it was packed, bit for bit; another dtype can be asked of the copy."""
    model = ARCHITECTURES[name].make(5)
    before = probe(TorchDecoder(model, 1))
    assert pack(TorchDecoder(model, 1))
    found = copy.deepcopy(model)
    assert not packed(TorchDecoder(found, 1))
    assert np.array_equal(probe(TorchDecoder(found, 1)), before)
    half = probe(TorchDecoder(found.to(torch.bfloat16), 1))
    assert 0 < np.abs(half - before).max() < 0.5


class _OwnProduct(torch.nn.Module):
    """Reads the weight of a layer by itself, as some architectures do."""

    def __init__(self, layer: torch.nn.Linear) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x @ self.layer.weight.T


def test_a_model_that_reads_weights_itself_is_as_it_was(small: None) -> None:
    """Bit for bit, with the head and the embedding one tensor again."""
    model = llama(7, tie_word_embeddings=True)
    model.model.layers[0].mlp.up_proj = _OwnProduct(model.model.layers[0].mlp.up_proj)
    decoder = TorchDecoder(model, 1)
    before = probe(decoder)
    assert not pack(decoder)
    assert not packed(decoder)
    assert np.array_equal(probe(decoder), before)
    assert model.lm_head.weight is model.model.embed_tokens.weight


def test_other_numbers_are_noticed(small: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """A product that is wrong by more than rounding is not used."""
    decoder = TorchDecoder(llama(7), 1)
    before = probe(decoder)
    right = PackedLinear.forward
    monkeypatch.setattr(PackedLinear, "forward", lambda self, x: right(self, x) * 1.01)
    assert not pack(decoder)
    assert np.array_equal(probe(decoder), before)


MODEL = 'prior = "prior"\nbackend = "onednn"\n'
MODELS = 'prior = "prior"\naligned = "aligned"\nbackend = "onednn"'


def test_a_run_says_so(tmp_path: Path, small: None) -> None:
    """key.json has the backend, and nothing of it without one."""
    pair(tmp_path)
    sampled(run_file(tmp_path, models=MODELS))
    assert key(tmp_path)["models"]["backend"]["name"] == "onednn"
    pair(tmp_path / "plain")
    sampled(run_file(tmp_path / "plain"))
    assert "backend" not in key(tmp_path / "plain")["models"]


@pytest.mark.parametrize(
    ("line", "says"),
    [("", "packs no matrix of it"), ('dtype = "bfloat16"', "computes in float32, not bfloat16; leave dtype out")],
)
def test_runs_that_are_refused(line: str, says: str, tmp_path: Path) -> None:
    """Small models, and what is not packed."""
    pair(tmp_path)
    assert says in refused(run_file(tmp_path, models=f"{MODELS}\n{line}"))


# peft 0.21.2 asks transformers 5.23.0 by a deprecated name
@pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing`:FutureWarning")
def test_adapters_on_a_packed_base(tmp_path: Path, small: None) -> None:
    """R is that of weights merged in float64; of two adapters each run is the one that it would be alone."""
    base = llama(11)
    save(base, tmp_path / "prior")
    for k, name in enumerate(("adapter", "other")):
        lora(base, tmp_path / name, 3 + k)
        models = f'{MODEL}aligned = {{adapter = "{name}"}}'
        sampled(run_file(tmp_path, models=models, output=f'folder = "{k}/run"'))
        found = tmp_path / str(k)
        assert key(found)["models"]["backend"]["name"] == "onednn"
        check_reward(base, merged(base, tmp_path / name), key(found)["prompt_ids"], rows(found))
    sampled(run_file(tmp_path, models=MODEL + 'aligned = [{adapter = "adapter"}, {adapter = "other"}]'))
    for k, name in enumerate(("adapter", "other")):
        alone, together = tmp_path / str(k) / "run", tmp_path / "run" / name
        for file in ("key.json", "shards/00000.sha256"):
            assert (alone / file).read_bytes() == (together / file).read_bytes()
