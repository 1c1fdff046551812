"""BatchNorm as a module: its state, its modes, and every case of its contract."""

import copy
import pickle
import warnings

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, optim
from minigrad.nn.functional import batch_norm
from minigrad.nn.utils.fusion import fuse_linear_bn_eval
from minigrad.optim.swa_utils import update_bn

rng = np.random.default_rng(11)

KINDS = {
    "1d": (nn.BatchNorm1d, (8, 3)),
    "1d, length": (nn.BatchNorm1d, (4, 3, 5)),
    "2d": (nn.BatchNorm2d, (4, 3, 5, 2)),
    "3d": (nn.BatchNorm3d, (2, 3, 2, 3, 2)),
}


def batch(shape, dtype=np.float32):
    return mg.tensor((rng.standard_normal(shape) * 2 + 1).astype(dtype))


def buffers_of(model):
    return {name: buffer.numpy().copy() for name, buffer in model.named_buffers()}


def assert_buffers(model, expected):
    found = buffers_of(model)
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        np.testing.assert_array_equal(found[name], value, err_msg=name)


def with_statistics(kind=nn.BatchNorm1d, channels=3, **settings):
    """A BatchNorm in evaluation mode with statistics and parameters of its own."""
    bn = kind(channels, **settings)
    bn.running_mean.copy_(rng.standard_normal(channels))
    bn.running_var.copy_(rng.random(channels) + 0.5)
    if bn.affine:
        nn.init.uniform_(bn.weight, 0.5, 2)
        nn.init.normal_(bn.bias)
    return bn.eval()


def axes_of(x):
    return (0, *range(2, x.ndim))


def per_channel(vector, ndim):
    return np.reshape(vector, (-1, *(1,) * (ndim - 2)))


def formula(x, mean, var, eps=1e-5, weight=1.0, bias=0.0):
    x = x.astype(np.float64)
    weight, bias = (np.broadcast_to(v, x.shape[1]) for v in (weight, bias))
    mean, scale, bias = (per_channel(v, x.ndim) for v in (mean, weight / np.sqrt(var + eps), bias))
    return (x - mean) * scale + bias


def trained(x, **settings):
    return formula(x, x.mean(axes_of(x), dtype=np.float64), x.var(axes_of(x), dtype=np.float64), **settings)


# -- what it is made of ------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d])
def test_parameters_and_buffers(kind):
    bn = kind(4)
    state = bn.state_dict()
    assert list(state) == ["weight", "bias", "running_mean", "running_var", "num_batches_tracked"]
    assert [v.tolist() for v in state.values()] == [[1] * 4, [0] * 4, [0] * 4, [1] * 4, 0]
    assert [v.dtype for v in state.values()] == [np.float32] * 4 + [np.int64]
    assert type(bn.weight) is type(bn.bias) is nn.Parameter and bn.weight.requires_grad and bn.bias.requires_grad
    assert {type(b) for b in bn.buffers()} == {nn.Buffer} and not any(b.requires_grad for b in bn.buffers())
    assert (bn.num_features, bn.eps, bn.momentum, bn.affine, bn.track_running_stats) == (4, 1e-5, 0.1, True, True)
    assert bn.training is True
    bare = kind(4, affine=False, track_running_stats=False)
    assert bare.weight is bare.bias is bare.running_mean is bare.running_var is bare.num_batches_tracked is None
    assert bare.state_dict() == {} and list(bare.parameters()) == list(bare.buffers()) == []


@pytest.mark.parametrize(
    ("dtype", "statistics"), [("float16", "float32"), ("float32", "float32"), (np.float64, "float64")]
)
def test_statistics_are_at_least_float32(dtype, statistics):
    bn = nn.BatchNorm1d(2, dtype=dtype)
    assert bn.weight.dtype == bn.bias.dtype == dtype
    assert bn.running_mean.dtype == bn.running_var.dtype == statistics
    assert bn.num_batches_tracked.dtype == np.int64
    y = bn(batch((4, 2), dtype))
    assert y.dtype == dtype and bn.running_var.dtype == statistics


