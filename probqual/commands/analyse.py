"""``probqual analyse``: the claims on a stored run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from probqual.checkout import checkout_for_record, keep
from probqual.errors import bad_files, bad_values, optional_libraries
from probqual.options import JsonPath
from probqual.output import console, emit_json, interval, table


def analyse(
    folder: Annotated[Path, typer.Argument(metavar="RUN_DIR", help="Where `probqual sample` stored the run.")],
    json_path: JsonPath = None,
    record: Annotated[
        str | None, typer.Option(metavar="NAME", help="Keep the numbers for the report, as bridge_NAME.json.")
    ] = None,
) -> None:
    """Check the claims on a stored run; no model is run again.

    Example: probqual analyse runs/default --json default.json
    """
    with optional_libraries("needs torch, transformers and pyarrow", "bridge"):
        from simulations.bridge.session import analysed

    with bad_values(), bad_files(folder, "{file}: cannot be read: {reason}"):
        found = analysed(folder)
    if json_path is not None:
        emit_json(found, json_path)
    if record is not None:
        keep(found, checkout_for_record(), f"bridge_{record}")
    if str(json_path) != "-":
        _show(found)


def _show(found: dict[str, Any]) -> None:
    from simulations.bridge.runs import describe
    from theory.adaptors.exact import chain

    screen = console(240)
    screen.print(f"{found['strings']:,} strings, {found['tokens']:,} tokens; key {found['key'][:16]}", highlight=False)
    if "gibbs" in found:
        column = "estimate, 95 % over prompts"
        tilted = table("quantity", column, left={"quantity"}, title="the prior tilted by the reward")
        for name, value in found["gibbs"].items():
            tilted.add_row(name, interval(value) if isinstance(value, dict) else str(value))
        screen.print(tilted)
        return
    columns = ("setting", "E L", "E R", "H", "KL to p+", "b", "Corr", "acceptance")
    settings = table(*columns, left={"setting"}, title="settings, 95 % over prompts")
    keys = ("mean_log_prior", "mean_reward", "entropy", "kl_to_aligned", "exchange_coefficient", "within_correlation")
    for steps, own in zip(found["run"]["chains"], found["settings"], strict=True):
        name = describe(chain(*((name, value) for name, value in steps)))
        settings.add_row(name, *(interval(own[key]) for key in (*keys, "acceptance")))
    screen.print(settings)
    screen.print(
        "on this pair, lowering temperature trades likelihood for reward: globally normalised, at T = 1 "
        f"{found['trades']}; token by token, as sampled {found['trades_locally']}",
        highlight=False,
        soft_wrap=True,
    )
