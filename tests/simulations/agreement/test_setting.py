"""What an experiment draws: adapted strings, by rejection where weights allow it."""

from __future__ import annotations

import numpy as np
import pytest

from simulations.agreement.known import Known, tree
from simulations.agreement.setting import Setting
from theory.adaptors.exact import chain
from theory.examples.finite import table


@pytest.mark.parametrize("normalise", ["local", "global"])
def test_adapted_strings_do_not_come_from_the_exact_law(normalise: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the exact law broken, what is sampled stays as it was."""
    known, steps = tree(5), chain(("temperature", "1/2"))
    setting = Setting(1, draws=2000)
    right = setting.adapted(known, steps, normalise, np.random.default_rng(3))
    monkeypatch.setattr(Known, "adapted", lambda *_: 1 / 0)
    monkeypatch.setattr(Known, "log_normaliser", lambda *_: 1 / 0)
    again = setting.adapted(known, steps, normalise, np.random.default_rng(3))
    assert right.tolist() == again.tolist()


def test_warm_global_strings_of_a_tree_are_refused() -> None:
    """Weights that sum to more than 1 cannot be corrected by rejection; on a table there is nothing to correct."""
    warm = chain(("temperature", 2))
    with pytest.raises(ValueError, match="at most 1"):
        Setting(1, draws=100).adapted(tree(5), warm, "global", np.random.default_rng(0))
    flat = Known.of("flat", table((1, 2), (1, 3)))
    assert len(Setting(1, draws=100).adapted(flat, warm, "global", np.random.default_rng(0))) == 100
