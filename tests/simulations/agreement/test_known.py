"""Known models: every float against its ball, adapted laws against theory's, corpora against all of them one by one."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from flint import arb, fmpq
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from simulations.agreement import known as module
from simulations.agreement.known import Known, compositions, corpus_law, example, strengths, tree
from tests.strategies import models, tables, trees
from theory.adaptors.exact import Chain, adapt, chain, decide
from theory.adaptors.moments import moments
from theory.alignment.gibbs import Aligned
from theory.arithmetic.exact import Array, floats, fraction, rational
from theory.corpora.enumeration import all_corpora
from theory.examples import finite as examples
from theory.probability.information import entropy

Floats = NDArray[np.float64]

CHAINS = [
    (),
    chain(("temperature", "1/2")),
    chain(("top_k", 1)),
    chain(("nucleus", "2/3")),
    chain(("typical", "1/2")),
    chain(("min_p", "1/2"), ("temperature", "1/3")),
    chain(("temperature", "3/2"), ("nucleus", "1/2"), ("epsilon", "1/4")),
]
NORMALISERS = ("local", "global")
MOMENTS = ("mean_log_prior", "mean_reward", "entropy", "cross_entropy", "var_log_prior", "var_reward", "cov")


def rounded_once(found: Floats, enclosed: Array) -> bool:
    """Whether each float is within half a unit in its last place of the ball's number, or in a ball around 0."""

    def nearest(own: float, value: Any) -> bool:
        error = abs(arb(value) - arb(fmpq(*own.as_integer_ratio())))
        return bool(error <= arb(math.ulp(own)) * 0.5000001) or (arb(value).contains(0) and bool(error < 1e-70))

    return len(found) == len(enclosed) and all(map(nearest, found.tolist(), enclosed))


def complaints(known: Known, aligned: Aligned) -> set[str]:
    """Which fields of a known model are not those of the aligned one, computed at 256 bits."""
    numbers = aligned.balls()
    balls = {
        "log_prior": numbers.log_prior,
        "reward": numbers.reward,
        "surprisal": numbers.surprisal,
        "prob": numbers.prob,
        "prior": aligned.prior,
    }
    wrong = {name for name, value in balls.items() if not rounded_once(getattr(known, name), value)}
    if not rounded_once(np.array([known.log_partition]), np.array([numbers.log_partition], dtype=object)):
        wrong.add("log_partition")
    if not rounded_once(np.array([known.entropy]), np.array([entropy(numbers.prob)], dtype=object)):
        wrong.add("entropy")
    own = moments(numbers)
    wrong |= {name for name in MOMENTS if not getattr(known.moments, name).overlaps(getattr(own, name))}
    return wrong


@given(models())
def test_fields_against_balls(aligned: Aligned) -> None:
    """L, R, I, p+, p, log Z and H, each rounded once."""
    assert complaints(Known.of("drawn", aligned), aligned) == set()


@given(models())
def test_fields_against_fractions(aligned: Aligned) -> None:
    """p+ = p e^R / Z with e^R rational; L + R + I = log Z."""
    known = Known.of("drawn", aligned)
    weights = [fraction(p) * fraction(r.factor) for p, r in zip(aligned.prior, aligned.reward, strict=True)]
    total = sum(weights, start=Fraction(0))
    assert known.prob.tolist() == [float(w / total) for w in weights]
    assert known.prior.tolist() == [float(fraction(p)) for p in aligned.prior]
    assert known.log_partition == pytest.approx(math.log(total), abs=1e-14)
    assert known.log_prior + known.reward + known.surprisal == pytest.approx(known.log_partition, abs=1e-14)
    assert known.prob.sum() == pytest.approx(1.0, abs=1e-14)
    by_loop = -math.fsum(p * math.log(p) for p in known.prob.tolist())
    assert known.entropy == pytest.approx(by_loop, abs=1e-13)


@pytest.mark.parametrize("name", ["C1", "C2", "C3", "C4", "C5", "C6", "C7"])
def test_examples(name: str) -> None:
    """By name, in either case, the same object each time."""
    assert complaints(example(name), getattr(examples, name.lower())()) == set()
    assert example(name) is example(name)
    assert example(name).name == name


def test_examples_by_hand() -> None:
    """C5: p = (1, 2, 8)/11 and e^R = (8, 6, 3), so p+ = (8, 12, 24)/44 and Z = 4. The toy: 1,000 strings, Z = 1."""
    c5 = example("C5")
    assert c5.prob.tolist() == [8 / 44, 12 / 44, 24 / 44]
    assert c5.log_partition == pytest.approx(math.log(4), abs=1e-15)
    assert c5.reward == pytest.approx(np.log([8, 6, 3]), abs=1e-15)
    toy = example("toy")
    assert len(toy.prob) == 1000
    assert toy.log_partition == pytest.approx(0.0, abs=1e-15)
    assert toy.bounds(toy.prob) == (min(toy.prob.tolist()), max(toy.prob.tolist()))


