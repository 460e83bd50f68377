"""docs/theory.md: the claims in the order in which a reader would ask, each with its first clause and its page.

What opens a family is the docstring of its folder, its title first.
"""

from __future__ import annotations

import importlib
import inspect
import itertools
from collections.abc import Sequence
from importlib import resources

from theory.claims.claim import Claim


def theory_page(claims: Sequence[Claim]) -> str:
    """The page: its opening, and each family with its claims.

    Raises:
        ValueError: a claim has no sketch of why it is true, which its own page shows.
    """
    parts = [resources.files("theory").joinpath("data/theory.md").read_text(encoding="utf-8").strip()]
    for family, members in itertools.groupby(claims, key=lambda claim: claim.id.split(".")[0]):
        title, text = _opening(family)
        parts += [f"## {title}", *([text] if text else []), "\n".join(map(_line, members))]
    return "\n\n".join(parts) + "\n"


def _opening(family: str) -> tuple[str, str]:
    """A family's title, and the text under it."""
    opening = inspect.getdoc(importlib.import_module(f"theory.claims.{family}")) or family
    title, _, text = opening.partition("\n")
    return title.rstrip("."), text.strip()


def _line(claim: Claim) -> str:
    if not claim.sketch.strip():
        raise ValueError(f"{claim.id} has no sketch of why it is true; give it one in sketch=")
    return f"- [{claim.id}](claims/{claim.id}.md): {claim.title}."


__all__ = ["theory_page"]
