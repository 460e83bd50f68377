"""A model of one's own as an object, for notebooks: from strings and numbers in Python, or from a file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from flint import fmpq

from theory.adaptors.moments import Moments
from theory.files import JsonValue
from theory.frames import Row, as_frame, as_html
from theory.models.model import AlignedModel
from theory.quantities.answer import chain_text, quantities
from theory.specification.any_model import AnySpecification, any_specification
from theory.specification.reader import located, read_document

if TYPE_CHECKING:
    import pandas as pd

Number = str | int | float | Fraction | fmpq | np.number
"""Exact as a text, a whole number or a fraction; a float is a float."""

Numbers = Sequence[Number] | np.ndarray[tuple[int, ...], np.dtype[np.number]]


@dataclass(frozen=True, slots=True)
class Answer(Mapping[str, "JsonValue"]):
    """What ``probqual exact --json`` writes about a model, by the same keys; nats and nats^2.

    Args:
        found: the JSON object.
    """

    found: Mapping[str, JsonValue]

    def __getitem__(self, key: str) -> JsonValue:
        return self.found[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self.found)

    def __len__(self) -> int:
        return len(self.found)

    def rows(self) -> list[Row]:
        """p+ and each adaptor: what it does, E L, E R, entropy and KL to p+."""
        names = ("mean_log_prior", "mean_reward", "entropy")
        made: list[Row] = [
            {"law": "p+", "normalise": "", "effect": ""} | {n: self[n] for n in names} | {"kl_to_aligned": 0.0}
        ]
        adaptors = self.found.get("adaptors")
        for entry in adaptors if isinstance(adaptors, list) else []:
            assert isinstance(entry, dict)
            made.append(
                {
                    "law": chain_text(entry),
                    "normalise": entry["normalise"],
                    "effect": entry["effect"],
                }
                | {name: entry[name] for name in (*names, "kl_to_aligned")}
            )
        return made

    def to_frame(self) -> pd.DataFrame:
        """``rows()`` as a pandas data frame.

        Raises:
            ImportError: pandas is not installed.
        """
        return as_frame(self.rows())

    def _repr_html_(self) -> str:
        return as_html(self.rows(), f"a small cooling from T = 1: {self.found['cooling']}")


@dataclass(frozen=True, slots=True)
class Model:
    """A prior with a reward, and the adaptors and the corpus that are asked about.

    Whatever is wrong is refused with a ``SpecificationError``, a ValueError, whose text is the line that the command
    ``probqual exact`` ends with.

    >>> model = Model.table(["x", "y", "z"], ["1/11", "2/11", "8/11"], exp_reward=[8, 6, 3])
    >>> model.answer()["cooling"], f"{float(model.moments().mean_reward):.4f}"
    ('trades R for L', '1.4660')
    >>> model.with_adaptor("temperature", "1/2", "global").answer()["adaptors"][0]["effect"]
    'trades R for L'

    Args:
        document: the specification, as its TOML file would be parsed.
        beside: the folder in which the file of a table is looked up.
        spec: the specification, read.
    """

    document: Mapping[str, object]
    beside: Path = field(default_factory=Path)
    spec: AnySpecification = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "spec", any_specification(self.document, self.beside))

    @staticmethod
    def table(
        strings: Sequence[str],
        prob: Numbers,
        reward: Numbers | None = None,
        *,
        beta: Number = 1,
        exp_reward: Numbers | None = None,
    ) -> Model:
        """A table of strings.

        Args:
            strings: n names, all different.
            prob: p of each, shape (n,), summing to 1.
            reward: r of each, shape (n,), in reward units; "-inf" removes a string.
            beta: what r is divided by, > 0.
            exp_reward: instead of ``reward``, e^(r/beta) of each, shape (n,); beta is then left out.

        Raises:
            SpecificationError: names the element that is refused.
        """
        given: dict[str, object] = {}
        if reward is not None:
            given |= {"values": _listed(reward), "beta": _plain(beta)}
        if exp_reward is not None:
            given |= {"exp_values": _listed(exp_reward)}
        return Model({"prior": {"kind": "table", "strings": list(strings), "probs": _listed(prob)}, "reward": given})

    @staticmethod
    def tree(
        alphabet: Sequence[str],
        next_laws: Mapping[str, Numbers],
        *,
        beta: Number = 1,
        token: Mapping[str, Number] | None = None,
        string: Mapping[str, Number] | None = None,
    ) -> Model:
        """A tree of next-token laws.

        Args:
            alphabet: V tokens.
            next_laws: for each prefix, its tokens apart by spaces, the probabilities of every token and, last, of the
                end, shape (V + 1,); a prefix that is not listed ends there.
            beta: what rewards are divided by, > 0.
            token: r for each emitted token.
            string: r for whole strings.

        Raises:
            SpecificationError: names the element that is refused.
        """
        laws = {prefix: _listed(row) for prefix, row in next_laws.items()}
        reward = {"beta": _plain(beta), "token": _table(token), "string": _table(string)}
        return Model({"prior": {"kind": "tree", "alphabet": list(alphabet), "next": laws}, "reward": reward})

    @staticmethod
    def automaton(
        alphabet: Sequence[str],
        stop: Numbers,
        arcs: Sequence[Sequence[Number]],
        *,
        initial: int = 0,
        beta: Number = 1,
        token: Mapping[str, Number] | None = None,
    ) -> Model:
        """A probabilistic automaton, over infinitely many strings.

        Args:
            alphabet: the tokens.
            stop: the probability of ending at each state, shape (states,).
            arcs: (from, to, token, probability) or (from, to, token, probability, reward) of each arc.
            initial: the state in which strings begin.
            beta: what rewards are divided by, > 0.
            token: r for each emitted token.

        Raises:
            SpecificationError: names the element that is refused.
        """
        keys = ("from", "to", "token", "prob", "reward")
        prior = {
            "kind": "automaton",
            "alphabet": list(alphabet),
            "states": len(stop),
            "initial": initial,
            "stop": _listed(stop),
            "arc": [{key: _plain(value) for key, value in zip(keys, arc, strict=False)} for arc in arcs],
        }
        return Model({"prior": prior, "reward": {"beta": _plain(beta), "token": _table(token)}})

    @staticmethod
    def from_file(path: str | Path) -> Model:
        """The model in a TOML file; the table that it may name lies beside it.

        Raises:
            SpecificationError: names the file and the element that is refused.
        """
        with located(str(path)):
            return Model(read_document(Path(path)), Path(path).parent)

    def with_adaptor(
        self,
        name: str | Sequence[str],
        value: Number | Sequence[Number],
        normalise: Literal["local", "global"] = "local",
    ) -> Model:
        """The same model with one adaptor more: a name and a value, or as many of both for a chain.

        Raises:
            SpecificationError: names what is refused.
        """
        given = _listed(value) if isinstance(value, list | tuple | np.ndarray) else _plain(value)
        entry = {"name": name if isinstance(name, str) else list(name), "value": given, "normalise": normalise}
        before = self.document.get("adaptor", [])
        assert isinstance(before, list)
        return replace(self, document={**self.document, "adaptor": [*before, entry]})

    def with_corpus(self, size: int, epsilon: Number) -> Model:
        """The same model asked about corpora of ``size`` strings with |Ibar - H| < epsilon nats.

        Raises:
            SpecificationError: a size or an epsilon that cannot be.
        """
        return replace(self, document={**self.document, "corpus": {"size": _plain(size), "epsilon": _plain(epsilon)}})

    def aligned(self) -> AlignedModel:
        """p+ with its numbers, in balls of 256 bits, or in float64 for a long table.

        Raises:
            ArithmeticError: Z is infinite, or it is not known to be finite.
        """
        return self.spec.model()

    def moments(self) -> Moments:
        """The moments of (L, R) under p+; nats and nats^2.

        Raises:
            ArithmeticError: Z is infinite, or it is not known to be finite.
        """
        return self.aligned().mean

    def answer(self) -> Answer:
        """All that ``probqual exact`` says."""
        return Answer(quantities(self.spec))

    def _repr_html_(self) -> str:
        return self.answer()._repr_html_()


def _plain(value: object) -> object:
    """A number as a TOML file gives it; anything else as it is, to be refused by name."""
    if isinstance(value, np.generic):
        return value.item()
    return str(value) if isinstance(value, Fraction | fmpq) else value


def _listed(values: Numbers | Sequence[Number]) -> list[object]:
    return [_plain(value) for value in values]


def _table(values: Mapping[str, Number] | None) -> dict[str, object]:
    return {key: _plain(value) for key, value in (values or {}).items()}


__all__ = ["Answer", "Model", "Number", "Numbers"]
