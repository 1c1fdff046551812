"""Training in other processes: hash seeds and forks change no result."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.slow

TRAINS = """
import hashlib, minigrad as mg
from minigrad import data, nn, optim
import minigrad.nn.functional as F
class Net(nn.Module):
    def __init__(self):
        self.parts = {name: nn.Linear(2, 2) for name in "abcdef"}
        self.bn = nn.BatchNorm1d(2)
    def forward(self, x):
        for part in self.parts.values():
            x = part(x)
        return self.bn(x)
mg.manual_seed(0)
net = Net()
optimizer = optim.Adam(net.parameters(), lr=0.01)
for x, y in data.DataLoader(data.moons(64), batch_size=16, shuffle=True):
    optimizer.zero_grad()
    loss = F.cross_entropy(net(x), y)
    loss.backward()
    optimizer.step()
digest = hashlib.sha256(mg.draw(loss).source.encode())
for name, value in net.state_dict().items():
    digest.update(name.encode() + value.numpy().tobytes())
print(digest.hexdigest())
"""

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


def test_training_does_not_depend_on_the_hash_seed():
    """Nothing is ordered by a set or by an address: parameters, pictures and draws are those of the last run."""
    first, second = (output_of(TRAINS, PYTHONHASHSEED=seed) for seed in ("0", "12345"))
    assert first == second and len(first) == 64


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
def test_a_forked_process_goes_on_with_threads_of_its_own():
    assert output_of(FORKS, OPENBLAS_NUM_THREADS="2") == "0"
