"""Laws of single strings: what alignment makes of a prior, and what adaptors make of that."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from flint import arb, fmpq
from numpy.typing import NDArray

from simulations.agreement.comparison import Comparison, event, law, mean, same
from simulations.agreement.known import Known, example, fork, strengths, tree
from simulations.agreement.setting import Experiment, Setting
from simulations.sampling import draws
from simulations.sampling.adaptors import log_weights
from simulations.sampling.history import History
from theory.adaptors.constraints import language_mask
from theory.adaptors.exact import adapt_global, adapt_local, chain, decide
from theory.adaptors.fractional import fractional_truncation
from theory.adaptors.frontier import gaining_mixture, member
from theory.adaptors.gauge import adaptor_weights, next_token_laws, scaled
from theory.adaptors.log_forms import Point
from theory.adaptors.mirostat import Feedback, repeated
from theory.adaptors.moments import Moments, moments
from theory.adaptors.order_preserving import corner_law, ranking, support
from theory.adaptors.prefix_scores import PrefixWeights, guided_law, guided_steps, mean_scores, value_weights
from theory.alignment.best_of_n import best_of, reward_levels, win_rate
from theory.arithmetic.exact import floats, objects, precision, to_float
from theory.claims.adaptors.penalty_gauge import Seen
from theory.corpora.on_the_line import exact_corpora
from theory.models.finite import FiniteModel

Floats = NDArray[np.float64]

COOL = chain(("temperature", "1/2"))
WARM = chain(("temperature", "2"))
TREE = 5
"""The random tree that most comparisons are made on."""


def means(claim: str, what: str, known: Known, exact: Moments, string: NDArray[np.int64]) -> Iterator[Comparison]:
    """E L and E R under a law, against draws from it."""
    for name, values, value in (
        ("E L", known.log_prior, exact.mean_log_prior),
        ("E R", known.reward, exact.mean_reward),
    ):
        yield mean(claim, f"{what}: {name}", to_float(value), values[string], known.bounds(values))


# --- alignment ----------------------------------------------------------------------------------------------------


def gibbs(setting: Setting) -> Iterator[Comparison]:
    """p+ as drawn, and the value that another law falls short by KL(q || p+)."""
    rng, known = setting.rng("gibbs"), tree(TREE)
    string = setting.strings(setting.aligned(known), rng)
    counts = np.bincount(string, minlength=len(known.prob))
    yield law("alignment.gibbs", f"{known.name}: p+", known.prob, counts)
    q = known.adapted(COOL, "local")
    string = setting.adapted(known, COOL, "local", rng)
    with np.errstate(divide="ignore"):
        value = known.reward + known.log_prior - np.log(q)
    exact = known.log_partition - to_float(known.adapted_moments(COOL, "local").kl_to_aligned)
    yield mean(
        "alignment.gibbs", f"{known.name}, local T = 1/2: E_q[R - log q/p]", exact, value[string], known.bounds(value)
    )


def secret(setting: Setting) -> Iterator[Comparison]:
    """E_{p+} log p+/p = KL(p+ || p) >= 0."""
    rng, known = setting.rng("secret"), tree(TREE)
    secret_reward = setting.parts.secret_reward(-known.surprisal, known.log_prior)
    exact = float(known.prob @ (-known.surprisal - known.log_prior))
    string = setting.strings(setting.aligned(known), rng)
    gap = -known.surprisal - known.log_prior
    bounds = float(-np.abs(gap).max()), float(np.abs(gap).max())
    yield mean(
        "alignment.secret-reward", f"{known.name}: E log p+/p = KL(p+ || p)", exact, secret_reward[string], bounds
    )


def strength(setting: Setting) -> Iterator[Comparison]:
    """E L and E R at two strengths 1/beta."""
    rng = setting.rng("strength")
    for beta in (fmpq(5), fmpq(1, 6)):
        known = strengths(beta)
        string = setting.strings(setting.aligned(known, to_float(beta)), rng)
        yield from means("alignment.strength", f"p = (1, 4, 2)/7, lambda = {1 / beta}", known, known.moments, string)


def best(setting: Setting) -> Iterator[Comparison]:
    """The best of four draws from the prior, ties broken among the draws."""
    rng, known, n = setting.rng("best"), example("C4"), 4
    with precision():
        levels = reward_levels(known.aligned)
    exact = floats(best_of(known.aligned.prior, levels, n))
    drawn = setting.parts.strings(known.prior, setting.draws * n, rng=rng).reshape(setting.draws, n)
    merit = np.array(levels)[drawn] + rng.random(drawn.shape) / 2
    winner = drawn[np.arange(setting.draws), merit.argmax(axis=1)]
    yield law("alignment.best-of-n", "C4, best of 4", exact, np.bincount(winner, minlength=len(exact)))
    opponent = setting.strings(known.prior, rng)
    won = (np.sign(np.array(levels)[winner] - np.array(levels)[opponent]) + 1) / 2
    rate = to_float(win_rate(known.aligned.prior, levels, n))
    yield mean("alignment.best-of-n", "C4, best of 4 against one more draw: win rate", rate, won, (0.0, 1.0))


def guided(setting: Setting, known: Known, weights: PrefixWeights, rng: np.random.Generator) -> NDArray[np.int64]:
    """Strings drawn token by token in proportion to p(t | u) w(u t), as numbers in the model's order."""
    steps = guided_steps(known.aligned, weights)
    return draws.local_strings(known.aligned.floats(), floats(steps.edge), floats(steps.end), setting.draws, rng=rng)


