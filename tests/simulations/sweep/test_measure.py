"""What is said of a random model, against the models whose answers are known."""

from __future__ import annotations

import dataclasses
import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sympy as sp
from flint import fmpq

pytest.importorskip("pyarrow", reason="pyarrow is not installed")
pytest.importorskip("joblib", reason="joblib is not installed")

from simulations.sweep.measure import chain_sign, columns, direction, measure, standing, trades
from simulations.sweep.models import Drawn, coupled_levels, draw
from simulations.sweep.plan import Family, Sweep
from simulations.sweep.work import rows_of, table_of
from theory.adaptors.exact import chain
from theory.alignment.gibbs import Aligned, align
from theory.arithmetic.exact import objects, precision, to_float
from theory.claims.claim import Finding
from theory.claims.instances import named
from theory.claims.registry import claims, everywhere
from theory.claims.symbolic import covariance
from theory.corpora.enumeration import all_corpora
from theory.corpora.metropolis import IndependentChain
from theory.examples import finite as examples
from theory.language_models.rewards import Reward
from theory.language_models.tree import TreeModel
from theory.models.finite import FiniteModel
from theory.specification.adaptors import AdaptorEntry

CLAIMS = claims()

BY_ID = {claim.id: claim for claim in CLAIMS}


def entry(name: str, value: str, normalise: str) -> AdaptorEntry:
    return AdaptorEntry(name, value, normalise, chain((name, value)), True)


SWEEP = Sweep(
    models=40,
    chunk=20,
    seed=1,
    claims=("line.identity", "adaptors.exchange"),
    betas=(fmpq(1, 2), fmpq(2)),
    levels=8,
    steps=(fmpq(1, 4),),
    corpus=4,
    band=fmpq(1, 10),
    families=(Family("table", ((2,), (5,)), 9), Family("zipf", ((4,),), 9), Family("tree", ((2, 2),), 4)),
    adaptors=(
        entry("temperature", "1/2", "global"),
        entry("temperature", "1/2", "local"),
        entry("top_k", "9", "local"),
    ),
    folder=Path(),
)


def row(aligned: Aligned) -> dict[str, Any]:
    with precision():
        return measure(0, Drawn(aligned, "named", fmpq(1), fmpq(1, 4), 0.0), SWEEP)


def test_named_models() -> None:
    """C1, C3: no trade; C4, C5: trade. C2: what T = 1/2 does globally and locally. The toy's two signs."""
    for name, expected in (("C1", "no"), ("C3", "no"), ("C4", "yes"), ("C5", "yes")):
        assert row(named(name)[0].content.aligned)["trades"] == expected
    c2 = row(named("C2")[0].content.aligned)
    assert (c2["adaptor_0"], c2["adaptor_1"], c2["adaptor_2"]) == ("raises both", "lowers both", "same")
    c4 = row(named("C4")[0].content.aligned)
    assert c4["adaptor_0"] == c4["adaptor_1"] == "trades L for R"
    assert (c4["claim line.identity"], c4["claim adaptors.exchange"], c4["witness"]) == ("holds", "holds", None)
    assert (c4["sign_strings"], c4["sign_typical"]) == (-1, -1)
    toy = row(examples.toy())
    assert (toy["sign_once"], toy["sign_strings"], toy["trades"]) == (1, -1, "no")


def test_constant_and_still() -> None:
    """A constant reward never trades; p+ uniform has nothing to cool."""
    constant = row(examples.table((1, 2), (1, 1)))
    assert (constant["trades"], constant["adaptor_0"], constant["sign_typical"]) == ("no", "one stays", None)
    assert constant["correlation"] is None
    still = row(examples.table((1, 2), (2, 1)))
    assert (still["trades"], still["exchange_coefficient"], still["sign_mixed"]) == ("still", None, None)


