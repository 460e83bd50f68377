"""adaptors.attainability: temperature, and truncation with a fractional threshold, attain everything in between."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterator, Sequence
from typing import Any

from flint import arb, fmpq

from theory.adaptors.exact import chain
from theory.adaptors.fractional import fractional_truncation, thinned
from theory.adaptors.gauge import global_series
from theory.adaptors.log_forms import LogForm
from theory.adaptors.order_preserving import ranking, string_points
from theory.arithmetic.exact import Array, Exact, floats, objects, rational, to_float
from theory.claims.adaptors.models import power_with, powered, tempered_cross_entropy
from theory.claims.adaptors.tree_models import (
    cooled_changes,
    few_string_trees,
    least_below,
    ranked_rows,
    rational_cases,
    three_string_trees,
)
from theory.claims.claim import Case, Claim, Clause, Control, Finding, Profile, of
from theory.claims.instances import small
from theory.models.finite import FiniteModel
from theory.probability.information import total_variation

_HALF, _TWO = fmpq(1, 2), fmpq(2)
_SHARES = (fmpq(1, 8), _HALF, fmpq(9, 10))
_TEMPERATURES = ((_HALF, fmpq(1)), (fmpq(1), _TWO), (_TWO, fmpq(5)))
_MASSES = (fmpq(1, 10), fmpq(1, 3), _HALF, fmpq(2, 3), fmpq(9, 10), fmpq(1))
_BRACKET = fmpq(1, 2**30)


def _extremes(found: FiniteModel) -> tuple[list[int], list[int]]:
    """The strings of least surprisal, and those of the least surprisal above it, by equality of rationals."""
    prob = found.mass()
    levels = sorted(set(prob), reverse=True)
    return [y for y, p in enumerate(prob) if p == levels[0]], [y for y, p in enumerate(prob) if p == levels[1]]


def _attained(found: FiniteModel) -> Iterator[Finding]:
    yield from of("lipschitz", _temperature_continuous(found))
    if not found.mean.constant.surprisal:
        yield from _temperature_attains(found)
    yield from _truncation_attains(found)


def _temperature_attains(found: FiniteModel) -> Iterator[Finding]:
    """Along global temperature CE takes every value between min I and the plain average of I, each once."""
    surprisal = found.numbers.surprisal
    first, second = _extremes(found)
    low, high, spread = (
        surprisal[first[0]],
        surprisal.sum() / len(surprisal),
        surprisal[second[0]] - surprisal[first[0]],
    )
    widest = functools.reduce(arb.max, surprisal) - low
    for share in _SHARES:
        wanted = low + (high - low) * share
        tau = rational(power_with(floats(surprisal), to_float(wanted)))
        before, after = (tempered_cross_entropy(found, tau * (1 + side * _BRACKET)) for side in (-1, 1))
        label = f"CE > {share} of the way just before tau"
        yield Finding(label, before - wanted, "positive", clause="temperature")
        label = f"CE < {share} of the way just after tau"
        yield Finding(label, wanted - after, "positive", clause="temperature")
        law = powered(found, arb(tau))
        gap = surprisal - (law * surprisal).sum()
        variance = (law * gap * gap).sum()
        yield Finding(f"Var I > 0 at {share} of the way", variance, "positive", clause="falls")
        slope = global_series(found.numbers, surprisal, arb(tau), 2)[1]
        yield Finding(f"dCE/dtau = -Var I at {share} of the way", slope + variance, clause="falls")
    rest = fmpq(len(surprisal) - len(first), len(first))
    cold, hot = fmpq(16), fmpq(1, 64)
    near = tempered_cross_entropy(found, cold) - low
    yield Finding("min I is not attained", near, "positive", clause="temperature")
    bound = widest * rest * (-spread * cold).exp()
    yield Finding("min I is approached", bound - near, "nonnegative", clause="temperature")
    near = high - tempered_cross_entropy(found, hot)
    yield Finding("the plain average of I is not attained", near, "positive", clause="temperature")
    bound = widest * widest / 4 * hot
    yield Finding("the plain average of I is approached", bound - near, "nonnegative", clause="temperature")


def _temperature_continuous(found: FiniteModel) -> Iterator[Finding]:
    """|E f at tau - E f at tau'| <= |tau - tau'| range(f) range(I) / 4; locally with the ranges of the steps' log p+."""
    numbers, constant = found.numbers, found.mean.constant
    everywhere = _range(numbers.surprisal) if not constant.surprisal else fmpq(0)
    for normalise, reach in (("global", everywhere), ("local", _range_along(found))):
        for one, two in _TEMPERATURES:
            before, after = (found.moments(found.law(chain(("temperature", 1 / tau)), normalise)) for tau in (one, two))
            gaps = (
                ("L", constant.log_prior, numbers.log_prior, after.mean_log_prior - before.mean_log_prior),
                ("R", constant.reward, numbers.reward, after.mean_reward - before.mean_reward),
            )
            for name, same, values, gap in gaps:
                label = f"E {name}, {normalise}, tau {one} to {two}"
                if same or not isinstance(reach, arb):
                    yield Finding(f"{label}: stays", gap)
                else:
                    bound = _range(values) * reach * (two - one) / 4
                    yield Finding(f"{label}: moves no faster than its bound", bound - abs(gap), "nonnegative")


