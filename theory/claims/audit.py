"""The reference code's departures from the definitions: what each computes, exactly, and how far off that is.

Each claim gives a departure's effect in closed form and checks it against the procedure of ``theory.reference_code``,
carried out. Its controls say that the departure is harmless, and are refuted by a model.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from flint import arb, fmpq

from theory.adaptors.exact import Chain, adapt_global, adapt_local, chain, decide
from theory.alignment.gibbs import Aligned, align
from theory.arithmetic.exact import exp, log, objects
from theory.claims.claim import Case, Claim, Control, Finding, Profile
from theory.claims.instances import Instance, case, compositions, integer_cases, law_of, named, random_laws, small
from theory.claims.tree_search import Shape, shapes, trees_by_size
from theory.corpora.mixtures import Covariance, Joint
from theory.corpora.resampling import pools
from theory.examples import finite as examples
from theory.language_models.rewards import Reward
from theory.language_models.tree import TreeModel
from theory.probability.information import entropy, kl_divergence
from theory.reference_code import (
    CLAMP,
    HIDDEN,
    Departure,
    accept_all,
    bootstrap_pool,
    censored,
    clamped,
    correlation,
    depths,
    flipped_reward,
    hidden_top_k,
    lost_score,
    mean_log_prior,
    mean_reward,
    prior_prefixes,
    rebinned,
    secret_law,
    token_surprisals,
    unscored_end,
    without_prompt,
)

READ = "the public code at commit ccec1ac as read, not run"

COOLED: Chain = chain(("temperature", "1/2"))
NUCLEUS: Chain = chain(("nucleus", "19/20"))


def _same(departure: Departure, what: str) -> Iterator[Finding]:
    """The departure is said to leave both means."""
    truth, computed = departure.truth, departure.computed
    yield Finding(f"{what}: E L computed - E L", mean_log_prior(computed) - mean_log_prior(truth))
    yield Finding(f"{what}: E R computed - E R", mean_reward(computed) - mean_reward(truth))


def _same_sign(departure: Departure) -> Iterator[Finding]:
    """The departure is said to leave the sign of Corr(L, R)."""
    one, other = correlation(departure.truth), correlation(departure.computed)
    if one is not None and other is not None and not one.contains(0):
        yield Finding("Corr computed times Corr", one * other, "positive")


def _trees(_: Profile) -> Iterator[Case]:
    """Trees of 2 to 4 strings, smallest first."""
    return trees_by_size(2, 4, 12, ordered=True)


def _deep(profile: Profile) -> list[Case]:
    """C2 and random trees."""
    return [*named("C2"), *(c for c in random_laws(profile) if "tree" in c.name)]


# --- 1: a test that is always passed ------------------------------------------------------------------------------


def _accept_all(found: Instance) -> Iterator[Finding]:
    """E_loc f - E_glob f = -Cov_loc(f, w), w = q_glob / q_loc = prod c_t / C."""
    aligned, numbers = found.aligned, found.numbers
    both = accept_all(aligned, numbers, COOLED)
    kept = decide(aligned, numbers, COOLED)
    local, whole = adapt_local(aligned, numbers, kept), adapt_global(aligned, numbers, kept)
    weight = exp(local.log_normaliser - whole.log_normaliser)
    for name, values, shift in (
        ("L", both.computed.log_prior, mean_log_prior(both.computed) - mean_log_prior(both.truth)),
        ("R", both.computed.reward, mean_reward(both.computed) - mean_reward(both.truth)),
    ):
        cov = (local.prob * weight * values).sum() - (local.prob * weight).sum() * (local.prob * values).sum()
        yield Finding(f"E {name} off by -Cov(w, {name})", shift + cov)


def _accept_all_harmless(found: Instance) -> Iterator[Finding]:
    return _same(accept_all(found.aligned, found.numbers, COOLED), "T = 1/2")


def _no_new_trade(found: Instance) -> Iterator[Finding]:
    both = accept_all(found.aligned, found.numbers, COOLED)
    base = secret_law(found.aligned, found.numbers)
    (whole_l, whole_r), (local_l, local_r) = (
        (mean_log_prior(law) - mean_log_prior(base), mean_reward(law) - mean_reward(base))
        for law in (both.truth, both.computed)
    )
    if whole_l > 0 and whole_r > 0 and not local_l.contains(0) and not local_r.contains(0):
        yield Finding("the product of what local T = 1/2 does to E L and to E R", local_l * local_r, "positive")


# --- 2: the sign of the secret reward -----------------------------------------------------------------------------


def _flipped(found: Instance) -> Iterator[Finding]:
    both = flipped_reward(found.aligned, found.numbers)
    truth, computed = both.truth.covariance(), both.computed.covariance()
    divergence = kl_divergence(found.mass(), found.aligned.prior)
    yield Finding("E R computed = -KL(p+ || p)", mean_reward(both.computed) + divergence)
    yield Finding("E R = KL(p+ || p) >= 0", mean_reward(both.truth), "zero" if found.is_prior else "positive")
    yield Finding("Cov computed = -Cov", computed.cov + truth.cov)
    yield Finding("Var R computed = Var R", computed.var_reward - truth.var_reward)
    law, cooled = found.adapted(COOLED, "global")
    moved = mean_reward(flipped_reward(found.aligned, found.numbers, law).computed) - mean_reward(both.computed)
    yield Finding("the change of E R on cooling, reversed", moved + cooled.mean_reward - found.mean.mean_reward)


def _flipped_harmless(found: Instance) -> Iterator[Finding]:
    return _same_sign(flipped_reward(found.aligned, found.numbers))


def _flipped_mean(found: Instance) -> Iterator[Finding]:
    yield Finding(
        "E R computed >= 0", mean_reward(flipped_reward(found.aligned, found.numbers).computed), "nonnegative"
    )


# --- 3: the prior without the prompt ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Prompted:
    """P(x), p(y | x) and p+(y | x), rationals."""

    share: tuple[fmpq, ...]
    prior: tuple[tuple[fmpq, ...], ...]
    aligned: tuple[tuple[fmpq, ...], ...]

    def departure(self) -> Departure:
        """What scoring without the prompt does."""
        return without_prompt(self.share, self.prior, self.aligned)


def _law(weights: Sequence[int]) -> tuple[fmpq, ...]:
    return tuple(fmpq(w, sum(weights)) for w in weights)


def unrewarded(*rows: Sequence[int]) -> Prompted:
    """Equally likely prompts with p(y | x) proportional to the rows, and p+ = p: the reward is 0 everywhere."""
    laws = tuple(map(_law, rows))
    return Prompted(_law([1] * len(rows)), laws, laws)


def _prompted(profile: Profile) -> Iterator[Case]:
    """Two named models without a reward, and random ones with one."""
    yield Case("prompts (2, 1)/3 and (1, 3)/4, no reward", unrewarded((2, 1), (1, 3)))
    yield Case("prompts (3, 1)/4 and (1, 3)/4, no reward", unrewarded((3, 1), (1, 3)))
    rng = np.random.default_rng(profile.seed)
    for k in range(20 if profile.full else 5):
        rows, answers = int(rng.integers(2, 4)), int(rng.integers(2, 5))
        share, *laws = ([int(w) for w in rng.integers(1, 9, size)] for size in [rows, *[answers] * (2 * rows)])
        prior, aligned = tuple(map(_law, laws[:rows])), tuple(map(_law, laws[rows:]))
        yield Case(f"random prompts {k + 1}", Prompted(_law(share), prior, aligned))


def _two_prompts(_: Profile) -> Iterator[Case]:
    """Two equally likely prompts with two or three answers, no reward, by the sum of the weights."""
    for total in range(4, 11):
        for answers in (2, 3):
            for weights in itertools.product(range(1, total), repeat=2 * answers):
                if sum(weights) == total:
                    first, second = weights[:answers], weights[answers:]
                    yield Case(f"p(y | a) = {first}, p(y | b) = {second}, no reward", unrewarded(first, second))


def _without_prompt(content: Prompted) -> Iterator[Finding]:
    """R gains KL(p+(. | x) || p(.)) - KL(p+(. | x) || p(. | x)) on average; without a reward, I(X; Y)."""
    both = content.departure()
    marginal = objects(
        sum((w * row[y] for w, row in zip(content.share, content.prior, strict=True)), start=fmpq(0))
        for y in range(len(content.prior[0]))
    )
    expected = arb(0)
    for w, own, prior in zip(content.share, content.aligned, content.prior, strict=True):
        mass = objects(own)
        expected += w * (kl_divergence(mass, marginal) - kl_divergence(mass, objects(prior)))
    yield Finding(
        "E R off by the mean of the divergences", mean_reward(both.computed) - mean_reward(both.truth) - expected
    )
    for part in ("L + R computed", "L + R"):
        law = both.computed if part.endswith("computed") else both.truth
        line = (objects(map(arb, law.prob)) * (law.log_prior + law.reward)).sum()
        own_line = sum(
            (w * -entropy(objects(own)) for w, own in zip(content.share, content.aligned, strict=True)), start=arb(0)
        )
        yield Finding(f"E({part}) = -H(Y | X)", line - own_line)
    if content.prior == content.aligned:
        conditional = sum(
            (w * entropy(objects(row)) for w, row in zip(content.share, content.prior, strict=True)), start=arb(0)
        )
        yield Finding(
            "no reward: E R computed = H(Y) - H(Y | X)", mean_reward(both.computed) - entropy(marginal) + conditional
        )


def _without_prompt_harmless(content: Prompted) -> Iterator[Finding]:
    return _same(content.departure(), "no prompt")


def _no_sign_from_nothing(content: Prompted) -> Iterator[Finding]:
    found = correlation(content.departure().computed)
    if found is not None:
        yield Finding("Corr computed, where the reward is 0", found)


# --- 4: an end that is never scored -------------------------------------------------------------------------------


def _unscored_end(found: Instance) -> Iterator[Finding]:
    """L' is the log of a prefix probability; those of all strings sum to how many strings Y begins with, on average."""
    aligned = found.aligned
    both = unscored_end(aligned, found.numbers)
    _, ending = token_surprisals(aligned, found.numbers)
    prior = prior_prefixes(aligned)
    gain = (found.numbers.prob * log(prior[aligned.node] / aligned.prior)).sum()
    yield Finding("E L off by -E log p(end)", mean_log_prior(both.computed) - mean_log_prior(both.truth) - gain)
    total = (found.numbers.prob * ending).sum()
    line = _mean_line(both.computed) - _mean_line(both.truth)
    yield Finding("E(L + R) off by -E log p+(end)", line - total)
    mass = sum((prior[int(node)] for node in aligned.node), start=fmpq(0))
    strings = set(map(int, aligned.node))
    counted = sum(
        (
            p * sum(u in strings for u in _ancestry(aligned, int(node)))
            for p, node in zip(aligned.prior, aligned.node, strict=True)
        ),
        start=fmpq(0),
    )
    yield Finding("sum e^L' = E number of strings that Y begins with", mass - counted)


