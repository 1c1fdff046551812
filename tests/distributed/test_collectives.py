"""Exchanges other than sums: all tensors, those of one rank, the largest, the product; and their derivatives."""

from __future__ import annotations

import numpy as np
import pytest

import minigrad as mg
from minigrad import distributed as dist
from minigrad.distributed import ReduceOp, ThreadGroup
from minigrad.distributed.nn.functional import all_gather, all_reduce

VALUES = np.array([[2.0, -1.0], [3.0, 5.0], [-4.0, 0.5]])


def on_three(function):
    """What three ranks return, each of its row of the values."""
    return ThreadGroup.run(3, lambda group: function(mg.tensor(VALUES[group.rank()]), group.rank()))


REDUCTIONS = {
    ReduceOp.MAX: (VALUES.max(0), VALUES.max(0) == VALUES),
    ReduceOp.MIN: (VALUES.min(0), VALUES.min(0) == VALUES),
    ReduceOp.PRODUCT: (VALUES.prod(0), VALUES.prod(0) / VALUES),
    ReduceOp.AVG: (VALUES.mean(0), np.full((3, 2), 1 / 3)),
}


@pytest.mark.parametrize("op", REDUCTIONS)
def test_reductions_and_their_derivatives(op):
    """Rank r's loss is (r + 1) times the result: over all ranks it counts 6 times."""
    expected, slopes = REDUCTIONS[op]

    def run(x, rank):
        in_place = x.clone()
        dist.all_reduce(in_place, op)
        x.requires_grad_()
        y = all_reduce(x, op)
        ((rank + 1) * y).sum().backward()
        return in_place.numpy(), y.detach().numpy(), x.grad.numpy()

    for rank, (in_place, y, gradient) in enumerate(on_three(run)):
        np.testing.assert_allclose([in_place, y], [expected, expected], rtol=1e-15)
        np.testing.assert_allclose(gradient, 6 * slopes[rank], rtol=1e-14)


@pytest.mark.parametrize("dtype", ["int8", "int64", "float16", "bool"])
def test_the_dtype_stays(dtype):
    def run(group):
        x = mg.tensor(np.array([group.rank(), 1], dtype))
        return [all_reduce(x, op) for op in (ReduceOp.MAX, ReduceOp.MIN, ReduceOp.PRODUCT)]

    for found in ThreadGroup.run(2, run):
        assert [y.dtype.name for y in found] == [dtype] * 3
        assert [y.tolist() for y in found] == [[1, 1], [0, 1], [0, 1]]


def test_all_tensors_and_their_derivative():
    """The loss of rank r is ``sum over q of (r + 1) * (q + 1) * x[q]**2``."""

    def run(x, rank):
        x.requires_grad_()
        loss = sum((rank + 1) * (q + 1) * (part**2).sum() for q, part in enumerate(all_gather(x)))
        (dx,) = mg.grad(loss, x, create_graph=True)
        (ddx,) = mg.grad(dx.sum(), x)
        return dx.detach().numpy(), ddx.numpy()

    for rank, (dx, ddx) in enumerate(on_three(run)):
        np.testing.assert_allclose(dx, 6 * (rank + 1) * 2 * VALUES[rank], rtol=1e-14)
        # dx of rank r adds up the gradients of all ranks, and so does its derivative
        np.testing.assert_allclose(ddx, np.full(2, 6 * (rank + 1) * 2.0), rtol=1e-14)


def test_gradients_across_ranks_are_checked():
    def run(group):
        def loss(x):
            return dist.total((dist.nn.functional.all_gather(dist.copied(x) * (1 + group.rank()))[1] ** 3).sum())

        x = mg.tensor([0.5, -1.5], dtype=mg.float64, requires_grad=True)
        return mg.gradcheck(loss, x), mg.gradgradcheck(loss, x)

    assert ThreadGroup.run(2, run) == [(True, True)] * 2


def test_lists_and_tensors_are_filled():
    def run(x, rank):
        parts, joined, stacked = [mg.zeros(2).double() for _ in range(3)], mg.zeros(6).double(), mg.zeros(3, 2).double()
        dist.all_gather(parts, x)
        dist.all_gather_into_tensor(joined, x)
        dist.all_gather_into_tensor(stacked, x)
        return [part.tolist() for part in parts], joined.tolist(), stacked.tolist()

    rows = VALUES.tolist()
    assert on_three(run) == [(rows, VALUES.ravel().tolist(), rows)] * 3


def test_one_rank_gets_or_gives():
    def run(x, rank):
        summed, received = x.clone(), mg.zeros(2).double()
        dist.reduce(summed, dst=1)
        parts = [mg.zeros(2).double() for _ in range(3)] if rank == 2 else None
        dist.gather(x, parts, dst=2)
        dist.scatter(received, None if parts is None else [2 * part for part in parts], src=2)
        return summed.tolist(), received.tolist()

    sums = [VALUES.sum(0) if rank == 1 else VALUES[rank] for rank in range(3)]
    assert on_three(run) == [(sums[rank].tolist(), (2 * VALUES[rank]).tolist()) for rank in range(3)]


def t(*shape):
    return mg.zeros(*shape)


REFUSED = {
    "too few": (
        lambda: dist.all_gather([], t(2)),
        ValueError,
        r"list of 1 tensors \(2,\) float32, one for .* got \[\]",
    ),
    "shape": (lambda: dist.all_gather([t(3)], t(2)), ValueError, r"got \[\(3,\) float32\]"),
    "dtype": (lambda: dist.gather(t(2), [t(2).double()]), ValueError, r"gather: .*got \[\(2,\) float64\]"),
    "no list": (lambda: dist.scatter(t(2)), ValueError, "scatter: expected a list of 1 tensors .*, got None"),
    "output": (lambda: dist.all_gather_into_tensor(t(3), t(2)), ValueError, r"must be \(2,\) or \(1, 2\), got \(3,\)"),
    "rank": (lambda: dist.reduce(t(2), dst=1), ValueError, "reduce: dst must be a rank of the group, 0 to 0, got 1"),
    "no tensor": (lambda: dist.gather(3), TypeError, "gather: expected a tensor, got an int"),
    "later": (lambda: dist.all_gather([t(2)], t(2), async_op=True), NotImplementedError, "async_op=True"),
    "absent": (lambda: dist.all_gather_object, AttributeError, "group.texts"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name):
    call, error, words = REFUSED[name]
    with pytest.raises(error, match=words):
        call()


def test_a_list_on_another_rank_is_refused():
    with pytest.raises(ValueError, match="gather_list is for rank 0 alone: leave it out on rank 1"):
        ThreadGroup.run(2, lambda group: dist.gather(t(1), [t(1), t(1)]))
