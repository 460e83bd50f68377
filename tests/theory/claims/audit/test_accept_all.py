"""audit.accept-all: a wrong formula is noticed."""

from __future__ import annotations

import pytest

from theory.adaptors.exact import chain
from theory.arithmetic.exact import precision
from theory.claims.audit import accept_all
from theory.claims.audit.models import COOLED
from theory.claims.claim import Profile
from theory.claims.grades import Verdict
from theory.claims.running import run


def test_checks_notice_a_wrong_formula(monkeypatch: pytest.MonkeyPatch) -> None:
    """With another temperature in the procedure than in the formula the claim fails."""
    real = accept_all.accept_all
    monkeypatch.setattr(accept_all, "accept_all", lambda n, steps: real(n, chain(("temperature", "1/3"))))
    assert chain(("temperature", "1/3")) != COOLED
    with precision():
        assert run(accept_all.CLAIM, Profile("quick")).verdict is Verdict.REFUTED
