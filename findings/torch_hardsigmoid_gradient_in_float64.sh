#!/usr/bin/env bash
# PyTorch 2.14.1 on a CPU: how exact is the gradient of hardsigmoid in float64?
#
# Expected: as its value: 1/6 between -3 and 3, to the last bit or two of float64.
# Seen: the value is, the gradient is 0.1666666716337204, which is 1/6 rounded to float32: wrong from the eighth digit on.
# hardswish, whose rule has the same constants, is exact. A gradient check with a tolerance below 3e-8 fails for this one
# function, on the side that is taken to be right.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q torch==2.14.1 numpy==2.4.6
"$folder/venv/bin/python" - <<'PY'
import numpy as np
import torch
import torch.nn.functional as F

print("torch", torch.__version__)


def value_and_gradient(function):
    """Of 0.5 in float64."""
    x = torch.tensor(0.5, dtype=torch.float64, requires_grad=True)
    y = function(x)
    return y.item(), torch.autograd.grad(y, x)[0].item()


value, gradient = value_and_gradient(F.hardsigmoid)
print(f"hardsigmoid(0.5) = {value!r}, gradient {gradient!r}, 1/6 = {1 / 6!r}")
assert abs(value - 3.5 / 6) < 1e-15
assert gradient == float(np.float32(1 / 6)) and abs(gradient - 1 / 6) > 4e-9
value, gradient = value_and_gradient(F.hardswish)
print(f"hardswish(0.5)   = {value!r}, gradient {gradient!r}")
assert abs(value - 0.5 * 3.5 / 6) < 1e-15 and abs(gradient - (0.5 / 3 + 0.5)) < 1e-15
print("as described")
PY
