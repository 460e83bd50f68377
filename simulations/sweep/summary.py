"""What a finished sweep says: shares of models with 95 % intervals, and which hypothesis each change of sign needs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from scipy.stats import beta as beta_law

from simulations.bridge.store import Store
from simulations.sweep.key import sweep_key
from simulations.sweep.measure import UNDECIDED
from theory.adaptors.exact import chain
from theory.report.records import AdaptorDirections, ClaimOutcomes, LabelledShare, Share, SignTurn, SweepRecord
from theory.specification.reader import Number

LEVEL = 0.95

_BINS = np.linspace(-1, 1, 11)

TURNS = (
    ("once", "sign_once", "sign_strings", "strings counted once each, not under p+", "correlation.measure"),
    (
        "typical",
        "sign_strings",
        "sign_typical",
        "only typical corpora kept, in the limit of large N",
        "correlation.typical",
    ),
    ("mixed", "sign_mixed_strings", "sign_mixed", "each corpus from one of three temperatures", "simpson.crossing"),
    (
        "chain",
        "sign_strings",
        "sign_chain",
        "corpora are states of a Metropolis chain from the prior",
        "metropolis.corpora",
    ),
)
"""(name, the sign of strings, the sign of corpora, the hypothesis that is dropped, the claim that says so)."""


@dataclass(frozen=True, slots=True)
class _Model:
    """What of one model its label depends on."""

    strings: int
    beta: str
    correlation_prior: float | None
    trades: str
    step: str | None


def summarise(store: Store) -> SweepRecord:
    """The numbers of a finished sweep.

    Raises:
        StoreError: a shard is missing or damaged, or key.json is.
    """
    sweep = sweep_key(store).sweep
    table = pa.concat_tables([store.read(shard) for shard in range(store.shards)])
    trades = _texts(table, "trades")
    decided = [word for word in trades if word != "still"]
    named = ("strings", "beta", "correlation_prior", "trades")
    steps = _texts(table, "step") if "step" in table.column_names else [None] * table.num_rows
    models = [_Model(*values) for values in zip(*(table[name].to_pylist() for name in named), steps, strict=True)]
    claims = [name for name in table.column_names if name.startswith("claim ")]
    return SweepRecord(
        key=store.key,
        sweep=sweep,
        models=table.num_rows,
        strings=int(pc.sum(table["strings"]).as_py()),
        level=LEVEL,
        undecided=trades.count(UNDECIDED),
        still=len(trades) - len(decided),
        trades=share(word == "yes" for word in decided),
        by_strings=_by(models, _strings_label),
        by_beta=_by(models, lambda model: model.beta),
        by_correlation=_by(models, _correlation_label),
        by_beta_and_correlation=_by(models, lambda model: _joined(model.beta, _correlation_label(model))),
        by_step=_by(models, lambda model: model.step),
        by_step_and_strings=_by(models, lambda model: _joined(model.step, _strings_label(model))),
        negative_covariance=_negative(trades, _signs(table, "sign_strings")),
        turns=tuple(_turn(table, *turn) for turn in TURNS),
        adaptors=tuple(_adaptor(_texts(table, f"adaptor_{k}"), *entry) for k, entry in enumerate(sweep.adaptors)),
        claims=tuple(_claim(name.removeprefix("claim "), _texts(table, name)) for name in claims),
        witnesses=_witnesses(table, claims),
    )


def _texts(table: pa.Table, name: str) -> list[str]:
    found: list[str] = table[name].to_pylist()
    return found


def _witnesses(table: pa.Table, claims: Sequence[str]) -> tuple[str, ...]:
    """Models on which a claim fails, the first few, and after them those on which one is undecided."""
    fails = np.zeros(table.num_rows, dtype=bool)
    for name in claims:
        fails |= np.array(_texts(table, name)) == "fails"
    found = [(not fails[k], k, text) for k, text in enumerate(table["witness"].to_pylist()) if text is not None]
    return tuple(text for *_, text in sorted(found)[:3])


def _signs(table: pa.Table, name: str) -> list[int | None]:
    found: list[int | None] = table[name].to_pylist()
    return found


def share(events: Iterable[bool]) -> Share:
    """How often something happened, with the Clopper-Pearson interval of its probability.

    >>> share([True, False, False]).count
    1
    """
    seen = list(events)
    n, k = len(seen), sum(seen)
    if n == 0:
        return Share(count=0, of=0, value=None, low=None, high=None)
    outside = (1 - LEVEL) / 2
    low = 0.0 if k == 0 else float(beta_law.ppf(outside, k, n - k + 1))
    high = 1.0 if k == n else float(beta_law.ppf(1 - outside, k + 1, n - k))
    return Share(count=k, of=n, value=k / n, low=low, high=high)


def _by(models: Sequence[_Model], label: Callable[[_Model], str | None]) -> tuple[LabelledShare, ...]:
    """The share that trades among the models of each label that is not None."""
    found: dict[str, list[bool]] = {}
    for model in models:
        name = label(model)
        if name is not None and model.trades in {"yes", "no"}:
            found.setdefault(name, []).append(model.trades == "yes")
    return tuple(LabelledShare(label=name, **asdict(share(found[name]))) for name in sorted(found, key=_order))


def _order(label: str) -> tuple[float, ...]:
    """Labels are numbers, or several of them."""
    return tuple(_fraction(part) for part in label.split(" "))


def _fraction(text: str) -> float:
    above, _, below = text.partition("/")
    return float(above) / float(below or 1)


_EDGES = (2, 3, 4, 6, 8, 12, 16, 24, 32, 64, 128, 256, 1024, 1 << 16)


def _strings_label(model: _Model) -> str:
    """The largest of some sizes that is not above the model's."""
    return str(max((edge for edge in _EDGES if edge <= model.strings), default=1))


