"""Moments of tables, strings of trees, and typical corpora, against JAX and plain Python."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import astuple
from typing import TypeVar

import numpy as np
from flint import fmpq
from numpy.typing import NDArray

from simulations.bench import machine
from simulations.bench.timing import (
    EXPONENTIALS,
    MEMORY,
    PYTHON,
    WORDS,
    Benchmark,
    Disagreement,
    Limit,
    TwoWays,
    close,
    two_ways,
)
from theory.adaptors.moments import float_moments
from theory.arithmetic import kernels
from theory.arithmetic.exact import floats, precision
from theory.corpora.atoms import atoms
from theory.corpora.inversion import by_inversion
from theory.examples.finite import dense_tree, toy
from theory.language_models.tree import TreeModel
from theory.quantities.answer import answer

Floats = NDArray[np.float64]
Found = TypeVar("Found")

STRINGS = 1_000_000
TOKENS, DEPTH = 4, 10


@contextmanager
def plain() -> Iterator[None]:
    """As if numba were not installed."""
    before = kernels.moment_sums, kernels.tree_products
    kernels.moment_sums = kernels.tree_products = None
    try:
        yield
    finally:
        kernels.moment_sums, kernels.tree_products = before


def without_numba(work: Callable[[], Found]) -> Callable[[], Found]:
    """The work, done as if numba were not installed."""

    def run() -> Found:
        with plain():
            return work()

    return run


# --- eight moments of a table --------------------------------------------------------------------------------------


def table(strings: int) -> tuple[Floats, Floats]:
    """A random table: p and R."""
    rng = np.random.default_rng(2)
    prior = rng.random(strings)
    return prior / prior.sum(), rng.normal(size=strings)


def jax_moments(prior: Floats, reward: Floats) -> Callable[[], tuple[float, ...]]:
    """The eight moments by jax.jit in float64: two fused passes over data that JAX already holds."""
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", True)

    @jax.jit  # type: ignore[untyped-decorator, unused-ignore]
    def eight(p: jax.Array, r: jax.Array) -> tuple[jax.Array, ...]:
        peak = r.max()
        log_prior = jnp.log(p)
        weight = p * jnp.exp(r - peak)
        sums = [(weight * v).sum() for v in (1.0, log_prior, r, log_prior**2, log_prior * r, r**2)]
        mass, l, r_, ll, lr, rr = (sums[0], *(s / sums[0] for s in sums[1:]))
        log_partition = jnp.log(mass) + peak
        var_l, cov, var_r = ll - l**2, lr - l * r_, rr - r_**2
        return log_partition, log_partition - l - r_, var_l + var_r + 2 * cov, l, r_, var_l, var_r, cov

    held = jnp.asarray(prior), jnp.asarray(reward)
    return lambda: tuple(float(v) for v in jax.block_until_ready(eight(*held)))


def _moments(compiled: bool) -> TwoWays:
    prior, reward = table(STRINGS)

    def ours() -> tuple[float, ...]:
        return astuple(float_moments(prior, reward))

    limit = Limit("reading p and R from memory once", 2 * prior.nbytes / machine.bytes_per_second())
    work = ours if compiled else without_numba(ours)
    return two_ways(work, jax_moments(prior, reward), close(1e-9), limit=limit)


# --- every string of a tree ----------------------------------------------------------------------------------------


def depth_first(rows: list[list[float]], ends: list[float], tokens: int) -> list[float]:
    """The probability of every string by a depth-first walk in plain Python."""
    inner, found = len(rows), []
    stack = [(0, 1.0)]
    while stack:
        node, mass = stack.pop()
        found.append(mass * ends[node])
        if node < inner:
            child = tokens * node + 1
            for p in rows[node]:
                stack.append((child, mass * p))
                child += 1
    return found


def nested(tree: TreeModel) -> tuple[list[list[float]], list[float]]:
    """The same laws as plain lists: a row of token probabilities per inner prefix, the end of each prefix."""
    tokens = len(tree.tree.alphabet)
    return tree.prob[1:].reshape(tree.tree.levels[-2], tokens).tolist(), tree.end.tolist()


def _enumeration(compiled: bool) -> TwoWays:
    tree = dense_tree(np.random.default_rng(1), TOKENS, DEPTH)
    rows, ends = nested(tree)

    def agree(ours: Floats, theirs: list[float]) -> None:
        if len(ours) != len(theirs):
            raise Disagreement(f"{len(ours)} strings against {len(theirs)}")
        close(1e-12)(list(np.sort(ours)[::997]), sorted(theirs)[::997])

    traffic = tree.tree.parent.nbytes + tree.prob.nbytes + tree.end.nbytes + tree.prob.nbytes
    limit = Limit("reading parents, tokens and ends, writing the strings", traffic / machine.bytes_per_second())
    work = tree.string_prob if compiled else without_numba(tree.string_prob)
    return two_ways(work, lambda: depth_first(rows, ends, TOKENS), agree, limit=limit)


# --- P(typical) of the toy -----------------------------------------------------------------------------------------

CORPORA, CORPUS = 1000, 100_000
_SAMPLED = 10_000


def toy_inversion() -> Callable[[], float]:
    """The toy's P(typical) to ten digits and more, by inversion."""
    with precision():
        aligned = toy()
        numbers = aligned.balls()
        law = atoms(numbers)
    return lambda: float(by_inversion(law, CORPUS, fmpq(1, 1000)).mass)


