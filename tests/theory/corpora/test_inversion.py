"""The trapezoid rule and its error estimate, against sums with an exponential for every frequency and in balls."""

from __future__ import annotations

import math

import numpy as np
import pytest
from flint import acb, arb
from hypothesis import given
from hypothesis import strategies as st

from theory.arithmetic.exact import Undecided
from theory.corpora import inversion
from theory.corpora.inversion import Measure, atom_values, equispaced_transform, inverted

RNG = np.random.default_rng(17)


def random_measure(strings: int, concentration: float) -> Measure:
    """A Dirichlet law with a noisy prior."""
    prob = RNG.dirichlet(np.full(strings, concentration))
    prob = np.maximum(prob, 1e-12) / np.maximum(prob, 1e-12).sum()
    log_prior = np.log(prob) + RNG.normal(size=strings) / 3
    surprisal, log_prior = (v - prob @ v for v in (-np.log(prob), log_prior))
    return Measure(surprisal, atom_values([prob, surprisal, log_prior, np.zeros(strings)]))


def by_one_rule(measure: Measure, size: int, epsilon: float, refine: int) -> tuple[list[float], float, float]:
    """The six sums, the frequency where terms end and the step, of one trapezoid rule with ``refine`` quiet blocks."""
    deviation = math.sqrt(measure.values[5].sum() / size)
    spacing = 2 * math.pi / (refine * (2 * epsilon + 30 * deviation))

    def terms(u: np.ndarray) -> tuple[np.ndarray, float]:
        rows = inversion.transforms(measure.values, np.outer(measure.surprisal, u / size), size)
        return (rows.real * np.sinc(u * epsilon / math.pi) * epsilon).sum(axis=1), float(np.abs(rows[0]).max())

    totals = terms(np.zeros(1))[0] / 2
    quiet, start = 0, 1
    while quiet < refine:
        more, peak = terms(np.arange(start, start + 64) * spacing)
        totals, start = totals + more, start + 64
        quiet = quiet + 1 if peak < 1e-17 else 0
    return list(totals * spacing * 2 / math.pi), start * spacing, deviation


def by_two_rules(measure: Measure, size: int, epsilon: float) -> tuple[list[float], float]:
    """The sums and the error estimate by two rules from the start, and |phi|^N string by string and u by u."""
    coarse, _, _ = by_one_rule(measure, size, epsilon, 1)
    fine, end, deviation = by_one_rule(measure, size, epsilon, 2)
    u = np.arange(end, min(32 * end, 10_000 / deviation), 0.5 / deviation)
    phi = [abs(measure.values[0] @ np.exp(1j * measure.surprisal * v / size)) for v in u]
    beyond = float((np.array(phi) ** size / u).sum()) / deviation / math.pi
    return fine, abs(coarse[0] - fine[0]) + beyond + 1e-14


@pytest.mark.parametrize(
    ("strings", "concentration", "size", "epsilon"),
    [
        (300, 0.5, 20, 0.2),
        (300, 0.5, 400, 0.02),
        (40, 2.0, 3000, 0.01),
        (1000, 0.1, 100_000, 0.001),
        (12, 5.0, 60, 0.1),
    ],
)
def test_the_sums_and_the_estimate_are_those_of_two_rules(
    strings: int, concentration: float, size: int, epsilon: float
) -> None:
    """Every other term of the fine rule is the coarse one, and the scan sees the same returns of |phi|^N.

    A rounding of phi is N roundings of phi^N: 9e-11 for four of them and N = 100,000, which hosts make in other ways.
    """
    measure = random_measure(strings, concentration)
    wanted, error = by_two_rules(measure, size, epsilon)
    rule = inversion._trapezoid(measure, size, epsilon, 1e-17)
    rounding = max(1e-11, 4 * size * float(np.finfo(float).eps))
    assert rule.sums == pytest.approx(wanted, rel=1e-11, abs=rounding)
    found = abs(rule.coarse - rule.sums[0]) + inversion._returning(measure, size, rule.end) + 1e-14
    assert found == pytest.approx(error, rel=1e-5, abs=2e-14)


def test_a_law_whose_characteristic_function_returns_is_refused() -> None:
    """A lattice: |phi|^N is 1 again at each multiple of 2 pi over its step, beyond the last term of the rule."""
    prob = np.full(41, 1 / 41)
    surprisal = (np.arange(41) - 20) / 10
    measure = Measure(surprisal, atom_values([prob, surprisal, -surprisal, np.zeros(41)]))
    with pytest.raises(Undecided, match="error near"):
        inverted(measure, 30, 0.25, 1e-17, 0.0)


@given(
    st.lists(st.tuples(st.floats(0.01, 1), st.floats(-5, 5), st.floats(-5, 5)), min_size=2, max_size=40),
    st.floats(1e-6, 0.02),
    st.integers(33, 4000),
)
def test_multiples_of_a_frequency_beside_a_sine_for_each(
    strings: list[tuple[float, float, float]], step: float, centre: int
) -> None:
    """The two differ by the rounding of m products and of the angles, in proportion to how far e^{it} is from 1."""
    prob, surprisal, log_prior = (np.array(v) for v in zip(*strings, strict=True))
    prob = prob / prob.sum()
    surprisal, log_prior = surprisal - prob @ surprisal, log_prior - prob @ log_prior
    measure = Measure(surprisal, atom_values([prob, surprisal, log_prior, np.zeros(len(prob))]))
    multiple = np.arange(centre - 32, centre + 32)
    angle = np.outer(surprisal * step, multiple)
    turned = inversion.Multiples.of(measure, step).around(centre)
    direct = measure.values @ (-2 * np.sin(angle / 2) ** 2) + 1j * (measure.values @ np.sin(angle))
    scale = (np.abs(measure.values) @ np.minimum(2.0, np.abs(surprisal) * step * centre))[:, None]
    bound = 2.0**-53 * scale * (len(prob) + 64 + 4 * float(np.abs(angle).max())) + 1e-300
    assert (np.abs(turned - direct) <= bound).all()


@given(
    st.lists(st.tuples(st.floats(-1, 1), st.floats(-30, 30)), min_size=1, max_size=6),
    st.floats(0, 100),
    st.floats(1e-6, 10),
    st.integers(1, 70),
    st.integers(1, 200),
)
def test_the_transform_is_within_its_bound(
    strings: list[tuple[float, float]], start: float, step: float, count: int, entries: int
) -> None:
    """Against sum p e^{itx} in balls, masses signed, for every frequency; strings in one part or in several."""
    prob, surprisal = (np.array(v) for v in zip(*strings, strict=True))
    before, inversion._ENTRIES = inversion._ENTRIES, entries
    try:
        found, error = equispaced_transform(prob, surprisal, start, step, count)
    finally:
        inversion._ENTRIES = before
    assert found.shape == (count,)
    for k in (0, count // 2, count - 1):
        t = arb(start) + k * arb(step)
        exact = sum((acb(p) * acb(0, t * x).exp() for p, x in strings), start=acb(0))
        assert abs(acb(found[k].real, found[k].imag) - exact) <= error + 1e-300
    largest = float(np.abs(prob).sum()) * (60 + 4 * float(np.abs(surprisal).max()) * (start + 2 * count * step) + 90)
    assert error <= largest * 2.0**-52
