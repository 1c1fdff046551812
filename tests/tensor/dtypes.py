"""Short names of dtypes, and a comparison that sees values, shape and dtype."""

import numpy as np

import minigrad as mg

f2, f4, f8, i4, i8, u1, b1 = map(np.dtype, ("f2", "f4", "f8", "i4", "i8", "u1", "?"))


def check(t, array, dtype):
    """A tensor of exactly these values, this shape and this dtype."""
    assert isinstance(t, mg.Tensor)
    assert t.dtype == dtype
    assert isinstance(t.dtype, np.dtype)
    assert t.shape == np.shape(array)
    np.testing.assert_array_equal(t.numpy(), np.asarray(array, dtype))
