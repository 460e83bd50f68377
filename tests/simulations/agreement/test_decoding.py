"""What the comparisons of decoders make of outcomes that are rare, and of those that are impossible."""

from __future__ import annotations

import numpy as np
import pytest

from simulations.agreement.comparison import DIFFERS, SAMPLED, law, settle
from simulations.agreement.decoding import pooled
from simulations.agreement.statistics import Ledger

PROB = np.array([0.5, 0.0, 0.4995, 0.0003, 0.0002])


@pytest.mark.parametrize("expected", [0.0, 0.25, 0.5, 10.0, 1000.0])
def test_pooling_keeps_probability_and_counts(expected: float) -> None:
    """Both add up as before; what stays apart is what is frequent enough, and every impossible outcome."""
    outcome = np.repeat(np.arange(5), [498, 0, 500, 1, 1])
    prob, counts = pooled(PROB, outcome, expected)
    apart = [k for k in range(5) if PROB[k] == 0 or PROB[k] * len(outcome) >= expected]
    assert prob.tolist() == [*PROB[apart], PROB[[k for k in range(5) if k not in apart]].sum()]
    assert counts.tolist() == [*np.bincount(outcome)[apart], len(outcome) - np.isin(outcome, apart).sum()]
    assert prob.sum() == pytest.approx(1, abs=1e-15)


@pytest.mark.parametrize(("impossible", "verdict"), [(0, SAMPLED), (1, DIFFERS)])
def test_one_impossible_outcome_is_noticed(impossible: int, verdict: str) -> None:
    """However rare it is: it is not hidden among the rare ones that are possible."""
    outcome = np.repeat(np.arange(5), [5000 - impossible, impossible, 4995, 3, 2])
    (row,) = settle([law("a.b", "what", *pooled(PROB, outcome))], Ledger())
    assert row.verdict == verdict
