"""Presets: every recorded kept set is explained, what an engine ignores is said, what it cannot do is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from flint import fmpq

from tests.engines.check import differing, main
from theory.adaptors.engines import ENGINES, Engine, Step, engine
from theory.adaptors.exact import chain
from theory.adaptors.observations import observations

DEFAULTS = {
    "transformers": [("top_k", "50 ties=all")],
    "vllm": [],
    "llama.cpp": [("top_k", "40"), ("nucleus", "19/20"), ("min_p", "1/20"), ("temperature", "4/5")],
    "node-llama-cpp": [("top_k", "1")],
    "gpt4all": [
        ("repetition_penalty", "59/50 window=64 prompt=counted"),
        ("top_k", "40"),
        ("nucleus", "2/5"),
        ("temperature", "7/10"),
    ],
    "ctransformers": [
        ("repetition_penalty", "11/10 window=64 prompt=counted"),
        ("top_k", "40"),
        ("nucleus", "19/20"),
        ("temperature", "4/5"),
    ],
    "transformers.js": [("top_k", "50")],
    "onnxruntime-genai": [("top_k", "50")],
    "openvino-genai": [],
    "ctranslate2": [("top_k", "1")],
    "mlx-lm": [("top_k", "1")],
    "keras-hub": [("top_k", "5")],
    "rwkv": [("nucleus", "17/20 ties=all boundary=exceed")],
    "mistralrs": [],
}


def test_recorded_kept_sets_are_explained() -> None:
    """All of them, of fourteen engines, ten of which were run live."""
    seen = observations()
    assert differing(seen) == []
    assert {own.engine for own in seen} == {one.name for one in ENGINES}
    assert len({own.engine for own in seen if own.how == "live"}) == 10
    assert all(own.version == engine(own.engine).version for own in seen)


@pytest.mark.parametrize("name", DEFAULTS)
def test_hidden_defaults(name: str) -> None:
    """What an engine does when it is asked for nothing."""
    assert engine(name).expand({}).chain == chain(*DEFAULTS[name])


def test_orders_differ() -> None:
    """The same settings, temperature last and first."""
    settings = {"temperature": "3/2", "top_k": "0", "top_p": "9/10"}
    assert engine("llama.cpp").expand(settings | {"min_p": "0"}).chain == chain(
        ("nucleus", "9/10"), ("temperature", "3/2")
    )
    assert engine("transformers").expand(settings).chain == chain(("temperature", "3/2"), ("nucleus", "9/10"))


@pytest.mark.parametrize(
    ("name", "settings", "message"),
    [
        ("transformers", {"temperature": "0"}, "temperature = 0 is refused"),
        ("vllm", {"top_p": "0"}, "top_p = 0 is refused"),
        ("onnxruntime-genai", {"min_p": "1/10"}, "min_p: the engine refuses it"),
        ("onnxruntime-genai", {"top_k": "0", "top_p": "1/2"}, "no nucleus"),
        ("openvino-genai", {"presence_penalty": "1"}, "added to negative logits"),
        ("rwkv", {"top_p": "1"}, "top token wherever"),
        ("llama.cpp", {"top_q": "1"}, "no setting 'top_q'"),
        ("llama.cpp", {"top_p": "most"}, "top_p: expected a number"),
        ("keras-hub", {"k": "0"}, "k = 0 is refused"),
        ("transformers", {"top_p": "9/5"}, "top_p: .* got 9/5"),
        ("transformers", {"top_k": "-3"}, "top_k: .* got -3"),
        ("llama.cpp", {"min_p": "-1/2"}, "min_p: .* got -1/2"),
        ("mlx-lm", {"temp": "0", "top_p": "3"}, "top_p: .* got 3"),
        ("onnxruntime-genai", {"top_k": "5", "top_p": "0"}, "top_p = 0: what the engine keeps then is not known"),
        ("vllm", {"gauge": "5"}, "gauge is of a repetition penalty, and this preset has none"),
        ("mlx-lm", {"repetition_penalty": "2"}, "not measured"),
        ("mlx-lm", {"temp": "1", "xtc_probability": "2"}, r"needs a value in \[0, 1\], got 2"),
    ],
)
def test_what_cannot_be_is_refused(name: str, settings: dict[str, str], message: str) -> None:
    """One line with the engine's own name of the setting."""
    with pytest.raises(ValueError, match=message):
        engine(name).expand(settings)


