"""The page on the sweep: how often, among random models of one generator, what the claims allow happens."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from theory.report.markdown import markdown_table, shown
from theory.report.records import AdaptorDirections, LabelledShare, Share, SignTurn, SweepRecord
from theory.report.steps import steps_table


def sweep_page(found: SweepRecord, steps: SweepRecord) -> str:
    """Shares of random models, from the committed record of ``probqual sweep``."""
    sweep = found.sweep
    failing = sum(claim.fails for claim in found.claims)
    unsure = sum(claim.undecided for claim in found.claims)
    sizes = found.by_strings
    ends = found.by_correlation
    lines = [
        "# Random models",
        "",
        f"`probqual sweep examples/sweep.toml`: {found.models:,} random models with {found.strings:,} strings in all. "
        f"They are tables, Zipf laws and trees, with beta in {', '.join(sweep.betas)}. Rewards follow the "
        "probabilities to a degree that is drawn for each model, from falling with them to rising with them. Verdicts "
        f"and signs are decided in balls. Shares have the {100 * found.level:.0f} % Clopper-Pearson interval of "
        "drawing such models. They describe this generator, not language models.",
        "",
        f"- {len(found.claims)} claims about every finite model were checked on each model on which their hypotheses "
        f"hold: {failing} failures, "
        f"{unsure} undecided.",
        f"- A small cooling at T = 1, globally normalised, trades to first order in {_share(found.trades)} of the "
        "models (adaptors.exchange).",
        f"- {_by_size(sizes)}: {_share(sizes[0])} with {sizes[0].label} strings, {_share(sizes[-1])} with "
        f"{sizes[-1].label} or more.",
        f"- By the correlation of L and R under the prior: {_share(ends[0])} near {ends[0].label}, "
        f"{_share(ends[-1])} near {ends[-1].label}.",
        f"- By beta, with the least at {_least(found.by_beta)}: "
        + ", ".join(f"{percent(row)} at {row.label}" for row in found.by_beta)
        + ".",
        "- A negative correlation of strings under p+ is not enough: among models that have it, a small cooling trades "
        f"in {_share(found.negative_covariance)}.",
        "- For independent strings from one law Corr(Lbar, Rbar) has the sign of Corr(L, R) at every N "
        "(correlation.iid). The table drops one hypothesis at a time and counts how often the sign then differs:",
        "",
        _turns(found.turns),
        "",
        f"Corpora have {sweep.corpus} strings; typical means |Ibar - H| < {sweep.band} sqrt(V/N). The covariance "
        "of a chain's corpora is computed in float64, and its sign is counted only if it exceeds rounding errors.",
        "",
        "What an adaptor does to E L and E R at its full setting, as numbers of models:",
        "",
        _adaptors(found.adaptors),
        "",
        "![sweep](../../figures/sweep.png)",
        "",
        "## The share depends on the generator",
        "",
        "How often a small cooling trades depends on how rewards are drawn and on the number of strings (`probqual "
        "sweep examples/sweep-steps.toml`).",
        "",
        steps_table(steps),
    ]
    return "\n".join(lines) + "\n"


def _turns(turns: Sequence[SignTurn]) -> str:
    rows = [
        (turn.dropped, *map(_share, (turn.turns, turn.from_positive, turn.from_negative)), turn.claim) for turn in turns
    ]
    return markdown_table(("instead", "sign differs", "where it was positive", "where it was negative", "claim"), rows)


def _adaptors(adaptors: Sequence[AdaptorDirections]) -> str:
    words = ("raises both", "trades L for R", "trades R for L", "lowers both")
    rows = []
    for own in adaptors:
        rows.append(
            (
                own.adaptor,
                own.normalise,
                _share(own.trades),
                *(f"{own.counts.get(word, 0):,}" for word in words),
            )
        )
    return markdown_table(("adaptor", "normalised", "trades, of those that move", *words), rows)


def _least(rows: Sequence[LabelledShare]) -> str:
    return min(rows, key=lambda row: row.value or 0.0).label


def percent(share: Share) -> str:
    """The value in per cent."""
    return shown(share.value and 100 * share.value, ".1f") + " %"


def _by_size(sizes: Sequence[LabelledShare]) -> str:
    falls = all((small.value or 0.0) > (large.value or 0.0) for small, large in pairwise(sizes))
    return "Less often the larger the model" if falls else "By size"


def _share(share: Share) -> str:
    """The value in per cent, with its interval where it shows at this precision."""
    low, high = (shown(end and 100 * end, ".1f") for end in (share.low, share.high))
    return f"{percent(share)} [{low}, {high}]"


__all__ = ["percent", "sweep_page"]
