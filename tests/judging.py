"""A plugin of pytest for the runs that judge a mutant: ``pytest -p tests.judging``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hypothesis import Phase, settings


def pytest_configure() -> None:
    """The first example that fails will do: Hypothesis need not shrink it."""
    settings.register_profile("unshrunk", settings.default, phases=[Phase.explicit, Phase.generate])
    settings.load_profile("unshrunk")


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Name the test files of which every test was skipped, each with a reason."""
    stats = terminalreporter.stats
    ran = {report.nodeid.partition("::")[0] for kind in ("passed", "failed", "error") for report in stats.get(kind, ())}
    reasons = {}
    for report in stats.get("skipped", ()):
        reasons.setdefault(report.nodeid.partition("::")[0], str(report.longrepr[2]))
    for file, reason in reasons.items():
        if file not in ran and Path(file).name.startswith("test_"):  # the others may hold a doctest
            terminalreporter.write_line(f"NOT RUN {file}: {reason}")
