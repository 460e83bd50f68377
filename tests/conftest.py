"""Hypothesis profiles: ``ci`` is derandomised and the default, ``thorough`` is random and long."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from theory.arithmetic.exact import precision

_QUIET = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow, HealthCheck.filter_too_much]}
settings.register_profile("ci", derandomize=True, max_examples=200, database=None, **_QUIET)
settings.register_profile("quick", derandomize=True, max_examples=20, database=None, **_QUIET)
settings.register_profile("thorough", max_examples=5000, **_QUIET)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))


@pytest.fixture(autouse=True)
def _working_precision() -> Iterator[None]:
    """Every test computes balls at 256 bits."""
    with precision():
        yield
