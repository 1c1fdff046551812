#!/usr/bin/env bash
# PyTorch 2.14.1: how exact is the gradient of torch.sinc near 0?
#
# Expected: as exact as sinc itself: about -pi**2 * x / 3 for a small x, to float32's six digits, as the derivative of
# sin or tanh is there.
# Seen: it is noise. In float32 it is wrong by 1 % at 1e-3 and by a factor of almost 3 at 1e-4, and it is 0 at 1e-5. In
# float64 36 % are missing at 1e-8. The rule (cos(pi x) pi x - sin(pi x)) / (pi x**2) subtracts two numbers that are
# equal to almost all their digits.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q torch==2.14.1 numpy==2.4.6
"$folder/venv/bin/python" - <<'PY'
import math

import torch

errors = {}
for dtype in (torch.float32, torch.float64):
    for number in (1e-3, 1e-4, 1e-5, 1e-8):
        x = torch.tensor(number, dtype=dtype, requires_grad=True)
        torch.sinc(x).backward()
        right = -(math.pi**2) * x.item() / 3
        errors[dtype, number] = x.grad.item() / right - 1
        print(f"torch {torch.__version__}, {dtype}, {number}: gradient {x.grad.item():.4g}, right {right:.4g}")
assert abs(errors[torch.float32, 1e-3]) > 1e-3 and abs(errors[torch.float32, 1e-4]) > 0.1
assert abs(errors[torch.float32, 1e-5]) > 0.5 and abs(errors[torch.float64, 1e-8]) > 0.05
assert abs(errors[torch.float64, 1e-4]) < 1e-6
print("as described")
PY
