"""Recording switched off and on, as a block and as a decorator."""

import threading

import pytest

import minigrad as mg
from minigrad.engine.modes import current
from tests.engine.leaves import leaf


def test_modes_nest_and_end():
    assert mg.is_grad_enabled()
    with mg.no_grad():
        assert not mg.is_grad_enabled()
        with mg.enable_grad():
            assert mg.is_grad_enabled()
            with mg.set_grad_enabled(False):
                assert not mg.is_grad_enabled()
            assert mg.is_grad_enabled()
        assert not mg.is_grad_enabled()
        with mg.no_grad():
            pass
        assert not mg.is_grad_enabled()
    assert mg.is_grad_enabled()


def test_one_block_object_may_be_entered_again():
    block = mg.no_grad()
    for _ in range(2):
        with block, block:
            assert not mg.is_grad_enabled()
        assert mg.is_grad_enabled()


@pytest.mark.parametrize("block", [mg.no_grad, lambda: mg.set_grad_enabled(False), mg.detect_anomaly])
def test_modes_end_with_an_exception(block):
    before = current()
    with pytest.raises(ZeroDivisionError), block():
        assert (current().recording, current().anomaly) != (before.recording, before.anomaly)
        1 / 0  # noqa: B018
    assert (current().recording, current().anomaly) == (before.recording, before.anomaly)


def test_a_failed_backward_leaves_the_modes_as_they_were():
    x = leaf(1.0)
    y = x * 2
    y.backward()
    with mg.no_grad():
        with pytest.raises(RuntimeError):
            y.backward(create_graph=True)
        assert not mg.is_grad_enabled()
    with pytest.raises(RuntimeError):
        y.backward()
    assert mg.is_grad_enabled()


def test_set_grad_enabled_called_alone_holds():
    try:
        mg.set_grad_enabled(False)
        assert not (leaf(1.0) * 2).requires_grad
        with mg.set_grad_enabled(True):
            assert (leaf(1.0) * 2).requires_grad
        assert not mg.is_grad_enabled()
    finally:
        mg.set_grad_enabled(True)
    assert (leaf(1.0) * 2).requires_grad


def test_under_no_grad_nothing_is_recorded():
    x = leaf(1.0)
    with mg.no_grad():
        y = x * 2
        made = mg.tensor([1.0], requires_grad=True)
    assert not y.requires_grad
    assert y.is_leaf
    assert made.requires_grad
    assert (made * y).requires_grad


DECORATORS = {
    "no_grad()": (mg.no_grad(), False),
    "no_grad": (mg.no_grad, False),
    "enable_grad()": (mg.enable_grad(), True),
    "enable_grad": (mg.enable_grad, True),
}


@pytest.mark.parametrize("outside", [True, False])
@pytest.mark.parametrize("name", DECORATORS)
def test_modes_decorate_functions(name, outside):
    decorator, inside = DECORATORS[name]

    @decorator
    def function(depth, *, flag):
        """Says what mode it ran in."""
        assert flag
        return [mg.is_grad_enabled()] + (function(depth - 1, flag=True) if depth else [])

    assert (function.__name__, function.__doc__) == ("function", "Says what mode it ran in.")
    with mg.set_grad_enabled(outside):
        assert function(2, flag=True) == [inside] * 3
        assert mg.is_grad_enabled() == outside


def test_set_grad_enabled_decorates_without_switching():
    @mg.set_grad_enabled(False)
    def function():
        return mg.is_grad_enabled()

    assert mg.is_grad_enabled()
    assert function() is False
    assert mg.is_grad_enabled()


def test_a_mode_decorates_methods():
    class Model:
        @mg.no_grad
        def predict(self, x):
            return x * 2

    assert not Model().predict(leaf(1.0)).requires_grad


@pytest.mark.parametrize("mode", [mg.no_grad, mg.enable_grad])
def test_modes_take_no_values(mode):
    with pytest.raises(TypeError, match=f"{mode.__name__} decorates a function, got False"):
        mode(False)


def test_a_decorated_generator_switches_only_while_it_runs():
    log = []

    @mg.no_grad()
    def generator():
        try:
            while True:
                sent = yield mg.is_grad_enabled()
                log.append((sent, mg.is_grad_enabled()))
                if sent == "end":
                    return "result"
        except KeyError:
            log.append(("thrown", mg.is_grad_enabled()))
            yield "caught"
        finally:
            log.append(("closed", mg.is_grad_enabled()))

    steps = generator()
    assert next(steps) is False
    assert mg.is_grad_enabled()
    assert steps.send("hello") is False
    with pytest.raises(StopIteration) as end:
        steps.send("end")
    assert end.value.value == "result"
    steps = generator()
    next(steps)
    assert steps.throw(KeyError("x")) == "caught"
    steps.close()
    assert log == [("hello", False), ("end", False), ("closed", False), ("thrown", False), ("closed", False)]
    assert mg.is_grad_enabled()


def test_modes_are_per_thread():
    inside, seen = threading.Barrier(2), {}

    def other():
        seen["fresh thread"] = mg.is_grad_enabled()
        inside.wait(10)
        seen["while the other is in no_grad"] = mg.is_grad_enabled()
        with mg.no_grad():
            inside.wait(10)
            inside.wait(10)

    thread = threading.Thread(target=other)
    with mg.no_grad():
        thread.start()
        inside.wait(10)
        inside.wait(10)
    here = mg.is_grad_enabled()
    inside.wait(10)
    thread.join(10)
    assert here
    assert seen == {"fresh thread": True, "while the other is in no_grad": True}


def test_threads_train_side_by_side():
    def train(seed, results):
        x = leaf(float(seed))
        for _ in range(200):
            y = x
            for _ in range(5):
                y = y * x
            x.grad = None
            y.backward()
        results[seed] = x.grad.tolist()

    results = {}
    threads = [threading.Thread(target=train, args=(seed, results)) for seed in (1, 2, 3)]
    for worker in threads:
        worker.start()
    for worker in threads:
        worker.join(30)
    assert results == {seed: [6.0 * seed**5] for seed in (1, 2, 3)}


def test_a_reused_switch_restores_what_was_there_before_each_use():
    switch = mg.set_grad_enabled(False)
    with switch:
        pass
    assert mg.is_grad_enabled()
    with mg.no_grad():
        with switch:
            assert not mg.is_grad_enabled()
        assert not mg.is_grad_enabled()
    assert mg.is_grad_enabled()
