"""``probqual score``: the log-probabilities of strings that another engine wrote."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from probqual.errors import bad_files, bad_values, optional_libraries
from probqual.options import Address, Backend, BackendName, check_address
from probqual.working import Clock, opened, worked


def score(
    run: Annotated[Path, typer.Argument(metavar="RUN.toml", help="Models, settings, rewards, and where to store.")],
    samples: Annotated[
        Path, typer.Argument(metavar="SAMPLES", help="Strings: .jsonl or .parquet, ours or of vLLM, TRL, lm-eval.")
    ],
    output: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Store the run here, not where the run file says.")
    ] = None,
    backend: Backend = BackendName.local,
    address: Address = None,
) -> None:
    """Score strings that another engine wrote, under both models, into a store that `analyse` reads.

    Prompts come from SAMPLES, and those of the run file are not read. It can be stopped at any moment and run again,
    and several may run at once on one folder. With --backend dask the workers of a dask cluster score shards; all of
    them see the files and the folder. What comes out is the same.

    Example: probqual score run.toml completions.jsonl --output runs/scored
    """
    check_address(backend, address)
    with optional_libraries("needs torch, transformers and pyarrow", "bridge"):
        from simulations.bridge.cluster import sessions
        from simulations.bridge.session import Session

    with bad_values(), bad_files(output or samples, "{file}: {reason}; nothing half-written is left"):
        local = Session.of_samples(run, samples, output) if address is None else None
        for session in opened(local or sessions(address or "", run, output, samples)):
            worked(session, "scoring", Clock(None))
