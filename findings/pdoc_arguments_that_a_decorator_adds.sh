#!/usr/bin/env bash
# pdoc 16.0.0: how is a function shown whose decorator adds an argument, and says so in __signature__?
#
# Expected: as inspect.signature and help() show it, `scale(x, *, inplace=False)`, with the docstring of the wrapper.
# Seen: pdoc goes on to __wrapped__, which functools.wraps sets, and documents that: `scale(x)` with its own docstring. The
# argument that the decorator adds is on no page, and a docstring that the decorator completes is not either.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q pdoc==16.0.0
cd "$folder"
cat > scaling.py <<'PY'
import functools
import inspect


def with_inplace(function):
    @functools.wraps(function)
    def wrapper(*args, inplace=False, **named):
        return function(*args, **named)

    own = inspect.signature(function)
    added = inspect.Parameter("inplace", inspect.Parameter.KEYWORD_ONLY, default=False)
    wrapper.__signature__ = own.replace(parameters=[*own.parameters.values(), added])
    wrapper.__doc__ = f"{function.__doc__} With inplace the argument itself."
    return wrapper


@with_inplace
def scale(x):
    """Twice x."""
    return 2 * x
PY
"$folder/venv/bin/python" - <<'PY'
import inspect

import pdoc
import pdoc.doc
import scaling

shown = pdoc.doc.Module(scaling).members["scale"]
print(f"pdoc {pdoc.__version__}: inspect.signature says {inspect.signature(scaling.scale)}, {scaling.scale.__doc__!r}")
print(f"pdoc shows {shown.signature}, {shown.docstring!r}")
assert "inplace" in str(inspect.signature(scaling.scale)) and "itself" in scaling.scale.__doc__
assert "inplace" not in str(shown.signature) and shown.docstring == "Twice x."
print("as described")
PY
