"""Local temperatures of back-off models by sums over listed arcs: against one context's law at a time."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from flint import fmpq

from tests.ngrams import random_arpa, written
from theory.adaptors.chains import Chain, chain
from theory.adaptors.moments import Moments
from theory.automata import ngram_local
from theory.automata.ngram import ngram_moments
from theory.automata.ngram_tempered import tempered_law
from theory.language_models.arpa import read_arpa
from theory.language_models.automaton import Floats
from theory.language_models.ngram import NGramModel, ngram_model
from theory.language_models.rewards import REMOVED, Reward
from theory.models.ngram import reward_floats


def model_of(folder: Path, seed: int, *, removes: bool) -> tuple[NGramModel, Floats]:
    """A random model of order 2 to 4 and a reward for each token; one may be removed."""
    rng = np.random.default_rng([77, seed])
    model = ngram_model(read_arpa(written(folder, random_arpa(rng, 2 + seed % 3, 3 + seed % 4, normal=seed % 2 == 0))))
    rewards = [Reward(fmpq(int(k), 40)) for k in rng.integers(-8, 3, size=len(model.alphabet))]
    if removes:
        rewards[int(rng.integers(len(rewards)))] = REMOVED
    return model, reward_floats(tuple(rewards))


@pytest.mark.parametrize("removes", [False, True])
@pytest.mark.parametrize("seed", range(12))
def test_against_one_context_at_a_time(
    seed: int, removes: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every moment to 1e-11, and the same contexts and tokens, above and below T = 1 and in a chain of two."""
    model, reward = model_of(tmp_path, seed, removes=removes)
    whole = ngram_moments(model, reward)
    some: list[Chain] = [chain(), *(chain(("temperature", t)) for t in ("9/10", "1/3", "3/2", "4"))]
    some.append(chain(("temperature", "1/2"), ("temperature", "3/2")))
    fast = [ngram_local.local_law(model, reward, whole, steps) for steps in some]
    monkeypatch.setattr(ngram_local, "tempered_law", lambda *_: None)
    for steps, found in zip(some, fast, strict=True):
        known = ngram_local.local_law(model, reward, whole, steps)
        assert found.moments is not None
        assert known.moments is not None
        assert (found.contexts, found.arcs, found.leaked) == (known.contexts, known.arcs, known.leaked), str(steps)
        for (name, one), (_, other) in zip(_numbers(found.moments), _numbers(known.moments), strict=True):
            assert one == pytest.approx(other, rel=1e-11, abs=1e-11), (str(steps), name)


def _numbers(moments: Moments) -> list[tuple[str, float]]:
    names = [name for name in Moments.__slots__ if name not in ("constant", "bits")]
    return [(name, getattr(moments, name)) for name in names]


def test_a_cold_law_is_taken_one_context_at_a_time(tmp_path: Path) -> None:
    """At T = 1/1000 the weights leave the range of float64: nothing is said, and the other route answers."""
    model, reward = model_of(tmp_path, 3, removes=False)
    whole = ngram_moments(model, reward)
    assert tempered_law(model, reward, whole.value, 1000.0) is None
    found = ngram_local.local_law(model, reward, whole, chain(("temperature", "1/1000")))
    assert found.moments is not None
    assert found.moments.entropy < 0.1


def test_laws_that_are_held_are_those_that_are_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing changes where the second pass makes the laws of some contexts, or of all, a second time."""
    model, reward = model_of(tmp_path, 4, removes=False)
    whole = ngram_moments(model, reward)
    known = ngram_local.local_law(model, reward, whole, chain(("top_k", 3)))
    for most in (0, 5, 12):
        monkeypatch.setattr(ngram_local, "MOST_HELD", most)
        again = ngram_local.local_law(model, reward, whole, chain(("top_k", 3)))
        assert (again.moments, again.contexts, again.arcs) == (known.moments, known.contexts, known.arcs)
