"""A specification of any kind: which of its readers a document is for."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from theory.specification.documents import in_file
from theory.specification.file_table import SHORT, FileSpecification, file_specification
from theory.specification.finite import Specification, specification
from theory.specification.reader import read_document
from theory.specification.table_files import Advance

if TYPE_CHECKING:
    from theory.specification.automaton import AutomatonSpecification
    from theory.specification.ngram import NGramSpecification

AnySpecification: TypeAlias = "Specification | FileSpecification | AutomatonSpecification | NGramSpecification"
"""What a model of any kind is read into. The kinds with infinitely many strings are imported when one is read."""


def any_specification(
    document: Mapping[str, object], beside: Path = Path(), advance: Advance | None = None
) -> AnySpecification:
    """The specification in a parsed document of any kind; a table in a short file as if it were written in it.

    Args:
        document: the parsed TOML document.
        beside: the folder in which the names of files are looked up.
        advance: is told how far a file of rows is read.

    Raises:
        SpecificationError: names the element that is refused.
    """
    prior = document.get("prior")
    kind = prior.get("kind") if isinstance(prior, dict) else None
    if kind == "automaton":
        from theory.specification.automaton import automaton_specification

        return automaton_specification(document)
    if kind == "arpa":
        from theory.specification.ngram import ngram_specification

        return ngram_specification(document, beside)
    if kind == "dtmc":
        from theory.specification.dtmc import dtmc_specification

        return dtmc_specification(document, beside)
    if kind == "openfst":
        from theory.specification.openfst import openfst_specification

        return openfst_specification(document, beside)
    if kind == "hmm":
        from theory.specification.hmm import hmm_specification

        return hmm_specification(document)
    if in_file(document):
        found = file_specification(document, beside, advance)
        return found.short() if len(found.names) <= SHORT else found
    return specification(document)


def read_model(path: Path, advance: Advance | None = None) -> AnySpecification:
    """The specification in a TOML file; the files that it names lie beside it.

    Raises:
        SpecificationError: names the element that is refused.
    """
    return any_specification(read_document(path), path.parent, advance)


__all__ = ["AnySpecification", "any_specification", "read_model"]
