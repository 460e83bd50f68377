"""``probqual exact`` for automata: against the tree with the same strings, what is refused, what diverges or leaks."""

from __future__ import annotations

import json
import math
import tomllib
from typing import Any

import pytest
from flint import arb, fmpq
from hypothesis import given

from tests.automata import automata
from theory.examples.automata import two_states
from theory.language_models.automaton import Automaton
from theory.quantities.answer import answer, quantities
from theory.specification.automaton import read_automaton, write_automaton
from theory.specification.finite import parse_specification
from theory.specification.tables import SpecificationError

AUTOMATON = """\
[prior]
kind = "automaton"
alphabet = ["kiwi", "plum"]
states = 3
initial = 0
stop = ["1/4", "1/3", "1"]
[[prior.arc]]
from = 0
to = 1
token = "kiwi"
prob = "1/2"
reward = "1/3"
[[prior.arc]]
from = 0
to = 2
token = "plum"
prob = "1/4"
[[prior.arc]]
from = 1
to = 2
token = "plum"
prob = "2/3"
exp_reward = "3/2"
[reward]
beta = "2"
token = {kiwi = "1/2"}
exp_token = {plum = "5/4"}
"""

TREE = """\
[prior]
kind = "tree"
alphabet = ["kiwi", "plum"]
[prior.next]
"" = ["1/2", "1/4", "1/4"]
"kiwi" = ["0", "2/3", "1/3"]
[reward]
beta = "2"
token = {kiwi = "1/2"}
exp_token = {plum = "5/4"}
[reward.string]
"kiwi" = "1/3"
"kiwi plum" = "1/3"
[reward.exp_string]
"kiwi plum" = "3/2"
"""

ADAPTORS = "".join(
    f'[[adaptor]]\nname = {name}\nvalue = {value}\nnormalise = "{normalise}"\n'
    for normalise in ("local", "global")
    for name, value in (
        ('"temperature"', '"1/2"'),
        ('"temperature"', '"3"'),
        ('"top_k"', "1"),
        ('"nucleus"', '"3/4"'),
        ('"typical"', '"1/2"'),
        ('["top_k", "temperature"]', '[2, "2/3"]'),
    )
)
CORPUS = '[corpus]\nsize = 40\nepsilon = "1/10"\n'

CYCLE = """\
[prior]
kind = "automaton"
alphabet = ["a", "b"]
states = 1
stop = ["1/2"]
[[prior.arc]]
from = 0
to = 0
token = "a"
prob = "1/4"
[[prior.arc]]
from = 0
to = 0
token = "b"
prob = "1/4"
[reward]
beta = "1"
"""


KEYS = [
    *("log_partition", "entropy", "varentropy", "mean_log_prior", "mean_reward", "var_log_prior", "var_reward", "cov"),
    *("corr", "exchange_coefficient", "typical_probability", "chebyshev_bound", "conditional_corr"),
    *("conditional_corr_limit", "adaptors", "spectral_radius", "critical_temperature"),
]
ADAPTOR_KEYS = [
    *("name", "value", "normalise", "mean_log_prior", "mean_reward", "entropy", "kl_to_aligned", "cross_entropy"),
    *("kl_local_global", "w_max", "acceptance", "exchange_coefficient"),
]


def exact(text: str) -> dict[str, Any]:
    found = answer(tomllib.loads(text))
    json.dumps(found, allow_nan=False)
    return found


def put(text: str, *lines: str) -> str:
    """``text`` with each of ``lines`` in the place of the first line that sets the same key."""
    for line in lines:
        key = line.split(" = ")[0]
        old = next(have for have in text.splitlines() if have.split(" = ")[0] == key)
        text = text.replace(f"{old}\n", f"{line}\n", 1)
    return text


def adaptor(name: str, value: str, normalise: str = "local") -> str:
    return f'[[adaptor]]\nname = "{name}"\nvalue = "{value}"\nnormalise = "{normalise}"\n'


# --- the same numbers as the tree ---------------------------------------------------------------------------------


def test_finite_automaton_gives_the_numbers_of_its_tree() -> None:
    """Every key of OUT, the adaptors' too, equals the tree's; balls overlap."""
    found = exact(AUTOMATON + ADAPTORS + CORPUS)
    expected = quantities(parse_specification(TREE + ADAPTORS + CORPUS))
    assert found["strings"] == expected["strings"] == 4
    _equal(found, expected)
    assert len(found["adaptors"]) == len(expected["adaptors"]) == 12
    for one, two in zip(found["adaptors"], expected["adaptors"], strict=True):
        _equal(one, two)


