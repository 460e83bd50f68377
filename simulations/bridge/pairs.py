"""The models of a run file, loaded and checked against one another."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch
from transformers import PreTrainedTokenizerFast

from simulations.bridge.adapters import Loader
from simulations.bridge.chats import renderer, system_lines
from simulations.bridge.conventions import Conventions, check_ends, known_ids
from simulations.bridge.cost import check_memory
from simulations.bridge.decoder import TorchDecoder
from simulations.bridge.models import LoadedModel, check_tokenizers, library_versions, versions
from simulations.bridge.openvino_engine import openvino_engine, openvino_version
from simulations.bridge.rewards import identity as reward_identity
from simulations.bridge.runs import Run
from simulations.bridge.sample import Models, Plan
from simulations.bridge.self_check import Checked, check_switch, draw, self_check
from simulations.sampling.generate import Mask
from theory.files import JsonObject, JsonValue, sha256
from theory.report.records import Rounding, plain


def loader(run: Run) -> Loader:
    """What loads the models of a run, each once, on its device.

    Raises:
        ValueError: torch does not have the device.
    """
    # torchrun numbers the workers of a machine, one per GPU
    fixed = run.device if run.backend == "torch" else "cpu"
    device = fixed or (f"cuda:{os.environ.get('LOCAL_RANK', '0')}" if torch.cuda.is_available() else "cpu")
    try:
        torch.zeros(1, device=device).cpu()
    except Exception as error:  # torch raises whatever a device's own package does
        reason = " ".join(str(error).split())[:160]
        raise ValueError(f"[models] device {device!r}: torch cannot use it here: {reason}") from None
    torch.set_num_threads(run.threads)
    return Loader(run.dtype, device, run.revision, run.base, packed=run.backend == "onednn")


def load_models(run: Run, models: Loader | None = None) -> Models:
    """The prior and the aligned model, on the run's device, with the ends and ids that hold for both.

    Args:
        run: names them.
        models: loads them, and has those that it has loaded before; by default ``loader(run)``.

    Raises:
        ValueError: a model cannot be loaded, the tokenizers disagree, an end lies beyond a model's logits, or torch
            does not have the device.
    """
    models = models or loader(run)
    names = (run.prior,) if run.aligned is None else (run.prior, run.aligned)
    loaded = [models.model(run.prior)]
    if run.aligned is not None:
        loaded.append(models.aligned(run.aligned, run.prior))
    prior, aligned = loaded[0], loaded[-1]
    check_tokenizers(prior.tokenizer, aligned.tokenizer)
    ends = _ends(run, aligned.conventions)
    check_ends(ends, {name: one.width for name, one in zip(names, loaded, strict=True)})
    width = min(one.width for one in loaded)
    known = known_ids(prior.tokenizer, width)
    if not known[list(ends)].any():
        raise ValueError(f"[models] end: no token has the id {ends[0]}; strings could not end")
    for one in loaded:
        own_width = one.decoder.model.get_output_embeddings()
        same_width = own_width is not None and own_width.weight.shape[0] == width
        one.decoder.end, one.decoder.ends = ends[0], ends
        one.decoder.kept = None if known.all() and same_width else known
    backend = _backend(run, dict(zip(names, loaded, strict=True)))
    front = _front(run, aligned)
    begin = bool(front)
    return Models(
        prior=prior.decoder,
        aligned=None if run.aligned is None else aligned.decoder,
        encode=_encoder(aligned.tokenizer, front),
        decode=_decoder(aligned.tokenizer),
        identity={
            "prior": prior.identity,
            "aligned": None if run.aligned is None else aligned.identity,
            "device": models.device.split(":")[0],
            "reward": reward_identity(run.reward, run.source, run.base),
            "versions": versions(),
        }
        | backend,
        longest=min(prior.longest, aligned.longest),
        render=renderer(aligned.tokenizer, run.template),
        width=width,
        begin=begin,
        resolved=_resolved(run, loaded, ends, known, begin),
        bare=_encoder(aligned.tokenizer, ()),
        start=aligned.tokenizer.bos_token_id,
        end=aligned.tokenizer.eos_token_id,
        pad=aligned.tokenizer.pad_token_id,
        notes=_notes(run, loaded, ends, known, front),
    )


def _backend(run: Run, loaded: Mapping[str, LoadedModel]) -> JsonObject:
    """Has another backend than torch make the passes; gives what the run key says of it, nothing of torch.

    Raises:
        ValueError: it is not installed, or cannot have a model.
    """
    if run.backend == "torch":
        return {}
    if run.backend == "onednn":
        return {"backend": {"name": run.backend, "version": torch.__version__}}
    version = openvino_version()
    for name, one in loaded.items():
        if one.decoder.engine is None:
            one.decoder.engine = openvino_engine(one.decoder, name, run.threads)
    return {"backend": {"name": run.backend, "version": version}}


def _ends(run: Run, conventions: Conventions) -> tuple[int, ...]:
    found = conventions.union if run.end is None else run.end
    if not found:
        raise ValueError(
            "the aligned model's tokenizer, config.json and generation_config.json name no id that ends a string; "
            "say it: [models] end = [...]"
        )
    return found


def _front(run: Run, aligned: LoadedModel) -> tuple[int, ...]:
    """The ids that stand in front of a prompt that is a text.

    Raises:
        ValueError: the run asks for a beginning-of-string token, and the tokenizer has none.
    """
    if run.begin is None:
        return aligned.conventions.front
    start = aligned.tokenizer.bos_token_id
    if run.begin and start is None:
        raise ValueError("[prompts] begin = true: the tokenizer has no beginning-of-string token; leave begin out")
    return (int(start),) if run.begin else ()


def _encoder(tokenizer: PreTrainedTokenizerFast, front: tuple[int, ...]) -> Callable[[str], list[int]]:
    start = tokenizer.bos_token_id

    def encode(text: str) -> list[int]:
        ids = [int(i) for i in tokenizer.encode(text, add_special_tokens=False, verbose=False)]
        # a text that a chat template has rendered begins with these already
        begun = ids[: len(front)] == list(front) or (start is not None and ids[:1] == [start])
        return ids if begun else [*front, *ids]

    return encode


def _decoder(tokenizer: PreTrainedTokenizerFast) -> Callable[[Sequence[int]], str]:
    """Without clean-up, which takes spaces away that the ids have."""

    def decode(ids: Sequence[int]) -> str:
        return str(tokenizer.decode(list(ids), skip_special_tokens=True, clean_up_tokenization_spaces=False))

    return decode


def _resolved(
    run: Run, loaded: Sequence[LoadedModel], ends: tuple[int, ...], known: Mask, begin: bool
) -> dict[str, JsonValue]:
    """What decides the numbers besides the run file and the weights, as it came out."""
    template = run.template or loaded[-1].tokenizer.chat_template
    reward: JsonObject = {"files": reward_identity(run.reward, run.source, run.base), "reads": run.reads}
    return {
        "ends": list(ends),
        "begin": begin,
        "ids": {"width": len(known), "known": int(known.sum()), "sha256": sha256(np.packbits(known).tobytes().hex())},
        "template": None if not template else sha256(str(template)),
        "prior": loaded[0].resolved,
        "aligned": None if run.aligned is None else loaded[-1].resolved,
        "reward": reward,
        "rewards": {one.name: reward_identity(one.kind, one.source, run.base) for one in run.rewards},
        "versions": library_versions(),
    }


def _notes(
    run: Run, loaded: Sequence[LoadedModel], ends: tuple[int, ...], known: Mask, front: tuple[int, ...]
) -> tuple[str, ...]:
    """What a person should know before the work begins."""
    tokenizer = loaded[-1].tokenizer
    begins = "the beginning-of-string token" if front else "no token added"
    if front and front != (tokenizer.bos_token_id,):
        begins = " ".join(f"{one} {str(tokenizer.convert_ids_to_tokens(one))!r}" for one in front)
    said = loaded[-1].conventions.ends
    sources = "[models] end" if run.end is not None else ", ".join(f"{f} {list(ids)}" for f, ids in said.items())
    tokens = [str(loaded[-1].tokenizer.convert_ids_to_tokens(end)) for end in ends]
    lines = [f"strings end with {' or '.join(f'{end} {token!r}' for end, token in zip(ends, tokens, strict=True))}"]
    lines[0] += f" ({sources}); prompts begin with {begins}"
    other = loaded[0].conventions.union
    if run.end is None and other and not set(other) <= set(ends):
        lines.append(f"warning: the prior's files name the ends {list(other)}; [models] end = [...] sets what holds")
    asked = loaded[-1].conventions.asked
    if run.aligned is not None and asked:
        lines.append(
            f"generation_config.json asks for {', '.join(asked)}; p+ is the model's law without these: what of them is "
            "wanted is written as [[adaptor]]"
        )
    if any(prompt.kind == "messages" for prompt in run.given):
        lines += system_lines(
            renderer(loaded[-1].tokenizer, run.template), [one.messages for one in run.given if one.kind == "messages"]
        )
    if not known.all():
        lines.append(f"{int((~known).sum())} of {len(known)} ids are no tokens and are left out of the law")
    widths = {one.width for one in loaded}
    if len(widths) > 1:
        lines.append(f"the models' logits are {min(widths)} and {max(widths)} wide; the common ids are the law's")
    return tuple(lines)


def check_models(plan: Plan) -> tuple[Plan, JsonObject | None]:
    """Score a few strings by every way before the work begins: (the plan with what that showed, the record of it).

    Decoders that are no torch models are what they say, and are not checked.

    Raises:
        ValueError: a model's numbers depend on how it is asked, by more than rounding; names its architecture.
    """
    run, models = plan.run, plan.models
    writer = models.aligned or models.prior
    if not isinstance(writer, TorchDecoder) or not isinstance(models.prior, TorchDecoder):
        return plan, None
    rows = _rows(plan)
    longest = max(len(ids) for ids in plan.ids)
    check_memory(rows, models.width or 0, len(run.chains), run.length, longest, writer.kept_of_a_token())
    decoders: dict[str, TorchDecoder] = {run.prior: models.prior}
    if run.aligned is not None:
        decoders[run.aligned] = writer
    found: dict[str, list[Checked]] = {name: [] for name in decoders}
    order = sorted(range(len(plan.ids)), key=lambda k: len(plan.ids[k]))
    # what is infinite or no number is refused by name
    with np.errstate(invalid="ignore", divide="ignore"):
        for place in dict.fromkeys((order[-1], order[0])):
            prompt = np.array(plan.ids[place], dtype=np.int64)
            # of strings that are given the longest may stand behind a shorter prompt
            length = min(run.length, models.longest - len(prompt))
            tokens = draw(writer, prompt, length, np.random.default_rng(place))
            for name, decoder in decoders.items():
                found[name].append(self_check(decoder, name, prompt, tokens, min(rows, _strings(plan, place))))
        if writer is not models.prior and writer.model is models.prior.model:
            check_switch(models.prior, writer, run.aligned or "", prompt, tokens)
    rounding = _rounding(found, run)
    ways: JsonObject = {
        role: "whole" if one.whole else "cache" for role, one in (("prior", models.prior), ("aligned", writer))
    }
    return plan.with_resolved({"read": ways}, _check_lines(rounding, decoders)), plain(rounding)


def _rows(plan: Plan) -> int:
    return max(len(shard.prompt) for shard in plan.shards)


def _strings(plan: Plan, prompt: int) -> int:
    """The most strings of a prompt that one shard has."""
    return max(shard.prompt.count(prompt) for shard in plan.shards)


def _rounding(found: Mapping[str, Sequence[Checked]], run: Run) -> Rounding:
    every = [one for own in found.values() for one in own]
    strings = [max(one.string for one in own) for own in found.values()]
    # of one model against itself both passes still round
    both = strings * (2 if run.aligned is not None and len(strings) == 1 else 1)
    return Rounding(
        dtype=run.dtype,
        token=max(one.token for one in every),
        string=max(strings),
        secret_reward=float(np.hypot.reduce(both)),
        length=run.length,
        dropped=max(one.dropped for one in every),
    )


def _check_lines(rounding: Rounding, names: Mapping[str, TorchDecoder]) -> list[str]:
    low = rounding.dtype != "float32"
    lines = [
        f"{'warning: ' if low else ''}{rounding.dtype} rounds log p by up to {rounding.token:.2g} nats a token and "
        f"{rounding.string:.2g} a string of {rounding.length} (measured on a few strings)"
    ]
    lines += [
        f"{name}: {one.architecture} is read without its cache, which does not give the numbers of a whole pass; "
        "this is slower"
        for name, one in names.items()
        if one.whole
    ]
    if rounding.dropped > 0:
        lines.append(f"the ids that are left out had up to {rounding.dropped:.2g} of a next-token law's mass")
    return lines


__all__ = ["check_models", "load_models", "loader"]
