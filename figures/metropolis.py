"""Independent Metropolis-Hastings: how fast it forgets, how often it accepts, and what it does to corpora."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from flint import arb, fmpq
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from figures import style
from theory.adaptors.exact import adapt, chain, decide
from theory.alignment.gibbs import Aligned, align
from theory.arithmetic.exact import Array, exp, floats, objects, to_float
from theory.claims.metropolis.corpora import lagged_covariances
from theory.corpora.metropolis import (
    IndependentChain,
    acceptance_probability,
    largest_weight,
    stationary_acceptance,
    stationary_law,
    transition_matrix,
)
from theory.examples import finite as examples
from theory.language_models.rewards import Reward, total_reward
from theory.language_models.tree import TreeModel
from theory.models.finite import FiniteModel
from theory.probability.information import total_variation

CLAIMS = ("metropolis.spectrum", "metropolis.acceptance", "metropolis.corpora", "metropolis.accept-all")
CAPTION = (
    "Total variation from the target after k steps, exactly: C6 (a; w* = 8; circles: powers of the kernel) and the "
    "toy with proposal p and target p+ (b; w* = 45.05). The acceptance rate lies between max(1/w*, (1 - TV)^2) and "
    "1 - TV: all proposals (i, j, k)/24 for the target of C6 (c), and a tree from local to global temperature T (d). "
    "Corpora of C6: Corr(Lbar, Rbar) is .179 at every N for independent strings, and falls from .179 over -.065 "
    "(N = 2) and -.523 (N = 10) to -.727 (N = 400) along the stationary chain (e; circles: powers of the kernel). A "
    "chain that accepts everything is stationary at its proposal (f; marks: laws solved from the kernels)."
)
SEED: int | None = None

DIGITS = 8
"""Sums are taken in float64, in an order of the processor's choice: later digits are not certain."""
PARAMETERS = {
    "C6": "p = (10, 6, 3)/19, e^R = (3, 4, 2), proposal (1, 12, 3)/16",
    "toy": "proposal p, target p+",
    "tree": "examples/tree.toml",
}

Floats = NDArray[np.float64]
Index = NDArray[np.int64]

CorpusCovariance = Callable[[Array, Array, int], arb]
"""Cov(f, g) of the means of N strings, from f, g and N."""

_PARTS = 24
_SIZES = (2, 10, 400)


@dataclass(frozen=True, slots=True, eq=False)
class Forgetting:
    """Total variation from the target, per start, after each number of steps.

    Args:
        steps: k, shape (m,).
        distance: start to TV, shapes (m,).
        bound: (1 - 1/w*)^k, shape (m,).
        powers: (k, TV) from the first start by powers of the kernel, shape (j, 2).
    """

    steps: Floats
    distance: dict[str, Floats]
    bound: Floats
    powers: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Acceptance:
    """Acceptance rates with their bounds, one row per proposal: (x, rate, 1 - TV, 1/w*), shape (m, 4)."""

    rates: Floats

    @property
    def squared(self) -> Floats:
        """(1 - TV)^2."""
        square: Floats = self.rates[:, 2] ** 2
        return square


