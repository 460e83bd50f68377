"""Scoring strings that another engine wrote: both models in batched passes, into the store that sampling writes.

Ids are taken as ids. A text is tokenised together with its prompt, as one text; where a token would reach over the
joint, the completion is tokenised apart from its prompt, since the engine wrote it after the prompt's own tokens. A
string that ended has its end as its last token and that is counted; one that was cut has none.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from simulations.bridge.chats import system_lines
from simulations.bridge.key_parts import GivenSamples
from simulations.bridge.prompts import Prompt
from simulations.bridge.rewards import Rewards
from simulations.bridge.runs import Run
from simulations.bridge.sample import Models, Plan, Scored, Shard, check_prompt, encoded, table_of
from simulations.bridge.samples import Given, Samples
from simulations.bridge.witnesses import Witnesses
from simulations.sampling.adaptors import log_softmax
from simulations.sampling.generate import PAD, Decoder, Floats, Mask, Sample, Tokens, check_logits, ends_of
from simulations.sampling.score import READ, token_log_probs, tokens_a_pass


@dataclass(frozen=True, slots=True, eq=False)
class String:
    """One string in tokens.

    Args:
        given: as its file has it.
        prompt: index of its prompt.
        setting: index of its setting.
        tokens: of the completion, the end included where it ended.
        ended: whether it did.
    """

    given: Given
    prompt: int
    setting: int
    tokens: tuple[int, ...]
    ended: bool


@dataclass(frozen=True, slots=True, eq=False)
class Scoring:
    """A run of given strings: its plan, and the strings of each shard."""

    plan: Plan
    strings: tuple[tuple[String, ...], ...]
    notes: tuple[str, ...]

    @staticmethod
    def of(run: Run, models: Models, samples: Samples) -> Scoring:
        """Encode prompts and completions, and cut them into shards of prompts of about one length.

        Raises:
            ValueError: a row that cannot be scored (names it), or a setting that no row has.
        """
        reader = _Reader(run, models)
        try:
            found = [reader.string(given) for given in samples.strings]
            for text, ids in zip(reader.texts, reader.ids, strict=True):
                check_prompt(text, ids, 1, models)
            _check_room(found, reader.ids, models)
        except ValueError as error:
            raise ValueError(f"{samples.path}: {error}") from None
        length = max(len(one.tokens) for one in found)
        count = Counter((one.prompt, one.setting) for one in found)
        bare = next((k for k in range(len(run.chains)) if not any(one.setting == k for one in found)), None)
        if bare is not None:
            raise ValueError(f"no row is of setting {bare}, {run.chains[bare]}; leave it out of the run file")
        ordered = sorted(found, key=lambda one: (len(reader.ids[one.prompt]), one.given.row))
        cut = [tuple(ordered[low : low + run.rows]) for low in range(0, len(ordered), run.rows)]
        begin = run.begin if models.begin is None else models.begin
        run = replace(
            run, prompts=tuple(reader.texts), kinds=(), begin=begin, strings=max(count.values()), length=length
        )
        shards = tuple(Shard(0, tuple(one.prompt for one in own)) for own in cut)
        record = GivenSamples(sha256=samples.sha256, strings=len(found))
        plan = Plan(run, models, tuple(reader.ids), shards, tuple(reader.chats), record)
        system = system_lines(models.render, [chat for chat in reader.chats if chat is not None])
        return Scoring(plan, tuple(cut), (*samples.notes, *system, *reader.notes(), *_unequal(count, run)))

    def table(self, number: int, rewards: Rewards) -> pa.Table:
        """The shard of a number.

        Raises:
            ValueError: a model's logits or a reward are no numbers.
        """
        own = self.strings[number]
        scored = _scored(self.plan, own)
        run = self.plan.run
        if run.reward == "column":
            rewards = replace(rewards, own=lambda texts, lengths: _column(own, run.source or ""))
        columns = {"row": pa.array([one.given.row for one in own], pa.int32())}
        for reward in run.rewards:
            if reward.kind == "column":
                values = [one.given.rewards[reward.source or reward.name] for one in own]
                columns[f"reward_{reward.name}"] = pa.array(values, pa.float64())
        return table_of(self.plan, replace(scored, columns=columns), rewards)


def _column(strings: Sequence[String], name: str) -> list[float]:
    """The reward that came with the strings.

    Raises:
        ValueError: a string has none.
    """
    found = []
    for one in strings:
        value = one.given.rewards[name]
        if value is None:
            raise ValueError(f"row {one.given.row}: has no {name}, which is the run's reward")
        found.append(value)
    return found


def _unequal(count: Mapping[tuple[int, int], int], run: Run) -> list[str]:
    """What is said where prompts have different numbers of strings: means are over prompts, each as much as another."""
    least, most = min(count.values()), max(count.values())
    gone = len(run.prompts) * len(run.chains) - len(count)
    lines = [] if least == most else [f"prompts have from {least} to {most} strings in a setting; each counts alike"]
    return lines + ([f"{gone} times a prompt has no string in a setting"] if gone else [])


def _check_room(strings: Sequence[String], ids: Sequence[Sequence[int]], models: Models) -> None:
    for one in strings:
        size = len(ids[one.prompt]) + len(one.tokens)
        if size > models.longest:
            raise ValueError(f"row {one.given.row}: has {size} tokens, over the models' {models.longest} positions")


class _Reader:
    """Turns rows into tokens, and counts what should be said of it."""

    def __init__(self, run: Run, models: Models) -> None:
        self._run, self._models = run, models
        self._ends = ends_of(models.aligned or models.prior)
        self._settings = {str(chain): number for number, chain in enumerate(run.chains)}
        self._places: dict[tuple[int, ...], int] = {}
        self._prompts: dict[Prompt, int] = {}
        self._merged: list[int] = []
        self._added = self._echoed = self._rows = 0
        self.texts: list[str] = []
        self.ids: list[tuple[int, ...]] = []
        self.chats: list[list[dict[str, object]] | None] = []

    def string(self, given: Given) -> String:
        try:
            return self._string(given)
        except ValueError as error:
            raise ValueError(f"row {given.row}: {error}") from None

    def _string(self, given: Given) -> String:
        place = self._prompt(given.prompt)
        prompt = self.ids[place]
        tokens = list(given.ids) if given.ids is not None else self._tokens(given, place)
        end = next((k for k, token in enumerate(tokens) if token in self._ends), None)
        if end is not None and end + 1 < len(tokens):
            raise ValueError(f"has {len(tokens) - end - 1} tokens behind its end {tokens[end]}; cut padding off")
        if end is not None and given.finish == "length":
            raise ValueError(f"finish is length, but its last token {tokens[end]} is an end")
        if end is None and given.finish == "stop":
            tokens.append(self._end())
            self._added += 1
        if not tokens:
            raise ValueError("has no token; a string that was cut at once says nothing")
        self._check_width(tokens)
        self._rows += 1
        self._echoed += len(prompt) > 1 and tuple(tokens[: len(prompt)]) == prompt
        ended = end is not None or given.finish == "stop"
        return String(given, place, self._setting(given.setting), tuple(tokens), ended)

    def _prompt(self, prompt: Prompt) -> int:
        if prompt in self._prompts:
            return self._prompts[prompt]
        text, ids = encoded(prompt, self._models)
        if not ids:
            check_prompt(text, ids, 1, self._models)
        place = self._places.setdefault(tuple(ids), len(self.ids))
        if place == len(self.ids):
            self.ids.append(tuple(ids))
            self.texts.append(text)
            self.chats.append(prompt.messages if prompt.kind == "messages" else None)
        self._prompts[prompt] = place
        return place

    def _tokens(self, given: Given, place: int) -> list[int]:
        """A text's tokens behind its prompt's."""
        bare = self._models.bare
        if bare is None:
            raise ValueError("these models have no tokenizer; give completion_ids")
        text, prompt = given.text or "", list(self.ids[place])
        if given.prompt.kind == "ids":
            whole = prompt + bare(text)
        elif given.prompt.kind == "messages":
            whole = bare(self.texts[place] + text)
        else:
            whole = self._models.encode(given.prompt.given + text)
        if whole[: len(prompt)] == prompt:
            return whole[len(prompt) :]
        apart = bare(text)
        if self._models.decode(prompt + apart) != self._models.decode(prompt) + text:
            raise ValueError(
                "its first token reaches into the prompt, and apart from the prompt it has other letters; give "
                "completion_ids"
            )
        self._merged.append(given.row)
        return apart

    def _end(self) -> int:
        """The end that a text does not show: the tokenizer's, where it is one of several."""
        own = self._models.end
        return own if own in self._ends else self._ends[0]

    def _check_width(self, tokens: Sequence[int]) -> None:
        if self._models.width is not None and max(tokens) >= self._models.width:
            raise ValueError(f"has the id {max(tokens)}, which lies beyond the models' {self._models.width} logits")

    def _setting(self, given: int | str | None) -> int:
        known = ", ".join(f"{number} {name!r}" for name, number in self._settings.items())
        if given is None:
            if len(self._settings) > 1:
                raise ValueError(f"setting is needed, since the run file names several: {known}")
            return 0
        found = self._settings.get(given) if isinstance(given, str) else given
        if found is None or not 0 <= found < len(self._settings):
            raise ValueError(f"setting {given!r} is none of the run file's: {known}")
        return found

    def notes(self) -> Iterator[str]:
        """What was done to the rows."""
        if self._added:
            yield (
                f"{self._added} strings stopped without showing their end: the end token {self._end()} is put there "
                "and counted"
            )
        if self._merged:
            yield (
                f"warning: in {len(self._merged)} of {self._rows} texts a token would reach into the prompt "
                f"(first in row {self._merged[0]}); they are tokenised apart from their prompts"
            )
        if self._echoed == self._rows:
            yield "warning: every completion begins with its prompt; cut it off if the engine echoed it"


