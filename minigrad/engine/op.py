"""``Op``: an operation, its forward function and its derivatives, defined once per process."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, ClassVar

import numpy as np
from numpy import ndarray

from .application import FEW_OPERANDS, apply_any, record_any, written_out
from .node import Effect, Node, Variable, describe
from .scope import call_path
from .shown import Shown


class Op:
    """A differentiable operation.

    Args:
        name: PyTorch's name.
        forward: the function of the operands' arrays, and after them the attributes.
        *vjps: for each operand the rule ``vjp(dy, y, *operands, *attributes)``, the product of
            the output's gradient with the Jacobian, or None where there is no derivative.
            A rule is run with arrays, and with tensors when the gradient must be a graph
            itself; it therefore keeps to operators, to methods both have and to ops.
            A parameter whose name starts with an underscore is not kept for it: of ``_x`` only
            ``shape`` and ``dtype`` can be asked, and ``_y`` is None.
        fused: an optional twin of all the rules together, for arrays only:
            ``fused(dy, cache, needs, y, *operands, *attributes)`` returns the gradient of every
            operand for which ``needs`` says so, an array of its own each, and None for the others. It may use
            the ``cache`` forward left.
        variadic: instead of vjps, for any number of operands and one attribute behind them: one rule for all,
            ``variadic(dy, needs, *operands, attribute)``, which returns the gradient of every operand for which
            ``needs`` says so, and None for the others. Of operands it may ask ``shape`` and ``dtype`` only.
        promotes: the numbers of the operands that are computed in one dtype: others are converted, as PyTorch promotes.
        mixes: whether these may be of different float dtypes; products and layers refuse that.
        chooses: for an operation that gives elements it did not choose a gradient of exactly 0: how to keep operations
            before it from making NaN of that, which anomaly mode advises.
        view: the output may share the first operand's memory.
        effects: from the attributes, the tensors it reads or writes besides its operands.
        shows: from a node, what it adds to a picture.
        doc: what the operation computes, its formula first.

    All this is fixed when the operation is made. The rules do only the mathematics: undoing broadcasting,
    converting the dtype, adding up and skipping what nobody needs is the backward walk's work.
    """

    # ``__call__`` is a slot: every operation has the function written out for it, and calling one calls that
    __slots__ = ("__call__", "__dict__", "__weakref__")

    registry: ClassVar[dict[str, Op]] = {}
    __call__: Callable[..., Any]
    """Apply the operation to operands and attributes; recorded if an operand is a tensor."""
    record: Callable[..., Any]
    """``record(array, cache, *args)``: what a call returns, for an array that is computed already."""

    def __init__(
        self,
        name: str,
        forward: Callable[..., Any],
        *vjps: Callable[..., Any] | None,
        fused: Callable[..., Sequence[Any]] | None = None,
        variadic: Callable[..., Sequence[Any]] | None = None,
        promotes: Sequence[int] = (),
        mixes: bool = True,
        chooses: str = "",
        view: bool = False,
        effects: Callable[..., list[Effect]] | None = None,
        shows: Callable[[Node], Shown] | None = None,
        doc: str = "",
    ) -> None:
        self.name = self.__name__ = name
        self.__doc__ = doc
        self.forward = forward
        self.promotes = tuple(promotes)
        self.mixes = mixes
        self.chooses = chooses
        self.view = view
        self.effects = effects
        self.shows = shows
        self.vjps = [vjp or no_derivative(name, i) for i, vjp in enumerate(vjps)]
        # what a graph of gradients is made with
        self.by_rules = all_at_once(variadic) if variadic else one_by_one(self.vjps)
        self.fused = fused or self.by_rules  # what gradients as arrays are computed with
        self.operands = -1 if variadic else len(vjps)  # negative: all arguments but the last
        # NumPy's own functions would take one more array for the memory to write their result to
        least = 2 if variadic else self.operands
        self.counts = range(least, least + 1 if isinstance(forward, np.ufunc) else sys.maxsize)
        self.__signature__ = signature(forward, *vjps)
        # numbers of the rules' arguments after dy: 0 is the output, i is operand i - 1
        used = {i for vjp in vjps if vjp for i, name in enumerate(parameters(vjp)[1:]) if name[0] != "_"}
        self.kept = tuple(sorted(used & set(range(self.operands + 1))))
        if 0 < self.operands <= FEW_OPERANDS:
            functions = written_out(
                self.operands, self.kept, self.promotes, view, takes_attributes(forward, self.operands)
            )
            apply, self.record = functions(self, forward)
        else:
            apply, self.record = partial(apply_any, self), partial(record_any, self)
        Op.__dict__["__call__"].__set__(self, apply)  # Op's own slot, even if a subclass defines ``__call__``
        Op.registry.setdefault(name, self)

    def completed(self, args: tuple[Any, ...]) -> tuple[Any, ...]:
        """The arguments, with forward's defaults for operands that were left out; refused if there are none."""
        names, count = parameters(self.forward), len(args)
        if count in self.counts:
            return args
        defaults = getattr(self.forward, "__defaults__", None) or ()
        default = dict(zip(names[len(names) - len(defaults) :], defaults))
        missing = names[count : self.operands]
        if count >= self.operands or count + len(missing) < self.operands or not default.keys() >= set(missing):
            raise TypeError(f"{self.name} takes {counted(self.operands, 'operand')}, got {counted(count, 'argument')}.")
        return (*args, *[default[name] for name in missing])

    def failure(self, args: Sequence[Any], error: Exception) -> Exception:
        """The error a user sees when the operation cannot be computed."""
        operands = args[: self.operands]
        unreal = [arg for arg in operands if isinstance(arg, ndarray) and arg.dtype.kind not in "fiub"]
        if unreal:
            error = TypeError(f"expected real numbers or booleans, got {unreal[0].dtype} values.")
        others = [arg for arg in operands if arg is not None and not isinstance(arg, (Variable, ndarray))]
        if isinstance(error, AttributeError) and others:
            reason = f"expected a tensor, got {describe(others[0])}: make it one, mg.tensor(...)."
        else:
            reason = str(error)
        kind = next((kind for kind in (IndexError, ValueError) if isinstance(error, kind)), TypeError)
        return kind(f"{self.name}{call_path()}: cannot be applied to {' and '.join(map(describe, operands))}: {reason}")

    def __repr__(self) -> str:
        return f"<op {self.name}>"


