"""Constants that are made once cannot be changed."""

from __future__ import annotations

import numpy as np
import pytest

from minigrad.kernels import constants as arrays
from minigrad.kernels import sums


@pytest.mark.parametrize(("make", "value"), [(arrays.number, 0.5), (sums.ones, 3), (arrays.small_zeros, (2, 3))])
def test_constants_made_once_cannot_be_changed(make, value):
    constant = make(value, np.dtype(np.float32))
    assert make(value, np.dtype(np.float32)) is constant
    with pytest.raises(ValueError, match="read-only"):
        constant[...] = 2
