"""Every sentence of the front page, negated on random small models and on the border cases: no model may violate it.

The models are weights of p and of e^R as integers; everything is computed from them here, in float64 with formal zeros,
by routes that share nothing with the claims.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import pytest
from flint import arb
from numpy.typing import NDArray

from theory.arithmetic.exact import Diverges, rational
from theory.automata.ngram import ngram_moments
from theory.claims.instances import integer_tables
from theory.claims.registry import claims
from theory.examples.speech_ngrams import length, speech_bigrams, valence
from theory.examples.words import speeches
from theory.report.ngrams import REWARDS
from theory.report.paper_check import TELLING
from theory.report.records import sweep_record, sweep_steps_record
from theory.report.sentences import CAPTIONS, STANDS, SUMMARY, Sentence, cooling_in_words

Vector = NDArray[np.float64]

ALL = (*SUMMARY, *STANDS.values(), *CAPTIONS)
CLAUSES = {claim.id: [clause.name for clause in claim.clauses] for claim in claims()}


@dataclass(frozen=True, slots=True)
class Model:
    """A table from integer weights: p, L, R, p+ and I as they are defined."""

    prior: tuple[int, ...]
    exp_reward: tuple[int, ...]

    @property
    def log_prior(self) -> Vector:
        return np.asarray(np.log(np.array(self.prior) / sum(self.prior)))

    @property
    def reward(self) -> Vector:
        return np.log(np.array(self.exp_reward, dtype=float))

    @property
    def weights(self) -> tuple[int, ...]:
        return tuple(a * b for a, b in zip(self.prior, self.exp_reward, strict=True))

    @property
    def log_partition(self) -> float:
        return math.log(sum(self.weights) / sum(self.prior))

    @property
    def law(self) -> Vector:
        return np.array(self.weights) / sum(self.weights)

    @property
    def surprisal(self) -> Vector:
        return -np.log(self.law)

    def cov(self, first: Vector, second: Vector) -> float:
        return float(self.law @ ((first - self.law @ first) * (second - self.law @ second)))

    @property
    def exchange_coefficient(self) -> float:
        return self.cov(self.log_prior, self.surprisal) / self.cov(self.surprisal, self.surprisal)

    def cooled(self, tau: float) -> tuple[float, float]:
        """(E L, E R) under the law proportional to p+ ** tau."""
        weight = self.law**tau
        return float(weight @ self.log_prior / weight.sum()), float(weight @ self.reward / weight.sum())


BORDERS = (
    Model((1,), (1,)),
    Model((1, 1), (1, 1)),
    Model((1, 2), (2, 1)),
    Model((1, 1), (1, 2)),
    Model((1, 2), (1, 1)),
    Model((1, 4, 8), (1, 8, 2)),
    Model((1, 8, 2), (1, 4, 8)),
    Model((1, 1, 2), (1, 5, 2)),
    Model((1, 20, 400), (30, 8, 1)),
)


def models() -> Iterator[Model]:
    """The borders, all tables of two and three strings with weights that sum to at most 11, and 200 random ones."""
    yield from BORDERS
    for strings, total in itertools.product((2, 3), range(4, 12)):
        for p, x in integer_tables(strings, total):
            yield Model(p, x)
    rng = np.random.default_rng(7)
    for _ in range(200):
        size = int(rng.integers(2, 7))
        yield Model(tuple(rng.integers(1, 20, size).tolist()), tuple(rng.integers(1, 20, size).tolist()))


MODELS = tuple(models())


def corpora(model: Model, size: int) -> Iterator[tuple[float, float, float, float]]:
    """(probability, Lbar, Rbar, Ibar) of every corpus of so many strings."""
    prob, log_prior, reward, surprisal = model.law, model.log_prior, model.reward, model.surprisal
    for chosen in itertools.product(range(len(prob)), repeat=size):
        at = list(chosen)
        means = (float(values[at].mean()) for values in (log_prior, reward, surprisal))
        yield float(np.prod(prob[at])), next(means), next(means), next(means)


def correlation(points: NDArray[np.float64]) -> float | None:
    """The correlation of columns 1 and 2 weighted by column 0; None where one is constant."""
    weight = points[:, 0] / points[:, 0].sum()
    first, second = (points[:, k] - weight @ points[:, k] for k in (1, 2))
    var = float(weight @ first**2), float(weight @ second**2)
    return None if min(var) < 1e-20 else float(weight @ (first * second)) / math.sqrt(var[0] * var[1])


# --- the negations ------------------------------------------------------------------------------------------------


def off_the_line(model: Model) -> bool:
    """A corpus whose averages do not sum to log Z - Ibar, or mass off the line above V / (N eps^2)."""
    variance, entropy = model.cov(model.surprisal, model.surprisal), float(model.law @ model.surprisal)
    for size in (1, 2) if len(model.prior) > 3 else (1, 2, 3):
        outside = 0.0
        for prob, one, two, surprisal in corpora(model, size):
            if abs(one + two - model.log_partition + surprisal) > 1e-9:
                return True
            outside += prob * (abs(surprisal - entropy) >= 0.3)
        if outside > variance / (size * 0.09) + 1e-9:
            return True
    return False


def averaging_matters(model: Model) -> bool:
    """Corpora of two or three strings with another correlation than that of strings."""
    string = correlation(np.array(list(corpora(model, 1))))
    sizes = (2,) if len(model.prior) > 3 else (2, 3)
    several = [correlation(np.array(list(corpora(model, size)))) for size in sizes]
    return any((string is None) != (one is None) or abs((string or 0) - (one or 0)) > 1e-9 for one in several)


def small_cooling_differs(model: Model) -> bool:
    """A small cooling that moves the means otherwise than b says: by symmetric differences of the means themselves."""
    if len(set(model.weights)) == 1:
        return False
    step = 1e-4
    (low_l, low_r), (high_l, high_r) = model.cooled(1 - step), model.cooled(1 + step)
    slopes = (high_l - low_l) / (2 * step), (high_r - low_r) / (2 * step)
    b = model.exchange_coefficient
    if min(abs(b), abs(1 + b)) < 1e-12:
        return min(map(abs, slopes)) > 1e-6
    if min(map(abs, slopes)) < 1e-6:
        return False  # too near the border for differences
    told = {(True, True): "raises both", (True, False): "trades R for L", (False, True): "trades L for R"}
    return told.get((slopes[0] > 0, slopes[1] > 0)) != cooling_in_words(b)


def small_variance_without_effect(model: Model) -> bool:
    """V < max(Var L, Var R), and yet a correlation that is not negative."""
    variances = [model.cov(v, v) for v in (model.surprisal, model.log_prior, model.reward)]
    if variances[0] < max(variances[1:]) - 1e-12 and min(variances[1:]) > 1e-12:
        return model.cov(model.log_prior, model.reward) >= 0
    return False


def budget_missed(model: Model) -> bool:
    """A law q whose E L + E R + H + KL to p+ is not log Z, zeros of q allowed."""
    rng = np.random.default_rng(len(model.prior))
    for _ in range(3):
        q = rng.integers(0, 5, len(model.prior)).astype(float)
        if not q.any():
            continue
        q /= q.sum()
        kept = q > 0
        entropy = -float(q[kept] @ np.log(q[kept]))
        divergence = float(q[kept] @ (np.log(q[kept]) - np.log(model.law[kept])))
        total = float(q @ (model.log_prior + model.reward)) + entropy + divergence
        if abs(total - model.log_partition) > 1e-9 or divergence < -1e-12:
            return True
    return False


NEGATED: dict[str, Callable[[Model], bool]] = {
    "line": off_the_line,
    "averaging": averaging_matters,
    "exchange": small_cooling_differs,
    "budget": budget_missed,
    "stands-A": lambda model: averaging_matters(model) or small_variance_without_effect(model),
    "stands-B": off_the_line,
    "stands-C": small_cooling_differs,
}
"""The sentences that speak of every model, each as what would be a violation of it."""

OWN_TEST = {"measure", "typical", "share", "words", "speeches", "none", "random"}
"""Those that speak of one model or one record: below."""

COUNTED = {"count", "reference-code"}
"""Those that only count what the report holds: tests/theory/report/test_pages.py."""

LABELS = {"toy", "plane"}
"""Captions that name what is drawn and claim nothing."""


@pytest.mark.parametrize("name", NEGATED)
def test_no_model_violates_it(name: str) -> None:
    assert [model for model in MODELS if NEGATED[name](model)] == []


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("exchange", lambda model: model.cov(model.log_prior, model.reward) < 0 and model.exchange_coefficient < 0),
        ("averaging", lambda model: model.cov(model.log_prior, model.reward) > 0),
        ("stands-A", lambda model: model.cov(model.log_prior, model.reward) < 0),
    ],
)
def test_the_models_could_violate_something(name: str, wrong: Callable[[Model], bool]) -> None:
    """The models are various enough that stronger sentences fail: negative covariances inside, positive ones, both."""
    assert name in NEGATED
    chosen = [model for model in MODELS if len(set(model.weights)) > 1]
    assert any(map(wrong, chosen))
    assert not all(map(wrong, chosen))


def test_every_sentence_is_tested() -> None:
    """By a negation, by a test of its own, or because it only counts or labels."""
    names = [sentence.name for sentence in (*SUMMARY, *STANDS.values())]
    assert len(set(names)) == len(names)
    assert set(names) <= NEGATED.keys() | OWN_TEST | COUNTED
    assert {caption.name for caption in CAPTIONS} <= NEGATED.keys() | LABELS


@pytest.mark.parametrize("sentence", ALL, ids=lambda sentence: sentence.name)
def test_a_sentence_names_clauses_that_there_are(sentence: Sentence) -> None:
    """A sentence without a clause behind it fails; only the count of everything has none of its own."""
    assert sentence.clauses or sentence.name == "count"
    for reference in sentence.clauses:
        claim_id, _, name = reference.partition("#")
        assert claim_id in CLAUSES
        assert not name or name in CLAUSES[claim_id], reference


def test_what_is_told_is_a_claim() -> None:
    assert {claim_id for ids in TELLING.values() for claim_id in ids} <= CLAUSES.keys()


# --- sentences on one model ---------------------------------------------------------------------------------------


def toy() -> tuple[Vector, Vector, Vector]:
    """(p+, L, R) of the toy, drawn again as the notebook says; R is log(p+/p)."""
    random = np.random.RandomState(42)
    aligned = random.dirichlet([0.1] * 1000)
    logits = aligned ** (1 / 42) + random.uniform(-0.42, 0.42, 1000)
    prior = np.exp(logits - logits.max())
    prior /= prior.sum()
    kept = aligned > 0
    return aligned[kept], np.log(prior[kept]), np.log(aligned[kept] / prior[kept])


def weighted(law: Vector, first: Vector, second: Vector) -> float:
    return float(law @ ((first - law @ first) * (second - law @ second)))


def test_measure() -> None:
    """+0.4856 with every string counted once, -0.1294 under p+."""
    law, log_prior, reward = toy()
    assert np.corrcoef(log_prior, reward)[0, 1] == pytest.approx(0.4856, abs=5e-5)
    found = weighted(law, log_prior, reward)
    found /= math.sqrt(weighted(law, log_prior, log_prior) * weighted(law, reward, reward))
    assert found == pytest.approx(-0.1294, abs=5e-5)


def test_share() -> None:
    """The normal law gives 0.2090 for the toy's typical corpora, within the next order at N = 100,000."""
    law, log_prior, reward = toy()
    surprisal = -np.log(law)
    variance = weighted(law, surprisal, surprisal)
    share = math.erf(0.001 * math.sqrt(100_000 / (2 * variance)))
    assert share == pytest.approx(0.2089852674, abs=1e-4)
    assert np.allclose(log_prior + reward, -surprisal)