def realignment(setting: Setting) -> Iterator[Comparison]:
    """Realigned token by token: E R at l = 1, 2 and 64, which rises and falls."""
    rng, known = setting.rng("realignment"), fork((3, 1, 2), (4, 7, 1))
    for strength in (1, 2, 64):
        with precision():
            weights = value_weights(known.numbers).raised(fmpq(strength))
            exact = to_float((guided_law(known.aligned, weights) * known.numbers.reward).sum())
        string = guided(setting, known, weights, rng)
        what = f"{known.name}, by tokens at l = {strength}: E R"
        yield mean("alignment.realignment", what, exact, known.reward[string], known.bounds(known.reward))


def controlled(setting: Setting) -> Iterator[Comparison]:
    """Values of prefixes guide draws from p to p+ itself; means of R to less reward for more divergence."""
    rng, known = setting.rng("controlled"), tree(TREE)
    with precision():
        weights = value_weights(known.numbers)
    counts = np.bincount(guided(setting, known, weights, rng), minlength=len(known.prob))
    yield law("alignment.controlled-decoding", f"{known.name}, guided by values", known.prob, counts)
    known = fork((1, 1, 1), (3, 1, 4))
    with precision():
        weights = mean_scores(known.numbers).exp()
        prob = floats(guided_law(known.aligned, weights))
    string = guided(setting, known, weights, rng)
    ratio = np.log(prob / known.prior)
    for what, values in (("E R", known.reward), ("KL(q || p)", ratio)):
        label = f"{known.name}, guided by means: {what}"
        yield mean("alignment.controlled-decoding", label, float(prob @ values), values[string], known.bounds(values))


# --- adaptors -----------------------------------------------------------------------------------------------------


def exchange(setting: Setting) -> Iterator[Comparison]:
    """Global T = 1/2 on C4 (b = 1/2) and C5 (b = -1.924)."""
    rng = setting.rng("exchange")
    for name in ("C4", "C5"):
        known = example(name)
        string = setting.adapted(known, COOL, "global", rng)
        yield from means(
            "adaptors.exchange", f"{name}, global T = 1/2", known, known.adapted_moments(COOL, "global"), string
        )


def slope(setting: Setting) -> Iterator[Comparison]:
    """Both ends of a chord of the temperature curve of C3, whose slope is bounded."""
    rng, known = setting.rng("slope"), example("C3")
    for steps, name in ((COOL, "1/2"), (WARM, "2")):
        string = setting.adapted(known, steps, "global", rng)
        exact = known.adapted_moments(steps, "global")
        yield from means("adaptors.slope-bound", f"C3, global T = {name}", known, exact, string)


