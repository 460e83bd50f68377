"""Chats as prompts: the template that is used, the ids that it gives, and the system prompt that nobody asked for."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")
pytest.importorskip("pyarrow")

from simulations.bridge.chats import default_system, renderer
from tests.simulations.bridge.making import command, key, pair, refused, run_file, sampled, tokenizer
from theory.files import sha256

PLAIN = "{% for m in messages %}<s> {{ m['content'] }} {% endfor %}d"
# as SmolLM2's and Qwen's do: a system prompt of its own where the chat has none
OWN = (
    "{% if messages[0]['role'] != 'system' %}<s> b c </s>{% endif %}"
    "{% for m in messages %}<s> {{ m['content'] }} </s>{% endfor %}<s>"
)
STRICT = "{% if messages[0]['role'] == 'system' %}{{ raise_exception('no system') }}{% endif %}" + PLAIN


@pytest.mark.parametrize(
    ("template", "system"), [(PLAIN, None), (OWN, "b c"), (STRICT, None), ("{{ messages[-1]['content'] }}", None)]
)
def test_default_system(template: str, system: str | None) -> None:
    """What stands in front of the user's words in place of a system prompt that is given."""
    render = renderer(tokenizer(), template)
    assert render is not None
    assert default_system(render) == system


def chats(folder: Path) -> None:
    """One chat without a system prompt, one with."""
    one = [{"role": "user", "content": "a"}]
    two = [{"role": "system", "content": "d"}, *one]
    (folder / "p.jsonl").write_text("".join(json.dumps({"messages": c}) + "\n" for c in (one, two)), "utf-8")


def test_a_given_template(tmp_path: Path) -> None:
    """It is read beside the run file and used instead of the tokenizer's; its hash and the ids are in the key."""
    words = tokenizer()
    words.chat_template = PLAIN
    pair(tmp_path, words)
    chats(tmp_path)
    (tmp_path / "own.jinja").write_text(OWN, "utf-8")
    own = sampled(run_file(tmp_path, prompts='file = "p.jsonl"\ntemplate = "own.jinja"'))
    assert "1 of 2 chats have no system prompt; the template gives them its own: 'b c'" in own.stderr
    assert key(tmp_path)["resolved"]["template"] == sha256(OWN)
    assert key(tmp_path)["prompt_ids"] == [[0, 3, 4, 1, 0, 2, 1, 0], [0, 5, 1, 0, 2, 1, 0]]
    (tmp_path / "run").rename(tmp_path / "before")
    plain = sampled(run_file(tmp_path, prompts='file = "p.jsonl"'))
    assert "system prompt" not in plain.stderr
    assert key(tmp_path)["resolved"]["template"] == sha256(PLAIN)
    assert key(tmp_path)["prompt_ids"] == [[0, 2, 5], [0, 5, 0, 2, 5]]


def test_the_answer_to_a_chat_is_tokenised_behind_it(tmp_path: Path) -> None:
    """score renders the messages, says the default system prompt, and goes on from the rendered ids."""
    pair(tmp_path)
    (tmp_path / "own.jinja").write_text(OWN, "utf-8")
    rows = [{"messages": [{"role": "user", "content": "a"}], "completion": " b d", "finish": "stop"}]
    (tmp_path / "s.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    done = command("score", run_file(tmp_path, prompts='template = "own.jinja"'), tmp_path / "s.jsonl")
    assert done.exit_code == 0, done.output
    assert "its own: 'b c'" in done.stderr
    assert key(tmp_path)["prompt_ids"] == [[0, 3, 4, 1, 0, 2, 1, 0]]


@pytest.mark.parametrize(
    ("content", "line"),
    [(None, "cannot be read"), (b"\xff", "is not UTF-8"), (b"hello", "reads no messages"), (b"{{ messages", "refuses")],
)
def test_templates_that_cannot_be_used(content: bytes | None, line: str, tmp_path: Path) -> None:
    pair(tmp_path)
    chats(tmp_path)
    if content is not None:
        (tmp_path / "own.jinja").write_bytes(content)
    assert line in refused(run_file(tmp_path, prompts='file = "p.jsonl"\ntemplate = "own.jinja"'))
