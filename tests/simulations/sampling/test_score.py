"""Scores of strings in one pass, against sums over strings: every string and every prefix of small trees."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mpmath import mp
from numpy.typing import NDArray

from simulations.decoders.tree import TreeDecoder
from simulations.sampling import score
from simulations.sampling.adaptors import log_softmax
from simulations.sampling.generate import PAD
from simulations.sampling.score import log_probs
from tests.reference import adapted, real
from tests.strategies import trees
from theory.adaptors.exact import Chain, chain
from theory.adaptors.gauge import next_token_laws
from theory.alignment.gibbs import Aligned
from theory.arithmetic.exact import floats, fraction
from theory.examples.finite import random_tree

Floats = NDArray[np.float64]
Tokens = NDArray[np.int64]
Path = tuple[int, ...]

ACCURACY = 1e-12
CHAINS = [
    (),
    chain(("temperature", "1/2")),
    chain(("top_k", 1)),
    chain(("top_k", 2), ("temperature", 2)),
    chain(("nucleus", "2/3")),
    chain(("min_p", "1/2"), ("temperature", "1/3")),
    chain(("temperature", "3/2"), ("nucleus", "1/2"), ("epsilon", "1/4")),
    chain(("eta", "1/3")),
]


def decoder_of(aligned: Aligned) -> TreeDecoder:
    """p+ with each next-token probability rounded once, so that equal ones stay equal."""
    law = next_token_laws(aligned)
    return TreeDecoder.of(law.tree, floats(law.prob), floats(law.end))


def next_laws(aligned: Aligned) -> dict[Path, list[Fraction]]:
    """p+(. | prefix) for every prefix, the end last: ratios of sums over strings."""
    exact = aligned.exact_prob()
    assert exact is not None
    alphabet = aligned.tree.alphabet
    masses: dict[Path, list[Fraction]] = {}
    for name, p in zip(aligned.names(), exact, strict=True):
        path = (*(alphabet.index(t) for t in name.split()), len(alphabet))
        for t, token in enumerate(path):
            masses.setdefault(path[:t], [Fraction(0)] * (len(alphabet) + 1))[token] += fraction(p)
    return {prefix: [m / sum(own) for m in own] for prefix, own in masses.items()}


@dataclass(frozen=True)
class Case:
    """Continuations of one prompt, with log p, log w and log c of every token at 60 digits."""

    decoder: TreeDecoder
    prompts: Tokens
    tokens: Tokens
    log_prob: Floats
    log_weight: Floats
    log_normaliser: Floats


def logarithm(value: Any) -> float:
    return float(mp.log(value)) if value > 0 else -math.inf


def case(aligned: Aligned, start: Path, limit: int, steps: Chain = ()) -> Case:
    """Every continuation of at most ``limit`` tokens that the tree has, ended or cut, and one that it has not."""
    laws: Mapping[Path, Sequence[Fraction]] = next_laws(aligned)
    end = len(aligned.tree.alphabet)
    chosen = [(step.name, real(step.value)) for step in steps]
    paths: list[Path] = []
    waiting: list[Path] = [()]
    while waiting:
        path = waiting.pop()
        for token, p in enumerate(laws[(*start, *path)]):
            if p > 0:
                done = token == end or len(path) + 1 == limit
                (paths if done else waiting).append((*path, token))
    impossible = [(*u, t) for u in {p[:-1] for p in paths} for t, p in enumerate(laws[(*start, *u)]) if p == 0]
    paths += impossible[:1]
    numbers: list[list[tuple[float, float, float]]] = []
    with mp.workdps(60):
        weights = {u: adapted([real(p) for p in law], chosen) for u, law in laws.items()}
        for path in paths:
            prefixes = [(*start, *path[:t]) for t in range(len(path))]
            numbers.append(
                [
                    (logarithm(real(laws[u][t])), logarithm(weights[u][t]), logarithm(mp.fsum(weights[u])))
                    for u, t in zip(prefixes, path, strict=True)
                ]
            )
    tokens = np.array([[*path, *[PAD] * (limit - len(path))] for path in paths])
    columns = [np.array([[n[k] for n in row] + [0.0] * (limit - len(row)) for row in numbers]) for k in range(3)]
    prompts = np.tile(np.array(start, dtype=np.int64), (len(paths), 1))
    return Case(decoder_of(aligned), prompts, tokens, *columns)


def close(one: Floats, two: Floats) -> bool:
    """The same -inf, and the rest within 1e-12."""
    finite = np.isfinite(two)
    return bool(
        one.shape == two.shape
        and np.array_equal(one[~finite], two[~finite])
        and (np.abs(one[finite] - two[finite]) <= ACCURACY * (1 + np.abs(two[finite]))).all()
    )


starts = st.one_of(st.just(0), st.integers(0, 20))


def start_of(aligned: Aligned, number: int) -> Path:
    """One of the tree's prefixes."""
    prefixes = sorted(next_laws(aligned), key=lambda u: (len(u), u))
    return prefixes[number % len(prefixes)]


