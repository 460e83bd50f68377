"""The convex hull of a model's points (L, R), and which side of a line they lie on, decided formally."""

from __future__ import annotations

import functools
from collections.abc import Sequence

from flint import arb, fmpq

from theory.alignment.gibbs import Aligned, Numbers, in_own_arithmetic
from theory.arithmetic.exact import Array, Real, Undecided, ball, objects, sign
from theory.arithmetic.formal import prime_exponents


@in_own_arithmetic
def orientation(numbers: Numbers, i: int, j: int, k: int) -> int:
    """The certain side of string k's (L, R) from the line i -> j: 1 left, 0 on it, -1 right.

    A determinant of logarithms of rationals; zero is recognised where rows or columns are rationally dependent, which
    by the strong four exponentials conjecture is the only way.

    Raises:
        Undecided: neither recognised as zero nor away from it at 16,384 bits.
    """
    aligned, place = numbers.aligned, _places(numbers.aligned)
    if len({place[i], place[j], place[k]}) < 3:
        return 0
    quick = _determinant(*(numbers.log_prior[[i, j, k]], numbers.reward[[i, j, k]]))
    if quick > 0:
        return 1
    if quick < 0:
        return -1

    def value() -> arb:
        rewards = [aligned.reward[y] for y in (i, j, k)]
        log_prior = objects(arb(aligned.prior[y]).log() for y in (i, j, k))
        return ball(_determinant(log_prior, objects(arb(r.factor).log() + r.exponent for r in rewards)))

    return sign(value, lambda: _formally_collinear(aligned, i, j, k))


@in_own_arithmetic
def independent(numbers: Numbers) -> bool:
    """Whether 1, L and R are linearly independent on the strings: their hull has an interior. Cost: O(n)."""
    place = _places(numbers.aligned)
    other = next((y for y, one in enumerate(place) if one != place[0]), None)
    if other is None:
        return False
    return any(orientation(numbers, 0, other, y) for y in range(len(place)))


@in_own_arithmetic
def hull(numbers: Numbers) -> tuple[int, ...]:
    """The corners of conv{(L(y), R(y))}, counterclockwise from the least L; two or one where it has no interior.

    Each corner is one string, the first with its (L, R). Monotone chain, Andrew (1979). Cost: O(n log n).
    """
    aligned = numbers.aligned
    first: dict[tuple[int, int], int] = {}
    for y, one in enumerate(_places(aligned)):
        first.setdefault(one, y)

    def compare(one: int, two: int) -> int:
        if aligned.prior[one] != aligned.prior[two]:
            return -1 if aligned.prior[one] < aligned.prior[two] else 1
        return -1 if _reward_less(aligned, one, two) else 1

    order = sorted(first.values(), key=functools.cmp_to_key(compare))
    if len(order) < 3:
        return tuple(order)

    def chain(strings: Sequence[int]) -> list[int]:
        kept: list[int] = []
        for y in strings:
            while len(kept) > 1 and orientation(numbers, kept[-2], kept[-1], y) <= 0:
                kept.pop()
            kept.append(y)
        return kept[:-1]

    return (*chain(order), *chain(order[::-1]))


@functools.lru_cache(maxsize=2)
def _places(aligned: Aligned) -> list[tuple[int, int]]:
    """(the first string with the same p, the first with the same R): equal pairs, equal (L, R)."""
    same = aligned.alike()
    return list(zip(same.log_prior.tolist(), same.reward.tolist(), strict=True))


def _point(aligned: Aligned, y: int) -> tuple[fmpq, fmpq, fmpq]:
    """(p, x, a) with R = a + log x."""
    return aligned.prior[y], aligned.reward[y].factor, aligned.reward[y].exponent


def _reward_less(aligned: Aligned, one: int, two: int) -> bool:
    """Whether R(one) < R(two); they differ."""
    (_, x, a), (_, z, b) = _point(aligned, one), _point(aligned, two)
    return sign(lambda: arb(z / x).log() + (b - a), lambda: False) > 0


def _determinant(log_prior: Array, reward: Array) -> Real:
    (l0, l1, l2), (r0, r1, r2) = log_prior, reward
    return (l1 - l0) * (r2 - r0) - (l2 - l0) * (r1 - r0)


def _formally_collinear(aligned: Aligned, i: int, j: int, k: int) -> bool:
    """Whether rows or columns of the 2 x 2 matrix of differences are rational multiples of one another."""
    try:
        (l_j, r_j), (l_k, r_k) = (_formal_difference(aligned, i, y) for y in (j, k))
    except Undecided:
        return False
    return _proportional((l_j, r_j), (l_k, r_k)) or _proportional((l_j, l_k), (r_j, r_k))


Formal = dict[int, fmpq]


def _formal_difference(aligned: Aligned, i: int, j: int) -> tuple[Formal, Formal]:
    """(L, R) of j minus that of i over the basis 1 (key 0), log 2, log 3, log 5, ..."""
    (p, x, a), (q, z, b) = _point(aligned, i), _point(aligned, j)
    log_prior, reward = (
        {prime: fmpq(power) for prime, power in prime_exponents(ratio).items() if power} for ratio in (q / p, z / x)
    )
    return log_prior, reward | ({0: b - a} if a != b else {})


def _proportional(one: tuple[Formal, Formal], two: tuple[Formal, Formal]) -> bool:
    """Whether one rational multiple takes both entries of ``one`` to ``two``, or ``one`` is zero."""
    pivot = next(((place, key) for place in (0, 1) for key in one[place]), None)
    if pivot is None:
        return True
    multiple = two[pivot[0]].get(pivot[1], fmpq(0)) / one[pivot[0]][pivot[1]]
    return all(
        image == {key: multiple * value for key, value in entry.items() if multiple != 0}
        for entry, image in zip(one, two, strict=True)
    )
