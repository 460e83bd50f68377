"""All claims, found by their folders: ``family.some-claim`` is ``CLAIM`` in ``theory/claims/family/some_claim.py``."""

from __future__ import annotations

import functools
import importlib
import pkgutil
from collections.abc import Iterable, Sequence

from theory import claims as folder
from theory.arithmetic.exact import precision
from theory.claims.claim import Claim, Profile
from theory.claims.outside import installed
from theory.claims.running import Result, run

_SHARED = "models"
"""What the claims of a family share lies beside them, in modules whose names end so."""


@functools.cache
def modules() -> dict[str, str]:
    """{id: module} of every claim, from the names of folders and files alone; nothing is imported."""
    return {
        f"{family.name}.{file.name.replace('_', '-')}": f"{folder.__name__}.{family.name}.{file.name}"
        for family in pkgutil.iter_modules(folder.__path__)
        if family.ispkg
        for file in pkgutil.iter_modules([f"{path}/{family.name}" for path in folder.__path__])
        if not file.name.endswith(_SHARED)
    }


@functools.cache
def load(claim_id: str) -> Claim:
    """The claim of an id, from its module.

    Raises:
        ValueError: the module's CLAIM has another id.
    """
    if claim_id not in modules():
        return installed()[claim_id]
    claim: Claim = importlib.import_module(modules()[claim_id]).CLAIM
    if claim.id != claim_id:
        raise ValueError(f"{modules()[claim_id]}: a claim in this place has the id {claim_id!r}, got {claim.id!r}")
    return claim


def claims() -> tuple[Claim, ...]:
    """All claims, in the order in which a reader of the paper would ask."""
    return _in_order(modules())


def repeated() -> tuple[Claim, ...]:
    """The claims that are repeated by sampling: all but those on procedures, of which there is nothing to sample."""
    return tuple(claim for claim in claims() if not claim.id.startswith("audit."))


@functools.cache
def everywhere() -> tuple[Claim, ...]:
    """The claims that speak of every finite model."""
    return tuple(claim for claim in claims() if claim.everywhere)


def find(ids: Sequence[str]) -> tuple[Claim, ...]:
    """The claims with these ids or of these families, in the registry's order; all of the project's for no ids.

    Ids and families of installed packages are known, too (``theory.claims.outside``).

    Raises:
        ValueError: an id that no claim has, with the nearest ones.
    """
    if not ids:
        return claims()
    known = [*modules(), *(claim_id for claim_id in installed() if claim_id not in modules())]
    for wanted in ids:
        if not any(_matches(claim_id, wanted) for claim_id in known):
            family = wanted.split(".")[0]
            near = [c.id for c in _in_order(i for i in known if i.startswith(family + "."))]
            near = near or sorted({claim_id.split(".")[0] for claim_id in known})
            raise ValueError(f"no claim {wanted!r}; known: {', '.join(near)}")
    return _in_order(claim_id for claim_id in known if any(_matches(claim_id, wanted) for wanted in ids))


def _in_order(ids: Iterable[str]) -> tuple[Claim, ...]:
    return tuple(sorted((load(claim_id) for claim_id in ids), key=lambda claim: (claim.order, claim.id)))


def _matches(claim_id: str, wanted: str) -> bool:
    return claim_id == wanted or claim_id.startswith(wanted + ".")


def check(claim_id: str, profile: Profile) -> Result:
    """Run one claim by its id, in balls of 256 bits."""
    with precision():
        return run(load(claim_id), profile)
