"""Models, prompts and rewards as people have them: the right numbers, or one line that names what cannot be used."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable
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
import transformers
from safetensors.torch import load_file, save_file

from tests.simulations.bridge.making import (
    ENDS,
    WORDS,
    analysed,
    change,
    command,
    float64_scores,
    key,
    llama,
    pair,
    refused,
    rows,
    run_file,
    sampled,
    save,
    spread,
    tokenizer,
)


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A pair that many tests only read."""
    folder = tmp_path_factory.mktemp("models")
    pair(folder)
    return folder


def of(models: Path) -> str:
    """The [models] of a shared pair."""
    return f'prior = "{models / "prior"}"\naligned = "{models / "aligned"}"'


# --- ends ---------------------------------------------------------------------------------------------------------

TURNS = ("<s>", "</s>", "a", "b", "c", "<turn>")
STATED: dict[str, tuple[dict[str, Any], str, list[int]]] = {
    "generation config lists them": ({"generation_config.json": [5, 1]}, "", [1, 5]),
    "generation config names one more": ({"generation_config.json": 4}, "", [1, 4, 5]),
    "config lists them": ({"config.json": [1, 3]}, "", [1, 3, 5]),
    "the tokenizer alone": ({}, "", [1, 5]),
    "the run file": ({"generation_config.json": [5, 1]}, "\nend = [2, 5]", [2, 5]),
}


@pytest.mark.parametrize("stated", STATED)
def test_ends(stated: str, tmp_path: Path) -> None:
    """Base and instruct model with different ends: the set is the union of the aligned model's files, or the run's.

    Draws stop there and nowhere else, and the set is printed and in the key.
    """
    files, table, ends = STATED[stated]
    save(llama(1), tmp_path / "prior", tokenizer(TURNS))
    save(llama(2), tmp_path / "aligned", tokenizer(TURNS, "<turn>"))
    for name, value in files.items():
        change(tmp_path / "aligned" / name, eos_token_id=value)
    done = sampled(run_file(tmp_path, models=f'prior = "prior"\naligned = "aligned"{table}'))
    assert " or ".join(f"{end} {TURNS[end]!r}" for end in ends) in done.stderr
    assert key(tmp_path)["resolved"]["ends"] == ends
    found = rows(tmp_path)
    assert any(row["ended"] for row in found)
    for row in found:
        assert row["ended"] == (row["tokens"][-1] in ends)
        assert not set(row["tokens"][:-1]) & set(ends)
    said = analysed(tmp_path)["settings"][0]
    assert said["ended"] == np.mean([row["ended"] for row in found])


def test_no_end_at_all(tmp_path: Path) -> None:
    """Nothing names an end: the line says which key of the run file does."""
    pair(tmp_path)
    for role in ("prior", "aligned"):
        for name in ("config.json", "generation_config.json"):
            change(tmp_path / role / name, eos_token_id=None)
        there = json.loads((tmp_path / role / "tokenizer_config.json").read_text("utf-8"))
        there.pop("eos_token")
        (tmp_path / role / "tokenizer_config.json").write_text(json.dumps(there), "utf-8")
    assert "[models] end = [...]" in refused(run_file(tmp_path))
    sampled(run_file(tmp_path, models='prior = "prior"\naligned = "aligned"\nend = [1]'))


def test_what_generation_config_asks_for_is_told(tmp_path: Path) -> None:
    """p+ is the model's law; a temperature that ``generate`` would take from the folder is no part of it."""
    pair(tmp_path)
    path = tmp_path / "aligned" / "generation_config.json"
    before = sampled(run_file(tmp_path)).stderr
    assert "asks for" not in before
    strings = rows(tmp_path)
    change(path, do_sample=True, temperature=0.25, top_p=0.9, top_k=0, repetition_penalty=1.0)
    done = sampled(run_file(tmp_path, output='folder = "again"'))
    assert "generation_config.json asks for temperature = 0.25, top_p = 0.9; p+" in done.stderr
    (tmp_path / "run").rename(tmp_path / "old")
    (tmp_path / "again").rename(tmp_path / "run")
    assert rows(tmp_path) == strings


