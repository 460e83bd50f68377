"""prompts.identification: what a reward known up to a function of the prompt says of its correlation with L."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from flint import arb, fmpq

from theory.alignment.gibbs import Aligned
from theory.arithmetic.exact import Array, Exact, ball
from theory.claims.claim import Claim, Clause, Control, Finding, of
from theory.claims.prompts.models import Conditional, edge_cases, prompt_trees, smallest_prompts
from theory.corpora.mixtures import Identification, identification, prompts
from theory.language_models.rewards import Reward
from theory.models.finite import FiniteModel


def _identification(content: FiniteModel | Conditional) -> Iterator[Finding]:
    if isinstance(content, Conditional):
        found = identification(content.mixture)
        yield from of(_clause(found), _known_ends(content, found))
    else:
        found = identification(prompts(content.aligned).mixture)
        yield from of("within", _same_aligned_law(content.aligned, found))
        rho = found.within_correlation
        yield Finding("k^2 = (1 - e^2) rho_w^2", (1 - found.share) * rho * rho - found.slope, clause=_clause(found))
    yield from of(_clause(found), _range(found))


def _clause(found: Identification) -> str:
    """The clause that speaks of this sign of the covariance within prompts."""
    return "positive" if found.side > 0 else "other-signs"


def _known_ends(content: Conditional, found: Identification) -> Iterator[Finding]:
    for name, end, square in zip(("infimum", "supremum"), found.ends(), content.squared_ends, strict=True):
        yield Finding(f"{name}^2, sign kept", end * abs(end) - square)
    yield Finding("which ends are attained", fmpq(int(found.attained() != content.attained)))


def _correlation(found: Identification, extra: Sequence[Exact] | Array) -> Exact:
    """Corr(L, R + g), by summing over all (x, y)."""
    return found.mixture.rewarded(extra).pooled().covariance().correlation


def _range(found: Identification) -> Iterator[Finding]:
    low, high = found.ends()
    far, side = ball(found.share + found.slope), found.side
    if found.share == 0 and side == 0:
        for constant in ([fmpq(0)] * len(found.mixture), found.reward_at(2)):
            yield Finding("e = k = 0: the correlation is 0 whatever g is", _correlation(found, constant))
        return
    for name, extra in _rewards(found):
        value = _correlation(found, extra)
        yield Finding(f"{name}: Corr^2 <= e^2 + k^2", _squared_gap(found, extra), "nonnegative")
        if side >= 0:
            yield Finding(f"{name}: Corr > -e", value - low, "positive")
        if side <= 0:
            yield Finding(f"{name}: Corr < e", high - value, "positive")
    if side != 0:
        value = _correlation(found, found.extreme_reward())
        yield Finding("the far end is attained: Corr^2 = e^2 + k^2", value * value - far)
        yield Finding("the far end is attained: its sign", value * side, "positive")
    for part in (fmpq(1, 20), fmpq(1, 2), fmpq(19, 20)):
        target = low + (high - low) * part
        yield Finding(
            f"{part} of the way between the ends is attained",
            _correlation(found, found.reward_reaching(target)) - target,
        )
    yield from _approach(found)


def _rewards(found: Identification) -> Iterator[tuple[str, Sequence[Exact] | Array]]:
    """Some functions g of the prompt."""
    prompts_ = range(len(found.mixture))
    yield "g = 1, 0, ...", [fmpq(int(k == 0)) for k in prompts_]
    yield "g = -3, 0, ...", [fmpq(-3 * int(k == 0)) for k in prompts_]
    yield "g = ..., 0, 5", [fmpq(5 * int(k == len(found.mixture) - 1)) for k in prompts_]
    for slant in (-100, -1, 1, 100):
        yield f"slant {slant}", found.reward_at(slant)


def _squared_gap(found: Identification, extra: Sequence[Exact] | Array) -> Exact:
    """e^2 + k^2 - Corr^2; a rational where everything is, so that the tight case is decided."""
    matrix = found.mixture.rewarded(extra).pooled().covariance()
    return found.share + found.slope - matrix.cov * matrix.cov / (matrix.var_log_prior * matrix.var_reward)


def _approach(found: Identification) -> Iterator[Finding]:
    """At slant -M (for k >= 0) 0 < Corr + e <= e/(2 M^2) + k/M: the near end is approached, not attained."""
    e, k = ball(found.share).sqrt(), ball(found.slope).sqrt()
    for sign in {1, -1} if found.side == 0 else {found.side}:
        for slant in (10, 10_000):
            margin = _correlation(found, found.reward_at(-sign * slant)) * sign + e
            bound = e / (2 * slant * slant) + k / slant
            yield Finding(f"near end, slant {slant}: not attained", margin, "positive")
            yield Finding(f"near end, slant {slant}: within e/(2 M^2) + k/M", bound - margin, "nonnegative")


def _same_aligned_law(aligned: Aligned, found: Identification) -> Iterator[Finding]:
    """g(x) = log 2 on the first prompt changes neither p+(y | x) nor anything within prompts."""
    first = set(range(len(found.mixture.parts[0])))
    doubled = [r + Reward(factor=fmpq(2)) if k in first else r for k, r in enumerate(aligned.reward)]
    other = prompts(replace(aligned, reward=tuple(doubled))).mixture
    for part, shifted in zip(found.mixture.parts, other.parts, strict=True):
        gap = sum((abs(a - b) for a, b in zip(part.prob, shifted.prob, strict=True)), start=arb(0))
        yield Finding("p+(. | x) is the same under r + g(x)", gap)
    pairs = zip(found.mixture.within().entries(), other.within().entries(), strict=True)
    yield from (Finding("covariance within prompts is the same under r + g(x)", a - b) for a, b in pairs)


def _decided(aligned: Aligned) -> Identification | None:
    """The identification of a small model; None where L or R is constant given every prompt, or k is 0."""
    mixture = prompts(aligned).mixture
    return None if any(v.contains(0) for v in mixture.within().entries()) else identification(mixture)


def _is_identified(found: FiniteModel) -> Iterator[Finding]:
    mixture = prompts(found.aligned).mixture
    changed = mixture.rewarded([fmpq(int(k == 0)) for k in range(len(mixture))])
    matrices = [law.pooled().covariance() for law in (mixture, changed)]
    if not any(m.var_log_prior.contains(0) or m.var_reward.contains(0) for m in matrices):
        change = matrices[1].correlation - matrices[0].correlation
        yield Finding("Corr(L, R + g) = Corr(L, R), g = 1, 0, ...", change)


def _any_sign(found: FiniteModel) -> Iterator[Finding]:
    known = _decided(found.aligned)
    if known is not None:
        reach = ball(known.share + known.slope).sqrt()
        yield Finding("sup = sqrt(e^2 + k^2) is attained", _correlation(known, known.extreme_reward()) - reach)


def _without_share(found: FiniteModel) -> Iterator[Finding]:
    known = _decided(found.aligned)
    if known is not None:
        rho, value = known.within_correlation, _correlation(known, known.extreme_reward())
        yield Finding("far end: Corr^2 = e^2 + rho_w^2", value * value - known.share - rho * rho)


def _near_end_attained(found: FiniteModel) -> Iterator[Finding]:
    known = _decided(found.aligned)
    if known is not None:
        e = ball(known.share).sqrt()
        yield Finding("near end attained at t = -e/k", _correlation(known, _opposite(known)) * known.side + e)


def _opposite(found: Identification) -> Array:
    """g at the slant opposite to the far end's."""
    e, k = ball(found.share).sqrt(), ball(found.slope).sqrt()
    return found.reward_at(-e / k * found.side)


