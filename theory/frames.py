"""Rows of named numbers as a notebook shows them: an HTML table, or a pandas data frame where pandas is installed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

Row = Mapping[str, object]


def as_html(rows: Sequence[Row], caption: str = "") -> str:
    """An HTML table of the rows, the keys of the first as its head; floats to six digits, None as nothing.

    >>> as_html([{"name": "<x>"}])
    '<table><thead><tr><th>name</th></tr></thead><tbody><tr><td>&lt;x&gt;</td></tr></tbody></table>'
    """
    from html import escape

    columns = list(rows[0]) if rows else []
    head = "".join(f"<th>{escape(name)}</th>" for name in columns)
    body = "".join(
        f"<tr>{''.join(f'<td>{escape(_cell(row.get(name)))}</td>' for name in columns)}</tr>" for row in rows
    )
    title = f"<caption>{escape(caption)}</caption>" if caption else ""
    return f"<table>{title}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _cell(value: object) -> str:
    if value is None:
        return ""
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def as_frame(rows: Sequence[Row]) -> pd.DataFrame:
    """A pandas data frame of the rows.

    Raises:
        ImportError: pandas is not installed; says so.
    """
    try:
        import pandas as pd
    except ImportError as error:
        raise ImportError(f"to_frame() needs pandas ({error}): pip install pandas") from None
    return pd.DataFrame([dict(row) for row in rows])


__all__ = ["Row", "as_frame", "as_html"]