@pytest.mark.parametrize("beta", ["1/3", "1", "5"])
def test_strengths_by_hand(beta: str) -> None:
    """p = (1, 4, 2)/7 with r = (0, 1, 2): p+ proportional to p e^{r / beta}."""
    known = strengths(rational(beta))
    weights = [p * math.exp(r / float(Fraction(beta))) for p, r in zip((1, 4, 2), (0, 1, 2), strict=True)]
    assert known.prob == pytest.approx([w / sum(weights) for w in weights], rel=1e-14)
    assert known.log_partition == pytest.approx(math.log(sum(weights) / 7), abs=1e-14)


def test_random_trees_are_the_same_in_every_run() -> None:
    """A tree is a function of its seed and size; other seeds give others."""
    one = tree(3)
    tree.cache_clear()
    two = tree(3)
    assert one is not two
    assert one.aligned.names() == two.aligned.names()
    assert np.array_equal(one.prob, two.prob)
    assert complaints(one, examples.random_tree(np.random.default_rng(3), 3, 3)) == set()
    assert tree(4).aligned.names() != one.aligned.names() or not np.array_equal(tree(4).prob, one.prob)
    assert len(tree(3, 2, 4).aligned.tree.alphabet) == 2


# --- adaptors -------------------------------------------------------------------------------------------------------


def adapted_complaints(known: Known, aligned: Aligned, steps: Chain, normalise: str) -> set[str]:
    """Where q, log c and the moments under q are not those of the formal adaptor."""
    numbers = aligned.balls()
    law = adapt(numbers, decide(numbers, steps), normalise)
    cut = np.setdiff1d(np.arange(len(aligned)), law.string)
    wrong = set()
    prob = known.adapted(steps, normalise)
    if not (rounded_once(prob[law.string], law.prob) and (prob[cut] == 0).all() and len(prob) == len(aligned)):
        wrong.add("prob")
    if normalise == "local":
        log_c = known.log_normaliser(steps)
        exact = floats(law.log_normaliser)
        if not (
            np.abs(log_c[law.string] - exact).max() <= 1e-15 * (1 + np.abs(exact).max()) and (log_c[cut] == 0).all()
        ):
            wrong.add("log_normaliser")
    own, exact_moments = known.adapted_moments(steps, normalise), moments(numbers, law)
    wrong |= {name for name in MOMENTS if not getattr(own, name).overlaps(getattr(exact_moments, name))}
    return wrong


@given(models(), st.sampled_from(CHAINS), st.sampled_from(NORMALISERS))
def test_adapted(aligned: Aligned, steps: Chain, normalise: str) -> None:
    """q rounded once, 0 where a string is cut off; log c; moments."""
    assert adapted_complaints(Known.of("drawn", aligned), aligned, steps, normalise) == set()


def test_adapted_by_hand() -> None:
    """C2: p+ = (4, 4, 4, 4, 9)/25. At T = 1/2 token b has 81/337 locally and 81/145 globally."""
    c2, cool = example("C2"), chain(("temperature", "1/2"))
    b = c2.aligned.names().index("b")
    assert c2.adapted(cool, "local")[b] == 81 / 337
    assert c2.adapted(cool, "global")[b] == 81 / 145
    log_c = math.log(337 / 625)
    assert c2.log_normaliser(cool)[b] == pytest.approx(log_c, abs=1e-15)
    others = np.delete(c2.log_normaliser(cool), b)
    assert others == pytest.approx(log_c - math.log(4), abs=1e-15)


def test_another_normalisation_is_refused() -> None:
    """Only "local" and "global"."""
    with pytest.raises(ValueError, match="sideways"):
        example("C2").adapted(CHAINS[1], "sideways")


# --- corpora --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("kinds", "size"), [(1, 1), (1, 9), (2, 5), (3, 1), (3, 8), (5, 4)])
def test_compositions(kinds: int, size: int) -> None:
    """All C(N + n - 1, n - 1) count vectors, each once."""
    found = compositions(kinds, size)
    assert found.shape == (math.comb(size + kinds - 1, kinds - 1), kinds)
    assert (found.sum(axis=1) == size).all()
    by_filter = {c for c in itertools.product(range(size + 1), repeat=kinds) if sum(c) == size}
    assert sorted(map(tuple, found.tolist())) == sorted(by_filter)


def corpora_differ(law: Callable[[Floats, int], Any], aligned: Aligned, size: int) -> bool:
    """Whether float corpora are off by 1e-12 from all corpora one by one, in probability or in the mean of L."""
    known, numbers = Known.of("drawn", aligned), aligned.balls()
    corpora = all_corpora(numbers, size)
    counts, prob = law(known.prob, size)
    if counts.shape != corpora.counts.shape or not np.array_equal(counts, corpora.counts):
        return True
    means = counts @ known.log_prior / size
    return bool(
        np.abs(prob / floats(corpora.prob) - 1).max() > 1e-12
        or abs(prob.sum() - 1) > 1e-13
        or np.abs(means - floats(corpora.log_prior)).max() > 1e-13
    )


