"""The page on engines: laws by hand, the nominal setting in an engine's own names, and where engines disagree."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from flint import fmpq

from simulations.bridge.runs import read_run
from simulations.sampling.adaptors import log_sum, log_weights
from theory.adaptors.engines import ENGINES, engine
from theory.adaptors.exact import Chain, chain
from theory.arithmetic.exact import to_float
from theory.automata.adaptors import align_automaton
from theory.examples.automata import speeches, vowels_over_consonants
from theory.report.engines import chains, nominal, pair_rows, small_rows, trigram_rows
from theory.report.engines_page import engines_page, engines_section
from theory.report.records import engines_pair_record


def row(name: str, setting: str, model: str) -> tuple[float, float, float, str]:
    found = next(r for r in small_rows() if (r.engine, r.setting, r.model) == (name, setting, model))
    return found.mean_log_prior, found.mean_reward, found.entropy, found.verdict


def test_c4_under_llama_cpp_by_hand() -> None:
    """p+ = (2, 1, 2)/5, all of it within top-p 0.95 and min-p 0.05; T = 4/5 raises to the power 5/4."""
    weights = [w**1.25 for w in (2, 1, 2)]
    q = [w / sum(weights) for w in weights]
    mean_l = sum(p * math.log(w / 13) for p, w in zip(q, (8, 4, 1), strict=True))
    mean_r = sum(p * math.log(w) for p, w in zip(q, (1, 1, 8), strict=True))
    entropy = -sum(p * math.log(p) for p in q)
    found = row("llama.cpp", "defaults", "C4")
    assert found[:3] == pytest.approx((mean_l, mean_r, entropy), abs=1e-11)
    assert found[3] == "trades L for R"


def test_greedy_defaults_take_the_lower_index() -> None:
    """The first of C4's two likeliest strings: E L = log(8/13), E R = 0."""
    assert row("mlx-lm", "defaults", "C4") == (pytest.approx(math.log(8 / 13)), 0.0, 0.0, "trades R for L")


def test_plain_defaults_leave_the_law() -> None:
    """vllm, and a top-k that is larger than the model."""
    for name in ("vllm", "transformers", "mistralrs"):
        assert row(name, "defaults", "C5")[3] == "as p+"


def test_the_nominal_setting_has_an_engines_own_names() -> None:
    """Steps that an engine does not have are left out, and penalties that are on by default are switched off."""
    assert nominal(engine("ctranslate2")) == {
        "sampling_temperature": "7/10",
        "sampling_topk": "40",
        "sampling_topp": "9/10",
    }
    assert nominal(engine("gpt4all"))["repeat_penalty"] == "1"
    for one in ENGINES:
        assert not any(step.kind.history for step in one.expand(nominal(one)).chain)


def test_the_page() -> None:
    """Every engine has a row in both tables, and disagreements are named."""
    page = engines_page(small_rows())
    for one in ENGINES:
        assert page.count(f"| {one.name} |") == 2
    assert "- defaults, C4: as p+ (transformers" in page
    assert "trades L for R (llama.cpp, ctransformers)" in page
    assert "- nominal, C5: all trades R for L." in page
    assert "- By their defaults, engines disagree on which way these go: E L and E R on C4." in page
    assert "- At the nominal setting, no two engines disagree." in page


def test_disagreement_on_one_of_the_two() -> None:
    """One engine raises both, another trades R for L: E R alone."""
    first, second, *_ = (r for r in small_rows() if (r.model, r.setting) == ("C1", "defaults"))
    rows = [replace(first, verdict="raises both"), replace(second, verdict="trades R for L")]
    assert "these go: E R on C1." in engines_section(rows)


def test_the_trigrams_under_llama_cpp_by_another_route() -> None:
    """Adaptors in float64 on the rows of p+, and E f = n (I - Q)^-1 (Q f), f = log p or R of a step, by one solve."""
    aligned = align_automaton(speeches(vowels_over_consonants(fmpq(1))))
    graph, steps = aligned.graph, engine("llama.cpp").expand({}).chain
    law = np.array([to_float(p) for p in aligned.law])
    bounds = [*graph.starts.tolist(), len(graph)]
    new = np.concatenate([_adapted(law[low:high], steps) for low, high in itertools.pairwise(bounds)])
    inside = graph.target < graph.states
    moves = np.zeros((graph.states, graph.states))
    np.add.at(moves, (graph.source[inside], graph.target[inside]), new[inside])
    start = np.zeros(graph.states)
    start[graph.initial] = 1
    visits = np.linalg.solve((np.eye(graph.states) - moves).T, start)
    features = np.array([[to_float(v) for v in row] for row in aligned.features])
    mean_l, mean_r = (float((visits[graph.source] * new * f).sum()) for f in features)
    entropy = -float((visits[graph.source] * new)[new > 0] @ np.log(new[new > 0]))
    found = next(r for r in trigram_rows() if (r.engine, r.setting) == ("llama.cpp", "defaults"))
    assert (mean_l, mean_r) == pytest.approx((found.mean_log_prior, found.mean_reward), abs=1e-8)
    assert entropy == pytest.approx(found.entropy, abs=1e-8)
    assert found.verdict == "raises both"


def _adapted(row: np.ndarray, steps: Chain) -> np.ndarray:
    weight = log_weights(np.log(row)[None], steps)
    found: np.ndarray = np.exp(weight - log_sum(weight)[:, None])[0]
    return found


def test_the_trigrams_where_there_is_no_law() -> None:
    """Greedy strings go round a cycle; a penalty is refused. Both are said, and neither has numbers."""
    own = {r.engine: r for r in trigram_rows() if r.setting == "defaults"}
    assert own["mlx-lm"].verdict == "never ends (probability 1)"
    assert own["gpt4all"].verdict.startswith("no law: a penalty needs the tokens before")
    assert math.isnan(own["mlx-lm"].mean_log_prior)
    assert "| no law: a penalty" in engines_page(trigram_rows())
    assert "never ends: 3; no law: 2" in engines_page(trigram_rows())


def test_the_pair_has_every_chain() -> None:
    """The record is of examples/engines.toml, and that has each chain of each engine once."""
    run = read_run(Path(__file__).resolve().parents[3] / "examples" / "engines.toml", None)
    assert len(set(run.chains)) == len(run.chains)
    assert set(run.chains) == {steps for _, _, steps in chains()}
    recorded = engines_pair_record().run
    assert tuple(chain(*steps) for steps in recorded.chains) == run.chains
    assert (recorded.strings, recorded.seed, recorded.prompts) == (run.strings, run.seed, run.prompts)


def test_verdicts_of_the_pair() -> None:
    """By the signs of both intervals; p+ itself has none."""
    for own in pair_rows():
        assert own.estimates is not None
        ends = own.estimates.moved_log_prior, own.estimates.moved_reward
        signs = [1 if e.bounds[1] > 0 else -1 if e.bounds[2] < 0 else 0 for e in ends]
        if own.chain == "p+":
            assert own.verdict == "as p+"
        elif 0 in signs:
            assert own.verdict == "not settled"
        else:
            words = {(1, 1): "raises both", (-1, -1): "lowers both", (-1, 1): "trades L for R"}
            assert own.verdict == words.get(tuple(signs), "trades R for L")
    assert "| nominal | onnxruntime-genai, ctranslate2 |" in engines_page((*small_rows(), *pair_rows()))
