"""Automata as aligned models: exact over infinitely many strings."""

from __future__ import annotations

from dataclasses import dataclass

from flint import arb, ctx, fmpq

from theory.adaptors.exact import NO_GLOBAL, Chain
from theory.adaptors.moments import Moments
from theory.arithmetic.exact import BITS, Undecided, working
from theory.automata.acceptance import product_acceptance
from theory.automata.adaptors import (
    AlignedAutomaton,
    KeptSteps,
    Leak,
    Remembered,
    adapt_automaton_global,
    adapt_automaton_local,
    adapted_moments,
    align_automaton,
    decide_automaton,
    largest_ratio,
    local_global_divergence,
    require_deterministic,
    string_count,
    unrolled,
    whole_law,
)
from theory.automata.histories import remembering
from theory.automata.path_sums import Diverges
from theory.automata.typicality import typical_automaton_corpora
from theory.corpora.atoms import Window
from theory.language_models.automaton import Automaton
from theory.models.finite import FiniteModel
from theory.models.model import Adaptation, Correction

_STRINGS = 2000
"""Up to this many strings the acceptance is summed string by string."""


@dataclass(frozen=True, slots=True, eq=False)
class AutomatonModel:
    """An aligned automaton, in balls of 256 bits or more.

    Args:
        aligned: p+ as an automaton.
        mean: the moments of (L, R) under p+.
        bits: the precision of the balls.
    """

    aligned: AlignedAutomaton
    mean: Moments
    bits: int

    @staticmethod
    def of(automaton: Automaton) -> AutomatonModel:
        """The automaton tilted by its reward, at 256 bits or the precision of the block if that is higher.

        Raises:
            ValueError: every string is removed (Z = 0).
            Diverges: Z is infinite.
            Undecided: the spectral radius cannot be told from 1.
        """
        with working(BITS):
            aligned = align_automaton(automaton)
            return AutomatonModel(aligned, adapted_moments(aligned, whole_law(aligned)).moments, ctx.prec)

    @property
    def log_partition(self) -> arb:
        """log Z, nats."""
        return self.aligned.log_partition

    @property
    def strings(self) -> int | None:
        """How many strings have p+ > 0; None for infinitely many."""
        return string_count(self.aligned.graph)

    def adapted(self, steps: Chain, normalise: str) -> Adaptation:
        """What a chain of adaptors makes of p+; a step that looks back follows the tokens before.

        Raises:
            ValueError: they cannot be followed by finitely many states, or by too many.
        """
        with working(self.bits):
            try:
                aligned, kept = self._decided(steps)
            except Undecided as error:
                return Adaptation(steps, "UNDECIDED", reason=str(error))
            try:
                if normalise == "local":
                    law = adapt_automaton_local(aligned, kept)
                    if isinstance(law, Leak):
                        return Adaptation(
                            steps, "LEAKS", leaked_mass=law.mass, reason="mass is lost to infinite strings"
                        )
                    paths = adapted_moments(aligned, law)
                    return Adaptation(steps, "OK", law, paths.moments, arb(0), kept=kept, paths=paths)
                target = adapt_automaton_global(aligned, kept)
                if target is None:
                    reason = "no finite string has all its tokens kept, and there is no global law"
                    return Adaptation(steps, "EMPTY", reason=reason)
                paths = adapted_moments(aligned, target)
                return Adaptation(steps, "OK", target, paths.moments, kept=kept, paths=paths)
            except Diverges as error:
                return Adaptation(steps, "DIVERGENT", reason=str(error))
            except Undecided as error:
                return Adaptation(steps, "UNDECIDED", reason=str(error), more_bits=True)

    def _decided(self, steps: Chain) -> tuple[AlignedAutomaton, KeptSteps]:
        """What a chain keeps, and of which automaton: where a step looks back, the product with the tokens before."""
        if steps.history is None:
            return self.aligned, decide_automaton(self.aligned, steps)
        require_deterministic(self.aligned.automaton)
        found = remembering(self.aligned.automaton, steps)
        aligned = found.aligned(self.aligned)
        return aligned, decide_automaton(aligned, steps, Remembered(found.history, found.formal(self.aligned)))

    def correction(self, local: Adaptation) -> Correction:
        """From a local law of this model to the global one, where there is one and a closed form is known."""
        if local.kept.random:
            return Correction(reasons=dict.fromkeys(("kl_local_global", "w_max", "acceptance"), NO_GLOBAL))
        with working(self.bits):
            aligned, steps = self.aligned, local.steps
            if steps.history is not None:
                aligned = remembering(aligned.automaton, steps).aligned(aligned)
            try:
                target = adapt_automaton_global(aligned, local.kept)
            except (Diverges, Undecided) as error:
                none = "there is no global law" if isinstance(error, Diverges) else "the global law is undecided"
                return Correction(reasons=dict.fromkeys(("kl_local_global", "w_max", "acceptance"), f"{none}: {error}"))
            assert target is not None, "a local law without a leak has finite strings"
            log_total = adapted_moments(aligned, target).log_total
            divergence = local_global_divergence(local.paths, log_total)
            if self.strings is not None and self.strings <= _STRINGS:
                finite = FiniteModel.of(unrolled(self.aligned.automaton, self.aligned.graph.states))
                whole = finite.correction(finite.adapted(local.steps, "local"))
                return Correction(divergence, whole.w_max, whole.acceptance)
            ratio = largest_ratio(local.law, log_total)
            accepted = product_acceptance(aligned, local.kept, local.law, log_total)
            found = {"w_max": ratio.reason, "acceptance": accepted.reason}
            reasons = {name: reason for name, reason in found.items() if reason}
            return Correction(divergence, ratio.value, accepted.value, reasons)

    def typical(self, size: int, epsilon: fmpq) -> Window:
        """The sums over corpora of ``size`` strings with |Ibar - H| < epsilon.

        Raises:
            Undecided: see ``theory.automata.typicality``.
        """
        with working(self.bits):
            return typical_automaton_corpora(self.aligned, size, epsilon)


__all__ = ["AutomatonModel"]
