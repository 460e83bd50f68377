"""The plane of a run: every setting at its means, one panel a reward, the file whole or not at all."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from matplotlib.figure import Figure

from figures.run_plane import SECRET, draw, points, save
from theory.report.records import Estimate, RewardEstimates, pair_record

FOUND = pair_record("default")
NOTHING = Estimate(None, None, None)


def test_every_setting_is_a_point() -> None:
    """The committed pair: 32 settings of eight chains at four temperatures, at the recorded means."""
    (plane,) = points(FOUND).values()
    assert len(plane) == len(FOUND.settings) == 32
    assert len({point.behind for point in plane}) == 8
    assert {point.temperature for point in plane} == {0.5, 0.8, 1.0, 1.25}
    for point, own in zip(plane, FOUND.settings, strict=True):
        assert (point.mean_log_prior, point.mean_reward) == (own.mean_log_prior, own.mean_reward)


def test_lines_run_from_hot_to_cold() -> None:
    """Along each line T falls, so that the last point is the coldest."""
    axes = Figure().subplots()
    draw(points(FOUND)[SECRET], axes)
    named = [line for line in axes.get_lines() if not str(line.get_label()).startswith("_")]
    assert len(named) == 8
    alone = sorted((p for p in points(FOUND)[SECRET] if p.behind == "p+"), key=lambda p: -p.temperature)
    assert list(named[0].get_xdata()) == [p.mean_log_prior.value for p in alone]


def test_a_panel_for_each_reward(tmp_path: Path) -> None:
    """A named reward is a second panel; what has no mean is left out."""
    reward = RewardEstimates(mean=Estimate(1.0, 0.5, 1.5), correlation=NOTHING, slope=NOTHING, trades="undecided")
    first = replace(FOUND.settings[0], rewards={"mine": reward})
    second = replace(FOUND.settings[1], rewards={"mine": replace(reward, mean=NOTHING)})
    found = replace(FOUND, settings=(first, second, *FOUND.settings[2:]))
    planes = points(found)
    assert list(planes) == [SECRET, "mine"]
    assert len(planes["mine"]) == 1
    for name, start in (("a.png", b"\x89PNG"), ("a.svg", b"<?xml"), ("a.pdf", b"%PDF")):
        save(found, tmp_path / name)
        assert (tmp_path / name).read_bytes().startswith(start)


def test_a_run_of_few_prompts_is_drawn(tmp_path: Path) -> None:
    """Without a single interval, as of a run that was stopped early, means are drawn and temperatures named."""

    def bare(estimate: Estimate) -> Estimate:
        return Estimate(estimate.value, None, None, "too few prompts: 8 needed")

    settings = tuple(
        replace(own, mean_log_prior=bare(own.mean_log_prior), mean_reward=bare(own.mean_reward))
        for own in FOUND.settings
    )
    save(replace(FOUND, settings=settings), tmp_path / "a.svg")
    assert (tmp_path / "a.svg").read_text("utf-8").count(">T = ") == 4


def test_nothing_to_draw(tmp_path: Path) -> None:
    """No mean of L: an error, and no file."""
    bare = replace(FOUND, settings=tuple(replace(own, mean_log_prior=NOTHING) for own in FOUND.settings))
    with pytest.raises(ValueError, match="nothing to draw"):
        save(bare, tmp_path / "a.png")
    assert not (tmp_path / "a.png").exists()
