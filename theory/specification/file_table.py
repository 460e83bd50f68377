"""A table whose rows are in a file: read in float64, short ones exactly as if they were written in the specification.

A short table takes the way of ``kind = "table"`` with bare floats, so that ties are formal and corpora are summed by
every route. A long one is a ``LongTable``. Neither has error balls: numbers in a file are floats.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from flint import fmpq
from numpy.typing import NDArray

from theory.alignment.gibbs import Aligned, align
from theory.arithmetic.exact import objects, rational
from theory.language_models.rewards import Reward
from theory.language_models.tree import TreeModel
from theory.models.long_table import Columns, LongTable, log_sum
from theory.specification.adaptors import AdaptorEntry, adaptor_entry
from theory.specification.documents import file_document
from theory.specification.finite import Specification
from theory.specification.reader import (
    MOST_REWARD,
    CorpusEntry,
    Reader,
    corpus_entry,
    located,
    read_beta,
)
from theory.specification.table_files import Advance, TableFile, read_table
from theory.specification.tables import SpecificationError

SHORT = 4096
"""Up to so many strings a table takes the exact way."""

_SLACK = 1e-9

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class FileSpecification:
    """A table in a file as specified.

    Args:
        names: the strings of positive p+.
        columns: their numbers.
        complete: whether these are all strings that have mass under the prior.
        exact: never: numbers in a file are floats.
        notes: what reading changed, in words.
    """

    names: tuple[str, ...]
    columns: Columns
    complete: bool
    adaptors: tuple[AdaptorEntry, ...]
    corpus: CorpusEntry | None
    notes: tuple[str, ...]
    kind: Literal["table"] = "table"
    exact: bool = False
    constraint: None = None

    def model(self) -> LongTable:
        """The model in float64."""
        return LongTable.of(self.columns)

    @property
    def states(self) -> None:
        """None: it is no automaton."""
        return None

    @property
    def refinable(self) -> bool:
        """Whether a higher precision makes results sharper: those of corpora, which are in balls."""
        return True

    def critical_points(self, *, lawful: bool) -> None:
        """None: finitely many strings have a law at every temperature and beta."""
        del lawful
        return None

    def short(self) -> Specification:
        """The same with every decimal of the file taken exactly, the logarithms of p rounded. Cost: slow beyond 10^5.

        p+ keeps its exact form c e^a, so that strings tie that tie by construction.
        """
        aligned = _exact(self.names, self.columns, complete=self.complete)
        return Specification("table", aligned, self.adaptors, self.corpus, False, self.notes)

    def likeliest(self, count: int) -> tuple[Specification, float]:
        """The model on the likeliest strings under p+ alone, p divided by its sum there; and their share of p+."""
        prob = self.model().prob
        chosen = np.sort(np.argsort(-prob, kind="stable")[:count])
        names = tuple(self.names[y] for y in chosen)
        aligned = _exact(names, self.columns.kept(chosen), complete=True)
        found = Specification("table", aligned, self.adaptors, self.corpus, False, self.notes)
        return found, float(prob[chosen].sum())


def file_specification(
    document: Mapping[str, object], beside: Path, advance: Advance | None = None
) -> FileSpecification:
    """The specification of a table in a file.

    Args:
        document: the parsed TOML document.
        beside: the folder in which the file's name is looked up.
        advance: is told how far the file is read.

    Raises:
        SpecificationError: names the element, or the file's row and column.
    """
    found = file_document(document)
    reader = Reader()
    path = beside / found.prior.file
    with located(f"prior.file, {found.prior.file}"):
        table = read_table(path, advance)
    notes = [f"prior.file: {len(table.names):,} rows in float64, so no number has a ball"]
    if table.unread:
        notes.append(f"prior.file: columns that are not read: {', '.join(table.unread[:12])}")
    if table.value_name == "log_aligned" and found.reward.beta is not None:
        raise SpecificationError("reward.beta with a column log_aligned: R is log p+ - log p already; leave beta out")
    if table.value_name == "reward" and found.reward.beta is None:
        notes.append("reward.beta is left out: 1")
    beta = read_beta(reader, found.reward.beta, needed=False)
    with located(f"prior.file, {found.prior.file}"):
        total = _total(table, found.prior.normalise, notes)
        names, columns, complete = _supported(table, beta, total)
    return FileSpecification(
        names=names,
        columns=columns,
        complete=complete,
        adaptors=tuple(adaptor_entry(entry, k, other_names=True) for k, entry in enumerate(found.adaptor, start=1)),
        corpus=None if found.corpus is None else corpus_entry(found.corpus),
        notes=tuple(notes),
    )


def _total(table: TableFile, normalise: bool, notes: list[str]) -> float:
    """What the prior sums to, after saying what is divided by what.

    Raises:
        SpecificationError: it is not 1, and nobody asked for a division; or it is 0 or too large.
    """
    logarithm = table.prior_name == "log_prob"
    prior = _sum(table.prior, table.prior_name, logarithm)
    if table.prior_name == "weight":
        notes.append(f"column weight: divided by its sum, {prior:.12g}")
    else:
        _unit(prior, table.prior_name, normalise, notes)
    if table.value_name == "log_aligned":
        _unit(_sum(table.value, "log_aligned", True), "log_aligned", normalise, notes)
    return prior


def _sum(values: Floats, column: str, logarithm: bool) -> float:
    """The sum of a column, or of e to its power."""
    if logarithm:
        log_total = log_sum(values) if (values > -math.inf).any() else -math.inf
        total = math.exp(log_total) if log_total < 700 else math.inf
    else:
        total = math.fsum(values)
    if not 0 < total < math.inf:
        raise SpecificationError(f"column {column}: the masses sum to {total}, which nothing can be divided by")
    return total


def _unit(total: float, column: str, normalise: bool, notes: list[str]) -> None:
    gap = total - 1
    if abs(gap) > _SLACK and not normalise:
        raise SpecificationError(
            f"column {column}: the masses sum to {total:.12g}, not to 1; normalise = true divides by the sum"
        )
    if abs(gap) > 1e-15:
        sign = "-" if gap < 0 else "+"
        notes.append(f"column {column}: the masses sum to 1 {sign} {abs(gap):.6g}; divided by their sum once")


def _supported(table: TableFile, beta: fmpq, total: float) -> tuple[tuple[str, ...], Columns, bool]:
    """The strings of positive p+, their columns, and whether no other string has mass under the prior.

    Raises:
        SpecificationError: there are none, or a reward is beyond what can be computed.
    """
    logarithm = table.prior_name == "log_prob"
    inside = (table.prior > -math.inf) if logarithm else (table.prior > 0)
    with np.errstate(invalid="ignore"):
        far = inside & (np.abs(table.value) / (int(beta.p) / int(beta.q)) > MOST_REWARD) & (table.value > -math.inf)
    if far.any():
        row = int(far.argmax()) + 1
        raise SpecificationError(
            f"row {row}, column {table.value_name}: beyond 10^18 nats; a larger beta can be computed"
        )
    kept = inside & (table.value > -math.inf)
    if not kept.any():
        raise SpecificationError("the support is empty: every string has reward -inf, so Z = 0")
    columns = Columns(table.prior, table.value, logarithm, table.value_name == "log_aligned", beta, total)
    if kept.all():
        return table.names, columns, True
    names = tuple(name for name, one in zip(table.names, kept, strict=True) if one)
    return names, columns.kept(kept), bool((kept == inside).all())


def _exact(names: tuple[str, ...], columns: Columns, *, complete: bool) -> Aligned:
    """p as rationals, R = a + log x such that p e^R is the exact weight; R itself where that is exact.

    With logarithms p is the rounded exponential, so R differs from r / beta by that rounding.
    """
    raw = np.exp(columns.prior - math.log(columns.total)) if columns.logarithm else columns.prior
    masses = [rational(float(p)) for p in raw]
    given = fmpq(1) if columns.logarithm else rational(columns.total)
    whole = sum(masses, start=fmpq(0)) if complete else given
    prior = [p / whole for p in masses]
    rewards = []
    plain = not columns.aligned and (not columns.logarithm or bool((columns.value == columns.value[0]).all()))
    for y, p in enumerate(prior):
        c, a = columns.reward(y) if plain else columns.weight(y)
        rewards.append(Reward(exponent=a, factor=c if plain else c / p))
    model = TreeModel.table(names, objects(prior))
    return align(model, rewards)


__all__ = ["SHORT", "FileSpecification", "file_specification"]
