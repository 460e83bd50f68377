"""Random conditional models."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from theory.alignment.gibbs import Aligned
from theory.corpora.mixtures import prompt_tree


@st.composite
def conditional_models(draw: Any) -> Aligned:
    """Two or three prompts with one to three answers each."""
    shape = draw(st.lists(st.integers(1, 3), min_size=2, max_size=3))
    rows = [[draw(st.lists(st.integers(1, 9), min_size=n, max_size=n)) for n in shape] for _ in range(2)]
    return prompt_tree(*rows)
