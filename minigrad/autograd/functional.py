"""Derivatives of a function at a point, as PyTorch's ``torch.autograd.functional``: ``mg.autograd.functional``.

``inputs`` is a tensor, or a tuple of the function's arguments; each may be a nested list or dict of tensors, too, and
so may what the function returns. Results are constants unless ``create_graph`` is True. With ``strict=True`` what does
not depend on an input is refused instead of being 0.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..engine.errors import InvalidTypeError
from ..engine.node import Variable, describe, wrap
from .transform import Call, Level, tree_like, with_zeros
from .trees import unflatten

__all__ = ["hessian", "hvp", "jacobian", "jvp", "vhp", "vjp"]

STRATEGIES = ("reverse-mode", "forward-mode")


class AtPoint(Level):
    """A differentiation whose results are graphs only where that is asked for."""

    error = InvalidTypeError

    def __init__(self, name: str, create_graph: bool, strict: bool) -> None:
        super().__init__(f"autograd.functional.{name}")
        self.creates, self.strict = create_graph, strict

    def source(self, x: Any) -> Any:
        """A tensor with the values of an input, in its graph if results are graphs."""
        if not self.creates and isinstance(x, Variable):
            x = x.detach()  # type: ignore[attr-defined]
        return super().source(x)

    def handed_out(self, x: Any) -> Any:
        """One result, as it is handed out."""
        return x if self.creates or not isinstance(x, Variable) or x.node is None else x.detach()  # type: ignore[attr-defined]

    def call(self, func: Callable[..., Any], inputs: Any) -> Call:
        """Call the function; with ``strict`` every output must be computed of something that requires grad."""
        call = Call(self, lambda given: func(*given) if isinstance(given, tuple) else func(given), inputs)
        for i, y in enumerate(call.outputs):
            self.require(y.node is not None, f"output {i} of the function does not require grad")
        return call

    def require(self, fact: bool, otherwise: str) -> None:
        """With ``strict``, refuse what is otherwise taken as 0."""
        if self.strict and not fact:
            raise RuntimeError(f"{self.name}: {otherwise}, which strict=True does not allow.")

    def filled(self, found: Sequence[Any], like: Sequence[Any], what: str) -> list[Any]:
        """Derivatives with 0 in place of None; neither with ``strict``, nor constants where graphs are asked for."""
        for i, dx in enumerate(found):
            self.require(dx is not None, f"{what} is independent of input {i}")
            self.require(not self.creates or (dx is not None and dx.node is not None), f"{what} is linear in input {i}")
        return with_zeros(found, like)

    def vector(self, v: Any, like: Sequence[Any], structure: Any) -> list[Any]:
        """The vector of a product, checked; 1 if it may be left out."""
        if v is not None:
            return tree_like(f"{self.name}: v", v, like, structure)
        if len(like) != 1 or like[0].array.size != 1:
            raise RuntimeError(
                f"{self.name}: v can be left out only for a single value, got {', '.join(map(describe, like))}."
            )
        return [wrap(np.ones(like[0].shape, like[0].dtype))]

    def single(self, call: Call) -> None:
        """Refuse a function that does not return a single value."""
        if call.structure is not None or call.outputs[0].array.size != 1:
            got = call.structure or describe(call.outputs[0])
            raise RuntimeError(f"{self.name}: the function must return a single value, got {got}.")


def vjp(
    func: Callable[..., Any], inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False
) -> tuple[Any, Any]:
    """The outputs at a point, and the product of ``v`` with the Jacobian from the left.

    Args:
        func: a function of the inputs.
        inputs: a tensor, or a tuple of the function's arguments.
        v: a vector like the outputs; 1 for a single value.
        create_graph: make both graphs.
        strict: refuse what does not depend on an input.

    Returns:
        ``(outputs, products)``, the products nested as the inputs.

    >>> mg.autograd.functional.vjp(lambda x: x**2, mg.tensor([1.0, 3.0]), mg.ones(2))
    (tensor([1., 9.]), tensor([2., 6.]))
    """
    with AtPoint("vjp", create_graph, strict) as level:
        call = level.call(func, inputs)
        found = level.pull(call.outputs, level.vector(v, call.outputs, call.structure), call.edges, create_graph)
        products = level.filled(found, call.sources, "the output of the function")
    return level.finished(call.results(call.outputs)), unflatten(call.inputs, products)


def jvp(
    func: Callable[..., Any], inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False
) -> tuple[Any, Any]:
    """The outputs at a point, and the product of the Jacobian with ``v``, by two walks back.

    Arguments are those of ``vjp``, ``v`` is nested as the inputs; the products as the outputs.

    >>> mg.autograd.functional.jvp(lambda x: x**2, mg.tensor([1.0, 3.0]), mg.ones(2))
    (tensor([1., 9.]), tensor([2., 6.]))
    """
    with AtPoint("jvp", create_graph, strict) as level:
        call = level.call(func, inputs)
        vector = level.vector(v, call.sources, call.inputs)
        found = call.linear().changes(vector, create_graph)
        products = level.filled(found, call.outputs, "an output of the function")
    return level.finished(call.results(call.outputs)), call.results(products)


def jacobian(
    func: Callable[..., Any], inputs: Any, create_graph: bool = False, strict: bool = False, vectorize: bool = False,
    strategy: str = "reverse-mode",
) -> Any:  # fmt: skip
    """The Jacobian at a point: for each output and input a tensor of shape ``output.shape + input.shape``.

    Args:
        func: a function of the inputs.
        inputs: a tensor, or a tuple of the function's arguments.
        create_graph: make the result a graph.
        strict: refuse what does not depend on an input.
        vectorize: without effect.
        strategy: ``"reverse-mode"``, a walk back for each element of the outputs, or ``"forward-mode"``, one for each
            element of the inputs.

    Returns:
        Jacobians nested first as the outputs are, then as the inputs.

    >>> mg.autograd.functional.jacobian(lambda x: x**2, mg.tensor([1.0, 2.0]))
    tensor([[2., 0.],
            [0., 4.]])
    """
    refuse_strategy("jacobian", strategy, strict and (vectorize or strategy == "forward-mode"))
    with AtPoint("jacobian", create_graph, strict) as level:
        call = level.call(func, inputs)
        if strict:
            require_dependence(level, call)
        parts = call.rows(create_graph) if strategy == "reverse-mode" else call.columns(create_graph)
        for part in parts:
            for i, x in enumerate(part):
                level.require(not create_graph or x.node is not None, f"the Jacobian is independent of input {i}")
    return level.finished(call.results([unflatten(call.inputs, part) for part in parts]))


def require_dependence(level: AtPoint, call: Call) -> None:
    """Refuse an output that does not depend on each of the inputs."""
    for i, y in enumerate(call.outputs):
        found = level.pull([y], [wrap(np.zeros(y.shape, y.dtype))], call.edges, False)
        for j, dx in enumerate(found):
            level.require(dx is not None, f"output {i} of the function is independent of input {j}")


def hessian(
    func: Callable[..., Any], inputs: Any, create_graph: bool = False, strict: bool = False, vectorize: bool = False,
    outer_jacobian_strategy: str = "reverse-mode",
) -> Any:  # fmt: skip
    """The second derivatives at a point of a function that returns a single value.

    Arguments are those of ``jacobian``. For each pair of inputs there is a tensor of both their shapes.

    Args:
        outer_jacobian_strategy: the ``strategy`` of the second derivation.

    >>> mg.autograd.functional.hessian(lambda x: (x**3).sum(), mg.tensor([1.0, 2.0]))
    tensor([[ 6.,  0.],
            [ 0., 12.]])
    """
    refuse_strategy("hessian", outer_jacobian_strategy, strict and outer_jacobian_strategy == "forward-mode")

    def gradient(*args: Any) -> Any:
        with AtPoint("hessian", True, strict) as level:
            call = level.call(func, args if isinstance(inputs, tuple) else args[0])
            level.single(call)
            found = level.pull(call.outputs, [None], call.edges, True)
            return unflatten(call.inputs, level.filled(found, call.sources, "the output of the function"))

    return jacobian(gradient, inputs, create_graph, strict, strategy=outer_jacobian_strategy)


def vhp(
    func: Callable[..., Any], inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False
) -> tuple[Any, Any]:
    """The output at a point, a single value, and the product of ``v`` with the Hessian.

    Arguments are those of ``vjp``; ``v`` and the products are nested as the inputs.

    >>> mg.autograd.functional.vhp(lambda x: (x**3).sum(), mg.tensor([1.0, 2.0]), mg.ones(2))
    (tensor(9.), tensor([ 6., 12.]))
    """
    return hessian_product("vhp", func, inputs, v, create_graph, strict)


def hvp(
    func: Callable[..., Any], inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False
) -> tuple[Any, Any]:
    """The output at a point, and the product of the Hessian with ``v``: the same as ``vhp``, as it is symmetric.

    Arguments are those of ``vhp``.

    >>> mg.autograd.functional.hvp(lambda x: (x**3).sum(), mg.tensor([1.0, 2.0]), mg.ones(2))
    (tensor(9.), tensor([ 6., 12.]))
    """
    return hessian_product("hvp", func, inputs, v, create_graph, strict)


def hessian_product(
    name: str, func: Callable[..., Any], inputs: Any, v: Any, create_graph: bool, strict: bool
) -> tuple[Any, Any]:
    """The output, and the gradient of the gradient's product with ``v``."""
    with AtPoint(name, create_graph, strict) as level:
        call = level.call(func, inputs)
        vector = level.vector(v, call.sources, call.inputs)
        level.single(call)
        first = level.pull(call.outputs, [None], call.edges, True)
        for i, dx in enumerate(first):
            level.require(dx is not None and dx.node is not None, f"the gradient is independent of input {i}")
        second = level.pull(first, vector, call.edges, create_graph)
        products = level.filled(second, call.sources, "the gradient of the function")
    return level.finished(call.outputs[0]), unflatten(call.inputs, products)


def refuse_strategy(name: str, strategy: str, with_strict: bool) -> None:
    """Refuse a strategy that is none, and those that ``strict`` does not go with."""
    if strategy not in STRATEGIES:
        raise ValueError(f"autograd.functional.{name}: the strategy must be one of {STRATEGIES}, got {strategy!r}.")
    if with_strict:
        raise RuntimeError(
            f"autograd.functional.{name}: strict=True goes only with strategy='reverse-mode' and vectorize=False."
        )
