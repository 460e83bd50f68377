"""adaptors.affine-line: adaptors that see only the string's probability move on one line iff E[L | I] is affine."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from flint import arb

from theory.adaptors.exact import Adapted, chain
from theory.alignment.gibbs import Aligned
from theory.arithmetic.exact import Array, inner, objects
from theory.claims.claim import Case, Claim, Clause, Control, Finding, Profile
from theory.claims.instances import case, integer_cases, small
from theory.examples import finite as examples
from theory.models.finite import FiniteModel


def _levels(aligned: Aligned) -> list[list[int]]:
    """The strings of equal p+, decided formally."""
    groups: dict[int, list[int]] = {}
    for y, first in enumerate(aligned.alike().surprisal.tolist()):
        groups.setdefault(first, []).append(y)
    return list(groups.values())


def _level_means(found: FiniteModel, levels: Sequence[Sequence[int]]) -> list[tuple[arb, arb]]:
    """(l(i) - E L, i - H) of each level, l(i) = E[L | I = i]."""
    pairs = []
    for level in levels:
        prob = found.numbers.prob[level]
        mean_l = inner(prob, found.numbers.log_prior[level]) / prob.sum()
        surprisal = found.numbers.surprisal[level[0]]
        pairs.append((mean_l - found.mean.mean_log_prior, surprisal - found.mean.entropy))
    return pairs


@dataclass(frozen=True, slots=True, eq=False)
class _Law:
    """A law p+ g(I) on the levels where g is not 0.

    Args:
        levels: their numbers.
        string: the strings in them, rising.
        prob: q of these, shape (m,).
    """

    levels: Sequence[int]
    string: Sequence[int]
    prob: Array

    def shares(self, levels: Sequence[Sequence[int]]) -> Array:
        """The mass of each of its levels; the levels are in the order of their first strings."""
        if len(self.levels) == len(self.string):
            return self.prob
        prob = dict(zip(self.string, self.prob, strict=True))
        rows = ([prob[y] for y in levels[j]] for j in self.levels)
        return objects(sum(row[1:], start=row[0]) for row in rows)


def _string_level(found: FiniteModel, levels: Sequence[Sequence[int]]) -> Iterator[tuple[str, _Law]]:
    """Laws p+ g(I): global temperatures, thresholds on I, each level by itself, and a g without order."""
    every, strings = range(len(levels)), range(len(found.aligned))
    for temperature in ("1/2", "2"):
        law = found.law(chain(("temperature", temperature)), "global")
        yield f"temperature {temperature}", _Law(every, strings, law.prob)
    order = sorted(every, key=lambda j: float(found.numbers.surprisal[levels[j][0]]))
    for k in range(1, len(order)):
        yield f"the {k} most probable levels", _kept(found, levels, order[:k])
        yield f"all but the {k} most probable levels", _kept(found, levels, order[k:])
    for j in order:
        yield f"level {j + 1} alone", _kept(found, levels, [j])
    weight = found.numbers.prob.copy()
    for j, level in enumerate(levels):
        weight[level] *= 1 + (5 * j + 3) % 7
    yield "g without order", _Law(every, strings, weight / weight.sum())


def _kept(found: FiniteModel, levels: Sequence[Sequence[int]], kept: Sequence[int]) -> _Law:
    """p+ restricted to these levels."""
    string = sorted(y for j in kept for y in levels[j])
    prob = found.numbers.prob[string]
    return _Law(sorted(kept), string, prob / prob.sum())


def _gain_l(found: FiniteModel, law: _Law | Adapted) -> arb:
    """E_q L - E L."""
    return arb(inner(law.prob, found.numbers.log_prior[law.string]) - found.mean.mean_log_prior)


def _gains(found: FiniteModel, law: _Law | Adapted) -> tuple[arb, arb]:
    """(E_q L - E L, E_q R - E R)."""
    return _gain_l(found, law), inner(law.prob, found.numbers.reward[law.string]) - found.mean.mean_reward


def _off_line(found: FiniteModel, law: _Law | Adapted, b: arb) -> arb:
    """(1 + b)(E_q L - E L) + b (E_q R - E R): 0 on the line of slope -(1 + b)/b through p+."""
    gain_l, gain_r = _gains(found, law)
    return arb((1 + b) * gain_l + b * gain_r)


def _affine_line(found: FiniteModel) -> Iterator[Finding]:
    levels = _levels(found.aligned)
    means = _level_means(found, levels)
    laws = list(_string_level(found, levels))
    level_l = objects(mean_l for mean_l, _ in means)
    for name, law in laws:
        expected = inner(law.shares(levels), level_l[law.levels])
        yield Finding(f"E_q L = E_q l(I), {name}", _gain_l(found, law) - expected, clause="tower")
    if found.mean.constant.surprisal:
        return
    b = found.mean.exchange_coefficient
    residuals = [mean_l - b * surprisal for mean_l, surprisal in means]
    if len(levels) == 2:
        for residual in residuals:
            yield Finding("two values of I: l(i) = E L + b (i - H)", residual, clause="two-values")
    if any(r != 0 for r in residuals):
        worst = max(range(len(levels)), key=lambda j: abs(float(residuals[j])))
        away = abs(_off_line(found, _kept(found, levels, [worst]), b))
        yield Finding("l is not affine, and a level leaves the line", away, "positive", clause="line")
        return
    for residual in residuals:
        yield Finding("l(i) = E L + b (i - H)", residual, clause="line")
    for name, law in laws:
        yield Finding(f"on the line of slope -(1+b)/b, {name}", _off_line(found, law, b), clause="line")


def _line_without_affine(found: FiniteModel) -> Iterator[Finding]:
    if found.mean.constant.surprisal:
        return
    for name, law in _string_level(found, _levels(found.aligned)):
        yield Finding(f"on the line, {name}", _off_line(found, law, found.mean.exchange_coefficient))


def _two_levels(found: FiniteModel) -> bool:
    """Two values of I: l is then affine, whatever it is."""
    return len(_levels(found.aligned)) == 2


def _line_of_inverse_slope(found: FiniteModel) -> Iterator[Finding]:
    if _two_levels(found):
        b = found.mean.exchange_coefficient
        for name, law in _string_level(found, _levels(found.aligned)):
            gain_l, gain_r = _gains(found, law)
            yield Finding(f"on the line of slope -b/(1+b), {name}", b * gain_l + (1 + b) * gain_r)


def _line_of_truncations(found: FiniteModel) -> Iterator[Finding]:
    """Top-k of the whole strings: among equal strings it keeps the first, so it is no function of I."""
    if not _two_levels(found):
        return
    for k in range(1, len(found.aligned)):
        law = found.law(chain(("top_k", k)), "global")
        yield Finding(f"on the line, top-{k}", _off_line(found, law, found.mean.exchange_coefficient))


def _affine_models() -> list[Case]:
    """p+ weights in geometric progression, and p with its geometric means in one, on three values of I."""
    models = (
        ("b = 1", (1, 4, 2, 8, 8), (4, 4, 2, 2, 1)),
        ("b = -2", (243, 27, 3, 27, 1, 1), (9, 9, 3, 3, 1, 1)),
        ("b = 0", (1, 4, 2, 2, 1, 4), (4, 4, 2, 2, 1, 1)),
        ("b = -1", (2, 8, 1, 4, 1), (4, 4, 2, 2, 1)),
        ("b = -1/2", (2, 8, 1, 4, 1), (16, 16, 4, 4, 1)),
        ("b = 1/2", (8, 2, 16, 4, 16), (16, 16, 4, 4, 1)),
    )
    return [case(f"affine l, {name}", examples.from_laws(p, own)) for name, p, own in models]


def _affine_cases(profile: Profile) -> list[Case]:
    return [*_affine_models(), *small(profile)]


CLAIM = Claim(
    id="adaptors.affine-line",
    sentence="C",
    clauses=(
        Clause(
            name="line",
            text="adaptors q = p+ g(I) that see only the string's probability all lie on one line through (E L, E R), "
            "(1 + b) dE L + b dE R = 0, iff E[L | I] is affine in I",
            formula=r"\ell(i)=\mathbb{E}[L\mid I=i]\ \text{affine}\iff "
            r"(1+b)(\mathbb{E}_qL-\mathbb{E}L)+b(\mathbb{E}_qR-\mathbb{E}R)=0\ \text{for every}\ q=p_+g(I)",
            formal=("adaptors_affine_line_iff",),
        ),
        Clause(
            name="tower",
            text="for every finite law and every law q = p+ g(I), E_q L = E_q l(I) with l(i) = E[L | I = i] under p+",
            formula=r"q=p_+g(I)\Rightarrow \mathbb{E}_qL=\mathbb{E}_q\,\ell(I)",
            formal=("adaptors_affine_line_mean",),
        ),
        Clause(
            name="two-values",
            text="with two values of I, l(i) = E L + b (i - H), so that all such adaptors lie on the line",
            formula=r"\ell(i)=\mathbb{E}L+b\,(i-H)",
            formal=("adaptors_affine_line_two_values",),
        ),
    ),
    hypotheses=(
        "a finite law with V > 0; b = Cov(L, I)/V",
        "q is p+ times a function of I: equal strings are kept or dropped together",
    ),
    source="the tower rule; an affine regression has the slope b = Cov(L, I)/Var I",
    check=_affine_line,
    cases=_affine_cases,
    everywhere=True,
    controls=(
        Control(
            "not-affine", "drops the hypothesis that l be affine", _line_without_affine, integer_cases, smallest=True
        ),
        Control(
            "ties-by-index",
            "lets a truncation break ties between equal strings by their index, so that q is no function of I",
            _line_of_truncations,
            integer_cases,
            smallest=True,
        ),
        Control("inverse-slope", "turns the slope upside down", _line_of_inverse_slope, integer_cases, smallest=True),
    ),
    remark=(
        "Global temperature and thresholds on I are such adaptors; so are top-k and nucleus over whole strings, if "
        "they cut no tie. C2 and C4 have two values of I. The slope of the line is -(1 + b)/b; at b = 0 it is "
        "vertical."
    ),
    order=4080,
    sketch=r"""
$q=p_+g(I)$ leaves the law of strings given $I$ alone, so $\mathbb E_qL=\mathbb E_q\ell(I)$. If $\ell$ is affine its
slope is $b$, and $\mathbb E_qL$ and $\mathbb E_qR$ are affine in $\mathbb E_qI$. If not, three values of $I$ give a
law off the line. On two values every function is affine.
""",
)
