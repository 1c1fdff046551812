#!/usr/bin/env bash
# PyTorch 2.14.1: how exact are BatchNorm1d's statistics of 2**24 float32 values in one channel?
#
# Expected: the same for (2**24, 1) and (1, 1, 2**24), which hold the same values of one channel: errors far below 1e-5,
# since the CPU kernel adds in pieces or in float64.
# Seen: (1, 1, 2**24) is right to 1e-8. For (2**24, 1) the mean of values around 0.1 is wrong by 0.015 on
# one thread and by 0.006 on two, and the variance is 2.4e-4 and 3.5e-5 instead of 1e-6: that layout is summed row after
# row in float32. With 16 channels and 2**20 rows the error of the mean is already 8e-5.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q torch==2.14.1 numpy==2.4.6
"$folder/venv/bin/python" - <<'PY'
import torch

torch.manual_seed(0)
values = torch.randn(2**24) * 1e-3 + 0.1
torch.set_num_threads(1)
seen = {}
for shape in ((2**24, 1), (1, 1, 2**24)):
    norm = torch.nn.BatchNorm1d(1, momentum=1.0)
    norm(values.reshape(shape))
    seen[shape] = abs(norm.running_mean.item() - values.double().mean().item()), norm.running_var.item()
    print(f"torch {torch.__version__}: {shape}: error of the mean {seen[shape][0]:.1e}, variance {seen[shape][1]:.1e}")
assert seen[1, 1, 2**24][0] < 1e-6 and abs(seen[1, 1, 2**24][1] - 1e-6) < 1e-8
assert seen[2**24, 1][0] > 1e-3 and seen[2**24, 1][1] > 1e-5
print("as described")
PY
