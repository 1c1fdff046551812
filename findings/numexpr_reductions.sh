#!/usr/bin/env bash
# NumExpr 2.14.2 with NumPy 2.4.6: are its sum, min and max of a float32 array those of NumPy?
#
# Expected: sums to about 1e-6 (NumPy adds pairwise, or in float64), and NaN from min and max of an array that holds
# one.
# Seen: the sum of ten million float32 values of 0.1 is 1,087,937 instead of 1,000,000, wrong by 9 %: it adds one after
# the other in float32. min and max skip a NaN or not, as it lies: max of 1, NaN, 0 is 1. And an int32 array's sum stays
# int32 and wraps around, where NumPy's is int64. No warning. sum(x * x) of one fused pass, what NumExpr is for, is not
# fit for a loss or a variance.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q numexpr==2.14.2 numpy==2.4.6
"$folder/venv/bin/python" - <<'PY'
import numexpr
import numpy as np

tenths, broken = np.full(10_000_000, 0.1, np.float32), np.array([1, np.nan, 0], np.float32)
whole = np.full(3, 2**30, np.int32)
total = float(numexpr.evaluate("sum(tenths)"))
print(f"numexpr {numexpr.__version__}: sum {total}, NumPy {tenths.sum()}")
assert abs(tenths.sum() / 1e6 - 1) < 1e-6 and abs(total / 1e6 - 1) > 0.05
largest = float(numexpr.evaluate("max(broken)"))
print(f"max of {broken}: {largest}, NumPy {broken.max()}")
assert largest == 1 and np.isnan(broken.max())
wrapped = numexpr.evaluate("sum(whole)")
print(f"sum of {whole}: {wrapped} ({wrapped.dtype}), NumPy {whole.sum()}")
assert wrapped.dtype == np.int32 and wrapped == 3 * 2**30 - 2**32 and whole.sum() == 3 * 2**30
print("as described")
PY
