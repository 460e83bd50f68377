"""audit.accept-all: what corpora are drawn from if a Metropolis step keeps every proposal."""

from __future__ import annotations

from collections.abc import Iterator

from theory.adaptors.exact import adapt_global, adapt_local, decide
from theory.arithmetic.exact import exp
from theory.claims.audit.models import COOLED, READ, deep_trees, harmless, same_means, small_trees
from theory.claims.claim import Claim, Clause, Control, Finding
from theory.models.finite import FiniteModel
from theory.reference_code import (
    accept_all,
    mean_log_prior,
    mean_reward,
    secret_law,
)


def _accept_all(found: FiniteModel) -> Iterator[Finding]:
    """E_loc f - E_glob f = -Cov_loc(f, w), w = q_glob / q_loc = prod c_t / C."""
    numbers = found.numbers
    both = accept_all(numbers, COOLED)
    kept = decide(numbers, COOLED)
    local, whole = adapt_local(numbers, kept), adapt_global(numbers, kept)
    weight = exp(local.log_normaliser - whole.log_normaliser)
    for name, values, shift in (
        ("L", both.computed.log_prior, mean_log_prior(both.computed) - mean_log_prior(both.truth)),
        ("R", both.computed.reward, mean_reward(both.computed) - mean_reward(both.truth)),
    ):
        cov = (local.prob * weight * values).sum() - (local.prob * weight).sum() * (local.prob * values).sum()
        yield Finding(f"E {name} off by -Cov(w, {name})", shift + cov)


def _accept_all_harmless(found: FiniteModel) -> Iterator[Finding]:
    return same_means(accept_all(found.numbers, COOLED), "T = 1/2")


def _no_new_trade(found: FiniteModel) -> Iterator[Finding]:
    both = accept_all(found.numbers, COOLED)
    base = secret_law(found.numbers)
    (whole_l, whole_r), (local_l, local_r) = (
        (mean_log_prior(law) - mean_log_prior(base), mean_reward(law) - mean_reward(base))
        for law in (both.truth, both.computed)
    )
    if whole_l > 0 and whole_r > 0 and not local_l.contains(0) and not local_r.contains(0):
        yield Finding("the product of what local T = 1/2 does to E L and to E R", local_l * local_r, "positive")


CLAIM = Claim(
    id="audit.accept-all",
    sentence="",
    clauses=(
        Clause(
            name="covariance",
            text="if a Metropolis step keeps every proposal, E L and E R of its corpora are off from those of q_glob "
            "by "
            "-Cov(L, w) and -Cov(R, w) under q_loc, w = q_glob/q_loc",
            formula=r"\mathbb E_{q_{loc}}f-\mathbb E_{q_{glob}}f=-\operatorname{Cov}_{q_{loc}}(f,w),\quad "
            r"w=q_{glob}/q_{loc}",
            formal=("audit_accept_all_shift",),
        ),
    ),
    hypotheses=(
        "the acceptance test in the public code at commit ccec1ac, as read, is a non-empty tuple, which counts as true "
        "whatever ratio it holds",
    ),
    source=f"{READ}: create_figures 333-349",
    check=_accept_all,
    cases=deep_trees,
    controls=(
        harmless("both means", _accept_all_harmless, small_trees),
        Control(
            "no-new-trade",
            "says that local T = 1/2 does not trade where global T = 1/2 raises both means",
            _no_new_trade,
            small_trees,
            smallest=True,
        ),
    ),
    remark=(
        "By itself it makes corpora that are meant to be globally normalised follow the local adaptor. On C2 global "
        "T = 1/2 raises both means and local T = 1/2 lowers both; on the model of the control no-new-trade global T = "
        "1/2 raises both and local T = 1/2 trades."
    ),
    order=9010,
    sketch=r"""
By metropolis.accept-all what is kept are draws from $q_{loc}$, whatever ratio the test holds. $\mathbb
E_{glob}f=\mathbb E_{loc}[wf]$ and $\mathbb E_{loc}w=1$, so the difference is a covariance under $q_{loc}$.
""",
)
