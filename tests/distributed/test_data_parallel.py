"""Ranks that are threads train one model: the same as one process; unequal parts, accumulation, models that differ."""

from __future__ import annotations

import copy
import pickle
from itertools import chain

import numpy as np
import pytest

import minigrad as mg
import minigrad.nn.functional as F
from minigrad import data, nn
from minigrad import distributed as dist
from minigrad.distributed import DistributedError, ThreadGroup
from minigrad.nn.parallel import DistributedDataParallel
from tests.distributed.training import alone, apart, together


@pytest.mark.parametrize(
    ("shards", "dtype", "tolerance"),
    [
        ((32, 32), "float64", 1e-14),
        ((1, 63), "float32", 1e-6),
        ((0, 22, 21, 21), "float64", 1e-14),
        ((6, 12, 19, 27), "float32", 1e-6),
    ],
)
def test_fifty_steps_equal_those_of_one_process(shards, dtype, tolerance):
    found = ThreadGroup.run(len(shards), lambda _: together(shards, dtype))
    parameters, statistics = apart(found[0], alone(dtype))
    assert parameters < tolerance and statistics < 5 * tolerance
    assert len({b"".join(value.tobytes() for value in each.values()) for each in found}) == 1


X, TARGET = np.random.default_rng(0).standard_normal((2, 12, 3))
WEIGHTS = np.random.default_rng(1).random((12, 1))


def net():
    mg.manual_seed(1)
    return nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 3)).double()


def of_rank(values, shards, rank):
    return mg.tensor(np.split(values, np.cumsum(shards)[:-1])[rank])


def gradients(model):
    return [None if p.grad is None else p.grad.numpy() for p in model.parameters()]


def expected_gradients(x=X, target=TARGET):
    model = net()
    F.mse_loss(model(mg.tensor(x)), mg.tensor(target)).backward()
    return gradients(model)


def assert_all_near(found, expected):
    for each in found:
        for value, right in zip(each, expected, strict=True):
            np.testing.assert_allclose(value, right, rtol=0, atol=1e-14)


def test_equal_parts_need_no_more_than_the_mean_loss():
    def run(group):
        model = DistributedDataParallel(net())
        x, target = (of_rank(v, (4, 4, 4), group.rank()) for v in (X, TARGET))
        F.mse_loss(model(x), target).backward()
        return gradients(model)

    assert_all_near(ThreadGroup.run(3, run), expected_gradients())


@pytest.mark.parametrize("shards", [(5, 7), (0, 12)])
def test_unequal_parts_with_a_mean_loss_are_refused_on_all_ranks(shards):
    def run(group):
        model = DistributedDataParallel(net())
        x, target = (of_rank(v, shards, group.rank()) for v in (X, TARGET))
        loss = F.mse_loss(model(x), target, reduction="sum") / max(1, len(x))
        try:
            loss.backward()
        except DistributedError as error:
            return str(error)

    words = ThreadGroup.run(2, run)
    assert words[0] == words[1]
    assert f"have {shards[0]}, {shards[1]} samples" in words[0] and "model.mean(losses.sum(), len(x))" in words[0]


def test_unequal_parts_with_the_weighed_loss():
    def run(group):
        model = DistributedDataParallel(net())
        x, target = (of_rank(v, (5, 7), group.rank()) for v in (X, TARGET))
        model.mean(F.mse_loss(model(x), target, reduction="sum"), target.numel()).backward()
        return gradients(model)

    assert_all_near(ThreadGroup.run(2, run), expected_gradients())


class Named(nn.Module):
    """A model whose batches and outputs are in dicts."""

    def __init__(self):
        super().__init__()
        self.inner = net()

    def forward(self, batch):
        return {"y": self.inner(batch["x"])}


def averaged(model, x):
    model(x).mean().backward()


def averaged_in_evaluation(model, x):
    model.eval()(x).mean().backward()


def averaged_in_dicts(model, x):
    model = DistributedDataParallel(Named())
    model({"x": x})["y"].mean().backward()


def averaged_after_a_weighed_loss_that_is_only_looked_at(model, x):
    model.mean(model(x).sum(), len(x)).item()
    model(x).mean().backward()


def averaged_after_a_weighed_part(model, x):
    with model.no_sync():
        model.mean(model(x).sum(), len(x)).backward()
    model(x).mean().backward()


def averaged_on_one_rank(model, x):
    y = model(x)
    weighed = model.mean(y.sum(), len(x))
    (weighed if len(x) == 5 else y.mean()).backward()


