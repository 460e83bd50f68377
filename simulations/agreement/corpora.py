"""Corpora of many strings: the line, correlations, mixtures of adaptors, and random prompts."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from flint import fmpq
from numpy.typing import NDArray

from simulations.agreement.comparison import Comparison, correlation, event, mean, same
from simulations.agreement.known import Known, corpus_law, example
from simulations.agreement.setting import Experiment, Setting
from theory.arithmetic.exact import floats, precision, to_float
from theory.corpora.atoms import atoms
from theory.corpora.large_deviations import departure, sample_size
from theory.corpora.mixtures import Joint, Mixture, Prompts, identification, prompt_tree, prompts
from theory.corpora.typicality import typical_corpora
from theory.examples.finite import from_laws, toy

Floats = NDArray[np.float64]
Index = NDArray[np.int64]


@functools.lru_cache(maxsize=1)
def the_toy() -> Known:
    """The paper's toy of 1,000 strings."""
    return Known.of("toy", toy())


@functools.lru_cache(maxsize=32)
def typical_probability(known: Known, size: int, epsilon: fmpq) -> float:
    """P(|Ibar - H| < eps), exactly."""
    with precision():
        return to_float(typical_corpora(atoms(known.numbers), size, epsilon).mass)


def corpora(setting: Setting, known: Known, size: int, rng: np.random.Generator, count: int | None = None) -> Floats:
    """(Lbar, Rbar) less their means under p+, shape (corpora, 2)."""
    counts = setting.parts.counts(setting.aligned(known), size, count or setting.corpora, rng=rng)
    values = np.stack((known.log_prior, known.reward))
    return setting.parts.corpus_means(counts, values) - values @ known.prob


def centred_bounds(known: Known) -> list[tuple[float, float]]:
    """Bounds of L and R less their means under p+."""
    prob = known.prob
    return [(float(v.min() - prob @ v), float(v.max() - prob @ v)) for v in (known.log_prior, known.reward)]


# --- the line -----------------------------------------------------------------------------------------------------


def identity(setting: Setting) -> Iterator[Comparison]:
    """Lbar + Rbar + Ibar = log Z in every corpus of the toy."""
    rng, known = setting.rng("identity"), the_toy()
    counts = setting.parts.counts(setting.aligned(known), 1000, 200, rng=rng)
    values = np.stack((known.log_prior, known.reward, known.surprisal))
    total = setting.parts.corpus_means(counts, values).sum(axis=1)
    yield same("line.identity", "toy, N = 1,000", np.full(len(total), known.log_partition), total, 1e-9)


def concentration(setting: Setting) -> Iterator[Comparison]:
    """How often the sum leaves the line by eps."""
    rng, known, size, epsilon = setting.rng("concentration"), example("C5"), 40, fmpq(1, 5)
    gap = corpora(setting, known, size, rng).sum(axis=1)
    exact = 1 - typical_probability(known, size, epsilon)
    yield event("line.concentration", "C5, N = 40: P(off the line by 1/5)", exact, np.abs(gap) >= to_float(epsilon))


