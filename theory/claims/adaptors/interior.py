"""adaptors.interior: without a budget p+ is Pareto-optimal only on one point or one falling line."""

from __future__ import annotations

import functools
from collections.abc import Iterator

from flint import arb, fmpq

from theory.adaptors.frontier import Pair, gaining_direction, gaining_mixture
from theory.adaptors.hull import hull
from theory.arithmetic.exact import Array, Exact
from theory.claims.adaptors.plane_models import (
    gains_of,
    is_independent,
    least_of,
    member_of,
)
from theory.claims.claim import Case, Claim, Clause, Control, Finding, Profile, of
from theory.claims.instances import case, integer_cases, usual
from theory.examples import finite as examples
from theory.models.finite import FiniteModel
from theory.probability.information import entropy, kl_divergence


def _gains(found: FiniteModel, name: str, law: Array) -> Iterator[Finding]:
    gain_l, gain_r = gains_of(found, law)
    yield Finding(f"{name}: E L gains", gain_l, "positive", clause="pareto")
    yield Finding(f"{name}: E R gains", gain_r, "positive", clause="pareto")
    yield from of("cost", _spent(found, name, law))


def _spent(found: FiniteModel, name: str, law: Array) -> Iterator[Finding]:
    """What is gained is paid in entropy and in divergence: the gains sum to H - H(q) - KL(q || p+)."""
    gained = sum(gains_of(found, law), start=arb(0))
    fallen = found.mean.entropy - entropy(law)
    yield Finding(f"{name}: gains = H - H(q) - KL", gained - fallen + kl_divergence(law, found.numbers.prob))
    yield Finding(f"{name}: H(q) < H", fallen, "positive")


def _tilted(found: FiniteModel) -> tuple[Array, arb]:
    """(p+ (1 + eps g), eps det Cov) with eps = 1 / (2 max |g|): a law with equal gains eps det Cov in both."""
    own = member_of(found, fmpq(1), fmpq(1))
    direction = gaining_direction(own, found.numbers.log_prior, found.numbers.reward, (fmpq(1), fmpq(1)))
    step = 1 / (2 * functools.reduce(arb.max, (abs(g) for g in direction)))
    return found.numbers.prob * (1 + direction * step), own.determinant * step


def _mixed(found: FiniteModel) -> Array:
    law = gaining_mixture(found.numbers, (found.mean.mean_log_prior, found.mean.mean_reward))
    assert law is not None, "(E L, E R) lies inside the hull, so that one or two strings gain in both"
    return law


def _dominated(found: FiniteModel) -> Iterator[Finding]:
    law, gain = _tilted(found)
    gain_l, gain_r = gains_of(found, law)
    yield Finding("p+ (1 + eps g) has mass 1", law.sum() - 1, clause="tilt")
    yield Finding("p+ (1 + eps g) is a law", least_of(iter(law)), "positive", clause="tilt")
    yield Finding("p+ (1 + eps g): E L gains eps det Cov", gain_l - gain, clause="tilt")
    yield Finding("p+ (1 + eps g): E R gains eps det Cov", gain_r - gain, clause="tilt")
    yield Finding("eps det Cov > 0", gain, "positive", clause="tilt")
    yield from _gains(found, "p+ (1 + eps g)", law)
    yield from _gains(found, "one or two strings", _mixed(found))


def _on_a_line(found: FiniteModel) -> Iterator[Finding]:
    """Where 1, L, R are dependent p+ is Pareto-optimal iff (L, R) is one point, or on a line that falls.

    On a falling line a law that gains E L loses E R in a fixed ratio. On any other line the upper end loses in neither
    and gains in one at least.
    """
    ends = hull(found.numbers)
    low, high = ends[0], ends[-1]
    step_l, step_r = _steps(found, low, high)
    if len(ends) == 1:
        yield Finding("one point: Var L = 0", found.mean.var_log_prior)
        yield Finding("one point: Var R = 0", found.mean.var_reward)
    elif step_l > 0 and step_r < 0:
        for y in range(len(found.aligned)):
            offset_l, offset_r = _steps(found, low, y)
            yield Finding("a falling line: no law gains in one alone", offset_l * step_r - offset_r * step_l)
    else:
        gain_l, gain_r = _gains_at(found, high, step_l, step_r)
        yield Finding("a line that does not fall: its upper end does not lose E L", gain_l, "nonnegative")
        yield Finding("a line that does not fall: its upper end does not lose E R", gain_r, "nonnegative")
        yield Finding("a line that does not fall: its upper end gains", gain_l + gain_r, "positive")


def _gains_at(found: FiniteModel, string: int, step_l: Exact, step_r: Exact) -> Pair:
    """(L, R) of a string less (E L, E R), 0 exactly where the line is vertical or horizontal."""
    gain_l = found.numbers.log_prior[string] - found.mean.mean_log_prior
    gain_r = found.numbers.reward[string] - found.mean.mean_reward
    return gain_l if step_l != 0 else fmpq(0), gain_r if step_r != 0 else fmpq(0)