def _mean_line(law: Joint) -> Any:
    return mean_log_prior(law) + mean_reward(law)


def _ancestry(aligned: Aligned, node: int) -> Iterator[int]:
    while node >= 0:
        yield node
        node = int(aligned.tree.parent[node])


def _unscored_harmless(found: Instance) -> Iterator[Finding]:
    return _same_sign(unscored_end(found.aligned, found.numbers))


def _still_a_law(found: Instance) -> Iterator[Finding]:
    mass = sum((prior_prefixes(found.aligned)[int(node)] for node in found.aligned.node), start=fmpq(0))
    yield Finding("sum e^L' = 1", mass - sum(found.aligned.prior, start=fmpq(0)))


def _ended(_: Profile) -> Iterator[Case]:
    """All trees of 2 to 4 strings in which one string begins another, by (strings, sum of the weights).

    Those of ``tree_search``, with one continuation of a prefix, or none, turned into the end of the string. Without
    such an end every string ends with certainty.
    """
    for count in (2, 3, 4):
        forms = [y for shape in shapes(count) for y in _with_ends(shape) if _begins_another(y)]
        for total in range(2 * count, 13):
            for strings, weights in itertools.product(forms, list(compositions(2 * count, total))):
                p, x = weights[:count], weights[count:]
                if math.gcd(*p) == 1 == math.gcd(*x):
                    yield _ended_case(strings, p, x)


