"""A case of a claim with one number changed, on which the claim must fail; and exact numbers from fractions."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from fractions import Fraction
from typing import Any

from flint import arb, fmpq

from theory.alignment.gibbs import Aligned
from theory.arithmetic.exact import fraction, objects
from theory.claims.claim import Case, Claim, Finding
from theory.claims.instances import named
from theory.models.finite import FiniteModel

TINY = fmpq(1, 10**25)

Edit = Callable[[Any], Any]


def model(name: str) -> FiniteModel:
    """The named model: "C5"."""
    found: FiniteModel = named(name)[0].content
    return found


def numbers(name: str, change: Callable[[Any], Any]) -> Edit:
    """The case with one of its model's arrays changed."""
    return _in_model(
        lambda found: replace(found, numbers=replace(found.numbers, **{name: change(getattr(found.numbers, name))}))
    )


def moment(name: str, change: Callable[[Any], Any]) -> Edit:
    """The case with one of its model's moments changed."""
    return _in_model(
        lambda found: replace(found, mean=replace(found.mean, **{name: change(getattr(found.mean, name))}))
    )


def of_corpora(name: str, change: Callable[[Any], Any]) -> Edit:
    """The case with one of its corpora's arrays changed."""
    return lambda content: replace(
        content, corpora=replace(content.corpora, **{name: change(getattr(content.corpora, name))})
    )


def _in_model(edit: Callable[[FiniteModel], FiniteModel]) -> Edit:
    """The edit of a model, of a tuple of one model, or of what holds a model as ``found``."""

    def edited(content: Any) -> Any:
        if isinstance(content, tuple):
            return (edit(content[0]),)
        return edit(content) if isinstance(content, FiniteModel) else replace(content, found=edit(content.found))

    return edited


def turns_red(claim: Claim, content: Any, edit: Edit) -> None:
    """The claim holds on the case, and certainly fails once one number is changed."""
    assert {finding.outcome for finding in claim.check(content)} == {"holds"}
    assert "fails" in {finding.outcome for finding in claim.check(edit(content))}


def failures(findings: Iterable[Finding]) -> list[str]:
    """The findings that do not certainly hold."""
    return [f"{f.label}: {f.value}" for f in findings if f.outcome != "holds"]


# --- changes of a number or an array ------------------------------------------------------------------------------


def negated(value: Any) -> Any:
    return -value


def nudged(value: Any) -> Any:
    return value + TINY


def one_nudged(values: Any) -> Any:
    """The last entry alone is changed."""
    return objects([*values[:-1], values[-1] + TINY])


def first_nudged(values: Any) -> Any:
    """The first entry alone is changed."""
    return objects([values[0] + TINY, *values[1:]])


def rotated(values: Any) -> Any:
    """Every string has the number of the next."""
    return objects([*values[1:], values[0]])


# --- exact numbers ------------------------------------------------------------------------------------------------


def rational(value: Fraction) -> fmpq:
    return fmpq(value.numerator, value.denominator)


def ln(value: Fraction) -> arb:
    """log of a rational, as a ball."""
    return arb(rational(value)).log()


def content_of(one: Case) -> tuple[list[Fraction], list[Fraction]]:
    """(p, e^R) of a case's strings, as they are in the model."""
    aligned: Aligned = one.content.aligned
    return [fraction(p) for p in aligned.prior], [fraction(r.factor) for r in aligned.reward]