def _range(values: Array) -> arb:
    return functools.reduce(arb.max, values) - functools.reduce(arb.min, values)


def _range_along(found: FiniteModel) -> Exact:
    """The largest sum of the ranges of log p+(. | prefix) along a string; the rational 0 where all tokens tie."""
    ranked = ranking(found.numbers)
    numbers, tree_ = found.numbers, found.aligned.tree
    total: list[Any] = [fmpq(0)] * len(tree_)
    for node, (order, ties) in enumerate(ranked_rows(ranked)):
        if node:
            total[node] = total[tree_.parent[node]]
        if not all(ties):
            masses = [numbers.prefix_prob[t] * (numbers.end_prob[t] if t == node else 1) for t in order]
            total[node] = total[node] + masses[0].log() - masses[-1].log()
    moving = [total[u] for u in found.aligned.node if isinstance(total[u], arb)]
    return functools.reduce(arb.max, moving) if moving else fmpq(0)


def _truncation_attains(found: FiniteModel) -> Iterator[Finding]:
    """With a fraction of the threshold string every mass is kept; CE rises with the mass, and is the least there is."""
    prob = found.mass()
    surprisal = [-LogForm.log(p) for p in prob]
    laws = []
    for mass in _MASSES:
        weights = fractional_truncation(prob, mass)
        fractions = sum(w not in (fmpq(0), p) for w, p in zip(weights, prob, strict=True))
        yield Finding(f"mass {mass} is kept", weights.sum() - mass, clause="mass")
        yield Finding(f"mass {mass}: weights within p+", min(*(prob - weights), *weights), "nonnegative", clause="mass")
        label = f"mass {mass}: one string at most is kept in part"
        yield Finding(label, fmpq(1 - fractions), "nonnegative", clause="mass")
        laws.append((mass, weights / mass))
    for (mass, law), (more, wider) in itertools.pairwise(laws):
        rise = _form_mean(surprisal, wider - law)
        yield Finding(f"CE does not fall from mass {mass} to {more}", rise.number(), "nonnegative", clause="rate")
        near = 1 - mass / more - total_variation(law, wider)
        yield Finding(f"TV <= 1 - m/m' from mass {mass} to {more}", near, "nonnegative", clause="mass")
    for mass, law in laws:
        for order in (range(len(prob)), range(len(prob))[::-1]):
            other = thinned(prob, order, mass) / mass
            loss = _form_mean(surprisal, other - law)
            label = f"mass {mass}: thinning from string {order[0]} on has no smaller CE"
            yield Finding(label, loss.number(), "nonnegative", clause="best")
    yield from of("means", _means_attained(found, prob))


def _means_attained(found: FiniteModel, prob: Array) -> Iterator[Finding]:
    """Every mean of L and of R between p+ and the mode is that of a truncation with a threshold fraction."""
    points = string_points(found.aligned)
    mode = max(range(len(prob)), key=lambda y: (prob[y], -y))
    for name, forms in (("L", [point.log_prior for point in points]), ("R", [point.reward for point in points])):
        for share in _SHARES:
            wanted = _form_mean(forms, prob).scaled(1 - share) + forms[mode].scaled(share)
            law = _truncation_with_mean(prob, [form - wanted for form in forms])
            met = sum((w * (form - wanted).ball() for w, form in zip(law, forms, strict=True)), start=arb(0))
            yield Finding(f"E {name} is met {share} of the way to the mode", met)
            yield Finding(
                f"E {name}, {share} of the way: weights within p+", least_below([*law, *(prob - law)]), "nonnegative"
            )


def _form_mean(forms: Sequence[LogForm], law: Array) -> LogForm:
    return functools.reduce(LogForm.__add__, (form.scaled(w) for form, w in zip(forms, law, strict=True)))


def _truncation_with_mean(prob: Array, gaps: Sequence[LogForm]) -> Array:
    """Weights of a truncation with a threshold fraction under which f - wanted, given as ``gaps``, averages 0."""
    weights = objects([fmpq(0)] * len(prob))
    running = LogForm.constant(fmpq(0))
    start = 0
    for place in sorted(range(len(prob)), key=lambda k: (-prob[k], k)):
        before, step = running, gaps[place].scaled(prob[place])
        running = before + step
        start = start or running.sign()
        if running.sign() * start <= 0:
            weights[place] = prob[place] if running.sign() == 0 else -before.ball() / step.ball() * prob[place]
            return weights
        weights[place] = prob[place]
    raise AssertionError("the wanted mean is not between that of the mode and that of p+")


