"""Adaptors: the edge rules as a table, ties that digits cannot see, chains, and both normalisations on trees."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from flint import arb, fmpq
from hypothesis import given
from hypothesis import strategies as st
from mpmath import mp

from tests.reference import adapted, real, share
from tests.strategies import models, trees, weights
from theory.adaptors.exact import ADAPTORS, Adaptor, Chain, _choices, adapt, adapt_global, adapt_local, chain, decide
from theory.adaptors.moments import moments
from theory.alignment.gibbs import Aligned, align
from theory.arithmetic.exact import fraction, log, objects, precision, rational, to_float
from theory.examples.finite import c2, table
from theory.language_models.rewards import Reward
from theory.language_models.tree import TreeModel

Steps = Sequence[tuple[str, Any]]
Tokens = tuple[str, ...]

JUST_ABOVE = fmpq(1, 10**40)
TIED = (2, 1, 1)  # surprisals log 2, log 4, log 4; entropy 3/2 log 2: three equal distances
FAR = (3, 1, 1, 1, 1)  # entropy 1.475; distances 0.63 of the first, 0.47 of the others


def surviving(aligned: Aligned, steps: Steps) -> set[int]:
    """The strings that a chain keeps."""
    kept = decide(aligned.balls(), chain(*steps))
    return {int(y) for y in np.flatnonzero(kept.strings())}


def kept_of(row: Sequence[int], *steps: tuple[str, Any]) -> set[int]:
    """What a chain keeps of the next-token law proportional to ``row``."""
    return surviving(table(row, [1] * len(row)), steps)


def tilted(row: Sequence[tuple[fmpq | int, fmpq | int]]) -> Aligned:
    """The table with p+ proportional to c e^a, the pairs (c, a) given."""
    total = sum((fmpq(c) for c, _ in row), start=fmpq(0))
    model = TreeModel.table([f"y{k}" for k in range(len(row))], objects(fmpq(c) / total for c, _ in row))
    return align(model, [Reward(exponent=fmpq(a)) for _, a in row])


EDGES: list[tuple[Sequence[int], list[tuple[str, Any]], set[int]]] = [
    # top-k: exactly min(k, V) tokens, ties to the lower index
    ((1, 1, 1), [("top_k", 1)], {0}),
    ((1, 2, 2), [("top_k", 1)], {1}),
    ((1, 2, 1, 2), [("top_k", 3)], {0, 1, 3}),
    ((1, 2), [("top_k", 5)], {0, 1}),
    # nucleus: the shortest run whose mass reaches the value
    (TIED, [("nucleus", "1/2")], {0}),
    (TIED, [("nucleus", fmpq(1, 2) + JUST_ABOVE)], {0, 1}),
    (TIED, [("nucleus", "3/4")], {0, 1}),
    (TIED, [("nucleus", fmpq(3, 4) + JUST_ABOVE)], {0, 1, 2}),
    (TIED, [("nucleus", 1)], {0, 1, 2}),
    ((1, 1, 2), [("nucleus", "3/4")], {0, 2}),
    ((1, 1, 1), [("nucleus", "2/3")], {0, 1}),
    ((1, 8), [("nucleus", JUST_ABOVE)], {1}),
    # locally typical: three distances tie, so the order is that of the indices
    (TIED, [("typical", "1/2")], {0}),
    (TIED, [("typical", "3/4")], {0, 1}),
    (TIED, [("typical", fmpq(3, 4) + JUST_ABOVE)], {0, 1, 2}),
    ((1, 2, 1), [("typical", "1/4")], {0}),
    ((1, 2, 1), [("typical", fmpq(1, 4) + JUST_ABOVE)], {0, 1}),
    # locally typical drops the most probable token when it is too likely
    (FAR, [("typical", "1/7")], {1}),
    (FAR, [("typical", "4/7")], {1, 2, 3, 4}),
    (FAR, [("typical", fmpq(4, 7) + JUST_ABOVE)], {0, 1, 2, 3, 4}),
    # eta: uniform, e = 1: sqrt(e) exp(-H) = p; here exp(-H) = 2^(-3/2), so e = 1/2 puts the threshold at 1/4
    ((1, 1, 1, 1), [("eta", 1)], {0, 1, 2, 3}),
    (TIED, [("eta", "1/2")], {0, 1, 2}),
    (TIED, [("eta", fmpq(1, 2) + JUST_ABOVE)], {0}),
    (TIED, [("eta", 1)], {0}),
    # eta where e is the smaller: exp(-2 H) = 0.63 for (15, 1)/16
    ((15, 1), [("eta", "1/16")], {0, 1}),
    ((15, 1), [("eta", fmpq(1, 16) + JUST_ABOVE)], {0}),
    # epsilon: the boundary passes; where nothing does, the most probable token of lowest index stays
    (TIED, [("epsilon", "1/4")], {0, 1, 2}),
    (TIED, [("epsilon", fmpq(1, 4) + JUST_ABOVE)], {0}),
    (TIED, [("epsilon", 1)], {0}),
    ((1, 1, 2), [("epsilon", "3/4")], {2}),
    ((1, 2, 2), [("epsilon", "1/2")], {1}),
    # min-p: the boundary passes; 0 keeps all, 1 keeps every token tied with the best
    (TIED, [("min_p", "1/2")], {0, 1, 2}),
    (TIED, [("min_p", fmpq(1, 2) + JUST_ABOVE)], {0}),
    ((1, 99), [("min_p", 0)], {0, 1}),
    ((1, 2, 2), [("min_p", 1)], {1, 2}),
    # temperature keeps all
    (TIED, [("temperature", "1/9")], {0, 1, 2}),
    # chains decide on the normalised form of what they receive: of (2, 1)/3 the first reaches 2/3
    (TIED, [("top_k", 2), ("nucleus", "2/3")], {0}),
    (TIED, [("nucleus", "2/3"), ("top_k", 2)], {0, 1}),
    (TIED, [("top_k", 2), ("epsilon", "1/3")], {0, 1}),
    (TIED, [("top_k", 2), ("eta", 1)], {0}),
    ((4, 2, 1, 1), [("nucleus", "3/4"), ("typical", "1/3")], {0}),
    # temperature first: T = 1/2 makes (4, 1, 1)/6 of it; afterwards it changes nothing that is kept
    (TIED, [("temperature", "1/2"), ("nucleus", "2/3")], {0}),
    (TIED, [("nucleus", "2/3"), ("temperature", "1/2")], {0, 1}),
    (TIED, [("temperature", "1/2"), ("epsilon", "1/6")], {0, 1, 2}),
    (TIED, [("temperature", "1/2"), ("epsilon", "1/5")], {0}),
    (TIED, [("temperature", "1/2"), ("min_p", "1/4")], {0, 1, 2}),
    (TIED, [("temperature", "1/2"), ("temperature", 2), ("nucleus", "3/4")], {0, 1}),
    # square roots: (4, 1, 1) becomes (2, 1, 1)/4, and (2, 8, 18) becomes (1, 2, 3)/6
    ((4, 1, 1), [("temperature", 2), ("nucleus", "3/4")], {0, 1}),
    ((4, 1, 1), [("temperature", 2), ("typical", "1/2")], {0}),
    ((1, 4, 1), [("temperature", 2), ("typical", "1/4")], {0}),
    ((4, 1, 1), [("temperature", 2), ("eta", "1/2")], {0, 1, 2}),
    ((2, 8, 18), [("temperature", 2), ("nucleus", "1/2")], {2}),
    ((2, 8, 18), [("temperature", 2), ("nucleus", "5/6")], {1, 2}),
    ((2, 8, 18), [("temperature", 2), ("nucleus", fmpq(5, 6) + JUST_ABOVE)], {0, 1, 2}),
    ((2, 8, 18), [("temperature", 2), ("epsilon", "1/3")], {1, 2}),
    ((2, 8, 18), [("temperature", 2), ("min_p", "1/3")], {0, 1, 2}),
    # 2 sqrt 2 + 2 sqrt 3 is two thirds of 3 sqrt 2 + 3 sqrt 3
    ((2, 3, 8, 12), [("temperature", 2), ("nucleus", "2/3")], {2, 3}),
    ((2, 3, 8, 12), [("temperature", 2), ("nucleus", fmpq(2, 3) + JUST_ABOVE)], {1, 2, 3}),
]


@pytest.mark.parametrize(("row", "steps", "kept"), EDGES, ids=lambda value: str(value).replace(" ", ""))
def test_edge_rules(row: Sequence[int], steps: Steps, kept: set[int]) -> None:
    """Boundaries and ties of every adaptor and of chains."""
    assert kept_of(row, *steps) == kept


@pytest.mark.parametrize(
    ("steps", "kept"),
    [
        ([("typical", "2/9")], {1}),
        ([("typical", "1/2")], {0, 1}),
        ([("eta", 1)], {0, 1}),
        ([("eta", "1/2")], {0, 1, 2, 3}),
        ([("eta", fmpq(1, 2) + JUST_ABOVE)], {0, 1}),
    ],
)
def test_entropies_of_square_roots_are_compared_formally(steps: Steps, kept: set[int]) -> None:
    """(4, 2, 1, 1) at T = 2 is (2, sqrt 2, 1, 1)/(4 + sqrt 2), whose mean log weight is (log 2)/2.

    Hence distances (log 2)/2, 0, (log 2)/2, (log 2)/2 from the entropy, and p_1 = exp(-H), p_2 = sqrt(1/2) exp(-H).
    """
    assert kept_of((4, 2, 1, 1), ("temperature", 2), *steps) == kept


def test_chains_of_the_same_steps_in_another_order_differ() -> None:
    """min-p 1/2 leaves (3, 2), of which 3 reaches 3/5; of (3, 2, 1, 1) it does not, and 2 joins it."""
    assert kept_of((3, 2, 1, 1), ("min_p", "1/2"), ("nucleus", "3/5")) == {0}
    assert kept_of((3, 2, 1, 1), ("nucleus", "3/5"), ("min_p", "1/2")) == {0, 1}


def test_equal_powers_of_e_tie() -> None:
    """(e^(1/2), e^(1/3), e^(1/2)): the lower index is kept, and half the mass of (e, e) is reached exactly."""
    half, third = fmpq(1, 2), fmpq(1, 3)
    assert surviving(tilted([(1, half), (1, third), (1, half)]), [("top_k", 1)]) == {0}
    assert surviving(tilted([(1, 1), (1, 0), (1, 1)]), [("top_k", 2), ("nucleus", half)]) == {0}
    assert surviving(tilted([(2, 1), (1, 1), (1, 1)]), [("nucleus", "3/4")]) == {0, 1}
    assert surviving(tilted([(4, 1), (1, 1), (1, 1)]), [("temperature", 2), ("nucleus", "3/4")]) == {0, 1}
    assert surviving(tilted([(4, -2), (1, -2), (1, -2)]), [("temperature", 2), ("typical", "1/2")]) == {0}


def test_nearly_equal_powers_of_e_do_not_tie() -> None:
    """2 e^a and a rational 40 digits away are told apart."""
    with mp.workdps(80):
        digits = int(mp.floor(mp.e * mp.mpf(10) ** 40))
    below = fmpq(digits, 10**40)
    assert surviving(tilted([(below, 0), (1, 1)]), [("top_k", 1)]) == {1}
    assert surviving(tilted([(below + JUST_ABOVE, 0), (1, 1)]), [("top_k", 1)]) == {0}


def by_token(alphabet: Tokens, rows: dict[Tokens, list[fmpq]], reward: dict[str, fmpq]) -> Aligned:
    """A tree with a reward per token, in nats."""
    model = TreeModel.from_next(alphabet, rows)
    return align(
        model,
        [Reward(exponent=sum((reward[t] for t in name.split()), start=fmpq(0))) for name in model.names()],
    )


def test_token_rewards_in_another_order_tie() -> None:
    """ "a b" and "b a" both earn 1/2 + 1/3; of their prefixes a stays, and with it only "a b"."""
    half, none = fmpq(1, 2), fmpq(0)
    rows = {(): [half, half, none], ("a",): [none, fmpq(1), none], ("b",): [fmpq(1), none, none]}
    aligned = by_token(("a", "b"), rows, {"a": fmpq(1, 2), "b": fmpq(1, 3)})
    assert aligned.names() == ("a b", "b a")
    assert surviving(aligned, [("top_k", 1)]) == {0}
    assert surviving(aligned, [("nucleus", "1/2")]) == {0}
    assert surviving(aligned, [("min_p", 1)]) == {0, 1}
    assert surviving(aligned, [("epsilon", "1/2")]) == {0, 1}


def three_prefixes(first: fmpq, other: fmpq) -> Aligned:
    """Prefixes a, b, c of mass proportional to (1 + e) times (first, other, other): each continues with 1 or 0."""
    half, none = fmpq(1, 2), fmpq(0)
    rows = {(): [first, other, other, none, none, none]}
    rows |= {(prefix,): [none, none, none, half, half, none] for prefix in "abc"}
    reward = {"a": none, "b": none, "c": none, "1": fmpq(1), "0": none}
    return by_token(("a", "b", "c", "1", "0"), rows, reward)


@pytest.mark.parametrize("last", [[("nucleus", "3/4")], [("top_k", 2), ("min_p", "1/2")], [("typical", "3/4")]])
@pytest.mark.parametrize(
    ("first", "other", "before"),
    [(fmpq(1, 2), fmpq(1, 4), []), (fmpq(2, 3), fmpq(1, 6), [("temperature", 2)])],
)
def test_prefix_sums_of_powers_of_e_tie(first: fmpq, other: fmpq, before: list[Any], last: list[Any]) -> None:
    """(2, 1, 1)/4 times 1 + e, plain or as the square roots of (4, 1, 1): a and the first of the tied b and c."""
    aligned = three_prefixes(first, other)
    kept = decide(aligned.balls(), chain(*before, *last))
    assert list(kept.edge[1:4]) == [True, True, False]


def values(name: str) -> st.SearchStrategy[str]:
    """Settings inside an adaptor's domain, many of them on the boundaries of laws of small weights."""
    parts = st.tuples(st.integers(1, 12), st.integers(1, 12))
    if name == "top_k":
        return st.integers(1, 6).map(str)
    if name == "temperature":
        return st.sampled_from(["1/3", "1/2", "4/5", "1", "3/2", "2", "3"])
    return parts.map(lambda pair: f"{min(pair)}/{max(pair)}")


