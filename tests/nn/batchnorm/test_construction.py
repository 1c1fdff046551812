"""Parameters, buffers, dtypes and text of BatchNorm."""

import numpy as np
import pytest

from minigrad import nn
from tests.helpers.batchnorm_module import assert_buffers, batch, buffers_of


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


def test_without_a_bias():
    bn = nn.BatchNorm1d(2, bias=False)
    assert bn.bias is None and list(bn.state_dict())[:2] == ["weight", "running_mean"]
    assert repr(bn) == "BatchNorm1d(2, eps=1e-05, momentum=0.1, affine=True, bias=False, track_running_stats=True)"
    assert nn.BatchNorm2d(2, affine=False, bias=True).bias is None
    x = batch((4, 2), np.float32)
    np.testing.assert_array_equal(bn(x).detach().numpy(), nn.BatchNorm1d(2)(x).detach().numpy())
    with pytest.raises(TypeError, match="takes from 2 to 8 positional arguments"):
        nn.BatchNorm1d(2, 1e-5, 0.1, True, True, None, None, False)


def test_device_and_dtype_may_be_given_by_position():
    assert nn.BatchNorm1d(2, 1e-5, 0.1, True, True, "cpu", np.float64).weight.dtype == np.float64
    with pytest.raises(Exception, match="cuda") as caught:
        nn.BatchNorm1d(2, device="cuda")
    assert "\n" not in str(caught.value)


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
