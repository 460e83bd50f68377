"""The run of all comparisons: it holds every claim, agrees, is the same for the same seed, and its numbers are exact.

The exact values of rows are computed again, from the models' integers, in balls or rationals and by enumeration:
nothing of ``simulations`` is used for them.
"""

from __future__ import annotations

import importlib
import itertools
import json
import math
import zlib
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from flint import arb, fmpq, fmpq_mat
from scipy import optimize, special

from simulations.agreement import corpora, decoding, estimates, infinite, markov, strings
from simulations.agreement.comparison import DIFFERS, SAMPLED, Comparison, SettledComparison, event
from simulations.agreement.comparison import law as compared_law
from simulations.agreement.faults import planted
from simulations.agreement.procedures import Parts
from simulations.agreement.run import DRAWS, EXPERIMENTS, Outcome, caught, run, setting
from simulations.agreement.setting import Experiment, Setting
from simulations.agreement.statistics import BUDGET
from theory.alignment.gibbs import Aligned
from theory.arithmetic.exact import to_float
from theory.claims.registry import repeated
from theory.examples.finite import C6_PROPOSAL, random_tree, toy
from theory.report.records import ComparisonRecord, as_json, read_record
from theory.seed import SEED

REPEATED = repeated()

FEW = 1000


@cache
def quick() -> Outcome:
    """The quick profile at its default seed."""
    return run(setting("quick"))


@cache
def small(seed: int) -> Outcome:
    """As few draws as are allowed."""
    return run(setting("quick", seed, draws=FEW))


# --- the run --------------------------------------------------------------------------------------------------------


def test_every_claim_is_sampled() -> None:
    """Every id of the registry has a row, no row has another id, and they come in the registry's order."""
    ids = [claim.id for claim in REPEATED]
    found = [row.claim for row in quick().rows]
    assert set(ids) - set(found) == set()
    assert set(found) - set(ids) == set()
    places = [ids.index(one) for one in found]
    assert places == sorted(places)


def test_every_row_agrees() -> None:
    """At the seed of the report every verdict is SAMPLED: the interval holds the exact value."""
    rows = quick().rows
    assert [(row.claim, row.what) for row in rows if row.verdict != SAMPLED] == []
    assert quick().differing == ()
    assert all(row.low <= row.exact <= row.high for row in rows)
    assert quick().setting.seed == SEED


def test_rows_have_names_of_their_own() -> None:
    """No two rows say the same of the same claim."""
    names = [(row.claim, row.what) for row in quick().rows]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("profile", [quick, lambda: small(1)], ids=["quick", "1,000 draws"])
def test_budget(profile: Callable[[], Outcome]) -> None:
    """The alphas sum to 1e-6 and no more; those by chance have equal shares, the others none and an interval."""
    rows = profile().rows
    assert BUDGET == 1e-6
    assert math.fsum(row.alpha for row in rows) <= 1e-6 * (1 + 1e-12)
    assert profile().spent == pytest.approx(1e-6, rel=1e-12)
    by_chance = [row for row in rows if row.alpha]
    assert {row.alpha for row in by_chance} == {1e-6 / len(by_chance)}
    assert all(row.what.endswith("largest difference") for row in rows if not row.alpha)
    assert all(not row.what.endswith("largest difference") for row in by_chance)


def test_json() -> None:
    """It is written without NaN and says how it was made."""
    found = json.loads(json.dumps(as_json(quick().record(None, None, None)), allow_nan=False))
    assert [(row["claim"], row["verdict"]) for row in found["rows"]] == [(r.claim, r.verdict) for r in quick().rows]
    assert (found["seed"], found["draws"], found["corpora"]) == (SEED, *DRAWS["quick"])
    assert (found["budget"], found["differing"]) == (1e-6, 0)


def test_json_is_a_record() -> None:
    """It is read as it was written."""
    record = quick().record(None, "always-accept", None)
    assert read_record(ComparisonRecord, json.dumps(as_json(record)), "compare.json") == record
    assert record.rows == tuple(row.record() for row in quick().rows)
    assert "faults" not in as_json(record), "only a record that plants all of them has them"


# --- seeds and streams ----------------------------------------------------------------------------------------------


def numbers(outcome: Outcome) -> list[tuple[str, str, float, float]]:
    return [(row.claim, row.what, row.exact, row.estimate) for row in outcome.rows]


def test_same_seed_same_rows() -> None:
    """Bit for bit, whatever was run in between."""
    again = run(setting("quick"))
    assert again.rows == quick().rows
    assert again.spent == quick().spent


def test_another_seed_other_estimates() -> None:
    """The same comparisons with the same exact values; estimates by chance move, but for values that are constant."""
    one, two = small(1), small(2)
    assert [(a.claim, a.what, a.exact) for a in one.rows] == [(b.claim, b.what, b.exact) for b in two.rows]
    alike = [a for a, b in zip(one.rows, two.rows, strict=True) if a.estimate == b.estimate and a.alpha]
    constant = {
        "C7, top-k 2: E L + E R",
        "tree 5: the largest E R",
        "tree with prompts, prompt 1, top-k 1 (1 outcomes): KL of the frequencies",
        "tree with prompts, prompt 2, top-k 1 (1 outcomes): KL of the frequencies",
    }
    # besides, shares of 100 to 1,000 draws may be equal by chance, a few of them
    assert len([row for row in alike if row.what not in constant]) <= len(one.rows) // 10