def _equal(found: dict[str, Any], expected: dict[str, Any]) -> None:
    for key, value in expected.items():
        if key in {"kind", "states", "adaptors", "notes", "spectral_radius"}:
            continue
        assert key in found, key
        if key.endswith("_ball"):
            (one, wide), (two, narrow) = found[key], value
            reach = abs(arb(wide)) + abs(arb(narrow)) + arb(1e-70)
            assert abs(arb(one) - arb(two)) <= reach, key
        elif isinstance(value, float):
            assert math.isclose(found[key], value, rel_tol=1e-14, abs_tol=1e-60), key
        else:
            assert found[key] == value, key


def test_keys_of_the_contract() -> None:
    found = exact(CYCLE + adaptor("temperature", "1/2") + adaptor("temperature", "1/2", "global"))
    assert set(KEYS) <= set(found)
    for entry in found["adaptors"]:
        assert set(ADAPTOR_KEYS) <= set(entry)
    local, whole = found["adaptors"]
    assert local["kl_local_global"] > 0
    assert local["acceptance"] == pytest.approx(18 / 23)
    assert whole["kl_local_global"] is whole["w_max"] is None


def test_numbers_by_hand() -> None:
    """Two letters 1/4, stop 1/2: H = 2 log 2 + ..., b = -1 since R = 0 gives L = -I; the radius is 1/2 and T_c = 2."""
    found = exact(CYCLE)
    log2 = math.log(2)
    assert math.isclose(found["entropy"], 3 * log2)
    assert found["mean_reward"] == found["log_partition"] == 0
    assert found["corr"] is None
    assert math.isclose(found["exchange_coefficient"], -1)
    assert found["spectral_radius"] == 0.5
    assert math.isclose(found["critical_temperature"], 2, rel_tol=1e-15)
    middle, radius = found["critical_temperature_ball"]
    assert abs(arb(middle) - 2) <= arb(radius)
    assert float(arb(radius)) < 1e-30


# --- what diverges, leaks, or is not certified --------------------------------------------------------------------


def test_diverging_reward() -> None:
    found = exact(CYCLE + "exp_token = {a = 3, b = 1}\n" + adaptor("top_k", "1") + CORPUS)
    assert found["status"] == "DIVERGENT"
    assert found["spectral_radius"] == 1
    assert found["entropy"] is found["log_partition"] is found["typical_probability"] is None
    assert found["critical_temperature"] is None
    assert found["adaptors"][0]["status"] == "DIVERGENT"
    assert found["adaptors"][0]["entropy"] is None


def test_diverging_temperature() -> None:
    """T_c = 2: at T = 2 itself the sum is infinite, decided formally; below it is not."""
    found = exact(CYCLE + adaptor("temperature", "2", "global") + adaptor("temperature", "1.999", "global"))
    at, below = found["adaptors"]
    assert (at["status"], at["entropy"]) == ("DIVERGENT", None)
    assert below["status"] == "OK"
    assert below["entropy"] > 100
    assert any("adaptor 1" in note for note in found["notes"])


def test_leak_and_empty_law() -> None:
    text = put(CYCLE, 'stop = ["1/4"]', 'prob = "1/2"') + adaptor("top_k", "1") + adaptor("top_k", "1", "global")
    local, whole = exact(text)["adaptors"]
    assert (local["status"], local["leaked_mass"], local["entropy"]) == ("LEAKS", 1.0, None)
    assert (whole["status"], whole["entropy"]) == ("EMPTY", None)


def test_near_the_border_more_bits_are_taken() -> None:
    """A radius of 1 - 10^-100 at 256 bits is not told from 1; the balls come out narrow all the same."""
    tight = f'exp_token = {{a = "{2 - fmpq(2, 10**100)}", b = "2"}}\n'
    found = exact(CYCLE + tight)
    assert found["status"] == "OK"
    middle, radius = found["log_partition_ball"]
    assert abs(arb(middle) - arb(10**100).log()) < arb(1e-40)
    assert float(arb(radius)) < 1e-30


def test_floats_are_not_certified() -> None:
    found = exact(CYCLE.replace('"1/4"', "0.25").replace('["1/2"]', "[0.5]"))
    assert "entropy_ball" not in found
    assert math.isclose(found["entropy"], 3 * math.log(2))
    rounded = CYCLE.replace('"1/4"', "0.2500000000001").replace('["1/2"]', "[0.5]")
    assert any("divided by their sum" in note for note in exact(rounded)["notes"])