@dataclass(frozen=True, slots=True, eq=False)
class Record:
    """What is drawn.

    Args:
        c6, toy: total variation against steps.
        proposals: of the target of C6, by the TV of proposal and target.
        named: the proposals of C6 and of the toy, likewise.
        temperatures: the tree, by T.
        chain: (N, Corr) along the stationary chain of C6, shape (m, 2).
        counted: the same at a few N by powers of the kernel.
        levels: the correlation of independent strings, of corpora of accepted-all proposals, and the chain's limit.
        laws: name to probabilities of C6's strings, shapes (3,).
    """

    c6: Forgetting
    toy: Forgetting
    proposals: Acceptance
    named: Acceptance
    temperatures: Acceptance
    chain: Floats
    counted: Floats
    levels: dict[str, float]
    laws: dict[str, Floats]

    def rows(self) -> list[dict[str, str | float]]:
        """One row per point."""
        rows: list[dict[str, str | float]] = []
        for name, found in (("C6", self.c6), ("toy", self.toy)):
            series = found.distance | {"(1 - 1/w*)^k": found.bound}
            for label, values in series.items():
                start = label if label.startswith("(") else f"TV from {label}"
                rows += [
                    {"series": f"{name}, {start}", "x": x, "y": y} for x, y in zip(found.steps, values, strict=True)
                ]
            rows += [{"series": f"{name}, TV by powers of the kernel", "x": x, "y": y} for x, y in found.powers]
        for name, rates in (
            ("C6, proposals", self.proposals),
            ("own proposals", self.named),
            ("tree, T", self.temperatures),
        ):
            rows += [
                {"series": f"{name}: acceptance", "x": x, "y": y, "1 - TV": overlap, "1/w*": least}
                for x, y, overlap, least in rates.rates
            ]
        rows += [{"series": "C6, Corr along the chain", "x": x, "y": y} for x, y in self.chain]
        rows += [{"series": "C6, Corr by powers of the kernel", "x": x, "y": y} for x, y in self.counted]
        rows += [{"series": f"C6, Corr, {name}", "y": y} for name, y in self.levels.items()]
        for name, law in self.laws.items():
            rows += [{"series": f"C6, {name}", "x": float(k + 1), "y": p} for k, p in enumerate(law)]
        return rows


def compute() -> Record:
    """C6 in rationals, the tree in balls, the toy in float64."""
    found = FiniteModel.of(examples.c6())
    walk = _c6_chain(found.aligned)
    toy = examples.toy().floats()
    proposal = np.exp(toy.log_prior)
    far = IndependentChain.towards(proposal / proposal.sum(), toy.prob / toy.prob.sum())
    sizes = np.unique(np.geomspace(1, 1000, 100).round().astype(int)).tolist()
    log_prior, reward = found.numbers.log_prior, found.numbers.reward
    return Record(
        c6=_forgetting(walk, np.arange(0, 41), ("x", "z"), powers=(0, 1, 2, 4, 8, 16, 24, 32, 40)),
        toy=_forgetting(far, np.unique(np.geomspace(1, 1000, 60).round().astype(int)), ("heaviest", "lightest")),
        proposals=_proposals(walk.target),
        named=Acceptance(np.array([_rates(w) for w in (walk, far)])),
        temperatures=_temperatures(),
        chain=np.array([(n, to_float(_correlation(walk.corpus_covariance, log_prior, reward, n))) for n in sizes]),
        counted=_by_powers(walk, log_prior, reward),
        levels={
            "independent": to_float(found.mean.correlation),
            "accept-all": to_float(_law_correlation(walk.proposal, log_prior, reward)),
            "limit": to_float(_correlation(_limit(walk), log_prior, reward, 1)),
        },
        laws=_laws(walk),
    )


def _c6_chain(aligned: Aligned) -> IndependentChain:
    target = aligned.exact_prob()
    assert target is not None, "e^R is rational"
    return IndependentChain.towards(objects(examples.C6_PROPOSAL), target)


def _point(walk: IndependentChain, state: int) -> Array:
    exact = walk.proposal.dtype == object
    point: Array = objects(fmpq(int(k == state)) for k in range(len(walk))) if exact else np.eye(len(walk))[state]
    return point


def _forgetting(
    walk: IndependentChain, steps: Index, starts: tuple[str, str], powers: tuple[int, ...] = ()
) -> Forgetting:
    """From the state of the largest weight, from that of the least (the last such), and from the proposal."""
    weight = list(walk.weight)
    heaviest, lightest = weight.index(max(weight)), len(weight) - 1 - weight[::-1].index(min(weight))
    first = _point(walk, heaviest)
    laws = {starts[0]: first, starts[1]: _point(walk, lightest), "proposal": walk.proposal}
    star = largest_weight(walk.weight)
    by_powers = []
    if powers:
        kernel = walk.kernel()
        for k in range(max(powers) + 1):
            if k in powers:
                by_powers.append((k, to_float(total_variation(first, walk.target))))
            first = first.dot(kernel)
    return Forgetting(
        steps=np.array(steps, dtype=np.float64),
        distance={
            name: np.array([to_float(walk.distance_after(int(k), law)) for k in steps]) for name, law in laws.items()
        },
        bound=np.array([to_float((1 - 1 / star) ** int(k)) for k in steps]),
        powers=np.array(by_powers).reshape(-1, 2),
    )


