"""Sums over ranks: values, derivatives, what does not fit, ranks that raise or do not come."""

from __future__ import annotations

import re
import time
from threading import Event

import numpy as np
import pytest

import minigrad as mg
from minigrad import distributed as dist
from minigrad import nn
from minigrad.distributed import Alone, DistributedError, ReduceOp, ThreadGroup
from minigrad.distributed.nn.functional import all_reduce

SIZES = pytest.mark.parametrize("size", [1, 2, 4])


@SIZES
def test_every_rank_gets_the_same_sum(size):
    values = np.random.default_rng(0).normal(size=(size, 3, 2))
    found = ThreadGroup.run(size, lambda group: all_reduce(mg.tensor(values[group.rank()])).numpy())
    np.testing.assert_allclose(found[0], values.sum(0), rtol=1e-15)
    assert len({y.tobytes() for y in found}) == 1


@SIZES
def test_the_derivative_is_that_of_the_sum_over_ranks(size):
    """Loss of each rank: ``rank * sum(all_reduce(x)**3)``: gradients of first and second order by hand."""

    def derivatives(group):
        x = mg.tensor([1.0 + group.rank()], dtype=mg.float64, requires_grad=True)
        loss = (group.rank() + 1) * (all_reduce(x, group=group) ** 3).sum()
        (first,) = mg.grad(loss, x, create_graph=True)
        (second,) = mg.grad(first.sum(), x)
        return first.item(), second.item()

    s, weight = sum(range(1, size + 1)), sum(range(1, size + 1))
    for found in ThreadGroup.run(size, derivatives):
        assert found == pytest.approx((3 * weight * s**2, size * 6 * weight * s), rel=1e-14)


@pytest.mark.parametrize("check", [mg.gradcheck, mg.gradgradcheck])
def test_checks_pass_across_ranks(check):
    def run(group):
        def loss(parameter):
            return dist.total((dist.copied(parameter) ** 3 * (group.rank() + 1)).sum())

        return check(loss, mg.tensor([0.5, -1.5], dtype=mg.float64, requires_grad=True))

    assert ThreadGroup.run(2, run) == [True, True]


def test_a_check_that_fails_says_the_same_on_all_ranks():
    """A value that all hold, but that enters as one of each rank's own."""

    def run(group):
        x = mg.tensor([0.5], dtype=mg.float64, requires_grad=True)
        return str(mg.gradcheck(lambda p: dist.total(p) ** 2, x, raise_exception=False))

    first, second = ThreadGroup.run(2, run, timeout=20)
    assert first == second
    assert "constant factor: backward gives the derivative times 0.5" in first


@pytest.mark.parametrize(("op", "expected"), [(ReduceOp.SUM, 4.0), (ReduceOp.AVG, 2.0)])
def test_in_place_it_is_pytorchs(op, expected):
    def run(group):
        x = mg.tensor([1.0 + 2 * group.rank()])
        assert dist.all_reduce(x, op) is None
        return x.item()

    assert ThreadGroup.run(2, run) == [expected] * 2


def test_in_place_has_a_derivative_too():
    def run(group):
        x = mg.tensor([3.0], requires_grad=True)
        y = x * (1 + group.rank())
        dist.all_reduce(y)
        (y**2).sum().backward()
        return x.grad.item()

    y = 3.0 + 6.0
    assert ThreadGroup.run(2, run) == [2 * 2 * y, 2 * 2 * 2 * y]


def test_float16_is_added_in_float32():
    y, _ = ThreadGroup.run(2, lambda group: all_reduce(mg.tensor([2048.0, 1.0], dtype=mg.float16)))
    assert y.dtype == mg.float16
    assert y.tolist() == [4096.0, 2.0]


def test_integers_are_added():
    y, _ = ThreadGroup.run(2, lambda group: all_reduce(mg.tensor([group.rank() + 1])))
    assert y.dtype == mg.int64
    assert y.tolist() == [3]


def test_a_tensor_of_another_rank():
    def run(group):
        x = mg.tensor([float(group.rank())])
        dist.broadcast(x, src=2)
        return x.item()

    assert ThreadGroup.run(3, run) == [2, 2, 2]


def test_the_number_of_ranks_may_be_numpys():
    assert ThreadGroup.run(np.int64(2), lambda group: group.size()) == [2, 2]


def test_texts():
    words = ["", "é", "three"]
    assert ThreadGroup.run(3, lambda group: group.texts(words[group.rank()])) == [words] * 3


def test_groups_of_some_ranks():
    def run(group):
        first, second = dist.new_group([2, 0]), dist.new_group([1, 3])
        own = first if first.rank() >= 0 else second
        return dist.get_rank(own), dist.get_world_size(own), dist.get_world_size(), int(own.sum(np.array(group.rank())))

    assert ThreadGroup.run(4, run) == [(0, 2, 4, 2), (0, 2, 4, 4), (1, 2, 4, 2), (1, 2, 4, 4)]


def test_without_a_group_there_is_one_rank():
    assert (dist.get_rank(), dist.get_world_size(), dist.is_initialized()) == (0, 1, False)
    dist.barrier()
    x = mg.ones(2)
    dist.all_reduce(x)
    assert x.tolist() == [1, 1]
    assert not np.shares_memory(Alone().sum(x.numpy()), x.numpy())


