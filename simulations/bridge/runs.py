"""Run files: what to sample, from which models, after which prompts, by which adaptors. One line says what is wrong.

[models]
prior = "embedded:prior"         # a folder, a .gguf file, a hub id, embedded:prior, embedded:smollm2
aligned = "embedded:aligned"     # left out: p+ is the prior tilted by the reward (Gibbs)
dtype = "float32"                # or bfloat16, float16
device = "cpu"                   # by default a GPU if there is one
threads = 1                      # of torch on a CPU: part of the numbers' last bits
revision = "..."                 # of hub ids

[prompts]
texts = ["We must", "The"]       # or file = "prompts.txt", one a line
begin = true                     # the tokenizer's beginning-of-string token in front, if it has one

[sampling]
strings = 16                     # per prompt and adaptor
length = 40                      # tokens at most, the end included
seed = 1
rows = 128                       # strings per shard, written side by side
temperatures = ["1", "1/2"]      # each in front of each adaptor; by default 1 alone

[reward]
kind = "vader"                   # secret (default), vader, length, classifier, function
source = "..."                   # of a classifier, or module:function
label = "POSITIVE"               # of a classifier; by default its last one
beta = "1/4"                     # reward units per nat

[[adaptor]]                      # by default none: p+ itself
name = "nucleus"                 # or a list, left to right
value = "9/10"

[output]
folder = "runs/default"          # beside the run file
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from simulations.bridge.rewards import KINDS
from theory.adaptors.exact import Chain, chain
from theory.arithmetic.exact import rational

DTYPES = ("float32", "bfloat16", "float16")


class RunError(ValueError):
    """A run file that cannot be used; the message says where and what."""


@dataclass(frozen=True, slots=True)
class Run:
    """A run file, read and checked.

    Args:
        prior, aligned: names of models; aligned None for the Gibbs posterior of the prior.
        chains: the adaptors of each setting, left to right.
        folder: where the run is stored.
    """

    prior: str
    aligned: str | None
    dtype: str
    device: str | None
    threads: int
    revision: str | None
    prompts: tuple[str, ...]
    begin: bool
    strings: int
    length: int
    seed: int
    rows: int
    reward: str
    source: str | None
    label: str | None
    beta: str
    chains: tuple[Chain, ...]
    folder: Path

    def canonical(self) -> dict[str, Any]:
        """The fields that decide what is sampled, in plain values."""
        fields = {k: v for k, v in asdict(self).items() if k not in {"folder", "chains", "prompts"}}
        names = [[[step.name, str(step.value)] for step in steps] for steps in self.chains]
        return fields | {"prompts": list(self.prompts), "chains": names}


_TABLES: dict[str, dict[str, type | tuple[type, ...]]] = {
    "models": {
        "prior": str,
        "aligned": str,
        "dtype": str,
        "device": str,
        "threads": int,
        "revision": str,
    },
    "prompts": {"texts": list, "file": str, "begin": bool},
    "sampling": {"strings": int, "length": int, "seed": int, "rows": int, "temperatures": list},
    "reward": {"kind": str, "source": str, "label": str, "beta": (str, int, float)},
    "output": {"folder": str},
}


def read_run(path: Path, output: Path | None = None) -> Run:
    """The run file at a path.

    Args:
        path: of the run file.
        output: where to store the run instead of what the file says.

    Raises:
        RunError: it cannot be read, or something in it cannot be used.
    """
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise RunError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise RunError(f"{path}: is not UTF-8 text") from None
    except tomllib.TOMLDecodeError as error:
        raise RunError(f"{path}: not TOML: {error}") from None
    try:
        return _run(document, path.resolve().parent, output)
    except ValueError as error:
        raise RunError(f"{path}: {error}") from None


def _run(document: Mapping[str, Any], base: Path, output: Path | None) -> Run:
    tables = _checked_tables(document)
    models, sampling, reward = tables["models"], tables["sampling"], tables["reward"]
    if "prior" not in models:
        raise ValueError("[models] needs prior = ...")
    kind = reward.get("kind", "secret")
    if kind not in KINDS:
        raise ValueError(f"[reward] kind must be one of {', '.join(KINDS)}, got {kind!r}")
    if "aligned" not in models and kind == "secret":
        raise ValueError("without [models] aligned = ... p+ is the prior tilted by a reward: name one in [reward] kind")
    if models.get("dtype", "float32") not in DTYPES:
        raise ValueError(f"[models] dtype must be one of {', '.join(DTYPES)}, got {models['dtype']!r}")
    beta = rational(reward.get("beta", "1"))
    if not beta > 0:
        raise ValueError(f"[reward] beta must be > 0, got {beta}")
    chains = _chains(document.get("adaptor", []), sampling.get("temperatures", ["1"]))
    if "aligned" not in models and chains != ((),):
        raise ValueError("adaptors need next-token laws of p+; the Gibbs posterior of a prior has none: leave them out")
    return Run(
        prior=models["prior"],
        aligned=models.get("aligned"),
        dtype=models.get("dtype", "float32"),
        device=models.get("device"),
        threads=_threads(models.get("threads", 1)),
        revision=models.get("revision"),
        prompts=_prompts(tables["prompts"], base),
        begin=tables["prompts"].get("begin", True),
        strings=_at_least("[sampling] strings", sampling.get("strings", 16), 2),
        length=_at_least("[sampling] length", sampling.get("length", 40), 1),
        seed=_at_least("[sampling] seed", sampling.get("seed", 1), 0),
        rows=_at_least("[sampling] rows", sampling.get("rows", 128), 1),
        reward=kind,
        source=reward.get("source"),
        label=reward.get("label"),
        beta=str(beta),
        chains=chains,
        folder=output if output is not None else output_folder(tables["output"], base),
    )


def _checked_tables(document: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Every table, known keys of known types only."""
    for name in document:
        if name not in _TABLES and name != "adaptor":
            raise ValueError(f"unknown table [{name}]; known: {', '.join([*_TABLES, 'adaptor'])}")
    tables: dict[str, dict[str, Any]] = {}
    for name, known in _TABLES.items():
        table = document.get(name, {})
        if not isinstance(table, dict):
            raise ValueError(f"[{name}] must be a table")
        for key, value in table.items():
            if key not in known:
                raise ValueError(f"[{name}] has no key {key!r}; known: {', '.join(known)}")
            wanted = known[key]
            if not isinstance(value, wanted) or (isinstance(value, bool) and wanted is not bool):
                raise ValueError(f"[{name}] {key} = {value!r} is of the wrong type")
        tables[name] = table
    return tables


