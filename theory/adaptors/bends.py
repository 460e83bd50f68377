"""Steps that give weights which are no common power of the probabilities: temperatures by entropy, curves, penalties.

Each makes a new row from one that stays as it was. Its weights are known in two ways: as balls at any precision, and as
formal numbers that at least know which of them are equal. Weights are those of the normalised law that the row began
with, changed step by step, so that a global law can multiply them along a string.

- dynamic temperature T: p^(1/t) with t = lo + (hi - lo) (H / log n)^exponent, lo = max(0, T - range), hi = T + range; n
  counts the tokens that are left, or under count = "all" the cut ones too. A single token stays.
- quadratic f: z = max z - f (k d^2 + s d^3), d = max z - z, k = (3 - curve) / 2, s = (curve - 1) / 2; z = log w.
- repetition penalty th, of tokens that stand in the history: z / th where z > 0, else z th; z = log w + gauge,
  the gauge divided by the temperatures met: what an engine's logits have beyond log-probabilities. No law knows it.
- presence penalty: e^-value for a token in the history. Frequency penalty: e^(-value count).
- dry m: e^(-m base^(l - allowed)) where l >= allowed; l is the longest end of the history that stood before the token.
- no-repeat-ngram is a truncation (``theory.adaptors.cuts``). The end of a string is never in a history.

Sources: llama.cpp (dynamic temperature, DRY, XTC), koboldcpp (quadratic smoothing), Keskar et al. (2019).
"""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from flint import arb, ctx, fmpq

from theory.adaptors.chains import Adaptor
from theory.adaptors.cuts import windowed
from theory.adaptors.rows import Before, Row
from theory.arithmetic.exact import power, sign
from theory.arithmetic.formal import FormalSum

_ONE, _ZERO = fmpq(1), fmpq(0)


@dataclass(frozen=True, slots=True, eq=False)
class _Symbol(FormalSum):
    """A weight that is only known to be equal to those of the same symbol.

    Args:
        value: encloses the number at the working precision.
    """

    value: Callable[[], arb]

    def ball(self) -> arb:
        return self.value()


def absolute_logs(row: Row, tokens: Collection[int]) -> dict[int, arb]:
    """log of weights, at the working precision; of the normalised law where the row's weights are proportional."""
    logs = {token: row.base(token).log() for token in tokens}
    if not row.absolute:
        whole = sum((row.base(t) for t in row.whole), start=arb(0)).log()
        logs = {token: log - whole for token, log in logs.items()}
    return {token: log * row.power for token, log in logs.items()}


def bent(row: Row, step: Adaptor) -> Row:
    """The row after one such step."""
    return _BENDS[step.name](row.copy(), step)


def _made(row: Row, log_weight: Callable[[], Mapping[int, arb]], alike: Callable[[int], object]) -> Row:
    """A row with new weights; tokens of equal old weight that are ``alike`` have equal new ones."""

    @functools.cache
    def values(_bits: int) -> Mapping[int, arb]:
        return log_weight()

    def value(token: int) -> arb:
        return values(ctx.prec)[token].exp()

    classes: list[tuple[int, object]] = []
    formal: list[FormalSum] = [FormalSum({})] * len(row.formal)
    for token in row.kept:
        own = alike(token)
        place = next((k for k, (t, o) in enumerate(classes) if o == own and row.compare(t, token) == 0), len(classes))
        if place == len(classes):
            classes.append((token, own))
        formal[token] = _Symbol({(_ZERO, ((-1 - place, _ONE),)): _ONE}, functools.partial(value, token))
    return _on_kept(row, formal, [value(t) if t in row.kept else arb(0) for t in row.whole])


def _on_kept(row: Row, formal: Sequence[FormalSum], balls: Sequence[arb]) -> Row:
    """A row of the kept tokens alone; the others have weight 0, so that they count in no mass."""
    return Row(formal, balls, _ONE, list(row.kept), row.before, True)


def _dynamic_temperature(row: Row, step: Adaptor) -> Row:
    if len(row.kept) == 1:
        return row
    count = len(row.kept) if step.word("count") == "kept" else len(row.whole)
    low, high = step.value - step.number("range"), step.value + step.number("range")
    low = max(low, _ZERO)

    def log_weight() -> dict[int, arb]:
        _, entropy = row.surprisals()
        share = power(entropy / arb(count).log(), step.number("exponent"))
        temperature = low + (high - low) * share
        return {t: log / temperature for t, log in absolute_logs(row, row.kept).items()}

    return _made(row, log_weight, lambda token: None)


def _quadratic(row: Row, step: Adaptor) -> Row:
    curve = step.number("curve")
    square, cube = step.value * (3 - curve) / 2, step.value * (curve - 1) / 2
    top = row.descending()[0]

    def log_weight() -> dict[int, arb]:
        logs = absolute_logs(row, row.kept)
        gaps = {t: logs[top] - x for t, x in logs.items()}
        return {t: logs[top] - (d * d * square + d * d * d * cube) for t, d in gaps.items()}

    return _made(row, log_weight, lambda token: None)


def _seen(row: Row, step: Adaptor) -> tuple[Before, Counter[int]]:
    assert row.before is not None, "refused before where the tokens before are not known"
    return row.before, Counter(windowed(row.before.history, step))


