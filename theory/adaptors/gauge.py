"""Weights before they are normalised: what one factor per context leaves alone, and what it changes.

An adaptor hands over weights w(t | u). Dividing them step by step gives q_loc, dividing their product over whole
strings gives q_glob. A gauge is a factor gamma(u) > 0 on all the weights of a context u: it cancels from q_loc, and
it moves q_glob anywhere on the support. Temperature p+(t | u)^tau and softmax_T, which is the same divided by its
sum, are two gauges of one adaptor; the second has q_glob = q_loc.

The end of a string is a token of the context that it ends: every string is then a context of its own, and that is
what makes the gauge powerful.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from flint import arb, arb_series, fmpq

from theory.adaptors.exact import Kept
from theory.alignment.gibbs import Aligned, Numbers, in_own_arithmetic
from theory.arithmetic.exact import Array, log, power
from theory.language_models.tree import Mask, PrefixTree, TreeModel, zeros


@dataclass(frozen=True, slots=True, eq=False)
class Weights:
    """Non-negative weights of the next token at each prefix of a tree, n of them; not normalised.

    Args:
        tree: the prefixes.
        edge: shape (n,); w(last token | parent prefix), 1 at the root.
        end: shape (n,); w(end | prefix); 0 where no string ends.
    """

    tree: PrefixTree
    edge: Array
    end: Array

    def product(self) -> Array:
        """W(u) = prod_t w_t of the string that ends at each prefix, 0 where none does. Shape (n,)."""
        result: Array = self.tree.descend(self.edge[0], self.edge, np.multiply) * self.end
        return result

    def normalisers(self) -> Array:
        """c(u) = sum_t w(t | u), the end included. Shape (n,)."""
        result: Array = self.tree.sum_children(self.edge) + self.end
        return result


def next_token_laws(aligned: Aligned) -> TreeModel:
    """p+ as a language model, in rationals.

    Raises:
        ValueError: p+ is not rational.
    """
    prob = aligned.exact_prob()
    if prob is None:
        raise ValueError("p+ must be rational: give the rewards as exp_ values, or all with the same exponent")
    mass = zeros(len(aligned.tree), prob)
    mass[aligned.node] = prob
    return TreeModel.from_masses(aligned.tree, mass)


def adaptor_weights(law: TreeModel, kept: Kept) -> Weights:
    """The weights of an adaptor on these next-token laws: the kept probabilities, to the power that it leaves.

    Rational laws give rational weights where the power is whole, else balls.
    """
    return Weights(law.tree, _raised(law.prob, kept.edge, kept.power), _raised(law.end, kept.end, kept.power))


def scaled(weights: Weights, gauge: Array) -> Weights:
    """gamma(u) w(t | u) for every token t of every prefix u, the end included.

    Args:
        weights: an adaptor's.
        gauge: gamma, shape (n,), > 0.
    """
    edge = weights.edge.copy()
    edge[1:] = edge[1:] * gauge[weights.tree.parent[1:]]
    return Weights(weights.tree, edge, weights.end * gauge)


def softmax(weights: Weights) -> Weights:
    """w(t | u) / c(u): the gauge in which each step already sums to 1."""
    return scaled(weights, 1 / weights.normalisers())


def local_law(weights: Weights) -> Array:
    """q_loc = prod_t w_t / c_t of the string that ends at each prefix. Shape (n,)."""
    return softmax(weights).product()


def global_law(weights: Weights) -> Array:
    """q_glob = prod_t w_t / C of the string that ends at each prefix. Shape (n,)."""
    product = weights.product()
    result: Array = product / product.sum()
    return result


def gauge_of(weights: Weights, target: Array) -> Array:
    """The gauge gamma with q_glob = target: gamma(u) = G(u) / G(parent of u), G = target / W.

    The factors met along a string y multiply to G(y), so that W(y) G(y) = target(y) and C = 1. Where no string ends
    G(u) may be anything > 0; here it is the target's mass of the strings that begin with u over that of W, and where W
    keeps no such string it is that of the parent. So the target q_glob itself needs gamma = 1/C at the root and 1
    elsewhere. This is the Moebius inversion of a product over prefixes.

    Args:
        weights: an adaptor's.
        target: shape (n,), > 0 exactly where W > 0, summing to 1.

    Raises:
        ValueError: the supports differ (names the first such string).
    """
    tree, product = weights.tree, weights.product()
    for node, (have, want) in enumerate(zip(product, target, strict=True)):
        if (have != 0) != (want != 0):
            raise ValueError(f'the target must live on the support of the weights; "{" ".join(tree.tokens(node))}"')
    upper, lower = tree.sum_subtrees(target), tree.sum_subtrees(product)
    potential = target.copy()
    for node, (have, below) in enumerate(zip(product, lower, strict=True)):
        if below == 0:
            potential[node] = potential[tree.parent[node]]
        else:
            potential[node] = target[node] / have if have != 0 else upper[node] / below
    gauge = potential.copy()
    gauge[1:] = potential[1:] / potential[tree.parent[1:]]
    return gauge


@in_own_arithmetic
def path_entropy(numbers: Numbers) -> Array:
    """sum_t h_t: the entropies of the next-token laws of p+ met along each string, its end included. Shape (n,), nats.

    Under p+ its mean is H, by the chain rule. Cost: O(prefixes).
    """
    aligned = numbers.aligned
    tree, steps = aligned.tree, _steps(numbers)
    entropy = tree.sum_children(-steps * log(steps))
    ends = numbers.end_prob[aligned.node]
    entropy[aligned.node] = entropy[aligned.node] - ends * log(ends)
    result: Array = tree.descend(entropy[0], entropy, np.add)[aligned.node]
    return result


@in_own_arithmetic
def local_slope(numbers: Numbers, values: Array, tau: arb) -> tuple[arb, arb]:
    """(E f, d E f / d tau) under the local temperature law q(t | u) prop. p+(t | u)^tau, by backward recursion.

    With g(u) = E[f | u]: g(u) = sum_t q(t|u) g(ut) and g'(u) = sum_t q'(t|u) g(ut) + q(t|u) g'(ut), where
    q'(t|u) = q(t|u) [log p+(t|u) - sum_s q(s|u) log p+(s|u)].

    Args:
        aligned: the model.
        numbers: in balls.
        values: f of each string, shape (n,), balls.
        tau: 1 / T, > 0.
    """
    aligned = numbers.aligned
    own = dict(zip(aligned.node.tolist(), values, strict=True))
    mean: list[Any] = [arb(0)] * len(aligned.tree)
    slope: list[Any] = [arb(0)] * len(aligned.tree)
    for node, logs, targets in reversed(contexts(numbers)):
        below = [(own[node], arb(0)) if t == node else (mean[t], slope[t]) for t in targets]
        raised = [(value * tau).exp() for value in logs]
        total = sum(raised, start=arb(0))
        prob = [w / total for w in raised]
        centre = sum((q * value for q, value in zip(prob, logs, strict=True)), start=arb(0))
        steps = list(zip(prob, logs, below, strict=True))
        mean[node] = sum((q * g for q, _, (g, _) in steps), start=arb(0))
        slope[node] = sum((q * ((value - centre) * g + d) for q, value, (g, d) in steps), start=arb(0))
    return mean[0], slope[0]


@in_own_arithmetic
def local_series(numbers: Numbers, values: Array, tau: arb, terms: int) -> arb_series:
    """E f under the local temperature law at tau + x, as a power series in x with ``terms`` coefficients.

    A ball tau gives coefficients that hold at every point of the ball: remainders of Taylor's formula.
    """
    aligned = numbers.aligned
    own = dict(zip(aligned.node.tolist(), values, strict=True))
    mean: list[Any] = [arb(0)] * len(aligned.tree)
    for node, logs, targets in reversed(contexts(numbers)):
        raised = [arb_series([value * tau, value], terms).exp() for value in logs]
        total = sum(raised[1:], start=raised[0])
        below = [own[node] if t == node else mean[t] for t in targets]
        weighted = [w * g for w, g in zip(raised, below, strict=True)]
        mean[node] = sum(weighted[1:], start=weighted[0]) / total
    return mean[0]


def global_series(numbers: Numbers, values: Array, tau: arb, terms: int) -> arb_series:
    """E f under the global temperature law q(y) prop. p+(y)^tau at tau + x, as a power series in x."""
    (found,) = all_global_series(numbers, [values], tau, terms)
    return found


@in_own_arithmetic
def all_global_series(numbers: Numbers, functions: Sequence[Array], tau: arb, terms: int) -> list[arb_series]:
    """``global_series`` of several functions of the strings."""
    raised = [arb_series([-i * tau, -i], terms).exp() for i in numbers.surprisal]
    total = sum(raised[1:], start=raised[0])
    weighted = [[w * f for w, f in zip(raised, values, strict=True)] for values in functions]
    return [sum(row[1:], start=row[0]) / total for row in weighted]


def contexts(numbers: Numbers) -> list[tuple[int, list[arb], list[int]]]:
    """(prefix, log p+ of its next tokens, where they lead) for each prefix; the end leads to the prefix itself."""
    aligned = numbers.aligned
    steps, ends = log(_steps(numbers)), set(aligned.node.tolist())
    result = []
    for node in range(len(aligned.tree)):
        targets = list(aligned.tree.children(node))
        logs = [steps[child] for child in targets]
        if node in ends:
            targets.append(node)
            logs.append(numbers.end_prob[node].log())
        result.append((node, logs, targets))
    return result


def _steps(numbers: Numbers) -> Array:
    """p+(last token | parent prefix) of each prefix, 1 at the root. Shape (prefixes,)."""
    aligned = numbers.aligned
    steps = numbers.prefix_prob.copy()
    steps[1:] = steps[1:] / numbers.prefix_prob[aligned.tree.parent[1:]]
    steps[0] = steps[0] / steps[0]
    return steps


def _raised(values: Array, mask: Mask, exponent: fmpq) -> Array:
    """values ** exponent where the mask holds, 0 elsewhere."""
    whole = exponent.q == 1
    result = zeros(len(values), values)
    for place in np.flatnonzero(mask):
        value = values[place]
        result[place] = value ** int(exponent.p) if whole else power(arb(value), exponent)
    return result
