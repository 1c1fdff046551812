"""Anomaly mode names the operation whose derivative is not finite."""

import inspect

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from tests.engine.leaves import Wrong, leaf


class Inner(nn.Module):
    """A layer whose derivative is NaN at 0."""

    def forward(self, x):
        return mg.sqrt(x) * 0.0


class Outer(nn.Module):
    def __init__(self):
        self.layers = [nn.Identity(), Inner()]

    def forward(self, x):
        for layer in self.layers:
            x = layer(x)
        return x


@pytest.mark.parametrize("create_graph", [False, True])
def test_an_anomaly_is_traced_to_operation_module_and_line(create_graph):
    x = leaf(0.0, 1.0)
    line = inspect.getsourcelines(Inner.forward)[1] + 1
    where = rf"sqrt in layers\.1 \(Inner\), called at {__file__}:{line}: its derivative returned NaN"
    with np.errstate(all="ignore"), mg.detect_anomaly():
        net = Outer()
        loss = net(x).sum()
        with pytest.raises(RuntimeError, match=where):
            loss.backward(create_graph=create_graph)
    assert x.grad is None


def test_what_was_recorded_under_anomaly_detection_is_traced_by_any_backward():
    x = leaf(0.0, 1.0)
    with np.errstate(all="ignore"):
        with mg.detect_anomaly():
            loss = Outer()(x).sum()
        with pytest.raises(RuntimeError, match=rf"sqrt in .*, called at {__file__}:\d+: its derivative returned NaN"):
            loss.backward()


def test_an_error_in_a_module_that_is_gone():
    y = nn.Sequential(Wrong(lambda x: x * x))(leaf(1.0))
    y.backward()
    with pytest.raises(RuntimeError, match="mul in a module that is gone: the graph was freed"):
        y.backward()


def test_without_anomaly_detection_nan_passes():
    x = leaf(0.0, 1.0)
    with np.errstate(all="ignore"):
        Outer()(x).sum().backward()
    assert np.isnan(x.grad.numpy()).tolist() == [True, False]


def test_nan_that_comes_from_outside_is_no_anomaly():
    x = leaf(1.0, 2.0)
    with mg.detect_anomaly():
        (x * 2).backward(mg.tensor([np.nan, 1.0], dtype=np.float64))
    assert np.isnan(x.grad.numpy()).tolist() == [True, False]


def test_anomaly_detection_names_the_line_of_other_errors():
    x = leaf(1.0)
    with mg.detect_anomaly():
        y = x * x
        line = inspect.currentframe().f_lineno - 1
    y.backward()
    with pytest.raises(RuntimeError, match=rf"mul, called at {__file__}:{line}: the graph was freed"):
        y.backward()


def test_anomalies_are_found_in_a_graph_that_was_recorded_before():
    x = leaf(0.0)
    y = (mg.sqrt(x) * 0).sum()
    with np.errstate(all="ignore"), mg.detect_anomaly(), pytest.raises(RuntimeError, match=r"sqrt: .* returned NaN"):
        y.backward()


def test_of_operands_that_are_gone_the_result_is_shown():
    x = mg.zeros(2, requires_grad=True)
    words = r"returned inf .* Its operand 0 \(2,\) float32\. Its result \(2,\) float32 in \[0, 0\]\."
    with mg.autograd.detect_anomaly(), np.errstate(divide="ignore"), pytest.raises(RuntimeError, match=words):
        mg.sqrt(x * x).sum().backward()


def test_a_gradient_without_a_graph_is_told_how_it_gets_one():
    x = mg.ones(2, requires_grad=True)
    (dx,) = mg.autograd.grad((x * x).sum(), x)
    with pytest.raises(RuntimeError, match="a gradient without create_graph=True"):
        dx.sum().backward()
