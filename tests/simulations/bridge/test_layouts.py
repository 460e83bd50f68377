"""Files as other tools write them are scored as they are: every string's log-probabilities are those of float64.

tests/data/samples/README.md says how the files were made. What is compared is computed from the texts, or from the ids,
that stand in them, by a float64 pass over each string.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")
pytest.importorskip("pyarrow")

import pyarrow.parquet as pq
import torch

from simulations.bridge.layouts import converted
from simulations.bridge.models import load
from simulations.bridge.samples import read_samples
from tests.simulations.bridge.making import command, key, rows, run_file

SAMPLES = Path(__file__).resolve().parents[2] / "data" / "samples"
PAIR = 'prior = "embedded:prior"\naligned = "embedded:aligned"'
CHAT = "{% for m in messages %}{{ m['role'] }}: {{ m['content'] }}\n{% endfor %}answer:"


@pytest.fixture(scope="module")
def reference() -> dict[str, Any]:
    """Both models in float64, and their tokenizer."""
    loaded = {role: load(f"embedded:{role}", dtype="float32", device="cpu") for role in ("prior", "aligned")}
    tokenizer = loaded["prior"].tokenizer
    return {role: one.decoder.model.double() for role, one in loaded.items()} | {"tokenizer": tokenizer}


@torch.inference_mode()
def exact(model: Any, ids: Sequence[int], prompt: int) -> float:
    """log p of what stands behind the first ``prompt`` ids, in float64."""
    laws = torch.log_softmax(model(input_ids=torch.tensor([list(ids)]), use_cache=False).logits[0, :-1], -1)
    return float(laws[torch.arange(len(ids) - 1), torch.tensor(list(ids[1:]))][prompt - 1 :].sum())


def scored(folder: Path, samples: Path, *, begin: bool = True) -> tuple[list[dict[str, Any]], str]:
    """The strings in the order of the file, and what was said."""
    (folder / "chat.jinja").write_text(CHAT, "utf-8")
    prompts = f'template = "chat.jinja"\nbegin = {str(begin).lower()}'
    done = command("score", run_file(folder, models=PAIR, prompts=prompts), samples)
    assert done.exit_code == 0, (done.output, done.exception)
    return sorted(rows(folder), key=lambda row: row["row"]), done.stderr


def check(reference: dict[str, Any], folder: Path, found: Sequence[dict[str, Any]], wanted: Sequence[Any]) -> None:
    """Every wanted (prompt's ids, completion's ids) is among the strings of its row, with its two numbers."""
    left = [(row["row"], tuple(key(folder)["prompt_ids"][row["prompt"]]), tuple(row["tokens"]), row) for row in found]
    assert len(left) == len(wanted)
    for number, prompt, tokens in wanted:
        place = next(k for k, one in enumerate(left) if one[:3] == (number, tuple(prompt), tuple(tokens)))
        *_, row = left.pop(place)
        for role in ("prior", "aligned"):
            value = exact(reference[role], [*prompt, *tokens], len(prompt))
            assert sum(row[f"log_{role}"]) == pytest.approx(value, abs=1e-4)


def test_vllm(reference: dict[str, Any], tmp_path: Path) -> None:
    """Ids as they are, and the log-probabilities of the file are those of its model."""
    found, said = scored(tmp_path, SAMPLES / "vllm.jsonl")
    assert "read as vLLM outputs" in said
    assert "came: a number a token of the models' law, nats, the end counted once" in said
    lines = [json.loads(line) for line in (SAMPLES / "vllm.jsonl").read_text("utf-8").splitlines()]
    outputs = [(k, line["prompt_token_ids"], one) for k, line in enumerate(lines, 1) for one in line["outputs"]]
    check(reference, tmp_path, found, [(k, prompt, one["token_ids"]) for k, prompt, one in outputs])
    sums = {(k, tuple(one["token_ids"])): one["cumulative_logprob"] for k, _, one in outputs}
    for row in found:
        assert sum(row["log_aligned"]) == pytest.approx(sums[row["row"], tuple(row["tokens"])], abs=1e-4)
    ended = {(k, tuple(one["token_ids"])): one["finish_reason"] == "stop" for k, _, one in outputs}
    assert {row["ended"] for row in found} == {True, False}
    assert all(row["ended"] == ended[row["row"], tuple(row["tokens"])] for row in found)


def test_lm_eval(reference: dict[str, Any], tmp_path: Path) -> None:
    """Both continuations of each document, no end counted; the harness puts no token in front here."""
    found, said = scored(tmp_path, SAMPLES / "lm-eval.jsonl", begin=False)
    assert "read as lm-eval samples" in said
    assert "came: sums of the models' law, nats" in said
    encode = reference["tokenizer"].encode
    wanted, sums = [], {}
    for k, line in enumerate((SAMPLES / "lm-eval.jsonl").read_text("utf-8").splitlines(), 1):
        row = json.loads(line)
        for request, answer in zip(row["arguments"].values(), row["resps"], strict=True):
            prompt = encode(request["arg_0"])
            tokens = encode(request["arg_0"] + request["arg_1"])[len(prompt) :]
            wanted.append((k, prompt, tokens))
            sums[k, tuple(tokens)] = float(answer[0][0])
    check(reference, tmp_path, found, wanted)
    for row in found:
        assert sum(row["log_aligned"]) == pytest.approx(sums[row["row"], tuple(row["tokens"])], abs=1e-4)
        assert not row["ended"]


def test_lm_eval_reads_a_second_begin(tmp_path: Path) -> None:
    """The same file after prompts that begin with a token, which the harness did not put there: it is said."""
    _, said = scored(tmp_path, SAMPLES / "lm-eval.jsonl")
    assert "warning: the log-probabilities that came: beginning-of-string token missing" in said


def test_lm_eval_generations(tmp_path: Path) -> None:
    """Answers that were written: texts without their end."""
    found, _ = scored(tmp_path, SAMPLES / "lm-eval-write.jsonl", begin=False)
    lines = [json.loads(line) for line in (SAMPLES / "lm-eval-write.jsonl").read_text("utf-8").splitlines()]
    for row, line in zip(found, lines, strict=True):
        assert row["text"] == line["arguments"]["gen_args_0"]["arg_0"] + line["resps"][0][0]
        assert not row["ended"]


STANDARD = ("preference.parquet", "completions.jsonl")
CHATS = ("preference-chat.parquet", "preference-implicit-chat.jsonl", "completions-chat.parquet")


def lines(path: Path) -> list[dict[str, Any]]:
    if path.suffix == ".parquet":
        found: list[dict[str, Any]] = pq.read_table(path).to_pylist()
        return found
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def answers(row: dict[str, Any]) -> list[Any]:
    return [row[name] for name in ("chosen", "rejected", "completion") if name in row]


@pytest.mark.parametrize("name", STANDARD)
def test_trl_texts(name: str, reference: dict[str, Any], tmp_path: Path) -> None:
    """Prompt and answer as one text, the end behind it."""
    path = SAMPLES / "trl" / name
    found, said = scored(tmp_path, path)
    assert "read as TRL" in said
    encode = reference["tokenizer"].encode
    wanted = []
    for k, row in enumerate(lines(path), 1):
        prompt = encode(row["prompt"])
        wanted += [(k, [0, *prompt], [*encode(row["prompt"] + one)[len(prompt) :], 0]) for one in answers(row)]
    check(reference, tmp_path, found, wanted)
    assert all(row["ended"] for row in found)


@pytest.mark.parametrize("name", CHATS)
def test_trl_chats(name: str, reference: dict[str, Any], tmp_path: Path) -> None:
    """The template's text, then the answer, then the end; the prompt may stand in both answers."""
    path = SAMPLES / "trl" / name
    found, said = scored(tmp_path, path)
    assert "read as TRL" in said
    encode = reference["tokenizer"].encode
    wanted = []
    for k, row in enumerate(lines(path), 1):
        question = row["prompt"] if "prompt" in row else row["chosen"][:-1]
        text = "".join(f"{m['role']}: {m['content']}\n" for m in question) + "answer:"
        prompt = encode(text)
        for one in answers(row):
            wanted.append((k, prompt, [*encode(text + one[-1]["content"])[len(prompt) :], 0]))
    check(reference, tmp_path, found, wanted)


