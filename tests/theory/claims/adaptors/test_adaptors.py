"""Adaptors: a property for each claim, derivatives by power series and laws in rationals; figures; red formulas."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest
from flint import arb, arb_series, fmpq
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.strategies import models, rationals, weights
from theory.adaptors.exact import adapt, chain, decide
from theory.alignment.gibbs import Aligned
from theory.arithmetic.exact import fraction, objects
from theory.claims.adaptors.budget import CLAIM as BUDGET
from theory.claims.adaptors.exchange import CLAIM as EXCHANGE
from theory.claims.adaptors.models import tempered
from theory.claims.adaptors.none import CLAIM as NONE
from theory.claims.adaptors.slope_bound import CLAIM as SLOPE_BOUND
from theory.claims.adaptors.truncation import CLAIM as TRUNCATION
from theory.claims.claim import Claim
from theory.claims.instances import law_of, named
from theory.examples.finite import table
from theory.models.finite import FiniteModel

TINY = fmpq(1, 10**25)

Tokens = tuple[str, ...]
END = ""


def rational(value: Fraction) -> fmpq:
    return fmpq(value.numerator, value.denominator)


def ln(value: Fraction) -> arb:
    return arb(rational(value)).log()


def parts(aligned: Aligned) -> tuple[list[Fraction], list[Fraction], Fraction, list[Fraction]]:
    """(p, e^R, Z, p+) in rationals."""
    p, x = [fraction(v) for v in aligned.prior], [fraction(r.factor) for r in aligned.reward]
    z = sum((a * b for a, b in zip(p, x, strict=True)), start=Fraction(0))
    return p, x, z, [a * b / z for a, b in zip(p, x, strict=True)]


def share(chosen: Sequence[int], size: int) -> list[Fraction]:
    """A law on ``size`` strings from whole numbers, not all of them 0."""
    k = list(chosen[:size])
    k[0] += not any(k)
    return [Fraction(n, sum(k)) for n in k]


def mean(q: Sequence[Fraction], values: Sequence[arb]) -> arb:
    """E_q f; what has no mass does not count."""
    return sum((v * rational(m) for m, v in zip(q, values, strict=True) if m), start=arb(0))


def covariance(q: Sequence[Fraction], one: Sequence[arb], two: Sequence[arb]) -> arb:
    """E[fg] - E f E g."""
    return mean(q, [a * b for a, b in zip(one, two, strict=True)]) - mean(q, one) * mean(q, two)


def cooled(surprisal: Sequence[arb], tau: fmpq, values: Sequence[arb]) -> arb_series:
    """E f under q_{tau + h}, proportional to e^{-(tau + h) I}, as a power series in h up to h^1."""
    w = [arb_series([-i * tau, -i], prec=2).exp() for i in surprisal]
    return sum((a * v for a, v in zip(w, values, strict=True)), start=arb_series([0], prec=2)) / sum(
        w, start=arb_series([0], prec=2)
    )


def signs(*values: arb) -> set[int]:
    """The certain signs; 0 for a ball around 0."""
    return {1 if v > 0 else -1 if v < 0 else 0 for v in values}


@given(models(), st.sampled_from([fmpq(1, 3), fmpq(1), fmpq(7, 4), fmpq(3)]))
def test_exchange(aligned: Aligned, tau: fmpq) -> None:
    """dE L/dtau = -b V and dE R/dtau = (1 + b) V under q_tau, derivatives by power series.

    b outside [-1, 0] iff Cov < -min(Var L, Var R) iff V < |Var L - Var R|; the larger variance gains on cooling.
    """
    p, x, _, own = parts(aligned)
    assume(len(set(own)) > 1)
    log_prior, reward, surprisal = [ln(v) for v in p], [ln(v) for v in x], [-ln(v) for v in own]
    at = tempered(FiniteModel.of(aligned), tau)
    b, v = at.exchange_coefficient, at.var_surprisal
    slope_l, slope_r = (cooled(surprisal, tau, values)[1] for values in (log_prior, reward))
    assert (slope_l + b * v).contains(0)
    assert (slope_r - (1 + b) * v).contains(0)
    assert slope_l + slope_r > 0
    var_l, var_r, v = (covariance(own, f, f) for f in (log_prior, reward, surprisal))
    b, cov = covariance(own, log_prior, surprisal) / v, covariance(own, log_prior, reward)
    assert (b - FiniteModel.of(aligned).mean.exchange_coefficient).contains(0)
    assert len(signs(b * (1 + b), -cov - arb.min(var_l, var_r), abs(var_l - var_r) - v)) == 1
    if b * (1 + b) > 0:
        slopes = [cooled(surprisal, fmpq(1), values)[1] for values in (log_prior, reward)]
        assert slopes[0] * slopes[1] < 0
        assert signs(slopes[1] - slopes[0]) == signs(var_r - var_l)


@given(models(), st.sampled_from([fmpq(1, 3), fmpq(1), fmpq(2)]))
def test_slope_bound(aligned: Aligned, tau: fmpq) -> None:
    """|dE R/dE L| <= k/(1 - k) for k = sd R/sd I < 1 along q_tau; with two strings and E R rising it is met."""
    p, x, _, own = parts(aligned)
    assume(len(set(own)) > 1)
    log_prior, reward, surprisal = [ln(v) for v in p], [ln(v) for v in x], [-ln(v) for v in own]
    w = [(-i * tau).exp() for i in surprisal]
    q = [v / sum(w, start=arb(0)) for v in w]

    def variance(values: list[arb]) -> arb:
        centre = sum((a * v for a, v in zip(q, values, strict=True)), start=arb(0))
        return sum((a * (v - centre) * (v - centre) for a, v in zip(q, values, strict=True)), start=arb(0))

    ratio = variance(reward) / variance(surprisal)
    assume(len(set(x)) > 1 and ratio < 1)
    k = ratio.sqrt()
    slope_l, slope_r = (cooled(surprisal, tau, values)[1] for values in (log_prior, reward))
    gap = k / (1 - k) * abs(slope_l) - abs(slope_r)
    assert not gap < 0
    if len(own) == 2 and slope_r > 0:
        assert gap.contains(0)
        assert float(gap.rad()) < 1e-40


@given(models(), *[st.lists(st.integers(0, 9), min_size=15, max_size=15)] * 2)
def test_budget(aligned: Aligned, one: list[int], two: list[int]) -> None:
    """E_q L + E_q R + H(q) = log Z - KL(q||p+) <= log Z for every q; between two, dE R/dE L = -1 - dCE/dE L."""
    p, x, z, own = parts(aligned)
    log_prior, reward = [ln(v) for v in p], [ln(v) for v in x]
    found = FiniteModel.of(aligned)
    means = []
    for q in (share(one, len(p)), share(two, len(p))):
        entropy = -mean(q, [ln(m) if m else arb(0) for m in q])
        divergence = mean(q, [ln(m / a) if m else arb(0) for m, a in zip(q, own, strict=True)])
        e_l, e_r = mean(q, log_prior), mean(q, reward)
        assert (e_l + e_r + entropy - ln(z) + divergence).contains(0)
        assert q == own or e_l + e_r + entropy < ln(z)
        at = found.moments(law_of(found, [rational(m) for m in q]))
        ours = (e_l, e_r, entropy, divergence, entropy + divergence)
        names = ("mean_log_prior", "mean_reward", "entropy", "kl_to_aligned", "cross_entropy")
        assert all((getattr(at, name) - value).contains(0) for name, value in zip(names, ours, strict=True))
        means.append((e_l, e_r, mean(q, [-ln(a) for a in own])))
    (l_1, r_1, c_1), (l_2, r_2, c_2) = means
    if l_1 - l_2 != 0:
        assert ((r_1 - r_2) / (l_1 - l_2) + 1 + (c_1 - c_2) / (l_1 - l_2)).contains(0)


def next_laws(strings: dict[Tokens, Fraction], alphabet: Sequence[str]) -> dict[Tokens, dict[str, Fraction]]:
    """p+(t | u) at every prefix of positive mass, tokens in the alphabet's order, the end last."""
    mass: dict[Tokens, dict[str, Fraction]] = {}
    for y, m in strings.items():
        for place, token in enumerate((*y, END)):
            row = mass.setdefault(y[:place], dict.fromkeys((*alphabet, END), Fraction(0)))
            row[token] += m
    return {u: {t: m / sum(row.values()) for t, m in row.items() if m} for u, row in mass.items()}


