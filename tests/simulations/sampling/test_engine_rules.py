"""Rule options and the adaptors of engines: exact against floats against the bridge, and against transformers."""

from __future__ import annotations

import random
from collections.abc import Iterator
from types import ModuleType

import numpy as np
import pytest
from flint import fmpq
from numpy.typing import NDArray

from simulations.sampling.adaptors import log_softmax, log_sum, log_weights
from simulations.sampling.history import History
from simulations.sampling.sorted_rows import is_window
from tests.rules import bridge_law, clear, exact_law, float_law, two_sided_tie
from theory.adaptors.exact import Chain, adaptor, chain
from theory.arithmetic.exact import rational, to_float

LAWS = 1_000


def drawn_step(rng: random.Random, weights: list[int]) -> tuple[str, str]:
    """A step of any kind with options of its own, many of its thresholds met exactly."""
    total = sum(weights)
    share = fmpq(rng.randint(1, total), total)
    ties = rng.choice(["", " ties=all"])
    boundary = rng.choice(["", " boundary=exceed"])
    mass = rng.choice(["", " mass=before"])
    settings = {
        "temperature": rng.choice(["1/2", "2", "3/2"]),
        "top_k": f"{rng.randint(1, len(weights) + 1)}{ties and ' ties=all'}",
        "nucleus": f"{share}{ties}{boundary}{mass}",
        "typical": f"{share}{ties}{boundary}",
        "eta": str(share),
        "epsilon": f"{share}{mass}",
        "min_p": str(fmpq(rng.choice(weights), max(weights))),
        "top_n_sigma": rng.choice(["1/2", "1", "3/2", "2"]),
        "top_h": rng.choice(["1/4", "1/2", "2/3", "1"]) + rng.choice(["", " candidates=3"]),
        "top_a": str(min(fmpq(1), fmpq(rng.choice(weights) * total, max(weights) ** 2))),
        "tail_free": rng.choice(["1/4", "1/2", "3/4", "1"]),
        "dynamic_temperature": "1 range=1/2" + rng.choice(["", " exponent=2", " count=all"]),
        "quadratic": "1/2" + rng.choice(["", " curve=2"]),
        "xtc": f"{share}{ties}{boundary} probability={rng.choice(['1/2', '1/3', '1'])}",
        "repetition_penalty": "3/2" + rng.choice(["", " gauge=5", " window=2"]),
        "presence_penalty": "1/2",
        "frequency_penalty": "1/3" + rng.choice(["", " window=3"]),
        "dry": "4/5 allowed=1",
        "no_repeat_ngram": str(rng.randint(1, 3)),
    }
    name = rng.choice(list(settings))
    return name, settings[name]


def cases() -> Iterator[tuple[list[int], Chain, tuple[int, ...]]]:
    """1,000 laws of small integer weights, most with ties, each with a chain of one to three steps and a history."""
    rng = random.Random(19)
    for _ in range(LAWS):
        weights = [rng.randint(1, 4) for _ in range(rng.randint(2, 8))]
        steps = chain(*(drawn_step(rng, weights) for _ in range(rng.randint(1, 3))))
        yield weights, steps, tuple(rng.randrange(len(weights)) for _ in range(rng.randint(0, 6)))


def test_exact_against_floats_on_a_thousand_laws_with_ties() -> None:
    """The same laws, with all kept sets equal, ties and boundaries included."""
    for weights, steps, history in cases():
        assert float_law(weights, steps, history) == pytest.approx(exact_law(weights, steps, history), abs=1e-9), (
            weights,
            str(steps),
            history,
        )


@pytest.mark.parametrize("wide", [True, False], ids=["float64", "float32"])
def test_floats_against_the_bridge_on_a_thousand_laws_with_ties(wide: bool) -> None:
    """Equal laws of all chains that keep a window. A typical step may keep another of two equals: compared sorted."""
    compared = 0
    for weights, steps, _ in cases():
        if not is_window(steps) or not (wide or clear(weights, steps)):
            continue
        own, found = float_law(weights, steps), bridge_law(weights, steps, wide)
        if any(step.name == "typical" for step in steps):
            if two_sided_tie(weights, steps):
                continue
            own, found = np.sort(own), np.sort(found)
        assert found == pytest.approx(own, abs=1e-9 if wide else 1e-5), (weights, str(steps))
        compared += 1
    assert compared > 150


# --- by hand ------------------------------------------------------------------------------------------------------

