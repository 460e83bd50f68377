"""Samples whose empirical law is a law of small integers, and what mixtures say of that law exactly."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from flint import fmpq

from simulations.estimation.strings import Strings
from theory.arithmetic.exact import objects
from theory.corpora.mixtures import Joint, Mixture

Cell = Sequence[tuple[int, fmpq, fmpq]]
"""(weight, L, I) of every string of one setting and prompt."""


def sample(cells: Mapping[tuple[int, int], Cell]) -> Strings:
    """Strings whose empirical law within each (setting, prompt) is proportional to the weights."""
    rows = [
        (setting, prompt, float(l), -float(i))
        for (setting, prompt), cell in cells.items()
        for weight, l, i in cell
        for _ in range(weight)
    ]
    setting, prompt, log_prior, log_aligned = (np.array(column) for column in zip(*rows, strict=True))
    return made(setting, prompt, log_prior, log_aligned)


def made(setting: Any, prompt: Any, log_prior: Any, log_aligned: Any, **others: Any) -> Strings:
    """Strings of one token, sampled from p+ without a reward, unless told otherwise."""
    size = len(setting)
    settings = int(np.max(setting)) + 1
    fields: dict[str, Any] = {
        "log_weight": np.tile(log_aligned, (settings, 1)),
        "log_normaliser": np.zeros((settings, size)),
        "reward": np.full(size, np.nan),
        "length": np.ones(size, dtype=np.int64),
        "ended": np.ones(size, dtype=bool),
    }
    return Strings(
        np.array(setting, dtype=np.int64),
        np.array(prompt, dtype=np.int64),
        np.array(log_prior, dtype=np.float64),
        np.array(log_aligned, dtype=np.float64),
        **(fields | others),
    )


def weighted(law: Mapping[int, Cell], points: Callable[[fmpq, fmpq], tuple[fmpq, fmpq]]) -> Mixture:
    """Prompts as parts, each as likely as it has strings; (L, I) of each string to a point."""
    totals = [fmpq(sum(w for w, *_ in cell)) for cell in law.values()]
    parts = [Joint.of([w for w, *_ in cell], [points(l, i) for _, l, i in cell]) for cell in law.values()]
    return Mixture(objects(t / sum(totals, start=fmpq(0)) for t in totals), tuple(parts))


def with_reward(l: fmpq, i: fmpq) -> tuple[fmpq, fmpq]:
    """(L, R): L + R + I = 0."""
    return l, -l - i


def with_surprisal(l: fmpq, i: fmpq) -> tuple[fmpq, fmpq]:
    """(L, I)."""
    return l, i


def one_setting(law: Mapping[int, Cell]) -> Strings:
    """The sample of a law, by setting 0."""
    return sample({(0, prompt): cell for prompt, cell in law.items()})


EXAMPLE: dict[int, Cell] = {
    x: [(w, fmpq(-l, 4), fmpq(i, 4)) for w, l, i in cell]
    for x, cell in enumerate(
        [
            [(1, 3, 1), (2, 5, 6), (1, 9, 7)],
            [(2, 1, 4), (2, 8, 2)],
            [(1, 7, 7), (1, 2, 3), (2, 4, 1)],
            [(3, 6, 8), (1, 1, 2)],
            [(2, 2, 9), (1, 5, 3), (1, 6, 6)],
        ]
    )
}
