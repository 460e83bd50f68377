"""Direct preference optimisation of an adapter, in nats, from pairs whose law is known.

Of each pair the first is preferred with probability sigma((r_1 - r_2) / beta), the Bradley-Terry law of the stated
reward. The loss of a step is the mean of -log sigma(R_w - R_l), w the preferred one, with the secret reward R =
log p+ - log p of the tokens that were drawn. So its minimum over all laws is p+ = p e^(r/beta) / Z. Since the law is
known, the mean over its draws can be taken exactly: the same minimum, with less noise than one draw a pair. A string
that was cut at the limit is the event that a string begins so, and no end is put behind it.
Source: Rafailov et al. (2023), arXiv:2305.18290, with their beta of the loss at 1 and the reward in nats.
"""

from __future__ import annotations

import json
import math
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import peft
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save
from scipy.special import expit
from transformers import PreTrainedModel

from simulations.bridge.rewards import Answer, Scorer
from simulations.sampling.generate import PAD, Tokens
from simulations.training.recipe import Recipe
from simulations.training.strings import Drawn, Floats, Say, StringStore
from theory.files import write_whole

_SAVED = 10
"""Steps between two states on the disk."""


def preference(reward: Floats, beta: float) -> Floats:
    """Probability that the first of each pair is preferred, sigma((r_1 - r_2) / beta): shapes (n, 2) to (n,).

    Args:
        reward: reward units.
        beta: reward units per nat.
    """
    found: Floats = expit((reward[:, 0] - reward[:, 1]) / beta)
    return found


def drawn_labels(target: Floats, rng: np.random.Generator) -> Floats:
    """1 where the first of a pair is preferred and 0 where the second is: one draw a pair, shape (n,).

    Args:
        target: probability of the first, shape (n,).
        rng: of the draws.
    """
    found: Floats = (rng.random(len(target)) < target).astype(np.float64)
    return found


def log_probs(model: PreTrainedModel, prompts: list[list[int]], tokens: Tokens, fill: int) -> torch.Tensor:
    """log p of each continuation, nats: shape (n,). Prompts of any length stand at the left, padding at the right.

    Args:
        model: causal, so what stands behind a string does not change its numbers.
        prompts: ids of each row.
        tokens: ids, ``PAD`` after the last, shape (n, T).
        fill: an id that stands where nothing is scored.
    """
    lengths = [int((row != PAD).sum()) for row in tokens]
    widest = max(len(p) + n for p, n in zip(prompts, lengths, strict=True))
    ids = np.full((len(prompts), widest), fill, dtype=np.int64)
    scored = np.zeros(ids.shape, dtype=bool)
    for row, (prompt, own, count) in enumerate(zip(prompts, tokens, lengths, strict=True)):
        ids[row, : len(prompt)] = prompt
        ids[row, len(prompt) : len(prompt) + count] = own[:count]
        scored[row, len(prompt) : len(prompt) + count] = True
    first = min(len(p) for p in prompts)
    given = torch.as_tensor(ids, device=model.device)
    found = model(input_ids=given[:, :-1], use_cache=False, logits_to_keep=widest - first)
    law = torch.log_softmax(found.logits.float(), dim=-1)
    picked = law.gather(2, given[:, first:, None])[..., 0]
    return (picked * torch.as_tensor(scored[:, first:], device=model.device)).sum(dim=1)


