#!/usr/bin/env bash
# Numba 0.68.1 with NumPy 2.4.6: does a compiled function give the sum, mean, median and histogram that it gives
# uncompiled?
#
# Expected: yes, to rounding. Numba compiles NumPy's functions; the code is the same.
# Seen: the sum and mean of a million float32 values of 0.1 are wrong by 1 % compiled (added one after the other in
# float32), where NumPy's are right to 1e-7. The median of four numbers of which one is NaN is the median of some of
# them, where NumPy's is NaN. The histogram of 0, 0.2, ..., 1 in five bins is 1 1 1 1 2 compiled and 1 1 2 0 2
# uncompiled.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q numba==0.68.1 numpy==2.4.6
"$folder/venv/bin/python" - <<'PY'
import numba
import numpy as np


def statistics(tenths, broken, grid):
    return tenths.sum(), tenths.mean(), np.median(broken), np.histogram(grid, 5)[0]


tenths, broken = np.full(1_000_000, 0.1, np.float32), np.array([1.5, -2.5, 0.5, np.nan])
grid = np.array([0, 0.2, 0.4, 0.6, 0.8, 1.0])
plain, compiled = statistics(tenths, broken, grid), numba.njit(statistics)(tenths, broken, grid)
for name, (total, mean, median, histogram) in (("NumPy", plain), (f"Numba {numba.__version__}", compiled)):
    print(f"{name}: sum {total}, mean {mean}, median {median}, histogram {histogram}")
assert abs(plain[0] / 1e5 - 1) < 1e-6 and abs(compiled[0] / 1e5 - 1) > 5e-3 and abs(compiled[1] / 0.1 - 1) > 5e-3
assert np.isnan(plain[2]) and np.isfinite(compiled[2])
assert plain[3].tolist() == [1, 1, 2, 0, 2] and compiled[3].tolist() == [1, 1, 1, 1, 2]
print("as described")
PY
