"""adaptors.truncation: kept sets and laws prefix by prefix in rationals, edited formulas."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction

import pytest
from flint import arb
from hypothesis import given
from hypothesis import strategies as st

from tests.strategies import models
from tests.theory.claims.adaptors.rationals import mean, parts
from tests.theory.claims.edits import (
    Edit,
    first_nudged,
    ln,
    model,
    moment,
    negated,
    numbers,
    one_nudged,
    rational,
    rotated,
    turns_red,
)
from theory.adaptors.exact import adapt, chain, decide
from theory.alignment.gibbs import Aligned
from theory.claims.adaptors.truncation import CLAIM
from theory.claims.claim import Profile
from theory.models.finite import FiniteModel

Tokens = tuple[str, ...]


END = ""


def next_laws(strings: dict[Tokens, Fraction], alphabet: Sequence[str]) -> dict[Tokens, dict[str, Fraction]]:
    """p+(t | u) at every prefix of positive mass, tokens in the alphabet's order, the end last."""
    mass: dict[Tokens, dict[str, Fraction]] = {}
    for y, m in strings.items():
        for place, token in enumerate((*y, END)):
            row = mass.setdefault(y[:place], dict.fromkeys((*alphabet, END), Fraction(0)))
            row[token] += m
    return {u: {t: m / sum(row.values()) for t, m in row.items() if m} for u, row in mass.items()}


def kept(name: str, value: Fraction, row: dict[str, Fraction]) -> set[str]:
    """What the adaptor keeps of a next-token law: by falling probability, ties in the alphabet's order."""
    falling = sorted(row, key=lambda t: -row[t])
    if name == "top_k":
        return set(falling[: int(value)])
    if name == "nucleus":
        runs = (falling[:length] for length in range(1, len(falling) + 1))
        return set(next(run for run in runs if sum(row[t] for t in run) >= value))
    least = value if name == "epsilon" else value * row[falling[0]]
    return {t for t in row if row[t] >= least} or {falling[0]}


TRUNCATIONS = st.one_of(
    st.tuples(st.just("top_k"), st.integers(1, 3).map(Fraction)),
    st.tuples(st.sampled_from(["nucleus", "epsilon", "min_p"]), st.integers(1, 12).map(lambda k: Fraction(k, 12))),
)


@given(models(), TRUNCATIONS)
def test_truncation(aligned: Aligned, adaptor: tuple[str, Fraction]) -> None:
    """CE(q_glob) = H(q_glob) - log p+(S), KL(q_loc||p+) = -E_loc sum log c_t, and both local divergences differ by
    log p+(S). Keeping {I <= c} raises E L + E R.

    Kept sets, c_t and both laws are made here, prefix by prefix in rationals.
    """
    own = parts(aligned)[3]
    names = [tuple(aligned.tree.tokens(int(node))) for node in aligned.node]
    rows = next_laws(dict(zip(names, own, strict=True)), aligned.tree.alphabet)
    sums: dict[int, Fraction] = {}
    for y, name in enumerate(names):
        steps = [(name[:place], token) for place, token in enumerate((*name, END))]
        if all(token in kept(*adaptor, rows[u]) for u, token in steps):
            factors = (sum((rows[u][t] for t in kept(*adaptor, rows[u])), start=Fraction(0)) for u, _ in steps)
            sums[y] = math.prod(factors, start=Fraction(1))
    total = sum((own[y] for y in sums), start=Fraction(0))
    local = [own[y] / sums[y] if y in sums else Fraction(0) for y in range(len(own))]
    whole = [own[y] / total if y in sums else Fraction(0) for y in range(len(own))]
    assert sum(local) == 1

    def divergence(q: list[Fraction], other: list[Fraction]) -> arb:
        return mean(q, [ln(m / o) if m else arb(0) for m, o in zip(q, other, strict=True)])

    entropy = -mean(whole, [ln(m) if m else arb(0) for m in whole])
    assert (mean(whole, [-ln(m) for m in own]) - entropy + ln(total)).contains(0)
    drift = mean(local, [ln(sums[y]) if y in sums else arb(0) for y in range(len(own))])
    assert (divergence(local, own) + drift).contains(0)
    assert (divergence(local, whole) - divergence(local, own) - ln(total)).contains(0)
    found = FiniteModel.of(aligned)
    decided = decide(found.numbers, chain((adaptor[0], rational(adaptor[1]))))
    for normalise, expected in (("local", local), ("global", whole)):
        law = adapt(found.numbers, decided, normalise)
        assert law.string.tolist() == sorted(sums)
        assert all((q - rational(expected[y])).contains(0) for y, q in zip(law.string, law.prob, strict=True))
    for least in sorted(set(own))[1:]:
        likely = [m if m >= least else Fraction(0) for m in own]
        conditional = [m / sum(likely) for m in likely]
        assert mean(conditional, [-ln(m) for m in own]) < mean(own, [-ln(m) for m in own])


def test_greedy_decoding_of_c2_lowers_the_sum() -> None:
    """C2: token by token the most probable string is one of 4/25, of surprisal log 25/4 > H; whole, it is b."""
    entropy = 16 / 25 * math.log(25 / 4) + 9 / 25 * math.log(25 / 9)
    lost = math.log(25 / 4) - entropy
    assert lost == pytest.approx(0.2919, abs=5e-5)
    case = next(c for c in CLAIM.cases(Profile("quick")) if isinstance(c.content, tuple))
    (finding,) = CLAIM.check(case.content)
    assert float(finding.value) == pytest.approx(lost, rel=1e-13)
    assert finding.outcome == "holds"


EDITS: dict[str, tuple[str, Edit]] = {
    "p+": ("C5", numbers("prob", rotated)),
    "one p+": ("C2", numbers("prob", one_nudged)),
    "one I": ("C2", numbers("surprisal", one_nudged)),
    "p+ of a prefix": ("C2", numbers("prefix_prob", first_nudged)),
    "H": ("C2", moment("entropy", negated)),
}


@pytest.mark.parametrize("edit", EDITS)
def test_an_edited_formula_turns_red(edit: str) -> None:
    """The claim holds on the model, and certainly fails once a sign or a digit of one number is changed."""
    name, change = EDITS[edit]
    turns_red(CLAIM, model(name), change)