@pytest.mark.parametrize("order", [slice(None, None, -1), slice(7, None, 9), slice(3, 4)])
def test_streams_do_not_depend_on_what_else_runs(order: slice) -> None:
    """Backwards, every ninth, or one experiment alone: the same estimates, each with a larger share of alpha."""
    chosen = EXPERIMENTS[order]
    alone = run(setting("quick", 1, draws=FEW), chosen)
    whole = {(row.claim, row.what): row for row in small(1).rows}
    assert 0 < len(alone.rows) <= len(whole)
    for row in alone.rows:
        beside = whole[row.claim, row.what]
        assert (row.exact, row.estimate, row.draws) == (beside.exact, beside.estimate, beside.draws)
        assert row.alpha >= beside.alpha


def test_streams_have_names_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """No two experiments ask for one stream, and no two names lead to the same seed."""
    asked: list[str] = []
    original = Setting.rng

    def rng(self: Setting, name: str) -> np.random.Generator:
        asked.append(name)
        return original(self, name)

    monkeypatch.setattr(Setting, "rng", rng)
    run(setting("quick", 1, draws=FEW))
    assert len(set(asked)) == len(asked) >= len(EXPERIMENTS)
    assert len({zlib.crc32(name.encode()) for name in asked}) == len(asked)


def test_streams_by_seed_and_name() -> None:
    """Another name or another seed, also one that differs beyond 32 bits, is another stream."""
    first = [
        setting("quick", seed).rng(name).integers(2**63, size=4).tolist()
        for seed in (0, 1, 2**32, 2**32 + 1, SEED)
        for name in ("gibbs", "secret", "")
    ]
    assert len({tuple(values) for values in first}) == len(first)
    assert setting("quick", 5).rng("gibbs").random() == setting("full", 5).rng("gibbs").random()


# --- settings -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("profile", "draws", "expected"),
    [
        ("quick", None, (20_000, 5_000)),
        ("full", None, (200_000, 50_000)),
        ("quick", 40_000, (40_000, 10_000)),
        ("full", 1_000_000, (1_000_000, 250_000)),
        ("full", 1000, (1000, 250)),
        ("quick", 1000, (1000, 250)),
    ],
)
def test_setting_scales(profile: str, draws: int | None, expected: tuple[int, int]) -> None:
    """Corpora go with the strings."""
    found = setting(profile, 3, draws)
    assert (found.draws, found.corpora) == expected
    assert found.seed == 3
    assert found.parts == Parts()


@pytest.mark.parametrize("draws", [999, 1, 0, -5])
def test_setting_refuses(draws: int) -> None:
    """Fewer than 1,000 draws say next to nothing."""
    with pytest.raises(ValueError, match=f"^at least 1,000 draws are needed to say anything, got {draws}$"):
        setting("quick", draws=draws)


def test_setting_takes_parts() -> None:
    """The procedures that it was given, the right ones by default."""
    wrong = planted("always-accept").parts
    assert setting("quick", parts=wrong).parts is wrong


def test_few_draws_agree_too() -> None:
    """With 1,000 draws, where some rows rest on a handful of corpora, nothing breaks and nothing differs."""
    assert small(1).differing == small(2).differing == ()
    assert min(row.draws for row in small(1).rows) < 20


def test_progress_and_outcome() -> None:
    """Each experiment is named when it has ended; rows of a made-up experiment get their verdicts."""

    def made_up(chosen: Setting) -> list[Comparison]:
        return [
            event("line.rate", "half", 0.5, np.arange(chosen.draws) % 2 == 0),
            event("alignment.gibbs", "off", 0.9, np.arange(chosen.draws) % 2 == 0),
        ]

    named: list[str] = []
    found = run(setting("quick", draws=FEW), [made_up, strings.EXPERIMENTS[0]], named.append)
    assert named == ["made_up", strings.EXPERIMENTS[0].__name__]
    verdicts = [(row.claim, row.what, row.verdict) for row in found.rows]
    assert verdicts[0] == ("alignment.gibbs", "off", DIFFERS)
    assert verdicts[-1] == ("line.rate", "half", SAMPLED)
    assert [row.what for row in found.differing] == ["off"]
    assert found.record(None, None, None).differing == 1


def test_caught_yields_each_fault_with_its_run() -> None:
    """Lazily, in order, with the fault's procedures and the quick profile."""
    faults = [planted("always-accept"), planted("flipped-reward")]
    chains_only: Sequence[Experiment] = markov.EXPERIMENTS
    found = list(caught(3, chains_only, faults))
    assert [fault for fault, _ in found] == faults
    for fault, outcome in found:
        assert outcome.setting.parts is fault.parts
        assert (outcome.setting.seed, outcome.setting.draws) == (3, DRAWS["quick"][0])
    assert [bool(outcome.differing) for _, outcome in found] == [True, False]


def test_only_what_asks_for_a_wrong_procedure_is_made_again() -> None:
    """An experiment that draws strings, and one that draws counts of them, under a fault of the counts."""
    made: list[str] = []

    def of_strings(chosen: Setting) -> list[Comparison]:
        made.append("strings")
        chosen.parts.strings(np.array([0.5, 0.5]), 10, rng=chosen.rng("strings"))
        return [event("line.rate", "half", 0.5, np.arange(chosen.draws) % 2 == 0)]

    def of_counts(chosen: Setting) -> list[Comparison]:
        made.append("counts")
        counts = chosen.parts.counts
        assert callable(counts)
        return [event("line.rate", "all", 1.0, np.ones(chosen.draws, dtype=bool))]

    found = list(caught(3, [of_strings, of_counts], [planted("reused-seed"), planted("flipped-reward")]))
    assert made == ["strings", "counts", "counts"]
    assert [[row.what for row in outcome.rows] for _, outcome in found] == [["half", "all"]] * 2


