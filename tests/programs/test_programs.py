"""Programs as PyTorch's users write them run with only the imports changed, and print PyTorch's numbers.

The text beside each program is what it printed with PyTorch 2.14.1 on one thread.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

PROGRAMS = sorted(path for path in Path(__file__).parent.glob("*.py") if path.with_suffix(".txt").exists())

IMPORTS = [
    (r"^import torch$", "import minigrad as torch"),
    (r"^import torch\.", "import minigrad."),
    (r"^from torch\b", "from minigrad"),
]
"""The lines that change."""

NUMBER = re.compile(r"-?\d+\.\d+(?:e-?\d+)?")


def words(text: str) -> list[str]:
    """What is printed between its numbers; sizes print as plain tuples here, and dtypes as NumPy's."""
    text = re.sub(r"torch\.Size\(\[([^\]]*)\]\)", r"(\1)", text)
    return NUMBER.split(re.sub(r"\btorch\.(?=u?int|float|bool)", "", text))


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda path: path.stem)
def test_a_program_prints_what_pytorch_prints(program: Path, tmp_path: Path) -> None:
    source = program.read_text(encoding="utf-8")
    for line, ours in IMPORTS:
        source = re.sub(line, ours, source, flags=re.MULTILINE)
    changed = tmp_path / program.name
    changed.write_text(source, encoding="utf-8")
    run = subprocess.run([sys.executable, changed], capture_output=True, text=True, check=False, timeout=120)
    assert run.returncode == 0, run.stderr
    expected = program.with_suffix(".txt").read_text(encoding="utf-8")
    assert words(run.stdout) == words(expected)
    numbers, theirs = ([float(n) for n in NUMBER.findall(text)] for text in (run.stdout, expected))
    np.testing.assert_allclose(numbers, theirs, rtol=2e-4, atol=2e-5)


def test_there_are_programs() -> None:
    assert len(PROGRAMS) >= 5
