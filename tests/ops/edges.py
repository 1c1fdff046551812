"""Names that the tests of edge cases share."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

inf, nan = np.inf, np.nan
both_ways = pytest.mark.parametrize("create_graph", [False, True])


def both(*arrays: Any, dtype: Any = np.float64) -> list[np.ndarray]:
    return [np.array(array, dtype) for array in arrays]
