"""Mutants: theory with one piece of mathematics broken, and the proof that tests or claims notice.

    python tests/mutants.py [NAME...] [--list] [--jobs 2]

Each mutant replaces one passage of one module, in a copy of the project: a sign, a factor, a boundary, a hypothesis.
First the tests of that module are run, then the claims that lean on it, then the whole suite; the first failure kills
the mutant. What nothing kills is a hole in the tests, listed by name at the end. Exit status: 0 if all are killed, 1 if
one survives, 2 if the project does not pass as it is or a mutant does not apply.

The patches are written by hand: a generic mutation operator swaps + for -, but does not write a reversed divergence,
a missing proposal ratio, or local for global.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

from hypothesis import Phase, settings

ROOT = Path(__file__).resolve().parents[1]

LEFT_OUT = (".*", "__pycache__", "build", "dist", "*.egg-info", "*.png", "*.svg", "test_mutants.py")
"""What a copy does without; test_mutants.py fails wherever a source is not the one that the list is about."""

PATIENCE_S = 300
"""A run that takes longer has not failed: its mutant survives."""


@dataclass(frozen=True, slots=True)
class Mutant:
    """One passage of one module, and what is put in its place.

    Args:
        name: a few words, as a slug.
        module: the file, relative to the root.
        old: the passage; it stands exactly once in the file.
        new: its replacement, which changes what is computed.
        tests: files or nodes for pytest, those most likely to fail.
        claims: the claims or families to check if the tests pass.
    """

    name: str
    module: str
    old: str
    new: str
    tests: tuple[str, ...]
    claims: tuple[str, ...]

    def applied(self, source: str) -> str:
        """The mutated source.

        Raises:
            ValueError: the passage does not stand exactly once in the source.
        """
        count = source.count(self.old)
        if count != 1:
            raise ValueError(f"{self.name}: {self.old!r} occurs {count} times in {self.module}; it must occur once")
        return source.replace(self.old, self.new)


def of(module: str, tests: str, claims: str, *patches: tuple[str, str, str]) -> tuple[Mutant, ...]:
    """The mutants (name, old, new) of one module.

    Args:
        module: without "theory/" and ".py".
        tests: pytest files, separated by spaces, without "tests/" and ".py".
        claims: claims or families, separated by spaces.
    """
    files = tuple(f"tests/{name}.py" for name in tests.split())
    return tuple(
        Mutant(name, f"theory/{module}.py", old, new, files, tuple(claims.split())) for name, old, new in patches
    )


MUTANTS: tuple[Mutant, ...] = (
    *of(
        "arithmetic/exact",
        "theory/arithmetic/test_exact",
        "line correlation",
        ("log-to-base-two", "np.log(balls(values))", "np.log(balls(values)) / math.log(2)"),
        ("power-of-the-inverse-exponent", "(base.log() * exponent).exp()", "(base.log() / exponent).exp()"),
        ("zero-without-a-proof", "if bits == ctx.prec and vanishes():", "if bits == ctx.prec:"),
        ("ball-not-widened", "return value + arb(0, radius.abs_upper())", "return value"),
        ("floor-is-a-ceiling", "value.floor().unique_fmpz()", "value.ceil().unique_fmpz()"),
        ("radius-rounded-down", "-(-whole // 10)", "whole // 10"),
        ("float-read-in-binary", "text = repr(float(text))", "return fmpq(*text.as_integer_ratio())"),
    ),
    *of(
        "arithmetic/formal",
        "theory/arithmetic/test_formal theory/adaptors/test_exact",
        "adaptors",
        ("like-terms-overwritten", "merged.get(key, fmpq(0)) + coefficient", "coefficient"),
        ("any-ratio-will-do", "ratios.pop() if len(ratios) == 1 else None", "ratios.pop()"),
        ("exponent-not-raised", "FormalSum({(a * exponent, split[1])", "FormalSum({(a, split[1])"),
        ("multiplicity-of-primes-lost", "+ direction * int(multiplicity)", "+ direction"),
        ("too-large-to-factor-proves-zero", "return False\n    return all(total", "return True\n    return all(total"),
        ("product-of-powers-of-e", "FormalSum({(a + b, ()): c * d})", "FormalSum({(a * b, ()): c * d})"),
    ),
    *of(
        "probability/law",
        "theory/probability/test_law",
        "correlation",
        (
            "covariance-not-centred",
            "(self.prob * (first - self.mean(first)) * (second - self.mean(second))).sum()",
            "(self.prob * first * second).sum()",
        ),
        ("sum-below-one-is-a-law", "fits = total == 1", "fits = total <= 1"),
        ("probability-zero-is-support", "if not p > 0:", "if not p >= 0:"),
    ),
    *of(
        "probability/information",
        "theory/probability/test_information",
        "alignment line",
        ("surprisal-without-its-sign", "return -log(prob)", "return log(prob)"),
        (
            "varentropy-not-centred",
            "deviation = information - (weights * information).sum()",
            "deviation = information",
        ),
        ("renyi-order-reversed", "else total.log() / (1 - order)", "else total.log() / (order - 1)"),
        ("divergence-weighted-by-the-model", "(balls(law[inside]) * (log(law", "(balls(model[inside]) * (log(law"),
        ("cross-entropy-of-itself", "balls(law[inside]) * surprisal(model", "balls(model[inside]) * surprisal(model"),
        ("total-variation-not-halved", "(fmpq(1, 2) if is_exact(law) else 0.5)", "(fmpq(1) if is_exact(law) else 1.0)"),
    ),
    *of(
        "probability/concentration",
        "theory/probability/test_concentration",
        "line correlation",
        ("chebyshev-with-eps-once", "variance / (size * epsilon * epsilon)", "variance / (size * epsilon)"),
        ("one-sided-without-its-two", "(2 * (variance + spread * spread))", "(variance + spread * spread)"),
        ("one-sided-by-variance-alone", "(2 * (variance + spread * spread))", "(2 * variance)"),
        ("chernoff-with-the-wrong-sign", "log_moment - order * threshold", "log_moment + order * threshold"),
        ("chernoff-at-n-minus-one", "_exp(size * (log_moment", "_exp((size - 1) * (log_moment"),
        (
            "berry-esseen-by-variance",
            "(variance * variance.sqrt() * arb(size).sqrt())",
            "(variance * arb(size).sqrt())",
        ),
        ("normal-without-root-two", "(x / arb(2).sqrt()).erf()", "x.erf()"),
        ("truncated-variance-without-its-two", "(1 - 2 * a * density", "(1 - a * density"),
    ),
    *of(
        "language_models/rewards",
        "theory/language_models/test_rewards",
        "alignment",
        ("beta-for-one-over-beta", "rational(value) / beta", "rational(value) * beta"),
        ("factors-added", "self.factor * other.factor", "self.factor + other.factor"),
        ("reward-for-its-exponential", "Reward(factor=rational(value))", "Reward(exponent=rational(value))"),
    ),
    *of(
        "language_models/tree",
        "theory/language_models/test_tree theory/alignment/test_gibbs",
        "adaptors",
        ("end-of-string-not-scored", "self.prefix_prob() * self.end", "self.prefix_prob()"),
        ("end-over-the-root", "TreeModel(tree, prob, mass / totals)", "TreeModel(tree, prob, mass / totals[0])"),
        ("next-token-law-not-conditional", "totals[1:] / totals[tree.parent[1:]]", "totals[1:] / totals[0]"),
        (
            "subtree-without-its-own-string",
            "totals[self.parent[low + starts]] +=",
            "totals[self.parent[low + starts]] =",
        ),
        ("last-token-left-out", "enumerate(row[:-1])", "enumerate(row[:-2])"),
        ("strings-by-depth-one-short", "range(len(strings[k]) + 1)", "range(len(strings[k]))"),
    ),
    *of(
        "examples/finite",
        "theory/examples/test_finite",
        "line.exact-typicality correlation.measure adaptors",
        (
            "secret-reward-of-the-prior",
            "(fmpq(a) / other) / (fmpq(p) / one)",
            "(fmpq(p) / one) / (fmpq(a) / other)",
        ),
        ("c2-rewards-exchanged", 'fmpq(3 if name == "b" else 2)', 'fmpq(2 if name == "b" else 3)'),
        ("toy-heated-the-wrong-way", "aligned ** (1 / 42)", "aligned ** 42"),
    ),
    *of(
        "examples/words",
        "theory/examples/test_words",
        "",
        (
            "words-rewarded-by-beta",
            "reward_over_beta(valence[name], beta)",
            "reward_over_beta(valence[name], 1 / beta)",
        ),
        ("rarest-words-kept", "(-word.count, word.spelling)", "(word.count, word.spelling)"),
        ("words-counted-once-each", "fmpq(word.count, total)", "fmpq(1, len(chosen))"),
    ),
    *of(
        "alignment/gibbs",
        "theory/alignment/test_gibbs",
        "alignment line",
        ("surprisal-without-log-z", "surprisal=log_partition - log_prior - reward", "surprisal=-log_prior - reward"),
        ("reward-against-likelihood", "log_partition - log_prior - reward", "log_partition - log_prior + reward"),
        ("prior-left-out-of-the-weight", "[(p * r.factor, r.exponent)", "[(r.factor, r.exponent)"),
        ("end-not-conditional", "end_prob=mass / prefix", "end_prob=mass"),
        ("gibbs-not-normalised", "return weight / total, (total.log()", "return weight, (total.log()"),
        ("secret-reward-reversed", "return log(aligned) - log(prior)", "return log(prior) - log(aligned)"),
        ("transcendental-parts-ignored", "if any(a != parts[0][1] for _, a in parts):", "if not parts:"),
    ),
    *of(
        "adaptors/exact",
        "theory/adaptors/test_exact",
        "adaptors",
        ("row-cooled-by-t", "self.power /= adaptor.value", "self.power *= adaptor.value"),
        ("model-cooled-by-t", "p / step.value if step.name", "p * step.value if step.name"),
        ("top-k-plus-one", "row.descending()[: int(value.p)]", "row.descending()[: int(value.p) + 1]"),
        (
            "ties-to-the-higher-index",
            "self.compare(second, first) or first - second",
            "self.compare(second, first) or second - first",
        ),
        ("boundary-not-kept", ">= 0\n        )\n\n    def surprisals", "> 0\n        )\n\n    def surprisals"),
        ("shortest-run-one-short", "return list(order[:low])", "return list(order[: max(low - 1, 1)])"),
        ("typical-without-absolute-value", "abs(surprisal - mean)", "surprisal - mean"),
        ("eta-without-the-root", "2 * (entropy - s) - arb(value).log()", "(entropy - s) - arb(value).log()"),
        (
            "eta-by-the-larger-threshold",
            "if row.reaches([token], value):\n            return True",
            "if not row.reaches([token], value):\n            return False",
        ),
        ("min-p-absolute", "row.reaches([token], value, of=top)", "row.reaches([token], value)"),
        ("local-for-global", 'adapt_local if normalise == "local"', 'adapt_global if normalise == "local"'),
        ("global-for-local", "else adapt_global)(numbers", "else adapt_local)(numbers"),
        ("global-not-normalised", "log_prob = log_weight - total", "log_prob = log_weight"),
        (
            "local-divided-once",
            "log_normaliser = log_path[aligned.node[string]]",
            "log_normaliser = log_step[aligned.node[string]]",
        ),
        ("last-step-always-kept", "alive[self.aligned.node] & self.end[self.aligned.node]", "alive[self.aligned.node]"),
        (
            "entropy-not-normalised",
            "zip(weights, logs, strict=True)), start=arb(0)) / total",
            "zip(weights, logs, strict=True)), start=arb(0))",
        ),
        (
            "entropy-tie-without-the-sum",
            "_log_parts(*logarithm, -self.power * total)",
            "_log_parts(*logarithm, -self.power)",
        ),
    ),
    *of(
        "adaptors/moments",
        "theory/adaptors/test_moments",
        "adaptors correlation",
        (
            "correlation-without-root",
            "self.cov / _sqrt(self.var_log_prior * self.var_reward)",
            "self.cov / (self.var_log_prior * self.var_reward)",
        ),
        (
            "exchange-with-the-reward",
            "self.cov_log_prior_surprisal / self.var_surprisal",
            "self.cov / self.var_surprisal",
        ),
        (
            "exchange-per-likelihood",
            "self.cov_log_prior_surprisal / self.var_surprisal",
            "self.cov_log_prior_surprisal / self.var_log_prior",
        ),
        ("entropy-negative", "entropy=-(prob * log_prob).sum()", "entropy=(prob * log_prob).sum()"),
        ("divergence-with-a-plus", "(prob * (log_prob + surprisal)).sum()", "(prob * (log_prob - surprisal)).sum()"),
        ("moments-of-the-reward-twice", "cov=(prob * from_l * from_r).sum()", "cov=(prob * from_r * from_r).sum()"),
        (
            "constant-where-the-exponent-is",
            "reward[y].exponent == reward[first].exponent and reward[y].factor == reward[first].factor for y in chosen",
            "reward[y].exponent == reward[first].exponent for y in chosen",
        ),
        ("varentropy-with-one-covariance", "varentropy=var_l + var_r + 2 * cov", "varentropy=var_l + var_r + cov"),
        ("shift-of-log-z-reversed", "math.log(mass) + exponent", "math.log(mass) - exponent"),
    ),
    *of(
        "reference_code",
        "theory/test_reference_code",
        "audit",
        ("flip-that-does-not", "truth.log_prior, -truth.reward", "truth.log_prior, truth.reward"),
        ("clamp-from-below", "arb.min(v, limit) for v in step", "arb.max(v, limit) for v in step"),
        ("pool-without-its-own-error", "error=fmpq(1, pool) + shown", "error=fmpq(1, pool)"),
        ("empty-bins-counted", "/ mass[k] / len(mass)", "/ mass[k] / bins"),
        (
            "hidden-top-k-behind",
            '(*chain(("top_k", HIDDEN)), *steps)',
            '(*steps, *chain(("top_k", HIDDEN)))',
        ),
        ("cut-one-later", "depth[int(node)] < length", "depth[int(node)] <= length"),
        ("accepted-the-other-way", 'for word in ("local", "global")', 'for word in ("global", "local")'),
        ("prompt-weighted-twice", "w * row[y] for w, row", "w * w * row[y] for w, row"),
    ),
    *of(
        "corpora/atoms",
        "theory/corpora/test_typicality",
        "line correlation",
        ("reward-variance-with-a-minus", "var_r = var_x + 2 * cov + var_y", "var_r = var_x - 2 * cov + var_y"),
        ("conditional-correlation-turned", "return -(var_x + cov) / root", "return (var_x + cov) / root"),
        ("spread-within-atoms-lost", "spread.append(arb(0) if same else", "spread.append(arb(0) if members else"),
    ),
    *of(
        "corpora/lattice",
        "theory/corpora/test_typicality",
        "line correlation",
        ("lattice-edge-counted", "return floor_of(bounds[0]) + 1,", "return floor_of(bounds[0]),"),
        ("pairs-of-strings-with-themselves", "q * q * base * (size * (size - 1))", "q * q * base * (size * size)"),
    ),
    *of(
        "corpora/multinomial",
        "theory/corpora/test_typicality",
        "line correlation",
        ("multinomial-edge-counted", "floor_of((-limit - y) / step) + 1", "floor_of((-limit - y) / step)"),
        ("multinomial-high-edge-counted", "-floor_of((y - limit) / step) - 1", "-floor_of((y - limit) / step)"),
        ("poisson-off-by-one", "masses[-1] * mean / count", "masses[-1] * mean / (count + 1)"),
        ("halves-one-partner-short", "np.maximum(stop, start)]", "np.maximum(stop - 1, start)]"),
        (
            "halves-without-the-cross-term",
            "(x * x + spread) * s0 + 2 * x * sx + sxx",
            "(x * x + spread) * s0 + x * sx + sxx",
        ),
    ),
    *of(
        "corpora/typicality",
        "theory/corpora/test_typicality",
        "line correlation",
        ("orders-of-a-corpus-lost", "start=arb(orders))", "start=arb(1))"),
        ("edgeworth-kurtosis-not-in-excess", "k4 = m4 / m2**2 - 3", "k4 = m4 / m2**2"),
        ("limit-with-b-once", "u = mean.var_log_prior - b * b * mean", "u = mean.var_log_prior - b * mean"),
        ("band-not-scaled-by-root-n", "(ball(epsilon) * arb(size).sqrt())", "(ball(epsilon) * size)"),
    ),
    *of(
        "corpora/inversion",
        "theory/corpora/test_typicality",
        "line correlation",
        ("inversion-halved", "scale = 2 / math.pi", "scale = 1 / math.pi"),
        ("frequency-zero-counted-twice", "np.zeros(1), epsilon)[0] / 2", "np.zeros(1), epsilon)[0]"),
        (
            "characteristic-function-n-minus-one",
            "np.exp(max(size - 2, 0) * np.log1p",
            "np.exp(max(size - 3, 0) * np.log1p",
        ),
    ),
    *of(
        "corpora/metropolis",
        "theory/corpora/test_metropolis theory/claims/metropolis/test_spectrum "
        "theory/claims/metropolis/test_acceptance theory/claims/metropolis/test_corpora",
        "metropolis",
        ("acceptance-inverted", "weight[None, :] / weight[:, None]", "weight[:, None] / weight[None, :]"),
        (
            "proposal-ratio-missing",
            "return IndependentChain(proposal, target / proposal)",
            "return IndependentChain.correcting(proposal, target)",
        ),
        ("acceptance-of-ordered-pairs", "q * w * (q + 2 * above)", "q * w * (q + above)"),
        ("heaviest-counts-itself", "(1 - 1 / star) ** steps * (1 - self.target[first])", "(1 - 1 / star) ** steps"),
        ("one-step-too-many", "refused = rejection**steps", "refused = rejection ** (steps + 1)"),
        ("refused-mass-lost", "result[diagonal] = 1 - result.sum(axis=1)", "result[diagonal] = proposal"),
        ("modes-not-conditional", "pi[1:] * mass[:-1] / mass[1:] * gaps[0]", "pi[1:] * mass[:-1] * gaps[0]"),
        ("asymptotics-one-sided", "((1 + rejection) / (1 - rejection))", "(1 / (1 - rejection))"),
        (
            "lagged-pairs-counted-once",
            "2 * total + 2 * eigenvalue * geometric * geometric",
            "2 * total + eigenvalue * geometric * geometric",
        ),
        ("corpus-covariance-per-string", ".sum() / size**2", ".sum() / size"),
        ("variance-bound-without-its-two", "(2 * largest - 1) * variance / size", "largest * variance / size"),
        (
            "rejection-from-the-wrong-neighbour",
            "np.add.accumulate(q)[:-1]\n        return order",
            "np.add.accumulate(q)[1:]\n        return order",
        ),
    ),
    *of(
        "specification/documents",
        "theory/specification/test_finite",
        "adaptors",
        ("global-by-default", 'Field(default="local", description', 'Field(default="global", description'),
    ),
    *of(
        "specification/reader",
        "theory/specification/test_finite probqual/test_bad_input",
        "adaptors",
        ("beta-ignored", "reward_over_beta(v, beta)", "reward_over_beta(v, fmpq(1))"),
        ("floats-not-divided-by-their-sum", "return [p / total for p in prob]", "return prob"),
        ("empty-corpus-allowed", "size.q != 1 or size < 1", "size.q != 1 or size < 0"),
        (
            "exponential-read-as-reward",
            "convert = exp_reward if exponential else",
            "convert = exp_reward if not exponential else",
        ),
    ),
    *of(
        "specification/finite",
        "theory/specification/test_finite probqual/test_bad_input",
        "adaptors",
        (
            "repeated-tokens-rewarded-once",
            "for token in tokens:\n            total =",
            "for token in set(tokens):\n            total =",
        ),
    ),
    *of(
        "models/finite",
        "theory/models/test_models theory/quantities/test_answer",
        "",
        (
            "local-global-divergence-negative",
            "-(local.law.prob * log_weight).sum()",
            "(local.law.prob * log_weight).sum()",
        ),
        (
            "importance-weight-inverted",
            "target.log_prob - local.law.log_prob",
            "local.law.log_prob - target.log_prob",
        ),
    ),
    *of(
        "quantities/answer",
        "theory/quantities/test_answer",
        "",
        ("varentropy-of-likelihood", '"varentropy": mean.var_surprisal', '"varentropy": mean.var_log_prior'),
        ("certified-with-a-float-epsilon", "self.spec.exact and corpus.exact", "self.spec.exact"),
        ("adaptor-certified-with-a-float", "self.spec.exact and entry.exact", "self.spec.exact"),
    ),
    *of(
        "corpora/enumeration",
        "theory/corpora/test_enumeration",
        "correlation",
        ("multinomial-without-orders", "fmpq(ways) if isinstance(law[0], fmpq)", "fmpq(1) if isinstance(law[0], fmpq)"),
        ("corpora-one-string-short", "range(size + 1):\n        for rest", "range(size):\n        for rest"),
    ),
    *of(
        "corpora/mixtures",
        "theory/corpora/test_mixtures theory/claims/prompts/test_variance "
        "theory/claims/prompts/test_identification theory/claims/simpson/test_crossing",
        "simpson prompts",
        (
            "between-averaged-away",
            ".scaled(fmpq(1, size)) + self.between()",
            ".scaled(fmpq(1, size)) + self.between().scaled(fmpq(1, size))",
        ),
        ("crossing-inverted", "size = -within / between", "size = -between / within"),
        ("crossing-at-one", '"N* - 1") > 0', '"N* - 1") >= 0'),
        ("spread-of-prompts-lost", "(self.varentropy + from_centre * from_centre)", "self.varentropy"),
        (
            "reach-by-adding-sides",
            "ball(self.share + self.slope).sqrt()",
            "ball(self.share).sqrt() + ball(self.slope).sqrt()",
        ),
        ("slope-of-the-within-part", "(variance * within.var_reward)", "(within.var_log_prior * within.var_reward)"),
        ("prompts-tilted-by-the-reward", "weight.append(share)", "weight.append(aligned.exact_prob()[strings].sum())"),
    ),
    *of(
        "corpora/resampling",
        "theory/corpora/test_resampling theory/claims/correlation/test_rank theory/claims/correlation/test_bootstrap",
        "correlation",
        ("understatement-by-n", "1 + fmpq(size, pool - 1)", "1 + fmpq(size, pool)"),
        ("ranks-below-their-ties", "2 * below + mass - total", "2 * below - total"),
        ("arcsine-of-the-whole", "(ball(correlation) / 2).asin()", "ball(correlation).asin()"),
        ("corpora-each-counted-once", "factorial[size]\n", "1\n"),
        ("pools-each-counted-once", "start=fmpq(ways)))\n        parts", "start=fmpq(1)))\n        parts"),
    ),
    *of(
        "adaptors/frontier",
        "theory/adaptors/test_frontier",
        "adaptors",
        (
            "powers-exchanged",
            "log_prior * prior_power + reward * reward_power",
            "log_prior * reward_power + reward * prior_power",
        ),
        (
            "determinant-with-a-plus",
            "self.var_log_prior * self.var_reward - self.cov",
            "self.var_log_prior * self.var_reward + self.cov",
        ),
        ("flow-both-up", "-(self.var_log_prior + self.cov)", "self.var_log_prior + self.cov"),
        ("variance-with-one-covariance", "2 * a * b * self.cov", "a * b * self.cov"),
        ("divergence-limit-negative", "return -(base.prob[top].sum().log())", "return base.prob[top].sum().log()"),
        ("gain-with-a-plus", "b * law.var_log_prior - a * law.cov", "b * law.var_log_prior + a * law.cov"),
        (
            "entropy-of-a-member-turned",
            "return -(self.prob * self.log_prob).sum()",
            "return (self.prob * self.log_prob).sum()",
        ),
    ),
    *of(
        "adaptors/gauge",
        "theory/adaptors/test_gauge theory/claims/adaptors/test_gauge theory/claims/adaptors/test_local_global",
        "adaptors",
        (
            "end-not-in-the-normaliser",
            "self.tree.sum_children(self.edge) + self.end",
            "self.tree.sum_children(self.edge)",
        ),
        (
            "gauge-skips-the-end",
            "Weights(weights.tree, edge, weights.end * gauge)",
            "Weights(weights.tree, edge, weights.end)",
        ),
        ("gauge-is-the-potential", "potential[1:] / potential[tree.parent[1:]]", "potential[1:]"),
        ("slope-not-centred", "q * ((value - centre) * g + d)", "q * (value * g + d)"),
        ("entropy-of-ends-lost", "entropy[aligned.node] - ends * log(ends)", "entropy[aligned.node]"),
        ("slope-without-what-is-below", "q * ((value - centre) * g + d)", "q * (value - centre) * g"),
    ),
    *of(
        "adaptors/hull",
        "theory/adaptors/test_frontier",
        "adaptors",
        ("hull-with-points-inside-edges", "kept[-1], y) <= 0", "kept[-1], y) < 0"),
        (
            "one-direction-is-a-plane",
            "if pivot is None:\n        return True",
            "if pivot is None:\n        return False",
        ),
    ),
    *of(
        "adaptors/fractional",
        "theory/adaptors/test_order_preserving",
        "adaptors",
        ("least-likely-first", "(-prob[k], k)), mass)", "(prob[k], k)), mass)"),
    ),
    *of(
        "adaptors/log_forms",
        "theory/adaptors/test_order_preserving",
        "adaptors",
        ("exponents-subtracted", "total = fmpq(a, b) + exponent", "total = fmpq(a, b) - exponent"),
    ),
    *of(
        "adaptors/order_preserving",
        "theory/adaptors/test_order_preserving "
        "theory/claims/adaptors/test_order_preserving theory/claims/adaptors/test_attainability",
        "adaptors.order-preserving adaptors.attainability",
        (
            "best-sum-for-best-average",
            "self.total.inner(direction) / self.count - other.total.inner(direction) / other.count",
            "self.total.inner(direction) - other.total.inner(direction)",
        ),
        ("corner-not-uniform", "= mass[node] / tops[node]", "= mass[node]"),
        ("slopes-without-their-rank", "(one - two) * j for j", "(one - two) for j"),
        ("polygon-without-its-corners", ".side(edge.outward()) <= 0", ".side(edge.outward()) >= 0"),
        ("trading-without-a-loss", "gap.log_prior.sign() < 0 < gap", "gap.log_prior.sign() <= 0 < gap"),
    ),
    *of(
        "probability/heavy_tails",
        "theory/probability/test_heavy_tails",
        "line.hypotheses",
        ("one-moment-too-many", "return j < self.k - 1", "return j <= self.k - 1"),
        ("integral-of-the-next-power", "c, v = self.m - 1, low", "c, v = self.m, low"),
        ("trapezia-by-whole-steps", "term.at(after) / 2)", "term.at(after))"),
        ("powers-of-k-lost", "math.comb(j - b, a) * self.k**a", "math.comb(j - b, a)"),
        ("geometric-totals-shifted", "math.comb(s - 1, size - 1)", "math.comb(s, size - 1)"),
        ("tower-centred-at-one", "fmpq(s - 2 * size, size)", "fmpq(s - size, size)"),
        ("minorant-not-scaled", "(bound * self.normaliser / arb(2).log())", "(bound / arb(2).log())"),
    ),
    *of(
        "corpora/large_deviations",
        "theory/corpora/test_large_deviations theory/claims/line/test_rate theory/claims/line/test_sample_size",
        "line alignment",
        ("tau-is-the-order", "return 1 - self.order", "return self.order"),
        ("rate-with-a-minus", "(law * (np.log(law) + family.statistic))", "(law * (np.log(law) - family.statistic))"),
        ("one-side-of-chernoff", "for rate in rates), arb(0)))", "for rate in rates[:1]), arb(0)))"),
        (
            "least-size-one-short",
            "if reached(middle) else (middle, high)\n    return high",
            "if reached(middle) else (middle, high)\n    return low",
        ),
        ("sample-size-one-short", "while least > 1 and holds(least - 1):", "while least > 1 and holds(least):"),
        ("quantile-of-one-side", "lambda z: 2 * normal_cdf(z) - 1 - level", "lambda z: normal_cdf(z) - level"),
        ("chebyshev-excess-with-z-once", "1 / (z * z * delta)", "1 / (z * delta)"),
        ("excess-falls-like-n", "width / arb(size).sqrt() - inside", "width / size - inside"),
        ("tangent-from-the-wrong-end", "low_value + rising * (right - left)", "low_value - rising * (right - left)"),
    ),
    *of(
        "alignment/best_of_n",
        "theory/alignment/test_best_of_n theory/claims/alignment/test_best_of_n",
        "alignment",
        ("level-not-shared", "- below**n) / own", "- below**n)"),
        ("best-of-one-fewer", "((below + own) ** n - below**n)", "((below + own) ** (n - 1) - below ** (n - 1))"),
        ("bound-without-its-loss", "arb(n).log() - fmpq(n - 1, n)", "arb(n).log()"),
        ("worst-of-n", "top = max(levels[y] for y in draws)", "top = min(levels[y] for y in draws)"),
    ),
    *of(
        "language_models/automaton",
        "theory/language_models/test_automaton",
        "automata",
        ("states-that-cannot-stop-stay", "self.reachable(kept) & self.stopping(kept)", "self.reachable(kept)"),
        ("difference-of-paths-forgotten", "differ or e != f)", "e != f)"),
        ("histories-one-longer", "(*history, token)[-(order - 1) :]", "(*history, token)[-order:]"),
    ),
    *of(
        "automata/path_sums",
        "theory/automata/test_moments",
        "automata",
        ("likelihood-raised-by-t", "power(arb(p), s) * factor", "power(arb(p), t) * factor"),
    ),
    *of(
        "automata/spectral_radius",
        "theory/automata/test_moments",
        "automata",
        ("critical-temperature-is-tau", "return None if tau is None else 1 / tau", "return tau"),
        ("determinant-without-signs", "fmpq(-1 if behind % 2 else 1)", "fmpq(1)"),
        ("divergence-at-one-not-seen", "if bits == first and singular(automaton, s, t):", "if bits < first:"),
    ),
    *of(
        "automata/moments",
        "theory/automata/test_moments",
        "automata",
        ("differences-without-the-past", "[graph.target] - h[graph.source] for f, h", "[graph.target] for f, h"),
        ("float-covariance-without-the-future", "value = feature + ahead - here", "value = feature - here"),
    ),
    *of(
        "automata/adaptors",
        "theory/automata/test_adaptors",
        "automata",
        (
            "doob-over-the-initial-state",
            "prob = weight * value[kept.graph.target] / value[kept.graph.source]",
            "prob = weight * value[kept.graph.target] / value[kept.graph.initial]",
        ),
        ("leak-is-what-stays", "Leak(1 - totals(", "Leak(totals("),
        ("entropy-without-log-c", "entropy=found.log_total - log_weight", "entropy=-log_weight"),
        ("convergence-at-temperature-one", "converges(part, kept.power, kept.power)", "converges(part, _ONE, _ONE)"),
    ),
    *of(
        "automata/typicality",
        "theory/automata/test_typicality",
        "automata",
        ("lattice-pairs-with-themselves", "(size * (size - 1)) * f_x**2 * bulk", "size**2 * f_x**2 * bulk"),
        ("squares-without-their-two", "x * x * whole + 2 * x * ahead(h_x)", "x * x * whole + x * ahead(h_x)"),
    ),
    *of(
        "claims/claim",
        "theory/claims/test_claim",
        "",
        ("wide-ball-counts-as-zero", "_decide(tight and value.contains(0)", "_decide(value.contains(0)"),
        (
            "undecided-counts-as-holding",
            "_decide(bool(value >= 0), bool(value < 0))",
            "_decide(not value < 0, bool(value < 0))",
        ),
        (
            "zero-counts-as-positive",
            "_decide(bool(value > 0), bool(value <= 0))",
            "_decide(bool(value >= 0), bool(value < 0))",
        ),
        ("failures-not-noted", 'if outcome != "holds":', 'if outcome == "undecided":'),
        ("undecided-not-noted", "if not findings or any(outcome", "if not findings or all(outcome"),
        ("nothing-found-is-certified", "if not findings or any(outcome", "if any(outcome"),
        (
            "control-refuted-without-a-witness",
            "Verdict.UNDECIDED if undecided or not looked else Verdict.CERTIFIED",
            "Verdict.REFUTED",
        ),
        ("controls-not-asked", "return stands and all(", "return stands or all("),
        ("tolerance-ignored", "bool(abs(value) <= slack), bool(abs(value) > slack)", "True, False"),
    ),
    *of(
        "claims/instances",
        "theory/claims/test_instances theory/claims/test_tree_search",
        "correlation adaptors",
        ("search-skips-the-smallest", "range(2 * strings, max_total + 1)", "range(2 * strings + 1, max_total + 1)"),
        ("search-stops-early", "range(2 * strings, max_total + 1)", "range(2 * strings, max_total)"),
        ("search-skips-two-strings", "range(2, max_strings + 1)", "range(3, max_strings + 1)"),
        ("search-skips-equal-strings", "all(one <= two for", "all(one < two for"),
        ("search-skips-large-heads", "range(1, total - count + 2)", "range(1, total - count + 1)"),
        ("search-skips-equal-parts", "range(least, total // count + 1)", "range(least, total // count)"),
        ("law-of-raw-weights", "prob = positive / positive.sum()", "prob = positive"),
    ),
)


# --- running them -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Fate:
    """What became of a mutant.

    Args:
        killer: the test or the claim that failed; "" where it survived.
        trouble: why it could not be judged, in words; "" where it was.
    """

    mutant: Mutant
    killer: str
    trouble: str
    seconds: float

    def line(self) -> str:
        """One line for people."""
        if self.trouble:
            fate = f"NOT JUDGED: {self.trouble}"
        else:
            fate = f"KILLED by {self.killer}" if self.killer else "SURVIVED"
        return f"{self.mutant.module} {self.mutant.name}: {fate} ({self.seconds:.1f} s)"


class Unusable(Exception):
    """The run says nothing about a mutant: the message is the one line that is shown."""


def failing_test(root: Path, tests: Sequence[str]) -> str:
    """The first test that fails in the copy at ``root``, all of the suite for no ``tests``; "" where none does."""
    done = _python(root, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "-p", "tests.mutants", *tests)
    if done.returncode == 0:
        return ""
    found = re.search(r"^(?:FAILED|ERROR) (\S+)", done.stdout, re.MULTILINE)
    if done.returncode != 1 or found is None:
        raise Unusable(f"pytest exits with {done.returncode}: {_last_line(done.stdout + done.stderr)}")
    return found.group(1)


def failing_claim(root: Path, claims: Sequence[str]) -> str:
    """The first claim that is not as expected in the copy at ``root``, all of them for no ``claims``; or an error."""
    verdicts = root / "verdicts.json"
    chosen = [part for claim in claims for part in ("--only", claim)]
    command = ("-m", "probqual", "check", "--profile", "quick", "--jobs", "1", "--json", str(verdicts), *chosen)
    done = _python(root, *command)
    if done.returncode == 0:
        return ""
    if done.returncode != 1:
        raise Unusable(f"probqual check exits with {done.returncode}: {_last_line(done.stderr)}")
    if not verdicts.exists():
        return f"probqual check: {_last_line(done.stderr)}"
    for claim in json.loads(verdicts.read_text(encoding="utf-8")):
        if claim["verdict"] not in {"PROVED", "CERTIFIED", "TESTED"}:
            return f"{claim['id']} {claim['verdict']}"
        for control in claim["controls"]:
            if control["verdict"] != "REFUTED":
                return f"{claim['id']}, control {control['name']} {control['verdict']}"
    return f"probqual check: {_last_line(done.stderr)}"


def pytest_configure() -> None:
    """As a plugin of pytest: the first example that fails will do, so Hypothesis need not shrink it."""
    settings.register_profile("unshrunk", settings.default, phases=[Phase.explicit, Phase.generate])
    settings.load_profile("unshrunk")


def _python(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Python in the copy, which is what it imports."""
    one_thread = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    environment = os.environ | one_thread | {"PYTHONPATH": str(root), "HYPOTHESIS_PROFILE": "quick"}
    try:
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=root,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
        )
    except subprocess.TimeoutExpired:
        raise Unusable(f"longer than {PATIENCE_S} s: {' '.join(arguments[:3])}") from None


