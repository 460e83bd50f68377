"""Independent Metropolis-Hastings by simulation: every proposal and decision with chosen uniforms, then sampled laws.

Chosen uniforms walk every path of a few steps: the measures of the paths that end at a state must add up to the exact
k-step law, in rationals. What is drawn at random is drawn once, with a fixed seed, at alpha 1e-6 and power 1 - 1e-6
against the exact law of a chain with a wrong ratio, which must be caught.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from flint import fmpq
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from simulations.agreement.statistics import clopper_pearson, g_critical, half_g, law_sample_size
from simulations.sampling import metropolis as chains
from simulations.sampling.metropolis import Ratio, alias_table, follow, long_chain, metropolis, run
from tests.strategies import weights
from theory.arithmetic.exact import Array, floats, objects, to_float
from theory.corpora.metropolis import IndependentChain, acceptance_probability, transition_matrix
from theory.examples.finite import C6_PROPOSAL, c6

Floats = NDArray[np.float64]
Share = tuple[fmpq, fmpq]

ALPHA, POWER = 1e-6, 1 - 1e-6
INSIDE = fmpq(1, 10**9)
PLACES = (INSIDE, fmpq(1, 2), 1 - INSIDE)
"""How far into a share of the uniforms: just inside either end, and in the middle."""
ROUTES = [False, pytest.param(True, marks=pytest.mark.skipif(chains._compiled is None, reason="needs numba"))]


class Steered:
    """A generator whose uniforms were chosen beforehand; none may be left over."""

    def __init__(self, uniforms: Sequence[float]) -> None:
        self.left = list(uniforms)

    def random(self, size: int | tuple[int, ...]) -> Floats:
        count = math.prod(np.atleast_1d(size).tolist())
        taken, self.left = self.left[:count], self.left[count:]
        return np.array(taken, dtype=np.float64).reshape(size)


def law(values: Sequence[int]) -> Array:
    """The law proportional to these integers."""
    return objects(fmpq(v, sum(values)) for v in values)


@st.composite
def small_chains(draw: Any, largest: int = 4) -> IndependentChain:
    """Proposal and target from small integer weights, ties among the weights included."""
    proposal = draw(weights(1, largest, 6))
    target = draw(st.lists(st.integers(1, 6), min_size=len(proposal), max_size=len(proposal)))
    return IndependentChain.towards(law(proposal), law(target))


def c6_chain() -> IndependentChain:
    """C6 with the proposal (1, 12, 3) / 16: w* = 8."""
    target = c6().exact_prob()
    assert target is not None
    return IndependentChain.towards(objects(C6_PROPOSAL), target)


def point(chain: IndependentChain, state: int) -> Array:
    return objects(fmpq(int(x == state)) for x in range(len(chain)))


def agrees(found: NDArray[np.int64], prob: Floats) -> bool:
    """Whether the G test at alpha takes these counts for draws of the law."""
    return half_g(found, prob) <= g_critical(len(prob), ALPHA)


def distance(one: Floats, other: Floats) -> float:
    """TV."""
    return float(np.abs(one - other).sum() / 2)


def within(share: Share, place: fmpq) -> float:
    return to_float(share[0] + (share[1] - share[0]) * place)


# --- every path -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Step:
    """One proposal and what becomes of it: the shares of either uniform, and the state afterwards."""

    proposal: Share
    decision: Share
    proposed: int
    taken: bool

    @property
    def prob(self) -> fmpq:
        """The measure of both uniforms."""
        return (self.proposal[1] - self.proposal[0]) * (self.decision[1] - self.decision[0])


Cells = Sequence[tuple[Share, int]]
"""Shares of the proposal's uniform, and the state that each proposes."""


def inverse(proposal: Array) -> Cells:
    """How ``strings`` proposes: by the distribution function."""
    ends = list(itertools.accumulate(proposal, initial=fmpq(0)))
    return [(share, state) for state, share in enumerate(itertools.pairwise(ends))]


