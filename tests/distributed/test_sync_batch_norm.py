"""Batch normalisation over ranks that are threads: the same as one process with the whole batch."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import minigrad as mg
import minigrad.nn.functional as F
from minigrad import distributed as dist
from minigrad import nn
from minigrad.distributed import ThreadGroup

SHARDS = [(4, 3), (1, 6), (0, 7), (3, 1, 0, 4), (2, 2, 2, 2)]
BY_SHARDS = pytest.mark.parametrize("shards", SHARDS, ids=str)


def parts(values, shards):
    """The parts of a batch, one for each rank."""
    return np.split(values, np.cumsum(shards)[:-1])


def normal(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape)


def whole(values, dtype=None, requires_grad=True):
    return mg.tensor(values, dtype=dtype, requires_grad=requires_grad)


# -- the function -------------------------------------------------------------------------------


def results(x, dy, weight, bias, group=None, mask=None):
    """Output, statistics, and all gradients; those of weight and bias over all ranks."""
    statistics = np.result_type(x.dtype, np.float32)
    mean, var = mg.zeros(x.shape[1], dtype=statistics), mg.ones(x.shape[1], dtype=statistics)
    leaves = [whole(v) for v in (x, weight, bias)]
    y = F.batch_norm(leaves[0], mean, var, *leaves[1:], training=True, mask=mask, group=group)
    y.backward(mg.tensor(dy))
    shared = [v.grad.numpy() if group is None else group.sum(v.grad.numpy()) for v in leaves[1:]]
    return [y.detach().numpy(), leaves[0].grad.numpy(), *shared, mean.numpy(), var.numpy()]


CASES = [
    ((3,), np.float64, 0.0, 1e-13),
    ((3,), np.float32, 100.0, 3e-6),
    ((2, 5), np.float64, 3.0, 1e-13),
    ((2, 3, 4), np.float32, 1e7, 1e-6),
    ((4,), np.float16, 1.0, 2e-3),
]


@BY_SHARDS
@pytest.mark.parametrize(("sample", "dtype", "mean", "tolerance"), CASES)
@pytest.mark.parametrize("masked", [False, True])
def test_the_parts_are_normalised_as_the_whole(shards, sample, dtype, mean, tolerance, masked):
    n = sum(shards)
    x, dy = (normal(n, *sample, seed=seed).astype(dtype) for seed in (0, 1))
    x += np.asarray(mean, dtype)
    statistics = np.result_type(dtype, np.float32)
    weight, bias = (normal(sample[0], seed=seed).astype(statistics) for seed in (2, 3))
    mask = np.random.default_rng(4).random((n, *sample[1:])) < 0.7 if masked else None
    masks = parts(mask, shards) if masked else [None] * len(shards)
    expected = results(x.astype(np.float64), dy.astype(np.float64), weight.astype(np.float64),
                       bias.astype(np.float64), mask=mask)  # fmt: skip

    def rank(group):
        own = group.rank()
        return results(parts(x, shards)[own], parts(dy, shards)[own], weight, bias, group, masks[own])

    found = ThreadGroup.run(len(shards), rank, timeout=20)
    joined = [np.concatenate([each[i] for each in found]) for i in range(2)] + found[0][2:]
    for value, right in zip(joined, expected, strict=True):
        np.testing.assert_allclose(value, right, rtol=tolerance, atol=tolerance * max(1, abs(right).max()))
    for i in (4, 5):
        assert len({each[i].tobytes() for each in found}) == 1


@pytest.mark.parametrize("mean", [0, 1e3, 1e7])
@pytest.mark.parametrize("rows", [(128, 128, 128, 128), (3, 1000, 0, 5000)], ids=str)
def test_no_digits_are_lost_far_from_0(rows, mean):
    """The output is within 1e-6 of that in float64, for small batches and for those computed in blocks."""
    x = (normal(sum(rows), 24) * 2 + mean).astype(np.float32)
    exact = x.astype(np.float64)
    expected = (exact - exact.mean(0)) / np.sqrt(exact.var(0) + 1e-5)
    found = ThreadGroup.run(
        len(rows), lambda group: F.batch_norm(parts(x, rows)[group.rank()], None, None, training=True, group=group)
    )
    assert abs(np.concatenate(found) - expected).max() < 1e-6


def test_parts_far_from_each_other():
    """A batch sorted by value: what is far apart are the means of the parts."""
    x = np.sort(normal(512, 3) * 1e4, axis=0).astype(np.float32)
    exact = x.astype(np.float64)
    expected = (exact - exact.mean(0)) / np.sqrt(exact.var(0) + 1e-5)
    shards = (100, 12, 300, 100)
    found = ThreadGroup.run(
        4, lambda group: F.batch_norm(parts(x, shards)[group.rank()], None, None, training=True, group=group)
    )
    assert abs(np.concatenate(found) - expected).max() < 1e-6


def test_numbers_whose_squares_overflow():
    x = (normal(8, 2) * 1e30).astype(np.float32)
    expected = F.batch_norm(x.astype(np.float64), None, None, training=True)
    shards = (0, 5, 3)
    found = ThreadGroup.run(
        3, lambda group: F.batch_norm(parts(x, shards)[group.rank()], None, None, training=True, group=group)
    )
    np.testing.assert_allclose(np.concatenate(found), expected, rtol=1e-6)


# -- derivatives of any order ---------------------------------------------------------------------


def three_orders(x, weight, bias, coefficients, total=lambda loss: loss, copied=lambda p: p, group=None):
    """Gradients of a loss, of a penalty of them, and of one of that."""
    leaves = [whole(v) for v in (x, weight, bias)]
    y = F.batch_norm(leaves[0], None, None, *map(copied, leaves[1:]), training=True, group=group)
    loss = total((mg.tensor(coefficients) * mg.tanh(y)).sum())
    orders = []
    for _ in range(3):
        gradients = mg.grad(loss, leaves, create_graph=True)
        orders.append([g.detach().numpy() for g in gradients])
        inputs, *parameters = [(g**2).sum() for g in gradients]
        loss = total(inputs) + sum(parameters)  # each rank holds the gradients of its inputs, all hold the others
    return orders


@BY_SHARDS
@pytest.mark.parametrize("lengths", [(), (3,)])
def test_derivatives_of_three_orders(shards, lengths):
    n = sum(shards)
    x, coefficients = normal(n, 2, *lengths), normal(n, 2, *lengths, seed=1)
    weight, bias = normal(2, seed=2), normal(2, seed=3)
    expected = three_orders(x, weight, bias, coefficients)

    def rank(group):
        own = group.rank()
        return three_orders(
            parts(x, shards)[own], weight, bias, parts(coefficients, shards)[own], dist.total, dist.copied, group
        )

    found = ThreadGroup.run(len(shards), rank, timeout=20)
    for order, right in enumerate(expected):
        of_x = np.concatenate([each[order][0] for each in found])
        for value, wanted in zip([of_x, *found[0][order][1:]], right, strict=True):
            np.testing.assert_allclose(value, wanted, rtol=0, atol=1e-12 * abs(wanted).max())


@pytest.mark.parametrize(("check", "shards"), [(mg.gradcheck, (3, 1, 0, 2)), (mg.gradgradcheck, (2, 1))])
def test_checks_pass_across_ranks(check, shards):
    """Of the whole batch, which all ranks hold, each takes its part."""
    x = normal(sum(shards), 2)
    ends = np.cumsum((0, *shards))

    def rank(group):
        own = slice(*ends[group.rank() : group.rank() + 2])
        coefficients = mg.tensor(normal(*x.shape, seed=1))

        def loss(x, weight, bias):
            y = F.batch_norm(
                dist.copied(x)[own], None, None, dist.copied(weight), dist.copied(bias), training=True, group=group
            )
            return dist.total((coefficients[own] * mg.tanh(y)).sum())

        return check(loss, [whole(x), whole(normal(2, seed=2)), whole(normal(2, seed=3))])

    assert ThreadGroup.run(len(shards), rank) == [True] * len(shards)


@pytest.mark.parametrize("weights", [[[-0.8, 0.5], [1.5, -2.0]], [[0.0, 1.0], [2.0, 0.0]], [[1e-200, 0.0], [1.0, 0.0]]])
def test_ranks_may_differ_in_weight(weights):
    """The derivative of the sum over ranks is right for each rank's own weight: the kernel's as the rules'."""
    x, dy, weights = normal(7, 2), normal(7, 2, seed=1), np.array(weights)

    def rank(group):
        own = group.rank()
        input = whole(parts(x, (4, 3))[own])
        y = F.batch_norm(input, None, None, weights[own], None, training=True, group=group)
        cotangent = mg.tensor(parts(dy, (4, 3))[own])
        return [
            mg.grad(y, input, cotangent, retain_graph=True, create_graph=graph)[0].detach() for graph in (True, False)
        ]

    for by_rules, by_kernel in ThreadGroup.run(2, rank):
        np.testing.assert_allclose(by_kernel, by_rules, rtol=0, atol=1e-13)


