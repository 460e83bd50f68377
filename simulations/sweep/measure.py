"""One random model: does temperature trade off, which way each adaptor goes, which signs turn, which claims hold.

Every verdict and sign is decided by balls, or is "undecided"; the one exception are the corpora of a Metropolis chain,
whose covariance is float64 and whose sign counts only beyond its rounding.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from flint import arb, ctx

from simulations.sweep.models import Drawn
from simulations.sweep.plan import Sweep
from theory.adaptors.exact import adapt, chain, decide
from theory.adaptors.moments import Moments
from theory.alignment.gibbs import Numbers
from theory.arithmetic.exact import Array, Undecided, floats, rational, to_float
from theory.claims.claim import Claim
from theory.claims.correlation.measure import unweighted_correlation
from theory.claims.registry import everywhere
from theory.corpora.metropolis import IndependentChain
from theory.corpora.mixtures import adaptor_mixture
from theory.corpora.typicality import conditional_correlation_limit
from theory.models.finite import FiniteModel
from theory.report.studies import compared
from theory.specification.adaptors import AdaptorEntry
from theory.specification.finite import write_specification

UNDECIDED = "undecided"

MIXED = (chain(), chain(("temperature", "1/2")), chain(("temperature", "2")))
"""The adaptors that corpora of a mixture come from: p+, and global temperatures on either side."""

ROUNDING = 1e-9
"""A float64 covariance below this share of the two deviations has no sign."""

MOST_BITS = 1 << 14
"""Of a ball, where a claim is undecided with fewer."""

_MOST_DIGITS = 1 << 26
"""Bits of one quantity of all strings of a model: 8 MiB."""

ModelRow = dict[str, int | float | str | None]
"""What is said of one model, by the names of ``columns``."""


def measure(number: int, drawn: Drawn, sweep: Sweep) -> ModelRow:
    """Everything that is said of one model; call inside ``precision()``.

    Where that precision leaves a claim or the exchange undecided, or lets one fail, a higher one is tried: a gap of g
    nats between rewards makes probabilities of e^-g, whose differences take some 3 g bits.
    """
    bits = ctx.prec
    while True:
        with ctx.workprec(bits):
            row = _measured(number, drawn, sweep)
        bits *= 4
        words = {word for name, word in row.items() if name == "trades" or name.startswith("claim ")}
        if not words & {UNDECIDED, "fails"} or bits > MOST_BITS or bits * len(drawn.aligned) > _MOST_DIGITS:
            return row


def _measured(number: int, drawn: Drawn, sweep: Sweep) -> ModelRow:
    found = FiniteModel.of(drawn.aligned)
    mean = found.mean
    once = unweighted_correlation(found)
    row: ModelRow = {
        "model": number,
        "family": drawn.family,
        "strings": len(drawn.aligned),
        "beta": str(drawn.beta),
        "coupling": drawn.coupling,
        "correlation_prior": _prior_correlation(drawn.aligned.prior, found.numbers),
        "correlation": None if mean.correlation is None else to_float(mean.correlation),
        "varentropy": to_float(mean.var_surprisal),
        "exchange_coefficient": None if mean.exchange_coefficient is None else to_float(mean.exchange_coefficient),
        "trades": trades(mean),
    }
    if sweep.draws_steps:
        row["step"] = str(drawn.step)
    row |= _signs(found, once, sweep)
    for index, entry in enumerate(sweep.adaptors):
        row[f"adaptor_{index}"] = direction(found, entry)
    chosen = [claim for claim in everywhere() if claim.id in sweep.claims]
    row |= {f"claim {claim.id}": standing(claim, found) for claim in chosen}
    failed = any(row[f"claim {claim.id}"] in {"fails", UNDECIDED} for claim in chosen)
    row["witness"] = write_specification(drawn.aligned) if failed else None
    return row


def trades(mean: Moments) -> str:
    """Whether global temperature at T = 1 trades likelihood for reward: b outside [-1, 0]; "still" where V = 0."""
    if mean.constant.surprisal:
        return "still"
    if mean.constant.log_prior or mean.constant.reward:  # b is 0 or -1
        return "no"
    # b (1 + b) times V^2: b itself may not be told from -1 where R hardly varies
    outside = mean.cov_log_prior_surprisal * (mean.cov + mean.var_reward)
    return "yes" if outside > 0 else "no" if outside < 0 else UNDECIDED


def direction(found: FiniteModel, entry: AdaptorEntry) -> str:
    """Where an adaptor moves (E L, E R) from p+: as ``studies.compared``; "same" where it keeps p+ itself."""
    try:
        kept = decide(found.numbers, entry.chain)
        law = adapt(found.numbers, kept, entry.normalise)
        whole = len(law.string) == len(found.aligned)
        if whole and all(step.name != "temperature" for step in entry.chain):
            return "same"
        at = found.moments(law)
        if found.mean.constant.log_prior or found.mean.constant.reward:
            return "one stays"
        return compared(found.mean, at)
    except Undecided:
        return UNDECIDED


def standing(claim: Claim, found: FiniteModel) -> str:
    """The worst outcome of a claim's findings on one model: "holds", "undecided" or "fails"; "silent" for none."""
    worst = "silent"
    order = ("silent", "holds", UNDECIDED, "fails")
    try:
        for finding in claim.check(found):
            worst = max(worst, finding.outcome, key=order.index)
    except (ArithmeticError, AssertionError):  # one model without enough digits must not end the other thousands
        worst = max(worst, UNDECIDED, key=order.index)
    return worst