def counted(count: int, noun: str) -> str:
    """``1 operand``, ``2 operands``."""
    return f"{count} {noun}" + "s" * (count != 1)


def parameters(function: Callable[..., Any] | None) -> tuple[str, ...]:
    """The names of a function's positional parameters; none for NumPy's own functions."""
    code = getattr(function, "__code__", None)
    return code.co_varnames[: code.co_argcount] if code else ()


def takes_attributes(forward: Callable[..., Any], operands: int) -> bool:
    """Whether a forward function may be given more than the operands."""
    code = getattr(forward, "__code__", None)
    if code is None:
        return not isinstance(forward, np.ufunc)
    return code.co_argcount != operands or bool(code.co_flags & inspect.CO_VARARGS)


def signature(*functions: Callable[..., Any] | None) -> inspect.Signature:
    """What editors show of an operation: its arguments, as its forward function or its rules name them."""
    forward, *vjps = map(parameters, functions)
    names = max([forward, *(names[2:] for names in vjps)], key=len)
    return inspect.Signature([inspect.Parameter(name.lstrip("_"), inspect.Parameter.POSITIONAL_ONLY) for name in names])


def one_by_one(vjps: Sequence[Callable[..., Any]]) -> Callable[..., Sequence[Any]]:
    """The rules as one function, which is called like a fused twin, also with tensors."""
    if len(vjps) == 1:  # a node is visited only if an operand needs a gradient: it is this one
        (only,) = vjps
        return lambda dy, _cache, _needs, *arguments: (only(dy, *arguments),)
    return lambda dy, _cache, needs, *arguments: [
        vjp(dy, *arguments) if need else None for vjp, need in zip(vjps, needs)
    ]


def all_at_once(variadic: Callable[..., Sequence[Any]]) -> Callable[..., Sequence[Any]]:
    """One rule for all operands as a function that is called like a fused twin."""
    return lambda dy, _cache, needs, _y, *arguments: variadic(dy, needs, *arguments)


def no_derivative(name: str, number: int) -> Callable[..., Any]:
    """The rule of an operand that an operation is not differentiable in: it refuses."""

    def refuse(dy: Any, *_: Any) -> Any:
        raise RuntimeError(f"{name} has no derivative with respect to operand {number}: pass it detached, x.detach().")

    return refuse