def typicality(setting: Setting) -> Iterator[Comparison]:
    """P(typical) of the toy's corpora of 100,000 strings, and of smaller corpora of C5."""
    rng, known = setting.rng("typicality"), the_toy()
    gap = corpora(setting, known, 100_000, rng, setting.corpora // 25).sum(axis=1)
    exact = typical_probability(known, 100_000, fmpq(1, 1000))
    yield event("line.exact-typicality", "toy, N = 100,000, eps = 0.001: P(typical)", exact, np.abs(gap) < 0.001)
    known = example("C5")
    gap = corpora(setting, known, 1000, rng).sum(axis=1)
    exact = typical_probability(known, 1000, fmpq(1, 50))
    yield event("line.exact-typicality", "C5, N = 1,000, eps = 1/50: P(typical)", exact, np.abs(gap) < 0.02)


def rate(setting: Setting) -> Iterator[Comparison]:
    """P(Ibar >= H + 1/4) e^{N rate}, drawn from the tempered law that is the cheapest way to get there."""
    rng, known, size = setting.rng("rate"), example("C5"), 60
    threshold = known.entropy + 0.25
    with precision():
        found = departure(known.numbers.prob, known.moments.entropy + fmpq(1, 4))
        tilted, price = floats(found.law), to_float(found.rate)
    counts, prob = corpus_law(known.prob, size)
    beyond = counts @ known.surprisal / size >= threshold
    exact = float(prob[beyond].sum() * np.exp(size * price))
    drawn = setting.parts.counts(tilted, size, setting.corpora, rng=rng)
    log_weight = drawn @ (np.log(known.prob) - np.log(tilted))
    inside = drawn @ known.surprisal / size >= threshold
    weight = np.where(inside, np.exp(np.minimum(log_weight + size * price, 0.0)), 0.0)
    yield mean("line.rate", "C5, N = 60: P(Ibar >= H + 1/4) e^(N rate)", exact, weight, (0.0, 1.0))


@functools.lru_cache(maxsize=1)
def least_size() -> tuple[int, float]:
    """The N from which on C4 has (eps, delta) = (1/4, 1/20), and P(typical) there."""
    known = example("C4")
    with precision():
        found = sample_size(atoms(known.numbers), known.moments.var_surprisal, fmpq(1, 4), fmpq(1, 20))
    return found.least, typical_probability(known, found.least, fmpq(1, 4))


def enough(setting: Setting) -> Iterator[Comparison]:
    """P(typical) at the least sample size."""
    rng, known = setting.rng("enough"), example("C4")
    size, exact = least_size()
    gap = corpora(setting, known, size, rng).sum(axis=1)
    yield event("line.sample-size", f"C4, N = {size}, eps = 1/4: P(typical)", exact, np.abs(gap) < 0.25)


def hypotheses(setting: Setting) -> Iterator[Comparison]:
    """p+(n) = 2^-n under p prop. 2^-4^n, where E L = -inf: corpora of three strings still have a law of Lbar."""
    rng = setting.rng("hypotheses")
    n = rng.geometric(0.5, (setting.draws, 3)).astype(np.float64)
    low = -(4.0**n).sum(axis=1) / 3 <= -(4.0**6) / 3
    yield event("line.hypotheses", "2^-4^n, N = 3: P(Lbar <= -4^6 log 2 / 3)", 1 - (1 - 2.0**-5) ** 3, low)


# --- correlation --------------------------------------------------------------------------------------------------


def iid(setting: Setting) -> Iterator[Comparison]:
    """Corr(Lbar, Rbar) is that of one string, at N = 1 and N = 10."""
    rng = setting.rng("iid")
    for name in ("C6", "C7"):
        known = example(name)
        for size in (1, 10):
            first, second = corpora(setting, known, size, rng).T
            exact = to_float(known.moments.correlation)
            yield correlation("correlation.iid", f"{name}, N = {size}", exact, first, second, centred_bounds(known))


@functools.lru_cache(maxsize=1)
def attaining() -> Known:
    """A model on which the correlation is as weak as its varentropy allows."""
    return Known.of("attained", from_laws((1, 2, fmpq(1, 2), 1), (2, 2, 1, 1)))


def sharp(setting: Setting) -> Iterator[Comparison]:
    """rho = -sqrt(1 - V / max(Var L, Var R)) where the bound is attained."""
    rng, known = setting.rng("sharp"), attaining()
    found = known.moments
    largest = max(to_float(found.var_log_prior), to_float(found.var_reward))
    exact = -float(np.sqrt(1 - to_float(found.var_surprisal) / largest))
    first, second = corpora(setting, known, 1, rng).T
    yield correlation("correlation.sharp", "the bound attained", exact, first, second, centred_bounds(known))


@functools.lru_cache(maxsize=4)
def typical_moments(known: Known, size: int, epsilon: float) -> tuple[float, float, float]:
    """E[Lbar | typical], E[Rbar | typical] and their correlation, over all corpora."""
    counts, prob = corpus_law(known.prob, size)
    first, second = counts @ known.log_prior / size, counts @ known.reward / size
    inside = np.abs(counts @ known.surprisal / size - known.entropy) < epsilon
    weight = prob[inside] / prob[inside].sum()
    mean_l, mean_r = float(weight @ first[inside]), float(weight @ second[inside])
    one, two = first[inside] - mean_l, second[inside] - mean_r
    return mean_l, mean_r, float(weight @ (one * two) / np.sqrt((weight @ one**2) * (weight @ two**2)))


def typical(setting: Setting) -> Iterator[Comparison]:
    """The correlation among typical corpora, and among all."""
    rng, known, size, epsilon = setting.rng("typical"), example("C6"), 30, 0.1
    counts = setting.parts.counts(setting.aligned(known), size, setting.corpora * 4, rng=rng)
    values = np.stack((known.log_prior, known.reward, known.surprisal))
    first, second, surprisal = setting.parts.corpus_means(counts, values).T
    inside = np.abs(surprisal - known.entropy) < epsilon
    mean_l, mean_r, exact = typical_moments(known, size, epsilon)
    bounds = [(v.min() - m, v.max() - m) for v, m in ((known.log_prior, mean_l), (known.reward, mean_r))]
    yield correlation(
        "correlation.typical",
        "C6, N = 30, typical to 1/10",
        exact,
        first[inside] - mean_l,
        second[inside] - mean_r,
        bounds,
    )
    share = typical_probability(known, size, fmpq(1, 10))
    yield event("correlation.typical", "C6, N = 30: P(typical to 1/10)", share, inside)


def measure(setting: Setting) -> Iterator[Comparison]:
    """How often L and R of a toy string lie on the same side of their means: counted per string, and under p+."""
    rng, known = setting.rng("measure"), the_toy()
    uniform = np.full(len(known.prob), 1 / len(known.prob))
    for name, prob, drawn in (("each string once", uniform, uniform), ("under p+", known.prob, setting.aligned(known))):
        together = (known.log_prior - prob @ known.log_prior) * (known.reward - prob @ known.reward) > 0
        string = setting.strings(drawn, rng)
        yield event("correlation.measure", f"toy, {name}: P(same side)", float(prob @ together), together[string])


@functools.lru_cache(maxsize=1)
def ranks() -> tuple[Floats, Floats, Floats]:
    """(counts' law, rank of Lbar, rank of Rbar) over corpora of 20 strings of C7; ranks scaled to [-1, 1]."""
    known, size = example("C7"), 20
    counts, prob = corpus_law(known.prob, size)
    one, two = (mid_ranks(np.round(counts @ v, 9), prob) for v in (known.log_prior, known.reward))
    return prob, one, two


def mid_ranks(values: Floats, prob: Floats) -> Floats:
    """P(X < x) - P(X > x) of each value."""
    _, place = np.unique(values, return_inverse=True)
    mass = np.bincount(place, weights=prob)
    below = np.cumsum(mass) - mass
    return np.asarray(2 * below + mass - 1, dtype=np.float64)[place]


def rank(setting: Setting) -> Iterator[Comparison]:
    """Spearman's correlation of corpora of C7, through the exact ranks: positive, although that of strings is not."""
    rng, known, size = setting.rng("rank"), example("C7"), 20
    prob, one, two = ranks()
    scale = float(np.sqrt((prob @ one**2) * (prob @ two**2)))
    counts = setting.parts.counts(setting.aligned(known), size, setting.corpora, rng=rng)
    # a corpus's place among all compositions: they come in lexicographic order
    table, _ = corpus_law(known.prob, size)
    powers = (size + 1) ** np.arange(len(known.prob) - 1, -1, -1)
    place = np.searchsorted(table @ powers, counts @ powers)
    value = one[place] * two[place] / scale
    top = 1 / scale
    yield mean(
        "correlation.rank", "C7, N = 20: Spearman of corpora", float(prob @ (one * two)) / scale, value, (-top, top)
    )


def bootstrap(setting: Setting) -> Iterator[Comparison]:
    """(Lbar - E L)^2 of a corpus of 200 resampled from a pool of 50: Var L (N + n - 1) / (n N)."""
    rng, known, size, pool = setting.rng("bootstrap"), example("C5"), 200, 50
    pools = setting.parts.counts(known.prob, pool, setting.corpora, rng=rng)
    counts = rng.multinomial(size, pools / pool)
    error = counts @ known.log_prior / size - float(known.prob @ known.log_prior)
    exact = to_float(known.moments.var_log_prior) * (size + pool - 1) / (pool * size)
    low, high = centred_bounds(known)[0]
    yield mean(
        "correlation.bootstrap",
        "C5, N = 200 from a pool of 50: E error^2",
        exact,
        error**2,
        (0.0, max(low**2, high**2)),
    )


# --- mixtures -----------------------------------------------------------------------------------------------------


def crossing(setting: Setting) -> Iterator[Comparison]:
    """C8: corpora from either of two adaptors; Cov = 4/N - 1/4."""
    rng = setting.rng("crossing")
    mixture = Mixture.even(Joint.of((1, 1), ((0, 1), (4, 5))), Joint.of((1, 1), ((1, 0), (5, 4))))
    for size in (8, 15, 17, 100):
        which = rng.integers(0, 2, setting.draws)
        share = rng.binomial(size, 0.5, setting.draws) / size
        first, second = 4 * share + which, 4 * share + 1 - which
        exact = to_float(mixture.corpus_covariance(size).cov)
        yield mean(
            "simpson.crossing", f"C8, N = {size}: Cov(Lbar, Rbar)", exact, (first - 2.5) * (second - 2.5), (-6.25, 6.25)
        )


@dataclass(frozen=True, slots=True, eq=False)
class Prompted:
    """Two prompts with three answers each; strings of both, one after the other, shape (n,).

    Args:
        prompt: which prompt each string answers.
        prob: P(x) p+(y | x), with prompts at the prior's rate.
        log_prior: log p(y | x), nats.
        reward: R, nats.
        weight: P(x), shape (2,).
        exact: of the same model, by ``theory.corpora.mixtures``.
        within: rho_w, the correlation within prompts.
    """

    prompt: Index
    prob: Floats
    log_prior: Floats
    reward: Floats
    weight: Floats
    exact: Prompts
    within: float


@functools.lru_cache(maxsize=1)
def prompted() -> Prompted:
    """The model of both comparisons with prompts."""
    with precision():
        exact = prompts(prompt_tree([[3, 2, 1], [1, 4, 1]], [[1, 2, 6], [5, 1, 3]]))
        parts, weight = exact.mixture.parts, floats(exact.mixture.weight)
        return Prompted(
            np.repeat(np.arange(len(weight)), [len(part) for part in parts]),
            np.concatenate([w * floats(part.prob) for w, part in zip(weight, parts, strict=True)]),
            np.concatenate([floats(part.log_prior) for part in parts]),
            np.concatenate([floats(part.reward) for part in parts]),
            weight,
            exact,
            to_float(identification(exact.mixture).within_correlation),
        )


def prompt_variance(setting: Setting) -> Iterator[Comparison]:
    """N Var(Lbar + Rbar) with a random prompt for every string, N = 1 and 5."""
    rng, known = setting.rng("prompts"), prompted()
    with precision():
        centre, variance = to_float(known.exact.centre()), to_float(known.exact.string_variance())
    total = known.log_prior + known.reward - centre
    for size in (1, 5):
        counts = setting.parts.counts(known.prob, size, setting.corpora, rng=rng)
        gap = setting.parts.corpus_means(counts, total[None, :])[:, 0]
        top = float(np.abs(total).max()) ** 2 * size
        what = f"two prompts, N = {size}: N Var(Lbar + Rbar)"
        yield mean("prompts.variance", what, variance, gap**2 * size, (0.0, top))


def identified(setting: Setting) -> Iterator[Comparison]:
    """The within-prompt correlation, with a function of the prompt added to the reward."""
    rng, known = setting.rng("identified"), prompted()
    string = setting.strings(known.prob, rng)
    centred = []
    for values in (known.log_prior, known.reward + np.array([3.0, -7.0])[known.prompt]):
        level = np.bincount(known.prompt, weights=known.prob * values) / known.weight
        centred.append(values - level[known.prompt])
    bounds = [(float(v.min()), float(v.max())) for v in centred]
    first, second = (v[string] for v in centred)
    yield correlation("prompts.identification", "two prompts: rho_w", known.within, first, second, bounds)


EXPERIMENTS: tuple[Experiment, ...] = (
    identity,
    concentration,
    typicality,
    rate,
    enough,
    hypotheses,
    iid,
    sharp,
    typical,
    measure,
    rank,
    bootstrap,
    crossing,
    prompt_variance,
    identified,
)

__all__ = ["EXPERIMENTS"]
