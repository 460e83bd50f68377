"""adaptors.affine-line: the claim on random models and on two levels; the slopes of C4 and C2."""

from __future__ import annotations

from flint import arb, fmpq
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.strategies import models
from tests.theory.claims.edits import failures
from theory.alignment.gibbs import Aligned
from theory.claims.adaptors.affine_line import CLAIM, _gain_l, _kept, _levels
from theory.claims.adaptors.plane_models import gains_of
from theory.examples.finite import c2, c4, from_laws
from theory.models.finite import FiniteModel


@given(models())
def test_affine_line(aligned: Aligned) -> None:
    """E_q L = E_q l(I) for q = p+ g(I); (1 + b)(E_q L - E L) + b (E_q R - E R) = 0 for all of them iff l is affine."""
    assert failures(CLAIM.check(FiniteModel.of(aligned))) == []


@given(models())
def test_laws_on_some_levels_are_whole_laws(aligned: Aligned) -> None:
    """p+ times an indicator of levels over all strings, normalised, has the same masses, bit for bit."""
    found = FiniteModel.of(aligned)
    levels = _levels(aligned)
    assert sorted(y for level in levels for y in level) == list(range(len(aligned)))
    for kept in ([0], list(range(len(levels)))[::-1], list(range(0, len(levels), 2))):
        whole = found.numbers.prob * 0
        for j in kept:
            whole[levels[j]] = found.numbers.prob[levels[j]]
        whole = whole / whole.sum()
        law = _kept(found, levels, kept)
        assert all(same(a, b) for a, b in zip(law.prob, whole[law.string], strict=True))
        shares = zip(law.shares(levels), law.levels, strict=True)
        assert all(same(share, whole[levels[j]].sum()) for share, j in shares)
        assert same(_gain_l(found, law), gains_of(found, whole)[0])


def same(one: arb, two: arb) -> bool:
    """Equal midpoints, equal radii."""
    return bool(one.mid() == two.mid() and one.rad() == two.rad())


@given(st.lists(st.integers(1, 12), min_size=2, max_size=5), st.integers(1, 5), st.integers(1, 4))
def test_affine_line_of_two_levels(prior: list[int], first: int, split: int) -> None:
    """With two values of I the regression l is affine."""
    assume(split < len(prior))
    aligned = from_laws(prior, [first] * split + [first + 1] * (len(prior) - split))
    findings = list(CLAIM.check(FiniteModel.of(aligned)))
    assert failures(findings) == []
    assert any("on the line" in f.label for f in findings)


def test_slopes_of_the_lines() -> None:
    """C4 has b = 1/2 and two values of I: its string-level adaptors move along the slope -3; C2's along +1."""
    for aligned, b in ((c4(), fmpq(1, 2)), (c2(), fmpq(-1, 2))):
        found = FiniteModel.of(aligned)
        gap = found.mean.exchange_coefficient - b
        assert gap.contains(0)
        assert any("on the line" in f.label for f in CLAIM.check(found))
