"""``Op``: an operation, what it computes and its derivatives, defined once per process."""

from __future__ import annotations

import inspect
import itertools
import sys
from collections.abc import Callable, Sequence
from functools import partial, wraps
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy import ndarray

from .application import MISSING, apply_any, one_operand, record_any, three_operands, two_operands
from .dtypes import float16, float32
from .entry import place_of, statement_at
from .errors import catchable
from .faces import public
from .host import writer_here
from .modes import current
from .node import Effect, Node, Variable, describe, is_stand_in, no_tensor
from .scope import call_path
from .shown import Shown

if TYPE_CHECKING:
    from ..tensor.tensor import Tensor


BY_NAME = (inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.VAR_KEYWORD)
"""Kinds of parameters that no definition has, as operands and attributes are given by position."""


EMPTY = inspect.Parameter.empty
"""The default of a parameter that has none."""


class Op:
    """A differentiable operation: one definition, which arrays, tensors and stand-ins for arrays read.

    Args:
        name: PyTorch's name.
        definition: the function of the operands' arrays, and after them the attributes. It is written in NumPy's
            functions, operators and the methods that arrays share with tensors. Its parameters are those of the
            operation; NumPy's own functions count as ``(input)`` and ``(input, other)``.
        *rules: for each operand the rule ``rule(dy, y, *operands, *attributes)``, the product of
            the output's gradient with the Jacobian, or None where there is no derivative; none at all for an operation
            whose results are no floats, whose operands are the parameters without a default. A rule is run with
            arrays, and with tensors when the gradient must be a graph itself; it therefore keeps to operators, to
            methods both have and to operations. A parameter whose name starts with an underscore is not saved for it:
            of ``_x`` only ``shape`` and ``dtype`` can be asked, and ``_y`` is None.
        kernel: a faster function for NumPy's own arrays, with the results of ``definition``.
        caches: whether the kernel returns two things, the output and a ``cache`` for ``on_arrays``.
        on_arrays: a faster twin of all rules together, for NumPy's own arrays:
            ``on_arrays(dy, cache, needs, y, *operands, *attributes)`` returns the gradient of every
            operand for which ``needs`` says so, an array of its own each, and None for the others. It may use
            the ``cache`` that was recorded.
        variadic: instead of rules, for any number of operands and one attribute behind them: one rule for all,
            ``variadic(dy, needs, *operands, attribute)``, which returns the gradient of every operand for which
            ``needs`` says so, and None for the others. Of operands it may ask ``shape`` and ``dtype`` only.
        promotes: the positions of the operands that are computed in one dtype: others are converted, as PyTorch
            promotes. Unless given all of them, if the definition is one of NumPy's own functions.
        mixes: whether these may be of different float dtypes; products and layers refuse that.
        numbers: whether the attributes are real numbers: they become Python's own, anything else is refused.
        widens: whether float16 is computed in float32: definition and rules get the operands in float32, and the
            result is rounded.
        chooses: for an operation that gives elements it did not choose a gradient of exactly 0: how to keep operations
            before it from making NaN of that, which anomaly mode advises.
        view: the output may share the first operand's memory.
        effects: from the attributes, the tensors it reads or writes besides its operands.
        shows: from a node, what it adds to a picture.
        faces: for minigrad's own files, where users find it, as of ``public``; nowhere unless given.
        numpy: NumPy's function of the same arguments, which calls it for tensors; the definition, if that is one.
        aliases: other names users know it by.
        doc: what the operation computes, its formula first; lines below it as in a docstring.
        example: ``"CALL -> RESULT"``, a call and what Python prints of it, which the docstring ends with. Either may
            have several lines; each line of the call is a statement.

    The rules do only the mathematics: undoing broadcasting, converting the dtype, adding up and skipping gradients
    nobody needs is the backward walk's work.

    >>> cube = mg.Op("cube", lambda x: x**3, lambda dy, _y, x: dy * 3 * x**2)
    >>> x = mg.tensor([1.0, 2.0], requires_grad=True)
    >>> y = cube(x)
    >>> y, mg.grad(y.sum(), x)
    (tensor([1., 8.], grad_fn=<cube>), (tensor([ 3., 12.]),))
    """

    # ``__call__`` is a slot: a call goes straight to the function made for this operation's number of operands
    __slots__ = ("__call__", "__dict__", "__weakref__")

    registry: ClassVar[dict[str, Op]] = {}
    name_ends = "Backward0"
    """What PyTorch appends to the name of a derivative."""
    __call__: Callable[..., Tensor]
    """Apply the operation to operands and attributes; recorded if an operand is a tensor."""
    record: Callable[..., Tensor]
    """``record(array, cache, *args)``: the result of a call whose array is computed already."""

    def __init__(
        self,
        name: str,
        definition: Callable[..., Any],
        *rules: Callable[..., Any] | None,
        kernel: Callable[..., Any] | None = None,
        caches: bool = False,
        on_arrays: Callable[..., Sequence[Any]] | None = None,
        variadic: Callable[..., Sequence[Any]] | None = None,
        promotes: Sequence[int] | None = None,
        mixes: bool = True,
        numbers: bool = False,
        widens: bool = False,
        chooses: str = "",
        view: bool = False,
        effects: Callable[..., list[Effect]] | None = None,
        shows: Callable[[Node], Shown] | None = None,
        faces: str = "",
        numpy: Callable[..., Any] | None = None,
        aliases: str = "",
        doc: str = "",
        example: str = "",
    ) -> None:
        self.name = self.__name__ = self.__qualname__ = name
        self.place = place_of(sys._getframe(1))
        self.__module__ = __name__.partition(".")[0]
        self.__doc__ = docstring(name, doc, example)
        self.__signature__ = signature(name, definition)
        if not (view or caches or is_own(definition)):
            definition = never_a_view(name, definition)
        # positions of the rules' arguments after dy: 0 is the output, i is operand i - 1
        used = {i for rule in rules if rule for i, name in enumerate(parameters(rule)[1:]) if name[0] != "_"}
        if widens:
            definition, rules = wide_definition(definition, len(rules)), tuple(wide_rule(rule) for rule in rules)
        self.definition = definition
        self.on_stand_ins = written_down(self, definition)
        self.kernel = kernel or definition
        self.caches = caches
        is_ufunc = isinstance(definition, np.ufunc)
        if not rules and not variadic:
            required = [p for p in self.__signature__.parameters.values() if p.default is p.empty]
            rules = (None,) * len(required)
        self.written_rules = (variadic,) if variadic else rules
        self.rules = [rule or no_derivative(name, i) for i, rule in enumerate(rules)]
        self.is_differentiable = variadic is not None or any(rules)
        self.operands = -1 if variadic else len(rules)  # negative: all arguments but the last
        self.by_rules = all_at_once(variadic) if variadic else one_by_one(self.rules)
        self.on_arrays = on_arrays or self.by_rules
        self.parameters = tuple((p.name, p.default) for p in self.__signature__.parameters.values())
        self.takes_attributes = len(self.parameters) > len(rules)
        self.promotes = tuple(range(len(rules)) if promotes is None and is_ufunc and len(rules) > 1 else promotes or ())
        self.mixes = mixes
        self.chooses = chooses
        self.view = view
        self.effects = effects
        self.shows = shows
        self.saved_positions = tuple(sorted(used & set(range(self.operands + 1))))
        make: Any = {1: one_operand, 2: two_operands, 3: three_operands}.get(len(rules), any_operands)
        apply, self.record = make(self)
        if caches:
            apply, _ = any_operands(self)
        elif any(default is not EMPTY for _, default in self.parameters[self.operands :]) or numbers:
            apply = with_settings(self, apply, numbers)
        apply.__name__ = apply.__qualname__ = name
        apply.__doc__, apply.__signature__, apply.operation = self.__doc__, self.__signature__, self
        Op.__dict__["__call__"].__set__(self, apply)  # Op's own slot, even if a subclass defines ``__call__``
        Op.registry.setdefault(name, self)
        self.numpy = definition if is_ufunc else numpy
        if faces:
            public(faces, {self.numpy: lambda op, *operands: op(*operands)} if self.numpy else {}, aliases)(self)

    def compute(self, *values: Any) -> tuple[Any, Any]:
        """The output for plain values, by the kernel if none is a stand-in; and the kernel's cache, or None."""
        # there are stand-ins only while operations are written down, and seven questions take 1 us
        if current().calls.writer is not None and any(map(is_stand_in, values)):
            return self.on_stand_ins(*values), None
        return self.kernel(*values) if self.caches else (self.kernel(*values), None)

    @property
    def function(self) -> Callable[..., Any]:
        """The operation as a plain function, which in a class is a method."""
        found: Callable[..., Any] = Op.__dict__["__call__"].__get__(self)
        return found

    @property
    def source(self) -> str:
        """The statement that defines it, with its rules, as its file has it; empty where that cannot be read."""
        return statement_at(*self.place)

    def __get__(self, tensor: Any, owner: type | None = None) -> Any:
        """As a function does: an attribute of a class is its method."""
        return self if tensor is None else partial(self, tensor)

    def operand_positions(self, args: Sequence[Any]) -> range:
        """The positions of the operands among the arguments."""
        return range(self.operands if self.operands >= 0 else len(args) - 1)

    def with_defaults(self, args: tuple[Any, ...], named: dict[str, Any]) -> tuple[Any, ...]:
        """The arguments in the definition's order, with its defaults for those that were not given."""
        if any(arg is MISSING for arg in args):
            args = tuple(arg for arg in args if arg is not MISSING)
        elif not named and (self.operands < 0 or len(args) == len(self.parameters)):
            return args
        rest = self.parameters[len(args) :]
        if self.operands >= 0 and all(name in dict(rest) for name in named):  # several times faster than to bind them
            values = *args, *[named.get(name, default) for name, default in rest]
            if len(values) == len(self.parameters) and not any(value is EMPTY for value in values):
                return values
        try:
            bound = self.__signature__.bind(*args, **named)
        except TypeError as error:
            raise TypeError(f"{self.name}{self.__signature__}: {error}.") from None
        bound.apply_defaults()
        return bound.args

    def failure(self, args: Sequence[Any], error: Exception) -> Exception:
        """The error a user sees when the operation cannot be computed."""
        operands = args[: self.operands]
        unreal = [arg for arg in operands if isinstance(arg, ndarray) and arg.dtype.kind not in "fiub"]
        if unreal:
            error = TypeError(f"expected real numbers or booleans, got {unreal[0].dtype} values.")
        others = [arg for arg in operands if not isinstance(arg, (Variable, ndarray, np.generic, float, int))]
        lists = [arg for arg in others if isinstance(arg, (list, tuple))]
        reason = str(error)
        if isinstance(error, ValueError) and lists and "inhomogeneous" in reason:
            reason = "nested lists need rows of one length."
        elif isinstance(error, (AttributeError, TypeError)) and others and not unreal:
            reason = no_tensor(others[0])
        elif isinstance(error, AttributeError) and not unreal:  # a definition that wants a shape
            reason = next((no_tensor(arg) for arg in operands if isinstance(arg, (int, float))), reason)
        kind: type[Exception] = type(error)
        if isinstance(error, OverflowError):
            kind, reason = ValueError, f"{reason.rstrip('.')}: convert it, e.g. x.long() or x.float()."
        return catchable(kind)(
            f"{self.name}{call_path()}: cannot be applied to {' and '.join(map(describe, operands))}: {reason}"
        )

    def __reduce__(self) -> Any:
        """Pickled by its name: another process has the same operations."""
        if Op.registry.get(self.name) is not self:
            raise TypeError(f"{self.name} cannot be pickled: another operation of that name was defined before it.")
        return registered, (self.name,)

    def __repr__(self) -> str:
        return f"<op {self.name}>"


