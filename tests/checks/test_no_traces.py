"""Gradient checks leave inputs, modules, gradients and random state as they were."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from minigrad.nn import functional as F
from tests.checks.inputs import CHECKS, array_of, leaf


def test_inputs_are_neither_changed_nor_given_gradients():
    def spoil(x, y, z, number):
        with mg.no_grad():
            x.zero_(), y.add_(1), z.__iadd__(1)
        return (x + 1) * (y.sum() + z.sum()) * number

    inputs = leaf(3), mg.ones(2), np.ones(2), 2.0
    inputs[0].grad = mg.ones(3, dtype="float64")
    before = [np.array(array_of(x)) for x in inputs]
    for check in CHECKS:
        check(spoil, inputs, raise_exception=False)
    for x, old in zip(inputs, before):
        np.testing.assert_array_equal(array_of(x), old)
    assert inputs[0].grad.tolist() == [1, 1, 1]
    assert inputs[0].requires_grad
    assert not inputs[1].requires_grad


def test_a_function_may_overwrite_its_input():
    def function(x):
        y = mg.exp(x)
        with mg.no_grad():
            x.zero_()
        return y

    for check in CHECKS:
        assert check(function, leaf(3))


@pytest.mark.parametrize("dtype", ["float16", "float32"])
def test_other_floats_are_checked_in_float64(dtype):
    seen = set()

    def function(x, constant, index, array):
        seen.update([x.dtype, constant.dtype, array.dtype])
        assert index.dtype == np.int64
        return mg.exp(x[index] * constant) + array

    x = mg.tensor([0.5, -1.0], dtype=dtype, requires_grad=True)
    assert mg.gradcheck(function, (x, mg.tensor([2.0, 3.0], dtype), mg.tensor([1, 0]), np.ones(2, dtype)))
    assert seen == {np.dtype("float64")}
    assert x.dtype == dtype


@pytest.mark.parametrize("check", CHECKS)
def test_the_random_state_goes_on_as_if_nothing_had_happened(check):
    mg.manual_seed(3)
    expected = mg.randn(4).tolist()
    mg.manual_seed(3)
    check(lambda x: F.dropout(x, 0.5) * mg.rand(3, dtype="float64"), leaf(8, 3))
    with pytest.raises(ZeroDivisionError):
        check(lambda x: F.dropout(x, 0.5) / 0 if mg.rand(1).item() > 2 else 1 / 0, leaf(3))
    assert mg.randn(4).tolist() == expected


@pytest.mark.parametrize("check", CHECKS)
def test_a_check_under_no_grad_records_all_the_same(check):
    with mg.no_grad():
        assert check(mg.tanh, leaf(3))
        assert not mg.is_grad_enabled()


def test_running_statistics_given_as_tensors_or_arrays_are_left_alone():
    for mean, var in [(mg.zeros(3), mg.ones(3)), (np.zeros(3), np.ones(3))]:
        assert mg.gradcheck(F.batch_norm, (leaf(5, 3), mean, var, leaf(3, seed=1), leaf(3, seed=2), True))
        assert (mean.tolist(), var.tolist()) == ([0, 0, 0], [1, 1, 1])


class Stateful(nn.Module):
    """Every call changes a number, a buffer and the object another buffer is."""

    def __init__(self):
        self.calls = 1
        self.counter = nn.Buffer(mg.ones(1))
        self.replaced = nn.Buffer(mg.ones(1))

    def forward(self, x):
        self.calls += 1
        self.counter.add_(1)
        self.replaced = self.replaced * 2
        return x * (self.calls * self.counter * self.replaced)


@pytest.mark.parametrize("check", CHECKS)
def test_a_module_starts_every_evaluation_in_the_same_state(check):
    module = Stateful()
    assert check(module, leaf(3))
    assert (module.calls, module.counter.item(), module.replaced.item()) == (1, 1, 1)


def state_of(module):
    """Everything a check could leave behind in a module."""
    return {
        "values": {name: value.tolist() for name, value in module.state_dict().items()},
        "dtypes": {name: value.dtype for name, value in module.state_dict().items()},
        "gradients": {name: p.grad is None or p.grad.tolist() for name, p in module.named_parameters()},
        "trained": {name: p.requires_grad for name, p in module.named_parameters()},
        "modes": [m.training for m in module.modules()],
        "warned": [vars(m).get("warned") for m in module.modules()],
        "attributes": [list(vars(m)) for m in module.modules()],
    }


def net(dtype="float32"):
    """A net with every kind of state, of which one mode is not that of the others."""
    mg.manual_seed(5)
    model = nn.Sequential(
        nn.Linear(3, 4),
        nn.BatchNorm1d(4),
        nn.Tanh(),
        nn.Dropout(0.3),
        nn.BatchNorm1d(4, momentum=None),
        nn.Linear(4, 2),
    ).to(dtype)
    model[4].eval()
    return model


@pytest.mark.slow
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("check", CHECKS)
def test_a_module_is_left_as_it_was(check, dtype):
    model = net(dtype)
    before = state_of(model)
    assert check(model, leaf(6, 3))
    with mg.no_grad():
        assert check(model, leaf(6, 3))
    assert state_of(model) == before


def test_a_module_keeps_the_gradients_it_has():
    model = net()
    model(mg.randn(6, 3)).sum().backward()
    before = state_of(model)
    assert mg.gradcheck(model, mg.randn(6, 3))
    assert state_of(model) == before


def test_a_module_is_left_as_it_was_by_an_error():
    model = net()
    before = state_of(model)
    with pytest.raises(ValueError, match="Expected more than 1 value per channel"):
        mg.gradcheck(model, leaf(1, 3))
    assert state_of(model) == before