def test_all_families_of_experiments_take_part() -> None:
    """The modules of ``agreement`` that need no torch."""
    modules = (strings, corpora, markov, infinite, decoding, estimates)
    assert sorted(map(id, EXPERIMENTS)) == sorted(id(one) for module in modules for one in module.EXPERIMENTS)


# --- exact values, computed again -----------------------------------------------------------------------------------

Model = tuple[list[fmpq], list[fmpq]]
"""(p, e^R) of each string."""


def normal(values: Sequence[Any]) -> list[Any]:
    total = sum(values, start=0 * values[0])
    return [v / total for v in values]


def ln(value: Any) -> arb:
    return arb(value).log()


def half(value: Any) -> arb:
    return arb(value).sqrt()


def dot(law: Sequence[Any], values: Sequence[Any]) -> Any:
    return sum((q * v for q, v in zip(law, values, strict=True)), start=arb(0))


def cov(law: Sequence[Any], one: Sequence[Any], two: Sequence[Any]) -> Any:
    first, second = dot(law, one), dot(law, two)
    return dot(law, [(x - first) * (y - second) for x, y in zip(one, two, strict=True)])


def corr(law: Sequence[Any], one: Sequence[Any], two: Sequence[Any]) -> arb:
    return cov(law, one, two) / (cov(law, one, one) * cov(law, two, two)).sqrt()


def weighted(prior: Sequence[int], factor: Sequence[int]) -> Model:
    return normal([fmpq(w) for w in prior]), [fmpq(x) for x in factor]


C2: Model = (normal([fmpq(w) for w in (2, 2, 2, 2, 3)]), [fmpq(x) for x in (2, 2, 2, 2, 3)])
C3 = weighted((1, 2, 4), (1, 2, 3))
C4 = weighted((8, 4, 1), (1, 1, 8))
C5 = weighted((1, 2, 8), (8, 6, 3))
C6 = weighted((10, 6, 3), (3, 4, 2))


def by_laws(prior: Sequence[Any], law: Sequence[Any]) -> Model:
    one, two = normal([fmpq(w) for w in prior]), normal([fmpq(w) for w in law])
    return one, [b / a for a, b in zip(one, two, strict=True)]


C7 = by_laws((6, 3, 7, 2), (11, 5, 11, 1))


def tilted(model: Model) -> list[fmpq]:
    return normal([p * x for p, x in zip(*model, strict=True)])


def logs(model: Model) -> tuple[list[arb], list[arb]]:
    return [ln(p) for p in model[0]], [ln(x) for x in model[1]]


def log_partition(model: Model) -> arb:
    return ln(sum((p * x for p, x in zip(*model, strict=True)), start=fmpq(0)))


def means(law: Sequence[Any], model: Model) -> tuple[Any, Any]:
    """(E L, E R)."""
    return dot(law, logs(model)[0]), dot(law, logs(model)[1])


def compositions(size: int, kinds: int) -> list[tuple[int, ...]]:
    if kinds == 1:
        return [(size,)]
    return [(k, *rest) for k in range(size + 1) for rest in compositions(size - k, kinds - 1)]


def multinomial(law: Sequence[Any], counts: Sequence[int]) -> Any:
    ways = fmpq(math.factorial(sum(counts)), math.prod(math.factorial(k) for k in counts))
    return math.prod((q**k for q, k in zip(law, counts, strict=True)), start=ways)


def all_corpora(model: Model, size: int) -> list[tuple[arb, arb, arb, arb]]:
    """(probability, Lbar, Rbar, Ibar) of every corpus."""
    law, (log_prior, reward), z = tilted(model), logs(model), log_partition(model)
    found = []
    for counts in compositions(size, len(law)):
        l, r = (dot(counts, values) / size for values in (log_prior, reward))
        found.append((arb(multinomial(law, counts)), l, r, z - l - r))
    return found


def entropy(law: Sequence[fmpq]) -> arb:
    return -dot(law, [ln(q) for q in law])


def near_typical(model: Model, size: int, epsilon: fmpq) -> arb:
    """P(|Ibar - H| < eps): each corpus is certainly inside or certainly outside."""
    centre, total = entropy(tilted(model)), arb(0)
    for prob, _, _, surprisal in all_corpora(model, size):
        gap = abs(surprisal - centre)
        assert gap < epsilon or gap > epsilon
        if gap < epsilon:
            total += prob
    return total


def near_typical_in_floats(model: Model, size: int, epsilon: float) -> float:
    """The same for three strings and large corpora, by log-factorials."""
    law = np.array([to_float(q) for q in tilted(model)])
    first, second = np.meshgrid(np.arange(size + 1), np.arange(size + 1))
    counts = np.stack((first, second, size - first - second))[:, first + second <= size]
    log_prob = special.gammaln(size + 1) - special.gammaln(counts + 1).sum(axis=0) + np.log(law) @ counts
    gap = np.abs(-np.log(law) @ counts / size + law @ np.log(law))
    assert np.abs(gap - epsilon).min() > 1e-9
    return float(np.exp(log_prob[gap < epsilon]).sum())


# --- the tree that most comparisons are made on, read off string by string


Strings = dict[tuple[str, ...], tuple[fmpq, fmpq]]


