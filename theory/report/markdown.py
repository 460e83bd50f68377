"""Tables in Markdown."""

from __future__ import annotations

from collections.abc import Sequence


def markdown_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table with its head; a bar inside a cell is escaped."""
    lines = ["| " + " | ".join(head) + " |", "|" + " --- |" * len(head)]
    lines += ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows]
    return "\n".join(lines)


def shown(value: float | None, digits: str) -> str:
    """A number in a format such as ".3f"; nothing for one that does not exist.

    >>> shown(0.25, ".1%"), shown(None, ".3f")
    ('25.0%', '')
    """
    return "" if value is None else format(value, digits)
