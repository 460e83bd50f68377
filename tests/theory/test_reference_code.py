"""Departures of the reference code on models small enough to work out by hand."""

from __future__ import annotations

import math

import pytest
from flint import fmpq

from theory import reference_code as audit
from theory.adaptors.exact import chain
from theory.arithmetic.exact import floats, precision, to_float
from theory.claims.audit.clamped_nll import far_apart
from theory.claims.audit.lost_score import lost_case
from theory.claims.audit.prior_without_prompt import unrewarded
from theory.claims.audit.unscored_end import ended
from theory.claims.instances import law_of, named
from theory.corpora.mixtures import Joint
from theory.models.finite import FiniteModel


def values(law: Joint) -> tuple[float, float, float | None]:
    """E L, E R, Corr(L, R)."""
    with precision():
        corr = audit.correlation(law)
        return (
            to_float(audit.mean_log_prior(law)),
            to_float(audit.mean_reward(law)),
            None if corr is None else to_float(corr),
        )


def test_accept_all_on_c2() -> None:
    """T = 1/2 on p+ = (4, 4, 4, 4, 9)/25: globally weights 16, 16, 16, 16, 81 of 145, locally 64/82 x 1/4 and 18/82.

    Locally token a has (16/25)^2 and b (9/25)^2, 256 to 81; then four tokens alike.
    """
    found = named("C2")[0].content
    with precision():
        both = audit.accept_all(found.numbers, chain(("temperature", "1/2")))
    a, b = math.log(2 / 11), math.log(3 / 11)
    reward_a, reward_b = math.log(4 / 25 / (2 / 11)), math.log(9 / 25 / (3 / 11))
    for law, share in ((both.truth, 81 / 145), (both.computed, 81 / 337)):
        assert values(law)[:2] == pytest.approx((a + share * (b - a), reward_a + share * (reward_b - reward_a)))


def test_flipped_reward() -> None:
    found = named("C3")[0].content
    with precision():
        both = audit.flipped_reward(found.numbers)
    divergence = sum(p * math.log(p / q) for p, q in ((1 / 17, 1 / 7), (4 / 17, 2 / 7), (12 / 17, 4 / 7)))
    assert values(both.truth)[1] == pytest.approx(divergence)
    assert values(both.computed)[1] == pytest.approx(-divergence)
    assert values(both.computed)[2] == pytest.approx(-values(both.truth)[2])


def test_without_prompt_is_mutual_information() -> None:
    """Two prompts, p(y | a) = (2, 1)/3, p(y | b) = (1, 3)/4: p(y) = (11, 13)/24."""
    with precision():
        both = unrewarded((2, 1), (1, 3)).departure()
    joint = {("a", 0): 1 / 3, ("a", 1): 1 / 6, ("b", 0): 1 / 8, ("b", 1): 3 / 8}
    mutual = sum(p * math.log(p / (0.5 * (11 / 24, 13 / 24)[y])) for (_, y), p in joint.items())
    assert values(both.truth)[1:] == (0, None)
    mean, reward, corr = values(both.computed)
    assert mean == pytest.approx(11 / 24 * math.log(11 / 24) + 13 / 24 * math.log(13 / 24))
    assert reward == pytest.approx(mutual)
    assert corr is not None
    assert corr < 0


def test_unscored_end_of_c2_is_nothing() -> None:
    """Every string of C2 ends with certainty."""
    found = named("C2")[0].content
    with precision():
        both = audit.unscored_end(found.numbers)
    assert values(both.computed) == pytest.approx(values(both.truth))


def test_smallest_turned_by_an_unscored_end() -> None:
    """Strings - and a, p = (1, 2)/3, e^R = (1, 2): scored as prefixes L' is (0, log 2/3) and R' (0, log 4/5 - log 2/3).

    With less weight in all, p or e^R is (1, 1) and has no correlation.
    """
    case = ended()
    assert case.name == "strings -, a: p = (1, 2), e^R = (1, 2)"
    with precision():
        both = audit.unscored_end(case.content.numbers)
    assert values(both.truth)[2] == pytest.approx(1)
    prior, aligned = math.log(2 / 3), math.log(4 / 5)
    assert values(both.computed) == pytest.approx((4 / 5 * prior, 4 / 5 * (aligned - prior), -1))


