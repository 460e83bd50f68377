"""Specifications: what is written reads back, and every convention of the format has its smallest example."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
from flint import fmpq
from hypothesis import given
from hypothesis import strategies as st

from tests.strategies import models, pairs_of_laws, rationals, tables, trees
from theory.adaptors.exact import Adaptor
from theory.alignment.gibbs import Aligned, align
from theory.examples import finite as examples
from theory.language_models.rewards import Reward
from theory.language_models.tree import TreeModel
from theory.specification.finite import (
    Specification,
    parse_specification,
    read_specification,
    specification,
    write_specification,
)
from theory.specification.tables import SpecificationError

TABLE = {"kind": "table", "strings": ["x", "y", "z"], "probs": ["1/7", "2/7", "4/7"]}
TREE = {"kind": "tree", "alphabet": ["a", "b"], "next": {"": ["1/2", "1/3", "1/6"], "a": [0, "1/2", "1/2"]}}


def spec(prior: dict[str, Any], reward: dict[str, Any], **rest: Any) -> Specification:
    return specification({"prior": prior, "reward": reward, **rest})


def rewards(found: Specification) -> dict[str, Reward]:
    return dict(zip(found.aligned.names(), found.aligned.reward, strict=True))


def prior(found: Specification) -> dict[str, fmpq]:
    return dict(zip(found.aligned.names(), found.aligned.prior, strict=True))


# --- round trips --------------------------------------------------------------------------------------------------


def check_round_trip(aligned: Aligned) -> None:
    """The same strings in the same order, p and R, exactly, without a note."""
    found = parse_specification(write_specification(aligned))
    assert (found.exact, found.notes) == (True, ())
    assert found.aligned.names() == aligned.names()
    assert list(found.aligned.prior) == list(aligned.prior)
    assert found.aligned.reward == aligned.reward


@given(st.one_of(models(), trees(tokens=3, depth=2)))
def test_round_trip(aligned: Aligned) -> None:
    """write, then parse, is the identity on tables and trees with e^R rational."""
    check_round_trip(aligned)


@given(st.one_of(tables(), trees()), st.data())
def test_round_trip_with_rational_rewards(aligned: Aligned, data: Any) -> None:
    """The same with R rational; on a tree of more than one step R = a + log x may mix both."""
    mixed = len(aligned.tree.levels) > 3
    exponents = [data.draw(rationals()) - 2 for _ in aligned.reward]
    factors = [data.draw(rationals()) if mixed else fmpq(1) for _ in aligned.reward]
    reward = tuple(Reward(a, x) for a, x in zip(exponents, factors, strict=True))
    check_round_trip(Aligned(aligned.tree, aligned.node, aligned.prior, reward))


@pytest.mark.parametrize("name", ["c1", "c2", "c3", "c4", "c5", "c6", "c7"])
def test_examples_round_trip(name: str) -> None:
    """C1 to C7."""
    check_round_trip(getattr(examples, name)())


@pytest.mark.parametrize("path", sorted(Path(__file__).parents[3].glob("examples/c?.toml")), ids=lambda path: path.stem)
def test_example_files_are_the_models_of_that_name(path: Path) -> None:
    """examples/c1.toml is examples.c1(), and so on: names, p and R."""
    found, model = read_specification(path).aligned, getattr(examples, path.stem)()
    assert (found.names(), list(found.prior), found.reward) == (model.names(), list(model.prior), model.reward)


def test_a_tree_of_one_step_with_both_kinds_of_reward() -> None:
    """R = a + log x on the one-token strings of a tree, which a table could not hold."""
    row = {"": ["1/2", "1/2", 0]}
    found = spec(TREE | {"next": row}, {"beta": 1, "token": {"a": "1/2"}, "exp_string": {"a": 2, "b": 3}})
    check_round_trip(found.aligned)


@pytest.mark.parametrize("name", ['say "hi"', "back\\slash", "tab\there", "two\nlines", "", "ä b", "\x7f"])
def test_any_name_of_a_string(name: str) -> None:
    """A table's strings may hold quotes, backslashes and control characters."""
    check_round_trip(spec(TABLE | {"strings": [name, "y", "z"]}, {"exp_values": [1, 2, 3]}).aligned)


