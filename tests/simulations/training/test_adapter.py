"""Preference training of adapters: the law of the preferences, the loss, going on, and what is measured."""

from __future__ import annotations

import itertools
import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")
pytest.importorskip("peft")

import torch
from peft.tuners.tuners_utils import BaseTunerLayer
from safetensors.torch import load_file

from simulations.agreement.statistics import empirical_bernstein
from simulations.bridge.adapters import Loader
from simulations.bridge.models import LoadedModel, load
from simulations.sampling.generate import PAD
from simulations.training import adapter
from simulations.training.adapter import recipe_path, train_adapter
from simulations.training.measure import orders
from simulations.training.preference import Training, drawn_labels, log_probs, preference, rate_at
from simulations.training.recipe import EMBEDDED, Recipe, read_recipe
from simulations.training.strings import Drawn, draw
from tests.simulations.bridge.making import command, float64_scores, llama, save

# peft 0.21.2 asks transformers 5.23.0 by a deprecated name
pytestmark = pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing`:FutureWarning")

RECIPE = """
[base]
model = "prior"
[prompts]
train = "train.txt"
held_out = "held_out.txt"
[strings]
length = 4
held_out = {held_out}
[reward]
kind = "function"
source = "of_letters:score"
beta = "1/2"
[adapter]
rank = 4
modules = ["q_proj", "v_proj", "o_proj", "down_proj"]
[training]
steps = {steps}
pairs = 4
rate = {rate}
checkpoints = [2]
"""
REWARD = "def score(text):\n    return 1.0 * text.split().count('a')\n"
TRAIN = [" ".join(own) for n in (1, 2) for own in itertools.product("abcd", repeat=n)]
HELD_OUT = ["a a a", "b a c", "c b d", "d d d", "a b c", "c c a", "b b b", "d a b"]


def recipe_of(folder: Path, *, steps: int = 6, rate: str = "1e-2", held_out: int = 4, **changed: str) -> Path:
    """A recipe on a tiny prior, whose reward counts the letter a in the completion."""
    if not (folder / "prior").is_dir():
        save(llama(11, scale=0.3), folder / "prior")
    (folder / "of_letters.py").write_text(REWARD, "utf-8")
    (folder / "train.txt").write_text("\n".join(TRAIN) + "\n", "utf-8")
    (folder / "held_out.txt").write_text("\n".join(HELD_OUT) + "\n", "utf-8")
    text = RECIPE.format(steps=steps, rate=rate, held_out=held_out)
    for old, new in changed.items():
        text = text.replace(old, new)
    (folder / "recipe.toml").write_text(text, "utf-8")
    return folder / "recipe.toml"


def trained(recipe: Recipe, folder: Path) -> tuple[Any, list[str]]:
    """(what came of it, the lines that were said)."""
    said: list[str] = []
    return train_adapter(recipe, folder, say=said.append), said


def test_preferences_follow_the_bradley_terry_law() -> None:
    """The first is preferred with probability 1 / (1 + e^(-(r_1 - r_2) / beta)), within a sure interval."""
    for first, second, beta in ((1.0, 0.0, 0.5), (0.0, 2.0, 1.0), (0.3, 0.3, 0.1)):
        rewards = np.tile([first, second], (100_000, 1))
        found = drawn_labels(preference(rewards, beta), np.random.default_rng(5))
        within = empirical_bernstein(found, 0.0, 1.0, 1e-9)
        sigma = np.exp(first / beta) / (np.exp(first / beta) + np.exp(second / beta))
        assert within.low <= sigma <= within.high
    assert preference(np.array([[1e6, 0.0], [0.0, 1e6]]), 1e-3) == pytest.approx([1.0, 0.0])


def test_log_probs_of_prompts_of_many_lengths() -> None:
    """Rows of any length side by side against each alone in float64, one pass a token."""
    model = llama(3)
    prompts = [[2], [3, 4, 5], [2, 2], [5, 4, 3, 2, 2]]
    tokens = np.array([[2, 3, 1, PAD], [4, 1, PAD, PAD], [5, 5, 5, 5], [1, PAD, PAD, PAD]])
    with torch.inference_mode():
        found = log_probs(model, prompts, tokens, 1)
    alone = [
        float64_scores(model, p, [t for t in row if t != PAD]).sum() for p, row in zip(prompts, tokens, strict=True)
    ]
    assert found.numpy() == pytest.approx(np.array(alone), abs=1e-4)


def test_drawn_strings_have_the_priors_probabilities(tmp_path: Path) -> None:
    """log p as it was drawn is that of a float64 pass, and every prompt has its strings in order."""
    save(llama(11), tmp_path / "prior")
    decoder = load(str(tmp_path / "prior"), dtype="float32", device="cpu").decoder
    ids = [[2], [3, 4], [5], [2, 2, 3]]
    found = draw(decoder, ids, 3, 4, 4, np.random.default_rng(1))
    assert found.prompt.tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3]
    for prompt, row, ended, value in zip(found.prompt, found.tokens, found.ended, found.log_prob, strict=True):
        own = [int(t) for t in row if t != PAD]
        assert ended == (own[-1] == 1)
        assert value == pytest.approx(float64_scores(decoder.model, ids[prompt], own).sum(), abs=1e-4)


def test_training_that_is_stopped_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Adapter, weaker one and record are byte for byte those of a training without a stop."""
    recipe = read_recipe(recipe_of(tmp_path))
    whole, _ = trained(recipe, tmp_path / "whole")
    assert (whole.finished, whole.steps) == (True, 6)
    real, calls = Training.run, 0

    def halved(self: Training, until: Any) -> bool:
        nonlocal calls
        calls += 1
        last = 3 if calls == 1 else 6
        return real(self, lambda: len(self.history) >= last or until())

    monkeypatch.setattr(Training, "run", halved)
    first, _ = trained(recipe, tmp_path / "halves")
    assert (first.finished, first.steps) == (False, 3)
    assert not (tmp_path / "halves" / "adapter").exists()
    second, said = trained(recipe, tmp_path / "halves")
    assert second.finished
    assert "going on after step 3" in said
    for name in ("adapter/adapter_model.safetensors", "adapter-2/adapter_model.safetensors", "record.json"):
        assert (tmp_path / "whole" / name).read_bytes() == (tmp_path / "halves" / name).read_bytes(), name


def test_drawing_that_is_stopped_goes_on(tmp_path: Path) -> None:
    """Told to stop before every second block, by the time or by Ctrl-C, the strings are those of one go, to the bit."""
    recipe = read_recipe(recipe_of(tmp_path, steps=3, **{"length = 4": "length = 4\nrows = 4"}))
    trained(recipe, tmp_path / "whole")
    asked, stops = 0, 0

    def soon() -> bool:
        nonlocal asked
        asked += 1
        return asked % 3 == 0

    said: list[str] = []
    while not train_adapter(recipe, tmp_path / "parts", say=said.append, until=soon).finished:
        stops += 1
        assert stops < 99
    assert stops > 5
    assert any(", going on after 8" in line for line in said)
    assert any("tokens/s, about" in line for line in said)
    names = sorted(path.name for path in (tmp_path / "whole" / "strings").glob("*.npz"))
    assert names == ["held-out.npz", "round-000.npz"]
    assert sorted(path.name for path in (tmp_path / "parts" / "strings").glob("*.npz")) == names
    for name in names:
        with (
            np.load(tmp_path / "whole" / "strings" / name) as one,
            np.load(tmp_path / "parts" / "strings" / name) as two,
        ):
            assert sorted(one) == sorted(two) == ["ended", "log_prob", "prompt", "tokens"]
            assert all(np.array_equal(one[part], two[part]) for part in one)
    assert (tmp_path / "whole" / "record.json").read_bytes() == (tmp_path / "parts" / "record.json").read_bytes()


def test_progress_has_the_time_left(tmp_path: Path) -> None:
    """Every saved state but the last says how long a step takes and what is left."""
    _, said = trained(read_recipe(recipe_of(tmp_path, steps=21)), tmp_path / "out")
    lines = [line for line in said if line.startswith("step ")]
    assert [line.split(":")[0] for line in lines] == ["step 10 of 21", "step 20 of 21", "step 21 of 21"]
    assert ["s a step, about" in line for line in lines] == [True, True, False]


def test_an_adapter_learns_the_reward(tmp_path: Path) -> None:
    """After many steps R goes with r / beta within held-out prompts, and p+ earns more; at step 0 it does neither."""
    path = recipe_of(tmp_path, steps=120, rate="5e-3", held_out=32)
    outcome, _ = trained(read_recipe(path), tmp_path / "out")
    assert outcome.finished
    record = json.loads((tmp_path / "out" / "record.json").read_text("utf-8"))
    found = record["held_out"]
    assert len(record["history"]) == 120
    assert found["correlation_with_reward"]["low"] > 0.3
    assert found["mean_reward_aligned"]["value"] > found["mean_reward_prior"]["high"]
    assert found["kl"]["value"] > 0.1
    assert 0.5 < found["accuracy"]["value"] <= found["best_accuracy"]["value"]
    assert found["least_loss"]["value"] < found["loss"]["value"] < np.log(2)
    # what the folder holds is the adapter that was measured: R of the run's own loader is that of the training
    loader = Loader("float32", "cpu", None, tmp_path)
    aligned = loader.aligned("adapter:out/adapter", "prior")
    base = loader.model("prior")
    prompt, tokens = [2, 3], [2, 2, 3, 1]
    apart = aligned.decoder.laws(np.array([[*prompt, *tokens]])) - base.decoder.laws(np.array([[*prompt, *tokens]]))
    assert np.abs(apart).max() > 0.05
    weak, strong = (
        load_file(tmp_path / "out" / name / "adapter_model.safetensors") for name in ("adapter-2", "adapter")
    )
    assert weak.keys() == strong.keys()
    assert sum(float(v.float().pow(2).sum()) for k, v in weak.items() if "lora_B" in k) < sum(
        float(v.float().pow(2).sum()) for k, v in strong.items() if "lora_B" in k
    )


def test_one_draw_a_pair_learns_the_same_reward(tmp_path: Path) -> None:
    """With drawn labels R goes with r, too: the minimum is the same."""
    path = recipe_of(tmp_path, steps=120, rate="5e-3", held_out=32, **{"pairs = 4": 'pairs = 4\nlabels = "drawn"'})
    trained(read_recipe(path), tmp_path / "out")
    found = json.loads((tmp_path / "out" / "record.json").read_text("utf-8"))["held_out"]
    assert found["correlation_with_reward"]["low"] > 0.1


def test_the_measures_of_a_known_law(tmp_path: Path) -> None:
    """Accuracy, loss, slope and correlation of pairs by hand: R = r/(2 beta) orders like r, with half its slope."""
    rng = np.random.default_rng(3)
    prompt = np.repeat(np.arange(10), 4)
    reward = rng.normal(size=40)
    drawn = Drawn(prompt, np.zeros((40, 1), dtype=np.int64), np.ones(40, dtype=bool), np.zeros(40))

    def measured(secret: Any) -> dict[str, Any]:
        return {name: asdict(value) for name, value in orders(secret, reward, drawn).items()}

    found = measured(reward / 2)
    assert found["accuracy"] == found["best_accuracy"]
    assert found["slope_on_reward"]["value"] == pytest.approx(0.5)
    assert found["correlation_with_reward"]["value"] == pytest.approx(1.0)
    by_hand = []
    for k in range(10):
        own = reward[4 * k : 4 * k + 4]
        for one, two in itertools.combinations(own, 2):
            by_hand.append(1 / (1 + np.exp(-abs(one - two))))
    assert found["best_accuracy"]["value"] == pytest.approx(np.mean(by_hand))
    worse = measured(-reward)
    assert worse["accuracy"]["value"] == pytest.approx(1 - np.mean(by_hand))
    assert worse["loss"]["value"] > np.log(2) > found["loss"]["value"]
    silent = measured(np.zeros(40))
    assert silent["accuracy"]["value"] == pytest.approx(0.5)
    assert silent["loss"]["value"] == pytest.approx(np.log(2))


def test_a_gradient_step_is_that_of_the_loss(tmp_path: Path) -> None:
    """The first step's loss is log 2 exactly, since R = 0, and the rate rises over a tenth of the steps, then falls."""
    path = recipe_of(tmp_path, steps=2, **{"checkpoints = [2]": "checkpoints = [1]"})
    trained(read_recipe(path), tmp_path / "out")
    first, second = json.loads((tmp_path / "out" / "record.json").read_text("utf-8"))["history"]
    assert first["loss"] == pytest.approx(np.log(2), abs=1e-4)
    assert second["loss"] != first["loss"]
    rates = [rate_at(k, 100, 1.0) for k in range(100)]
    assert rates[:3] == pytest.approx([0.1, 0.2, 0.3])
    assert max(rates) == rates[9] == pytest.approx(1.0) == pytest.approx(rates[10])
    assert all(a > b for a, b in itertools.pairwise(rates[10:]))
    assert rates[-1] < 1e-3


WRONG = {
    "no reward of texts": ({'kind = "function"': 'kind = "secret"'}, "[reward] kind secret: preferences need a reward"),
    "unknown key": ({"rank = 4": "rnk = 4"}, "unknown key 'rnk' in"),
    "a checkpoint after the end": ({"checkpoints = [2]": "checkpoints = [6]"}, "[training] checkpoints: 6 is no step"),
    "a layer that is not there": ({"v_proj": "w_proj"}, "[adapter] modules: the model has no layer 'w_proj'"),
    "layers that are not there": ({"rank = 4": "rank = 4\nlayers = [0, 1]"}, "the model has the layers 0 to 0"),
    "a negative layer": ({"rank = 4": "rank = 4\nlayers = [-1, 0]"}, "layers must be the first and the last layer"),
    "labels": ({"rate = 1e-2": 'rate = 1e-2\nlabels = "soft"'}, "labels must be one of expected, drawn, got 'soft'"),
    "beta 0": ({'beta = "1/2"': 'beta = "0"'}, "[reward] beta must lie between"),
    "too few prompts": ({"pairs = 4": "pairs = 400"}, "[training] pairs = 400: there are only 20 prompts"),
    "no model": ({'"prior"': '"nothing/there/is"'}, "nothing/there/is: there is no such folder or file"),
}


@pytest.mark.parametrize("name", WRONG)
def test_recipes_that_are_refused(name: str, tmp_path: Path) -> None:
    """One line that names the element, exit 2, and no adapter."""
    changed, line = WRONG[name]
    done = command("train", "--pair", recipe_of(tmp_path, **changed), "--output", tmp_path / "out")
    assert done.exit_code == 2, done.output
    assert line in done.stderr.splitlines()[-1]
    assert not (tmp_path / "out" / "adapter").exists()


def test_prompts_to_measure_on_are_not_trained_on(tmp_path: Path) -> None:
    """A prompt in both files is named."""
    path = recipe_of(tmp_path)
    (tmp_path / "held_out.txt").write_text("a b\nd d d\n", "utf-8")
    with pytest.raises(ValueError, match="'a b' is among both"):
        read_recipe(path)


def test_a_folder_of_another_recipe(tmp_path: Path) -> None:
    """Neither its adapter nor strings of another prior are gone on with."""
    path = recipe_of(tmp_path, steps=3)
    done = command("train", "--pair", path, "--output", tmp_path / "out")
    assert done.exit_code == 0, done.output
    assert "3 steps, finished" in done.stderr
    other = read_recipe(recipe_of(tmp_path, steps=4))
    with pytest.raises(ValueError, match="an adapter of a recipe whose training differs"):
        trained(other, tmp_path / "out")
    strings = other.file.strings.model_copy(update={"length": 3})
    shorter = replace(other, file=other.file.model_copy(update={"strings": strings}))
    with pytest.raises(ValueError, match="strings whose length differs"):
        train_adapter(shorter, tmp_path / "new", strings=tmp_path / "out" / "strings", say=print)


def test_minutes(tmp_path: Path) -> None:
    """No time: nothing is trained, it is said, and the same command goes on."""
    path = recipe_of(tmp_path, steps=3)
    done = command("train", "--pair", path, "--output", tmp_path / "out", "--minutes", "0")
    assert done.exit_code == 0
    assert "0 steps, stopped for the time; the same command goes on" in done.stderr
    assert command("train", "--pair", path, "--output", tmp_path / "out").exit_code == 0
    assert (tmp_path / "out" / "adapter" / "adapter_config.json").is_file()


def test_options_of_the_other_kind() -> None:
    """--seed is of the embedded pair, --strings and --minutes of adapters; an unknown name lists the known ones."""
    done = command("train", "--pair", "smollm2", "--seed", "1")
    assert done.exit_code == 2
    assert "--seed is of the embedded pair" in done.stderr
    done = command("train", "--minutes", "1")
    assert done.exit_code == 2
    assert "of adapters: --pair smollm2" in done.stderr
    done = command("train", "--pair", "smollm3")
    assert done.exit_code == 2
    assert "known: embedded, smollm2, smollm2-vader, smollm2-valence" in done.stderr


def test_the_recipes_of_the_package() -> None:
    """Both are read and share their strings; 400 prompts or more, 32 held out, and none ends in a space."""
    one, two = (read_recipe(recipe_path(name)) for name in ("smollm2", "smollm2-valence"))
    assert one.file.reward.kind == "vader"
    assert two.file.reward.kind == "valence"
    assert one.strings_key() == two.strings_key()
    assert len(one.prompts) >= 400
    assert len(one.held_out) == 32
    assert not [text for text in (*one.prompts, *one.held_out) if text != text.strip()]
    assert (EMBEDDED / "prompts.txt").is_file()


def test_base_is_left_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Training moves the adapter alone: the base in memory, the adapter off, has the numbers from before."""
    kept: list[LoadedModel] = []

    def loads(*arguments: Any, **named: Any) -> LoadedModel:
        kept.append(load(*arguments, **named))
        return kept[-1]

    recipe = read_recipe(recipe_of(tmp_path, steps=3))
    monkeypatch.setattr(adapter, "load", loads)
    ids = np.array([[2, 3, 4, 5, 2]])
    before = load(str(tmp_path / "prior"), dtype="float32", device="cpu").decoder.laws(ids)
    trained(recipe, tmp_path / "out")
    (base,) = kept
    assert not np.array_equal(base.decoder.laws(ids), before)  # the adapter is in its layers, and on
    layers = [one for one in base.decoder.model.modules() if isinstance(one, BaseTunerLayer)]
    assert layers
    for one in layers:
        one.enable_adapters(False)
    assert np.array_equal(base.decoder.laws(ids), before)


def test_another_number_of_rounds_is_another_recipe(tmp_path: Path) -> None:
    """The strings may be shared, but the adapter depends on how often they come again."""
    recipe = read_recipe(recipe_of(tmp_path, steps=3))
    more = recipe.file.strings.model_copy(update={"rounds": 2})
    other = replace(recipe, file=recipe.file.model_copy(update={"strings": more}))
    assert other.strings_key() == recipe.strings_key()
    assert other.key() != recipe.key()


def test_what_the_page_says_of_the_recipes() -> None:
    """docs/training.md has the numbers of the files."""
    page = " ".join((Path(__file__).parents[3] / "docs" / "training.md").read_text("utf-8").split())
    for name in ("vader", "valence"):
        own = read_recipe(EMBEDDED / f"{name}.toml")
        assert f"| {own.file.reward.beta} | {own.file.training.steps} |" in page
        assert f"their {len(own.prompts)} prompts to train on and {len(own.held_out)} others" in page
        assert f"of at most {own.file.strings.length} tokens" in page
        assert f"LoRA of rank {own.file.adapter.rank} on the value, output and down projections" in page
        assert own.file.adapter.modules == ["v_proj", "o_proj", "down_proj"]
        assert own.file.adapter.layers == [20, 29]
    assert f"| the same | 1/4 | {read_recipe(EMBEDDED / 'vader.toml').file.training.checkpoints[0]} |" in page
