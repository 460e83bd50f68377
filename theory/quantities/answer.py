"""The numbers of ``probqual exact`` for a document of any kind."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from theory.quantities.automaton import automaton_quantities
from theory.quantities.finite import quantities
from theory.specification.finite import specification


def answer(document: Mapping[str, Any]) -> dict[str, Any]:
    """The JSON object of ``probqual exact`` for a parsed specification of any kind: table, tree or automaton.

    Raises:
        SpecificationError: names the element that is refused.
    """
    prior = document.get("prior")
    if isinstance(prior, dict) and prior.get("kind") == "automaton":
        return automaton_quantities(document)
    return quantities(specification(document))
