"""Strings that another engine wrote: the numbers that sampling them would have stored, or one line that says why."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")
pytest.importorskip("pyarrow")

import pyarrow as pa
import pyarrow.parquet as pq
import torch

from simulations.bridge.models import load
from simulations.bridge.store import Store
from tests.simulations.bridge.making import (
    analysed,
    command,
    float64_scores,
    key,
    llama,
    pair,
    rows,
    run_file,
    sampled,
)


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A pair that tests only read."""
    folder = tmp_path_factory.mktemp("models")
    pair(folder)
    return folder


def of(models: Path, more: str = "") -> str:
    return f'prior = "{models / "prior"}"\naligned = "{models / "aligned"}"\n{more}'


def written(path: Path, lines: Iterable[object]) -> Path:
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
    return path


def scored(run: Path, samples: Path) -> Any:
    done = command("score", run, samples)
    assert done.exit_code == 0, (done.output, done.exception)
    return done


def refused(run: Path, samples: Path) -> str:
    done = command("score", run, samples)
    assert done.exit_code == 2, (done.output, done.exception)
    (line,) = done.stderr.strip().splitlines()
    return str(line)


def as_ids(stored: Iterable[dict[str, Any]], prompts: Sequence[Sequence[int]]) -> list[dict[str, Any]]:
    """Stored strings as another engine would hand them out."""
    return [
        {
            "prompt_ids": prompts[row["prompt"]],
            "completion_ids": row["tokens"],
            "finish": "stop" if row["ended"] else "length",
            "setting": row["setting"],
        }
        for row in stored
    ]


# --- strings that the aligned model did not draw ------------------------------------------------------------------


def test_strings_of_another_model_have_no_verdict(models: Path, tmp_path: Path) -> None:
    """Strings of the prior: E log p+/p = -KL(p || p+) < 0, which p+ cannot give; those of p+ have their verdict."""
    texts = [f"{a} {b}" for a in "abc" for b in "abcd"]
    tables = {"prompts": f"texts = {json.dumps(texts)}\nbegin = true", "sampling": "strings = 24\nlength = 6"}
    swapped = f'prior = "{models / "aligned"}"\naligned = "{models / "prior"}"\n'
    for name, drawn_by in (("own", of(models)), ("other", swapped)):
        folder = tmp_path / name
        (folder / "drawn").mkdir(parents=True)
        sampled(run_file(folder / "drawn", models=drawn_by, **tables))
        stored = rows(folder / "drawn")
        lines = as_ids(stored, key(folder / "drawn")["prompt_ids"])
        lines = [line | {"long": len(row["tokens"])} for line, row in zip(lines, stored, strict=True)]
        scored(run_file(folder, models=of(models)), written(folder / "s.jsonl", lines))
    own, other = analysed(tmp_path / "own"), analysed(tmp_path / "other")
    assert own["settings"][0]["mean_reward"]["low"] > 0 > other["settings"][0]["mean_reward"]["high"]
    assert not any("not drawn from it" in note for note in own.get("notes", ()))
    assert own["trades"] is not None
    assert any("not drawn from it" in note for note in other["notes"])
    assert other["trades"] is None
    assert other["settings"][0]["rewards"]["long"]["trades"] == "undecided"


# --- the same store as sampling -----------------------------------------------------------------------------------

SETTINGS = 'strings = 5\nlength = 4\nrows = 7\ntemperatures = ["1", "1/2"]'
ADAPTORS = '\n[[adaptor]]\nname = []\nvalue = []\n[[adaptor]]\nname = "top_k"\nvalue = 3'


