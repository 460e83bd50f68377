"""Stored runs as they are read and analysed: against the tree's own laws, and as JSON."""

from __future__ import annotations

import itertools
import json
import math
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

pytest.importorskip("pyarrow")

import pyarrow as pa

from simulations.agreement.decoding import adapted, enumerated, tree_with_prompts
from simulations.agreement.statistics import empirical_bernstein
from simulations.bridge.analyse import analyse
from simulations.bridge.columns import expanded, flat, lengths, sums
from simulations.bridge.key import run_key
from simulations.bridge.reading import read_strings, strings_so_far
from simulations.bridge.runs import read_run
from simulations.bridge.sample import Models, Plan, work
from simulations.bridge.store import Store, StoreError
from simulations.estimation.gibbs import gibbs
from simulations.estimation.strings import Strings
from simulations.sampling.generate import Sample
from tests.kills import finish, plan
from tests.simulations.estimation.laws import EXAMPLE, one_setting
from theory.adaptors.exact import chain
from theory.report.records import GibbsAnalysis, PairAnalysis, as_json

Floats = NDArray[np.float64]
CLOSE = 1e-9


# --- stored runs --------------------------------------------------------------------------------------------------

RUN = """
[models]
prior = "tree"
{aligned}
[prompts]
texts = ["x", "y"]
[sampling]
strings = 60
length = {length}
rows = 32
{adaptors}
[output]
folder = "run"
"""
ALIGNED = {
    "aligned": 'aligned = "tree"',
    "adaptors": 'temperatures = ["1", "1/2"]\n[[adaptor]]\nname = []\nvalue = []\n'
    '[[adaptor]]\nname = "nucleus"\nvalue = "7/10"',
}
TILTED = {"aligned": "", "adaptors": '[reward]\nkind = "length"\nbeta = "1/2"'}
NAMES = ("x", "y", "a", "b", "c")


def stored(folder: Path, length: int, texts: Mapping[str, str], scorer: Any = None) -> Store:
    """A finished run on the tree with prompts, without torch."""
    (folder / "run.toml").write_text(RUN.format(length=length, **texts), encoding="utf-8")
    _, pair = tree_with_prompts()
    models = Models(
        prior=pair.prior,
        aligned=pair.aligned if texts["aligned"] else None,
        encode=lambda text: [NAMES.index(text)],
        decode=lambda ids: " ".join(NAMES[i] for i in ids if i < len(NAMES)),
        identity={"tree": "with prompts"},
        longest=64,
    )
    plan = Plan.of(read_run(folder / "run.toml"), models)
    store = Store.open(plan.run.folder, plan.configuration(), len(plan.shards))
    for _ in work(plan, store, scorer):
        pass
    return store


def read_by_loops(store: Store) -> list[dict[str, Any]]:
    """The stored strings, one dictionary each, lists summed one number at a time."""
    rows, chains = [], [chain(*steps) for steps in run_key(store).run.chains]
    for shard in range(store.shards):
        for entry in expanded(store.read(shard), chains).to_pylist():
            rows.append({k: math.fsum(v) if isinstance(v, list) and k != "tokens" else v for k, v in entry.items()})
    return rows


