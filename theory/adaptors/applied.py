"""A chain of adaptors on one next-token law: what it keeps, and with which weights."""

from __future__ import annotations

from collections.abc import Sequence

from flint import arb, fmpq

from theory.adaptors.bends import absolute_logs, bent
from theory.adaptors.chains import Adaptor
from theory.adaptors.cuts import kept_by
from theory.adaptors.rows import Row


def applied(row: Row, steps: Sequence[Adaptor]) -> Row:
    """The row after the steps, left to right.

    An XTC step ends it: the rest acts on both sides of the coin, and the result is the mixture of the two laws.
    """
    for place, step in enumerate(steps):
        if step.name == "temperature":
            row.power /= step.value
        elif step.kind.random:
            return _tossed(row, step, steps[place + 1 :])
        elif step.kind.bends:
            row = bent(row, step)
        else:
            row.kept = kept_by(step, row)
    return row


def weights_of(row: Row) -> list[arb]:
    """The weights after a chain that bends, 0 where a token is cut; of the normalised law that the row began with."""
    kept = set(row.kept)
    logs = absolute_logs(row, row.kept)
    return [logs[token].exp() if token in kept else arb(0) for token in row.whole]


def _tossed(row: Row, step: Adaptor, rest: Sequence[Adaptor]) -> Row:
    """The mixture: with the probability of the step its top choices are left out, else not.

    Top choices have p >= t (boundary = "exceed": p > t); all but the least probable of them go. Of several least ones
    the last in order stays (ties = "all": all of them).
    """
    order, wanted = row.descending(), 0 if step.word("boundary") == "reach" else 1
    top = [token for token in order if row.against([token], step.value) >= wanted]
    coin = step.number("probability")
    out = set(top[:-1])
    if step.word("ties") == "all" and top:
        out = {token for token in top if row.compare(token, top[-1]) > 0}
    if not out or coin == 0:
        return _normalised(applied(row, rest))
    cut = row.copy()
    cut.kept = [token for token in row.kept if token not in out]
    sides = [(_normalised(applied(cut, rest)), coin)]
    if coin < 1:
        sides.append((_normalised(applied(row.copy(), rest)), 1 - coin))
    mixed = [sum((side.balls[t] * share for side, share in sides), start=arb(0)) for t in row.whole]
    kept = sorted({t for side, _ in sides for t in side.kept})
    return Row(row.formal, mixed, fmpq(1), kept, row.before, True)


def _normalised(row: Row) -> Row:
    """The row with weights that sum to 1, at the working precision; nothing can be decided on it any more."""
    total, kept = row.total(row.kept), set(row.kept)
    balls = [row.weight(t) / total if t in kept else arb(0) for t in row.whole]
    return Row(row.formal, balls, fmpq(1), list(row.kept), row.before, True)


__all__ = ["applied", "weights_of"]
