"""What the claims on alignment share."""

from __future__ import annotations

from theory.arithmetic.exact import Array
from theory.models.finite import FiniteModel


def prior_of(found: FiniteModel) -> Array:
    """p as rationals that sum to 1, shape (n,)."""
    prior: Array = found.aligned.prior / found.aligned.prior.sum()
    return prior