@pytest.mark.parametrize("name", [*STANDARD[:1], *CHATS[:2]])
def test_preferences_are_a_reward(name: str) -> None:
    """1 for the chosen answer, 0 for the rejected one."""
    found = read_samples(SAMPLES / "trl" / name)
    assert found.rewards == ("preferred",)
    assert [one.rewards["preferred"] for one in found.strings] == [1.0, 0.0] * (len(found.strings) // 2)


def test_implicit_prompts_are_what_both_begin_with() -> None:
    """As TRL takes them out: no space at the joint, and no prompt is refused."""
    ((_, one), (_, two)), layout = converted([{"chosen": "We must try", "rejected": "We must wait"}])
    assert layout is not None
    assert (one["prompt"], one["completion"], two["completion"]) == ("We must", " try", " wait")
    with pytest.raises(ValueError, match="row 1: chosen and rejected have no prompt in common"):
        converted([{"chosen": "a", "rejected": "b"}])


OUTPUT = {"index": 0, "text": " b", "token_ids": [3, 4], "cumulative_logprob": -1.0, "finish_reason": "stop"}
ODD: dict[str, tuple[dict[str, Any], str]] = {
    "aborted": ({"finish_reason": "abort"}, "finish_reason must be stop or length, got 'abort'"),
    "fewer log-probabilities": ({"logprobs": [{"3": {"logprob": -1.0}}]}, "1 logprobs for 2 token_ids"),
    "without the drawn token": (
        {"logprobs": [{"3": {"logprob": -1.0}}, {"9": {"logprob": -1.0}}]},
        "logprobs lack the drawn token 4",
    ),
    "no ids": ({"token_ids": None}, "token_ids must be a list"),
}


@pytest.mark.parametrize("name", ODD)
def test_odd_outputs_of_vllm(name: str) -> None:
    change, line = ODD[name]
    with pytest.raises(ValueError, match=f"row 1: {line}"):
        converted([{"prompt_token_ids": [2], "outputs": [OUTPUT | change]}])


def test_a_stop_string_is_no_end() -> None:
    """vLLM says stop, and which string it was; no end was drawn."""
    ((_, row),), _ = converted([{"prompt_token_ids": [2], "outputs": [OUTPUT | {"stop_reason": "b"}]}])
    assert row["finish"] == "length"


def test_rows_of_another_layout_are_refused() -> None:
    with pytest.raises(ValueError, match="row 2: is not as the first one, which has the layout of TRL preferences"):
        converted([{"prompt": "a", "chosen": "b", "rejected": "c"}, {"prompt": "a", "completion": "b"}])