def _rates(walk: IndependentChain) -> tuple[float, float, float, float]:
    """(TV of proposal and target, acceptance, 1 - TV, 1/w*)."""
    distance = total_variation(walk.proposal, walk.target)
    overlap, least = 1 - distance, 1 / largest_weight(walk.weight)
    return to_float(distance), to_float(walk.acceptance()), to_float(overlap), to_float(least)


def _proposals(target: Array) -> Acceptance:
    """Every proposal (i, j, k) / 24, i, j, k >= 1."""
    rows = []
    for i, j in itertools.product(range(1, _PARTS), repeat=2):
        if i + j < _PARTS:
            proposal = objects(fmpq(v, _PARTS) for v in (i, j, _PARTS - i - j))
            rows.append(_rates(IndependentChain.towards(proposal, target)))
    return Acceptance(np.array(rows))


def tree() -> Aligned:
    """The aligned tree of examples/tree.toml: two letters, a reward per token and a bonus for one string."""
    rows = {
        (): ("1/2", "1/3", "1/6"),
        ("a",): ("1/4", "1/4", "1/2"),
        ("b",): ("0", "1/2", "1/2"),
        ("a", "b"): ("1/3", "1/3", "1/3"),
    }
    model = TreeModel.from_next(
        ("a", "b"), {prefix: [fmpq(*map(int, p.split("/"))) for p in row] for prefix, row in rows.items()}
    )
    token, bonus, beta = {"a": fmpq(1, 4), "b": -fmpq(1, 8)}, {"a b": fmpq(1, 2)}, fmpq(1, 2)
    rewards = [
        total_reward(
            [Reward(exponent=token[t] / beta) for t in name.split()]
            + [Reward(exponent=bonus.get(name, fmpq(0)) / beta)]
        )
        for name in model.names()
    ]
    return align(model, rewards)


def _temperatures() -> Acceptance:
    """From q_loc to q_glob of the tree; by T."""
    aligned = tree()
    numbers = aligned.balls()
    rows = []
    for k in range(-24, 25):
        temperature = fmpq(round(1000 * 4 ** (k / 24)), 1000)
        kept = decide(numbers, chain(("temperature", temperature)))
        local, glob = (adapt(numbers, kept, how) for how in ("local", "global"))
        weight = exp(glob.log_prob - local.log_prob)
        overlap = 1 - total_variation(local.prob, glob.prob)
        values = (temperature, stationary_acceptance(local.prob, weight), overlap, 1 / largest_weight(weight))
        rows.append([to_float(v) for v in values])
    return Acceptance(np.array(rows))


def _correlation(covariance: CorpusCovariance, log_prior: Array, reward: Array, size: int) -> arb:
    """Corr from Cov(f, g) of the means of N strings."""
    cov, var_l, var_r = (
        covariance(f, g, size) for f, g in ((log_prior, reward), (log_prior, log_prior), (reward, reward))
    )
    return cov / (var_l * var_r).sqrt()


def _limit(walk: IndependentChain) -> CorpusCovariance:
    """Of N Cov as N grows."""
    return lambda first, second, _: walk.asymptotic_covariance(first, second)


def _law_correlation(law: Array, log_prior: Array, reward: Array) -> arb:
    """Corr(L, R) of one string, and of the means of independent ones."""
    iid = IndependentChain.towards(law, law)
    return _correlation(iid.corpus_covariance, log_prior, reward, 1)


def _by_powers(walk: IndependentChain, log_prior: Array, reward: Array) -> Floats:
    """(N, Corr) from P^0, ..., P^(N-1), for a few N."""
    pairs = [(log_prior, reward), (log_prior, log_prior), (reward, reward)]
    cov, var_l, var_r = lagged_covariances(walk, pairs, max(_SIZES))
    return np.array([(n, to_float(cov[n - 1] / (var_l[n - 1] * var_r[n - 1]).sqrt())) for n in _SIZES])


