"""The small models that the claims are checked on: C1 to C7, the paper's toy, and random ones."""

from __future__ import annotations

import functools
from collections.abc import Sequence

import numpy as np
from flint import fmpq

from theory.alignment.gibbs import Aligned, align
from theory.arithmetic.exact import objects
from theory.language_models.rewards import Reward
from theory.language_models.tree import PrefixTree, TreeModel


def table(prior: Sequence[int | fmpq], exp_reward: Sequence[int | fmpq], names: Sequence[str] = ()) -> Aligned:
    """The aligned table with p proportional to ``prior`` and e^R as given.

    >>> table((1, 2, 4), (1, 2, 4)).exact_prob()
    array([1/21, 4/21, 16/21], dtype=object)
    """
    total = sum((fmpq(w) for w in prior), start=fmpq(0))
    strings = list(names) or [_letter(k) for k in range(len(prior))]
    model = TreeModel.table(strings, objects(fmpq(w) / total for w in prior))
    return align(model, [Reward(factor=fmpq(x)) for x in exp_reward])


def from_laws(prior: Sequence[int | fmpq], aligned: Sequence[int | fmpq], names: Sequence[str] = ()) -> Aligned:
    """The aligned table with p and p+ proportional to the given weights: the secret reward e^R = p+ / p."""
    one, other = (sum((fmpq(w) for w in law), start=fmpq(0)) for law in (prior, aligned))
    return table(prior, [(fmpq(a) / other) / (fmpq(p) / one) for p, a in zip(prior, aligned, strict=True)], names)


def _letter(k: int) -> str:
    return "xyzuvw"[k] if k < 6 else f"y{k}"


def c1() -> Aligned:
    """Collinear: E_q R = E_q L + log 7 for every q."""
    return table((1, 2, 4), (1, 2, 4))


def c2() -> Aligned:
    """A tree: token a, then one of four equiprobable tokens; or token b. p+ = (4, 4, 4, 4, 9) / 25."""
    fifth, four = fmpq(1, 4), ("1", "2", "3", "4")
    none = fmpq(0)
    rows = {
        (): [fmpq(8, 11), fmpq(3, 11), *[none] * 5],
        ("a",): [none, none, *[fifth] * 4, none],
    }
    model = TreeModel.from_next(("a", "b", *four), rows)
    rewards = [Reward(factor=fmpq(3 if name == "b" else 2)) for name in model.names()]
    return align(model, rewards)


def c3() -> Aligned:
    """Comonotone, not collinear."""
    return table((1, 2, 4), (1, 2, 3))


def c4() -> Aligned:
    """b = 1/2: cooling lowers L and raises R."""
    return table((8, 4, 1), (1, 1, 8))


def c5() -> Aligned:
    """b = -1.924: cooling raises L and lowers R."""
    return table((1, 2, 8), (8, 6, 3))


def c6() -> Aligned:
    """The chain model: p+ = (5, 4, 1) / 10."""
    return table((10, 6, 3), (3, 4, 2))


C6_PROPOSAL = (fmpq(1, 16), fmpq(12, 16), fmpq(3, 16))
"""The proposal of C6; w* = 8."""


def c7() -> Aligned:
    """The rank model: p+ proportional to (11, 5, 11, 1), p to (6, 3, 7, 2)."""
    return from_laws((6, 3, 7, 2), (11, 5, 11, 1))


@functools.lru_cache(maxsize=1)
def toy() -> Aligned:
    """The paper's toy: 1,000 strings, p+ from a sparse Dirichlet law, p a softmax of p+ ** (1/42) and noise.

    The doubles that numpy draws with seed 42 are taken as they are, each an exact rational, and divided by their
    exact sum; e^R = p+ / p, so Z = 1.
    """
    rng = np.random.RandomState(42)
    aligned = rng.dirichlet([0.1] * 1000)
    logits = aligned ** (1 / 42) + rng.uniform(-0.42, 0.42, 1000)
    shifted = np.exp(logits - logits.max())
    return from_laws(
        [_exactly(v) for v in shifted / shifted.sum()],
        [_exactly(v) for v in aligned],
        [f"s{k}" for k in range(1000)],
    )


def _exactly(value: float) -> fmpq:
    numerator, denominator = float(value).as_integer_ratio()
    return fmpq(numerator, denominator)


def random_table(rng: np.random.Generator, size: int, largest: int = 12) -> Aligned:
    """A table of ``size`` strings with p and e^R proportional to integers in 1..largest."""
    prior = [int(v) for v in rng.integers(1, largest + 1, size)]
    return table(prior, [int(v) for v in rng.integers(1, largest + 1, size)])


def random_tree(rng: np.random.Generator, tokens: int, depth: int, largest: int = 6) -> Aligned:
    """A random tree with e^R of each string in 1..largest."""
    model = random_tree_model(rng, tokens, depth, largest)
    rewards = [Reward(factor=fmpq(int(rng.integers(1, largest + 1)))) for _ in model.strings()]
    return align(model, rewards)


def random_tree_model(rng: np.random.Generator, tokens: int, depth: int, largest: int) -> TreeModel:
    """A tree over ``tokens`` tokens, 8 at most, to the given depth, with integer weights in 1..largest.

    About one branch in four is missing, and a prefix that could continue ends with positive probability.
    """
    alphabet = tuple("abcdefgh"[:tokens])
    rows: dict[tuple[str, ...], list[fmpq]] = {}

    def grow(prefix: tuple[str, ...]) -> None:
        weights = [int(v) * int(rng.random() < 0.75) for v in rng.integers(1, largest + 1, tokens)]
        weights.append(int(rng.integers(1, largest + 1)))
        rows[prefix] = [fmpq(w, sum(weights)) for w in weights]
        for token, weight in zip(alphabet, weights, strict=False):
            if weight and len(prefix) + 1 < depth:
                grow((*prefix, token))

    grow(())
    return TreeModel.from_next(alphabet, rows)


def dense_tree(rng: np.random.Generator, tokens: int, depth: int) -> TreeModel:
    """A float64 tree in which every prefix shorter than ``depth`` continues with every token, or ends.

    Its strings are all (V^{T+1} - 1) / (V - 1) sequences of at most T tokens. Next-token laws are uniform Dirichlet.
    """
    levels = [0] + [int(v) for v in np.cumsum([tokens**d for d in range(depth + 1)])]
    inner, total = levels[-2], levels[-1]
    parent = np.concatenate(([-1], np.repeat(np.arange(inner), tokens)))
    token = np.concatenate(([-1], np.tile(np.arange(tokens), inner)))
    gamma = rng.standard_exponential((inner, tokens + 1))
    law = gamma / gamma.sum(axis=1, keepdims=True)
    prob = np.concatenate(([1.0], law[:, :-1].ravel()))
    end = np.concatenate((law[:, -1], np.ones(total - inner)))
    return TreeModel(PrefixTree(tuple(f"t{k}" for k in range(tokens)), parent, token, tuple(levels)), prob, end)
