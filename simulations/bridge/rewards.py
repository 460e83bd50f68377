"""Rewards of texts: VADER, valence, length, a classifier, any function of the user, or a pair's secret reward."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import importlib.util
import inspect
import itertools
import math
import sys
import sysconfig
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Literal, Protocol, SupportsFloat, cast, get_args, runtime_checkable

from simulations.bridge.folder import beside, weights
from theory.files import JsonObject, sha256

RewardKind = Literal["secret", "vader", "valence", "length", "classifier", "function", "column"]

KINDS: tuple[RewardKind, ...] = get_args(RewardKind)

Reads = Literal["text", "completion"]
"""What a reward reads: prompt and completion as one text, or the completion alone."""


Chat = list[dict[str, object]]
"""Messages with a role and a content each."""


class Answer(str):
    """A text that goes to a reward, with its two parts beside it: prompt and completion.

    ``chat`` is the prompt's messages where it is a chat, and ``ids`` are the tokens of the completion.
    """

    __slots__ = ("chat", "completion", "ids", "prompt")

    prompt: str
    completion: str
    chat: Chat | None
    ids: list[int]

    @staticmethod
    def of(
        text: str, prompt: str, alone: str | None = None, chat: Chat | None = None, ids: Sequence[int] = ()
    ) -> Answer:
        """A text that goes on from the prompt's.

        Args:
            text: of prompt and completion.
            prompt: of the prompt.
            alone: of the completion's tokens, where the text of all does not begin with the prompt's: a character
                may have its first bytes in the one and its last ones in the other.
            chat: the prompt's messages, if it is a chat.
            ids: of the completion.
        """
        found = Answer(text)
        rest = text if alone is None else alone
        found.prompt, found.completion = prompt, text[len(prompt) :] if text.startswith(prompt) else rest
        found.chat, found.ids = chat, list(ids)
        return found


Scorer = Callable[[Sequence[str], Sequence[int]], list[float]]
"""Rewards, in reward units, of texts (prompt and continuation, as ``Answer`` has them) and their lengths in tokens."""

NamedScorer = Callable[[Sequence[str], Sequence[int]], Sequence[object]]
"""The same, which may give None for a text that it says nothing of."""


@dataclass(frozen=True, slots=True)
class Rewards:
    """What gives the rewards of a run.

    Args:
        own: the run's reward; None for the secret one, which log-probabilities give.
        named: those that are kept beside it, by name.
    """

    own: Scorer | None = None
    named: Mapping[str, NamedScorer] = field(default_factory=dict)

    @staticmethod
    def of(given: Rewards | Scorer | None) -> Rewards:
        """Those of a run with one reward, or with the secret one alone, too."""
        return given if isinstance(given, Rewards) else Rewards(given)


def scorer(
    kind: str,
    source: str | None = None,
    label: str | None = None,
    *,
    reads: Reads = "text",
    base: Path | None = None,
    device: str = "cpu",
) -> Scorer | None:
    """What gives rewards; None for the secret reward, which log-probabilities give, and for a column of given strings.

    Args:
        kind: of ``KINDS``.
        source: a folder for "classifier", "module:function" for "function".
        label: of a classifier; its last one by default.
        reads: the whole text or the completion alone; a function of two arguments gets prompt and completion apart,
            and one with an argument ``completions`` is called as TRL calls it.
        base: where ``source`` is looked up first; then in the working folder.
        device: that a classifier runs on.

    Raises:
        ValueError: what is named is not there.
    """
    if kind in {"secret", "column"}:
        return None
    if kind == "length":
        return lambda texts, lengths: [float(n) for n in lengths]
    if kind == "vader":
        return _reading(_vader(), reads)
    if kind == "valence":
        return _reading(_valence(), reads)
    if source is None:
        raise ValueError(f"a reward of kind {kind!r} needs source = ...")
    if kind == "classifier":
        return _reading(_classifier(source, label, _beside(source, base), device), reads)
    return _function(source, base, reads)


def _reading(found: Scorer, reads: Reads) -> Scorer:
    """A scorer that is given what it reads."""
    return found if reads == "text" else lambda texts, lengths: found([_completion(text) for text in texts], lengths)


def _completion(text: str) -> str:
    return text.completion if isinstance(text, Answer) else text


def _beside(source: str, base: Path | None) -> Path:
    """A folder beside the run file, or else in the working folder.

    Raises:
        ValueError: the name is none that a path can have.
    """
    try:
        return beside(source, base) or Path(source)
    except ValueError as error:
        raise ValueError(f"[reward] source {error}") from None


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


def checked_or_null(found: Sequence[object], texts: Sequence[str]) -> list[float | None]:
    """The rewards as numbers, None where there is none.

    Raises:
        ValueError: as ``checked``.
    """
    if len(found) != len(texts):
        raise ValueError(f"the reward gave {len(found)} numbers for {len(texts)} texts")
    pairs = zip(found, texts, strict=True)
    return [None if value is None else checked([value], [text])[0] for value, text in pairs]


def _shown(value: object) -> str:
    return "a number too large" if isinstance(value, int) and not isinstance(value, bool) else repr(value)[:60]


def identity(kind: str, source: str | None, base: Path | None = None) -> JsonObject | None:
    """SHA-256 of the files that decide a reward: a classifier's, or the module of a function; None for the others.

    With a function's module come the modules beside it that it has imported.
    """
    if source is None or kind not in {"classifier", "function"}:
        return None
    if kind == "classifier":
        kinds = {".safetensors", ".json", ".txt", ".model", ".jinja"}
        files = [p for p in sorted(_beside(source, base).iterdir()) if p.suffix in kinds]
    else:
        name = source.partition(":")[0]
        with _importable(base):
            found = importlib.util.find_spec(name)
        files = [] if found is None or found.origin is None else [Path(found.origin)]
        if "." not in name:
            files += _imported_beside(files)
    return {path.name: sha256(path) for path in files if path.is_file()}


def _imported_beside(files: Sequence[Path]) -> list[Path]:
    """The files of imported modules in the folders of these, which are single modules and so the user's own."""
    folders = {path.resolve().parent for path in files} - {Path(p) for p in sysconfig.get_paths().values()}
    places = (getattr(module, "__file__", None) for module in list(sys.modules.values()))
    found = {Path(place).resolve() for place in places if place is not None and place.endswith(".py")}
    return sorted(p for p in found - {f.resolve() for f in files} if p.parent in folders)