def read(aligned: Aligned) -> Strings:
    """(p, e^R) by tokens."""
    found = {}
    for node, p, r in zip(aligned.node, aligned.prior, aligned.reward, strict=True):
        assert r.exponent == 0
        found[tuple(aligned.tree.tokens(int(node)))] = (p, r.factor)
    return found


@cache
def tree_five() -> tuple[Model, Strings]:
    found = read(random_tree(np.random.default_rng(5), 3, 3))
    return ([p for p, _ in found.values()], [x for _, x in found.values()]), found


END = "end"


def local(strings_of: Strings, weigh: Callable[[dict[str, fmpq]], dict[str, Any]]) -> tuple[list[Any], list[Any]]:
    """(q_loc, prod c_t) of every string, with these weights of the next tokens' laws under p+."""
    law = dict(
        zip(strings_of, tilted(([p for p, _ in strings_of.values()], [x for _, x in strings_of.values()])), strict=True)
    )
    prefixes = {s[:k] for s in law for k in range(len(s) + 1)}
    mass = {u: sum((q for s, q in law.items() if s[: len(u)] == u), start=fmpq(0)) for u in prefixes}
    rows = {}
    for u in prefixes:
        row = {s[len(u)]: mass[s] / mass[u] for s in sorted(prefixes) if len(s) == len(u) + 1 and s[: len(u)] == u}
        if u in law:
            row[END] = law[u] / mass[u]
        rows[u] = weigh(row)
    found, normalisers = [], []
    for string in law:
        steps = [(string[:k], token) for k, token in enumerate((*string, END))]
        total = [sum(rows[u].values(), start=fmpq(0)) for u, _ in steps]
        found.append(math.prod((rows[u][t] / c for (u, t), c in zip(steps, total, strict=True)), start=fmpq(1)))
        normalisers.append(math.prod(total, start=fmpq(1)))
    return found, normalisers


def squared(row: dict[str, fmpq]) -> dict[str, fmpq]:
    return {t: q**2 for t, q in row.items()}


def best_two(row: dict[str, fmpq]) -> dict[str, fmpq]:
    """Ties to the token that comes first, the end last."""
    kept = sorted(row, key=lambda t: -row[t])[:2]
    return {t: q if t in kept else fmpq(0) for t, q in row.items()}


def four_fifths(row: dict[str, fmpq]) -> dict[str, fmpq]:
    """The likeliest tokens until their mass reaches 4/5."""
    kept, mass = [], fmpq(0)
    for token in sorted(row, key=lambda t: -row[t]):
        if mass < fmpq(4, 5):
            kept.append(token)
            mass += row[token]
    return {t: q if t in kept else fmpq(0) for t, q in row.items()}


# --- family by family


def alignment() -> dict[str, Any]:
    """Tilted laws, and what is gained by q over p."""
    found: dict[str, Any] = {}
    for beta, name in ((fmpq(5), "1/5"), (fmpq(1, 6), "6")):
        prior, reward = [fmpq(1, 7), fmpq(4, 7), fmpq(2, 7)], [fmpq(0), fmpq(1), fmpq(2)]
        law = normal([arb(p) * arb(r / beta).exp() for p, r in zip(prior, reward, strict=True)])
        found[f"p = (1, 4, 2)/7, lambda = {name}: E L"] = dot(law, [ln(p) for p in prior])
        found[f"p = (1, 4, 2)/7, lambda = {name}: E R"] = dot(law, [r / beta for r in reward])
    model, by_tokens = tree_five()
    law = tilted(model)
    found["tree 5: E log p+/p = KL(p+ || p)"] = dot(law, [ln(q / p) for q, p in zip(law, model[0], strict=True)])
    q, _ = local(by_tokens, squared)
    assert sum(q, start=fmpq(0)) == 1
    found["tree 5, local T = 1/2: E_q[R - log q/p]"] = dot(
        q, [ln(x * p / k) for p, x, k in zip(*model, q, strict=True)]
    )
    for prompt, (part, aligned) in prompted_tree().items():
        kl = dot(aligned, [ln(b / a) for a, b in zip(part, aligned, strict=True)])
        found[f"tree with prompts, prompt {prompt}: E log p+/p"] = kl
    return found


def prompted_tree() -> dict[int, tuple[list[fmpq], list[fmpq]]]:
    """(p(y | x), p+(y | x)) of the tree with prompts, x = 1 and 2."""
    known, _ = decoding.tree_with_prompts()
    found = {}
    for number, prompt in enumerate("xy", start=1):
        part = [pair for tokens, pair in read(known.aligned).items() if tokens[0] == prompt]
        found[number] = normal([p for p, _ in part]), normal([p * x for p, x in part])
    return found


