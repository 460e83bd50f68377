"""Every adaptor on the same rows of next-token laws, from one sort of each row.

In falling order of probability each truncation of ``theory.adaptors.exact`` keeps a window of consecutive tokens, also
in a chain: top-k, nucleus, epsilon, eta and min-p cut the window's end, locally typical cuts both ends, since the
tokens nearest to the entropy in surprisal stand side by side. So an adaptor is two numbers per row, found by bisection
in running totals that all adaptors share. ``simulations.sampling.adaptors`` is the plain version that this must equal.

Where it differs: among tokens of exactly the same probability at the upper edge of a locally typical window, and
between two tokens whose surprisals lie exactly as far on either side of the entropy, the plain version takes the lower
index, this one as many of the same probability. float32 logits hardly ever tie so; those of bfloat16 models often do.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from simulations.sampling.adaptors import Floats, log_weights
from simulations.sampling.generate import first_above
from simulations.sampling.history import History
from simulations.sampling.row_sort import falling_rows
from simulations.sampling.row_totals import Totals, draw_between, first_place, running_scores, running_totals, sums
from simulations.sampling.typical_run import Rows, nearest_runs
from theory.adaptors.exact import Adaptor, Chain
from theory.arithmetic.exact import to_float

Index = NDArray[np.int64]
Mask = NDArray[np.bool_]
Reals = NDArray[np.floating]

_ON, _ON_FLOAT32 = 1e-12, 1e-7


def _at(matrix: Reals, place: Index) -> Reals:
    """One value per row."""
    return matrix[np.arange(len(matrix)), place]


@dataclass(frozen=True, slots=True, eq=False)
class KeptRun:
    """What a chain of adaptors keeps of each row, in falling order: places low..high - 1, at a power of p.

    Args:
        low, high: shape (n,).
        power: what temperatures leave on the kept probabilities.
        log_total: log c, the log of the kept weights' sum, shape (n,), nats.
    """

    low: Index
    high: Index
    power: float
    log_total: Floats


@dataclass(slots=True, eq=False)
class SortedRows:
    """Rows of logits with their sorted values and, per temperature met, running totals of exp(x / T).

    A row is sorted when a truncation first asks: temperatures alone need no more than sums.

    Values and exponentials have the precision of the logits, totals are float64: float32 logits, as models give them,
    cost a fifth of float64 ones and decide as transformers' float32 adaptors do; a float64 law decides as the plain
    version does.

    Args:
        logits: shape (n, V), normalised or not, -inf for impossible tokens.
        peak: the largest of each row, shape (n,).
        possible: how many tokens of each row are possible, shape (n,).
    """

    logits: Reals
    peak: Floats
    possible: Index
    _falling: Reals | None = None
    _totals: dict[float, Totals] = field(default_factory=dict)
    _scores: dict[float, Floats] = field(default_factory=dict)
    _whole_sums: dict[float, tuple[Floats, Floats]] = field(default_factory=dict)

    @staticmethod
    def of(logits: Reals) -> SortedRows:
        """Rows that are not sorted yet. Cost: O(n V)."""
        return SortedRows(logits, logits.max(axis=1).astype(np.float64), (logits > -np.inf).sum(axis=1))

    @staticmethod
    def joined(parts: Sequence[SortedRows]) -> SortedRows:
        """The rows of all parts, of which none is sorted twice."""
        if len(parts) == 1:
            return parts[0]
        logits, peak, possible = (
            np.concatenate([getattr(part, name) for part in parts]) for name in ("logits", "peak", "possible")
        )
        found = SortedRows(logits, peak, possible)
        if any(part._falling is not None for part in parts):
            found._falling = np.concatenate([part.falling for part in parts])
        return found

    @property
    def falling(self) -> Reals:
        """Each row sorted, the largest first, shape (n, V). Cost: O(n V log V) once, the only such step."""
        if self._falling is None:
            self._falling = falling_rows(self.logits)
        return self._falling

    @property
    def slack(self) -> float:
        """How far below a threshold still counts as on it."""
        return _ON if self.logits.dtype == np.float64 else _ON_FLOAT32

    def window(self, steps: Chain) -> KeptRun:
        """The window of a chain. Cost: O(n log V) per truncation, and O(n V) once per temperature."""
        low, high, power = np.zeros(len(self.logits), dtype=np.int64), self.possible.copy(), 1.0
        for number, step in enumerate(steps):
            if step.name == "temperature":
                power /= to_float(step.value)
                continue
            low, high = _CUTS[step.name](self, low, high, power, step)
            if low.any() and number + 1 < len(steps):
                return self._inside(low, high, power, steps[number + 1 :])
        cut = any(step.name != "temperature" for step in steps)
        mass = self.mass(low, high, power) if cut else self.whole(power)
        return KeptRun(low, high, power, np.log(mass) - power * np.log(self.whole(1.0)))

    def _inside(self, low: Index, high: Index, power: float, rest: Chain) -> KeptRun:
        """The window of further adaptors inside one that has lost its most probable tokens: on rows of its own.

        The running totals begin with what was lost; at another temperature nothing might be left of their digits.
        """
        place = low[:, None] + np.arange(int((high - low).max()))[None, :]
        kept = np.take_along_axis(self.falling, np.minimum(place, self.logits.shape[1] - 1), axis=1)
        own = SortedRows.of(np.where(place < high[:, None], power * kept, -np.inf).astype(self.logits.dtype))
        found = own.window(rest)
        # its weights are (p ** power / sum) ** (power of the rest), p normalised there to the window
        scale = np.log(own.whole(1.0)) + own.peak - power * (self.peak + np.log(self.whole(1.0)))
        return KeptRun(low + found.low, low + found.high, power * found.power, found.log_total + found.power * scale)

    def log_weight(self, window: KeptRun, tokens: Index, rank: Index | None = None) -> Floats:
        """log w of one token per row, -inf where it is cut off; ``rank`` spares finding it again. Shape (n,)."""
        rank = self.rank(tokens) if rank is None else rank
        inside = (rank >= window.low) & (rank < window.high)
        return np.where(inside, window.power * self.log_prob(tokens), -np.inf)

    def log_prob(self, tokens: Index) -> Floats:
        """log p of one token per row, shape (n,), nats."""
        own = _at(self.logits, tokens).astype(np.float64)
        return own - self.peak - np.log(self.whole(1.0))

    def dense(self, steps: Chain) -> Floats:
        """log w of every token, shape (n, V): what ``adaptors.log_weights`` gives."""
        return self._dense(self.window(steps))

    def draw(self, window: KeptRun, uniform: Floats) -> Index:
        """A token of each row by its weight in a window: the first whose running share exceeds a draw. Shape (n,).

        It is the token that the weights of ``dense`` give, without an array of them.
        """
        bottom, top = self._edges(window)
        drawn = draw_between(self.logits, bottom, top, window.power, uniform)
        count = ((self.logits >= bottom[:, None]) & (self.logits <= top[:, None])).sum(axis=1)
        tied = np.flatnonzero(count != window.high - window.low)  # tokens across an edge have the value of one inside
        if len(tied):
            part = KeptRun(window.low[tied], window.high[tied], window.power, window.log_total[tied])
            weight = self._some(tied)._dense(part)
            drawn[tied] = first_above(np.exp(weight - weight.max(axis=1, keepdims=True)), uniform[tied])
        return drawn

    def _some(self, rows: Index) -> SortedRows:
        falling = None if self._falling is None else self._falling[rows]
        return SortedRows(self.logits[rows], self.peak[rows], self.possible[rows], falling)

    def _edges(self, window: KeptRun) -> tuple[Floats, Floats]:
        """The smallest and the largest value of a window, shapes (n,); what is impossible stays below."""
        if not window.low.any() and (window.high == self.possible).all():
            return np.full(len(self.logits), float(np.finfo(self.logits.dtype).min)), self.peak
        return self._value(window.high - 1).astype(np.float64), self._value(window.low).astype(np.float64)

    def _dense(self, window: KeptRun) -> Floats:
        bottom, top = self._edges(window)
        kept = (self.logits >= bottom[:, None]) & (self.logits <= top[:, None]) & (self.logits > -np.inf)
        for row in np.flatnonzero(kept.sum(axis=1) != window.high - window.low):
            rank = np.argsort(np.argsort(-self.logits[row], kind="stable"), kind="stable")
            kept[row] = (rank >= window.low[row]) & (rank < window.high[row])
        log_whole = (self.peak + np.log(self.whole(1.0)))[:, None]
        return np.where(kept, window.power * (self.logits.astype(np.float64) - log_whole), -np.inf)

    def rank(self, tokens: Index) -> Index:
        """The place of a token in falling order, ties to the lower index. Shape (n,)."""
        own = _at(self.logits, tokens)
        rank = self._first(lambda place: self._value(place) <= own, 0, self.logits.shape[1])
        following = np.minimum(rank + 1, self.logits.shape[1] - 1)
        for row in np.flatnonzero((self._value(following) == own) & (following > rank)):
            rank[row] += int((self.logits[row, : tokens[row]] == own[row]).sum())
        return rank

    def mass(self, low: Index, high: Index, power: float) -> Floats:
        """The sum of exp(x) ** power over a window, x measured from the largest."""
        totals = self.totals(power)
        return totals.upto(high) - totals.upto(low)

    def whole(self, power: float) -> Floats:
        """The sum of exp(x) ** power over all tokens, shape (n,)."""
        if power in self._totals:
            return self._totals[power].whole()
        return self._sums(power)[0]

    def totals(self, power: float) -> Totals:
        """Running totals of exp(x) ** power in falling order."""
        if power not in self._totals:
            self._totals[power] = running_totals(self.falling, power)
        return self._totals[power]

    def entropy(self, low: Index, high: Index, power: float) -> Floats:
        """H of the window's law at this power, shape (n,), nats."""
        if not low.any() and (high == self.possible).all():
            mass, scores = self._sums(power)
            return np.log(mass) - power * scores / mass
        mass = self.mass(low, high, power)
        if power not in self._scores:
            self._scores[power] = running_scores(self.falling, power)
        scores = self._scores[power]
        return np.log(mass) - power * (self._upto(scores, high) - self._upto(scores, low)) / mass

    def _sums(self, power: float) -> tuple[Floats, Floats]:
        """exp(x) ** power and x exp(x) ** power summed over all tokens, shapes (n,)."""
        if power not in self._whole_sums:
            self._whole_sums[power] = sums(self.logits, self.peak, power)
        return self._whole_sums[power]

    def _value(self, place: Index) -> Reals:
        return _at(self.falling, place)

    def _upto(self, totals: Floats, place: Index) -> Floats:
        found = _at(totals, np.maximum(place - 1, 0))
        return np.where(place > 0, found, 0.0)

    def _first(self, holds: Callable[[Index], Mask], low: Index | int, high: Index | int) -> Index:
        return first_place(holds, low, high, self.logits.shape)