@contextlib.contextmanager
def _importable(base: Path | None) -> Iterator[None]:
    """Modules beside the run file and in the working folder can be imported, in this order, before all others."""
    added = [str((base or Path()).resolve()), str(Path.cwd())]
    before = list(sys.path)
    sys.path[:0] = [p for k, p in enumerate(added) if p not in added[:k]]
    importlib.invalidate_caches()
    try:
        yield
    finally:
        sys.path[:] = before


def _sentiment(kind: str) -> ModuleType:
    try:
        return importlib.import_module("vaderSentiment.vaderSentiment")
    except ImportError:
        raise ValueError(f"the reward {kind} needs the package vaderSentiment; install probqual[bridge]") from None


def _valence() -> Scorer:
    """The sum of the valences, in [-4, 4], of a text's words in VADER's lexicon: additive over words, and no bound."""
    module = _sentiment("valence")
    lexicon = module.SentimentIntensityAnalyzer().lexicon

    def score(texts: Sequence[str], lengths: Sequence[int]) -> list[float]:
        words = (module.SentiText(str(text)).words_and_emoticons for text in texts)
        return [float(sum(lexicon.get(word.lower(), 0.0) for word in own)) for own in words]

    return score


def _vader() -> Scorer:
    analyser = _sentiment("vader").SentimentIntensityAnalyzer()
    return lambda texts, lengths: [float(analyser.polarity_scores(text)["compound"]) for text in texts]


