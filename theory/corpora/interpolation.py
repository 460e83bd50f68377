"""Typical corpora of very many atoms: the characteristic function from interpolated exponentials, then inversion.

The range of the surprisal is cut into bins, and on each bin e^{itx} is interpolated at a few Chebyshev nodes:
e^{itx} = sum_n Lag_n(x) e^{it xi_n} + error. So a sum over n strings becomes one over the nodes, whose masses are
sum_j p_j Lag_n(x_j): one pass over the strings, whatever the number of frequencies. The masses may be signed.
Source: Trefethen (2013), Approximation Theory and Approximation Practice, chapters 4 and 8.
"""

from __future__ import annotations

import math

import numpy as np

from theory.arithmetic.exact import Undecided
from theory.corpora.atoms import Floats, Window
from theory.corpora.inversion import LARGEST_ERROR, Measure, graininess, inverted

_BINS, _NODES = 512, 8

_DIGITS = 1e-17


def interpolated_measure(prob: Floats, surprisal: Floats, log_prior: Floats) -> tuple[Measure, float]:
    """The law of (L, I) moved to the nodes of 512 bins, and the width of a bin in nats. Cost: O(n).

    Args:
        prob: p+ of each string, shape (n,).
        surprisal: I - H, shape (n,), nats; not constant.
        log_prior: L - E L, shape (n,), nats.
    """
    low, width = float(surprisal.min()), float(np.ptp(surprisal)) / _BINS
    place = np.minimum(((surprisal - low) / width).astype(np.int64), _BINS - 1)
    inside = 2 * ((surprisal - low) / width - place) - 1
    nodes = np.cos(math.pi * (np.arange(_NODES) + 0.5) / _NODES)
    # the n-th column of the inverse has the coefficients of Lag_n, the polynomial that is 1 at node n and 0 at others
    coefficients = np.linalg.inv(np.vander(nodes, increasing=True))
    masses = np.zeros((6, _BINS, _NODES))
    for row, values in enumerate(
        (
            prob,
            prob * log_prior,
            prob * surprisal,
            prob * log_prior**2,
            prob * log_prior * surprisal,
            prob * surprisal**2,
        )
    ):
        power = values
        for k in range(_NODES):
            masses[row, :, k] = np.bincount(place, weights=power, minlength=_BINS)
            power = power * inside
    centres = low + width * (np.arange(_BINS) + 0.5)
    at = (centres[:, None] + nodes * (width / 2)).ravel()
    return Measure(at, (masses @ coefficients).reshape(6, -1)), width


def interpolation_error(frequency: float, width: float) -> float:
    """A bound of |e^{itx} - its interpolant| on a bin: 2 (t w / 4)^m / m! with m nodes."""
    return 2 * (frequency * width / 4) ** _NODES / math.factorial(_NODES)


def by_interpolation(prob: Floats, surprisal: Floats, log_prior: Floats, size: int, epsilon: float) -> Window:
    """The sums over corpora of N strings with |Ibar - H| < epsilon, for strings by the hundred thousand.

    The error is ``by_inversion``'s estimate, with the step of the lattice on which the surprisals may lie (their
    smallest gap d: a line of the corpus mean has mass about d / sqrt(2 pi V N)), and N times the bound of the
    interpolation at the highest frequency at which |phi|^N is not negligible.

    Args:
        prob: p+ of each string, shape (n,).
        surprisal: I - H, shape (n,), nats.
        log_prior: L - E L, shape (n,), nats.
        size: N >= 1.
        epsilon: > 0, nats.

    Raises:
        Undecided: the error exceeds 1e-5, or |phi|^N does not become small.
    """
    deviation = math.sqrt(float(prob @ surprisal**2))
    levels, place = np.unique(np.round(surprisal, 12), return_inverse=True)
    if len(levels) < 3:
        raise Undecided(f"{len(levels)} values of the surprisal are too few to invert")
    lattice = float(np.diff(levels).min()) / (deviation * math.sqrt(2 * math.pi * size))
    measure, width = interpolated_measure(prob, surprisal, log_prior)
    # |phi(t)|^N < 1e-17 from about t = 9 / sqrt(V N) on where phi is like a normal law's; twice that is allowed for
    interpolation = 10 * size * interpolation_error(18 / (deviation * math.sqrt(size)), width)
    masses: Floats = np.bincount(place, weights=prob).astype(np.float64)
    grain = _grain(masses, size) + lattice + interpolation
    if not grain <= LARGEST_ERROR:
        raise Undecided(f"inversion with {len(levels)} values of I at N = {size} has an error near {grain:.1g}")
    sums, error = inverted(measure, size, epsilon, _DIGITS, grain)
    return Window(tuple(sums), "inversion, interpolated", error=error)


def _grain(prob: Floats, size: int) -> float:
    """100 / K, K the effective number of count vectors: the normal estimate, or e^{N H} / N! where N is small."""
    kept = prob[prob > 0]
    entropy = -float(kept @ np.log(kept))
    few = 100 * math.exp(min(math.lgamma(size + 1) - size * entropy, 0.0))
    return min(graininess(prob, size), few)


__all__ = ["by_interpolation", "interpolated_measure", "interpolation_error"]
