"""What people run into when they train, save, resume and copy: losses, optimisers, data, processes."""

from __future__ import annotations

import copy
import os
import pickle
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import minigrad as mg
import minigrad.nn.functional as F
from minigrad import data, nn, optim


def parameter(*values: float) -> nn.Parameter:
    return nn.Parameter(mg.tensor(np.array(values)))


def step_with(optimizer: optim.Optimizer, p: nn.Parameter, *gradient: float) -> None:
    p.grad = mg.tensor(np.array(gradient))
    optimizer.step()


# -- losses --------------------------------------------------------------------------------------


def test_label_smoothing_is_spread_over_all_classes_the_true_one_included():
    """Of two classes with 0.1 the targets are 0.95 and 0.05, and no logits cost less than the entropy of these."""
    q = np.array([0.95, 0.05])
    target = mg.tensor([0])
    least = F.cross_entropy(mg.tensor(np.log(q)[None]), target, label_smoothing=0.1)
    np.testing.assert_allclose(least.item(), -(q * np.log(q)).sum(), rtol=1e-14)
    for other in ([[5.0, 0.0]], [[20.0, 0.0]], [[0.0, 0.0]]):
        assert F.cross_entropy(mg.tensor(other), target, label_smoothing=0.1).item() > least.item()


def test_soft_targets_are_weights_that_need_not_sum_to_one():
    """The gradient of a row is (sum(t) * softmax(x) - t) / N."""
    random = np.random.default_rng(0)
    x, t = random.standard_normal((5, 4)), random.uniform(0, 3, (5, 4))
    logits = mg.tensor(x, requires_grad=True)
    F.cross_entropy(logits, mg.tensor(t)).backward()
    p = np.exp(x) / np.exp(x).sum(1, keepdims=True)
    np.testing.assert_allclose(logits.grad.numpy(), (t.sum(1, keepdims=True) * p - t) / 5, rtol=0, atol=1e-15)


# -- optimisers ----------------------------------------------------------------------------------


@pytest.mark.parametrize("scale", [1e-6, 1e-3, 1.0, 1e3, 1e6])
def test_adams_first_step_is_the_learning_rate_whatever_the_size_of_the_gradient(scale):
    p = parameter(0.0, 0.0, 5.0)
    step_with(optim.Adam([p], lr=0.01), p, scale, -scale, 0.0)
    expected = 0.01 * scale / (scale + 1e-8)
    np.testing.assert_allclose(p.numpy(), [-expected, expected, 5.0], rtol=1e-12)


def test_a_gradient_of_zero_is_a_step_along_the_averages():
    """It is not the same as no gradient: the averages go on to decay, and move the parameter on."""
    p, m, v, x = parameter(0.0), 0.0, 0.0, 0.0
    optimizer = optim.Adam([p], lr=0.1)
    for t, g in enumerate((1.0, 0.0, 0.0, 0.0), 1):
        step_with(optimizer, p, g)
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g
        x -= 0.1 * (m / (1 - 0.9**t)) / (np.sqrt(v / (1 - 0.999**t)) + 1e-8)
        np.testing.assert_allclose(p.numpy(), [x], rtol=1e-13)
    q = parameter(0.0)
    optimizer = optim.SGD([q], lr=0.1, momentum=0.5)
    for g in (1.0, 0.0, 0.0):
        step_with(optimizer, q, g)
    np.testing.assert_allclose(q.numpy(), [-0.1 * (1 + 0.5 + 0.25)], rtol=1e-15)


def test_loading_keeps_the_group_that_a_schedule_has_hold_of():
    p = parameter(1.0)
    optimizer = optim.SGD([p], lr=0.1)
    groups, group = optimizer.param_groups, optimizer.param_groups[0]
    optimizer.load_state_dict(optimizer.state_dict())
    group["lr"] = 0.5
    step_with(optimizer, p, 1.0)
    assert optimizer.param_groups is groups and optimizer.param_groups[0] is group
    assert p.tolist() == [0.5]


def test_a_state_may_be_loaded_before_a_step_and_between_backward_and_step():
    """Also of a model with layers that have no parameters."""
    net = nn.Sequential(nn.Linear(2, 2), nn.Dropout(0.5), nn.Linear(2, 1))
    first = optim.Adam(net.parameters(), lr=0.1)
    first.load_state_dict(first.state_dict())
    (net(mg.ones(3, 2)) ** 2).sum().backward()
    first.step()
    second = optim.Adam(net.parameters(), lr=0.5)
    second.load_state_dict(first.state_dict())
    second.step()
    assert second.param_groups[0]["lr"] == 0.1
    assert {key: entry["step"] for key, entry in second.state_dict()["state"].items()} == dict.fromkeys(range(4), 2)


