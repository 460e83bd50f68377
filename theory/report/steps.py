"""How the share of random models that trade depends on the generator: the step of the reward, the number of strings."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from theory.report.markdown import markdown_table
from theory.report.records import LabelledShare, Share, SweepRecord


def steps_table(record: SweepRecord) -> str:
    """A table of shares by step and number of strings, and a sentence that says what of it changes with the step.

    Args:
        record: of a sweep whose models draw their step. A column is a label of ``by_strings``: models of so many
            strings, or of more up to the next label.

    Raises:
        ValueError: all models of the sweep have one step.
    """
    if not record.by_step_and_strings:
        raise ValueError(f"a sweep with several steps is needed, got one with step {record.sweep.step}")
    cells = {tuple(row.label.split(" ")): row for row in record.by_step_and_strings}
    steps, sizes = [row.label for row in record.by_step], [row.label for row in record.by_strings]
    rows = [[step, *(_cell(cells.get((step, size))) for size in sizes)] for step in steps]
    table = markdown_table(["reward step", *(f"{size} strings" for size in sizes)], rows)
    clauses = [
        f"With {size} strings: " + _along([(step, cells[step, size]) for step in steps if (step, size) in cells])
        for size in sizes
    ]
    sentence = (
        f"Of the {record.trades.of:,} models of this generator with V > 0, a small cooling at T = 1 trades in "
        f"{_percent(record.trades.bounds[0])}. {'. '.join(clauses)}."
    )
    return f"{table}\n\n{sentence}"


def _along(shares: Sequence[tuple[str, LabelledShare]]) -> str:
    """What happens to a share along (step, share), the steps ascending.

    It rises or falls where each share does and the intervals of the first and the last have no point in common.
    """
    steps, values = [step for step, _ in shares], [share.bounds[0] for _, share in shares]
    bounds = [share.bounds for _, share in shares]
    if len(shares) == 1:
        return f"{_percent(values[0])} at step {steps[0]}"
    trend = f"{_percent(values[0])} at step {steps[0]}, {{}} to {_percent(values[-1])} at step {steps[-1]}"
    (_, first_low, first_high), (_, last_low, last_high) = bounds[0], bounds[-1]
    if first_high < last_low and all(before < after for before, after in pairwise(values)):
        return trend.format("rising")
    if last_high < first_low and all(before > after for before, after in pairwise(values)):
        return trend.format("falling")
    least, most = (choose(zip(values, steps, strict=True)) for choose in (min, max))
    between = f"{_percent(least[0])} (step {least[1]}) to {_percent(most[0])} (step {most[1]})"
    if max(low for _, low, _ in bounds) <= min(high for _, _, high in bounds):
        return f"{between}, and the intervals of all steps overlap"
    return f"{between}, and the intervals show no trend"


def _cell(share: Share | None) -> str:
    """The value in per cent with its interval; nothing where there is no such model."""
    if share is None:
        return ""
    value, low, high = share.bounds
    return f"{_percent(value)} [{100 * low:.1f}, {100 * high:.1f}]"


def _percent(value: float) -> str:
    return f"{100 * value:.1f} %"


__all__ = ["steps_table"]
