"""Alignment: the law that a reward makes of a prior, p+(y) = p(y) e^{r(y)/beta} / Z.

``Aligned`` keeps prior and reward in exact form. ``balls()`` and ``floats()`` hand out the same quantities in the
two arithmetics; everything downstream takes either.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Hashable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Concatenate, ParamSpec, TypeVar

import numpy as np
from flint import arb, ctx, fmpq

from theory.arithmetic.exact import (
    BITS,
    Array,
    Real,
    balls,
    exp,
    floats,
    is_exact,
    largest,
    log,
    objects,
    whole_numbers,
    working,
)
from theory.arithmetic.formal import FormalSum
from theory.language_models.rewards import Reward
from theory.language_models.tree import Index, PrefixTree, TreeModel

Given = ParamSpec("Given")
Found = TypeVar("Found")
Value = TypeVar("Value")


@dataclass(frozen=True, slots=True, eq=False)
class Numbers:
    """The quantities of an aligned model in one arithmetic, float64 or balls, with the model that they belong to.

    Strings are those of positive p+, n of them, breadth first; prefixes are theirs.

    Args:
        aligned: the model.
        bits: the precision of the balls; None for float64.
        log_prior: L = log p(y), shape (n,), nats.
        reward: R = r(y) / beta, shape (n,), nats.
        surprisal: I = -log p+(y) = log Z - L - R, shape (n,), nats.
        prob: p+(y), shape (n,).
        log_partition: log Z, nats.
        prefix_prob: p+ of each prefix, shape (prefixes,).
        end_prob: p+(end | prefix), shape (prefixes,); 0 where no string ends.
    """

    aligned: Aligned
    bits: int | None
    log_prior: Array
    reward: Array
    surprisal: Array
    prob: Array
    log_partition: Any
    prefix_prob: Array
    end_prob: Array

    def arithmetic(self) -> AbstractContextManager[None]:
        """The arithmetic that these quantities were made in: balls computed in this block are no coarser than they."""
        return working(self.bits)

    def same(self, aligned: Aligned) -> Aligned:
        """The model of these quantities, which ``aligned`` must be.

        Raises:
            ValueError: it is another one.
        """
        if aligned is not self.aligned:
            raise ValueError("what was kept or adapted is of another model; begin again from this one's quantities")
        return aligned


def in_own_arithmetic(
    function: Callable[Concatenate[Numbers, Given], Found],
) -> Callable[Concatenate[Numbers, Given], Found]:
    """The function of a model's quantities, computed in the arithmetic that these were made in."""

    @functools.wraps(function)
    def computed(numbers: Numbers, /, *given: Given.args, **named: Given.kwargs) -> Found:
        if numbers.bits is None or numbers.bits <= ctx.prec:
            return function(numbers, *given, **named)
        with numbers.arithmetic():
            return function(numbers, *given, **named)

    return computed


_REMEMBERED, _FEW = 256, 2048
"""How many results are kept, and of models of at most how many strings."""


def remembered(
    function: Callable[Concatenate[Numbers, Given], Found],
) -> Callable[Concatenate[Numbers, Given], Found]:
    """``in_own_arithmetic``, with the last results of small models kept: claims ask for the same laws.

    What is handed out is shared: nobody changes it. What is given must be hashable.
    """

    @functools.lru_cache(maxsize=_REMEMBERED)
    def at_bits(_bits: int, numbers: Numbers, *given: Given.args, **named: Given.kwargs) -> Found:
        return function(numbers, *given, **named)

    kept: Callable[..., Found] = at_bits

    @functools.wraps(function)
    def computed(numbers: Numbers, /, *given: Given.args, **named: Given.kwargs) -> Found:
        bits = ctx.prec
        if numbers.bits is not None and numbers.bits > bits:
            with numbers.arithmetic():
                return computed(numbers, *given, **named)
        if len(numbers.aligned) <= _FEW:
            return kept(bits, numbers, *given, **named)
        return function(numbers, *given, **named)

    return computed


@dataclass(frozen=True, slots=True, eq=False)
class Alike:
    """The first string with the same p, with the same R, and with the same p+, decided exactly.

    Args:
        rows: these three, shape (3, n).
    """

    rows: Index

    @property
    def log_prior(self) -> Index:
        """Of p."""
        found: Index = self.rows[0]
        return found

    @property
    def reward(self) -> Index:
        """Of R."""
        found: Index = self.rows[1]
        return found

    @property
    def surprisal(self) -> Index:
        """Of p+."""
        found: Index = self.rows[2]
        return found


