"""``quantities`` against an independent oracle at 60 digits, float64 against balls, and the named examples."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from flint import fmpq
from hypothesis import given
from hypothesis import strategies as st
from mpmath import mp

from tests.reference import reference
from theory.adaptors.exact import ADAPTORS, Chain, Kept, adapt, adapt_global, chain, decide
from theory.adaptors.moments import moments
from theory.alignment.gibbs import Aligned, Numbers
from theory.arithmetic.exact import exp, to_float
from theory.corpora.atoms import atoms
from theory.corpora.metropolis import largest_weight, stationary_acceptance
from theory.corpora.multinomial import by_halves
from theory.corpora.typicality import by_enumeration, conditional_correlation_limit
from theory.examples.finite import random_table, random_tree
from theory.probability.concentration import chebyshev
from theory.quantities.answer import quantities
from theory.specification.finite import read_specification, specification

Document = dict[str, Any]

EXAMPLES = Path(__file__).parents[3] / "examples"
WIDEST = "1e-30"

# --- the oracle ---------------------------------------------------------------------------------------------------


def numbers(smallest: int = 1, largest: int = 12) -> st.SearchStrategy[Any]:
    """Exact numbers as a specification writes them: integers, fractions and decimals in quotes."""
    whole = st.integers(smallest, largest)
    return st.one_of(whole, st.builds("{}/{}".format, whole, st.integers(1, 9)), whole.map(lambda k: f"{k / 4}"))


def law(size: int, top: int, zeros: bool) -> st.SearchStrategy[list[str]]:
    """Probabilities k/n that sum to 1; the last is positive, the others may be 0."""
    counts = st.tuples(*[st.integers(0 if zeros else 1, top)] * (size - 1), st.integers(1, top))
    return counts.map(lambda row: [f"{k}/{sum(row)}" for k in row])


def settings_of(name: str) -> st.SearchStrategy[Any]:
    if name == "top_k":
        return st.integers(1, 5)
    if name == "temperature":
        return st.sampled_from(["1/3", "1/2", "4/5", "1", "1.5", "2", 3])
    return st.integers(1, 12).flatmap(lambda n: st.integers(1, n).map(lambda k: f"{k}/{n}"))


@st.composite
def entries(draw: Any) -> Document:
    """An [[adaptor]]: single, or a chain of two or three."""
    names = draw(st.lists(st.sampled_from(ADAPTORS), min_size=1, max_size=3))
    values = [draw(settings_of(name)) for name in names]
    if len(names) == 1 and draw(st.booleans()):
        entry = {"name": names[0], "value": values[0]}
    else:
        entry = {"name": names, "value": values}
    return entry | draw(st.sampled_from([{}, {"normalise": "local"}, {"normalise": "global"}]))


def corpora(most: int) -> st.SearchStrategy[Document]:
    return st.fixed_dictionaries({"size": st.integers(1, most), "epsilon": st.integers(1, 30).map(lambda k: f"{k}/20")})


@st.composite
def table_documents(draw: Any) -> Document:
    """Tables of 2 to 5 strings; one string of mass at least keeps its reward."""
    n = draw(st.integers(2, 5))
    if draw(st.booleans()):
        reward = {"exp_values": [*draw(st.lists(numbers(0), min_size=n - 1, max_size=n - 1)), draw(numbers())]}
    else:
        values = draw(st.lists(st.one_of(numbers(-6), st.just("-inf")), min_size=n - 1, max_size=n - 1))
        reward = {"beta": draw(numbers()), "values": [*values, draw(numbers(-6))]}
    prior = {"kind": "table", "strings": [f"y{k}" for k in range(n)], "probs": draw(law(n, 12, zeros=True))}
    adaptors = draw(st.lists(entries(), min_size=1, max_size=3))
    return {"prior": prior, "reward": reward, "adaptor": adaptors, "corpus": draw(corpora(12 if n < 4 else 4))}


@st.composite
def tree_documents(draw: Any) -> Document:
    """Trees over two tokens of up to three steps, all four kinds of reward."""
    alphabet, rows, waiting = ["a", "b"], {}, [""]
    while waiting:
        prefix = waiting.pop()
        rows[prefix] = draw(law(3, 6, zeros=True))
        if len(prefix.split()) < 2:
            children = [f"{prefix} {t}".strip() for t, p in zip(alphabet, rows[prefix], strict=False) if p[0] != "0"]
            waiting += [child for child in children if draw(st.booleans())]
    strings = st.sampled_from(list(rows))
    reward = {
        "beta": draw(numbers()),
        "token": draw(st.dictionaries(st.sampled_from(alphabet), numbers(-6), max_size=2)),
        "exp_token": draw(st.dictionaries(st.sampled_from(alphabet), numbers(), max_size=2)),
        "string": draw(st.dictionaries(strings, numbers(-6), max_size=2)),
        "exp_string": draw(st.dictionaries(strings, numbers(), max_size=2)),
    }
    kept = {key: value for key, value in reward.items() if value != {} and draw(st.booleans())}
    if kept.keys() & {"token", "string"}:
        kept["beta"] = reward["beta"]
    found = {"prior": {"kind": "tree", "alphabet": alphabet, "next": rows}, "reward": kept}
    return found | {"adaptor": draw(st.lists(entries(), min_size=1, max_size=2)), "corpus": draw(corpora(3))}


def compare(found: Mapping[str, Any], expected: Mapping[str, Any], where: str) -> None:
    """The same nulls; floats within 1e-12 relatively; balls narrow, and around the 60 digits."""
    with mp.workdps(60):
        for name, value in expected.items():
            at = f"{where}.{name}"
            if name in {"name", "value", "normalise"}:
                assert found[name] == value, at
            elif value is None:
                assert found[name] is None, at
                assert f"{name}_ball" not in found, at
            elif name != "adaptors":
                assert found[name] is not None, at
                assert abs(found[name] - value) <= mp.mpf("1e-12") * abs(value) + mp.mpf("1e-40"), at
                middle, radius = (mp.mpf(text) for text in found[f"{name}_ball"])
                assert abs(middle - value) <= radius + mp.mpf("1e-48") * max(1, abs(value)), at
                assert radius < mp.mpf(WIDEST), at


def check(document: Document) -> None:
    found, expected = quantities(specification(document)), reference(document)
    compare(found, expected, "model")
    assert len(found["adaptors"]) == len(expected["adaptors"])
    for row, wanted in zip(found["adaptors"], expected["adaptors"], strict=True):
        compare(row, wanted, f"{wanted['name']} {wanted['value']}")


@given(table_documents())
def test_tables_by_the_oracle(document: Document) -> None:
    """Every key of OUT by brute force at 60 digits."""
    check(document)


@given(tree_documents())
def test_trees_by_the_oracle(document: Document) -> None:
    """The same with local and global laws that differ."""
    check(document)


def test_without_a_corpus_its_keys_are_null() -> None:
    """And the keys of automata are null for tables and trees."""
    document = {
        "prior": {"kind": "table", "strings": ["x", "y"], "probs": ["1/3", "2/3"]},
        "reward": {"exp_values": [1, 2]},
    }
    found = quantities(specification(document))
    compare(found, reference(document), "model")
    assert found["adaptors"] == []
    assert (found["spectral_radius"], found["critical_temperature"]) == (None, None)


def test_bare_floats_have_no_balls() -> None:
    """A float in the prior uncertifies everything, one in an adaptor its own row, one in epsilon the corpus."""
    document: Document = {
        "prior": {"kind": "table", "strings": ["x", "y", "z"], "probs": ["1/2", "1/4", "1/4"]},
        "reward": {"exp_values": [1, 2, 3]},
        "adaptor": [{"name": "min_p", "value": 0.5}, {"name": "min_p", "value": "0.5"}],
        "corpus": {"size": 3, "epsilon": 0.25},
    }
    found = quantities(specification(document))
    assert "entropy_ball" in found
    assert "chebyshev_bound_ball" not in found
    assert ["entropy_ball" in row for row in found["adaptors"]] == [False, True]
    assert found["adaptors"][0]["entropy"] == found["adaptors"][1]["entropy"]
    document["prior"]["probs"] = [0.5, 0.25, 0.25]
    blurred = quantities(specification(document))
    assert not any(key.endswith("_ball") for key in [*blurred, *blurred["adaptors"][1]])
    assert blurred["entropy"] == found["entropy"]


@pytest.mark.parametrize("temperature", ["1/100", "1/1000"])
def test_ratios_of_strongly_cooled_laws(temperature: str) -> None:
    """C1 is collinear, so b_q = -1/2 for every q: also where Var_q I is 4^-1000."""
    document = {
        "prior": {"kind": "table", "strings": ["x", "y", "z"], "probs": ["1/7", "2/7", "4/7"]},
        "reward": {"exp_values": [1, 2, 4]},
        "adaptor": [{"name": "temperature", "value": temperature}],
    }
    (row,) = quantities(specification(document))["adaptors"]
    assert row["exchange_coefficient"] == pytest.approx(-0.5, rel=1e-12)


def test_ratios_of_strongly_aligned_laws() -> None:
    """p = (1, 2)/3 and r = (0, 800): with two strings Corr(L, R) = 1 and b = -log 2/(log 2 + 800)."""
    document = {
        "prior": {"kind": "table", "strings": ["x", "y"], "probs": ["1/3", "2/3"]},
        "reward": {"beta": 1, "values": [0, 800]},
    }
    found = quantities(specification(document))
    assert found["corr"] == pytest.approx(1, rel=1e-12)
    assert found["exchange_coefficient"] == pytest.approx(-math.log(2) / (math.log(2) + 800), rel=1e-12)


# --- exact against float ------------------------------------------------------------------------------------------

CHAINS = [
    chain(("temperature", "1/2")),
    chain(("temperature", "3/2")),
    chain(("top_k", 2)),
    chain(("nucleus", "3/4")),
    chain(("typical", "2/3")),
    chain(("eta", "1/5")),
    chain(("epsilon", "1/6")),
    chain(("min_p", "1/3")),
    chain(("temperature", "4/5"), ("nucleus", "9/10")),
    chain(("typical", "4/5"), ("temperature", "2")),
]


def model_outputs(numbers: Numbers, size: int, epsilon: fmpq) -> Document:
    """What ``quantities`` reports of the model, in the arithmetic of ``numbers``."""
    mean = moments(numbers)
    width = epsilon if numbers.prob.dtype == object else to_float(epsilon)
    return {
        "log_partition": numbers.log_partition,
        "entropy": mean.entropy,
        "varentropy": mean.var_surprisal,
        "mean_log_prior": mean.mean_log_prior,
        "mean_reward": mean.mean_reward,
        "var_log_prior": mean.var_log_prior,
        "var_reward": mean.var_reward,
        "cov": mean.cov,
        "corr": mean.correlation,
        "exchange_coefficient": mean.exchange_coefficient,
        "chebyshev_bound": chebyshev(mean.var_surprisal, size, width),
        "conditional_corr_limit": conditional_correlation_limit(mean, size, epsilon),
    }


def adaptor_outputs(numbers: Numbers, kept: Kept, normalise: str) -> Document:
    """What ``quantities`` reports of an adaptor."""
    q = adapt(numbers, kept, normalise)
    mean = moments(numbers, q)
    found = {
        "mean_log_prior": mean.mean_log_prior,
        "mean_reward": mean.mean_reward,
        "entropy": mean.entropy,
        "kl_to_aligned": mean.kl_to_aligned,
        "cross_entropy": mean.cross_entropy,
        "exchange_coefficient": mean.exchange_coefficient,
    }
    if normalise == "local":
        log_weight = adapt_global(numbers, kept).log_prob - q.log_prob
        found["kl_local_global"] = -(q.prob * log_weight).sum()
        found["w_max"] = largest_weight(exp(log_weight))
        found["acceptance"] = stationary_acceptance(q.prob, exp(log_weight))
    return found


def corpus_outputs(aligned: Aligned, size: int, epsilon: fmpq) -> Iterator[Document]:
    """What ``quantities`` reports of typical corpora, in float64 and in balls; nothing for models of many atoms."""
    numbers = aligned.balls()
    mean = moments(numbers)
    merged = atoms(numbers)
    if 1 < len(merged) <= 8:
        for route in (by_halves, by_enumeration):
            window = route(merged, size, epsilon)
            correlation = None if mean.correlation is None else window.conditional_correlation()
            yield {"typical_probability": window.mass, "conditional_corr": correlation}


def gap(value: Any, enclosure: Any) -> float:
    """How far a float lies outside a ball, relatively where the ball is above 1 and absolutely where it is not."""
    if value is None or enclosure is None:
        return 0.0 if value is enclosure else math.inf
    return abs(float(value) - to_float(enclosure)) / max(1.0, abs(to_float(enclosure)))


def thousand_laws() -> Iterator[tuple[Aligned, list[tuple[Chain, str]], int, fmpq]]:
    """600 tables of 2 to 7 strings and 400 trees, two adaptors each, N and epsilon; always the same."""
    rng = np.random.default_rng(1_000)
    for k in range(1_000):
        if k % 5 < 3:
            aligned = random_table(rng, int(rng.integers(2, 8)), largest=int(rng.choice([12, 1_000])))
        else:
            aligned = random_tree(rng, int(rng.integers(2, 4)), int(rng.integers(2, 4)))
        chosen = [(CHAINS[int(c)], str(rng.choice(["local", "global"]))) for c in rng.integers(0, len(CHAINS), 2)]
        yield aligned, chosen, int(rng.integers(1, 6)), fmpq(int(rng.integers(1, 40)), 20)


def test_float_against_exact_on_a_thousand_laws() -> None:
    """Every output in float64 lies within 1e-10 of its ball; the kept sets are decided once, formally.

    Relatively for numbers above 1, absolutely below: the ratios corr, exchange_coefficient, conditional_corr and
    conditional_corr_limit, and differences such as cov, have no relative accuracy where they nearly vanish.
    """
    worst: dict[str, float] = {}
    for k, (aligned, chosen, size, epsilon) in enumerate(thousand_laws()):
        exact, rounded = aligned.balls(), aligned.floats()
        pairs = [tuple(model_outputs(n, size, epsilon) for n in (rounded, exact))]
        for steps, normalise in chosen:
            kept = decide(exact, steps)
            pairs.append(tuple(adaptor_outputs(n, kept, normalise) for n in (rounded, exact)))
        if k % 7 == 0:
            pairs.append(tuple(corpus_outputs(aligned, size, epsilon)))
        for pair in pairs:
            for name in pair[0] if pair else ():
                worst[name] = max(worst.get(name, 0.0), gap(pair[0][name], pair[1][name]))
    assert len(worst) == 19
    assert {name: value for name, value in worst.items() if not value <= 1e-10} == {}


# --- the named examples -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["c1", "c2", "c3", "c4", "c5"])
def test_examples_are_certified(name: str) -> None:
    """Every number of the example files has a ball of radius below 1e-30, and the float is its midpoint."""
    found = quantities(read_specification(EXAMPLES / f"{name}.toml"))
    for row in (found, *found["adaptors"]):
        certified = {key for key in row if key.endswith("_ball")}
        plain = {key for key, value in row.items() if isinstance(value, float)}
        assert {key.removesuffix("_ball") for key in certified} == plain
        for key in certified:
            middle, radius = row[key]
            assert mp.mpf(radius) < mp.mpf(WIDEST), key
            assert row[key.removesuffix("_ball")] == pytest.approx(float(middle), rel=1e-15, abs=1e-60), key


def in_ball(row: Mapping[str, Any], name: str, value: Any) -> bool:
    """Whether a reported ball holds a number known to 60 digits."""
    middle, radius = (mp.mpf(text) for text in row[f"{name}_ball"])
    return bool(abs(middle - value) <= radius + mp.mpf("1e-48"))


def test_c1_to_c5_by_hand() -> None:
    """Z = 3, 25/11, 17/7, 20/13, 44/11; E R = E L + log 7 on C1; b = 1/2 on C4, -1.924 on C5."""
    found = {k: quantities(read_specification(EXAMPLES / f"c{k}.toml")) for k in range(1, 6)}
    with mp.workdps(60):
        partitions = {1: mp.mpf(3), 2: mp.mpf(25) / 11, 3: mp.mpf(17) / 7, 4: mp.mpf(20) / 13, 5: mp.mpf(4)}
        for k, partition in partitions.items():
            assert in_ball(found[k], "log_partition", mp.log(partition))
        assert in_ball(found[4], "exchange_coefficient", mp.mpf("0.5"))
        assert in_ball(found[1], "corr", mp.mpf(1))
    assert found[5]["exchange_coefficient"] == pytest.approx(-1.924, abs=5e-4)
    for row in (found[1], *found[1]["adaptors"]):
        assert row["mean_reward"] == pytest.approx(row["mean_log_prior"] + math.log(7), rel=1e-14)


def test_c2_at_half_the_temperature() -> None:
    """b has 81/337 locally and 81/145 globally: E R = log 2 + p(b) log 3/2, likewise E L, and w_max = 337/145."""
    found = quantities(read_specification(EXAMPLES / "c2.toml"))
    local, whole, _ = found["adaptors"]
    with mp.workdps(60):
        for row, mass in ((local, mp.mpf(81) / 337), (whole, mp.mpf(81) / 145), (found, mp.mpf(9) / 25)):
            assert in_ball(row, "mean_reward", mp.log(2) + mass * mp.log(mp.mpf(3) / 2))
            assert in_ball(row, "mean_log_prior", mp.log(mp.mpf(2) / 11) + mass * mp.log(mp.mpf(3) / 2))
        both_b = (mp.mpf(81) / 337) ** 2
        assert in_ball(local, "w_max", mp.mpf(337) / 145)
        assert in_ball(local, "acceptance", both_b * 337 / 145 + (1 - both_b) * 337 / 580)
    assert (whole["w_max"], whole["acceptance"], whole["kl_local_global"]) == (None, None, None)
    for name in ("mean_log_prior", "mean_reward"):
        assert local[name] < found[name] < whole[name]
