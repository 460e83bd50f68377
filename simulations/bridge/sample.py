"""Sampling a run: every string with its tokens, and everything that a later question about it needs.

Per token: log p under the prior and under the aligned model, and for every setting of the run, not only the one the
string was drawn by, log w and log c of its adaptors. So an analysis never runs a model again.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from simulations.bridge.columns import LAYOUT, flat, lengths, packed, sums
from simulations.bridge.cost import check_size
from simulations.bridge.key import RunKey
from simulations.bridge.key_parts import Accounting, GivenSamples
from simulations.bridge.prompts import Prompt
from simulations.bridge.rewards import Answer, Chat, Rewards, Scorer, checked, checked_or_null
from simulations.bridge.runs import Run
from simulations.bridge.store import Store
from simulations.bridge.witnesses import Witnesses
from simulations.sampling.adaptors import Floats
from simulations.sampling.generate import Decoder, Sample, Tokens, ends_of, generate, release
from simulations.sampling.score import log_probs_in_passes
from simulations.sampling.sorted_rows import float32_log_weights
from theory.files import JsonObject, sha256
from theory.report.records import as_json


@dataclass(frozen=True, slots=True, eq=False)
class Models:
    """What a run samples from.

    Args:
        prior: p.
        aligned: p+; None where it is the Gibbs posterior of the prior, whose proposals the prior writes.
        encode: the ids of a prompt's text.
        decode: the text of ids.
        identity: what the numbers depend on besides the run file: hashes of weights, versions, the device.
        longest: positions that both models have.
        render: (text, ids) of a chat, by the tokenizer's template alone; None where there is none.
        width: ids that both models can read; None for any.
        begin: whether prompts begin with the beginning-of-string token; None where the models have none.
        resolved: what else decides the numbers.
        notes: lines to print at the start.
        bare: the ids of a text, nothing put in front; None where there is no tokenizer.
        start: the beginning-of-string token; None where there is none.
        end: the end that the tokenizer itself names.
        pad: the token that fills what stands behind an end.
    """

    prior: Decoder
    aligned: Decoder | None
    encode: Callable[[str], list[int]]
    decode: Callable[[Sequence[int]], str]
    identity: JsonObject
    longest: int
    render: Callable[[list[dict[str, object]]], tuple[str, list[int]]] | None = None
    width: int | None = None
    begin: bool | None = None
    resolved: JsonObject = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    bare: Callable[[str], list[int]] | None = None
    start: int | None = None
    end: int | None = None
    pad: int | None = None


@dataclass(frozen=True, slots=True)
class Shard:
    """Strings that are written side by side: one setting, prompts of one length.

    Args:
        setting: index of the chain of adaptors.
        prompt: index of each row's prompt.
    """

    setting: int
    prompt: tuple[int, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """A run with its models: the prompts' ids and the shards, the same for every worker."""

    run: Run
    models: Models
    ids: tuple[tuple[int, ...], ...]
    shards: tuple[Shard, ...]
    chats: tuple[Chat | None, ...] = ()
    samples: GivenSamples | None = None
    given: str | None = None

    @staticmethod
    def of(run: Run, models: Models) -> Plan:
        """Encode the prompts and cut the work into shards.

        Raises:
            ValueError: a prompt of no tokens, with an id that the models do not have, or that leaves no room for an
                answer (names it); or more work than can be planned (says how much).
        """
        check_size(len(run.prompts), len(run.chains), run.strings, run.length)
        texts: list[str] = []
        ids: list[tuple[int, ...]] = []
        for prompt in run.given:
            text, tokens = encoded(prompt, models)
            check_prompt(text, tokens, run.length, models)
            texts.append(text)
            ids.append(tuple(tokens))
        places: dict[int, list[int]] = {}
        for place, own in enumerate(ids):
            places.setdefault(len(own), []).append(place)
        shards = []
        for setting in range(len(run.chains)):
            for length in sorted(places):
                rows = [k for k in places[length] for _ in range(run.strings)]
                shards += [Shard(setting, tuple(rows[low : low + run.rows])) for low in range(0, len(rows), run.rows)]
        begin = run.begin if models.begin is None else models.begin
        chats = tuple(prompt.messages if prompt.kind == "messages" else None for prompt in run.given)
        run = replace(run, prompts=tuple(texts), kinds=(), begin=begin)
        return Plan(run, models, tuple(ids), tuple(shards), chats)

    def turns(self) -> list[int]:
        """The shards in the order in which they are made: the same prompts under every setting, then the next prompts.

        So a run that was stopped has whole prompts, which can be analysed. Groups of many prompts come first, because
        intervals need several; among equal ones the order is fixed and does not follow their lengths. Strings that are
        given have shards in the order of their file.
        """
        settings = len(self.run.chains)
        a_setting, rest = divmod(len(self.shards), settings)
        if rest or any(self.shards[k].setting != k // a_setting for k in range(len(self.shards))):
            return list(range(len(self.shards)))
        mixed = (int(column) for column in np.random.default_rng(0).permutation(a_setting))
        columns = sorted(mixed, key=lambda column: -len(set(self.shards[column].prompt)))
        return [setting * a_setting + column for column in columns for setting in range(settings)]

    def with_resolved(self, found: JsonObject, notes: Sequence[str]) -> Plan:
        """The plan with more that decides its numbers, and more lines to print at the start."""
        models = replace(self.models, resolved=self.models.resolved | found, notes=(*self.models.notes, *notes))
        return replace(self, models=models)

    def configuration(self) -> JsonObject:
        """What the run key is the hash of."""
        return as_json(
            RunKey(
                run=self.run.record(),
                models=dict(self.models.identity),
                prompt_ids=self.ids,
                shards=len(self.shards),
                accounting=self._accounting(),
                rewards=self.run.rewards,
                samples=self.samples,
                resolved=dict(self.models.resolved),
            )
        )

    def _accounting(self) -> Accounting:
        models, writer = self.models, self.models.aligned or self.models.prior
        ids = models.resolved.get("ids")
        width = f"{ids['known']}" if isinstance(ids, dict) else "all"
        return Accounting(
            context=sha256(json.dumps([list(own) for own in self.ids])),
            begin=bool(self.run.begin),
            ends=ends_of(writer),
            law=f"next token, before adaptors, over {width} ids",
            base="e",
            reduction="none",
            dtype=self.run.dtype,
            given=self.given,
        )

    def answer(self, prompt: int, tokens: Sequence[int]) -> Answer:
        """A prompt and what goes on from it, as rewards read them."""
        text, before = self.models.decode([*self.ids[prompt], *tokens]), self.models.decode(self.ids[prompt])
        alone = None if text.startswith(before) else self.models.decode(tokens)
        return Answer.of(text, before, alone, self.chats[prompt] if self.chats else None, tokens)


def encoded(prompt: Prompt, models: Models) -> tuple[str, list[int]]:
    """(the text of a prompt, its ids).

    Raises:
        ValueError: a chat where the tokenizer has no template, or one that the template refuses.
    """
    if prompt.kind == "prompt":
        return prompt.given, models.encode(prompt.given)
    if prompt.kind == "ids":
        _check_ids(prompt.given, prompt.ids, models)
        return models.decode(prompt.ids), prompt.ids
    if models.render is None:
        raise ValueError("the tokenizer has no chat template; give the prompts as text")
    return models.render(prompt.messages)


def check_prompt(text: str, ids: Sequence[int], length: int, models: Models) -> None:
    """Refuse a prompt that cannot be gone on from.

    Raises:
        ValueError: it has no tokens, one that the models do not have, or no room behind it.
    """
    if not ids:
        raise ValueError(f"the prompt {text!r} has no tokens; set [prompts] begin = true, or write one")
    _check_ids(text, ids, models)
    if len(ids) + length > models.longest:
        raise ValueError(
            f"the prompt {text[:40]!r} has {len(ids)} tokens; with {length} more it is over the models' "
            f"{models.longest} positions"
        )


def _check_ids(text: str, ids: Sequence[int], models: Models) -> None:
    if models.width is not None and max(ids) >= models.width:
        raise ValueError(
            f"the prompt {text[:40]!r} has the id {max(ids)}, which lies beyond the models' logits, {models.width} "
            "wide; the tokenizer is not the models'"
        )


def draw_shard(plan: Plan, shard: Shard, rewards: Rewards | Scorer | None, *, rng: np.random.Generator) -> pa.Table:
    """The strings of a shard, as a table of the store.

    Raises:
        ValueError: a model's logits or a reward are no numbers (says which).
    """
    run, models = plan.run, plan.models
    prompts = np.array([plan.ids[k] for k in shard.prompt], dtype=np.int64)
    writer = models.aligned or models.prior
    witnesses = Witnesses(run.chains if models.aligned is not None else (), prompts, run.length)
    drawn = generate(
        writer,
        prompts,
        run.chains[shard.setting],
        run.length,
        rng=rng,
        adapt=float32_log_weights,
        watch=witnesses.watch,
        draw=witnesses.draws(run.chains[shard.setting]),
    )
    witnesses.settle()
    release(writer)
    prior = (
        drawn.log_prob
        if models.aligned is None
        else log_probs_in_passes(models.prior, prompts, drawn.tokens, models.width or 1)
    )
    setting = np.full(len(prompts), shard.setting)
    return table_of(plan, Scored(setting, shard.prompt, drawn, prior, witnesses), Rewards.of(rewards))


@dataclass(frozen=True, slots=True, eq=False)
class Scored:
    """Strings with everything that a shard keeps of them.

    Args:
        setting: of each, shape (B,).
        prompt: index of each one's prompt.
        drawn: tokens and log p under the aligned model, or under the prior where there is none.
        prior: log p under the prior, shape (B, T).
        witnesses: log w and log c of every setting.
        columns: others that the shard has, one entry a string.
    """

    setting: NDArray[np.integer]
    prompt: tuple[int, ...]
    drawn: Sample
    prior: Floats
    witnesses: Witnesses
    columns: Mapping[str, pa.Array] = field(default_factory=dict)


def table_of(plan: Plan, found: Scored, rewards: Rewards) -> pa.Table:
    """A shard: the strings with their rewards.

    Raises:
        ValueError: a reward is no number (names the text).
    """
    whole, drawn = plan.models.aligned is not None, found.drawn
    rows = zip(found.prompt, drawn.tokens, drawn.length, strict=True)
    texts = [plan.answer(k, [int(t) for t in tokens[:n]]) for k, tokens, n in rows]
    lengths = drawn.length.tolist()
    own = None if rewards.own is None else checked(rewards.own(texts, lengths), texts)
    columns: dict[str, pa.Array] = {
        "setting": pa.array(found.setting.astype(np.int32)),
        "prompt": pa.array(np.array(found.prompt, dtype=np.int32)),
        "tokens": _lists(drawn.tokens, drawn.length, pa.int32()),
        "ended": pa.array(drawn.ended),
        "text": pa.array([str(text) for text in texts], pa.string()),
        "reward": pa.array([None] * len(texts) if own is None else own, pa.float64()),
        "log_prior": _lists(found.prior, drawn.length, pa.float64()),
        "log_aligned": _lists(drawn.log_prob, drawn.length, pa.float64()) if whole else _nulls(len(texts)),
    }
    if whole:
        asked = found.witnesses
        columns |= packed(plan.run.chains, asked.log_weight, asked.log_normaliser, drawn.log_prob, drawn.length)
    for name, one in rewards.named.items():
        try:
            given = checked_or_null(one(texts, lengths), texts)
        except ValueError as error:
            raise ValueError(f"reward {name}: {error}") from None
        columns[f"reward_{name}"] = pa.array(given, pa.float64())
    return pa.table(columns | dict(found.columns), metadata=LAYOUT)


def _lists(values: NDArray[np.generic], length: Tokens, kind: pa.DataType) -> pa.Array:
    """The first ``length`` values of each row, as a list column."""
    inside = np.arange(values.shape[1])[None, :] < length[:, None]
    offsets = np.concatenate(([0], np.cumsum(length))).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets), pa.array(values[inside], kind))


