"""Which law an engine samples from: its settings, in its own names, as an exact chain of adaptors.

Orders, rules at ties and boundaries, and hidden defaults were observed at the versions named, from models whose
next-token law is known exactly; theory/data/engines/kept.json has the kept sets. They are facts about those versions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from flint import fmpq

from theory.adaptors.chains import KINDS, Adaptor, Chain, Given, adaptor
from theory.arithmetic.exact import rational

Zero = Literal["off", "top", "refused", "unknown"]


@dataclass(frozen=True, slots=True)
class Step:
    """One step of an engine's chain.

    Args:
        setting: the engine's own name for the value.
        adaptor: what it is here.
        default: of the engine; None where it is off.
        options: the rules of the engine, as the adaptor's options.
        zero: what the value 0 means: off, the most probable token alone, or refused; "unknown" where it keeps something
            else.
        one: why the value 1 is refused; "" where it is off.
        below: whether a negative value is off, too; others refuse it.
    """

    setting: str
    adaptor: str
    default: str | None
    options: tuple[tuple[str, str], ...] = ()
    zero: Zero = "off"
    one: str = ""
    below: bool = False

    def made(self, value: fmpq) -> Adaptor | None:
        """The step at a value; None where it is off.

        Raises:
            ValueError: the engine refuses the value, or no adaptor has it.
        """
        if value == 0 and self.zero == "refused":
            raise ValueError(f"{self.setting} = 0 is refused by the engine")
        if value == 0 and self.zero == "unknown":
            raise ValueError(f"{self.setting} = 0: what the engine keeps then is not known; give a value above 0")
        if value == 0 and self.zero == "top":
            return adaptor("top_k", 1, ties=dict(self.options).get("ties", "lowest"))
        if value == 1 and self.one:
            raise ValueError(f"{self.setting} = 1: {self.one}")
        neutral = fmpq(1) if self.adaptor in _OFF_AT_ONE else fmpq(0)
        if value == 0 or value == neutral or (value < 0 and self.below):
            return None
        try:
            return adaptor(self.adaptor, value, **dict(self.options))
        except ValueError as error:
            raise ValueError(f"{self.setting}: {error}") from None


_OFF_AT_ONE = {"nucleus", "typical", "temperature", "repetition_penalty"}


@dataclass(frozen=True, slots=True)
class Engine:
    """An engine at a version.

    Args:
        name: as a specification names it.
        package: where it was taken from.
        order: the steps in the order in which they act.
        ignored: settings that it takes without a word and does not use.
        refused: settings that it, or this toolkit, cannot express, with the reason.
        said: what else decides what is sampled.
        coins: {setting of an XTC step: the setting of its probability, 0 by default}.
    """

    name: str
    package: str
    version: str
    order: tuple[Step, ...]
    ignored: tuple[str, ...] = ()
    refused: Mapping[str, str] = field(default_factory=dict)
    said: tuple[str, ...] = ()
    coins: Mapping[str, str] = field(default_factory=dict)

    @property
    def defaults(self) -> dict[str, str]:
        """The engine's own value of each setting, "off" where it is off."""
        return {step.setting: "off" if step.default is None else step.default for step in self.order}

    def expand(self, settings: Mapping[str, Given]) -> Expansion:
        """The chain that these settings and the engine's defaults amount to.

        Raises:
            ValueError: an unknown setting, one that cannot be expressed, or a value that the engine refuses.
        """
        said = [*self.said, *self._ignored(settings)]
        values = {step.setting: self._value(step, settings) for step in self.order}
        if self.name == "onnxruntime-genai":
            _check_wide_top_p(values)
        if "temperature" in _roles(self) and values[_roles(self)["temperature"]] == 0:
            return self._greedy(values, settings, said)
        return Expansion(self, self._chain(self.order, values, settings, said), tuple(said))

    def _ignored(self, settings: Mapping[str, Given]) -> list[str]:
        """What is said of settings that the engine takes and does not use.

        Raises:
            ValueError: an unknown setting, or one that cannot be expressed.
        """
        known, said = {step.setting for step in self.order}, []
        for name in settings:
            if name in self.refused:
                raise ValueError(f"{self.name}: {name}: {self.refused[name]}")
            if name == "gauge" and "repetition_penalty" not in _roles(self):
                raise ValueError(f"{self.name}: gauge is of a repetition penalty, and this preset has none")
            if name in self.ignored:
                said.append(f"{name} = {settings[name]} is ignored by the engine")
            elif name not in known and name not in {"gauge", *self.coins.values()}:
                takes = ", ".join([*(step.setting for step in self.order), *self.coins.values(), *self.ignored])
                raise ValueError(f"{self.name}: no setting {name!r} is known; it takes {takes}")
        return said

    def _chain(
        self,
        order: Sequence[Step],
        values: Mapping[str, fmpq | None],
        settings: Mapping[str, Given],
        said: list[str],
    ) -> Chain:
        """These of the steps that are on; what has to be said of them is added to ``said``."""
        steps = []
        for step in order:
            value = values[step.setting]
            made = None if value is None else step.made(value)
            if made is not None and made.name == "repetition_penalty":
                gauge = settings.get("gauge", "0")
                made = adaptor(made.name, made.value, **dict(made.options), gauge=gauge)
                said.append(f"{step.setting} acts on raw logits: the law depends on their constant, taken as {gauge}")
            if made is not None and step.setting in self.coins:
                made = self._tossed(step, made, settings, said)
            if made is not None:
                steps.append(made)
        if "gauge" in settings and not any(step.name == "repetition_penalty" for step in steps):
            said.append("gauge does nothing here: the repetition penalty is off")
        return Chain(steps)

    def _tossed(self, step: Step, made: Adaptor, settings: Mapping[str, Given], said: list[str]) -> Adaptor | None:
        """An XTC step with the probability of its coin; None where that is 0."""
        name = self.coins[step.setting]
        coin = self._number(name, settings.get(name, "0"))
        if coin == 0:
            said += [f"{step.setting} does nothing here: {name} is 0"] if step.setting in settings else []
            return None
        said.append("xtc tosses one coin for all rows of a batch: with it the rows are not independent")
        return adaptor(made.name, made.value, **dict(made.options), probability=coin)

    def _number(self, setting: str, given: Given) -> fmpq:
        try:
            return rational(given)
        except ValueError as error:
            raise ValueError(f"{self.name}: {setting}: {error}") from None

    def _value(self, step: Step, settings: Mapping[str, Given]) -> fmpq | None:
        given = settings.get(step.setting, step.default)
        if given is None or given == "off":
            return None
        value = self._number(step.setting, given)
        if self.name == "vllm" and step.adaptor == "temperature" and 0 < value < fmpq(1, 100):
            return fmpq(1, 100)
        return value

    def _greedy(self, values: Mapping[str, fmpq | None], settings: Mapping[str, Given], said: list[str]) -> Expansion:
        """Temperature 0: the most probable token alone, of what penalties leave."""
        step = next(step for step in self.order if step.adaptor == "temperature")
        if step.zero == "refused":
            raise ValueError(f"{self.name}: {step.setting} = 0 is refused by the engine")
        ties = "all" if self.name == "rwkv" else "lowest"
        for other in self.order:  # a value that the engine refuses is refused, though the top token stands above it
            value = values[other.setting]
            if value is not None and other is not step:
                other.made(value)
        before = [s for s in self.order if KINDS[s.adaptor].history]
        steps = Chain((*self._chain(before, values, settings, said), adaptor("top_k", 1, ties=ties)))
        return Expansion(self, steps, (*said, f"{step.setting} = 0 takes the most probable token"))


