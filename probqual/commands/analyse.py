"""``probqual analyse``: the claims on a stored run."""

from __future__ import annotations

import re
import string
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from probqual.checkout import checkout_for_record, keep
from probqual.errors import BadInput, bad_files, bad_values, optional_libraries
from probqual.options import JsonPath
from probqual.output import console, emit_json, interval, table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import Console

    from theory.report.records import CoolingStep, Estimate, GibbsAnalysis, PairAnalysis, SettingEstimates

    Steps = tuple[tuple[str, str], ...]


def analyse(
    folder: Annotated[
        Path, typer.Argument(metavar="RUN_DIR", help="Where `probqual sample` or `probqual score` stored the run.")
    ],
    json_path: JsonPath = None,
    record: Annotated[
        str | None, typer.Option(metavar="NAME", help="Keep the numbers for the report, as bridge_NAME.json.")
    ] = None,
    plot: Annotated[
        Path | None,
        typer.Option(metavar="PATH", help="Draw the settings in the plane of E L and each reward: .png, .svg or .pdf."),
    ] = None,
    samples: Annotated[
        Path | None, typer.Option(metavar="OUT.parquet", help="Write one row a string: ids, L, log p+, R, rewards.")
    ] = None,
) -> None:
    """Estimate means, b and correlations from a stored run, and say whether cooling trades; no model is run again.

    Every reward of the run, the secret one and those with a name, has its own answer.

    Example: probqual analyse runs/default --json default.json --plot default.png
    """
    if plot is not None and plot.suffix.lower() not in {".png", ".svg", ".pdf"}:
        raise BadInput(f"--plot {plot}: the name must end in .png, .svg or .pdf")
    if samples is not None and samples.suffix.lower() != ".parquet":
        raise BadInput(f"--samples {samples}: the name must end in .parquet")
    with optional_libraries("needs pyarrow and filelock", "bridge"):
        from simulations.bridge.analyse import analysed
        from simulations.bridge.export import exported
    from theory.report.records import GibbsAnalysis, as_json

    with bad_values(), bad_files(folder, "{file}: cannot be read: {reason}"):
        found = analysed(folder)
    if samples is not None:
        with bad_values(), bad_files(samples, "{place}: cannot be written: {reason}"):
            exported(folder, samples)
    if plot is not None:
        if isinstance(found, GibbsAnalysis):
            raise BadInput(f"--plot: {folder} is a run of a prior alone, which has no settings to draw")
        from figures.run_plane import save

        with bad_values(), bad_files(plot, "{place}: cannot be written: {reason}"):
            save(found, plot)
    if json_path is not None:
        emit_json(as_json(found), json_path)
    if record is not None:
        keep(as_json(found), checkout_for_record(), f"bridge_{record}")
    if str(json_path) != "-":
        _show(found)


def _show(found: PairAnalysis | GibbsAnalysis) -> None:
    from theory.report.records import GibbsAnalysis

    screen = console(240)
    screen.print(f"{found.strings:,} strings, {found.tokens:,} tokens; key {found.key[:16]}", highlight=False)
    if isinstance(found, GibbsAnalysis):
        _show_tilted(found)
    else:
        _show_settings(found)


def _show_tilted(found: GibbsAnalysis) -> None:
    from theory.report.records import Estimate

    column = "estimate, 95 % over prompts"
    tilted = table("quantity", column, left={"quantity"}, title="the prior tilted by the reward")
    notes = _Notes()
    for field in fields(found.gibbs):
        value = getattr(found.gibbs, field.name)
        if field.name != "rewards":
            number = f"{value:.3f}" if isinstance(value, float) else str(value)
            if field.name == "trades":
                number = _answer(found, number, found.gibbs.exchange_coefficient, of_b=True)
            tilted.add_row(field.name, notes.cell(value) if isinstance(value, Estimate) else number)
    for name, own in found.gibbs.rewards.items():
        tilted.add_row(f"E r under p+, {name}", notes.cell(own.mean))
        tilted.add_row(f"Corr(L, r), {name}", notes.cell(own.correlation))
        tilted.add_row(f"dE r/dE L, {name}", notes.cell(own.slope))
        tilted.add_row(f"trades, {name}", own.trades)
    screen = console(240)
    screen.print(tilted)
    notes.show(screen)


class _Notes:
    """Why estimates have no interval, each kind of reason with a letter that stands in its cells."""

    def __init__(self) -> None:
        self.needed: dict[tuple[str, str], int] = {}

    def cell(self, estimate: Estimate) -> str:
        """The estimate with its interval, or with the letter of its note."""
        text = interval(estimate)
        if estimate.note is None or estimate.low is not None:
            return text
        found = re.fullmatch(r"(.*: )([\d,]+)( needed)", estimate.note)
        kind, number = ((found[1], found[3]), int(found[2].replace(",", ""))) if found else ((estimate.note, ""), 0)
        self.needed[kind] = max(number, self.needed.get(kind, 0))
        return f"{text} ({string.ascii_lowercase[list(self.needed).index(kind) % 26]})".strip()

    def show(self, screen: Console) -> None:
        """A line each, with the most that one of the cells needs."""
        for letter, ((before, after), number) in zip(string.ascii_lowercase, self.needed.items(), strict=False):
            most = f"at least {number:,}" if number else ""
            screen.print(
                f"({letter}) no interval: {before}{most}{after}", highlight=False, markup=False, soft_wrap=True
            )


