"""Adaptors by one sort: against the plain version, against transformers' own warpers, and against wrong copies.

Where the two versions may differ, as the module says: locally typical sampling among tokens of the same probability at
the upper edge of its window, and between two probabilities equally far from the entropy. The first is allowed for and
nothing else; cases of the second are left out.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from functools import cache
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from flint import fmpq
from hypothesis import assume, given
from hypothesis import strategies as st
from numpy.typing import NDArray

from simulations.sampling import sorted_rows
from simulations.sampling.adaptors import log_softmax, log_sum, log_weights
from simulations.sampling.generate import first_above
from simulations.sampling.sorted_rows import SortedRows
from theory.adaptors.exact import ADAPTORS, Chain, chain
from theory.arithmetic.exact import to_float

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

STEPS: list[tuple[str, Any]] = [
    *(("top_k", k) for k in (1, 3, 40, 1000)),
    *((name, v) for name in ("nucleus", "typical") for v in ("1/100", "1/5", "1/2", "9/10", "999/1000", 1)),
    *((name, v) for name in ("eta", "epsilon") for v in ("1/1000", "1/20", "1/3", 1)),
    *(("min_p", v) for v in (0, "1/100", "1/2", 1)),
    *(("temperature", v) for v in ("1/2", "9/10", "7/4")),
]


def dense_log_weights(law: Floats, steps: Chain) -> Floats:
    """The window as a row of weights, in the law's own float64."""
    return SortedRows.of(law).dense(steps) if steps else law


@cache
def chains() -> tuple[Chain, ...]:
    """No step, every step, every step between others: chains of up to three."""
    pairs = itertools.product(STEPS[::3], STEPS[1::2])
    triples = itertools.product(STEPS[::7], STEPS[2::5], STEPS[1::6])
    return ((), *(chain(step) for step in STEPS), *(chain(*p) for p in pairs), *(chain(*t) for t in triples))


@cache
def float_rows() -> tuple[Floats, ...]:
    """log p, uniform but for a thousandth, flat, and peaked, every other row with impossible tokens; no two p alike."""
    rng = np.random.default_rng(11)
    found = []
    for size, spread in itertools.product((1, 2, 3, 10, 47, 200, 500), (0.001, 1.0, 5.0, 40.0)):
        logits = rng.normal(0, spread, (4, size))
        logits[1::2, rng.random(size) < 0.3] = -np.inf
        logits[:, rng.integers(size)] = spread / 2
        found.append(log_softmax(logits))
    return tuple(found)


def row(weights: Sequence[int]) -> Floats:
    """log p, shape (1, V), proportional to the weights: each probability rounded once."""
    with np.errstate(divide="ignore"):
        return np.log(np.array([[w / sum(weights) for w in weights]]))


def close(found: Floats, plain: Floats) -> bool:
    """Equal but for the rounding of a few float64 operations: the one version normalises again, the other need not."""
    return bool(np.allclose(found, plain, rtol=1e-13, atol=1e-13))


