"""Functions of elements and reductions in C, as NumPy computes them: which there are, and for which dtypes.

``MAPS`` names them by NumPy's ufuncs; ``FLOATS``, ``INTEGERS`` and ``BOOLEANS`` have the C expression of each.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

TYPES = {
    "float32": "float", "float64": "double", "float16": "_Float16", "bool": "unsigned char",
    **{f"{u}int{bits}": f"{u}int{bits}_t" for u in ("", "u") for bits in (8, 16, 32, 64)},
}  # fmt: skip
"""C's names of NumPy's dtypes."""


def c_type(dtype: Any) -> str:
    """C's name of a dtype in memory."""
    return TYPES[str(np.dtype(dtype))]


# fmt: off
COMPARISONS = {
    "equal": "{0} == {1}", "not_equal": "{0} != {1}", "less": "{0} < {1}", "less_equal": "{0} <= {1}",
    "greater": "{0} > {1}", "greater_equal": "{0} >= {1}",
}
LOGIC = {
    "logical_and": "({0} != 0) & ({1} != 0)", "logical_or": "({0} != 0) | ({1} != 0)",
    "logical_xor": "({0} != 0) ^ ({1} != 0)", "logical_not": "{0} == 0",
}
ARITHMETIC = {"add": "{0} + {1}", "subtract": "{0} - {1}", "multiply": "{0} * {1}", "negative": "-{0}",
              "positive": "{0}", "square": "{0} * {0}", "copy": "{0}", "where": "{0} ? {1} : {2}"}

FLOATS = {
    **ARITHMETIC, **COMPARISONS, **LOGIC,
    "divide": "{0} / {1}", "reciprocal": "1 / {0}",
    "absolute": "abs_{t}({0})", "fabs": "abs_{t}({0})", "sqrt": "sqrt_{t}({0})",
    **{name: name + "_{t}({0}, {1})" for name in ("maximum", "minimum", "fmax", "fmin")},
    "isnan": "{0} != {0}", "isfinite": "abs_{t}({0}) <= MAX_{t}", "isinf": "abs_{t}({0}) > MAX_{t}",
    "signbit": "signbit({0}) != 0",
    "sign": "{0} > 0 ? 1 : {0} < 0 ? -1 : {0} == 0 ? 0 : {0}",
    "exp": "exp_{t}({0})", "log": "log_{t}({0})", "tanh": "tanh_{t}({0})",
    **{name: name + "_{t}({0})" for name in ("expm1", "exp2", "log1p", "log2", "log10", "sin", "cos", "tan", "sinh",
                                             "cosh", "asin", "acos", "atan", "asinh", "acosh", "atanh", "floor", "ceil",
                                             "trunc", "rint", "cbrt")},
    **{name: name + "_{t}({0}, {1})" for name in ("pow", "fmod", "copysign", "hypot", "atan2", "nextafter",
                                                  "floor_divide", "remainder", "logaddexp", "logaddexp2")},
    "deg2rad": "{0} * ({t})(3.14159265358979323846 / 180)", "rad2deg": "{0} * ({t})(180 / 3.14159265358979323846)",
}
"""Expressions for float and double; {t} is which."""

INTEGERS = {
    **ARITHMETIC, **COMPARISONS, **LOGIC,
    "absolute": "{0} < 0 ? -{0} : {0}", "maximum": "{0} > {1} ? {0} : {1}", "minimum": "{0} < {1} ? {0} : {1}",
    "fmax": "{0} > {1} ? {0} : {1}", "fmin": "{0} < {1} ? {0} : {1}",
    "sign": "({0} > 0) - ({0} < 0)", "bitwise_and": "{0} & {1}", "bitwise_or": "{0} | {1}", "bitwise_xor": "{0} ^ {1}",
    "invert": "~{0}",
    "floor_divide": "FLOOR_DIVIDE({0}, {1})", "remainder": "REMAINDER({0}, {1})", "fmod": "FMOD({0}, {1})",
}

BOOLEANS = {
    **COMPARISONS, **LOGIC, "copy": "{0}", "where": "{0} ? {1} : {2}", "positive": "{0}",
    "add": "{0} | {1}", "multiply": "{0} & {1}", "bitwise_and": "{0} & {1}", "bitwise_or": "{0} | {1}",
    "bitwise_xor": "{0} ^ {1}", "invert": "!{0}", "maximum": "{0} | {1}", "minimum": "{0} & {1}",
    "absolute": "{0}", "fmax": "{0} | {1}", "fmin": "{0} & {1}",
}

RENAMED = {"power": "pow", "float_power": "pow", "arctan2": "atan2", "arcsin": "asin", "arccos": "acos",
           "arctan": "atan", "arcsinh": "asinh", "arccosh": "acosh", "arctanh": "atanh", "radians": "deg2rad",
           "degrees": "rad2deg"}