def _laws(walk: IndependentChain) -> dict[str, Floats]:
    """Target and proposal, and the stationary laws of the chain and of the one that accepts everything."""
    n = len(walk)
    always = objects([fmpq(1)] * n * n).reshape(n, n)
    laws = {
        "target": walk.target,
        "proposal": walk.proposal,
        "chain": stationary_law(transition_matrix(walk.proposal, acceptance_probability(walk.weight))),
        "accept-all": stationary_law(transition_matrix(walk.proposal, always)),
    }
    return {name: floats(law) for name, law in laws.items()}


# --- drawing ------------------------------------------------------------------------------------------------------


def draw(record: Record, figure: Figure) -> None:
    """Forgetting and acceptance above and in the middle; corpora and the accept-all chain."""
    style.size(figure, style.WIDTH_DOUBLE, 4.5)
    axes = figure.subplot_mosaic([list("abc"), list("def")])
    _draw_forgetting(axes["a"], record.c6, ("from $x$, the heaviest", "from $z$", "from the proposal"))
    axes["a"].set_xlim(-1, 41)
    axes["a"].set_ylim(1e-4, 1.5)
    style.title(axes["a"], "a", "C6 forgets its start")
    _draw_forgetting(axes["b"], record.toy, ("from the heaviest", "from the lightest", "from the proposal"))
    axes["b"].set_xscale("log")
    axes["b"].set_xlim(1, 1000)
    axes["b"].set_ylim(1e-4, 1.5)
    style.title(axes["b"], "b", "the toy, proposal $p$")
    _draw_proposals(axes["c"], record)
    _draw_temperatures(axes["d"], record.temperatures)
    _draw_corpora(axes["e"], record)
    _draw_laws(axes["f"], record.laws)


def _draw_forgetting(axes: Axes, found: Forgetting, labels: tuple[str, str, str]) -> None:
    axes.plot(found.steps, found.bound, **style.line("bound"), label="$(1-1/w^*)^k$")
    looks = (style.line("exact"), style.line("local"), style.line("proposal") | {"linestyle": style.LINE["normal"]})
    for values, look, text in zip(found.distance.values(), looks, labels, strict=True):
        axes.plot(found.steps, values, **look, label=text)
    if len(found.powers):
        axes.plot(*found.powers.T, **style.mark("exact"), markerfacecolor="white", clip_on=False)
    axes.set_yscale("log")
    axes.set_xlabel("steps, $k$")
    axes.set_ylabel("TV from the target")
    axes.legend(loc="lower left")


def _draw_proposals(axes: Axes, record: Record) -> None:
    distance, rate, _, _ = record.proposals.rates.T
    x = np.linspace(0, 1, 101)
    axes.fill_between(x, (1 - x) ** 2, 1 - x, color=style.COLOUR["light"], linewidth=0, zorder=0)
    axes.plot(x, 1 - x, **style.line("Chernoff"), label="$1-$TV")
    axes.plot(x, (1 - x) ** 2, **style.line("limit"), label="$(1-$TV$)^2$")
    axes.plot(distance, rate, **style.mark("strings"), markersize=2.5, label="253 proposals")
    for (far, own, _, _), name, text in zip(record.named.rates, ("p+", "p"), ("C6", "toy"), strict=True):
        axes.plot(far, own, **style.mark(name), markersize=8 if name == "p+" else 4.5, label=text)
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)
    axes.set_xlabel("TV of proposal and target")
    axes.set_ylabel("acceptance rate")
    axes.legend(loc="upper right")
    style.title(axes, "c", "acceptance, target of C6")


