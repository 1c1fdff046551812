#!/usr/bin/env bash
# PyTorch 2.14.1: is GroupNorm as exact on a channels_last batch as on a contiguous one?
#
# Expected: yes, the same values in another order in memory: an error of about 1e-3 at mean 1e4 and deviation 1, where
# float32 itself keeps about 1e-3 of the input.
# Seen: contiguous 1.1e-3; channels_last is off by more than 1,000 at mean 1e4 and by about 0.4 at mean 1e3, without a
# warning. BatchNorm2d on the same channels_last batch is right to 4e-3.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q torch==2.14.1 numpy==2.4.6
"$folder/venv/bin/python" - <<'PY'
import torch

torch.manual_seed(0)
errors = {}
for mean in (1e3, 1e4):
    x = torch.randn(4, 8, 8, 8) + mean
    right = torch.nn.GroupNorm(2, 8).double()(x.double())
    for layout in (torch.contiguous_format, torch.channels_last):
        y = torch.nn.GroupNorm(2, 8)(x.contiguous(memory_format=layout))
        errors[mean, layout] = (y - right).abs().max().item()
        print(f"torch {torch.__version__}: mean {mean:g}, {layout}: error {errors[mean, layout]:.2g}")
assert errors[1e4, torch.contiguous_format] < 1e-2 and errors[1e3, torch.contiguous_format] < 1e-3
assert errors[1e4, torch.channels_last] > 100 and errors[1e3, torch.channels_last] > 0.1
x = (torch.randn(16, 8, 8, 8) + 1e4).contiguous(memory_format=torch.channels_last)
right = torch.nn.BatchNorm2d(8).double()(x.double())
assert (torch.nn.BatchNorm2d(8)(x) - right).abs().max() < 1e-2
print("as described")
PY
