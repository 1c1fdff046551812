"""Folding a BatchNorm into the layer before it."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from minigrad.nn.utils.fusion import fuse, fuse_conv_bn_eval, fuse_linear_bn_eval
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


def trained(model, *shape):
    """A model whose running statistics and parameters are not those it began with."""
    rng = np.random.default_rng(3)
    for p in model.parameters():
        p.data.copy_(mg.tensor(rng.standard_normal(p.shape).astype(p.dtype)))
    for _ in range(3):
        model(mg.tensor(rng.standard_normal(shape).astype(np.float32) * 2 + 1))
    return model.eval()


CONVOLUTIONS = {
    "conv1d": (lambda: nn.Conv1d(4, 6, 3, padding=1), nn.BatchNorm1d, (5, 4, 7)),
    "groups": (lambda: nn.Conv2d(4, 6, 3, stride=2, groups=2, bias=False), nn.BatchNorm2d, (5, 4, 7, 8)),
    "reflect": (lambda: nn.Conv2d(4, 6, 3, padding=1, padding_mode="reflect"), nn.BatchNorm2d, (5, 4, 7, 8)),
    "transposed": (lambda: nn.ConvTranspose1d(4, 6, 3, stride=2), nn.BatchNorm1d, (5, 4, 7)),
    "transposed groups": (lambda: nn.ConvTranspose2d(4, 6, 3, groups=2, bias=False), nn.BatchNorm2d, (5, 4, 5, 6)),
}


@pytest.mark.parametrize(("conv", "norm", "shape"), CONVOLUTIONS.values(), ids=CONVOLUTIONS)
def test_fusing_convolutions(conv, norm, shape):
    model = trained(nn.Sequential(conv(), norm(6)), *shape)
    fused = fuse_conv_bn_eval(model[0], model[1])
    x = mg.tensor(np.random.default_rng(0).standard_normal(shape).astype(np.float32))
    np.testing.assert_allclose(fused(x).numpy(), model(x).numpy(), rtol=1e-4, atol=1e-4)


class Residual(nn.Module):
    """A pair that is not in a Sequential, and one whose middle is used twice."""

    def __init__(self):
        self.first, self.norm = nn.Linear(4, 4), nn.BatchNorm1d(4)
        self.second, self.other = nn.Linear(4, 4), nn.BatchNorm1d(4)

    def forward(self, x):
        y = self.norm(self.first(x)).relu()
        z = self.second(y)
        return self.other(z) + z


class Places(nn.Module):
    """BatchNorm of the second of three axes."""

    def __init__(self):
        self.linear, self.norm = nn.Linear(4, 5), nn.BatchNorm1d(5)

    def forward(self, x):
        return self.norm(self.linear(x.reshape(-1, 5, 4)))


class Twice(nn.Module):
    def __init__(self):
        self.linear, self.norm = nn.Linear(4, 4), nn.BatchNorm1d(4)

    def forward(self, x):
        return self.norm(self.linear(self.norm(self.linear(x))))


def chain():
    norm = nn.BatchNorm1d(4)
    return nn.Sequential(nn.Linear(4, 4), norm, nn.ReLU(), nn.Linear(4, 4), nn.ReLU(), nn.BatchNorm1d(4))


def shared():
    norm = nn.BatchNorm1d(4)
    return nn.Sequential(nn.Linear(4, 4), norm, nn.Linear(4, 4), norm)


NESTED = ["0.1", "1.1"]

MODELS = {
    "sequential": (chain, False, ["1"]),
    "sequential by a pass": (chain, True, ["1"]),
    "nested": (
        lambda: nn.Sequential(nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4)), chain()),
        False,
        ["0.1", "1.1"],
    ),
    "residual without a pass": (Residual, False, []),
    "residual": (Residual, True, ["norm"]),
    "three axes": (Places, True, []),
    "called twice": (Twice, True, []),
    "shared": (shared, False, []),
    "shared by a pass": (shared, True, []),
    "frozen": (lambda: chain().requires_grad_(False), True, ["1"]),
    "no statistics": (lambda: nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4, track_running_stats=False)), False, []),
}


@pytest.mark.parametrize(("make", "with_input", "folded"), MODELS.values(), ids=MODELS)
def test_fusing_models(make, with_input, folded):
    model = trained(make(), 10, 4)
    state = {name: value.numpy().copy() for name, value in model.state_dict().items()}
    x = mg.tensor(np.random.default_rng(0).standard_normal((10, 4)).astype(np.float32))
    fused = fuse(model, x) if with_input else fuse(model)
    found = [name for name, module in fused.named_modules() if isinstance(module, nn.Identity)]
    assert found == folded and not any(module.training for module in fused.modules())
    np.testing.assert_allclose(fused(x).detach().numpy(), model(x).detach().numpy(), rtol=2e-4, atol=2e-4)
    for name, value in model.state_dict().items():
        np.testing.assert_array_equal(value.numpy(), state[name], err_msg=name)
    assert x.grad is None and not x.requires_grad


@pytest.mark.parametrize(
    ("arguments", "kind", "text"),
    [
        ((chain(),), ValueError, "fuse: fusing is for evaluation only"),
        ((np.ones(3),), TypeError, "fuse expects a module"),
        ((chain().eval(), np.ones((2, 4), np.float32)), TypeError, "x must be a tensor of floats"),
    ],
)
def test_models_that_cannot_be_fused(arguments, kind, text):
    with pytest.raises(kind, match=text):
        fuse(*arguments)
