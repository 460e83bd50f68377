"""Named instances: exhaustive searches against brute force, and specifications that give the model back."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction

import pytest
from flint import fmpq
from hypothesis import given
from hypothesis import strategies as st

from tests.strategies import models, rationals, trees
from tests.theory.claims.edits import content_of
from theory.alignment.gibbs import Aligned
from theory.claims.claim import Profile
from theory.claims.instances import (
    case,
    integer_cases,
    integer_tables,
    law_of,
    named,
    random_laws,
    reference_laws,
    replay,
    smallest_tables,
)
from theory.examples import finite as examples
from theory.language_models.rewards import Reward
from theory.models.finite import FiniteModel

Pairs = tuple[tuple[int, int], ...]


# --- tables -------------------------------------------------------------------------------------------------------


def by_brute_force(strings: int, total: int) -> set[Pairs]:
    """All multisets of (p, e^R) weights >= 1 with that sum, neither with a common factor: by listing everything."""
    found = set()
    for values in itertools.product(range(1, total - 2 * strings + 2), repeat=2 * strings):
        if sum(values) == total and math.gcd(*values[:strings]) == 1 == math.gcd(*values[strings:]):
            found.add(tuple(sorted(zip(values[:strings], values[strings:], strict=True))))
    return found


@pytest.mark.parametrize(
    ("strings", "total"), [(1, 2), (2, 4), (2, 5), (2, 9), (2, 14), (3, 6), (3, 9), (3, 11), (4, 11)]
)
def test_integer_tables_are_complete(strings: int, total: int) -> None:
    """Every table up to the order of its strings, once, and the strings of each in ascending order."""
    listed = [tuple(zip(p, x, strict=True)) for p, x in integer_tables(strings, total)]
    assert len(set(listed)) == len(listed)
    assert set(listed) == by_brute_force(strings, total)
    assert all(list(pairs) == sorted(pairs) for pairs in listed)


def test_no_table_is_smaller_than_ones() -> None:
    assert list(integer_tables(2, 3)) == []
    assert list(integer_tables(2, 4)) == [((1, 1), (1, 1))]
    assert list(integer_tables(1, 3)) == []


def test_smallest_tables_come_in_the_stated_order() -> None:
    """First by the number of strings, then by the sum of all weights; each model is the one its name tells."""
    listed = list(smallest_tables(3, 9))
    sizes = []
    for one in listed:
        p, x = (tuple(int(w) for w in part.strip("()").split(", ")) for part in one.name[4:].split(", e^R = "))
        sizes.append((len(p), sum(p) + sum(x)))
        assert content_of(one) == ([Fraction(w, sum(p)) for w in p], [Fraction(w) for w in x])
    assert sizes == sorted(sizes)
    expected = [len(by_brute_force(n, total)) for n in (2, 3) for total in range(2 * n, 10)]
    assert [len(list(group)) for _, group in itertools.groupby(sizes)] == [count for count in expected if count]
    assert len({one.name for one in listed}) == len(listed)


def test_integer_cases_are_the_tables_up_to_four_strings_and_a_sum_of_fourteen() -> None:
    """Counted, not built: every size in the stated order."""
    first = [one.name for one in itertools.islice(integer_cases(Profile("quick")), 60)]
    tables = (pair for total in range(4, 15) for pair in integer_tables(2, total))
    assert first == [f"p = {p}, e^R = {x}" for p, x in itertools.islice(tables, 60)]


# --- specifications -----------------------------------------------------------------------------------------------


def described(aligned: Aligned) -> dict[str, tuple[fmpq, fmpq, fmpq]]:
    """p, the exponent and the factor of e^R, by the string's name."""
    rows = zip(aligned.names(), aligned.prior, aligned.reward, strict=True)
    return {name: (p, r.exponent, r.factor) for name, p, r in rows}