KEPT: list[tuple[list[int], str, str, list[int]]] = [
    ([2, 1, 1, 1], "top_k", "2", [0, 1]),
    ([2, 1, 1, 1], "top_k", "2 ties=all", [0, 1, 2, 3]),
    ([1] * 8, "nucleus", "1/2", [0, 1, 2, 3]),
    ([1] * 8, "nucleus", "1/2 boundary=exceed", [0, 1, 2, 3, 4]),
    ([1] * 8, "nucleus", "1/2 ties=all", list(range(8))),
    ([2, 1, 1], "nucleus", "1/2 boundary=exceed", [0, 1]),
    ([2, 1, 1], "nucleus", "3/5 ties=all", [0, 1, 2]),
    ([1] * 8, "typical", "1/2 ties=all", list(range(8))),
    ([1] * 8, "typical", "1/2 boundary=exceed", [0, 1, 2, 3, 4]),
    # log2 of 4, 2, 1: gaps 0, 1, 2 with sd sqrt(2/3) in units of log 2: 1.5 sd = 1.22, 2.5 sd = 2.04
    ([4, 2, 1], "top_n_sigma", "3/2", [0, 1]),
    ([4, 2, 1], "top_n_sigma", "5/2", [0, 1, 2]),
    # two levels, half and half: the gap is log 2 and sd = log 2 / 2, so n = 2 stands on the boundary
    ([2, 2, 1, 1], "top_n_sigma", "2", [0, 1, 2, 3]),
    ([2, 2, 1, 1], "top_n_sigma", "1999/1000", [0, 1]),
    # uniform: k of 4 terms are k / 4 of the entropy
    ([1] * 4, "top_h", "1/2", [0, 1]),
    ([1] * 4, "top_h", "49/100", [0]),
    ([1] * 4, "top_h", "1", [0, 1, 2, 3]),
    ([1] * 4, "top_h", "1 candidates=2", [0, 1]),
    # p = 1/2, 1/4, 1/4: a (max p)^2 = 1/4 at a = 1
    ([2, 1, 1], "top_a", "1", [0, 1, 2]),
    ([3, 1, 1], "top_a", "5/9", [0, 1, 2]),
    ([3, 1, 1], "top_a", "3/5", [0]),
    # 8 4 2 1 1: differences 4 2 1 0, second ones 2 1 1 of 4; the first two have 3/4
    ([8, 4, 2, 1, 1], "tail_free", "1/2", [0]),
    ([8, 4, 2, 1, 1], "tail_free", "3/4", [0, 1]),
    ([3, 2, 1], "tail_free", "1/10", [0, 1, 2]),
]


@pytest.mark.parametrize(("weights", "name", "value", "kept"), KEPT)
def test_kept_by_hand(weights: list[int], name: str, value: str, kept: list[int]) -> None:
    """Exactly, in float64, and by sorted rows in both precisions."""
    steps = chain((name, value))
    assert [k for k, p in enumerate(exact_law(weights, steps)) if p] == kept
    assert np.flatnonzero(float_law(weights, steps)).tolist() == kept
    for wide in (True, False):
        assert np.flatnonzero(bridge_law(weights, steps, wide)).tolist() == kept


def test_mass_before_and_after_the_cut() -> None:
    """(4, 3, 2, 1)/10 after top-k 3: 7/9 of what is left, 7/10 of all; the nucleus 3/4 needs a third token before."""
    after, before = (chain(("top_k", "3"), ("nucleus", f"3/4{mass}")) for mass in ("", " mass=before"))
    assert np.flatnonzero(exact_law([4, 3, 2, 1], after)).tolist() == [0, 1]
    assert np.flatnonzero(exact_law([4, 3, 2, 1], before)).tolist() == [0, 1, 2]


def test_dynamic_temperature_of_a_uniform_law_is_hot() -> None:
    """H = log n gives T = hi; the odds of (3, 1) under lo = hi are those of T alone."""
    plain, dynamic = chain(("temperature", "1/2")), chain(("dynamic_temperature", "1/2 range=0"))
    assert exact_law([3, 1], dynamic) == pytest.approx(exact_law([3, 1], plain), abs=1e-15)


def test_xtc_by_hand() -> None:
    """(4, 3, 2, 1)/10 at t = 1/5: the coin leaves (2, 1)/3; at 1/2 the law is half of each."""
    found = exact_law([4, 3, 2, 1], chain(("xtc", "1/5 probability=1/2")))
    assert found == pytest.approx([0.2, 0.15, 0.1 + 1 / 3, 0.05 + 1 / 6], abs=1e-15)