@dataclass(frozen=True, slots=True, eq=False)
class Aligned:
    """An exact aligned model: prior and reward of every string of positive p+.

    Args:
        tree: the prefixes of positive p+ mass.
        node: the prefix at which each string ends, shape (n,), increasing.
        prior: p(y), rationals, shape (n,).
        reward: R(y), in the exact form a + log x.
        separator: what joins tokens in a string's name.
    """

    tree: PrefixTree
    node: Array
    prior: Array
    reward: tuple[Reward, ...]
    separator: str = " "
    _parts: list[tuple[fmpq, fmpq]] = field(default_factory=list, init=False, repr=False)
    _weights: list[FormalSum] = field(default_factory=list, init=False, repr=False)
    _alike: list[Alike] = field(default_factory=list, init=False, repr=False)

    def __len__(self) -> int:
        return len(self.node)

    def names(self) -> tuple[str, ...]:
        """The strings, tokens joined by ``separator``."""
        return tuple(self.separator.join(self.tree.tokens(int(node))) for node in self.node)

    def weight_parts(self) -> list[tuple[fmpq, fmpq]]:
        """(c, a) with p(y) e^{R(y)} = c e^a: equal parts, equal p+."""
        if not self._parts:
            self._parts.extend((p * r.factor, r.exponent) for p, r in zip(self.prior, self.reward, strict=True))
        return list(self._parts)

    def alike(self) -> Alike:
        """Which strings share p, R and p+: decided once."""
        if not self._alike:
            prior = _firsts(self.prior.tolist(), whole_numbers)
            reward = _firsts(self.reward, lambda r: whole_numbers(r.factor, r.exponent))
            if self._one_factor():
                # then c e^a = p x e^a is that of p and a: the pair of their first places says which
                known: dict[int, int] = {}
                pairs = enumerate((prior * len(self) + reward).tolist())
                surprisal = np.array([known.setdefault(pair, k) for k, pair in pairs], dtype=np.int64)
            else:
                surprisal = _firsts(self.weight_parts(), lambda part: whole_numbers(*part))
            self._alike.append(Alike(np.stack((prior, reward, surprisal))))
        return self._alike[0]

    def _one_factor(self) -> bool:
        """Whether all rewards a + log x have the same x."""
        first = self.reward[0].factor
        return all(r.factor is first or r.factor == first for r in self.reward)

    def weights(self) -> list[FormalSum]:
        """p(y) e^{R(y)} of each string."""
        if not self._weights:
            self._weights.extend(FormalSum.of(c, a) for c, a in self.weight_parts())
        return list(self._weights)

    def prefix_weights(self) -> list[FormalSum]:
        """The total weight of the strings that begin with each prefix, formally. Cost: O(strings x depth)."""
        own: list[list[FormalSum]] = [[] for _ in range(len(self.tree))]
        for node, weight in zip(self.node, self.weights(), strict=True):
            own[int(node)].append(weight)
        totals: list[FormalSum] = [FormalSum({})] * len(self.tree)
        for node in range(len(self.tree) - 1, -1, -1):
            totals[node] = FormalSum.total(own[node]) if len(own[node]) != 1 else own[node][0]
            if node > 0:
                own[int(self.tree.parent[node])].append(totals[node])
        return totals

    def exact_prob(self) -> Array | None:
        """p+(y) as rationals where all e^{R} have the same transcendental part, else None."""
        parts = self.weight_parts()
        if any(a != parts[0][1] for _, a in parts):
            return None
        total = sum((c for c, _ in parts), start=fmpq(0))
        return objects(c / total for c, _ in parts)

    def balls(self) -> Numbers:
        """The quantities as balls, at 256 bits or the precision of the block if that is higher.

        Everything is measured from the heaviest string: its surprisal is log(1 + the others' weights over its own), so
        that masses and surprisals keep their digits however far the others lie below it.
        """
        parts, same = self.weight_parts(), self.alike()
        with working(BITS):
            log_prior = _of_firsts(same.log_prior, lambda y: arb(self.prior[y]).log())
            reward = _of_firsts(same.reward, lambda y: _in_balls(self.reward[y]))
            # the logarithms only point to the heaviest string; any other would be right too, with fewer digits
            top = largest(log_prior + reward)
            c, a = parts[top]
            exponential = _of_firsts(same.reward, lambda y: arb(parts[y][1] - a).exp())
            weight = _of_firsts(same.surprisal, lambda y: exponential[y] * (parts[y][0] / c))
            below = weight[same.surprisal != same.surprisal[top]]
            alike = len(parts) - len(below)
            own = (below.sum() / alike).log1p() if len(below) else arb(0)
            own += arb(alike).log()
            factor = same.log_prior if self._one_factor() else same.surprisal
            logarithm = _of_firsts(factor, lambda y: arb(parts[y][0] / c).log())
            surprisal = _of_firsts(same.surprisal, lambda y: own - logarithm[y] - (parts[y][1] - a))
            return self._filled(log_prior, reward, weight, surprisal, own + arb(c).log() + a)

    def floats(self) -> Numbers:
        """The quantities in float64, computed in float64 from the rounded prior and reward."""
        reward = floats(objects(r.exponent for r in self.reward)) + np.log(
            floats(objects(r.factor for r in self.reward))
        )
        prior = floats(self.prior)
        peak = reward.max()
        return self._numbers(np.log(prior), reward, prior * np.exp(reward - peak), peak)

    def _numbers(self, log_prior: Array, reward: Array, weight: Array, peak: float) -> Numbers:
        """In float64, from p e^{R - peak}; the peak keeps it from overflow."""
        log_partition = np.log(weight.sum()) + peak
        return self._filled(log_prior, reward, weight, log_partition - log_prior - reward, log_partition)

    def _filled(self, log_prior: Array, reward: Array, weight: Array, surprisal: Array, log_partition: Real) -> Numbers:
        """With the masses of strings and prefixes, from weights in proportion to p+."""
        total = weight.sum()
        mass = np.empty(len(self.tree), dtype=weight.dtype)
        mass[:] = arb(0) if is_exact(weight) else 0.0
        prob = weight / total
        mass[self.node] = prob
        prefix = self.tree.sum_subtrees(mass)
        return Numbers(
            aligned=self,
            bits=ctx.prec if is_exact(weight) else None,
            log_prior=log_prior,
            reward=reward,
            surprisal=surprisal,
            prob=prob,
            log_partition=log_partition,
            prefix_prob=prefix,
            end_prob=mass / prefix,
        )


