"""What sampling adaptors did on SmolLM2 and its adapters: means of L and of both rewards, setting by setting."""

from __future__ import annotations

from dataclasses import dataclass

from matplotlib.figure import Figure

from figures import run_plane, style
from figures.run_plane import Point
from theory.report.records import pair_record

CLAIMS = ("adaptors.exchange", "alignment.strength")
CAPTION = (
    "SmolLM2-135M-Instruct is the prior; three adapters were trained on it by direct preference optimisation: towards "
    "VADER, the same after fewer steps, and towards the valence of words. Each is sampled token by token under eight "
    "settings after 32 prompts. Upper row: mean log-likelihood under the prior and mean secret reward log p+/p. Lower "
    "row: the reward that was asked for, over beta, in its place. Bars are 95 % intervals over prompts, each setting "
    "alone. The star is p+ itself, the line joins the temperatures. A setting to the lower right of the star would "
    "give reward for likelihood."
)
SEED: int | None = 1
PARAMETERS = {"run": "examples/smollm2_pair.toml", "interval": "95 % over prompts; none where it would not cover"}

RUNS = {
    "smollm2-vader-weak": ("towards VADER, 100 steps", "vader"),
    "smollm2-vader": ("towards VADER, 400 steps", "vader"),
    "smollm2-valence": ("towards valence, 400 steps", "valence"),
}

_NAMES = {
    "temperature alone": "temperature alone",
    "then nucleus 9/10": "nucleus .9",
    "then min_p 1/10": "min-p .1",
    "then top_k 50 then nucleus 19/20": "top-k 50, nucleus .95",
}
"""Of the legend; the engine's chain, which is longer, is the other one."""

_READING = (
    "Star: the aligned model $p_+$ itself.\n"
    "Bars: 95 % intervals over 32 prompts.\n"
    "A trade would run to the lower right of\nthe star: likelihood up, reward down."
)
"""What a reader needs who has no caption."""


@dataclass(frozen=True, slots=True)
class Record:
    """What is drawn: of each run the secret reward's plane, and that of the reward that was asked for."""

    planes: dict[str, tuple[list[Point], list[Point]]]

    def rows(self) -> list[dict[str, str | float]]:
        """A row per adapter, reward and setting."""
        rows: list[dict[str, str | float]] = []
        for run, planes in self.planes.items():
            for reward, plane in zip(("E R", "E r/beta"), planes, strict=True):
                for point in plane:
                    row: dict[str, str | float] = {"series": f"{run}: {reward}", "adaptors": point.behind}
                    row["T"] = point.temperature
                    for axis, mean in (("x", point.mean_log_prior), ("y", point.mean_reward)):
                        value, low, high = mean.drawn
                        row |= {axis: value, f"{axis} low": low, f"{axis} high": high}
                    rows.append(row)
        return rows


def compute() -> Record:
    """Read the committed analyses."""
    planes = {run: run_plane.points(pair_record(run)) for run in RUNS}
    return Record({run: (own[run_plane.SECRET], own[RUNS[run][1]]) for run, own in planes.items()})


def draw(record: Record, figure: Figure) -> None:
    """Two rows of planes, a column an adapter."""
    style.size(figure, style.WIDTH_DOUBLE, 4.6)
    axes = figure.subplots(2, len(RUNS), sharex="col", squeeze=False)
    letters = iter("abcdef")
    for here in axes[0, 1:]:
        here.sharey(axes[0, 0])
    for row in (0, 1):
        for column, (run, (title, reward)) in enumerate(RUNS.items()):
            here, plane = axes[row, column], record.planes[run][row]
            run_plane.draw(plane, here)
            aligned = next(p for p in plane if p.behind == "p+" and p.temperature == 1)
            here.plot(*aligned.place, **style.mark("p+"), markersize=7, zorder=5)
            here.set_ylabel(("E $R$, the secret reward  (nats)", f"E $r/\\beta$, {reward}  (nats)")[row])
            here.set_xlabel(("", "E $L$  (nats)")[row])
            style.title(here, next(letters), (title, "the reward asked for")[row])
    for here in axes[0]:
        left, right = here.get_xlim()
        here.set_xlim(left, right + 0.25 * (right - left))  # the coldest setting's label stands at its right
    handles, names = axes[0, 0].get_legend_handles_labels()
    shown = {name: handle for name, handle in zip(names, handles, strict=True) if name in _NAMES or "then" in name}
    words = [_NAMES.get(name, "llama.cpp's defaults") for name in shown]
    axes[0, 0].legend(list(shown.values()), words, loc="lower right", fontsize=5.5)
    says = {"transform": axes[0, 1].transAxes, "fontsize": 5.5, "color": style.COLOUR["text"], "va": "bottom"}
    axes[0, 1].text(0.03, 0.03, _READING, **says, linespacing=1.4)
    for row in (0, 1):
        for column, run in enumerate(RUNS):
            run_plane.name_temperatures(record.planes[run][row], axes[row, column])


__all__ = ["CAPTION", "CLAIMS", "PARAMETERS", "SEED", "Record", "compute", "draw"]
