"""What engines moved: differences prompt by prompt, by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from simulations.estimation.strings import Strings

pytest.importorskip("torch")
pytest.importorskip("pyarrow")
from simulations.bridge.engine_effects import effect, engine_effects
from simulations.bridge.session import Session
from simulations.bridge.store import Store, StoreError


def strings(prompts: int) -> Strings:
    """Two strings a prompt in each of two settings: L = -1 - x and -3 - x, then 2 higher; R = 1, then x."""
    x = np.repeat(np.arange(prompts), 2)
    low = -1 - x - 2.0 * (np.arange(2 * prompts) % 2)
    log_prior = np.concatenate((low, low + 2))
    reward = np.concatenate((np.ones(2 * prompts), x))
    n = 4 * prompts
    return Strings(
        setting=np.repeat([0, 1], 2 * prompts),
        prompt=np.tile(x, 2),
        log_prior=log_prior,
        log_aligned=log_prior + reward,
        log_weight=np.stack((log_prior + reward, np.full(n, -3.0))),
        log_normaliser=np.stack((np.zeros(n), np.full(n, -1.0))),
        reward=reward,
        length=np.full(n, 4),
        ended=np.arange(n) % 2 == 0,
    )


def test_differences_by_hand() -> None:
    """E L moves by 2 on every prompt: an interval of one point. E R moves by x - 1, 5/2 in the mean over 8 prompts."""
    found = effect(strings(8), 1, 0)
    assert found.moved_log_prior.bounds == (2.0, 2.0, 2.0)
    assert found.moved_reward.value == pytest.approx(2.5)
    low, high = found.moved_reward.bounds[1:]
    # sd sqrt(6), 8 prompts, Student at 6 degrees of freedom, no skewness
    assert (low, high) == pytest.approx((2.5 - 2.446912 * (6 / 8) ** 0.5, 2.5 + 2.446912 * (6 / 8) ** 0.5), abs=1e-6)
    assert found.mean_log_prior.value == pytest.approx(-2 - 3.5 + 2)
    assert found.entropy.bounds == (2.0, 2.0, 2.0)
    assert found.ended == 0.5


def test_the_plain_setting_moves_nothing() -> None:
    """Beside itself."""
    found = effect(strings(8), 0, 0)
    assert found.moved_log_prior.bounds == found.moved_reward.bounds == (0.0, 0.0, 0.0)


def test_a_store_without_p_plus_is_refused(tmp_path: Path) -> None:
    """A run with a cut alone has nothing to be compared with."""
    path = tmp_path / "run.toml"
    path.write_text(
        '[models]\nprior = "embedded:prior"\naligned = "embedded:aligned"\ndevice = "cpu"\n'
        '[prompts]\ntexts = ["We"]\n[sampling]\nstrings = 2\nlength = 2\n'
        '[[adaptor]]\nname = "top_k"\nvalue = 2\n',
        encoding="utf-8",
    )
    session = Session.open(path, tmp_path / "run")
    assert len(list(session.work())) > 0
    with pytest.raises(StoreError, match="a setting without an adaptor, which is p\\+ itself"):
        engine_effects(Store.existing(tmp_path / "run"))