@pytest.mark.parametrize("length", [2, 4])
def test_reading_a_run_on_the_tree(tmp_path: Path, length: int) -> None:
    """Sums over tokens; and each string's log p, log p+, log w and log c of every setting are the tree's own.

    At length 2 most strings are cut: they are the events that a string begins so, and the numbers are of these.
    """
    store = stored(tmp_path, length, ALIGNED)
    strings, rows = read_strings(store), read_by_loops(store)
    _, pair = tree_with_prompts()
    chains = [(), chain(("nucleus", "7/10")), chain(("temperature", "1/2"))]
    chains.append(chain(("temperature", "1/2"), ("nucleus", "7/10")))
    assert len(strings) == len(rows) == 4 * 2 * 60
    assert strings.log_weight.shape == strings.log_normaliser.shape == (4, len(rows))
    assert np.isnan(strings.reward).all()
    assert strings.ended.any()
    assert strings.ended.all() == (length == 4)
    for name in ("setting", "prompt", "ended", "log_prior", "log_aligned"):
        assert getattr(strings, name) == pytest.approx([row[name] for row in rows], abs=1e-12)
    assert strings.length.tolist() == [len(row["tokens"]) for row in rows]
    for number in range(4):
        for name in ("log_weight", "log_normaliser"):
            assert getattr(strings, name)[number] == pytest.approx([row[f"{name}_{number}"] for row in rows], abs=1e-12)
    for x in (0, 1):
        inside = np.flatnonzero(strings.prompt == x)
        own = enumerated(pair, "aligned", x, length)
        tokens = np.full((len(inside), length), -1)
        for k, place in enumerate(inside):
            tokens[k, : len(rows[place]["tokens"])] = rows[place]["tokens"]
        prior = enumerated(pair, "prior", x, length)
        outcome = own.outcome(drawn(tokens, strings.ended[inside]))
        assert strings.log_aligned[inside] == pytest.approx(own.log_prob()[outcome], abs=CLOSE)
        assert strings.log_prior[inside] == pytest.approx(prior.log_prob()[outcome], abs=CLOSE)
        for number, steps in enumerate(chains):
            log_q, log_c = own.adapted(steps)
            kept = np.isfinite(strings.log_weight[number, inside])
            assert np.array_equal(kept, np.isfinite(log_q[outcome]))
            found = (strings.log_weight - strings.log_normaliser)[number, inside]
            assert found[kept] == pytest.approx(log_q[outcome][kept], abs=1e-5)
            assert strings.log_normaliser[number, inside][kept] == pytest.approx(log_c[outcome][kept], abs=1e-5)
            assert np.isfinite(strings.log_weight[number, inside][strings.setting[inside] == number]).all()


def drawn(tokens: Any, ended: Any) -> Sample:
    """Tokens as a sample of which nothing else is known."""
    nothing = np.zeros(tokens.shape)
    return Sample(tokens, (tokens >= 0).sum(axis=1), ended, nothing, nothing, nothing)


def test_analysis_of_a_run_on_the_tree(tmp_path: Path) -> None:
    """JSON without NaN; the budget closes; KL(q || p+) = -E sum log c at T = 1; b's slope; one row per cooling step."""
    store = stored(tmp_path, 4, ALIGNED)
    strings, found = read_strings(store), analyse(store)
    assert isinstance(found, PairAnalysis)
    json.dumps(as_json(found), allow_nan=False)
    assert found.key == store.key
    assert found.strings == len(strings)
    assert found.tokens == strings.length.sum()
    assert [step.cool for step in found.cooling] == [0.5, 0.5]
    for number, setting in enumerate(found.settings):
        own = strings.of(strings.setting == number)
        assert setting.strings == 120
        assert setting.budget_residual < 1e-5
        budget = (
            getattr(setting, name).value for name in ("mean_log_prior", "mean_reward", "entropy", "kl_to_aligned")
        )
        assert sum(budget) == pytest.approx(0, abs=1e-9)
        if number < 2:
            assert setting.kl_to_aligned.value == pytest.approx(-own.log_normaliser[number].mean(), abs=1e-5)
    b = found.settings[0].exchange_coefficient
    assert found.exchange_slope == pytest.approx(-(1 + b.value) / b.value)
    assert b.low is None, "two prompts have no interval"
    assert found.trades == "undecided"
    assert found.trades_locally == "undecided"
    assert found.settings[0].acceptance.value == pytest.approx(1)


