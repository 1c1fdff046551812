#!/usr/bin/env bash
# SciPy 1.17.1 beside Python's math module: how accurate is the complementary error function in float64?
#
# Expected: scipy.special.erfc is within a few units in the last place, as math.erfc of the C library is.
# Seen: between 6 and 26, where erfc falls from 2e-17 to 6e-296, SciPy's error grows to hundreds of units in the last
# place (487 near 25.9), two to three digits; math.erfc stays within 3 units at the same points. A normal
# distribution's tail computed by it, ndtr(-x) = erfc(x / sqrt(2)) / 2, has three digits less than float64 far out.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q scipy==1.17.1 numpy==2.4.6 mpmath==1.3.0
"$folder/venv/bin/python" - <<'PY'
import math

import mpmath
import numpy as np
from scipy import special

mpmath.mp.dps = 40
points = np.linspace(6, 26, 2001)
exact = [mpmath.erfc(mpmath.mpf(float(x))) for x in points]


def worst(values):
    """The largest error in units of the last place of the exact value."""
    return max(
        abs(float((mpmath.mpf(float(y)) - e) / mpmath.mpf(float(np.spacing(float(e)))))) for y, e in zip(values, exact)
    )


scipys, pythons = worst(special.erfc(points)), worst([math.erfc(x) for x in points])
print(f"largest error from 6 to 26: scipy.special.erfc {scipys:.0f} units in the last place, math.erfc {pythons:.1f}")
assert 100 < scipys < 2000 and pythons < 5
PY
