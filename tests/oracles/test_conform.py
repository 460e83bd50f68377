"""1,000 clean runs of ``probqual conform check`` without an alarm; ``make oracles`` runs them."""

from __future__ import annotations

import pytest

from simulations.conform.checks import BUDGET
from tests.simulations.conform.test_checks import LLAMA, PLAIN, TRANSFORMERS, Sampler, alarms, run
from theory.adaptors.exact import Chain, chain

RUNS, STRINGS, FIRST_SEED = 250, 1_000, 20_000


@pytest.mark.oracle
@pytest.mark.parametrize("steps", [PLAIN, LLAMA, TRANSFORMERS, chain(("xtc", "1/50"))], ids=str)
def test_clean_runs_raise_no_alarm(steps: Chain) -> None:
    """250 runs of 1,000 strings of both models by each of four chains; one alarm among all has probability 1e-3."""
    assert RUNS * 4 * BUDGET <= 1e-3
    found = {seed: alarms(run(Sampler(steps), steps, FIRST_SEED + seed, STRINGS)) for seed in range(RUNS)}
    assert {seed: names for seed, names in found.items() if names} == {}
