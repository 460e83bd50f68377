"""Tables in files: the numbers of the same table written in TOML, and one line for whatever is wrong with a file."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from probqual.command_line import app
from theory.models.long_table import LongTable
from theory.quantities.answer import answer, quantities
from theory.specification import file_table, table_files
from theory.specification.any_model import any_specification, read_model
from theory.specification.file_table import FileSpecification, file_specification
from theory.specification.reader import read_document
from theory.specification.tables import SpecificationError

REST = """
[[adaptor]]
name = "temperature"
value = "1/2"
normalise = "global"
[[adaptor]]
name = "nucleus"
value = "4/5"
[[adaptor]]
name = ["temperature", "typical"]
value = ["2", "1/2"]
[corpus]
size = 400
epsilon = "1/10"
"""

RNG = np.random.default_rng(2)
PROB = RNG.dirichlet(np.ones(40))
REWARD = RNG.normal(size=40)


def inline(beta: str = "2", reward: Any = REWARD) -> dict[str, Any]:
    strings = ", ".join(f'"s{k}"' for k in range(40))
    text = f"""[prior]
kind = "table"
strings = [{strings}]
probs = [{", ".join(map(repr, PROB.tolist()))}]
[reward]
beta = "{beta}"
values = [{", ".join(map(repr, reward.tolist()))}]
{REST}"""
    return tomllib.loads(text)


def spec(file: str = "x.csv", more: str = "", reward: str = '[reward]\nbeta = "2"', rest: str = REST) -> dict[str, Any]:
    return tomllib.loads(f'[prior]\nkind = "table"\nfile = "{file}"\n{more}\n{reward}\n{rest}')


def put(folder: Path, prior: str, value: str, left: Any, right: Any) -> None:
    """x.csv with these columns; repr writes a float64 so that it is read back as it was."""
    rows = [f"s{k},{float(p)!r},{float(r)!r}" for k, (p, r) in enumerate(zip(left, right, strict=True))]
    (folder / "x.csv").write_text("\n".join([f"string,{prior},{value}", *rows]) + "\n")


def agree(found: Mapping[str, Any], wanted: Mapping[str, Any], tolerance: float = 1e-12) -> None:
    """The same nulls, and floats within 1e-12; how typicality was found, and its error, are of the route."""
    for name, value in wanted.items():
        if name in {"notes", "typical_method", "typical_probability_error"}:
            continue
        if isinstance(value, float):
            slack = tolerance if name != "typical_probability" else 1e-9
            slack = slack if not name.startswith("conditional") else 1e-7
            assert found[name] == pytest.approx(value, rel=slack, abs=slack), name
        elif name == "adaptors":
            for one, other in zip(found[name], value, strict=True):
                agree(one, other)
        elif name == "turns":
            for one, other in zip(found[name], value, strict=True):
                agree(one, other, 1e-8)
        elif name == "reach":
            for key, ends in value.items():
                assert found[name][key] == pytest.approx(ends, abs=tolerance)
        else:
            assert found[name] == value, name


def log_aligned() -> np.ndarray[Any, Any]:
    weight = PROB * np.exp(REWARD / 2)
    return np.log(weight / weight.sum())


@pytest.mark.parametrize("short", [4096, 0], ids=["short", "long"])
@pytest.mark.parametrize("columns", ["prob", "weight", "log_prob", "log_aligned", "logs"])
def test_every_column_gives_the_numbers_of_toml(
    columns: str, short: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also the long way, which a table of 40 rows takes only here; with log p+ R is shifted by -log Z."""
    monkeypatch.setattr("theory.specification.any_model.SHORT", short)
    wanted = answer(inline())
    log_z = wanted["log_partition"]
    table = {
        "prob": ("prob", "reward", PROB, REWARD),
        "weight": ("weight", "reward", PROB * 12, REWARD),
        "log_prob": ("log_prob", "reward", np.log(PROB), REWARD),
        "log_aligned": ("prob", "log_aligned", PROB, log_aligned()),
        "logs": ("log_prob", "log_aligned", np.log(PROB), log_aligned()),
    }[columns]
    put(tmp_path, *table)
    aligned = table[1] == "log_aligned"
    found = answer(spec(reward="" if aligned else '[reward]\nbeta = "2"'), tmp_path)
    if aligned:
        wanted |= {"log_partition": 0.0, "mean_reward": wanted["mean_reward"] - log_z}
        wanted["reach"] |= {"mean_reward": [end - log_z for end in wanted["reach"]["mean_reward"]]}
        wanted["adaptors"] = [a | {"mean_reward": a["mean_reward"] - log_z} for a in wanted["adaptors"]]
    agree(found, wanted)
    assert not [key for key in found if key.endswith("_ball")]
    assert any("40 rows in float64" in note for note in found["notes"])


def test_strings_of_no_mass_and_removed_strings(tmp_path: Path) -> None:
    """p = 0 is outside the support, whatever its reward; a removed string keeps its share of the prior: Z < 1."""
    (tmp_path / "x.csv").write_text("string,prob,reward\na,0.25,0\nb,0,inf\nc,0.25,-inf\nd,0.5,0\n")
    document = spec(reward='[reward]\nbeta = "1"', rest="")
    found = file_specification(document, tmp_path)
    assert found.names == ("a", "d")
    assert found.model().log_partition == pytest.approx(math.log(0.75))
    assert answer(document, tmp_path)["log_partition"] == pytest.approx(math.log(0.75), abs=1e-15)


