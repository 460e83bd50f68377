"""What a run stores, against enumeration on the tree with prompts and against the models' own scores on the tiny pair.

Nothing is stored that cannot be computed a second way: every log-probability, weight and normaliser of a token is that
of the exact next-token law after its prefix, and the strings of a setting follow its exact local law.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

pytest.importorskip("pyarrow")

import pyarrow as pa

import simulations.bridge.witnesses as asking
import simulations.sampling.score as scoring
from simulations.agreement.decoding import tree_with_prompts
from simulations.agreement.statistics import g_p_value, half_g
from simulations.bridge.columns import expanded
from simulations.bridge.runs import read_run
from simulations.bridge.sample import Models, Plan, Shard, Witnesses, draw_shard, work
from simulations.bridge.store import Store
from simulations.decoders.dense_tree import Enumeration
from simulations.sampling.adaptors import log_sum, log_weights
from simulations.sampling.generate import PAD, Sample, generate
from simulations.sampling.sorted_rows import float32_log_weights
from tests.kills import NAMES, RUN, contents, finish, plan
from theory.adaptors.exact import Chain, chain

Floats = NDArray[np.float64]

ALPHA = 1e-6
DRAWS = 6000
"""Strings per setting and prompt on the tree."""

SETTINGS = """
[[adaptor]]
[[adaptor]]
name = "nucleus"
value = "7/10"
[[adaptor]]
name = "top_k"
value = 1
[[adaptor]]
name = "epsilon"
value = "1/10"
[[adaptor]]
name = "eta"
value = "3/10"
[[adaptor]]
name = ["top_k", "min_p"]
value = [3, "1/3"]
"""


def tree_models(**changes: Any) -> Models:
    _, pair = tree_with_prompts()
    models = Models(
        prior=pair.prior,
        aligned=pair.aligned,
        encode=lambda text: [NAMES.index(token) for token in text.split()],
        decode=lambda ids: " ".join(NAMES[i] for i in ids if i < len(NAMES)),
        identity={"tree": "with prompts"},
        longest=64,
    )
    return dataclasses.replace(models, **changes)


def tree_plan(folder: Path, *, models: Models | None = None, adaptors: str = SETTINGS, **sampling: Any) -> Plan:
    """A run on the tree, of all settings at two temperatures unless told."""
    values = {"strings": 50, "length": 4, "rows": 64, "temperatures": '["1", "1/2"]'} | sampling
    body = "\n".join(f"{name} = {value}" for name, value in values.items() if name != "texts")
    text = f"""
[models]
prior = "tree"
aligned = "tree"
[prompts]
texts = {values.get("texts", '["x", "y"]')}
[sampling]
{body}
{adaptors}
[output]
folder = "run"
"""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "run.toml").write_text(text, "utf-8")
    return Plan.of(read_run(folder / "run.toml"), models or tree_models())


def padded(column: pa.ChunkedArray, length: int, fill: float) -> NDArray[Any]:
    """A list column as a matrix."""
    rows = column.to_pylist()
    result = np.full((len(rows), length), fill)
    for row, values in zip(result, rows, strict=True):
        row[: len(values)] = values
    return result


def tokens_of(table: pa.Table, length: int) -> NDArray[np.int64]:
    return padded(table["tokens"], length, PAD).astype(np.int64)


def as_sample(table: pa.Table, length: int) -> Sample:
    """The strings as a sample, for the enumeration's index of them."""
    tokens = tokens_of(table, length)
    zero = np.zeros(tokens.shape)
    ended = table["ended"].to_numpy(zero_copy_only=False)
    return Sample(tokens, (tokens != PAD).sum(axis=1), ended, zero, zero, zero)


@functools.lru_cache(maxsize=16)
def enumerated(which: str, prompt: int, length: int) -> Enumeration:
    _, pair = tree_with_prompts()
    return Enumeration.of(getattr(pair, which), np.array([prompt], dtype=np.int64), length)


def laws_at(own: Enumeration, tokens: NDArray[np.int64]) -> list[Floats]:
    """The exact law at every step of one string, from the enumeration's arrays alone."""
    number, found = 0, []
    for depth, token in enumerate(int(t) for t in tokens if t != PAD):
        found.append(own.laws[depth][number])
        number = number * own.branching + token - (token > own.end)
    return found


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Plan, pa.Table]:
    """Every setting on the tree, from the store."""
    made = tree_plan(tmp_path_factory.mktemp("run"), strings=60)
    return made, everything(made)


