"""The dense tree of a decoder: its outcomes and their probabilities against strings and prefixes in fractions."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from mpmath import mp
from numpy.typing import NDArray

from simulations.agreement import setting
from simulations.agreement.known import Known, tree
from simulations.decoders import dense_tree as module
from simulations.decoders.dense_tree import Enumeration
from simulations.decoders.tree import TreeDecoder
from simulations.sampling.generate import PAD, Decoder, Sample, generate
from tests.reference import adapted, real
from tests.strategies import tables, trees
from theory.adaptors.exact import Chain, adapt, chain, decide
from theory.adaptors.gauge import next_token_laws
from theory.alignment.gibbs import Aligned
from theory.arithmetic.exact import floats, fraction
from theory.examples.finite import random_tree

Floats = NDArray[np.float64]
Tokens = NDArray[np.int64]
Path = tuple[int, ...]

ACCURACY = 1e-12
NOTHING = np.zeros(0, dtype=np.int64)

CHAINS = [
    (),
    chain(("temperature", "1/2")),
    chain(("temperature", "5/3")),
    chain(("top_k", 1)),
    chain(("top_k", 2), ("temperature", 2)),
    chain(("nucleus", "2/3")),
    chain(("nucleus", "1/2")),
    chain(("min_p", "1/2"), ("temperature", "1/3")),
    chain(("temperature", "1/2"), ("nucleus", "1/2"), ("epsilon", "1/4")),
    chain(("eta", "1/3")),
    chain(("epsilon", "1/3")),
]


def decoder_of(aligned: Aligned) -> TreeDecoder:
    """p+ with each next-token probability rounded once, so that equal ones stay equal."""
    law = next_token_laws(aligned)
    return TreeDecoder.of(law.tree, floats(law.prob), floats(law.end))


@dataclass
class Renamed:
    """A decoder with other ids: what was token k is ``order[k]``, the end too."""

    inner: TreeDecoder
    order: list[int]

    @property
    def end(self) -> int:
        return self.order[self.inner.end]

    def begin(self, prompts: Tokens) -> Floats:
        raise AssertionError("enumeration takes whole prefixes")

    def advance(self, tokens: Tokens) -> Floats:
        raise AssertionError("enumeration takes whole prefixes")

    def logits(self, prompts: Tokens, tokens: Tokens) -> Floats:
        own = self.inner.logits(self._old(prompts), self._old(tokens))
        return own[..., np.argsort(self.order)] + 7.0

    def _old(self, ids: Tokens) -> Tokens:
        return np.where(ids == PAD, PAD, np.argsort(self.order)[ids])


def next_laws(aligned: Aligned) -> dict[Path, list[Fraction]]:
    """p+(. | prefix) for every prefix, the end last: ratios of sums over strings."""
    exact = aligned.exact_prob()
    assert exact is not None
    alphabet = aligned.tree.alphabet
    masses: dict[Path, list[Fraction]] = {}
    for node, p in zip(aligned.node, exact, strict=True):
        path = (*(alphabet.index(t) for t in aligned.tree.tokens(int(node))), len(alphabet))
        for t, token in enumerate(path):
            masses.setdefault(path[:t], [Fraction(0)] * (len(alphabet) + 1))[token] += fraction(p)
    return {prefix: [m / sum(own) for m in own] for prefix, own in masses.items()}


def outcomes(width: int, end: int, length: int) -> list[Path]:
    """All strings that end within so many tokens, by length, then those cut there; each in the order of its ids."""
    others = [t for t in range(width) if t != end]
    ended = [(*u, end) for d in range(length) for u in itertools.product(others, repeat=d)]
    return ended + list(itertools.product(others, repeat=length))


def of_law(laws: dict[Path, list[Fraction]], path: Path, start: Path = ()) -> Fraction:
    """The probability of these tokens after a prompt: a product of next-token probabilities."""
    total = Fraction(1)
    for t, token in enumerate(path):
        law = laws.get((*start, *path[:t]))
        total *= law[token] if law is not None and total else 0
    return total


def agrees(log_prob: Floats, exact: list[Any]) -> bool:
    """Within 1e-12 relatively, with -inf where the probability is 0."""
    return len(log_prob) == len(exact) and all(
        bool(found == -math.inf) if p == 0 else abs(math.exp(found) - float(p)) <= ACCURACY * float(p)
        for found, p in zip(log_prob.tolist(), exact, strict=True)
    )


def sample_of(tokens: Tokens, end: int) -> Sample:
    """What generation would have made of these tokens, as far as outcomes need it."""
    zero = np.zeros(tokens.shape)
    return Sample(tokens, (tokens != PAD).sum(axis=1), (tokens == end).any(axis=1), zero, zero, zero)


# --- probabilities --------------------------------------------------------------------------------------------------


@given(trees(), st.integers(1, 5))
def test_strings_and_prefixes(aligned: Aligned, length: int) -> None:
    """p+ of each string that ends in time, the mass of each prefix that does not, 0 for all others; 1 in total."""
    found = Enumeration.of(decoder_of(aligned), NOTHING, length).log_prob()
    width = len(aligned.tree.alphabet) + 1
    laws = next_laws(aligned)
    assert agrees(found, [of_law(laws, path) for path in outcomes(width, width - 1, length)])
    assert np.exp(found).sum() == pytest.approx(1.0, abs=ACCURACY)


@given(trees(tokens=3, depth=2), st.integers(0, 12), st.integers(1, 3))
def test_after_a_prompt(aligned: Aligned, number: int, length: int) -> None:
    """Continuations of a prefix, given the prefix."""
    laws = next_laws(aligned)
    start = sorted(laws)[number % len(laws)]
    found = Enumeration.of(decoder_of(aligned), np.array(start, dtype=np.int64), length).log_prob()
    assert agrees(found, [of_law(laws, path, start) for path in outcomes(4, 3, length)])


@given(trees(), st.integers(0, 2), st.integers(1, 4))
def test_the_end_may_be_any_id(aligned: Aligned, end: int, length: int) -> None:
    """With the end first, between or last, and with unnormalised logits: the outcomes in the order of the new ids."""
    order = [t for t in range(3) if t != end] + [end]
    decoder = Renamed(decoder_of(aligned), order)
    own = Enumeration.of(decoder, NOTHING, length)
    laws = next_laws(aligned)
    every = outcomes(3, end, length)
    assert agrees(own.log_prob(), [of_law(laws, tuple(order.index(t) for t in path)) for path in every])
    assert own.end == end
    assert [tuple(t for t in row if t != PAD) for row in own.tokens().tolist()] == every
    assert own.outcome(sample_of(own.tokens(), end)).tolist() == list(range(len(every)))


def test_known_strings() -> None:
    """A Known tree's strings, found by the prefix at which they end."""
    aligned = random_tree(np.random.default_rng(1), 3, 4)
    known = Known.of("tree", aligned)
    prior, own = TreeDecoder.pair(aligned)
    for decoder, law in ((prior, known.prior), (own, known.prob)):
        found = Enumeration.of(decoder, NOTHING, 5)
        prob, tokens = np.exp(found.log_prob()), found.tokens()
        at = np.searchsorted(aligned.node, decoder.ends_at(np.zeros((len(tokens), 0), dtype=np.int64), tokens))
        possible = prob > 0
        assert sorted(at[possible].tolist()) == list(range(len(aligned)))
        assert prob[possible] == pytest.approx(law[at[possible]], rel=ACCURACY)


