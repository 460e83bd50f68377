"""Sampling adaptors: maps from a next-token law to non-negative weights, normalised per step or per string.

Edge rules. Tokens of probability 0 are outside the support and never kept; at least one token always is.

- top-k keeps the k most probable tokens, ties to the lower index: exactly min(k, V) tokens. (transformers keeps
  every token tied with the k-th.)
- nucleus keeps the shortest run, by descending probability, whose mass reaches the value.
- locally typical keeps the shortest run, by ascending |surprisal - entropy|, whose mass reaches the value. The run
  need not hold the most probable token.
- eta keeps p >= min(e, sqrt(e) exp(-H)); epsilon keeps p >= value; min-p keeps p >= value * max p. The boundary is
  kept; where nothing passes, the most probable token is.
- temperature raises to the power 1 / T.

The kept sets of an exact model are decided formally (``theory.arithmetic.formal``), never by digits.
Sources: Fan et al. (2018), Holtzman et al. (2020), Meister et al. (2023), Hewitt et al. (2022), Nguyen et al. (2024).
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, SupportsIndex, overload

import numpy as np
from flint import arb, ctx, fmpq

from theory.adaptors.other_names import hint
from theory.alignment.gibbs import Aligned, Numbers, in_own_arithmetic
from theory.arithmetic.exact import Array, Real, Undecided, exp, is_exact, log, power, rational, sign, to_float
from theory.arithmetic.formal import FormalSum, prime_exponents
from theory.language_models.tree import Index, Mask


@dataclass(frozen=True, slots=True)
class Adaptor:
    """One adaptor and its setting.

    Raises:
        ValueError: unknown name, or a value outside the adaptor's domain (says which).
    """

    name: str
    value: fmpq

    def __post_init__(self) -> None:
        if self.name not in _DOMAINS:
            raise ValueError(f"unknown adaptor {self.name!r}{hint(self.name)}; known: {', '.join(_DOMAINS)}")
        domain, inside = _DOMAINS[self.name]
        if not inside(self.value):
            raise ValueError(f"{self.name} needs {domain}, got {self.value}")

    def __str__(self) -> str:
        """``nucleus 9/10``."""
        return f"{self.name} {self.value}"


class Chain(tuple[Adaptor, ...]):
    """Adaptors that act one after another, left to right; none leave p+ as it is.

    >>> str(chain(("top_k", 2), ("temperature", "1/2"))), str(Chain())
    ('top_k 2 then temperature 1/2', 'p+')
    """

    __slots__ = ()

    def __str__(self) -> str:
        return " then ".join(map(str, self)) or "p+"

    @overload
    def __getitem__(self, place: SupportsIndex) -> Adaptor: ...
    @overload
    def __getitem__(self, place: slice) -> Chain: ...
    def __getitem__(self, place: SupportsIndex | slice) -> Adaptor | Chain:
        """One step, or the chain of some."""
        return Chain(super().__getitem__(place)) if isinstance(place, slice) else super().__getitem__(place)

    def pairs(self) -> list[list[str]]:
        """[name, value] of each step, as records keep them."""
        return [[step.name, str(step.value)] for step in self]


_DOMAINS: dict[str, tuple[str, Callable[[fmpq], bool]]] = {
    "temperature": ("a value > 0", lambda v: v > 0),
    "top_k": ("a whole number >= 1", lambda v: v >= 1 and v.q == 1),
    "nucleus": ("a value in (0, 1]", lambda v: 0 < v <= 1),
    "typical": ("a value in (0, 1]", lambda v: 0 < v <= 1),
    "eta": ("a value in (0, 1]", lambda v: 0 < v <= 1),
    "epsilon": ("a value in (0, 1]", lambda v: 0 < v <= 1),
    "min_p": ("a value in [0, 1]", lambda v: 0 <= v <= 1),
}

ADAPTORS = tuple(_DOMAINS)


def chain(*steps: tuple[str, str | int | float | fmpq]) -> Chain:
    """The chain of these (name, value) steps, applied left to right.

    >>> chain(("top_k", 2), ("temperature", "1/2"))
    (Adaptor(name='top_k', value=2), Adaptor(name='temperature', value=1/2))
    """
    return Chain(Adaptor(name, rational(value)) for name, value in steps)


def _log_parts(value: fmpq, exponent: fmpq, factor: fmpq) -> dict[int, fmpq]:
    """factor * log(value e^exponent) as coefficients of the primes' logarithms, and of 1 (key 0)."""
    parts = {prime: factor * k for prime, k in prime_exponents(value).items()}
    return parts | {0: factor * exponent}


def _added(one: Mapping[int, fmpq], other: Mapping[int, fmpq]) -> dict[int, fmpq]:
    return {key: one.get(key, fmpq(0)) + other.get(key, fmpq(0)) for key in one.keys() | other.keys()}


