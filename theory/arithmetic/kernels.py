"""Compiled inner loops, for float64 arrays that are long enough to repay the compiler; ``compiled`` chooses them.

Each stands behind a function that works without it: ``float_moments`` and ``TreeModel.string_prob``.
Where numba is not installed both are None.

exp and log are spelled out, so that the compiler works on several numbers at once. exp x = 2^k e^r with
r = x - k log 2 and |r| <= log(2)/2, by the Taylor series to r^13; log x = k log 2 + log m with m in
[sqrt(1/2), sqrt 2), by the series of 2 artanh((m - 1)/(m + 1)) to its 21st power. log 2 is taken in two parts, the
first with so many zeros at its end that its product with k is exact. Both are within 3 units in the last place.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_BLOCK = 1024
_LOG2_HIGH = float.fromhex("0x1.62e42fee00000p-1")
_LOG2_LOW = float.fromhex("0x1.a39ef35793c76p-33")  # log 2 - _LOG2_HIGH
_PER_LOG2 = 1 / math.log(2)
_LOWEST = -708.0  # e^x is still a normal number
_TO_INTEGER = 1.5 * 2.0**52  # what is added to this is rounded, and stands in the last bits
_ONE = 1023 << 52  # the exponent bits of 1.0
_ROOT_HALF = 0x3FE6A09E667F3BCD  # the bits of sqrt(1/2)
_NORMAL = 2.0**-1022
_E2, _E3, _E4, _E5, _E6, _E7, _E8, _E9, _E10, _E11, _E12, _E13 = (1 / math.factorial(k) for k in range(2, 14))
_A1, _A2, _A3, _A4, _A5, _A6, _A7, _A8, _A9, _A10 = (1 / (2 * k + 1) for k in range(1, 11))

moment_sums: Any = None
"""(w, wL, wR, wL^2, wLR, wR^2) summed over strings: of (prior, reward, exponent, shift_l, shift_r), where
w = p e^{R - exponent} and L and R are measured from their shifts; exponent within 600 below the largest R."""

tree_products: Any = None
"""Fills ``mass`` with p(prefix) p(end | prefix): (parent, prob, end, mass) of a ``TreeModel``, each of shape (n,),
n >= 1, the parents non-decreasing. Returns whether a string ends at every node, so that ``end`` is read only once."""

try:
    import numba
    from llvmlite import ir
    from numba.extending import intrinsic
except ImportError:
    pass
else:
    # divisions by zero give inf, and a product may be fused with a sum; the order of sums is kept
    elementwise = numba.njit(error_model="numpy", fastmath={"contract"})
    reduction = numba.njit(error_model="numpy", fastmath={"contract", "reassoc"})

    @intrinsic
    def _bits(typing_context: Any, x: Any) -> Any:
        """The 64 bits of a float as an integer."""
        signature = numba.types.int64(numba.types.float64)
        return signature, lambda context, builder, given, args: builder.bitcast(args[0], ir.IntType(64))

    @intrinsic
    def _number(typing_context: Any, bits: Any) -> Any:
        """The float that has these 64 bits."""
        signature = numba.types.float64(numba.types.int64)
        return signature, lambda context, builder, given, args: builder.bitcast(args[0], ir.DoubleType())

    @elementwise
    def exponential(x: float) -> Any:
        """e^x for x < 709; 0 below -708."""
        rounded = max(x, _LOWEST) * _PER_LOG2 + _TO_INTEGER
        k = rounded - _TO_INTEGER
        r = max(x, _LOWEST) - k * _LOG2_HIGH - k * _LOG2_LOW
        s = _E9 + r * (_E10 + r * (_E11 + r * (_E12 + r * _E13)))
        s = _E2 + r * (_E3 + r * (_E4 + r * (_E5 + r * (_E6 + r * (_E7 + r * (_E8 + r * s))))))
        return (1.0 + (r + r * r * s)) * _number((_bits(rounded) << 52) + _ONE) if x >= _LOWEST else 0.0

    @elementwise
    def logarithm(x: float) -> Any:
        """log x for finite x > 0."""
        bits = _bits(x if x >= _NORMAL else x * 2.0**54)
        exponent = (bits - _ROOT_HALF) >> 52
        f = _number(bits - (exponent << 52)) - 1.0
        k = float(exponent) - (0.0 if x >= _NORMAL else 54.0)
        s = f / (2.0 + f)
        z = s * s
        t = _A6 + z * (_A7 + z * (_A8 + z * (_A9 + z * _A10)))
        t = _A1 + z * (_A2 + z * (_A3 + z * (_A4 + z * (_A5 + z * t))))
        # 2 s = f - s f, of which f is exact
        return k * _LOG2_HIGH + (f - (s * f - (2.0 * s * z * t + k * _LOG2_LOW)))

    @elementwise
    def _fill(prior: Floats, reward: Floats, exponent: float, shift_l: float, weight: Floats, log: Floats) -> None:
        for i in range(len(prior)):
            weight[i] = exponential(reward[i] - exponent) * prior[i]
            log[i] = logarithm(prior[i]) - shift_l

    @reduction
    def _add(weight: Floats, log: Floats, reward: Floats, shift_r: float) -> Any:
        w = wl = wr = wll = wlr = wrr = 0.0
        for i in range(len(reward)):
            r = reward[i] - shift_r
            of_l, of_r = weight[i] * log[i], weight[i] * r
            w += weight[i]
            wl += of_l
            wr += of_r
            wll += of_l * log[i]
            wlr += of_l * r
            wrr += of_r * r
        return w, wl, wr, wll, wlr, wrr

    @numba.njit
    def _moment_sums(prior: Floats, reward: Floats, exponent: float, shift_l: float, shift_r: float) -> Any:
        weight, log, sums = np.empty(_BLOCK), np.empty(_BLOCK), np.zeros(6)
        for low in range(0, len(prior), _BLOCK):
            p, r = prior[low : low + _BLOCK], reward[low : low + _BLOCK]
            _fill(p, r, exponent, shift_l, weight, log)
            w, wl, wr, wll, wlr, wrr = _add(weight, log, r, shift_r)
            sums[0] += w
            sums[1] += wl
            sums[2] += wr
            sums[3] += wll
            sums[4] += wlr
            sums[5] += wrr
        return sums

    @numba.njit
    def _tree_products(parent: Any, prob: Floats, end: Floats, mass: Floats) -> Any:
        inner = max(parent[-1] + 1, 1)  # parents do not decrease: no node reads the product of a later one
        mass[0] = prob[0]
        for node in range(1, inner):
            mass[node] = mass[parent[node]] * prob[node]
        silent = 0
        node = inner
        while node < len(parent):
            above = parent[node]
            reached = mass[above]
            if node + 4 <= len(parent) and parent[node + 3] == above:  # four siblings at once
                e0, e1, e2, e3 = end[node], end[node + 1], end[node + 2], end[node + 3]
                silent += (e0 == 0.0) | (e1 == 0.0) | (e2 == 0.0) | (e3 == 0.0)
                m0, m1 = reached * prob[node] * e0, reached * prob[node + 1] * e1
                m2, m3 = reached * prob[node + 2] * e2, reached * prob[node + 3] * e3
                mass[node], mass[node + 1], mass[node + 2], mass[node + 3] = m0, m1, m2, m3
                node += 4
            else:
                silent += end[node] == 0.0
                mass[node] = reached * prob[node] * end[node]
                node += 1
        for node in range(inner):
            silent += end[node] == 0.0
            mass[node] *= end[node]
        return silent == 0

    moment_sums, tree_products = _moment_sums, _tree_products


__all__ = ["moment_sums", "tree_products"]  # and, where numba is installed, what compiled code may call