@pytest.mark.parametrize(
    "wrong",
    [
        averaged,
        averaged_in_evaluation,
        averaged_in_dicts,
        averaged_after_a_weighed_loss_that_is_only_looked_at,
        averaged_after_a_weighed_part,
        averaged_on_one_rank,
    ],
)
def test_no_wrong_average_passes(wrong):
    def run(group):
        with pytest.raises(DistributedError, match=r"have (5|weighed), 7 samples"):
            wrong(DistributedDataParallel(net()), of_rank(X, (5, 7), group.rank()))

    ThreadGroup.run(2, run)


def test_what_backward_does_not_reach_may_have_any_length():
    """A loss in training mode of unequal parts that is only looked at, and a step that is right."""

    def run(group):
        model = DistributedDataParallel(net())
        model(of_rank(X, (5, 7), group.rank())).mean().item()
        x, target = (of_rank(v, (6, 6), group.rank()) for v in (X, TARGET))
        F.mse_loss(model(x), target).backward()
        return gradients(model)

    assert_all_near(ThreadGroup.run(2, run), expected_gradients())


def test_losses_may_be_weighted():
    """The divisor is the sum of weights, which is no integer."""

    def run(group):
        model = DistributedDataParallel(net())
        x, target, weight = (of_rank(v, (5, 7), group.rank()) for v in (X, TARGET, WEIGHTS))
        loss = (weight * (model(x) - target) ** 2).sum()
        model.mean(loss, weight.sum()).backward()
        return gradients(model)

    model = net()
    weight = mg.tensor(WEIGHTS)
    ((weight * (model(mg.tensor(X)) - mg.tensor(TARGET)) ** 2).sum() / weight.sum()).backward()
    assert_all_near(ThreadGroup.run(2, run), gradients(model))


def test_a_weighed_loss_may_have_come_through_two_models():
    def run(group):
        first, second = DistributedDataParallel(net()), DistributedDataParallel(net())
        x, target = (of_rank(v, (5, 7), group.rank()) for v in (X, TARGET))
        first.mean(F.mse_loss(second(first(x)), target, reduction="sum"), target.numel()).backward()
        return gradients(first) + gradients(second)

    first, second = net(), net()
    F.mse_loss(second(first(mg.tensor(X))), mg.tensor(TARGET)).backward()
    assert_all_near(ThreadGroup.run(2, run), gradients(first) + gradients(second))


@pytest.mark.parametrize("count", [-1, float("nan"), float("inf")])
def test_a_count_of_one_rank_is_refused_on_all(count):
    def run(group):
        with pytest.raises(ValueError, match="each count must be at least 0"):
            DistributedDataParallel(net()).mean(mg.ones(()), count if group.rank() else 3)

    ThreadGroup.run(2, run)


@pytest.mark.parametrize("quietly", [True, False])
def test_gradients_are_accumulated(quietly):
    """Two halves of a batch, one after the other, with one exchange or two."""

    def run(group):
        model = DistributedDataParallel(net())
        x, target = (of_rank(v, (6, 6), group.rank()) for v in (X, TARGET))
        exchanges = group.meeting.exchanges
        for half in (slice(0, 3), slice(3, 6)):
            with model.no_sync() if quietly and half.start == 0 else dist_noop():
                (F.mse_loss(model(x[half]), target[half]) / 2).backward()
        return gradients(model), group.meeting.exchanges - exchanges

    found = ThreadGroup.run(2, run)
    assert_all_near([each for each, _ in found], expected_gradients())
    assert [count for _, count in found] == [1 if quietly else 2] * 2


def dist_noop():
    return mg.enable_grad()


class Chosen(nn.ModuleList):
    """One of several layers."""

    def forward(self, x, number):
        return self[number](x)


def test_what_one_rank_has_not_used_gets_the_average_too():
    def run(group):
        model = DistributedDataParallel(Chosen([nn.Linear(1, 1, bias=False) for _ in range(3)]))
        model(mg.ones(1, 1), group.rank()).sum().backward()
        return [None if p.grad is None else p.grad.item() for p in model.parameters()]

    assert ThreadGroup.run(2, run) == [[0.5, 0.5, None]] * 2


class Added(nn.Module):
    """The sum of what several layers compute, each in the dtype of its weight."""

    def __init__(self, layers):
        super().__init__()
        self.layers = layers

    def forward(self, x):
        return sum(layer(x.to(layer.weight.dtype)).float() for layer in self.layers)


