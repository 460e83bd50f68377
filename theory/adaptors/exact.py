"""Sampling adaptors: maps from a next-token law to non-negative weights, normalised per step or per string.

Edge rules. Tokens of probability 0 are outside the support and never kept; at least one token always is.

- top-k keeps the k most probable tokens, ties to the lower index: exactly min(k, V) tokens. With ties = "all" it keeps
  every token tied with the k-th, too, as transformers does.
- nucleus keeps the shortest run, by descending probability, whose mass reaches the value.
- locally typical keeps the shortest run, by ascending |surprisal - entropy|, whose mass reaches the value. The run
  need not hold the most probable token.
- For these two, boundary = "exceed" goes on until the mass is above the value, and ties = "all" adds what ties with the
  last token of the run. mass = "before" (nucleus, epsilon) measures mass as a share of all tokens, cut ones included.
- eta keeps p >= min(e, sqrt(e) exp(-H)); epsilon keeps p >= value; min-p keeps p >= value * max p; top-a keeps
  p >= value * (max p)^2; top-n-sigma keeps log p >= max log p - value * sd, the standard deviation of log p over the
  tokens that are left. The boundary is kept; where nothing passes, the most probable token is.
- top-h: of the 100 most probable tokens, renormalised, the longest run whose summed -p log p is at most value * H.
- tail-free: shares of |second differences| of the falling probabilities; it keeps the first i tokens, i >= 1 the least
  with a summed share (the i-th, counted from 0, included) above the value; all where every second difference is 0.
- temperature raises to the power 1 / T. Steps that bend the law and penalties: ``theory.adaptors.bends``. XTC:
  ``theory.adaptors.applied``.

The kept sets of an exact model are decided formally (``theory.arithmetic.formal``), never by digits.
Sources: Fan et al. (2018), Holtzman et al. (2020), Meister et al. (2023), Hewitt et al. (2022), Nguyen et al. (2024);
top-n-sigma: Tang et al. (2024); top-h: arXiv 2509.02510, as transformers 5.23 computes it; tail-free: Bricken (2020).
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, overload

import numpy as np
from flint import arb, ctx, fmpq

from theory.adaptors.applied import applied, weights_of
from theory.adaptors.chains import ADAPTORS, FURTHER_ADAPTORS, Adaptor, Chain, adaptor, chain
from theory.adaptors.rows import Before, Row, rounded
from theory.adaptors.sure_cuts import Rows, handles
from theory.alignment.gibbs import Aligned, Numbers, in_own_arithmetic, remembered
from theory.arithmetic.exact import Array, Real, exp, is_exact, log, to_float, whole_numbers
from theory.arithmetic.formal import FormalSum
from theory.language_models.tree import Index, Mask


@dataclass(frozen=True, slots=True, eq=False)
class Kept:
    """What a chain keeps of an aligned model.

    Args:
        aligned: the model.
        edge: shape (prefixes,); whether the step to each prefix is kept.
        end: shape (prefixes,); whether ending at each prefix is kept.
        power: the exponent that temperatures leave on the kept probabilities.
        weights: (of the step to each prefix, of ending there) in balls, where they are no common power; else None.
        random: whether a coin is tossed at every token, so that there is no global law.
    """

    aligned: Aligned
    edge: Mask
    end: Mask
    power: fmpq
    weights: tuple[Array, Array] | None = None
    random: bool = False

    def strings(self) -> Mask:
        """Which of the model's strings have every step kept."""
        alive = _alive(self)
        result: Mask = alive[self.aligned.node] & self.end[self.aligned.node]
        return result


@functools.lru_cache(maxsize=4)
def _alive(kept: Kept) -> Mask:
    """Which prefixes have every step kept; not to be changed."""
    alive: Mask = kept.aligned.tree.descend(True, kept.edge, np.logical_and)
    return alive