def test_scored_strings_have_the_numbers_of_sampled_ones(models: Path, tmp_path: Path) -> None:
    """Log p, log w and log c of every token, and every estimate of analyse, as of the run that drew the strings.

    Prompts of different lengths go through the models side by side there, and step by step here.
    """
    tables = {"models": of(models), "sampling": SETTINGS, "reward": f'kind = "length"{ADAPTORS}'}
    (tmp_path / "drawn").mkdir()
    sampled(run_file(tmp_path / "drawn", **tables))
    there = rows(tmp_path / "drawn")
    lines = as_ids(there, key(tmp_path / "drawn")["prompt_ids"])
    order = np.random.default_rng(1).permutation(len(lines))
    done = scored(run_file(tmp_path, **tables), written(tmp_path / "s.jsonl", (lines[k] for k in order)))
    assert "finished" in done.stderr
    found = {row["row"]: row for row in rows(tmp_path)}
    assert sorted(found) == list(range(1, len(lines) + 1))
    prompts = key(tmp_path)["prompt_ids"]
    for number, place in enumerate(order, start=1):
        one, two = found[number], there[place]
        assert prompts[one["prompt"]] == lines[place]["prompt_ids"]
        for name in ("tokens", "ended", "setting", "text", "reward"):
            assert one[name] == two[name]
        for name in one:
            if name.startswith("log_"):
                assert one[name] == pytest.approx(two[name], abs=2e-5), name
    here, drawn = analysed(tmp_path), analysed(tmp_path / "drawn")
    for mine, theirs in zip(here["settings"], drawn["settings"], strict=True):
        assert mine["mean_log_prior"]["value"] == pytest.approx(theirs["mean_log_prior"]["value"], abs=1e-4)
        assert mine["mean_reward"]["value"] == pytest.approx(theirs["mean_reward"]["value"], abs=1e-4)


def test_log_probabilities_are_those_of_float64(tmp_path: Path) -> None:
    """By a pass over every prefix in float64; prompts of 1 to 6 tokens, in Parquet."""
    pair(tmp_path)
    rng = np.random.default_rng(2)
    lines = [
        {
            "prompt_ids": [0, *rng.integers(2, 6, size=int(rng.integers(0, 6))).tolist()],
            "completion_ids": [*rng.integers(2, 6, size=int(rng.integers(1, 9))).tolist(), 1],
            "finish": "stop",
        }
        for _ in range(12)
    ]
    pq.write_table(pa.Table.from_pylist(lines), tmp_path / "s.parquet")
    scored(run_file(tmp_path), tmp_path / "s.parquet")
    for row in rows(tmp_path):
        given = lines[row["row"] - 1]
        for name, seed in (("log_prior", 11), ("log_aligned", 12)):
            exact = float64_scores(llama(seed), given["prompt_ids"], given["completion_ids"])
            assert row[name] == pytest.approx(exact, abs=2e-5)


def test_prior_tilted_by_a_column(models: Path, tmp_path: Path) -> None:
    """Without an aligned model the strings are the prior's, and a column may be the reward that tilts it."""
    lines = [
        {"prompt": p, "completion": " " + " ".join(c), "finish": "stop", "good": float(len(c))}
        for p in ("a", "b", "c")
        for c in ("a", "bc", "dab", "c")
    ]
    path = run_file(
        tmp_path, models=f'prior = "{models / "prior"}"', reward='kind = "column"\nsource = "good"\nbeta = "2"'
    )
    scored(path, written(tmp_path / "s.jsonl", lines))
    found = rows(tmp_path)
    assert all(row["reward"] == row["reward_good"] == lines[row["row"] - 1]["good"] for row in found)
    assert all(row["log_aligned"] is None for row in found)
    assert analysed(tmp_path)["gibbs"]["mean_reward"]["value"] > 0


def test_reward_columns(models: Path, tmp_path: Path) -> None:
    """Numbers or null, under their names, in the key and the shards; other columns are named and left out."""
    lines = [
        {"prompt": "a", "completion": " b", "finish": "stop", "reward_x": 1.5, "y": 2, "id": "one"},
        {"prompt": "a", "completion": " c d", "finish": "length", "reward_x": None, "y": 3},
        {"prompt": "b", "completion": " c", "finish": "stop", "y": -1},
    ]
    done = scored(run_file(tmp_path, models=of(models)), written(tmp_path / "s.jsonl", lines))
    assert "reward columns: x, y" in done.stderr
    assert "left out: id" in done.stderr
    found = sorted(rows(tmp_path), key=lambda row: row["row"])
    assert [row["reward_x"] for row in found] == [1.5, None, None]
    assert [row["reward_y"] for row in found] == [2.0, 3.0, -1.0]
    assert [one["name"] for one in key(tmp_path)["rewards"]] == ["x", "y"]
    table = pq.read_schema(next((tmp_path / "run" / "shards").glob("*.parquet")))
    assert table.field("reward_x").type == table.field("reward_y").type == pa.float64()


