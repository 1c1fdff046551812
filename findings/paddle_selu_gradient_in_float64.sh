#!/usr/bin/env bash
# PaddlePaddle 3.3.1 on a CPU: what is the gradient of selu far to the left, in float64?
#
# Expected: scale * alpha * exp(x): 1.6e-13 at -30, positive and falling to 0, as PyTorch gives.
# Seen: -2.88e-8 from there on: of the wrong sign, and it does not fall. It is computed from the output, y + scale *
# alpha, with the product of the two constants rounded to float32, so the two do not cancel. Everything from about -18
# on is this remainder.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q paddlepaddle==3.3.1 setuptools==80.9.0
"$folder/venv/bin/python" - <<'PY'
import warnings

warnings.simplefilter("ignore")
import numpy as np
import paddle
import paddle.nn.functional as F

SCALE, ALPHA = 1.0507009873554804934, 1.6732632423543772848
x = paddle.to_tensor([-1.0, -10.0, -30.0, -100.0], dtype="float64", stop_gradient=False)
F.selu(x).sum().backward()
right, seen = SCALE * ALPHA * np.exp(x.numpy()), x.grad.numpy()
print(f"paddle {paddle.__version__}: gradients {seen}, right {right}")
assert abs(seen[0] / right[0] - 1) < 1e-6
assert (seen[2:] < -1e-8).all() and abs(seen[2] - seen[3]) < 1e-10
print("as described")
PY
