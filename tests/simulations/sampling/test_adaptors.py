"""Adaptors on rows of floats: against the formal ones, against loops over the definition, and against wrong copies.

Where two different probabilities are equally far from the entropy, floats cannot order them for locally typical
sampling; such rows are left out. Equal probabilities are not.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import Any

import numpy as np
import pytest
from flint import fmpq
from hypothesis import assume, given
from hypothesis import strategies as st
from mpmath import mp
from numpy.typing import NDArray
from scipy import special

from simulations.sampling import adaptors
from simulations.sampling.adaptors import log_softmax, log_sum, log_weights
from tests.reference import adapted, real, share
from tests.strategies import trees
from theory.adaptors.exact import ADAPTORS, Chain, adapt, adaptor, chain, decide
from theory.alignment.gibbs import Aligned
from theory.arithmetic.exact import floats, fraction, to_float
from theory.examples.finite import table

Floats = NDArray[np.float64]
Adapt = Callable[[Floats, Chain], Floats]

TRUNCATIONS = [name for name in ADAPTORS if name != "temperature"]
ACCURACY = 1e-12


def logs(prob: Sequence[Any]) -> Floats:
    """log p of each token, -inf where it is impossible."""
    with np.errstate(divide="ignore"):
        return np.log(np.array([float(p) for p in prob]))


def row(weights: Sequence[int]) -> Floats:
    """The next-token law proportional to the weights: each probability rounded once, then its logarithm."""
    return logs([w / sum(weights) for w in weights])


def local(adapt_rows: Adapt, log_prob: Floats, steps: Chain) -> Floats:
    """log q of each token, shape (n, V)."""
    weight = adapt_rows(log_prob, steps)
    return np.asarray(weight - special.logsumexp(weight, axis=1, keepdims=True))


def formal(weights: Sequence[int], steps: Chain) -> Floats:
    """q of each token, decided formally; a weight of 0 is an impossible token."""
    possible = np.flatnonzero(weights)
    aligned = table([weights[k] for k in possible], [1] * len(possible))
    numbers = aligned.balls()
    law = adapt(numbers, decide(numbers, steps), "local")
    prob = np.zeros(len(weights))
    prob[possible[law.string]] = floats(law.prob)
    return prob


def same(log_q: Floats, prob: Floats) -> bool:
    """Whether the supports are the same and the probabilities within 1e-12."""
    return bool((np.isfinite(log_q) == (prob > 0)).all() and np.abs(np.exp(log_q) - prob).max() <= ACCURACY)


def distances_tie(prob: Sequence[Any], steps: Chain) -> bool:
    """Whether two different probabilities are equally far from the entropy where a typical step decides."""
    with mp.workdps(60):
        weights = [real(p) for p in prob]
        for step in steps:
            law = [p for p in share(weights) if p > 0]
            if step.name == "typical":
                entropy = -mp.fsum(p * mp.log(p) for p in law)
                far = [abs(-mp.log(p) - entropy) for p in law]
                for (p, a), (q, b) in itertools.combinations(zip(law, far, strict=True), 2):
                    if abs(a - b) < 1e-12 and abs(p - q) > 1e-12 * p:
                        return True
            weights = adapted(weights, [(step.name, real(step.value))])
    return False


# --- against the formal ones ----------------------------------------------------------------------------------------


def settings_at(weights: Sequence[int]) -> dict[str, st.SearchStrategy[fmpq]]:
    """Settings of each adaptor, most of them met exactly by some sum or token of the row."""
    possible = [w for w in weights if w]
    totals = st.sampled_from([sum(possible), sum(w * w for w in possible), *range(1, 8)])
    parts = totals.flatmap(lambda whole: st.integers(1, whole).map(lambda part: fmpq(part, whole)))
    tokens = st.sampled_from([fmpq(w, sum(possible)) for w in possible])
    relative = st.sampled_from([fmpq(w, max(possible)) for w in possible])
    return {
        "temperature": st.sampled_from([fmpq(1, 3), fmpq(1, 2), fmpq(4, 5), fmpq(1), fmpq(3, 2), fmpq(2), fmpq(3)]),
        "top_k": st.integers(1, len(weights) + 2).map(fmpq),
        "nucleus": parts,
        "typical": parts,
        "eta": st.one_of(parts, tokens),
        "epsilon": st.one_of(parts, tokens),
        "min_p": st.one_of(parts, relative, st.just(fmpq(0))),
    }


@st.composite
def chains(draw: Any, weights: Sequence[int], most: int = 3) -> Chain:
    """One to three adaptors for a row."""
    names = draw(st.lists(st.sampled_from(ADAPTORS), min_size=1, max_size=most))
    strategies = settings_at(weights)
    return chain(*((name, draw(strategies[name])) for name in names))


@st.composite
def rows(draw: Any) -> tuple[list[int], Chain]:
    """A row of small integer weights, some of them 0, and a chain."""
    weights = draw(st.lists(st.integers(0, 12), min_size=1, max_size=7).filter(any))
    return weights, draw(chains(weights))


@given(rows())
def test_rows_against_the_formal_adaptors(case: tuple[list[int], Chain]) -> None:
    """q = w / c to 1e-12 on the same support: thresholds met exactly, ties, impossible tokens, chains."""
    weights, steps = case
    assume(not distances_tie(weights, steps))
    assert same(local(log_weights, row(weights)[None], steps)[0], formal(weights, steps))


@given(trees(), st.data())
def test_trees_against_the_formal_adaptors(aligned: Aligned, data: st.DataObject) -> None:
    """q_loc(y) = prod q(t | u), all next-token laws as one batch; they are ratios of sums over strings."""
    steps = data.draw(chains([1, 2, 3]))
    exact = aligned.exact_prob()
    assert exact is not None
    width = len(aligned.tree.alphabet) + 1
    paths = [(*(aligned.tree.alphabet.index(t) for t in name.split()), width - 1) for name in aligned.names()]
    masses: dict[tuple[int, ...], list[Any]] = {}
    for path, p in zip(paths, exact, strict=True):
        for t, token in enumerate(path):
            masses.setdefault(path[:t], [fmpq(0)] * width)[token] += p
    laws = [[fraction(m / sum(own, start=fmpq(0))) for m in own] for own in masses.values()]
    assume(not any(distances_tie(own, steps) for own in laws))
    log_q = dict(zip(masses, local(log_weights, np.stack([logs(own) for own in laws]), steps), strict=True))
    found = np.array([sum(log_q[path[:t]][token] for t, token in enumerate(path)) for path in paths])
    numbers = aligned.balls()
    law = adapt(numbers, decide(numbers, steps), "local")
    prob = np.zeros(len(paths))
    prob[law.string] = floats(law.prob)
    assert same(found, prob)


JUST = fmpq(1, 10**9)
TIED, FAR = (2, 1, 1), (3, 1, 1, 1, 1)

EDGES: list[tuple[Sequence[int], list[tuple[str, Any]], set[int]]] = [
    # ties to the lower index, exactly min(k, V) tokens
    ((1, 1, 1), [("top_k", 1)], {0}),
    ((1, 2, 2), [("top_k", 1)], {1}),
    ((1, 2, 1, 2), [("top_k", 3)], {0, 1, 3}),
    ((1, 2), [("top_k", 2)], {0, 1}),
    ((1, 2), [("top_k", 5)], {0, 1}),
    ((0, 3, 0, 3, 1), [("top_k", 4)], {1, 3, 4}),
    ((0, 3, 0, 3, 1), [("top_k", 1)], {1}),
    # the shortest run, its boundary met
    (TIED, [("nucleus", "1/2")], {0}),
    (TIED, [("nucleus", fmpq(1, 2) + JUST)], {0, 1}),
    (TIED, [("nucleus", "3/4")], {0, 1}),
    ((1, 1, 2), [("nucleus", "3/4")], {0, 2}),
    ((1, 1, 1, 1, 1, 1, 1), [("nucleus", "6/7")], {0, 1, 2, 3, 4, 5}),
    ((1,) * 10, [("nucleus", "3/10")], {0, 1, 2}),
    ((0, 1, 0, 1), [("nucleus", 1)], {1, 3}),
    ((0, 1, 0, 1), [("nucleus", fmpq(1, 10**6))], {1}),
    ((1, 1, 1, 1), [("typical", "1/2")], {0, 1}),
    ((1, 1, 1, 1), [("typical", fmpq(1, 2) + JUST)], {0, 1, 2}),
    (FAR, [("typical", "1/7")], {1}),
    (FAR, [("typical", "4/7")], {1, 2, 3, 4}),
    (FAR, [("typical", fmpq(4, 7) + JUST)], {0, 1, 2, 3, 4}),
    ((0, *FAR), [("typical", 1)], {1, 2, 3, 4, 5}),
    # thresholds met: sqrt(1/2) exp(-H) = 1/4 for (2, 1, 1)/4
    (TIED, [("eta", "1/2")], {0, 1, 2}),
    (TIED, [("eta", fmpq(1, 2) + JUST)], {0}),
    ((1, 1, 1, 1), [("eta", 1)], {0, 1, 2, 3}),
    ((15, 1), [("eta", "1/16")], {0, 1}),
    ((15, 1), [("eta", fmpq(1, 16) + JUST)], {0}),
    (TIED, [("epsilon", "1/4")], {0, 1, 2}),
    (TIED, [("epsilon", fmpq(1, 4) + JUST)], {0}),
    ((1, 1, 2), [("epsilon", 1)], {2}),
    ((1, 2, 2), [("epsilon", "1/2")], {1}),
    ((0, 1, 1), [("epsilon", 1)], {1}),
    (TIED, [("min_p", "1/2")], {0, 1, 2}),
    (TIED, [("min_p", fmpq(1, 2) + JUST)], {0}),
    ((0, 1, 99), [("min_p", 0)], {1, 2}),
    ((1, 2, 2), [("min_p", 1)], {1, 2}),
    # chains decide on the normalised form of what they receive
    (TIED, [("top_k", 2), ("nucleus", "2/3")], {0}),
    (TIED, [("nucleus", "2/3"), ("top_k", 2)], {0, 1}),
    (TIED, [("top_k", 2), ("epsilon", "1/3")], {0, 1}),
    (TIED, [("temperature", "1/2"), ("nucleus", "2/3")], {0}),
    (TIED, [("nucleus", "2/3"), ("temperature", "1/2")], {0, 1}),
    (TIED, [("temperature", "1/2"), ("min_p", "1/4")], {0, 1, 2}),
    (TIED, [("temperature", "1/2"), ("temperature", 2), ("nucleus", "3/4")], {0, 1}),
    ((4, 1, 1), [("temperature", 2), ("nucleus", "3/4")], {0, 1}),
    ((2, 8, 18), [("temperature", 2), ("nucleus", "5/6")], {1, 2}),
    ((2, 8, 18), [("temperature", 2), ("epsilon", "1/3")], {1, 2}),
    ((2, 3, 8, 12), [("temperature", 2), ("nucleus", "2/3")], {2, 3}),
    ((3, 2, 1, 1), [("min_p", "1/2"), ("nucleus", "3/5")], {0}),
    ((3, 2, 1, 1), [("nucleus", "3/5"), ("min_p", "1/2")], {0, 1}),
    ((0, 4, 2, 2, 1), [("top_k", 3), ("nucleus", "3/4"), ("epsilon", "1/3")], {1, 2}),
]


@pytest.mark.parametrize(("weights", "steps", "kept"), EDGES, ids=lambda value: str(value).replace(" ", ""))
def test_edge_rules(weights: Sequence[int], steps: Sequence[tuple[str, Any]], kept: set[int]) -> None:
    """Boundaries and ties worked out by hand, and formally."""
    log_q = local(log_weights, row(weights)[None], chain(*steps))[0]
    assert set(np.flatnonzero(np.isfinite(log_q)).tolist()) == kept
    assert same(log_q, formal(weights, chain(*steps)))


@pytest.mark.parametrize(
    ("name", "value", "few", "many"),
    [
        ("nucleus", "1/2", {0}, {0, 1}),
        ("eta", "1/2", {0, 1, 2}, {0}),
        ("epsilon", "1/4", {0, 1, 2}, {0}),
        ("min_p", "1/2", {0, 1, 2}, {0}),
    ],
)
def test_a_trillionth_below_a_threshold_counts_as_on_it(name: str, value: str, few: set[int], many: set[int]) -> None:
    """A setting 2e-13 above what (2, 1, 1)/4 reaches is reached, absolutely or relatively; one 1e-11 above is not."""
    met = chain((name, value))[0].value
    for excess, kept in ((fmpq(0), few), (fmpq(2, 10**13), few), (fmpq(1, 10**11), many)):
        steps = chain((name, met + excess))
        assert set(np.flatnonzero(np.isfinite(log_weights(row(TIED)[None], steps)[0])).tolist()) == kept


# --- against loops over the definition ------------------------------------------------------------------------------


def kept_by_loops(name: str, value: float, law: dict[int, float]) -> list[int]:
    """What a truncation keeps of a law without ties and without thresholds met, by its definition."""
    best = max(law, key=lambda t: law[t])
    entropy = -math.fsum(p * math.log(p) for p in law.values())

    def run(order: list[int]) -> list[int]:
        return next(
            (order[:n] for n in range(1, len(order)) if math.fsum(law[t] for t in order[:n]) >= value < 1), order
        )

    def at_least(threshold: float) -> list[int]:
        return [t for t, p in law.items() if p >= threshold] or [best]

    likely_first = sorted(law, key=lambda t: -law[t])
    rules: dict[str, Callable[[], list[int]]] = {
        "top_k": lambda: likely_first[: int(value)],
        "nucleus": lambda: run(likely_first),
        "typical": lambda: run(sorted(law, key=lambda t: abs(-math.log(law[t]) - entropy))),
        "eta": lambda: at_least(min(value, math.sqrt(value) * math.exp(-entropy))),
        "epsilon": lambda: at_least(value),
        "min_p": lambda: at_least(value * law[best]),
    }
    return rules[name]()


def law_by_loops(prob: Sequence[float], steps: Chain) -> tuple[dict[int, float], float]:
    """({token: q}, the sum of the weights that a chain returns) by loops over a row."""
    weight = {t: p for t, p in enumerate(prob) if p > 0}
    for step in steps:
        value = to_float(step.value)
        if step.name == "temperature":
            weight = {t: w ** (1 / value) for t, w in weight.items()}
        else:
            total = math.fsum(weight.values())
            kept = kept_by_loops(step.name, value, {t: w / total for t, w in weight.items()})
            weight = {t: w for t, w in weight.items() if t in kept}
    total = math.fsum(weight.values())
    return {t: w / total for t, w in weight.items()}, total


STEPS: list[tuple[str, Any]] = [
    *(("top_k", k) for k in (1, 2, 4, 30)),
    *((name, v) for name in ("nucleus", "typical") for v in ("1/100", "1/5", "1/2", "9/10", "999/1000", 1)),
    *((name, v) for name in ("eta", "epsilon") for v in ("1/1000", "1/20", "1/7", "1/3", "9/10", 1)),
    *(("min_p", v) for v in (0, "1/100", "1/5", "1/2", "9/10", 1)),
    *(("temperature", v) for v in ("1/3", "9/10", "7/4")),
]
CHAINS: list[Chain] = [
    *(chain(step) for step in STEPS),
    *(chain(("temperature", "2/3"), step) for step in STEPS),
    *(chain(one, two) for one, two in itertools.product(STEPS[3::6], STEPS[1::4])),
    *(chain(one, ("temperature", "3/2"), two) for one, two in itertools.product(STEPS[2::8], STEPS[::5])),
]


def float_rows(seed: int) -> Iterator[Floats]:
    """Rows of random float64 probabilities, flat and peaked, some tokens impossible; no two alike."""
    rng = np.random.default_rng(seed)
    for size, flatness in itertools.product((1, 2, 3, 5, 9, 17), (0.1, 1.0, 20.0)):
        prob = rng.gamma(flatness, size=(4, size)) + 1e-9 * rng.random((4, size))
        prob[1::2, 1::3] = 0.0
        yield prob / prob.sum(axis=1, keepdims=True)


def test_random_rows_by_loops() -> None:
    """The same support, q and c to 1e-12 relatively, for every chain."""
    for prob in float_rows(1):
        with np.errstate(divide="ignore"):
            log_prob = np.log(prob)
        for steps in CHAINS:
            weight = log_weights(log_prob, steps)
            total = log_sum(weight)
            for k, own in enumerate(prob.tolist()):
                law, c = law_by_loops(own, steps)
                assert set(np.flatnonzero(np.isfinite(weight[k])).tolist()) == set(law), (own, steps)
                assert np.exp(weight[k] - total[k])[list(law)] == pytest.approx(list(law.values()), rel=ACCURACY)
                assert total[k] == pytest.approx(math.log(c), abs=1e-11)


def test_what_is_received_is_returned_kept_or_raised() -> None:
    """Truncations return what they received, to the bit, or -inf; impossible tokens stay so, and one token stays."""
    for prob in float_rows(2):
        with np.errstate(divide="ignore"):
            log_prob = np.log(prob)
        before = log_prob.copy()
        for steps in CHAINS:
            weight = log_weights(log_prob, steps)
            kept = np.isfinite(weight)
            assert kept.any(axis=1).all()
            assert not kept[np.isneginf(log_prob)].any()
            assert (weight[~kept] == -np.inf).all()
            power = math.prod(1 / to_float(step.value) for step in steps if step.name == "temperature")
            assert weight[kept] == pytest.approx(log_prob[kept] * power, rel=1e-15)
            if power == 1:
                assert (weight[kept] == log_prob[kept]).all()
        assert np.array_equal(log_prob, before)


def test_rows_do_not_see_one_another() -> None:
    """A batch is its rows one at a time."""
    batch = np.stack([row(w) for w in ((1, 2, 3, 4), (4, 4, 1, 1), (0, 0, 1, 0), (1, 1, 1, 1), (9, 0, 9, 1))])
    for steps in CHAINS:
        alone = np.concatenate([log_weights(batch[k : k + 1], steps) for k in range(len(batch))])
        assert np.array_equal(log_weights(batch, steps), alone)


def test_tokens_in_another_order() -> None:
    """Rows without ties: permuting the tokens permutes the weights."""
    rng = np.random.default_rng(3)
    for prob in float_rows(4):
        if (prob == 0).sum(axis=1).max() > 0:
            prob = prob[::2]
        order = rng.permutation(prob.shape[1])
        for steps in CHAINS:
            one, two = log_weights(np.log(prob), steps)[:, order], log_weights(np.log(prob)[:, order], steps)
            assert np.array_equal(np.isfinite(one), np.isfinite(two))
            assert np.exp(one) == pytest.approx(np.exp(two), rel=1e-13)


# --- logarithms of sums ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.float16])
@pytest.mark.parametrize("shape", [(1,), (5,), (3, 7), (2, 3, 4)])
def test_log_softmax_against_scipy(shape: tuple[int, ...], dtype: type) -> None:
    """float64 from the logits on, whatever their type; they stay as they are."""
    logits = np.random.default_rng(5).normal(0, 20, shape).astype(dtype)
    before = logits.copy()
    found = log_softmax(logits)
    assert found.dtype == np.float64
    assert np.array_equal(logits, before)
    assert found == pytest.approx(special.log_softmax(logits.astype(np.float64), axis=-1), rel=1e-13, abs=1e-13)
    assert np.exp(found).sum(axis=-1) == pytest.approx(1.0, abs=1e-14)


def test_log_softmax_far_from_zero() -> None:
    """Logits of 1e4 and of -inf; a token 1e4 nats below the best keeps its logarithm."""
    logits = np.array([[1e4, 0.0, -np.inf], [-1e4, -1e4, -1e4]])
    assert log_softmax(logits)[0].tolist() == [0.0, -1e4, -np.inf]
    assert log_softmax(logits)[1] == pytest.approx(-math.log(3), abs=1e-12)


def test_log_sum_against_scipy() -> None:
    """With -inf among the weights, far from 0, in one and in three dimensions; -inf where there are no weights."""
    rng = np.random.default_rng(6)
    for shape in ((4,), (3, 5), (2, 3, 4)):
        weight = rng.normal(0, 300, shape)
        weight[..., 1] = -np.inf
        before = weight.copy()
        assert log_sum(weight) == pytest.approx(special.logsumexp(weight, axis=-1), rel=1e-14)
        assert np.array_equal(weight, before)
    nothing = np.array([[-np.inf, -np.inf], [0.0, -np.inf], [-2000.0, -2000.0]])
    assert log_sum(nothing).tolist() == [-math.inf, 0.0, pytest.approx(-2000 + math.log(2))]


# --- wrong copies ---------------------------------------------------------------------------------------------------


@cache
def panel() -> tuple[tuple[tuple[int, ...], Chain, Floats], ...]:
    """Small rows, each with settings met exactly, plain and behind another adaptor, and their formal laws."""
    cases = []
    for weights in [
        *itertools.product((1, 2, 3), repeat=3),
        (0, 2, 1, 1),
        (1, 0, 2),
        *((1,) * n for n in range(4, 11)),
    ]:
        total = sum(weights)
        parts = [fmpq(k, total) for k in range(1, total + 1)]
        for name in TRUNCATIONS:
            for value in [fmpq(1), fmpq(2)] if name == "top_k" else parts:
                for before in ((), chain(("top_k", 2)), chain(("temperature", "1/2"))):
                    steps = (*before, *chain((name, value)))
                    if name != "typical" or not distances_tie(weights, steps):
                        cases.append((weights, steps))
    return tuple((weights, steps, formal(weights, steps)) for weights, steps in cases[::3])


def wrong_cases(adapt_rows: Adapt) -> int:
    """How many cases of the panel come out otherwise."""
    with np.errstate(invalid="ignore"):
        return sum(not same(local(adapt_rows, row(w)[None], steps)[0], law) for w, steps, law in panel())


def unnormalised(log_prob: Floats, steps: Chain) -> Floats:
    """Each step looks at the kept probabilities as they are."""
    weight = log_prob.copy()
    for step in steps:
        if step.name == "temperature":
            weight = weight / to_float(step.value)
        else:
            kept = adaptors._KEEPERS[step.name](weight, step, weight)
            kept |= ~kept.any(axis=1, keepdims=True) & (np.arange(weight.shape[1]) == weight.argmax(axis=1)[:, None])
            weight = np.where(kept & np.isfinite(weight), weight, -np.inf)
    return weight


def decided_before(log_prob: Floats, steps: Chain) -> Floats:
    """Truncations look at the probabilities before the temperature."""
    power = math.prod(1 / to_float(step.value) for step in steps if step.name == "temperature")
    return log_weights(log_prob, tuple(step for step in steps if step.name != "temperature")) * power


def raised_to_t(log_prob: Floats, steps: Chain) -> Floats:
    """p ** T."""
    turned = ((s.name, 1 / s.value if s.name == "temperature" else s.value) for s in steps)
    return log_weights(log_prob, chain(*turned))


WHOLE: dict[str, Adapt] = {
    "ties to the higher index": lambda log_prob, steps: log_weights(log_prob[:, ::-1], steps)[:, ::-1],
    "decides on what is not normalised": unnormalised,
    "decides before the temperature": decided_before,
    "raises to T": raised_to_t,
    "impossible tokens get a millionth": lambda log_prob, steps: log_weights(np.maximum(log_prob, -13.8), steps),
    "the last step is forgotten": lambda log_prob, steps: log_weights(log_prob, steps[:-1]),
    "chains from right to left": lambda log_prob, steps: log_weights(log_prob, steps[::-1]),
    "probabilities rounded to float16": lambda log_prob, steps: log_weights(
        log_prob.astype(np.float16).astype(np.float64), steps
    ),
}


def tied_with_the_kth(law: Floats, k: float) -> NDArray[np.bool_]:
    """transformers' top-k."""
    place = min(int(k), law.shape[1]) - 1
    return np.asarray(law >= np.sort(law, axis=1)[:, ::-1][:, place : place + 1])


