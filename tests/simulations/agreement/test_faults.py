"""Planted faults: each is one procedure done wrong, is what it says it is, and is noticed; without a fault nothing is.

A fault is noticed by sampling, so that it could be missed by chance: three seeds are fixed beforehand.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import fields
from functools import cache
from typing import Any

import numpy as np
import pytest

from simulations.agreement.comparison import DIFFERS
from simulations.agreement.decoding import CHAIN, tree_with_prompts
from simulations.agreement.faults import FAULTS, Fault, planted
from simulations.agreement.procedures import ChainStates, Parts
from simulations.agreement.run import Outcome, caught, run, setting
from simulations.sampling import draws, score
from simulations.sampling import metropolis as chains
from simulations.sampling.adaptors import log_weights
from simulations.sampling.generate import PAD, Sample, generate
from theory.adaptors.exact import chain
from theory.claims.registry import repeated
from theory.report.records import as_json

REPEATED = repeated()

SEEDS = (1, 2, 3)
RIGHT = Parts()

LISTED = [
    ("always-accept", "accepts every proposal", "ratio"),
    ("inverted-ratio", "upside down", "ratio"),
    ("ratio-without-proposal", "leaves the proposal out", "ratio"),
    ("ratio-under-temperature", "temperature in front", "ratio"),
    ("hidden-top-k", "top-k that nobody asked for", "adapt"),
    ("end-unscored", "ends a string is not scored", "string_log_prob"),
    ("clamped", "cut off at 25 nats", "string_log_prob"),
    ("local-for-global", "each token is normalised where the whole string", "normalise"),
    ("temperature-last", "temperature comes after the truncation", "steps"),
    ("float16-adaptor", "rounded to float16", "adapt"),
    ("prompt-mask", "mask covers the answer's first token", "string_log_prob"),
    ("reused-seed", "same seed", "counts"),
    ("capped-as-whole", "cut at the length limit are scored as ended", "string_log_prob"),
    ("flipped-reward", "log p - log p+", "secret_reward"),
    ("ties-to-higher", "equal probabilities are kept from the higher index", "adapt"),
    ("without-duplicates", "occurs twice in a corpus counts once", "corpus_means"),
    ("prior-for-aligned", "from p instead of p+", "tilted"),
    ("beta-for-inverse", "multiplied by beta instead of divided", "tilted"),
    ("padding-counted", "padding behind short strings is scored", "string_log_prob"),
    ("nan-as-certain", "read as probability 1", "string_log_prob"),
    ("bootstrap-pool", "resampled from one pool", "counts"),
    ("without-prompt", "behind another prompt", "string_log_prob"),
    ("covariance-over-n", "divided by n instead of n - 1", "covs"),
    ("ratio-uncorrected", "keeps its bias", "corrected"),
    ("proposed-to-itself", "counts a string as a proposal to itself", "acceptances"),
    ("settings-by-prompt", "taken for a difference between settings", "between"),
    ("jackknife-of-a-ratio", "the jackknife's", "quotient"),
]
"""(name, what its sentence must say, the procedure that is wrong)."""


def _id(fault: Fault) -> str:
    return fault.name


@cache
def outcomes(seed: int) -> dict[str, Outcome]:
    """By the name of the fault; "" without one."""
    return {"": run(setting("quick", seed))} | {fault.name: outcome for fault, outcome in caught(seed)}


def found(name: str, seed: int) -> Outcome:
    return outcomes(seed)[name]


# --- the list -------------------------------------------------------------------------------------------------------


def test_names() -> None:
    """At least 20, each a slug of its own, each with one sentence of its own."""
    names = [fault.name for fault in FAULTS]
    assert len(names) >= 20
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name) for name in names)
    sentences = [fault.wrong for fault in FAULTS]
    assert len(set(sentences)) == len(sentences)
    assert all(sentence and "\n" not in sentence and not sentence.endswith(".") for sentence in sentences)


@pytest.mark.parametrize(("name", "says", "replaced"), LISTED)
def test_listed(name: str, says: str, replaced: str) -> None:
    """The mistakes that are made in practice are there, say what is wrong, and are made in one procedure only."""
    fault = planted(name)
    assert says in fault.wrong
    differing = [one.name for one in fields(Parts) if getattr(fault.parts, one.name) is not getattr(RIGHT, one.name)]
    assert differing == [replaced]
    assert fault.replaced == {replaced}


def test_list_is_whole() -> None:
    """Every fault is in the list above, and every procedure but the drawing of single strings is done wrong once."""
    assert {fault.name for fault in FAULTS} == {name for name, _, _ in LISTED}
    assert {one.name for one in fields(Parts)} - {replaced for _, _, replaced in LISTED} == {"strings"}


@pytest.mark.parametrize("fault", FAULTS, ids=_id)
def test_planted(fault: Fault) -> None:
    """By its name."""
    assert planted(fault.name) is fault


@pytest.mark.parametrize("name", ["", "always_accept", "Always-accept", "always"])
def test_unknown(name: str) -> None:
    """The message names what was asked for and all there are."""
    known = ", ".join(fault.name for fault in FAULTS)
    with pytest.raises(ValueError, match=f"^no fault {re.escape(repr(name))}; known: {re.escape(known)}$"):
        planted(name)


# --- noticed --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", SEEDS)
def test_no_fault_no_alarm(seed: int) -> None:
    """The right procedures agree everywhere, at the same seeds."""
    assert found("", seed).differing == ()


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("fault", FAULTS, ids=_id)
def test_noticed(fault: Fault, seed: int) -> None:
    """At least one row DIFFERS in the quick profile; rows, exact values and budget are those without the fault."""
    outcome, right = found(fault.name, seed), found("", seed)
    assert outcome.differing
    assert all(row.verdict == DIFFERS for row in outcome.differing)
    assert {row.claim for row in outcome.rows} == {claim.id for claim in REPEATED}
    assert [row.claim for row in outcome.rows] == [row.claim for row in right.rows]
    assert [row.alpha for row in outcome.rows] == [row.alpha for row in right.rows]
    assert [row.exact for row in outcome.rows if row.alpha] == [row.exact for row in right.rows if row.alpha]
    json.dumps(as_json(outcome.record(None, None, None)), allow_nan=False)


@pytest.mark.parametrize("name", ["clamped", "hidden-top-k", "covariance-over-n", "reused-seed", "always-accept"])
def test_what_is_not_made_again_is_what_it_would_be(name: str) -> None:
    """A whole run under the fault has the same rows as one of which the experiments without the procedure are kept."""
    whole = run(setting("quick", 1, parts=planted(name).parts))
    assert found(name, 1).rows == whole.rows
    assert found(name, 1).spent == whole.spent


@pytest.mark.parametrize("fault", FAULTS, ids=_id)
def test_noticed_where_it_is_made(fault: Fault) -> None:
    """A fault of chains shows in chains, one of adaptors in adaptors, one of scores in scores, and nowhere else."""
    (replaced,) = [r for name, _, r in LISTED if name == fault.name]
    families = {
        "ratio": {"metropolis"},
        "adapt": {"adaptors", "alignment"},
        "steps": {"adaptors"},
        "normalise": {"adaptors"},
        "string_log_prob": {"line", "alignment"},
        "secret_reward": {"alignment"},
        "tilted": {"alignment", "line", "correlation", "adaptors"},
        "counts": {"line", "correlation", "prompts", "adaptors"},
        "corpus_means": {"line", "correlation", "prompts"},
        "covs": {"adaptors"},
        "corrected": {"alignment"},
        "acceptances": {"metropolis"},
        "between": {"simpson"},
        "quotient": {"adaptors"},
    }[replaced]
    for seed in SEEDS:
        assert {row.claim.split(".")[0] for row in found(fault.name, seed).differing} <= families


# --- each is what it says it is ---------------------------------------------------------------------------------------

STATES = ChainStates(np.log([0.5, 0.3, 0.2]), np.log([0.2, 0.2, 0.6]), np.log([0.6, 0.3, 0.1]))
PAIRS = [(0, 1), (1, 2), (2, 0), (1, 1)]


def ratios(parts: Parts) -> list[float]:
    new, old = (np.array(side) for side in zip(*PAIRS, strict=True))
    return np.exp(parts.ratio(STATES)(new, old)).tolist()


def test_ratios() -> None:
    """pi q / (pi q), and what each fault makes of it."""
    pi, q, p = ([0.5, 0.3, 0.2], [0.2, 0.2, 0.6], [0.6, 0.3, 0.1])
    expected = {
        "": [pi[x] * q[y] / (pi[y] * q[x]) for x, y in PAIRS],
        "always-accept": [1.0] * 4,
        "inverted-ratio": [pi[y] * q[x] / (pi[x] * q[y]) for x, y in PAIRS],
        "ratio-without-proposal": [pi[x] / pi[y] for x, y in PAIRS],
        "ratio-under-temperature": [p[x] * q[y] / (p[y] * q[x]) for x, y in PAIRS],
    }
    for name, values in expected.items():
        parts = planted(name).parts if name else RIGHT
        assert ratios(parts) == pytest.approx(values, rel=1e-12)


def test_tilting() -> None:
    """p e^{r / beta}; p alone; p e^{r beta}; with beta = 1 the last is right."""
    prior, reward, beta = np.array([0.5, 0.3, 0.2]), np.array([0.0, 1.0, -2.0]), 4.0

    def normal(weight: Any) -> Any:
        return weight / weight.sum()

    expected = {
        "": normal(prior * np.exp(reward / beta)),
        "prior-for-aligned": prior,
        "beta-for-inverse": normal(prior * np.exp(reward * beta)),
    }
    for name, law in expected.items():
        parts = planted(name).parts if name else RIGHT
        assert parts.tilted(np.log(prior), reward, beta) == pytest.approx(law, rel=1e-12)
    wrong = planted("beta-for-inverse").parts.tilted(np.log(prior), reward, 1.0)
    assert wrong == pytest.approx(RIGHT.tilted(np.log(prior), reward, 1.0), rel=1e-12)


ROW = np.log([[0.3, 0.1, 0.3, 0.2, 0.1]])


def kept(log_weight: Any) -> list[int]:
    return np.flatnonzero(np.isfinite(log_weight[0])).tolist()


def test_adaptors() -> None:
    """What each keeps of (.3, .1, .3, .2, .1): the rule, one in front, the other order of ties, float16's."""
    top_one, top_three = chain(("top_k", 1)), chain(("top_k", 3))
    assert kept(RIGHT.adapt(ROW, top_one)) == [0]
    assert kept(planted("ties-to-higher").parts.adapt(ROW, top_one)) == [2]
    assert kept(RIGHT.adapt(ROW, top_three)) == [0, 2, 3]
    assert kept(planted("hidden-top-k").parts.adapt(ROW, top_three)) == [0, 2]
    assert kept(planted("hidden-top-k").parts.adapt(ROW, ())) == [0, 2]
    near = np.log([[0.30001, 0.30002, 0.39997]])
    two = chain(("top_k", 2))
    assert kept(RIGHT.adapt(near, two)) == [1, 2]
    assert kept(planted("float16-adaptor").parts.adapt(near, two)) == [0, 2]


