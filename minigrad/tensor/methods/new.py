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
        """A copy of ``data``; arguments are those of ``tensor``, the dtype is this tensor's unless given."""
        return creation.tensor(data, dtype or self.dtype, requires_grad, device=device)

    def new_zeros(
        self, *lengths: Any, size: Any = None, dtype: Any = None, device: Any = None, requires_grad: bool = False
    ) -> Tensor:
        """Zeros; arguments are those of ``zeros``, the dtype is this tensor's unless given."""
        dtype = dtype or self.dtype
        return creation.zeros(*lengths, size=size, dtype=dtype, device=device, requires_grad=requires_grad)

    def new_ones(
        self, *lengths: Any, size: Any = None, dtype: Any = None, device: Any = None, requires_grad: bool = False
    ) -> Tensor:
        """Ones; arguments are those of ``ones``, the dtype is this tensor's unless given."""
        dtype = dtype or self.dtype
        return creation.ones(*lengths, size=size, dtype=dtype, device=device, requires_grad=requires_grad)

    def new_empty(
        self, *lengths: Any, size: Any = None, dtype: Any = None, device: Any = None, requires_grad: bool = False
    ) -> Tensor:
        """A tensor to be filled later; arguments are those of ``empty``, the dtype is this tensor's unless given."""
        dtype = dtype or self.dtype
        return creation.empty(*lengths, size=size, dtype=dtype, device=device, requires_grad=requires_grad)

    def new_full(
        self, size: Any, fill_value: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False
    ) -> Tensor:
        """One value everywhere; arguments are those of ``full``, the dtype is this tensor's unless given."""
        dtype = dtype or self.dtype
        return creation.full(size, fill_value, dtype=dtype, device=device, requires_grad=requires_grad)
