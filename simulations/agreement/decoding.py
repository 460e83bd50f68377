"""Strings written token by token after a prompt, and scored by another model: the code that large models go through.

The tree here is made to be hard to sample wrongly without being noticed: two prompts, next tokens that tie exactly and
that nearly tie, strings of different lengths, a token to which the prior gives 1e-12 and the aligned model does not.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator

import numpy as np
from flint import fmpq
from numpy.typing import NDArray

from simulations.agreement.comparison import Comparison, law, mean, same
from simulations.agreement.known import Known
from simulations.agreement.setting import Experiment, Setting
from simulations.decoders.dense_tree import Enumeration
from simulations.decoders.pair import Pair
from simulations.decoders.tree import TreeDecoder
from simulations.sampling.generate import Sample, Tokens, generate
from theory.adaptors.exact import Chain, chain
from theory.alignment.gibbs import align
from theory.language_models.rewards import Reward
from theory.language_models.tree import TreeModel

Floats = NDArray[np.float64]


COOL = chain(("temperature", "1/2"))


CHAIN = chain(("temperature", "1/2"), ("nucleus", "7/10"))


GREEDY = chain(("top_k", 1))


OTHERS = {
    "typical 3/5": chain(("typical", "3/5")),
    "eta 3/10": chain(("eta", "3/10")),
    "epsilon 1/10": chain(("epsilon", "1/10")),
    "min-p 1/3": chain(("min_p", "1/3")),
}


ROWS = 1 << 15
"""Strings written side by side."""


@functools.lru_cache(maxsize=64)
def enumerated(pair: Pair, which: str, number: int, length: int) -> Enumeration:
    """The prior's or the aligned model's law of continuations of a prompt."""
    decoder = pair.prior if which == "prior" else pair.aligned
    return Enumeration.of(decoder, np.array(pair.prompts[number], dtype=np.int64), length)


@functools.lru_cache(maxsize=64)
def adapted(pair: Pair, number: int, steps: Chain) -> tuple[Floats, Floats]:
    """(log q_loc, sum log c) of every outcome."""
    return enumerated(pair, "aligned", number, pair.length).adapted(steps)


def written(
    setting: Setting, pair: Pair, number: int, steps: Chain, length: int, draws: int, rng: np.random.Generator
) -> Sample:
    """``draws`` continuations of a prompt by the aligned model, in batches."""
    parts = []
    for low in range(0, draws, ROWS):
        prompts = pair.prompt(number, min(ROWS, draws - low))
        parts.append(
            generate(pair.aligned, prompts, setting.parts.steps(steps), length, rng=rng, adapt=setting.parts.adapt)
        )
    return Sample(*(np.concatenate([getattr(part, name) for part in parts]) for name in Sample.__slots__))


def pooled(prob: Floats, outcome: Tokens, expected: float = 10.0) -> tuple[Floats, Tokens]:
    """(law, counts), all possible outcomes of fewer than so many expected draws as one; what is impossible stays."""
    counts = np.bincount(outcome, minlength=len(prob))
    rare = (prob > 0) & (prob * len(outcome) < expected)
    return np.append(prob[~rare], prob[rare].sum()), np.append(counts[~rare], counts[rare].sum())


def sampled(setting: Setting, pair: Pair, draws: int) -> Iterator[Comparison]:
    """What holds of every pair: local laws, normalisers, scores, secret rewards and censored prefixes."""
    rng = setting.rng(pair.name)
    for number in range(len(pair.prompts)):
        name = f"{pair.name}, prompt {number + 1}"
        own = enumerated(pair, "aligned", number, pair.length)
        log_aligned, log_prior = own.log_prob(), enumerated(pair, "prior", number, pair.length).log_prob()

        drawn = written(setting, pair, number, COOL, pair.length, draws, rng)
        prob = np.exp(adapted(pair, number, COOL)[0])
        yield law("adaptors.local-global", f"{name}, local T = 1/2", *pooled(prob, own.outcome(drawn)))

        drawn = written(setting, pair, number, CHAIN, pair.length, draws, rng)
        log_q, log_c = adapted(pair, number, CHAIN)
        what = f"{name}, T = 1/2 then nucleus 7/10"
        yield law("adaptors.truncation", what, *pooled(np.exp(log_q), own.outcome(drawn)))
        possible = np.isfinite(log_q)
        excess = log_aligned[possible] - log_q[possible]
        yield mean(
            "adaptors.budget",
            f"{name}: E_q[log p+ - log q] = -KL",
            float(np.exp(log_q[possible]) @ excess),
            np.clip(drawn.log_prob.sum(axis=1) - drawn.log_sampled, excess.min(), excess.max()),
            (float(excess.min()), float(excess.max())),
            pair.accuracy,
        )
        yield same(
            "adaptors.truncation",
            f"{name}: sum log c as it was sampled",
            log_c[own.outcome(drawn)],
            drawn.log_normaliser.sum(axis=1),
            pair.accuracy,
        )
        yield from _secret(setting, pair, number, draws, rng, log_aligned, log_prior)
        yield from _censored(setting, pair, number, draws, rng)


def _secret(
    setting: Setting,
    pair: Pair,
    number: int,
    draws: int,
    rng: np.random.Generator,
    log_aligned: Floats,
    log_prior: Floats,
) -> Iterator[Comparison]:
    name, own = f"{pair.name}, prompt {number + 1}", enumerated(pair, "aligned", number, pair.length)
    drawn = written(setting, pair, number, Chain(), pair.length, draws, rng)
    outcome = own.outcome(drawn)
    scored = setting.parts.string_log_prob(pair.prior, pair.prompt(number, draws), drawn)
    yield same("line.identity", f"{name}: log p as scored", log_prior[outcome], scored, pair.accuracy)
    yield same(
        "line.identity", f"{name}: log p+ as sampled", log_aligned[outcome], drawn.log_prob.sum(axis=1), pair.accuracy
    )
    possible = np.isfinite(log_aligned)
    gap = log_aligned[possible] - log_prior[possible]
    top = float(np.abs(gap).max()) + 1
    secret = np.clip(setting.parts.secret_reward(drawn.log_prob.sum(axis=1), scored), -top, top)
    exact = float(np.exp(log_aligned[possible]) @ gap)
    yield mean("alignment.secret-reward", f"{name}: E log p+/p", exact, secret, (-top, top), pair.accuracy)


def _censored(setting: Setting, pair: Pair, number: int, draws: int, rng: np.random.Generator) -> Iterator[Comparison]:
    """Strings cut after two tokens: prefix events, with their probability under either model."""
    name, cut = f"{pair.name}, prompt {number + 1}, cut after 2", 2
    drawn = written(setting, pair, number, Chain(), cut, draws, rng)
    own = enumerated(pair, "aligned", number, cut)
    outcome = own.outcome(drawn)
    prob = np.exp(own.log_prob())
    yield law("alignment.secret-reward", name, *pooled(prob, outcome))
    scored = setting.parts.string_log_prob(pair.prior, pair.prompt(number, draws), drawn)
    exact = enumerated(pair, "prior", number, cut).log_prob()[outcome]
    yield same("line.identity", f"{name}: log p of strings and prefixes", exact, scored, pair.accuracy)


RARE = fmpq(1, 10**12)


@functools.lru_cache(maxsize=1)
def tree_with_prompts() -> tuple[Known, Pair]:
    """Tokens x and y are prompts; a, b and c follow, at most three."""
    alphabet, none = ("x", "y", "a", "b", "c"), fmpq(0)
    first = {"x": (3000, 3001, 500, 3499), "y": (3000, 3000, 800, 3200)}
    rows: dict[tuple[str, ...], list[fmpq]] = {(): [fmpq(1, 2), fmpq(1, 2), *[none] * 4]}
    for prompt, weights in first.items():
        rows[prompt,] = [none, none, *(fmpq(w, 10_000) for w in weights)]
        for token in "abc":
            inner = (
                [RARE, fmpq(1, 2), fmpq(1, 4), fmpq(1, 4) - RARE]
                if token == "c"
                else [fmpq(k, 10) for k in (2, 3, 1, 4)]
            )
            rows[prompt, token] = [none, none, *inner]
            for second in "abc":
                rows[prompt, token, second] = [none, none, *(fmpq(k, 8) for k in (2, 2, 1, 3))]
    model = TreeModel.from_next(alphabet, rows)
    rewards = []
    for string in (model.tree.tokens(int(node)) for node in model.strings()):
        later = string[2:]
        factor = fmpq(1 + later.count("b") + 2 * later.count("c"))
        rewards.append(Reward(factor=factor / RARE if string[1:3] == ["c", "a"] else factor))
    known = Known.of("tree with prompts", align(model, rewards))
    prior, aligned = TreeDecoder.pair(known.aligned)
    return known, Pair("tree with prompts", prior, aligned, ((0,), (1,)), 4, 1e-9)


def on_tree(setting: Setting) -> Iterator[Comparison]:
    """The tree with prompts, by every adaptor."""
    _, pair = tree_with_prompts()
    yield from sampled(setting, pair, setting.draws // 4)
    rng = setting.rng("adaptors on the tree")
    for number in range(2):
        own = enumerated(pair, "aligned", number, pair.length)
        for name, steps in {"top-k 1": GREEDY, **OTHERS}.items():
            drawn = written(setting, pair, number, steps, pair.length, setting.draws // 8, rng)
            prob = np.exp(adapted(pair, number, steps)[0])
            what = f"{pair.name}, prompt {number + 1}, {name}"
            claim = "adaptors.order-preserving" if steps == GREEDY else "adaptors.truncation"
            yield law(claim, what, *pooled(prob, own.outcome(drawn)))


def identity(setting: Setting) -> Iterator[Comparison]:
    """L + R + I = log Z(x), with L as the prior scores it, I as it was sampled, and R as the reward is defined."""
    known, pair = tree_with_prompts()
    rng = setting.rng("identity on the tree")
    decoder = pair.aligned
    assert isinstance(decoder, TreeDecoder), "the tree's own decoder"
    whole = decoder.child[0, :2]
    for number in range(2):
        rows = setting.draws // 16
        drawn = written(setting, pair, number, Chain(), pair.length, rows, rng)
        prompts = pair.prompt(number, rows)
        string = np.searchsorted(known.aligned.node, decoder.ends_at(prompts, drawn.tokens))
        log_prior = setting.parts.string_log_prob(pair.prior, prompts, drawn)
        total = log_prior + known.reward[string] - drawn.log_prob.sum(axis=1)
        members = known.aligned.tree.descend(False, np.arange(len(known.aligned.tree)) == whole[number], np.logical_or)
        inside = members[known.aligned.node]
        weight = np.exp(known.log_prior[inside] + known.reward[inside]).sum() / known.prior[inside].sum()
        yield same(
            "line.identity",
            f"{pair.name}, prompt {number + 1}: L + R + I = log Z(x)",
            np.full(rows, np.log(weight)),
            total,
            pair.accuracy,
        )


EXPERIMENTS: tuple[Experiment, ...] = (on_tree, identity)
