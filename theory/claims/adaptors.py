"""Adaptors (claim C): what temperature and truncation do to expected likelihood and expected reward."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import sympy as sp
from flint import arb, fmpq

from theory.adaptors.exact import Adapted, Chain, adapt_global, adapt_local, chain, decide
from theory.adaptors.moments import Moments
from theory.arithmetic.exact import Array, objects, widen
from theory.claims.claim import Case, Claim, Control, Finding, Profile
from theory.claims.instances import (
    Instance,
    integer_cases,
    law_of,
    named,
    reference_laws,
    small,
    usual,
)
from theory.claims.symbolic import covariance, mean, model, simplex, vanishes
from theory.claims.tree_search import trees_by_size
from theory.probability.information import kl_divergence

TEMPERATURES = (fmpq(1, 2), fmpq(1), fmpq(2))
"""Values of tau = 1/T."""


def tempered(found: Instance, tau: fmpq) -> Moments:
    """The moments of (L, R) under the global temperature law q_tau, proportional to p+ ** tau."""
    return found.adapted(chain(("temperature", 1 / tau)), "global")[1]


# --- exchange -----------------------------------------------------------------------------------------------------

_STEP = fmpq(1, 10**20)


def _slope(found: Instance, values: Array, tau: fmpq) -> Any:
    """dE f/dtau along the global temperature, by a symmetric difference whose error is enclosed.

    The third derivative is a joint cumulant of f and three I's: a sum over the 15 partitions of the four, with weights
    that add up to 26, of products of central moments, each at most the product of the ranges.
    """
    means = []
    for t in (tau - _STEP, tau + _STEP):
        weight = objects((-i * t).exp() for i in found.numbers.surprisal)
        means.append((weight * values).sum() / weight.sum())
    error = 26 * _range(values) * _range(found.numbers.surprisal) ** 3 * _STEP**2 / 6
    return widen((means[1] - means[0]) / (2 * _STEP), error)


def _range(values: Array) -> Any:
    low, high = values[0], values[0]
    for value in values[1:]:
        low, high = arb.min(low, value), arb.max(high, value)
    return high - low


def _exchange(found: Instance) -> Iterator[Finding]:
    if found.mean.constant.surprisal:
        return
    for tau in TEMPERATURES:
        at = tempered(found, tau)
        b, variance = at.exchange_coefficient, at.var_surprisal
        yield Finding(f"dE L/dtau + b V, tau = {tau}", _slope(found, found.numbers.log_prior, tau) + b * variance)
        yield Finding(
            f"dE R/dtau - (1 + b) V, tau = {tau}", _slope(found, found.numbers.reward, tau) - (1 + b) * variance
        )
    yield from _trichotomy(found.mean)


def _trichotomy(at: Moments) -> Iterator[Finding]:
    """The three forms of the condition have one sign, and the coordinate of larger variance gains."""
    if at.constant.log_prior or at.constant.reward:
        return
    b = at.exchange_coefficient
    outside = b * (1 + b)
    below = -at.cov - arb.min(at.var_log_prior, at.var_reward)
    small_v = abs(at.var_log_prior - at.var_reward) - at.var_surprisal
    if outside.contains(0) or below.contains(0):
        yield Finding("b (1 + b) = 0 on the border", outside)
        yield Finding("-Cov = min(Var L, Var R) on the border", below)
        return
    yield Finding("b outside [-1, 0] iff Cov < -min(Var L, Var R)", outside * below, "positive")
    yield Finding("b outside [-1, 0] iff V < |Var L - Var R|", outside * small_v, "positive")
    if outside > 0:
        gain = (1 + b) * (at.var_reward - at.var_log_prior)
        yield Finding("the coordinate of larger variance gains on cooling", gain, "positive")


def _turned_slope(found: Instance) -> Iterator[Finding]:
    at = found.mean
    if not at.constant.surprisal:
        slope = _slope(found, found.numbers.log_prior, fmpq(1))
        yield Finding("dE L/dtau = +b V", slope - at.exchange_coefficient * at.var_surprisal)


def _negative_suffices(found: Instance) -> Iterator[Finding]:
    """Cov < 0 alone would make temperature trade off: b outside [-1, 0]."""
    at = found.mean
    if not at.constant.surprisal and at.cov < 0:
        b = at.exchange_coefficient
        yield Finding("Cov < 0 implies b (1 + b) >= 0", b * (1 + b), "nonnegative")


def _local_too(found: Instance) -> Iterator[Finding]:
    """Locally normalised temperature would raise E L + E R on cooling, as global temperature does."""
    cooled = found.adapted(chain(("temperature", "1/2")), "local")[1]
    gain = cooled.mean_log_prior + cooled.mean_reward - found.mean.mean_log_prior - found.mean.mean_reward
    yield Finding("E L + E R rises from T = 1 to local T = 1/2", gain, "nonnegative")


def _exchange_cases(profile: Profile) -> list[Case]:
    return usual(profile) if profile.full else [*small(profile), *named("toy")]


def small_trees(profile: Profile) -> Iterator[Case]:
    """All trees of 3 strings with weights that sum to at most 12, smallest first, then C2.

    A tree of 2 strings takes one decision only: local and global normalisation agree on it.
    """
    yield from trees_by_size(3, 3, 12, ordered=True)
    yield from named("C2")


def _exchange_proof() -> list[str]:
    lines = []
    tau = sp.Symbol("tau", positive=True)
    for n in (2, 3):
        m = model(n)
        surprisal = sp.symbols(f"I1:{n + 1}", real=True)
        weight = [sp.exp(-tau * i) for i in surprisal]
        law = [w / sum(weight) for w in weight]
        for name, values, sign in (("L", m.log_prior, -1), ("I", surprisal, -1)):
            gap = sp.diff(mean(law, values), tau) - sign * covariance(law, values, surprisal)
            shares = dict(zip(weight, m.weight, strict=True))
            lines.append(vanishes(gap.subs(shares), f"dE {name}/dtau = -Cov({name}, I) under q_tau, n = {n}"))
    b, v, var_l = sp.symbols("b V VarL", real=True)
    # Var R = Var L + 2 Cov(L, I) + V and Cov(L, R) = -Var L - Cov(L, I), with Cov(L, I) = b V
    var_r, cov = var_l + 2 * b * v + v, -var_l - b * v
    lines.append(vanishes(cov + var_l + b * v, "Cov + Var L = -b V"))
    lines.append(vanishes(cov + var_r - (1 + b) * v, "Cov + Var R = (1 + b) V"))
    lines.append(vanishes(var_r - var_l - (1 + 2 * b) * v, "Var R - Var L = (1 + 2 b) V"))
    return lines


EXCHANGE = Claim(
    id="adaptors.exchange",
    sentence="C",
    title="Temperature trades likelihood for reward only where b lies outside [-1, 0]",
    statement=(
        r"\tfrac{d\mathbb E L}{d\tau}=-bV,\quad \tfrac{d\mathbb E R}{d\tau}=(1+b)V,\quad "
        r"b=\tfrac{\mathrm{Cov}(L,I)}{V};\qquad "
        r"b\notin[-1,0]\iff\mathrm{Cov}<-\min(\mathrm{Var}L,\mathrm{Var}R)\iff V<|\mathrm{Var}L-\mathrm{Var}R|"
    ),
    hypotheses=("globally normalised temperature q_tau, proportional to p+ ** tau", "0 < V < inf"),
    source="derivatives of an exponential family",
    check=_exchange,
    cases=_exchange_cases,
    everywhere=True,
    controls=(
        Control("turned", "turns the sign of dE L/dtau", _turned_slope, integer_cases, smallest=True),
        Control(
            "negative-suffices",
            "says that a negative covariance suffices for a trade-off",
            _negative_suffices,
            integer_cases,
            smallest=True,
        ),
        Control("local", "normalises the temperature per step", _local_too, small_trees, smallest=True),
    ),
    proof=_exchange_proof,
)


# --- slope bound --------------------------------------------------------------------------------------------------


def _slope_bound(found: Instance) -> Iterator[Finding]:
    for tau in TEMPERATURES:
        at = tempered(found, tau)
        if at.constant.surprisal or not at.var_reward < at.var_surprisal:
            continue
        k = arb(0) if at.constant.reward else (at.var_reward / at.var_surprisal).sqrt()
        b = at.exchange_coefficient
        margin = k * abs(b) - (1 - k) * abs(1 + b)
        collinear = at.var_log_prior * at.var_reward - at.cov * at.cov
        if collinear > 0:
            yield Finding(f"k |dE L| - (1 - k) |dE R|, tau = {tau}", margin, "positive")
        else:
            yield Finding(f"collinear, tau = {tau}: |dE R| = k V", abs(1 + b) - k)


def _without_factor(found: Instance) -> Iterator[Finding]:
    at = found.mean
    if not at.constant.surprisal and at.var_reward < at.var_surprisal:
        k = (at.var_reward / at.var_surprisal).sqrt()
        b = at.exchange_coefficient
        yield Finding("k |dE L| >= |dE R|", k * abs(b) - abs(1 + b), "nonnegative")


def _without_k(found: Instance) -> Iterator[Finding]:
    at = found.mean
    if not at.constant.surprisal:
        k = (at.var_reward / at.var_surprisal).sqrt()
        b = at.exchange_coefficient
        yield Finding("k |dE L| >= |1 - k| |dE R|", k * abs(b) - abs(1 - k) * abs(1 + b), "nonnegative")


SLOPE_BOUND = Claim(
    id="adaptors.slope-bound",
    sentence="C",
    title="Where rewards vary less than surprisals, temperature moves reward by at most k/(1-k) per nat of likelihood",
    statement=(
        r"\Bigl|\frac{d\mathbb E R}{d\mathbb E L}\Bigr|\le\frac{k}{1-k},\qquad "
        r"k=\frac{\mathrm{sd}R}{\mathrm{sd}I}<1"
    ),
    hypotheses=("globally normalised temperature", "k < 1"),
    source="Cauchy-Schwarz: |(1 + b) V| <= sd R sd I, and dE L + dE R = V dtau",
    check=_slope_bound,
    cases=usual,
    everywhere=True,
    controls=(
        Control("k-alone", "leaves out the denominator 1 - k", _without_factor, integer_cases, smallest=True),
        Control("any-k", "drops k < 1", _without_k, integer_cases, smallest=True),
    ),
    remark="Met with equality by two strings (L, R, I collinear with E R rising): the bound cannot be improved.",
)


# --- budget -------------------------------------------------------------------------------------------------------


def laws(found: Instance) -> Iterator[tuple[str, Adapted]]:
    """Laws of very different kinds on a model's strings: references, temperatures, truncations."""
    for name, weights in reference_laws(found):
        yield name, law_of(found, weights)
    for steps in (chain(("temperature", "1/2")), chain(("nucleus", "4/5")), chain(("top_k", 2), ("temperature", 2))):
        kept = decide(found.aligned, found.numbers, steps)
        label = " then ".join(f"{step.name} {step.value}" for step in steps)
        yield f"local {label}", adapt_local(found.aligned, found.numbers, kept)
        yield f"global {label}", adapt_global(found.aligned, found.numbers, kept)