def line() -> dict[str, Any]:
    """Corpora near the line, by enumeration."""
    found: dict[str, Any] = {}
    found["C5, N = 40: P(off the line by 1/5)"] = 1 - near_typical(C5, 40, fmpq(1, 5))
    found["C4, N = 6, eps = 1/4: P(typical)"] = near_typical(C4, 6, fmpq(1, 4))
    found["C5, N = 1,000, eps = 1/50: P(typical)"] = near_typical_in_floats(C5, 1000, 0.02)
    # 6 is the least size from which on at least 19/20 are typical, as far as 60
    assert near_typical(C4, 5, fmpq(1, 4)) < fmpq(19, 20)
    assert all(near_typical(C4, n, fmpq(1, 4)) > fmpq(19, 20) for n in range(6, 61))
    law = tilted(C5)
    information = [-ln(q) for q in law]
    threshold = entropy(law) + fmpq(1, 4)
    beyond = sum((p for p, _, _, i in all_corpora(C5, 60) if i > threshold), start=arb(0))
    at = [float(i) for i in information]

    def legendre(s: float) -> float:
        return math.log(sum(float(arb(q)) * math.exp(s * i) for q, i in zip(law, at, strict=True))) - s * float(
            threshold
        )

    rate = -float(optimize.minimize_scalar(legendre, bounds=(0, 20), method="bounded", options={"xatol": 1e-12}).fun)
    found["C5, N = 60: P(Ibar >= H + 1/4) e^(N rate)"] = float(beyond) * math.exp(60 * rate)
    # no three lengths below 6 reach 4^6, one length of 6 does
    assert 3 * 4**5 < 4**6
    short = sum((fmpq(1, 2**n) for n in range(1, 6)), start=fmpq(0))
    found["2^-4^n, N = 3: P(Lbar <= -4^6 log 2 / 3)"] = 1 - short**3
    return found


def correlations() -> dict[str, Any]:
    """Of strings, of typical corpora, of ranks, of a pool."""
    found: dict[str, Any] = {}
    for name, model in (("C6", C6), ("C7", C7)):
        exact = corr(tilted(model), *logs(model))
        found[f"{name}, N = 1"] = found[f"{name}, N = 10"] = exact
    attained = by_laws((1, 2, fmpq(1, 2), 1), (2, 2, 1, 1))
    found["the bound attained"] = corr(tilted(attained), *logs(attained))
    centre = entropy(tilted(C6))
    inside = [c for c in all_corpora(C6, 30) if abs(c[3] - centre) < fmpq(1, 10)]
    prob = [c[0] for c in inside]
    found["C6, N = 30: P(typical to 1/10)"] = sum(prob, start=arb(0))
    found["C6, N = 30, typical to 1/10"] = corr(normal(prob), [c[1] for c in inside], [c[2] for c in inside])
    law, size, pool = tilted(C5), 200, 50
    variance = cov(law, logs(C5)[0], logs(C5)[0])
    # the pool's mean, and a resample's around it: the variance within a pool is (1 - 1/n) Var L on average
    error = variance / pool + variance * (1 - fmpq(1, pool)) / size
    found["C5, N = 200 from a pool of 50: E error^2"] = error
    found["C7, N = 20: Spearman of corpora"] = spearman(C7, 20)
    found["toy, each string once: P(same side)"], found["toy, under p+: P(same side)"] = same_side()
    return found


def spearman(model: Model, size: int) -> float:
    """From P(X < x) - P(X > x) of each corpus, all pairs compared."""
    rows = all_corpora(model, size)
    prob = np.array([float(row[0]) for row in rows])
    ranks = []
    for place in (1, 2):
        value = np.array([float(row[place]) for row in rows])
        sign = np.where(np.abs(value[:, None] - value[None, :]) < 1e-10, 0.0, np.sign(value[:, None] - value[None, :]))
        ranks.append(sign @ prob)
    one, two = ranks
    return float(prob @ (one * two) / math.sqrt((prob @ one**2) * (prob @ two**2)))


def same_side() -> tuple[float, float]:
    """Of the toy: the share of strings, and the probability, with L and R on the same side of their means."""
    model = toy()
    prior = np.array([to_float(p) for p in model.prior])
    reward = np.log([to_float(r.factor) for r in model.reward])
    aligned = prior * np.exp(reward) / (prior * np.exp(reward)).sum()
    found = []
    for law in (np.full(len(prior), 1 / len(prior)), aligned):
        side = (np.log(prior) > law @ np.log(prior)) == (reward > law @ reward)
        found.append(float(law @ side))
    return found[0], found[1]


def adapted() -> dict[str, Any]:
    """Global laws from powers of p+, local ones prefix by prefix, and laws of one's own."""
    found: dict[str, Any] = {}

    def both(name: str, law: Sequence[Any], model: Model) -> None:
        found[f"{name}: E L"], found[f"{name}: E R"] = means(law, model)

    for name, model in (("C4", C4), ("C5", C5), ("C3", C3), ("C2", C2)):
        both(f"{name}, global T = 1/2", normal([q**2 for q in tilted(model)]), model)
    both("C3, T = 1/2", normal([q**2 for q in tilted(C3)]), C3)
    both("C3, global T = 2", normal([half(q) for q in tilted(C3)]), C3)
    # C2 is token a and then one of four of equal probability, or token b
    last = fmpq(9, 25)
    a, b = normal([(1 - last) ** 2, last**2])
    both("C2, local T = 1/2", [*[a / 4] * 4, b], C2)
    power = normal([half(p) * arb(x) ** 2 for p, x in zip(*C5, strict=True)])
    both("C5, p^(1/2) e^(2R)", power, C5)
    # 24/44 whole, and of 12/44 what is missing to 4/5
    law = tilted(C5)
    kept = [fmpq(0), fmpq(4, 5) - law[2], law[2]]
    assert law[1] > kept[1] > 0
    found["C5, mass 4/5: E L + E R"] = sum(means([k / fmpq(4, 5) for k in kept], C5), start=arb(0))
    both_of_seven = [fmpq(1, 2), fmpq(0), fmpq(1, 2), fmpq(0)]
    found["C7, top-k 2: E L + E R"] = sum(means(both_of_seven, C7), start=arb(0))

    model, by_tokens = tree_five()
    q, c = local(by_tokens, best_two)
    found["tree 5, local top-k 2: -E sum log c"] = -dot(q, [ln(v) for v in c])
    q, _ = local(by_tokens, four_fifths)
    possible = [(k, p, x) for k, p, x in zip(q, *model, strict=True) if k]
    found["tree 5, local nucleus 4/5: E[L + R - log q]"] = dot(
        [k for k, _, _ in possible], [ln(p * x / k) for k, p, x in possible]
    )
    found["tree 5: the largest E R"] = ln(max(model[1]))
    for prompt, (mean, _) in chained().items():
        found[f"tree with prompts, prompt {prompt}: E_q[log p+ - log q] = -KL"] = mean
    # k of 12 strings at (1, 1), 4 - k at (1, 0), 9 - k at (0, 1), k - 1 at (0, 0)
    point = [fmpq(3, 10), fmpq(1, 10), fmpq(2, 10), fmpq(4, 10)]
    ways = {k: multinomial(point, (k, 4 - k, 9 - k, k - 1)) for k in range(1, 5)}
    found["12 strings, sums (4, 9): share of (1, 1)"] = sum((k * w for k, w in ways.items()), start=fmpq(0)) / (
        12 * sum(ways.values(), start=fmpq(0))
    )
    return found