def walker(proposal: Array) -> Cells:
    """How ``long_chain`` proposes: each cell below and above its threshold."""
    threshold, alias = alias_table(floats(proposal))
    size, found = len(proposal), []
    for cell in range(size):
        low, high = fmpq(cell, size), fmpq(cell + 1, size)
        middle = low + fmpq(*float(threshold[cell]).as_integer_ratio()) / size
        found += [((low, middle), cell), ((middle, high), int(alias[cell]))]
    return [(share, state) for share, state in found if share[0] < share[1]]


def paths(chain: IndependentChain, cells: Cells, start: int, steps: int, upper: bool) -> Iterator[tuple[Step, ...]]:
    """Every sequence of proposals and decisions of positive measure.

    Args:
        upper: whether the uniforms that accept are those above 1 - min(1, w'/w), or those below min(1, w'/w).
    """
    if steps == 0:
        yield ()
        return
    for share, proposed in cells:
        accepted = min(fmpq(1), chain.weight[proposed] / chain.weight[start])
        turn = 1 - accepted if upper else accepted
        for decision, taken in (((fmpq(0), turn), not upper), ((turn, fmpq(1)), upper)):
            if decision[0] < decision[1]:
                step = Step(share, decision, proposed, taken)
                for rest in paths(chain, cells, proposed if taken else start, steps - 1, upper):
                    yield (step, *rest)


def states_along(path: tuple[Step, ...], start: int) -> list[int]:
    """The start and the state after each step."""
    return list(itertools.accumulate(path, lambda x, s: s.proposed if s.taken else x, initial=start))


def measured(chain: IndependentChain, whole: list[tuple[Step, ...]], last: Sequence[int]) -> list[fmpq]:
    """The measure of the paths that were found to end at each state."""
    found = [fmpq(0)] * len(chain)
    for path, state in zip(whole, last, strict=True):
        found[state] += math.prod((step.prob for step in path), start=fmpq(1))
    return found


def side_by_side(whole: list[tuple[Step, ...]], steps: int, place: fmpq) -> list[float]:
    """The uniforms that lead a row along each path: all proposals of a step, then all its decisions."""
    script = []
    for step in range(steps):
        script += [within(path[step].proposal, place) for path in whole]
        script += [within(path[step].decision, place) for path in whole]
    return script


@given(small_chains(3), st.integers(0, 2), st.data())
def test_run_by_every_path(chain: IndependentChain, steps: int, data: st.DataObject) -> None:
    """Each decision is min(1, w'/w), each sum over the start and all but the last; measures make the k-step law."""
    start = data.draw(st.integers(0, len(chain) - 1))
    whole = list(paths(chain, inverse(chain.proposal), start, steps, upper=True))
    along = [states_along(path, start) for path in whole]
    values = np.stack((np.arange(len(chain)) ** 2.0, 1.0 - np.arange(len(chain))))
    shift = data.draw(st.sampled_from([0.0, 700.0, -700.0]))
    ratio = metropolis(np.log(floats(chain.weight)) + shift)
    for place in PLACES:
        rng: Any = Steered(side_by_side(whole, steps, place))
        found = run(floats(chain.proposal), ratio, np.full(len(whole), start), steps, values, rng=rng)
        assert rng.left == []
        assert found.last.tolist() == [states[-1] for states in along]
        assert found.accepted.tolist() == [sum(step.taken for step in path) for path in whole]
        assert found.steps == steps
        sums = np.array([values[:, states[:-1]].sum(axis=1) for states in along]).T
        assert found.sums == pytest.approx(sums, abs=1e-12)
        assert measured(chain, whole, found.last.tolist()) == list(chain.law_after(steps, point(chain, start)))


@given(small_chains(3), st.integers(1, 2))
def test_accepting_everything_measures_the_proposal(chain: IndependentChain, steps: int) -> None:
    """With a ratio of 1 the paths that end at a state have its proposal's measure."""
    whole = list(paths(chain, inverse(chain.proposal), 0, steps, upper=True))
    rng: Any = Steered(side_by_side(whole, steps, PLACES[1]))
    start = np.zeros(len(whole), dtype=np.int64)
    found = run(floats(chain.proposal), lambda new, old: np.zeros(len(new)), start, steps, rng=rng)
    assert measured(chain, whole, found.last.tolist()) == list(chain.proposal)


