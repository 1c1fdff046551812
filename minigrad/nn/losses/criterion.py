"""What all losses share: their settings are the annotated fields of the class, checked when a loss is made."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, TypeVar, dataclass_transform

import numpy as np

from ...engine.arguments import not_negative, real, switch
from ...engine.errors import InvalidTypeError, InvalidValueError
from ...engine.node import Variable, describe
from ...ops.losses.reduction import check_reduction, reduction_of
from ...tensor.tensor import Tensor
from ..module import Module
from ..parameter import Buffer

Self = TypeVar("Self", bound="Criterion")
Checks = Mapping[str, Callable[[str, Any], Any]]
"""Functions of what a field is called in messages and its value, which return the value, by the field's name."""


@dataclass_transform(eq_default=False)
class Criterion(Module):
    """A loss: ``function(*operands, **fields)``.

    The annotated fields of a class that names its function are the arguments of its constructor, with their order and
    defaults, and the keywords of the function. ``size_average`` and ``reduce`` are PyTorch's old words for a
    ``reduction``, which they become. Classes that come from such a class are ordinary ones, with or without a
    constructor of their own.

    Who calls a loss like its function is told that the settings go to the class, what is compared to its instance.
    """

    _function: ClassVar[Callable[..., Any]]
    _settings: ClassVar[inspect.Signature]
    _keywords: ClassVar[list[str]]
    _operands: ClassVar[str] = "input, target"
    _reductions: ClassVar[tuple[str, ...]] = ()
    """Reductions that this loss has beside the common ones."""
    _checks: ClassVar[Checks] = {}
    """How a class checks its fields, where not as all classes do."""

    def __init_subclass__(cls, function: Callable[..., Any] | None = None, kw_only: bool = False) -> None:
        super().__init_subclass__()
        if function is None:
            return
        kind = inspect.Parameter.KEYWORD_ONLY if kw_only else inspect.Parameter.POSITIONAL_OR_KEYWORD
        first = inspect.Parameter("self", inspect.Parameter.POSITIONAL_OR_KEYWORD)
        fields = [
            inspect.Parameter(name, kind, default=vars(cls)[name], annotation=annotation)
            for name, annotation in inspect.get_annotations(cls).items()
            if not name.startswith("_")
        ]
        cls._function = function
        cls._settings = inspect.Signature([first, *fields])
        cls._keywords = [field.name for field in fields if field.name not in ("size_average", "reduce")]

        def init(self: Any, *settings: Any, **named: Any) -> None:
            try:
                given = cls._settings.bind(self, *settings, **named)
            except TypeError as error:
                raise TypeError(f"{type(self).__name__}: {error}. {cure(type(self))}") from None
            given.apply_defaults()
            self._set(**{name: value for name, value in given.arguments.items() if name != "self"})

        init.__signature__ = cls._settings  # type: ignore[attr-defined]
        init.__name__, init.__qualname__ = "__init__", f"{cls.__qualname__}.__init__"
        cls.__init__ = init  # type: ignore[method-assign]

    def __new__(cls: type[Self], *settings: Any, **named: Any) -> Self:
        if settings:
            try:
                inspect.signature(cls.__init__).bind(None, *settings, **named)
            except TypeError as error:
                raise TypeError(f"{cls.__name__}: {error}. {cure(cls)}") from None
        return super().__new__(cls)

    def __getattr__(self, name: str) -> Any:
        advice = f". {cure(type(self))}" if hasattr(Tensor, name) else ""  # who called it like its function
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}{advice}", name=name, obj=self)

    def _set(self, size_average: Any = None, reduce: Any = None, **fields: Any) -> None:
        """Take over the fields, each checked."""
        name = type(self).__name__
        for old, value in (("size_average", size_average), ("reduce", reduce)):
            if isinstance(value, (Variable, np.ndarray)):
                raise InvalidTypeError(
                    f"{name}: {old} must be True or False, got {describe(value)}. {cure(type(self))}"
                )
        for field, value in fields.items():
            if field in ("weight", "pos_weight"):
                self._set_weight(field, value)
            elif field == "reduction":
                self.reduction = self._reduction(value, size_average, reduce)
            else:
                setattr(self, field, self._checked(field, value))

    def _checked(self, field: str, value: Any) -> Any:
        """A field as the function takes it, or refused."""
        check = self._checks.get(field) or CHECKS[field]
        return check(f"{type(self).__name__}: {field}", value)

    def _reduction(self, reduction: Any, size_average: Any, reduce: Any) -> Any:
        """The reduction that is meant, also by the two old switches."""
        if size_average is not None or reduce is not None:
            return reduction_of(type(self).__name__, reduction, size_average, reduce, stacklevel=5)
        if not isinstance(reduction, str) or reduction not in self._reductions:
            check_reduction(reduction, "" if isinstance(reduction, str) else f" {cure(type(self))}")
        return reduction

    def _set_weight(self, name: str, weight: Any) -> None:
        """Keep a weight as a buffer: saved with the module, not trained; refused if it requires grad."""
        if isinstance(weight, Tensor) and weight.requires_grad:
            raise InvalidValueError(
                f"{type(self).__name__}: the {name} is a constant, got {describe(weight)} that requires grad: detach "
                f"it. {cure(type(self))}"
            )
        setattr(self, name, None if weight is None else Buffer(weight))

    def _compare(self, *operands: Any) -> Any:
        """What the function gives for these operands and the module's fields."""
        kind = type(self)
        return kind._function(*operands, **{name: getattr(self, name) for name in kind._keywords})


def cure(loss: type[Criterion]) -> str:
    """What to do who called a loss like its function."""
    return f"To compute a loss call the module: {loss.__name__}()({loss._operands})."


# -- the fields ------------------------------------------------------------------------------------


def any_number(what: str, value: Any) -> Any:
    """A finite number."""
    return real(value, lambda number: number == number, f"{what} must be a number")


def at_least_0(what: str, value: Any) -> Any:
    """A number of at least 0."""
    return real(value, not_negative, f"{what} must be a number of at least 0")


def positive(what: str, value: Any) -> Any:
    """A number greater than 0."""
    return real(value, lambda number: number > 0, f"{what} must be a number greater than 0")


def true_or_false(what: str, value: Any) -> bool:
    """A switch."""
    return switch(value, what)


CHECKS: Checks = {
    "beta": at_least_0,
    "delta": positive,
    "eps": any_number,
    "full": true_or_false,
    "log_input": true_or_false,
    "log_target": true_or_false,
    "margin": any_number,
    "swap": true_or_false,
}
"""How a field is checked in all classes, by its name; weights and the reduction are checked by ``Criterion``."""


# -- what is compared ------------------------------------------------------------------------------


class Loss(Criterion):
    """A loss of a prediction and a target."""

    def forward(self, input: Any, target: Any) -> Any:
        return self._compare(input, target)


class PairLoss(Criterion):
    """A loss of two predictions, and a target of 1 or -1 that says how they are to be to each other."""

    _operands = "input1, input2, target"

    def forward(self, input1: Any, input2: Any, target: Any) -> Any:
        return self._compare(input1, input2, target)


class TripletLoss(Criterion):
    """A loss of a vector, one that is to be near to it, and one that is to be far from it."""

    _operands = "anchor, positive, negative"

    def forward(self, anchor: Any, positive: Any, negative: Any) -> Any:
        return self._compare(anchor, positive, negative)
