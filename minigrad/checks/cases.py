"""An input for every operation that has a derivative: what ``minigrad check`` checks.

An operation whose parameters without a default are tensors of one shape, or in ``USUAL``, needs no line here: it is
called as users call it, with tensors (2, 3). The others have a line in ``CASES``. Numbers come from the first of
``INTERVALS`` in which the operation and its gradients are finite.

The samples of the tests are more: each has a formula to compare the values with, and there are many for an operation.
They are not installed.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from .. import ops
from ..engine.faces import FACES
from ..engine.gradients import grad
from ..engine.node import Variable
from ..engine.op import Op, is_own
from ..engine.paths import reachable
from ..nn import functional as F
from ..tensor.creation import tensor as tensor_of
from ..tensor.tensor import Tensor
from .problem import requires_grad

Shape = tuple[int, ...]
Interval = tuple[float, float]

INTERVALS: list[Interval] = [(-2, 2), (0.1, 0.9), (1.1, 3)]
"""Where operands come from: all numbers, as far as that is possible; probabilities; the domain of ``acosh``."""


class Case(NamedTuple):
    """A function that applies an operation, and the shapes of the tensors it is given."""

    function: Callable[..., Any]
    shapes: tuple[Shape, ...] = ((2, 3),)
    within: Interval | None = None
    """Where the numbers come from, if not from the first of ``INTERVALS`` that will do."""


MASK = np.array([[True, False, True], [False, False, True]])
CLASSES = np.array([2, 0, 1, 2])
MEAN, VAR = np.array([0.3, -1.0]), np.array([0.5, 2.0])
PLACES = np.array([1, 1, 0])

USUAL: dict[str, Any] = {
    "dim": 1,
    "dim0": 0,
    "dim1": 1,
    "dims": (1, 0),
    "axis": 1,
    "axes": (1,),
    "keepdim": False,
    "keepdims": False,
    "correction": 1,
    "reduction": "mean",
    "index": np.array([[0, 1, 1], [1, 0, 1]]),
    "indices": np.array([1, 1, 0]),
    "mask": MASK,
    "condition": MASK,
    "k": 2,
    "n": 2,
    "p": 3.0,
    "repeats": 2,
    "shifts": 1,
    "start": 0,
    "length": 2,
    "diagonal": 0,
    "offset": 0,
}
"""Arguments of an operation for its parameters of that name without a default, and for ``dim``."""


def public(name: str) -> Callable[..., Any]:
    """An operation as users call it; one that they do not call as it is."""
    return FACES[name].function if name in FACES else Op.registry[name]


CASES: dict[str, Case] = {
    # name of the operation, behind a blank what is special: function, shapes of its tensors
    "astype": Case(lambda x: ops.astype(x, np.float64)),
    "batch_norm evaluation": Case(lambda x, w, b: F.batch_norm(x, MEAN, VAR, w, b), ((4, 2), (2,), (2,))),
    "batch_norm training": Case(lambda x, w, b: F.batch_norm(x, None, None, w, b, True), ((4, 2), (2,), (2,))),
    "bce_loss": Case(F.binary_cross_entropy, ((2, 3), (2, 3)), (0.1, 0.9)),
    "bce_with_logits": Case(F.binary_cross_entropy_with_logits, ((2, 3), (2, 3)), (0.1, 0.9)),
    "cat": Case(lambda a, b: ops.cat([a, b], 1), ((2, 1), (2, 2))),
    "clamp": Case(lambda x: ops.clamp(x, -0.5, 0.7)),
    "clamp_by_tensors": Case(ops.clamp, ((2, 3), (3,), (2, 1))),
    "cross_entropy classes": Case(lambda x: F.cross_entropy(x, CLASSES), ((4, 3),)),
    "div": Case(ops.div, ((2, 3), (2, 3)), (0.5, 2)),
    "dropout": Case(lambda x: ops.dropout(x, 0.4, np.random.default_rng(0))),
    "expand": Case(lambda x: ops.expand(x, 2, 4, 3), ((4, 1),)),
    "getitem index array": Case(lambda x: x[PLACES], ((2, 3),)),
    "getitem slice": Case(lambda x: x[:, ::2]),
    "linear": Case(public("linear"), ((4, 3), (2, 3), (2,))),
    "max": Case(ops.max),
    "min": Case(ops.min),
    "matmul": Case(ops.matmul, ((2, 1, 2, 3), (2, 3, 1))),
    "permute": Case(lambda x: ops.permute(x, 2, 0, 1), ((2, 3, 2),)),
    "put": Case(lambda x: public("put")(x, (5,), (PLACES,)), ((3,),)),
    "reciprocal": Case(ops.reciprocal, within=(0.3, 3)),
    "reshape": Case(lambda x: ops.reshape(x, 3, 2)),
    "softplus": Case(lambda x: public("softplus")(x, 3, 2.5)),
    "stack": Case(lambda a, b: ops.stack([a, b], 1), ((2, 2), (2, 2))),
    "times_power_of_2": Case(lambda x: public("times_power_of_2")(x, np.array([-3, 0, 4]))),
}


def operations() -> list[str]:
    """The names of minigrad's own operations that have a derivative."""
    return sorted(name for name, op in Op.registry.items() if op.is_differentiable and is_minigrads(op))


