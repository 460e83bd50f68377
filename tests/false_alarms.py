"""How often the comparisons cry wolf, and how often they see one: 1,000 fresh runs, and a sampler off by 1 %.

``make false-alarms`` runs it and writes theory/data/false_alarms.json, which paper_check.md quotes. Every run is the
quick profile of ``probqual compare`` with a seed of its own; a single row that differs is a false alarm.
"""

from __future__ import annotations

import argparse
import datetime
import json
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from simulations.agreement import models
from simulations.agreement.run import EXPERIMENTS, run, setting
from simulations.agreement.setting import Experiment
from simulations.agreement.statistics import g_critical, half_g
from theory.files import write_whole
from theory.report.records import FalseAlarms, Power, Seeds, as_json

TARGET = Path(__file__).resolve().parents[1] / "theory" / "data" / "false_alarms.json"
DRAWS, DISTANCE, ALPHA = 530_000, 0.01, 1e-6


@cache
def experiments() -> tuple[Experiment, ...]:
    """All of them, those on torch models included."""
    where, size = models.placed("cpu")
    return (*EXPERIMENTS, *models.experiments(where, size, trained=False))


def one_run(seed: int) -> tuple[int, list[str]]:
    """(comparisons, those that differ) of one quick run."""
    found = run(setting("quick", seed), experiments())
    return len(found.rows), [f"seed {seed}: {row.claim}: {row.what}" for row in found.differing]


def power(outcomes: int, runs: int, rng: np.random.Generator) -> int:
    """How many of so many samplers, each off by TV 1 %, the G test at alpha 1e-6 catches with 530,000 draws.

    The law is uniform, and the wrong one raises half the outcomes as far as it lowers the others: where all outcomes
    are equally likely no other shift of this size has a smaller divergence.
    """
    law = np.full(outcomes, 1 / outcomes)
    shift = np.where(np.arange(outcomes) % 2 == 0, 1, -1) * 2 * DISTANCE / outcomes
    counts = rng.multinomial(DRAWS, law + shift, size=runs)
    critical = g_critical(outcomes, ALPHA)
    return sum(half_g(row, law) >= critical for row in counts)


def main() -> None:
    """Run, print a line every 50 runs, and write the summary."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--base", type=int, default=None, help="the seeds' seed; fresh if left out")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--output", type=Path, default=TARGET)
    chosen = parser.parse_args()
    sequence = np.random.SeedSequence(chosen.base)
    seeds = [int(s) for s in sequence.generate_state(chosen.runs)]
    start, compared = time.monotonic(), 0
    alarms: list[str] = []
    with ProcessPoolExecutor(chosen.jobs, mp_context=get_context("spawn")) as pool:
        for number, (rows, differing) in enumerate(pool.map(one_run, seeds, chunksize=10), start=1):
            compared += rows
            alarms += differing
            if number % 50 == 0:
                print(f"{number} runs, {compared} comparisons, {len(alarms)} differ", file=sys.stderr, flush=True)
    rng = np.random.default_rng(sequence.spawn(1)[0])
    found = FalseAlarms(
        date=datetime.date.today().isoformat(),
        seeds=Seeds(str(sequence.entropy), seeds[0], seeds[-1]),
        runs=chosen.runs,
        comparisons=compared,
        alarms=tuple(alarms),
        seconds=round(time.monotonic() - start),
        power=Power(
            DRAWS, DISTANCE, ALPHA, 1000, {str(outcomes): power(outcomes, 1000, rng) for outcomes in (2, 8, 32)}
        ),
    )
    text = json.dumps(as_json(found), indent=2) + "\n"
    write_whole(chosen.output, text)
    print(text, end="")
    sys.exit(1 if alarms else 0)


if __name__ == "__main__":
    main()
