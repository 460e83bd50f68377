"""Independent Metropolis-Hastings: what corrects an adaptor, what does not, and what a chain does to corpora."""

from __future__ import annotations

import functools
import itertools
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import sympy as sp
from flint import arb, fmpq, fmpq_mat, fmpq_poly

from theory.adaptors.exact import Chain, Kept, adapt, chain, decide
from theory.arithmetic.exact import Array, ball, exp, objects, rational
from theory.claims.claim import Case, Claim, Control, Finding, Profile, ProofFailed
from theory.claims.instances import Instance, instance, integer_cases, integer_tables, named, random_laws
from theory.claims.symbolic import simplex, vanishes
from theory.corpora.metropolis import (
    IndependentChain,
    acceptance_probability,
    corpus_variance_bound,
    largest_weight,
    stationary_law,
    summation_factor,
    transition_matrix,
)
from theory.examples.finite import C6_PROPOSAL, table
from theory.language_models.tree import TreeModel
from theory.probability.information import total_variation
from theory.specification.finite import parse_specification, write_specification

_SOLVABLE = 20
"""Trees with more strings are left out: linear systems over the rationals are solved."""


# --- what the claims are checked on -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class Chained:
    """A model with an independent Metropolis-Hastings chain, in rationals, towards p+.

    Args:
        chain: its states are the model's strings; of an adaptor, the kept ones, and its target is q_glob.
        negative_from: the corpus correlation is claimed positive below this N and negative from it on, up to N = 400.
    """

    found: Instance
    chain: IndependentChain
    negative_from: int | None = None


@dataclass(frozen=True, slots=True, eq=False)
class AdaptedModel:
    """A model with a chain of adaptors."""

    found: Instance
    steps: Chain


@dataclass(frozen=True, slots=True, eq=False)
class Rational:
    """What a chain of adaptors makes of p+, in rationals; shapes (m,).

    Args:
        local: q_loc of the kept strings.
        product: prod_t c_t along each.
        glob: q_glob.
        restricted: p+ given that the string is kept.
        power: 1 / T.
    """

    local: Array
    product: Array
    glob: Array
    restricted: Array
    power: fmpq


def chained(found: Instance, proposal: Sequence[fmpq | int]) -> Chained:
    """The chain towards p+ that proposes from these weights.

    Raises:
        ValueError: p+ is not rational.
    """
    target = found.aligned.exact_prob()
    if target is None:
        raise ValueError("the claims on chains need a rational p+; give exp_values")
    total = sum((fmpq(w) for w in proposal), start=fmpq(0))
    return Chained(found, IndependentChain.towards(objects(fmpq(w) / total for w in proposal), target))


def chained_case(name: str, found: Instance, proposal: Sequence[fmpq | int]) -> Case:
    """A case with the proposal in its name, and in a comment of its specification."""
    content = chained(found, proposal)
    comment = "# proposal = [" + ", ".join(f'"{q}"' for q in content.chain.proposal) + "]\n"
    weights = ", ".join(str(q) for q in proposal)
    return Case(f"{name}, proposal = ({weights})", content, comment + write_specification(found.aligned))


def replay(spec: str) -> Instance | Chained | AdaptedModel:
    """What a witness's specification describes: with the proposal of its first line, or with its adaptors, if any."""
    parsed, (head, *_) = parse_specification(spec), spec.split("\n")
    found = instance(parsed.aligned)
    if head.startswith("# proposal"):
        return chained(found, [rational(q) for q in tomllib.loads(head.removeprefix("# "))["proposal"]])
    return AdaptedModel(found, parsed.adaptors[0].chain) if parsed.adaptors else found


def adapted_case(name: str, found: Instance, steps: Chain) -> Case:
    """A case with the adaptors in its name and in its specification."""
    words = " then ".join(f"{step.name} {step.value}" for step in steps)
    names, values = (", ".join(f'"{v}"' for v in vs) for vs in zip(*((s.name, s.value) for s in steps), strict=True))
    entry = f'\n[[adaptor]]\nname = [{names}]\nvalue = [{values}]\nnormalise = "local"\n'
    return Case(f"{name}, {words}", AdaptedModel(found, steps), write_specification(found.aligned) + entry)


def smallest_chains(strings: int, max_total: int) -> Iterator[Case]:
    """Chains on so many strings, in the order of the sum of the integer weights of p, e^R and the proposal."""
    found = functools.lru_cache(maxsize=None)(lambda p, x: instance(table(p, x)))
    for total in range(3 * strings, max_total + 1):
        for first in range(2 * strings, total - strings + 1):
            for p, x in integer_tables(strings, first):
                for q in _positive_integers(strings, total - first):
                    if _one_of_each_order(p, x, q):
                        yield chained_case(f"p = {p}, e^R = {x}", found(p, x), q)


def _positive_integers(count: int, total: int) -> Iterator[tuple[int, ...]]:
    for bars in itertools.combinations(range(1, total), count - 1):
        values = tuple(high - low for low, high in itertools.pairwise((0, *bars, total)))
        if np.gcd.reduce(values) == 1:
            yield values


def _one_of_each_order(p: Sequence[int], x: Sequence[int], q: Sequence[int]) -> bool:
    """Of the orders of the strings, all the same model, the ascending one."""
    return all(one <= two for one, two in itertools.pairwise(zip(p, x, q, strict=True)))


def _two_strings(profile: Profile) -> Iterator[Case]:
    return smallest_chains(2, 14)


def _three_strings(profile: Profile) -> Iterator[Case]:
    """For controls that two strings cannot refute: there Corr(L, R) is +-1, and acceptance is 1 - TV exactly."""
    return smallest_chains(3, 16)