@pytest.fixture(scope="module")
def cut(tmp_path_factory: pytest.TempPathFactory) -> tuple[Plan, pa.Table]:
    """The same with room for two tokens."""
    made = tree_plan(tmp_path_factory.mktemp("cut"), strings=60, length=2)
    return made, everything(made)


def everything(made: Plan) -> pa.Table:
    store = finish(made)
    return pa.concat_tables([expanded(store.read(shard), made.run.chains) for shard in range(store.shards)])


# --- values -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("which", ["run", "cut"])
def test_log_probabilities(which: str, request: pytest.FixtureRequest) -> None:
    """log_prior and log_aligned of every token are the enumerated ones, and their sums those of the outcome."""
    made, table = request.getfixturevalue(which)
    length = made.run.length
    for prompt in range(2):
        rows = table.filter(pa.array(table["prompt"].to_numpy() == prompt))
        sample = as_sample(rows, length)
        for column in ("log_prior", "log_aligned"):
            own = enumerated(column.removeprefix("log_"), prompt, length)
            stored = padded(rows[column], length, 0.0)
            assert np.abs(own.log_prob()[own.outcome(sample)] - stored.sum(axis=1)).max() <= 1e-9
            for tokens, values in zip(sample.tokens, rows[column].to_pylist(), strict=True):
                exact = [law[t] for law, t in zip(laws_at(own, tokens), tokens, strict=False)]
                assert len(exact) == len(values)
                assert np.abs(np.array(exact) - values).max() <= 1e-9


@pytest.mark.parametrize("which", ["run", "cut"])
def test_every_setting_is_asked_about_every_token(which: str, request: pytest.FixtureRequest) -> None:
    """log w and log c under all settings, of strings that other settings drew: -inf where they would be cut off."""
    made, table = request.getfixturevalue(which)
    length = made.run.length
    cut_off = 0
    for number, steps in enumerate(made.run.chains):
        for prompt in range(2):
            own = enumerated("aligned", prompt, length)
            rows = table.filter(pa.array(table["prompt"].to_numpy() == prompt))
            weights, normalisers = rows[f"log_weight_{number}"], rows[f"log_normaliser_{number}"]
            assert weights.type.value_type == normalisers.type.value_type == pa.float32()
            strings, place = np.unique(tokens_of(rows, length), axis=0, return_index=True)
            for tokens, row in zip(strings, place, strict=True):
                laws = np.array(laws_at(own, tokens))
                exact = log_weights(laws, steps)
                w = exact[np.arange(len(laws)), tokens[: len(laws)]]
                c = log_sum(exact)
                np.testing.assert_allclose(weights[int(row)].as_py(), w, rtol=1e-6, atol=1e-6)
                np.testing.assert_allclose(normalisers[int(row)].as_py(), c, rtol=1e-6, atol=1e-6)
                cut_off += int(np.isneginf(w).sum())
    assert cut_off > 0


@pytest.mark.parametrize("which", ["run", "cut"])
def test_sums_over_a_string(which: str, request: pytest.FixtureRequest) -> None:
    """Sums of log w - log c and of log c are log q_loc and log c of the outcome."""
    made, table = request.getfixturevalue(which)
    length = made.run.length
    for number, steps in enumerate(made.run.chains):
        for prompt in range(2):
            rows = table.filter(pa.array(table["prompt"].to_numpy() == prompt))
            own = enumerated("aligned", prompt, length)
            outcome = own.outcome(as_sample(rows, length))
            log_q, log_c = own.adapted(steps)
            w, c = (padded(rows[f"log_{kind}_{number}"], length, 0.0).sum(axis=1) for kind in ("weight", "normaliser"))
            np.testing.assert_allclose(w - c, log_q[outcome], rtol=1e-6, atol=4e-6)
            possible = np.isfinite(log_q[outcome])
            np.testing.assert_allclose(c[possible], log_c[outcome][possible], rtol=1e-6, atol=4e-6)


