"""What a wrapper knows of batches and losses: lengths, numbers of values, and what it says where it knows nothing."""

from __future__ import annotations

import dataclasses
import functools
import operator

import numpy as np
import pytest

import minigrad as mg
import minigrad.nn.functional as F
from minigrad import nn
from minigrad.distributed import DistributedError, ThreadGroup
from minigrad.nn.parallel import DistributedDataParallel
from tests.distributed.test_weighing import SHARDS, X, net, part

# -- how long a batch is ---------------------------------------------------------------------------


@dataclasses.dataclass
class Sample:
    name: str
    x: mg.Tensor


class Takes(nn.Module):
    """Computes the sum of its weight times all tensors of a batch."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(mg.ones(()))

    def forward(self, *batch, **named):
        return {"losses": [self.weight * x.sum() for x in tensors_in([*batch, *named.values()])]}


def tensors_in(batch):
    for each in batch:
        if isinstance(each, mg.Tensor):
            yield each
        elif isinstance(each, Sample):
            yield each.x
        elif isinstance(each, (list, tuple, dict)):
            yield from tensors_in(each.values() if isinstance(each, dict) else each)


def t(*shape):
    return mg.ones(*shape)


LENGTHS = {
    "a scalar first": (lambda n: ((t(), t(n, 3)), {}), 0, "2, 3"),
    "a single element first": (lambda n: ((t(1), t(n, 3)), {}), 0, "2, 3"),
    "no name before": (lambda n: (("train", None, t(n, 3)), {}), 0, "2, 3"),
    "by name": (lambda n: ((), {"x": t(n, 3)}), 0, "2, 3"),
    "a dict": (lambda n: (({"text": "a", "x": t(n, 3)},), {}), 0, "2, 3"),
    "an object": (lambda n: ((Sample("a", t(n, 3)),), {}), 0, "2, 3"),
    "a list of samples": (lambda n: (([t(3, 8)] * n,), {}), 0, "2 x 3, 3 x 3"),
    "steps first": (lambda n: ((t(7, n, 3),), {}), 1, "2, 3"),
    "the last axis": (lambda n: ((t(), t(4, n)),  {}), -1, "2, 3"),
    "no such axis in the first": (lambda n: ((t(4), t(7, n, 3)), {}), 1, "2, 3"),
}  # fmt: skip


@pytest.mark.parametrize("name", LENGTHS)
def test_the_length_is_found(name):
    make, dim, words = LENGTHS[name]

    def run(group):
        model = DistributedDataParallel(Takes(), dim=dim)
        args, named = make(SHARDS[group.rank()])
        with pytest.raises(DistributedError, match=f"have {words} samples"):
            sum(model(*args, **named)["losses"]).backward()

    ThreadGroup.run(2, run)


EQUAL = {
    "several inputs of one sample each": lambda n: ((t(1, 3), t(n, n)), {}),
    "padded sequences": lambda n: ((t(4, n), t(n, n)), {}),
    "inputs in a list": lambda n: (([t(4, 1), t(n)],), {}),
}


@pytest.mark.parametrize("name", EQUAL)
def test_other_lengths_may_differ(name):
    def run(group):
        args, named = EQUAL[name](SHARDS[group.rank()])
        model = DistributedDataParallel(Takes())
        sum(model(*args, **named)["losses"]).backward()
        return model.module.weight.grad.item()

    whole = [sum(x.sum().item() for x in tensors_in([*EQUAL[name](n)[0]])) for n in SHARDS]
    assert ThreadGroup.run(2, run) == pytest.approx([sum(whole) / 2] * 2, rel=1e-6)


class Texts(nn.Module):
    """A model of no tensors."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(mg.ones(1))

    def forward(self, texts):
        return self.weight * sum(map(len, texts))


def t64(*shape):
    return mg.ones(*shape, dtype=mg.float64)


PAST = {
    "the module": (net, lambda model: model.module(t64(2, 3)).mean()),
    "beside a call": (net, lambda model: model(t64(2, 3)).mean() + model.module(t64(2, 3)).mean()),
    "a part of it": (net, lambda model: model.module[0](t64(2, 3)).mean()),
    "parameters and data alone": (net, lambda model: F.linear(t64(2, 3), model.module[0].weight).mean()),
    "a batch of no tensors": (Texts, lambda model: model(["a", "bc"]).mean()),
}


@pytest.mark.parametrize("name", PAST)
def test_a_length_that_is_not_known_is_said_once(name):
    make, loss = PAST[name]

    def run(group):
        model = DistributedDataParallel(make())
        with pytest.raises(UserWarning, match="past the wrapper, which has not seen how many samples"):
            loss(model).backward()
        loss(model).backward()

    ThreadGroup.run(2, run)


PENALTIES = {
    "squares": lambda w: (w**2).sum(),
    "distance from old values": lambda w: (w - w.detach()).square().sum(),
    "orthogonality": lambda w: (w @ w.mT - mg.eye(4, dtype=mg.float64)).square().sum(),
}


@pytest.mark.parametrize("name", PENALTIES)
def test_of_a_penalty_alone_nothing_is_said(name):
    def run(group):
        model = DistributedDataParallel(net())
        weight = model.module[0].weight
        PENALTIES[name](weight).backward()
        return np.abs(weight.grad.numpy() - mg.grad(PENALTIES[name](weight), weight)[0].numpy()).max()

    assert max(ThreadGroup.run(2, run)) < 1e-14