@pytest.mark.parametrize(
    ("bn", "text"),
    [
        (nn.BatchNorm1d(100), "BatchNorm1d(100, eps=1e-05, momentum=0.1, affine=True, track_running_stats=True)"),
        (nn.BatchNorm2d(3, 0.1, None), "BatchNorm2d(3, eps=0.1, momentum=None, affine=True, track_running_stats=True)"),
        (
            nn.BatchNorm3d(np.int64(3), affine=False, track_running_stats=False),
            "BatchNorm3d(3, eps=1e-05, momentum=0.1, affine=False, track_running_stats=False)",
        ),
        (
            nn.BatchNorm1d(2).freeze(),
            "BatchNorm1d(2, eps=1e-05, momentum=0.1, affine=True, track_running_stats=True, frozen=True)",
        ),
    ],
)  # fmt: skip
def test_its_text(bn, text):
    assert repr(bn) == text


@pytest.mark.parametrize("features", [0, -1, 2.0, "3", None])
def test_the_number_of_channels_is_checked(features):
    with pytest.raises(ValueError, match=r"BatchNorm1d: num_features must be an integer of at least 1"):
        nn.BatchNorm1d(features)


def test_resetting():
    bn = nn.BatchNorm1d(3)
    bn(batch((4, 3)))
    nn.init.constant_(bn.weight, 5)
    nn.init.constant_(bn.bias, 5)
    weight, mean = bn.weight, bn.running_mean
    bn.reset_running_stats()
    assert_buffers(bn, buffers_of(nn.BatchNorm1d(3)))
    assert bn.weight.tolist() == [5] * 3
    bn(batch((4, 3)))
    bn.reset_parameters()
    assert_buffers(bn, buffers_of(nn.BatchNorm1d(3)))
    assert bn.weight is weight and weight.tolist() == [1] * 3 and bn.bias.tolist() == [0] * 3
    assert weight.requires_grad and bn.running_mean is mean
    nn.BatchNorm1d(3, affine=False, track_running_stats=False).reset_parameters()


# -- golden values -----------------------------------------------------------------------------

PRECISION = {np.float64: {"rtol": 0, "atol": 6e-7}, np.float32: {"rtol": 2e-6, "atol": 3e-6}}
both_precisions = pytest.mark.parametrize("dtype", PRECISION, ids=["double", "single"])


def backward(bn, x, dy, dtype):
    """Output, input gradient and parameter gradients of one call."""
    bn.zero_grad()
    x = mg.tensor(np.array(x, dtype), requires_grad=True)
    y = bn(x)
    y.backward(mg.tensor(np.array(dy, dtype)))
    return [y.numpy(), x.grad.numpy(), *(p.grad.numpy() for p in bn.parameters())]


def assert_golden(found, expected, dtype):
    assert len(found) == len(expected)
    for value, golden in zip(found, expected):
        np.testing.assert_allclose(value, golden, **PRECISION[dtype])


@both_precisions
def test_golden_vectors(dtype):
    bn = nn.BatchNorm1d(2, dtype=dtype)
    bn.weight.data.copy_([1.0, 2.0])
    bn.bias.data.copy_([0.0, 1.0])
    x, dy = np.array([[1, 2], [3, 4], [5, 8], [7, 2]]), [[1, 0], [0, 1], [2, -1], [0, 3]]
    train = [
        [[-1.341639, -0.632992], [-0.447213, 1.0], [0.447213, 4.265984], [1.341639, -0.632992]],
        [[0.044721, -1.292784], [-0.35777, 0.204124], [0.581377, -0.068044], [-0.268328, 1.156704]],
        [-0.447213, -4.08248],
        [3, 3],
    ]
    evaluation = [
        [[0.47936, 3.454281], [2.077226, 6.522132], [3.675091, 12.657834], [5.272957, 3.454281]],
        [[0.798933, 0], [0, 1.533925], [1.597866, -1.533925], [0, 4.601776]],
        [7.829543, 0.61357],
        [3, 3],
    ]
    first, second = [[0.4, 0.4], [1.566667, 1.7], 1], [[0.86, 0.86], [2.076667, 2.33], 2]
    assert_golden(backward(bn, x, dy, dtype), train, dtype)
    assert_golden(buffers_of(bn).values(), first, dtype)
    bn.eval()
    before = buffers_of(bn)
    assert_golden(backward(bn, x, dy, dtype), evaluation, dtype)
    assert_buffers(bn, before)
    bn.train()
    assert_golden(backward(bn, x + 1, dy, dtype), train, dtype)
    assert_golden(buffers_of(bn).values(), second, dtype)


