"""Generation walked branch by branch: every string of small trees, from the uniforms that must and must not lead to it.

A string's tokens are drawn when each uniform lies in an interval between two cumulative shares, computed here at 60
digits from sums over strings. Uniforms just inside both ends of every interval lead to the string, and the intervals
of all strings fill the unit cube; since a token grows with its uniform, nothing is left for a string of other measure.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mpmath import mp
from numpy.typing import NDArray

import simulations.sampling.generate as module
from simulations.agreement.known import tree
from simulations.agreement.setting import decoder_of
from simulations.sampling.adaptors import log_weights
from simulations.sampling.generate import PAD, Sample, check_logits, first_above, generate
from tests.reference import adapted, real
from tests.strategies import trees
from theory.adaptors.exact import Chain, chain
from theory.alignment.gibbs import Aligned
from theory.arithmetic.exact import fraction
from theory.examples.finite import random_tree

Floats = NDArray[np.float64]
Path = tuple[int, ...]
Laws = Mapping[Path, Sequence[Fraction]]

EDGE = 1e-12
"""How far inside its interval a uniform is put."""

ACCURACY = 1e-12
TOP = 1 - 2.0**-53
"""The largest uniform that a generator hands out."""


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


@dataclass
class Lookup:
    """A decoder that looks laws up; its logits are off by a constant that differs from prefix to prefix."""

    laws: Laws
    end: int
    prefixes: list[Path] = field(default_factory=list)
    calls: int = 0

    def begin(self, prompts: NDArray[np.int64]) -> Floats:
        self.prefixes = [tuple(p) for p in prompts.tolist()]
        return self._now()

    def advance(self, tokens: NDArray[np.int64]) -> Floats:
        self.calls += 1
        self.prefixes = [(*u, t) for u, t in zip(self.prefixes, tokens.tolist(), strict=True)]
        return self._now()

    def logits(self, prompts: NDArray[np.int64], tokens: NDArray[np.int64]) -> Floats:
        raise AssertionError("generation goes step by step")

    def _now(self) -> Floats:
        blank = [Fraction(1)] * (self.end + 1)
        laws = [[float(p) for p in self.laws.get(u, blank)] for u in self.prefixes]
        with np.errstate(divide="ignore"):
            return np.log(np.array(laws)) + np.array([[3.0 - 5 * len(u) - sum(u)] for u in self.prefixes])


class Scripted:
    """A generator that hands out the columns of a matrix."""

    def __init__(self, uniforms: Floats) -> None:
        self.columns = list(uniforms.T)

    def random(self, size: int) -> Floats:
        column = self.columns.pop(0)
        assert len(column) == size
        return column


@dataclass
class Outcome:
    """A string that ended, or the tokens at which it was cut, with the interval and the numbers of each step."""

    path: Path
    ended: bool
    low: list[float]
    high: list[float]
    log_prob: list[float]
    log_weight: list[float]
    log_normaliser: list[float]


def outcomes(laws: Laws, start: Path, end: int, steps: Chain, limit: int) -> list[Outcome]:
    """Every outcome of positive probability, at 60 digits."""
    chosen = [(step.name, real(step.value)) for step in steps]

    def walk(prefix: Path, so_far: Outcome) -> Iterator[Outcome]:
        law = laws[prefix]
        weights = adapted([real(p) for p in law], chosen)
        total, cumulative = mp.fsum(weights), mp.zero
        for token, (p, w) in enumerate(zip(law, weights, strict=True)):
            low, cumulative = cumulative, cumulative + w / total
            if w > 0:
                numbers = (low, cumulative, mp.log(real(p)), mp.log(w), mp.log(total))
                before = (so_far.low, so_far.high, so_far.log_prob, so_far.log_weight, so_far.log_normaliser)
                lists = [[*old, float(new)] for old, new in zip(before, numbers, strict=True)]
                found = Outcome((*so_far.path, token), token == end, *lists)
                if found.ended or len(found.path) == limit:
                    yield found
                else:
                    yield from walk((*prefix, token), found)

    with mp.workdps(60):
        return list(walk(start, Outcome((), False, [], [], [], [], [])))


def padded(values: Sequence[Sequence[float]], limit: int, blank: float) -> Floats:
    return np.array([[*row, *[blank] * (limit - len(row))] for row in values])


def complaints(
    run: Callable[..., Sample], laws: Laws, end: int, steps: Chain, limit: int, start: Path = ()
) -> list[str]:
    """What is wrong with a generator on a tree, over all its branches."""
    every = outcomes(laws, start, end, steps, limit)
    low, high = (padded([getattr(o, name) for o in every], limit, 0.5) for name in ("low", "high"))
    volume = (np.where(high > low, high - low, 1.0)).prod(axis=1).sum()
    assert math.isclose(volume, 1.0, rel_tol=1e-13), "the intervals fill the cube"
    inside = [np.where(low > 0, low + EDGE, 0.0), (low + high) / 2, np.where(high < 1, high - EDGE, TOP)]
    uniforms = np.concatenate(inside)
    want = every * 3
    try:
        found = run(
            Lookup(laws, end),
            np.tile(np.array(start, dtype=np.int64), (len(want), 1)),
            steps,
            limit,
            rng=Scripted(uniforms),
        )
    except (IndexError, KeyError) as error:
        return [f"{type(error).__name__}"]
    checks = {
        "tokens": np.array_equal(found.tokens, padded([o.path for o in want], limit, PAD)),
        "length": np.array_equal(found.length, [len(o.path) for o in want]),
        "ended": np.array_equal(found.ended, [o.ended for o in want]),
    }
    for name in ("log_prob", "log_weight", "log_normaliser"):
        exact = padded([getattr(o, name) for o in want], limit, 0.0)
        own = getattr(found, name)
        checks[name] = own.shape == exact.shape and bool((np.abs(own - exact) <= ACCURACY * (1 + np.abs(exact))).all())
    log_q = [math.fsum(o.log_weight) - math.fsum(o.log_normaliser) for o in want]
    checks["log_sampled"] = found.log_sampled == pytest.approx(log_q, rel=1e-11, abs=1e-12)
    return [name for name, fine in checks.items() if not fine]


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


@given(trees(), st.sampled_from(CHAINS), st.integers(1, 5))
def test_every_branch(aligned: Aligned, steps: Chain, limit: int) -> None:
    """All outcomes from both ends of their intervals, with every number of every step; censored ones too."""
    assert complaints(generate, next_laws(aligned), len(aligned.tree.alphabet), steps, limit) == []


@given(trees(tokens=3, depth=2), st.sampled_from(CHAINS), st.data())
def test_every_branch_after_a_prompt(aligned: Aligned, steps: Chain, data: st.DataObject) -> None:
    """Continuations of a prefix; neither its tokens nor their probability are part of the string."""
    laws = next_laws(aligned)
    start = data.draw(st.sampled_from(sorted(laws)))
    assert complaints(generate, laws, len(aligned.tree.alphabet), steps, 3, start) == []


WIDE = [random_tree(np.random.default_rng(seed), 3, 4) for seed in (1, 5)]


@pytest.mark.parametrize("aligned", WIDE, ids=["1", "5"])
@pytest.mark.parametrize("steps", CHAINS, ids=str)
def test_every_branch_of_wider_trees(aligned: Aligned, steps: Chain) -> None:
    """Three tokens, four deep, uncut and cut."""
    for limit in (2, 5, 7):
        assert complaints(generate, next_laws(aligned), 3, steps, limit) == []


def test_rows_do_not_see_one_another() -> None:
    """A row is a function of its prompt and its uniforms: in another order, and alone, it is the same."""
    laws = next_laws(WIDE[0])
    rng = np.random.default_rng(7)
    uniforms = rng.random((40, 5))
    order = rng.permutation(40)
    prompts = np.zeros((40, 0), dtype=np.int64)
    whole = generate(Lookup(laws, 3), prompts, CHAINS[1], 5, rng=Scripted(uniforms))
    turned = generate(Lookup(laws, 3), prompts, CHAINS[1], 5, rng=Scripted(uniforms[order]))
    for name in Sample.__slots__:
        assert np.array_equal(getattr(whole, name)[order], getattr(turned, name))
        for k in range(0, 40, 7):
            alone = generate(Lookup(laws, 3), prompts[:1], CHAINS[1], 5, rng=Scripted(uniforms[k : k + 1]))
            assert np.array_equal(getattr(whole, name)[k], getattr(alone, name)[0])


def test_the_same_seed_gives_the_same_strings() -> None:
    """A numpy generator's ``random(rows)``, once a step, and nothing else of it."""
    laws = next_laws(WIDE[1])
    prompts = np.zeros((30, 0), dtype=np.int64)
    seeded = generate(Lookup(laws, 3), prompts, (), 5, rng=np.random.default_rng(11))
    columns = np.random.default_rng(11)
    scripted = generate(
        Lookup(laws, 3), prompts, (), 5, rng=Scripted(np.stack([columns.random(30) for _ in range(5)]).T)
    )
    assert np.array_equal(seeded.tokens, scripted.tokens)
    assert np.array_equal(seeded.log_prob, scripted.log_prob)


