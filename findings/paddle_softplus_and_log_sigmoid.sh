#!/usr/bin/env bash
# PaddlePaddle 3.3.1 on a CPU: how small can softplus, mish and log_sigmoid get in float32?
#
# Expected: softplus(-20) is 2.06e-9, mish(-20) is -4.1e-8 and log_sigmoid(20.5) is -1.25e-9: log1p is there, and
# PyTorch has these.
# Seen: 0, all three: the logarithm is taken of 1 + exp(x), where everything below 6e-8 is lost. A scale parameter that
# is kept positive by softplus is exactly 0 at -20, and a division by it infinite, while the gradient there is still
# right. The library's own log1p has the value, and float64 does, too.
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

for function, number, right in (
    (F.softplus, -20.0, 2.0611537e-9),
    (F.mish, -20.0, -4.1223072e-8),
    (F.log_sigmoid, 20.5, -1.2501528e-9),
):
    single, double = (function(paddle.to_tensor([number], dtype=t)).numpy()[0] for t in ("float32", "float64"))
    print(f"paddle {paddle.__version__}, {function.__name__} of {number}: float32 {single}, float64 {double}")
    assert single == 0 and abs(double / right - 1) < 1e-6
assert abs(paddle.log1p(paddle.exp(paddle.to_tensor([-20.0]))).numpy()[0] / 2.0611537e-9 - 1) < 1e-5
x = paddle.to_tensor([-20.0], stop_gradient=False)
F.softplus(x).backward()
assert abs(x.grad.numpy()[0] / 2.0611537e-9 - 1) < 1e-3
print("as described")
PY
