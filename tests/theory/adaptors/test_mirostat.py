"""Mirostat: what a threshold keeps, the law of a tree by hand, and the counts of one law."""

from __future__ import annotations

import math

import pytest
from flint import arb, fmpq
from hypothesis import given

from tests.strategies import models
from theory.adaptors.exact import Chain, adapt, decide
from theory.adaptors.mirostat import Feedback, guided, kept_below, repeated
from theory.alignment.gibbs import Aligned
from theory.arithmetic.exact import Undecided
from theory.examples.finite import c2


def logs(*masses: fmpq) -> list[arb]:
    """-log of each."""
    return [-arb(m).log() for m in masses]


def test_kept_below() -> None:
    """(1, 2, 4)/7 has surprisals 1.946, 1.253, .560; the most probable token is never cut off."""
    surprisal = logs(fmpq(1, 7), fmpq(2, 7), fmpq(4, 7))
    for threshold, kept in ((2, [0, 1, 2]), (fmpq(3, 2), [1, 2]), (1, [2]), (0, [2]), (-5, [2])):
        assert kept_below(surprisal, arb(threshold)) == kept


def test_a_threshold_too_near_a_surprisal_is_refused() -> None:
    with pytest.raises(Undecided, match="not told apart"):
        kept_below(logs(fmpq(1, 2), fmpq(1, 2)), arb(2).log())


def test_the_rate_is_positive() -> None:
    with pytest.raises(ValueError, match="learning rate must be > 0, got 0"):
        Feedback(fmpq(1), fmpq(0), fmpq(2))


def test_c2_by_hand() -> None:
    """C2, p+(a) = 16/25, then one of four alike. mu_0 = 1 keeps a alone; mu_1 = 3/2 - log 25/16 = 1.054 < log 4.

    The first of the four is kept then, and its end: I = log 25/16, log 4, 0 and mu_3 = 1 - I(y) + 3/2.
    """
    numbers = c2().balls()
    made = guided(numbers, Feedback(fmpq(1, 2), fmpq(1), fmpq(1)))
    names = [" ".join(c2().tree.tokens(int(u))) for u in c2().node]
    assert [names[y] for y in made.law.string] == ["a 1"]
    assert [float(q) for q in made.law.prob] == [1.0]
    assert [float(made.threshold[y]) for y in made.law.string] == pytest.approx([2.5 - math.log(25 / 4)])
    assert [int(k) for k in made.length] == [2 if name == "b" else 3 for name in names]
    assert [float(made.threshold[y]) for y, name in enumerate(names) if name == "b"] == pytest.approx(
        [2 - math.log(25 / 9)]
    )


@given(models())
def test_a_high_threshold_truncates_nothing(aligned: Aligned) -> None:
    """mu_0 = 1000: q is p+, and log c_t is 0 at every step."""
    numbers = aligned.balls()
    made = guided(numbers, Feedback(fmpq(1), fmpq(1), fmpq(1000)))
    plain = adapt(numbers, decide(numbers, Chain()), "local")
    assert made.law.string.tolist() == plain.string.tolist()
    assert all((q - p).contains(0) for q, p in zip(made.law.prob, plain.prob, strict=True))
    assert all(arb(c).contains(0) for c in made.law.log_normaliser)


def test_repeated_two_tokens() -> None:
    """(1, 2)/3, mu_0 = 1.2, target 3/5, eta 1/2: the first token twice has no chance.

    After the first, mu = 1.2 - (log 3 - .6)/2 = .951 < log 3: only the second is kept. After the second, mu = 1.297.
    """
    found = {
        one.count: one
        for one in repeated(logs(fmpq(1, 3), fmpq(2, 3)), Feedback(fmpq(3, 5), fmpq(1, 2), fmpq(6, 5)), 2)
    }
    assert set(found) == {(1, 1), (0, 2)}
    assert float(found[1, 1].prob) == pytest.approx(1 / 3 + 2 / 9)
    assert float(found[0, 2].prob) == pytest.approx(4 / 9)
    assert float(found[0, 2].threshold) == pytest.approx(1.2 - math.log(1.5) + 0.6)