def nucleus_kept(law: Floats, value: float) -> NDArray[np.bool_]:
    """The nucleus at a number."""
    return np.asarray(adaptors._nucleus(law, adaptor("nucleus", value), law))


def run_by(law: Floats, key: Floats, value: float) -> NDArray[np.bool_]:
    """The shortest run by a key."""
    return np.asarray(adaptors._shortest_run(law, key, adaptor("nucleus", value), law))


def at_least(law: Floats, threshold: Any) -> NDArray[np.bool_]:
    """Probabilities that reach a threshold."""
    return np.asarray(adaptors._at_least(np.exp(law), threshold))


def one_short(law: Floats, value: float) -> NDArray[np.bool_]:
    """The run without the token that reaches the value."""
    return np.asarray(adaptors._rank(-law) < nucleus_kept(law, value).sum(axis=1, keepdims=True) - 1)


def far(law: Floats, unit: float = 1.0) -> Floats:
    """|surprisal - entropy|, the entropy in another unit."""
    return np.abs(-law - adaptors._entropy(law) / unit)


def uncertain(law: Floats) -> Floats:
    """exp(-H)."""
    return np.exp(-adaptors._entropy(law))


RULES: dict[str, tuple[str, Callable[[Floats, float], Any]]] = {
    "all tied with the k-th": ("top_k", tied_with_the_kth),
    "one too few": ("top_k", lambda law, k: adaptors._rank(-law) < k - 1),
    "the run stops below the value": ("nucleus", one_short),
    "the run must pass the value": ("nucleus", lambda law, v: nucleus_kept(law, min(1.0, v + 1e-9))),
    "least probable first": ("nucleus", lambda law, v: run_by(law, law, v)),
    "typical is nucleus": ("typical", nucleus_kept),
    "entropy in bits": ("typical", lambda law, v: run_by(law, far(law, math.log(2)), v)),
    "farthest first": ("typical", lambda law, v: run_by(law, -far(law), v)),
    "eta without the root": ("eta", lambda law, v: at_least(law, np.minimum(v, v * uncertain(law)))),
    "eta as the larger": ("eta", lambda law, v: at_least(law, np.maximum(v, np.sqrt(v) * uncertain(law)))),
    "epsilon is strict": ("epsilon", lambda law, v: np.exp(law) > v * (1 + 1e-12)),
    "min-p is absolute": ("min_p", at_least),
}


