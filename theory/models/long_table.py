"""Tables of very many strings as aligned models, in float64.

Sums are float64's, without error balls. What is decided is decided as elsewhere: where float64 cannot tell which
strings an adaptor keeps, those in question are compared exactly, from the decimals that their file holds, and where
that does not settle it either the adaptor is UNDECIDED.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

import numpy as np
from flint import arb, fmpq
from numpy.typing import NDArray

from theory.adaptors.exact import Adaptor, Chain
from theory.adaptors.moments import Constant, Moments
from theory.arithmetic.exact import BITS, Undecided, objects, precision, rational, to_float
from theory.corpora.atoms import Atoms, Window, lattice_steps
from theory.corpora.interpolation import by_interpolation
from theory.corpora.typicality import typical_corpora
from theory.language_models.tree import Index
from theory.models.model import Adaptation, Correction, Plane

Floats = NDArray[np.float64]

ROUNDING = 1e-12
"""Numbers of float64 that differ by less, relatively, are not told apart."""

_FEW_ATOMS = 2000
"""So many different strings in (p, r) are summed exactly by ``theory.corpora.typicality``."""

_MOST_COMPARED = 100_000
"""Different strings that are compared exactly at the edge of a kept set."""

Part = tuple[fmpq, fmpq]
"""(c, a) of a weight c e^a: equal parts, equal p+; different parts, different p+ (Lindemann)."""


@dataclass(frozen=True, slots=True, eq=False)
class Columns:
    """The numbers of a table as its file holds them: from them everything is exact, and equal rows are equal.

    Args:
        prior: p, a weight, or log p of each string, shape (n,).
        value: r, or log p+, of each string, shape (n,).
        logarithm: whether ``prior`` is log p, nats.
        aligned: whether ``value`` is log p+, nats.
        beta: what r is divided by; 1 for log p+.
        total: what the masses of the prior sum to, with those of the strings that a reward -inf removes.
    """

    prior: Floats
    value: Floats
    logarithm: bool
    aligned: bool
    beta: fmpq = fmpq(1)
    total: float = 1.0

    def kept(self, chosen: Index | NDArray[np.bool_]) -> Columns:
        """Those of the chosen strings."""
        return replace(self, prior=self.prior[chosen], value=self.value[chosen])

    def weight(self, y: int) -> Part:
        """p e^R of a string, up to a factor that all strings share."""
        exponent = rational(float(self.value[y])) / self.beta
        if self.aligned:
            return fmpq(1), exponent
        prior = rational(float(self.prior[y]))
        return (fmpq(1), exponent + prior) if self.logarithm else (prior, exponent)

    def reward(self, y: int) -> Part:
        """e^R of a string, likewise."""
        exponent = rational(float(self.value[y])) / self.beta
        if not self.aligned:
            return fmpq(1), exponent
        prior = rational(float(self.prior[y]))
        return (fmpq(1), exponent - prior) if self.logarithm else (1 / prior, exponent)

    def classes(self, chosen: Index) -> tuple[Index, Index]:
        """(one string of each class of equal rows, the class of each chosen string)."""
        rows = self.prior[chosen] + 1j * self.value[chosen]  # sorted by both
        _, first, place = np.unique(rows, return_index=True, return_inverse=True)
        return chosen[first], place


@dataclass(frozen=True, slots=True, eq=False)
class LongTable:
    """An aligned table in float64; arrays have shape (n,), in nats.

    >>> table = LongTable.of(Columns(np.array([0.25, 0.75]), np.array([1.0, 0.0]), False, False))
    >>> f"{table.mean.mean_reward:.6f}", f"{table.adapted(Chain(), 'global').moments.kl_to_aligned:.1f}"
    ('0.475367', '0.0')

    Args:
        columns: as they were read.
        log_prior: L = log p.
        reward: R = r / beta.
        surprisal: I = -log p+.
        prob: p+.
        log_partition: log Z.
        mean: the moments of (L, R) under p+.
    """

    columns: Columns
    log_prior: Floats
    reward: Floats
    surprisal: Floats
    prob: Floats
    log_partition: float
    mean: Moments

    @staticmethod
    def of(columns: Columns) -> LongTable:
        """The table with these columns, whose prior is divided by its total, and p+ by its sum where it is given.

        All numbers are finite, and p > 0. Cost: O(n).
        """
        log_prior = (columns.prior if columns.logarithm else np.log(columns.prior)) - math.log(columns.total)
        if columns.aligned:
            log_weight = _normalised(columns.value)
            reward = log_weight - log_prior
        else:
            reward = columns.value / to_float(columns.beta)
            log_weight = log_prior + reward
        log_partition = log_sum(log_weight)
        surprisal = log_partition - log_weight
        prob = np.exp(-surprisal)
        everything = np.arange(len(prob))
        constant = _constant(columns, everything, (log_prior, reward, surprisal))
        mean = _moments(prob, -surprisal, (log_prior, reward, surprisal), constant)
        return LongTable(columns, log_prior, reward, surprisal, prob, log_partition, mean)

    @property
    def bits(self) -> int:
        """The precision of float64."""
        return 53

    @property
    def strings(self) -> int:
        """How many strings have p+ > 0."""
        return len(self.prob)

    @property
    def states(self) -> None:
        """None: it is no automaton."""
        return None

    def adapted(self, steps: Chain, normalise: str) -> Adaptation:
        """What a chain of adaptors makes of p+, the whole string being the one token: local and global agree."""
        try:
            kept, power = self._kept(steps)
        except Undecided as error:
            return Adaptation(steps, "UNDECIDED", reason=str(error))
        log_prob = _normalised(-self.surprisal[kept] * power)
        rows = (self.log_prior[kept], self.reward[kept], self.surprisal[kept])
        found = _moments(np.exp(log_prob), log_prob, rows, _constant(self.columns, kept, rows))
        return Adaptation(steps, "OK", kept, found, 0.0 if normalise == "local" else None, kept=kept)

    def correction(self, local: Adaptation) -> Correction:
        """Nothing: the local law is the global one."""
        del local
        reason = "local and global agree on a table"
        return Correction(reasons=dict.fromkeys(("kl_local_global", "w_max", "acceptance"), reason))

    def typical(self, size: int, epsilon: fmpq) -> Window:
        """The sums over corpora of ``size`` strings with |Ibar - H| < epsilon.

        Raises:
            Undecided: no route reaches a stated accuracy.
        """
        some = np.arange(min(len(self.prob), 4 * _FEW_ATOMS))
        if len(self.columns.classes(some)[0]) <= _FEW_ATOMS:
            first, place = self.columns.classes(np.arange(len(self.prob)))
            if len(first) <= _FEW_ATOMS:
                with precision(BITS):
                    return typical_corpora(self._atoms(first, np.bincount(place)), size, epsilon)
        from_l = self.log_prior - self.mean.mean_log_prior
        return by_interpolation(self.prob, self.surprisal - self.mean.cross_entropy, from_l, size, to_float(epsilon))

    def plane(self) -> Plane:
        """L, R and I of each string, shapes (n,), nats."""
        return self.log_prior, self.reward, self.surprisal

    def keeps_all(self, found: Adaptation) -> bool:
        """Whether every string is kept, and no temperature is left."""
        return found.power == 1 and len(found.kept) == self.strings

    def uncorrelated(self, *, prior: bool) -> bool:
        """False: float64 proves no zero."""
        del prior
        return False

    def _atoms(self, first: Index, counts: Index) -> Atoms:
        """The law of (I, L) from the classes of equal rows, in balls."""
        parts = [self.columns.weight(int(y)) for y in first]
        groups: dict[Part, list[int]] = {}
        for k, part in enumerate(parts):
            groups.setdefault(part, []).append(k)
        value = {part: arb(part[0]).log() + part[1] for part in groups}
        log_prior = [arb(float(self.log_prior[y])) for y in first]
        top = max(value.values(), key=float)
        mass = [(value[part] - top).exp() * int(n) for part, n in zip(parts, counts, strict=True)]
        total = sum(mass, start=arb(0))
        prob = [m / total for m in mass]
        mean_l = sum((p * l for p, l in zip(prob, log_prior, strict=True)), start=arb(0))
        shares, centres, spreads = [], [], []
        for members in groups.values():
            share = sum((prob[k] for k in members), start=arb(0))
            centre = sum((prob[k] * (log_prior[k] - mean_l) for k in members), start=arb(0)) / share
            square = ((log_prior[k] - mean_l - centre) ** 2 * prob[k] for k in members)
            shares.append(share)
            centres.append(centre)
            spreads.append(arb(0) if len(members) == 1 else sum(square, start=arb(0)) / share)
        mean_i = sum((-value[part] * share for part, share in zip(groups, shares, strict=True)), start=arb(0))
        surprisal = objects(-value[part] - mean_i for part in groups)
        return Atoms(
            objects(shares), surprisal, objects(centres), objects(spreads), lattice_steps(list(groups), surprisal)
        )

    # --- what adaptors keep ---------------------------------------------------------------------------------------

    def _kept(self, steps: Chain) -> tuple[Index, float]:
        """The strings that a chain keeps, ascending, and the power that it raises p+ to.

        Raises:
            Undecided: neither float64 nor the exact decimals tell what is kept.
        """
        kept, power = np.arange(len(self.prob)), fmpq(1)
        for step in steps:
            if step.name == "temperature":
                power /= step.value
            elif len(kept) > 1:
                kept = self._narrowed(kept, power, step)
        return kept, to_float(power)

    def _narrowed(self, kept: Index, power: fmpq, step: Adaptor) -> Index:
        log_prob = _normalised(-self.surprisal[kept] * to_float(power))
        value = to_float(step.value)
        if step.name == "top_k":
            return self._first(kept, log_prob, int(step.value.p), self._by_weight)
        if step.name in {"nucleus", "typical"}:
            if step.value == 1:
                return kept
            if step.name == "nucleus":
                return self._first(kept, log_prob, _shortest(log_prob, log_prob, value), self._by_weight)
            entropy = -float(np.exp(log_prob) @ log_prob)
            near = -np.abs(log_prob + entropy)
            return self._first(kept, near, _shortest(near, log_prob, value), self._alike)
        if step.name == "min_p":
            if step.value == 0:
                return kept
            limit = math.log(value) + float(log_prob.max())
        elif step.name == "eta":
            limit = min(math.log(value), math.log(value) / 2 + float(np.exp(log_prob) @ log_prob))
        else:
            limit = math.log(value)
        slack = _slack(limit)
        passing = log_prob >= limit - slack
        close = kept[passing & (log_prob <= limit + slack)]
        if len(close):
            if step.name != "min_p":
                raise Undecided(f"{step}: float64 does not tell whether p+ of {len(close)} strings is the threshold")
            passing[np.searchsorted(kept, close)] = self._reach(close, kept[int(log_prob.argmax())], step.value, power)
        found = kept[passing]
        return found if len(found) else self._first(kept, log_prob, 1, self._by_weight)

    def _first(self, kept: Index, score: Floats, count: int, rank: Callable[[Index], Index]) -> Index:
        """The strings of the largest scores; where float64 does not tell at the cut, ``rank`` sorts those in doubt."""
        if count >= len(kept):
            return kept
        cut = -float(np.partition(-score, count - 1)[count - 1])
        slack = _slack(cut)
        sure, close = score > cut + slack, np.flatnonzero(np.abs(score - cut) <= slack)
        wanted = count - int(sure.sum())
        if wanted < len(close):
            close = np.searchsorted(kept, rank(kept[close])[:wanted])
        sure[close] = True
        return kept[sure]

    def _by_weight(self, strings: Index) -> Index:
        """Strings by falling p+, ties to the lower index, from their exact weights."""
        first, place = self.columns.classes(strings)
        if len(first) == 1:
            return strings
        if len(first) > _MOST_COMPARED:
            raise Undecided(f"float64 does not tell the order of {len(first)} strings at the edge of what is kept")
        with precision(BITS):
            parts = [self.columns.weight(int(y)) for y in first]
            value = {part: (arb(part[0]).log() + part[1]) for part in set(parts)}

            def compare(one: Part, other: Part) -> int:
                if value[one] > value[other]:
                    return -1
                if value[one] < value[other]:
                    return 1
                raise Undecided(f"{BITS} bits do not tell two strings apart at the edge of what is kept")

            order = {part: k for k, part in enumerate(sorted(value, key=functools.cmp_to_key(compare)))}
        ranks = np.array([order[part] for part in parts])[place]
        found: Index = strings[np.argsort(ranks, kind="stable")]
        return found

    def _alike(self, strings: Index) -> Index:
        """Strings in their order where all have one p+.

        Raises:
            Undecided: they have not: whether two lie equally far from the entropy is not known.
        """
        first, _ = self.columns.classes(strings)
        if len({self.columns.weight(int(y)) for y in first}) > 1:
            raise Undecided(
                f"typical: {len(strings)} strings lie equally far from the entropy, as far as float64 tells"
            )
        return strings

    def _reach(self, strings: Index, top: int, value: fmpq, power: fmpq) -> NDArray[np.bool_]:
        """Whether (w / w_top) ** power >= value, from the exact weights."""
        first, place = self.columns.classes(strings)
        found = []
        with precision(BITS):
            c, a = self.columns.weight(int(top))
            for y in first:
                x, exponent = self.columns.weight(int(y))
                gap = (arb(x / c).log() + (exponent - a)) * power - arb(value).log()
                if gap.contains(0) and not (exponent == a and power == 1 and x / c == value):
                    raise Undecided("min_p: it is not known whether p+ of a string is the threshold")
                found.append(bool(gap >= 0) or bool(gap.contains(0)))
        return np.array(found)[place]


def log_sum(log_weight: Floats) -> float:
    """log sum e^w, without overflow."""
    peak = float(log_weight.max())
    return peak + math.log(float(np.exp(log_weight - peak).sum()))


def _normalised(log_weight: Floats) -> Floats:
    """Less the logarithm of their sum."""
    found: Floats = log_weight - log_sum(log_weight)
    return found


def _slack(value: float) -> float:
    return ROUNDING * max(1.0, abs(value))


def _shortest(score: Floats, log_prob: Floats, value: float) -> int:
    """The length of the shortest run by falling score whose mass reaches the value.

    Raises:
        Undecided: float64 does not tell whether a run reaches it.
    """
    mass = np.cumsum(np.exp(log_prob[np.argsort(-score, kind="stable")]), dtype=np.longdouble)
    count = min(int(np.searchsorted(mass, value)) + 1, len(mass))
    around = mass[max(count - 2, 0) : count]
    if (np.abs(around - value) <= ROUNDING).any():
        raise Undecided(f"float64 does not tell whether the mass of the first {count} strings reaches {value}")
    return count


def _constant(columns: Columns, chosen: Index, rows: Iterable[Floats]) -> Constant:
    """Which of L, R and I are constant, decided by the columns."""
    _, reward, surprisal = rows
    return Constant(
        log_prior=bool((columns.prior[chosen] == columns.prior[chosen[0]]).all()),
        reward=_same(columns, chosen, reward, columns.reward),
        surprisal=_same(columns, chosen, surprisal, columns.weight),
    )


def _same(columns: Columns, chosen: Index, values: Floats, exactly: Callable[[int], Part]) -> bool:
    """Whether the strings have one exact value; only where float64 does not tell are the exact ones looked at."""
    if float(np.ptp(values)) > 1e-9 * (1 + float(np.abs(values).max())):
        return False
    first, _ = columns.classes(chosen)
    one = exactly(int(first[0]))
    return all(exactly(int(y)) == one for y in itertools.islice(first, 1, None))


def _moments(prob: Floats, log_prob: Floats, rows: tuple[Floats, Floats, Floats], constant: Constant) -> Moments:
    """The moments of (L, R) under a law of some strings, of which the rows are L, R and I."""
    means = [float((prob * row).sum()) for row in rows]
    from_l, from_r, from_i = (row - mean for row, mean in zip(rows, means, strict=True))
    weighted_l = prob * from_l
    return Moments(
        mean_log_prior=means[0],
        mean_reward=means[1],
        entropy=-float((prob * log_prob).sum()),
        cross_entropy=means[2],
        kl_to_aligned=float((prob * (log_prob + rows[2])).sum()),
        var_log_prior=0.0 if constant.log_prior else float((weighted_l * from_l).sum()),
        var_reward=0.0 if constant.reward else float((prob * from_r * from_r).sum()),
        cov=0.0 if constant.log_prior or constant.reward else float((weighted_l * from_r).sum()),
        var_surprisal=0.0 if constant.surprisal else float((prob * from_i * from_i).sum()),
        cov_log_prior_surprisal=0.0 if constant.log_prior or constant.surprisal else float((weighted_l * from_i).sum()),
        constant=constant,
        bits=None,
    )


__all__ = ["ROUNDING", "Columns", "LongTable", "log_sum"]