def test_all_dtypes_and_frozen_parameters():
    def run(group):
        model = nn.Sequential(nn.Linear(1, 1, bias=False).half(), nn.Linear(1, 1, bias=False), nn.Linear(1, 1).double())
        model[2].bias.requires_grad_(False)
        model = DistributedDataParallel(Added(model))
        model(mg.tensor([[1.0 + group.rank()]])).sum().backward()
        return [(p.grad.item(), p.grad.dtype.name) if p.grad is not None else None for p in model.parameters()]

    assert ThreadGroup.run(2, run) == [[(1.5, "float16"), (1.5, "float32"), (1.5, "float64"), None]] * 2


def test_ranks_begin_with_the_values_of_rank_0_and_its_statistics():
    def run(group):
        mg.manual_seed(group.rank())
        model = DistributedDataParallel(nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2)))
        first = model.module[0].weight.tolist()
        model(mg.randn(4, 3))
        own = model.module[1].running_mean.tolist()
        model(mg.randn(4, 3))
        return first, own, model.module[1].num_batches_tracked.item()

    found = ThreadGroup.run(2, run)
    assert found[0][0] == found[1][0] and found[0][1] != found[1][1] and found[0][2] == found[1][2] == 2


def test_parameters_that_are_set_anew_are_exchanged_too():
    def run(group):
        model = DistributedDataParallel(nn.Linear(1, 1, bias=False))
        model.module.weight = nn.Parameter(mg.ones(1, 1))
        model(mg.tensor([[1.0 + group.rank()]])).sum().backward()
        return model.module.weight.grad.item()

    assert ThreadGroup.run(2, run) == [1.5, 1.5]


def test_another_module_in_the_wrapper_is_exchanged():
    def run(group):
        model = DistributedDataParallel(net())
        model.module = nn.Linear(1, 1)
        (model(mg.ones(1, 1)) * group.rank()).sum().backward()
        return model.module.bias.grad.item()

    assert ThreadGroup.run(2, run) == [0.5, 0.5]


def test_a_parameter_that_was_frozen_is_exchanged_once_it_trains():
    def run(group):
        layer = nn.Linear(1, 1)
        layer.bias = nn.Parameter(mg.zeros(1), requires_grad=False)
        model = DistributedDataParallel(layer)
        group.barrier()  # from here on no rank sets an attribute, for which wrappers look at their parameters anew
        model(mg.ones(1, 1))
        layer.weight.requires_grad_(False)
        layer.bias.requires_grad_()
        (model(mg.ones(1, 1)) * group.rank()).sum().backward()
        return layer.bias.grad.item()

    assert ThreadGroup.run(2, run) == [0.5, 0.5]


def test_a_copy_of_the_module_exchanges_nothing():
    def run(group):
        module = DistributedDataParallel(net()).module
        exchanges = group.meeting.exchanges
        for copied in (copy.deepcopy(module), pickle.loads(pickle.dumps(module))):
            copied(mg.tensor(X)).sum().backward()
        return group.meeting.exchanges - exchanges

    assert ThreadGroup.run(2, run) == [0, 0]


DIFFERENT = {
    "shape": (lambda rank: nn.Linear(3, 2 + rank), r"rank 0: weight \(2, 3\) float32 .*; rank 1: weight \(3, 3\)"),
    "name": (lambda rank: nn.ModuleDict({f"layer{rank}": nn.Linear(1, 1)}), "rank 0: layer0.weight .* layer1.weight"),
    "dtype": (lambda rank: nn.Linear(1, 1).to([np.float32, np.float64][rank]), "float32 .* float64"),
    "number": (lambda rank: nn.Sequential(*[nn.Linear(1, 1)] * 1, *[nn.Linear(1, 1)] * rank), "rank 0: nothing"),
    "frozen": (lambda rank: frozen_bias(nn.Linear(1, 1), rank), "requires grad; rank 1: bias"),
}


def frozen_bias(layer, frozen):
    layer.bias.requires_grad_(not frozen)
    return layer


@pytest.mark.parametrize("name", DIFFERENT)
def test_models_that_differ_are_refused_on_all_ranks(name):
    make, words = DIFFERENT[name]

    def run(group):
        try:
            DistributedDataParallel(make(group.rank()))
        except DistributedError as error:
            return str(error)

    found = ThreadGroup.run(2, run)
    assert found[0] == found[1]
    with pytest.raises(AssertionError, match=words):
        raise AssertionError(found[0])


