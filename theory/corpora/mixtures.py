"""Corpora drawn from a mixture: which adaptor, or which prompt, and then (L, R).

A part k has probability w_k and its own law of (L, R). The covariance of one string is W + B: W the mean of the
covariances within the parts, B the covariance of the parts' means. What averaging does depends on who draws the part:

- every corpus draws one part (corpora from different adaptors): Cov(Lbar, Rbar) = W/N + B;
- every string draws its own part (random prompts, adaptors mixed string by string): Cov(Lbar, Rbar) = (W + B)/N.

Source: the law of total covariance; Simpson (1951), doi:10.1111/j.2517-6161.1951.tb00088.x, for the reversal.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from flint import arb, fmpq

from theory.adaptors.exact import Chain, adapt, decide
from theory.alignment.gibbs import Aligned, Numbers, align, gibbs, in_own_arithmetic
from theory.arithmetic.exact import Array, Undecided, ball, inner, log, objects
from theory.corpora.enumeration import counts_of
from theory.language_models.rewards import Reward
from theory.language_models.tree import TreeModel
from theory.probability.information import entropy


@dataclass(frozen=True, slots=True)
class Covariance:
    """A covariance matrix of (L, R), nats^2: rationals or balls."""

    var_log_prior: Any
    var_reward: Any
    cov: Any

    def __add__(self, other: Covariance) -> Covariance:
        return Covariance(
            self.var_log_prior + other.var_log_prior, self.var_reward + other.var_reward, self.cov + other.cov
        )

    def scaled(self, factor: fmpq) -> Covariance:
        """The matrix times a number."""
        return Covariance(self.var_log_prior * factor, self.var_reward * factor, self.cov * factor)

    def entries(self) -> tuple[Any, Any, Any]:
        """(Var L, Var R, Cov(L, R))."""
        return self.var_log_prior, self.var_reward, self.cov

    @property
    def correlation(self) -> Any:
        """Corr(L, R), a ball; None where a variance is 0 (a ball around 0 gives a ball that says nothing)."""
        if self.var_log_prior == 0 or self.var_reward == 0:
            return None
        return ball(self.cov) / (ball(self.var_log_prior) * self.var_reward).sqrt()


@dataclass(frozen=True, slots=True, eq=False)
class Joint:
    """A law of (L, R) on m points; the probabilities sum to 1, which is not checked.

    Args:
        prob: shape (m,), rationals or balls.
        log_prior: L of each point, nats, shape (m,).
        reward: R of each point, nats, shape (m,).
    """

    prob: Array
    log_prior: Array
    reward: Array

    def __len__(self) -> int:
        return len(self.prob)

    @staticmethod
    def of(weight: Sequence[Any], points: Sequence[tuple[Any, Any]]) -> Joint:
        """The rational law with probabilities proportional to ``weight`` on the points (L, R)."""
        total = sum((fmpq(w) for w in weight), start=fmpq(0))
        return Joint(
            objects(fmpq(w) / total for w in weight),
            objects(fmpq(l) for l, _ in points),
            objects(fmpq(r) for _, r in points),
        )

    def mean(self) -> tuple[Any, Any]:
        """(E L, E R)."""
        return inner(self.prob, self.log_prior), inner(self.prob, self.reward)

    def covariance(self) -> Covariance:
        """The covariance matrix, from centred values."""
        mean_l, mean_r = self.mean()
        from_l, from_r = self.log_prior - mean_l, self.reward - mean_r
        share_l, share_r = self.prob * from_l, self.prob * from_r
        return Covariance(inner(share_l, from_l), inner(share_r, from_r), inner(share_l, from_r))

    def rewarded(self, extra: Any) -> Joint:
        """The same law with ``extra`` added to every reward."""
        return replace(self, reward=self.reward + extra)

    def corpus_means(self, size: int) -> Joint:
        """The law of (Lbar, Rbar) over corpora of N points, corpus by corpus.

        Cost: C(N + m - 1, m - 1) corpora, so that it serves as the slow second route to W/N + B.
        """
        powers = [[p**count for count in range(size + 1)] for p in self.prob]
        prob, log_prior, reward = [], [], []
        for counts in counts_of(len(self), size):
            ways = math.factorial(size) // math.prod(math.factorial(c) for c in counts)
            prob.append(math.prod((powers[j][c] for j, c in enumerate(counts) if c), start=fmpq(ways)))
            log_prior.append(_average(self.log_prior, counts, size))
            reward.append(_average(self.reward, counts, size))
        return Joint(objects(prob), objects(log_prior), objects(reward))


def _average(values: Array, counts: Sequence[int], size: int) -> Any:
    return sum((v * c for v, c in zip(values, counts, strict=True) if c), start=fmpq(0)) / size


@dataclass(frozen=True, slots=True, eq=False)
class Mixture:
    """A random part, and (L, R) given the part.

    Args:
        weight: w_k > 0, rationals or balls that sum to 1, shape (K,).
        parts: the K laws of (L, R), in one arithmetic.
    """

    weight: Array
    parts: tuple[Joint, ...]

    def __len__(self) -> int:
        return len(self.weight)

    @staticmethod
    def even(*parts: Joint) -> Mixture:
        """All parts equally likely."""
        return Mixture(objects(fmpq(1, len(parts)) for _ in parts), parts)

    def means(self) -> Joint:
        """The law of the parts' means (E_k L, E_k R)."""
        mean = [part.mean() for part in self.parts]
        return Joint(self.weight, objects(l for l, _ in mean), objects(r for _, r in mean))

    def within(self) -> Covariance:
        """W = sum_k w_k Cov_k: the mean of the covariances within the parts."""
        matrices = [part.covariance().scaled(w) for w, part in zip(self.weight, self.parts, strict=True)]
        return sum(matrices[1:], start=matrices[0])

    def between(self) -> Covariance:
        """B: the covariance of the parts' means."""
        return self.means().covariance()

    def pooled(self) -> Joint:
        """The law of one point whose part is drawn with it."""
        return Joint(
            np.concatenate([part.prob * w for w, part in zip(self.weight, self.parts, strict=True)]),
            np.concatenate([part.log_prior for part in self.parts]),
            np.concatenate([part.reward for part in self.parts]),
        )

    def corpus_covariance(self, size: int) -> Covariance:
        """W/N + B: of (Lbar, Rbar), where every corpus of N strings comes from one part."""
        return self.within().scaled(fmpq(1, size)) + self.between()

    def corpora(self, size: int) -> Mixture:
        """The laws of (Lbar, Rbar) part by part, enumerated; ``pooled()`` is then the law over all corpora."""
        return Mixture(self.weight, tuple(part.corpus_means(size) for part in self.parts))

    def rewarded(self, extra: Sequence[Any] | Array) -> Mixture:
        """The mixture with extra[k] added to the rewards of part k: R + g(x), where the parts are prompts."""
        return Mixture(self.weight, tuple(part.rewarded(g) for part, g in zip(self.parts, extra, strict=True)))