def _signs(found: FiniteModel, once: arb | None, sweep: Sweep) -> ModelRow:
    """The sign of Cov(L, R) of strings, and of Cov(Lbar, Rbar) of corpora where one hypothesis is dropped: -1, 0, 1.

    sign_once: strings, each counted once. sign_strings: strings of p+, and so corpora of independent ones at every N.
    sign_typical: corpora in the band, in the limit of large N. sign_mixed, sign_mixed_strings: corpora from one of
    three temperatures each, and strings of them. sign_chain: corpora that are successive states of a chain.
    """
    mean = found.mean
    flat = mean.constant.log_prior or mean.constant.reward
    row: ModelRow = {
        "sign_once": 0 if once is None else _sign(once),
        "sign_strings": 0 if flat else _sign(mean.cov),
        "sign_typical": None,
        "sign_mixed": None,
        "sign_mixed_strings": None,
        "sign_chain": None,
    }
    if flat or mean.constant.surprisal:
        return row
    width = rational(to_float(sweep.band) * math.sqrt(to_float(mean.var_surprisal)))
    # depends on eps sqrt N alone
    limit = conditional_correlation_limit(mean, 1, width) if width > 0 else None
    row["sign_typical"] = None if limit is None else _sign(limit)
    mixture = adaptor_mixture(found.numbers, MIXED, "global")
    within, between = mixture.within().cov, mixture.between().cov
    row["sign_mixed"] = _sign(within / sweep.corpus + between)
    row["sign_mixed_strings"] = _sign(within + between)
    row["sign_chain"] = chain_sign(found, sweep.corpus)
    return row


def chain_sign(found: FiniteModel, size: int) -> int | None:
    """The sign of Cov(Lbar, Rbar) over N successive states of a stationary chain to p+ with the prior as proposal.

    None where float64 does not tell, as where it has no number for the weight of a string.
    """
    log_prior, reward = floats(found.numbers.log_prior), floats(found.numbers.reward)
    proposal = floats(found.aligned.prior)
    weight = np.exp(reward - reward.max())
    if not ((weight > 0).all() and (proposal > 0).all()):
        return None
    walk = IndependentChain.correcting(proposal / proposal.sum(), weight)
    cov, var_l, var_r = (
        walk.corpus_covariance(one, two, size)
        for one, two in ((log_prior, reward), (log_prior, log_prior), (reward, reward))
    )
    if abs(cov) <= ROUNDING * math.sqrt(var_l * var_r):
        return None
    return 1 if cov > 0 else -1


def _sign(value: arb) -> int | None:
    """1 or -1; None where the ball holds 0."""
    return 1 if value > 0 else -1 if value < 0 else None


def _prior_correlation(prior: Array, numbers: Numbers) -> float | None:
    """Corr_p(L, R) in float64, what the models are sorted by; None where one is constant."""
    p, log_prior, reward = floats(prior), floats(numbers.log_prior), floats(numbers.reward)
    p = p / p.sum()
    from_l, from_r = log_prior - p @ log_prior, reward - p @ reward
    product = (p @ from_l**2) * (p @ from_r**2)
    if product <= ROUNDING**2:
        return None
    return float(np.clip(p @ (from_l * from_r) / math.sqrt(product), -1, 1))


def columns(sweep: Sweep) -> Mapping[str, str]:
    """The columns of a row, with their kinds: "int", "float", "text" or "sign"; a step only where it is drawn."""
    known = {
        "model": "int",
        "family": "text",
        "strings": "int",
        "beta": "text",
        "coupling": "float",
        "correlation_prior": "float",
        "correlation": "float",
        "varentropy": "float",
        "exchange_coefficient": "float",
        "trades": "text",
        "sign_once": "sign",
        "sign_strings": "sign",
        "sign_typical": "sign",
        "sign_mixed": "sign",
        "sign_mixed_strings": "sign",
        "sign_chain": "sign",
    }
    if sweep.draws_steps:
        known["step"] = "text"
    known |= {f"adaptor_{index}": "text" for index in range(len(sweep.adaptors))}
    known |= {f"claim {claim.id}": "text" for claim in everywhere() if claim.id in sweep.claims}
    return known | {"witness": "text"}


__all__ = ["MIXED", "MOST_BITS", "UNDECIDED", "chain_sign", "columns", "direction", "measure", "standing", "trades"]
