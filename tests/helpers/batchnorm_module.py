"""BatchNorm modules with statistics of their own, batches, and the formula in float64."""

import numpy as np

import minigrad as mg
from minigrad import nn

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


class Outer(nn.Module):
    def __init__(self, bn):
        self.net = nn.Sequential(nn.Identity(), bn)

    def forward(self, x):
        return self.net(x)
