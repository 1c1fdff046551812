"""The dtypes of tensors."""

import numpy as np

BOOL, U1, I1, I2, I4, I8, F2, F4, F8 = map(np.dtype, ("?", "u1", "i1", "i2", "i4", "i8", "f2", "f4", "f8"))