def docstring(name: str, doc: str, example: str) -> str:
    """The documentation of an operation: what it computes, and its example as a doctest."""
    call, arrow, result = example.rpartition(" -> ")
    if example and not arrow:
        raise ValueError(f"{name}: example must be 'CALL -> RESULT', got {example!r}.")
    text = inspect.cleandoc(doc) if "\n" in doc else doc
    return "\n\n>>> ".join([text, call.replace("\n", "\n>>> ") + f"\n{result}"]) if example else text


def written_down(op: Op, definition: Callable[..., Any]) -> Callable[..., Any]:
    """The definition as stand-ins run it: the writer of the program is told which calls belong to the operation."""

    def apply(*values: Any) -> Any:
        writer = writer_here()
        return definition(*values) if writer is None else writer.applied(op, definition, values)

    return apply


def registered(name: str) -> Op:
    """The operation of a name, as pickles find it."""
    if name not in Op.registry:
        raise LookupError(f"there is no operation {name} in this process: import the module that defines it first.")
    return Op.registry[name]


def any_operands(op: Op) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """``apply`` and ``record`` of an operation of any number of operands."""

    def apply(*args: Any, **named: Any) -> Any:
        return apply_any(op, args, named)

    return apply, partial(record_any, op)


def with_settings(op: Op, apply: Callable[..., Any], numbers: bool) -> Callable[..., Any]:
    """``apply`` with the defaults of attributes that are not given; of those that are, only numbers if need be."""
    count = op.operands
    defaults = tuple(default for _, default in op.parameters[count:])
    complete = not any(default is EMPTY for default in defaults)

    def apply_all(*args: Any, **named: Any) -> Any:
        if complete and not named and len(args) == count:
            return apply(*args, *defaults)
        args = op.with_defaults(args, named)
        if numbers:
            given = zip(op.parameters[count:], args[count:])
            args = *args[:count], *[number(op.name, name, value) for (name, _), value in given]
        return apply(*args)

    return apply_all


