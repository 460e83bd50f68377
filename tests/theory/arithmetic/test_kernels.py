"""Compiled loops against balls, and against the plain paths that they stand behind."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
from flint import arb
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from theory.adaptors.moments import float_moments
from theory.arithmetic import kernels
from theory.arithmetic.compiled import WORTH
from theory.arithmetic.exact import precision
from theory.examples.finite import dense_tree
from theory.language_models.tree import PrefixTree

pytest.importorskip("numba", reason="numba is not installed")

Floats = NDArray[np.float64]
LONG = WORTH + 77
"""Not a multiple of the block."""


def units(found: Floats, exact: list[arb]) -> float:
    """The largest error in units of the last place of the exact value."""
    spacing = np.spacing(np.abs([float(v) for v in exact]))
    return max(float(abs(arb(float(f)) - v)) / s for f, v, s in zip(found, exact, spacing, strict=True))


def test_exponential() -> None:
    """e^x of 2,000 numbers and of the ends of its range, in balls."""
    rng = np.random.default_rng(1)
    x = np.concatenate(
        (rng.uniform(-708, 700, 1000), rng.uniform(-2, 2, 1000), [0.0, -708.0, 1e-300, 0.34657, -0.3466])
    )
    with precision():
        assert units(np.array([kernels.exponential(v) for v in x]), [arb(float(v)).exp() for v in x]) <= 3
    assert kernels.exponential(0.0) == 1
    assert kernels.exponential(-709.0) == kernels.exponential(-np.inf) == 0


def test_logarithm() -> None:
    """log x of numbers of every size, of those beside 1 and sqrt(1/2), and of subnormal ones, in balls."""
    rng = np.random.default_rng(2)
    beside = [1 + k * 2.0**-52 for k in range(-8, 9) if k] + [np.sqrt(0.5) * (1 + k * 2.0**-52) for k in range(-4, 5)]
    x = np.concatenate(
        (np.exp(rng.uniform(-700, 700, 1000)), rng.uniform(0.5, 1.5, 1000), beside, [5e-324, 1e-310, 2.0])
    )
    with precision():
        assert units(np.array([kernels.logarithm(v) for v in x]), [arb(float(v)).log() for v in x]) <= 3
    assert kernels.logarithm(1.0) == 0


def plain(prior: Floats, reward: Floats, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The moments without numba."""
    with monkeypatch.context() as patch:
        patch.setattr(kernels, "moment_sums", None)
        return float_moments(prior, reward)


@pytest.mark.parametrize("spread", [0.1, 1.0, 30.0, 300.0])
@pytest.mark.parametrize("offset", [0.0, -500.0, 1e4])
def test_moments_are_those_of_the_plain_path(spread: float, offset: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rewards of every spread, far from 0 and with a peak that would overflow."""
    rng = np.random.default_rng(3)
    prior, reward = rng.dirichlet(np.full(LONG, 0.1)) + 1e-300, spread * rng.normal(size=LONG) + offset
    reward[5] += 3 * spread
    found = dataclasses.asdict(float_moments(prior, reward))
    assert found == pytest.approx(dataclasses.asdict(plain(prior, reward, monkeypatch)), rel=1e-9, abs=1e-12)


def test_moments_with_subnormal_priors(monkeypatch: pytest.MonkeyPatch) -> None:
    """p = 1e-310 has its logarithm; V is the small rest of variances near 1e5."""
    prior = np.full(LONG, 1 / LONG)
    prior[::7] = 1e-310
    reward = np.where(prior < 1e-300, 700.0, 0.0)
    found, expected = float_moments(prior, reward), plain(prior, reward, monkeypatch)
    assert dataclasses.asdict(found) == pytest.approx(dataclasses.asdict(expected), rel=1e-9, abs=1e-9)


def test_short_tables_are_not_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Below WORTH strings the plain path is taken, from it on the compiled one."""
    calls = []
    monkeypatch.setattr(kernels, "moment_sums", lambda *given: calls.append(len(given[0])) or np.ones(6))
    for size in (WORTH - 1, WORTH):
        float_moments(np.full(size, 1 / size), np.zeros(size))
    assert calls
    assert set(calls) == {WORTH}


@pytest.mark.parametrize("everywhere", [True, False])
def test_string_probabilities(everywhere: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Bit for bit those of the level-by-level path, also where some prefixes are no strings."""
    model = dense_tree(np.random.default_rng(4), 3, 11)
    assert len(model.prob) > WORTH
    if not everywhere:
        model.end[::3] = 0
    found = model.string_prob()
    with monkeypatch.context() as patch:
        patch.setattr(kernels, "tree_products", None)
        assert (found == model.string_prob()).all()
    assert len(found) == (model.end > 0).sum()


@given(st.lists(st.integers(0, 9), min_size=1, max_size=30), st.integers(0, 2**32 - 1), st.booleans())
@settings(deadline=None, max_examples=200)
def test_tree_products(children: list[int], seed: int, silent: bool) -> None:
    """p(prefix) p(end | prefix) bit for bit on trees of any branching, and whether a string ends at every node."""
    parent = np.array([-1])
    for node, count in enumerate(children[:1] + [max(c, 1) for c in children[1:]]):
        if node < len(parent):
            parent = np.append(parent, np.full(count, node))
    rng = np.random.default_rng(seed)
    prob, end = rng.uniform(0.1, 1, len(parent)), rng.uniform(0.1, 1, len(parent))
    if silent:
        end[rng.integers(len(end))] = 0
    tree = PrefixTree.of("abcdefghi", parent, np.zeros(len(parent), dtype=np.int64))
    expected = tree.descend(prob[0], prob, np.multiply) * end
    mass = np.empty(len(parent))
    assert bool(kernels.tree_products(parent, prob, end, mass)) is not silent
    assert (mass == expected).all()