# -- refusals -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("shards", "mask"), [((1, 0), None), ((0, 0, 1, 0), None), ((2, 1), [0, 0, 1]), ((2, 1), [0, 0, 0])]
)
def test_all_ranks_refuse_too_few_values_and_change_nothing(shards, mask):
    masks = [None] * len(shards) if mask is None else parts(np.array(mask, bool), shards)
    bns = [nn.SyncBatchNorm(2) for _ in shards]

    def rank(group):
        bn = bns[group.rank()]
        try:
            bn(mg.ones(shards[group.rank()], 2), mask=masks[group.rank()])
        except ValueError as error:
            return str(error)

    words = ThreadGroup.run(len(shards), rank, timeout=5)
    n = 1 if mask is None else sum(mask)
    assert len(set(words)) == 1
    assert f"Expected more than 1 value per channel when training, got {n}" in words[0]
    assert f"over all {len(shards)} threads" in words[0] and "SyncBatchNorm" in words[0]
    assert all(bn.num_batches_tracked == 0 and (bn.running_var == 1).all() for bn in bns)


def test_all_empty_is_an_empty_batch():
    def rank(group):
        bn = nn.SyncBatchNorm(2)
        x = mg.zeros(0, 2, requires_grad=True)
        bn(x).sum().backward()
        return x.grad.shape, bn.weight.grad.tolist(), bn.running_mean.tolist(), int(bn.num_batches_tracked)

    assert ThreadGroup.run(2, rank) == [((0, 2), [0, 0], [0, 0], 1)] * 2


