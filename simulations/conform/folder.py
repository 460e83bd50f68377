"""The folder of ``probqual conform``: what to run on its models, and whether it was prepared by this version."""

from __future__ import annotations

import json
from pathlib import Path

from simulations.conform.law import END, MODELS, START, VOCABULARY
from simulations.conform.samples import LENGTH, PROMPT

FORMAT = 1
TASK = "conform.json"
"""The name of the file that says what to run."""


def task() -> dict[str, object]:
    """What an engine has to do: which prompt, how long, how many strings, and how a line of its samples looks."""
    return {
        "format": FORMAT,
        "models": list(MODELS),
        "vocabulary": VOCABULARY,
        "start": START,
        "end": END,
        "prompt_ids": list(PROMPT),
        "prompt_text": f"w{PROMPT[-1]}",
        "length": LENGTH,
        "strings": 4_000,
        "line": {"model": "fixed", "call": 0, "row": 0, "tokens": [7, 12, END]},
        "words": "one line a string; call numbers the calls of the engine, row the place in a batch; tokens are the "
        "ids after the prompt, the end included, at most `length`; seed only where one was given",
    }


def check_folder(folder: Path) -> None:
    """Refuse samples of other models than these.

    Raises:
        ValueError: the folder was not prepared, or by another version.
    """
    path = folder / TASK
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is no JSON"
        raise ValueError(f"{path}: {reason}; run `probqual conform prepare {folder}` first") from None
    if found != json.loads(json.dumps(task())):
        raise ValueError(f"{path}: is of other models than this version's; prepare the folder again")


__all__ = ["TASK", "check_folder", "task"]