def _direct_divergence(found: Instance, law: Adapted) -> Any:
    """KL(q || p+) from probabilities alone."""
    return kl_divergence(law.prob, found.numbers.prob[law.string])


def _budget(found: Instance) -> Iterator[Finding]:
    before: Moments | None = None
    for name, law in laws(found):
        at = found.moments(law)
        divergence = _direct_divergence(found, law)
        total = at.mean_log_prior + at.mean_reward + at.entropy
        yield Finding(f"E L + E R + H - log Z + KL, {name}", total - found.numbers.log_partition + divergence)
        if before is not None:
            step = at.mean_log_prior - before.mean_log_prior + at.mean_reward - before.mean_reward
            yield Finding(f"step of E L + E R + CE to {name}", step + at.cross_entropy - before.cross_entropy)
        before = at


def _wrong_divergence(found: Instance) -> Iterator[Finding]:
    for name, law in laws(found):
        at = found.moments(law)
        total = at.mean_log_prior + at.mean_reward + at.entropy
        yield Finding(
            f"E L + E R + H = log Z + KL, {name}", total - found.numbers.log_partition - _direct_divergence(found, law)
        )


def _one_to_one(found: Instance) -> Iterator[Finding]:
    """Between p+ and any other law reward would be bought nat for nat."""
    for name, law in laws(found):
        at = found.moments(law)
        step = at.mean_log_prior - found.mean.mean_log_prior + at.mean_reward - found.mean.mean_reward
        yield Finding(f"E L + E R at {name} = at p+", step)