def test_clamp() -> None:
    """-log p+ of the second string is 40 + log(1 + e^-40): 25 with the clamp; half of it under p."""
    with precision():
        found = FiniteModel.of(far_apart())
        on_prior = audit.clamped(found.numbers, law_of(found, [1, 1]))
        on_own = audit.clamped(found.numbers)
        shift = audit.mean_reward(on_own.computed) - audit.mean_reward(on_own.truth)
        assert float(shift) == pytest.approx(15 * math.exp(-40), rel=1e-12)
    assert values(on_prior.computed)[1] - values(on_prior.truth)[1] == pytest.approx(7.5)


def test_clamp_on_own_strings_is_next_to_nothing() -> None:
    """sum over the tokens with p+ < e^-25 of p+ (-log p+ - 25) <= V e^-26, at its largest at p+ = e^-26; V = 32,000."""
    loss = [math.exp(-nats) * (nats - 25) for nats in (25, 25.5, 26, 26.5, 27, 40)]
    assert max(loss) == loss[2] == math.exp(-26)
    assert 1.6e-7 < 32_000 * loss[2] < 2e-7


def test_lost_score_on_c4() -> None:
    """p+ = (2, 1, 2)/5: the third string's surprisal, log(5/2), is added to its reward, log(2/5) - log(1/13)."""
    found = named("C4")[0].content
    with precision():
        both = audit.lost_score(found.numbers, [2])
    assert values(both.computed)[1] - values(both.truth)[1] == pytest.approx(2 / 5 * math.log(5 / 2))
    assert to_float(both.computed.reward[2]) == pytest.approx(math.log(13))
    assert values(both.computed)[0] == values(both.truth)[0]


def test_lost_score_turns_a_sign() -> None:
    found = lost_case().content
    with precision():
        both = audit.lost_score(found.numbers, [len(found.aligned) - 1])
        one, other = audit.correlation(both.truth), audit.correlation(both.computed)
    assert one * other < 0


def test_hidden_top_k_on_the_toy() -> None:
    """194 tokens become 46, the correlation -0.18 becomes -0.48; 156 become 49 by typical, 286 become 50 by eta."""
    found = named("toy")[0].content
    with precision():
        asked, drawn = audit.hidden_top_k(found.numbers, chain(("nucleus", "19/20")))
        corr = [to_float(found.moments(law).correlation) for law in (asked, drawn)]
    falling = sorted(floats(found.numbers.prob), reverse=True)
    shares = [sum(falling[: k + 1]) for k in range(len(falling))]
    assert len(asked.string) == 194 == 1 + sum(s < 0.95 for s in shares)
    assert len(drawn.string) == 46 == 1 + sum(s < 0.95 * shares[49] for s in shares)
    assert corr == pytest.approx([-0.18, -0.48], abs=5e-3)
    for step, counts in ((("typical", "9/10"), (156, 49)), (("eta", "9/10000"), (286, 50))):
        with precision():
            laws = audit.hidden_top_k(found.numbers, chain(step))
        assert tuple(len(law.string) for law in laws) == counts


def test_censored_c2() -> None:
    """After one token: a with 16/25 (8/11 under p), b with 9/25 (3/11)."""
    found = named("C2")[0].content
    with precision():
        both = audit.censored(found.numbers, 1)
        whole = audit.censored(found.numbers, 3)
    mean = 16 / 25 * math.log(8 / 11) + 9 / 25 * math.log(3 / 11)
    assert values(both.computed)[0] == pytest.approx(mean)
    assert values(both.computed)[2] == pytest.approx(-1)
    assert values(both.truth)[2] == pytest.approx(1)
    assert values(whole.computed) == pytest.approx(values(whole.truth))


def test_pool_of_2000() -> None:
    spread = audit.bootstrap_pool(200_000, 2_000)
    assert spread.fresh == fmpq(1, 200_000)
    assert math.sqrt(to_float(spread.error / spread.shown)) == pytest.approx(10.05, abs=5e-3)


def test_rebinned_by_hand() -> None:
    """Three points at L = 0, 1, 4 in two bins: {0, 1} and {4}, each with half of the mass."""
    law = Joint.of([1, 3, 4], [(0, 1), (1, 0), (4, 2)])
    made = audit.rebinned(law, 2)
    assert made.prob.tolist() == [fmpq(1, 8), fmpq(3, 8), fmpq(1, 2)]
    apart = audit.rebinned(law, 4)
    assert apart.prob.tolist() == [fmpq(1, 3), fmpq(1, 3), fmpq(1, 3)]
    assert audit.rebinned(law, 1).prob.tolist() == law.prob.tolist()