def _function(source: str, base: Path | None, reads: Reads) -> Scorer:
    module, _, name = source.partition(":")
    if not name:
        raise ValueError(f"source must be module:function, got {source!r}")
    try:
        with _importable(base):
            found = getattr(importlib.import_module(module), name)
    except (Exception, SystemExit) as error:  # the module is the user's: whatever it raises
        raise ValueError(f"the reward {source} cannot be imported: {type(error).__name__}: {error}") from None
    if not callable(found):
        raise ValueError(f"the reward {source} is no function")
    taken = _of_trl(found)
    if taken:
        return _batched(source, found, taken)
    apart = _takes_two(found)

    def score(texts: Sequence[str], lengths: Sequence[int]) -> list[float]:
        rewards = []
        for text in texts:
            given = [_completion(text) if reads == "completion" else str(text)]
            if apart:
                given = [text.prompt, text.completion] if isinstance(text, Answer) else ["", text]
            try:
                rewards.append(found(*given))
            except (Exception, SystemExit) as error:  # the function is the user's, too
                what = f"{type(error).__name__}: {error}"
                raise ValueError(f"the reward {source} fails on {text[:60]!r}: {what}") from None
        return rewards

    return score


def _of_trl(function: Callable[..., object]) -> set[str]:
    """What a function takes by name, where it is one that TRL calls: completions, many at once; else nothing."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return set()
    named = {one.name for one in parameters}
    if "completions" not in named:
        return set()
    return (
        {"prompts", "completions", "completion_ids", *named}
        if any(one.kind is one.VAR_KEYWORD for one in parameters)
        else named
    )


def _batched(source: str, function: Callable[..., object], taken: set[str]) -> Scorer:
    """A reward with TRL's signature, called once for a shard; a chat comes as messages, and its answer as one."""

    def score(texts: Sequence[str], lengths: Sequence[int]) -> list[float]:
        answers = [text if isinstance(text, Answer) else Answer.of(text, "") for text in texts]
        completions: list[object] = []
        for one in answers:
            chat = one.chat is not None
            completions.append([{"role": "assistant", "content": one.completion}] if chat else one.completion)
        given: dict[str, object] = {
            "prompts": [one.prompt if one.chat is None else one.chat for one in answers],
            "completions": completions,
            "completion_ids": [one.ids for one in answers],
        }
        given |= {"trainer_state": None, "log_extra": _unlogged, "log_metric": _unlogged}
        try:
            found = function(**{name: value for name, value in given.items() if name in taken})
            return _listed(asyncio.run(found) if inspect.iscoroutine(found) else found, source, len(texts))
        except _NoList:
            raise
        except (Exception, SystemExit) as error:  # the function is the user's
            what = f"{type(error).__name__}: {error}"
            raise ValueError(f"the reward {source} fails on {len(texts)} completions: {what}") from None

    return score


def _unlogged(*given: object) -> None:
    """What a trainer would log is not."""


class _NoList(ValueError):
    """A reward of many completions that is not many numbers."""


def _listed(found: object, source: str, count: int) -> list[float]:
    """What a reward gave, as a list: a list, an array, a tensor or anything else that can be gone through.

    Whether each is a number is for ``checked`` to say.

    Raises:
        _NoList: it is not of the kind.
    """
    if isinstance(found, Iterable) and not isinstance(found, (str, bytes, Mapping)) and getattr(found, "shape", True):
        values = found.tolist() if isinstance(found, _Array) else found
        # true and false are 1 and 0, as in a column
        return cast("list[float]", [float(value) if isinstance(value, bool) else value for value in values])
    raise _NoList(f"the reward {source} gave {type(found).__name__} for {count} completions, not a list")


@runtime_checkable
class _Array(Protocol):
    """Of numpy or torch."""

    def tolist(self) -> list[object]:
        """Its numbers as Python's."""


