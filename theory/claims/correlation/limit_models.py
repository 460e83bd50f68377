"""The limit of the correlation given typicality as a function of v, the variance of the cut normal law."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import sympy as sp
from flint import arb

from theory.claims.claim import Finding
from theory.claims.symbolic import cancels


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


def narrow_proof() -> list[str]:
    """1 - limit^2 = u v / D <= v/u, and <= u/(b (1 + b))^2 v; at u = 0 the limit is -sgn(b (1 + b)). Any b, u, v."""
    b, u, v = sp.symbols("b u v")
    top, root = -b * (1 + b) * v - u, (b * b * v + u) * ((1 + b) ** 2 * v + u)
    excess = sp.expand(root - u * u)
    return [
        cancels(root - top**2 - u * v, "D - numerator^2 = u v, so that 1 - limit^2 = u v / D"),
        cancels(
            excess - v * (b * b * (1 + b) ** 2 * v + u * (b * b + (1 + b) ** 2)), "D >= u^2, so that u v / D <= v/u"
        ),
        cancels((root - top**2).subs(u, 0), "u = 0: limit^2 = 1, and its numerator is -b (1 + b) v"),
        cancels(top.subs(v, 0) + u, "v = 0: the numerator is -u, negative for u > 0"),
    ]


def turn_proof() -> list[str]:
    """d limit/dv = D^(-3/2) (n' D - n D'/2), n the numerator: its sign is that of u (u - b (1 + b) v). Any b, u, v."""
    b, u, v = sp.symbols("b u v")
    top, root = -b * (1 + b) * v - u, (b * b * v + u) * ((1 + b) ** 2 * v + u)
    slope = sp.diff(top, v) * root - top * sp.diff(root, v) / 2
    what = "n' D - n D'/2 = u (u - b (1 + b) v)/2: the limit rises with v below u/(b (1 + b)) and falls above"
    return [cancels(slope - u * (u - b * (1 + b) * v) / 2, what)]