@given(trees(), starts, st.integers(1, 5))
def test_log_probs(aligned: Aligned, number: int, limit: int) -> None:
    """log p of every token of every string, its end included, 0 after it; -inf for a token that the tree has not."""
    own = case(aligned, start_of(aligned, number), limit)
    found = score.log_probs(own.decoder, own.prompts, own.tokens)
    assert close(found, own.log_prob)
    assert (found[own.tokens == PAD] == 0).all()


@given(trees(), starts, st.integers(1, 5))
def test_strings_sum_to_the_law(aligned: Aligned, number: int, limit: int) -> None:
    """exp of the sums over tokens: p+(y) of whole strings, and with the cut ones it sums to 1."""
    own = case(aligned, start_of(aligned, number), limit)
    total = np.exp(score.log_probs(own.decoder, own.prompts, own.tokens).sum(axis=1))
    assert total.sum() == pytest.approx(1.0, abs=ACCURACY)
    whole = case(aligned, (), 8)
    exact = aligned.exact_prob()
    assert exact is not None
    found = np.exp(score.log_probs(whole.decoder, whole.prompts, whole.tokens).sum(axis=1))
    assert sorted(found[found > 0]) == pytest.approx(sorted(floats(exact)), abs=ACCURACY)


@given(trees(), starts, st.integers(1, 5), st.sampled_from(CHAINS))
def test_adapted(aligned: Aligned, number: int, limit: int, steps: Chain) -> None:
    """log w, -inf where a token is cut off, and log c of the law it is drawn from; both 0 after the last token."""
    own = case(aligned, start_of(aligned, number), limit, steps)
    weight, normaliser = score.adapted(own.decoder, own.prompts, own.tokens, steps)
    assert close(weight, own.log_weight)
    assert close(normaliser, own.log_normaliser)
    assert (weight[own.tokens == PAD] == 0).all()
    assert (normaliser[own.tokens == PAD] == 0).all()


def test_rows_do_not_see_one_another() -> None:
    """A batch is its rows one at a time; longer padding changes nothing."""
    own = case(random_tree(np.random.default_rng(1), 3, 4), (), 5)
    whole = score.log_probs(own.decoder, own.prompts, own.tokens)
    for k in range(len(own.tokens)):
        alone = score.log_probs(own.decoder, own.prompts[k : k + 1], own.tokens[k : k + 1])
        assert np.array_equal(alone[0], whole[k])
    longer = np.pad(own.tokens, ((0, 0), (0, 3)), constant_values=PAD)
    assert np.array_equal(score.log_probs(own.decoder, own.prompts, longer)[:, :5], whole)


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_token_log_probs(kind: type) -> None:
    """Against the log-softmax of every token, rows of many ids and of few; rows that have ended may hold anything."""
    rng = np.random.default_rng(8)
    for width in (3, 40_000):
        logits = (5 * rng.standard_normal((4, 3, width))).astype(kind)
        tokens = rng.integers(0, width, (4, 3))
        logits[1, 2, :2] = -np.inf
        tokens[2, 1:] = PAD
        plain = score.gathered(log_softmax(logits), tokens)
        assert np.abs(score.token_log_probs(logits, tokens) - plain).max() <= 1e-13
        logits[2, 1:] = np.nan
        assert np.abs(score.token_log_probs(logits, tokens) - plain).max() <= 1e-13


def test_gathered_by_loops() -> None:
    """The value at each token, 0 at PAD; the last id is not PAD's -1."""
    values = np.arange(2 * 3 * 4, dtype=np.float64).reshape(2, 3, 4) + 1
    for flat in itertools.product((PAD, 0, 3), repeat=6):
        tokens = np.array(flat).reshape(2, 3)
        by_loops = [
            [0.0 if t == PAD else values[b, k, t] for k, t in enumerate(row)] for b, row in enumerate(tokens.tolist())
        ]
        assert score.gathered(values, tokens).tolist() == by_loops
    values[0, 1] = math.nan
    assert score.gathered(values, np.array([[0, PAD, 1], [2, 3, PAD]])).tolist() == [[1, 0, 10], [15, 20, 0]]


@dataclass
class Fixed:
    """A decoder with all logits given, shape (B, T, V)."""

    values: Floats
    end: int = 2

    def begin(self, prompts: Tokens) -> Floats:
        raise AssertionError("scores come from one pass")

    def advance(self, tokens: Tokens) -> Floats:
        raise AssertionError("scores come from one pass")

    def logits(self, prompts: Tokens, tokens: Tokens) -> Floats:
        return self.values


NONE = np.zeros((2, 0), dtype=np.int64)
SHORT = np.array([[0, 2, PAD, PAD], [1, 0, 0, 2]])
SCORERS: dict[str, Callable[[Fixed], Any]] = {
    "log_probs": lambda decoder: score.log_probs(decoder, NONE, SHORT),
    "adapted": lambda decoder: score.adapted(decoder, NONE, SHORT, chain(("nucleus", "9/10"))),
}


