"""Figures are drawn from numbers alone, written whole, and are the same bytes when written twice."""

from __future__ import annotations

import ast
import itertools
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import matplotlib
import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from figures import gallery, style
from tests.figures.committed import FOLDER, assert_close, table
from theory.claims.registry import claims
from theory.report.sentences import CAPTIONS

CLAIMS = claims()


@dataclass(frozen=True, slots=True, eq=False)
class _Record:
    x: Any
    y: Any

    def rows(self) -> list[dict[str, str | float]]:
        """The curve."""
        return [{"series": "curve", "x": x, "y": y} for x, y in zip(self.x, self.y, strict=True)]


def _compute() -> _Record:
    x = np.linspace(0, 1, 5)
    return _Record(x, x**2 / 3)


def _draw(record: _Record, figure: Figure) -> None:
    """One of everything that could carry an id, a clip path or a picture into the SVG."""
    style.size(figure, style.WIDTH_SINGLE, 2)
    left, right = figure.subplots(1, 2)
    left.plot(record.x, record.y, **style.line("exact"), label=r"$\mathrm{E}\,L$")
    left.plot(record.x, record.y, **style.mark("sampled"))
    left.fill_between(record.x, record.y, alpha=0.3, hatch="//")
    left.legend()
    style.title(left, "a", "curve")
    right.imshow(np.outer(record.x, record.y), interpolation="none")
    right.contour(np.outer(record.x, record.x))
    style.note(right, "words", 0.1, 0.9)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """A gallery of one small figure."""
    module = ModuleType("small")
    module.CLAIMS, module.CAPTION, module.SEED = ("line.identity",), "A curve.", 7  # type: ignore[attr-defined]
    module.PARAMETERS = {"points": "5", "T": "1/2"}  # type: ignore[attr-defined]
    module.compute, module.draw = _compute, _draw  # type: ignore[attr-defined]
    monkeypatch.setattr(gallery, "GALLERY", {"small": module})
    return module


def _picture(path: Path) -> tuple[dict[Any, Any], int]:
    """A PNG's metadata and its width in pixels."""
    with Image.open(path) as image:
        return dict(image.info), image.width


def test_written_twice_are_the_same_bytes(small: ModuleType, tmp_path: Path) -> None:
    """PNG, SVG and CSV, in this order, are equal byte for byte."""
    one, two = (gallery.regenerate(["small"], tmp_path / folder) for folder in ("one", "two"))
    assert [path.name for path in one] == ["small.png", "small.svg", "small.csv"]
    for first, second in zip(one, two, strict=True):
        assert first.read_bytes() == second.read_bytes()


def test_no_names_means_all(small: ModuleType, tmp_path: Path) -> None:
    """Everything in the gallery is drawn."""
    assert [path.stem for path in gallery.regenerate([], tmp_path)] == ["small"] * 3


def test_unknown_name_is_refused_before_anything_is_written(small: ModuleType, tmp_path: Path) -> None:
    """The message names the figures there are."""
    with pytest.raises(ValueError, match="no figure 'large'; known: small"):
        gallery.regenerate(["small", "large"], tmp_path)
    assert not list(tmp_path.iterdir())


def test_metadata_say_what_is_drawn(small: ModuleType, tmp_path: Path) -> None:
    """Caption, claims, parameters and seed stand in PNG and SVG; neither tells the time or the program's version."""
    png, svg, _ = gallery.regenerate(["small"], tmp_path)
    said = "A curve. Claims: line.identity. Parameters: points = 5; T = 1/2. Seed: 7."
    info, _ = _picture(png)
    assert info["Description"] == said
    assert info["Title"] == "small"
    assert "Software" not in info
    text = svg.read_text(encoding="utf-8")
    assert said in text
    assert "dc:date" not in text
    assert "Matplotlib v" not in text
    assert "<text" in text