@pytest.mark.parametrize("power", [-1, 0, 0.5, 2])
def test_wrong_decisions_are_seen(power: float) -> None:
    """C6 with w ** power for w: on the same paths the measures are off the law."""
    chain = c6_chain()
    whole = list(paths(chain, inverse(chain.proposal), 0, 2, upper=True))
    exact, verdicts = list(chain.law_after(2, point(chain, 0))), []
    for place in PLACES:
        rng: Any = Steered(side_by_side(whole, 2, place))
        wrong = metropolis(power * np.log(floats(chain.weight)))
        found = run(floats(chain.proposal), wrong, np.zeros(len(whole), dtype=np.int64), 2, rng=rng)
        verdicts.append(measured(chain, whole, found.last.tolist()) == exact)
    assert not all(verdicts)


@pytest.mark.parametrize("compiled", ROUTES)
@settings(max_examples=40)
@given(chain=small_chains(), data=st.data())
def test_long_chain_by_every_step(chain: IndependentChain, data: st.DataObject, compiled: bool) -> None:
    """Below and above each threshold of the table, accepted and refused: measures make one row of the kernel."""
    start = data.draw(st.integers(0, len(chain) - 1))
    factor = data.draw(st.sampled_from([1.0, 1e-9, 1e9]))
    whole = list(paths(chain, walker(chain.proposal), start, 1, upper=False))
    _walk_long(chain, whole, start, 1, compiled, factor)


@pytest.mark.parametrize("compiled", ROUTES)
@pytest.mark.parametrize("start", [0, 1, 2])
def test_long_chain_by_every_path(start: int, compiled: bool) -> None:
    """C6: the law after two steps."""
    chain = c6_chain()
    whole = list(paths(chain, walker(chain.proposal), start, 2, upper=False))
    _walk_long(chain, whole, start, 2, compiled, 1.0)


def _walk_long(
    chain: IndependentChain, whole: list[tuple[Step, ...]], start: int, steps: int, compiled: bool, factor: float
) -> None:
    proposal, weight = floats(chain.proposal), floats(chain.weight) * factor
    for place in PLACES:
        last = []
        for path in whole:
            rng: Any = Steered([within(s.proposal, place) for s in path] + [within(s.decision, place) for s in path])
            state, accepted = long_chain(proposal, weight, start, steps, rng=rng, compiled=compiled)
            assert rng.left == []
            assert accepted == sum(step.taken for step in path)
            last.append(state)
        found = np.array([to_float(v) for v in measured(chain, whole, last)])
        assert found == pytest.approx(floats(chain.law_after(steps, point(chain, start))), abs=1e-12)


def test_impossible_states() -> None:
    """w' = 0 is never accepted, from w = 0 everything of positive weight is; between two of weight 0 nothing moves."""
    with np.errstate(divide="ignore"):
        ratio = metropolis(np.log(np.array([0.0, 1.0, 0.0])))
    start = np.array([1, 0, 0, 1])
    proposed = np.array([0, 1, 2, 1])
    for uniform in (1e-300, 0.5, 1 - 2.0**-53):
        rng: Any = Steered([uniform] * 4)
        found = follow(ratio, start, [proposed], np.zeros((0, 3)), rng=rng)
        assert found.last.tolist() == [1, 1, 0, 1]
        assert found.accepted.tolist() == [0, 1, 0, 1]


# --- the alias table ------------------------------------------------------------------------------------------------


def table_law(threshold: Floats, alias: NDArray[np.int64]) -> Floats:
    """The law that the cells add up to."""
    own = threshold.copy()
    np.add.at(own, alias, 1 - threshold)
    return own / len(threshold)


