"""The stored strings of a run as arrays."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from simulations.arrays import Floats
from simulations.bridge.key import RunKey, run_key
from simulations.bridge.store import Store, StoreError
from simulations.estimation.strings import Strings


def read_strings(store: Store) -> Strings:
    """All shards of a finished run.

    Raises:
        StoreError: a shard is missing or damaged, or key.json is.
    """
    table = pa.concat_tables([store.read(shard) for shard in range(store.shards)])
    return _strings(table, run_key(store))


def strings_so_far(store: Store) -> tuple[Strings, str | None]:
    """(the strings of a run, what is missing of them).

    Of a run that was stopped the prompts are read whose strings are all there under every setting.

    Raises:
        StoreError: a shard is damaged, or key.json is; no prompt is complete, or strings were given and some are not
            scored.
    """
    key, missing = run_key(store), set(store.unwritten())
    if missing and (len(missing) == store.shards or key.samples is not None):
        store.read(min(missing))  # says that it is missing
    if not missing:
        return read_strings(store), None
    there = pa.concat_tables([store.read(shard) for shard in range(store.shards) if shard not in missing])
    found = _strings(there, key)
    settings, prompts = len(key.run.chains), len(key.run.prompts)
    counts = np.zeros((settings, prompts), dtype=np.int64)
    np.add.at(counts, (found.setting, found.prompt), 1)
    whole = (counts == key.run.strings).all(axis=0)
    if not whole.any():
        raise StoreError(
            f"{store.folder}: {len(missing)} of {store.shards} shards are missing, and no prompt has all its strings "
            "yet; go on with probqual sample"
        )
    return found.of(whole[found.prompt]), (
        f"unfinished: {len(missing)} of {store.shards} shards are missing; the numbers are of the prompts that have "
        f"all their strings, {int(whole.sum())} of {prompts}; probqual sample goes on"
    )


def _strings(table: pa.Table, key: RunKey) -> Strings:
    settings = len(key.run.chains)
    whole = f"log_weight_{settings - 1}" in table.column_names
    return Strings(
        setting=table["setting"].to_numpy().astype(np.int64),
        prompt=table["prompt"].to_numpy().astype(np.int64),
        log_prior=_sums(table["log_prior"]),
        log_aligned=_sums(table["log_aligned"]) if whole else np.full(len(table), np.nan),
        log_weight=_rows([_sums(table[f"log_weight_{k}"]) for k in range(settings if whole else 0)], len(table)),
        log_normaliser=_rows(
            [_sums(table[f"log_normaliser_{k}"]) for k in range(settings if whole else 0)], len(table)
        ),
        reward=table["reward"].to_numpy(zero_copy_only=False).astype(np.float64),
        length=pc.list_value_length(table["tokens"]).to_numpy().astype(np.int64),
        ended=table["ended"].to_numpy(zero_copy_only=False).astype(bool),
        rewards={
            name.removeprefix("reward_"): table[name].to_numpy(zero_copy_only=False).astype(np.float64)
            for name in table.column_names
            if name.startswith("reward_")
        },
    )


def _sums(column: pa.ChunkedArray) -> Floats:
    lengths = pc.list_value_length(column).to_numpy().astype(np.int64)
    flat = pc.list_flatten(column).to_numpy().astype(np.float64)
    found, filled = np.zeros(len(lengths)), lengths > 0
    if filled.any():
        found[filled] = np.add.reduceat(flat, (np.cumsum(lengths) - lengths)[filled])
    return found


def _rows(rows: list[Floats], size: int) -> Floats:
    return np.stack(rows) if rows else np.zeros((0, size))


__all__ = ["read_strings", "strings_so_far"]
