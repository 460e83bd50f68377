"""Sweep files: what they mean, and the one line that says what is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest
from flint import fmpq

pytest.importorskip("pyarrow", reason="pyarrow is not installed")

from simulations.sweep.plan import Sweep, read_sweep
from theory.claims.registry import everywhere

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


def test_example_is_the_recorded_sweep() -> None:
    """The committed record is of examples/sweep.toml as it is."""
    from theory.report.records import sweep_record

    assert read_sweep(ROOT / "examples" / "sweep.toml").record() == sweep_record().sweep


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
