"""What a shard does not store comes back bit for bit: log w of every kind of adaptor, of any numbers, in any rows."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

pytest.importorskip("pyarrow")

import pyarrow as pa

from simulations.bench.stored import stored
from simulations.bridge.analyse import analyse
from simulations.bridge.columns import LAYOUT, Law, expanded, flat, packed, setting_sums
from simulations.bridge.key import run_key
from simulations.bridge.reading import read_strings
from simulations.bridge.sample import Witnesses
from simulations.bridge.store import Store, StoreError
from simulations.sampling.adaptors import log_softmax
from theory.adaptors.exact import Chain, chain
from theory.report.records import as_json

Floats = NDArray[np.float64]

VALUES: dict[str, tuple[Any, ...]] = {
    "temperature": ("4/5", "1/2", "5/4", "1/3"),
    "top_k": (1, 5),
    "nucleus": ("9/10",),
    "typical": ("4/5",),
    "eta": ("1/20",),
    "epsilon": ("1/50",),
    "min_p": ("1/10",),
    "top_n_sigma": (1,),
    "top_h": ("1/2",),
    "top_a": ("1/2",),
    "tail_free": ("9/10",),
    "dynamic_temperature": (1,),
    "quadratic": ("1/2",),
    "xtc": ("1/10",),
    "repetition_penalty": ("6/5",),
    "presence_penalty": ("1/2",),
    "frequency_penalty": ("1/2",),
    "dry": ("4/5",),
    "no_repeat_ngram": (2,),
}
"""Every kind of adaptor, with values."""

SINGLE = [Chain()] + [chain((name, value)) for name, values in VALUES.items() for value in values]
CHAINS = [
    *SINGLE,
    *(Chain((*chain(("temperature", "4/5")), *own)) for own in SINGLE[5:]),
    chain(("typical", "4/5"), ("temperature", "1/2"), ("nucleus", "9/10")),
    chain(("temperature", "4/5"), ("typical", "4/5"), ("temperature", "3/2"), ("min_p", "1/10")),
    chain(("no_repeat_ngram", 2), ("temperature", "1/2")),
]


def lists(values: Floats, length: NDArray[Any], kind: Any) -> pa.Array:
    return pa.array([row[:n].tolist() for row, n in zip(values, length, strict=True)], pa.list_(kind))


def plain(weight: Floats, normaliser: Floats, aligned: Floats, length: NDArray[Any]) -> pa.Table:
    """Layout 1: every number as it is."""
    columns = {"log_aligned": lists(aligned, length, pa.float64())}
    for number in range(len(weight)):
        columns[f"log_weight_{number}"] = lists(weight[number], length, pa.float32())
        columns[f"log_normaliser_{number}"] = lists(normaliser[number], length, pa.float32())
    return pa.table(columns)


def short(
    chains: Sequence[Chain], weight: Floats, normaliser: Floats, aligned: Floats, length: NDArray[Any]
) -> pa.Table:
    """Layout 2."""
    columns = {"log_aligned": lists(aligned, length, pa.float64())}
    return pa.table(columns | packed(chains, weight, normaliser, aligned, length), metadata=LAYOUT)


def same(found: pa.Table, wanted: pa.Table) -> None:
    """The same columns, types and bits."""
    assert sorted(found.column_names) == sorted(wanted.column_names)
    for name in wanted.column_names:
        assert found[name].type == wanted[name].type
        assert found[name].to_pylist() == wanted[name].to_pylist(), name
        assert flat(found[name]).tobytes() == flat(wanted[name]).tobytes(), name


@pytest.fixture(scope="module")
def asked() -> tuple[Floats, Floats, Floats, NDArray[Any]]:
    """(log w, log c, log p, length) of 40 strings of up to 12 tokens, drawn from peaked and flat laws of 30 ids."""
    rng = np.random.default_rng(7)
    prompts = rng.integers(0, 30, size=(40, 3))
    length = rng.integers(1, 12, size=40, endpoint=True)
    witnesses, aligned = Witnesses(CHAINS, prompts, 12), np.zeros((40, 12))
    for step in range(12):
        logits = rng.normal(size=(40, 30)) * rng.choice([0.1, 2.0, 8.0, 40.0], size=(40, 1))
        law = log_softmax(logits.astype(np.float32))
        drawn = (law + rng.gumbel(size=law.shape)).argmax(axis=1)
        alive = step < length
        aligned[:, step] = np.where(alive, law[np.arange(40), drawn], 0)
        witnesses.watch(step, law, drawn, alive)
    witnesses.settle()
    return witnesses.log_weight, witnesses.log_normaliser, aligned, length


def test_every_kind_of_adaptor(asked: Any) -> None:
    """What comes back is what was stored before, and every chain that is a window is not stored."""
    assert {name for own in CHAINS for name in (step.name for step in own)} == set(VALUES)
    table = short(CHAINS, *asked)
    same(expanded(table, CHAINS), plain(*asked))
    whole = {CHAINS[int(n.rsplit("_", 1)[1])] for n in table.column_names if n.startswith("log_weight_")}
    assert whole == {own for own in CHAINS if own.bends}
    # a token of probability 1 - 1e-10 or so, whose log p depends on the order in which a row was added up
    assert 0 < len(flat(table["exception"])) < len(flat(table["log_aligned"])) * len(CHAINS) / 100


def test_rows_stand_for_themselves(asked: Any) -> None:
    """Slices, filters and chunks of a table come back as those of the plain one do."""
    table, wanted = short(CHAINS, *asked), plain(*asked)
    some = pa.array(np.arange(40) % 3 == 1)
    same(expanded(table.slice(5, 9), CHAINS), wanted.slice(5, 9))
    same(expanded(table.slice(9).filter(some.slice(9)), CHAINS), wanted.slice(9).filter(some.slice(9)))
    chunks = pa.concat_tables([table.slice(30), table.slice(0, 7), table.slice(7, 0)])
    same(expanded(chunks, CHAINS), pa.concat_tables([wanted.slice(30), wanted.slice(0, 7)]))


def test_sums_are_those_of_every_number(asked: Any) -> None:
    """From both layouts, against numbers added in a list."""
    wanted = plain(*asked)
    for table in (wanted, short(CHAINS, *asked)):
        for name, found in zip(("log_weight", "log_normaliser"), setting_sums(table, CHAINS), strict=True):
            by_hand = [[sum(row) for row in wanted[f"{name}_{k}"].to_pylist()] for k in range(len(CHAINS))]
            np.testing.assert_allclose(found, by_hand, rtol=1e-12)


def test_no_string_and_no_token() -> None:
    """A table without a row, and strings without a token, have sums of 0."""
    nothing = np.zeros((2, 3, 4))
    chains = [Chain(), chain(("top_k", 1))]
    table = short(chains, nothing, nothing, nothing[0], np.array([0, 2, 0]))
    assert np.array_equal(np.array(setting_sums(table, chains)), np.zeros((2, 2, 3)))
    assert np.array_equal(np.array(setting_sums(table.slice(0, 0), chains)), np.zeros((2, 2, 0)))
    same(expanded(table, chains), plain(nothing, nothing, nothing[0], np.array([0, 2, 0])))


FEW = [Chain(), chain(("top_k", 3)), chain(("temperature", "4/5")), chain(("dry", "4/5"))]
ANY = st.floats(-(2.0**100), 0, width=32) | st.floats(-20, 20, width=32) | st.just(-np.inf)


@given(st.lists(st.tuples(st.floats(-(2.0**100), 0) | st.just(-np.inf), *[ANY] * 8), min_size=1, max_size=12))
def test_any_numbers(rows: list[tuple[float, ...]]) -> None:
    """Settings that contradict one another, and log w that no law has: what does not follow is kept."""
    numbers = np.array(rows).T[:, None, :]
    length = np.array([len(rows)])
    same(
        expanded(short(FEW, numbers[1:5], numbers[5:], numbers[0], length), FEW),
        plain(numbers[1:5], numbers[5:], numbers[0], length),
    )


@given(st.lists(st.tuples(st.floats(-60, -1e-12), st.floats(0.01, 1), st.booleans()), min_size=1, max_size=20))
def test_a_law_in_float32_is_not_stored_again(rows: list[tuple[float, float, bool]]) -> None:
    """A law that differs by what float32 rounds: a correction gives every power back, so nothing else is kept."""
    chains = [*FEW[:3], chain(("temperature", "1/3"), ("top_k", 2))]
    base, noise, kept = (np.array(column) for column in zip(*rows, strict=True))
    single = base.astype(np.float32) * (1 + noise * 1e-7)
    every = [np.where(kept | (k % 2 == 0), Law.of(own).power * single, -np.inf) for k, own in enumerate(chains)]
    weight = np.stack(every)
    table = short(chains, weight[:, None], np.zeros_like(weight[:, None]), base[None], np.array([len(rows)]))
    assert not len(flat(table["exception"]))


# --- stores -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """9 prompts, 4 strings for each of 32 settings, made up."""
    return stored(tmp_path_factory.mktemp("stored") / "run", 9, 4, 24)


def rewritten(store: Store, folder: Path, change: Any) -> Store:
    """The same run with each shard's table changed."""
    found = Store.open(folder, store.configuration, store.shards)
    for shard in range(store.shards):
        found.write(shard, change(store.read(shard)))
    return found