def test_sampled_means_on_the_tree(tmp_path: Path) -> None:
    """E L under p+ and under each adaptor, from the stored strings: the exact mean, interval at 1e-6 in all."""
    strings = read_strings(stored(tmp_path, 4, ALIGNED))
    _, pair = tree_with_prompts()
    for x, (number, steps) in itertools.product((0, 1), enumerate(((), chain(("nucleus", "7/10"))))):
        prior, prob = enumerated(pair, "prior", x, 4).log_prob(), np.exp(adapted(pair, x, steps)[0])
        likely = np.where(prob > 0, np.maximum(prior, -40), 0.0)
        values = strings.log_prior[(strings.prompt == x) & (strings.setting == number)]
        assert prob @ likely in empirical_bernstein(np.maximum(values, -40), -40.0, 0.0, 1e-6 / 4)


def test_analysis_of_a_tilted_prior(tmp_path: Path) -> None:
    """A Gibbs run: rewards read as stored, log p+ unknown, no settings; JSON without NaN."""
    store = stored(tmp_path, 4, TILTED, lambda texts, lengths: [float(n) for n in lengths])
    strings, found = read_strings(store), analyse(store)
    json.dumps(as_json(found), allow_nan=False)
    assert np.isnan(strings.log_aligned).all()
    assert strings.log_weight.shape == strings.log_normaliser.shape == (0, 120)
    assert np.array_equal(strings.reward, strings.length)
    assert isinstance(found, GibbsAnalysis)
    assert found.gibbs == gibbs(strings, "1/2")
    by_hand = []
    for x in (0, 1):
        weight = np.exp(2.0 * strings.length[strings.prompt == x])
        left = [np.log(np.delete(weight, k).mean()) for k in range(60)]
        by_hand.append(60 * np.log(weight.mean()) - 59 * np.mean(left))
    assert found.gibbs.log_partition.value == pytest.approx(np.mean(by_hand))


def test_a_run_that_was_stopped(tmp_path: Path) -> None:
    """The prompts that have all strings under all settings are analysed as a run of these prompts alone would be.

    Of a setting's shards of 32 the first holds strings of prompt x, the second of x and y, the others of y.
    """
    store = stored(tmp_path, 4, ALIGNED)
    every = read_strings(store)
    store.path(store.shards - 1).unlink()
    found, said = strings_so_far(store)
    assert said is not None
    assert said.startswith(f"unfinished: 1 of {store.shards} shards are missing; the numbers are of the prompts")
    assert "1 of 2;" in said
    assert set(found.prompt.tolist()) == {0}
    own = every.of(every.prompt == 0)
    for name in ("setting", "log_prior", "log_aligned", "log_weight", "length"):
        assert np.array_equal(getattr(found, name), getattr(own, name)), name
    analysis = analyse(store)
    assert isinstance(analysis, PairAnalysis)
    assert analysis.strings == 4 * 60
    assert analysis.notes[0] == said
    with pytest.raises(StoreError, match="is missing"):
        read_strings(store)
    # a worker that was killed between a shard and its sidecar had not finished it
    (tmp_path / "run" / "shards" / f"{store.shards - 2:05d}.sha256").unlink()
    _, said = strings_so_far(store)
    assert said is not None
    assert said.startswith(f"unfinished: 2 of {store.shards} shards are missing")


def test_a_run_without_a_whole_prompt_is_refused(tmp_path: Path) -> None:
    """No prompt is there, no shard is there, or a shard is damaged: StoreError, before anything is said."""
    store = stored(tmp_path, 4, ALIGNED)
    content = store.path(1).read_bytes()
    store.path(1).write_bytes(content[:-1])
    with pytest.raises(StoreError, match="is damaged"):
        analyse(store)
    store.path(1).unlink()
    with pytest.raises(StoreError, match=f"1 of {store.shards} shards are missing, and no prompt has all its strings"):
        analyse(store)
    for shard in range(store.shards):
        store.path(shard).unlink(missing_ok=True)
    with pytest.raises(StoreError, match="is missing"):
        analyse(store)


