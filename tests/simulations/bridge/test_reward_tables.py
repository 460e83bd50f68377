"""Several rewards in one run: each in its column, as many as the run file names, called as their authors wrote them."""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")
pytest.importorskip("pyarrow")

import pyarrow.parquet as pq

from simulations.bridge.export import OWN
from simulations.bridge.rewards import Answer, scorer
from tests.simulations.bridge.making import (
    WORDS,
    analysed,
    command,
    key,
    llama,
    pair,
    rows,
    run_file,
    sampled,
    save,
    tokenizer,
)

MODULE = '''
CALLS = []

def vowels(prompts, completions, **named):
    """TRL's signature; None for what it says nothing of."""
    CALLS.append(len(completions))
    assert set(named) == {"completion_ids"} and all(isinstance(p, str) for p in prompts)
    return [float(c.count("a")) if c else None for c in completions]

def ids(completions, completion_ids):
    return [float(sum(own)) for own in completion_ids]

def turns(prompts, completions, **named):
    """Its conversational form."""
    return [len(p) + len(c[0]["content"]) / 100 for p, c in zip(prompts, completions)]

def few(completions):
    return [1.0]

def fails(completions):
    raise RuntimeError("no")

def one(text):
    return float(len(text))

def single(completions):
    return 1.0

def leaves(completions):
    raise SystemExit(3)

def array(completions):
    import numpy as np
    return np.array([len(c) for c in completions], dtype=np.float32)

def tensor(completions, trainer_state, log_metric, **named):
    import torch
    log_metric("a", 1.0)
    return torch.tensor([len(c) for c in completions])

def spaced(completions):
    return (" " in c for c in completions)

async def later(completions):
    return [float(len(c)) for c in completions]
'''


def tables(*given: str) -> str:
    """What stands in a run file instead of [reward]."""
    return 'kind = "secret"\n' if not given else "".join(f"[[reward]]\n{one}\n" for one in given)


def with_rewards(folder: Path, *given: str, **more: str) -> Path:
    (folder / "mine.py").write_text(MODULE, "utf-8")
    path = run_file(folder, **more)
    text = path.read_text("utf-8").replace('[reward]\nkind = "secret"\n', tables(*given))
    path.write_text(text, "utf-8")
    return path


def test_several_rewards(tmp_path: Path) -> None:
    """Function, TRL function, length and VADER side by side; draws do not depend on them, and analyse reads the run."""
    pair(tmp_path)
    plain = sampled(run_file(tmp_path))
    without = rows(tmp_path)
    (tmp_path / "run").rename(tmp_path / "before")
    sampled(
        with_rewards(
            tmp_path,
            'name = "vowels"\nkind = "function"\nsource = "mine:vowels"',
            'name = "ids"\nkind = "function"\nsource = "mine:ids"\nbeta = "1/3"',
            'name = "tokens"\nkind = "length"',
            'name = "letters"\nkind = "function"\nsource = "mine:one"\nreads = "completion"',
        )
    )
    assert "finished" in plain.stderr
    found = rows(tmp_path)
    assert [row["tokens"] for row in found] == [row["tokens"] for row in without]
    for row in found:
        answer = row["text"].removeprefix(key(tmp_path)["run"]["prompts"][row["prompt"]])
        assert row["reward"] is None
        assert row["reward_vowels"] == (answer.count("a") if answer else None)
        assert row["reward_ids"] == sum(row["tokens"])
        assert row["reward_tokens"] == len(row["tokens"])
        assert row["reward_letters"] == len(answer)
    names = [(one["name"], one["kind"], one.get("beta")) for one in key(tmp_path)["rewards"]]
    assert names == [
        ("vowels", "function", None),
        ("ids", "function", "1/3"),
        ("tokens", "length", None),
        ("letters", "function", None),
    ]
    assert set(key(tmp_path)["resolved"]["rewards"]["ids"]) == {"mine.py"}
    analysed(tmp_path)