def test_repetition_penalty_depends_on_the_gauge() -> None:
    """p(seen) at two gauges of one law, th = 1.5: z / th where z > 0, else z th, written out."""
    law = [40, 20, 15, 10, 6, 5, 3, 1]
    for gauge in (0, 5):
        logit = np.log(np.array(law) / 100) + gauge
        logit[0] = logit[0] / 1.5 if logit[0] > 0 else logit[0] * 1.5
        expected = np.exp(logit) / np.exp(logit).sum()
        found = exact_law(law, chain(("repetition_penalty", f"3/2 gauge={gauge}")), (0,))
        assert found == pytest.approx(expected, abs=1e-14)


def test_options_are_read_back_and_refused() -> None:
    """One text of a chain, defaults left out; unknown options and words name the adaptor."""
    steps = chain(("nucleus", "9/10 boundary=exceed ties=lowest"), ("top_k", "3"))
    assert str(steps) == "nucleus 9/10 boundary=exceed then top_k 3"
    assert chain(*((name, value) for name, value in steps.pairs())) == steps
    assert adaptor("nucleus", "0.9", boundary="exceed") == steps[0]
    for name, value in (("top_k", "3 boundary=exceed"), ("nucleus", "1/2 ties=some"), ("min_p", "1/2 mass=before")):
        with pytest.raises(ValueError, match=name):
            chain((name, value))


# --- transformers -------------------------------------------------------------------------------------------------

ROWS = 10_000


@pytest.fixture(scope="module")
def processors() -> ModuleType:
    """transformers.generation.logits_process."""
    pytest.importorskip("torch").set_num_threads(1)
    pytest.importorskip("transformers")
    return pytest.importorskip("transformers.generation.logits_process")


def rows() -> NDArray[np.float32]:
    """10,000 rows of 128 logits in steps of 1/8, so that many tie."""
    rng = np.random.default_rng(19)
    drawn = rng.normal(size=(ROWS, 128)) * rng.choice([0.3, 1.0, 3.0], (ROWS, 1))
    return (np.round(drawn * 8) / 8).astype(np.float32)


def test_transformers_keeps_ties_of_top_k(processors: ModuleType) -> None:
    """TopKLogitsWarper on all rows, ties included."""
    torch = pytest.importorskip("torch")
    kept = torch.isfinite(processors.TopKLogitsWarper(20)(None, torch.from_numpy(rows()))).numpy()
    own = np.isfinite(log_weights(log_softmax(rows()), chain(("top_k", "20 ties=all"))))
    assert (kept == own).all()


@pytest.mark.parametrize("value", ["1/4", "3/5", "9/10"])
def test_transformers_top_h(processors: ModuleType, value: str) -> None:
    """TopHLogitsWarper keeps as many tokens with the same probabilities, where no sum is within 1e-5 of the bound."""
    torch = pytest.importorskip("torch")
    logits, share = rows(), to_float(rational(value))
    kept = torch.isfinite(processors.TopHLogitsWarper(share)(None, torch.from_numpy(logits))).numpy()
    law = log_softmax(logits)
    own = np.isfinite(log_weights(law, chain(("top_h", value))))
    head = -np.sort(-law, axis=1)[:, :100]
    head -= log_sum(head)[:, None]
    running = np.cumsum(-np.exp(head) * head, axis=1)
    bound = share * running[:, -1:]
    clear = np.abs(running - bound).min(axis=1) > 1e-5
    assert clear.mean() > 0.95
    assert (kept.sum(axis=1) == own.sum(axis=1))[clear].all()
    tops = np.sort(np.where(kept, law, -np.inf), axis=1), np.sort(np.where(own, law, -np.inf), axis=1)
    assert (tops[0] == tops[1])[clear].all()


def test_transformers_repetition_penalty(processors: ModuleType) -> None:
    """RepetitionPenaltyLogitsProcessor on raw logits of 200 rows: the gauge of a row is the log of its normaliser."""
    torch = pytest.importorskip("torch")
    rng, logits = np.random.default_rng(20), rows()[:200].astype(np.float64)
    before = rng.integers(0, 128, (200, 12))
    theirs = processors.RepetitionPenaltyLogitsProcessor(1.3)(
        torch.from_numpy(before), torch.from_numpy(logits)
    ).numpy()
    for k in range(200):
        gauge = log_sum(logits[k : k + 1])[0]
        steps = chain(("repetition_penalty", f"13/10 gauge={float(gauge)!r}"))
        past = History(before[k : k + 1, :0], before[k : k + 1])
        found = log_weights(log_softmax(logits[k : k + 1]), steps, past)
        assert found[0] == pytest.approx(theirs[k] - gauge, abs=1e-12)