def test_a_capture_of_a_step_is_refused_in_one_sentence():
    def rank(group):
        bn = nn.SyncBatchNorm(2)
        step = mg.compile(lambda x: bn(x).sum())
        try:
            step(mg.ones(3, 2))
        except Exception as error:
            return str(error)

    assert "cannot be captured: run it without compile" in ThreadGroup.run(2, rank, timeout=5)[0]


# -- the module -----------------------------------------------------------------------------------


def run_module(make, xs, shards, change=lambda bn, step: None):
    """Outputs, and the state after the last step, of a module alone and of the ranks."""

    def steps(bn, batches):
        outputs = []
        for number, x in enumerate(batches):
            change(bn, number)
            outputs.append(bn(mg.tensor(x)).detach().numpy())
        return outputs, {name: value.numpy() for name, value in bn.state_dict().items()}

    expected = steps(make(nn.BatchNorm1d), xs)

    def rank(group):
        return steps(make(nn.SyncBatchNorm), [parts(x, shards)[group.rank()] for x in xs])

    return expected, ThreadGroup.run(len(shards), rank)


def freeze_after_one(bn, step):
    if step == 1:
        bn.freeze()


MODULES = {
    "plain": (lambda kind: kind(3), lambda bn, step: None),
    "cumulative": (lambda kind: kind(3, momentum=None), lambda bn, step: None),
    "no weight": (lambda kind: kind(3, affine=False), lambda bn, step: None),
    "no bias": (lambda kind: kind(3, bias=False), lambda bn, step: None),
    "no statistics": (lambda kind: kind(3, track_running_stats=False), lambda bn, step: None),
    "frozen in training": (lambda kind: kind(3), freeze_after_one),
    "evaluation": (lambda kind: kind(3), lambda bn, step: bn.train(step < 2)),
}


@pytest.mark.parametrize("name", MODULES)
def test_modules_compute_what_batchnorm_does(name):
    make, change = MODULES[name]
    xs = [normal(7, 3, seed=seed) + 2 for seed in range(3)]

    def in_float64(kind):
        return make(kind).double()

    (outputs, state), found = run_module(in_float64, xs, (2, 1, 0, 4), change)
    for step, right in enumerate(outputs):
        np.testing.assert_allclose(np.concatenate([each[0][step] for each in found]), right, rtol=0, atol=1e-13)
    for _, own in found:
        assert list(own) == list(state)
        for key, right in state.items():
            np.testing.assert_allclose(own[key], right, rtol=1e-13)