def _with_ends(shape: Shape) -> Iterator[tuple[tuple[int, ...], ...]]:
    """The strings of a shape, for every choice of prefixes whose first bare continuation is the end itself."""
    if not shape:
        yield ((),)
        return
    leaf = shape.index(()) if () in shape else None
    for end in (False, True) if leaf is not None else (False,):
        tokens = [child for k, child in enumerate(shape) if not (end and k == leaf)]
        for parts in itertools.product(*(list(_with_ends(child)) for child in tokens)):
            inner = tuple((t, *rest) for t, part in enumerate(parts) for rest in part)
            yield ((), *inner) if end else inner


def _begins_another(strings: tuple[tuple[int, ...], ...]) -> bool:
    beginnings = {string[:k] for string in strings for k in range(len(string))}
    return not beginnings.isdisjoint(strings)


def _ended_case(strings: tuple[tuple[int, ...], ...], prior: Sequence[int], exp_reward: Sequence[int]) -> Case:
    names = ["".join("abcd"[k] for k in y) or "-" for y in strings]
    alphabet = "abcd"[: 1 + max(max(y, default=0) for y in strings)]
    model = TreeModel.from_strings(alphabet, strings, objects(fmpq(w, sum(prior)) for w in prior))
    order = sorted(range(len(strings)), key=lambda k: (len(strings[k]), strings[k]))
    rewards = [Reward(factor=fmpq(exp_reward[k])) for k in order]
    return case(f"strings {', '.join(names)}: p = {tuple(prior)}, e^R = {tuple(exp_reward)}", align(model, rewards))