@dataclass(slots=True)
class Row:
    """The next-token law at one prefix, proportional to weight ** power on the kept tokens.

    Args:
        formal: the weight of each token, exactly.
        balls: the same, enclosed at the working precision.
        power: the product of the 1 / T met so far.
        kept: indices of the kept tokens, ascending.
    """

    formal: Sequence[FormalSum]
    balls: Sequence[arb]
    power: fmpq
    kept: list[int]
    _bits: int = 0
    _whole: tuple[tuple[int, fmpq, int], arb] | None = None

    def __post_init__(self) -> None:
        self._bits = ctx.prec

    def apply(self, adaptor: Adaptor) -> None:
        """Keep what the adaptor keeps, or raise the power."""
        if adaptor.name == "temperature":
            self.power /= adaptor.value
        elif len(self.kept) > 1:
            self.kept = sorted(_KEEPERS[adaptor.name](self, adaptor.value))

    def base(self, token: int) -> arb:
        """The weight, enclosed at the precision of the moment."""
        return self.balls[token] if ctx.prec == self._bits else self.formal[token].ball()

    def weight(self, token: int) -> arb:
        """weight ** power."""
        return power(self.base(token), self.power)

    def total(self, tokens: Sequence[int]) -> arb:
        """The sum of weight ** power over tokens."""
        if tokens is not self.kept:
            return sum((self.weight(t) for t in tokens), start=arb(0))
        key = (ctx.prec, self.power, len(self.kept))
        if self._whole is None or self._whole[0] != key:
            self._whole = (key, sum((self.weight(t) for t in self.kept), start=arb(0)))
        return self._whole[1]

    def compare(self, first: int, second: int) -> int:
        """Sign of p(first) - p(second)."""
        return sign(
            lambda: self.base(first) - self.base(second),
            lambda: self.formal[first].equals(self.formal[second]),
        )

    def descending(self) -> list[int]:
        """The kept tokens by falling probability, ties to the lower index."""

        def order(first: int, second: int) -> int:
            return self.compare(second, first) or first - second

        return sorted(self.kept, key=functools.cmp_to_key(order))

    def reaches(self, tokens: Sequence[int], value: fmpq, of: Sequence[int] | None = None) -> bool:
        """Whether sum over tokens >= value * sum over ``of`` (default: all kept tokens)."""
        whole = self.kept if of is None else of
        return (
            sign(
                lambda: self.total(tokens) - self.total(whole) * value,
                lambda: self._formally_reaches(tokens, whole, value),
            )
            >= 0
        )

    def surprisals(self) -> tuple[list[arb], arb]:
        """(-log p of each kept token, entropy)."""
        weights = [self.weight(token) for token in self.kept]
        total = sum(weights, start=arb(0))
        logs = [total.log() - w.log() for w in weights]
        return logs, sum((w * s for w, s in zip(weights, logs, strict=True)), start=arb(0)) / total

    def logarithms_vanish(self, factors: Mapping[int, int], constant: tuple[fmpq, fmpq] = (fmpq(0), fmpq(1))) -> bool:
        """Formal proof that sum_t k_t (log p_t + H) + q log v = 0, factors = {t: k_t} and constant = (q, v).

        The normaliser cancels in log p_t + H = log w_t - E log w. Times the sum of the weights this is a sum of
        w_j times logarithms of rationals and rationals; the coefficient of each prime's logarithm must vanish.
        """
        parts = self._monomials()
        if parts is None:
            return False
        total = sum(factors.values())
        coefficients: dict[int, list[FormalSum]] = {}
        try:
            common = _log_parts(constant[1], fmpq(0), constant[0])
            for token, factor in factors.items():
                common = _added(common, _log_parts(*parts[token][0], self.power * factor))
            for logarithm, weight in parts.values():
                terms = _added(common, _log_parts(*logarithm, -self.power * total))
                for key, coefficient in terms.items():
                    coefficients.setdefault(key, []).append(weight.scaled(coefficient))
        except Undecided:
            return False
        return all(not FormalSum.total(members).terms for members in coefficients.values())

    def _monomials(self) -> dict[int, tuple[tuple[fmpq, fmpq], FormalSum]] | None:
        """{kept token: ((c, a), w ** power)}, weights w = c e^a up to a common factor; None if they are no such."""
        ratios = [self.formal[token].ratio(self.formal[self.kept[0]]) for token in self.kept]
        rational_ratios = [ratio for ratio in ratios if ratio is not None]
        if len(rational_ratios) == len(ratios):
            bases = [FormalSum.of(ratio, fmpq(0)) for ratio in rational_ratios]
        elif all(len(self.formal[token].terms) == 1 for token in self.kept):
            bases = [self.formal[token] for token in self.kept]
        else:
            return None
        result = {}
        for token, base in zip(self.kept, bases, strict=True):
            ((exponent, radicals), coefficient) = next(iter(base.terms.items()))
            weight = base.power(self.power)
            if radicals or weight is None:
                return None
            result[token] = ((coefficient, exponent), weight)
        return result

    def _formally_reaches(self, tokens: Sequence[int], whole: Sequence[int], value: fmpq) -> bool:
        """Formal proof that the weights of ``tokens`` sum to value times those of ``whole``."""
        signed = [(t, fmpq(1)) for t in tokens] + [(t, -value) for t in whole]
        raised = [self.formal[t].power(self.power) for t, _ in signed]
        known = [r.scaled(factor) for r, (_, factor) in zip(raised, signed, strict=True) if r is not None]
        if len(known) == len(signed):
            return not FormalSum.total(known).terms
        # sums raised to a broken power: those that are rational multiples of one another must cancel by themselves
        classes: list[tuple[FormalSum, list[FormalSum]]] = []
        for token, factor in signed:
            ratios = ((c, self.formal[token].ratio(base)) for c, (base, _) in enumerate(classes))
            place, ratio = next(((c, r) for c, r in ratios if r is not None), (len(classes), fmpq(1)))
            if place == len(classes):
                classes.append((self.formal[token], []))
            power_of_ratio = FormalSum.of(ratio, fmpq(0)).power(self.power)
            if power_of_ratio is None:
                return False
            classes[place][1].append(power_of_ratio.scaled(factor))
        return all(not FormalSum.total(members).terms for _, members in classes)


