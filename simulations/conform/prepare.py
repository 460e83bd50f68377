"""``probqual conform prepare``: every model in every format that there is a library for."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from simulations.conform.folder import TASK, task
from simulations.conform.graphs import Missing, write_onnx, write_openvino
from simulations.conform.law import MODELS
from simulations.conform.models import write_folder, write_gguf
from theory.files import write_whole


@dataclass(frozen=True, slots=True)
class Prepared:
    """What was written, and for each format that was left out a line that says what it needs."""

    written: tuple[Path, ...]
    missing: tuple[str, ...]


def prepare(folder: Path) -> Prepared:
    """Write the models and the task.

    Raises:
        OSError: the folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    written: list[Path] = []
    missing: dict[str, None] = {}
    for name, made in MODELS.items():
        model, own = made(), folder / name
        written += [write_folder(model, own), write_gguf(model, folder / f"{name}.gguf")]
        try:
            written.append(write_onnx(model, folder / f"{name}-onnx", own))
        except Missing as error:
            missing[str(error)] = None
        try:
            written.append(write_openvino(model, folder / f"{name}-openvino"))
        except Missing as error:
            missing[str(error)] = None
    write_whole(folder / TASK, json.dumps(task(), indent=2) + "\n")
    return Prepared((*written, folder / TASK), tuple(missing))


__all__ = ["Prepared", "prepare"]