def test_no_step_after_the_last() -> None:
    """The decoder is not asked beyond the limit, nor after all rows have ended."""
    halves: Laws = {(0,) * n: [Fraction(1, 2), Fraction(1, 2)] for n in range(9)}
    prompts = np.zeros((2, 0), dtype=np.int64)
    for uniforms, limit, steps in (([0.2, 0.2], 4, 3), ([0.9, 0.9], 4, 0), ([0.2, 0.9], 1, 0), ([0.2, 0.9], 2, 1)):
        decoder = Lookup(halves, 1)
        generate(decoder, prompts, (), limit, rng=Scripted(np.tile(np.array(uniforms)[:, None], (1, 9))))
        assert decoder.calls == steps


def test_no_rows() -> None:
    """No prompts, no strings."""
    found = generate(Steps(np.zeros((3, 0, 2)), 1), NONE[:0], CHAINS[4], 3, rng=Scripted(np.zeros((0, 3))))
    assert found.tokens.shape == found.log_prob.shape == (0, 3)
    assert found.length.shape == found.ended.shape == found.log_sampled.shape == (0,)


# --- the first token above a uniform --------------------------------------------------------------------------------


def test_first_above_by_fractions() -> None:
    """The first token whose cumulative weight exceeds u times the sum, hence one of positive weight.

    Every row of four weights in 0..2 with a positive sum, at all multiples of 1/64, where the product is exact, just
    above 0 and just below 1.
    """
    rows = [w for w in itertools.product(range(3), repeat=4) if any(w)]
    for u in (*(k / 64 for k in range(64)), 2.0**-53, TOP):
        found = first_above(np.array(rows, dtype=np.float64), np.full(len(rows), u))
        for weights, token in zip(rows, found.tolist(), strict=True):
            level = Fraction(u) * sum(weights)
            assert token == next(t for t, c in enumerate(itertools.accumulate(weights)) if c > level)
            assert weights[token] > 0


