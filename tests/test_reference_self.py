"""The oracle against numbers worked out by hand."""

from typing import Any

from mpmath import log, mpf

from tests.reference import reference

NEXT = {"": ["8/11", "3/11", 0, 0, 0, 0, 0], "a": [0, 0, "1/4", "1/4", "1/4", "1/4", 0]}
C2 = {
    "prior": {"kind": "tree", "alphabet": ["a", "b", "1", "2", "3", "4"], "next": NEXT},
    "reward": {"exp_token": {"a": 2}, "exp_string": {"b": 3}},
}


def table(probs: str, exp_values: str, **rest: Any) -> dict[str, Any]:
    prior = {"kind": "table", "strings": ["x", "y", "z"], "probs": probs.split()}
    return reference({"prior": prior, "reward": {"exp_values": exp_values.split()}, **rest})


def c2(name: Any, value: Any, normalise: str = "local") -> dict[str, Any]:
    entry = {"name": name, "value": value, "normalise": normalise}
    return dict(reference({**C2, "adaptor": [entry]})["adaptors"][0])


def close(x: Any, y: Any) -> bool:
    return bool(abs(x - y) < 1e-14)


def test_c1_is_collinear() -> None:
    """p+ = (1, 4, 16)/21, Z = 3, R = L + log 7 and so b = -1/2; temperature T has weights p+^(1/T)."""
    out = table("1/7 2/7 4/7", "1 2 4", adaptor=[{"name": "temperature", "value": 2}])
    assert close(out["log_partition"], log(3))
    assert close(out["mean_reward"] - out["mean_log_prior"], log(7))
    assert close(out["exchange_coefficient"], -0.5)
    assert close(out["adaptors"][0]["mean_reward"], (2 * log(2) + 4 * log(4)) / 7)
    assert out["conditional_corr"] is out["adaptors"][0]["w_max"] is None


def test_c2_local_lowers_both_and_global_raises_both() -> None:
    """b has mass 9/25 under p+, 81/337 locally and 81/145 globally at T = 1/2."""
    base, local, whole = reference(C2), c2("temperature", 0.5), c2("temperature", 0.5, "global")
    for key in ("mean_log_prior", "mean_reward"):
        assert local[key] < base[key] < whole[key]
    assert close(local["mean_reward"], log(2) + 81 * log(1.5) / 337)
    assert close(whole["mean_reward"], log(2) + 81 * log(1.5) / 145)
    assert close(local["w_max"], mpf(337) / 145)
    both_b = (mpf(81) / 337) ** 2
    assert close(local["acceptance"], both_b * 337 / 145 + (1 - both_b) * 337 / 580)


def test_c2_kept_sets() -> None:
    """A mass just reached is enough; thresholds are inclusive; a chain decides on what it receives."""
    assert close(c2("nucleus", 0.64)["entropy"], log(3))
    assert close(c2("nucleus", 0.5)["entropy"], log(2))
    for value, kl in (("81/256", 0), ("82/256", -log(mpf(16) / 25))):
        row = c2(["temperature", "min_p", "temperature"], ["1/2", value, 2])
        assert close(row["kl_to_aligned"], kl)


def test_c4_and_c5_exchange_coefficients() -> None:
    assert close(table("8/13 4/13 1/13", "1 1 8")["exchange_coefficient"], 0.5)
    assert abs(table("1/11 2/11 8/11", "8 6 3")["exchange_coefficient"] + 1.924) < 5e-4


def test_corpora_of_two() -> None:
    """p+ = (1, 1, 2)/4, I = (2, 2, 1) log 2, so Ibar = H with chance 1/2, and there Lbar + Rbar is fixed."""
    strict = table("1/4 1/2 1/4", "1 1/2 2", corpus={"size": 2, "epsilon": 0.1})
    assert close(strict["typical_probability"], 0.5)
    assert close(strict["conditional_corr"], -1)
    assert close(strict["chebyshev_bound"], 25 * log(2) ** 2 / 2)
    wide = table("1/4 1/2 1/4", "1 1/2 2", corpus={"size": 2, "epsilon": 50})
    assert close(wide["conditional_corr"], wide["corr"])
    assert close(wide["conditional_corr_limit"], wide["corr"])