def test_a_store_of_before_is_read(store: Store, tmp_path: Path) -> None:
    """Layout 1 gives every number that layout 2 gives; shards of both may stand side by side."""
    chains = [chain(*steps) for steps in run_key(store).run.chains]

    def of_before(table: pa.Table) -> pa.Table:
        return expanded(table, chains).replace_schema_metadata(None)

    old = rewritten(store, tmp_path / "old", of_before)
    assert "kept" not in old.read(0).column_names
    assert b"layout" not in old.read(0).schema.metadata
    mixed = rewritten(store, tmp_path / "mixed", lambda t: of_before(t) if t["setting"][0].as_py() % 2 else t)
    wanted = read_strings(store)
    for other in (old, mixed):
        found = read_strings(other)
        for name in ("setting", "prompt", "length", "ended", "log_prior", "log_aligned"):
            assert np.array_equal(getattr(found, name), getattr(wanted, name)), name
        for name in ("log_weight", "log_normaliser"):
            np.testing.assert_allclose(getattr(found, name), getattr(wanted, name), rtol=1e-13)
        assert as_json(analyse(other)).keys() == as_json(analyse(store)).keys()
    assert of_both(analyse(old)) == pytest.approx(of_both(analyse(store)), rel=1e-12, abs=1e-12)


