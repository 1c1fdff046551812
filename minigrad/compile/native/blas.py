"""The matrix products of the BLAS that NumPy is linked to, as pointers that C can call.

Its functions are found by name in the libraries that NumPy has loaded, and trusted after a small product with each.
"""

from __future__ import annotations

import functools
import importlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

ctypes: Any
try:
    import ctypes
except ImportError:  # some builds of Python are without
    ctypes = None

NAMES = (
    ("scipy_cblas_{}64_", 64),
    ("scipy_cblas_{}", 32),
    ("cblas_{}64_", 64),
    ("cblas_{}_64", 64),
    ("cblas_{}$NEWLAPACK$ILP64", 64),
    ("cblas_{}$NEWLAPACK", 32),
    ("cblas_{}", 32),
)
"""The names of functions, with the bits of their integers: NumPy's own wheels, distributions, MKL, Accelerate."""
PREFIXES = ("scipy_openblas_{}64_", "scipy_openblas_{}", "openblas_{}64_", "openblas_{}_64", "openblas_{}")
"""The names of settings of OpenBLAS."""
FUNCTIONS = ("sgemm", "dgemm", "sgemv", "dgemv")
ROWS, AS_IT_IS, TRANSPOSED = 101, 111, 112
"""CBLAS's constants: arrays in C's order, and whether an operand is transposed."""


class Products(NamedTuple):
    """Functions of CBLAS, by their addresses."""

    library: str
    """OpenBLAS, or BLAS where it does not tell its name."""
    names: str
    """The name of its functions: ``scipy_cblas_{}64_``."""
    bits: int
    """Bits of its integers: 32 or 64."""
    sgemm: int
    dgemm: int
    sgemv: int
    dgemv: int

    @property
    def integer(self) -> str:
        """The C type of its integers."""
        return f"int{self.bits}_t"


@functools.cache
def products() -> Products | None:
    """The products of NumPy's BLAS; None where they are not found, or do not compute what they should."""
    for library in libraries():
        for names, bits in NAMES:
            functions = [getattr(library, names.format(name), None) for name in FUNCTIONS]
            if all(functions):
                told = configuration(library)
                bits = 64 if "USE64BITINT" in told else bits  # such a build may have the names of others
                if not all(map(right, functions, FUNCTIONS, [bits] * len(FUNCTIONS))):
                    return None
                addresses = [ctypes.cast(function, ctypes.c_void_p).value for function in functions]
                return Products("OpenBLAS" if told else "BLAS", names, bits, *addresses)
    return None


def libraries() -> Iterator[Any]:
    """The libraries that may hold NumPy's BLAS: what NumPy is linked to, and what lies beside it.

    A symbol is looked for in all that a library is linked to, but for Windows.
    """
    if ctypes is None:
        return
    core: Any = importlib.import_module("numpy._core._multiarray_umath")
    beside = sorted(Path(np.__file__).parents[1].glob("numpy.libs/*openblas*"))
    for path in ([] if os.name == "nt" else [core.__file__]) + [str(path) for path in beside]:
        try:
            yield ctypes.CDLL(path)
        except OSError:
            continue


def setting(library: Any, name: str) -> Any:
    """A function of OpenBLAS's own, None if there is none."""
    return next(filter(None, (getattr(library, prefix.format(name), None) for prefix in PREFIXES)), None)


def configuration(library: Any) -> str:
    """What OpenBLAS says of itself; empty for another BLAS."""
    function = setting(library, "get_config")
    if function is None:
        return ""
    function.restype = ctypes.c_char_p
    return (function() or b"").decode(errors="replace")


def right(function: Any, name: str, bits: int) -> bool:
    """Whether a function multiplies small matrices of whole numbers without an error, one of them transposed."""
    integer = ctypes.c_int64 if bits == 64 else ctypes.c_int32
    dtype, real = (np.float32, ctypes.c_float) if name[0] == "s" else (np.float64, ctypes.c_double)
    pointer, order, n = ctypes.c_void_p, ctypes.c_int, integer
    a: Any = np.arange(6, dtype=dtype).reshape(2, 3) - 2
    b: Any
    out: Any
    if name.endswith("gemm"):
        b = np.arange(12, dtype=dtype).reshape(4, 3) - 5  # to be transposed
        out = np.arange(8, dtype=dtype).reshape(2, 4)
        expected = 3 * (a @ b.T) + 2 * out
        types = [order, order, order, n, n, n, real, pointer, n, pointer, n, real, pointer, n]
        values = [ROWS, AS_IT_IS, TRANSPOSED, 2, 4, 3, 3, a.ctypes.data, 3, b.ctypes.data, 3, 2, out.ctypes.data, 4]
    else:
        b = np.arange(2, dtype=dtype) + 4
        out = np.arange(3, dtype=dtype)
        expected = 3 * (a.T @ b) + 2 * out
        types = [order, order, n, n, real, pointer, n, pointer, n, real, pointer, n]
        values = [ROWS, TRANSPOSED, 2, 3, 3, a.ctypes.data, 3, b.ctypes.data, 1, 2, out.ctypes.data, 1]
    function.argtypes, function.restype = types, None
    function(*values)
    return bool((out == expected).all())


# -- threads -----------------------------------------------------------------------------------


def threads() -> int | None:
    """How many threads NumPy's BLAS multiplies with; None if it does not tell."""
    function = next(filter(None, (setting(library, "get_num_threads") for library in libraries())), None)
    return int(function()) if function else None


def set_threads(number: int) -> bool:
    """Have NumPy's BLAS multiply with so many threads; returns whether it can be told."""
    function = next(filter(None, (setting(library, "set_num_threads") for library in libraries())), None)
    if function:
        function.argtypes, function.restype = [ctypes.c_int], None
        function(number)
    return function is not None
