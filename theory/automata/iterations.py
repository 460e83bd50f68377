"""Iterations for x - M x = y in float64, M >= 0 and sparse. They certify nothing: residuals are bounded elsewhere."""

from __future__ import annotations

import itertools
import math

import numpy as np
import scipy

from theory.language_models.automaton import Floats

_RIGHT, _LEFT = 5, 2
"""Products after which a vector is taken to be dominant. Both errors multiply: what is left of the largest eigenvalue
is about its product with (|second| / largest)^7."""


def dominant_pair(matrix: scipy.sparse.csr_array) -> tuple[Floats, Floats]:
    """(b, a), near the right and left eigenvectors of the largest eigenvalue c of M, with a'b = c / (1 - c).

    They are 0 where the products show no c in (0, 1). The last state has no steps, and is 0 in both.
    """
    dot = scipy.linalg.blas.ddot
    right = np.ones(matrix.shape[0])
    right[-1] = 0.0
    left, transposed = right, matrix.T
    for _ in range(_LEFT):
        left = transposed @ left
    for _ in range(_RIGHT):
        right = matrix @ right
    left[-1] = 0.0
    whole = dot(left, right)
    rest = whole - dot(left, matrix @ right)
    if not 0 < rest < whole < math.inf:
        return np.zeros_like(right), np.zeros_like(left)
    left *= 1 / rest - 1 / whole
    return right, left


def aggregated_sums(
    matrix: scipy.sparse.csr_array, right: Floats, pair: tuple[Floats, Floats], tolerance: float
) -> tuple[Floats, Floats | None]:
    """x near the solution of x - M x = y: from x = 0 on, x <- x + r + (a'r) b with the residual r = y - x + M x.

    Without a and b these are the partial sums of y + M y + M^2 y + ..., whose error shrinks by the largest eigenvalue
    of M; with a ``dominant_pair`` by the second largest, at one product an iteration. It ends where
    |r| <= tolerance |y| (Euclidean norms), where r is the rounding of x and shrinks no more, or where four iterations
    shrink r less than 8-fold.
    Source: Chatelin and Miranker (1982), Linear Algebra and its Applications 43, 17-47.

    Args:
        matrix: M; scipy sparse, shape (S, S).
        right: y, shape (S,).
        pair: (b, a); swapped for M'.
        tolerance: relative, > 0.

    Returns:
        (x, None); where the iteration is too slow (x, r) to go on from, and (0, y) where r has grown.
    """
    dot, add = scipy.linalg.blas.ddot, scipy.linalg.blas.daxpy
    along, across = pair
    whole = math.sqrt(dot(right, right))
    goal, rounding = tolerance * whole, 4 * float(np.finfo(np.float64).eps)
    size, last, before = whole, math.inf, math.inf
    x, r = np.zeros_like(right), right
    for count in itertools.count():
        done = size <= goal or 0.75 * last < size <= rounding * math.sqrt(dot(x, x))
        if not done and count % 4 == 0:
            if not size < before / 8:
                break
            before = size
        share = dot(across, r)
        x += r
        add(along, x, a=share)
        if done:
            return x, None
        r = right - x
        r += matrix @ x
        last, size = size, math.sqrt(dot(r, r))
    return (x, r) if size < 4 * whole else (np.zeros_like(right), right)


def stabilised_gradients(matrix: scipy.sparse.csr_array, right: Floats, tolerance: float, most: int) -> Floats | None:
    """x with x - M x = y by BiCGSTAB until |residual| <= tolerance |y| (Euclidean norms); None where it is not reached.

    scipy's own takes twice as long where a product takes ten microseconds.
    Source: van der Vorst (1992), SIAM J. Sci. Stat. Comput. 13, 631-644.

    Args:
        matrix: M; scipy sparse, shape (S, S).
        right: y, not all 0, shape (S,).
        tolerance: relative, > 0.
        most: iterations; each has two products with M.
    """
    dot, add = scipy.linalg.blas.ddot, scipy.linalg.blas.daxpy
    goal = tolerance * math.sqrt(dot(right, right))
    x = np.zeros_like(right)
    r = np.array(right)
    shadow, p, v = right, np.zeros_like(right), np.zeros_like(right)
    rho = alpha = omega = 1.0
    for _ in range(most):
        before, rho = rho, dot(shadow, r)
        if not (rho and omega):
            return None
        # p <- r + beta (p - omega v)
        add(v, p, a=-omega)
        p *= rho / before * (alpha / omega)
        p += r
        v = p - matrix @ p
        along = dot(shadow, v)
        if not along:
            return None
        alpha = rho / along
        add(v, r, a=-alpha)
        add(p, x, a=alpha)
        if math.sqrt(dot(r, r)) <= goal:
            return x
        t = r - matrix @ r
        omega = dot(t, r) / (dot(t, t) or math.nan)
        add(r, x, a=omega)
        add(t, r, a=-omega)
        size = math.sqrt(dot(r, r))
        if size <= goal:
            return x
        if not math.isfinite(size):
            return None
    return None


__all__ = ["aggregated_sums", "dominant_pair", "stabilised_gradients"]