def _at_least(name: str, value: int, least: int) -> int:
    if value < least:
        raise ValueError(f"{name} must be at least {least}, got {value}")
    return value


def _threads(value: int) -> int:
    if value > 4096:
        raise ValueError(f"[models] threads must be at most 4096, got {value}")
    return _at_least("[models] threads", value, 1)


def _prompts(table: Mapping[str, Any], base: Path) -> tuple[str, ...]:
    if ("texts" in table) == ("file" in table):
        raise ValueError("[prompts] needs either texts = [...] or file = ..., and not both")
    if "texts" in table:
        found = table["texts"]
        if not all(isinstance(text, str) for text in found):
            raise ValueError("[prompts] texts must be strings")
    else:
        path = base / table["file"]
        try:
            found = [line for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
        except OSError as error:
            raise ValueError(f"[prompts] file {path}: cannot be read: {error.strerror}") from None
        except UnicodeDecodeError:
            raise ValueError(f"[prompts] file {path}: is not UTF-8 text") from None
    if not found:
        raise ValueError("[prompts] holds no prompt")
    twice = next((text for k, text in enumerate(found) if text in found[:k]), None)
    if twice is not None:
        raise ValueError(f"[prompts] {twice!r} occurs twice")
    return tuple(found)


def _chains(entries: Any, temperatures: Any) -> tuple[Chain, ...]:
    """Every temperature in front of every adaptor; a temperature of 1 is left out."""
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise ValueError("adaptors are given as [[adaptor]] tables")
    behind: list[Chain] = []
    for number, entry in enumerate(entries, start=1):
        extra = next((key for key in entry if key not in {"name", "value"}), None)
        if extra is not None:
            raise ValueError(f"adaptor {number}: no key {extra!r}; known: name, value")
        names, values = (v if isinstance(v, list) else [v] for v in (entry.get("name", []), entry.get("value", [])))
        if len(names) != len(values):
            raise ValueError(f"adaptor {number}: {len(names)} names but {len(values)} values")
        try:
            behind.append(chain(*zip(names, values, strict=True)))
        except (ValueError, TypeError, AttributeError) as error:
            raise ValueError(f"adaptor {number}: {error}") from None
    if not temperatures:
        raise ValueError('[sampling] temperatures must name one; leave them out for "1"')
    found: list[Chain] = []
    for value in temperatures:
        try:
            front = chain(("temperature", value)) if rational(value) != 1 else Chain()
        except (ValueError, TypeError, AttributeError) as error:
            raise ValueError(f"[sampling] temperatures: {error}") from None
        found += [Chain((*front, *steps)) for steps in (behind or [Chain()])]
    twice = next((steps for k, steps in enumerate(found) if steps in found[:k]), None)
    if twice is not None:
        raise ValueError(f"the adaptor {describe(twice)} is listed twice")
    return tuple(found)


def output_folder(table: Mapping[str, Any], base: Path) -> Path:
    """The folder that [output] names, below the file that names it.

    Raises:
        ValueError: it names none, or one elsewhere.
    """
    if "folder" not in table:
        raise ValueError("[output] needs folder = ..., or use --output")
    folder: Path = (base / table["folder"]).resolve()
    if not folder.is_relative_to(base) or folder == base:
        raise ValueError(f"[output] folder {table['folder']!r} must lie below {base}; use --output for another place")
    return folder


def describe(steps: Chain) -> str:
    """A chain in words: "T = 1/2, nucleus 9/10"; "p+" for none."""
    words = [f"T = {s.value}" if s.name == "temperature" else f"{s.name} {s.value}" for s in steps]
    return ", ".join(words) or "p+"


__all__ = ["Run", "RunError", "describe", "output_folder", "read_run"]
