"""What the ranks of ``test_processes`` run: ``mpiexec -n 2 python -m tests.distributed.program NAME``."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from unittest import mock

import numpy as np

import minigrad as mg
import minigrad.nn.functional as F
from minigrad import distributed as dist
from minigrad import nn
from tests.distributed.training import alone, apart, together


def train(shards, dtype, tolerance):
    """50 steps, compared with one process, and with the other ranks to the bit."""
    found = together(shards, dtype)
    parameters, statistics = apart(found, alone(dtype))
    assert parameters < tolerance and statistics < 5 * tolerance, (shards, parameters, statistics)
    everything = np.frombuffer(b"".join(value.tobytes() for value in found.values()), np.uint8)
    parts = dist.new_group().gather(everything)
    assert (parts == parts[0]).all()
    return parameters, statistics


def exchange(group, rank, size):
    """Arrays of all kinds, which travel with their code or behind it."""
    for dtype in (np.float16, np.float32, np.float64, np.int8, np.int64, bool, ">f8"):
        for shape in [(), (3,), (0, 2), (2, 3, 4), (70, 90)]:
            values = np.random.default_rng(0).integers(0, 2, (size, *shape)).astype(dtype)
            own = values[rank, ...]
            assert (group.gather(own) == values).all()
            total = group.sum(own)
            assert (
                total.dtype == dtype
                and (total == np.add.reduce(values, 0, values.dtype.type)).all()
                and total.shape == shape
            )
            assert (group.broadcast(own, size - 1) == values[-1]).all()
            if shape:
                turned = own.copy().T  # not in C order
                assert (group.sum(turned, turned) == np.add.reduce(values, 0, values.dtype.type).T).all()
                assert (group.gather(own.T) == values.transpose(0, *range(len(shape), 0, -1))).all()


def right():
    """Exchanges, derivatives across ranks, and trainings."""
    group, rank, size = dist.new_group(), dist.get_rank(), dist.get_world_size()
    exchange(group, rank, size)
    with mock.patch("minigrad.groups.mpi.FEW", 1):  # as among many ranks
        exchange(dist.new_group(), rank, size)
    assert group.texts(f"rank {rank}") == [f"rank {i}" for i in range(size)]
    pair = [dist.new_group([0, size - 1]), dist.new_group(range(1, size))][0]
    assert pair.rank() == {0: 0, size - 1: 1}.get(rank, -1)
    if pair.rank() >= 0:
        assert int(pair.sum(np.array(rank))) == size - 1
    x = np.random.default_rng(1).standard_normal((2 * size, 2))

    def loss(x, weight):
        part = dist.copied(x)[2 * rank : 2 * rank + 2]
        y = F.batch_norm(part, None, None, dist.copied(weight), None, training=True, group=group)
        return dist.total((mg.tanh(y) * (rank + 1)).sum())

    inputs = [mg.tensor(x, requires_grad=True), mg.tensor([0.5, -1.5], dtype=mg.float64, requires_grad=True)]
    assert (mg.gradgradcheck if size == 2 else mg.gradcheck)(loss, inputs)
    if size == 2:
        train((1, 63), "float64", 1e-14)
        train((32, 32), "float32", 1e-6)
    else:
        train((0, 22, 21, 21), "float64", 1e-14)


def step(number):
    dist.all_reduce(mg.ones(10))


def misbehave(what):
    """One exchange in a step; rank 1 does something else in step 3."""
    for number in range(6):
        if number == 3 and dist.get_rank() == 1:
            what()
        step(number)


def two_models():
    nn.parallel.DistributedDataParallel(nn.Linear(2, 2 + dist.get_rank()))


class Normalised(nn.Module):
    """A net with a name for what is in it."""

    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(3, 4), nn.SyncBatchNorm(4))

    def forward(self, x):
        return self.net(x)


def sleep_in_backward():
    model = Normalised()
    y = model(mg.ones(2, 3))
    if dist.get_rank() == 1:
        y.register_hook(lambda _: time.sleep(60))
    y.sum().backward()


def weigh():
    """A weighed loss, and one of parts of 2 and 3 samples that is not."""
    model = nn.parallel.DistributedDataParallel(Normalised())
    y = model(mg.rand(2 + dist.get_rank(), 3))
    (model.mean(y.sum(), len(y)) + y.mean()).backward()


def interrupt():
    """Rank 0 is called away from where it waits, and goes on as if nothing had been."""
    if dist.get_rank() == 1:
        time.sleep(60)
    signal.signal(signal.SIGALRM, lambda *_: int("no number"))
    signal.setitimer(signal.ITIMER_REAL, 0.1)
    with contextlib.suppress(ValueError):
        dist.barrier()
    dist.all_reduce(mg.ones(10))


ALL_RANKS = {
    "right": right,
    "models": two_models,
    "sleep in backward": sleep_in_backward,
    "weigh": weigh,
    "interrupt": interrupt,
}


def kill():
    os.kill(os.getpid(), signal.SIGKILL)


FAULTS = {
    "raise": lambda: int("no number"),
    "end": lambda: sys.exit(0),
    "sleep": lambda: time.sleep(60),
    "kill": kill,
    "shape": lambda: dist.all_reduce(mg.ones(12)),
    "dtype": lambda: dist.all_reduce(mg.ones(10, dtype=mg.int64)),
    "order": lambda: dist.barrier(),
}


def own_hook(kind, error, trace):
    print("the program's own hook", file=sys.stderr)
    sys.__excepthook__(kind, error, trace)


if __name__ == "__main__":
    sys.excepthook = own_hook
    dist.init_process_group("mpi", timeout=2 if sys.argv[1].startswith("sleep") else 60)
    if sys.argv[1] in ALL_RANKS:
        ALL_RANKS[sys.argv[1]]()
    else:
        misbehave(FAULTS[sys.argv[1]])
    dist.destroy_process_group()
    print("done")
