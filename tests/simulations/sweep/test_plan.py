"""Sweep files: what they mean, and the one line that says what is wrong."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from flint import fmpq

pytest.importorskip("pyarrow", reason="pyarrow is not installed")

from simulations.sweep.plan import Sweep, read_sweep
from theory.claims.registry import everywhere
from theory.report.records import SWEEPS, SweepRecord, plain, sweep_record, sweep_steps_record

ROOT = Path(__file__).resolve().parents[3]

TEXT = """
[sweep]
models = 25
chunk = 10
[reward]
betas = ["1/2", "2"]
[[family]]
kind = "table"
strings = [2, 4]
[[family]]
kind = "tree"
tokens = [2]
depth = [1, 2]
largest = 3
[[adaptor]]
name = "temperature"
value = "1/2"
[output]
folder = "out"
"""


def read(text: str, folder: Path) -> Sweep:
    path = folder / "sweep.toml"
    path.write_text(text, encoding="utf-8")
    return read_sweep(path)


def test_what_it_means(tmp_path: Path) -> None:
    found = read(TEXT, tmp_path)
    assert (found.models, found.chunk, found.shards, found.seed) == (25, 10, 3, 1)
    assert [list(found.of_shard(k)) for k in (0, 2)] == [list(range(10)), list(range(20, 25))]
    assert found.betas == (fmpq(1, 2), fmpq(2))
    assert found.claims == tuple(claim.id for claim in everywhere())
    assert found.families[0].sizes == ((2,), (4,))
    assert found.families[1].sizes == ((2, 1), (2, 2))
    assert found.folder == tmp_path / "out"


@pytest.mark.parametrize(
    ("name", "record"), [("sweep.toml", sweep_record), ("sweep-steps.toml", sweep_steps_record)], ids=list(SWEEPS)
)
def test_example_is_the_recorded_sweep(name: str, record: Callable[[], SweepRecord]) -> None:
    """The committed record is of the sweep file in examples/ as it is."""
    assert read_sweep(ROOT / "examples" / name).record() == record().sweep


# --- the steps of the reward --------------------------------------------------------------------------------------


@pytest.mark.parametrize("reward", ["", 'step = "1/4"', 'steps = ["1/4"]', "steps = [0.25]", 'step = "2/8"'])
def test_one_step_is_one_step(tmp_path: Path, reward: str) -> None:
    """However it is written, and where it is not; what the key is made of has it as it always had, and no list."""
    found = read(TEXT.replace("[reward]", f"[reward]\n{reward}"), tmp_path)
    assert (found.steps, found.draws_steps) == ((fmpq(1, 4),), False)
    assert plain(found.record()) | {"claims": []} == {
        "models": 25,
        "chunk": 10,
        "seed": 1,
        "claims": [],
        "betas": ["1/2", "2"],
        "levels": 12,
        "step": "1/4",
        "corpus": 100,
        "band": "1/2",
        "families": [["table", [[2], [4]], 12], ["tree", [[2, 1], [2, 2]], 3]],
        "adaptors": [["temperature", "1/2", "local"]],
    }


def test_several_steps(tmp_path: Path) -> None:
    """The record has the list, in its order, and no step."""
    found = read(TEXT.replace("[reward]", '[reward]\nsteps = ["4", "1/4", "4"]'), tmp_path)
    assert (found.steps, found.draws_steps) == ((fmpq(4), fmpq(1, 4), fmpq(4)), True)
    assert plain(found.record())["steps"] == ["4", "1/4", "4"]
    assert "step" not in plain(found.record())


# --- what is refused ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("models = 25", "", "sweep.models is missing"),
        ("models = 25", "models = 0", "sweep.models must be an integer of at least 1, got 0"),
        ("models = 25", 'models = "many"', "sweep.models must be an integer"),
        ("models = 25", "models = 25\nclaims = ['line.rate']", "'line.rate' does not speak of every finite model"),
        ("models = 25", "models = 25\nclaims = []", "sweep.claims must be a list that is not empty"),
        ("models = 25", "modles = 25", "unknown key 'modles' in [sweep]"),
        ('["1/2", "2"]', '["0"]', "reward.betas must be > 0, got 0"),
        ('["1/2", "2"]', '["x"]', "reward.betas: "),
        ('["1/2", "2"]', "[[1]]", "a value is of the wrong type"),
        ("[reward]", '[reward]\nstep = "1"\nsteps = ["1", "2"]', "[reward] has step and steps: write step for one"),
        ("[reward]", "[reward]\nstep = 1\nsteps = [1]", "[reward] has step and steps: write step for one"),
        ("[reward]", "[reward]\nsteps = []", "reward.steps must be a list that is not empty, got []"),
        ("[reward]", '[reward]\nsteps = "1"', "reward.steps must be a list that is not empty, got '1'"),
        ("[reward]", '[reward]\nsteps = ["1", "0"]', "reward.steps must be > 0, got 0"),
        ("[reward]", '[reward]\nsteps = ["1", "x"]', "reward.steps: "),
        ("[reward]", "[reward]\nsteps = [[1]]", "reward.steps: a value is of the wrong type: expected a number"),
        ("[reward]", "[reward]\nstep = -1", "reward.step must be > 0, got -1"),
        ("[reward]", "[reward]\nstep = [1]", "reward.step = [1] is of the wrong type"),
        ('kind = "table"', 'kind = "chair"', "family 1: kind must be one of table, zipf, tree"),
        ("strings = [2, 4]", "strings = [1]", "family 1.strings: 1 is not in 2..65536"),
        ("strings = [2, 4]", "", "family 1.strings must be a list that is not empty"),
        ("tokens = [2]", "tokens = [9]", "family 2.tokens: 9 is not in 2..8"),
        ("largest = 3", "strings = [3]", "unknown key 'strings' in family 2"),
        ('name = "temperature"', 'name = "heat"', "unknown adaptor 'heat'"),
        ("[output]", "[outputs]", "unknown key 'outputs' in the sweep file"),
        ('folder = "out"', 'folder = "../out"', "must lie below"),
        ('folder = "out"', "", "[output] needs folder"),
        ("[sweep]\nmodels = 25\nchunk = 10", "sweep = 3", "[sweep] must be a table"),
        ("[[adaptor]]", "[adaptor]", "adaptor must be an array of tables"),
        ("[sweep]", "[sweep", "TOML syntax"),
        ("models = 25", "models = 1000000000000", "sweep.models must be at most 1,000,000,000"),
        ("models = 25\nchunk = 10", "models = 1000000\nchunk = 1", "1,000,000 shards; at most 100,000"),
        ("chunk = 10", "chunk = 1000000000000", "sweep.chunk must be at most 100,000"),
        ("chunk = 10", f"chunk = 10\nseed = {10**30}", "sweep.seed must be at most"),
        ("[reward]", f"[reward]\nlevels = {10**30}", "reward.levels must be at most 1,000,000"),
        ("largest = 3", f"largest = {10**30}", "family 2.largest must be at most"),
        ("tokens = [2]\ndepth = [1, 2]", "tokens = [8]\ndepth = [16]", "321,685,687,669,321 prefixes; at most 131,072"),
        ("[reward]", f"[corpus]\nsize = {10**30}\n[reward]", "corpus.size must be at most"),
        ("[reward]", '[corpus]\nband = "1e-9999"\n[reward]', "corpus.band must lie between 10^-9 and 10^9"),
        ('["1/2", "2"]', '["1e-9999"]', "reward.betas must lie between 10^-9 and 10^9"),
        ('["1/2", "2"]', '["1e-8"]', "levels x step / beta reaches 3e+08 nats"),
        ('kind = "table"', 'kind = ["table"]', "family 1: kind must be one of table, zipf, tree"),
    ],
)
def test_mistakes(tmp_path: Path, old: str, new: str, line: str) -> None:
    """One line, which begins with the file."""
    with pytest.raises(ValueError, match=r"sweep\.toml: ") as caught:
        read(TEXT.replace(old, new, 1), tmp_path)
    assert line in str(caught.value)
    assert "\n" not in str(caught.value)


def test_no_family(tmp_path: Path) -> None:
    text = TEXT[: TEXT.index("[[family]]")] + '[output]\nfolder = "out"\n'
    with pytest.raises(ValueError, match="a sweep needs a family"):
        read(text, tmp_path)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("models = 25", "models = 26"),
        ("chunk = 10", "chunk = 5"),
        ("chunk = 10", "chunk = 10\nseed = 2"),
        ("chunk = 10", 'chunk = 10\nclaims = ["adaptors.exchange"]'),
        ('"1/2", "2"', '"1/2", "3"'),
        ("[reward]", "[reward]\nlevels = 11"),
        ("[reward]", '[reward]\nstep = "1/5"'),
        ("[reward]", '[reward]\nsteps = ["1/4", "1/5"]'),
        ("[reward]", "[corpus]\nsize = 99\n[reward]"),
        ("[reward]", '[corpus]\nband = "1/3"\n[reward]'),
        ('kind = "table"', 'kind = "zipf"'),
        ("strings = [2, 4]", "strings = [2, 5]"),
        ("largest = 3", "largest = 4"),
        ('name = "temperature"', 'name = "nucleus"'),
        ('value = "1/2"', 'value = "1/3"'),
        ('value = "1/2"', 'value = "1/2"\nnormalise = "global"'),
    ],
)
def test_what_decides_is_in_the_record(tmp_path: Path, old: str, new: str) -> None:
    """Any one entry changed makes another record, and so another key; where it is stored makes none."""
    assert old in TEXT
    first = read(TEXT, tmp_path).record()
    assert read(TEXT.replace(old, new, 1), tmp_path).record() != first
    assert read(TEXT.replace('"out"', '"elsewhere"'), tmp_path).record() == first