def test_starts() -> None:
    """2^d strings of d tokens and the end, 2^T cut ones; their number last."""
    aligned = random_tree(np.random.default_rng(1), 2, 4)
    for length in range(1, 6):
        own = Enumeration.of(decoder_of(aligned), NOTHING, length)
        assert own.branching == 2
        assert own.starts.tolist() == [*(2**d - 1 for d in range(length + 1)), 2 ** (length + 1) - 1]
        assert [len(law) for law in own.laws] == [2**d for d in range(length)]
        assert len(own.log_prob()) == len(own.tokens()) == own.starts[-1]
        for d in range(length + 1):
            block = own.tokens()[own.starts[d] : own.starts[d + 1]]
            assert ((block != PAD).sum(axis=1) == min(d + 1, length)).all()
            assert (block == own.end).any() == (d < length)


def test_chunks() -> None:
    """How many prefixes go through the decoder at once changes nothing, and no pass holds more of them."""

    @dataclass
    class Counting(Renamed):
        most: int = 0

        def logits(self, prompts: Tokens, tokens: Tokens) -> Floats:
            assert len(prompts) == len(tokens)
            self.most = max(self.most, len(tokens))
            return super().logits(prompts, tokens)

    inner = decoder_of(random_tree(np.random.default_rng(1), 3, 4))
    whole = Enumeration.of(inner, np.array([1]), 4)
    for rows in (1, 2, 5, 9, 26, 27, 28, 1000):
        decoder = Counting(inner, [0, 1, 2, 3])
        chunked = Enumeration.of(decoder, np.array([1]), 4, rows=rows)
        assert decoder.most == min(rows, 27)
        for one, two in zip(whole.laws, chunked.laws, strict=True):
            assert one.shape == two.shape
            assert np.exp(one) == pytest.approx(np.exp(two), abs=1e-14)
        assert np.array_equal(whole.laws[-1], Enumeration.of(inner, np.array([1]), 4, rows=rows).laws[-1])


