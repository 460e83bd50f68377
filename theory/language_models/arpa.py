"""ARPA text of back-off n-gram models, read in blocks of bytes: no Python object per n-gram.

A file is text, then ``\\data\\`` with one ``ngram ORDER=COUNT`` a line, then a section ``\\ORDER-grams:`` of lines
"log10-probability words [log10-back-off]", then ``\\end\\``. Spaces and tabs are alike; what stands above ``\\data\\``
is not read.

Words are looked up by a 64-bit polynomial hash, and their lengths and first bytes are compared. Decimals are read as
whole numbers divided by a power of ten, so that each float64 is the one nearest to what is written.
"""

from __future__ import annotations

import gzip
import re
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import IO, NoReturn, cast

import numpy as np
from numpy.typing import NDArray

from theory.language_models.automaton import Floats, Index, Mask

Bytes = NDArray[np.uint8]
Hashes = NDArray[np.uint64]

Words = NDArray[np.int32]

_BLOCK = 1 << 22
_LONGEST = 64
"""Of a number, in characters."""

_BASE = 0x9E3779B97F4A7C15 | 1
_DIGITS = 15
"""A decimal of so many digits is the only one of that length which is read as its float64."""

MOST_ORDER = 12


@dataclass(frozen=True, slots=True, eq=False)
class Section:
    """The n-grams of one order k, as written.

    Args:
        words: shape (m, k); indices into the words of the model.
        log_prob: log10 p, shape (m,).
        back_off: log10 of the back-off weight, 0 where none is written; shape (m,).
        line: where each stands, counted from 1; shape (m,).
    """

    words: Words
    log_prob: Floats
    back_off: Floats
    line: Words

    def __len__(self) -> int:
        return len(self.log_prob)

    def rows(self, kept: Mask | Index) -> Section:
        """Those of its lines."""
        return Section(self.words[kept], self.log_prob[kept], self.back_off[kept], self.line[kept])


@dataclass(frozen=True, slots=True, eq=False)
class ArpaText:
    """What an ARPA file says.

    Args:
        words: the unigrams, in their order.
        sections: by order, from 1.
        decimals: whether every number has so few digits that its float64 determines it.
    """

    words: tuple[str, ...]
    sections: tuple[Section, ...]
    decimals: bool


def read_arpa(path: Path) -> ArpaText:
    """The n-grams of a file, .gz or not. Cost: time and memory are linear in its bytes and its n-grams.

    Raises:
        ValueError: names the first line that is wrong, and what is wrong with it.
        OSError: the file cannot be read.
    """
    with path.open("rb") as raw:
        packed = raw.read(2) == b"\x1f\x8b"
    with gzip.open(path) if packed else path.open("rb") as opened:
        try:
            return _Reading(cast(IO[bytes], opened)).model()
        except (gzip.BadGzipFile, EOFError, zlib.error) as error:
            raise ValueError(f"not a whole gzip file: {error}") from None


def _fail(line: int, what: str) -> NoReturn:
    raise ValueError(f"line {line}: {what}")


