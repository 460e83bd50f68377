"""Names for arrays of float64, int64 and bool."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


Index = NDArray[np.int64]


Mask = NDArray[np.bool_]
