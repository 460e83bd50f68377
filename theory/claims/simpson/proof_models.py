"""What simpson.crossing proves by computer algebra: total covariance over adaptors, in symbols."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import sympy as sp

from theory.claims.symbolic import cancels, covariance, mean, simplex


def total_proof() -> list[str]:
    """Cov = W/N + B, with N a symbol and corpus by corpus."""
    return [
        *(_generating_function(adaptors) for adaptors in (2, 3)),
        *(_enumeration(strings, number) for strings, number in ((2, 2), (2, 3), (3, 3))),
    ]


def sign_proof() -> list[str]:
    """The covariance at N and at 1 in terms of B and N* = -W/B."""
    size, within, between = sp.symbols("N W B")
    turn = -within / between
    return [
        cancels(within / size + between - between * (1 - turn / size), "W/N + B = B (1 - N*/N)"),
        cancels(within + between + between * (turn - 1), "W + B = -B (N* - 1): N* > 1 iff (W + B)/B < 0"),
        cancels(within + between * turn, "W = -B N*: of N* > 1 it follows that W and B have opposite signs"),
    ]


def mixed_proof() -> list[str]:
    """Every string draws its adaptor: Cov = (W + B)/N, with N a symbol and corpus by corpus."""
    return [
        *(_generating_function(adaptors, mixed=True) for adaptors in (2, 3)),
        *(_enumeration(strings, 2, mixed=True) for strings in (2, 3)),
    ]


def _generating_function(adaptors: int, *, mixed: bool = False) -> str:
    """With N a symbol: Cov from E e^{s Lbar + t Rbar} at s = t = 0, sum_k w_k phi_k(s/N, t/N)^N or (sum_k w_k phi_k)^N.

    phi_k = E_k e^{sL + tR} = 1 + s E_k L + t E_k R + s t E_k[L R] + (terms in s^2 and t^2, which no derivative sees).
    """
    s, t = sp.symbols("s t")
    size = sp.Symbol("N", positive=True)
    weight = simplex(adaptors, "w")
    moments = [sp.symbols(f"l{k} r{k} lr{k}") for k in range(1, adaptors + 1)]
    phi = [1 + s * l / size + t * r / size + s * t * both / size**2 for l, r, both in moments]
    transform = mean(weight, phi) ** size if mixed else mean(weight, [one**size for one in phi])
    first, second, cross = (sp.diff(transform, *by).subs({s: 0, t: 0}) for by in ((s,), (t,), (s, t)))
    within = mean(weight, [both - l * r for l, r, both in moments])
    between = covariance(weight, [l for l, _, _ in moments], [r for _, r, _ in moments])
    claimed = (within + between) / size if mixed else within / size + between
    name = "(W + B)/N, mixed string by string," if mixed else "W/N + B"
    what = f"Cov(Lbar, Rbar) = {name} for every N and any {adaptors} laws of (L, R)"
    return cancels(cross - first * second - claimed, what)


def _enumeration(strings: int, size: int, *, mixed: bool = False) -> str:
    """The same on all corpora of N strings from two adaptors."""
    weight, laws = simplex(2, "w"), [simplex(strings, "q"), simplex(strings, "u")]
    log_prior, reward = sp.symbols(f"L1:{strings + 1}"), sp.symbols(f"R1:{strings + 1}")
    within = mean(weight, [covariance(q, log_prior, reward) for q in laws])
    between = covariance(weight, [mean(q, log_prior) for q in laws], [mean(q, reward) for q in laws])
    corpora = list(itertools.product(range(strings), repeat=size))
    averages = [[sp.Add(*(v[y] for y in corpus)) / size for corpus in corpora] for v in (log_prior, reward)]

    def law_of_corpora(q: Sequence[sp.Expr]) -> list[sp.Expr]:
        return [sp.Mul(*(q[y] for y in corpus)) for corpus in corpora]

    if mixed:
        law = law_of_corpora([mean(weight, column) for column in zip(*laws, strict=True)])
    else:
        law = [mean(weight, column) for column in zip(*map(law_of_corpora, laws), strict=True)]
    claimed, name = ((within + between) / size, "(W + B)/N") if mixed else (within / size + between, "W/N + B")
    what = f"corpus by corpus, N = {size}, {strings} strings: {name}"
    return cancels(covariance(law, *averages) - claimed, what)
