"""What an operation costs besides its arithmetic: single ones, on arrays of 32 times 32."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from minigrad.benchmarks.timing import check_agreement

SHAPE = (32, 32)


class Operation(NamedTuple):
    """An operation, with NumPy's, minigrad's, PyTorch's or autograd's functions, and its derivative by hand."""

    call: Callable[[Any, Any, Any], Any]
    """Of the library, a and b."""
    gradients: Callable[..., tuple]
    """Of dy, y, a and b: the gradient of a, and of b where it is an operand."""
    plain: Callable[[Any, Any, Any], Any] | None = None
    """How NumPy writes it, if it has no function of that name."""


def sliced(dy, _y, a, _b):
    """The gradient of ``a[:16]``."""
    gradient = np.zeros_like(a)
    gradient[:16] = dy
    return (gradient,)


OPERATIONS = {
    "a + b": Operation(lambda _, a, b: a + b, lambda dy, y, a, b: (dy, dy)),
    "a - b": Operation(lambda _, a, b: a - b, lambda dy, y, a, b: (dy, -dy)),
    "a * b": Operation(lambda _, a, b: a * b, lambda dy, y, a, b: (dy * b, dy * a)),
    "a / b": Operation(lambda _, a, b: a / b, lambda dy, y, a, b: (dy / b, -dy * y / b)),
    "a @ b": Operation(lambda _, a, b: a @ b, lambda dy, y, a, b: (dy @ b.T, a.T @ dy)),
    "a ** 2": Operation(lambda _, a, b: a**2, lambda dy, y, a, b: (dy * (2 * a),)),
    "maximum(a, b)": Operation(lambda m, a, b: m.maximum(a, b), lambda dy, y, a, b: (dy * (a > b), dy * (a <= b))),
    "where(a > 1, a, b)": Operation(
        lambda m, a, b: m.where(a > 1, a, b), lambda dy, y, a, b: (dy * (a > 1), dy * (a <= 1))
    ),
    "exp(a)": Operation(lambda m, a, b: m.exp(a), lambda dy, y, a, b: (dy * y,)),
    "log(a)": Operation(lambda m, a, b: m.log(a), lambda dy, y, a, b: (dy / a,)),
    "sqrt(a)": Operation(lambda m, a, b: m.sqrt(a), lambda dy, y, a, b: (dy / (2 * y),)),
    "tanh(a)": Operation(lambda m, a, b: m.tanh(a), lambda dy, y, a, b: (dy * (1 - y * y),)),
    "relu(a)": Operation(
        lambda m, a, b: m.relu(a), lambda dy, y, a, b: (dy * (a > 0),), plain=lambda m, a, b: m.maximum(a, 0)
    ),
    "sigmoid(a)": Operation(
        lambda m, a, b: m.sigmoid(a),
        lambda dy, y, a, b: (dy * y * (1 - y),),
        plain=lambda m, a, b: 1 / (1 + m.exp(-a)),
    ),
    "sum(a)": Operation(lambda m, a, b: m.sum(a), lambda dy, y, a, b: (np.full(a.shape, dy),)),
    "sum(a, 0)": Operation(lambda m, a, b: m.sum(a, 0), lambda dy, y, a, b: (np.zeros_like(a) + dy,)),
    "mean(a, 0)": Operation(lambda m, a, b: m.mean(a, 0), lambda dy, y, a, b: (np.zeros_like(a) + dy / len(a),)),
    "amax(a, 0)": Operation(lambda m, a, b: m.amax(a, 0), lambda dy, y, a, b: (dy * (a == y),)),
    "reshape(a, (-1,))": Operation(lambda m, a, b: m.reshape(a, (-1,)), lambda dy, y, a, b: (dy.reshape(a.shape),)),
    "a.T": Operation(lambda _, a, b: a.T, lambda dy, y, a, b: (dy.T,)),
    "a[:16]": Operation(lambda _, a, b: a[:16], sliced),
    "cat([a, b])": Operation(
        lambda m, a, b: m.cat([a, b]),
        lambda dy, y, a, b: (dy[: len(a)], dy[len(a) :]),
        plain=lambda m, a, b: m.concatenate([a, b]),
    ),
}


def by_hand(operation, arrays, dy):
    """Forward, and forward with backward, in plain NumPy; the second returns a's gradient."""
    call = operation.plain or operation.call

    def both():
        return operation.gradients(dy, call(np, *arrays), *arrays)[0]

    return lambda: call(np, *arrays), both


def eager(framework, operation, arrays, dy):
    """The same with tensors of minigrad or PyTorch."""
    call, dy = operation.call, framework.tensor(dy)
    a, b = (framework.tensor(array).requires_grad_() for array in arrays)

    def both():
        a.grad = b.grad = None
        call(framework, a, b).backward(dy)
        return a.grad

    return lambda: call(framework, a, b), both


def traced(autograd, operation, arrays, dy):
    """The same with HIPS autograd, which records nothing but for a derivative."""
    call = operation.plain or operation.call
    operands = len(operation.gradients(dy, call(np, *arrays), *arrays))

    def both():
        backward, _ = autograd.make_vjp(call, (1, 2)[:operands])(autograd.numpy, *arrays)
        return backward(dy)[0]

    return lambda: call(autograd.numpy, *arrays), both


def value_of(result):
    """Without its graph, so that NumPy can read it."""
    return result.detach() if hasattr(result, "detach") else result


def operations(settings):
    """Each operation, forward (recording) and forward with backward."""
    random = np.random.default_rng(0)
    arrays = [random.uniform(0.5, 1.5, SHAPE).astype(np.float32) for _ in range(2)]
    for name, operation in OPERATIONS.items():
        output = (operation.plain or operation.call)(np, *arrays)
        dy = np.asarray(random.standard_normal(np.shape(output)), np.float32)
        pairs = {"by hand": by_hand(operation, arrays, dy)}
        pairs |= {who: eager(framework, operation, arrays, dy) for who, framework in settings.frameworks.items()}
        if settings.peers.autograd:
            pairs["HIPS autograd"] = traced(settings.peers.autograd, operation, arrays, dy)
        for kind, title in enumerate((name, f"{name}, backward")):
            contenders = {who: pair[kind] for who, pair in pairs.items()}
            check_agreement(title, {who: value_of(contender()) for who, contender in contenders.items()})
            yield settings.measure(title, contenders)