def rate_at(step: int, steps: int, peak: float) -> float:
    """The learning rate of a step, from 0: up over the first tenth, then down to 0 along a cosine."""
    rise = max(1, steps // 10)
    if step < rise:
        return peak * (step + 1) / rise
    return peak * (1 + math.cos(math.pi * (step - rise) / max(1, steps - rise))) / 2


@dataclass(slots=True, eq=False)
class Training:
    """An adapter that is being trained, and what its steps gave.

    Args:
        recipe: of it.
        model: the base with the adapter in its layers.
        store: gives the strings.
        score: gives the rewards.
        fill: an id to pad with.
        folder: of states and adapters.
        say: takes a line of progress.
        history: of each step: loss, share of pairs in the order of the preference, rate.
    """

    recipe: Recipe
    model: peft.PeftModel
    store: StringStore
    score: Scorer
    fill: int
    folder: Path
    say: Say
    history: list[dict[str, float]] = field(default_factory=list)
    _optimiser: torch.optim.AdamW = field(init=False)

    def __post_init__(self) -> None:
        own = [p for p in self.model.parameters() if p.requires_grad]
        self._optimiser = torch.optim.AdamW(own, lr=self.recipe.file.training.rate, weight_decay=0.0)

    @staticmethod
    def adapted(base: PreTrainedModel, recipe: Recipe) -> peft.PeftModel:
        """The base with a new adapter, which changes nothing yet.

        Raises:
            ValueError: the base has no layer of one of the names or numbers.
        """
        own = recipe.file.adapter
        torch.manual_seed(recipe.file.training.seed)
        ends = {name.rsplit(".", 1)[-1] for name, _ in base.named_modules()}
        missing = next((name for name in own.modules if name not in ends), None)
        if missing is not None:
            raise ValueError(f"[adapter] modules: the model has no layer {missing!r}")
        layers = None if own.layers is None else list(range(own.layers[0], own.layers[1] + 1))
        depth = int(base.config.num_hidden_layers)
        if layers is not None and not (layers and layers[-1] < depth):
            raise ValueError(f"[adapter] layers = {own.layers}: the model has the layers 0 to {depth - 1}")
        config = peft.LoraConfig(
            r=own.rank,
            lora_alpha=own.alpha,
            lora_dropout=0.0,
            target_modules=own.modules,
            layers_to_transform=layers,
            task_type="CAUSAL_LM",
        )
        with warnings.catch_warnings():
            # peft 0.21.2 asks transformers 5.23.0 by a deprecated name, which is no matter of who trains
            warnings.filterwarnings("ignore", "`is_gradient_checkpointing`", FutureWarning)
            found = peft.get_peft_model(base, config)
        found.eval()  # no dropout: a step is a function of its pairs
        return found

    def run(self, until: Callable[[], bool] = lambda: False) -> bool:
        """Do the steps that are missing; False where it was told to stop before the last.

        Args:
            until: asked before each step whether to stop.
        """
        own = self.recipe.file.training
        self._resume()
        start, before = time.monotonic(), len(self.history)
        for step, pairs, target in self._batches():
            if step < len(self.history):
                continue
            if until():
                if self.history:  # before the first step there are no moments to keep
                    self._save()
                return False
            self.history.append(self._step(step, pairs, target))
            done = len(self.history)
            if done in own.checkpoints or done == own.steps:
                self.write(self.folder / (f"adapter-{done}" if done < own.steps else "adapter"))
            if done % _SAVED == 0 or done == own.steps:
                self._save()
                each = (time.monotonic() - start) / (done - before)
                left = f"{each:.1f} s a step, about {(own.steps - done) * each / 60:.0f} min left"
                self.say(f"{self._line()}; {left}" if done < own.steps else self._line())
        return True

    def _batches(self) -> Iterator[tuple[int, Drawn, Floats]]:
        """(step, two strings of each prompt, how far the first is preferred): a round has a prompt at most once."""
        own, steps = self.recipe.file.training, 0
        a_round = len(self.recipe.prompts) // own.pairs
        for number in range(-(-own.steps // a_round)):
            if (number + 1) * a_round <= len(self.history):
                steps += a_round
                continue
            drawn = self.store.round(number % self.recipe.file.strings.rounds)
            rng = np.random.default_rng([own.seed, number])
            target = preference(self.rewards(drawn, held_out=False).reshape(-1, 2), self.recipe.beta)
            if own.labels == "drawn":
                target = drawn_labels(target, rng)
            order = rng.permutation(len(target))
            for low in range(0, a_round * own.pairs, own.pairs):
                if steps == own.steps:
                    return
                chosen = order[low : low + own.pairs]
                yield steps, drawn.of(np.stack((2 * chosen, 2 * chosen + 1), axis=1).reshape(-1)), target[chosen]
                steps += 1

    def rewards(self, drawn: Drawn, *, held_out: bool) -> Floats:
        """The stated reward of each string, reward units, shape (n,)."""
        texts = [Answer.of(p + text, p, ids=ids) for p, text, ids in self.store.texts(drawn, held_out=held_out)]
        return np.array(self.score(texts, [len(one.ids) for one in texts]))

    def _step(self, step: int, pairs: Drawn, target: Floats) -> dict[str, float]:
        own = self.recipe.file.training
        ids = self.store.ids(held_out=False)
        found = log_probs(self.model, [ids[int(k)] for k in pairs.prompt], pairs.tokens, self.fill)
        secret = (found - torch.as_tensor(pairs.log_prob, dtype=found.dtype, device=found.device)).reshape(-1, 2)
        gap = secret[:, 0] - secret[:, 1]
        first = torch.as_tensor(target, dtype=found.dtype, device=found.device)
        # -log sigma(gap) with the probability of the first, else -log sigma(-gap)
        loss = torch.nn.functional.binary_cross_entropy_with_logits(gap, first)
        if not torch.isfinite(loss):
            raise ValueError(f"step {step + 1}: the loss is {loss.item()}; try a smaller rate")
        rate = rate_at(step, own.steps, own.rate)
        for group in self._optimiser.param_groups:
            group["lr"] = rate
        self._optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_([p for p in self.model.parameters() if p.requires_grad], 1.0)
        self._optimiser.step()
        in_order = ((gap > 0) == (first > 0.5)).double().mean()
        return {"loss": round(loss.item(), 5), "in_order": float(in_order), "rate": round(rate, 9)}

    def _line(self) -> str:
        own, last = self.recipe.file.training, self.history[-50:]
        loss, right = (float(np.mean([one[k] for one in last])) for k in ("loss", "in_order"))
        return f"step {len(self.history)} of {own.steps}: loss {loss:.3f} nats, {right:.0%} in order (last {len(last)})"

    def write(self, folder: Path) -> None:
        """Write the adapter as PEFT has it, in bfloat16, the base under the recipe's name.

        Raises:
            OSError: the folder cannot be written.
        """
        folder.mkdir(parents=True, exist_ok=True)
        state = peft.get_peft_model_state_dict(self.model, save_embedding_layers=False)
        weights = {name: value.detach().to(torch.bfloat16).contiguous().cpu() for name, value in state.items()}
        write_whole(folder / "adapter_model.safetensors", save(weights, metadata={"format": "pt"}))
        config = self.model.peft_config["default"].to_dict()
        config |= {"base_model_name_or_path": self.recipe.file.base.model, "inference_mode": True}
        config["target_modules"] = sorted(config["target_modules"])
        kept = {name: value for name, value in sorted(config.items()) if value is not None}
        write_whole(folder / "adapter_config.json", json.dumps(kept, indent=2, default=str) + "\n")

    def _tensors(self) -> dict[str, torch.Tensor]:
        found: dict[str, torch.Tensor] = {}
        for name, value in self.model.named_parameters():
            if value.requires_grad:
                found[f"weight.{name}"] = value.detach()
                for key, moment in self._optimiser.state.get(value, {}).items():
                    found[f"{key}.{name}"] = moment
        return found

    def _save(self) -> None:
        """Keep weights, moments and history, so that a stopped training goes on as if it had not been."""
        state = {name: value.contiguous().cpu() for name, value in self._tensors().items()}
        metadata = {"history": json.dumps(self.history)}
        write_whole(self.folder / "state.safetensors", save(state, metadata=metadata), durable=True)

    def _resume(self) -> None:
        path = self.folder / "state.safetensors"
        if not path.is_file():
            return
        try:
            state = load_file(path)
            self.history = _history(path)
            with torch.no_grad():
                for name, value in self.model.named_parameters():
                    if value.requires_grad:
                        value.copy_(state[f"weight.{name}"])
                        moments = {key: state[f"{key}.{name}"] for key in ("step", "exp_avg", "exp_avg_sq")}
                        self._optimiser.state[value] = moments
        except (KeyError, RuntimeError, OSError, ValueError) as error:
            raise ValueError(f"{path}: cannot be read; remove it to begin anew: {error}") from None
        self.say(f"going on after step {len(self.history)}")


def _history(path: Path) -> list[dict[str, float]]:
    with safe_open(path, framework="pt") as file:
        found: list[dict[str, float]] = json.loads(file.metadata()["history"])
    return found


__all__ = ["Training", "drawn_labels", "log_probs", "preference", "rate_at"]