def test_orders() -> None:
    """Temperature before truncation as asked, or last whatever was asked; local whatever was asked."""
    asked = chain(("temperature", "1/2"), ("nucleus", "7/10"))
    assert RIGHT.steps(asked) == asked
    assert planted("temperature-last").parts.steps(asked) == asked[::-1]
    assert kept(log_weights(ROW, asked)) != kept(log_weights(ROW, asked[::-1]))
    assert [RIGHT.normalise(word) for word in ("local", "global")] == ["local", "global"]
    assert [planted("local-for-global").parts.normalise(word) for word in ("local", "global")] == ["local"] * 2


@cache
def sample() -> tuple[Any, Any, Sample]:
    """(decoder of the prior, prompts, strings): of a letter and the end, of the end alone, or cut after two letters."""
    _, pair = tree_with_prompts()
    prompts = pair.prompt(0, 4000)
    return pair.prior, prompts, generate(pair.aligned, prompts, (), 2, rng=np.random.default_rng(1))


def test_scores() -> None:
    """From the tokens' own log-probabilities, what each fault adds or leaves out, string by string."""
    decoder, prompts, strings = sample()
    tokens, end = strings.tokens, decoder.end
    by_token = score.log_probs(decoder, prompts, tokens)
    whole = by_token.sum(axis=1)
    last = by_token[np.arange(len(tokens)), strings.length - 1]
    assert 0 < strings.ended.sum() < len(tokens)
    rare = (by_token < -25).any(axis=1)
    assert rare.any()
    wrong = {
        name: planted(name).parts.string_log_prob(decoder, prompts, strings)
        for name, _, r in LISTED
        if r == "string_log_prob"
    }
    assert RIGHT.string_log_prob(decoder, prompts, strings) == pytest.approx(whole, abs=1e-12)
    assert wrong["end-unscored"] == pytest.approx(np.where(strings.ended, whole - last, whole), abs=1e-9)
    assert wrong["prompt-mask"] == pytest.approx(whole - by_token[:, 0], abs=1e-9)
    assert wrong["clamped"][~rare] == pytest.approx(whole[~rare], abs=1e-12)
    assert (wrong["clamped"][rare] > whole[rare] + 1).all()
    # after two letters the prior ends with 3/8
    cut = ~strings.ended
    assert wrong["capped-as-whole"][~cut] == pytest.approx(whole[~cut], abs=1e-12)
    assert wrong["capped-as-whole"][cut] == pytest.approx(whole[cut] + math.log(3 / 8), abs=1e-9)
    # only behind the end alone is there a place for padding
    empty = strings.length == 1
    assert (tokens[empty, 1] == PAD).all()
    assert wrong["padding-counted"][~empty] == pytest.approx(whole[~empty], abs=1e-12)
    assert (wrong["padding-counted"][empty] < whole[empty]).all()
    # below half of 2^-24, the least float16, a probability is 0; others keep three digits
    vanishing = (by_token < -25 * math.log(2)).any(axis=1)
    assert wrong["nan-as-certain"][~vanishing] == pytest.approx(whole[~vanishing], abs=2e-2)
    assert (wrong["nan-as-certain"][vanishing] > whole[vanishing] + 10).all()
    other = score.log_probs(decoder, 1 - prompts, tokens).sum(axis=1)
    assert wrong["without-prompt"] == pytest.approx(other, abs=1e-12)
    assert np.abs(other - whole).max() > 0.01
    assert (tokens[strings.ended, strings.length[strings.ended] - 1] == end).all()


