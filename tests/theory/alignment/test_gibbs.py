"""Alignment by the recursion of the future reward, removal of strings, and rewards shifted by a constant."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from flint import arb, fmpq
from hypothesis import given
from hypothesis import strategies as st

from tests.strategies import models, rationals, tables, weights
from theory.alignment.gibbs import Aligned, align, gibbs, secret_reward
from theory.arithmetic.exact import floats, largest, objects, precision, to_float
from theory.examples.finite import table
from theory.language_models.rewards import REMOVED, Reward, total_reward
from theory.language_models.tree import TreeModel
from theory.probability.information import kl_divergence

Tokens = tuple[str, ...]
ALPHABET = ("a", "b")


@dataclass(frozen=True, slots=True)
class Rewarded:
    """Next-token rows (end last), e^{r(t)} of each token and the reward of each whole string."""

    rows: dict[Tokens, list[fmpq]]
    token: dict[str, Reward]
    string: dict[Tokens, Reward]

    def own(self, prefix: Tokens) -> Reward:
        """r of the whole string, its tokens apart."""
        return self.string.get(prefix, Reward())

    def aligned(self) -> Aligned:
        model = TreeModel.from_next(ALPHABET, self.rows)
        strings = [tuple(name.split()) for name in model.names()]
        return align(model, [total_reward([self.own(y), *(self.token[t] for t in y)]) for y in strings])

    def future(self, prefix: Tokens) -> Any:
        """Z(u) = e(u) e^{r(u)} + sum_t p(t|u) e^{r(t)} Z(ut): a ball, or a rational where no power of e occurs."""
        row = self.rows.get(prefix, [fmpq(0), fmpq(0), fmpq(1)])
        total: Any = row[-1] * factor(self.own(prefix))
        for p, token in zip(row[:-1], ALPHABET, strict=True):
            if p > 0:
                total = total + p * factor(self.token[token]) * self.future((*prefix, token))
        return total


def factor(reward: Reward) -> Any:
    """e^r."""
    return reward.factor if reward.exponent == 0 else arb(reward.exponent).exp() * reward.factor


def encloses(ball: arb, value: fmpq) -> bool:
    """Whether a ball holds a rational, which contains() would round to a ball first."""
    return bool((ball - value).contains(0))


@st.composite
def rewards(draw: Any, *, exact: bool) -> Reward:
    """log x, or a + log x, with small rationals."""
    exponent = fmpq(0) if exact else fmpq(draw(st.integers(-6, 6)), draw(st.integers(1, 4)))
    return Reward(exponent, draw(rationals(top=6)))


@st.composite
def rewarded(draw: Any, *, exact: bool) -> Rewarded:
    """Trees of depth up to 3 with token rewards, and a reward for some strings; a prefix may have end 0."""
    rows: dict[Tokens, list[fmpq]] = {}
    waiting: list[Tokens] = [()]
    while waiting:
        prefix = waiting.pop()
        row = [draw(st.integers(0, 4)) for _ in range(3)]
        row[-1] += not sum(row)
        rows[prefix] = [fmpq(w, sum(row)) for w in row]
        if len(prefix) < 2:
            waiting += [(*prefix, t) for t, w in zip(ALPHABET, row, strict=False) if w and draw(st.booleans())]
    chosen = draw(st.lists(st.sampled_from(list(rows)), max_size=3, unique=True))
    return Rewarded(
        rows, {t: draw(rewards(exact=exact)) for t in ALPHABET}, {u: draw(rewards(exact=exact)) for u in chosen}
    )


@given(rewarded(exact=True))
def test_doob_transform(model: Rewarded) -> None:
    """p+(t|u) = p(t|u) e^{r(t)} Z(ut)/Z(u) and p+(end|u) = e(u) e^{r(u)}/Z(u): the subtree sums, in rationals."""
    aligned = model.aligned()
    exact = aligned.exact_prob()
    assert exact is not None
    mass = objects([fmpq(0)] * len(aligned.tree))
    mass[aligned.node] = exact
    transformed = TreeModel.from_masses(aligned.tree, mass)
    numbers = aligned.balls()
    assert encloses(numbers.log_partition.exp(), model.future(()))
    for node in range(len(aligned.tree)):
        prefix = tuple(aligned.tree.tokens(node))
        row = model.rows.get(prefix, [fmpq(0), fmpq(0), fmpq(1)])
        end = row[-1] * factor(model.own(prefix)) / model.future(prefix)
        assert transformed.end[node] == end
        assert encloses(numbers.end_prob[node], end)
        for child in aligned.tree.children(node):
            token = aligned.tree.tokens(child)[-1]
            step = row[ALPHABET.index(token)] * factor(model.token[token])
            step = step * model.future((*prefix, token)) / model.future(prefix)
            assert transformed.prob[child] == step
            assert encloses(numbers.prefix_prob[child] / numbers.prefix_prob[node], step)


@given(rewarded(exact=False))
def test_doob_transform_with_powers_of_e(model: Rewarded) -> None:
    """p+(u ...) Z = p(u) e^{r(t_1) + ... + r(t_k)} Z(u), in balls; the formal prefix weights are the same sums."""
    aligned = model.aligned()
    numbers = aligned.balls()
    partition = numbers.log_partition.exp()
    formal = aligned.prefix_weights()
    for node in range(len(aligned.tree)):
        prefix = tuple(aligned.tree.tokens(node))
        expected = arb(1) * model.future(prefix)
        for k, token in enumerate(prefix):
            expected *= model.rows[prefix[:k]][ALPHABET.index(token)] * factor(model.token[token])
        for found in (numbers.prefix_prob[node] * partition, formal[node].ball()):
            assert found.overlaps(expected)
            assert (found - expected).abs_upper() < expected * arb("1e-60")


@given(models())
def test_the_numbers_belong_together(aligned: Aligned) -> None:
    """I = log Z - L - R = -log p+, sum p+ = 1, and p+ is what gibbs() and secret_reward() say."""
    numbers = aligned.balls()
    prob, log_partition = gibbs(aligned.prior, numbers.reward)
    assert numbers.prob.sum().contains(1)
    assert log_partition.overlaps(numbers.log_partition)
    assert numbers.prefix_prob[0].contains(1)
    shifted = secret_reward(numbers.prob, aligned.prior) + numbers.log_partition
    exact = aligned.exact_prob()
    assert exact is not None
    for y, p in enumerate(exact):
        assert encloses(numbers.prob[y], p)
        assert encloses(prob[y], p)
        assert encloses((-numbers.surprisal[y]).exp(), p)
        assert shifted[y].overlaps(numbers.reward[y])
        assert encloses(numbers.log_prior[y].exp(), aligned.prior[y])


@st.composite
def repetitive_tables(draw: Any) -> Aligned:
    """Tables in which p, R and p+ often repeat, as one object or as two; all rewards may have one factor."""
    weights = draw(st.lists(st.integers(1, 3), min_size=1, max_size=12))
    probs = {w: fmpq(w, sum(weights)) for w in weights}
    fresh = draw(st.booleans())
    prob = objects(fmpq(w, sum(weights)) if fresh else probs[w] for w in weights)
    factor = st.integers(1, 3) if draw(st.booleans()) else st.just(draw(st.integers(1, 3)))
    parts = [(draw(st.integers(-1, 1)), draw(factor)) for _ in weights]
    model = TreeModel.table([f"y{k}" for k in range(len(weights))], prob)
    return align(model, [Reward(fmpq(a, 2), fmpq(x)) for a, x in parts])


def bits(value: arb) -> tuple[Any, Any]:
    """The midpoint and the radius, exactly."""
    return value.mid().man_exp(), value.rad().man_exp()


def one_string_at_a_time(aligned: Aligned) -> dict[str, list[arb]]:
    """L, R, I and p+ as ``balls()`` defines them, nothing shared between strings."""
    parts = [(p * r.factor, r.exponent) for p, r in zip(aligned.prior, aligned.reward, strict=True)]
    log_prior = [arb(p).log() for p in aligned.prior]
    reward = [r.exponent + (arb(r.factor).log() if r.factor != 1 else arb(0)) for r in aligned.reward]
    c, a = parts[largest(objects(x + y for x, y in zip(log_prior, reward, strict=True)))]
    weight = [arb(exponent - a).exp() * (x / c) for x, exponent in parts]
    below = objects(w for w, part in zip(weight, parts, strict=True) if part != (c, a))
    alike = len(parts) - len(below)
    own = ((below.sum() / alike).log1p() if len(below) else arb(0)) + arb(alike).log()
    surprisal = [own - arb(x / c).log() - (exponent - a) for x, exponent in parts]
    prob = objects(weight) / objects(weight).sum()
    return {"log_prior": log_prior, "reward": reward, "surprisal": surprisal, "prob": prob.tolist()}


@given(st.one_of(models(), repetitive_tables(), rewarded(exact=False).map(Rewarded.aligned)))
def test_what_strings_share_is_computed_once_and_the_same(aligned: Aligned) -> None:
    """Bit by bit the numbers of one string at a time; and the first places are those of equal rationals."""
    with precision():
        wanted = one_string_at_a_time(aligned)
        numbers = aligned.balls()
    for name, values in wanted.items():
        assert [bits(found) for found in getattr(numbers, name)] == [bits(value) for value in values]
    rows = {
        "log_prior": aligned.prior.tolist(),
        "reward": [(r.factor, r.exponent) for r in aligned.reward],
        "surprisal": [(p * r.factor, r.exponent) for p, r in zip(aligned.prior, aligned.reward, strict=True)],
    }
    for name, values in rows.items():
        assert getattr(aligned.alike(), name).tolist() == [values.index(value) for value in values]


@given(models())
def test_secret_rewards_have_a_mean_of_kl(aligned: Aligned) -> None:
    """E_{p+}[log p+/p] = KL(p+ || p) >= 0, and = 0 only for p+ = p."""
    numbers = aligned.balls()
    mean = (numbers.prob * secret_reward(numbers.prob, aligned.prior)).sum()
    assert mean.overlaps(kl_divergence(numbers.prob, aligned.prior))
    assert mean > 0 or aligned.exact_prob().tolist() == aligned.prior.tolist()  # type: ignore[union-attr]


@given(tables(), weights(6, 6))
def test_gibbs_gap(aligned: Aligned, competitor: list[int]) -> None:
    """log Z - (E_q[R] - KL(q || p)) = KL(q || p+) >= 0 for every q, 0 at p+."""
    numbers = aligned.balls()
    chosen = competitor[: len(aligned)]
    law = objects(fmpq(w, sum(chosen)) for w in chosen)
    value = (law * numbers.reward).sum() - kl_divergence(law, aligned.prior)
    gap = numbers.log_partition - value
    assert gap.overlaps(kl_divergence(law, numbers.prob))
    exact = aligned.exact_prob()
    assert exact is not None
    assert gap > 0 or (law == exact).all()
    attained = (numbers.prob * numbers.reward).sum() - kl_divergence(numbers.prob, aligned.prior)
    assert attained.overlaps(numbers.log_partition)


@given(models(), st.data())
def test_removed_strings(aligned: Aligned, data: Any) -> None:
    """r = -inf removes a string: p+ is p+ given the others, p stays as it was, and prefixes without mass go."""
    n = len(aligned)
    gone = data.draw(st.sets(st.integers(0, n - 1), max_size=n - 1))
    kept = [y for y in range(n) if y not in gone]
    model = TreeModel.from_masses(aligned.tree, _on_nodes(aligned, aligned.prior))
    rest = align(model, [REMOVED if y in gone else aligned.reward[y] for y in range(n)])
    exact, before = rest.exact_prob(), aligned.exact_prob()
    assert exact is not None
    assert before is not None
    assert rest.names() == tuple(aligned.names()[y] for y in kept)
    assert (rest.prior == aligned.prior[kept]).all()
    assert (exact == before[kept] / before[kept].sum()).all()
    lost = aligned.balls().log_partition + arb(before[kept].sum()).log()
    assert rest.balls().log_partition.overlaps(lost)
    assert all(p > 0 for p in rest.balls().prefix_prob)
    ancestors = {tuple(name.split())[:k] for name in rest.names() for k in range(len(name.split()) + 1)}
    assert {tuple(rest.tree.tokens(u)) for u in range(len(rest.tree))} == ancestors


def _on_nodes(aligned: Aligned, values: Any) -> Any:
    mass = objects([fmpq(0)] * len(aligned.tree))
    mass[aligned.node] = values
    return mass


def test_removing_everything_is_refused() -> None:
    """Z = 0 has no p+."""
    model = TreeModel.table(["x", "y"], objects([fmpq(1, 2)] * 2))
    with pytest.raises(ValueError, match="support is empty"):
        align(model, [REMOVED, REMOVED])
    with pytest.raises(ValueError, match="2 strings but 1 rewards"):
        align(model, [Reward()])


@given(rewarded(exact=False), st.integers(-9, 9), rationals())
def test_a_constant_in_the_reward_changes_log_z_alone(model: Rewarded, exponent: int, scale: fmpq) -> None:
    """r + c: p+, I and Var R stay, log Z and R move by c; equal p+ stay formally equal."""
    aligned = model.aligned()
    constant = Reward(fmpq(exponent), scale)
    moved = Aligned(aligned.tree, aligned.node, aligned.prior, tuple(r + constant for r in aligned.reward))
    shift = arb(exponent) + arb(scale).log()
    here, there = aligned.balls(), moved.balls()
    assert (there.log_partition - here.log_partition).overlaps(shift)
    for name, by in (("prob", 0), ("surprisal", 0), ("reward", shift), ("log_prior", 0), ("prefix_prob", 0)):
        pairs = zip(getattr(here, name), getattr(there, name), strict=True)
        assert all((one + by).overlaps(two) for one, two in pairs)
    parts = [aligned.weight_parts(), moved.weight_parts()]
    groups = [[part.index(p) for p in part] for part in parts]
    assert groups[0] == groups[1]


@given(rewarded(exact=False))
def test_floats_beside_balls(model: Rewarded) -> None:
    """The float64 quantities lie within 1e-12 of the balls, relatively or absolutely."""
    aligned = model.aligned()
    exact, rounded = aligned.balls(), aligned.floats()
    for name in ("log_prior", "reward", "surprisal", "prob", "prefix_prob", "end_prob"):
        expected = floats(getattr(exact, name))
        assert getattr(rounded, name).tolist() == pytest.approx(expected.tolist(), rel=1e-12, abs=1e-12)
    assert rounded.log_partition == pytest.approx(to_float(exact.log_partition), rel=1e-12, abs=1e-12)


@pytest.mark.parametrize("offset", [-1000, 0, 1000])
def test_floats_of_rewards_beyond_the_range_of_exp(offset: int) -> None:
    """e^R need not be a double: only differences of rewards matter."""
    model = TreeModel.table(["x", "y"], objects([fmpq(1, 3), fmpq(2, 3)]))
    found = align(model, [Reward(fmpq(offset)), Reward(fmpq(offset + 1))]).floats()
    assert found.prob.tolist() == pytest.approx([1 / (1 + 2 * math.e), 2 * math.e / (1 + 2 * math.e)], rel=1e-12)
    assert found.log_partition == pytest.approx(offset + math.log((1 + 2 * math.e) / 3), rel=1e-14)


def test_exact_probabilities_need_one_power_of_e() -> None:
    """p+ is rational where every reward has the same transcendental part, and null else."""
    model = TreeModel.table(["x", "y"], objects([fmpq(1, 3), fmpq(2, 3)]))
    same = align(model, [Reward(fmpq(1, 2), fmpq(2)), Reward(fmpq(1, 2))])
    assert list(same.exact_prob()) == [fmpq(1, 2), fmpq(1, 2)]  # type: ignore[arg-type]
    assert align(model, [Reward(fmpq(1)), Reward()]).exact_prob() is None


def test_c1() -> None:
    """p = (1, 2, 4)/7, e^R = (1, 2, 4): p+ = (1, 4, 16)/21 and Z = 3."""
    aligned = table((1, 2, 4), (1, 2, 4))
    assert list(aligned.exact_prob()) == [fmpq(1, 21), fmpq(4, 21), fmpq(16, 21)]  # type: ignore[arg-type]
    assert aligned.balls().log_partition.overlaps(arb(3).log())


def test_gibbs_in_floats() -> None:
    """The arithmetic of the arguments: log Z of C1 in float64."""
    prob, log_partition = gibbs(np.array([1, 2, 4]) / 7, np.log([1.0, 2.0, 4.0]))
    assert prob.tolist() == pytest.approx([1 / 21, 4 / 21, 16 / 21], rel=1e-14)
    assert log_partition == pytest.approx(math.log(3), rel=1e-14)
