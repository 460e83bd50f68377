"""docs/theory.md: every claim with its formula, what it needs and why it is true, in the order a reader would ask.

The proof sketches, and the words around them, are theory/data/theory.md: Markdown with LaTeX between dollars, a heading
for each claim. The verdicts rest on the checks, not on these texts.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from importlib import resources

from theory.claims.claim import Claim

_HEADING = re.compile(r"^### (\S+)\n\n", flags=re.MULTILINE)


def sketched() -> str:
    """The text with the sketches."""
    return resources.files("theory").joinpath("data/theory.md").read_text(encoding="utf-8")


def theory_page(claims: Sequence[Claim], text: str) -> str:
    """The text with each claim's formula and needs put in under its heading, and its source behind its sketch.

    Raises:
        ValueError: the headings are not the claims, in their order.
    """
    opening, *parts = _HEADING.split(text)
    ids, sketches = parts[::2], parts[1::2]
    if ids != [claim.id for claim in claims]:
        odd = sorted({*ids} ^ {claim.id for claim in claims}) or ["their order"]
        raise ValueError(f"theory/data/theory.md has other headings than there are claims: {', '.join(odd)}")
    page = [opening]
    for claim, sketch in zip(claims, sketches, strict=True):
        own, family, following = sketch.partition("\n## ")
        page.append(_section(claim, own.strip()) + (f"\n## {following}" if family else "\n"))
    return "".join(page).rstrip() + "\n"


def _section(claim: Claim, sketch: str) -> str:
    sentence = f" Of sentence {claim.sentence}." if claim.sentence else ""
    lines = [
        f"### {claim.id}",
        f"{claim.title}.{sentence}",
        f"$$\n{claim.statement}\n$$",
        f"*Needs*: {'; '.join(claim.hypotheses)}.",
        f"*Sketch.* {sketch}",
        f"*Source*: {claim.source}.",
    ]
    return "\n\n".join(lines) + "\n"


__all__ = ["sketched", "theory_page"]
