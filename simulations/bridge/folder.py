"""What lies in a model's folder: one set of weights, in safetensors or GGUF, and the files that decide with it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from theory.files import JsonObject, sha256

_PICKLES = (".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle")
_NAMED = 4
"""Keys that a message names."""

_INDEX = "model.safetensors.index.json"


def beside(name: str, base: Path | None) -> Path | None:
    """What a name of a run file means here: a path beside that file, or in the working folder; None for neither.

    Raises:
        ValueError: no path can have the name.
    """
    if "\0" in name:
        raise ValueError(f"{name!r}: a path holds no NUL")
    try:
        places = ((base or Path()) / Path(name).expanduser(), Path(name))
        return next((path for path in places if path.exists()), None)
    except (ValueError, OSError, RuntimeError) as error:  # a NUL, a name too long, nobody's home
        reason = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise ValueError(f"{name!r}: no path has such a name: {reason}") from None


def weights(path: Path, name: str) -> list[Path]:
    """The files of weights, safetensors or GGUF only.

    Raises:
        ValueError: there are none, two sets of them, or an adapter beside them; names the file.
    """
    if path.is_file():
        if path.suffix != ".gguf":
            kind = "a pickle, which can run code" if path.suffix in _PICKLES else "no GGUF"
            raise ValueError(f"{name}: the file is {kind}; give a folder with safetensors, or a .gguf file")
        return [path]
    found = sorted(path.glob("*.safetensors"))
    adapter = next((p for p in sorted(path.glob("adapter_*")) if p.suffix in {".json", ".safetensors", ".bin"}), None)
    if adapter is not None:
        raise ValueError(
            f'{name}: holds {adapter.name}, an adapter; write aligned = {{adapter = "{name}"}}, or merge it'
        )
    if not found:
        pickles = [p.name for p in sorted(path.iterdir()) if p.suffix in _PICKLES]
        what = f"only {pickles[0]}, a pickle, which can run code" if pickles else "no weights"
        raise ValueError(f"{name}: holds {what}; safetensors or GGUF are read")
    if not (path / "config.json").is_file():
        raise ValueError(f"{name}: holds no config.json")
    own = _indexed(path, name)
    beside = [p.name for p in found if own and p.name not in own]
    if own is None:
        beside = [p.name for p in found if p.name != "model.safetensors"]
    if beside and len(found) > len(beside):
        one = sorted(own)[0] if own else "model.safetensors"
        raise ValueError(f"{name}: holds two sets of weights, {one} and {beside[0]}; move one of them away")
    return found


def _indexed(path: Path, name: str) -> set[str] | None:
    """The files that an index of shards names; None where there is no index."""
    index = path / _INDEX
    if not index.is_file():
        return None
    try:
        own = {str(file) for file in json.loads(index.read_text(encoding="utf-8"))["weight_map"].values()}
    except (ValueError, KeyError, TypeError, AttributeError):
        raise ValueError(f"{name}: {_INDEX} is damaged") from None
    gone = next((file for file in sorted(own) if not (path / file).is_file()), None)
    if gone is not None:
        raise ValueError(f"{name}: {_INDEX} names {gone}, which is not there")
    return own


def check_report(report: Mapping[str, object], name: str) -> None:
    """Refuse weights that are not those of the configuration.

    Args:
        report: what transformers says of the keys that it loaded.
        name: of the model, for the message.

    Raises:
        ValueError: keys are missing, unexpected or of other shapes; names the first.
    """
    missing, unexpected, mismatched = (
        sorted(str(key[0] if isinstance(key, tuple) else key) for key in _list(report.get(kind)))
        for kind in ("missing_keys", "unexpected_keys", "mismatched_keys")
    )
    if mismatched:
        raise ValueError(f"{name}: cannot be loaded: {mismatched[0]} has another shape than config.json says")
    if missing:
        raise ValueError(f"{name}: its weights lack {missing[0]}; a model with random parts is no model")
    if unexpected:
        named = ", ".join(unexpected[:_NAMED]) + (
            f" and {len(unexpected) - _NAMED} more" if unexpected[_NAMED:] else ""
        )
        raise ValueError(f"{name}: its weights hold {named}, which the model of config.json has no place for")


def _list(value: object) -> list[object]:
    return list(value) if isinstance(value, (set, list, tuple)) else []


def identity(path: Path, files: list[Path]) -> JsonObject:
    """SHA-256 of weights, configuration and tokenizer."""
    others = [] if path.is_file() else [path / n for n in ("config.json", "tokenizer.json") if (path / n).is_file()]
    return {file.name: sha256(file) for file in [*files, *others]}


def settings(path: Path) -> JsonObject:
    """SHA-256 of every other file of a folder that may decide a number: settings of tokenizer, generation, template."""
    if path.is_file():
        return {}
    known = {"config.json", "tokenizer.json"}
    kinds = {".json", ".txt", ".model", ".jinja"}
    found = [*path.glob("*"), *path.glob("additional_chat_templates/*")]
    files = [p for p in sorted(found) if p.suffix in kinds and p.is_file() and p.name not in known]
    return {str(p.relative_to(path)): sha256(p) for p in files}


__all__ = ["beside", "check_report", "identity", "settings", "weights"]
