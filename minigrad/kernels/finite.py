"""Whether fast formulas, which are right for finite numbers of usual size, apply."""

from __future__ import annotations

import math

import numpy as np
from numpy import ndarray


def all_finite(x: ndarray) -> bool:
    """Whether no element is infinite or NaN."""
    return math.isfinite(x.item()) if x.size == 1 else bool(np.isfinite(x).all())