@given(models())
def test_replay(aligned: Aligned) -> None:
    """The specification of a case gives back every p(y) and R(y), and with them log Z, H, V and b."""
    one = case("drawn", aligned)
    again = replay(one.spec)
    assert described(again.aligned) == described(aligned)
    assert again.numbers.log_partition.overlaps(one.content.numbers.log_partition)
    for name in ("mean_log_prior", "mean_reward", "entropy", "var_surprisal", "cov"):
        assert getattr(again.mean, name).overlaps(getattr(one.content.mean, name))
    assert again.mean.constant == one.content.mean.constant


@given(trees(), st.lists(st.integers(-9, 9), min_size=15, max_size=15), rationals())
def test_replay_of_rewards_in_nats(aligned: Aligned, nats: list[int], scale: fmpq) -> None:
    """R = a + log x keeps both parts in a tree's specification."""
    rewards = tuple(Reward(fmpq(a, 3), scale) + r for a, r in zip(nats, aligned.reward, strict=False))
    other = Aligned(aligned.tree, aligned.node, aligned.prior, rewards)
    assert described(replay(case("drawn", other).spec).aligned) == described(other)


def test_replay_of_a_table_of_rewards_in_nats() -> None:
    table = examples.table((1, 2), (1, 1))
    rewards = (Reward(fmpq(1, 2)), Reward(fmpq(-3)))
    other = Aligned(table.tree, table.node, table.prior, rewards)
    assert described(replay(case("nats", other).spec).aligned) == described(other)


@pytest.mark.parametrize("name", ["C1", "C2", "C3", "C4", "C5", "C6", "C7"])
def test_replay_of_the_named_models(name: str) -> None:
    one = named(name)[0]
    assert one.name == name
    assert described(replay(one.spec).aligned) == described(one.content.aligned)
    assert named(name)[0] is one


def test_large_models_have_no_specification() -> None:
    assert named("toy")[0].spec == ""
    assert case("40", examples.table((1,) * 40, range(1, 41))).spec != ""
    assert case("41", examples.table((1,) * 41, range(1, 42))).spec == ""


# --- laws to compare with -----------------------------------------------------------------------------------------


@given(models(), st.lists(st.integers(0, 9), min_size=15, max_size=15))
def test_law_of(aligned: Aligned, chosen: list[int]) -> None:
    """q(y) = w(y) / sum w on the strings of positive weight."""
    w = [Fraction(k) for k in chosen[: len(aligned)]]
    if not any(w):
        w[0] = Fraction(1)
    law = law_of(FiniteModel.of(aligned), [fmpq(x.numerator, x.denominator) for x in w])
    assert law.string.tolist() == [y for y, x in enumerate(w) if x]
    for y, q, log_q in zip(law.string, law.prob, law.log_prob, strict=True):
        share = w[y] / sum(w)
        assert (q - fmpq(share.numerator, share.denominator)).contains(0)
        assert log_q.overlaps(q.log())


@given(models())
def test_reference_laws_are_none_of_them_aligned(aligned: Aligned) -> None:
    """Competitors of p+ differ from it, and at least one is there for two strings or more."""
    exact = aligned.exact_prob()
    assert exact is not None
    found = reference_laws(FiniteModel.of(aligned))
    assert len(found) >= 2 or len(aligned) == 1
    for _, w in found:
        total = sum(w, start=fmpq(0))
        assert [x / total for x in w] != list(exact)
        assert all(x > 0 for x in w)


def test_random_laws_come_from_the_profile() -> None:
    """The same seed gives the same models, another seed others; the full profile has more."""
    one, two = random_laws(Profile("quick", 1)), random_laws(Profile("quick", 2))
    assert [described(c.content.aligned) for c in one] != [described(c.content.aligned) for c in two]
    random_laws.cache_clear()
    again = random_laws(Profile("quick", 1))
    assert [described(c.content.aligned) for c in one] == [described(c.content.aligned) for c in again]
    assert len({c.name for c in one}) == len(one)
    sizes = [len(c.content.aligned) for c in one if c.name.startswith("random table")]
    assert all(2 <= n <= 7 for n in sizes)
