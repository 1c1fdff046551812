"""Modes belong to one thread or task."""

import asyncio
import contextvars
import threading

import pytest

import minigrad as mg


def in_turns(*steps):
    """Run functions of two threads in turn, and return what the main thread saw after each."""
    jobs, done = [threading.Semaphore(0), threading.Semaphore(0)], threading.Semaphore(0)
    seen = []

    def run(number):
        for owner, step in steps:
            if owner == number:
                jobs[number].acquire()
                seen.append(step())
                done.release()

    threads = [threading.Thread(target=run, args=(number,)) for number in (0, 1)]
    for thread in threads:
        thread.start()
    for owner, _ in steps:
        jobs[owner].release()
        assert done.acquire(timeout=10)
    for thread in threads:
        thread.join(10)
    return seen


@pytest.mark.parametrize("block", [mg.no_grad(), mg.autograd.enable_grad(), mg.detect_anomaly()])
def test_one_block_object_serves_two_threads(block):
    def state():
        return mg.is_grad_enabled(), mg.autograd.is_grad_enabled()

    before = state()
    seen = in_turns(
        (1, lambda: mg.set_grad_enabled(False) and None),
        (0, block.__enter__),
        (1, block.__enter__),
        (0, block.__exit__),
        (0, mg.is_grad_enabled),
        (1, block.__exit__),
        (1, mg.is_grad_enabled),
    )
    assert (seen[4], seen[6]) == (True, False)
    assert state() == before


def test_a_task_that_waits_inside_a_block_switches_no_other():
    seen = {}

    async def inside(entered, leave):
        with mg.no_grad():
            entered.set()
            await leave.wait()
            seen["inside"] = mg.is_grad_enabled()
        seen["inside, after"] = mg.is_grad_enabled()

    async def beside(entered, leave):
        await entered.wait()
        seen["beside"] = mg.is_grad_enabled()
        with mg.detect_anomaly():
            leave.set()
            await asyncio.sleep(0)
        seen["beside, after"] = (mg.ones(1, requires_grad=True) * 2).requires_grad

    async def main():
        entered, leave = asyncio.Event(), asyncio.Event()
        await asyncio.gather(inside(entered, leave), beside(entered, leave))
        seen["main"] = mg.is_grad_enabled()

    asyncio.run(main())
    assert seen == {"inside": False, "inside, after": True, "beside": True, "beside, after": True, "main": True}


def test_a_context_of_its_own_has_its_own_mode():
    context = contextvars.copy_context()
    context.run(lambda: mg.set_grad_enabled(False) and None)
    assert (context.run(mg.is_grad_enabled), mg.is_grad_enabled()) == (False, True)


def test_a_block_ends_only_its_own_switch():
    with mg.no_grad():
        with mg.detect_anomaly():
            mg.set_grad_enabled(True)
            assert mg.is_grad_enabled()
        assert mg.is_grad_enabled()
    assert mg.is_grad_enabled()
    block = mg.no_grad()
    with block, mg.enable_grad(), block:
        assert not mg.is_grad_enabled()
    assert mg.is_grad_enabled()


def test_backward_inside_a_task_records_nothing_and_leaves_the_mode():
    async def step():
        x = mg.ones(2, requires_grad=True)
        seen = []
        x.register_hook(lambda g: seen.append(mg.is_grad_enabled()))
        (x * 2).sum().backward()
        return seen, mg.is_grad_enabled()

    assert asyncio.run(step()) == ([False], True)
