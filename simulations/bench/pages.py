"""docs/benchmarks.md and docs/scaling.md, written from the record of ``probqual bench``."""

from __future__ import annotations

from collections.abc import Sequence

from simulations.bench.catalogue import REGRESSION
from simulations.bench.projection import WIDE
from theory.report.markdown import markdown_table
from theory.report.records import BenchRecord, BenchRow, Growth, SweepRates


def quantity(value: float, unit: str) -> str:
    """Three digits with a prefix.

    >>> quantity(0.00123, "s"), quantity(7.7e-9, "s"), quantity(31.4, "s"), quantity(4.2e10, "B/s")
    ('1.23 ms', '7.70 ns', '31.4 s', '42.0 GB/s')
    """
    prefixes = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"), (1.0, ""), (1e-3, "m"), (1e-6, "u"), (1e-9, "n"))
    if value == 0:
        return f"0 {unit}"
    scale, prefix = next((p for p in prefixes if abs(value) >= p[0] * 0.9995), prefixes[-1])
    digits = max(0, 2 - len(str(int(abs(value / scale)))) + 1)
    return f"{value / scale:.{digits}f} {prefix}{unit}"


def ratio_text(value: float) -> str:
    """A ratio with three digits, thousands apart.

    >>> ratio_text(3.356), ratio_text(116.1), ratio_text(22844.5)
    ('3.36', '116', '22,800')
    """
    if value >= 1000:
        digits = 10 ** (len(str(int(value))) - 3)
        return f"{round(value / digits) * digits:,}"
    return f"{value:.{max(0, 3 - len(str(int(value))))}f}"


# --- docs/benchmarks.md --------------------------------------------------------------------------------------------


def benchmarks_page(record: BenchRecord) -> str:
    """The table of ratios, what stops us, and how cost grows."""
    rates, machine = record.rates, record.machine
    lines = [
        "# Benchmarks",
        "",
        "Written by `probqual bench`: every row measured by turns against its peer, in one process, on one machine; "
        "the two results are compared before they are timed. A ratio is the peer's time over ours in one round: the "
        "median, with the least and the largest. An aim was set before anything was measured. Building a model is not "
        "timed, on either side. Numerical libraries have one thread; JAX has its own threads.",
        "",
        f"Machine: {machine.processor}, {machine.cores} cores, {machine.memory}, {machine.system}, "
        f"Python {machine.python}. Measured on it, on one core: memory read at "
        f"{quantity(rates.bytes_per_second, 'B/s')}, "
        f"{quantity(rates.uniforms_per_second, 'uniforms/s')}, "
        f"{quantity(rates.exponentials_per_second, 'exponentials/s')}, "
        f"{quantity(rates.word_products_per_second, 'products of 64-bit words/s')}, "
        f"{quantity(rates.float32_flops_per_second, 'flop/s')} in float32. Versions: "
        + ", ".join(f"{name} {version}" for name, version in record.versions.items())
        + ".",
        "",
        _ratios(record.rows),
        "",
        *_shortfalls(record.rows),
        "The limit is what cannot be left out at the rates above; *of it* says how many times as long ours takes. "
        "Where that is far above 1, the time goes into something else: error bounds, special functions, Python.",
        "",
        f"`probqual bench --verify` measures again and fails where a median ratio is below {REGRESSION} of the one "
        "recorded here: ratios, not seconds, so that another machine may say the same.",
        "",
        "## How cost grows",
        "",
        "Each size in a process of its own, up to the last that takes less than about 20 s a call and about half of "
        "the memory. The exponents are least-squares slopes in logarithms over the last three sizes; memory is "
        "what the process grew by, inputs included. Where memory is flat, what is loaded once outweighs the work: "
        "numba's compiler, about 50 MB.",
        "",
        _growth(record.growth),
        "",
        "![How time and memory grow with size](../figures/scaling.png)",
    ]
    return "\n".join(lines) + "\n"


def _ratios(rows: Sequence[BenchRow]) -> str:
    cells = []
    for row in rows:
        ratio, limit = row.ratio, row.limit
        spread = f"{ratio_text(ratio.median)} [{ratio_text(ratio.low)}, {ratio_text(ratio.high)}]"
        bound = "" if limit is None else f"{limit.what}: {quantity(limit.seconds, 's')}"
        times = "" if limit is None else f"{ratio_text(limit.times)}"
        cells.append(
            (
                row.work,
                row.peer,
                spread,
                f"{row.aim:,g}",
                "met" if row.met else "**not met**",
                quantity(row.ours.median, "s"),
                quantity(row.theirs.median, "s"),
                bound,
                times,
            )
        )
    head = ("work", "peer", "times faster", "aim", "", "ours", "peer's", "physical limit", "of it")
    return markdown_table(head, cells)


def _shortfalls(rows: Sequence[BenchRow]) -> list[str]:
    lines = []
    for row in rows:
        if row.met:
            continue
        parts = ", ".join(f"{100 * p.share:.0f} % {p.function} ({p.calls:,} calls)" for p in row.profile or ())
        lines += [f"Not met: {row.work}. Where a call's time goes: {parts}.", ""]
    return lines


def _growth(series: Sequence[Growth]) -> str:
    cells = []
    for own in series:
        last = own.points[-1]
        cells.append(
            (
                own.work,
                f"{own.points[0].size:,} to {last.size:,} {own.unit}",
                _slope(own.time_slope),
                _slope(own.memory_slope),
                quantity(last.seconds, "s"),
                quantity(float(last.memory), "B"),
            )
        )
    head = ("work", "sizes", "time grows as size to the", "memory as size to the", "largest takes", "and needs")
    return markdown_table(head, cells)


