"""alignment.controlled-decoding: both scorers by a recursion, the numbers of the loss, smallest witnesses, edits."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from flint import arb, fmpq
from hypothesis import given

from tests.strategies import models
from tests.theory.claims.alignment.recursion import (
    FORK,
    divergence,
    fractions,
    guided,
    mean_reward,
    means,
    values,
)
from tests.theory.claims.edits import failures, model, numbers, turns_red
from theory.adaptors.prefix_scores import PrefixWeights, mean_scores, value_weights
from theory.alignment.gibbs import Aligned, Numbers
from theory.arithmetic.exact import fraction
from theory.claims.alignment import controlled_decoding
from theory.claims.alignment.controlled_decoding import CLAIM, Loss, mean_guided
from theory.claims.alignment.guided_models import fork
from theory.claims.claim import Profile
from theory.claims.instances import compositions
from theory.claims.running import run_control
from theory.examples.finite import random_tree
from theory.models.finite import FiniteModel
from theory.probability.information import kl_divergence

QUICK = Profile("quick")
LOSS = ((1, 1, 1), (3, 1, 4))


def scored(prior: tuple[int, ...], exp_reward: tuple[int, ...]) -> tuple[float, float]:
    """(E R, KL) of the mean scorer on [. [. .]]."""
    p = fractions(prior)
    law = guided(FORK, p, means(exp_reward))
    return mean_reward(law, exp_reward), divergence(law, p)


def aligned_law(prior: tuple[int, ...], exp_reward: tuple[int, ...]) -> tuple[float, float]:
    """(E R, KL) of p+."""
    weight = [Fraction(p * x) for p, x in zip(prior, exp_reward, strict=True)]
    law = [w / sum(weight) for w in weight]
    return mean_reward(law, exp_reward), divergence(law, fractions(prior))


def exact_rows() -> dict[str, Any]:
    reward, cost = scored(*LOSS)
    name = "[. [. .]], p = (1, 1, 1), e^R = (3, 1, 4), guided by means:"
    return {f"{name} E R": reward, f"{name} KL(q || p)": cost}


def exact_laws() -> dict[str, Any]:
    aligned = random_tree(np.random.default_rng(5), 3, 3)
    weight = [fraction(p) * fraction(r.factor) for p, r in zip(aligned.prior, aligned.reward, strict=True)]
    return {"tree 5, guided by values": [float(w / sum(weight)) for w in weight]}


def test_the_mean_scorer_loses_both() -> None:
    """p = (1, 1, 1)/3, e^R = (3, 1, 4): weights 3 : 2 sqrt 4 at the root, then 1 : 4; less reward, more divergence.

    The recursion gives q = (3/7, 4/35, 16/35).
    """
    q = guided(FORK, fractions(LOSS[0]), means(LOSS[1]))
    assert q == pytest.approx([3 / 7, 4 / 35, 16 / 35], rel=1e-14)
    assert scored(*LOSS) == pytest.approx((1.104568, 0.12976), abs=5e-6)
    assert aligned_law(*LOSS) == pytest.approx((1.105127, 0.12430), abs=5e-6)
    assert scored((1, 1, 1), (4, 3, 1)) == pytest.approx((1.125, 0.147), abs=5e-4)


def test_the_value_scorer_is_exact() -> None:
    """In fractions on [. [. .]]: p(t | u) V(u t), normalised, is p e^R / Z."""
    p, x = fractions((3, 1, 2)), (4, 7, 1)
    assert guided(FORK, p, values(x)) == [Fraction(12, 21), Fraction(7, 21), Fraction(2, 21)]


@given(models())
def test_controlled_decoding(aligned: Aligned) -> None:
    """E_q R = E_p R + sum over prefixes of q(u) Cov(m, e^m)/E e^m, m = E[R | u t] under p(. | u): none is negative."""
    found = FiniteModel.of(aligned)
    assert failures(CLAIM.check(found)) == []
    law, tree = mean_guided(found), aligned.tree
    prior, weighted, mass = ([arb(0)] * len(tree) for _ in range(3))
    for k, node in enumerate(aligned.node):
        place = int(node)
        while place >= 0:
            prior[place] += arb(aligned.prior[k])
            weighted[place] += arb(aligned.prior[k]) * found.numbers.reward[k]
            mass[place] += law[k]
            place = int(tree.parent[place])
    ending = dict(zip(map(int, aligned.node), range(len(aligned)), strict=True))
    gain = arb(0)
    for node in range(len(tree)):
        rows = [(prior[c], weighted[c] / prior[c]) for c in range(len(tree)) if int(tree.parent[c]) == node]
        if node in ending:
            rows.append((arb(aligned.prior[ending[node]]), found.numbers.reward[ending[node]]))
        total = sum((p for p, _ in rows), arb(0))
        m, e = (sum((p * v for p, v in pairs), arb(0)) / total for pairs in (rows, [(p, m.exp()) for p, m in rows]))
        both = sum((p * v * v.exp() for p, v in rows), arb(0)) / total
        gain += mass[node] * (both / e - m)
        assert not both / e - m < -(arb(10) ** -60)
    earned = (law * found.numbers.reward).sum()
    assert (earned - (aligned.prior * found.numbers.reward).sum() - gain).contains(0)


def test_the_smallest_witness() -> None:
    """No fork of weights below 3 + 8 has a mean scorer that earns less than p+ and costs more, in floats."""
    control = CLAIM.controls[0]
    witness = run_control(control, QUICK).witness
    assert witness is not None
    assert witness.case == "[. [. .]]: p = (1, 1, 1), e^R = (3, 1, 4)"
    for total in range(6, 11):
        for first in range(3, total - 2):
            for p, x in itertools.product(compositions(3, first), compositions(3, total - first)):
                (reward, cost), (best, paid) = scored(p, x), aligned_law(p, x)
                assert reward > best - 1e-12 or cost < paid + 1e-12


def test_never_less_than_the_prior() -> None:
    """It earns at least E_p R on every fork of weights that sum to 12 at most, and on some more than p+."""
    more = 0
    for total in range(6, 13):
        for first in range(3, total - 2):
            for p, x in itertools.product(compositions(3, first), compositions(3, total - first)):
                reward, _ = scored(p, x)
                plain = sum(w * math.log(v) for w, v in zip(p, x, strict=True)) / sum(p)
                assert reward > plain - 1e-12
                more += reward > aligned_law(p, x)[0] + 1e-12
    assert more > 0


def test_a_wrong_digit_turns_red() -> None:
    """The loss with one digit changed; and on a model where the mean scorer loses nothing."""
    case = next(case for case in CLAIM.cases(QUICK) if isinstance(case.content, Loss))
    right = case.content
    assert failures(CLAIM.check(right)) == []
    wrong = Loss(right.found, right.aligned, right.aligned)
    assert len(failures(CLAIM.check(wrong))) == 2
    elsewhere = Loss(fork((1, 1, 1), (4, 3, 1)).content, right.mean_scorer, right.aligned)
    assert any("E R of p+, less" in line for line in failures(CLAIM.check(elsewhere)))


def test_the_objective_by_divergence() -> None:
    """log Z - (E R - KL(q || p)) = KL(q || p+) for the mean scorer on C2's tree."""
    found = model("C2")
    law = mean_guided(found)
    finding = next(f for f in CLAIM.check(found) if f.clause == "objective")
    assert (finding.value - kl_divergence(law, found.numbers.prob)).contains(0)


@pytest.mark.parametrize("name", ["C2", "C3", "C4"])
def test_an_edited_formula_turns_red(name: str) -> None:
    """The claim holds on the model, and certainly fails once log Z is another number."""
    turns_red(CLAIM, model(name), numbers("log_partition", lambda value: value - 1))


def test_an_edited_scorer_turns_red(monkeypatch: pytest.MonkeyPatch) -> None:
    """V^2 for V is not exact; -E[R | u] for E[R | u] earns less than p."""
    monkeypatch.setattr(controlled_decoding, "value_weights", lambda numbers: value_weights(numbers).raised(fmpq(2)))
    assert "exact" in {f.clause for f in CLAIM.check(model("C2")) if f.outcome == "fails"}
    monkeypatch.undo()

    def turned(numbers: Numbers) -> PrefixWeights:
        scores = mean_scores(numbers)
        return PrefixWeights(-scores.prefix, -scores.string)

    monkeypatch.setattr(controlled_decoding, "mean_scores", turned)
    assert "mean-gains" in {f.clause for f in CLAIM.check(model("C2")) if f.outcome == "fails"}
