#!/usr/bin/env bash
# NumPy 2.4.6 and 2.5.5: what does np.where do with a Python integer that does not fit the dtype beside it?
#
# Expected: the rules of NEP 50, as in arithmetic since NumPy 2.0: uint8 + 300 is an OverflowError, so is where(c, 300, u).
# Seen: up to 2.4.6 np.where alone wraps around without a word, 300 beside uint8 is 44 and -1 is 255, while addition and
# maximum of the same operands refuse. From 2.5.5 np.where refuses, too. A library on both either checks the number
# first or has results that depend on the version.
# Needs Python 3.12 to 3.14, for which there are wheels of both versions, on the path or among pyenv's.
set -euo pipefail
python=
for candidate in $(type -ap python3 python3.14 python3.13 python3.12) "$HOME"/.pyenv/versions/3.1[234]*/bin/python3; do
    if "$candidate" -c 'import ensurepip, sys; assert (3, 12) <= sys.version_info < (3, 15)' 2>/dev/null; then
        python=$candidate
        break
    fi
done
if [ -z "$python" ]; then echo "no Python 3.12 to 3.14 found" >&2 && exit 1; fi
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"$python" -m venv "$folder/2.4.6"
"$folder/2.4.6/bin/python" -m pip install -q numpy==2.4.6
"$python" -m venv "$folder/2.5.5"
"$folder/2.5.5/bin/python" -m pip install -q numpy==2.5.5
for version in 2.4.6 2.5.5; do
    "$folder/$version/bin/python" - "$version" <<'PY'
import sys

import numpy as np

beside = np.array([1, 2], np.uint8)
outcomes = {}
for name, function in {
    "add": lambda number: beside + number,
    "maximum": lambda number: np.maximum(beside, number),
    "where": lambda number: np.where([True, False], number, beside),
}.items():
    for number in (300, -1):
        try:
            outcomes[name, number] = function(number).tolist()
        except OverflowError:
            outcomes[name, number] = "OverflowError"
print(f"NumPy {np.__version__}: {outcomes}")
assert np.__version__ == sys.argv[1]
wraps = {("where", 300): [44, 2], ("where", -1): [255, 2]} if sys.argv[1] == "2.4.6" else {}
assert outcomes == {key: wraps.get(key, "OverflowError") for key in outcomes}, "not as described"
PY
done
