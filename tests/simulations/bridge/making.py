"""Tiny random models with a tokenizer of whole words, in folders, and run files that name them."""

from __future__ import annotations

import copy
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
import transformers
from numpy.typing import NDArray
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast
from typer.testing import CliRunner

from probqual.command_line import app

WORDS = ("<s>", "</s>", "a", "b", "c", "d")
ENDS = {"bos_token_id": 0, "eos_token_id": 1}


def tokenizer(words: Sequence[str] = WORDS, end: str = "</s>", **named: Any) -> PreTrainedTokenizerFast:
    """Words in the order of their ids; those that begin with "<" are special."""
    inner = Tokenizer(models.WordLevel({word: k for k, word in enumerate(words)}, unk_token=words[-1]))
    inner.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    found = PreTrainedTokenizerFast(tokenizer_object=inner, eos_token=end, bos_token="<s>", **named)
    found.add_special_tokens({"additional_special_tokens": [w for w in words if w[0] == "<" and w not in (end, "<s>")]})
    return found


def spread(model: Any, seed: int, scale: float = 0.4) -> Any:
    """The model with normal weights, so that its laws are far from uniform."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for weight in model.parameters():
            if weight.dim() == 2:
                weight.copy_(torch.randn(weight.shape, generator=generator) * scale)
    return model.eval()


def llama(seed: int, width: int = 6, *, scale: float = 0.5, **named: Any) -> Any:
    """A Llama of one layer."""
    fields = ENDS | {"max_position_embeddings": 64} | named
    config = transformers.LlamaConfig(
        vocab_size=width,
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        num_key_value_heads=2,
        **fields,
    )
    return spread(transformers.LlamaForCausalLM(config), seed, scale)


def save(model: Any, folder: Path, words: PreTrainedTokenizerFast | None = None, **named: Any) -> Path:
    """The model and its tokenizer in a folder."""
    model.save_pretrained(folder, **named)
    (words or tokenizer()).save_pretrained(folder)
    return folder


def pair(folder: Path, words: PreTrainedTokenizerFast | None = None, **named: Any) -> None:
    """Two Llamas, in prior and aligned."""
    save(llama(11, **named), folder / "prior", words)
    save(llama(12, **named), folder / "aligned", words)


def change(path: Path, **fields: Any) -> None:
    """Fields of a JSON file."""
    there = json.loads(path.read_text("utf-8")) if path.exists() else {}
    path.write_text(json.dumps(there | fields), "utf-8")


def run_file(folder: Path, **tables: str) -> Path:
    """A run of the pair in a folder, with some tables changed or added to."""
    whole = {
        "models": 'prior = "prior"\naligned = "aligned"',
        "prompts": 'texts = ["a", "b", "c d"]\nbegin = true',
        "sampling": "strings = 6\nlength = 4",
        "reward": 'kind = "secret"',
        "output": 'folder = "run"',
    }
    text = "\n".join(f"[{name}]\n{body}" for name, body in (whole | tables).items())
    (folder / "run.toml").write_text(text.replace("[models]\n", '[models]\ndevice = "cpu"\n'), "utf-8")
    return folder / "run.toml"


def command(*arguments: str | Path) -> Any:
    """The command in this process."""
    return CliRunner(env={"COLUMNS": "400"}).invoke(app, [str(a) for a in arguments])


def sampled(path: Path) -> Any:
    """The outcome of ``probqual sample``, which succeeds."""
    done = command("sample", path)
    assert done.exit_code == 0, done.output
    return done


def refused(path: Path) -> str:
    """The one line with which ``probqual sample`` refuses a run before it makes anything."""
    done = command("sample", path)
    assert done.exit_code == 2, (done.output, done.exception)
    (line,) = done.stderr.strip().splitlines()
    return str(line)


def analysed(folder: Path) -> dict[str, Any]:
    """What ``probqual analyse`` says of the run in a folder."""
    done = command("analyse", folder / "run", "--json", "-")
    assert done.exit_code == 0, done.output
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def key(folder: Path) -> dict[str, Any]:
    """What decides the numbers of the run in a folder."""
    found: dict[str, Any] = json.loads((folder / "run" / "key.json").read_text("utf-8"))
    return found


def rows(folder: Path) -> list[dict[str, Any]]:
    """The strings of the run in a folder."""
    found = [pq.read_table(path) for path in sorted((folder / "run" / "shards").glob("*.parquet"))]
    every: list[dict[str, Any]] = pa.concat_tables(found).to_pylist()
    return every


@torch.inference_mode()
def float64_scores(model: Any, prompt: Sequence[int], tokens: Sequence[int], kept: int | None = None) -> NDArray[Any]:
    """log p of each token in float64, every one by a pass over its prefix, over the first ``kept`` ids."""
    wide, found = copy.deepcopy(model).double(), []
    for place, token in enumerate(tokens):
        ids = torch.tensor([[*prompt, *tokens[:place]]])
        law = torch.log_softmax(wide(input_ids=ids, use_cache=False).logits[0, -1, :kept].double(), -1)
        found.append(float(law[token]))
    return np.array(found)
