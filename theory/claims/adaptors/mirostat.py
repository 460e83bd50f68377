"""adaptors.mirostat: the mean surprisal misses Mirostat's target by (mu_0 - mu_T)/(eta T), whatever is drawn."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

from flint import arb, fmpq

from theory.adaptors.mirostat import Counts, Feedback, guided, kept_below, repeated
from theory.arithmetic.exact import rational, to_float
from theory.claims.claim import Case, Claim, Clause, Control, Finding, Profile, of
from theory.claims.instances import case, integer_cases, small
from theory.examples import finite as examples
from theory.models.finite import FiniteModel

_SETTINGS = (
    Feedback(fmpq(3, 4), fmpq(1, 2), fmpq(3, 2)),
    Feedback(fmpq(1, 3), fmpq(1), fmpq(2, 3)),
    Feedback(fmpq(6, 5), fmpq(1, 10), fmpq(12, 5)),
)
_HALF = fmpq(1, 2)


@dataclass(frozen=True, slots=True, eq=False)
class Written:
    """A tree whose strings Mirostat writes once."""

    found: FiniteModel
    feedback: Feedback


@dataclass(frozen=True, slots=True, eq=False)
class Drawn:
    """A table taken for a next-token law that is drawn from again and again, without an end, so many times."""

    found: FiniteModel
    feedback: Feedback
    steps: int

    def sequences(self) -> list[Counts]:
        """All sequences by their counts."""
        return repeated(list(self.found.numbers.surprisal), self.feedback, self.steps)

    def mean_surprisal(self, one: Counts) -> arb:
        """Of the sequences with these counts."""
        total = sum((k * i for k, i in zip(one.count, self.found.numbers.surprisal, strict=True)), start=arb(0))
        return total / self.steps

    def expected(self) -> arb:
        """The expected mean surprisal."""
        return sum((one.prob * self.mean_surprisal(one) for one in self.sequences()), start=arb(0))


def _missed(mean: arb, feedback: Feedback, threshold: arb, steps: int) -> arb:
    """Mean surprisal - target - (mu_0 - mu_T)/(eta T)."""
    return mean - feedback.target - (feedback.start - threshold) / (feedback.rate * steps)


def _mirostat(content: Written | Drawn) -> Iterator[Finding]:
    if isinstance(content, Written):
        yield from _written(content)
    else:
        yield from _drawn(content)


def _written(content: Written) -> Iterator[Finding]:
    """Every string of the tree, reached or not, and the means under the law that Mirostat makes."""
    found, feedback = content.found, content.feedback
    made = guided(found.numbers, feedback)
    rows = zip(found.numbers.surprisal, made.threshold, made.length, strict=True)
    for y, (surprisal, threshold, length) in enumerate(rows):
        steps = int(length)
        yield Finding(f"string {y}", _missed(surprisal / steps, feedback, threshold, steps), clause="identity")
    at, string = found.moments(made.law), made.law.string
    yield Finding("q sums to 1", made.law.prob.sum() - 1, clause="sum")
    steps = (made.law.prob * made.length[string]).sum()
    paid = steps * feedback.target + (feedback.start - (made.law.prob * made.threshold[string]).sum()) / feedback.rate
    gap = at.mean_log_prior + at.mean_reward - found.numbers.log_partition + paid
    yield Finding("E L + E R - log Z + target E T + (mu_0 - E mu_T)/eta", gap, clause="sum")


def _drawn(content: Drawn) -> Iterator[Finding]:
    feedback, steps, found = content.feedback, content.steps, content.found
    sequences = content.sequences()
    yield Finding("probabilities sum to 1", sum((one.prob for one in sequences), start=arb(0)) - 1, clause="clipped")
    missed = (abs(_missed(content.mean_surprisal(one), feedback, one.threshold, steps)) for one in sequences)
    yield Finding(f"the sum over {len(sequences)} counts", sum(missed, start=arb(0)), clause="identity")
    if found.mean.constant.surprisal:
        yield from of("never", _one_surprisal(content, sequences))
    limit, inside = _clipped(found, feedback.target)
    away = content.expected() - limit
    yield Finding(
        "the expected mean surprisal tends to the clipped target", away, tolerance=2 / steps, clause="clipped"
    )
    if not inside:
        yield Finding("the clipped target is another", abs(limit - feedback.target), "positive", clause="clipped")


def _one_surprisal(content: Drawn, sequences: list[Counts]) -> Iterator[Finding]:
    """All tokens have one surprisal, H, so that every sequence has it for its mean, and mu moves by one step."""
    entropy, feedback, steps = content.found.mean.entropy, content.feedback, content.steps
    yield Finding("target > H", feedback.target - entropy, "positive")
    for one in sequences:
        yield Finding(f"{one.count}: mean surprisal = H", content.mean_surprisal(one) - entropy)
        grown = feedback.start + steps * feedback.rate * (feedback.target - entropy)
        yield Finding(f"{one.count}: mu_T = mu_0 + T eta (target - H)", one.threshold - grown)


def _clipped(found: FiniteModel, target: fmpq) -> tuple[arb, bool]:
    """The target clipped to [min I, H], and whether it lies inside."""
    least = min(found.numbers.surprisal, key=to_float)
    low, high = bool(target < least), bool(target > found.mean.entropy)
    return (least if low else found.mean.entropy if high else arb(target)), not (low or high)


def _cases(profile: Profile) -> Iterator[Case]:
    for one, feedback in zip(small(profile), itertools.cycle(_SETTINGS)):
        yield Case(f"{one.name}, target {feedback.target}", Written(one.content, feedback), one.spec)
    for weights, target in (
        ((1, 1), fmpq(1)),
        ((1, 2), fmpq(3, 5)),
        ((1, 2), fmpq(1, 2)),
        ((1, 2), fmpq(9, 10)),
        ((1, 2), fmpq(1, 5)),
        ((1, 2, 4), fmpq(4, 5)),
        ((1, 2, 4), fmpq(2)),
    ):
        table = case("", examples.table(weights, (1,) * len(weights)))
        for steps in (16, 64, 256) if profile.full and len(weights) == 2 else (16, 64):
            content = Drawn(table.content, Feedback(target, _HALF, 2 * target), steps)
            yield Case(
                f"p+ = {weights}/{sum(weights)} again and again, target {target}, T = {steps}", content, table.spec
            )


# --- controls -----------------------------------------------------------------------------------------------------


def _always_met(found: FiniteModel) -> Iterator[Finding]:
    drawn = Drawn(found, Feedback(fmpq(1), _HALF, fmpq(2)), 64)
    yield Finding("the expected mean surprisal of 64 tokens is 1, the target", drawn.expected() - 1, tolerance=2 / 64)


def _up_to_the_largest(found: FiniteModel) -> Iterator[Finding]:
    """A target half way between H and max I would be met."""
    if not found.mean.constant.surprisal:
        largest = max(map(to_float, found.numbers.surprisal))
        target = rational(round((to_float(found.mean.entropy) + largest) / 2, 3))
        away = Drawn(found, Feedback(target, _HALF, 2 * target), 64).expected() - target
        yield Finding(f"the expected mean surprisal of 64 tokens is {target}, the target", away, tolerance=2 / 64)


def _turned(found: FiniteModel) -> Iterator[Finding]:
    feedback = _SETTINGS[0]
    for y, surprisal in enumerate(found.numbers.surprisal):
        threshold = feedback.start + feedback.rate * (surprisal - feedback.target)
        yield Finding(f"string {y}, one token", _missed(surprisal, feedback, threshold, 1))


def _after_truncation(found: FiniteModel) -> Iterator[Finding]:
    """The surprisal under the truncated law, renormalised, is fed back; one token is drawn."""
    feedback, surprisal = _SETTINGS[1], list(found.numbers.surprisal)
    kept = kept_below(surprisal, arb(feedback.start))
    lost = sum(((-surprisal[k]).exp() for k in kept), start=arb(0)).log()
    for k in kept:
        threshold = feedback.after(arb(feedback.start), surprisal[k] + lost)
        yield Finding(f"token {k} of {len(kept)} kept", _missed(surprisal[k], feedback, threshold, 1))


CLAIM = Claim(
    id="adaptors.mirostat",
    sentence="C",
    clauses=(
        Clause(
            name="identity",
            text="with Mirostat the mean surprisal of any T tokens, whatever is truncated, is the target plus "
            "(mu_0 - mu_T)/(eta T), so that it tends to the target iff mu_T/T tends to 0",
            formula=r"\frac1T\sum_{t<T}I_t-\text{target}=\frac{\mu_0-\mu_T}{\eta T}",
            formal=("adaptors_mirostat_identity",),
        ),
        Clause(
            name="never",
            text="on p+ = (1, 1)/2 with a target of 1 nat the mean surprisal stays at log 2 = .693 in every sequence, and "
            "mu grows without bound, by eta (1 - log 2) a token",
            formula=r"\mu_T=\mu_0+T\eta(1-\log2)",
            formal=("adaptors_mirostat_never",),
        ),
        Clause(
            name="clipped",
            text="drawn again and again from one next-token law of finitely many tokens, the expected mean surprisal tends "
            "to the target clipped to [min I, H]: the target is met iff min I <= target <= H",
            formula=r"\frac1T\,\mathbb E\sum_{t<T}I_t\to\min(\max(\text{target},\min I),H)",
        ),
        Clause(
            name="sum",
            text="on a finite tree Mirostat's law of strings has E L + E R = log Z - target E T - (mu_0 - E mu_T)/eta, T the "
            "tokens of the string with its end: the target sets the sum of the two means, not their exchange",
            formula=r"\mathbb E_qL+\mathbb E_qR=\log Z-\text{target}\;\mathbb E_qT-\frac{\mu_0-\mathbb E_q\mu_T}{\eta}",
        ),
    ),
    hypotheses=(
        "mu_{t+1} = mu_t - eta (I_t - target), eta > 0, I_t = -log p+(token | prefix) under the law before truncation",
        "kept are the tokens of surprisal at most mu_t, the most probable one at least (Mirostat, version 2)",
        "surprisals, target and mu in nats; the paper has them in bits",
    ),
    source="Basu, Ramachandran, Keskar and Varshney (2021), arXiv:2007.14966",
    check=_mirostat,
    cases=_cases,
    controls=(
        Control("always-met", "says that a target of 1 nat is always met", _always_met, integer_cases, smallest=True),
        Control(
            "up-to-the-largest",
            "says that a target is met up to the largest surprisal, not to H alone",
            _up_to_the_largest,
            integer_cases,
            smallest=True,
        ),
        Control(
            "turned",
            "turns the feedback round: mu_{t+1} = mu_t + eta (I_t - target)",
            _turned,
            integer_cases,
            smallest=True,
        ),
        Control(
            "after-truncation",
            "feeds back the surprisal under the truncated law",
            _after_truncation,
            integer_cases,
            smallest=True,
        ),
    ),
    remark="For a target above H the threshold rises until nothing is truncated, for one below min I it falls until the "
    "most probable token alone is left: the mean surprisal is then H or min I. Some public implementations read the "
    "surprisal after renormalising: what then meets the target is the mean of -log q of the law that is sampled.",
    order=4140,
    sketch=r"""
Sum $\mu_{t+1}-\mu_t=-\eta(I_t-\text{target})$ over $t<T$. For one next-token law: truncation never has a mean surprisal
above $H$ nor below $\min I$, so a target outside that range drives $\mu$ in one direction without end.
A target inside pulls $\mu$ down while
nothing is truncated and up while one token is left: $\mu$ stays of the order of its steps on average. On a tree a
string's surprisals sum to $I(y)=\log Z-L-R$.
""",
)
