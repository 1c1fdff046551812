"""Elementwise functions."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy import ndarray

from ..graph import Graph
from .table import CALLS, OPERATIONS, Term, by_formula, common, form

SAME: dict[Any, str] = {
    np.exp: "Exp", np.log: "Log", np.sqrt: "Sqrt", np.absolute: "Abs", np.negative: "Neg", np.sin: "Sin",
    np.cos: "Cos", np.tan: "Tan", np.arcsin: "Asin", np.arccos: "Acos", np.arctan: "Atan", np.sinh: "Sinh",
    np.cosh: "Cosh", np.tanh: "Tanh", np.arcsinh: "Asinh", np.arccosh: "Acosh", np.arctanh: "Atanh",
    np.reciprocal: "Reciprocal", np.sign: "Sign",
    np.add: "Add", np.subtract: "Sub", np.multiply: "Mul", np.divide: "Div", np.power: "Pow", np.maximum: "Max",
    np.minimum: "Min",
}  # fmt: skip
"""NumPy's functions that are one node, whose operands have the dtype of its result."""

ROUNDS: dict[Any, str] = {np.floor: "Floor", np.ceil: "Ceil", np.rint: "Round"}
"""Likewise; of integers they do nothing."""

COMPARES: dict[Any, str] = {
    np.equal: "Equal", np.less: "Less", np.less_equal: "LessOrEqual", np.greater: "Greater",
    np.greater_equal: "GreaterOrEqual",
}  # fmt: skip

LOGIC: dict[Any, str] = {
    np.logical_and: "And", np.logical_or: "Or", np.logical_xor: "Xor", np.logical_not: "Not", np.bitwise_and: "And",
    np.bitwise_or: "Or", np.bitwise_xor: "Xor", np.invert: "Not", np.add: "Or", np.multiply: "And", np.maximum: "Or",
    np.minimum: "And",
}  # fmt: skip
"""What they are of booleans."""

BITS: dict[Any, str] = {
    np.bitwise_and: "BitwiseAnd", np.bitwise_or: "BitwiseOr", np.bitwise_xor: "BitwiseXor", np.invert: "BitwiseNot",
}  # fmt: skip
"""What they are of integers, from opset 18 on."""

ACTIVATIONS = {
    "relu": "Relu", "sigmoid": "Sigmoid", "erf": "Erf", "softsign": "Softsign", "selu": "Selu",
}  # fmt: skip
"""Operations that are one node, of short floats."""

SHORT_FLOATS = (np.dtype(np.float16), np.dtype(np.float32))
"""Floats for which attributes, which are float32, are exact enough, and for which onnxruntime has all activations.

Of float64 it has neither Erf nor Elu, Selu and Softsign."""


def log_add(a: Term, b: Term, base: float) -> Term:
    """``log(base**a + base**b) / log(base)``"""
    least = -abs(a - b) * math.log(base)
    return a.node("Max", b) + (least.node("Exp") + 1).node("Log") / math.log(base)


def direction(y: Term, x: Term) -> Term:
    """``arctan2``"""
    turned = (y < 0).where(-math.pi, Term(y.graph, y.graph.read(math.pi, y.dtype)))
    steep = y.node("Sign") * (math.pi / 2)
    flat = (y / (x == 0).where(1, x)).node("Atan")
    found: Term = (x == 0).where(steep, (x < 0).where(flat + turned, flat))
    return found


def remainder(a: Term, b: Term) -> Term:
    """``a - floor(a / b) * b``"""
    if a.dtype.kind != "f":
        return a.node("Mod", b)
    rest = a.node("Mod", b, fmod=1)
    found: Term = ((rest == 0) | (rest < 0).node("Equal", b < 0, dtype=bool)).where(rest, rest + b)
    return found


def floor_divided(a: Term, b: Term) -> Term:
    """``floor(a / b)``"""
    quotient = (a - remainder(a, b)) / b
    return quotient if a.dtype.kind != "f" else quotient.node("Round")


