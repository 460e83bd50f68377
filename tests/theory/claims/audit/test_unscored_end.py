"""audit.unscored-end: the scores of all strings, by hand and by beginnings."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import given

from tests.strategies import trees
from theory.alignment.gibbs import Aligned
from theory.arithmetic.exact import fraction
from theory.claims.audit.unscored_end import CLAIM, ended
from theory.models.finite import FiniteModel
from theory.reference_code import prior_prefixes


@given(trees(tokens=2, depth=2))
def test_scores_sum_to_how_many_strings_a_string_begins_with(aligned: Aligned) -> None:
    """sum_y P(Y begins with y) = E #{y: Y begins with y}, from the strings' tokens; 1 iff no string begins another."""
    strings = [tuple(aligned.tree.tokens(int(node))) for node in aligned.node]
    prior = [fraction(p) for p in aligned.prior]
    begins = [[y[: len(x)] == x for y in strings] for x in strings]
    scores = [sum(p for p, does in zip(prior, row, strict=True) if does) for row in begins]
    found = prior_prefixes(aligned)
    assert [fraction(found[int(node)]) for node in aligned.node] == scores
    counted = sum(p * sum(row[k] for row in begins) for k, p in enumerate(prior))
    assert sum(scores) == counted
    assert (counted == 1) == (sum(map(sum, begins)) == len(strings))
    assert {finding.outcome for finding in CLAIM.check(FiniteModel.of(aligned))} == {"holds"}


def test_the_smallest_model_that_turns_its_sign() -> None:
    """Strings "" and "a" with p = (1, 2)/3: without ends both scores are those of prefixes, 1 and 2/3."""
    aligned = ended().content.aligned
    found = prior_prefixes(aligned)
    assert [fraction(found[int(node)]) for node in aligned.node] == [Fraction(1), Fraction(2, 3)]