# fmt: on

UFUNCS = {getattr(np, name) for name in dir(np) if isinstance(getattr(np, name), np.ufunc)}
MAPS = {
    ufunc: name
    for ufunc in UFUNCS
    if (name := RENAMED.get(ufunc.__name__, ufunc.__name__)) in FLOATS.keys() | INTEGERS.keys() | BOOLEANS.keys()
}
"""The names of NumPy's ufuncs here."""

REDUCTIONS: dict[Any, str] = {
    np.add: "add", np.multiply: "multiply", np.maximum: "maximum", np.minimum: "minimum", np.logical_or: "logical_or",
    np.logical_and: "logical_and", np.bitwise_or: "bitwise_or", np.bitwise_and: "bitwise_and",
}  # fmt: skip


POWERS = {0.0: None, 1.0: "positive", 2.0: "square", 0.5: "sqrt", -1.0: "reciprocal"}
"""What a power with a known exponent is."""

FAST_POWERS = bool(np.signbit(np.power(np.array([-0.0]), 0.5))[0])
"""Whether NumPy takes the square root for it, which differs at -0 and -infinity."""


def table(dtype: Any) -> dict[str, str]:
    """The expressions for operands of a dtype."""
    kind = np.dtype(dtype).kind
    return FLOATS if kind == "f" else BOOLEANS if kind == "b" else INTEGERS


def is_known(ufunc: np.ufunc, loop: Sequence[Any]) -> bool:
    """Whether C has a ufunc for these dtypes of operands and result: all operands have the same one."""
    dtypes = [np.dtype(dtype) for dtype in loop]
    operands = dtypes[: ufunc.nin]
    if ufunc not in MAPS or any(dtype.kind not in "fiub" or dtype.itemsize > 8 for dtype in dtypes):
        return False
    return len(set(operands)) == 1 and MAPS[ufunc] in table(operands[0])


def casts_alike(source: Any, target: Any) -> bool:
    """Whether C's conversion gives what NumPy's gives: not where floats may be out of an integer's range."""
    source, target = np.dtype(source), np.dtype(target)
    return not (source.kind == "f" and target.kind in "iu") or (target.kind == "i" and target.itemsize >= 4)


IDENTITIES = {"add": "0", "multiply": "1", "logical_or": "0", "logical_and": "1", "bitwise_or": "0",
              "bitwise_and": "-1", "logaddexp": "-INFINITY"}  # fmt: skip


def identity(op: str, dtype: Any) -> str:
    """What a reduction begins with."""
    dtype = np.dtype(dtype)
    if op in IDENTITIES:
        return "1" if dtype.kind == "b" and op == "bitwise_and" else IDENTITIES[op]
    if dtype.kind == "f":
        return "-INFINITY" if op == "maximum" else "INFINITY"
    if dtype.kind == "b":
        return "0" if op == "maximum" else "1"
    information = np.iinfo(dtype)
    return literal(information.min if op == "maximum" else information.max, dtype)


def literal(value: Any, dtype: Any) -> str:
    """A number in C."""
    dtype = np.dtype(dtype)
    if dtype.kind == "b":
        return "1" if value else "0"
    if dtype.kind in "iu":
        whole = int(value)
        if whole == -(2**63):
            return "INT64_MIN"
        return f"{whole}" + ("u" if dtype.kind == "u" else "") + ("ll" if dtype.itemsize == 8 else "")
    number = float(value)
    if number != number:
        return f"({c_working(dtype)})NAN"
    if number in (float("inf"), float("-inf")):
        return "INFINITY" if number > 0 else "-INFINITY"
    if dtype == np.float64:
        return repr(number)
    text = str(np.float32(number))
    return text + ("f" if "." in text or "e" in text else ".0f")


def c_working(dtype: Any) -> str:
    """The type C computes in: float16 is rounded after each operation, as NumPy does."""
    return "float" if np.dtype(dtype) == np.float16 else c_type(dtype)


def expression(op: str, args: Sequence[str], operand: Any, result: Any) -> str:
    """A function of elements applied to variables."""
    operand, result = np.dtype(operand), np.dtype(result)
    text = table(operand)[op].format(*args, t=c_working(operand))
    return rounded(text, result)


def rounded(text: str, dtype: Any) -> str:
    """An expression in the dtype of its result."""
    return f"(float)(_Float16)({text})" if np.dtype(dtype) == np.float16 else text


def cast(text: str, source: Any, target: Any) -> str:
    """A variable in another dtype."""
    source, target = np.dtype(source), np.dtype(target)
    if target.kind == "b":
        return f"{text} != 0"
    if target == np.float16:
        return f"(float)(_Float16){text}"
    if source.kind == "b" and target.kind == "f":
        return f"{text} ? ({c_type(target)})1 : 0"
    return f"({c_type(target)}){text}"
