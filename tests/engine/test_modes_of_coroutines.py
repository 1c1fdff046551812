"""Switches as decorators of coroutines and async generators: they hold in their own steps only."""

import asyncio
import functools

import pytest

import minigrad as mg

W = mg.ones(1, requires_grad=True)


def records():
    return (W * 2).requires_grad


async def two_steps():
    before = records()
    await asyncio.sleep(0)
    return [before, records()]


@pytest.mark.parametrize("decorate", [mg.no_grad, lambda f: mg.no_grad()(f), lambda f: mg.set_grad_enabled(False)(f)])
@pytest.mark.parametrize("function", [two_steps, functools.partial(two_steps)])
def test_a_decorated_coroutine_does_not_record(decorate, function):
    assert asyncio.run(mg.enable_grad()(two_steps)()) == [True, True]
    assert asyncio.run(decorate(function)()) == [False, False]
    assert records()


def test_another_task_records_while_a_decorated_one_waits():
    found = []

    @mg.no_grad()
    async def predict():
        for _ in range(3):
            found.append(("predict", records()))
            await asyncio.sleep(0)

    async def train():
        for _ in range(3):
            found.append(("train", records()))
            await asyncio.sleep(0)

    async def both():
        await asyncio.gather(predict(), train())

    asyncio.run(both())
    assert found == [("predict", False), ("train", True)] * 3


def test_errors_go_through_a_decorated_coroutine():
    seen = []

    @mg.no_grad()
    async def waiting():
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            seen.append(records())
            raise

    async def cancel():
        task = asyncio.ensure_future(waiting())
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancel())
    assert seen == [False] and records()


def test_a_decorated_async_generator_is_refused():
    async def numbers():
        yield records()

    with pytest.raises(TypeError, match="no_grad cannot decorate an async generator: use it as a block"):
        mg.no_grad()(numbers)
