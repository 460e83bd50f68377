"""What ``probqual exact`` must print for a table or a tree, recomputed by brute force at 60 digits.

A test oracle: it shares no code with ``theory``, enumerates every string and every corpus composition, and
prefers the definition to the formula. Refusing malformed specs is not its business.

A variance below 1e-45 is 0. Ties are within 1e-40: masses and thresholds relatively, nats absolutely.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cmp_to_key
from itertools import combinations, pairwise
from math import comb
from typing import Any, TypeAlias

from mpmath import mp

Real: TypeAlias = Any  # an mpmath mpf; the library ships no types
Reals: TypeAlias = Sequence[Any]
Spec: TypeAlias = Mapping[str, Any]
Path: TypeAlias = tuple[int, ...]

MOST_COMPOSITIONS, MOST_STRINGS = 300_000, 3_000
TIE, ZERO_VARIANCE = "1e-40", "1e-45"


@dataclass(frozen=True, slots=True)
class Aligned:
    """p+ on its support: each string's next-token choices (end included), p+, L, R, I = -log p+; log Z."""

    paths: list[Path]
    prob: list[Real]
    log_prior: list[Real]
    reward: list[Real]
    surprisal: list[Real]
    log_z: Real


def reference(spec: Spec) -> dict[str, Any]:
    """Every key of OUT for a table or tree, each an mpf or None where the contract says null.

    An adaptor's ``name``, ``value`` and ``normalise`` are handed back as the spec wrote them.
    Raises ValueError where a corpus has over 300,000 compositions, or a local tree law over 3,000 strings.
    """
    with mp.workdps(60):
        law = aligned(spec)
        return {
            "log_partition": law.log_z,
            "entropy": mean(law.prob, law.surprisal),
            "varentropy": cov(law.prob, law.surprisal, law.surprisal),
            "mean_log_prior": mean(law.prob, law.log_prior),
            "mean_reward": mean(law.prob, law.reward),
            "var_log_prior": cov(law.prob, law.log_prior, law.log_prior),
            "var_reward": cov(law.prob, law.reward, law.reward),
            "cov": cov(law.prob, law.log_prior, law.reward),
            "corr": corr(law.prob, law.log_prior, law.reward),
            "exchange_coefficient": exchange_coefficient(law.prob, law),
            **corpus_keys(law, spec.get("corpus")),
            "adaptors": [adaptor_keys(law, spec["prior"], entry) for entry in spec.get("adaptor", [])],
        }


def real(x: object) -> Real:
    """A number of the spec to 60 digits; "1/7" and "-inf" as written, a float as its shortest decimal."""
    return mp.mpf(str(x))


def share(weights: Reals) -> list[Real]:
    total = mp.fsum(weights)
    return [w / total for w in weights]


def mean(q: Reals, x: Reals) -> Real:
    """E_q[x]; outcomes of q-mass 0 do not count."""
    return mp.fsum(m * v for m, v in zip(q, x, strict=True) if m > 0)


def cov(q: Reals, x: Reals, y: Reals) -> Real:
    x0, y0 = mean(q, x), mean(q, y)
    return mean(q, [(a - x0) * (b - y0) for a, b in zip(x, y, strict=True)])


def corr(q: Reals, x: Reals, y: Reals) -> Real | None:
    return quotient(cov(q, x, y), cov(q, x, x), cov(q, y, y))


def quotient(numerator: Real, var_x: Real, var_y: Real) -> Real | None:
    """numerator/sqrt(var_x var_y), or None where a variance is 0."""
    return None if min(var_x, var_y) < real(ZERO_VARIANCE) else numerator / mp.sqrt(var_x * var_y)


def exchange_coefficient(q: Reals, law: Aligned) -> Real | None:
    """b_q = Cov_q(L, I)/Var_q(I)."""
    variance = cov(q, law.surprisal, law.surprisal)
    return quotient(cov(q, law.log_prior, law.surprisal), variance, variance)


def aligned(spec: Spec) -> Aligned:
    """p+ = p e^R / Z and log Z, over the strings that keep mass."""
    strings = {"table": table_strings, "tree": tree_strings}[spec["prior"]["kind"]](spec)
    kept_strings = [(path, mp.log(prob), r) for path, prob, r in strings if r != mp.ninf]
    paths, log_prior, reward = (list(column) for column in zip(*kept_strings, strict=True))
    log_z = mp.log(mp.fsum(mp.exp(a + b) for a, b in zip(log_prior, reward, strict=True)))
    surprisal = [log_z - a - b for a, b in zip(log_prior, reward, strict=True)]
    return Aligned(paths, [mp.exp(-i) for i in surprisal], log_prior, reward, surprisal, log_z)


