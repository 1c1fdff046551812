#!/usr/bin/env bash
# PyTorch 2.14.1: what is the gradient of x.std(dim=()) and x.var(dim=())?
#
# Expected: an empty dim means all axes, as in sum, so value and gradient are those of x.std(): finite.
# Seen: the value is that of all axes, to the last bit, and the gradient is infinite: minus infinity below the mean,
# plus infinity above. Backward takes the empty dim for no axes, one element each, and divides by 1 - 1. With correction=0
# the gradient is finite and wrong: that of three separate elements, three times as large for var.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q torch==2.14.1 numpy==2.4.6
"$folder/venv/bin/python" - <<'PY'
import math

import torch

print("torch", torch.__version__)


def value_and_gradient(name, **arguments):
    """Of a function of 1, 2, 4."""
    x = torch.tensor([1.0, 2.0, 4.0], dtype=torch.float64, requires_grad=True)
    y = getattr(x, name)(**arguments)
    return y.item(), torch.autograd.grad(y, x)[0].tolist()


for name in ("std", "var"):
    right, wrong = value_and_gradient(name), value_and_gradient(name, dim=())
    print(f"{name}():       value {right[0]:.6f}, gradient {right[1]}")
    print(f"{name}(dim=()): value {wrong[0]:.6f}, gradient {wrong[1]}")
    assert wrong[0] == right[0] and wrong[1] == [-math.inf, -math.inf, math.inf]
    assert all(map(math.isfinite, right[1]))
    assert value_and_gradient(name, dim=(0,)) == right
right, wrong = value_and_gradient("var", correction=0), value_and_gradient("var", dim=(), correction=0)
print(f"var(correction=0): gradient {right[1]}, with dim=() {wrong[1]}")
assert wrong[0] == right[0] and all(math.isclose(a, 3 * b) for a, b in zip(wrong[1], right[1]))
print("as described")
PY
