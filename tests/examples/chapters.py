"""The chapters of the guide as files, and as what they have computed."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

EXAMPLES = Path(__file__).parents[2] / "examples"
CHAPTERS = sorted(EXAMPLES.glob("[0-9][0-9]_*.py"))


def run(number: int) -> dict[str, Any]:
    """The names of a chapter after it has run; of one with a main function before that is called."""
    (path,) = (path for path in CHAPTERS if path.name.startswith(f"{number:02}_"))
    return runpy.run_path(str(path))
