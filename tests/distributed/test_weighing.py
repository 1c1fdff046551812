"""A wrong average for unequal parts never passes: what the graph says about how a loss was weighed."""

from __future__ import annotations

import gc
import weakref

import numpy as np
import pytest

import minigrad as mg
import minigrad.nn.functional as F
from minigrad import distributed as dist
from minigrad import nn
from minigrad.distributed import DistributedError, ThreadGroup
from minigrad.nn.parallel import DistributedDataParallel

SHARDS = (2, 3)
X, Y = np.random.default_rng(0).standard_normal((2, 5, 3))
ENDS = np.cumsum((0, *SHARDS))


def net():
    mg.manual_seed(1)
    return nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 3)).double()


class Alone:
    """A model of one process, which has the whole batch."""

    def __init__(self, module):
        self.module = module

    def __call__(self, x):
        return self.module(x)

    def mean(self, loss, count):
        return loss / count

    def no_sync(self):
        return mg.enable_grad()


def part(values, rank):
    return mg.tensor(values[ENDS[rank] : ENDS[rank + 1]] if rank is not None else values)


def losses(model, x, y):
    return ((model(x) - y) ** 2).sum()


def gradient_norms(model, x):
    x = x.clone().requires_grad_()
    (dx,) = mg.grad(model(x).sum(), x, create_graph=True)
    return (dx.norm(2, 1) - 1) ** 2


# -- what passes, and what does not -----------------------------------------------------------------


def several(model, x, y):
    (model.mean(losses(model, x, y), len(x)) + 0.5 * model.mean((model(x) ** 4).sum(), 3 * len(x))).backward()


def accumulated(model, x, y):
    for quietly in (True, False):
        with model.no_sync() if quietly else mg.enable_grad():
            (model.mean(losses(model, x, y), len(x)) / 2).backward()


def with_a_penalty(model, x, y):
    (model.mean(losses(model, x, y), len(x)) + 0.01 * sum((p**2).sum() for p in model.module.parameters())).backward()


def penalty_alone(model, x, y):
    sum((p**2).sum() for p in model.module.parameters()).backward()


def two_roots(model, x, y):
    mg.autograd.backward([model.mean(losses(model, x, y), len(x)), model.mean(model(x).sum(), len(x))])


def with_a_detached_part(model, x, y):
    (model.mean(losses(model, x, y), len(x)) + model(x).mean().detach()).backward()


def weighed_gradient_penalty(model, x, y):
    gp = model.mean(gradient_norms(model, x).sum(), len(x))
    (model.mean(losses(model, x, y), len(x)) + gp).backward()


def kept_graph(model, x, y):
    loss = model.mean(losses(model, x, y), len(x))
    with model.no_sync():
        loss.backward(retain_graph=True)
    loss.backward()


def conversions_of_means(model, x, y):
    per_feature = ((model(x) - y) ** 2).sum() / 3
    (model.mean(F.mse_loss(model(x), y) * len(x), len(x)) + model.mean(per_feature, len(x))).backward()


def in_products(model, x, y):
    """Times parameters, which all ranks have alike, and as a vector of losses times constants."""
    first, second = model.mean(losses(model, x, y), len(x)), model.mean(model(x).sum(), len(x))
    weights = mg.tensor([0.25, 0.5], dtype=mg.float64)
    (mg.exp(model.module[0].bias[0]) * first + mg.stack([first, -second / 2]) @ weights).backward()


def root_of_the_average(model, x, y):
    mean = model.mean(losses(model, x, y), len(x))
    (mean if isinstance(model, Alone) else dist.nn.functional.all_reduce(mean, "avg")).sqrt().backward()


def filled_in(model, x, y):
    found = mg.zeros(2, dtype=mg.float64)
    found[0] = model.mean(losses(model, x, y), len(x))
    found = found.index_add(0, mg.tensor([1]), model.mean(model(x).sum(), len(x)).reshape(1))
    found.cumsum(0)[-1].backward()


def square_of_the_average(model, x, y):
    mean = model.mean(losses(model, x, y), len(x))
    (mean if isinstance(model, Alone) else sum(dist.nn.functional.all_gather(mean)) / 2).square().backward()