CLAIM = Claim(
    id="prompts.identification",
    sentence="A",
    clauses=(
        Clause(
            name="positive",
            text="with positive covariance within prompts a reward known up to g(x) leaves Corr(L, R + g) anything "
            "above -e, up to sqrt(e^2 + (1 - e^2) rho_w^2), where e^2 = Var E[L | x]/Var L and rho_w is the correlation "
            "within prompts",
            formula=r"\{\operatorname{Corr}(L,R+g(X)):g\}=\big(-e,\sqrt{e^2+(1-e^2)\rho_w^2}\,\big]\quad "
            r"(\mathbb E\operatorname{Cov}(L,R\mid X)>0),\quad "
            r"e^2=\frac{\operatorname{Var}\mathbb E[L\mid X]}{\operatorname{Var}L}",
            formal=(
                "prompts_identification_same",
                "prompts_identification_range",
            ),
        ),
        Clause(
            name="other-signs",
            text="with negative covariance within prompts the range is mirrored; with covariance 0 it is (-e, e), or 0 alone "
            "if e = 0",
            formula=r"\big[-\sqrt{e^2+(1-e^2)\rho_w^2},\,e\big)\quad(\mathbb E\operatorname{Cov}(L,R\mid X)<0)",
        ),
        Clause(
            name="within",
            text="no g changes p+(y | x), nor a variance or covariance of L and R within prompts: rho_w is identified",
            formula=r"\rho_w=\frac{\mathbb E\operatorname{Cov}(L,R\mid X)}"
            r"{\sqrt{\mathbb E\operatorname{Var}(L\mid X)\,\mathbb E\operatorname{Var}(R\mid X)}}",
            formal=("prompts_identification_within",),
        ),
    ),
    hypotheses=(
        "at least two prompts, finitely many strings",
        "L is not constant, and R is not constant given every prompt",
    ),
    source="r up to g(x): Rafailov et al. (2023), arXiv:2305.18290, Lemmas 1 and 2; the range: Cauchy-Schwarz",
    check=_identification,
    cases=lambda profile: [*edge_cases(), *prompt_trees(profile)],
    controls=(
        Control(
            "identified",
            "takes Corr(L, R + g) for known: g is said to leave it as it is",
            _is_identified,
            lambda _: smallest_prompts(3, 11),
            smallest=True,
        ),
        Control(
            "any-sign",
            "drops the sign of the covariance within prompts: the upper end is said to be attained in every case",
            _any_sign,
            lambda _: smallest_prompts(3, 11),
            smallest=True,
        ),
        Control(
            "without-share",
            "drops the factor 1 - e^2",
            _without_share,
            lambda _: smallest_prompts(3, 11),
            smallest=True,
        ),
        Control(
            "closed-interval",
            "closes the interval: the near end is said to be attained too",
            _near_end_attained,
            lambda _: smallest_prompts(3, 11),
            smallest=True,
        ),
    ),
    remark=(
        "The far end is attained at g(x) = c E[L | x] - E[R | x], c = E Var(R | X) / E Cov(L, R | X); the near end "
        "is approached as g(x) = -M E[L | x], M -> infinity. If e > 0 both signs occur; if e = 0 the sign is that "
        "of rho_w. Were R constant given every prompt, only [-e, e] would be left: all of it with three or more "
        "values of E[L | x], its two ends with two."
    ),
    figure="prompts",
    order=7020,
    sketch=r"""
Adding $g(x)$ to $r$ changes neither $p_+(\cdot|x)$ nor anything within a prompt. Split $L$ and $R$ into their means
given $x$ and the rest; $g$ can be any function, and only its part along $\mathbb E[L|x]$ helps: the correlation is
$(te+k)/\sqrt{t^2+1}$ with $k=\rho_w\sqrt{1-e^2}$, and its range over $t$ is the interval.
""",
)
