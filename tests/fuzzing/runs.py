"""Run files at random, on a pair of tiny models: ``probqual sample`` stores a whole run, or refuses in one line."""

from __future__ import annotations

import functools
import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import huggingface_hub.constants
from hypothesis import strategies as st

from simulations.bridge import adapters
from simulations.bridge.models import LoadedModel, load
from simulations.bridge.runs import Run, read_run
from simulations.bridge.session import Session
from simulations.bridge.store import Store
from tests.fuzzing.making import NASTY, PATHS, files
from tests.fuzzing.specifications import SHARES, VALUES
from tests.fuzzing.watching import Seen, invoked
from tests.simulations.bridge.making import pair
from theory.adaptors.exact import ADAPTORS

_MODELS = ("prior", "aligned", "model.gguf", "embedded:prior", "embedded:nobody", "nobody/nothing", "prior/config.json")
_NUMBERS = st.sampled_from(("1", "1/2", "1/4", "1/1000", "7/3", 0.1, 2, 100, "1e-9", "1e9", "1e-4000"))
_WHOLE = st.sampled_from((*(2, 3, 4, 8) * 3, 1, 64, 10**4, 10**6, 10**9, 10**15))

_MOST_TOKENS = 200
"""Of all strings of a run that is made; of a larger one the models are loaded and the store is opened."""

_held: list[tempfile.TemporaryDirectory[str]] = []


@functools.cache
def models() -> Path:
    """A folder with a prior and an aligned model; it goes with this process."""
    _held.append(tempfile.TemporaryDirectory())
    folder = Path(_held[0].name)
    pair(folder)
    (folder / "model.gguf").write_bytes(b"GGUF" + bytes(60))
    return folder


@functools.cache
def _loaded(path: Path, named: tuple[tuple[str, Any], ...]) -> LoadedModel:
    return load(str(path), **dict(named))


def _load(name: str, **named: Any) -> LoadedModel:
    """One of the tiny pair is read once; a decoder is every run's own."""
    if name not in {"prior", "aligned"}:
        return load(name, **named)
    kept = {key: value for key, value in named.items() if key != "base"}
    found = _loaded(models() / name, tuple(kept.items()))
    return replace(found, decoder=replace(found.decoder))


@contextmanager
def offline() -> Iterator[None]:
    """Without asking the hub, and without reading the tiny pair again for every input."""
    with patch.object(huggingface_hub.constants, "HF_HUB_OFFLINE", True), patch.object(adapters, "load", _load):
        yield


@st.composite
def documents(draw: Any) -> dict[str, Any]:
    """Run files that are well formed; their numbers may be extreme, and some cannot be used."""
    name = st.sampled_from((*_MODELS[:2] * 20, *_MODELS))
    table = {"prior": draw(name), "device": "cpu"}
    if draw(st.integers(0, 9)):
        table["aligned"] = draw(name)
    optional = {
        "dtype": st.sampled_from(["float32", "float32", "bfloat16", "float16"]),
        "threads": st.sampled_from([*[1] * 9, 2]),
        "revision": st.sampled_from(["main", ""]),
        "end": st.lists(st.sampled_from([0, *[1, 2, 5] * 4, 6, 10**18]), min_size=1, max_size=2),
    }
    found: dict[str, Any] = {"models": table | draw(st.fixed_dictionaries({}, optional=optional))}
    one = st.sampled_from([*["a", "b", "c d", "a b c", "a ", "z"] * 4, "", "\u2028"])
    texts = st.lists(one, min_size=1, max_size=3, unique=True)
    found["prompts"] = draw(
        st.fixed_dictionaries({"texts": texts}, optional={"begin": st.booleans()})
        | st.just({"file": "p.txt"})
        | st.just({"file": "p.jsonl", "begin": True})
    )
    sampling = {"strings": _WHOLE, "length": _WHOLE, "seed": _WHOLE, "rows": _WHOLE}
    sampling["temperatures"] = st.lists(_NUMBERS, min_size=1, max_size=2, unique=True)
    found["sampling"] = {"strings": 2, "length": 3} | draw(st.fixed_dictionaries({}, optional=sampling))
    reward = {"reads": st.sampled_from(["text", "completion"]), "beta": _NUMBERS}
    kinds = st.sampled_from([*[{"kind": k} for k in ("secret", "vader", "length")] * 5, *_SOURCES])
    found["reward"] = draw(kinds) | draw(st.fixed_dictionaries({}, optional=reward))
    found["adaptor"] = draw(st.lists(_adaptors(), max_size=2))
    found["output"] = {"folder": draw(st.sampled_from(["out"] * 9 + ["a/b", "é", "out ", "run.toml"]))}
    return found


_SOURCES = (
    {"kind": "function", "source": "fuzzed:long"},
    {"kind": "function", "source": "fuzzed:fails"},
    {"kind": "function", "source": "nobody:long"},
    {"kind": "classifier", "source": "prior"},
    {"kind": "classifier", "source": "nobody"},
)


@st.composite
def _adaptors(draw: Any) -> dict[str, Any]:
    names = draw(st.lists(st.sampled_from(ADAPTORS), max_size=2))
    values = [draw(st.sampled_from(VALUES.get(name, SHARES))) for name in names]
    return {"name": names[0], "value": values[0]} if len(names) == 1 else {"name": names, "value": values}


FILES = files(documents(), (*NASTY, *PATHS), valid=2, wrong=3)


def _tokens(run: Run) -> int:
    """Of all strings, at most."""
    return len(run.prompts) * len(run.chains) * run.strings * run.length


def _laid_out(text: str, folder: Path) -> Path:
    """The run file, with the models, prompts and reward that it may name beside it."""
    for name in ("prior", "aligned", "model.gguf"):
        (folder / name).symlink_to(models() / name)
    (folder / "p.txt").write_text("a\nb c\n", "utf-8")
    (folder / "p.jsonl").write_text('{"prompt": "a"}\n{"ids": [2, 3]}\n', "utf-8")
    (folder / "fuzzed.py").write_text("def long(text): return len(text)\ndef fails(text): return None\n", "utf-8")
    (folder / "run.toml").write_bytes(text.encode("utf-8", errors="surrogatepass"))
    return folder / "run.toml"


def check(text: str, folder: Path, seen: Seen) -> None:
    """Exit 0 with every shard there and what the prior rules out counted, or 2 with one line and no run begun."""
    path = _laid_out(text, folder)
    before = sorted(one.name for one in folder.iterdir())
    try:
        run = read_run(path)
    except ValueError:
        run = None
    with offline():
        if run is not None and _tokens(run) > _MOST_TOKENS:
            try:
                Session.open(path, None)
            except (ValueError, OSError):
                seen.statuses[2] += 1
            else:
                seen.statuses[0] += 1
            return
        result = invoked(seen, text, "sample", path)
    assert result.exit_code in {0, 2}, result.output
    if run is None:
        assert result.exit_code == 2, result.output
        assert sorted(one.name for one in folder.iterdir() if one.name != "__pycache__") == before
        return
    if result.exit_code == 0:
        store = Store.existing(run.folder)
        assert store.missing() == []
        rows = [row for shard in range(store.shards) for row in store.read(shard).to_pylist()]
        assert len(rows) == len(run.prompts) * len(run.chains) * run.strings
        assert all(len(row["tokens"]) <= run.length for row in rows)
        found = json.loads((run.folder / "key.json").read_text("utf-8"))["run"]["prompts"]
        assert run.kinds or found == list(run.prompts)
