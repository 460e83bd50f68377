"""A model held to a language: masked token by token, and conditioned, side by side."""

from __future__ import annotations

from dataclasses import dataclass

from flint import arb

from theory.adaptors.constraints import language_mask
from theory.adaptors.exact import adapt_global, adapt_local
from theory.adaptors.moments import Moments
from theory.automata.adaptors import (
    Leak,
    adapt_automaton_global,
    adapt_automaton_local,
    adapted_moments,
    local_global_divergence,
)
from theory.automata.constraints import masked_product
from theory.models.finite import FiniteModel
from theory.models.model import AlignedModel
from theory.specification.automaton import AutomatonSpecification
from theory.specification.constraints import inside
from theory.specification.finite import Specification
from theory.specification.tables import SpecificationError


@dataclass(frozen=True, slots=True, eq=False)
class Held:
    """What a language makes of a model.

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


def held(spec: Specification | AutomatonSpecification, model: AlignedModel) -> Held:
    """The masked and the conditioned law of a specification with a constraint.

    Raises:
        SpecificationError: no string of the model is in the language, or the product is too large.
    """
    assert spec.constraint is not None, "the caller looked"
    if isinstance(model, FiniteModel):
        kept = language_mask(model.aligned, inside(model.aligned, spec.constraint.language))
        with model.numbers.arithmetic():
            local, whole = adapt_local(model.numbers, kept), adapt_global(model.numbers, kept)
            gap = whole.log_prob - local.log_prob
            probability = whole.log_normaliser[0].exp()
            return Held(
                probability,
                model.moments(local),
                model.moments(whole),
                -(local.prob * gap).sum(),
                (whole.prob * gap).sum(),
            )
    assert isinstance(spec, AutomatonSpecification), "there are two kinds"
    try:
        aligned, steps = masked_product(spec.automaton.rewarded(), spec.constraint.language)
    except ValueError as error:
        raise SpecificationError(f"constraint: {error}") from None
    local_law, whole_law = adapt_automaton_local(aligned, steps), adapt_automaton_global(aligned, steps)
    assert whole_law is not None, "some string is kept"
    assert not isinstance(local_law, Leak), "every state that is kept can stop"
    one, two = adapted_moments(aligned, local_law), adapted_moments(aligned, whole_law)
    return Held(two.log_total.exp(), one.moments, two.moments, local_global_divergence(one, two.log_total), None)


__all__ = ["Held", "held"]
