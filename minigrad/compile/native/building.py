"""A shared object from C, with the compiler on the path."""

from __future__ import annotations

import ctypes
import glob
import os
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from .errors import CannotBuild

FLAGS = ["-march=native", "-mprefer-vector-width=512", "-fno-math-errno", "-fno-trapping-math",
         "-ffp-contract=fast", "-fwrapv", "-fopenmp-simd", "-fPIC", "-shared", "-w"]  # fmt: skip


def build(source: str, level: str = "-O3") -> ctypes.CDLL:
    folder = tempfile.mkdtemp(prefix="minigrad-c-")
    path = Path(folder, "step.c")
    path.write_text(source)
    result = subprocess.run(["gcc", level, *FLAGS, str(path), "-o", f"{folder}/step.so", "-lm"], capture_output=True, text=True)
    if result.returncode:
        raise CannotBuild(result.stderr[:3000])
    library = ctypes.CDLL(f"{folder}/step.so")
    if not os.environ.get("KEEP_C"):
        for name in ("step.c", "step.so"):
            Path(folder, name).unlink()
        Path(folder).rmdir()
    return library


def products() -> Any:
    """Addresses of sgemm and dgemm, and the C type of their integers."""
    for path in glob.glob(str(Path(np.__file__).parents[1] / "numpy.libs" / "libscipy_openblas64_*")):
        library = ctypes.CDLL(path)
        return [ctypes.cast(library[f"scipy_cblas_{t}gemm64_"], ctypes.c_void_p).value for t in "sd"], "int64_t"
    raise CannotBuild("no BLAS")
