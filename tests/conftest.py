"""One thread for NumPy's matrix products: the tests' are small, and other processes may want a core."""

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
