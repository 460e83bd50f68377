"""What specifications of every kind share: documents, numbers, laws, rewards, adaptors, and errors that say where."""

from __future__ import annotations

import math
import re
import tomllib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from flint import fmpq

from theory.arithmetic.exact import rational, to_float
from theory.files import read_at_most
from theory.language_models.rewards import Reward, exp_reward, reward_over_beta
from theory.probability.law import check_distinct
from theory.specification.arc_blocks import Number, take_arcs, with_arcs
from theory.specification.documents import CorpusTable
from theory.specification.long_arrays import loads
from theory.specification.tables import SpecificationError

Found = TypeVar("Found")

_ZERO, _SLACK = fmpq(0), fmpq(1, 10**9)

MOST_BYTES = 1 << 24
"""Of a file that is read whole."""

MOST_ARC_BYTES = 1 << 27
"""Of a file whose arcs stand together: two million of them."""

_MOST_DEPTH = 32

_MOST_DIGITS = 4000
"""Of an integer: Python shows those of up to 4,300."""

_MOST_BITS = (10**_MOST_DIGITS).bit_length()

MOST_REWARD = 10**18
"""|r / beta| in nats, and the logarithm of e^{r/beta}: beyond it a ball has no digits left."""

MOST_STRINGS = 10**15
"""In a corpus."""

_BAND = (fmpq(1, 10**100), fmpq(10**100))
_TEMPERATURES = (fmpq(1, 10**9), fmpq(10**9))


@dataclass(frozen=True, slots=True)
class CorpusEntry:
    """[corpus]: N >= 1 strings, and the half-width epsilon > 0 of the typical band in nats."""

    size: int
    epsilon: fmpq
    exact: bool


TABLES = frozenset({".csv", ".parquet"})
"""Files that a specification names, and that are none."""


def read_document(path: Path) -> dict[str, object]:
    """The TOML document in a file.

    Raises:
        SpecificationError: the file is missing, unreadable, or not TOML.
    """
    if path.suffix.lower() in TABLES and path.is_file():
        raise SpecificationError(
            "a table is not a model's file: write a TOML file beside it, with [reward] and with [prior] "
            f'kind = "table", file = "{path.name}"'
        )
    try:
        text = read_at_most(path, MOST_ARC_BYTES).decode("utf-8")
    except OSError as error:
        raise SpecificationError(f"cannot be read: {error.strerror or error}") from None
    except ValueError as error:
        if isinstance(error, UnicodeDecodeError):
            raise SpecificationError(f"not UTF-8 text (byte {error.start})") from None
        if "\0" in str(path):
            raise SpecificationError(f"no file has such a name: {error}") from None
        raise SpecificationError(str(error)) from None
    return parse_document(text)


def parse_document(text: str) -> dict[str, object]:
    """The TOML document in ``text``.

    Raises:
        SpecificationError: not TOML, or nested deeper than any file of ours.
    """
    taken = take_arcs(text)
    if taken is not None:
        rest, arcs = taken
        found = _parsed(rest)
        if with_arcs(found, arcs):
            return found
    return _parsed(text)


def _parsed(text: str) -> dict[str, object]:
    if len(text) > MOST_BYTES:
        raise SpecificationError(f"has {len(text):,} characters; at most {MOST_BYTES:,} are read")
    _check_depth(text)
    try:
        found = loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SpecificationError(f"TOML syntax: this is not TOML: {error}") from None
    except ValueError as error:  # an integer of thousands of digits
        raise SpecificationError(f"TOML syntax: {str(error).split(';')[0]}") from None
    _check_integers(found, "")
    return found


def _check_integers(value: object, name: str) -> None:
    """Refuse integers that cannot be shown in decimal: in hexadecimal TOML reads longer ones.

    Raises:
        SpecificationError: names the element.
    """
    if isinstance(value, int) and value.bit_length() > _MOST_BITS:
        raise SpecificationError(f"TOML syntax: {name} is an integer of more than {_MOST_DIGITS:,} digits")
    for key, member in value.items() if isinstance(value, dict) else ():
        _check_integers(member, f"{name}.{key}" if name else str(key))
    for member in value if isinstance(value, list) else ():
        if not isinstance(member, str):
            _check_integers(member, name)