def _top_k(row: Row, value: fmpq) -> list[int]:
    return row.descending()[: int(value.p)]


def _shortest_run(row: Row, order: Sequence[int], value: fmpq) -> list[int]:
    """The shortest run of ``order`` whose mass reaches ``value``, found by bisection on the length."""
    low, high = 1, len(order)
    while low < high:
        middle = (low + high) // 2
        if row.reaches(order[:middle], value):
            high = middle
        else:
            low = middle + 1
    return list(order[:low])


def _nucleus(row: Row, value: fmpq) -> list[int]:
    if value == 1:  # every kept token has mass, and no order has to be decided
        return row.kept
    return _shortest_run(row, row.descending(), value)


def _typical(row: Row, value: fmpq) -> list[int]:
    if value == 1:
        return row.kept

    @functools.cache
    def distances(_bits: int) -> dict[int, arb]:
        logs, mean = row.surprisals()
        return {token: abs(surprisal - mean) for token, surprisal in zip(row.kept, logs, strict=True)}

    def compare(first: int, second: int) -> int:
        if row.compare(first, second) == 0:
            return first - second
        # with different surprisals the distances tie only if log p(first) + log p(second) + 2 H = 0
        tie = functools.partial(row.logarithms_vanish, {first: 1, second: 1})
        return sign(lambda: distances(ctx.prec)[first] - distances(ctx.prec)[second], tie) or first - second

    return _shortest_run(row, sorted(row.kept, key=functools.cmp_to_key(compare)), value)


def _at_least(row: Row, passes: Callable[[int], bool]) -> list[int]:
    """The tokens that pass, or the most probable one."""
    return [token for token in row.kept if passes(token)] or row.descending()[:1]


def _epsilon(row: Row, value: fmpq) -> list[int]:
    return _at_least(row, lambda token: row.reaches([token], value))


def _min_p(row: Row, value: fmpq) -> list[int]:
    top = row.descending()[:1]
    return _at_least(row, lambda token: row.reaches([token], value, of=top))


def _eta(row: Row, value: fmpq) -> list[int]:
    @functools.cache
    def margins(_bits: int) -> dict[int, arb]:
        logs, entropy = row.surprisals()
        return {t: 2 * (entropy - s) - arb(value).log() for t, s in zip(row.kept, logs, strict=True)}

    def passes(token: int) -> bool:
        if row.reaches([token], value):
            return True
        # p >= sqrt(e) exp(-H), squared and in logarithms
        tie = functools.partial(row.logarithms_vanish, {token: 2}, (fmpq(-1), value))
        return sign(lambda: margins(ctx.prec)[token], tie) >= 0

    return _at_least(row, passes)


_KEEPERS: dict[str, Callable[[Row, fmpq], list[int]]] = {
    "top_k": _top_k,
    "nucleus": _nucleus,
    "typical": _typical,
    "eta": _eta,
    "epsilon": _epsilon,
    "min_p": _min_p,
}