def test_the_panel_agrees() -> None:
    """The control of the controls."""
    assert len(panel()) > 500
    assert wrong_cases(log_weights) == 0


@pytest.mark.parametrize("slip", WHOLE)
def test_wrong_chains_are_noticed(slip: str) -> None:
    """Each slip in the order or form of a chain changes some law of the panel."""
    assert wrong_cases(WHOLE[slip]) > 0


@pytest.mark.parametrize("slip", RULES)
def test_wrong_rules_are_noticed(slip: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each slip in a rule changes some law of the panel."""
    name, rule = RULES[slip]
    monkeypatch.setitem(adaptors._KEEPERS, name, lambda law, step, whole: rule(law, to_float(step.value)))
    assert wrong_cases(log_weights) > 0


def test_digits_without_tolerance_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sums such as 1/10 + 1/10 + 1/10 fall short of 3/10 in float64."""
    monkeypatch.setattr(adaptors, "_ON", 0.0)
    assert wrong_cases(log_weights) > 0


def test_typical_distances_that_tie() -> None:
    """(1, 1, 2)/4: every surprisal lies log 2 / 2 from the entropy, and the lowest index is kept."""
    weights = log_weights(log_softmax(np.log([[1.0, 1.0, 2.0]])), chain(("typical", "1/4")))
    assert np.isfinite(weights).tolist() == [[True, False, False]]
