#!/usr/bin/env bash
# autograd 1.9.1 with NumPy 2.4.6: is the gradient of np.repeat(x, 3, axis=-1) that of np.repeat(x, 3, axis=1) for a
# matrix x?
#
# Expected: yes: the same function, so the same values and the same gradient.
# Seen: the values are equal; the gradient with axis=-1 has the right shape and adds up the wrong elements: of a weight
# that is different for each copy, x[0, 0] gets others than its own three. A sum of all, whose weights are ones, hides
# it. And linalg.norm with ord=inf has gradient NaN at its largest element, where it should be 1 (x * |x|**(p - 2) with
# an infinite p).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q autograd==1.9.1 numpy==2.4.6 scipy==1.17.1
"$folder/venv/bin/python" - <<'PY'
import importlib.metadata
import warnings

import autograd.numpy as anp
import numpy as np
from autograd import grad

warnings.simplefilter("ignore")
x, weights = np.arange(12.0).reshape(3, 4), np.random.default_rng(0).normal(size=(3, 12))
right = weights.reshape(3, 4, 3).sum(2)
found = {axis: grad(lambda x, axis=axis: anp.sum(weights * anp.repeat(x, 3, axis=axis)))(x) for axis in (1, -1)}
print("autograd", importlib.metadata.version("autograd"), {axis: g[0].round(3) for axis, g in found.items()})
assert np.array_equal(np.repeat(x, 3, axis=1), np.repeat(x, 3, axis=-1))
np.testing.assert_allclose(found[1], right)
assert found[-1].shape == right.shape and np.abs(found[-1] - right).max() > 0.5
largest = grad(lambda v: anp.linalg.norm(v, np.inf))(np.array([1.0, 0.5, 3.0, -2.0]))
print("gradient of the largest norm:", largest)
assert np.isnan(largest[2])
print("as described")
PY
