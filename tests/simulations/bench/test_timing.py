"""The measuring itself: ratios from known times, disagreements, limits, and slopes of made-up growth."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import astuple, fields, replace
from typing import Any

import numpy as np
import pytest

from simulations.bench import catalogue, growth, laws, machine, samplers
from simulations.bench.growth import Series, slope
from simulations.bench.timing import Benchmark, Disagreement, Limit, TwoWays, close, measure, median_range, two_ways
from theory.arithmetic import kernels
from theory.report.records import BenchRecord, BenchRow, GrowthPoint, MedianRange, PhysicalLimit, Rates


class Clock:
    """A clock that only the work moves."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def work(self, seconds: float, answer: Any = 1.0) -> Any:
        def run() -> Any:
            self.now += seconds
            return answer

        return run


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    found = Clock()
    monkeypatch.setattr("simulations.bench.timing.time.perf_counter", found)
    return found


def test_ratio_per_unit(clock: Clock) -> None:
    """Theirs takes 3 s for a tenth of the work that ours does in half a second: 60 times."""
    timed = measure(two_ways(clock.work(0.5), clock.work(3.0), close(0.0), ours_units=10, theirs_units=1))
    assert timed.ours.median == pytest.approx(0.05)
    assert timed.theirs.median == pytest.approx(3.0)
    assert timed.ratio.low == timed.ratio.high == pytest.approx(60)
    assert timed.rounds == 9


def test_budget_ends_rounds(clock: Clock) -> None:
    """At least two rounds, and none begins after the budget."""
    assert measure(two_ways(clock.work(1.0), clock.work(100.0), close(0.0))).rounds == 2
    assert measure(two_ways(clock.work(1.0), clock.work(9.0), close(0.0)), budget=30).rounds == 3


def test_different_results_are_not_timed(clock: Clock) -> None:
    with pytest.raises(Disagreement, match=r"1\.0 against 1\.1"):
        measure(two_ways(clock.work(1.0), clock.work(1.0, 1.1), close(1e-3)))
    measure(two_ways(clock.work(1.0), clock.work(1.0, 1.1), close(0.1)))
    with pytest.raises(Disagreement):
        close(1e-9)((1.0, 2.0), (1.0, 2.1))
    with pytest.raises(Disagreement):
        close(1.0)(float("nan"), 1.0)


def test_row_as_json(clock: Clock) -> None:
    """A row that falls short brings a profile; one that does not brings none."""

    def prepare() -> TwoWays:
        return two_ways(clock.work(1.0), clock.work(2.0), close(0.0), limit=Limit("nothing", 0.25))

    leans = "bytes_per_second", "python_steps_per_second"
    met = catalogue.measured(Benchmark("a", "work", "peer", 2.0, (), prepare, leans))
    short = catalogue.measured(Benchmark("a", "work", "peer", 2.1, (), prepare, leans))
    assert (met.met, met.profile, short.met) == (True, None, False)
    assert met.limit == PhysicalLimit("nothing", 0.25, 4.0)
    assert short.profile is not None
    assert any(part.function == "run" for part in short.profile)
    assert sum(part.share for part in short.profile) <= 1 + 1e-9


RATES = Rates(
    bytes_per_second=4e10,
    uniforms_per_second=6e8,
    exponentials_per_second=1e9,
    word_products_per_second=3e9,
    float32_flops_per_second=1e11,
    sorted_per_second=4e8,
    python_steps_per_second=2e7,
)


def made_up(name: str, ratio: float) -> BenchRow:
    """A row of a record with this median ratio, ours by sorting, the peer's in Python."""
    one = MedianRange(1.0, 1.0, 1.0)
    return BenchRow(
        name=name,
        work="",
        peer="",
        aim=1.0,
        met=True,
        rounds=2,
        ratio=MedianRange(ratio, ratio, ratio),
        ours=one,
        theirs=one,
        limit=None,
        profile=None,
        leans=("sorted_per_second", "python_steps_per_second"),
    )


def record_of(rates: Rates, *rows: BenchRow) -> BenchRecord:
    return BenchRecord(rows=rows, machine=machine.description(), versions={}, rates=rates)


def test_regression_compares_ratios() -> None:
    recorded = record_of(RATES, made_up("a", 100.0), made_up("b", 2.0))
    found = record_of(RATES, made_up("a", 59.0), made_up("b", 1.9), made_up("new", 0.1))
    (line,) = catalogue.slower(found, recorded)
    assert line.startswith("a: 59 times the peer; 100 times is predicted for this machine from 100 times")


