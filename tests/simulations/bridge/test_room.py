"""Caches with room: bit for bit what concatenating gives, whatever is done to the cache between."""

from __future__ import annotations

import copy

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers import DynamicCache
from transformers.cache_utils import DynamicLayer

from simulations.bridge import decoder as module
from simulations.bridge.decoder import TorchDecoder
from simulations.bridge.room import RoomyLayer, roomy
from tests.simulations.bridge.architectures import ARCHITECTURES

STEPS = st.lists(st.sampled_from(["one", "many", "rows", "crop", "copy", "repeat"]), max_size=12)


@given(STEPS, st.integers(0, 99))
def test_as_concatenating(steps: list[str], seed: int) -> None:
    """Tokens written, rows selected, tokens cropped, the cache copied and repeated, in any order."""
    rng = np.random.default_rng(seed)
    plain, own = DynamicLayer(), DynamicLayer()
    own.__class__ = RoomyLayer
    length, rows = int(rng.integers(1, 5)), 3
    for step in ["many", *steps]:
        if step in {"one", "many"}:
            shape = (rows, 2, 1 if step == "one" else length * 20, 4)
            keys, values = (torch.from_numpy(rng.normal(size=shape)) for _ in range(2))
            for one, two in zip(plain.update(keys, values), own.update(keys, values), strict=True):
                assert torch.equal(one, two)
        elif step == "rows":
            chosen = torch.from_numpy(rng.integers(0, rows, 2))
            rows = 2
            plain.reorder_cache(chosen)
            own.reorder_cache(chosen)
        elif step == "crop" and plain.get_seq_length() > 1:
            plain.crop(-1)
            own.crop(-1)
        elif step == "copy":
            before, own = own, copy.deepcopy(own)
            before.keys.zero_()  # the copy shares nothing
        elif step == "repeat" and rows < 20:
            rows *= 2
            plain.batch_repeat_interleave(2)
            own.batch_repeat_interleave(2)
        assert torch.equal(plain.keys, own.keys)
        assert torch.equal(plain.values, own.values)
        assert plain.get_seq_length() == own.get_seq_length()


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_numbers_of_the_model(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every architecture gives, step by step, the bits that it gives with its own cache."""
    model = ARCHITECTURES[name].make(5)
    prompts, tokens = np.random.default_rng(1).integers(2, 6, (2, 3, 5))

    def steps() -> list[np.ndarray]:
        decoder = TorchDecoder(model, 1)
        try:
            return [decoder.begin(prompts)] + [decoder.advance(column) for column in tokens.T]
        except Exception:  # a cache that cannot be driven here
            return []

    found = steps()
    monkeypatch.setattr(module, "roomy", lambda cache: cache)
    for one, two in zip(found, steps(), strict=True):
        assert np.array_equal(one, two, equal_nan=True)


def test_tokens_are_not_copied() -> None:
    """What is written stays where it is until the room is full."""
    layer = DynamicLayer()
    layer.__class__ = RoomyLayer
    one = torch.ones(1, 1, 1, 2)
    places = set()
    for _ in range(50):
        layer.update(one, one)
        places.add(layer.keys.data_ptr())
    assert len(places) == 3


def test_other_caches_are_left_alone() -> None:
    """None, a cache of another class, and layers of another kind."""
    assert roomy(None) is None
    cache = DynamicCache()
    cache.layers.append(DynamicLayer())
    assert type(roomy(cache).layers[0]) is RoomyLayer

    class Other(DynamicCache):
        pass

    other = Other()
    other.layers.append(DynamicLayer())
    assert type(roomy(other).layers[0]) is DynamicLayer