def test_every_reward_has_an_answer(tmp_path: Path) -> None:
    """Mean, correlation, slope and verdict by setting and by step, in the units of beta; a row a string; a picture."""
    pair(tmp_path)
    texts = [f"{a} {b}" for a in "abc" for b in "abcd"]
    path = with_rewards(
        tmp_path,
        'name = "count"\nkind = "length"\nbeta = "1/3"',
        'name = "vowels"\nkind = "function"\nsource = "mine:vowels"',
        prompts=f"texts = {json.dumps(texts)}\nbegin = true",
        sampling='strings = 8\nlength = 6\ntemperatures = ["1", "1/2"]',
    )
    sampled(path)
    said = command("analyse", tmp_path / "run")
    assert "count: cooling from T = 1 to 0.5 token by token, as sampled, trades: " in said.stdout
    assert "does cooling trade likelihood for count on this pair? globally normalised, by a small step" in said.stdout
    assert ("count (r/beta, nats)" in said.stdout, "vowels (in its own units)" in said.stdout) == (True, True)
    found, strings = analysed(tmp_path), rows(tmp_path)
    for number, setting in enumerate(found["settings"]):
        assert set(setting["rewards"]) == {"count", "vowels"}
        own = [row for row in strings if row["setting"] == number]
        by_prompt = [[3 * row["reward_count"] for row in own if row["prompt"] == x] for x in range(12)]
        assert setting["rewards"]["count"]["mean"]["value"] == pytest.approx(np.mean([np.mean(v) for v in by_prompt]))
        pairs = [
            np.cov([(sum(row["log_prior"]), row["reward_count"]) for row in own if row["prompt"] == x], rowvar=False)
            for x in range(12)
        ]
        var_l, cov, var_r = (float(np.mean([one[k] for one in pairs])) for k in ((0, 0), (0, 1), (1, 1)))
        rho = setting["rewards"]["count"]["correlation"]["value"]
        assert rho == pytest.approx(cov / math.sqrt(var_l * var_r), abs=1e-6)
        assert setting["rewards"]["vowels"].get("missing", 0) == sum(row["reward_vowels"] is None for row in own)
        assert setting["rewards"]["count"]["trades"] in {"yes", "no", "undecided"}
        assert (setting["rewards"]["count"].get("nats"), setting["rewards"]["vowels"].get("nats")) == (True, None)
    missing = sum(row["reward_vowels"] is None for row in strings)
    assert (f"{missing:,} of {len(strings):,} strings have no number of vowels" in said.stdout) == (missing > 0)
    assert any(setting["rewards"]["count"].get("front") for setting in found["settings"])
    places = [(one["mean_log_prior"]["value"], one["mean_reward"]["value"]) for one in found["settings"]]
    beaten = [any(l > own[0] and r > own[1] for l, r in places) for own in places]
    assert [bool(one.get("front")) for one in found["settings"]] == [not one for one in beaten]
    step = found["cooling"][0]
    means = [setting["rewards"]["count"]["mean"]["value"] for setting in found["settings"]]
    assert step["rewards"]["count"]["mean"]["value"] == pytest.approx(means[1] - means[0])

    out, picture = tmp_path / "out.parquet", tmp_path / "plane.png"
    done = command("analyse", tmp_path / "run", "--samples", out, "--plot", picture, "--json", tmp_path / "a.json")
    assert done.exit_code == 0, done.output
    assert picture.read_bytes().startswith(b"\x89PNG")
    table = pq.read_table(out).to_pylist()
    assert list(table[0]) == [*OWN, "count", "vowels"]
    for one, row in zip(table, strings, strict=True):
        assert one["tokens"] == row["tokens"]
        assert one["count"] == row["reward_count"]
        assert one["log_prior"] == pytest.approx(sum(row["log_prior"]))
        assert one["secret_reward"] == pytest.approx(sum(row["log_aligned"]) - sum(row["log_prior"]))
    assert len(table) == len(strings) == 2 * 12 * 8


def test_what_samples_and_plot_refuse(tmp_path: Path) -> None:
    """A name with another end, a reward with the name of a column, and the plane of a prior alone: one line each."""
    pair(tmp_path)
    sampled(with_rewards(tmp_path, 'name = "tokens"\nkind = "length"'))
    for option, name in (("--samples", "out.csv"), ("--plot", "out.txt")):
        done = command("analyse", tmp_path / "run", option, tmp_path / name)
        assert done.exit_code == 2
        assert "must end in" in done.stderr
    done = command("analyse", tmp_path / "run", "--samples", tmp_path / "out.parquet")
    assert done.exit_code == 2
    assert "the name of a column" in done.stderr
    assert not (tmp_path / "out.parquet").exists()


def test_the_unnamed_one_is_the_runs_own(tmp_path: Path) -> None:
    """It tilts a prior that stands alone, as [reward] does, and the named ones are kept beside it."""
    save(llama(11), tmp_path / "prior")
    sampled(
        with_rewards(
            tmp_path,
            'name = "tokens"\nkind = "length"',
            'kind = "function"\nsource = "mine:one"\nbeta = "4"',
            models='prior = "prior"',
        )
    )
    found = rows(tmp_path)
    assert all(row["reward"] == len(row["text"]) and row["reward_tokens"] == len(row["tokens"]) for row in found)
    assert key(tmp_path)["run"]["beta"] == "4"
    assert math.isfinite(analysed(tmp_path)["gibbs"]["mean_reward"]["value"])


