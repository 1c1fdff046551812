#!/usr/bin/env bash
# PyTorch 2.13.0: what does take_along_dim do with an index outside the axis?
#
# Expected: an error, as torch.gather, torch.index_select and numpy.take_along_axis raise one.
# Seen: no error. The index is taken modulo the length, whatever its size: of three elements index 5 gives element 2, 3
# gives element 0 and -7 gives element 2. A wrong index gives plausible numbers. gather, which computes the same for
# indices within the axis, refuses.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q torch==2.13.0 numpy==2.4.6
"$folder/venv/bin/python" - <<'PY'
import numpy as np
import torch

x, index = torch.tensor([[10.0, 20.0, 30.0]]), torch.tensor([[5, -7, 3]])
taken = torch.take_along_dim(x, index, 1)
print("take_along_dim at", index.tolist(), "of length 3:", taken.tolist())
assert taken.tolist() == [[30, 30, 10]] == x[:, index[0] % 3].tolist()
for name, take in {
    "torch.gather": lambda: torch.gather(x, 1, index),
    "numpy.take_along_axis": lambda: np.take_along_axis(x.numpy(), index.numpy(), 1),
}.items():
    try:
        take()
    except (IndexError, RuntimeError) as error:
        print(f"{name}: {error}")
    else:
        raise AssertionError(f"{name} does not refuse")
PY