def _budget_proof() -> list[str]:
    lines = []
    for n in (2, 3, 4):
        m, q = model(n), simplex(n)
        logs = sp.symbols(f"log_q1:{n + 1}", real=True)
        entropy = -mean(q, logs)
        divergence = mean(q, [a + i for a, i in zip(logs, m.surprisal, strict=True)])
        gap = mean(q, m.log_prior) + mean(q, m.reward) + entropy - m.log_partition + divergence
        lines.append(vanishes(gap, f"E L + E R + H(q) = log Z - KL(q||p+), n = {n}"))
    return lines


BUDGET = Claim(
    id="adaptors.budget",
    sentence="C",
    title="Likelihood, reward and entropy share one budget; only the entropy spent and the divergence move their sum",
    statement=(
        r"\mathbb E_qL+\mathbb E_qR+H(q)=\log Z-\mathrm{KL}(q\|p_+)\le\log Z;\qquad "
        r"\frac{\Delta\mathbb E R}{\Delta\mathbb E L}=-1-\frac{\Delta\mathrm{CE}}{\Delta\mathbb E L}"
    ),
    hypotheses=("q << p+",),
    source="the definition of p+; Gibbs' inequality",
    check=_budget,
    cases=usual,
    everywhere=True,
    controls=(
        Control("plus-divergence", "adds the divergence", _wrong_divergence, integer_cases, smallest=True),
        Control(
            "one-to-one",
            "says that every adaptor stays on the line of slope -1",
            _one_to_one,
            integer_cases,
            smallest=True,
        ),
    ),
    proof=_budget_proof,
)


