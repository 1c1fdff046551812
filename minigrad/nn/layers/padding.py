"""Padding as modules: zeros, a number, or elements of the input around its last axes."""

from __future__ import annotations

import operator
from typing import Any, ClassVar

from ...engine.arguments import detached
from ...engine.errors import InvalidTypeError
from ...ops.padding import pad
from ...ops.windows import refuse
from .function_layer import FunctionLayer


class Pad(FunctionLayer):
    """What the padding layers share: how many elements, which they print without a name, as in PyTorch."""

    padding: Any
    _dims: ClassVar[int]
    _mode: ClassVar[str] = "constant"

    def __post_init__(self) -> None:
        name, number = type(self).__name__, 2 * self._dims
        given = self.padding if isinstance(self.padding, (tuple, list)) else (self.padding,) * number
        form = "(left, right)" if self._dims == 1 else "(left, right, top, bottom)"
        try:
            widths = tuple([operator.index(n) for n in given])
        except TypeError:
            raise InvalidTypeError(f"{name}: padding must be an integer or {form}, got {self.padding!r}.") from None
        if len(widths) != number:
            raise refuse(name, f"padding must be an integer or {form}, got {self.padding!r}.")
        self.padding = widths

    def forward(self, input: Any) -> Any:
        return pad(input, self.padding, self._mode)

    def extra_repr(self) -> str:
        return repr(self.padding)


class ZeroPad1d(Pad):
    """Zeros in front of and behind the last axis: ``padding`` of them, or (left, right).

    >>> nn.ZeroPad1d((1, 2))(mg.ones(1, 2))
    tensor([[0., 1., 1., 0., 0.]])
    """

    _dims = 1


class ZeroPad2d(Pad):
    """Zeros around images: ``padding`` of them, or (left, right, top, bottom); negative numbers cut off.

    >>> nn.ZeroPad2d((1, 0, 0, 1))(mg.ones(1, 1, 2))
    tensor([[[0., 1., 1.],
             [0., 0., 0.]]])
    """

    _dims = 2


class ConstantPad(Pad):
    """Padding with a number."""

    value: float

    def __post_init__(self) -> None:
        super().__post_init__()
        self.value = detached(self.value)

    def forward(self, input: Any) -> Any:
        return pad(input, self.padding, "constant", self.value)

    def extra_repr(self) -> str:
        return f"padding={self.padding}, value={self.value!r}"


class ConstantPad1d(ConstantPad):
    """The number ``value`` in front of and behind the last axis: ``padding`` of them, or (left, right).

    >>> nn.ConstantPad1d(1, 9.0)(mg.ones(1, 2))
    tensor([[9., 1., 1., 9.]])
    """

    _dims = 1


class ConstantPad2d(ConstantPad):
    """The number ``value`` around images: ``padding`` of them, or (left, right, top, bottom).

    >>> nn.ConstantPad2d((1, 0, 1, 0), 9.0)(mg.ones(1, 1, 1))
    tensor([[[9., 9.],
             [9., 1.]]])
    """

    _dims = 2


class ReflectionPad1d(Pad):
    """What a mirror at the first and at the last element shows: ``padding`` elements, or (left, right).

    >>> nn.ReflectionPad1d(2)(mg.tensor([[1.0, 2.0, 3.0]]))
    tensor([[3., 2., 1., 2., 3., 2., 1.]])
    """

    _dims = 1
    _mode = "reflect"


class ReflectionPad2d(Pad):
    """What mirrors at the edges of images show: ``padding`` elements, or (left, right, top, bottom).

    >>> nn.ReflectionPad2d(1)(mg.ones(1, 3, 3)).shape
    (1, 5, 5)
    """

    _dims = 2
    _mode = "reflect"


class ReplicationPad1d(Pad):
    """The first and the last element again and again: ``padding`` times, or (left, right).

    >>> nn.ReplicationPad1d(2)(mg.tensor([[1.0, 2.0, 3.0]]))
    tensor([[1., 1., 1., 2., 3., 3., 3.]])
    """

    _dims = 1
    _mode = "replicate"


class ReplicationPad2d(Pad):
    """The edges of images again and again: ``padding`` times, or (left, right, top, bottom).

    >>> nn.ReplicationPad2d(1)(mg.ones(1, 3, 3)).shape
    (1, 5, 5)
    """

    _dims = 2
    _mode = "replicate"


class CircularPad1d(Pad):
    """The end in front and the beginning behind: ``padding`` elements, or (left, right).

    >>> nn.CircularPad1d(2)(mg.tensor([[1.0, 2.0, 3.0]]))
    tensor([[2., 3., 1., 2., 3., 1., 2.]])
    """

    _dims = 1
    _mode = "circular"


class CircularPad2d(Pad):
    """Images as if they went on at their opposite edges: ``padding`` elements, or (left, right, top, bottom).

    >>> nn.CircularPad2d(1)(mg.ones(1, 3, 3)).shape
    (1, 5, 5)
    """

    _dims = 2
    _mode = "circular"