def _whole_strings(found: FiniteModel) -> Iterator[Finding]:
    prob = found.mass()
    kept = list(itertools.accumulate(sorted(prob, reverse=True)))
    for mass in _MASSES:
        yield Finding(f"whole strings keep mass {mass}", min(abs(total - mass) for total in kept))


def _local_falls(found: FiniteModel) -> Iterator[Finding]:
    _, stepwise = cooled_changes(found)
    surprisal = [-LogForm.log(p) for p in found.mass()]
    change = _form_mean(surprisal, stepwise)
    yield Finding("local T = 1/2 does not raise CE", (-change).number(), "nonnegative")


def _attained_cases(profile: Profile) -> list[Case]:
    return rational_cases(small(profile))


CLAIM = Claim(
    id="adaptors.attainability",
    sentence="C",
    clauses=(
        Clause(
            name="temperature",
            text="global temperature takes CE through every value strictly between min I and the plain average of I over "
            "the strings, each at one temperature, and no other, for every finite law with V > 0",
            formula=r"\{\mathrm{CE}(q_\tau) : \tau > 0\} = \left(\min I,\ \tfrac1n \textstyle\sum_y I(y)\right)",
            formal=("adaptors_attainability_temperature",),
        ),
        Clause(
            name="falls",
            text="under global temperature dCE/dtau = -Var I, which is negative for every finite law with V > 0",
            formula=r"\tfrac{d}{d\tau}\mathrm{CE}(q_\tau)=-\mathrm{Var}_{q_\tau}I",
            formal=("adaptors_attainability_falls",),
        ),
        Clause(
            name="lipschitz",
            text="|dE f/dtau| <= range(f) range(I)/4 under global temperature; under local temperature the largest "
            "sum of the ranges of log p+(. | prefix) along a string stands for range(I)",
            formula=r"|\tfrac{d}{d\tau}\mathbb E_{q_\tau}f|\le\tfrac14\,\mathrm{range}(f)\,\mathrm{range}(I)",
        ),
        Clause(
            name="mass",
            text="keeping the most probable strings, the last one with a fraction of its weight, gives every mass m in "
            "(0, 1] exactly, and TV(q_m, q_m') <= 1 - m/m' for m < m'",
            formal=("adaptors_attainability_mass",),
        ),
        Clause(
            name="rate",
            text="CE(q_m) does not fall as the kept mass m grows: dCE/dm = (I of the threshold string - CE)/m",
            formula=r"\mathrm{CE}(q_m) = \tfrac1m \textstyle\int_0^m I(s)\,ds \text{ for every kept mass } m \in (0, 1]",
            formal=(
                "adaptors_attainability_rate",
                "adaptors_attainability_integral",
            ),
        ),
        Clause(
            name="best",
            text="no law q <= p+/m has a smaller CE, that is a larger E L + E R, than the truncation q_m",
            formal=("adaptors_attainability_best",),
        ),
        Clause(
            name="means",
            text="such truncations give E L every value between its mean under p+ and L of the most probable string, and "
            "E R likewise",
        ),
    ),
    hypotheses=(
        "n strings, n finite",
        "temperature: p+^tau normalised over whole strings, tau = 1/T, unless said to be local",
        "truncation: strings by falling p+, ties to the lower index, the one on the threshold kept in part",
    ),
    source="intermediate values of continuous functions; the lemma of Neyman and Pearson (1933)",
    check=_attained,
    cases=_attained_cases,
    controls=(
        Control(
            name="whole-strings",
            breaks="drops the fraction: keeping whole strings alone is said to reach every mass",
            check=_whole_strings,
            cases=few_string_trees,
            smallest=True,
        ),
        Control(
            name="local-falls",
            breaks="takes local for global temperature: local cooling is said to lower CE",
            check=_local_falls,
            cases=three_string_trees,
            smallest=True,
        ),
    ),
    remark="The ends of the interval of temperature are approached and not attained: CE - min I <= range(I) (n - k)/k "
    "e^(-tau gap) for k modes, and the plain average of I less CE is at most tau range(I)^2 / 4.",
    order=4130,
    sketch=r"""
$\mathrm{CE}(q_\tau)$ falls strictly, with derivative $-\mathrm{Var}_{q_\tau}I$, from the plain mean of $I$ as
$\tau\to0$ to $\min I$ as $\tau\to\infty$: intermediate values. Keeping mass $m$ of the smallest surprisals, one
string in part, is continuous in $m$ and extreme by Neyman and Pearson.
""",
)
