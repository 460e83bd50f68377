"""The summary of rows that were written by hand, where every share can be counted."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("pyarrow", reason="pyarrow is not installed")
pytest.importorskip("joblib", reason="joblib is not installed")

from simulations.bridge.store import Store
from simulations.sweep.key import configuration
from simulations.sweep.measure import columns
from simulations.sweep.plan import Sweep, read_sweep
from simulations.sweep.summary import summarise
from simulations.sweep.work import commit
from theory.report.records import LabelledShare, Share, SweepRecord, as_json

TEXT = """
[sweep]
models = 9
claims = ["line.identity"]
[[family]]
kind = "table"
strings = [2]
[[adaptor]]
name = "temperature"
value = "1/2"
[output]
folder = "out"
"""

# strings, beta, Corr_p(L, R), trades, the signs of strings and of chains, where the adaptor goes
ROWS = [
    (2, "1/2", -1.0, "yes", -1, 1, "trades L for R"),
    (2, "1/2", -0.8, "no", -1, -1, "lowers both"),
    (3, "1/2", -0.6, "yes", 1, -1, "trades R for L"),
    (5, "1/2", 0.0, "undecided", 1, None, "same"),
    (5, "2", 0.25, "no", 1, 1, "raises both"),
    (7, "2", 1.0, "yes", 0, 1, "one stays"),
    (8, "2", 0.999, "still", 0, None, "same"),
    (8, "2", None, "no", -1, 0, "undecided"),
    (9, "10", 0.19999, "no", -1, 1, "lowers both"),
]


def row(sweep: Sweep, number: int) -> dict[str, Any]:
    strings, beta, correlation, trades, sign, chain, direction = ROWS[number]
    known = {
        "model": number,
        "family": "table",
        "strings": strings,
        "beta": beta,
        "correlation_prior": correlation,
        "trades": trades,
        "sign_strings": sign,
        "sign_chain": chain,
        "adaptor_0": direction,
        "claim line.identity": "holds",
    }
    return dict.fromkeys(columns(sweep)) | known


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> SweepRecord:
    folder = tmp_path_factory.mktemp("sweep")
    (folder / "sweep.toml").write_text(TEXT, encoding="utf-8")
    sweep = read_sweep(folder / "sweep.toml")
    store = Store.open(folder / "out", configuration(sweep), sweep.shards)
    assert commit(sweep, store, 0, [row(sweep, number) for number in range(len(ROWS))])
    return summarise(store)


STEPS = ["1", "1/4", "1", "1/4", "10", "1/4", "1", "10", "1"]


@pytest.fixture(scope="module")
def by_step(tmp_path_factory: pytest.TempPathFactory) -> SweepRecord:
    """The summary of the same rows, each with a step."""
    folder = tmp_path_factory.mktemp("steps")
    steps = '[reward]\nsteps = ["1/4", "1", "10"]\n[[family]]'
    (folder / "sweep.toml").write_text(TEXT.replace("[[family]]", steps), encoding="utf-8")
    sweep = read_sweep(folder / "sweep.toml")
    store = Store.open(folder / "out", configuration(sweep), sweep.shards)
    rows = [row(sweep, number) | {"step": step} for number, step in enumerate(STEPS)]
    assert commit(sweep, store, 0, rows)
    return summarise(store)


def counts(shares: tuple[LabelledShare, ...]) -> dict[str, tuple[int, int]]:
    return {one.label: (one.count, one.of) for one in shares}


def both(one: Share) -> tuple[int, int]:
    return one.count, one.of


def test_whole(found: SweepRecord) -> None:
    assert (found.models, found.strings, found.undecided, found.still) == (
        9,
        sum(strings for strings, *_ in ROWS),
        1,
        1,
    )


def test_labels_by_size_and_strength(found: SweepRecord) -> None:
    """The largest listed size that is not above the model's, in order of size; of models that are decided and move."""
    assert counts(found.by_strings) == {"2": (1, 2), "3": (1, 1), "4": (0, 1), "6": (1, 1), "8": (0, 2)}
    assert [one.label for one in found.by_strings] == ["2", "3", "4", "6", "8"]
    assert counts(found.by_beta) == {"1/2": (2, 3), "2": (1, 3), "10": (0, 1)}
    assert [one.label for one in found.by_beta] == ["1/2", "2", "10"]


