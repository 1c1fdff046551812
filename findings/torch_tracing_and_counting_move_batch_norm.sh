#!/usr/bin/env bash
# PyTorch 2.14.1, fvcore 0.1.5.post20221221, thop 0.1.1.post2209072238, torchinfo 1.8.0: does looking at a model in
# train mode move its BatchNorm's running statistics?
#
# Expected: no. Tracing, counting of operations and summaries say something about a model and leave it as it is; two of
# them (thop, torchinfo) do so by running it in eval mode and putting the modes back.
# Seen: fvcore's FlopCountAnalysis and torch's own FlopCounterMode feed their example to the statistics once,
# torch.jit.trace even five times, to record and to check the result. An example of zeros or ones (the usual one) takes
# a trained running mean 41 % of the way to its own values. No warning.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q torch==2.14.1 numpy==2.4.6 fvcore==0.1.5.post20221221 thop==0.1.1.post2209072238 torchinfo==1.8.0 \
    setuptools==80.9.0
"$folder/venv/bin/python" - <<'PY'
import logging
import warnings

import thop
import torch
import torchinfo
from fvcore.nn import FlopCountAnalysis
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

warnings.simplefilter("ignore")
logging.disable(logging.WARNING)
x = torch.ones(8, 3)


def counted(model):
    with FlopCounterMode(display=False):
        model(x)


batches = {}
for name, look in {
    "thop.profile": lambda model: thop.profile(model, (x,), verbose=False),
    "torchinfo.summary": lambda model: torchinfo.summary(model, (8, 3), verbose=0),
    "FlopCountAnalysis": lambda model: FlopCountAnalysis(model, x).total(),
    "FlopCounterMode": counted,
    "torch.jit.trace": lambda model: torch.jit.trace(model, x),
}.items():
    model = nn.Sequential(nn.BatchNorm1d(3), nn.Linear(3, 2))
    look(model)
    batches[name] = model[0].num_batches_tracked.item()
    moved = model[0].running_mean[0].item()
    assert model[0].training and abs(moved - (1 - 0.9 ** batches[name])) < 1e-6
    print(f"torch {torch.__version__}, {name}: {batches[name]} batches, running mean {moved:.3f}")
assert list(batches.values()) == [0, 0, 1, 1, 5]
print("as described")
PY
