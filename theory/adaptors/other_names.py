"""What other tools call our adaptors."""

from __future__ import annotations

OTHER_NAMES: dict[str, str] = {
    "temp": "temperature",
    "topk": "top_k",
    "top-k": "top_k",
    "top_p": "nucleus",
    "topp": "nucleus",
    "top-p": "nucleus",
    "typical_p": "typical",
    "typ_p": "typical",
    "locally_typical": "typical",
    "eta_cutoff": "eta",
    "epsilon_cutoff": "epsilon",
    "minp": "min_p",
    "min-p": "min_p",
    "top_nsigma": "top_n_sigma",
    "smoothing_factor": "quadratic",
    "xtc_threshold": "xtc",
    "repeat_penalty": "repetition_penalty",
    "dry_multiplier": "dry",
    "no_repeat_ngram_size": "no_repeat_ngram",
}
"""{their name: ours}, from transformers, vLLM, llama.cpp and koboldcpp."""

STATEFUL = ("mirostat", "mirostat_v2", "mirostat_mode", "adaptive_p", "adaptive-p")
"""Samplers that carry a state from token to token."""


def hint(name: str) -> str:
    """What to add to an error about a name: ours, if we know what another tool means by it.

    >>> hint("top_p"), hint("heat")
    ('; its name here is nucleus', '')
    """
    if name in STATEFUL:
        return "; it carries a state from token to token and is no adaptor: simulations.sampling.stateful has it"
    return f"; its name here is {OTHER_NAMES[name]}" if name in OTHER_NAMES else ""
