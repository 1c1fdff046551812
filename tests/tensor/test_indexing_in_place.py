"""``scatter_`` and the like in place: the tensor itself gets the values, in its memory, and the graph the change."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import minigrad as mg

INDEX, VECTOR, MASK = [[0, 2], [1, 1]], [2, 0], np.array([True, False, True])

CHANGES: dict[str, Callable[[Any, str], Any]] = {
    "scatter": lambda x, _: getattr(x, f"scatter{_}")(1, INDEX, 5),
    "scatter_add": lambda x, _: getattr(x, f"scatter_add{_}")(1, INDEX, mg.ones(2, 2)),
    "scatter_reduce": lambda x, _: getattr(x, f"scatter_reduce{_}")(1, INDEX, mg.full((2, 2), 3.0), "amax"),
    "index_add": lambda x, _: getattr(x, f"index_add{_}")(1, VECTOR, mg.ones(2, 2), alpha=2),
    "index_copy": lambda x, _: getattr(x, f"index_copy{_}")(1, VECTOR, mg.ones(2, 2)),
    "index_fill": lambda x, _: getattr(x, f"index_fill{_}")(1, VECTOR, 5),
    "index_put": lambda x, _: getattr(x, f"index_put{_}")((VECTOR[1:], VECTOR[:1]), mg.tensor(8.0), accumulate=True),
    "masked_fill": lambda x, _: getattr(x, f"masked_fill{_}")(MASK, 0.5),
    "tril": lambda x, _: getattr(x, f"tril{_}")(),
    "triu": lambda x, _: getattr(x, f"triu{_}")(diagonal=1),
}


def start() -> mg.Tensor:
    return mg.arange(6.0).reshape(2, 3).clone()


@pytest.mark.parametrize("name", CHANGES)
def test_the_tensor_becomes_the_result(name: str) -> None:
    expected = CHANGES[name](start(), "").tolist()
    x = start()
    array, seen = x.array, x[0]
    assert CHANGES[name](x, "_") is x
    assert x.tolist() == expected != start().tolist()
    assert x.array is array and seen.tolist() == expected[0]


@pytest.mark.parametrize("name", CHANGES)
def test_a_recorded_change_has_the_gradient_of_the_new_tensor(name: str) -> None:
    gradients = []
    for underscore in ("", "_"):
        w = start().requires_grad_()
        y = CHANGES[name](w * w, underscore)
        (y * y).sum().backward()
        assert w.grad is not None
        gradients.append(w.grad.tolist())
    assert gradients[0] == gradients[1]


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_is_noticed_by_backward(name: str) -> None:
    x = start().requires_grad_()
    loss = (x * x).sum()
    with mg.no_grad():
        CHANGES[name](x, "_")
    with pytest.raises(RuntimeError, match=r"mul: operand 0.*changed in place"):
        loss.backward()


@pytest.mark.parametrize("name", CHANGES)
def test_a_leaf_is_refused(name: str) -> None:
    x = start().requires_grad_()
    with pytest.raises(RuntimeError, match=f"{name} in place: .*leaf that requires grad"):
        CHANGES[name](x, "_")
    assert x.tolist() == start().tolist()


@pytest.mark.parametrize("wrap", [False, True])
@pytest.mark.parametrize("shape", [(3, 3), (5, 2), (7, 2), (2, 4), (2, 2, 2)])
def test_fill_diagonal_(shape: tuple[int, ...], wrap: bool) -> None:
    x, expected = mg.zeros(*shape), np.zeros(shape, np.float32)
    np.fill_diagonal(expected, 7, wrap)
    assert x.fill_diagonal_(7, wrap=wrap) is x
    assert x.tolist() == expected.tolist()


def test_fill_diagonal_is_recorded() -> None:
    w = mg.ones(2, 2, requires_grad=True)
    (w * 3).fill_diagonal_(0).sum().backward()
    assert w.grad is not None and w.grad.tolist() == [[0, 3], [3, 0]]
