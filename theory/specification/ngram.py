"""Specifications of back-off n-gram models in ARPA files.

[prior]
kind = "arpa"
file = "model.arpa"                 # .gz too; looked up beside the specification
unknown = "drop"                    # what becomes of <unk>: left out, or the token of this name
renormalise = true                  # divide each context by its sum, however far from 1
[reward]
beta = "1"
token = {good = "1/2"}              # and exp_token
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from flint import fmpq

from theory.arithmetic.exact import Diverges, Undecided
from theory.automata.ngram import total_as_written
from theory.automata.ngram_exact import is_small
from theory.language_models.arpa import read_arpa
from theory.language_models.ngram import NGramModel, ngram_model
from theory.language_models.rewards import Reward
from theory.models.model import CriticalPoints
from theory.models.ngram import AlignedNGram, ngram_critical_points
from theory.specification.adaptors import AdaptorEntry, adaptor_entry
from theory.specification.automaton import token_rewards
from theory.specification.documents import NGramPrior, ngram_document
from theory.specification.reader import (
    CorpusEntry,
    Reader,
    corpus_entry,
    located,
    read_beta,
)
from theory.specification.tables import SpecificationError

DEFECT = 1e-3
"""A context whose probabilities sum to 1 within this is divided by its sum without asking."""


@dataclass(frozen=True, slots=True, eq=False)
class NGramSpecification:
    """A back-off model as specified.

    Args:
        ngram: the model as written; its laws are divided by their sums.
        rewards: R = r / beta of each token.
        exact: the file's decimals are kept, and no bare float is among the rewards.
        beta: reward units per nat.
        notes: what reading changed, in words.
    """

    ngram: NGramModel
    rewards: tuple[Reward, ...]
    adaptors: tuple[AdaptorEntry, ...]
    corpus: CorpusEntry | None
    exact: bool
    notes: tuple[str, ...]
    beta: fmpq
    kind: str = "arpa"
    constraint: None = None

    @property
    def refinable(self) -> bool:
        """Whether a higher precision makes results sharper."""
        return is_small(self.ngram)

    @property
    def states(self) -> int:
        """How many contexts the model has."""
        return self.ngram.states

    def critical_points(self, *, lawful: bool) -> CriticalPoints:
        """Where there is a law, and where there is none; ``lawful``: whether there is one here."""
        return ngram_critical_points(self.ngram, self.rewards, self.beta, lawful=lawful)

    def model(self) -> AlignedNGram:
        """The aligned model.

        Raises:
            Diverges: Z is infinite.
            Undecided: the spectral radius cannot be told from 1.
        """
        return AlignedNGram.of(self.ngram, self.rewards)


def ngram_specification(document: Mapping[str, object], folder: Path | None = None) -> NGramSpecification:
    """The specification in a parsed TOML document with prior.kind = "arpa".

    Args:
        document: as parsed.
        folder: where the file is looked up; the working directory if None.

    Raises:
        SpecificationError: one line that names the element that is refused, in this file or the model's.
    """
    found = ngram_document(document)
    model = _read(found.prior, folder or Path())
    reader = Reader()
    beta = read_beta(reader, found.reward.beta, needed="token" in found.reward.model_fields_set)
    by_token = token_rewards(reader, found.reward, beta, model.alphabet)
    return NGramSpecification(
        ngram=model,
        rewards=tuple(by_token.get(token, Reward()) for token in model.alphabet),
        adaptors=tuple(adaptor_entry(entry, k, other_names=True) for k, entry in enumerate(found.adaptor, start=1)),
        corpus=None if found.corpus is None else corpus_entry(found.corpus),
        exact=not reader.floats and model.decimals,
        notes=(*reader.notes, *_notes(model, renormalise=found.prior.renormalise)),
        beta=beta,
    )


def _read(prior: NGramPrior, folder: Path) -> NGramModel:
    path = folder / prior.file
    with located(str(path)):
        try:
            return ngram_model(read_arpa(path), prior.unknown)
        except OSError as error:
            raise SpecificationError(f"cannot be read: {error.strerror or error}") from None


def _notes(model: NGramModel, *, renormalise: bool) -> list[str]:
    """What was left out, added, and divided.

    Raises:
        SpecificationError: a context's sum is far from 1, and it is not said to renormalise.
    """
    defect = model.masses() - 1
    worst = int(np.argmax(np.abs(defect)))
    where = f'after "{" ".join(model.context(worst))}"' if worst else "after no context"
    if not renormalise and abs(defect[worst]) > DEFECT:
        raise SpecificationError(
            f"prior: the probabilities {where} sum to {1 + defect[worst]:.9g}; "
            "renormalise = true divides each context by its sum"
        )
    if defect[worst] <= -1:
        raise SpecificationError(f"prior: the probabilities {where} sum to {1 + defect[worst]:.6g}, which is not > 0")
    try:
        mass = f"{total_as_written(model):.9g}"
    except Diverges:
        mass = "infinity"
    except Undecided:
        mass = "a number that float64 does not settle"
    notes = [
        f"prior: each of the {model.states:,} contexts was divided by its sum: sum - 1 is at least {defect.min():.3g}, "
        f"in the median {np.median(defect):.3g}, at most {defect.max():.3g}, and furthest {where}; "
        f"as written all strings together have mass {mass}"
    ]
    if model.left_out:
        notes.append(f"prior: {model.left_out:,} n-grams lie on no string and were left out")
    if model.added:
        notes.append(f"prior: {model.added:,} suffixes that the file lacks were added with the probability they have")
    return notes


__all__ = ["DEFECT", "NGramSpecification", "ngram_specification"]