def infinite(x: Term) -> Term:
    """Whether it is an infinity; float16 has no such node before opset 20."""
    x = x if x.dtype != np.float16 else x.to(np.float32)
    return x.node("IsInf", dtype=bool)


def is_negative(x: Term) -> Term:
    """Whether the sign bit is set: of -0 the reciprocal tells."""
    return (x < 0) | ((1 / x) < 0)


FORMULAS: dict[Any, Any] = {
    np.square: lambda x: x * x,
    np.exp2: lambda x: (x * math.log(2)).node("Exp"),
    np.expm1: lambda x: x.node("Exp") - 1,
    np.log1p: lambda x: (x + 1).node("Log"),
    np.log2: lambda x: x.node("Log") / math.log(2),
    np.log10: lambda x: x.node("Log") / math.log(10),
    np.deg2rad: lambda x: x * (math.pi / 180),
    np.rad2deg: lambda x: x * (180 / math.pi),
    np.positive: lambda x: x.node("Identity"),
    np.trunc: lambda x: x if x.dtype.kind != "f" else x.node("Sign") * abs(x).node("Floor"),
    np.isnan: lambda x: ~(x == x),
    np.isinf: infinite,
    np.isfinite: lambda x: (x - x) == 0,
    np.not_equal: lambda a, b: ~(a == b),
    np.fmod: lambda a, b: a.node("Mod", b, fmod=1),
    np.remainder: remainder,
    np.floor_divide: floor_divided,
    np.hypot: lambda a, b: (a * a + b * b).node("Sqrt"),
    np.arctan2: direction,
    np.logaddexp: lambda a, b: log_add(a, b, math.e),
    np.logaddexp2: lambda a, b: log_add(a, b, 2.0),
    np.fmax: lambda a, b: (a == a).where((b == b).where(a.node("Max", b), a), b),
    np.fmin: lambda a, b: (a == a).where((b == b).where(a.node("Min", b), a), b),
    np.signbit: lambda x: x < 0 if x.dtype.kind != "f" else is_negative(x),
    np.copysign: lambda a, b: is_negative(b).where(-abs(a), abs(a)),
}
"""NumPy's functions that are several nodes."""


def elementwise(function: Any) -> Any:
    """The form of a function that is one node."""
    kind = {**SAME, **ROUNDS, **COMPARES, **LOGIC, **SAME}.get(function, "")

    def written(graph: Graph, result: Any, *operands: Any, **_: Any) -> Any:
        dtype = common(operands) if function in COMPARES else result.dtype
        found = kind
        if function in LOGIC and (result.dtype.kind == "b" or function in (np.logical_not,)):
            found, dtype = LOGIC[function], np.dtype(bool)
        elif function in BITS:
            if graph.opset < 18:
                return NotImplemented
            found = BITS[function]
        elif function in ROUNDS and dtype.kind != "f":
            return graph.read(operands[0], dtype)
        elif function is np.equal and dtype.kind == "b":
            found = "Equal"
        result_type = bool if function in COMPARES else dtype
        return graph.node(found, [graph.read(x, dtype) for x in operands], result_type)

    return written


CALLS.update({function: elementwise(function) for function in {**SAME, **ROUNDS, **COMPARES, **LOGIC}})
CALLS.update({function: by_formula(formula) for function, formula in FORMULAS.items()})


def activation(kind: str) -> Any:
    """The form of an operation of floats that is one node."""

    def written(graph: Graph, result: Any, x: Any, *_: Any) -> Any:
        if result.dtype not in SHORT_FLOATS:
            return NotImplemented
        return graph.node(kind, [graph.read(x, result.dtype)], result.dtype)

    return written


OPERATIONS.update({name: activation(kind) for name, kind in ACTIVATIONS.items()})


@form(np.ldexp)
def ldexp(graph: Graph, result: Any, x: Any, exponent: Any) -> Any:
    """``x * 2**exponent``"""
    power = Term(graph, graph.read(2, result.dtype)).node("Pow", exponent)
    return (Term(graph, graph.read(x, result.dtype)) * power).name


