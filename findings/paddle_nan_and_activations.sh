#!/usr/bin/env bash
# PaddlePaddle 3.3.1 on a CPU: what do relu and sinc make of a NaN?
#
# Expected: NaN, as relu6, sigmoid, tanh and the other activations of the same library give, and as PyTorch's relu and
# sinc do: a NaN from a division by 0 three layers below shows itself in the loss.
# Seen: relu(NaN) is 0, in float32 and float64, with gradient 0: the NaN is gone, and the loss is finite. sinc(NaN) is
# 1, and so is sinc of infinity, which should be 0 or NaN. relu6(NaN) is NaN.
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

for dtype in ("float32", "float64"):
    x = paddle.to_tensor([np.nan, -1.0, 2.0], dtype=dtype, stop_gradient=False)
    y = F.relu(x)
    y.sum().backward()
    sinc = paddle.sinc(paddle.to_tensor([np.nan, np.inf, 0.5], dtype=dtype)).numpy()
    print(f"paddle {paddle.__version__} {dtype}: relu {y.numpy()}, gradient {x.grad.numpy()}, sinc {sinc}")
    assert y.numpy().tolist() == [0, 0, 2] and x.grad.numpy().tolist() == [0, 0, 1]
    assert sinc[:2].tolist() == [1, 1] and abs(sinc[2] - 2 / np.pi) < 1e-6
    for function in (F.relu6, F.sigmoid, F.tanh, F.silu):
        assert np.isnan(function(x).numpy()[0]), function
print("as described")
PY
