"""An adapter from its recipe: what ``probqual train --pair`` calls."""

from __future__ import annotations

import importlib.metadata
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from simulations.bridge.models import library_versions, load
from simulations.bridge.rewards import identity as reward_identity
from simulations.bridge.rewards import scorer
from simulations.training.measure import measured
from simulations.training.preference import Training
from simulations.training.recipe import EMBEDDED, FAMILY, Recipe, keep_key, read_recipe
from simulations.training.strings import Say, StringStore
from theory.files import JsonObject, write_whole
from theory.report.records import as_json

RECORD = "record.json"
"""What a training measured, beside the adapter."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a call did.

    Args:
        finished: whether the last step is done.
        steps: that are done.
    """

    finished: bool
    steps: int


def recipe_path(name: str) -> Path:
    """The recipe that comes with the package under a name, or the file of that name.

    Raises:
        ValueError: there is neither.
    """
    path = Path(name)
    if path.suffix == ".toml" or path.is_file():
        return path
    known = {f"{FAMILY}-{p.stem}": p for p in sorted(EMBEDDED.glob("*.toml"))}
    own = known.get(f"{FAMILY}-vader" if name == FAMILY else name)
    if own is None:
        names = ", ".join(["embedded", FAMILY, *known])
        raise ValueError(f"{name}: no recipe has this name; known: {names}; or give a file that ends in .toml")
    return own


def train_adapter(
    recipe: Recipe,
    output: Path,
    *,
    say: Say,
    device: str = "cpu",
    strings: Path | None = None,
    until: Callable[[], bool] = lambda: False,
) -> Outcome:
    """Train, or go on training, the adapter of a recipe, and measure it on the held-out prompts.

    Args:
        recipe: of it.
        output: a folder; the adapter is written to adapter/, weaker ones to adapter-STEP/, the record to record.json.
        say: takes a line of progress.
        device: of torch.
        strings: a folder with the prior's strings, which recipes of one prior may share; by default within ``output``.
        until: asked before each block of strings, each step and the measuring whether to stop; a later call goes on.

    Raises:
        ValueError: the models or the reward cannot be used, or the folder is of another recipe; in one line.
        OSError: a folder cannot be written.
    """
    own = recipe.file
    torch.set_num_threads(own.base.threads)
    score = scorer(
        own.reward.kind,
        own.reward.source,
        own.reward.label,
        reads=own.reward.reads,
        base=recipe.folder,
        device=device,
    )
    assert score is not None, "a recipe with a reward that no text has was refused"
    base = load(own.base.model, dtype="float32", device=device, base=recipe.folder)
    libraries = library_versions() | {"peft": importlib.metadata.version("peft")}
    identity: JsonObject = {"weights": base.identity, "versions": libraries, "device": device.split(":")[0]}
    reward = reward_identity(own.reward.kind, own.reward.source, recipe.folder)
    key = recipe.key() | {"identity": identity | {"reward": reward}}
    keep_key(output / "recipe.json", key, "an adapter of a recipe")
    store = StringStore(
        strings or output / "strings", recipe, base.decoder, base.tokenizer, base.conventions.front, say
    )
    store.check(identity)
    if not store.ready(until):  # while there is no adapter in the layers
        return Outcome(False, 0)
    training = Training(
        recipe, Training.adapted(base.decoder.model, recipe), store, score, base.decoder.end, output, say
    )
    if not training.run(until):
        return Outcome(False, len(training.history))
    if not (output / RECORD).is_file():
        if until():
            say("trained; measuring on the held-out prompts is still to be done")
            return Outcome(False, len(training.history))
        rng = np.random.default_rng([own.strings.seed, own.training.seed, 3])
        record = measured(training, store.held_out(), base.decoder, rng)
        write_whole(output / RECORD, json.dumps(as_json(record), indent=1) + "\n", durable=True)
    return Outcome(True, own.training.steps)


__all__ = ["RECORD", "Outcome", "read_recipe", "recipe_path", "train_adapter"]
