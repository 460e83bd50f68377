"""Cuts in float64 where its error cannot matter: against exact decisions, on ties, near-ties and far tails."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from flint import fmpq
from hypothesis import given
from hypothesis import strategies as st

from tests.strategies import models
from theory.adaptors import exact
from theory.adaptors.applied import applied
from theory.adaptors.chains import Chain, adaptor
from theory.adaptors.exact import Kept, decide
from theory.adaptors.rows import Row, rounded
from theory.adaptors.sure_cuts import Rows, handles
from theory.alignment.gibbs import Aligned
from theory.arithmetic.exact import objects, precision
from theory.arithmetic.formal import FormalSum

CUTS = {
    "top_k": ("1", "2", "3", "1000000000000000000000000"),
    "nucleus": ("1/10", "1/2", "2/3", "3/5", "9/10", "1"),
    "typical": ("1/10", "1/2", "2/3", "3/5", "9/10", "1"),
    "epsilon": ("1/10", "1/5", "1/4", "1/3", "1"),
    "min_p": ("0", "1/10", "1/3", "1/2", "1"),
    "eta": ("1/100", "1/4", "1/2", "1"),
}
TEMPERATURES = ("1/2", "2/3", "1", "2", "7", "1/9", "20")


@st.composite
def chains(draw: st.DrawFn) -> Chain:
    """Up to three cuts with temperatures between them."""
    steps = []
    for _ in range(draw(st.integers(1, 3))):
        if draw(st.booleans()):
            steps.append(adaptor("temperature", draw(st.sampled_from(TEMPERATURES))))
        name = draw(st.sampled_from(sorted(CUTS)))
        steps.append(adaptor(name, draw(st.sampled_from(CUTS[name]))))
    return Chain(tuple(steps))


@st.composite
def weights(draw: st.DrawFn) -> list[tuple[fmpq, fmpq]]:
    """(c, a) of weights c e^a: small integers, some of them moved by less than float64 tells, some far below."""
    found = []
    for _ in range(draw(st.integers(2, 12))):
        c = fmpq(draw(st.integers(1, 6)))
        shift = draw(st.sampled_from([0, 0, 0, 20, 35, 39, 41, 45, 51, 54, 200]))
        if shift:
            c += fmpq(draw(st.sampled_from([-1, 1])), 1 << shift)
        found.append((c, fmpq(draw(st.sampled_from([0, 0, 0, 0, 1, -1, -60, -80])))))
    return found


@given(weights(), chains())
def test_a_row_is_cut_as_exact_arithmetic_cuts_it(parts: list[tuple[fmpq, fmpq]], steps: Chain) -> None:
    """Where a row is sure, what it keeps is what ``cuts`` keeps of it."""
    with precision():
        formal = [FormalSum.of(c, a) for c, a in parts]
        balls = [own.ball() for own in formal]
        numbers, narrow = rounded(balls)
        rows = Rows.of(numbers[None, :], [formal], np.array([narrow.all()]))
        kept, sure = rows.cut(steps)
        known = applied(Row(formal, balls, fmpq(1), list(range(len(parts)))), steps).kept
        if sure[0]:
            assert np.flatnonzero(kept[0]).tolist() == known


@given(models(), chains())
def test_a_model_is_cut_as_exact_arithmetic_cuts_it(aligned: Aligned, steps: Chain) -> None:
    """``decide`` with float64 first, and without."""
    with precision():
        numbers = aligned.balls()
        fast = decide(numbers, steps)
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(exact, "handles", lambda _: False)
            slow = decide(numbers, steps)
    assert _masks(fast) == _masks(slow)


def _masks(kept: Kept) -> Any:
    return kept.edge.tolist(), kept.end.tolist(), kept.power


def one_row(*weight: fmpq | int) -> Rows:
    """A law of rational weights."""
    formal = [FormalSum.of(fmpq(w), fmpq(0)) for w in weight]
    with precision():
        numbers, narrow = rounded(objects(own.ball() for own in formal))
    return Rows.of(numbers[None, :], [formal], np.array([narrow.all()]))


@pytest.mark.parametrize(
    ("name", "value", "weight", "sure"),
    [
        ("nucleus", "1/2", (1, 1), False),  # the first one's mass is the value
        ("nucleus", "1/2", (2, 1), True),
        ("nucleus", "1/2", (1 + fmpq(1, 1 << 50), 1), False),  # the order is not told
        ("epsilon", "1/4", (1, 3), False),
        ("min_p", "1/3", (1, 3), False),
        ("min_p", "1/3", (2, 3), True),
        ("top_k", "1", (3, 3), True),  # formally equal: the earlier one
        ("top_k", "1", (3, 3 + fmpq(1, 1 << 50)), False),
        ("typical", "1/2", (4, 2, 1, 1, 1), True),
        ("typical", "1/2", (1, 1), False),
        ("eta", "1/4", (1, 3), False),
        ("eta", "1/4", (2, 3), True),
    ],
)
def test_what_is_not_told_is_not_sure(name: str, value: str, weight: Any, sure: bool) -> None:
    """Masses and thresholds that are met exactly are left to exact arithmetic, and neighbours that are not equal."""
    assert one_row(*weight).cut(Chain((adaptor(name, value),)))[1].tolist() == [sure]


def test_equal_weights_are_one_number() -> None:
    """Of a tie the earliest token counts, wherever the tied ones stand; options and other steps are not handled."""
    rows = one_row(2, 5, 2, 5, 5)
    assert rows.alike.tolist() == [[0, 1, 0, 1, 1]]
    assert rows.cut(Chain((adaptor("top_k", 2),)))[0].tolist() == [[False, True, False, True, False]]
    assert handles(Chain((adaptor("top_k", 2), adaptor("temperature", 2))))
    assert not handles(Chain((adaptor("top_k", "2 ties=all"),)))
    assert not handles(Chain((adaptor("top_a", "1/5"),)))
