"""What engines keep of laws that are known, printed as JSON. Runs in an environment of its own: ``make engines``.

Each engine is one function from (law, settings) to the tokens of many draws; settings are in its own names.
"""

from __future__ import annotations

import datetime
import functools
import importlib
import json
import os
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from simulations.conform.law import VOCABULARY, KnownModel

os.environ["KERAS_BACKEND"] = "torch"
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
warnings.filterwarnings("ignore")

DRAWS = 2_000
LAWS = {
    "eight": ["2/5", "1/5", "3/20", "1/10", "3/50", "1/20", "3/100", "1/100"],
    "uniform": ["1/8"] * 8,
    "levels": ["1/4", "1/4", "1/5", "1/10", "1/10", "1/10"],
}
Settings = Mapping[str, str]
Draw = Callable[[np.ndarray, dict[str, float]], Sequence[int]]


def number(text: str) -> float:
    top, _, bottom = text.partition("/")
    return float(top) / float(bottom or 1)


def logits_of(law: np.ndarray) -> Any:
    torch = importlib.import_module("torch")
    return torch.tensor(np.log(law), dtype=torch.float32)


def transformers_(law: np.ndarray, settings: dict[str, float]) -> Sequence[int]:
    """generate() of a model whose every next-token law is the one asked for."""
    torch = importlib.import_module("torch")
    transformers = importlib.import_module("transformers")
    size = len(law)
    config = transformers.LlamaConfig(
        vocab_size=size,
        hidden_size=8,
        intermediate_size=8,
        num_hidden_layers=1,
        num_attention_heads=1,
        num_key_value_heads=1,
        max_position_embeddings=64,
        eos_token_id=None,
        bos_token_id=None,
        pad_token_id=None,
    )
    model = transformers.LlamaForCausalLM(config).eval()
    with torch.no_grad():
        for name, weight in model.named_parameters():
            weight.zero_()
            if "embed" in name or "norm" in name:
                weight.fill_(1.0)
        model.lm_head.weight[:, 0] = logits_of(law)
    given = {k: int(v) if k == "top_k" else v for k, v in settings.items()}
    with torch.no_grad():
        out = model.generate(torch.zeros((DRAWS, 1), dtype=torch.long), do_sample=True, max_new_tokens=1, **given)
    return [int(t) for t in out[:, 1]]


def rwkv(law: np.ndarray, settings: dict[str, float]) -> Sequence[int]:
    pipeline = importlib.import_module("rwkv.utils").PIPELINE
    own = pipeline.__new__(pipeline)
    given = {k: int(v) if k == "top_k" else v for k, v in settings.items()}
    return [int(own.sample_logits(logits_of(law), **given)) for _ in range(DRAWS)]


def mlx_lm(law: np.ndarray, settings: dict[str, float]) -> Sequence[int]:
    core = importlib.import_module("mlx.core")
    given = {k: int(v) if k == "top_k" else v for k, v in settings.items()}
    sampler = importlib.import_module("mlx_lm.sample_utils").make_sampler(**given)
    rows = core.array(np.repeat(np.log(law)[None].astype(np.float32), DRAWS, axis=0))
    return [int(t) for t in np.array(sampler(rows))]


def keras_hub(law: np.ndarray, settings: dict[str, float]) -> Sequence[int]:
    samplers = importlib.import_module("keras_hub").samplers
    torch = importlib.import_module("torch")
    k = int(settings["k"]) if "k" in settings else None
    heat = settings.get("temperature", 1.0)
    if "p" in settings:
        sampler = samplers.TopPSampler(p=settings["p"], k=k, temperature=heat)
    else:
        sampler = samplers.TopKSampler(**({} if k is None else {"k": k}), temperature=heat)
    rows = torch.tensor(np.repeat(law[None], DRAWS, axis=0), dtype=torch.float32)
    tempered = sampler.compute_probabilities(torch.log(rows))
    return [int(t) for t in np.array(sampler.get_next_token(tempered))]


FIRST = 300
"""Id of the first token of a law in the models of ``probqual conform``, of which others have no mass."""


