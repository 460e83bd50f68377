"""Adapters of PEFT on a base that is loaded once: switched on and off between passes, never merged into the weights.

With the adapter on, the base is the aligned model; with it off, it is the prior, to the last bit. What does not leave
the base as it was when it is off is refused: trained biases, initialisations that rewrite the base's weights, layers
that are repeated.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.metadata
import json
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import ModuleType
from typing import Protocol

import numpy as np
import safetensors
from transformers import AutoTokenizer

from simulations.bridge.conventions import Conventions
from simulations.bridge.decoder import TorchDecoder, probe
from simulations.bridge.models import LoadedModel, load, located, one_line, quietly
from simulations.bridge.packed import LARGE, pack
from simulations.bridge.runs import ADAPTER
from theory.files import sha256

_CONFIG, _WEIGHTS, _PICKLE = "adapter_config.json", "adapter_model.safetensors", "adapter_model.bin"


class _Tuner(Protocol):
    """What PEFT puts around the layers of a base."""

    def set_adapter(self, name: str, inference_mode: bool = False) -> None:
        """Choose the one that is on when any is."""

    def enable_adapter_layers(self) -> None:
        """Have the chosen one on."""

    def disable_adapter_layers(self) -> None:
        """Have none on."""


class _Wrapped(Protocol):
    """A model of PEFT: the base with adapters in its layers."""

    base_model: _Tuner

    def load_adapter(self, folder: Path, name: str, *, is_trainable: bool, torch_device: str) -> object:
        """Put one more adapter into the layers."""


@dataclass(slots=True, eq=False)
class Switch:
    """The adapters in one base, of which at most one is on.

    Args:
        wrapped: the base with all of them.
        on: the name of the one that is; None for the base alone.
    """

    wrapped: _Wrapped
    on: str | None

    def turn(self, name: str | None) -> None:
        """Have one adapter on, or none; does nothing where it is so already."""
        if name == self.on:
            return
        tuner = self.wrapped.base_model
        if name is None:
            tuner.disable_adapter_layers()
        else:
            tuner.set_adapter(name, inference_mode=True)
            tuner.enable_adapter_layers()
        self.on = name

    def to(self, name: str | None) -> Callable[[], None]:
        """What a decoder calls before each pass."""
        return lambda: self.turn(name)


@dataclass(slots=True, eq=False)
class Loader:
    """Loads the models of one run file, each once: a base with several adapters is one model in memory.

    Args:
        dtype, device, revision, base: as ``load`` takes them.
        packed: whether large matrices are packed, before any adapter is put on.
    """

    dtype: str
    device: str
    revision: str | None
    base: Path
    packed: bool = False
    _models: dict[str, LoadedModel] = field(default_factory=dict)
    _switches: dict[str, Switch] = field(default_factory=dict)

    def model(self, name: str) -> LoadedModel:
        """A model by its name.

        Raises:
            ValueError: as ``load``.
        """
        if name not in self._models:
            found = load(name, dtype=self.dtype, device=self.device, revision=self.revision, base=self.base)
            if self.packed and not pack(found.decoder):
                raise ValueError(
                    f'{name}: [models] backend = "onednn" packs no matrix of it: none of a linear layer has {LARGE:,} '
                    "weights, or packed ones give other numbers; leave backend out"
                )
            self._models[name] = found
        return self._models[name]

    def aligned(self, name: str, prior: str) -> LoadedModel:
        """An aligned model by its name: a model of its own, or an adapter on the prior.

        Raises:
            ValueError: as ``load``; an adapter that does not fit the base, or changes it when it is off.
        """
        if not name.startswith(ADAPTER):
            return self.model(name)
        if name not in self._models:
            self._models[name] = self._adapter(name, prior)
        return self._models[name]

    def _adapter(self, name: str, prior: str) -> LoadedModel:
        base, folder = self.model(prior), located(name.removeprefix(ADAPTER), None, self.base)
        files = _files(folder, name)
        own, before = f"adapter_{len(self._models)}", probe(base.decoder)
        peft, model = _peft(), base.decoder.model
        with quietly(), _refused(name):
            if prior not in self._switches:
                wrapped = peft.PeftModel.from_pretrained(model, folder, adapter_name=own, is_trainable=False)
                self._switches[prior] = Switch(wrapped, own)
            else:
                wrapped = self._switches[prior].wrapped
                wrapped.load_adapter(folder, own, is_trainable=False, torch_device=str(model.device))
            held = set(peft.get_peft_model_state_dict(wrapped, adapter_name=own, save_embedding_layers=False))
        model.eval().requires_grad_(False)
        _check_keys(folder, held, name)
        switch = self._switches[prior]
        switch.turn(own)
        base.decoder.switch = switch.to(None)
        if not np.array_equal(probe(base.decoder), before):
            raise ValueError(
                f"{name}: with the adapter off the base gives other numbers than without it, as after an "
                "initialisation that rewrites the base; merge it, and name the merged model's folder"
            )
        return _as_aligned(base, folder, files, TorchDecoder(model, base.decoder.end, switch=switch.to(own)))


def _as_aligned(base: LoadedModel, folder: Path, files: list[Path], decoder: TorchDecoder) -> LoadedModel:
    """The base with an adapter on; the tokenizer and its ends are those beside the adapter, where there are any."""
    tokenizer, conventions = base.tokenizer, base.conventions
    beside = [path for path in sorted(folder.glob("*")) if path.suffix in {".json", ".jinja", ".model", ".txt"}]
    if (folder / "tokenizer.json").is_file():
        with quietly(), _refused(str(folder)):
            tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=False, local_files_only=True)
        found = Conventions.of(folder, tokenizer)
        ends = {file: ids for file, ids in conventions.ends.items() if file != "tokenizer"} | dict(found.ends)
        conventions = Conventions(ends, found.front, found.asked)
    return replace(
        base,
        decoder=decoder,
        tokenizer=tokenizer,
        conventions=conventions,
        identity=base.identity | {f"adapter/{path.name}": sha256(path) for path in files},
        resolved=base.resolved
        | {
            "adapter": {
                "files": {path.name: sha256(path) for path in beside if path not in files},
                "peft": importlib.metadata.version("peft"),
            }
        },
    )


def _files(folder: Path, name: str) -> list[Path]:
    """The files of an adapter: configuration and weights.

    Raises:
        ValueError: one of them is not there, or the weights are a pickle.
    """
    if not (folder / _CONFIG).is_file():
        raise ValueError(f"{name}: holds no {_CONFIG}; an adapter is a folder that PEFT's save_pretrained wrote")
    if not (folder / _WEIGHTS).is_file():
        pickled = (folder / _PICKLE).is_file()
        what = f"only {_PICKLE}, a pickle, which can run code" if pickled else "no weights"
        raise ValueError(f"{name}: holds {what}; {_WEIGHTS} is read")
    try:
        said = json.loads((folder / _CONFIG).read_text(encoding="utf-8"))
        kind = str(said["peft_type"])
    except (ValueError, KeyError, TypeError):
        raise ValueError(f"{name}: {_CONFIG} is damaged") from None
    if said.get("megatron_config") is not None:
        raise ValueError(f"{name}: {_CONFIG} has a megatron_config, which names code to import; it is not read")
    if said.get("bias", "none") not in {None, "none"}:
        raise ValueError(
            f"{name}: {_CONFIG} has trained biases, which overwrite the base's own; merge it, and name the merged "
            "model's folder"
        )
    if kind in {
        "PROMPT_TUNING",
        "MULTITASK_PROMPT_TUNING",
        "P_TUNING",
        "PREFIX_TUNING",
        "CARTRIDGE",
        "ADAPTION_PROMPT",
    }:
        raise ValueError(
            f"{name}: {kind} puts tokens in front of the prompt; adapters of the layers, like LoRA, are read"
        )
    return [folder / _CONFIG, folder / _WEIGHTS]


def _check_keys(folder: Path, held: set[str], name: str) -> None:
    """Refuse an adapter whose weights are not those that its configuration makes: PEFT itself only warns.

    Raises:
        ValueError: names the first key that the file lacks or holds for no place.
    """
    with safetensors.safe_open(folder / _WEIGHTS, framework="pt") as file:
        there = set(file.keys())
    if held - there:
        raise ValueError(
            f"{name}: {_WEIGHTS} lacks {min(held - there)}; without it the adapter would change nothing there"
        )
    if there - held:
        raise ValueError(
            f"{name}: {_WEIGHTS} holds {min(there - held)}, which has no place beside the base's own weights; "
            "merge the adapter, and name the merged model's folder"
        )


def _peft() -> ModuleType:
    try:
        return importlib.import_module("peft")
    except ImportError:
        raise ValueError("an adapter needs the package peft; install probqual[bridge]") from None


@contextlib.contextmanager
def _refused(name: str) -> Iterator[None]:
    """Whatever the libraries raise on an adapter that does not fit becomes one line; their warnings are not shown."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except Exception as error:  # whatever the libraries raise on a damaged file or another base
        raise ValueError(f"{name}: cannot be put on the prior: {one_line(error)}") from None


__all__ = ["Loader", "Switch"]
