"""``probqual figures``: the figures again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from probqual.checkout import checkout
from probqual.errors import BadInput, bad_files, bad_values


def figures(
    names: Annotated[list[str] | None, typer.Argument(metavar="[NAME]...", help="Figures; all if left out.")] = None,
    output: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Write here, not to figures/ of the checkout.")
    ] = None,
) -> None:
    """Draw figures again: NAME.png, NAME.svg, and NAME.csv with the numbers drawn.

    Example: probqual figures toy plane
    """
    from figures.gallery import regenerate

    root = checkout()
    folder = output if output is not None else None if root is None else root / "figures"
    if folder is None:
        raise BadInput("outside the checkout: name a folder with --output")
    with bad_values(), bad_files(folder, "{place}: cannot be written: {reason}"):
        for path in regenerate(names or [], folder):
            typer.echo(f"wrote {path}", err=True)
