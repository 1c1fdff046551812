"""Forked processes compute as their parent does."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.slow

FORKS = """
import os, numpy as np, minigrad as mg
import minigrad.nn.functional as F
from minigrad.kernels import threads
x = mg.tensor(np.random.default_rng(0).standard_normal((64, 32, 32, 32)).astype(np.float32), requires_grad=True)
def run():
    (dx,) = mg.grad((F.batch_norm(x, None, None, training=True) ** 3).sum(), x)
    return dx.numpy()
before = run()
threads.for_each(len, [([],)] * 8, shared=True)
pool = threads.helpers()
assert pool is not None
child = os.fork()
if child == 0:
    os._exit(0 if threads.helpers() is not pool and np.array_equal(run(), before) else 1)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


def output_of(program: str, **environment: str) -> str:
    settings = {**os.environ, "PYTHONWARNINGS": "ignore", **environment}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=settings, timeout=60)
    assert not done.stderr, done.stderr
    return done.stdout.strip()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
def test_a_forked_process_goes_on_with_threads_of_its_own():
    assert output_of(FORKS, OPENBLAS_NUM_THREADS="2") == "0"