def ended() -> Case:
    """The smallest of those whose correlation changes its sign when ends are not scored."""
    return _first_failing(_ended(Profile()), _unscored_harmless)


def lost_case() -> Case:
    """The smallest table whose correlation changes its sign when its last string's score is lost."""
    return _first_failing(integer_cases(Profile()), _lost_harmless)


def _first_failing(cases: Iterable[Case], check: Callable[[Any], Iterator[Finding]]) -> Case:
    return next(c for c in cases if any(finding.outcome == "fails" for finding in check(c.content)))


# --- 5: a clamp on the surprisal of a token -----------------------------------------------------------------------


def far_apart() -> Aligned:
    """p = (1, 1)/2 and R = (0, -40): p+ of the second string is near e^-40."""
    prior = TreeModel.table(("x", "y"), objects([fmpq(1, 2), fmpq(1, 2)]))
    return align(prior, [Reward(), Reward(exponent=fmpq(-40))])


def _clamped(found: Instance) -> Iterator[Finding]:
    """E_q R off by E_q sum_t (-log p+ - 25)^+; on strings of p+ itself by less than e^-26 per token of the tree."""
    aligned, numbers = found.aligned, found.numbers
    step, ending = token_surprisals(aligned, numbers)
    zero, limit = arb(0), arb(CLAMP)
    over = objects(arb.max(v - limit, zero) for v in step)
    path = aligned.tree.descend(zero, over, np.add)[aligned.node] + objects(arb.max(v - limit, zero) for v in ending)
    for name, law in (("p+", None), ("p", law_of(found, list(aligned.prior)))):
        both = clamped(aligned, numbers, law)
        shift = mean_reward(both.computed) - mean_reward(both.truth)
        prob = numbers.prob if law is None else law.prob
        yield Finding(f"E R under {name} off by the mean excess", shift - (prob * path).sum())
        if law is None:
            steps = len(aligned.tree) - 1 + len(aligned)
            yield Finding("on strings of p+ within e^-26 per token", (-limit - 1).exp() * steps - shift, "nonnegative")


def _clamped_harmless(found: Instance) -> Iterator[Finding]:
    return _same(clamped(found.aligned, found.numbers, law_of(found, list(found.aligned.prior))), "strings of p")


def _far(_: Profile) -> list[Case]:
    return [case("p = (1, 1), R = (0, -40)", far_apart())]


# --- 6: a score that is not a number ------------------------------------------------------------------------------


def _lost_score(found: Instance) -> Iterator[Finding]:
    """E R off by the mean surprisal of what is lost; Cov off by the covariance of L with it."""
    n = len(found.aligned)
    prob, log_prior = found.numbers.prob, found.numbers.log_prior
    for lost in ([n - 1], list(range(0, n, 2))):
        both = lost_score(found.aligned, found.numbers, lost)
        gain = objects(v if y in lost else arb(0) for y, v in enumerate(found.numbers.surprisal))
        mean = (prob * gain).sum()
        yield Finding("E R off by E[-log p+; lost]", mean_reward(both.computed) - mean_reward(both.truth) - mean)
        shift = both.computed.covariance().cov - both.truth.covariance().cov
        cov = (prob * gain * log_prior).sum() - mean * (prob * log_prior).sum()
        yield Finding("Cov off by Cov(L, -log p+ 1{lost})", shift - cov)
        line = objects(arb(0) if y in lost else -v for y, v in enumerate(found.numbers.surprisal))
        yield Finding("E(L + R) computed", _mean_line(both.computed) - (prob * line).sum())


def _lost_harmless(found: Instance) -> Iterator[Finding]:
    return _same_sign(lost_score(found.aligned, found.numbers, [len(found.aligned) - 1]))


# --- 7: a top-k that is on by default --------------------------------------------------------------------------------


def _hidden(found: Instance) -> Iterator[Finding]:
    """KL(drawn || asked) = -log q_asked(what is drawn), and at most 50 tokens are left."""
    for value in ("19/20", "9/10", "1/2", "1"):
        asked, drawn = hidden_top_k(found.aligned, found.numbers, chain(("nucleus", value)))
        inside = np.isin(asked.string, drawn.string)
        yield Finding("tokens drawn that were not asked for", fmpq(len(drawn.string) - int(inside.sum())))
        yield Finding("50 - tokens drawn", fmpq(int(HIDDEN) - len(drawn.string)), "nonnegative")
        direct = (drawn.prob * (drawn.log_prob - asked.log_prob[inside])).sum()
        yield Finding(f"nucleus {value}: KL = -log q(kept)", direct + asked.prob[inside].sum().log())


def _hidden_harmless(found: Instance) -> Iterator[Finding]:
    asked, drawn = hidden_top_k(found.aligned, found.numbers, NUCLEUS)
    yield Finding("tokens kept", fmpq(len(asked.string) - len(drawn.string)))


