"""The limit of the correlation given typicality as a function of v, the variance of the cut normal law."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from flint import arb

from theory.claims.claim import Finding


def limit_at(b: arb, u: arb, v: arb) -> arb:
    """The limit as a function of v, the variance of the cut normal law."""
    limit: arb = (-b * (1 + b) * v - u) / ((b * b * v + u) * ((1 + b) * (1 + b) * v + u)).sqrt()
    return limit


def turning(b: arb, u: arb, variance: arb) -> Iterator[Finding]:
    """u > 0: the limit along v = V, V/2, V/4, ..., on both sides of the turn at u/(b (1 + b)), if that lies below V."""
    product = b * (1 + b)
    turns = bool(u < product * variance)
    top = u / product if turns else variance
    if turns:
        yield from monotone([variance * (1 - k * (1 - top / variance) / 4) for k in range(5)], b, u, 1)
    yield from monotone([top / 2**k for k in range(8)], b, u, -1)


def monotone(widths: Sequence[arb], b: arb, u: arb, direction: int) -> Iterator[Finding]:
    """The limit rises (1) or falls (-1) from each v to the next smaller one."""
    values = [limit_at(b, u, v) for v in widths]
    word = "rises" if direction > 0 else "falls"
    for k in range(len(values) - 1):
        change = (values[k + 1] - values[k]) * direction
        yield Finding(f"the limit {word} while v shrinks, step {k + 1}", change, "positive", clause="turn")
