"""One next-token law under a chain of adaptors by three routes: balls, float64, and the bridge's rows."""

from __future__ import annotations

import numpy as np
from flint import fmpq

from simulations.sampling.adaptors import Floats, log_sum, log_weights
from simulations.sampling.history import History
from simulations.sampling.sorted_rows import SortedRows, float32_log_weights, is_window
from theory.adaptors.applied import applied, weights_of
from theory.adaptors.exact import Chain, Row, chain
from theory.adaptors.rows import Before
from theory.arithmetic.exact import precision, to_float
from theory.arithmetic.formal import FormalSum


def row_of(weights: list[int], history: tuple[int, ...] = ()) -> Row:
    """The exact law proportional to positive integer weights, its tokens numbered from 0."""
    formal = [FormalSum.of(fmpq(w), fmpq(0)) for w in weights]
    before = Before(history, tuple(range(len(weights))))
    return Row(formal, [f.ball() for f in formal], fmpq(1), list(range(len(weights))), before)


def exact_law(weights: list[int], steps: Chain, history: tuple[int, ...] = ()) -> list[float]:
    """The normalised law after a chain, by balls; 0 where a token is cut."""
    with precision(128):
        found = weights_of(applied(row_of(weights, history), steps))
        total = sum(found[1:], start=found[0])
        return [to_float(w / total) for w in found]


def float_law(weights: list[int], steps: Chain, history: tuple[int, ...] = ()) -> Floats:
    """The same in float64."""
    weight = log_weights(log_law(weights), steps, past_of(history))
    result: Floats = np.exp(weight - log_sum(weight)[:, None])[0]
    return result


def log_law(weights: list[int]) -> Floats:
    """log p of one row."""
    result: Floats = np.log(np.array([weights], dtype=float) / sum(weights))
    return result


def past_of(history: tuple[int, ...]) -> History:
    """Tokens that were written after an empty prompt."""
    return History(np.zeros((1, 0), dtype=np.int64), np.array([history], dtype=np.int64).reshape(1, -1))


def bridge_law(weights: list[int], steps: Chain, wide: bool, history: tuple[int, ...] = ()) -> Floats:
    """What the bridge makes of the law: sorted rows where a chain keeps a window; ``wide`` for float64."""
    law = log_law(weights)
    if wide and is_window(steps):
        weight = SortedRows.of(law).dense(steps)
    else:
        weight = float32_log_weights(law if wide else law.astype(np.float32), steps, past_of(history))
    result: Floats = np.exp(weight - log_sum(weight)[:, None])[0]
    return result


def clear(weights: list[int], steps: Chain, history: tuple[int, ...] = ()) -> bool:
    """Whether no threshold is so near that a change of T by 1e-5 moves it; equal probabilities stay equal."""
    heated = (Chain((*chain(("temperature", t)), *steps)) for t in ("0.99999", "1.00001"))
    one, other = (float_law(weights, own, history) for own in heated)
    return bool(np.abs(one - other).max() < 1e-3)


def two_sided_tie(weights: list[int], steps: Chain) -> bool:
    """Whether two different probabilities are as far from the entropy on either side where a typical step decides."""
    place = next(k for k, step in enumerate(steps) if step.name == "typical")
    weight = log_weights(log_law(weights), steps[:place])[0]
    surprisal = log_sum(weight[None])[0] - weight[np.isfinite(weight)]
    entropy = (np.exp(-surprisal) * surprisal).sum()
    values = np.unique(surprisal.round(9))
    return len(values) > 1 and bool(np.diff(np.sort(np.abs(values - entropy))).min() < 1e-6)
