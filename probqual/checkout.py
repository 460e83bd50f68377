"""The checkout that the current folder belongs to: the only place where commands write unasked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from probqual.errors import BadInput
from probqual.output import emit_json


def checkout() -> Path | None:
    """The checkout that the current folder belongs to; None outside of one."""
    for folder in (Path.cwd(), *Path.cwd().parents):
        project = folder / "pyproject.toml"
        if project.is_file() and 'name = "probqual"' in project.read_text(encoding="utf-8"):
            return folder
    return None


def checkout_for_record() -> Path:
    """The checkout, for numbers that are kept there.

    Raises:
        BadInput: there is none.
    """
    root = checkout()
    if root is None:
        raise BadInput("--record keeps the numbers in the checkout; outside of one use --json")
    return root


def keep(value: Any, root: Path, name: str) -> None:
    """Keep numbers for the report, as theory/data/NAME.json of the checkout.

    Raises:
        BadInput: the file cannot be written.
    """
    emit_json(value, root / "theory" / "data" / f"{name}.json")