def test_several_workers_and_going_on(models: Path, tmp_path: Path) -> None:
    """A shard that is gone is made again, the same; a changed file of strings does not go on."""
    lines = [{"prompt": p, "completion": c, "finish": "stop"} for p in "abcd" for c in (" a", " b c", " d d a")]
    path = run_file(tmp_path, models=of(models), sampling="strings = 2\nlength = 4\nrows = 5")
    samples = written(tmp_path / "s.jsonl", lines)
    scored(path, samples)
    store = Store.existing(tmp_path / "run")
    assert store.shards == 3
    before = {shard: store.path(shard).read_bytes() for shard in range(3)}
    store.path(1).unlink()
    done = scored(path, samples)
    assert "1/1 shard 1" in done.stderr
    assert {shard: store.path(shard).read_bytes() for shard in range(3)} == before
    assert "samples.sha256" in refused(path, written(samples, [lines[0] | {"finish": "length"}, *lines[1:]]))


def test_the_longest_string_behind_the_shortest_prompt(models: Path, tmp_path: Path) -> None:
    """Each string has room in the models' 64 positions, though the longest prompt and string together have none."""
    long, short = [2, 3] * 29, [2]
    lines = [
        {"prompt_ids": long, "completion_ids": [3, 4, 1]},
        {"prompt_ids": short, "completion_ids": [3] * 60 + [1]},
    ]
    path = run_file(tmp_path, models=of(models))
    scored(path, written(tmp_path / "s.jsonl", lines))
    for row in rows(tmp_path):
        given = lines[row["row"] - 1]
        exact = float64_scores(llama(11), given["prompt_ids"], given["completion_ids"])
        assert row["log_prior"] == pytest.approx(exact, abs=2e-5)
    lines.append({"prompt_ids": long, "completion_ids": [3] * 6 + [1]})
    assert "row 3: has 65 tokens, over the models' 64 positions" in refused(path, written(tmp_path / "s.jsonl", lines))


# --- texts --------------------------------------------------------------------------------------------------------


