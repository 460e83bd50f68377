"""adaptors.mirostat: sequences one by one in float64, a law from which a target is met or not, edited formulas."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any

import pytest
from flint import fmpq
from hypothesis import given
from hypothesis import strategies as st

from tests.strategies import models, rationals
from tests.theory.claims.edits import Edit, failures, model, moment, negated, numbers, one_nudged, turns_red
from theory.adaptors.mirostat import Feedback
from theory.alignment.gibbs import Aligned
from theory.claims.adaptors.mirostat import CLAIM, Drawn, Written
from theory.claims.claim import Profile
from theory.claims.running import run_control
from theory.examples.finite import table
from theory.models.finite import FiniteModel

QUICK = Profile("quick")


def written(
    prob: Sequence[float], target: float, rate: float, steps: int
) -> list[tuple[float, tuple[int, ...], float]]:
    """(probability, tokens, mu_T) of every sequence, each followed by itself from mu_0 = 2 target on."""
    surprisal = [-math.log(p) for p in prob]
    found = []
    for tokens in itertools.product(range(len(prob)), repeat=steps):
        chance, mu = 1.0, 2 * target
        for token in tokens:
            kept = [k for k, i in enumerate(surprisal) if i <= mu] or [surprisal.index(min(surprisal))]
            chance *= prob[token] / sum(prob[k] for k in kept) if token in kept else 0.0
            mu -= rate * (surprisal[token] - target)
        found.append((chance, tokens, mu))
    return found


def exact_rows() -> dict[str, Any]:
    """All 4,096 sequences of twelve tokens of (1, 2)/3."""
    rows = {}
    for target in (fmpq(3, 5), fmpq(9, 10)):
        rare = math.fsum(
            chance * tokens.count(0) for chance, tokens, _ in written((1 / 3, 2 / 3), float(target), 0.5, 12)
        )
        rows[f"p+ = (1, 2)/3, Mirostat at {target}, 12 tokens: share of the first"] = rare / 12
    return rows


@given(models(), rationals(1, 8), rationals(1, 4))
def test_mirostat_on_a_tree(aligned: Aligned, target: fmpq, rate: fmpq) -> None:
    """I(y)/T - target = (mu_0 - mu_T)/(eta T) for every string, and what it makes of E L + E R."""
    feedback = Feedback(target, rate, 2 * target)
    assert failures(CLAIM.check(Written(FiniteModel.of(aligned), feedback))) == []


@given(st.lists(st.integers(1, 5), min_size=2, max_size=3), rationals(1, 6), st.sampled_from([0.1, 0.5, 1.0]))
def test_sequences_one_by_one(weights: list[int], target: fmpq, rate: float) -> None:
    """Six tokens: the counts' probabilities, thresholds and mean surprisals are those of the sequences they count."""
    prob = [w / sum(weights) for w in weights]
    feedback = Feedback(target, fmpq(int(10 * rate), 10), 2 * target)
    drawn = Drawn(FiniteModel.of(table(weights, [1] * len(weights))), feedback, 6)
    chances: dict[tuple[int, ...], float] = {}
    for chance, tokens, mu in written(prob, float(target), rate, 6):
        count = tuple(tokens.count(k) for k in range(len(weights)))
        chances[count] = chances.get(count, 0.0) + chance
        missed = math.fsum(-math.log(prob[k]) for k in tokens) / 6 - float(target)
        assert missed == pytest.approx((2 * float(target) - mu) / (6 * rate), abs=1e-12)
    found = {one.count: float(one.prob) for one in drawn.sequences()}
    assert found == pytest.approx({count: chance for count, chance in chances.items() if chance}, abs=1e-12)


def test_a_target_that_is_never_met() -> None:
    """p+ = (1, 1)/2, target 1: the mean surprisal is .693 after any 8 tokens, and mu has grown from 2 to 3.227."""
    for chance, _, mu in written((0.5, 0.5), 1.0, 0.5, 8):
        assert chance == 2**-8
        assert mu == pytest.approx(2 + 4 * (1 - math.log(2)))
    drawn = Drawn(FiniteModel.of(table((1, 1), (1, 1))), Feedback(fmpq(1), fmpq(1, 2), fmpq(2)), 8)
    assert float(drawn.expected()) == pytest.approx(0.693147, abs=5e-7)
    assert failures(CLAIM.check(drawn)) == []
    control = next(control for control in CLAIM.controls if control.name == "always-met")
    witness = run_control(control, QUICK).witness
    assert witness is not None
    assert witness.case == "p = (1, 1), e^R = (1, 1)"


def test_the_target_is_clipped() -> None:
    """(1, 2)/3: min I = .405, H = .637. Targets of .2, .5, .6, .9 give .405, .5, .6, .637 after 256 tokens."""
    found = FiniteModel.of(table((1, 2), (1, 1)))
    entropy = math.log(3) - 2 / 3 * math.log(2)
    for tenths, limit in ((2, math.log(1.5)), (5, 0.5), (6, 0.6), (9, entropy)):
        target = fmpq(tenths, 10)
        expected = Drawn(found, Feedback(target, fmpq(1, 2), 2 * target), 256).expected()
        assert float(expected) == pytest.approx(limit, abs=1 / 256)


def test_surprisals_after_truncation_break_the_identity() -> None:
    """(1, 2)/3 with mu_0 = 2/3: the likelier token alone is kept, so that 0 is fed back in the place of .405."""
    after = next(control for control in CLAIM.controls if control.name == "after-truncation")
    (finding,) = after.check(FiniteModel.of(table((1, 2), (1, 1))))
    assert float(finding.value) == pytest.approx(math.log(1.5))


WRITTEN = Feedback(fmpq(3, 4), fmpq(1, 2), fmpq(3, 2))

EDITS: dict[str, tuple[str, Edit]] = {
    "I": ("C3", numbers("surprisal", one_nudged)),
    "log Z": ("C3", numbers("log_partition", negated)),
    "one R": ("C2", numbers("reward", one_nudged)),
    "p+ of a prefix": ("C2", numbers("prefix_prob", one_nudged)),
}


@pytest.mark.parametrize("edit", EDITS)
def test_an_edited_formula_turns_red(edit: str) -> None:
    """The claim holds on the model, and certainly fails once a sign or a digit of one number is changed."""
    name, change = EDITS[edit]
    turns_red(CLAIM, Written(model(name), WRITTEN), change)


def test_an_edited_entropy_turns_red() -> None:
    """(1, 1)/2 with H turned to -H: the mean surprisal is no longer H."""
    drawn = Drawn(FiniteModel.of(table((1, 1), (1, 1))), Feedback(fmpq(1), fmpq(1, 2), fmpq(2)), 8)
    turns_red(CLAIM, drawn, moment("entropy", negated))
