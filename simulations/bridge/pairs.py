"""The models of a run file, loaded and checked against one another."""

from __future__ import annotations

import os

import torch

from simulations.bridge.models import LoadedModel, check_tokenizers, load, versions
from simulations.bridge.rewards import identity as reward_identity
from simulations.bridge.runs import Run
from simulations.bridge.sample import Models


def load_models(run: Run) -> Models:
    """The prior and the aligned model, on the run's device.

    Raises:
        ValueError: a model cannot be loaded, the tokenizers disagree, or torch does not have the device.
    """
    # torchrun numbers the workers of a machine, one per GPU
    device = run.device or (f"cuda:{os.environ.get('LOCAL_RANK', '0')}" if torch.cuda.is_available() else "cpu")
    try:
        torch.zeros(1, device=device).cpu()
    except Exception as error:  # torch raises whatever a device's own package does
        reason = " ".join(str(error).split())[:160]
        raise ValueError(f"[models] device {device!r}: torch cannot use it here: {reason}") from None
    torch.set_num_threads(run.threads)
    names = (run.prior,) if run.aligned is None else (run.prior, run.aligned)
    loaded: list[LoadedModel] = []
    for name in names:
        same = next((one for other, one in zip(names, loaded, strict=False) if other == name), None)
        loaded.append(same or load(name, dtype=run.dtype, device=device, revision=run.revision))
    prior, aligned = loaded[0], loaded[-1]
    check_tokenizers(prior.tokenizer, aligned.tokenizer)
    tokenizer, begin = prior.tokenizer, prior.tokenizer.bos_token_id

    def encode(text: str) -> list[int]:
        ids = [int(i) for i in tokenizer.encode(text, add_special_tokens=False)]
        return [int(begin), *ids] if run.begin and begin is not None else ids

    return Models(
        prior=prior.decoder,
        aligned=None if run.aligned is None else aligned.decoder,
        encode=encode,
        decode=lambda ids: str(tokenizer.decode(ids, skip_special_tokens=True)),
        identity={
            "prior": prior.identity,
            "aligned": None if run.aligned is None else aligned.identity,
            "device": device.split(":")[0],
            "reward": reward_identity(run.reward, run.source),
            "versions": versions(),
        },
        longest=min(prior.longest, aligned.longest),
    )


__all__ = ["load_models"]