def _slope(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"


# --- docs/scaling.md -----------------------------------------------------------------------------------------------

_MODELS = 10**9
_PARAMETERS = 70e9
_TOKENS = 1000 * 16 * 32 * 100
_SETTINGS = 32
_BATCH = 256
_GPUS = 8
_GPU_BYTES, _GPU_FLOPS = 3.35e12, 989e12
_YEAR = 365 * 86_400


def scaling_page(record: BenchRecord) -> str:
    """What a sweep of 10^9 models and a run on a pair of 70 billion parameters would cost."""
    known = record.projection
    lines = [
        "# Beyond one machine",
        "",
        "On paper, from the rates that `probqual bench` measured on the machine of [the benchmarks](benchmarks.md); "
        "nothing on this page was run at the size it speaks of.",
        "",
        *(_sweep(known.sweep) if known is not None and known.sweep is not None else []),
        *(_bridge(known.adaptors) if known is not None and known.adaptors is not None else []),
    ]
    return "\n".join(lines).rstrip() + "\n"


def _sweep(rate: SweepRates) -> list[str]:
    each = rate.seconds_per_model
    rows = [
        (f"{cores:,}", _duration(_MODELS * each / cores), f"{_MODELS * each / 3600:,.0f}")
        for cores in (2, 64, 1024, 16_384)
    ]
    size = _MODELS * rate.bytes_per_model
    return [
        "## A sweep of 10^9 models",
        "",
        f"One random model of `examples/sweep.toml`, {rate.strings_per_model:.1f} strings "
        f"on average, with {rate.claims} claims and {rate.adaptors} adaptors takes {quantity(each, 's')} on one "
        f"core, and its row {rate.bytes_per_model:.0f} bytes. Models are independent, a shard of 500 takes "
        f"{quantity(500 * each, 's')}, and workers send back only rows, so that time divides by the number of cores:",
        "",
        markdown_table(("cores", "time", "core hours"), rows),
        "",
        f"The store would hold {quantity(size, 'B')} in two million shards of 500; shards of 50,000 make it 20,000 "
        f"files of {quantity(50_000 * rate.bytes_per_model, 'B')}, and a worker that is killed then costs "
        f"{_duration(50_000 * each)}. One process commits all shards: at 1,024 cores "
        f"{1024 / (50_000 * each):.1f} a second. A share of 1/2 would be known to within "
        f"{1.96 / 2 / _MODELS**0.5:.1e}, where 100,000 models give {1.96 / 2 / 1e5**0.5:.1e}: nothing that the report "
        "says needs it.",
        "",
    ]


def _bridge(rate: dict[str, float]) -> list[str]:
    weights = 2 * _PARAMETERS
    step = weights / (_GPUS * _GPU_BYTES)
    decode = _BATCH / step
    score = _GPUS * _GPU_FLOPS / (2 * _PARAMETERS)
    narrow, wide = rate["32000"], rate[str(WIDE)]
    stored = 4 + 8 + 8 + _SETTINGS * 8
    rows = [
        ("aligned model writes, weights read once a step", f"{decode:,.0f} tokens/s", _duration(_TOKENS / decode)),
        ("prior scores what was written, in whole strings", f"{score:,.0f} tokens/s", _duration(_TOKENS / score)),
        ("30 adaptors, V = 32,000, one core", f"{1 / narrow:,.0f} tokens/s", _duration(_TOKENS * narrow)),
        (f"30 adaptors, V = {WIDE:,}, one core", f"{1 / wide:,.0f} tokens/s", _duration(_TOKENS * wide)),
    ]
    return [
        "## A run on a pair of 70 billion parameters",
        "",
        f"1,000 prompts, 16 strings for each of {_SETTINGS} settings, 100 tokens a string: {_TOKENS:,} tokens. Both "
        f"models in bfloat16 are {quantity(2 * weights, 'B')} of weights, on {_GPUS} GPUs of "
        f"{quantity(_GPU_BYTES, 'B/s')} and {quantity(_GPU_FLOPS, 'flop/s')} (the data sheet of NVIDIA's H100 SXM, "
        f"dense bfloat16; not measured here, and reached in full by no program), {_BATCH} strings side by side:",
        "",
        markdown_table(("step", "at most", "the run takes at least"), rows),
        "",
        f"So the adaptors of a 70B pair with V = {WIDE:,} want {wide * decode:,.0f} cores beside the GPUs to keep up; "
        f"with V = 32,000, {narrow * decode:,.0f}. They are asked in batches of many tokens and independent of one "
        "another, so that cores divide the time; the rates are of batches of 64 rows. A GPU could sort as well; the "
        "code for it is not written. The "
        f"store takes {stored} bytes a token before compression, {quantity(stored * _TOKENS, 'B')} in all. A model "
        "that one device does not hold is placed on several by accelerate; that path was not tried here.",
        "",
    ]


def _duration(value: float) -> str:
    for unit, length in (("years", _YEAR), ("days", 86_400), ("hours", 3600), ("minutes", 60)):
        if value >= 1.5 * length:
            return f"{value / length:.1f} {unit}"
    return f"{value:.0f} s"


__all__ = ["benchmarks_page", "quantity", "ratio_text", "scaling_page"]
