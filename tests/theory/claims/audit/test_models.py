"""The ten departures: what each says of itself."""

from __future__ import annotations

from theory.claims.registry import find

CLAIMS = find(["audit"])


def test_ten_departures() -> None:
    assert len(CLAIMS) == 10
    assert all(claim.remark.startswith("By itself") for claim in CLAIMS)
    assert all("read, not run" in claim.source for claim in CLAIMS)