def _scored(plan: Plan, strings: Sequence[String]) -> Scored:
    """The strings with log p under both models, and log w and log c of every setting."""
    models, chains = plan.models, plan.run.chains
    longest = max(len(one.tokens) for one in strings)
    tokens = np.full((len(strings), longest), PAD, dtype=np.int64)
    for row, one in enumerate(strings):
        tokens[row, : len(one.tokens)] = one.tokens
    own, prior = np.zeros(tokens.shape), np.zeros(tokens.shape)
    witnesses = Witnesses(chains, np.zeros((len(strings), 0), dtype=np.int64), longest)
    prompts = [plan.ids[one.prompt] for one in strings]
    for rows in _passes(prompts, tokens, models.width or 1):
        part = [prompts[k] for k in rows]
        prior[rows] = log_probs_behind(models.prior, part, tokens[rows])
        if models.aligned is None:
            own[rows] = prior[rows]
            continue
        asked = Witnesses(chains, _side_by_side(part), longest)
        own[rows] = _asked(asked, models.aligned, part, tokens[rows])
        witnesses.log_weight[:, rows], witnesses.log_normaliser[:, rows] = asked.log_weight, asked.log_normaliser
    length = (tokens != PAD).sum(axis=1)
    ended = np.array([one.ended for one in strings])
    nothing = np.zeros(tokens.shape)
    drawn_by_others = Sample(tokens, length, ended, own, nothing, nothing)
    setting = np.array([one.setting for one in strings])
    return Scored(setting, tuple(one.prompt for one in strings), drawn_by_others, prior, witnesses)