def of_both(found: Any) -> list[float]:
    """Every number of an analysis, in order."""

    def numbers(value: Any) -> list[float]:
        if isinstance(value, dict):
            return [n for own in value.values() for n in numbers(own)]
        if isinstance(value, list):
            return [n for own in value for n in numbers(own)]
        return [float(value)] if isinstance(value, (int, float)) else []

    every = numbers(as_json(found))
    assert len(every) > 1000
    return every


def test_a_layout_that_is_not_known(store: Store, tmp_path: Path) -> None:
    """One line that names the shard and both layouts."""
    later = rewritten(store, tmp_path / "later", lambda t: t.replace_schema_metadata({"layout": "3"}))
    with pytest.raises(StoreError, match=r"00000\.parquet: has layout 3, this version reads 1 and 2; read it with"):
        analyse(later)


def test_size(store: Store) -> None:
    """Log w is a bit a setting, and a correction: of a token less than two float32 numbers, whatever the settings."""
    chains = [chain(*steps) for steps in run_key(store).run.chains]
    table = store.read(0)
    tokens = len(flat(table["tokens"]))
    assert not [name for name in table.column_names if name.startswith("log_weight_")]
    assert not len(flat(table["exception"]))
    assert sum(table[name].nbytes for name in ("kept", "correction")) <= tokens * 8 + 16 * (len(table) + 1)
    assert len(chains) == 32
