"""How far a clause and a claim have been established, and how a claim's verdict follows from its clauses' grades."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum


class Grade(StrEnum):
    """What stands behind one clause, in the order from the strongest."""

    FORMAL = "FORMAL"
    """A proof checked by machine, for every model that the clause speaks of."""
    CITED = "CITED"
    """A textbook theorem, named with its place; its findings on the cases hold."""
    SYMBOLIC = "SYMBOLIC"
    """By computer algebra for so many strings, trees or states, and in rationals or balls on the named cases."""
    CERTIFIED = "CERTIFIED"
    """In rationals or balls, on the named cases."""
    TESTED = "TESTED"
    """In float64, or along a sequence towards a limit, within a stated tolerance."""
    UNDECIDED = "UNDECIDED"
    """Some comparison is not certain, or nothing was found."""
    REFUTED = "REFUTED"
    """A witness certainly violates it."""


class Verdict(StrEnum):
    """What a claim comes to: its weakest clause's grade, with one word for a claim that is proved."""

    PROVED = "PROVED"
    """Every clause is FORMAL, or follows from CITED theorems by FORMAL steps."""
    CITED = "CITED"
    """Every clause is a textbook theorem."""
    SYMBOLIC = "SYMBOLIC"
    """The weakest clause holds by computer algebra for so many strings, trees or states."""
    CERTIFIED = "CERTIFIED"
    """The weakest clause holds in rationals or balls, on the named cases."""
    TESTED = "TESTED"
    """The weakest clause holds in float64, or towards a limit, within a stated tolerance."""
    SAMPLED = "SAMPLED"
    """By draws, with an interval and an error probability."""
    REFUTED = "REFUTED"
    """A witness certainly violates a clause."""
    UNDECIDED = "UNDECIDED"
    """Some comparison is not certain."""


STANDS = frozenset({Verdict.PROVED, Verdict.CITED, Verdict.SYMBOLIC, Verdict.CERTIFIED, Verdict.TESTED})
"""The verdicts of a claim that nothing speaks against."""


def verdict_of(grades: Sequence[Grade]) -> Verdict:
    """The verdict of a claim whose clauses have these grades.

    >>> str(verdict_of([Grade.FORMAL, Grade.CERTIFIED])), str(verdict_of([Grade.FORMAL, Grade.CITED]))
    ('CERTIFIED', 'PROVED')
    """
    if not grades:
        return Verdict.UNDECIDED
    order = list(Grade)
    weakest = max(grades, key=order.index)
    if Grade.FORMAL in grades and weakest in {Grade.FORMAL, Grade.CITED}:
        return Verdict.PROVED
    return Verdict(str(weakest))