def test_failure_leaves_the_old_files(small: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A figure that cannot be drawn replaces nothing and leaves nothing behind."""
    before = {path: path.read_bytes() for path in gallery.regenerate(["small"], tmp_path)}

    def broken(record: _Record, figure: Figure) -> None:
        raise RuntimeError("cannot draw")

    monkeypatch.setattr(small, "draw", broken)
    with pytest.raises(RuntimeError, match="cannot draw"):
        gallery.regenerate(["small"], tmp_path)
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_csv_of_rows() -> None:
    """Columns in the order of first use, twelve digits, no negative zero, commas quoted."""
    rows = [{"series": "exact", "x": 1.0}, {"series": "a, b", "x": 2 / 3, "y": -0.0}]
    assert gallery.as_csv(rows) == 'series,x,y\nexact,1,\n"a, b",0.666666666667,0\n'


def test_comparison_sees_a_difference() -> None:
    """Numbers beyond the tolerance, other words and other shapes are noticed."""
    kept = "series,x\nexact,1.5\n"
    assert_close("series,x\nexact,1.5000000001\n", kept, 1e-9)
    for other in ("series,x\nexact,1.50000001\n", "series,x\nlimit,1.5\n", "series,y\nexact,1.5\n", kept + "exact,2\n"):
        with pytest.raises(AssertionError):
            assert_close(other, kept, 1e-9)


# --- the figures there are ----------------------------------------------------------------------------------------


def _draws(path: Path) -> bool:
    """Whether a module is a figure: it has ``compute`` and ``draw``."""
    names = {
        node.name for node in ast.parse(path.read_text(encoding="utf-8")).body if isinstance(node, ast.FunctionDef)
    }
    return {"compute", "draw"} <= names


def test_every_figure_is_in_the_gallery() -> None:
    """No module of the folder is forgotten."""
    assert {path.stem for path in FOLDER.glob("*.py") if _draws(path)} == set(gallery.GALLERY)


@pytest.mark.parametrize("name", gallery.GALLERY)
def test_figure_is_complete(name: str) -> None:
    """It names claims that exist, has a caption, and its committed files say what its module says."""
    module = gallery.GALLERY[name]
    assert set(module.CLAIMS) <= {claim.id for claim in CLAIMS}
    assert module.CLAIMS
    assert module.CAPTION.endswith(".")
    assert _picture(FOLDER / f"{name}.png")[0]["Description"] == gallery.description(name)
    svg = (FOLDER / f"{name}.svg").read_text(encoding="utf-8")
    escaped = gallery.description(name).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    assert escaped in svg
    columns, rows = table((FOLDER / f"{name}.csv").read_text(encoding="utf-8"))
    assert len(columns) > 1
    assert rows


def test_the_argument_has_the_front_page_figures() -> None:
    """The figures of the front page are among those of the argument, which the notebook draws as well."""
    argument = {name for names in gallery.ARGUMENT.values() for name in names}
    assert {one.name for one in CAPTIONS} <= argument <= set(gallery.GALLERY)


def test_claims_name_figures_that_show_them() -> None:
    """The figure beside a claim is in the gallery, and names the claim."""
    shown = {claim.id: claim.figure for claim in CLAIMS if claim.figure is not None}
    assert shown
    assert all(claim in gallery.GALLERY[figure].CLAIMS for claim, figure in shown.items())


@pytest.mark.parametrize("name", gallery.GALLERY)
def test_resolution(name: str) -> None:
    """300 dots per inch, one or two columns wide."""
    info, width = _picture(FOLDER / f"{name}.png")
    assert info["dpi"] == pytest.approx((style.DPI, style.DPI), abs=0.1)
    assert width in {round(inches * style.DPI) for inches in (style.WIDTH_SINGLE, style.WIDTH_DOUBLE)}


# --- the style ----------------------------------------------------------------------------------------------------


def test_every_thing_has_colour_line_and_mark() -> None:
    """The three dicts name the same things, areas apart."""
    assert set(style.LINE) == set(style.MARK) == set(style.COLOUR) - {"region", "light", "grid", "text"}


def test_series_differ_without_colour() -> None:
    """In grey print two series are told apart by their dashes and by their marks."""
    for one, two in itertools.combinations(style.SERIES, 2):
        assert one["linestyle"] != two["linestyle"]
        assert one["marker"] != two["marker"]


def test_style_is_known_to_matplotlib() -> None:
    """Every setting is a setting, and none outlives the block."""
    before = dict(matplotlib.rcParams)
    with matplotlib.rc_context(style.paper()):
        assert matplotlib.rcParams["svg.fonttype"] == "none"
    assert dict(matplotlib.rcParams) == before