@both_precisions
def test_golden_sequences(dtype):
    bn = nn.BatchNorm1d(2, dtype=dtype)
    x = np.arange(12.0).reshape(2, 2, 3)
    x[1, 1, 2] = 20
    y, _, dweight, dbias = backward(bn, x, [[[1, 0, 0], [0, 2, 0]], [[0, -1, 0], [0, 0, 1]]], dtype)
    expected = [
        [
            [[-1.286534, -0.964901, -0.643267], [-0.958638, -0.78434, -0.610042]],
            [[0.643267, 0.964901, 1.286534], [0.087149, 0.261447, 2.004425]],
        ],
        [-2.251435, 0.435745],
        [0, 3],
    ]
    assert_golden([y, dweight, dbias], expected, dtype)
    assert_golden(buffers_of(bn).values(), [[0.4, 0.85], [2.06, 4.85], 1], dtype)


@both_precisions
def test_golden_images(dtype):
    bn = nn.BatchNorm2d(1, affine=False, momentum=0.5, dtype=dtype)
    dy = np.zeros((2, 1, 2, 2))
    dy[0, 0, 0, 0] = 1
    expected = [
        [[[[-0.485071, 0], [0.485071, 0.970141]]], [[[-0.970141, -0.970141], [-0.970141, 1.940283]]]],
        [[[[0.41017, -0.060634], [-0.046367, -0.0321]]], [[[-0.089167, -0.089167], [-0.089167, -0.003567]]]],
    ]
    assert_golden(backward(bn, [[[[1, 2], [3, 4]]], [[[0, 0], [0, 6]]]], dy, dtype), expected, dtype)
    assert_golden(buffers_of(bn).values(), [[1.0], [2.928571], 1], dtype)


@both_precisions
def test_golden_cumulative_average(dtype):
    bn = nn.BatchNorm1d(1, momentum=None, dtype=dtype)
    steps = [([1, 3], 2, 2), ([5, 9], 4.5, 5), ([2, 2], 3.666667, 3.333333)]
    for count, (values, mean, var) in enumerate(steps, 1):
        bn(mg.tensor(np.array(values, dtype).reshape(2, 1)))
        assert_golden(buffers_of(bn).values(), [[mean], [var], count], dtype)


@both_precisions
def test_golden_constant_column(dtype):
    bn = nn.BatchNorm1d(1, dtype=dtype)
    y, dx, _, _ = backward(bn, np.full((4, 1), 7), [[1], [0], [0], [0]], dtype)
    assert_golden([y, dx], [np.zeros((4, 1)), [[237.170825], [-79.056942], [-79.056942], [-79.056942]]], dtype)
    assert_golden([bn.running_var.numpy()], [[0.9]], dtype)


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("affine", [True, False])
def test_both_modes_are_the_formula(name, affine):
    kind, shape = KINDS[name]
    bn = with_statistics(kind, affine=affine, dtype=np.float64)
    learned = {"weight": bn.weight.numpy(), "bias": bn.bias.numpy()} if affine else {}
    x = batch(shape, np.float64)
    mean, var = bn.running_mean.numpy().copy(), bn.running_var.numpy().copy()
    np.testing.assert_allclose(bn(x).numpy(), formula(x.numpy(), mean, var, **learned), rtol=1e-12, atol=1e-12)
    bn.train()
    for count in (1, 2, 3):
        x = batch(shape, np.float64)
        values = x.numpy()
        np.testing.assert_allclose(bn(x).numpy(), trained(values, **learned), rtol=1e-12, atol=1e-12)
        mean = 0.9 * mean + 0.1 * values.mean(axes_of(values))
        var = 0.9 * var + 0.1 * values.var(axes_of(values), ddof=1)
        np.testing.assert_allclose(bn.running_mean.numpy(), mean, rtol=1e-12)
        np.testing.assert_allclose(bn.running_var.numpy(), var, rtol=1e-12)
        assert bn.num_batches_tracked.item() == count


# -- the contract, case by case ----------------------------------------------------------------


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


