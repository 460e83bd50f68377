"""metropolis.ratio."""

from __future__ import annotations

from collections.abc import Iterator

from theory.adaptors.exact import adapt, chain, decide
from theory.arithmetic.exact import Array, Exact, ball, exp
from theory.claims.claim import Claim, Clause, Control, Finding
from theory.claims.instances import integer_cases
from theory.claims.metropolis.models import AdaptedModel, adapted_law, is_constant, total_gap, tree_cases
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
    yield Finding("the locally normalised law sums to 1", local.prob.sum() - 1, clause="corrected")
    ratio = glob.log_prob - local.log_prob - local.log_normaliser
    constant = _widest(ratio - ratio[0])
    yield Finding("log q_glob/q_loc - sum log c_t is the same for all strings", constant, clause="corrected")
    law = adapted_law(found, steps)
    if law is None:
        return
    yield Finding("q_loc, walked string by string", _widest(local.prob - law.local), clause="corrected")
    walked = _widest(exp(local.log_normaliser) - law.product)
    yield Finding("prod c_t, walked string by string", walked, clause="corrected")
    yield Finding("q_glob, walked string by string", _widest(glob.prob - law.glob), clause="corrected")
    corrected = total_gap(_ratio_law(law.local, law.product), law.glob)
    yield Finding("prod c_t(y')/prod c_t(y): the stationary law is q_glob", corrected, clause="corrected")
    mistaken = _ratio_law(law.local, law.restricted / law.local)
    restricted = total_gap(mistaken, law.restricted)
    yield Finding("p+/q_loc: the stationary law is p+ on the kept strings", restricted, clause="restricted")
    same = law.power == 1 or is_constant(law.restricted)
    apart = total_variation(mistaken, law.glob)
    yield Finding("p+/q_loc: TV(stationary law, q_glob)", apart, "zero" if same else "positive", clause="exactly-if")


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


CLAIM = Claim(
    id="metropolis.ratio",
    sentence="C",
    clauses=(
        Clause(
            name="corrected",
            text="a chain that proposes from q_loc and accepts with min(1, prod c_t(y')/prod c_t(y)) has the "
            "stationary law "
            "q_glob, c_t the sum of the adaptor's weights at step t",
            formula=r"\frac{q_{\mathrm{glob}}(y')\,q_{\mathrm{loc}}(y)}{q_{\mathrm{glob}}(y)\,q_{\mathrm{loc}}(y')}"
            r"=\frac{\prod_t c_t(y')}{\prod_t c_t(y)}",
            formal=(
                "metropolis_ratio_identity",
                "metropolis_ratio_stationary",
            ),
        ),
        Clause(
            name="restricted",
            text="with the ratio of p+/q_loc instead, the stationary law is p+ restricted to the kept strings, "
            "whatever the "
            "temperature",
            formula=r"\frac{p_+(y')\,q_{\mathrm{loc}}(y)}{p_+(y)\,q_{\mathrm{loc}}(y')}\text{ leads to }p_+(\cdot\mid "
            r"S)",
            formal=("metropolis_ratio_aligned",),
        ),
        Clause(
            name="exactly-if",
            text="the ratio of p+/q_loc leads to q_glob exactly if T = 1 or p+ is constant on the kept strings",
            formula=r"p_+(\cdot\mid S)=q_{\mathrm{glob}}\propto p_+^{1/T}1_S\iff T=1\text{ or }p_+\text{ is constant "
            r"on }S",
            formal=("metropolis_ratio_iff",),
        ),
    ),
    hypotheses=(
        "finitely many strings; the adaptor is a temperature T, truncations, or a chain of them",
        "S, the kept strings, is what the whole chain of adaptors keeps",
    ),
    source="Hastings (1970); the weights of an adaptor as in theory.adaptors",
    check=_ratio,
    cases=tree_cases,
    controls=(
        Control(
            "aligned-ratio-with-temperature",
            "uses the ratio of p+/q_loc, which is right at T = 1, with T = 1/2",
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
            "leaves out one of the two exceptions: at T = 1/2 q_glob is said to differ from p+ for every p+",
            _always_differs,
            integer_cases,
            smallest=True,
        ),
        Control("inverted", "turns the ratio around", _inverted, tree_cases),
    ),
    remark="A truncation alone has T = 1, where both ratios are right.",
    order=6010,
    sketch=r"""
$q_{glob}/q_{loc}=\prod c_t/C$, and $C$ cancels in Hastings' ratio. With $p_+/q_{loc}$ the target is $p_+$ on the
strings that $q_{loc}$ can propose, whatever the temperature; $q_{glob}\propto p_+^{1/T}$ there, and $p_+^{1/T-1}$ is
constant iff $T=1$ or $p_+$ is.
""",
)
