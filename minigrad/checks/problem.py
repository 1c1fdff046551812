"""The function to check, on copies of everything it touches: a check leaves no trace."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy import ndarray

from ..engine.gradients import grad
from ..engine.node import Effect, Variable, describe
from ..engine.paths import reachable
from ..nn.module import Module
from ..nn.snapshot import Snapshot
from ..nn.tree import computed
from ..tensor.creation import tensor as tensor_of
from ..tensor.tensor import Tensor
from .numeric import Function
from .reached import reached


class GradcheckError(RuntimeError):
    """A gradient that finite differences contradict, or a function they cannot be taken of."""


class Problem:
    """A function without arguments, and the leaves with respect to which it is differentiated.

    Args:
        call: computes a tensor, or several, from the leaves.
        leaves: by name.
        tensors: all that a call reads or may change, the leaves among them.
        modules: whose attributes a call may change.

    Every evaluation starts from the same values, attributes and random state. What is differentiated
    is the sum of the outputs with ``weights``, one array for each output that requires grad.
    """

    def __init__(
        self, call: Callable[[], Any], leaves: dict[str, Tensor], tensors: Sequence[Tensor], modules: Sequence[Module]
    ) -> None:
        self.call = call
        self.leaves = leaves
        self.tensors = tensors
        self.modules = modules
        self.point = {name: leaf.array.copy() for name, leaf in leaves.items()}
        self.before = Snapshot(modules, tensors, random=True)
        outputs = self.outputs()
        self.changed = self.changed_modules(outputs)
        self.weights = random_weights(outputs, seed=1)

    def results(self, name: str = "", value: Any = None) -> list[Tensor]:
        """All outputs; with a name, that leaf has another value."""
        self.before.restore()
        for tensor in self.tensors:
            tensor.array = tensor.array.copy()  # outputs of other evaluations may look at theirs
        if name:
            self.leaves[name].array = value.copy()
        return tensors_in(self.call())

    def outputs(self, name: str = "", value: Any = None) -> list[Tensor]:
        """The outputs that require grad."""
        return [y for y in self.results(name, value) if requires_grad(y)]

    def constants(self, name: str = "", value: Any = None) -> dict[int, ndarray]:
        """The outputs of floats that do not require grad, by their numbers."""
        outputs = enumerate(self.results(name, value))
        return {i: y.array for i, y in outputs if not requires_grad(y) and y.dtype.kind == "f"}

    def changed_modules(self, outputs: Sequence[Tensor]) -> list[str]:
        """The modules whose statistics every evaluation moves: they are not among the tensors that start anew."""
        known = {id(tensor) for tensor in self.tensors}
        nodes = reachable([y.node for y in outputs if y.node is not None])
        writing = [node for node in nodes if any(writes_other(effect, known) for effect in node.effects)]
        return sorted({str(node.scope or node) for node in writing})

    def gradients(self) -> tuple[list[Tensor], dict[str, ndarray]]:
        """The outputs, and what backward says: the gradient of their weighted sum for each leaf."""
        outputs = self.outputs()
        weights = [tensor_of(weight) for weight in self.weights]
        found = grad(outputs, list(self.leaves.values()), weights, allow_unused=True)
        zeros = {name: np.zeros(leaf.shape) for name, leaf in self.leaves.items()}
        return outputs, {name: zeros[name] if dx is None else dx.numpy() for name, dx in zip(zeros, found)}

    def function_of(self, name: str) -> Function:
        """The weighted outputs, one flat array, as a function of one leaf's value."""

        def function(value: ndarray) -> ndarray:
            outputs = self.outputs(name, value)
            before, now = [weight.shape for weight in self.weights], [y.shape for y in outputs]
            if before != now:
                raise GradcheckError(
                    f"the shapes of the outputs depend on the values of {name}: a step has changed {before} to {now}. "
                    "Choose elements by an index that is fixed outside the function."
                )
            return np.concatenate([(weight * y.array).ravel() for weight, y in zip(self.weights, outputs)])

        return function


def writes_other(effect: Effect, known: set[int]) -> bool:
    """Whether an operation writes to a tensor that is not known."""
    return effect.verb == "writes" and isinstance(effect.tensor, Variable) and id(effect.tensor) not in known


def requires_grad(value: Any) -> bool:
    """Whether a value is a tensor that requires grad."""
    return isinstance(value, Variable) and value.node is not None


def is_narrow(value: Any) -> bool:
    """Whether a value is of floats, but not of float64."""
    return isinstance(value, (Variable, ndarray)) and value.dtype.kind == "f" and value.dtype != np.float64