@functools.lru_cache(maxsize=4)
def _chains(profile: Profile) -> tuple[Case, ...]:
    """C6; C4 proposing from its target and from its prior; random tables, proposals from the profile's seed."""
    (c4,), (c6,) = named("C4"), named("C6")
    cases = [chained_case("C6", c6.content, C6_PROPOSAL)]
    cases.append(chained_case("C4", c4.content, c4.content.mass()))
    cases.append(chained_case("C4", c4.content, c4.content.aligned.prior))
    rng = np.random.default_rng(profile.seed)
    for case in random_laws(profile):
        if case.name.startswith("random table"):
            proposal = rng.integers(1, 13, len(case.content.aligned))
            cases.append(chained_case(case.name, case.content, [int(v) for v in proposal]))
    return tuple(cases)


_STEPS = (
    chain(("temperature", "1/2")),
    chain(("nucleus", "3/5")),
    chain(("temperature", "1/2"), ("nucleus", "3/5")),
    chain(("top_k", 2), ("temperature", "1/3")),
    chain(("temperature", "1/2"), ("typical", "1/2")),
    chain(("min_p", "1/2")),
    chain(("temperature", 2), ("top_k", 2)),
)


def _trees(profile: Profile) -> Iterator[Case]:
    trees = [c for c in random_laws(profile) if c.name.startswith("random tree")]
    for case in (*named("C2"), *trees):
        if 1 < len(case.content.aligned) <= _SOLVABLE:
            for steps in _STEPS:
                yield adapted_case(case.name, case.content, steps)


def _corrections(profile: Profile) -> Iterator[Case]:
    """The chains from q_loc to q_glob of the trees."""
    for case in _trees(profile):
        content = correction(case.content)
        if content is not None:
            yield replace(case, content=content)


def correction(content: AdaptedModel) -> Chained | None:
    """The chain from q_loc to q_glob; None where they are not rational, or only one string is kept."""
    law = adapted_law(content.found, content.steps)
    if law is None or len(law.local) == 1:
        return None
    return Chained(content.found, IndependentChain.correcting(law.local, law.product))


def adapted_law(found: Instance, steps: Chain) -> Rational | None:
    """q_loc, prod c_t, q_glob and p+ restricted, in rationals; None where 1 / T is not a whole number.

    Each string is walked by itself, so that the route shares nothing with ``theory.adaptors.exact`` but the kept sets.
    """
    aligned, prob = found.aligned, found.aligned.exact_prob()
    kept = decide(aligned, found.numbers, steps)
    if prob is None or kept.power.q != 1:
        return None
    power = int(kept.power.p)
    mass = objects([fmpq(0)] * len(aligned.tree))
    mass[aligned.node] = prob
    model = TreeModel.from_masses(aligned.tree, mass)
    chosen = np.flatnonzero(kept.strings(aligned))
    local, product, weight = [], [], []
    for node in aligned.node[chosen]:
        steps_of_string = _walk(model, kept, int(node), power)
        weights, sums = zip(*steps_of_string, strict=True)
        local.append(_times(w / c for w, c in steps_of_string))
        product.append(_times(sums))
        weight.append(_times(weights))
    raised, own = objects(weight), prob[chosen]
    return Rational(objects(local), objects(product), raised / raised.sum(), own / own.sum(), kept.power)


def _walk(model: TreeModel, kept: Kept, node: int, power: int) -> list[tuple[fmpq, fmpq]]:
    """(w_t, c_t) of each step of the string that ends at ``node``, its end included."""
    path = [node]
    while path[0] > 0:
        path.insert(0, int(model.tree.parent[path[0]]))
    found = []
    for place, at in enumerate(path):
        children = [child for child in model.tree.children(at) if kept.edge[child]]
        ending = model.end[at] ** power if kept.end[at] else fmpq(0)
        total = sum((model.prob[child] ** power for child in children), start=ending)
        step = ending if at == node else model.prob[path[place + 1]] ** power
        found.append((step, total))
    return found


def _times(values: Any) -> fmpq:
    return functools.reduce(lambda one, two: one * two, values, fmpq(1))


def _gap(first: Array, second: Array) -> fmpq:
    """sum |f - g|: 0 iff they agree everywhere."""
    return sum((abs(a - b) for a, b in zip(first.flat, second.flat, strict=True)), start=fmpq(0))


def _point(n: int, state: int) -> Array:
    return objects(fmpq(int(k == state)) for k in range(n))


def _power(kernel: Array, steps: int) -> Array:
    """P^k by matrix multiplication."""
    n = len(kernel)
    result = fmpq_mat(kernel.tolist()) ** steps
    return objects(result.entries()).reshape(n, n)


# --- ratio --------------------------------------------------------------------------------------------------------


def _ratio_law(proposal: Array, multiple: Array) -> Array:
    """The stationary law, by linear algebra, of the chain that accepts with min(1, m(y') / m(y))."""
    return stationary_law(transition_matrix(proposal, acceptance_probability(multiple)))


