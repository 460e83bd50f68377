"""Recipes of preference training: what an adapter is trained from, for which reward, and how long.

[base]
model = "embedded:smollm2"       # the prior, which is also the reference; as in a run file
threads = 1                      # of torch: part of the numbers' last bits

[prompts]
train = "prompts.txt"            # one a line, beside this file; each is used once a round
held_out = "held_out.txt"        # for measuring alone

[strings]
length = 32                      # tokens at most, the end included; a string that is cut is a prefix event
seed = 1
rounds = 5                       # of two strings of every prompt; training goes through them again and again
rows = 64                        # written side by side
held_out = 8                     # strings of a held-out prompt, under the prior and under the aligned model

[reward]
kind = "vader"                   # as in a run file
reads = "completion"
beta = "1/4"                     # of the Bradley-Terry law, reward units per nat

[adapter]
rank = 8
alpha = 16
modules = ["v_proj", "o_proj", "down_proj"]
layers = [20, 29]                # from the first to the last, from 0; by default all

[training]
steps = 250
pairs = 8                        # prompts of a step, two strings each
rate = 5e-4                      # peak; it rises over a tenth of the steps and falls to 0 along a cosine
seed = 1
labels = "expected"              # the loss in expectation over the Bradley-Terry law; or "drawn": one draw a pair
checkpoints = [80]               # adapters that are kept on the way: weaker ones
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from simulations.bridge.prompts import first_twice, read_prompts
from simulations.bridge.rewards import Reads, RewardKind
from theory.arithmetic.exact import rational
from theory.files import JsonObject, sha256, write_whole
from theory.specification.reader import Number, read_document
from theory.specification.tables import Table, Wording, read_as

EMBEDDED = Path(str(resources.files("simulations"))) / "data" / "smollm2"
"""Where the recipes and adapters that come with the package lie."""

FAMILY = "smollm2"
"""What their names begin with: smollm2-vader is the recipe vader.toml. The name alone is the first of them."""

_RECIPE_FILE = Wording("unknown table [{}]", key="[{}] {}")


class BaseTable(Table):
    """[base]."""

    model: str
    threads: int = Field(default=1, ge=1, le=4096)


class PromptsTable(Table):
    """[prompts]."""

    train: str
    held_out: str


class StringsTable(Table):
    """[strings]."""

    length: int = Field(default=32, ge=1, le=1 << 16)
    seed: int = Field(default=1, ge=0, le=(1 << 32) - 1)
    rounds: int = Field(default=1, ge=1, le=1 << 16)
    rows: int = Field(default=64, ge=2, le=1 << 16)
    held_out: int = Field(default=8, ge=2, le=1 << 16)


class RewardTable(Table):
    """[reward]."""

    kind: RewardKind
    source: str | None = None
    label: str | None = None
    reads: Reads = "completion"
    beta: Number


_LAYERS = " must be the first and the last layer, counted from 0, got {!r}"


class AdapterTable(Table):
    """[adapter]."""

    rank: int = Field(default=8, ge=1, le=1 << 16)
    alpha: int = Field(default=16, ge=1, le=1 << 16)
    modules: list[str] = Field(min_length=1, description=" must be a list of names of layers, got {!r}")
    layers: list[Annotated[int, Field(ge=0, description=_LAYERS)]] | None = Field(
        default=None, min_length=2, max_length=2, description=_LAYERS
    )


class TrainingTable(Table):
    """[training]."""

    steps: int = Field(ge=1, le=1 << 24)
    pairs: int = Field(default=8, ge=1, le=1 << 16)
    rate: float = Field(gt=0, le=1, description=" must be a number above 0 and at most 1, got {!r}")
    seed: int = Field(default=1, ge=0, le=(1 << 32) - 1)
    labels: Literal["expected", "drawn"] = "expected"
    checkpoints: list[int] = Field(default_factory=list, description=" must be a list of steps, got {!r}")


class RecipeFile(Table):
    """A recipe, as it is written."""

    base: BaseTable = Field(title="; it needs model = ...")
    prompts: PromptsTable
    strings: StringsTable = Field(default_factory=StringsTable)
    reward: RewardTable
    adapter: AdapterTable
    training: TrainingTable


@dataclass(frozen=True, slots=True)
class Recipe:
    """A recipe, read and checked.

    Args:
        file: its tables.
        beta: reward units per nat.
        prompts: to train on.
        held_out: to measure on; none of them is among ``prompts``.
        folder: of the recipe, where paths are looked up.
    """

    file: RecipeFile
    beta: float
    prompts: tuple[str, ...]
    held_out: tuple[str, ...]
    folder: Path

    def strings_key(self) -> JsonObject:
        """What decides the strings of the prior, besides the models and the libraries."""
        own = self.file
        return {
            "model": own.base.model,
            "threads": own.base.threads,
            "length": own.strings.length,
            "seed": own.strings.seed,
            "rows": own.strings.rows,
            "held_out": own.strings.held_out,
            "prompts": sha256("\n".join(self.prompts)),
            "held_out_prompts": sha256("\n".join(self.held_out)),
        }

    def key(self) -> JsonObject:
        """What decides the adapter, besides the models and the libraries."""
        tables: JsonObject = self.file.model_dump(mode="json", exclude={"prompts", "base", "strings"})
        return tables | {"strings": self.strings_key(), "rounds": self.file.strings.rounds}


def read_recipe(path: Path) -> Recipe:
    """The recipe at a path.

    Raises:
        ValueError: it cannot be read, or something in it cannot be used; names the file and the element.
    """
    try:
        file = read_as(RecipeFile, read_document(path), _RECIPE_FILE)
        folder = path.resolve().parent
        if file.reward.kind in {"secret", "column"}:
            raise ValueError(f"[reward] kind {file.reward.kind}: preferences need a reward of texts")
        beta = float(rational(file.reward.beta))
        if not 1e-9 <= beta <= 1e9:
            raise ValueError(f"[reward] beta must lie between 10^-9 and 10^9, got {file.reward.beta}")
        outside = next((k for k in file.training.checkpoints if not 1 <= k < file.training.steps), None)
        if outside is not None:
            raise ValueError(f"[training] checkpoints: {outside} is no step before the last, {file.training.steps}")
        train, held_out = (_texts(folder, name) for name in (file.prompts.train, file.prompts.held_out))
        both = next((text for text in held_out if text in set(train)), None)
        if both is not None:
            raise ValueError(f"[prompts] {both!r} is among both; prompts to measure on must not be trained on")
        if len(train) < file.training.pairs:
            raise ValueError(f"[training] pairs = {file.training.pairs}: there are only {len(train)} prompts to train")
        return Recipe(file, beta, train, held_out, folder)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None


def _texts(folder: Path, name: str) -> tuple[str, ...]:
    found = read_prompts(folder / name)
    other = next((one for one in found if one.kind != "prompt"), None)
    if other is not None:
        raise ValueError(f"[prompts] {name}: {other.given[:60]!r} is no text")
    twice = first_twice(found)
    if twice is not None:
        raise ValueError(f"[prompts] {name}: {twice.given!r} occurs twice")
    return tuple(one.given for one in found)


def keep_key(path: Path, key: JsonObject, what: str) -> None:
    """Begin a folder by writing what decides its content, or refuse to go on with other content.

    Args:
        path: of the file that holds the key, in the folder.
        key: by names.
        what: the folder holds, for the message: "strings".

    Raises:
        ValueError: the folder was begun otherwise; names what differs.
        OSError: it cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.is_file():
        write_whole(path, json.dumps(key, indent=2) + "\n", durable=True)
        return
    there = json.loads(path.read_text(encoding="utf-8"))
    other = next((name for name in key if there.get(name) != key[name]), None)
    if other is not None:
        raise ValueError(f"{path.parent}: holds {what} whose {other} differs; name another folder")


__all__ = ["EMBEDDED", "FAMILY", "Recipe", "keep_key", "read_recipe"]
