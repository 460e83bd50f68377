"""Rewards of each kind against what they are made of, and one line for each that cannot be had."""

from __future__ import annotations

import math
import shutil
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulations.bridge.rewards import KINDS, checked, identity, scorer

ROOT = Path(__file__).resolve().parents[3]
TOKENIZER = ROOT / "simulations" / "data" / "pair" / "prior"

MODULE = '''
"""Rewards of a user."""
NUMBER = 3
class Table:
    def score(self, text):
        return 1.0
def words(text):
    return len(text.split())
def nan(text):
    return float("nan")
def word(text):
    return "good"
def raises(text):
    raise ValueError(f"cannot score {text!r}")
'''


@pytest.fixture
def user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A module of rewards that can be imported, by name."""
    name = "rewards_of_a_user"
    (tmp_path / f"{name}.py").write_text(MODULE, "utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    yield name
    sys.modules.pop(name, None)


def refused(kind: str, source: str | None = None, label: str | None = None) -> str:
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        scorer(kind, source, label)
    assert len(str(caught.value).splitlines()) == 1
    return str(caught.value)


# --- the kinds ----------------------------------------------------------------------------------------------------


def test_secret() -> None:
    """Log-probabilities give it; there is nothing to score."""
    assert scorer("secret") is None
    assert KINDS == ("secret", "vader", "valence", "length", "classifier", "function", "column")


@pytest.mark.skipif(find_spec("vaderSentiment") is None, reason="needs the package vaderSentiment")
def test_valence() -> None:
    """The sum over words of their valences in VADER's lexicon, whatever stands between: additive, and no bound."""
    found = scorer("valence")
    assert found is not None
    good, bad = found(["good"], [0])[0], found(["horrible"], [0])[0]
    assert good > 0 > bad
    one, two, ten, none = found(["A good, horrible day.", "not good", "good " * 10, "the"], [0] * 4)
    assert one == pytest.approx(good + bad)
    assert two == pytest.approx(good)
    assert ten == pytest.approx(10 * good)
    assert ten > 10
    assert none == 0


def test_length() -> None:
    """Tokens of the continuation, whatever the text."""
    found = scorer("length")
    assert found is not None
    assert found(["a b c", "", "d"], [3, 1, 40]) == [3.0, 1.0, 40.0]
    assert found([], []) == []


def test_vader() -> None:
    """The compound score of VADER, of every text on its own."""
    pytest.importorskip("vaderSentiment")
    from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

    found = scorer("vader")
    assert found is not None
    texts = ["This is wonderful!", "This is terrible.", "The table", ""]
    scores = found(texts, [4, 4, 2, 1])
    analyser = SentimentIntensityAnalyzer()
    assert scores == [analyser.polarity_scores(text)["compound"] for text in texts]
    assert scores[0] > 0 > scores[1]
    assert scores[2:] == [0, 0]
    assert found(texts[::-1], [1] * 4) == scores[::-1]


def test_vader_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "vaderSentiment.vaderSentiment", None)
    message = refused("vader")
    assert "vaderSentiment" in message
    assert "install" in message


def test_function(user: str) -> None:
    found = scorer("function", f"{user}:words")
    assert found is not None
    assert found(["a b c", "", "d"], [1, 1, 1]) == [3, 0, 1]


def test_a_function_of_a_package() -> None:
    found = scorer("function", "os.path:basename")
    assert found is not None
    assert found(["a/b"], [1]) == ["b"]


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("no_such_module_at_all:f", "no_such_module_at_all"),
        ("USER:none", "none"),
        ("USER:NUMBER", "no function"),
        ("USER", "module:function"),
        ("USER:", "module:function"),
        (":f", "module"),
        ("", "module:function"),
    ],
)
def test_functions_that_are_not_there(source: str, said: str, user: str) -> None:
    assert said in refused("function", source.replace("USER", user))


@pytest.mark.parametrize("kind", ["function", "classifier"])
def test_a_source_is_needed(kind: str) -> None:
    message = refused(kind)
    assert repr(kind) in message
    assert "source" in message


@pytest.mark.parametrize(("name", "said"), [("nan", "nan"), ("word", "'good'")])
def test_what_a_function_gives_is_checked(name: str, said: str, user: str) -> None:
    found = scorer("function", f"{user}:{name}")
    assert found is not None
    texts = ["one", "two"]
    with pytest.raises(ValueError, match=f"the reward of 'one' is {said}"):
        checked(found(texts, [1, 1]), texts)


# --- checked ------------------------------------------------------------------------------------------------------


@given(st.lists(st.one_of(st.integers(-(2**60), 2**60), st.floats(allow_nan=False, allow_infinity=False))))
def test_finite_numbers_pass(values: list[float]) -> None:
    """As floats, in order."""
    found = checked(values, [""] * len(values))
    assert found == [float(v) for v in values]
    assert all(type(v) is float for v in found)


WRONG = [math.nan, math.inf, -math.inf, None, "1", b"1", True, False, [], [1.0], {}, 1j, np.float64("nan"), object]


@pytest.mark.parametrize("wrong", WRONG, ids=repr)
@pytest.mark.parametrize("place", [0, 1, 2])
def test_what_is_no_finite_number(wrong: Any, place: int) -> None:
    """Named with its text, the first of them."""
    values: list[Any] = [0.0, 1, 2.5]
    values[place] = wrong
    with pytest.raises(ValueError, match=f"the reward of 'text {place}'") as caught:
        checked(values, ["text 0", "text 1", "text 2"])
    assert "finite number" in str(caught.value)


