"""Options that several commands have."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

JsonPath = Annotated[
    Path | None, typer.Option("--json", metavar="PATH", help="Write the numbers here as JSON; - for standard output.")
]


Minutes = Annotated[
    float | None,
    typer.Option(min=0, metavar="N", help="Begin nothing new after so many minutes; the same command goes on later."),
]


class ProfileName(StrEnum):
    """How much is checked."""

    quick = "quick"
    full = "full"
