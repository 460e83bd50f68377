"""What every aligned model can be asked, on finite sets of strings and on infinite ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from flint import arb, fmpq

from theory.adaptors.exact import Chain
from theory.adaptors.moments import Moments
from theory.arithmetic.exact import Real
from theory.corpora.atoms import Window

Status = Literal["OK", "UNDECIDED", "DIVERGENT", "EMPTY", "LEAKS"]
"""Whether there is an adapted law: it may be undecided what is kept, a global law may have no finite normaliser or no
string, and a local law may lose mass to infinite strings."""


@dataclass(frozen=True, slots=True, eq=False)
class Adaptation:
    """What a chain of adaptors makes of a model.

    Args:
        steps: the chain.
        status: "OK" where there is a law.
        law: the law of whole strings, in the form of its model; None where there is none.
        moments: of (L, R) under the law; None where there is none.
        leaked_mass: what a local law loses to infinite strings; None for a global one, and where it is not known.
        reason: why there is no law, in words; "" where there is one.
        more_bits: whether a higher precision may settle what is undecided.
        kept: what the chain keeps, in the form of its model.
        paths: what else the path sums of an automaton's law give; None for finite models.
    """

    steps: Chain
    status: Status
    law: Any = None
    moments: Moments | None = None
    leaked_mass: Any = None
    reason: str = ""
    more_bits: bool = False
    kept: Any = None
    paths: Any = None


@dataclass(frozen=True, slots=True, eq=False)
class Correction:
    """From local to global: what independent Metropolis-Hastings with proposal q_loc and target q_glob has to do.

    Args:
        kl_local_global: KL(q_loc || q_glob), nats.
        w_max: max q_glob / q_loc.
        acceptance: at stationarity.
        reasons: why a number is None, by its name.
    """

    kl_local_global: arb | float | None = None
    w_max: arb | float | None = None
    acceptance: arb | float | None = None
    reasons: Mapping[str, str] = field(default_factory=dict)


class AlignedModel(Protocol):
    """p+ = p e^R / Z of one model in balls, with their precision; nothing that belongs to another model gets in.

    ``FiniteModel`` is a table or a tree, ``AutomatonModel`` has infinitely many strings; ``LongTable`` is in float64.
    """

    @property
    def bits(self) -> int:
        """The precision of the balls."""

    @property
    def log_partition(self) -> Real:
        """log Z, nats."""

    @property
    def strings(self) -> int | None:
        """How many strings have p+ > 0; None for infinitely many."""

    @property
    def mean(self) -> Moments:
        """The moments of (L, R) under p+."""

    def adapted(self, steps: Chain, normalise: str) -> Adaptation:
        """What a chain of adaptors makes of p+, normalised "local" or "global"."""

    def correction(self, local: Adaptation) -> Correction:
        """From a local law of this model to the global one; each number None where no closed form is known."""

    def typical(self, size: int, epsilon: fmpq) -> Window:
        """The sums over corpora of ``size`` strings with |Ibar - H| < epsilon.

        Raises:
            Undecided: no route reaches a stated accuracy.
        """


__all__ = ["Adaptation", "AlignedModel", "Correction", "Status"]
