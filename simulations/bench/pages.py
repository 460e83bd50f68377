"""docs/benchmarks.md and docs/scaling.md, written from the record of ``probqual bench``."""

from __future__ import annotations

from collections.abc import Sequence

from simulations.bench.catalogue import REGRESSION, predicted
from simulations.bench.projection import WIDE
from simulations.bench.timing import EXPONENTIALS, FLOPS, MEMORY, PYTHON, SORTING, UNIFORMS, WORDS
from theory.report.markdown import markdown_table
from theory.report.records import BenchRecord, BenchRow, CommandRecord, CommandRow, Growth, SweepRates


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


def benchmarks_page(record: BenchRecord, earlier: BenchRecord, commands: CommandRecord) -> str:
    """The table of ratios, what stops us, whole commands, how cost grows, and what the record before had."""
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
        f"{quantity(rates.float32_flops_per_second, 'flop/s')} in float32, "
        f"{quantity(rates.sorted_per_second, 'numbers/s')} sorted in rows of 32,000 float32, "
        f"{quantity(rates.python_steps_per_second, 'steps/s')} of a loop in plain Python. Versions: "
        + ", ".join(f"{name} {version}" for name, version in record.versions.items())
        + ".",
        "",
        _ratios(record.rows),
        "",
        *_shortfalls(record.rows),
        "The limit is what cannot be left out at the rates above; *of it* says how many times as long ours takes. "
        "Where that is far above 1, the time goes into something else: error bounds, special functions, Python. Below "
        "1 the data lay in the processor's cache.",
        "",
        "*leans on* names the rate above that most of our time depends on, and of the peer's. `probqual bench "
        "--verify` measures again, the rates of its machine included, and predicts each ratio: the recorded one times "
        "the change of our rate over the change of the peer's. It fails where a median ratio is below "
        f"{REGRESSION} of the predicted one.",
        "",
        *_commands(commands),
        "## How cost grows",
        "",
        "Each size in a process of its own, up to the last that takes less than about 20 s a call and about half of "
        "the memory. The exponents are least-squares slopes in logarithms over the last three sizes; memory is "
        "what the process grew by, inputs included. Where memory is flat, what is loaded once outweighs the work: "
        "numba's compiler, about 50 MB, or a model.",
        "",
        _growth(record.growth),
        "",
        "![How time and memory grow with size](../figures/scaling.png)",
        "",
        "## The run before",
        "",
        f"Measured on {earlier.measured or 'an earlier day'} on {earlier.machine.processor}, {earlier.machine.cores} "
        f"cores; the tables above on {record.measured or 'a later day'}. *Predicted* is the earlier ratio times the "
        "change of the rates that both sides lean on, as for `--verify`. A row is faster than predicted where the code "
        "became faster, and slower or faster by what two runs differ; the last column is the ratio now over the one "
        "predicted.",
        "",
        _two_runs(record, earlier),
    ]
    return "\n".join(lines) + "\n"


_RATES = {
    MEMORY: "memory",
    UNIFORMS: "uniforms",
    EXPONENTIALS: "exponentials",
    WORDS: "products of words",
    FLOPS: "flops",
    SORTING: "sorting",
    PYTHON: "plain Python",
}


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
                f"{round(row.aim, 2):,g}",
                "met" if row.met else "**not met**",
                quantity(row.ours.median, "s"),
                quantity(row.theirs.median, "s"),
                " / ".join(_RATES[name] for name in row.leans),
                bound,
                times,
            )
        )
    head = ("work", "peer", "times faster", "aim", "", "ours", "peer's", "leans on", "physical limit", "of it")
    return markdown_table(head, cells)