def chained() -> dict[int, tuple[arb, list[fmpq]]]:
    """(-KL(q || p+), q) for T = 1/2 and then the nucleus 7/10, after either prompt."""
    known, _ = decoding.tree_with_prompts()

    def weigh(row: dict[str, fmpq]) -> dict[str, fmpq]:
        cool = dict(zip(row, normal([q**2 for q in row.values()]), strict=True))
        kept, mass = [], fmpq(0)
        for token in sorted(cool, key=lambda t: -cool[t]):
            if mass < fmpq(7, 10):
                kept.append(token)
                mass += cool[token]
        return {t: q if t in kept else fmpq(0) for t, q in cool.items()}

    found = {}
    for number, prompt in enumerate("xy", start=1):
        part = {tokens[1:]: pair for tokens, pair in read(known.aligned).items() if tokens[0] == prompt}
        q, _ = local(part, weigh)
        law = tilted(([p for p, _ in part.values()], [x for _, x in part.values()]))
        possible = [(k, p) for k, p in zip(q, law, strict=True) if k]
        found[number] = dot([k for k, _ in possible], [ln(p / k) for k, p in possible]), q
    return found


def crossing() -> dict[str, Any]:
    """C8: Cov over the part and the number of strings at the upper point, in rationals."""
    found: dict[str, Any] = {}
    for size in (8, 15, 17, 100):
        rows = [
            (fmpq(math.comb(size, k), 2 ** (size + 1)), fmpq(4 * k, size) + part, fmpq(4 * k, size) + 1 - part)
            for k in range(size + 1)
            for part in (0, 1)
        ]
        prob, l, r = ([row[place] for row in rows] for place in range(3))
        found[f"C8, N = {size}: Cov(Lbar, Rbar)"] = cov(prob, l, r)
    return found


def chains() -> dict[str, Any]:
    """C6 by its kernel: the acceptance, and corpora of ten states from the powers of the kernel."""
    q, law = list(C6_PROPOSAL), tilted(C6)
    weight = [b / a for a, b in zip(q, law, strict=True)]
    assert max(weight) == 8
    move = [[q[y] * min(fmpq(1), weight[y] / weight[x]) for y in range(3)] for x in range(3)]
    found: dict[str, Any] = {"C6 at its target: accepted": dot(law, [sum(row, start=fmpq(0)) for row in move])}
    for x in range(3):
        move[x][x] += 1 - sum(move[x], start=fmpq(0))
    kernel, size = fmpq_mat(move), 10

    def over_corpora(one: Sequence[arb], two: Sequence[arb]) -> arb:
        total = arb(0)
        for i, j in itertools.product(range(size), repeat=2):
            power = kernel ** abs(i - j)
            total += dot(law, [one[x] * dot([power[x, y] for y in range(3)], two) for x in range(3)])
        return total / size**2 - dot(law, one) * dot(law, two)

    l, r = logs(C6)
    found["C6, N = 10: Var Lbar"] = over_corpora(l, l)
    found["C6, N = 10: Corr(Lbar, Rbar)"] = over_corpora(l, r) / (over_corpora(l, l) * over_corpora(r, r)).sqrt()
    return found


def random_prompts() -> dict[str, Any]:
    """Two prompts at the prior's rate: Var(L + R) of one string, and the correlation within prompts."""
    prior, factor = [[3, 2, 1], [1, 4, 1]], [[1, 2, 6], [5, 1, 3]]
    law, l, r, within = [], [], [], []
    for row, gains in zip(prior, factor, strict=True):
        model = weighted(row, gains)
        share, part = fmpq(sum(row), 12), tilted(model)
        law += [share * q for q in part]
        l += logs(model)[0]
        r += logs(model)[1]
        within.append([share * cov(part, *pair) for pair in itertools.combinations_with_replacement(logs(model), 2)])
    total = [a + b for a, b in zip(l, r, strict=True)]
    variance = cov(law, total, total)
    var_l, both, var_r = (sum(column, start=arb(0)) for column in zip(*within, strict=True))
    return {
        "two prompts, N = 1: N Var(Lbar + Rbar)": variance,
        "two prompts, N = 5: N Var(Lbar + Rbar)": variance,
        "two prompts: rho_w": both / (var_l * var_r).sqrt(),
    }


