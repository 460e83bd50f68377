"""conform: five defects of real engines and the planted ones are noticed, and clean runs raise no alarm."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pytest
from numpy.typing import NDArray

from simulations.conform.checks import _ODDS, BUDGET, TESTS, Expected, Finding, _collision, _event, check
from simulations.conform.law import END, MODELS, VOCABULARY, KnownModel
from simulations.conform.samples import LENGTH, PAD, PROMPT, Strings
from simulations.sampling.adaptors import log_sum, log_weights
from theory.adaptors.engines import engine
from theory.adaptors.exact import Chain, chain

Floats = NDArray[np.float64]
Index = NDArray[np.int64]
BATCH = 8


@dataclass(frozen=True, slots=True)
class Sampler:
    """An engine: the chain it really uses, and what else it does.

    Args:
        steps: what it does to the law.
        uniforms: random numbers of shape (strings, LENGTH) from a generator.
        change: what it does to the laws of (classes, V) at a position.
        state: what it takes for the state, from the tokens so far.
    """

    steps: Chain
    uniforms: Callable[[np.random.Generator, int], Floats] = lambda rng, n: rng.random((n, LENGTH))
    change: Callable[[Floats, int], Floats] = lambda law, position: law
    first_row: Chain | None = None
    lag: int = 1

    def strings(self, model: KnownModel, count: int, rng: np.random.Generator) -> Strings:
        """Strings in calls of BATCH rows."""
        u, row = self.uniforms(rng, count), np.arange(count) % BATCH
        tokens, alive = np.full((count, LENGTH), PAD, dtype=np.int64), np.ones(count, dtype=bool)
        others = [law_of(model, self.steps), law_of(model, self.first_row or self.steps)]
        for position in range(LENGTH):
            back = position - self.lag
            before = np.full(count, PROMPT[-1]) if back < 0 else np.where(tokens[:, back] == PAD, 0, tokens[:, back])
            state = model.classes[before]
            for special, law in enumerate(others):
                changed = self.change(law, position)
                running = np.cumsum(changed, axis=1)
                rows = np.flatnonzero(alive & ((row == 0) == bool(special)))
                for own in np.unique(state[rows]):
                    chosen = rows[state[rows] == own]
                    place = np.searchsorted(running[own], u[chosen, position] * running[own, -1], side="right")
                    tokens[chosen, position] = place.clip(0, VOCABULARY - 1)
            alive &= tokens[:, position] != END
        seed = np.full(count, -1)
        return Strings(tokens, np.arange(count) // BATCH, row, seed)


def law_of(model: KnownModel, steps: Chain) -> Floats:
    weight = log_weights(model.log_law, steps)
    found: Floats = np.exp(weight - log_sum(weight)[:, None])
    return found


def run(sampler: Sampler, steps: Chain, seed: int, count: int = 4_000) -> list[Finding]:
    """The findings on both models."""
    rng = np.random.default_rng(seed)
    return check({name: sampler.strings(made(), count, rng) for name, made in MODELS.items()}, steps)


def alarms(findings: list[Finding]) -> set[str]:
    return {one.name for one in findings if one.alarm}


NOMINAL = {"temperature": "7/10", "top_k": "40", "top_p": "9/10"}
LLAMA = engine("llama.cpp").expand({**NOMINAL, "min_p": "1/20"}).chain
TRANSFORMERS = engine("transformers").expand({**NOMINAL, "min_p": "1/20"}).chain
HOT = {"temperature": "3/2", "top_k": "0", "top_p": "9/10"}


def one_number(rng: np.random.Generator, count: int) -> Floats:
    return np.repeat(rng.random((count, 1)), LENGTH, axis=1)


def one_batch(rng: np.random.Generator, count: int) -> Floats:
    return np.tile(rng.random((BATCH, LENGTH)), (count // BATCH, 1))


def same_rows(rng: np.random.Generator, count: int) -> Floats:
    return np.repeat(rng.random((count // BATCH, LENGTH)), BATCH, axis=0)


def greedy_first(law: Floats, position: int) -> Floats:
    return law**8 if position == 0 else law


def half_an_end(law: Floats, position: int) -> Floats:
    found = law.copy()
    found[:, END] /= 2
    return found


def missing_token(law: Floats, position: int) -> Floats:
    found = law.copy()
    found[:, 12] = 0
    return found


REAL: dict[str, tuple[Chain, Sampler, str]] = {
    "one random number for every token": (LLAMA, Sampler(LLAMA, one_number), "pairs within a string"),
    "dropped top-p": (
        engine("vllm").expand({"top_p": "1/2"}).chain,
        Sampler(engine("vllm").expand({}).chain),
        "kept tokens",
    ),
    "ignored cuts": (
        engine("transformers").expand({"top_p": "9/10", "min_p": "1/10"}).chain,
        Sampler(engine("transformers.js").expand({"top_p": "9/10"}).chain),
        "kept tokens",
    ),
    "repeated unseeded strings": (LLAMA, Sampler(LLAMA, one_batch), "calls repeat"),
    "order": (
        engine("llama.cpp").expand(HOT | {"min_p": "0"}).chain,
        Sampler(engine("transformers").expand(HOT).chain),
        "kept tokens",
    ),
}


def no_early_end(law: Floats, position: int) -> Floats:
    found = law.copy()
    found[:, END] *= position >= 3
    return found


PLAIN = chain()
PLANTED: dict[str, tuple[Chain, Sampler]] = {
    "hidden top-k 50": (PLAIN, Sampler(chain(("top_k", 50)))),
    "temperature off by a twentieth": (chain(("temperature", "1")), Sampler(chain(("temperature", "21/20")))),
    "ties of top-k kept": (chain(("top_k", "103")), Sampler(chain(("top_k", "103 ties=all")))),
    "the end half as likely": (PLAIN, Sampler(PLAIN, change=half_an_end)),
    "the first token sharper": (PLAIN, Sampler(PLAIN, change=greedy_first)),
    "rows of a batch alike": (PLAIN, Sampler(PLAIN, same_rows)),
    "the first row hotter": (PLAIN, Sampler(PLAIN, first_row=chain(("temperature", "3/2")))),
    "the state of the token before the last": (PLAIN, Sampler(PLAIN, lag=2)),
    "one token masked": (PLAIN, Sampler(PLAIN, change=missing_token)),
    "min-p before the temperature": (
        chain(("temperature", "2"), ("min_p", "1/5")),
        Sampler(chain(("min_p", "1/5"), ("temperature", "2"))),
    ),
    "no end among the first three tokens": (PLAIN, Sampler(PLAIN, change=no_early_end)),
}


@pytest.mark.parametrize("name", REAL)
def test_defects_of_real_engines_are_noticed(name: str) -> None:
    """The test that looks for it raises the alarm."""
    steps, sampler, test = REAL[name]
    assert test in alarms(run(sampler, steps, 1))


@pytest.mark.parametrize("name", PLANTED)
def test_planted_defects_are_noticed(name: str) -> None:
    """Some test raises an alarm."""
    steps, sampler = PLANTED[name]
    assert alarms(run(sampler, steps, 2))


@pytest.mark.parametrize("steps", [PLAIN, LLAMA, TRANSFORMERS, chain(("xtc", "1/50"))], ids=str)
def test_clean_runs_raise_no_alarm(steps: Chain) -> None:
    """A sampler that does what the chain says."""
    for seed in range(3):
        assert alarms(run(Sampler(steps), steps, seed, 1_000)) == set()


def test_the_mean_of_the_evidence_is_at_most_one() -> None:
    """e-values of clean runs: their mean over 60 runs of 80 strings does not reach 20, the bound of Markov at 1/20."""
    names = {"tokens", "pairs within a string", "rows of a batch", "first token", "first row of a batch"}
    names |= {"tokens again", "length"}
    seen = [f for seed in range(60) for f in run(Sampler(PLAIN), PLAIN, seed, 80) if f.name in names]
    for name in names:
        own = np.exp([f.log_evidence for f in seen if f.name == name])
        assert own.mean() < 20, name


def test_collisions_by_hand() -> None:
    """Two tokens and no end: (1/4 + 1/4)^16; with the top token alone it is 1."""
    model = MODELS["fixed"]()
    pair = np.zeros_like(model.weights)
    pair[0, 5:7] = 1
    own = replace(model, weights=pair)
    assert _collision(Expected.of(own, PLAIN)) == pytest.approx(0.5**LENGTH)
    assert _collision(Expected.of(own, chain(("top_k", 1)))) == pytest.approx(1.0)


def test_the_budget_is_split_over_all_tests() -> None:
    """Both models together have at most TESTS findings, each at BUDGET / TESTS."""
    found = run(Sampler(PLAIN), PLAIN, 5, 80)
    assert len(found) <= TESTS
    assert BUDGET == 1e-6


def looking_back(model: KnownModel, factor: float, window: int, count: int) -> Strings:
    """Strings of an engine that multiplies the weight of each of its last ``window`` tokens."""
    rng, law = np.random.default_rng(31), law_of(model, PLAIN)
    tokens = np.full((count, LENGTH), PAD, dtype=np.int64)
    for row in tokens:
        written: list[int] = []
        while len(written) < LENGTH and END not in written:
            own = law[model.classes[written[-1] if written else PROMPT[-1]]].copy()
            own[written[-window:]] *= factor
            running = own.cumsum()
            written.append(int(np.searchsorted(running, rng.random() * running[-1], side="right")))
        row[: len(written)] = written
    return Strings(tokens, np.arange(count) // BATCH, np.arange(count) % BATCH, np.full(count, -1))


@pytest.mark.parametrize(("factor", "window"), [(0.6, LENGTH), (0.0, 1), (1.6, LENGTH), (1.0, 1)])
def test_hidden_penalties_are_noticed(factor: float, window: int) -> None:
    """By the tokens that come again, and nothing is noticed where the factor is 1."""
    model = MODELS["fixed"]()
    found = alarms(check({"fixed": looking_back(model, factor, window, 2_000)}, PLAIN))
    assert ("tokens again" in found) == (factor != 1.0)
    assert found == set() or factor != 1.0


def seeded(copies: int, again: bool) -> list[Finding]:
    """A clean engine whose strings are all asked for with few seeds; ``again``: a seed writes its string again."""
    own = Sampler(PLAIN).strings(MODELS["fixed"](), 300 if again else 300 * copies, np.random.default_rng(3))
    tokens = np.tile(own.tokens, (copies, 1)) if again else own.tokens
    count = len(tokens)
    strings = Strings(tokens, np.arange(count), np.zeros(count, dtype=np.int64), np.arange(count) % 300)
    return check({"fixed": strings}, PLAIN)


def test_a_seed_that_is_given_again_is_no_new_draw() -> None:
    """Five calls with each seed: the strings of the first are the draws, and no alarm comes of the others."""
    found = seeded(5, again=True)
    assert alarms(found) == set()
    own = {one.name: one for one in found}
    assert (own["seeds"].draws, own["seeds"].detail) == (1_200, "")
    assert own["tokens"].draws == {one.name: one for one in seeded(1, again=True)}["tokens"].draws


def test_seeds_that_fix_nothing_are_said() -> None:
    """Without an alarm: the law is the one that was asked for, and all strings are draws of it."""
    found = seeded(5, again=False)
    assert alarms(found) == set()
    own = {one.name: one for one in found}
    assert own["seeds"].detail.endswith("differ from the first that was written with their seed")
    assert own["tokens"].draws > 4 * {one.name: one for one in seeded(1, again=True)}["tokens"].draws


def test_an_event_by_hand() -> None:
    """Two draws at chances 1/2 and 1/4, the first a hit: the mean over factors f of 2 f / (1 + f) * 4 / (3 + f)."""
    factors = np.exp(_ODDS)
    expected = np.mean(2 * factors / (1 + factors) * 4 / (3 + factors))
    assert _event(np.array([True, False]), np.array([0.5, 0.25])) == pytest.approx(np.log(expected))


def test_penalties_cannot_be_tested() -> None:
    """The states of the models do not fix the law."""
    with pytest.raises(ValueError, match="switch penalties off"):
        run(Sampler(PLAIN), chain(("presence_penalty", "1")), 1, 80)
