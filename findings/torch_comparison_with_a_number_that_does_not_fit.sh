#!/usr/bin/env bash
# PyTorch 2.14.1: what is an int8 tensor that holds 7, compared with 263, or a uint8 tensor divided by 300?
#
# Expected: not equal, and 0: the number does not fit the dtype, so the comparison is done in a wider one, as it is in
# NumPy, or it is an error.
# Seen: equal. The number is reduced modulo 256 first, without a warning: 7 == 263 is True, 7 < 263 is False, and
# uint8 200 // 300 is 4, since it is divided by 44. NumPy 2.4.6 compares the same array rightly and raises OverflowError
# for the division.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q torch==2.14.1 numpy==2.4.6
"$folder/venv/bin/python" - <<'PY'
import numpy as np
import torch

small, byte = torch.tensor([7], dtype=torch.int8), torch.tensor([200], dtype=torch.uint8)
seen = (small == 263).item(), (small < 263).item(), (byte // 300).item()
print(f"torch {torch.__version__}: 7 == 263 is {seen[0]}, 7 < 263 is {seen[1]}, 200 // 300 is {seen[2]}")
assert seen == (True, False, 4)
assert not (small.numpy() == 263)[0] and (small.numpy() < 263)[0]
try:
    byte.numpy() // 300
except OverflowError:
    pass
else:
    raise AssertionError("divided")
print("as described")
PY