class _Lines:
    """Blocks of whole lines, cut also before each line that begins with a backslash."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._rest = b""
        self._ended = False
        self.line = 1

    def _fill(self) -> None:
        more = self._file.read(_BLOCK)
        self._ended = not more
        self._rest += more

    def next_line(self) -> bytes | None:
        """One line without its end; None after the last."""
        while b"\n" not in self._rest and not self._ended:
            self._fill()
        if not self._rest:
            return None
        found, _, self._rest = self._rest.partition(b"\n")
        self.line += 1
        return found

    def next_block(self) -> bytes | None:
        """Whole lines up to the next that begins with a backslash; None where that is the next one, or at the end."""
        while b"\n" not in self._rest and not self._ended:
            self._fill()
        if len(self._rest) < _BLOCK and not self._ended:
            self._fill()
        if not self._rest or self._rest.startswith(b"\\"):
            return None
        marker = self._rest.find(b"\n\\")
        end = marker + 1 if marker >= 0 else self._rest.rfind(b"\n") + 1
        if end == 0 or (self._ended and marker < 0):
            end = len(self._rest)
        found, self._rest = self._rest[:end], self._rest[end:]
        self.line += found.count(b"\n") + (not found.endswith(b"\n"))
        return found


_COUNT = re.compile(rb"ngram\s+(\d+)\s*=\s*(\d+)\s*\Z")


class _Reading:
    def __init__(self, file: IO[bytes]) -> None:
        self._lines = _Lines(file)
        self._vocabulary: _Vocabulary | None = None
        self._decimals = True

    def model(self) -> ArpaText:
        counts = self._counts()
        sections = []
        for order, count in enumerate(counts, start=1):
            self._marker(f"\\{order}-grams:", after=f"the {order - 1}-grams" if order > 1 else "the counts")
            section = self._section(order, count, top=order == len(counts))
            sections.append(section)
        self._marker("\\end\\", after=f"the {len(counts)}-grams")
        assert self._vocabulary is not None, "there are unigrams"
        return ArpaText(self._vocabulary.words, tuple(sections), self._decimals)

    def _counts(self) -> list[int]:
        """What \\data\\ announces."""
        while (line := self._lines.next_line()) is not None:
            if line.strip() == b"\\data\\":
                break
        else:
            raise ValueError("there is no line \\data\\: this is no ARPA file (a binary model is converted first)")
        counts: list[int] = []
        while (block := self._lines.next_block()) is not None:
            first = self._lines.line - block.count(b"\n") - (not block.endswith(b"\n"))
            for number, line in enumerate(block.split(b"\n")[: block.count(b"\n") + 1], start=first):
                if not line.strip():
                    continue
                found = _COUNT.match(line.strip())
                if found is None:
                    _fail(number, f'expected "ngram ORDER=COUNT", got {_shown(line)}')
                if int(found[1]) != len(counts) + 1:
                    _fail(number, f"expected the count of {len(counts) + 1}-grams, got that of order {int(found[1])}")
                counts.append(int(found[2]))
        if not counts or counts[0] == 0:
            _fail(self._lines.line, "\\data\\ announces no unigrams")
        while len(counts) > 1 and counts[-1] == 0:
            _fail(self._lines.line, f"\\data\\ announces 0 {len(counts)}-grams; leave the order out")
        if len(counts) > MOST_ORDER:
            _fail(self._lines.line, f"orders up to {MOST_ORDER} are read, got {len(counts)}")
        return counts

    def _marker(self, wanted: str, after: str) -> None:
        number = self._lines.line
        line = self._lines.next_line()
        if line is None:
            raise ValueError(f"the file ends after {after}, without {wanted}")
        if line.strip() != wanted.encode():
            _fail(number, f"expected {wanted} after {after}, got {_shown(line)}")

    def _section(self, order: int, count: int, *, top: bool) -> Section:
        start = self._lines.line
        parts = []
        words: list[str] = []
        hashes: list[Hashes] = []
        while True:
            first = self._lines.line
            block = self._lines.next_block()
            if block is None:
                break
            tokens = _Tokens(block, first, order, top)
            self._decimals &= tokens.decimals
            if order == 1:
                words += tokens.names()
                hashes.append(tokens.hashes[:, 0])
                index: Index | Words = np.zeros((len(tokens.line), 1), dtype=np.int32)
            else:
                assert self._vocabulary is not None, "unigrams come first"
                index = self._vocabulary.look_up(tokens)
            parts.append(
                Section(index.astype(np.int32), tokens.log_prob, tokens.back_off, tokens.line.astype(np.int32))
            )
        found = sum(len(part) for part in parts)
        if found != count:
            _fail(start, f"\\data\\ announces {count} {order}-grams, the section that begins here has {found}")
        whole = Section(
            np.concatenate([part.words for part in parts]),
            *(np.concatenate([getattr(part, name) for part in parts]) for name in ("log_prob", "back_off", "line")),
        )
        if order == 1:
            self._vocabulary = _Vocabulary(words, np.concatenate(hashes), whole.line)
            whole.words[:, 0] = np.arange(count)
        return whole


class _Vocabulary:
    """The words of the unigrams by their hashes."""

    def __init__(self, words: list[str], hashes: Hashes, line: Words) -> None:
        self.words = tuple(words)
        self._order = np.argsort(hashes, kind="stable")
        self._hashes, self._sorted = hashes, hashes[self._order]
        same = np.flatnonzero(self._sorted[1:] == self._sorted[:-1])
        for place in same.tolist():
            one, two = sorted((int(self._order[place]), int(self._order[place + 1])))
            if words[one] == words[two]:
                _fail(int(line[two]), f"the word {_shown(words[two])} stands also on line {int(line[one])}")
            raise ValueError(f"the words {_shown(words[one])} and {_shown(words[two])} have the same 64-bit hash")
        encoded = [word.encode() for word in words]
        self._length = np.array([len(word) for word in encoded], dtype=np.int64)
        self._head = np.array([word[:8] for word in encoded], dtype="S8").view("<u8")

    def look_up(self, tokens: _Tokens) -> Index:
        """The index of each word; shape of ``tokens.hashes``.

        Raises:
            ValueError: names the line of one that is no unigram.
        """
        index = np.stack([self._nearest(column) for column in tokens.hashes.T], axis=1)
        right = self._hashes[index] == tokens.hashes
        right &= (self._length[index] == tokens.length) & (self._head[index] == tokens.head)
        if not right.all():
            row, column = np.argwhere(~right)[0].tolist()
            _fail(int(tokens.line[row]), f"the word {_shown(tokens.word(row, column))} is no unigram")
        return index

    def _nearest(self, hashes: Hashes) -> Index:
        """The word of each hash, some word where there is none; runs of one word, as in sorted files, once."""
        new = np.concatenate(([True], hashes[1:] != hashes[:-1]))[: len(hashes)]
        index = self._order[np.minimum(np.searchsorted(self._sorted, hashes[new]), len(self._sorted) - 1)]
        found: Index = index[np.cumsum(new) - 1]
        return found


class _Tokens:
    """The lines of one block of a section: numbers read, words hashed.

    Args:
        block: whole lines.
        first: the number of its first line.
    """

    def __init__(self, block: bytes, first: int, order: int, top: bool) -> None:
        self._block = block
        text = np.frombuffer(block, dtype=np.uint8)
        space = (text == 32) | (text == 9) | (text == 10) | (text == 13)
        edges = np.flatnonzero(np.diff(np.concatenate(([True], space, [True])).view(np.int8)))
        starts, ends = edges[::2], edges[1::2]
        newline = np.append(np.flatnonzero(text == 10), len(text))
        bounds = np.searchsorted(starts, newline)
        before = np.concatenate(([0], bounds[:-1]))
        width = bounds - before
        kept = np.flatnonzero(width)
        self.line = first + kept
        width, head = width[kept], before[kept]
        bad = (width != order + 1) & (width != order + 2)
        if bad.any():
            row = int(np.flatnonzero(bad)[0])
            told = f"{order} word{'s' if order > 1 else ''} and {'at most' if not top else 'no'} a back-off"
            if top:
                told = f"{order} word{'s' if order > 1 else ''}"
            _fail(int(self.line[row]), f"expected a log-probability and {told}, got {int(width[row])} fields")
        self.log_prob, exact = _numbers(text, starts[head], ends[head], self.line, "log-probability")
        self.decimals = exact
        self.back_off = np.zeros(len(head))
        more = np.flatnonzero(width == order + 2)
        if len(more):
            last = head[more] + order + 1
            self.back_off[more], exact = _numbers(text, starts[last], ends[last], self.line[more], "back-off weight")
            self.decimals &= exact
            if top and self.back_off.any():
                row = int(np.flatnonzero(self.back_off)[0])
                _fail(int(self.line[row]), f"an n-gram of the highest order, {order}, has no back-off weight")
        above = np.flatnonzero(self.log_prob > 0)
        if len(above):
            row = int(above[0])
            _fail(int(self.line[row]), f"a probability above 1: its log10 is {self.log_prob[row]:g}")
        places = head[:, None] + np.arange(1, order + 1)
        self._starts, self._ends = starts[places], ends[places]
        self.length = self._ends - self._starts
        self.hashes = _hashes(text, self._starts, self._ends)
        self.head = _heads(text, self._starts, self.length)

    def word(self, row: int, column: int) -> str:
        """One word, as text."""
        found = self._block[int(self._starts[row, column]) : int(self._ends[row, column])]
        return found.decode("utf-8", errors="replace")

    def names(self) -> list[str]:
        """The words of unigrams.

        Raises:
            ValueError: one is not UTF-8.
        """
        pairs = zip(self._starts[:, 0].tolist(), self._ends[:, 0].tolist(), strict=True)
        try:
            return [self._block[i:j].decode() for i, j in pairs]
        except UnicodeDecodeError:
            pass
        for row, (i, j) in enumerate(zip(self._starts[:, 0].tolist(), self._ends[:, 0].tolist(), strict=True)):
            try:
                self._block[i:j].decode()
            except UnicodeDecodeError:
                _fail(int(self.line[row]), f"the word {self._block[i:j]!r} is not UTF-8")
        raise AssertionError("one of them is not UTF-8")


class _Table:
    """Powers of the base of the hash and of its inverse, made when they are first needed and as long as needed."""

    forward: Hashes = np.ones(1, dtype=np.uint64)
    backward: Hashes = np.ones(1, dtype=np.uint64)

    @classmethod
    def reach(cls, size: int) -> tuple[Hashes, Hashes]:
        if len(cls.forward) < size:
            rows = []
            for base in (_BASE, pow(_BASE, -1, 1 << 64)):
                row = np.full(size, base, dtype=np.uint64)
                row[0] = 1
                rows.append(np.multiply.accumulate(row))
            cls.forward, cls.backward = rows
        return cls.forward, cls.backward


def _hashes(text: Bytes, starts: Index, ends: Index) -> Hashes:
    """sum over a word's bytes of byte B^(place in the word), modulo 2^64."""
    forward, backward = _Table.reach(len(text) + 1)
    sums = np.zeros(len(text) + 1, dtype=np.uint64)
    np.add(text, np.uint64(1), out=sums[1:])
    sums[1:] *= forward[: len(text)]
    np.cumsum(sums, out=sums)
    found: Hashes = (sums[ends] - sums[starts]) * backward[starts]
    return found


