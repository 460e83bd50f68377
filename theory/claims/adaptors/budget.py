"""adaptors.budget: E L + E R, the entropy and the divergence from p+ sum to log Z under every law of the strings."""

from __future__ import annotations

from collections.abc import Iterator

from theory.adaptors.moments import Moments
from theory.claims.adaptors.models import direct_divergence, laws
from theory.claims.claim import Claim, Clause, Control, Finding, of
from theory.claims.instances import integer_cases, law_of, usual
from theory.models.finite import FiniteModel
from theory.probability.information import total_variation


def _budget(found: FiniteModel) -> Iterator[Finding]:
    before: Moments | None = None
    log_z = found.numbers.log_partition
    for name, law in laws(found):
        at = found.moments(law)
        divergence = direct_divergence(found, law)
        total = at.mean_log_prior + at.mean_reward + at.entropy
        yield Finding(f"E L + E R + H - log Z + KL, {name}", total - log_z + divergence, clause="identity")
        if total_variation(law.prob, found.numbers.prob[law.string]) > 0:
            yield Finding(f"E L + E R + H < log Z, {name}", log_z - total, "positive", clause="bound")
        else:
            yield Finding(f"p+ itself: E L + E R + H = log Z, {name}", log_z - total, clause="bound")
        if before is not None:
            step = at.mean_log_prior - before.mean_log_prior + at.mean_reward - before.mean_reward
            gap = step + at.cross_entropy - before.cross_entropy
            yield Finding(f"step of E L + E R + CE to {name}", gap, clause="slope")
        before = at
    own = found.mean.mean_log_prior + found.mean.mean_reward + found.mean.entropy
    yield Finding("p+ itself: E L + E R + H = log Z", log_z - own, clause="bound")
    yield from of("same-entropy", _mirrored(found))


def _mirrored(found: FiniteModel) -> Iterator[Finding]:
    """p+ with its masses in the reverse order of the strings: the same entropy, and less E L + E R by the divergence."""
    law = law_of(found, list(found.mass())[::-1])
    at = found.moments(law)
    yield Finding("H of the mirror image = H", at.entropy - found.mean.entropy)
    lost = found.mean.mean_log_prior + found.mean.mean_reward - at.mean_log_prior - at.mean_reward
    yield Finding("E L + E R of p+ less that of the mirror image = KL", lost - direct_divergence(found, law))
    if total_variation(law.prob, found.numbers.prob) > 0:
        yield Finding("the mirror image has less E L + E R", lost, "positive")


def _entropy_alone(found: FiniteModel) -> Iterator[Finding]:
    """Laws would differ in E L + E R by the entropy they spend, and by nothing else."""
    for name, law in laws(found):
        at = found.moments(law)
        total = at.mean_log_prior + at.mean_reward + at.entropy
        yield Finding(f"E L + E R + H = log Z, {name}", total - found.numbers.log_partition)


def _wrong_divergence(found: FiniteModel) -> Iterator[Finding]:
    for name, law in laws(found):
        at = found.moments(law)
        total = at.mean_log_prior + at.mean_reward + at.entropy
        yield Finding(
            f"E L + E R + H = log Z + KL, {name}", total - found.numbers.log_partition - direct_divergence(found, law)
        )


def _one_to_one(found: FiniteModel) -> Iterator[Finding]:
    """Between p+ and any other law reward would be bought nat for nat."""
    for name, law in laws(found):
        at = found.moments(law)
        step = at.mean_log_prior - found.mean.mean_log_prior + at.mean_reward - found.mean.mean_reward
        yield Finding(f"E L + E R at {name} = at p+", step)


CLAIM = Claim(
    id="adaptors.budget",
    sentence="C",
    clauses=(
        Clause(
            name="identity",
            text="likelihood, reward, entropy and divergence share one budget: "
            "E_q L + E_q R + H(q) + KL(q||p+) = log Z for every law q of finitely many strings",
            formula=r"\mathbb E_qL+\mathbb E_qR+H(q)=\log Z-\mathrm{KL}(q\|p_+)",
            formal=("adaptors_budget_identity",),
        ),
        Clause(
            name="bound",
            text="E_q L + E_q R + H(q) is at most log Z for every law q of finitely many strings, with equality iff "
            "q = p+",
            formula=r"\mathbb E_qL+\mathbb E_qR+H(q)\le\log Z",
            formal=("adaptors_budget_bound",),
        ),
        Clause(
            name="slope",
            text="between two laws E L + E R changes by minus the change of CE = H + KL, so that where E L changes the "
            "slope dE R/dE L is -1 - dCE/dE L",
            formula=r"\frac{\Delta\mathbb E R}{\Delta\mathbb E L}=-1-\frac{\Delta\mathrm{CE}}{\Delta\mathbb E L}",
            formal=("adaptors_budget_slope",),
        ),
        Clause(
            name="same-entropy",
            text="laws of one entropy may differ in E L + E R: p+ with its masses permuted has the entropy of p+ and an "
            "E L + E R lower by its divergence from p+",
            formula=r"q=p_+\circ\pi\Rightarrow H(q)=H(p_+),\quad "
            r"\mathbb E_qL+\mathbb E_qR=\mathbb E_{p_+}L+\mathbb E_{p_+}R-\mathrm{KL}(q\|p_+)",
            formal=(
                "adaptors_budget_same_entropy",
                "adaptors_budget_entropy_is_not_enough",
            ),
        ),
    ),
    hypotheses=("finitely many strings", "q << p+; it may be 0 on some strings"),
    source="the logarithm of p+ = p e^R/Z; Gibbs' inequality",
    check=_budget,
    cases=usual,
    everywhere=True,
    controls=(
        Control(
            "entropy-alone",
            "leaves the divergence out: laws of one entropy have one E L + E R",
            _entropy_alone,
            integer_cases,
            smallest=True,
        ),
        Control("plus-divergence", "adds the divergence", _wrong_divergence, integer_cases, smallest=True),
        Control(
            "one-to-one",
            "says that every adaptor stays on the line of slope -1",
            _one_to_one,
            integer_cases,
            smallest=True,
        ),
    ),
    remark="C3 and its mirror image (12, 4, 1)/17 both spend .752975 nats of entropy; E L + E R is .134329 under the "
    "one and -1.473552 under the other. On infinitely many strings the identity needs the mean of R - log q/p under q "
    "to exist.",
    order=4030,
    sketch=r"""
Take the mean of $L+R=\log Z+\log p_+$ under $q$ and add $H(q)$: $\mathbb E_q\log p_+=-H(q)-\mathrm{KL}(q\|p_+)$. The
slope follows from $\Delta\mathbb E L+\Delta\mathbb E R=-\Delta\mathrm{CE}$. Permuting the masses leaves $H$ alone.
""",
)