def kept(name: str, value: Fraction, row: dict[str, Fraction]) -> set[str]:
    """What the adaptor keeps of a next-token law: by falling probability, ties in the alphabet's order."""
    falling = sorted(row, key=lambda t: -row[t])
    if name == "top_k":
        return set(falling[: int(value)])
    if name == "nucleus":
        runs = (falling[:length] for length in range(1, len(falling) + 1))
        return set(next(run for run in runs if sum(row[t] for t in run) >= value))
    least = value if name == "epsilon" else value * row[falling[0]]
    return {t for t in row if row[t] >= least} or {falling[0]}


TRUNCATIONS = st.one_of(
    st.tuples(st.just("top_k"), st.integers(1, 3).map(Fraction)),
    st.tuples(st.sampled_from(["nucleus", "epsilon", "min_p"]), st.integers(1, 12).map(lambda k: Fraction(k, 12))),
)


@given(models(), TRUNCATIONS)
def test_truncation(aligned: Aligned, adaptor: tuple[str, Fraction]) -> None:
    """CE(q_glob) = H(q_glob) - log p+(S), KL(q_loc||p+) = -E_loc sum log c_t, and both local divergences differ by
    log p+(S). Keeping {I <= c} raises E L + E R.

    Kept sets, c_t and both laws are made here, prefix by prefix in rationals.
    """
    own = parts(aligned)[3]
    names = [tuple(aligned.tree.tokens(int(node))) for node in aligned.node]
    rows = next_laws(dict(zip(names, own, strict=True)), aligned.tree.alphabet)
    sums: dict[int, Fraction] = {}
    for y, name in enumerate(names):
        steps = [(name[:place], token) for place, token in enumerate((*name, END))]
        if all(token in kept(*adaptor, rows[u]) for u, token in steps):
            factors = (sum((rows[u][t] for t in kept(*adaptor, rows[u])), start=Fraction(0)) for u, _ in steps)
            sums[y] = math.prod(factors, start=Fraction(1))
    total = sum((own[y] for y in sums), start=Fraction(0))
    local = [own[y] / sums[y] if y in sums else Fraction(0) for y in range(len(own))]
    whole = [own[y] / total if y in sums else Fraction(0) for y in range(len(own))]
    assert sum(local) == 1

    def divergence(q: list[Fraction], other: list[Fraction]) -> arb:
        return mean(q, [ln(m / o) if m else arb(0) for m, o in zip(q, other, strict=True)])

    entropy = -mean(whole, [ln(m) if m else arb(0) for m in whole])
    assert (mean(whole, [-ln(m) for m in own]) - entropy + ln(total)).contains(0)
    drift = mean(local, [ln(sums[y]) if y in sums else arb(0) for y in range(len(own))])
    assert (divergence(local, own) + drift).contains(0)
    assert (divergence(local, whole) - divergence(local, own) - ln(total)).contains(0)
    found = FiniteModel.of(aligned)
    decided = decide(found.numbers, chain((adaptor[0], rational(adaptor[1]))))
    for normalise, expected in (("local", local), ("global", whole)):
        law = adapt(found.numbers, decided, normalise)
        assert law.string.tolist() == sorted(sums)
        assert all((q - rational(expected[y])).contains(0) for y, q in zip(law.string, law.prob, strict=True))
    for least in sorted(set(own))[1:]:
        likely = [m if m >= least else Fraction(0) for m in own]
        conditional = [m / sum(likely) for m in likely]
        assert mean(conditional, [-ln(m) for m in own]) < mean(own, [-ln(m) for m in own])