def test_a_broken_claim_leaves_a_witness(monkeypatch: pytest.MonkeyPatch) -> None:
    """A claim that fails is "fails", and the model is kept as a specification that replays."""
    from dataclasses import replace

    from theory.claims.instances import replay

    wrong = replace(BY_ID["line.identity"], check=lambda found: iter([Finding("1 = 0", fmpq(1))]))
    monkeypatch.setattr("simulations.sweep.measure.everywhere", lambda: (wrong,))
    found = row(examples.c3())
    assert found["claim line.identity"] == "fails"
    assert replay(found["witness"]).aligned.prior.tolist() == examples.c3().prior.tolist()


def test_the_worst_outcome_counts() -> None:
    """undecided beats holds, fails beats both, nothing is silence."""
    from dataclasses import replace

    from flint import arb

    found = named("C3")[0].content
    sure, unsure, false = Finding("", fmpq(0)), Finding("", arb(0, 1), "positive"), Finding("", fmpq(1))
    for findings, expected in (
        ([], "silent"),
        ([sure], "holds"),
        ([unsure, sure], "undecided"),
        ([false, unsure], "fails"),
    ):
        claim = replace(BY_ID["line.identity"], check=lambda _, own=findings: iter(own))
        assert standing(claim, found) == expected


def test_chain_sign_is_that_of_an_exact_chain() -> None:
    """Rational chains from the prior on random tables, corpora of 4: the sign of the exact covariance."""
    rng, signs = np.random.default_rng(3), []
    with precision():
        for _ in range(40):
            found = FiniteModel.of(examples.random_table(rng, int(rng.integers(2, 6))))
            if found.mean.constant.log_prior or found.mean.constant.reward:
                continue
            walk = IndependentChain.towards(found.aligned.prior, found.aligned.exact_prob())
            exact = walk.corpus_covariance(found.numbers.log_prior, found.numbers.reward, 4)
            expected = 1 if exact > 0 else -1
            assert chain_sign(found, 4) == expected
            signs.append(expected)
    assert set(signs) == {1, -1}


def test_mixed_sign_by_enumeration() -> None:
    """Corpora of 4 strings, each corpus from one of T = 1, 1/2, 2: Cov(Lbar, Rbar) over all of them."""
    with precision():
        for name in ("C2", "C3", "C4", "C5"):
            found = named(name)[0].content
            parts = []
            for steps in ((), chain(("temperature", "1/2")), chain(("temperature", "2"))):
                law = found.law(steps, "global")
                parts.append(all_corpora(found.numbers, 4, law.prob))
            mean_l, mean_r, product = (
                sum(part.mean(values(part)) for part in parts) / 3
                for values in (lambda c: c.log_prior, lambda c: c.reward, lambda c: c.log_prior * c.reward)
            )
            cov = product - mean_l * mean_r
            assert row(found.aligned)["sign_mixed"] == (1 if cov > 0 else -1)


def test_directions_need_both_means() -> None:
    """Where an adaptor keeps everything it is the same law, and only a decided one has a direction."""
    found = named("C3")[0].content
    with precision():
        assert direction(found, entry("top_k", "3", "local")) == "same"
        assert direction(found, entry("top_k", "1", "local")) == "raises both"
        assert trades(found.mean) == "no"


@pytest.mark.parametrize("coupling", [1.0, -1.0])
def test_coupling(coupling: float) -> None:
    """Fully coupled rewards rise, or fall, with the probabilities; uncoupled ones take every level."""
    rng = np.random.default_rng(1)
    prob = objects(fmpq(w, 15) for w in (4, 1, 8, 2))
    levels = coupled_levels(prob, coupling, 3, rng=rng)
    assert levels == ([2, 0, 3, 1] if coupling > 0 else [1, 3, 0, 2])
    free = [coupled_levels(prob, 0.0, 3, rng=rng) for _ in range(200)]
    assert {v for levels in free for v in levels} == {0, 1, 2, 3}