# --- truncation ---------------------------------------------------------------------------------------------------

TRUNCATIONS: tuple[Chain, ...] = tuple(
    chain((name, value))
    for name, value in (
        ("top_k", 1),
        ("top_k", 2),
        ("nucleus", "3/5"),
        ("typical", "3/5"),
        ("eta", "1/4"),
        ("epsilon", "1/5"),
        ("min_p", "1/2"),
    )
)


def _truncation(found: Instance) -> Iterator[Finding]:
    for steps in TRUNCATIONS:
        kept = decide(found.aligned, found.numbers, steps)
        local, whole = (adapt(found.aligned, found.numbers, kept) for adapt in (adapt_local, adapt_global))
        at_global = found.moments(whole)
        label = f"{steps[0].name} {steps[0].value}"
        mass = found.numbers.prob[whole.string].sum().log()
        yield Finding(f"CE(q_glob) - H + log p+(S), {label}", at_global.cross_entropy - at_global.entropy + mass)
        divergence = _direct_divergence(found, local)
        drift = (local.prob * local.log_normaliser).sum()
        yield Finding(f"KL(q_loc||p+) + E sum log c_t, {label}", divergence + drift)
        between = kl_divergence(local.prob, whole.prob)
        yield Finding(f"KL(q_loc||q_glob) - KL(q_loc||p+) - log p+(S), {label}", between - divergence - mass)
    yield from _thresholds(found)


