"""``update_bn`` recomputes the statistics of BatchNorm from data."""

import warnings

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from minigrad.optim.swa_utils import update_bn
from tests.helpers.batchnorm_module import (
    KINDS,
    assert_buffers,
    axes_of,
    batch,
    buffers_of,
    rng,
    trained,
    with_statistics,
)


def cut(data, sizes):
    """Data as uneven batches."""
    return [mg.tensor(part) for part in np.split(data, np.cumsum(sizes)[:-1])]


def column_sorted(data):
    return data[np.argsort(data[:, 0])]


SIZES = (2, 50, 3, 40, 5)

LOADERS = {
    "shuffled": (lambda data: data, SIZES),
    "sorted by value": (lambda data: np.sort(data, axis=0), (20,) * 5),
    "sorted by one column, uneven": (column_sorted, SIZES),
    "one batch": (lambda data: data, (100,)),
}


@pytest.mark.parametrize("name", LOADERS)
@pytest.mark.parametrize("offset", [0.0, 1e4])
@pytest.mark.parametrize("momentum", [0.1, None])
def test_update_bn_pools_the_whole_data(name, offset, momentum):
    arrange, sizes = LOADERS[name]
    data = arrange(rng.standard_normal((100, 3)) * [1, 5, 0.1] + offset).astype(np.float32)
    bn = with_statistics(momentum=momentum).train()
    update_bn(cut(data, sizes), nn.Sequential(nn.Identity(), bn))
    exact = data.astype(np.float64)
    np.testing.assert_array_max_ulp(bn.running_mean.numpy(), exact.mean(0).astype(np.float32), 1)
    np.testing.assert_array_max_ulp(bn.running_var.numpy(), exact.var(0, ddof=1).astype(np.float32), 1)
    assert bn.num_batches_tracked.item() == len(sizes)
    assert bn.momentum == momentum and bn.training and "forward" not in vars(bn)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        bn(mg.tensor(data))  # recorded, so there is nothing to warn of


@pytest.mark.parametrize("name", KINDS)
def test_update_bn_of_every_rank_and_kind_of_batch(name):
    kind, shape = KINDS[name]
    data = [rng.standard_normal((n, *shape[1:])) * (1 + i) for i, n in enumerate((3, 5, 2))]
    bn = kind(3, dtype=np.float64).eval()
    update_bn([(mg.tensor(data[0]), "labels"), [mg.tensor(data[1])], data[2]], bn)
    whole = np.concatenate(data)
    np.testing.assert_allclose(bn.running_mean.numpy(), whole.mean(axes_of(whole)), rtol=1e-12)
    np.testing.assert_allclose(bn.running_var.numpy(), whole.var(axes_of(whole), ddof=1), rtol=1e-12)
    assert not bn.training


def test_update_bn_of_a_net_pools_what_each_layer_gets():
    model = nn.Sequential(
        nn.Linear(4, 6, dtype=np.float64), nn.BatchNorm1d(6, dtype=np.float64), nn.Tanh(),
        nn.Linear(6, 2, dtype=np.float64), nn.BatchNorm1d(2, dtype=np.float64),
    )  # fmt: skip
    batches = [rng.standard_normal((n, 4)) + i for i, n in enumerate((5, 9, 2))]
    update_bn(map(mg.tensor, batches), model.eval())
    first, second = model[0], model[3]
    hidden = [b @ first.weight.numpy().T + first.bias.numpy() for b in batches]
    deep = [np.tanh(trained(h)) @ second.weight.numpy().T + second.bias.numpy() for h in hidden]
    for bn, values in ((model[1], np.concatenate(hidden)), (model[4], np.concatenate(deep))):
        np.testing.assert_allclose(bn.running_mean.numpy(), values.mean(0), rtol=1e-12, atol=1e-14)
        np.testing.assert_allclose(bn.running_var.numpy(), values.var(0, ddof=1), rtol=1e-12)