def is_window(steps: Chain) -> bool:
    """Whether a chain keeps a window of the falling order at one power of p, so that ``SortedRows`` can have it.

    Steps that bend the law or need the tokens before do not. A share of all tokens is not known any more inside a
    window that has lost its most probable ones.
    """
    steps = Chain(steps)
    place = next((k for k, step in enumerate(steps) if step.name == "typical"), len(steps))
    shares = any(dict(step.options).get("mass") == "before" for step in steps[place:])
    return not (steps.bends or steps.history is not None or shares)


def _top_k(rows: SortedRows, low: Index, high: Index, power: float, step: Adaptor) -> tuple[Index, Index]:
    return low, _with_ties(rows, low, np.minimum(high, low + int(step.value.p)), high, step)


def _with_ties(rows: SortedRows, low: Index, end: Index, high: Index, step: Adaptor) -> Index:
    """The end of a window, and under ties = "all" of what ties with its last token."""
    if step.word("ties") == "lowest":
        return end
    last = rows._value(end - 1)
    return rows._first(lambda place: rows._value(place) < last, low, high)


def _target(rows: SortedRows, low: Index, high: Index, power: float, step: Adaptor) -> Floats:
    """The mass that a window must have."""
    slack = -rows.slack if step.word("boundary") == "reach" else rows.slack
    before = step.name == "nucleus" and step.word("mass") == "before"
    found: Floats = (to_float(step.value) + slack) * (rows.whole(power) if before else rows.mass(low, high, power))
    return found


