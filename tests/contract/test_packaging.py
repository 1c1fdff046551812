"""The package as others use it: what its import costs, its types, and results that depend on the seed alone."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]


def python(*arguments, **environment):
    """What a fresh Python prints; it must print nothing on standard error."""
    done = subprocess.run(
        [sys.executable, *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env={**os.environ, **environment},
        timeout=300,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_the_import_loads_no_optional_package_and_warns_of_nothing():
    code = "import sys, minigrad; print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    loaded = set(python("-W", "error", "-c", code).split())
    assert "numpy" in loaded
    assert not loaded & {"matplotlib", "graphviz", "pygraphviz", "tqdm", "scipy", "multiprocessing", "asyncio"}


TRAINING = """
import hashlib
import minigrad as mg
from minigrad import data, nn, optim
from minigrad.nn import functional as F
mg.manual_seed(0)
class Net(nn.Module):
    def __init__(self):
        self.parts = {name: nn.Linear(2, 2) for name in "abcdef"}
        self.bn = nn.BatchNorm1d(2)
    def forward(self, x):
        for part in self.parts.values():
            x = part(x)
        return self.bn(x)
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


def test_results_and_pictures_do_not_depend_on_the_seed_of_hashes():
    digests = {python("-c", TRAINING, PYTHONHASHSEED=seed) for seed in ("0", "1", "12345")}
    assert len(digests) == 1 and len(digests.pop().strip()) == 64


TYPED = """
from __future__ import annotations
import minigrad as mg
from minigrad import data, nn, optim
import minigrad.nn.functional as F

class Net(nn.Module):
    def __init__(self, width: int = 8) -> None:
        super().__init__()
        self.fc = nn.Linear(2, width)
        self.bn = nn.BatchNorm1d(width)
        self.layers = [nn.Linear(width, 2)]
    def forward(self, x: mg.Tensor) -> mg.Tensor:
        h: mg.Tensor = self.bn(self.fc(x)).relu()
        for layer in self.layers:
            h = layer(h)
        return h

net = Net().train()
optimizer = optim.Adam(net.parameters(), lr=1e-3)
for x, y in data.DataLoader(data.moons(64), batch_size=16, shuffle=True):
    optimizer.zero_grad()
    loss = F.cross_entropy(net(x), y)
    loss.backward()
    optimizer.step()
    value: float = loss.item()
with mg.no_grad(), net.evaluating():
    best: mg.Tensor = net(mg.randn(1, 2)).argmax(1)
mg.save({"net": net.state_dict()}, "c.ckpt")
net.load_state_dict(mg.load("c.ckpt")["net"])
mg.draw(loss).save("g.svg")
right: bool = mg.gradcheck(net, mg.randn(4, 2))
a = mg.tensor([1.0, 2.0]) * 2 + 1 / mg.ones(2) - mg.arange(2) @ mg.ones(2)
a[0] = 3.0
criterion = nn.CrossEntropyLoss()
total: float = criterion(net(x), y).item()
def first(loader: data.DataLoader) -> mg.Tensor:
    return next(iter(loader))[0]
rows: data.DataLoader[mg.Tensor] = data.DataLoader([1.0, 2.0, 3.0], batch_size=2)
for row in rows:
    a = row.mean() + first(data.DataLoader(data.moons(8)))
"""
WRONG = """
x: int = mg.tensor([1.0])  # refused
mg.tensor([1.0]).no_such_method()  # refused
mg.tensor([1.0], requires_gradient=True)  # refused
net(a).bakward()  # refused
nn.Linear(2, 2)(a).bakward()  # refused
nn.Sequential(net, nn.ReLU())(a).bakward()  # refused
criterion(a, a).bakward()  # refused
F.dropout(a, 0.1).bakward()  # refused
mg.exp(a).bakward()  # refused
mg.no_such_function(a)  # refused
F.relu(a).bakward()  # refused
F.conv2d(a, a).bakward()  # refused
F.no_such_function(a)  # refused
a.exp().bakward()  # refused
F.batch_norm(a, None, None, training=True).bakward()  # refused
for inputs, targets in data.DataLoader(data.moons(64), batch_size=16, shuffle=True):
    inputs.bakward()  # refused
    targets.lnog()  # refused
for row in rows:
    row.bakward()  # refused
"""


def test_a_users_program_is_checked_by_its_types(tmp_path):
    pytest.importorskip("mypy")
    (tmp_path / "program.py").write_text(TYPED + WRONG)
    command = [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(tmp_path / "cache"), "program.py"]
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    environment = {**os.environ, "PYTHONPATH": path}
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, cwd=tmp_path, env=environment, timeout=300
    )
    errors = [line for line in done.stdout.splitlines() if ": error: " in line]
    refused = [str(i) for i, line in enumerate((TYPED + WRONG).splitlines(), 1) if line.endswith("# refused")]
    assert [line.split(":")[1] for line in errors] == refused, done.stdout + done.stderr
