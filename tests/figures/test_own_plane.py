"""A model of one's own in the plane: hull, paths and points against the exact numbers, and files that are whole."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure
from typer.testing import CliRunner

from figures.own_plane import corners, draw, finish, own_plane, save
from probqual.command_line import app
from theory.adaptors.exact import chain
from theory.adaptors.hull import hull
from theory.arithmetic.exact import rational
from theory.examples.automata import two_states
from theory.models.automaton import AutomatonModel
from theory.specification.any_model import read_model

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.mark.parametrize("name", ["c5", "c2", "tree", "c1"])
def test_the_hull_and_the_points_are_exact(name: str) -> None:
    """The corners are those that balls decide; adaptors stand where their moments are."""
    spec = read_model(EXAMPLES / f"{name}.toml")
    model = spec.model()
    plane = own_plane(model, spec.adaptors)
    wanted = {(float(model.numbers.log_prior[y]), float(model.numbers.reward[y])) for y in hull(model.numbers)}
    assert {(round(x, 12), round(y, 12)) for x, y in plane.hull.T} == {(round(x, 12), round(y, 12)) for x, y in wanted}
    for placed, entry in zip(plane.adaptors, spec.adaptors, strict=True):
        moments = model.adapted(entry.chain, entry.normalise).moments
        assert placed.mean_log_prior == pytest.approx(float(moments.mean_log_prior))
        assert placed.mean_reward == pytest.approx(float(moments.mean_reward))
    assert plane.temperature[:, 20] == pytest.approx(plane.aligned, abs=1e-12)  # T = 1
    assert plane.beta[:, 10] == pytest.approx(plane.aligned, abs=1e-12)  # t = 1
    assert bool(plane.local.shape[1]) == (name in {"c2", "tree"})


def test_corners_of_many_points() -> None:
    """20,000 points: thin slices lose no corner; every point lies left of every edge."""
    points = np.random.default_rng(3).normal(size=(2, 20_000))
    found = corners(points)
    edges = np.roll(found, -1, axis=1) - found
    for corner, edge in zip(found.T, edges.T, strict=True):
        assert (edge[0] * (points[1] - corner[1]) - edge[1] * (points[0] - corner[0]) >= -1e-12).all()
    line = np.array([[0.0, 1.0, 2.0], [0.0, 1.0, 2.0]])
    assert corners(line).T.tolist() == [[0, 0], [2, 2]]
    assert corners(line[:, :1]).T.tolist() == [[0, 0]]


def test_draw_returns_its_axes_with_everything_named() -> None:
    spec = read_model(EXAMPLES / "tree.toml")
    axes = Figure().subplots()
    plane = own_plane(spec.model(), spec.adaptors, "raises both")
    assert draw(plane, axes) is axes
    finish(plane, axes)
    labels = axes.get_legend_handles_labels()[1]
    assert "4: nucleus 9/10, local: nothing moves" in labels
    assert "aligned $p_+$" in labels
    assert "6, 7, 8" in [text.get_text() for text in axes.texts]


def test_an_automaton_has_paths_and_no_hull() -> None:
    model = AutomatonModel.of(two_states())
    plane = own_plane(model)
    assert plane.prior is None
    assert not plane.hull.size
    assert plane.temperature.shape[1] > 3
    hot, cold = plane.span
    found = model.adapted(chain(("temperature", rational(hot))), "global").moments
    assert plane.temperature[:, 0] == pytest.approx([float(found.mean_log_prior), float(found.mean_reward)])
    assert cold == 1 / 4
    assert plane.local_span[1] == 1 / 4


@pytest.mark.parametrize("suffix", ["png", "svg", "pdf"])
def test_files_are_the_same_when_written_twice(suffix: str, tmp_path: Path) -> None:
    spec = read_model(EXAMPLES / "c5.toml")
    sums = set()
    for name in ("a", "b"):
        save(spec, tmp_path / f"{name}.{suffix}")
        sums.add(hashlib.sha256((tmp_path / f"{name}.{suffix}").read_bytes()).hexdigest())
    assert len(sums) == 1


def test_the_command_draws_and_says(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["exact", str(EXAMPLES / "c5.toml"), "--plot", str(tmp_path / "c5.svg")])
    assert done.exit_code == 0
    assert (tmp_path / "c5.svg").read_text().startswith("<?xml")
    for line in (
        "a small cooling from T = 1: trades R for L",
        "cooling on from any T looked at does the same",
        "laws of its strings have E L from -2.3979 to -0.318454 and E R from 1.09861 to 2.07944",
        "adaptors that trade: 1, 2, 3 of 3",
    ):
        assert line in done.stdout


@pytest.mark.parametrize(
    ("plot", "says"), [("x.jpg", "must end in .png, .svg or .pdf"), ("no/x.png", "cannot be written: No such file")]
)
def test_a_plot_that_cannot_be_written(plot: str, says: str, tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["exact", str(EXAMPLES / "c5.toml"), "--plot", str(tmp_path / plot)])
    assert done.exit_code == 2
    assert says in done.stderr


def test_what_has_no_law_is_not_drawn(tmp_path: Path) -> None:
    text = """[prior]
kind = "automaton"
alphabet = ["a"]
states = 1
stop = ["1/2"]
arc = [{from = 0, to = 0, token = "a", prob = "1/2"}]
[reward]
beta = "1"
token = {a = "1"}
"""
    (tmp_path / "x.toml").write_text(text)
    done = CliRunner().invoke(app, ["exact", str(tmp_path / "x.toml"), "--plot", str(tmp_path / "x.png")])
    assert done.exit_code == 2
    assert "nothing to draw" in done.stderr
    assert not (tmp_path / "x.png").exists()