def test_any_token() -> None:
    """So may the tokens of a tree, spaces apart."""
    rows = {"": ["1/2", "1/2", 0], '"': [0, "1/2", "1/2"]}
    check_round_trip(spec({"kind": "tree", "alphabet": ['"', "\\"], "next": rows}, {"exp_string": {'" \\': 2}}).aligned)


def test_strings_joined_without_spaces() -> None:
    """A model whose names are spelled without a separator keeps p and R."""
    half, quarter = fmpq(1, 2), fmpq(1, 4)
    model = TreeModel.from_next(("a", "b"), {(): [half, quarter, quarter], ("a",): [half, quarter, quarter]})
    spelled = align(model, [Reward(factor=fmpq(k)) for k in range(2, 7)], separator="")
    found = parse_specification(write_specification(spelled)).aligned
    assert [name.replace(" ", "") for name in found.names()] == list(spelled.names())
    assert (list(found.prior), found.reward) == (list(spelled.prior), spelled.reward)


@pytest.mark.parametrize(("kind", "reward"), [(TABLE, {"exp_values": [0, 2, 3]}), (TREE, {"exp_string": {"a b": 0}})])
def test_what_removal_left_keeps_its_prior_or_is_refused(kind: dict[str, Any], reward: dict[str, Any]) -> None:
    """p of the strings that are left sums to less than 1: it must not be rescaled in silence."""
    aligned = spec(kind, reward).aligned
    assert sum(aligned.prior, start=fmpq(0)) < 1
    try:
        written = write_specification(aligned)
    except ValueError:
        return
    found = parse_specification(written).aligned
    assert (found.names(), list(found.prior)) == (aligned.names(), list(aligned.prior))


# --- numbers ------------------------------------------------------------------------------------------------------


@given(pairs_of_laws())
def test_exact_numbers_are_exact(aligned: Aligned) -> None:
    """ "a/b", decimals in quotes and integers; no note."""
    written = [str(p) for p in aligned.prior]
    found = spec(
        {"kind": "table", "strings": list(aligned.names()), "probs": written},
        {"exp_values": ["0.5", 2, "1e-3", "7/3", "1", "3"][: len(aligned)]},
    )
    assert (found.exact, found.notes) == (True, ())
    assert list(found.aligned.prior) == list(aligned.prior)
    assert [r.factor for r in found.aligned.reward] == [
        fmpq(1, 2),
        fmpq(2),
        fmpq(1, 1000),
        fmpq(7, 3),
        fmpq(1),
        fmpq(3),
    ][: len(aligned)]


def test_a_bare_float_is_its_shortest_decimal_and_not_certified() -> None:
    """0.1 is 1/10; floats that sum to exactly 1 need no note."""
    found = spec(TABLE | {"probs": [0.1, 0.2, 0.7]}, {"exp_values": [1, 2, 3]})
    assert list(found.aligned.prior) == [fmpq(1, 10), fmpq(1, 5), fmpq(7, 10)]
    assert (found.exact, found.notes) == (False, ())
    assert not spec(TABLE, {"exp_values": [1, 2, 0.5]}).exact
    assert not spec(TABLE, {"values": [1, 2, 3], "beta": 0.5}).exact


def test_floats_that_nearly_sum_to_one_are_divided_by_their_sum_and_noted() -> None:
    """Within 1e-9, once, with one note that names the list."""
    found = spec(TABLE | {"probs": [0.3333333333, 0.3333333333, 0.3333333333]}, {"exp_values": [1, 2, 3]})
    assert list(found.aligned.prior) == [fmpq(1, 3)] * 3
    assert not found.exact
    (note,) = found.notes
    assert "prior.probs" in note
    assert "- 1e-10" in note
    two = spec(TREE | {"next": {"": [0.3333333333, "1/3", "1/3"], "a": [0.5, 0.5, 1e-12]}}, {})
    assert [note.split(":")[0] for note in two.notes] == ['prior.next ""', 'prior.next "a"']