def _typicality() -> TwoWays:
    """The loop draws 10,000 of the 1,000 x 100,000 strings, one at a time."""
    with precision():
        law = floats(toy().balls().prob)
    cumulative, surprisal = np.cumsum(law), -np.log(law)
    rng = np.random.default_rng(3)

    def loop() -> float:
        total = 0.0
        for _ in range(_SAMPLED):
            total += surprisal[min(int(np.searchsorted(cumulative, rng.random())), 999)]
        return total / _SAMPLED

    def agree(ours: float, theirs: float) -> None:
        close(5e-10)(ours, 0.2089852674)
        entropy = float(law @ surprisal)
        if abs(theirs - entropy) > 6 * 1.2 / _SAMPLED**0.5:
            raise Disagreement(f"the loop's mean surprisal {theirs} is far from H = {entropy}")

    return two_ways(toy_inversion(), loop, agree, theirs_units=_SAMPLED / (CORPORA * CORPUS))


# --- a corpus of a long table --------------------------------------------------------------------------------------

ROWS_OF_TABLE = 10_000


def long_table(rows: int, *, corpus: bool = False, nucleus: bool = False) -> dict[str, dict[str, object]]:
    """The parsed specification of a table of rational rows.

    Args:
        rows: strings.
        corpus: with a corpus of 100 strings.
        nucleus: with a nucleus of 9/10.
    """
    rng = np.random.default_rng(8)
    weights = rng.integers(1, 1000, rows).tolist()
    total = sum(weights)
    found: dict[str, dict[str, object]] = {
        "prior": {
            "kind": "table",
            "strings": [f"y{k}" for k in range(rows)],
            "probs": [f"{w}/{total}" for w in weights],
        },
        "reward": {"beta": "1", "values": [f"{k}/7" for k in rng.integers(-20, 20, rows).tolist()]},
    }
    if corpus:
        found["corpus"] = {"size": 100, "epsilon": "1/20"}
    if nucleus:
        found["adaptor"] = {"name": "nucleus", "value": "9/10", "normalise": "global"}
    return found


def _corpus() -> TwoWays:
    def work(corpus: bool) -> Callable[[], float]:
        return lambda: float(answer(long_table(ROWS_OF_TABLE, corpus=corpus))["entropy"])

    return two_ways(work(True), work(False), close(0.0))


ROWS: tuple[Benchmark, ...] = (
    Benchmark(
        "moments-fast",
        "1,000,000-string table, all 8 moments, float64, with numba",
        "jax.jit, float64, two fused passes, its own threads",
        1.3,
        ("jax", "numba"),
        functools.partial(_moments, True),
        (MEMORY, MEMORY),
    ),
    Benchmark(
        "moments",
        "the same without numba",
        "jax.jit, float64, two fused passes, its own threads",
        0.8,
        ("jax",),
        functools.partial(_moments, False),
        (EXPONENTIALS, MEMORY),
    ),
    Benchmark(
        "enumeration-fast",
        f"every string of a tree, V = {TOKENS}, T = {DEPTH}, with numba",
        "Python, depth first",
        100,
        ("numba",),
        functools.partial(_enumeration, True),
        (MEMORY, PYTHON),
    ),
    Benchmark(
        "enumeration",
        "the same without numba",
        "Python, depth first",
        40,
        (),
        functools.partial(_enumeration, False),
        (MEMORY, PYTHON),
    ),
    Benchmark(
        "typicality",
        "toy: P(typical), 10 digits and more",
        "the loop over 1,000 corpora of 100,000 strings (10,000 strings timed)",
        1000,
        (),
        _typicality,
        (WORDS, PYTHON),
    ),
    Benchmark(
        "exact-corpus",
        f"exact with [corpus] on a table of {ROWS_OF_TABLE:,} rational rows",
        "the same without [corpus]",
        1 / 1.3,
        (),
        _corpus,
        (WORDS, WORDS),
    ),
)

__all__ = ["ROWS", "depth_first", "jax_moments", "long_table", "nested", "plain", "table", "toy_inversion"]
