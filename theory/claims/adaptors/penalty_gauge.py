"""adaptors.penalty-gauge: a repetition penalty depends on the constant in the logits, which a law does not know."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from flint import arb, fmpq

from theory.adaptors.applied import applied, weights_of
from theory.adaptors.exact import Row, adaptor
from theory.adaptors.rows import Before
from theory.arithmetic.exact import Array, objects
from theory.claims.claim import Case, Claim, Clause, Control, Finding, Profile, of
from theory.claims.instances import integer_cases, law_of, named, random_laws
from theory.models.finite import FiniteModel

CONSTANTS = (fmpq(-1), fmpq(0), fmpq(1), fmpq(5), fmpq(20))
"""What the logits have beyond log-probabilities."""

PENALTIES = (fmpq(13, 10), fmpq(2))
FAR = fmpq(100)


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """A next-token law (the strings of a table are the tokens), of which one token was seen before."""

    found: FiniteModel
    token: int = 0

    def after(self, name: str, value: fmpq, gauge: fmpq) -> Array:
        """The law after a penalty, for logits log p + gauge; shape (n,).

        An additive penalty has no option for the constant, which is added to its logits afterwards.
        """
        aligned = self.found.aligned
        formal, size = aligned.weights(), len(aligned)
        balls = list(self.found.numbers.prob)
        row = Row(formal, balls, fmpq(1), list(range(size)), Before((self.token,), tuple(range(size))))
        options = {"gauge": gauge} if name == "repetition_penalty" else {}
        weights = weights_of(applied(row, (adaptor(name, value, **options),)))
        if not options:
            weights = [w * arb(gauge).exp() for w in weights]
        total = sum(weights[1:], start=weights[0])
        return objects(w / total for w in weights)

    def log_odds(self, law: Array) -> arb:
        """How much the odds of the seen token against the others are multiplied, as a logarithm, nats."""
        own, prob = law[self.token], self.found.numbers.prob[self.token]
        found: arb = (own / (1 - own)).log() - (prob / (1 - prob)).log()
        return found

    def expected(self, penalty: fmpq, gauge: fmpq) -> arb:
        """-(th - 1) |z| where z <= 0, and -(1 - 1/th) z where z >= 0, for z = log p + gauge."""
        logit = self.found.numbers.prob[self.token].log() + gauge
        return logit * (penalty - 1) if logit < 0 else -logit * (1 - 1 / penalty)


def _penalty_gauge(content: Seen) -> Iterator[Finding]:
    found = content.found
    for penalty in PENALTIES:
        laws = {c: content.after("repetition_penalty", penalty, c) for c in CONSTANTS}
        for constant, law in laws.items():
            label = f"th = {penalty}, constant {constant}"
            yield Finding(
                f"{label}: log odds", content.log_odds(law) - content.expected(penalty, constant), clause="odds"
            )
            yield from of("segment", _on_the_segment(content, law, label))
        far = content.after("repetition_penalty", penalty, FAR)
        gap = laws[fmpq(0)][content.token] - far[content.token]
        yield Finding(f"th = {penalty}: q(seen) at constant 0 - at {FAR}", gap, "positive", clause="depends")
    for name in ("presence_penalty", "frequency_penalty"):
        base = content.after(name, fmpq(1, 2), fmpq(0))
        odds = content.log_odds(base) + fmpq(1, 2)
        yield Finding(f"{name}: log odds + 1/2", odds, clause="additive")
        for constant in CONSTANTS:
            other = content.after(name, fmpq(1, 2), constant)
            for place in range(len(found.aligned)):
                yield Finding(f"{name}, constant {constant}", other[place] - base[place], clause="additive")


def _on_the_segment(content: Seen, law: Array, label: str) -> Iterator[Finding]:
    """E L and E R are a mixture of p+'s and those of p+ without the token, by one share for both."""
    found, token = content.found, content.token
    without = found.moments(law_of(found, [0 if k == token else p for k, p in enumerate(found.numbers.prob)]))
    after = found.moments(law_of(found, law))
    share = law[token] / found.numbers.prob[token]
    for name, key in (("E L", "mean_log_prior"), ("E R", "mean_reward")):
        own, bare = getattr(found.mean, key), getattr(without, key)
        yield Finding(f"{label}: {name}", getattr(after, key) - bare - share * (own - bare))
    yield Finding(f"{label}: 1 - share", 1 - share, "positive")