def test_typical() -> None:
    """On C1 and C2 typical corpora stay on a rising line; with a fixed eps and more data the strings' value returns."""
    for model in (Model((1, 2, 4), (1, 2, 4)), Model((2, 2, 2, 2, 3), (2, 2, 2, 2, 3))):
        entropy = float(model.law @ model.surprisal)
        kept = np.array([point for point in corpora(model, 4) if abs(point[3] - entropy) < 0.4])
        assert correlation(kept) == pytest.approx(1)
    model, found = Model((8, 4, 1), (1, 1, 8)), []
    entropy = float(model.law @ model.surprisal)
    for size in (4, 9, 40, 160):
        points = []
        for first in range(size + 1):
            for second in range(size + 1 - first):
                counts = np.array([first, second, size - first - second])
                ways = math.lgamma(size + 1) - sum(math.lgamma(k + 1) for k in counts)
                mean = counts / size
                if abs(mean @ model.surprisal - entropy) < 0.1:
                    prob = math.exp(ways + float(counts @ np.log(model.law)))
                    points.append((prob, mean @ model.log_prior, mean @ model.reward))
        found.append(correlation(np.array(points)))
    string = correlation(np.array(list(corpora(model, 1))))
    assert string is not None
    assert abs((found[-1] or 0) - string) < 0.01 < abs((found[1] or 0) - string)


