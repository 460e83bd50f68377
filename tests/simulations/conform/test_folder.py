"""conform from end to end: models have the law they say, an engine runs on them, bad input is refused."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from probqual.command_line import app
from simulations.conform.law import END, MODELS, START
from simulations.conform.samples import LENGTH, PROMPT, SamplesError, read_samples

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")
gguf = pytest.importorskip("gguf")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `probqual conform prepare` writes."""
    torch.set_num_threads(1)
    path: Path = tmp_path_factory.mktemp("conform") / "models"
    found = CliRunner().invoke(app, ["conform", "prepare", str(path)])
    assert found.exit_code == 0, found.output
    return path


@pytest.mark.parametrize("name", MODELS)
def test_the_models_have_their_laws(folder: Path, name: str) -> None:
    """In float32, after every class of token, the end among them; the GGUF file holds the same weights."""
    model = transformers.AutoModelForCausalLM.from_pretrained(folder / name)
    ids = [START, 10, 11, 300, END, 7]
    with torch.no_grad():
        logits = model(torch.tensor([ids])).logits[0].double()
    found = torch.log_softmax(logits, dim=-1).numpy()
    own = MODELS[name]()
    expected = own.log_law[own.classes[ids]]
    inside = np.isfinite(expected)
    assert np.abs(found - expected)[inside].max() < 2e-6
    assert found[~inside].max() < -50
    tensors = {one.name: one.data for one in gguf.GGUFReader(folder / f"{name}.gguf").tensors}
    assert np.array_equal(tensors["output.weight"], model.lm_head.weight.detach().numpy())


def test_formats_without_their_library_are_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One line each, however many models there are; the other formats are written."""
    for name in ("onnx", "openvino"):
        monkeypatch.setitem(sys.modules, name, None)
    found = CliRunner().invoke(app, ["conform", "prepare", str(tmp_path)])
    assert found.exit_code == 0
    assert [line for line in found.stderr.splitlines() if "left out" in line] == [
        "ONNX is left out: it needs the package onnx (pip install 'probqual[graphs]')",
        "OpenVINO is left out: it needs the package openvino (pip install 'probqual[graphs]')",
    ]
    kept = {path.name for path in tmp_path.iterdir()}
    assert kept == {"conform.json", *(n for name in MODELS for n in (name, f"{name}.gguf"))}


def test_prepare_without_the_bridge_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit status 2, and nothing written."""
    monkeypatch.setitem(sys.modules, "gguf", None)
    for name in ("simulations.conform.models", "simulations.conform.prepare"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    found = CliRunner().invoke(app, ["conform", "prepare", str(tmp_path / "models")])
    assert found.exit_code == 2
    assert "install probqual[bridge]" in found.output.replace("\n", " ")
    assert not (tmp_path / "models").exists()


def test_samples_are_checked_without_the_bridge() -> None:
    """In an interpreter that has neither torch nor gguf, and no library of graphs."""
    absent = {"gguf", "torch", "transformers", "tokenizers", "onnx", "openvino"}
    code = f"""
import sys

class Absent:
    def find_spec(name, path=None, target=None):
        if name in {absent!r}:
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, Absent)
import simulations.conform.checks, simulations.conform.folder, simulations.conform.samples
"""
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).resolve().parents[3])


def written(folder: Path, path: Path, **settings: float) -> None:
    """generate() of transformers on both models, 160 calls of 8 rows."""
    with path.open("w", encoding="utf-8") as file:
        for name in MODELS:
            torch.manual_seed(7)
            model = transformers.AutoModelForCausalLM.from_pretrained(folder / name)
            for call in range(160):
                prompt = torch.tensor([list(PROMPT)] * 8)
                with torch.no_grad():
                    out = model.generate(prompt, do_sample=True, max_new_tokens=LENGTH, **settings)
                for row, tokens in enumerate(out[:, len(PROMPT) :].tolist()):
                    end = tokens.index(END) + 1 if END in tokens else LENGTH
                    line = {"model": name, "call": call, "row": row, "tokens": tokens[:end]}
                    file.write(json.dumps(line) + "\n")


def test_transformers_conforms_and_its_hidden_top_k_is_seen(folder: Path, tmp_path: Path) -> None:
    """Its own defaults conform to its preset; the same strings do not conform to a preset without the cut."""
    samples = tmp_path / "samples.jsonl"
    written(folder, samples)
    run = CliRunner().invoke
    found = run(app, ["conform", "check", str(folder), str(samples), "--engine", "transformers", "--json", "-"])
    report = json.loads(found.output)
    assert found.exit_code == 0, [one for one in report["tests"] if one["alarm"]]
    assert report["conforms"]
    assert report["chain"] == "top_k 50 ties=all"
    found = run(app, ["conform", "check", str(folder), str(samples), "--engine", "transformers", "--set", "top_k=0"])
    assert found.exit_code == 1
    assert "ALARM" in found.output


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", "line 1: is no string of a known model"),
        ('{"model": "other", "call": 0, "tokens": [5]}', "model 'other' is not known"),
        ('{"model": "fixed", "call": 0, "tokens": [320]}', "token 320 is none of the 320 ids"),
        ('{"model": "fixed", "call": 0, "tokens": []}', "has 0 tokens"),
        ('{"model": "fixed", "call": 0, "tokens": [2, 5]}', "goes on after its end"),
        ('{"model": "fixed", "call": -1, "tokens": [5]}', "greater than or equal to 0"),
        ("", "holds no string"),
    ],
)
def test_bad_samples_are_refused(tmp_path: Path, line: str, message: str) -> None:
    """One sentence with the line."""
    path = tmp_path / "samples.jsonl"
    path.write_text(line, encoding="utf-8")
    with pytest.raises(SamplesError, match=message):
        read_samples(path)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["sideways", "x"], "expected prepare or check"),
        (["check", "x"], "needs DIR SAMPLES --engine NAME"),
        (["check", "x", "y", "--engine", "vllm"], "conform prepare x"),
    ],
)
def test_bad_commands_are_refused(arguments: list[str], message: str) -> None:
    """Exit status 2."""
    found = CliRunner().invoke(app, ["conform", *arguments])
    assert found.exit_code == 2
    assert message in found.output.replace("\n", " ")
