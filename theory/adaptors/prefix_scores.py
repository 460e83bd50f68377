"""Decoding guided by scores of prefixes: q(t | u) proportional to p(t | u) w(u t), normalised at every prefix u.

The weight of a prefix is what a scorer expects of the strings that begin with it, and the end of a string is a token,
whose weight is that of the whole string. With w(u) = V(u) = E_p[e^R | u] the law is p+ itself: the products
telescope (Doob's transform). With w = V^l each step is p^(1-l) p+^l, normalised: decoding-time realignment. With
w(u) = e^{E_p[R | u]} it is controlled decoding by a mean scorer.
Source: Liu et al. (2024), arXiv:2402.02992; Mudgal et al. (2023), arXiv:2310.17022.
"""

from __future__ import annotations

from dataclasses import dataclass

from flint import fmpq

from theory.adaptors.gauge import Weights, local_law
from theory.alignment.gibbs import Aligned, Numbers
from theory.arithmetic.exact import Array, balls, exp, objects, power
from theory.language_models.tree import TreeModel, zeros


@dataclass(frozen=True, slots=True, eq=False)
class PrefixWeights:
    """Weights w of the prefixes of a tree and of the strings that end in it.

    Args:
        prefix: w of each prefix, shape (prefixes,).
        string: w of each whole string, its end included, shape (n,).
    """

    prefix: Array
    string: Array

    def raised(self, exponent: fmpq) -> PrefixWeights:
        """w^l for w > 0; rationals stay rational where l is whole."""
        if exponent.q == 1:
            return PrefixWeights(self.prefix ** int(exponent.p), self.string ** int(exponent.p))
        prefix, string = (objects(power(w, exponent) for w in balls(values)) for values in (self.prefix, self.string))
        return PrefixWeights(prefix, string)

    def exp(self) -> PrefixWeights:
        """e^w, where the weights are scores."""
        return PrefixWeights(exp(self.prefix), exp(self.string))


def prior_model(aligned: Aligned) -> TreeModel:
    """p as a language model on the strings of positive p+."""
    return TreeModel.from_masses(aligned.tree, _at_ends(aligned, aligned.prior / aligned.prior.sum()))


def value_weights(numbers: Numbers) -> PrefixWeights:
    """V(u) = E_p[e^R | u], and e^R of the strings: rationals where all e^R are rational. Cost: O(prefixes)."""
    aligned = numbers.aligned
    rational = all(r.exponent == 0 for r in aligned.reward)
    return _expected(aligned, objects(r.factor for r in aligned.reward) if rational else exp(numbers.reward))


def mean_scores(numbers: Numbers) -> PrefixWeights:
    """E_p[R | u], and R of the strings, nats. Cost: O(prefixes)."""
    return _expected(numbers.aligned, numbers.reward)


def _expected(aligned: Aligned, values: Array) -> PrefixWeights:
    prior = aligned.prior / aligned.prior.sum()
    mass, weighted = (aligned.tree.sum_subtrees(_at_ends(aligned, v)) for v in (prior, values * prior))
    return PrefixWeights(weighted / mass, values)


def _at_ends(aligned: Aligned, values: Array) -> Array:
    """The values of the strings at the prefixes where they end, 0 elsewhere."""
    spread = zeros(len(aligned.tree), values)
    spread[aligned.node] = values
    return spread


def guided_steps(aligned: Aligned, weights: PrefixWeights) -> Weights:
    """p(t | u) w(u t), not normalised."""
    prior = prior_model(aligned)
    edge = prior.prob * weights.prefix
    edge[0] = prior.prob[0]
    return Weights(aligned.tree, edge, _at_ends(aligned, prior.end[aligned.node] * weights.string))


def guided_law(aligned: Aligned, weights: PrefixWeights) -> Array:
    """The law of strings that is drawn token by token in proportion to p(t | u) w(u t), shape (n,)."""
    law: Array = local_law(guided_steps(aligned, weights))[aligned.node]
    return law


__all__ = [
    "PrefixWeights",
    "guided_law",
    "guided_steps",
    "mean_scores",
    "prior_model",
    "value_weights",
]
