"""Kept sets that engines were seen to sample from, at models whose law is known: theory/data/engines/kept.json."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from theory.adaptors.applied import applied, weights_of
from theory.adaptors.chains import Chain
from theory.adaptors.rows import Row
from theory.arithmetic.exact import rational
from theory.arithmetic.formal import FormalSum

_FILE = Path(__file__).resolve().parents[1] / "data" / "engines" / "kept.json"


@dataclass(frozen=True, slots=True)
class Observation:
    """What one engine kept of one law under some of its settings, the others at the values that switch them off.

    Args:
        law: probabilities as exact text.
        kept: the probabilities of the tokens that came out, the largest first: which of two equals is left open.
        how: "live" by ``make engines``, or "recorded" from an earlier measurement.
        date: of the measurement.
    """

    engine: str
    version: str
    law: tuple[str, ...]
    settings: Mapping[str, str]
    kept: tuple[str, ...]
    how: str
    date: str


@functools.cache
def observations() -> tuple[Observation, ...]:
    """All that is recorded."""
    return read_observations(_FILE)


def read_observations(path: Path) -> tuple[Observation, ...]:
    """The observations in a file, which names the laws once.

    Raises:
        OSError, ValueError, KeyError: it cannot be read as such a file.
    """
    document = json.loads(path.read_text(encoding="utf-8"))
    return tuple(
        Observation(
            one["engine"],
            one["version"],
            tuple(document["laws"][one["law"]]),
            one["settings"],
            tuple(one["kept"]),
            one["how"],
            one["date"],
        )
        for one in document["observations"]
    )


def kept_probabilities(law: Sequence[str], steps: Chain) -> tuple[str, ...]:
    """The probabilities of the tokens that a chain keeps of a law, the largest first."""
    prob = [rational(p) for p in law]
    formal = [FormalSum.of(p, rational(0)) for p in prob]
    row = applied(Row(formal, [f.ball() for f in formal], rational(1), list(range(len(prob)))), steps)
    kept = [p for p, w in zip(prob, weights_of(row), strict=True) if not w.is_zero()]
    order = np.argsort([-float(p.p) / float(p.q) for p in kept], kind="stable")
    return tuple(str(kept[k]) for k in order)


def shows_temperature(own: Observation, steps: Chain) -> bool:
    """Whether what was kept tells where the temperature stands: at the other end of the chain it keeps other tokens."""
    heats = [step for step in steps if step.name == "temperature"]
    others = [step for step in steps if step.name != "temperature"]
    first = bool(heats) and steps[0].name == "temperature"
    turned = Chain([*others, *heats] if first else [*heats, *others])
    return bool(heats) and kept_probabilities(own.law, turned) != own.kept


__all__ = ["Observation", "kept_probabilities", "observations", "read_observations", "shows_temperature"]
