"""kind = "arpa": the same keys as every model, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from flint import arb, fmpq

from tests.ngrams import BIGRAM, random_arpa, written
from theory.language_models.arpa import read_arpa
from theory.language_models.ngram import ngram_model
from theory.language_models.rewards import Reward
from theory.models.ngram import AlignedNGram, expanded_automaton
from theory.quantities.answer import answer
from theory.specification.automaton import read_automaton, write_automaton
from theory.specification.reader import parse_document
from theory.specification.tables import SpecificationError

REWARD = '[reward]\nbeta = "2"\ntoken = {a = "1/5"}\n'
ADAPTORS = """[[adaptor]]
name = "temperature"
value = "4/5"
normalise = "global"
[[adaptor]]
name = ["temperature", "nucleus"]
value = ["4/5", "9/10"]
[corpus]
size = 20
epsilon = "1/10"
"""


def exact(folder: Path, text: str, prior: str = "", rest: str = REWARD) -> dict[str, Any]:
    written(folder, text)
    return answer(parse_document(f'[prior]\nkind = "arpa"\nfile = "model.arpa"\n{prior}\n{rest}'), folder)


def test_the_numbers_are_those_of_the_expanded_automaton(tmp_path: Path) -> None:
    """Written as an automaton, with rows of rationals, the model has the same numbers to 1e-12, adaptors included."""
    found = exact(tmp_path, BIGRAM, rest=REWARD + ADAPTORS)
    model = ngram_model(read_arpa(tmp_path / "model.arpa"))
    rest = ADAPTORS
    plain = expanded_automaton(model, (Reward(fmpq(1, 10)), Reward()))
    other = answer(parse_document(write_automaton(plain) + rest))
    names = [name for name, value in other.items() if isinstance(value, float)]
    assert {"log_partition", "varentropy", "typical_probability", "critical_temperature"} <= set(names)
    for name in names:
        if name != "critical_beta":  # its beta is written as 1 there
            assert found[name] == pytest.approx(other[name], rel=1e-12, abs=1e-13), name
    assert found["critical_beta"] == pytest.approx(2 * other["critical_beta"], rel=1e-11)
    for one, two in zip(found["adaptors"], other["adaptors"], strict=True):
        for name, value in two.items():
            if isinstance(value, float):
                assert one[name] == pytest.approx(value, rel=1e-11, abs=1e-12), name
    assert read_automaton(write_automaton(plain)).automaton.graph.states == found["states"]


def test_certified_numbers_have_balls(tmp_path: Path) -> None:
    found = exact(tmp_path, BIGRAM, rest=REWARD + ADAPTORS)
    assert arb(*found["log_partition_ball"]).rad() < 1e-40
    assert "entropy_ball" in found["adaptors"][0]
    assert "entropy_ball" not in found["adaptors"][1]  # expanded, with rounded probabilities
    assert found["kind"] == "arpa"


def test_large_models_are_bounded_in_float64(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text, rest = random_arpa(np.random.default_rng(21), 3, 3), '[reward]\ntoken = {w0 = "1/9"}\nbeta = "1"\n'
    known = exact(tmp_path, text, "renormalise = true", rest)
    for module in ("theory.models.ngram", "theory.specification.ngram"):
        monkeypatch.setattr(f"{module}.is_small", lambda model: False)
    found = exact(tmp_path, text, "renormalise = true", rest)
    for name in ("log_partition", "entropy", "varentropy", "exchange_coefficient"):
        assert found[name] == pytest.approx(known[name], rel=1e-11)
        assert arb(*found[f"{name}_ball"]).overlaps(arb(*known[f"{name}_ball"]))


def test_rows_that_do_not_sum_to_one(tmp_path: Path) -> None:
    wrong = BIGRAM.replace("-0.397940008672038", "-0.38")
    with pytest.raises(SpecificationError, match=r'after "a" sum to 1\.0168.*; renormalise = true divides'):
        exact(tmp_path, wrong)
    found = exact(tmp_path, wrong, "renormalise = true")
    told = [note for note in found["notes"] if note.startswith("prior: each of the 2 contexts was divided by its sum")]
    assert len(told) == 1
    assert "at most 0.0169" in told[0]


def test_divergence_names_the_beta_that_is_needed(tmp_path: Path) -> None:
    """Where Z is infinite the note names a beta at which it is finite, and just below it is not."""
    rest = '[reward]\nbeta = "1/10"\ntoken = {a = "1/5", b = "-1/5"}\n'
    found = exact(tmp_path, BIGRAM, rest=rest)
    assert found["status"] == "DIVERGENT"
    (note,) = [note for note in found["notes"] if note.startswith("beta must be above ")]
    least = note.split()[4].rstrip(":")
    above = exact(tmp_path, BIGRAM, rest=rest.replace("1/10", least))
    below = exact(tmp_path, BIGRAM, rest=rest.replace('"1/10"', f'"{float(least) * 0.9999:.9f}"'))
    assert (above["status"], below["status"]) == ("OK", "DIVERGENT")


def test_too_large_to_expand_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("theory.models.ngram.MOST_EXPANDED", 5)
    cut = '[[adaptor]]\nname = "top_k"\nvalue = 2\nnormalise = "global"\n'
    found = exact(tmp_path, BIGRAM, rest=REWARD + cut + ADAPTORS)
    assert [entry["status"] for entry in found["adaptors"]] == ["UNDECIDED", "OK", "OK"]
    assert "an automaton of 6 arcs; at most 5 are expanded" in found["adaptors"][0]["reason"]
    assert found["adaptors"][2]["w_max"] is None
    assert any("acceptance: null, the model is too large to expand" in note for note in found["notes"])
    assert found["typical_probability"] is None
    assert found["chebyshev_bound"] is not None


@pytest.mark.parametrize(
    ("prior", "rest", "message"),
    [
        ('files = "x"', REWARD, "unknown key 'files' in [prior]; known: file, kind, renormalise, unknown"),
        ("renormalise = 1", REWARD, "prior.renormalise must be true or false, got 1"),
        ('unknown = ""', REWARD, 'prior.unknown must be "drop" or the name of a token'),
        ("", '[reward]\nbeta = "1"\ntoken = {c = "1"}\n', "reward.token: token 'c' is not in prior.alphabet"),
        ("", '[reward]\ntoken = {a = "1"}\n', "reward.beta is missing"),
        ("", '[reward]\nbeta = "1"\ntoken = {a = "-inf", b = "inf"}\n', 'reward.token "b"'),
    ],
)
def test_refused(prior: str, rest: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(SpecificationError) as caught:
        exact(tmp_path, BIGRAM, prior, rest)
    assert message in str(caught.value)


def test_missing_file_is_one_line(tmp_path: Path) -> None:
    document = parse_document('[prior]\nkind = "arpa"\nfile = "none.arpa"\n')
    with pytest.raises(SpecificationError, match=r"none\.arpa: cannot be read: No such file or directory"):
        answer(document, tmp_path)


def test_aligned_model_is_read_from_code(tmp_path: Path) -> None:
    model = ngram_model(read_arpa(written(tmp_path, BIGRAM)))
    aligned = AlignedNGram.of(model, (Reward(), Reward()))
    assert aligned.log_partition.contains(0)
    assert aligned.mean.constant.reward