# --- vocabularies -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("prior", "aligned"), [(8, 8), (6, 8), (8, 6)])
def test_logits_wider_than_the_tokenizer(prior: int, aligned: int, tmp_path: Path) -> None:
    """Ids that no token has are drawn by nobody, and both laws are over the others, renormalised."""
    one, two = llama(14, prior), llama(15, aligned)
    save(one, tmp_path / "prior")
    save(two, tmp_path / "aligned")
    done = sampled(run_file(tmp_path))
    assert "left out" in done.stderr
    assert ("wide; the common ids" in done.stderr) == (prior != aligned)
    ids = key(tmp_path)["prompt_ids"]
    for row in rows(tmp_path):
        assert max(row["tokens"]) < 6
        for model, column in ((one, "log_prior"), (two, "log_aligned")):
            exact = float64_scores(model, ids[row["prompt"]], row["tokens"], kept=6)
            assert np.abs(exact - row[column]).max() < 1e-4
    assert json.loads((tmp_path / "run" / "check.json").read_text("utf-8"))["dropped"] > 0.01


def test_an_end_beyond_the_logits(tmp_path: Path) -> None:
    save(llama(1), tmp_path / "prior", tokenizer((*WORDS[:1], *"abcde", "</s>")))
    save(llama(2), tmp_path / "aligned", tokenizer((*WORDS[:1], *"abcde", "</s>")))
    line = refused(run_file(tmp_path))
    assert "the end 6 lies beyond the logits of" in line
    assert "6 wide" in line


def test_a_prompt_beyond_the_logits(tmp_path: Path) -> None:
    pair(tmp_path, tokenizer(("<s>", "</s>", "b", "c", "d", "e", "a")))
    line = refused(run_file(tmp_path, prompts='texts = ["a"]'))
    assert "'a' has the id 6" in line
    assert "6 wide" in line


# --- weights ------------------------------------------------------------------------------------------------------


def unexpected(folder: Path) -> None:
    model = llama(13, attention_bias=True)
    save(model, folder)
    change(folder / "config.json", attention_bias=False)


def stale_file(folder: Path) -> None:
    old = load_file(folder / "model.safetensors")
    save(llama(63), folder, max_shard_size="2KB")
    save_file(old, folder / "model.safetensors", metadata={"format": "pt"})