def test_states_off_all_paths_are_noted() -> None:
    text = put(CYCLE, "states = 3", 'stop = ["1/4", "0", "1"]')
    text = text.replace("[reward]", '[[prior.arc]]\nfrom = 0\nto = 1\ntoken = "c"\nprob = "1/4"\n[reward]')
    text = text.replace("[reward]", '[[prior.arc]]\nfrom = 1\nto = 1\ntoken = "a"\nprob = "1"\n[reward]')
    text = text.replace('["a", "b"]', '["a", "b", "c"]')
    notes = exact(text)["notes"]
    assert "states 1, 2 lie on no path from the initial state to a stop; cut off" in notes
    assert "the prior gives mass 0.5 to infinite strings; its finite strings are kept" in notes


def test_typical_probability_comes_with_its_error() -> None:
    found = exact(CYCLE + CORPUS)
    assert "typical_probability_ball" not in found
    assert found["typical_probability_error"] < 1e-11
    assert "chebyshev_bound_ball" in found
    finite = exact(AUTOMATON + CORPUS)
    assert "typical_probability_ball" in finite


# --- what is refused ----------------------------------------------------------------------------------------------

BAD = [
    (put(CYCLE, 'stop = ["1/4"]'), "state 0", "3/4"),
    (put(CYCLE, 'stop = ["1/2", "1/2"]'), "prior.stop", "got 2"),
    (put(CYCLE, 'stop = "1/2"'), "prior.stop"),
    (put(CYCLE, 'stop = ["x"]'), "state 0, stop", "'x'"),
    (put(CYCLE, 'stop = ["-1/2"]'), "state 0, stop", "-1/2"),
    (put(CYCLE, "states = 0"), "prior.states"),
    (put(CYCLE, 'states = "1"'), "prior.states"),
    (put(CYCLE, "states = true"), "prior.states"),
    (put(CYCLE, 'alphabet = ["a", "a"]'), "'a' occurs twice"),
    (put(CYCLE, 'alphabet = ["b"]'), "arc 1", "'a'"),
    (put(CYCLE, "to = 1"), "arc 1, to", "got 1"),
    (put(CYCLE, "from = -1"), "arc 1, from", "got -1"),
    (put(CYCLE, "from = 0.0"), "arc 1, from"),
    (put(CYCLE, 'token = "b"'), "two paths: states 0-0 and 0-0 by another arc"),
    (CYCLE.replace('token = "b"\n', ""), "arc 2: token is missing"),
    (CYCLE.replace('prob = "1/4"\n', "", 1), "arc 1: prob is missing"),
    (CYCLE.replace('stop = ["1/2"]\n', ""), "prior.stop is missing"),
    (CYCLE.replace("states = 1\n", ""), "prior.states is missing"),
    (CYCLE.replace('alphabet = ["a", "b"]\n', ""), "prior.alphabet is missing"),
    (CYCLE.replace("states = 1\n", "states = 1\ninitial = 1\n"), "prior.initial", "got 1"),
    (CYCLE.replace("states = 1\n", 'states = 1\ncolour = "red"\n'), "colour", "[prior]"),
    (CYCLE.replace('token = "a"\n', 'token = "a"\ncolour = "red"\n'), "colour", "arc 1"),
    (CYCLE + 'colour = "red"\n', "colour", "[reward]"),
    (CYCLE + 'values = ["0"]\n', "values", "[reward]"),
    (CYCLE + 'token = {c = "1"}\n', "reward.token", "'c'"),
    (CYCLE + 'exp_token = {a = "-1"}\n', "exp_token", "-1"),
    (CYCLE + "token = {a = inf}\n", "token", "inf"),
    (CYCLE + 'token = "1"\n', "reward.token must be a table"),
    (CYCLE + 'exp_token = {a = "0", b = "0"}\n' + adaptor("top_k", "0"), "adaptor 1", "top_k"),
    (CYCLE.replace('beta = "1"', 'token = {a = "1"}'), "reward.beta is missing"),
    (
        CYCLE.replace('token = "a"\n', 'token = "a"\nreward = "1"\n').replace('beta = "1"\n', ""),
        "reward.beta is missing",
    ),
    (CYCLE.replace('token = "a"\n', 'token = "a"\nreward = "+inf"\n'), "arc 1, reward", "+inf"),
    (put(CYCLE, 'beta = "0"'), "reward.beta"),
    (CYCLE + '[corpus]\nsize = 0\nepsilon = "1"\n', "corpus.size"),
    (CYCLE[: CYCLE.index("[reward]")], "[reward] is missing"),
    (CYCLE.replace("[[prior.arc]]", "[prior.arc]", 1).replace("[[prior.arc]]", "[prior.other]"), "prior"),
    (put(CYCLE, 'kind = "automata"'), "prior.kind", "'automata'"),
    ("adaptor = 3\n" + CYCLE, "adaptor must be an array"),
    (CYCLE + "[colour]\nred = 1\n", "colour"),
]