def test_ties_of_logarithms_are_kept_in_the_short_way(tmp_path: Path) -> None:
    """Equal log p+ tie, although p and R are rounded: top_k takes the first of the three."""
    (tmp_path / "x.csv").write_text("string,log_prob,log_aligned\na,-1.3,-1.1\nb,-0.7,-1.1\nc,-2.9,-1.1\n")
    adaptor = '[[adaptor]]\nname = "top_k"\nvalue = 1\n'
    found = answer(spec(more="normalise = true", reward="", rest=adaptor), tmp_path)
    wanted = -1.3 - math.log(math.exp(-1.3) + math.exp(-0.7) + math.exp(-2.9))
    assert found["adaptors"][0]["mean_log_prior"] == pytest.approx(wanted)
    assert found["varentropy"] == 0
    assert found["cooling"] == "nothing moves"


def test_normalise_divides_and_says_by_how_much(tmp_path: Path) -> None:
    put(tmp_path, "prob", "reward", PROB / 2, REWARD)
    with pytest.raises(SpecificationError, match=r"column prob: the masses sum to 0\.5, not to 1; normalise = true"):
        answer(spec(), tmp_path)
    found = answer(spec(more="normalise = true"), tmp_path)
    agree(found, answer(inline()))
    assert any("sum to 1 - 0.5; divided" in note for note in found["notes"])


def test_a_parquet_file_is_the_same_table(tmp_path: Path) -> None:
    pa = pytest.importorskip("pyarrow")
    pq = pytest.importorskip("pyarrow.parquet")
    names = [f"s{k}" for k in range(40)]
    extra = pa.array(["x"] * 40)
    table = pa.table({"extra": extra, "reward": REWARD, "string": pa.array(names).dictionary_encode(), "prob": PROB})
    pq.write_table(table, tmp_path / "x.parquet")
    found = answer(spec("x.parquet"), tmp_path)
    agree(found, answer(inline()))
    assert any("not read: extra" in note for note in found["notes"])
    for column, says in (
        (pa.array([None, *names[1:]]), "row 1, column string: the value is null"),
        (pa.array(range(40)), None),
    ):
        pq.write_table(table.set_column(2, "string", column), tmp_path / "x.parquet")
        if says is None:
            assert answer(spec("x.parquet"), tmp_path)["strings"] == 40
        else:
            with pytest.raises(SpecificationError, match=says):
                answer(spec("x.parquet"), tmp_path)
    pq.write_table(table.set_column(3, "prob", pa.array(names)), tmp_path / "x.parquet")
    with pytest.raises(SpecificationError, match="column prob: expected numbers, the column is of string"):
        answer(spec("x.parquet"), tmp_path)
    (tmp_path / "x.parquet").write_text("string,prob\n")
    with pytest.raises(SpecificationError, match="not a Parquet file"):
        answer(spec("x.parquet"), tmp_path)


WRONG = [
    ("", "no column 'string'"),
    ("string,prob,reward\n", "no rows"),
    ("string;prob;reward\na;1;0\n", "parted by commas"),
    ("string,prob\na,1\n", "needs one column of reward, log_aligned"),
    ("string,prob,weight,reward\na,1,1,0\n", "needs one column of prob, weight, log_prob; got prob and weight"),
    ("string,prob,prob,reward\na,1,1,0\n", "column 'prob' occurs twice"),
    ("string,prob,reward\na,0.5,0\nb,half,0\n", "row 2, column prob: expected a number, got 'half'"),
    ("string,prob,reward\na,0.5,0\nb,1/2,0\n", "row 2, column prob: expected a number, got '1/2'; write a fraction"),
    ("string,prob,reward\na,1_0,0\n", "row 1, column prob: expected a number, got '1_0'"),
    ('string,prob,reward\na,"0,5",0\n', "row 1, column prob: expected a number, got '0,5'; decimals have a point"),
    ("string,prob,reward\na,1,\n", "row 1, column reward: the cell is empty"),
    ("string,prob,reward\na,1,nan\n", "row 1, column reward: expected a number or -inf, got nan"),
    ("string,prob,reward\na,1,inf\n", "row 1, column reward: expected a number or -inf, got inf"),
    ("string,prob,reward\na,2,0\nb,-1,0\n", "row 2, column prob: expected a finite number >= 0, got -1"),
    ("string,log_prob,reward\na,0,0\nb,inf,0\n", "row 2, column log_prob: expected a number or -inf, got inf"),
    ("string,prob,reward\na,0.5,0\nb,0.5\n", "row 2 has 2 cells, and there are 3 columns"),
    ("string,prob,reward\na,0.5,0\na,0.5,0\n", "row 2, column string: 'a' stands in row 1 already"),
    ('string,prob,reward\na,0.5,0\n"b,0.5,0\n', "line 3: not CSV"),
    ("string,prob,reward\na,1,-inf\n", "the support is empty"),
    ("string,prob,reward\na,1,1e30\n", "row 1, column reward: beyond 10^18 nats"),
    ("string,weight,reward\na,0,1\n", "column weight: the masses sum to 0"),
    (
        "string,prob,log_aligned\na,1,0\nb,0,-3\n",
        "row 2, column log_aligned: expected -inf where the prior has no mass",
    ),
]