@dataclass(frozen=True, slots=True)
class Expansion:
    """An engine's settings as a chain, with what has to be said about them."""

    engine: Engine
    chain: Chain
    said: tuple[str, ...]


def _roles(engine: Engine) -> dict[str, str]:
    return {step.adaptor: step.setting for step in engine.order}


def _check_wide_top_p(values: Mapping[str, fmpq | None]) -> None:
    """Refuse top_p without top_k in onnxruntime-genai: from 65 tokens on it is no nucleus.

    Seen on a Zipf law of 128 tokens: top_p = 0.3, 0.5, 0.9 keep masses 0.61, 0.72, 0.92. With top_k set it is one.

    Raises:
        ValueError: says what to set.
    """
    if values["top_k"] in {None, fmpq(0)} and values["top_p"] not in {None, fmpq(1)}:
        raise ValueError(
            "onnxruntime-genai: with top_k = 0 top_p is no nucleus where the vocabulary has 65 tokens or more "
            "(0.5 keeps mass 0.72 of a Zipf law of 128); set top_k to the vocabulary's size"
        )


_KEEPS_TIES, _EXCEEDS = (("ties", "all"),), (("boundary", "exceed"),)


def _penalty(setting: str, default: str | None = None, *, window: int = 0, prompt: bool = False) -> Step:
    options = [("window", str(window))] if window else []
    options += [("prompt", "counted")] if prompt else []
    return Step(setting, "repetition_penalty", default, tuple(options))


