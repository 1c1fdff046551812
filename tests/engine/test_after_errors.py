"""An error leaves gradients, modes and graphs as they were."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from minigrad.engine.op import Op
from tests.helpers.inputs import leaf


class BangError(Exception):
    """Raised by the tests' own functions."""


def bang(*_: Any) -> Any:
    raise BangError


class Outer(nn.Module):
    """Calls something after its BatchNorm, inside a module, inside another one."""

    def __init__(self, call: Callable[[Any], Any]):
        self.bn = nn.BatchNorm1d(2)
        self.inner = nn.Sequential(nn.Identity(), Calls(call))

    def forward(self, x):
        return self.inner(self.bn(x))


class Calls(nn.Module):
    def __init__(self, call: Callable[[Any], Any]):
        self.call = call

    def forward(self, x):
        return self.call(x)


def within(block: Any) -> Callable[[Any], Any]:
    """Raise inside a block that switches something."""

    def call(x: Any) -> Any:
        with block():
            return bang(x)

    return call


def in_a_nested_call(x: Any) -> Any:
    return Outer(bang)(x)


FAILING: dict[str, Callable[[Any], Any]] = {
    "in forward": bang,
    "in a module's module": in_a_nested_call,
    "in no_grad": within(mg.no_grad),
    "in enable_grad": within(mg.enable_grad),
    "in set_grad_enabled": within(lambda: mg.set_grad_enabled(False)),
    "in detect_anomaly": within(mg.detect_anomaly),
    "in evaluating": within(lambda: nn.Sequential(nn.Dropout()).evaluating()),
    "in a decorated function": mg.no_grad(bang),
}


def module_now() -> str:
    """The module that an error would name here."""
    with pytest.raises(ValueError) as raised:
        mg.ones(2) + mg.ones(3)
    return str(raised.value).partition(":")[0]


def anomalies_are_found() -> bool:
    x = leaf([0.0])
    with mg.enable_grad(), np.errstate(all="ignore"):
        y = (mg.sqrt(x) * 0).sum()
        try:
            y.backward()
        except RuntimeError:
            return True
    return False


def state_now() -> tuple[str, bool, bool]:
    return module_now(), mg.is_grad_enabled(), anomalies_are_found()


@pytest.mark.filterwarnings("ignore:.*under no_grad")
@pytest.mark.parametrize("recording", [True, False])
@pytest.mark.parametrize("name", FAILING)
def test_an_error_leaves_scope_and_modes_as_they_were(name, recording):
    net, x = Outer(FAILING[name]).eval(), mg.randn(4, 2)
    with mg.set_grad_enabled(recording):
        before = state_now()
        with pytest.raises(BangError):
            net(x)
        assert state_now() == before == ("add", recording, False)
        assert net.bn(x).requires_grad == recording


@pytest.mark.filterwarnings("ignore:.*under no_grad")
@pytest.mark.parametrize("name", FAILING)
def test_a_failed_forward_pass_can_be_repeated(name):
    """The layers that had finished have seen their batch; the next pass is an ordinary one."""
    net, x = Outer(FAILING[name]), mg.randn(4, 2)
    with pytest.raises(BangError):
        net(x)
    net.inner[1].call = mg.tanh
    net(x).sum().backward()
    assert net.bn.num_batches_tracked.item() == 2
    assert net.bn.weight.grad.shape == (2,)


def test_a_module_whose_block_fails_has_its_modes_back():
    net = nn.Sequential(nn.Dropout(), nn.BatchNorm1d(2).eval(), nn.Sequential(nn.Dropout()))
    before = [module.training for module in net.modules()]
    with pytest.raises(BangError), net.evaluating():
        assert not any(module.training for module in net.modules())
        bang()
    assert [module.training for module in net.modules()] == before


def failing_rule(monkeypatch: Any) -> Callable[[Any], Any]:
    monkeypatch.setattr(Op, "registry", dict(Op.registry))
    return Op("failing", lambda x: x * 2, lambda dy, _y, x: bang())


def hooked(monkeypatch: Any) -> Callable[[Any], Any]:
    def function(x: Any) -> Any:
        y = x * 2
        y.register_hook(bang)
        return y

    return function


@pytest.mark.parametrize("create_graph", [False, True])
@pytest.mark.parametrize("make", [failing_rule, hooked])
def test_an_error_in_backward_leaves_gradients_modes_and_statistics_as_they_were(make, create_graph, monkeypatch):
    function, x = make(monkeypatch), mg.randn(4, 2)
    net = Outer(function)
    other = mg.ones(2, requires_grad=True)
    loss = (net(x) * other).sum()
    buffers = [buffer.tolist() for buffer in net.buffers()]
    for recording in (True, False):
        with mg.set_grad_enabled(recording):
            before = state_now()
            with pytest.raises(BangError):
                mg.grad(loss, list(net.parameters()), retain_graph=True, create_graph=create_graph)
            assert state_now() == before
    assert all(p.grad is None for p in net.parameters())
    assert [buffer.tolist() for buffer in net.buffers()] == buffers
    (found,) = mg.grad(loss, other, retain_graph=True)
    np.testing.assert_allclose(found.numpy(), 2 * net.bn(x).detach().numpy().sum(0), atol=1e-5)


def test_an_error_in_one_thread_changes_nothing_in_another():
    inside, failed, seen = threading.Event(), threading.Event(), []

    def fail() -> None:
        inside.wait(10)
        with contextlib.suppress(BangError), mg.no_grad():
            Outer(bang).eval()(mg.ones(3, 2))
        seen.append(state_now())
        failed.set()

    def call(x: Any) -> Any:
        inside.set()
        failed.wait(10)
        seen.append(state_now())
        return x

    worker = threading.Thread(target=fail)
    worker.start()
    y = Outer(call).eval()(mg.ones(3, 2))
    worker.join(10)
    assert seen == [("add", True, False), ("add in inner.1 (Calls)", True, False)] and y.requires_grad