def _lowered(row: Row, by: Mapping[int, fmpq]) -> Row:
    """Weights times e^-by, exactly where the row's own are exact."""
    if row.power == 1 and not any(isinstance(row.formal[t], _Symbol) for t in row.kept):
        formal = [FormalSum({(a - by.get(t, _ZERO), r): c for (a, r), c in f.terms.items()}) for t, f in _listed(row)]
        balls = [row.base(t) * (-arb(by.get(t, _ZERO))).exp() for t in row.whole]
        found = Row(formal, balls, _ONE, list(row.kept), row.before, row.absolute)
        return found if row.absolute else _normalised(row, found)

    def log_weight() -> dict[int, arb]:
        return {t: log - by.get(t, _ZERO) for t, log in absolute_logs(row, row.kept).items()}

    return _made(row, log_weight, lambda token: str(by.get(token, _ZERO)))


def _listed(row: Row) -> list[tuple[int, FormalSum]]:
    return list(enumerate(row.formal))


def _normalised(row: Row, found: Row) -> Row:
    """``found`` with the factor that makes the weights of ``row`` sum to 1, where that is rational; else as symbols."""
    scale = FormalSum.total(row.formal).ratio(FormalSum.of(_ONE, _ZERO))
    if scale is not None:
        formal = [f.scaled(1 / scale) for f in found.formal]
        return Row(formal, [f.ball() for f in formal], _ONE, list(found.kept), found.before, True)

    def log_weight() -> dict[int, arb]:
        total: arb = sum((row.base(t) for t in row.whole), start=arb(0)).log()
        return {t: found.base(t).log() - total for t in found.kept}

    classes = list(found.kept)
    first = {t: next(k for k in classes if found.compare(k, t) == 0) for t in classes}
    return _made(found, log_weight, lambda token: first[token])


def _presence(row: Row, step: Adaptor) -> Row:
    own, seen = _seen(row, step)
    return _lowered(row, {t: step.value for t in row.kept if seen[own.tokens[t]]})


def _frequency(row: Row, step: Adaptor) -> Row:
    own, seen = _seen(row, step)
    return _lowered(row, {t: step.value * seen[own.tokens[t]] for t in row.kept if seen[own.tokens[t]]})


def longest_match(history: Sequence[int], token: int) -> int:
    """The length of the longest end of the history that stood right before an earlier ``token``."""
    longest = 0
    for place in range(len(history)):
        if history[place] == token:
            length = 0
            while length < place and history[place - 1 - length] == history[len(history) - 1 - length]:
                length += 1
            longest = max(longest, length)
    return longest


def _dry(row: Row, step: Adaptor) -> Row:
    own, _ = _seen(row, step)
    history, allowed, base = windowed(own.history, step), int(step.number("allowed").p), step.number("base")
    matches = {t: longest_match(history, own.tokens[t]) for t in row.kept}
    return _lowered(row, {t: step.value * base ** (n - allowed) for t, n in matches.items() if n >= allowed})


def _repetition(row: Row, step: Adaptor) -> Row:
    own, seen = _seen(row, step)
    gauge, penalty = step.number("gauge"), step.value
    repeated = {t for t in row.kept if seen[own.tokens[t]]}
    if not repeated or penalty == 1:
        return row
    exact = _penalised_exactly(row, repeated, penalty) if gauge == 0 else None
    if exact is not None:
        return exact
    shift = gauge * row.power

    def logit_sign(token: int) -> int:
        return sign(lambda: absolute_logs(row, [token])[token] + shift, lambda: _is_one(row, token, shift))

    positive = {t: logit_sign(t) > 0 for t in repeated}

    def log_weight() -> dict[int, arb]:
        found = absolute_logs(row, row.kept)
        factors = {t: 1 / penalty if positive[t] else penalty for t in repeated}
        return found | {t: (found[t] + shift) * k - shift for t, k in factors.items()}

    found = _made(row, log_weight, lambda token: token in repeated)
    law = _rational_law(row)
    if law is not None:  # the others' ratios are known, too
        kept = set(row.kept) - repeated
        formal = [FormalSum.of(law[t], _ZERO) if t in kept else f for t, f in enumerate(found.formal)]
        found = _on_kept(row, formal, found.balls)
    return found


def _rational_law(row: Row) -> list[fmpq] | None:
    """The normalised law of all tokens where it is rational and no temperature was met; else None."""
    if row.power != 1 or any(isinstance(row.formal[t], _Symbol) for t in row.kept):
        return None
    total = FormalSum.of(_ONE, _ZERO) if row.absolute else FormalSum.total(row.formal)
    law = [f.ratio(total) for f in row.formal]
    known = [p for p in law if p is not None]
    return known if len(known) == len(law) else None


def _is_one(row: Row, token: int, shift: fmpq) -> bool:
    """Formal proof that log w + shift = 0: the only token, and no shift."""
    return shift == 0 and not row.absolute and len(row.whole) == 1 and row.whole[0] == token


def _penalised_exactly(row: Row, repeated: set[int], penalty: fmpq) -> Row | None:
    """p^th of the repeated tokens where every p is rational and its power can be written; else None."""
    law = _rational_law(row)
    if law is None or max(law) > 1:
        return None
    formal = []
    for token, p in enumerate(law):
        raised = FormalSum.of(p, _ZERO).power(penalty) if p and token in repeated else FormalSum.of(p, _ZERO)
        if raised is None:
            return None
        formal.append(raised)
    return Row(formal, [f.ball() for f in formal], _ONE, list(row.kept), row.before, True)


_BENDS: dict[str, Callable[[Row, Adaptor], Row]] = {
    "dynamic_temperature": _dynamic_temperature,
    "quadratic": _quadratic,
    "repetition_penalty": _repetition,
    "presence_penalty": _presence,
    "frequency_penalty": _frequency,
    "dry": _dry,
}


__all__ = ["absolute_logs", "bent", "longest_match"]
