"""The shape of a specification: its tables, their keys, and what each key holds.

Numbers are ``object`` here. Whether a value is a number, which one, and whether it is exact is for
``theory.specification.reader.Reader`` to say, which knows the string, state or token that it belongs to.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import BaseModel, Field, ValidatorFunctionWrapHandler, WrapValidator

from theory.specification.arc_blocks import ArcBlocks
from theory.specification.tables import SpecificationError, Table, Wording, read_as

SPECIFICATION = Wording("unknown key {!r} in the specification")

Names = Annotated[list[str], Field(description=": expected a list of strings in quotes")]
Probabilities = Annotated[list[object], Field(description=": expected a list of probabilities, got {!r}")]
Rows = Annotated[list[list[object]], Field(description=": needs a list of rows, one per state, got {!r}")]
PerString = Annotated[list[object], Field(description=": expected a list of numbers, one per string, got {!r}")]
PerToken = Annotated[dict[str, object], Field(description=" must be a table, one number per token")]
PerWholeString = Annotated[dict[str, object], Field(description=" must be a table, one number per string")]


class AdaptorTable(Table):
    """[[adaptor]]: a name and a value, or as many of both for a chain; or an engine and settings in its own names.

    ``ties``, ``boundary`` and ``mass`` are for every step of the chain that knows them. ``product`` has an automaton
    follow the tokens before.
    """

    name: str | list[str] | None = Field(
        default=None, description=" must be the name of an adaptor, or a list of names, got {!r}"
    )
    value: object = None
    engine: str | None = Field(default=None, description=" must be the name of an engine, got {!r}")
    settings: dict[str, object] | None = Field(
        default=None, description=" must be a table of the engine's own settings, got {!r}"
    )
    ties: str | None = Field(default=None, description=' must be "lowest" or "all", got {!r}')
    boundary: str | None = Field(default=None, description=' must be "reach" or "exceed", got {!r}')
    mass: str | None = Field(default=None, description=' must be "after" or "before", got {!r}')
    product: bool = Field(default=False, description=" must be true or false, got {!r}")
    normalise: Literal["local", "global"] = Field(default="local", description=' must be "local" or "global", got {!r}')


class CorpusTable(Table):
    """[corpus]."""

    size: object
    epsilon: object


class TablePrior(Table):
    """[prior] of kind "table"."""

    kind: Literal["table"]
    strings: Names
    probs: Probabilities


class FilePrior(Table):
    """[prior] of a table whose strings, probabilities and rewards are the columns of a file."""

    kind: Literal["table"]
    file: str = Field(description=" must be the name of a .csv or .parquet file in quotes, got {!r}")
    normalise: bool = Field(default=False, description=" must be true or false, got {!r}")


class FileReward(Table):
    """[reward] of such a table: the rewards are in the file."""

    beta: object = None


class TableReward(Table):
    """[reward] of a table: one number per string, in one of two ways."""

    beta: object = None
    values: PerString | None = None
    exp_values: PerString | None = None


class TreePrior(Table):
    """[prior] of kind "tree"; ``next`` maps a prefix, its tokens apart by spaces, to the next-token law after it."""

    kind: Literal["tree"]
    alphabet: Names
    next: dict[str, Probabilities] = Field(
        title=": it maps each prefix to its next-token probabilities",
        description=" must be a table that maps each prefix to its next-token probabilities",
    )


class TreeReward(Table):
    """[reward] of a tree: numbers per token and per whole string, which all add up."""

    beta: object = None
    token: PerToken = Field(default_factory=dict)
    exp_token: PerToken = Field(default_factory=dict)
    string: PerWholeString = Field(default_factory=dict)
    exp_string: PerWholeString = Field(default_factory=dict)


class ArcTable(Table):
    """[[prior.arc]]."""

    source: int = Field(alias="from", description=" must be one of the states, got {!r}")
    target: int = Field(alias="to", description=" must be one of the states, got {!r}")
    token: str = Field(description=" must be a token in quotes, got {!r}")
    prob: object
    reward: object = None
    exp_reward: object = None


def _arcs(value: object, handler: ValidatorFunctionWrapHandler) -> object:
    """Arcs that were read as columns were checked by their grammar; ``ArcEntry`` has the names of ``ArcTable``."""
    return value if isinstance(value, ArcBlocks) else handler(value)


class AutomatonPrior(Table):
    """[prior] of kind "automaton"."""

    kind: Literal["automaton"] = Field(description=' must be "automaton" here, got {!r}')
    alphabet: Names
    states: int = Field(ge=1, description=" must be a whole number >= 1, got {!r}")
    initial: int = Field(default=0, description=" must be one of the states, got {!r}")
    stop: Annotated[list[object], Field(description=": needs a list of probabilities, one per state, got {!r}")]
    arc: Annotated[list[ArcTable], WrapValidator(_arcs)] = Field(default_factory=list)


class AutomatonReward(Table):
    """[reward] of an automaton."""

    beta: object = None
    token: PerToken = Field(default_factory=dict)
    exp_token: PerToken = Field(default_factory=dict)


class NGramPrior(Table):
    """[prior] of kind "arpa"."""

    kind: Literal["arpa"]
    file: str = Field(description=" must be the path of an ARPA file in quotes, got {!r}")
    unknown: str | None = Field(
        default=None, min_length=1, description=' must be "drop" or the name of a token, got {!r}'
    )
    renormalise: bool = Field(default=False, description=" must be true or false, got {!r}")


class OpenFstPrior(Table):
    """[prior] of kind "openfst"."""

    kind: Literal["openfst"]
    file: str = Field(description=" must be the path of a file in OpenFst's text format in quotes, got {!r}")
    semiring: Literal["log", "probability"] = Field(
        title=': "log" where weights are -log p, "probability" where they are p',
        description=' must be "log" or "probability", got {!r}',
    )
    epsilon: str = Field(default="<eps>", min_length=1, description=" must be a label in quotes, got {!r}")
    acceptor: bool = Field(default=True, description=" must be true or false, got {!r}")
    renormalise: bool = Field(default=False, description=" must be true or false, got {!r}")


class DtmcPrior(Table):
    """[prior] of kind "dtmc"."""

    kind: Literal["dtmc"]
    file: str = Field(description=" must be the path of a .tra or .drn file in quotes, got {!r}")
    labels: str | None = Field(default=None, description=" must be the path of a .lab file in quotes, got {!r}")
    renormalise: bool = Field(default=False, description=" must be true or false, got {!r}")


class HmmPrior(Table):
    """[prior] of kind "hmm"."""

    kind: Literal["hmm"]
    alphabet: Names
    start: Annotated[list[object], Field(description=": needs a list of probabilities, one per state, got {!r}")]
    transition: Rows
    emission: Rows
    stop: Annotated[list[object], Field(description=": needs a list of probabilities, one per state, got {!r}")]


class _Document(Table):
    constraint: str | None = Field(default=None, description=" must be a regular expression in quotes, got {!r}")
    adaptor: list[AdaptorTable] = Field(default_factory=list)
    corpus: CorpusTable | None = None


class TableDocument(_Document):
    """The specification of a table."""

    prior: TablePrior
    reward: TableReward


class FileDocument(_Document):
    """The specification of a table in a file."""

    prior: FilePrior
    reward: FileReward = Field(default_factory=FileReward)


class TreeDocument(_Document):
    """The specification of a tree."""

    prior: TreePrior
    reward: TreeReward


class AutomatonDocument(_Document):
    """The specification of an automaton."""

    prior: AutomatonPrior
    reward: AutomatonReward


class NGramDocument(_Document):
    """The specification of a back-off n-gram model."""

    prior: NGramPrior
    reward: AutomatonReward = Field(default_factory=AutomatonReward)


class OpenFstDocument(_Document):
    """The specification of an automaton in OpenFst's text format."""

    prior: OpenFstPrior
    reward: AutomatonReward = Field(default_factory=AutomatonReward)