def steps_of(most: int = 3) -> st.SearchStrategy[list[tuple[str, str]]]:
    """Chains of one to three adaptors."""
    step = st.sampled_from(ADAPTORS).flatmap(lambda name: st.tuples(st.just(name), values(name)))
    return st.lists(step, min_size=1, max_size=most)


@given(weights(), steps_of())
def test_rows_by_sixty_digits(row: list[int], steps: list[tuple[str, str]]) -> None:
    """Kept sets and weights w, and q = w / c, as 60 digits find them."""
    aligned = table(row, [1] * len(row))
    numbers = aligned.balls()
    law = adapt(numbers, decide(numbers, chain(*steps)), "local")
    with mp.workdps(60):
        received = adapted(share([real(w) for w in row]), [(name, real(value)) for name, value in steps])
        q = [to_float(w) for w in share(received)]
        log_normaliser = to_float(mp.log(mp.fsum(received)))
    assert set(law.string.tolist()) == {y for y, w in enumerate(received) if w > 0}
    assert [to_float(v) for v in law.prob] == pytest.approx([q[y] for y in law.string], rel=1e-14)
    assert to_float(law.log_normaliser[0]) == pytest.approx(log_normaliser, rel=1e-14, abs=1e-14)


@given(st.one_of(trees(), trees(tokens=3, depth=2)), steps_of())
def test_something_always_survives(aligned: Aligned, steps: list[tuple[str, str]]) -> None:
    """At every prefix at least one token stays, and both normalisations give laws on the kept strings."""
    numbers = aligned.balls()
    kept = decide(numbers, chain(*steps))
    for node in range(len(aligned.tree)):
        assert kept.end[node] or any(kept.edge[child] for child in aligned.tree.children(node))
        assert not kept.end[node] or node in aligned.node
    for normalise in ("local", "global"):
        law = adapt(numbers, kept, normalise)
        assert (law.string == np.flatnonzero(kept.strings())).all()
        assert law.prob.sum().overlaps(arb(1))
        assert law.prob.sum().rad() < 1e-60