# -- data ----------------------------------------------------------------------------------------


def test_numbers_of_a_vector_change_places():
    x = mg.tensor([1.0, 2.0, 3.0])
    x[0], x[1] = x[1], x[0]
    assert x.tolist() == [2, 1, 3]


def test_a_number_taken_out_of_a_vector_keeps_its_value():
    x = mg.tensor([5.0, 6.0])
    kept = x[0]
    x[0] = 9.0
    assert (kept.item(), x.tolist()) == (5, [9, 6])


# -- copies of a model together with its optimiser -------------------------------------------------

TOGETHER: dict[str, Callable[[Any], Any]] = {
    "deepcopy": copy.deepcopy,
    "pickle": lambda pair: pickle.loads(pickle.dumps(pair)),
}
X = np.arange(8.0, dtype=np.float32).reshape(4, 2)


def train_once(net: nn.Module, optimizer: optim.Optimizer) -> list[Any]:
    optimizer.zero_grad()
    net(mg.tensor(X)).square().mean().backward()
    optimizer.step()
    return [value.tolist() for value in net.state_dict().values()]


@pytest.mark.parametrize("kind", [optim.SGD, optim.Adam])
@pytest.mark.parametrize("how", TOGETHER)
def test_a_trained_model_and_its_optimiser_are_copied_together(how, kind):
    """Gradients, averages, modes and a frozen layer go along; the copies train each other and nobody else."""
    mg.manual_seed(0)
    net = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3), nn.Linear(3, 1))
    optimizer = kind(net.parameters(), lr=0.1, **({"momentum": 0.9} if kind is optim.SGD else {}))
    train_once(net, optimizer)
    net[1].freeze()
    net[2].eval()
    before = [value.tolist() for value in net.state_dict().values()]
    twin, its_optimizer = TOGETHER[how]((net, optimizer))
    assert twin[1].frozen and twin[1].training and not twin[2].training
    assert [p.grad is None for p in twin.parameters()] == [p.grad is None for p in net.parameters()]
    after = train_once(twin, its_optimizer)
    assert [value.tolist() for value in net.state_dict().values()] == before != after
    assert train_once(net, optimizer) == after


# -- resuming ------------------------------------------------------------------------------------


def start(seed: int, kind: str) -> dict[str, Any]:
    mg.manual_seed(seed)
    net = nn.Sequential(nn.Linear(2, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.2), nn.Linear(8, 2))
    optimizers = {
        "SGD": lambda p: optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True),
        "Adam": lambda p: optim.Adam(p, lr=0.01, weight_decay=0.1),
    }
    loader = data.DataLoader(data.moons(50), batch_size=8, shuffle=True, generator=seed)
    return {"net": net, "optimizer": optimizers[kind](net.parameters()), "loader": loader}


def steps_of(run: dict[str, Any]) -> Iterator[None]:
    """One step after the other, epoch after epoch."""
    while True:
        for x, y in run["loader"]:
            run["optimizer"].zero_grad()
            F.cross_entropy(run["net"](x), y).backward()
            run["optimizer"].step()
            yield


def take(steps: Iterator[None], count: int) -> None:
    for _ in range(count):
        next(steps)


def states(run: dict[str, Any]) -> dict[str, Any]:
    return {**{name: part.state_dict() for name, part in run.items()}, "random": mg.get_rng_state()}


def plain(state: Any) -> Any:
    """A state as Python values, in which every bit of every number counts."""
    if isinstance(state, dict):
        return {key: plain(value) for key, value in state.items()}
    if isinstance(state, (list, tuple)):
        return [plain(value) for value in state]
    return (str(state.dtype), state.numpy().tobytes()) if isinstance(state, mg.Tensor) else state


@pytest.mark.parametrize("kind", ["SGD", "Adam"])
@pytest.mark.parametrize("done", [3, 7, 10], ids=["in an epoch", "at its end", "in the next"])
def test_a_run_with_dropout_and_shuffling_is_resumed_bit_for_bit(kind, done, tmp_path):
    run = start(1, kind)
    steps = steps_of(run)
    take(steps, done)
    mg.save(states(run), tmp_path / "run")
    take(steps, 9)
    expected = plain(states(run))
    resumed, saved = start(99, kind), mg.load(tmp_path / "run")
    for name, part in resumed.items():
        part.load_state_dict(saved[name])
    mg.set_rng_state(saved["random"])
    take(steps_of(resumed), 9)
    assert plain(states(resumed)) == expected


# -- processes -----------------------------------------------------------------------------------

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