@given(
    weights(2, 5), weights(5, 5), st.lists(st.integers(0, 9), min_size=5, max_size=5), rationals(), st.integers(1, 5)
)
def test_none(prior: list[int], factors: list[int], chosen: list[int], tau: fmpq, count: int) -> None:
    """Where p and e^R rise together: Cov_q(L, I), Cov_q(R, I) <= 0 for every q, so that no temperature and no top-k
    moves E L and E R apart. C1: E_q R = E_q L + log 7 for every q.
    """
    n = len(prior)
    aligned = table(sorted(prior), sorted(factors[:n]))
    p, x, _, own = parts(aligned)
    log_prior, reward, surprisal = [ln(v) for v in p], [ln(v) for v in x], [-ln(v) for v in own]
    q = share(chosen, n)
    twice = [arb(0), arb(0)]
    for (m, i, l, r), (m_, i_, l_, r_) in itertools.product(
        zip(q, surprisal, log_prior, reward, strict=True), repeat=2
    ):
        twice[0] += (l - l_) * (i - i_) * rational(m * m_)
        twice[1] += (r - r_) * (i - i_) * rational(m * m_)
    for values, double in ((log_prior, twice[0]), (reward, twice[1])):
        assert (covariance(q, values, surprisal) * 2 - double).contains(0)
        assert not double > 0
    found = FiniteModel.of(aligned)
    before = found.mean
    for steps in (chain(("temperature", tau)), chain(("top_k", count))):
        for normalise in ("local", "global"):
            after = found.moments(found.law(steps, normalise))
            moves = after.mean_log_prior - before.mean_log_prior, after.mean_reward - before.mean_reward
            assert not moves[0] * moves[1] < 0
    exponents = chosen[:3]
    c_1 = [Fraction(k, 7) for k in (1, 2, 4)]
    left = math.prod(Fraction(v) ** k for v, k in zip((1, 2, 4), exponents, strict=True))
    assert left == 7 ** sum(exponents) * math.prod(v**k for v, k in zip(c_1, exponents, strict=True))