def _no_function(content: FiniteModel) -> Iterator[Finding]:
    if len(content.aligned) > 1:
        seen = Seen(content)
        one, other = (seen.after("repetition_penalty", fmpq(2), c) for c in (fmpq(0), fmpq(1)))
        yield Finding("q(seen) at constant 1 - at constant 0", other[0] - one[0])


def _ever_stronger(content: FiniteModel) -> Iterator[Finding]:
    if len(content.aligned) > 1:
        seen = Seen(content)
        one, other = (seen.after("repetition_penalty", fmpq(2), c) for c in (fmpq(0), fmpq(1)))
        yield Finding("q(seen) at constant 0 - at constant 1", one[0] - other[0], "nonnegative")


def _same_odds(content: FiniteModel) -> Iterator[Finding]:
    if len(content.aligned) > 1:
        seen = Seen(content)
        one, other = (seen.after("repetition_penalty", fmpq(2), c) for c in (fmpq(0), fmpq(20)))
        yield Finding("log odds at constant 20 - at constant 0", seen.log_odds(other) - seen.log_odds(one))


def _cases(profile: Profile) -> list[Case]:
    found = []
    for own in [*named("C1", "C3", "C4", "C5"), *random_laws(profile)]:
        aligned = own.content.aligned
        if len(aligned.tree.levels) == 3 and len(aligned) > 1:
            found += [
                Case(f"{own.name}, token {k} seen", Seen(own.content, k), own.spec) for k in (0, len(aligned) - 1)
            ]
    return found


CLAIM = Claim(
    id="adaptors.penalty-gauge",
    sentence="C",
    clauses=(
        Clause(
            name="depends",
            text="a repetition penalty th > 1 is no function of the next-token law: for one law and logits log p + c, the "
            "probability of a token that was seen depends on the constant c",
        ),
        Clause(
            name="odds",
            text="where one token was seen, its odds against the others are multiplied by e^(-(th - 1) |z|) for z <= 0 and "
            "by e^(-(1 - 1/th) z) for z >= 0, with z = log p + c its logit",
            formula=r"\frac{q}{1-q}=\frac{p}{1-p}\,e^{-(\theta-1)|z|}\ (z\le0),\qquad"
            r"\frac{q}{1-q}=\frac{p}{1-p}\,e^{-(1-1/\theta)z}\ (z\ge0)",
        ),
        Clause(
            name="segment",
            text="where one token was seen, (E L, E R) over all constants is the segment from p+ to p+ without that token, "
            "the latter end excluded",
        ),
        Clause(
            name="additive",
            text="presence and frequency penalties, which subtract from the logits of seen tokens, give one law for "
            "all constants: the odds of a token seen once are multiplied by e^-value",
        ),
    ),
    hypotheses=("a next-token law of two or more tokens", "th > 1"),
    source="z > 0 ? z / th : z th as Keskar et al. (2019) is implemented in engines",
    check=_penalty_gauge,
    cases=_cases,
    controls=(
        Control(
            name="function-of-the-law",
            breaks="says that the constant does not matter",
            check=_no_function,
            cases=integer_cases,
            smallest=True,
        ),
        Control(
            name="ever-stronger",
            breaks="says that a larger constant never makes the seen token more probable",
            check=_ever_stronger,
            cases=integer_cases,
            smallest=True,
        ),
        Control(
            name="odds-alone",
            breaks="says that the factor of the odds is the same at constants 0 and 20",
            check=_same_odds,
            cases=integer_cases,
            smallest=True,
        ),
    ),
    remark="Two checkpoints of one model, or one model in two engines, may differ by a constant in their logits without "
    "differing in any probability; their repetition penalties then differ.",
    order=4160,
    sketch=r"""
With one seen token of logit $z=\log p+c$ the others keep their weights $e^{z_j}$, so its odds are multiplied by $e^{f(z)-z}$, where
$f(z)=\theta z$ for $z\le0$ and $z/\theta$ for $z\ge0$. The exponent $f(z)-z$ is $(\theta-1)z$ below 0 and $-(1-1/\theta)z$ above:
continuous, 0 at 0 and falling to $-\infty$ on both sides, so every factor in $(0,1)$ is met twice as $c$ runs over the reals. The law
is a mixture of $p_+$ without the token and the token alone, and so are its means. Subtracting a number that does not depend on $z$
multiplies the odds by a constant factor, and a common factor of all weights cancels.
""",
)