def test_rewards() -> None:
    """log p+ - log p, and its negative."""
    one, two = np.log([0.5, 0.2]), np.log([0.25, 0.3])
    assert RIGHT.secret_reward(one, two) == pytest.approx(one - two)
    assert planted("flipped-reward").parts.secret_reward(one, two) == pytest.approx(two - one)


def test_corpora() -> None:
    """Equal rows from one seed; from one pool of 500 strings, what it lacks is in none; duplicates once."""
    prob = np.full(2000, 1 / 2000)
    again = planted("reused-seed").parts.counts(prob, 50, 20, rng=np.random.default_rng(1))
    pool = planted("bootstrap-pool").parts.counts(prob, 5000, 20, rng=np.random.default_rng(1))
    right = RIGHT.counts(prob, 5000, 20, rng=np.random.default_rng(1))
    assert again.shape == pool.shape == right.shape == (20, 2000)
    assert (again == again[0]).all()
    assert (again.sum(axis=1) == 50).all()
    assert (pool.sum(axis=1) == right.sum(axis=1)).all()
    assert not (right == right[0]).all()
    assert (pool.sum(axis=0) > 0).sum() <= 500 < (right.sum(axis=0) > 0).sum()
    counts, values = np.array([[3, 1, 0], [0, 0, 4]]), np.array([[1.0, 5.0, 7.0]])
    assert RIGHT.corpus_means(counts, values).tolist() == [[2.0], [7.0]]
    assert planted("without-duplicates").parts.corpus_means(counts, values).tolist() == [[3.0], [7.0]]


def test_right_procedures_are_the_modules() -> None:
    """``Parts()`` draws, counts and adapts by the code that is tested elsewhere."""
    assert (RIGHT.strings, RIGHT.counts, RIGHT.adapt) == (draws.strings, draws.counts, log_weights)
    new, old = np.array([0, 2]), np.array([1, 1])
    expected = chains.metropolis(STATES.log_target - STATES.log_proposal)(new, old)
    assert (RIGHT.ratio(STATES)(new, old) == expected).all()
    assert RIGHT.steps(CHAIN) is CHAIN
