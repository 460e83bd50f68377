"""The stored strings of a run as arrays, shard by shard: sums over tokens, so that memory grows with strings alone."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pyarrow as pa

from simulations.bridge.columns import check_layout, flat, lengths, numbers, setting_sums, sums
from simulations.bridge.key import RunKey, run_key
from simulations.bridge.store import Store, StoreError
from simulations.estimation.strings import Strings
from theory.adaptors.exact import Chain, chain

_UNREAD = {"tokens", "text", "row"}


def read_strings(store: Store) -> Strings:
    """All shards of a finished run.

    Raises:
        StoreError: a shard is missing or damaged, or key.json is.
    """
    return _strings(store, run_key(store), range(store.shards))


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
    found = _strings(store, key, (shard for shard in range(store.shards) if shard not in missing))
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


def _strings(store: Store, key: RunKey, shards: Iterable[int]) -> Strings:
    try:
        chains = [chain(*steps) for steps in key.run.chains]
    except ValueError:
        raise StoreError(f"{store.folder / 'key.json'}: is damaged; the run cannot be analysed without it") from None
    parts = []
    for shard in shards:
        table = store.read(shard, _UNREAD)
        check_layout(table, str(store.path(shard)))
        parts.append(_of_shard(table, chains if key.run.aligned is not None else []))
    return Strings.joined(parts)


def _of_shard(table: pa.Table, chains: list[Chain]) -> Strings:
    length = lengths(table["log_prior"])
    nothing = np.zeros((0, len(table)))
    weight, normaliser = setting_sums(table, chains) if chains else (nothing, nothing)
    return Strings(
        setting=numbers(table["setting"]).astype(np.int64),
        prompt=numbers(table["prompt"]).astype(np.int64),
        log_prior=sums(flat(table["log_prior"]), length),
        log_aligned=sums(flat(table["log_aligned"]), length) if chains else np.full(len(table), np.nan),
        log_weight=weight,
        log_normaliser=normaliser,
        reward=numbers(table["reward"]).astype(np.float64),
        length=length,
        ended=numbers(table["ended"]).astype(bool),
        rewards={
            name.removeprefix("reward_"): numbers(table[name]).astype(np.float64)
            for name in table.column_names
            if name.startswith("reward_")
        },
    )


__all__ = ["read_strings", "strings_so_far"]
