"""The notebook for a class: it runs without a browser, at every setting of its sliders, and what it says is so."""

from __future__ import annotations

import importlib.util
import itertools
import re
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

from figures import gallery, plane
from tests.figures.committed import FOLDER, assert_committed
from theory.arithmetic.exact import precision

pytest.importorskip("marimo")

NOTEBOOK = Path(__file__).resolve().parents[1] / "examples" / "notebooks" / "three_sentences.py"


@pytest.fixture(scope="module")
def notebook() -> ModuleType:
    spec = importlib.util.spec_from_file_location("three_sentences", NOTEBOOK)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


COMMITTED = ("line", "toy", "exchange", "plane")
"""The figures of the report that it draws."""

SLOW = ("all_models", "planes", *(f"of_{name}" for name in COMMITTED))


@pytest.fixture(scope="module")
def at_first(notebook: ModuleType) -> dict[str, Any]:
    """The names that it defines, with every slider where it stands at first."""
    return dict(notebook.app.run()[1])


def run(notebook: ModuleType, **chosen: Any) -> tuple[str, dict[str, Any]]:
    """The text of all cells but the report's figures, and the names that they define, with sliders at these values."""
    named: dict[str, Any] = dict.fromkeys(SLOW)
    named |= {name: SimpleNamespace(value=value) for name, value in chosen.items()}
    if "who" in named or "strength" in named:
        named |= {"models": notebook.app.run(defs=dict.fromkeys(SLOW))[1]["models"]}
    outputs, defined = notebook.app.run(defs=named)
    texts = [output.text for output in outputs if isinstance(getattr(output, "text", None), str)]
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", " ".join(texts))), dict(defined)


def test_it_runs_and_says_what_it_computes(notebook: ModuleType) -> None:
    """At the sliders' first values; each sentence of the paper has its part."""
    text, found = run(notebook)
    for part in ("B: do the averages sum", "A: do the averages trade", "C: what does the sampling", "Questions for"):
        assert part in text
    assert f"A small cooling of this model: {found['answer']['cooling']}" in text
    assert f"is {found['typical']:.4f}, computed exactly" in text
    assert found["plot"](found["model"]).get_xlabel()


def settings() -> list[dict[str, Any]]:
    who = ("likely strings earn most", "rare strings earn most", "rare strings earn much more")
    both = [{"who": w, "strength": s} for w, s in itertools.product(who, (0.0, 0.3, 1.0, 3.0))]
    corpora = [{"size": 5, "epsilon": 0.02}, {"size": 300, "epsilon": 0.02}, {"size": 300, "epsilon": 0.5}]
    return [*both, *corpora, *({"temperature": t, "keep": k} for t, k in ((0.2, 1), (1.0, 3), (3.0, 2)))]


@pytest.mark.parametrize("chosen", settings(), ids=str)
def test_no_setting_breaks_it(notebook: ModuleType, chosen: dict[str, Any]) -> None:
    """And the identity of B holds for each row of its table."""
    text, found = run(notebook, **chosen)
    assert "None" not in text
    assert "nan" not in text
    total = found["likelihood"] + found["reward"] + -np.log(found["aligned"])
    assert np.ptp(total) < 1e-12
    assert total[0] == pytest.approx(found["answer"]["log_partition"])


def test_what_its_questions_presume(notebook: ModuleType) -> None:
    """Likely strings: positive, and lower among typical corpora. Rare strings: both trades occur. Strength 0: none."""
    likely = [
        run(notebook, who="likely strings earn most", strength=1.0, size=300, epsilon=e)[1] for e in (0.5, 0.1, 0.02)
    ]
    falling = [found["window"]["conditional_corr"] for found in likely]
    assert likely[0]["answer"]["corr"] > 0
    assert falling[0] > falling[1] > falling[2]
    coolings = {run(notebook, who="rare strings earn most", strength=s)[1]["answer"]["cooling"] for s in (0.3, 3.0)}
    assert coolings == {"trades R for L", "trades L for R"}
    assert run(notebook, who="rare strings earn most", strength=0.0)[1]["answer"]["corr"] is None
    for t, k in ((0.2, 1), (0.5, 2), (3.0, 2)):
        reached = run(notebook, who="likely strings earn most", strength=1.0, temperature=t, keep=k)[1]["reached"]
        assert "trades L for R" not in {entry["effect"] for entry in reached["adaptors"]}


def test_its_figures_are_those_of_the_report(at_first: dict[str, Any]) -> None:
    """Before a slider is moved the figures of the argument are the committed ones, byte for byte of their numbers."""
    assert sorted(COMMITTED) == sorted(name for names in gallery.ARGUMENT.values() for name in names)
    for name in COMMITTED:
        assert_committed(name, at_first[f"of_{name}"])


def test_its_figures_follow_the_sliders(notebook: ModuleType, at_first: dict[str, Any]) -> None:
    """Each of the sliders behind a figure changes its numbers; the model of the notebook is marked among all models."""
    chosen = {"largest": 200, "band": 0.002, "temperature": 0.7, "keep": 1, "strength": 0.5}
    named: dict[str, Any] = {name: SimpleNamespace(value=value) for name, value in chosen.items()}
    named |= {"models": at_first["models"], "who": SimpleNamespace(value="likely strings earn most")}
    named |= {name: at_first[name] for name in ("all_models", "planes")}
    found = notebook.app.run(defs=named)[1]
    for name in COMMITTED:
        assert gallery.numbers(name, found[f"of_{name}"]) != (FOLDER / f"{name}.csv").read_text(encoding="utf-8")
    assert [tails.size for tails in found["of_line"].tails] == [10, 100, 200]
    assert found["of_toy"].half_width == 0.002
    own = found["of_exchange"].places[-1]
    assert own.name == "yours"
    assert own.exchange == pytest.approx(found["answer"]["exchange_coefficient"])
    assert {one.temperature[0, 0] for one in found["of_plane"].planes} == {0.7}
    assert {t.adaptor for t in found["of_plane"].planes[0].truncations} == {"top_k 1"}


def test_the_plane_agrees_with_its_own_table(notebook: ModuleType, at_first: dict[str, Any]) -> None:
    """C5 in the figure of the report, marked, has the means that the model's own answer has at these sliders."""
    reached = at_first["reached"]["adaptors"]
    with precision():
        found = plane.marked(at_first["planes"]).planes[0]
    assert found.name == "C5"
    assert found.temperature[1:, 0] == pytest.approx([reached[0]["mean_log_prior"], reached[0]["mean_reward"]])
    for cut in found.truncations:
        means = [reached[1]["mean_log_prior"], reached[1]["mean_reward"]]
        assert [cut.mean_log_prior, cut.mean_reward] == pytest.approx(means)
