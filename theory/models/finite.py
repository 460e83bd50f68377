"""Tables and trees as aligned models."""

from __future__ import annotations

from dataclasses import dataclass

from flint import arb, fmpq

from theory.adaptors.constraints import Language, inside, language_mask
from theory.adaptors.exact import NO_GLOBAL, Adapted, Chain, adapt, adapt_global, adapt_local, decide
from theory.adaptors.moments import Moments, moments
from theory.alignment.gibbs import Aligned, Numbers
from theory.alignment.uncorrelated import uncorrelated
from theory.arithmetic.exact import Array, Undecided, exp, floats
from theory.corpora.atoms import Window, atoms
from theory.corpora.metropolis import largest_weight, stationary_acceptance
from theory.corpora.typicality import typical_corpora
from theory.models.model import Adaptation, Correction, Held, Plane


@dataclass(frozen=True, slots=True, eq=False)
class FiniteModel:
    """An aligned model on finitely many strings, in balls of 256 bits or more.

    >>> from theory.adaptors.exact import chain
    >>> from theory.examples.finite import c5
    >>> model = FiniteModel.of(c5())
    >>> cooled = model.adapted(chain(("temperature", "1/2")), "global").moments
    >>> bool(cooled.mean_log_prior > model.mean.mean_log_prior), bool(cooled.mean_reward < model.mean.mean_reward)
    (True, True)

    Args:
        numbers: the quantities of the model, in balls.
        mean: the moments of (L, R) under p+.
    """

    numbers: Numbers
    mean: Moments

    @staticmethod
    def of(aligned: Aligned) -> FiniteModel:
        """The model, at 256 bits or the precision of the block if that is higher."""
        numbers = aligned.balls()
        return FiniteModel(numbers, moments(numbers))

    @property
    def aligned(self) -> Aligned:
        """The model in exact form."""
        return self.numbers.aligned

    @property
    def bits(self) -> int:
        """The precision of the balls."""
        return self.numbers.bits or 0

    @property
    def log_partition(self) -> arb:
        """log Z, nats."""
        found: arb = self.numbers.log_partition
        return found

    @property
    def strings(self) -> int:
        """How many strings have p+ > 0."""
        return len(self.aligned)

    @property
    def states(self) -> None:
        """None: it is no automaton."""
        return None

    @property
    def is_prior(self) -> bool:
        """Whether the reward is constant, so that p+ = p."""
        return self.mean.constant.reward

    def mass(self) -> Array:
        """p+(y) as rationals where it is rational, else as balls."""
        exact = self.aligned.exact_prob()
        return self.numbers.prob if exact is None else exact

    def moments(self, law: Adapted) -> Moments:
        """The moments of (L, R) under a law of this model's strings.

        Raises:
            ValueError: the law is of another model.
        """
        return moments(self.numbers, law)

    def law(self, steps: Chain, normalise: str) -> Adapted:
        """The law that a chain of adaptors makes.

        Raises:
            Undecided: a tie that no formal test settles.
        """
        return adapt(self.numbers, decide(self.numbers, steps), normalise)

    def adapted(self, steps: Chain, normalise: str) -> Adaptation:
        """The law that a chain of adaptors makes, and its moments; "UNDECIDED" where a tie cannot be settled."""
        try:
            kept = decide(self.numbers, steps)
        except Undecided as error:
            return Adaptation(steps, "UNDECIDED", reason=str(error))
        law = adapt(self.numbers, kept, normalise)
        lost = arb(0) if normalise == "local" else None
        return Adaptation(steps, "OK", law, self.moments(law), lost, kept=kept)

    def correction(self, local: Adaptation) -> Correction:
        """From a local law of this model to the global one.

        Raises:
            ValueError: the law is of another model.
        """
        if local.kept.random:
            return Correction(reasons=dict.fromkeys(("kl_local_global", "w_max", "acceptance"), NO_GLOBAL))
        with self.numbers.arithmetic():
            target = adapt_global(self.numbers, local.kept)
            log_weight = target.log_prob - local.law.log_prob
            weight = exp(log_weight)
            divergence = -(local.law.prob * log_weight).sum()
            return Correction(divergence, largest_weight(weight), stationary_acceptance(local.law.prob, weight))

    def typical(self, size: int, epsilon: fmpq) -> Window:
        """The sums over corpora of ``size`` strings with |Ibar - H| < epsilon.

        Raises:
            Undecided: see ``theory.corpora.typicality``.
        """
        with self.numbers.arithmetic():
            return typical_corpora(atoms(self.numbers), size, epsilon)

    def plane(self) -> Plane:
        """L, R and I of each string in float64, shapes (n,), nats."""
        return floats(self.numbers.log_prior), floats(self.numbers.reward), floats(self.numbers.surprisal)

    def keeps_all(self, found: Adaptation) -> bool:
        """Whether every string is kept, and no temperature is left."""
        if found.power != 1 or len(found.law.string) != len(self.aligned):
            return False
        return int(found.kept.end.sum()) == len(self.aligned)

    def uncorrelated(self, *, prior: bool) -> bool:
        """A formal proof that Cov(L, I) = 0 (``prior``), or that Cov(R, I) = 0; False where none is found."""
        try:
            return uncorrelated(self.aligned, prior=prior)
        except Undecided:
            return False

    def held(self, language: Language) -> Held:
        """The model masked to a language token by token, and conditioned on it.

        Raises:
            ValueError: no string of the model is in the language.
        """
        kept = language_mask(self.aligned, inside(self.aligned, language))
        with self.numbers.arithmetic():
            local, whole = adapt_local(self.numbers, kept), adapt_global(self.numbers, kept)
            gap = whole.log_prob - local.log_prob
            return Held(
                probability=whole.log_normaliser[0].exp(),
                masked=self.moments(local),
                conditioned=self.moments(whole),
                from_masked=-(local.prob * gap).sum(),
                from_conditioned=(whole.prob * gap).sum(),
            )


__all__ = ["FiniteModel"]
