"""What adaptors do, what is in reach and where cooling changes its way: in words, against the numbers themselves."""

from __future__ import annotations

import itertools
import tomllib
from pathlib import Path

import numpy as np
import pytest
from flint import fmpq
from hypothesis import given

from tests.ngrams import random_arpa
from tests.strategies import tables
from theory.adaptors.chains import KINDS
from theory.adaptors.exact import Adaptor, chain
from theory.adaptors.other_names import OTHER_NAMES
from theory.alignment.gibbs import Aligned
from theory.arithmetic.exact import precision
from theory.examples.automata import two_states
from theory.examples.finite import c1, c2, c5, toy
from theory.language_models.arpa import read_arpa
from theory.language_models.ngram import ngram_model
from theory.language_models.rewards import Reward
from theory.models.automaton import AutomatonModel
from theory.models.finite import FiniteModel
from theory.models.long_table import Columns, LongTable
from theory.models.ngram import AlignedNGram, expanded_automaton
from theory.quantities.answer import answer
from theory.quantities.cooling import cooling
from theory.quantities.directions import EFFECTS, effect, reach, turns
from theory.specification.tables import SpecificationError

EXAMPLES = Path(__file__).parents[3] / "examples"


def words(model: FiniteModel, *steps: tuple[str, str | int], normalise: str = "global") -> str:
    return effect(model, model.adapted(chain(*steps), normalise))


def test_an_adaptor_in_words() -> None:
    """C5: cooling trades R for L, heating the other way round; what keeps everything moves nothing."""
    model = FiniteModel.of(c5())
    assert words(model, ("temperature", "1/2")) == "trades R for L"
    assert words(model, ("temperature", 2)) == "trades L for R"
    assert (
        words(model, ("top_k", 3))
        == words(model, ("nucleus", 1))
        == words(model, ("epsilon", "1/100"))
        == EFFECTS[0, 0]
    )
    assert words(model, ("temperature", 2), ("temperature", "1/2")) == EFFECTS[0, 0]
    tree = FiniteModel.of(c2())
    assert words(tree, ("temperature", "1/2"), normalise="local") == "lowers both"
    assert words(tree, ("temperature", "1/2")) == "raises both"


@given(tables())
def test_a_small_cooling_is_an_adaptor_that_does_what_cooling_says(aligned: Aligned) -> None:
    """T = 1 - 1e-9, globally: the same words where no slope is 0."""
    model = FiniteModel.of(aligned)
    said = cooling(model)
    if said in {"raises both", "trades R for L", "trades L for R"}:
        assert words(model, ("temperature", "999999999/1000000000")) == said


def test_constants_have_their_own_words() -> None:
    table = LongTable.of(Columns(np.array([1.0, 1.0, 1.0]), np.array([0.0, 1.0, 2.0]), False, False, fmpq(1), 3.0))
    assert effect(table, table.adapted(chain(("temperature", "1/2")), "global")) == "raises R"
    assert effect(table, table.adapted(chain(("temperature", 2)), "global")) == "lowers R"
    assert effect(table, table.adapted(chain(("top_k", 3)), "global")) == "nothing moves"


@given(tables())
def test_reach_holds_every_law(aligned: Aligned) -> None:
    """The ends are attained by single strings."""
    model = FiniteModel.of(aligned)
    found = reach(model)
    assert found is not None
    for values, (low, high) in zip((model.numbers.log_prior, model.numbers.reward), found, strict=True):
        assert (min(map(float, values)), max(map(float, values))) == (low, high)
    assert reach(AutomatonModel.of(two_states())) is None


def test_turns_are_where_a_slope_vanishes() -> None:
    """The toy turns once; on either side of each T a small further cooling does what is said."""
    model = FiniteModel.of(toy())
    found = turns(model)
    assert found is not None
    assert [(turn.above, turn.below) for turn in found] == [("raises both", "trades R for L")]
    for turn in found:
        means = [
            model.adapted(chain(("temperature", f"{turn.temperature * factor:.12f}")), "global").moments
            for factor in (1.01, 1.009, 0.991, 0.99)
        ]
        gains = [float(b.mean_reward - a.mean_reward) for a, b in itertools.pairwise(means)]
        assert gains[0] > 0 > gains[2]
        assert all(b.mean_log_prior > a.mean_log_prior for a, b in itertools.pairwise(means))
    assert turns(FiniteModel.of(c1())) == ()


