"""Which statements a proof assistant has checked: the record of the last check, as far as it is of the sources at hand.

``make proofs`` compiles the proofs in proofs/, has them verified, and writes proofs/checked.json with the SHA-256 of
every source. A record of other sources proves nothing here.
"""

from __future__ import annotations

import functools
import hashlib
from dataclasses import dataclass
from importlib import resources
from importlib.resources.abc import Traversable
from types import MappingProxyType

from pydantic import TypeAdapter
from pydantic.dataclasses import dataclass as validated

FORMAT = 1
STALE = "its formal proof has not been checked for the sources at hand: run `make proofs`"
"""What stands beside a clause whose proof is of other sources."""


@validated(frozen=True, slots=True)
class Statement:
    """A statement of proofs/Statements.v and what Coq says of its proof.

    Args:
        claim: the claim that it is of.
        control: the control whose negation it is; None for a clause.
        sentence: the comment above it.
        file, proof: the sources of the statement and of its proof.
        text: the definition as it is written.
        sha256: of the text.
    """

    claim: str
    control: str | None
    sentence: str
    file: str
    proof: str
    text: str
    sha256: str


@validated(frozen=True, slots=True)
class _Record:
    format: int
    versions: dict[str, str]
    axioms: tuple[str, ...]
    sources: dict[str, str]
    statements: dict[str, Statement]


@dataclass(frozen=True, slots=True)
class Checked:
    """The statements that are proved: none, if the record is of other sources."""

    statements: MappingProxyType[str, Statement]
    versions: MappingProxyType[str, str]
    axioms: tuple[str, ...]


def read(folder: Traversable) -> Checked:
    """The record in a folder, if it is of the folder's own sources.

    Raises:
        ValueError: the record is not of the format that this code reads.
    """
    path = folder.joinpath("checked.json")
    if not path.is_file():
        return Checked(MappingProxyType({}), MappingProxyType({}), ())
    record = TypeAdapter(_Record).validate_json(path.read_bytes())
    if record.format != FORMAT:
        raise ValueError(
            f"proofs/checked.json: format {record.format}, and this code reads {FORMAT}: run `make proofs`"
        )
    present = {
        source.name: hashlib.sha256(source.read_bytes()).hexdigest()
        for source in folder.iterdir()
        if source.name.endswith(".v")
    }
    statements = record.statements if present == record.sources else {}
    return Checked(MappingProxyType(statements), MappingProxyType(record.versions), record.axioms)


@functools.cache
def checked() -> Checked:
    """The record of the proofs that come with the project."""
    try:
        return read(resources.files("proofs"))
    except ModuleNotFoundError:
        return Checked(MappingProxyType({}), MappingProxyType({}), ())