RIGHT = [
    filled_in,
    square_of_the_average,
    in_products,
    root_of_the_average,
    several,
    accumulated,
    with_a_penalty,
    penalty_alone,
    two_roots,
    with_a_detached_part,
    weighed_gradient_penalty,
    kept_graph,
    conversions_of_means,
]


def after_equal_parts(model, before):
    """Steps whose parts are equal, after which graphs are walked over only where parts are not."""
    for _ in range(before):
        model(mg.tensor(X[:2])).mean().backward()
    model.zero_grad()
    return model


@pytest.mark.parametrize("before", [0, 2])
@pytest.mark.parametrize("step", RIGHT)
def test_weighed_losses_give_the_gradient_of_the_whole(step, before):
    def run(group):
        model = after_equal_parts(DistributedDataParallel(net()), before)
        step(model, part(X, group.rank()), part(Y, group.rank()))
        return [p.grad.numpy() for p in model.parameters()]

    whole = Alone(net())
    step(whole, part(X, None), part(Y, None))
    for found in ThreadGroup.run(2, run):
        for value, p in zip(found, whole.module.parameters(), strict=True):
            np.testing.assert_allclose(value, p.grad.numpy(), rtol=1e-12, atol=1e-14)


def plus_a_mean(model, x, y):
    (model.mean(losses(model, x, y), len(x)) + model(x).mean()).backward()


def plus_a_mean_of_the_same_output(model, x, y):
    out = model(x)
    (F.mse_loss(out, y) + model.mean(((out - y) ** 2).sum(), len(x))).backward()


def roots_of_both_kinds(model, x, y):
    mg.autograd.backward([model.mean(losses(model, x, y), len(x)), F.mse_loss(model(x), y)])


def accumulated_with_a_mean(model, x, y):
    with model.no_sync():
        plus_a_mean(model, x, y)
    model.mean(losses(model, x, y), len(x)).backward()


def plain_gradient_penalty(model, x, y):
    """Of a net of ReLU its graph has no operation of the forward."""
    (model.mean(losses(model, x, y), len(x)) + gradient_norms(model, x).mean()).backward()


def kept_graph_of_a_mean(model, x, y):
    loss = F.mse_loss(model(x), y)
    with model.no_sync():
        loss.backward(retain_graph=True)
    loss.backward()


def weighed_by_another_group(model, x, y):
    other = DistributedDataParallel(net(), process_group=dist.new_group())
    other.mean(losses(model, x, y), len(x)).backward()


class Remembers(nn.Module):
    def __init__(self, inner):
        super().__init__()
        self.inner = inner

    def forward(self, x):
        self.hidden = self.inner(x)
        return x


def of_an_intermediate_result(model, x, y):
    model = DistributedDataParallel(Remembers(net()))
    model(x)
    model.module.hidden.mean().backward()


def root_of_a_weighed_loss(model, x, y):
    model.mean(losses(model, x, y), len(x)).sqrt().backward()


def product_of_weighed_losses(model, x, y):
    out = model(x)
    (model.mean(((out - y) ** 2).sum(), len(x)) * model.mean(out.sum(), len(x))).backward()


def divided_by_a_weighed_loss(model, x, y):
    (1 / model.mean(losses(model, x, y), len(x))).backward()


def root_of_the_average_of_means(model, x, y):
    dist.nn.functional.all_reduce(F.mse_loss(model(x), y), "avg").sqrt().backward()


WRONG = [
    root_of_a_weighed_loss,
    product_of_weighed_losses,
    divided_by_a_weighed_loss,
    root_of_the_average_of_means,
    plus_a_mean,
    plus_a_mean_of_the_same_output,
    roots_of_both_kinds,
    accumulated_with_a_mean,
    plain_gradient_penalty,
    kept_graph_of_a_mean,
    weighed_by_another_group,
    of_an_intermediate_result,
]


