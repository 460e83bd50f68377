"""Figures stand beside docs/, where the pages on a forge find them; the site takes them in.

Generated pages also link to code, tests and models of the checkout. The site does not hold those, so there the links
become plain paths.

Source of the mechanism: https://www.mkdocs.org/user-guide/configuration/#hooks
"""

from __future__ import annotations

import re
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
    """Links to figures are from the site's own root; links to other files of the checkout become their paths."""
    markdown = re.sub(r"\]\((\.\./)?\.\./figures/([^)]*\.png)\)", r"](\1figures/\2)", markdown)
    outside = r"(?:\.\./)+(?:theory|tests|figures|examples|proofs)/[^)]*(?<!\.png)"
    return re.sub(rf"\[([^]]*)\]\({outside}\)", r"`\1`", markdown)