@pytest.mark.parametrize("count", [0, 1, 3])
def test_one_for_every_text(count: int) -> None:
    with pytest.raises(ValueError, match=f"{count} numbers for 2 texts"):
        checked([0.0] * count, ["a", "b"])


def test_a_long_text_is_cut_in_the_message() -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        checked([math.nan], ["long\n" * 1000])
    assert len(str(caught.value)) < 200
    assert len(str(caught.value).splitlines()) == 1


# --- a classifier -------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def classifier(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two layers, random, three labels, with the embedded tokenizer."""
    torch, transformers = pytest.importorskip("torch"), pytest.importorskip("transformers")
    folder = tmp_path_factory.mktemp("classifier")
    tokenizer = transformers.AutoTokenizer.from_pretrained(TOKENIZER)
    torch.manual_seed(5)
    config = transformers.BertConfig(
        vocab_size=1024,
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=64,
        num_labels=3,
        id2label={0: "bad", 1: "so", 2: "good"},
        label2id={"bad": 0, "so": 1, "good": 2},
    )
    model = transformers.BertForSequenceClassification(config).eval()
    with torch.no_grad():
        model.classifier.weight.normal_()
    model.save_pretrained(folder, safe_serialization=True)
    tokenizer.save_pretrained(folder)
    return folder


TEXTS = ["We must", "Our country is strong today", "The", "It is good"]


@pytest.mark.parametrize(("label", "column"), [(None, 2), ("good", 2), ("bad", 0), ("so", 1)])
def test_classifier(label: str | None, column: int, classifier: Path) -> None:
    """The logit of the label, the last one by default; texts of one length go side by side, others do not."""
    import torch
    from transformers import AutoTokenizer, BertForSequenceClassification

    found = scorer("classifier", str(classifier), label)
    assert found is not None
    scores = found(TEXTS, [1] * 4)
    model = BertForSequenceClassification.from_pretrained(classifier).eval()
    tokenizer = AutoTokenizer.from_pretrained(classifier)
    with torch.no_grad():
        direct = [float(model(torch.tensor([tokenizer.encode(text)])).logits[0, column]) for text in TEXTS]
    assert scores == pytest.approx(direct, abs=1e-6)
    assert len(set(scores)) == len(TEXTS)
    assert checked(scores, TEXTS) == scores
    assert found(TEXTS[::-1], [1] * 4) == pytest.approx(scores[::-1], abs=1e-6), "whatever stands beside a text"
    many = found(TEXTS * 40, [1] * 160)
    assert many == pytest.approx(scores * 40, abs=1e-6)


def test_an_unknown_label(classifier: Path) -> None:
    message = refused("classifier", str(classifier), "excellent")
    assert all(name in message for name in ("'excellent'", "bad", "so", "good"))


def test_no_classifier(tmp_path: Path, classifier: Path) -> None:
    """A folder that is missing, empty, or holds a pickle alone; safetensors without their configuration."""
    (tmp_path / "pickle").mkdir()
    (tmp_path / "pickle" / "pytorch_model.bin").write_bytes(b"\x80\x04.")
    (tmp_path / "bare").mkdir()
    (tmp_path / "bare" / "model.safetensors").write_bytes((classifier / "model.safetensors").read_bytes())
    for name in ("none", ".", "pickle"):
        assert "no safetensors" in refused("classifier", str(tmp_path / name))
    assert "cannot be loaded" in refused("classifier", str(tmp_path / "bare"))


def write_module(folder: Path, monkeypatch: pytest.MonkeyPatch, name: str, text: str) -> str:
    (folder / f"{name}.py").write_text(text, encoding="utf-8")
    monkeypatch.syspath_prepend(folder)
    return name


def test_reward_functions_that_fail(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Any exception of the user's code names the reward, the text and the exception."""
    name = write_module(tmp_path, monkeypatch, "failing_rewards", "def one(text):\n    return 1 / 0\n")
    reward = scorer("function", f"{name}:one")
    assert reward is not None
    with pytest.raises(ValueError, match=r"failing_rewards:one fails on 'Peace': ZeroDivisionError"):
        reward(["Peace"], [1])
    broken = write_module(tmp_path, monkeypatch, "broken_rewards", "1 / 0\n")
    for source in (f"{broken}:one", ".x:one", "no_such_module_anywhere:one"):
        with pytest.raises(ValueError, match="cannot be imported"):
            scorer("function", source)


def test_rewards_that_are_no_numbers() -> None:
    """Too large, text or nothing; a float32 is one."""
    assert checked([np.float32(0.5), 2], ["a", "b"]) == [0.5, 2.0]
    for value in (10**400, "1", None, True, float("nan")):
        with pytest.raises(ValueError, match="must be a finite number"):
            checked([value], ["a"])


def test_a_classifier_without_its_head(capfd: pytest.CaptureFixture[str]) -> None:
    """A language model read as a classifier would give random rewards; transformers' own report is not printed."""
    pytest.importorskip("transformers")
    with pytest.raises(ValueError, match="random rewards"):
        scorer("classifier", str(TOKENIZER))
    assert capfd.readouterr() == ("", "")


def test_what_decides_a_reward_is_part_of_the_run(tmp_path: Path) -> None:
    """The files of a classifier and the module of a function; the others have no files."""
    copied = tmp_path / "model"
    shutil.copytree(TOKENIZER.parent / "aligned", copied)
    before = identity("classifier", str(copied))
    assert before is not None
    (copied / "model.safetensors").write_bytes(b"other")
    assert identity("classifier", str(copied)) != before
    assert set(identity("function", "theory.arithmetic.exact:rational") or {}) == {"exact.py"}
    assert identity("vader", None) is None