def budget(setting: Setting) -> Iterator[Comparison]:
    """E_q L + E_q R + H(q) = log Z - KL(q || p+), q by a local nucleus."""
    rng, known, steps = setting.rng("budget"), tree(TREE), chain(("nucleus", "4/5"))
    string = setting.adapted(known, steps, "local", rng)
    own = known.adapted(steps, "local")
    with np.errstate(divide="ignore"):
        value = known.log_prior + known.reward - np.log(own)
    inside = value[own > 0]
    exact = known.log_partition - to_float(known.adapted_moments(steps, "local").kl_to_aligned)
    kept = string[own[string] > 0]
    yield mean(
        "adaptors.budget",
        f"{known.name}, local nucleus 4/5: E[L + R - log q]",
        exact,
        value[kept],
        known.bounds(inside),
    )
    yield law("adaptors.budget", f"{known.name}, local nucleus 4/5", own, np.bincount(string, minlength=len(own)))


def truncation(setting: Setting) -> Iterator[Comparison]:
    """KL(q_loc || p+) = -E sum log c; a threshold on whole strings raises E L + E R."""
    rng, known, steps = setting.rng("truncation"), tree(TREE), chain(("top_k", 2))
    value = -known.log_normaliser(steps)
    string = setting.adapted(known, steps, "local", rng)
    exact = to_float(known.adapted_moments(steps, "local").kl_to_aligned)
    yield mean(
        "adaptors.truncation", f"{known.name}, local top-k 2: -E sum log c", exact, value[string], known.bounds(value)
    )
    table = example("C7")
    string = setting.adapted(table, steps, "global", rng)
    exact = -to_float(table.adapted_moments(steps, "global").cross_entropy) + table.log_partition
    value = table.log_prior + table.reward
    yield mean("adaptors.truncation", "C7, top-k 2: E L + E R", exact, value[string], table.bounds(value))


def none(setting: Setting) -> Iterator[Comparison]:
    """C1: R - L = log 7 on every string of every law; C3: both rise on cooling."""
    rng = setting.rng("none")
    collinear, steps = example("C1"), chain(("nucleus", "9/10"))
    string = setting.adapted(collinear, steps, "global", rng)
    gap = collinear.reward[string] - collinear.log_prior[string]
    yield same("adaptors.none", "C1, nucleus 9/10: R - L = log 7", np.full(len(gap), np.log(7)), gap, 1e-12)
    known = example("C3")
    string = setting.adapted(known, COOL, "local", rng)
    yield from means("adaptors.none", "C3, T = 1/2", known, known.adapted_moments(COOL, "local"), string)


def family(setting: Setting) -> Iterator[Comparison]:
    """E L and E R of the member p^{1/2} e^{2R} of the exponential family."""
    rng, known = setting.rng("family"), example("C5")
    with precision():
        found = member(known.numbers.log_prior, known.numbers.reward, fmpq(1, 2), fmpq(2))
        prob, exact = floats(found.prob), (to_float(found.mean_log_prior), to_float(found.mean_reward))
    string = setting.strings(prob, rng)
    for name, values, value in zip(("E L", "E R"), (known.log_prior, known.reward), exact, strict=True):
        yield mean("adaptors.family", f"C5, p^(1/2) e^(2R): {name}", value, values[string], known.bounds(values))


def interior(setting: Setting) -> Iterator[Comparison]:
    """A law with more likelihood and more reward than p+."""
    rng, known = setting.rng("interior"), example("C5")
    with precision():
        means_of = known.moments.mean_log_prior, known.moments.mean_reward
        weights = gaining_mixture(known.numbers, means_of)
    if weights is None:
        raise AssertionError("C5 has strings outside of every falling line")
    prob = floats(weights) / floats(weights).sum()
    string = setting.strings(prob, rng)
    for name, values, base in zip(("E L", "E R"), (known.log_prior, known.reward), means_of, strict=True):
        gain = values - to_float(base)
        yield mean("adaptors.interior", f"C5: {name} gained", float(prob @ gain), gain[string], known.bounds(gain))


def affine(setting: Setting) -> Iterator[Comparison]:
    """E_q[L - l(I)] = 0, l(i) = E[L | I = i], for an adaptor that sees only a string's probability."""
    rng, known, steps = setting.rng("affine"), example("C7"), chain(("nucleus", "11/14"))
    exact = known.aligned.exact_prob()
    if exact is None:
        raise AssertionError("C7 is rational")
    level = {p: sum(q for q in exact if q == p) for p in exact}
    line = np.array(
        [sum(to_float(q / level[p]) * l for q, l in zip(exact, known.log_prior, strict=True) if q == p) for p in exact]
    )
    string = setting.adapted(known, steps, "global", rng)
    gap = known.log_prior - line
    yield mean("adaptors.affine-line", "C7, nucleus 11/14: E[L - l(I)]", 0.0, gap[string], known.bounds(gap))


