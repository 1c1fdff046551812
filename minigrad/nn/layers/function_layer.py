"""``FunctionLayer``: a layer that applies one function, whose arguments are the fields of the class."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, ClassVar, dataclass_transform

from ..module import Module

if TYPE_CHECKING:
    from ...tensor.tensor import Tensor


@dataclass_transform(eq_default=False)
class FunctionLayer(Module):
    """A layer without parameters: ``function(input, **fields)``.

    The annotated fields of a subclass are the arguments of its constructor, in their order and with their defaults,
    the keywords of the function, and what the layer prints. A field ``inplace`` is accepted as in PyTorch and printed
    if it is set; the input is never overwritten, the result is the same. ``shown`` are the names of the fields that are
    printed, by default all.

    >>> class Power(nn.FunctionLayer, function=mg.pow):
    ...     exponent: float = 2.0
    >>> Power(3.0), Power()(mg.tensor([3.0]))
    (Power(exponent=3.0), tensor([9.]))
    """

    _function: ClassVar[Callable[..., Any]]
    _fields: ClassVar[tuple[str, ...]]
    _shown: ClassVar[tuple[str, ...] | None] = None

    def __init_subclass__(
        cls, function: Callable[..., Any] | None = None, shown: tuple[str, ...] | None = None
    ) -> None:
        super().__init_subclass__()
        if function is not None:
            cls._function = function
        if shown is not None:
            cls._shown = shown
        made: Any = dataclass(eq=False, repr=False)(cls)
        cls._fields = tuple(field.name for field in fields(made) if field.name != "inplace")

    def forward(self, input: Any) -> Tensor:
        settings = vars(self)
        result: Tensor = type(self)._function(input, **{name: settings[name] for name in self._fields})
        return result

    def extra_repr(self) -> str:
        shown = self._fields if self._shown is None else self._shown
        settings = [f"{name}={getattr(self, name)!r}" for name in shown]
        return ", ".join(settings + ["inplace=True"] * bool(getattr(self, "inplace", False)))
