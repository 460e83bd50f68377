"""How a shard keeps log w and log c of every setting: what follows from other columns is not stored again.

A setting that keeps tokens at a power 1 / T has log w = log p / T of a token that it keeps, and -inf of one that it
cuts off. So a bit a token says what log w is, once log p is known as the adaptors read it: windows of the falling order
read the law in float32, which is log_aligned but for the rounding of the row. That difference stands in a column of its
own, with as few bits as give every float32 log w back; most are 0.

Nothing is taken on trust: what these columns give back is compared with what came, bit for bit, and every number that
differs is stored as an exception. Those are few: of tokens whose probability is almost 1, where log p is the rounding
of a sum that not all settings add up in one order. Settings that bend the law, such as penalties, keep their log w.

Layout 1, of before, has log_weight_K and log_normaliser_K for every setting; each shard says its own layout, and both
are read.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from simulations.arrays import Floats, Index, Mask
from simulations.bridge.store import StoreError
from simulations.sampling.sorted_rows import is_window
from theory.adaptors.exact import Chain
from theory.arithmetic.exact import to_float

Singles = NDArray[np.float32]
Numbers = NDArray[np.generic]

LAYOUT = {"layout": "2"}
"""What a shard says of itself; one of before says nothing."""

KEPT, CORRECTION, NORMALISER = "kept", "correction", "log_normaliser"
EXCEPTION, PLACE = "exception", "exception_place"
SHARED = (KEPT, CORRECTION, NORMALISER, EXCEPTION, PLACE)
"""The columns of layout 2 that no single setting owns."""


@dataclass(frozen=True, slots=True)
class Law:
    """What a setting's log w follows from where it follows: (log_aligned, corrected or not) times a power.

    Args:
        corrected: the law in float32, as windows of the falling order read it; else the law itself.
        power: 1 / T, of several temperatures their product.
    """

    corrected: bool
    power: float

    @staticmethod
    def of(steps: Chain) -> Law:
        """Of a chain, whether it follows from this or not."""
        power = 1.0
        for step in steps:
            if step.name == "temperature":
                power /= to_float(step.value)
        return Law(is_window(steps), power)

    def log_weight(self, log_prob: Floats, correction: Singles) -> Singles:
        """log w of tokens that are kept, as float32."""
        base = log_prob + correction if self.corrected else log_prob
        found: Singles = (self.power * base).astype(np.float32)
        return found


# --- writing ------------------------------------------------------------------------------------------------------


def packed(
    chains: Sequence[Chain], log_weight: Floats, log_normaliser: Floats, log_prob: Floats, length: Index
) -> dict[str, pa.Array]:
    """The columns of layout 2.

    Args:
        chains: of the settings.
        log_weight: of every setting, shape (settings, B, T), nats.
        log_normaliser: of the same shape.
        log_prob: log_aligned, shape (B, T), nats.
        length: tokens of each string, shape (B,).
    """
    inside = np.arange(log_prob.shape[1])[None, :] < length[:, None]
    weight, base = log_weight[:, inside].astype(np.float32), log_prob[inside]
    laws, kept = [Law.of(chain) for chain in chains], weight > -np.inf
    correction = corrections(laws, weight, kept, base)
    again = {law: law.log_weight(base, correction) for law in dict.fromkeys(laws)}
    found = np.where(kept, np.stack([again[law] for law in laws]), np.float32(-np.inf))
    apart = found.view(np.int32) != weight.view(np.int32)
    bent = [number for number, chain in enumerate(chains) if chain.bends]
    apart[bent] = False
    # as everywhere in a row: first all tokens under setting 0, then under setting 1
    place = _places(length, len(chains))
    there = apart.ravel()[place]
    size = length * len(chains)
    within = np.arange(len(place)) - np.repeat(np.cumsum(size) - size, size)
    count = sums(there, size).astype(np.int64)
    columns = {
        KEPT: _binary(np.packbits(kept, axis=0, bitorder="little").T, length),
        CORRECTION: _lists(correction, length),
        NORMALISER: _lists(log_normaliser[:, inside].astype(np.float32).ravel()[place], size),
        EXCEPTION: _lists(weight.ravel()[place][there], count),
        PLACE: _lists(within[there].astype(np.int32), count),
    }
    return columns | {f"log_weight_{number}": _lists(weight[number], length) for number in bent}


def corrections(laws: Sequence[Law], weight: Singles, kept: Mask, base: Floats) -> Singles:
    """What is to be added to log_aligned so that every window's log w comes out, with few bits; 0 where nothing is.

    A float32 number says in which interval the one that it was rounded from lies. So each log w says in which interval
    its power of log p does; the correction is the shortest number in the intersection.

    Args:
        laws: of the settings.
        weight: log w, shape (settings, n).
        kept: where it is finite, shape (settings, n).
        base: log_aligned, shape (n,).
    """
    low, high = np.full(len(base), -np.inf), np.full(len(base), np.inf)
    for law in dict.fromkeys(law for law in laws if law.corrected):
        own = np.flatnonzero([one == law for one in laws])
        # of those that keep the token, the one in the middle: what most of them say
        count = kept[own].sum(axis=0)
        known = count > 0
        middle = np.minimum(len(own) - (count + 1) // 2, len(own) - 1)
        value = np.where(known, np.sort(weight[own], axis=0)[middle, np.arange(len(base))], np.float32(0))
        ends = [np.nextafter(value, np.float32(end)).astype(np.float64) for end in (-np.inf, np.inf)]
        bottom, top = ((value + end) / (2 * law.power) for end in ends)
        # not up to the ends, where the quotient's own rounding decides
        bottom, top = bottom + 2 * np.spacing(np.abs(bottom)), top - 2 * np.spacing(np.abs(top))
        # a setting that contradicts those before it will not follow, and must not spoil the others
        fits = known & (np.maximum(low, bottom) <= np.minimum(high, top))
        low, high = np.where(fits, np.maximum(low, bottom), low), np.where(fits, np.minimum(high, top), high)
    return _shortest(low, high, base)


_BITS = (2, 5, 8, 11, 16, 24)
"""Of a correction, tried in turn."""


def _shortest(low: Floats, high: Floats, base: Floats) -> Singles:
    """Numbers of few bits that, added to ``base``, lie between two others; the middle where none does."""
    found = np.zeros(len(base), dtype=np.float32)
    open_ = np.flatnonzero(np.isfinite(base) & ((base < low) | (base > high)))
    low, high, base = low[open_], high[open_], base[open_]
    middle = low + (high - low) / 2 - base
    for bits in _BITS:
        mantissa, exponent = np.frexp(middle)
        tried = np.ldexp(np.round(np.ldexp(mantissa, bits)), exponent - bits).astype(np.float32)
        found[open_] = tried
        left = (base + tried <= low) | (base + tried >= high)
        open_, low, high, base, middle = (own[left] for own in (open_, low, high, base, middle))
    return found


def _lists(values: Numbers, length: Index) -> pa.Array:
    offsets = np.concatenate(([0], np.cumsum(length))).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets), pa.array(values))


def _binary(words: NDArray[np.uint8], length: Index) -> pa.Array:
    """The bytes of each string's tokens, shape (n, bytes a token)."""
    offsets = (np.concatenate(([0], np.cumsum(length))) * words.shape[1]).astype(np.int32)
    buffers = [None, pa.py_buffer(offsets), pa.py_buffer(np.ascontiguousarray(words))]
    return pa.Array.from_buffers(pa.binary(), len(length), buffers)