def _last_line(text: str) -> str:
    return next((line for line in reversed(text.splitlines()) if line.strip()), "no output")


def fate(mutant: Mutant, original: Path, scratch: Path) -> Fate:
    """Apply a mutant to a fresh copy of ``original`` inside ``scratch`` and look for what fails."""
    start = time.perf_counter()
    killer, trouble = "", ""
    with tempfile.TemporaryDirectory(dir=scratch) as folder:
        root = Path(folder) / "copy"
        shutil.copytree(original, root)
        target = root / mutant.module
        target.write_text(mutant.applied(target.read_text(encoding="utf-8")), encoding="utf-8")
        try:
            killer = failing_test(root, mutant.tests) if mutant.tests else ""
            if not killer:
                killer = failing_claim(root, mutant.claims)
            if not killer:
                killer = failing_test(root, ())
        except Unusable as error:
            trouble = str(error)
    return Fate(mutant, killer, trouble, time.perf_counter() - start)


def copy_of_project(place: Path) -> Path:
    """The project at ``place``, without what tests do not need.

    Raises:
        Unusable: Python run there imports theory from somewhere else.
    """
    shutil.copytree(ROOT, place, ignore=shutil.ignore_patterns(*LEFT_OUT))
    done = _python(place, "-c", "import theory, probqual; print(theory.__file__); print(probqual.__file__)")
    if [Path(line).parent for line in done.stdout.split()] != [place / "theory", place / "probqual"]:
        raise Unusable(f"not the copy is imported but {done.stdout or done.stderr}")
    return place