_MASKS = np.array([(1 << 8 * size) - 1 for size in range(9)], dtype=np.uint64)


def _heads(text: Bytes, starts: Index, length: Index) -> Hashes:
    """The first 8 bytes of each word as one number, zeros behind shorter ones."""
    padded = np.concatenate((text, np.zeros(8, dtype=np.uint8)))
    eight = np.ndarray((len(text) + 1,), dtype="<u8", buffer=padded, strides=(1,))
    found: Hashes = eight[starts] & _MASKS[np.minimum(length, 8)]
    return found


def _numbers(text: Bytes, starts: Index, ends: Index, line: Index, name: str) -> tuple[Floats, bool]:
    """Decimals, each rounded once; and whether every one has at most 15 digits.

    Raises:
        ValueError: names the line of one that is no finite number.
    """
    length = ends - starts
    value = np.zeros(len(starts))
    digits, scale, dots = (np.zeros(len(starts), dtype=np.int64) for _ in range(3))
    plain = length <= _DIGITS + 2
    negative = text[starts] == 45
    signed = negative | (text[starts] == 43)
    width = int(length[plain].max(initial=0))
    for column in range(width):
        here = plain & (column < length)
        byte = text[np.minimum(starts + column, len(text) - 1)]
        number = here & (byte >= 48) & (byte <= 57)
        dot = here & (byte == 46)
        plain &= ~(here & ~number & ~dot & ~((column == 0) & signed))
        value = np.where(number, value * 10 + (byte.astype(np.float64) - 48), value)
        digits += number
        scale += number & (dots > 0)
        dots += dot
    plain &= (digits > 0) & (digits <= _DIGITS) & (dots <= 1)
    value /= 10.0 ** np.minimum(scale, 22)
    value = np.where(negative, -value, value)
    for row in np.flatnonzero(~plain).tolist():  # exponents, and what is no number
        written = text[int(starts[row]) : int(ends[row])].tobytes()
        value[row] = _number(written, int(line[row]), name)
    return value, bool(plain.all()) or _short(text, starts, ends, np.flatnonzero(~plain))


