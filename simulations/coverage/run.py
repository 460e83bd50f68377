"""``make coverage``: simulated runs, the share of intervals that hold the truth, and theory/data/coverage.json."""

from __future__ import annotations

import datetime
import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from pathlib import Path

import joblib
import numpy as np

from simulations.coverage.population import Pair, Population
from simulations.coverage.truth import Truths, gibbs_truths, pair_truths
from simulations.estimation.corpora import pooled
from simulations.estimation.gibbs import gibbs
from simulations.estimation.intervals import ANY, verdict_of
from simulations.estimation.settings import cooling, of_setting, trades_locally
from simulations.estimation.strings import Strings
from theory.files import write_whole
from theory.report.records import CoverageRecord, Covered, CoveredDesign, Estimate, RewardEstimates, RewardStep, as_json

TARGET = Path(__file__).resolve().parents[2] / "theory" / "data" / "coverage.json"
RUNS = 500
SEED = 20240610


@dataclass(frozen=True, slots=True)
class Design:
    """One kind of run: its name, prompts, strings a prompt and setting, and the pair; a Gibbs run has no settings."""

    name: str
    prompts: int
    strings: int
    pair: Pair
    gibbs: bool = False


MIDDLE, WEAK, STRONG = Pair(reward=1.0), Pair(reward=0.1), Pair(reward=3.0)
COLD = Pair(reward=1.0, peak=0.5, cold="1/4")
DESIGNS = (
    Design("few of both", 4, 8, MIDDLE),
    Design("many strings", 8, 64, MIDDLE),
    Design("middle", 16, 16, MIDDLE),
    Design("weak reward", 16, 16, WEAK),
    Design("strong reward", 16, 16, STRONG),
    Design("low acceptance", 16, 32, COLD),
    Design("many prompts", 64, 16, MIDDLE),
    Design("few strings", 128, 4, MIDDLE),
    Design("tilted, few of both", 4, 8, MIDDLE, gibbs=True),
    Design("tilted, middle", 16, 16, MIDDLE, gibbs=True),
    Design("tilted, weak reward", 16, 16, WEAK, gibbs=True),
    Design("tilted, many prompts", 64, 16, MIDDLE, gibbs=True),
    Design("tilted, many strings", 16, 256, MIDDLE, gibbs=True),
    Design("tilted, strong reward", 32, 1024, Pair(reward=2.0), gibbs=True),
)


def estimates(strings: Strings, population: Population, *, tilted: bool) -> Iterator[tuple[str, Estimate]]:
    """Every interval of the run's analysis, by its place there."""
    if tilted:
        found = gibbs(strings, "1")
        yield from ((f.name, v) for f in fields(found) if isinstance(v := getattr(found, f.name), Estimate))
        yield from _named("", found.rewards)
        return
    for number, steps in enumerate(population.chains):
        own = of_setting(strings, number, steps)
        for field in fields(own):
            if isinstance(value := getattr(own, field.name), Estimate):
                yield f"settings.{number}.{field.name}", value
        yield from _named(f"settings.{number}.", own.rewards)
    both = pooled(strings)
    yield from (("pooled.correlation", both.correlation), ("pooled.spearman", both.spearman))
    assert both.crossing is not None
    yield "pooled.crossing", both.crossing
    yield from ((f"pooled.corpora.{size}", value) for size, value in both.corpora.items())
    for number, step in enumerate(cooling(strings, population.chains)):
        for name in ("mean_log_prior", "mean_reward", "slope"):
            yield f"cooling.{number}.{name}", getattr(step, name)
        yield from _named(f"cooling.{number}.", step.rewards)


def _named(place: str, rewards: Mapping[str, RewardEstimates | RewardStep]) -> Iterator[tuple[str, Estimate]]:
    (own,) = rewards.values()
    for field in fields(own):
        if isinstance(value := getattr(own, field.name), Estimate):
            yield f"{place}rewards.{field.name}", value


def holds(estimate: Estimate, truth: float) -> bool | None:
    """Whether the set that is printed or said in words holds the truth, to rounding; None where there is none."""
    slack = 1e-9 * max(1.0, abs(truth))
    if estimate.low is not None and estimate.high is not None:
        return estimate.low - slack <= truth <= estimate.high + slack
    if estimate.outside is not None:
        return not estimate.outside[0] < truth < estimate.outside[1]
    return True if estimate.note == ANY else None


def one_run(population: Population, truths: Truths, design: Design, seed: int) -> dict[str, bool | None]:
    """{place: whether the interval holds the truth} of one simulated run, and whether its verdicts are wrong."""
    rng = np.random.default_rng([SEED, seed])
    draw = population.sample_prior if design.gibbs else population.sample
    strings = draw(rng, design.prompts, design.strings)
    found = {}
    for place, estimate in estimates(strings, population, tilted=design.gibbs):
        found[place] = holds(estimate, truths[place])
        if place.endswith("exchange_coefficient"):
            said, true = verdict_of(estimate), "no" if -1 <= truths[place] <= 0 else "yes"
            found[place.replace("exchange_coefficient", "trades")] = None if said == "undecided" else said == true
    if not design.gibbs:
        for number, step in enumerate(cooling(strings, population.chains)):
            one, two = (truths[f"cooling.{number}.{name}"] for name in ("mean_log_prior", "mean_reward"))
            said, true = trades_locally(step), "no" if one * two > 0 else "yes"
            found[f"cooling.{number}.trades"] = None if said == "undecided" else said == true
    return found


def measured(design: Design, runs: int) -> CoveredDesign:
    """The coverage of every interval in so many runs of one design."""
    population = Population.of(design.pair)
    truths = gibbs_truths(population) if design.gibbs else pair_truths(population)
    jobs = joblib.Parallel(n_jobs=-1, batch_size=25)
    results = jobs(joblib.delayed(one_run)(population, truths, design, seed) for seed in range(runs))
    held: dict[str, list[bool | None]] = defaultdict(list)
    for result in results:
        for place, value in result.items():
            held[place].append(value)
    return CoveredDesign(
        name=design.name,
        prompts=design.prompts,
        strings=design.strings,
        gibbs=design.gibbs,
        reward=design.pair.reward,
        settings=() if design.gibbs else tuple(str(steps) or "p+" for steps in population.chains),
        intervals=tuple(
            Covered(
                place=p, truth=truths.get(p), printed=sum(v is not None for v in values), held=sum(map(bool, values))
            )
            for p, values in sorted(held.items())
        ),
    )


def record(runs: int = RUNS) -> CoverageRecord:
    """All designs."""
    date = datetime.date.today().isoformat()
    return CoverageRecord(runs=runs, seed=SEED, date=date, designs=tuple(measured(design, runs) for design in DESIGNS))


if __name__ == "__main__":
    write_whole(TARGET, json.dumps(as_json(record()), indent=1) + "\n")


__all__ = ["DESIGNS", "Design", "estimates", "holds", "measured", "one_run", "record"]
