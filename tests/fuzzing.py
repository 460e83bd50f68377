"""Specification files at random, valid, extreme and broken: ``probqual exact`` answers, or refuses in one line.

    python -m tests.fuzzing --inputs 20000

runs as many as wanted in this process and reports the exit statuses, the slowest input and the largest memory;
``tests/probqual/test_fuzz.py`` runs some hundred.
"""

from __future__ import annotations

import argparse
import json
import math
import resource
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from probqual.command_line import app
from theory.adaptors.exact import ADAPTORS

MOST_SECONDS, MOST_BYTES = 10.0, 1 << 30

# --- documents ----------------------------------------------------------------------------------------------------

NASTY: tuple[Any, ...] = (
    *("", " ", "0", "-1", "1/0", "nan", "inf", "-inf", "1e-4000", "1e4000", "1e9999", "0x1", "1_0", "1/3 ", "\u2028"),
    *("\x00", "\x1b", "é" * 50, "9" * 4001, 0, -1, 1, 2, True, False, 10**18, 10**30, -(10**30), 10**4000),
    *(0.0, -0.0, 5e-324, 1e308, -1e308, math.inf, -math.inf, math.nan, 0.1),
    *([], [[]], ["1/2"], [0.5, 0.5], {}, {"a": 1}, {"": []}, "a", "a b", "temperature", "table", "local", ["table"]),
)
BETAS = ("1", "1/2", "1/10", "1/1000", "1e-6", "1e-12", "1000", "1e9", 0.3)
REWARDS = st.one_of(
    st.integers(-4, 4),
    st.integers(-40, 40).map(lambda k: f"{k}/7"),
    st.sampled_from(["-inf", "18", "-3000", "1e6", 0.5]),
)
SIZES = (1, 2, 3, 10, 100, 2000, 10**4, 10**6, 10**9, 10**12, 10**15, 10**18)
BANDS = ("1/20", "1/3", "1", "5", "1/1000", "1e-6", "1e-40", "1e40", 0.25)
VALUES = {
    "temperature": ("1/2", "1", "3/2", "1/1000", "1000", "1e-9", "1e9", 0.7, 2),
    "top_k": (1, 2, 3, 10**9),
}
SHARES = ("1", "1/2", "9/10", "1/1000", "1e-30", 0.95, "1/3")


def _laws(size: int) -> st.SearchStrategy[list[Any]]:
    weights = st.lists(st.sampled_from([1, 1, 2, 3, 7, 12, 0, 10**6, 10**40]), min_size=size, max_size=size)
    return weights.filter(any).map(lambda row: [f"{w}/{sum(row)}" for w in row])


@st.composite
def _adaptors(draw: Any) -> dict[str, Any]:
    names = draw(st.lists(st.sampled_from(ADAPTORS), min_size=1, max_size=2))
    values = [draw(st.sampled_from(VALUES.get(name, SHARES))) for name in names]
    one = len(names) == 1
    entry = {"name": names[0] if one else names, "value": values[0] if one else values}
    return entry | draw(st.sampled_from([{}, {"normalise": "global"}, {"normalise": "local"}]))


@st.composite
def _tables(draw: Any) -> dict[str, Any]:
    size = draw(st.integers(1, 7))
    prior = {"kind": "table", "strings": [f"y{k}" for k in range(size)], "probs": draw(_laws(size))}
    rewards = draw(st.lists(REWARDS, min_size=size, max_size=size))
    if draw(st.booleans()):
        return {"prior": prior, "reward": {"beta": draw(st.sampled_from(BETAS)), "values": rewards}}
    values = draw(st.lists(st.sampled_from(["1", "2", "1/3", "0", "1e300", 7]), min_size=size, max_size=size))
    return {"prior": prior, "reward": {"exp_values": values}}


@st.composite
def _trees(draw: Any) -> dict[str, Any]:
    rows: dict[str, Any] = {"": draw(_laws(3))}
    for prefix, place in (("a", 0), ("b", 1)):
        if not rows[""][place].startswith("0/") and draw(st.booleans()):
            rows[prefix] = draw(_laws(3))
    reward = {"beta": draw(st.sampled_from(BETAS)), "token": {"a": draw(REWARDS)}, "string": {"b": draw(REWARDS)}}
    return {"prior": {"kind": "tree", "alphabet": ["a", "b"], "next": rows}, "reward": reward}


@st.composite
def _automata(draw: Any) -> dict[str, Any]:
    states = draw(st.integers(1, 3))
    stop, arcs = [], []
    for state in range(states):
        *going, last = draw(_laws(3))
        stop.append(last)
        for token, prob in zip("ab", going, strict=True):
            target = draw(st.integers(0, states - 1))
            arc = {"from": state, "to": target, "token": token, "prob": prob}
            arcs.append(arc | ({"reward": draw(REWARDS)} if draw(st.integers(0, 3)) == 0 else {}))
    prior = {"kind": "automaton", "alphabet": ["a", "b"], "states": states, "stop": stop, "arc": arcs}
    reward = {"beta": draw(st.sampled_from(BETAS)), "token": {"a": draw(REWARDS)}}
    return {"prior": prior, "reward": reward}


@st.composite
def documents(draw: Any) -> dict[str, Any]:
    """Specifications of every kind that are well formed; their numbers may be extreme, and some cannot be used."""
    found: dict[str, Any] = draw(st.one_of(_tables(), _trees(), _automata()))
    found["adaptor"] = draw(st.lists(_adaptors(), max_size=2))
    if draw(st.booleans()):
        found["corpus"] = {"size": draw(st.sampled_from(SIZES)), "epsilon": draw(st.sampled_from(BANDS))}
    return found