def differing(law: Floats, steps: Chain) -> list[str]:
    """What of a SortedRows, and of its window for a chain, is not as the plain version has it."""
    plain, rows = log_weights(law, steps), SortedRows.of(law)
    window, dense = rows.window(steps), rows.dense(steps)
    kept = np.isfinite(plain)
    found = []
    if not np.array_equal(kept, np.isfinite(dense)):
        found.append("kept")
    elif not close(dense, plain):
        found.append("values")
    if not np.allclose(window.log_total, log_sum(plain), rtol=0, atol=1e-11):
        found.append("total")
    if not np.array_equal(window.high - window.low, kept.sum(axis=1)):
        found.append("count")
    place = np.argsort(np.argsort(-law, axis=1, kind="stable"), axis=1, kind="stable")
    for token in {0, law.shape[1] // 3, law.shape[1] - 1, *law.argmax(axis=1).tolist()}:
        tokens = np.full(len(law), token, dtype=np.int64)
        if not np.array_equal(rows.rank(tokens), place[:, token]):
            found.append("rank")
        own = rows.log_weight(window, tokens)
        if not np.array_equal(own, rows.log_weight(window, tokens, rows.rank(tokens))):
            found.append("rank given")
        if not (np.isfinite(own) == kept[:, token]).all() or not close(own, plain[:, token]):
            found.append("weight")
    return found


# --- random rows --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", range(28))
def test_random_rows_against_the_plain_version(number: int) -> None:
    """dense() is log_weights on the same tokens; log c, ranks and the weights of single tokens too."""
    law = float_rows()[number]
    for steps in chains():
        assert differing(law, steps) == [], (law.shape, steps)


def test_random_tokens() -> None:
    """log_weight(window, tokens) is the plain row at the tokens, impossible and cut tokens -inf; tokens vary by row."""
    rng = np.random.default_rng(12)
    for law in float_rows():
        rows = SortedRows.of(law)
        place = np.argsort(np.argsort(-law, axis=1, kind="stable"), axis=1, kind="stable")
        for steps in chains()[::5]:
            tokens = rng.integers(law.shape[1], size=len(law))
            plain = log_weights(law, steps)
            at = np.arange(len(law)), tokens
            assert np.array_equal(rows.rank(tokens), place[at])
            assert close(rows.log_weight(rows.window(steps), tokens), plain[at])


def test_a_batch_is_its_rows_and_stays_as_it_is() -> None:
    """Rows do not see one another, in whatever order the chains are asked, and the laws are not written to."""
    for law in float_rows()[::3]:
        before, together = law.copy(), SortedRows.of(law)
        for steps in (*chains()[::6], *chains()[::-6]):
            alone = np.concatenate([dense_log_weights(law[k : k + 1], steps) for k in range(len(law))])
            assert np.array_equal(np.isfinite(together.dense(steps)), np.isfinite(alone))
            assert close(together.dense(steps), alone)
        assert np.array_equal(law, before)


def test_no_steps() -> None:
    """p+ itself: every possible token, log c = 0; dense_log_weights hands the law back."""
    for law in float_rows():
        window = SortedRows.of(law).window(())
        assert np.array_equal(window.high, np.isfinite(law).sum(axis=1))
        assert not window.low.any()
        assert np.abs(window.log_total).max() < 1e-13
        assert close(SortedRows.of(law).dense(()), law)
        assert dense_log_weights(law, ()) is law


# --- ties ---------------------------------------------------------------------------------------------------------


@st.composite
def tied_rows(draw: Any) -> tuple[list[int], Chain]:
    """Small integer weights, many equal, some 0; up to three steps, most of them at thresholds met exactly."""
    weights = draw(st.lists(st.integers(0, 4), min_size=1, max_size=9).filter(any))
    total = sum(weights)
    parts = st.integers(1, total).map(lambda part: fmpq(part, total))
    relative = st.sampled_from([fmpq(w, max(weights)) for w in weights])
    values: dict[str, st.SearchStrategy[fmpq]] = {
        "temperature": st.sampled_from([fmpq(1, 3), fmpq(1, 2), fmpq(4, 5), fmpq(1), fmpq(3, 2), fmpq(3)]),
        "top_k": st.integers(1, len(weights) + 1).map(fmpq),
        "nucleus": parts,
        "typical": parts,
        "eta": parts,
        "epsilon": parts,
        "min_p": relative,
    }
    names = draw(st.lists(st.sampled_from(ADAPTORS), max_size=3))
    return weights, chain(*((name, draw(values[name])) for name in names))


def distances_tie(law: Floats, steps: Chain) -> bool:
    """Whether two different probabilities are equally far from the entropy where a typical step decides."""
    for number, step in enumerate(steps):
        if step.name == "typical":
            weight = log_weights(law, steps[:number])[0]
            surprisal = np.unique(log_sum(weight) - weight[np.isfinite(weight)])
            surprisal = surprisal[np.append(True, np.diff(surprisal) > 1e-12)]
            entropy = -(np.exp(weight - log_sum(weight)) @ np.where(np.isfinite(weight), weight - log_sum(weight), 0))
            if len(surprisal) > 1 and np.diff(np.sort(np.abs(surprisal - entropy))).min() < 1e-9:
                return True
    return False


@given(tied_rows())
def test_ties_against_the_plain_version(case: tuple[list[int], Chain]) -> None:
    """Without typical steps: the same, ties to the lower index. With them: the same probabilities and c."""
    weights, steps = case
    law = row(weights)
    if all(step.name != "typical" for step in steps):
        assert differing(law, steps) == []
        return
    assume(not distances_tie(law, steps))
    plain, rows = log_weights(law, steps), SortedRows.of(law)
    dense, window = rows.dense(steps), rows.window(steps)
    assert close(np.sort(dense), np.sort(plain))
    assert window.log_total == pytest.approx(log_sum(plain), abs=1e-11)
    moved = np.isfinite(plain) != np.isfinite(dense)
    assert (law[moved] == law[np.isfinite(plain)].max()).all(), "only at the upper edge"
    for token in range(len(weights)):
        own = rows.log_weight(window, np.array([token]))
        assert close(own, dense[:, token]), "a token's weight is its place in dense()"


@given(st.lists(st.integers(0, 3), min_size=1, max_size=12).filter(any))
def test_rank_by_counting(weights: list[int]) -> None:
    """rank(t) = #{more probable} + #{as probable, before it}, for impossible tokens as well."""
    rows = SortedRows.of(np.repeat(row(weights), len(weights), axis=0))
    found = rows.rank(np.arange(len(weights)))
    for token, weight in enumerate(weights):
        assert found[token] == sum(w > weight for w in weights) + sum(w == weight for w in weights[:token])


def test_long_rows_of_many_equal_values() -> None:
    """500 tokens on seven values, cut in the middle of a group: every adaptor but typical, plain and after another."""
    rng = np.random.default_rng(13)
    law = log_softmax(rng.integers(0, 7, (6, 500)).astype(np.float64))
    for steps in chains():
        if all(step.name != "typical" for step in steps):
            assert differing(law, steps) == [], steps


def test_the_documented_difference() -> None:
    """(1, 2, 2)/5 at typical 2/5: the upper edge cuts a pair of equals; the plain version keeps the lower index."""
    law, steps = row((1, 2, 2)), chain(("typical", "2/5"))
    plain, dense = (np.flatnonzero(np.isfinite(f(law, steps)[0])).tolist() for f in (log_weights, dense_log_weights))
    assert (plain, dense) == ([1], [2])


# --- transformers -------------------------------------------------------------------------------------------------

ROWS, NEAR = 10_000, 1e-6


@cache
def logits() -> NDArray[np.float32]:
    """10,000 rows of 64 float32 logits, nearly uniform to very peaked, those with equal logits left out."""
    rng = np.random.default_rng(14)
    drawn = (rng.normal(size=(11_000, 64)) * rng.choice([0.1, 1.0, 3.0, 8.0], (11_000, 1))).astype(np.float32)
    apart = (np.diff(np.sort(drawn, axis=1), axis=1) > 0).all(axis=1)
    return drawn[apart][:ROWS]


@pytest.fixture(scope="module")
def warpers() -> ModuleType:
    """transformers.generation.logits_process."""
    pytest.importorskip("torch").set_num_threads(1)
    pytest.importorskip("transformers")
    return pytest.importorskip("transformers.generation.logits_process")


def warped(warpers: ModuleType, rows: NDArray[np.float32], *steps: tuple[str, Any]) -> NDArray[np.float32]:
    """The logits after transformers' warpers: (class, setting), left to right."""
    torch = pytest.importorskip("torch")
    scores = torch.from_numpy(rows.copy())
    for name, setting in steps:
        options = setting if isinstance(setting, dict) else {}
        value = [] if options else [setting]
        scores = getattr(warpers, f"{name}LogitsWarper")(*value, **options)(None, scores)
    result: NDArray[np.float32] = scores.numpy()
    return result


def ours(rows: NDArray[np.float32], *steps: tuple[str, Any]) -> Floats:
    """log w of the same rows."""
    return dense_log_weights(log_softmax(rows), chain(*steps))


def margin(rows: NDArray[np.float32], name: str, value: float) -> Floats:
    """How near each row comes to a decision that float32 takes otherwise: in mass, or in the logarithm of one."""
    law = log_softmax(rows)
    entropy = -(np.exp(law) * law).sum(axis=1, keepdims=True)
    if name in {"nucleus", "typical"}:
        far = -law if name == "nucleus" else np.abs(-law - entropy)
        order = np.argsort(far, axis=1)
        mass = np.cumsum(np.exp(np.take_along_axis(law, order, axis=1)), axis=1)
        near: Floats = np.abs(mass - value).min(axis=1)
        if name == "typical":
            ordered = np.take_along_axis(far, order, axis=1)
            cut = np.clip((mass < value).sum(axis=1)[:, None], 0, far.shape[1] - 2)
            gaps = np.diff(ordered, axis=1)
            around = [np.take_along_axis(gaps, np.maximum(cut - back, 0), axis=1)[:, 0] for back in (0, 1)]
            near = np.minimum.reduce([near, *around])
        return near
    threshold = {
        "eta": np.minimum(np.log(value), np.log(value) / 2 - entropy),
        "epsilon": np.full_like(entropy, np.log(value)),
        "min_p": law.max(axis=1, keepdims=True) + np.log(value),
    }[name]
    return np.asarray(np.abs(law - threshold).min(axis=1))


WARPERS = {"nucleus": "TopP", "typical": "Typical", "eta": "Eta", "epsilon": "Epsilon", "min_p": "MinP"}


@pytest.mark.parametrize("value", ["1/100", "3/10", "9/10", "99/100"])
@pytest.mark.parametrize("name", WARPERS)
def test_kept_sets_of_transformers(warpers: ModuleType, name: str, value: str) -> None:
    """The same tokens in 10,000 rows; where float32 decides otherwise, the row comes within 1e-6 of the threshold.

    transformers decides in float32. Top-p there sums from the least probable token and drops a token once what is left
    above it has the mass, typical keeps what is no farther than the token ``last_ind`` at which the mass is reached,
    eta's threshold is min(e, sqrt(e) exp(-H)): all the same sets in real numbers, the boundary included.
    """
    found = np.isfinite(warped(warpers, logits(), (WARPERS[name], to_float(fmpq(*map(int, value.split("/")))))))
    mine = np.isfinite(ours(logits(), (name, value)))
    other = np.flatnonzero((found != mine).any(axis=1))
    assert len(logits()) == ROWS
    assert len(other) <= ROWS // 1000
    number = int(value.split("/")[0]) / int(value.split("/")[1])
    assert (margin(logits()[other], name, number) < NEAR).all(), (other, margin(logits()[other], name, number))


@pytest.mark.parametrize("k", [1, 2, 17, 64, 100])
def test_top_k_of_transformers(warpers: ModuleType, k: int) -> None:
    """Without ties exactly the same tokens."""
    assert np.array_equal(
        np.isfinite(warped(warpers, logits(), ("TopK", k))), np.isfinite(ours(logits(), ("top_k", k)))
    )


@pytest.mark.parametrize("value", ["1/4", "9/10", "5/2"])
def test_temperature_of_transformers(warpers: ModuleType, value: str) -> None:
    """The same law to what float32 keeps of a logit."""
    weight = ours(logits(), ("temperature", value))
    theirs = log_softmax(warped(warpers, logits(), ("Temperature", to_float(fmpq(*map(int, value.split("/")))))))
    assert np.abs(weight - log_sum(weight)[:, None] - theirs).max() < 128 * 2.0**-23


def test_chains_of_transformers(warpers: ModuleType) -> None:
    """Each warper decides on what the one before left, as here."""
    found = warped(warpers, logits(), ("Temperature", 0.5), ("TopK", 20), ("TopP", 0.9), ("MinP", 0.05))
    mine = ours(logits(), ("temperature", "1/2"), ("top_k", 20), ("nucleus", "9/10"), ("min_p", "1/20"))
    other = (np.isfinite(found) != np.isfinite(mine)).any(axis=1)
    assert other.sum() <= ROWS // 1000
    turned = ours(logits(), ("min_p", "1/20"), ("nucleus", "9/10"), ("top_k", 20), ("temperature", "1/2"))
    assert (np.isfinite(found) != np.isfinite(turned)).any(axis=1).sum() > ROWS // 10, "the order matters"


def test_where_transformers_defines_otherwise(warpers: ModuleType) -> None:
    """All tied with the k-th stay, all as far as the last typical token stay, and min_tokens_to_keep adds tokens."""
    flat = np.zeros((1, 4), dtype=np.float32)
    assert np.isfinite(warped(warpers, flat, ("TopK", 2))).sum() == 4
    assert np.isfinite(ours(flat, ("top_k", 2))).sum() == 2
    assert np.isfinite(warped(warpers, flat, ("Typical", 0.5))).sum() == 4
    assert np.isfinite(ours(flat, ("typical", "1/2"))).sum() == 2
    # nothing passes: transformers keeps every most probable token, here the first of them stays
    assert np.isfinite(warped(warpers, flat, ("Epsilon", 0.5))).sum() == 4
    assert np.isfinite(ours(flat, ("epsilon", "1/2"))).sum() == 1
    peaked = np.array([[9.0, 1.0, 0.5, 0.0]], dtype=np.float32)
    for name, warper in WARPERS.items():
        setting = {"nucleus": "top_p", "typical": "mass", "min_p": "min_p"}.get(name, "epsilon")
        options = {setting: 0.5, "min_tokens_to_keep": 3}
        assert np.isfinite(warped(warpers, peaked, (warper, options))).sum() == 3
        assert np.isfinite(ours(peaked, (name, "1/2"))).sum() == 1


# --- float32 logits -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", ["1/100", "3/10", "9/10", "99/100"])
@pytest.mark.parametrize("name", WARPERS)
def test_float32_rows_against_transformers(warpers: ModuleType, name: str, value: str) -> None:
    """Logits as models give them: transformers' kept sets, but in rows within 1e-6 of the threshold."""
    number = int(value.split("/")[0]) / int(value.split("/")[1])
    found = np.isfinite(warped(warpers, logits(), (WARPERS[name], number)))
    mine = np.isfinite(SortedRows.of(logits()).dense(chain((name, value))))
    other = np.flatnonzero((found != mine).any(axis=1))
    assert len(other) <= ROWS // 1000
    assert (margin(logits()[other], name, number) < NEAR).all(), margin(logits()[other], name, number)


def test_float32_rows_against_the_plain_version() -> None:
    """The numbers to what float32 exponentials keep: log p, log c and dense values to 1e-6, whole chains."""
    rows, law = SortedRows.of(logits()), log_softmax(logits())
    steps = (("temperature", "4/5"), ("top_k", 20), ("nucleus", "9/10"))
    for length in range(len(steps) + 1):
        plain = log_weights(law, chain(*steps[:length]))
        dense, window = rows.dense(chain(*steps[:length])), rows.window(chain(*steps[:length]))
        same = (np.isfinite(dense) == np.isfinite(plain)).all(axis=1)
        assert same.sum() >= ROWS - 10
        assert np.abs(window.log_total - log_sum(plain))[same].max() < NEAR
        kept = np.isfinite(plain[same])
        # a shift by the largest logit rounds at its own magnitude
        assert np.abs(dense[same][kept] - plain[same][kept]).max() < 2.0**-23 * np.abs(logits()).max() * 4
    tokens = np.random.default_rng(15).integers(64, size=ROWS)
    assert np.abs(rows.log_prob(tokens) - law[np.arange(ROWS), tokens]).max() < NEAR


def test_logits_need_not_be_normalised() -> None:
    """Any constant added to a row, far from 0 as well: the same windows, log c, and log p."""
    for law in float_rows()[9::4]:
        for steps in chains()[::9]:
            one, two = SortedRows.of(law), SortedRows.of(law + np.array([[5.0], [-700.0], [900.0], [1e4]]))
            assert np.array_equal(np.isfinite(one.dense(steps)), np.isfinite(two.dense(steps)))
            assert np.allclose(one.window(steps).log_total, two.window(steps).log_total, rtol=0, atol=1e-9)
            tokens = law.argmax(axis=1)
            assert np.allclose(two.log_prob(tokens), law.max(axis=1), rtol=0, atol=1e-10)


# --- wrong copies -------------------------------------------------------------------------------------------------


@cache
def panel() -> tuple[tuple[Floats, Chain], ...]:
    """Random rows, and rows with ties where no typical step meets them."""
    tied = [row(w) for w in ((2, 1, 1), (1, 2, 2, 1), (0, 3, 0, 3, 1), (1, 1, 1, 1, 1), (1,) * 10)]
    exact = [
        *(("nucleus", v) for v in ("1/2", "3/10", "3/4", "3/5")),
        *(("epsilon", v) for v in ("1/4", "1/5", "1/10")),
        *(("min_p", v) for v in ("1/2", "1/3")),
        ("eta", "1/2"),
        *(("top_k", k) for k in (1, 2, 3)),
    ]
    cases = [(law, steps) for law in float_rows()[9:24:3] for steps in chains()[::2]]
    settings = [chain(*before, step) for step in exact for before in ((), (("temperature", "1/2"),))]
    topless = chain(("typical", "2/5"), ("min_p", "9/10"))
    return (*((law, steps) for law in tied for steps in settings), (row((40, 9, 10, 11, 12, 13)), topless), *cases)


def noticed() -> bool:
    """Whether some case of the panel comes out otherwise than by the plain version."""
    with np.errstate(all="ignore"):
        return any(differing(law, steps) for law, steps in panel())


Cut = Callable[..., tuple[Any, Any]]


def shifted(cut: Cut, low: int = 0, high: int = 0) -> Cut:
    """A cut whose window is off."""

    def slip(rows: SortedRows, *state: Any) -> tuple[Any, Any]:
        first, last = cut(rows, *state)
        return np.minimum(first + low, last - 1), np.clip(last + high, first + 1, rows.possible)

    return slip


def typical_from_the_top(rows: SortedRows, low: Any, high: Any, power: float, step: Any) -> tuple[Any, Any]:
    """As many tokens, but the most probable ones."""
    first, last = ORIGINAL["typical"](rows, low, high, power, step)
    return low, low + (last - first)


ORIGINAL: dict[str, Cut] = dict(sorted_rows._CUTS)
CUTS: dict[str, tuple[str, Cut]] = {
    "nucleus keeps one more": ("nucleus", shifted(ORIGINAL["nucleus"], high=1)),
    "nucleus stops one short": ("nucleus", shifted(ORIGINAL["nucleus"], high=-1)),
    "nucleus of the whole row": (
        "nucleus",
        lambda rows, low, high, power, v: ORIGINAL["nucleus"](rows, 0 * low, rows.possible, power, v),
    ),
    "epsilon of weights that do not sum to 1": (
        "epsilon",
        lambda rows, low, high, power, v: sorted_rows._at_least(
            rows, low, high, power, np.log(to_float(v.value)) + 0.0 * low
        ),
    ),
    "min-p against the row's top": (
        "min_p",
        lambda rows, low, high, power, v: sorted_rows._at_least(
            rows, low, high, power, np.log(max(to_float(v.value), 1e-300)) + power * rows.falling[:, 0]
        ),
    ),
    "min-p before the temperature": (
        "min_p",
        lambda rows, low, high, power, v: ORIGINAL["min_p"](rows, low, high, 1.0, v),
    ),
    "eta before the temperature": ("eta", lambda rows, low, high, power, v: ORIGINAL["eta"](rows, low, high, 1.0, v)),
    "eta of the whole row's entropy": (
        "eta",
        lambda rows, low, high, power, v: sorted_rows._at_least(
            rows,
            low,
            high,
            power,
            np.minimum(
                np.log(to_float(v.value)), np.log(to_float(v.value)) / 2 - rows.entropy(0 * low, rows.possible, power)
            )
            + np.log(rows.mass(low, high, power)),
        ),
    ),
    "typical is the nucleus": ("typical", ORIGINAL["nucleus"]),
    "typical from the top": ("typical", typical_from_the_top),
    "typical one place down": ("typical", shifted(ORIGINAL["typical"], low=1)),
}


def test_the_panel_agrees() -> None:
    """The control of the controls."""
    assert not noticed()


@pytest.mark.parametrize("slip", CUTS)
def test_wrong_cuts_are_noticed(slip: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each slip in a rule changes what some row keeps."""
    name, cut = CUTS[slip]
    monkeypatch.setitem(sorted_rows._CUTS, name, cut)
    assert noticed()


@pytest.mark.parametrize("slip", ["no tolerance", "one cache for all powers", "ties not counted", "unsorted ties"])
def test_wrong_parts_are_noticed(slip: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sums that fall short by an ulp, totals of another temperature, ranks that forget equals."""
    if slip == "no tolerance":
        monkeypatch.setattr(sorted_rows, "_ON", 0.0)
    elif slip == "one cache for all powers":
        original = SortedRows.totals
        monkeypatch.setattr(SortedRows, "totals", lambda self, power: original(self, next(iter(self._totals), power)))
    elif slip == "ties not counted":
        monkeypatch.setattr(
            SortedRows,
            "rank",
            lambda self, t: self._first(lambda at: self._value(at) <= own(self, t), 0, self.logits.shape[1]),
        )
    else:
        monkeypatch.setattr(SortedRows, "dense", lambda self, steps: unresolved(self, steps))
    assert noticed()


def own(rows: SortedRows, tokens: Any) -> Floats:
    """The shifted logit of one token per row."""
    return rows.logits[np.arange(len(tokens)), tokens] - rows.logits.max(axis=1)


def unresolved(rows: SortedRows, steps: Chain) -> Floats:
    """dense() that keeps every token tied with the last kept one."""
    window, law = rows.window(steps), log_softmax(rows.logits)
    ordered = -np.sort(-law, axis=1)
    bottom = np.take_along_axis(ordered, window.high[:, None] - 1, axis=1)
    top = np.take_along_axis(ordered, window.low[:, None], axis=1)
    return np.where((law >= bottom) & (law <= top), window.power * law, -np.inf)


# --- draws ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("steps", chains()[::3], ids=str)
def test_draws_are_those_of_the_dense_weights(steps: Chain) -> None:
    """Without an array of weights, also where tokens of one probability lie across an edge of the window."""
    rng = np.random.default_rng(7)
    tied = [np.tile(row([5, 3, 3, 3, 2, 2, 1, 1, 1]), (6, 1)), np.log(np.full((6, 40), 1 / 40))]
    for law in [*float_rows(), *tied]:
        for kind in (np.float64, np.float32):
            rows = SortedRows.of(law.astype(kind))
            weight, window = rows.dense(steps), rows.window(steps)
            for uniform in (rng.random(len(law)), np.zeros(len(law)), np.full(len(law), np.nextafter(1.0, 0.0))):
                found = rows.draw(window, uniform)
                assert (found == first_above(np.exp(weight - weight.max(axis=1, keepdims=True)), uniform)).all()


def test_rows_are_sorted_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Temperatures need no order; what one part has sorted is not sorted again when parts are joined."""
    law = float_rows()[-1]
    one, two = SortedRows.of(law), SortedRows.of(law[::-1].copy())
    one.dense(chain(("temperature", "1/2")))
    assert one._falling is None
    one.window(chain(("top_k", 2)))
    assert one._falling is not None
    both = SortedRows.joined([one, two])
    assert (both.falling == -np.sort(-np.concatenate([law, law[::-1]]), axis=1)).all()
    assert (both.logits == np.concatenate([law, law[::-1]])).all()
    assert SortedRows.joined([SortedRows.of(law), two])._falling is not None
    assert SortedRows.joined([SortedRows.of(law), SortedRows.of(law)])._falling is None


# --- what was found wrong -----------------------------------------------------------------------------------------


def test_float32_logits_that_merge_below_the_peak() -> None:
    """4, 1 and the next number above 1: three ranks, also where 1 - 4 and its neighbour round to the same float."""
    logits = np.array([[4.0, 1.0, np.nextafter(np.float32(1), np.float32(2))]], dtype=np.float32).repeat(3, axis=0)
    rows = SortedRows.of(logits)
    assert rows.rank(np.arange(3)).tolist() == [0, 2, 1]
    kept = rows.log_weight(rows.window(chain(("top_k", 2))), np.arange(3))
    assert np.isfinite(kept).tolist() == np.isfinite(rows.dense(chain(("top_k", 2)))[0]).tolist() == [True, False, True]


@pytest.mark.parametrize("weights", [[3, 1, 1, 1, 1], [400] + [1] * 600])
@pytest.mark.parametrize("temperature", ["1/30", "1/5", "1/10", "3"])
def test_a_temperature_behind_locally_typical(weights: list[int], temperature: str) -> None:
    """The most probable tokens are lost to the window, and nothing of them to the digits of log c."""
    law = log_softmax(np.log(np.array([weights], dtype=np.float64)))
    for value in ("2/5", "1/2"):
        steps = chain(("typical", value), ("temperature", temperature), ("nucleus", "9/10"))
        for part in (steps[:1], steps[:2], steps):
            plain = log_weights(law, part)
            assert SortedRows.of(law).window(part).log_total == pytest.approx(log_sum(plain), rel=1e-12)


def test_what_is_drawn_is_kept_when_it_is_scored() -> None:
    """Drawn and scored in the same float32: no token gets log w = -inf under the setting that drew it."""
    rng = np.random.default_rng(4)
    law = log_softmax((3 * rng.standard_normal((200, 5000))).astype(np.float32))
    steps = chain(("temperature", "4/5"), ("nucleus", "9/10"))
    weight = sorted_rows.float32_log_weights(law, steps)
    rows = SortedRows.of(law.astype(np.float32))
    window = rows.window(steps)
    last = np.where(np.isfinite(weight), law, np.inf).argmin(axis=1)  # the least probable token that is kept
    assert np.isfinite(rows.log_weight(window, last)).all()