REFUSED = {
    "one value": (
        nn.BatchNorm1d(3), (1, 3), "float32", ValueError,
        r"Expected more than 1 value per channel when training, got input size \(1, 3\) in net\.1 \(BatchNorm1d\)"
        r".*model\.eval\(\).*batches of 2 or more.*drop_last=True",
    ),
    "one value, length 1": (nn.BatchNorm1d(3), (1, 3, 1), "float32", ValueError, r"got input size \(1, 3, 1\)"),
    "one value, image": (nn.BatchNorm2d(3), (1, 3, 1, 1), "float32", ValueError, r"got input size \(1, 3, 1, 1\)"),
    "4D in 1d": (
        nn.BatchNorm1d(3), (2, 3, 4, 5), "float32", ValueError,
        r"expected 2D or 3D input \(got 4D input\) in net\.1 \(BatchNorm1d\).*BatchNorm2d for 4D",
    ),
    "1D in 1d": (
        nn.BatchNorm1d(3), (3,), "float32", ValueError,
        r"expected 2D or 3D input \(got 1D input\).*x\.unsqueeze\(0\) makes a batch",
    ),
    "2D in 2d": (nn.BatchNorm2d(3), (2, 3), "float32", ValueError, r"expected 4D input \(got 2D input\)"),
    "3D in 2d": (nn.BatchNorm2d(3), (3, 2, 2), "float32", ValueError, r"expected 4D input \(got 3D input\).*unsqueeze"),
    "5D in 2d": (nn.BatchNorm2d(3), (2, 3, 1, 1, 1), "float32", ValueError, r"\(got 5D input\).*BatchNorm3d for 5D"),
    "4D in 3d": (nn.BatchNorm3d(3), (2, 3, 2, 2), "float32", ValueError, r"expected 5D input \(got 4D input\)"),
    "channels": (
        nn.BatchNorm1d(3), (8, 5), "float32", ValueError,
        r"in net\.1 \(BatchNorm1d\): expected 3 channels on axis 1, got input \(8, 5\) float32\.$",
    ),
    "channels last": (
        nn.BatchNorm1d(3), (8, 5, 3), "float32", ValueError,
        r"got input \(8, 5, 3\).*\(N, L, C\)\? BatchNorm1d wants \(N, C, L\): transpose\(1, 2\)",
    ),
    "channels last, image": (
        nn.BatchNorm2d(3), (8, 5, 6, 3), "float32", ValueError,
        r"\(N, H, W, C\)\? BatchNorm2d wants \(N, C, H, W\): permute\(0, 3, 1, 2\)",
    ),
    "float64": (
        nn.BatchNorm1d(3), (8, 3), "float64", TypeError,
        r"in net\.1 \(BatchNorm1d\): input is float64 but .* is float32: convert one.*module\.to\(mg\.float64\)",
    ),
    "float32": (nn.BatchNorm1d(3, dtype="float64"), (8, 3), "float32", TypeError, "input is float32 but .* is float64"),
    "integers": (nn.BatchNorm1d(3), (8, 3), "int64", TypeError, r"in net\.1.*expected a float input.*x\.float\(\)"),
    "booleans": (nn.BatchNorm1d(3), (8, 3), "bool", TypeError, r"expected a float input.*x\.float\(\)"),
    "eps 0": (nn.BatchNorm1d(3, eps=0), (8, 3), "float32", ValueError, "batch_norm eps must be positive during train"),
    "eps -1": (nn.BatchNorm1d(3, eps=-1), (8, 3), "float32", ValueError, r"net\.1.*eps must be positive during"),
}  # fmt: skip


class Outer(nn.Module):
    def __init__(self, bn):
        self.net = nn.Sequential(nn.Identity(), bn)

    def forward(self, x):
        return self.net(x)


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_refused_names_module_and_cure_and_changes_no_buffer(case):
    bn, shape, dtype, kind, message = REFUSED[case]
    before = buffers_of(bn)
    with pytest.raises(kind, match=message):
        Outer(bn)(mg.tensor(np.ones(shape, dtype)))
    assert_buffers(bn, before)


