#!/usr/bin/env bash
# tinygrad 0.14.0 (its PYTHON device): how exact are tanh, erf, asinh and atan of small float32 numbers?
#
# Expected: tanh(1e-8) is 1e-8, as sin(1e-8) is there: all these functions are x near 0 (erf 1.128 * x), and float32 has
# 1e-8.
# Seen: tanh, erf, asinh, atanh and sinh of 1e-8 are exactly 0, and atan and asin of it are 1.2e-7, twelve times too
# large. At 1e-4 they have 3 or 4 right digits. All are composed of exp and log around 1 or of polynomials with an
# absolute error in mind. asinh(-100), the logarithm of a difference, is wrong in the fourth digit, asinh(100) is right.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q tinygrad==0.14.0 numpy==2.4.6
"$folder/venv/bin/python" - <<'PY'
import os

os.environ["DEV"] = "PYTHON"
import math

from tinygrad import Tensor


def of(name, number):
    return float(getattr(Tensor([number]), name)().numpy()[0])


for name in ("tanh", "erf", "asinh", "atanh", "sinh", "atan", "asin", "sin"):
    tiny, small = of(name, 1e-8), of(name, 1e-4)
    error = abs(small / getattr(math, name)(1e-4) - 1)
    print(f"{name}: {tiny:.3g} at 1e-8, relative error {error:.1g} at 1e-4")
    if name == "sin":
        assert abs(tiny / 1e-8 - 1) < 1e-6 and error < 1e-6
    elif name in ("atan", "asin"):
        assert tiny > 1e-7 and error > 1e-4
    else:
        assert tiny == 0 and 2e-5 < error < 1e-3
left, right = of("asinh", -100.0), of("asinh", 100.0)
print(f"asinh of -100 and 100: {left}, {right}, right {math.asinh(100)}")
assert abs(right / math.asinh(100) - 1) < 1e-6 and abs(left / math.asinh(-100) - 1) > 5e-5
print("as described")
PY