def _only_restricts(content: tuple[Instance, Chain]) -> Iterator[Finding]:
    found, steps = content
    asked, drawn = hidden_top_k(found.aligned, found.numbers, steps)
    yield Finding("tokens drawn that were not asked for", fmpq(int((~np.isin(drawn.string, asked.string)).sum())))


def _other_adaptors(_: Profile) -> list[Case]:
    """Equal tokens, of which epsilon keeps one of 60 but all of 50."""
    found: Instance = case("60 alike", examples.table([1] * 60, [1] * 60)).content
    return [Case("60 tokens alike, epsilon 1/55", (found, chain(("epsilon", "1/55"))))]


def _ramp(_: Profile) -> list[Case]:
    """The smallest table of equal probabilities that shows it: nucleus 19/20 keeps 49 of 51, and of 53 51."""
    return [case(f"{n} strings alike", examples.table([1] * n, [1] * n)) for n in (50, 51, 52, 53, 54)]


def _wide(_: Profile) -> list[Case]:
    falling = case("60 strings, p falling", examples.table(range(60, 0, -1), [1] * 60))
    return [*named("toy"), *_ramp(Profile())[-1:], falling]


# --- 8: strings cut at the length limit ---------------------------------------------------------------------------


def _censored(found: Instance) -> Iterator[Finding]:
    """H = H(cut) + E H(rest | cut), and E R falls short by the mean divergence of the rests."""
    aligned, numbers = found.aligned, found.numbers
    for length in (1, 2):
        both = censored(aligned, numbers, length)
        rest_entropy, rest_divergence = arb(0), arb(0)
        for members in _rests(aligned, length):
            mass, other = numbers.prob[members], aligned.prior[members]
            rest_entropy += mass.sum() * entropy(mass / mass.sum())
            rest_divergence += mass.sum() * kl_divergence(mass / mass.sum(), objects(map(arb, other)) / sum(other))
        line = -_mean_line(both.computed)
        yield Finding(f"H = H(cut) + E H(rest), cut at {length}", found.mean.entropy - line - rest_entropy)
        shift = mean_reward(both.truth) - mean_reward(both.computed)
        yield Finding(f"E R short by E KL(rest of p+ || rest of p), cut at {length}", shift - rest_divergence)


def _rests(aligned: Aligned, length: int) -> Iterator[list[int]]:
    """The strings that are one string once they are cut."""
    depth = depths(aligned)
    groups: dict[int, list[int]] = {}
    for y, node in enumerate(aligned.node):
        root = int(node)
        while depth[root] > length:
            root = int(aligned.tree.parent[root])
        groups.setdefault(root if depth[root] == length else -1 - y, []).append(y)
    yield from groups.values()


def _censored_harmless(found: Instance) -> Iterator[Finding]:
    return _same_sign(censored(found.aligned, found.numbers, 1))


# --- 9: corpora drawn again from one pool -------------------------------------------------------------------------


def _pool(found: Instance) -> Iterator[Finding]:
    """The three variances of Lbar against an enumeration of all pools and all their corpora."""
    truth = secret_law(found.aligned, found.numbers)
    sigma = truth.covariance().var_log_prior
    for pool, size in ((2, 2), (3, 2), (2, 3)):
        drawn = pools(truth, pool)
        spread = bootstrap_pool(size, pool)
        shown = drawn.corpora(size).within().var_log_prior
        yield Finding(f"shown by pools of {pool}, N = {size}", shown - sigma * spread.shown)
        error = drawn.corpora(size).pooled().covariance().var_log_prior
        yield Finding(f"error with pools of {pool}, N = {size}", error - sigma * spread.error)
        yield Finding(
            f"of fresh strings, N = {size}", truth.corpus_means(size).covariance().var_log_prior - sigma * spread.fresh
        )


def _pool_harmless(found: Instance) -> Iterator[Finding]:
    sigma = secret_law(found.aligned, found.numbers).covariance().var_log_prior
    spread = bootstrap_pool(200_000, 2_000)
    yield Finding("mean squared error = Var(Lbar) shown, n = 2,000, N = 200,000", sigma * (spread.error - spread.shown))


def _few(profile: Profile) -> list[Case]:
    return [c for c in small(profile) if len(c.content.aligned) <= 4]


# --- 10: equal-count re-binning -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class Corpora:
    """All corpora of N strings of a law of (L, R), rationals, and the bins they are sorted into."""

    law: Joint
    bins: int


def corpora_of(weights: Sequence[int], points: Sequence[tuple[int, int]], size: int, bins: int) -> Case:
    """Corpora of N strings with p+ and (L, R) given by integers: L and R are known up to a common unit."""
    law = Joint.of(weights, points).corpus_means(size)
    return Case(f"p+ = {tuple(weights)}, (L, R) = {tuple(points)}, N = {size}, {bins} bins", Corpora(law, bins))


