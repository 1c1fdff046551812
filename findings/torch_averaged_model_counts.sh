#!/usr/bin/env bash
# PyTorch 2.14.1: what becomes of BatchNorm's num_batches_tracked in AveragedModel(model, use_buffers=True)?
#
# Expected: an error, since a mean of integers is none, or the mean to the nearest integer: of the counts 1, 2, ..., 100
# about 50.
# Seen: no error and no warning. The mean is cut off towards zero in each step, and the running mean grows by less than
# one in each, so the count stays at 1 for ever. With momentum=None, where the count is the weight of the next batch, the
# averaged model goes on as if it had seen a single batch: one more takes its statistics half the way.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q torch==2.14.1 numpy==2.4.6
"$folder/venv/bin/python" - <<'PY'
import warnings

import torch
from torch.optim.swa_utils import AveragedModel

warnings.simplefilter("error")
model = torch.nn.BatchNorm1d(1, momentum=None)
averaged = AveragedModel(model, use_buffers=True)
for step in range(1, 101):
    model(step + torch.tensor([[-1.0], [1.0]]))
    averaged.update_parameters(model)
count, mean = averaged.module.num_batches_tracked.item(), averaged.module.running_mean.item()
print(f"torch {torch.__version__}: counts 1 to {model.num_batches_tracked.item()}, their average {count}")
assert count == 1 and model.num_batches_tracked.item() == 100
averaged.train()
averaged(torch.tensor([[-1.0], [1.0]]))
after = averaged.module.running_mean.item()
print(f"a batch of mean 0 takes the running mean from {mean:.2f} to {after:.2f}")
assert abs(after - mean / 2) < 1e-3 * mean
print("as described")
PY