@given(st.lists(st.integers(0, 50), min_size=1, max_size=12).filter(any), st.sampled_from([1.0, 1e-200, 1e200]))
def test_alias_table(values: list[int], scale: float) -> None:
    """The cells' shares add up to the law, to 1e-12, whatever its scale; an impossible state is nobody's alias."""
    threshold, alias = alias_table(np.array(values) * scale)
    assert table_law(threshold, alias) == pytest.approx(np.array(values) / sum(values), abs=1e-12)
    assert ((threshold >= 0) & (threshold <= 1)).all()
    assert ((alias >= 0) & (alias < len(values))).all()
    for state, value in enumerate(values):
        if value == 0:
            assert threshold[state] == 0
            assert state not in alias[threshold < 1]


@pytest.mark.parametrize("size", [1, 2, 1000, 30_000])
def test_alias_table_of_many_states(size: int) -> None:
    """Unequal by twelve orders of magnitude."""
    prob = np.random.default_rng(1).uniform(0, 1, size) ** 12 + 1e-12
    assert table_law(*alias_table(prob)) == pytest.approx(prob / prob.sum(), rel=1e-9, abs=1e-13 / size)


def test_a_wrong_table_is_seen() -> None:
    """A threshold that is off by 1e-9 is not the law."""
    prob = floats(law([5, 2, 1, 9]))
    threshold, alias = alias_table(prob)
    threshold[np.flatnonzero(threshold < 1)[0]] += 1e-9
    assert np.abs(table_law(threshold, alias) - prob).max() > 1e-10


# --- the same decisions -----------------------------------------------------------------------------------------------


@pytest.mark.skipif(chains._compiled is None, reason="needs numba")
@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize(("size", "steps"), [(1, 50), (2, 1), (3, 0), (7, 40_000), (5000, 20_000)])
def test_compiled_and_plain_decide_alike(size: int, steps: int, seed: int) -> None:
    """The last state and the number accepted, bit for bit, over several chunks of uniforms; numba is the default."""
    model = np.random.default_rng(100 + seed)
    proposal, weight = model.uniform(0, 1, size) ** 3, model.uniform(0.01, 1, size) ** 3
    start = int(model.integers(size))
    found = [
        long_chain(proposal, weight, start, steps, rng=np.random.default_rng(seed), compiled=compiled)
        for compiled in (True, False, None)
    ]
    assert found[0] == found[1] == found[2]
    assert all(type(value) is int for value in found[0])
    if steps == 0:
        assert found[0] == (start, 0)


def test_every_decision_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    """After each single step, in chunks of three steps: state and number accepted go along the plain chain's."""
    if chains._compiled is None:
        pytest.skip("needs numba")
    monkeypatch.setattr(chains, "_CHUNK", 3)
    proposal, weight = np.array([0.1, 0.3, 0.2, 0.4]), np.array([4.0, 1.0, 2.0, 0.5])
    for steps in range(0, 61, 3):
        one, two = (
            long_chain(proposal, weight, 1, steps, rng=np.random.default_rng(3), compiled=compiled)
            for compiled in (True, False)
        )
        assert one == two


def test_without_numba(monkeypatch: pytest.MonkeyPatch) -> None:
    """The plain chain serves; asking for the compiled one names what to install."""
    monkeypatch.setattr(chains, "_compiled", None)
    proposal, weight = np.array([0.5, 0.5]), np.array([1.0, 2.0])
    with pytest.raises(ValueError, match=r"^numba is not installed; pip install 'probqual\[fast\]'$"):
        long_chain(proposal, weight, 0, 5, rng=np.random.default_rng(1), compiled=True)
    plain = long_chain(proposal, weight, 0, 500, rng=np.random.default_rng(1))
    assert plain == long_chain(proposal, weight, 0, 500, rng=np.random.default_rng(1), compiled=False)


# --- sums along the way -----------------------------------------------------------------------------------------------


