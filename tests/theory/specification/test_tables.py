"""From what pydantic finds wrong to one line: which element, and what it should be."""

from __future__ import annotations

import tomllib
from typing import Annotated, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field

from theory.specification.automaton import automaton_specification
from theory.specification.finite import specification
from theory.specification.tables import SpecificationError, Table, Wording, read_as

Count = Annotated[int, Field(ge=1, le=9, description=": {!r} is not in 1..9")]


class Inner(Table):
    whole: int = Field(ge=2)
    least: int = Field(default=3, le=4, description=" must be a small number, got {!r}")
    names: list[str] = Field(default_factory=list, title="; it lists names", description=" must be strings, got {!r}")
    counts: list[Count] = Field(default_factory=list)
    either: str | list[str] = "x"
    mode: Literal["fast", "slow"] = "fast"
    rows: dict[str, Annotated[list[object], Field(description=": expected a list, got {!r}")]] = Field(
        default_factory=dict
    )


class Round(Table):
    kind: Literal["circle", "ball"]
    radius: int


class Square(Table):
    kind: Literal["square"]
    side: int = Field(alias="from")


class Whole(Table):
    inner: Inner
    shape: list[Annotated[Round | Square, Field(discriminator="kind")]] = Field(default_factory=list)
    plain: list[Round] = Field(default_factory=list)
    title: str | None = Field(default=None, description=" must be a text")


WORDING = Wording("unknown key {!r} in the file")

LINES = [
    ("", "[inner] is missing"),
    ("inner = 3", "[inner] must be a table"),
    ("inner = []", "[inner] must be a table"),
    ("[inner]", "inner.whole is missing"),
    ("[inner]\nwhole = 1", "inner.whole must be at least 2, got 1"),
    ("[inner]\nwhole = 2.0", "inner.whole = 2.0 is of the wrong type"),
    ("[inner]\nwhole = true", "inner.whole = True is of the wrong type"),
    ("[inner]\nwhole = '2'", "inner.whole = '2' is of the wrong type"),
    ("[inner]\nwhole = 2\nleast = 5", "inner.least must be a small number, got 5"),
    ("[inner]\nwhole = 2\nleast = '5'", "inner.least must be a small number, got '5'"),
    ("[inner]\nwhole = 2\nnames = 'x'", "inner.names must be strings, got 'x'"),
    ("[inner]\nwhole = 2\nnames = ['x', 3]", "inner.names must be strings, got 3"),
    ("[inner]\nwhole = 2\ncounts = 3", "inner.counts = 3 is of the wrong type"),
    ("[inner]\nwhole = 2\ncounts = [3, 12]", "inner.counts: 12 is not in 1..9"),
    ("[inner]\nwhole = 2\ncounts = ['x']", "inner.counts: 'x' is not in 1..9"),
    ("[inner]\nwhole = 2\neither = 3", "inner.either = 3 is of the wrong type"),
    ("[inner]\nwhole = 2\neither = [3]", "inner.either = [3] is of the wrong type"),
    ("[inner]\nwhole = 2\nmode = 'quick'", "inner.mode must be one of fast, slow, got 'quick'"),
    ("[inner]\nwhole = 2\nrows = 3", "inner.rows must be a table"),
    ("[inner]\nwhole = 2\nrows = {'a b' = 3}", 'inner.rows "a b": expected a list, got 3'),
    (
        "[inner]\nwhole = 2\ncolour = 3",
        "unknown key 'colour' in [inner]; known: counts, either, least, mode, names, rows, whole",
    ),
    ("colour = 3\n[inner]\nwhole = 2", "unknown key 'colour' in the file; known: inner, plain, shape, title"),
    ("title = 3\n[inner]\nwhole = 2", "title must be a text"),
    ("[inner]\nwhole = 2\n[shape]\nx = 1", "shape must be an array of tables, written [[shape]]"),
    ("shape = [3]\n[inner]\nwhole = 2", "shape 1 must be a table, written [[shape]]"),
    ("plain = [3]\n[inner]\nwhole = 2", "plain 1 must be a table, written [[plain]]"),
    ("[inner]\nwhole = 2\n[[shape]]\nkind = 'star'", "shape 1: kind must be one of circle, ball, square"),
    ("[inner]\nwhole = 2\n[[shape]]\nside = 1", "shape 1: kind must be one of circle, ball, square"),
    ("[inner]\nwhole = 2\n[[shape]]\nkind = 'ball'", "shape 1: radius is missing"),
    ("[inner]\nwhole = 2\n[[shape]]\nkind = 'ball'\nradius = 'x'", "shape 1, radius = 'x' is of the wrong type"),
    ("[inner]\nwhole = 2\n[[shape]]\nkind = 'square'", "shape 1: from is missing"),
    (
        "[inner]\nwhole = 2\n[[shape]]\nkind = 'ball'\nradius = 1\n[[shape]]\nkind = 'square'\nfrom = 1\nside = 2",
        "unknown key 'side' in shape 2; known: from, kind",
    ),
]