@pytest.mark.parametrize("probs", [[0.333, 0.333, 0.333], ["0.3333333333", "0.3333333333", "0.3333333333"]])
def test_other_sums_are_refused(probs: list[Any]) -> None:
    """Floats further off than 1e-9, and exact numbers that miss 1 by anything."""
    with pytest.raises(SpecificationError, match="must sum to 1"):
        spec(TABLE | {"probs": probs}, {"exp_values": [1, 2, 3]})


# --- rewards ------------------------------------------------------------------------------------------------------


def test_values_are_divided_by_beta() -> None:
    """R = r/beta; exp_values are e^{r/beta} themselves."""
    found = spec(TABLE, {"beta": "1/2", "values": ["0", "1/3", "-1"]})
    assert [r.exponent for r in found.aligned.reward] == [fmpq(0), fmpq(2, 3), fmpq(-2)]
    assert [r.factor for r in spec(TABLE, {"exp_values": ["1/2", 1, 9]}).aligned.reward] == [fmpq(1, 2), 1, 9]
    for reward in ({"values": [0, 1, 2]}, {"values": [0, 1, 2], "exp_values": [1, 1, 1], "beta": 1}):
        with pytest.raises(SpecificationError, match=r"beta|both"):
            spec(TABLE, reward)


@pytest.mark.parametrize("removed", ["-inf", "-Infinity", float("-inf")])
def test_minus_infinity_removes_a_string(removed: Any) -> None:
    """While Z > 0."""
    assert prior(spec(TABLE, {"beta": 1, "values": [0, removed, 1]})) == {"x": fmpq(1, 7), "z": fmpq(4, 7)}
    assert prior(spec(TREE, {"beta": 1, "string": {"a b": removed}})).keys() == {"", "a", "b"}
    assert prior(spec(TREE, {"beta": 1, "token": {"a": removed}})).keys() == {"", "b"}
    with pytest.raises(SpecificationError, match="support is empty"):
        spec(TABLE, {"beta": 1, "values": [removed] * 3})


@pytest.mark.parametrize("bad", [float("inf"), float("nan"), "inf", "nan", "+inf", "high", True, "", [1]])
def test_other_rewards_are_refused(bad: Any) -> None:
    """+inf, NaN, text, and what is not a number."""
    with pytest.raises(SpecificationError, match="'y'"):
        spec(TABLE, {"beta": 1, "values": [0, bad, 1]})


def test_a_string_of_probability_zero_is_outside() -> None:
    """Its reward is not looked at."""
    for unread in (float("nan"), "nonsense", "-inf", True):
        found = spec(TABLE | {"probs": ["3/7", 0, "4/7"]}, {"beta": 1, "values": [0, unread, 1]})
        assert prior(found) == {"x": fmpq(3, 7), "z": fmpq(4, 7)}


def test_token_rewards_count_every_token_and_all_kinds_add_up() -> None:
    """R = (r(a) + r(b) + r(ab))/beta + log of the exp_ rewards; the end earns nothing."""
    rows = {"": ["1/2", "1/4", "1/4"], "a": ["1/2", "1/4", "1/4"], "a a": [0, "1/2", "1/2"]}
    reward = {
        "beta": 2,
        "token": {"a": "1/2"},
        "exp_token": {"a": "3", "b": "1/5"},
        "string": {"a a b": "1"},
        "exp_string": {"a a b": "7", "": "11"},
    }
    found = rewards(spec(TREE | {"next": rows}, reward))
    assert found[""] == Reward(fmpq(0), fmpq(11))
    assert found["b"] == Reward(fmpq(0), fmpq(1, 5))
    assert found["a"] == Reward(fmpq(1, 4), fmpq(3))
    assert found["a a"] == Reward(fmpq(1, 2), fmpq(9))
    assert found["a a b"] == Reward(fmpq(1), fmpq(9 * 7, 5))


def test_a_tree_without_rewards_is_its_prior() -> None:
    """An empty [reward], whose beta may be left out."""
    assert set(spec(TREE, {}).aligned.reward) == {Reward()}


def test_a_prefix_that_is_not_listed_ends_there() -> None:
    """p of each string is the product of its steps."""
    found = prior(spec(TREE, {}))
    assert found == {"": fmpq(1, 6), "a": fmpq(1, 4), "b": fmpq(1, 3), "a b": fmpq(1, 4)}


# --- the rest -----------------------------------------------------------------------------------------------------