_NUMBER = re.compile(rb"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,4})?\Z")


def _number(written: bytes, line: int, name: str) -> float:
    shown = _shown(written)
    if written.lower().lstrip(b"+-") in {b"inf", b"infinity", b"nan"}:
        _fail(line, f"the {name} {shown} is not finite; a probability of 0 is written -99")
    if len(written) > _LONGEST or _NUMBER.match(written) is None:
        _fail(line, f"the {name} {shown} is no number")
    found = float(written)
    if not np.isfinite(found):
        _fail(line, f"the {name} {shown} is not finite")
    return found


def _short(text: Bytes, starts: Index, ends: Index, rows: Index) -> bool:
    """Whether each of these numbers has at most 15 digits."""
    written = (text[int(starts[row]) : int(ends[row])].tobytes() for row in rows)
    return all(len(re.sub(rb"[eE].*|[^0-9]", b"", number).strip(b"0")) <= _DIGITS for number in written)


def _shown(text: bytes | str) -> str:
    """As its author wrote it, in quotes, cut where it is long."""
    known = text.decode("utf-8", errors="replace") if isinstance(text, bytes) else text
    known = known.strip()
    return repr(known) if len(known) <= 40 else f"{known[:30]!r}..."


__all__ = ["MOST_ORDER", "ArpaText", "Section", "read_arpa"]
