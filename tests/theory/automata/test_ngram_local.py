"""Local adaptors on back-off models that are not expanded: against the expanded automaton, in balls of its numbers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from flint import arb, fmpq

from tests.ngrams import BIGRAM, random_arpa, written
from tests.theory.automata.test_adaptors import MOMENTS
from theory.adaptors.chains import Chain, adaptor, chain
from theory.adaptors.float_rows import adapted_row, not_in_floats
from theory.arithmetic.exact import Undecided, to_float
from theory.automata import ngram_local
from theory.automata.ngram import ngram_moments
from theory.automata.ngram_local import local_law
from theory.language_models.arpa import read_arpa
from theory.language_models.ngram import NGramModel, ngram_model
from theory.language_models.rewards import Reward
from theory.models.automaton import AutomatonModel
from theory.models.ngram import AlignedNGram, expanded_automaton, reward_floats
from theory.quantities.directions import effect

CHAINS = (
    chain(),
    chain(("temperature", "9/10")),
    chain(("temperature", "5/4")),
    chain(("top_k", 3)),
    chain(("nucleus", "4/5")),
    chain(("typical", "9/10")),
    chain(("min_p", "1/5")),
    chain(("epsilon", "1/20")),
    chain(("eta", "1/10")),
    chain(("top_k", 4), ("temperature", "1/2"), ("nucleus", "9/10")),
)


def model_of(folder: Path, seed: int) -> tuple[NGramModel, tuple[Reward, ...]]:
    rng = np.random.default_rng([51, seed])
    text = random_arpa(rng, 2 + seed % 3, 3 + seed % 2)
    model = ngram_model(read_arpa(written(folder, text)))
    return model, tuple(Reward(fmpq(int(k), 40)) for k in rng.integers(-8, 3, size=len(model.alphabet)))


@pytest.mark.parametrize("seed", range(6))
def test_moments_are_those_of_the_expanded_automaton(seed: int, tmp_path: Path) -> None:
    """Ten moments of each local law to 1e-10, and the same mass where it is lost."""
    model, rewards = model_of(tmp_path, seed)
    other = AutomatonModel.of(expanded_automaton(model, rewards))
    reward = reward_floats(rewards)
    whole = ngram_moments(model, reward)
    for steps in CHAINS:
        found, known = local_law(model, reward, whole, steps), other.adapted(steps, "local")
        if known.moments is None:
            assert known.status == "LEAKS"
            assert found.moments is None
            assert found.leaked == pytest.approx(to_float(known.leaked_mass), abs=1e-10)
            continue
        assert found.moments is not None, steps
        for name in MOMENTS:
            right = to_float(getattr(known.moments, name))
            assert getattr(found.moments, name) == pytest.approx(right, rel=1e-10, abs=1e-10), (str(steps), name)


def test_mass_is_lost_where_no_end_is_kept(tmp_path: Path) -> None:
    """In one context a has .6 and the end .3: top-1 goes on for ever; in the bigram it ends at once."""
    rows = "-0.221848749616356 a\n-1 b\n-0.522878745280338 </s>"
    model = ngram_model(read_arpa(written(tmp_path, f"\\data\\\nngram 1=3\n\n\\1-grams:\n{rows}\n\\end\\\n")))
    whole = ngram_moments(model, np.zeros(3))
    found = local_law(model, np.zeros(3), whole, chain(("top_k", 1)))
    assert (found.moments, found.leaked, found.contexts, found.arcs) == (None, 1.0, 1, 1)
    other = ngram_model(read_arpa(written(tmp_path, BIGRAM, "other.arpa")))
    ends = local_law(other, np.zeros(3), ngram_moments(other, np.zeros(3)), chain(("top_k", 1)))
    assert ends.moments is not None
    assert ends.moments.entropy == 0
    assert ends.moments.mean_log_prior == pytest.approx(np.log(0.5))
    assert ends.moments.constant.reward


def test_a_model_too_large_to_expand_has_local_laws(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same law by either route, and a correction only from the expanded one."""
    model, rewards = model_of(tmp_path, 1)
    steps = chain(("nucleus", "99/100"))
    small = AlignedNGram.of(model, rewards)
    known = small.adapted(steps, "local")
    monkeypatch.setattr("theory.models.ngram.MOST_EXPANDED", 5)
    large = AlignedNGram.of(model, rewards)
    found = large.adapted(steps, "local")
    assert found.moments is not None
    assert known.moments is not None
    assert found.moments.mean_reward == pytest.approx(known.moments.mean_reward, rel=1e-10)
    assert found.moments.bits is None
    assert large.correction(found).w_max is None
    assert large.correction(found).reasons["acceptance"] == "the model is too large to expand"
    refused = large.adapted(Chain((adaptor("top_a", "1/10"),)), "local")
    assert refused.status == "UNDECIDED"
    assert refused.reason.startswith("top_a 1/10 is not computed in float64 on a model of this size; temperature, ")
    cut = large.adapted(steps, "global")
    assert (cut.status, "at most 5 are expanded" in cut.reason) == ("UNDECIDED", True)


def test_too_many_contexts_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model, rewards = model_of(tmp_path, 0)
    reward = reward_floats(rewards)
    whole = ngram_moments(model, reward)
    monkeypatch.setattr(ngram_local, "MOST_ENTRIES", 2 * len(reward))
    with pytest.raises(Undecided, match=r"4 tokens each, in 2 contexts and more; at most 8 entries are computed"):
        local_law(model, reward, whole, chain(("top_k", 3)))


def test_rows_in_float64() -> None:
    """Equal probabilities in their order; what float64 does not tell is said; options are refused."""
    row = np.log([0.3, 0.1, 0.3, 0.3])
    assert adapted_row(row, chain(("top_k", 2)))[0].tolist() == [0, 2]
    assert adapted_row(row, chain(("nucleus", "1/2")))[0].tolist() == [0, 2]
    assert adapted_row(row, chain(("min_p", 1)))[0].tolist() == [0, 2, 3]
    assert adapted_row(row, chain(("min_p", 0)))[0].tolist() == [0, 1, 2, 3]
    assert adapted_row(row, chain(("nucleus", 1)))[0].tolist() == [0, 1, 2, 3]
    assert adapted_row(row, chain(("epsilon", 1)))[0].tolist() == [0]
    assert adapted_row(np.array([-np.inf, 0.0]), chain(("temperature", 2)))[0].tolist() == [1]
    with pytest.raises(Undecided, match=r"mass of the first 1 tokens reaches 0\.5"):
        adapted_row(np.log([0.5, 0.25, 0.25]), chain(("nucleus", "1/2")))
    with pytest.raises(Undecided, match="is the threshold"):
        adapted_row(np.log([0.5, 0.25, 0.25]), chain(("epsilon", "1/4")))
    assert not_in_floats(chain(("nucleus", "1/2 boundary=exceed"))).startswith("nucleus 1/2 boundary=exceed is not")
    assert not_in_floats(CHAINS[-1]) == ""


def test_signs_of_effects_allow_for_float64(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A float64 mean beside a ball has no sign where rounding may have made the difference."""
    model, rewards = model_of(tmp_path, 1)
    monkeypatch.setattr("theory.models.ngram.MOST_EXPANDED", 5)
    large = AlignedNGram.of(model, rewards)
    assert effect(large, large.adapted(chain(("temperature", "1000000000001/1000000000000")), "local")) == "UNDECIDED"
    assert effect(large, large.adapted(chain(("temperature", "1/2")), "local")) != "UNDECIDED"
    assert isinstance(large.mean.mean_reward, arb)
