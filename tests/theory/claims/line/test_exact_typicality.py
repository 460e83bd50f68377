"""line.exact-typicality: the law of Ibar in rationals, the toy along frequencies, edited formulas."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from flint import fmpq
from hypothesis import given
from hypothesis import strategies as st

from tests.strategies import tables
from tests.theory.claims.edits import (
    Edit,
    moment,
    negated,
    nudged,
    numbers,
    of_corpora,
    one_nudged,
    rational,
    rotated,
    turns_red,
)
from tests.theory.claims.line.products import aligned_law, corpora_of, law_of_products, mass_where, moments_of
from theory.alignment.gibbs import Aligned
from theory.arithmetic.exact import floats
from theory.claims.instances import named
from theory.claims.line.exact_typicality import CLAIM, Edge
from theory.corpora.atoms import atoms
from theory.corpora.inversion import by_inversion
from theory.corpora.multinomial import by_multinomial
from theory.corpora.typicality import by_enumeration, typical_corpora
from theory.examples.finite import table
from theory.models.finite import FiniteModel


def test_law_of_products() -> None:
    """C4, N = 2: Ibar takes the values of W = 4/25, 2/25, 1/25 with probability 16, 8 and 1 in 25."""
    law = law_of_products([Fraction(2, 5), Fraction(1, 5), Fraction(2, 5)], 2)
    assert law == {Fraction(k, 25): Fraction(m, 25) for k, m in ((4, 16), (2, 8), (1, 1))}


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


@pytest.mark.parametrize(
    ("size", "reach", "inside", "edge"),
    [
        (1, fmpq(2, 3), fmpq(2, 3), fmpq(1, 3)),
        (1, fmpq(1, 2), fmpq(2, 3), fmpq(0)),
        (2, fmpq(2, 3), fmpq(8, 9), fmpq(1, 9)),
    ],
)
def test_an_edge_counts_half(size: int, reach: fmpq, inside: fmpq, edge: fmpq) -> None:
    """p+ = (1, 2)/3, I - H = (2/3, -1/3) log 2: at N = 1, eps = (2/3) log 2 the integral is 2/3 + (1/3)/2 = 5/6.

    Old: "P(|Ibar - H| < eps) = (1/pi) int phi^N sin(N u eps)/u du".
    """
    content = Edge(FiniteModel.of(table((1, 1), (1, 2))), size, reach)
    assert content.deviations == [fmpq(2, 3), fmpq(-1, 3)]
    assert content.probability(fmpq(0)) == inside
    assert content.probability(fmpq(1)) - inside == edge
    assert abs(content.integral() - inside - edge / 2) < 1e-25
    assert [f.outcome for f in CLAIM.check(content)] == ["holds"]


def test_a_wrong_share_of_the_edge_turns_red() -> None:
    content = Edge(FiniteModel.of(table((1, 1), (1, 2))), 1, fmpq(2, 3))
    control = next(control for control in CLAIM.controls if control.name == "edge-left-out")
    (finding,) = control.check(content)
    assert finding.outcome == "fails"
    assert float(finding.value) == pytest.approx(-1 / 6, rel=1e-12)


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


EDITS: dict[str, Edit] = {
    "H": moment("entropy", nudged),
    "-H": moment("entropy", negated),
    "p+": numbers("prob", rotated),
    "one p+": numbers("prob", one_nudged),
    "L": numbers("log_prior", one_nudged),
    "P": of_corpora("prob", lambda mass: mass * (1 + fmpq(1, 10**25))),
    "Lbar": of_corpora("log_prior", negated),
}


@pytest.mark.parametrize("edit", EDITS)
@pytest.mark.parametrize("name", ["C3", "C5"])
def test_an_edited_formula_turns_red(edit: str, name: str) -> None:
    """The claim holds on corpora of four, and certainly fails once a sign or one digit of one number is changed."""
    turns_red(CLAIM, corpora_of(name), EDITS[edit])