def _thresholds(found: Instance) -> Iterator[Finding]:
    """Keeping {I <= c} lowers the cross-entropy for every c that removes a string; 12 cuts when there are many."""
    order = sorted(range(len(found.aligned)), key=lambda y: float(found.numbers.surprisal[y]))
    cuts = [
        k for k in range(1, len(order)) if found.numbers.surprisal[order[k - 1]] < found.numbers.surprisal[order[k]]
    ]
    for cut in cuts[:: max(1, len(cuts) // 12)]:
        prob, surprisal = found.numbers.prob[order[:cut]], found.numbers.surprisal[order[:cut]]
        gain = found.mean.entropy - (prob * surprisal).sum() / prob.sum()
        yield Finding(f"E L + E R given the {cut} likeliest strings rises", gain, "positive")


def _token_thresholds(found: Instance) -> Iterator[Finding]:
    for steps in TRUNCATIONS[:2]:
        at = found.adapted(steps, "local")[1]
        gain = found.mean.entropy - at.cross_entropy
        yield Finding(f"E L + E R rises under local {steps[0].name} {steps[0].value}", gain, "nonnegative")


def _forgotten_mass(found: Instance) -> Iterator[Finding]:
    for steps in TRUNCATIONS:
        kept = decide(found.aligned, found.numbers, steps)
        local, whole = (adapt(found.aligned, found.numbers, kept) for adapt in (adapt_local, adapt_global))
        gap = kl_divergence(local.prob, whole.prob) - _direct_divergence(found, local)
        yield Finding(f"KL(q_loc||q_glob) = KL(q_loc||p+), {steps[0].name} {steps[0].value}", gap)


TRUNCATION = Claim(
    id="adaptors.truncation",
    sentence="C",
    title="Truncating whole strings at a surprisal raises E L + E R; truncating tokens need not",
    statement=(
        r"\mathrm{CE}(q_{glob})=H(q_{glob})-\log p_+(S);\quad "
        r"\mathrm{KL}(q_{loc}\|p_+)=-\mathbb E_{loc}\textstyle\sum_t\log c_t;\quad "
        r"\mathrm{KL}(q_{loc}\|q_{glob})=\mathrm{KL}(q_{loc}\|p_+)+\log p_+(S)"
    ),
    hypotheses=("weights of a truncation are the kept probabilities, unnormalised",),
    source="the definitions of local and global normalisation",
    check=_truncation,
    cases=usual,
    everywhere=True,
    controls=(
        Control(
            "token-level", "says the same of token-level truncation", _token_thresholds, small_trees, smallest=True
        ),
        Control("forgotten-mass", "leaves out log p+(S)", _forgotten_mass, integer_cases, smallest=True),
    ),
)


# --- none ---------------------------------------------------------------------------------------------------------


def _comonotone(found: Instance) -> Iterator[Finding]:
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


def _collinear(found: Instance) -> Iterator[Finding]:
    for name, law in laws(found):
        at = found.moments(law)
        yield Finding(f"E R - E L - log 7, {name}", at.mean_reward - at.mean_log_prior - arb(7).log())


def _none(content: Instance | tuple[Instance]) -> Iterator[Finding]:
    return _collinear(content[0]) if isinstance(content, tuple) else _comonotone(content)


def _temperature_never(found: Instance) -> Iterator[Finding]:
    cooled = tempered(found, fmpq(2))
    step_l = cooled.mean_log_prior - found.mean.mean_log_prior
    step_r = cooled.mean_reward - found.mean.mean_reward
    yield Finding("T = 1/2 moves E L and E R the same way", step_l * step_r, "nonnegative")


def _truncation_never(found: Instance) -> Iterator[Finding]:
    at = found.adapted(chain(("top_k", 1)), "global")[1]
    step_l, step_r = at.mean_log_prior - found.mean.mean_log_prior, at.mean_reward - found.mean.mean_reward
    yield Finding("top-1 moves E L and E R the same way", step_l * step_r, "nonnegative")


NONE = Claim(
    id="adaptors.none",
    sentence="C",
    title="There are aligned models on which no temperature and no truncation trades likelihood for reward",
    statement=(
        r"\text{C1: }\mathbb E_qR=\mathbb E_qL+\log 7\ \forall q;\qquad "
        r"\text{C3: }(L_i-L_j)(I_i-I_j)\le0,\ (R_i-R_j)(I_i-I_j)\le0"
        r"\Rightarrow\mathrm{Cov}_q(L,I),\mathrm{Cov}_q(R,I)\le0\ \forall q"
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
)


CLAIMS: tuple[Claim, ...] = (EXCHANGE, SLOPE_BOUND, BUDGET, TRUNCATION, NONE)
