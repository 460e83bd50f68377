"""What the claims on correlation share: models on which L and R vary, and the published numbers of the toy."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from flint import fmpq

from theory.claims.claim import Case, Profile
from theory.claims.instances import (
    integer_cases,
    smallest_tables,
)
from theory.claims.line.models import SizedCorpus
from theory.corpora.mixtures import Joint
from theory.models.finite import FiniteModel

EPSILON = fmpq(1, 4)


def varying(cases: Sequence[Case] | Iterator[Case]) -> Iterator[Case]:
    """The cases on which neither L nor R is constant, so that a correlation exists."""
    for one in cases:
        found = one.content.found if isinstance(one.content, SizedCorpus) else one.content
        if found.mean.correlation is not None:
            yield one


def integer_varying(profile: Profile) -> Iterator[Case]:
    """The smallest tables on which L and R vary."""
    return varying(integer_cases(profile))


PUBLISHED = {"entropy": 5.01, "prior_entropy": 6.87, "pearson": 0.49, "spearman": 0.43, "typical": 213, "corpora": 1000}
"""What the published notebook prints for its toy, to the digits it prints."""


def joint_of(found: FiniteModel) -> Joint:
    """The law of (L, R) under p+."""
    return Joint(found.numbers.prob, found.numbers.log_prior, found.numbers.reward)


def correlates(found: FiniteModel) -> bool:
    """Whether neither L nor R is constant."""
    return not (found.mean.constant.log_prior or found.mean.constant.reward)


def varying_tables(max_total: int) -> Iterator[Case]:
    """Tables of 2 and 3 strings in order, L and R not constant.

    On two strings every correlation, of ranks too, is the same +1 or -1, whatever the weights.
    """
    return (model for model in smallest_tables(3, max_total) if correlates(model.content))