def test_what_is_ignored_is_said() -> None:
    """transformers.js takes top_p and does nothing, openvino-genai no_repeat_ngram_size where it samples."""
    found = engine("transformers.js").expand({"top_p": "1/2"})
    assert found.chain == chain(("top_k", "50"))
    assert "top_p = 1/2 is ignored by the engine" in found.said
    found = engine("openvino-genai").expand({"no_repeat_ngram_size": "1"})
    assert found.chain == chain()
    assert "no_repeat_ngram_size = 1 is ignored by the engine" in found.said


def test_a_small_temperature_of_vllm() -> None:
    """Between 0 and 0.01 it is 0.01."""
    assert engine("vllm").expand({"temperature": "1/1000"}).chain == chain(("temperature", "1/100"))


def test_negative_penalties_stay() -> None:
    """They reward what was written before; a negative top_k is off where the engine says so."""
    assert engine("vllm").expand({"presence_penalty": "-1/2"}).chain == chain(("presence_penalty", "-1/2"))
    assert engine("vllm").expand({"top_k": "-1"}).chain == chain()


def test_the_top_token_is_of_what_penalties_leave() -> None:
    """Temperature 0 keeps the steps that look back, with the gauge that was given."""
    found = engine("ctranslate2").expand({"sampling_temperature": "0", "no_repeat_ngram_size": "2"})
    assert found.chain == chain(("no_repeat_ngram", "2"), ("top_k", "1"))
    found = engine("gpt4all").expand({"temp": "0", "gauge": "5"})
    assert found.chain == chain(("repetition_penalty", "59/50 gauge=5 window=64 prompt=counted"), ("top_k", "1"))
    assert any("taken as 5" in line for line in found.said)


def test_a_gauge_without_a_penalty_is_said() -> None:
    """It changes nothing where the repetition penalty is off."""
    assert "gauge does nothing here: the repetition penalty is off" in engine("llama.cpp").expand({"gauge": "5"}).said


def test_xtc_of_mlx_lm() -> None:
    """Between min_p and top_k, without its coin it is off."""
    found = engine("mlx-lm").expand({"temp": "2", "min_p": "1/5", "top_k": "3", "xtc_probability": "1/4"})
    assert found.chain == chain(
        ("min_p", "1/5"),
        ("xtc", "1/10 probability=1/4 ties=all boundary=exceed"),
        ("top_k", "3"),
        ("temperature", "2"),
    )
    assert any("one coin for all rows" in line for line in found.said)
    found = engine("mlx-lm").expand({"temp": "1", "xtc_threshold": "1/5"})
    assert found.chain == chain()
    assert "xtc_threshold does nothing here: xtc_probability is 0" in found.said


def test_unknown_engines_are_refused() -> None:
    """The names are listed."""
    with pytest.raises(ValueError, match="known: transformers, vllm"):
        engine("llama")


def test_a_wrong_preset_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ties of transformers' top-k cut: the uniform law shows it."""
    own = engine("transformers")
    order = tuple(Step("top_k", "top_k", "50") if step.setting == "top_k" else step for step in own.order)
    wrong = Engine(own.name, own.package, own.version, order)
    monkeypatch.setattr("tests.engines.check.engine", lambda name: wrong if name == own.name else engine(name))
    assert any("transformers" in line for line in differing(observations()))


def test_the_check_of_a_file(capsys: pytest.CaptureFixture[str]) -> None:
    """The committed file agrees with itself."""
    assert main(Path("theory/data/engines/kept.json")) == 0
    assert "agree" in capsys.readouterr().out
    assert engine("llama.cpp").expand({}).chain[0].value == fmpq(40)