@dataclass(frozen=True, slots=True, eq=False)
class Kept:
    """What a chain keeps of an aligned model.

    Args:
        aligned: the model.
        edge: shape (prefixes,); whether the step to each prefix is kept.
        end: shape (prefixes,); whether ending at each prefix is kept.
        power: the exponent that temperatures leave on the kept probabilities.
    """

    aligned: Aligned
    edge: Mask
    end: Mask
    power: fmpq

    def strings(self) -> Mask:
        """Which of the model's strings have every step kept."""
        alive = self.aligned.tree.descend(True, self.edge, np.logical_and)
        result: Mask = alive[self.aligned.node] & self.end[self.aligned.node]
        return result


@in_own_arithmetic
def decide(numbers: Numbers, steps: Chain) -> Kept:
    """What the chain keeps at every prefix, decided formally. Cost: the sum of the rows' sorts.

    Args:
        numbers: the model, in balls.
        steps: the adaptors, left to right.
    """
    aligned = numbers.aligned
    tree = aligned.tree
    edge, end = np.ones(len(tree), dtype=bool), np.zeros(len(tree), dtype=bool)
    end[aligned.node] = True
    exponent = functools.reduce(lambda p, step: p / step.value if step.name == "temperature" else p, steps, fmpq(1))
    if all(step.name == "temperature" for step in steps):
        return Kept(aligned, edge, end, exponent)
    for choice in _choices(aligned):
        enclosures = [numbers.prefix_prob[child] for child in choice.children]
        if choice.may_end:
            enclosures.append(numbers.prefix_prob[choice.node] * numbers.end_prob[choice.node])
        row = Row(choice.weights, enclosures, fmpq(1), list(range(len(enclosures))))
        for step in steps:
            row.apply(step)
        kept = set(row.kept)
        for place, child in enumerate(choice.children):
            edge[child] = place in kept
        end[choice.node] = choice.may_end and len(choice.children) in kept
    return Kept(aligned, edge, end, exponent)


@dataclass(frozen=True, slots=True, eq=False)
class _Choice:
    """A prefix with more than one continuation: its children, whether it may end (the last token), the weights."""

    node: int
    children: range
    may_end: bool
    weights: tuple[FormalSum, ...]


@functools.lru_cache(maxsize=8)
def _choices(aligned: Aligned) -> tuple[_Choice, ...]:
    """The prefixes at which there is something to decide; kept, because a model is asked about many adaptors."""
    formal = aligned.prefix_weights()
    own = dict(zip(aligned.node.tolist(), aligned.weights(), strict=True))
    firsts = np.searchsorted(aligned.tree.parent, np.arange(len(aligned.tree) + 1)).tolist()
    firsts[0] = 1
    found = []
    for node, (low, high) in enumerate(itertools.pairwise(firsts)):
        if high - low + (node in own) > 1:
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


@in_own_arithmetic
def adapt_global(numbers: Numbers, kept: Kept) -> Adapted:
    """q_glob(y) = prod_t w_t / C: the kept strings with p+ to the power 1/T, normalised once.

    Raises:
        ValueError: ``kept`` is of another model.
    """
    aligned = numbers.same(kept.aligned)
    string = np.flatnonzero(kept.strings())
    log_weight = -numbers.surprisal[string] * _scalar(kept.power, numbers)
    total: Any = _logarithm(exp(log_weight).sum())
    log_prob = log_weight - total
    return Adapted(aligned, string, exp(log_prob), log_prob, np.full(len(string), total, dtype=log_prob.dtype))


@in_own_arithmetic
def adapt_local(numbers: Numbers, kept: Kept) -> Adapted:
    """q_loc(y) = prod_t w_t / c_t, with c_t the sum of the weights at step t.

    Raises:
        ValueError: ``kept`` is of another model.
    """
    aligned = numbers.same(kept.aligned)
    tree, string = aligned.tree, np.flatnonzero(kept.strings())
    weight = numbers.prefix_prob.copy()
    weight[1:] = weight[1:] / numbers.prefix_prob[tree.parent[1:]]
    weight = _masked_power(weight, kept.edge, kept.power)
    ending = _masked_power(numbers.end_prob, kept.end, kept.power)
    log_step = log(tree.sum_children(weight) + ending)
    log_path = log_step.copy()
    log_path = tree.descend(log_step[0], log_path, np.add)
    log_normaliser = log_path[aligned.node[string]]
    log_prob = -numbers.surprisal[string] * _scalar(kept.power, numbers) - log_normaliser
    return Adapted(aligned, string, exp(log_prob), log_prob, log_normaliser)


@in_own_arithmetic
def adapt(numbers: Numbers, kept: Kept, normalise: str) -> Adapted:
    """The adapted law, ``normalise`` "local" or "global".

    Raises:
        ValueError: another word, or ``kept`` is of another model.
    """
    if normalise not in {"local", "global"}:
        raise ValueError(f'normalise must be "local" or "global", got {normalise!r}')
    return (adapt_local if normalise == "local" else adapt_global)(numbers, kept)


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