C4_POINTS = ((3, 0), (2, 0), (0, 3))
"""(log p, log e^R) of C4's strings in units of log 2, L measured from log 1/13."""


def _rebinning_cases(_: Profile) -> list[Case]:
    return [
        corpora_of((2, 1, 2), C4_POINTS, 10, 10),
        corpora_of((2, 1, 2), C4_POINTS, 20, 20),
        corpora_of((1, 4, 12), ((0, 0), (1, 1), (2, 3)), 12, 8),
        corpora_of((3, 2, 2, 1), ((0, 0), (1, 0), (0, 1), (2, 2)), 6, 5),
    ]


def _small_corpora(_: Profile) -> Iterator[Case]:
    """Two strings of N = 2, then three of N = 2, in two and three bins, by the sum of the weights."""
    for points in (((0, 0), (1, 1)), ((0, 1), (1, 0), (2, 2))):
        for total in range(2, 9):
            for weights in compositions(len(points), total):
                for bins in (2, 3):
                    yield corpora_of(weights, points, 2, bins)


def _rebinned(content: Corpora) -> Iterator[Finding]:
    """E[R | bin] and Var(R | bin) stay, the bins become equally heavy: Cov by the law of total covariance."""
    law, made = content.law, rebinned(content.law, content.bins)
    low, high = min(law.log_prior), max(law.log_prior)
    edges = [low + (high - low) * fmpq(k, content.bins) for k in range(1, content.bins)]
    place = [sum(v >= edge for edge in edges) for v in law.log_prior]
    parts = []
    for k in sorted(set(place)):
        members = np.flatnonzero([own == k for own in place])
        mass = law.prob[members] / law.prob[members].sum()
        parts.append(Joint(mass, law.log_prior[members], law.reward[members]))
    count = len(parts)
    within = _average([part.covariance() for part in parts])
    means = [part.mean() for part in parts]
    between = Joint(objects([fmpq(1, count)] * count), objects(l for l, _ in means), objects(r for _, r in means))
    for name, value, one, other in zip(
        ("Var L", "Var R", "Cov"),
        made.covariance().entries(),
        within.entries(),
        between.covariance().entries(),
        strict=True,
    ):
        yield Finding(f"{name} of equally heavy bins", value - one - other)


def _average(matrices: Sequence[Covariance]) -> Covariance:
    share = fmpq(1, len(matrices))
    total = matrices[0].scaled(share)
    for matrix in matrices[1:]:
        total = total + matrix.scaled(share)
    return total


def _rebinned_harmless(content: Corpora) -> Iterator[Finding]:
    one, other = correlation(content.law), correlation(rebinned(content.law, content.bins))
    if one is not None and other is not None:
        yield Finding("Corr after re-binning = Corr", other - one)


def _none_out_of_none(content: Corpora) -> Iterator[Finding]:
    if content.law.covariance().cov == 0:
        yield Finding("Cov after re-binning, where it was 0", rebinned(content.law, content.bins).covariance().cov)


def _curved(_: Profile) -> list[Case]:
    law = Joint.of([1, 2, 1], [(0, -2), (1, 3), (4, 0)])
    return [Case("weights (1, 2, 1), (L, R) = ((0, -2), (1, 3), (4, 0)), 4 bins", Corpora(law, 4))]


# --- the claims ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Texts:
    """What a departure's claim says, in words and in a formula."""

    name: str
    title: str
    statement: str
    needs: tuple[str, ...]
    place: str
    produces: str


def _claim(
    texts: _Texts,
    check: Callable[[Any], Iterator[Finding]],
    cases: Callable[[Profile], Any],
    *controls: Control,
) -> Claim:
    return Claim(
        id=f"audit.{texts.name}",
        sentence="",
        title=texts.title,
        statement=texts.statement,
        hypotheses=texts.needs,
        source=f"{READ}: {texts.place}",
        check=check,
        cases=cases,
        controls=controls,
        remark=texts.produces,
    )


def _harmless(
    what: str, check: Callable[[Any], Iterator[Finding]], cases: Callable[[Profile], Any], *, smallest: bool = True
) -> Control:
    return Control("harmless", f"says that the departure leaves {what}", check, cases, smallest)