def test_update_bn_counts_every_call_of_a_shared_module():
    bn = nn.BatchNorm1d(3, dtype=np.float64)

    class Twice(nn.Module):
        def __init__(self):
            self.bn = bn

        def forward(self, x):
            return self.bn(self.bn(x) * 3 + 1)

    data = rng.standard_normal((8, 3))
    update_bn([mg.tensor(data)], Twice())
    both = np.concatenate([data, trained(data) * 3 + 1])
    np.testing.assert_allclose(bn.running_mean.numpy(), both.mean(0), rtol=1e-12)
    np.testing.assert_allclose(bn.running_var.numpy(), both.var(0, ddof=1), rtol=1e-12)


def test_update_bn_leaves_channels_alone_that_were_never_finite():
    data = rng.standard_normal((3, 10, 3))
    data[:, 0, 0] = np.nan
    data[1, 0, 1] = np.inf
    bn = with_statistics(dtype=np.float64)
    before = buffers_of(bn)
    with pytest.warns(UserWarning, match="contain NaN or infinity"):
        update_bn(map(mg.tensor, data), bn)
    finite = data[[0, 2], :, 1].ravel()
    expected = [before["running_mean"][0], finite.mean(), data[:, :, 2].mean()]
    np.testing.assert_allclose(bn.running_mean.numpy(), expected, rtol=1e-12)
    expected = [before["running_var"][0], finite.var(ddof=1), data[:, :, 2].var(ddof=1)]
    np.testing.assert_allclose(bn.running_var.numpy(), expected, rtol=1e-12)


def test_update_bn_touches_only_what_tracks_statistics():
    model = nn.Sequential(
        with_statistics().freeze(), nn.BatchNorm1d(3, track_running_stats=False), with_statistics(), nn.Linear(3, 3)
    )
    model[2].track_running_stats = False
    before, modes = buffers_of(model), [m.training for m in model.modules()]
    weights = [p.numpy().copy() for p in model.parameters()]
    update_bn([batch((8, 3)), batch((4, 3))], model)
    assert_buffers(model, before)
    assert [m.training for m in model.modules()] == modes
    assert all(np.array_equal(a, p.numpy()) for a, p in zip(weights, model.parameters()))


def test_update_bn_of_nothing_changes_nothing():
    bn = with_statistics()
    bn.num_batches_tracked.fill_(7)
    before = buffers_of(bn)
    update_bn([], bn)
    assert_buffers(bn, before)
    update_bn([batch((0, 3))], bn)  # a batch, but without a sample
    assert_buffers(bn, {**before, "num_batches_tracked": 1})


def failing_loader():
    yield batch((8, 3))
    raise OSError("the disk is gone")


@pytest.mark.parametrize(
    ("loader", "error"),
    [
        (failing_loader, OSError),
        (lambda: [batch((8, 3)), batch((1, 3))], ValueError),
        (lambda: [batch((8, 3)), batch((8, 4))], ValueError),
        (lambda: 3, TypeError),
    ],
    ids=["loader", "one sample", "channels", "no loader"],
)
def test_update_bn_restores_everything_after_an_error(loader, error):
    model = nn.Sequential(with_statistics().train(), nn.Dropout(), nn.BatchNorm1d(3, momentum=None)).train()
    model[1].eval()
    before, modes = buffers_of(model), [m.training for m in model.modules()]
    with pytest.raises(error):
        update_bn(loader(), model)
    assert_buffers(model, before)
    assert [m.training for m in model.modules()] == modes
    assert [model[0].momentum, model[2].momentum] == [0.1, None]
    assert not any("forward" in vars(m) for m in model.modules())
    assert mg.is_grad_enabled()
    with pytest.warns(UserWarning, match=r"meant eval\(\)\?"), mg.no_grad():  # it has not been warned of yet
        model[0](batch((4, 3)))


def test_the_only_device_is_the_cpu():
    model = nn.BatchNorm1d(2)
    update_bn([mg.randn(4, 2)], model, device="cpu")
    with pytest.raises(Exception, match="cuda"):
        update_bn([mg.randn(4, 2)], model, "cuda")
    assert model.num_batches_tracked.item() == 1
