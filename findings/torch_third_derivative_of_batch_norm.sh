#!/usr/bin/env bash
# PyTorch 2.14.1: how often can batch_norm be differentiated?
#
# Expected: any number of times with create_graph=True, as the sum, product and square root in its formula can.
# Seen: two times. The third raises a RuntimeError (stated in words). The same formula written with mean and var has its
# third derivative.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q torch==2.14.1 numpy==2.4.6
"$folder/venv/bin/python" - <<'PY'
import torch
from torch.nn.functional import batch_norm

torch.manual_seed(0)
x = torch.randn(5, 2, dtype=torch.float64, requires_grad=True)
weight = torch.randn(5, 2, dtype=torch.float64)


def third(norm):
    value = (norm(x) * weight).pow(3).sum()
    for order in range(3):
        (gradient,) = torch.autograd.grad(value, x, create_graph=True)
        value = gradient.pow(2).sum()
    return gradient


def formula(x):
    return (x - x.mean(0)) / (x.var(0, unbiased=False) + 1e-5).sqrt()


assert torch.isfinite(third(formula)).all()
try:
    third(lambda x: batch_norm(x, None, None, training=True))
except RuntimeError as error:
    print(f"torch {torch.__version__}: {error}")
else:
    raise AssertionError("differentiated three times")
print("as described")
PY