@remembered
def decide(numbers: Numbers, steps: Chain) -> Kept:
    """What the chain keeps at every prefix, decided formally. Cost: the sum of the rows' sorts.

    Args:
        numbers: the model, in balls.
        steps: the adaptors, left to right.
    """
    aligned, steps = numbers.aligned, Chain(steps)
    tree = aligned.tree
    edge, end = np.ones(len(tree), dtype=bool), np.zeros(len(tree), dtype=bool)
    end[aligned.node] = True
    exponent = functools.reduce(lambda p, step: p / step.value if step.name == "temperature" else p, steps, fmpq(1))
    if all(step.name == "temperature" for step in steps):
        return _kept(aligned, edge.tobytes(), end.tobytes(), whole_numbers(exponent))
    weights = None
    if steps.bends:
        weights = np.full(len(tree), arb(0), dtype=object), np.full(len(tree), arb(0), dtype=object)
        weights[0][0] = arb(1)
    choices, history = _choices(aligned, 1 if steps.bends else 2), steps.history is not None
    if handles(steps):
        choices = _surely(numbers, steps, edge, end)
    for choice in choices:
        row = applied(_row(numbers, choice, history), steps)
        kept = set(row.kept)
        for place, child in enumerate(choice.children):
            edge[child] = place in kept
        end[choice.node] = choice.may_end and len(choice.children) in kept
        if weights is not None:
            found = weights_of(row)
            weights[0][choice.children.start : choice.children.stop] = found[: len(choice.children)]
            if choice.may_end:
                weights[1][choice.node] = found[-1]
    if weights is None:
        return _kept(aligned, edge.tobytes(), end.tobytes(), whole_numbers(exponent))
    return Kept(aligned, edge, end, exponent, weights, steps.random is not None)


@functools.lru_cache(maxsize=32)
def _kept(aligned: Aligned, edge: bytes, end: bytes, power: tuple[int, ...]) -> Kept:
    """One object for chains that keep the same, so that what they make of a model is computed once."""
    return Kept(aligned, np.frombuffer(edge, dtype=bool), np.frombuffer(end, dtype=bool), fmpq(*power))


def _surely(numbers: Numbers, steps: Chain, edge: Mask, end: Mask) -> tuple[_Choice, ...]:
    """Decide in float64 wherever that is certain, into ``edge`` and ``end``; the prefixes that are left."""
    left: list[_Choice] = []
    for group in _groups(numbers):
        kept, sure = group.rows.cut(steps)
        some, decided = group.child[sure], kept[sure]
        edge[some] = decided[:, : some.shape[1]]
        if group.may_end:
            end[group.node[sure]] = decided[:, -1]
        left += [choice for choice, certain in zip(group.choices, sure.tolist(), strict=True) if not certain]
    return tuple(left)


@dataclass(frozen=True, slots=True, eq=False)
class _Group:
    """The prefixes that have equally many children and all may end, or none.

    Args:
        choices: they.
        node: shape (rows,).
        child: the children of each, shape (rows, children).
        may_end: whether their strings may end; the end is the last token.
        rows: their next-token laws in float64.
    """

    choices: tuple[_Choice, ...]
    node: Index
    child: Index
    may_end: bool
    rows: Rows


@functools.lru_cache(maxsize=8)
def _groups(numbers: Numbers) -> tuple[_Group, ...]:
    """The prefixes with at least two continuations, in groups; kept, because a model is asked about many adaptors."""
    groups: dict[tuple[int, bool], list[_Choice]] = {}
    for choice in _choices(numbers.aligned, 2):
        groups.setdefault((len(choice.children), choice.may_end), []).append(choice)
    mass, accurate = rounded(numbers.prefix_prob)
    found = []
    for (children, may_end), choices in groups.items():
        node = np.array([choice.node for choice in choices])
        child = np.array([choice.children.start for choice in choices])[:, None] + np.arange(children)
        weight, good = mass[child], np.logical_and.reduce(accurate[child], axis=1)
        if may_end:
            ends, exact = rounded(numbers.prefix_prob[node] * numbers.end_prob[node])
            weight, good = np.column_stack((weight, ends)), good & exact
        formal = [choice.weights for choice in choices]
        found.append(_Group(tuple(choices), node, child, may_end, Rows.of(weight, formal, good)))
    return tuple(found)


def _row(numbers: Numbers, choice: _Choice, history: bool) -> Row:
    """The next-token law of one prefix, with the tokens before it where a step needs them."""
    enclosures = _enclosures(numbers, ctx.prec).get(choice.node)
    if enclosures is None:
        enclosures = numbers.prefix_prob[choice.children.start : choice.children.stop].tolist()
        if choice.may_end:
            enclosures.append(numbers.prefix_prob[choice.node] * numbers.end_prob[choice.node])
        _enclosures(numbers, ctx.prec)[choice.node] = enclosures
    before = _before(numbers.aligned)[choice.node] if history else None
    return Row(choice.weights, enclosures, fmpq(1), list(range(len(enclosures))), before)


@functools.lru_cache(maxsize=2)
def _enclosures(_numbers: Numbers, _bits: int) -> dict[int, list[arb]]:
    """{prefix: its next-token law up to a factor}, as they are asked for; a model is asked about many adaptors."""
    return {}