def _takes_two(function: Callable[..., object]) -> bool:
    """Whether a function needs two arguments: prompt and completion."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return False
    places = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return sum(one.kind in places and one.default is inspect.Parameter.empty for one in parameters) == 2


def _classifier(source: str, label: str | None, folder: Path, device: str) -> Scorer:
    torch, transformers = importlib.import_module("torch"), importlib.import_module("transformers")
    if not list(folder.glob("*.safetensors")):
        raise ValueError(f"the classifier {source} has no safetensors")
    if (folder / "config.json").is_file():
        weights(folder, f"the classifier {source}")
    try:
        tokenizer = transformers.AutoTokenizer.from_pretrained(folder, trust_remote_code=False, local_files_only=True)
        with importlib.import_module("simulations.bridge.models").quietly():
            model, report = transformers.AutoModelForSequenceClassification.from_pretrained(
                folder, trust_remote_code=False, use_safetensors=True, local_files_only=True, output_loading_info=True
            )
    except Exception as error:  # whatever the libraries raise on a damaged file
        reason = " ".join(str(error).split())[:200]
        raise ValueError(f"the classifier {source} cannot be loaded: {type(error).__name__}: {reason}") from None
    if report["missing_keys"]:
        missing = sorted(report["missing_keys"])[0]
        raise ValueError(f"the classifier {source} lacks {missing}; a model with random parts gives random rewards")
    if report["unexpected_keys"]:
        more = sorted(report["unexpected_keys"])[0]
        raise ValueError(f"the classifier {source} holds {more}, which the model of its config.json has no place for")
    model = model.to(device).eval()
    labels = {v: k for k, v in model.config.id2label.items()}
    if label is not None and label not in labels:
        raise ValueError(f"the classifier {source} has no label {label!r}; it has {', '.join(labels)}")
    column = labels[label] if label is not None else model.config.num_labels - 1
    limit = _limit(model.config, tokenizer)

    def batch(rows: list[dict[str, list[int]]], texts: list[str]) -> list[float]:
        try:
            given = {name: torch.tensor([row[name] for row in rows], device=device) for name in rows[0]}
            found: list[float] = model(**given).logits.float()[:, column].tolist()
        except Exception as error:  # a model that reads less than it says
            reason = " ".join(str(error).split())[:120]
            what = f"the classifier {source} cannot read {texts[0][:60]!r}, of {len(rows[0]['input_ids'])} tokens"
            raise ValueError(f"{what}: {type(error).__name__}: {reason}") from None
        return found

    def score(texts: Sequence[str], lengths: Sequence[int]) -> list[float]:
        encoded = [dict(tokenizer(str(text), truncation=False, verbose=False)) for text in texts]
        counts = [len(one["input_ids"]) for one in encoded]
        for text, count in zip(texts, counts, strict=True):
            _check_length(str(text), count, limit, source)
        found = [0.0] * len(texts)
        # texts of one length go side by side: no padding, which some models would see
        order = sorted(range(len(texts)), key=counts.__getitem__)
        with torch.inference_mode():
            for _, group in itertools.groupby(order, key=counts.__getitem__):
                own = list(group)
                for places in (own[low : low + _BATCH] for low in range(0, len(own), _BATCH)):
                    rewards = batch([encoded[k] for k in places], [str(texts[k]) for k in places])
                    for k, reward in zip(places, rewards, strict=True):
                        found[k] = reward
        return found

    return score


_BATCH = 64
"""Texts that a classifier reads side by side."""


def _check_length(text: str, count: int, limit: int, source: str) -> None:
    if not 1 <= count <= limit:
        fault = "no tokens for" if count == 0 else f"{count} tokens for"
        most = f", which reads at most {limit}" if count else ""
        hint = "make the strings shorter" if count else "give each prompt a word"
        raise ValueError(f"the text {text[:60]!r} has {fault} the classifier {source}{most}; {hint}")


class _Config(Protocol):
    """Of a classifier."""

    model_type: str
    pad_token_id: int | None


class _Tokenizer(Protocol):
    """Of a classifier."""

    model_max_length: int


def _limit(config: _Config, tokenizer: _Tokenizer) -> int:
    """The most tokens that a classifier reads: of its tokenizer, and of its positions, less those before the first."""
    positions = int(getattr(config, "max_position_embeddings", None) or sys.maxsize)
    if config.model_type in {"roberta", "xlm-roberta", "camembert", "longformer", "mpnet", "xlm-roberta-xl"}:
        positions -= int(config.pad_token_id or 0) + 1
    return min(positions, int(tokenizer.model_max_length))


__all__ = [
    "KINDS",
    "Answer",
    "Chat",
    "NamedScorer",
    "Reads",
    "RewardKind",
    "Rewards",
    "Scorer",
    "checked",
    "checked_or_null",
    "identity",
    "scorer",
]
