"""What a claim that stands says of one model, in a sentence with the model's own numbers."""

from __future__ import annotations

from collections.abc import Callable

from flint import arb

from theory.arithmetic.exact import to_float
from theory.claims.adaptors.plane_models import is_independent
from theory.claims.claim import Claim
from theory.claims.grades import STANDS, Verdict
from theory.claims.running import Result
from theory.models.finite import FiniteModel
from theory.quantities.cooling import cooling

Words = Callable[[FiniteModel], str]


def in_words(claim: Claim, result: Result, found: FiniteModel) -> str:
    """One sentence: what holds on the model, or what is refuted there, or not decided.

    A claim that is not one of the project's has the text of its first clause for what holds.
    """
    if result.verdict in STANDS:
        words = _WORDS.get(claim.id)
        return f"holds: {words(found) if words is not None else claim.clauses[0].text}"
    says = "is refuted" if result.verdict is Verdict.REFUTED else "is undecided"
    return f"{says}: {claim.clauses[0].text}"


def _number(value: arb) -> str:
    """Six digits; 0 for a ball around 0."""
    return "0" if value.contains(0) else f"{to_float(value):.6g}"


def _gibbs(found: FiniteModel) -> str:
    most = _number(found.log_partition)
    return f"p+ has E R - KL(p+ || p) = log Z = {most}, and any other law q of the strings falls short by KL(q || p+)"


def _secret_reward(found: FiniteModel) -> str:
    gained = _number(found.mean.mean_reward - found.log_partition)
    return f"log(p+/p) is R - log Z on every string, and its mean under p+ is KL(p+ || p) = {gained}"


def _identity(found: FiniteModel) -> str:
    total = _number(found.log_partition)
    return f"in every corpus the averages of L and R sum to log Z = {total} less the average surprisal"


def _sharp(found: FiniteModel) -> str:
    mean = found.mean
    larger = arb.max(mean.var_log_prior, mean.var_reward)
    of_i, of_both = f"V = {_number(mean.var_surprisal)}", f"max(Var L, Var R) = {_number(larger)}"
    rho = _number(mean.correlation)
    if mean.var_surprisal < larger:
        bound = _number(-(1 - mean.var_surprisal / larger).sqrt())
        return f"{of_i} is below {of_both}, so Corr(L, R) = {rho} must be at most {bound}"
    return f"{of_i} is not below {of_both}, so that it does not force Corr(L, R) = {rho} to be negative"


def _exchange(found: FiniteModel) -> str:
    if found.mean.constant.surprisal:
        return "all strings have the same p+, V = 0, so that no temperature changes the law"
    b = found.mean.exchange_coefficient
    return f"b = Cov(L, I)/V = {_number(b)} is {_place(b)}, and a small global cooling does this: {cooling(found)}"


def _place(b: arb) -> str:
    if b < -1 or b > 0:
        return "outside [-1, 0]"
    return "between -1 and 0" if b > -1 and b < 0 else "at a border of [-1, 0], up to the digits computed"


def _slope_bound(found: FiniteModel) -> str:
    mean = found.mean
    rate = _number((mean.var_reward * mean.var_surprisal).sqrt())
    if mean.constant.surprisal or not mean.var_reward < mean.var_surprisal:
        return f"a change of 1/T moves E R by at most sd R sd I = {rate} per unit, to first order at T = 1"
    ratio = arb(0) if mean.constant.reward else (mean.var_reward / mean.var_surprisal).sqrt()
    return (
        f"k = sd R/sd I = {_number(ratio)} is below 1, so a small change of T moves E R by at most "
        f"k/(1 - k) = {_number(ratio / (1 - ratio))} nats per nat of E L"
    )


def _budget(found: FiniteModel) -> str:
    mean, total = found.mean, _number(found.log_partition)
    parts = " + ".join(_signed(v) for v in (mean.mean_log_prior, mean.mean_reward, mean.entropy))
    return f"E L + E R + H + KL to p+ is log Z = {total} for every law of the strings; for p+ it is {parts} + 0"


def _signed(value: arb) -> str:
    return f"({_number(value)})" if value < 0 else _number(value)


def _truncation(found: FiniteModel) -> str:
    total = _number(found.mean.mean_log_prior + found.mean.mean_reward)
    return f"keeping only the likeliest strings under p+ raises E L + E R above {total} as soon as a string is dropped"


def _interior(found: FiniteModel) -> str:
    mean = found.mean
    if is_independent(found):
        return "p+ is not Pareto-optimal: a law of the strings has a higher E L and a higher E R, and less entropy"
    if mean.constant.log_prior and mean.constant.reward:
        return "all strings have the same L and R, so no law has other means"
    if mean.cov < 0:
        return "the points (L, R) lie on one falling line, so no law gains in one mean without losing in the other"
    return "the points (L, R) lie on one line that does not fall, so the string at its upper end is no worse in either"


def _affine_line(found: FiniteModel) -> str:
    return (
        "an adaptor that sees only p+(y) moves E L as the mean of L among strings of equal p+ says; such adaptors move "
        "along one line iff that mean is affine in I"
    )


_WORDS: dict[str, Words] = {
    "alignment.gibbs": _gibbs,
    "alignment.secret-reward": _secret_reward,
    "line.identity": _identity,
    "correlation.sharp": _sharp,
    "adaptors.exchange": _exchange,
    "adaptors.slope-bound": _slope_bound,
    "adaptors.budget": _budget,
    "adaptors.truncation": _truncation,
    "adaptors.interior": _interior,
    "adaptors.affine-line": _affine_line,
}

__all__ = ["in_words"]