def test_shards_are_made_prompt_by_prompt(tmp_path: Path) -> None:
    """Whenever a run stops, at most one block of prompts is without some setting; every shard has one turn."""
    (tmp_path / "run.toml").write_text(RUN.format(length=4, **ALIGNED).replace("rows = 32", "rows = 60"), "utf-8")
    _, pair = tree_with_prompts()
    models = Models(pair.prior, pair.aligned, lambda text: [NAMES.index(text)], lambda ids: "", {}, 64)
    plan = Plan.of(read_run(tmp_path / "run.toml"), models)
    turns = plan.turns()
    assert sorted(turns) == list(range(8))
    for first in (0, 4):
        own = [plan.shards[k] for k in turns[first : first + 4]]
        assert {shard.setting for shard in own} == {0, 1, 2, 3}
        assert len({shard.prompt for shard in own}) == 1


def list_sums(column: pa.ChunkedArray) -> Floats:
    return sums(flat(column), lengths(column))


def test_lists_are_summed_across_chunks() -> None:
    """Chunks of different sizes, float32, lists of one; lists that are empty at the end sum to 0."""
    kind = pa.list_(pa.float32())
    column = pa.chunked_array([pa.array([[1.0, 2.0], [4.0]], kind), pa.array([[8.0], [0.5, 0.25, 16.0], [], []], kind)])
    assert list_sums(column).tolist() == [3.0, 4.0, 8.0, 16.75, 0.0, 0.0]
    assert list_sums(column.slice(1, 3)).tolist() == [4.0, 8.0, 16.75]
    assert list_sums(pa.chunked_array([], kind)).tolist() == []


def test_no_model_is_loaded() -> None:
    """Reading and analysing import neither torch nor pandas, which take longer than reading a small run."""
    code = (
        "import sys, pyarrow as pa, simulations.bridge.analyse, simulations.bridge.export\n"
        "from simulations.bridge.columns import numbers\n"
        "column = pa.chunked_array([pa.nulls(3, pa.float64())])\n"
        "assert len(numbers(column)) == 3 and not len(numbers(column.slice(3)))\n"
        "print(sorted({'torch', 'transformers', 'pandas'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_some_of_the_strings() -> None:
    """of() chooses in every field."""
    strings = replace(one_setting(EXAMPLE), rewards={"mine": np.arange(float(len(one_setting(EXAMPLE))))})
    for chosen in (strings.prompt == 2, np.array([5, 3, 3])):
        some = strings.of(chosen)
        assert len(some) == len(strings.log_prior[chosen])
        assert np.array_equal(some.rewards["mine"], strings.rewards["mine"][chosen])
        for name in set(Strings.__slots__) - {"rewards"}:
            whole = getattr(strings, name)
            assert np.array_equal(getattr(some, name), whole[..., chosen], equal_nan=whole.dtype.kind == "f")


def test_a_run_of_another_format_is_not_analysed(tmp_path: Path) -> None:
    """One line: the file, both numbers, and what to run; a run without a number, too."""
    store = finish(plan(tmp_path))
    key = store.folder / "key.json"
    text = key.read_text(encoding="utf-8")
    for found, said in (('"format": 7', "has format 7"), ('"version": 1', "has no format number")):
        key.write_text(text.replace('"format": 1', found), encoding="utf-8")
        with pytest.raises(StoreError) as caught:
            analyse(Store.existing(store.folder))
        assert str(caught.value) == f"{key}: {said}, this version reads 1: run probqual sample again"


@pytest.mark.parametrize("word", ["run", "chains", "aligned"])
def test_keys_with_one_letter_changed(word: str, tmp_path: Path) -> None:
    """A flipped bit in the name of a field: what the analysis needs is not there."""
    store = finish(plan(tmp_path))
    text = (store.folder / "key.json").read_text(encoding="utf-8")
    (store.folder / "key.json").write_text(text.replace(f'"{word}"', f'"{word[:-1]}~"', 1), encoding="utf-8")
    with pytest.raises(StoreError, match=r"key\.json: is damaged"):
        analyse(Store.existing(store.folder))
