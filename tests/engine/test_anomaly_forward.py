"""Anomaly detection stops at the first NaN or infinity, of results and of gradients, and says where and of what."""

from __future__ import annotations

import inspect

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, optim
from tests.engine.leaves import leaf

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")

inf, nan = np.inf, np.nan


def message(function, *inputs):
    with mg.detect_anomaly(), pytest.raises(RuntimeError) as caught:
        function(*inputs)
    assert "\n" not in str(caught.value)
    return str(caught.value)


FIRST = {
    "log": (lambda x: mg.log(x), [1.0, 0.0],
            "its result (2,) float64 in [0, 0] and 1 inf has the first inf. Its operand 0 (2,) float64 in [0, 1]."),
    "overflow": (lambda x: mg.exp(x), [1000.0, 0.0],
                 "and 1 inf has the first inf. Its operand 0 (2,) float64 in [0, 1000]."),
    "division": (lambda x: x / 0.0, [1.0, 0.0],
                 "1 NaN and 1 inf has the first NaN. Its operand 0 (2,) float64 in [0, 1], operand 1 0.0."),
    "root": (lambda x: mg.sqrt(x), [4.0, -1.0], "in [2, 2] and 1 NaN has the first NaN."),
    "inf - inf": (lambda x: (x + inf) - (x + inf), [1.0],
                  "has the first NaN. Its operand 0 (1,) float64 in 1 inf"),
    "data": (lambda x: x * mg.tensor([nan, 1.0, 2.0]), [1.0],
             "operand 1, a constant, has NaN already: look at the data, or at the step before. Its operand 0 (1,) "
             "float64 in [1, 1], operand 1 (3,) float64 in [1, 2] and 1 NaN."),
    "parameter": (lambda x: x * 2, [nan], "operand 0, a leaf, has NaN already"),
    "infinite parameter": (lambda x: x * 2, [inf], "operand 0, a leaf, has inf already"),
}  # fmt: skip


@pytest.mark.parametrize("name", FIRST)
def test_the_first_result_that_is_not_finite_is_refused(name):
    function, values, words = FIRST[name]
    text = message(function, leaf(*values))
    assert f"called at {__file__}:" in text and words in text


def test_operation_module_path_and_line_are_named():
    class Ratio(nn.Module):
        def forward(self, x):
            return x / (x - x)

    net = nn.Sequential(nn.Identity(), nn.Sequential(Ratio()))
    line = inspect.getsourcelines(Ratio.forward)[1] + 1
    assert message(net, leaf(1.0)).startswith(
        f"div in 1.0 (Ratio), called at {__file__}:{line}: its result (1,) float64"
    )


PASSES = {
    "mask": lambda x: mg.softmax(x + mg.tensor([0.0, -inf, 0.0]), 0),
    "where": lambda x: mg.where(np.array([True, False, True]), x, -inf).softmax(0),
    "clamp": lambda x: x.clamp(-inf, inf),
    "constant": lambda x: x + inf,
    "missing values": lambda x: x * mg.where(np.array([False, True, False]), 0.0, mg.tensor([1.0, nan, 2.0])),
    "no graph": lambda x: x.detach() / 0.0,
    "integers": lambda x: mg.argmax(x),
}


@pytest.mark.parametrize("name", PASSES)
def test_infinities_of_the_programs_own_pass(name):
    with mg.detect_anomaly():
        y = PASSES[name](leaf(1.0, 2.0, 3.0))
        if name in ("mask", "where", "clamp", "missing values"):
            y.sum().backward()


def test_gradients_that_become_infinite_are_refused():
    x = leaf(0.0, 4.0)
    text = message(lambda: mg.sqrt(x).sum().backward())
    assert "sqrt, called at" in text and "its derivative returned inf for a gradient without inf." in text
    assert x.grad is None


@pytest.mark.parametrize("create_graph", [False, True])
def test_a_gradient_that_overflows_when_added_up_is_refused(create_graph):
    x = leaf(1e-300)
    with mg.detect_anomaly():
        loss = (x * 1e308 + x * 1e308).sum()
    text = message(lambda: loss.backward(create_graph=create_graph))
    assert text.startswith("leaf (1,) float64: the gradient that arrives has the first inf: it was added up of several")


def test_what_a_hook_returns_is_looked_at():
    x = leaf(1.0)
    y = x * 2
    y.register_hook(lambda g: g * nan)
    assert "the gradient that arrives has the first NaN" in message(lambda: y.backward())


def test_it_works_around_a_training():
    mg.manual_seed(0)
    net = nn.Sequential(nn.Linear(3, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 2))
    optimizer = optim.SGD(net.parameters(), lr=0.1)
    x, y = mg.randn(16, 3), mg.randint(0, 2, (16,))
    done = 0
    with mg.autograd.detect_anomaly(), pytest.raises(RuntimeError) as caught:
        for step in range(10):
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(net(x), y)
            loss.backward()
            optimizer.step()
            done += 1
            if step == 4:
                with mg.no_grad():
                    net[3].weight[0, 1] = nan
    assert done == 5
    assert str(caught.value).startswith("linear in 3 (Linear), called at ")
    assert "operand 1, a leaf, has NaN already" in str(caught.value)
    assert "operand 1 (2, 8) float32 in [" in str(caught.value) and "and 1 NaN" in str(caught.value)


def test_without_check_nan_only_lines_are_remembered():
    x = leaf(0.0)
    with mg.detect_anomaly(check_nan=False):
        y = mg.log(x)
        line = inspect.currentframe().f_lineno - 1
        (mg.sqrt(x) * 0).backward()
    assert np.isnan(x.grad.numpy()).all()
    y.backward()
    with pytest.raises(RuntimeError, match=rf"log, called at {__file__}:{line}: the graph was freed"):
        y.backward()


def test_set_detect_anomaly_holds_until_it_is_set_back():
    x = leaf(0.0)
    try:
        mg.autograd.set_detect_anomaly(True)
        assert "log" in message(lambda: mg.log(x))
        with mg.autograd.set_detect_anomaly(False):
            mg.log(x)
        with pytest.raises(RuntimeError, match="log"):
            mg.log(x)
    finally:
        mg.autograd.set_detect_anomaly(False)
    mg.log(x)
    with mg.autograd.set_detect_anomaly(True, check_nan=False):
        mg.log(x)
    with mg.autograd.set_detect_anomaly(True), pytest.raises(RuntimeError, match="log"):
        mg.log(x)


@pytest.mark.parametrize("decorate", [mg.detect_anomaly, mg.detect_anomaly(), mg.autograd.set_detect_anomaly(False)])
def test_as_decorators(decorate):
    @decorate
    def function(x):
        return mg.log(x)

    if isinstance(decorate, mg.autograd.set_detect_anomaly):
        function(leaf(0.0))
    else:
        with pytest.raises(RuntimeError, match="log"):
            function(leaf(0.0))
    mg.log(leaf(0.0))


def test_the_graph_of_gradients_may_come_across_infinities_on_the_way():
    """A rule may compute an infinity that it does not use: only what it returns is looked at."""
    x = leaf(0.0, 2.0)
    with mg.detect_anomaly():
        (dx,) = mg.grad((x**2.0).sum(), x, create_graph=True)
        (ddx,) = mg.grad(dx.sum(), x)
    assert ddx.tolist() == [2, 2]
