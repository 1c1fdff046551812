"""One thread for NumPy's matrix products: the tests' are small, and other processes may want a core."""

import gc
import os

import pytest

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


@pytest.fixture(autouse=True, scope="module")
def only_own_objects_for_the_collector():
    """What was imported, collected and tested before is not searched again: each capture of a step asks the collector.

    With the 43,000 tests of the suite in memory it would take as long as the rest of a capture.
    """
    gc.collect()
    gc.freeze()