def local_global(setting: Setting) -> Iterator[Comparison]:
    """C2 at T = 1/2: local lowers E L and E R, global raises both."""
    rng, known = setting.rng("local-global"), example("C2")
    for normalise in ("local", "global"):
        string = setting.adapted(known, COOL, normalise, rng)
        exact = known.adapted_moments(COOL, normalise)
        yield from means("adaptors.local-global", f"C2, {normalise} T = 1/2", known, exact, string)


def local_entropy(setting: Setting) -> Iterator[Comparison]:
    """C2 at T = 1/2: local raises the entropy of a string, global lowers it."""
    rng, known = setting.rng("local-entropy"), example("C2")
    for normalise in ("global", "local"):
        value = -np.log(known.adapted(COOL, normalise))
        string = setting.adapted(known, COOL, normalise, rng)
        exact = to_float(known.adapted_moments(COOL, normalise).entropy)
        what = f"C2, {normalise} T = 1/2: H"
        yield mean("adaptors.local-entropy", what, exact, value[string], known.bounds(value))


def gauge(setting: Setting) -> Iterator[Comparison]:
    """Weights scaled by a factor per context: drawn step by step, they make the same local law."""
    rng, known, steps = setting.rng("gauge"), tree(TREE), chain(("top_k", 2))
    with precision():
        kept = decide(known.numbers, steps)
        weights = adaptor_weights(next_token_laws(known.aligned), kept)
        factors = objects(fmpq(1 + k % 7, 3) for k in range(len(known.aligned.tree)))
        moved = scaled(weights, factors)
        edge, end = floats(moved.edge), floats(moved.end)
    numbers = known.aligned.floats()
    string = draws.local_strings(numbers, edge, end, setting.draws, rng=rng)
    exact = known.adapted(steps, "local")
    yield law(
        "adaptors.gauge", f"{known.name}, top-k 2 with scaled weights", exact, np.bincount(string, minlength=len(exact))
    )


def penalty_gauge(setting: Setting) -> Iterator[Comparison]:
    """C5 with its first string's token seen: how often it comes again at two constants of the logits, th = 2."""
    rng, known = setting.rng("penalty-gauge"), example("C5")
    before = History(np.zeros((1, 0), dtype=np.int64), np.zeros((1, 1), dtype=np.int64))
    for constant in (0, 5):
        with precision():
            seen = Seen(FiniteModel.of(known.aligned)).after("repetition_penalty", fmpq(2), fmpq(constant))
        steps = chain(("repetition_penalty", f"2 gauge={constant}"))
        weight = np.exp(log_weights(np.log(known.prob)[None], steps, before)[0])
        drawn = np.searchsorted(np.cumsum(weight), rng.random(setting.draws) * weight.sum(), side="right")
        yield event(
            "adaptors.penalty-gauge", f"C5, x seen, th = 2, constant {constant}: x again", to_float(seen[0]), drawn == 0
        )


def constrained(setting: Setting) -> Iterator[Comparison]:
    """[. [. .]] without its last string: masked token by token, and p+ with other strings thrown away."""
    rng, known = setting.rng("constrained"), fork((1, 2, 1), (2, 1, 1))
    inside = np.array([True, True, False])
    with precision():
        kept = language_mask(known.aligned, inside)
        exact = [moments(known.numbers, q(known.numbers, kept)).mean_log_prior for q in (adapt_local, adapt_global)]
    numbers = known.aligned.floats()
    step = numbers.prefix_prob.copy()
    step[1:] /= numbers.prefix_prob[known.aligned.tree.parent[1:]]
    cut = ~kept.edge  # below a cut prefix nothing is drawn, and the weights stay as they are
    edge = np.where(kept.edge | cut[known.aligned.tree.parent], step, 0.0)
    end = np.where(kept.end | cut, numbers.end_prob, 0.0)
    masked = draws.local_strings(numbers, edge, end, setting.draws, rng=rng)
    free = setting.strings(known.prob, rng)
    for name, string, value in (("masked", masked, exact[0]), ("conditioned", free[inside[free]], exact[1])):
        what = f"{known.name}, without its last string, {name}: E L"
        bounds = known.bounds(known.log_prior)
        yield mean("adaptors.constrained", what, to_float(value), known.log_prior[string], bounds)


