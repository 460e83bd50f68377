"""audit.hidden-top-k: a top-k of 50 that a library has by default acts before every other adaptor."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from flint import fmpq

from theory.adaptors.exact import Chain, chain
from theory.claims.audit.models import READ, harmless
from theory.claims.claim import Case, Claim, Clause, Control, Finding, Profile
from theory.claims.instances import case, named
from theory.examples import finite as examples
from theory.models.finite import FiniteModel
from theory.reference_code import (
    HIDDEN,
    hidden_top_k,
)

NUCLEUS: Chain = chain(("nucleus", "19/20"))


def _hidden(found: FiniteModel) -> Iterator[Finding]:
    """KL(drawn || asked) = -log q_asked(what is drawn), and at most 50 tokens are left."""
    for value in ("19/20", "9/10", "1/2", "1"):
        asked, drawn = hidden_top_k(found.numbers, chain(("nucleus", value)))
        inside = np.isin(asked.string, drawn.string)
        foreign = fmpq(len(drawn.string) - int(inside.sum()))
        yield Finding("tokens drawn that were not asked for", foreign, clause="nucleus")
        yield Finding("50 - tokens drawn", fmpq(int(HIDDEN) - len(drawn.string)), "nonnegative", clause="fifty")
        direct = (drawn.prob * (drawn.log_prob - asked.log_prob[inside])).sum()
        gap = direct + asked.prob[inside].sum().log()
        yield Finding(f"nucleus {value}: KL = -log q(kept)", gap, clause="nucleus")


def _hidden_harmless(found: FiniteModel) -> Iterator[Finding]:
    asked, drawn = hidden_top_k(found.numbers, NUCLEUS)
    yield Finding("tokens kept", fmpq(len(asked.string) - len(drawn.string)))


def _only_restricts(content: tuple[FiniteModel, Chain]) -> Iterator[Finding]:
    found, steps = content
    asked, drawn = hidden_top_k(found.numbers, steps)
    yield Finding("tokens drawn that were not asked for", fmpq(int((~np.isin(drawn.string, asked.string)).sum())))


def _other_adaptors(_: Profile) -> list[Case]:
    """Equal tokens, of which epsilon keeps one of 60 but all of 50."""
    found: FiniteModel = case("60 alike", examples.table([1] * 60, [1] * 60)).content
    return [Case("60 tokens alike, epsilon 1/55", (found, chain(("epsilon", "1/55"))))]


def _ramp(_: Profile) -> list[Case]:
    """The smallest table of equal probabilities that shows it: nucleus 19/20 keeps 49 of 51, and of 53 51."""
    return [case(f"{n} strings alike", examples.table([1] * n, [1] * n)) for n in (50, 51, 52, 53, 54)]


def _wide(_: Profile) -> list[Case]:
    falling = case("60 strings, p falling", examples.table(range(60, 0, -1), [1] * 60))
    return [*named("toy"), *_ramp(Profile())[-1:], falling]


CLAIM = Claim(
    id="audit.hidden-top-k",
    sentence="",
    clauses=(
        Clause(
            name="nucleus",
            text="with a top-k of 50 left on, a nucleus draws from the law asked for, restricted to the set S that is "
            "left: "
            "KL(drawn || asked) = -log q_asked(S)",
            formula=r"\mathrm{KL}(q_{drawn}\|q_{asked})=-\log q_{asked}(S),\quad S=\text{what is drawn}",
            formal=("audit_hidden_top_k_nucleus",),
        ),
        Clause(
            name="fifty",
            text="that set has at most 50 tokens, whatever the nucleus asks for",
            formula=r"|S|\le50",
            formal=(
                "audit_hidden_top_k_nested",
                "audit_hidden_top_k_nucleus",
            ),
        ),
    ),
    hypotheses=(
        "the sampler's default top-k of 50 acts before the adaptor, as the public code at commit ccec1ac reads",
        "one next-token law",
    ),
    source=f"{READ}: the sampler's default top-k stays on for nucleus, locally typical and eta",
    check=_hidden,
    cases=_wide,
    controls=(
        harmless("the kept tokens", _hidden_harmless, _ramp, smallest=False),
        Control(
            "only-restricts",
            "says of every adaptor that what is drawn was asked for",
            _only_restricts,
            _other_adaptors,
        ),
    ),
    remark=(
        "By itself it leaves at most 50 tokens to each of nucleus, typical and eta. For nucleus the tokens kept are a "
        "subset of those asked for. Typical, eta and epsilon decide on the law of the 50 tokens and may keep tokens "
        "that were not asked for."
    ),
    order=9070,
    sketch=r"""
For nucleus the shorter law reaches its mass sooner, so what is drawn is the law that was asked for, given the set $S$
that is left: $\log(q_{drawn}/q_{asked})=-\log q_{asked}(S)$ on $S$. Typical, eta and epsilon decide on the law of the
50 tokens, and may keep what was not asked for.
""",
)