def test_models_are_of_their_family() -> None:
    """Zipf weights but one; beta divides the rewards; trees have their depth."""
    rng, kinds = np.random.default_rng(2), set()
    for _ in range(60):
        drawn = draw(SWEEP, rng=rng)
        kinds.add((drawn.family, len(drawn.aligned)))
        rewards = {r.exponent * drawn.beta * 4 for r in drawn.aligned.reward}
        assert all(r.q == 1 and 0 <= r <= 8 for r in rewards)
        if drawn.family == "zipf":
            ratios = sorted(drawn.aligned.prior[0] / p for p in drawn.aligned.prior)
            assert {1 / r for r in ratios} <= {fmpq(j, k) for j in range(1, 6) for k in range(1, 6)}
    assert {("table", 2), ("table", 5), ("zipf", 4)} <= kinds
    assert max(size for family, size in kinds if family == "tree") == 7


def test_rows_depend_on_the_stream_alone() -> None:
    """The same stream gives the same table, another one another."""
    one, two, other = (table_of(SWEEP, rows_of(SWEEP, 1, np.random.default_rng(seed))) for seed in (5, 5, 6))
    assert one.equals(two)
    assert not one.equals(other)
    assert one["model"].to_pylist() == list(range(20, 40))
    with precision():
        drawn = draw(SWEEP, rng=np.random.default_rng(5))
        assert one["varentropy"][0].as_py() == to_float(FiniteModel.of(drawn.aligned).mean.var_surprisal)


# --- the step of the reward ---------------------------------------------------------------------------------------


def exponents(drawn: Drawn) -> list[fmpq]:
    """r/beta of every string."""
    return [reward.exponent for reward in drawn.aligned.reward]


def test_one_step_draws_as_before_there_were_several() -> None:
    """The first models of a stream, as they came out when a sweep could have one step only."""
    expected = (
        ("tree", "2", 0.6158815794729875, "2/7 4/49 6/49 4/49 6/49 3/49 12/49", "7/8 1/8 1 1/4 5/8 0 7/8"),
        ("table", "1/2", 0.35836306604272994, "2/3 1/3", "1 0"),
        ("tree", "2", -0.9976006328263427, "3/7 1/7 3/28 2/7 1/28", "0 3/8 5/8 1/8 7/8"),
    )
    rng = np.random.default_rng(5)
    for family, beta, coupling, prior, reward in expected:
        drawn = draw(SWEEP, rng=rng)
        assert (drawn.family, str(drawn.beta), drawn.coupling, drawn.step) == (family, beta, coupling, fmpq(1, 4))
        assert [str(p) for p in drawn.aligned.prior] == prior.split()
        assert [str(v) for v in exponents(drawn)] == reward.split()


def test_each_model_draws_its_step() -> None:
    """Rewards are multiples of the model's own step, up to its highest level; each step is drawn about as often."""
    steps = (fmpq(1, 3), fmpq(2), fmpq(50))
    several = dataclasses.replace(SWEEP, steps=steps)
    rng, seen = np.random.default_rng(1), dict.fromkeys(steps, 0)
    highest = dict.fromkeys(steps, fmpq(0))
    for _ in range(300):
        drawn = draw(several, rng=rng)
        levels = [value * drawn.beta / drawn.step for value in exponents(drawn)]
        assert all(level.q == 1 and 0 <= level <= 8 for level in levels)
        seen[drawn.step] += 1
        highest[drawn.step] = max(highest[drawn.step], *levels)
    assert set(seen) == set(steps)
    assert min(seen.values()) > 60, "100 each are expected; fewer than 61 of one has a probability below 1e-6"
    assert set(highest.values()) == {fmpq(8)}


def test_the_step_has_a_column_only_where_it_is_drawn() -> None:
    """So that the shards of a sweep with one step are those of before."""
    several = dataclasses.replace(SWEEP, steps=(fmpq(1, 4), fmpq(3)))
    assert set(columns(several)) - set(columns(SWEEP)) == {"step"}
    table = table_of(several, rows_of(several, 0, np.random.default_rng(5)))
    rng = np.random.default_rng(5)
    assert table["step"].to_pylist() == [str(draw(several, rng=rng).step) for _ in range(20)]
    assert set(table["step"].to_pylist()) == {"1/4", "3"}
    assert "step" not in table_of(SWEEP, rows_of(SWEEP, 0, np.random.default_rng(5))).column_names