def encloses(ball: arb, value: Fraction) -> bool:
    """Whether a ball holds a rational, which contains() would round to a ball first."""
    return bool((ball - rational(value)).contains(0))


def strings_of(aligned: Aligned) -> dict[Tokens, Fraction]:
    """Each string's tokens and p+ as a fraction."""
    exact = aligned.exact_prob()
    assert exact is not None
    return {tuple(name.split()): fraction(p) for name, p in zip(aligned.names(), exact, strict=True)}


def walk(aligned: Aligned, kept: set[Tokens], power: int) -> dict[Tokens, tuple[Fraction, Fraction]]:
    """(prod w_t, prod c_t) of each kept string, by walking it: masses of prefixes are sums over strings."""
    masses = strings_of(aligned)
    end = "end"

    def mass(prefix: Tokens) -> Fraction:
        return sum((m for y, m in masses.items() if (*y, end)[: len(prefix)] == prefix), start=Fraction(0))

    paths = {(*y, end) for y in kept}
    steps: dict[Tokens, Fraction] = {}
    for path in paths:
        for t in range(len(path)):
            steps[path[: t + 1]] = (mass(path[: t + 1]) / mass(path[:t])) ** power
    sums: dict[Tokens, Fraction] = {}
    for prefix, w in steps.items():
        sums[prefix[:-1]] = sums.get(prefix[:-1], Fraction(0)) + w
    found = {}
    for path in paths:
        w = c = Fraction(1)
        for t in range(len(path)):
            w, c = w * steps[path[: t + 1]], c * sums[path[:t]]
        found[path[:-1]] = (w, c)
    return found


