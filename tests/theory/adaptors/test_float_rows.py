"""Cuts of float64 rows: the run that is found among leading tokens is the one that a sort of all tokens finds."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from theory.adaptors.chains import Chain, adaptor
from theory.adaptors.float_rows import ROUNDING, adapted_row, normalised
from theory.arithmetic.exact import Undecided, to_float


def shortest_by_sorting(score: Any, log_q: Any, value: float) -> int | None:
    """The length of the run, from a stable sort of every token; None where float64 does not tell it."""
    mass = np.cumsum(np.exp(log_q[np.argsort(-score, kind="stable")]), dtype=np.longdouble)
    count = min(int(np.searchsorted(mass, value)) + 1, len(mass))
    return None if (np.abs(mass[max(count - 2, 0) : count] - value) <= ROUNDING).any() else count


@st.composite
def rows(draw: st.DrawFn) -> Any:
    """Weights with ties, near-ties and far tails, as log p."""
    weight = draw(st.lists(st.integers(1, 12), min_size=2, max_size=40))
    depth = draw(st.lists(st.sampled_from([0.0, 1e-13, 1e-11, 1.0, 40.0, 300.0]), min_size=1, max_size=5))
    return normalised(np.log(np.array(weight, dtype=float)) - np.resize(depth, len(weight)))


@given(
    rows(), st.sampled_from(["1/100", "1/4", "1/2", "3/5", "9/10", "999/1000"]), st.sampled_from(["nucleus", "typical"])
)
def test_the_run_is_that_of_a_whole_sort(log_q: Any, value: str, name: str) -> None:
    score = log_q if name == "nucleus" else -np.abs(log_q - float(np.exp(log_q) @ log_q))
    step = adaptor(name, value)
    count = shortest_by_sorting(score, log_q, to_float(step.value))
    try:
        kept = adapted_row(log_q, Chain((step,)))[0]
    except Undecided:
        kept = None
    assert (None if kept is None else len(kept)) == count
    if kept is not None and count is not None:
        cut = np.sort(score)[::-1][count - 1]
        assert (score[kept] >= cut - ROUNDING * max(1.0, abs(cut))).all()
