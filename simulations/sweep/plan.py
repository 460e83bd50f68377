"""Sweep files: which random models, which adaptors, which claims. One line says what is wrong.

[sweep]
models = 100000
chunk = 500                         # models per shard
seed = 1
claims = ["adaptors.exchange"]      # by default every claim that speaks of every finite model

[reward]
betas = ["1/2", "1", "2"]           # reward units per nat
levels = 12                         # r is one of 0, step, 2 step, ..., levels step
step = "1/4"

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

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flint import fmpq

from simulations.bridge.runs import output_folder
from theory.arithmetic.exact import rational
from theory.claims.registry import everywhere
from theory.specification.reader import AdaptorEntry, adaptor_entry, located, read_document, refuse_unknown


@dataclass(frozen=True, slots=True)
class Family:
    """Random priors of one kind.

    Args:
        kind: "table", "zipf" or "tree".
        sizes: of a table, the numbers of strings; of a tree, every (tokens, depth). One is drawn for each model.
        largest: integer weights are 1..largest.
    """

    kind: str
    sizes: tuple[tuple[int, ...], ...]
    largest: int


@dataclass(frozen=True, slots=True)
class Sweep:
    """A sweep file, read and checked."""

    models: int
    chunk: int
    seed: int
    claims: tuple[str, ...]
    betas: tuple[fmpq, ...]
    levels: int
    step: fmpq
    corpus: int
    band: fmpq
    families: tuple[Family, ...]
    adaptors: tuple[AdaptorEntry, ...]
    folder: Path

    @property
    def shards(self) -> int:
        """How many chunks there are."""
        return -(-self.models // self.chunk)

    def of_shard(self, shard: int) -> range:
        """The numbers of the models in a shard."""
        return range(shard * self.chunk, min(self.models, (shard + 1) * self.chunk))

    def canonical(self) -> dict[str, Any]:
        """The fields that decide what comes out, in plain values."""
        return {
            "models": self.models,
            "chunk": self.chunk,
            "seed": self.seed,
            "claims": list(self.claims),
            "betas": [str(beta) for beta in self.betas],
            "levels": self.levels,
            "step": str(self.step),
            "corpus": self.corpus,
            "band": str(self.band),
            "families": [[f.kind, [list(size) for size in f.sizes], f.largest] for f in self.families],
            "adaptors": [[entry.name, entry.value, entry.normalise] for entry in self.adaptors],
        }


def read_sweep(path: Path, output: Path | None = None) -> Sweep:
    """The sweep file at a path.

    Args:
        path: of the sweep file.
        output: where to store it instead of what the file says.

    Raises:
        SpecificationError: it cannot be read, or something in it cannot be used; a ValueError.
    """
    with located(str(path)):
        document = read_document(path)
        try:
            return _sweep(document, path.resolve().parent, output)
        except (TypeError, AttributeError) as error:  # rational() of a list, say
            raise ValueError(f"a value is of the wrong type: {error}") from None


def _sweep(document: Mapping[str, Any], base: Path, output: Path | None) -> Sweep:
    refuse_unknown(document, {*_KNOWN, "family", "adaptor"}, "the sweep file")
    sweep, reward, corpus, where = (_table(document, name, known) for name, known in _KNOWN.items())
    speaking = [claim.id for claim in everywhere()]
    claims, known = _listed(sweep, "claims", speaking, "sweep"), set(speaking)
    strange = next((name for name in claims if name not in known), None)
    if strange is not None:
        raise ValueError(
            f"sweep.claims: {strange!r} does not speak of every finite model; these do: {', '.join(sorted(known))}"
        )
    entries = document.get("adaptor", [])
    if not isinstance(entries, list):
        raise ValueError("adaptor must be an array of tables, written [[adaptor]]")
    return Sweep(
        models=_whole(sweep, "models", None, 1, "sweep"),
        chunk=_whole(sweep, "chunk", 500, 1, "sweep"),
        seed=_whole(sweep, "seed", 1, 0, "sweep"),
        claims=tuple(claims),
        betas=tuple(_positive(v, "reward.betas") for v in _listed(reward, "betas", ["1"], "reward")),
        levels=_whole(reward, "levels", 12, 1, "reward"),
        step=_positive(reward.get("step", "1/4"), "reward.step"),
        corpus=_whole(corpus, "size", 100, 2, "corpus"),
        band=_positive(corpus.get("band", "1/2"), "corpus.band"),
        families=_families(document.get("family", [])),
        adaptors=tuple(adaptor_entry(entry, number) for number, entry in enumerate(entries, start=1)),
        folder=output if output is not None else output_folder(where, base),
    )


_KNOWN = {
    "sweep": {"models", "chunk", "seed", "claims"},
    "reward": {"betas", "levels", "step"},
    "corpus": {"size", "band"},
    "output": {"folder"},
}


def _table(document: Mapping[str, Any], name: str, known: set[str]) -> Mapping[str, Any]:
    table = document.get(name, {})
    if not isinstance(table, dict):
        raise ValueError(f"[{name}] must be a table")
    refuse_unknown(table, known, f"[{name}]")
    return table


def _whole(table: Mapping[str, Any], key: str, default: int | None, least: int, where: str) -> int:
    value = table.get(key, default)
    if value is None:
        raise ValueError(f"{where}.{key} is missing")
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise ValueError(f"{where}.{key} must be an integer of at least {least}, got {value!r}")
    return value


def _listed(table: Mapping[str, Any], key: str, default: list[Any], where: str) -> list[Any]:
    value = table.get(key, default)
    if not isinstance(value, list) or not value:
        raise ValueError(f"{where}.{key} must be a list that is not empty, got {value!r}")
    return value


def _positive(value: Any, where: str) -> fmpq:
    try:
        found = rational(value)
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from None
    if not found > 0:
        raise ValueError(f"{where} must be > 0, got {value}")
    return found


_SIZES = {"table": ("strings",), "zipf": ("strings",), "tree": ("tokens", "depth")}
_LEAST = {"strings": 2, "tokens": 2, "depth": 1}
_MOST = {"strings": 1 << 16, "tokens": 8, "depth": 16}


def _families(entries: Any) -> tuple[Family, ...]:
    if not isinstance(entries, list) or not entries:
        raise ValueError("a sweep needs a family of models, written [[family]]")
    found = []
    for number, entry in enumerate(entries, start=1):
        where = f"family {number}"
        if not isinstance(entry, dict) or entry.get("kind") not in _SIZES:
            raise ValueError(f"{where}: kind must be one of {', '.join(_SIZES)}")
        names = _SIZES[entry["kind"]]
        refuse_unknown(entry, {"kind", "largest", *names}, where)
        sizes: list[tuple[int, ...]] = [()]
        for name in names:
            values = _listed(entry, name, [], where)
            for value in values:
                if not isinstance(value, int) or isinstance(value, bool) or not _LEAST[name] <= value <= _MOST[name]:
                    raise ValueError(f"{where}.{name}: {value!r} is not in {_LEAST[name]}..{_MOST[name]}")
            sizes = [(*size, value) for size in sizes for value in values]
        found.append(Family(entry["kind"], tuple(sizes), _whole(entry, "largest", 12, 1, where)))
    return tuple(found)


__all__ = ["Family", "Sweep", "read_sweep"]
