"""What larger work would cost, from rates measured here: seconds per random model, seconds per row of logits."""

from __future__ import annotations

import dataclasses
import importlib.util
import io
import time
from pathlib import Path

import numpy as np

from simulations.bench.timing import seconds
from theory.report.records import Projection, SweepRates

MODELS = 400
"""Random models that are timed."""

WIDE = 128_256
"""The vocabulary of a Llama 3 model, as its configuration says."""

_ROWS = 64


def rates(sweep_file: Path) -> Projection:
    """Of a sweep, and of thirty adaptors on one row of logits; None where joblib, pyarrow or torch is not installed."""
    return Projection(sweep=_sweep_rates(sweep_file), adaptors=_adaptor_rates())


def _installed(*names: str) -> bool:
    return all(importlib.util.find_spec(name) for name in names)


def _sweep_rates(sweep_file: Path) -> SweepRates | None:
    """Claims and adaptors of a sweep, and seconds on one core, strings and bytes on disk of one of its models."""
    if not _installed("joblib", "pyarrow"):
        return None
    import pyarrow.parquet as pq

    from simulations.sweep.plan import read_sweep
    from simulations.sweep.work import rows_of, table_of

    sweep = dataclasses.replace(read_sweep(sweep_file), models=MODELS, chunk=MODELS)
    rows_of(sweep, 0, np.random.default_rng(0))
    start = time.perf_counter()
    rows = rows_of(sweep, 0, np.random.default_rng(1))
    spent = time.perf_counter() - start
    table = table_of(sweep, rows)
    buffer = io.BytesIO()
    pq.write_table(table, buffer, compression="zstd", use_dictionary=False)
    return SweepRates(
        claims=len(sweep.claims),
        adaptors=len(sweep.adaptors),
        seconds_per_model=spent / MODELS,
        strings_per_model=sum(table["strings"].to_pylist()) / MODELS,
        bytes_per_model=buffer.getbuffer().nbytes / MODELS,
    )


def _adaptor_rates() -> dict[str, float] | None:
    """Seconds of thirty adaptors on one row of logits, on one core, at two sizes of vocabulary."""
    if not _installed("torch", "transformers", "pyarrow"):
        return None
    from simulations.bench import transformer

    found = {}
    for vocabulary in (transformer.VOCABULARY, WIDE):
        logits = transformer.logits_of(_ROWS, vocabulary)
        transformer.all_adaptors(logits)
        best = min(seconds(lambda given=logits: transformer.all_adaptors(given)) for _ in range(5))  # type: ignore[misc]
        found[str(vocabulary)] = best / _ROWS
    return found


__all__ = ["MODELS", "WIDE", "rates"]