@pytest.mark.parametrize("which", ["run", "cut"])
def test_a_setting_can_draw_its_own_strings(which: str, request: pytest.FixtureRequest) -> None:
    """log w under the setting that drew a string is finite; without adaptors it is log p+, and log c is 0."""
    made, table = request.getfixturevalue(which)
    setting = table["setting"].to_numpy()
    for number, steps in enumerate(made.run.chains):
        own = table.filter(pa.array(setting == number))
        assert np.isfinite(padded(own[f"log_weight_{number}"], made.run.length, 0.0)).all()
        if not steps:
            every = [padded(table[c], made.run.length, 0.0) for c in (f"log_weight_{number}", "log_aligned")]
            np.testing.assert_allclose(every[0], every[1], rtol=1e-6, atol=1e-6)
            assert np.abs(padded(table[f"log_normaliser_{number}"], made.run.length, 0.0)).max() <= 1e-6


@pytest.mark.parametrize("which", ["run", "cut"])
def test_tokens_and_ends(which: str, request: pytest.FixtureRequest) -> None:
    """A string that ended has the end last and once; one that did not has as many tokens as there was room for."""
    made, table = request.getfixturevalue(which)
    _, pair = tree_with_prompts()
    end, length = pair.aligned.end, made.run.length
    for tokens, ended, text, prompt in zip(
        *(table[name].to_pylist() for name in ("tokens", "ended", "text", "prompt")), strict=True
    ):
        assert 1 <= len(tokens) <= length
        assert ended == (tokens[-1] == end)
        assert end not in tokens[:-1]
        assert ended or len(tokens) == length
        assert text == made.models.decode([*made.ids[prompt], *tokens])
    for name in table.column_names:
        if name.startswith("log_"):
            assert [len(v) for v in table[name].to_pylist()] == [len(v) for v in table["tokens"].to_pylist()]
    ended = table["ended"].to_numpy(zero_copy_only=False)
    assert ended.all() == (which == "run")
    assert table["reward"].null_count == len(table), "the secret reward is what log-probabilities give"


