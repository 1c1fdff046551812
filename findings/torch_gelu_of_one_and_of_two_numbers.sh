#!/usr/bin/env bash
# PyTorch 2.14.1 on a CPU: does gelu of a number depend on how many numbers stand beside it?
#
# Expected: no, but for the last digits: gelu(x) is x for every large x, and infinity at infinity.
# Seen: in float32 yes. Of one number, gelu(inf) is inf and gelu(3e38) is 3e38; of two or more, gelu(inf) is NaN and the
# finite 3e38 becomes inf. Both are right in float64, with approximate="tanh", and in float32 without oneDNN, to which
# tensors of more than one number are handed. A test of the function on a single number says nothing about a layer.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q torch==2.14.1 numpy==2.4.6
"$folder/venv/bin/python" - <<'PY'
import math

import torch
import torch.nn.functional as F

print("torch", torch.__version__, torch.backends.cpu.get_cpu_capability())


def first(value, count, dtype=torch.float32, **how):
    """gelu of so many equal numbers: the first of the results."""
    return F.gelu(torch.full((count,), value, dtype=dtype), **how)[0].item()


large = torch.tensor(3e38).item()
for count in (1, 2, 3, 17):
    print(f"float32, {count} numbers: gelu(inf) = {first(math.inf, count)}, gelu(3e38) = {first(large, count):g}")
assert first(math.inf, 1) == math.inf and first(large, 1) == large
assert all(math.isnan(first(math.inf, count)) and first(large, count) == math.inf for count in (2, 3, 17))
for count in (1, 2, 17):
    assert first(math.inf, count, torch.float64) == math.inf and first(large, count, torch.float64) == large
    assert first(math.inf, count, approximate="tanh") == math.inf
    with torch.backends.mkldnn.flags(enabled=False):
        assert first(math.inf, count) == math.inf and first(large, count) == large
print("as described")
PY