def _places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The paths of everything inside."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, member in inside:
        yield (*path, key)
        yield from _places(member, (*path, key))


@st.composite
def broken(draw: Any) -> dict[str, Any]:
    """A well-formed document with one or two elements replaced, removed or added."""
    found = json.loads(json.dumps(draw(documents())))
    for _ in range(draw(st.integers(1, 2))):
        places = list(_places(found))
        *way, last = draw(st.sampled_from(places))
        holder: Any = found
        for key in way:
            holder = holder[key]
        match draw(st.integers(0, 3)):
            case 0:
                del holder[last]
            case 1 if isinstance(holder, dict):
                holder[draw(st.sampled_from(["", "x", "beta", "values", "a b", "kind"]))] = draw(st.sampled_from(NASTY))
            case _:
                holder[last] = draw(st.sampled_from(NASTY))
        if not found:
            break
    return found


def toml(value: Any) -> str:
    """A value in TOML; tables inside are written inline."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)} = {toml(member)}" for key, member in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, int):
        sys.set_int_max_str_digits(0)
        return str(value)
    return json.dumps(value)


def written(document: dict[str, Any]) -> str:
    """A document as a file."""
    return "".join(f"{json.dumps(key)} = {toml(value)}\n" for key, value in document.items())


@st.composite
def garbled(draw: Any) -> str:
    """The text of a document with a piece repeated, cut out, or put in."""
    text = written(draw(documents()))
    start = draw(st.integers(0, len(text)))
    end = draw(st.integers(start, min(len(text), start + 40)))
    match draw(st.integers(0, 2)):
        case 0:
            return text[:start] + text[end:]
        case 1:
            return text[:end] + text[start:end] * draw(st.sampled_from([1, 50])) + text[end:]
    pieces = ["[" * 100_000, "{a=" * 1000, "a." * 5000, '"""', "'", "\\", "\x00", "#", "\ufeff", "\u2028", "9" * 5000]
    return text[:start] + draw(st.sampled_from(pieces)) + text[start:]


FILES = st.one_of(documents().map(written), documents().map(written), broken().map(written), garbled(), st.text())

# --- what must hold -----------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Seen:
    """What came out of the inputs so far."""

    statuses: Counter[int] = field(default_factory=Counter)
    slowest: float = 0.0
    slow_text: str = ""
    failures: list[str] = field(default_factory=list)
    before: int = field(default_factory=lambda: _peak())

    @property
    def memory(self) -> int:
        """By how much the inputs raised the most that this process has had, bytes: other tests may run in it, too."""
        return _peak() - self.before


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def nulls(value: Any, name: str = "") -> Iterator[str]:
    """The names of the nulls in a JSON object, lists and tables inside included."""
    if value is None:
        yield name
    for key, member in value.items() if isinstance(value, dict) else ():
        yield from nulls(member, key)
    for member in value if isinstance(value, list) else ():
        yield from nulls(member, name)


def check(text: str, folder: Path, seen: Seen) -> None:
    """Exit 0 with finite numbers and a reason for every null, or exit 2 with one line; never slow, never large."""
    spec, out = folder / "spec.toml", folder / "out.json"
    spec.write_bytes(text.encode("utf-8", errors="surrogatepass"))
    out.unlink(missing_ok=True)
    start = time.process_time()
    result = CliRunner().invoke(app, ["exact", str(spec), "--json", str(out)])
    spent = time.process_time() - start
    seen.statuses[result.exit_code] += 1
    if spent > seen.slowest:
        seen.slowest, seen.slow_text = spent, text[:4000]
    assert result.exit_code in {0, 2}, result.output
    assert spent < MOST_SECONDS, f"{spent:.1f} s"
    assert seen.memory < MOST_BYTES
    if result.exit_code == 2:
        assert len(result.output.strip().splitlines()) == 1, result.output
        assert not out.exists()
        return
    found = json.loads(out.read_text(encoding="utf-8"), parse_constant=lambda word: _refuse(word))
    for name in nulls(found):
        assert found["status"] != "OK" or any(name in note for note in found["notes"]), f"{name} is null without a word"
    assert found["typical_probability"] is None or 0 <= found["typical_probability"] <= 1
    assert found["entropy"] is None or found["entropy"] >= 0


def _refuse(word: str) -> float:
    raise AssertionError(f"{word} is no JSON")


def run(inputs: int) -> Seen:
    """That many inputs, drawn at random."""
    seen = Seen()
    with tempfile.TemporaryDirectory() as folder:

        @settings(
            max_examples=inputs,
            deadline=None,
            database=None,
            phases=[Phase.explicit, Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(FILES)
        def fuzz(text: str) -> None:
            try:
                check(text, Path(folder), seen)
            except AssertionError as error:  # all of them are wanted, and the next inputs too
                seen.failures.append(f"{str(error)[:300]}\n{text[:3000]}")

        fuzz()
    return seen


def main() -> None:
    """From the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--inputs", type=int, default=20_000)
    seen = run(parser.parse_args().inputs)
    print(f"{sum(seen.statuses.values())} inputs: exit statuses {dict(seen.statuses)}")
    print("\n\n".join(f"FAILED: {failure}" for failure in seen.failures))
    print(f"slowest {seen.slowest:.1f} s, memory at most {seen.memory / 2**20:.0f} MiB\n{seen.slow_text}")


if __name__ == "__main__":
    main()