def table_strings(spec: Spec) -> Iterator[tuple[Path, Real, Real]]:
    """(path, p, R) of a table: the whole string is the one token, so its path is its index."""
    reward = spec["reward"]
    for i, prob in enumerate(share([real(p) for p in spec["prior"]["probs"]])):
        if prob > 0 and "exp_values" in reward:
            yield (i,), prob, mp.log(real(reward["exp_values"][i]))
        elif prob > 0:
            yield (i,), prob, real(reward["values"][i]) / real(reward.get("beta", 1))


def tree_strings(spec: Spec) -> Iterator[tuple[Path, Real, Real]]:
    """(path, p, R) of a tree; the end is the last choice, and a prefix that is not listed ends there."""
    alphabet, reward = spec["prior"]["alphabet"], spec.get("reward", {})
    end = len(alphabet)
    next_laws = {tuple(u.split()): share([real(p) for p in row]) for u, row in spec["prior"]["next"].items()}
    string = {tuple(s.split()): r for s, r in reward.get("string", {}).items()}
    exp_string = {tuple(s.split()): r for s, r in reward.get("exp_string", {}).items()}

    def nats(tokens: tuple[str, ...]) -> Real:
        values = [string.get(tokens, 0), *(reward.get("token", {}).get(t, 0) for t in tokens)]
        factors = [exp_string.get(tokens, 1), *(reward.get("exp_token", {}).get(t, 1) for t in tokens)]
        return sum(real(v) for v in values) / real(reward.get("beta", 1)) + sum(mp.log(real(f)) for f in factors)

    def walk(path: Path, prob: Real) -> Iterator[tuple[Path, Real, Real]]:
        tokens = tuple(alphabet[choice] for choice in path)
        for choice, step in enumerate(next_laws.get(tokens, [mp.zero] * end + [mp.one])):
            if step > 0 and choice == end:
                yield (*path, end), prob * step, nats(tokens)
            elif step > 0:
                yield from walk((*path, choice), prob * step)

    return walk((), mp.one)


def corpus_keys(law: Aligned, corpus: Spec | None) -> dict[str, Real | None]:
    """Chance of |Ibar - H| < epsilon and Corr(Lbar, Rbar) given it, over all compositions of N."""
    keys = ("typical_probability", "chebyshev_bound", "conditional_corr", "conditional_corr_limit")
    if corpus is None:
        return dict.fromkeys(keys)
    size, epsilon, strings = int(real(corpus["size"])), real(corpus["epsilon"]), len(law.prob)
    if comb(size + strings - 1, size) > MOST_COMPOSITIONS:
        raise ValueError(f"more than {MOST_COMPOSITIONS} compositions of {size} over {strings} strings")
    terms = [[m**k / mp.factorial(k) for k in range(size + 1)] for m in law.prob]
    orderings, entropy = mp.factorial(size), mean(law.prob, law.surprisal)
    masses, l_means, r_means = [], [], []
    for bars in combinations(range(size + strings - 1), strings - 1):  # stars and bars
        counts = [right - left - 1 for left, right in pairwise((-1, *bars, size + strings - 1))]
        if epsilon - abs(mp.fdot(counts, law.surprisal) / size - entropy) > real(TIE):
            masses.append(orderings * mp.fprod(row[k] for row, k in zip(terms, counts, strict=True)))
            l_means.append(mp.fdot(counts, law.log_prior) / size)
            r_means.append(mp.fdot(counts, law.reward) / size)
    chebyshev = cov(law.prob, law.surprisal, law.surprisal) / (size * epsilon**2)
    given = corr(share(masses), l_means, r_means) if masses else None
    limit = conditional_corr_limit(law, size, epsilon)
    return dict(zip(keys, (mp.fsum(masses), chebyshev, given, limit), strict=True))


def conditional_corr_limit(law: Aligned, size: int, epsilon: Real) -> Real | None:
    """(-b(1+b)v - u)/sqrt((b^2 v + u)((1+b)^2 v + u)), v the variance of N(0, V) cut at +-epsilon sqrt(N)."""
    b, varentropy = exchange_coefficient(law.prob, law), cov(law.prob, law.surprisal, law.surprisal)
    if b is None:
        return None
    a = epsilon * mp.sqrt(size / varentropy)
    v = varentropy * (1 - 2 * a * mp.npdf(a) / mp.erf(a / mp.sqrt(2)))  # 2 Phi(a) - 1 = erf(a / sqrt 2)
    residual = [x - b * i for x, i in zip(law.log_prior, law.surprisal, strict=True)]
    u = cov(law.prob, residual, residual)
    return quotient(-b * (1 + b) * v - u, b**2 * v + u, (1 + b) ** 2 * v + u)