_QUOTED = re.compile(r"""\"\"\"(?:[^\\]|\\.)*?\"\"\"|'''.*?'''|"(?:[^"\\\n]|\\.)*"|'[^'\n]*'|\#[^\n]*""", re.DOTALL)
_NESTED = re.compile(r"[\[\]{}]")
_DOTTED = re.compile(r"(?<![\w-])[\w-]++(?:[ \t]*+\.[ \t]*+[\w-]++){32,}")


def _check_depth(text: str) -> None:
    """Refuse brackets, and dotted keys, that are nested so deep that reading them would take the stack or the memory.

    Raises:
        SpecificationError: says how deep.
    """
    bare = _QUOTED.sub("q", text)
    depth = 0
    for found in _NESTED.finditer(bare):
        depth += 1 if found.group() in "[{" else -1
        if depth > _MOST_DEPTH:
            line = bare.count("\n", 0, found.start()) + 1
            raise SpecificationError(f"TOML syntax: brackets nested deeper than {_MOST_DEPTH}, near line {line}")
    found_key = _DOTTED.search(bare)
    if found_key is not None:
        line = bare.count("\n", 0, found_key.start()) + 1
        raise SpecificationError(f"TOML syntax: a dotted key of more than {_MOST_DEPTH} parts, near line {line}")


class Reader:
    """Reads numbers, and remembers whether a bare float was among them and what was changed."""

    def __init__(self) -> None:
        self.floats = False
        self.notes: list[str] = []
        self._known: dict[str, fmpq] = {}  # numbers are often written alike

    def number(self, value: object, where: str) -> fmpq:
        """The number that a value of the file writes; ``where`` names it in errors.

        Raises:
            SpecificationError: it is no finite number.
        """
        if not isinstance(value, str):
            return self.converted(value, where, rational)
        if value not in self._known:
            self._known[value] = self.converted(value, where, rational)
        return self._known[value]

    def converted(self, value: object, where: str, convert: Callable[[Number], Found]) -> Found:
        """What ``convert`` makes of the number that a value of the file writes.

        Raises:
            SpecificationError: it is no number, or ``convert`` refuses it.
        """
        try:  # as ``located`` does, at a tenth of its cost
            if type(value) is str:
                return convert(value)
            number = as_number(value)
            self.floats |= isinstance(number, float)
            return convert(number)
        except ValueError as error:
            raise SpecificationError(f"{where}: {error}") from None

    def _rational(self, value: object) -> fmpq | None:
        """The number that a text writes; None where it is none, and where the value is no text."""
        try:
            return rational(value) if type(value) is str else None
        except ValueError:
            return None

    def law(self, values: Sequence[object], where: str, names: Sequence[str]) -> list[fmpq]:
        """Probabilities, one per name: exactly 1 in sum, or within 1e-9 and then divided by it if floats.

        Raises:
            SpecificationError: as many as there are names are wanted; a negative entry (named), or another sum.
        """
        if len(values) != len(names):
            raise SpecificationError(f"{where}: needs {len(names)} probabilities, got {len(values)}")
        prob = []
        known: dict[object, fmpq] = {}  # as written: often alike
        for value, name in zip(values, names, strict=True):
            p = known.get(value) if type(value) is str else None
            if p is None:
                p = self._rational(value)
                if p is None:
                    p = self.number(value, f"{where}, {name}")
                if p < _ZERO:
                    raise SpecificationError(f"{where}, {name}: a probability must be >= 0, got {value}")
                if type(value) is str:
                    known[value] = p
            prob.append(p)
        total = sum(prob, start=fmpq(0))
        if total == 1:
            return prob
        if not any(isinstance(v, float) for v in values) or abs(total - 1) > _SLACK:
            raise SpecificationError(f"{where}: probabilities must sum to 1, got {_readable(total)}")
        self.notes.append(f"{where}: floats that sum to 1 {float_text(total - 1)}; divided by their sum once")
        return [p / total for p in prob]


def as_number(value: object) -> Number:
    """A value of a file that writes a number.

    Raises:
        ValueError: it is of another kind; True is no number.
    """
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError(f"expected a number, got {value!r}")
    return value


def float_text(gap: fmpq) -> str:
    """A small rational as a signed decimal.

    >>> float_text(fmpq(-1, 10**12))
    '- 1e-12'
    """
    value = to_float(gap)
    return f"{'-' if value < 0 else '+'} {abs(value):.3g}"