# --- outcomes -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("width", "length"), [(2, 1), (2, 4), (3, 3), (4, 3), (6, 2)])
def test_outcome_inverts_tokens(width: int, length: int) -> None:
    """For any id as the end; in any order, and with rows that occur twice."""
    for end in range(width):
        own = Enumeration(end, tuple(np.full(((width - 1) ** d, width), -math.log(width)) for d in range(length)))
        tokens = own.tokens()
        every = outcomes(width, end, length)
        assert [tuple(t for t in row if t != PAD) for row in tokens.tolist()] == every
        picked = np.random.default_rng(end).integers(0, len(every), 3 * len(every))
        assert np.array_equal(own.outcome(sample_of(tokens[picked], end)), picked)


# --- adaptors -------------------------------------------------------------------------------------------------------


def no_distances_tie(aligned: Aligned) -> bool:
    """Whether no two different probabilities of a next-token law are equally far from its entropy."""
    for law in next_laws(aligned).values():
        prob = [float(p) for p in law if p > 0]
        entropy = -math.fsum(p * math.log(p) for p in prob)
        for p, q in itertools.combinations(sorted(set(prob)), 2):
            if abs(abs(-math.log(p) - entropy) - abs(-math.log(q) - entropy)) < 1e-9:
                return False
    return True


TYPICAL = [chain(("typical", v)) for v in ("1/3", "1/2", "4/5", 1)]


@given(st.one_of(trees(), tables(2, 5)), st.sampled_from([*CHAINS, *TYPICAL]))
def test_adapted_against_the_local_law(aligned: Aligned, steps: Chain) -> None:
    """q_loc and sum log c of every string as ``theory.adaptors.exact`` has them, on the same support."""
    assume(steps not in TYPICAL or no_distances_tie(aligned))
    length = len(aligned.tree.levels) - 1
    decoder = decoder_of(aligned)
    own = Enumeration.of(decoder, NOTHING, length)
    log_q, log_c = own.adapted(steps)
    numbers = aligned.balls()
    law = adapt(numbers, decide(numbers, steps), "local")
    tokens = own.tokens()
    node = decoder.ends_at(np.zeros((len(tokens), 0), dtype=np.int64), tokens)
    possible = np.flatnonzero(np.isfinite(log_q))
    order = possible[np.argsort(node[possible])]
    assert node[order].tolist() == aligned.node[law.string].tolist()
    assert np.exp(log_q[order]) == pytest.approx(floats(law.prob), abs=ACCURACY)
    assert log_q[order] == pytest.approx(floats(law.log_prob), abs=1e-11)
    assert log_c[order] == pytest.approx(floats(law.log_normaliser), abs=ACCURACY)


@given(trees(), st.sampled_from(CHAINS), st.integers(1, 4))
def test_adapted_where_it_is_cut(aligned: Aligned, steps: Chain, length: int) -> None:
    """q_loc of strings and of prefixes, and sum log c, step by step at 60 digits; 1 in total."""
    own = Enumeration.of(decoder_of(aligned), NOTHING, length)
    log_q, log_c = own.adapted(steps)
    width = len(aligned.tree.alphabet) + 1
    with mp.workdps(60):
        chosen = [(step.name, real(step.value)) for step in steps]
        weights = {u: adapted([real(p) for p in law], chosen) for u, law in next_laws(aligned).items()}
        for number, path in enumerate(outcomes(width, width - 1, length)):
            q, c = mp.one, mp.one
            for t, token in enumerate(path):
                row = weights.get(path[:t])
                if row is None or row[token] == 0:
                    q = mp.zero
                    break
                total = mp.fsum(row)
                q, c = q * row[token] / total, c * total
            if q == 0:
                assert log_q[number] == -math.inf
            else:
                assert log_q[number] == pytest.approx(float(mp.log(q)), abs=1e-11)
                assert log_c[number] == pytest.approx(float(mp.log(c)), abs=1e-11)
    assert np.exp(log_q).sum() == pytest.approx(1.0, abs=ACCURACY)


def test_without_adaptors() -> None:
    """The model itself, with c = 1."""
    own = Enumeration.of(decoder_of(random_tree(np.random.default_rng(1), 3, 4)), NOTHING, 3)
    log_q, log_c = own.adapted(())
    assert np.exp(log_q) == pytest.approx(np.exp(own.log_prob()), abs=1e-14)
    assert log_c[np.isfinite(log_q)] == pytest.approx(0.0, abs=1e-13)


# --- wrong copies ---------------------------------------------------------------------------------------------------

TREE = random_tree(np.random.default_rng(1), 3, 4)