def tensors_in(result: Any) -> list[Tensor]:
    """What a function returned, as a list of tensors."""
    outputs = [result] if isinstance(result, Variable) else result
    if not isinstance(outputs, (list, tuple)) or not all(isinstance(y, Variable) for y in outputs):
        raise TypeError(f"a function to check must return a tensor or a tuple of tensors, got {describe(result)}.")
    return list(outputs)


def problem_of(func: Any, inputs: Any) -> Problem:
    """The problem a user poses: a function and its inputs, or a module with its parameters."""
    inputs = sequence(inputs)
    checked = [requires_grad(x) for x in inputs]
    parameters: dict[str, Tensor] = {}
    tensors: list[Tensor] = []
    modules: list[Module] = []
    if isinstance(func, Module):
        if not any(checked):
            checked = [isinstance(x, Variable) and x.dtype.kind == "f" for x in inputs]
        func = float64_module(func)
        parameters = {f"parameter {name}": p for name, p in func.named_parameters() if p.requires_grad}
        tensors = [*func.parameters(), *func.buffers()]
        modules = list(func.modules())
    arguments = [float64_copy(x, trained) for x, trained in zip(inputs, checked)]
    leaves = {f"input {i}": x for i, x in enumerate(arguments) if checked[i]}
    tensors += [x for x in arguments if isinstance(x, Tensor)]
    named, constants = ([], []) if isinstance(func, Module) else reached(func)
    tensors += [*constants, *(buffer for module in named for buffer in module.buffers())]
    try:
        problem = Problem(lambda: func(*arguments), leaves | parameters, tensors, modules)
    except TypeError as error:
        own = [leaf for module in named for leaf in (*module.parameters(), *module.buffers())]
        if not (any(map(is_narrow, own)) and any(map(is_narrow, inputs))):
            raise
        raise TypeError(
            f"{error} The function was given float64 copies of the inputs: check the module itself, "
            "gradcheck(module, x), which is then copied to float64, too; or convert it, module.double()."
        ) from error
    if problem.changed:
        warnings.warn(
            f"the function to check changes the running statistics of {', '.join(problem.changed)} each time it is "
            "computed: check the module itself, gradcheck(module, x), or its evaluation, module.eval().",
            stacklevel=5,
        )
    return problem


def float64_module(module: Module) -> Any:
    """A float64 copy of a module. Activations it has kept stay behind, and are constants in the copy."""
    memo: dict[int, Any] = {
        id(value): tensor_of(value.detach(), np.float64)
        for inner in module.modules()
        for _, value in computed(vars(inner))
    }
    return copy.deepcopy(module, memo).double()


def derivative_of(problem: Problem, grad_outputs: Any = None) -> Problem:
    """The problem whose outputs are another's gradients, functions of its leaves and of ``grad_outputs``."""
    given = sequence(grad_outputs)
    if grad_outputs is None:
        given = [tensor_of(weight, requires_grad=True) for weight in random_weights(problem.outputs(), seed=2)]
    cotangents = [float64_copy(dy, requires_grad(dy)) for dy in given]

    def gradients() -> list[Tensor]:
        outputs = [y for y in tensors_in(problem.call()) if requires_grad(y)]
        leaves = list(problem.leaves.values())
        found = grad(outputs, leaves, cotangents, create_graph=True, allow_unused=True) if leaves else ()
        return [dx for dx in found if dx is not None]

    leaves = {f"grad_output {i}": dy for i, dy in enumerate(cotangents) if requires_grad(dy)}
    return Problem(gradients, problem.leaves | leaves, [*problem.tensors, *cotangents], problem.modules)


def sequence(value: Any) -> Sequence[Any]:
    """Several values as they are, a single one as a sequence."""
    return value if isinstance(value, (list, tuple)) else (value,)


def float64_copy(value: Any, trained: bool) -> Any:
    """A copy of a tensor or an array, in float64 if it is of floats; anything else as it is."""
    if not isinstance(value, (Variable, ndarray)):
        return value
    dtype = np.dtype(np.float64) if value.dtype.kind == "f" else value.dtype
    return value.astype(dtype) if isinstance(value, ndarray) else tensor_of(value, dtype, trained)


def random_weights(outputs: Sequence[Tensor], seed: int) -> list[ndarray]:
    """The same numbers each time, from -1.5 to -0.5 and 0.5 to 1.5; a single number gets 1.

    Equal ones would hide errors: the gradient of a sum of normalised values is 0.
    """
    random = np.random.default_rng(seed)
    if sum(y.array.size for y in outputs) == 1:
        return [np.ones(y.shape) for y in outputs]
    return [np.asarray(random.uniform(0.5, 1.5, y.shape) * random.choice((-1.0, 1.0), y.shape)) for y in outputs]
