"""``probqual explore``: the page to play with."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from probqual.errors import bad_files


def explore(
    output: Annotated[Path, typer.Option(metavar="PATH", help="The page to write.")] = Path("explore.html"),
) -> None:
    """Write an interactive page: one HTML file that computes in the browser, without a network.

    Example: probqual explore --output explore.html
    """
    from figures.explore import write_page

    with bad_files(output, "{place}: cannot be written: {reason}"):
        write_page(output)
    typer.echo(f"wrote {output}", err=True)
