"""Aligned models as objects: a law and its numbers belong together, at a precision of their own."""

from __future__ import annotations

import itertools
import math
import tomllib
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from flint import arb, ctx, fmpq

from theory.adaptors.exact import Chain, adapt, chain, decide
from theory.adaptors.hull import hull
from theory.adaptors.moments import moments
from theory.arithmetic.exact import BITS, Diverges, precision
from theory.examples.automata import letters, two_states
from theory.examples.finite import c2, c4, c5, table
from theory.language_models.rewards import Reward
from theory.models.automaton import AutomatonModel
from theory.models.finite import FiniteModel
from theory.models.model import AlignedModel
from theory.quantities.answer import answer

EXAMPLES = Path(__file__).parents[3] / "examples"
HALF = chain(("temperature", "1/2"))
TIGHT = 2.0 ** -(BITS - 16)


def sharp(value: Any) -> bool:
    """Whether a ball is as narrow as 256 bits make it."""
    return float(value.rad()) <= TIGHT * max(1.0, abs(float(value)))


def finite() -> FiniteModel:
    return FiniteModel.of(c2())


def infinite() -> AutomatonModel:
    return AutomatonModel.of(two_states())


@pytest.mark.parametrize("made", [finite, infinite])
def test_nothing_is_coarse_outside_a_block(made: Any) -> None:
    """With the working precision at 53 bits, every number of a model has the radius of 256."""
    assert ctx.prec == 53 or ctx.prec == BITS
    with ctx.workprec(53):
        model: AlignedModel = made()
        assert model.bits == BITS
        cooled = model.adapted(HALF, "local")
        numbers = [model.log_partition, model.mean.entropy, model.mean.correlation, model.mean.exchange_coefficient]
        numbers += [cooled.moments.mean_log_prior, cooled.moments.exchange_coefficient]
        correction = model.correction(cooled)
        numbers += [correction.kl_local_global, correction.w_max]
        assert all(sharp(v) for v in numbers if v is not None)


def test_a_finer_block_is_kept() -> None:
    """A model made in a block of more bits has them for good."""
    with precision(512):
        model = finite()
    assert model.bits == 512
    assert float(model.mean.exchange_coefficient.rad()) < 2.0**-480


def test_quantities_outside_a_block_are_those_inside() -> None:
    """The functions that take a model's numbers compute in their precision, whatever the block is."""
    with ctx.workprec(53):
        numbers = c4().balls()
        outside = moments(numbers, adapt(numbers, decide(numbers, HALF), "global"))
        corners = hull(numbers)
    with precision():
        numbers = c4().balls()
        inside = moments(numbers, adapt(numbers, decide(numbers, HALF), "global"))
        assert corners == hull(numbers)
    for name in ("mean_log_prior", "mean_reward", "entropy", "cov"):
        one, two = getattr(outside, name), getattr(inside, name)
        assert sharp(one)
        assert one.overlaps(two)


def test_another_models_numbers_are_refused() -> None:
    """C4's law among C5's numbers gave b = +0.81 for -1.92; now it is an error that says so."""
    four, five = c4().balls(), c5().balls()
    kept, law = decide(four, HALF), adapt(four, decide(four, HALF), "global")
    for wrong in (lambda: adapt(five, kept, "global"), lambda: adapt(five, kept, "local"), lambda: moments(five, law)):
        with pytest.raises(ValueError, match="of another model"):
            wrong()
    one, other = FiniteModel.of(c4()), FiniteModel.of(c5())
    with pytest.raises(ValueError, match="of another model"):
        other.moments(one.law(HALF, "global"))
    with pytest.raises(ValueError, match="of another model"):
        other.correction(one.adapted(HALF, "local"))
    assert float(other.mean.exchange_coefficient) == pytest.approx(-1.924, abs=1e-3)


def test_correction_by_hand() -> None:
    """C2 at T = 1/2: q_loc is (16/25)^2 prop. over the first token, uniform below; w* and KL from the rationals."""
    model = finite()
    found = model.correction(model.adapted(HALF, "local"))
    first, last = Fraction(16 * 16, 16 * 16 + 9 * 9), Fraction(9 * 9, 16 * 16 + 9 * 9)
    local = [first / 4] * 4 + [last]
    weight = [Fraction(4 * 4)] * 4 + [Fraction(9 * 9)]
    target = [w / sum(weight) for w in weight]
    ratio = [t / q for t, q in zip(target, local, strict=True)]
    divergence = math.fsum(float(q) * math.log(1 / r) for q, r in zip(local, ratio, strict=True))
    pairs = itertools.product(zip(local, ratio, strict=True), repeat=2)
    accepted = sum(a * b * min(x, y) for (a, x), (b, y) in pairs)
    assert float(found.w_max) == pytest.approx(float(max(ratio)))
    assert float(found.kl_local_global) == pytest.approx(divergence)
    assert float(found.acceptance) == pytest.approx(float(accepted))


def test_what_an_automaton_may_answer() -> None:
    """A law, mass lost, no string, no normaliser: each has its status, and no numbers of another."""
    model = infinite()
    assert model.strings is None
    assert model.adapted(Chain(), "global").status == "OK"
    hot = model.adapted(chain(("temperature", "100")), "global")
    assert (hot.status, hot.moments) == ("DIVERGENT", None)
    assert "critical" in hot.reason
    going_on = AutomatonModel.of(letters([1], fmpq(3, 4)))  # the letter is likelier than the end: top-1 never stops
    lost = going_on.adapted(chain(("top_k", 1)), "local")
    assert (lost.status, lost.moments, lost.leaked_mass) == ("LEAKS", None, arb(1))
    assert going_on.adapted(chain(("top_k", 1)), "global").status == "EMPTY"
    with pytest.raises(Diverges):
        AutomatonModel.of(letters([1], fmpq(3, 4), [Reward(factor=fmpq(3))]))


def test_every_kind_has_the_same_keys() -> None:
    """Tables, trees and automata: one writer, so the same keys at the top and in each adaptor, balls apart."""

    def plain(keys: Any) -> list[str]:
        return [key for key in keys if not key.endswith("_ball")]

    found = {name: answer(tomllib.loads((EXAMPLES / f"{name}.toml").read_text())) for name in ("c5", "c2", "automaton")}
    assert [out["kind"] for out in found.values()] == ["table", "tree", "automaton"]
    heads = [plain(out) for out in found.values()]
    assert heads[0] == heads[1] == heads[2]
    entries = {tuple(plain(entry)) for out in found.values() for entry in out["adaptors"]}
    assert len(entries) == 1
    assert {"status", "leaked_mass", "reason"} <= set(entries.pop())


def test_adapted_by_a_finite_model_is_the_law_by_hand() -> None:
    """(2, 3, 6)/11 cooled to T = 1/2 is (4, 9, 36)/49."""
    model = FiniteModel.of(table((1, 2, 8), (8, 6, 3)))
    found = model.adapted(HALF, "global")
    assert [float(q) for q in found.law.prob] == pytest.approx([4 / 49, 9 / 49, 36 / 49])
    assert found.leaked_mass is None
    assert model.adapted(HALF, "local").leaked_mass == arb(0)
