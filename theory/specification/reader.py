"""What specifications of every kind share: documents, numbers, laws, rewards, adaptors, and errors that say where."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flint import fmpq

from theory.adaptors.exact import ADAPTORS, Adaptor, Chain
from theory.arithmetic.exact import rational
from theory.language_models.rewards import Reward, exp_reward, reward_over_beta
from theory.probability.law import check_distinct

_SLACK = fmpq(1, 10**9)


class SpecificationError(ValueError):
    """Input that cannot be used: one line that names the element and what to do."""


@dataclass(frozen=True, slots=True)
class AdaptorEntry:
    """One [[adaptor]]: its chain, how it is normalised, and the words it was written in.

    Args:
        exact: no value was a bare float.
    """

    name: Any
    value: Any
    normalise: str
    chain: Chain
    exact: bool


@dataclass(frozen=True, slots=True)
class CorpusEntry:
    """[corpus]: N >= 1 strings, and the half-width epsilon > 0 of the typical band in nats."""

    size: int
    epsilon: fmpq
    exact: bool


def read_document(path: Path) -> dict[str, Any]:
    """The TOML document in a file.

    Raises:
        SpecificationError: the file is missing, unreadable, or not TOML.
    """
    try:
        text = path.read_bytes().decode("utf-8")
    except OSError as error:
        raise SpecificationError(f"cannot be read: {error.strerror or error}") from None
    except UnicodeDecodeError as error:
        raise SpecificationError(f"not UTF-8 text (byte {error.start})") from None
    return parse_document(text)


def parse_document(text: str) -> dict[str, Any]:
    """The TOML document in ``text``.

    Raises:
        SpecificationError: not TOML.
    """
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SpecificationError(f"TOML syntax: {error}") from None


class Reader:
    """Reads numbers, and remembers whether a bare float was among them and what was changed."""

    def __init__(self) -> None:
        self.floats = False
        self.notes: list[str] = []

    def number(self, value: Any, where: str, convert: Callable[[Any], Any] = rational) -> Any:
        """The number that a value of the file writes; ``where`` names it in errors.

        Raises:
            SpecificationError: it is no number, or ``convert`` refuses it.
        """
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise SpecificationError(f"{where}: expected a number, got {value!r}")
        self.floats |= isinstance(value, float)
        with located(where):
            return convert(value)

    def law(self, values: Any, where: str, names: Sequence[str]) -> list[fmpq]:
        """Probabilities, one per name: exactly 1 in sum, or within 1e-9 and then divided by it if floats.

        Raises:
            SpecificationError: no list, one of another length, a negative entry (named), or another sum.
        """
        if not isinstance(values, list):
            raise SpecificationError(f"{where}: expected a list of probabilities, got {values!r}")
        if len(values) != len(names):
            raise SpecificationError(f"{where}: needs {len(names)} probabilities, got {len(values)}")
        prob = []
        for value, name in zip(values, names, strict=True):
            p = self.number(value, f"{where}, {name}")
            if p < 0:
                raise SpecificationError(f"{where}, {name}: a probability must be >= 0, got {value}")
            prob.append(p)
        total = sum(prob, start=fmpq(0))
        if total == 1:
            return prob
        if not any(isinstance(v, float) for v in values) or abs(total - 1) > _SLACK:
            raise SpecificationError(f"{where}: probabilities must sum to 1, got {_readable(total)}")
        self.notes.append(f"{where}: floats that sum to 1 {float_text(total - 1)}; divided by their sum once")
        return [p / total for p in prob]


def float_text(gap: fmpq) -> str:
    """A small rational as a signed decimal.

    >>> float_text(fmpq(-1, 10**12))
    '- 1e-12'
    """
    value = int(gap.p) / int(gap.q)
    return f"{'-' if value < 0 else '+'} {abs(value):.3g}"


def _readable(value: fmpq) -> str:
    """A rational as a/b, with its decimal where a/b is long, and with its distance from 1 where that is small."""
    text = str(value)
    if len(text) <= 48:
        return text
    return f"1 {float_text(value - 1)}" if abs(value - 1) < fmpq(1, 1000) else f"{int(value.p) / int(value.q):.17g}"


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


def section(document: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """A table of the document, which must be there.

    Raises:
        SpecificationError: it is missing, or no table.
    """
    found = document.get(name)
    if not isinstance(found, dict):
        raise SpecificationError(f"[{name}] is missing" if found is None else f"[{name}] must be a table")
    return found


def refuse_unknown(table: Mapping[str, Any], known: set[str], where: str) -> None:
    """Refuse a key that is not known.

    Raises:
        SpecificationError: names the key, and the known ones.
    """
    for key in table:
        if key not in known:
            raise SpecificationError(f"unknown key {key!r} in {where}; known: {', '.join(sorted(known))}")


def read_strings(value: Any, where: str) -> list[str]:
    """A list of different strings, at least one.

    Raises:
        SpecificationError: no such list.
    """
    if not isinstance(value, list) or not all(isinstance(v, str) for v in value):
        raise SpecificationError(f"{where}: expected a list of strings in quotes")
    if not value:
        raise SpecificationError(f"{where}: the list is empty; a support needs at least one string")
    with located(where):
        check_distinct(value)
    return value


def read_beta(reader: Reader, reward: Mapping[str, Any], needed: bool) -> fmpq:
    """beta > 0, or 1 where it is left out and not needed.

    Raises:
        SpecificationError: missing though needed, not a number, or not > 0.
    """
    if "beta" not in reward:
        if needed:
            raise SpecificationError("reward.beta is missing; it divides the rewards (only exp_ rewards do without)")
        return fmpq(1)
    beta: fmpq = reader.number(reward["beta"], "reward.beta")
    if not beta > 0:
        raise SpecificationError(f"reward.beta must be > 0, got {reward['beta']}")
    return beta


def read_reward(reader: Reader, value: Any, beta: fmpq, where: str, *, exponential: bool) -> Reward:
    """One reward: r over beta, or e^(r/beta) if ``exponential``.

    Raises:
        SpecificationError: +inf, NaN or no number.
    """
    if isinstance(value, float) and (math.isnan(value) or value == math.inf):
        raise SpecificationError(f"{where}: a reward must be a number or -inf, got {value}")
    convert = exp_reward if exponential else lambda v: reward_over_beta(v, beta)
    result: Reward = reader.number(value, where, convert)
    return result


def adaptor_entry(entry: Mapping[str, Any], number: int) -> AdaptorEntry:
    """One [[adaptor]].

    Raises:
        SpecificationError: names the entry by its number.
    """
    where = f"adaptor {number}"
    refuse_unknown(entry, {"name", "value", "normalise"}, where)
    for key in ("name", "value"):
        if key not in entry:
            raise SpecificationError(f"{where}: {key} is missing")
    names, values = entry["name"], entry["value"]
    if isinstance(names, list) != isinstance(values, list):
        raise SpecificationError(f"{where}: name and value must both be lists (a chain) or both be single")
    if not isinstance(names, list):
        names, values = [names], [values]
    if not names or len(names) != len(values):
        raise SpecificationError(f"{where}: a chain needs as many values as names, got {len(names)} and {len(values)}")
    reader = Reader()
    steps = []
    for name, value in zip(names, values, strict=True):
        if name not in ADAPTORS:
            raise SpecificationError(f"{where}: unknown adaptor {name!r}; known: {', '.join(ADAPTORS)}")
        setting = reader.number(value, f"{where}, {name}")
        with located(where):
            steps.append(Adaptor(name, setting))
    normalise = entry.get("normalise", "local")
    if normalise not in ("local", "global"):
        raise SpecificationError(f'{where}: normalise must be "local" or "global", got {normalise!r}')
    return AdaptorEntry(entry["name"], entry["value"], normalise, Chain(steps), not reader.floats)


def corpus_entry(entry: Any) -> CorpusEntry:
    """[corpus].

    Raises:
        SpecificationError: a size or an epsilon that cannot be.
    """
    if not isinstance(entry, dict):
        raise SpecificationError("[corpus] must be a table with size and epsilon")
    refuse_unknown(entry, {"size", "epsilon"}, "[corpus]")
    for key in ("size", "epsilon"):
        if key not in entry:
            raise SpecificationError(f"corpus.{key} is missing")
    reader = Reader()
    size = reader.number(entry["size"], "corpus.size")
    if size.q != 1 or size < 1:
        raise SpecificationError(f"corpus.size must be a whole number >= 1, got {entry['size']}")
    epsilon = reader.number(entry["epsilon"], "corpus.epsilon")
    if not epsilon > 0:
        raise SpecificationError(f"corpus.epsilon must be > 0, got {entry['epsilon']}")
    return CorpusEntry(int(size.p), epsilon, exact=not isinstance(entry["epsilon"], float))