@functools.cache
def known(law: tuple[float, ...], form: str) -> str:
    """A model with one law after every prefix, as a folder or a GGUF file below a temporary folder."""
    weights = np.zeros((1, VOCABULARY), dtype=np.int64)
    weights[0, FIRST : FIRST + len(law)] = np.round(np.array(law) * 1200)
    model = KnownModel("one", weights, np.zeros(VOCABULARY, dtype=np.int64))
    folder = Path(tempfile.mkdtemp())
    models = importlib.import_module("simulations.conform.models")
    if form == "gguf":
        return str(models.write_gguf(model, folder / "one.gguf"))
    if form == "openvino":
        return str(importlib.import_module("simulations.conform.graphs").write_openvino(model, folder / "one"))
    models.write_folder(model, folder / "one")
    if form == "ctranslate2":
        converter = importlib.import_module("ctranslate2.converters").TransformersConverter(str(folder / "one"))
        return str(converter.convert(str(folder / "converted")))
    return str(folder / "one")


@functools.cache
def generator(law: tuple[float, ...]) -> Any:
    return importlib.import_module("ctranslate2").Generator(known(law, "ctranslate2"), device="cpu", inter_threads=1)


def ctranslate2(law: np.ndarray, settings: dict[str, float]) -> Sequence[int]:
    given = {k: int(v) if k == "sampling_topk" else v for k, v in settings.items()}
    own = generator(tuple(law))
    found = own.generate_batch([["<s>"]] * DRAWS, max_length=1, include_prompt_in_result=False, **given)
    return [int(one.sequences_ids[0][0]) - FIRST for one in found]


@functools.cache
def chat(law: tuple[float, ...]) -> Any:
    path = Path(known(law, "gguf"))
    return importlib.import_module("gpt4all").GPT4All(
        path.name, model_path=str(path.parent), allow_download=False, device="cpu", n_threads=1, n_ctx=256
    )


