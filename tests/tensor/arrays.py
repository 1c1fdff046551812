"""Operands of the tests of NumPy's functions."""

import numpy as np

A = np.array([[0.5, 2.0, 1.25], [1.5, 3.0, 0.75]])
B = np.array([[2.0, 0.5, 1.25], [1.0, 3.0, 4.0]])
MASK = np.array([[True, False, True], [False, True, True]])