@functools.lru_cache(maxsize=2)
def _before(aligned: Aligned) -> list[Before]:
    """Of each prefix the tokens before, oldest first, and those that may come; the end, where it may, is the last."""
    tree = aligned.tree
    token, parent = tree.token.tolist(), tree.parent.tolist()
    history: list[tuple[int, ...]] = [()]
    following: list[list[int]] = [[] for _ in token]
    for node in range(1, len(token)):
        history.append((*history[parent[node]], token[node]))
        following[parent[node]].append(token[node])
    for node in aligned.node.tolist():
        following[node].append(-1)
    return [Before(*both) for both in zip(history, map(tuple, following), strict=True)]


@dataclass(frozen=True, slots=True, eq=False)
class _Choice:
    """A prefix: its children, whether it may end (the last token), the weights."""

    node: int
    children: range
    may_end: bool
    weights: Sequence[FormalSum]


class _Made(Sequence[FormalSum]):
    """The weights c e^a of a table's strings, each made when it is asked for: float64 seldom asks."""

    def __init__(self, parts: Sequence[tuple[fmpq, fmpq]]) -> None:
        self._parts = parts
        self._known: dict[int, FormalSum] = {}

    def __len__(self) -> int:
        return len(self._parts)

    @overload
    def __getitem__(self, place: int) -> FormalSum: ...

    @overload
    def __getitem__(self, place: slice) -> list[FormalSum]: ...

    def __getitem__(self, place: int | slice) -> FormalSum | list[FormalSum]:
        if isinstance(place, slice):
            return [self[one] for one in range(*place.indices(len(self)))]
        found = self._known.get(place)
        if found is None:
            found = self._known[place] = FormalSum.of(*self._parts[place])
        return found


@functools.lru_cache(maxsize=8)
def _choices(aligned: Aligned, least: int) -> tuple[_Choice, ...]:
    """The prefixes with at least so many continuations; kept, because a model is asked about many adaptors."""
    tree = aligned.tree
    if least > 1 and len(tree.levels) == 3 and len(aligned) == len(tree) - 1:  # one law, and no string ends before it
        return (_Choice(0, range(1, len(tree)), False, _Made(aligned.weight_parts())),) if len(aligned) > 1 else ()
    formal = aligned.prefix_weights()
    own = dict(zip(aligned.node.tolist(), aligned.weights(), strict=True))
    firsts = np.searchsorted(tree.parent, np.arange(len(tree) + 1)).tolist()
    firsts[0] = 1
    found = []
    for node, (low, high) in enumerate(itertools.pairwise(firsts)):
        if high - low + (node in own) >= least:
            weights = [*formal[low:high], *([own[node]] if node in own else [])]
            found.append(_Choice(node, range(low, high), node in own, tuple(weights)))
    return tuple(found)


@dataclass(frozen=True, slots=True, eq=False)
class Adapted:
    """The law of whole strings that an adaptor makes of p+.

    Args:
        aligned: the model.
        string: indices into the aligned model's strings, those of positive probability; shape (m,).
        prob: q(y), shape (m,).
        log_prob: log q(y), shape (m,), nats.
        log_normaliser: sum_t log c_t of each string (local), or log C at every string (global); shape (m,).
    """

    aligned: Aligned
    string: Index
    prob: Array
    log_prob: Array
    log_normaliser: Array


@remembered
def adapt_global(numbers: Numbers, kept: Kept) -> Adapted:
    """q_glob(y) = prod_t w_t / C: the kept strings with p+ to the power 1/T, normalised once.

    Raises:
        ValueError: ``kept`` is of another model, or of a chain that tosses a coin.
    """
    aligned = numbers.same(kept.aligned)
    if kept.random:
        raise ValueError(NO_GLOBAL)
    string = np.flatnonzero(kept.strings())
    log_weight = _log_weight(numbers, kept, string)
    total: Any = _logarithm(exp(log_weight).sum())
    log_prob = log_weight - total
    return Adapted(aligned, string, exp(log_prob), log_prob, np.full(len(string), total, dtype=log_prob.dtype))


@remembered
def adapt_local(numbers: Numbers, kept: Kept) -> Adapted:
    """q_loc(y) = prod_t w_t / c_t, with c_t the sum of the weights at step t.

    Raises:
        ValueError: ``kept`` is of another model.
    """
    aligned = numbers.same(kept.aligned)
    tree, string = aligned.tree, np.flatnonzero(kept.strings())
    if kept.weights is not None:
        weight, ending = (_like(values, numbers) for values in kept.weights)
        log_step = log(tree.sum_children(weight) + ending)
    elif kept.power == 1 and is_exact(numbers.prob):
        log_step = _log_sums(numbers, kept)
    else:
        weight = _masked_power(_steps(numbers), kept.edge, kept.power)
        ending = _masked_power(numbers.end_prob, kept.end, kept.power)
        log_step = log(tree.sum_children(weight) + ending)
    log_path = tree.descend(log_step[0], log_step.copy(), np.add)
    log_normaliser = log_path[aligned.node[string]]
    log_prob = _log_weight(numbers, kept, string) - log_normaliser
    return Adapted(aligned, string, exp(log_prob), log_prob, log_normaliser)


