"""Folding a BatchNorm into the Linear before it."""

import numpy as np
import pytest

from minigrad import nn
from minigrad.nn.utils.fusion import fuse_linear_bn_eval
from tests.helpers.batchnorm_module import batch, with_statistics


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
