"""Information measures along a second route: counting, chain rules, enumeration of events, and 80-digit sums."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from flint import arb, fmpq
from hypothesis import given
from hypothesis import strategies as st
from mpmath import mp

from tests.reference import real
from tests.strategies import weights
from theory.arithmetic.exact import Array, ball, balls, floats, objects
from theory.probability.information import (
    cross_entropy,
    entropy,
    kl_divergence,
    renyi_entropy,
    surprisal,
    total_variation,
    varentropy,
)

ORDERS = st.builds(fmpq, st.integers(1, 12), st.integers(1, 6)).filter(lambda a: a != 1)


def law(values: list[int]) -> Array:
    """The law proportional to these integers; 0 is a probability, too."""
    return objects(fmpq(v, sum(values)) for v in values)


@st.composite
def two_laws(draw: Any) -> tuple[Array, Array]:
    """Laws q and m on the same outcomes; either may lack some."""
    n = draw(st.integers(1, 6))
    lists = st.lists(st.integers(0, 9), min_size=n, max_size=n).filter(any)
    return law(draw(lists)), law(draw(lists))


@st.composite
def joint_laws(draw: Any) -> Array:
    """Laws of pairs (x, y), shape (rows, columns), every row with some mass."""
    columns = draw(st.integers(1, 4))
    row = st.lists(st.integers(0, 9), min_size=columns, max_size=columns).filter(any)
    rows = draw(st.lists(row, min_size=1, max_size=4))
    return law(list(itertools.chain(*rows))).reshape(len(rows), columns)


def zero(value: Any) -> bool:
    """Whether a ball holds 0 and is tight."""
    return bool(arb(value).contains(0)) and float(arb(value).rad()) < 1e-60


def agrees(value: Any, expected: Any) -> bool:
    return bool(abs(arb(value) - arb(mp.nstr(expected, 75))) < 1e-60)


@given(st.lists(st.integers(0, 12), min_size=1, max_size=8).filter(any))
def test_entropy_and_varentropy_by_counting(values: list[int]) -> None:
    """H = log W - (1/W) sum w log w and Var = E I^2 - H^2 for p = w / W; 0 log 0 = 0."""
    prob = law(values)
    with mp.workdps(80):
        total, logs = sum(values), [(w, mp.log(w)) for w in values if w]
        mean = mp.fsum(w * x for w, x in logs) / total
        square = mp.fsum(w * x * x for w, x in logs) / total
        assert agrees(entropy(prob), mp.log(total) - mean)
        assert agrees(varentropy(prob), square - mean**2)
    assert zero(entropy(balls(prob)) - entropy(prob))
    assert abs(entropy(floats(prob)) - float(entropy(prob))) < 1e-14
    assert abs(varentropy(floats(prob)) - float(varentropy(prob))) < 1e-13


@given(weights(1))
def test_surprisal(values: list[int]) -> None:
    """I = log W - log w."""
    with mp.workdps(80):
        for w, found in zip(values, surprisal(law(values)), strict=True):
            assert agrees(found, mp.log(sum(values)) - mp.log(w))
    assert np.allclose(surprisal(floats(law(values))), floats(surprisal(law(values))), rtol=1e-13, atol=1e-15)


@given(joint_laws())
def test_entropy_chain_rule(joint: Array) -> None:
    """H(X, Y) = H(X) + sum p(x) H(Y | x)."""
    first = joint.sum(axis=1)
    later = sum((p * entropy(row / p) for p, row in zip(first, joint, strict=True)), start=arb(0))
    assert zero(entropy(joint.ravel()) - entropy(first) - later)


@given(weights(1, 4), weights(1, 4))
def test_independent_parts_add_up(one: list[int], other: list[int]) -> None:
    """H, Var[-log p] and every Renyi entropy of a product law are sums."""
    product = np.multiply.outer(law(one), law(other)).ravel()
    measures: list[Callable[[Array], Any]] = [entropy, varentropy, lambda prob: renyi_entropy(prob, fmpq(1, 2))]
    for measure in measures:
        assert zero(measure(product) - measure(law(one)) - measure(law(other)))


@pytest.mark.parametrize("prob", [[1], [0, 1], [1, 0, 0], [5]])
def test_one_outcome_is_no_surprise(prob: list[int]) -> None:
    """H = Var[-log p] = 0 exactly, not a wide ball and not nan, in every arithmetic."""
    for measure in (entropy, varentropy):
        assert measure(law(prob)) == 0
        assert measure(balls(law(prob))) == 0
        assert measure(floats(law(prob))) == 0.0


@given(st.integers(1, 40))
def test_equal_probabilities(n: int) -> None:
    """H = H_a = log n and the varentropy is 0, in a tight ball and not nan."""
    prob = law([1] * n)
    assert zero(varentropy(prob))
    assert varentropy(floats(prob)) < 1e-28
    for value in (entropy(prob), renyi_entropy(prob, fmpq(1, 3)), renyi_entropy(prob, 2)):
        assert zero(value - arb(n).log())


@given(st.lists(st.integers(0, 9), min_size=1, max_size=6).filter(any), st.integers(2, 6))
def test_renyi_entropy_of_a_natural_order(values: list[int], order: int) -> None:
    """H_a = -log(sum p^a) / (a - 1), the sum a rational."""
    prob = law(values)
    total = sum((p**order for p in prob), start=fmpq(0))
    assert zero(renyi_entropy(prob, order) + arb(total).log() / (order - 1))
    assert zero(renyi_entropy(prob, fmpq(order)) - renyi_entropy(balls(prob), arb(order)))


@given(st.lists(st.integers(0, 9), min_size=1, max_size=6).filter(any), ORDERS)
def test_renyi_entropy_of_a_rational_order(values: list[int], order: fmpq) -> None:
    """H_a = log(sum p^a) / (1 - a), to 60 digits and in float64."""
    prob = law(values)
    with mp.workdps(80):
        a = real(order)
        expected = mp.log(mp.fsum(mp.power(real(p), a) for p in prob if p != 0)) / (1 - a)
        assert agrees(renyi_entropy(prob, order), expected)
    assert abs(renyi_entropy(floats(prob), float(a)) - float(expected)) < 1e-12


@given(weights(1))
def test_renyi_entropy_tends_to_the_entropy(values: list[int]) -> None:
    """(H - H_{1+h}) / h -> V / 2 from either side: the entropy as the limit, the varentropy as the slope."""
    prob = law(values)
    for h in (fmpq(1, 10**20), fmpq(-1, 10**20)):
        fall = entropy(prob) - renyi_entropy(prob, 1 + h)
        assert abs(fall) < 1e-18
        assert abs(fall / h - varentropy(prob) / 2) < 1e-18


@given(weights(2), ORDERS, ORDERS)
def test_renyi_entropy_falls_with_the_order(values: list[int], one: fmpq, other: fmpq) -> None:
    """log n >= H_a >= H_b >= -log max p for a < b, strictly unless all probabilities are equal."""
    prob = law(values)
    low, high = sorted((one, other))
    bounds = [arb(len(values)).log(), renyi_entropy(prob, low), renyi_entropy(prob, high), -ball(max(prob)).log()]
    for above, below, differ in zip(bounds, bounds[1:], (True, low != high, True), strict=False):
        assert above > below if differ and len(set(values)) > 1 else zero(above - below)


@pytest.mark.parametrize("order", [1, 1.0, fmpq(1), 0, -2, fmpq(-1, 2), math.nan])
def test_renyi_order_is_positive_and_not_one(order: Any) -> None:
    with pytest.raises(ValueError, match=f"the Renyi order must be > 0 and not 1, got {order}"):
        renyi_entropy(law([1, 2]), order)


@given(two_laws())
def test_divergence_by_definition(laws: tuple[Array, Array]) -> None:
    """KL = sum q log(q/m) and CE = -sum q log m, infinite off the support of m."""
    q, m = laws
    if any(a != 0 and b == 0 for a, b in zip(q, m, strict=True)):
        for pair in (laws, (balls(q), balls(m)), (floats(q), floats(m))):
            assert kl_divergence(*pair) == cross_entropy(*pair) == math.inf
        return
    with mp.workdps(80):
        pairs = [(real(a), real(b)) for a, b in zip(q, m, strict=True) if a != 0]
        kl, ce = mp.fsum(a * mp.log(a / b) for a, b in pairs), mp.fsum(-a * mp.log(b) for a, b in pairs)
    assert agrees(kl_divergence(q, m), kl)
    assert agrees(cross_entropy(q, m), ce)
    assert zero(entropy(q) - cross_entropy(q, m) + kl_divergence(q, m))
    assert abs(kl_divergence(floats(q), floats(m)) - float(kl)) < 1e-13
    assert abs(cross_entropy(floats(q), floats(m)) - float(ce)) < 1e-13


@given(two_laws())
def test_gibbs_and_pinsker(laws: tuple[Array, Array]) -> None:
    """KL >= 2 TV^2 >= 0, with equality iff q = m (Pinsker); TV <= sqrt(KL / 2)."""
    q, m = laws
    divergence, distance = kl_divergence(q, m), total_variation(q, m)
    if list(q) == list(m):
        assert zero(divergence)
        assert distance == 0
    else:
        assert divergence > 2 * arb(distance) * distance
        assert distance > 0


@given(joint_laws(), st.data())
def test_divergence_chain_rule(joint: Array, data: Any) -> None:
    """KL(q || m) on pairs = KL of the first parts + sum q(x) KL(q(. | x) || m(. | x))."""
    size = joint.size
    other = law(data.draw(st.lists(st.integers(1, 9), min_size=size, max_size=size))).reshape(joint.shape)
    first, second = joint.sum(axis=1), other.sum(axis=1)
    rows = zip(joint, other, first, second, strict=True)
    later = sum((p * kl_divergence(a / p, b / s) for a, b, p, s in rows), start=arb(0))
    assert zero(kl_divergence(joint.ravel(), other.ravel()) - kl_divergence(first, second) - later)


@given(two_laws())
def test_total_variation_is_the_largest_gap(laws: tuple[Array, Array]) -> None:
    """TV = max over events of q(A) - m(A), all 2^n of them; a rational for rationals."""
    q, m = laws
    events = itertools.product((0, 1), repeat=len(q))
    largest = max(sum((k * (a - b) for k, a, b in zip(event, q, m, strict=True)), start=fmpq(0)) for event in events)
    assert total_variation(q, m) == total_variation(m, q) == largest
    assert zero(total_variation(balls(q), balls(m)) - largest)
    assert abs(total_variation(floats(q), floats(m)) - float(ball(largest))) < 1e-15


UNSURE = (arb(1, "1e-3"), arb(0, "1e-3"))
"""An enclosure of (1 - x, x) for every x in [0, 1e-3]: whether the second outcome is on the support is not known."""


@pytest.mark.parametrize(
    "measure",
    [entropy, lambda q: kl_divergence(q, law([1, 1])), lambda q: cross_entropy(q, law([9, 1]))],
    ids=["entropy", "divergence", "cross-entropy"],
)
def test_mass_that_may_be_zero_is_not_dropped(measure: Callable[[Array], Any]) -> None:
    """A ball around 0 is not the number 0: the value at x = 1e-3 lies in the answer, or there is none."""
    inside = measure(objects([fmpq(999, 1000), fmpq(1, 1000)]))
    try:
        found = ball(measure(objects(UNSURE)))
    except (ArithmeticError, ValueError):
        return
    assert not found.is_finite() or found.overlaps(inside)


def test_support_that_may_be_missing_is_not_called_infinite() -> None:
    """KL(q || m) is finite for some masses in the ball, infinite for others: neither is certain."""
    for measure in (kl_divergence, cross_entropy):
        try:
            found = measure(law([1, 1]), objects(UNSURE))
        except (ArithmeticError, ValueError):
            continue
        assert isinstance(found, arb)
        assert not found.is_finite()