def is_minigrads(op: Op) -> bool:
    """Whether an operation belongs to the package, not to its user."""
    package = __name__.partition(".")[0] + "."
    return is_own(op.definition) and all(rule.__module__.startswith(package) for rule in op.rules)


def cases_of(name: str) -> dict[str, Case]:
    """The cases of an operation by their names: its lines in ``CASES``, or the one that its signature says.

    Raises:
        LookupError: if there is no line, and the signature does not say how it is called.
    """
    return {label: case for label, case in CASES.items() if label.partition(" ")[0] == name} or {name: usual(name)}


def usual(name: str) -> Case:
    """An operation with arrays for its operands and ``USUAL`` arguments, as users call it where they do."""
    function = public(name)
    parameters = inspect.signature(function).parameters.values()
    given = [
        p.name for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD and (p.default is p.empty or p.name == "dim")
    ]
    operands = [parameter for parameter in given if parameter not in USUAL]
    if not operands:
        raise LookupError(missing(name, "its signature has no operands"))

    def call(*tensors: Any) -> Any:
        return function(
            **{parameter: USUAL[parameter] for parameter in given if parameter in USUAL} | dict(zip(operands, tensors))
        )

    return Case(call, ((2, 3),) * len(operands))


def inputs_of(label: str, case: Case) -> list[Tensor]:
    """The tensors to check a case with: outputs and gradients are finite there, and the operation is applied.

    Raises:
        LookupError: if there are none.
    """
    reasons = []
    for low, high in [case.within] if case.within else INTERVALS:
        inputs = [tensor_of(x, requires_grad=True) for x in distinct(case.shapes, low, high)]
        with np.errstate(all="ignore"):
            try:
                reason = unsuitable(label.partition(" ")[0], case.function, inputs)
            except Exception as error:  # whatever an operation raises: it is not called like that
                reason = f"{type(error).__name__}: {error}"
        if not reason:
            return inputs
        reasons.append(reason)
    raise LookupError(missing(label, "; ".join(dict.fromkeys(reasons))))


def unsuitable(name: str, function: Callable[..., Any], inputs: list[Tensor]) -> str:
    """Why a function is no case for these inputs; nothing if it is."""
    result = function(*inputs)
    parts = result if isinstance(result, (list, tuple)) else [result]
    outputs = [y for y in parts if isinstance(y, Variable) and requires_grad(y)]
    nodes = reachable([y.node for y in outputs if y.node is not None])
    if name not in {node.op.name for node in nodes if node.op}:
        return "the operation is not applied"
    values = [*outputs, *(dx for dx in grad(outputs, inputs, outputs, allow_unused=True) if dx is not None)]
    return "" if all(np.isfinite(value.array).all() for value in values) else "NaN or infinity"


def missing(name: str, reason: str) -> str:
    """How an operation gets a case."""
    return (
        f"no input is known to check {name} with ({reason}): add a line to CASES in minigrad/checks/cases.py, say "
        f'"{name}": Case(lambda x: ops.{name.partition(" ")[0]}(x, 1), ((2, 3),)), or a parameter of it to USUAL.'
    )


def distinct(shapes: tuple[Shape, ...], low: float, high: float) -> Iterator[np.ndarray]:
    """Arrays whose elements all differ by many steps, and are not near 0, 0.5, 1 and the like, where kinks are."""
    sizes = [int(np.prod(shape)) for shape in shapes]
    values = low + (high - low) * (np.arange(sum(sizes)) + 0.37) / max(sum(sizes), 1)
    values += 0.02 * (abs(values - np.round(values * 2) / 2) < 0.01)  # steps are about 0.001
    values = np.random.default_rng(0).permutation(values)
    for part, shape in zip(np.split(values, np.cumsum(sizes)[:-1]), shapes):
        yield part.reshape(shape)