def _firsts(values: Sequence[Value], key: Callable[[Value], Hashable]) -> Index:
    """The first place of a value with the same key, which is asked for once for each object. Shape (n,)."""
    known: dict[int, int] = {}
    place: dict[Hashable, int] = {}
    for k, value in enumerate(values):
        if id(value) not in known:
            known[id(value)] = place.setdefault(key(value), k)
    return np.array([known[id(value)] for value in values], dtype=np.int64)


def _of_firsts(first: Index, function: Callable[[int], arb]) -> Array:
    """The function of every place, computed once for places of the same first one. Shape (n,)."""
    known: dict[int, arb] = {}
    places = first.tolist()
    for place in places:
        if place not in known:
            known[place] = function(place)
    return objects(known[place] for place in places)


def _in_balls(reward: Reward) -> arb:
    """R = a + log x."""
    return reward.exponent + (arb(reward.factor).log() if reward.factor != 1 else arb(0))


def align(prior: TreeModel, reward: Sequence[Reward], separator: str = " ") -> Aligned:
    """Tilt ``prior`` by ``reward``: p+(y) = p(y) e^{R(y)} / Z, with the prefixes that keep mass.

    p+ is the unique maximiser of E_q[r] - beta KL(q || p) over all q << p.
    Source: Korbak, Perez and Buckley (2022), arXiv:2205.11275.

    Args:
        prior: p, exact, with n strings.
        reward: R of each string, in the order of ``prior.strings()``.
        separator: what joins tokens in a string's name.

    Raises:
        ValueError: as many rewards as strings are required; or every string is removed (Z = 0).
    """
    ending = prior.strings()
    if len(reward) != len(ending):
        raise ValueError(f"{len(ending)} strings but {len(reward)} rewards")
    prob = prior.string_prob()
    kept = np.array([not r.removes for r in reward], dtype=bool)
    if not kept.any():
        raise ValueError("the support is empty: every string has reward -inf, so Z = 0")
    mass = np.zeros(len(prior.tree), dtype=np.int64)
    mass[ending[kept]] = 1
    tree, old = prior.tree.restrict(prior.tree.sum_subtrees(mass) > 0)
    return Aligned(
        tree=tree,
        node=np.searchsorted(old, ending[kept]),
        prior=objects(prob[kept]),
        reward=tuple(itertools.compress(reward, kept)),
        separator=separator,
    )


def gibbs(prior: Array, reward: Array) -> tuple[Array, Real]:
    """(p+, log Z) of a table: p+ = p e^R / Z, in the arithmetic of the arguments, shapes (n,)."""
    weight = balls(prior) * exp(reward)
    total = weight.sum()
    return weight / total, (total.log() if is_exact(weight) else np.log(total))


def secret_reward(aligned: Array, prior: Array) -> Array:
    """R = log(p+ / p): the reward, up to a constant, that makes ``aligned`` of ``prior``. Shape (n,), nats.

    Its mean under p+ is KL(p+ || p) >= 0; a negative mean betrays the wrong sign.
    Source: Rafailov et al. (2023), arXiv:2305.18290.
    """
    return log(aligned) - log(prior)