def _places(length: Index, settings: int) -> Index:
    """Where in an array of shape (settings, n) each number stands of those that go string by string."""
    start = np.cumsum(length) - length
    count = np.repeat(length, settings)
    first = (start[:, None] + int(length.sum()) * np.arange(settings)[None, :]).ravel()
    run = np.arange(int(count.sum())) - np.repeat(np.cumsum(count) - count, count)
    found: Index = np.repeat(first, count) + run
    return found


# --- reading ------------------------------------------------------------------------------------------------------


def numbers(column: pa.ChunkedArray) -> Numbers:
    """A column of numbers, NaN for a null, or of true and false as 1 and 0."""
    # not to_numpy(), fill_null(nan) or an empty pa.array(): they import pandas, which takes longer than a small run
    if not len(column):
        return np.zeros(0, column.type.to_pandas_dtype())
    if pa.types.is_boolean(column.type):
        column = column.cast(pa.uint8())
    if column.null_count:
        every = np.full(len(column), np.nan)
        every[numbers(column.is_valid()) == 1] = numbers(column.drop_null())
        return every
    found: Numbers = np.from_dlpack(column.combine_chunks())
    return found


def lengths(column: pa.ChunkedArray) -> Index:
    """How many entries each list of a column has, shape (n,)."""
    return numbers(pc.list_value_length(column)).astype(np.int64)