@given(trees(), st.sampled_from(["1", "1/2", "1/3"]), steps_of(1))
def test_local_and_global_by_walking_the_strings(aligned: Aligned, temperature: str, steps: Steps) -> None:
    """q_loc = prod w_t / c_t and q_glob = prod w_t / C, with w_t = p+(t | prefix)^(1/T) where kept."""
    if steps[0][0] == "temperature":
        steps = []
    numbers = aligned.balls()
    kept = decide(numbers, chain(*steps, ("temperature", temperature)))
    names = [tuple(name.split()) for name in aligned.names()]
    walked = walk(aligned, {names[y] for y in np.flatnonzero(kept.strings())}, int(1 / Fraction(temperature)))
    total = sum(w for w, _ in walked.values())
    local, whole = adapt_local(numbers, kept), adapt_global(numbers, kept)
    for k, y in enumerate(local.string):
        w, c = walked[names[y]]
        for enclosure, value in ((local.prob[k], w / c), (whole.prob[k], w / total)):
            assert encloses(enclosure, value)
        assert encloses(local.log_normaliser[k].exp(), c)
        assert encloses(whole.log_normaliser[k].exp(), total)


@given(trees(), steps_of())
def test_floats_beside_balls(aligned: Aligned, steps: list[tuple[str, str]]) -> None:
    """The float law uses the kept sets of the exact one and agrees with it."""
    exact = aligned.balls()
    kept = decide(exact, chain(*steps))
    for normalise in ("local", "global"):
        found, enclosed = (adapt(numbers, kept, normalise) for numbers in (aligned.floats(), exact))
        assert (found.string == enclosed.string).all()
        for name in ("prob", "log_prob", "log_normaliser"):
            expected = [to_float(v) for v in getattr(enclosed, name)]
            assert getattr(found, name).tolist() == pytest.approx(expected, rel=1e-11, abs=1e-11)