@given(tables(2, 4), st.integers(1, 7))
def test_corpus_law(aligned: Aligned, size: int) -> None:
    """Each multinomial probability to 1e-12 of itself; the orders of the corpora are the same."""
    assert not corpora_differ(corpus_law, aligned, size)


@given(trees(), st.integers(1, 2))
def test_corpus_law_of_trees(aligned: Aligned, size: int) -> None:
    """Up to fifteen strings, one string too."""
    assert not corpora_differ(corpus_law, aligned, size)


def test_corpus_law_of_many_strings() -> None:
    """N = 300 of three strings, by fractions: 1e-12 of each probability, however small."""
    size, law = 300, [Fraction(1, 7), Fraction(2, 7), Fraction(4, 7)]
    counts, prob = corpus_law(np.array([float(p) for p in law]), size)
    for row, own in zip(counts[::97].tolist(), prob[::97].tolist(), strict=True):
        ways = math.factorial(size) // math.prod(math.factorial(k) for k in row)
        exact = ways * math.prod((p**k for p, k in zip(law, row, strict=True)), start=Fraction(1))
        assert own == pytest.approx(float(exact), rel=1e-12)
    assert prob @ counts / size == pytest.approx([float(p) for p in law], abs=1e-13)


# --- wrong copies ---------------------------------------------------------------------------------------------------


def known_from(**changes: Callable[[Known], Any]) -> Known:
    """C5 with fields replaced."""
    c5 = example("C5")
    fields = {name: getattr(c5, name) for name in Known.__slots__}
    return Known(**(fields | {name: change(c5) for name, change in changes.items()}))


FIELDS: dict[str, dict[str, Callable[[Known], Any]]] = {
    "prior and aligned exchanged": {"prob": lambda k: k.prior, "prior": lambda k: k.prob},
    "the surprisal of the prior": {"surprisal": lambda k: -k.log_prior},
    "the reward with the other sign": {"reward": lambda k: -k.reward},
    "rounded twice": {"prob": lambda k: k.prob.astype(np.float32).astype(np.float64)},
    "a unit in the last place": {"prob": lambda k: np.nextafter(k.prob, 1)},
    "log Z left out": {"surprisal": lambda k: k.surprisal - k.log_partition},
    "moments under the prior": {
        "moments": lambda k: moments(examples.table((1, 2, 8), (1, 1, 1)).balls()),
    },
}


@pytest.mark.parametrize("slip", FIELDS)
def test_wrong_fields_are_noticed(slip: str) -> None:
    """One field of C5 wrong."""
    assert complaints(known_from(**FIELDS[slip]), examples.c5())


def test_local_for_global_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """C2 at T = 1/2, each normalisation for the other."""
    monkeypatch.setattr(module, "adapt", lambda n, kept, _: adapt(n, kept, "local"))
    assert adapted_complaints(Known.of("C2", examples.c2()), examples.c2(), CHAINS[1], "global") >= {"prob"}
    monkeypatch.setattr(module, "adapt", lambda n, kept, _: adapt(n, kept, "global"))
    assert adapted_complaints(Known.of("C2", examples.c2()), examples.c2(), CHAINS[1], "local") >= {"prob"}


def one_order(prob: Floats, size: int) -> Any:
    """Corpora without the number of their orders."""
    counts = compositions(len(prob), size)
    weight = np.exp(counts @ np.log(prob))
    return counts, weight / weight.sum()


def without_duplicates(prob: Floats, size: int) -> Any:
    counts, law = corpus_law(prob, size)
    return np.minimum(counts, 1), law


CORPORA: dict[str, Callable[[Floats, int], Any]] = {
    "every corpus has one order": one_order,
    "a string counts once": without_duplicates,
    "one string more": lambda prob, size: corpus_law(prob, size + 1),
    "strings in another order": lambda prob, size: corpus_law(prob[::-1], size),
    "not divided by the sum": lambda prob, size: (corpus_law(prob, size)[0], corpus_law(prob, size)[1] * 1.001),
}


@pytest.mark.parametrize("slip", CORPORA)
def test_wrong_corpora_are_noticed(slip: str) -> None:
    """On C5 with three strings a corpus."""
    assert not corpora_differ(corpus_law, examples.c5(), 3)
    assert corpora_differ(CORPORA[slip], examples.c5(), 3)


def test_corpora_of_a_law_with_a_zero() -> None:
    """Strings of probability 0 are in no corpus."""
    _, prob = corpus_law(example("C5").adapted(chain(("top_k", 2)), "local"), 3)
    assert prob.sum() == pytest.approx(1)
    assert np.isfinite(prob).all()


def test_shared_arrays_are_read_only() -> None:
    """What is kept for the next caller cannot be changed by this one."""
    with pytest.raises(ValueError, match="read-only"):
        example("C5").adapted(chain(("top_k", 2)), "local")[0] = 9
