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
    from rich.console import Console

    from theory.report.records import Estimate, GibbsAnalysis, PairAnalysis


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
    title = f"{name}: means, and a small cooling of each setting's law, globally normalised; 95 % over prompts"
    made, notes = table(*columns, left={"setting"}, title=title), _Notes()
    for steps, setting in zip(found.run.chains, found.settings, strict=True):
        own = setting.rewards.get(name)
        if own is not None:
            numbers = map(notes.cell, (own.mean, own.correlation, own.slope))
            made.add_row(str(chain(*steps)), *numbers, own.trades, "x" if own.front else "")
    screen.print(made)
    notes.show(screen)
    screen.print("front: no other setting has both a higher E L and a higher mean of this reward", highlight=False)
    for step in found.cooling:
        if name in step.rewards and not step.behind:
            own_step = step.rewards[name]
            line = f"{name}: cooling from T = {step.warm:g} to {step.cool:g} token by token, as sampled, trades: "
            line += _answer(found, own_step.trades, step.mean_log_prior, own_step.mean)
            screen.print(line, highlight=False, markup=False, soft_wrap=True)


def _answer(found: PairAnalysis | GibbsAnalysis, verdict: str, *estimates: Estimate, of_b: bool = False) -> str:
    """A verdict, and where it is open what would settle it."""
    from theory.report.settling import EXCHANGE, settled_by

    needed = settled_by(found, *estimates, borders=EXCHANGE if of_b else (0.0,)) if verdict == "undecided" else ""
    return f"{verdict} ({needed})" if needed else verdict


def _show_settings(found: PairAnalysis) -> None:
    from theory.adaptors.exact import chain

    columns = ("setting", "E L", "E R", "H", "KL to p+", "b", "Corr", "acceptance")
    settings = table(*columns, left={"setting"}, title="settings, 95 % over prompts")
    notes = _Notes()
    for steps, own in zip(found.run.chains, found.settings, strict=True):
        means = (own.mean_log_prior, own.mean_reward, own.entropy, own.kl_to_aligned)
        rest = (own.exchange_coefficient, own.within_correlation, own.acceptance)
        settings.add_row(str(chain(*steps)), *map(notes.cell, (*means, *rest)))
    screen = console(240)
    screen.print(settings)
    notes.show(screen)
    for name in dict.fromkeys(name for own in found.settings for name in own.rewards):
        _show_reward(found, name, screen)
    verdicts = []
    if found.trades is not None:
        b = found.settings[found.run.chains.index(())].exchange_coefficient
        verdicts.append(f"globally normalised, by a small step at T = 1: {_answer(found, found.trades, b, of_b=True)}")
    step = next((step for step in found.cooling if not step.behind and step.warm == 1), None)
    if found.trades_locally is not None and step is not None:
        answer = _answer(found, found.trades_locally, step.mean_log_prior, step.mean_reward)
        verdicts.append(f"token by token, as sampled: {answer}")
    words = "; ".join(verdicts) or "no verdict"
    lines = [f"does cooling trade likelihood for the secret reward R = log p+/p on this pair? {words}"]
    if found.rounding is not None:
        size = found.rounding
        lines.append(
            f"{size.dtype} rounds log p by up to {size.token:.2g} nats a token, R by {size.secret_reward:.2g} a string "
            f"of {size.length} tokens"
        )
    for line in (*lines, *found.notes):
        screen.print(line, highlight=False, markup=False, soft_wrap=True)
