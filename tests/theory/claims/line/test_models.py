"""A band is read from a specification, which must have a corpus."""

from __future__ import annotations

import pytest

from theory.claims.claim import Claim, Profile
from theory.claims.line.models import replay_band
from theory.claims.line.rate import CLAIM as RATE
from theory.claims.line.sample_size import CLAIM as SAMPLE_SIZE
from theory.claims.running import run_control


def test_a_band_needs_a_corpus() -> None:
    with pytest.raises(ValueError, match=r"needs \[corpus\]"):
        replay_band('[prior]\nkind = "table"\nstrings = ["x"]\nprobs = ["1"]\n[reward]\nexp_values = ["1"]\n')


@pytest.mark.parametrize("claim", [RATE, SAMPLE_SIZE], ids=lambda claim: claim.id)
def test_a_band_is_read_again(claim: Claim) -> None:
    """On the band that a witness's specification describes the control fails again."""
    for control in claim.controls:
        witness = run_control(control, Profile("quick")).witness
        assert witness is not None
        again = list(control.check(replay_band(witness.spec)))
        assert any(finding.outcome == "fails" for finding in again)
