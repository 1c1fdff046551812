#!/usr/bin/env bash
# PyTorch 2.13.0 with NumPy 2.4.6: what becomes of an array's read-only flag on its way through DLPack?
#
# Expected: NumPy's capsule says that the memory is read-only (DLPack has had a flag for that since version 1.0), so
# torch.from_dlpack refuses the array, or warns, as torch.from_numpy does.
# Seen: no error and no warning. The tensor can be written to, and the write arrives in the read-only array. Of a
# broadcast array, whose elements share one number, writing one element changes all. The way back,
# np.from_dlpack(tensor), gives an array that says it is writeable. A library that protects memory by handing out
# read-only views has no such protection against this door.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q torch==2.13.0 numpy==2.4.6
"$folder/venv/bin/python" - <<'PY'
import warnings

import numpy as np
import torch

warnings.simplefilter("error")
array = np.zeros(3)
array.flags.writeable = False
tensor = torch.from_dlpack(array)
tensor[0] = 5
print("read-only array after a write to the tensor:", array, "writeable:", array.flags.writeable)
assert array.tolist() == [5, 0, 0] and not array.flags.writeable
assert np.from_dlpack(tensor).flags.writeable

repeated = np.broadcast_to(np.zeros(1), (4,))
torch.from_dlpack(repeated)[1] = 7
print("broadcast array after a write to one element:", repeated)
assert repeated.tolist() == [7, 7, 7, 7]
try:
    torch.from_numpy(array)
except UserWarning as warning:
    print("torch.from_numpy warns:", str(warning).partition(".")[0])
else:
    raise AssertionError("torch.from_numpy does not warn")
PY