def automata() -> dict[str, Any]:
    """Sums over strings of any length, each by its own small system or series."""
    found: dict[str, Any] = {}
    # states 0 and 1, tokens a and b: (p, e^R) of the steps 00, 01, 10, 11, and the stops
    steps = [(fmpq(3, 10), fmpq(1)), (fmpq(1, 5), fmpq(3, 2)), (fmpq(1, 10), fmpq(1, 2)), (fmpq(1, 4), fmpq(5, 4))]
    stops = [fmpq(1, 2), fmpq(13, 20)]

    def total(power: Callable[[fmpq], arb]) -> arb:
        """v_0 of v = M v + b with M = p^s e^R, b = p^s, by Cramer's rule."""
        a, b, c, d = (power(p) * x for p, x in steps)
        one, two = (power(p) for p in stops)
        return ((1 - d) * one + b * two) / ((1 - a) * (1 - d) - b * c)

    base = total(arb)
    found["two states: E exp(0.5 L)"] = total(lambda p: arb(p) * half(p)) / base
    found["two states: E exp(1 L)"] = total(lambda p: arb(p) ** 2) / base
    # a letter's weight is .3^(1/T), the end's .1^(1/T): strings of n letters weigh (3 * .3^(20/21))^n, up to a factor
    tau = arb(fmpq(20, 21))
    ratio = 3 * (ln(fmpq(3, 10)) * tau).exp()
    found["three letters, T = 21/20: fewer than 40"] = sum((ratio**n for n in range(40)), start=arb(0)) * (1 - ratio)
    survival = fmpq(1)
    for n in range(301):  # after n letters: p(stop) = 1/(n + 2), squared against p(go on) squared
        stop, go = fmpq(1, n + 2) ** 2, fmpq(n + 1, n + 2) ** 2
        survival *= go / (stop + go)
    found["hazard 1/(n+2), T = 1/2: beyond 300 letters"] = survival
    # p(n letters) = (7 * 3^(n-1) / 10^n + 4 * 6^(n-1) / 10^n) / 2, squared and summed as three geometric series
    x, y = fmpq(3, 10), fmpq(6, 10)
    one, two = fmpq(7, 20), fmpq(4, 20)
    squares = one**2 / (1 - x**2) + 2 * one * two / (1 - x * y) + two**2 / (1 - y**2)
    found["two geometric laws: E p(Y)"] = squares
    return found


FAMILIES: dict[str, Callable[[], dict[str, Any]]] = {
    "alignment": alignment,
    "line": line,
    "correlation": correlations,
    "adaptors": adapted,
    "simpson": crossing,
    "metropolis": chains,
    "prompts": random_prompts,
    "automata": automata,
}


CLAIM_TESTS = Path(__file__).resolve().parents[2] / "theory" / "claims"


def beside_claims(name: str, family: str = "*") -> dict[str, Any]:
    """What the functions of this name in the tests of single claims return, in one: {what: exact value}."""
    found: dict[str, Any] = {}
    for path in sorted(CLAIM_TESTS.glob(f"{family}/test_*.py")):
        module = importlib.import_module(f"tests.theory.claims.{path.parent.name}.{path.stem}")
        own = getattr(module, name, dict)()
        assert not set(own) & set(found), f"{path.name}: another test computes a row of the same name"
        found |= own
    return found


def computed_again(family: str) -> dict[str, Any]:
    """The exact values of a family's rows, from above and from ``exact_rows`` beside the tests of single claims."""
    above, beside = FAMILIES[family](), beside_claims("exact_rows", family)
    assert not set(above) & set(beside)
    return above | beside


def test_families_are_those_of_the_registry() -> None:
    assert set(FAMILIES) == {claim.id.split(".")[0] for claim in REPEATED}


@pytest.mark.parametrize("family", FAMILIES)
def test_exact_values(family: str) -> None:
    """The exact value of a row is the number computed here, to 1e-9 of it."""
    rows: dict[str, list[SettledComparison]] = {}
    for row in quick().rows:
        if row.claim.startswith(family + "."):
            rows.setdefault(row.what, []).append(row)
    expected = computed_again(family)
    assert len(expected) >= 3
    for what, value in expected.items():
        number = to_float(value)
        for row in rows[what]:
            assert row.exact == pytest.approx(number, rel=1e-9, abs=1e-12), (row.claim, what)
            assert row.low <= number <= row.high + 1e-12


ESTIMATED = (
    "Two strings, from 3 strings of the prior: E R, corrected",
    "Two strings, from 3 strings of the prior: acceptance, corrected",
)
"""Expectations that test_expectations_of_estimates computes again."""


def test_expectations_of_estimates() -> None:
    """Over all 2^3 samples of p = (1, 3)/4 with e^R = (4, 1), by fractions; Cov(L, I) under p+ = (4, 3)/7; 95 %."""
    rows = {row.what: row.exact for row in quick().rows}
    prior, weight, reward = (0.25, 0.75), (4.0, 1.0), (math.log(4), 0.0)

    def mean(sample: Sequence[int]) -> float:
        total = sum(weight[k] for k in sample)
        return sum(weight[k] * reward[k] for k in sample) / total

    def accepted(sample: Sequence[int]) -> float:
        pairs = list(itertools.permutations(sample, 2))
        least = sum(min(weight[a], weight[b]) for a, b in pairs) / len(pairs)
        return least / (sum(weight[k] for k in sample) / len(sample))

    for what, statistic in zip(ESTIMATED, (mean, accepted), strict=True):
        expected = 0.0
        for sample in itertools.product((0, 1), repeat=3):
            chance = math.prod(prior[k] for k in sample)
            left = [statistic(sample[:k] + sample[k + 1 :]) for k in range(3)]
            expected += chance * (3 * statistic(sample) - 2 * sum(left) / 3)
        assert rows[what] == pytest.approx(expected, abs=1e-12)
    # L differs by log 3 and I by log(3/4) between the strings, with probabilities 4/7 and 3/7
    assert rows["Two strings, from 3 strings: Cov(L, I)"] == pytest.approx(12 / 49 * math.log(3) * math.log(4 / 3))
    assert rows["8 normal prompts: a 95 % set holds the slope"] == 0.95


