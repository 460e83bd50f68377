"""adaptors.local-global: the claim on random models; C2 and a turned exchange in float64."""

from __future__ import annotations

import numpy as np
from hypothesis import given

from tests.strategies import models
from tests.theory.claims.edits import failures
from theory.alignment.gibbs import Aligned
from theory.claims.adaptors.local_global import CLAIM, Cooling
from theory.claims.claim import Profile
from theory.models.finite import FiniteModel

QUICK = Profile("quick")


@given(models())
def test_local_global(aligned: Aligned) -> None:
    """d(E_glob f - E_loc f)/dtau = -Cov(f, sum_t h_t) at tau = 1."""
    assert failures(CLAIM.check(Cooling(FiniteModel.of(aligned)))) == []


def test_c2_local_and_global() -> None:
    """C2 in float64: global T = 1/2 raises E L and E R, local T = 1/2 lowers both."""
    log_prior, reward = np.log([2 / 11, 3 / 11]), np.log([2, 3])
    own, everywhere, stepwise = (np.array([1 - b, b]) for b in (9 / 25, 81 / 145, 81 / 337))
    for values in (log_prior, reward):
        assert stepwise @ values < own @ values < everywhere @ values
    content = next(c.content for c in CLAIM.cases(QUICK) if c.name == "C2")
    assert content.moves == (1, 1, -1, -1)


def test_the_exchange_turns() -> None:
    """p = (1, 1, 2)/4, e^R = (3, 2, 1): global T = 1/2 lowers E L and raises E R, local raises E L and lowers E R."""
    own, everywhere = np.array([3, 2, 2]) / 7, np.array([9, 4, 4]) / 17
    stepwise = np.array([9 / 25, 8 / 25, 8 / 25])
    for values, sign in ((np.log([1, 1, 2]), -1), (np.log([3, 2, 1]), 1)):
        assert sign * (everywhere - own) @ values > 0
        assert sign * (stepwise - own) @ values < 0