def test_sums_are_over_the_start_and_all_but_the_last() -> None:
    """The same generator for 0, 1, ..., k steps shows every state: their values, the last left out, are the sums."""
    proposal = floats(law([1, 4, 2, 3]))
    ratio = metropolis(np.array([0.3, -1.0, 0.7, 0.0]))
    start = np.arange(200) % 4
    values = np.array([[1.0, 10.0, 100.0, 1000.0], [0.5, -0.5, 2.0, 0.0]])
    states, accepted = [], []
    for steps in range(8):
        found = run(proposal, ratio, start, steps, values, rng=np.random.default_rng(5))
        assert found.sums == pytest.approx(sum((values[:, s] for s in states), start=np.zeros((2, 200))), abs=1e-9)
        states.append(found.last)
        accepted.append(found.accepted)
    assert (states[0] == start).all()
    moves = np.diff(np.array(accepted), axis=0)
    assert set(moves.ravel().tolist()) == {0, 1}
    assert (moves[np.diff(np.array(states), axis=0) != 0] == 1).all()
    assert run(proposal, ratio, start, 3, rng=np.random.default_rng(5)).sums.shape == (0, 200)


def test_follow_takes_what_it_is_offered() -> None:
    """``run`` is ``follow`` with proposals of its own; the start is left as it was."""
    start = np.zeros(50, dtype=np.int64)
    offered = [np.full(50, k) for k in (2, 0, 1)]
    found = follow(lambda new, old: np.zeros(50), start, iter(offered), np.eye(3), rng=np.random.default_rng(1))
    assert found.last.tolist() == [1] * 50
    assert found.sums.tolist() == [[2.0] * 50, [0.0] * 50, [1.0] * 50]
    assert found.accepted.tolist() == [3] * 50
    assert found.steps == 3
    assert not start.any()


# --- sampled --------------------------------------------------------------------------------------------------------


def law_under(chain: IndependentChain, multiple: Floats, start: Floats, steps: int) -> Floats:
    """The law after k steps of the chain that accepts by another weight: by powers of its kernel."""
    kernel = transition_matrix(floats(chain.proposal), acceptance_probability(multiple))
    result: Floats = start @ np.linalg.matrix_power(kernel, steps)
    return result


Weighting = Callable[[Floats], Floats]
WRONG: dict[str, Weighting] = {
    "accepts all": np.ones_like,
    "upside down": lambda w: 1 / w,
    "a tenth too timid": lambda w: w**0.9,
    "a tenth too bold": lambda w: w**1.1,
    "one weight 10 % too large": lambda w: w * np.where(np.arange(len(w)) == 0, 1.1, 1.0),
}


def c6_start() -> tuple[IndependentChain, Floats]:
    """C6 from its heaviest state."""
    chain = c6_chain()
    return chain, floats(point(chain, int(np.argmax(floats(chain.weight)))))


def twenty_start() -> tuple[IndependentChain, Floats]:
    """Twenty states with weights between 1/5 and 5, started from another law."""
    model = np.random.default_rng(7)
    proposal = law([int(v) for v in model.integers(1, 9, 20)])
    chain = IndependentChain.towards(proposal, law([int(v) for v in model.integers(1, 9, 20)]))
    return chain, floats(law([int(v) for v in model.integers(1, 9, 20)]))


@pytest.mark.parametrize("case", [c6_start, twenty_start])
@pytest.mark.parametrize("wrong", WRONG)
def test_k_step_law_sampled(case: Callable[[], tuple[IndependentChain, Floats]], wrong: str) -> None:
    """The law after 3 steps, against ``law_after``; chains with a wrong ratio follow their own kernel, and are caught.

    Each sample is large enough for the distance of that very chain.
    """
    chain, start = case()
    proposal, weight = floats(chain.proposal), floats(chain.weight)
    rounded = IndependentChain(proposal, weight)
    exact = rounded.law_after(3, start)
    assert exact == pytest.approx(law_under(chain, weight, start, 3), abs=1e-14)
    other = WRONG[wrong](weight)
    away = law_under(chain, other, start, 3)
    count = law_sample_size(len(exact), distance(exact, away), ALPHA, POWER)
    assert count < 2_000_000

    def sampled(ratio: Ratio, seed: int) -> NDArray[np.int64]:
        rng = np.random.default_rng(seed)
        begun = rng.choice(len(start), size=count, p=start)
        return np.bincount(run(proposal, ratio, begun, 3, rng=rng).last, minlength=len(start))

    right, off = sampled(metropolis(np.log(weight)), 11), sampled(metropolis(np.log(other)), 12)
    assert agrees(right, exact)
    assert not agrees(off, exact)
    assert agrees(off, away)


