"""Builds of BLAS and processors for the tests of ``minigrad doctor``."""

from __future__ import annotations

BUILD = "OpenBLAS 0.3.31.188.0  USE64BITINT DYNAMIC_ARCH NO_AFFINITY Haswell MAX_THREADS=64"
AVX512 = {"AVX2": True, "AVX512_SKX": True}
OTHER = {"OPENBLAS_CORETYPE": "SkylakeX"}