def _ratio(content: AdaptedModel) -> Iterator[Finding]:
    found, steps = content.found, content.steps
    kept = decide(found.aligned, found.numbers, steps)
    local, glob = (adapt(found.aligned, found.numbers, kept, how) for how in ("local", "global"))
    yield Finding("the locally normalised law sums to 1", local.prob.sum() - 1)
    ratio = glob.log_prob - local.log_prob - local.log_normaliser
    yield Finding("log q_glob/q_loc - sum log c_t is the same for all strings", _widest(ratio - ratio[0]))
    law = adapted_law(found, steps)
    if law is None:
        return
    yield Finding("q_loc, walked string by string", _widest(local.prob - law.local))
    yield Finding("prod c_t, walked string by string", _widest(exp(local.log_normaliser) - law.product))
    yield Finding("q_glob, walked string by string", _widest(glob.prob - law.glob))
    corrected = _ratio_law(law.local, law.product)
    yield Finding("prod c_t(y')/prod c_t(y): the stationary law is q_glob", _gap(corrected, law.glob))
    mistaken = _ratio_law(law.local, law.restricted / law.local)
    yield Finding("p+/q_loc: the stationary law is p+ on the kept strings", _gap(mistaken, law.restricted))
    distance = total_variation(law.glob, law.restricted)
    same = law.power == 1 or _is_constant(law.restricted)
    yield Finding("TV(q_glob, p+ on the kept strings)", distance, "zero" if same else "positive")


def _widest(values: Array) -> Any:
    """The value that is furthest from 0."""
    return max(values, key=lambda v: float(abs(ball(v)).abs_upper()))


def _is_constant(values: Array) -> bool:
    return all(v == values[0] for v in values)


_COOLED = chain(("temperature", "1/2"))


def _mistaken_ratio(found: Instance) -> Iterator[Finding]:
    law = adapted_law(found, _COOLED)
    if law is not None:
        mistaken = _ratio_law(law.local, law.restricted / law.local)
        yield Finding("T = 1/2, ratio p+/q_loc: sum |stationary law - q_glob|", _gap(mistaken, law.glob))


def _without_proposal(found: Instance) -> Iterator[Finding]:
    law = adapted_law(found, _COOLED)
    if law is not None:
        yield Finding(
            "T = 1/2, ratio q_glob(y')/q_glob(y): sum |stationary law - q_glob|",
            _gap(_ratio_law(law.local, law.glob), law.glob),
        )


def _always_differs(found: Instance) -> Iterator[Finding]:
    law = adapted_law(found, _COOLED)
    if law is not None:
        yield Finding("T = 1/2: TV(q_glob, p+) > 0", total_variation(law.glob, law.restricted), "positive")


def _inverted(content: AdaptedModel) -> Iterator[Finding]:
    law = adapted_law(content.found, content.steps)
    if law is not None:
        law_found = _ratio_law(law.local, 1 / law.product)
        yield Finding("ratio prod c_t(y)/prod c_t(y'): sum |stationary law - q_glob|", _gap(law_found, law.glob))


