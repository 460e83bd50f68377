"""The interpolated characteristic function against the direct one, string by string, and against the exact law."""

from __future__ import annotations

import math

import numpy as np
import pytest
from flint import fmpq

from theory.arithmetic.exact import Undecided, to_float
from theory.corpora.atoms import atoms
from theory.corpora.interpolation import by_interpolation, interpolated_measure, interpolation_error
from theory.corpora.inversion import Measure, atom_values, inverted
from theory.corpora.typicality import typical_corpora
from theory.examples.finite import random_table
from theory.models.finite import FiniteModel

RNG = np.random.default_rng(11)
PROB = RNG.dirichlet(np.full(3000, 0.5))
LOG_PRIOR = np.log(PROB) + RNG.normal(size=3000) / 3
CENTRED_I, CENTRED_L = (v - PROB @ v for v in (-np.log(PROB), LOG_PRIOR))


@pytest.mark.parametrize("frequency", [0.0, 0.3, 2.0, 9.0])
def test_each_transform_is_that_of_the_strings(frequency: float) -> None:
    """E[f e^{itX}] for the six f, over nodes and over strings, within the stated bound times the largest |f|."""
    measure, width = interpolated_measure(PROB, CENTRED_I, CENTRED_L)
    direct = atom_values([PROB, CENTRED_I, CENTRED_L, np.zeros(len(PROB))])
    found = measure.values @ np.exp(1j * frequency * measure.surprisal)
    wanted = direct @ np.exp(1j * frequency * CENTRED_I)
    bound = np.abs(direct).sum(axis=1) * interpolation_error(frequency, width)
    assert (np.abs(found - wanted) <= bound + 1e-13 * np.abs(direct).sum(axis=1)).all()


@pytest.mark.parametrize(("size", "epsilon"), [(40, 0.2), (100, 0.1), (1000, 0.05)])
def test_the_sums_are_those_of_the_inversion(size: int, epsilon: float) -> None:
    found = by_interpolation(PROB, CENTRED_I, CENTRED_L, size, epsilon)
    direct = Measure(CENTRED_I, atom_values([PROB, CENTRED_I, CENTRED_L, np.zeros(len(PROB))]))
    wanted, _ = inverted(direct, size, epsilon, 1e-17, 0.0)
    assert found.sums == pytest.approx(wanted, rel=1e-11, abs=1e-11)
    assert 0 < found.error < 1e-7


def test_too_few_corpora_to_be_smooth_are_refused() -> None:
    """Two strings a corpus, or a law of three values, are no smooth law."""
    with pytest.raises(Undecided):
        by_interpolation(PROB, CENTRED_I, CENTRED_L, 2, 0.1)
    prob = np.array([0.2, 0.3, 0.5])
    with pytest.raises(Undecided, match="error near"):
        by_interpolation(prob, -np.log(prob) + prob @ np.log(prob), prob - prob @ prob, 100, 0.1)


def test_the_estimate_holds_against_the_exact_law() -> None:
    """On a table of six strings at N = 100 the exact probability is within the estimated error, or none is given."""
    model = FiniteModel.of(random_table(np.random.default_rng(5), 7))
    law = atoms(model.numbers)
    arrays = [np.array([to_float(v) for v in values]) for values in (law.prob, law.surprisal, law.log_prior)]
    for size in (100, 3000):
        exact = typical_corpora(law, size, fmpq(1, 20))
        try:
            found = by_interpolation(*arrays, size, 0.05)
        except Undecided:
            continue
        assert math.isclose(found.sums[0], float(exact.sums[0]), abs_tol=found.error)
