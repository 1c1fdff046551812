#!/usr/bin/env bash
# CasADi 3.8.2: does an expression of SX symbols compute the same as that of MX symbols?
#
# Expected: yes. The two differ in how they keep an expression, scalar by scalar or matrix by matrix; one chooses by
# speed, and the functions have the same names and definitions.
# Seen: not at the edges. The gradient of norm_2 at the origin is 0 with SX and NaN with MX, so a penalty on a distance
# that starts at 0 works in one and not in the other. logsumexp of -inf, -inf is -inf with SX and NaN with MX, its
# gradient 1 and NaN. The gradient of mmin(z, 1, 2) at z = NaN is NaN with SX and 0 with MX. Away from the edges all
# agree.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q casadi==3.8.2 numpy==2.4.6
"$folder/venv/bin/python" - <<'PY'
import math

import casadi

CASES = {
    "norm_2": (lambda z: casadi.norm_2(casadi.vertcat(z, 0)), 0.0, 2.0),
    "logsumexp": (lambda z: casadi.logsumexp(casadi.vertcat(z, z)), -math.inf, 2.0),
    "mmin": (lambda z: casadi.mmin(casadi.vertcat(z, 1, 2)), math.nan, 0.5),
}
seen = {}
for name, (function, edge, inside) in CASES.items():
    for kind in (casadi.SX, casadi.MX):
        z = kind.sym("z")
        y = function(z)
        compiled = casadi.Function("f", [z], [y, casadi.jacobian(y, z)])
        seen[name, kind.__name__], at_inside = ([float(v) for v in compiled(point)] for point in (edge, inside))
        assert abs(at_inside[1] - 1) < 1e-12
    both = {kind: seen[name, kind] for kind in ("SX", "MX")}
    print(f"CasADi {casadi.__version__}, {name} at {edge}: value and gradient {both}")
assert seen["norm_2", "SX"] == [0, 0] and seen["norm_2", "MX"][0] == 0 and math.isnan(seen["norm_2", "MX"][1])
assert seen["logsumexp", "SX"] == [-math.inf, 1] and all(map(math.isnan, seen["logsumexp", "MX"]))
assert math.isnan(seen["mmin", "SX"][1]) and seen["mmin", "MX"][1] == 0
print("as described")
PY