def _side_by_side(prompts: Sequence[Sequence[int]]) -> Tokens:
    """Prompts of different lengths as rows, filled in front with PAD, which is no id to what looks back."""
    found = np.full((len(prompts), max(map(len, prompts))), PAD, dtype=np.int64)
    for row, own in zip(found, prompts, strict=True):
        row[len(row) - len(own) :] = own
    return found


def _passes(prompts: Sequence[Sequence[int]], tokens: Tokens, width: int) -> Iterator[Tokens]:
    """Rows that go through a model together: prompts of about one length, and no more numbers than memory wants."""
    room = tokens_a_pass(width)
    lengths = (tokens != PAD).sum(axis=1)
    chosen: list[int] = []
    for row in sorted(range(len(prompts)), key=lambda k: (len(prompts[k]), int(lengths[k]))):
        several = [*chosen, row]
        least, most = len(prompts[several[0]]), len(prompts[row])
        longest = int(lengths[several].max())
        if chosen and (len(several) * (most - least + longest) > room or len(several) * (most + longest) > READ):
            yield np.array(chosen)
            several = [row]
        chosen = several
    yield np.array(chosen)


def _asked(witnesses: Witnesses, decoder: Decoder, prompts: Sequence[Sequence[int]], tokens: Tokens) -> Floats:
    """log p of every token, 0 behind the last, shape (B, T); every setting is asked about it."""
    found = np.zeros(tokens.shape)
    behind = Behind.of(prompts, tokens)
    logits = behind.logits(decoder)
    for step in range(int(behind.lengths.max())):
        alive = step < behind.lengths
        if witnesses.windows:
            rows = np.flatnonzero(alive)
            found[rows, step] = witnesses.ask(step, rows, logits[rows, behind.offset[rows] + step], tokens[rows, step])
            continue
        law, drawn = behind.law(logits, step), np.where(alive, tokens[:, step], 0)
        found[:, step] = np.where(alive, law[np.arange(len(law)), drawn], 0.0)
        witnesses.watch(step, law, drawn, alive)
    witnesses.settle()
    return found


