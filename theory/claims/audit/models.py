"""What the claims on the reference code share: where it was read, and departures said to be harmless."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from flint import arb

from theory.adaptors.exact import Chain, chain
from theory.claims.claim import Case, Control, Finding, Profile
from theory.claims.instances import named, random_laws
from theory.claims.tree_search import trees_by_size
from theory.corpora.mixtures import Joint
from theory.reference_code import (
    Departure,
    correlation,
    mean_log_prior,
    mean_reward,
)

READ = "the public code at commit ccec1ac as read, not run"


COOLED: Chain = chain(("temperature", "1/2"))


def same_means(departure: Departure, what: str) -> Iterator[Finding]:
    """The departure is said to leave both means."""
    truth, computed = departure.truth, departure.computed
    yield Finding(f"{what}: E L computed - E L", mean_log_prior(computed) - mean_log_prior(truth))
    yield Finding(f"{what}: E R computed - E R", mean_reward(computed) - mean_reward(truth))


def same_sign(departure: Departure) -> Iterator[Finding]:
    """The departure is said to leave the sign of Corr(L, R)."""
    one, other = correlation(departure.truth), correlation(departure.computed)
    if one is not None and other is not None and not one.contains(0):
        yield Finding("Corr computed times Corr", one * other, "positive")


def small_trees(_: Profile) -> Iterator[Case]:
    """Trees of 2 to 4 strings, smallest first."""
    return trees_by_size(2, 4, 12, ordered=True)


def deep_trees(profile: Profile) -> list[Case]:
    """C2 and random trees."""
    return [*named("C2"), *(c for c in random_laws(profile) if "tree" in c.name)]


def mean_line(law: Joint) -> arb:
    """E L + E R."""
    return mean_log_prior(law) + mean_reward(law)


def first_failing(cases: Iterable[Case], check: Callable[[Any], Iterator[Finding]]) -> Case:
    """The first case on which a check certainly fails."""
    return next(c for c in cases if any(finding.outcome == "fails" for finding in check(c.content)))


def harmless(
    what: str, check: Callable[[Any], Iterator[Finding]], cases: Callable[[Profile], Any], *, smallest: bool = True
) -> Control:
    """The control that says that a departure leaves something as it is."""
    return Control("harmless", f"says that the departure leaves {what}", check, cases, smallest)