# --- figures ------------------------------------------------------------------------------------------------------


def moves(name: str, normalise: str) -> list[int]:
    """The signs of the change of E L and E R from T = 1 to T = 1/2."""
    found: FiniteModel = named(name)[0].content
    after = found.moments(found.law(chain(("temperature", "1/2")), normalise))
    changes = (after.mean_log_prior - found.mean.mean_log_prior, after.mean_reward - found.mean.mean_reward)
    return [1 if change > 0 else -1 if change < 0 else 0 for change in changes]


@pytest.mark.parametrize(
    ("name", "normalise", "expected"),
    [
        ("C1", "global", [1, 1]),
        ("C2", "local", [-1, -1]),
        ("C2", "global", [1, 1]),
        ("C3", "global", [1, 1]),
        ("C4", "global", [-1, 1]),
        ("C5", "global", [1, -1]),
    ],
)
def test_what_cooling_does(name: str, normalise: str, expected: list[int]) -> None:
    """(E L, E R) from T = 1 to T = 1/2: C4 trades L for R, C5 R for L, C2 turns with the normalisation."""
    assert moves(name, normalise) == expected


def test_c5_in_float64() -> None:
    """C5: p+ = (2, 3, 6)/11 and b = -1.924, so the slope -(1 + b)/b is -.480; C4: b = 1/2 and a slope of -3."""
    q, prior = [2 / 11, 3 / 11, 6 / 11], [1 / 11, 2 / 11, 8 / 11]
    log_prior, surprisal = [math.log(v) for v in prior], [-math.log(v) for v in q]
    e_l, e_i = (sum(m * v for m, v in zip(q, values, strict=True)) for values in (log_prior, surprisal))
    cov = sum(m * (l - e_l) * (i - e_i) for m, l, i in zip(q, log_prior, surprisal, strict=True))
    b = cov / sum(m * (i - e_i) ** 2 for m, i in zip(q, surprisal, strict=True))
    assert b == pytest.approx(-1.924, abs=5e-4)
    assert float(named("C5")[0].content.mean.exchange_coefficient) == pytest.approx(b, rel=1e-13)
    assert (named("C4")[0].content.mean.exchange_coefficient - fmpq(1, 2)).contains(0)
    for name, slope in (("C5", -(1 + b) / b), ("C4", -3.0)):
        found: FiniteModel = named(name)[0].content
        surprisals = list(found.numbers.surprisal)
        tangents = [cooled(surprisals, fmpq(1), list(v))[1] for v in (found.numbers.log_prior, found.numbers.reward)]
        assert float(tangents[1] / tangents[0]) == pytest.approx(slope, rel=1e-12)


