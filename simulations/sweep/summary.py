"""What a finished sweep says: shares of models with 95 % intervals, and which hypothesis each change of sign needs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from scipy.stats import beta as beta_law

from simulations.bridge.runs import describe
from simulations.bridge.store import Store
from simulations.sweep.measure import UNDECIDED
from theory.adaptors.exact import chain

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


def summarise(store: Store) -> dict[str, Any]:
    """The numbers of a finished sweep, as JSON.

    Raises:
        StoreError: a shard is missing or damaged.
    """
    table = pa.concat_tables([store.read(shard) for shard in range(store.shards)])
    sweep = store.configuration["sweep"]
    rows = {name: table[name].to_pylist() for name in table.column_names if name != "witness"}
    witnesses = [text for text in table["witness"].to_pylist() if text is not None]
    decided = [t for t in rows["trades"] if t != "still"]
    return {
        "key": store.key,
        "sweep": sweep,
        "models": table.num_rows,
        "strings": int(pc.sum(table["strings"]).as_py()),
        "level": LEVEL,
        "undecided": sum(t == UNDECIDED for t in rows["trades"]),
        "still": len(rows["trades"]) - len(decided),
        "trades": share(t == "yes" for t in decided),
        "by_strings": _by(rows, _strings_label),
        "by_beta": _by(rows, lambda row: row["beta"]),
        "by_correlation": _by(rows, _correlation_label),
        "by_beta_and_correlation": _by(rows, lambda row: _joined(row["beta"], _correlation_label(row))),
        "negative_covariance": _negative(rows),
        "turns": [_turn(rows, *turn) for turn in TURNS],
        "adaptors": [_adaptor(rows[f"adaptor_{k}"], entry) for k, entry in enumerate(sweep["adaptors"])],
        "claims": [_claim(name.removeprefix("claim "), rows[name]) for name in rows if name.startswith("claim ")],
        "witnesses": witnesses[:3],
    }


def share(events: Iterable[bool]) -> dict[str, Any]:
    """How often something happened, with the Clopper-Pearson interval of its probability.

    >>> share([True, False, False])["count"]
    1
    """
    seen = list(events)
    n, k = len(seen), sum(seen)
    if n == 0:
        return {"count": 0, "of": 0, "value": None, "low": None, "high": None}
    outside = (1 - LEVEL) / 2
    low = 0.0 if k == 0 else float(beta_law.ppf(outside, k, n - k + 1))
    high = 1.0 if k == n else float(beta_law.ppf(1 - outside, k + 1, n - k))
    return {"count": k, "of": n, "value": k / n, "low": low, "high": high}


Columns = dict[str, list[Any]]


def _each(rows: Columns) -> Iterator[dict[str, Any]]:
    for values in zip(*rows.values(), strict=True):
        yield dict(zip(rows, values, strict=True))


def _by(rows: Columns, label: Any) -> list[dict[str, Any]]:
    """The share that trades among the models of each label that is not None."""
    kept = {name: rows[name] for name in ("strings", "beta", "correlation_prior", "trades")}
    found: dict[str, list[bool]] = {}
    for row in _each(kept):
        name = label(row)
        if name is not None and row["trades"] in {"yes", "no"}:
            found.setdefault(name, []).append(row["trades"] == "yes")
    return [{"label": name} | share(found[name]) for name in sorted(found, key=_order)]


def _order(label: str) -> tuple[float, ...]:
    """Labels are numbers, or several of them."""
    return tuple(_fraction(part) for part in label.split(" "))


def _fraction(text: str) -> float:
    above, _, below = text.partition("/")
    return float(above) / float(below or 1)


_EDGES = (2, 3, 4, 6, 8, 12, 16, 24, 32, 64, 128, 256, 1024, 1 << 16)


def _strings_label(row: dict[str, Any]) -> str:
    """The largest of some sizes that is not above the model's."""
    return str(max((edge for edge in _EDGES if edge <= row["strings"]), default=1))


def _correlation_label(row: dict[str, Any]) -> str | None:
    """The middle of the bin of Corr_p(L, R)."""
    value = row["correlation_prior"]
    if value is None:
        return None
    index = min(int(np.searchsorted(_BINS, value, side="right")) - 1, len(_BINS) - 2)
    return f"{(_BINS[index] + _BINS[index + 1]) / 2:.1f}"


def _joined(first: str, second: str | None) -> str | None:
    return None if second is None else f"{first} {second}"


def _negative(rows: Columns) -> dict[str, Any]:
    """How often temperature trades among models whose strings have a negative covariance under p+."""
    pairs = zip(rows["trades"], rows["sign_strings"], strict=True)
    return share(trade == "yes" for trade, sign in pairs if sign == -1 and trade in {"yes", "no"})


def _turn(rows: Columns, name: str, strings: str, corpora: str, dropped: str, claim: str) -> dict[str, Any]:
    """How often the sign of corpora is not that of strings where one hypothesis is dropped; both signs must be sure."""
    pairs = [(s, c) for s, c in zip(rows[strings], rows[corpora], strict=True) if s in {-1, 1} and c in {-1, 1}]
    return {
        "name": name,
        "dropped": dropped,
        "claim": claim,
        "turns": share(s != c for s, c in pairs),
        "from_positive": share(c == -1 for s, c in pairs if s == 1),
        "from_negative": share(c == 1 for s, c in pairs if s == -1),
    }


def _adaptor(directions: Sequence[str], entry: Sequence[Any]) -> dict[str, Any]:
    name, value, normalise = entry
    names, values = (v if isinstance(v, list) else [v] for v in (name, value))
    counts = {word: directions.count(word) for word in sorted(set(directions))}
    moved = [d for d in directions if d not in {"same", "one stays", UNDECIDED}]
    return {
        "adaptor": describe(chain(*zip(names, values, strict=True))),
        "normalise": normalise,
        "counts": counts,
        "trades": share(d.startswith("trades") for d in moved),
        "lowers_both": share(d == "lowers both" for d in moved),
    }


def _claim(name: str, outcomes: Sequence[str]) -> dict[str, Any]:
    return {"id": name} | {word: outcomes.count(word) for word in ("holds", "silent", UNDECIDED, "fails")}


__all__ = ["LEVEL", "TURNS", "share", "summarise"]