def _nulls(count: int) -> pa.Array:
    return pa.nulls(count, pa.list_(pa.float64()))


@dataclass(frozen=True, slots=True)
class Made:
    """One shard that this worker has committed: its number, strings and tokens, and how many the prior rules out."""

    shard: int
    strings: int
    tokens: int
    impossible: int = 0


def work(
    plan: Plan, store: Store, rewards: Rewards | Scorer | None, make: Callable[[int], pa.Table] | None = None
) -> Iterator[Made]:
    """Make what is missing and nobody else is making, until nothing is.

    Args:
        plan: of the run.
        store: where shards go.
        rewards: of the strings.
        make: the shard of a number; by default it is drawn.

    Raises:
        StoreError, OSError: the store cannot be written.
        ValueError: as ``draw_shard``, or as ``make``.
    """
    for number in plan.turns():
        found = one_shard(plan, store, number, make or (lambda number: drawn_shard(plan, store, number, rewards)))
        if found is not None:
            yield found


def drawn_shard(plan: Plan, store: Store, number: int, rewards: Rewards | Scorer | None) -> pa.Table:
    """The shard of a number, drawn from its own stream.

    Raises:
        ValueError: as ``draw_shard``.
    """
    return draw_shard(plan, plan.shards[number], rewards, rng=store.rng(number))


def one_shard(plan: Plan, store: Store, number: int, make: Callable[[int], pa.Table]) -> Made | None:
    """Make a shard and commit it; None where it is there, or another process is making it.

    Raises:
        StoreError, OSError: the store cannot be written.
        ValueError: as ``make``.
    """
    if store.committed(number):
        return None
    with store.claim(number) as mine:
        if not mine:
            return None
        store.tidy(number)
        if store.committed(number):
            return None
        table = make(number)
        store.write(number, table, mine)
    length = lengths(table["log_prior"])
    impossible = int((sums(flat(table["log_prior"]), length) == -np.inf).sum())
    return Made(number, len(table), int(length.sum()), impossible)


__all__ = [
    "Made",
    "Models",
    "Plan",
    "Scored",
    "Shard",
    "Witnesses",
    "check_prompt",
    "draw_shard",
    "drawn_shard",
    "encoded",
    "one_shard",
    "table_of",
    "work",
]
