"""Arguments, closures, ``zero_grad`` and refusals of optimisers."""

import math
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, optim
from minigrad.optim import blocks

pytestmark = pytest.mark.usefixtures("small_blocks")


def test_a_closure_is_called_once_records_and_is_returned():
    weight = nn.Parameter([2.0])
    optimizer, calls = optim.SGD([weight], lr=0.25), []

    def closure():
        calls.append(mg.is_grad_enabled())
        optimizer.zero_grad()
        loss = (weight**2).sum()
        loss.backward()
        return loss

    with mg.no_grad():
        assert optimizer.step(closure).item() == 4
    assert calls == [True] and weight.tolist() == [1]
    assert optimizer.step() is None and weight.tolist() == [0]  # the same gradient again


@pytest.mark.parametrize("set_to_none", [True, False])
def test_zero_grad(set_to_none):
    parameters = [nn.Parameter([1.0, 2.0]), nn.Parameter([3.0])]
    optimizer = optim.SGD([{"params": [p]} for p in parameters], lr=0.1)
    (parameters[0] ** 2).sum().backward()
    optimizer.zero_grad(set_to_none=set_to_none)
    assert parameters[1].grad is None
    assert parameters[0].grad is None if set_to_none else parameters[0].grad.tolist() == [0, 0]


def test_a_step_is_noticed_by_a_graph_that_needs_the_old_values():
    weight, other = nn.Parameter([2.0]), nn.Parameter([2.0])
    optimizer = optim.SGD([weight, other], lr=0.1)
    loss = (weight * weight).sum()
    unaffected = (other * 3).sum() * 2
    weight.grad = mg.ones(1)
    optimizer.step()
    with pytest.raises(RuntimeError, match="changed in place"):
        loss.backward()
    unaffected.backward()
    assert other.grad.tolist() == [6]


def test_gradients_that_are_graphs_are_used_as_values():
    weight = nn.Parameter([2.0, 3.0])
    (weight**3).sum().backward(create_graph=True)
    optim.SGD([weight], lr=0.1).step()
    np.testing.assert_allclose(weight.numpy(), [2 - 0.1 * 12, 3 - 0.1 * 27], rtol=1e-6)
    assert weight.is_leaf and weight.requires_grad


def test_parameters_may_be_given_in_every_usual_way():
    model = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 1))
    for params in (
        model.parameters(),
        list(model.parameters()),
        tuple(model.parameters()),
        {"params": model.parameters()},
        [{"params": model[0].parameters()}, {"params": [model[1].weight, model[1].bias]}],
        [{"params": model[0].parameters()}, {"params": model[1].weight}, {"params": [model[1].bias]}],
    ):
        optimizer = optim.SGD(params, lr=0.1)
        assert [id(p) for g in optimizer.param_groups for p in g["params"]] == [id(p) for p in model.parameters()]
    assert len(optim.SGD(model[0].weight, lr=1).param_groups[0]["params"]) == 1


def test_the_defaults_are_pytorchs():
    weight = nn.Parameter([1.0])
    assert optim.SGD([weight]).defaults == {
        "lr": 1e-3, "momentum": 0, "dampening": 0, "weight_decay": 0, "nesterov": False,
        "maximize": False,
    }  # fmt: skip
    assert optim.Adam([weight]).defaults == {
        "lr": 1e-3, "betas": (0.9, 0.999), "eps": 1e-8, "weight_decay": 0, "amsgrad": False,
        "maximize": False, "decoupled_weight_decay": False,
    }  # fmt: skip


W = nn.Parameter([1.0])