def _ratio_proof() -> list[str]:
    """On the tree of two tokens and two steps: flows between every two strings balance."""
    first = sp.symbols("u1:3", positive=True)
    second = sp.symbols("v1:5", positive=True)
    masses = sp.symbols("p1:5", positive=True)
    sums = [sp.Add(*first) * sp.Add(*second[2 * (k // 2) : 2 * (k // 2) + 2]) for k in range(4)]
    weight = [first[k // 2] * second[k] for k in range(4)]
    local = [w / c for w, c in zip(weight, sums, strict=True)]
    glob = [w / sp.Add(*weight) for w in weight]
    lines = [vanishes(sp.Add(*local) - 1, "q_loc sums to 1")]
    for x, y in itertools.combinations(range(4), 2):
        lines.append(
            vanishes(
                glob[x] * local[y] * sums[y] - glob[y] * local[x] * sums[x],
                f"q_glob balances min(1, prod c_t(y')/prod c_t(y)) between strings {x + 1} and {y + 1}",
            )
        )
    own = masses[0] * local[1] * (masses[1] / local[1]) / (masses[0] / local[0]) - masses[1] * local[0]
    lines.append(vanishes(own, "p+ balances p+/q_loc, whatever q_loc is"))
    return lines


RATIO = Claim(
    id="metropolis.ratio",
    sentence="C",
    title="the ratio of the products of normalisers turns local samples into global ones; p+/q_loc forgets temperature",
    statement=r"\frac{q_{\mathrm{glob}}(y')\,q_{\mathrm{loc}}(y)}{q_{\mathrm{glob}}(y)\,q_{\mathrm{loc}}(y')}"
    r"=\frac{\prod_t c_t(y')}{\prod_t c_t(y)};\quad"
    r"\frac{p_+(y')\,q_{\mathrm{loc}}(y)}{p_+(y)\,q_{\mathrm{loc}}(y')}\text{ leads to }p_+(\cdot\mid S)",
    hypotheses=("S, the kept strings, is what the whole chain of adaptors keeps",),
    source="Hastings (1970); the weights of an adaptor as in theory.adaptors",
    check=_ratio,
    cases=_trees,
    controls=(
        Control(
            "aligned-ratio-with-temperature",
            "uses p+/q_loc, right at T = 1, with T = 1/2",
            _mistaken_ratio,
            integer_cases,
            smallest=True,
        ),
        Control(
            "no-proposal",
            "leaves the proposal out of the ratio",
            _without_proposal,
            integer_cases,
            smallest=True,
        ),
        Control(
            "only-at-temperature-one",
            "drops the hypothesis that p+ is not constant on the kept strings",
            _always_differs,
            integer_cases,
            smallest=True,
        ),
        Control("inverted", "turns the ratio around", _inverted, _trees),
    ),
    proof=_ratio_proof,
    remark="p+/q_loc leads to q_glob if and only if T = 1 or p+ is constant on the kept strings.",
)


# --- spectrum -----------------------------------------------------------------------------------------------------


def _eigenvalue_gap(kernel: Array, eigenvalues: Array) -> fmpq:
    """sum |coefficients of det(x - P) - prod (x - lambda)|."""
    product = _times_polynomial(eigenvalues)
    exact = fmpq_mat(kernel.tolist()).charpoly()
    size = len(kernel) + 1
    return sum((abs(exact[k] - product[k]) for k in range(size)), start=fmpq(0))


def _times_polynomial(roots: Array) -> fmpq_poly:
    return functools.reduce(lambda one, two: one * two, (fmpq_poly([-r, fmpq(1)]) for r in roots))


def _spectrum(content: Chained) -> Iterator[Finding]:
    walk = content.chain
    n, kernel, pi = len(walk), walk.kernel(), walk.target
    star = largest_weight(walk.weight)
    spectrum = walk.spectrum()
    yield Finding("the characteristic polynomial of P", _eigenvalue_gap(kernel, spectrum))
    yield Finding("second eigenvalue - (1 - 1/w*)", spectrum[1] - (1 - 1 / star))
    yield Finding("pi P - pi", _gap(objects((pi[:, None] * kernel).sum(axis=0)), pi))
    heaviest = int(np.flatnonzero(walk.weight == star)[0])
    for steps in (0, 1, 2, 5):
        power = _power(kernel, steps)
        closed = np.array([walk.law_after(steps, _point(n, x)) for x in range(n)], dtype=object)
        yield Finding(f"P^{steps} in closed form", _gap(closed, power))
        distances = [total_variation(row, pi) for row in power]
        yield Finding(
            f"TV after {steps} steps from x1 - (1 - 1/w*)^{steps} (1 - pi(x1))",
            distances[heaviest] - walk.distance_from_heaviest(steps),
        )
        slack = (1 - 1 / star) ** steps - max(distances)
        yield Finding(f"(1 - 1/w*)^{steps} - TV from the worst start", slack, "nonnegative")


def _spectrum_cases(profile: Profile) -> Iterator[Case]:
    yield from _chains(profile)
    yield from itertools.islice(_corrections(profile), 40 if profile.full else 5)


def _smallest_weight_rate(content: Chained) -> Iterator[Finding]:
    spectrum, weight = content.chain.spectrum(), content.chain.weight
    yield Finding("second eigenvalue - (1 - min w)", spectrum[1] - (1 - min(weight)))


def _every_state(content: Chained) -> Iterator[Finding]:
    yield Finding("trace - sum over all states", content.chain.kernel().trace() - content.chain.rejection().sum())


def _heaviest_is_worst(content: Chained) -> Iterator[Finding]:
    walk = content.chain
    for state in range(len(walk)):
        distance = walk.distance_after(1, _point(len(walk), state))
        yield Finding(
            f"TV after a step: from x1 less from state {state + 1}",
            walk.distance_from_heaviest(1) - distance,
            "nonnegative",
        )


@dataclass(frozen=True, slots=True, eq=False)
class _SymbolicChain:
    """A chain on n states in the order of rising weight, so that every min(1, w_j / w_i) is known.

    All entries are elements of one field of rational functions, where equal means equal: in lowest terms.

    Args:
        proposal: q on the simplex.
        weight: w_i, with mean 1 under q.
        target: pi.
        kernel: P, rows.
        rejection: lambda.
        mass: Pi_k = pi_1 + ... + pi_k.
        free: n further symbols for each name asked for.
    """

    proposal: list[Any]
    weight: list[Any]
    target: list[Any]
    kernel: list[list[Any]]
    rejection: list[Any]
    mass: list[Any]
    free: list[list[Any]]


def _symbolic_chain(n: int, names: str = "") -> _SymbolicChain:
    symbols = [f"q{i}" for i in range(1, n)] + [f"{name}{i}" for name in ("w", *names) for i in range(1, n + 1)]
    _, *generators = sp.polys.fields.field(symbols, sp.QQ)
    zero = 0 * generators[0]
    q = [*generators[: n - 1], 1 - sum(generators[: n - 1])]
    blocks = [generators[start : start + n] for start in range(n - 1, len(generators), n)]
    w = [v / _mean(q, blocks[0]) for v in blocks[0]]
    kernel = [[zero if i == j else q[j] * (w[j] / w[i] if j < i else 1) for j in range(n)] for i in range(n)]
    for i in range(n):
        kernel[i][i] = 1 - sum(kernel[i])
    target = [a * b for a, b in zip(q, w, strict=True)]
    rejection = [sum((q[i] * (1 - w[i] / w[k]) for i in range(k)), zero) for k in range(n)]
    return _SymbolicChain(q, w, target, kernel, rejection, list(itertools.accumulate(target)), blocks[1:])


def _mean(law: Sequence[Any], values: Sequence[Any]) -> Any:
    return sum(a * b for a, b in zip(law, values, strict=True))


def _zero(value: Any, what: str) -> str:
    """The line that says ``what``, proved if the rational function is 0.

    Raises:
        ProofFailed: it is not.
    """
    if value != 0:
        raise ProofFailed(f"{what}: does not cancel")
    return what


def _spectrum_proof() -> list[str]:
    lines = []
    for n in (2, 3, 4):
        c = _symbolic_chain(n)
        for k in range(1, n):
            vector = [-c.target[k]] * k + [c.mass[k - 1]] + [0] * (n - k - 1)
            for row, value in zip(c.kernel, vector, strict=True):
                _zero(_mean(row, vector) - c.rejection[k] * value, f"P v = lambda v, n = {n}, k = {k + 1}")
        lines.append(f"P v_k = lambda_k v_k for k = 2, ..., n, n = {n}")
        lines.append(_zero(c.rejection[-1] - 1 + 1 / c.weight[-1], f"lambda_n = 1 - 1/w*, n = {n}"))
    for n in (2, 3):
        c = _symbolic_chain(n, "f")
        phi = c.free[0]
        raised = [a * b for a, b in zip([1, *c.rejection[1:]], phi, strict=True)]
        now, later, still = (_function_of_kernel(c, values) for values in (phi, raised, [phi[0]] * n))
        for x, y in itertools.product(range(n), repeat=2):
            stepped = _mean(c.kernel[x], [row[y] for row in now])
            _zero(stepped - later[x][y], f"one more step, n = {n}")
            _zero(still[x][y] - (phi[0] if x == y else 0), f"no step, n = {n}")
        lines.append(f"P phi(P) = (lambda phi)(P) and 1(P) = 1, hence the k-step law at every k, n = {n}")
    return lines


def _function_of_kernel(c: _SymbolicChain, phi: Sequence[Any]) -> list[list[Any]]:
    """phi(P) in closed form; phi[0] is phi(1), phi[k] is phi(lambda_k).

    At the least weight phi(lambda_1) cancels between T and the diagonal: any value does, and 0 is taken.
    """
    n = len(c.target)
    own = [0 * phi[0], *phi[1:]]
    flow = [phi[0] - phi[-1]] * n
    for k in range(n - 2, -1, -1):
        flow[k] = flow[k + 1] + (own[k + 1] - own[k]) / c.mass[k]
    return [[c.target[y] * flow[max(x, y)] + (own[x] if x == y else 0) for y in range(n)] for x in range(n)]


SPECTRUM = Claim(
    id="metropolis.spectrum",
    sentence="",
    title="every eigenvalue, every k-step law and the distance from the heaviest state are known in closed form",
    statement=r"\lambda_k=\sum_i q_i(1-w_i/w_k)^+\ (k\text{ not of least weight}),\quad"
    r"\lambda_{\max}=1-1/w^*,\quad \mathrm{TV}(P^k(x_1,\cdot),\pi)=(1-1/w^*)^k(1-\pi(x_1))",
    hypotheses=("q and pi have the same finite support", "x_1 is a state of the largest weight"),
    source="Liu (1996), Statistics and Computing 6; Smith and Tierney (1996); Mengersen and Tweedie (1996)",
    check=_spectrum,
    cases=_spectrum_cases,
    controls=(
        Control(
            "reciprocal-weights",
            "takes q/pi for the weight: second eigenvalue 1 - 1/max(q/pi) = 1 - min w",
            _smallest_weight_rate,
            _two_strings,
            smallest=True,
        ),
        Control(
            "every-state",
            "takes lambda of all n states, the one of least weight included, for the spectrum",
            _every_state,
            _two_strings,
            smallest=True,
        ),
        Control(
            "heaviest-is-worst",
            "takes the distance from the heaviest state for the largest over all starts",
            _heaviest_is_worst,
            _two_strings,
            smallest=True,
        ),
    ),
    proof=_spectrum_proof,
    remark="The eigenvalue 1 stands in for the state of least weight, whose lambda is 0. From any start the distance "
    "is at most (1 - 1/w*)^k, and another start than the heaviest state can be further away.",
)


# --- acceptance ---------------------------------------------------------------------------------------------------


def _acceptance(content: Chained) -> Iterator[Finding]:
    walk = content.chain
    q, w, pi = walk.proposal, walk.weight, walk.target
    rate = walk.acceptance()
    pairs = list(itertools.product(range(len(walk)), repeat=2))
    accepted = (pi[:, None] * q[None, :] * acceptance_probability(w)).sum()
    yield Finding("acceptance - sum pi(x) q(y) min(1, w(y)/w(x))", rate - accepted)
    yield Finding("acceptance - E min(w, w')", rate - sum((q[x] * q[y] * min(w[x], w[y]) for x, y in pairs), fmpq(0)))
    yield Finding("acceptance - (1 - Gini(w))", rate - (1 - _gini(walk)))
    moved = 1 - (pi * (walk.kernel().diagonal() - q)).sum()
    yield Finding("acceptance - (1 - E_pi[P(x, x) - q(x)])", rate - moved)
    overlap = 1 - total_variation(pi, q)
    yield Finding("acceptance - 1/w*", rate - 1 / largest_weight(w), "nonnegative")
    yield Finding("acceptance - (1 - TV)^2", rate - overlap * overlap, "nonnegative")
    yield Finding("(1 - TV) - acceptance", overlap - rate, "nonnegative")


def _gini(walk: IndependentChain, share: fmpq = fmpq(1, 2)) -> fmpq:
    """E|w - w'| / (2 E w) under q x q, E w = 1."""
    q, w = walk.proposal, walk.weight
    differences = abs(w[:, None] - w[None, :])
    total: fmpq = (q[:, None] * q[None, :] * differences).sum()
    return total * share


def _acceptance_cases(profile: Profile) -> Iterator[Case]:
    yield from _chains(profile)
    yield from itertools.islice(_corrections(profile), 60 if profile.full else 10)


def _whole_overlap(content: Chained) -> Iterator[Finding]:
    walk = content.chain
    overlap = 1 - total_variation(walk.target, walk.proposal)
    yield Finding("acceptance - (1 - TV)", walk.acceptance() - overlap, "nonnegative")


def _doubled_gini(content: Chained) -> Iterator[Finding]:
    yield Finding("acceptance - (1 - E|w - w'|)", content.chain.acceptance() - 1 + _gini(content.chain, fmpq(1)))


def _acceptance_proof() -> list[str]:
    lines = []
    for n in (2, 3, 4):
        c = _symbolic_chain(n)
        q, w = c.proposal, c.weight
        pairs = list(itertools.product(range(n), repeat=2))
        rate = sum(q[x] * q[y] * w[min(x, y)] for x, y in pairs)
        accepted = sum(c.target[x] * q[y] * (w[y] / w[x] if y < x else 1) for x, y in pairs)
        spread = sum(q[x] * q[y] * (w[max(x, y)] - w[min(x, y)]) for x, y in pairs)
        summed = sum(c.target[i] * (q[i] + 2 * sum(q[i + 1 :])) for i in range(n))
        lines.append(_zero(accepted - rate, f"E_pi E_q min(1, w'/w) = E min(w, w'), n = {n}"))
        lines.append(_zero(rate - 1 + spread / 2, f"E min(w, w') = 1 - Gini(w), n = {n}"))
        lines.append(_zero(rate - summed, f"E min(w, w') = sum_i pi_i (q_i + 2 sum_(j > i) q_j), n = {n}"))
        if n == 2:
            # of two states the first has the smaller weight, hence pi_1 <= q_1
            lines.append(_zero(rate - 1 + q[0] - c.target[0], "acceptance = 1 - TV on two states"))
    return lines


ACCEPTANCE = Claim(
    id="metropolis.acceptance",
    sentence="",
    title="a stationary chain accepts with probability one less the Gini coefficient of its weights",
    statement=r"\mathbb{E}_\pi\mathbb{E}_q\min(1,w'/w)=\mathbb{E}_{q\times q}\min(w,w')=1-\mathrm{Gini}(w)"
    r"\in[\max(1/w^*,(1-\mathrm{TV})^2),\,1-\mathrm{TV}]",
    hypotheses=("the chain is at its target", "a proposal of the present state counts as accepted"),
    source="immediate from the kernel; upper bound: Jensen, E[min(w, w') | w] <= min(w, 1); lower "
    "bounds: min(w, w') >= w w'/w* and min(w, w') >= min(w, 1) min(w', 1)",
    check=_acceptance,
    cases=_acceptance_cases,
    controls=(
        Control(
            "all-of-the-overlap",
            "takes the upper bound 1 - TV for a lower one: the square is lost",
            _whole_overlap,
            _three_strings,
            smallest=True,
        ),
        Control("no-half", "leaves out the 1/2 of the Gini coefficient", _doubled_gini, _two_strings, smallest=True),
    ),
    proof=_acceptance_proof,
)


# --- corpora ------------------------------------------------------------------------------------------------------


def lagged_covariances(walk: IndependentChain, pairs: Sequence[tuple[Array, Array]], size: int) -> list[list[arb]]:
    """Cov(fbar, gbar) over N = 1, ..., ``size`` states of the stationary chain, from the powers of its kernel.

    N^2 Cov = N gamma_0 + sum_k (N - k) (gamma_k(f, g) + gamma_k(g, f)), gamma_k(f, g) = E[f(Y_0) (P^k g)(Y_0)] for
    centred f, g. Takes no sides in reversibility, and knows nothing of eigenvalues.
    """
    kernel, pi = walk.kernel(), walk.target
    rows = []
    for first, second in pairs:
        f, g = first - (pi * first).sum(), second - (pi * second).sum()
        left, right = pi * f, pi * g
        step, total, row = (left * g).sum(), arb(0), []
        for length in range(1, size + 1):
            total = total + step
            row.append(total / length**2)
            f, g = kernel.dot(f), kernel.dot(g)
            step = step + (left * g).sum() + (right * f).sum()
        rows.append(row)
    return rows


def _correlation(walk: IndependentChain, found: Instance, size: int) -> arb:
    """Corr(Lbar, Rbar) over N states of the stationary chain; L and R not constant."""
    log_prior, reward = found.numbers.log_prior, found.numbers.reward
    pairs = ((log_prior, reward), (log_prior, log_prior), (reward, reward))
    cov, var_l, var_r = (walk.corpus_covariance(f, g, size) for f, g in pairs)
    correlation: arb = cov / (var_l * var_r).sqrt()
    return correlation


def _corpora(content: Chained) -> Iterator[Finding]:
    walk, found = content.chain, content.found
    log_prior, reward, surprisal = found.numbers.log_prior, found.numbers.reward, found.numbers.surprisal
    star = largest_weight(walk.weight)
    pairs = [(log_prior, reward), (surprisal, surprisal)]
    sizes = (1, 2, 3, 10)
    by_kernel = lagged_covariances(walk, pairs, max(sizes))
    for name, (f, g), row in zip(("Cov(Lbar, Rbar)", "Var(Ibar)"), pairs, by_kernel, strict=True):
        for size in sizes:
            closed = walk.corpus_covariance(f, g, size)
            yield Finding(f"{name} at N = {size}: closed form - powers of the kernel", closed - row[size - 1])
    variance = found.mean.var_surprisal
    for size in sizes:
        least = min((2 * star - 1) * size - factor for factor in summation_factor(walk.rejection(), size))
        yield Finding(f"(2 w* - 1) N - the largest variance factor, N = {size}", least, "nonnegative")
        if star > 1 and not found.mean.constant.surprisal:
            slack = corpus_variance_bound(variance, star, size) - by_kernel[1][size - 1]
            yield Finding(f"(2 w* - 1) V/N - Var(Ibar), N = {size}", slack, "positive")
    heaviest = _point(len(walk), int(np.flatnonzero(walk.weight == star)[0]))
    spread = walk.corpus_covariance(heaviest, heaviest, 1)
    limit = walk.asymptotic_covariance(heaviest, heaviest)
    yield Finding("lim N Var / V - (2 w* - 1) for the indicator of x1", limit / spread - (2 * star - 1))
    iid = IndependentChain.towards(walk.target, walk.target)
    for size in (2, 10):
        apart = iid.corpus_covariance(log_prior, reward, size) * size - found.mean.cov
        yield Finding(f"independent strings: N Cov(Lbar, Rbar) - Cov(L, R), N = {size}", apart)
    if content.negative_from is not None:
        yield from _sign_change(content, content.negative_from)


def _sign_change(content: Chained, first: int) -> Iterator[Finding]:
    """The sign of the correlation at N = 1, ..., 400 and in the limit, both routes."""
    walk, found = content.chain, content.found
    row = lagged_covariances(walk, [(found.numbers.log_prior, found.numbers.reward)], 400)[0]
    for size, by_kernel in enumerate(row, start=1):
        closed = walk.corpus_covariance(found.numbers.log_prior, found.numbers.reward, size)
        yield Finding(f"Cov at N = {size}: closed form - powers of the kernel", closed - by_kernel)
        signed = by_kernel if size < first else -by_kernel
        yield Finding(f"Cov(Lbar, Rbar) {'>' if size < first else '<'} 0 at N = {size}", signed, "positive")
    for size, value in ((1, 179), (2, -65), (10, -523), (400, -727)):
        gap = abs(_correlation(walk, found, size) - fmpq(value, 1000))
        yield Finding(f"Corr at N = {size} is {value / 1000:.3f} to three digits", fmpq(1, 2000) - gap, "positive")
    limit = walk.asymptotic_covariance(found.numbers.log_prior, found.numbers.reward)
    yield Finding("lim N Cov(Lbar, Rbar) < 0", -limit, "positive")


def _corpora_cases(profile: Profile) -> Iterator[Case]:
    for case in _chains(profile):
        change = 2 if case.name.startswith("C6") else None
        yield replace(case, content=replace(case.content, negative_from=change))


def _varies(content: Chained) -> bool:
    """Whether L and R vary and the chain is no sequence of independent draws."""
    constant = content.found.mean.constant
    return not (constant.log_prior or constant.reward or _is_constant(content.chain.weight))


def _iid_identity(content: Chained) -> Iterator[Finding]:
    if _varies(content):
        gap = _correlation(content.chain, content.found, 2) - content.found.mean.correlation
        yield Finding("chain, N = 2: Corr(Lbar, Rbar) - Corr(L, R)", gap)


def _same_sign(content: Chained) -> Iterator[Finding]:
    found = content.found
    if _varies(content) and found.mean.cov > 0:
        found_cov = content.chain.corpus_covariance(found.numbers.log_prior, found.numbers.reward, 10)
        yield Finding("Cov(L, R) > 0; chain, N = 10: Cov(Lbar, Rbar) >= 0", found_cov, "nonnegative")


def _smaller_bound(content: Chained) -> Iterator[Finding]:
    walk, found = content.chain, content.found
    if not found.mean.constant.surprisal:
        star = largest_weight(walk.weight)
        found_var = walk.corpus_covariance(found.numbers.surprisal, found.numbers.surprisal, 2)
        slack = found.mean.var_surprisal * (star - 1) / 2 - found_var
        yield Finding("(w* - 1) V/N - Var(Ibar), N = 2", slack, "nonnegative")


def _from_proposal(content: Chained) -> Iterator[Finding]:
    walk, found = content.chain, content.found
    if not found.mean.constant.surprisal:
        q, surprisal = walk.proposal, found.numbers.surprisal
        var = (q * surprisal * surprisal).sum() - (q * surprisal).sum() ** 2
        bound = corpus_variance_bound(found.mean.var_surprisal, largest_weight(walk.weight), 1)
        if not _is_constant(walk.weight):
            yield Finding("started at q: (2 w* - 1) V/N - Var(Ibar), N = 1", bound - var, "nonnegative")


def _corpora_proof() -> list[str]:
    """Both sides are symmetric bilinear in (f, g) - the kernel is reversible - so that f = g proves it for all."""
    lines = []
    for n in (2, 3, 4):
        c = _symbolic_chain(n, "f")
        (f,) = c.free
        modes = []
        for k in range(1, n):
            gap = f[k] - _mean(c.target[:k], f[:k]) / c.mass[k - 1]
            modes.append(c.target[k] * c.mass[k - 1] / c.mass[k] * gap * gap)
        lines.append(_zero(_covariance(c, f, f) - sum(modes), f"Var(f) = sum m_k, n = {n}"))
        if n < 4:
            lag = _covariance(c, f, [_mean(row, f) for row in c.kernel])
            decayed = _mean(modes, c.rejection[1:])
            lines.append(_zero(lag - decayed, f"Cov(f(Y_0), f(Y_1)) = sum m_k lambda_k, n = {n}"))
        for i, j in itertools.combinations(range(n), 2):
            _zero(c.target[i] * c.kernel[i][j] - c.target[j] * c.kernel[j][i], f"pi_{i} P_{i}{j} = pi_{j} P_{j}{i}")
        lines.append(f"pi_i P_ij = pi_j P_ji, n = {n}")
    x, w, power, size = sp.symbols("x w P N", positive=True)
    # P stands for x^N
    factor = size * (1 + x) / (1 - x) - 2 * x * (1 - power) / (1 - x) ** 2
    longer = factor.subs({size: size + 1, power: power * x}, simultaneous=True)
    lines.append(vanishes(factor.subs({size: 1, power: x}) - 1, "S_1 = 1"))
    rest = longer - factor - 1 - 2 * x * (1 - power) / (1 - x)
    lines.append(vanishes(rest, "S_(N+1) - S_N = 1 + 2 (x + ... + x^N), every N"))
    ratio = (1 + x) / (1 - x)
    lines.append(vanishes(ratio.subs(x, 1 - 1 / w) - 2 * w + 1, "(1 + x)/(1 - x) = 2 w - 1 at x = 1 - 1/w"))
    return lines


def _covariance(c: _SymbolicChain, first: Sequence[Any], second: Sequence[Any]) -> Any:
    products = [a * b for a, b in zip(first, second, strict=True)]
    return _mean(c.target, products) - _mean(c.target, first) * _mean(c.target, second)


CORPORA = Claim(
    id="metropolis.corpora",
    sentence="A",
    title="a working chain changes the correlation of corpora, and can turn a positive one negative",
    statement=r"\mathrm{Var}(\bar I)\le(2w^*-1)\,V/N;\quad \mathrm{Cov}(\bar L,\bar R)=\frac1{N^2}\sum_k m_k"
    r"\Bigl[N\tfrac{1+\lambda_k}{1-\lambda_k}-\tfrac{2\lambda_k(1-\lambda_k^N)}{(1-\lambda_k)^2}\Bigr]",
    hypotheses=("the chain starts at its target", "one corpus is N successive states"),
    source="Liu (1996), Statistics and Computing 6, for the spectrum; Kipnis and Varadhan (1986) for the variance",
    check=_corpora,
    cases=_corpora_cases,
    controls=(
        Control(
            "iid-identity",
            "claims Corr(Lbar, Rbar) = Corr(L, R) without independence",
            _iid_identity,
            _three_strings,
            smallest=True,
        ),
        Control(
            "iid-sign",
            "claims that a positive correlation stays positive without independence",
            _same_sign,
            _three_strings,
            smallest=True,
        ),
        Control("smaller-bound", "has (w* - 1) for (2 w* - 1)", _smaller_bound, _two_strings, smallest=True),
        Control("unstationary", "starts the chain at its proposal", _from_proposal, _two_strings, smallest=True),
    ),
    proof=_corpora_proof,
    remark="C6, started at its target: +.179 for independent strings at every N; -.065, -.523, -.727 at N = 2, 10, "
    "400 along the chain, and -.731 in the limit. On two strings the correlation is +-1 for every chain.",
)


# --- accept-all ---------------------------------------------------------------------------------------------------


def _accept_all(content: Chained) -> Iterator[Finding]:
    walk = content.chain
    q, n = walk.proposal, len(walk)
    kernel = transition_matrix(q, objects([fmpq(1)] * n * n).reshape(n, n))
    yield Finding("every row of the kernel is q", _gap(kernel, np.tile(q, (n, 1))))
    yield Finding("the stationary law is q", _gap(stationary_law(kernel), q))
    same = _is_constant(walk.weight)
    yield Finding("TV(q, target)", total_variation(q, walk.target), "zero" if same else "positive")
    f = objects(fmpq(k * k + 1) for k in range(n))
    after = kernel.dot(f)
    yield Finding("Cov(f(Y_0), f(Y_1))", (q * f * after).sum() - (q * f).sum() * (q * after).sum())


def _stays_at_target(content: Chained) -> Iterator[Finding]:
    q, n = content.chain.proposal, len(content.chain)
    kernel = transition_matrix(q, objects([fmpq(1)] * n * n).reshape(n, n))
    yield Finding("sum |stationary law - target|", _gap(stationary_law(kernel), content.chain.target))


def _local_is_global(content: AdaptedModel) -> Iterator[Finding]:
    correct = correction(content)
    if correct is not None:
        yield from _stays_at_target(correct)


def _accept_all_proof() -> list[str]:
    lines = []
    for n in (2, 3, 4):
        q, law = simplex(n), simplex(n, "m")
        stays = [1 - sum(q[:k]) - sum(q[k + 1 :]) for k in range(n)]
        for k in range(n):
            after = stays[k] * law[k] + q[k] * (sum(law) - law[k])
            vanishes(after - q[k], f"(m P)_{k + 1} = q_{k + 1}, n = {n}")
        lines.append(f"m P = q for every law m, n = {n}")
    return lines


ACCEPT_ALL = Claim(
    id="metropolis.accept-all",
    sentence="C",
    title="a chain that accepts every proposal samples from its proposal, whatever its target",
    statement=r"a\equiv1\Rightarrow P(x,\cdot)=q\text{ for every }x,\quad \mu P=q",
    hypotheses=("the acceptance test is always passed",),
    source="immediate; a test written as a one-element tuple is true whatever it holds",
    check=_accept_all,
    cases=_acceptance_cases,
    controls=(
        Control(
            "stationary-at-the-target",
            "claims that the chain that always accepts keeps its target",
            _stays_at_target,
            _two_strings,
            smallest=True,
        ),
        Control(
            "local-is-global",
            "claims that locally normalised samples, all accepted, follow q_glob",
            _local_is_global,
            _trees,
        ),
    ),
    proof=_accept_all_proof,
    remark="The public code at commit ccec1ac, as read, has such a test: audit.accept-all says what follows.",
)


CLAIMS: tuple[Claim, ...] = (RATIO, SPECTRUM, ACCEPTANCE, CORPORA, ACCEPT_ALL)
