"""Every number of ``probqual exact`` has words, and the keys stay what they are."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from probqual.command_line import app
from theory.quantities.answer import quantities
from theory.quantities.labels import LABELS, in_words
from theory.specification.any_model import read_model

EXAMPLES = Path(__file__).resolve().parents[3] / "examples"
NAMES = ("c1", "c5", "toy", "tree", "automaton")

PLAIN = {
    "kind",
    "status",
    "notes",
    "adaptors",
    "name",
    "value",
    "normalise",
    "effect",
    "constraint",
    "engine",
    "reason",
}
"""Keys whose values are words or lists, printed as they are."""


def keys(found: dict[str, Any]) -> Iterator[str]:
    """The keys of the model and of its adaptors, balls left out."""
    for part in (found, *found["adaptors"]):
        yield from (key for key in part if not key.endswith("_ball"))


@pytest.fixture(scope="module", params=NAMES)
def found(request: pytest.FixtureRequest) -> dict[str, Any]:
    """The numbers of an example."""
    return quantities(read_model(EXAMPLES / f"{request.param}.toml"))


def test_every_key_has_a_label(found: dict[str, Any]) -> None:
    missing = {key for key in keys(found) if key not in LABELS} - PLAIN
    assert not missing


def test_no_key_is_left_in_what_is_printed(found: dict[str, Any]) -> None:
    """Not one word with an underscore, but for the names of adaptors and of C's limits."""
    for note in in_words(found["notes"]):
        assert not [word for word in re.findall(r"[a-z]+_[a-z_]+", note) if word in LABELS], note


def test_labels_differ() -> None:
    assert len(set(LABELS.values())) == len(LABELS)


def test_the_table_prints_words_and_the_json_keys(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["exact", str(EXAMPLES / "c5.toml"), "--json", str(tmp_path / "out.json")])
    assert done.exit_code == 0
    assert re.search(r"mean log-likelihood E L\s*│\s*-1\.0746", done.stdout)
    assert re.search(r"exchange coefficient b = Cov\(L, I\)/V\s*│\s*-1\.9237", done.stdout)
    assert "mean_log_prior" not in done.stdout
    assert '"mean_log_prior": -1.0746' in (tmp_path / "out.json").read_text("utf-8")


def test_a_note_that_names_no_number_stays() -> None:
    """Words that are no keys, and what only looks like one."""
    notes = ["prior.probs: floats that sum to 1", "adaptor 2: took top_p for nucleus", "beta must be above 2"]
    assert in_words(notes) == notes
    assert in_words(["critical_beta: Z is infinite"]) == ["critical beta: Z is infinite"]