def check_original(original: Path, mutants: Iterable[Mutant], jobs: int) -> None:
    """The tests that the mutants name pass where nothing is mutated, run as they are for a mutant; so do all claims.

    Raises:
        Unusable: one does not (says which).
    """
    runs = sorted({mutant.tests for mutant in mutants if mutant.tests})
    with ThreadPoolExecutor(jobs) as pool:
        failed = [pool.submit(failing_claim, original, ()), *(pool.submit(failing_test, original, r) for r in runs)]
        for done in failed:
            if done.result():
                raise Unusable(f"nothing is mutated yet and this fails: {done.result()}")


def named(names: Sequence[str]) -> tuple[Mutant, ...]:
    """The mutants with these names, or of these modules; all for no names.

    Raises:
        Unusable: a name that no mutant and no module has.
    """
    for name in names:
        if not any(name in (m.name, m.module) for m in MUTANTS):
            raise Unusable(f"no mutant and no module is called {name!r}; --list names them")
    return tuple(m for m in MUTANTS if not names or m.name in names or m.module in names)


def run(chosen: Sequence[Mutant], jobs: int) -> list[Fate]:
    """The fate of each mutant, printed as it is known."""
    for mutant in chosen:
        try:
            mutant.applied((ROOT / mutant.module).read_text(encoding="utf-8"))
        except ValueError as error:
            raise Unusable(str(error)) from None
    fates = []
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        scratch = Path(folder).resolve()
        original = copy_of_project(scratch / "original")
        check_original(original, chosen, jobs)
        print("the project as it is: all pass", flush=True)
        with ThreadPoolExecutor(jobs) as pool:
            waiting = [pool.submit(fate, mutant, original, scratch) for mutant in chosen]
            for done in as_completed(waiting):
                fates.append(done.result())
                print(fates[-1].line(), flush=True)
    return fates


def main(arguments: Sequence[str]) -> int:
    """The exit status."""
    parser = argparse.ArgumentParser(prog="mutants", description="Break theory in one place and see what notices.")
    parser.add_argument("names", nargs="*", metavar="NAME", help="mutants or modules; all if left out")
    parser.add_argument("--list", action="store_true", help="name the mutants and what they change")
    parser.add_argument("--jobs", type=int, default=2, help="processes (default 2)")
    options = parser.parse_args(arguments)
    start = time.perf_counter()
    try:
        chosen = named(options.names)
        if options.list:
            for mutant in chosen:
                print(f"{mutant.module} {mutant.name}: {mutant.old!r} -> {mutant.new!r}")
            return 0
        fates = run(chosen, max(options.jobs, 1))
    except Unusable as error:
        print(f"mutants: {error}", file=sys.stderr)
        return 2
    left = [f for f in fates if not f.killer]
    modules = len({mutant.module for mutant in chosen})
    seconds = time.perf_counter() - start
    print(f"{len(fates) - len(left)} of {len(fates)} mutants of {modules} modules killed in {seconds:.0f} s")
    for one in left:
        print(one.line())
    return 1 if left else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