@pytest.mark.parametrize("uniform", [0.0, 5e-324, 2.0**-53, 0.5, TOP])
@pytest.mark.parametrize(
    "weights",
    [
        [0.0, 0.0, 1.0],
        [1.0, 0.0, 0.0],
        [0.0, 1.0, 0.0],
        [0.0, 1e-300, 0.0],
        [0.0, 1e300, 0.0],
        [1e-300, 1.0, 1e-300],
        [0.0, 0.1, 0.0, 0.2, 0.0, 0.7, 0.0],
        [0.0, 1 / 3, 0.0, 1 / 3, 1 / 3, 0.0],
        [1.0, 1e-17, 0.0, 1e-17, 0.0],
    ],
)
def test_first_above_never_returns_a_token_of_weight_0(weights: list[float], uniform: float) -> None:
    """At 0, just below 1 and between, with leading, inner and trailing zeros."""
    (token,) = first_above(np.array([weights]), np.array([uniform])).tolist()
    assert weights[token] > 0


def test_first_above_just_below_one() -> None:
    """The largest uniform times the sum stays below the sum: the last token of positive weight, whatever the sum."""
    rng = np.random.default_rng(8)
    weights = np.concatenate(
        (rng.random((5000, 3)) * 2.0 ** rng.integers(-60, 60, (5000, 1)), np.zeros((5000, 2))), axis=1
    )
    weights = np.concatenate(
        (weights, [[2.0**k + e, 0, 0, 0, 0] for k in range(-9, 9) for e in (0.0, math.ulp(2.0**k))])
    )
    found = first_above(weights, np.full(len(weights), TOP))
    assert (weights[np.arange(len(weights)), found] > 0).all()
    assert (first_above(weights, np.zeros(len(weights))) == 0).all()


# --- logits that no law has -----------------------------------------------------------------------------------------


