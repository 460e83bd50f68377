"""The search for a sampler's setting: its numbers are those of the adaptors, and it says nothing where nothing fits."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("torch")
pytest.importorskip("pyarrow")

from simulations.bridge.given_numbers import Case
from simulations.bridge.prompts import Prompt
from simulations.bridge.sampler_search import FEWEST, Setting, _Laws, sampler
from simulations.bridge.samples import Given
from simulations.bridge.score import String
from simulations.sampling.adaptors import log_softmax, log_sum, log_weights
from theory.adaptors.exact import Chain, chain

IDS = 60


def case(rng: np.random.Generator, length: int, numbers: Any = 0.0) -> Case:
    """A string drawn from laws of its own, with what came."""
    law = log_softmax(2 * rng.normal(size=(length, IDS)))
    tokens = tuple(int(rng.choice(IDS, p=np.exp(row))) for row in law)
    came = Given(1, Prompt("prompt", "x"), None, tokens, "length", None, numbers, "raw", {})
    return Case(String(came, 0, 0, tokens, False), (0,), law)


def steps_of(setting: Setting) -> Chain:
    """The setting as a chain."""
    words = setting.words.removeprefix("after ").removeprefix("temperature and ").removeprefix("cuts: ")
    steps = [step.split() for step in words.split(" then ")]
    return chain(*((name, value) for name, value in steps))


def oracle(found: Case, setting: Setting) -> Any:
    """log q of every token by the adaptors themselves."""
    weight = log_weights(found.law, steps_of(setting))
    return weight[np.arange(len(found.tokens)), found.tokens] - log_sum(weight)


SETTINGS = st.builds(
    Setting,
    temperature=st.sampled_from([30, 70, 85, 130, 190]),
    top_k=st.sampled_from([0, 1, 2, 7, 40, 59]),
    nucleus=st.sampled_from([500, 730, 900, 995, 1000]),
    last=st.booleans(),
)


@given(SETTINGS, st.integers(0, 10_000))
def test_numbers_are_those_of_the_adaptors(setting: Setting, seed: int) -> None:
    """Heated and cut in either order, in one sort, against the adaptors one after another."""
    own = case(np.random.default_rng(seed), 12)
    found = _Laws.of(own).numbers(setting.temperature, [setting.top_k], [setting.nucleus], last=setting.last)[:, 0]
    np.testing.assert_allclose(found, oracle(own, setting), rtol=0, atol=1e-9)


@pytest.mark.parametrize("setting", [Setting(83), Setting(60, 7), Setting(140, 0, 850), Setting(60, 0, 700, last=True)])
@pytest.mark.parametrize("single", [True, False])
def test_a_setting_is_found(setting: Setting, single: bool) -> None:
    """Whether a number a token came or a sum; the strings are those that the setting can have drawn."""
    rng, cases = np.random.default_rng(4), list[Case]()
    while len(cases) < 6:
        own = case(rng, int(rng.integers(9, 14)))
        numbers = oracle(own, setting)
        if np.isfinite(numbers).all():
            came = float(numbers.sum()) if single else tuple(numbers)
            one = own.string
            cases.append(Case(String(_with(one.given, came), 0, 0, one.tokens, False), own.prompt, own.law))
    found = sampler(cases)
    assert found is not None
    assert (found[0].words, found[1].words) == (setting.words, "")


def _with(came: Given, numbers: Any) -> Given:
    return Given(1, came.prompt, None, came.ids, came.finish, None, numbers, "raw", {})


@settings(max_examples=8)
@given(st.integers(0, 10_000))
def test_other_numbers_have_no_setting(seed: int) -> None:
    """Sums of another model's size are no setting's, with as few strings as are searched."""
    rng = np.random.default_rng(seed)
    cases = [case(rng, 10, float(-rng.gamma(30))) for _ in range(FEWEST)]
    assert sampler(cases) is None
    assert sampler(cases[1:]) is None