def test_texts_are_tokenised_with_their_prompts(tmp_path: Path) -> None:
    """As one text; where a token would reach over the joint, apart from the prompt, which is said."""
    whole = load("embedded:prior", dtype="float32", device="cpu").tokenizer
    lines = [
        {"prompt": "We must", "completion": " not be afraid.", "finish": "stop"},
        {"prompt": "The peo", "completion": "ple of this country", "finish": "length"},
        {"prompt": "This year", "completion": " we", "finish": "length"},
    ]
    path = run_file(tmp_path, models='prior = "embedded:prior"\naligned = "embedded:aligned"', prompts="begin = true")
    done = scored(path, written(tmp_path / "s.jsonl", lines))
    assert "in 1 of 3 texts a token would reach into the prompt (first in row 2)" in done.stderr
    said = "1 strings stopped without showing their end: the end token 0 is put there and counted"
    assert said in done.stderr
    found = sorted(rows(tmp_path), key=lambda row: row["row"])
    ids = key(tmp_path)["prompt_ids"]

    def encoded(text: str) -> list[int]:
        return list(whole.encode(text, add_special_tokens=False))

    assert [0, *encoded("We must not be afraid."), 0] == ids[found[0]["prompt"]] + found[0]["tokens"]
    assert ids[found[1]["prompt"]] == [0, *encoded("The peo")]
    assert found[1]["tokens"] == encoded("ple of this country")
    assert found[1]["tokens"] != encoded("The people of this country")[len(encoded("The peo")) :]
    assert [row["ended"] for row in found] == [True, False, False]


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "no prompt": ({"completion": " a", "finish": "stop"}, "row 2: one of prompt, messages and prompt_ids"),
    "two prompts": (
        {"prompt": "a", "messages": [{"role": "user", "content": "a"}], "completion": " a", "finish": "stop"},
        "row 2: holds prompt and messages",
    ),
    "no completion": ({"prompt": "a", "finish": "stop"}, "row 2: completion"),
    "no finish": ({"prompt": "a", "completion": " b"}, "row 2: a text needs finish"),
    "another finish": ({"prompt": "a", "completion": " b", "finish": "abort"}, "row 2: finish must be"),
    "padding": ({"prompt": "a", "completion_ids": [2, 1, 1, 1]}, "row 2: has 2 tokens behind its end"),
    "an end in a cut string": ({"prompt": "a", "completion_ids": [2, 1], "finish": "length"}, "is an end"),
    "beyond the logits": ({"prompt": "a", "completion_ids": [2, 6], "finish": "length"}, "row 2: has the id 6"),
    "a negative id": ({"prompt": "a", "completion_ids": [-1], "finish": "length"}, "whole numbers >= 0"),
    "nothing": ({"prompt": "a", "completion": "", "finish": "length"}, "row 2: has no token"),
    "another setting": ({"prompt": "a", "completion": " b", "finish": "stop", "setting": 7}, "setting 7 is none"),
    "law not said": (
        {"prompt": "a", "completion": " b", "finish": "stop", "logprobs": -1.0},
        "row 2: logprobs need logprobs_are",
    ),
    "an infinite log-probability": (
        {"prompt": "a", "completion": " b", "finish": "stop", "logprobs": [-1e999], "logprobs_are": "raw"},
        "finite numbers",
    ),
    "a chat without a template": (
        {"messages": [{"role": "user", "content": "a"}], "completion": " b", "finish": "stop"},
        "no chat template",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_rows_that_cannot_be_scored(name: str, models: Path, tmp_path: Path) -> None:
    """One line that names the row, and nothing is made."""
    line, says = WRONG[name]
    first = {"prompt": "a", "completion": " b", "finish": "stop"}
    samples = written(tmp_path / "s.jsonl", [first, line])
    assert says in refused(run_file(tmp_path, models=of(models)), samples)
    assert not (tmp_path / "run").exists()


WRONG_ROWS: dict[str, tuple[list[Any], str]] = {
    "no object": ([{"prompt": "a", "completion": "b", "finish": "stop"}, [1]], "row 2: must be an object, got '[1]'"),
    "another name": (
        [{"prompt": "a", "response": "b"}],
        "row 1: completion (a text) or completion_ids is needed; it has",
    ),
    "no prompt": ([{"text": "a b"}], "row 1: one of prompt, messages and prompt_ids is needed; it has text"),
    "two prompts": (
        [{"prompt": "a", "messages": [{"role": "user", "content": "a"}], "completion": "b", "finish": "stop"}],
        "row 1: holds prompt and messages",
    ),
    "a number": ([{"prompt": "a", "completion": 3, "finish": "stop"}], "row 1: completion must be a text, got '3'"),
    "no token": ([{"prompt": "a", "completion": "", "finish": "length"}], "row 1: has no token"),
    "one name for two": (
        [{"prompt": "a", "completion": "b", "finish": "stop", "r": 1.0, "reward_r": 2.0}],
        "two columns are the reward 'r'",
    ),
}


@pytest.mark.parametrize("name", WRONG_ROWS)
def test_what_is_wrong_is_said_with_the_file_and_the_row(name: str, models: Path, tmp_path: Path) -> None:
    """Whatever reads it: the file's name, the row's number, what is there; and nothing is made."""
    lines, says = WRONG_ROWS[name]
    samples = written(tmp_path / "s.jsonl", lines)
    assert f"{samples}: {says}" in refused(run_file(tmp_path, models=of(models)), samples)
    assert not (tmp_path / "run").exists()


def test_one_string_a_prompt_has_no_verdict_and_a_reason(models: Path, tmp_path: Path) -> None:
    """What only several strings of a prompt can tell is left out with a note, in the file and on the screen."""
    lines = [
        {"prompt": f"{a} {b}", "completion": " c", "finish": "stop", "help": float(ord(b))}
        for a in "abc"
        for b in "abcd"
    ]
    scored(run_file(tmp_path, models=of(models)), written(tmp_path / "s.jsonl", lines))
    found = analysed(tmp_path)
    (own,) = found["settings"]
    within = (own["exchange_coefficient"], own["within_correlation"], own["rewards"]["help"]["slope"])
    assert {one["note"] for one in within} == {"no prompt has two strings: several of each are needed"}
    assert found["trades"] is None
    assert any(note.startswith("no prompt has two strings in a setting") for note in found["notes"])
    assert "no interval: no prompt has two strings" in command("analyse", tmp_path / "run").stdout


def test_settings_are_said(models: Path, tmp_path: Path) -> None:
    """Where the run file names several, every row says its own, by place or in words; none may be without rows."""
    path = run_file(tmp_path, models=of(models), sampling='temperatures = ["1", "1/2"]')
    line = {"prompt": "a", "completion": " b", "finish": "stop"}
    assert "setting is needed" in refused(path, written(tmp_path / "s.jsonl", [line]))
    named = [line | {"setting": "temperature 1/2"}, line | {"setting": "p+"}]
    assert "no row is of setting 0" in refused(path, written(tmp_path / "s.jsonl", named[:1]))
    scored(path, written(tmp_path / "s.jsonl", named))
    assert [row["setting"] for row in sorted(rows(tmp_path), key=lambda r: r["row"])] == [1, 0]


@pytest.mark.parametrize("name", ["s.csv", "missing.jsonl", "broken.jsonl", "empty.jsonl", "list.jsonl"])
def test_files_that_cannot_be_read(name: str, models: Path, tmp_path: Path) -> None:
    content = {"broken.jsonl": "{", "list.jsonl": "[1]\n", "s.csv": "a\n", "empty.jsonl": "\n"}
    if name in content:
        (tmp_path / name).write_text(content[name], "utf-8")
    assert name in refused(run_file(tmp_path, models=of(models)), tmp_path / name)


# --- accounting ---------------------------------------------------------------------------------------------------


def test_every_store_says_how_it_counts(models: Path, tmp_path: Path) -> None:
    """The record is in the key of sampled and of scored runs, and a store without a field of it is refused."""
    sampled(run_file(tmp_path, models=of(models)))
    found = key(tmp_path)["accounting"]
    assert (found["base"], found["reduction"], found["dtype"], found["ends"]) == ("e", "none", "float32", [1])
    assert set(found) == {"context", "begin", "ends", "law", "base", "reduction", "dtype"}
    there = tmp_path / "run" / "key.json"
    whole = json.loads(there.read_text("utf-8"))
    for name in found:
        less = whole | {"accounting": {k: v for k, v in found.items() if k != name}}
        there.write_text(json.dumps(less, sort_keys=True, indent=1) + "\n", "utf-8")
        done = command("analyse", tmp_path / "run")
        assert done.exit_code == 2
        assert f"counted ({name})" in done.stderr


@pytest.fixture(scope="module")
def strings(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Strings of the embedded pair with what a tool would have said of them, by float64 passes of its own."""
    folder = tmp_path_factory.mktemp("strings")
    path = run_file(
        folder,
        models='prior = "embedded:prior"\naligned = "embedded:aligned"',
        prompts='texts = ["We must", "The people", "This year"]',
        sampling="strings = 12\nlength = 48",
    )
    sampled(path)
    model = load("embedded:aligned", dtype="float32", device="cpu").decoder.model.double()
    return {"rows": rows(folder), "prompts": key(folder)["prompt_ids"], "model": model}


@torch.inference_mode()
def laws(model: Any, prompt: Sequence[int], tokens: Sequence[int]) -> Any:
    """Next-token logits at every token."""
    ids = torch.tensor([[*prompt, *tokens]])
    return model(input_ids=ids, use_cache=False).logits[0, len(prompt) - 1 : -1].double()


def picked(logits: Any, tokens: Sequence[int]) -> Any:
    return torch.log_softmax(logits, -1)[torch.arange(len(tokens)), torch.tensor(list(tokens))].numpy()


def _plain(m: Any, p: Any, t: Any, ended: bool) -> Any:
    return picked(laws(m, p, t), t)


def _no_end(m: Any, p: Any, t: Any, ended: bool) -> Any:
    return _plain(m, p, t, ended)[: len(t) - ended]


def _end_twice(m: Any, p: Any, t: Any, ended: bool) -> Any:
    return _plain(m, p, [*t, 0], ended)


def _second_begin(m: Any, p: Any, t: Any, ended: bool) -> Any:
    return _plain(m, [0, *p], t, ended)


def _cooled(m: Any, p: Any, t: Any, ended: bool) -> Any:
    return picked(laws(m, p, t) / 0.7, t)


def _cut(m: Any, p: Any, t: Any, ended: bool) -> Any:
    """Over the 50 likeliest."""
    logits = laws(m, p, t)
    kept = logits >= torch.topk(logits, 50).values[:, -1:]
    return picked(torch.where(kept, logits, -torch.inf), t)


def _padded(m: Any, p: Any, t: Any, ended: bool) -> Any:
    return _plain(m, p, [*t, *[0] * (48 - len(t))], ended)


def _sampled(temperature: float, top_k: int, mass: float) -> Callable[..., Any]:
    """A temperature, then the likeliest, then a nucleus of these, as vLLM and transformers go about it."""

    def count(m: Any, p: Any, t: Any, ended: bool) -> Any:
        logits = laws(m, p, t) / temperature
        logits = torch.where(logits >= torch.topk(logits, top_k).values[:, -1:], logits, -torch.inf)
        probs, places = torch.sort(torch.softmax(logits, -1), descending=True)
        kept = torch.zeros_like(probs, dtype=torch.bool).scatter(1, places, probs.cumsum(-1) - probs < mass)
        return picked(torch.where(kept, logits, -torch.inf), t)

    return count


def _padded_by_batches(m: Any, p: Any, t: Any, ended: bool) -> Any:
    """To the longest of a batch, which is another for every string."""
    return _plain(m, p, [*t, *[0] * (sum(t) % 23)], ended)


def _short(m: Any, p: Any, t: Any, ended: bool) -> Any:
    half = load("embedded:aligned", dtype="bfloat16", device="cpu").decoder.model
    return picked(laws(half, p, t), t)


PLANTED: dict[str, tuple[Callable[..., Any], Callable[[Any], Any], str]] = {
    "ours, token by token": (_plain, lambda v: v.tolist(), "a number a token of the models' law, nats"),
    "ours, summed": (_plain, lambda v: float(v.sum()), "sums of the models' law, nats"),
    "mean for sum": (_plain, lambda v: float(v.mean()), "mean for sum"),
    "base 2": (_plain, lambda v: float(v.sum() / np.log(2)), "base 2"),
    "base 10": (_plain, lambda v: (v / np.log(10)).tolist(), "base 10"),
    "a mean of surprisals": (_plain, lambda v: float(-v.mean()), "mean for sum; the sign turned"),
    "end missing": (_no_end, lambda v: float(v.sum()), "end missing"),
    "end counted twice": (_end_twice, lambda v: float(v.sum()), "end counted twice"),
    "second BOS": (_second_begin, lambda v: float(v.sum()), "a second beginning-of-string token"),
    "after temperature": (_cooled, lambda v: float(v.sum()), "after temperature 7/10"),
    "after temperature, a mean": (_cooled, lambda v: float(v.mean()), "after temperature 7/10; mean for sum"),
    "after cuts": (_cut, lambda v: v.tolist(), "after cuts: top_k 50"),
    "another temperature": (_sampled(0.85, 1024, 2.0), lambda v: float(v.sum()), "after temperature 17/20"),
    "another cut": (_sampled(1.0, 30, 2.0), lambda v: float(v.mean()), "after cuts: top_k 30; mean for sum"),
    "temperature and nucleus": (
        _sampled(0.8, 1024, 0.92),
        lambda v: (v / np.log(2)).tolist(),
        "after temperature and cuts: temperature 4/5 then nucleus 23/25; base 2",
    ),
    "two cuts": (_sampled(1.0, 50, 0.9), lambda v: v.tolist(), "after cuts: top_k 50 then nucleus 9/10"),
    "padding of batches": (_padded_by_batches, lambda v: float(v.sum()), "padding counted"),
    "padding of batches, a mean": (_padded_by_batches, lambda v: float(v.mean()), "padding counted; mean for sum"),
    "padding counted": (_padded, lambda v: v.tolist(), "padding counted"),
    "other dtype": (_short, lambda v: float(v.sum()), "another dtype, as bfloat16 rounds"),
}


@pytest.mark.parametrize("name", PLANTED)
def test_planted_accounting_errors(name: str, strings: dict[str, Any], tmp_path: Path) -> None:
    """Each way of counting is named; the strings are scored all the same, and the record keeps the words."""
    count, reduce, says = PLANTED[name]
    lines = []
    for row, line in zip(strings["rows"], as_ids(strings["rows"], strings["prompts"]), strict=True):
        found = count(strings["model"], strings["prompts"][row["prompt"]], row["tokens"], row["ended"])
        if np.isinf(found).any():
            # what an engine with these cuts could have written: the tokens before the first that it cuts off
            found = found[: int(np.isinf(found).argmax())]
            line |= {"completion_ids": row["tokens"][: len(found)], "finish": "length"}
        if len(found) == 0 or (name in {"end counted twice", "end missing"} and not row["ended"]):
            continue
        lines.append(line | {"logprobs": reduce(found), "logprobs_are": "raw"})
    assert len({len(line["completion_ids"]) for line in lines}) > 2
    path = run_file(tmp_path, models='prior = "embedded:prior"\naligned = "embedded:aligned"')
    done = scored(path, written(tmp_path / "s.jsonl", lines))
    said = next(line for line in done.stderr.splitlines() if "the log-probabilities that came: " in line)
    assert said.endswith(": " + says) or (name.startswith("ours") and says in said)
    assert said.startswith("warning: ") != name.startswith("ours")
    assert key(tmp_path)["accounting"]["given"] == said.split("that came: ")[1]


def test_log_probabilities_of_another_model_are_refused(strings: dict[str, Any], tmp_path: Path) -> None:
    """No way of counting explains them: one line, and nothing is made."""
    lines = as_ids(strings["rows"], strings["prompts"])
    rng = np.random.default_rng(3)
    for line in lines:
        line |= {"logprobs": float(-rng.gamma(30)), "logprobs_are": "raw"}
    path = run_file(tmp_path, models='prior = "embedded:prior"\naligned = "embedded:aligned"')
    assert "no way of counting that is known explains it" in refused(path, written(tmp_path / "s.jsonl", lines))
    for line in lines:
        line["logprobs"] = [-1.0] * (len(line["completion_ids"]) + 2)
    said = refused(path, written(tmp_path / "s.jsonl", lines))
    found = re.search(r"row (\d+) has (\d+) of them for (\d+) tokens", said)
    assert found is not None
    row, numbers, tokens = map(int, found.groups())
    assert numbers == len(lines[row - 1]["logprobs"]) == tokens + 2
    assert not (tmp_path / "run").exists()


def test_adapted_log_probabilities(strings: dict[str, Any], tmp_path: Path) -> None:
    """Those of the setting's law are ours where the rows say adapted, and named where they say raw."""
    lines = as_ids(strings["rows"], strings["prompts"])
    for row, line in zip(strings["rows"], lines, strict=True):
        prompt = strings["prompts"][row["prompt"]]
        line |= {"logprobs": picked(laws(strings["model"], prompt, row["tokens"]) * 2, row["tokens"]).tolist()}
    tables = {
        "models": 'prior = "embedded:prior"\naligned = "embedded:aligned"',
        "sampling": 'temperatures = ["1/2"]',
    }
    for said, says in (
        ("adapted", "of the law after the adaptors"),
        ("raw", "after temperature or cuts: temperature 1/2"),
    ):
        (tmp_path / said).mkdir()
        path = run_file(tmp_path / said, **tables)
        done = scored(path, written(tmp_path / said / "s.jsonl", (line | {"logprobs_are": said} for line in lines)))
        assert says in done.stderr