def test_c1_lies_on_one_line() -> None:
    """C1: e^R = 7 p, so E_q R = E_q L + log 7 whatever an adaptor does."""
    found: FiniteModel = named("C1")[0].content
    for name, value in (
        ("temperature", "1/2"),
        ("temperature", 3),
        ("top_k", 1),
        ("nucleus", "4/5"),
        ("typical", "1/5"),
    ):
        for normalise in ("local", "global"):
            at = found.moments(found.law(chain((name, value)), normalise))
            assert (at.mean_reward - at.mean_log_prior - arb(7).log()).contains(0)


def test_c3_under_every_truncation() -> None:
    """C3: p+ = (1, 4, 12)/17 given any of the six smaller supports moves E L and E R the same way, in float64."""
    q, log_prior, reward = (1, 4, 12), [math.log(k / 7) for k in (1, 2, 4)], [math.log(k) for k in (1, 2, 3)]

    def means(support: Sequence[int]) -> list[float]:
        total = sum(q[y] for y in support)
        return [sum(q[y] * values[y] for y in support) / total for values in (log_prior, reward)]

    whole = means(range(3))
    for size in (1, 2):
        for support in itertools.combinations(range(3), size):
            at = means(support)
            assert (at[0] - whole[0]) * (at[1] - whole[1]) > 1e-4


def test_toy_does_not_trade() -> None:
    """b = -.018 lies in [-1, 0]: cooling the toy raises both."""
    assert float(named("toy")[0].content.mean.exchange_coefficient) == pytest.approx(-0.018117, abs=5e-7)
    assert moves("toy", "global") == [1, 1]


def test_slope_bound_is_met_by_two_strings() -> None:
    """p = e^R = (1, 2): k = 1/2, so the bound is 1, and dE R = dE L."""
    found = FiniteModel.of(table((1, 2), (1, 2)))
    assert (found.mean.var_reward * 4 - found.mean.var_surprisal).contains(0)
    at = found.mean.exchange_coefficient
    assert (at + fmpq(1, 2)).contains(0)
    assert {finding.outcome for finding in SLOPE_BOUND.check(found)} == {"holds"}


# --- formulas that turn red ---------------------------------------------------------------------------------------

Edit = Callable[[FiniteModel], FiniteModel]


def numbers(name: str, change: Callable[[Any], Any]) -> Edit:
    """The instance with one of its arrays changed."""
    return lambda found: replace(found, numbers=replace(found.numbers, **{name: change(getattr(found.numbers, name))}))


def moment(name: str, change: Callable[[Any], Any]) -> Edit:
    """The instance with one of its moments changed."""
    return lambda found: replace(found, mean=replace(found.mean, **{name: change(getattr(found.mean, name))}))


