"""The function to check, on copies of everything it touches: a check leaves no trace."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy import ndarray

from ..engine.gradients import grad
from ..engine.node import Effect, Variable, named
from ..engine.paths import reachable
from ..nn.module import Module
from ..nn.snapshot import Snapshot
from ..nn.tree import computed
from ..ops.joining import stack
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
        dtypes: of the leaves as the user gave them, by name.
        together: differentiate the sum of all outputs, not each output by itself.

    Every evaluation starts from the same values, attributes and random state. An output of several elements is
    differentiated as their sum with ``weights``, one array for each output that requires grad.
    """

    def __init__(
        self, call: Callable[[], Any], leaves: dict[str, Tensor], tensors: Sequence[Tensor], modules: Sequence[Module],
        dtypes: Mapping[str, Any], together: bool = False,
    ) -> None:  # fmt: skip
        self.call = call
        self.leaves = leaves
        self.tensors = tensors
        self.modules = modules
        self.dtypes = dtypes
        self.point = {name: leaf.array.copy() for name, leaf in leaves.items()}
        self.before = Snapshot(modules, tensors, random=True)
        outputs = self.outputs()
        self.changed = self.changed_modules(outputs.values())
        self.weights = dict(zip(outputs, random_weights(outputs.values(), seed=1)))
        self.groups = [list(outputs)] if together else [[name] for name in outputs]
        """The names of the outputs that are differentiated together."""

    def results(self, name: str = "", value: Any = None) -> dict[str, Tensor]:
        """All outputs by name; with a name, that leaf has another value."""
        self.before.restore()
        for tensor in self.tensors:
            tensor.array = tensor.array.copy()  # outputs of other evaluations may look at theirs
        if name:
            self.leaves[name].array = value.copy()
        return tensors_in(self.call())

    def outputs(self, name: str = "", value: Any = None) -> dict[str, Tensor]:
        """The outputs that require grad."""
        return {output: y for output, y in self.results(name, value).items() if requires_grad(y)}

    def constants(self, name: str = "", value: Any = None) -> dict[str, ndarray]:
        """The outputs of floats that do not require grad."""
        outputs = self.results(name, value).items()
        return {output: y.array for output, y in outputs if not requires_grad(y) and y.dtype.kind == "f"}

    def changed_modules(self, outputs: Iterable[Tensor]) -> list[str]:
        """The modules whose statistics every evaluation moves: they are not among the tensors that start anew."""
        known = {id(tensor) for tensor in self.tensors}
        nodes = reachable([y.node for y in outputs if y.node is not None])
        writing = [node for node in nodes if any(writes_other(effect, known) for effect in node.effects)]
        return sorted({str(node.scope or node) for node in writing})

    def gradients(self) -> tuple[dict[str, Tensor], dict[str, list[ndarray]]]:
        """The outputs, and what backward says: for each leaf the gradient of every group's weighted sum."""
        outputs = self.outputs()
        found: dict[str, list[ndarray]] = {name: [] for name in self.leaves}
        for group in self.groups:
            weights = [tensor_of(self.weights[name]) for name in group]
            gradients = grad(
                [outputs[name] for name in group], list(self.leaves.values()), weights,
                retain_graph=True, allow_unused=True,
            )  # fmt: skip
            for leaf, dx in zip(self.leaves, gradients):
                found[leaf].append(np.zeros(self.leaves[leaf].shape) if dx is None else dx.numpy().copy())
        return outputs, found

    def function_of(self, name: str) -> Function:
        """The weighted outputs, one flat array, as a function of one leaf's value."""

        def function(value: ndarray) -> ndarray:
            outputs = self.outputs(name, value)
            before = [weight.shape for weight in self.weights.values()]
            now = [y.shape for y in outputs.values()]
            if before != now:
                raise GradcheckError(
                    f"the shapes of the outputs depend on the values of {name}: a step has changed {before} to {now}. "
                    "Choose elements by an index that is fixed outside the function."
                )
            return np.concatenate([(self.weights[key] * y.array).ravel() for key, y in outputs.items()])

        return function

    def split(self, terms: ndarray) -> list[ndarray]:
        """What ``function_of`` returns, or a derivative of it, by group."""
        sizes = [sum(self.weights[name].size for name in group) for group in self.groups]
        return np.split(terms, np.cumsum(sizes)[:-1])


