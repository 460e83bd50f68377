"""metropolis.ratio: the stationary laws of both ratios in rationals."""

from __future__ import annotations

from flint import arb, fmpq
from hypothesis import given
from hypothesis import strategies as st

from tests.strategies import trees
from theory.adaptors.exact import Chain, adapt, chain, decide
from theory.alignment.gibbs import Aligned
from theory.arithmetic.exact import exp, objects
from theory.claims.metropolis.models import (
    adapted_law,
)
from theory.corpora.metropolis import acceptance_probability, stationary_law, transition_matrix
from theory.models.finite import FiniteModel


def steps() -> st.SearchStrategy[Chain]:
    """A temperature 1, 1/2 or 1/3, then a truncation."""
    truncation = st.sampled_from(
        [("top_k", "1"), ("top_k", "2"), ("nucleus", "1/2"), ("nucleus", "1"), ("min_p", "1/2")]
    )
    return st.builds(
        lambda t, cut: chain(("temperature", fmpq(1, t)), cut),
        st.integers(1, 3),
        truncation,
    )


@given(trees(tokens=2, depth=2), steps())
def test_ratio(aligned: Aligned, adaptors: Chain) -> None:
    """prod c_t(y')/prod c_t(y) leads to q_glob = p+^tau 1_S / C; p+/q_loc leads to p+(.|S).

    The two are the same law exactly if T = 1 or p+ is constant on S.
    """
    numbers = aligned.balls()
    kept = decide(numbers, adaptors)
    local = adapt(numbers, kept, "local")
    law = adapted_law(FiniteModel.of(aligned), adaptors)
    prob = aligned.exact_prob()
    assert law is not None
    assert prob is not None
    own = prob[local.string]
    raised = objects(p ** int(kept.power.p) for p in own)
    corrected = acceptance_probability(law.product)
    assert (stationary_law(transition_matrix(law.local, corrected)) == raised / raised.sum()).all()
    mistaken = acceptance_probability(own / law.local)
    assert (stationary_law(transition_matrix(law.local, mistaken)) == own / own.sum()).all()
    same = kept.power == 1 or len(set(own)) == 1
    assert (list(own / own.sum()) == list(raised / raised.sum())) == same
    for found, expected in ((local.prob, law.local), (exp(local.log_normaliser), law.product)):
        assert all(abs(a - b) < arb("1e-60") for a, b in zip(found, expected, strict=True))