def test_chats_reach_a_reward_as_messages(tmp_path: Path) -> None:
    """TRL's conversational form: the prompt's messages, and the answer as one by the assistant."""
    words = tokenizer()
    words.chat_template = "{% for m in messages %}{{ m['content'] }} {% endfor %}"
    pair(tmp_path, words)
    chats = [
        [{"role": "user", "content": "a"}],
        [{"role": "user", "content": "b"}, {"role": "assistant", "content": "c"}],
    ]
    (tmp_path / "p.jsonl").write_text("".join(json.dumps({"messages": c}) + "\n" for c in chats), "utf-8")
    name = 'name = "turns"\nkind = "function"\nsource = "mine:turns"'
    sampled(with_rewards(tmp_path, name, prompts='file = "p.jsonl"'))
    for row in rows(tmp_path):
        asked = " ".join(WORDS[one] for one in key(tmp_path)["prompt_ids"][row["prompt"]] if one > 1)
        answer = row["text"].removeprefix(asked)
        assert row["reward_turns"] == pytest.approx(len(chats[row["prompt"]]) + len(answer) / 100)


def test_a_shard_is_one_call(tmp_path: Path) -> None:
    """Batches are shards: a run that goes on calls the reward for the missing shards alone."""
    pair(tmp_path)
    (tmp_path / "mine2.py").write_text(MODULE, "utf-8")
    name = 'name = "v"\nkind = "function"\nsource = "mine2:vowels"'
    path = with_rewards(tmp_path, name, sampling="strings = 6\nlength = 4\nrows = 9")
    sampled(path)
    calls = sys.modules["mine2"].CALLS
    assert sorted(calls) == [3, 6, 9]
    (tmp_path / "run" / "shards" / "00001.parquet").unlink()
    sampled(path)
    assert calls[3:] == [3]


WRONG = {
    "two without a name": (('kind = "length"', 'kind = "vader"'), "only one may be without a name"),
    "a name twice": (('name = "a"\nkind = "length"', 'name = "a"\nkind = "vader"'), "two rewards are named 'a'"),
    "a name of no column": (('name = "a b"\nkind = "length"',), "reward 1, name must be letters"),
    "the secret one named": (('name = "a"',), "leave the name out"),
    "a column": (('name = "a"\nkind = "column"',), "they come with strings: probqual score"),
    "a kind": (('name = "a"\nkind = "judge"',), "reward 1, kind must be one of"),
    "beta": (('name = "a"\nkind = "length"\nbeta = "0"',), "reward a, beta must lie between"),
    "no module": (('name = "a"\nkind = "function"\nsource = "nowhere:f"',), "cannot be imported"),
    "too few": (('name = "a"\nkind = "function"\nsource = "mine:few"',), "reward a: the reward gave 1 numbers for"),
    "fails": (('name = "a"\nkind = "function"\nsource = "mine:fails"',), "RuntimeError: no"),
    "leaves": (('name = "a"\nkind = "function"\nsource = "mine:leaves"',), "reward a: the reward mine:leaves fails on"),
    "no list": (('name = "a"\nkind = "function"\nsource = "mine:single"',), "gave float for"),
}


@pytest.mark.parametrize("name", WRONG)
def test_tables_that_cannot_be_used(name: str, tmp_path: Path) -> None:
    """One line that names the reward."""
    given, line = WRONG[name]
    pair(tmp_path)
    done = command("sample", with_rewards(tmp_path, *given))
    assert done.exit_code == 2, done.output
    assert line in done.stderr.splitlines()[-1]


def test_null_is_no_number_for_the_runs_own_reward(tmp_path: Path) -> None:
    """A tilt needs a number for every string."""
    save(llama(11), tmp_path / "prior")
    (tmp_path / "mine3.py").write_text(
        MODULE + "\ndef none(completions):\n    return [None] * len(completions)\n", "utf-8"
    )
    table = 'kind = "function"\nsource = "mine3:none"'
    done = command("sample", run_file(tmp_path, models='prior = "prior"', reward=table))
    assert done.exit_code == 2
    assert "must be a finite number" in done.stderr


@pytest.mark.parametrize(
    ("name", "wanted"),
    [("array", [2.0, 3.0]), ("tensor", [2.0, 3.0]), ("spaced", [0.0, 1.0]), ("later", [2.0, 3.0])],
)
def test_what_trl_takes_from_a_reward(name: str, wanted: list[float], tmp_path: Path) -> None:
    """An array, a tensor, true and false, and what has to be waited for."""
    (tmp_path / "own_kinds.py").write_text(MODULE, "utf-8")
    found = scorer("function", f"own_kinds:{name}", base=tmp_path)
    assert found is not None
    values = found([Answer.of("abc", "a"), Answer.of("ab c", "a")], [2, 3])
    assert values == wanted
    assert all(type(value) in {int, float} for value in values)


def test_signatures(tmp_path: Path) -> None:
    """A function that names completions is called with as many as there are, and with no more than it takes."""
    (tmp_path / "own.py").write_text(MODULE, "utf-8")
    found = scorer("function", "own:ids", base=tmp_path)
    assert found is not None
    assert found([Answer.of("ab", "a", ids=[3, 4]), Answer.of("ac", "a", ids=[5])], [2, 1]) == [7.0, 5.0]
