"""``probqual sample``: strings from a real pair of models."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from probqual.errors import BadInput, bad_files, bad_values, optional_libraries
from probqual.options import Address, Backend, BackendName, Minutes, check_address
from probqual.working import Clock, opened, worked


def sample(
    run: Annotated[Path, typer.Argument(metavar="RUN.toml", help="Models, prompts, adaptors, and where to store.")],
    output: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Store the run here, not where the run file says.")
    ] = None,
    minutes: Minutes = None,
    device: Annotated[
        str | None, typer.Option(help="Of torch, not what the run file says: cpu, cuda, cuda:1. It is part of the key.")
    ] = None,
    backend: Backend = BackendName.local,
    address: Address = None,
) -> None:
    """Sample strings from a real pair of models and store the log-probabilities that `analyse` needs.

    It can be stopped at any moment and run again: it goes on where it stopped. Several may run at once on one folder.
    `analyse` reads what is there of a run that was stopped. With --backend dask the workers of a dask cluster load the
    models and make shards; all of them see the run file and the folder. What comes out is the same.

    Example: probqual sample examples/default.toml --output runs/default
    """
    check_address(backend, address)
    if device is not None and address is not None:
        raise BadInput("--device is of this machine; with --backend dask the run file's [models] device holds")
    with optional_libraries("needs torch, transformers and pyarrow", "bridge"):
        from simulations.bridge.cluster import sessions
        from simulations.bridge.session import Session

    clock = Clock(minutes)
    with bad_values(), bad_files(output or run, "{file}: {reason}; nothing half-written is left"):
        every = Session.each(run, output, device) if address is None else sessions(address, run, output)
        for session in opened(every):
            if not worked(session, "sampling", clock):
                break
