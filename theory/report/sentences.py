"""The sentences that the front page and README print, each attached to the clauses that it summarises.

A sentence is words with numbers from the report. Its clauses are the findings behind it: where one of them does not
stand, the sentence is printed as not established. The tests negate each sentence on random small models and on the
border cases (tests/theory/report/test_sentences.py).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from theory.arithmetic.exact import power_of_ten_above
from theory.claims.correlation.models import PUBLISHED
from theory.claims.grades import Grade, Verdict
from theory.quantities.cooling import WORDS
from theory.report.claims import tally
from theory.report.report import Report
from theory.report.sweep import percent

ABSTRACT = {
    "A": (
        "when sampling corpora from an aligned language model, there exists a trade-off between the strings' average "
        "reward and average log-likelihood under the prior language model"
    ),
    "B": "We provide a formal treatment of this phenomenon",
    "C": ("a choice of sampling adaptor allows for a selection of how much likelihood we exchange for the reward"),
}
"""The abstract's three sentences (arXiv 2406.10203, version 4), in its own words."""


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence that is printed.

    Args:
        name: a slug of its own.
        clauses: what it summarises, "claim#clause" or "claim".
        words: the sentence, with numbers from the report.
    """

    name: str
    clauses: tuple[str, ...]
    words: Callable[[Report], str]

    def text(self, report: Report) -> str:
        """The sentence, or that it is not established, and why."""
        fallen = [
            f"{reference} is {found.shown}"
            for reference in self.clauses
            for found in report.clauses(reference)
            if found.grade in {Grade.REFUTED, Grade.UNDECIDED}
        ]
        return f"Not established ({'; '.join(fallen)})." if fallen else self.words(report)

    def claims(self) -> tuple[str, ...]:
        """The ids of the claims that it leans on, each once."""
        return tuple(dict.fromkeys(reference.partition("#")[0] for reference in self.clauses))


def _fixed(text: str) -> Callable[[Report], str]:
    return lambda report: text


def _measure(report: Report) -> str:
    toy = report.toy
    turned = "depends on the measure" if toy.unweighted_pearson * toy.pearson < 0 else "is the same"
    return (
        f"In the paper's toy the sign of Corr(L, R) {turned}: it is {toy.unweighted_pearson:+.4f} with every string "
        f"counted once, and {toy.pearson:+.4f} under p+, the law that corpora are drawn from."
    )


def _typical(report: Report) -> str:
    toy = report.toy
    return (
        f"Keeping only typical corpora moves the toy's correlation from {toy.pearson:.4f} to "
        f"{toy.conditional_correlation:.4f}. It need not lower a correlation: on C1 and C2 it stays at +1. With eps "
        "fixed, the correlation returns to that of single strings as N grows."
    )


def _share(report: Report) -> str:
    toy = report.toy
    return (
        f"A corpus of the toy is typical with probability {toy.typical_probability:.10f}, by numerical inversion with "
        f"an estimated error below {power_of_ten_above(toy.typical_error)}; the paper's notebook counted "
        f"{PUBLISHED['typical']} of {PUBLISHED['corpora']}."
    )


def cooling_in_words(b: float) -> str:
    """What a small cooling from T = 1 does to (E L, E R), from b = Cov(L, I)/V, where V > 0.

    >>> cooling_in_words(-0.5), cooling_in_words(-1.5), cooling_in_words(0.5)
    ('raises both', 'trades R for L', 'trades L for R')
    """
    return WORDS[_sign(-b), _sign(1 + b)]


def _sign(value: float) -> int:
    return (value > 0) - (value < 0)


def _words(report: Report) -> str:
    found = "; ".join(
        f"{cooling_in_words(study.moments['exchange_coefficient'])} at beta = {study.beta} "
        f"(b = {study.moments['exchange_coefficient']:+.3f})"
        for study in report.words
    )
    return f"On the words of the State of the Union speeches a small global cooling at T = 1 does this: {found}."


def _speeches(report: Report) -> str:
    study = report.speeches
    told = dict.fromkeys(cooling_in_words(row.exchange_coefficient) for row in study.rows)
    critical = [row.critical_temperature for row in study.rows]
    laws = [row for row in study.adapted if row.status == "OK"]
    trading = sum(row.effect.startswith("trades") for row in laws)
    return (
        f"On a bigram model of the speeches' words, with infinitely many strings, a small global cooling at T = 1 "
        f"{' or '.join(told)} with {len(study.rows)} rewards; {trading} of the {len(laws)} adaptors that have a "
        f"law trade, and no globally normalised law exists above T_c = {min(critical):.4f} to {max(critical):.4f}."
    )


def _random(report: Report) -> str:
    sweep = report.sweep
    return (
        f"Of {sweep.models:,} random models of this project's generator, a small global cooling at T = 1 trades in "
        f"{percent(sweep.trades)}, and in {percent(sweep.negative_covariance)} of those with Cov(L, R) < 0. "
        f"{_other_shares(report)}"
    )


def _other_shares(report: Report) -> str:
    """How far the share depends on the generator, at the largest number of strings of the sweep over steps."""
    size = report.steps.by_strings[-1].label
    shares = {
        row.label.split(" ")[0]: row for row in report.steps.by_step_and_strings if row.label.endswith(f" {size}")
    }
    least, most = (choose(shares, key=lambda step: shares[step].bounds[0]) for choose in (min, max))
    return (
        f"The share depends on the generator: of tables of {size} strings {percent(shares[least])} trade if rewards "
        f"are multiples of {least}, and {percent(shares[most])} if they are multiples of {most}."
    )


def _turned(report: Report) -> str:
    names = dict.fromkeys(
        f"audit.{row.name}"
        for row in report.audit
        if row.quantity.startswith("Corr") and row.truth is not None and row.computed is not None
        if row.truth * row.computed < 0
    )
    return (
        "The public code, as read, departs from the definitions in places. Each departure was carried out on models "
        f"with known answers: {len(names)} departures by themselves turn the sign of a correlation."
    )


def _counted(report: Report) -> str:
    controls = [control for result in report.results for control in result.controls]
    clauses = sum(len(result.clauses) for result in report.results)
    refuted = sum(control.verdict is Verdict.REFUTED for control in controls)
    return (
        f"There are {len(report.results)} claims with {clauses} clauses; by their weakest clause: "
        f"{tally(report.results)}. {len(controls)} controls must be refuted: {refuted} refuted."
    )


SUMMARY = (
    Sentence(
        "line",
        ("line.identity#sum", "line.hypotheses#mean-only"),
        _fixed(
            "For every corpus the averages of L and R sum to log Z - Ibar. For independent strings Ibar concentrates "
            "at the entropy H if H is finite."
        ),
    ),
    Sentence(
        "averaging",
        ("correlation.iid#correlation",),
        _fixed(
            "For independent strings from one law Corr(Lbar, Rbar) is the correlation of single strings at every N: "
            "averaging alone creates no trade-off."
        ),
    ),
    Sentence("measure", ("correlation.measure#sign",), _measure),
    Sentence("typical", ("correlation.typical#limit", "correlation.typical#fixed"), _typical),
    Sentence("share", ("line.exact-typicality#toy",), _share),
    Sentence(
        "exchange",
        ("adaptors.exchange#trade", "adaptors.exchange#inside", "adaptors.exchange#slopes"),
        _fixed(
            "A small cooling at T = 1, globally normalised, moves E L and E R in opposite directions to first order "
            "iff b = Cov(L, I)/V is below -1 or above 0. Between -1 and 0 both rise; at -1 or 0 one of them does "
            "not move to first order."
        ),
    ),
    Sentence("words", ("adaptors.exchange#trade",), _words),
    Sentence("speeches", ("adaptors.exchange#trade", "automata.critical-temperature"), _speeches),
    Sentence(
        "none",
        ("adaptors.none#every-law", "adaptors.none#alone"),
        _fixed(
            "There are aligned models on which no adaptor trades: on C1, p = e^R = (1, 2, 4) up to factors, every law "
            "of the strings has E R = E L + log 7."
        ),
    ),
    Sentence(
        "budget",
        ("adaptors.budget#identity", "adaptors.budget#same-entropy"),
        _fixed(
            "E L + E R + H(q) + KL(q || p+) = log Z for every law q of finitely many strings. So an adaptor changes "
            "the sum E L + E R by the entropy that it gives up, less its divergence from p+: "
            "no rate of exchange is fixed."
        ),
    ),
    Sentence("random", ("adaptors.exchange#trade",), _random),
    Sentence(
        "reference-code",
        ("audit.flipped-reward", "audit.unscored-end", "audit.lost-score", "audit.censored-strings"),
        _turned,
    ),
    Sentence("count", (), _counted),
)
"""The summary at the top of the report."""

STANDS = {
    "A": Sentence(
        "stands-A",
        ("correlation.iid#correlation", "correlation.sharp#forced"),
        _fixed(
            "Averaging alone creates no trade-off: for independent strings Corr(Lbar, Rbar) is that of single strings "
            "at every N. It is negative if V < max(Var L, Var R)."
        ),
    ),
    "B": Sentence(
        "stands-B",
        ("line.identity#sum", "line.hypotheses#mean-only"),
        _fixed(
            "Lbar + Rbar = log Z - Ibar for every corpus. For independent strings Ibar concentrates at the entropy H "
            "if H is finite."
        ),
    ),
    "C": Sentence(
        "stands-C",
        ("adaptors.exchange#trade", "adaptors.none#every-law"),
        _fixed(
            "A small cooling at T = 1, globally normalised, trades to first order iff b = Cov(L, I)/V lies outside "
            "[-1, 0]; on some models no adaptor trades."
        ),
    ),
}
"""What stands of each of the abstract's sentences, in a line."""

CAPTIONS = (
    Sentence(
        "toy",
        ("correlation.measure#sign", "correlation.typical#limit", "audit.re-binning#total"),
        _fixed("The toy: what the measure, typicality and re-binning do to the correlation."),
    ),
    Sentence(
        "exchange",
        ("adaptors.exchange#trade",),
        _fixed("Where a small cooling at T = 1 trades to first order: outside the grey, b below -1 or above 0."),
    ),
    Sentence(
        "plane",
        ("adaptors.family#reach", "adaptors.interior#pareto", "adaptors.order-preserving#polygon"),
        _fixed("The pairs of means (E L, E R) that adaptors reach."),
    ),
)
"""The figures of the front page, by their names, with their captions."""
