"""prompts.identification: bounds in float64, an example, and what a search finds."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.theory.claims.prompts.conditional import conditional_models
from theory.alignment.gibbs import Aligned
from theory.arithmetic.exact import floats, to_float
from theory.claims.prompts.models import Conditional, edge_cases, two_prompts
from theory.corpora.mixtures import identification, prompts


@given(conditional_models(), st.lists(st.floats(-50, 50), min_size=3, max_size=3))
def test_identification(aligned: Aligned, extra: list[float]) -> None:
    """-e <= Corr(L, R + g) <= sqrt(e^2 + (1 - e^2) rho_w^2) for rho_w > 0, mirrored for rho_w < 0; in floats."""
    model = prompts(aligned)
    within = model.mixture.within()
    assume(not any(v.contains(0) for v in within.entries()))
    found = identification(model.mixture)
    prob = np.concatenate([floats(p.prob * w) for w, p in zip(model.mixture.weight, model.mixture.parts, strict=True)])
    log_prior = np.concatenate([floats(p.log_prior) for p in model.mixture.parts])
    reward = np.concatenate([floats(p.reward) + g for p, g in zip(model.mixture.parts, extra, strict=False)])
    log_prior, reward = log_prior - prob @ log_prior, reward - prob @ reward
    value = prob @ (log_prior * reward) / np.sqrt((prob @ log_prior**2) * (prob @ reward**2))
    e2, rho = to_float(found.share), to_float(found.within_correlation)
    ends = sorted((-np.sign(rho) * np.sqrt(e2), np.sign(rho) * np.sqrt(e2 + (1 - e2) * rho**2)))
    assert ends[0] - 1e-9 < value < ends[1] + 1e-9
    assert [float(end) for end in found.ends()] == pytest.approx(ends, abs=1e-9)


def test_range_of_an_example() -> None:
    """Prompts a, b with 2 and 3 answers: Corr = -.509 as given, [-.8638, .6809) over all g; rho_w = -.726 stays."""
    mixture = prompts(two_prompts()).mixture
    found = identification(mixture)
    assert [float(end) for end in found.ends()] == pytest.approx([-0.86382798, 0.68089981], abs=1e-8)
    assert found.attained() == (True, False)
    assert float(mixture.pooled().covariance().correlation) == pytest.approx(-0.50906478, abs=1e-8)
    e2, rho = to_float(found.share), float(found.within_correlation)
    assert np.sqrt(e2 + (1 - e2) * rho**2) == pytest.approx(0.86382798, abs=1e-8)


def test_range_is_what_a_search_finds() -> None:
    """The best of 4,000 slants and offsets of g comes within 1e-4 of the far end, and none beyond."""
    mixture = prompts(two_prompts()).mixture
    within = mixture.within()
    low, high = (float(end) for end in identification(mixture).ends())
    var_l, var_r, cov = (to_float(v) for v in within.entries())
    means = mixture.means()
    weight, level = floats(means.prob), floats(means.log_prior)
    from_level = level - weight @ level
    offset = np.linspace(-40, 40, 4001)  # E[R + g | b] - E[R + g | a]: with two prompts all that g can move
    merit = np.outer(offset, [0, 1]) - np.outer(offset * weight[1], [1, 1])
    total = (cov + merit @ (weight * from_level)) / np.sqrt(
        (var_l + weight @ from_level**2) * (var_r + merit**2 @ weight)
    )
    assert total.min() == pytest.approx(low, abs=1e-4)
    assert low - 1e-12 < total.min() < total.max() < high


@pytest.mark.parametrize("name", [case.name for case in edge_cases()])
def test_ranges_at_the_borders(name: str) -> None:
    """Whatever the sign of the covariance within prompts, and for e = 0 or 1: offsets of g on a grid stay in the range.

    They come within 1e-3 of both ends. With covariance 0 and e = 0 every correlation is 0.
    """
    content: Conditional = next(case.content for case in edge_cases() if case.name == name)
    found = identification(content.mixture)
    low, high = (float(end) for end in found.ends())
    pooled = content.mixture.pooled()
    prob, log_prior = floats(pooled.prob), floats(pooled.log_prior)
    first = len(content.mixture.parts[0])
    values = []
    for offset in [*np.linspace(-9, 9, 3601), -1e4, 1e4]:
        reward = floats(pooled.reward) + offset * (np.arange(len(prob)) < first)
        centred = reward - prob @ reward
        cov = prob @ (log_prior * centred)
        values.append(cov / np.sqrt((prob @ log_prior**2 - (prob @ log_prior) ** 2) * (prob @ centred**2)))
    assert low - 1e-12 <= min(values) <= low + 1e-3
    assert high - 1e-3 <= max(values) <= high + 1e-12
    if name == "zero within, e = 0":
        assert max(np.abs(values)) < 1e-12