def test_most_rows_have_a_second_route() -> None:
    """Besides laws, whose divergence is 0, and differences, only few exact values rest on one computation."""
    known = {what for family in FAMILIES for what in computed_again(family)}
    others = [row.what for row in quick().rows if row.what not in known and row.exact != 0]
    assert all(row.exact > 0 for row in quick().rows if row.what.endswith("gained"))
    again = [*ESTIMATED, "Two strings, from 3 strings: Cov(L, I)", "8 normal prompts: a 95 % set holds the slope"]
    assert sorted(others) == sorted(
        ["C5: E L gained", "C5: E R gained", "toy, N = 100,000, eps = 0.001: P(typical)", *again]
    )


def reference_laws(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The law that every comparison of a law rests on, by what it is of."""
    found: dict[str, Any] = {}

    def caught_law(claim: str, what: str, prob: Any, counts: Any) -> Comparison:
        found[what] = prob
        return compared_law(claim, what, prob, counts)

    for module in (strings, markov, infinite):
        monkeypatch.setattr(module, "law", caught_law)
    run(setting("quick", 1, draws=FEW), [*strings.EXPERIMENTS, *markov.EXPERIMENTS, *infinite.EXPERIMENTS])
    return found


def row_after(q: Sequence[fmpq], weight: Sequence[fmpq], start: Sequence[fmpq], steps: int) -> list[Any]:
    """The law after k steps of independent Metropolis-Hastings: the kernel entry by entry, and its power."""
    n = len(q)
    move = [[q[y] * min(fmpq(1), weight[y] / weight[x]) for y in range(n)] for x in range(n)]
    for x in range(n):
        move[x][x] += 1 - sum(move[x], start=fmpq(0))
    return list((fmpq_mat([list(start)]) * fmpq_mat(move) ** steps).entries())


def best_of_four() -> list[fmpq]:
    """Of C4: all 81 draws of four, the best or one of the best."""
    prior, factor = C4
    found = [fmpq(0)] * 3
    for drawn in itertools.product(range(3), repeat=4):
        chance = math.prod((prior[y] for y in drawn), start=fmpq(1))
        winners = [y for y in drawn if factor[y] == max(factor[z] for z in drawn)]
        for y in winners:
            found[y] += chance / len(winners)
    return found


def lengths() -> list[Any]:
    """P(k tokens), k < 12, of the aligned automaton of two states, by powers of its matrix in rationals; the rest."""
    move = fmpq_mat([[fmpq(3, 10), fmpq(3, 10)], [fmpq(1, 20), fmpq(5, 16)]])
    stop = fmpq_mat([[fmpq(1, 2)], [fmpq(13, 20)]])
    whole = (fmpq_mat([[1, 0], [0, 1]]) - move).inv() * stop
    found = [((move**k) * stop)[0, 0] / whole[0, 0] for k in range(12)]
    return [*found, 1 - sum(found, start=fmpq(0))]


def test_reference_laws(monkeypatch: pytest.MonkeyPatch) -> None:
    """The laws that counts are compared with, outcome by outcome."""
    model, by_tokens = tree_five()
    cool, normaliser = local(by_tokens, squared)
    weight = [b / a for a, b in zip(C6_PROPOSAL, tilted(C6), strict=True)]
    heaviest = [fmpq(int(w == max(weight))) for w in weight]
    expected = {
        "tree 5: p+": tilted(model),
        "C4, best of 4": best_of_four(),
        "tree 5, local nucleus 4/5": local(by_tokens, four_fifths)[0],
        "tree 5, top-k 2 with scaled weights": local(by_tokens, best_two)[0],
        "tree 5, local to global T = 1/2, 8 steps": row_after(cool, normaliser, cool, 8),
        "C6 from the heaviest state, 3 steps": row_after(C6_PROPOSAL, weight, heaviest, 3),
        "C6, accepting everything: the proposal": C6_PROPOSAL,
        "two states: length of a string": lengths(),
    } | beside_claims("exact_laws")
    found = reference_laws(monkeypatch)
    assert set(found) == set(expected)
    for what, exact in expected.items():
        assert found[what] == pytest.approx([to_float(v) for v in exact], abs=1e-14), what


def test_reference_laws_after_a_prompt() -> None:
    """Of the tree with prompts: p+ after either prompt, and q_loc of T = 1/2 then nucleus 7/10, in ascending order."""
    _, pair = decoding.tree_with_prompts()
    for number in (1, 2):
        own = decoding.enumerated(pair, "aligned", number - 1, pair.length).log_prob()
        adapted_law, _ = decoding.adapted(pair, number - 1, decoding.CHAIN)
        for log_law, exact in ((own, prompted_tree()[number][1]), (adapted_law, chained()[number][1])):
            expected = sorted(to_float(v) for v in exact if v)
            assert np.sort(np.exp(log_law[np.isfinite(log_law)])) == pytest.approx(expected, abs=1e-12)