@form("gelu")
def gelu(graph: Graph, result: Any, x: Any) -> Any:
    """``x * (1 + erf(x / sqrt(2))) / 2``"""
    if result.dtype not in SHORT_FLOATS:
        return NotImplemented
    term = Term(graph, graph.read(x, result.dtype))
    return (((term / math.sqrt(2)).node("Erf") + 1) * term * 0.5).name


@form("erfc")
def erfc(graph: Graph, result: Any, x: Any) -> Any:
    """``1 - erf(x)``"""
    if result.dtype not in SHORT_FLOATS:
        return NotImplemented
    return (1 - Term(graph, graph.read(x, result.dtype)).node("Erf")).name


@form("ndtr")
def ndtr(graph: Graph, result: Any, x: Any) -> Any:
    """``(1 + erf(x / sqrt(2))) / 2``"""
    if result.dtype not in SHORT_FLOATS:
        return NotImplemented
    term = Term(graph, graph.read(x, result.dtype))
    return (((term / math.sqrt(2)).node("Erf") + 1) * 0.5).name


@form("leaky_relu")
def leaky_relu(graph: Graph, result: Any, x: Any, slope: float) -> Any:
    """``LeakyRelu``"""
    if result.dtype not in SHORT_FLOATS:
        return NotImplemented
    return graph.node("LeakyRelu", [graph.read(x, result.dtype)], result.dtype, alpha=float(slope))


@form("elu")
def elu(graph: Graph, result: Any, x: Any, alpha: float) -> Any:
    """``Elu``"""
    if result.dtype not in SHORT_FLOATS:
        return NotImplemented
    return graph.node("Elu", [graph.read(x, result.dtype)], result.dtype, alpha=float(alpha))


@form("prelu")
def prelu(graph: Graph, result: Any, x: Any, weight: Any) -> Any:
    """``PRelu``"""
    return graph.node("PRelu", [graph.read(x, result.dtype), graph.read(weight, result.dtype)], result.dtype)


@form("clamp")
def clamp(graph: Graph, result: Any, x: Any, low: Any, high: Any) -> Any:
    """``Clip``"""
    bounds = ["" if bound is None else graph.read(bound, result.dtype) for bound in (low, high)]
    while bounds and not bounds[-1]:
        bounds.pop()
    return graph.node("Clip", [graph.read(x, result.dtype), *bounds], result.dtype)


@form(np.clip, ndarray.clip)
def clip(graph: Graph, result: Any, x: Any, a_min: Any = None, a_max: Any = None, **_: Any) -> Any:
    """``np.clip``"""
    if any(getattr(bound, "shape", ()) for bound in (a_min, a_max)):
        return NotImplemented
    return clamp(graph, result, x, a_min, a_max)


@form("where", np.where)
def where(graph: Graph, result: Any, condition: Any, a: Any, b: Any) -> Any:
    """``Where``"""
    operands = [graph.read(condition, np.dtype(bool)), graph.read(a, result.dtype), graph.read(b, result.dtype)]
    return graph.node("Where", operands, result.dtype)


@form("astype", ndarray.astype)
def astype(graph: Graph, result: Any, x: Any, *_: Any, **__: Any) -> Any:
    """``Cast``; floats become integers towards 0, as in NumPy."""
    return graph.read(x, result.dtype)


@form("clone", ndarray.copy, np.copy)
def copy(graph: Graph, result: Any, x: Any, *_: Any, **__: Any) -> Any:
    """Itself: nothing of a graph is written to."""
    return graph.read(x)


@form("round_decimals")
def round_decimals(graph: Graph, result: Any, x: Any, decimals: int) -> Any:
    """``round(x * 10**decimals) / 10**decimals``, half to even."""
    term = Term(graph, graph.read(x, result.dtype))
    if result.dtype.kind != "f":
        return NotImplemented
    scale = 10.0 ** abs(decimals)
    return ((term * scale).node("Round") / scale if decimals > 0 else (term / scale).node("Round") * scale).name
