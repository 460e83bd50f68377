"""Where inner loops are compiled: float64 arrays that are long enough to repay the compiler, if numba is installed."""

from __future__ import annotations

from typing import Any

WORTH = 1 << 16
"""From so many elements on a loop is worth a second of compiling."""


def compiled(loop: str, length: int) -> Any:
    """The loop of ``theory.arithmetic.kernels`` with this name; None for short arrays and where numba is not installed.

    Args:
        loop: "moment_sums" or "tree_products".
        length: of the arrays.
    """
    if length < WORTH:
        return None
    from theory.arithmetic import kernels

    return getattr(kernels, loop)
