"""What the numbers were measured on, and how fast its memory, arithmetic, sorting and interpreter are."""

from __future__ import annotations

import functools
import os
import platform
from importlib import metadata
from pathlib import Path

import numpy as np

from simulations.bench.timing import Work, seconds
from theory.report.records import Machine, Rates

PACKAGES = (
    "numpy",
    "scipy",
    "python-flint",
    "numba",
    "jax",
    "pynini",
    "stormpy",
    "torch",
    "transformers",
    "pandas",
)


def description() -> Machine:
    """Processor, cores, memory, system, Python."""
    return Machine(
        processor=_processor(),
        cores=str(os.cpu_count()),
        memory=f"{memory() / 2**30:.0f} GiB",
        system=f"{platform.system()} {platform.release().split('-')[0]}",
        python=platform.python_version(),
    )


def _processor() -> str:
    """The processor's name, with its family and model where the name is short."""
    fields: dict[str, str] = {}
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            name, _, value = line.partition(":")
            fields.setdefault(name.strip(), value.strip())
    except OSError:
        return platform.processor() or platform.machine()
    wide = "AVX-512" if "avx512f" in fields.get("flags", "").split() else "no AVX-512"
    model = f"family {fields.get('cpu family', '?')}, model {fields.get('model', '?')}"
    return f"{fields.get('model name', platform.machine())} ({model}, {wide})"


def memory() -> int:
    """Bytes of main memory."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def versions() -> dict[str, str]:
    """Of what is installed here among the packages that matter."""
    found = {}
    for name in PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


@functools.lru_cache(maxsize=1)
def bytes_per_second() -> float:
    """Reading main memory on one core: the dot product of two arrays of 256 MiB."""
    one, two = np.ones(1 << 25), np.ones(1 << 25)
    return (one.nbytes + two.nbytes) / _best(lambda: float(one @ two))


@functools.lru_cache(maxsize=1)
def uniforms_per_second() -> float:
    """Uniform doubles of numpy's default generator."""
    rng = np.random.default_rng(0)
    return (1 << 16) / _best(lambda: rng.random(1 << 16), 50)


@functools.lru_cache(maxsize=1)
def exponentials_per_second() -> float:
    """numpy's float64 exponential, in cache."""
    values = np.linspace(-1, 1, 1 << 12)
    out = np.empty_like(values)
    return (1 << 12) / _best(lambda: np.exp(values, out=out), 200)


@functools.lru_cache(maxsize=1)
def word_products_per_second() -> float:
    """Products of 64-bit integers, in cache."""
    values = np.arange(1, 1 + (1 << 12), dtype=np.uint64)
    out = np.empty_like(values)
    return (1 << 12) / _best(lambda: np.multiply(values, values, out=out), 200)


@functools.lru_cache(maxsize=1)
def float32_flops_per_second() -> float:
    """Multiplications and additions of a float32 matrix product, 32 x 1,024 x 8,192, on the threads allowed."""
    rng = np.random.default_rng(0)
    left, right = (rng.random(shape, dtype=np.float32) for shape in ((32, 1024), (1024, 8192)))
    return 2 * 32 * 1024 * 8192 / _best(lambda: left @ right, 20)


@functools.lru_cache(maxsize=1)
def sorted_per_second() -> float:
    """Numbers sorted by numpy: 32 rows of 32,000 float32, which some processors sort with vector instructions."""
    rows = np.random.default_rng(0).random((32, 32_000), dtype=np.float32)
    return rows.size / _best(lambda: np.sort(rows, axis=1))


@functools.lru_cache(maxsize=1)
def python_steps_per_second() -> float:
    """Rounds of a loop in plain Python that adds and looks into a dictionary: it branches and follows pointers."""
    table = {k: k + 1 for k in range(1000)}

    def loop() -> int:
        total = 0
        for k in range(20_000):
            total += table[k % 1000]
        return total

    return 20_000 / _best(loop, 20)


def _best(work: Work, rounds: int = 7) -> float:
    return min(seconds(work) for _ in range(rounds))


def rates() -> Rates:
    """All of them."""
    return Rates(
        bytes_per_second=bytes_per_second(),
        uniforms_per_second=uniforms_per_second(),
        exponentials_per_second=exponentials_per_second(),
        word_products_per_second=word_products_per_second(),
        float32_flops_per_second=float32_flops_per_second(),
        sorted_per_second=sorted_per_second(),
        python_steps_per_second=python_steps_per_second(),
    )


__all__ = [
    "bytes_per_second",
    "description",
    "exponentials_per_second",
    "float32_flops_per_second",
    "memory",
    "python_steps_per_second",
    "rates",
    "sorted_per_second",
    "uniforms_per_second",
    "versions",
    "word_products_per_second",
]