def _commands(record: CommandRecord) -> list[str]:
    """Whole commands, against what they import or against the build of an earlier commit."""
    cells = []
    for row in record.rows:
        ratio = row.ratio
        cells.append(
            (
                row.work,
                row.peer,
                f"{ratio_text(ratio.median)} [{ratio_text(ratio.low)}, {ratio_text(ratio.high)}]",
                f"{round(row.aim, 2):,g}" + ("" if row.peak_aim is None else f", memory <= {row.peak_aim:g}"),
                "met" if row.met else "**not met**",
                quantity(row.ours.median, "s"),
                quantity(row.theirs.median, "s"),
                quantity(row.our_peak.median, "B"),
                quantity(row.their_peak.median, "B"),
            )
        )
    head = ("work", "peer", "times faster", "aim", "", "ours", "peer's", "our memory", "peer's")
    return [
        "## Whole commands",
        "",
        f"Written by `probqual bench --against {record.against}` on {record.measured}, on {record.machine.processor}, "
        f"{record.machine.cores} cores: each side by turns in a process of its own, whose CPU seconds are counted, its "
        "children's included, and the most memory that one process held. Numerical libraries have one thread. The "
        "answers of both builds, and with and without [corpus], are compared before they are timed; imports alone "
        "answer nothing. *The build of the earlier commit* is "
        f"{record.against} of {record.committed}, run with the same packages. Rows that say *one call* time a function "
        "in such a process, without its start.",
        "",
        markdown_table(head, cells),
        "",
        *_shortfalls(record.rows),
    ]


def _two_runs(record: BenchRecord, earlier: BenchRecord) -> str:
    """The rows that both records have."""
    before, cells = {row.name: row for row in earlier.rows}, []
    for row in record.rows:
        if row.name in before:
            own = before[row.name]
            expected = predicted(own, earlier.rates, record.rates)
            numbers = (own.ratio.median, expected, row.ratio.median, row.ratio.median / expected)
            cells.append((row.name, *map(ratio_text, numbers)))
    return markdown_table(("row", "times faster then", "predicted for now", "now", "now / predicted"), cells)


def _shortfalls(rows: Sequence[BenchRow | CommandRow]) -> list[str]:
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
    return "" if value is None else f"{value:z.2f}"


# --- docs/scaling.md -----------------------------------------------------------------------------------------------

_MODELS = 10**9
_PARAMETERS = 70e9
_TOKENS = 1000 * 16 * 32 * 100
_SETTINGS = 32
_BATCH = 256
_GPUS = 8
_GPU_BYTES, _GPU_FLOPS = 3.35e12, 989e12
_STORED = 110
"""Bytes of the store a token, as the page says where from."""

_ROWS = 64
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
    narrow, wide = rate["32000"], rate[str(WIDE)]
    return [*_pair(), *_route(), *_scored(narrow, wide), *_kept(wide)]


def _pair() -> list[str]:
    weights = 2 * _PARAMETERS
    rows = [
        ("two models in bfloat16", quantity(2 * weights, "B"), 'main memory, `device = "cpu"`'),
        ("a base in bfloat16 and an adapter on it", quantity(weights, "B"), "one device of 192 GB"),
        ("the same in float32", quantity(2 * weights, "B"), "main memory"),
    ]
    return [
        "## A run on a pair of 70 billion parameters",
        "",
        f"1,000 prompts, 16 strings for each of {_SETTINGS} settings, 100 tokens a string: {_TOKENS:,} tokens in "
        f"{_TOKENS // 100:,} strings. A model stands on one device: this project does not split one over several, so "
        "that a device of 80 GB holds none of these. Weights alone, 2 or 4 bytes a parameter:",
        "",
        markdown_table(("what a process loads", "weights", "fits on"), rows),
        "",
        'So the aligned model is best an adapter on the prior, `aligned = {adapter = "folder"}`, and the strings are '
        "written by an engine that does split models.",
        "",
    ]


