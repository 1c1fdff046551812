#!/usr/bin/env bash
# Keras 3.15.1: does BatchNormalization give the same on its NumPy back end as on JAX's?
#
# Expected: yes, to rounding.
# Seen: for float32 data of mean 1e4 and deviation 1 the JAX back end is right to 1e-2, the NumPy back end returns NaN in
# some channels (its variance is the mean of squares less the square of the mean, and negative). GroupNormalization, too.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q keras==3.15.1 jax==0.10.2 numpy==2.4.6
"$folder/venv/bin/python" - <<'PY'
import os
import subprocess
import sys

PROGRAM = '''
import keras, numpy as np, warnings
warnings.simplefilter("ignore")
x = (np.random.default_rng(0).normal(size=(64, 256)) + 1e4).astype(np.float32)
exact = x.astype(np.float64)
right = (exact - exact.mean(0)) / np.sqrt(exact.var(0) + 1e-3)
y = keras.ops.convert_to_numpy(keras.layers.BatchNormalization()(x, training=True))
print(np.isnan(y).sum(), np.abs(np.nan_to_num(y) - right).max())
'''
seen = {}
for back_end in ("jax", "numpy"):
    environment = dict(os.environ, KERAS_BACKEND=back_end)
    run = subprocess.run([sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True, check=True)
    count, error = run.stdout.split()
    seen[back_end] = int(count), float(error)
    print(f"keras 3.15.1 on {back_end}: {count} NaN of {64 * 256}, error {float(error):.2g}")
assert seen["jax"][0] == 0 and seen["jax"][1] < 1e-2 and seen["numpy"][0] > 0
print("as described")
PY