@pytest.mark.parametrize(
    ("make", "kind", "message"),
    [
        (lambda: optim.SGD([W], lr=-1), ValueError, "SGD: lr must be a number of at least 0, got -1"),
        (lambda: optim.Adam([W], lr=math.nan), ValueError, "Adam: lr must be a number of at least 0, got nan"),
        (
            lambda: optim.SGD([W], weight_decay=-0.1),
            ValueError,
            "weight_decay must be a number of at least 0, got -0.1",
        ),
        (lambda: optim.SGD([W], momentum=-0.1), ValueError, "momentum must be a number of at least 0, got -0.1"),
        (lambda: optim.SGD([W], momentum=math.nan), ValueError, "momentum must be a number of at least 0, got nan"),
        (lambda: optim.SGD([W], nesterov=True), ValueError, "nesterov needs a momentum above 0 and no dampening"),
        (lambda: optim.SGD([W], momentum=0.9, dampening=0.1, nesterov=True), ValueError, "nesterov needs a momentum"),
        (lambda: optim.Adam([W], betas=(1.0, 0.9)), ValueError, r"betas must be two numbers .*, got \(1.0, 0.9\)"),
        (lambda: optim.Adam([W], betas=(0.9, -0.1)), ValueError, "betas must be two numbers"),
        (lambda: optim.Adam([W], betas=(0.9,)), ValueError, "betas must be two numbers"),
        (lambda: optim.Adam([W], betas=(0.9, 0.9, 0.9)), ValueError, "betas must be two numbers"),
        (lambda: optim.Adam([W], eps=-1e-8), ValueError, "eps must be a number of at least 0"),
        (lambda: optim.SGD([{"params": [W], "lr": -1}], lr=1), ValueError, "lr must be a number of at least 0"),
        (lambda: optim.SGD([]), ValueError, "SGD got an empty parameter list: does the model have parameters"),
        (lambda: optim.SGD(nn.ReLU().parameters()), ValueError, "empty parameter list"),
        (lambda: optim.SGD([W, W]), ValueError, "a parameter appears more than once"),
        (lambda: optim.SGD([{"params": [W]}, {"params": [W]}]), ValueError, "a parameter appears more than once"),
        (lambda: optim.SGD([W * 2]), ValueError, "can only train floating point leaves"),
        (lambda: optim.SGD([mg.tensor([1, 2])]), ValueError, "can only train floating point leaves"),
        (
            lambda: optim.SGD([np.ones(2)]),
            TypeError,
            r"can only train tensors, got ndarray: pass model\.parameters\(\)",
        ),
        (lambda: optim.SGD([("w", W), W]), ValueError, "with names and without are mixed"),
        (lambda: optim.SGD([W], foreach=True, eager=1), TypeError, "unexpected keyword argument 'eager'"),
        (lambda: optim.SGD([W], differentiable=True), ValueError, "differentiable=True is not available"),
        (lambda: optim.Adam([W], capturable=True), ValueError, "capturable=True is not available"),
        (lambda: optim.SGD({W, nn.Parameter([2.0])}), TypeError, "a set of parameters has no order"),
        (lambda: optim.SGD([{"params": {W}}]), TypeError, "a set of parameters has no order"),
        (lambda: optim.SGD([{"lr": 0.1}]), TypeError, 'a group must be a dict with "params"'),
        (lambda: optim.SGD([{"params": [W]}, nn.Parameter([2.0])]), TypeError, "must be a dict.*, got Parameter"),
        (
            lambda: optim.SGD([{"params": [W], "momentun": 0.9}]),
            TypeError,
            "SGD has no setting 'momentun'; it has lr, ",
        ),
        (lambda: optim.SGD([W], momentun=0.9), TypeError, "unexpected keyword argument 'momentun'"),
        (lambda: optim.Adam([W], beta=0.9), TypeError, "unexpected keyword argument 'beta'"),
    ],
)
def test_bad_settings_are_refused(make, kind, message):
    with pytest.raises(kind, match=message):
        make()


def test_a_refused_group_is_not_added():
    optimizer = optim.SGD([W], lr=0.1)
    other = nn.Parameter([2.0])
    for group in ({"params": [other], "lr": -1}, {"params": [other, W]}, {"params": [other, 3]}):
        with pytest.raises((ValueError, TypeError)):
            optimizer.add_param_group(group)
    assert len(optimizer.param_groups) == 1 and len(optimizer.state_dict()["param_groups"]) == 1