def _draw_temperatures(axes: Axes, found: Acceptance) -> None:
    temperature, rate, overlap, least = found.rates.T
    axes.fill_between(
        temperature, np.maximum(least, found.squared), overlap, color=style.COLOUR["light"], linewidth=0, zorder=0
    )
    axes.plot(temperature, overlap, **style.line("Chernoff"), label="$1-$TV")
    axes.plot(temperature, rate, **style.line("exact"), linewidth=1.6, label="acceptance")
    axes.plot(temperature, found.squared, **style.line("limit"), label="$(1-$TV$)^2$")
    axes.plot(temperature, least, **style.line("one-sided"), label="$1/w^*$")
    axes.set_xscale("log")
    axes.set_xticks([0.25, 0.5, 1, 2, 4], ["1/4", "1/2", "1", "2", "4"])
    axes.minorticks_off()
    axes.set_xlim(0.25, 4)
    axes.set_ylim(0, 1.04)
    axes.set_xlabel("temperature, $T$")
    axes.set_ylabel("probability")
    axes.legend(loc="lower right")
    style.title(axes, "d", "a tree, from local to global")


def _draw_corpora(axes: Axes, record: Record) -> None:
    levels = record.levels
    axes.axhline(0, color="black", linewidth=0.6, zorder=1)
    axes.axhline(levels["accept-all"], **style.line("accept-all"))
    axes.axhline(levels["independent"], **style.line("iid"))
    axes.axhline(levels["limit"], **style.line("reference"))
    axes.plot(*record.chain.T, **style.line("chain"))
    axes.plot(*record.counted.T, **style.mark("chain"), markerfacecolor="white")
    for text, level, up, name in (
        ("accept-all", levels["accept-all"], True, "accept-all"),
        ("independent", levels["independent"], True, "iid"),
        ("limit of the chain", levels["limit"], False, "reference"),
    ):
        axes.text(
            900,
            level + (0.04 if up else -0.05),
            f"{text}: ${level:.3f}$",
            color=style.COLOUR[name],
            fontsize=6.5,
            va="bottom" if up else "top",
            ha="right",
        )
    for (size, value), (x, y) in zip(record.counted, ((6, -1), (5, 3), (-4, 4)), strict=True):
        axes.annotate(
            f"${value:.3f}$",
            (size, value),
            (x, y),
            textcoords="offset points",
            ha="right" if x < 0 else "left",
            color=style.COLOUR["chain"],
            fontsize=6,
        )
    axes.text(6.5, -0.33, "stationary chain", color=style.COLOUR["chain"], fontsize=6.5)
    axes.set_xscale("log")
    axes.set_xlim(1, 1000)
    axes.set_ylim(-1, 1)
    axes.set_yticks([-1, -0.5, 0, 0.5, 1])
    axes.set_xlabel("strings in a corpus, $N$")
    axes.set_ylabel("Corr($\\bar L,\\bar R$)", labelpad=-1)
    style.title(axes, "e", "corpora of C6")


def _draw_laws(axes: Axes, laws: dict[str, Floats]) -> None:
    place = np.arange(3)
    for name, offset, text in (("target", -0.19, "target $p_+$"), ("proposal", 0.19, "proposal $q$")):
        colour = "#9a9a9a" if name == "target" else style.COLOUR[name]
        hatch = None if name == "target" else "////"
        axes.bar(
            place + offset, laws[name], 0.36, color=colour, hatch=hatch, edgecolor="white", linewidth=0, label=text
        )
    for name, offset, text in (("chain", -0.19, "chain"), ("accept-all", 0.19, "accept-all chain")):
        axes.plot(
            place + offset,
            laws[name],
            **style.mark(name),
            markersize=6.5,
            markeredgecolor="white",
            label=text,
            zorder=3,
        )
    axes.set_xticks(place, ["$x$", "$y$", "$z$"])
    axes.grid(visible=False, axis="x")
    axes.set_ylim(0, 1.22)
    axes.set_yticks([0, 0.25, 0.5, 0.75, 1])
    axes.set_xlabel("string of C6")
    axes.set_ylabel("stationary probability")
    axes.legend(loc="upper center", ncols=2, handlelength=1.6, columnspacing=0.8, handletextpad=0.5)
    style.title(axes, "f", "what a chain samples")