def short(value: object) -> str:
    """A value as its author wrote it, cut where it is long."""
    text = str(value)
    return text if len(text) <= 60 else f"{text[:40]}... ({len(text)} characters)"


def _readable(value: fmpq) -> str:
    """A rational as a/b, with its decimal where a/b is long, and with its distance from 1 where that is small."""
    text = str(value)
    if len(text) <= 48:
        return text
    return f"1 {float_text(value - 1)}" if abs(value - 1) < fmpq(1, 1000) else f"{to_float(value):.17g}"


@contextmanager
def located(where: str) -> Iterator[None]:
    """Errors raised inside are about ``where``, a file or an element.

    Raises:
        SpecificationError: for every ValueError inside, with the place in front.
    """
    try:
        yield
    except ValueError as error:
        raise SpecificationError(f"{where}: {error}") from None


def check_names(names: Sequence[str], where: str) -> None:
    """Refuse a support or an alphabet that is empty, or holds a name twice.

    Raises:
        SpecificationError: it is empty, or names the one that occurs twice.
    """
    if not names:
        raise SpecificationError(f"{where}: the list is empty; a support needs at least one string")
    with located(where):
        check_distinct(names)


def read_beta(reader: Reader, value: object, *, needed: bool) -> fmpq:
    """beta > 0, or 1 where it is left out (None) and not needed.

    Raises:
        SpecificationError: missing though needed, not a number, or not > 0.
    """
    if value is None:
        if needed:
            raise SpecificationError("reward.beta is missing; it divides the rewards (only exp_ rewards do without)")
        return fmpq(1)
    beta = reader.number(value, "reward.beta")
    if not beta > 0:
        raise SpecificationError(f"reward.beta must be > 0, got {value}")
    return beta


def read_reward(reader: Reader, value: object, beta: fmpq, where: str, *, exponential: bool) -> Reward:
    """One reward: r over beta, or e^(r/beta) if ``exponential``.

    Raises:
        SpecificationError: +inf, NaN or no number.
    """
    if isinstance(value, float) and (math.isnan(value) or value == math.inf):
        raise SpecificationError(f"{where}: a reward must be a number or -inf, got {value}")
    convert = exp_reward if exponential else lambda v: reward_over_beta(v, beta)
    found = reader.converted(value, where, convert)
    if found.exponent != _ZERO and abs(found.exponent) > MOST_REWARD:
        raise SpecificationError(
            f"{where}: |r / beta| is beyond 10^18 nats; a larger beta, or smaller rewards, can be computed"
        )
    return found


def check_temperature(name: str, setting: fmpq, given: object) -> None:
    """Refuse a temperature at which no arithmetic here has digits; other adaptors pass.

    Raises:
        SpecificationError: it does not lie between 10^-9 and 10^9.
    """
    if name == "temperature" and not _TEMPERATURES[0] <= setting <= _TEMPERATURES[1]:
        raise SpecificationError(f"temperature needs a value between 10^-9 and 10^9, got {short(given)}")


def corpus_entry(entry: CorpusTable) -> CorpusEntry:
    """[corpus].

    Raises:
        SpecificationError: a size or an epsilon that cannot be.
    """
    reader = Reader()
    size = reader.number(entry.size, "corpus.size")
    if size.q != 1 or size < 1:
        raise SpecificationError(f"corpus.size must be a whole number >= 1, got {short(entry.size)}")
    if size > MOST_STRINGS:
        raise SpecificationError(f"corpus.size must be at most 10^15, got {short(entry.size)}")
    epsilon = reader.number(entry.epsilon, "corpus.epsilon")
    if not epsilon > 0:
        raise SpecificationError(f"corpus.epsilon must be > 0, got {short(entry.epsilon)}")
    if not _BAND[0] <= epsilon <= _BAND[1]:
        raise SpecificationError(f"corpus.epsilon must lie between 1e-100 and 1e100, got {short(entry.epsilon)}")
    return CorpusEntry(int(size.p), epsilon, exact=not isinstance(entry.epsilon, float))


__all__ = [
    "CorpusEntry",
    "Number",
    "Reader",
    "SpecificationError",
    "as_number",
    "check_names",
    "check_temperature",
    "corpus_entry",
    "float_text",
    "located",
    "parse_document",
    "read_beta",
    "read_document",
    "read_reward",
    "short",
]
