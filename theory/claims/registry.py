"""All claims, in the order in which a reader of the paper would ask."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from theory.arithmetic.exact import precision
from theory.claims import (
    adaptors,
    adaptors_reach,
    adaptors_tree,
    alignment,
    alignment_paths,
    audit,
    automata,
    correlation,
    correlation_sampling,
    line,
    line_limits,
    metropolis,
    prompts,
    simpson,
)
from theory.claims.claim import Claim, Profile, Result, run

_ALL: tuple[Claim, ...] = (
    *alignment.CLAIMS,
    *alignment_paths.CLAIMS,
    *line.CLAIMS,
    *line_limits.CLAIMS,
    *correlation.CLAIMS,
    *correlation_sampling.CLAIMS,
    *adaptors.CLAIMS,
    *adaptors_reach.CLAIMS,
    *adaptors_tree.CLAIMS,
    *simpson.CLAIMS,
    *metropolis.CLAIMS,
    *prompts.CLAIMS,
    *automata.CLAIMS,
    *audit.CLAIMS,
)

_SHOWN_IN: dict[str, str] = {
    "alignment.strength": "strength",
    "line.concentration": "line",
    "line.rate": "line",
    "line.exact-typicality": "line",
    "correlation.iid": "toy",
    "correlation.measure": "toy",
    "correlation.typical": "typical",
    "adaptors.exchange": "exchange",
    "adaptors.none": "plane",
    "adaptors.family": "plane",
    "adaptors.truncation": "plane",
    "adaptors.local-global": "plane",
    "adaptors.order-preserving": "plane",
    "simpson.crossing": "simpson",
    "metropolis.spectrum": "metropolis",
    "metropolis.acceptance": "metropolis",
    "metropolis.corpora": "metropolis",
    "metropolis.accept-all": "metropolis",
    "prompts.identification": "prompts",
    "automata.partition": "automata",
    "automata.critical-temperature": "automata",
    "automata.leak": "automata",
    "automata.ambiguity": "automata",
}
"""The figure beside each claim: the module of that name in ``figures``."""

CLAIMS: tuple[Claim, ...] = tuple(replace(claim, figure=_SHOWN_IN.get(claim.id)) for claim in _ALL)


REPEATED: tuple[Claim, ...] = tuple(claim for claim in CLAIMS if not claim.id.startswith("audit."))
"""The claims that are repeated by sampling: all but those on procedures, of which there is nothing to sample."""


def find(ids: Sequence[str]) -> tuple[Claim, ...]:
    """The claims with these ids or of these families, in the registry's order; all of them for no ids.

    Raises:
        ValueError: an id that no claim has, with the nearest ones.
    """
    if not ids:
        return CLAIMS
    for wanted in ids:
        if not any(_matches(claim, wanted) for claim in CLAIMS):
            family = wanted.split(".")[0]
            near = [c.id for c in CLAIMS if c.id.startswith(family + ".")] or sorted(
                {c.id.split(".")[0] for c in CLAIMS}
            )
            raise ValueError(f"no claim {wanted!r}; known: {', '.join(near)}")
    return tuple(claim for claim in CLAIMS if any(_matches(claim, wanted) for wanted in ids))


def _matches(claim: Claim, wanted: str) -> bool:
    return claim.id == wanted or claim.id.startswith(wanted + ".")


def check(claim_id: str, profile: Profile) -> Result:
    """Run one claim by its id, in balls of 256 bits."""
    (claim,) = (c for c in CLAIMS if c.id == claim_id)
    with precision():
        return run(claim, profile)
