"""Every rule and adaptor of engines on 1,000 laws with ties each: balls, float64 and the bridge; and transformers.

Slow, so it runs with ``make oracles``; tests/simulations/sampling/test_engine_rules.py has chains of them on 1,000.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from types import ModuleType

import numpy as np
import pytest
from flint import fmpq

from simulations.sampling.adaptors import Floats, log_softmax, log_sum, log_weights
from simulations.sampling.history import History
from tests.rules import bridge_law, clear, exact_law, float_law, two_sided_tie
from theory.adaptors.chains import FURTHER_ADAPTORS
from theory.adaptors.exact import Chain, chain

pytestmark = pytest.mark.oracle

LAWS = 1_000
Drawn = Callable[[random.Random, list[int]], tuple[tuple[str, str], ...]]


def share(rng: random.Random, weights: list[int]) -> fmpq:
    """A part of the whole mass that sums of tokens meet exactly."""
    total = sum(weights)
    return fmpq(rng.randint(1, total), total)


def at_share(name: str, options: str = "") -> Drawn:
    return lambda rng, weights: ((name, f"{share(rng, weights)}{options}"),)


def one_of(name: str, *values: str) -> Drawn:
    return lambda rng, weights: ((name, rng.choice(values)),)


def cut_first(*steps: tuple[str, str]) -> Drawn:
    """A top-k in front, so that what a rule counts or measures is less than the whole."""
    return lambda rng, weights: (("top_k", f"{rng.randint(2, len(weights))}"), *steps)


def top_a(rng: random.Random, weights: list[int]) -> tuple[tuple[str, str], ...]:
    return (("top_a", str(min(fmpq(1), fmpq(rng.choice(weights) * sum(weights), max(weights) ** 2)))),)


RULES: dict[str, Drawn] = {
    "top-k, ties kept": lambda rng, weights: (("top_k", f"{rng.randint(1, len(weights))} ties=all"),),
    "nucleus, ties kept": at_share("nucleus", " ties=all"),
    "nucleus, exceed": at_share("nucleus", " boundary=exceed"),
    "nucleus, ties kept, exceed": at_share("nucleus", " ties=all boundary=exceed"),
    "nucleus, mass before": lambda rng, weights: (
        *cut_first()(rng, weights),
        *at_share("nucleus", " mass=before")(rng, weights),
    ),
    "typical, ties kept": at_share("typical", " ties=all"),
    "typical, exceed": at_share("typical", " boundary=exceed"),
    "epsilon, mass before": lambda rng, weights: (
        *cut_first()(rng, weights),
        *at_share("epsilon", " mass=before")(rng, weights),
    ),
    "temperature behind a cut": cut_first(("temperature", "3/2"), ("nucleus", "3/5")),
    "top-n-sigma": one_of("top_n_sigma", "1/2", "1", "3/2", "2"),
    "top-h": one_of("top_h", "1/4", "1/2", "2/3", "1"),
    "top-h of three": one_of("top_h", "1/4 candidates=3", "1/2 candidates=3", "2/3 candidates=3"),
    "top-a": top_a,
    "tail-free": one_of("tail_free", "1/4", "1/2", "3/4", "1"),
    "dynamic temperature": one_of("dynamic_temperature", "1 range=1/2", "1 range=1/2 exponent=2"),
    "dynamic temperature, all counted": cut_first(("dynamic_temperature", "1 range=1/2 count=all")),
    "quadratic": one_of("quadratic", "1/2", "1/4"),
    "quadratic, curved": one_of("quadratic", "1/2 curve=2", "1/4 curve=3"),
    "xtc": at_share("xtc", " probability=1/3"),
    "xtc, ties kept, exceed": at_share("xtc", " ties=all boundary=exceed probability=1/2"),
    "repetition penalty": one_of("repetition_penalty", "3/2", "3/2 window=2", "13/10"),
    "repetition penalty, gauge": one_of("repetition_penalty", "3/2 gauge=5", "3/2 gauge=1/2"),
    "presence penalty": one_of("presence_penalty", "1/2", "-1/2"),
    "frequency penalty": one_of("frequency_penalty", "1/3", "1/3 window=3"),
    "dry": one_of("dry", "4/5 allowed=1", "4/5 allowed=2 base=2"),
    "no repeated n-gram": one_of("no_repeat_ngram", "1", "2", "3"),
}


def cases(name: str) -> Iterator[tuple[list[int], Chain, tuple[int, ...]]]:
    """Laws of 3 to 8 small integer weights, two of them equal at least, each with a setting and a history."""
    rng = random.Random(f"19 {name}")
    while True:
        weights = [rng.randint(1, 6) for _ in range(rng.randint(3, 8))]
        one, other = rng.sample(range(len(weights)), 2)
        weights[one] = weights[other]
        history = tuple(rng.randrange(len(weights)) for _ in range(rng.randint(0, 6)))
        yield weights, chain(*RULES[name](rng, weights)), history


def test_every_adaptor_of_engines_has_a_rule() -> None:
    """By name, in the chains of one law each."""
    named = {step.name for name in RULES for step in next(cases(name))[1]}
    assert set(FURTHER_ADAPTORS) <= named


def comparable(weights: list[int], steps: Chain, one: Floats, other: Floats) -> tuple[Floats, Floats]:
    """A typical step may keep another of two equals: compared sorted."""
    return (np.sort(one), np.sort(other)) if any(step.name == "typical" for step in steps) else (one, other)


@pytest.mark.parametrize("name", RULES)
def test_three_routes_on_a_thousand_laws_with_ties(name: str) -> None:
    """Balls against float64 to 1e-9 on 1,000 laws, thresholds met exactly included; float64 against the bridge, too.

    In float32 1,000 laws whose thresholds are not within rounding, to 1e-5; of typical, no two-sided ties.
    """
    exact, wide, narrow, tried = 0, 0, 0, 0
    for weights, steps, history in cases(name):
        tried += 1
        assert tried < 40 * LAWS, f"{exact}, {wide} and {narrow} laws were compared"
        found = float_law(weights, steps, history)
        if exact < LAWS:
            assert found == pytest.approx(exact_law(weights, steps, history), abs=1e-9), (weights, str(steps), history)
            exact += 1
        if name.startswith("typical") and two_sided_tie(weights, steps):
            continue
        if wide < LAWS:
            one, other = comparable(weights, steps, found, bridge_law(weights, steps, True, history))
            assert other == pytest.approx(one, abs=1e-9), (weights, str(steps), history)
            wide += 1
        if narrow < LAWS and clear(weights, steps, history):
            one, other = comparable(weights, steps, found, bridge_law(weights, steps, False, history))
            assert other == pytest.approx(one, abs=1e-5), (weights, str(steps), history)
            narrow += 1
        if exact == wide == narrow == LAWS:
            return


# --- transformers -------------------------------------------------------------------------------------------------

ROWS = 10_000


@pytest.fixture(scope="module")
def processors() -> ModuleType:
    """transformers.generation.logits_process."""
    pytest.importorskip("torch").set_num_threads(1)
    pytest.importorskip("transformers")
    return pytest.importorskip("transformers.generation.logits_process")


def drawn(tokens: int) -> tuple[Floats, np.ndarray]:
    """10,000 rows of 40 logits in steps of 1/8, and the tokens before each."""
    rng = np.random.default_rng(23)
    logits = np.round(rng.normal(size=(ROWS, 40)) * rng.choice([0.3, 1.0, 3.0], (ROWS, 1)) * 8) / 8
    return logits, rng.integers(0, 40, (ROWS, tokens))


def test_repetition_penalty_of_transformers(processors: ModuleType) -> None:
    """RepetitionPenaltyLogitsProcessor on 10,000 rows of raw logits, whose gauges are the logs of their normalisers."""
    torch = pytest.importorskip("torch")
    logits, before = drawn(12)
    own = processors.RepetitionPenaltyLogitsProcessor(1.3)
    theirs = own(torch.from_numpy(before), torch.from_numpy(logits)).numpy()
    law = log_softmax(logits)
    for k in range(ROWS):
        gauge = float(log_sum(logits[k : k + 1])[0])
        steps = chain(("repetition_penalty", f"13/10 gauge={gauge!r}"))
        found = log_weights(law[k : k + 1], steps, History(before[k : k + 1, :0], before[k : k + 1]))
        assert found[0] == pytest.approx(theirs[k] - gauge, abs=1e-12)


@pytest.mark.parametrize("size", [1, 2, 3])
def test_no_repeat_ngram_of_transformers(processors: ModuleType, size: int) -> None:
    """NoRepeatNGramLogitsProcessor forbids the same tokens on 10,000 rows; of six tokens, so that many repeat."""
    torch = pytest.importorskip("torch")
    logits, before = drawn(12)
    before %= 6
    own = processors.NoRepeatNGramLogitsProcessor(size)
    theirs = np.isfinite(own(torch.from_numpy(before), torch.from_numpy(logits)).numpy())
    found = np.isfinite(
        log_weights(log_softmax(logits), chain(("no_repeat_ngram", str(size))), History(before[:, :0], before))
    )
    assert (found == theirs).all()
    assert not theirs.all()