def test_each_rank_has_a_random_state_of_its_own():
    mg.manual_seed(3)
    before = mg.get_rng_state()
    first = ThreadGroup.run(2, lambda group: mg.rand(2).tolist())
    assert mg.get_rng_state() == before
    assert first[0] == first[1] == mg.rand(2).tolist()

    def seeded(group):
        mg.manual_seed(group.rank())
        group.barrier()
        return mg.randn(3).tolist(), mg.nn.functional.dropout(mg.ones(50)).tolist()

    found = ThreadGroup.run(2, seeded)
    for rank in range(2):
        mg.manual_seed(rank)
        assert found[rank] == (mg.randn(3).tolist(), mg.nn.functional.dropout(mg.ones(50)).tolist())


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(3, 4), nn.SyncBatchNorm(4))

    def forward(self, x):
        return self.net(x)


def forward(model):
    return model(mg.rand(2, 3))


PLACES = {
    "forward": (forward, 0, "module.net.1 (SyncBatchNorm)"),
    "backward": (lambda model: forward(model).sum().backward(), 1, "module.net.1 (SyncBatchNorm)"),
    "gradients that are graphs": (
        lambda model: mg.grad(forward(model).sum(), list(model.parameters()), create_graph=True),
        1,
        "module.net.1 (SyncBatchNorm)",
    ),
    "average": (lambda model: forward(model).sum().backward(), 2, "backward (DistributedDataParallel)"),
    "buffers": (lambda model: forward(model.eval().train()), 0, "DistributedDataParallel"),
    "mean": (lambda model: model.mean(1.0, 1), 0, "mean (DistributedDataParallel)"),
}


@pytest.mark.parametrize("name", PLACES)
def test_a_rank_that_is_stopped_says_where(name):
    step, exchanges, place = PLACES[name]
    said = []

    def run(group):
        model = nn.parallel.DistributedDataParallel(nn.Sequential(nn.BatchNorm1d(3)) if name == "buffers" else Net())

        def raise_when_awaited(array):
            while not group.meeting.barrier.n_waiting:
                time.sleep(0)
            raise KeyError

        if group.rank() == 1:
            gathers = iter([group.gather] * exchanges + [raise_when_awaited])
            group.gather = lambda array: next(gathers)(array)
        try:
            step(model)
        except DistributedError as error:
            said.append(str(error))
            raise

    with pytest.raises(KeyError):
        ThreadGroup.run(2, run)
    assert re.search(rf"rank 0 was stopped in an exchange of .* in {re.escape(place)}: rank 1: KeyError", said[0])


def run_with(other):
    """Rank 0 exchanges three numbers; what rank 1 does is ``other(group)``."""
    return ThreadGroup.run(2, lambda group: other(group) if group.rank() else group.sum(np.ones(3)), timeout=5)


@pytest.mark.parametrize(
    ("other", "error", "words"),
    [
        (lambda group: group.sum(np.ones(4)), DistributedError, r"rank 0: .*\(3,\) float64; rank 1: .*\(4,\) float64"),
        (lambda group: group.sum(np.ones(3, int)), DistributedError, r"rank 0: .* float64; rank 1: .*\(3,\) int64"),
        (lambda group: None, DistributedError, r"rank 0: .*\(3,\) float64; rank 1: the end of the program"),
        (lambda group: int("x"), ValueError, "invalid literal"),
    ],
)
def test_all_ranks_stop_with_one_error(other, error, words):
    with pytest.raises(error, match=words) as caught:
        run_with(other)
    assert caught.value.__notes__


def test_a_rank_that_does_not_come_is_not_waited_for():
    go_on, awake = Event(), []

    def sleep():
        go_on.wait(5)
        awake.append(True)

    with pytest.raises(DistributedError, match=r"a rank did not come within 0.05 s; all ranks are stopped"):
        ThreadGroup.run(2, lambda group: sleep() if group.rank() else group.sum(np.ones(3)), timeout=0.05)
    assert not awake
    go_on.set()


REFUSED = {
    "no group": (lambda: all_reduce(mg.ones(2), group=3), TypeError, "all_reduce: group must be one of"),
    "another reduction": (lambda: all_reduce(mg.ones(2), "median"), TypeError, "op must be ReduceOp.SUM, AVG"),
    "no tensor": (lambda: dist.all_reduce([1.0]), TypeError, "all_reduce: expected a tensor, got a list"),
    "in the background": (lambda: dist.all_reduce(mg.ones(2), async_op=True), NotImplementedError, "async_op=True"),
    "no such rank": (lambda: dist.broadcast(mg.ones(2), 1), ValueError, "src must be a rank of the group, 0 to 0"),
    "no ranks": (lambda: dist.new_group([0, 0]), ValueError, "different integers from 0 to 0"),
    "size": (lambda: ThreadGroup.run(0, print), ValueError, r"size must be an integer of at least 1"),
    "no size": (lambda: ThreadGroup.run(True, print), ValueError, r"size must be an integer of at least 1, got True"),
    "timeout": (lambda: ThreadGroup.run(1, print, 0), ValueError, r"timeout must be a positive number"),
    "a leaf": (lambda: dist.all_reduce(mg.ones(2, requires_grad=True)), RuntimeError, "is a leaf that requires grad"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name):
    call, error, words = REFUSED[name]
    with pytest.raises(error, match=words):
        call()


def test_a_rank_outside_of_a_group_must_not_exchange_in_it():
    def run(group):
        own = dist.new_group([0])
        return all_reduce(mg.ones(1), group=own).item()

    with pytest.raises(ValueError, match="this rank does not belong to the group"):
        ThreadGroup.run(2, run, timeout=5)