class DtmcDocument(_Document):
    """The specification of a Markov chain whose labels are tokens."""

    prior: DtmcPrior
    reward: AutomatonReward = Field(default_factory=AutomatonReward)


class HmmDocument(_Document):
    """The specification of a hidden Markov model that stops."""

    prior: HmmPrior
    reward: AutomatonReward = Field(default_factory=AutomatonReward)


class _FiniteKind(BaseModel):
    kind: Literal["table", "tree"] = Field(
        title=': "table", "tree", "automaton", "arpa", "openfst", "dtmc" or "hmm"',
        description=' must be "table", "tree", "automaton", "arpa", "openfst", "dtmc" or "hmm", got {!r}',
    )


class _AnyPrior(BaseModel):
    prior: _FiniteKind


def finite_document(document: Mapping[str, object]) -> TableDocument | TreeDocument:
    """The specification of a table or a tree.

    Raises:
        SpecificationError: names the first element that is refused.
    """
    kind = read_as(_AnyPrior, document, SPECIFICATION).prior.kind
    if kind == "table":
        if in_file(document):
            raise SpecificationError("prior.file: this place reads no tables in files; theory.Model.from_file does")
        return read_as(TableDocument, document, SPECIFICATION)
    return read_as(TreeDocument, document, SPECIFICATION)


def in_file(document: Mapping[str, object]) -> bool:
    """Whether it is a table whose rows are in a file."""
    prior = document.get("prior")
    return isinstance(prior, dict) and prior.get("kind") == "table" and "file" in prior


def file_document(document: Mapping[str, object]) -> FileDocument:
    """The specification of a table in a file.

    Raises:
        SpecificationError: names the first element that is refused.
    """
    return read_as(FileDocument, document, SPECIFICATION)


def automaton_document(document: Mapping[str, object]) -> AutomatonDocument:
    """The specification of an automaton.

    Raises:
        SpecificationError: names the first element that is refused.
    """
    return read_as(AutomatonDocument, document, SPECIFICATION)


def ngram_document(document: Mapping[str, object]) -> NGramDocument:
    """The specification of a back-off n-gram model.

    Raises:
        SpecificationError: names the first element that is refused.
    """
    return read_as(NGramDocument, document, SPECIFICATION)


def openfst_document(document: Mapping[str, object]) -> OpenFstDocument:
    """The specification of an automaton in OpenFst's text format.

    Raises:
        SpecificationError: names the first element that is refused.
    """
    return read_as(OpenFstDocument, document, SPECIFICATION)


def dtmc_document(document: Mapping[str, object]) -> DtmcDocument:
    """The specification of a Markov chain whose labels are tokens.

    Raises:
        SpecificationError: names the first element that is refused.
    """
    return read_as(DtmcDocument, document, SPECIFICATION)


def hmm_document(document: Mapping[str, object]) -> HmmDocument:
    """The specification of a hidden Markov model.

    Raises:
        SpecificationError: names the first element that is refused.
    """
    return read_as(HmmDocument, document, SPECIFICATION)