def crossing(within: Any, between: Any) -> Any:
    """N* = -W/B where W/N + B changes its sign at some N > 1; None where it does not.

    W/N + B = B (1 - N*/N), so that it does iff N* > 1: W > 0 > B with W + B > 0 (from + to -), or W < 0 < B with
    W + B < 0 (from - to +). At N = N*, if that is whole, the covariance is 0.

    >>> crossing(fmpq(4), fmpq(-1, 4)), crossing(fmpq(1), fmpq(-2))
    (16, None)

    Raises:
        Undecided: a ball does not tell the sign of B or of N* - 1.
    """
    if certain_sign(between, "B") == 0:
        return None
    size = -within / between
    return size if certain_sign(size - 1, "N* - 1") > 0 else None


def certain_sign(value: Any, what: str) -> int:
    """The sign of a rational, or of a ball that does not hold 0.

    Raises:
        Undecided: the ball holds 0.
    """
    if value > 0:
        return 1
    if value < 0:
        return -1
    if isinstance(value, arb) and not value.is_exact():
        raise Undecided(f"the sign of {what} is undecided: {value.str(5)}")
    return 0


@in_own_arithmetic
def adaptor_mixture(numbers: Numbers, chains: Sequence[Chain], normalise: str) -> Mixture:
    """Corpora from these chains of adaptors, each chain as likely as the others; the empty chain is p+ itself.

    Args:
        aligned: the model.
        numbers: ``aligned.balls()``.
        chains: of adaptors, one a part.
        normalise: "local" or "global", for all of them.
    """
    parts = []
    for steps in chains:
        law = adapt(numbers, decide(numbers, steps), normalise)
        parts.append(Joint(law.prob, numbers.log_prior[law.string], numbers.reward[law.string]))
    return Mixture.even(*parts)