def negated(value: Any) -> Any:
    return -value


def nudged(value: Any) -> Any:
    return value + TINY


def one_nudged(values: Any) -> Any:
    """The last entry alone is changed."""
    return objects([*values[:-1], values[-1] + TINY])


def rotated(values: Any) -> Any:
    """Every string has the number of the next."""
    return objects([*values[1:], values[0]])


EDITS: dict[str, tuple[Claim, str, Edit]] = {
    "exchange, L": (EXCHANGE, "C5", numbers("log_prior", one_nudged)),
    "exchange, R": (EXCHANGE, "C5", numbers("reward", negated)),
    "exchange, one R": (EXCHANGE, "C2", numbers("reward", one_nudged)),
    "exchange, I": (EXCHANGE, "C3", numbers("surprisal", one_nudged)),
    "exchange, Cov(L, I)": (EXCHANGE, "C4", moment("cov_log_prior_surprisal", negated)),
    "exchange, Cov": (EXCHANGE, "C4", moment("cov", negated)),
    "exchange, V": (EXCHANGE, "C4", moment("var_surprisal", lambda v: 4 * v)),
    "exchange, Var L": (EXCHANGE, "C4", moment("var_log_prior", lambda v: 2 * v)),
    "slope-bound, R": (SLOPE_BOUND, "C3", numbers("reward", lambda r: r / 4)),
    "slope-bound, R of a line": (SLOPE_BOUND, "C1", numbers("reward", lambda r: r * (1 + TINY))),
    "slope-bound, L": (SLOPE_BOUND, "C3", numbers("log_prior", lambda l: l * 0)),
    "budget, R": (BUDGET, "C5", numbers("reward", negated)),
    "budget, one R": (BUDGET, "C2", numbers("reward", one_nudged)),
    "budget, one L": (BUDGET, "C3", numbers("log_prior", one_nudged)),
    "budget, log Z": (BUDGET, "C3", numbers("log_partition", nudged)),
    "budget, one I": (BUDGET, "C3", numbers("surprisal", one_nudged)),
    "budget, p+": (BUDGET, "C3", numbers("prob", rotated)),
    "truncation, p+": (TRUNCATION, "C5", numbers("prob", rotated)),
    "truncation, one p+": (TRUNCATION, "C2", numbers("prob", one_nudged)),
    "truncation, one I": (TRUNCATION, "C2", numbers("surprisal", one_nudged)),
    "truncation, p+ of a prefix": (TRUNCATION, "C2", numbers("prefix_prob", one_nudged)),
    "truncation, H": (TRUNCATION, "C2", moment("entropy", negated)),
    "none, R": (NONE, "C3", numbers("reward", negated)),
    "none, L": (NONE, "C3", numbers("log_prior", rotated)),
    "none, E R": (NONE, "C3", moment("mean_reward", negated)),
    "none, E L": (NONE, "C3", moment("mean_log_prior", lambda e: e / 2)),
}


@pytest.mark.parametrize("edit", EDITS)
def test_an_edited_formula_turns_red(edit: str) -> None:
    """The claim holds on the model, and certainly fails once a sign or a digit of one number is changed."""
    claim, name, change = EDITS[edit]
    found: FiniteModel = named(name)[0].content
    assert {finding.outcome for finding in claim.check(found)} == {"holds"}
    assert "fails" in {finding.outcome for finding in claim.check(change(found))}


@pytest.mark.parametrize("name", ["reward", "log_prior"])
def test_an_edited_line_turns_red(name: str) -> None:
    """C1 with one L or R off by 1e-25: E R = E L + log 7 certainly fails."""
    found: FiniteModel = named("C1")[0].content
    assert {finding.outcome for finding in NONE.check((found,))} == {"holds"}
    assert "fails" in {finding.outcome for finding in NONE.check((numbers(name, one_nudged)(found),))}