def flat(column: pa.ChunkedArray) -> Numbers:
    """The entries of all lists of a column, one after another."""
    return numbers(pc.list_flatten(column))


def sums(values: Numbers, length: Index) -> Floats:
    """Of so many entries each, in float64; 0 of none."""
    found, filled = np.zeros(len(length)), length > 0
    if filled.any():
        found[filled] = np.add.reduceat(values.astype(np.float64), (np.cumsum(length) - length)[filled])
    return found


def check_layout(table: pa.Table, where: str) -> None:
    """Refuse a shard that a later version wrote.

    Raises:
        StoreError: names the layout.
    """
    said = (table.schema.metadata or {}).get(b"layout", b"1").decode("ascii", "replace")
    if said not in {"1", LAYOUT["layout"]}:
        raise StoreError(f"{where}: has layout {said[:20]}, this version reads 1 and 2; read it with a later version")


def setting_sums(table: pa.Table, chains: Sequence[Chain]) -> tuple[Floats, Floats]:
    """(log w, log c) of every string under every setting, sums over its tokens: shapes (settings, n), nats."""
    if _layout(table) == 1:
        weights, normalisers = (
            np.stack([sums(flat(own), lengths(own)) for own in (table[f"{name}_{k}"] for k in range(len(chains)))])
            for name in ("log_weight", "log_normaliser")
        )
        return weights, normalisers
    stored, settings = _Stored.of(table, chains), len(chains)
    length, laws = stored.length, list(dict.fromkeys(stored.laws))
    filled = length > 0
    whole = np.full((len(length), stored.words.shape[1]), 255, dtype=np.uint8)
    if filled.any():
        whole[filled] = np.bitwise_and.reduceat(stored.words, (np.cumsum(length) - length)[filled], axis=0)
    kept = np.unpackbits(whole, axis=1, count=settings, bitorder="little").T.astype(bool)
    of_law = np.stack([stored.of_law(law) for law in laws])
    place = [laws.index(law) for law in stored.laws]
    weight = np.stack([sums(own, length) for own in of_law])[place]
    _put_exceptions(weight, stored, of_law[place])
    weight[~kept] = -np.inf
    for number in range(settings):
        if (name := f"log_weight_{number}") in table.column_names:
            weight[number] = sums(flat(table[name]), length)
    normaliser = sums(flat(table[NORMALISER]), np.repeat(length, settings))
    return weight, np.ascontiguousarray(normaliser.reshape(len(length), settings).T)


def _put_exceptions(weight: Floats, stored: _Stored, values: Singles) -> None:
    """Sum anew the few strings that have an exception under a setting."""
    setting, row, token = stored.exceptions()
    pairs, own = np.unique(setting * len(stored.length) + row, return_inverse=True)
    settings, rows = np.divmod(pairs, max(len(stored.length), 1))
    length, start = stored.length[rows], np.cumsum(stored.length) - stored.length
    begin = np.cumsum(length) - length
    place = np.arange(int(length.sum())) + np.repeat(start[rows] - begin, length)
    found = values[np.repeat(settings, length), place]
    found[begin[own] + token - start[row]] = stored.exception
    weight[settings, rows] = sums(found, length)


