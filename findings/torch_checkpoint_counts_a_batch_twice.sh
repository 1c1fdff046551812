#!/usr/bin/env bash
# PyTorch 2.14.1: what do BatchNorm's running statistics take from one batch when the layer is under
# torch.utils.checkpoint?
#
# Expected: the batch once. Checkpointing is a trade of time for memory: the same gradients, and the same model
# afterwards.
# Seen: the gradients are the same, the statistics are not. The batch goes in once in forward and once more when
# backward computes forward again, so num_batches_tracked is 2 after one step and the running mean has moved 1.9 times
# as far. preserve_rng_state, which is there so that dropout's second run is like its first, does nothing for this. No
# warning.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q torch==2.14.1 numpy==2.4.6
"$folder/venv/bin/python" - <<'PY'
import torch
from torch import nn
from torch.utils.checkpoint import checkpoint

x = torch.tensor([[1.0], [3.0], [8.0]])
seen = {}
for name in ("plain", "checkpoint", "checkpoint, reentrant"):
    bn, inputs = nn.BatchNorm1d(1), x.clone().requires_grad_()
    y = bn(inputs) if name == "plain" else checkpoint(bn, inputs, use_reentrant=name != "checkpoint")
    y.pow(3).sum().backward()
    seen[name] = bn.num_batches_tracked.item(), bn.running_mean.item(), bn.weight.grad.item(), inputs.grad
    print(f"torch {torch.__version__}, {name}: {seen[name][0]} batches, running mean {seen[name][1]:.3f}")
for name in ("checkpoint", "checkpoint, reentrant"):
    assert torch.equal(seen[name][3], seen["plain"][3]) and seen[name][2] == seen["plain"][2]
    assert seen[name][0] == 2 and abs(seen[name][1] - 1.9 * seen["plain"][1]) < 1e-6
assert seen["plain"][0] == 1
print("as described")
PY
