"""Independent Metropolis-Hastings chains, many side by side from exactly known starts, against their exact laws.

The last states of independent chains are independent draws of the exact k-step law, so that the same tests apply as to
independent strings; nothing is scaled by an effective sample size.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from simulations.agreement.comparison import Comparison, correlation, event, law, mean
from simulations.agreement.known import Known, example, tree
from simulations.agreement.procedures import ChainStates
from simulations.agreement.setting import Experiment, Setting
from simulations.agreement.strings import COOL, TREE
from simulations.sampling import metropolis as chains
from theory.arithmetic.exact import floats
from theory.corpora.metropolis import IndependentChain
from theory.examples.finite import C6_PROPOSAL

Floats = NDArray[np.float64]


@functools.lru_cache(maxsize=1)
def c6() -> tuple[Known, IndependentChain]:
    """C6 with its proposal (1, 12, 3)/16: w* = 8."""
    known = example("C6")
    return known, IndependentChain.towards(floats(np.array(C6_PROPOSAL, dtype=object)), known.prob)


def states(known: Known, chain: IndependentChain) -> ChainStates:
    """What a chain towards p+ knows."""
    return ChainStates(np.log(chain.target), np.log(chain.proposal), -known.surprisal)


@functools.lru_cache(maxsize=1)
def adapted() -> tuple[IndependentChain, ChainStates]:
    """From local to global T = 1/2 on a tree: states are its strings."""
    known = tree(TREE)
    local, whole = known.adapted(COOL, "local"), known.adapted(COOL, "global")
    log_product = known.log_normaliser(COOL)
    found = IndependentChain.correcting(local / local.sum(), np.exp(log_product))
    if not np.allclose(found.target, whole, rtol=1e-9):
        raise AssertionError("the product of the normalisers corrects local to global")
    return found, ChainStates(np.log(whole), np.log(local), -known.surprisal)


def ratio(setting: Setting) -> Iterator[Comparison]:
    """From q_loc to q_glob by the product of the normalisers: the law after 8 steps from a proposal."""
    rng, (chain, known_states) = setting.rng("ratio"), adapted()
    start = setting.strings(chain.proposal, rng)
    found = chains.run(chain.proposal, setting.parts.ratio(known_states), start, 8, rng=rng)
    exact = chain.law_after(8, chain.proposal)
    counts = np.bincount(found.last, minlength=len(exact))
    yield law("metropolis.ratio", f"tree {TREE}, local to global T = 1/2, 8 steps", exact, counts)


def spectrum(setting: Setting) -> Iterator[Comparison]:
    """C6 from its heaviest state: the law after 3 steps."""
    rng, (known, chain) = setting.rng("spectrum"), c6()
    heaviest = int(np.argmax(chain.weight))
    start = np.full(setting.draws, heaviest)
    found = chains.run(chain.proposal, setting.parts.ratio(states(known, chain)), start, 3, rng=rng)
    point = np.zeros(len(known.prob))
    point[heaviest] = 1.0
    exact = chain.law_after(3, point)
    counts = np.bincount(found.last, minlength=len(exact))
    yield law("metropolis.spectrum", "C6 from the heaviest state, 3 steps", exact, counts)


def acceptance(setting: Setting) -> Iterator[Comparison]:
    """How often a chain at its target accepts: 1 - Gini(w)."""
    rng, (known, chain) = setting.rng("acceptance"), c6()
    start = setting.strings(chain.target, rng)
    found = chains.run(chain.proposal, setting.parts.ratio(states(known, chain)), start, 1, rng=rng)
    yield event("metropolis.acceptance", "C6 at its target: accepted", float(chain.acceptance()), found.accepted > 0)


def successive(setting: Setting) -> Iterator[Comparison]:
    """C6: corpora of 10 successive strings of a stationary chain: a negative correlation, where strings have none."""
    rng, (known, chain), size = setting.rng("successive"), c6(), 10
    values = np.stack((known.log_prior, known.reward))
    centred = values - (values @ known.prob)[:, None]
    start = setting.strings(chain.target, rng)
    found = chains.run(chain.proposal, setting.parts.ratio(states(known, chain)), start, size, centred, rng=rng)
    first, second = found.sums / size
    cov, var_l, var_r = (
        float(chain.corpus_covariance(one, two, size))
        for one, two in ((centred[0], centred[1]), (centred[0], centred[0]), (centred[1], centred[1]))
    )
    bounds = [(float(v.min()), float(v.max())) for v in centred]
    yield correlation(
        "metropolis.corpora", "C6, N = 10: Corr(Lbar, Rbar)", cov / np.sqrt(var_l * var_r), first, second, bounds
    )
    top = bounds[0][0] ** 2, bounds[0][1] ** 2
    yield mean("metropolis.corpora", "C6, N = 10: Var Lbar", var_l, first**2, (0.0, max(top)))


def accept_all(setting: Setting) -> Iterator[Comparison]:
    """A chain that accepts everything, on purpose: it samples from its proposal."""
    rng, (_, chain) = setting.rng("accept-all"), c6()
    start = setting.strings(chain.target, rng)
    found = chains.run(chain.proposal, lambda new, old: np.zeros(len(new)), start, 1, rng=rng)
    counts = np.bincount(found.last, minlength=len(chain.proposal))
    yield law("metropolis.accept-all", "C6, accepting everything: the proposal", chain.proposal, counts)


EXPERIMENTS: tuple[Experiment, ...] = (ratio, spectrum, acceptance, successive, accept_all)

__all__ = ["EXPERIMENTS"]
