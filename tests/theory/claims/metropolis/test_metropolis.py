"""The claims on independent Metropolis-Hastings: a property each, verdicts, and controls whose witnesses replay."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from flint import arb, fmpq
from hypothesis import given
from hypothesis import strategies as st

from tests.strategies import tables, trees, weights
from theory.adaptors.exact import Chain, adapt, chain, decide
from theory.alignment.gibbs import Aligned
from theory.arithmetic.exact import exp, objects
from theory.claims.claim import Claim, Control, Profile, Verdict, run, run_control
from theory.claims.metropolis.corpora import lagged_covariances
from theory.claims.metropolis.models import (
    AdaptedModel,
    Chained,
    adapted_law,
    chained,
    chained_case,
    correction,
    replay,
    smallest_chains,
)
from theory.claims.registry import find
from theory.corpora.metropolis import IndependentChain, acceptance_probability, stationary_law, transition_matrix
from theory.examples.finite import C6_PROPOSAL, c2, c6
from theory.models.finite import FiniteModel
from theory.probability.information import total_variation
from theory.quantities.answer import quantities
from theory.specification.finite import parse_specification

CLAIMS = find(["metropolis"])

_PAIRS = [(claim, control) for claim in CLAIMS for control in claim.controls]


@st.composite
def chained_tables(draw: Any, smallest: int = 2, largest: int = 4) -> Chained:
    """A table with a chain towards its p+, the proposal from small integers."""
    aligned = draw(tables(smallest, largest, 6))
    proposal = draw(st.lists(st.integers(1, 6), min_size=len(aligned), max_size=len(aligned)))
    return chained(FiniteModel.of(aligned), proposal)


def steps() -> st.SearchStrategy[Chain]:
    """A temperature 1, 1/2 or 1/3, then a truncation."""
    truncation = st.sampled_from(
        [("top_k", "1"), ("top_k", "2"), ("nucleus", "1/2"), ("nucleus", "1"), ("min_p", "1/2")]
    )
    return st.builds(
        lambda t, cut: chain(("temperature", fmpq(1, t)), cut),
        st.integers(1, 3),
        truncation,
    )


# --- one property per claim ---------------------------------------------------------------------------------------


@given(trees(tokens=2, depth=2), steps())
def test_ratio(aligned: Aligned, adaptors: Chain) -> None:
    """prod c_t(y')/prod c_t(y) leads to q_glob = p+^tau 1_S / C; p+/q_loc leads to p+(.|S)."""
    numbers = aligned.balls()
    kept = decide(numbers, adaptors)
    local = adapt(numbers, kept, "local")
    law = adapted_law(FiniteModel.of(aligned), adaptors)
    prob = aligned.exact_prob()
    assert law is not None
    assert prob is not None
    own = prob[local.string]
    raised = objects(p ** int(kept.power.p) for p in own)
    corrected = acceptance_probability(law.product)
    assert (stationary_law(transition_matrix(law.local, corrected)) == raised / raised.sum()).all()
    mistaken = acceptance_probability(own / law.local)
    assert (stationary_law(transition_matrix(law.local, mistaken)) == own / own.sum()).all()
    for found, expected in ((local.prob, law.local), (exp(local.log_normaliser), law.product)):
        assert all(abs(a - b) < arb("1e-60") for a, b in zip(found, expected, strict=True))


@given(chained_tables())
def test_spectrum(content: Chained) -> None:
    """P^k -> pi at the rate 1 - 1/w*: TV from x1 shrinks by exactly that factor in every step."""
    walk = content.chain
    star = max(walk.weight)
    heaviest = [w == star for w in walk.weight].index(True)
    law = objects(fmpq(int(x == heaviest)) for x in range(len(walk)))
    kernel, distance = walk.kernel(), 1 - walk.target[heaviest]
    for _ in range(4):
        assert total_variation(law, walk.target) == distance
        law, distance = objects(law.dot(kernel)), distance * (1 - 1 / star)
    assert walk.spectrum()[1] == 1 - 1 / star


@given(chained_tables(2, 6))
def test_acceptance(content: Chained) -> None:
    """max(1/w*, (1 - TV)^2) <= E min(w, w') <= 1 - TV."""
    walk = content.chain
    pairs = list(itertools.product(range(len(walk)), repeat=2))
    q, w = walk.proposal, walk.weight
    rate = sum((q[x] * q[y] * min(w[x], w[y]) for x, y in pairs), start=fmpq(0))
    overlap = sum((min(a, b) for a, b in zip(q, walk.target, strict=True)), start=fmpq(0))
    assert walk.acceptance() == rate
    assert max(1 / max(w), overlap**2) <= rate <= overlap


@given(chained_tables(), st.integers(1, 6))
def test_corpora(content: Chained, size: int) -> None:
    """Var(fbar) <= (2 w* - 1) Var_pi(f)/N, for every f; the covariances agree with the powers of the kernel."""
    walk = content.chain
    numbers = content.found.numbers
    by_kernel = lagged_covariances(walk, [(numbers.log_prior, numbers.reward)], size)[0][-1]
    assert abs(walk.corpus_covariance(numbers.log_prior, numbers.reward, size) - by_kernel) < arb("1e-60")
    for state in range(len(walk)):
        f = objects(fmpq(int(x == state)) for x in range(len(walk)))
        variance = walk.target[state] * (1 - walk.target[state])
        assert walk.corpus_covariance(f, f, size) <= (2 * max(walk.weight) - 1) * variance / size


@given(chained_tables(), weights(4, 4))
def test_accept_all(content: Chained, start: list[int]) -> None:
    """m P = q for every law m: the target does not come in."""
    q, n = content.chain.proposal, len(content.chain)
    law = objects(fmpq(v, sum(start[:n])) for v in start[:n])
    kernel = transition_matrix(q, objects([fmpq(1)] * n * n).reshape(n, n))
    assert (objects(law.dot(kernel)) == q).all()


# --- anchors ------------------------------------------------------------------------------------------------------


def test_c6_corpora_by_recursion() -> None:
    """E[S_f S_g; Y_N = y] step by step: +.179 at N = 1, then -.065, -.523 (N = 10), -.727 (N = 400)."""
    content = chained(FiniteModel.of(c6()), C6_PROPOSAL)
    numbers, kernel, law = content.found.numbers, content.chain.kernel(), content.chain.target
    values = {"l": numbers.log_prior, "r": numbers.reward}
    first = {name: law * v for name, v in values.items()}
    second = {pair: law * values[pair[0]] * values[pair[1]] for pair in ("ll", "lr", "rr")}
    found = {}
    for size in range(1, 401):
        mean = {name: v.sum() for name, v in first.items()}
        cov = {pair: v.sum() - mean[pair[0]] * mean[pair[1]] for pair, v in second.items()}
        found[size] = cov["lr"] / (cov["ll"] * cov["rr"]).sqrt()
        one = {name: v.dot(kernel) for name, v in first.items()}
        second = {
            pair: v.dot(kernel)
            + one[pair[0]] * values[pair[1]]
            + one[pair[1]] * values[pair[0]]
            + law * values[pair[0]] * values[pair[1]]
            for pair, v in second.items()
        }
        first = {name: v + law * values[name] for name, v in one.items()}
    for size, correlation in ((1, 0.179), (2, -0.065), (10, -0.523), (400, -0.727)):
        assert float(found[size]) == pytest.approx(correlation, abs=5e-4)
    assert all(found[size] < 0 for size in range(2, 401))
    iid = IndependentChain.towards(content.chain.target, content.chain.target)
    for size in (1, 2, 10, 400):
        cov, one, two = (
            iid.corpus_covariance(f, g, size)
            for f, g in (
                (numbers.log_prior, numbers.reward),
                (numbers.log_prior, numbers.log_prior),
                (numbers.reward, numbers.reward),
            )
        )
        assert float(cov / (one * two).sqrt()) == pytest.approx(0.179, abs=5e-4)


def test_c2_correction() -> None:
    """C2 at local T = 1/2: c = 337/625 at the root, 1/4 after a."""
    spec = _c2_cooled()
    adapted = replay(spec)
    assert isinstance(adapted, AdaptedModel)
    content = correction(adapted)
    assert content is not None
    assert list(content.chain.proposal) == [fmpq(81, 337), *[fmpq(64, 337)] * 4]
    assert list(content.chain.target) == [fmpq(81, 145), *[fmpq(16, 145)] * 4]
    reported = quantities(parse_specification(spec))["adaptors"][0]
    assert reported["w_max"] == pytest.approx(float(arb(max(content.chain.weight))), abs=1e-15)
    assert reported["acceptance"] == pytest.approx(float(arb(content.chain.acceptance())), abs=1e-15)


def _c2_cooled() -> str:
    control = next(c for claim, c in _PAIRS if (claim.id, c.name) == ("metropolis.accept-all", "local-is-global"))
    witness = run_control(control, Profile("quick")).witness
    assert witness is not None
    assert len(parse_specification(witness.spec).aligned) == len(c2())
    return witness.spec


# --- verdicts and controls ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.id)
def test_verdict(claim: Claim) -> None:
    result = run(claim, Profile("quick"))
    assert result.verdict is Verdict.PROVED, result.failures
    assert result.as_expected, [c.name for c in result.controls if c.verdict is not Verdict.REFUTED]


@pytest.mark.parametrize(("claim", "control"), _PAIRS, ids=lambda value: getattr(value, "name", None) or value.id)
def test_witness_replays(claim: Claim, control: Control) -> None:
    """The witness's specification holds all that the broken statement fails on."""
    witness = run_control(control, Profile("quick")).witness
    assert witness is not None
    assert witness.spec
    assert any(finding.outcome == "fails" for finding in control.check(replay(witness.spec)))


@pytest.mark.parametrize(
    ("claim", "control", "total"),
    [
        ("metropolis.ratio", "aligned-ratio-with-temperature", 5),
        ("metropolis.ratio", "only-at-temperature-one", 4),
        ("metropolis.spectrum", "heaviest-is-worst", 7),
        ("metropolis.acceptance", "all-of-the-overlap", 11),
        ("metropolis.corpora", "iid-identity", 12),
        ("metropolis.corpora", "iid-sign", 16),
        ("metropolis.accept-all", "stationary-at-the-target", 7),
    ],
)
def test_smallest_witness(claim: str, control: str, total: int) -> None:
    """The sum of the integer weights of the witness; C6 has 10 + 6 + 3 + 3 + 4 + 2 + 1 + 12 + 3 = 44."""
    found = next(c for one, c in _PAIRS if (one.id, c.name) == (claim, control))
    witness = run_control(found, Profile("quick")).witness
    assert witness is not None
    numbers = "".join(character if character.isdigit() else " " for character in witness.case).split()
    assert sum(int(number) for number in numbers) == total


def test_search_leaves_no_smaller_chain_undecided() -> None:
    """Below the sum of the witness of the changed sign every finding is decided, and holds."""
    control = next(c for _, c in _PAIRS if c.name == "iid-sign")
    for case in smallest_chains(3, 15):
        assert all(finding.outcome == "holds" for finding in control.check(case.content)), case.name


def test_smallest_chains_are_exhaustive() -> None:
    """Two strings, sum of weights at most 8: as many as there are classes of weights up to the order of the strings."""
    listed = {case.name for case in smallest_chains(2, 8)}
    classes = set()
    for values in itertools.product(range(1, 5), repeat=6):
        parts = values[:2], values[2:4], values[4:]
        if sum(values) <= 8 and all(np.gcd.reduce(part) == 1 for part in parts):
            columns = sorted(zip(*parts, strict=True))
            p, x, q = zip(*columns, strict=True)
            classes.add(f"p = {p}, e^R = {x}, proposal = {q}")
    assert listed == classes


def test_chained_case_is_a_specification() -> None:
    """The proposal stands in a comment: the file is one that is read."""
    case = chained_case("C6", FiniteModel.of(c6()), C6_PROPOSAL)
    assert case.name == "C6, proposal = (1/16, 3/4, 3/16)"
    assert list(parse_specification(case.spec).aligned.names()) == ["x", "y", "z"]
    again = replay(case.spec)
    assert isinstance(again, Chained)
    assert list(again.chain.proposal) == list(C6_PROPOSAL)
    assert list(again.chain.target) == [fmpq(5, 10), fmpq(4, 10), fmpq(1, 10)]
