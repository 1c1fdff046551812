#!/usr/bin/env bash
# PyTorch 2.14.1: which layers do torch.nn.utils.fusion's functions fuse with a BatchNorm?
#
# Expected: fuse_linear_bn_eval takes BatchNorm1d(affine=False) as fuse_conv_bn_eval takes BatchNorm2d(affine=False), and
# fuse_conv_bn_eval(transpose=True) takes a ConvTranspose2d with groups as it takes one without.
# Seen: both fail. Linear with affine=False is a TypeError about None * Tensor from inside, and the transposed convolution
# with groups=2 a RuntimeError about sizes 3 and 6. Neither names the limit.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q torch==2.14.1 numpy==2.4.6
"$folder/venv/bin/python" - <<'PY'
import torch
from torch import nn
from torch.nn.utils import fusion

torch.manual_seed(0)
x, image = torch.randn(2, 3), torch.randn(2, 4, 5, 5)
conv, norm = nn.Conv2d(4, 6, 3).eval(), nn.BatchNorm2d(6, affine=False).eval()
assert (fusion.fuse_conv_bn_eval(conv, norm)(image) - norm(conv(image))).abs().max() < 1e-5
try:
    fusion.fuse_linear_bn_eval(nn.Linear(3, 4).eval(), nn.BatchNorm1d(4, affine=False).eval())
except TypeError as error:
    print(f"torch {torch.__version__}: Linear: {error}")
else:
    raise AssertionError("fused")
norm = nn.BatchNorm2d(6).eval()
norm.running_var.uniform_(0.5, 2)
plain = nn.ConvTranspose2d(4, 6, 3).eval()
assert (fusion.fuse_conv_bn_eval(plain, norm, transpose=True)(image) - norm(plain(image))).abs().max() < 1e-5
try:
    fusion.fuse_conv_bn_eval(nn.ConvTranspose2d(4, 6, 3, groups=2).eval(), norm, transpose=True)
except RuntimeError as error:
    print(f"torch {torch.__version__}: ConvTranspose2d with groups: {error}")
else:
    raise AssertionError("fused")
print("as described")
PY