@dataclass(frozen=True, slots=True, eq=False)
class _Stored:
    """A table's numbers that log w follows from.

    Args:
        laws: of the settings.
        length: tokens of each string, shape (rows,).
        base, correction: of every token, shape (n,).
        words: bits of every token, shape (n, bytes a token).
        exception, place, count: log w that does not follow, where in its row it stands, and how many a row has.
    """

    laws: tuple[Law, ...]
    length: Index
    base: Floats
    correction: Singles
    words: NDArray[np.uint8]
    exception: Singles
    place: Index
    count: Index

    @staticmethod
    def of(table: pa.Table, chains: Sequence[Chain]) -> _Stored:
        return _Stored(
            laws=tuple(Law.of(chain) for chain in chains),
            length=lengths(table["log_aligned"]),
            base=flat(table["log_aligned"]).astype(np.float64, copy=False),
            correction=flat(table[CORRECTION]).astype(np.float32, copy=False),
            words=_words(table[KEPT], len(chains)),
            exception=flat(table[EXCEPTION]).astype(np.float32, copy=False),
            place=flat(table[PLACE]).astype(np.int64),
            count=lengths(table[EXCEPTION]),
        )

    def of_law(self, law: Law) -> Singles:
        """log w of every token, as if it were kept."""
        return law.log_weight(self.base, self.correction)

    def exceptions(self) -> tuple[Index, Index, Index]:
        """(setting, row, token among all) of every exception."""
        row = np.repeat(np.arange(len(self.length)), self.count)
        setting, token = np.divmod(self.place, np.maximum(self.length[row], 1))
        return setting, row, token + (np.cumsum(self.length) - self.length)[row]


def expanded(table: pa.Table, chains: Sequence[Chain]) -> pa.Table:
    """The table with log_weight_K and log_normaliser_K, lists of float32, for every setting: layout 1."""
    if _layout(table) == 1 or NORMALISER not in table.column_names:
        return table
    stored, settings = _Stored.of(table, chains), len(chains)
    kept = np.unpackbits(stored.words, axis=1, count=settings, bitorder="little").T.astype(bool)
    again = {law: stored.of_law(law) for law in dict.fromkeys(stored.laws)}
    weight = np.where(kept, np.stack([again[law] for law in stored.laws]), np.float32(-np.inf))
    setting, _, token = stored.exceptions()
    weight[setting, token] = stored.exception
    normaliser = np.empty((settings, len(stored.base)), dtype=np.float32)
    normaliser.ravel()[_places(stored.length, settings)] = flat(table[NORMALISER])
    found = table.drop_columns(list(SHARED))
    for number in range(settings):
        if (name := f"log_weight_{number}") not in found.column_names:
            found = found.append_column(name, _lists(weight[number], stored.length))
        found = found.append_column(f"log_normaliser_{number}", _lists(normaliser[number], stored.length))
    return found


def _words(column: pa.ChunkedArray, settings: int) -> NDArray[np.uint8]:
    """The bytes of every token, shape (n, bytes a token)."""
    parts = []
    for chunk in column.chunks:
        _, offsets, content = chunk.buffers()
        ends = np.frombuffer(offsets, np.int32)[[chunk.offset, chunk.offset + len(chunk)]]
        parts.append(np.frombuffer(content, np.uint8)[ends[0] : ends[1]] if content else np.zeros(0, np.uint8))
    return np.concatenate(parts).reshape(-1, -(-settings // 8))


def _layout(table: pa.Table) -> int:
    return 2 if KEPT in table.column_names else 1


__all__ = [
    "LAYOUT",
    "Law",
    "check_layout",
    "corrections",
    "expanded",
    "flat",
    "lengths",
    "numbers",
    "packed",
    "setting_sums",
    "sums",
]
