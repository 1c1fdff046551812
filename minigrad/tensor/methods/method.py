"""An operation as a method of tensors."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec

from ...engine.op import Op
from .examples import with_example

if TYPE_CHECKING:
    from ..tensor import Tensor

P = ParamSpec("P")


def method(operation: Callable[Concatenate[Any, P], Any]) -> Callable[Concatenate[Any, P], Tensor]:
    """The method whose first operand is the tensor itself."""
    return operation.function if isinstance(operation, Op) else operation


def reflected(operation: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Tensor]:
    """The method of the right operand: ``2 - x``."""

    def method(self: Any, other: Any) -> Any:
        return operation(other, self)

    return method


def in_place(operation: Callable[Concatenate[Any, P], Any]) -> Callable[Concatenate[Any, P], Tensor]:
    """The method ``name_``, after which the tensor itself is the result."""

    def method(self: Any, /, *args: Any, **named: Any) -> Any:
        return self._in_place(operation, *args, **named)

    name = operation.__name__
    method.__name__ = method.__qualname__ = f"{name}_"
    text = operation.__doc__ or ""
    about = f"``{name}`` in place: the tensor becomes the result; its shape and dtype stay.\n\n"
    method.__doc__ = with_example(about + text.partition("\n\n")[0], name, text, method.__name__)
    method.__signature__ = inspect.signature(operation)  # type: ignore[attr-defined]
    return method


def shape_in_place(
    operation: Callable[Concatenate[Any, P], Any], name: str | None = None
) -> Callable[Concatenate[Any, P], Tensor]:
    """The method ``name_`` of an operation whose result is a view: the tensor itself gets its shape."""

    def method(self: Any, /, *args: Any, **named: Any) -> Any:
        return self._shape_in_place(operation, args, named)

    name = name or operation.__name__
    method.__name__ = method.__qualname__ = f"{name}_"
    about = f"``{name}`` in place, with its arguments: the tensor itself gets the shape, over the same memory."
    method.__doc__ = with_example(about, operation.__name__, operation.__doc__ or "", method.__name__)
    method.__signature__ = inspect.signature(operation)  # type: ignore[attr-defined]
    return method
