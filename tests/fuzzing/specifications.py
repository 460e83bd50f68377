"""Specification files at random, valid, extreme and broken: ``probqual exact`` answers, or refuses in one line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from tests.fuzzing.making import files
from tests.fuzzing.watching import Seen, invoked
from theory.adaptors.exact import ADAPTORS

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
def _hidden_markov_models(draw: Any) -> dict[str, Any]:
    states = draw(st.integers(1, 3))
    going = [draw(_laws(states + 1)) for _ in range(states)]
    prior = {
        "kind": "hmm",
        "alphabet": ["a", "b"],
        "start": draw(_laws(states)),
        "transition": [row[:-1] for row in going],
        "emission": [draw(_laws(2)) for _ in range(states)],
        "stop": [row[-1] for row in going],
    }
    return {"prior": prior, "reward": {"beta": draw(st.sampled_from(BETAS)), "token": {"a": draw(REWARDS)}}}


@st.composite
def documents(draw: Any) -> dict[str, Any]:
    """Specifications of every kind that are well formed; their numbers may be extreme, and some cannot be used."""
    found: dict[str, Any] = draw(st.one_of(_tables(), _trees(), _automata(), _hidden_markov_models()))
    found["adaptor"] = draw(st.lists(_adaptors(), max_size=2))
    if draw(st.booleans()):
        found["corpus"] = {"size": draw(st.sampled_from(SIZES)), "epsilon": draw(st.sampled_from(BANDS))}
    return found


FILES = files(documents())


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
    result = invoked(seen, text, "exact", spec, "--json", out)
    assert result.exit_code in {0, 2}
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
