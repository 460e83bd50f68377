"""Models looked at closely: the paper's toy, and the words and letter trigrams of the State of the Union speeches."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from flint import arb, fmpq
from scipy.integrate import quad
from scipy.optimize import brentq
from scipy.special import ndtr

from theory import reference_code as audit
from theory.adaptors.exact import adapt, chain, decide
from theory.adaptors.moments import Moments
from theory.alignment.gibbs import Aligned
from theory.arithmetic.exact import Array, Undecided, objects, precision, rational, to_float
from theory.automata.adaptors import adapted_moments, align_automaton, whole_law
from theory.automata.spectral_radius import critical_temperature
from theory.claims.audit.clamped_nll import far_apart
from theory.claims.audit.lost_score import lost_case
from theory.claims.audit.models import COOLED
from theory.claims.audit.prior_without_prompt import unrewarded
from theory.claims.audit.re_binning import C4_POINTS, corpora_of
from theory.claims.audit.unscored_end import ended
from theory.claims.claim import CERTAIN_RADIUS
from theory.claims.correlation.measure import unweighted_correlation, unweighted_spearman
from theory.claims.instances import law_of, named, words_case
from theory.corpora.atoms import atoms
from theory.corpora.mixtures import Joint
from theory.corpora.typicality import conditional_correlation_limit, typical_corpora
from theory.examples.automata import speeches, vowels_over_consonants
from theory.models.finite import FiniteModel
from theory.probability.information import entropy


@dataclass(frozen=True, slots=True)
class ToyStudy:
    """The toy's numbers that the paper's notebook prints, exactly; nats."""

    entropy: float
    prior_entropy: float
    unweighted_pearson: float
    unweighted_spearman: float
    pearson: float
    varentropy: float
    exchange_coefficient: float
    typical_probability: float
    typical_error: float
    conditional_correlation: float
    conditional_limit: float
    rebinned_correlation: float


def rebinned_correlation(correlation: float, corpora: int) -> float:
    """The correlation after equal-count re-binning along L, for a normal pair with this correlation before it.

    Bins of equal width hold equally many corpora afterwards, so L is uniform over the range that the corpora span;
    its variance grows from 1 to (range)^2 / 12 while R given L keeps its spread.
    """
    # the mean range of n standard normal draws: twice the mean of their maximum, the integral of its tails
    span = 2 * quad(lambda x: 1 - ndtr(x) ** corpora - ndtr(-x) ** corpora, 0, 12)[0]
    gain = correlation**2 / (1 - correlation**2) * span**2 / 12
    return math.copysign(math.sqrt(gain / (1 + gain)), correlation)


def toy_study() -> ToyStudy:
    """The toy at N = 100,000 and eps = 0.001; call inside ``precision()``."""
    found: FiniteModel = named("toy")[0].content
    size, epsilon = 100_000, fmpq(1, 1000)
    window = typical_corpora(atoms(found.numbers), size, epsilon)
    return ToyStudy(
        entropy=to_float(found.mean.entropy),
        prior_entropy=to_float(entropy(found.aligned.prior)),
        unweighted_pearson=to_float(unweighted_correlation(found)),
        unweighted_spearman=to_float(unweighted_spearman(found)),
        pearson=to_float(found.mean.correlation),
        varentropy=to_float(found.mean.var_surprisal),
        exchange_coefficient=to_float(found.mean.exchange_coefficient),
        typical_probability=to_float(window.mass),
        typical_error=window.error or 0.0,
        conditional_correlation=to_float(window.conditional_correlation()),
        conditional_limit=to_float(conditional_correlation_limit(found.mean, size, epsilon)),
        rebinned_correlation=rebinned_correlation(to_float(window.conditional_correlation()), 213),
    )


SETTINGS: tuple[tuple[str, str], ...] = (
    ("temperature", "1/2"),
    ("temperature", "4/5"),
    ("temperature", "5/4"),
    ("temperature", "3/2"),
    ("top_k", "5"),
    ("top_k", "10"),
    ("nucleus", "4/5"),
    ("nucleus", "19/20"),
    ("typical", "4/5"),
    ("typical", "19/20"),
    ("eta", "1/100"),
    ("epsilon", "1/100"),
    ("min_p", "1/20"),
    ("min_p", "1/5"),
)


@dataclass(frozen=True, slots=True)
class AdaptorRow:
    """One adaptor setting on the words; nats.

    Args:
        verdict: "trades L for R" (E L falls, E R rises), "trades R for L", "raises both", "lowers both", against p+.
    """

    adaptor: str
    normalise: str
    mean_log_prior: float
    mean_reward: float
    entropy: float
    kl_to_aligned: float
    verdict: str


@dataclass(frozen=True, slots=True)
class Turn:
    """A temperature at which dE L/dtau or dE R/dtau changes sign along the global temperature path.

    Args:
        temperature: T, certified to 1e-6 by the signs on both sides.
        quantity: "E L" or "E R".
        change: "rises" or "falls": what the quantity does on cooling further.
    """

    temperature: float
    quantity: str
    change: str


@dataclass(frozen=True, slots=True)
class WordsStudy:
    """The words at one beta: the aligned law's moments, adaptors, turns of the temperature path, and the carriers.

    Args:
        carriers: words with the largest shares p+ (R - E R)(I - H) of Cov(R, I) = -(1 + b) V: the sign of that
            covariance decides whether cooling costs reward. (word, share), largest first, both signs.
    """

    beta: fmpq
    strings: int
    moments: dict[str, float]
    rows: tuple[AdaptorRow, ...]
    turns: tuple[Turn, ...]
    carriers: tuple[tuple[str, float], ...]
    cov_reward_surprisal: float

    @property
    def trades_off(self) -> bool:
        """Whether temperature trades off at T = 1: b outside [-1, 0]."""
        return not -1 <= self.moments["exchange_coefficient"] <= 0


def words_study(beta: fmpq) -> WordsStudy:
    """The study at one beta; call inside ``precision()``. Cost: about ten seconds."""
    found: FiniteModel = words_case(beta).content
    mean = found.mean
    shares = found.numbers.prob * (found.numbers.reward - mean.mean_reward) * (found.numbers.surprisal - mean.entropy)
    sizes = np.array([to_float(s) for s in shares])
    spread = [*np.argsort(-sizes)[:6], *np.argsort(sizes)[:6][::-1]]
    return WordsStudy(
        beta=beta,
        strings=len(found.aligned),
        moments={
            "log_partition": to_float(found.numbers.log_partition),
            "entropy": to_float(mean.entropy),
            "varentropy": to_float(mean.var_surprisal),
            "mean_log_prior": to_float(mean.mean_log_prior),
            "mean_reward": to_float(mean.mean_reward),
            "var_log_prior": to_float(mean.var_log_prior),
            "var_reward": to_float(mean.var_reward),
            "correlation": to_float(mean.correlation),
            "exchange_coefficient": to_float(mean.exchange_coefficient),
        },
        rows=tuple(_rows(found)),
        turns=tuple(_turns(found)),
        carriers=tuple((_name(found.aligned, int(y)), float(sizes[y])) for y in spread),
        cov_reward_surprisal=to_float(shares.sum()),
    )


def _name(aligned: Aligned, string: int) -> str:
    return aligned.separator.join(aligned.tree.tokens(int(aligned.node[string])))


def _rows(found: FiniteModel) -> Iterator[AdaptorRow]:
    for name, value in SETTINGS:
        kept = decide(found.numbers, chain((name, value)))
        for normalise in ("local", "global"):
            at = found.moments(adapt(found.numbers, kept, normalise))
            yield AdaptorRow(
                adaptor=f"{name} {value}",
                normalise=normalise,
                mean_log_prior=to_float(at.mean_log_prior),
                mean_reward=to_float(at.mean_reward),
                entropy=to_float(at.entropy),
                kl_to_aligned=to_float(at.kl_to_aligned),
                verdict=compared(found.mean, at),
            )


DIRECTIONS = {
    (True, True): "raises both",
    (False, False): "lowers both",
    (False, True): "trades L for R",
    (True, False): "trades R for L",
}
"""In words: whether E L rises, and whether E R does."""


def compared(before: Moments, after: Moments) -> str:
    """How a law stands against p+ in the (E L, E R) plane, each direction decided by a ball."""
    up_l, up_r = (
        _rises(a, b)
        for a, b in ((before.mean_log_prior, after.mean_log_prior), (before.mean_reward, after.mean_reward))
    )
    return DIRECTIONS[up_l, up_r]


def _rises(before: arb, after: arb) -> bool:
    gap = after - before
    if gap > 0:
        return True
    if gap < 0:
        return False
    if gap.contains(0) and float(gap.rad()) < CERTAIN_RADIUS:
        raise Undecided("two means are equal to within a radius of 1e-30")
    raise Undecided("a difference of means is too wide to have a sign")


def _turns(found: FiniteModel, low: float = 0.2, high: float = 5.0) -> Iterator[Turn]:
    """Sign changes of dE L/dtau and dE R/dtau for T in [low, high]: found in float64, certified in balls."""
    numbers = found.aligned.floats()

    def slope(values: Array, t: float) -> float:
        weight = np.exp(-(numbers.surprisal - numbers.surprisal.min()) / t)
        weight /= weight.sum()
        centred = numbers.surprisal - weight @ numbers.surprisal
        return -float(weight @ (values * centred))

    grid = np.geomspace(low, high, 60)
    for quantity, values in (("E L", numbers.log_prior), ("E R", numbers.reward)):
        signs = [math.copysign(1, slope(values, t)) for t in grid]
        for k in range(len(grid) - 1):
            if signs[k] != signs[k + 1]:
                root = float(brentq(functools.partial(slope, values), grid[k], grid[k + 1], xtol=1e-10))
                yield _certified_turn(found, quantity, root)


def _certified_turn(found: FiniteModel, quantity: str, temperature: float) -> Turn:
    values = found.numbers.log_prior if quantity == "E L" else found.numbers.reward
    sides = []
    for shift in (-5e-7, 5e-7):
        tau = arb(1 / (temperature + shift))
        weight = objects((-i * tau).exp() for i in found.numbers.surprisal)
        weight = weight / weight.sum()
        mean = (weight * found.numbers.surprisal).sum()
        slope = -(weight * values * (found.numbers.surprisal - mean)).sum()
        sides.append(1 if slope > 0 else -1 if slope < 0 else 0)
    if sides[0] * sides[1] != -1:
        raise Undecided(f"no certain change of sign of d{quantity}/dtau at T = {temperature:.6f}")
    return Turn(round(temperature, 6), quantity, "rises" if sides[0] > 0 else "falls")


_CRITICAL_BITS = 128
"""Enough for twenty digits of a critical temperature, at half the cost."""

TRIGRAM_TEMPERATURES = ("1/2", "4/5", "5/4", "3/2")


@dataclass(frozen=True, slots=True)
class TrigramStudy:
    """The letter-trigram model of the speeches' sentences at one beta: infinite support, nats.

    Args:
        critical_temperature: above it the global temperature law of p+ has no finite normaliser.
        exists: for each of ``TRIGRAM_TEMPERATURES``, whether its global law exists, decided by balls.
    """

    beta: fmpq
    states: int
    moments: dict[str, float]
    critical_temperature: float
    exists: tuple[bool, ...]


def trigram_study(beta: fmpq) -> TrigramStudy:
    """The study at one beta, R = (vowels - consonants) / beta; call inside ``precision()``. Cost: a few seconds.

    Raises:
        Undecided: a temperature may be the critical one, or none may exist.
    """
    aligned = align_automaton(speeches(vowels_over_consonants(beta)))
    mean = adapted_moments(aligned, whole_law(aligned)).moments
    with precision(_CRITICAL_BITS):
        critical = critical_temperature(aligned.automaton)
    if critical is None:
        raise Undecided("the trigrams have cycles of different weight, so that a critical temperature exists")
    temperatures = [rational(t) for t in TRIGRAM_TEMPERATURES]
    undecided = [t for t in temperatures if not (critical > t or critical < t)]
    if undecided:
        raise Undecided(f"T = {undecided[0]} is too close to the critical temperature")
    return TrigramStudy(
        beta=beta,
        states=aligned.automaton.graph.states,
        moments={
            "log_partition": to_float(aligned.log_partition),
            "entropy": to_float(mean.cross_entropy),
            "varentropy": to_float(mean.var_surprisal),
            "mean_log_prior": to_float(mean.mean_log_prior),
            "mean_reward": to_float(mean.mean_reward),
            "cov": to_float(mean.cov),
            "exchange_coefficient": to_float(mean.exchange_coefficient),
        },
        critical_temperature=to_float(critical),
        exists=tuple(bool(critical > t) for t in temperatures),
    )


# --- the reference code's departures ------------------------------------------------------------------------------


Number = TypeVar("Number", fmpq, arb, float)


@dataclass(frozen=True, slots=True)
class AuditRow:
    """One number as it is, and as a procedure of the reference code has it; None where it does not exist.

    Args:
        name: of the claim, without "audit.".
        model: on which model.
        quantity: which number; nats.
        off: computed - truth, rounded once.
    """

    name: str
    model: str
    quantity: str
    truth: float | None
    computed: float | None
    off: float | None

    @staticmethod
    def of(name: str, model: str, quantity: str, truth: Number | None, computed: Number | None) -> AuditRow:
        """From two rationals, balls or floats, either of which may be missing."""
        one, other = (None if v is None else to_float(v) for v in (truth, computed))
        off = None if truth is None or computed is None else to_float(computed - truth)
        return AuditRow(name, model, quantity, one, other, off)


_MEANS: dict[str, Callable[[Joint], arb | None]] = {
    "E L": audit.mean_log_prior,
    "E R": audit.mean_reward,
    "Corr(L, R)": audit.correlation,
}


def audit_study() -> tuple[AuditRow, ...]:
    """What each departure does to a model whose truth is known; call inside ``precision()``."""
    return tuple(_audit_rows())


def _audit_rows() -> Iterator[AuditRow]:
    c2, c3, wide = (case.content for case in named("C2", "C3", "toy"))
    both = audit.accept_all(c2.numbers, COOLED)
    yield from _departure("accept-all", "C2, T = 1/2", both, "E L", "E R")
    both = audit.flipped_reward(c3.numbers)
    yield from _departure("flipped-reward", "C3", both, "E R", "Corr(L, R)")
    both = unrewarded((2, 1), (1, 3)).departure()
    name = "p(y given a) = (2, 1)/3, p(y given b) = (1, 3)/4, no reward"
    yield from _departure("prior-without-prompt", name, both, "E R", "Corr(L, R)")
    found = ended().content
    both = audit.unscored_end(found.numbers)
    yield from _departure("unscored-end", ended().name, both, "E L", "Corr(L, R)")
    apart = FiniteModel.of(far_apart())
    for law, under in ((None, "p+"), (law_of(apart, [1, 1]), "p")):
        both = audit.clamped(apart.numbers, law)
        yield from _departure("clamped-nll", f"p = (1, 1)/2, R = (0, -40), strings of {under}", both, "E R")
    lost = lost_case()
    both = audit.lost_score(lost.content.numbers, [len(lost.content.aligned) - 1])
    yield from _departure("lost-score", f"{lost.name}, the last string lost", both, "E R", "Corr(L, R)")
    for name, value in (("nucleus", "19/20"), ("typical", "9/10"), ("eta", "9/10000")):
        asked, drawn = audit.hidden_top_k(wide.numbers, chain((name, value)))
        model = f"the toy as one next-token law, {name} {value}"
        yield AuditRow.of("hidden-top-k", model, "tokens kept", len(asked.string), len(drawn.string))
        one, other = (wide.moments(law).correlation for law in (asked, drawn))
        yield AuditRow.of("hidden-top-k", model, "Corr(L, R)", one, other)
    both = audit.censored(c2.numbers, 1)
    yield from _departure("censored-strings", "C2, cut after one token", both, "E L", "Corr(L, R)")
    spread = audit.bootstrap_pool(200_000, 2_000)
    errors = [(wide.mean.var_log_prior * v).sqrt() for v in (spread.error, spread.shown)]
    yield AuditRow.of("bootstrap-pool", "the toy, N = 200,000 from 2,000", "standard error of Lbar", *errors)
    law = corpora_of((2, 1, 2), C4_POINTS, 20, 20).content.law
    one, other = (audit.correlation(v) for v in (law, audit.rebinned(law, 20)))
    yield AuditRow.of("re-binning", "C4, corpora of 20, 20 bins", "Corr of corpora", one, other)
    given_typical = to_float(conditional_correlation_limit(wide.mean, 100_000, fmpq(1, 1000)))
    name = "the toy's typical corpora, as a normal pair, 213 of them"
    yield AuditRow.of("re-binning", name, "Corr of corpora", given_typical, rebinned_correlation(given_typical, 213))


def _departure(name: str, model: str, both: audit.Departure, *quantities: str) -> Iterator[AuditRow]:
    for quantity in quantities:
        yield AuditRow.of(name, model, quantity, *(_MEANS[quantity](law) for law in (both.truth, both.computed)))
