"""Inputs for every operation that has a derivative: what ``minigrad check`` checks.

A function that users call, or an operation, whose parameters without a default are tensors of one shape, or in
``USUAL``, needs no line here: it is called with tensors (2, 3). The others have a line in ``CASES``. Numbers come from
the first of ``INTERVALS`` in which results and gradients are finite. Every operation has to be applied by some case, in
its function or in the gradients, and there may be as many lines as there are things worth checking.

The samples of the tests are more: each has a formula to compare the values with, and there are many for an operation.
They are not installed.
"""

from __future__ import annotations

import inspect
import itertools
import warnings
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from .. import ops
from ..engine.faces import PLACES
from ..engine.gradients import grad
from ..engine.modes import enable_grad
from ..engine.op import Op, is_own
from ..engine.paths import reachable
from ..nn import functional as F
from ..ops.exchange import ALONE, mean_over_ranks_op
from ..ops.table import functions
from ..tensor.creation import tensor as tensor_of
from ..tensor.tensor import Tensor
from .problem import requires_grad, tensors_in

Shape = tuple[int, ...]
Interval = tuple[float, float]

INTERVALS: list[Interval] = [(-2, 2), (0.1, 0.9), (1.1, 3)]
"""Where operands come from: all numbers, as far as that is possible; probabilities; the domain of ``acosh``."""
UNEVEN = 0.19
"""How unevenly they are spaced there: differences of evenly spaced ones would be 1 together."""


class Case(NamedTuple):
    """A function of tensors, and their shapes."""

    function: Callable[..., Any]
    shapes: tuple[Shape, ...] = ((2, 3),)
    within: Interval | None = None
    """Where the numbers come from, if not from the first of ``INTERVALS`` that will do."""


class Prepared(NamedTuple):
    """A case with tensors for which it and its gradients are finite."""

    function: Callable[..., Any]
    inputs: list[Tensor]
    applied: set[str]
    """The names of the operations that the function and its gradients of first and second order consist of."""


MASK = np.array([[True, False, True], [False, False, True]])
CLASSES = np.array([2, 0, 1, 2])
KEPT = np.array([True, True, False, True])
MEAN, VAR = np.array([0.3, -1.0]), np.array([0.5, 2.0])
ROWS = np.array([1, 1, 0])

USUAL: dict[str, Any] = {
    "dim": 1,
    "dim0": 0,
    "dim1": 1,
    "dims": (1, 0),
    "axis": 1,
    "axis0": 0,
    "axis1": 1,
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
    "q": 0.3,
    "repeats": 2,
    "shifts": 1,
    "start": 0,
    "threshold": 0.3,
    "value": 0.7,
    "length": 2,
    "diagonal": 0,
    "offset": 0,
}
"""Arguments of an operation for its parameters of that name without a default, and for ``dim``."""


def users_functions() -> dict[str, Callable[..., Any]]:
    """The functions that users call, each under one name: ``exp``, ``linalg.norm``."""
    first = ["function", "functional", "functional_inplace", "method", "module"]
    found: dict[str, Callable[..., Any]] = {}
    known: set[int] = set()
    for place in [*first, *sorted(set(PLACES) - set(first))]:
        for name, function in functions(place).items():
            if functions(place).get(own := getattr(function, "__name__", name)) is function:
                name = own  # not an alias
            if id(function) not in known:
                known.add(id(function))
                found.setdefault(name if place in first else f"{place}.{name}", function)
    return found


FUNCTIONS = users_functions()

