"""docs/theory.md: every claim with its formula, what it needs and why it is true, in the order a reader would ask.

A claim's sketch stands beside its statement; what opens a family is the docstring of its folder, its title first. The
verdicts rest on the checks, not on these texts.
"""

from __future__ import annotations

import importlib
import inspect
import itertools
from collections.abc import Iterator, Sequence
from importlib import resources

from theory.claims.claim import Claim, as_sentence


def theory_page(claims: Sequence[Claim]) -> str:
    """The page: its opening, and each family with its claims.

    Raises:
        ValueError: a claim has no sketch.
    """
    parts = [resources.files("theory").joinpath("data/theory.md").read_text(encoding="utf-8").strip()]
    for family, members in itertools.groupby(claims, key=lambda claim: claim.id.split(".")[0]):
        title, text = _opening(family)
        parts += [f"## {title}", *([text] if text else []), *map(_section, members)]
    return "\n\n".join(parts) + "\n"


def _opening(family: str) -> tuple[str, str]:
    """A family's title, and the text under it."""
    opening = inspect.getdoc(importlib.import_module(f"theory.claims.{family}")) or family
    title, _, text = opening.partition("\n")
    return title.rstrip("."), text.strip()


def _section(claim: Claim) -> str:
    if not claim.sketch.strip():
        raise ValueError(f"{claim.id} has no sketch of why it is true; give it one in sketch=")
    sentence = f" Of sentence {claim.sentence}." if claim.sentence else ""
    lines = [
        f"### {claim.id}",
        f"{claim.title}.{sentence}",
        *_statement(claim),
        f"*Needs*: {'; '.join(claim.hypotheses)}.",
        f"*Sketch.* {claim.sketch.strip()}",
        f"*Source*: {claim.source}.",
    ]
    return "\n\n".join(lines)


def _statement(claim: Claim) -> Iterator[str]:
    """The clauses after the first, which is the title, and every formula."""
    for number, clause in enumerate(claim.clauses):
        if number:
            yield f"{as_sentence(clause.text)}."
        if clause.formula:
            yield f"$$\n{clause.formula}\n$$"


__all__ = ["theory_page"]
