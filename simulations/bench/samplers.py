"""Corpora and chains, against loops, data frames and LAPACK."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import eigvalsh

from simulations.bench import machine
from simulations.bench.timing import (
    FLOPS,
    PYTHON,
    SORTING,
    UNIFORMS,
    Benchmark,
    Disagreement,
    Limit,
    TwoWays,
    close,
    seconds,
    two_ways,
)
from simulations.sampling import draws
from simulations.sampling import metropolis as chains
from theory.corpora.metropolis import IndependentChain
from theory.examples.finite import toy

if TYPE_CHECKING:
    import pandas

Floats = NDArray[np.float64]

CORPUS = 100_000
_LOOPED = 10_000


def _corpora() -> TwoWays:
    """A corpus of 100,000 strings of the toy; the loop draws and adds 10,000 of them."""
    numbers = toy().floats()
    prob, values = numbers.prob, np.stack((numbers.log_prior, numbers.reward))
    rng, cumulative = np.random.default_rng(1), np.cumsum(numbers.prob)

    def loop() -> float:
        total = 0.0
        for _ in range(_LOOPED):
            total += values[0][min(int(np.searchsorted(cumulative, rng.random())), len(prob) - 1)]
        return total / _LOOPED

    def ours() -> Floats:
        return draws.corpus_means(prob, values, CORPUS, 100, rng=rng)

    def agree(found: Floats, other: float) -> None:
        mean, deviation = float(values[0] @ prob), float(values[0].std() + 1)
        if abs(found[:, 0].mean() - mean) > 6 * deviation / 3000 or abs(other - mean) > 6 * deviation / 100:
            raise Disagreement(f"{found[:, 0].mean()} and {other}, both near {mean}")

    limit = Limit("a uniform for each of the 1,000 strings", len(prob) / machine.uniforms_per_second())
    return two_ways(ours, loop, agree, ours_units=100, theirs_units=_LOOPED / CORPUS, limit=limit)


def row_by_row(frame: pandas.DataFrame, steps: int, rng: np.random.Generator) -> tuple[pandas.DataFrame, int]:
    """A chain over the rows of a data frame: a row is sampled, compared with the present one, and appended."""
    import pandas

    weights = np.exp(frame["log_proposal"])
    present = frame.sample(n=1, weights=weights, random_state=rng).iloc[0]
    accepted, rows = 0, []
    for _ in range(steps):
        offered = frame.sample(n=1, weights=weights, random_state=rng).iloc[0]
        ratio = np.exp(
            offered["log_target"] - present["log_target"] + present["log_proposal"] - offered["log_proposal"]
        )
        if rng.random() < min(1.0, ratio):
            present, accepted = offered, accepted + 1
        rows.append(present)
    return pandas.DataFrame(rows), accepted


_ROWS, _STEPS = 300, {True: 2_000_000, False: 200_000}


def _chain(compiled: bool) -> TwoWays:
    import pandas

    rng = np.random.default_rng(2)
    proposal, weight = rng.dirichlet(np.ones(50)), rng.random(50) + 0.1
    weight /= proposal @ weight
    columns = {"string": [f"s{k}" for k in range(50)], "log_proposal": np.log(proposal)}
    frame = pandas.DataFrame(columns | {"log_target": np.log(proposal * weight)})
    steps = _STEPS[compiled]
    acceptance = float(IndependentChain(proposal, weight).acceptance())

    def agree(ours: tuple[int, int], theirs: tuple[pandas.DataFrame, int]) -> None:
        for accepted, made in ((ours[1], steps), (theirs[1], _ROWS)):
            if abs(accepted / made - acceptance) > 6 / made**0.5:
                raise Disagreement(f"{accepted} of {made} accepted, where {acceptance:.3f} is exact")

    return two_ways(
        lambda: chains.long_chain(proposal, weight, 0, steps, rng=rng, compiled=compiled),
        lambda: row_by_row(frame, _ROWS, rng),
        agree,
        ours_units=steps,
        theirs_units=_ROWS,
        limit=Limit("two uniforms a step", 2 / machine.uniforms_per_second()),
    )


STATES = 2000


def random_chain(states: int) -> IndependentChain:
    """A float64 chain with a Dirichlet proposal."""
    rng = np.random.default_rng(4)
    proposal = rng.dirichlet(np.ones(states))
    proposal /= proposal.sum()
    return IndependentChain.correcting(proposal, rng.random(states) + 0.1)


def _spectrum() -> TwoWays:
    """LAPACK is given the symmetric matrix pi^1/2 P pi^-1/2, ready made."""
    chain = random_chain(STATES)
    root = np.sqrt(chain.target)
    matrix = chain.kernel() * root[:, None] / root[None, :]
    matrix = (matrix + matrix.T) / 2

    def agree(ours: Floats, theirs: Floats) -> None:
        gap = float(np.abs(np.sort(ours) - np.sort(theirs)).max())
        if gap > 1e-11:
            raise Disagreement(f"eigenvalues differ by {gap}")

    sample = chain.weight.copy()
    sort = min(seconds(lambda: np.sort(sample), 20) for _ in range(5))
    return two_ways(
        chain.spectrum, functools.partial(eigvalsh, matrix), agree, limit=Limit("sorting the weights", sort)
    )


ROWS: tuple[Benchmark, ...] = (
    Benchmark(
        "corpora",
        "toy: a corpus of 100,000 strings, by counts",
        "the loop over strings (10,000 timed)",
        400,
        (),
        _corpora,
        (UNIFORMS, PYTHON),
    ),
    Benchmark(
        "chain-python",
        "chain of 50 states, one proposal, plain Python",
        "row by row in a pandas data frame (300 timed)",
        1000,
        ("pandas",),
        functools.partial(_chain, False),
        (PYTHON, PYTHON),
    ),
    Benchmark(
        "chain-fast",
        "chain of 50 states, one proposal, with numba",
        "row by row in a pandas data frame (300 timed)",
        20_000,
        ("pandas", "numba"),
        functools.partial(_chain, True),
        (UNIFORMS, PYTHON),
    ),
    Benchmark(
        "spectrum",
        f"chain of {STATES:,} states, the whole spectrum",
        "LAPACK eigvalsh of the symmetric form",
        5000,
        (),
        _spectrum,
        (SORTING, FLOPS),
    ),
)

__all__ = ["ROWS", "close", "random_chain", "row_by_row"]
