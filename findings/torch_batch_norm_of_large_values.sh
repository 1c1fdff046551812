#!/usr/bin/env bash
# PyTorch 2.14.1: what does BatchNorm1d make of the float32 batch 1e25, 3e25?
#
# Expected: -1 and 1: mean and deviation fit float32, and float64 sums inside would carry the squares; else NaN or inf, which
# can be noticed.
# Seen: 0 and 0. The variance overflows to infinity, and the values divided by it vanish. The running variance becomes
# infinite, so in evaluation mode every later input gives the bias.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q torch==2.14.1 numpy==2.4.6
"$folder/venv/bin/python" - <<'PY'
import torch

norm = torch.nn.BatchNorm1d(1)
y = norm(torch.tensor([[1e25], [3e25]]))
print(f"torch {torch.__version__}: {y.flatten().tolist()}, running variance {norm.running_var.item()}")
assert y.flatten().tolist() == [0.0, 0.0] and norm.running_var.item() == float("inf")
assert norm.eval()(torch.tensor([[5e30]])).item() == 0.0
print("as described")
PY