def _correlation_label(model: _Model) -> str | None:
    """The middle of the bin of Corr_p(L, R)."""
    value = model.correlation_prior
    if value is None:
        return None
    index = min(int(np.searchsorted(_BINS, value, side="right")) - 1, len(_BINS) - 2)
    return f"{(_BINS[index] + _BINS[index + 1]) / 2:.1f}"


def _joined(first: str | None, second: str | None) -> str | None:
    return None if first is None or second is None else f"{first} {second}"


def _negative(trades: Sequence[str], signs: Sequence[int | None]) -> Share:
    """How often temperature trades among models whose strings have a negative covariance under p+."""
    pairs = zip(trades, signs, strict=True)
    return share(trade == "yes" for trade, sign in pairs if sign == -1 and trade in {"yes", "no"})


def _turn(table: pa.Table, name: str, strings: str, corpora: str, dropped: str, claim: str) -> SignTurn:
    """How often the sign of corpora is not that of strings where one hypothesis is dropped; both signs must be sure."""
    both = zip(_signs(table, strings), _signs(table, corpora), strict=True)
    pairs = [(s, c) for s, c in both if s in {-1, 1} and c in {-1, 1}]
    return SignTurn(
        name=name,
        dropped=dropped,
        claim=claim,
        turns=share(s != c for s, c in pairs),
        from_positive=share(c == -1 for s, c in pairs if s == 1),
        from_negative=share(c == 1 for s, c in pairs if s == -1),
    )


def _adaptor(
    directions: Sequence[str], name: str | tuple[str, ...], value: Number | tuple[Number, ...], normalise: str
) -> AdaptorDirections:
    names = (name,) if isinstance(name, str) else name
    values = value if isinstance(value, tuple) else (value,)
    moved = [d for d in directions if d not in {"same", "one stays", UNDECIDED}]
    return AdaptorDirections(
        adaptor=str(chain(*zip(names, values, strict=True))),
        normalise=normalise,
        counts={word: directions.count(word) for word in sorted(set(directions))},
        trades=share(d.startswith("trades") for d in moved),
        lowers_both=share(d == "lowers both" for d in moved),
    )


def _claim(name: str, outcomes: Sequence[str]) -> ClaimOutcomes:
    holds, silent, undecided, fails = (outcomes.count(word) for word in ("holds", "silent", UNDECIDED, "fails"))
    return ClaimOutcomes(id=name, holds=holds, silent=silent, undecided=undecided, fails=fails)


__all__ = ["LEVEL", "TURNS", "share", "summarise"]