def _nucleus(rows: SortedRows, low: Index, high: Index, power: float, step: Adaptor) -> tuple[Index, Index]:
    if step.value == 1:
        return low, high
    totals = rows.totals(power)
    target = totals.upto(low) + _target(rows, low, high, power, step)
    return low, _with_ties(rows, low, totals.first_reaching(target, low, high - 1) + 1, high, step)


def _at_least(rows: SortedRows, low: Index, high: Index, power: float, log_threshold: Floats) -> tuple[Index, Index]:
    """Tokens whose weight reaches a threshold; at least the first."""
    bar = log_threshold + np.log1p(-rows.slack)
    end = rows._first(lambda place: power * (rows._value(place) - rows.peak) < bar, low, high)
    return low, np.maximum(end, low + 1)


def _epsilon(rows: SortedRows, low: Index, high: Index, power: float, step: Adaptor) -> tuple[Index, Index]:
    mass = rows.mass(low, high, power) if step.word("mass") == "after" else rows.whole(power)
    return _at_least(rows, low, high, power, np.log(to_float(step.value)) + np.log(mass))


def _min_p(rows: SortedRows, low: Index, high: Index, power: float, step: Adaptor) -> tuple[Index, Index]:
    if step.value == 0:
        return low, high
    log_value = np.log(to_float(step.value))
    return _at_least(rows, low, high, power, log_value + power * (rows._value(low) - rows.peak))


def _top_a(rows: SortedRows, low: Index, high: Index, power: float, step: Adaptor) -> tuple[Index, Index]:
    threshold = 2 * power * (rows._value(low) - rows.peak) - np.log(rows.mass(low, high, power))
    return _at_least(rows, low, high, power, np.log(to_float(step.value)) + threshold)


