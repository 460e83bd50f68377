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
}
"""{their name: ours}, from transformers, vLLM and llama.cpp."""


def hint(name: str) -> str:
    """What to add to an error about a name: ours, if we know what another tool means by it.

    >>> hint("top_p"), hint("tfs")
    ('; its name here is nucleus', '')
    """
    return f"; its name here is {OTHER_NAMES[name]}" if name in OTHER_NAMES else ""
