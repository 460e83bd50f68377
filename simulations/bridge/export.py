"""One row a string with everything that is stored of it: ``probqual analyse --samples``."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from simulations.bridge.key import run_key
from simulations.bridge.reading import read_strings
from simulations.bridge.store import Store
from simulations.estimation.strings import secret
from theory.files import write_whole

OWN = ("prompt", "setting", "tokens", "ended", "log_prior", "log_aligned", "secret_reward")
"""The columns of every file; the run's own reward and the named ones follow."""


def exported(folder: Path, path: Path) -> int:
    """Write the strings of the run in a folder, a row each; gives how many.

    Raises:
        StoreError: the folder holds no finished run, or a damaged one.
        ValueError: a reward has the name of another column.
        OSError: the file cannot be written.
    """
    return export(Store.existing(folder), path)


def export(store: Store, path: Path) -> int:
    """Write the strings of a finished run as Parquet, whole or not at all; gives how many there are.

    Columns: prompt and setting (places in key.json's run.prompts and run.chains), tokens (ids), ended, log_prior,
    log_aligned and secret_reward (sums over tokens, nats; the last two only where there is an aligned model), and one
    column a reward by its name, in its own units; the run's own reward is called by its kind.

    Args:
        store: of the run.
        path: of the file, .parquet.

    Raises:
        StoreError: the run is not finished, a shard is damaged, or key.json is.
        ValueError: a reward has the name of another column.
        OSError: the file cannot be written.
    """
    key, strings = run_key(store), read_strings(store)
    columns = {
        "prompt": pa.array(strings.prompt, pa.int32()),
        "setting": pa.array(strings.setting, pa.int32()),
        "tokens": pa.chunked_array(list(_tokens(store))),
        "ended": pa.array(strings.ended),
        "log_prior": pa.array(strings.log_prior),
    }
    if key.run.aligned is not None:
        columns |= {"log_aligned": pa.array(strings.log_aligned), "secret_reward": pa.array(secret(strings))}
    rewards = dict(strings.rewards)
    if key.run.reward != "secret":
        rewards = {key.run.reward: strings.reward} | rewards
    for name, values in rewards.items():
        if name in columns or name in OWN:
            raise ValueError(
                f"the reward {name!r} has the name of a column of --samples; give it another in the run file"
            )
        columns[name] = pa.array(values, from_pandas=True)
    buffer = io.BytesIO()
    pq.write_table(pa.table(columns), buffer, compression="zstd", write_page_checksum=True)
    write_whole(path, buffer.getvalue())
    return len(strings)


def _tokens(store: Store) -> Iterator[pa.Array]:
    for shard in range(store.shards):
        yield from store.read(shard)["tokens"].chunks


__all__ = ["OWN", "export", "exported"]
