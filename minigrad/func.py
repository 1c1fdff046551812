"""Functions that make derivatives of functions, as PyTorch's ``torch.func``: ``mg.func``.

Functions take and return tensors, or nested tuples, lists and dicts of them; a module is a function, too. They can be
put inside of each other. Results are part of a graph if something outside that requires grad has a part in them.

>>> from minigrad.func import grad
>>> grad(grad(mg.sin))(mg.tensor(0.5))  # -sin(0.5)
tensor(-0.4794)
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from .autograd.transform import Call, Level, tree_like, with_zeros
from .autograd.trees import unflatten
from .engine.absent import absent
from .engine.node import describe
from .nn.functional_call import functional_call

__all__ = [
    "functional_call",
    "grad",
    "grad_and_value",
    "hessian",
    "jacfwd",
    "jacrev",
    "jvp",
    "linearize",
    "vjp",
]

Argnums = int | tuple[int, ...]


def grad(func: Callable[..., Any], argnums: Argnums = 0, has_aux: bool = False) -> Callable[..., Any]:
    """The function that computes the gradient of ``func``, which returns a single number.

    Args:
        func: a function that returns a tensor without axes.
        argnums: which of its arguments to differentiate by, each a tensor or a tree of them; several as a tuple.
        has_aux: ``func`` returns ``(output, aux)``; then the result is ``(gradient, aux)``.

    Returns:
        A function of the same arguments, whose result is nested as the argument is; for a tuple ``argnums`` a tuple.

    Raises:
        RuntimeError: in the call, if ``func`` does not return a single number.

    >>> from minigrad.func import grad
    >>> grad(grad(lambda x: x**3))(mg.tensor(2.0))
    tensor(12.)
    """

    @functools.wraps(func, updated=())
    def gradient(*args: Any, **kwargs: Any) -> Any:
        found = gradient_and_value("func.grad", func, argnums, has_aux, args, kwargs)
        return (found[0], found[1][1]) if has_aux else found[0]

    return gradient


def grad_and_value(func: Callable[..., Any], argnums: Argnums = 0, has_aux: bool = False) -> Callable[..., Any]:
    """As ``grad``; the function returns ``(gradient, value)``, with ``has_aux`` ``(gradient, (value, aux))``.

    Arguments are those of ``grad``.

    >>> mg.func.grad_and_value(lambda x: (x * x).sum())(mg.tensor([1.0, 2.0]))
    (tensor([2., 4.]), tensor(5.))
    """

    @functools.wraps(func, updated=())
    def both(*args: Any, **kwargs: Any) -> Any:
        return gradient_and_value("func.grad_and_value", func, argnums, has_aux, args, kwargs)

    return both


def gradient_and_value(
    name: str, func: Callable[..., Any], argnums: Argnums, has_aux: bool, args: Any, kwargs: Any
) -> tuple[Any, Any]:
    """The gradient, and the value or ``(value, aux)``."""
    with Level(name) as level:
        call = called(level, func, argnums, has_aux, args, kwargs)
        if call.structure is not None or call.outputs[0].shape != ():
            got = call.structure or describe(call.outputs[0])
            raise RuntimeError(f"{name}: the function must return a single number, got {got}: use vjp or jacrev.")
        gradients = call.gradients([None], call.creates_graph())
        value = (call.outputs[0], call.aux) if has_aux else call.outputs[0]
    return unflatten(call.inputs, gradients), level.finished(value)


def vjp(func: Callable[..., Any], *primals: Any, has_aux: bool = False) -> tuple[Any, ...]:
    """The output of ``func`` at ``primals``, and the function of products with the Jacobian from the left.

    Returns:
        ``(output, vjp_fn)``, with ``has_aux`` ``(output, vjp_fn, aux)``; ``vjp_fn(cotangents)`` takes a tree like the
        output and returns a tuple with the gradient by each of the primals.

    >>> output, vjp_fn = mg.func.vjp(mg.sin, mg.tensor([0.0, 1.0]))
    >>> vjp_fn(mg.ones(2))
    (tensor([1.0000, 0.5403]),)
    """
    with Level("func.vjp") as level:
        call = Call(level, lambda inputs: func(*inputs), primals, has_aux)

    def vjp_fn(cotangents: Any) -> Any:
        values = tree_like("func.vjp: cotangents", cotangents, call.outputs, call.structure)
        return unflatten(call.inputs, call.gradients(values, call.creates_graph(*values)))

    return with_aux(call, level.finished(call.results(call.outputs)), vjp_fn, has_aux)


def jvp(
    func: Callable[..., Any], primals: Any, tangents: Any, *, strict: bool = False, has_aux: bool = False
) -> tuple[Any, ...]:
    """The output of ``func`` at ``primals``, and its change along ``tangents``: the product Jacobian times vector.

    It is computed by two walks back, as there is no forward mode.

    Args:
        primals: a tuple with the arguments of ``func``.
        tangents: a tuple nested like it.
        strict: refuse an output that does not depend on the inputs, whose change else is 0.
        has_aux: ``func`` returns ``(output, aux)``.

    Returns:
        ``(output, change)``, with ``has_aux`` ``(output, change, aux)``.

    >>> mg.func.jvp(lambda x: x**2, (mg.tensor(3.0),), (mg.tensor(1.0),))
    (tensor(9.), tensor(6.))
    """
    if not isinstance(primals, tuple) or not primals:
        raise RuntimeError(f"func.jvp: primals must be a tuple of the function's arguments, got {describe(primals)}.")
    with Level("func.jvp") as level:
        call = Call(level, lambda inputs: func(*inputs), primals, has_aux)
        values = tree_like("func.jvp: tangents", tangents, call.sources, call.inputs)
        changes = call.linear().changes(values, call.creates_graph(*values))
        if strict and any(change is None for change in changes):
            raise RuntimeError("func.jvp: an output does not depend on the inputs, which strict=True does not allow.")
    change = call.results(with_zeros(changes, call.outputs))
    return with_aux(call, level.finished(call.results(call.outputs)), change, has_aux)


def linearize(func: Callable[..., Any], *primals: Any) -> tuple[Any, Callable[..., Any]]:
    """The output of ``func`` at ``primals``, and the function of its changes there, ``jvp_fn(*tangents)``.

    ``func`` is called once, however many tangents follow.

    >>> output, jvp_fn = mg.func.linearize(mg.exp, mg.tensor([0.0, 1.0]))
    >>> jvp_fn(mg.ones(2))
    tensor([1.0000, 2.7183])
    """
    with Level("func.linearize") as level:
        call = Call(level, lambda inputs: func(*inputs), primals)
        linear = call.linear()

    def jvp_fn(*tangents: Any) -> Any:
        values = tree_like("func.linearize: tangents", tangents, call.sources, call.inputs)
        return call.results(with_zeros(linear.changes(values, call.creates_graph(*values)), call.outputs))

    return level.finished(call.results(call.outputs)), jvp_fn


def jacrev(
    func: Callable[..., Any], argnums: Argnums = 0, *, has_aux: bool = False, chunk_size: int | None = None
) -> Callable[..., Any]:
    """The function that computes the Jacobian of ``func``, by a walk back for each element of its output.

    Args:
        func: returns a tensor or a tree of them.
        argnums: which of its arguments to differentiate by; several as a tuple.
        has_aux: ``func`` returns ``(output, aux)``; then the result is ``(jacobian, aux)``.
        chunk_size: without effect: elements are taken one by one.

    Returns:
        A function of the same arguments. For each output there is a Jacobian of shape ``output.shape + input.shape``,
        nested first as the outputs are, then as the inputs.

    >>> mg.func.jacrev(lambda x: x**2)(mg.tensor([1.0, 2.0]))
    tensor([[2., 0.],
            [0., 4.]])
    """
    if chunk_size is not None and chunk_size <= 0:
        raise ValueError(f"func.jacrev: chunk_size must be greater than 0, got {chunk_size}.")
    return jacobian_of("func.jacrev", func, argnums, has_aux, Call.rows)


def jacfwd(
    func: Callable[..., Any], argnums: Argnums = 0, has_aux: bool = False, *, randomness: str = "error"
) -> Callable[..., Any]:
    """As ``jacrev``, by a product for each element of the inputs: for functions of few inputs.

    Each is a walk back through the gradient's graph, as there is no forward mode. ``randomness`` has no effect, the
    other arguments are those of ``jacrev``.

    >>> mg.func.jacfwd(mg.func.jacrev(lambda x: (x**3).sum()))(mg.tensor([1.0, 2.0]))
    tensor([[ 6.,  0.],
            [ 0., 12.]])
    """
    return jacobian_of("func.jacfwd", func, argnums, has_aux, Call.columns)


def jacobian_of(
    name: str, func: Callable[..., Any], argnums: Argnums, has_aux: bool,
    compute: Callable[[Call, bool], list[list[Any]]],
) -> Callable[..., Any]:  # fmt: skip
    """The function that computes a Jacobian, row by row or column by column."""

    @functools.wraps(func, updated=())
    def jacobian(*args: Any, **kwargs: Any) -> Any:
        with Level(name) as level:
            call = called(level, func, argnums, has_aux, args, kwargs)
            parts = compute(call, call.creates_graph())
        found = call.results([unflatten(call.inputs, part) for part in parts])
        return (found, level.finished(call.aux)) if has_aux else found

    return jacobian


def hessian(func: Callable[..., Any], argnums: Argnums = 0) -> Callable[..., Any]:
    """The function that computes the second derivatives of ``func``: ``jacfwd(jacrev(func))``.

    Args:
        func: returns a single number.
        argnums: which of its arguments to differentiate by; several as a tuple.

    >>> mg.func.hessian(lambda x: (x**3).sum())(mg.tensor([1.0, 2.0]))
    tensor([[ 6.,  0.],
            [ 0., 12.]])
    """
    return jacfwd(jacrev(func, argnums), argnums)


def called(
    level: Level,
    func: Callable[..., Any],
    argnums: Argnums,
    has_aux: bool,
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
) -> Call:
    """The call of a function with sources for those of its arguments that it is differentiated by."""
    places = checked_argnums(level.name, argnums, len(args))

    def of_chosen(chosen: Any) -> Any:
        given = list(args)
        for place, value in zip(places, chosen if isinstance(argnums, tuple) else (chosen,)):
            given[place] = value
        return func(*given, **kwargs)

    chosen = tuple(args[place] for place in places)
    return Call(level, of_chosen, chosen if isinstance(argnums, tuple) else chosen[0], has_aux)


def checked_argnums(name: str, argnums: Any, count: int) -> list[int]:
    """The positions of the arguments to differentiate by."""
    numbers = argnums if isinstance(argnums, tuple) else (argnums,)
    if not numbers or not all(isinstance(n, int) and not isinstance(n, bool) for n in numbers):
        raise RuntimeError(f"{name}: argnums must be an int or a tuple of ints, got {argnums!r}.")
    if not all(-count <= n < count for n in numbers):
        raise RuntimeError(f"{name}: argnums {argnums} is out of range: there are {count} positional arguments.")
    places = [n % count for n in numbers]
    if len(set(places)) < len(places):
        raise RuntimeError(f"{name}: argnums must be different arguments, got {argnums}.")
    return places


def with_aux(call: Call, output: Any, other: Any, has_aux: bool) -> tuple[Any, ...]:
    """``(output, other)``, and aux if there is one."""
    return (output, other, call.level.finished(call.aux)) if has_aux else (output, other)


if not TYPE_CHECKING:
    __getattr__ = absent(__name__)
