"""What independent tests found wrong in the sampling code, each on its smallest case."""

from __future__ import annotations

import numpy as np
import pytest
from flint import fmpq

from simulations.agreement.comparison import event, law
from simulations.agreement.known import Known, corpus_law, example, tree
from simulations.agreement.setting import Setting, decoder_of
from simulations.decoders.dense_tree import Enumeration
from simulations.decoders.tree import TreeDecoder
from simulations.sampling.adaptors import log_softmax, log_weights
from simulations.sampling.draws import TreeWalker
from simulations.sampling.generate import first_above, generate
from simulations.sampling.score import log_probs
from theory.adaptors.exact import chain
from theory.alignment.gibbs import align
from theory.arithmetic.exact import objects
from theory.examples.finite import table
from theory.language_models.rewards import Reward
from theory.language_models.tree import PrefixTree, TreeModel


class Scripted:
    """A decoder that hands out given logits, step by step."""

    def __init__(self, *steps: list[list[float]]) -> None:
        self._steps = [np.array(step) for step in steps]
        self._place = 0
        self.end = len(steps[0][0]) - 1

    def begin(self, prompts: np.ndarray) -> np.ndarray:
        self._place = 0
        return self._steps[0]

    def advance(self, tokens: np.ndarray) -> np.ndarray:
        self._place += 1
        return self._steps[self._place]

    def logits(self, prompts: np.ndarray, tokens: np.ndarray) -> np.ndarray:
        return np.stack(self._steps[: tokens.shape[1]], axis=1)


@pytest.mark.parametrize("scale", [1.0, 1e-15, 1e15, 1e17])
def test_tree_walks_at_any_scale(scale: float) -> None:
    """Weights of one prefix far above those of another: each prefix is normalised by itself."""
    row = [fmpq(1, 2), fmpq(1, 2), fmpq(0)]
    shape = TreeModel.from_next(("a", "b"), {(): [fmpq(1), fmpq(0), fmpq(0)], ("a",): row}).tree
    walker = TreeWalker.of(shape, np.array([1, scale, 1, 2.0]), np.array([0, 1, 1, 1.0]))
    ends = np.bincount(walker.draw(40_000, rng=np.random.default_rng(0)), minlength=4) / 40_000
    assert ends == pytest.approx([0, 1 / 4, 1 / 4, 1 / 2], abs=0.02)


def test_choices_without_weight_are_never_taken() -> None:
    """Not even by a uniform draw that rounds up to the whole."""
    two = PrefixTree(("a", "b"), np.array([-1, 0, 0]), np.array([-1, 0, 1]), (0, 1, 3))
    walker = TreeWalker.of(two, np.array([1.0, 1.0, 0.0]), np.array([0.0, 1.0, 1.0]))
    assert set(walker.draw(1000, rng=np.random.default_rng(0)).tolist()) == {1}
    assert first_above(np.array([[5e-324, 0.0]]), np.array([0.75])).tolist() == [0]


def test_very_cold_temperatures() -> None:
    """Weights that all underflow: the most probable token is drawn."""
    known = tree(1)
    drawn = generate(
        decoder_of(known),
        np.zeros((64, 0), dtype=np.int64),
        chain(("temperature", "1/5000")),
        4,
        rng=np.random.default_rng(0),
    )
    assert np.isfinite(drawn.log_sampled).all()


def test_rows_that_have_ended_may_hold_anything() -> None:
    """Row 0 ends at the first step; its NaN at the second is nobody's business."""
    decoder = Scripted([[-50.0, 0.0], [0.0, -50.0]], [[np.nan, np.nan], [-50.0, 0.0]])
    drawn = generate(
        decoder, np.zeros((2, 1), dtype=np.int64), chain(("nucleus", "1/2")), 2, rng=np.random.default_rng(0)
    )
    assert drawn.tokens.tolist() == [[1, -1], [0, 1]]


def test_typical_distances_that_tie() -> None:
    """(1, 1, 2)/4: every surprisal lies log 2 / 2 from the entropy, and the lowest index is kept."""
    weights = log_weights(log_softmax(np.log([[1.0, 1.0, 2.0]])), chain(("typical", "1/4")))
    assert np.isfinite(weights).tolist() == [[True, False, False]]


def test_exact_ties_survive_in_a_tree() -> None:
    """P(a) = 3/10 = P(b ends here) by sums of subtrees: top-k 2 keeps the lower index of the tie."""
    strings = [(), (0,), (1, 0), (1, 1)]
    model = TreeModel.from_strings(("b", "a"), strings, objects(fmpq(w, 10) for w in (4, 3, 1, 2)))
    _, decoder = TreeDecoder.pair(align(model, [Reward()] * 4))
    first = decoder.begin(np.zeros((1, 0), dtype=np.int64))
    assert first[0, 0] == first[0, 1]
    assert np.isfinite(log_weights(first, chain(("top_k", 2)))).tolist() == [[True, False, True]]


def test_a_row_without_a_possible_token_is_refused() -> None:
    """All -inf where a token stands."""
    decoder = Scripted([[-np.inf, -np.inf]])
    with pytest.raises(ValueError, match="row 0, token 1"):
        log_probs(decoder, np.zeros((1, 1), dtype=np.int64), np.array([[0]]))


def test_outcomes_of_strings_cut_too_soon_are_refused() -> None:
    """A string cut after 1 token of 2 is a prefix of several outcomes."""
    decoder = decoder_of(tree(1))
    cut = generate(decoder, np.zeros((50, 0), dtype=np.int64), (), 1, rng=np.random.default_rng(0))
    with pytest.raises(ValueError, match="was cut after 1 tokens, before 2"):
        Enumeration.of(decoder, np.zeros(0, dtype=np.int64), 2).outcome(cut)


def test_corpora_of_a_law_with_a_zero() -> None:
    """Strings of probability 0 are in no corpus."""
    _, prob = corpus_law(example("C5").adapted(chain(("top_k", 2)), "local"), 3)
    assert prob.sum() == pytest.approx(1)
    assert np.isfinite(prob).all()


def test_shared_arrays_are_read_only() -> None:
    """What is kept for the next caller cannot be changed by this one."""
    with pytest.raises(ValueError, match="read-only"):
        example("C5").adapted(chain(("top_k", 2)), "local")[0] = 9


def test_no_draws_say_nothing() -> None:
    """An event or a law without draws is refused by name."""
    with pytest.raises(ValueError, match="claim, what: no draws"):
        event("claim", "what", 0.5, np.zeros(0, dtype=bool))
    with pytest.raises(ValueError, match="claim, what: no draws"):
        law("claim", "what", np.ones(2) / 2, np.zeros(2, dtype=np.int64))


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
