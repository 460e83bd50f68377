"""What adaptors did on the embedded pair of torch models: sampled means of L and R, temperature by temperature."""

from __future__ import annotations

from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from figures import style
from theory.report.records import RecordError, pair_record

CLAIMS = ("adaptors.exchange", "adaptors.budget")
CAPTION = (
    "A tiny Llama fitted to the State of the Union and the same aligned to VADER by DPO, sampled locally by eight "
    "adaptors at four temperatures after sixteen prompts. Left: mean log-likelihood under the prior and mean secret "
    "reward log p+/p of every setting, with 95 % intervals over prompts; a line joins the temperatures of one adaptor, "
    "the dotted line through p+ has the slope -(1+b)/b of global temperature. Right: the exchange coefficient of every "
    "setting; in the grey band global temperature moves both means the same way."
)
SEED: int | None = 1
PARAMETERS = {"run": "examples/default.toml", "interval": "95 % over prompts; none where it would not cover"}

Bounds = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class SettingPoint:
    """One setting: the adaptor behind the temperature, and (value, low, high) of each number."""

    adaptor: str
    temperature: float
    mean_log_prior: Bounds
    mean_reward: Bounds
    exchange: Bounds


@dataclass(frozen=True, slots=True)
class Record:
    """What is drawn."""

    points: tuple[SettingPoint, ...]
    slope: float

    def rows(self) -> list[dict[str, str | float]]:
        """A row per setting."""
        rows: list[dict[str, str | float]] = []
        for point in self.points:
            row: dict[str, str | float] = {"series": point.adaptor, "T": point.temperature}
            for name, bounds in (("E L", point.mean_log_prior), ("E R", point.mean_reward), ("b", point.exchange)):
                row |= {name: bounds[0], f"{name} low": bounds[1], f"{name} high": bounds[2]}
            rows.append(row)
        return [*rows, {"series": "slope at p+", "T": 1.0, "E R": self.slope}]


def compute() -> Record:
    """Read the committed analysis.

    Raises:
        RecordError: it has no setting without adaptors.
    """
    found = pair_record("default")
    points = []
    for steps, own in zip(found.run.chains, found.settings, strict=True):
        warmed = bool(steps) and steps[0][0] == "temperature"
        numerator, _, denominator = (steps[0][1] if warmed else "1").partition("/")
        name = " + ".join(f"{n.replace('_', '-')} {v}" for n, v in (steps[1:] if warmed else steps)) or "none"
        means, rewards, exchange = own.mean_log_prior, own.mean_reward, own.exchange_coefficient
        temperature = int(numerator) / int(denominator or 1)
        points.append(SettingPoint(name, temperature, means.drawn, rewards.drawn, exchange.drawn))
    if found.exchange_slope is None:
        raise RecordError("the recorded pair was not sampled at p+ itself: the figure needs the slope there")
    return Record(tuple(points), found.exchange_slope)


def draw(record: Record, figure: Figure) -> None:
    """The plane of the means, and the exchange coefficients."""
    style.size(figure, style.WIDTH_DOUBLE, 3.3)
    axes = figure.subplot_mosaic([list("ab")], width_ratios=[1.35, 1])
    names = list(dict.fromkeys(point.adaptor for point in record.points))
    _draw_plane(axes["a"], record, names)
    _draw_exchange(axes["b"], record, names)


def _draw_plane(axes: Axes, record: Record, names: list[str]) -> None:
    base = next(p for p in record.points if p.adaptor == "none" and p.temperature == 1)
    for number, name in enumerate(names):
        own = sorted((p for p in record.points if p.adaptor == name), key=lambda p: p.temperature)
        look = style.series(number)
        x, y = [p.mean_log_prior for p in own], [p.mean_reward for p in own]
        axes.errorbar(
            [v for v, _, _ in x],
            [v for v, _, _ in y],
            xerr=[[v - low for v, low, _ in x], [high - v for v, _, high in x]],
            yerr=[[v - low for v, low, _ in y], [high - v for v, _, high in y]],
            **(look | {"linestyle": "none"}),
            elinewidth=0.35,
            alpha=0.35,
            capsize=0,
        )
        axes.plot([v for v, _, _ in x], [v for v, _, _ in y], label=name, linewidth=0.8, **look)
    centre = base.mean_log_prior[0], base.mean_reward[0]
    axes.axline(centre, slope=record.slope, **style.line("reference"), linewidth=0.8)
    axes.plot(*centre, **style.mark("p+"), markersize=9, zorder=5)
    axes.annotate("$p_+$", centre, xytext=(-3, -13), textcoords="offset points", fontsize=7.5)
    axes.set_xlabel("E $L$  (nats)")
    axes.set_ylabel("E $R$, the secret reward  (nats)")
    axes.legend(loc="best", title="adaptor", title_fontsize=6.5)
    style.title(axes, "a", "means under each setting")


def _draw_exchange(axes: Axes, record: Record, names: list[str]) -> None:
    axes.axvspan(-1, 0, color=style.COLOUR["region"], linewidth=0)
    place = 0.0
    ticks, labels = [], []
    for number, name in enumerate(names):
        own = sorted((p for p in record.points if p.adaptor == name), key=lambda p: p.temperature)
        for point in own:
            value, low, high = point.exchange
            axes.errorbar(
                [value],
                [place],
                xerr=[[value - low], [high - value]],
                **(style.series(number) | {"linestyle": "none"}),
                elinewidth=0.7,
                capsize=0,
            )
            ticks.append(place)
            labels.append(
                f"T = {point.temperature:g}" if point is not own[-1] else f"{name}, T = {point.temperature:g}"
            )
            place += 1
        place += 0.6
    axes.set_yticks(ticks, labels)
    axes.tick_params(axis="y", labelsize=4.6, length=0)
    axes.set_xlabel("exchange coefficient $b$")
    style.title(axes, "b", "no trade-off in the grey")


__all__ = ["CAPTION", "CLAIMS", "PARAMETERS", "SEED", "Record", "compute", "draw"]