def test_words() -> None:
    """What cooling by a thousandth does to the two means of the words, by the masses themselves."""
    told = {}
    for beta in ("1/2", "1", "2"):
        aligned = speeches(rational(beta))
        prior = np.array([int(q.p) / int(q.q) for q in aligned.prior])
        log_prior = np.log(prior)
        reward = np.array([float(arb(one.exponent)) + float(arb(one.factor).log()) for one in aligned.reward])
        law = prior * np.exp(reward) / (prior @ np.exp(reward))
        means = []
        for tau in (1.0, 1.001):
            weight = law**tau / np.sum(law**tau)
            means.append((weight @ log_prior, weight @ reward))
        (before_l, before_r), (after_l, after_r) = means
        up = (bool(after_l > before_l), bool(after_r > before_r))
        told[beta] = {(True, True): "raises both", (True, False): "trades R for L", (False, True): "trades L for R"}[up]
    assert told == {"1/2": "raises both", "1": "raises both", "2": "trades R for L"}


def test_speeches() -> None:
    """Global laws a thousandth colder than p+ have a larger E L and a smaller E R, for every reward of the page.

    At T = 1/1.001 and not by b: and a step beyond the T_c that is shown there is no law.
    """
    model = speech_bigrams()
    for name, beta in REWARDS:
        reward = (valence if name == "valence" else length)(float(beta))
        before, after = (ngram_moments(model, reward, tau, tau) for tau in (1.0, 1.001))
        assert after.mean[0] > before.mean[0]
        assert after.mean[1] < before.mean[1]
    hot = 1 / 1.0085  # the page's largest T_c is 1.00839, of valence over 100
    with pytest.raises(Diverges):
        ngram_moments(model, valence(100), hot, hot)


def test_none() -> None:
    """On C1 every law has E R = E L + log 7, so none trades with another."""
    model = Model((1, 2, 4), (1, 2, 4))
    assert np.allclose(model.reward - model.log_prior, math.log(7))


def test_random() -> None:
    """The shares are the records' counts, and the two shares of large tables lie apart: the generator decides."""
    record, steps = sweep_record(), sweep_steps_record()
    assert record.trades.value == pytest.approx(record.trades.count / record.trades.of)
    large = [row.bounds for row in steps.by_step_and_strings if row.label.endswith(" 32")]
    assert len(large) == 3
    assert min(high for _, _, high in large) < max(low for _, low, _ in large)
