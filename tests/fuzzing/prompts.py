"""Prompt files at random, as text, JSON lines and Parquet: a run begins with these prompts, or refuses in one line."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import strategies as st

from tests.fuzzing.making import NASTY, garbled
from tests.fuzzing.runs import offline
from tests.fuzzing.watching import Seen, invoked

_TEXTS = st.one_of(
    st.sampled_from(["a", "b", "c d", "a ", " a", "<s> a", "", "\u2028", "a\u2028b", "a\x0cb", "\x85", "z", "a\tb"]),
    st.text(max_size=8),
    st.lists(st.sampled_from("abcd"), min_size=1, max_size=8).map(" ".join),
)
_IDS = st.lists(st.sampled_from([0, 1, 2, 3, 4, 5, 2, 3, 6, 10**18, 10**30]), min_size=1, max_size=4)
_VALUES: tuple[Any, ...] = tuple(v for v in NASTY if v == v and v not in (10**4000, float("inf"), float("-inf")))
_ROWS = st.one_of(
    _TEXTS.map(lambda text: {"prompt": text}),
    _IDS.map(lambda ids: {"ids": ids}),
    st.lists(st.fixed_dictionaries({"role": _TEXTS, "content": _TEXTS}), min_size=1, max_size=2).map(
        lambda chat: {"messages": chat}
    ),
    st.sampled_from(_VALUES),
    st.dictionaries(st.sampled_from(["prompt", "ids", "messages", "x"]), st.sampled_from(_VALUES), max_size=2),
)


@dataclass(frozen=True, slots=True)
class PromptFile:
    """A file, and the prompts that it holds where that is known."""

    suffix: str
    content: bytes
    prompts: list[Any] | None = None


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", errors="surrogatepass")


_PLAIN = st.text(st.characters(exclude_characters="\n\0", exclude_categories=["Cs"]), min_size=1, max_size=12)
"""Lines as people may have them: everything but a line feed."""


@st.composite
def _lines(draw: Any) -> PromptFile:
    """One prompt a line, and what they are."""
    lines = draw(st.lists(st.one_of(_PLAIN, _TEXTS), max_size=5, unique=True))
    lines = [line for line in lines if not {"\n", "\0"} & set(line) and not line.endswith("\r")]
    mark, end = draw(st.sampled_from(["", "\ufeff"])), draw(st.sampled_from(["\n", "\r\n"]))
    if lines and lines[0].startswith("\ufeff"):
        mark = "\ufeff"
    content = mark + end.join(lines) + draw(st.sampled_from(["", end]))
    try:
        found = content.encode("utf-8")
    except UnicodeEncodeError:
        return PromptFile("txt", _encoded(content))
    rows = lines and all(line.startswith("{") for line in lines)
    return PromptFile("txt", found, None if rows else [line for line in lines if line.strip()])


def _json_lines(rows: list[Any]) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


@st.composite
def _known_rows(draw: Any) -> PromptFile:
    rows = draw(st.lists(_PLAIN, min_size=1, max_size=4, unique=True))
    return PromptFile("jsonl", _encoded(_json_lines([{"prompt": row, "x": 1} for row in rows])), rows)


@st.composite
def _columns(draw: Any) -> PromptFile:
    """Parquet with columns of our names, of any kind."""
    columns: dict[str, pa.Array] = {}
    size = draw(st.integers(0, 4))
    for name in draw(st.lists(st.sampled_from(["prompt", "ids", "messages", "x"]), max_size=2, unique=True)):
        kind, values = draw(st.sampled_from(_KINDS))
        columns[name] = pa.array([draw(st.sampled_from([*values, None])) for _ in range(size)], kind)
    out = io.BytesIO()
    pq.write_table(pa.table(columns), out)
    return PromptFile("parquet", out.getvalue())


_KINDS: tuple[tuple[Any, list[Any]], ...] = (
    (pa.string(), ["a", "b", "c d", "", "\u2028"]),
    (pa.large_string(), ["a", "b"]),
    (pa.binary(), [b"a", b"\xff"]),
    (pa.list_(pa.int64()), [[2], [3, 4], [], [-1], [10**18]]),
    (pa.list_(pa.int32()), [[2], [2, 2]]),
    (pa.list_(pa.float64()), [[2.0], [0.5]]),
    (pa.timestamp("ns"), [1, 10**18]),
    (pa.date32(), [1]),
    (pa.decimal128(5, 2), [1]),
    (pa.dictionary(pa.int8(), pa.string()), ["a", "b"]),
    (pa.float64(), [0.5, float("nan")]),
    (pa.bool_(), [True]),
    (pa.struct([("role", pa.string())]), [{"role": "a"}]),
    (
        pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())])),
        [[{"role": "user", "content": "a"}], [{"role": "x", "content": None}]],
    ),
)


@st.composite
def _damaged(draw: Any) -> PromptFile:
    """Some bytes of a Parquet file changed or cut."""
    found = draw(_columns())
    content = bytearray(found.content)
    for place in draw(st.lists(st.integers(0, len(content) - 1), max_size=6)):
        content[place] = draw(st.integers(0, 255))
    return PromptFile("parquet", bytes(content[: draw(st.sampled_from([len(content), len(content) // 2])) :]))


FILES = st.one_of(
    _lines(),
    garbled(_lines().map(lambda file: file.content.decode("utf-8", errors="replace"))).map(
        lambda text: PromptFile("txt", _encoded(text))
    ),
    _known_rows(),
    st.lists(_ROWS, max_size=4).map(lambda rows: PromptFile("jsonl", _encoded(_json_lines(rows)))),
    garbled(st.lists(_ROWS, max_size=4).map(_json_lines)).map(lambda text: PromptFile("jsonl", _encoded(text))),
    _columns(),
    _columns(),
    _damaged(),
    st.tuples(st.sampled_from(["txt", "jsonl", "parquet"]), st.binary(max_size=60)).map(lambda two: PromptFile(*two)),
)


def check(file: PromptFile, folder: Path, seen: Seen) -> None:
    """Exit 0 with these very prompts in key.json, or exit 2 with one line that names the file or the prompt."""
    (folder / f"p.{file.suffix}").write_bytes(file.content)
    (folder / "run.toml").write_text(
        '[models]\nprior = "prior"\naligned = "aligned"\ndevice = "cpu"\n'
        f'[prompts]\nfile = "p.{file.suffix}"\n[sampling]\nstrings = 2\nlength = 2\n[output]\nfolder = "out"\n',
        "utf-8",
    )
    with offline():
        result = invoked(seen, repr(file), "sample", folder / "run.toml")
    assert result.exit_code in {0, 2}
    if result.exit_code == 2:
        assert not (folder / "out").exists()
        assert not file.prompts or "has no tokens" in result.stderr, result.stderr
        return
    found = json.loads((folder / "out" / "key.json").read_text(encoding="utf-8"))
    assert file.prompts is None or found["run"]["prompts"] == file.prompts
