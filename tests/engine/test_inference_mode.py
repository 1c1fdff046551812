"""Inference mode; modes in tasks, threads and generators."""

import asyncio
import threading

import pytest

import minigrad as mg
from tests.engine.leaves import leaf


def test_inference_mode_records_nothing_whatever_is_inside():
    x = leaf(1.0)
    with mg.inference_mode():
        assert mg.is_inference_mode_enabled() and not mg.is_grad_enabled() and not (x * 2).requires_grad
        with mg.enable_grad(), mg.set_grad_enabled(True):
            assert mg.is_inference_mode_enabled() and not (x * 2).requires_grad
        with mg.no_grad():
            assert mg.is_inference_mode_enabled()
        with mg.inference_mode(False):
            assert not mg.is_inference_mode_enabled() and (x * 2).requires_grad
        with mg.detect_anomaly():
            assert mg.is_inference_mode_enabled()
        assert mg.is_inference_mode_enabled()
    assert not mg.is_inference_mode_enabled() and mg.is_grad_enabled()


@pytest.mark.parametrize("decorate", [mg.inference_mode, mg.inference_mode(), mg.autograd.inference_mode(mode=True)])
def test_as_a_decorator(decorate):
    @decorate
    def function():
        return mg.is_inference_mode_enabled()

    @decorate
    def steps():
        yield mg.is_inference_mode_enabled()

    assert function() and list(steps()) == [True] and not mg.is_inference_mode_enabled()


def test_results_are_ordinary_tensors():
    x = leaf(2.0)
    with mg.inference_mode():
        y = x * 3
    (y * x).backward()
    assert x.grad.tolist() == [6]
    y += x
    assert y.requires_grad


@pytest.mark.parametrize("block", [mg.no_grad, mg.inference_mode, lambda: mg.set_grad_enabled(False)])
def test_tasks_and_threads_have_modes_of_their_own(block):
    seen = {}

    async def inside(order):
        with block():
            await order[0].wait()
            seen["inside"] = mg.is_grad_enabled()
            thread = threading.Thread(target=lambda: seen.update(thread=mg.is_grad_enabled()))
            thread.start()
            thread.join()
            seen["to_thread"] = await asyncio.to_thread(mg.is_grad_enabled)
        order[1].set()

    async def outside(order):
        seen["outside"] = mg.is_grad_enabled()
        order[0].set()
        await order[1].wait()
        seen["after"] = mg.is_grad_enabled()

    async def main():
        order = asyncio.Event(), asyncio.Event()
        await asyncio.gather(inside(order), outside(order))

    asyncio.run(main())
    assert seen == {"inside": False, "thread": True, "to_thread": False, "outside": True, "after": True}
    assert mg.is_grad_enabled()


def test_names_of_the_modes_are_in_autograd_too():
    for name in ("no_grad", "enable_grad", "set_grad_enabled", "inference_mode", "detect_anomaly", "set_detect_anomaly",
                 "is_grad_enabled", "is_inference_mode_enabled", "gradcheck", "gradgradcheck"):  # fmt: skip
        assert getattr(mg.autograd, name) is getattr(mg, name)
