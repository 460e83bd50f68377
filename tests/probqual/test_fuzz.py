"""Specification files at random: see ``tests.fuzzing``."""

from __future__ import annotations

from tests.fuzzing import run


def test_specifications_at_random() -> None:
    """Some hundred files: exit 0 or 2, quickly, in little memory, no null without a word."""
    seen = run(300)
    assert seen.failures == []
    assert set(seen.statuses) == {0, 2}
    assert min(seen.statuses.values()) > 30
