"""The dtype and the device of a tensor: what they are, and the same values in another dtype."""

from __future__ import annotations

import builtins
from typing import TYPE_CHECKING, Any

import numpy as np

from ... import ops
from ...engine.node import Variable
from ..conversion import real_dtype
from ..device import CPU, destination, device
from ..typed import NAMES, typed

if TYPE_CHECKING:
    from ..tensor import Tensor


class KindMethods(Variable):
    """The methods of a tensor about its dtype and its device."""

    __slots__ = ()

    @property
    def device(self) -> device:
        """The device it is on: the CPU."""
        return CPU

    @property
    def is_cuda(self) -> builtins.bool:
        """Whether it is on another device than the CPU: never."""
        return False

    def is_floating_point(self) -> builtins.bool:
        """Whether its elements are floats."""
        return self.array.dtype.kind == "f"

    def is_complex(self) -> builtins.bool:
        """Whether its elements are complex: never."""
        return False

    def is_signed(self) -> builtins.bool:
        """Whether its dtype has negative numbers."""
        return self.array.dtype.kind in "fi"

    def astype(self, dtype: Any) -> Tensor:
        """The same values in another dtype; itself if it has that one already."""
        dtype = real_dtype(dtype)
        return self if self.array.dtype == dtype else ops.astype(self, dtype)  # type: ignore[return-value]

    def to(self, *args: Any, **named: Any) -> Tensor:
        """The same values in another dtype; itself if it has that one already.

        Args:
            *args: ``x.to(dtype)``, ``x.to(device)``, ``x.to(device, dtype)`` or ``x.to(other)``, for the dtype of
                another tensor; also by name. The only device is the CPU. Then ``non_blocking``, which changes
                nothing, and ``copy``: True for another tensor in any case.
            **named: the same by name.

        >>> mg.ones(2).to("cpu", mg.float64).dtype
        dtype('float64')
        """
        dtype, copy = destination(args, named)
        converted: Any = self if dtype is None else self.astype(dtype)
        return ops.clone(self) if copy and converted is self else converted

    def type(self, dtype: Any = None, non_blocking: builtins.bool = False) -> Any:
        """The same values in another dtype, given also as ``mg.LongTensor``; without it the name of its own.

        ``non_blocking`` changes nothing.

        >>> mg.ones(2).type(), mg.ones(2).type("torch.LongTensor").dtype
        ('minigrad.FloatTensor', dtype('int64'))
        """
        if dtype is None:
            return f"minigrad.{NAMES.get(self.array.dtype, self.array.dtype)}"
        return self.astype(typed(dtype))

    def type_as(self, other: Any) -> Tensor:
        """The same values in the dtype of ``other``, a tensor."""
        return self.astype(other.dtype)

    def cpu(self) -> Tensor:
        """Itself: it is on the CPU."""
        return self  # type: ignore[return-value]

    def cuda(self, device: Any = None, non_blocking: builtins.bool = False) -> Tensor:
        """Refused, whatever ``device`` and ``non_blocking`` are: there is only the CPU."""
        return self.to("cuda" if device is None else device)

    def float(self) -> Tensor:
        """As float32."""
        return self.astype(np.float32)

    def double(self) -> Tensor:
        """As float64."""
        return self.astype(np.float64)

    def half(self) -> Tensor:
        """As float16."""
        return self.astype(np.float16)

    def long(self) -> Tensor:
        """As int64."""
        return self.astype(np.int64)

    def int(self) -> Tensor:
        """As int32."""
        return self.astype(np.int32)

    def short(self) -> Tensor:
        """As int16."""
        return self.astype(np.int16)

    def char(self) -> Tensor:
        """As int8."""
        return self.astype(np.int8)

    def byte(self) -> Tensor:
        """As uint8."""
        return self.astype(np.uint8)

    def bool(self) -> Tensor:
        """Whether each element is not 0."""
        return self.astype(np.bool_)