def stale_shard(folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    save(llama(63), folder, max_shard_size="2KB")
    save_file({"x": torch.zeros(1)}, folder / "model-00001-of-00099.safetensors", metadata={"format": "pt"})


def lost_shard(folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    save(llama(63), folder, max_shard_size="2KB")
    next(folder.glob("model-00002*")).unlink()


def adapter(folder: Path) -> None:
    (folder / "adapter_config.json").write_text("{}", "utf-8")


def other_shape(folder: Path) -> None:
    change(folder / "config.json", intermediate_size=64)


WEIGHTS: dict[str, tuple[Callable[[Path], None], str]] = {
    "keys without a place": (unexpected, "model.layers.0.self_attn.q_proj.bias"),
    "an old file beside shards": (stale_file, "two sets of weights"),
    "an old shard beside shards": (stale_shard, "model-00001-of-00099.safetensors"),
    "a shard is gone": (lost_shard, "is not there"),
    "an adapter": (adapter, "adapter_config.json"),
    "another shape": (other_shape, "another shape"),
}


@pytest.mark.parametrize("fault", WEIGHTS)
def test_weights_that_are_not_the_folders(fault: str, tmp_path: Path) -> None:
    """Named, whichever model it is, and nothing is written."""
    act, said = WEIGHTS[fault]
    pair(tmp_path)
    act(tmp_path / "prior")
    assert said in refused(run_file(tmp_path))
    assert not (tmp_path / "run").exists()


def test_shards_alone(tmp_path: Path) -> None:
    """Weights in shards with their index are one set."""
    model = llama(63)
    save(model, tmp_path / "prior", max_shard_size="2KB")
    save(llama(62), tmp_path / "aligned")
    sampled(run_file(tmp_path))
    for row in rows(tmp_path)[:6]:
        exact = float64_scores(model, key(tmp_path)["prompt_ids"][row["prompt"]], row["tokens"])
        assert np.abs(exact - row["log_prior"]).max() < 1e-4


# --- prompts ------------------------------------------------------------------------------------------------------

FILES: dict[str, tuple[str, bytes, list[list[int]]]] = {
    "byte order mark": ("p.txt", b"\xef\xbb\xbfa\nb\n", [[0, 2], [0, 3]]),
    "line ends": ("p.txt", "a b\u2028c\nb\x0ca d\nd\x85a\rc\r\n".encode(), [[0, 2, 3, 4], [0, 3, 2, 5], [0, 5, 2, 4]]),
    "json lines": ("p.jsonl", b'{"prompt": "a b"}\n\n{"ids": [2, 3, 4]}\n', [[0, 2, 3], [2, 3, 4]]),
    "a rendered template": ("p.txt", b"<s> a\nb\n", [[0, 2], [0, 3]]),
    "JSON lines by another name": ("p.NDJSON", b'{"prompt": "a b"}\n', [[0, 2, 3]]),
    "no end of line": ("p.txt", b"a\n \nb", [[0, 2], [0, 3]]),
}


@pytest.mark.parametrize("which", FILES)
def test_prompt_files(which: str, models: Path, tmp_path: Path) -> None:
    """The ids of each prompt, as they go to the models."""
    name, content, ids = FILES[which]
    (tmp_path / name).write_bytes(content)
    sampled(run_file(tmp_path, models=of(models), prompts=f'file = "{name}"\nbegin = true'))
    assert key(tmp_path)["prompt_ids"] == ids
    assert len(key(tmp_path)["run"]["prompts"]) == len(ids)


UNREAD: dict[str, tuple[str, bytes, str]] = {
    "a table": ("p.csv", b"prompt\na\n", ".csv"),
    "JSON": ("p.json", b'[{"prompt": "a"}]', ".json"),
    "compressed": ("p.txt.gz", b"\x1f\x8b", ".gz"),
    "JSON lines as text": ("p.txt", b'{"prompt": "a"}\n\n{"ids": [2]}\n', "JSON objects"),
    "UTF-16": ("p.txt", "a\nb\n".encode("utf-16-le"), "NUL"),
    "UTF-16 with its mark": ("p.txt", "a\nb\n".encode("utf-16"), "not UTF-8"),
    "rows in UTF-16": ("p.jsonl", '{"prompt": "a"}\n'.encode("utf-16-be"), "NUL"),
}


@pytest.mark.parametrize("which", UNREAD)
def test_prompt_files_of_another_kind(which: str, models: Path, tmp_path: Path) -> None:
    """What is no list of prompts is not read as one: its brackets and NULs would be prompts."""
    name, content, said = UNREAD[which]
    (tmp_path / name).write_bytes(content)
    line = refused(run_file(tmp_path, models=of(models), prompts=f'file = "{name}"'))
    assert said in line
    assert name in line


@pytest.mark.parametrize("suffix", ["txt", "jsonl", "parquet"])
def test_prompts_without_end(suffix: str, models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A device that never ends, and a short file that stands for many bytes, are refused before they are held.

    The bound is lowered, so that the test needs little memory.
    """
    from simulations.bridge import prompts

    monkeypatch.setattr(prompts, "_MOST_BYTES", 1 << 20)
    if suffix == "parquet":
        one = pa.DictionaryArray.from_arrays(pa.array([0] * 5000, pa.int32()), pa.array(["a" * 1000]))
        pq.write_table(pa.table({"prompt": one.cast(pa.string())}), tmp_path / "p.parquet")
        assert (tmp_path / "p.parquet").stat().st_size < 1 << 16
    else:
        (tmp_path / f"p.{suffix}").symlink_to("/dev/zero")
    line = refused(run_file(tmp_path, models=of(models), prompts=f'file = "p.{suffix}"'))
    assert "more than 1,048,576 bytes" in line


def test_a_line_of_json_among_others_is_a_prompt(models: Path, tmp_path: Path) -> None:
    (tmp_path / "p.txt").write_text('{"prompt": "a"}\na\n', "utf-8")
    sampled(run_file(tmp_path, models=of(models), prompts='file = "p.txt"'))
    assert key(tmp_path)["run"]["prompts"] == ['{"prompt": "a"}', "a"]


def test_prompts_in_parquet(models: Path, tmp_path: Path) -> None:
    """A column of texts."""
    pq.write_table(pa.table({"prompt": ["a", "b c"], "other": [1, 2]}), tmp_path / "p.parquet")
    sampled(run_file(tmp_path, models=of(models), prompts='file = "p.parquet"'))
    assert key(tmp_path)["run"]["prompts"] == ["a", "b c"]
    (tmp_path / "p.parquet").write_bytes(b"PAR1")
    assert "p.parquet" in refused(run_file(tmp_path, models=of(models), prompts='file = "p.parquet"'))


def test_chats(tmp_path: Path) -> None:
    """Messages go through the aligned model's template, which alone says what begins; without one it is a line."""
    template = "{% for m in messages %}<s> {{ m['content'] }} {% endfor %}d"
    pair(tmp_path, tokenizer(chat_template=template))
    chat = [{"role": "user", "content": "a b"}]
    (tmp_path / "p.jsonl").write_text(json.dumps({"messages": chat}) + '\n{"prompt": "c"}\n', "utf-8")
    sampled(run_file(tmp_path, prompts='file = "p.jsonl"\nbegin = true'))
    found = key(tmp_path)
    assert found["prompt_ids"] == [[0, 2, 3, 5], [0, 4]]
    assert found["run"]["prompts"] == ["<s> a b d", "c"]
    assert found["resolved"]["template"] is not None
    for role in ("prior", "aligned"):
        (tmp_path / role / "chat_template.jinja").unlink()
    assert "no chat template" in refused(run_file(tmp_path, prompts='file = "p.jsonl"', output='folder = "other"'))


ROWS = {
    "no prompt": (b'{"text": "a"}', "row 1: one of prompt, messages and ids"),
    "two kinds": (b'{"prompt": "a", "ids": [1]}', "one of prompt, messages and ids"),
    "no JSON": (b'{"prompt": "a"}\n{', "line 2 is no JSON"),
    "ids that are none": (b'{"ids": [1, -2]}', "must be whole numbers >= 0, got '-2'"),
    "no messages": (b'{"messages": []}', "a list that is not empty"),
    "a message without a role": (b'{"messages": [{"content": "a"}]}', "a role and a content"),
    "a number": (b'{"prompt": 3}', "must be a text"),
    "half a character": (b'{"prompt": "\\ud800"}', "JSON in UTF-8"),
    "an id beyond the logits": (b'{"ids": [2, 1000000000000000000000000]}', "beyond the models' logits, 6 wide"),
    "nothing": (b"", "holds no prompt"),
    "brackets": (b"[" * 100_000, "line 1 is no JSON"),
    "twice": (b'{"prompt": "a"}\n{"prompt": "a"}', "'a' occurs twice"),
}


@pytest.mark.parametrize("which", ROWS)
def test_rows_that_are_no_prompts(which: str, models: Path, tmp_path: Path) -> None:
    content, said = ROWS[which]
    (tmp_path / "p.jsonl").write_bytes(content)
    assert said in refused(run_file(tmp_path, models=of(models), prompts='file = "p.jsonl"'))


@pytest.mark.parametrize("adds", [True, False])
def test_begin_follows_the_tokenizer(adds: bool, tmp_path: Path) -> None:
    """Without ``begin`` a prompt begins as the tokenizer's own texts do."""
    from tokenizers import processors

    words = tokenizer()
    if adds:
        words.backend_tokenizer.post_processor = processors.TemplateProcessing(
            single="<s> $A", special_tokens=[("<s>", 0)]
        )
    pair(tmp_path, words)
    sampled(run_file(tmp_path, prompts='texts = ["a", "<s> b"]'))
    assert key(tmp_path)["prompt_ids"] == [[0, 2] if adds else [2], [0, 3]]
    assert key(tmp_path)["run"]["begin"] is adds


def test_a_front_of_several_tokens(tmp_path: Path) -> None:
    """All that the tokenizer puts in front of a text goes before a prompt, but not twice, nor what comes behind."""
    from tokenizers import processors

    words = tokenizer(("<s>", "</s>", "a", "b", "c", "<g>"))
    words.backend_tokenizer.post_processor = processors.TemplateProcessing(
        single="<g> <s> $A </s>", special_tokens=[("<g>", 5), ("<s>", 0), ("</s>", 1)]
    )
    pair(tmp_path, words)
    done = sampled(run_file(tmp_path, prompts='texts = ["a", "<g> <s> b", "<s> c"]'))
    assert key(tmp_path)["prompt_ids"] == [[5, 0, 2], [5, 0, 3], [0, 4]]
    assert "prompts begin with 5 '<g>' 0 '<s>'" in done.stderr


def test_no_token_to_begin_with(tmp_path: Path) -> None:
    """``begin`` cannot be had where the tokenizer has no such token."""
    words = tokenizer()
    words.bos_token = None
    pair(tmp_path, words)
    assert "[prompts] begin = true: the tokenizer has no beginning-of-string token" in refused(run_file(tmp_path))
    sampled(run_file(tmp_path, prompts='texts = ["a"]'))


@pytest.mark.parametrize(("stated", "begins"), [(True, True), (False, False), (None, False)])
def test_gguf_metadata_says_how_texts_begin_and_end(stated: bool | None, begins: bool, tmp_path: Path) -> None:
    """add_bos_token decides where it is stated, else the tokenizer; the ends are eos and eot."""
    import gguf

    from simulations.bridge.conventions import Conventions

    writer = gguf.GGUFWriter(tmp_path / "m.gguf", "llama")
    writer.add_eos_token_id(3)
    writer.add_eot_token_id(4)
    if stated is not None:
        writer.add_add_bos_token(stated)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    found = Conventions.of(tmp_path / "m.gguf", tokenizer())
    assert found.union == (1, 3, 4)
    assert found.begins is begins


def test_tokens_that_merge_are_told() -> None:
    """A prompt that ends in a space, and one whose tokens no longer text begins with; both tokenisations are shown."""
    from simulations.bridge.prompts import tokenisation_warnings

    def encode(text: str) -> list[int]:
        """Pieces of a space and what follows; "x the" is one piece."""
        pieces = text.replace("x the", "Z").replace(" ", "| ").split("|")
        return [sum(map(ord, piece)) for piece in pieces if piece]

    texts = {text: encode(text) for text in ("a b", "a ", "a x")}
    lines = tokenisation_warnings(texts, encode)
    assert len(lines) == 2
    assert "'a ' ends in a space" in lines[0]
    assert str([97, 32]) in lines[0]
    assert str(encode("a the")) in lines[0]
    assert "'a x'" in lines[1]
    many = {f"{'a' * k} ": [1] for k in range(1, 40)}
    assert "36 prompts more" in tokenisation_warnings(many, encode)[-1]


def test_a_prompt_that_ends_in_a_space_is_told(models: Path, tmp_path: Path) -> None:
    assert "ends in a space" in sampled(run_file(tmp_path, models=of(models), prompts='texts = ["a "]')).stderr


# --- the self-check -----------------------------------------------------------------------------------------------

SIZES = {
    "vocab_size": 6,
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "max_position_embeddings": 64,
}
LONG = {
    "rope_type": "longrope",
    "rope_theta": 10000.0,
    "short_factor": [1.0] * 8,
    "long_factor": [4.0] * 8,
}


def phi3(switch: int) -> Any:
    rope = LONG | {"original_max_position_embeddings": switch}
    fields = SIZES | ENDS | {"original_max_position_embeddings": switch, "rope_parameters": rope, "pad_token_id": None}
    return transformers.Phi3ForCausalLM(transformers.Phi3Config(**fields))


def bert() -> Any:
    fields = {k: v for k, v in SIZES.items() if k != "num_hidden_layers"}
    return transformers.BertLMHeadModel(transformers.BertConfig(**fields, num_hidden_layers=1))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize(
    ("make", "name", "why"),
    [(lambda: phi3(8), "Phi3ForCausalLM", "differ by"), (bert, "BertLMHeadModel", "looks ahead")],
    ids=["long factors", "BERT"],
)
def test_architectures_that_cannot_be_read(
    make: Callable[[], Any], name: str, why: str, dtype: str, tmp_path: Path
) -> None:
    """Position embeddings that switch within a string, and a model that looks ahead: refused by name."""
    for seed, role in enumerate(("prior", "aligned")):
        save(spread(make(), seed, 0.35), tmp_path / role)
    models = f'prior = "prior"\naligned = "aligned"\ndtype = "{dtype}"\nend = [1]'
    line = refused(run_file(tmp_path, models=models, sampling="strings = 2\nlength = 10"))
    assert name in line
    assert why in line
    assert not (tmp_path / "run").exists()


def test_low_precision_is_told(models: Path, tmp_path: Path) -> None:
    """bfloat16 warns with what it rounds; the figure is stored and shown again."""
    done = sampled(run_file(tmp_path, models=f'{of(models)}\ndtype = "bfloat16"'))
    assert "warning: bfloat16 rounds log p by up to" in done.stderr
    kept = json.loads((tmp_path / "run" / "check.json").read_text("utf-8"))
    assert 1e-4 < kept["token"] <= kept["string"] < 1
    assert analysed(tmp_path)["rounding"] == kept
    assert "bfloat16 rounds" in command("analyse", tmp_path / "run").stdout


# --- what means nothing -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("copied", [False, True])
def test_a_model_against_itself(dtype: str, copied: bool, tmp_path: Path) -> None:
    """R = 0: no correlation, no b, no verdict; also where the same weights are another file."""
    pair(tmp_path)
    other = "prior"
    if copied:
        other = "aligned"
        weights = load_file(tmp_path / "prior" / "model.safetensors")
        save_file(weights, tmp_path / other / "model.safetensors", metadata={"format": "pt", "note": "a copy"})
    models = f'prior = "prior"\naligned = "{other}"\ndtype = "{dtype}"'
    sampling = 'strings = 16\nlength = 12\ntemperatures = ["1", "1/2"]'
    sampled(run_file(tmp_path, models=models, sampling=sampling))
    found = analysed(tmp_path)
    for own in found["settings"]:
        for name in ("correlation", "within_correlation", "spearman", "exchange_coefficient"):
            assert own[name]["value"] is None
    assert found["trades"] is None
    assert found["trades_locally"] is None
    assert found["pooled"]["correlation"]["value"] is None
    assert any(("one model" in note) != copied for note in found["notes"])
    assert "no verdict" in command("analyse", tmp_path / "run").stdout


def test_a_real_difference_is_kept(models: Path, tmp_path: Path) -> None:
    """Two different models in float32: nothing is taken back."""
    sampled(run_file(tmp_path, models=of(models), sampling="strings = 24\nlength = 6"))
    found = analysed(tmp_path)
    assert found.get("notes", []) == []
    for name in ("correlation", "within_correlation", "exchange_coefficient"):
        assert found["settings"][0][name]["value"] is not None
    assert found["trades"] is not None


def phi(seed: int, gone: tuple[int, ...] = ()) -> Any:
    """Phi, whose head has a bias."""
    model = spread(transformers.PhiForCausalLM(transformers.PhiConfig(**SIZES, **ENDS)), seed)
    with torch.no_grad():
        for one in gone:
            model.lm_head.bias[one] = -math.inf
    return model


def test_a_prior_that_rules_strings_out(tmp_path: Path) -> None:
    """L = -inf and R = +inf: counted, null with a reason, and the rest of the numbers stands."""
    save(phi(1, (5,)), tmp_path / "prior")
    save(phi(2), tmp_path / "aligned")
    done = sampled(run_file(tmp_path, sampling="strings = 40\nlength = 3"))
    impossible = sum(5 in row["tokens"] for row in rows(tmp_path))
    assert impossible > 0
    assert f"{impossible} strings have probability 0 under the prior" in done.stderr
    found = analysed(tmp_path)
    own = found["settings"][0]
    assert own["impossible"] == impossible
    for name in ("mean_log_prior", "mean_reward", "exchange_coefficient", "correlation", "within_correlation"):
        assert own[name]["value"] is None
    assert own["entropy"]["value"] > 0
    assert own["kl_to_aligned"]["value"] == pytest.approx(0, abs=1e-5)
    (note,) = found["notes"]
    assert f"{impossible} of 120 strings" in note
    assert note in command("analyse", tmp_path / "run").stdout.replace("\n", "")


# --- what decides is in the key -----------------------------------------------------------------------------------


def another_end(folder: Path) -> None:
    change(folder / "aligned" / "generation_config.json", eos_token_id=[1, 3])


def another_tokenizer_setting(folder: Path) -> None:
    change(folder / "prior" / "tokenizer_config.json", model_max_length=12)


def another_reward(folder: Path) -> None:
    (folder / "my_reward.py").write_text("def words(text):\n    return 2.0\n", "utf-8")


def other_weights(folder: Path) -> None:
    save(llama(77), folder / "aligned")


CHANGES: dict[str, tuple[Callable[[Path], None], str]] = {
    "an end": (another_end, "accounting.ends"),
    "the tokenizer's settings": (another_tokenizer_setting, "resolved.prior.files.tokenizer_config.json"),
    "the reward's source": (another_reward, "models.reward.my_reward.py"),
    "the weights": (other_weights, "models.aligned.model.safetensors"),
}


@pytest.mark.parametrize("what", CHANGES)
def test_a_run_does_not_go_on_with_something_else(what: str, tmp_path: Path) -> None:
    """Named by its place in the key."""
    act, said = CHANGES[what]
    pair(tmp_path)
    sys.modules.pop("my_reward", None)
    (tmp_path / "my_reward.py").write_text("def words(text):\n    return 1.0\n", "utf-8")
    path = run_file(tmp_path, reward='kind = "function"\nsource = "my_reward:words"')
    sampled(path)
    sampled(path)
    act(tmp_path)
    assert said in refused(path)


def test_versions_and_attention_are_in_the_key(models: Path, tmp_path: Path) -> None:
    sampled(run_file(tmp_path, models=of(models)))
    found = key(tmp_path)["resolved"]
    assert found["prior"]["attention"] == "sdpa"
    assert found["prior"]["dtype"] == "float32"
    assert {"torch", "transformers", "tokenizers", "probqual"} <= set(found["versions"])


def test_draws_do_not_depend_on_what_was_resolved(models: Path, tmp_path: Path) -> None:
    """A run that names its default ends has another key and the same strings."""
    for name, table in (("one", of(models)), ("two", f"{of(models)}\nend = [1]")):
        (tmp_path / name).mkdir()
        sampled(run_file(tmp_path / name, models=table))
    first, second = (key(tmp_path / name)["resolved"] for name in ("one", "two"))
    assert first == second
    assert [row["tokens"] for row in rows(tmp_path / "one")] != []


# --- rewards ------------------------------------------------------------------------------------------------------


def test_beta_divides_the_reward(models: Path, tmp_path: Path) -> None:
    sampled(run_file(tmp_path, models=of(models), reward='kind = "length"\nbeta = "1/4"'))
    found = analysed(tmp_path)
    own = found["settings"][0]
    assert own["mean_external_reward"]["value"] == pytest.approx(4 * own["tokens"])
    assert found["reward_in"] == "nats"


def test_texts_are_not_cleaned_up(tmp_path: Path) -> None:
    """A text has the spaces that its ids have."""
    words = ("<s>", "</s>", "a", ".", "'s", "not")
    pair(tmp_path, tokenizer(words, clean_up_tokenization_spaces=True), scale=0.2)
    sampled(run_file(tmp_path, prompts='texts = ["a", "not"]\nbegin = true', reward='kind = "length"'))
    prompts = ("a", "not")
    found = rows(tmp_path)
    assert any("'s" in row["text"] for row in found)
    for row in found:
        assert row["text"] == " ".join([prompts[row["prompt"]], *(words[k] for k in row["tokens"] if k > 1)])


@pytest.mark.parametrize(
    ("source", "reads", "expected"),
    [
        ("whole", "text", lambda prompt, rest: len(f"{prompt} {rest}".split())),
        ("whole", "completion", lambda prompt, rest: len(rest.split())),
        ("apart", "text", lambda prompt, rest: len(rest.split()) - 10 * len(prompt.split())),
    ],
)
def test_a_function_gets_what_it_reads(
    source: str, reads: str, expected: Callable[[str, str], float], models: Path, tmp_path: Path
) -> None:
    """Beside the run file, from another folder: the whole text, the answer, or both parts apart."""
    name = f"own_{source}_{reads}"
    (tmp_path / f"{name}.py").write_text(
        "def whole(text):\n    return len(text.split())\n"
        "def apart(prompt, answer):\n    return len(answer.split()) - 10 * len(prompt.split())\n",
        "utf-8",
    )
    reward = f'kind = "function"\nsource = "{name}:{source}"\nreads = "{reads}"'
    sampled(run_file(tmp_path, models=of(models), reward=reward))
    prompts = key(tmp_path)["run"]["prompts"]
    for row in rows(tmp_path):
        prompt = prompts[row["prompt"]]
        assert row["reward"] == expected(prompt, row["text"].removeprefix(prompt))


def test_texts_are_the_aligned_tokenizers(tmp_path: Path) -> None:
    """A turn's end that only the aligned model's tokenizer calls special is no part of the text that a reward reads."""
    for role, seed in (("prior", 1), ("aligned", 2)):
        save(llama(seed), tmp_path / role, tokenizer(TURNS, "<turn>" if role == "aligned" else "</s>"))
    path = tmp_path / "prior" / "tokenizer.json"
    there = json.loads(path.read_text("utf-8"))
    there["added_tokens"] = [one | {"special": one["content"] != "<turn>"} for one in there["added_tokens"]]
    path.write_text(json.dumps(there), "utf-8")
    change(tmp_path / "prior" / "tokenizer_config.json", extra_special_tokens=[], additional_special_tokens=[])
    sampled(run_file(tmp_path, sampling="strings = 20\nlength = 4"))
    found = rows(tmp_path)
    assert any(5 in row["tokens"] for row in found)
    assert all("<" not in row["text"] for row in found)


def test_an_answer_that_ends_a_character_of_the_prompt(tmp_path: Path) -> None:
    """The prompt's last byte is the first of an e with an accent: the answer is what its own bytes are, and no more.

    The text of both then does not begin with the prompt's, and the reward was given the prompt as well.
    """
    from tokenizers import Tokenizer, decoders
    from tokenizers import models as kinds

    words = {"<s>": 0, "</s>": 1, "a": 2, "\u00c3": 3, "\u00a9": 4, "b": 5}
    inner = Tokenizer(kinds.WordLevel(words, unk_token="b"))
    inner.decoder = decoders.ByteLevel()
    pair(tmp_path, transformers.PreTrainedTokenizerFast(tokenizer_object=inner, eos_token="</s>", bos_token="<s>"))
    (tmp_path / "p.jsonl").write_text('{"ids": [2, 3]}\n', "utf-8")
    (tmp_path / "length_of.py").write_text("def answer(prompt, answer):\n    return len(answer)\n", "utf-8")
    reward = 'kind = "function"\nsource = "length_of:answer"'
    path = run_file(tmp_path, prompts='file = "p.jsonl"', reward=reward, sampling="strings = 40\nlength = 4")
    sampled(path)
    found = rows(tmp_path)
    byte = {2: b"a", 3: b"\xc3", 4: b"\xa9", 5: b"b"}
    assert {row["tokens"][0] == 4 for row in found} == {True, False}
    for row in found:
        alone = b"".join(byte.get(token, b"") for token in row["tokens"])
        assert row["reward"] == len(alone.decode("utf-8", errors="replace"))


def test_paths_are_beside_the_run_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "below").mkdir()
    pair(tmp_path / "below")
    run_file(tmp_path / "below")
    monkeypatch.chdir(tmp_path)
    sampled(Path("below/run.toml"))
    assert key(tmp_path / "below")["run"]["prior"] == "prior"


CLASSIFIER = {k: v for k, v in SIZES.items() if k != "max_position_embeddings"}


@pytest.mark.parametrize(
    ("positions", "most", "prompts", "said"),
    [
        (6, None, 'texts = ["a b c d"]\nbegin = true', "which reads at most 6"),
        (64, 6, 'texts = ["a b c d"]\nbegin = true', "which reads at most 6"),
        (64, None, 'texts = ["<s>"]\nbegin = false', "no tokens"),
    ],
)
def test_texts_that_a_classifier_cannot_read(
    positions: int, most: int | None, prompts: str, said: str, tmp_path: Path
) -> None:
    """Too long for its positions or its tokenizer, or of no tokens: a line with the text, and nothing is cut."""
    pair(tmp_path, scale=0.1)
    config = transformers.BertConfig(**CLASSIFIER, max_position_embeddings=positions, num_labels=2)
    torch.manual_seed(0)
    save(
        transformers.BertForSequenceClassification(config),
        tmp_path / "judge",
        tokenizer(**({} if most is None else {"model_max_length": most})),
    )
    reward = 'kind = "classifier"\nsource = "judge"'
    sampling = "strings = 40\nlength = 8" if "no tokens" not in said else "strings = 60\nlength = 1"
    done = command("sample", run_file(tmp_path, prompts=prompts, reward=reward, sampling=sampling))
    assert done.exit_code == 2, done.output
    assert said in done.stderr.splitlines()[-1]


# --- cost ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "sampling",
    ["strings = 1000000000", "strings = 100000000\nlength = 1", "strings = 5000000\nlength = 1000000"],
)
def test_too_much_work_is_refused_before_it_begins(sampling: str, tmp_path: Path) -> None:
    """With the estimate, before a model is loaded: there is none."""
    line = refused(run_file(tmp_path, sampling=sampling))
    assert "strings of up to" in line
    assert "GiB on disk" in line


def test_shards_that_do_not_fit_into_memory(models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from simulations.bridge import cost

    monkeypatch.setattr(cost.os, "sysconf", lambda name: 64)
    line = refused(run_file(tmp_path, models=of(models)))
    assert "of memory" in line
    assert "set rows to" in line


def test_many_prompts_are_read_in_linear_time(tmp_path: Path) -> None:
    """Twice as many prompts take about twice as long, not four times: counted in comparisons."""
    from simulations.bridge.prompts import Prompt, first_twice

    compared = 0

    class Counted(str):
        __slots__ = ()

        def __eq__(self, other: object) -> bool:
            nonlocal compared
            compared += 1
            return str(self) == str(other)

        __hash__ = str.__hash__

    prompts = [Prompt("prompt", Counted(f"p{k}")) for k in range(4000)]
    assert first_twice(prompts) is None
    assert compared < 4000
    assert first_twice([*prompts, prompts[7]]) == prompts[7]
