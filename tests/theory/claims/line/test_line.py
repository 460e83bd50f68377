"""The line: a property for each claim with the law of Ibar kept in rationals, figures, formulas that turn red."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from flint import arb, fmpq
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.strategies import models, tables
from theory.alignment.gibbs import Aligned
from theory.arithmetic.exact import floats, fraction, objects
from theory.claims.claim import Claim
from theory.claims.instances import named
from theory.claims.line.concentration import CLAIM as CONCENTRATION
from theory.claims.line.exact_typicality import CLAIM as EXACT_TYPICALITY
from theory.claims.line.identity import CLAIM as IDENTITY
from theory.claims.line.models import SizedCorpus, sized
from theory.corpora.atoms import atoms
from theory.corpora.inversion import by_inversion
from theory.corpora.multinomial import by_multinomial
from theory.corpora.typicality import by_enumeration, typical_corpora
from theory.models.finite import FiniteModel
from theory.probability import concentration
from theory.probability.information import renyi_entropy

TINY = fmpq(1, 10**25)


def rational(value: Fraction) -> fmpq:
    return fmpq(value.numerator, value.denominator)


def ball(value: Fraction) -> arb:
    return arb(rational(value))


def aligned_law(aligned: Aligned) -> list[Fraction]:
    """p+ = p e^R / Z in rationals."""
    weight = [fraction(p) * fraction(r.factor) for p, r in zip(aligned.prior, aligned.reward, strict=True)]
    return [w / sum(weight) for w in weight]


def law_of_products(q: list[Fraction], size: int) -> dict[Fraction, Fraction]:
    """The law of W = q(y_1) ... q(y_N) = e^{-N Ibar}: equal surprisals are equal rationals."""
    found = {Fraction(1): Fraction(1)}
    for _ in range(size):
        longer: dict[Fraction, Fraction] = {}
        for (w, mass), p in itertools.product(found.items(), q):
            longer[w * p] = longer.get(w * p, Fraction(0)) + mass * p
        found = longer
    return found


def moments_of(q: list[Fraction]) -> tuple[arb, arb, arb]:
    """(H, V, E|I - H|^3) of the surprisal I = -log q."""
    entropy = sum((-ball(p).log() * rational(p) for p in q), start=arb(0))
    gaps = [-ball(p).log() - entropy for p in q]
    variance = sum((g * g * rational(p) for g, p in zip(gaps, q, strict=True)), start=arb(0))
    return entropy, variance, sum((abs(g * g * g) * rational(p) for g, p in zip(gaps, q, strict=True)), start=arb(0))


def mass_where(law: dict[Fraction, Fraction], size: int, event: Callable[[arb], Any]) -> Fraction:
    """P of an event of Ibar."""
    return sum((mass for w, mass in law.items() if event(-ball(w).log() / size)), start=Fraction(0))


def test_law_of_products() -> None:
    """C4, N = 2: Ibar takes the values of W = 4/25, 2/25, 1/25 with probability 16, 8 and 1 in 25."""
    law = law_of_products([Fraction(2, 5), Fraction(1, 5), Fraction(2, 5)], 2)
    assert law == {Fraction(k, 25): Fraction(m, 25) for k, m in ((4, 16), (2, 8), (1, 1))}


@given(models(), st.lists(st.integers(0, 14), min_size=1, max_size=8))
def test_identity(aligned: Aligned, drawn: list[int]) -> None:
    """Lbar + Rbar = log Z - Ibar: prod p e^R = Z^N prod p+ over any corpus, in rationals, and the averages in balls."""
    corpus = [k % len(aligned) for k in drawn]
    size = len(corpus)
    p, x = [fraction(v) for v in aligned.prior], [fraction(r.factor) for r in aligned.reward]
    z = sum(a * b for a, b in zip(p, x, strict=True))
    both = math.prod((p[y] * x[y] for y in corpus), start=Fraction(1))
    own = math.prod((aligned_law(aligned)[y] for y in corpus), start=Fraction(1))
    assert both == z**size * own
    numbers = aligned.balls()
    l_bar, r_bar, i_bar = (
        sum((values[y] for y in corpus), start=arb(0)) / size
        for values in (numbers.log_prior, numbers.reward, numbers.surprisal)
    )
    assert (l_bar + r_bar - numbers.log_partition + i_bar).contains(0)
    assert (l_bar + r_bar - ball(both).log() / size).contains(0)
    assert (i_bar + ball(own).log() / size).contains(0)


@given(
    tables(2, 4, 8),
    st.integers(1, 4),
    st.sampled_from([fmpq(1, 20), fmpq(1, 4), fmpq(2, 3), fmpq(3, 2)]),
    st.sampled_from([fmpq(1, 7), fmpq(1, 2), fmpq(3, 4), fmpq(2), fmpq(5)]),
)
def test_concentration(aligned: Aligned, size: int, epsilon: fmpq, order: fmpq) -> None:
    """P(|Ibar - H| >= eps) <= V/(N eps^2); P(Ibar <= H - eps) <= exp(-N eps^2/(2[V + (H - min I)^2])).

    P(+-(Ibar - H) >= eps) <= E e^{+-s (I - H - +-eps)} to the N, log E e^{sI} = s H_{1-s}; and
    |F - Phi| <= .4748 E|I - H|^3/(V^{3/2} sqrt N).
    """
    q = aligned_law(aligned)
    assume(len(set(q)) > 1)
    entropy, variance, third = moments_of(q)
    law = law_of_products(q, size)
    low = mass_where(law, size, lambda i: i <= entropy - epsilon)
    high = mass_where(law, size, lambda i: i >= entropy + epsilon)
    chebyshev = variance / (size * epsilon * epsilon)
    assert chebyshev > rational(low + high)
    assert concentration.chebyshev(variance, size, epsilon).overlaps(chebyshev)
    spread = entropy + ball(max(q)).log()
    above = (-(size * epsilon * epsilon) / (2 * (variance + spread * spread))).exp()
    assert above > rational(low)
    assert concentration.one_sided_above(variance, spread, size, arb(epsilon)).overlaps(above)
    for s, tail, edge in ((order, high, entropy + epsilon), (-order, low, entropy - epsilon)):
        moment = sum(((ball(p).log() * (1 - s)).exp() for p in q), start=arb(0))
        assert (moment.log() * size - edge * s * size).exp() > rational(tail)
        assert concentration.chernoff(moment.log(), s, size, edge) > rational(tail)
        if 1 - s > 0:
            assert (renyi_entropy(aligned.balls().prob, 1 - s) * s - moment.log()).contains(0)
    bound = third * fmpq(4748, 10000) / (variance * variance.sqrt() * arb(size).sqrt())
    assert concentration.berry_esseen(third, variance, size).overlaps(bound)
    below = Fraction(0)
    for w in sorted(law, reverse=True):
        normal = (1 + ((-ball(w).log() / size - entropy) * (size / (2 * variance)).sqrt()).erf()) / 2
        assert bound > abs(normal - rational(below))
        below += law[w]
        assert bound > abs(normal - rational(below))
    assert below == 1


@given(tables(2, 4, 5), st.integers(1, 6), st.sampled_from([fmpq(1, 30), fmpq(1, 5), fmpq(1, 2), fmpq(2)]))
def test_exact_typicality(aligned: Aligned, size: int, epsilon: fmpq) -> None:
    """P(|Ibar - H| < eps): the N-fold product of the law of p+ in rationals, against each route of the toolkit."""
    q = aligned_law(aligned)
    entropy = moments_of(q)[0]
    expected = mass_where(law_of_products(q, size), size, lambda i: abs(i - entropy) < epsilon)
    found = FiniteModel.of(aligned)
    law = atoms(found.numbers)
    windows = [typical_corpora(law, size, epsilon)]
    if len(law) > 1:
        windows += [by_multinomial(law, size, epsilon), by_enumeration(law, size, epsilon)]
    for window in windows:
        assert window.error is None
        assert (window.mass - rational(expected)).contains(0)
        assert float(window.mass.rad()) < 1e-40


def gil_pelaez(q: Any, size: int, epsilon: float, step: float, count: int) -> float:
    """P(|S| < N eps) = (1/pi) int phi(u)^N sin(u N eps)/u du, phi of I - H, by the trapezoidal rule in float64."""
    surprisal = -np.log(q)
    centred = surprisal - q @ surprisal
    u = step * np.arange(1, count + 1)
    phi = np.exp(1j * np.outer(u, centred)) @ q
    half = size * epsilon
    return float(step / np.pi * (half + 2 * ((phi**size).real * np.sin(u * half) / u).sum()))


def test_typical_share_of_the_toy() -> None:
    """N = 100,000 and eps = 0.001: 0.20899, along 60 frequencies written out here; the notebook counted 213 of 1000."""
    found = named("toy")[0].content
    q = floats(found.numbers.prob)
    direct = gil_pelaez(q, 100_000, 0.001, 5e-4, 60)
    assert direct == pytest.approx(0.2089852674, abs=1e-10)
    assert direct == pytest.approx(gil_pelaez(q, 100_000, 0.001, 4e-4, 80), abs=1e-12)
    window = by_inversion(atoms(found.numbers), 100_000, fmpq(1, 1000))
    assert float(window.mass) == pytest.approx(direct, abs=1e-11)
    assert abs(0.213 - direct) < math.sqrt(direct * (1 - direct) / 1000)


def test_chebyshev_says_nothing_of_the_toy() -> None:
    """V = 1.424 gives a bound of 14.24 at N = 100,000 and eps = 0.001."""
    found = named("toy")[0].content
    bound = concentration.chebyshev(found.mean.var_surprisal, 100_000, fmpq(1, 1000))
    assert float(bound) == pytest.approx(14.24068, abs=5e-6)


def test_entropies_of_the_toy() -> None:
    """The notebook prints 5.01 for p+ and 6.87 for p; numpy draws them again."""
    rng = np.random.RandomState(42)
    own = rng.dirichlet([0.1] * 1000)
    logits = own ** (1 / 42) + rng.uniform(-0.42, 0.42, 1000)
    prior = np.exp(logits) / np.exp(logits).sum()
    positive = own[own > 0]
    assert -(positive @ np.log(positive)) == pytest.approx(5.01, abs=0.005)
    assert -(prior @ np.log(prior)) == pytest.approx(6.87, abs=0.005)
    found = named("toy")[0].content
    assert float(found.mean.entropy) == pytest.approx(-(positive @ np.log(positive)), rel=1e-12)
    assert -float((found.aligned.prior * found.numbers.log_prior).sum()) == pytest.approx(
        -(prior @ np.log(prior)), rel=1e-12
    )


# --- formulas that turn red ---------------------------------------------------------------------------------------

Edit = Callable[[SizedCorpus], SizedCorpus]


def numbers(name: str, change: Callable[[Any], Any]) -> Edit:
    """The corpora with one array of their model changed."""

    def edited(content: SizedCorpus) -> SizedCorpus:
        old = content.found.numbers
        return replace(
            content, found=replace(content.found, numbers=replace(old, **{name: change(getattr(old, name))}))
        )

    return edited


def mean(name: str, change: Callable[[Any], Any]) -> Edit:
    """The corpora with one moment of their model changed."""

    def edited(content: SizedCorpus) -> SizedCorpus:
        old = content.found.mean
        return replace(content, found=replace(content.found, mean=replace(old, **{name: change(getattr(old, name))})))

    return edited


def corpora(name: str, change: Callable[[Any], Any]) -> Edit:
    """The corpora with one of their own arrays changed."""

    def edited(content: SizedCorpus) -> SizedCorpus:
        old = content.corpora
        return replace(content, corpora=replace(old, **{name: change(getattr(old, name))}))

    return edited


def negated(value: Any) -> Any:
    return -value


def nudged(value: Any) -> Any:
    return value + TINY


def one_nudged(values: Any) -> Any:
    """The last entry alone is changed."""
    return objects([*values[:-1], values[-1] + TINY])


def rotated(values: Any) -> Any:
    """Every entry is that of the next."""
    return objects([*values[1:], values[0]])


EDITS: dict[str, tuple[Claim, Edit]] = {
    "identity, Lbar": (IDENTITY, corpora("log_prior", negated)),
    "identity, one Lbar": (IDENTITY, corpora("log_prior", one_nudged)),
    "identity, Rbar": (IDENTITY, corpora("reward", negated)),
    "identity, one Rbar": (IDENTITY, corpora("reward", one_nudged)),
    "identity, log Z": (IDENTITY, numbers("log_partition", nudged)),
    "identity, Ibar": (IDENTITY, numbers("surprisal", one_nudged)),
    "identity, counts": (IDENTITY, corpora("counts", lambda rows: rows[::-1])),
    "concentration, I": (CONCENTRATION, numbers("surprisal", one_nudged)),
    "concentration, p+": (CONCENTRATION, numbers("prob", rotated)),
    "concentration, V": (CONCENTRATION, mean("var_surprisal", negated)),
    "concentration, V / 1000": (CONCENTRATION, mean("var_surprisal", lambda v: v / 1000)),
    "concentration, H": (CONCENTRATION, mean("entropy", lambda h: h * 2)),
    "typicality, H": (EXACT_TYPICALITY, mean("entropy", nudged)),
    "typicality, -H": (EXACT_TYPICALITY, mean("entropy", negated)),
    "typicality, p+": (EXACT_TYPICALITY, numbers("prob", rotated)),
    "typicality, one p+": (EXACT_TYPICALITY, numbers("prob", one_nudged)),
    "typicality, L": (EXACT_TYPICALITY, numbers("log_prior", one_nudged)),
    "typicality, P": (EXACT_TYPICALITY, corpora("prob", lambda mass: mass * (1 + fmpq(1, 10**25)))),
    "typicality, Lbar": (EXACT_TYPICALITY, corpora("log_prior", negated)),
}


@pytest.mark.parametrize("edit", EDITS)
@pytest.mark.parametrize("name", ["C3", "C5"])
def test_an_edited_formula_turns_red(edit: str, name: str) -> None:
    """The claim holds on corpora of four, and certainly fails once a sign or one digit of one number is changed."""
    claim, change = EDITS[edit]
    (one,) = sized(named(name), (4,), fmpq(1, 2))
    assert {finding.outcome for finding in claim.check(one.content)} == {"holds"}
    assert "fails" in {finding.outcome for finding in claim.check(change(one.content))}


def test_an_edited_toy_turns_red() -> None:
    """One string in a thousand with a reward that is off by 1e-25 breaks the identity."""
    found: FiniteModel = named("toy")[0].content
    changed = replace(found, numbers=replace(found.numbers, reward=one_nudged(found.numbers.reward)))
    assert [finding.outcome for finding in IDENTITY.check(found)] == ["holds"]
    assert [finding.outcome for finding in IDENTITY.check(changed)] == ["fails"]