def number(operation: str, name: str, value: Any) -> int | float:
    """An attribute as Python's own number; anything else is refused, a tensor too: its gradient would be lost."""
    if type(value) is float or type(value) is int:
        return value
    if not isinstance(value, Real):
        raise TypeError(f"{operation}{call_path()}: {name} must be a number, got {describe(value)}.")
    return int(value) if isinstance(value, Integral) else float(value)


def wide_definition(definition: Callable[..., Any], operands: int) -> Callable[..., Any]:
    """A definition that computes float16 in float32; the result is float16 again."""

    @wraps(definition)
    def wide(*args: Any) -> Any:
        if getattr(args[0], "dtype", None) != float16 and (operands == 1 or not any(map(is_half, args[:operands]))):
            return definition(*args)
        y = definition(*map(widened, args[:operands]), *args[operands:])
        return y.astype(float16) if all(map(is_half, args[:operands])) else y

    return wide


def wide_rule(rule: Callable[..., Any] | None) -> Callable[..., Any] | None:
    """A rule that is run in float32 where the gradient or an operand is float16; the engine rounds its result."""
    if rule is None:
        return None
    asked = [name[0] != "_" for name in parameters(rule)]

    @wraps(rule)
    def wide(*args: Any) -> Any:
        return rule(*[widened(arg) if ask else arg for arg, ask in itertools.zip_longest(args, asked)])

    return wide


