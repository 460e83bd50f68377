"""Words beside points: on nothing that is drawn before them, and one scale for both means where it can be read."""

from __future__ import annotations

import itertools
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.transforms import Bbox

from figures import adapters, gallery, own_plane, run_plane, style
from figures.labels import MOST, Label, one_scale, place
from theory.arithmetic.exact import precision
from theory.report.records import pair_record
from theory.specification.any_model import read_model

EXAMPLES = Path(__file__).parents[2] / "examples"


def box_of(text: Text) -> Bbox:
    """The box of the words alone, in pixels."""
    text.get_window_extent()  # of the thin line, too; it moves the words to their place
    return Text.get_window_extent(text)


def overlapping(axes: Axes) -> list[tuple[str, str]]:
    """Pairs of labels whose words share more than a hair."""
    boxes = [(text.get_text(), box_of(text).padded(-1)) for text in axes.texts]
    return [(a, b) for (a, one), (b, two) in itertools.combinations(boxes, 2) if one.overlaps(two)]


def crossed(axes: Axes) -> list[tuple[str, str]]:
    """(label, other label) where the thin line of the one passes through the words of the other."""
    found = []
    for text in axes.texts:
        if text.arrow_patch is not None:
            box, (across, along) = box_of(text), text.arrowprops["relpos"]
            start = np.array([box.x0 + across * box.width, box.y0 + along * box.height])
            end = axes.transData.transform(text.xy)
            path = start + np.linspace(0, 1, 200)[:, None] * (end - start)
            others = [(own, box_of(own).padded(-1)) for own in axes.texts if own is not text]
            found += [(text.get_text(), own.get_text()) for own, at in others if any(at.contains(*p) for p in path)]
    return found


def drawn(name: str) -> Axes:
    spec = read_model(EXAMPLES / f"{name}.toml")
    with precision(), matplotlib.rc_context(style.paper()):
        figure = Figure()
        style.size(figure, style.WIDTH_DOUBLE, 4.2)
        return own_plane._whole(own_plane.own_plane(spec.model(), spec.adaptors, "raises both"), figure)


@pytest.mark.parametrize("name", ["c1", "c5", "toy", "tree", "automaton"])
def test_labels_of_a_model_do_not_overlap(name: str) -> None:
    """Each lies inside the axes; the aligned law is named, and so is the prior of a finite model."""
    axes = drawn(name)
    assert not overlapping(axes)
    frame = axes.get_window_extent()
    for text in axes.texts:
        box = box_of(text)
        assert frame.x0 <= box.x0
        assert box.x1 <= frame.x1
    said = [text.get_text() for text in axes.texts]
    assert "aligned $p_+$" in said
    assert ("prior $p$" in said) == (name != "automaton")


def test_labels_of_a_run_do_not_overlap() -> None:
    plane = run_plane.points(pair_record("default"))[run_plane.SECRET]
    with matplotlib.rc_context(style.paper()):
        axes = Figure(figsize=(7, 2.6)).subplots()
        run_plane.draw(plane, axes)
        run_plane.finish(plane, axes, nats=True)
        assert not overlapping(axes)
    assert [text.get_text() for text in axes.texts] == ["T = 1.25", "T = 1", "T = 0.8", "T = 0.5"]


@pytest.mark.parametrize("size", [(3.4, 2.4), (3.0, 2.0), (4.0, 3.0)])
def test_no_line_strikes_a_label_through(size: tuple[float, float]) -> None:
    """Three points one over another, as of the engines on C4, and one far away: words and lines stay apart."""
    axes = Figure(figsize=size).subplots()
    axes.set(xlim=(-1.8, -0.2), ylim=(-0.1, 1.0))
    at = [(-1.456, 0.832), (-1.465, 0.859), (-0.486, 0.0), (-1.471, 0.877)]
    names = [
        "transformers and 7 more",
        "llama.cpp, ctransformers",
        "node-llama-cpp and 3 more",
        "transformers and 13 more",
    ]
    place(axes, [Label(x, y, name) for (x, y), name in zip(at, names, strict=True)], size=5)
    assert not overlapping(axes)
    assert not crossed(axes)


