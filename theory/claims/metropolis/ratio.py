"""metropolis.ratio."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import sympy as sp

from theory.adaptors.exact import adapt, chain, decide
from theory.arithmetic.exact import Array, Exact, ball, exp
from theory.claims.claim import Claim, Clause, Control, Finding, Proof
from theory.claims.instances import integer_cases
from theory.claims.metropolis.models import AdaptedModel, adapted_law, is_constant, total_gap, tree_cases
from theory.claims.symbolic import vanishes
from theory.corpora.metropolis import (
    acceptance_probability,
    stationary_law,
    transition_matrix,
)
from theory.models.finite import FiniteModel
from theory.probability.information import total_variation


def _ratio_law(proposal: Array, multiple: Array) -> Array:
    """The stationary law, by linear algebra, of the chain that accepts with min(1, m(y') / m(y))."""
    return stationary_law(transition_matrix(proposal, acceptance_probability(multiple)))


def _ratio(content: AdaptedModel) -> Iterator[Finding]:
    found, steps = content.found, content.steps
    kept = decide(found.numbers, steps)
    local, glob = (adapt(found.numbers, kept, how) for how in ("local", "global"))
    yield Finding("the locally normalised law sums to 1", local.prob.sum() - 1)
    ratio = glob.log_prob - local.log_prob - local.log_normaliser
    yield Finding("log q_glob/q_loc - sum log c_t is the same for all strings", _widest(ratio - ratio[0]))
    law = adapted_law(found, steps)
    if law is None:
        return
    yield Finding("q_loc, walked string by string", _widest(local.prob - law.local))
    yield Finding("prod c_t, walked string by string", _widest(exp(local.log_normaliser) - law.product))
    yield Finding("q_glob, walked string by string", _widest(glob.prob - law.glob))
    corrected = _ratio_law(law.local, law.product)
    yield Finding("prod c_t(y')/prod c_t(y): the stationary law is q_glob", total_gap(corrected, law.glob))
    mistaken = _ratio_law(law.local, law.restricted / law.local)
    yield Finding("p+/q_loc: the stationary law is p+ on the kept strings", total_gap(mistaken, law.restricted))
    distance = total_variation(law.glob, law.restricted)
    same = law.power == 1 or is_constant(law.restricted)
    yield Finding("TV(q_glob, p+ on the kept strings)", distance, "zero" if same else "positive")


def _widest(values: Array) -> Exact:
    """The value that is furthest from 0."""
    return max(values, key=lambda v: float(abs(ball(v)).abs_upper()))


_COOLED = chain(("temperature", "1/2"))


def _mistaken_ratio(found: FiniteModel) -> Iterator[Finding]:
    law = adapted_law(found, _COOLED)
    if law is not None:
        mistaken = _ratio_law(law.local, law.restricted / law.local)
        yield Finding("T = 1/2, ratio p+/q_loc: sum |stationary law - q_glob|", total_gap(mistaken, law.glob))


def _without_proposal(found: FiniteModel) -> Iterator[Finding]:
    law = adapted_law(found, _COOLED)
    if law is not None:
        yield Finding(
            "T = 1/2, ratio q_glob(y')/q_glob(y): sum |stationary law - q_glob|",
            total_gap(_ratio_law(law.local, law.glob), law.glob),
        )


def _always_differs(found: FiniteModel) -> Iterator[Finding]:
    law = adapted_law(found, _COOLED)
    if law is not None:
        yield Finding("T = 1/2: TV(q_glob, p+) > 0", total_variation(law.glob, law.restricted), "positive")


def _inverted(content: AdaptedModel) -> Iterator[Finding]:
    law = adapted_law(content.found, content.steps)
    if law is not None:
        law_found = _ratio_law(law.local, 1 / law.product)
        yield Finding("ratio prod c_t(y)/prod c_t(y'): sum |stationary law - q_glob|", total_gap(law_found, law.glob))


def _ratio_proof() -> list[str]:
    """On the tree of two tokens and two steps: flows between every two strings balance."""
    first = sp.symbols("u1:3", positive=True)
    second = sp.symbols("v1:5", positive=True)
    masses = sp.symbols("p1:5", positive=True)
    sums = [sp.Add(*first) * sp.Add(*second[2 * (k // 2) : 2 * (k // 2) + 2]) for k in range(4)]
    weight = [first[k // 2] * second[k] for k in range(4)]
    local = [w / c for w, c in zip(weight, sums, strict=True)]
    glob = [w / sp.Add(*weight) for w in weight]
    lines = [vanishes(sp.Add(*local) - 1, "q_loc sums to 1")]
    for x, y in itertools.combinations(range(4), 2):
        lines.append(
            vanishes(
                glob[x] * local[y] * sums[y] - glob[y] * local[x] * sums[x],
                f"q_glob balances min(1, prod c_t(y')/prod c_t(y)) between strings {x + 1} and {y + 1}",
            )
        )
    own = masses[0] * local[1] * (masses[1] / local[1]) / (masses[0] / local[0]) - masses[1] * local[0]
    lines.append(vanishes(own, "p+ balances p+/q_loc, whatever q_loc is"))
    return lines


CLAIM = Claim(
    id="metropolis.ratio",
    sentence="C",
    clauses=(
        Clause(
            name="all",
            text="the ratio of the products of normalisers turns local samples into global ones; p+/q_loc forgets temperature",
            formula=r"\frac{q_{\mathrm{glob}}(y')\,q_{\mathrm{loc}}(y)}{q_{\mathrm{glob}}(y)\,q_{\mathrm{loc}}(y')}"
            r"=\frac{\prod_t c_t(y')}{\prod_t c_t(y)};\quad"
            r"\frac{p_+(y')\,q_{\mathrm{loc}}(y)}{p_+(y)\,q_{\mathrm{loc}}(y')}\text{ leads to }p_+(\cdot\mid S)",
            proof=Proof("n <= 4", _ratio_proof),
        ),
    ),
    hypotheses=("S, the kept strings, is what the whole chain of adaptors keeps",),
    source="Hastings (1970); the weights of an adaptor as in theory.adaptors",
    check=_ratio,
    cases=tree_cases,
    controls=(
        Control(
            "aligned-ratio-with-temperature",
            "uses p+/q_loc, right at T = 1, with T = 1/2",
            _mistaken_ratio,
            integer_cases,
            smallest=True,
        ),
        Control(
            "no-proposal",
            "leaves the proposal out of the ratio",
            _without_proposal,
            integer_cases,
            smallest=True,
        ),
        Control(
            "only-at-temperature-one",
            "drops the hypothesis that p+ is not constant on the kept strings",
            _always_differs,
            integer_cases,
            smallest=True,
        ),
        Control("inverted", "turns the ratio around", _inverted, tree_cases),
    ),
    remark="p+/q_loc leads to q_glob if and only if T = 1 or p+ is constant on the kept strings.",
    order=6010,
    sketch=r"""
$q_{glob}/q_{loc}=\prod c_t/C$, and $C$ cancels in Hastings' ratio. With $p_+/q_{loc}$ the target is $p_+$ on the
strings that $q_{loc}$ can propose, whatever the temperature.
""",
)
