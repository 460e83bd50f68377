"""``probqual convert``: what it writes is the same model when it is read back."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from probqual.command_line import app
from tests.ngrams import BIGRAM, written

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
NUMBERS = ("log_partition", "entropy", "varentropy", "mean_log_prior")


def run(*arguments: object) -> str:
    """Standard error of a command that succeeds."""
    done = CliRunner().invoke(app, [str(a) for a in arguments])
    assert done.exit_code == 0, done.output
    return done.stderr


def refused(*arguments: object) -> str:
    done = CliRunner().invoke(app, [str(a) for a in arguments])
    assert done.exit_code == 2, done.output
    return done.stderr


def exact(spec: Path) -> dict[str, float]:
    run("exact", spec, "--json", spec.with_suffix(".json"))
    found: dict[str, float] = json.loads(spec.with_suffix(".json").read_text(encoding="utf-8"))
    return found


PRIOR = """[prior]
kind = "automaton"
alphabet = ["a", "b"]
states = 2
stop = ["1/2", "1/4"]
arc = [{from = 0, to = 1, token = "a", prob = "1/2"}, {from = 1, to = 0, token = "b", prob = "3/4"}]
[reward]
"""


@pytest.mark.parametrize(
    ("file", "prior", "options"),
    [
        ("model.fst", 'kind = "openfst"\nsemiring = "log"', []),
        ("model.txt", 'kind = "openfst"\nsemiring = "probability"', ["--semiring", "probability"]),
        ("model.drn", 'kind = "dtmc"', []),
    ],
)
def test_an_automaton_comes_back(file: str, prior: str, options: list[str], tmp_path: Path) -> None:
    own, back = written(tmp_path, PRIOR, "own.toml"), written(tmp_path, f'[prior]\n{prior}\nfile = "{file}"', "b.toml")
    run("convert", own, tmp_path / file, *options)
    known, found = exact(own), exact(back)
    for name in NUMBERS:
        assert found[name] == pytest.approx(known[name], rel=1e-12, abs=1e-14)


def test_a_small_back_off_model_is_expanded(tmp_path: Path) -> None:
    """Two contexts, each with two words and the end: six lines, and the entropy of the model."""
    written(tmp_path, BIGRAM, "model.arpa")
    own = written(tmp_path, '[prior]\nkind = "arpa"\nfile = "model.arpa"', "own.toml")
    run("convert", own, tmp_path / "model.fst")
    assert len((tmp_path / "model.fst").read_text(encoding="utf-8").splitlines()) == 6
    back = written(tmp_path, '[prior]\nkind = "openfst"\nsemiring = "log"\nfile = "model.fst"', "back.toml")
    assert exact(back)["entropy"] == pytest.approx(exact(own)["entropy"], rel=1e-12)


def test_what_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One line each, and nothing is written."""
    out = tmp_path / "out.fst"
    assert 'a prior of kind "table" is no automaton' in refused("convert", EXAMPLES / "c1.toml", out)
    assert "must end in .fst or .txt" in refused("convert", EXAMPLES / "automaton.toml", tmp_path / "out.json")
    own = written(tmp_path, PRIOR.replace('"a"', '"a b"'), "own.toml")
    assert "the token 'a b' is no label of this format" in refused("convert", own, out)
    own = written(tmp_path, PRIOR.replace('"a"', '"init"'), "own.toml")
    assert "the token 'init' is no label" in refused("convert", own, tmp_path / "out.drn")
    written(tmp_path, BIGRAM, "model.arpa")
    own = written(tmp_path, '[prior]\nkind = "arpa"\nfile = "model.arpa"', "own.toml")
    monkeypatch.setattr("theory.models.ngram.MOST_EXPANDED", 5)
    assert "it has 6 arcs; at most 5 are written" in refused("convert", own, out)
    assert not out.exists()
    assert not (tmp_path / "out.drn").exists()
