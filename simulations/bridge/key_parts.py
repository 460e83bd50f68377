"""What key.json says of rewards, of given strings, and of how log-probabilities are counted."""

from __future__ import annotations

from typing import Literal

from pydantic.dataclasses import dataclass

from theory.report.records.format import STRICT


@dataclass(frozen=True, slots=True, kw_only=True, config=STRICT)
class Accounting:
    """How the log-probabilities of a store are counted; none of these may be missing.

    Args:
        context: SHA-256 of the prompts' ids, a JSON list of lists, after which all numbers are.
        begin: whether a beginning-of-string token stands in front of texts.
        ends: the ids that end a string; the one that did is its last token and counted, a cut string has none.
        law: of log_prior and log_aligned.
        base: of the logarithms.
        reduction: over tokens; none, for one number a token.
        dtype: of the models' logits; the softmax over them is float64.
        given: what log-probabilities that came with the strings turned out to be; None where none came.
    """

    context: str
    begin: bool
    ends: tuple[int, ...]
    law: str
    base: Literal["e"]
    reduction: Literal["none"]
    dtype: str
    given: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True, config=STRICT)
class NamedReward:
    """A reward that stands in the column reward_NAME of every shard, a number or null.

    Args:
        name: of the reward.
        kind: as a run file has it; "column" for one that came with the strings.
        source, label: of a classifier or a function.
        reads: "text" or "completion".
        beta: reward units per nat; None where nobody gave it.
    """

    name: str
    kind: str
    source: str | None = None
    label: str | None = None
    reads: str = "text"
    beta: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True, config=STRICT)
class GivenSamples:
    """The file that the strings of a scored run came from: its SHA-256 and how many strings it has."""

    sha256: str
    strings: int


__all__ = ["Accounting", "GivenSamples", "NamedReward"]