def writes_other(effect: Effect, known: set[int]) -> bool:
    """Whether an operation writes to a tensor that is not known."""
    return effect.verb == "writes" and isinstance(effect.tensor, Variable) and id(effect.tensor) not in known


def requires_grad(value: Any) -> bool:
    """Whether a value is a tensor that requires grad."""
    return isinstance(value, Variable) and value.node is not None


def is_narrow(value: Any) -> bool:
    """Whether a value is of floats, but not of float64."""
    return isinstance(value, (Variable, ndarray)) and value.dtype.kind == "f" and value.dtype != np.float64


def leaves_in(value: Any, name: str, separator: str = ".") -> Iterator[tuple[str, Any]]:
    """A value, or all that is in its lists, tuples and dicts, however nested, by name: ``input 0``, ``input 0.x``."""
    if isinstance(value, (list, tuple, dict)):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from leaves_in(item, f"{name}{separator}{key}")
    else:
        yield name, value


def with_leaves(value: Any, leaves: Iterator[Any]) -> Any:
    """A value of the same lists, tuples and dicts with other things in them, in the order of ``leaves_in``."""
    if isinstance(value, dict):
        return {key: with_leaves(item, leaves) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        items = [with_leaves(item, leaves) for item in value]
        return type(value)(*items) if hasattr(value, "_fields") else type(value)(items)
    return next(leaves)


def tensors_in(result: Any) -> dict[str, Tensor]:
    """The tensors that a function returned, by name: ``output 0``."""
    outputs = dict(leaves_in(sequence(result) if isinstance(result, Variable) else result, "output", " "))
    if not all(isinstance(y, Variable) for y in outputs.values()):
        raise TypeError(f"a function to check must return a tensor or a tuple of tensors, got {named(result)}.")
    return outputs


def refuse_uncheckable(func: Any, given: dict[str, Any]) -> None:
    """Refuse what is no function, and a function without a tensor among its inputs."""
    if not callable(func):
        raise TypeError(f"the function to check comes first, then its inputs, got {named(func)} for the function.")
    if given and not isinstance(func, Module) and not any(isinstance(x, Variable) for x in given.values()):
        raise ValueError(
            f"nothing to check: no input is a tensor, got {', '.join(map(named, given.values()))}: make it one, "
            "mg.tensor(..., requires_grad=True)."
        )


def warn_of_statistics(changed: Sequence[str]) -> None:
    """Warn of running statistics that a function changes each time it is computed."""
    warnings.warn(
        f"the function to check changes the running statistics of {', '.join(changed)} each time it is computed: "
        "check the module itself, gradcheck(module, x), or its evaluation, module.eval().",
        stacklevel=6,
    )


def problem_of(func: Any, inputs: Any) -> Problem:
    """The problem a user poses: a function and its inputs, or a module with its parameters."""
    inputs = sequence(inputs)
    given = dict(leaves_in(inputs, "input", " "))
    refuse_uncheckable(func, given)
    checked = {name for name, x in given.items() if requires_grad(x)}
    parameters: dict[str, Tensor] = {}
    dtypes = {name: given[name].dtype for name in checked}
    if isinstance(func, Module):
        if not checked:
            checked = {name for name, x in given.items() if isinstance(x, Variable) and x.dtype.kind == "f"}
        dtypes = {name: given[name].dtype for name in checked}
        dtypes |= {f"parameter {name}": p.dtype for name, p in func.named_parameters()}
        func = float64_module(func)
        parameters = {f"parameter {name}": p for name, p in func.named_parameters() if p.requires_grad}
        reached_modules, tensors = [func], [*func.parameters(), *func.buffers()]
    else:
        reached_modules, tensors = reached(func)
        tensors += [buffer for module in reached_modules for buffer in module.buffers()]
    copies = {name: float64_copy(x, name in checked) for name, x in given.items()}
    arguments = with_leaves(inputs, iter(copies.values()))
    tensors += [x for x in copies.values() if isinstance(x, Tensor)]
    leaves = {name: x for name, x in copies.items() if name in checked} | parameters
    modules = [inner for module in reached_modules for inner in module.modules()]
    try:
        problem = Problem(lambda: func(*arguments), leaves, tensors, modules, dtypes)
    except TypeError as error:
        own = [leaf for module in reached_modules for leaf in (*module.parameters(), *module.buffers())]
        if any(map(is_narrow, own)) and any(map(is_narrow, given.values())):
            raise TypeError(
                f"{error} The function was given float64 copies of the inputs: check the module itself, "
                "gradcheck(module, x), which is then copied to float64, too; or convert it, module.double()."
            ) from error
        raise
    if problem.changed:
        warn_of_statistics(problem.changed)
    return problem


def float64_module(module: Module) -> Any:
    """A float64 copy of a module. Activations it has kept stay behind, and are constants in the copy."""
    memo: dict[int, Any] = {
        id(value): tensor_of(value.detach(), np.float64)
        for inner in module.modules()
        for _, value in computed(vars(inner))
    }
    try:
        return copy.deepcopy(module, memo).double()
    except (TypeError, NotImplementedError) as error:  # of what can be copied by no means: locks, open files
        raise TypeError(
            f"{type(module).__name__} is checked on a copy, and cannot be copied: {error}. "
            "Check it in float64 without a copy: model.double(), gradcheck(lambda x: model(x), x.double())."
        ) from error


def derivative_of(problem: Problem, grad_outputs: Any = None, non_contiguous: bool = False) -> Problem:
    """The problem whose outputs are another's gradients, functions of its leaves and of ``grad_outputs``."""
    given = [dy for _, dy in leaves_in(sequence(grad_outputs), "")]
    if grad_outputs is None:
        weights = random_weights(problem.outputs().values(), seed=2)
        given = [tensor_of(weight, requires_grad=True) for weight in weights]
    cotangents = [float64_copy(dy, requires_grad(dy)) for dy in given]

    def gradients() -> list[Tensor]:
        outputs = [y for y in tensors_in(problem.call()).values() if requires_grad(y)]
        dy = [every_other(x) for x in cotangents] if non_contiguous else cotangents
        leaves = list(problem.leaves.values())
        found = grad(outputs, leaves, dy, create_graph=True, allow_unused=True) if leaves else ()
        return [dx for dx in found if dx is not None]

    leaves = {f"grad_output {i}": dy for i, dy in enumerate(cotangents) if requires_grad(dy)}
    dtypes = {**problem.dtypes, **{name: dy.dtype for name, dy in leaves.items()}}
    tensors = [*problem.tensors, *cotangents]
    return Problem(gradients, problem.leaves | leaves, tensors, problem.modules, dtypes, together=True)


def every_other(x: Tensor) -> Tensor:
    """The same values, every other element of an array in memory."""
    return stack([x, x.detach()], -1)[..., 0]


def sequence(value: Any) -> Sequence[Any]:
    """Several values as they are, a single one as a sequence."""
    return value if isinstance(value, (list, tuple)) else (value,)


def float64_copy(value: Any, trained: bool) -> Any:
    """A copy of a tensor or an array, in float64 if it is of floats; anything else as it is."""
    if not isinstance(value, (Variable, ndarray)):
        return value
    dtype = np.dtype(np.float64) if value.dtype.kind == "f" else value.dtype
    return value.astype(dtype) if isinstance(value, ndarray) else tensor_of(value, dtype, trained)


def random_weights(outputs: Iterable[Tensor], seed: int) -> list[ndarray]:
    """The same numbers each time, from -1.5 to -0.5 and 0.5 to 1.5; a single number gets 1.

    Equal ones would hide errors: the gradient of a sum of normalised values is 0.
    """
    random = np.random.default_rng(seed)
    shapes = [y.shape for y in outputs]
    if sum(np.prod(shape, dtype=int) for shape in shapes) == 1:
        return [np.ones(shape) for shape in shapes]
    return [np.asarray(random.uniform(0.5, 1.5, shape) * random.choice((-1.0, 1.0), shape)) for shape in shapes]