def order_preserving(setting: Setting) -> Iterator[Comparison]:
    """The corner of the polygon with the most reward, drawn."""
    rng, known = setting.rng("order"), tree(TREE)
    with precision():
        ranked = ranking(known.numbers)
        corner = support(ranked, Point.whole(0, 1))
        prob = floats(corner_law(ranked, corner.tops))
        exact = to_float(corner.point.reward.ball())
    string = setting.strings(prob, rng)
    yield mean(
        "adaptors.order-preserving",
        f"{known.name}: the largest E R",
        exact,
        known.reward[string],
        known.bounds(known.reward),
    )


def attainability(setting: Setting) -> Iterator[Comparison]:
    """The fractional truncation to mass 4/5: E L + E R, the largest among all q <= p+ / m."""
    rng, known, mass = setting.rng("attainability"), example("C5"), fmpq(4, 5)
    exact_prob = known.aligned.exact_prob()
    if exact_prob is None:
        raise AssertionError("C5 is rational")
    prob = floats(fractional_truncation(exact_prob, mass) / mass)
    value = known.log_prior + known.reward
    string = setting.strings(prob, rng)
    yield mean(
        "adaptors.attainability", "C5, mass 4/5: E L + E R", float(prob @ value), value[string], known.bounds(value)
    )


def conditioning(setting: Setting) -> Iterator[Comparison]:
    """Corpora of 12 strings on the points of a square, given both sums: how many of its strings are at (1, 1)."""
    rng, size, totals = setting.rng("conditioning"), 12, (4, 9)
    points, prob = [(0, 0), (1, 0), (0, 1), (1, 1)], np.array([0.4, 0.1, 0.2, 0.3])
    corpora = exact_corpora(points, size, totals)
    log_factorial = np.concatenate(([0.0], np.cumsum(np.log(np.arange(1, size + 1)))))
    counts = np.array(corpora)
    weight = np.exp(counts @ np.log(prob) - log_factorial[counts].sum(axis=1))
    exact = float(weight @ counts[:, 3] / weight.sum() / size)
    drawn = setting.parts.counts(prob, size, setting.corpora * 4, rng=rng)
    inside = (drawn[:, 1] + drawn[:, 3] == totals[0]) & (drawn[:, 2] + drawn[:, 3] == totals[1])
    share = drawn[inside, 3] / size
    yield mean("adaptors.conditioning", "12 strings, sums (4, 9): share of (1, 1)", exact, share, (0.0, 1.0))


def mirostat(setting: Setting) -> Iterator[Comparison]:
    """Twelve tokens of p+ = (1, 2)/3, written one by one: a target between min I and H, and one above H."""
    rng, steps = setting.rng("mirostat"), 12
    surprisal = np.log([3.0, 1.5])
    for target in (fmpq(3, 5), fmpq(9, 10)):
        feedback = Feedback(target, fmpq(1, 2), 2 * target)
        with precision():
            exact = sum(
                (one.prob * one.count[0] for one in repeated([arb(3).log(), arb(fmpq(3, 2)).log()], feedback, steps)),
                start=arb(0),
            )
        rare, threshold = np.zeros(setting.draws), np.full(setting.draws, 2 * to_float(target))
        for _ in range(steps):
            first = (threshold >= surprisal[0]) & (rng.random(setting.draws) < 1 / 3)
            rare += first
            threshold -= (np.where(first, surprisal[0], surprisal[1]) - to_float(target)) / 2
        what = f"p+ = (1, 2)/3, Mirostat at {target}, {steps} tokens: share of the first"
        yield mean("adaptors.mirostat", what, to_float(exact) / steps, rare / steps, (0.0, 1.0))


EXPERIMENTS: tuple[Experiment, ...] = (
    gibbs,
    secret,
    strength,
    best,
    realignment,
    controlled,
    exchange,
    slope,
    budget,
    truncation,
    none,
    family,
    interior,
    affine,
    local_global,
    local_entropy,
    gauge,
    penalty_gauge,
    constrained,
    order_preserving,
    attainability,
    conditioning,
    mirostat,
)

__all__ = ["EXPERIMENTS"]
