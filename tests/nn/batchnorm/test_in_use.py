"""What people run into with BatchNorm: its statistics, its two modes and its gradient in use."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import minigrad as mg
import minigrad.nn.functional as F
from minigrad import data, nn, optim
from minigrad.nn.utils.fusion import fuse_linear_bn_eval
from tests.helpers.oracles import batch_norm_formula


def normal(*shape: int, seed: int = 0, scale: float = 1.0, mean: float = 0.0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape) * scale + mean


def rows_of(x: np.ndarray) -> np.ndarray:
    """The values of each channel as a column, in float64."""
    return np.moveaxis(x.astype(np.float64), 1, -1).reshape(-1, x.shape[1])


def input_gradient(x: np.ndarray, dy: np.ndarray, eps: float = 1e-5) -> np.ndarray:
    """The gradient of a batch normalised by its own statistics; of columns."""
    s = np.sqrt(x.var(0) + eps)
    xhat = (x - x.mean(0)) / s
    return (dy - dy.mean(0) - xhat * (dy * xhat).mean(0)) / s


def buffers_of(module: nn.Module) -> dict[str, Any]:
    return {name: buffer.tolist() for name, buffer in module.named_buffers()}


# -- statistics ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "shape"),
    [
        (nn.BatchNorm1d, (2, 3)),
        (nn.BatchNorm1d, (2, 3, 1)),
        (nn.BatchNorm1d, (1, 3, 2)),
        (nn.BatchNorm2d, (1, 3, 2, 1)),
        (nn.BatchNorm3d, (1, 3, 1, 1, 2)),
    ],
)
def test_two_values_per_channel_count_twice_in_the_running_variance(kind, shape):
    """Their unbiased variance is twice the biased one: nowhere is the difference larger."""
    bn = kind(3, momentum=0.5).double()
    x = normal(*shape)
    y = bn(mg.tensor(x)).numpy()
    np.testing.assert_allclose(y, batch_norm_formula(x), rtol=1e-12)
    np.testing.assert_allclose(bn.running_var.numpy(), 0.5 + 0.5 * 2 * rows_of(x).var(0), rtol=1e-13)


@pytest.mark.parametrize(
    ("mean", "scale"), [(mean, scale) for mean in (5, 1e4, 1e5, 1e6) for scale in (0.1, 1)] + [(1e7, 1)]
)
def test_images_far_from_zero_lose_no_digits(mean, scale):
    """Output, gradient and running variance in float32 are those of float64 on the same numbers."""
    x, dy = normal(4, 3, 8, 8, scale=scale, mean=mean).astype(np.float32), normal(4, 3, 8, 8, seed=1).astype(np.float32)
    bn, X = nn.BatchNorm2d(3), mg.tensor(x, requires_grad=True)
    y = bn(X)
    y.backward(mg.tensor(dy))
    rows = rows_of(x)
    dx = input_gradient(rows, rows_of(dy))
    np.testing.assert_allclose(y.numpy(), batch_norm_formula(x), rtol=0, atol=1e-6)
    np.testing.assert_allclose(rows_of(X.grad.numpy()), dx, rtol=0, atol=2e-6 * np.abs(dx).max())
    np.testing.assert_allclose(bn.running_var.numpy(), 0.9 + 0.1 * rows.var(0, ddof=1), rtol=1e-6)


def test_a_trained_net_predicts_one_sample_by_its_saved_statistics(tmp_path):
    net = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4)).double()
    weight, bias = (p.numpy() for p in net[0].parameters())
    mean, var = np.zeros(4), np.ones(4)
    for step in range(7):
        x = normal(8, 3, seed=step, scale=3, mean=2)
        net(mg.tensor(x))
        h = x @ weight.T + bias
        mean, var = 0.9 * mean + 0.1 * h.mean(0), 0.9 * var + 0.1 * h.var(0, ddof=1)
    mg.save(net.state_dict(), tmp_path / "net")
    other = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4)).double()
    other.load_state_dict(mg.load(tmp_path / "net"))
    x = normal(1, 3, seed=99)
    expected = batch_norm_formula(x @ weight.T + bias, mean=mean, var=var)
    np.testing.assert_allclose(other.eval()(mg.tensor(x)).numpy(), expected, rtol=1e-12)
    assert other[1].num_batches_tracked.item() == 7


def test_the_best_state_is_not_changed_by_further_training():
    bn = nn.BatchNorm1d(2)
    bn(mg.tensor(normal(4, 2).astype(np.float32)))
    best, kept = bn.state_dict(), buffers_of(bn)
    for _ in range(3):
        bn(mg.tensor(normal(4, 2, mean=9).astype(np.float32)))
    assert buffers_of(bn) != kept
    bn.load_state_dict(best)
    assert buffers_of(bn) == kept


@pytest.mark.parametrize("create_graph", [False, True])
def test_derivatives_do_not_move_the_statistics_again(create_graph):
    """One forward pass is one batch, however often it is differentiated."""
    bn, x = nn.BatchNorm1d(3).double(), mg.tensor(normal(5, 3, mean=2), requires_grad=True)
    loss = (bn(x) ** 3).sum()
    for _ in range(2):
        (dx,) = mg.grad(loss, x, retain_graph=True, create_graph=create_graph)
        if create_graph:
            mg.grad(dx.sum(), x, retain_graph=True)
    np.testing.assert_allclose(bn.running_mean.numpy(), 0.1 * x.detach().numpy().mean(0), rtol=1e-13)
    assert bn.num_batches_tracked.item() == 1


def test_loading_nothing_keeps_the_count_of_batches():
    bn = nn.BatchNorm1d(2)
    for _ in range(5):
        bn(mg.tensor(normal(4, 2).astype(np.float32)))
    before = buffers_of(bn)
    bn.load_state_dict({}, strict=False)
    assert buffers_of(bn) == before and bn.num_batches_tracked.item() == 5


def test_a_batch_with_two_spoiled_channels_moves_the_others_only():
    bn = nn.BatchNorm2d(4)
    x = np.ones((1, 4, 5, 5), np.float32)
    x[0, 1, 3, 3], x[0, 2, 0, 0] = np.inf, np.nan
    with pytest.warns(UserWarning, match="2 of 4 channels"):
        bn(mg.tensor(x))
    np.testing.assert_allclose(bn.running_mean.numpy(), [0.1, 0, 0, 0.1], rtol=1e-6)
    np.testing.assert_allclose(bn.running_var.numpy(), [0.9, 1, 1, 0.9], rtol=1e-6)


# -- evaluation ----------------------------------------------------------------------------------


@pytest.mark.parametrize("eps", [1e-5, 0.5])
def test_before_any_training_an_evaluation_divides_by_the_root_of_1_plus_eps(eps):
    """Statistics of 0 and 1 leave the input almost as it is, so a constant one has no spread left."""
    bn = nn.BatchNorm1d(10, eps=eps).double().eval()
    y = bn(mg.ones(6, 10, 12, dtype="float64"))
    np.testing.assert_allclose(y.numpy(), np.full((6, 10, 12), 1 / np.sqrt(1 + eps)), rtol=1e-15)
    np.testing.assert_allclose(F.batch_norm(y, None, None, training=True).numpy(), 0, atol=1e-12)


def test_a_gradient_penalty_on_an_evaluated_batchnorm_reaches_its_weight():
    """d(3 y^2 w i)/dx = 6 y (w i)^2, and by the weight 6 y xhat w i + 3 y^2 i; i is the inverse deviation."""
    bn = nn.BatchNorm1d(3).double()
    bn(mg.tensor(normal(9, 3, scale=2, mean=1)))
    bn.eval()
    with mg.no_grad():
        bn.weight.copy_([2.0, -1.0, 0.5])
    x = mg.tensor(normal(1, 3), requires_grad=True)
    y = bn(x)
    (dx,) = mg.grad((y**3).sum(), x, create_graph=True)
    ddx, dw = mg.grad(dx.sum(), [x, bn.weight])
    w, i = bn.weight.detach().numpy(), 1 / np.sqrt(bn.running_var.numpy() + 1e-5)
    y, xhat = y.detach().numpy(), (x.detach().numpy() - bn.running_mean.numpy()) * i
    np.testing.assert_allclose(dx.detach().numpy(), 3 * y**2 * w * i, rtol=1e-12)
    np.testing.assert_allclose(ddx.numpy(), 6 * y * (w * i) ** 2, rtol=1e-12)
    np.testing.assert_allclose(dw.numpy(), (6 * y * xhat * w * i + 3 * y**2 * i)[0], rtol=1e-12)


def test_a_fused_layer_keeps_a_large_eps_and_weights_of_any_sign():
    linear, bn = nn.Linear(3, 4).double(), nn.BatchNorm1d(4, eps=0.1).double()
    for step in range(5):
        bn(linear(mg.tensor(normal(16, 3, seed=step, scale=3, mean=2))))
    with mg.no_grad():
        bn.weight.copy_([1.0, -2, 0, 3])
        bn.bias.copy_([1.0, 2, 3, 4])
    model, x = nn.Sequential(linear, bn).eval(), mg.tensor(normal(5, 3))
    np.testing.assert_allclose(fuse_linear_bn_eval(linear, bn)(x).numpy(), model(x).numpy(), rtol=1e-12)


# -- batches -------------------------------------------------------------------------------------


def test_gradients_of_several_backward_passes_add_up():
    bn, x = nn.BatchNorm1d(2).double(), mg.tensor(normal(6, 2), requires_grad=True)
    dy = mg.tensor(normal(6, 2, seed=1))
    bn(x).backward(dy)
    once = [t.grad.numpy().copy() for t in (x, *bn.parameters())]
    for _ in range(2):
        bn(x).backward(dy)
    for tensor, gradient in zip((x, *bn.parameters()), once):
        np.testing.assert_allclose(tensor.grad.numpy(), 3 * gradient, rtol=1e-14)


def test_accumulating_over_small_batches_is_not_training_on_the_large_one():
    """Each half is normalised by its own statistics: the sum of their gradients is that of the halves."""
    x, dy = normal(8, 2, scale=2), normal(8, 2, seed=1)
    X, whole = mg.tensor(x, requires_grad=True), mg.tensor(x, requires_grad=True)
    bn = nn.BatchNorm1d(2).double()
    for half in (slice(4), slice(4, None)):
        bn(X[half]).backward(mg.tensor(dy[half]))
    halves = np.concatenate([input_gradient(x[:4], dy[:4]), input_gradient(x[4:], dy[4:])])
    np.testing.assert_allclose(X.grad.numpy(), halves, rtol=1e-12)
    bn(whole).backward(mg.tensor(dy))
    np.testing.assert_allclose(whole.grad.numpy(), input_gradient(x, dy), rtol=1e-12)
    assert np.abs(whole.grad.numpy() - halves).max() > 0.1


def test_the_last_batch_of_one_is_refused_and_drop_last_leaves_it_out():
    net = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))
    dataset = data.TensorDataset(mg.tensor(normal(9, 2).astype(np.float32)), mg.arange(9))
    lengths = []
    with pytest.raises(ValueError, match=r"got input size \(1, 3\) in 1 .*eval\(\).*drop_last=True"):
        for x, _ in data.DataLoader(dataset, batch_size=4):
            before = buffers_of(net)
            net(x)
            lengths.append(len(x))
    assert lengths == [4, 4] and buffers_of(net) == before
    for x, _ in data.DataLoader(dataset, batch_size=4, drop_last=True):
        net(x)
    assert net[1].num_batches_tracked.item() == 4


# -- freezing ------------------------------------------------------------------------------------


def test_parameters_without_gradients_do_not_freeze_the_statistics_but_freeze_does():
    """``requires_grad_(False)`` is not enough, and a frozen layer stays so through ``train()``."""
    bn = nn.BatchNorm1d(2)
    x = mg.tensor(normal(8, 2, mean=3).astype(np.float32))
    model = nn.Sequential(bn).requires_grad_(False)
    model(x)
    assert bn.num_batches_tracked.item() == 1
    bn.eval().freeze()
    before = buffers_of(bn)
    model.train().requires_grad_(True)
    model(x)
    assert buffers_of(bn) == before and not bn.training
    assert not any(p.requires_grad for p in bn.parameters())


@pytest.mark.parametrize("kind", [optim.SGD, optim.Adam])
def test_momentum_and_weight_decay_do_not_move_frozen_parameters(kind):
    """The optimiser has seen their gradients and goes on with its averages for the others."""
    model = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
    settings = {"momentum": 0.9} if kind is optim.SGD else {}
    optimizer = kind(model.parameters(), lr=0.1, weight_decay=0.1, **settings)
    x = mg.tensor(normal(8, 2).astype(np.float32))

    def step():
        optimizer.zero_grad(set_to_none=False)
        (model(x) ** 3).sum().backward()
        optimizer.step()

    step()
    model[1].eval().freeze()
    before = {name: value.tolist() for name, value in model.state_dict().items()}
    for _ in range(3):
        model.train()
        step()
    changed = {name for name, value in model.state_dict().items() if value.tolist() != before[name]}
    assert changed == {"0.weight", "0.bias"}


def test_an_optimiser_can_spare_batchnorm_the_weight_decay():
    model = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
    decayed = [model[0].weight]
    others = [p for p in model.parameters() if p is not model[0].weight]
    optimizer = optim.SGD([{"params": decayed, "weight_decay": 0.5}, {"params": others}], lr=0.1)
    before = [p.numpy().copy() for p in decayed + others]
    for p in decayed + others:
        p.grad = mg.zeros_like(p)
    optimizer.step()
    np.testing.assert_allclose(decayed[0].numpy(), before[0] * (1 - 0.1 * 0.5), rtol=1e-6)
    for p, start in zip(others, before[1:]):
        np.testing.assert_array_equal(p.numpy(), start)
