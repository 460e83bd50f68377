"""What a run would cost, before it begins: strings, bytes on disk, bytes in memory."""

from __future__ import annotations

import os

LARGEST = 1 << 24
"""Strings of one run that are planned; more are better sampled as several runs."""

LARGEST_STORE = 1 << 42
"""Bytes of a store that are written: 4 TiB."""

_FIXED, _SETTING = 28, 8
"""Bytes of a token in a shard: its id and two log-probabilities with their offsets; log w and log c of a setting."""

_COPIES = 6
"""Arrays of next-token laws that one step holds at once: logits, law, weights, their exponentials and running totals,
mostly in float64."""


def check_size(prompts: int, settings: int, strings: int, length: int) -> None:
    """Refuse a run that would not be finished, or not be stored.

    Args:
        prompts: how many.
        settings: how many.
        strings: per prompt and setting.
        length: tokens of a string, at most.

    Raises:
        ValueError: with the estimate.
    """
    total = prompts * settings * strings
    size = total * length * (_FIXED + _SETTING * settings)
    if total > LARGEST or size > LARGEST_STORE:
        raise ValueError(
            f"[sampling] {prompts:,} prompts x {settings} settings x {strings:,} strings are {total:,} strings of up "
            f"to {length:,} tokens, {size >> 30:,} GiB on disk; at most {LARGEST:,} strings and "
            f"{LARGEST_STORE >> 30:,} GiB are planned: ask for fewer strings"
        )


def check_memory(rows: int, width: int, settings: int, length: int, prompt: int = 0, kept: int = 0) -> None:
    """Refuse shards that do not fit into this machine's memory.

    Args:
        rows: strings that are written side by side.
        width: ids that a law is over.
        settings: how many are asked about every token.
        length: tokens of a string, at most.
        prompt: tokens of the longest prompt.
        kept: bytes that a model's cache keeps of a token.

    Raises:
        ValueError: with the estimate.
    """
    needed = rows * (width * 8 * _COPIES + length * settings * 16 + (prompt + length) * kept)
    present = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    if needed > present:
        raise ValueError(
            f"[sampling] rows = {rows:,} strings side by side, over {width:,} ids and "
            f"behind up to {prompt:,} of a prompt, need about "
            f"{needed / 2**30:,.1f} GiB of memory, and there are {present / 2**30:,.1f} GiB: "
            f"set rows to {max(1, rows * present // needed // 2):,}"
        )


__all__ = ["LARGEST", "LARGEST_STORE", "check_memory", "check_size"]