@pytest.mark.parametrize("case", BAD, ids=[str(k) for k in range(len(BAD))])
def test_refused(case: tuple[str, ...]) -> None:
    """One line that names the element and what it holds."""
    with pytest.raises(SpecificationError) as caught:
        answer(tomllib.loads(case[0]))
    message = str(caught.value)
    assert "\n" not in message
    for needle in case[1:]:
        assert needle in message


def test_no_string_is_refused() -> None:
    text = put(CYCLE, 'stop = ["0"]', 'prob = "3/4"')
    with pytest.raises(SpecificationError, match="no string ends"):
        exact(text)
    removed = AUTOMATON.replace('stop = ["1/4", "1/3", "1"]', 'stop = ["0", "1/3", "1"]')
    removed = removed.replace('prob = "1/4"', 'prob = "1/2"') + "[reward.extra]\n"
    with pytest.raises(SpecificationError, match="extra"):
        exact(removed)
    everything = put(AUTOMATON, 'stop = ["0", "0", "1"]', 'prob = "3/4"').replace('prob = "2/3"', 'prob = "1"')
    everything = everything.replace('token = {kiwi = "1/2"}', "token = {kiwi = -inf, plum = -inf}")
    with pytest.raises(SpecificationError, match="support is empty"):
        exact(everything)


NONDETERMINISTIC = """\
[prior]
kind = "automaton"
alphabet = ["a", "b", "c"]
states = 3
stop = ["0", "0", "1"]
[[prior.arc]]
from = 0
to = 0
token = "a"
prob = "1/2"
[[prior.arc]]
from = 0
to = 1
token = "a"
prob = "1/2"
[[prior.arc]]
from = 1
to = 2
token = "b"
prob = "1"
[reward]
beta = "1"
token = {a = "-1/5"}
"""


def test_unambiguous_but_nondeterministic() -> None:
    """Moments and the global temperature exist; what works state by state is refused with the state and the token."""
    found = exact(NONDETERMINISTIC + adaptor("temperature", "1/2", "global") + CORPUS)
    assert found["status"] == found["adaptors"][0]["status"] == "OK"
    for steps in (adaptor("temperature", "1/2"), adaptor("top_k", "1", "global")):
        with pytest.raises(SpecificationError, match=r"adaptor 1: needs a deterministic .* state 0 .* token 'a'"):
            exact(NONDETERMINISTIC + steps)


# --- writing ------------------------------------------------------------------------------------------------------


@given(automata(states=3))
def test_written_automata_are_read_back(automaton: Automaton) -> None:
    """The same steps, probabilities and rewards, and every probability 1 in sum where nothing was cut off."""
    if any(total != 1 for total in automaton.graph.row_sums(automaton.prob)):
        return
    found = read_automaton(write_automaton(automaton)).automaton
    assert found.prob.tolist() == automaton.prob.tolist()
    assert found.reward == automaton.reward
    assert found.graph.target.tolist() == automaton.graph.target.tolist()
    assert found.token.tolist() == automaton.token.tolist()


def test_read_automaton_refuses_what_is_not_toml() -> None:
    with pytest.raises(SpecificationError, match="TOML"):
        read_automaton("[prior")
    assert read_automaton(write_automaton(two_states())).exact


def test_rows_of_floats_give_one_note() -> None:
    """Three states whose floats sum to 1 but for rounding: the first is named, the others are counted."""
    arcs = "".join(
        f'[[prior.arc]]\nfrom = {k}\nto = {(k + 1) % 3}\ntoken = "a"\nprob = 0.1\n'
        f'[[prior.arc]]\nfrom = {k}\nto = {k}\ntoken = "b"\nprob = 0.2\n'
        for k in range(3)
    )
    stop = "stop = [0.7000000001, 0.7000000002, 0.7000000003]"
    head = f'[prior]\nkind = "automaton"\nalphabet = ["a", "b"]\nstates = 3\n{stop}\n'
    notes = read_automaton(head + arcs + '[reward]\nbeta = "1"\n').notes
    assert len([note for note in notes if "divided by their sum once" in note]) == 1
    assert any(note.startswith("prior, state 0: ") and note.endswith("so were those of 2 more") for note in notes)
