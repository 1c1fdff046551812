#!/usr/bin/env bash
# PaddlePaddle 3.3.1 on a CPU: what is erfinv of 1.5, and of 1e-8 in float32?
#
# Expected: NaN, since erf never reaches 1.5 (PyTorch and SciPy say NaN); and 8.86e-9, since erfinv(x) is x * sqrt(pi) /
# 2 near 0 and its float32 neighbours are 1e-15 apart there.
# Seen: infinity for every number above 1, and minus infinity below -1: what is outside the domain looks like its edge.
# In float32 erfinv(1e-8) is 0 and erfinv(1e-4) has three right digits only: it is computed by way of 1 + x, where
# float32 keeps steps of 1.2e-7. Normal numbers that are drawn as erfinv of uniform ones are on a coarse grid around 0.
# float64 is right at 1e-8.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q paddlepaddle==3.3.1 setuptools==80.9.0
"$folder/venv/bin/python" - <<'PY'
import warnings

warnings.simplefilter("ignore")
import math

import numpy as np
import paddle

outside = paddle.erfinv(paddle.to_tensor([1.5, -2.5, 30.0])).numpy()
print(f"paddle {paddle.__version__}: erfinv of 1.5, -2.5, 30 is {outside}")
assert outside.tolist() == [np.inf, -np.inf, np.inf]
small = [1e-8, 1e-4]
single, double = (paddle.erfinv(paddle.to_tensor(small, dtype=dtype)).numpy() for dtype in ("float32", "float64"))
print(f"of {small}: float32 {single}, float64 {double}")
right = np.array(small) * math.sqrt(math.pi) / 2
assert single[0] == 0 and 1e-5 < abs(single[1] / right[1] - 1) < 1e-2
assert np.abs(double / right - 1).max() < 1e-7
print("as described")
PY