# --- random prompts -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class Prompts:
    """A conditional model with a random prompt x: L = log p(y | x), R = r(x, y) / beta, y from p+(. | x).

    Args:
        names: the prompts, K of them.
        mixture: P(x), rationals, with the law of (L, R) given x, balls.
        log_partition: log Z(x) = log E_{p(.|x)} e^R, nats, shape (K,).
        entropy: H(x) of p+(. | x), nats, shape (K,).
        varentropy: V(x) = Var(-log p+(y | x) | x), nats^2, shape (K,).
    """

    names: tuple[str, ...]
    mixture: Mixture
    log_partition: Array
    entropy: Array
    varentropy: Array

    def centre(self) -> Any:
        """E_x[log Z(x) - H(x)]: what Lbar + Rbar tends to, nats."""
        return (self.mixture.weight * (self.log_partition - self.entropy)).sum()

    def string_variance(self) -> Any:
        """E_x V(x) + Var_x(log Z(x) - H(x)): N times the variance of Lbar + Rbar, nats^2."""
        level = self.log_partition - self.entropy
        from_centre = level - self.centre()
        return (self.mixture.weight * (self.varentropy + from_centre * from_centre)).sum()


def prompts(aligned: Aligned) -> Prompts:
    """Read the first token of every string as its prompt, the rest as its answer; call inside ``precision()``.

    P(x) and p(y | x) are the prior's. The reward tilts answers given the prompt, never the prompts themselves.

    Raises:
        ValueError: a string without a token, or a reward of -inf (p(y | x) must be known in full).
    """
    if aligned.prior.sum() != 1:
        raise ValueError(f"the priors of the strings must sum to 1, got {aligned.prior.sum()}: no reward may be -inf")
    tree, members = aligned.tree, dict[int, list[int]]()
    for string, node in enumerate(aligned.node.tolist()):
        if node == 0:
            raise ValueError("every string needs a first token, its prompt; the empty string has none")
        while tree.parent[node] > 0:
            node = int(tree.parent[node])
        members.setdefault(node, []).append(string)
    rewards = aligned.balls().reward
    weight, parts, levels = [], [], []
    for strings in members.values():
        share = aligned.prior[strings].sum()
        prior = objects(p / share for p in aligned.prior[strings])
        prob, log_partition = gibbs(prior, rewards[strings])
        weight.append(share)
        parts.append(Joint(prob, log(prior), rewards[strings]))
        surprisal = Joint(prob, -log(prob), -log(prob)).covariance()
        levels.append((log_partition, entropy(prob), surprisal.var_log_prior))
    names = tuple(tree.alphabet[int(tree.token[node])] for node in members)
    return Prompts(
        names, Mixture(objects(weight), tuple(parts)), *(objects(column) for column in zip(*levels, strict=True))
    )


def prompt_tree(prior: Sequence[Sequence[int]], exp_reward: Sequence[Sequence[int]]) -> Aligned:
    """The tree whose first tokens a, b, ... are prompts and whose second tokens 1, 2, ... are answers.

    >>> prompts(prompt_tree([[1, 1], [2]], [[1, 2], [3]])).mixture.weight
    array([1/2, 1/2], dtype=object)

    Args:
        prior: integer weights proportional to P(x) p(y | x), one row per prompt.
        exp_reward: e^R of every answer, in the same shape.
    """
    names = [chr(ord("a") + k) for k in range(len(prior))]
    answers = [str(j + 1) for j in range(max(len(row) for row in prior))]
    strings = [(k, len(names) + j) for k, row in enumerate(prior) for j in range(len(row))]
    flat = objects(fmpq(w) for row in prior for w in row)
    model = TreeModel.from_strings([*names, *answers], strings, flat / flat.sum())
    return align(model, [Reward(factor=fmpq(x)) for row in exp_reward for x in row])


