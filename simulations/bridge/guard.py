"""Numbers of an analysis that say nothing are taken back, each with its reason: what is infinite, and what is rounding.

R is the difference of two log-probabilities that were computed by different passes. Where R hardly varies by more than
those passes round, its correlations are those of rounding; where L + I = -R is rounding, b = -1 whatever the models.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

import numpy as np

from simulations.arrays import Floats
from simulations.estimation.intervals import NOTHING
from simulations.estimation.prompts import Prompts
from simulations.estimation.strings import Strings, secret
from theory.report.records import CoolingStep, Estimate, PairAnalysis, PooledSettings, Rounding, SettingEstimates

SHARE = 3.0
"""A deviation of so many roundings is the least that is read: rounding is then a tenth of the variance."""


def guarded(found: PairAnalysis, strings: Strings, rounding: Rounding | None, *, same: bool) -> PairAnalysis:
    """The analysis without the numbers that are infinite or rounding.

    Args:
        found: as it was estimated.
        strings: that it is of.
        rounding: of the models' arithmetic, of strings of full length; None where it is not known.
        same: whether prior and aligned model are one and the same: R = 0 exactly.
    """
    size = np.inf if same else _secret_rounding(strings, rounding)
    dtype = rounding.dtype if rounding is not None else found.run.dtype
    settings, reasons = [], list(_infinite(strings, found))
    for number, own in enumerate(found.settings):
        kept, gone = _setting(own, strings.of(strings.setting == number), size)
        settings.append(kept)
        if gone and not same:
            reasons.append(f"setting {number + 1}: {', '.join(gone)}: below the rounding of {dtype}")
    if not same and strings.setting.size == len(np.unique([strings.setting, strings.prompt], axis=1).T):
        reasons.append(
            "no prompt has two strings in a setting: b, the correlations within prompts and the verdicts on a small "
            "cooling need several strings of each"
        )
    if same:
        reasons.append("prior and aligned are one model: R = 0, so correlations, b and verdicts do not exist")
    base = next((own for own, steps in zip(settings, found.run.chains, strict=True) if not steps), None)
    void = base is not None and base.exchange_coefficient.value is None
    high = None if base is None else base.mean_reward.high
    foreign = not same and high is not None and high < -SHARE * size
    if foreign:
        reasons.append(
            "E log p+/p of the strings without an adaptor is below 0, which draws from the aligned model cannot give: "
            "these strings were not drawn from it, and there are no verdicts"
        )
        settings = [_without_verdicts(own) for own in settings]
    cooling = tuple(_cooled(step, size) for step in found.cooling)
    if foreign:
        cooling = tuple(_without_verdicts(step) for step in cooling)
    plain = next((step for step in cooling if not step.behind and step.warm == 1), None)
    still = _small(secret(strings), strings, size) or (plain is not None and _inside(plain.mean_reward, size))
    return replace(
        found,
        settings=tuple(settings),
        pooled=_pooled(found.pooled, strings, size),
        cooling=cooling,
        trades=None if void or foreign else found.trades,
        trades_locally=None if still or foreign else found.trades_locally,
        exchange_slope=None if void else found.exchange_slope,
        rounding=rounding,
        notes=(*found.notes, *reasons),
    )


Judged = TypeVar("Judged", SettingEstimates, CoolingStep)


def _without_verdicts(own: Judged) -> Judged:
    """The same with no named reward's verdict."""
    return replace(own, rewards={name: replace(one, trades="undecided") for name, one in own.rewards.items()})


def _secret_rounding(strings: Strings, rounding: Rounding | None) -> float:
    """Of R of a string of mean length: rounding of many tokens adds up like their square root."""
    if rounding is None:
        return 0.0
    share = float(strings.length.mean()) / rounding.length
    return rounding.secret_reward * float(np.sqrt(min(share, 1.0)))


def _infinite(strings: Strings, found: PairAnalysis) -> list[str]:
    gone = ~np.isfinite(strings.log_prior)
    if not gone.any():
        return []
    settings = len(np.unique(strings.setting[gone]))
    return [
        f"{int(gone.sum())} of {len(strings)} strings, in {settings} of {len(found.settings)} settings, have "
        "probability 0 under the prior: L = -inf and R = +inf, so E L, E R, b and the correlations do not exist there"
    ]


def _setting(own: SettingEstimates, strings: Strings, size: float) -> tuple[SettingEstimates, list[str]]:
    """(the estimates that say something, the names of the others)."""
    l, r, i = strings.log_prior, secret(strings), -strings.log_aligned
    within = _small(r, strings, size) or _small(l, strings, size)
    over_all = min(_spread(r), _spread(l)) <= SHARE * size
    border = _on_a_border(own.exchange_coefficient, _within(i, strings), size)
    kept = replace(
        own,
        impossible=int((~np.isfinite(l)).sum()),
        within_correlation=_taken(own.within_correlation, within),
        identification=None if within else own.identification,
        correlation=_taken(own.correlation, over_all),
        spearman=_taken(own.spearman, over_all),
        exchange_coefficient=_taken(own.exchange_coefficient, border or _small(i, strings, size)),
    )
    names = ("within_correlation", "identification", "correlation", "spearman", "exchange_coefficient")
    return kept, [name for name in names if getattr(kept, name) != getattr(own, name)]


def _taken(own: Estimate, gone: bool) -> Estimate:
    """The estimate, or nothing where it is rounding; one that is none keeps its reason."""
    return NOTHING if gone and own.value is not None else own


def _within(values: Floats, strings: Strings) -> float:
    """The deviation within prompts; infinite where a value is."""
    if not np.isfinite(values).all():
        return np.inf
    prompts = Prompts.of(strings)
    free = len(values) - len(prompts)
    return float(np.sqrt((prompts.centred(values) ** 2).sum() / max(free, 1)))


def _small(values: Floats, strings: Strings, size: float) -> bool:
    return bool(size > 0 and _within(values, strings) <= SHARE * size)


def _spread(values: Floats) -> float:
    """The deviation over all strings; infinite where a value is, and never 0, which rounding alone is not."""
    return float(values.std()) or np.finfo(float).tiny if np.isfinite(values).all() else np.inf


def _on_a_border(b: Estimate, spread: float, size: float) -> bool:
    """Whether the interval of b cannot be told from -1 or from 0, where the verdict turns."""
    if b.value is None or size == 0 or not spread > 0:
        return False
    low, high = (b.value if end is None else end for end in (b.low, b.high))
    radius = SHARE * size / spread
    return any(border - radius <= low and high <= border + radius for border in (-1, 0))


def _inside(change: Estimate, size: float) -> bool:
    """Whether a change is rounding: its whole interval lies within it."""
    if change.value is None or size == 0:
        return False
    low, high = (change.value if end is None else end for end in (change.low, change.high))
    return -SHARE * size <= low and high <= SHARE * size


def _cooled(step: CoolingStep, size: float) -> CoolingStep:
    still = _inside(step.mean_reward, size) or _inside(step.mean_log_prior, size)
    return replace(step, slope=NOTHING) if still else step


def _pooled(own: PooledSettings, strings: Strings, size: float) -> PooledSettings:
    l, r = strings.log_prior, secret(strings)
    if min(_spread(l), _spread(r)) <= SHARE * size:
        own = replace(own, correlation=NOTHING, spearman=NOTHING)
    if _small(r, strings, size) or _small(l, strings, size):
        nothing = dict.fromkeys(own.corpora, NOTHING)
        own = replace(own, within_cov=None, between_cov=None, crossing=None, corpora=nothing)
    return own


__all__ = ["SHARE", "guarded"]
