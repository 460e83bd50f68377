"""The page on engines: laws by hand, the nominal setting in an engine's own names, and where engines disagree."""

from __future__ import annotations

import math

import pytest

from theory.adaptors.engines import ENGINES, engine
from theory.report.engines import engines_page, nominal, small_rows


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