def _show_reward(found: PairAnalysis, name: str, screen: Console) -> None:
    """One named reward: what every setting did to it, and whether cooling the setting's law trades L for it."""
    from theory.adaptors.exact import chain

    columns = ("setting", f"E {name}", "Corr with L", "dE r/dE L", "cooling trades", "front")
    given = [setting.rewards[name] for setting in found.settings if name in setting.rewards]
    unit = "r/beta, nats" if any(own.nats for own in given) else "in its own units"
    title = f"{name} ({unit}): means, and a small cooling of each setting's law, globally normalised; 95 % over prompts"
    made, notes = table(*columns, left={"setting"}, title=title), _Notes()
    for steps, setting in zip(found.run.chains, found.settings, strict=True):
        own = setting.rewards.get(name)
        if own is not None:
            numbers = map(notes.cell, (own.mean, own.correlation, own.slope))
            made.add_row(str(chain(*steps)), *numbers, own.trades, "x" if own.front else "")
    screen.print(made)
    notes.show(screen)
    screen.print("front: no other setting has both a higher E L and a higher mean of this reward", highlight=False)
    missing = sum(own.missing for own in given)
    if missing:
        _say(screen, f"{missing:,} of {found.strings:,} strings have no number of {name} and are left out of it")
    local = []
    for step in found.cooling:
        if name in step.rewards:
            own_step = step.rewards[name]
            answer = _answer(found, own_step.trades, step.mean_log_prior, own_step.mean)
            local += [answer] if not step.behind and step.warm == 1 else []
            moved = _moved(step.mean_log_prior, own_step.mean, own_step.slope, name)
            _say(screen, f"{name}: {_cooling(step)}, as sampled, trades: {answer}; {moved}")
    plain = [own.rewards[name] for own, steps in _with_chains(found) if not steps and name in own.rewards]
    small = _answer(found, plain[0].trades, plain[0].slope) if plain else None
    _say(screen, _sentence(name, small, local[0] if local else None))


def _with_chains(found: PairAnalysis) -> Iterator[tuple[SettingEstimates, Steps]]:
    return zip(found.settings, found.run.chains, strict=True)


def _cooling(step: CoolingStep) -> str:
    from theory.adaptors.exact import chain

    behind = f" in front of {chain(*step.behind)}" if step.behind else ""
    return f"cooling from T = {step.warm:g} to {step.cool:g}{behind} token by token"


def _moved(likelihood: Estimate, reward: Estimate, slope: Estimate, name: str) -> str:
    """What a step did, as far as it is known."""
    parts = (("E L moves by", likelihood), (f"E {name} by", reward), ("slope", slope))
    return ", ".join(f"{what} {interval(own) or 'a number that is not known'}" for what, own in parts)


def _sentence(reward: str, globally: str | None, locally: str | None) -> str:
    """Whether cooling trades likelihood for a reward, in both ways to normalise."""
    verdicts = [
        f"{what}: {verdict}"
        for what, verdict in (
            ("globally normalised, by a small step at T = 1", globally),
            ("token by token, as sampled", locally),
        )
        if verdict is not None
    ]
    return f"does cooling trade likelihood for {reward} on this pair? {'; '.join(verdicts) or 'no verdict'}"


def _answer(found: PairAnalysis | GibbsAnalysis, verdict: str, *estimates: Estimate, of_b: bool = False) -> str:
    """A verdict, and where it is open what would settle it."""
    from theory.report.settling import EXCHANGE, settled_by

    needed = settled_by(found, *estimates, borders=EXCHANGE if of_b else (0.0,)) if verdict == "undecided" else ""
    return f"{verdict} ({needed})" if needed else verdict


def _say(screen: Console, line: str) -> None:
    screen.print(line, highlight=False, markup=False, soft_wrap=True)


def _of_secret_reward(found: PairAnalysis) -> tuple[str | None, str | None]:
    """Whether cooling trades for R, globally by b and locally by the step from T = 1; None where that was not asked."""
    small = found.trades
    if small is not None:
        b = found.settings[found.run.chains.index(())].exchange_coefficient
        small = _answer(found, small, b, of_b=True)
    step = next((step for step in found.cooling if not step.behind and step.warm == 1), None)
    local = found.trades_locally
    if local is not None and step is not None:
        local = _answer(found, local, step.mean_log_prior, step.mean_reward)
    return small, local


def _show_settings(found: PairAnalysis) -> None:
    from theory.adaptors.exact import chain

    columns = ("setting", "E L", "E R", "H", "KL to p+", "b", "Corr", "acceptance", "front")
    settings = table(*columns, left={"setting"}, title="settings, 95 % over prompts")
    notes = _Notes()
    for steps, own in zip(found.run.chains, found.settings, strict=True):
        means = (own.mean_log_prior, own.mean_reward, own.entropy, own.kl_to_aligned)
        rest = (own.exchange_coefficient, own.within_correlation, own.acceptance)
        settings.add_row(str(chain(*steps)), *map(notes.cell, (*means, *rest)), "x" if own.front else "")
    screen = console(240)
    screen.print(settings)
    notes.show(screen)
    for name in dict.fromkeys(name for own in found.settings for name in own.rewards):
        _show_reward(found, name, screen)
    for step in found.cooling:
        _say(
            screen, f"R: {_cooling(step)}, as sampled: {_moved(step.mean_log_prior, step.mean_reward, step.slope, 'R')}"
        )
    lines = [_sentence("the secret reward R = log p+/p", *_of_secret_reward(found))]
    if found.rounding is not None:
        size = found.rounding
        lines.append(
            f"{size.dtype} rounds log p by up to {size.token:.2g} nats a token, R by {size.secret_reward:.2g} a string "
            f"of {size.length} tokens"
        )
    for line in (*lines, *found.notes):
        _say(screen, line)