def test_evaluation_exchanges_nothing():
    def rank(group):
        bn = nn.SyncBatchNorm(2).eval()
        without = nn.SyncBatchNorm(2, track_running_stats=False).eval()
        return None if group.rank() else (bn(mg.ones(3, 2)).shape, without(mg.ones(3, 2)).shape)

    assert ThreadGroup.run(2, rank, timeout=5)[0] == ((3, 2), (3, 2))


def test_nan_on_one_rank_spares_the_statistics_of_all():
    def rank(group):
        bn = nn.SyncBatchNorm(2)
        x = mg.tensor(normal(3, 2))
        if group.rank() == 1:
            x[0, 0] = np.nan
        y = bn.double()(x)
        return np.isnan(y.detach().numpy()).all(0).tolist(), bn.running_mean.tolist()

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        found = ThreadGroup.run(3, rank)
    assert "1 of 2 channels of this batch contain NaN" in str(caught[0].message)
    for nans, mean in found:
        assert nans == [True, False]
        assert mean[0] == 0 and mean[1] == found[0][1][1] != 0


def test_groups_of_some_ranks():
    x = normal(8, 2)

    def rank(group):
        pairs = [dist.new_group(ranks) for ranks in ([0, 1], [2, 3])]
        own = pairs[group.rank() // 2]
        bn = nn.SyncBatchNorm.convert_sync_batchnorm(nn.BatchNorm1d(2).double(), own)
        return bn(mg.tensor(parts(x, (2, 2, 2, 2))[group.rank()])).detach().numpy()

    found = ThreadGroup.run(4, rank)
    expected = [nn.BatchNorm1d(2).double()(mg.tensor(half)).detach().numpy() for half in (x[:4], x[4:])]
    np.testing.assert_allclose(np.concatenate(found), np.concatenate(expected), rtol=0, atol=1e-14)


class Net(nn.Module):
    def __init__(self):
        self.bn = nn.BatchNorm2d(3)
        self.layers = [nn.Linear(2, 2), nn.BatchNorm1d(2, affine=False)]
        self.same = self.bn

    def forward(self, x):
        return self.bn(x)


def test_conversion_keeps_everything():
    net = Net()
    calls = []
    net.bn.register_forward_hook(lambda *_: calls.append(1))
    weight, mean = net.bn.weight, net.bn.running_mean
    net.layers[1].eval().freeze()
    before = net.state_dict()
    assert nn.SyncBatchNorm.convert_sync_batchnorm(net) is net
    assert type(net.bn) is type(net.layers[1]) is nn.SyncBatchNorm
    assert net.bn is net.same and net.bn.weight is weight and net.bn.running_mean is mean
    assert net.layers[1].frozen and not net.layers[1].training and net.bn.training
    assert net.train().layers[1].training is False
    assert list(net.state_dict()) == list(before)
    net(mg.ones(2, 3, 4, 4))
    assert calls == [1]


def test_states_load_both_ways():
    sync, alone = nn.SyncBatchNorm(2), nn.BatchNorm1d(2)
    alone(mg.tensor(normal(4, 2)).float())
    sync.load_state_dict(alone.state_dict())
    other = nn.BatchNorm1d(2)
    other.load_state_dict(sync.state_dict())
    for name, value in alone.state_dict().items():
        assert (other.state_dict()[name] == value).all()


def test_a_picture_says_over_how_many():
    def rank(group):
        y = dist.total(nn.SyncBatchNorm(2)(mg.ones(3, 2)))
        return mg.draw(y).source if group.rank() == 0 else None

    source = ThreadGroup.run(4, rank)[0]
    assert source.count("over 4 threads") == 2 and "n=12" in source


@pytest.mark.parametrize("name", ["module", "group"])
def test_refused(name):
    calls = {
        "module": (lambda: nn.SyncBatchNorm.convert_sync_batchnorm(3), "expected a module, got 3"),
        "group": (
            lambda: nn.SyncBatchNorm(2, process_group=3),
            "process_group must be a group of minigrad.distributed",
        ),
    }
    call, words = calls[name]
    with pytest.raises(TypeError, match=words):
        call()


def test_different_channels_on_the_ranks():
    def rank(group):
        return nn.SyncBatchNorm(2 + group.rank())(mg.ones(3, 2 + group.rank()))

    with pytest.raises(dist.DistributedError, match=r"rank 0: .*\(5,\) float64; rank 1: .*\(7,\) float64"):
        ThreadGroup.run(2, rank, timeout=5)
