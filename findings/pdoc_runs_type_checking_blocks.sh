#!/usr/bin/env bash
# pdoc 16.0.0: what becomes of a module whose annotations need names of an `if TYPE_CHECKING:` block?
#
# Expected: the module is read; the names are looked up somewhere beside it.
# Seen: to resolve the annotation pdoc executes the block in the module's own namespace. A name that the block defines for
# type checkers replaces the one that the program uses, and the function that is documented computes something else in
# this process from then on.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q pdoc==16.0.0
cd "$folder"
cat > rounding.py <<'PY'
from __future__ import annotations

from typing import TYPE_CHECKING


def step(x):
    return x + 1


if TYPE_CHECKING:
    from fractions import Fraction

    def step(x) -> Fraction: ...


def twice(x: Fraction):
    """Two steps."""
    return step(step(x))
PY
"$folder/venv/bin/python" - <<'PY'
import pdoc
import pdoc.doc
import rounding

before = rounding.twice(1)
signature = str(pdoc.doc.Module(rounding).members["twice"].signature)
after = rounding.twice(1)
print(f"pdoc {pdoc.__version__}: {signature}; twice(1) is {before} before and {after} after")
assert before == 3 and after is None
print("as described")
PY
