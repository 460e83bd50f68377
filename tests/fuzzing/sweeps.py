"""Sweep files at random: ``probqual sweep`` counts, or refuses in one line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from simulations.sweep.plan import Sweep, read_sweep
from tests.fuzzing.making import NASTY, PATHS, files
from tests.fuzzing.specifications import SHARES, VALUES
from tests.fuzzing.watching import Seen, invoked
from theory.adaptors.exact import ADAPTORS
from theory.arithmetic.exact import to_float
from theory.claims.registry import everywhere

_CLAIMS = tuple(claim.id for claim in everywhere())
_NUMBERS = st.sampled_from(("1", "1/2", "1/4", "1/1000", "1e-9", "1e9", "7/3", 0.1, 2))
_WHOLE = st.sampled_from((1, 1, 2, 3, 7, 12, 100, 10**4, 10**6, 10**9, 10**15))

_MOST_STRINGS = 40
"""In all models of a sweep that is run; a larger one is read and not run: its work is asked for, not hidden."""


_DECIDED = 1000
"""Nats between two rewards up to which every claim is decided."""


def _few(values: st.SearchStrategy[Any], least: int = 1) -> st.SearchStrategy[list[Any]]:
    return st.lists(values, min_size=least, max_size=3)


@st.composite
def _families(draw: Any) -> dict[str, Any]:
    kind = draw(st.sampled_from(["table", "zipf", "tree"]))
    if kind == "tree":
        sizes = {"tokens": draw(_few(st.integers(2, 3))), "depth": draw(_few(st.integers(1, 2)))}
    else:
        sizes = {"strings": draw(_few(st.sampled_from([2, 2, 3, 5, 8, 100, 1 << 16])))}
    return {"kind": kind, **sizes, **draw(st.sampled_from([{}, {"largest": 1}, {"largest": 3}, {"largest": 10**9}]))}


@st.composite
def _adaptors(draw: Any) -> dict[str, Any]:
    names = draw(st.lists(st.sampled_from(ADAPTORS), min_size=1, max_size=2))
    values = [draw(st.sampled_from(VALUES.get(name, SHARES))) for name in names]
    entry = {"name": names, "value": values} if len(names) > 1 else {"name": names[0], "value": values[0]}
    return entry | draw(st.sampled_from([{}, {"normalise": "global"}, {"normalise": "local"}]))


@st.composite
def documents(draw: Any) -> dict[str, Any]:
    """Sweep files that are well formed; their numbers may be extreme, and some cannot be used."""
    found: dict[str, Any] = {"sweep": {"models": draw(st.sampled_from([1, 2, 3, 3, 10**4, 10**9, 10**12]))}}
    found["sweep"] |= draw(st.fixed_dictionaries({}, optional={"chunk": _WHOLE, "seed": _WHOLE}))
    if draw(st.booleans()):
        found["sweep"]["claims"] = draw(_few(st.sampled_from(_CLAIMS)))
    reward = {"betas": _few(_NUMBERS), "levels": _WHOLE}
    found["reward"] = draw(st.fixed_dictionaries({}, optional=reward))
    found["reward"] |= draw(st.sampled_from([{}, {"step": draw(_NUMBERS)}, {"steps": draw(_few(_NUMBERS))}]))
    if draw(st.booleans()):
        found["corpus"] = draw(st.fixed_dictionaries({}, optional={"size": _WHOLE, "band": _NUMBERS}))
    found["family"] = draw(st.lists(_families(), min_size=1, max_size=2))
    found["adaptor"] = draw(st.lists(_adaptors(), max_size=2))
    found["output"] = {"folder": draw(st.sampled_from(["out"] * 9 + ["a/b", "é", "out ", "sweep.toml"]))}
    return found


FILES = files(documents(), (*NASTY, *PATHS), valid=3, wrong=2)


def _strings(sweep: Sweep) -> int:
    """In all models, at most."""
    counts = [s[0] if f.kind != "tree" else (s[0] + 1) ** s[1] for f in sweep.families for s in f.sizes]
    return sweep.models * max(counts)


def _gap(sweep: Sweep) -> float:
    """The largest reward, nats."""
    return to_float(max(sweep.steps) * sweep.levels / min(sweep.betas))


def check(text: str, folder: Path, seen: Seen) -> None:
    """Exit 0 with a count of every claim, 2 with one line and nothing written; no valid sweep dies."""
    file, out = folder / "sweep.toml", folder / "out.json"
    file.write_bytes(text.encode("utf-8", errors="surrogatepass"))
    try:
        sweep = read_sweep(file)
    except ValueError:
        sweep = None
    if sweep is not None and _strings(sweep) > _MOST_STRINGS:
        seen.statuses[0] += 1
        return
    result = invoked(seen, text, "sweep", file, "--jobs", "1", "--json", out)
    if sweep is None:
        assert result.exit_code == 2, result.output
        assert sorted(path.name for path in folder.iterdir()) == ["sweep.toml"]
        return
    if result.exit_code == 2:  # a folder that cannot be made
        assert not out.exists()
        return
    assert result.exit_code == 0, result.output
    found = json.loads(out.read_text(encoding="utf-8"))
    assert found["models"] == sweep.models
    for claim in found["claims"]:
        assert claim["fails"] == 0
        assert claim["holds"] + claim["silent"] + claim["undecided"] == sweep.models
        assert claim["undecided"] == 0 or _gap(sweep) > _DECIDED, f"{claim['id']} is undecided"
