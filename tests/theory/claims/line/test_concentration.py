"""line.concentration: tails from the law of Ibar in rationals, the toy, edited formulas."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
from flint import arb, fmpq
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.strategies import tables
from tests.theory.claims.edits import Edit, moment, negated, numbers, one_nudged, rational, rotated, turns_red
from tests.theory.claims.line.products import aligned_law, ball, corpora_of, law_of_products, mass_where, moments_of
from theory.alignment.gibbs import Aligned
from theory.claims.claim import Profile
from theory.claims.instances import named
from theory.claims.line.concentration import CLAIM
from theory.claims.running import run_control
from theory.probability import concentration
from theory.probability.information import renyi_entropy


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


def test_chebyshev_says_nothing_of_the_toy() -> None:
    """V = 1.424 gives a bound of 14.24 at N = 100,000 and eps = 0.001."""
    found = named("toy")[0].content
    bound = concentration.chebyshev(found.mean.var_surprisal, 100_000, fmpq(1, 1000))
    assert float(bound) == pytest.approx(14.24068, abs=5e-6)


def test_variance_alone_does_not_bound_the_upper_side() -> None:
    """p+ = (2, 1, 1, 1, 1, 1, 1)/8, N = 1, eps = 1/2: P(I <= H - eps) = 1/4 > exp(-eps^2/(2V)), V = 3/16 log^2 2.

    H - log 4 = (3/4) log 2 = .52 exceeds eps.
    """
    variance, spread = 3 / 16 * math.log(2) ** 2, 0.75 * math.log(2)
    assert spread > 0.5
    assert 0.2496 < math.exp(-0.25 / (2 * variance)) < 0.25 < math.exp(-0.25 / (2 * (variance + spread**2)))
    control = next(control for control in CLAIM.controls if control.name == "variance-only")
    witness = run_control(control, Profile("quick")).witness
    assert witness is not None
    assert witness.case == "p+ = (2, 1, 1, 1, 1, 1, 1), N = 1"
    assert float(witness.value) == pytest.approx(math.exp(-0.25 / (2 * variance)) - 0.25, rel=1e-6)


EDITS: dict[str, Edit] = {
    "I": numbers("surprisal", one_nudged),
    "p+": numbers("prob", rotated),
    "V": moment("var_surprisal", negated),
    "V / 1000": moment("var_surprisal", lambda v: v / 1000),
    "H": moment("entropy", lambda h: h * 2),
}


@pytest.mark.parametrize("edit", EDITS)
@pytest.mark.parametrize("name", ["C3", "C5"])
def test_an_edited_formula_turns_red(edit: str, name: str) -> None:
    """The claim holds on corpora of four, and certainly fails once a sign or one digit of one number is changed."""
    turns_red(CLAIM, corpora_of(name), EDITS[edit])