def _steps(numbers: Numbers) -> Array:
    """p+(last token | parent prefix) of each prefix, 1 at the root; shape (prefixes,)."""
    step: Array = numbers.prefix_prob.copy()
    step[1:] = step[1:] / numbers.prefix_prob[numbers.aligned.tree.parent[1:]]
    return step


@functools.lru_cache(maxsize=4)
def _uncut(numbers: Numbers, _bits: int) -> tuple[Array, Array]:
    """(the steps, log c of each prefix where nothing is cut); kept, because most prefixes of a truncation are such."""
    step = _steps(numbers)
    return step, log(numbers.aligned.tree.sum_children(step) + numbers.end_prob)


def _log_sums(numbers: Numbers, kept: Kept) -> Array:
    """log c of the prefixes that a truncation leaves, in balls; of others it is what it is without one."""
    tree, ends = numbers.aligned.tree, np.zeros(len(kept.edge), dtype=bool)
    step, whole = _uncut(numbers, ctx.prec)
    ends[numbers.aligned.node] = True
    cut = ends & ~kept.end
    cut[tree.parent[1:][~kept.edge[1:]]] = True
    cut &= _alive(kept)
    log_step = whole.copy()
    node = np.flatnonzero(cut)
    total = np.full(len(cut), arb(0), dtype=object)
    child = 1 + np.flatnonzero(cut[tree.parent[1:]])
    if len(child):
        parent = tree.parent[child]
        starts = np.flatnonzero(np.concatenate(([True], parent[1:] != parent[:-1])))
        total[parent[starts]] = np.add.reduceat(_masked_power(step[child], kept.edge[child], fmpq(1)), starts)
    log_step[node] = log(total[node] + _masked_power(numbers.end_prob[node], kept.end[node], fmpq(1)))
    return log_step


@in_own_arithmetic
def adapt(numbers: Numbers, kept: Kept, normalise: str) -> Adapted:
    """The adapted law, ``normalise`` "local" or "global".

    Raises:
        ValueError: another word, or ``kept`` is of another model.
    """
    if normalise not in {"local", "global"}:
        raise ValueError(f'normalise must be "local" or "global", got {normalise!r}')
    return (adapt_local if normalise == "local" else adapt_global)(numbers, kept)


NO_GLOBAL = (
    "a chain with xtc has no global law: it tosses a coin at every token, and products of the mixed weights "
    'are no law that it samples; use normalise = "local"'
)


def _log_weight(numbers: Numbers, kept: Kept, string: Index) -> Array:
    """sum_t log w_t of strings that are kept, shape (m,), nats."""
    if kept.weights is None:
        found: Array = -numbers.surprisal[string] * _scalar(kept.power, numbers)
        return found
    aligned, (edge, end) = kept.aligned, (_like(values, numbers) for values in kept.weights)
    path = np.full(len(edge), arb(0) if is_exact(edge) else 0.0, dtype=edge.dtype)
    alive = kept.edge & (edge > 0)
    path[alive] = log(edge[alive])
    path = aligned.tree.descend(path[0], path, np.add)
    node = aligned.node[string]
    result: Array = path[node] + log(end[node])
    return result


def _like(values: Array, numbers: Numbers) -> Array:
    """Balls in the arithmetic of a model."""
    return values if is_exact(numbers.prob) else np.array([to_float(value) for value in values])


def _masked_power(values: Array, mask: Mask, exponent: fmpq) -> Array:
    """values ** exponent where the mask holds, 0 elsewhere."""
    result = np.empty_like(values)
    if is_exact(values):
        result[:] = arb(0)
        result[mask] = values[mask] if exponent == 1 else exp(log(values[mask]) * exponent)
    else:
        result[:] = 0.0
        result[mask] = values[mask] ** to_float(exponent)
    return result


def _scalar(value: fmpq, numbers: Numbers) -> fmpq | float:
    return value if is_exact(numbers.prob) else to_float(value)


def _logarithm(value: Real) -> Real:
    return value.log() if isinstance(value, arb) else np.log(value)


__all__ = [
    "ADAPTORS",
    "FURTHER_ADAPTORS",
    "NO_GLOBAL",
    "Adapted",
    "Adaptor",
    "Chain",
    "Kept",
    "Row",
    "adapt",
    "adapt_global",
    "adapt_local",
    "adaptor",
    "chain",
    "decide",
]