@pytest.mark.parametrize(("text", "line"), LINES)
def test_lines(text: str, line: str) -> None:
    with pytest.raises(SpecificationError) as caught:
        read_as(Whole, tomllib.loads(text), WORDING)
    assert str(caught.value) == line


def test_what_is_right_is_read() -> None:
    """With defaults where nothing is said; what was read cannot be changed."""
    found = read_as(Whole, tomllib.loads("[inner]\nwhole = 2\n[[shape]]\nkind = 'square'\nfrom = 4"), WORDING)
    assert (found.inner.whole, found.inner.least, found.inner.names) == (2, 3, [])
    (one,) = found.shape
    assert isinstance(one, Square)
    assert one.side == 4
    with pytest.raises(ValueError, match="frozen"):
        found.inner.whole = 5


def test_an_unknown_key_is_said_before_a_missing_one() -> None:
    """A slip in a name makes both; the unknown one shows the slip."""
    with pytest.raises(SpecificationError, match="unknown key 'whle' in"):
        read_as(Whole, {"inner": {"whle": 3}}, WORDING)


def test_other_wordings() -> None:
    """Keys behind their table, and keys of the k-th table behind a dot."""
    other = Wording("unknown table [{}]", key="[{}] {}", entry="{}.{}")
    for document, line in (
        ({"inner": {"whole": 1}}, "[inner] whole must be at least 2, got 1"),
        ({"inner": {"whole": 2}, "outer": {}}, "unknown table [outer]; known: inner, plain, shape, title"),
        (
            {"inner": {"whole": 2}, "plain": [{"kind": "ball", "radius": "x"}]},
            "plain 1.radius = 'x' is of the wrong type",
        ),
    ):
        with pytest.raises(SpecificationError) as caught:
            read_as(Whole, document, other)
        assert str(caught.value) == line


SCALARS = st.one_of(
    st.booleans(), st.integers(-2, 3), st.floats(width=16), st.sampled_from(["", "a", "a b", "1/2", "-1", "global"])
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "b", ""]), inner, max_size=2),
    max_leaves=4,
)

DOCUMENTS: dict[str, dict[str, object]] = {
    "table": {
        "prior": {"kind": "table", "strings": ["a", "b"], "probs": ["1/2", "1/2"]},
        "reward": {"exp_values": [1, 2]},
        "adaptor": [{"name": "top_k", "value": 1}],
        "corpus": {"size": 3, "epsilon": "1/2"},
    },
    "tree": {
        "prior": {"kind": "tree", "alphabet": ["a", "b"], "next": {"": ["1/2", "1/4", "1/4"]}},
        "reward": {"beta": 1, "token": {"a": 1}, "exp_token": {}, "string": {"b": 2}, "exp_string": {}},
    },
    "automaton": {
        "prior": {
            "kind": "automaton",
            "alphabet": ["a", "b"],
            "states": 1,
            "initial": 0,
            "stop": ["1/2"],
            "arc": [{"from": 0, "to": 0, "token": "a", "prob": "1/2", "reward": 0, "exp_reward": 1}],
        },
        "reward": {"beta": 1, "token": {}, "exp_token": {}},
    },
}


def places(value: object, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """The path of everything in a document."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(deeper for key, one in inside for deeper in places(one, (*path, key)))]


def changed(value: object, path: tuple[str | int, ...], new: object) -> object:
    """The document with something else in one place."""
    if not path:
        return new
    key, *rest = path
    if isinstance(value, dict):
        return value | {key: changed(value[key], tuple(rest), new)}
    assert isinstance(value, list)
    return [changed(one, tuple(rest), new) if place == key else one for place, one in enumerate(value)]


PLACES = [(kind, path) for kind, document in DOCUMENTS.items() for path in places(document) if path]


@given(st.sampled_from(PLACES), VALUES)
def test_any_value_anywhere(place: tuple[str, tuple[str | int, ...]], value: object) -> None:
    """A specification, or a line that refuses it: no value in any place is a traceback."""
    kind, path = place
    document = changed(DOCUMENTS[kind], path, value)
    assert isinstance(document, dict)
    said = "read"
    try:
        (automaton_specification if kind == "automaton" else specification)(document)
    except SpecificationError as error:
        said = str(error)
    assert len(said.splitlines()) == 1
