"""Figures stand beside docs/, where the pages on a forge find them; the site takes them in.

Source of the mechanism: https://www.mkdocs.org/user-guide/configuration/#hooks
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

FIGURES = Path(__file__).resolve().parents[1] / "figures"


def on_files(files: Files, config: Any) -> Files:
    """Every figure as figures/NAME.png of the site."""
    for path in sorted(FIGURES.glob("*.png")):
        files.append(File.generated(config, f"figures/{path.name}", abs_src_path=str(path)))
    return files


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Links to them are from the site's own root."""
    return markdown.replace("](../figures/", "](figures/")