IGNORED = {
    "targets": lambda out, n: F.cross_entropy(out, mg.tensor([0] * n + [-100] * (3 - n)), ignore_index=-100),
    "mask": lambda out, n: out[:n].mean(),
    "divided": lambda out, n: out.sum() / n,
}


@pytest.mark.parametrize("name", IGNORED)
def test_means_of_other_numbers_in_equal_batches_are_said_once(name):
    """Batches of 3, of which 2 and 3 samples count."""

    def run(group):
        model, n = DistributedDataParallel(net()), SHARDS[group.rank()]
        with pytest.raises(UserWarning, match="one length, but their losses are means of"):
            IGNORED[name](model(t64(3, 3)), n).backward()
        IGNORED[name](model(t64(3, 3)), n).backward()

    ThreadGroup.run(2, run)


def test_means_inside_of_the_model_may_be_of_other_numbers():
    class Pooled(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(3, 1)

        def forward(self, x):
            return self.layer(x.mean(1))

    def run(group):
        x = (group.rank() + mg.ones(2, SHARDS[group.rank()], 3)).requires_grad_()
        model = DistributedDataParallel(Pooled())
        model(x).mean().backward()
        return model.module.layer.weight.grad.tolist()

    assert ThreadGroup.run(2, run) == [[[1.5, 1.5, 1.5]]] * 2


# -- the mean where the sum is asked for ----------------------------------------------------------------


def target(x):
    return mg.zeros(len(x), dtype=mg.int64)


MEANS = {
    "mean": lambda out, x: out.mean(),
    "cross entropy": lambda out, x: F.cross_entropy(out, target(x)),
    "smoothed": lambda out, x: F.cross_entropy(out, target(x), label_smoothing=0.1),
    "likelihood": lambda out, x: F.nll_loss(F.log_softmax(out, 1), target(x)),
    "module": lambda out, x: nn.MSELoss()(out, x),
    "float16": lambda out, x: F.cross_entropy(out.half(), target(x)),
    "divided": lambda out, x: (out - x).square().sum(1).sum() / len(x),
    "two": lambda out, x: F.mse_loss(out, x) + 0.5 * F.l1_loss(out, x),
    "less another": lambda out, x: F.mse_loss(out, x) - 0.1 * out.mean(),
    "turned": lambda out, x: -F.cosine_similarity(out, x).mean().reshape(()),
}


@pytest.mark.parametrize("name", MEANS)
def test_a_mean_in_place_of_the_sum_is_refused_on_all_ranks(name):
    def run(group):
        model, x = DistributedDataParallel(net()), part(X, group.rank())
        out = model(x)
        loss = MEANS[name](out, x) if group.rank() == 1 else out.sum()
        with pytest.raises(ValueError, match=r'the loss of rank 1 is the mean of several.*reduction="sum"'):
            model.mean(loss, len(x))

    ThreadGroup.run(2, run)


OVER = {
    "the sum of all elements": lambda out, x: (out - x).square().sum() / len(x),
    "each before": lambda out, x: ((out - x).square() / len(x)).sum(),
    "times the inverse": lambda out, x: (out - x).square().sum() * (1 / len(x)),
    "a mean for each feature": lambda out, x: (out - x).square().mean(0).sum(),
    "a loop": lambda out, x: sum(F.mse_loss(a, b) for a, b in zip(out, x, strict=True)) / len(x),
    "batchmean": lambda out, x: F.kl_div(F.log_softmax(out, 1), F.softmax(x, 1), reduction="batchmean"),
}


@pytest.mark.parametrize("name", OVER)
def test_a_sum_divided_by_the_own_number_on_all_ranks_is_refused(name):
    def run(group):
        model, x = DistributedDataParallel(net()), part(X, group.rank())
        with pytest.raises(ValueError, match="the loss of rank 0 and 1 is the mean of several losses"):
            model.mean(OVER[name](model(x), x), len(x))

    ThreadGroup.run(2, run)


SUMS = {
    "half": lambda out, x: (out - x).square().sum() / 2,
    "a long loop": lambda out, x: sum(sum(F.mse_loss(a, b) for a, b in zip(out, x, strict=True)) for _ in range(400)),
    "a loop": lambda out, x: functools.reduce(operator.add, [F.mse_loss(a, b) for a, b in zip(out, x, strict=True)]),
    "doubled often": lambda out, x: functools.reduce(lambda a, _: a + a, range(50), out.sum() / 2**50),
    "sum": lambda out, x: F.cross_entropy(out, target(x), reduction="sum"),
    "means of samples": lambda out, x: (out - x).square().mean(1).sum(),
    "a mean of one": lambda out, x: out.sum(keepdim=True, dim=(0, 1)).mean(),
    "made a sum": lambda out, x: F.mse_loss(out, x) * len(x),
    "divided by features": lambda out, x: (out - x).square().sum() / 3,
    "a number": lambda out, x: 3.0,
}


@pytest.mark.parametrize("name", SUMS)
def test_a_sum_is_taken(name):
    def run(group):
        model, x = DistributedDataParallel(net()), part(X, group.rank())
        loss = SUMS[name](model(x), x)
        return float(model.mean(loss, len(x))), float(loss) * 2 / 5

    for found, expected in ThreadGroup.run(2, run):
        assert found == pytest.approx(expected, rel=1e-12)


def test_one_mean_may_count_as_one():
    def run(group):
        model, x = DistributedDataParallel(net()), part(X, group.rank())
        loss = model(x).mean()
        return model.mean(loss, 1).item(), loss.item()

    for found, expected in ThreadGroup.run(2, run):
        assert found == expected
