"""Options that several commands have."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from probqual.errors import BadInput

JsonPath = Annotated[
    Path | None, typer.Option("--json", metavar="PATH", help="Write the numbers here as JSON; - for standard output.")
]


Minutes = Annotated[
    float | None,
    typer.Option(min=0, metavar="N", help="Begin nothing new after so many minutes; the same command goes on later."),
]


class BackendName(StrEnum):
    """Where shards are made."""

    local = "local"
    dask = "dask"


Backend = Annotated[BackendName, typer.Option(help="Processes of this machine, or a dask cluster that you have.")]


Address = Annotated[str | None, typer.Option(metavar="TCP", help="Address of the dask scheduler: tcp://host:8786.")]


def check_address(backend: BackendName, address: str | None) -> None:
    """Refuse a cluster without its address, and an address without a cluster.

    Raises:
        BadInput: either.
    """
    if (backend is BackendName.dask) != (address is not None):
        raise BadInput("--backend dask and --address tcp://... go together")


class ProfileName(StrEnum):
    """How much is checked."""

    quick = "quick"
    full = "full"