def gpt4all(law: np.ndarray, settings: dict[str, float]) -> Sequence[int]:
    given = {k: int(v) if k == "top_k" else v for k, v in settings.items()}
    found: list[int] = []

    def keep(token: int, _text: str) -> bool:
        found.append(token)
        return True

    for _ in range(DRAWS // 4):
        chat(tuple(law)).generate("w5", max_tokens=1, callback=keep, **given)
    return [token - FIRST for token in found]


@functools.cache
def onnx_model(law: tuple[float, ...]) -> Any:
    """A graph that adds the logits to 0 times its input."""
    onnx = importlib.import_module("onnx")
    helper, array, kinds = onnx.helper, onnx.numpy_helper.from_array, onnx.TensorProto
    size, folder = len(law), tempfile.mkdtemp()
    row = array(np.log(np.array(law)).astype(np.float32).reshape(1, 1, size), "row")
    nodes = [
        helper.make_node("Cast", ["input_ids"], ["real"], to=kinds.FLOAT),
        helper.make_node("Mul", ["real", "zero"], ["nothing"]),
        helper.make_node("Unsqueeze", ["nothing", "axis"], ["column"]),
        helper.make_node("Add", ["column", "row"], ["logits"]),
    ]
    graph = helper.make_graph(
        nodes,
        "one",
        [helper.make_tensor_value_info("input_ids", kinds.INT64, ["b", "s"])],
        [helper.make_tensor_value_info("logits", kinds.FLOAT, ["b", "s", size])],
        [row, array(np.array(0, dtype=np.float32), "zero"), array(np.array([2], dtype=np.int64), "axis")],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.save(made, f"{folder}/model.onnx")
    sizes = {"head_size": 8, "hidden_size": 8, "num_attention_heads": 1, "num_key_value_heads": 1}
    ports = {"inputs": {"input_ids": "input_ids"}, "outputs": {"logits": "logits"}}
    session: dict[str, Any] = {"session_options": {"provider_options": []}}
    decoder = {"filename": "model.onnx", "num_hidden_layers": 0, **sizes, **ports, **session}
    ids = {"bos_token_id": 0, "eos_token_id": size - 1, "pad_token_id": size - 1}
    model = {"type": "llama", "vocab_size": size, "context_length": 64, **ids, "decoder": decoder}
    config = {"model": model, "search": {"do_sample": False, "max_length": 64}}
    Path(folder, "genai_config.json").write_text(json.dumps(config), encoding="utf-8")
    return importlib.import_module("onnxruntime_genai").Model(folder)


def onnxruntime_genai(law: np.ndarray, settings: dict[str, float]) -> Sequence[int]:
    engine, model = importlib.import_module("onnxruntime_genai"), onnx_model(tuple(law))
    given = {k: int(v) if k == "top_k" else v for k, v in settings.items()}
    found = []
    for _ in range(DRAWS):
        parameters = engine.GeneratorParams(model)
        parameters.set_search_options(do_sample=True, max_length=4, random_seed=-1, **given)
        own = engine.Generator(model, parameters)
        own.append_tokens(np.array([0], dtype=np.int32))
        own.generate_next_token()
        found.append(int(own.get_next_tokens()[0]))
    return found


@functools.cache
def pipeline(law: tuple[float, ...]) -> Any:
    return importlib.import_module("openvino_genai").LLMPipeline(known(law, "openvino"), "CPU")


def openvino_genai(law: np.ndarray, settings: dict[str, float]) -> Sequence[int]:
    """One string of all draws: the law is the same after every prefix."""
    engine, openvino = importlib.import_module("openvino_genai"), importlib.import_module("openvino")
    config = engine.GenerationConfig()
    config.do_sample, config.max_new_tokens, config.ignore_eos = True, DRAWS, True
    for name, value in settings.items():
        setattr(config, name, int(value) if name == "top_k" else value)
    row = np.array([[1, 5]], dtype=np.int64)
    prompt = engine.TokenizedInputs(openvino.Tensor(row), openvino.Tensor(np.ones_like(row)))
    return [token - FIRST for token in pipeline(tuple(law)).generate(prompt, config).tokens[0]]


@functools.cache
def context(law: tuple[float, ...]) -> Any:
    """A model that has read a prompt."""
    engine = importlib.import_module("ctransformers")
    own = engine.LLM(known(law, "gguf"), model_type="llama", config=engine.Config(threads=1))
    own.eval([1, 5], threads=1)
    return own


def ctransformers(law: np.ndarray, settings: dict[str, float]) -> Sequence[int]:
    given = {k: int(v) if k == "top_k" else v for k, v in settings.items()}
    return [context(tuple(law)).sample(seed=seed, **given) - FIRST for seed in range(1, DRAWS + 1)]


@functools.cache
def runner(law: tuple[float, ...]) -> Any:
    """mistral.rs reads rope_theta from the top of a configuration, and wants a tokenizer that decodes."""
    engine, folder = importlib.import_module("mistralrs"), Path(known(law, "folder"))
    decodes = {"type": "Sequence", "decoders": [{"type": "ByteFallback"}, {"type": "Fuse"}]}
    for name, own in (("config.json", {"rope_theta": 10_000.0}), ("tokenizer.json", {"decoder": decodes})):
        path = folder / name
        path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")) | own), encoding="utf-8")
    which = engine.Which.Plain(model_id=str(folder), arch=engine.Architecture.Llama)
    return engine.Runner(which=which, token_source="none", no_kv_cache=True)


def mistralrs(law: np.ndarray, settings: dict[str, float]) -> Sequence[int]:
    engine, own = importlib.import_module("mistralrs"), runner(tuple(law))
    given = {k: int(v) if k == "top_k" else v for k, v in settings.items()}
    asked = engine.CompletionRequest(prompt="w5", model="default", max_tokens=1, **given)
    texts = [own.send_completion_request(asked).choices[0].text for _ in range(DRAWS)]
    return [int(text.strip().removeprefix("w")) - FIRST for text in texts]


ENGINES: dict[str, tuple[str, Draw]] = {
    "transformers": ("transformers", transformers_),
    "rwkv": ("rwkv", rwkv),
    "mlx-lm": ("mlx-lm", mlx_lm),
    "keras-hub": ("keras-hub", keras_hub),
    "ctranslate2": ("ctranslate2", ctranslate2),
    "gpt4all": ("gpt4all", gpt4all),
    "onnxruntime-genai": ("onnxruntime-genai", onnxruntime_genai),
    "openvino-genai": ("openvino-genai", openvino_genai),
    "ctransformers": ("ctransformers", ctransformers),
    "mistralrs": ("mistralrs", mistralrs),
}

OFF: dict[str, Settings] = {
    "transformers": {"top_k": "0", "top_p": "1", "temperature": "1"},
    "rwkv": {"top_k": "0", "temperature": "1"},
    "mlx-lm": {"temp": "1"},
    "keras-hub": {},
    "ctranslate2": {"sampling_topk": "0"},
    "gpt4all": {"top_k": "0", "top_p": "1", "temp": "1", "repeat_penalty": "1"},
    "onnxruntime-genai": {"top_k": "0"},
    "openvino-genai": {},
    "ctransformers": {"top_k": "320", "top_p": "1", "temperature": "1", "repetition_penalty": "1"},
    "mistralrs": {"temperature": "1"},
}

CASES: dict[str, list[tuple[str, Settings]]] = {
    "transformers": [
        ("uniform", {"top_p": "1/2"}),
        ("uniform", {"top_k": "3"}),
        ("uniform", {"typical_p": "1/2"}),
        ("eight", {"top_p": "7/10"}),
        ("eight", {"top_p": "7/10", "temperature": "2"}),
        ("eight", {"min_p": "3/10", "temperature": "2"}),
        ("eight", {"top_k": "5", "top_p": "4/5"}),
        ("eight", {"top_h": "1/2"}),
        ("eight", {"top_h": "1/2", "temperature": "2"}),
        ("levels", {"top_k": "4"}),
        ("levels", {"epsilon_cutoff": "3/20"}),
        ("levels", {"eta_cutoff": "3/10"}),
    ],
    "rwkv": [
        ("uniform", {"top_p": "1/2"}),
        ("uniform", {"top_p": "1/2", "top_k": "3"}),
        ("eight", {"top_p": "7/10"}),
        ("eight", {"top_p": "7/10", "temperature": "2"}),
        ("eight", {"top_p": "9/10", "top_k": "3"}),
        ("levels", {"top_p": "3/4"}),
        ("levels", {"top_p": "0"}),
        ("uniform", {"temperature": "0", "top_p": "1/2"}),
        ("eight", {}),
    ],
    "mlx-lm": [
        ("uniform", {"top_p": "1/2"}),
        ("uniform", {"top_k": "3"}),
        ("eight", {"top_p": "7/10"}),
        ("eight", {"top_p": "7/10", "temp": "2"}),
        ("eight", {"min_p": "3/10", "temp": "2"}),
        ("eight", {"top_p": "4/5", "top_k": "3"}),
        ("levels", {"top_p": "3/4"}),
        ("eight", {"top_p": "0"}),
        ("eight", {"temp": "0"}),
        ("uniform", {"xtc_probability": "1", "xtc_threshold": "1/10"}),
        ("levels", {"xtc_probability": "1", "xtc_threshold": "1/20"}),
        ("eight", {"xtc_probability": "1", "xtc_threshold": "3/25"}),
        ("eight", {"xtc_probability": "1", "xtc_threshold": "3/25", "top_k": "3"}),
        ("eight", {"xtc_probability": "1", "xtc_threshold": "3/25", "min_p": "3/10"}),
        ("eight", {"xtc_probability": "1", "xtc_threshold": "3/25", "top_p": "7/10"}),
        ("eight", {"xtc_probability": "1", "xtc_threshold": "3/25", "temp": "2"}),
    ],
    "keras-hub": [
        ("uniform", {"k": "3"}),
        ("uniform", {"p": "1/2", "k": "off"}),
        ("uniform", {"p": "1/2", "k": "4"}),
        ("eight", {"p": "7/10", "k": "off"}),
        ("eight", {"p": "7/10", "k": "off", "temperature": "2"}),
        ("eight", {"p": "7/10", "k": "5"}),
        ("levels", {"p": "3/4", "k": "off"}),
        ("eight", {}),
    ],
    "ctranslate2": [
        ("uniform", {"sampling_topp": "1/2"}),
        ("uniform", {"sampling_topk": "3"}),
        ("eight", {"sampling_topp": "7/10"}),
        ("eight", {"sampling_topp": "7/10", "sampling_temperature": "2"}),
        ("eight", {"sampling_topk": "5", "sampling_topp": "4/5"}),
        ("eight", {"sampling_topk": "1"}),
    ],
    "gpt4all": [
        ("uniform", {"top_k": "3"}),
        ("uniform", {"top_p": "1/2", "top_k": "8"}),
        ("eight", {"top_p": "7/10", "top_k": "8"}),
        ("eight", {"top_p": "7/10", "top_k": "8", "temp": "2"}),
        ("eight", {"min_p": "3/10", "top_k": "8", "temp": "2"}),
        ("eight", {"temp": "0"}),
    ],
    "onnxruntime-genai": [
        ("uniform", {"top_k": "3"}),
        ("uniform", {"top_k": "8", "top_p": "1/2"}),
        ("eight", {"top_k": "8", "top_p": "7/10"}),
        ("eight", {"top_k": "8", "top_p": "7/10", "temperature": "2"}),
        ("eight", {"top_k": "5", "top_p": "4/5"}),
    ],
    "openvino-genai": [
        ("uniform", {"top_p": "1/2"}),
        ("uniform", {"top_k": "3"}),
        ("eight", {"top_p": "7/10"}),
        ("eight", {"top_p": "7/10", "temperature": "2"}),
        ("eight", {"min_p": "3/10", "temperature": "2"}),
        ("eight", {"top_k": "5", "top_p": "4/5"}),
        ("levels", {"top_p": "7/10"}),
        ("eight", {}),
    ],
    "ctransformers": [
        ("uniform", {"top_p": "1/2"}),
        ("uniform", {"top_k": "3"}),
        ("eight", {"top_p": "7/10"}),
        ("eight", {"top_p": "7/10", "temperature": "2"}),
        ("eight", {"top_k": "5", "top_p": "4/5"}),
        ("eight", {"top_k": "0"}),
        ("levels", {"temperature": "0"}),
    ],
    "mistralrs": [
        ("uniform", {"top_p": "1/2"}),
        ("uniform", {"top_k": "3"}),
        ("eight", {"top_p": "7/10"}),
        ("eight", {"top_p": "7/10", "temperature": "2"}),
        ("eight", {"min_p": "3/10", "temperature": "2"}),
        ("eight", {"top_k": "5", "top_p": "4/5"}),
        ("eight", {"min_p": "1/5", "top_p": "4/5"}),
        ("eight", {"temperature": "0"}),
        ("eight", {"top_p": "0"}),
    ],
}


def observed(chosen: Sequence[str]) -> Iterator[dict[str, Any]]:
    """One engine and case after another."""
    today = datetime.date.today().isoformat()
    for engine in chosen:
        package, draw = ENGINES[engine]
        for name, own in CASES[engine]:
            law = np.array([number(p) for p in LAWS[name]])
            settings = {**OFF[engine], **own}
            tokens = draw(law, {k: number(v) for k, v in settings.items() if v != "off"})
            kept = sorted(set(tokens), key=lambda token: (-law[token], token))
            yield {
                "engine": engine,
                "version": version(package),
                "law": name,
                "settings": settings,
                "kept": [LAWS[name][token] for token in kept],
                "how": "live",
                "date": today,
            }


if __name__ == "__main__":
    chosen = sys.argv[1:] or list(ENGINES)
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as out:
        os.dup2(2, 1)  # engines that log to the output would write into the JSON
        json.dump({"laws": LAWS, "observations": list(observed(chosen))}, out, indent=1)