CLAIMS: tuple[Claim, ...] = (
    _claim(
        _Texts(
            "accept-all",
            "Corpora of a Metropolis step whose test always passes are off from q_glob by a covariance",
            r"\mathbb E_{q_{loc}}f-\mathbb E_{q_{glob}}f=-\operatorname{Cov}_{q_{loc}}(f,w),\quad w=q_{glob}/q_{loc}",
            ("the acceptance test is a non-empty tuple, which is true whatever ratio it holds",),
            "create_figures 333-349",
            "By itself it makes corpora that are called globally normalised follow the local adaptor. On C2 global "
            "T = 1/2 raises both means and local T = 1/2 lowers both; on the second control's model the global one "
            "raises both and the local one trades.",
        ),
        _accept_all,
        _deep,
        _harmless("both means", _accept_all_harmless, _trees),
        Control(
            "no-new-trade",
            "says that local T = 1/2 does not trade where global T = 1/2 raises both means",
            _no_new_trade,
            _trees,
            smallest=True,
        ),
    ),
    _claim(
        _Texts(
            "flipped-reward",
            "A secret reward with its sign flipped turns every exchange into its opposite",
            r"r'=\log p-\log p_+:\quad \mathbb E_{p_+}r'=-\mathrm{KL}(p_+\|p)\le0,\quad"
            r"\operatorname{Cov}(L,r')=-\operatorname{Cov}(L,R)",
            ("log p - log p+ is read as the reward",),
            "create_figures 140-142",
            "By itself it shows likelihood and reward trading off across adaptors where both rise together: on C3, "
            "where no temperature trades, the computed correlation is negative. Its mean under p+ is never positive, "
            "which is how it can be told.",
        ),
        _flipped,
        small,
        _harmless("the sign of the correlation", _flipped_harmless, integer_cases),
        Control("mean", "says that the mean of the flipped reward is not negative", _flipped_mean, integer_cases, True),
    ),
    _claim(
        _Texts(
            "prior-without-prompt",
            "A prior scored without the prompt adds log p(y | x) / p(y) to the secret reward",
            r"\mathbb E R'-\mathbb E R="
            r"\mathbb E_x\big[\mathrm{KL}(p_+(\cdot|x)\|p)-\mathrm{KL}(p_+(\cdot|x)\|p(\cdot|x))\big]"
            r"=I(X;Y)\ \text{if}\ p_+=p",
            ("without a prompt the prior is the mean of p(. | x) over prompts", "the secret reward log p+ - L"),
            "the prior's NLL is of the answer alone",
            "By itself it finds a secret reward, and a correlation with likelihood, of either sign, where there is no "
            "reward at all: the mean is the mutual information of prompt and answer. The sum of L and the secret "
            "reward is right, so the line shows nothing of it.",
        ),
        _without_prompt,
        _prompted,
        _harmless("both means", _without_prompt_harmless, _two_prompts, smallest=False),
        Control(
            "no-sign-from-nothing",
            "says that L and R do not correlate where the reward is 0",
            _no_sign_from_nothing,
            _two_prompts,
        ),
    ),
    _claim(
        _Texts(
            "unscored-end",
            "Strings scored without their end have the probabilities of prefixes, which need not sum to 1",
            r"\mathbb E L'-\mathbb E L=-\mathbb E\log p(\mathrm{end}\mid Y),\qquad"
            r"\sum_y e^{L'(y)}=\mathbb E_p\,\#\{y: Y\text{ begins with }y\}",
            ("neither model is asked for the end of the string",),
            "the end of a string is not among the tokens that are scored",
            "By itself it can turn the sign of Corr(L, R), since how surely a string ends differs between strings and "
            "between the models. Where no string begins another it does nothing.",
        ),
        _unscored_end,
        _deep,
        _harmless("the sign of the correlation", _unscored_harmless, _ended),
        Control("still-a-law", "says that the scores are still probabilities", _still_a_law, _ended, smallest=True),
    ),
    _claim(
        _Texts(
            "clamped-nll",
            "A clamp of 25 nats per token, on p+ and not on p, changes next to nothing on strings of p+",
            r"\mathbb E_q R'-\mathbb E_q R=\mathbb E_q\sum_t(-\log p_+(y_t|y_{<t})-25)^+,\qquad"
            r"\mathbb E_{p_+}R'-\mathbb E_{p_+}R\le e^{-26}\cdot\#\{\text{tokens of the tree}\}",
            ("tokens of p+ are clamped, those of p are not",),
            "compute_nll 323-327",
            "By itself it shifts E R on strings of p+ by at most V e^-26 a step, below 2e-7 nats for V = 32,000. "
            "On strings of another law it caps how badly p+ can do, and so the penalty for leaving it; how much it did "
            "there is not known from reading.",
        ),
        _clamped,
        lambda profile: [*_far(profile), *small(profile)],
        _harmless("both means on strings of the prior", _clamped_harmless, _far, smallest=False),
    ),
    _claim(
        _Texts(
            "lost-score",
            "A score of p+ that is not a number, read as probability 1, adds its surprisal to the secret reward",
            r"\mathbb E R'-\mathbb E R=\mathbb E[-\log p_+(Y);\,Y\in B],\quad"
            r"\operatorname{Cov}(L,R')-\operatorname{Cov}(L,R)=\operatorname{Cov}(L,-\log p_+\mathbf 1_B)",
            ("strings of a set B are scored NaN, one token each", "NaN is replaced by a surprisal of 0"),
            "compute_nll 323-327",
            "By itself it can turn the sign of Corr(L, R), if it happens to a token of a string. At padding, 0 is "
            "right; how often it happened elsewhere is not known from reading.",
        ),
        _lost_score,
        small,
        _harmless("the sign of the correlation", _lost_harmless, integer_cases),
    ),
    _claim(
        _Texts(
            "hidden-top-k",
            "A top-k of 50 that a library has by default acts before every other adaptor",
            r"\text{nucleus: }\mathrm{KL}(q_{drawn}\|q_{asked})=-\log q_{asked}(S),\quad "
            r"S=\text{what is drawn},\ |S|\le50",
            ("one next-token law with more than 50 tokens",),
            "the sampler's default top-k stays on for nucleus, locally typical and eta",
            "By itself it leaves at most 50 tokens to each of nucleus, typical and eta. For nucleus what is drawn is a "
            "part of what was asked for; typical, eta and epsilon decide on another law and may keep tokens that were "
            "not asked for.",
        ),
        _hidden,
        _wide,
        _harmless("the kept tokens", _hidden_harmless, _ramp, smallest=False),
        Control(
            "only-restricts",
            "says of every adaptor that what is drawn was asked for",
            _only_restricts,
            _other_adaptors,
        ),
    ),
    _claim(
        _Texts(
            "censored-strings",
            "Strings cut at the length limit and kept as strings lose the entropy and the reward of what was cut off",
            r"H=H_{cut}+\mathbb E\,H(\text{rest}),\qquad \mathbb E R-\mathbb E R_{cut}="
            r"\mathbb E\,\mathrm{KL}(p_+(\text{rest})\|p(\text{rest}))\ge0",
            ("strings of p+", "those of more than a number of tokens are cut there, and nothing marks them"),
            "generation stops at a length limit",
            "By itself it can turn the sign of Corr(L, R): on C2, cut after one token, where two points are left, from "
            "+1 to -1. Under p+ likelihood is too high and reward too low; under an adapted law the reward may err "
            "either way.",
        ),
        _censored,
        _deep,
        _harmless("the sign of the correlation", _censored_harmless, _trees),
    ),
    _claim(
        _Texts(
            "bootstrap-pool",
            "200,000 strings drawn again from 2,000 show a tenth of their standard error",
            r"\frac{\mathbb E(\bar L-\mathbb E L)^2}{\mathbb E\operatorname{Var}(\bar L\mid\text{pool})}"
            r"=1+\frac{N}{n-1}=\frac{201999}{1999}",
            ("a pool of n independent strings", "corpora of N strings drawn from it once, with replacement"),
            "corpora of 200,000 strings from about 2,000",
            "By itself it produces tight clouds of corpora, far from each other, that repeat the sampling error of "
            "their pools; see correlation.bootstrap for the correlation, which is the pool's at every N.",
        ),
        _pool,
        _few,
        _harmless("the standard error", _pool_harmless, integer_cases),
    ),
    _claim(
        _Texts(
            "re-binning",
            "Equal-count re-binning along L spreads corpora evenly over its range, and so changes their correlation",
            r"\operatorname{Cov}'=\overline{\operatorname{Cov}(\cdot\mid\text{bin})}+"
            r"\operatorname{Cov}_{\text{uniform over bins}}(\mathbb E[\bar L|\text{bin}],\mathbb E[\bar R|\text{bin}])",
            ("bins of equal width in L are made equally heavy",),
            "the toy's typical corpora before their correlation is taken",
            "By itself it takes the toy's -0.81 to about -0.91, where the notebook prints -0.92, if its corpora are "
            "taken for a normal pair whose L is spread over the mean range of 213. Where E[R | L] is constant there is "
            "no correlation before and none after; one that is 0 because E[R | L] is curved may become something.",
        ),
        _rebinned,
        _rebinning_cases,
        _harmless("the correlation", _rebinned_harmless, _small_corpora, smallest=False),
        Control(
            "none-out-of-none",
            "says that where there is no covariance re-binning makes none",
            _none_out_of_none,
            _curved,
        ),
    ),
)

__all__ = [
    "C4_POINTS",
    "CLAIMS",
    "COOLED",
    "NUCLEUS",
    "Corpora",
    "Prompted",
    "corpora_of",
    "ended",
    "far_apart",
    "lost_case",
    "unrewarded",
]
