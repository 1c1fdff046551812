#!/usr/bin/env bash
# PyTorch 2.14.1: does swa_utils.update_bn leave a frozen BatchNorm alone?
#
# Expected: a BatchNorm that was put in eval mode in a model that is otherwise in train mode (the usual way to freeze it)
# keeps its statistics, and its mode afterwards, because the function says it restores the model's mode.
# Seen: the mode of the root is given to every module. The frozen BatchNorm's statistics are reset and taken anew, and it
# is in train mode afterwards, so the next training step moves them again. No warning.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q torch==2.14.1 numpy==2.4.6
"$folder/venv/bin/python" - <<'PY'
import warnings

import torch
from torch import nn

warnings.simplefilter("error")
torch.manual_seed(0)
net = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 4), nn.BatchNorm1d(4))
net[1].eval()
net[1].running_mean.fill_(7.0)
torch.optim.swa_utils.update_bn([torch.randn(8, 3), torch.randn(8, 3)], net)
print(f"torch {torch.__version__}: modes {[module.training for module in net]}, frozen mean {net[1].running_mean.tolist()}")
assert net[1].training and (net[1].running_mean - 7.0).abs().min() > 1
print("as described")
PY