@pytest.mark.parametrize("scorer", SCORERS)
@pytest.mark.parametrize("value", [math.nan, math.inf])
@pytest.mark.parametrize(("row", "place"), [(0, 0), (0, 1), (1, 0), (1, 3)])
def test_logits_that_no_law_has_are_refused(scorer: str, value: float, row: int, place: int) -> None:
    """Wherever a token stands, whichever token's logit it is; the message counts tokens from 1."""
    for token in range(3):
        values = np.zeros((2, 4, 3))
        values[row, place, token] = value
        with pytest.raises(ValueError, match=rf"^row {row}, token {place + 1}: .*NaN or infinity"):
            SCORERS[scorer](Fixed(values))


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_logits_after_the_end_do_not_matter(value: float) -> None:
    """NaN and infinities there change nothing, and no warning is given."""
    values = np.random.default_rng(2).normal(size=(2, 4, 3))
    plain = SCORERS["log_probs"](Fixed(values)), *SCORERS["adapted"](Fixed(values))
    odd = values.copy()
    odd[0, 2:] = value
    other = SCORERS["log_probs"](Fixed(odd)), *SCORERS["adapted"](Fixed(odd))
    for one, two in zip(plain, other, strict=True):
        assert np.array_equal(one, two)
        assert (one[0, 2:] == 0).all()


def test_impossible_tokens_have_minus_infinity() -> None:
    """A logit of -inf is a token of probability 0, no mistake."""
    values = np.zeros((2, 4, 3))
    values[1, 2, 0] = -math.inf
    assert np.isneginf(SCORERS["log_probs"](Fixed(values))).nonzero()[0].tolist() == [1]


# --- wrong copies ---------------------------------------------------------------------------------------------------

Scorer = Callable[[TreeDecoder, Tokens, Tokens], Floats]


def shifted(decoder: TreeDecoder, prompts: Tokens, tokens: Tokens) -> Floats:
    """Each token by the law one step too early."""
    laws = decoder.logits(prompts, tokens)
    return score.gathered(np.concatenate((laws[:, :1], laws[:, :-1]), axis=1), tokens)


def pad_as_end(decoder: TreeDecoder, prompts: Tokens, tokens: Tokens) -> Floats:
    return score.log_probs(decoder, prompts, np.where(tokens == PAD, decoder.end, tokens))


def pad_as_last(decoder: TreeDecoder, prompts: Tokens, tokens: Tokens) -> Floats:
    laws = decoder.logits(prompts, tokens)
    return np.asarray(np.take_along_axis(laws, tokens[..., None], axis=2)[..., 0])


def end_unscored(decoder: TreeDecoder, prompts: Tokens, tokens: Tokens) -> Floats:
    return np.where(tokens == decoder.end, 0.0, score.log_probs(decoder, prompts, tokens))


def without_prompt(decoder: TreeDecoder, prompts: Tokens, tokens: Tokens) -> Floats:
    return score.log_probs(decoder, prompts[:, :0], tokens)


def in_float16(decoder: TreeDecoder, prompts: Tokens, tokens: Tokens) -> Floats:
    return score.log_probs(decoder, prompts, tokens).astype(np.float16).astype(np.float64)


WRONG: dict[str, Scorer] = {
    "one step too early": shifted,
    "padding scored as the end": pad_as_end,
    "padding scored as the last id": pad_as_last,
    "the end is not scored": end_unscored,
    "the prompt is left out": without_prompt,
    "half precision": in_float16,
}


def wrong_scores(scorer: Scorer) -> int:
    """In how many cases on one tree some score is off."""
    aligned = random_tree(np.random.default_rng(1), 3, 4)
    cases = [case(aligned, start, limit) for start in ((), (0,)) for limit in (2, 5)]
    return sum(not close(scorer(own.decoder, own.prompts, own.tokens), own.log_prob) for own in cases)


def test_the_right_scorer_is_not_off() -> None:
    """The control of the controls."""
    assert wrong_scores(score.log_probs) == 0


@pytest.mark.parametrize("slip", WRONG)
def test_wrong_scorers_are_noticed(slip: str) -> None:
    """Each slip moves the score of some string."""
    assert wrong_scores(WRONG[slip]) > 0


def test_normalisers_of_the_whole_row_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """log c = 0 wherever nothing is cut off is not log c."""
    aligned = random_tree(np.random.default_rng(1), 3, 4)
    own = case(aligned, (), 5, CHAINS[4])
    monkeypatch.setattr(score, "log_sum", lambda weight: np.zeros(weight.shape[:-1]))
    assert not close(score.adapted(own.decoder, own.prompts, own.tokens, CHAINS[4])[1], own.log_normaliser)


def test_a_row_without_a_possible_token_is_refused() -> None:
    """All -inf where a token stands."""
    decoder = Fixed(np.array([[[-np.inf, -np.inf]]]), 1)
    with pytest.raises(ValueError, match="row 0, token 1"):
        log_probs(decoder, np.zeros((1, 1), dtype=np.int64), np.array([[0]]))