@dataclass
class Steps:
    """A decoder with the logits of each step given, shape (T, B, V)."""

    values: Floats
    end: int
    place: int = 0

    def begin(self, prompts: NDArray[np.int64]) -> Floats:
        self.place = 0
        return self.values[0]

    def advance(self, tokens: NDArray[np.int64]) -> Floats:
        self.place += 1
        return self.values[self.place]

    def logits(self, prompts: NDArray[np.int64], tokens: NDArray[np.int64]) -> Floats:
        raise AssertionError("generation goes step by step")


NONE = np.zeros((3, 0), dtype=np.int64)
MIDDLE = np.full((3, 4), 0.5)


def steps_with(row: int, step: int, logits: Sequence[float]) -> Steps:
    """Three rows of three steps that draw token 1 of three, with other logits at one place."""
    values = np.tile(np.array([-np.inf, 0.0, -np.inf]), (3, 3, 1))
    values[step, row] = logits
    return Steps(values, 2)


@pytest.mark.parametrize(("row", "step"), [(0, 0), (2, 0), (1, 1), (2, 2)])
@pytest.mark.parametrize(
    "logits",
    [(0, 0, math.nan), (math.nan, 1, 2), (0, math.inf, 0), (-math.inf,) * 3, (math.nan, math.inf, 0), (math.nan,) * 3],
    ids=str,
)
def test_logits_that_no_law_has_are_refused(row: int, step: int, logits: Sequence[float]) -> None:
    """The message counts rows from 0, as arrays do, and tokens from 1."""
    with pytest.raises(ValueError, match=rf"^row {row}, token {step + 1}: .*NaN or infinity"):
        generate(steps_with(row, step, logits), NONE, (), 3, rng=Scripted(MIDDLE))


def test_single_impossible_tokens_are_allowed() -> None:
    """-inf is a token of probability 0."""
    found = generate(steps_with(0, 0, (-math.inf, 0, -math.inf)), NONE, (), 3, rng=Scripted(MIDDLE))
    assert (found.tokens == 1).all()
    assert not found.ended.any()


def test_rows_that_have_ended_may_hold_anything() -> None:
    """Row 1 ends at once; its logits afterwards are NaN, and nothing of them shows."""
    values = np.tile(np.array([-np.inf, 0.0, -np.inf]), (3, 3, 1))
    values[0, 1] = [-np.inf, -np.inf, 0.0]
    values[1:, 1] = np.nan
    for steps in ((), chain(("temperature", "1/2"))):
        found = generate(Steps(values, 2), NONE, steps, 3, rng=Scripted(MIDDLE))
        assert found.tokens.tolist() == [[1, 1, 1], [2, PAD, PAD], [1, 1, 1]]
        assert found.length.tolist() == [3, 1, 3]
        assert found.ended.tolist() == [False, True, False]
        for name in ("log_prob", "log_weight", "log_normaliser"):
            assert (getattr(found, name) == 0).all()


@pytest.mark.parametrize("row", [0, 2])
def test_check_logits_names_the_first_row_alive(row: int) -> None:
    """Rows that are not alive are not looked at."""
    logits = np.zeros((3, 2))
    logits[row:, 0] = math.nan
    alive = np.ones(3, dtype=bool)
    with pytest.raises(ValueError, match=rf"^row {row}, token 8:"):
        check_logits(logits[:, None], alive[:, None], 7)
    alive[row:] = False
    check_logits(logits[:, None], alive[:, None], 7)


@pytest.mark.parametrize("length", [0, -3])
def test_a_string_needs_room(length: int) -> None:
    """The message says what arrived."""
    with pytest.raises(ValueError, match=f"got a length limit of {length}$"):
        generate(steps_with(0, 0, (0, 0, 0)), NONE, (), length, rng=Scripted(MIDDLE))


# --- wrong copies ---------------------------------------------------------------------------------------------------


def strictly(weight: Floats, uniform: Floats) -> NDArray[np.int64]:
    """The first token whose cumulative weight is at least the uniform's share."""
    cumulative = np.cumsum(weight, axis=1)
    return np.asarray((cumulative < uniform[:, None] * cumulative[:, -1:]).sum(axis=1))


def from_the_right(weight: Floats, uniform: Floats) -> NDArray[np.int64]:
    """Right in law, and another string for a seed."""
    return weight.shape[1] - 1 - first_above(weight[:, ::-1], uniform)