# --- two strings --------------------------------------------------------------------------------------------------


def test_two_strings_trade_where_the_covariance_is_negative() -> None:
    """p = (v, w), e^R = (c, d), all of 1..6: V = 0 iff vc = wd; else b is outside [-1, 0] iff (v - w)(c - d) < 0."""
    verdicts = []
    with precision():
        for v, w, c, d in itertools.product(range(1, 7), repeat=4):
            found = FiniteModel.of(examples.table((v, w), (c, d)))
            negative = (v - w) * (c - d) < 0
            assert bool(found.mean.cov < 0) is negative
            expected = "still" if v * c == w * d else "yes" if negative else "no"
            assert trades(found.mean) == expected, (v, w, c, d)
            verdicts.append(expected)
    assert set(verdicts) == {"yes", "no", "still"}


def test_two_strings_for_every_table() -> None:
    """b(1 + b) Var(I) = -Cov(L, R), in symbols for any q, log p and R of two strings: b(1 + b) > 0 iff Cov < 0.

    With three strings the same expression is not 0.
    """
    for strings, holds in ((2, True), (3, False)):
        weight = sp.symbols(f"w0:{strings}", positive=True)
        law = [w / sum(weight) for w in weight]
        log_prior, reward = (sp.symbols(f"{name}0:{strings}", real=True) for name in "lr")
        surprisal = [-one - other for one, other in zip(log_prior, reward, strict=True)]  # up to the constant log Z
        variance = covariance(law, surprisal, surprisal)
        b = covariance(law, log_prior, surprisal) / variance
        gap = sp.cancel(sp.together(b * (1 + b) * variance + covariance(law, log_prior, reward)))
        assert (gap == 0) is holds


def test_two_strings_do_not_feel_the_step() -> None:
    """The same draws with rewards sixteen times as large: the same verdicts, of all three kinds."""
    pairs = dataclasses.replace(SWEEP, families=(Family("table", ((2,),), 4),), levels=2)
    verdicts = []
    with precision():
        for step in (fmpq(1, 4), fmpq(4)):
            rng = np.random.default_rng(4)
            sweep = dataclasses.replace(pairs, steps=(step,))
            verdicts.append([trades(FiniteModel.of(draw(sweep, rng=rng).aligned).mean) for _ in range(100)])
    assert verdicts[0] == verdicts[1]
    assert set(verdicts[0]) == {"yes", "no", "still"}


# --- signs and correlations by another route ----------------------------------------------------------------------


def mixed_covariances(aligned: Aligned, size: int) -> tuple[float, float]:
    """Cov(Lbar, Rbar) of corpora, and Cov(L, R) of strings: a third from p+, from its square, and from its root."""
    numbers = aligned.floats()
    laws = [numbers.prob**power / (numbers.prob**power).sum() for power in (1.0, 2.0, 0.5)]
    points = np.stack((numbers.log_prior, numbers.reward))
    means = np.array([points @ law for law in laws])
    within = np.mean([law @ np.prod(points.T - mean, axis=1) for law, mean in zip(laws, means, strict=True)])
    between = np.prod(means - means.mean(axis=0), axis=1).mean()
    return float(within / size + between), float(within + between)


def test_signs_of_mixtures_in_floats() -> None:
    """Of many random models; among them some whose corpora have the other sign than their strings."""
    rng, large, turned = np.random.default_rng(2), dataclasses.replace(SWEEP, corpus=100), 0
    for _ in range(60):
        with precision():
            drawn = draw(large, rng=rng)
            found = measure(0, drawn, large)
        if found["sign_mixed"] is None:
            continue
        corpora, strings = mixed_covariances(drawn.aligned, 100)
        assert min(abs(corpora), abs(strings)) > 1e-9, "the sign is beyond rounding"
        assert (found["sign_mixed"], found["sign_mixed_strings"]) == (np.sign(corpora), np.sign(strings))
        turned += corpora * strings < 0
    assert turned > 0


