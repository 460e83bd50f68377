"""adaptors.none: there are aligned models on which no temperature and no truncation trades likelihood for reward."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from flint import arb, fmpq

from theory.adaptors.exact import chain
from theory.adaptors.moments import Moments
from theory.claims.adaptors.models import TEMPERATURES, laws, tempered
from theory.claims.claim import Case, Claim, Clause, Control, Finding, Profile, Relation
from theory.claims.instances import case, integer_cases, law_of, named
from theory.examples import finite as examples
from theory.models.finite import FiniteModel

_TOGETHER = chain(("top_k", 2), ("temperature", 2))


@dataclass(frozen=True, slots=True, eq=False)
class Trial:
    """A model, and what is said of it.

    Args:
        says: what is looked at: every law on C1, one adaptor on C1 or C3, two of them in a row on C3, one adaptor on a
            model whose L and R do not rise with I.
    """

    found: FiniteModel
    says: Callable[[FiniteModel], Iterator[Finding]]


def _steps(found: FiniteModel, at: Moments) -> tuple[arb, arb]:
    return at.mean_log_prior - found.mean.mean_log_prior, at.mean_reward - found.mean.mean_reward


def _restricted(found: FiniteModel, kept: Sequence[int]) -> Moments:
    """The moments of p+ given these strings."""
    return found.moments(law_of(found, [m if y in kept else fmpq(0) for y, m in enumerate(found.mass())]))


def _alone(found: FiniteModel) -> Iterator[Finding]:
    """C1, C3: cooling raises both means, at any temperature, and every set that could be kept moves them one way.

    Cov_q(f, I) is a sum over pairs of strings, see the clause "pairs": each pair's sign is looked at.
    """
    numbers, size = found.numbers, len(found.aligned)
    for one, two in itertools.combinations(range(size), 2):
        for name, values in (("L", numbers.log_prior), ("R", numbers.reward)):
            product = -(values[one] - values[two]) * (numbers.surprisal[one] - numbers.surprisal[two])
            label = f"-({name}_{one} - {name}_{two})(I_{one} - I_{two})"
            yield Finding(label, product, "positive", clause="alone")
    for kept in itertools.chain.from_iterable(itertools.combinations(range(size), k) for k in range(1, size)):
        step_l, step_r = _steps(found, _restricted(found, kept))
        label = f"strings {kept} kept: both means move the same way"
        yield Finding(label, step_l * step_r, "positive", clause="alone")


def _every_law(found: FiniteModel) -> Iterator[Finding]:
    """C1: R - L is log 7 on every string, and so on average under every law."""
    for y, gap in enumerate(found.numbers.reward - found.numbers.log_prior):
        yield Finding(f"R - L - log 7 of string {y}", gap - arb(7).log(), clause="every-law")
    for name, law in laws(found):
        at = found.moments(law)
        yield Finding(
            f"E R - E L - log 7, {name}", at.mean_reward - at.mean_log_prior - arb(7).log(), clause="every-law"
        )


def _together(found: FiniteModel) -> Iterator[Finding]:
    """C3: the two most probable strings, then T = 2."""
    step_l, step_r = _steps(found, found.moments(found.law(_TOGETHER, "global")))
    yield Finding(f"{_TOGETHER} lowers E L", -step_l, "positive", clause="together")
    yield Finding(f"{_TOGETHER} raises E R", step_r, "positive", clause="together")


def _comonotone(found: FiniteModel) -> Iterator[Finding]:
    """Neither L nor R rises with I: cooling and keeping {I <= c} raise each mean that is not constant."""
    numbers, own = found.numbers, found.mean
    for name, values, cov in (("L", numbers.log_prior, own.cov_log_prior_surprisal), ("R", numbers.reward, None)):
        pairs = arb(0)
        for i, j in itertools.combinations(range(len(values)), 2):
            gap = (values[i] - values[j]) * (numbers.surprisal[i] - numbers.surprisal[j])
            pairs += numbers.prob[i] * numbers.prob[j] * gap
        known = -own.cov - own.var_reward if cov is None else cov
        yield Finding(f"Cov({name}, I) = the sum over pairs", known - pairs, clause="pairs")
    order = sorted(range(len(found.aligned)), key=lambda y: float(numbers.surprisal[y]))
    cuts = [k for k in range(1, len(order)) if numbers.surprisal[order[k - 1]] < numbers.surprisal[order[k]]]
    laws_of_one = [tempered(found, tau) for tau in TEMPERATURES]
    steps = [("cooling", warm, cold) for warm, cold in itertools.pairwise(laws_of_one)]
    steps += [(f"the {k} likeliest strings", own, _restricted(found, order[:k])) for k in cuts]
    for name, before, after in steps:
        step_l, step_r = after.mean_log_prior - before.mean_log_prior, after.mean_reward - before.mean_reward
        for mean_name, step, constant in (("L", step_l, own.constant.log_prior), ("R", step_r, own.constant.reward)):
            relation: Relation = "zero" if constant else "positive"
            yield Finding(f"{name}: E {mean_name} rises", step, relation, clause="comonotone")


def _none(content: Trial) -> Iterator[Finding]:
    return content.says(content.found)


@functools.lru_cache(maxsize=2)
def _comonotone_cases(profile: Profile) -> tuple[Case, ...]:
    """Tables with p and e^R in the same order, with a constant L or R, with ties, and with two strings of one p+ apart."""
    rng = np.random.default_rng(profile.seed)
    pairs: list[tuple[tuple[int, ...], tuple[int, ...]]] = [
        ((1, 1, 1), (1, 2, 4)),
        ((1, 2, 4), (1, 1, 1)),
        ((1, 1, 3), (2, 2, 2)),
        ((1, 1, 2, 2), (1, 3, 3, 5)),
        ((1, 2, 8), (2, 1, 8)),
    ]
    for _ in range(12 if profile.full else 4):
        size = int(rng.integers(2, 7))
        p, x = (tuple(sorted(int(v) for v in rng.integers(1, 13, size))) for _ in range(2))
        pairs.append((p, x))
    found = [case(f"in one order: p = {p}, e^R = {x}", examples.table(p, x)) for p, x in pairs]
    return tuple(Case(f"{k + 1}. {c.name}", Trial(c.content, _comonotone), c.spec) for k, c in enumerate(found))


def _none_cases(profile: Profile) -> list[Case]:
    c1, c3 = named("C1", "C3")
    return [
        Case("C1, every law", Trial(c1.content, _every_law), c1.spec),
        Case("C1", Trial(c1.content, _alone), c1.spec),
        Case("C3", Trial(c3.content, _alone), c3.spec),
        Case("C3, top-2 then T = 2", Trial(c3.content, _together), c3.spec),
        *_comonotone_cases(profile),
    ]


def _temperature_never(found: FiniteModel) -> Iterator[Finding]:
    cooled = tempered(found, fmpq(2))
    step_l = cooled.mean_log_prior - found.mean.mean_log_prior
    step_r = cooled.mean_reward - found.mean.mean_reward
    yield Finding("T = 1/2 moves E L and E R the same way", step_l * step_r, "nonnegative")


def _truncation_never(found: FiniteModel) -> Iterator[Finding]:
    at = found.moments(found.law(chain(("top_k", 1)), "global"))
    step_l, step_r = at.mean_log_prior - found.mean.mean_log_prior, at.mean_reward - found.mean.mean_reward
    yield Finding("top-1 moves E L and E R the same way", step_l * step_r, "nonnegative")


def _together_never(found: FiniteModel) -> Iterator[Finding]:
    """Where p and e^R rise together: top-2 and then T = 2 would not move the two means apart."""
    aligned = found.aligned
    rows = sorted(zip(aligned.prior, (reward.factor for reward in aligned.reward), strict=True))
    if all(one[1] <= two[1] for one, two in itertools.pairwise(rows)):
        step_l, step_r = _steps(found, found.moments(found.law(_TOGETHER, "global")))
        if not (found.mean.constant.log_prior or found.mean.constant.reward):
            yield Finding(f"{_TOGETHER} moves E L and E R the same way", step_l * step_r, "nonnegative")


CLAIM = Claim(
    id="adaptors.none",
    sentence="C",
    clauses=(
        Clause(
            name="alone",
            text="there are aligned models on which no global temperature alone and no truncation alone trades "
            "likelihood for reward: p = e^R = (1, 2, 4), and p = (1, 2, 4) with e^R = (1, 2, 3)",
            formula=r"\text{C1, C3: }(L_i-L_j)(I_i-I_j)<0,\ (R_i-R_j)(I_i-I_j)<0"
            r"\Rightarrow\mathrm{Cov}_q(L,I),\mathrm{Cov}_q(R,I)<0\ \forall q",
            formal=("adaptors_none_alone",),
        ),
        Clause(
            name="every-law",
            text="on p = e^R = (1, 2, 4) no law of the strings at all trades: E_q R = E_q L + log 7 for every q",
            formula=r"\text{C1: }\mathbb E_qR=\mathbb E_qL+\log 7\ \forall q",
            formal=("adaptors_none_c1",),
        ),
        Clause(
            name="comonotone",
            text="on every finite law with V > 0 on which neither L nor R rises with I, global cooling, and keeping the "
            "strings of surprisal at most c where that drops one, raise E L unless L is constant, and E R likewise",
            formal=("adaptors_none_comonotone_strict",),
        ),
        Clause(
            name="pairs",
            text="Cov_q(f, I) is the sum over pairs of strings of q q' (f - f')(I - I'), so that it is at most 0 under "
            "every law q where f does not rise with I",
            formula=r"\mathrm{Cov}_q(f,I)=\textstyle\sum_{i<j}q_iq_j(f_i-f_j)(I_i-I_j)",
            formal=("adaptors_none_pairs",),
        ),
        Clause(
            name="together",
            text="a truncation followed by a temperature may trade where neither does alone: top-2 and then T = 2 lower "
            "E L and raise E R on p = (1, 2, 4), e^R = (1, 2, 3)",
            formal=("adaptors_none_together",),
        ),
    ),
    hypotheses=(
        "C1, p = e^R = (1, 2, 4): L and R on a line of slope 1",
        "C3, p = (1, 2, 4), e^R = (1, 2, 3): L and R both fall as I rises",
        "a table: local and global normalisation agree; a truncation may keep any set of strings",
    ),
    source="Chebyshev's association inequality",
    check=_none,
    cases=_none_cases,
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
        Control(
            "together",
            "says so of a truncation followed by a temperature where p and e^R rise together",
            _together_never,
            integer_cases,
            smallest=True,
        ),
    ),
    remark="On C3 this holds of a single adaptor, not of a chain of two: top-2 and then T = 2.15 give (0, 3, 5)/8, "
    "which keeps the order, lowers E L by .0153 and raises E R by .0080 (adaptors.order-preserving).",
    figure="plane",
    order=4050,
    sketch=r"""
In C1 $R-L$ is constant. In C3 both fall along $I$; then for every $q$ two independent strings give $\mathbb
E_q(L-L')(I-I')\le0$, so cooling, and cutting off large surprisals, raises both; of the other sets that could be kept of
C3 each is looked at, and none trades.
In a chain, a truncation raises the means and heating lowers them again along another path.
""",
)