def second_derivative():
    def run(_group):
        model = DistributedDataParallel(net())
        (model(mg.tensor(X)) ** 2).sum().backward(create_graph=True)

    ThreadGroup.run(2, run)


def compiled():
    def run(_group):
        model = DistributedDataParallel(net())
        mg.compile(lambda x: (model(x) ** 2).sum().backward())(mg.tensor(X))

    ThreadGroup.run(2, run, timeout=10)


REFUSED = {
    "no module": (lambda: DistributedDataParallel(3), TypeError, "expected a module, got 3"),
    "nothing to train": (lambda: DistributedDataParallel(nn.ReLU()), RuntimeError, "no parameter that requires grad"),
    "a copy": (lambda: copy.deepcopy(DistributedDataParallel(net())), TypeError, "copy its module, and wrap the copy"),
    "a shallow copy": (lambda: copy.copy(DistributedDataParallel(net())), TypeError, "copy its module, and wrap"),
    "a graph of gradients": (second_derivative, RuntimeError, "the average would have no graph"),
    "a captured step": (compiled, Exception, "cannot be captured: run it without compile"),
    "no samples": (lambda: DistributedDataParallel(net()).mean(mg.zeros(()), 0), ValueError, "no rank has a sample"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name):
    call, error, words = REFUSED[name]
    with pytest.raises(error, match=words):
        call()


# -- samples --------------------------------------------------------------------------------------


@pytest.mark.parametrize("shuffle", [False, True])
@pytest.mark.parametrize(("n", "size", "batch_size"), [(99, 4, 8), (100, 3, 7), (3, 4, 2), (8, 2, 4), (0, 2, 4)])
def test_every_sample_comes_once_in_the_batches_of_one_process(n, size, batch_size, shuffle):
    values = data.TensorDataset(mg.arange(n))
    samplers = [data.DistributedSampler(values, size, rank, shuffle, seed=3) for rank in range(size)]
    loaders = [data.DataLoader(values, batch_size, sampler=sampler) for sampler in samplers] if n else []
    by_rank = [[x.tolist() for (x,) in loader] for loader in loaders]
    together = [sorted(chain(*parts)) for parts in zip(*by_rank, strict=True)]
    assert [len(batch) for batch in together] == [
        min(batch_size * size, n - start) for start in range(0, n, batch_size * size)
    ]
    assert sorted(chain(*together)) == list(range(n)) == sorted(chain(*samplers))
    assert all(len(loader) == len(together) for loader in loaders)
    assert [len(sampler) for sampler in samplers] == [len(list(sampler)) for sampler in samplers]


def test_epochs_have_orders_of_their_own_and_all_ranks_the_same():
    samplers = [data.DistributedSampler(range(50), 2, rank) for rank in range(2)]
    orders = []
    for epoch in range(2):
        for sampler in samplers:
            sampler.set_epoch(epoch)
        orders.append(list(samplers[0]))
        assert sorted([*samplers[0], *samplers[1]]) == list(range(50))
    assert orders[0] != orders[1]


def test_drop_last_makes_ranks_equal():
    assert [len(data.DistributedSampler(range(11), 4, rank, drop_last=True)) for rank in range(4)] == [2] * 4


def test_the_rank_is_that_of_the_default_group():
    found = ThreadGroup.run(2, lambda _: list(data.DistributedSampler(range(4), shuffle=False)))
    assert found == [[0, 2], [1, 3]]


class Items(data.Dataset):
    def __len__(self):
        return 1

    def __getitem__(self, index):
        return {"x": mg.ones(3), "name": "a"}, (1.0, 2)


def test_an_empty_batch_of_any_dataset():
    sampler = data.DistributedSampler(Items(), 2, 1)
    (batch,) = data.DataLoader(Items(), 4, sampler=sampler)
    assert batch[0]["x"].shape == (0, 3) and batch[0]["name"] == [] and [x.shape for x in batch[1]] == [(0,), (0,)]


@pytest.mark.parametrize(
    ("settings", "words"), [({"rank": 2}, "rank must be less"), ({"num_replicas": 0}, "at least 1")]
)
def test_settings_of_a_sampler(settings, words):
    with pytest.raises(ValueError, match=words):
        data.DistributedSampler(range(4), **{"num_replicas": 2, "rank": 0, **settings})


def test_get_rank_in_a_group_given():
    assert ThreadGroup.run(2, dist.get_rank) == [0, 1]