def _steps(found: FiniteModel, one: int, two: int) -> tuple[Exact, Exact]:
    """(L, R) of the second string minus that of the first, 0 exactly where they are equal."""
    prior, reward = found.aligned.prior, found.aligned.reward
    step_l = found.numbers.log_prior[two] - found.numbers.log_prior[one] if prior[one] != prior[two] else fmpq(0)
    step_r = found.numbers.reward[two] - found.numbers.reward[one] if reward[one] != reward[two] else fmpq(0)
    return step_l, step_r


def _interior(found: FiniteModel) -> Iterator[Finding]:
    yield from _dominated(found) if is_independent(found) else of("pareto", _on_a_line(found))


def _best_gain(found: FiniteModel) -> Exact:
    """E L + E R gained by the law found that loses in neither; 0 exactly where there is none."""
    if is_independent(found):
        return sum(gains_of(found, _tilted(found)[0]), start=arb(0))
    ends = hull(found.numbers)
    steps = _steps(found, ends[0], ends[-1])
    if len(ends) == 1 or (steps[0] > 0 and steps[1] < 0):
        return fmpq(0)
    return sum(_gains_at(found, ends[-1], *steps), start=arb(0))


def _always_dominated(found: FiniteModel) -> Iterator[Finding]:
    yield Finding("some law gains and loses in neither", _best_gain(found), "positive")


def _dominated_if_both_vary(found: FiniteModel) -> Iterator[Finding]:
    if not (found.mean.constant.log_prior or found.mean.constant.reward):
        yield from _always_dominated(found)


def _dominated_for_free(found: FiniteModel) -> Iterator[Finding]:
    if is_independent(found):
        yield Finding("H(q) >= H of the law that gains", entropy(_tilted(found)[0]) - found.mean.entropy, "nonnegative")


def _interior_cases(profile: Profile) -> list[Case]:
    falling = case("p = (4, 2, 1), e^R = (1, 2, 4)", examples.table((4, 2, 1), (1, 2, 4)))
    return [*usual(profile), falling]


CLAIM = Claim(
    id="adaptors.interior",
    sentence="C",
    clauses=(
        Clause(
            name="pareto",
            text="without a budget p+ is Pareto-optimal in (E L, E R) iff the points (L, R) of all strings coincide or "
            "lie on one falling line, for every finite law",
            formula=r"p_+\ \text{Pareto-optimal}\iff(L,R)\ \text{constant, or}\ R=c-kL\ \text{with}\ k>0",
            formal=("adaptors_interior_pareto",),
        ),
        Clause(
            name="tilt",
            text="p+ (1 + eps g) with g = (Var R - Cov)(L - E L) + (Var L - Cov)(R - E R) moves E L and E R alike, by "
            "eps det Cov(L, R), for every finite law and every eps for which it is a law",
            formula=r"q=p_+(1+\varepsilon g)\Rightarrow\mathbb{E}_qL-\mathbb{E}L=\mathbb{E}_qR-\mathbb{E}R="
            r"\varepsilon\det\mathrm{Cov},\quad "
            r"g=(\mathrm{Var}R-\mathrm{Cov})(L-\mathbb{E}L)+(\mathrm{Var}L-\mathrm{Cov})(R-\mathbb{E}R)",
            formal=("adaptors_interior_tilt",),
        ),
        Clause(
            name="cost",
            text="the gains of any law q in E L and E R sum to H - H(q) - KL(q||p+), so that a law that gains in both "
            "has less entropy than p+",
            formula=r"(\mathbb{E}_qL-\mathbb{E}L)+(\mathbb{E}_qR-\mathbb{E}R)=H-H(q)-\mathrm{KL}(q\|p_+)",
            formal=("adaptors_interior_cost",),
        ),
    ),
    hypotheses=("finitely many strings, all of positive probability under p+",),
    source="the means under a law of full support lie in the interior of the hull; Rockafellar (1970), section 6",
    check=_interior,
    cases=_interior_cases,
    everywhere=True,
    controls=(
        Control(
            "both-vary",
            "says that p+ is dominated wherever L and R both vary",
            _dominated_if_both_vary,
            integer_cases,
            smallest=True,
        ),
        Control("dependent", "says that p+ is always dominated", _always_dominated, integer_cases, smallest=True),
        Control("free", "says that the gain costs no entropy", _dominated_for_free, integer_cases, smallest=True),
    ),
    remark="Points on one line are not enough for p+ to be Pareto-optimal: on a rising, horizontal or vertical line "
    "(C1, C2) the line's upper end dominates p+.",
    order=4070,
    sketch=r"""
$g$ solves $\mathrm{Cov}(g,L)=\mathrm{Cov}(g,R)=\det\mathrm{Cov}$ and has mean 0, so for small $\varepsilon$
$p_+(1+\varepsilon g)$ is a law that beats $p_+$ in both; $\det\mathrm{Cov}=0$ only where all $(L,R)$ are on one line. On
a falling line $kL+R$ is constant, so no law gains in both; on another line the upper end does.
""",
)