def test_one_value_per_channel_can_be_predicted():
    bn = with_statistics()
    x = batch((1, 3))
    expected = formula(
        x.numpy(), bn.running_mean.numpy(), bn.running_var.numpy(), 1e-5, bn.weight.numpy(), bn.bias.numpy()
    )
    np.testing.assert_allclose(bn(x).numpy(), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", KINDS)
def test_a_prediction_does_not_depend_on_its_batch(name):
    kind, shape = KINDS[name]
    bn = with_statistics(kind)
    x = batch((32, *shape[1:]))
    together = bn(x).numpy()
    for i in range(len(together)):
        np.testing.assert_array_equal(bn(x[i : i + 1]).numpy(), together[i : i + 1])


def test_a_nets_prediction_does_not_depend_on_its_batch():
    mg.manual_seed(0)
    model = nn.Sequential(nn.Linear(20, 50), nn.BatchNorm1d(50), nn.ReLU(), nn.Linear(50, 3))
    model(batch((64, 20)))
    model.eval()
    x = batch((64, 20))
    together = model(x).numpy()
    alone = np.concatenate([model(x[i : i + 1]).numpy() for i in range(64)])
    # not bit for bit: BLAS adds the products of one row and of many in different orders
    scale = np.abs(together).max()
    assert np.abs(alone - together).max() < 8 * np.finfo(np.float32).eps * scale
    others = mg.tensor(np.concatenate([x.numpy()[:1], 1e3 * rng.standard_normal((63, 20)).astype(np.float32)]))
    assert np.abs(model(others).numpy()[0] - together[0]).max() < 8 * np.finfo(np.float32).eps * scale


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


@pytest.mark.parametrize("momentum", [-0.1, 1.1, float("nan")])
def test_a_momentum_outside_0_to_1_is_refused_in_the_module_only(momentum):
    with pytest.raises(ValueError, match=r"BatchNorm1d: momentum is the weight of the new batch.*from 0 to 1"):
        nn.BatchNorm1d(3, momentum=momentum)


def test_the_function_takes_any_momentum():
    mean, var, x = mg.zeros(3), mg.ones(3), batch((8, 3))
    batch_norm(x, mean, var, training=True, momentum=1.5)
    np.testing.assert_allclose(mean.numpy(), 1.5 * x.numpy().mean(0), rtol=1e-5)
    np.testing.assert_allclose(var.numpy(), -0.5 + 1.5 * x.numpy().var(0, ddof=1), rtol=1e-5)


@pytest.mark.parametrize(("momentum", "meant"), [(0.9, "0.1"), (0.99, "0.01"), (0.51, "0.49")])
def test_a_large_momentum_is_warned_of_once(momentum, meant):
    with pytest.warns(
        UserWarning, match=f"Keras and Flax mean the opposite. For their {momentum} pass {meant}"
    ) as caught:
        bn = nn.BatchNorm1d(3, momentum=momentum)
    assert len(caught) == 1 and caught[0].filename == __file__
    bn(batch((4, 3)))
    nn.BatchNorm1d(3, momentum=0.5)


@pytest.mark.parametrize(
    ("use", "message"),
    [
        (lambda x, m, v: batch_norm(x, None, None), "evaluation needs running_mean and running_var"),
        (lambda x, m, v: batch_norm(x, m, None), "go together: give both or none"),
        (lambda x, m, v: batch_norm(x, None, v, training=True), "go together: give both or none"),
        (lambda x, m, v: batch_norm(x, m.double(), None), "go together: give both or none"),
        (lambda x, m, v: batch_norm(x, m, -v), "running_var has negative values"),
        (lambda x, m, v: batch_norm(x, m, v, training=True, eps=0), "eps must be positive during training"),
        (lambda x, m, v: batch_norm(x, m, v, weight=mg.ones(4)), r"3 channels on axis 1, but weight is \(4,\)"),
    ],
)
def test_the_function_refuses(use, message):
    mean, var = mg.zeros(3), mg.ones(3)
    with pytest.raises(ValueError, match=message):
        use(batch((4, 3)), mean, var)
    assert mean.tolist() == [0] * 3 and var.tolist() == [1] * 3


def test_a_spoiled_variance_is_refused_instead_of_nan():
    bn = with_statistics()
    bn.running_var.fill_(-1)
    with pytest.raises(ValueError, match=r"in net\.1 \(BatchNorm1d\): running_var has negative values"):
        Outer(bn)(batch((4, 3)))


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


def test_states_are_copies_and_complete():
    bn = nn.BatchNorm1d(3)
    state = bn.state_dict()
    before = {name: value.tolist() for name, value in state.items()}
    bn(batch((4, 3)))
    assert {name: value.tolist() for name, value in state.items()} == before
    bn.load_state_dict(state)
    assert {name: value.tolist() for name, value in bn.state_dict().items()} == before


def test_a_state_may_lack_the_counter_and_nothing_else():
    bn = nn.BatchNorm1d(3)
    bn(batch((4, 3)))
    other = with_statistics()
    state = other.state_dict()
    del state["num_batches_tracked"]
    assert bn.load_state_dict(state) == ([], [])
    assert bn.num_batches_tracked.item() == 1
    np.testing.assert_array_equal(bn.running_mean.numpy(), other.running_mean.numpy())
    for name in state:
        with pytest.raises(RuntimeError, match=rf"Missing key\(s\) in state_dict: '{name}'\."):
            bn.load_state_dict({k: v for k, v in state.items() if k != name})
    with pytest.raises(RuntimeError, match=r"Unexpected key\(s\) in state_dict: 'gamma'"):
        bn.load_state_dict({**state, "gamma": 1})
    with pytest.raises(RuntimeError, match=r"Unexpected key\(s\).*'running_mean', 'running_var'"):
        nn.BatchNorm1d(3, track_running_stats=False).load_state_dict(state)


@pytest.mark.parametrize("mode", [1, 0, "train", None])
def test_the_mode_must_be_boolean(mode):
    bn = nn.BatchNorm1d(3)
    with pytest.raises(ValueError, match="training mode is expected to be boolean"):
        bn.train(mode)
    assert bn.training is True


@pytest.mark.parametrize("name", ["running_mean", "running_var", "num_batches_tracked"])
@pytest.mark.parametrize("value", [3.0, [0.0, 0.0, 0.0], np.zeros(3)])
def test_buffers_are_changed_in_place_only(name, value):
    bn = nn.BatchNorm1d(3)
    before = buffers_of(bn)
    with pytest.raises(
        TypeError, match=rf"BatchNorm1d\.{name} is a Buffer .* in place: under no_grad\(\), {name}.copy_"
    ):
        setattr(bn, name, value)
    assert_buffers(bn, before)


@pytest.mark.parametrize("mode", [True, False])
def test_gradcheck_leaves_the_module_as_it_was(mode):
    bn = with_statistics().train(mode)
    before = buffers_of(bn)
    assert mg.gradcheck(bn, batch((4, 3)))
    assert_buffers(bn, before)
    assert bn.training is mode and bn.weight.dtype == np.float32 and bn.weight.grad is None


# -- freezing ----------------------------------------------------------------------------------


def test_a_frozen_batchnorm_stays_as_it_is_through_training():
    model = nn.Sequential(nn.Linear(3, 3), nn.BatchNorm1d(3), nn.Linear(3, 1))
    bn = model[1]
    model(batch((8, 3))).sum().backward()  # leaves old gradients behind
    assert bn.eval().freeze() is bn
    before = {**buffers_of(bn), **{name: p.numpy().copy() for name, p in bn.named_parameters()}}
    optimizer = optim.SGD(model.parameters(), lr=0.1, momentum=0.9, weight_decay=0.1)
    first = model[0].weight.numpy().copy()
    for set_to_none in (True, False, True):
        assert model.train() is model and model.training and not bn.training
        optimizer.zero_grad(set_to_none=set_to_none)
        (model(batch((8, 3))) ** 2).sum().backward()
        optimizer.step()
    after = {**buffers_of(bn), **{name: p.numpy() for name, p in bn.named_parameters()}}
    for name, value in before.items():
        np.testing.assert_array_equal(after[name], value, err_msg=name)
    assert not np.array_equal(first, model[0].weight.numpy())
    assert repr(bn).endswith("frozen=True)") and "frozen=True" in repr(model)


def test_frozen_in_training_mode_it_normalises_with_the_batch_and_updates_nothing():
    bn = with_statistics().train().freeze()
    before = buffers_of(bn)
    x = batch((8, 3))
    expected = trained(x.numpy(), weight=bn.weight.numpy(), bias=bn.bias.numpy())
    with mg.no_grad():
        np.testing.assert_allclose(bn(x).numpy(), expected, rtol=1e-5, atol=1e-5)
    assert_buffers(bn, before)
    assert bn.eval().training and bn.train().training


@pytest.mark.parametrize("training", [True, False])
def test_a_frozen_batchnorm_keeps_its_mode_and_its_parameters_in_any_model(training):
    bn = nn.BatchNorm1d(3).train(training).freeze()
    model = nn.Sequential(nn.Linear(2, 3), bn)
    for change in (model.train, model.eval, model.requires_grad_):
        change()
        assert bn.training is training
        assert [p.requires_grad for p in bn.parameters()] == [False, False]
    with model.evaluating():
        assert bn.training is training and not model.training
    assert [p.requires_grad for p in model[0].parameters()] == [True, True]


def test_a_warning_made_an_error_leaves_the_statistics_as_they_were():
    bn = with_statistics().train()
    before = buffers_of(bn)
    x = batch((8, 3)).numpy().copy()
    x[0, 1] = np.nan
    with warnings.catch_warnings(), pytest.raises(UserWarning, match="NaN"):
        warnings.simplefilter("error")
        bn(mg.tensor(x))
    assert_buffers(bn, before)


def test_unfreezing_takes_it_back():
    bn = nn.BatchNorm1d(3)
    bn.bias.requires_grad_(False)
    bn.eval().freeze().freeze()
    assert [p.requires_grad for p in bn.parameters()] == [False, False]
    assert bn.unfreeze() is bn
    assert [p.requires_grad for p in bn.parameters()] == [True, False]
    assert not bn.training and bn.train().training
    bn(batch((4, 3)))
    assert bn.num_batches_tracked.item() == 1 and "frozen" not in repr(bn)
    bn.weight.requires_grad_(False)
    bn.unfreeze()  # it was not frozen: nothing changes
    assert not bn.weight.requires_grad


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))], ids=["copy", "pickle"])
def test_a_copy_of_a_frozen_batchnorm_is_frozen(duplicate):
    twin = duplicate(with_statistics().freeze())
    before = buffers_of(twin)
    assert not twin.train().training
    twin(batch((4, 3)))
    assert_buffers(twin, before)
    assert all(p.requires_grad for p in twin.unfreeze().parameters())


