"""adaptors.truncation: truncating whole strings at a surprisal raises E L + E R; truncating tokens need not."""

from __future__ import annotations

from collections.abc import Iterator

from flint import arb, ctx

from theory.adaptors.exact import Chain, Kept, adapt_global, adapt_local, chain, decide
from theory.arithmetic.exact import inner
from theory.claims.adaptors.models import direct_divergence, log_mass, small_trees
from theory.claims.claim import Case, Claim, Clause, Control, Finding, Profile, of
from theory.claims.instances import (
    integer_cases,
    named,
    usual,
)
from theory.models.finite import FiniteModel
from theory.probability.information import kl_divergence

TRUNCATIONS: tuple[Chain, ...] = tuple(
    chain((name, value))
    for name, value in (
        ("top_k", 1),
        ("top_k", 2),
        ("nucleus", "3/5"),
        ("typical", "3/5"),
        ("eta", "1/4"),
        ("epsilon", "1/5"),
        ("min_p", "1/2"),
    )
)


def _truncation(content: FiniteModel | tuple[FiniteModel]) -> Iterator[Finding]:
    if isinstance(content, tuple):
        yield from of("tokens", _lowered(content[0]))
        return
    found = content
    known: dict[Kept, tuple[arb, arb, arb]] = {}
    for steps in TRUNCATIONS:
        kept = decide(found.numbers, steps)
        if kept not in known:  # several may keep the same
            known[kept] = _identities(found, kept)
        whole, local, between = known[kept]
        label = f"{steps[0].name} {steps[0].value}"
        yield Finding(f"CE(q_glob) - H + log p+(S), {label}", whole, clause="global")
        yield Finding(f"KL(q_loc||p+) + E sum log c_t, {label}", local, clause="local")
        yield Finding(f"KL(q_loc||q_glob) - KL(q_loc||p+) - log p+(S), {label}", between, clause="between")
    yield from of("strings", _thresholds(found))


def _identities(found: FiniteModel, kept: Kept) -> tuple[arb, arb, arb]:
    """What is 0 under the global law, under the local one, and between the two."""
    local, whole = (adapt(found.numbers, kept) for adapt in (adapt_local, adapt_global))
    at_global = found.moments(whole)
    mass = found.numbers.prob[whole.string].sum().log()
    divergence = direct_divergence(found, local)
    drift = inner(local.prob, local.log_normaliser)
    between = inner(local.prob, log_mass(local, ctx.prec) - log_mass(whole, ctx.prec))
    return at_global.cross_entropy - at_global.entropy + mass, divergence + drift, between - divergence - mass


def _lowered(found: FiniteModel) -> Iterator[Finding]:
    at = found.moments(found.law(TRUNCATIONS[0], "local"))
    lost = at.cross_entropy - found.mean.entropy
    yield Finding("E L + E R falls under local top_k 1", lost, "positive")


def _thresholds(found: FiniteModel) -> Iterator[Finding]:
    """Keeping {I <= c} lowers the cross-entropy for every c that removes a string; 12 cuts when there are many."""
    order = sorted(range(len(found.aligned)), key=lambda y: float(found.numbers.surprisal[y]))
    cuts = [
        k for k in range(1, len(order)) if found.numbers.surprisal[order[k - 1]] < found.numbers.surprisal[order[k]]
    ]
    for cut in cuts[:: max(1, len(cuts) // 12)]:
        prob, surprisal = found.numbers.prob[order[:cut]], found.numbers.surprisal[order[:cut]]
        gain = found.mean.entropy - inner(prob, surprisal) / prob.sum()
        yield Finding(f"E L + E R given the {cut} likeliest strings rises", gain, "positive")


def _token_thresholds(found: FiniteModel) -> Iterator[Finding]:
    for steps in TRUNCATIONS[:2]:
        at = found.moments(found.law(steps, "local"))
        gain = found.mean.entropy - at.cross_entropy
        yield Finding(f"E L + E R rises under local {steps[0].name} {steps[0].value}", gain, "nonnegative")


def _forgotten_mass(found: FiniteModel) -> Iterator[Finding]:
    for steps in TRUNCATIONS:
        kept = decide(found.numbers, steps)
        local, whole = (adapt(found.numbers, kept) for adapt in (adapt_local, adapt_global))
        gap = kl_divergence(local.prob, whole.prob) - direct_divergence(found, local)
        yield Finding(f"KL(q_loc||q_glob) = KL(q_loc||p+), {steps[0].name} {steps[0].value}", gap)


def _cases(profile: Profile) -> list[Case]:
    return [*usual(profile), Case("C2, token by token", (named("C2")[0].content,))]


CLAIM = Claim(
    id="adaptors.truncation",
    sentence="C",
    clauses=(
        Clause(
            name="strings",
            text="keeping the whole strings of surprisal at most c raises E L + E R, strictly where a string is "
            "dropped, for every finite law",
            formula=r"\mathbb E[I\mid I\le c]<H\ \text{where}\ p_+(I>c)>0",
            formal=("adaptors_truncation_threshold",),
        ),
        Clause(
            name="tokens",
            text="truncating tokens need not raise E L + E R: on C2, p+ = (4, 4, 4, 4, 9)/25, keeping the most probable "
            "token of each context lowers it",
            formal=("adaptors_truncation_tokens",),
        ),
        Clause(
            name="global",
            text="p+ restricted to a set S of strings has CE(q_glob) = H(q_glob) - log p+(S), for every finite law",
            formula=r"\mathrm{CE}(q_{glob})=H(q_{glob})-\log p_+(S)",
            formal=("adaptors_truncation_cross_entropy",),
        ),
        Clause(
            name="local",
            text="truncation normalised per step, with c_t the mass kept at step t, has "
            "KL(q_loc||p+) = -E_loc sum log c_t, for every finite tree",
            formula=r"\mathrm{KL}(q_{loc}\|p_+)=-\mathbb E_{loc}\textstyle\sum_t\log c_t",
            formal=("adaptors_truncation_local",),
        ),
        Clause(
            name="between",
            text="local and global truncation to the same strings S differ by "
            "KL(q_loc||q_glob) = KL(q_loc||p+) + log p+(S), for every finite tree",
            formula=r"\mathrm{KL}(q_{loc}\|q_{glob})=\mathrm{KL}(q_{loc}\|p_+)+\log p_+(S)",
            formal=("adaptors_truncation_gap",),
        ),
    ),
    hypotheses=(
        "finitely many strings",
        "the weights of a truncation are the kept probabilities, unnormalised; at least one token is kept per context",
    ),
    source="the definitions of local and global normalisation",
    check=_truncation,
    cases=_cases,
    everywhere=True,
    controls=(
        Control(
            "token-level", "says the same of token-level truncation", _token_thresholds, small_trees, smallest=True
        ),
        Control("forgotten-mass", "leaves out log p+(S)", _forgotten_mass, integer_cases, smallest=True),
    ),
    figure="plane",
    order=4040,
    sketch=r"""
$q_{glob}=p_+/p_+(S)$ on $S$, so $-\log p_+=-\log q_{glob}-\log p_+(S)$. Locally $\log(q_{loc}/p_+)=-\sum\log c_t$. A
set $\{I\le c\}$ keeps the small surprisals, so $\mathrm{CE}\le H$. Token by token the kept prefixes gain mass that
the next step may spend on large surprisals, as in C2.
""",
)
