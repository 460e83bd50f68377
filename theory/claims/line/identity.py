"""line.identity: for every corpus the two averages sum to log Z minus the average surprisal."""

from __future__ import annotations

from collections.abc import Iterator

from flint import fmpq

from theory.claims.claim import Case, Claim, Clause, Control, Finding, Profile
from theory.claims.instances import integer_cases, named, small
from theory.claims.line.models import SizedCorpus, sized
from theory.models.finite import FiniteModel
from theory.probability.information import surprisal as surprisal_of


def _identity(content: SizedCorpus | FiniteModel) -> Iterator[Finding]:
    """Ibar from the probabilities p+ = p e^R / Z themselves, which know nothing of L and R."""
    found = content.found if isinstance(content, SizedCorpus) else content
    numbers, surprisal = found.numbers, surprisal_of(found.numbers.prob)
    if isinstance(content, SizedCorpus):
        averages = [(row * surprisal).sum() / content.size for row in content.corpora.counts.astype(object)]
        sums = content.corpora.log_prior + content.corpora.reward
    else:
        averages, sums = list(surprisal), numbers.log_prior + numbers.reward
    gaps = [s - numbers.log_partition + i for s, i in zip(sums, averages, strict=True)]
    yield Finding("Lbar + Rbar - log Z + Ibar, the worst corpus", max(gaps, key=lambda g: float(g.abs_upper())))


def _difference(content: SizedCorpus) -> Iterator[Finding]:
    line = content.found.numbers.log_partition - content.found.mean.entropy
    for lbar, rbar, dev in zip(content.corpora.log_prior, content.corpora.reward, content.deviation, strict=True):
        yield Finding("Lbar - Rbar = log Z - Ibar", lbar - rbar - line + dev)


def _without_partition(content: SizedCorpus) -> Iterator[Finding]:
    numbers = content.found.numbers
    for row, lbar, rbar in zip(
        content.corpora.counts.astype(object), content.corpora.log_prior, content.corpora.reward, strict=True
    ):
        yield Finding("Lbar + Rbar = -Ibar", lbar + rbar + (row * numbers.surprisal).sum() / content.size)


def _identity_cases(profile: Profile) -> list[Case]:
    return [*sized(small(profile), (2, 3), fmpq(1, 10)), *named("toy")]


def _integer_pairs(profile: Profile) -> Iterator[Case]:
    """The smallest tables with corpora of one and two strings."""
    for one in integer_cases(profile):
        yield from sized([one], (1, 2), fmpq(1, 10))


CLAIM = Claim(
    id="line.identity",
    sentence="B",
    clauses=(
        Clause(
            name="sum",
            text="for every corpus of strings of positive p+ the average log-likelihood and the average reward sum to "
            "log Z minus the average surprisal",
            formula=r"\bar L+\bar R=\log Z-\bar I,\qquad I=-\log p_+",
            formal=("line_identity_every_corpus",),
        ),
    ),
    hypotheses=("p+ is the Gibbs law of p and r: Z is finite",),
    source="the definition of p+, averaged",
    check=_identity,
    cases=_identity_cases,
    everywhere=True,
    controls=(
        Control("difference", "subtracts the averages", _difference, _integer_pairs, smallest=True),
        Control("no-partition", "leaves log Z out", _without_partition, _integer_pairs, smallest=True),
    ),
    order=2010,
    sketch=r"""
The logarithm of $p_+=p\,e^{r/\beta}/Z$ is $-I=L+R-\log Z$ on every string; average over the corpus, in which a string may occur
any number of times.
""",
)