def _additive(prompt: bool = False, window: int = 0) -> tuple[Step, ...]:
    options = ([("window", str(window))] if window else []) + ([("prompt", "counted")] if prompt else [])
    names = ("presence_penalty", "frequency_penalty")
    return tuple(Step(name, name, None, tuple(options)) for name in names)


_RWKV_ONE = "the engine takes the top token wherever the float32 sum ends below 1; 0.9999 keeps nearly all"
_UNMEASURED = "what it does in this engine was not measured; write it in the chain by hand"

ENGINES: tuple[Engine, ...] = (
    Engine(
        "transformers",
        "transformers",
        "5.23.0",
        (
            _penalty("repetition_penalty", prompt=True),
            Step("no_repeat_ngram_size", "no_repeat_ngram", None, (("prompt", "counted"),)),
            Step("temperature", "temperature", "1", zero="refused"),
            Step("top_h", "top_h", None),
            Step("top_k", "top_k", "50", _KEEPS_TIES),
            Step("top_p", "nucleus", "1", zero="top"),
            Step("min_p", "min_p", None),
            Step("typical_p", "typical", "1", _KEEPS_TIES),
            Step("epsilon_cutoff", "epsilon", None),
            Step("eta_cutoff", "eta", None),
        ),
        said=("top_k is 50 also where generation_config says None; top_k = 0 switches it off",),
    ),
    Engine(
        "vllm",
        "vllm",
        "0.33.0",
        (
            *_additive(),
            Step("temperature", "temperature", "1", zero="top"),
            Step("min_p", "min_p", None),
            Step("top_k", "top_k", None, _KEEPS_TIES, below=True),
            Step("top_p", "nucleus", "1", zero="refused"),
        ),
        refused={"repetition_penalty": "its place among the other penalties was not observed"},
        said=("observed with the sampler in Python; a temperature between 0 and 0.01 becomes 0.01",),
    ),
    Engine(
        "llama.cpp",
        "llama-cpp-python",
        "0.3.36",
        (
            _penalty("repeat_penalty", window=64),
            *_additive(window=64),
            Step("top_k", "top_k", "40", below=True),
            Step("typical_p", "typical", "1", _EXCEEDS),
            Step("top_p", "nucleus", "19/20", zero="top"),
            Step("min_p", "min_p", "1/20"),
            Step("temperature", "temperature", "4/5", zero="top"),
        ),
        refused={
            "mirostat_mode": "mirostat carries a state and is no chain; simulations.sampling.stateful has it",
            "xtc_probability": "llama-cpp-python has no such setting; write xtc in the chain by hand",
        },
        said=("a chat's temperature is 0.2 by default", "the prompt is not penalised"),
    ),
    Engine(
        "node-llama-cpp",
        "node-llama-cpp (npm)",
        "3.21.1",
        (
            Step("topK", "top_k", "40"),
            Step("topP", "nucleus", "19/20", zero="top"),
            Step("minP", "min_p", None),
            Step("temperature", "temperature", "0", zero="top"),
        ),
        refused={"repeatPenalty": _UNMEASURED},
        said=("greedy by default", "without a seed, calls of evaluate within one second draw the same random numbers"),
    ),
    Engine(
        "gpt4all",
        "gpt4all",
        "2.8.2",
        (
            _penalty("repeat_penalty", "59/50", window=64, prompt=True),
            Step("top_k", "top_k", "40"),
            Step("top_p", "nucleus", "2/5", zero="top"),
            Step("min_p", "min_p", None),
            Step("temp", "temperature", "7/10", zero="top"),
        ),
        said=("the repeat penalty stays on unless repeat_penalty = 1", "there is no seed"),
    ),
    Engine(
        "ctransformers",
        "ctransformers",
        "0.2.27",
        (
            _penalty("repetition_penalty", "11/10", window=64, prompt=True),
            Step("top_k", "top_k", "40", zero="top"),
            Step("top_p", "nucleus", "19/20", zero="top"),
            Step("temperature", "temperature", "4/5", zero="top"),
        ),
        said=("ONE random number serves every token of a call: the tokens of a string are not independent draws",),
    ),
    Engine(
        "transformers.js",
        "@huggingface/transformers (npm)",
        "4.3.2",
        (
            Step("temperature", "temperature", "1", zero="top"),
            Step("top_k", "top_k", "50"),
        ),
        ignored=("top_p", "min_p", "typical_p"),
    ),
    Engine(
        "onnxruntime-genai",
        "onnxruntime-genai",
        "0.18.0",
        (
            _penalty("repetition_penalty", prompt=True),
            Step("temperature", "temperature", "1", zero="top"),
            Step("top_k", "top_k", "50"),
            Step("top_p", "nucleus", "1", zero="unknown"),
        ),
        refused={"min_p": "the engine refuses it"},
        said=(
            "a row of a batch differs from the same row alone",
            "get_sequence lacks the end token that was drawn: add it before conform check",
        ),
    ),
    Engine(
        "openvino-genai",
        "openvino-genai",
        "2026.4.1.0",
        (
            _penalty("repetition_penalty", prompt=True),
            Step("temperature", "temperature", "1", zero="refused"),
            Step("top_k", "top_k", None),
            Step("top_p", "nucleus", "1", _EXCEEDS, zero="refused"),
            Step("min_p", "min_p", None),
        ),
        refused={
            "presence_penalty": "it is added to negative logits and subtracted from positive ones: no law knows which",
            "frequency_penalty": "it is added to negative logits and subtracted from positive ones: no law knows which",
        },
        ignored=("no_repeat_ngram_size",),
        said=(
            "rng_seed is 0 by default: calls without a seed repeat one string",
            "rows of a batch with one prompt are one string",
        ),
    ),
    Engine(
        "ctranslate2",
        "ctranslate2",
        "4.8.5",
        (
            _penalty("repetition_penalty"),
            Step("no_repeat_ngram_size", "no_repeat_ngram", None),
            Step("sampling_temperature", "temperature", "1", zero="top"),
            Step("sampling_topk", "top_k", "1"),
            Step("sampling_topp", "nucleus", "1", zero="refused"),
        ),
        said=("greedy by default (sampling_topk = 1)",),
    ),
    Engine(
        "mlx-lm",
        "mlx-lm",
        "0.32.2",
        (
            Step("top_p", "nucleus", None, _KEEPS_TIES),
            Step("min_p", "min_p", None),
            Step("xtc_threshold", "xtc", "1/10", (*_KEEPS_TIES, *_EXCEEDS), zero="unknown"),
            Step("top_k", "top_k", None),
            Step("temp", "temperature", "0", zero="top"),
        ),
        refused=dict.fromkeys(("repetition_penalty", "presence_penalty", "frequency_penalty"), _UNMEASURED),
        said=("greedy by default", "top_p and min_p cut the law at temperature 1"),
        coins={"xtc_threshold": "xtc_probability"},
    ),
    Engine(
        "keras-hub",
        "keras-hub",
        "0.32.0",
        (
            Step("temperature", "temperature", "1", zero="refused"),
            Step("k", "top_k", "5", zero="refused"),
            Step("p", "nucleus", None, (("boundary", "exceed"), ("mass", "before")), zero="top"),
        ),
        said=("TopKSampler keeps 5 tokens by default; TopPSampler is k = off and p = 1/10",),
    ),
    Engine(
        "rwkv",
        "rwkv",
        "0.8.32",
        (
            Step("top_p", "nucleus", "17/20", (*_KEEPS_TIES, *_EXCEEDS), zero="top", one=_RWKV_ONE),
            Step("top_k", "top_k", None),
            Step("temperature", "temperature", "1", zero="top"),
        ),
        refused={
            "alpha_presence": "generate lets counts decay and exempts digits: not expressed; sample_logits has none",
            "alpha_frequency": "generate lets counts decay and exempts digits: not expressed; sample_logits has none",
        },
        said=("of sample_logits; generate adds penalties of 0.2 and 0.2 by default",),
    ),
    Engine(
        "mistralrs",
        "mistralrs",
        "0.9.5",
        (
            Step("temperature", "temperature", "1", zero="top"),
            Step("top_k", "top_k", None),
            Step("top_p", "nucleus", "1"),
            Step("min_p", "min_p", None),
        ),
    ),
)


def engine(name: str) -> Engine:
    """The engine of a name.

    Raises:
        ValueError: unknown; lists the names.
    """
    found = next((one for one in ENGINES if one.name == name), None)
    if found is None:
        raise ValueError(f"unknown engine {name!r}; known: {', '.join(one.name for one in ENGINES)}")
    return found


__all__ = ["ENGINES", "Engine", "Expansion", "Step", "engine"]
