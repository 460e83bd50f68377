"""A finished run of made-up numbers, as large as is wanted, in seconds: what reading and analysing are measured on.

    python -m simulations.bench.stored FOLDER PROMPTS STRINGS LENGTH

writes PROMPTS x STRINGS strings of up to LENGTH tokens for each of 32 settings: eight chains at four temperatures. The
numbers have the form of a real run's: log p in float64, log w of a law that was rounded to float32, log c at random.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import numpy as np

from simulations.agreement.decoding import tree_with_prompts
from simulations.bench.timing import MEMORY, Benchmark, TwoWays, close, two_ways
from simulations.bridge.columns import Law
from simulations.bridge.key import run_key
from simulations.bridge.reading import read_strings
from simulations.bridge.rewards import Rewards
from simulations.bridge.runs import read_run
from simulations.bridge.sample import Models, Plan, Scored, Shard, Witnesses, table_of
from simulations.bridge.store import Store
from simulations.sampling.generate import PAD, Sample
from theory.files import write_whole

RUN = """
[models]
prior = "made-up"
aligned = "made-up as well"
[prompts]
texts = [{texts}]
[sampling]
strings = {strings}
length = {length}
rows = {rows}
temperatures = ["1", "4/5", "1/2", "5/4"]
[[adaptor]]
[[adaptor]]
name = "top_k"
value = 20
[[adaptor]]
name = "nucleus"
value = "9/10"
[[adaptor]]
name = "typical"
value = "9/10"
[[adaptor]]
name = "eta"
value = "1/100"
[[adaptor]]
name = "epsilon"
value = "1/100"
[[adaptor]]
name = "min_p"
value = "1/10"
[[adaptor]]
name = ["top_k", "nucleus"]
value = [50, "19/20"]
[output]
folder = "."
"""


def stored(folder: Path, prompts: int, strings: int, length: int, rows: int = 128) -> Store:
    """The finished run in a folder.

    Args:
        folder: of the run; the run file stands beside it, as NAME.toml.
        prompts: how many.
        strings: of each under each setting.
        length: tokens of a string, at most.
        rows: strings a shard.
    """
    texts = ", ".join(f'"{k}"' for k in range(prompts))
    file = folder.with_suffix(".toml")
    write_whole(file, RUN.format(texts=texts, strings=strings, length=length, rows=rows))
    _, silent = tree_with_prompts()
    models = Models(
        prior=silent.prior,
        aligned=silent.aligned,
        encode=lambda text: [1 + int(text)],
        decode=lambda ids: " ".join(map(str, ids)),
        identity={"made": "up"},
        longest=1 << 20,
    )
    plan = Plan.of(read_run(file, folder), models)
    store = Store.open(folder, plan.configuration(), len(plan.shards))
    for number in store.unwritten():
        store.write(number, table_of(plan, made_up(plan, plan.shards[number], store.rng(number)), Rewards()))
    return store


def made_up(plan: Plan, shard: Shard, rng: np.random.Generator) -> Scored:
    """The strings of a shard: a prompt's own mean, and a token's own log p, window and log c under every setting."""
    chains, shape = plan.run.chains, (len(shard.prompt), plan.run.length)
    length = rng.integers(plan.run.length // 2, plan.run.length, size=shape[0], endpoint=True)
    inside = np.arange(shape[1])[None, :] < length[:, None]
    own = 1 + np.array(shard.prompt)[:, None] / 100
    aligned = -rng.gamma(1.0, own, size=shape)
    prior = aligned - 0.3 * rng.normal(size=shape) - 0.05
    # a law in float32 differs from the one in float64 by the rounding of the token and of the row
    single = aligned.astype(np.float32) - 3e-8 * rng.normal(size=shape)
    asked = Witnesses(chains, np.zeros((shape[0], 1), dtype=np.int64), shape[1])
    for number, steps in enumerate(chains):
        law, bare = Law.of(steps), not any(step.name != "temperature" for step in steps)
        kept = np.ones(shape, dtype=bool) if bare or number == shard.setting else aligned > -3 - rng.random(shape)
        asked.log_weight[number] = np.where(kept, law.power * single, -np.inf)
        if steps:
            asked.log_normaliser[number] = -rng.gamma(0.5, 0.1 * own, size=shape)
    tokens = np.where(inside, rng.integers(1, 49_152, size=shape), PAD)
    drawn = Sample(tokens, length, length < shape[1], aligned, asked.log_weight[0], asked.log_normaliser[0])
    return Scored(np.full(shape[0], shard.setting), shard.prompt, drawn, prior, asked)


PROMPTS, STRINGS, LENGTH = 16, 16, 64


def _reading() -> TwoWays:
    import polars

    folder = tempfile.TemporaryDirectory()
    path = Path(folder.name)
    store = stored(path / "run", PROMPTS, STRINGS, LENGTH)
    columns: dict[str, list[list[float]]] = {}
    for number in range(store.shards):
        table = store.read(number)
        for name in ("log_prior", "log_aligned"):
            columns.setdefault(name, []).extend(table[name].to_pylist())
    settings = len(run_key(store).run.chains)
    plain = {name: polars.Series(name, values, dtype=polars.List(polars.Float64)) for name, values in columns.items()}
    for number in range(settings):
        for kind in ("log_weight", "log_normaliser"):
            name = f"{kind}_{number}"
            plain[name] = plain["log_aligned"].cast(polars.List(polars.Float32)).alias(name)
    polars.DataFrame(plain).write_parquet(path / "plain.parquet")
    sums = [polars.col(name).cast(polars.List(polars.Float64)).list.sum() for name in plain]

    def theirs() -> float:
        return float(polars.scan_parquet(f"{folder.name}/plain.parquet").select(sums).collect()["log_prior"].sum())

    def ours() -> float:
        return float(read_strings(store).log_prior.sum())

    return two_ways(ours, theirs, close(1e-9))


ROWS: tuple[Benchmark, ...] = (
    Benchmark(
        "reading",
        f"{32 * PROMPTS * STRINGS:,} stored strings of up to {LENGTH} tokens under 32 settings: every sum over tokens",
        "polars: the same number of columns as plain lists, on all cores",
        0.5,
        ("polars",),
        _reading,
        (MEMORY, MEMORY),
    ),
)


if __name__ == "__main__":
    stored(Path(sys.argv[1]), *map(int, sys.argv[2:5]))

__all__ = ["ROWS", "made_up", "stored"]
