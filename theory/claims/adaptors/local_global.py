"""adaptors.local-global: local and global temperature differ by Cov(f, sum h), to first order at T = 1."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from flint import arb, fmpq

from theory.adaptors.exact import chain
from theory.adaptors.gauge import (
    global_series,
    local_series,
    local_slope,
    path_entropy,
)
from theory.adaptors.log_forms import LogForm
from theory.adaptors.order_preserving import mean_point, string_points
from theory.arithmetic.exact import Array
from theory.claims.adaptors.tree_models import (
    cooled_changes,
    three_string_trees,
)
from theory.claims.claim import Case, Claim, Clause, Control, Finding, Profile
from theory.claims.instances import case, named, small
from theory.claims.tree_search import tree
from theory.models.finite import FiniteModel
from theory.probability.information import total_variation

_STEP = fmpq(1, 2**60)


@dataclass(frozen=True, slots=True, eq=False)
class Cooling:
    """A model, and what T = 1/2 does to its means.

    Args:
        moves: the signs of the changes of E L and E R, global, then of E L and E R, local; () where nothing is said.
    """

    found: FiniteModel
    moves: tuple[int, ...] = ()


def _moves(found: FiniteModel) -> list[tuple[str, LogForm, LogForm]]:
    """(mean, its change under global T = 1/2, its change under local T = 1/2) for E L and E R, formally."""
    points = string_points(found.aligned)
    everywhere, stepwise = (mean_point(points, change) for change in cooled_changes(found))
    return [("E L", everywhere.log_prior, stepwise.log_prior), ("E R", everywhere.reward, stepwise.reward)]


def _quotient(found: FiniteModel, values: Array, normalise: str) -> arb:
    """d E f / d tau at 1 as a symmetric difference of adapted laws, less h^2/6 times an enclosure of d^3 E f."""
    means = []
    for tau in (1 + _STEP, 1 - _STEP):
        law = found.law(chain(("temperature", 1 / tau)), normalise)
        means.append((law.prob * values[law.string]).sum())
    around = arb(1, float(_STEP))
    if normalise == "local":
        third = local_series(found.numbers, values, around, 4)[3]
    else:
        third = global_series(found.numbers, values, around, 4)[3]
    return (means[0] - means[1]) / (2 * _STEP) - _STEP**2 * third


def _local_global(content: Cooling, side: int = 1) -> Iterator[Finding]:
    found = content.found
    numbers = found.numbers
    along = path_entropy(numbers)
    yield Finding("E sum h = H", (numbers.prob * along).sum() - found.mean.entropy, clause="chain-rule")
    for name, values in (("L", numbers.log_prior), ("R", numbers.reward), ("I", numbers.surprisal)):
        centred = numbers.prob * (values - (numbers.prob * values).sum())
        formula = -side * (centred * along).sum()
        mean_value, slope = local_slope(numbers, values, arb(1))
        gap = mean_value - (numbers.prob * values).sum()
        yield Finding(f"E_loc {name} = E {name} at tau = 1", gap, clause="slopes")
        gap = -(centred * numbers.surprisal).sum() - slope - formula
        yield Finding(f"d(E_glob - E_loc) {name}, recursion", gap, clause="slopes")
        gap = _quotient(found, values, "global") - _quotient(found, values, "local") - formula
        yield Finding(f"d(E_glob - E_loc) {name}, difference of laws", gap, clause="slopes")
    if content.moves:
        first, second = _moves(found)
        changes = (first[1], second[1], first[2], second[2])
        for label, form, sign in zip(
            ("glob E L", "glob E R", "loc E L", "loc E R"), changes, content.moves, strict=True
        ):
            what = f"change of {label} at T = 1/2 has sign {sign:+d}"
            yield Finding(what, form.number() * sign, "positive", clause="opposite")


def _plus_covariance(found: FiniteModel) -> Iterator[Finding]:
    return _local_global(Cooling(found), side=-1)


def _same_law(found: FiniteModel) -> Iterator[Finding]:
    everywhere, stepwise = cooled_changes(found)
    yield Finding("TV(q_loc, q_glob) at T = 1/2", total_variation(everywhere, stepwise))


def _never_opposite(found: FiniteModel) -> Iterator[Finding]:
    moves = _moves(found)
    both = all(everywhere.sign() * stepwise.sign() < 0 for _, everywhere, stepwise in moves)
    products = (everywhere.ball() * stepwise.ball() for _, everywhere, stepwise in moves)
    worst = functools.reduce(arb.max, products) if both else fmpq(0)
    yield Finding("E L or E R moves the same way under local and global T = 1/2", worst, "nonnegative")


def _never_as_c2(found: FiniteModel) -> Iterator[Finding]:
    moves = _moves(found)
    as_c2 = all(everywhere.sign() > 0 > stepwise.sign() for _, everywhere, stepwise in moves)
    value = functools.reduce(arb.max, (stepwise.ball() for _, _, stepwise in moves)) if as_c2 else fmpq(0)
    yield Finding("not: global raises E L and E R, local lowers both", value, "nonnegative")


def _local_global_cases(profile: Profile) -> list[Case]:
    anchors = [
        ("C2", named("C2")[0], (1, 1, -1, -1)),
        ("3 strings, weights 12", _anchor((1, 3, 2), (3, 1, 2)), (1, 1, -1, -1)),
        ("3 strings, weights 10", _anchor((1, 2, 1), (2, 1, 3)), (-1, 1, 1, -1)),
    ]
    moved = [Case(name, Cooling(c.content, moves), c.spec) for name, c, moves in anchors]
    return [*moved, *(Case(c.name, Cooling(c.content), c.spec) for c in small(profile) if c.name != "C2")]


def _anchor(prior: Sequence[int], exp_reward: Sequence[int]) -> Case:
    return case("", tree((((), ()), ()), prior, exp_reward))


CLAIM = Claim(
    id="adaptors.local-global",
    sentence="C",
    clauses=(
        Clause(
            name="slopes",
            text="for every finite tree and every function f of the string, d(E_glob f - E_loc f)/dtau = "
            "-Cov(f, sum_t h_t) at T = 1, h_t the entropies of the next-token laws met along the string",
            formula=r"\frac{d}{d\tau}\left(\mathbb{E}_{\mathrm{glob}} f - \mathbb{E}_{\mathrm{loc}} f\right)\Big|_{\tau=1}"
            r" = -\operatorname{Cov}_{p_+}\Big(f, \sum_t h_t\Big)",
            formal=("adaptors_local_global_derivative",),
        ),
        Clause(
            name="opposite",
            text="local and global T = 1/2 may move both means in opposite directions: on C2 both rise globally and fall "
            "locally; on [[. .] .] with p = (1, 2, 1), e^R = (2, 1, 3) even the direction of the exchange turns",
            formal=(
                "adaptors_local_global_opposite",
                "adaptors_local_global_turned",
            ),
        ),
        Clause(
            name="chain-rule",
            text="the entropies met along the string sum to H on average: E sum_t h_t = H",
            formula=r"\mathbb E_{p_+}\textstyle\sum_t h_t=H",
            formal=("adaptors_local_global_chain_rule",),
        ),
    ),
    hypotheses=(
        "finitely many strings",
        "h_t entropies of p+'s next-token laws, end included",
    ),
    source="derivatives of q_glob prop. p+^tau and q_loc = prod p+(t|u)^tau / c_tau(u)",
    check=_local_global,
    cases=_local_global_cases,
    controls=(
        Control(
            name="wrong-sign",
            breaks="puts plus the covariance for minus",
            check=_plus_covariance,
            cases=three_string_trees,
            smallest=True,
        ),
        Control(
            name="same-law",
            breaks="drops the covariance: local and global temperature make the same law",
            check=_same_law,
            cases=three_string_trees,
            smallest=True,
        ),
        Control(
            name="same-direction",
            breaks="says that local and global T = 1/2 never move both means in opposite directions",
            check=_never_opposite,
            cases=three_string_trees,
            smallest=True,
        ),
        Control(
            name="both-cool",
            breaks="says that no tree has both means raised by global and lowered by local T = 1/2, as C2 has",
            check=_never_as_c2,
            cases=three_string_trees,
            smallest=True,
        ),
    ),
    remark="On a table local and global temperature give the same law. They agree to first order wherever the "
    "entropies met along the string have the same sum for every string. C2 has 5 strings, but 3 suffice. The smallest "
    "tree on which local and global T = 1/2 move both means in opposite directions has weights that sum to 10; on it "
    "one trades L for R and the other R for L. The smallest on which, as on C2, the global one raises both means and "
    "the local one lowers both has weights that sum to 12.",
    figure="plane",
    order=4100,
    sketch=r"""
$\log q_{loc}=\tau\log p_+-\sum_t\log c_t(\tau)$ and $\frac d{d\tau}\log c_t|_{1}=-h_t$. So the two derivatives of
$\log q$ at $\tau=1$ differ by $-\sum h_t$ and a constant; integrate $f$ against the difference.
""",
)
