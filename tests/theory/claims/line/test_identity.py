"""line.identity: corpora as products of rationals, edited formulas."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
from flint import arb
from hypothesis import given
from hypothesis import strategies as st

from tests.strategies import models
from tests.theory.claims.edits import Edit, model, negated, nudged, numbers, of_corpora, one_nudged, turns_red
from tests.theory.claims.line.products import aligned_law, ball, corpora_of
from theory.alignment.gibbs import Aligned
from theory.arithmetic.exact import fraction
from theory.claims.line.identity import CLAIM


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


EDITS: dict[str, Edit] = {
    "Lbar": of_corpora("log_prior", negated),
    "one Lbar": of_corpora("log_prior", one_nudged),
    "Rbar": of_corpora("reward", negated),
    "one Rbar": of_corpora("reward", one_nudged),
    "log Z": numbers("log_partition", nudged),
    "Ibar": numbers("prob", one_nudged),
    "counts": of_corpora("counts", lambda rows: rows[::-1]),
}


@pytest.mark.parametrize("edit", EDITS)
@pytest.mark.parametrize("name", ["C3", "C5"])
def test_an_edited_formula_turns_red(edit: str, name: str) -> None:
    """The claim holds on corpora of four, and certainly fails once a sign or one digit of one number is changed."""
    turns_red(CLAIM, corpora_of(name), EDITS[edit])


def test_an_edited_toy_turns_red() -> None:
    """One string in a thousand with a reward that is off by 1e-25 breaks the identity."""
    turns_red(CLAIM, model("toy"), numbers("reward", one_nudged))
