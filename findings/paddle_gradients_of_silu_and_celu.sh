#!/usr/bin/env bash
# PaddlePaddle 3.3.1 on a CPU: what are the gradients of silu at -100 and of celu at 100, in float32?
#
# Expected: 0 (3.7e-42) and 1. The values, -0 and 100, are right, and so are both gradients in float64.
# Seen: NaN, both. exp(100) is infinite in float32, and the rules multiply it by 0. celu is the identity there: one
# activation of 89 or more makes every gradient below it NaN, while the loss is finite. elu and sigmoid are right at
# both points.
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


def gradient(function, number, dtype):
    x = paddle.to_tensor([number], dtype=dtype, stop_gradient=False)
    y = function(x)
    y.sum().backward()
    assert np.isfinite(y.numpy()).all()
    return x.grad.numpy()[0]


for function, number, right in ((F.silu, -100.0, 0), (F.celu, 100.0, 1)):
    single, double = gradient(function, number, "float32"), gradient(function, number, "float64")
    print(f"paddle {paddle.__version__}, {function.__name__} at {number}: float32 {single}, float64 {double}")
    assert np.isnan(single) and abs(double - right) < 1e-12
assert np.isfinite(gradient(F.celu, 80.0, "float32")) and gradient(F.elu, 100.0, "float32") == 1
assert np.isfinite(gradient(F.sigmoid, -100.0, "float32"))
print("as described")
PY