CASES: dict[str, Case] = {
    # a name that users know, or an operation's; behind a blank what is special: function, shapes of its tensors
    "astype": Case(lambda x: ops.astype(x, np.float64)),
    "adaptive_avg_pool1d": Case(lambda x: F.adaptive_avg_pool1d(x, 2), ((1, 2, 3),)),
    "avg_pool2d": Case(lambda x: F.avg_pool2d(x, 2, 1, 1), ((1, 2, 3, 4),)),
    "batch_norm evaluation": Case(lambda x, w, b: F.batch_norm(x, MEAN, VAR, w, b), ((4, 2), (2,), (2,))),
    "batch_norm masked": Case(lambda x, w, b: F.batch_norm(x, None, None, w, b, True, mask=KEPT), ((4, 2), (2,), (2,))),
    "batch_norm training": Case(lambda x, w, b: F.batch_norm(x, None, None, w, b, True), ((4, 2), (2,), (2,))),
    "cat": Case(lambda a, b: ops.cat([a, b], 1), ((2, 1), (2, 2))),
    "cdist p=3": Case(lambda a, b: ops.cdist(a, b, 3), ((3, 2), (2, 2))),
    "clamp": Case(lambda x: ops.clamp(x, -0.5, 0.7)),
    "clamp_by_tensors": Case(ops.clamp, ((2, 3), (3,), (2, 1))),
    "conv2d": Case(lambda x, w, b: F.conv2d(x, w, b, 1, 1), ((1, 2, 3, 4), (3, 2, 2, 2), (3,))),
    "conv_transpose2d": Case(F.conv_transpose2d, ((1, 2, 2, 3), (2, 3, 2, 2))),
    "cross_entropy classes": Case(lambda x: F.cross_entropy(x, CLASSES), ((4, 3),)),
    "div": Case(ops.div, ((2, 3), (2, 3)), (0.5, 2)),
    "dropout2d": Case(F.dropout2d, ((1, 2, 2, 3),)),
    "dropout3d": Case(F.dropout3d, ((1, 2, 1, 2, 2),)),
    "dropout": Case(lambda x: ops.dropout(x, 0.4, np.random.default_rng(0))),
    "embedding": Case(lambda w: F.embedding(np.array([1, 1, 0]), w)),
    "expand": Case(lambda x: ops.expand(x, 2, 4, 3), ((4, 1),)),
    "getitem index array": Case(lambda x: x[ROWS]),
    "getitem slice": Case(lambda x: x[:, ::2]),
    "index_put": Case(lambda x, v: ops.index_put(x, (np.array([1, 0]),), v), ((2, 3), (2, 3))),
    "layer_norm": Case(lambda x, w, b: F.layer_norm(x, (3,), w, b), ((4, 3), (3,), (3,))),
    "einsum": Case(lambda a, b, c: ops.einsum("ij,jk,lk->il", a, b, c), ((2, 3), (3, 2), (3, 2))),
    "einsum diagonal": Case(lambda x: ops.einsum("iij->ji", x), ((2, 2, 3),)),
    "linalg.cross": Case(FUNCTIONS["linalg.cross"], ((2, 3), (1, 3))),
    "linear": Case(FUNCTIONS["linear"], ((4, 3), (2, 3), (2,))),
    "matmul": Case(ops.matmul, ((2, 1, 2, 3), (2, 3, 1))),
    "max": Case(ops.max),
    "mean_over_ranks": Case(lambda x: mean_over_ranks_op(x, ALONE, 4)),
    "max_pool2d": Case(lambda x: F.max_pool2d(x, 2, 1), ((1, 2, 3, 4),)),
    "median": Case(lambda x: ops.median(x)),
    "min": Case(ops.min),
    "nanmedian": Case(lambda x: ops.nanmedian(x)),
    "nll_loss": Case(lambda x: ops.nll_loss(x, CLASSES), ((4, 3),)),
    "pad constant": Case(lambda x: F.pad(x, (1, 2))),
    "pad reflect": Case(lambda x: F.pad(x, (1, 2), mode="reflect"), ((1, 3),)),
    "permute": Case(lambda x: ops.permute(x, 2, 0, 1), ((2, 3, 2),)),
    "prelu": Case(F.prelu, ((2, 3), (3,))),
    "reciprocal": Case(ops.reciprocal, within=(0.3, 3)),
    "reshape": Case(lambda x: ops.reshape(x, 3, 2)),
    "round": Case(lambda x: ops.round(x)),
    "round decimals": Case(lambda x: ops.round(x, decimals=1)),
    "rrelu": Case(lambda x: F.rrelu(x, training=True)),
    "softplus": Case(lambda x: FUNCTIONS["softplus"](x, 3, 2.5)),
    "stack": Case(lambda a, b: ops.stack([a, b], 1), ((2, 2), (2, 2))),
    "times_power_of_2": Case(lambda x: Op.registry["times_power_of_2"](x, np.array([-3, 0, 4]))),
    "unfold": Case(lambda x: x.unfold(1, 2, 1), ((2, 4),)),
}


def operations() -> list[str]:
    """The names of minigrad's own operations that have a derivative."""
    return sorted(name for name, op in Op.registry.items() if op.is_differentiable and is_minigrads(op))


def is_minigrads(op: Op) -> bool:
    """Whether an operation belongs to the package, not to its user."""
    package = __name__.partition(".")[0] + "."
    return is_own(op.definition) and all(rule.__module__.startswith(package) for rule in op.rules)


def all_cases() -> dict[str, Case]:
    """The lines of ``CASES``, and what signatures without a line say: of users' functions, then of operations."""
    lines = set(map(name_of, CASES))
    constant = {name for name, op in Op.registry.items() if not op.is_differentiable}
    found = {name: usual(function) for name, function in FUNCTIONS.items() if name not in lines | constant}
    cases = dict(sorted((CASES | {name: case for name, case in found.items() if case}).items()))
    inner = {name: usual(Op.registry[name]) for name in operations() if name not in lines | found.keys()}
    return cases | {name: case for name, case in inner.items() if case}


