"""adaptors.none: there are aligned models on which no temperature and no truncation trades likelihood for reward."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from flint import arb, fmpq

from theory.adaptors.exact import chain
from theory.claims.adaptors.models import laws, tempered
from theory.claims.claim import Case, Claim, Clause, Control, Finding
from theory.claims.instances import (
    integer_cases,
    law_of,
    named,
)
from theory.models.finite import FiniteModel


def _comonotone(found: FiniteModel) -> Iterator[Finding]:
    """For every pair of strings the more probable one has no smaller L and no smaller R.

    Then Cov_q(L, I) <= 0 and Cov_q(R, I) <= 0 under every q, since Cov_q(f, g) is half the mean of
    (f - f')(g - g') over independent pairs: no temperature trades off, at any T.
    """
    numbers, aligned = found.numbers, found.aligned
    for one, two in itertools.combinations(range(len(aligned)), 2):
        for name, values in (("L", numbers.log_prior), ("R", numbers.reward)):
            product = -(values[one] - values[two]) * (numbers.surprisal[one] - numbers.surprisal[two])
            yield Finding(f"-({name}_{one} - {name}_{two})(I_{one} - I_{two})", product, "nonnegative")
    for size in range(1, len(aligned)):
        for subset in itertools.combinations(range(len(aligned)), size):
            at = found.moments(law_of(found, [m if y in subset else fmpq(0) for y, m in enumerate(found.mass())]))
            step_l, step_r = at.mean_log_prior - found.mean.mean_log_prior, at.mean_reward - found.mean.mean_reward
            yield Finding(f"strings {subset} kept: both means move the same way", step_l * step_r, "positive")


def _collinear(found: FiniteModel) -> Iterator[Finding]:
    for name, law in laws(found):
        at = found.moments(law)
        yield Finding(f"E R - E L - log 7, {name}", at.mean_reward - at.mean_log_prior - arb(7).log())


def _none(content: FiniteModel | tuple[FiniteModel]) -> Iterator[Finding]:
    return _collinear(content[0]) if isinstance(content, tuple) else _comonotone(content)


def _temperature_never(found: FiniteModel) -> Iterator[Finding]:
    cooled = tempered(found, fmpq(2))
    step_l = cooled.mean_log_prior - found.mean.mean_log_prior
    step_r = cooled.mean_reward - found.mean.mean_reward
    yield Finding("T = 1/2 moves E L and E R the same way", step_l * step_r, "nonnegative")


def _truncation_never(found: FiniteModel) -> Iterator[Finding]:
    at = found.moments(found.law(chain(("top_k", 1)), "global"))
    step_l, step_r = at.mean_log_prior - found.mean.mean_log_prior, at.mean_reward - found.mean.mean_reward
    yield Finding("top-1 moves E L and E R the same way", step_l * step_r, "nonnegative")


CLAIM = Claim(
    id="adaptors.none",
    sentence="C",
    clauses=(
        Clause(
            name="all",
            text="there are aligned models on which no temperature and no truncation trades likelihood for reward",
            formula=r"\text{C1: }\mathbb E_qR=\mathbb E_qL+\log 7\ \forall q;\qquad "
            r"\text{C3: }(L_i-L_j)(I_i-I_j)\le0,\ (R_i-R_j)(I_i-I_j)\le0"
            r"\Rightarrow\mathrm{Cov}_q(L,I),\mathrm{Cov}_q(R,I)\le0\ \forall q",
        ),
    ),
    hypotheses=("C1: L and R collinear with slope 1", "C3: L and R comonotone with p+"),
    source="Chebyshev's association inequality",
    check=_none,
    cases=lambda profile: [Case("C1, every law", (named("C1")[0].content,)), *named("C1", "C3")],
    controls=(
        Control(
            "every-model", "says so of every model, for temperature", _temperature_never, integer_cases, smallest=True
        ),
        Control(
            "every-model-truncation",
            "says so of every model, for top-1",
            _truncation_never,
            integer_cases,
            smallest=True,
        ),
    ),
    figure="plane",
    order=4050,
    sketch=r"""
In C1 $R-L$ is constant. In C3 both fall along $I$; then for every $q$ two independent strings give $\mathbb
E_q(L-L')(I-I')\le0$, so cooling, and cutting off large surprisals, raises both; of the other sets that could be kept of C3 each is looked at, and none trades.
""",
)
