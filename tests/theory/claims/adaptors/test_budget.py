"""adaptors.budget: entropies and divergences from rational laws, edited formulas."""

from __future__ import annotations

import math

import pytest
from flint import arb
from hypothesis import given
from hypothesis import strategies as st

from tests.strategies import models
from tests.theory.claims.adaptors.rationals import mean, parts, share
from tests.theory.claims.edits import (
    Edit,
    ln,
    model,
    negated,
    nudged,
    numbers,
    one_nudged,
    rational,
    rotated,
    turns_red,
)
from theory.alignment.gibbs import Aligned
from theory.claims.adaptors.budget import CLAIM
from theory.claims.instances import law_of
from theory.models.finite import FiniteModel


@given(models(), *[st.lists(st.integers(0, 9), min_size=15, max_size=15)] * 2)
def test_budget(aligned: Aligned, one: list[int], two: list[int]) -> None:
    """E_q L + E_q R + H(q) = log Z - KL(q||p+) <= log Z for every q; between two, dE R/dE L = -1 - dCE/dE L."""
    p, x, z, own = parts(aligned)
    log_prior, reward = [ln(v) for v in p], [ln(v) for v in x]
    found = FiniteModel.of(aligned)
    means = []
    for q in (share(one, len(p)), share(two, len(p))):
        entropy = -mean(q, [ln(m) if m else arb(0) for m in q])
        divergence = mean(q, [ln(m / a) if m else arb(0) for m, a in zip(q, own, strict=True)])
        e_l, e_r = mean(q, log_prior), mean(q, reward)
        assert (e_l + e_r + entropy - ln(z) + divergence).contains(0)
        assert q == own or e_l + e_r + entropy < ln(z)
        at = found.moments(law_of(found, [rational(m) for m in q]))
        ours = (e_l, e_r, entropy, divergence, entropy + divergence)
        names = ("mean_log_prior", "mean_reward", "entropy", "kl_to_aligned", "cross_entropy")
        assert all((getattr(at, name) - value).contains(0) for name, value in zip(names, ours, strict=True))
        means.append((e_l, e_r, mean(q, [-ln(a) for a in own])))
    (l_1, r_1, c_1), (l_2, r_2, c_2) = means
    if l_1 - l_2 != 0:
        assert ((r_1 - r_2) / (l_1 - l_2) + 1 + (c_1 - c_2) / (l_1 - l_2)).contains(0)


def test_one_entropy_and_two_sums() -> None:
    """C3's p+ = (1, 4, 12)/17 and its mirror image: H = .752975 under both; E L + E R = .134329 and -1.473552."""
    scores = [math.log(p / 7) + math.log(x) for p, x in ((1, 1), (2, 2), (4, 3))]
    rows = []
    for q in ((1 / 17, 4 / 17, 12 / 17), (12 / 17, 4 / 17, 1 / 17)):
        entropy = -math.fsum(m * math.log(m) for m in q)
        rows.append((entropy, math.fsum(m * v for m, v in zip(q, scores, strict=True))))
    assert rows[0] == pytest.approx((0.752975, 0.134329), abs=1e-6)
    assert rows[1] == pytest.approx((0.752975, -1.473552), abs=1e-6)
    found = model("C3")
    mirrored = found.moments(law_of(found, list(found.mass())[::-1]))
    for at, row in ((found.mean, rows[0]), (mirrored, rows[1])):
        assert (float(at.entropy), float(at.mean_log_prior + at.mean_reward)) == pytest.approx(row, rel=1e-13)
    assert any("mirror image has less" in finding.label for finding in CLAIM.check(found))


EDITS: dict[str, tuple[str, Edit]] = {
    "R": ("C5", numbers("reward", negated)),
    "one R": ("C2", numbers("reward", one_nudged)),
    "one L": ("C3", numbers("log_prior", one_nudged)),
    "log Z": ("C3", numbers("log_partition", nudged)),
    "one I": ("C3", numbers("surprisal", one_nudged)),
    "p+": ("C3", numbers("prob", rotated)),
}


@pytest.mark.parametrize("edit", EDITS)
def test_an_edited_formula_turns_red(edit: str) -> None:
    """The claim holds on the model, and certainly fails once a sign or a digit of one number is changed."""
    name, change = EDITS[edit]
    turns_red(CLAIM, model(name), change)