# --- what a reward known up to g(x) leaves open -------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class Identification:
    """Corr(L, R + g(X)) over all functions g of the prompt: what p+ alone says of the correlation.

    With A = E[L | X], e^2 = Var A / Var L, S^2 = E Var(R | X), k = E Cov(L, R | X) / (sd L * S), the correlation at
    E[R + g | X] = t S (A - E A) / sd A + const is (t e + k) / sqrt(t^2 + 1); whatever in g is uncorrelated with A
    only shrinks it. For k > 0 the values are (-e, sqrt(e^2 + k^2)], the upper end at t = e / k; for k < 0 they are
    [-sqrt(e^2 + k^2), e); for k = 0 they are (-e, e), or {0} if e = 0 too. k^2 = (1 - e^2) rho_w^2.

    Args:
        mixture: prompts with the law of (L, R) given each.
        share: e^2, rational or ball.
        slope: k^2, rational or ball.
        side: the sign of k.
        spread: S^2, nats^2.
    """

    mixture: Mixture
    share: Any
    slope: Any
    side: int
    spread: Any

    @property
    def within_correlation(self) -> Any:
        """rho_w = E Cov(L, R | X) / sqrt(E Var(L | X) E Var(R | X)), a ball; the same for every g. None if e = 1."""
        return self.mixture.within().correlation

    def ends(self) -> tuple[arb, arb]:
        """(infimum, supremum) of the correlation."""
        e, reach = ball(self.share).sqrt(), ball(self.share + self.slope).sqrt()
        return (-reach if self.side < 0 else -e), (reach if self.side > 0 else e)

    def attained(self) -> tuple[bool, bool]:
        """Whether the infimum and the supremum are values: the far end is, the near one only approached."""
        alone = self.side == 0 and self.share == 0
        return self.side < 0 or alone, self.side > 0 or alone

    def reward_at(self, slant: Any) -> Array:
        """g(x), nats, that puts E[R + g | x] at slant * S * (A(x) - E A) / sd A; shape (K,).

        For e = 0, where A is constant, the direction is the first prompt against the others.
        """
        means = self.mixture.means()
        direction = means.log_prior if self.share != 0 else objects(fmpq(int(k == 0)) for k in range(len(means)))
        line = Joint(means.prob, direction, direction)
        scale = (ball(self.spread) / line.covariance().var_log_prior).sqrt()
        chosen: Array = (direction - line.mean()[0]) * (scale * slant) - means.reward
        return chosen

    def extreme_reward(self) -> Array:
        """g(x) = (S^2 / E Cov(L, R | X)) E[L | x] - E[R | x], at which the far end is attained; needs k != 0."""
        means, within = self.mixture.means(), self.mixture.within()
        chosen: Array = means.log_prior * (within.var_reward / within.cov) - means.reward
        return chosen

    def reward_reaching(self, target: Any) -> Array:
        """A g(x) at which the correlation is ``target``, a number strictly between the ends.

        With t = tan(a), e sin(a) + k cos(a) = sqrt(e^2 + k^2) cos(a - a0), tan(a0) = e / k, is solved for a.
        """
        e, k = ball(self.share).sqrt(), ball(self.slope).sqrt()
        mirror = -1 if self.side < 0 else 1
        angle = arb.atan2(e, k) - (ball(target) * mirror / (e * e + k * k).sqrt()).acos()
        return self.reward_at(angle.tan() * mirror)


def identification(mixture: Mixture) -> Identification:
    """What p+ says of Corr(L, R) where the reward is known up to a function g(x) of the prompt.

    Source: that p+ determines r up to g(x): Rafailov et al. (2023), arXiv:2305.18290, Lemmas 1 and 2.

    Raises:
        ValueError: one prompt only (g is then a constant, and the correlation is identified); L constant; or R
            constant given the prompt (R + g may then be any function of the prompt: the values lie in [-e, e]).
        Undecided: a ball does not tell whether k or e is 0; rational (L, R) always do.
    """
    within, between = mixture.within(), mixture.between()
    variance = within.var_log_prior + between.var_log_prior
    if len(mixture) < 2:
        raise ValueError("at least two prompts are required: with one, g is a constant")
    if certain_sign(variance, "Var L") == 0:
        raise ValueError("L must not be constant: the correlation does not exist")
    if certain_sign(within.var_reward, "E Var(R | x)") == 0:
        raise ValueError("R must vary given some prompt; else p+(. | x) = p(. | x), and says nothing of the reward")
    share = between.var_log_prior / variance
    certain_sign(share, "e^2")
    slope = within.cov * within.cov / (variance * within.var_reward)
    return Identification(mixture, share, slope, certain_sign(within.cov, "E Cov(L, R | x)"), within.var_reward)


__all__ = [
    "Covariance",
    "Identification",
    "Joint",
    "Mixture",
    "Prompts",
    "adaptor_mixture",
    "certain_sign",
    "crossing",
    "identification",
    "prompt_tree",
    "prompts",
]