def _eta(rows: SortedRows, low: Index, high: Index, power: float, step: Adaptor) -> tuple[Index, Index]:
    log_value = np.log(to_float(step.value))
    bound = np.minimum(log_value, log_value / 2 - rows.entropy(low, high, power))
    return _at_least(rows, low, high, power, bound + np.log(rows.mass(low, high, power)))


def _typical(rows: SortedRows, low: Index, high: Index, power: float, step: Adaptor) -> tuple[Index, Index]:
    """The m tokens nearest to the entropy for the least m that has the mass."""
    if step.value == 1:
        return low, high
    entropy, log_mass = rows.entropy(low, high, power), np.log(rows.mass(low, high, power))
    target = _target(rows, low, high, power, step)

    def surprisal(place: Index) -> Floats:
        return log_mass - power * (rows._value(place) - rows.peak)

    run = Rows(rows.falling, power, rows.totals(power), low, high)
    start, count = nearest_runs(run, entropy, log_mass, target)
    if step.word("ties") == "lowest":
        return start, start + count
    farthest = np.maximum(entropy - surprisal(start), surprisal(start + count - 1) - entropy) + rows.slack
    first = rows._first(lambda place: entropy - surprisal(place) <= farthest, low, high)
    return first, rows._first(lambda place: surprisal(place) - entropy > farthest, low, high)


def _inside(rows: SortedRows, low: Index, high: Index) -> Mask:
    place = np.arange(rows.falling.shape[1])[None, :]
    result: Mask = (place >= low[:, None]) & (place < high[:, None])
    return result


def _top_n_sigma(rows: SortedRows, low: Index, high: Index, power: float, step: Adaptor) -> tuple[Index, Index]:
    inside, count = _inside(rows, low, high), (high - low)[:, None]
    top = rows._value(low)
    gap = np.where(inside, top[:, None].astype(np.float64) - rows.falling, 0.0)
    mean = gap.sum(axis=1, keepdims=True) / count
    spread = np.sqrt((np.where(inside, gap - mean, 0.0) ** 2).sum(axis=1) / count[:, 0])
    bar = to_float(step.value) * spread + rows.slack
    return low, np.maximum(rows._first(lambda place: top - rows._value(place) > bar, low, high), low + 1)


def _top_h(rows: SortedRows, low: Index, high: Index, power: float, step: Adaptor) -> tuple[Index, Index]:
    most = int(step.number("candidates").p)
    place = low[:, None] + np.arange(min(most, rows.falling.shape[1]))[None, :]
    head = np.take_along_axis(rows.falling, np.minimum(place, rows.falling.shape[1] - 1), axis=1).astype(np.float64)
    head = np.where(place < high[:, None], power * (head - rows._value(low)[:, None]), -np.inf)
    law = head - np.log(np.exp(head).sum(axis=1, keepdims=True))
    running = np.cumsum(-np.exp(law) * np.where(np.isfinite(law), law, 0.0), axis=1)
    within = (running <= to_float(step.value) * running[:, -1:] + rows.slack) & np.isfinite(head)
    return low, low + np.maximum(within.sum(axis=1), 1)


def _tail_free(rows: SortedRows, low: Index, high: Index, power: float, step: Adaptor) -> tuple[Index, Index]:
    end, value = high.copy(), to_float(step.value)
    mass = rows.mass(low, high, power)
    for row in range(len(high)) if value < 1 else ():
        score = rows.falling[row, low[row] : high[row]].astype(np.float64) - rows.peak[row]
        bends = np.abs(np.diff(np.exp(power * score) / mass[row], n=2))
        if len(bends) and bends.sum() > rows.slack:
            over = np.flatnonzero(np.cumsum(bends)[1:] / bends.sum() > value + rows.slack)
            end[row] = low[row] + 1 + over[0] if len(over) else high[row]
    return low, end


_CUTS: dict[str, Callable[[SortedRows, Index, Index, float, Adaptor], tuple[Index, Index]]] = {
    "top_k": _top_k,
    "nucleus": _nucleus,
    "typical": _typical,
    "eta": _eta,
    "epsilon": _epsilon,
    "min_p": _min_p,
    "top_n_sigma": _top_n_sigma,
    "top_h": _top_h,
    "top_a": _top_a,
    "tail_free": _tail_free,
}


def float32_log_weights(law: Reals, steps: Chain, history: History | None = None) -> Floats:
    """``adaptors.log_weights`` by one sort of the law in float32: what is kept here is kept by ``log_weight``, too.

    Chains that keep no window of the falling order have it from ``log_weights`` itself, of the law as it is.
    """
    if not steps:
        return law.astype(np.float64)
    if is_window(steps):
        return SortedRows.of(law.astype(np.float32)).dense(steps)
    return log_weights(law.astype(np.float64), steps, history)


__all__ = ["KeptRun", "SortedRows", "float32_log_weights", "is_window"]
