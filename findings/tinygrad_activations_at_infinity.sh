#!/usr/bin/env bash
# tinygrad 0.14.0 (its PYTHON device): what are relu6, hardsigmoid, hardswish, softplus and atan of infinity?
#
# Expected: 6, 1, infinity, infinity and pi / 2: limits that all of them reach exactly, as relu, sigmoid, tanh and silu
# do there.
# Seen: NaN, all five. relu6 and hardsigmoid are written as the difference of two relus, which is infinity less
# infinity, and softplus and mish go by way of logaddexp. Two of these functions exist to bound their input. relu,
# relu6, hardsigmoid and elu of NaN are 0, where sigmoid and tanh keep it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q tinygrad==0.14.0 numpy==2.4.6
"$folder/venv/bin/python" - <<'PY'
import os

os.environ["DEV"] = "PYTHON"
import numpy as np
from tinygrad import Tensor


def of(name, number):
    return float(getattr(Tensor([number]), name)().numpy()[0])


broken = {name: of(name, np.inf) for name in ("relu6", "hardsigmoid", "hardswish", "softplus", "mish", "atan")}
whole = {name: of(name, np.inf) for name in ("relu", "sigmoid", "tanh", "silu")}
print("at infinity", broken, whole)
assert all(np.isnan(value) for value in broken.values()) and not any(np.isnan(value) for value in whole.values())
hidden = {name: of(name, np.nan) for name in ("relu", "relu6", "hardsigmoid", "elu")}
kept = {name: of(name, np.nan) for name in ("sigmoid", "tanh")}
print("at NaN", hidden, kept)
assert not any(hidden.values()) and all(np.isnan(value) for value in kept.values())
print("as described")
PY