@pytest.mark.parametrize(("prior", "exp_reward"), [((1, 2, 5), (3, 1, 2)), ((4, 1, 1, 2), (1, 5, 2, 2))])
def test_correlation_under_the_prior(prior: tuple[int, ...], exp_reward: tuple[int, ...]) -> None:
    """Pearson's on a list in which every string stands as often as its weight says."""
    log_prior, reward = np.log(np.array(prior) / sum(prior)), np.log(exp_reward)
    expected = np.corrcoef(np.repeat(log_prior, prior), np.repeat(reward, prior))[0, 1]
    assert row(examples.table(prior, exp_reward))["correlation_prior"] == pytest.approx(expected, abs=1e-12)


def test_models_of_small_beta() -> None:
    """beta = 1/1000 puts e^1000 between strings: every row is made, float64 without a number gives no sign."""
    sweep = dataclasses.replace(SWEEP, betas=(fmpq(1, 1000),), models=20)
    rows = rows_of(sweep, 0, np.random.default_rng(1))
    assert len(rows) == 20
    assert all(row["claim adaptors.exchange"] != "fails" for row in rows)
    assert {row["trades"] for row in rows} <= {"yes", "no", "still", "undecided"}
    assert table_of(sweep, rows).num_rows == 20


def gapped(levels: tuple[int, int, int]) -> Aligned:
    """p = (1, 2, 4) / 7 with R as given."""
    prior = TreeModel.table(["a", "b", "c"], objects(fmpq(k, 7) for k in (1, 2, 4)))
    return align(prior, [Reward(exponent=fmpq(level)) for level in levels])


@pytest.mark.parametrize(
    ("levels", "expected"), [((0, 1, 200), "no"), ((200, 1, 0), "yes"), ((0, 1000, 1000), "no"), ((0, 999, 1000), "no")]
)
def test_rewards_far_apart_are_decided(levels: tuple[int, int, int], expected: str) -> None:
    """p+ is next to one string y, and of the others the nearest z alone counts: it trades iff L and R are opposed.

    With two strings b (1 + b) has the sign of -(L_y - L_z)(R_y - R_z), and their probabilities differ by e^-200 at
    most here, of which 256 bits show nothing.
    """
    every = dataclasses.replace(SWEEP, claims=tuple(claim.id for claim in everywhere()))
    with precision():
        found = measure(0, Drawn(gapped(levels), "table", fmpq(1), fmpq(1), 0.0), every)
    assert found["trades"] == expected
    assert {found[f"claim {name}"] for name in every.claims} <= {"holds", "silent"}
    assert found["witness"] is None


def test_rewards_too_far_apart_are_undecided() -> None:
    """Of e^-10^6 no 16,384 bits tell anything: undecided and not a failure, and the model is shown."""
    every = dataclasses.replace(SWEEP, claims=("adaptors.interior", "line.identity"))
    with precision():
        found = measure(0, Drawn(gapped((10**6, 1, 0)), "table", fmpq(1), fmpq(1), 0.0), every)
    assert found["claim adaptors.interior"] == "undecided"
    assert found["claim line.identity"] == "holds"
    assert found["witness"] is not None


def test_a_claim_that_breaks_on_one_model_is_undecided() -> None:
    """An assertion or a lack of digits in a check ends that claim on that model, not the sweep."""

    def broken(_: FiniteModel) -> Any:
        raise AssertionError("the hull")
        yield

    claim = dataclasses.replace(BY_ID["line.identity"], check=broken)
    assert standing(claim, FiniteModel.of(examples.c4())) == "undecided"
