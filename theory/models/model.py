"""What every aligned model can be asked, on finite sets of strings and on infinite ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, runtime_checkable

import numpy as np
from flint import arb, fmpq
from numpy.typing import NDArray

from theory.adaptors.constraints import Language
from theory.adaptors.exact import Chain
from theory.adaptors.moments import Moments
from theory.arithmetic.exact import Exact, Real
from theory.corpora.atoms import Window

Floats = NDArray[np.float64]

Plane = tuple[Floats, Floats, Floats]
"""L, R and I = -log p+ of each string in float64, shapes (n,), nats."""

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

    @property
    def power(self) -> fmpq:
        """What its temperatures raise the law to: the product of 1 / T."""
        power = fmpq(1)
        for step in self.steps:
            if step.name == "temperature":
                power /= step.value
        return power


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


@dataclass(frozen=True, slots=True, eq=False)
class Held:
    """What a language makes of a model: masked token by token, and conditioned, side by side.

    Args:
        probability: P(the string is in the language) under p+.
        masked, conditioned: moments of (L, R).
        from_masked: KL(masked || conditioned), nats.
        from_conditioned: KL(conditioned || masked), nats; None for automata, where no closed form is used.
    """

    probability: arb
    masked: Moments
    conditioned: Moments
    from_masked: arb
    from_conditioned: arb | None


@dataclass(frozen=True, slots=True)
class CriticalPoints:
    """Where a law of infinitely many strings ceases to exist.

    Args:
        spectral_radius: of p e^R; None where it is not known.
        temperature: at and above which there is no global law; None where there is none, or it is not known.
        beta: at and below which Z is infinite, in reward units per nat; None likewise.
        reasons: why a number is None: "critical_temperature", "critical_beta".
        cycle: the tokens whose repetition makes Z infinite at a small beta; empty where none does.
        more_bits: whether a higher precision may settle what is undecided.
    """

    spectral_radius: Exact | None
    temperature: Exact | None
    beta: Exact | None
    reasons: Mapping[str, str]
    cycle: tuple[str, ...] = ()
    more_bits: bool = False


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
    def states(self) -> int | None:
        """How many states the automaton has; None for other models."""

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

    def plane(self) -> Plane | None:
        """L, R and I of each string; None for infinitely many strings, or more than an automaton lists."""

    def keeps_all(self, found: Adaptation) -> bool:
        """Whether an adapted law is seen to be p+ itself, string by string."""

    def uncorrelated(self, *, prior: bool) -> bool:
        """A formal proof that Cov(L, I) = 0 (``prior``), or that Cov(R, I) = 0, under p+; False where none is found."""


@runtime_checkable
class Constrainable(Protocol):
    """A model that can be held to a language of its strings' text."""

    def held(self, language: Language) -> Held:
        """The masked and the conditioned law.

        Raises:
            ValueError: no string of the model is in the language, or the product with it is too large.
        """


__all__ = [
    "Adaptation",
    "AlignedModel",
    "Constrainable",
    "Correction",
    "CriticalPoints",
    "Held",
    "Plane",
    "Status",
]