def test_turns_of_an_automaton() -> None:
    with precision():
        model = AutomatonModel.of(two_states())
        found = turns(model)
        assert found is not None
        for turn in found:
            b = model.adapted(chain(("temperature", f"{turn.temperature:.12f}")), "global").moments.exchange_coefficient
            assert min(abs(float(b)), abs(float(b) + 1)) < 1e-6


def test_turns_of_a_back_off_model_are_those_of_its_automaton(tmp_path: Path) -> None:
    """Path sums of the back-off structure, and of one arc for each context and token, turn alike."""
    turned = 0
    for seed in (1, 2, 3, 4, 20):
        rng, file = np.random.default_rng(seed), tmp_path / f"{seed}.arpa"
        file.write_text(random_arpa(rng, 2, 3), encoding="utf-8")
        prior = ngram_model(read_arpa(file))
        rewards = tuple(Reward(exponent=fmpq(int(k), 8)) for k in rng.integers(-8, 6, len(prior.alphabet)))
        with precision():
            found = turns(AlignedNGram.of(prior, rewards))
            expected = turns(AutomatonModel.of(expanded_automaton(prior, rewards)))
        assert found is not None
        assert expected is not None
        assert [(turn.above, turn.below) for turn in found] == [(turn.above, turn.below) for turn in expected]
        at = [turn.temperature for turn in expected]
        assert [turn.temperature for turn in found] == pytest.approx(at, rel=1e-8)  # the search stops at 1e-9
        turned += len(found)
    assert turned >= 3


def test_the_output_has_them() -> None:
    found = answer(tomllib.loads((EXAMPLES / "tree.toml").read_text(encoding="utf-8")))
    assert [entry["effect"] for entry in found["adaptors"]][:4] == ["raises both"] * 3 + ["nothing moves"]
    assert found["turns"] == [
        {"temperature": pytest.approx(0.278794, abs=1e-6), "above": "raises both", "below": "trades R for L"}
    ]
    assert found["reach"]["mean_reward"] == [-0.5, 1.25]
    infinite = answer(tomllib.loads((EXAMPLES / "automaton.toml").read_text(encoding="utf-8")))
    assert infinite["reach"] is None
    assert any(note.startswith("reach: null") for note in infinite["notes"])


@pytest.mark.parametrize("name", OTHER_NAMES)
def test_names_of_other_tools_are_taken_and_said(name: str) -> None:
    """The same numbers as under our name, and a note; the library names ours in its error."""
    ours = OTHER_NAMES[name]
    assert ours in KINDS
    document = tomllib.loads((EXAMPLES / "c5.toml").read_text(encoding="utf-8"))
    value = 2 if ours in {"top_k", "no_repeat_ngram"} else "1/2"
    one = answer(document | {"adaptor": [{"name": name, "value": value}]})
    other = answer(document | {"adaptor": [{"name": ours, "value": value}]})
    assert f"adaptor 1: {name} is {ours} here" in one["notes"]
    assert {**one["adaptors"][0], "name": ours} == other["adaptors"][0]
    with pytest.raises(ValueError, match=f"its name here is {ours}"):
        Adaptor(name, fmpq(1))


def test_samplers_with_a_state_are_told_apart() -> None:
    """Mirostat is no chain, and the error says where it is."""
    with pytest.raises(ValueError, match="carries a state"):
        Adaptor("mirostat", fmpq(1))


def test_unknown_names_are_still_refused() -> None:
    document = tomllib.loads((EXAMPLES / "c5.toml").read_text(encoding="utf-8"))
    with pytest.raises(SpecificationError, match="adaptor 1: unknown adaptor 'tfs'; known: temperature"):
        answer(document | {"adaptor": [{"name": "tfs", "value": "1/2"}]})