def adaptor_keys(law: Aligned, prior: Spec, entry: Spec) -> dict[str, Any]:
    """One row of OUT's ``adaptors``; local is compared with global only where it was asked for on a tree."""
    names, values = (x if isinstance(x, list) else [x] for x in (entry["name"], entry["value"]))
    chain = [(name, real(value)) for name, value in zip(names, values, strict=True)]
    normalise, tree = entry.get("normalise", "local"), prior["kind"] == "tree"
    width = len(prior["alphabet"]) + 1 if tree else len(prior["probs"])
    q_local, q_global = adapted_laws(law, width, chain)
    q = {"local": q_local, "global": q_global}[normalise]
    compared = tree and normalise == "local"
    ratios = [g / m for m, g in zip(q_local, q_global, strict=True) if m > 0]
    return {
        "name": entry["name"],
        "value": entry["value"],
        "normalise": normalise,
        "mean_log_prior": mean(q, law.log_prior),
        "mean_reward": mean(q, law.reward),
        "entropy": -mean(q, [mp.log(m) for m in q]),
        "kl_to_aligned": kl(q, law.prob),
        "cross_entropy": mean(q, law.surprisal),
        "kl_local_global": kl(q_local, q_global) if compared else None,
        "w_max": max(ratios) if compared else None,
        "acceptance": acceptance([m for m in q_local if m > 0], ratios) if compared else None,
        "exchange_coefficient": exchange_coefficient(q, law),
    }


def kl(q: Reals, p: Reals) -> Real:
    return mp.fsum(m * mp.log(m / n) for m, n in zip(q, p, strict=True) if m > 0)


def acceptance(q: Reals, w: Reals) -> Real:
    """sum_{i,j} q_i q_j min(w_i, w_j). Cost: O(n^2)."""
    if len(q) > MOST_STRINGS:
        raise ValueError(f"at most {MOST_STRINGS} strings can be paired, got {len(q)}")
    return mean(q, [mean(q, [min(w_i, w_j) for w_j in w]) for w_i in w])


def adapted_laws(law: Aligned, width: int, chain: Sequence[tuple[str, Real]]) -> tuple[list[Real], list[Real]]:
    """(q_loc, q_glob): products of w_t/c_t along each string, and products of w_t over their sum."""
    masses: dict[Path, list[Real]] = {}
    for path, mass in zip(law.paths, law.prob, strict=True):
        for t, choice in enumerate(path):
            masses.setdefault(path[:t], [mp.zero] * width)[choice] += mass
    weights = {prefix: adapted(share(row), chain) for prefix, row in masses.items()}
    steps = {prefix: share(row) for prefix, row in weights.items()}
    q_local = [mp.fprod(steps[path[:t]][choice] for t, choice in enumerate(path)) for path in law.paths]
    q_global = [mp.fprod(weights[path[:t]][choice] for t, choice in enumerate(path)) for path in law.paths]
    return q_local, share(q_global)


def adapted(weights: list[Real], chain: Sequence[tuple[str, Real]]) -> list[Real]:
    """Each adaptor decides on the normalised form of what it receives; what it received is kept or raised."""
    for name, value in chain:
        if name == "temperature":
            weights = [w ** (1 / value) if w > 0 else mp.zero for w in weights]
        else:
            keep = kept(name, value, share(weights))
            weights = [w if i in keep else mp.zero for i, w in enumerate(weights)]
    return weights


def kept(name: str, value: Real, probs: Reals) -> set[int]:
    """The indices a truncation keeps: its own choice and the most probable token.

    Locally typical keeps its shortest run alone, which is never empty and need not hold the most probable token.
    """
    tie = real(TIE)
    surprisal = {i: -mp.log(p) for i, p in enumerate(probs) if p > 0}
    entropy = mp.fsum(probs[i] * s for i, s in surprisal.items())

    def ascending(key: Mapping[int, Real]) -> list[int]:
        def order(i: int, j: int) -> int:
            return 0 if abs(key[i] - key[j]) < tie else 1 if key[i] > key[j] else -1

        return sorted(key, key=cmp_to_key(order))  # stable: ties go to the lower index

    def shortest_run(order: list[int]) -> list[int]:
        runs = (order[:n] for n in range(1, len(order)))
        enough = (run for run in runs if value < 1 and mp.fsum(probs[i] for i in run) >= value * (1 - tie))
        return next(enough, order)

    def at_least(threshold: Real) -> list[int]:
        return [i for i in surprisal if probs[i] >= threshold * (1 - tie)]

    likely_first = ascending(surprisal)
    choice = {
        "top_k": lambda: likely_first[: int(value)],
        "nucleus": lambda: shortest_run(likely_first),
        "typical": lambda: shortest_run(ascending({i: abs(s - entropy) for i, s in surprisal.items()})),
        "eta": lambda: at_least(min(value, mp.sqrt(value) * mp.exp(-entropy))),
        "epsilon": lambda: at_least(value),
        "min_p": lambda: at_least(value * max(probs)),
    }
    own = choice[name]()
    return set(own) if name == "typical" else {*own, likely_first[0]}