def without_the_sum(weight: Floats, uniform: Floats) -> NDArray[np.int64]:
    """The weights of a truncation do not sum to 1."""
    return np.asarray((np.cumsum(weight, axis=1) <= uniform[:, None]).sum(axis=1))


def flattened(weight: Floats, uniform: Floats) -> NDArray[np.int64]:
    """Draws from a law 1 % nearer to the uniform one on the support."""
    mixed = 0.99 * weight / weight.sum(axis=1, keepdims=True) + 0.01 * (weight > 0) / (weight > 0).sum(axis=1)[:, None]
    return first_above(mixed, uniform)


PATCHES: dict[str, tuple[str, Any]] = {
    "a boundary belongs to the token before": ("first_above", strictly),
    "from the right": ("first_above", from_the_right),
    "weights as if they summed to 1": ("first_above", without_the_sum),
    "a law that is slightly flatter": ("first_above", flattened),
    "logits as if they were normalised": ("log_softmax", lambda logits: logits.astype(np.float64)),
    "no normaliser": ("log_sum", lambda weight: np.zeros(len(weight))),
}


def with_adaptors(change: Callable[[Chain], Chain]) -> Callable[..., Sample]:
    """Generation with the adaptors changed."""
    return lambda *args, rng: generate(*args, rng=rng, adapt=lambda law, steps: log_weights(law, change(steps)))


def afterwards(change: Callable[[Sample], Sample]) -> Callable[..., Sample]:
    """Generation with the sample changed."""
    return lambda *args, rng: change(generate(*args, rng=rng))


def end_unscored(sample: Sample) -> Sample:
    last = np.arange(sample.tokens.shape[1]) == sample.length[:, None] - 1
    return replace(sample, log_prob=np.where(last & sample.ended[:, None], 0.0, sample.log_prob))


WRONG: dict[str, Callable[..., Sample]] = {
    "adaptors are forgotten": with_adaptors(lambda steps: ()),
    "only the first adaptor": with_adaptors(lambda steps: steps[:1]),
    "the end is not scored": afterwards(end_unscored),
    "cut strings count as ended": afterwards(lambda s: replace(s, ended=np.ones_like(s.ended))),
    "the end is not counted": afterwards(lambda s: replace(s, length=s.length - s.ended)),
    "padded with 0": afterwards(lambda s: replace(s, tokens=np.where(s.tokens == PAD, 0, s.tokens))),
    "log p after adaptors": afterwards(lambda s: replace(s, log_prob=s.log_weight - s.log_normaliser)),
    "log c after the end": afterwards(lambda s: replace(s, log_normaliser=s.log_normaliser - 0.1 * (s.tokens == PAD))),
}


def all_complaints(run: Callable[..., Sample]) -> list[str]:
    """Over all chains on one tree, cut and uncut."""
    laws = next_laws(WIDE[0])
    return [c for steps in CHAINS for limit in (2, 5) for c in complaints(run, laws, 3, steps, limit)]


@pytest.mark.parametrize("slip", PATCHES)
def test_wrong_procedures_are_noticed(slip: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """One procedure replaced by a wrong one."""
    monkeypatch.setattr(module, *PATCHES[slip])
    assert all_complaints(generate)


@pytest.mark.parametrize("slip", WRONG)
def test_wrong_samples_are_noticed(slip: str) -> None:
    """One field of the sample, or the adaptors, wrong."""
    assert all_complaints(WRONG[slip])


def test_very_cold_temperatures() -> None:
    """Weights that all underflow: the most probable token is drawn."""
    known = tree(1)
    drawn = generate(
        decoder_of(known),
        np.zeros((64, 0), dtype=np.int64),
        chain(("temperature", "1/5000")),
        4,
        rng=np.random.default_rng(0),
    )
    assert np.isfinite(drawn.log_sampled).all()


def test_a_nucleus_of_a_row_that_has_ended_may_hold_anything() -> None:
    """Row 0 ends at the first step; its NaN at the second is nobody's business."""
    decoder = Steps(np.array([[[-50.0, 0.0], [0.0, -50.0]], [[np.nan, np.nan], [-50.0, 0.0]]]), 1)
    drawn = generate(
        decoder, np.zeros((2, 1), dtype=np.int64), chain(("nucleus", "1/2")), 2, rng=np.random.default_rng(0)
    )
    assert drawn.tokens.tolist() == [[1, -1], [0, 1]]
