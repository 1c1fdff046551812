#!/usr/bin/env bash
# PyTensor 3.0.7, successor of Theano: which unstable formulas does it make stable, and do NaN and infinity pass
# through?
#
# Expected: log(1 + exp(x)), log(softmax(x)) and log(sigmoid(x)) are all rewritten with optimizer="fast_run", the set of
# rewritings for real runs; a function named logaddexp is stable by itself; and 0 * x is NaN where x is infinite or NaN.
# Seen: log(1 + exp(800)) is 800 and log(softmax) is right, but log(sigmoid(-800)) is minus infinity. logaddexp(1000,
# 1000) is right only with the rewriting: in mode FAST_COMPILE it is infinite, so a program that is debugged in it
# overflows where the real one does not. And in both modes 0 * x is 0, x - x is 0 and x / x is 1 for every x: infinity,
# NaN and 0, too.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q pytensor==3.0.7 numpy==2.4.6
"$folder/venv/bin/python" - <<'PY'
import os
import warnings

os.environ["PYTENSOR_FLAGS"] = "cxx="
warnings.simplefilter("ignore")
import numpy as np
import pytensor
import pytensor.tensor as pt
from pytensor.compile.mode import Mode

x = pt.dvector("x")
MODES = {"FAST_COMPILE": "FAST_COMPILE", "fast_run": Mode(linker="py", optimizer="fast_run")}


def of(expression, *numbers):
    values = {name: pytensor.function([x], expression, mode=mode)(np.array(numbers)) for name, mode in MODES.items()}
    return [value.tolist() for value in values.values()]


softplus, softmax = of(pt.log(1 + pt.exp(x)), 800.0), of(pt.log(pt.special.softmax(x, axis=0)), -800.0, 0.0)
sigmoid, added = of(pt.log(pt.sigmoid(x)), -800.0), of(pt.logaddexp(x, x), 1000.0)
print(f"pytensor {pytensor.__version__}: log(1 + exp(800)) {softplus}, log(softmax) {softmax}")
print(f"log(sigmoid(-800)) {sigmoid}, logaddexp(1000, 1000) {added}")
assert softplus == [[np.inf], [800]] and softmax == [[-np.inf, 0], [-800, 0]] and sigmoid == [[-np.inf]] * 2
assert added[0] == [np.inf] and abs(added[1][0] - 1000.6931) < 1e-3
for name, expression, number in (("0 * x", 0 * x, 0), ("x - x", x - x, 0), ("x / x", x / x, 1)):
    seen = of(expression, np.inf, np.nan, 0.0)
    print(f"{name} at infinity, NaN, 0: {seen}")
    assert seen == [[number] * 3] * 2
print("as described")
PY