def test_another_machine_is_predicted_by_its_rates() -> None:
    """It sorts ten times as slowly and runs Python twice as slowly: a fifth of the ratio is what is to be expected."""
    here = replace(RATES, sorted_per_second=4e7, python_steps_per_second=1e7)
    assert catalogue.predicted(made_up("a", 100.0), RATES, here) == pytest.approx(20.0)
    recorded = record_of(RATES, made_up("a", 100.0))
    assert not catalogue.slower(record_of(here, made_up("a", 19.0)), recorded)
    assert catalogue.slower(record_of(here, made_up("a", 11.0)), recorded)
    assert catalogue.slower(record_of(RATES, made_up("a", 19.0)), recorded)


def test_every_row_names_its_rates() -> None:
    names = {field.name for field in fields(Rates)}
    assert all(set(row.leans) <= names for row in catalogue.rows())


def test_names() -> None:
    assert [row.name for row in catalogue.chosen(["spectrum", "moments"])] == ["spectrum", "moments"]
    with pytest.raises(ValueError, match="no benchmark 'speed'; known: moments-fast, moments,"):
        catalogue.chosen(["speed"])
    names = [row.name for row in catalogue.rows()]
    assert len(set(names)) == len(names)
    assert catalogue.lacking(Benchmark("a", "", "", 1, ("numpy", "no_such_package"), lambda: None, ("", ""))) == [
        "no_such_package"
    ]  # type: ignore[arg-type,return-value]


@pytest.mark.parametrize("name", ["enumeration", "typicality", "corpora", "spectrum"])
def test_rows_without_peers_agree(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both sides of what needs no other package give the same answer; sizes are cut where that is all that costs."""
    monkeypatch.setattr(laws, "DEPTH", 5)
    monkeypatch.setattr(samplers, "STATES", 60)
    (row,) = catalogue.chosen([name])
    work = row.prepare()
    work.check()
    if work.limit is not None:
        assert work.limit.seconds > 0


def test_plain_is_without_numba() -> None:
    """Inside the block the compiled loops are gone, behind it they are back, whatever happens."""
    before, seen = kernels.moment_sums, []

    def fail() -> None:
        seen.append(kernels.moment_sums)
        raise RuntimeError

    with pytest.raises(RuntimeError):
        laws.without_numba(fail)()
    assert seen == [None]
    assert kernels.moment_sums is before


def test_machine_is_described() -> None:
    found = machine.description()
    assert all(astuple(found))
    assert machine.memory() > 2**28
    assert "numpy" in machine.versions()
    assert all(rate > 1e5 for rate in astuple(machine.rates()))


# --- growth -------------------------------------------------------------------------------------------------------


def points(exponent: float, count: int = 7) -> list[GrowthPoint]:
    """Time that grows as size to this power, after a floor that hides small sizes."""
    return [GrowthPoint(10**k, 1e-6 + 1e-6 * 10 ** (exponent * k), 1000 * 10**k) for k in range(count)]


@pytest.mark.parametrize("exponent", [1.0, 1.5, 3.0])
def test_slope(exponent: float) -> None:
    assert slope(points(exponent), lambda p: p.seconds) == pytest.approx(exponent, abs=0.05)
    assert slope(points(exponent), lambda p: float(p.memory)) == pytest.approx(1)
    assert slope(points(exponent, 2), lambda p: p.seconds) is None


def test_growth_stops_before_the_machine_is_full(monkeypatch: pytest.MonkeyPatch) -> None:
    """The next size is not tried when time or memory would not do."""
    answers = iter(["[1.0, 1000]", "[4.0, 4000]", "[17.0, 16000]"])

    def run(command: list[str], **_: Any) -> Any:
        return subprocess.CompletedProcess(command, 0, stdout=next(answers))

    monkeypatch.setattr(growth.subprocess, "run", run)
    series = Series("x", "", "", (1, 4, 16, 64), lambda size: lambda: None)
    assert [p.size for p in growth.grow(series)] == [1, 4, 16]
    monkeypatch.setattr(growth.machine, "memory", lambda: 10_000)
    answers = iter(["[0.1, 1000]", "[0.1, 4000]", "never"])
    assert [p.size for p in growth.grow(series)] == [1, 4]


def test_a_size_in_its_own_process() -> None:
    """The command prints seconds and bytes; an array of 16 MB is seen."""
    command = [sys.executable, "-m", "simulations.bench.growth", "spectrum", "100000"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    taken, memory = np.array(eval(done.stdout.splitlines()[-1]))
    assert 0 < taken < 5
    assert memory > 2**20


@pytest.mark.parametrize("series", growth.SERIES, ids=lambda series: series.name)
def test_every_series_runs_at_its_smallest(series: Series) -> None:
    for package in ("numba", *series.packages):
        pytest.importorskip(package, reason=f"{package} is not installed")
    series.prepare(min(series.sizes[0], 1000))()


def test_spread() -> None:
    assert median_range([3.0, 1.0, 2.0]) == MedianRange(1.0, 2.0, 3.0)
