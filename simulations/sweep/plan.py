"""Sweep files: which random models, which adaptors, which claims. One line says what is wrong.

[sweep]
models = 100000
chunk = 500                         # models per shard
seed = 1
claims = ["adaptors.exchange"]      # by default every claim that speaks of every finite model

[reward]
betas = ["1/2", "1", "2"]           # reward units per nat
levels = 12                         # r is one of 0, step, 2 step, ..., levels step
step = "1/4"                        # or steps = ["1/4", "1", "4"], of which each model draws one

[corpus]
size = 100                          # N
band = "1/2"                        # typical: |Ibar - H| < band sqrt(V / N)

[[family]]
kind = "table"                      # integer weights 1..largest; "zipf": 1, 1/2, 1/3, ..., of which one is left out
strings = [2, 3, 5, 8]
largest = 12

[[family]]
kind = "tree"                       # of up to depth tokens, about one branch in four missing
tokens = [2, 3]
depth = [2, 3]

[[adaptor]]
name = "temperature"
value = "1/2"
normalise = "global"

[output]
folder = "runs/sweep"               # beside the sweep file
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from flint import fmpq
from pydantic import Field

from simulations.bridge.runs import OutputTable, output_folder
from theory.arithmetic.exact import rational, to_float
from theory.claims.registry import everywhere
from theory.report.records import SweepFileRecord
from theory.specification.adaptors import AdaptorEntry, adaptor_entry
from theory.specification.documents import AdaptorTable
from theory.specification.reader import Number, located, read_document
from theory.specification.tables import Table, Wording, read_as

SWEEP_FILE = Wording("unknown key {!r} in the sweep file", entry="{}.{}")

_WHOLE = " must be an integer of at least {}, got {{!r}}"
_LISTED = " must be a list that is not empty, got {!r}"
_INSIDE = ": {{!r}} is not in {}..{}"

_STEP = "1/4"
"""Where [reward] says neither ``step`` nor ``steps``."""

_MOST_MODELS, _MOST_CHUNK, _MOST_SHARDS = 10**9, 10**5, 10**5
_MOST_LEVELS, _MOST_WEIGHT, _MOST_CORPUS = 10**6, 10**9, 10**15
_MOST_SEED = (1 << 64) - 1
_MOST_PREFIXES = 1 << 17
"""Of a tree: eight tokens reach depth 5, two reach 16."""

_LEAST_NUMBER, _MOST_NUMBER = fmpq(1, 10**9), fmpq(10**9)
_MOST_REWARD = 10**6
"""levels x step / beta, nats."""

ListedNumber = Annotated[Number, Field(description=": a value is of the wrong type: expected a number, got {!r}")]
StringCount = Annotated[int, Field(ge=2, le=1 << 16, description=_INSIDE.format(2, 1 << 16))]
TokenCount = Annotated[int, Field(ge=2, le=8, description=_INSIDE.format(2, 8))]
DepthCount = Annotated[int, Field(ge=1, le=16, description=_INSIDE.format(1, 16))]


class SweepTable(Table):
    """[sweep]; without ``claims`` it is about every claim that speaks of every finite model."""

    models: int = Field(ge=1, description=_WHOLE.format(1))
    chunk: int = Field(default=500, ge=1, description=_WHOLE.format(1))
    seed: int = Field(default=1, ge=0, description=_WHOLE.format(0))
    claims: list[str] | None = Field(default=None, min_length=1, description=_LISTED)


class SweepRewardTable(Table):
    """[reward]; ``step`` or ``steps``, not both."""

    betas: list[ListedNumber] = Field(default=["1"], min_length=1, description=_LISTED)
    levels: int = Field(default=12, ge=1, description=_WHOLE.format(1))
    step: Number | None = None
    steps: list[ListedNumber] | None = Field(default=None, min_length=1, description=_LISTED)


class SweepCorpusTable(Table):
    """[corpus]."""

    size: int = Field(default=100, ge=2, description=_WHOLE.format(2))
    band: Number = "1/2"


class StringsFamilyTable(Table):
    """[[family]] of tables, whose sizes are numbers of strings."""

    kind: Literal["table", "zipf"]
    strings: list[StringCount] = Field(default_factory=list, validate_default=True, min_length=1, description=_LISTED)
    largest: int = Field(default=12, ge=1, description=_WHOLE.format(1))


class TreeFamilyTable(Table):
    """[[family]] of trees, whose sizes are pairs of tokens and depths."""

    kind: Literal["tree"]
    tokens: list[TokenCount] = Field(default_factory=list, validate_default=True, min_length=1, description=_LISTED)
    depth: list[DepthCount] = Field(default_factory=list, validate_default=True, min_length=1, description=_LISTED)
    largest: int = Field(default=12, ge=1, description=_WHOLE.format(1))


FamilyTable = Annotated[StringsFamilyTable | TreeFamilyTable, Field(discriminator="kind")]


class SweepFile(Table):
    """A sweep file, as it is written."""

    sweep: SweepTable = Field(title="; it needs models = ...")
    reward: SweepRewardTable = Field(default_factory=SweepRewardTable)
    corpus: SweepCorpusTable = Field(default_factory=SweepCorpusTable)
    family: list[FamilyTable] = Field(default_factory=list)
    adaptor: list[AdaptorTable] = Field(default_factory=list)
    output: OutputTable = Field(default_factory=OutputTable)


@dataclass(frozen=True, slots=True)
class Family:
    """Random priors of one kind.

    Args:
        kind: "table", "zipf" or "tree".
        sizes: of a table, the numbers of strings; of a tree, every (tokens, depth). One is drawn for each model.
        largest: integer weights are 1..largest.
    """

    kind: Literal["table", "zipf", "tree"]
    sizes: tuple[tuple[int, ...], ...]
    largest: int


@dataclass(frozen=True, slots=True)
class Sweep:
    """A sweep file, read and checked.

    Args:
        steps: between levels of the reward, in reward units. Each model draws one if there are several; a sweep with
            one step draws nothing for it, so that its models are those of before there could be several.
    """

    models: int
    chunk: int
    seed: int
    claims: tuple[str, ...]
    betas: tuple[fmpq, ...]
    levels: int
    steps: tuple[fmpq, ...]
    corpus: int
    band: fmpq
    families: tuple[Family, ...]
    adaptors: tuple[AdaptorEntry, ...]
    folder: Path

    @property
    def draws_steps(self) -> bool:
        """Whether models differ in their step."""
        return len(self.steps) > 1

    @property
    def shards(self) -> int:
        """How many chunks there are."""
        return -(-self.models // self.chunk)

    def of_shard(self, shard: int) -> range:
        """The numbers of the models in a shard."""
        return range(shard * self.chunk, min(self.models, (shard + 1) * self.chunk))

    def record(self) -> SweepFileRecord:
        """The fields that decide what comes out, in plain values."""
        return SweepFileRecord(
            models=self.models,
            chunk=self.chunk,
            seed=self.seed,
            claims=self.claims,
            betas=tuple(str(beta) for beta in self.betas),
            levels=self.levels,
            step=None if self.draws_steps else str(self.steps[0]),
            steps=tuple(str(step) for step in self.steps) if self.draws_steps else (),
            corpus=self.corpus,
            band=str(self.band),
            families=tuple((f.kind, f.sizes, f.largest) for f in self.families),
            adaptors=tuple(
                (
                    entry.name if isinstance(entry.name, str) else tuple(entry.name),
                    _settings(entry),
                    entry.normalise,
                )
                for entry in self.adaptors
            ),
        )


def _settings(entry: AdaptorEntry) -> Number | tuple[Number, ...]:
    """The values as they were written; with the rules in one text where the entry has any."""
    if any(step.options for step in entry.chain):
        found = tuple(step.setting for step in entry.chain)
        return found if isinstance(entry.name, list) else found[0]
    return tuple(entry.value) if isinstance(entry.value, list) else entry.value


def read_sweep(path: Path, output: Path | None = None) -> Sweep:
    """The sweep file at a path.

    Args:
        path: of the sweep file.
        output: where to store it instead of what the file says.

    Raises:
        SpecificationError: it cannot be read, or something in it cannot be used; a ValueError.
    """
    with located(str(path)):
        return _sweep(read_as(SweepFile, read_document(path), SWEEP_FILE), path.resolve().parent, output)


def _sweep(file: SweepFile, base: Path, output: Path | None) -> Sweep:
    if not file.family:
        raise ValueError("a sweep needs a family of models, written [[family]]")
    for where, value, most in (
        ("sweep.models", file.sweep.models, _MOST_MODELS),
        ("sweep.chunk", file.sweep.chunk, _MOST_CHUNK),
        ("sweep.seed", file.sweep.seed, _MOST_SEED),
        ("reward.levels", file.reward.levels, _MOST_LEVELS),
        ("corpus.size", file.corpus.size, _MOST_CORPUS),
        *((f"family {k}.largest", table.largest, _MOST_WEIGHT) for k, table in enumerate(file.family, start=1)),
    ):
        if value > most:
            raise ValueError(f"{where} must be at most {most:,}, got {value}")
    shards = -(-file.sweep.models // file.sweep.chunk)
    if shards > _MOST_SHARDS:
        raise ValueError(
            f"sweep.models = {file.sweep.models} in chunks of {file.sweep.chunk} are {shards:,} shards; "
            f"at most {_MOST_SHARDS:,} are made: raise sweep.chunk"
        )
    betas = tuple(_positive(value, "reward.betas") for value in file.reward.betas)
    steps = _steps(file.reward)
    reward = max(steps) * file.reward.levels / min(betas)
    if reward > _MOST_REWARD:
        raise ValueError(
            f"[reward]: levels x step / beta reaches {to_float(reward):.3g} nats; at most {_MOST_REWARD:,} are computed"
        )
    return Sweep(
        models=file.sweep.models,
        chunk=file.sweep.chunk,
        seed=file.sweep.seed,
        claims=_claims(file.sweep.claims),
        betas=betas,
        levels=file.reward.levels,
        steps=steps,
        corpus=file.corpus.size,
        band=_positive(file.corpus.band, "corpus.band"),
        families=tuple(_family(table) for table in file.family),
        adaptors=tuple(adaptor_entry(entry, number) for number, entry in enumerate(file.adaptor, start=1)),
        folder=output if output is not None else output_folder(file.output.folder, base),
    )


def _claims(names: Sequence[str] | None) -> tuple[str, ...]:
    """The claims that are asked for; by default every one that speaks of every finite model."""
    speaking = [claim.id for claim in everywhere()]
    strange = next((name for name in names or () if name not in speaking), None)
    if strange is not None:
        raise ValueError(
            f"sweep.claims: {strange!r} does not speak of every finite model; these do: {', '.join(sorted(speaking))}"
        )
    return tuple(speaking if names is None else names)


def _steps(table: SweepRewardTable) -> tuple[fmpq, ...]:
    """What each model draws its step from."""
    if table.step is not None and table.steps is not None:
        raise ValueError("[reward] has step and steps: write step for one, or steps for a list of which models draw")
    if table.steps is not None:
        return tuple(_positive(value, "reward.steps") for value in table.steps)
    return (_positive(_STEP if table.step is None else table.step, "reward.step"),)


def _positive(value: Number, where: str) -> fmpq:
    with located(where):
        found = rational(value)
    if not found > 0:
        raise ValueError(f"{where} must be > 0, got {value}")
    if not _LEAST_NUMBER <= found <= _MOST_NUMBER:
        raise ValueError(f"{where} must lie between 10^-9 and 10^9, got {value}")
    return found


def _family(table: StringsFamilyTable | TreeFamilyTable) -> Family:
    if isinstance(table, StringsFamilyTable):
        return Family(table.kind, tuple((size,) for size in table.strings), table.largest)
    tokens, depth = max(table.tokens), max(table.depth)
    prefixes = sum(tokens**k for k in range(depth + 1))
    if prefixes > _MOST_PREFIXES:
        raise ValueError(
            f"a family of trees of {tokens} tokens and depth {depth} has models of up to {prefixes:,} prefixes; "
            f"at most {_MOST_PREFIXES:,} are made"
        )
    return Family(table.kind, tuple(itertools.product(table.tokens, table.depth)), table.largest)


__all__ = ["Family", "Sweep", "read_sweep"]