def all_complaints() -> set[str]:
    """What is off on one tree with the end between the other ids."""
    order = [0, 2, 3, 1]
    decoder: Decoder = Renamed(decoder_of(TREE), order)
    laws = next_laws(TREE)
    every = outcomes(4, 1, 3)
    wrong = set()
    own = Enumeration.of(decoder, NOTHING, 3, rows=4)
    if not agrees(own.log_prob(), [of_law(laws, tuple(order.index(t) for t in path)) for path in every]):
        wrong.add("log_prob")
    if [tuple(t for t in row if t != PAD) for row in own.tokens().tolist()] != every:
        wrong.add("tokens")
    right = np.array([[*path, *[PAD] * (3 - len(path))] for path in every])
    if own.outcome(sample_of(right, 1)).tolist() != list(range(len(every))):
        wrong.add("outcome")
    with mp.workdps(60):
        weights = {u: adapted([real(p) for p in law], [("nucleus", real("2/3"))]) for u, law in laws.items()}
    shares = {u: [Fraction(str(w)) for w in row] for u, row in weights.items()}
    local = {u: [w / sum(row) for w in row] for u, row in shares.items()}
    log_q, log_c = own.adapted(chain(("nucleus", "2/3")))
    if not agrees(log_q, [of_law(local, tuple(order.index(t) for t in path)) for path in every]):
        wrong.add("log_q")
    for number, path in enumerate(every):
        old = tuple(order.index(t) for t in path)
        if of_law(local, old) > 0:
            c = math.fsum(math.log(sum(shares[old[:t]])) for t in range(len(old)))
            if not math.isclose(log_c[number], c, abs_tol=1e-11):
                wrong.add("log_c")
    return wrong


def test_nothing_is_off() -> None:
    """The control of the controls."""
    assert all_complaints() == set()


def longer_in_another_order(prefixes: Tokens, vocabulary: int, end: int) -> Tokens:
    """The new token varies slowest."""
    others = np.array([t for t in range(vocabulary) if t != end])
    return np.concatenate((np.tile(prefixes, (len(others), 1)), np.repeat(others, len(prefixes))[:, None]), axis=1)


def longer_with_the_end_last(prefixes: Tokens, vocabulary: int, end: int) -> Tokens:
    """The end is taken to be the last id."""
    return np.asarray(LONGER(prefixes, vocabulary, vocabulary - 1))


LONGER = module._longer
OUTCOME, ALONG, STARTS = Enumeration.outcome, Enumeration._along, Enumeration.starts


def censored_dropped(self: Enumeration, steps: Any) -> Floats:
    """Cut strings have probability 0."""
    found = ALONG(self, steps)
    found[self.starts[-2] :] = -math.inf
    return found


def censored_as_ended(self: Enumeration, steps: Any) -> Floats:
    """Cut strings are given a last step that ends them."""
    found = ALONG(self, steps)
    found[self.starts[-2] :] += np.log(0.25)
    return found


def every_end_alike(self: Enumeration, steps: Any) -> Floats:
    """The step to the end is left out of strings."""
    found = ALONG(self, steps)
    found[0] = 0.0
    return found


PATCHES: dict[str, tuple[Any, str, Any]] = {
    "prefixes in another order": (module, "_longer", longer_in_another_order),
    "the end is the last id": (module, "_longer", longer_with_the_end_last),
    "logits as if they were normalised": (module, "log_softmax", lambda logits: logits.astype(np.float64)),
    "no normaliser": (module, "log_sum", lambda weight: np.zeros(len(weight))),
    "adaptors are forgotten": (module, "log_weights", lambda law, steps: law),
    "cut strings are dropped": (Enumeration, "_along", censored_dropped),
    "cut strings count as ended": (Enumeration, "_along", censored_as_ended),
    "the end is not scored": (Enumeration, "_along", every_end_alike),
    "the end's id is a digit": (
        Enumeration,
        "outcome",
        lambda self, sample: OUTCOME(
            self, replace(sample, tokens=np.where(sample.tokens > 1, sample.tokens - 1, sample.tokens))
        ),
    ),
    "V branches": (Enumeration, "starts", property(lambda self: STARTS.fget(self) + np.arange(len(self.laws) + 2))),
}


@pytest.mark.parametrize("slip", PATCHES)
def test_wrong_enumerations_are_noticed(slip: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each slip shows in the outcomes, their order or their numbers."""
    monkeypatch.setattr(*PATCHES[slip])
    assert all_complaints()


def test_outcomes_of_strings_cut_too_soon_are_refused() -> None:
    """A string cut after 1 token of 2 is a prefix of several outcomes."""
    decoder = setting.decoder_of(tree(1))
    cut = generate(decoder, np.zeros((50, 0), dtype=np.int64), (), 1, rng=np.random.default_rng(0))
    with pytest.raises(ValueError, match="was cut after 1 tokens, before 2"):
        Enumeration.of(decoder, np.zeros(0, dtype=np.int64), 2).outcome(cut)