@dataclass(frozen=True, slots=True, eq=False)
class Behind:
    """Completions behind prompts of different lengths, side by side for one pass.

    What of a prompt is longer than the shortest is read as what it is, tokens behind it. Nothing stands behind a
    string but filling, which a causal model does not see.

    Args:
        prompts: as much of each as the shortest has, shape (B, P).
        tokens: the rest of each prompt and its completion, ``PAD`` behind, shape (B, T).
        offset: where each completion begins, shape (B,).
        lengths: of the completions, shape (B,).
    """

    prompts: Tokens
    tokens: Tokens
    offset: NDArray[np.int64]
    lengths: NDArray[np.int64]

    @staticmethod
    def of(prompts: Sequence[Sequence[int]], tokens: Tokens) -> Behind:
        """Prompts as lists of ids, completions of shape (B, T) with ``PAD`` behind them."""
        least = min(len(own) for own in prompts)
        lengths = (tokens != PAD).sum(axis=1)
        offset = np.array([len(own) - least for own in prompts])
        found = np.full((len(prompts), int((offset + lengths).max())), PAD, dtype=np.int64)
        for row, own in enumerate(prompts):
            found[row, : offset[row]] = own[least:]
            found[row, offset[row] : offset[row] + lengths[row]] = tokens[row, : lengths[row]]
        return Behind(np.array([own[:least] for own in prompts], dtype=np.int64), found, offset, lengths)

    def used(self) -> Mask:
        """Where a completion's tokens stand, shape (B, T)."""
        place = np.arange(self.tokens.shape[1])[None]
        found: Mask = (place >= self.offset[:, None]) & (place < (self.offset + self.lengths)[:, None])
        return found

    def logits(self, decoder: Decoder) -> NDArray[np.floating]:
        """Of every token, shape (B, T, V).

        Raises:
            ValueError: logits that no law has.
        """
        found = decoder.logits(self.prompts, self.tokens)
        check_logits(found, self.used())
        return found

    def law(self, logits: NDArray[np.floating], step: int) -> Floats:
        """log p of every id at one step of the completions, shape (B, V); of rows that have ended it means nothing."""
        alive = step < self.lengths
        found = logits[np.arange(len(logits)), np.where(alive, self.offset + step, 0)]
        return log_softmax(np.where(alive[:, None], found, 0.0))


def log_probs_behind(decoder: Decoder, prompts: Sequence[Sequence[int]], tokens: Tokens) -> Floats:
    """log p of every token of the completions, 0 behind the last: shape (B, T), nats.

    Raises:
        ValueError: logits that no law has.
    """
    behind = Behind.of(prompts, tokens)
    used = behind.used()
    own = token_log_probs(decoder.logits(behind.prompts, behind.tokens), np.where(used, behind.tokens, PAD))
    found = np.zeros(tokens.shape)
    found[tokens != PAD] = own[used]
    return found


__all__ = ["Behind", "Scoring", "String", "log_probs_behind"]