def test_c2_local_lowers_both_and_global_raises_both() -> None:
    """At T = 1/2 token b has 81/337 locally and 81/145 globally, 9/25 before."""
    aligned = c2()
    numbers = aligned.balls()
    kept = decide(numbers, chain(("temperature", "1/2")))
    b = aligned.names().index("b")
    before = moments(numbers)
    expected = {"local": (Fraction(81, 337), -1), "global": (Fraction(81, 145), 1)}
    for normalise, (mass, direction) in expected.items():
        law = adapt(numbers, kept, normalise)
        after = moments(numbers, law)
        assert encloses(law.prob[b], mass)
        assert (after.mean_log_prior - before.mean_log_prior) * direction > 0
        assert (after.mean_reward - before.mean_reward) * direction > 0


def test_tables_do_not_tell_local_from_global() -> None:
    """The whole string is the one token."""
    aligned = table((8, 4, 1), (1, 1, 8))
    numbers = aligned.balls()
    kept = decide(numbers, chain(("temperature", "2/3"), ("top_k", 2)))
    for one, two in zip(adapt_local(numbers, kept).prob, adapt_global(numbers, kept).prob, strict=True):
        assert one.overlaps(two)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("temperature", "0"),
        ("top_k", "0"),
        ("top_k", "3/2"),
        ("nucleus", "0"),
        ("nucleus", "1.01"),
        ("typical", "0"),
        ("typical", "2"),
        ("eta", "0"),
        ("epsilon", "0"),
        ("epsilon", "9/8"),
        ("min_p", "-1/2"),
        ("min_p", "2"),
        ("mirostat", "1"),
    ],
)
def test_settings_outside_the_domain_are_refused(name: str, value: str) -> None:
    """The message names the adaptor."""
    with pytest.raises(ValueError, match=name):
        chain((name, value))


