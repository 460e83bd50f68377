"""Rewards of texts: VADER, length, a classifier, any function of the user, or the secret reward of a pair."""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import io
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal, SupportsFloat, get_args

from theory.files import JsonObject, sha256

RewardKind = Literal["secret", "vader", "length", "classifier", "function"]

KINDS: tuple[RewardKind, ...] = get_args(RewardKind)

Scorer = Callable[[Sequence[str], Sequence[int]], list[float]]
"""Rewards, in reward units, of texts (prompt and continuation) and their lengths in tokens."""


def scorer(kind: str, source: str | None = None, label: str | None = None) -> Scorer | None:
    """What gives rewards; None for the secret reward, which log-probabilities give.

    Args:
        kind: of ``KINDS``.
        source: a folder for "classifier", "module:function" for "function".
        label: of a classifier; its last one by default.

    Raises:
        ValueError: what is named is not there.
    """
    if kind == "secret":
        return None
    if kind == "length":
        return lambda texts, lengths: [float(n) for n in lengths]
    if kind == "vader":
        return _vader()
    if source is None:
        raise ValueError(f"a reward of kind {kind!r} needs source = ...")
    return _classifier(source, label) if kind == "classifier" else _function(source)


def checked(found: Sequence[object], texts: Sequence[str]) -> list[float]:
    """The rewards as numbers.

    Raises:
        ValueError: a reward that is no finite number (names the text), or not one for every text.
    """
    if len(found) != len(texts):
        raise ValueError(f"the reward gave {len(found)} numbers for {len(texts)} texts")
    numbers = []
    for value, text in zip(found, texts, strict=True):
        try:
            number = float(value) if isinstance(value, SupportsFloat) and not isinstance(value, bool) else math.nan
        except (TypeError, ValueError, OverflowError):
            number = math.nan
        if not math.isfinite(number):
            raise ValueError(f"the reward of {text[:60]!r} is {_shown(value)}; it must be a finite number")
        numbers.append(number)
    return numbers


def _shown(value: object) -> str:
    return "a number too large" if isinstance(value, int) and not isinstance(value, bool) else repr(value)[:60]


def identity(kind: str, source: str | None) -> JsonObject | None:
    """SHA-256 of the files that decide a reward: a classifier's, or the module of a function; None for the others."""
    if source is None or kind not in {"classifier", "function"}:
        return None
    if kind == "classifier":
        files = [p for p in sorted(Path(source).iterdir()) if p.suffix in {".safetensors", ".json"}]
    else:
        found = importlib.util.find_spec(source.partition(":")[0])
        files = [] if found is None or found.origin is None else [Path(found.origin)]
    return {path.name: sha256(path) for path in files if path.is_file()}


def _vader() -> Scorer:
    try:
        module = importlib.import_module("vaderSentiment.vaderSentiment")
    except ImportError:
        raise ValueError("the reward vader needs the package vaderSentiment; install probqual[bridge]") from None
    analyser = module.SentimentIntensityAnalyzer()
    return lambda texts, lengths: [float(analyser.polarity_scores(text)["compound"]) for text in texts]


def _function(source: str) -> Scorer:
    module, _, name = source.partition(":")
    if not name:
        raise ValueError(f"source must be module:function, got {source!r}")
    try:
        found = getattr(importlib.import_module(module), name)
    except Exception as error:  # the module is the user's: whatever it raises
        raise ValueError(f"the reward {source} cannot be imported: {type(error).__name__}: {error}") from None
    if not callable(found):
        raise ValueError(f"the reward {source} is no function")

    def score(texts: Sequence[str], lengths: Sequence[int]) -> list[float]:
        rewards = []
        for text in texts:
            try:
                rewards.append(found(text))
            except Exception as error:  # the function is the user's, too
                what = f"{type(error).__name__}: {error}"
                raise ValueError(f"the reward {source} fails on {text[:60]!r}: {what}") from None
        return rewards

    return score


def _classifier(source: str, label: str | None) -> Scorer:
    torch, transformers = importlib.import_module("torch"), importlib.import_module("transformers")
    if not list(Path(source).glob("*.safetensors")):
        raise ValueError(f"the classifier {source} has no safetensors")
    try:
        tokenizer = transformers.AutoTokenizer.from_pretrained(source, trust_remote_code=False, local_files_only=True)
        with contextlib.redirect_stderr(io.StringIO()):
            model, report = transformers.AutoModelForSequenceClassification.from_pretrained(
                source, trust_remote_code=False, use_safetensors=True, local_files_only=True, output_loading_info=True
            )
    except Exception as error:  # whatever the libraries raise on a damaged file
        reason = " ".join(str(error).split())[:200]
        raise ValueError(f"the classifier {source} cannot be loaded: {type(error).__name__}: {reason}") from None
    if report["missing_keys"]:
        missing = sorted(report["missing_keys"])[0]
        raise ValueError(f"the classifier {source} lacks {missing}; a model with random parts gives random rewards")
    model = model.eval()
    labels = {v: k for k, v in model.config.id2label.items()}
    if label is not None and label not in labels:
        raise ValueError(f"the classifier {source} has no label {label!r}; it has {', '.join(labels)}")
    column = labels[label] if label is not None else model.config.num_labels - 1

    def score(texts: Sequence[str], lengths: Sequence[int]) -> list[float]:
        with torch.inference_mode():
            # one text at a time: no padding, and the same number whatever stands beside it
            encoded = (tokenizer(text, return_tensors="pt", truncation=True) for text in texts)
            return [float(model(**one).logits.float()[0, column]) for one in encoded]

    return score


__all__ = ["KINDS", "RewardKind", "Scorer", "checked", "identity", "scorer"]
