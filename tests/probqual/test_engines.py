"""What `probqual engines` and `probqual exact` say of engines and constraints on the screen."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from probqual.command_line import app
from theory.adaptors.engines import ENGINES


@pytest.mark.parametrize("name", [one.name for one in ENGINES])
def test_every_preset_says_its_order_rules_defaults_and_evidence(name: str) -> None:
    """A line a setting in the order of the chain, and how and when it was verified."""
    found = CliRunner().invoke(app, ["engines", name])
    assert found.exit_code == 0
    own = next(one for one in ENGINES if one.name == name)
    lines = [line.strip() for line in found.output.splitlines()]
    told = [line.partition(":")[0] for line in lines if " by default" in line and ":" in line]
    assert [setting for setting in told if setting in own.defaults] == list(own.defaults)
    assert own.version in found.output
    assert any(line.startswith("verified: ") and "2026-" in line for line in lines)


def test_which_kept_sets_show_where_the_temperature_stands() -> None:
    """Of llama.cpp none here does, and that is said; the live ones of mlx-lm do."""
    run = CliRunner().invoke
    assert "none of the kept sets here shows it" in run(app, ["engines", "llama.cpp"]).output
    assert "place of the temperature: shown by 3 of them" in run(app, ["engines", "mlx-lm"]).output


def test_brackets_of_a_constraint_are_printed(tmp_path: Path) -> None:
    """[ab] is part of the expression and no style of the screen."""
    path = tmp_path / "held.toml"
    path.write_text(
        """constraint = "[ab](:x:)?"
[prior]
kind = "table"
strings = ["a", "b", "c"]
probs = ["1/7", "2/7", "4/7"]
[reward]
beta = "1"
values = ["0", "1/2", "1"]
""",
        encoding="utf-8",
    )
    found = CliRunner().invoke(app, ["exact", str(path)])
    assert found.exit_code == 0, found.output
    assert "held to '[ab](:x:)?'" in found.output