@pytest.mark.parametrize(("text", "says"), WRONG, ids=[says for _, says in WRONG])
def test_what_is_wrong_is_said_with_its_row_and_column(text: str, says: str, tmp_path: Path) -> None:
    """And the command says the same in one line, with exit status 2."""
    (tmp_path / "x.csv").write_text(text)
    (tmp_path / "spec.toml").write_text('[prior]\nkind = "table"\nfile = "x.csv"\n')
    with pytest.raises(SpecificationError) as error:
        read_model(tmp_path / "spec.toml")
    assert says in str(error.value)
    done = CliRunner().invoke(app, ["exact", str(tmp_path / "spec.toml")])
    assert done.exit_code == 2
    assert done.stderr.count("\n") == 1
    assert str(error.value) in done.stderr


@pytest.mark.parametrize(
    ("document", "says"),
    [
        (spec("no.csv"), "prior.file, no.csv: cannot be read: No such file"),
        (spec("x.xlsx"), "must end in .csv or .parquet"),
        (spec(more="strings = []"), "unknown key 'strings' in [prior]; known: file, kind, normalise"),
        (spec(more='normalise = "yes"'), "prior.normalise must be true or false, got 'yes'"),
        (spec(reward="[reward]\nvalues = [1]"), "unknown key 'values' in [reward]; known: beta"),
        (spec(reward='[reward]\nbeta = "0"'), "reward.beta must be > 0, got 0"),
    ],
    ids=lambda one: one[:24] if isinstance(one, str) else "",
)
def test_a_specification_that_cannot_be(document: dict[str, Any], says: str, tmp_path: Path) -> None:
    put(tmp_path, "prob", "reward", PROB, REWARD)
    with pytest.raises(SpecificationError) as error:
        any_specification(document, tmp_path)
    assert says in str(error.value)


def test_log_aligned_takes_no_beta(tmp_path: Path) -> None:
    put(tmp_path, "prob", "log_aligned", PROB, log_aligned())
    with pytest.raises(SpecificationError, match="R is log p\\+ - log p already; leave beta out"):
        any_specification(spec(), tmp_path)


def test_a_byte_order_mark_blank_lines_and_other_line_ends(tmp_path: Path) -> None:
    """As spreadsheets write them; an empty cell in quotes is the empty string."""
    (tmp_path / "x.csv").write_bytes('\ufeffstring,prob,reward\r\n"",0.5,1\r\n\r\n"a\nb",0.5,0\r\n'.encode())
    assert file_specification(spec(), tmp_path).names == ("", "a\nb")


def test_long_tables_are_read_in_blocks_and_say_how_far(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table_files, "_BLOCK", 7)
    put(tmp_path, "prob", "reward", PROB, REWARD)
    said: list[tuple[float, int]] = []
    found = file_specification(spec(), tmp_path, lambda share, rows: said.append((share, rows)))
    assert [rows for _, rows in said] == [7, 14, 21, 28, 35, 40]
    assert said[-1][0] == 1
    assert isinstance(found, FileSpecification)
    assert found.columns.prior.tolist() == PROB.tolist()
    monkeypatch.setattr(table_files, "MOST_ROWS", 20)
    with pytest.raises(SpecificationError, match="more than 20 rows"):
        file_specification(spec(), tmp_path)


def test_a_long_table_is_written_like_every_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One row more than the short way takes; the keys are those of any model, and a null has its note."""
    n = file_table.SHORT + 1
    prob = RNG.dirichlet(np.ones(n))
    rows = [
        f"s{k},{p!r},{r!r}" for k, (p, r) in enumerate(zip(prob.tolist(), RNG.normal(size=n).tolist(), strict=True))
    ]
    (tmp_path / "x.csv").write_text("\n".join(["string,prob,reward", *rows]))
    found_spec = any_specification(spec(), tmp_path)
    assert isinstance(found_spec, FileSpecification)
    assert isinstance(found_spec.model(), LongTable)
    found = quantities(found_spec)
    assert found.keys() == answer(inline()).keys()
    assert found["typical_method"] == "inversion, interpolated"
    nulls = [name for name, value in found.items() if value is None]
    assert all(any(name in note for note in found["notes"]) for name in nulls)
    agree(found, quantities(found_spec.short()))


@pytest.mark.parametrize("name", ["x.csv", "x.parquet"])
def test_a_table_is_no_specification(name: str, tmp_path: Path) -> None:
    """Given where a TOML file is wanted, it is told how one names it."""
    (tmp_path / name).write_text("string,prob,reward\na,1,0\n")
    with pytest.raises(SpecificationError, match="write a TOML file beside it") as raised:
        read_document(tmp_path / name)
    assert f'kind = "table", file = "{name}"' in str(raised.value)