# -- folding into a Linear ---------------------------------------------------------------------


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("affine", [True, False])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_fusing(bias, affine, dtype):
    linear, bn = nn.Linear(5, 3, bias=bias, dtype=dtype), with_statistics(affine=affine, dtype=dtype)
    model = nn.Sequential(linear, bn)
    model(batch((7, 5), dtype)).sum().backward()
    before = {name: v.numpy().copy() for name, v in model.state_dict().items()}
    fused = fuse_linear_bn_eval(linear.eval(), bn)
    assert type(fused) is nn.Linear and not fused.training and fused.bias is not None
    assert fused.weight.dtype == fused.bias.dtype == dtype and fused.weight.requires_grad
    x = batch((7, 5), dtype)
    close = {"rtol": 1e-5, "atol": 1e-5} if dtype == np.float32 else {"rtol": 1e-12, "atol": 1e-12}
    np.testing.assert_allclose(fused(x).numpy(), model(x).numpy(), **close)
    for name, value in model.state_dict().items():
        np.testing.assert_array_equal(value.numpy(), before[name], err_msg=name)
    nn.init.zeros_(fused.weight)
    assert linear.weight.numpy().any()


def test_fusing_keeps_frozen_parameters_frozen():
    fused = fuse_linear_bn_eval(nn.Linear(5, 3).eval().requires_grad_(False), with_statistics())
    assert not any(p.requires_grad for p in fused.parameters())


@pytest.mark.parametrize(
    ("linear", "bn", "message"),
    [
        (nn.Linear(5, 3), nn.BatchNorm1d(3).eval(), r"for evaluation only: call model\.eval\(\) first"),
        (nn.Linear(5, 3).eval(), nn.BatchNorm1d(3), r"for evaluation only: call model\.eval\(\) first"),
        (nn.Linear(5, 3).eval(), nn.BatchNorm1d(3, track_running_stats=False).eval(), "no running statistics"),
        (nn.Linear(5, 3).eval(), nn.BatchNorm1d(4).eval(), "3 outputs do not fit 4 channels"),
    ],
)
def test_what_cannot_be_fused_is_refused(linear, bn, message):
    with pytest.raises(ValueError, match=f"fuse_linear_bn_eval: .*{message}"):
        fuse_linear_bn_eval(linear, bn)


# -- recomputing the statistics ----------------------------------------------------------------


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