def is_half(x: Any) -> bool:
    """Whether an operand is float16."""
    return getattr(x, "dtype", None) == float16


def widened(x: Any) -> Any:
    """``x`` in float32 if it is float16, in which sums stop growing at 2048 and a count of 65,520 is infinite."""
    return x.astype(float32) if is_half(x) else x


def is_own(definition: Any) -> bool:
    """Whether a definition is minigrad's or NumPy's own, of which tests show when it returns a view."""
    module = getattr(getattr(definition, "func", definition), "__module__", None) or ""
    return isinstance(definition, np.ufunc) or module.partition(".")[0] == __name__.partition(".")[0]


def never_a_view(name: str, definition: Callable[..., Any]) -> Callable[..., Any]:
    """A definition whose result shares no memory with an operand: changed in place, neither would know of the other."""

    @wraps(definition)
    def separate(*args: Any) -> Any:
        y = definition(*args)
        if not isinstance(y, (ndarray, np.generic)):
            raise TypeError(f"its definition returned {describe(y)}, expected an array: use NumPy's functions.")
        shares = any(y is x or (type(x) is type(y) is ndarray and np.may_share_memory(x, y)) for x in args)
        return y.copy() if shares else y

    return separate


def parameters(function: Callable[..., Any] | None) -> tuple[str, ...]:
    """The names of a function's positional parameters; none for NumPy's own functions."""
    code = getattr(function, "__code__", None)
    if code is None:
        return ()
    names: tuple[str, ...] = code.co_varnames
    rest = names[code.co_argcount + code.co_kwonlyargcount] if code.co_flags & inspect.CO_VARARGS else "_"
    if rest[0] != "_":
        raise TypeError(
            f"a rule names the operands that it needs, got *{rest}: write (dy, y, a, b) or (dy, _y, _a, b)."
        )
    return names[: code.co_argcount]


def signature(name: str, definition: Callable[..., Any]) -> inspect.Signature:
    """The parameters of an operation: those of its definition, without annotations."""
    if isinstance(definition, np.ufunc):
        kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
        return inspect.Signature([inspect.Parameter(own, kind) for own in ("input", "other")[: definition.nin]])
    found = inspect.signature(definition).parameters.values()
    wrong = [str(p) for p in found if p.kind in BY_NAME]
    if wrong:
        raise TypeError(
            f"{name}: the parameters of a definition are operands and then attributes, got {', '.join(wrong)}: "
            "they are given by position, so none is keyword-only or **kwargs."
        )
    return inspect.Signature([parameter.replace(annotation=inspect.Parameter.empty) for parameter in found])


def one_by_one(rules: Sequence[Callable[..., Any]]) -> Callable[..., Sequence[Any]]:
    """The rules as one function, which is called like the twin on arrays, also with tensors."""
    if len(rules) == 1:  # a node is visited only if an operand needs a gradient: it is this one
        (only,) = rules
        return lambda dy, _cache, _needs, *arguments: (only(dy, *arguments),)
    return lambda dy, _cache, needs, *arguments: [
        rule(dy, *arguments) if need else None for rule, need in zip(rules, needs)
    ]


def all_at_once(variadic: Callable[..., Sequence[Any]]) -> Callable[..., Sequence[Any]]:
    """One rule for all operands as a function that is called like the twin on arrays."""
    return lambda dy, _cache, needs, _y, *arguments: variadic(dy, needs, *arguments)


def no_derivative(name: str, number: int) -> Callable[..., Any]:
    """The rule of an operand that an operation is not differentiable in: it refuses."""

    def refuse(dy: Any, *_: Any) -> Any:
        raise RuntimeError(f"{name} has no derivative with respect to operand {number}: pass it detached, x.detach().")

    return refuse
