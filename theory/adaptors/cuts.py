"""What truncations keep of one next-token law, decided formally. The edge rules stand in ``theory.adaptors.exact``."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Sequence

from flint import arb, ctx, fmpq

from theory.adaptors.chains import Adaptor
from theory.adaptors.rows import Row
from theory.arithmetic.exact import sign
from theory.arithmetic.formal import FormalSum

Compare = Callable[[int, int], int]


def kept_by(step: Adaptor, row: Row) -> list[int]:
    """The tokens that a truncation keeps, ascending; at least one."""
    return sorted(_KEEPERS[step.name](row, step)) if len(row.kept) > 1 else row.kept


def _with_ties(order: Sequence[int], count: int, step: Adaptor, compare: Compare) -> list[int]:
    """The first ``count`` of an order, and under ties = "all" those that tie with the last of them."""
    while step.word("ties") == "all" and count < len(order) and compare(order[count - 1], order[count]) == 0:
        count += 1
    return list(order[:count])


def _top_k(row: Row, step: Adaptor) -> list[int]:
    order = row.descending()
    return _with_ties(order, min(len(order), int(step.value.p)), step, row.compare)


def _shortest_run(row: Row, order: Sequence[int], step: Adaptor, compare: Compare, of: list[int]) -> list[int]:
    """The shortest run of ``order`` whose mass reaches the value, or exceeds it, found by bisection on the length."""
    wanted = 0 if step.word("boundary") == "reach" else 1
    low, high = 1, len(order)
    whole = row.total(of) * step.value
    totals = list(itertools.accumulate(row.weights(order)))
    while low < high:
        middle = (low + high) // 2
        excess = totals[middle - 1] - whole
        found = 1 if excess > 0 else -1 if excess < 0 else row.against(order[:middle], step.value, of)
        if found >= wanted:
            high = middle
        else:
            low = middle + 1
    return _with_ties(order, low, step, compare)


def _measured(row: Row, step: Adaptor) -> list[int]:
    """The tokens whose mass is the whole: those that are left, or under mass = "before" all of them."""
    return row.kept if step.word("mass") == "after" else row.whole


def _nucleus(row: Row, step: Adaptor) -> list[int]:
    if step.value == 1:  # every kept token has mass, and no order has to be decided
        return row.kept
    return _shortest_run(row, row.descending(), step, row.compare, _measured(row, step))


def _typical(row: Row, step: Adaptor) -> list[int]:
    if step.value == 1:
        return row.kept

    @functools.cache
    def distances(_bits: int) -> dict[int, arb]:
        logs, mean = row.surprisals()
        return {token: abs(surprisal - mean) for token, surprisal in zip(row.kept, logs, strict=True)}

    def compare(first: int, second: int) -> int:
        if row.compare(first, second) == 0:
            return 0
        # with different surprisals the distances tie only if log p(first) + log p(second) + 2 H = 0
        tie = functools.partial(row.logarithms_vanish, {first: 1, second: 1})
        return sign(lambda: distances(ctx.prec)[first] - distances(ctx.prec)[second], tie)

    def place(one: int, other: int) -> int:
        return compare(one, other) or one - other

    order = sorted(row.kept, key=functools.cmp_to_key(place))
    return _shortest_run(row, order, step, compare, row.kept)


def _at_least(row: Row, passes: Callable[[int], bool]) -> list[int]:
    """The tokens that pass, or the most probable one."""
    return [token for token in row.kept if passes(token)] or row.descending()[:1]


def _epsilon(row: Row, step: Adaptor) -> list[int]:
    whole = _measured(row, step)
    return _at_least(row, lambda token: row.reaches([token], step.value, of=whole))


def _min_p(row: Row, step: Adaptor) -> list[int]:
    top = row.descending()[:1]
    return _at_least(row, lambda token: row.reaches([token], step.value, of=top))


def _eta(row: Row, step: Adaptor) -> list[int]:
    value = step.value

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


def _top_n_sigma(row: Row, step: Adaptor) -> list[int]:
    """z >= max z - n sd, sd^2 the mean of (z - mean z)^2 over the tokens that are left."""
    size, top, square = len(row.kept), row.descending()[0], step.value * step.value

    @functools.cache
    def margins(_bits: int) -> dict[int, arb]:
        logs = {t: row.weight(t).log() for t in row.kept}
        total = sum(logs.values(), start=arb(0))
        spread = size * sum((x * x for x in logs.values()), start=arb(0)) - total * total
        return {t: spread * square - (logs[top] - x) ** 2 * size**2 for t, x in logs.items()}

    def tie(token: int) -> bool:
        # as a polynomial in the primes' logarithms
        ratios = row.log_ratios()
        if ratios is None:
            return False
        found: dict[tuple[int, int], fmpq] = {}
        total: dict[int, fmpq] = {}
        gap = {k: ratios[top].get(k, fmpq(0)) - ratios[token].get(k, fmpq(0)) for k in {*ratios[top], *ratios[token]}}
        for own in ratios.values():
            total = {k: total.get(k, fmpq(0)) + own.get(k, fmpq(0)) for k in {*total, *own}}
        squares = [(own, square * size) for own in ratios.values()]
        for linear, factor in [*squares, (total, -square), (gap, fmpq(-(size**2)))]:
            for (i, a), (j, b) in itertools.product(linear.items(), repeat=2):
                key = (min(i, j), max(i, j))
                found[key] = found.get(key, fmpq(0)) + factor * a * b
        return all(c == 0 for c in found.values())

    def passes(token: int) -> bool:
        if row.compare(top, token) == 0:
            return True
        return sign(lambda: margins(ctx.prec)[token], lambda: tie(token)) >= 0

    return _at_least(row, passes)


def _top_h(row: Row, step: Adaptor) -> list[int]:
    """The longest run whose summed -p log p stays within h times the entropy, p among the first 100 tokens alone."""
    head = row.descending()[: int(step.number("candidates").p)]

    @functools.cache
    def terms(_bits: int) -> tuple[dict[int, arb], arb]:
        total = row.total(head)
        found = {t: row.weight(t) * (total.log() - row.weight(t).log()) for t in head}
        return found, sum(found.values(), start=arb(0))

    def within(count: int) -> bool:
        def margin() -> arb:
            own, whole = terms(ctx.prec)
            return whole * step.value - sum((own[t] for t in head[:count]), start=arb(0))

        factors = {t: step.value - (place < count) for place, t in enumerate(head)}
        return sign(margin, lambda: row.entropies_vanish(factors, head)) >= 0

    if len(head) == 1 or step.value == 1:
        return head
    low, high = 1, len(head)
    while low < high:
        middle = (low + high + 1) // 2
        if within(middle):
            low = middle
        else:
            high = middle - 1
    return head[:low]


def _top_a(row: Row, step: Adaptor) -> list[int]:
    """p >= a (max p)^2, that is w S >= a (max w)^2."""
    top = row.descending()[0]

    def margin(token: int) -> arb:
        return row.weight(token) * row.total(row.kept) - row.weight(top) ** 2 * step.value

    def tie(token: int) -> bool:
        raised = {t: row.formal[t].power(row.power) for t in row.kept}
        known = {t: r for t, r in raised.items() if r is not None}
        if len(known) < len(raised):
            return False
        products = [known[token].times(known[t]) for t in row.kept]
        return not FormalSum.total([*products, known[top].times(known[top]).scaled(-step.value)]).terms

    return _at_least(row, lambda token: sign(lambda: margin(token), lambda: tie(token)) >= 0)


def _tail_free(row: Row, step: Adaptor) -> list[int]:
    """The first i tokens, i the least with more than z of the |second differences|; all where these are 0."""
    order = row.descending()
    if len(order) <= 2 or step.value == 1:
        return order
    bends: list[dict[int, fmpq]] = []
    for first, second, third in zip(order, order[1:], order[2:], strict=False):
        bend = {first: fmpq(1), second: fmpq(-2), third: fmpq(1)}
        direction = row.combined(bend)
        bends.append({token: k * direction for token, k in bend.items()})
    whole = _summed(bends, fmpq(-1) * step.value)
    if row.combined(whole) == 0:
        return order
    for count in range(1, len(bends)):
        if row.combined(_summed([whole, *bends[: count + 1]], fmpq(1))) > 0:
            return order[:count]
    return order


def _summed(parts: Sequence[dict[int, fmpq]], factor: fmpq) -> dict[int, fmpq]:
    total: dict[int, fmpq] = {}
    for part in parts:
        for token, k in part.items():
            total[token] = total.get(token, fmpq(0)) + k * factor
    return total


def _no_repeat_ngram(row: Row, step: Adaptor) -> list[int]:
    """Without the tokens that would write n tokens a second time; the most probable one where none is left."""
    assert row.before is not None, "refused before where the tokens before are not known"
    own, size = row.before, int(step.value.p)
    history = windowed(own.history, step)
    seen = {history[k : k + size] for k in range(len(history) - size + 1)}
    last = history[len(history) - size + 1 :] if size > 1 else ()
    if len(last) < size - 1:
        return row.kept
    return _at_least(row, lambda place: (*last, own.tokens[place]) not in seen)


def windowed(history: tuple[int, ...], step: Adaptor) -> tuple[int, ...]:
    """The last tokens that a step looks at; all where its window is 0."""
    window = int(step.number("window").p)
    return history[-window:] if window else history


_KEEPERS: dict[str, Callable[[Row, Adaptor], list[int]]] = {
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
    "no_repeat_ngram": _no_repeat_ngram,
}


__all__ = ["kept_by", "windowed"]
