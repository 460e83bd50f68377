"""What a small cooling from T = 1 does to E L and E R, decided: by balls, or by a formal proof that one stays.

Along global temperature 1/tau, dE L/dtau = -Cov(L, I) and dE R/dtau = -Cov(R, I) at tau = 1, both under p+.
A covariance is proved to be 0 as ``theory.alignment.uncorrelated`` says; what is neither proved nor of certain sign is
UNDECIDED.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from flint import arb

from theory.models.long_table import ROUNDING
from theory.models.model import AlignedModel

UNDECIDED = "UNDECIDED"

WORDS = {
    (1, 1): "raises both",
    (1, -1): "trades R for L",
    (-1, 1): "trades L for R",
    (0, 1): "E L stays",
    (1, 0): "E R stays",
    (0, 0): "nothing moves",
}
"""From the signs of what E L and E R do. Not both fall: their sum rises by V."""


def cooling(model: AlignedModel) -> str:
    """One of ``WORDS``, or "UNDECIDED"; more bits may decide that."""
    mean = model.mean
    if mean.constant.surprisal:
        return WORDS[0, 0]
    if mean.constant.log_prior:
        return WORDS[0, 1]
    if mean.constant.reward:
        return WORDS[1, 0]
    with_l = mean.cov_log_prior_surprisal
    with_r = -(mean.cov + mean.var_reward)
    if mean.bits is None:
        spread = math.sqrt(mean.var_surprisal) * math.sqrt(mean.var_log_prior + mean.var_reward)
        if min(abs(with_l), abs(with_r)) <= ROUNDING * spread:
            return UNDECIDED
    up_l = _rise(with_l, lambda: model.uncorrelated(prior=True))
    up_r = _rise(with_r, lambda: model.uncorrelated(prior=False))
    return UNDECIDED if up_l is None or up_r is None else WORDS[up_l, up_r]


def _rise(covariance: arb, vanishes: Callable[[], bool]) -> int | None:
    """The sign of minus a covariance; None where it is not known."""
    if covariance < 0:
        return 1
    if covariance > 0:
        return -1
    return 0 if vanishes() else None


__all__ = ["UNDECIDED", "WORDS", "cooling"]