def test_no_interval_crosses_a_temperature() -> None:
    """In the gallery's figure neither a bar runs through a label, across or up, nor the line."""
    figure = gallery.drawn("adapters", adapters.compute())
    figure.draw_without_rendering()
    panels = [axes for axes in figure.axes if any(text.get_text().startswith("T = ") for text in axes.texts)]
    assert len(panels) == 2 * len(adapters.RUNS)
    for axes in panels:
        bars = [axes.transData.transform(part) for own in axes.collections for part in own.get_segments()]
        path = axes.transData.transform(max((line.get_xydata() for line in axes.get_lines()), key=len))
        assert len(path) == 4
        bars += [path[k : k + 2] for k in range(3)]
        for text in axes.texts:
            box = box_of(text) if text.get_text().startswith("T = ") else Bbox.null()
            for ends in bars:
                x, y = np.linspace(ends[0], ends[-1], 400).T
                inside = (x > box.x0) & (x < box.x1) & (y > box.y0) & (y < box.y1)
                assert not inside.any(), (axes.get_title(loc="left"), text.get_text())


def test_many_labels_at_nearly_one_point() -> None:
    """Nine marks within some pixels: every label finds a place of its own."""
    axes = Figure(figsize=(5, 4)).subplots()
    axes.set(xlim=(0, 1), ylim=(0, 1))
    place(axes, [Label(0.5 + 0.01 * k, 0.5, f"label {k}") for k in range(9)])
    assert len(axes.texts) == 9
    assert not overlapping(axes)


def test_a_label_leaves_its_line() -> None:
    """A point on a rising line is named beside it."""
    axes = Figure(figsize=(4, 4)).subplots()
    axes.set(xlim=(0, 1), ylim=(0, 1))
    path = np.array([[0.0, 1.0], [0.0, 1.0]])
    place(axes, [Label(0.5, 0.5, "on it")], [path])
    box = box_of(axes.texts[0])
    at = axes.transData.transform(np.linspace(0, 1, 1000)[:, None] * [1, 1])
    assert not [(x, y) for x, y in at if box.x0 < x < box.x1 and box.y0 < y < box.y1]


@pytest.mark.parametrize(("width", "height"), [(1, 1), (1, 2), (3, 1)])
def test_one_unit_has_one_scale(width: float, height: float) -> None:
    """A nat across is as long as a nat up, and what was shown is shown."""
    axes = Figure(figsize=(6, 4)).subplots()
    axes.set(xlim=(0, width), ylim=(0, height))
    assert one_scale(axes) == ""
    axes.get_figure().draw_without_rendering()
    (x0, y0), (x1, y1) = axes.transData.transform([(0, 0), (1, 1)])
    assert x1 - x0 == pytest.approx(y1 - y0)
    (left, right), (low, high) = axes.get_xlim(), axes.get_ylim()
    assert (left <= 0, right >= width, low <= 0, high >= height) == (True,) * 4


def test_two_scales_are_said() -> None:
    """Where one scale would squeeze the picture; the number is the ratio of the two lengths of a nat."""
    for limits, words in (((0, 100), "up is as long as"), ((0, 0.01), "across is as long as")):
        axes = Figure(figsize=(6, 6)).subplots()
        axes.set(xlim=limits, ylim=(0, 1))
        says = one_scale(axes)
        assert words in says
        (x0, y0), (x1, y1) = axes.transData.transform([(0, 0), (1, 1)])
        ratio = (y1 - y0) / (x1 - x0)
        said = float(says.split("as long as ")[1].split()[0])
        assert said == pytest.approx(max(ratio, 1 / ratio), rel=0.05)
        assert said > MOST
    assert "scales differ" in drawn("toy").get_xlabel()
    assert "scales differ" not in drawn("c1").get_xlabel()