def prepared_cases(
    cases: Mapping[str, Case], seed: int = 0
) -> Iterator[tuple[str, Prepared | LookupError | ImportError | None]]:
    """Every case with its inputs, in an order that the seed decides, or why there are none.

    None for a signature that says too little, and for operations that users do not call and functions before it have
    applied: what they are never given may have no derivative.
    """
    applied: set[str] = set()
    for label, case in cases.items():
        if label in applied and label not in CASES and label not in FUNCTIONS:
            yield label, None
            continue
        try:
            found = prepared(label, case, seed)
        except ImportError as error:
            yield label, error
        except LookupError as error:
            yield label, error if label in CASES else None
        else:
            applied |= found.applied
            yield label, found


def name_of(label: str) -> str:
    """The function that a case is of."""
    return label.partition(" ")[0]


def usual(function: Callable[..., Any]) -> Case | None:
    """A function of tensors (2, 3) and ``USUAL`` arguments; None if there would be no tensors."""
    parameters = inspect.signature(function).parameters.values()
    named = [p for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD]
    given = [p.name for p in named if p.default is p.empty or p.name == "dim"]
    operands = [parameter for parameter in given if parameter not in USUAL]
    attributes = {parameter: USUAL[parameter] for parameter in given if parameter in USUAL}

    def call(*tensors: Any) -> Any:
        return function(**attributes, **dict(zip(operands, tensors)))

    return Case(call, ((2, 3),) * len(operands)) if operands else None


def prepared(label: str, case: Case, seed: int = 0) -> Prepared:
    """The case with tensors for which outputs and gradients are finite.

    Raises:
        LookupError: if there are none.
        ImportError: if it needs a package that is not installed.
    """
    reasons = []
    for low, high in [case.within] if case.within else INTERVALS:
        inputs = [tensor_of(x, requires_grad=True) for x in distinct(case.shapes, low, high, seed)]
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                results = derivatives(case.function, inputs)
            except ImportError:
                raise
            except Exception as error:  # whatever a function raises: it is not called like that
                reasons.append(f"{type(error).__name__}: {error}")
                continue
        if not results:
            reasons.append("it has no derivative")
        elif all(np.isfinite(result.array).all() for result in results):
            nodes = reachable([result.node for result in results if result.node is not None])
            return Prepared(case.function, inputs, {node.op.name for node in nodes if node.op})
        else:
            reasons.append("NaN or infinity")
    raise LookupError(f"no input is known for {label}: {'; '.join(dict.fromkeys(reasons))}")


def derivatives(function: Callable[..., Any], inputs: list[Tensor]) -> list[Tensor]:
    """The outputs of a function, its gradients and their gradients, as graphs; none if no output requires grad."""
    with enable_grad():
        found = [y for y in tensors_in(function(*inputs)).values() if requires_grad(y)]
        layer = found
        for _ in range(2):
            gradients = grad(layer, inputs, layer, create_graph=True, allow_unused=True) if layer else ()
            layer = [dx for dx in gradients if dx is not None and requires_grad(dx)]
            found += layer
    return found


def missing(name: str) -> str:
    """How an operation that no case applies gets one."""
    return (
        f"no case applies {name}: add to CASES in minigrad/checks/cases.py a line of a function that does, "
        f'"{name}": Case(lambda x, y: {name}(x, y, 2), ((2, 3), (3,))), or a usual argument to USUAL there'
    )


def distinct(shapes: tuple[Shape, ...], low: float, high: float, first: int = 0) -> list[np.ndarray]:
    """Arrays whose elements all differ by many steps and are not near 0, 0.5, 1 and the like, where kinks are.

    Nor are the differences of two arrays of one shape, for losses. Steps are about 0.001.
    """
    sizes = [int(np.prod(shape)) for shape in shapes]
    places = (np.arange(sum(sizes)) + 0.37) / max(sum(sizes), 1)
    values = low + (high - low) * (places + UNEVEN * places * (1 - places))
    values += 0.02 * near_kinks(values)
    found: list[np.ndarray] = []
    for seed in range(first, first + 100):
        parts = np.split(np.random.default_rng(seed).permutation(values), np.cumsum(sizes)[:-1])
        found = [part.reshape(shape) for part, shape in zip(parts, shapes)]
        pairs = [(x, y) for x, y in itertools.combinations(found, 2) if x.shape == y.shape]
        if not any(near_kinks(x - y).any() for x, y in pairs):
            break
    return found


def near_kinks(values: np.ndarray) -> Any:
    """Where numbers are within 0.01 of a multiple of 0.5."""
    return abs(values - np.round(values * 2) / 2) < 0.01
