"""Conversion to other dtypes, and functions applied to every module."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from tests.nn.nets import Net, assert_values, values_of


@pytest.mark.parametrize(
    ("convert", "dtype", "statistics"),
    [
        (lambda m: m.double(), np.float64, np.float64),
        (lambda m: m.half(), np.float16, np.float32),
        (lambda m: m.double().float(), np.float32, np.float32),
        (lambda m: m.to("float64"), np.float64, np.float64),
        (lambda m: m.to(mg.float16), np.float16, np.float32),
    ],
)
def test_conversion_is_in_place(x, convert, dtype, statistics):
    model = Net()
    model.stem.bias.requires_grad_(False)
    model(x).sum().backward()
    parameters, buffers, before = list(model.parameters()), list(model.buffers()), values_of(model)
    trained = [p.requires_grad for p in parameters]
    assert convert(model) is model
    assert all(a is b for a, b in zip([*parameters, *buffers], [*model.parameters(), *model.buffers()]))
    assert [p.requires_grad for p in parameters] == trained
    assert {p.dtype for p in parameters} == {np.dtype(dtype)}
    assert {p.grad.dtype for p in parameters if p.grad is not None} == {np.dtype(dtype)}
    assert model.net[2].running_var.dtype == statistics
    assert model.seen.dtype == np.int64 and model.net[2].num_batches_tracked.dtype == np.int64
    tolerance = 1e-3 if dtype == np.float16 else 0
    for name, value in values_of(model).items():
        np.testing.assert_allclose(value.astype(float), before[name].astype(float), rtol=tolerance, atol=tolerance)
    model.zero_grad()
    y = model(mg.tensor(x.numpy(), dtype))
    y.sum().backward()
    assert y.dtype == dtype and model.stem.weight.grad.dtype == dtype


@pytest.mark.parametrize("dtype", [int, bool, np.int32, complex])
def test_parameters_stay_floating_point(dtype):
    model = Net()
    before = values_of(model)
    with pytest.raises(TypeError, match="must stay floating point"):
        model.to(dtype)
    assert_values(model, before)
    assert model.stem.weight.requires_grad


def test_apply_goes_from_the_inside_out_in_the_order_of_definition():
    model = Net()
    model.alias = model.stem
    visited = []
    assert model.apply(lambda module: visited.append(model._name_of(module))) is model
    assert visited == [
        "stem", "blocks.0.fc", "blocks.0.bn", "blocks.0.act", "blocks.0", "blocks.1.fc", "blocks.1.bn",
        "blocks.1.act", "blocks.1", "net.0", "net.1", "net.2", "net.3", "net", "",
    ]  # fmt: skip


def test_hooks_stay_when_a_module_is_converted():
    layer, seen = nn.Linear(2, 1), []
    layer.weight.register_hook(lambda gradient: seen.append(gradient.dtype))
    layer.double()(mg.ones(3, 2, dtype=np.float64)).sum().backward()
    assert seen == [np.float64]
    assert layer.weight.grad.dtype == np.float64
