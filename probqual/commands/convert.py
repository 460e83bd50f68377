"""``probqual convert``: an automaton in the file format of another tool."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from probqual.errors import BadInput, bad_files, bad_values
from probqual.output import reading, write

if TYPE_CHECKING:
    from theory.language_models.automaton import Automaton
    from theory.specification.any_model import AnySpecification


class Semiring(StrEnum):
    """How OpenFst's text writes a probability."""

    log = "log"
    probability = "probability"


def convert(
    spec: Annotated[Path, typer.Argument(metavar="SPEC.toml", help="A model; its prior is written.")],
    output: Annotated[
        Path, typer.Argument(metavar="FILE", help="Ends in .fst or .txt for OpenFst's text, in .drn for Storm.")
    ],
    semiring: Annotated[
        Semiring, typer.Option(help="Weights of OpenFst's text: -log p, or p exactly as a fraction.")
    ] = Semiring.log,
) -> None:
    """Write the prior of a model for another tool; its reward is left out.

    Automata of every kind are written, and back-off models that are small enough to be expanded.

    Example: probqual convert examples/automaton.toml automaton.fst
    """
    suffix = output.suffix.lower()
    if suffix not in {".fst", ".txt", ".drn"}:
        raise BadInput(f"{output}: the name must end in .fst or .txt (OpenFst's text) or .drn (Storm)")
    from theory.specification.any_model import read_model
    from theory.specification.dtmc import write_drn
    from theory.specification.openfst import write_openfst
    from theory.specification.reader import located

    with bad_values(), located(str(spec)), reading() as advance:
        automaton = _automaton(read_model(spec, advance))
        text = write_drn(automaton) if suffix == ".drn" else write_openfst(automaton, semiring=semiring.value)
    with bad_files(output, "{place}: cannot be written: {reason}"):
        write(output, text)


def _automaton(found: AnySpecification) -> Automaton:
    """The prior as an automaton.

    Raises:
        ValueError: it is none, or too large to be written as one.
    """
    from theory.language_models.rewards import Reward
    from theory.models.ngram import MOST_EXPANDED, expanded_automaton
    from theory.specification.automaton import AutomatonSpecification
    from theory.specification.ngram import NGramSpecification

    if isinstance(found, AutomatonSpecification):
        return found.automaton
    if isinstance(found, NGramSpecification):
        model = found.ngram
        if model.expanded > MOST_EXPANDED:
            raise ValueError(
                f"written as an automaton it has {model.expanded:,} arcs; at most {MOST_EXPANDED:,} are written: "
                "other tools need a failure arc of their own for a back-off model"
            )
        return expanded_automaton(model, tuple(Reward() for _ in model.alphabet))
    raise ValueError(f'a prior of kind "{found.kind}" is no automaton: kinds automaton, openfst, dtmc and arpa are')
