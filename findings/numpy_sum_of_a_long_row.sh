#!/usr/bin/env bash
# NumPy 2.0.2 and 2.4.6: how exact is the float32 sum of a long contiguous row?
#
# Expected: NumPy adds pairwise along a contiguous row, so the error hardly grows with the length.
# Seen: for 4,000,000 equal terms of 0.1 the sum of NumPy 2.0.2 is wrong by 3.5e-6 of itself, 50 times as much as that of
# 2.4.6 (6e-8): the older one adds its buffers of 8,192 elements one after the other. A program that promises six digits
# for sums has to add long rows in pieces itself as long as it admits NumPy 2.0.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/2.0.2"
"$folder/2.0.2/bin/python" -m pip install -q numpy==2.0.2
python3 -m venv "$folder/2.4.6"
"$folder/2.4.6/bin/python" -m pip install -q numpy==2.4.6
for version in 2.0.2 2.4.6; do
    "$folder/$version/bin/python" - "$version" <<'PY'
import sys

import numpy as np

terms = np.full(4_000_000, 0.1, np.float32)
error = abs(float(terms.sum()) / (float(np.float32(0.1)) * terms.size) - 1)
print(f"NumPy {np.__version__}: relative error {error:.1e}")
assert np.__version__ == sys.argv[1]
assert (error > 1e-6) == (sys.argv[1] == "2.0.2"), "not as described"
PY
done
