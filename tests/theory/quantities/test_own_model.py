"""Models made in Python: the numbers of the file that says the same, errors that are the command's line, and tables."""

from __future__ import annotations

import builtins
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from flint import fmpq
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from typer.testing import CliRunner

from figures.own_plane import plot
from probqual.command_line import app
from theory import Model, SpecificationError
from theory.quantities.answer import answer
from theory.specification.reader import read_document

EXAMPLES = Path(__file__).parents[3] / "examples"


def test_a_table_from_strings_floats_and_numpy() -> None:
    """Exact numbers have balls; floats, from a list or from numpy, have the same values without."""
    exact = Model.table(["x", "y", "z"], ["1/11", Fraction(2, 11), fmpq(8, 11)], exp_reward=np.array([8, 6, 3]))
    wanted = answer(read_document(EXAMPLES / "c5.toml"))
    found = exact.answer()
    assert found["entropy_ball"] == wanted["entropy_ball"]
    floats = Model.table(["x", "y", "z"], np.array([1, 2, 8]) / 11, np.log([8.0, 6.0, 3.0]), beta=np.float64(1))
    assert "entropy_ball" not in floats.answer()
    assert floats.answer()["entropy"] == pytest.approx(wanted["entropy"])
    assert float(exact.moments().mean_reward) == pytest.approx(wanted["mean_reward"])


def test_trees_and_automata_are_those_of_their_files() -> None:
    """The models of docs/specification.md."""
    tree = Model.tree(
        ["a", "b"],
        {"": ["1/2", "1/4", "1/4"], "a": ["1/3", 0, "2/3"]},
        beta=2,
        token={"a": "1/2"},
        string={"a a": 1},
    )
    assert tree.answer()["strings"] == 4
    assert tree.answer()["log_partition_ball"]
    automaton = Model.automaton(
        ["a", "b"], ["1/2", "1/4"], [(0, 1, "a", "1/2"), (1, 0, "b", "3/4", "1/5")], token={"a": "0"}
    )
    assert automaton.answer()["strings"] is None
    assert automaton.answer()["status"] == "OK"


@pytest.mark.parametrize("name", ["c5", "tree", "automaton"])
def test_from_file_is_what_the_command_says(name: str) -> None:
    model = Model.from_file(EXAMPLES / f"{name}.toml")
    assert dict(model.answer()) == answer(read_document(EXAMPLES / f"{name}.toml"))
    assert len(model.answer().rows()) == 1 + len(model.spec.adaptors)


def test_from_file_looks_beside_the_file(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("string,prob,reward\na,0.25,0\nb,0.75,1\n")
    (tmp_path / "x.toml").write_text('[prior]\nkind = "table"\nfile = "x.csv"\n[reward]\nbeta = 1\n')
    assert Model.from_file(tmp_path / "x.toml").with_adaptor("top_p", 0.5).answer()["strings"] == 2


def test_adaptors_and_a_corpus_are_added() -> None:
    """The model itself stays as it is."""
    model = Model.from_file(EXAMPLES / "c1.toml")
    more = model.with_adaptor(["temperature", "top_k"], ["1/2", 2], "global").with_corpus(50, "1/20")
    before, found = model.answer(), more.answer()
    assert isinstance(found["adaptors"], list)
    assert isinstance(before["adaptors"], list)
    assert len(found["adaptors"]) == len(before["adaptors"]) + 1
    assert found.rows()[-1]["law"] == "temperature 1/2 then top_k 2"
    assert found["typical_probability"] != before["typical_probability"]


def wrong(kind: str) -> Any:
    match kind:
        case "sum":
            return Model.table(["x", "y"], ["1/2", "1/3"], [0, 1])
        case "reward":
            return Model.table(["x", "y"], ["1/2", "1/2"])
        case "number":
            return Model.table(["x", "y"], [0.5, None], [0, 1])  # type: ignore[list-item]
        case "adaptor":
            return Model.from_file(EXAMPLES / "c5.toml").with_adaptor("tfs", 1)
        case "epsilon":
            return Model.from_file(EXAMPLES / "c5.toml").with_corpus(10, 0)
    return Model.automaton(["a"], ["1/2"], [(0, 3, "a", "1/2")])


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        ("sum", "prior.probs: probabilities must sum to 1, got 5/6"),
        ("reward", "[reward] needs either values or exp_values, got neither"),
        ("number", "prior.probs, 'y': expected a number, got None"),
        ("adaptor", "unknown adaptor 'tfs'"),
        ("epsilon", "corpus.epsilon must be > 0"),
        ("state", "3"),
    ],
)
def test_what_is_wrong_is_one_line(kind: str, says: str) -> None:
    with pytest.raises(SpecificationError) as error:
        wrong(kind)
    assert says in str(error.value)
    assert "\n" not in str(error.value)


def test_the_line_is_the_commands(tmp_path: Path) -> None:
    path = tmp_path / "x.toml"
    path.write_text((EXAMPLES / "c5.toml").read_text().replace('"8/11"', '"7/11"'))
    with pytest.raises(SpecificationError) as error:
        Model.from_file(path)
    done = CliRunner().invoke(app, ["exact", str(path)])
    assert done.stderr == f"probqual: {error.value}\n"


def test_tables_for_a_notebook() -> None:
    model = Model.from_file(EXAMPLES / "c5.toml")
    shown = model._repr_html_()
    assert "a small cooling from T = 1: trades R for L" in shown
    assert "<td>temperature 1/2</td>" in shown
    assert "<td>mean_log_prior</td>" in model.moments()._repr_html_()


def test_data_frames() -> None:
    pandas = pytest.importorskip("pandas")
    model = Model.from_file(EXAMPLES / "c5.toml")
    frame = model.answer().to_frame()
    assert isinstance(frame, pandas.DataFrame)
    assert frame["law"].tolist() == ["p+", "temperature 1/2", "temperature 2", "nucleus 4/5"]
    assert frame["effect"].tolist()[1] == "trades R for L"
    assert model.moments().to_frame()["mean_reward"][0] == pytest.approx(float(model.moments().mean_reward))


def test_without_pandas_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    there = builtins.__import__

    def without(name: str, *arguments: Any, **named: Any) -> Any:
        if name == "pandas":
            raise ImportError("No module named 'pandas'")
        return there(name, *arguments, **named)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ImportError, match=r"to_frame\(\) needs pandas .*pip install pandas"):
        Model.from_file(EXAMPLES / "c1.toml").moments().to_frame()


def test_plots_return_axes() -> None:
    model = Model.from_file(EXAMPLES / "tree.toml")
    axes = Figure().subplots()
    assert plot(model, axes) is axes
    assert isinstance(plot(model), Axes)