@pytest.mark.parametrize("before", [0, 2])
@pytest.mark.parametrize("step", WRONG)
def test_an_unweighed_part_is_refused_on_all_ranks_and_leaves_nothing_behind(step, before):
    def run(group):
        model, rank = after_equal_parts(DistributedDataParallel(net()), before), group.rank()
        x, y = part(X, rank), part(Y, rank)
        with pytest.raises(
            DistributedError, match=r"have 2( \+ 2)?, 3( \+ 3)? samples.*model.mean.*sums and multiples"
        ):
            step(model, x, y)
        model.zero_grad()
        model.mean(losses(model, x, y), len(x)).backward()
        return model.module[0].weight.grad.numpy()

    whole = net()
    (losses(whole, part(X, None), part(Y, None)) / 5).backward()
    for found in ThreadGroup.run(2, run):
        np.testing.assert_allclose(found, whole[0].weight.grad.numpy(), rtol=1e-12)


def test_a_loss_of_unequal_parts_is_refused_long_after_its_forward():
    def run(group):
        model = after_equal_parts(DistributedDataParallel(net()), 2)
        old = model(part(X, group.rank())).mean()
        for _ in range(3):
            model(mg.tensor(X[:2])).mean().backward()
        model(mg.tensor(X[:2]))
        with pytest.raises(DistributedError, match="have 2, 3 samples"):
            old.backward()

    ThreadGroup.run(2, run)


def test_equal_parts_may_mix_both():
    def run(group):
        model = DistributedDataParallel(net())
        x = mg.tensor(X[2 * group.rank() :][:2])
        (model.mean(model(x).sum(), len(x)) + model(x).mean()).backward()
        return model.module[0].weight.grad.numpy()

    whole, x = net(), mg.tensor(X[:4])
    (whole(x).sum() / 4 + whole(x).mean()).backward()
    for found in ThreadGroup.run(2, run):
        np.testing.assert_allclose(found, whole[0].weight.grad.numpy(), rtol=1e-12)


def test_two_models_that_play_against_each_other():
    def run(group):
        g, d, x = DistributedDataParallel(net()), DistributedDataParallel(net()), part(X, group.rank())
        with pytest.raises(DistributedError, match=r"have 2, 3|have 2 \+ 2, 3 \+ 3"):
            (d.mean(d(x).sum(), len(x)) - d(g(x)).mean()).backward()
        for model in (g, d):
            model.zero_grad()
        d.mean(d(g(x)).sum(), len(x)).backward()
        return g.module[0].weight.grad.numpy()

    g, d = net(), net()
    (d(g(mg.tensor(X))).sum() / 5).backward()
    for found in ThreadGroup.run(2, run):
        np.testing.assert_allclose(found, g[0].weight.grad.numpy(), rtol=1e-12)


def test_an_error_in_a_hook_leaves_nothing_behind():
    def run(group):
        model, x = DistributedDataParallel(net()), part(X, group.rank())
        out = model(x)
        out.register_hook(lambda gradient: int("x"))
        with pytest.raises(ValueError, match="invalid literal"):
            (model.mean(out.sum(), len(x)) + out.mean()).backward()
        model.mean(model(x).sum(), len(x)).backward()

    ThreadGroup.run(2, run)


# -- pictures, and the end of a wrapper --------------------------------------------------------------


def test_a_picture_says_where_a_loss_was_weighed():
    def run(group):
        model, x = DistributedDataParallel(net()), part(X, group.rank())
        return mg.draw(model.mean(model(x).sum(), len(x))).source

    for words in ThreadGroup.run(2, run):
        assert "of 5 losses" in words and "over 2 threads" in words


def test_a_wrapper_that_is_gone_exchanges_nothing():
    def run(group):
        module = net()
        wrapper = DistributedDataParallel(module)
        loss = wrapper(mg.tensor(X)).mean()
        reference = weakref.ref(wrapper)
        del wrapper
        exchanges = group.meeting.exchanges
        loss.backward()  # its graph keeps it
        kept = group.meeting.exchanges - exchanges
        del loss
        gc.collect()
        hooks = [p.node.watch.hooks for p in module.parameters()]
        module(mg.tensor(X)).mean().backward()
        return kept, reference(), hooks, group.meeting.exchanges - exchanges

    assert ThreadGroup.run(2, run) == [(1, None, [{}] * 4, 1)] * 2
