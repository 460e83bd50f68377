"""What a store survives: writers killed at random moments, and bits flipped in what they wrote.

``make kills`` runs it at full size, 200 kills and 1,000 flips, and prints what it found; the test suite runs it small.
The model is the tree with prompts, so that no torch is needed and a shard takes milliseconds; the store, the locks and
the draws are those of ``probqual sample``.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import shutil
import signal
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from simulations.agreement.decoding import tree_with_prompts
from simulations.bridge.runs import read_run
from simulations.bridge.sample import Models, Plan, work
from simulations.bridge.store import Store, StoreError

NAMES = ("x", "y", "a", "b", "c")
RUN = """
[models]
prior = "tree"
aligned = "tree"
[prompts]
texts = ["x", "y"]
[sampling]
strings = 400
length = 4
rows = 40
temperatures = ["1", "1/2"]
[[adaptor]]
name = []
value = []
[[adaptor]]
name = "nucleus"
value = "7/10"
[output]
folder = "run"
"""


def plan(folder: Path) -> Plan:
    """A run of 80 shards on the tree with prompts, stored below the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "run.toml").write_text(RUN, encoding="utf-8")
    _, pair = tree_with_prompts()
    models = Models(
        prior=pair.prior,
        aligned=pair.aligned,
        encode=lambda text: [NAMES.index(text)],
        decode=lambda ids: " ".join(NAMES[i] for i in ids if i < len(NAMES)),
        identity={"tree": "with prompts"},
        longest=64,
    )
    return Plan.of(read_run(folder / "run.toml"), models)


def finish(made: Plan) -> Store:
    """Make every shard that is missing."""
    store = Store.open(made.run.folder, made.configuration(), len(made.shards))
    for _ in work(made, store, None):
        pass
    return store


def contents(store: Store) -> dict[str, bytes]:
    """The bytes of the store, by name; locks and what was set aside are not part of it."""
    shards = sorted((store.folder / "shards").iterdir())
    return {path.name: path.read_bytes() for path in [store.folder / "key.json", *shards]}


@dataclass(frozen=True, slots=True)
class Killed:
    """How the kills went: how many, and in how many of them something had been made or was being made."""

    kills: int
    in_work: int
    identical: bool


def kill(folder: Path, kills: int, rng: np.random.Generator) -> Killed:
    """Kill a writer at random moments, now and then two that share the store; then finish, and compare."""
    calm = contents(finish(plan(folder / "calm")))
    made = plan(folder / "killed")
    context = multiprocessing.get_context("fork")
    done = in_work = 0
    while done < kills:
        workers = [context.Process(target=finish, args=(made,)) for _ in range(1 + done % 2)]
        for worker in workers:
            worker.start()
        time.sleep(float(rng.exponential(0.06)))
        for worker in workers:
            if worker.is_alive():
                assert worker.pid is not None
                os.kill(worker.pid, signal.SIGKILL)
                in_work += 1
            worker.join()
            done += 1
        if not any((made.run.folder / "shards").glob("*")) or not Store.existing(made.run.folder).missing():
            # all was made before the kill came: begin again
            shutil.rmtree(made.run.folder, ignore_errors=True)
    found = contents(finish(made))
    return Killed(done, in_work, found == calm)


def flip(folder: Path, flips: int, rng: np.random.Generator) -> tuple[int, int]:
    """(flips of one bit in a stored shard, how many of them reading or resuming notices)."""
    store = finish(plan(folder / "flipped"))
    noticed = 0
    for _ in range(flips):
        shard = int(rng.integers(store.shards))
        path = store.path(shard)
        if rng.random() < 0.05:
            path = path.with_suffix(".sha256")
        right = path.read_bytes()
        place, bit = int(rng.integers(len(right))), int(rng.integers(8))
        path.write_bytes(right[:place] + bytes([right[place] ^ (1 << bit)]) + right[place + 1 :])
        pair = {p: p.read_bytes() for p in (store.path(shard), store.path(shard).with_suffix(".sha256"))}
        try:
            store.read(shard)
        except StoreError:
            noticed += 1
        for p, content in pair.items():
            p.write_bytes(right if p == path else content)
    assert not store.missing(), "mended by hand"
    return flips, noticed


def main() -> None:
    """Run at full size and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--flips", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=None)
    chosen = parser.parse_args()
    rng = np.random.default_rng(chosen.seed)
    with tempfile.TemporaryDirectory() as name:
        killed = kill(Path(name), chosen.kills, rng)
        flips, noticed = flip(Path(name), chosen.flips, rng)
    found = {
        "kills": killed.kills,
        "killed in work": killed.in_work,
        "finished store is byte-identical": killed.identical,
        "bits flipped": flips,
        "noticed": noticed,
    }
    print(json.dumps(found, indent=2))
    sys.exit(0 if killed.identical and noticed == flips else 1)


if __name__ == "__main__":
    main()
