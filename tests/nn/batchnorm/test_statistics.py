"""Running statistics: when they move, and by how much."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from tests.helpers.batchnorm_module import (
    KINDS,
    Outer,
    assert_buffers,
    axes_of,
    batch,
    buffers_of,
    formula,
    rng,
    trained,
    with_statistics,
)


def test_without_statistics_both_modes_use_the_batch():
    bn = nn.BatchNorm1d(3, track_running_stats=False)
    x = batch((6, 3))
    for _ in ("train", "eval"):
        np.testing.assert_allclose(bn(x).numpy(), trained(x.numpy()), rtol=1e-5, atol=1e-5)
        bn.eval()
    assert list(bn.state_dict()) == ["weight", "bias"]
    with pytest.raises(ValueError, match="more than 1 value per channel"):
        bn(batch((1, 3)))


def test_tracking_switched_off_later_keeps_the_buffers():
    bn = with_statistics()
    before = buffers_of(bn)
    bn.track_running_stats = False
    x = batch((6, 3))
    learned = {"weight": bn.weight.numpy(), "bias": bn.bias.numpy()}
    expected = formula(x.numpy(), before["running_mean"], before["running_var"], **learned)
    np.testing.assert_allclose(bn(x).numpy(), expected, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(bn.train()(x).numpy(), trained(x.numpy(), **learned), rtol=1e-5, atol=1e-5)
    with mg.no_grad():
        bn(x)  # nothing is updated, so there is nothing to warn of
    assert_buffers(bn, before)


def test_no_grad_in_train_mode_updates_and_warns_once_per_module():
    model = nn.Sequential(nn.BatchNorm1d(3), nn.BatchNorm1d(3))
    x = batch((6, 3))
    for bn in model:
        message = r"running statistics are being updated; meant eval\(\)\?"
        with pytest.warns(UserWarning, match=message) as caught, mg.no_grad():
            bn(x)
        assert len(caught) == 1 and caught[0].filename == __file__
    with mg.no_grad():
        model(x)
    assert [bn.num_batches_tracked.item() for bn in model] == [2, 2]
    fresh = nn.Sequential(nn.Tanh(), nn.BatchNorm1d(3))
    message = r"batch_norm in 1 \(BatchNorm1d\): in training mode under no_grad"
    with pytest.warns(UserWarning, match=message), mg.no_grad():
        fresh(x)
    with mg.no_grad():
        nn.BatchNorm1d(3).eval()(x)


def test_parameters_that_are_not_trained_do_not_stop_the_statistics():
    bn = nn.BatchNorm1d(3).requires_grad_(False)
    x = batch((6, 3))
    assert not bn(x).requires_grad
    np.testing.assert_allclose(bn.running_mean.numpy(), 0.1 * x.numpy().mean(0), rtol=1e-5)
    assert bn.num_batches_tracked.item() == 1


@pytest.mark.parametrize("shape", [(0, 3), (2, 3, 0), (0, 3, 4)])
def test_an_empty_batch(shape):
    bn = nn.BatchNorm1d(3)
    bn(batch((4, 3)))
    before = buffers_of(bn)
    x = mg.tensor(np.zeros(shape, np.float32), requires_grad=True)
    y = bn(x)
    y.sum().backward()
    assert y.shape == x.grad.shape == shape
    assert bn.weight.grad.tolist() == bn.bias.grad.tolist() == [0, 0, 0]
    assert_buffers(bn, {**before, "num_batches_tracked": 2})
    assert bn.eval()(x).shape == shape
    assert_buffers(bn, {**before, "num_batches_tracked": 2})


def test_float16_is_computed_and_tracked_in_float32():
    x = batch((50, 3), np.float16)
    for bn in (nn.BatchNorm1d(3), nn.BatchNorm1d(3).half()):
        y = bn(x)
        values = x.numpy().astype(np.float64)
        assert y.dtype == np.float16 and bn.running_mean.dtype == bn.running_var.dtype == np.float32
        np.testing.assert_allclose(y.numpy(), trained(values), rtol=1e-3, atol=1e-3)
        np.testing.assert_allclose(bn.running_var.numpy(), 0.9 + 0.1 * values.var(0, ddof=1), rtol=1e-6)
        assert bn.eval()(x).dtype == np.float16


def test_eps_0_can_be_evaluated():
    bn = with_statistics(eps=0)
    x = batch((4, 3))
    expected = formula(
        x.numpy(), bn.running_mean.numpy(), bn.running_var.numpy(), 0, bn.weight.numpy(), bn.bias.numpy()
    )
    np.testing.assert_allclose(bn(x).numpy(), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("momentum", [0, 0.1, 0.5, None])
def test_momentum_is_the_weight_of_the_new_batch(momentum):
    bn = nn.BatchNorm1d(3, momentum=momentum)
    mean, var = np.zeros(3), np.ones(3)
    for step in range(1, 5):
        x = batch((8, 3))
        bn(x)
        m = 1 / step if momentum is None else momentum
        mean = (1 - m) * mean + m * x.numpy().mean(0)
        var = (1 - m) * var + m * x.numpy().var(0, ddof=1)
        np.testing.assert_allclose(bn.running_mean.numpy(), mean, rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(bn.running_var.numpy(), var, rtol=1e-5)
        assert bn.num_batches_tracked.item() == step


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("name", KINDS)
def test_nan_and_infinity_do_not_poison_the_statistics(name, bad):
    kind, shape = KINDS[name]
    bn = kind(3)
    values = batch(shape).numpy().copy()
    values[(1, 1, *(0,) * (len(shape) - 2))] = bad
    with pytest.warns(
        UserWarning, match=r"in net\.1 \(BatchNorm.d\): 1 of 3 channels of this batch contain NaN"
    ) as caught:
        y = Outer(bn)(mg.tensor(values))
    assert len(caught) == 1
    assert np.isnan(y.numpy()[:, 1]).any() and np.isfinite(y.numpy()[:, [0, 2]]).all()
    clean = np.delete(values, 1, 1)
    np.testing.assert_allclose(bn.running_mean.numpy()[[0, 2]], 0.1 * clean.mean(axes_of(clean)), rtol=1e-5)
    assert bn.running_mean.numpy()[1] == 0 and bn.running_var.numpy()[1] == 1
    assert bn.num_batches_tracked.item() == 1


def test_what_an_evaluation_saved_outlives_a_training_step():
    bn = with_statistics(dtype=np.float64)
    x = mg.tensor(batch((4, 3)).numpy().astype(np.float64), requires_grad=True)
    dy = rng.standard_normal((4, 3))
    y = bn(x)
    inverse = 1 / np.sqrt(bn.running_var.numpy() + bn.eps)
    xhat = (x.numpy() - bn.running_mean.numpy()) * inverse
    bn.train()(batch((4, 3), np.float64))
    y.backward(mg.tensor(dy))
    np.testing.assert_allclose(x.grad.numpy(), dy * bn.weight.numpy() * inverse, rtol=1e-12)
    np.testing.assert_allclose(bn.weight.grad.numpy(), (dy * xhat).sum(0), rtol=1e-12)
    np.testing.assert_allclose(bn.bias.grad.numpy(), dy.sum(0), rtol=1e-12)
