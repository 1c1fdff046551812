"""New tensors of the dtype of a tensor."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ...engine.node import Variable
from .. import creation

if TYPE_CHECKING:
    from ..tensor import Tensor


class NewMethods(Variable):
    """The methods that make new tensors, by default of the dtype of this one."""

    __slots__ = ()

    def new_tensor(self, data: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
        """A tensor with a copy of ``data``: see ``mg.tensor``."""
        return creation.tensor(data, dtype or self.dtype, requires_grad, device=device)

    def new_zeros(
        self, *lengths: Any, size: Any = None, dtype: Any = None, device: Any = None, requires_grad: bool = False
    ) -> Tensor:
        """Zeros of a shape."""
        dtype = dtype or self.dtype
        return creation.zeros(*lengths, size=size, dtype=dtype, device=device, requires_grad=requires_grad)

    def new_ones(
        self, *lengths: Any, size: Any = None, dtype: Any = None, device: Any = None, requires_grad: bool = False
    ) -> Tensor:
        """Ones of a shape."""
        dtype = dtype or self.dtype
        return creation.ones(*lengths, size=size, dtype=dtype, device=device, requires_grad=requires_grad)

    def new_empty(
        self, *lengths: Any, size: Any = None, dtype: Any = None, device: Any = None, requires_grad: bool = False
    ) -> Tensor:
        """A tensor of a shape to be filled later."""
        dtype = dtype or self.dtype
        return creation.empty(*lengths, size=size, dtype=dtype, device=device, requires_grad=requires_grad)

    def new_full(
        self, size: Any, fill_value: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False
    ) -> Tensor:
        """One value everywhere, in a shape."""
        dtype = dtype or self.dtype
        return creation.full(size, fill_value, dtype=dtype, device=device, requires_grad=requires_grad)
