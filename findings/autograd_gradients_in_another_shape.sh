#!/usr/bin/env bash
# autograd 1.9.1 with NumPy 2.4.6: does a gradient have the shape of what it is the gradient of?
#
# Expected: yes, for every function that is wrapped, whatever its arguments.
# Seen: not for where() whose condition is broadcast over x, transpose() with a negative axis, linalg.norm(axis=...,
# keepdims=True) on a matrix, and outer() of a matrix. Their gradients of a (3, 4) or (2, 3, 4) array are (2, 3, 4), (4,
# 2, 3), (3, 3, 4) and (12,), without an error: x - 0.1 * gradient broadcasts, and x has another shape after the step.
# maximum(), whose operands are broadcast, too, transpose() with the same order in positive axes, and norm() without
# keepdims are right.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q autograd==1.9.1 numpy==2.4.6 scipy==1.17.1
"$folder/venv/bin/python" - <<'PY'
import importlib.metadata

import autograd.numpy as anp
import numpy as np
from autograd import grad

matrix, cube = np.arange(1.0, 13).reshape(3, 4), np.arange(1.0, 25).reshape(2, 3, 4)
print("autograd", importlib.metadata.version("autograd"))
for name, function, x, shape in (
    ("where, broadcast condition", lambda x: anp.where(np.ones((2, 3, 1)) > 0, x, 0.0), matrix, (2, 3, 4)),
    ("maximum, broadcast", lambda x: anp.maximum(x, np.zeros((2, 3, 4))), matrix, (3, 4)),
    ("transpose(-1, 0, 1)", lambda x: anp.transpose(x, (-1, 0, 1)), cube, (4, 2, 3)),
    ("transpose(2, 0, 1)", lambda x: anp.transpose(x, (2, 0, 1)), cube, (2, 3, 4)),
    ("norm, keepdims", lambda x: anp.linalg.norm(x, axis=-1, keepdims=True), matrix, (3, 3, 4)),
    ("norm", lambda x: anp.linalg.norm(x, axis=-1), matrix, (3, 4)),
    ("outer", lambda x: anp.outer(x, np.ones(2)), matrix, (12,)),
):
    found = grad(lambda x, function=function: anp.sum(function(x) ** 2))(x)
    print(f"{name}: gradient of shape {found.shape} for x of shape {x.shape}")
    assert found.shape == shape
print("as described")
PY
