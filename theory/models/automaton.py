"""Automata as aligned models: exact over infinitely many strings."""

from __future__ import annotations

from dataclasses import dataclass

from flint import arb, ctx, fmpq

from theory.adaptors.constraints import Language
from theory.adaptors.exact import NO_GLOBAL, Chain
from theory.adaptors.moments import Moments
from theory.arithmetic.exact import BITS, Diverges, Undecided, working
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
from theory.automata.constraints import masked_product
from theory.automata.critical_beta import critical_beta
from theory.automata.histories import remembering
from theory.automata.path_sums import step_weights
from theory.automata.spectral_radius import critical_temperature, spectral_radius
from theory.automata.typicality import typical_automaton_corpora
from theory.automata.uncorrelated import uncorrelated_paths
from theory.corpora.atoms import Window
from theory.language_models.automaton import Automaton
from theory.models.finite import FiniteModel
from theory.models.model import Adaptation, Correction, CriticalPoints, Held, Plane

_STRINGS = 2000
"""Up to this many strings are listed, and the acceptance is summed string by string."""


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

    @property
    def states(self) -> int:
        """How many states keep mass."""
        return self.aligned.graph.states

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
            finite = self._listed()
            if finite is not None:
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

    def _listed(self) -> FiniteModel | None:
        """The tree of its strings; None where they are many."""
        if self.strings is None or self.strings > _STRINGS:
            return None
        return FiniteModel.of(unrolled(self.aligned.automaton, self.states))

    def plane(self) -> Plane | None:
        """L, R and I of each string in float64, shapes (n,), nats; None where they are many."""
        finite = self._listed()
        return None if finite is None else finite.plane()

    def keeps_all(self, found: Adaptation) -> bool:
        """Whether the tree of its strings keeps every one; False where they are many."""
        finite = self._listed()
        if finite is None:
            return False
        return finite.keeps_all(finite.adapted(found.steps, "global" if found.leaked_mass is None else "local"))

    def uncorrelated(self, *, prior: bool) -> bool:
        """A formal proof that Cov(L, I) = 0 (``prior``), or that Cov(R, I) = 0; False where none is found."""
        try:
            return uncorrelated_paths(self.aligned.automaton, prior=prior)
        except Undecided:
            return False

    def held(self, language: Language) -> Held:
        """The automaton masked to a language token by token, and conditioned on it.

        Raises:
            ValueError: no string is in the language, or the product with it has too many states.
        """
        aligned, steps = masked_product(self.aligned.automaton, language)
        local, whole = adapt_automaton_local(aligned, steps), adapt_automaton_global(aligned, steps)
        assert whole is not None, "some string is kept"
        assert not isinstance(local, Leak), "every state that is kept can stop"
        one, two = adapted_moments(aligned, local), adapted_moments(aligned, whole)
        divergence = local_global_divergence(one, two.log_total)
        return Held(two.log_total.exp(), one.moments, two.moments, divergence, None)


def critical_points(automaton: Automaton, beta: fmpq, *, lawful: bool) -> CriticalPoints:
    """The spectral radius of an automaton, its critical temperature and its critical beta.

    Args:
        automaton: ``rewarded()``; Z may be infinite.
        beta: reward units per nat, at which R is r / beta.
        lawful: whether there is an aligned law.
    """
    reasons = {"critical_temperature": "there is no aligned law"}
    temperature, at, more_bits = None, None, False
    cycle: tuple[str, ...] = ()
    if lawful:
        try:
            temperature = critical_temperature(automaton)
            reasons["critical_temperature"] = "the global law exists at every temperature"
        except Undecided as error:
            reasons["critical_temperature"], more_bits = str(error), True
    try:
        found = critical_beta(automaton, beta)
        at, reasons["critical_beta"], cycle = found.value, found.reason, found.cycle
    except Undecided as error:
        reasons["critical_beta"], more_bits = str(error), True
    radius = spectral_radius(automaton.graph, step_weights(automaton, fmpq(1), fmpq(1)))
    return CriticalPoints(radius, temperature, at, reasons, cycle, more_bits)


__all__ = ["AutomatonModel", "critical_points"]