def test_another_normalisation_is_refused() -> None:
    """Only "local" and "global"."""
    aligned = table((1, 1), (1, 2))
    steps = Chain([Adaptor("top_k", fmpq(1))])
    with pytest.raises(ValueError, match="sideways"):
        adapt(aligned.balls(), decide(aligned.balls(), steps), "sideways")


@given(models(), st.sampled_from(["top_k 1", "top_k 2", "nucleus 3/5", "epsilon 1/5", "min_p 1/2"]))
def test_sums_of_what_a_truncation_leaves(aligned: Aligned, step: str) -> None:
    """The sums of the prefixes that something is cut from, digit for digit those over all prefixes."""
    name, value = step.split()
    with precision():
        numbers = aligned.balls()
        kept = decide(numbers, chain((name, value)))
        law = adapt_local(numbers, kept)
        tree = aligned.tree
        step_prob = numbers.prefix_prob.copy()
        step_prob[1:] = step_prob[1:] / numbers.prefix_prob[tree.parent[1:]]
        left = objects(p if k else arb(0) for p, k in zip(step_prob, kept.edge, strict=True))
        ends = objects(p if k else arb(0) for p, k in zip(numbers.end_prob, kept.end, strict=True))
        path = log(tree.sum_children(left) + ends)
        path = tree.descend(path[0], path.copy(), np.add)
    found = [path[aligned.node[y]] for y in law.string]
    assert [(x.mid(), x.rad()) for x in law.log_normaliser] == [(x.mid(), x.rad()) for x in found]


@given(models())
def test_prefixes_with_a_choice_have_the_formal_weights_of_their_continuations(aligned: Aligned) -> None:
    """Those of the strings that begin with each child, and of the string that ends there, also where made on demand."""
    formal, tree = aligned.prefix_weights(), aligned.tree
    own = dict(zip(aligned.node.tolist(), aligned.weights(), strict=True))
    wanted = {}
    for node in range(len(tree)):
        weights = [formal[child] for child in tree.children(node)] + ([own[node]] if node in own else [])
        if len(weights) > 1:
            wanted[node] = weights
    found = {choice.node: choice for choice in _choices(aligned, 2)}
    assert found.keys() == wanted.keys()
    for node, weights in wanted.items():
        choice = found[node]
        assert (choice.children, choice.may_end) == (tree.children(node), node in own)
        assert len(choice.weights) == len(weights)
        assert all(one.equals(two) for one, two in zip(choice.weights[:], weights, strict=True))
        assert all(one.equals(two) for one, two in zip(choice.weights, weights, strict=True))