@pytest.mark.parametrize("length", [4, 2, 1])
def test_strings_follow_the_local_law(length: int, tmp_path: Path) -> None:
    """G tests of every setting after both prompts against the exact local law, all of them at 1e-6 together.

    The bound of ``g_p_value`` holds at every number of draws; outcomes that are expected less than ten times are pooled
    to keep its degrees of freedom few. That a wrong sampler would be caught, see the control below.
    """
    made = tree_plan(tmp_path, strings=DRAWS if length == 4 else DRAWS // 3, rows=4096, length=length)
    table = everything(made)
    tests = 2 * len(made.run.chains)
    for p in p_values(table, made, made.run.chains):
        assert p > ALPHA / tests


def p_values(table: pa.Table, made: Plan, claimed: Sequence[Any]) -> list[float]:
    """Of each setting and prompt: how likely such counts are under the claimed adaptors."""
    found = []
    for number, steps in enumerate(claimed):
        for prompt in range(2):
            mine = (table["setting"].to_numpy() == number) & (table["prompt"].to_numpy() == prompt)
            own = enumerated("aligned", prompt, made.run.length)
            outcome = own.outcome(as_sample(table.filter(pa.array(mine)), made.run.length))
            prob = np.exp(own.adapted(steps)[0])
            counts = np.bincount(outcome, minlength=len(prob)).astype(float)
            rare = (prob > 0) & (prob * len(outcome) < 10)
            law = np.append(prob[~rare], prob[rare].sum())
            cells = np.append(counts[~rare], counts[rare].sum())
            x = half_g(cells, law)
            found.append(g_p_value(x, int((law > 0).sum())))
    return found


def test_the_wrong_law_is_noticed(tmp_path: Path) -> None:
    """Control: the same counts against the settings in another order are refuted, all but those that agree in law."""
    made = tree_plan(tmp_path, strings=DRAWS // 3, rows=4096)
    chains = list(made.run.chains)
    turned = chains[6:] + chains[:6]  # each adaptor at the other temperature
    found = p_values(everything(made), made, turned)
    greedy = next(k for k, steps in enumerate(chains) if steps and steps[-1].name == "top_k")
    assert all(p < ALPHA for k, p in enumerate(found) if k // 2 not in (greedy, greedy + 6))


def test_prompts_are_drawn_apart(run: tuple[Plan, pa.Table]) -> None:
    """Strings in different shards, settings or prompts do not repeat one another's uniforms."""
    made, _ = run
    store = Store.existing(made.run.folder)
    assert len({tuple(store.rng(k).random(3)) for k in range(len(made.shards))}) == len(made.shards)


# --- who makes a shard --------------------------------------------------------------------------------------------


def test_shards_do_not_depend_on_their_order(tmp_path: Path) -> None:
    """Backwards, from the middle, or by taking turns: the bytes are those of the run from first to last."""
    calm = contents(finish(tree_plan(tmp_path / "calm")))
    for name, order in (("back", lambda n: range(n)[::-1]), ("middle", lambda n: [*range(n // 2, n), *range(n // 2)])):
        made = tree_plan(tmp_path / name)
        store = Store.open(made.run.folder, made.configuration(), len(made.shards))
        for shard in order(len(made.shards)):
            # another model object each time: a decoder's cache must not carry over
            fresh = dataclasses.replace(made, models=tree_models())
            store.write(shard, draw_shard(fresh, made.shards[shard], None, rng=store.rng(shard)))
        assert contents(store) == calm
    made = tree_plan(tmp_path / "turns")
    store = Store.open(made.run.folder, made.configuration(), len(made.shards))
    workers = [work(dataclasses.replace(made, models=tree_models()), store, None) for _ in range(3)]
    seen = []
    while workers:
        for worker in list(workers):
            one = next(worker, None)
            if one is None:
                workers.remove(worker)
            else:
                seen.append(one.shard)
    assert sorted(seen) == list(range(len(made.shards)))
    assert contents(store) == calm


def test_groups_of_many_prompts_come_first(tmp_path: Path) -> None:
    """A run that is stopped has the most prompts: of shards of 1, 2 and 3 prompts those of 3 are made first."""
    made = tree_plan(tmp_path)
    groups = [(0, 0), (1, 1, 2, 2), (3, 3, 4, 4, 5, 5)]
    settings = len(made.run.chains)
    plan = dataclasses.replace(made, shards=tuple(Shard(k, own) for k in range(settings) for own in groups))
    order = plan.turns()
    assert [len(set(plan.shards[k].prompt)) for k in order] == [3] * settings + [2] * settings + [1] * settings
    assert [plan.shards[k].setting for k in order] == list(range(settings)) * 3


def test_what_is_made_is_said(tmp_path: Path) -> None:
    """Each shard with its strings and tokens, and a second worker finds nothing to do."""
    made = tree_plan(tmp_path)
    store = Store.open(made.run.folder, made.configuration(), len(made.shards))
    found = list(work(made, store, None))
    assert [one.shard for one in found] == made.turns()
    assert sorted(made.turns()) == list(range(len(made.shards)))
    for one in found:
        table = store.read(one.shard)
        assert one.strings == len(table) == len(made.shards[one.shard].prompt)
        assert one.tokens == sum(map(len, table["tokens"].to_pylist()))
    assert list(work(made, store, None)) == []


def test_a_setting_does_not_change_another(tmp_path: Path) -> None:
    """The witnesses only look on: the same strings are drawn however many settings ask, given the same stream."""
    many, one = tree_plan(tmp_path / "many"), tree_plan(tmp_path / "one", adaptors="", temperatures='["1"]')
    shard = Shard(0, (0,) * 40)
    first, second = (
        expanded(draw_shard(p, shard, None, rng=np.random.default_rng(5)), p.run.chains) for p in (many, one)
    )
    names = ["prompt", "tokens", "ended", "text", "log_prior", "log_aligned", "log_weight_0", "log_normaliser_0"]
    assert first.select(names).equals(second.select(names))


def test_blocks_do_not_matter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many laws are asked about at once, and strings scored at once, the same is stored."""
    calm = contents(finish(tree_plan(tmp_path / "calm")))
    for cells in (1, 1000):
        monkeypatch.setattr(asking, "_CELLS", cells)
        monkeypatch.setattr(scoring, "_TOKENS", 1 + cells // 100)
        assert contents(finish(tree_plan(tmp_path / f"cells {cells}"))) == calm


@pytest.mark.parametrize("number", range(12))
def test_draws_are_those_of_the_plain_adaptors(number: int, tmp_path: Path) -> None:
    """The same tokens and numbers whether the settings' rows draw or the adaptors do, with rows that end early."""
    made = tree_plan(tmp_path, rows=64)
    writer, chains = made.models.aligned, made.run.chains
    prompts = np.array([made.ids[k % 2] for k in range(64)], dtype=np.int64)
    found = []
    for fast in (True, False):
        asked = Witnesses(chains, prompts, 4)
        draw = asked.draws(chains[number]) if fast else None
        rng = np.random.default_rng(number)
        kept = {"adapt": float32_log_weights, "watch": asked.watch, "draw": draw}
        drawn = generate(writer, prompts, chains[number], 4, rng=rng, **kept)
        asked.settle()
        found.append((drawn, asked, rng.random()))
    (one, own, left), (two, other, behind) = found
    assert left == behind, "as many random numbers"
    assert (one.tokens == two.tokens).all()
    assert len(set(one.length.tolist())) > 1 or number % 6 == 2, "rows of one length show little"
    # log c comes from exponentials of float32 where rows are short, from float64 ones in the plain adaptors
    for name, most in (("log_prob", 1e-13), ("log_weight", 1e-6), ("log_normaliser", 1e-6)):
        assert np.abs(getattr(one, name) - getattr(two, name)).max() <= most
    for name in ("log_weight", "log_normaliser"):
        assert np.array_equal(getattr(own, name), getattr(other, name))


def test_a_setting_that_is_no_window_is_asked_by_its_laws() -> None:
    """Then all settings draw by their adaptors."""
    asked = Witnesses([Chain(), chain(("presence_penalty", "1/2"))], np.zeros((3, 1), dtype=np.int64), 2)
    assert asked.draws(Chain()) is None


def test_witnesses_of_nothing() -> None:
    """Where no token was drawn there is nothing to say."""
    witnesses = Witnesses([Chain(), chain(("top_k", 1))], np.zeros((3, 1), dtype=np.int64), 2)
    witnesses.settle()
    assert witnesses.log_weight.shape == witnesses.log_normaliser.shape == (2, 3, 2)
    assert not witnesses.log_weight.any()


# --- the plan -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rows", [1, 3, 7, 16, 1000])
def test_shards_hold_every_string_once(rows: int, tmp_path: Path) -> None:
    """Each prompt and setting has exactly its strings, in shards of at most so many rows and of one prompt length."""
    texts = '["x", "x a", "y", "x b a", "y c", "y a"]'
    made = tree_plan(tmp_path, texts=texts, strings=5, rows=rows)
    count = np.zeros((len(made.run.chains), 6), dtype=int)
    for shard in made.shards:
        assert 1 <= len(shard.prompt) <= rows
        assert len({len(made.ids[k]) for k in shard.prompt}) == 1
        for k in shard.prompt:
            count[shard.setting, k] += 1
    assert (count == 5).all()
    assert made.ids == ((0,), (0, 2), (1,), (0, 3, 2), (1, 4), (1, 2))
    assert made.configuration()["shards"] == len(made.shards)
    assert made.configuration()["prompt_ids"] == [list(own) for own in made.ids]
    groups = len(made.run.chains) * sum(-(-5 * n // rows) for n in (2, 3, 1))
    assert len(made.shards) == groups, "no more shards than needed"


def test_prompts_of_different_lengths(tmp_path: Path) -> None:
    """Stored strings go on from their own prompt, whatever its length."""
    made = tree_plan(tmp_path, texts='["x", "y", "x a", "y c"]', strings=20, length=3)
    table = everything(made)
    _, pair = tree_with_prompts()
    for prompt, ids in enumerate(made.ids):
        rows = table.filter(pa.array(table["prompt"].to_numpy() == prompt))
        assert len(rows) == 20 * len(made.run.chains)
        own = Enumeration.of(pair.prior, np.array(ids), 3)
        sums = padded(rows["log_prior"], 3, 0.0).sum(axis=1)
        assert np.abs(own.log_prob()[own.outcome(as_sample(rows, 3))] - sums).max() <= 1e-9
        assert all(text.startswith(made.run.prompts[prompt]) for text in rows["text"].to_pylist())


def test_a_prompt_without_tokens(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="the prompt '' has no tokens"):
        tree_plan(tmp_path, texts='["x", ""]')


def test_a_prompt_too_long(tmp_path: Path) -> None:
    """Prompt and continuation together fill the positions, and not one more."""
    models = tree_models(longest=6)
    tree_plan(tmp_path, texts='["x", "x a"]', models=models)
    with pytest.raises(ValueError, match=r"the prompt 'x a b' has 3 tokens; with 4 more .* 6 positions"):
        tree_plan(tmp_path, texts='["x", "x a b"]', models=models)


def test_the_configuration_is_that_of_the_kills(tmp_path: Path) -> None:
    """The key depends on the run, the ids, and what the models are; not on where it is stored."""
    one, two = plan(tmp_path / "one"), plan(tmp_path / "two")
    assert one.configuration() == two.configuration()
    other = dataclasses.replace(one, models=dataclasses.replace(one.models, identity={"tree": "another"}))
    assert other.configuration() != one.configuration()
    assert 'texts = ["x", "y"]' in RUN


# --- rewards, and a prior alone -----------------------------------------------------------------------------------


def test_rewards_are_of_texts_and_lengths(tmp_path: Path) -> None:
    """The scorer sees prompt and continuation, and the tokens of the continuation with its end."""
    made = tree_plan(tmp_path)
    seen: list[tuple[str, int]] = []

    def scorer(texts: Sequence[str], lengths: Sequence[int]) -> list[float]:
        seen.extend(zip(texts, lengths, strict=True))
        return [n + len(text) / 100 for text, n in zip(texts, lengths, strict=True)]

    table = draw_shard(made, made.shards[0], scorer, rng=np.random.default_rng(1))
    assert [text for text, _ in seen] == table["text"].to_pylist()
    assert [n for _, n in seen] == [len(v) for v in table["tokens"].to_pylist()]
    assert table["reward"].to_pylist() == [n + len(text) / 100 for text, n in seen]


@pytest.mark.parametrize("value", [float("nan"), float("inf"), "1", None, True])
def test_a_reward_that_is_no_number(value: Any, tmp_path: Path) -> None:
    """Named with its text, and no shard is written."""
    made = tree_plan(tmp_path)
    store = Store.open(made.run.folder, made.configuration(), len(made.shards))
    with pytest.raises(ValueError, match=r"the reward of 'x .*' is .*; it must be a finite number"):
        next(work(made, store, lambda texts, lengths: [value for _ in texts]))
    assert list((store.folder / "shards").iterdir()) == []


def test_gibbs(tmp_path: Path) -> None:
    """A prior alone writes its own strings: log_prior is the enumerated one, nothing is said of an aligned model."""
    made = tree_plan(tmp_path, models=tree_models(aligned=None), adaptors="", temperatures='["1"]', strings=DRAWS)
    scorer = lambda texts, lengths: [float(n) for n in lengths]  # noqa: E731
    store = Store.open(made.run.folder, made.configuration(), len(made.shards))
    assert sum(one.strings for one in work(made, store, scorer)) == 2 * DRAWS
    table = pa.concat_tables([store.read(k) for k in range(store.shards)])
    assert table["log_aligned"].null_count == len(table)
    assert not [
        name for name in table.column_names if name.startswith(("log_weight", "log_normaliser", "kept", "corr"))
    ]
    assert table["reward"].to_pylist() == [float(len(v)) for v in table["tokens"].to_pylist()]
    for prompt in range(2):
        rows = table.filter(pa.array(table["prompt"].to_numpy() == prompt))
        own = enumerated("prior", prompt, 4)
        outcome = own.outcome(as_sample(rows, 4))
        prob = np.exp(own.log_prob())
        assert np.abs(own.log_prob()[outcome] - padded(rows["log_prior"], 4, 0.0).sum(axis=1)).max() <= 1e-9
        counts = np.bincount(outcome, minlength=len(prob)).astype(float)
        rare = (prob > 0) & (prob * len(rows) < 10)
        x = half_g(np.append(counts[~rare], counts[rare].sum()), np.append(prob[~rare], prob[rare].sum()))
        assert g_p_value(x, int((prob[~rare] > 0).sum()) + 1) > ALPHA / 2


class Broken:
    """The tree, with a number in its logits that no law has."""

    def __init__(self, value: float, where: str) -> None:
        _, pair = tree_with_prompts()
        self.inner, self.value, self.where, self.end = pair.aligned, value, where, pair.aligned.end

    def _spoilt(self, name: str, logits: Any) -> Any:
        if name != self.where:
            return logits
        found = logits.copy()
        found[-1, ..., 2] = self.value
        return found

    def begin(self, prompts: Any) -> Any:
        return self._spoilt("begin", self.inner.begin(prompts))

    def advance(self, tokens: Any) -> Any:
        return self._spoilt("advance", self.inner.advance(tokens))

    def logits(self, prompts: Any, tokens: Any) -> Any:
        return self._spoilt("logits", self.inner.logits(prompts, tokens))


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
@pytest.mark.parametrize("where", ["begin", "advance", "logits"])
def test_logits_that_are_no_numbers(value: float, where: str, tmp_path: Path) -> None:
    """Of either model, at any step: one line that names row and token; no shard is written."""
    broken = Broken(value, where)
    models = tree_models(prior=broken) if where == "logits" else tree_models(aligned=broken)
    made = tree_plan(tmp_path, models=models)
    store = Store.open(made.run.folder, made.configuration(), len(made.shards))
    with pytest.raises(ValueError, match=r"row \d+, token \d+: the model's logits hold NaN or infinity"):
        next(work(made, store, None))
    assert list((store.folder / "shards").iterdir()) == []


# --- the tiny pair ------------------------------------------------------------------------------------------------

EMBEDDED = """
[models]
prior = "embedded:prior"
aligned = "embedded:aligned"
device = "cpu"
[prompts]
texts = ["The", "We must", "Our country is", ""]
[sampling]
strings = 4
length = 16
rows = {rows}
[reward]
kind = "length"
[[adaptor]]
[[adaptor]]
name = "nucleus"
value = "9/10"
[output]
folder = "run"
"""


@pytest.fixture(scope="module")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> tuple[Plan, pa.Table]:
    """Strings of the tiny pair."""
    pytest.importorskip("torch")
    pytest.importorskip("transformers")
    from simulations.bridge.session import Session

    folder = tmp_path_factory.mktemp("embedded")
    (folder / "run.toml").write_text(EMBEDDED.format(rows=8), "utf-8")
    session = Session.open(folder / "run.toml", None)
    list(session.work())
    assert session.store.missing() == []
    return session.plan, pa.concat_tables([session.store.read(k) for k in range(session.store.shards)])


@pytest.mark.parametrize("batch", [1, 8])
def test_stored_scores_are_those_of_the_models(batch: int, embedded: tuple[Plan, pa.Table]) -> None:
    """Both models score the stored tokens anew, alone or eight at a time: within 1e-4 nats per token."""
    from simulations.sampling.score import log_probs

    made, table = embedded
    assert table.num_rows == 32
    tokens, prompt = tokens_of(table, 16), table["prompt"].to_numpy()
    for column, decoder in (("log_prior", made.models.prior), ("log_aligned", made.models.aligned)):
        stored = padded(table[column], 16, 0.0)
        assert decoder is not None
        for k, ids in enumerate(made.ids):
            rows = np.flatnonzero(prompt == k)
            for low in range(0, len(rows), batch):
                some = rows[low : low + batch]
                prompts = np.tile(np.array(ids, dtype=np.int64), (len(some), 1))
                assert np.abs(log_probs(decoder, prompts, tokens[some]) - stored[some]).max() <= 1e-4
    assert (padded(table["log_prior"], 16, 0.0) != padded(table["log_aligned"], 16, 0.0)).any()


def test_texts_of_the_tiny_pair(embedded: tuple[Plan, pa.Table]) -> None:
    """Prompt and continuation as text, without special tokens; the reward is of it."""
    made, table = embedded
    begin = made.ids[made.run.prompts.index("")]
    assert len(begin) == 1, "the empty prompt is the beginning-of-string token alone"
    assert all(ids[0] == begin[0] for ids in made.ids)
    for prompt, tokens, text, reward in zip(
        *(table[name].to_pylist() for name in ("prompt", "tokens", "text", "reward")), strict=True
    ):
        assert text.startswith(made.run.prompts[prompt])
        assert "<|end|>" not in text
        assert text == made.models.decode([*made.ids[prompt], *tokens])
        assert reward == len(tokens)


@pytest.mark.parametrize("rows", [1, 3])
def test_shards_of_other_sizes(rows: int, embedded: tuple[Plan, pa.Table], tmp_path: Path) -> None:
    """With the same uniforms, strings that are written alone have the scores of those written side by side."""
    made, _ = embedded
    shard = made.shards[0]
    together = draw_shard(made, shard, None, rng=np.random.default_rng(3))
    uniforms = np.random.default_rng(3).random((made.run.length, len(shard.prompt)))

    class Own:
        """The uniforms of some rows."""

        def __init__(self, some: slice) -> None:
            self.step, self.some = -1, some

        def random(self, size: int) -> Floats:
            self.step += 1
            return uniforms[self.step, self.some]

    for low in range(0, len(shard.prompt), rows):
        some = slice(low, low + rows)
        part = draw_shard(made, Shard(shard.setting, shard.prompt[some]), None, rng=Own(some))  # type: ignore[arg-type]
        part, whole = (expanded(own, made.run.chains) for own in (part, together.slice(low, len(part))))
        assert part["tokens"].to_pylist() == whole["tokens"].to_pylist()
        for name in ("log_prior", "log_aligned", "log_weight_0", "log_normaliser_0", "log_normaliser_1"):
            assert np.abs(padded(part[name], 16, 0.0) - padded(whole[name], 16, 0.0)).max() <= 1e-4


def test_the_embedded_pair_draws_what_it_drew(embedded: tuple[Plan, pa.Table], tmp_path: Path) -> None:
    """Strings, scores and rewards of one stream, as they came out before ends, ids and texts were said by the files."""
    from simulations.bridge.rewards import scorer

    made, _ = embedded
    place = made.run.prompts.index("We must")
    found = draw_shard(
        dataclasses.replace(made, run=dataclasses.replace(made.run, length=12)),
        Shard(0, (place,) * 4),
        scorer("vader"),
        rng=np.random.default_rng(3),
    )
    assert made.ids[place] == (0, 527, 595)
    assert found["tokens"].to_pylist() == [
        [275, 305, 351, 318, 329, 78, 908, 67, 258, 83, 553, 393],
        [339, 71, 71, 363, 318, 936, 289, 390, 950, 438, 648, 376],
        [806, 80, 69, 329, 689, 85, 278, 446, 381, 405, 325, 751],
        [594, 278, 392, 917, 281, 360, 645, 71, 84, 907, 522, 257],
    ]
    expected = {
        "log_prior": (-54.038, -43.750, -46.925, -30.595),
        "log_aligned": (-51.405, -42.598, -41.044, -29.878),
    }
    for name, sums in expected.items():
        assert padded(found[name], 12, 0.0).sum(axis=1) == pytest.approx(sums, abs=2e-3)
    assert found["reward"].to_pylist() == [0.0, 0.0, 0.0, 0.3182]


def test_the_stream_is_of_what_it_was_of(embedded: tuple[Plan, pa.Table]) -> None:
    """Draws come from the run file, weights, versions and ids alone, as a run had them before its key held more."""
    from simulations.bridge.store import canonical
    from theory.files import sha256

    made, _ = embedded
    store = Store.existing(made.run.folder)
    before = {name: value for name, value in store.configuration.items() if name not in {"resolved", "accounting"}}
    assert set(before) == {"format", "run", "models", "prompt_ids", "shards"}
    assert store.stream == sha256(canonical(before))
    assert store.stream != store.key
    assert "end" not in before["run"]  # type: ignore[operator]
    assert set(before["models"]["prior"]) == {"model.safetensors", "config.json", "tokenizer.json"}  # type: ignore[index, call-overload, arg-type]


ENGINE_SETTINGS = """
[[adaptor]]
name = "xtc"
value = "1/5"
[[adaptor]]
name = ["repetition_penalty", "top_k"]
value = ["3/2 gauge=1", "3 ties=all"]
[[adaptor]]
name = ["presence_penalty", "dynamic_temperature"]
value = ["1/2 prompt=counted", "1"]
[[adaptor]]
name = "top_n_sigma"
value = "1"
"""


def test_adaptors_of_engines_are_stored_as_they_are(tmp_path: Path) -> None:
    """log w - log c of every string is log q_loc of the enumeration, whatever chain drew it."""
    made = tree_plan(tmp_path, adaptors=ENGINE_SETTINGS, strings=40, length=4, temperatures='["1"]')
    table = everything(made)
    _, pair = tree_with_prompts()
    for number, steps in enumerate(made.run.chains):
        counted = any(dict(step.options).get("prompt") == "counted" for step in steps)
        for prompt, ids in enumerate(made.ids):
            rows = table.filter(pa.array(table["prompt"].to_numpy() == prompt))
            weight, total = (
                padded(rows[f"log_{kind}_{number}"], 4, 0.0).sum(axis=1) for kind in ("weight", "normaliser")
            )
            drawn = rows["setting"].to_numpy() == number
            assert np.isfinite(weight[drawn]).all()
            if counted:
                continue  # the enumeration does not hand its prompt on
            own = Enumeration.of(pair.aligned, np.array(ids), 4)
            expected = own.adapted(steps)[0][own.outcome(as_sample(rows, 4))]
            finite = np.isfinite(expected)
            assert (np.isfinite(weight) == finite).all()
            assert np.abs((weight - total)[finite] - expected[finite]).max() <= 1e-5