def test_labels_by_correlation(found: SweepRecord) -> None:
    """Fifths of [-1, 1] by their middle: an edge belongs to the bin above it, 1 to the last; no correlation, no bin."""
    assert counts(found.by_correlation) == {
        "-0.9": (1, 1),
        "-0.7": (0, 1),
        "-0.5": (1, 1),
        "0.1": (0, 1),
        "0.3": (0, 1),
        "0.9": (1, 1),
    }
    assert counts(found.by_beta_and_correlation) == {
        "1/2 -0.9": (1, 1),
        "1/2 -0.7": (0, 1),
        "1/2 -0.5": (1, 1),
        "2 0.3": (0, 1),
        "2 0.9": (1, 1),
        "10 0.1": (0, 1),
    }


def test_labels_by_step(found: SweepRecord, by_step: SweepRecord) -> None:
    """By step, and by step and size, in the order of numbers, of models that are decided and move."""
    assert counts(by_step.by_step) == {"1/4": (1, 2), "1": (2, 3), "10": (0, 2)}
    assert [one.label for one in by_step.by_step] == ["1/4", "1", "10"]
    assert counts(by_step.by_step_and_strings) == {
        "1/4 2": (0, 1),
        "1/4 6": (1, 1),
        "1 2": (1, 1),
        "1 3": (1, 1),
        "1 8": (0, 1),
        "10 4": (0, 1),
        "10 8": (0, 1),
    }
    assert [one.label for one in by_step.by_step_and_strings][:3] == ["1/4 2", "1/4 6", "1 2"]
    steps = {"key": found.key, "sweep": found.sweep, "by_step": (), "by_step_and_strings": ()}
    assert dataclasses.replace(by_step, **steps) == found


def test_one_step_has_no_shares_by_step(found: SweepRecord) -> None:
    """The record of a sweep with one step says nothing of steps: it reads as it did before there could be several."""
    assert (found.by_step, found.by_step_and_strings) == ((), ())
    assert not [name for name in as_json(found) if "step" in name]


def test_negative_covariance(found: SweepRecord) -> None:
    """Of the four models whose strings have one, the first trades."""
    assert both(found.negative_covariance) == (1, 4)


def test_turns(found: SweepRecord) -> None:
    """Both signs must be sure: of five such models three turn, two of three from negative, one of two from positive."""
    (chain,) = (turn for turn in found.turns if turn.name == "chain")
    assert (both(chain.turns), both(chain.from_positive), both(chain.from_negative)) == ((3, 5), (1, 2), (2, 3))


def test_directions(found: SweepRecord) -> None:
    """A model that stays where it is, or moves along one axis only, can neither trade nor lose both."""
    (adaptor,) = found.adaptors
    assert (both(adaptor.trades), both(adaptor.lowers_both)) == ((2, 5), (2, 5))
    assert sum(adaptor.counts.values()) == len(ROWS)
    assert adaptor.counts["same"] == 2


def test_witnesses_of_a_failure_come_first(tmp_path: Path) -> None:
    """A model that is shown as one on which a claim fails is one, though undecided ones stand before it."""
    (tmp_path / "sweep.toml").write_text(TEXT, encoding="utf-8")
    sweep = read_sweep(tmp_path / "sweep.toml")
    store = Store.open(tmp_path / "out", configuration(sweep), sweep.shards)
    outcomes = ["undecided", "undecided", "holds", "undecided", "fails", "undecided", "holds", "fails", "holds"]
    rows = [
        row(sweep, number) | {"claim line.identity": word, "witness": None if word == "holds" else f"{word} {number}"}
        for number, word in enumerate(outcomes)
    ]
    assert commit(sweep, store, 0, rows)
    assert summarise(store).witnesses == ("fails 4", "fails 7", "undecided 0")