def _route() -> list[str]:
    step = 2 * _PARAMETERS / (_GPUS * _GPU_BYTES)
    decode, cache = _BATCH / step, 2 * 80 * 8 * 128 * 2
    return [
        "### vLLM writes, `score` reads",
        "",
        f"vLLM writes with the aligned model on {_GPUS} GPUs. On paper: each of {quantity(_GPU_BYTES, 'B/s')} (the "
        f"data sheet of NVIDIA's H100 SXM, not measured here), weights read once a step, {_BATCH} strings side by "
        f"side: at most {decode:,.0f} tokens a second, {_duration(_TOKENS / decode)} for the run. The cache of a "
        "Llama 3 of this size (80 layers, 8 heads of keys and values, 128 wide, by its config.json) is "
        f"{cache:,} bytes a token, {quantity(_BATCH * 200 * cache, 'B')} for {_BATCH} strings of 200 tokens, prompts "
        "counted.",
        "",
        "The settings of the run file stand in vLLM's own names, and each string says which one drew it:",
        "",
        "    [[adaptor]]",
        '    engine = "vllm"',
        '    settings = {temperature = "0.8", top_p = "0.95"}',
        "",
        'A row of completions.jsonl is `{"prompt_ids": [...], "completion_ids": [...], "finish": "stop", '
        '"setting": 0}`, '
        "from `prompt_token_ids`, `token_ids` and `finish_reason` of vLLM's output; with one setting alone its "
        "RequestOutput is read as it is ([your own strings](bring.md)). Then, on a cluster each of whose workers has "
        "one thread and a device that holds the models:",
        "",
        "    probqual score run.toml completions.jsonl --backend dask --address tcp://scheduler:8786",
        "    probqual analyse runs/pair",
        "",
    ]


def _scored(narrow: float, wide: float) -> list[str]:
    pass_ = 2 * 2 * _PARAMETERS / _GPU_FLOPS
    rows = [
        (f"{workers:,}", *(_duration(_TOKENS * (pass_ + asked) / workers) for asked in (narrow, wide)))
        for workers in (1, 4, 16, 64)
    ]
    return [
        f"A token costs a worker two forward passes, {quantity(pass_, 's')} at {quantity(_GPU_FLOPS, 'flop/s')} (dense "
        "bfloat16 of the same data sheet, reached in full by no program), and the adaptors on one core. Thirty of them "
        f"were measured by `probqual bench`, in batches of {_ROWS} rows: {quantity(narrow, 's')} at V = 32,000, "
        f"{quantity(wide, 's')} at V = {WIDE:,}. A worker does one after the other, and shards are independent, so the "
        "run takes at least",
        "",
        markdown_table(("workers", "V = 32,000", f"V = {WIDE:,}"), rows),
        "",
        f"At V = {WIDE:,} the adaptors take {wide / (pass_ + wide):.0%} of it. A GPU could sort as well; the code for "
        "it is not written.",
        "",
    ]


def _kept(wide: float) -> list[str]:
    shard = 128 * 100
    pass_ = 2 * 2 * _PARAMETERS / _GPU_FLOPS
    return [
        "### Memory, disk, and what a lost worker costs",
        "",
        f"- The store takes {_STORED} bytes a token with {_SETTINGS} settings (`probqual sample examples/default.toml "
        "--output runs/default`, the bytes of runs/default/shards over its 313,856 tokens): "
        f"{quantity(_STORED * _TOKENS, 'B')} in {_TOKENS // shard:,} shards of {quantity(_STORED * shard, 'B')}, 128 "
        "strings each. Small shards cost more: of 4 strings of 31 tokens 140 bytes a token were measured.",
        f"- A worker that is killed costs the shard that it was making, {_duration(shard * (pass_ + wide))} of work at "
        "most, and the one that takes its place loads the models.",
        "- The command's own process loads no model. It and every worker read the file of strings whole: an id is an "
        f"integer of Python, 28 bytes and 8 for its place, {quantity(36 * _TOKENS, 'B')} for all.",
        "- `analyse` reads shard by shard and keeps sums, two numbers a string and setting. Measured: 102,400 strings "
        "of 32 settings, 2,458,541 tokens (`python -m simulations.bench.stored runs/stored 200 16 32`, then `probqual "
        "analyse runs/stored`) take 6.7 s of one core and 319 MiB. If time grows with tokens and the sums with "
        f"strings, this run takes {_duration(6.7 * _TOKENS / 2_458_541)} and "
        f"{quantity(_TOKENS // 100 * _SETTINGS * 16, 'B')} of sums beside the libraries.",
        "",
    ]


def _duration(value: float) -> str:
    for unit, length in (("years", _YEAR), ("days", 86_400), ("hours", 3600), ("minutes", 60)):
        if value >= 1.5 * length:
            return f"{value / length:.1f} {unit}"
    return f"{value:.0f} s"


__all__ = ["benchmarks_page", "quantity", "ratio_text", "scaling_page"]