def test_kinds() -> None:
    """A table is a tree of depth one; the kind says which was written."""
    assert spec(TABLE, {"exp_values": [1, 1, 1]}).kind == "table"
    assert spec(TREE, {}).kind == "tree"
    with pytest.raises(SpecificationError, match="graph"):
        spec(TABLE | {"kind": "graph"}, {"exp_values": [1, 1, 1]})


def test_adaptors() -> None:
    """Local by default; a chain is two lists; a bare float loses the certificate of its entry alone."""
    entries: list[dict[str, Any]] = [
        {"name": "nucleus", "value": "9/10"},
        {"name": ["temperature", "top_k"], "value": ["1/2", 2], "normalise": "global"},
        {"name": "eta", "value": 0.25},
    ]
    found = spec(TREE, {}, adaptor=entries)
    assert [a.normalise for a in found.adaptors] == ["local", "global", "local"]
    assert [a.exact for a in found.adaptors] == [True, True, False]
    assert found.exact
    assert found.adaptors[1].chain == (Adaptor("temperature", fmpq(1, 2)), Adaptor("top_k", fmpq(2)))
    assert (found.adaptors[1].name, found.adaptors[1].value) == (["temperature", "top_k"], ["1/2", 2])
    assert found.adaptors[2].chain == (Adaptor("eta", fmpq(1, 4)),)


def test_corpus() -> None:
    """N and epsilon; only epsilon can be inexact."""
    assert spec(TREE, {}).corpus is None
    found = spec(TREE, {}, corpus={"size": 1000, "epsilon": "1/20"}).corpus
    assert found is not None
    assert (found.size, found.epsilon, found.exact) == (1000, fmpq(1, 20), True)
    rounded = spec(TREE, {}, corpus={"size": "10", "epsilon": 0.05}).corpus
    assert rounded is not None
    assert (rounded.size, rounded.epsilon, rounded.exact) == (10, fmpq(1, 20), False)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"prior": TABLE | {"states": 2}}, "states"),
        ({"reward": {"exp_values": [1, 1, 1], "gamma": 1}}, "gamma"),
        ({"corpora": {}}, "corpora"),
        ({"adaptor": [{"name": "top_k", "value": 1, "mode": "x"}]}, "mode"),
        ({"corpus": {"size": 1, "epsilon": 1, "seed": 0}}, "seed"),
        ({"prior": TREE | {"next": TREE["next"] | {"b a": [0, 0, 1]}}, "reward": {}}, "b a"),  # type: ignore[operator]
        ({"prior": TREE, "reward": {"exp_token": {"c": 1}}}, "'c'"),
        ({"prior": TREE, "reward": {"exp_string": {"b b": 1}}}, "b b"),
        ({"prior": TREE, "reward": {"token": {"a": 1}}}, "beta"),
        ({"reward": {"exp_values": [1, -1, 1]}}, "'y'"),
        ({"prior": TABLE | {"strings": ["x", "y", "x"]}}, "'x'"),
    ],
)
def test_what_is_not_understood_is_refused_by_name(change: dict[str, Any], says: str) -> None:
    """Unknown keys, unreachable prefixes, tokens outside the alphabet, strings the model does not have."""
    with pytest.raises(SpecificationError, match=says):
        specification({"prior": TABLE, "reward": {"exp_values": [1, 1, 1]}} | change)


def test_files(tmp_path: Path) -> None:
    """Errors of files name the path; text and files read alike."""
    path = tmp_path / "c4.toml"
    path.write_text(write_specification(examples.c4()), encoding="utf-8")
    assert list(read_specification(path).aligned.prior) == list(examples.c4().prior)
    assert tomllib.loads(path.read_text(encoding="utf-8"))["prior"]["kind"] == "table"
    path.write_bytes(b"\xff")
    for bad in (path, tmp_path / "missing.toml"):
        with pytest.raises(SpecificationError, match=bad.name):
            read_specification(bad)


def test_probabilities_are_rationals() -> None:
    """The prior is held in rationals whatever was written."""
    assert all(
        isinstance(p, fmpq) for p in spec(TABLE | {"probs": [0.5, "1/4", 0.25]}, {"exp_values": [1] * 3}).aligned.prior
    )