def test_a_step_changes_nothing_of_an_empty_parameter():
    empty, full = nn.Parameter(mg.ones(0)), nn.Parameter(mg.ones(1))
    for parameters in ([empty], [empty, full]):
        loss = (empty * empty).sum()
        for p in parameters:
            p.grad = mg.ones(*p.shape)
        optim.SGD(parameters, lr=0.5).step()
        loss.backward()
        assert empty.grad.tolist() == []


def test_all_optimisers_of_a_thread_share_the_memory_they_compute_in():
    def places():
        return [blocks.scratch(np.dtype(np.float32), size) for size in (5, 3, 8, 8)]

    first, shorter, longer, again = places()
    assert np.shares_memory(first, shorter) and np.shares_memory(longer, again)
    assert [place.size for place in (first, shorter, longer, again)] == [5, 3, 8, 8]
    with ThreadPoolExecutor(1) as pool:
        assert not np.shares_memory(pool.submit(places).result()[-1], again)
    assert blocks.scratch(np.dtype(np.float64), 8).dtype == np.float64


def test_a_step_that_fails_halfway_is_noticed_by_backward(monkeypatch):
    """A block has been changed by then."""
    monkeypatch.setattr(blocks, "PARAMETER_BLOCK", 4)
    monkeypatch.setattr(blocks, "SMALL_PARAMETER", 4)

    class Interrupted(optim.SGD):
        calls = 0

        def change(self, *arguments):
            super().change(*arguments)
            self.calls += 1
            if self.calls == 2:
                raise KeyboardInterrupt

    weight = nn.Parameter(mg.ones(6))
    loss = (weight * weight).sum()
    weight.grad = mg.ones(6)
    with pytest.raises(KeyboardInterrupt):
        Interrupted([weight], lr=0.5).step()
    assert weight.tolist() == [0.5] * 4 + [1.0] * 2
    with pytest.raises(RuntimeError, match="was changed in place"):
        loss.backward()


def test_a_kind_of_ones_own():
    class SignDescent(optim.Optimizer):
        def __init__(self, params, lr):
            super().__init__(params, {"lr": lr, "weight_decay": 0})

        def change(self, gradient, out, state, numbers, settings):
            np.multiply(*numbers, np.sign(gradient), out)

    weight = nn.Parameter([1.0, 2.0, 3.0])
    weight.grad = mg.tensor([5.0, -7.0, 0.0])
    SignDescent([weight], lr=0.5).step()
    assert weight.tolist() == [0.5, 2.5, 3.0]
    with pytest.raises(NotImplementedError):
        optim.Optimizer([weight], {"lr": 1, "weight_decay": 0}).step()


@pytest.mark.parametrize("kind", [np.float32, np.float64, np.array, mg.tensor])
def test_settings_may_be_numbers_of_any_kind(kind):
    """Also when they are changed between two steps; 0.25 and 0.5 are exact in every precision."""
    results = []
    for number in (float, kind):
        for make in (optim.SGD, optim.Adam):
            weight = mg.ones(3, requires_grad=True)
            optimizer = make([weight], lr=1.0)
            for lr in (0.25, 0.5):
                group = optimizer.param_groups[0]
                group["lr"] = number(lr)
                if make is optim.Adam:
                    group["betas"] = number(0.5), number(0.75)
                weight.grad = mg.tensor([1.0, -2.0, 3.0])
                optimizer.step()
            results.append(weight.numpy())
    np.testing.assert_array_equal(results[:2], results[2:])


def test_a_rate_that_is_no_number_is_refused():
    weight = mg.ones(3, requires_grad=True)
    optimizer = optim.SGD([weight], lr=1.0)
    optimizer.param_groups[0]["lr"] = None
    weight.grad = mg.ones(3)
    with pytest.raises(ValueError, match="lr must be a number of at least 0, got None"):
        optimizer.step()
    assert weight.tolist() == [1, 1, 1]