@pytest.mark.parametrize("compiled", ROUTES)
def test_long_chain_sampled(compiled: bool) -> None:
    """Many chains of three steps, one by one: the law of C6; a proposal with two states swapped is caught."""
    chain, start = c6_start()
    proposal, weight = floats(chain.proposal), floats(chain.weight)
    exact = IndependentChain(proposal, weight).law_after(3, start)
    swapped = proposal[[0, 2, 1]]
    kernel = transition_matrix(swapped, acceptance_probability(weight))
    away = start @ np.linalg.matrix_power(kernel, 3)
    count = law_sample_size(3, distance(exact, away), ALPHA, POWER)
    rng = np.random.default_rng(13)
    for drawn, right in ((proposal, True), (swapped, False)):
        last = [long_chain(drawn, weight, int(start.argmax()), 3, rng=rng, compiled=compiled)[0] for _ in range(count)]
        assert agrees(np.bincount(last, minlength=3), exact) is right


def test_acceptance_sampled() -> None:
    """Chains at their target accept with probability 1 - Gini(w) = 9/16; with the ratio upside down they do not."""
    chain = c6_chain()
    exact = to_float(chain.acceptance())
    assert exact == 9 / 16
    rng = np.random.default_rng(14)
    start = rng.choice(3, size=100_000, p=floats(chain.target))
    log_weight = np.log(floats(chain.weight))
    for sign, right in ((1, True), (-1, False)):
        found = run(floats(chain.proposal), metropolis(sign * log_weight), start, 1, rng=rng)
        assert (exact in clopper_pearson(int(found.accepted.sum()), 100_000, ALPHA)) is right


def test_long_chain_is_the_chains_of_run() -> None:
    """E of the number accepted in 5 steps from the target is 5 * 9/16, for single chains as for many side by side."""
    chain = c6_chain()
    rng = np.random.default_rng(15)
    start = rng.choice(3, size=20_000, p=floats(chain.target))
    singly = [long_chain(floats(chain.proposal), floats(chain.weight), int(x), 5, rng=rng)[1] for x in start]
    together = run(floats(chain.proposal), metropolis(np.log(floats(chain.weight))), start, 5, rng=rng).accepted
    for found in (np.array(singly), together):
        radius = 5 * math.sqrt(math.log(4 / ALPHA) / (2 * len(start)))  # Hoeffding, values in [0, 5]
        assert abs(found.mean() - 5 * 9 / 16) <= radius


@pytest.mark.parametrize("compiled", ROUTES)
@pytest.mark.parametrize("weight", [[1.0, 1.0, 1.0], [4.0, 1.0, 2.0]])
def test_a_chain_goes_on_where_it_stopped(weight: list[float], compiled: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """In chunks of 100 steps: 350 steps are 100, 200 and 50 by one generator; with equal weights all are accepted."""
    monkeypatch.setattr(chains, "_CHUNK", 100)
    proposal, heights = np.array([0.1, 0.3, 0.6]), np.array(weight)
    whole = long_chain(proposal, heights, 2, 350, rng=np.random.default_rng(4), compiled=compiled)
    state, accepted, rng = 2, 0, np.random.default_rng(4)
    for steps in (100, 200, 50):
        state, more = long_chain(proposal, heights, state, steps, rng=rng, compiled=compiled)
        accepted += more
    assert whole == (state, accepted)
    assert (accepted == 350) is (len(set(weight)) == 1)
