"""Options that several commands have."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

JsonPath = Annotated[
    Path | None, typer.Option("--json", metavar="PATH", help="Write the numbers here as JSON; - for standard output.")
]


class ProfileName(StrEnum):
    """How much is checked."""

    quick = "quick"
    full = "full"
